"""Derivatives of functions that solve differential equations: Struve, Weber, Mathieu.

SciPy gives most of them together with their slopes, so that the equation does the rest. Numbers in
parentheses are those of the NIST Digital Library (DLMF).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from gradtape.derivatives.special_arguments import ORDER, PARAMETER, refusing_ufuncs
from gradtape.derivatives.special_precision import like
from gradtape.derivatives.special_ufuncs import several
from gradtape.derivatives.special_weber import curvature, weber_d, weber_v
from gradtape.derivatives.special_weber_waves import waving, weber_w
from gradtape.needs import Named
from gradtape.rules import elementwise, refuse, strip

# Struve functions -------------------------------------------------------------------------------


def _struve_slope(v: Any, x: Any) -> Any:
    """H' = H- - v H/x (11.4.28), and near 0 the form without a quotient (11.4.27).

    The latter's last term outgrows the result where x is large.
    """
    near = np.abs(x) < 1
    outside = np.where(near, 1, x)
    quotient = special.struve(v - 1.0, x) - v * special.struve(v, outside) / outside
    return np.where(near, _sides(special.struve, -1, v, np.where(near, x, 1)), quotient)


def _sides(f: Any, sign: int, v: Any, x: Any) -> Any:
    """The slope (f- + sign f+)/2 + (x/2)^v / (2 sqrt(pi) gamma(v + 3/2)) of H and L.

    For v = 0, where f- is not smooth on its own, it is 2/pi + sign f+ (11.4.29).
    """
    v = strip(v)
    first = np.equal(v, 0)
    lower = np.where(first, sign, 1) * f(np.where(first, 1.0, v - 1.0), x)
    term = np.power(x / 2, v) * (special.rgamma(v + 1.5) / np.sqrt(np.pi))
    return (lower + sign * f(v + 1.0, x)) / 2 + np.where(first, 1, 0.5) * term


elementwise(
    {
        special.struve: (None, lambda v, x: like(_struve_slope(v, x), x)),
        special.modstruve: (None, lambda v, x: like(_sides(special.modstruve, 1, v, x), x)),
    },
    names=("v", "x"),
)
refusing_ufuncs({0: ORDER}, special.struve, special.modstruve)

# Parabolic cylinder functions -------------------------------------------------------------------


def _weber(ufunc: Any, name: str, reason: str, solution: Any, curvature: Any) -> None:
    """Register a function that SciPy gives with its slope; curvature is w''/w."""
    several(
        ufunc,
        (name, "x"),
        (None, Named(lambda p, x: solution(p, x, 1), (name, "x"))),
        (None, Named(lambda p, x: curvature(p, x) * solution(p, x, 0), (name, "x"))),
        reasons={0: reason},
    )


_weber(special.pbdv, "v", ORDER, weber_d, curvature)
_weber(special.pbvv, "v", ORDER, weber_v, curvature)
_weber(special.pbwa, "a", PARAMETER, weber_w, waving)

# Mathieu functions ------------------------------------------------------------------------------


def _mathieu(ufunc: Any, characteristic: Any) -> None:
    """Register a Mathieu function of x in degrees: w'' = (2 q cos 2x - a) w (28.2.1)."""

    def curvature(m: Any, q: Any, x: Any) -> Any:
        return 2 * q * np.cos(2 * np.deg2rad(x)) - characteristic(m, q)

    _with_slope(ufunc, curvature, np.pi / 180)


def _modified_mathieu(ufunc: Any, characteristic: Any) -> None:
    """Register a modified one, of x: w'' = (a - 2 q cosh 2x) w (28.20.1)."""
    _with_slope(ufunc, lambda m, q, x: characteristic(m, q) - 2 * q * np.cosh(2 * x), 1.0)


def _with_slope(ufunc: Any, curvature: Any, unit: float) -> None:
    several(
        ufunc,
        ("m", "q", "x"),
        (None, None, lambda m, q, x: unit * ufunc(m, q, x)[1]),
        (None, None, lambda m, q, x: unit * curvature(m, q, x) * ufunc(m, q, x)[0]),
        reasons={0: ORDER, 1: PARAMETER},
    )


_mathieu(special.mathieu_cem, special.mathieu_a)
_mathieu(special.mathieu_sem, special.mathieu_b)
for _ufunc in (special.mathieu_modcem1, special.mathieu_modcem2):
    _modified_mathieu(_ufunc, special.mathieu_a)
for _ufunc in (special.mathieu_modsem1, special.mathieu_modsem2):
    _modified_mathieu(_ufunc, special.mathieu_b)

refuse("characteristic values are not differentiated", special.mathieu_a, special.mathieu_b)
refuse(
    "spheroidal wave functions are not differentiated",
    *(special.pro_ang1, special.pro_ang1_cv, special.pro_rad1, special.pro_rad1_cv),
    *(special.pro_rad2, special.pro_rad2_cv, special.pro_cv),
    *(special.obl_ang1, special.obl_ang1_cv, special.obl_rad1, special.obl_rad1_cv),
    *(special.obl_rad2, special.obl_rad2_cv, special.obl_cv),
)
