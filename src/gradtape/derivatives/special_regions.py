"""Slopes of J, Y and the Hankel functions of real numbers: which way is good where.

Each entry takes the quickest way that gives all digits; what zeros need is done beside zeros only.
Numbers in parentheses are those of the NIST Digital Library (DLMF).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from gradtape.derivatives.special_hankel import FIRST, LARGEST, hankel_slope, j_slope_inside
from gradtape.derivatives.special_places import by_places
from gradtape.derivatives.special_precision import BLOCK, blockwise
from gradtape.derivatives.special_zeros import (
    SERIES,
    TINY,
    beside_zeros,
    by_phase,
    has_series,
    is_far,
    is_poor,
    is_small,
    j_series,
    j_value,
    mirrored,
    oscillates,
    y_leading,
    y_outwards,
    y_series,
)
from gradtape.rules import Elementwise, strip

__all__ = ["beyond", "first_hankel_slope", "inwards", "j_slope", "second_hankel_slope", "y_slope"]

#: Entries at a time, so many that some have the same place.
_BLOCK = 1 << 14
#: From here on SciPy's Hankel functions may be NaN; and all of its functions not good.
_LAST_HANKEL, _LAST = 1e9, 1e15
#: Up to this share of larger orders slopes of J come by J itself.
_INNER = 0.8
#: Y of broken orders up to that has a series of two terms where the second is that much less.
_LARGEST_ORDER, _APART = 100.0, 0.05
#: And of orders below 1 if the tangent of pi v is not less than that; below that order by another.
_TURN, _LOW, _NEAR = 0.5, 0.2, 2.0


# As SciPy's functions give them -------------------------------------------------------------------


def _sign(v: Any) -> Any:
    """1 or -1, which is as much of a Python number as v is."""
    if hasattr(v, "dtype"):
        return 1.0 * np.where(v < 0, -np.ones((), v.dtype), np.ones((), v.dtype))
    return -1.0 if v < 0 else 1.0


def inwards(f: Any, v: Any, z: Any, out: Any) -> Any:
    """f- - (v/z) f or (v/z) f - f+, the derivative of Y and H (10.6.2), by the order nearer to 0.

    These grow with the order so fast that the rounding of v + 1 would cost digits. At 0 the last
    term is infinite, and outweighs the other one.
    """
    order, sign = abs(strip(v)), _sign(strip(v))
    side = sign * f(v - sign, z)
    none = np.equal(order, 0)
    side = np.where(np.equal(strip(z), 0) & ~none, 0, side)
    return side - np.where(none, 0, order / z * out)


def beyond(v: Any, x: Any) -> Any:
    """Where J and Y of a real x are of one size, or SciPy's J comes by a recurrence.

    There SciPy's H is much closer than they are; elsewhere it loses the smaller one.
    """
    order, size = abs(strip(v)), strip(x)
    start = np.maximum(np.minimum(order, 2 * np.sqrt(order + 1)), 1.5 * order - 5)
    return (size >= np.maximum(start, 2)) & (size < _LAST_HANKEL)


def _oscillating(v: Any, x: Any) -> Any:
    return inwards(special.hankel1, v, x, special.hankel1(v, x))


def _j_plain(v: Any, x: Any) -> Any:
    """By (10.6.1)."""
    result = (special.jv(v - 1, x) - special.jv(v + 1, x)) / 2
    _put(lambda v, x: _oscillating(v, x).real, beyond(v, x), result, v, x)
    return result


def _y_plain(v: Any, x: Any) -> Any:
    result = inwards(special.yv, v, x, special.yv(v, x))
    _put(lambda v, x: _oscillating(v, x).imag, beyond(v, x), result, v, x)
    return result


# Of orders up to LARGEST and x between FIRST and _LAST --------------------------------------------


def _put(function: Callable[..., Any], where: Any, result: Any, *arrays: Any) -> None:
    """Put what a function gives there into a result, unless it is NaN."""
    if np.any(where):
        found = function(*[a[where] for a in arrays])
        result[where] = np.where(np.isnan(found), result[where], found)


def _is_between(v: Any, x: Any) -> Any:
    return (np.abs(v) <= LARGEST) & (np.abs(x) >= FIRST) & (np.abs(x) < _LAST)


def _by_hankel(v: Any, x: Any) -> Any:
    """J' + i Y', far out by the phase."""

    def phase(v: Any, x: Any) -> Any:
        first, second = by_phase(v, x, 0.0)
        return first + 1j * second

    result, far = np.full(x.shape, np.nan + 0j), is_far(v, x)
    _put(phase, far, result, v, x)
    _put(hankel_slope, ~far, result, v, x)
    return result


def _series(v: Any, x: Any) -> Any:
    return blockwise(j_series, v, x, block=BLOCK)


def _series_by_places(v: Any, x: Any) -> Any:
    return by_places(lambda v, x: (j_value(v, x), j_series(v, x)), _series, v, x, 0.0)


def _j_between(v: Any, x: Any, hankel: Any) -> Any:
    """J' of x > 0; ``hankel`` is J' + i Y' where that is at hand."""
    v, sign = mirrored(v)
    inner = _is_inner(v, x)
    poor = has_series(x) & is_poor(v, x)
    if hankel is None:
        result = np.full(x.shape, np.nan)
        _put(lambda v, x: _by_hankel(v, x).real, ~(inner | poor), result, v, x)
    else:
        result = sign * hankel.real
    _put(j_slope_inside, inner, result, v, x)
    _put(_series_by_places, poor, result, v, x)
    small = is_small(x, result) & oscillates(v, x)
    _put(_j_beside_zeros, small, result, v, x, result)
    return sign * result


def _j_beside_zeros(v: Any, x: Any, slope: Any) -> Any:
    found = beside_zeros(0, v, x, slope)
    left = np.isnan(found) & has_series(x)
    if np.any(left):
        found[left] = _series(v[left], x[left])
    return found


def _y_between(v: Any, x: Any, hankel: Any) -> Any:
    v, sign = mirrored(v)
    result = _by_hankel(v, x).imag if hankel is None else sign * hankel.imag
    small = is_small(x, result) & oscillates(v, x)
    _put(lambda *given: beside_zeros(1, *given), small, result, v, x, result)
    return sign * result


# Of tiny and huge x, and of large orders ----------------------------------------------------------


def _is_inner(v: Any, size: Any) -> Any:
    """Up to the order; of great ones where the terms of v/x J - J+ do not cancel (10.6.2)."""
    return (size <= np.where(v <= LARGEST, 1, _INNER) * v) & (size >= SERIES)


def _j_outside(v: Any, x: Any) -> Any:
    """For negative x too, where the order is whole (10.11.1)."""
    plain, size = _j_plain(v, x), np.abs(x)
    order, sign = mirrored(v)
    result = plain * sign * (turn := _reflected(v, x))
    inner = _is_inner(order, size)
    small = is_small(size, plain) & (oscillates(order, size) | has_series(size))
    _put(_series, has_series(size) & (small | is_poor(v, x)), result, order, size)
    _put(lambda *given: beside_zeros(0, *given), small, result, order, size, result)
    _put(_j_by_itself, inner, result, order, size)
    return np.where(np.isnan(plain), plain, sign * turn * result)


def _reflected(v: Any, x: Any) -> Any:
    """The sign of J' at x < 0 beside that at -x, of whole orders."""
    odd = (v == np.rint(v)) & (np.fmod(v, 2) != 0)
    return np.where((x < 0) & ~odd, -1, 1)


def _j_by_itself(v: Any, x: Any) -> Any:
    return v / x * special.jv(v, x) - special.jv(v + 1, x)  # J is much closer than J-


def _y_outside(v: Any, x: Any) -> Any:
    result = _y_plain(v, x)
    known = np.isfinite(result)
    order, sign = mirrored(v)
    result = sign * result
    small = is_small(x, result) & oscillates(order, x)
    two = known & _has_two_terms(v, x)
    first = known & (order >= 2) & (order == np.rint(order)) & (x > 0) & (x < FIRST)
    _put(y_leading, first, result, order, x)
    _put(y_outwards, two & (order < _LOW), result, order, x)
    _put(y_series, two & (order >= _LOW), result, order, x)
    _put(lambda *given: beside_zeros(1, *given), small, result, order, x, result)
    return sign * result


def _has_two_terms(v: Any, x: Any) -> Any:
    """Where those of Y for broken orders do not cancel."""
    broken = (v != np.rint(v)) & (v > 0) & (v < _LARGEST_ORDER)
    order = np.where(broken, v, 0.5)
    share = (x / 2) ** (2 * order) * special.rgamma(order) * special.rgamma(order + 1)
    turn = np.abs(np.tan(math.pi * (order - np.rint(order))))
    apart = (x < np.minimum(v, SERIES)) & (math.pi * share < _APART * turn)
    low = (v < 1) & (x < _NEAR) & ((turn > _TURN) | (v < _LOW))
    return broken & (x > TINY) & (apart | low)


# Everywhere ---------------------------------------------------------------------------------------


def _put_turned(kind: int, result: Any, v: Any, x: Any) -> None:
    """Put J' or Y' of negative broken orders up to the order into a result, by (10.2.3), (10.4.5).

    There J' and Y' of the order without its sign are of different sizes, and of the angle that
    Hankel functions turn by digits would be missing where the larger one's share is small.
    """
    where = (v < 0) & (v != np.rint(v)) & (x <= -v) & (x >= (0 if kind else SERIES))
    if np.any(where):
        order, place = -v[where], x[where]
        sine, cosine = _turn(order)
        j, y = _j(order, place), _y(order, place)
        result[where] = sine * j + cosine * y if kind else cosine * j - sine * y


def _turn(v: Any) -> tuple[Any, Any]:
    """The sine and the cosine of pi v, beside their zeros too."""
    rest = v - np.rint(v)
    sign = np.where(np.fmod(np.rint(v), 2) != 0, -1, 1)
    return sign * np.sin(math.pi * rest), sign * np.sin(math.pi * (0.5 - np.abs(rest)))


def _j(v: Any, x: Any, hankel: Any = None) -> Any:
    known = _is_between(v, x) & ((x > 0) | (v == np.rint(v)))
    result = np.empty(x.shape)
    if np.any(known):
        place = v[known], x[known]
        found = _reflected(*place) * _j_between(place[0], np.abs(place[1]), hankel)
        _put_turned(0, found, *place)
        result[known] = found
    if not np.all(known):
        result[~known] = _j_outside(v[~known], x[~known])
    return result


def _y(v: Any, x: Any, hankel: Any = None) -> Any:
    known = _is_between(v, x) & (x > 0)
    result = np.empty(x.shape)
    if np.any(known):
        found = _y_between(v[known], x[known], hankel)
        _put_turned(1, found, v[known], x[known])
        result[known] = found
    lost = ~known | ~np.isfinite(result)
    if np.any(lost):
        result[lost] = _y_outside(v[lost], x[lost])
    return result


def _hankel(ufunc: Any, i: complex, v: Any, x: Any) -> Any:
    """J' + i Y' where x > 0."""
    right, result = x > 0, np.empty(x.shape, complex)
    if np.any(right):
        order, place = v[right], x[right]
        known = _is_between(order, place)
        hankel = _by_hankel(order[known], place[known])
        result[right] = _j(order, place, hankel) + i * _y(order, place, hankel)
    if not np.all(right):
        order, place = v[~right], x[~right]
        result[~right] = inwards(ufunc, order, place, ufunc(order, place))
    return result


def _primitive(compute: Callable[..., Any], partial: Callable[..., Any], name: str) -> Elementwise:
    def run(v: Any, x: Any) -> Any:
        with np.errstate(all="ignore"):
            return blockwise(compute, v, x, block=_BLOCK)

    return Elementwise(run, (None, partial), names=("v", "x"), name=name)


def _inwards_slope(f: Any, ufunc: Any) -> Callable[..., Any]:
    """That of (10.6.2)."""

    def slope(v: Any, x: Any, out: Any) -> Any:
        order = abs(strip(v))
        more = np.where(np.equal(order, 0), 0, order / x / x * ufunc(v, x))
        return inwards(f, v, x, out) + more

    return slope


def _hankel_primitive(ufunc: Any, i: complex, name: str) -> Elementwise:
    def compute(v: Any, x: Any) -> Any:
        return _hankel(ufunc, i, v.real, x.real)

    def run(v: Any, x: Any) -> Any:
        with np.errstate(all="ignore"):
            return blockwise(compute, v, np.asarray(x) + 0j, block=_BLOCK)

    made: Elementwise = Elementwise(
        run,
        (None, _inwards_slope(lambda v, x: made(v, x), ufunc)),
        names=("v", "x"),
        name=name,
    )
    return made


#: J' and Y' of an order and a real x.
j_slope: Elementwise = _primitive(
    _j, lambda v, x: (j_slope(v - 1.0, x) - j_slope(v + 1.0, x)) / 2, "bessel j slope"
)
y_slope: Elementwise = _primitive(
    _y, _inwards_slope(lambda v, x: y_slope(v, x), special.yv), "bessel y slope"
)
#: H' of these; J' + i Y' and J' - i Y' where x > 0.
first_hankel_slope = _hankel_primitive(special.hankel1, 1j, "hankel slope")
second_hankel_slope = _hankel_primitive(special.hankel2, -1j, "hankel slope conjugate")
