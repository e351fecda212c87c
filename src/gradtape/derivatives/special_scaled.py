"""Modified Bessel functions times an exponential, and their derivatives of any order.

The obvious derivative of I0(x) exp(-x), which is (I1(x) - I0(x)) exp(-x), cancels more and more as
x grows. Integrals do not: differentiating one only brings a positive factor into it, and the
trapezoidal rule converges exponentially (L. N. Trefethen and J. A. C. Weideman, "The exponentially
convergent trapezoidal rule", SIAM Review 56, 2014).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from gradtape.derivatives.special_arguments import blockwise
from gradtape.rules import Elementwise

__all__ = ["scaled_i", "scaled_k"]

#: From here on the integrand of I is a bell curve to all digits.
_BELL = 30.0
#: Nodes of the trapezoidal rule on half a period, and from a bell's centre to where it vanishes.
_HALF_PERIOD, _HALF_BELL = 36, 16
#: The longest step that an integrand between 0 and infinity takes.
_STEP = 0.2
#: Bells are cut off where they have fallen to exp(-_DEPTH).
_DEPTH = 40.0
#: Beyond this SciPy's kve is NaN.
_FAR = 1e9


def _i(v: Any, x: Any, n: Any) -> Any:
    """The nth derivative of I_v(x) exp(-|x|), for v of 0 or 1, away from 0.

    (-1)^n / pi times the integral of (1 - cos t)^n cos(vt) exp(-x (1 - cos t)) over 0 < t < pi, for
    x > 0 (DLMF 10.32.3); with s = sin(t/2), 1 - cos t is 2 s s.
    """
    return blockwise(lambda x: _i_trapezoid(v, x, n), x)


def _i_trapezoid(v: Any, x: Any, n: Any) -> Any:
    size = np.abs(x)
    total = np.empty_like(size)
    near = size < _BELL
    total[near] = _half_period(v, size[near], n)
    total[~near] = _half_bell(v, size[~near], n)
    return (-1) ** n * total * (np.sign(x) if (v + n) % 2 else 1.0)


def _half_period(v: Any, x: Any, n: Any) -> Any:
    """The integral over pi, in steps that are the same for every x."""
    t = np.arange(_HALF_PERIOD + 1) * (np.pi / _HALF_PERIOD)
    fall = 2 * np.sin(t / 2) ** 2
    weight = fall**n * (1 - fall) ** v / _HALF_PERIOD
    weight[[0, -1]] /= 2
    return np.exp(-np.multiply.outer(x, fall)) @ weight


def _half_bell(v: Any, x: Any, n: Any) -> Any:
    """The same for large x, in steps of s that reach to where exp(-2 x s s) vanishes."""
    u = np.arange(_HALF_BELL + 1) / _HALF_BELL
    square = np.multiply.outer(_DEPTH / 2 / x, u * u)
    weight = np.exp(-_DEPTH * u * u) * (2 / np.pi / _HALF_BELL)
    weight[0] /= 2
    values = (2 * square) ** n * (1 - 2 * square) ** v / np.sqrt(1 - square)
    return (values @ weight) * np.sqrt(_DEPTH / 2 / x)


def _k(v: Any, x: Any, n: Any) -> Any:
    """The nth derivative of K_v(x) exp(x), x > 0."""
    return blockwise(lambda v, x: _k_block(np.abs(v), x, n), v, x)


def _k_block(v: Any, x: Any, n: Any) -> Any:
    result = np.empty_like(x)
    near = (x < 1) if n == 1 else np.zeros(x.shape, bool)
    result[near] = _k_recurrence(v[near], x[near])
    result[~near] = _k_trapezoid(v[~near], x[~near], n)
    return result


def _k_recurrence(v: Any, x: Any) -> Any:
    """The first derivative for x < 1, where K - (K- + K+)/2 does not cancel (10.29.1)."""
    sides = (special.kve(v - 1, x) + special.kve(v + 1, x)) / 2
    return np.where(np.isinf(sides), -sides, special.kve(v, x) - sides)


def _k_value(v: Any, x: Any) -> Any:
    """K_v(x) exp(x); where SciPy no longer has it, by its first terms (DLMF 10.40.2)."""
    far = x > _FAR
    size = np.where(far, x, 1.0)
    first = np.sqrt(np.pi / 2 / size) * (1 + (4 * v * v - 1) / (8 * size))
    return np.where(far, first, special.kve(v, np.where(far, 1.0, x)))


def _k_trapezoid(v: Any, x: Any, n: Any) -> Any:
    """The nth derivative, from the mean of a power under a bell.

    K_v(x) exp(x) is half the integral of exp(vt - x (cosh t - 1)) over the real line (DLMF
    10.32.9), and its derivatives bring powers of 1 - cosh t into it. So they are the value times
    the mean of those powers under that bell, whose centre is at sinh t = v/x.
    """
    order, size = v[:, None], np.where((x > 0) & (x < np.inf), x, 1.0)[:, None]
    centre, curvature = np.arcsinh(order / size), np.hypot(order, size)
    depth = (_DEPTH + 2 * n) / curvature
    right = 2 * np.arcsinh(np.sqrt(depth / 2))
    # On its left the bell falls as exp(-w) - 1 + w > w w / (2 + 2 w / 3) at least, and is lower at
    # -t than at t.
    left = np.minimum(depth / 3 + np.sqrt(depth * depth / 9 + 2 * depth), 2 * centre + right)
    count = int(np.ceil(np.max(left + right, initial=0.0) / _STEP)) + 2 * _HALF_BELL
    u = (left + right) * (np.arange(count + 1) / count) - left
    # order (u - sinh u) - curvature (cosh u - 1), without the cancellation on the left; and
    # cosh t - 1 at t = centre + u; both by exp(u).
    factor, growth = np.exp(u), np.expm1(u)
    rise = growth * growth / (2 * factor)
    bell = np.exp(order * (u - growth) - size / (curvature + order) * size * rise)
    growth = np.expm1(centre) + np.exp(centre) * growth
    rise = growth * growth / (2 * np.exp(centre) * factor)
    return (-1) ** n * _k_value(v, x) * ((bell * rise**n).sum(-1) / bell.sum(-1))


#: Their arguments: the order, x, and how many times they are differentiated.
scaled_i: Elementwise = Elementwise(
    _i, (None, lambda v, x, n: scaled_i(v, x, n + 1), None), names=("v", "x", "n"), name="scaled_i"
)
scaled_k: Elementwise = Elementwise(
    _k, (None, lambda v, x, n: scaled_k(v, x, n + 1), None), names=("v", "x", "n"), name="scaled_k"
)
