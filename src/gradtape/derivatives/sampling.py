"""Rules of interpolation and of evenly spaced numbers."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from gradtape.derivatives.axes import as_array, together
from gradtape.needs import Named
from gradtape.rules import Primitive, align, meaning, strip, unbroadcast

__all__ = ["spaced"]

Shape = tuple[int, ...]


# Interpolation --------------------------------------------------------------------------------


@meaning(np.interp)
def interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    """At a knot the slope is that of the interval behind it; at the last knot, before it."""
    x, xp, fp = as_array(x), as_array(xp), as_array(fp)
    if "c" in (x.dtype.kind, xp.dtype.kind):
        raise TypeError(
            f"interp: x and xp must be real, got dtypes {x.dtype} and {xp.dtype}: complex numbers "
            "have no order"
        )
    if xp.ndim != 1 or fp.shape != xp.shape or not xp.size:
        raise ValueError(
            f"interp: xp and fp must be filled sequences of one length, got shapes {xp.shape} and "
            f"{fp.shape}"
        )
    if fp.dtype.kind == "c":
        ends: dict[str, Any] = {"left": left, "right": right}
        real, imag = [
            interp(
                x,
                xp,
                part(fp),
                period=period,
                **{k: e if e is None else part(e) for k, e in ends.items()},
            )
            for part in (np.real, np.imag)
        ]
        return real + 1j * imag
    x, xp, fp = [v.astype(np.float64) for v in (x, xp, fp)]
    if period is not None:
        if period == 0:
            raise ValueError("interp: period must be a non-zero value")
        period = np.absolute(period)
        left = right = None
        x, xp = np.remainder(x, period), np.remainder(xp, period)
        order = np.argsort(xp)
        xp, fp = xp[order], fp[order]
        xp = np.concatenate([xp[-1:] - period, xp, xp[:1] + period])
        fp = np.concatenate([fp[-1:], fp, fp[:1]])
    places = strip(x)
    inside = _interpolated(x, xp, fp)
    inside = np.where(places < strip(xp)[0], fp[0] if left is None else left, inside)
    inside = np.where(places > strip(xp)[-1], fp[-1] if right is None else right, inside)
    return inside.astype(np.float64)


def _interpolated(x: Any, xp: Any, fp: Any) -> Any:
    """The straight line through the knots on both sides of each place, from the nearer infinity."""
    x, xp, fp = together(x, xp, fp)
    knots, values, places = together(strip(xp), strip(fp), strip(x))
    n = len(knots)
    i = np.clip(np.searchsorted(knots, places, "right") - 1, 0, max(n - 2, 0))
    if n == 1:
        return np.where(np.ones(places.shape, bool), fp[i], x)
    j = i + 1
    width = xp[j] - xp[i]
    empty = strip(width) == 0  # of equal knots the last one counts
    with np.errstate(invalid="ignore"):
        slope = np.where(empty, 0, fp[j] - fp[i]) / np.where(empty, 1, width)
        line, other = slope * (x - xp[i]) + fp[i], slope * (x - xp[j]) + fp[j]
    # As in NumPy, a knot has its value whatever stands beside it, and equal infinities join.
    bad = ~np.isfinite(slope)
    kept = bad & ((places == knots[i]) | (np.isnan(other) & (values[i] == values[j])))
    line = np.where(empty | (places == knots[j]) | np.isnan(line), other, line)
    return np.where(kept, fp[i], np.where(bad & (places == knots[j]), fp[j], line))


# Evenly spaced numbers ------------------------------------------------------------------------


def _spaced(start: Any, stop: Any, /, num: int, endpoint: bool) -> Any:
    return np.linspace(start, stop, num, endpoint)


def _weights(num: int, endpoint: bool, of_start: bool, ndim: int, like: Any) -> Any:
    """How much of an end is in each sample, ready to multiply the samples."""
    parts = np.arange(num) / max(num - 1 if endpoint else num, 1)
    parts = 1 - parts if of_start else parts
    real = like.real.dtype if like.dtype.kind in "fc" else np.float64
    return parts.astype(real).reshape((num,) + (1,) * ndim)


def _pull_end(g: Any, of_start: bool, shape: Shape, num: int, endpoint: bool, batch: Shape) -> Any:
    ndim = g.ndim - len(batch) - 1
    weighted = g * _weights(num, endpoint, of_start, ndim, g)
    return unbroadcast(np.sum(weighted, axis=-ndim - 1), shape, batch)


def _push_end(
    t: Any, of_start: bool, shape: Shape, out: Any, num: int, endpoint: bool, batch: Shape
) -> Any:
    ndim = out.ndim - 1
    t = np.expand_dims(align(t, shape, ndim, batch), len(batch))
    weighted = t * _weights(num, endpoint, of_start, ndim, t)
    return np.broadcast_to(weighted, batch + out.shape)


def _rules(of_start: bool) -> tuple[Any, Any]:
    """The rules of one end."""
    shape = "start_shape" if of_start else "stop_shape"

    def pull(g: Any, shape: Shape, num: int, endpoint: bool, batch: Shape) -> Any:
        return _pull_end(g, of_start, shape, num, endpoint, batch)

    def push(t: Any, shape: Shape, out: Any, num: int, endpoint: bool, batch: Shape) -> Any:
        return _push_end(t, of_start, shape, out, num, endpoint, batch)

    return (
        Named(pull, (shape, "num", "endpoint", "batch")),
        Named(push, (shape, "out", "num", "endpoint", "batch")),
    )


#: Samples from start to stop along a new first axis.
spaced = Primitive(_spaced, *zip(_rules(True), _rules(False), strict=True), kind="movement")


@meaning(np.linspace)
def linspace(
    start: Any,
    stop: Any,
    num: Any = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    num, endpoint = operator.index(num), bool(endpoint)
    if num < 0:
        raise ValueError(f"linspace: the number of samples must be non-negative, got {num}")
    start, stop = [v if type(v) in (int, float, complex) else as_array(v) for v in (start, stop)]
    samples = spaced(start, stop, num=num, endpoint=endpoint)
    if dtype is not None and np.dtype(dtype).kind in "iu":
        samples = np.floor(samples)
    samples = np.moveaxis(samples if dtype is None else samples.astype(dtype), 0, axis)
    if not retstep:
        return samples
    count = num - 1 if endpoint else num
    return samples, (stop * 1.0 - start * 1.0) / count if count > 0 else np.nan


@meaning(np.logspace)
def logspace(
    start: Any,
    stop: Any,
    num: Any = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    if np.ndim(base):
        parts = [as_array(v) for v in (start, stop, base)]
        ndim = max([p.ndim for p in parts])
        start, stop, base = [np.reshape(p, (1,) * (ndim - p.ndim) + p.shape) for p in parts]
        base = np.expand_dims(base, axis)
    exponents = np.linspace(start, stop, num, endpoint, axis=axis)
    samples = np.power(base, exponents)
    return samples if dtype is None else samples.astype(dtype)


@meaning(np.geomspace)
def geomspace(
    start: Any, stop: Any, num: Any = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0
) -> Any:
    start, stop = as_array(start), as_array(stop)
    if np.any(start == 0) or np.any(stop == 0):
        raise ValueError("geomspace: a geometric sequence cannot include zero")
    # Complex numbers turn from one end to the other; negative ones keep their sign.
    common = np.result_type(strip(start), strip(stop), float(num), np.zeros((), dtype))
    start, stop = start.astype(common), stop.astype(common)
    sign = np.sign(start)
    first, last = start / sign, stop / sign
    samples = np.logspace(np.log10(first), np.log10(last), num, endpoint, dtype=common)
    # The ends are what was given, which the exponential of the logarithm need not be.
    if num > 1 and endpoint:
        first, last = [np.broadcast_to(v, samples.shape[1:])[None] for v in (first, last)]
        samples = np.concatenate([first, samples[1:-1], last])
    elif num > 0:
        first = np.broadcast_to(first, samples.shape[1:])[None]
        samples = np.concatenate([first, samples[1:]])
    samples = np.moveaxis(samples * sign, 0, axis)
    return samples if dtype is None else samples.astype(dtype)
