"""Rules of medians, quantiles and partitions: entries by their place in the sorted order.

Each place's gradient goes to the entry that stands there; of equal entries, in the order in which
``np.argsort`` puts them. Between two places NumPy goes along a line, and so do these.
R. J. Hyndman and Y. Fan, "Sample quantiles in statistical packages", The American Statistician 50
(1996): the nine methods.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from gradtape.derivatives.axes import as_array, bare_array, is_tensor, kept, plainly, several_axes
from gradtape.derivatives.reductions import flag
from gradtape.derivatives.statistics import fitted_weights
from gradtape.rules import meaning, strip

__all__: list[str] = []

Axes = tuple[int, ...]

#: The methods that go along a line: place = q (n + 1 - alpha - beta) + alpha - 1, from 0.
_LINES = {
    "linear": (1.0, 1.0),
    "interpolated_inverted_cdf": (0.0, 1.0),
    "hazen": (0.5, 0.5),
    "weibull": (0.0, 0.0),
    "median_unbiased": (1 / 3, 1 / 3),
    "normal_unbiased": (3 / 8, 3 / 8),
}
#: Whether NumPy takes q in the dtype of the array: a plain number, or what is divided by 100.
_Q_AS_ARRAY = np.lib.NumpyVersion(np.__version__) < "2.4.0"
#: The methods that answer with an entry as it is.
_ENTRIES = {"inverted_cdf", "closest_observation", "lower", "higher", "nearest"}


def _rows(a: Any, axes: Axes) -> Any:
    """The array with the axes as one, the last."""
    rest = [i for i in range(-a.ndim, 0) if i not in axes]
    if axes != (-1,):
        a = np.transpose(a, [*rest, *axes])
        a = np.reshape(a, (*a.shape[: len(rest)], prod(a.shape[len(rest) :])))
    return a


def _at(rows: Any, order: Any, places: Any) -> Any:
    """The entries at places of the sorted order, along the last axis."""
    places = np.broadcast_to(places, (*rows.shape[:-1], places.shape[-1]))
    return np.take_along_axis(rows, np.take_along_axis(order, places, -1), -1)


def _numbers(rows: Any) -> Any:
    """How many entries of each row are numbers; they come first in the sorted order."""
    return np.add.reduce(~np.isnan(strip(rows)), axis=-1, keepdims=True)


def _all(rows: Any) -> Any:
    """The length of the rows, as ``_numbers`` has it."""
    return np.full((1,) * rows.ndim, rows.shape[-1])


# Medians --------------------------------------------------------------------------------------


def _median(a: Any, axis: Any, keepdims: Any, skips_nan: bool) -> Any:
    axes = several_axes(axis, a.ndim)
    rows = _rows(a, axes)
    shape = kept(a.shape, axes) if flag(keepdims) else rows.shape[:-1]
    if not rows.shape[-1]:
        return np.reshape(np.mean(rows, -1), shape)
    order, numbers = np.argsort(strip(rows), -1), _numbers(rows)
    count = numbers if skips_nan else _all(rows)
    spoiled = numbers < np.maximum(count, 1)
    last = rows.shape[-1] - 1  # NaN, in a row that has any
    below, above = [
        np.where(spoiled, last, place) for place in (np.maximum(count - 1, 0) // 2, count // 2)
    ]
    single = below == above
    if single.all():
        value = np.mean(_at(rows, order, below), -1)
    else:
        pair = _at(rows, order, np.concatenate([below, above], -1))
        value = np.mean(pair, -1)
        if single.any():  # its double may be too large
            value = np.where(single[..., 0], pair[..., 0], value)
    if skips_nan and not count.all():
        value = np.where(count[..., 0] == 0, value.dtype.type(np.nan), value)
    return np.reshape(value, shape)


@meaning(np.median)
def median(a: Any, axis: Any = None, *, overwrite_input: Any = False, keepdims: Any = False) -> Any:
    return _median(a, axis, keepdims, False)


@meaning(np.nanmedian)
def nanmedian(
    a: Any, axis: Any = None, *, overwrite_input: Any = False, keepdims: Any = False
) -> Any:
    if not a.size:
        return np.nanmean(a, axis, keepdims=keepdims)
    return _median(a, axis, keepdims, True)


# Quantiles ------------------------------------------------------------------------------------


def _places(q: Any, count: Any, method: str) -> Any:
    """Where in the sorted order of ``count`` entries a quantile is; NaN where there are none.

    It is the same quantile of the numbers 0, 1, 2, ...
    """
    places = np.full((*count.shape[:-1], q.size), np.nan, np.result_type(q, np.float64))
    options: Any = {"method": method}
    for n in np.unique(count):
        if n:
            ranks = np.arange(n).astype(places.dtype)
            places[count[..., 0] == n] = np.ravel(np.quantile(ranks, q, **options))
    return places


def _weighted_places(q: Any, rows: Any, weights: Any, skips_nan: bool) -> Any:
    """The same where the entries have weights."""
    bare = strip(rows)
    ranks: Any = np.argsort(np.argsort(bare, -1), -1).astype(float)
    if skips_nan:
        ranks = np.where(np.isnan(bare), np.nan, ranks)
    function = np.nanquantile if skips_nan else np.quantile
    places = function(ranks, q, axis=-1, weights=weights, method="inverted_cdf")
    return np.moveaxis(np.reshape(places, (q.size, *bare.shape[:-1])), 0, -1)


def _line(q: Any, count: Any, method: str) -> tuple[Any, Any]:
    """The place before it is kept between both ends, and its derivative by q."""
    alpha, beta = _LINES.get(method, (0.0, 1.0))
    slope = count + 1 - alpha - beta
    return slope * q + alpha - 1, slope


def _slope(q: Any, count: Any, method: str) -> Any:
    """The derivative of the place by q: 0 beyond the ends, and where the place jumps."""
    place, slope = _line(q, count, method)
    inside = (place >= 0) & (place <= count - 1) & (method in _LINES)
    return np.where(inside, slope, 0)


def _quantile(
    a: Any, q: Any, axis: Any, method: str, keepdims: Any, weights: Any, dtype: Any, skips_nan: bool
) -> Any:
    axes, bare_q = several_axes(axis, a.ndim), bare_array(q)
    rows = _rows(a, axes)
    shape = kept(a.shape, axes) if flag(keepdims) else rows.shape[:-1]
    order = np.argsort(strip(rows), -1)
    count = _numbers(rows) if skips_nan else _all(rows)
    if weights is None:
        places = plainly(_places, bare_q, count, method)
    else:
        fitted = np.broadcast_to(fitted_weights(as_array(strip(weights)), a, axis), a.shape)
        fitted = _rows(fitted, axes)
        places = plainly(_weighted_places, bare_q, strip(rows), fitted, skips_nan)
    last = rows.shape[-1] - 1
    spoiled = np.isnan(places) if skips_nan else _numbers(rows) <= last  # NaN is the last entry
    below = np.where(spoiled, last, np.floor(places)).astype(np.intp)
    value = _at(rows, order, below)
    if not (method in _ENTRIES or (method == "linear" and bare_q.dtype.kind in "bui")):
        above = np.where(spoiled, last, np.minimum(below + 1, np.maximum(count - 1, 0)))
        part: Any = np.where(spoiled, 0.0, places - below)
        if method != "midpoint":  # beyond an end its entry stands alone, even beside infinity
            place = _line(np.ravel(bare_q), count, method)[0]
            beyond = (part == 0) & ((place < 0) | (place > count - 1))
            above = np.where(beyond, below, above)
        if is_tensor(q):
            change = np.subtract(np.ravel(q), np.ravel(bare_q))  # 0, but with a derivative
            part = np.add(part, np.multiply(change, _slope(np.ravel(bare_q), count, method)))
        else:  # at a place the next entry has no part in the value (but NumPy's inf - inf is NaN)
            idle = (part == 0) & np.isfinite(_at(strip(rows), order, above))
            above = np.where(idle, below, above)
        value = _between(value, _at(rows, order, above), part, dtype)
    if skips_nan and not count.all():
        value = np.where(count == 0, value.dtype.type(np.nan), value)
    return np.reshape(np.moveaxis(value, -1, 0), (*bare_q.shape, *shape))


def _between(low: Any, high: Any, part: Any, dtype: Any) -> Any:
    """The point at a part of the way from low to high, from the nearer end as NumPy has it."""
    way, rest = np.subtract(high, low), np.subtract(1, part).astype(dtype)
    ahead = np.add(low, np.multiply(way, part.astype(dtype)))
    return np.where(strip(part) >= 0.5, np.subtract(high, np.multiply(way, rest)), ahead)


def _in_parts(q: Any, whole: int, dtype: Any) -> Any:
    """A quantile in parts of 1, in the dtype in which NumPy reckons with it."""
    theirs = _Q_AS_ARRAY and dtype.kind == "f"
    if whole != 1:
        return np.true_divide(q, dtype.type(whole) if theirs else whole)
    return np.asarray(q, dtype) if theirs and isinstance(q, (int, float)) else q


def _bound(function: Any, plain: Any, whole: int, skips_nan: bool) -> None:
    """Say what quantiles mean, in parts of a whole: 1, or 100 for percentiles."""

    def quantile(
        a: Any,
        q: Any,
        axis: Any = None,
        *,
        overwrite_input: bool = False,
        method: str = "linear",
        keepdims: Any = False,
        weights: Any = None,
    ) -> Any:
        a, q = as_array(a), as_array(q) if isinstance(q, (list, tuple)) else q
        # NumPy's answer for a single entry has the right dtype; its errors speak of q and method.
        bare_q = strip(q)
        given = {} if weights is None else {"weights": np.ones(1)}
        dtype = plain(np.zeros(1, a.dtype), bare_q, method=method, **given).dtype
        if skips_nan and not a.size:
            return np.nanmean(a, axis, keepdims=keepdims)
        q = _in_parts(q, whole, a.dtype)
        return _quantile(a, q, axis, method, keepdims, weights, dtype, skips_nan)

    meaning(function)(quantile)


_bound(np.quantile, np.quantile, 1, False)
_bound(np.percentile, np.percentile, 100, False)
_bound(np.nanquantile, np.quantile, 1, True)
_bound(np.nanpercentile, np.percentile, 100, True)


# Sorted in part -------------------------------------------------------------------------------


@meaning(np.partition)
def partition(a: Any, kth: Any, axis: Any = -1, kind: str = "introselect") -> Any:
    if axis is None:
        a, axis = np.ravel(a), -1
    return np.take_along_axis(a, plainly(_parted_from, strip(a), kth, axis, kind), axis)


def _parted_from(bare: Any, kth: Any, axis: int, kind: Any) -> Any:
    """Where each entry of a partition was before."""
    parted = np.argsort(np.partition(bare, kth, axis=axis, kind=kind), axis, stable=True)
    origin = np.empty(bare.shape, np.intp)
    np.put_along_axis(origin, parted, np.argsort(bare, axis, stable=True), axis)
    return origin


@meaning(np.sort_complex)
def sort_complex(a: Any) -> Any:
    return np.sort(a).astype(np.sort_complex(np.empty(0, a.dtype)).dtype)
