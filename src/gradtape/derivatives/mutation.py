"""NumPy's functions that write into their argument, and those that make something to write into."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape import errors
from gradtape.derivatives.axes import bare_array
from gradtape.rules import meaning, strip

__all__: list[str] = []


def _target(function: str, a: Any) -> Any:
    """The tensor that is to be written into; an error for a bare array."""
    if not hasattr(a, "__gradtape_apply__"):
        raise TypeError(
            f"{function} cannot write a tensor into {errors.describe(a)}: its gradient would be "
            "lost. Make the array a tensor (gradtape.zeros, np.zeros_like(t), gradtape.constant)."
        )
    return a


@meaning(np.copyto)
def copyto(dst: Any, src: Any, casting: Any = "same_kind", where: Any = True) -> None:
    dst, dtype = _target("copyto", dst), bare_array(src).dtype
    if not np.can_cast(dtype, dst.dtype, casting):
        raise TypeError(
            f"copyto: cannot cast from {dtype} to {dst.dtype} by the rule {casting!r}; cast the "
            "source with astype, or say casting='unsafe'"
        )
    if where is True:
        dst[...] = src
    else:
        here = np.broadcast_to(strip(where), dst.shape)
        dst[here] = np.broadcast_to(src, dst.shape)[here]


@meaning(np.putmask)
def putmask(a: Any, mask: Any, values: Any) -> None:
    here = np.flatnonzero(bare_array(mask).reshape(_target("putmask", a).shape))
    _put(a, here, np.ravel(values)[here % np.size(strip(values))])


@meaning(np.place)
def place(arr: Any, mask: Any, vals: Any) -> None:
    here = np.flatnonzero(bare_array(mask).reshape(_target("place", arr).shape))
    _put(arr, here, np.ravel(vals)[np.arange(here.size) % np.size(strip(vals))])


@meaning(np.put)
def put(a: Any, ind: Any, v: Any, mode: Any = "raise") -> None:
    positions, size = np.ravel(strip(ind)), _target("put", a).size
    if mode == "raise":
        if positions.size and not (-size <= positions.min() and positions.max() < size):
            raise IndexError(
                f"put: argument `ind` holds {positions.min()} to {positions.max()}, but the array "
                f"has {size} entries"
            )
        positions = positions % size
    else:
        positions = positions % size if mode == "wrap" else np.clip(positions, 0, size - 1)
    _put(a, positions, np.ravel(v)[np.arange(positions.size) % np.size(strip(v))])


def _put(a: Any, positions: Any, values: Any) -> None:
    """Write at flat positions."""
    if positions.size:
        a[np.unravel_index(positions, a.shape)] = values


@meaning(np.put_along_axis)
def put_along_axis(arr: Any, indices: Any, values: Any, axis: Any = -1) -> None:
    arr, indices = _target("put_along_axis", arr), bare_array(indices)
    if axis is None:
        arr[np.unravel_index(indices, arr.shape)] = values
        return
    grid: list[Any] = list(np.ix_(*[np.arange(n) for n in indices.shape]))
    grid[axis] = indices
    arr[tuple(grid)] = values


@meaning(np.fill_diagonal)
def fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    places = np.zeros(_target("fill_diagonal", a).shape, np.intp)
    np.fill_diagonal(places, 1, wrap=wrap)
    positions = np.flatnonzero(places)
    _put(a, positions, np.ravel(val)[np.arange(positions.size) % np.size(strip(val))])


# Something to write into --------------------------------------------------------------------------


def _made_like(function: Any) -> None:
    """Say that a function makes a tensor of a tensor, so that it can be written into."""

    def like(a: Any, dtype: Any = None, order: Any = "K", *, shape: Any = None) -> Any:
        if hasattr(a, "__gradtape_symbol__"):  # its entries are not asked for
            dtype, shape = dtype or a.dtype, a.shape if shape is None else shape
            return a.fresh(function(np.empty(shape, a.dtype), dtype)[()])
        return a.result_class(function(a.array, dtype, order, shape=shape)[()])

    meaning(function)(like)


for _function in (np.zeros_like, np.ones_like, np.empty_like):
    _made_like(_function)
