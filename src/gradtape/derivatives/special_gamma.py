"""Partial derivatives of the gamma function's family, in terms of digamma and its differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sp

from gradtape.derivatives.axes import as_array
from gradtape.derivatives.special_arguments import ORDER, refusing
from gradtape.derivatives.special_parts import cut
from gradtape.derivatives.special_polygamma import digamma, polygamma, psi_rise
from gradtape.derivatives.special_ufuncs import several_arguments
from gradtape.rules import bare, elementwise, meaning, pointwise, strip

__all__ = ["multigammaln", "rgamma_slope"]


def rgamma_slope(x: Any) -> Any:
    """The derivative of 1/Gamma: finite also where digamma has its poles.

    Left of 1/2 that of Gamma(1 - x) sin(pi x)/pi, DLMF 5.5.3.
    """
    left = np.real(x) < 0.5
    right = cut(~left, x, 1)
    mirrored = 1 - cut(left, x, 0)
    nearest = np.rint(np.real(x))
    turn = np.pi * (cut(left, x, 0) - np.where(left, nearest, np.zeros((), nearest.dtype)))
    sign = 1 - 2 * (nearest % 2)
    inner = np.cos(turn) - sp.psi(mirrored) * np.sin(turn) / np.pi
    return np.where(left, sp.gamma(mirrored) * sign * inner, -sp.psi(right) * sp.rgamma(right))


def _poch(z: Any, m: Any, out: Any) -> Any:
    """Of Gamma(z + m)/Gamma(z); where z is not positive by way of 1/Gamma(z)."""
    right = z > 0
    safe = cut(right, z, 1)
    by_z = out * psi_rise(safe, cut(right, m, 0))
    low, shift = cut(~right, z, -0.5), cut(~right, m, 0)
    top = sp.gamma(low + shift)
    left_by_z = top * (sp.psi(low + shift) * sp.rgamma(low) + rgamma_slope(low))
    return np.where(right, by_z, left_by_z), out * sp.psi(z + m)


def _binom(n: Any, k: Any, out: Any) -> Any:
    """Of Gamma(n+1)/Gamma(k+1)/Gamma(n-k+1); the lower two may be at their poles."""
    rest = n - k + 1
    inside = (k + 1 > 0) & (rest > 0)
    upper, lower = cut(inside, rest, 1), cut(inside, k, 1)
    by_n = out * psi_rise(upper, lower)
    by_k = out * psi_rise(lower + 1, cut(inside, n - 2 * k, 0))
    top, k1, k2 = cut(~inside, n + 1, 1), cut(~inside, k + 1, 1), cut(~inside, rest, 1)
    factor = sp.gamma(top)
    first, second = sp.rgamma(k1), sp.rgamma(k2)
    slope = rgamma_slope(k2)
    outer_by_n = factor * first * (sp.psi(top) * second + slope)
    outer_by_k = factor * (rgamma_slope(k1) * second - first * slope)
    return np.where(inside, by_n, outer_by_n), np.where(inside, by_k, outer_by_k)


elementwise(
    {
        sp.gamma: lambda x, out: out * digamma(x),
        sp.gammaln: lambda x: digamma(x),
        sp.loggamma: lambda x: digamma(x),
        sp.rgamma: rgamma_slope,
        sp.psi: lambda x: polygamma(1, x),
    }
)
several_arguments(
    {
        sp.beta: (
            lambda x, y, out: -out * psi_rise(x, y),
            lambda x, y, out: -out * psi_rise(y, x),
        ),
        sp.betaln: (lambda x, y: -psi_rise(x, y), lambda x, y: -psi_rise(y, x)),
    },
    "x",
    "y",
)
several_arguments({sp.poch: _poch}, "z", "m")
several_arguments({sp.binom: _binom}, "n", "k")
bare(sp.gammasgn, sp.round)


# Python functions ---------------------------------------------------------------------------------

refusing(polygamma, {0: ORDER}, sp.polygamma)


@meaning(sp.polygamma)
def _bind_polygamma(n: Any, x: Any) -> Any:
    x = as_array(x)
    return polygamma(n, x if x.dtype.kind == "c" else x.astype(np.result_type(x.dtype, float)))


def _multigammaln(a: Any, /, d: Any) -> Any:
    return sp.multigammaln(a, d)


def _multigammaln_slope(a: Any, d: Any) -> Any:
    """The sum of digamma(a - j/2) over j < d."""
    return np.sum(np.stack([sp.psi(a - j / 2) for j in range(int(d))]), axis=0)


multigammaln = pointwise(_multigammaln, _multigammaln_slope, "multigammaln")


@meaning(sp.multigammaln)
def _bind_multigammaln(a: Any, d: Any) -> Any:
    return multigammaln(a, d=strip(d))


@meaning(sp.factorial)
def _bind_factorial(n: Any) -> Any:
    if n.dtype.kind != "f":
        return sp.factorial(strip(n))
    value = np.where(n < 0, 0.0, sp.gamma(n + 1))
    return value.astype(np.result_type(n.dtype, float))  # as SciPy does


@meaning(sp.comb)
def _bind_comb(N: Any, k: Any, *, repetition: bool = False) -> Any:
    N, k = as_array(N), as_array(k)
    if repetition:
        return np.where((k == 0) & (N >= 0), 1.0, sp.binom(N + k - 1, k))
    return np.where((k <= N) & (N >= 0) & (k >= 0), sp.binom(N, k), 0.0)


@meaning(sp.perm)
def _bind_perm(N: Any, k: Any) -> Any:
    N, k = as_array(N), as_array(k)
    return np.where((k <= N) & (N >= 0) & (k >= 0), sp.poch(N - k + 1, k), 0.0)
