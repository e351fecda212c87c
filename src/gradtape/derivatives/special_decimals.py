"""Bessel functions with as many digits as zeros need.

Beside a zero of a slope, a number of double precision leaves none of its digits, and twice the
precision too few where series cancel. Python's decimals have any number of digits; a value takes
some tenths of a millisecond. Numbers in parentheses are those of the NIST Digital Library (DLMF).
"""

from __future__ import annotations

import math
from decimal import Context, Decimal, localcontext
from functools import cache, lru_cache
from typing import NamedTuple

__all__ = ["Bessel", "bessel", "gamma", "pi", "settings", "sine_and_cosine"]

#: So many digits are right, of the amplitude; that far beside a whole order Y is the same to these.
_DIGITS = 40
#: From here on, and by the order more, the asymptotic series are used.
_FAR = 60
#: Larger orders come from below.
_FEW = 20
#: Constants are computed with digits of whole multiples of this, so that they are found again.
_STEP = 16
#: What roundings cost.
_MORE = 4


class Bessel(NamedTuple):
    """The two functions and their slopes."""

    j: Decimal
    j_slope: Decimal
    y: Decimal
    y_slope: Decimal


def settings(digits: int) -> Context:
    """Arithmetic of decimals with that many digits, whatever the caller's is."""
    return Context(prec=digits, Emax=10**9, Emin=-(10**9), traps=[])


def bessel(v: float, x: Decimal) -> Bessel:
    """J and Y of a real order and a positive number, to 40 digits of the amplitude."""
    if _FEW < abs(v) < x and x > _FAR + 1:
        return _from_below(v, x)
    far = x > _FAR + abs(v)
    lost = abs(v) / 4 + math.log10(x) if far else 0.45 * float(x)
    digits = math.ceil((_DIGITS + lost + _MORE) / _STEP) * _STEP
    return _far(v, x, digits) if far else _near(v, x, digits)


# Constants ----------------------------------------------------------------------------------------


def _arc_tangent(n: int, one: int) -> int:
    """That of 1/n, times a whole number."""
    total = power = one // n
    k = 1
    while power:
        power //= -n * n
        k += 2
        total += power // k
    return total


@cache
def pi(digits: int) -> Decimal:
    """By Machin's formula."""
    one: int = 10 ** (digits + 5)
    with localcontext(settings(digits)):
        return Decimal(16 * _arc_tangent(5, one) - 4 * _arc_tangent(239, one)) / one


def sine_and_cosine(angle: Decimal, digits: int) -> tuple[Decimal, Decimal]:
    """By their power series, of an angle that is brought between -pi and pi."""
    turn = angle - 2 * pi(digits) * (angle / (2 * pi(digits))).to_integral_value()
    least = Decimal(10) ** -digits
    sums, term, k = [Decimal(0), Decimal(1)], Decimal(1), 1
    while abs(term) > least or k < 3:
        term = term * turn / k
        sums[1 - k % 2] += term if k % 4 < 2 else -term
        k += 1
    return sums[0], sums[1]


def gamma(z: Decimal, digits: int) -> Decimal:
    """Gamma of z > 0, by the incomplete one up to where the rest is nothing (8.5.1)."""
    least = z % 1 + 1
    end = Decimal(math.ceil(digits * math.log(10)))
    term, k = 1 / least, least
    total = term
    while term > total.scaleb(-digits):
        k += 1
        term = term * end / k
        total += term
    value = total * (least * end.ln() - end).exp()
    while least < z:
        value, least = value * least, least + 1
    return value if z >= 1 else value / z


class _Order(NamedTuple):
    """An order that is not whole, and what the series need of it."""

    v: Decimal
    over: Decimal  # 1/Gamma(1 + v)
    over_mirrored: Decimal  # 1/Gamma(1 - v)
    sine: Decimal  # of pi v
    cosine: Decimal


@lru_cache(maxsize=1024)
def _order(v: float, digits: int) -> _Order:
    with localcontext(settings(digits)):
        order = Decimal(v)
        if abs(order - round(v)) < Decimal(10) ** -_DIGITS:
            order = round(v) + Decimal(10) ** -_DIGITS
        sine, cosine = sine_and_cosine(pi(digits) * order, digits)
        size = gamma(abs(order), digits)
        over, mirrored = 1 / (size * abs(order)), size * (sine if v >= 0 else -sine) / pi(digits)
        if order < 0:
            over, mirrored = mirrored, over
        return _Order(order, over, mirrored, sine, cosine)


# The functions ------------------------------------------------------------------------------------


def _series(v: Decimal, x: Decimal, digits: int) -> tuple[Decimal, Decimal]:
    """The sum of (10.2.2) without its factor, and x times that of its slope."""
    minus, least = -x * x / 4, Decimal(10) ** -digits
    term, total, weighted, k = Decimal(1), Decimal(1), v, 0
    while abs(term) > least or k < abs(v) + 2:
        k += 1
        term = term * minus / (k * (k + v))
        total += term
        weighted += term * (v + 2 * k)
    return total, weighted


def _near(v: float, x: Decimal, digits: int) -> Bessel:
    """By the power series of both signs of the order (10.2.2, 10.2.3)."""
    beside = abs(v - round(v))
    close = 2 * _DIGITS if beside < 10.0**-_DIGITS else -2 * math.log10(beside)
    digits += math.ceil(close / _STEP) * _STEP
    order = _order(v, digits)
    with localcontext(settings(digits)):
        power = (order.v * (x / 2).ln()).exp()
        factor, mirrored = power * order.over, order.over_mirrored / power
        j, j_slope = [factor * s for s in _series(order.v, x, digits)]
        other, other_slope = [mirrored * s for s in _series(-order.v, x, digits)]
        y = (j * order.cosine - other) / order.sine
        y_slope = (j_slope * order.cosine - other_slope) / order.sine
        return Bessel(j, j_slope / x, y, y_slope / x)


def _from_below(v: float, x: Decimal) -> Bessel:
    """By recurrence outwards from the lowest orders, which loses little up to the order x."""
    whole, side = math.trunc(v), 1 if v > 0 else -1
    digits = math.ceil((_DIGITS + math.log10(x) + _MORE) / _STEP) * _STEP
    start = _far(v - whole, x, digits)
    with localcontext(settings(digits)):
        least = Decimal(v) - whole
        functions = [(start.j, start.j_slope), (start.y, start.y_slope)]
        # The order beside the lowest (10.6.2), then the others (10.6.1), then the slopes.
        ends = [(f, least / x * f - side * slope) for f, slope in functions]
        rates = [2 * (least + side * k) / x for k in range(1, abs(whole))]
        found = []
        for before, here in ends:
            for rate in rates:
                before, here = here, rate * here - before
            found += [here, side * (before - Decimal(v) / x * here)]
        return Bessel(*found)


def _far(v: float, x: Decimal, digits: int) -> Bessel:
    """By the asymptotic series (10.17.3, 10.17.4, 10.17.9, 10.17.10)."""
    with localcontext(settings(digits)):
        order, least = Decimal(v), Decimal(10) ** -_DIGITS
        square = 4 * order * order
        sums, slopes = [Decimal(1), Decimal(0)], [Decimal(1), Decimal(0)]
        before, k = Decimal(1), 0
        while abs(before) > least or k < abs(v):
            k += 1
            below = before / (8 * k * x)
            before = below * (square - (2 * k - 1) ** 2)
            sign = 1 if k % 4 < 2 else -1
            sums[k % 2] += sign * before
            slopes[k % 2] += sign * below * (square + 4 * k * k - 1)
            if not before:
                break
        sine, cosine = sine_and_cosine(x - (2 * order + 1) * pi(digits) / 4, digits)
        scale = (2 / (pi(digits) * x)).sqrt()
        (p, q), (r, s) = sums, slopes
        return Bessel(
            scale * (p * cosine - q * sine),
            -scale * (r * sine + s * cosine),
            scale * (p * sine + q * cosine),
            scale * (r * cosine - s * sine),
        )
