"""Arithmetic in twice the precision: numbers as sums of two floats, high and low.

The sum's is D. Knuth's, the product's T. Dekker's ("A floating-point technique for extending the
available precision", Numer. Math. 18, 1971). For arrays of double precision, and as NumPy rounds.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

__all__ = [
    *("Pair", "as_pair", "chain", "chain_and_product", "halves", "horner", "pair_exp"),
    *("pair_log", "pair_over", "pair_power", "pair_product", "pair_quotient", "pair_root"),
    *("pair_sine_and_cosine", "plus", "sine_and_cosine", "times", "two_product", "two_sum"),
]

Pair = tuple[Any, Any]

#: Veltkamp's number.
_SPLIT = 2.0**27 + 1


def as_pair(exact: Any) -> Pair:
    """A fraction as two floats; fractions in lists, however deep, as two arrays."""
    numbers = np.asarray(exact, object)
    high = numbers.astype(float)
    rest = numbers - np.vectorize(Fraction, otypes=[object])(high)
    return high[()], np.asarray(rest, object).astype(float)[()]


def two_sum(a: Any, b: Any) -> Pair:
    """a + b, and what its rounding lost."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def halves(a: Any) -> Pair:
    """A float as a sum of two of 26 bits each, whose products are exact."""
    wide = _SPLIT * a
    high = wide - (wide - a)
    return high, a - high


def two_product(a: Any, b: Any) -> Pair:
    """a * b, and what its rounding lost."""
    product = a * b
    (a_high, a_low), (b_high, b_low) = halves(a), halves(b)
    lost = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    return product, lost


def plus(a: Pair, b: Pair) -> Pair:
    """The sum of two pairs."""
    high, low = two_sum(a[0], b[0])
    return two_sum(high, low + (a[1] + b[1]))


def times(a: Pair, b: Any) -> Pair:
    """A pair times a float."""
    high, low = two_product(a[0], b)
    return two_sum(high, low + a[1] * b)


def pair_product(a: Pair, b: Pair) -> Pair:
    """The product of two pairs."""
    high, low = two_product(a[0], b[0])
    return two_sum(high, low + (a[0] * b[1] + a[1] * b[0]))


def pair_quotient(a: Pair, b: Any) -> Pair:
    """A pair over a float."""
    high = a[0] / b
    product, lost = two_product(high, b)
    return two_sum(high, ((a[0] - product) - lost + a[1]) / b)


def pair_over(a: Pair, b: Pair) -> Pair:
    """A pair over another."""
    high = a[0] / b[0]
    product, lost = two_product(high, b[0])
    return two_sum(high, ((a[0] - product) - lost + (a[1] - high * b[1])) / b[0])


def pair_root(x: Any, low: Any = 0.0) -> Pair:
    """The square root of a positive float, or of one in two parts."""
    high = np.sqrt(x)
    product, lost = two_product(high, high)
    return two_sum(high, ((x - product) - lost + low) / (2 * high))


def sine_and_cosine(angle: Pair) -> Pair:
    """The sine and the cosine of an angle in two parts, each a float."""
    sine, cosine = np.sin(angle[0]), np.cos(angle[0])
    return sine + cosine * angle[1], cosine - sine * angle[1]


def pair_sine_and_cosine(angle: Pair) -> tuple[Pair, Pair]:
    """The same to the last digits of pairs, by their power series up to pi/4."""
    count = np.rint(angle[0] / _HALF_PI[0])
    rest = plus(angle, times(_HALF_PI, -count))
    square = pair_product(rest, rest)
    sine = pair_product(rest, horner(_SINE, square))
    cosine = horner(_COSINE, square)
    parts = [sine, cosine, times(sine, -1.0), times(cosine, -1.0)]
    first, second = [
        tuple(
            [
                np.select([np.mod(count + more, 4) == i for i in range(4)], [p[n] for p in parts])
                for n in range(2)
            ]
        )
        for more in range(2)
    ]
    return (first[0], first[1]), (second[0], second[1])


def horner(coefficients: Pair, x: Pair) -> Pair:
    """The polynomial with these coefficients, along the first axis, from the constant one on."""
    total = coefficients[0][-1], coefficients[1][-1]
    for c in zip(coefficients[0][-2::-1], coefficients[1][-2::-1], strict=True):
        total = plus(c, pair_product(total, x))
    return total


_LOG_2 = as_pair(Fraction("0.69314718055994530941723212145817656807550013436025525412"))
_ODD = as_pair([Fraction(1, 2 * k + 1) for k in range(22)])
_HALF_PI = as_pair(Fraction("1.5707963267948966192313216916397514420985847"))
_SINE, _COSINE = [
    as_pair([Fraction((-1) ** k, math.factorial(2 * k + i)) for k in range(14)]) for i in (1, 0)
]
_EXPONENTIAL = as_pair([Fraction(min(k, 1), math.factorial(k)) for k in range(15)])


def pair_log(x: Pair) -> Pair:
    """The logarithm of a positive pair, from that of (1 + s)/(1 - s) near 1."""
    exponent = np.frexp(x[0] * np.sqrt(2))[1] - 1
    part = np.ldexp(x[0], -exponent), np.ldexp(x[1], -exponent)
    share = pair_over(plus(part, (-1.0, 0.0)), plus(part, (1.0, 0.0)))
    log = times(pair_product(share, horner(_ODD, pair_product(share, share))), 2.0)
    return plus(log, times(_LOG_2, exponent.astype(float)))


def chain(ratio: Pair, weight: Pair) -> Pair:
    """w0 + r0 (w1 + r1 (w2 + ...)), a series whose terms have these ratios and weights.

    They stand along the first axis, as many as a power of 2; two neighbours become one at a time.
    """
    return chain_and_product(ratio, weight)[0]


def chain_and_product(ratio: Pair, weight: Pair) -> tuple[Pair, Pair]:
    """The same, and the product of all ratios, by which the series goes on."""
    while len(ratio[0]) > 1:
        first, second = [tuple([part[i::2] for part in ratio]) for i in range(2)]
        left, right = [tuple([part[i::2] for part in weight]) for i in range(2)]
        weight = plus(left, pair_product(first, right))
        ratio = pair_product(first, second)
    return (weight[0][0], weight[1][0]), (ratio[0][0], ratio[1][0])


def pair_exp(x: Pair) -> Pair:
    """The exponential of a pair, by its power series between -1/128 and 1/128."""
    count = np.rint(x[0] / _LOG_2[0])
    rest = plus(x, times(_LOG_2, -count))
    part = rest[0] / 64, rest[1] / 64
    value = horner(_EXPONENTIAL, part)
    for _ in range(6):  # expm1(2 y) = expm1(y) (expm1(y) + 2)
        value = pair_product(value, plus(value, (2.0, 0.0)))
    value = plus(value, (1.0, 0.0))
    whole = np.clip(count, -5000, 5000).astype(int)
    return np.ldexp(value[0], whole), np.ldexp(value[1], whole)


def pair_power(x: Pair, exponent: Pair) -> Pair:
    """A positive pair to the power of another."""
    return pair_exp(pair_product(exponent, pair_log(x)))
