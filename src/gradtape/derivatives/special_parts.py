"""What the rules of SciPy's special functions share: accurate pieces that SciPy does not have.

Each is computed in double precision whatever the dtype, and is differentiable at any order: where
an argument ``n`` counts derivatives or moments, the derivative of the n-th is made of its
neighbours. A rule that needs the difference of two nearly equal terms has its piece here, as an
integral or a sum whose terms have one sign.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradtape.derivatives.special_precision import blockwise
from gradtape.rules import Elementwise

__all__ = [
    *("cut", "gaussian", "integral", "log_slopes", "piece", "power_moment"),
    "relatively",
]


def piece(compute: Callable[..., Any], partials: Any, names: tuple[str, ...]) -> Elementwise:
    """A differentiable piece, computed in double precision and given back in its own dtype."""

    def run(*arrays: Any) -> Any:
        with np.errstate(all="ignore"):
            return blockwise(compute, *arrays)

    name = f"special.{compute.__name__.strip('_')}"
    return Elementwise(run, partials, names=names, name=name)


# Choosing a branch ------------------------------------------------------------------------------


def cut(condition: Any, x: Any, otherwise: float) -> Any:
    """x where the condition holds; elsewhere a number at which its formula is harmless."""
    return np.where(condition, x, np.asarray(otherwise, x.dtype))


def relatively(x: Any) -> Any:
    """x, and 1 where it is 0: a divisor of something that is 0 there too."""
    return np.where(x == 0, np.ones((), x.dtype), x)


# Integrals from 0 to 1 ----------------------------------------------------------------------------


def _rule(count: int) -> tuple[Any, Any]:
    """Gauss-Legendre nodes and weights for the interval from 0 to 1, each right to the last bit."""
    x: Any = np.polynomial.legendre.leggauss(count)[0].astype(np.longdouble)
    for _ in range(2):  # Newton's method on the Legendre polynomial, DLMF 14.10.3
        before: Any = np.ones_like(x)
        p: Any = x
        for k in range(1, count):
            before, p = p, ((2 * k + 1) * x * p - k * before) / (k + 1)
        slope = count * (before - x * p) / ((1 - x) * (1 + x))
        x = x - p / slope
    weights = 1 / ((1 - x) * (1 + x) * slope**2)
    return ((1 + x) / 2).astype(float), weights.astype(float)


NODES, WEIGHTS = _rule(48)


def integral(integrand: Callable[..., Any], upper: Any, *arrays: Any) -> Any:
    """The integral of a smooth function of r, and of arrays beside it, from 0 to ``upper``."""
    r = upper[..., None] * NODES
    return integrand(r, *[a[..., None] for a in arrays]) @ WEIGHTS * upper


def _power_moment(n: Any, x: Any) -> Any:
    """The integral of s**n exp(x s) over s from 0 to 1."""
    reach = np.minimum(1, 40 / np.maximum(np.abs(x), 1e-300))

    def falling(r: Any, n: Any, x: Any) -> Any:
        return np.where(x > 0, 1 - r, r) ** n * np.exp(-np.abs(x) * r)

    half = np.exp(np.maximum(x, 0) / 2)  # twice a half does not overflow early
    value = half * integral(falling, reach, n, x) * half
    return np.where(x == -np.inf, 0, value)


#: The n-th derivative of (exp(x) - 1)/x.
power_moment: Elementwise = piece(
    _power_moment, (None, lambda n, x: power_moment(n + 1, x)), ("n", "x")
)


def _log_slopes(n: Any, u: Any) -> Any:
    """The integral of s**n (1 + u s)**(-n-1) over s from 0 to 1."""
    order = int(n.flat[0].real) if n.size else 0
    near = (np.abs(u - 0.05) < 0.95) | (u != u)
    inside = np.where(near, u, 0)
    by_sum = integral(lambda s, u: s**order / (1 + u * s) ** (order + 1), np.ones(u.shape), inside)
    away = np.where(near, 1, u)
    direct = np.log1p(away) / away
    for k in range(1, order + 1):  # by parts
        direct = (direct - (1 + away) ** -k / k) / away
    return np.where(near, by_sum, direct)


#: (-1)**n/n! times the n-th derivative of log(1 + u)/u.
log_slopes: Elementwise = piece(
    _log_slopes, (None, lambda n, u: -(n + 1) * log_slopes(n + 1, u)), ("n", "u")
)


# Gaussians ----------------------------------------------------------------------------------------


def _gaussian(c: Any, x: Any) -> Any:
    """exp(c x**2) for c = +-1 or +-1/2, to the last bits: x**2 in two parts, the first exact."""
    if x.dtype.kind == "c":
        return np.exp(c * (x * x))
    x = np.clip(x, -40, 40)  # beyond, it is 0 or infinite
    near = np.rint(x * 16) / 16
    return np.exp(c * near * near) * np.exp(c * ((x - near) * (x + near)))


gaussian: Elementwise = piece(_gaussian, (None, lambda c, x, out: (2 * c) * (x * out)), ("c", "x"))
