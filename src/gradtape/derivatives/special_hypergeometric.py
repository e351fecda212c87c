"""Derivatives of hypergeometric functions by their argument.

By the parameters of hypergeometric functions none is known in closed form. Numbers in parentheses
are those of the NIST Digital Library (DLMF).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from gradtape.derivatives.special_arguments import PARAMETER, refusing_ufuncs
from gradtape.derivatives.special_incomplete import chosen
from gradtape.derivatives.special_parts import piece
from gradtape.rules import Elementwise, elementwise

__all__ = ["kummer"]

#: Up to this x Kummer's series is summed: SciPy's sum is off by some 20 units in the last place.
_FAR = 100.0


def _series(a: Any, b: Any, x: Any) -> Any:
    """The sum (13.2.2) from its end on; all terms are positive."""
    largest = float(np.max(x))
    total = np.ones(x.shape)
    for k in range(int(largest + 12 * largest**0.5) + 30, -1, -1):
        total = 1 + (a + k) / (b + k) * (x / (k + 1)) * total
    return total


def _kummer(a: Any, b: Any, x: Any) -> Any:
    if x.dtype.kind == "c":
        return special.hyp1f1(a.real, b.real, x)
    near = (a > 0) & (b > 0) & (a < b + 20) & (x > 0) & (x < _FAR)
    return np.where(near, chosen(near, _series, a, b, x), special.hyp1f1(a, b, x))


#: 1F1(a; b; x).
kummer: Elementwise = piece(
    _kummer, (None, None, lambda a, b, x: kummer(a + 1, b + 1, x) * (a / b)), ("a", "b", "x")
)


def _limit_series(b: Any, z: Any) -> Any:
    """The sum (16.2.1) from its end on, as above."""
    total = np.ones(z.shape)
    for k in range(int(3 * float(np.max(np.abs(z))) ** 0.5) + 30, -1, -1):
        total = 1 + z / (b + k) / (k + 1) * total
    return total


def _limit(b: Any, z: Any) -> Any:
    if z.dtype.kind == "c":
        return special.hyp0f1(b.real, z)
    near = (b > 0) & (z > -1) & (z < _FAR)
    return np.where(near, chosen(near, _limit_series, b, z), special.hyp0f1(b, z))


#: 0F1(b; z).
limit: Elementwise = piece(_limit, (None, lambda b, z: limit(b + 1, z) / b), ("b", "z"))


def _laplace(a: Any, b: Any, x: Any) -> Any:
    """The integral (13.4.4) of t**(a-1) (1 + t)**(b-a-1) exp(-x t) over t > 0, over Gamma(a).

    By the trapezoidal rule in log t, whose error falls exponentially.
    """
    a, b, x = a[:, None], b[:, None], x[:, None]
    left = np.log(np.minimum(1, 1 / x)) - 42 / a
    step = (np.log((60 + 4 * (a + np.abs(b))) / x) - left) / 255
    s = left + step * np.arange(256)
    t = np.exp(s)
    values = t**a * np.exp(-x * t + (b - a - 1) * np.log1p(t))
    return np.sum(values, axis=-1) * (step * special.rgamma(a))[:, 0]


def _tricomi(a: Any, b: Any, x: Any) -> Any:
    if x.dtype.kind == "c":
        return special.hyperu(a, b, x)
    usual = (a >= 1) & (a < 12) & (np.abs(b) < 12) & (x > 1e-8) & (x < 1e8)
    return np.where(usual, chosen(usual, _laplace, a, b, x), special.hyperu(a, b, x))


#: U(a, b, x), of which SciPy's loses up to twelve digits.
tricomi: Elementwise = piece(
    _tricomi, (None, None, lambda a, b, x: -a * tricomi(a + 1, b + 1, x)), ("a", "b", "x")
)

elementwise({special.hyp0f1: (None, lambda v, z: limit(v + 1.0, z) / v)}, names=("v", "z"))
elementwise(
    {
        special.hyp1f1: (  # (13.3.15)
            None,
            None,
            lambda a, b, x: kummer(a + 1.0, b + 1.0, x) * (a / b),
        ),
        special.hyperu: (  # (13.3.22)
            None,
            None,
            lambda a, b, x: -a * tricomi(a + 1.0, b + 1.0, x),
        ),
        special.wright_bessel: (  # (10.46.1), term by term
            None,
            None,
            lambda a, b, x: special.wright_bessel(a, a + b, x),
        ),
    },
    names=("a", "b", "x"),
)

elementwise(
    {
        special.hyp2f1: (  # (15.5.1)
            None,
            None,
            None,
            lambda a, b, c, z: special.hyp2f1(a + 1.0, b + 1.0, c + 1.0, z) * (a * b / c),
        ),
    },
    names=("a", "b", "c", "z"),
)

refusing_ufuncs({0: PARAMETER}, special.hyp0f1)
refusing_ufuncs({0: PARAMETER, 1: PARAMETER}, special.hyp1f1, special.hyperu, special.wright_bessel)
refusing_ufuncs({0: PARAMETER, 1: PARAMETER, 2: PARAMETER}, special.hyp2f1)

if hasattr(special, "log_wright_bessel"):  # new in SciPy 1.14
    elementwise(
        {
            special.log_wright_bessel: (
                None,
                None,
                lambda a, b, x, out: np.exp(special.log_wright_bessel(a, a + b, x) - out),
            ),
        },
        names=("a", "b", "x"),
    )
    refusing_ufuncs({0: PARAMETER, 1: PARAMETER}, special.log_wright_bessel)
