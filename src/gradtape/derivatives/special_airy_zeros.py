"""Airy functions beside their zeros: power series in twice the precision, and phases.

There SciPy's lose as many digits as the value is smaller than it is elsewhere. Numbers in
parentheses are those of the NIST Digital Library (DLMF).
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
from scipy import special

from gradtape.derivatives.special_pairs import (
    Pair,
    as_pair,
    horner,
    pair_over,
    pair_product,
    pair_quotient,
    pair_root,
    plus,
    sine_and_cosine,
    times,
    two_product,
)
from gradtape.derivatives.special_precision import BLOCK, blockwise

__all__ = [
    "airy_coefficients",
    "airy_left",
    "airye_slope_series",
    "asymptotic_ratio",
    "primed_share",
]

# Airy functions of x from -10 on up to 2, by their power series (9.4.1 to 9.4.4) ------------------

#: So many terms, and so many of them up to 3 in size.
_TERMS, _FEW = 48, 16
#: Ai(0), -Ai'(0), and the root of 3.
_FIRST = Fraction("0.35502805388781723926006318600418317639797917419918")
_SECOND = Fraction("0.25881940379280679840518356018920396347909113835493")
_ROOT_3 = Fraction("1.7320508075688772935274463415058723669428052538104")


def _airy_coefficients(output: int) -> Pair:
    """Those of two series of powers of x**3, of Ai or Bi, or of x Ai' or x Bi'."""
    scale, sign = (_ROOT_3, 1) if output > 1 else (Fraction(1), -1)
    pairs, terms = [], [scale * _FIRST, sign * scale * _SECOND]
    for k in range(_TERMS):
        powers = 3 * k, 3 * k + 1
        pairs.append([[t * p if output % 2 else t] for t, p in zip(terms, powers, strict=True)])
        terms = [t / ((p + 2) * (p + 3)) for t, p in zip(terms, powers, strict=True)]
    return as_pair(pairs)


_AIRY = [_airy_coefficients(i) for i in range(4)]


def airy_coefficients(output: int) -> Pair:
    """Those of the two series of powers of x**3, along the last axis."""
    return _AIRY[output]


def _airy(output: int, x: Any) -> Pair:
    """Ai, Ai', Bi or Bi' of other numbers than 0; Ai loses digits of positive ones."""
    terms = _FEW if np.max(np.abs(x), initial=0.0) < 3 else _TERMS
    high, low = [part[:terms] for part in _AIRY[output]]
    cube = times(two_product(x, x), x)
    high, low = horner((high, low), cube)
    total = plus((high[0], low[0]), times((high[1], low[1]), x))
    return pair_over(total, (x, 0.0)) if output % 2 else total


def airye_slope_series(output: int, x: Any) -> Any:
    """The slopes of the scaled ones, for 0 < x < 2."""
    sign = -1 if output > 1 else 1
    value, other = _airy(output, x), _airy(output ^ 1, x)
    if output % 2:
        other = times(other, x)
    change = times(pair_product(pair_root(x), value), float(sign))
    return plus(other, change)[0] * np.exp(x * np.sqrt(x) * (sign * 2 / 3))


# And further to the left by their phase ----------------------------------------------------------

#: Between the first and the last by the power series, where the value is less than that share of
#: the amplitude; else from the second on by Hankel functions.
_RIGHT, _MIDDLE, _LEFT, _SHARE = -0.5, -2.0, -10.0, 0.5
#: Further to the left by asymptotic series of so many terms, as far as that.
_TERMS_LEFT, _END = 28, -1e10


def asymptotic_ratio(k: int) -> Fraction:
    """The kth coefficient of the asymptotic series over the one before it (9.7.2)."""
    return Fraction((6 * k - 5) * (6 * k - 3) * (6 * k - 1), (2 * k - 1) * 216 * k)


def primed_share(k: int) -> Fraction:
    """The kth coefficient of the slope's series over that of the function's (9.7.2)."""
    return Fraction(6 * k + 1, 1 - 6 * k)


_RATIOS = [0.0, *[float(asymptotic_ratio(k)) for k in range(1, _TERMS_LEFT)]]
_PRIMED_SHARES = [float(primed_share(k)) for k in range(_TERMS_LEFT)]
_QUARTER_PI = as_pair(Fraction("0.78539816339744830961566084581987572104929234984378"))


def _phase(size: Any) -> Pair:
    """2/3 of the power 3/2."""
    return pair_quotient(times(times(pair_root(size), size), 2.0), 3.0)


def _airy_far(output: int, x: Any) -> Any:
    """(9.7.9) to (9.7.12), of an angle in two parts."""
    size, primed = -x, output % 2
    phase = _phase(size)
    angle = plus(phase, times(_QUARTER_PI, -1.0))
    sine, cosine = sine_and_cosine(angle)
    sums, term = [np.ones(size.shape), np.zeros(size.shape)], np.ones(size.shape)
    for k in range(1, _TERMS_LEFT):
        term = term * _RATIOS[k] / phase[0]
        factor = _PRIMED_SHARES[k] if primed else 1.0
        sums[k % 2] = sums[k % 2] + (-1) ** (k // 2) * factor * term
    parts = [
        cosine * sums[0] + sine * sums[1],
        sine * sums[0] - cosine * sums[1],
        cosine * sums[1] - sine * sums[0],
        cosine * sums[0] + sine * sums[1],
    ]
    return _amplitude(output, size) * parts[output]


def _airy_turned(output: int, x: Any) -> Any:
    """By Hankel functions of the orders 1/3 and 2/3 (9.6.17 to 9.6.20), of a phase in two parts."""
    size, primed = -x, output % 2
    phase = _phase(size)
    turn = np.exp(np.array(-1j if primed else 1j) * math.pi / 6) * (1 + 1j * phase[1])
    value = special.hankel1((1 + primed) / 3, phase[0]) * turn
    part = -value.imag if output > 1 else value.real
    return part * (size / math.sqrt(3) if primed else np.sqrt(size / 3))


def _amplitude(output: int, size: Any) -> Any:
    root = np.sqrt(np.sqrt(size))
    return (root if output % 2 else 1 / root) / math.sqrt(math.pi)


def airy_left(output: int, x: Any, value: Any) -> Any:
    """Ai, Ai', Bi or Bi' of a real x, corrected where it is negative; the value is SciPy's."""
    value, x = np.array(value), np.asarray(x, np.float64)
    with np.errstate(all="ignore"):
        far = (x <= _LEFT) & (x > _END) & ~np.isnan(value)
        small = np.abs(value) < _SHARE * _amplitude(output, np.abs(x))
        near = (x > _LEFT) & (x < _RIGHT) & small
        other = (x > _LEFT) & (x < _MIDDLE) & ~small
        ways = (far, _airy_far), (near, lambda i, x: _airy(i, x)[0]), (other, _airy_turned)
        for where, function in ways:
            if np.any(where):
                value[where] = blockwise(lambda x, f=function: f(output, x), x[where], block=BLOCK)
    return value[()]
