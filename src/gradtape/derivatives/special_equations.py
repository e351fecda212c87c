"""Derivatives of functions that solve differential equations: Airy, Kelvin, Struve, Weber, Mathieu.

SciPy gives most of them together with their slopes, so that the equation does the rest. Numbers in
parentheses are those of the NIST Digital Library (DLMF).
"""

from __future__ import annotations

import cmath
from typing import Any

import numpy as np
from scipy import special

from gradtape.derivatives.special_arguments import (
    ORDER,
    PARAMETER,
    like,
    refusing_ufuncs,
    several,
)
from gradtape.needs import Named
from gradtape.rules import Elementwise, elementwise, meaning, refuse, strip

# Airy functions: w'' = z w (9.2.1) ---------------------------------------------------------------

several(
    special.airy,
    ("z",),
    lambda z: special.airy(z)[1],
    lambda z: z * special.airy(z)[0],
    lambda z: special.airy(z)[3],
    lambda z: z * special.airy(z)[2],
)

several(
    special.itairy,
    ("x",),
    lambda x: special.airy(x)[0],
    lambda x: special.airy(x)[2],
    lambda x: special.airy(-x)[0],
    lambda x: special.airy(-x)[2],
)


def _airye(output: int) -> Elementwise:
    """An output of airye, as a function of z and the real number s = |Re(2/3 z sqrt(z))|.

    Ai and Ai' come times exp(2/3 z sqrt(z)), which is holomorphic, Bi and Bi' times exp(-s).
    """
    slope = output ^ 1  # Ai and Ai', Bi and Bi' stand side by side
    grows = output > 1

    def by_z(z: Any, s: Any, out: Any) -> Any:
        factor = 1 if slope > output else z
        other = factor * _scaled[slope](z, s, special.airye(strip(z))[slope])
        return other if grows else other + np.sqrt(z) * out

    return Elementwise(
        lambda z, s, value: value,
        (by_z, (lambda s, out: -np.sign(s) * out) if grows else None, None),
        names=("z", "s", "value"),
        name=f"airye {output}",
    )


_scaled = [_airye(i) for i in range(4)]


@meaning(special.airye)
def _bind_airye(z: Any) -> Any:
    values = special.airye(strip(z))
    s = 2 / 3 * np.real(z * np.sqrt(z)) if np.iscomplexobj(z) else _growth(z)
    return tuple([f(z, s if i > 1 else 0.0, values[i]) for i, f in enumerate(_scaled)])


def _growth(x: Any) -> Any:
    """2/3 x sqrt(x) of a real x, and 0 where that is imaginary."""
    positive = np.where(x > 0, x, 0)
    return 2 / 3 * positive * np.sqrt(np.where(x > 0, x, 1))


# Kelvin functions: those of Bessel on a ray (10.61.1), x x w'' + x w' = i x x w -----------------

_ALONG_J, _ALONG_K = cmath.exp(0.75j * cmath.pi), cmath.exp(0.25j * cmath.pi)


def _first_kind(x: Any, function: Any) -> Any:
    """w'' of ber + i bei: i/2 (w - J2 on the ray), which is regular at 0."""
    return 0.5j * (function - special.jv(2.0, x * _ALONG_J))


def _second_kind(x: Any, function: Any) -> Any:
    """w'' of ker + i kei: i/2 (w + K2 on the ray)."""
    return 0.5j * (function + special.kv(2.0, x * _ALONG_K))


elementwise(
    {
        special.ber: lambda x: special.berp(x),
        special.bei: lambda x: special.beip(x),
        special.ker: lambda x: special.kerp(x),
        special.kei: lambda x: special.keip(x),
        special.berp: lambda x: np.real(_first_kind(x, special.ber(x) + 1j * special.bei(x))),
        special.beip: lambda x: np.imag(_first_kind(x, special.ber(x) + 1j * special.bei(x))),
        special.kerp: lambda x: np.real(_second_kind(x, special.ker(x) + 1j * special.kei(x))),
        # Near 0 this part drowns in the other, and comes from the equation as it is.
        special.keip: lambda x: np.where(
            x < 1,
            special.ker(x) - special.keip(x) / x,
            np.imag(_second_kind(x, special.ker(x) + 1j * special.kei(x))),
        ),
    }
)

several(
    special.kelvin,
    ("x",),
    lambda x: special.kelvin(x)[2],
    lambda x: special.kelvin(x)[3],
    lambda x: _first_kind(x, special.kelvin(x)[0]),
    lambda x: _second_kind(x, special.kelvin(x)[1]),
)

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


def _weber(ufunc: Any, name: str, reason: str, curvature: Any) -> None:
    """Register a function that SciPy gives with its slope; curvature is w''/w."""
    several(
        ufunc,
        (name, "x"),
        (None, Named(lambda p, x: ufunc(p, x)[1], (name, "x"))),
        (None, Named(lambda p, x: curvature(p, x) * ufunc(p, x)[0], (name, "x"))),
        reasons={0: reason},
    )


_weber(special.pbdv, "v", ORDER, lambda v, x: x * x / 4 - (v + 0.5))  # (12.2.4)
_weber(special.pbvv, "v", ORDER, lambda v, x: x * x / 4 - (v + 0.5))
_weber(special.pbwa, "a", PARAMETER, lambda a, x: a - x * x / 4)  # (12.14.2)

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
