"""Slopes of Bessel functions beside their zeros, by Taylor's series about these.

A slope that vanishes at c is (x - c) times a series without zeros nearby, so that it has all its
digits where c has twice as many: x - c is then right to the last bit, at the number next to c too.
Decimals give c and the value there, once for each; what is done for each x is short.

The functions are x**-s times J or Y of the order v, where s is 0, or 1/2 for the spherical ones;
x x f'' + (1 + 2 s) x f' + (x x - v v + s s) f = 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal, localcontext
from functools import lru_cache
from typing import Any

import numpy as np
from scipy import special

from gradtape.derivatives.special_decimals import bessel, settings

__all__ = ["slope_beside_zero"]

#: Orders up to this; further on decimals take too long.
_LARGEST = 512.0
#: How far from the zero at most, and as a share of it; so many terms are enough there.
_REACH, _SHARE, _TERMS = 1.25, 0.25, 26
#: Steps of Newton's method for each x, and from the next of so many places a unit on.
_STEPS, _MORE, _PLACES = 2, 3, 64.0
#: The last step as a share of the zero at most.
_NEAREST = Decimal("1e-9")
#: Digits of what is computed of a zero.
_DIGITS = 50

_FUNCTIONS: tuple[Callable[..., Any], ...] = (special.jv, special.yv)


def _step(kind: int, v: Any, s: float, x: Any) -> Any:
    """What Newton's method adds to x on its way to a zero of the slope."""
    value = _FUNCTIONS[kind](v, x)
    slope = (v - s) / x * value - _FUNCTIONS[kind](v + 1, x)
    curvature = -(1 + 2 * s) / x * slope - (1 - (v - s) / x * ((v + s) / x)) * value
    return -slope / curvature


@lru_cache(maxsize=4096)
def _zero(kind: int, v: float, s: float, place: float) -> tuple[float, ...]:
    """A zero near a place, what it is more than that float, and the slope over the distance.

    NaN if Newton's method found none.
    """
    start = place
    for _ in range(_MORE):
        place = place + float(_step(kind, v, s, place))
    if not abs(place - start) < _REACH:
        return (math.nan,) * _TERMS
    with localcontext(settings(_DIGITS)):
        x, twice = Decimal(place), int(2 * s)
        found = bessel(v, x)
        scale = 1 / x.sqrt() if s else Decimal(1)
        value = scale * found[2 * kind]
        slope = scale * found[2 * kind + 1] - Decimal(s) * value / x
        order = Decimal(v) * Decimal(v) - Decimal(s) * Decimal(s)
        curvature = -(1 + twice) * slope / x - (1 - order / (x * x)) * value
        third = -((3 + twice) * curvature + 2 * value) / x
        step = slope / curvature
        if not abs(step) < _NEAREST * x:  # it went elsewhere
            return (math.nan,) * _TERMS
        zero = x - step * (1 + step * third / (2 * curvature))
        high = float(zero)
        excess = float(zero * zero - order)
        low = float(zero - Decimal(high))
    return high, low, *_series(high, excess, 1 + 2 * s, float(value))


def _series(c: float, excess: float, damping: float, value: float) -> list[float]:
    """Taylor's coefficients of the slope about its zero c over the distance.

    By the equation, whose terms of one power are added up; ``excess`` is c c - v v + s s.
    """
    a = [0.0, 0.0, value, 0.0]  # two before the first, then the function and its slope at c
    for j in range(_TERMS):
        inner = (j * (j - 1) + damping * j + excess) * a[j + 2]
        inner += (j + 1) * (2 * j + damping) * c * a[j + 3]
        inner += 2 * c * a[j + 1] + a[j]
        a.append(-inner / ((j + 1) * (j + 2) * c * c))
    return [k * a[k + 2] for k in range(2, _TERMS)]


def slope_beside_zero(kind: int, v: Any, x: Any, s: float = 0.0) -> Any:
    """The slope at x > 0 beside one of its zeros, and NaN where there is none.

    Parameters
    ----------
    kind : 0 for J, 1 for Y.
    v : the order, an array of one axis.
    x : where, another.
    s : half of the spherical function's, else 0.
    """
    result = np.full(x.shape, np.nan)
    place = x
    for _ in range(_STEPS):
        place = place + _step(kind, v, s, place)
    near = (np.abs(x - place) < np.minimum(_REACH, _SHARE * place)) & (np.abs(v) <= _LARGEST)
    if not np.any(near):
        return result
    keys = np.stack([v[near], np.rint(place[near] * _PLACES) / _PLACES])
    different, which = np.unique(keys, axis=1, return_inverse=True)
    rows = np.array([_zero(kind, float(order), s, float(p)) for order, p in different.T])
    high, low, *series = rows[which.ravel()].T
    distance = (x[near] - high) - low
    total = np.zeros(distance.shape)
    for coefficient in reversed(series):
        total = coefficient + distance * total
    close = np.abs(distance) < np.minimum(_REACH, _SHARE * high)
    result[near] = np.where(close, distance * total, np.nan)
    return result
