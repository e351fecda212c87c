"""Derivatives of integrals: Fresnel's, sine and cosine integrals, those of Bessel functions.

The derivative is the integrand, in a form that is smooth where it looks like 0/0.
"""

from __future__ import annotations

import cmath
import math
from typing import Any

import numpy as np
from scipy import special

from gradtape.derivatives.special_arguments import PARAMETER, refusing_ufuncs
from gradtape.derivatives.special_bessel import of_order, spherical_i, spherical_j
from gradtape.derivatives.special_pairs import (
    Pair,
    pair_over,
    pair_product,
    plus,
    times,
    two_product,
    two_sum,
)
from gradtape.derivatives.special_precision import like
from gradtape.derivatives.special_ufuncs import several
from gradtape.derivatives.special_zeros import corrected
from gradtape.rules import Elementwise, elementwise, strip

# Fresnel integrals --------------------------------------------------------------------------------


def _sine(z: Any, ahead: int = 0) -> Any:
    """The sine of pi z z / 2, so many quarter turns ahead.

    For real z without its whole turns, which would cost the digits of the rest.
    """
    if np.iscomplexobj(z):
        angle = z * z * (math.pi / 2)
        return np.cos(angle) if ahead else np.sin(angle)
    x = np.asarray(z, np.float64)
    square, lost = two_product(x, x)
    turned = np.fmod(square, 4)
    quarters = np.rint(turned)
    angle, place = ((turned - quarters) + lost) * (math.pi / 2), quarters + ahead
    result = np.where(place % 2 == 0, np.sin(angle), np.cos(angle))
    return like(np.where(place % 4 < 2, result, -result)[()], np.asarray(z))


#: sin and cos of pi z z / 2.
fresnel_sine: Elementwise = Elementwise(
    lambda z: _sine(z),
    (lambda z: math.pi * z * fresnel_cosine(z),),
    names=("z",),
    name="fresnel_sine",
)
fresnel_cosine: Elementwise = Elementwise(
    lambda z: _sine(z, 1),
    (lambda z: -math.pi * z * fresnel_sine(z),),
    names=("z",),
    name="fresnel_cosine",
)

several(special.fresnel, ("z",), lambda z: fresnel_sine(z), lambda z: fresnel_cosine(z))


def _modified_fresnel(ufunc: Any, i: complex) -> None:
    """Register one of the functions F, K of a real x with exp(i t t) in them, i being +-1j."""
    several(
        ufunc,
        ("x",),
        lambda x: -np.exp(i * x * x),
        lambda x: -2 * i * x * ufunc(x)[1] - cmath.exp(-i * math.pi / 4) / math.sqrt(math.pi),
    )


_modified_fresnel(special.modfresnelp, 1j)
_modified_fresnel(special.modfresnelm, -1j)

# Sine and cosine integrals: sin(z)/z is a spherical Bessel function -------------------------------

several(special.sici, ("z",), lambda z: like(spherical_j(0, z), z), lambda z: np.cos(z) / z)
several(special.shichi, ("z",), lambda z: like(spherical_i(0, z), z), lambda z: np.cosh(z) / z)

# Integrals of Bessel and Struve functions ---------------------------------------------------------

#: Below this the power series of what is divided by x is summed; above, nothing cancels.
_NEAR = 2.0


def _divided(function: Any, coefficients: list[float]) -> Any:
    """function(x)/x, near 0 by its power series, whose coefficients go with x, x^3, ... or 1, x^2.

    The first kind of series has a coefficient 0 in front.
    """
    odd = coefficients[0] == 0
    terms = coefficients[odd:]

    def quotient(x: Any) -> Any:
        near = np.abs(x) < _NEAR
        small, large = np.where(near, x, 0), np.where(near, 1, x)
        square = small * small
        total: Any = terms[-1]
        for c in reversed(terms[:-1]):
            total = c + square * total
        return np.where(near, small * total if odd else total, function(large) / large)

    return quotient


def _ratios(first: float, ratio: Any) -> list[float]:
    """The terms of a series by the ratios of neighbours."""
    terms = [first]
    for k in range(1, 15):
        terms.append(terms[-1] * ratio(k))
    return terms


#: (1 - J0(x))/x, (I0(x) - 1)/x (DLMF 10.2.2, 10.25.2), H0(x)/x (11.2.1).
_j0_quotient = _divided(
    lambda x: 1 - special.j0(x), [0, *_ratios(0.25, lambda k: -0.25 / (k + 1) ** 2)]
)
_i0_quotient = _divided(
    lambda x: special.i0(x) - 1, [0, *_ratios(0.25, lambda k: 0.25 / (k + 1) ** 2)]
)
_struve_quotient = _divided(
    lambda x: special.struve(0.0, x), _ratios(2 / math.pi, lambda k: -1 / (2 * k + 1) ** 2)
)

several(
    special.itj0y0,
    ("x",),
    lambda x: of_order(0.0, np.real, x, special.j0(x)),
    lambda x: of_order(0.0, np.imag, x, special.y0(x)),
)
several(special.iti0k0, ("x",), lambda x: special.i0(x), lambda x: special.k0(x))
several(special.it2j0y0, ("x",), lambda x: _j0_quotient(x), lambda x: -special.y0(x) / x)
several(special.it2i0k0, ("x",), lambda x: _i0_quotient(x), lambda x: -special.k0(x) / x)

elementwise(
    {
        special.itstruve0: lambda x: like(special.struve(0.0, x), x),
        special.it2struve0: lambda x: -like(_struve_quotient(x), x),
        special.itmodstruve0: lambda x: like(special.modstruve(0.0, x), x),
    }
)


#: Up to this number the series of besselpoly has digits enough in twice the precision, with so many
#: terms; and up to this order its first term is a number.
_SERIES, _TERMS, _ORDERS = 12.0, 72, 100.0


def _besselpoly_sum(a: Any, lmb: Any, nu: Any, _: Any) -> Any:
    """The slope by the series of the integrand (10.2.2), whose terms cancel."""
    below, above = two_product(a, a)
    term: Pair = np.ones(a.shape), np.zeros(a.shape)
    total: Pair = np.zeros(a.shape), np.zeros(a.shape)
    for k in range(_TERMS):
        order = two_sum(nu, 2.0 * k)
        share = pair_over(order, plus(order, two_sum(lmb, 1.0)))
        total = plus(total, pair_product(term, share))
        term = pair_product(term, (-below, -above))
        term = pair_over(term, times(two_sum(nu, k + 1.0), k + 1.0))
    return np.power(a, nu - 1) / special.gamma(nu + 1) * total[0]


_besselpoly_corrected = corrected(
    ("a", "lmb", "nu"),
    lambda a, lmb, nu, _: (a > 0) & (a <= _SERIES) & (lmb > -1) & (nu >= 0) & (nu <= _ORDERS),
    _besselpoly_sum,
    "besselpoly slope",
)


def _besselpoly(a: Any, lmb: Any, nu: Any) -> Any:
    """The integral of t^lmb J_nu(2 a t) over 0 < t < 1 by a: 2 t J' is t (J- - J+)."""
    lower = special.besselpoly(a, lmb + 1.0, nu - 1.0)
    direct = lower - special.besselpoly(a, lmb + 1.0, nu + 1.0)
    return _besselpoly_corrected(strip(a), strip(lmb), strip(nu), direct)


elementwise({special.besselpoly: (_besselpoly, None, None)}, names=("a", "lmb", "nu"))
refusing_ufuncs({1: PARAMETER, 2: PARAMETER}, special.besselpoly)
