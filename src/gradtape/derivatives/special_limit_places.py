"""The hypergeometric function 0F1 of negative numbers, about few places, where other series fail.

There whole numbers, with as many bits as cancel, sum the power series. Numbers in parentheses are
those of the NIST Digital Library (DLMF).
"""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from functools import lru_cache
from typing import Any

import numpy as np

from gradtape.derivatives.special_decimals import settings
from gradtape.derivatives.special_taylor import TERMS, about_places, high_and_low

__all__ = ["has_places", "limit_by_places"]

#: Where the series about 0 has few terms enough; so large may the parameter be.
_LAST, _FIRST, _LARGEST = -1e5, -16.0, 1024.0
#: Bits of what is left, bits that are tried, and bits that count as enough.
_BITS, _STEP, _LEFT = 144, 64, 112
_DIGITS = 50


def has_places(b: Any, z: Any) -> Any:
    """Where ``limit_by_places`` answers."""
    return (z >= _LAST) & (z <= _FIRST) & (np.abs(b) <= _LARGEST)


def limit_by_places(b: Any, z: Any, n: Any) -> Any:
    """0F1(b + n; z), and NaN where that takes too long; n is whole."""
    result = np.full(z.shape, np.nan)
    near = has_places(b, z)
    if np.any(near):
        keys, z = (b[near], n[near]), z[near]
        unit = np.exp2(np.floor(np.log2(-z) / 2))
        found = about_places(_coefficients, 0, keys, z, np.rint(z / unit) * unit)
        result[near] = np.where(np.isfinite(found), found, np.nan)
    return result


def _series(top: int, bottom: int, place: int, bits: int) -> tuple[int, int, int]:
    """The sum (16.2.1) of the parameter top/bottom and its slope, over 2**bits, and an error."""
    term = total = largest = least = 1 << bits
    slope, k, error = 0, 0, 0
    while abs(term) > 1 or top + k * bottom < 0:
        term = term * (place * bottom) // ((k + 1) * (top + k * bottom))
        k += 1
        total += term
        slope += k * term
        if (size := abs(term)) > largest:
            largest = size
            error = max(error, size // least)
        least = min(least, size + 1)
    return total, slope // place, (error + 1) * k * k


@lru_cache(maxsize=4096)
def _coefficients(b: float, n: float, place: float) -> Any:
    """Those about a place, high and low, along the last axis."""
    top, bottom = b.as_integer_ratio()
    top += int(n) * bottom
    if top <= 0 and top % bottom == 0:
        return np.full((2, 1, TERMS), np.nan)  # a pole
    bits = math.ceil((_BITS + 2 * math.sqrt(-place) / math.log(2)) / _STEP) * _STEP
    while True:
        value, slope, error = _series(top, bottom, int(place), bits)
        if max(abs(value), abs(slope)) > error << _LEFT:
            break
        bits += 2 * _STEP
    with localcontext(settings(_DIGITS)):
        c, parameter = Decimal(place), Decimal(top) / bottom
        a = [Decimal(value) / 2**bits, Decimal(slope) / 2**bits]
        for j in range(TERMS - 2):
            a.append((a[j] - (j + 1) * (parameter + j) * a[j + 1]) / ((j + 1) * (j + 2) * c))
        return high_and_low([a])
