"""The regularized incomplete gamma and beta function in twice the precision, by their logarithms.

What solves F = p for a small parameter, or where F changes little, is known no better than F is: a
few units in the last place of F are many of the solution. These are sums of positive terms, left of
about the mean. Numbers in parentheses are those of the NIST Digital Library (DLMF).
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from gradtape.derivatives.special_pairs import (
    Pair,
    as_pair,
    chain,
    pair_log,
    pair_over,
    pair_product,
    plus,
    two_product,
    two_sum,
)
from gradtape.derivatives.special_precision import BLOCK, blockwise
from gradtape.derivatives.special_units import close_log, exponential

__all__ = ["beta_gap", "gamma_gap", "log_factorials", "ratio_slope"]

#: So many steps of the recurrence lead to where Stirling's series has 30 digits; of (5.11.1), of
#: which the first terms need them.
_STEPS = 24
_FIRST = as_pair([Fraction(1, 12), Fraction(-1, 360), Fraction(1, 1260), Fraction(-1, 1680)])
_STIRLING = [1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400, 43867 / 244188, -174611 / 125400]
_STIRLING += [77683 / 5796, -236364091 / 1506960, 657931 / 300]
_HALF_LOG = as_pair(Fraction("0.91893853320467274178032973640561763986139747363778341282"))
#: Parameters below the first and above the second need logarithms to all digits of pairs, above the
#: third more of them.
_TINY, _LARGE, _HUGE = 1e-3, 1e4, 1e12
#: What may be left out of a sum, as a share, for 20 digits and for those of pairs, and how many
#: terms are tried.
_LEFT, _LESS_LEFT, _COUNTS = 2.0**-68, 2.0**-106, [2**k for k in range(4, 12)]
_ONE: Pair = (1.0, 0.0)


def _minus(a: Pair) -> Pair:
    return -a[0], -a[1]


def _logs(fine: Any, *pairs: Pair) -> list[Pair]:
    """Logarithms, of all at once."""
    log = pair_log if fine else close_log
    high, low = log((np.stack([p[0] for p in pairs]), np.stack([p[1] for p in pairs])))
    return list(zip(high, low, strict=True))


def _product(factors: Pair) -> Pair:
    """That along the first axis."""
    high, low = factors
    while len(high) > 1:
        half = len(high) // 2
        product = pair_product(
            (high[:half], low[:half]), (high[half : 2 * half], low[half : 2 * half])
        )
        high, low = [
            np.concatenate([p, f[2 * half :]]) for p, f in zip(product, (high, low), strict=True)
        ]
    return high[0], low[0]


def log_factorials(fine: Any, *numbers: Pair) -> list[Pair]:
    """log Gamma(1 + a) of pairs, a > -1/2."""
    a: Pair = np.stack([n[0] for n in numbers]), np.stack([n[1] for n in numbers])
    k = np.arange(1.0, _STEPS + 1)[:, None, None]
    z = plus(a, (_STEPS + 1.0, 0.0))
    log, steps = _logs(fine, z, _product(plus(a, (k, 0.0))))
    square, rest = 1 / z[0] / z[0], np.zeros(z[0].shape)
    for coefficient in reversed(_STIRLING):
        rest = rest * square + coefficient
    over = pair_over(_ONE, z)
    series: Pair = rest, np.zeros(rest.shape)
    for first in zip(*[part[::-1] for part in _FIRST], strict=True):
        series = plus(first, pair_product(pair_product(over, over), series))
    series = pair_product(over, series)
    main = plus(pair_product(plus(z, (-0.5, 0.0)), log), _minus(z))
    high, low = plus(plus(main, plus(series, _HALF_LOG)), _minus(steps))
    return list(zip(high, low, strict=True))


def _sum(fine: Any, above: Pair | None, below: Pair, x: Pair) -> Pair:
    """1 + r0 (1 + r1 (...)), rk = x (above + k)/(below + k) or without above; NaN if it is long."""
    for count in _COUNTS:
        k = np.arange(float(count))[:, None]
        rough = x[0] / (below[0] + k) * (1 if above is None else above[0] + k)
        terms = np.cumprod(rough, axis=0)
        left = terms[-1] * rough[-1] / (1 - rough[-1])
        least = _LESS_LEFT if fine else _LEFT
        done = (rough[-1] < 1) & (left <= least * (1 + np.sum(terms, axis=0)))
        if np.all(done):
            break
    upper = x if above is None else pair_product(x, plus(above, (k, 0.0)))
    ratio = pair_over(upper, plus(below, (k, 0.0)))
    high, low = chain(ratio, (np.ones(ratio[0].shape), np.zeros(ratio[0].shape)))
    return np.where(done, high, np.nan), low


def _gamma_log(fine: Any, a: Pair, x: Pair) -> Pair:
    """log P(a, x) of pairs of arrays of one axis (8.7.1); NaN where the series takes too long."""
    log_x, log_total = _logs(fine, x, _sum(fine, None, plus(a, _ONE), x))
    (log_a,) = log_factorials(fine, a)
    return plus(plus(pair_product(a, log_x), _minus(plus(x, log_a))), log_total)


def _beta_log(fine: Any, a: Pair, b: Pair, x: Pair, y: Pair) -> Pair:
    """The logarithm of I(x; a, b), where y = 1 - x, likewise (8.17.8)."""
    n = plus(a, b)
    total = _sum(fine, n, plus(a, _ONE), x)
    log_x, log_y, log_total, log_ratio = _logs(fine, x, y, total, pair_over(b, n))
    of_a, of_b, of_n = log_factorials(fine, a, b, n)
    powers = plus(pair_product(a, log_x), pair_product(b, log_y))
    # 1/(a B(a, b)) is b Gamma(1 + a + b) over (a + b) Gamma(1 + a) Gamma(1 + b).
    factor = plus(plus(of_n, _minus(plus(of_a, of_b))), log_ratio)
    return plus(plus(powers, factor), log_total)


# How far a solution is off ------------------------------------------------------------------------

#: How far right of about the mean the series of P(a, x) may be used, in roots of a and beyond.
_REACH, _BEYOND = 4.0, 4.0
#: Where a share is closer to 1 than that, what it is less has more digits as a float.
_CLOSE = 2.0**-14


def _goals(level: Any, sign: Any) -> tuple[Pair, Pair]:
    """What F and what 1 - F should be."""
    rest = two_sum(1.0, -level)
    direct: Pair = (level, np.zeros(level.shape))
    own = sign > 0
    return _either(own, direct, rest), _either(own, rest, direct)


def _either(condition: Any, a: Pair, b: Pair) -> Pair:
    return np.where(condition, a[0], b[0]), np.where(condition, a[1], b[1])


def _more(fine: Any, log: Pair, goal: Pair) -> Any:
    """What a share is more than the goal, by the share's logarithm."""
    (log_goal,) = _logs(fine, goal)
    ratio = plus(log, _minus(log_goal))
    return goal[0] * np.expm1(ratio[0] + ratio[1])


def gamma_gap(level: Any, sign: Any, a: Pair, x: Pair) -> Any:
    """P(a, x) less what it should be: the level, or for sign -1 what the level is less than 1.

    Of bare arrays, to more digits than a float of P has; NaN where that would take long.
    """
    return blockwise(_gamma_gap, level, sign, *a, *x, block=BLOCK)


def _gamma_gap(level: Any, sign: Any, a: Any, a_low: Any, x: Any, x_low: Any) -> Any:
    goal, rest = _goals(level, sign)
    fits = (a > 0) & (a < _HUGE) & (x > 0) & (goal[0] > 0) & (rest[0] > _CLOSE)
    fits &= x <= a + _REACH * np.sqrt(a) + _BEYOND
    out = np.full(x.shape, np.nan)
    if np.any(fits):
        fine = np.any((a[fits] < _TINY) | (a[fits] > _LARGE))
        log = _gamma_log(fine, (a[fits], a_low[fits]), (x[fits], x_low[fits]))
        out[fits] = _more(fine, log, (goal[0][fits], goal[1][fits]))
    return out


def beta_gap(level: Any, sign: Any, a: Pair, b: Pair, x: Pair, y: Pair) -> Any:
    """The same of I(x; a, b) with y = 1 - x."""
    return blockwise(_beta_gap, level, sign, *a, *b, *x, *y, block=BLOCK)


def _beta_gap(level: Any, sign: Any, *numbers: Any) -> Any:
    a, b, x, y = numbers[:2], numbers[2:4], numbers[4:6], numbers[6:]
    own, other = _goals(level, sign)
    short = np.minimum(own[0], other[0]) > _CLOSE
    left = np.where(short, x[0] <= y[0], x[0] * (a[0] + b[0] + 2) <= a[0] + 1)
    a, b, x, y = _either(left, a, b), _either(left, b, a), _either(left, x, y), _either(left, y, x)
    goal, rest = _either(left, own, other), _either(left, other, own)
    fits = (np.minimum(a[0], b[0]) > 0) & (np.maximum(a[0], b[0]) < _HUGE)
    fits &= (x[0] > 0) & (y[0] > 0) & (goal[0] > 0) & (rest[0] > _CLOSE)
    out = np.full(fits.shape, np.nan)
    if np.any(fits):
        least, most = np.minimum(a[0], b[0])[fits], np.maximum(a[0], b[0])[fits]
        fine = np.any((least < _TINY) | (most > _LARGE))
        log = _beta_log(fine, *[(p[0][fits], p[1][fits]) for p in (a, b, x, y)])
        out[fits] = _more(fine, log, (goal[0][fits], goal[1][fits]))
    return np.where(left, out, -out)


# The slope of the F distribution function by degrees of freedom -----------------------------------

#: Differences over such a share of a parameter, which leaves an error of 1e-22 of it.
_STEP = -13
#: The derivative by what a function changes from -1 to 1, from -2 to 2 and from -3 to 3.
_PLACES, _WEIGHTS = np.array([0.0, 1, 2, 3, -1, -2, -3]), np.array([45.0, -9, 1]) / 60


def ratio_slope(a: Any, b: Any, p: Any, q: Any, root: Any) -> Any:
    """The partial of I(ap/(ap + bq); a, b) by a, where its parts cancel; NaN if it takes long.

    q is ``root`` squared where that is not NaN. Of bare arrays.
    """
    return blockwise(_ratio_slope, a, b, p, q, root, block=BLOCK // 8)


def _ratio_slope(a: Any, b: Any, p: Any, q: Any, root: Any) -> Any:
    zero, width = np.zeros(a.shape), np.ldexp(1.0, np.frexp(a)[1] + _STEP)
    square = _either(np.isnan(root), (q, zero), two_product(root, root))
    left = a * p <= b * square[0]
    k = _PLACES[:, None]
    near = plus((a + 0 * k, zero + 0 * k), (k * width, 0.0))
    above, below = pair_product(near, (p, zero)), pair_product((b, zero), square)
    total = plus(above, below)
    x, y = pair_over(above, total), pair_over(below, total)
    other: Pair = (b + 0 * k, zero + 0 * k)
    parts = [_either(left, near, other), _either(left, other, near)]
    parts += [_either(left, x, y), _either(left, y, x)]
    flat = [(part[0].ravel(), part[1].ravel()) for part in parts]
    high, low = [part.reshape(near[0].shape) for part in _beta_log(True, *flat)]
    change, rest = plus((high[1:4], low[1:4]), (-high[4:], -low[4:]))
    rate = _WEIGHTS @ change + _WEIGHTS @ rest
    return np.where(left, 1, -1) * exponential((high[0], low[0])) * rate / width
