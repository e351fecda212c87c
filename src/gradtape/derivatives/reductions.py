"""Rules of the functions that sum up: all entries, or those that a mask includes."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from gradtape.derivatives.axes import bare_array, kept, several_axes
from gradtape.derivatives.primitives import broadcast, filled
from gradtape.rules import Primitive, adjoint, meaning, strip

__all__ = [
    *("as_dtype", "average", "count_of", "counted", "flag", "gathered", "is_absent", "largest"),
    *("largest_where", "mask_of", "product", "smallest", "smallest_where", "spread", "total"),
]

Shape = tuple[int, ...]
Axes = tuple[int, ...]


def spread(g: Any, x_shape: Shape, axis: Axes, batch: Shape) -> Any:
    """Undo the shape of a reduction: every entry that fed an output entry gets its value."""
    if len(axis) != len(x_shape) or batch:
        g = g.reshape(batch + kept(x_shape, axis))
    elif g.ndim:
        g = g.reshape(())
    elif issubclass(type(g), np.generic):
        return filled(g, x_shape)  # the common case, without detours
    return broadcast.on(g, batch + x_shape)


def count_of(shape: Shape, axis: Axes) -> int:
    """How many entries feed one output entry."""
    return prod(shape) if len(axis) == len(shape) else prod([shape[a] for a in axis])


def _whole(x: Any, axis: Axes) -> Any:
    """The axis argument that NumPy reduces fastest."""
    return None if len(axis) == x.ndim else axis


def flag(keepdims: Any) -> bool:
    """A ``keepdims`` argument as a boolean."""
    return keepdims is not np._NoValue and bool(keepdims)


def mask_of(where: Any, shape: Shape) -> Any:
    """A ``where`` argument, for an array of a shape, as a bare boolean array."""
    mask = bare_array(where, np.bool_)
    if np.broadcast_shapes(mask.shape, shape) != shape:
        raise ValueError(f"where of shape {mask.shape} does not broadcast to the array's, {shape}")
    return mask


def is_absent(argument: Any) -> bool:
    """Whether an optional argument was not given."""
    return argument is None or argument is np._NoValue


def as_dtype(value: Any, dtype: Any) -> Any:
    """A number, an array or a tensor in a dtype."""
    return value.astype(dtype) if hasattr(value, "astype") else dtype.type(value)


def _bound(whole: Primitive, masked: Any, ufunc: Any, *functions: Any) -> None:
    """Say what a plain reduction means on tensors, as functions and as a ufunc's method.

    ``masked(a, mask, axes, keepdims)`` reduces what the mask includes, of nothing to a neutral
    value; what comes out and ``initial`` are combined by the ufunc.
    """
    from_anything = ufunc in (np.maximum, np.minimum)  # of nothing there is no largest entry

    def some(a: Any, axis: Any, keepdims: Any, initial: Any, where: Any) -> Any:
        where = True if where is np._NoValue else where
        mask = mask_of(where, a.shape)
        if is_absent(initial) and from_anything:  # NumPy's error, but where nothing is left out
            ufunc.reduce(strip(a), axis=axis, where=True if where is True else mask)
        result = masked(a, mask, several_axes(axis, a.ndim), flag(keepdims))
        if is_absent(initial):
            return result
        return ufunc(result, as_dtype(initial, result.dtype))

    def reduction(
        a: Any,
        axis: Any = None,
        dtype: Any = None,
        *,
        keepdims: Any = False,
        initial: Any = None,
        where: Any = True,
    ) -> Any:
        if dtype is not None:
            a = a.astype(dtype)
        if where is True and initial is None:
            return whole.on(
                a,
                several_axes(axis, a.ndim),
                keepdims if type(keepdims) is bool else flag(keepdims),
            )
        return some(a, axis, keepdims, initial, where)

    def extreme(
        a: Any, axis: Any = None, *, keepdims: Any = False, initial: Any = None, where: Any = True
    ) -> Any:
        return reduction(a, axis, keepdims=keepdims, initial=initial, where=where)

    def reduce(
        array: Any,
        axis: Any = 0,
        dtype: Any = None,
        *,
        keepdims: Any = False,
        initial: Any = None,
        where: Any = True,
    ) -> Any:
        return reduction(array, axis, dtype, keepdims=keepdims, initial=initial, where=where)

    meaning(*functions)(extreme if from_anything else reduction)
    meaning((ufunc, "reduce"))(reduce)


# Sum, mean ------------------------------------------------------------------------------------


def _sum(x: Any, /, axis: Axes, keepdims: Any) -> Any:
    return np.add.reduce(x, axis=_whole(x, axis), keepdims=keepdims)


def _sum_where(x: Any, mask: Any, /, axis: Axes, keepdims: Any) -> Any:
    return np.add.reduce(x, axis=axis, keepdims=keepdims, where=mask)


def _pull_sum_where(g: Any, mask: Any, x_shape: Shape, axis: Axes, batch: Shape) -> Any:
    return np.where(mask, spread(g, x_shape, axis, batch), g.dtype.type(0))


def _push_sum_where(t: Any, mask: Any, axis: Axes, keepdims: Any) -> Any:
    return total(np.where(mask, t, t.dtype.type(0)), axis=axis, keepdims=keepdims)


#: Of what a mask includes: what it leaves out has no part in the value, and is dead.
_PARTIAL: dict[str, Any] = {"kind": "movement", "selects": True, "fills": True}

total = Primitive(_sum, spread, kind="movement")
total_where = Primitive(_sum_where, (_pull_sum_where, None), (_push_sum_where, None), **_PARTIAL)
_bound(
    total,
    lambda a, mask, axis, keepdims: total_where(a, mask, axis=axis, keepdims=keepdims),
    np.add,
    np.sum,
)


def _mean(x: Any, /, axis: Axes, keepdims: Any) -> Any:
    if x.dtype.char not in "fd":
        return np.mean(x, axis=axis, keepdims=keepdims)
    if len(axis) == x.ndim and x.size:
        return np.add.reduce(x, axis=None, keepdims=keepdims) / x.size
    return np.add.reduce(x, axis=axis, keepdims=keepdims) / count_of(x.shape, axis)


def _pull_mean(g: Any, x_shape: Shape, axis: Axes, batch: Shape) -> Any:
    return spread(g / (count_of(x_shape, axis) or 1), x_shape, axis, batch)


def counted(mask: Any, shape: Shape, axis: Axes, keepdims: bool) -> Any:
    """How many entries of an array of a shape a mask includes, along axes."""
    whole = np.broadcast_to(mask, shape)
    count: Any = np.add.reduce
    return count(whole, axis=axis, keepdims=keepdims)


def _mean_where(x: Any, mask: Any, /, axis: Axes, keepdims: Any) -> Any:
    return np.mean(x, axis=axis, keepdims=keepdims, where=mask)


def _shared(g: Any, mask: Any, shape: Shape, axis: Axes, keepdims: bool) -> Any:
    """Cotangents or tangents of sums as those of means."""
    some = np.maximum(counted(mask, shape, axis, keepdims), 1)
    return g / (some.astype(np.finfo(g.dtype).dtype) if g.dtype.kind in "fc" else some)


def _pull_mean_where(
    g: Any, mask: Any, x_shape: Shape, axis: Axes, keepdims: bool, batch: Shape
) -> Any:
    return _pull_sum_where(_shared(g, mask, x_shape, axis, keepdims), mask, x_shape, axis, batch)


def _push_mean_where(t: Any, mask: Any, x_shape: Shape, axis: Axes, keepdims: bool) -> Any:
    return _shared(_push_sum_where(t, mask, axis, keepdims), mask, x_shape, axis, keepdims)


average = Primitive(_mean, _pull_mean, kind="movement")
average_where = Primitive(
    _mean_where, (_pull_mean_where, None), (_push_mean_where, None), **_PARTIAL
)


@meaning(np.mean)
def mean(
    a: Any, axis: Any = None, dtype: Any = None, *, keepdims: Any = False, where: Any = True
) -> Any:
    if dtype is not None:
        if np.dtype(dtype).kind not in "fc":  # rounded down: no derivative
            return np.mean(strip(a), axis, dtype, keepdims=flag(keepdims), where=strip(where))
        a = a.astype(dtype)
    axes = several_axes(axis, a.ndim)
    if where is True:
        return average.on(a, axes, keepdims if type(keepdims) is bool else flag(keepdims))
    return average_where(a, mask_of(where, a.shape), axis=axes, keepdims=flag(keepdims))


def gathered(t: Any, axis: Axes, keepdims: Any) -> Any:
    """Which entries of a reduction are alive: those that some living entry feeds."""
    return total(t, axis=axis, keepdims=keepdims)


# Largest, smallest ----------------------------------------------------------------------------


def _ties(x: Any, out: Any, axis: Axes, included: Any) -> Any:
    """Where the entries are the extreme one, and the share of each (NaN where that is NaN)."""
    mask = x == out.reshape(kept(x.shape, axis))
    if included is not None:
        mask &= included
    count = np.add.reduce(mask, axis=axis, keepdims=True)
    none = count == 0
    share = (np.where(none, np.nan, 1) / np.where(none, 1, count)).astype(out.dtype)
    return mask | (none if included is None else none & included), share


def _pull_extreme_where(
    g: Any, x: Any, included: Any, out: Any, x_shape: Shape, axis: Axes, batch: Shape
) -> Any:
    mask, share = _ties(x, out, axis, included)
    back = spread(g, x_shape, axis, batch)
    if g.dtype.kind in "fc":  # otherwise it is a mask on its way back
        back = back * share
    return np.where(mask, back, np.zeros((), back.dtype))


def _push_extreme_where(t: Any, x: Any, included: Any, out: Any, axis: Axes, keepdims: Any) -> Any:
    mask, share = _ties(x, out, axis, included)
    return total(np.where(mask, t * share, np.zeros((), t.dtype)), axis=axis, keepdims=keepdims)


def _pull_extreme(g: Any, x: Any, out: Any, x_shape: Shape, axis: Axes, batch: Shape) -> Any:
    return _pull_extreme_where(g, x, None, out, x_shape, axis, batch)


def _push_extreme(t: Any, x: Any, out: Any, axis: Axes, keepdims: Any) -> Any:
    return _push_extreme_where(t, x, None, out, axis, keepdims)


def _max(x: Any, /, axis: Axes, keepdims: Any) -> Any:
    return np.maximum.reduce(x, axis=axis, keepdims=keepdims)


def _min(x: Any, /, axis: Axes, keepdims: Any) -> Any:
    return np.minimum.reduce(x, axis=axis, keepdims=keepdims)


def _neutral(dtype: Any, sign: int) -> Any:
    """The largest or the smallest value of a dtype."""
    if dtype.kind in "fc":
        return dtype.type(sign * np.inf)  # a complex one is compared by its real part first
    if dtype.kind == "b":
        return sign > 0
    return np.iinfo(dtype).max if sign > 0 else np.iinfo(dtype).min


def _max_where(x: Any, included: Any, /, axis: Axes, keepdims: Any) -> Any:
    least = _neutral(x.dtype, -1)
    return np.maximum.reduce(x, axis=axis, keepdims=keepdims, initial=least, where=included)


def _min_where(x: Any, included: Any, /, axis: Axes, keepdims: Any) -> Any:
    most = _neutral(x.dtype, 1)
    return np.minimum.reduce(x, axis=axis, keepdims=keepdims, initial=most, where=included)


# Not movements: where the extreme is NaN, so is the coefficient.
_selection: dict[str, Any] = {
    "kind": "reduction",
    "selects": True,
    "spread": _pull_extreme,
    "gather": _push_extreme,
}
_selection_where: dict[str, Any] = {
    "kind": "reduction",
    "selects": True,
    "spread": _pull_extreme_where,
    "gather": _push_extreme_where,
}
_rules_where: Any = (_pull_extreme_where, None), (_push_extreme_where, None)
largest = Primitive(_max, _pull_extreme, _push_extreme, **_selection)
smallest = Primitive(_min, _pull_extreme, _push_extreme, **_selection)
largest_where = Primitive(_max_where, *_rules_where, **_selection_where)
smallest_where = Primitive(_min_where, *_rules_where, **_selection_where)
_bound(
    largest,
    lambda a, mask, axis, keepdims: largest_where(a, mask, axis=axis, keepdims=keepdims),
    np.maximum,
    np.max,
    np.amax,
)
_bound(
    smallest,
    lambda a, mask, axis, keepdims: smallest_where(a, mask, axis=axis, keepdims=keepdims),
    np.minimum,
    np.min,
    np.amin,
)


@meaning(np.ptp)
def ptp(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    return np.max(a, axis, keepdims=keepdims) - np.min(a, axis, keepdims=keepdims)


# Product --------------------------------------------------------------------------------------


def _others(x: Any, axis: Axes) -> Any:
    """Per entry, the product of the other entries along the axes; right also where some are 0."""
    n = count_of(x.shape, axis)
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
    return spread(g, x_shape, axis, batch) * adjoint(_others(x, axis))


def _push_prod(t: Any, x: Any, axis: Axes, keepdims: Any) -> Any:
    return total(t * _others(x, axis), axis=axis, keepdims=keepdims)


def _prod_where(x: Any, mask: Any, /, axis: Axes, keepdims: Any) -> Any:
    return np.multiply.reduce(x, axis=axis, keepdims=keepdims, where=mask)


def _pull_prod_where(g: Any, x: Any, mask: Any, x_shape: Shape, axis: Axes, batch: Shape) -> Any:
    share = _pull_prod(g, np.where(mask, x, x.dtype.type(1)), x_shape, axis, batch)
    return np.where(mask, share, share.dtype.type(0))


def _push_prod_where(t: Any, x: Any, mask: Any, axis: Axes, keepdims: Any) -> Any:
    inside = np.where(mask, t, t.dtype.type(0))
    return _push_prod(inside, np.where(mask, x, x.dtype.type(1)), axis, keepdims)


product = Primitive(_prod, _pull_prod, _push_prod, kind="reduction", spread=spread, gather=gathered)
product_where = Primitive(
    _prod_where,
    (_pull_prod_where, None),
    (_push_prod_where, None),
    kind="reduction",
    selects=True,
    fills=True,
    spread=_pull_sum_where,
    gather=_push_sum_where,
)
_bound(
    product,
    lambda a, mask, axis, keepdims: product_where(a, mask, axis=axis, keepdims=keepdims),
    np.multiply,
    np.prod,
)
