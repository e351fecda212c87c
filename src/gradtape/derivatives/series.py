"""Rules of sinc and of the modified Bessel function i0, whose derivatives NumPy does not have."""

from __future__ import annotations

from math import factorial
from typing import Any

import numpy as np

from gradtape.rules import Primitive, meaning, pointwise

__all__ = ["bessel", "sinc_derivative"]


def _polynomial(coefficients: list[float], z: Any) -> Any:
    """A polynomial, its constant first."""
    total = np.zeros_like(z)
    for c in reversed(coefficients):
        total = total * z + z.dtype.type(c)
    return total


def _widened(x: Any) -> Any:
    """Half precision is too little for intermediate values."""
    return x.astype(np.float32) if x.dtype.char == "e" else x


# sinc -----------------------------------------------------------------------------------------


def _sinc_derivative(x: Any, /, order: int) -> Any:
    """The derivative of some order of sin(pi x)/(pi x); of order 0, NumPy's own value.

    With z = pi x and f(z) = sin(z)/z, z f = sin z gives z f^(n) + n f^(n-1) = sin(z + n pi/2): a
    recurrence without loss unless n is large beside z. There the series of f is differentiated.
    """
    if order == 0:
        return np.sinc(x)
    x, dtype = np.asarray(_widened(x)), x.dtype
    pi = x.dtype.type(np.pi)
    z = pi * x
    small = np.abs(z) < 0.5 + order / 2
    near = np.where(small, z, 0)
    terms = [
        (-1) ** k * factorial(2 * k) / (factorial(2 * k - order) * factorial(2 * k + 1))
        for k in range((order + 1) // 2, (order + 1) // 2 + 14 + order)
    ]
    series = _polynomial(terms, near * near) * (near if order % 2 else 1)
    far = np.where(small, 1, z)
    # The sine of pi times what is left of x beside the nearest even number, which is exact.
    turned = pi * (x - 2 * np.rint(x.real / 2))
    waves = [np.sin(turned), np.cos(turned)]
    waves += [-waves[0], -waves[1]]
    value = waves[0] / far
    for n in range(1, order + 1):
        value = (waves[n % 4] - n * value) / far
    return (pi**order * np.where(small, series, value)).astype(dtype)[()]


def _next_sinc(x: Any, order: int) -> Any:
    return sinc_derivative(x, order=order + 1)


sinc_derivative: Primitive = pointwise(_sinc_derivative, _next_sinc, "sinc_derivative")


@meaning(np.sinc)
def sinc(x: Any) -> Any:
    return sinc_derivative(x if x.dtype.kind in "fc" else x.astype(float), order=0)


# i0 -------------------------------------------------------------------------------------------

#: From here on the asymptotic series is exact, to double precision.
_FAR = 25.0


def _bessel(x: Any, /, order: int) -> Any:
    """The modified Bessel function of some order; of order 0, NumPy's own value.

    The power series (DLMF 10.25.2), whose terms have one sign, or far out the asymptotic one
    (DLMF 10.40.1).
    """
    if order == 0:
        return np.i0(x)
    x, dtype = np.asarray(_widened(x)), x.dtype
    size = np.abs(x)
    far = size > _FAR
    near = np.where(far, 0, size) / 2
    terms = [1 / (factorial(k) * factorial(k + order)) for k in range(64)]
    inside = near**order * _polynomial(terms, near * near)
    outer = np.where(far, size, _FAR)
    a, terms = 1.0, []
    for k in range(1, 26):
        terms.append(a)
        a *= -(4 * order**2 - (2 * k - 1) ** 2) / (8 * k)
    half = np.exp(outer / 2)  # the whole exponential overflows before its product does
    outside = (
        half * (_polynomial(terms, 1 / outer) / np.sqrt(2 * x.dtype.type(np.pi) * outer)) * half
    )
    value = np.where(far, outside, inside)
    return (np.where(x < 0, -value, value) if order % 2 else value).astype(dtype)[()]


def _bessel_slope(x: Any, order: int) -> Any:
    """DLMF 10.29.1: the mean of both neighbours; of order 0 they are the same."""
    above = bessel(x, order=order + 1)
    return above if order == 0 else bessel(x, order=order - 1) / 2 + above / 2


bessel: Primitive = pointwise(_bessel, _bessel_slope, "bessel")


@meaning(np.i0)
def i0(x: Any) -> Any:
    if x.dtype.kind == "c":
        raise TypeError("i0: not supported for complex values")
    return bessel(x if x.dtype.kind == "f" else x.astype(float), order=0)
