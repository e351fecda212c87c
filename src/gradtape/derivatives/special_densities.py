"""The densities of the gamma and the beta distribution, and logarithms beside their means.

Large parameters: C. Loader, "Fast and accurate computation of binomial probabilities" (2000). Where
the density is small, the exponents have two parts.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sp

from gradtape.derivatives.special_pairs import (
    pair_log,
    pair_product,
    pair_quotient,
    plus,
    times,
    two_product,
    two_sum,
)
from gradtape.derivatives.special_parts import integral, piece
from gradtape.derivatives.special_polygamma import PSI_SERIES, polygamma, psi_rise
from gradtape.rules import Elementwise

__all__ = [
    *("bare_beta_density", "bare_gamma_density", "beta_density", "gamma_density", "log_over_psi"),
    "share_excess",
]

TWO_PI = 2 * np.pi


#: Those of DLMF 5.11.1, B(2k)/(2k (2k - 1)).
_STIRLING = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156]
_STIRLING += [-3617 / 122400, 43867 / 244188, -174611 / 125400]


def _stirling_error(k: Any) -> Any:
    """log k! less Stirling's approximation; of small k by what it changes from number to number.

    That is (k + 1/2) log(1 + 1/k) - 1, or artanh(r)/r - 1 with r = 1/(2 k + 1).
    """
    near = k < 8
    small, large = np.where(near, k, 1), np.where(near, k + 8, k)
    r, series = 1 / large / large, np.zeros(k.shape)
    for coefficient in reversed(_STIRLING):
        series = series * r + coefficient
    square: Any = (2 * (small[..., None] + np.arange(1, 8)) + 1) ** -2.0
    steps: Any = 0.0
    for i in range(35, 1, -2):
        steps = (steps + 1 / i) * square
    first = (small + 0.5) * np.log1p(1 / small) - 1
    return series / large + np.where(near, first + np.sum(steps, axis=-1), 0)


def _deviance(k: Any, excess: Any) -> Any:
    """k log(k/mean) + mean - k, where that nearly cancels too, by mean - k."""
    u = excess / k
    near = np.abs(u) < 0.8
    inside = np.where(near, u, 0)
    series = integral(lambda s, u: s / (1 + u * s), np.ones(u.shape), inside) * inside * inside
    away = np.where(near, 1, u)
    return k * np.where(near, series, away - np.log1p(away))


#: Exponents between these have two parts.
_SMALL, _VANISHED = 1.0, 800.0


def _power_of_mean(k: Any, x: Any) -> Any:
    """(x/k)**k exp(k - x), of an exponent in two parts where that is not small."""
    exponent = _deviance(k, x - k)
    value, tail = np.exp(-exponent), (exponent > _SMALL) & (exponent < _VANISHED)
    if np.any(tail):
        k, x = k[tail], x[tail]
        power = times(pair_log(pair_quotient((x, np.zeros(x.shape)), k)), k)
        high, low = plus(power, two_sum(k, -x))
        value[tail] = np.exp(high) * (1 + low)
    return value


def bare_gamma_density(a: Any, x: Any) -> Any:
    """x**(a-1) exp(-x)/Gamma(a)."""
    half = np.exp(-x / 2)  # in two steps, since either factor alone may overflow or vanish
    small = np.minimum(a, 100)
    plain = np.minimum(x, 1290) ** (small - 1) * half * sp.rgamma(small) * half
    k = np.maximum(a, 100) - 1
    inside = np.where((x > 0) & (x < np.inf), x, 1)
    far = np.exp(-_stirling_error(k)) / np.sqrt(TWO_PI * k) * _power_of_mean(k, inside)
    return np.where(a < 100, plain, np.where(inside == x, far, np.where(np.isnan(x), x, 0)))


gamma_density: Elementwise = piece(
    bare_gamma_density,
    (lambda a, x, out: out * log_over_psi(a, x), lambda a, x, out: out * ((a - 1) / x - 1)),
    ("a", "x"),
)


def _power_less(x: Any, p: Any) -> Any:
    """x**(p-1), without the rounding of p - 1 where that is greater than p's."""
    low = (p < 0.5) & (x > _TINY)
    safe = np.where(low, x, 1)
    return np.where(low, safe**p / safe, x ** (p - 1))


#: From here on x**p/x does not overflow early.
_TINY = 1e-290


def _power_of_rest(x: Any, q: Any) -> Any:
    """(1 - x)**(q-1), without the rounding of 1 - x."""
    rest = 1 - x
    lost = (1 - rest) - x
    safe = np.where(rest == 0, 1, rest)
    return _power_less(rest, q) * np.where(rest == 0, 1, 1 + (q - 1) * lost / safe)


def _exact_beta(a: Any, b: Any) -> Any:
    """B(a, b), less what the rounding of a + b does to SciPy's."""
    total, lost = two_sum(a, b)
    return sp.beta(a, b) * (1 - sp.psi(total) * lost)


def share_excess(a: Any, b: Any, x: Any) -> Any:
    """(a + b) x - a, with what the sum and the product lose by rounding."""
    total, lost = two_sum(a, b)
    mean, more = two_product(total, x)
    rest = more + lost * x
    return (mean - a) + np.where(np.isfinite(rest), rest, 0)


def _powers_of_means(p: Any, q: Any, x: Any, exponent: Any) -> Any:
    """exp of minus the exponent, which is in two parts where it is not small."""
    value, tail = np.exp(-exponent), (exponent > _SMALL) & (exponent < _VANISHED)
    if np.any(tail):
        p, q, x = p[tail], q[tail], x[tail]
        total = two_sum(p, q)
        left = times(pair_log(pair_quotient(times(total, x), p)), p)
        right = times(pair_log(pair_quotient(pair_product(total, two_sum(1.0, -x)), q)), q)
        high, low = plus(left, right)
        value[tail] = np.exp(high) * (1 + low)
    return value


def bare_beta_density(a: Any, b: Any, x: Any) -> Any:
    """x**(a-1) (1-x)**(b-1)/B(a, b)."""
    large = a + b > 150
    p, q = np.where(large, 1, a), np.where(large, 1, b)
    plain = _power_less(x, p) * _power_of_rest(x, q) / _exact_beta(p, q)
    usable = large & (x > 0) & (x < 1)
    p, q, t = np.where(usable, a, 80), np.where(usable, b, 80), np.where(usable, x, 0.5)
    n = p + q
    away = _stirling_error(n) - _stirling_error(p) - _stirling_error(q)
    excess = share_excess(p, q, t)
    power = _powers_of_means(p, q, t, _deviance(p, excess) + _deviance(q, -excess))
    far = np.sqrt(p / n * q / TWO_PI) * np.exp(away) * power / t / (1 - t)
    edge = np.where((x == 0) & (a < 1) | (x == 1) & (b < 1), np.inf, 0)
    return np.where(large, np.where(usable, far, np.where(np.isnan(x), x, edge)), plain)


beta_density: Elementwise = piece(
    bare_beta_density,
    (
        lambda a, b, x, out: out * (np.log(x) + psi_rise(a, b)),
        lambda a, b, x, out: out * (np.log1p(-x) + psi_rise(b, a)),
        lambda a, b, x, out: out * ((a - 1) / x - (b - 1) / (1 - x)),
    ),
    ("a", "b", "x"),
)


def _log_over_psi(a: Any, x: Any) -> Any:
    """log x - digamma(a), of which log x - log a and log a - digamma(a) cancel less."""
    large = np.maximum(a, 16)
    square = 1 / large / large
    series = np.zeros(a.shape)
    for coefficient in PSI_SERIES[::-1]:
        series = (series + coefficient) * square
    far = np.log1p((x - large) / large) + (1 / (2 * large) + series)
    near = (a >= 16) & (x > large / 2)
    return np.where(near, far, np.log(x) - sp.psi(a))


log_over_psi: Elementwise = piece(
    _log_over_psi, (lambda a: -polygamma(1, a), lambda x: 1 / x), ("a", "x")
)
