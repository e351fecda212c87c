"""Sines and cosines in twice the precision."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from gradtape.derivatives.special_pairs import Pair, as_pair, horner, pair_product, plus, times

__all__ = ["QUARTER", "pair_sine_and_cosine"]

#: A quarter turn, and what is left of it beyond its two parts.
QUARTER = as_pair(Fraction("1.57079632679489661923132169163975144209858469968755291048747"))
_REST = -1.4973849048591698e-33

_FACTORIALS = [Fraction(1, math.factorial(k)) for k in range(29)]
_SINE = as_pair([(-1) ** k * _FACTORIALS[2 * k + 1] for k in range(14)])
_COSINE = as_pair([(-1) ** k * _FACTORIALS[2 * k] for k in range(15)])


def pair_sine_and_cosine(angle: Pair) -> tuple[Pair, Pair]:
    """The sine and the cosine of an angle in two parts, which is not huge, in two parts each."""
    turns = np.rint(angle[0] / QUARTER[0])
    rest = plus(angle, times(QUARTER, -turns))
    rest = plus(rest, (-turns * _REST, 0.0 * turns))
    square = pair_product(rest, rest)
    sine, cosine = pair_product(rest, horner(_SINE, square)), horner(_COSINE, square)
    odd = np.fmod(turns, 2) != 0
    by_sine = np.where(np.remainder(turns, 4) < 2, 1.0, -1.0)
    by_cosine = np.where(np.remainder(turns + 1, 4) < 2, 1.0, -1.0)
    return (
        times((np.where(odd, cosine[0], sine[0]), np.where(odd, cosine[1], sine[1])), by_sine),
        times((np.where(odd, sine[0], cosine[0]), np.where(odd, sine[1], cosine[1])), by_cosine),
    )
