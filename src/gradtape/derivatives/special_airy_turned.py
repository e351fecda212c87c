"""Slopes of Ai and Ai' times exp(2/3 z sqrt(z)) at complex z.

The terms of the obvious ones cancel more and more. Where they do, slopes come from an integral of
Bessel's K (9.6.2), or from the asymptotic series; to the left two such terms are added. Close to 0
they are power series in twice the precision. Numbers in parentheses are those of the NIST Digital
Library (DLMF).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape.derivatives.special_airy_zeros import (
    airy_coefficients,
    asymptotic_ratio,
    primed_share,
)
from gradtape.derivatives.special_pairs import (
    Pair,
    pair_product,
    pair_quotient,
    plus,
    times,
    two_product,
)
from gradtape.derivatives.special_precision import BLOCK, blockwise
from gradtape.rules import Elementwise

__all__ = ["airye_turned"]

#: The size of zeta = 2/3 z sqrt(z) from which on there is the asymptotic series, of so many terms.
_FAR, _TERMS = 24.0, 30
#: Else an integral: its path's tilt as a share of the angle, where it ends, and its nodes.
_TILT, _DEPTH, _NODES = 0.42, 42.0, 120
#: Sizes of z between which the slopes come from power series of so many terms.
_TINY, _CLOSE, _POWERS = 1e-3, 1.2, 12
_TURN = np.exp(2j * np.pi / 3)

#: A real and an imaginary part, in two parts each.
Complex = tuple[Pair, Pair]


def _coefficients(output: int) -> tuple[list[float], list[float]]:
    """Those of the value's series (9.7.5, 9.7.6) by 1/zeta, and of its slope's."""
    u, value, slope = 1.0, [], []
    for k in range(_TERMS):
        if k:
            u *= -float(asymptotic_ratio(k))
        own = u * (float(primed_share(k)) if output else 1)
        value.append(own)
        slope.append(own * ((0.25 if output else -0.25) - 1.5 * k))
    return value, slope


_SERIES = [_coefficients(output) for output in (0, 1)]


def _zeta(z: Any) -> Any:
    return 2 / 3 * z * np.sqrt(z)


def _value_and_slope(output: int, z: Any) -> tuple[Any, Any]:
    """Both of Ai or Ai' scaled."""
    zeta = _zeta(z)
    value, rate = np.empty_like(z), np.empty_like(z)
    far = (np.abs(zeta) >= _FAR) & (np.abs(np.angle(z)) <= 0.7 * np.pi)
    if np.any(far):
        own, slope = [np.polyval(c[::-1], 1 / zeta[far]) for c in _SERIES[output]]
        root = np.sqrt(np.sqrt(z[far]))
        value[far] = (-root if output else 1 / root) / (2 * np.sqrt(np.pi)) * own
        rate[far] = slope / own
    if not np.all(far):
        own, rate[~far] = _by_integral(output, zeta[~far])
        root = -z[~far] if output else np.sqrt(z[~far])
        value[~far] = root * own / (np.pi * np.sqrt(3))
    return value, value * rate / z


def _by_integral(output: int, zeta: Any) -> tuple[Any, Any]:
    """K exp(zeta), and z times the slope of the value's logarithm (10.32.9).

    By the trapezoidal rule on a path that turns against zeta's angle.
    """
    turn = np.angle(zeta)[:, None]
    steep = np.tan(_TILT * np.abs(turn)) / np.maximum(np.abs(turn), 0.1)
    end = np.arccosh(1 + _DEPTH / np.abs(zeta))[:, None]
    u = end * (np.arange(_NODES) / _NODES)
    t = u - 1j * turn * np.tanh(steep * u)
    along = (1 - 1j * turn * steep / np.cosh(steep * u) ** 2) * np.where(u == 0, 0.5, 1)
    rise = 2 * np.sinh(t / 2) ** 2 * zeta[:, None]
    order, power = (2 / 3, 1.0) if output else (1 / 3, 0.5)
    weight = np.exp(-rise) * np.cosh(order * t) * along
    total = weight.sum(-1)
    return total * (end[:, 0] / _NODES), (weight * (power - 1.5 * rise)).sum(-1) / total


def _growth(z: Any) -> Any:
    """exp(2 zeta), of an exponent in two parts."""
    root = np.sqrt(z)
    a, b, x, y = root.real, root.imag, z.real, z.imag

    def product(first: tuple[Any, Any], second: tuple[Any, Any]) -> Pair:
        return plus(two_product(*first), two_product(*second))

    real, imag = product((x, a), (-y, b)), product((x, b), (y, a))
    square = product((a, a), (-b, b)), product((a, b), (b, a))
    left = [plus((part, 0.0), times(s, -1.0))[0] for part, s in zip((x, y), square, strict=True)]
    lost = z * (left[0] + 1j * left[1]) / (2 * root) * (4 / 3)
    real, imag = [pair_quotient(times(p, 4.0), 3.0) for p in (real, imag)]
    whole = np.exp(real[0]) * (np.cos(imag[0]) + 1j * np.sin(imag[0]))
    return whole * (1 + (real[1] + 1j * imag[1]) + lost)


def _product(a: Complex, b: Complex) -> Complex:
    def part(first: tuple[Pair, Pair], second: tuple[Pair, Pair], sign: int) -> Pair:
        high, low = pair_product(*second)
        return plus(pair_product(*first), (sign * high, sign * low))

    return part((a[0], b[0]), (a[1], b[1]), -1), part((a[0], b[1]), (a[1], b[0]), 1)


def _sum(a: Complex, b: Complex) -> Complex:
    return plus(a[0], b[0]), plus(a[1], b[1])


def _series(output: int, z: Complex, cube: Complex) -> Complex:
    """Ai, or z Ai' (9.4.1, 9.4.3)."""
    nothing = 0 * cube[0][0]
    zero: Complex = (nothing, nothing), (nothing, nothing)
    sums = [zero, zero]
    high, low = airy_coefficients(output)
    for k in range(_POWERS - 1, -1, -1):
        for i in (0, 1):
            own: Complex = (nothing + high[k, i], nothing + low[k, i]), zero[1]
            sums[i] = _sum(_product(sums[i], cube), own)
    return _sum(sums[0], _product(sums[1], z))


def _root(z: Any) -> Complex:
    root = np.sqrt(z)
    a, b = root.real, root.imag
    square = plus(two_product(a, a), two_product(-b, b)), times(two_product(a, b), 2.0)
    x, y = [
        plus((part, 0.0), times(s, -1.0))[0]
        for part, s in zip((z.real, z.imag), square, strict=True)
    ]
    low = (x + 1j * y) / (2 * root)
    return plus((a, 0.0), (low.real, 0.0)), plus((b, 0.0), (low.imag, 0.0))


def _close_slope(output: int, z: Any) -> Any:
    """By the power series, where the terms nearly cancel."""
    place: Complex = (z.real, 0 * z.real), (z.imag, 0 * z.imag)
    second, root = _product(place, place), _root(z)
    cube = _product(second, place)
    value, slope = [_series(i, place, cube) for i in (0, 1)]  # the latter times z
    if output:
        total = _sum(_product(second, value), _product(root, slope))
    else:
        total = _sum(slope, _product(_product(place, root), value))
    return (total[0][0] + 1j * total[1][0]) / z * np.exp(_zeta(z))


def _slope(output: int, z: Any) -> Any:
    """The slope by z, and NaN where the obvious way is good."""
    size = np.abs(z)
    result = np.full(z.shape, np.nan + 0j)
    close = (size > _TINY) & (size < _CLOSE)
    for where, function in ((close, _close_slope), (size >= _CLOSE, _further_slope)):
        if np.any(where):
            result[where] = function(output, z[where])
    return result


def _further_slope(output: int, z: Any) -> Any:
    """By terms that do not cancel (9.2.12)."""
    lower = z.imag < 0
    w = np.where(lower, np.conj(z), z)
    left = np.angle(w) > 2 / 3 * np.pi
    behind, before = w * np.where(left, _TURN, 1), w / _TURN
    m = output + 1
    result = _value_and_slope(output, behind)[1]
    if not np.any(left):
        return np.where(lower, np.conj(result), result)
    growth = np.where(left, _growth(np.where(left, w, 1)), 0)
    second, slope = _value_and_slope(output, before)
    by_second = slope / _TURN + 2 * np.sqrt(w) * second
    both = -(_TURN ** (m + 1)) * result - _TURN**-m * by_second * growth
    result = np.where(left, both, result)
    return np.where(lower, np.conj(result), result)


def airye_turned(output: int) -> Elementwise:
    """The slope of Ai or Ai' scaled, of a complex z and as it is otherwise."""

    def run(z: Any, direct: Any) -> Any:
        with np.errstate(all="ignore"):
            found = blockwise(lambda z: _slope(output, z), z, block=BLOCK)
        found = np.asarray(found, np.result_type(direct))
        return np.where(np.isfinite(found), found, direct)[()]

    return Elementwise(run, (None, 1), names=("z", "direct"), name=f"airye {output} turned")
