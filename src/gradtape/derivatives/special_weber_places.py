"""The parabolic cylinder function D where series of pairs cancel too much, about few places.

There whole numbers, with as many bits as are lost, sum the power series of the two solutions that
are even and odd. Numbers in parentheses are those of the NIST Digital Library (DLMF).
"""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from functools import lru_cache
from typing import Any

import numpy as np

from gradtape.derivatives.special_decimals import gamma, pi, settings, sine_and_cosine
from gradtape.derivatives.special_taylor import TERMS, about_places, high_and_low

__all__ = ["weber_by_places"]

#: With more bits than that it takes too long.
_LONGEST = 1536
#: Bits of what is left, bits that are tried, and bits that count as enough.
_BITS, _STEP, _LEFT = 144, 64, 112
#: Digits of the series about a place, and more than the bits have where a sine may be small.
_DIGITS, _MORE = 50, 20


def weber_by_places(v: Any, x: Any, primed: int) -> Any:
    """D of the order v at x, or its slope; NaN where that takes too long."""
    result = np.full(x.shape, np.nan)
    near = _first_bits(v, x) <= _LONGEST
    if np.any(near):
        order, x = v[near], x[near]
        rate = np.sqrt(np.maximum(1, np.abs(order) + x * x / 4))
        unit = np.exp2(-np.ceil(np.log2(rate)))
        found = about_places(_coefficients, primed, (order,), x, np.rint(x / unit) * unit)
        result[near] = np.where(np.isfinite(found), found, np.nan)
    return result


def _solutions(v: float, place: float, bits: int) -> tuple[list[int], int]:
    """The even solution, its slope times x, the odd one and its, and how far these may be off.

    Of w'' = (x x/4 - v - 1/2) w (12.2.2), over 2**bits.
    """
    (top, bottom), (order, over) = place.as_integer_ratio(), v.as_integer_ratio()
    square, shift = top * top, 2 * (bottom.bit_length() - 1)
    linear, fourth = -(2 * order + over) * square, square * square
    less = over.bit_length() + shift
    found: list[int] = []
    most = 0
    for odd in (0, 1):
        before, term = 0, 1 << bits
        total, weighted, n, largest = term, odd * term, odd, term
        while abs(term) + abs(before) > 2 or n < 4:
            following = (linear * term >> less) + (fourth * before >> 2 * shift + 2)
            n += 2
            before, term = term, following // (n * (n - 1))
            total += term
            weighted += n * term
            largest = max(largest, abs(term))
        found += [total, weighted]
        most = max(most, largest * n * n)
    return found, most >> bits


def _at_zero(v: Decimal, digits: int) -> tuple[Decimal, Decimal]:
    """What of the even solution and of the odd one D is (12.2.6, 12.2.7, and 5.5.3)."""
    turn = pi(digits)
    if v > 0:
        sine, cosine = sine_and_cosine(turn * (v - 4 * (v / 4).to_integral_value()) / 2, digits)
        even = gamma((1 + v) / 2, digits) * cosine / turn
        odd = -gamma(1 + v / 2, digits) * sine / turn
    else:
        even = 1 / gamma((1 - v) / 2, digits)
        odd = 1 / gamma(-v / 2, digits) if v else Decimal(0)
    scale = (turn * Decimal(2) ** v).sqrt()
    return scale * even, -Decimal(2).sqrt() * scale * odd


@lru_cache(maxsize=256)
def _factors(v: float, digits: int) -> tuple[Decimal, Decimal]:
    with localcontext(settings(digits)):
        return _at_zero(Decimal(v), digits)


def _first_bits(v: Any, x: Any) -> Any:
    """As many as the solutions grow by, by Liouville and Green, and twice that where D falls."""
    order = np.abs(v) + 0.5
    growth = np.abs(x) / 2 * np.sqrt(x * x / 4 + order)
    growth = growth + order * np.arcsinh(np.abs(x) / 2 / np.sqrt(order))
    falls = (x > 0) & (x * x > 4 * v)
    return np.ceil((_BITS + (1.0 + falls) * growth / math.log(2)) / _STEP) * _STEP


def _value_and_slope(v: float, place: float) -> tuple[Decimal, Decimal]:
    """D and its slope, the larger one of them to all digits: with more bits until there are."""
    bits, enough = int(_first_bits(v, place)), False
    while not enough:
        (even, even_slope, odd, odd_slope), error = _solutions(v, place, bits)
        digits = math.ceil(bits * math.log10(2)) + _MORE
        first, second = _factors(v, digits)
        with localcontext(settings(digits)):
            x = Decimal(place)
            value = first * even + second * odd * x
            slope = second * odd_slope + (first * even_slope / x if place else 0)
            off = error * (abs(first) + abs(second) * max(Decimal(1), abs(x)))
            enough = max(abs(value), abs(slope)) > off * 2**_LEFT
            value, slope = value / 2**bits, slope / 2**bits
        bits += 2 * _STEP
    return value, slope


@lru_cache(maxsize=4096)
def _coefficients(v: float, place: float) -> Any:
    """Those of D and of its slope about a place, high and low, along the last axis."""
    value, slope = _value_and_slope(v, place)
    with localcontext(settings(_DIGITS)):
        x = Decimal(place)
        rate = x * x / 4 - Decimal(v) - Decimal("0.5")
        a = [Decimal(0), Decimal(0), value, slope]  # two before the first
        for j in range(TERMS - 1):
            a.append((rate * a[j + 2] + x / 2 * a[j + 1] + a[j] / 4) / ((j + 1) * (j + 2)))
        slopes = [k * c for k, c in enumerate(a[3:], 1)]
        return high_and_low([a[2 : 2 + len(slopes)], slopes])
