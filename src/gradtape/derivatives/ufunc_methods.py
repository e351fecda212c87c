"""Rules of the methods of ufuncs: reduce, accumulate, reduceat, outer.

Any ufunc of two arguments that has partial derivatives has these too: the general rules are made
from the partials. Sums, products, largest and smallest entries have rules of their own elsewhere.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape.derivatives.axes import as_array, kept, one_axis, several_axes
from gradtape.derivatives.cumulative import backwards, recurrence, shifted
from gradtape.derivatives.nan_functions import largest_number, smallest_number
from gradtape.derivatives.reductions import (
    as_dtype,
    flag,
    gathered,
    is_absent,
    mask_of,
    spread,
    total,
)
from gradtape.errors import no_rule_for_argument
from gradtape.rules import BINDINGS, METHODS, UFUNCS, Primitive, adjoint, load_tables_for, strip

__all__ = ["combined", "folded", "segment_sum"]

Shape = tuple[int, ...]
Axes = tuple[int, ...]


def _part(axis: int, start: int | None, stop: int | None) -> tuple[Any, ...]:
    """The index of some entries along an axis."""
    return (..., slice(start, stop), *[slice(None)] * (-axis - 1))


# Running results ------------------------------------------------------------------------------


def _running_sum(t: Any, axis: int) -> Any:
    return np.cumsum(t, axis=axis)


def _running_sum_back(g: Any, axis: int) -> Any:
    return backwards(np.cumsum(backwards(g, axis), axis=axis), axis)


def _folded(x: Any, /, ufunc: Any, axis: int) -> Any:
    return ufunc.accumulate(x, axis=axis)


def _partial(ufunc: Any, i: int, values: tuple[Any, ...]) -> Any:
    """A ufunc's partial derivative by one argument, an array like its value."""
    primitive, out = UFUNCS[ufunc], values[-1]
    partial = primitive.partial(i, values)
    if primitive.rules[i].divides:  # type: ignore[union-attr]
        partial = 1 / partial
    partial = partial if np.ndim(partial) else np.full(out.shape, partial, out.dtype)
    return partial if partial.dtype == out.dtype else partial.astype(out.dtype)


def _partials(x: Any, out: Any, ufunc: Any, axis: int) -> tuple[Any, Any]:
    """The derivatives of each result by the one before, and by its own entry; 1 for the first."""
    after = out[_part(axis, 1, None)]
    values = out[_part(axis, 0, -1)], x[_part(axis, 1, None)], after
    lengths = list(x.shape)
    lengths[axis] = 1
    first = np.ones(lengths, out.dtype)
    both = [np.concatenate([first, _partial(ufunc, i, values)], axis) for i in range(2)]
    return both[0], both[1]


def _pull_folded(g: Any, x: Any, out: Any, ufunc: Any, axis: int) -> Any:
    by_before, by_own = _partials(x, out, ufunc, axis)
    if not x.shape[axis]:
        return g
    # What reaches a result: its own cotangent and the next one's, times the next one's partial.
    following = np.roll(backwards(adjoint(by_before), axis), 1, axis)
    following = np.broadcast_to(following, g.shape)
    reached = backwards(recurrence(following, backwards(g, axis), axis), axis)
    return reached * adjoint(by_own)


def _push_folded(t: Any, x: Any, out: Any, ufunc: Any, axis: int) -> Any:
    if not x.shape[axis]:
        return t
    by_before, by_own = _partials(x, out, ufunc, axis)
    sources = t * by_own
    return recurrence(np.broadcast_to(by_before, sources.shape), sources, axis)


#: y[0] = x[0], y[i] = f(y[i-1], x[i]): a linear recurrence in the derivatives.
folded = Primitive(
    _folded,
    _pull_folded,
    _push_folded,
    kind="reduction",
    spread=_running_sum_back,
    gather=_running_sum,
    name="folded",
)


def _leading(x: Any, ufunc: Any, axis: int) -> Any:
    """Where each of the running largest (smallest) entries stands; the first, in a tie."""
    running = ufunc.accumulate(x, axis=axis)
    before, after = running[_part(axis, 0, -1)], running[_part(axis, 1, None)]
    changes = (before != after) & ~(np.isnan(before) & np.isnan(after))
    first = np.zeros_like(changes, shape=x[_part(axis, 0, 1)].shape)
    places = np.arange(x.shape[axis]).reshape((-1,) + (1,) * (-axis - 1))
    return np.maximum.accumulate(
        np.where(np.concatenate([first, changes], axis), places, 0), axis=axis
    )


_EXTREMES = {np.maximum, np.minimum, np.fmax, np.fmin}


def _accumulate(ufunc: Any) -> Any:
    def accumulate(array: Any, axis: Any = 0, dtype: Any = None) -> Any:
        array = array if dtype is None else array.astype(dtype)
        along = one_axis(axis, array.ndim)
        if ufunc in _EXTREMES and array.dtype.kind in "fc":
            return np.take_along_axis(array, _leading(strip(array), ufunc, along), along)
        return folded(array, ufunc=ufunc, axis=along)

    return accumulate


# Results of all -------------------------------------------------------------------------------


#: NumPy 2.4 reduces these wrongly where the processor's vectors are wide: to f(first, last).
_UNSAFE = {np.power, np.float_power, np.arctan2}


def _combined(x: Any, /, ufunc: Any, axis: Axes, keepdims: Any) -> Any:
    if ufunc not in _UNSAFE or len(axis) != 1 or not x.shape[axis[0]]:
        return ufunc.reduce(x, axis=axis, keepdims=keepdims)
    last = ufunc.accumulate(x, axis=axis[0])[_part(axis[0], -1, None)]
    return last if keepdims else np.squeeze(last, axis)


def _weights(x: Any, out: Any, ufunc: Any, axis: Axes) -> Any:
    """The partials of the result by each entry."""
    if ufunc is np.hypot:
        whole = np.reshape(out, kept(x.shape, axis))
        return x / np.where(whole == 0, 1, whole)  # 0 at the origin, as hypot has it
    if ufunc in (np.logaddexp, np.logaddexp2):
        return _logarithmic_weights(x, ufunc, axis)
    if not axis:
        return np.ones(x.shape, out.dtype)
    (along,) = axis  # of a ufunc where the order matters, NumPy takes one
    by_before, by_own = _partials(x, folded(x, ufunc=ufunc, axis=along), ufunc, along)
    behind = np.cumprod(backwards(by_before, along), axis=along)
    return by_own * backwards(shifted(behind, along, 1, 1), along)


def _logarithmic_weights(x: Any, ufunc: Any, axis: Axes) -> Any:
    """The partials of the logarithm of a sum of powers: each power's part of the sum."""
    bare: Any = strip(x)
    greatest = np.maximum.reduce(bare, axis=axis, keepdims=True, initial=-np.inf)
    endless = np.isinf(greatest)  # equal infinities share equally, as in logaddexp
    tied = np.where(bare == greatest, bare.dtype.type(0), bare.dtype.type(-np.inf))
    exponents = np.where(endless, tied, x)
    powers = (np.exp if ufunc is np.logaddexp else np.exp2)(
        exponents - np.where(endless, 0, greatest)
    )
    return powers / total(powers, axis=axis, keepdims=True)


def _pull_combined(
    g: Any, x: Any, out: Any, x_shape: Shape, ufunc: Any, axis: Axes, batch: Shape
) -> Any:
    return spread(g, x_shape, axis, batch) * adjoint(_weights(x, out, ufunc, axis))


def _push_combined(t: Any, x: Any, out: Any, ufunc: Any, axis: Axes, keepdims: Any) -> Any:
    return total(t * _weights(x, out, ufunc, axis), axis=axis, keepdims=keepdims)


#: ``ufunc.reduce``.
combined = Primitive(
    _combined,
    _pull_combined,
    _push_combined,
    kind="reduction",
    spread=spread,
    gather=gathered,
    name="combined",
)

_NUMBERS = {np.fmax: largest_number, np.fmin: smallest_number}
#: What changes nothing as a second argument: it stands for what a mask leaves out.
_NEUTRAL = {
    np.logaddexp: -np.inf,
    np.logaddexp2: -np.inf,
    np.hypot: 0,
    np.subtract: 0,
    np.true_divide: 1,
    np.power: 1,
    np.float_power: 1,
}


def _reduce(ufunc: Any) -> Any:
    def reduce(
        array: Any,
        axis: Any = 0,
        dtype: Any = None,
        *,
        keepdims: Any = False,
        initial: Any = None,
        where: Any = True,
    ) -> Any:
        array = array if dtype is None else array.astype(dtype)
        if ufunc in _NUMBERS:
            return _NUMBERS[ufunc](array, axis, keepdims, initial, where)
        if array.dtype.kind in "biu":  # as NumPy computes it
            array = array.astype(ufunc.reduce(np.ones(1, array.dtype)).dtype)
        axes, keep = several_axes(axis, array.ndim), flag(keepdims)
        if where is not True:
            mask = mask_of(where, array.shape)
            if ufunc not in _NEUTRAL:
                raise no_rule_for_argument((ufunc, "reduce"), "where")
            if is_absent(initial) and ufunc.identity is None:
                ufunc.reduce(strip(array), axis=axes, where=mask)  # NumPy's error
            array = np.where(mask, array, _NEUTRAL[ufunc])
        one = len(axes) == 1
        if one and not is_absent(initial):
            start = np.broadcast_to(as_dtype(initial, array.dtype), kept(array.shape, axes))
            array = np.concatenate([start, array], axes[0])
        result = combined(array, ufunc=ufunc, axis=axes, keepdims=keep)
        if not (one or is_absent(initial)):
            return ufunc(as_dtype(initial, result.dtype), result)
        return result

    return reduce


# Results of parts -----------------------------------------------------------------------------


def _segment_sum(x: Any, /, starts: Any, axis: int) -> Any:
    return np.add.reduceat(x, starts, axis=axis)


def _pull_segment_sum(g: Any, x_shape: Shape, starts: Any, axis: int) -> Any:
    return np.repeat(g, np.diff(starts, append=x_shape[axis]), axis)


#: Sums of the entries from each start to the next, which come in rising order.
segment_sum = Primitive(_segment_sum, _pull_segment_sum, kind="movement")


def _reduceat(ufunc: Any) -> Any:
    def reduceat(array: Any, indices: Any, axis: Any = 0, dtype: Any = None) -> Any:
        array = array if dtype is None else array.astype(dtype)
        if array.dtype.kind in "biu":  # as NumPy computes it
            array = array.astype(ufunc.reduceat(np.ones(1, array.dtype), [0]).dtype)
        axis, starts = one_axis(axis, array.ndim), np.asarray(strip(indices))
        starts = starts if starts.size else starts.astype(np.intp)
        n = array.shape[axis]
        if starts.ndim != 1 or not starts.size or ((starts < 0) | (starts >= n)).any():
            return ufunc.reduceat(strip(array), starts, axis=axis)  # of nothing, or NumPy's error
        # Where the next start is not behind, it is that one entry alone.
        lengths = np.maximum(np.append(starts[1:], n) - starts, 1)
        if ufunc is np.add:
            begins = np.cumsum(lengths) - lengths
            positions = np.repeat(starts - begins, lengths) + np.arange(lengths.sum())
            if not np.array_equal(positions, np.arange(n)):
                array = np.take(array, positions, axis)
            return segment_sum(array, starts=begins, axis=axis)
        parts = [array[_part(axis, s, s + k)] for s, k in zip(starts, lengths, strict=True)]
        reduced = [
            p if p.shape[axis] == 1 else ufunc.reduce(p, axis=axis, keepdims=True) for p in parts
        ]
        return np.concatenate(reduced, axis)

    return reduceat


# Results of pairs -----------------------------------------------------------------------------


def _outer(ufunc: Any) -> Any:
    def outer(A: Any, B: Any, /) -> Any:
        A, B = as_array(A), as_array(B)
        return ufunc(np.reshape(A, (*A.shape, *[1] * B.ndim)), B)

    return outer


def _made(make: Any, is_fold: bool) -> Any:
    """What makes the meaning of a method; it gives None for a ufunc without derivatives."""

    def of(ufunc: Any) -> Any:
        load_tables_for(ufunc)
        if ufunc.nin != 2 or ufunc.signature is not None or (is_fold and ufunc.nout != 1):
            return None
        return make(ufunc) if ufunc in UFUNCS or (ufunc in BINDINGS and not is_fold) else None

    return of


METHODS["reduce"] = _made(_reduce, True)
METHODS["accumulate"] = _made(_accumulate, True)
METHODS["reduceat"] = _made(_reduceat, True)
METHODS["outer"] = _made(_outer, False)
