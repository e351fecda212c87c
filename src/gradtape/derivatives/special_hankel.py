"""Slopes of Hankel functions and of K: lowest orders by an integral, others by recurrence.

H of the order v at x is K at -ix but for a factor (10.27.8), and K e^z is an integral (10.32.9).
Where z (1 - cosh t) is -x y y, it is one of a bell exp(-x y y) times a smooth function of y, for
which few nodes of the trapezoidal rule are enough. Recurrences go upwards from there in twice the
precision, since single roundings add up. Numbers in parentheses are those of the NIST Digital
Library (DLMF).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from gradtape.derivatives.special_pairs import (
    Pair,
    as_pair,
    pair_over,
    pair_product,
    pair_quotient,
    plus,
    sine_and_cosine,
    times,
    two_sum,
)
from gradtape.derivatives.special_places import by_places
from gradtape.derivatives.special_precision import blockwise

__all__ = [
    *("FIRST", "LARGEST", "Number", "add", "by_blocks", "hankel_slope", "j_slope_inside"),
    *("turned_slope", "upwards"),
]

#: From this x on, and up to this order; and the last x.
FIRST, LARGEST = 1e-8, 512.0
#: The bell is cut off where it has fallen to exp(-_DEPTH); entries at a time.
_DEPTH, _ENTRIES = 41.0, 512
#: More terms of the continued fraction than the order is below x, and as many times its cube root.
_TERMS, _ROOTS = 20, 6

_PI = as_pair(Fraction("3.14159265358979323846264338327950288419716939937510582097"))

#: The root of 2 over pi, and the root of 1/2.
_SCALE = as_pair(Fraction("0.45015815807855303477759959550337408629697425383562138625"))

_SCALE_REAL = as_pair(Fraction("0.70710678118654752440084436210484903928483593768847403659"))
#: The root of 1/2, and nodes: below the first of these x, where the bell is wide, they are sinh of
#: equal steps. The nearest branch points are at that distance from the real line, where the bell
#: has grown by that share of x.
_HALF, _WIDE, _APART, _SHARE = math.sqrt(0.5), 5.0, 0.66, 0.38

#: A real or a complex number, of which each part has two parts.
Number = tuple[Pair, ...]


# The lowest orders --------------------------------------------------------------------------------


def _nodes(x: Any) -> tuple[Any, Any, Any]:
    """Nodes, weights and the step, which leave no error but for roundings.

    Where nodes are equal steps these have few bits, so that squares of nodes are not rounded.
    """
    wide = x < _WIDE
    bell = np.where(x < _DEPTH, 2 * math.pi / (_DEPTH + x), math.pi / np.sqrt(_DEPTH * x))
    step = np.where(wide, 2 * math.pi * _APART / (_DEPTH + _SHARE * x), bell)
    digits, exponent = np.frexp(step)
    step = np.ldexp(np.floor(256 * digits) / 256, exponent)
    end = np.sqrt(_DEPTH / x)
    count = int(np.max(np.where(wide, np.arcsinh(end), end) / step)) + 2
    nodes = step[:, None] * np.arange(count)
    if not np.any(wide):
        return nodes, np.ones(nodes.shape), step
    t = np.where(wide[:, None], nodes, 0)
    return np.where(wide[:, None], np.sinh(t), nodes), np.cosh(t), step


def _integrals(v: Any, x: Any, slopes: bool, turned: bool) -> list[Number]:
    """K e^z of the orders v and v + 1, and their slopes by x.

    At z = x, or at -ix times 2/pi exp(-i pi/4).
    """
    y, weight, step = _nodes(x)
    half = (_HALF * np.sqrt(1j) if turned else _HALF) * y  # sinh(t/2), of which cosh(t/2) follows
    cosine = np.sqrt(1 + (0.5j if turned else 0.5) * (y * y))
    turn = half + cosine  # exp(t/2)
    low = np.exp(2 * v[:, None] * np.log(turn))
    high = low * (turn * turn)
    weight = weight * np.exp(-x[:, None] * (y * y)) / cosine
    weight[:, 0] /= 2
    scale = times(_SCALE if turned else _SCALE_REAL, step)
    found: list[Number] = []
    for power in range(1 + slopes):
        for grown in (low, high):
            total = (weight * (grown + 1 / grown)).sum(-1)
            parts = (total.real, total.imag) if turned else (total,)
            found.append(tuple([times(scale, part) for part in parts]))
        if not power:
            weight = weight * (-y * y)
    return found


# Recurrence ---------------------------------------------------------------------------------------


def add(a: Number, b: Number, rate: Pair) -> Number:
    """a + rate b of real numbers, a + i rate b of complex ones."""
    real = pair_product(b[0], rate)
    if len(a) == 1:
        return (plus(a[0], real),)
    imag = pair_product(b[1], rate)
    return plus(a[0], (-imag[0], -imag[1])), plus(a[1], real)


def _step(entries: list[Number], rate: Pair, over: Pair) -> list[Number]:
    """The same of an order higher (10.29.1): rate is 2v/x of the upper one, over is -1/x."""
    below, here, *slopes = entries
    result = [here, add(below, here, rate)]
    if slopes:
        change = [plus(s, pair_product(h, over)) for s, h in zip(slopes[1], here, strict=True)]
        result += [slopes[1], add(slopes[0], tuple(change), rate)]
    return result


def _chosen(where: Any, new: list[Number], old: list[Number]) -> list[Number]:
    def choose(a: Pair, b: Pair) -> Pair:
        return np.where(where, a[0], b[0]), np.where(where, a[1], b[1])

    def both(a: Number, b: Number) -> Number:
        return tuple([choose(*parts) for parts in zip(a, b, strict=True)])

    return [both(a, b) for a, b in zip(new, old, strict=True)]


def upwards(v: Any, x: Any, slopes: bool, turned: bool) -> list[Number]:
    """Those of the orders |v| - 1 and |v|."""
    order = np.abs(v)
    whole = np.maximum(np.rint(order), 1)
    start = order - whole
    entries = _integrals(start, x, slopes, turned)
    steps, last = whole - 1, int(np.max(whole)) - 1
    if x.size == 1:  # Python's numbers are quicker
        x, start = x.item(), start.item()
        entries = [tuple([(a.item(), b.item()) for a, b in e]) for e in entries]
    over = pair_quotient((1.0, 0.0), x)
    minus = -over[0], -over[1]
    # ``start`` is the order of the lower one.
    found, varied = entries, bool(np.any(steps != last))
    for k in range(1, last + 1):
        entries = _step(entries, pair_product(over, times(two_sum(start, float(k)), 2.0)), minus)
        if varied and np.any(steps == k):
            found = _chosen(steps == k, entries, found)
    return found if varied else entries


# Slopes -------------------------------------------------------------------------------------------


def _times_turn(a: Number, angle: Pair) -> Any:
    """A complex pair times exp(i angle), as a complex number."""
    sine, cosine = sine_and_cosine(angle)
    (real, real_low), (imag, imag_low) = a
    real, imag = real + real_low, imag + imag_low
    return (real * cosine - imag * sine) + 1j * (real * sine + imag * cosine)


def _quarter_turns(v: Any, more: float) -> Pair:
    """-(v/2 + more) pi."""
    return times(pair_product(_PI, two_sum(np.fmod(v, 4.0) / 2, more)), -1.0)


def _value(here: Number, v: Any, x: Any) -> Any:
    return _times_turn(here, plus((x, 0.0), _quarter_turns(v, 0.25)))


def _slope(entries: list[Number], v: Any, x: Any, s: float) -> Any:
    rate = pair_quotient(two_sum(np.abs(v), s), x)
    angle = plus((x, 0.0), _quarter_turns(v, -0.25))
    return _times_turn(add(entries[0], entries[1], rate), angle)


def hankel_slope(v: Any, x: Any, s: float = 0.0) -> Any:
    """J' + i Y' of real orders up to LARGEST in size and x from FIRST on, arrays of one axis.

    With s that of J x^-s and Y x^-s times x^s; then only for orders above 0.
    """

    def value(v: Any, x: Any) -> Any:
        return by_blocks(lambda v, x: _value(upwards(v, x, False, True)[1], v, x), v, x)

    def slope(v: Any, x: Any) -> Any:
        return by_blocks(lambda v, x: _slope(upwards(v, x, False, True), v, x, s), v, x)

    return by_places(lambda v, x: (value(v, x), slope(v, x)), slope, v, x, s)


def turned_slope(v: Any, x: Any) -> Any:
    """The slope of H exp(-ix), where H is the first Hankel function, there too."""
    return by_blocks(
        lambda v, x: _times_turn(upwards(v, x, True, True)[3], _quarter_turns(v, 0.25)), v, x
    )


def by_blocks(function: Callable[..., Any], v: Any, x: Any) -> Any:
    """Similar numbers at a time, since small x take more nodes."""
    order = np.argsort(x)
    found = blockwise(
        lambda v, x: function(v.real, x.real), v[order] + 0j, x[order], block=_ENTRIES
    )
    result = np.empty_like(found)
    result[order] = found
    return result


def j_slope_inside(v: Any, x: Any, s: float = 0.0) -> Any:
    """The same of J for x up to the order, where all terms are positive: by Y, and Wronski.

    J(v+1)/J(v) is a continued fraction (10.10.1), and J Y' - J' Y = 2/(pi x) (10.5.2).
    """

    def value(v: Any, x: Any) -> Any:
        return blockwise(lambda v, x: _inside(v, x, s)[0], v, x, block=_ENTRIES)

    def slope(v: Any, x: Any) -> Any:
        return blockwise(lambda v, x: _inside(v, x, s)[1], v, x, block=_ENTRIES)

    return by_places(lambda v, x: (value(v, x), slope(v, x)), slope, v, x, s)


def _inside(v: Any, x: Any, s: float) -> tuple[Any, Any]:
    entries = upwards(v, x, False, True)
    value, slope = _value(entries[1], v, x).imag, _slope(entries, v, x, 0.0).imag
    terms = _TERMS + int(_ROOTS * np.max(x) ** (1 / 3))
    if x.size == 1:
        v, x = v.item(), x.item()
    over = pair_quotient((2.0, 0.0), x)
    ratio: Pair = 0.0, 0.0
    for k in range(terms, 0, -1):
        own = pair_product(two_sum(v, float(k)), over)
        ratio = pair_over((1.0, 0.0), plus(own, (-ratio[0], -ratio[1])))
    minus = -ratio[0], -ratio[1]
    rise = plus(pair_quotient((v, 0.0), x), minus)[0]
    damped = plus(pair_quotient(two_sum(v, -s), x), minus)[0]
    inside = 2 / math.pi / x / (slope - value * rise)
    return inside, inside * damped
