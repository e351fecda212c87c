"""Partial derivatives of the noncentral chi square and F distribution, and of their inverses.

Both are means by a Poisson distribution of their central ones. The terms are positive; they are
summed from the largest one on both ways, by the ratio of neighbours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sp

from gradtape.derivatives.special_arguments import refusing_ufuncs
from gradtape.derivatives.special_densities import gamma_density, log_over_psi
from gradtape.derivatives.special_hypergeometric import kummer
from gradtape.derivatives.special_incomplete import chosen
from gradtape.derivatives.special_inverses import Slopes, distribution, inverse
from gradtape.derivatives.special_mixtures import noncentral_chi_gap, noncentral_f_gap
from gradtape.derivatives.special_pairs import Pair, pair_over, pair_quotient, plus, times, two_sum
from gradtape.derivatives.special_parts import cut, gaussian, piece
from gradtape.derivatives.special_polygamma import psi_rise
from gradtape.derivatives.special_ratios import f_density, ratio_rate
from gradtape.derivatives.special_units import beta_unit, unit_value
from gradtape.rules import Elementwise, refuse

__all__: list[str] = []

#: From where on nc x / 4 needs too many terms of the noncentral chi square density.
MANY = 1e6


def _from_largest(middle: Any, ratio: Callable[[Any], Any]) -> Any:
    """The sum of terms over that with the number ``middle``, from the k-th to the next by ratio."""
    total, up, down, k = np.ones(middle.shape), np.ones(middle.shape), np.ones(middle.shape), 0
    while np.any(np.maximum(up, down) > 1e-18 * total):
        up = up * ratio(middle + k)
        before = middle - k - 1
        down = np.where(before >= 0, down / ratio(np.maximum(before, 0)), 0)
        total = total + (up + down)
        k += 1
    return total


# Chi square ---------------------------------------------------------------------------------------


def _noncentral_chi_density(x: Any, df: Any, nc: Any, step: Any) -> Any:
    """The mean of chi square densities with df + 2 (step + k) degrees of freedom, k of Poisson's.

    Its mean is nc/2. Of many terms by a scaled Bessel function (R. A. Fisher, 1928).
    """
    usable = (x >= 0) & (df > 0) & (nc >= 0)  # elsewhere the sum might not end
    x, df, nc = [np.where(usable, k, 1) for k in (x, df, nc)]
    product = nc * x / 4
    many = product > MANY
    z, half = np.where(many, 1, product), df / 2 + step
    middle = np.where(z > 0, np.floor((np.hypot(half, 2 * np.sqrt(z)) - half) / 2), 0)
    order, lost = two_sum(df / 2, step + middle)
    first = gamma_density(middle + 1, nc / 2) * gamma_density(order, x / 2) / 2
    first = first * (1 + np.where(lost == 0, 0, lost * log_over_psi(order, x / 2)))
    total = _from_largest(middle, lambda k: z / ((k + 1) * (half + k)))
    y, m = np.where(many, x, 1), np.where(many, nc, 1)
    gap = (y - m) / (np.sqrt(y) + np.sqrt(m))
    far = gaussian(-0.5, gap) / 2 * np.power(y / m, (half - 1) / 2)
    density = np.where(many, far * sp.ive(half - 1, np.sqrt(y * m)), first * total)
    return np.where(usable, density, np.nan)


noncentral_chi_density: Elementwise = piece(
    _noncentral_chi_density,
    (
        lambda x, df, nc, step, out: (
            out * ((df / 2 + step - 1) / x - 0.5)
            + nc / (2 * x) * noncentral_chi_density(x, df, nc, step + 1)
        ),
        None,
        lambda x, df, nc, step, out: (noncentral_chi_density(x, df, nc, step + 1) - out) / 2,
        None,
    ),
    ("x", "df", "nc", "step"),
)

NONCENTRAL_CHI = ("x", "df", "nc")
_noncentral_chi: Slopes = (
    lambda x, df, nc: noncentral_chi_density(x, df, nc, np.zeros((), x.dtype)),
    None,
    lambda x, df, nc: -noncentral_chi_density(x, df, nc, np.ones((), x.dtype)),
)
distribution(sp.chndtr, NONCENTRAL_CHI, _noncentral_chi)
_chi_tails: dict[str, Any] = {"tails": noncentral_chi_gap}
inverse(sp.chndtrix, ("p", "df", "nc"), NONCENTRAL_CHI, _noncentral_chi, "x", **_chi_tails)
inverse(sp.chndtrinc, ("x", "df", "p"), NONCENTRAL_CHI, _noncentral_chi, "nc", **_chi_tails)
DEGREES = "no derivative by degrees of freedom is known in closed form where there is noncentrality"
refusing_ufuncs({1: DEGREES}, sp.chndtr, sp.chndtrix, sp.chndtrinc)


# F ------------------------------------------------------------------------------------------------

#: Up to this noncentrality, and from such a small F on, the terms are summed.
_LARGE, _SMALL = 1e5, 1e-200


def _noncentral_f_rate(n: Any, d: Any, nc: Any, f: Any, step: Any) -> Any:
    """By f times f for step 0; by nc, but for the sign, for step 1.

    The k-th term is Poisson's times x**(a+k) (1-x)**b/B(a+k, b), in the second over 2 (a + k): so
    much neighbouring central distribution functions differ (DLMF 8.17.20).
    """
    usable = (n > 0) & (d > 0) & (nc >= 0) & (f > 0) & (n + d < np.inf) & (f < np.inf)
    n, d, nc, f = [np.where(usable, k, 1) for k in (n, d, nc, f)]
    few = (nc <= _LARGE) & (f > _SMALL)
    mean, place = np.where(few, nc, 1) / 2, np.where(few, f, 1)
    a, b, none = n / 2, d / 2, np.zeros(n.shape)
    large = place > 1
    share = pair_quotient((np.where(large, d, n), none), np.where(large, place, 1))
    share = times(share, np.where(large, 1, place))
    scale = plus((np.where(large, n, d), none), share)
    first, second = pair_over(share, scale), pair_over((np.where(large, n, d), none), scale)
    x, y = _either(large, second, first), _either(large, first, second)
    z = mean * x[0]
    lean = z - a - step - 1
    root = np.sqrt(np.maximum(lean * lean + 4 * (z * (a + b) - a - step), 0))
    middle = np.maximum(np.floor((lean + root) / 2), 0)
    total = _from_largest(middle, lambda k: z * (a + b + k) / ((k + 1) * (a + step + k)))
    order, lost = two_sum(a, middle)
    rounding = 1 + lost * (np.log(x[0]) + psi_rise(order, b))
    largest = gamma_density(middle + 1, mean) * unit_value(beta_unit(order, b, x, y)) * rounding
    summed = largest * total / np.where(step == 0, 1, 2 * order)
    closed = chosen(~few, _closed, n, d, nc, f, step)
    return np.where(usable, np.where(few, summed, closed), np.nan)


def _either(condition: Any, a: Pair, b: Pair) -> Pair:
    return np.where(condition, a[0], b[0]), np.where(condition, a[1], b[1])


def _closed(n: Any, d: Any, nc: Any, f: Any, step: Any, further: int = 0) -> Any:
    """The same by Kummer's function, or for ``further`` 1 by its derivative there."""
    w = _share(n, d, f)
    scale = np.exp(-nc / 2) * ratio_rate(n / 2, d / 2, f, np.ones((), f.dtype))
    scale = scale / np.where(step == 0, np.ones((), n.dtype), n)
    a, b = (n + d) / 2, n / 2 + step
    mixed = kummer(a, b, nc * w / 2, further)
    return scale * mixed * (a / b if further else 1)


def _share(n: Any, d: Any, f: Any) -> Any:
    return n * f / (d + n * f)


def _rate_by_nc(n: Any, d: Any, nc: Any, f: Any, step: Any, out: Any) -> Any:
    return (_closed(n, d, nc, f, step, 1) * _share(n, d, f) - out) / 2


def _rate_by_f(n: Any, d: Any, nc: Any, f: Any, step: Any, out: Any) -> Any:
    w = _share(n, d, f)
    v = 1 - w
    growth = _closed(n, d, nc, f, step, 1) * nc * w / 2 * v
    return (out * (n * v - d * w) / 2 + growth) / f


noncentral_f_rate: Elementwise = piece(
    _noncentral_f_rate,
    (None, None, _rate_by_nc, _rate_by_f, None),
    ("n", "d", "nc", "f", "step"),
)


def _noncentral_f_by_f(dfn: Any, dfd: Any, nc: Any, f: Any) -> Any:
    some = f > _SMALL
    rate = noncentral_f_rate(dfn, dfd, nc, cut(some, f, 1), np.zeros((), f.dtype))
    return np.where(some, rate / f, np.exp(-nc / 2) * f_density(dfn, dfd, cut(~some, f, 1)))


def _noncentral_f_by_nc(dfn: Any, dfd: Any, nc: Any, f: Any) -> Any:
    rate = noncentral_f_rate(dfn, dfd, nc, cut(f != 0, f, 1), np.ones((), f.dtype))
    return np.where(f == 0, np.zeros((), rate.dtype), -rate)


NONCENTRAL_F = ("dfn", "dfd", "nc", "f")
_noncentral_f: Slopes = (None, None, _noncentral_f_by_nc, _noncentral_f_by_f)
distribution(sp.ncfdtr, NONCENTRAL_F, _noncentral_f)
inverse(
    *(sp.ncfdtri, ("dfn", "dfd", "nc", "p"), NONCENTRAL_F, _noncentral_f, "f"),
    tails=noncentral_f_gap,
)
refusing_ufuncs({0: DEGREES, 1: DEGREES}, sp.ncfdtr, sp.ncfdtri)
refuse(DEGREES, sp.chndtridf, sp.ncfdtridfd, sp.ncfdtridfn)
refuse("SciPy solves for it to five digits only; solve ncfdtr yourself", sp.ncfdtrinc)
refuse(
    "no derivative of Student's noncentral distribution is implemented",
    *(sp.nctdtr, sp.nctdtrit, sp.nctdtridf, sp.nctdtrinc),
)
