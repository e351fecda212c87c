"""Convolution and correlation along the last axes; those in front of them broadcast.

Two primitives: the full convolution, and the correlation of two arrays where they overlap wholly
(``valid``). The rules of each are calls of the two::

    full(x, y)[k]  = sum_j x[k - j] y[j]          cotangents: valid(g, y), valid(g, x)
    valid(x, y)[k] = sum_j x[k + j] conj(y[j])    cotangents: full(g, y), valid(x, g)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.signal

from gradtape.arithmetic import align, unbroadcast
from gradtape.primitive import Primitive
from gradtape.tensor import Tensor

__all__ = ["convolved", "full", "padded", "turned", "valid"]

Shape = tuple[int, ...]


def turned(x: Any, nd: int) -> Any:
    """The conjugate, reversed along the last axes: what a correlation convolves with."""
    return np.conjugate(x)[(..., *[slice(None, None, -1)] * nd)]


def _by_fft(x: Any, y: Any, mode: str, nd: int, method: str) -> Any:
    """Both with as many axes, those in front broadcasting."""
    ndim = max(x.ndim, y.ndim)
    x, y = [a.reshape((1,) * (ndim - a.ndim) + a.shape) for a in (x, y)]
    convolve = scipy.signal.oaconvolve if method == "oa" else scipy.signal.fftconvolve
    return convolve(x, y, mode, tuple(range(-nd, 0)))


def _directly(function: Any, x: Any, y: Any, mode: str, nd: int) -> Any:
    """A function of SciPy's that goes over all axes, for each pair along the axes in front."""
    if y.ndim == nd or set(y.shape[:-nd]) == {1}:  # an axis of length one sums up nothing
        axes = max(x.ndim, y.ndim)
        x, y = [a.reshape((1,) * (axes - a.ndim) + a.shape) for a in (x, y)]
        return function(x, y, mode, "direct")
    front = np.broadcast_shapes(x.shape[:-nd], y.shape[:-nd])
    xs, ys = [np.broadcast_to(a, front + a.shape[-nd:]) for a in (x, y)]
    found = [function(xs[i], ys[i], mode, "direct") for i in np.ndindex(front)]
    if not found:
        found_shape = function(*[np.zeros(a.shape[-nd:]) for a in (x, y)], mode, "direct").shape
        return np.zeros(front + found_shape, np.result_type(x, y))
    return np.stack(found).reshape(front + found[0].shape)


def _full(x: Any, y: Any, /, nd: int, method: str) -> Any:
    if method == "direct":
        return _directly(scipy.signal.convolve, x, y, "full", nd)
    return _by_fft(x, y, "full", nd, method)


def _valid(x: Any, y: Any, /, nd: int, method: str) -> Any:
    if method == "direct":
        return _directly(scipy.signal.correlate, x, y, "valid", nd)
    return _by_fft(x, turned(y, nd), "valid", nd, method)


def _bilinear(
    compute: Callable[..., Any],
    pulls: tuple[Callable[..., Any], Callable[..., Any]],
    pushes: tuple[Callable[..., Any], Callable[..., Any]],
    name: str,
) -> Primitive:
    """A function linear in x and in y, whose axes in front broadcast: its rules before that."""
    (pull_x, pull_y), (push_x, push_y) = pulls, pushes

    def by_x(g: Any, y: Any, x_shape: Shape, nd: int, method: str, batch: Shape) -> Any:
        return unbroadcast(pull_x(g, y, nd=nd, method=method), x_shape, batch)

    def by_y(g: Any, x: Any, y_shape: Shape, nd: int, method: str, batch: Shape) -> Any:
        return unbroadcast(pull_y(g, x, nd=nd, method=method), y_shape, batch)

    def along_x(
        t: Any, y: Any, out: Any, x_shape: Shape, nd: int, method: str, batch: Shape
    ) -> Any:
        return push_x(align(t, x_shape, out.ndim, batch), y, nd=nd, method=method)

    def along_y(
        t: Any, x: Any, out: Any, y_shape: Shape, nd: int, method: str, batch: Shape
    ) -> Any:
        return push_y(align(t, y_shape, out.ndim, batch), x, nd=nd, method=method)

    return Primitive(compute, (by_x, by_y), (along_x, along_y), name=name)


#: The full convolution along the last ``nd`` axes.
full: Primitive = _bilinear(
    _full,
    (lambda g, y, **how: valid(g, y, **how), lambda g, x, **how: valid(g, x, **how)),
    (lambda t, y, **how: full(t, y, **how), lambda t, x, **how: full(t, x, **how)),
    "scipy.convolution",
)

#: The correlation along the last ``nd`` axes of x with a y that is nowhere longer.
valid: Primitive = _bilinear(
    _valid,
    (lambda g, y, **how: full(g, y, **how), lambda g, x, **how: valid(x, g, **how)),
    (lambda t, y, **how: valid(t, y, **how), lambda t, x, **how: valid(x, t, **how)),
    "scipy.correlation",
)


def padded(x: Any, around: Any, mode: Any, value: Any) -> Any:
    """NumPy's padding, of a signal and with a constant of which either may be a tensor."""
    if mode != "constant":
        return np.pad(x, around, mode)
    if isinstance(value, Tensor) and not isinstance(x, Tensor):
        x = Tensor(x)
    return np.pad(x, around, mode, constant_values=value)


def cropped(whole: Any, lengths: Shape) -> Any:
    """The middle of the last axes, of given lengths."""
    starts = [(n - m) // 2 for n, m in zip(whole.shape[-len(lengths) :], lengths, strict=True)]
    return whole[(..., *[slice(s, s + m) for s, m in zip(starts, lengths, strict=True)])]


def convolved(x: Any, y: Any, mode: str, nd: int, method: str) -> Any:
    """The convolution along the last ``nd`` axes, in one of SciPy's modes."""
    n, m = x.shape[-nd:], y.shape[-nd:]
    if mode == "valid":
        if all([i >= j for i, j in zip(n, m, strict=True)]):
            return valid(x, turned(y, nd), nd=nd, method=method)
        if all([i <= j for i, j in zip(n, m, strict=True)]):
            return valid(y, turned(x, nd), nd=nd, method=method)
        raise ValueError(
            "for mode='valid' one of the arrays must be at least as long as the other along every "
            f"axis, got the lengths {n} and {m}"
        )
    if mode not in ("full", "same"):
        raise ValueError(f"mode must be 'full', 'same' or 'valid', got {mode!r}")
    whole = full(x, y, nd=nd, method=method)
    return whole if mode == "full" else cropped(whole, n)
