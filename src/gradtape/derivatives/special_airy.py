"""Derivatives of Airy functions, and of scaled ones by way of Bessel functions.

Numbers in parentheses are those of the NIST Digital Library (DLMF).
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
from scipy import special

from gradtape.derivatives.special_airy_turned import airye_turned
from gradtape.derivatives.special_airy_zeros import (
    airy_left,
    airye_slope_series,
    asymptotic_ratio,
    primed_share,
)
from gradtape.derivatives.special_fractions import fraction
from gradtape.derivatives.special_parts import NODES, WEIGHTS, cut
from gradtape.derivatives.special_precision import blockwise
from gradtape.derivatives.special_scaled import scaled_k
from gradtape.derivatives.special_ufuncs import several
from gradtape.derivatives.special_zeros import corrected
from gradtape.rules import Elementwise, meaning, strip

__all__ = ["sum_of_i"]

# Airy functions: w'' = z w (9.2.1) ---------------------------------------------------------------

#: Between these SciPy's Ai and Ai' are up to 100 ulps off.
_FIRST, _LAST = 0.9, 2.2


def _value(z: Any, n: int) -> Any:
    """Ai, Ai', Bi or Bi'; the former two there as K of the order 1/3 or 2/3 (9.6.2, 9.6.3)."""
    result = special.airy(z)[n]
    if result.dtype.kind == "c":
        return result
    result, x = np.array(airy_left(n, z, result)), np.asarray(z, np.float64)
    inside = (x >= _FIRST) & (x <= _LAST)
    if n < 2 and np.any(inside):
        x = x[inside]
        y = x * np.sqrt(x) * (2 / 3)
        scale = (-x if n else np.sqrt(x)) / (math.pi * math.sqrt(3)) * np.exp(-y)
        result[inside] = scale * scaled_k.compute((2 if n else 1) / 3, y, 0)
    return result[()]


_airy: Elementwise = Elementwise(
    _value,
    (lambda z, n: z * _airy(z, n - 1) if n % 2 else _airy(z, n + 1), None),
    names=("z", "n"),
    name="airy output",
)

several(
    special.airy,
    ("z",),
    lambda z: _airy(z, 1),
    lambda z: z * _airy(z, 0),
    lambda z: _airy(z, 3),
    lambda z: z * _airy(z, 2),
)

several(
    special.itairy,
    ("x",),
    lambda x: _airy(x, 0),
    lambda x: _airy(x, 2),
    lambda x: _airy(-x, 0),
    lambda x: _airy(-x, 2),
)


# Scaled ones, of a complex argument --------------------------------------------------------------


def _of_complex(output: int) -> Elementwise:
    """An output of airye, as a function of z and the real number s = |Re(2/3 z sqrt(z))|.

    Ai and Ai' come times exp(2/3 z sqrt(z)), which is holomorphic, Bi and Bi' times exp(-s).
    """
    slope = output ^ 1  # Ai and Ai', Bi and Bi' stand side by side
    grows = output > 1

    def by_z(z: Any, s: Any, out: Any) -> Any:
        factor = 1 if slope > output else z
        other = factor * _complex[slope](z, s, special.airye(strip(z))[slope])
        return other if grows else _TURNED[output](strip(z), other + np.sqrt(z) * out)

    return Elementwise(
        lambda z, s, value: value,
        (by_z, (lambda s, out: -np.sign(s) * out) if grows else None, None),
        names=("z", "s", "value"),
        name=f"airye {output} complex",
    )


_complex = [_of_complex(i) for i in range(4)]
_TURNED = [airye_turned(i) for i in (0, 1)]


# And of a real one -------------------------------------------------------------------------------

#: From here on the terms of w' +- sqrt(x) w, where w is not scaled, cancel: of Ai, and of Bi.
_FAR_AI, _FAR_BI = 0.25, 0.5


def _of_real(output: int) -> Elementwise:
    """An output of airye as a function of x."""
    slope, sign, start = output ^ 1, *((-1, _FAR_BI) if output > 1 else (1, _FAR_AI))

    def by_x(x: Any, out: Any) -> Any:
        other = special.airye(strip(x))[slope]
        if output > 1 and np.any(strip(x) < 0):  # there they are not scaled
            left = np.minimum(strip(x), 0)
            other = np.where(left < 0, airy_left(slope, left, special.airy(left)[slope]), other)
        near = (1 if slope > output else x) * _real[slope](x, other) + sign * _root(x) * out
        far = x >= start
        result = np.where(far, _slopes[output](cut(far, x, _SERIES)), near)
        return _CORRECTED[output](strip(x), result) if output else result

    return Elementwise(
        lambda x, value: value, (by_x, None), names=("x", "value"), name=f"airye {output}"
    )


#: Below these the slopes of Ai', Bi and Bi' are computed in twice the precision if they are small.
_CANCEL, _SMALL = (0.0, 1.5, 0.7, 0.8), 0.2


def _cancelling(output: int) -> Elementwise:
    return corrected(
        ("x",),
        lambda x, direct: (x > 0) & (x < _CANCEL[output]) & (np.abs(direct) < _SMALL),
        lambda x, _: airye_slope_series(output, x),
        f"airye {output} slope cancelling",
    )


_CORRECTED = {output: _cancelling(output) for output in (1, 2, 3)}


def _root(x: Any) -> Any:
    """The root of x, and 0 where it is imaginary."""
    positive = x > 0
    return np.where(positive, np.sqrt(cut(positive, x, 1)), 0)


# Ai and Bi are a multiple of sqrt(x) f(y) at y = 2/3 x sqrt(x), where f is K of the order 1/3 or
# the sum of I of the orders 1/3 and -1/3; Ai' and Bi' one of x f(y), of the order 2/3 (9.6.2 to
# 9.6.5).

_SCALES = [c / math.sqrt(3) for c in (1 / math.pi, -1 / math.pi, 1, 1)]
_ORDERS = [1 / 3, 2 / 3, 1 / 3, 2 / 3]


def _sum_of_i(v: Any, y: Any, n: Any) -> Any:
    """The nth derivative of (I_v(y) + I_-v(y)) exp(-y) for v of 1/3 or 2/3."""
    return blockwise(lambda y: _sum_of_moments(v, y, lambda power, _: power**n), y)


def _sum_of_moments(v: float, y: Any, weigh: Any) -> Any:
    """Twice the integral of exp(-y(1 - cos t)) cos(vt) over 0 < t < pi, by pi, and of a tail.

    ``weigh`` is what to put in beside it, as a function of the factor of y in the exponent.
    """
    y = y[:, None]
    end = np.minimum(1, 4.5 / np.sqrt(y))  # beyond, nothing is left
    fall = -2 * np.sin(np.pi / 2 * end * NODES) ** 2
    waves = np.exp(y * fall) * np.cos(np.pi * v * end * NODES) * weigh(fall, y)
    reach = np.arccosh(1 + 50 / y)
    t = reach * NODES
    fall = -(np.cosh(t) + 1)
    tail = np.exp(y * fall) * np.sinh(v * t) * weigh(fall, y)
    tails = reach[:, 0] * (tail @ WEIGHTS)
    return 2 * end[:, 0] * (waves @ WEIGHTS) + math.sqrt(3) / math.pi * tails


sum_of_i: Elementwise = Elementwise(
    _sum_of_i,
    (None, lambda v, y, n: sum_of_i(v, y, n + 1), None),
    names=("v", "y", "n"),
    name="sum_of_i",
)


def _curvature(output: int, x: Any) -> Any:
    """The second derivative of a far output."""
    v, scale, y = _ORDERS[output], _SCALES[output], x * np.sqrt(x) * (2 / 3)
    first, second, third = [(sum_of_i if output > 1 else scaled_k)(v, y, n) for n in range(3)]
    rate = 1.5 * y
    if output % 2:
        return scale / x * (2.5 * (rate * second) + rate * rate * third)
    return scale / (x * np.sqrt(x)) * (1.5 * (rate * second) + rate * rate * third - first / 4)


def _far_slope(output: int, x: Any) -> Any:
    """The first derivative of an output, for 0 < x."""
    result, series = np.empty_like(x), x >= _SERIES
    result[series] = _by_series(output, x[series])
    result[~series] = (_by_moments if output > 1 else _by_fraction)(output, x[~series])
    return result


def _by_fraction(output: int, x: Any) -> Any:
    """Of Ai and Ai', by the slope of the logarithm of sqrt(y) K."""
    v, root, primed = _ORDERS[output], np.sqrt(x), output % 2
    y = x * root * (2 / 3)
    value = _SCALES[output] * (x if primed else root) * scaled_k(v, y, 0)
    return value * ((0.25 if primed else -0.25) / x + root * fraction(v, y))


def _by_moments(output: int, x: Any) -> Any:
    """Of Bi and Bi', by one integral."""
    root, primed = np.sqrt(x), output % 2
    start = 1 if primed else 0.5
    total = _sum_of_moments(
        _ORDERS[output], x * root * (2 / 3), lambda fall, y: start + 1.5 * y * fall
    )
    return _SCALES[output] * (total if primed else total / root)


#: From here on the asymptotic series give all digits, with so many terms.
_SERIES, _TERMS = 11.0, 26


def _coefficients(output: int) -> list[float]:
    """Those of the slopes of (9.7.5) to (9.7.8) by 1/y, each by its own slope."""
    u, found = Fraction(1), []
    for k in range(_TERMS):
        if k:
            u *= asymptotic_ratio(k)
        sign = (-1) ** k if output < 2 else 1
        primed = u * primed_share(k)
        exponent = (Fraction(1, 4) if output % 2 else Fraction(-1, 4)) - Fraction(3 * k, 2)
        found.append(float(sign * exponent * (primed if output % 2 else u)))
    return found


_SERIES_OF = [_coefficients(i) for i in range(4)]


def _by_series(output: int, x: Any) -> Any:
    root = np.sqrt(x)
    inverse = 1.5 / (x * root)
    total: Any = 0.0
    for c in reversed(_SERIES_OF[output]):
        total = c + inverse * total
    scale = (0.5, -0.5, 1, 1)[output] / math.sqrt(math.pi)
    quarter = np.sqrt(root)
    return scale * total / (quarter * root if output % 2 else quarter * x)


def _slope(output: int) -> Elementwise:
    return Elementwise(
        lambda x: blockwise(lambda x: _far_slope(output, x), x),
        lambda x: _curvature(output, x),
        names=("x",),
        name=f"airye {output} slope",
    )


_slopes = [_slope(i) for i in range(4)]
_real = [_of_real(i) for i in range(4)]


@meaning(special.airye)
def _bind_airye(z: Any) -> Any:
    values = special.airye(strip(z))
    if not np.iscomplexobj(z):
        return tuple([f(z, value) for f, value in zip(_real, values, strict=True)])
    s = 2 / 3 * np.real(z * np.sqrt(z))
    return tuple([f(z, s if i > 1 else 0.0, values[i]) for i, f in enumerate(_complex)])
