"""Partial derivatives of the error function's family and of the exponential integrals.

The tails keep their digits: exp(-x**2) is computed without rounding x**2, quotients of a density
and a tail go through the scaled function ``erfcx``, and the slopes of ``erfcx`` and ``dawsn``, for
which the obvious formulas cancel, are integrals of one sign.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sp

from gradtape.derivatives.special_arguments import refusing_ufuncs
from gradtape.derivatives.special_pairs import two_product
from gradtape.derivatives.special_parts import cut, gaussian, integral, piece, relatively
from gradtape.derivatives.special_ufuncs import several_arguments
from gradtape.rules import UFUNCS, Elementwise, elementwise, meaning

__all__ = ["ndtri_slope"]

ROOT_PI = float(np.sqrt(np.pi))
ROOT_TWO = float(np.sqrt(2))
ROOT_HALF_PI = float(np.sqrt(np.pi / 2))
ROOT_TWO_PI = float(np.sqrt(2 * np.pi))


def _up_to_big(x: Any) -> Any:
    """x, but no larger than a number at which erfcx is about to vanish, in any precision."""
    return np.minimum(x, x.dtype.type(np.finfo(x.dtype).max / 4))


def _erfcx_slope(x: Any) -> Any:
    """2 x erfcx(x) - 2/sqrt(pi); on the right as an integral of t exp(-t**2 - 2 x t)."""
    if x.dtype.kind == "c":
        return 2 * x * sp.erfcx(x) - 2 / ROOT_PI
    left = np.minimum(x, 0)  # where SciPy's is off by 10 units in the last place
    plain = 2 * x * (2 * gaussian(1, left) - sp.erfcx(-left)) - 2 / ROOT_PI
    right = np.where(x > 0, _up_to_big(x), 0)
    reach = 40 / (right + np.hypot(right, np.sqrt(40)))
    tail = integral(lambda t, x: t * np.exp(-t * (t + 2 * x)), reach, right)
    return np.where(x > 0, -4 / ROOT_PI * tail, np.where(x == -np.inf, x, plain))


erfcx_slope: Elementwise = piece(
    _erfcx_slope, lambda x, out: 2 * sp.erfcx(x) + 2 * (x * out), ("x",)
)


#: Where the slope of Dawson's integral is 0, in two parts.
DAWSON_TOP = (0.9241388730045917, 2.3780739826467796e-17)


def _top_series() -> list[float]:
    """The slope by the distance from there: the powers that solve y'' + 2 x y' + 4 y = 0."""
    top = DAWSON_TOP[0]
    series = [0.0, -1 / top]  # since at the top 2 x dawsn(x) = 1
    for k in range(24):
        inner = (k + 1) * top * series[k + 1] + (k + 2) * series[k]
        series.append(-2 * inner / ((k + 1) * (k + 2)))
    return series


TOP_SERIES = _top_series()


def _dawson_slope(x: Any) -> Any:
    """1 - 2 x dawsn(x); away from 0 as an integral over the distance from x."""
    plain = 1 - 2 * x * sp.dawsn(x)
    if x.dtype.kind == "c":
        return plain
    square = np.square(np.where(np.abs(x) > 1.3, np.clip(x, -1e150, 1e150), 2))
    reach = np.minimum(1, 40 / square)
    tail = integral(lambda r, s: r * np.exp(-s * r * (2 - r)), reach, square)
    from_top = (np.abs(x) - DAWSON_TOP[0]) - DAWSON_TOP[1]
    near = np.abs(from_top) < 0.38
    beside = np.polynomial.polynomial.polyval(np.where(near, from_top, 0), TOP_SERIES)
    plain = np.where(near, beside, plain)
    return np.where(np.abs(x) > 1.3, np.exp(-square) - 2 * (square * tail), plain)


dawson_slope: Elementwise = piece(
    _dawson_slope, lambda x, out: -2 * sp.dawsn(x) - 2 * (x * out), ("x",)
)


#: Real parts up to this have the integral along the real line.
_ALONG = 1.5


def _wofz_moment(n: int, x: Any, y: Any) -> Any:
    """The n-th derivative of w at x + iy for x, y >= 0, each part with its digits.

    It is 1/sqrt(pi) times the integral of (iu)**n exp(-u u/4 + izu) over u > 0 (DLMF 7.7.2): along
    the real line, or by way of 2ix, from where on it does not oscillate.
    """
    reach = 2 * (np.sqrt(y * y + 40) - y)
    along = x <= _ALONG
    turn, up = np.where(along, x, 0), np.where(along, 0, x)

    def level(u: Any, y: Any, turn: Any, up: Any) -> Any:
        return (1j * u - 2 * up) ** n * np.exp(-u * (u / 4 + y)) * np.exp(1j * turn * u)

    def upwards(s: Any, x: Any, y: Any) -> Any:
        return (-s) ** n * np.exp(-s * (x - s / 4)) * (np.sin(y * s) + 1j * np.cos(y * s))

    value = integral(level, reach, y, turn, up)
    value = value * gaussian.compute(-1, up) * np.exp(-2j * up * y)
    end = 2 * (up - np.sqrt(np.maximum(up * up - 44, 0)))
    return (value + integral(upwards, end, up, y)) / ROOT_PI


def _wofz_slope(n: Any, z: Any) -> Any:
    """The n-th derivative of w, n > 0; far out by its continued fraction, DLMF 7.9.3."""
    order = int(n.flat[0].real) if n.size else 1
    plain = [sp.wofz(z)]
    plain.append(2j / ROOT_PI - 2 * z * plain[0])
    for k in range(1, max(order, 2)):
        plain.append(-2 * z * plain[-1] - 2 * k * plain[-2])
    if order > 2:
        return plain[order]
    far = (np.abs(z) > 7.5) | (np.abs(z.imag) > 1.6)
    near = ~far & (z.imag >= 0)
    if np.any(near):
        own = _wofz_moment(order, np.abs(z.real[near]), z.imag[near])
        mirrored = np.conj(own) * (-1) ** order
        plain[order][near] = np.where(z.real[near] < 0, mirrored, own)
    up = np.where(far, np.where(z.imag >= 0, z, -z), 7)
    rests = [np.zeros_like(up)]
    for k in range(120, 0, -1):
        rests.append(k / 2 / (up - rests[-1]))
    # w = i/sqrt(pi)/(z - first), and first = 1/2/(z - second): what cancels, drops out.
    *_, second, first = rests
    share = np.where(z.imag > 0, 0, np.where(z.imag == 0, 0.5, 1))
    bell = np.where(share > 0, share * np.exp(-z * z), 0)
    if order == 1:
        value = -2j / ROOT_PI * first / (up - first) - 4 * z * bell
    else:
        value = 2j / ROOT_PI * second / (up - second) / (up - first)
        value = np.where(z.imag >= 0, value, -value) + (8 * z * z - 4) * bell
    return np.where(far, value, plain[order])


wofz_slope: Elementwise = piece(_wofz_slope, (None, lambda n, z: wofz_slope(n + 1, z)), ("n", "z"))


def _tail_ratio(x: Any) -> Any:
    """The normal distribution's tail beyond x >= 0 over its density at x."""
    return ROOT_HALF_PI * sp.erfcx(_up_to_big(x) / ROOT_TWO)


def _erfinv(x: Any, out: Any) -> Any:
    """sqrt(pi)/2 exp(out**2), whose exponential is erfcx/erfc of out."""
    tail = sp.erfcx(_up_to_big(np.abs(out))) / (1 - np.abs(x))
    return ROOT_PI / 2 * np.where(np.abs(x) < 0.5, gaussian(1, out), tail)


def _erfcinv(x: Any, out: Any) -> Any:
    tail = sp.erfcx(_up_to_big(np.abs(out))) / np.minimum(x, 2 - x)
    return -ROOT_PI / 2 * np.where(np.abs(x - 1) < 0.5, gaussian(1, out), tail)


def ndtri_slope(x: Any, out: Any) -> Any:
    """One over the density at ``out``: in the tails by the quotient of tail and density."""
    tail = _tail_ratio(np.abs(out)) / np.minimum(x, 1 - x)
    return np.where(np.abs(x - 0.5) < 0.25, ROOT_TWO_PI * gaussian(0.5, out), tail)


def _ndtri_exp(x: Any, out: Any) -> Any:
    """ndtr over the density: on the right, where that needs 1 - ndtr, by the other tail."""
    right = np.exp(x) * _tail_ratio(np.maximum(out, 0)) / (0 - np.expm1(cut(out > 0, x, -1)))
    return np.where(out > 0, right, _tail_ratio(np.maximum(-out, 0)))


def _log_ndtr(x: Any) -> Any:
    """The density over ndtr."""
    if x.dtype.kind == "c":
        return 1 / (ROOT_HALF_PI * sp.erfcx(-x / ROOT_TWO))
    right = gaussian(-0.5, x) / (ROOT_TWO_PI * sp.ndtr(np.maximum(x, 0)))
    return np.where(x > 0, right, 1 / (ROOT_HALF_PI * sp.erfcx(np.maximum(-x, 0) / ROOT_TWO)))


def _voigt(x: Any, sigma: Any, gamma: Any) -> Any:
    """By w'(z): V is w's real part at (x + i gamma)/(sigma sqrt(2)), and V_sigma sigma V_xx."""
    narrow = sigma == 0  # the Cauchy distribution
    s = cut(~narrow, sigma, 1)
    z = (x + 1j * gamma) / (s * ROOT_TWO)
    slope = wofz_slope(1, z)
    second = np.real(wofz_slope(2, z))
    square = relatively(x * x + gamma * gamma)
    by_x = -2 * x * gamma / square / square / np.pi
    by_gamma = (x - gamma) * (x + gamma) / square / square / np.pi
    scale = 2 * ROOT_PI * s * s
    return (
        np.where(narrow, by_x, np.real(slope) / scale),
        np.where(narrow, np.zeros((), s.dtype), second / (scale * ROOT_TWO)),
        np.where(narrow, by_gamma, -np.imag(slope) / scale),
    )


def _product_gaussian(a: Any, h: Any) -> Any:
    """exp(-(a h)**2/2), without the rounding of the product."""
    product, lost = two_product(a, h)
    inside = np.abs(product) < 40
    return gaussian.compute(-0.5, product) * (1 - np.where(inside, product * lost, 0))


product_gaussian: Elementwise = piece(
    _product_gaussian,
    (lambda a, h, out: -out * (a * h) * h, lambda a, h, out: -out * (a * h) * a),
    ("a", "h"),
)


def _owens_t(h: Any, a: Any) -> Any:
    by_h = gaussian(-0.5, h) * sp.erf(a * h / ROOT_TWO) / (-2 * ROOT_TWO_PI)
    return by_h, gaussian(-0.5, h) * product_gaussian(a, h) / (1 + a * a) / (2 * np.pi)


elementwise(
    {
        sp.erf: lambda x: 2 / ROOT_PI * gaussian(-1, x),
        sp.erfc: lambda x: -2 / ROOT_PI * gaussian(-1, x),
        sp.erfcx: lambda x: erfcx_slope(x),
        sp.erfi: lambda x: 2 / ROOT_PI * gaussian(1, x),
        sp.erfinv: _erfinv,
        sp.erfcinv: _erfcinv,
        sp.dawsn: lambda x: dawson_slope(x),
        sp.wofz: lambda x: wofz_slope(1, x),
        sp.ndtr: lambda x: gaussian(-0.5, x) / ROOT_TWO_PI,
        sp.log_ndtr: _log_ndtr,
        sp.ndtri: ndtri_slope,
        sp.ndtri_exp: _ndtri_exp,
    }
)


@meaning(sp.wofz)
def _bind_wofz(x: Any) -> Any:
    # A complex function of a real argument: its gradient needs the real part taken.
    # SciPy's versions differ in the dtype.
    turned = x if x.dtype.kind == "c" else x.astype(sp.wofz(x.dtype.type(0)).dtype)
    return UFUNCS[sp.wofz](turned)


several_arguments({sp.voigt_profile: _voigt}, "x", "sigma", "gamma")
several_arguments({sp.owens_t: _owens_t}, "h", "a")


# Exponential integrals ----------------------------------------------------------------------------


def _expn(n: Any, x: Any) -> Any:
    """-E(n-1, x), DLMF 8.19.13; SciPy's E starts at n = 0."""
    first = -np.exp(-x) / x * (1 + 1 / x)
    return np.where(n == 0, first, -sp.expn(np.maximum(n - 1, 0), x))


elementwise(
    {
        sp.expi: lambda x: np.exp(x) / x,
        sp.exp1: lambda x: -np.exp(-x) / x,
    }
)
several_arguments({sp.expn: (None, _expn)}, "n", "x")
refusing_ufuncs({0: "it is a whole number"}, sp.expn)
