"""Rules of the functions that move entries about: shapes, axes, joining, repeating, padding."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from gradtape.derivatives.axes import inverse, one_axis, several_axes
from gradtape.derivatives.primitives import broadcast, broadcast_view, embed, prefixed
from gradtape.errors import no_rule_for_argument
from gradtape.rules import Primitive, Variadic, bare, meaning

Shape = tuple[int, ...]


# Reshaping ------------------------------------------------------------------------------------


def _reshape(x: Any, /, shape: Shape) -> Any:
    return x.reshape(shape)


reshaped = Primitive(
    _reshape,
    lambda g, x_shape, batch: g.reshape(batch + x_shape),
    lambda t, shape, batch: t.reshape(batch + shape),
    kind="movement",
)


def _full_shape(lengths: Any, size: int) -> Shape:
    """A shape without -1."""
    shape = tuple([operator.index(n) for n in lengths])
    if -1 in shape:
        rest = 1
        for n in shape:
            rest *= -n if n == -1 else n
        if rest and size % rest == 0 and shape.count(-1) == 1:
            shape = tuple([size // rest if n == -1 else n for n in shape])
    return shape


def _fortran(function: Any, order: str) -> bool:
    """Whether the first axis is to change fastest."""
    if order not in ("C", "F"):
        reason = "only 'C' and 'F' say the same for every layout in memory"
        raise no_rule_for_argument(function, "order", reason)
    return order == "F"


@meaning(np.reshape)
def reshape(a: Any, /, shape: Any, order: str = "C", *, copy: Any = None) -> Any:
    shape = (shape,) if np.ndim(shape) == 0 else tuple(shape)
    if _fortran(np.reshape, order):
        return np.transpose(np.reshape(np.transpose(a), shape[::-1]))
    return reshaped(a, shape=_full_shape(shape, a.size))


@meaning(np.ndarray.reshape)
def reshape_method(a: Any, /, *shape: Any, order: str = "C") -> Any:
    return reshape(a, shape[0] if len(shape) == 1 else shape, order)


@meaning(np.ravel)
def ravel(a: Any, order: str = "C") -> Any:
    return reshape(a, (a.size,), "F" if _fortran(np.ravel, order) else "C")


@meaning(np.ndarray.flatten)
def flatten(a: Any, order: str = "C") -> Any:
    return np.copy(ravel(a, order))  # where ravel gives a view


@meaning(np.squeeze)
def squeeze(a: Any, axis: Any = None) -> Any:
    if axis is None:
        return reshaped(a, shape=tuple([n for n in a.shape if n != 1]))
    axes = several_axes(axis, a.ndim)
    for i in axes:
        if a.shape[i] != 1:
            raise ValueError(
                f"cannot squeeze axis {i + a.ndim} of shape {a.shape}: its length is not one"
            )
    return reshaped(a, shape=tuple([n for i, n in enumerate(a.shape) if i - a.ndim not in axes]))


@meaning(np.expand_dims)
def expand_dims(a: Any, axis: Any) -> Any:
    count = len(axis) if isinstance(axis, (tuple, list)) else 1
    ndim = a.ndim + count
    axes = several_axes(tuple(axis) if isinstance(axis, list) else axis, ndim)
    rest = iter(a.shape)
    return reshaped(a, shape=tuple([1 if i - ndim in axes else next(rest) for i in range(ndim)]))


@meaning(np.atleast_1d)
def atleast_1d(*arys: Any) -> Any:
    return _each(arys, lambda a: a if np.ndim(a) else np.reshape(a, (1,)))


@meaning(np.atleast_2d)
def atleast_2d(*arys: Any) -> Any:
    return _each(arys, lambda a: np.atleast_1d(a)[None] if np.ndim(a) < 2 else a)


@meaning(np.atleast_3d)
def atleast_3d(*arys: Any) -> Any:
    return _each(arys, lambda a: np.atleast_2d(a)[..., None] if np.ndim(a) < 3 else a)


def _each(arrays: tuple[Any, ...], function: Any) -> Any:
    results = tuple([function(a) for a in arrays])
    return results[0] if len(results) == 1 else results


# Permuting axes -------------------------------------------------------------------------------


def permute(x: Any, axes: tuple[int, ...]) -> Any:
    """Transpose the last axes of x; those in front of them stay."""
    leading = x.ndim - len(axes)
    if leading == 0 and axes == (-1, -2):
        return x.T
    return np.transpose(x, (*range(leading), *[a + x.ndim for a in axes]))


def _transpose(x: Any, /, axes: tuple[int, ...]) -> Any:
    return permute(x, axes)


transposed = Primitive(
    _transpose,
    lambda g, axes: permute(g, inverse(axes)),
    lambda t, axes: permute(t, axes),
    kind="movement",
)


@meaning(np.transpose)
def transpose(a: Any, axes: Any = None) -> Any:
    if axes is None:
        return transposed(a, axes=tuple(range(-1, -a.ndim - 1, -1)))
    order = tuple([one_axis(i, a.ndim) for i in axes])
    if sorted(order) != list(range(-a.ndim, 0)):
        raise ValueError(f"axes {tuple(axes)} don't match the {a.ndim} axes of the array")
    return transposed(a, axes=order)


@meaning(np.ndarray.transpose)
def transpose_method(a: Any, *axes: Any) -> Any:
    several = len(axes) == 1 and (axes[0] is None or isinstance(axes[0], (tuple, list)))
    return transpose(a, (axes[0] if several else axes) or None)


@meaning(np.matrix_transpose)
def matrix_transpose(x: Any, /) -> Any:
    if x.ndim < 2:
        raise ValueError(f"matrix transpose needs at least two axes, got shape {x.shape}")
    return np.swapaxes(x, -1, -2)


@meaning(np.swapaxes)
def swapaxes(a: Any, axis1: Any, axis2: Any) -> Any:
    order = list(range(-a.ndim, 0))
    i, j = one_axis(axis1, a.ndim), one_axis(axis2, a.ndim)
    order[i], order[j] = order[j], order[i]
    return transposed(a, axes=tuple(order))


@meaning(np.moveaxis)
def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    probe = np.empty((1,) * a.ndim)
    sources = [source] if np.ndim(source) == 0 else list(source)
    goals = [destination] if np.ndim(destination) == 0 else list(destination)
    np.moveaxis(probe, source, destination)  # NumPy's errors
    goals = [one_axis(i, a.ndim) + a.ndim for i in goals]
    sources = [one_axis(i, a.ndim) + a.ndim for i in sources]
    order = [i for i in range(a.ndim) if i not in sources]
    for goal, origin in sorted(zip(goals, sources, strict=True)):
        order.insert(goal, origin)
    return transpose(a, tuple(order))


@meaning(np.rollaxis)
def rollaxis(a: Any, axis: Any, start: int = 0) -> Any:
    n = a.ndim
    axis = one_axis(axis, n) + n
    if not -n <= start <= n:
        raise ValueError(f"rollaxis: start must be between {-n} and {n}, got {start}")
    start = start % n if start < 0 else start
    return np.moveaxis(a, axis, start - 1 if axis < start else start)


# Broadcasting and repeating -------------------------------------------------------------------


@meaning(np.broadcast_to)
def broadcast_to(array: Any, shape: Any, subok: bool = False) -> Any:
    shape = (shape,) if np.ndim(shape) == 0 else tuple(shape)
    fits = [n in (1, m) for n, m in zip(array.shape[::-1], shape[::-1], strict=False)]
    if array.ndim > len(shape) or not all(fits):
        raise ValueError(f"broadcast_to: shape {array.shape} does not broadcast to {shape}")
    return broadcast_view(array, shape=tuple([operator.index(n) for n in shape]))


@meaning(np.broadcast_arrays)
def broadcast_arrays(*args: Any, subok: bool = False) -> Any:
    shape = np.broadcast_shapes(*[np.shape(a) for a in args])
    return tuple([np.broadcast_to(a, shape) for a in args])


@meaning(np.tile)
def tile(A: Any, reps: Any) -> Any:
    counts = (reps,) if np.ndim(reps) == 0 else tuple(reps)
    counts = (1,) * (A.ndim - len(counts)) + tuple([operator.index(n) for n in counts])
    shape = (1,) * (len(counts) - A.ndim) + A.shape
    apart = tuple([n for length in shape for n in (1, length)])
    whole = tuple([n for pair in zip(counts, shape, strict=True) for n in pair])
    final = tuple([c * n for c, n in zip(counts, shape, strict=True)])
    return reshaped(broadcast(reshaped(A, shape=apart), shape=whole), shape=final)


@meaning(np.repeat)
def repeat(a: Any, repeats: Any, axis: Any = None) -> Any:
    if axis is None or not a.ndim:
        a, axis = np.ravel(a), axis or 0
    return np.take(a, np.repeat(np.arange(a.shape[axis]), repeats), axis)


# Joining and splitting ------------------------------------------------------------------------


def _slot(index: int, shapes: tuple[Shape, ...], axis: int) -> tuple[Any, ...]:
    """The basic index of one of the joined arrays in the result, from the last axes."""
    start = sum([shape[axis] for shape in shapes[:index]])
    return (..., slice(start, start + shapes[index][axis]), *[slice(None)] * (-axis - 1))


def _concatenate(xs: tuple[Any, ...], /, axis: int) -> Any:
    return np.concatenate(xs, axis)


def _push_concatenate(
    t: Any, out: Any, shapes: tuple[Shape, ...], axis: int, batch: Shape, index: int
) -> Any:
    return embed(t, shape=batch + out.shape, index=_slot(index, shapes, axis))


joined = Variadic(
    _concatenate,
    lambda g, shapes, axis, index: g[_slot(index, shapes, axis)],
    _push_concatenate,
    kind="movement",
    fills=True,
    name="concatenate",
)


@meaning(np.concatenate)
def concatenate(arrays: Any, axis: Any = 0, *, dtype: Any = None) -> Any:
    arrays = [a if hasattr(a, "dtype") else np.asarray(a) for a in arrays]
    if axis is None:
        arrays, axis = [np.ravel(a) for a in arrays], 0
    if dtype is not None:
        for a in arrays:
            if not np.can_cast(a.dtype, dtype, "same_kind"):
                raise TypeError(f"concatenate: cannot cast from {a.dtype} to {np.dtype(dtype)}")
        arrays = [a.astype(dtype) for a in arrays]
    return joined(*arrays, axis=one_axis(axis, arrays[0].ndim))


@meaning(np.stack)
def stack(arrays: Any, axis: Any = 0, *, dtype: Any = None) -> Any:
    arrays = list(arrays)
    shapes = {np.shape(a) for a in arrays}
    if len(shapes) != 1:
        raise ValueError(f"stack: all input arrays must have the same shape, got {sorted(shapes)}")
    return np.concatenate([np.expand_dims(a, axis) for a in arrays], axis, dtype=dtype)


@meaning(np.vstack)
def vstack(tup: Any, *, dtype: Any = None) -> Any:
    return np.concatenate([np.atleast_2d(a) for a in tup], 0, dtype=dtype)


@meaning(np.hstack)
def hstack(tup: Any, *, dtype: Any = None) -> Any:
    arrays = [np.atleast_1d(a) for a in tup]
    return np.concatenate(arrays, 0 if arrays[0].ndim == 1 else 1, dtype=dtype)


@meaning(np.dstack)
def dstack(tup: Any) -> Any:
    return np.concatenate([np.atleast_3d(a) for a in tup], 2)


@meaning(np.column_stack)
def column_stack(tup: Any) -> Any:
    columns = [np.expand_dims(a, 1) if np.ndim(a) == 1 else np.atleast_2d(a) for a in tup]
    return np.concatenate(columns, 1)


@meaning(np.append)
def append(arr: Any, values: Any, axis: Any = None) -> Any:
    return np.concatenate([arr, values], axis)


@meaning(np.split)
def split(ary: Any, indices_or_sections: Any, axis: Any = 0) -> Any:
    if np.ndim(indices_or_sections) == 0 and ary.shape[axis] % indices_or_sections:
        raise ValueError(
            f"split: {ary.shape[axis]} entries do not divide into {indices_or_sections} equal "
            "parts; array_split takes unequal ones"
        )
    return np.array_split(ary, indices_or_sections, axis)


@meaning(np.array_split)
def array_split(ary: Any, indices_or_sections: Any, axis: Any = 0) -> Any:
    axis = one_axis(axis, ary.ndim)
    parts = np.array_split(np.arange(ary.shape[axis]), indices_or_sections)
    rest = [slice(None)] * (-axis - 1)
    spans = [slice(int(p[0]), int(p[-1]) + 1) if len(p) else slice(0, 0) for p in parts]
    return [ary[(..., span, *rest)] for span in spans]


@meaning(np.hsplit)
def hsplit(ary: Any, indices_or_sections: Any) -> Any:
    return np.split(ary, indices_or_sections, 1 if ary.ndim > 1 else 0)


@meaning(np.dsplit)
def dsplit(ary: Any, indices_or_sections: Any) -> Any:
    return np.split(ary, indices_or_sections, 2)


@meaning(getattr(np, "unstack", None))
def unstack(x: Any, /, *, axis: int = 0) -> Any:
    return tuple(np.moveaxis(x, axis, 0))


@meaning(np.vsplit)
def vsplit(ary: Any, indices_or_sections: Any) -> Any:
    return np.split(ary, indices_or_sections, 0)


# Reversing and shifting -----------------------------------------------------------------------


@meaning(np.flip)
def flip(m: Any, axis: Any = None) -> Any:
    axes = several_axes(axis, m.ndim)
    return m[tuple([slice(None, None, -1 if i in axes else 1) for i in range(-m.ndim, 0)])]


@meaning(np.fliplr)
def fliplr(m: Any) -> Any:
    return np.flip(m, 1)


@meaning(np.flipud)
def flipud(m: Any) -> Any:
    return np.flip(m, 0)


@meaning(np.rot90)
def rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    if m.ndim < 2:
        raise ValueError(f"rot90: needs at least two axes, got shape {m.shape}")
    first, second = [one_axis(i, m.ndim) for i in axes]
    if first == second:
        raise ValueError(f"rot90: the axes {tuple(axes)} must be different")
    turns = k % 4
    if turns == 2:
        return np.flip(m, (first, second))
    if turns == 1:
        m = np.flip(m, second)
    if turns:
        m = np.swapaxes(m, first, second)
    return np.flip(m, second) if turns == 3 else m[...]


@meaning(np.roll)
def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    if axis is None:
        return np.reshape(np.roll(np.ravel(a), shift, 0), a.shape)
    shifts, axes = np.broadcast_arrays(shift, axis)
    for by, along in zip(shifts.ravel().tolist(), axes.ravel().tolist(), strict=True):
        i = one_axis(along, a.ndim)
        n = a.shape[i]
        if n:
            rest = [slice(None)] * (-i - 1)
            cut = n - by % n
            a = np.concatenate([a[(..., slice(cut, None), *rest)], a[(..., slice(cut), *rest)]], i)
    return a


# Filling ---------------------------------------------------------------------------------------


@meaning(np.full_like)
def full_like(a: Any, fill_value: Any, dtype: Any = None, *, shape: Any = None) -> Any:
    dtype = a.dtype if dtype is None else np.dtype(dtype)
    shape = a.shape if shape is None else shape
    if not hasattr(fill_value, "__gradtape_apply__"):
        return a.result_class(np.full(shape, fill_value, dtype)[()])
    return np.broadcast_to(fill_value.astype(dtype), shape).copy()  # to be written into


bare(
    *(np.shape, np.ndim, np.size),
    *(np.result_type, np.can_cast, np.min_scalar_type, np.broadcast_shapes, np.common_type),
)

__all__ = ["broadcast", "embed", "permute", "prefixed", "reshaped", "transposed"]
