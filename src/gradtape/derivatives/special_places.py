"""Slopes of Bessel functions at many numbers of one order: by Taylor's series about few places.

What an integral or a recurrence gives in microseconds is needed at the places only. A place has few
bits, so that the distance to it is not rounded.

The functions are those of special_stationary: x**-s times J or Y of the order v, with
x x f'' + (1 + 2 s) x f' + (x x - v v + s s) f = 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["by_places"]

#: How far places are apart at most: that, and as shares of x and of x over the order.
_APART, _SHARE, _ORDER = 0.5, 0.06, 0.7
#: Enough terms there.
_TERMS = 16
#: Worth it for so many entries, if so many of them have the same place.
_LEAST, _TOGETHER = 64, 2


def _place(v: Any, x: Any) -> Any:
    apart = np.minimum(_APART, x * np.minimum(_SHARE, _ORDER / np.maximum(np.abs(v), 1)))
    unit = np.exp2(np.floor(np.log2(apart)))
    return np.rint(x / unit) * unit


def by_places(
    both: Callable[..., Any], direct: Callable[..., Any], v: Any, x: Any, s: float
) -> Any:
    """x**s times the slope of x**-s f at x > 0.

    Parameters
    ----------
    both : gives f, and what is asked for, of orders and places; arrays of one axis, as all others.
    direct : gives the latter alone, where there are too few entries for each place.
    v, x : the orders and where.
    s : half of the spherical functions', else 0.
    """
    if x.size < _LEAST:
        return direct(v, x)
    place = _place(v, x)
    different, which = np.unique(place + 1j * v, return_inverse=True)
    if different.size * _TOGETHER > x.size:
        return direct(v, x)
    center = different.real.copy()
    series = _series(different.imag.copy(), center, s, *both(different.imag.copy(), center))
    t = x - place
    total = series[-1][which]
    for coefficient in series[-2::-1]:
        total = coefficient[which] + t * total
    return total * np.sqrt(x / place) if s else total


def _series(v: Any, c: Any, s: float, value: Any, slope: Any) -> list[Any]:
    """Taylor's coefficients of the slope about c, by the equation."""
    square, damping = c * c, 1 + 2 * s
    excess = (c - v) * (c + v) + s * s
    a = [0.0 * value, 0.0 * value, value, slope]  # two before the first
    for j in range(_TERMS):
        inner = (j * (j - 1) + damping * j + excess) * a[j + 2]
        inner = inner + (j + 1) * (2 * j + damping) * c * a[j + 3]
        inner = inner + 2 * c * a[j + 1] + a[j]
        a.append(-inner / ((j + 1) * (j + 2) * square))
    return [k * a[k + 2] for k in range(1, _TERMS)]
