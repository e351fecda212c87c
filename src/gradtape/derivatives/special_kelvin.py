"""Derivatives of Kelvin functions, which are those of Bessel on a ray, w'' + w'/x = i w (10.61.3).

SciPy has them by their power series for x below 10, which leaves few digits of ker and kei there,
and by short asymptotic ones beyond. Slopes come from the Bessel functions where those are closer.
Numbers in parentheses are those of the NIST Digital Library (DLMF).
"""

from __future__ import annotations

import cmath
import math
from fractions import Fraction
from typing import Any

import numpy as np
from scipy import special

from gradtape.derivatives.special_pairs import (
    Pair,
    as_pair,
    halves,
    horner,
    pair_product,
    two_product,
)
from gradtape.derivatives.special_precision import BLOCK, blockwise
from gradtape.derivatives.special_ufuncs import several
from gradtape.rules import Elementwise, elementwise

__all__: list[str] = []

#: From here on Bessel functions of the first and the second kind are closer than SciPy's own.
_FAR_FIRST, _FAR_SECOND = 10.0, 2.0

#: Where exp(x/sqrt(2)) is no number any more.
_OVERFLOW = 1000.0
#: Up to here the power series of kei' is its first term.
_TINY = 1e-8
#: Parts that are smaller than that share of the amplitude are beside a zero; up to here by the
#: power series in twice the precision.
_SHARE, _SERIES = 0.25, 20.0
#: So many terms of the power series of ber and bei give all digits below 1.
_TERMS = 6

_EIGHTH_TURN = cmath.exp(0.25j * cmath.pi)

#: The root of 1/2, its first 26 bits, and what it is more.
_ROOT = math.sqrt(0.5)
_UPPER = math.ldexp(math.floor(math.ldexp(_ROOT, 26)), -26)
_LOWER = 1.210161710447897e-08


def _ray(x: Any) -> tuple[Any, Any]:
    """x/sqrt(2), and what is lost in that product."""
    upper, lower = halves(x)
    place = x * _ROOT
    lost = ((upper * _UPPER - place) + lower * _UPPER) + x * _LOWER
    return place, lost


def _first(x: Any, n: int) -> Any:
    """The nth derivatives of ber and bei, the parts of J_0 and of I_0 on two rays."""
    size = np.abs(x)
    far = (size >= _FAR_FIRST) & (size < _OVERFLOW)
    place, lost = _ray(np.where(far, size, _FAR_FIRST))
    ray = place + 1j * place
    growth = np.exp(place) * (1 + (1 + 1j) * lost)
    near = special.kelvin(np.where(far, 1.0, x))
    value = np.where(far, special.ive(0.0, ray) * growth, near[0])
    slope = np.where(far, np.sign(x) * _EIGHTH_TURN * special.ive(1.0, ray) * growth, near[2])
    if n < 2:
        return _beside_zeros(x, n, _parts(x, n, value, slope))
    # Near 0 the equation looks like 0/0.
    inside = np.where(size < 1, x, 0)
    series = _series(inside, 0, n), _series(inside, 2, n)
    beyond = _beside_zeros(x, n, _parts(x, n, value, slope))
    return tuple([np.where(size < 1, s, b) for s, b in zip(series, beyond, strict=True)])


def _beside_zeros(x: Any, n: int, parts: Any) -> Any:
    """The nth derivatives of ber and bei, those corrected that are much smaller than the other."""
    if n > 2:
        return parts
    size, amplitude = np.abs(x), np.hypot(*parts)
    found = []
    for first, part in zip((0, 2), parts, strict=True):
        near = (np.abs(part) < _SHARE * amplitude) & (size > 1) & (size < _SERIES)
        result = np.array(part)
        result[near] = blockwise(lambda x, i=first: _in_pairs(i, n, x), x[near], block=BLOCK)
        found.append(result)
    return tuple(found)


def _coefficient(k: int, first: int, n: int) -> Fraction:
    """Of the nth derivative of ber or bei, whose powers start at 0 or 2 (10.65.1), its kth one."""
    power = 4 * k + first
    bottom = 2**power * math.factorial(power // 2) ** 2
    return Fraction((-1) ** k * math.perm(power, n), bottom)


def _series(x: Any, first: int, n: int) -> Any:
    """The nth derivative of ber or bei by its first terms."""
    total: Any = 0.0
    for k in range(_TERMS):
        power = 4 * k + first - n
        if power >= 0:
            total = total + float(_coefficient(k, first, n)) * x**power
    return total


def _coefficients(first: int, n: int) -> Pair:
    """Those of the nth derivative times x**n, by powers of x**4, as many as 20 needs."""
    return as_pair([_coefficient(k, first, n) for k in range(26)])


_COEFFICIENTS = {(i, n): _coefficients(i, n) for i in (0, 2) for n in (0, 1, 2)}


def _in_pairs(first: int, n: int, x: Any) -> Any:
    """The nth derivative of ber or bei, n up to 2, in twice the precision."""
    square = two_product(x, x)
    total = horner(_COEFFICIENTS[first, n], pair_product(square, square))[0]
    return total * (x * x if first else 1.0) / x**n


def _second(x: Any, n: int) -> Any:
    """The nth derivatives of ker and kei, the parts of K_0 on a ray."""
    far = (x >= _FAR_SECOND) & (x < _OVERFLOW)
    place, lost = _ray(np.where(far, x, _FAR_SECOND))
    ray = place + 1j * place
    fall = np.exp(-place) * (np.cos(place) - 1j * np.sin(place)) * (1 - (1 + 1j) * lost)
    near = special.kelvin(np.where(far, 1.0, x))
    value = np.where(far, special.kve(0.0, ray) * fall, near[1])
    slope = np.where(far, -_EIGHTH_TURN * special.kve(1.0, ray) * fall, near[3])
    # SciPy's kei' loses its digits there; the first terms of (10.65.5).
    tiny = (x > 0) & (x < _TINY)
    slope.imag[tiny] = x[tiny] / 2 * (near[1].real[tiny] + 0.5)
    return _parts(x, n, value, slope)


def _parts(x: Any, n: int, value: Any, slope: Any) -> Any:
    """The parts of the nth derivative: the equation times x, differentiated again and again."""
    found = [(value.real, value.imag), (slope.real, slope.imag)]
    for m in range(n - 1):
        a, b = found[m]
        if m:
            a, b = a + m * (found[m - 1][0] / x), b + m * (found[m - 1][1] / x)
        real, imag = found[m + 1]
        found.append((-b - (m + 1) * (real / x), a - (m + 1) * (imag / x)))
    return found[n]


def _part(compute: Any, i: int, name: str) -> Elementwise:
    """The nth derivative of one of the four functions, as a function of x and n."""

    def run(x: Any, n: int) -> Any:
        with np.errstate(all="ignore"):
            return blockwise(lambda x: compute(x, n)[i], x)

    part: Elementwise = Elementwise(
        run,
        (lambda x, n: part(x, n + 1), None),
        names=("x", "n"),
        name=f"{name} differentiated",
    )
    return part


_ber, _bei = _part(_first, 0, "ber"), _part(_first, 1, "bei")
_ker, _kei = _part(_second, 0, "ker"), _part(_second, 1, "kei")

elementwise(
    {
        special.ber: lambda x: _ber(x, 1),
        special.bei: lambda x: _bei(x, 1),
        special.ker: lambda x: _ker(x, 1),
        special.kei: lambda x: _kei(x, 1),
        special.berp: lambda x: _ber(x, 2),
        special.beip: lambda x: _bei(x, 2),
        special.kerp: lambda x: _ker(x, 2),
        special.keip: lambda x: _kei(x, 2),
    }
)

several(
    special.kelvin,
    ("x",),
    lambda x: _ber(x, 1) + 1j * _bei(x, 1),
    lambda x: _ker(x, 1) + 1j * _kei(x, 1),
    lambda x: _ber(x, 2) + 1j * _bei(x, 2),
    lambda x: _ker(x, 2) + 1j * _kei(x, 2),
)
