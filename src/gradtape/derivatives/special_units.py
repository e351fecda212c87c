"""The densities of the gamma and the beta distribution times their argument.

Products of powers, of which the logarithms have some 20 digits, since large parameters multiply
them; with the error of Stirling's approximation (C. Loader, "Fast and accurate computation of
binomial probabilities", 2000). Arguments come as pairs where double precision does not hold them.
"""

from __future__ import annotations

from fractions import Fraction
from math import log2
from typing import Any

import numpy as np
import scipy.special as sp

from gradtape.derivatives.special_pairs import (
    Pair,
    as_pair,
    pair_log,
    pair_over,
    pair_product,
    pair_quotient,
    plus,
    times,
    two_product,
    two_sum,
)

__all__ = [
    *("Unit", "beta_unit", "close_log", "exponential", "gamma_unit", "over"),
    *("ratio_unit", "unit_value"),
]

#: A product of powers: a factor, and the logarithm of the rest.
Unit = tuple[Any, Pair]

TWO_PI = 2 * np.pi

# Logarithms ---------------------------------------------------------------------------------------

#: Numbers between 1/sqrt(2) and sqrt(2) times the next of these reciprocals are close to 1.
_PARTS = 64
_FIRST = 45
_PLACES = np.arange(_FIRST, 92)
_OVER = np.array([round(2.0**10 * _PARTS / k) / 2.0**10 for k in _PLACES])
_LOGS = [-part for part in pair_log((_OVER, np.zeros(_OVER.shape)))]
_LOG_2 = as_pair(Fraction("0.69314718055994530941723212145817656807550013436025525412"))
#: Of (log(1 + z) - z + z z/2)/z**3.
_CUBIC = [(-1) ** k / (k + 3) for k in range(9)]


def close_log(x: Pair) -> Pair:
    """The logarithm of a positive pair to some 20 digits of it, in a tenth of the time of all."""
    exponent = np.frexp(x[0] * 2**0.5)[1] - 1
    high, low = np.ldexp(x[0], -exponent), np.ldexp(x[1], -exponent)
    place = np.clip(np.rint(np.nan_to_num(high) * _PARTS).astype(int) - _FIRST, 0, len(_OVER) - 1)
    over = _OVER[place]
    product, lost = two_product(high, over)
    z, rest = two_sum(product - 1, lost + low * over)
    square, more = two_product(z, z)
    tail = np.full(np.shape(z), _CUBIC[-1])
    for coefficient in _CUBIC[-2::-1]:
        tail = tail * z + coefficient
    total, left = two_sum(z, -square / 2)
    near = total, left + (rest * (1 - z) - more / 2 + tail * (z * square))
    table = plus((_LOGS[0][place], _LOGS[1][place]), times(_LOG_2, exponent.astype(float)))
    return plus(table, near)


def exponential(exponent: Pair) -> Any:
    """exp of a pair, as a float."""
    value = np.exp(exponent[0])
    return value + value * np.where(value < np.inf, exponent[1], 0)


def unit_value(unit: Unit) -> Any:
    """The product itself."""
    factor, exponent = unit
    return factor * exponential(exponent)


def over(unit: Unit, x: Any) -> Any:
    """The product over x > 0, of which neither the product nor its factor need be in range."""
    factor, (high, low) = unit
    half = np.exp(high / 2)
    return half * (factor / x * (1 + np.where(half > 0, low, 0))) * half


# Stirling's approximation -------------------------------------------------------------------------

#: Those of DLMF 5.11.1, B(2k)/(2k (2k - 1)).
_STIRLING = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156]
_STIRLING += [-3617 / 122400, 43867 / 244188, -174611 / 125400]
#: So many terms of artanh(r)/r - 1 for r below 1/3.
_TERMS = int(53 / log2(9)) + 1


def _stirling_error(k: Any) -> Any:
    """log k! less Stirling's approximation; of small k by what it changes from number to number.

    That is (k + 1/2) log(1 + 1/k) - 1, or artanh(r)/r - 1 with r = 1/(2 k + 1).
    """
    near = k < 8
    small, large = np.where(near, k, 1), np.where(near, k + 8, k)
    r, series = 1 / large / large, np.zeros(k.shape)
    for coefficient in reversed(_STIRLING):
        series = series * r + coefficient
    result = series / large
    if np.any(near):
        square: Any = (2 * (small[..., None] + np.arange(8)) + 1) ** -2.0
        steps: Any = 0.0
        for i in range(2 * _TERMS + 1, 1, -2):
            steps = (steps + 1 / i) * square
        result = result + np.where(near, np.sum(steps, axis=-1), 0)
    return result


def _powers(k: Any, error: Any, log: Pair) -> Unit:
    """(k/e)**k k/k! times r**k by the logarithm of r, or of r k where k < 1.

    ``error`` is Stirling's at k, or at 1 where k < 1.
    """
    low = k < 1
    few, many = np.where(low, k, 1), np.where(low, 1, k)
    factor = np.where(low, few * sp.rgamma(1 + few), np.sqrt(many / TWO_PI))
    return factor, plus(times(log, k), (np.where(low, -k, -error), 0.0))


def gamma_unit(a: Any, x: Pair) -> Unit:
    """x**a exp(-x)/Gamma(a) for a, x > 0."""
    one = np.maximum(a, 1)
    factor, exponent = _powers(a, _stirling_error(one), close_log(pair_quotient(x, one)))
    high, low = two_sum(a, -x[0])
    return factor, plus(exponent, (high, low - x[1]))


def _beta_powers(a: Any, b: Any, left: Pair, right: Pair) -> Unit:
    """x**a y**b/B(a, b) by the logarithms of x (a+b)/max(a, 1) and y (a+b)/max(b, 1)."""
    n = a + b
    errors = _stirling_error(np.maximum(np.stack([a, b, n]), 1))
    whole, less = _powers(n, errors[2], (np.log(np.minimum(n, 1)), 0.0))
    (first, log_first), (second, log_second) = [
        _powers(k, error, log) for k, error, log in ((a, errors[0], left), (b, errors[1], right))
    ]
    exponent = plus(plus(log_first, log_second), (-less[0], -less[1]))
    return first / whole * second, exponent


def beta_unit(a: Any, b: Any, x: Pair, y: Pair) -> Unit:
    """x**a y**b/B(a, b) for a, b > 0 and positive x = 1 - y."""
    n = two_sum(a, b)
    left, right = [
        close_log(pair_product(z, pair_quotient(n, np.maximum(k, 1)))) for z, k in ((x, a), (y, b))
    ]
    return _beta_powers(a, b, left, right)


def ratio_unit(a: Any, b: Any, p: Any, q: Any) -> Unit:
    """The same at x = a p/(a p + b q) for p, q > 0: the density of a ratio p/q times p/q."""
    large, most = p > q, np.maximum(p, q)
    share = pair_quotient((np.minimum(p, q), np.zeros(p.shape)), most)
    more = times(share, np.where(large, b, a))
    total = close_log(pair_over(two_sum(a, b), plus((np.where(large, a, b), 0.0), more)))
    log = close_log(share)
    left, right = [
        plus(plus(total, times(log, np.where(one, 0.0, 1.0))), (np.log(np.minimum(k, 1)), 0.0))
        for one, k in ((large, a), (~large, b))
    ]
    return _beta_powers(a, b, left, right)
