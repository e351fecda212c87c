"""Rules of polynomials given by their coefficients, the highest power first."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from gradtape.derivatives.axes import as_array
from gradtape.rules import Primitive, adjoint, meaning, strip

__all__ = ["horner", "powers", "zeros_of"]

Shape = tuple[int, ...]


# Powers ---------------------------------------------------------------------------------------


def _powers(x: Any, /, count: int) -> Any:
    out = np.empty((*x.shape, count), x.dtype)
    out[..., :1] = 1
    out[..., 1:] = x[..., None]
    np.multiply.accumulate(out[..., 1:], out=out[..., 1:], axis=-1)
    return out


def _power_slopes(x: Any, count: int) -> Any:
    """k x**(k - 1) for k = 1, 2, ..."""
    return powers(x, count=max(count - 1, 0)) * np.arange(1, count).astype(x.dtype)


def _push_powers(t: Any, x: Any, count: int) -> Any:
    none = np.zeros((*t.shape, min(count, 1)), t.dtype)  # x**0 is constant
    return np.concatenate([none, t[..., None] * _power_slopes(x, count)], -1)


#: 1, x, x**2, ... along a new last axis.
powers: Primitive = Primitive(
    _powers,
    lambda g, x, count: np.sum(g[..., 1:] * adjoint(_power_slopes(x, count)), axis=-1),
    _push_powers,
    kind="reduction",
    spread=lambda g: np.sum(g[..., 1:], axis=-1),
    gather=lambda t, count: t[..., None] * (np.arange(count) > 0),
)


@meaning(np.vander)
def vander(x: Any, N: Any = None, increasing: bool = False) -> Any:
    if x.ndim != 1:
        raise ValueError(f"vander: x must have one axis, got shape {x.shape}")
    dtype = np.promote_types(x.dtype, int)
    x = x if x.dtype == dtype else x.astype(dtype)
    table = powers(as_array(x), count=x.shape[0] if N is None else int(N))
    return table if increasing else table[:, ::-1]


# Values ---------------------------------------------------------------------------------------


def _horner(p: Any, x: Any, /) -> Any:
    y = np.zeros_like(x)
    for coefficient in p:
        y = y * x + coefficient
    return y


def _derived(p: Any) -> Any:
    """The coefficients of the derivative."""
    return p[:-1] * np.arange(p.shape[0] - 1, 0, -1).astype(p.dtype)


def _pull_coefficients(g: Any, x: Any, p_shape: Shape, x_shape: Shape) -> Any:
    axes, shares = tuple(range(-len(x_shape), 0)), []
    for _ in range(p_shape[0]):
        shares.append(np.sum(g, axis=axes))
        g = g * adjoint(x)
    return np.stack(shares[::-1], -1) if shares else np.zeros((*g.shape[: g.ndim - len(axes)], 0))


def _push_coefficients(t: Any, x: Any, x_shape: Shape, batch: Shape) -> Any:
    y: Any = np.zeros(batch + x_shape, t.dtype)
    for k in range(t.shape[-1]):
        y = y * x + np.reshape(t[..., k], batch + (1,) * len(x_shape))
    return y


#: The value of a polynomial with the coefficients p, at every x.
horner: Primitive = Primitive(
    _horner,
    (
        _pull_coefficients,
        lambda g, p, x: g * adjoint(horner(_derived(p), x)),
    ),
    (
        _push_coefficients,
        lambda t, p, x: t * horner(_derived(p), x),
    ),
)


@meaning(np.polyval)
def polyval(p: Any, x: Any) -> Any:
    p, x = as_array(p), as_array(x)
    if not p.ndim:
        raise TypeError("polyval: the coefficients must have an axis, got a number")
    if p.ndim == 1:
        return horner(p, x)
    y: Any = np.zeros_like(x)
    for coefficients in p:  # of several polynomials, broadcast against the places
        y = y * x + coefficients
    return y


# Arithmetic -----------------------------------------------------------------------------------


def _sum(a1: Any, a2: Any, combine: Any) -> Any:
    a1, a2 = np.atleast_1d(as_array(a1)), np.atleast_1d(as_array(a2))
    short = a2.shape[0] - a1.shape[0]
    if short > 0:
        a1 = np.concatenate([np.zeros(short, a1.dtype), a1])
    elif short < 0:
        a2 = np.concatenate([np.zeros(-short, a2.dtype), a2])
    return combine(a1, a2)


@meaning(np.polyadd)
def polyadd(a1: Any, a2: Any) -> Any:
    return _sum(a1, a2, np.add)


@meaning(np.polysub)
def polysub(a1: Any, a2: Any) -> Any:
    return _sum(a1, a2, np.subtract)


def _proper(p: Any) -> Any:
    """A polynomial without leading zeros."""
    p = np.trim_zeros(np.atleast_1d(as_array(p)), "f")
    return p if p.size else np.zeros(1, p.dtype)


@meaning(np.polymul)
def polymul(a1: Any, a2: Any) -> Any:
    return np.convolve(_proper(a1), _proper(a2))


@meaning(np.polydiv)
def polydiv(u: Any, v: Any) -> Any:
    u, v = [np.atleast_1d(as_array(p)) + 0.0 for p in (u, v)]
    dtype = np.result_type(u.dtype, v.dtype)
    steps = u.shape[0] - v.shape[0] + 1
    scale, rest, quotient = 1.0 / v[0], u.astype(dtype), []
    n = v.shape[0]
    for k in range(steps):
        factor = scale * rest[k]
        quotient.append(factor)
        rest = np.concatenate([rest[:k], rest[k : k + n] - factor * v, rest[k + n :]])
    bare = strip(rest)
    first = 0
    while first < len(bare) - 1 and np.allclose(bare[first], 0, rtol=1e-14):
        first += 1
    return np.stack(quotient) if quotient else np.zeros(1, dtype), rest[first:]


@meaning(np.polyder)
def polyder(p: Any, m: Any = 1) -> Any:
    m = int(m)
    if m < 0:
        raise ValueError(f"polyder: the order of the derivative must not be negative, got {m}")
    for _ in range(m):
        p = p[:-1] * np.arange(p.shape[0] - 1, 0, -1)
    return p


@meaning(np.polyint)
def polyint(p: Any, m: Any = 1, k: Any = None) -> Any:
    m = int(m)
    if m < 0:
        raise ValueError(f"polyint: the order of the integral must not be negative, got {m}")
    k = np.zeros(m) if k is None else np.atleast_1d(as_array(k))
    if k.shape[0] == 1 < m:
        k = np.broadcast_to(k, (m,))
    if k.shape[0] < m:
        raise ValueError(f"polyint: k must hold one constant or {m}, got {k.shape[0]}")
    p = as_array(p)
    for i in range(m):
        p = np.concatenate([p / np.arange(p.shape[0], 0, -1), k[i : i + 1]])
    return p


# Fitting --------------------------------------------------------------------------------------


@meaning(np.polyfit)
def polyfit(
    x: Any, y: Any, deg: Any, rcond: Any = None, full: bool = False, w: Any = None, cov: Any = False
) -> Any:
    count = int(deg) + 1
    x, y = as_array(x) + 0.0, as_array(y) + 0.0
    if count < 1 or x.ndim != 1 or y.ndim not in (1, 2) or not 0 < x.size == y.shape[0]:
        raise TypeError(
            "polyfit: needs a degree of 0 or more, places x along one axis, and a value or a row "
            f"of values y for each, got degree {deg} and shapes {x.shape} and {y.shape}"
        )
    rcond = x.shape[0] * np.finfo(x.dtype).eps if rcond is None else rcond
    table = np.vander(x, count)
    if w is not None:
        w = as_array(w) + 0.0
        if w.shape != x.shape:
            raise TypeError(f"polyfit: w needs a weight for each place {x.shape}, got {w.shape}")
        table = (table * w[:, None]).astype(table.dtype)  # NumPy multiplies in place
        y = (y * (w[:, None] if y.ndim == 2 else w)).astype(y.dtype)
    # Columns of one length are as independent as they can be.
    scale = np.sqrt(np.sum(table * table, axis=0))
    table = table / scale
    p, residuals, rank, singular_values = np.linalg.lstsq(table, y, rcond)
    p = np.transpose(np.transpose(p) / scale)
    if full:
        return p, residuals, rank, singular_values, rcond
    if rank != count:
        warnings.warn("Polyfit may be poorly conditioned", np.exceptions.RankWarning, stacklevel=5)
    return (p, _covariance(table, scale, residuals, y, cov)) if cov else p


def _covariance(table: Any, scale: Any, residuals: Any, y: Any, cov: Any) -> Any:
    """Of the coefficients: for weights that are true, or "unscaled", or else scaled to fit."""
    rows, count = table.shape
    base = np.linalg.inv(np.matmul(np.transpose(table), table)) / np.outer(scale, scale)
    factor: Any = 1
    if cov != "unscaled":
        if rows <= count:
            raise ValueError(
                f"polyfit: {rows} data points are too few to scale the covariance of {count} "
                "coefficients; cov='unscaled' does not scale it"
            )
        factor = residuals / (rows - count)
    return base * factor if y.ndim == 1 else base[:, :, None] * factor


# Roots ----------------------------------------------------------------------------------------


def _zeros_of(p: Any, /) -> Any:
    return np.roots(p)


def _root_slopes(p: Any, roots: Any) -> Any:
    """How the roots move with the coefficients: from p(r) = 0, dr/dp[k] = -r**(n - k) / p'(r)."""
    table = powers(roots, count=p.shape[0])[..., ::-1]
    return -table / horner(_derived(p), roots)[..., None]


zeros_of = Primitive(
    _zeros_of,
    lambda g, p, out: np.matmul(g, adjoint(_root_slopes(p, out))),
    lambda t, p, out: np.matmul(t, np.swapaxes(_root_slopes(p, out), 0, 1)),
)


@meaning(np.roots)
def roots(p: Any) -> Any:
    p = np.atleast_1d(p)
    if p.ndim != 1:
        raise ValueError(f"roots: the coefficients must have one axis, got shape {p.shape}")
    return zeros_of(p)


@meaning(np.poly)
def poly(seq_of_zeros: Any) -> Any:
    zeros = np.atleast_1d(seq_of_zeros)
    if zeros.ndim == 2 and zeros.shape[0] == zeros.shape[1] > 0:
        zeros = np.linalg.eigvals(zeros)
    elif zeros.ndim == 1:
        zeros = zeros.astype(np.mintypecode(zeros.dtype.char))
    else:
        raise ValueError(
            f"poly: takes roots along one axis or a square matrix, got shape {zeros.shape}"
        )
    if not zeros.shape[0]:
        return 1.0
    p: Any = np.ones(1, zeros.dtype)
    for zero in zeros:
        p = np.convolve(p, np.stack([np.ones((), zeros.dtype), -zero]))
    bare = strip(zeros)
    if p.dtype.kind == "c" and np.array_equal(np.sort(bare), np.sort(bare.conjugate())):
        return np.real(p)
    return p
