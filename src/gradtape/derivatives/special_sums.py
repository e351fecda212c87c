"""Rules of SciPy's sums of exponentials: logsumexp, softmax, log_softmax and softplus."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sp

from gradtape.derivatives.axes import kept, plainly, several_axes
from gradtape.derivatives.primitives import broadcast
from gradtape.derivatives.reductions import gathered
from gradtape.rules import Primitive, adjoint, meaning, strip

__all__ = ["log_soft_maximum", "log_sum", "soft_maximum"]

Shape = tuple[int, ...]
Axes = tuple[int, ...]


# logsumexp ----------------------------------------------------------------------------------------


def _log_sum(a: Any, b: Any, /, axis: Axes, keepdims: bool, signed: bool) -> Any:
    found = sp.logsumexp(a, axis=axis or None, b=b, keepdims=keepdims, return_sign=signed)
    return found[0] if signed else found


def _shares(a: Any, b: Any, axis: Axes) -> tuple[Any, Any]:
    """The partials by a and by b: terms over their sum. Infinite terms share equally."""
    bare, weights = strip(a), strip(b)
    counted = bare if isinstance(b, float) else np.where(weights == 0, -np.inf, bare)
    largest = np.max(np.real(counted), axis=axis, keepdims=True, initial=-np.inf)
    infinite = np.isinf(largest)
    tied = infinite & (np.real(counted) == largest)
    shift = np.where(infinite, 0, largest).astype(np.real(bare).dtype)
    finite = np.exp(np.where(infinite, -np.inf, a - shift))
    terms = np.where(tied, np.ones((), a.dtype), finite)
    if isinstance(b, float):  # no weights
        shares = terms / np.sum(terms, axis=axis, keepdims=True)
        return shares, shares
    weighted = np.where(weights == 0, np.zeros((), a.dtype), b * terms)
    total = np.sum(weighted, axis=axis, keepdims=True)
    return weighted / total, terms / total


def _spread(g: Any, a_shape: Shape, axis: Axes, batch: Shape) -> Any:
    return broadcast(g.reshape(batch + kept(a_shape, axis)), shape=batch + a_shape)


def _rules(index: int) -> tuple[Any, Any]:
    """The reverse and the forward rule by a, by b."""

    def pull(g: Any, a: Any, b: Any, a_shape: Shape, axis: Axes, batch: Shape) -> Any:
        partial = _shares(a, b, axis)[index]
        return g.reshape(batch + kept(a_shape, axis)) * adjoint(partial)

    def push(t: Any, a: Any, b: Any, axis: Axes, keepdims: Any) -> Any:
        partial = _shares(a, b, axis)[index]
        return np.sum(t * partial, axis=axis, keepdims=keepdims)

    return pull, push


_by_a, _by_b = _rules(0), _rules(1)

log_sum = Primitive(
    _log_sum,
    (_by_a[0], _by_b[0]),
    (_by_a[1], _by_b[1]),
    kind="reduction",
    spread=_spread,
    gather=gathered,
)


@meaning(sp.logsumexp)
def _bind_logsumexp(
    a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False
) -> Any:
    weights: Any = 1.0
    if b is not None:
        shape = np.broadcast_shapes(np.shape(a), np.shape(b))
        a, weights = np.broadcast_to(a, shape), np.broadcast_to(b, shape)
    axes = several_axes(axis, np.ndim(a))
    is_complex = "c" in (a.dtype.kind, getattr(weights, "dtype", a.dtype).kind)
    signed = bool(return_sign) and not is_complex
    out = log_sum(a, weights, axis=axes, keepdims=bool(keepdims), signed=signed)
    if not return_sign:
        return out
    if is_complex:
        return np.real(out), np.exp(1j * np.imag(out))
    sign = plainly(
        sp.logsumexp,
        strip(a),
        axis=axes or None,
        b=strip(weights),
        keepdims=keepdims,
        return_sign=True,
    )[1]
    return out, sign


# Softmax ------------------------------------------------------------------------------------------


def _soft_maximum(x: Any, /, axis: Axes) -> Any:
    return sp.softmax(x, axis=axis or None)


def _balanced(r: Any, shares: Any, axis: Axes) -> Any:
    """r, less the shares of its sum, so that the sum is 0.

    Done once it loses digits beside a share near 1, in 1 - share; twice restores them, since the
    sum that then is left is what was lost.
    """
    for _ in range(2):
        r = _minus(r, shares * np.sum(r, axis=axis, keepdims=True))
    return r


def _minus(r: Any, fresh: Any) -> Any:
    """r - fresh, into the memory of the latter where it is an array."""
    if type(r) is type(fresh) is np.ndarray and (r.shape, r.dtype) == (fresh.shape, fresh.dtype):
        return np.subtract(r, fresh, out=fresh)
    return r - fresh


def _pull_soft_maximum(g: Any, out: Any, axis: Axes) -> Any:
    shares = adjoint(out)
    return _balanced(g * shares, shares, axis)


def _push_soft_maximum(t: Any, out: Any, axis: Axes) -> Any:
    return _balanced(t * out, out, axis)


soft_maximum = Primitive(_soft_maximum, _pull_soft_maximum, _push_soft_maximum)


def _log_soft_maximum(x: Any, /, axis: Axes) -> Any:
    return sp.log_softmax(x, axis=axis or None)


def _pull_log_soft_maximum(g: Any, out: Any, axis: Axes) -> Any:
    return _balanced(g, np.exp(adjoint(out)), axis)


def _push_log_soft_maximum(t: Any, out: Any, axis: Axes) -> Any:
    shares = np.exp(out)
    for _ in range(2):  # as in _balanced
        t = t - np.sum(t * shares, axis=axis, keepdims=True)
    return t


log_soft_maximum = Primitive(_log_soft_maximum, _pull_log_soft_maximum, _push_log_soft_maximum)


@meaning(sp.softmax)
def _bind_softmax(x: Any, axis: Any = None) -> Any:
    return soft_maximum(x, axis=several_axes(axis, np.ndim(x)))


@meaning(sp.log_softmax)
def _bind_log_softmax(x: Any, axis: Any = None) -> Any:
    return log_soft_maximum(x, axis=several_axes(axis, np.ndim(x)))


@meaning(getattr(sp, "softplus", None))  # from SciPy 1.17 on
def _bind_softplus(x: Any) -> Any:
    return np.logaddexp(0, x)
