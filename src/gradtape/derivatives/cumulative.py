"""Rules of the cumulative functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape.derivatives.axes import one_axis
from gradtape.rules import Primitive, adjoint, meaning

__all__ = ["backwards", "recurrence", "running_product", "running_sum", "shifted"]


def backwards(x: Any, axis: int) -> Any:
    """x in the opposite order along an axis."""
    return x[(..., slice(None, None, -1), *[slice(None)] * (-axis - 1))]


def _cumsum(x: Any, /, axis: int) -> Any:
    return np.add.accumulate(x, axis=axis)


def _pull_cumsum(g: Any, axis: int) -> Any:
    return backwards(np.cumsum(backwards(g, axis), axis=axis), axis)


running_sum = Primitive(_cumsum, _pull_cumsum, kind="movement")


def shifted(x: Any, axis: int, by: int, fill: float) -> Any:
    """x moved by some places along an axis, with a constant where nothing comes from."""
    rest = [slice(None)] * (-axis - 1)
    n = x.shape[axis]
    edge = np.full((*x.shape[: axis + x.ndim], by, *x.shape[x.ndim + axis + 1 :]), fill, x.dtype)
    return np.concatenate([edge, x[(..., slice(0, n - by), *rest)]], axis)


def recurrence(a: Any, b: Any, axis: int) -> Any:
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
    return shifted(np.cumprod(x, axis=axis), axis, 1, 1)


def _cumprod(x: Any, /, axis: int) -> Any:
    return np.multiply.accumulate(x, axis=axis)


def _pull_cumprod(g: Any, x: Any, axis: int) -> Any:
    # d out[j]/d x[i] is the product before i times that between i and j: right also at zeros.
    following = shifted(backwards(adjoint(x), axis), axis, 1, 0)
    weights = np.broadcast_to(following, g.shape)
    sums = backwards(recurrence(weights, backwards(g, axis), axis), axis)
    return sums * adjoint(_before(x, axis))


def _push_cumprod(t: Any, x: Any, axis: int) -> Any:
    sources = t * _before(x, axis)
    return recurrence(np.broadcast_to(x, sources.shape), sources, axis)


running_product = Primitive(
    _cumprod,
    _pull_cumprod,
    _push_cumprod,
    kind="reduction",
    spread=_pull_cumsum,
    gather=_cumsum,
)


def _bound(primitive: Primitive, function: Any, inclusive: Any, method: Any) -> None:
    """Say what a cumulative function means on tensors, in its three forms."""

    def cumulative(a: Any, axis: Any = None, dtype: Any = None) -> Any:
        if dtype is not None:
            a = a.astype(dtype)
        if axis is None or a.ndim == 0:  # NumPy goes along a number's first axis, too
            a, axis = np.ravel(a), axis or 0
        return primitive(a, axis=one_axis(axis, a.ndim))

    def accumulate(array: Any, axis: Any = 0, dtype: Any = None) -> Any:
        return cumulative(array, axis, dtype)

    def cumulative_of_standard(
        x: Any, /, *, axis: Any = None, dtype: Any = None, include_initial: Any = False
    ) -> Any:
        if axis is None and x.ndim > 1:
            raise ValueError(
                f"{function.__name__} along which axis? An array of {x.ndim} axes needs axis="
            )
        axis = 0 if axis is None else axis
        result = cumulative(np.atleast_1d(x), axis, dtype)
        if not include_initial:
            return result
        lengths = list(result.shape)
        lengths[axis] = 1
        return np.concatenate([np.full(lengths, method.identity, result.dtype), result], axis)

    meaning(function)(cumulative)
    meaning(inclusive)(cumulative_of_standard)
    meaning((method, "accumulate"))(accumulate)


_bound(running_sum, np.cumsum, getattr(np, "cumulative_sum", None), np.add)
_bound(running_product, np.cumprod, getattr(np, "cumulative_prod", None), np.multiply)
