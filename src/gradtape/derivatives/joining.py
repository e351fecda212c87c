"""Rules of blocks, insertions, deletions, grids and copies."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from gradtape.derivatives.axes import as_array, one_axis, several_axes
from gradtape.rules import meaning, strip

__all__: list[str] = []

# Blocks and grids -----------------------------------------------------------------------------


@meaning(np.block)
def block(arrays: Any) -> Any:
    depths = {depth for _, depth in _blocks(arrays, 0)}
    if len(depths) != 1:
        raise ValueError(f"block: the lists are nested to different depths, {sorted(depths)}")
    (depth,) = depths
    ndim = max([depth, *[np.ndim(a) for a, _ in _blocks(arrays, 0)]])
    return _joined_blocks(arrays, depth, ndim)


def _blocks(nest: Any, depth: int) -> Iterator[tuple[Any, int]]:
    """The arrays in nested lists, and how deep they lie."""
    if isinstance(nest, tuple):
        raise TypeError("block: only lists can be used to arrange blocks, got a tuple")
    if isinstance(nest, list):
        if not nest:
            raise ValueError("block: lists cannot be empty")
        for part in nest:
            yield from _blocks(part, depth + 1)
    else:
        yield nest, depth


def _joined_blocks(nest: Any, depth: int, ndim: int) -> Any:
    if isinstance(nest, list):
        return np.concatenate([_joined_blocks(part, depth - 1, ndim) for part in nest], -depth)
    array = as_array(nest)
    return np.reshape(array, (1,) * (ndim - array.ndim) + array.shape)


@meaning(np.meshgrid)
def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> Any:
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid: indexing must be 'xy' or 'ij', got {indexing!r}")
    n = len(xi)
    order = [1, 0, *range(2, n)] if indexing == "xy" and n > 1 else range(n)
    grids = []
    for x, axis in zip(xi, order, strict=True):
        shape = [1] * n
        shape[axis] = -1
        grids.append(np.reshape(as_array(x), shape))
    return tuple(grids) if sparse else np.broadcast_arrays(*grids)


# Inserting, deleting, resizing ----------------------------------------------------------------


@meaning(np.insert)
def insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    arr, values = as_array(arr), as_array(values)
    # NumPy inserts the places of the entries: those of the values are negative.
    places = np.arange(arr.size).reshape(arr.shape)
    new = np.arange(-values.size, 0).reshape(values.shape)
    source = np.insert(places, strip(obj), new, axis)
    return np.concatenate([np.ravel(arr), np.ravel(values).astype(arr.dtype)])[source]


@meaning(np.delete)
def delete(arr: Any, obj: Any, axis: Any = None) -> Any:
    if axis is None:
        arr, axis = np.ravel(arr), 0
    return np.take(arr, np.delete(np.arange(arr.shape[axis]), strip(obj)), axis)


@meaning(np.resize)
def resize(a: Any, new_shape: Any) -> Any:
    shape = (new_shape,) if np.ndim(new_shape) == 0 else tuple(new_shape)
    if not a.size:  # NumPy fills with zeros
        return np.zeros_like(a, shape=shape)
    return np.ravel(a)[np.resize(np.arange(a.size), shape)]


@meaning(np.trim_zeros)
def trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    trim = trim.lower()
    if trim not in ("f", "b", "fb", "bf"):
        raise ValueError(f"trim_zeros: trim must be 'f', 'b' or 'fb', got {trim!r}")
    filt = as_array(filt)
    if _is_for_poly1d():
        return filt  # a leading coefficient of 0 has a derivative
    places = np.argwhere(strip(filt))
    axes = several_axes(axis, filt.ndim)
    index = [slice(None)] * filt.ndim
    for i in axes:
        if len(places):
            first, last = places[:, i].min(), places[:, i].max() + 1
            index[i] = slice(first if "f" in trim else None, last if "b" in trim else None)
        else:
            index[i] = slice(0, 0)
    return filt[tuple(index)]


def _is_for_poly1d() -> bool:
    """Whether np.poly1d is asking: it drops leading zeros of its coefficients."""
    frame = sys._getframe(1)
    for _ in range(5):
        if frame.f_back is None:
            return False
        frame = frame.f_back
        if frame.f_code.co_qualname == "poly1d.__init__":
            return True
    return False


@meaning(np.copy)
def copy(a: Any, order: str = "K", subok: bool = False) -> Any:
    return np.positive(a) if a.dtype.kind != "b" else a.result_class(strip(a).copy())


# Functions applied along axes -----------------------------------------------------------------


@meaning(np.apply_along_axis)
def apply_along_axis(func1d: Any, axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    axis = one_axis(axis, arr.ndim) + arr.ndim
    rows = np.moveaxis(arr, axis, -1)
    leading = rows.shape[:-1]
    if 0 in leading:
        raise ValueError(f"apply_along_axis: no row to apply it to, got shape {arr.shape}")
    results = [as_array(func1d(rows[i], *args, **kwargs)) for i in np.ndindex(leading)]
    shape, dtype = results[0].shape, results[0].dtype
    whole = np.reshape(np.stack([r.astype(dtype) for r in results]), leading + shape)
    n, m = len(leading), len(shape)
    return np.transpose(whole, (*range(axis), *range(n, n + m), *range(axis, n)))


@meaning(np.apply_over_axes)
def apply_over_axes(func: Any, a: Any, axes: Any) -> Any:
    n = a.ndim
    for axis in [axes] if np.ndim(axes) == 0 else axes:
        axis = axis + n if axis < 0 else axis
        result = func(a, axis)
        if result.ndim != a.ndim:
            result = np.expand_dims(result, axis)
        if result.ndim != a.ndim:
            raise ValueError(
                "apply_over_axes: the function must keep or drop one axis, got shape "
                f"{result.shape} from {a.shape}"
            )
        a = result
    return a
