"""Arithmetic in twice the precision: numbers as sums of two floats, high and low.

The sum's is D. Knuth's, the product's T. Dekker's ("A floating-point technique for extending the
available precision", Numer. Math. 18, 1971). For arrays of double precision, and as NumPy rounds.
"""

from __future__ import annotations

from typing import Any

__all__ = ["Pair", "plus", "pair_product", "pair_quotient", "times", "two_product", "two_sum"]

Pair = tuple[Any, Any]

_SPLIT = 2.0**27 + 1


def two_sum(a: Any, b: Any) -> Pair:
    """a + b, and what its rounding lost."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _halves(a: Any) -> Pair:
    wide = _SPLIT * a
    high = wide - (wide - a)
    return high, a - high


def two_product(a: Any, b: Any) -> Pair:
    """a * b, and what its rounding lost."""
    product = a * b
    (a_high, a_low), (b_high, b_low) = _halves(a), _halves(b)
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
