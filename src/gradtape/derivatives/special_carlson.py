"""Carlson's symmetric elliptic integrals: derivatives of any order.

Each of them is an integral of products of half-integer powers over 0 < t < infinity, and so is each
derivative, with other powers: that closes the family. SciPy computes the ones that have names; the
trapezoidal rule with t = exp(s) computes the others to the last digits, since it adds positive
numbers (L. N. Trefethen and J. A. C. Weideman, "The exponentially convergent trapezoidal rule",
SIAM Review 56, 2014). The forms by SciPy's functions would cancel where two arguments meet.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from gradtape.derivatives.special_parts import piece
from gradtape.derivatives.special_precision import blockwise
from gradtape.needs import Named
from gradtape.rules import Elementwise, elementwise

__all__ = ["carlson"]

#: Steps in s, of few bits, for real and for complex arguments, whose singularities may be nearer.
_STEP, _COMPLEX_STEP = 0.375, 0.1875
#: The integrand is cut off where it has fallen to exp(-_DEPTH).
_DEPTH = 40.0
#: From that share of another term on, one that is taken off it would cost digits.
_NEAR = 0.6


def _carlson(x: Any, y: Any, z: Any, p: Any, a: int, b: int, c: int, d: int) -> Any:
    """The integral of (t+x)^(-a/2) (t+y)^(-b/2) (t+z)^(-c/2) (t+p)^(-d/2) over t > 0."""
    return blockwise(lambda *arguments: _trapezoid(arguments, (a, b, c, d)), x, y, z, p)


def _trapezoid(arguments: tuple[Any, ...], powers: tuple[int, ...]) -> Any:
    terms = [(v, k) for v, k in zip(arguments, powers, strict=True) if k]
    sizes = np.abs(np.stack([v for v, _ in terms]))
    largest = np.max(sizes, axis=0)
    unit = np.where(largest > 0, largest, 1.0)
    terms = [(v / unit, k) for v, k in terms]
    smallest = np.min(np.where(sizes > 0, sizes / unit, 1.0), axis=0)
    at_zero = 1 - sum([np.where(v == 0, k / 2, 0.0) for v, k in terms])  # t to this power
    at_infinity = sum(powers) / 2 - 1
    is_complex = any([np.iscomplexobj(v) for v in arguments])
    step = _COMPLEX_STEP if is_complex else _STEP
    # Whole numbers of steps, which are not rounded, from each end; infinite where an argument is.
    low = np.floor((np.log(smallest) - _DEPTH / np.maximum(at_zero, 0.5)) / step)
    steps = np.ceil(_DEPTH / at_infinity / step) - low
    count = int(np.max(steps, initial=1.0, where=np.isfinite(steps)))
    nodes = np.exp(step * (low[:, None] + np.arange(count + 1)))
    integrand = nodes
    for v, k in terms:
        integrand = integrand * np.sqrt(nodes + v[:, None]) ** -k
    result = integrand.sum(-1) * step * unit**-at_infinity
    # On the negative axis, principal values would be meant.
    cut = np.any([(np.real(v) < 0) & (np.imag(v) == 0) for v, _ in terms], axis=0)
    return np.where(at_zero > 0, np.where(cut, np.nan, result), np.inf)


def _raised(i: int) -> Any:
    """The partial by argument i: minus half its power times the integral with that power + 2."""

    def partial(*values: Any) -> Any:
        powers = [k + 2 * (j == i) for j, k in enumerate(values[4:])]
        return -values[4 + i] / 2 * carlson(*values[:4], *powers)

    return Named(partial, _NAMES)


_NAMES = ("x", "y", "z", "p", "a", "b", "c", "d")
carlson: Elementwise = Elementwise(
    _carlson,
    (*[_raised(i) for i in range(4)], None, None, None, None),
    names=_NAMES,
    name="carlson",
)


def _rc(x: Any, y: Any) -> Any:
    """Partials of RC(x, y) = RF(x, y, y); for y < 0, where it is a principal value, from RC."""
    cut = (np.real(y) < 0) & (np.imag(y) == 0)
    inside, beyond = np.where(cut, 1, y), np.where(cut, y - x, 1)
    out = special.elliprc(x, y)
    by_x = special.elliprd(inside, inside, x) / -6
    by_y = special.elliprd(x, inside, inside) / -3
    root = np.sqrt(x)
    return (
        np.where(cut, (out - 1 / np.where(cut, root, 1)) / (2 * beyond), by_x),
        np.where(cut, (root / np.where(cut, y, 1) - out) / (2 * beyond), by_y),
    )


def _rg_slope(x: Any, y: Any, z: Any) -> Any:
    """The partial of RG by x: (RF - x RD(y, z, x) / 3) / 4, whose last term is 0 at x = 0.

    Where the two cancel, since x is the largest, it is an integral with t (t+x)^(-3/2).
    """
    first = special.elliprf(x, y, z)
    last = np.where(x == 0, 0, x * special.elliprd(y, z, np.where(x == 0, 1, x))) / 3
    result = (first - last) / 4
    near = ~(np.abs(last) <= _NEAR * np.abs(first)) | np.isnan(result)
    if np.any(near):
        result[near] = carlson(x[near], y[near], z[near], 0.0, 3, 1, 1, -2) / 8
    return result


_rg: Elementwise = piece(
    _rg_slope,
    (
        lambda x, y, z: -0.1875 * carlson(x, y, z, 0.0, 5, 1, 1, -2),
        lambda x, y, z: -0.0625 * carlson(x, y, z, 0.0, 3, 3, 1, -2),
        lambda x, y, z: -0.0625 * carlson(x, y, z, 0.0, 3, 1, 3, -2),
    ),
    ("x", "y", "z"),
)


def _rj(i: int) -> Any:
    """The partial of RJ, 3/2 of the integral with powers 1, 1, 1, 2, by argument i."""

    def partial(x: Any, y: Any, z: Any, p: Any) -> Any:
        powers = [k + 2 * (j == i) for j, k in enumerate((1, 1, 1, 2))]
        return (-1.5 if i == 3 else -0.75) * carlson(x, y, z, p, *powers)

    return partial


elementwise(
    {
        special.elliprf: (  # DLMF 19.18.1
            lambda x, y, z: special.elliprd(y, z, x) / -6,
            lambda x, y, z: special.elliprd(x, z, y) / -6,
            lambda x, y, z: special.elliprd(x, y, z) / -6,
        ),
        special.elliprd: (
            lambda x, y, z: -0.75 * carlson(x, y, z, 1.0, 3, 1, 3, 0),
            lambda x, y, z: -0.75 * carlson(x, y, z, 1.0, 1, 3, 3, 0),
            lambda x, y, z: -2.25 * carlson(x, y, z, 1.0, 1, 1, 5, 0),
        ),
        special.elliprg: (
            lambda x, y, z: _rg(x, y, z),
            lambda x, y, z: _rg(y, z, x),
            lambda x, y, z: _rg(z, x, y),
        ),
        special.elliprc: _rc,
        special.elliprj: tuple([_rj(i) for i in range(4)]),
    },
    names=("x", "y", "z", "p"),
)
