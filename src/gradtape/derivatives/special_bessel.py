"""Derivatives of Bessel functions by their argument; by the order there is none here.

The recurrences are those that stay finite at 0 and do not cancel there: J' = (J- - J+)/2 in place
of J- - v J/z, but not for Y and K. Section and equation numbers are those of the NIST Digital
Library (DLMF).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from gradtape.derivatives.special_arguments import ORDER, refusing, refusing_ufuncs
from gradtape.derivatives.special_fractions import by_logarithm
from gradtape.derivatives.special_macdonald import (
    i_corrected,
    k_corrected,
    spherical_k_corrected,
)
from gradtape.derivatives.special_parts import cut
from gradtape.derivatives.special_regions import (
    beyond,
    first_hankel_slope,
    inwards,
    j_slope,
    second_hankel_slope,
    y_slope,
)
from gradtape.derivatives.special_scaled import scaled_i, scaled_k
from gradtape.derivatives.special_turned import turned_corrected
from gradtape.derivatives.special_zeros import spherical_corrected
from gradtape.rules import UFUNCS, Elementwise, elementwise, meaning, strip

__all__ = ["of_order", "spherical_i", "spherical_j"]


#: Where Hankel functions are computed in the place of others: there that is quick.
_ELSEWHERE = 1e4


def _half_difference(f: Any, v: Any, z: Any) -> Any:
    """(f- - f+)/2, the derivative of J, Y and H (10.6.1)."""
    return (f(v - 1.0, z) - f(v + 1.0, z)) / 2


def _half_sum(f: Any, v: Any, z: Any) -> Any:
    """(f- + f+)/2, the derivative of I (10.29.1)."""
    return (f(v - 1.0, z) + f(v + 1.0, z)) / 2


def _k_slope(f: Any, v: Any, z: Any, out: Any) -> Any:
    """-f- - (v/z) f for the order without its sign, the derivative of K (10.29.2)."""
    order = abs(strip(v))
    return -f(order - 1.0, z) - np.where(np.equal(order, 0), 0, order / z * out)


def _k_slope_nearer(v: Any, z: Any, out: Any) -> Any:
    direct = _k_slope(special.kv, v, z, out)
    return direct if np.iscomplexobj(z) else k_corrected(strip(v), strip(z), direct)


def _i_slope(v: Any, z: Any) -> Any:
    direct = _half_sum(special.iv, v, z)
    return direct if np.iscomplexobj(z) else i_corrected(strip(v), strip(z), direct)


def _kve_slope(v: Any, z: Any, out: Any) -> Any:
    """The derivative of K e^z."""
    if out.dtype.kind != "c":
        return scaled_k(v, z, 1)
    return by_logarithm(v, z, out, out + _k_slope(special.kve, v, z, out), 1)


def of_order(v: float, part: Any, x: Any, direct: Any) -> Any:
    """J or Y of a real x, of which SciPy's j0 to y1 lose as many ulps as x is large."""
    far = beyond(v, x)
    return np.where(far, part(special.hankel1(v, cut(far, x, _ELSEWHERE))), direct)


def _j_slope(v: Any, z: Any) -> Any:
    if np.iscomplexobj(z):
        return _half_difference(special.jv, v, z)
    return j_slope(strip(v), z)


def _y_slope(v: Any, z: Any) -> Any:
    if np.iscomplexobj(z):
        return inwards(special.yv, v, z, special.yv(v, z))
    return y_slope(strip(v), z)


def _hankel_slope(ufunc: Any, real: Any) -> Any:
    def slope(v: Any, z: Any) -> Any:
        if np.iscomplexobj(z):
            return inwards(ufunc, v, z, ufunc(v, z))
        return real(strip(v), z)

    return slope


def _of_parts(v: Any, x: Any, i: complex) -> tuple[Any, Any]:
    """J + i Y and its derivative."""
    y = special.yv(v, x)
    slope = _half_difference(special.jv, v, x) + i * inwards(special.yv, v, x, y)
    return special.jv(v, x) + i * y, slope


def _scaled_hankel_slope(ufunc: Any, i: complex) -> Any:
    """The derivative of H exp(-iz), where H is K at -iz but for a factor (10.27.8)."""
    nearer = turned_corrected(i)

    def slope(v: Any, z: Any, out: Any) -> Any:
        direct = inwards(ufunc, v, z, out) - i * out
        if np.iscomplexobj(z):
            return by_logarithm(v, z, out, direct, -i)
        inside = (strip(z) > 0) & ~beyond(v, z)
        x = cut(inside, z, 1)
        value, by_x = _of_parts(v, x, i)
        turned = np.exp(np.multiply(-i, x)) * (by_x - i * value)
        slope = by_logarithm(v, z, out, np.where(inside, turned, direct), -i)
        return nearer(strip(v), strip(z), slope)

    return slope


elementwise(
    {
        special.jv: (None, _j_slope),
        special.yv: (None, _y_slope),
        special.yn: (None, _y_slope),
        special.iv: (None, _i_slope),
        special.kv: (None, _k_slope_nearer),
        special.kn: (None, _k_slope_nearer),
        special.hankel1: (None, _hankel_slope(special.hankel1, first_hankel_slope)),
        special.hankel2: (None, _hankel_slope(special.hankel2, second_hankel_slope)),
        # Scaled by exp(z), exp(-iz), exp(iz): holomorphic.
        special.kve: (None, _kve_slope),
        special.hankel1e: (None, _scaled_hankel_slope(special.hankel1e, 1j)),
        special.hankel2e: (None, _scaled_hankel_slope(special.hankel2e, -1j)),
        # Scaled by exp(-|Im z|), which is 1 for real z, and by exp(-|Re z|).
        special.jve: (None, _j_slope),
        special.yve: (None, _y_slope),
        special.ive: (None, lambda v, z: scaled_i(v, z, 1)),
    },
    names=("v", "z"),
)

elementwise(
    {
        special.j0: lambda x: j_slope(0.0, x),
        special.j1: lambda x: j_slope(1.0, x),
        special.y0: lambda x: y_slope(0.0, x),
        special.y1: lambda x: y_slope(1.0, x),
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


def _spherical(
    function: Any, below: int, above: int, pole: bool = False, nearer: Any = None
) -> Elementwise:
    """Register a spherical Bessel function; its derivative combines the orders beside its own.

    f' = (below n f- + above (n + 1) f+) / (2n + 1): (10.51.2) and (10.51.5). ``nearer`` corrects it
    for real numbers, of which SciPy's values of other orders are worse.
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

    def first(n: Any, z: Any) -> Any:
        direct = slope(n, z)
        if nearer is None or np.iscomplexobj(z):
            return direct
        return nearer(strip(n), strip(z), direct)

    value: Elementwise = primitive(function, first, name)
    derivative_of = primitive(lambda n, z: function(n, z, True), slope_of(slope), f"{name} slope")

    @meaning(function)
    def bind(n: Any, z: Any, derivative: bool = False) -> Any:
        n = n if hasattr(n, "__gradtape_apply__") else np.asarray(n)[()]
        return (derivative_of if derivative else value)(n, z)

    return value


spherical_j = _spherical(special.spherical_jn, 1, -1, nearer=spherical_corrected(0))
_spherical(special.spherical_yn, 1, -1, pole=True, nearer=spherical_corrected(1))
spherical_i = _spherical(special.spherical_in, 1, 1)
_spherical(
    *(special.spherical_kn, -1, -1),
    nearer=lambda n, x, direct: spherical_k_corrected(n + 0.5, x, direct),
)
