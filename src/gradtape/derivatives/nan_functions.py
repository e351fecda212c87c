"""Rules of the functions that leave NaN out. Its gradient is 0: it has no part in the value.

Like NumPy's own they put a neutral value in the place of NaN, or count with a mask; the order
statistics among them are in ``order_statistics``.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from gradtape.derivatives.axes import several_axes
from gradtape.derivatives.reductions import (
    as_dtype,
    counted,
    flag,
    is_absent,
    largest_where,
    mask_of,
    smallest_where,
)
from gradtape.derivatives.variances import degrees, root_of_variance, squared_modulus
from gradtape.rules import Primitive, meaning, strip

__all__ = ["largest_number", "smallest_number"]


def _without(a: Any, neutral: float) -> Any:
    """The array with a neutral value for NaN."""
    if a.dtype.kind not in "fc":
        return a
    return np.where(np.isnan(a), a.dtype.type(neutral), a)


def _present(a: Any, where: Any) -> Any:
    """Where there are numbers that count."""
    some = ~np.isnan(strip(a))
    return some if where is True else some & mask_of(where, a.shape)


# Sums, products -------------------------------------------------------------------------------


def _bound(nan_function: Any, function: Any, neutral: float) -> None:
    """Say that a function is another one with a neutral value in the place of NaN."""

    def reduction(
        a: Any,
        axis: Any = None,
        dtype: Any = None,
        *,
        keepdims: Any = False,
        initial: Any = None,
        where: Any = True,
    ) -> Any:
        where = True if where is np._NoValue else where
        options = {"keepdims": keepdims, "initial": initial, "where": where}
        return function(_without(a, neutral), axis, dtype, **options)

    def running(a: Any, axis: Any = None, dtype: Any = None) -> Any:
        return function(_without(a, neutral), axis, dtype)

    meaning(nan_function)(running if function in (np.cumsum, np.cumprod) else reduction)


_bound(np.nansum, np.sum, 0)
_bound(np.nanprod, np.prod, 1)
_bound(np.nancumsum, np.cumsum, 0)
_bound(np.nancumprod, np.cumprod, 1)


# Largest, smallest ----------------------------------------------------------------------------


def largest_number(a: Any, axis: Any, keepdims: Any, initial: Any, where: Any) -> Any:
    """What ``np.fmax.reduce`` computes; a tie is shared equally."""
    return _extreme(largest_where, np.fmax, a, axis, keepdims, initial, where)


def smallest_number(a: Any, axis: Any, keepdims: Any, initial: Any, where: Any) -> Any:
    """What ``np.fmin.reduce`` computes; a tie is shared equally."""
    return _extreme(smallest_where, np.fmin, a, axis, keepdims, initial, where)


def _extreme(
    masked: Primitive, ufunc: Any, a: Any, axis: Any, keepdims: Any, initial: Any, where: Any
) -> Any:
    axes, keep = several_axes(axis, a.ndim), flag(keepdims)
    if is_absent(initial) and (where is not True or not a.size):
        ufunc.reduce(strip(a), axis=axes, where=where)  # of nothing: NumPy's error
    some = _present(a, where)
    result = masked(a, some, axis=axes, keepdims=keep)
    if not is_absent(initial):
        return ufunc(result, as_dtype(initial, result.dtype))
    none = counted(some, a.shape, axes, keep) == 0
    return np.where(none, a.dtype.type(np.nan), result) if none.any() else result


def _bound_extreme(function: Any, plain: Any, number: Any) -> None:
    def extreme(
        a: Any, axis: Any = None, *, keepdims: Any = False, initial: Any = None, where: Any = True
    ) -> Any:
        where = True if where is np._NoValue else where
        if a.dtype.kind not in "fc":
            return plain(a, axis, keepdims=keepdims, initial=initial, where=where)
        result = number(a, axis, keepdims, initial, where)
        if np.isnan(strip(result)).any():
            warnings.warn("All-NaN slice encountered", RuntimeWarning, stacklevel=2)
        return result

    meaning(function)(extreme)


_bound_extreme(np.nanmax, np.max, largest_number)
_bound_extreme(np.nanmin, np.min, smallest_number)


# Means, variances -----------------------------------------------------------------------------


def _number(a: Any, axis: Any, keepdims: Any, where: Any) -> Any:
    """How many numbers there are along the axes."""
    return counted(_present(a, where), a.shape, several_axes(axis, a.ndim), flag(keepdims))


def _per(totals: Any, count: Any, message: str) -> Any:
    """Totals divided by counts; NaN, with a warning, where these are not positive."""
    bad = count <= 0
    if bad.any():
        warnings.warn(message, RuntimeWarning, stacklevel=3)
    return np.true_divide(
        totals, np.where(bad, np.nan, count).astype(np.finfo(totals.dtype).dtype)[()]
    )


@meaning(np.nanmean)
def nanmean(
    a: Any, axis: Any = None, dtype: Any = None, *, keepdims: Any = False, where: Any = True
) -> Any:
    where = True if where is np._NoValue else where
    if a.dtype.kind not in "fc":
        return np.mean(a, axis, dtype, keepdims=keepdims, where=where)
    totals = np.sum(_without(a, 0), axis, dtype, keepdims=keepdims, where=where)
    return _per(totals, _number(a, axis, keepdims, where), "Mean of empty slice")


@meaning(np.nanvar)
def nanvar(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    *,
    ddof: Any = 0,
    keepdims: Any = False,
    where: Any = True,
    mean: Any = None,
    correction: Any = None,
) -> Any:
    where = True if where is np._NoValue else where
    options = {"keepdims": keepdims, "where": where}
    ddof = degrees(ddof, correction)
    if a.dtype.kind not in "fc":
        return np.var(a, axis, dtype, ddof=ddof, mean=mean, **options)
    if dtype is not None:
        a = a.astype(dtype)
    present = _present(a, where)
    if is_absent(mean):
        count = np.maximum(_number(a, axis, True, where), 1)
        totals = np.sum(_without(a, 0), axis, keepdims=True, where=where)
        mean = np.true_divide(totals, count.astype(np.finfo(a.dtype).dtype))
    mean = as_dtype(mean, a.dtype)
    apart = np.subtract(np.where(present, a, mean), mean)  # 0 where there is no number
    squares = np.sum(squared_modulus(apart), axis, **options)
    freedom = _number(a, axis, keepdims, where) - ddof
    return _per(squares, freedom, "Degrees of freedom <= 0 for slice.")


@meaning(np.nanstd)
def nanstd(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    *,
    ddof: Any = 0,
    keepdims: Any = False,
    where: Any = True,
    mean: Any = None,
    correction: Any = None,
) -> Any:
    where = True if where is np._NoValue else where
    ddof = degrees(ddof, correction)
    options = {"keepdims": keepdims, "where": where, "mean": mean}
    if a.dtype.kind not in "fc":
        return np.std(a, axis, dtype, ddof=ddof, **options)
    variance = np.nanvar(a, axis, dtype, ddof=ddof, **options)
    if not is_absent(mean):
        return np.sqrt(variance)
    return root_of_variance(variance, _number(a, axis, keepdims, where), ddof)
