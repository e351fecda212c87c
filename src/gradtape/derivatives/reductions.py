"""Rules of the functions that sum up, and of the cumulative ones."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from gradtape.derivatives.axes import kept, one_axis, several_axes
from gradtape.derivatives.primitives import broadcast, filled
from gradtape.rules import Primitive, adjoint, meaning

__all__ = [
    *("total", "average", "largest", "smallest", "product", "variance"),
    *("running_sum", "running_product"),
]

Shape = tuple[int, ...]
Axes = tuple[int, ...]


def _spread(g: Any, x_shape: Shape, axis: Axes, batch: Shape) -> Any:
    """Undo the shape of a reduction: every entry that fed an output entry gets its value."""
    if len(axis) != len(x_shape) or batch:
        g = g.reshape(batch + kept(x_shape, axis))
    elif g.ndim:
        g = g.reshape(())
    elif isinstance(g, np.generic):
        return filled(g, x_shape)  # the common case, without detours
    return broadcast.on(g, batch + x_shape)


def _count(shape: Shape, axis: Axes) -> int:
    """How many entries feed one output entry."""
    return prod(shape) if len(axis) == len(shape) else prod([shape[a] for a in axis])


def _whole(x: Any, axis: Axes) -> Any:
    """The axis argument that NumPy reduces fastest."""
    return None if len(axis) == x.ndim else axis


def _bound(primitive: Primitive, function: Any, method: Any = None) -> None:
    """Say what a plain reduction means on tensors, as a function and as a ufunc's method."""

    def reduction(a: Any, axis: Any = None, dtype: Any = None, *, keepdims: Any = False) -> Any:
        if dtype is not None:
            a = a.astype(dtype)
        return primitive.on(a, several_axes(axis, a.ndim), bool(keepdims))

    def reduce(array: Any, axis: Any = 0, dtype: Any = None, *, keepdims: Any = False) -> Any:
        return reduction(array, axis, dtype, keepdims=keepdims)

    def extreme(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
        return reduction(a, axis, keepdims=keepdims)

    meaning(function)(extreme if function in (np.max, np.min) else reduction)
    if method is not None:
        meaning((method, "reduce"))(reduce)


# Sum, mean ------------------------------------------------------------------------------------


def _sum(x: Any, /, axis: Axes, keepdims: Any) -> Any:
    return np.add.reduce(x, axis=_whole(x, axis), keepdims=keepdims)


total = Primitive(_sum, _spread, kind="movement")
_bound(total, np.sum, np.add)


def _mean(x: Any, /, axis: Axes, keepdims: Any) -> Any:
    if x.dtype.char not in "fd":
        return np.mean(x, axis=axis, keepdims=keepdims)
    if len(axis) == x.ndim and x.size:
        return np.add.reduce(x, axis=None, keepdims=keepdims) / x.size
    return np.add.reduce(x, axis=axis, keepdims=keepdims) / _count(x.shape, axis)


def _pull_mean(g: Any, x_shape: Shape, axis: Axes, batch: Shape) -> Any:
    return _spread(g / (_count(x_shape, axis) or 1), x_shape, axis, batch)


average = Primitive(_mean, _pull_mean, kind="movement")
_bound(average, np.mean)


# Largest, smallest ----------------------------------------------------------------------------


def _ties(x: Any, out: Any, axis: Axes) -> Any:
    """Where the entries are the extreme one, and the share of each (NaN where that is NaN)."""
    mask = x == out.reshape(kept(x.shape, axis))
    count = np.add.reduce(mask, axis=axis, keepdims=True)
    none = count == 0
    return mask | none, (np.where(none, np.nan, 1) / np.where(none, 1, count)).astype(out.dtype)


def _pull_extreme(g: Any, x: Any, out: Any, x_shape: Shape, axis: Axes, batch: Shape) -> Any:
    mask, share = _ties(x, out, axis)
    spread = _spread(g, x_shape, axis, batch)
    if g.dtype.kind in "fc":  # otherwise it is a mask on its way back
        spread = spread * share
    return np.where(mask, spread, np.zeros((), spread.dtype))


def _push_extreme(t: Any, x: Any, out: Any, axis: Axes, keepdims: Any) -> Any:
    mask, share = _ties(x, out, axis)
    return total(np.where(mask, t * share, np.zeros((), t.dtype)), axis=axis, keepdims=keepdims)


def _max(x: Any, /, axis: Axes, keepdims: Any) -> Any:
    return np.maximum.reduce(x, axis=axis, keepdims=keepdims)


def _min(x: Any, /, axis: Axes, keepdims: Any) -> Any:
    return np.minimum.reduce(x, axis=axis, keepdims=keepdims)


# Not movements: where the extreme is NaN, so is the coefficient.
_selection: dict[str, Any] = {"kind": "reduction", "selects": True, "spread": _pull_extreme}
largest = Primitive(_max, _pull_extreme, _push_extreme, **_selection)
smallest = Primitive(_min, _pull_extreme, _push_extreme, **_selection)
_bound(largest, np.max, np.maximum)
_bound(smallest, np.min, np.minimum)


@meaning(np.ptp)
def ptp(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    return np.max(a, axis, keepdims=keepdims) - np.min(a, axis, keepdims=keepdims)


# Product --------------------------------------------------------------------------------------


def _others(x: Any, axis: Axes) -> Any:
    """Per entry, the product of the other entries along the axes; right also where some are 0."""
    n = _count(x.shape, axis)
    rest = [i for i in range(-x.ndim, 0) if i not in axis]
    order = [i + x.ndim for i in (*rest, *axis)]
    flat = np.transpose(x, order).reshape(*[x.shape[i] for i in rest], n)
    moved = _cumulative_others(flat, n).reshape([x.shape[i] for i in (*rest, *axis)])
    return np.transpose(moved, np.argsort(order))


def _cumulative_others(x: Any, n: int) -> Any:
    """Along the last axis: the product of those before times the product of those behind."""
    if n == 0:
        return x
    one = np.ones((*x.shape[:-1], 1), x.dtype)
    before = np.concatenate([one, np.cumprod(x[..., :-1], -1)], -1)
    behind = np.concatenate([one, np.cumprod(np.flip(x[..., 1:], -1), -1)], -1)
    return before * np.flip(behind, -1)


def _prod(x: Any, /, axis: Axes, keepdims: Any) -> Any:
    return np.multiply.reduce(x, axis=axis, keepdims=keepdims)


def _pull_prod(g: Any, x: Any, x_shape: Shape, axis: Axes, batch: Shape) -> Any:
    return _spread(g, x_shape, axis, batch) * adjoint(_others(x, axis))


def _push_prod(t: Any, x: Any, axis: Axes, keepdims: Any) -> Any:
    return total(t * _others(x, axis), axis=axis, keepdims=keepdims)


product = Primitive(_prod, _pull_prod, _push_prod, kind="reduction", spread=_spread)
_bound(product, np.prod, np.multiply)


# Variance, standard deviation -------------------------------------------------------------------


def _var(x: Any, /, axis: Any, ddof: Any, keepdims: Any) -> Any:
    return np.var(x, axis=axis, ddof=ddof, keepdims=keepdims)


def _deviation(x: Any, axis: Axes, ddof: float) -> Any:
    """The partials of the variance: 2 (x - mean)/(n - ddof)."""
    scale = float(np.divide(2, _count(x.shape, axis) - ddof))
    return (x - np.mean(x, axis=axis, keepdims=True)) * scale


def _pull_var(g: Any, x: Any, x_shape: Shape, axis: Axes, ddof: float, batch: Shape) -> Any:
    return _spread(g, x_shape, axis, batch) * _deviation(x, axis, ddof)


def _push_var(t: Any, x: Any, axis: Axes, ddof: float, keepdims: bool) -> Any:
    weighted = np.real(t * np.conjugate(_deviation(x, axis, ddof)))
    return total(weighted, axis=axis, keepdims=keepdims)


variance = Primitive(_var, _pull_var, _push_var, kind="reduction", spread=_spread)


@meaning(np.var)
def var(
    a: Any, axis: Any = None, dtype: Any = None, *, ddof: float = 0, keepdims: Any = False
) -> Any:
    if dtype is not None:
        a = a.astype(dtype)
    axes = several_axes(axis, a.ndim)
    return variance(a, axis=axes, ddof=ddof, keepdims=bool(keepdims))


@meaning(np.std)
def std(
    a: Any, axis: Any = None, dtype: Any = None, *, ddof: float = 0, keepdims: Any = False
) -> Any:
    if ddof == 0 and _count(a.shape, several_axes(axis, a.ndim)) == 1:
        # One entry has no spread, whatever it is: 0 with derivative 0, where sqrt'(0) is infinite.
        return np.var(a, axis, dtype, ddof=ddof, keepdims=keepdims)
    return np.sqrt(np.var(a, axis, dtype, ddof=ddof, keepdims=keepdims))


# Cumulative functions -------------------------------------------------------------------------


def _backwards(x: Any, axis: int) -> Any:
    return x[(..., slice(None, None, -1), *[slice(None)] * (-axis - 1))]


def _cumsum(x: Any, /, axis: int) -> Any:
    return np.add.accumulate(x, axis=axis)


def _pull_cumsum(g: Any, axis: int) -> Any:
    return _backwards(np.cumsum(_backwards(g, axis), axis=axis), axis)


running_sum = Primitive(_cumsum, _pull_cumsum, kind="movement")


def _shifted(x: Any, axis: int, by: int, fill: float) -> Any:
    """x moved by some places along an axis, with a constant where nothing comes from."""
    rest = [slice(None)] * (-axis - 1)
    n = x.shape[axis]
    edge = np.full((*x.shape[: axis + x.ndim], by, *x.shape[x.ndim + axis + 1 :]), fill, x.dtype)
    return np.concatenate([edge, x[(..., slice(0, n - by), *rest)]], axis)


def _recurrence(a: Any, b: Any, axis: int) -> Any:
    """y[i] = b[i] + a[i] y[i-1] along an axis, in log n vector steps and without division.

    W. D. Hillis and G. L. Steele, "Data parallel algorithms", CACM 29 (1986): composing the maps
    y -> b + a y pairwise, at distances 1, 2, 4, ...
    """
    n, step = b.shape[axis], 1
    rest = [slice(None)] * (-axis - 1)
    while step < n:
        first, late, early = [
            (..., part, *rest) for part in (slice(0, step), slice(step, None), slice(0, n - step))
        ]
        b = np.concatenate([b[first], b[late] + a[late] * b[early]], axis)
        a = np.concatenate([a[first], a[late] * a[early]], axis)
        step *= 2
    return b


def _before(x: Any, axis: int) -> Any:
    """The product of the entries before each."""
    return _shifted(np.cumprod(x, axis=axis), axis, 1, 1)


def _cumprod(x: Any, /, axis: int) -> Any:
    return np.multiply.accumulate(x, axis=axis)


def _pull_cumprod(g: Any, x: Any, axis: int) -> Any:
    # d out[j]/d x[i] is the product before i times that between i and j: right also at zeros.
    following = _shifted(_backwards(adjoint(x), axis), axis, 1, 0)
    weights = np.broadcast_to(following, g.shape)
    sums = _backwards(_recurrence(weights, _backwards(g, axis), axis), axis)
    return sums * adjoint(_before(x, axis))


def _push_cumprod(t: Any, x: Any, axis: int) -> Any:
    sources = t * _before(x, axis)
    return _recurrence(np.broadcast_to(x, sources.shape), sources, axis)


running_product = Primitive(
    _cumprod, _pull_cumprod, _push_cumprod, kind="reduction", spread=_pull_cumsum
)


def _bound_cumulative(primitive: Primitive, function: Any, method: Any) -> None:
    """Say what a cumulative function means on tensors, as a function and as a ufunc's method."""

    def cumulative(a: Any, axis: Any = None, dtype: Any = None) -> Any:
        if dtype is not None:
            a = a.astype(dtype)
        if axis is None:
            a, axis = np.ravel(a), 0
        return primitive(a, axis=one_axis(axis, a.ndim))

    def accumulate(array: Any, axis: Any = 0, dtype: Any = None) -> Any:
        return cumulative(array, axis, dtype)

    meaning(function)(cumulative)
    meaning((method, "accumulate"))(accumulate)


_bound_cumulative(running_sum, np.cumsum, np.add)
_bound_cumulative(running_product, np.cumprod, np.multiply)
