"""The logarithmic slope of Bessel's K e^z, and so of scaled Hankel functions, without cancellation.

The slope of K e^z is K e^z (r - 1/(2z)), where r is that of the logarithm of sqrt(z) K e^z: a
continued fraction, and by its differential equation r' = 2 r - r r + (v v - 1/4)/(z z) (Temme, "On
the numerical evaluation of the modified Bessel function of the third kind", Journal of
Computational Physics 19, 1975).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape.derivatives.special_parts import cut
from gradtape.derivatives.special_precision import blockwise
from gradtape.rules import Elementwise, strip

__all__ = ["by_logarithm", "fraction"]

#: From here on, and beyond the order, the continued fraction is short.
_FAR = 1.0
#: A number at which it has few terms.
_ELSEWHERE = 1e3
#: Its terms: that many, and that many over the size of the argument; of a real one and another.
_TERMS, _TERMS_NEAR, _TERMS_TURNED = 16, 80, 300


def fraction(v: Any, z: Any) -> Any:
    """The derivative of the logarithm of sqrt(z) K_v(z) e^z by z, from its last term to the first.

    For orders up to z in size, and arguments of at most 3/4 pi.
    """
    least = np.min(np.abs(z), initial=np.inf)
    r = np.zeros_like(z)
    near = _TERMS_TURNED if z.dtype.kind == "c" else _TERMS_NEAR
    largest = np.max(np.abs(v), initial=0.0)  # up to there terms are of the other sign
    for k in range(_TERMS + int(near / least + largest), 0, -1):
        r = ((k - 0.5 - v) * (k - 0.5 + v)) / (2 * (z + k) - r)
    return r / z


_log_slope: Elementwise = Elementwise(
    lambda v, z: blockwise(fraction, v, z),
    (None, lambda v, z, out: out * (2 - out) + (v * v - 0.25) / (z * z)),
    names=("v", "z"),
    name="log_slope_of_k",
)


def by_logarithm(v: Any, z: Any, out: Any, direct: Any, turn: complex) -> Any:
    """The derivative of a function of z that is K e^w at w = turn z, but for a factor.

    Parameters
    ----------
    v : the order.
    z : where.
    out : the function's value there.
    direct : its derivative otherwise, where z is small or to the left.
    turn : 1, 1j or -1j.
    """
    w = z if turn == 1 else np.multiply(turn, z)
    place, size = strip(w), np.abs(strip(z))
    right = (np.real(strip(z)) >= 0) & (np.real(place) >= -np.abs(np.imag(place)))
    far = right & (size >= np.maximum(np.abs(strip(v)), _FAR)) & (size < np.inf)
    half = 0.5 / cut(far, z, _ELSEWHERE)
    return np.where(far, out * (turn * _log_slope(v, cut(far, w, _ELSEWHERE)) - half), direct)
