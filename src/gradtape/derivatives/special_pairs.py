"""Arithmetic in twice the precision: numbers as sums of two floats, high and low.

The sum's is D. Knuth's, the product's T. Dekker's ("A floating-point technique for extending the
available precision", Numer. Math. 18, 1971). For arrays of double precision, and as NumPy rounds.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

__all__ = [
    *("Pair", "as_pair", "chain", "halves", "horner", "pair_over", "pair_product"),
    *("pair_log", "pair_quotient", "pair_root", "plus", "sine_and_cosine", "times"),
    *("two_product", "two_sum"),
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


def horner(coefficients: Pair, x: Pair) -> Pair:
    """The polynomial with these coefficients, along the first axis, from the constant one on."""
    total = coefficients[0][-1], coefficients[1][-1]
    for c in zip(coefficients[0][-2::-1], coefficients[1][-2::-1], strict=True):
        total = plus(c, pair_product(total, x))
    return total


_LOG_2 = as_pair(Fraction("0.69314718055994530941723212145817656807550013436025525412"))
_ODD = as_pair([Fraction(1, 2 * k + 1) for k in range(22)])


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
    while len(ratio[0]) > 1:
        first, second = [tuple([part[i::2] for part in ratio]) for i in range(2)]
        left, right = [tuple([part[i::2] for part in weight]) for i in range(2)]
        weight = plus(left, pair_product(first, right))
        ratio = pair_product(first, second)
    return weight[0][0], weight[1][0]
