"""Spherical harmonics of whole degrees and orders, and their slopes, in twice the precision.

Y is a number times sin(theta)**m C(cos theta) exp(i m phi), where C is Gegenbauer's polynomial of
degree n - m and parameter m + 1/2 (14.30.1, 14.3.21); neither its slope nor m phi is rounded, nor
is the cosine. Numbers in parentheses are those of the NIST Digital Library (DLMF).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from scipy import special

from gradtape.derivatives.special_arguments import DEGREE, ORDER, refusing
from gradtape.derivatives.special_pairs import (
    Pair,
    pair_product,
    sine_and_cosine,
    two_product,
)
from gradtape.derivatives.special_precision import blockwise
from gradtape.derivatives.special_recurrences import gegenbauer_pair, legendre_slope_pair
from gradtape.derivatives.special_turns import pair_sine_and_cosine
from gradtape.rules import Elementwise, meaning, strip

__all__ = ["spherical_harmonic"]

#: Degrees up to this.
_MOST = 64
#: Angles up to this size; beyond, quarter turns are not known to enough digits.
_LARGEST = 1e5


@lru_cache(maxsize=8192)
def _front(n: int, m: int) -> float:
    """What stands before sin**|m| C exp(i m phi): 0 where there is no such harmonic."""
    order = abs(m)
    if order > n:
        return 0.0
    odd = math.prod(range(1, 2 * order, 2))
    share = Fraction((2 * n + 1) * odd**2 * math.factorial(n - order), math.factorial(n + order))
    size = math.sqrt(float(share) / math.pi) / 2
    return -size if m > 0 and m % 2 else size


def _fronts(n: Any, m: Any) -> Any:
    different, which = np.unique(np.stack([n, m]), axis=1, return_inverse=True)
    return np.array([_front(int(k), int(j)) for k, j in different.T])[which.ravel()]


def _turn(m: Any, phi: Any, polar: Pair) -> Any:
    """exp(i m phi), of which m phi is not rounded; SciPy has the sine of theta without its sign."""
    sine, cosine = sine_and_cosine(two_product(m, phi))
    return np.where((polar[0] < 0) & (np.fmod(m, 2) != 0), -1, 1) * (cosine + 1j * sine)


def _power(sine: Pair, order: Any) -> Any:
    """A whole power, of which the base is not rounded; 1 for the order 0 at 0 too."""
    rest = np.where(sine[0] == 0, 0, order * sine[1] / np.where(sine[0] == 0, 1, sine[0]))
    return sine[0] ** order * (1 + rest)


def _value(n: Any, m: Any, theta: Any, phi: Any) -> Any:
    order = np.abs(m)
    sine, cosine = pair_sine_and_cosine((theta, 0 * theta))
    inner = gegenbauer_pair(n - order, order, 0.5, cosine)[0]
    return _fronts(n, m) * _power(sine, order) * inner * _turn(m, phi, sine)


def _slope(n: Any, m: Any, theta: Any, phi: Any) -> Any:
    order, zonal = np.abs(m), m == 0
    sine, cosine = pair_sine_and_cosine((theta, 0 * theta))
    inner = np.empty(n.shape)
    for where, function in ((zonal, _zonal), (~zonal, _sectoral)):
        if np.any(where):
            own = [tuple([part[where] for part in pair]) for pair in (sine, cosine)]
            inner[where] = function(n[where], order[where], *own)
    return _fronts(n, m) * inner * _turn(m, phi, sine)


def _zonal(n: Any, order: Any, sine: Pair, cosine: Pair) -> Any:
    return -sine[0] * gegenbauer_pair(n - 1, order + 0.5, 1.0, cosine)[0]


def _sectoral(n: Any, order: Any, sine: Pair, cosine: Pair) -> Any:
    square = pair_product(sine, sine)
    return -_power(sine, order - 1) * legendre_slope_pair(order, n - order, cosine, square)[0]


def harmonics(
    function: Callable[..., Any], plain: Callable[..., Any], partials: Any, name: str
) -> Elementwise:
    """A primitive of n, m, theta and phi; where they are too large, a plain formula's."""

    def run(*arguments: Any) -> Any:
        n, m, theta, phi = np.broadcast_arrays(*arguments)
        result = np.empty(n.shape, np.result_type(np.float32, *arguments[2:], 1j))
        known = (n <= _MOST) & (np.abs(theta) <= _LARGEST) & (np.abs(phi) <= _LARGEST)
        if np.any(known):
            given = [np.asarray(a[known], float) + 0j for a in (n, m, theta, phi)]
            parts = blockwise(lambda *z: function(*[a.real for a in z]), *given)
            result[known] = parts
        if not np.all(known):
            result[~known] = plain(n[~known], m[~known], theta[~known], phi[~known])
        return result[()]

    return Elementwise(run, partials, names=("n", "m", "theta", "phi"), name=name)


def _ladder(f: Callable[..., Any], n: Any, m: Any, theta: Any, phi: Any) -> Any:
    """The slope by theta from the orders beside (15.30.1 and 14.10), regular at the poles."""
    up = np.sqrt(np.maximum((n - m) * (n + m + 1.0), 0))
    down = np.sqrt(np.maximum((n + m) * (n - m + 1.0), 0))
    turn = np.exp(1j * phi)
    half = np.where(np.sin(strip(theta)) < 0, -0.5, 0.5)  # SciPy has the sine without its sign
    return half * (up * f(n, m + 1, theta, phi) / turn - down * f(n, m - 1, theta, phi) * turn)


_sph_harm_y: Any = getattr(special, "sph_harm_y", None)  # new in SciPy 1.15

#: The slope by theta.
polar_slope: Elementwise = harmonics(
    _slope,
    lambda *z: _ladder(_sph_harm_y, *z),
    (
        *(None, None),
        lambda n, m, theta, phi: _ladder(polar_slope, n, m, theta, phi),
        lambda m, out: 1j * m * out,
    ),
    "sph_harm_y by theta",
)
#: The function itself, to the last digits.
harmonic: Elementwise = harmonics(
    _value,
    lambda *z: _sph_harm_y(*z),
    (
        *(None, None),
        lambda n, m, theta, phi: polar_slope(n, m, theta, phi),
        lambda m, out: 1j * m * out,
    ),
    "sph_harm_y anew",
)
spherical_harmonic: Elementwise = refusing(
    Elementwise(
        _sph_harm_y,
        (
            *(None, None),
            lambda n, m, theta, phi: polar_slope(n, m, theta, phi),
            lambda n, m, theta, phi: 1j * m * harmonic(n, m, theta, phi),
        ),
        names=("n", "m", "theta", "phi"),
        name="sph_harm_y",
    ),
    {0: DEGREE, 1: ORDER},
)


@meaning(_sph_harm_y)
def _bind_sph_harm_y(n: Any, m: Any, theta: Any, phi: Any) -> Any:
    return spherical_harmonic(n, m, theta, phi)
