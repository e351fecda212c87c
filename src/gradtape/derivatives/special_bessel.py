"""Derivatives of Bessel functions by their argument; by the order there is none here.

The recurrences are those that stay finite at 0 and do not cancel there: J' = (J- - J+)/2 in place
of J- - v J/z. Section and equation numbers are those of the NIST Digital Library (DLMF).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from gradtape.derivatives.special_arguments import ORDER, refusing, refusing_ufuncs
from gradtape.derivatives.special_scaled import scaled_i, scaled_k
from gradtape.rules import UFUNCS, Elementwise, elementwise, meaning

__all__ = ["spherical_i", "spherical_j"]


def _half_difference(f: Any) -> Any:
    """(f- - f+)/2, the derivative of J, Y and H (10.6.1)."""
    return lambda v, z: (f(v - 1.0, z) - f(v + 1.0, z)) / 2


def _y_slope(v: Any, z: Any) -> Any:
    """The same for Y; at 0, where both terms are infinite, the second outweighs the first."""
    return (np.where(z == 0, 0, special.yv(v - 1.0, z)) - special.yv(v + 1.0, z)) / 2


def _half_sum(f: Any, v: Any, z: Any) -> Any:
    """(f- + f+)/2, the derivative of I, and minus that of K (10.29.1)."""
    return (f(v - 1.0, z) + f(v + 1.0, z)) / 2


def _kve_slope(v: Any, z: Any, out: Any) -> Any:
    """The derivative of K e^z; for real z without the cancellation of its two terms."""
    if out.dtype.kind != "c":
        return scaled_k(v, z, 1)
    return out - _half_sum(special.kve, v, z)


elementwise(
    {
        special.jv: (None, _half_difference(special.jv)),
        special.yv: (None, _y_slope),
        special.yn: (None, _y_slope),
        special.iv: (None, lambda v, z: _half_sum(special.iv, v, z)),
        special.kv: (None, lambda v, z: -_half_sum(special.kv, v, z)),
        special.kn: (None, lambda v, z: -_half_sum(special.kv, v, z)),
        special.hankel1: (None, _half_difference(special.hankel1)),
        special.hankel2: (None, _half_difference(special.hankel2)),
        # Scaled by exp(z), exp(-iz), exp(iz): holomorphic. The terms of these slopes, of H, and
        # of I below cancel at large z, as z grows beyond the order: |z| ulps are lost.
        special.kve: (None, _kve_slope),
        special.hankel1e: (
            None,
            lambda v, z, out: _half_difference(special.hankel1e)(v, z) - 1j * out,
        ),
        special.hankel2e: (
            None,
            lambda v, z, out: _half_difference(special.hankel2e)(v, z) + 1j * out,
        ),
        # Scaled by exp(-|Im z|), which is 1 for real z, and by exp(-|Re z|).
        special.jve: (None, _half_difference(special.jve)),
        special.yve: (None, _y_slope),
        special.ive: (
            None,
            lambda v, z, out: _half_sum(special.ive, v, z) - np.sign(z) * out,
        ),
    },
    names=("v", "z"),
)

elementwise(
    {
        special.j0: lambda x: -special.j1(x),
        special.j1: lambda x: (special.j0(x) - special.jv(2.0, x)) / 2,
        special.y0: lambda x: -special.y1(x),
        special.y1: lambda x: _y_slope(1.0, x),
        special.i0: lambda x: special.i1(x),
        special.i1: lambda x: (special.i0(x) + special.iv(2.0, x)) / 2,
        special.k0: lambda x: -special.k1(x),
        special.k1: lambda x: -(special.k0(x) + special.kv(2.0, x)) / 2,
        special.i0e: lambda x: scaled_i(0, x, 1),
        special.i1e: lambda x: scaled_i(1, x, 1),
        special.k0e: lambda x: scaled_k(0, x, 1),
        special.k1e: lambda x: scaled_k(1, x, 1),
    }
)

refusing_ufuncs(
    {0: ORDER},
    *(special.jv, special.yv, special.yn, special.iv, special.kv, special.kn, special.hankel1),
    *(special.hankel2, special.kve, special.hankel1e, special.hankel2e, special.jve),
    *(special.yve, special.ive),
)


# Scaled functions of a complex argument: not holomorphic ------------------------------------------


def _damped(ufunc: Any, slope: Any) -> Elementwise:
    """A function of z times exp(-|s|), as one of z and of the real number s.

    ``slope`` gives the derivative by z at fixed s, from the function itself at other orders.
    """
    damped: Elementwise = refusing(
        Elementwise(
            lambda v, z, s: ufunc(v, z),
            (
                None,
                lambda v, z, s: slope(damped(v - 1.0, z, s), damped(v + 1.0, z, s)),
                lambda s, out: -np.sign(s) * out,
            ),
            names=("v", "z", "s"),
            name=f"{ufunc.__name__} damped",
        ),
        {0: ORDER},
        ufunc,
    )
    return damped


_jve = _damped(special.jve, lambda below, above: (below - above) / 2)
_yve = _damped(special.yve, lambda below, above: (below - above) / 2)
_ive = _damped(special.ive, lambda below, above: (below + above) / 2)


@meaning(special.jve)
def _bind_jve(v: Any, z: Any) -> Any:
    return _jve(v, z, np.imag(z)) if np.iscomplexobj(z) else UFUNCS[special.jve](v, z)


@meaning(special.yve)
def _bind_yve(v: Any, z: Any) -> Any:
    return _yve(v, z, np.imag(z)) if np.iscomplexobj(z) else UFUNCS[special.yve](v, z)


@meaning(special.ive)
def _bind_ive(v: Any, z: Any) -> Any:
    return _ive(v, z, np.real(z)) if np.iscomplexobj(z) else UFUNCS[special.ive](v, z)


# Spherical Bessel functions -----------------------------------------------------------------------


def _spherical(function: Any, below: int, above: int, pole: bool = False) -> Elementwise:
    """Register a spherical Bessel function; its derivative combines the orders beside its own.

    f' = (below n f- + above (n + 1) f+) / (2n + 1): (10.51.2) and (10.51.5).
    """

    def slope_of(f: Any) -> Any:
        def slope(n: Any, z: Any) -> Any:
            lower = f(np.maximum(n - 1, 0), z)
            if pole:
                lower = np.where(z == 0, 0, lower)  # infinite, and outweighed by the upper one
            return (below * n * lower + above * (n + 1) * f(n + 1, z)) / (2 * n + 1)

        return slope

    def primitive(compute: Any, slope: Any, name: str) -> Elementwise:
        partials = (None, slope)
        made: Elementwise = refusing(
            Elementwise(compute, partials, names=("n", "z"), name=name), {0: ORDER}, function
        )
        return made

    name = function.__name__
    slope = slope_of(lambda n, z: value(n, z))
    value: Elementwise = primitive(function, slope, name)
    derivative_of = primitive(lambda n, z: function(n, z, True), slope_of(slope), f"{name} slope")

    @meaning(function)
    def bind(n: Any, z: Any, derivative: bool = False) -> Any:
        n = n if hasattr(n, "__gradtape_apply__") else np.asarray(n)[()]
        return (derivative_of if derivative else value)(n, z)

    return value


spherical_j = _spherical(special.spherical_jn, 1, -1)
_spherical(special.spherical_yn, 1, -1, pole=True)
spherical_i = _spherical(special.spherical_in, 1, 1)
_spherical(special.spherical_kn, -1, -1)
