"""Slopes of Ai and Ai' times exp(2/3 z sqrt(z)) at complex z.

The terms of the obvious ones cancel more and more. Where they do, slopes are the value times the
slope of its logarithm, by the continued fraction of Bessel's K (9.6.2) or by the asymptotic series
of both; to the left of these sectors two such terms are added. Numbers in parentheses are those of
the NIST Digital Library (DLMF).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from gradtape.derivatives.special_airy_zeros import asymptotic_ratio, primed_share
from gradtape.derivatives.special_fractions import fraction
from gradtape.derivatives.special_pairs import Pair, pair_quotient, plus, times, two_product
from gradtape.derivatives.special_precision import BLOCK, blockwise
from gradtape.rules import Elementwise

__all__ = ["airye_turned"]

#: The least size of zeta = 2/3 z sqrt(z) for the continued fraction, and where its series starts.
_FIRST, _FAR = 3.0, 18.0
#: Cosines of half the angle of zeta, down to which the continued fraction is short: near and far.
_ANGLES = 0.38, 0.15
#: Else an integral: its path's tilt as a share of the angle, where it ends, and its nodes.
_TILT, _DEPTH, _NODES = 0.42, 42.0, 120
#: From which size of zeta on it does not cancel, for Ai and Ai'.
_LEAST = 0.02, 0.15
#: Terms of the series.
_TERMS = 30
_TURN = np.exp(2j * np.pi / 3)


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
    """Both of Ai or Ai' scaled, and NaN for the slope close to 0."""
    values = special.airye(z)[output]
    zeta = _zeta(z)
    size, cosine = np.abs(zeta), np.cos(0.75 * np.angle(z))
    result = np.full(z.shape, np.nan + 0j)
    far = (size >= _FAR) & (np.abs(np.angle(z)) <= 0.7 * np.pi)
    near = ~far & (size >= _FIRST) & (cosine >= np.where(size < 5, *_ANGLES))
    if np.any(far):
        value, slope = [np.polyval(c[::-1], 1 / zeta[far]) for c in _SERIES[output]]
        result[far] = slope / value / z[far]
    if np.any(near):
        w = z[near]
        order = np.full(w.shape, (2 if output else 1) / 3)
        quarter = 0.25 if output else -0.25
        result[near] = quarter / w + np.sqrt(w) * fraction(order, zeta[near])
    rest = ~far & ~near & (size >= _LEAST[output])
    if np.any(rest):
        value, rate = _by_integral(output, zeta[rest])
        root = z[rest] if output else np.sqrt(z[rest])
        values[rest] = (-1 if output else 1) / (np.pi * np.sqrt(3)) * root * value
        result[rest] = rate / z[rest]
    return values, values * result


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


def _slope(output: int, z: Any) -> Any:
    """The slope by z, and NaN where no other way than the obvious one is good (9.2.12)."""
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
