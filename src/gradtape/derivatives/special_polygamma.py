"""The digamma function: its derivatives, also at complex arguments, and its differences."""

from __future__ import annotations

from math import factorial
from typing import Any

import numpy as np
import scipy.special as sp

from gradtape.derivatives.special_parts import integral, piece
from gradtape.rules import Elementwise

__all__ = [
    "digamma",
    "less_log1p",
    "log_excess",
    "log_less_psi",
    "polygamma",
    "psi_bend",
    "psi_rise",
]

#: The Bernoulli numbers B(2), B(4), ...
BERNOULLI = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510]
BERNOULLI += [43867 / 798, -174611 / 330]


def _cotangent_slope(n: int, z: Any) -> Any:
    """The n-th derivative of pi cot(pi z), n > 0: a polynomial in the cotangent times csc**2."""
    polynomial = np.polynomial.Polynomial([-1.0])  # what stands beside csc**2
    for _ in range(n - 1):
        # (P csc^2)' = -csc^2 (P' (1 + c^2) + 2 c P), with c the cotangent.
        polynomial = -(polynomial.deriv() * [1, 0, 1] + polynomial * [0, 2])
    turn = z - np.rint(z.real)  # of period one
    # Through exp(-2 pi |Im z|), which does not overflow.
    up = turn.imag >= 0
    e = np.exp(2j * np.pi * np.where(up, turn, -turn))
    cot = np.where(up, 1, -1) * 1j * (e + 1) / np.expm1(2j * np.pi * np.where(up, turn, -turn))
    csc_squared = -4 * e / np.expm1(2j * np.pi * np.where(up, turn, -turn)) ** 2
    return np.pi ** (n + 1) * polynomial(cot) * csc_squared


def _right(n: int, z: Any) -> Any:
    """(-1)**(n+1) polygamma(n, z) for Re z >= 1/2, by recurrence to where DLMF 5.15.8 holds."""
    total = np.zeros_like(z)
    for _ in range(16 + n):
        low = np.abs(z) < 16 + n
        total = total + np.where(low, factorial(n) * z ** (-n - 1), 0)
        z = np.where(low, z + 1, z)
    series = sum(
        b * factorial(2 * k + n - 1) / factorial(2 * k) * z ** (-2 * k - n)
        for k, b in reversed(list(enumerate(BERNOULLI, 1)))
    )
    return total + factorial(n - 1) * z**-n + factorial(n) / 2 * z ** (-n - 1) + series


def _complex_polygamma(n: int, z: Any) -> Any:
    if n == 0:
        return sp.psi(z)
    right = z.real >= 0.5
    value = (-1) ** (n + 1) * _right(n, np.where(right, z, 1 - z))
    mirrored = (-1) ** n * value - _cotangent_slope(n, np.where(right, 0.5, z))
    return np.where(right, value, mirrored)


def _polygamma(n: Any, x: Any) -> Any:
    if getattr(x, "dtype", np.dtype(float)).kind != "c":
        value = sp.polygamma(n, x)
        return value.astype(x.dtype)[()] if hasattr(x, "dtype") and x.dtype.kind == "f" else value
    n, z = np.broadcast_arrays(n, x)
    out = np.empty(z.shape, np.complex128)
    with np.errstate(all="ignore"):
        for order in np.unique(n):
            chosen = n == order
            out[chosen] = _complex_polygamma(int(order), z[chosen].astype(np.complex128))
    return out.astype(z.dtype)[()]


#: The derivatives of digamma. Of real x these are SciPy's; SciPy has none of complex x.
polygamma: Elementwise = Elementwise(
    _polygamma, (None, lambda n, x: polygamma(n + 1, x)), names=("n", "x"), name="polygamma"
)


def _digamma(x: Any) -> Any:
    """Beside its poles by reflection (5.5.4), of which SciPy's loses digits."""
    with np.errstate(all="ignore"):
        value = sp.psi(x)
        if value.dtype.kind == "c":
            return value
        gap = x - np.rint(x)  # exact
        beside = (x < -0.5) & (np.abs(gap) < 0.2) & (gap != 0)
        if not np.any(beside):
            return value
        turned = np.tan(np.pi * np.where(beside, gap, 0.5))
        return np.where(beside, sp.psi(np.where(beside, 1 - x, 1)) - np.pi / turned, value)[()]


#: SciPy's psi, nearer beside negative whole numbers.
digamma: Elementwise = Elementwise(
    _digamma, (lambda x: polygamma(1, x),), names=("x",), name="digamma"
)

#: B(2k)/(2k) for k = 1, 2, ...: the asymptotic series of digamma, DLMF 5.11.2.
PSI_SERIES = [b / (2 * k) for k, b in enumerate(BERNOULLI[:8], 1)]


def _series_rise(a: Any, b: Any) -> Any:
    """What the asymptotic series is less at a + b than at a, without their difference."""
    c = a + b
    u, v = 1 / a / a, 1 / c / c
    slope = value = np.zeros_like(a)
    for coefficient in [*PSI_SERIES[::-1], 0.0]:
        slope, value = slope * v + value, value * u + coefficient
    # It is slope times (u - v), whose factors are exact.
    return slope * (b / a / c) * (1 / a + 1 / c)


def _psi_rise(x: Any, h: Any) -> Any:
    """digamma(x + h) - digamma(x), by differences of the terms of its recurrence and its series."""
    plain = sp.psi(x + h) - sp.psi(x)
    usable = (x > 0) & (x + h > 0)
    a, b = np.where(usable, x, 1), np.where(usable, h, 0)
    total = np.zeros(a.shape)
    for _ in range(12):
        low = np.minimum(a, a + b) < 12
        total = total + np.where(low, b / a / (a + b), 0)
        a = np.where(low, a + 1, a)
    far = np.log1p(b / a) + b / a / (a + b) / 2 + _series_rise(a, b)
    return np.where(usable, np.where(np.isinf(x), 0, total + far), plain)


#: digamma(x + h) - digamma(x), to the last bits also where h is much smaller than x.
psi_rise: Elementwise = piece(
    _psi_rise,
    (
        lambda x, h: polygamma(1, x + h) - polygamma(1, x),
        lambda x, h: polygamma(1, x + h),
    ),
    ("x", "h"),
)


def less_log1p(z: Any) -> Any:
    """z - log(1 + z), z > -1: twice the artanh of r = z/(2 + z) is the log, and z - 2 r = z r."""
    near = z < 1
    inside = np.where(near, z, 0)
    r = inside / (2 + inside)
    square, series = r * r, np.zeros_like(z)
    for k in range(33, 1, -2):
        series = (series + 1 / k) * square
    return np.where(near, r * (inside - 2 * series), z - np.log1p(z))


def log_excess(a: Any, b: Any) -> Any:
    """log(a) - psi(a) less the same at a + b, by differences as above; of bare arrays."""
    total = np.zeros_like(a)
    for _ in range(12):
        low = a < 12
        c = a + b
        z = b / (a * (c + 1))
        total = total + np.where(low, z / c + less_log1p(z), 0)
        a = np.where(low, a + 1, a)
    return total + b / a / (a + b) / 2 + _series_rise(a, b)


def log_less_psi(a: Any) -> Any:
    """log(a) - psi(a) of bare a > 0, likewise."""
    steps = a[..., None] + np.arange(12)
    far = a + 12
    square, series = 1 / far / far, np.zeros(a.shape)
    for coefficient in PSI_SERIES[::-1]:
        series = (series + coefficient) * square
    return np.sum(less_log1p(1 / steps), axis=-1) + (0.5 / far + series)


def psi_bend(a: Any, b: Any) -> Any:
    """psi(a + b) - psi(a) - b/a of bare a, b > 0, which is 0 at b = 1.

    It is b (b-1) times the divided difference of psi at a, a + 1 and a + b, whose terms have one
    sign: those of the recurrence, of the logarithm and of the powers in DLMF 5.11.2.
    """
    total = np.zeros(a.shape)
    for _ in range(12):
        total = total - 1 / a / (a + 1) / (a + b)
        a = a + 1
    log = integral(lambda y, a, b: y / ((a + y) * (a + b * y)), np.ones(a.shape), a, b)
    first, second, third = 1 / a, 1 / (a + 1), 1 / (a + b)
    one, two, three = np.ones(a.shape), np.ones(a.shape), np.ones(a.shape)
    powers = three / 2
    for k in range(1, 2 * len(PSI_SERIES)):  # complete homogeneous polynomials of degree k
        one = one * first
        two = two * second + one
        three = three * third + two
        if k % 2:
            powers = powers + PSI_SERIES[k // 2] * three
    return b * (b - 1) * (total - log - first * second * third * powers)
