"""Rules of the variance and the standard deviation."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape.derivatives.axes import is_tensor, several_axes
from gradtape.derivatives.reductions import (
    count_of,
    counted,
    flag,
    gathered,
    is_absent,
    mask_of,
    spread,
    total,
)
from gradtape.errors import no_rule_for_argument
from gradtape.rules import Primitive, meaning

__all__ = ["degrees", "root_of_variance", "squared_modulus", "variance"]

Shape = tuple[int, ...]
Axes = tuple[int, ...]


def _var(x: Any, /, axis: Any, ddof: Any, keepdims: Any) -> Any:
    return np.var(x, axis=axis, ddof=ddof, keepdims=keepdims)


def _deviation(x: Any, axis: Axes, ddof: float) -> Any:
    """The partials of the variance: 2 (x - mean)/(n - ddof)."""
    scale = float(np.divide(2, count_of(x.shape, axis) - ddof))
    return (x - np.mean(x, axis=axis, keepdims=True)) * scale


def _pull_var(g: Any, x: Any, x_shape: Shape, axis: Axes, ddof: float, batch: Shape) -> Any:
    return spread(g, x_shape, axis, batch) * _deviation(x, axis, ddof)


def _push_var(t: Any, x: Any, axis: Axes, ddof: float, keepdims: bool) -> Any:
    weighted = np.real(t * np.conjugate(_deviation(x, axis, ddof)))
    return total(weighted, axis=axis, keepdims=keepdims)


variance = Primitive(_var, _pull_var, _push_var, kind="reduction", spread=spread, gather=gathered)


def squared_modulus(x: Any) -> Any:
    """|x|**2 of a real or a complex array."""
    if x.dtype.kind == "c":
        return np.add(np.square(np.real(x)), np.square(np.imag(x)))
    return np.square(x)


def _variance_about(a: Any, mean: Any, axis: Any, ddof: Any, keepdims: Any, where: Any) -> Any:
    """The mean square distance of what a mask includes from a given mean, as NumPy computes it."""
    distance = np.subtract(a, mean)
    # Of real data NumPy takes the square, even if the mean is complex.
    squares = squared_modulus(distance) if a.dtype.kind == "c" else np.square(distance)
    axes = several_axes(axis, a.ndim)
    count = counted(
        True if where is True else mask_of(where, a.shape), a.shape, axes, flag(keepdims)
    )
    freedom = np.maximum(count - ddof, 0).astype(squares.dtype)[()]
    return np.true_divide(np.sum(squares, axis, keepdims=keepdims, where=where), freedom)


def degrees(ddof: Any, correction: Any) -> Any:
    """What is subtracted from the number of entries: ``ddof``, or its newer name."""
    if is_absent(correction):
        return ddof
    if ddof != 0:
        raise ValueError(f"var, std: give ddof={ddof} or correction={correction}, not both")
    return correction


@meaning(np.var)
def var(
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
    if dtype is not None:
        if np.dtype(dtype).kind not in "fc":
            raise no_rule_for_argument(np.var, "dtype", "whole numbers have no derivative")
        a = a.astype(dtype)
    if correction is not None:
        ddof = degrees(ddof, correction)
    axes = several_axes(axis, a.ndim)
    if where is True and is_absent(mean) and not is_tensor(ddof):
        return variance(a, axis=axes, ddof=ddof, keepdims=flag(keepdims))
    mask = where if where is True else mask_of(where, a.shape)
    if mask is not True:
        a = np.where(mask, a, a.dtype.type(0))
    if is_absent(mean):
        totals = np.sum(a, axes, keepdims=True, where=mask)
        count = counted(mask, a.shape, axes, True)
        mean = np.true_divide(
            totals, count if a.dtype.kind in "biu" else count.astype(np.finfo(a.dtype).dtype)
        )
    return _variance_about(a, mean, axes, ddof, keepdims, mask)


def root_of_variance(variance: Any, count: Any, ddof: Any) -> Any:
    """The standard deviation.

    One entry has no spread, whatever it is: 0 with derivative 0, where sqrt'(0) is infinite.
    """
    single = np.equal(count, 1)
    if ddof != 0 or not single.any():
        return np.sqrt(variance)
    return np.where(single, variance, np.sqrt(np.where(single, variance.dtype.type(1), variance)))


@meaning(np.std)
def std(
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
    if correction is not None:
        ddof = degrees(ddof, correction)
    axes = several_axes(axis, a.ndim)
    variance = var(a, axes, dtype, ddof=ddof, keepdims=keepdims, where=where, mean=mean)
    if not is_absent(mean):
        return np.sqrt(variance)  # the distance of one entry from another point
    if where is True:
        return variance if ddof == 0 and count_of(a.shape, axes) == 1 else np.sqrt(variance)
    count = counted(mask_of(where, a.shape), a.shape, axes, flag(keepdims))
    return root_of_variance(variance, count, ddof)
