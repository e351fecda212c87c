"""Derivatives of Legendre's elliptic integrals and Jacobi's elliptic functions.

By the parameter m they are given by Carlson's R_D, which neither cancels nor divides by m or 1 - m:
the textbook forms, differences of E and K over m (DLMF 19.4), lose all digits at m = 0. The
formulas follow from DLMF 19.25 and 19.18.1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from gradtape.derivatives.special_arguments import several
from gradtape.rules import elementwise


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


def _phi_by_m(sn: Any, cn: Any, dn: Any, phi: Any, m: Any) -> Any:
    """The slope of phi by m at fixed u."""
    turns, sign = _half_turns(phi)
    return -dn * _f_by_m(sign * sn, cn, turns, m)


def _dn_by_m(u: Any, m: Any) -> Any:
    """The slope of dn = sqrt(1 - m sn sn) by m."""
    sn, cn, dn, phi = special.ellipj(u, m)
    return -sn * (sn + 2 * m * cn * _phi_by_m(sn, cn, dn, phi, m)) / (2 * dn)


def _phi_slope(u: Any, m: Any) -> Any:
    sn, cn, dn, phi = special.ellipj(u, m)
    return _phi_by_m(sn, cn, dn, phi, m)


def _sn_by_u(u: Any, m: Any) -> Any:
    _, cn, dn, _ = special.ellipj(u, m)
    return cn * dn


def _sn_by_m(u: Any, m: Any) -> Any:
    sn, cn, dn, phi = special.ellipj(u, m)
    return cn * _phi_by_m(sn, cn, dn, phi, m)


def _cn_by_u(u: Any, m: Any) -> Any:
    sn, _, dn, _ = special.ellipj(u, m)
    return -sn * dn


def _cn_by_m(u: Any, m: Any) -> Any:
    sn, cn, dn, phi = special.ellipj(u, m)
    return -sn * _phi_by_m(sn, cn, dn, phi, m)


def _dn_by_u(u: Any, m: Any) -> Any:
    sn, cn, _, _ = special.ellipj(u, m)
    return -m * sn * cn


several(
    special.ellipj,
    ("u", "m"),
    (_sn_by_u, _sn_by_m),
    (_cn_by_u, _cn_by_m),
    (_dn_by_u, _dn_by_m),
    (lambda u, m: special.ellipj(u, m)[2], lambda u, m: _phi_slope(u, m)),
)
