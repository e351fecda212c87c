"""Derivatives of Legendre's elliptic integrals and Jacobi's elliptic functions.

By the parameter m they are given by Carlson's R_D, which neither cancels nor divides by m or 1 - m:
the textbook forms, differences of E and K over m (DLMF 19.4), lose all digits at m = 0. The
formulas follow from DLMF 19.25 and 19.18.1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from gradtape.derivatives.special_pairs import (
    pair_product,
    pair_root,
    plus,
    sine_and_cosine,
    times,
)
from gradtape.derivatives.special_ufuncs import several
from gradtape.rules import Elementwise, elementwise, strip


def _k_slope(m: Any) -> Any:
    """dK/dm."""
    return special.elliprd(0.0, 1.0, 1 - m) / 6


def _e_slope(m: Any) -> Any:
    """dE/dm."""
    return special.elliprd(0.0, 1 - m, 1.0) / -6


elementwise(
    {
        special.ellipk: lambda m: _k_slope(m),
        special.ellipkm1: lambda m: special.elliprd(0.0, 1.0, m) / -6,
        special.ellipe: lambda m: _e_slope(m),
    },
    names=("m",),
)


def _half_turns(phi: Any) -> Any:
    """How many half turns there are in an angle, and the sign of the cosine after them."""
    turns = np.rint(phi / np.pi)
    return turns, 1 - 2 * np.remainder(turns, 2)


def _f_by_m(sine: Any, cosine: Any, turns: Any, m: Any) -> Any:
    """dF/dm at the angle of this sine and cosine, after so many half turns."""
    square = cosine * cosine
    rest = sine**3 / 6 * special.elliprd(square, 1.0, square + (1 - m) * sine * sine)
    return rest + 2 * turns * _k_slope(np.where(turns == 0, 0, m))


def _f_slopes(phi: Any, m: Any) -> Any:
    """The partials of F: by the angle one over sqrt(1 - m sin^2)."""
    (turns, sign), sine, cosine = _half_turns(phi), np.sin(phi), np.cos(phi)
    by_phi = 1 / np.sqrt(cosine * cosine + (1 - m) * sine * sine)
    return by_phi, _f_by_m(sign * sine, cosine, turns, m)


def _e_slopes(phi: Any, m: Any) -> Any:
    """The partials of E: by the angle sqrt(1 - m sin^2)."""
    (turns, sign), sine, cosine = _half_turns(phi), np.sin(phi), np.cos(phi)
    square = cosine * cosine
    inner = square + (1 - m) * sine * sine
    rest = (sign * sine) ** 3 / -6 * special.elliprd(square, inner, 1.0)
    return np.sqrt(inner), rest + 2 * turns * _e_slope(np.where(turns == 0, 0, m))


elementwise({special.ellipkinc: _f_slopes, special.ellipeinc: _e_slopes}, names=("phi", "m"))


# The arithmetic-geometric mean, pi / 2 over RF(0, x x, y y) (19.8.4) ------------------------------


def _agm_by(x: Any, y: Any, out: Any) -> Any:
    """The partial by x."""
    size = np.maximum(np.abs(x), np.abs(y))
    part, other, mean = np.abs(x) / size, y / size, out / size
    return mean * mean * part * special.elliprd(0.0, other * other, part * part) * (2 / 3 / np.pi)


elementwise(
    {special.agm: (lambda x, y, out: _agm_by(x, y, out), lambda x, y, out: _agm_by(y, x, out))}
)


# Jacobi's functions: of u they are those of the angle phi with F(phi, m) = u ---------------------

#: Steps of the arithmetic-geometric mean, down to where 1 - m is that small, and up to that u.
_STEPS, _LEAST, _END = 9, 1e-12, 1e8


def _landen(u: Any, m: Any) -> tuple[Any, Any, Any]:
    """sn, cn and dn for 0 <= m < 1, by descending Landen transformations (22.7.2 to 22.7.4).

    R. Bulirsch, "Numerical calculation of elliptic integrals and elliptic functions", Numer. Math.
    7, 1965; with the angle in two parts, which all digits of cn beside its zeros need.
    """
    zero = np.zeros(u.shape)
    mean, other, seen = (zero + 1, zero), pair_root(1 - m), []
    for _ in range(_STEPS):
        seen.append((mean[0], other[0]))
        mean, product = times(plus(mean, other), 0.5), pair_product(mean, other)
        other = pair_root(*product)
    angle = times(mean, u)
    sine, cosine = sine_and_cosine(angle)
    some = sine != 0
    a, dn = cosine / np.where(some, sine, 1), zero + 1
    c = a * mean[0]
    for larger, smaller in reversed(seen):
        a, c = a * c, c * dn
        dn = (smaller + a) / (larger + a)
        a = c / larger
    sn = np.copysign(1 / np.hypot(c, 1), sine)
    return np.where(some, sn, 0), np.where(some, c * sn, cosine), np.where(some, dn, 1)


def _better(u: Any, m: Any, values: Any) -> Any:
    """sn, cn, dn and phi, the former three beside zeros of sn and cn by other means.

    SciPy takes them from phi, of which they lose digits there.
    """
    sn, cn = values[:2]
    beside_cn = np.abs(cn) < 0.5
    beside = (beside_cn | (np.abs(sn) < 0.5) & (np.abs(u) > 1)) & (m >= 0) & (m <= 1 - _LEAST)
    beside &= np.abs(u) < _END
    if not np.any(beside):
        return values
    u, m, beside_cn = [np.broadcast_to(k, beside.shape)[beside] for k in (u, m, beside_cn)]
    found = [np.array(value) for value in values]
    for i, better in enumerate(_landen(u.astype(float), m.astype(float))):
        found[i][beside] = np.where(beside_cn, better, found[i][beside]) if i else better
    return [value[()] for value in found]


#: A value, and what it is more exactly; its slopes are the value's.
_exactly: Elementwise = Elementwise(
    lambda value, better: better, (1, None), names=("value", "better"), name="ellipj exactly"
)


def _jacobi(u: Any, m: Any) -> list[Any]:
    """What ellipj gives, to the last digits."""
    values = special.ellipj(u, m)
    better = _better(strip(u), strip(m), [strip(value) for value in values])
    return [_exactly(value, b) for value, b in zip(values, better, strict=True)]


def _phi_by_m(sn: Any, cn: Any, dn: Any, phi: Any, m: Any) -> Any:
    """The slope of phi by m at fixed u."""
    turns, sign = _half_turns(phi)
    return -dn * _f_by_m(sign * sn, cn, turns, m)


def _dn_by_m(u: Any, m: Any) -> Any:
    """The slope of dn = sqrt(1 - m sn sn) by m."""
    sn, cn, dn, phi = _jacobi(u, m)
    return -sn * (sn + 2 * m * cn * _phi_by_m(sn, cn, dn, phi, m)) / (2 * dn)


def _phi_slope(u: Any, m: Any) -> Any:
    sn, cn, dn, phi = _jacobi(u, m)
    return _phi_by_m(sn, cn, dn, phi, m)


def _sn_by_u(u: Any, m: Any) -> Any:
    _, cn, dn, _ = _jacobi(u, m)
    return cn * dn


def _sn_by_m(u: Any, m: Any) -> Any:
    sn, cn, dn, phi = _jacobi(u, m)
    return cn * _phi_by_m(sn, cn, dn, phi, m)


def _cn_by_u(u: Any, m: Any) -> Any:
    sn, _, dn, _ = _jacobi(u, m)
    return -sn * dn


def _cn_by_m(u: Any, m: Any) -> Any:
    sn, cn, dn, phi = _jacobi(u, m)
    return -sn * _phi_by_m(sn, cn, dn, phi, m)


def _dn_by_u(u: Any, m: Any) -> Any:
    sn, cn, _, _ = _jacobi(u, m)
    return -m * sn * cn


several(
    special.ellipj,
    ("u", "m"),
    (_sn_by_u, _sn_by_m),
    (_cn_by_u, _cn_by_m),
    (_dn_by_u, _dn_by_m),
    (lambda u, m: _jacobi(u, m)[2], lambda u, m: _phi_slope(u, m)),
)
