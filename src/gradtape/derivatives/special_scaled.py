"""Modified Bessel functions times an exponential, and their derivatives of any order.

The obvious derivative of I0(x) exp(-x), which is (I1(x) - I0(x)) exp(-x), cancels more and more as
x grows. Integrals do not: differentiating one only brings a positive factor into it, and the
trapezoidal rule converges exponentially (L. N. Trefethen and J. A. C. Weideman, "The exponentially
convergent trapezoidal rule", SIAM Review 56, 2014). Values come from them too where SciPy's are up
to 200 units in the last place off. Numbers in parentheses are those of the NIST Digital Library
(DLMF).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from gradtape.derivatives.special_hankel import FIRST, LARGEST
from gradtape.derivatives.special_macdonald import i_scaled_slope, is_known, k_scaled_slope
from gradtape.derivatives.special_parts import NODES, WEIGHTS
from gradtape.derivatives.special_precision import BLOCK, blockwise
from gradtape.derivatives.special_zeros import scaled_i_series
from gradtape.rules import Elementwise

__all__ = ["scaled_i", "scaled_k"]

#: Bells are cut off where they have fallen to exp(-_DEPTH).
_DEPTH = 40.0
#: From here on (of the order and x together) the integrand of I is a bell to all digits.
_BELL = 30.0
#: Lower orders have the integral of I along the real line where x is small.
_LOW = 2.0
#: A first derivative of I smaller than this share of what is usual is beside a zero; up to here it
#: comes from its power series there, and where x is much smaller than the order.
_SHARE, _SERIES = 0.15, 50.0
#: Nodes of the trapezoidal rule on half a period, and from the centre of I's bell to its end.
_HALF_PERIOD, _HALF_BELL = 64, 28
#: Of K: the longest step, and how many steps a bell has at least.
_STEP, _LEAST_STEPS = 0.2, 32
#: K's first derivative comes from the orders beside it for x below this.
_NEAR = 0.01
#: Exponents up to here may stand before an integral: what they lose in it is their size in ulps.
_LEVEL = 4.0
#: Beyond this SciPy's kve is NaN.
_FAR = 1e9


# The first kind -----------------------------------------------------------------------------------


def _i(v: Any, x: Any, n: Any) -> Any:
    """The nth derivative of I_v(x) exp(-|x|), for real v and x; at 0 that from the right.

    Where it jumps at 0 it is 0 there. As I itself, it is NaN for negative x of a broken order.
    """
    with np.errstate(all="ignore"):
        return blockwise(lambda v, x: _i_block(v, x, n), v, x)


def _i_block(v: Any, x: Any, n: Any) -> Any:
    order, size, whole = np.abs(v), np.abs(x), v == np.rint(v)
    exact = (order == 0) | (order == 1) if n else False  # there the integral loses nothing near 0
    near = (size < np.clip(order * order / 4, 0.03, 1)) & ~np.asarray(exact)
    bell = np.hypot(order, size) >= _BELL
    low = order < _LOW
    result = np.empty_like(size)
    result[near] = _i_differences(np.where(whole, order, v)[near], size[near], n)
    ways = [(bell, _i_bell), (~bell & low, _i_low), (~bell & ~low, _i_period)]
    for where, function in ways:
        chosen = where & ~near
        if np.any(chosen):
            result[chosen] = function(order[chosen], size[chosen], n)
    mirrored = (v < 0) & ~whole & ~near
    if np.any(mirrored):
        result[mirrored] += _i_mirrored(order[mirrored], size[mirrored], n)
    order = np.where(whole, order, v)
    if n == 1:
        # The two terms of the slope for large x (10.40.1), without their signs.
        usual = special.ive(order, size) / (2 * size) * (1 + order * order / size)
        poor = (size < np.abs(order) / 2) | (np.abs(result) < _SHARE * usual)
        known = is_known(order, size) & (order >= 0)
        series = (near | poor) & (size < _SERIES) & (size > 0) & ~known
        result[series] = blockwise(scaled_i_series, order[series], size[series], block=BLOCK)
        if np.any(known):
            result[known] = i_scaled_slope(order[known], size[known])
    result[size == np.inf] = 0
    parity = np.where((np.abs(v) + n) % 2 == 1, np.sign(x), 1)
    return result * np.where(whole, parity, np.where(x < 0, np.nan, 1))


def _i_differences(v: Any, x: Any, n: Any) -> Any:
    """The 2nth central difference by the order, over 2^n (10.29.1): near 0 one term outweighs."""
    terms = [(-1) ** j * math.comb(2 * n, j) * special.ive(v + n - j, x) for j in range(2 * n + 1)]
    return sum(terms) / 2**n


def _i_mirrored(v: Any, x: Any, n: Any) -> Any:
    """What I of the order -v has more than I of v: that much of K (10.27.2), times exp(-x)."""
    terms = [math.comb(n, j) * (-2.0) ** (n - j) * _k_block(v, x, j) for j in range(n + 1)]
    return np.sin(np.pi * np.remainder(v, 2)) * (2 / np.pi) * np.exp(-2 * x) * sum(terms)


def _i_low(v: Any, x: Any, n: Any) -> Any:
    """By the integrals over 0 < t < pi and over 0 < t of (10.32.4)."""
    v, x = v[:, None], x[:, None]
    fall = 2 * np.sin(np.pi / 2 * NODES) ** 2
    waves = (np.exp(-x * fall) * np.cos(np.pi * v * NODES) * (-fall) ** n) @ WEIGHTS
    whole = (v == np.rint(v))[:, 0]
    if np.all(whole):
        return waves
    end = np.arccosh(1 + _DEPTH / x)
    t = end * NODES
    rise = np.cosh(t) + 1
    tail = (np.exp(-x * rise - v * t) * (-rise) ** n) @ WEIGHTS * (end[:, 0] / np.pi)
    return waves - np.where(whole, 0, np.sin(np.pi * v[:, 0]) * tail)


def _i_period(v: Any, x: Any, n: Any) -> Any:
    """By steps over the whole path of steepest descent, in whose end the integrand is flat."""
    u = np.arange(_HALF_PERIOD) / _HALF_PERIOD
    return _i_descent(v, x, np.pi * u, np.pi * (1 - u), n).sum(-1) / _HALF_PERIOD


def _i_bell(v: Any, x: Any, n: Any) -> Any:
    """By steps over the part of it where the integrand has not vanished."""
    end = 1.15 * np.sqrt((2 * _DEPTH + 8 * n) / np.hypot(v, x))[:, None]
    phi = end * (np.arange(_HALF_BELL) / _HALF_BELL)
    total = _i_descent(v, x, phi, np.pi - phi, n).sum(-1)
    return total * (end[:, 0] / np.pi / _HALF_BELL)


def _i_descent(v: Any, x: Any, phi: Any, rest: Any, n: Any) -> Any:
    """The integrand of Schlaefli's integral on t = a + i phi where its phase is constant.

    I_v(x) is 1 / (2 pi i) times the integral of exp(x cosh t - vt) from infinity - i pi to infinity
    + i pi (10.32.12), and a is where sinh a = (v/x) phi / sin(phi). ``rest`` is pi - phi.

    The first of them, at phi = 0, counts half.
    """
    v, x = v[:, None], x[:, None]
    centre = phi == 0
    sine = np.where(centre, 1, np.sin(np.minimum(phi, rest)))
    slope = (v / x) * np.where(centre, 1, phi / sine)
    cosine = np.hypot(1, slope)
    # cosh t - 1 and the derivative of a by phi.
    across = (v / x) * phi
    along = slope * (slope / (1 + cosine)) * np.cos(phi) - 2 * np.sin(phi / 2) ** 2
    turn = (v / x) * np.where(centre, 0, (sine - phi * np.cos(phi)) / sine**2) / cosine
    weight = np.where(centre, 0.5, 1) * np.exp(x * along - v * np.arcsinh(slope))
    return weight * _power_real(along, across, turn, n)


def _power_real(along: Any, across: Any, turn: Any, n: int) -> Any:
    """The real part of (along + i across)^n (1 - i turn)."""
    if n == 0:
        return 1.0
    if n == 1:
        return along + across * turn
    return np.real((along + 1j * across) ** n * (1 - 1j * turn))


# The second kind ----------------------------------------------------------------------------------


def _k(v: Any, x: Any, n: Any) -> Any:
    """The nth derivative of K_v(x) exp(x), x > 0."""
    with np.errstate(all="ignore"):
        return blockwise(lambda v, x: _k_block(np.abs(v), x, n), v, x)


def _k_block(v: Any, x: Any, n: Any) -> Any:
    result = np.empty_like(x)
    known = (v <= LARGEST) & (x >= FIRST) & (x < np.inf) & (n == 1)
    near = (x < _NEAR) & (n == 1) & ~known
    rest = ~near & ~known
    ways = [(known, k_scaled_slope), (near, _k_recurrence)]
    for where, function in [*ways, (rest, lambda v, x: _k_trapezoid(v, x, n))]:
        if np.any(where):
            result[where] = function(v[where], x[where])
    return result


def _k_recurrence(v: Any, x: Any) -> Any:
    """The first derivative for small x, where K and K' do not cancel (10.29.2)."""
    value = special.kve(v, x)
    inner = value - special.kve(v - 1, x)
    return np.where(np.isinf(value), -np.inf, inner - np.where(v == 0, 0, v / x * value))


def _k_value(v: Any, x: Any) -> Any:
    """K_v(x) exp(x); where SciPy no longer has it, by its first terms (10.40.2)."""
    far = x > _FAR
    size = np.where(far, x, 1.0)
    first = np.sqrt(np.pi / 2 / size) * (1 + (4 * v * v - 1) / (8 * size))
    return np.where(far, first, special.kve(v, np.where(far, 1.0, x)))


def _k_trapezoid(v: Any, x: Any, n: Any) -> Any:
    """The nth derivative, from the moment of a power under a bell.

    K_v(x) exp(x) is half the integral of exp(vt - x (cosh t - 1)) over the real line (10.32.9), and
    its derivatives bring powers of 1 - cosh t into it. So they are the value times the mean of
    those powers under that bell, whose centre is at sinh t = v/x.
    """
    order, size = v[:, None], np.where((x > 0) & (x < np.inf), x, 1.0)[:, None]
    centre, curvature = np.arcsinh(order / size), np.hypot(order, size)
    depth = (_DEPTH + 2 * n) / curvature
    right = 2 * np.arcsinh(np.sqrt(depth / 2))
    # On its left the bell falls as exp(-w) - 1 + w > w w / (2 + 2 w / 3) at least, and is lower at
    # -t than at t.
    left = np.minimum(depth / 3 + np.sqrt(depth * depth / 9 + 2 * depth), 2 * centre + right)
    count = int(np.ceil(np.max(left + right, initial=0.0) / _STEP)) + _LEAST_STEPS
    step = (left + right) / count
    u = (left + right) * (np.arange(count + 1) / count) - left
    # order (u - sinh u) - curvature (cosh u - 1), without the cancellation on the left; and
    # cosh t - 1 at t = centre + u; both by exp(u).
    factor, growth = np.exp(u), np.expm1(u)
    rise = growth * growth / (2 * factor)
    bell = np.exp(order * (u - growth) - size / (curvature + order) * size * rise)
    growth = np.expm1(centre) + np.exp(centre) * growth
    rise = growth * growth / (2 * np.exp(centre) * factor)
    height = (order * centre - order / (curvature + size) * order)[:, 0]
    moment, area = (bell * rise**n).sum(-1), bell.sum(-1)
    direct = np.exp(height) * (step[:, 0] / 2) * moment
    value = _k_value(v, x)
    plain = (height < _LEVEL) & (x > 0) & (x < _FAR)
    return (-1) ** n * np.where(plain, direct, value * (moment / area))


#: Their arguments: the order, x, and how many times they are differentiated.
scaled_i: Elementwise = Elementwise(
    _i, (None, lambda v, x, n: scaled_i(v, x, n + 1), None), names=("v", "x", "n"), name="scaled_i"
)
scaled_k: Elementwise = Elementwise(
    _k, (None, lambda v, x, n: scaled_k(v, x, n + 1), None), names=("v", "x", "n"), name="scaled_k"
)
