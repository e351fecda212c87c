"""The hypergeometric function 0F1, to the last digits beside zeros too.

Numbers in parentheses are those of the NIST Digital Library (DLMF).
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from scipy import special

from gradtape.derivatives.special_gamma_pairs import reciprocal_gamma
from gradtape.derivatives.special_incomplete import chosen
from gradtape.derivatives.special_limit_places import has_places, limit_by_places
from gradtape.derivatives.special_pairs import (
    as_pair,
    chain,
    pair_over,
    pair_power,
    pair_product,
    pair_quotient,
    pair_root,
    pair_sine_and_cosine,
    plus,
    times,
    two_sum,
)
from gradtape.derivatives.special_parts import piece
from gradtape.derivatives.special_power_series import summed, trusted
from gradtape.rules import Elementwise

__all__ = ["limit"]

#: Between these all terms of the series are positive or small; double precision is enough.
_LEFT, _RIGHT = -1.0, 100.0
#: Within this size the series has digits enough in twice the precision; between the next
#: two the asymptotic one has, of so many terms.
_WIDE, _FAR, _FURTHEST, _TERMS = 1e5, -250.0, -1e20, 64
#: So small must its last term be, and so large may the others.
_ENOUGH, _LARGEST = 2.0**-70, 2.0**20
#: So far off may a sum be, as a share of it.
_FEW = 2.0**-20
_HALF_PI = as_pair(Fraction("1.5707963267948966192313216916397514420985847"))


def _by_doubles(b: Any, z: Any) -> Any:
    """The sum (16.2.1) from its end on."""
    total = np.ones(z.shape)
    for k in range(int(3 * float(np.max(np.abs(z))) ** 0.5) + 30, -1, -1):
        total = 1 + z / (b + k) / (k + 1) * total
    return total


def _by_pairs(b: Any, z: Any, n: Any) -> Any:
    """Better than SciPy's even where few digits are left, unless there is another way."""
    value, error = summed([], [two_sum(b, n)], (z, 0 * z))
    found, few = trusted(value, error), trusted(value, error, _FEW)
    return np.where(has_places(b, z), found, few)


def _by_waves(b: Any, z: Any, n: Any) -> Any:
    """By Bessel's J of the order b + n - 1 (10.16.9), and its asymptotic series (10.17.3)."""
    order, root = plus(two_sum(b, n), (-1.0, 0.0)), pair_root(-z)
    square, place = times(pair_product(order, order), 4.0), times(root, 16.0)
    k = np.arange(_TERMS, dtype=float)[:, None]
    odd = (2 * k + 1) ** 2
    ratio = pair_quotient(pair_over(plus(square, (-odd, 0.0)), place), k + 1)
    falls = (np.abs(ratio[0]) < 1) | (k < np.abs(order[0]))
    ratio = np.where(falls, ratio[0], 0.0), np.where(falls, ratio[1], 0.0)
    sizes = np.cumprod(np.abs(ratio[0]), axis=0)
    last = np.min(np.where(sizes > 0, sizes, 1.0), axis=0) * (sizes[-1] > 0)
    sure = (last < _ENOUGH) & (np.max(sizes, axis=0) < _LARGEST)
    signs = np.where(k % 4 < 2, 1.0, -1.0) * np.ones(z.shape)
    sums = [chain(ratio, (np.where(k % 2 == i, signs, 0.0), 0.0 * signs)) for i in range(2)]
    angle = plus(times(root, 2.0), pair_product(_HALF_PI, plus(times(order, -1.0), (-0.5, 0.0))))
    sine, cosine = pair_sine_and_cosine(angle)
    wave = plus(pair_product(sums[0], cosine), times(pair_product(sums[1], sine), -1.0))
    power = pair_power(root, plus(times(order, -1.0), (-0.5, 0.0)))
    over = reciprocal_gamma(plus(order, (1.0, 0.0)))
    sure &= over[0] != 0  # a pole
    return np.where(sure, wave[0] * power[0] / over[0] / np.sqrt(np.pi), np.nan)


def _limit(b: Any, z: Any, n: Any) -> Any:
    """0F1(b + n; z)."""
    if z.dtype.kind == "c":
        return special.hyp0f1((b + n).real, z)
    near = (b + n > 0) & (z > _LEFT) & (z < _RIGHT)
    result = np.where(near, chosen(near, _by_doubles, b + n, z), np.nan)
    far = (z < _FAR) & (z > _FURTHEST)
    for where, way in ((far, _by_waves), (~near & (np.abs(z) < _WIDE), _by_pairs)):
        where = where & np.isnan(result)
        if np.any(where):
            result[where] = way(b[where], z[where], n[where])
    if np.any(np.isnan(result)):
        left = np.isnan(result)
        result[left] = limit_by_places(b[left], z[left], n[left])
    other = np.isnan(result)
    result[other] = special.hyp0f1((b + n)[other], z[other])
    return result


#: 0F1(b + n; z).
limit: Elementwise = piece(
    _limit, (None, lambda b, z, n: limit(b, z, n + 1) / (b + n), None), ("b", "z", "n")
)
