"""Rules of weighted averages, covariances and weighted counts."""

from __future__ import annotations

import functools
import warnings
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from gradtape.derivatives.axes import (
    as_array,
    bare_array,
    constant,
    is_tensor,
    plainly,
    several_axes,
    together,
)
from gradtape.derivatives.primitives import scatter_add
from gradtape.rules import bare, meaning, strip

__all__ = ["fitted_weights"]


# Averages -------------------------------------------------------------------------------------


def fitted_weights(weights: Any, a: Any, axis: Any) -> Any:
    """Weights that broadcast against the array: they are given for all of it, or for the axes."""
    if weights.shape == a.shape:
        return weights
    if axis is None:
        raise TypeError(
            f"weights of shape {weights.shape} for an array of shape {a.shape} need axis=, "
            "the axes that they are for"
        )
    axes = normalize_axis_tuple(axis, a.ndim)
    lengths = tuple([a.shape[i] for i in axes])
    if weights.shape != lengths:
        raise ValueError(
            f"weights of shape {weights.shape} do not fit the array along axis {axis}, "
            f"where its shape is {lengths}"
        )
    turned = np.transpose(weights, np.argsort(axes))
    return np.reshape(turned, [n if i in axes else 1 for i, n in enumerate(a.shape)])


def _in(a: Any, dtype: Any) -> Any:
    """The array in a dtype, itself if that is its own."""
    return a if a.dtype == dtype else a.astype(dtype)


@meaning(np.average)
def average(
    a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: Any = False
) -> Any:
    a = as_array(a)
    axes = several_axes(axis, a.ndim)
    if weights is None:
        value = np.mean(a, axes, keepdims=keepdims)
        scale: Any = value.dtype.type(a.size / value.size) if returned else None
    else:
        weights = fitted_weights(as_array(weights), a, axis)
        widest = [np.float64] if a.dtype.kind in "bui" else []
        dtype = np.result_type(a.dtype, weights.dtype, *widest)
        a, weights = _in(a, dtype), _in(weights, dtype)
        scale = np.sum(weights, axes, keepdims=keepdims)
        if np.any(np.equal(scale, 0)):
            raise ZeroDivisionError("average: the weights sum to zero")
        value = np.true_divide(np.sum(np.multiply(a, weights), axes, keepdims=keepdims), scale)
    if not returned:
        return value
    return value, scale if scale.shape == value.shape else np.broadcast_to(scale, value.shape)


# Covariances ----------------------------------------------------------------------------------


def _samples(m: Any, y: Any, rowvar: Any, dtype: Any) -> Any:
    """One variable a row, those of y below those of m."""
    if dtype is None:
        dtype = np.result_type(np.float64, m.dtype, *([] if y is None else [y.dtype]))
    table = _in(np.atleast_2d(m), dtype)
    if not rowvar and m.ndim != 1:
        table = np.transpose(table)
    if y is None or not table.shape[0]:
        return table
    more = _in(np.atleast_2d(y), dtype)
    if not rowvar and more.shape[0] != 1:
        more = np.transpose(more)
    return np.concatenate([table, more], 0)


def _observation_weights(fweights: Any, aweights: Any, count: int) -> tuple[Any, Any]:
    """The weight of each observation, or None, and ``aweights`` as an array."""
    if fweights is None and aweights is None:
        return None, None
    options = {"fweights": strip(fweights), "aweights": strip(aweights)}
    np.cov(np.arange(float(count)), ddof=0, **options)  # NumPy's errors
    given = [None if w is None else _in(as_array(w), np.float64) for w in (fweights, aweights)]
    f, a = given
    return (a if f is None else f if a is None else np.multiply(f, a)), a


@meaning(np.cov)
def cov(
    m: Any,
    y: Any = None,
    rowvar: Any = True,
    bias: Any = False,
    ddof: Any = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Any:
    m, y = as_array(m), None if y is None else as_array(y)
    ddof = constant(ddof, np.cov, "ddof", "it is a whole number")
    if m.ndim > 2 or (y is not None and y.ndim > 2) or (ddof is not None and ddof != int(ddof)):
        return np.cov(strip(m), strip(y), ddof=ddof)  # NumPy's errors
    samples = _samples(m, y, rowvar, dtype)
    if not samples.shape[0]:
        return np.empty((0, 0))
    if ddof is None:
        ddof = 0 if bias else 1
    weights, aweights = _observation_weights(fweights, aweights, samples.shape[1])
    mean, total = np.average(samples, axis=1, weights=weights, returned=True)
    apart = np.subtract(samples, np.expand_dims(mean, 1))
    weighted = apart if weights is None else np.multiply(apart, weights)
    products = np.dot(apart, np.conjugate(np.transpose(weighted)))
    if weights is None:
        freedom: Any = samples.shape[1] - ddof
    elif ddof == 0:
        freedom = total[0]
    elif aweights is None:
        freedom = np.subtract(total[0], ddof)
    else:
        squares = np.sum(np.multiply(weights, aweights))
        freedom = np.subtract(total[0], np.true_divide(np.multiply(ddof, squares), total[0]))
    if not np.greater(freedom, 0):
        warnings.warn("Degrees of freedom <= 0 for slice", RuntimeWarning, stacklevel=2)
        freedom = 0.0
    return np.squeeze(np.multiply(products, np.true_divide(1, freedom)))


@meaning(np.corrcoef)
def corrcoef(x: Any, y: Any = None, rowvar: Any = True, *, dtype: Any = None) -> Any:
    c = np.cov(x, y, rowvar, dtype=dtype)
    if not c.ndim:
        return np.true_divide(c, c)
    deviation = np.sqrt(np.real(np.diagonal(c)))
    c = np.true_divide(c, np.expand_dims(deviation, 1))
    c = np.true_divide(c, deviation)
    # As in NumPy, both parts are kept from going past 1 by a rounding error.
    if c.dtype.kind != "c":
        return np.clip(c, -1, 1)
    imaginary = np.multiply(np.clip(np.imag(c), -1, 1), 1j)
    return np.add(np.clip(np.real(c), -1, 1), imaginary)


# Weighted counts ------------------------------------------------------------------------------

# A count has no derivative; a sum of weights has one by the weights, which are moved as they are.

bare(np.histogram_bin_edges)


def _is_differentiable(weights: Any) -> bool:
    return is_tensor(weights) and weights.dtype.kind in "fc"


def _stripped(values: Any) -> Any:
    several = isinstance(values, (list, tuple))
    return [_stripped(v) for v in values] if several else strip(values)


@meaning(np.bincount)
def bincount(x: Any, /, weights: Any = None, minlength: Any = 0) -> Any:
    x = bare_array(x)
    if not _is_differentiable(weights):
        return np.bincount(x, strip(weights), minlength)
    size = np.bincount(x, strip(weights), minlength).size  # NumPy's errors
    return scatter_add(_in(weights, np.dtype(float)), shape=(size,), positions=x.astype(np.intp))


def _bin_numbers(values: Any, edges: Any) -> Any:
    """Which bin each value is in; a negative number, or how many there are, for none."""
    numbers = np.searchsorted(edges, values, side="right") - 1
    numbers[values == edges[-1]] -= 1  # the last bin includes its right edge
    return np.where(np.isnan(values), -1, numbers) if values.dtype.kind == "f" else numbers


def _weights_in_bins(columns: Any, edges: Any, weights: Any) -> Any:
    """The sums of the weights in each bin of a grid, from the coordinates of the points."""
    shape = tuple([len(e) - 1 for e in edges])
    numbers = [plainly(_bin_numbers, c, e) for c, e in zip(columns, edges, strict=True)]
    numbers = together(*numbers)
    inside = functools.reduce(
        np.logical_and, [(i >= 0) & (i < n) for i, n in zip(numbers, shape, strict=True)]
    )
    (some,) = np.nonzero(inside)
    positions = np.ravel_multi_index([i[some] for i in numbers], shape)
    wide = _in(weights, np.result_type(weights.dtype, np.float64))
    return scatter_add(np.take(wide, some), shape=shape, positions=positions)


def _is_sequence(bins: Any) -> bool:
    return isinstance(bins, (list, tuple)) or np.ndim(strip(bins)) > 0


def _edges_of(edges: Any, values: Any, bins: Any, range: Any) -> Any:
    """The edges that NumPy found, as they depend on what they were made of."""
    if _is_differentiable(bins):
        return bins
    if _is_sequence(bins) or (range is None and not np.size(values)):
        return edges
    ends = range if range is not None else (np.min(values), np.max(values))
    if not any([_is_differentiable(e) for e in ends]):
        return edges
    half = 0.5 if strip(ends[0]) == strip(ends[1]) else 0  # a width where there is none
    return np.linspace(ends[0] - half, ends[1] + half, len(edges))


def _shown(edges: Any, bins: Any) -> Any:
    """The edges to answer with: what was given as a tensor, or bare ones."""
    return bins if _is_differentiable(bins) else edges


@meaning(np.histogram)
def histogram(
    a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> Any:
    a, bins = as_array(a), as_array(bins) if isinstance(bins, (list, tuple)) else bins
    given = strip(bins), _stripped(range)
    counts, bare_edges = np.histogram(strip(a), *given, None, strip(weights))
    edges = _edges_of(bare_edges, a, bins, range) if density else bare_edges
    if _is_differentiable(weights):
        counts = _weights_in_bins([np.ravel(strip(a))], [bare_edges], np.ravel(weights))
        counts = _in(counts, weights.dtype)
    elif not is_tensor(edges):
        counts = np.histogram(strip(a), *given, density, strip(weights))[0]
        density = False
    if density:
        widths = np.diff(edges).astype(float)
        counts = np.true_divide(np.true_divide(counts, widths), np.sum(counts))
    return counts, _shown(bare_edges, bins)


@meaning(np.histogramdd)
def histogramdd(
    sample: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> Any:
    table = as_array(sample)  # a point a row; as a list, a coordinate a row
    columns = list(table.T if table.ndim == 2 and table is sample else np.atleast_2d(table))
    given = _stripped(sample), _stripped(bins), _stripped(range)
    counts, bare_edges = np.histogramdd(*given, None, strip(weights))
    edges, n = list(bare_edges), len(bare_edges)
    bins = list(bins) if _is_sequence(bins) else [bins] * n
    if density:
        limits = [None] * n if range is None else range
        edges = [_edges_of(*one) for one in zip(edges, columns, bins, limits, strict=True)]
    if _is_differentiable(weights):
        counts = _weights_in_bins([strip(c) for c in columns], bare_edges, weights)
    elif not any([is_tensor(e) for e in edges]):
        counts = np.histogramdd(*given, density, strip(weights))[0]
        density = False
    if density:
        total = np.sum(counts)
        for i, e in enumerate(edges):
            counts = np.true_divide(counts, np.reshape(np.diff(e), (-1,) + (1,) * (n - 1 - i)))
        counts = np.true_divide(counts, total)
    return counts, tuple([_shown(e, b) for e, b in zip(bare_edges, bins, strict=True)])


@meaning(np.histogram2d)
def histogram2d(
    x: Any,
    y: Any,
    bins: Any = 10,
    range: Any = None,
    density: Any = None,
    weights: Any = None,
) -> Any:
    if np.shape(strip(x)) != np.shape(strip(y)):
        return np.histogram2d(strip(x), strip(y), _stripped(bins))  # NumPy's error
    if _is_sequence(bins) and len(bins) not in (1, 2):  # the same edges for both
        bins = [as_array(bins)] * 2
    counts, edges = np.histogramdd([x, y], bins, range, density, weights)
    return counts, *edges
