"""Partial derivatives of the distribution functions and their inverses.

Each family of them is given by the slopes of its distribution function; see ``special_inverses``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sp

from gradtape.derivatives.special_arguments import refusing_ufuncs
from gradtape.derivatives.special_densities import (
    bare_gamma_density,
    beta_density,
    gamma_density,
    log_over_psi,
)
from gradtape.derivatives.special_errors import ndtri_slope
from gradtape.derivatives.special_incomplete import (
    beta_moment,
    log_moment,
    small_beta,
    small_gamma,
    small_gamma_rest,
)
from gradtape.derivatives.special_inverses import Slopes, Tails, distribution, inverse
from gradtape.derivatives.special_pairs import (
    two_product,
    two_sum,
)
from gradtape.derivatives.special_parts import cut, piece, power_moment
from gradtape.derivatives.special_polygamma import polygamma
from gradtape.derivatives.special_shares import beta_gap, gamma_gap
from gradtape.derivatives.special_ufuncs import several_arguments
from gradtape.rules import Elementwise, strip

__all__: list[str] = []


def _of_whole(function: Any, *cuts: Any) -> Any:
    """A function of arguments of which SciPy cuts the first ones to whole numbers, as it does."""

    def of_whole(*values: Any) -> Any:
        first = [whole(v) for whole, v in zip(cuts, values, strict=False)]
        return function(*first, *values[len(cuts) :])

    return of_whole


# The incomplete gamma and beta functions ----------------------------------------------------------

INCOMPLETE = ("a", "x")
_incomplete: Slopes = (lambda a, x: log_moment(1, a, x), lambda a, x: gamma_density(a, x))
_incomplete_tails: Tails = (small_gamma, small_gamma_rest)
_incomplete_more: dict[str, Any] = {
    "tails": _incomplete_tails,
    "gap": lambda level, sign, a, x: gamma_gap(level, sign, (a, 0.0), (x, 0.0)),
}
inverse(sp.gammaincinv, ("a", "p"), INCOMPLETE, _incomplete, "x", **_incomplete_more)
inverse(sp.gammainccinv, ("a", "p"), INCOMPLETE, _incomplete, "x", -1, **_incomplete_more)


# The gamma family -------------------------------------------------------------------------------

CHI = ("v", "x")
_chi: Slopes = (
    lambda v, x: log_moment(1, v / 2, x / 2) / 2,
    lambda v, x: gamma_density(v / 2, x / 2) / 2,
)
_chi_tails: Tails = (
    lambda v, x: small_gamma(v / 2, x / 2),
    lambda v, x: small_gamma_rest(v / 2, x / 2),
)
distribution(sp.chdtr, CHI, _chi)
distribution(sp.chdtrc, CHI, _chi, -1)
_chi_more: dict[str, Any] = {
    "tails": _chi_tails,
    "gap": lambda level, sign, v, x: gamma_gap(level, sign, (v / 2, 0.0), (x / 2, 0.0)),
}
inverse(sp.chdtri, ("v", "p"), CHI, _chi, "x", -1, **_chi_more)
inverse(sp.chdtriv, ("p", "x"), CHI, _chi, "v", **_chi_more)

GAMMA = ("a", "b", "x")


def _product(a: Any, x: Any) -> tuple[Any, Any]:
    product, lost = two_product(a, x)
    return product, np.where(np.isfinite(lost), lost, 0)


def _scaled_density(a: Any, b: Any, x: Any) -> Any:
    """The density at a x, without the rounding of that product."""
    return bare_gamma_density(b, *_product(a, x))


scaled_density: Elementwise = piece(
    _scaled_density,
    (
        lambda a, b, x, out: out * ((b - 1) / (a * x) - 1) * x,
        lambda a, b, x, out: out * log_over_psi(b, a * x),
        lambda a, b, x, out: out * ((b - 1) / (a * x) - 1) * a,
    ),
    ("a", "b", "x"),
)


def _scaled_moment(a: Any, b: Any, x: Any) -> Any:
    """The first moment of the logarithm up to a x, likewise."""
    product, lost = _product(a, x)
    slope = bare_gamma_density(b, product, lost) * log_over_psi.compute(b, product)
    return log_moment.compute(1, b, product) + np.where(lost == 0, 0, lost * slope)


scaled_moment: Elementwise = piece(
    _scaled_moment,
    (
        lambda a, b, x: scaled_density(a, b, x) * log_over_psi(b, a * x) * x,
        lambda a, b, x: log_moment(2, b, a * x) - polygamma(1, b) * log_moment(0, b, a * x),
        lambda a, b, x: scaled_density(a, b, x) * log_over_psi(b, a * x) * a,
    ),
    ("a", "b", "x"),
)

_gamma: Slopes = (
    lambda a, b, x: scaled_density(a, b, x) * x,
    lambda a, b, x: scaled_moment(a, b, x),
    lambda a, b, x: scaled_density(a, b, x) * a,
)
_gamma_tails: Tails = (
    lambda a, b, x: small_gamma(b, *_product(a, x)),
    lambda a, b, x: small_gamma_rest(b, *_product(a, x)),
)
distribution(sp.gdtr, GAMMA, _gamma)
distribution(sp.gdtrc, GAMMA, _gamma, -1)
_gamma_more: dict[str, Any] = {
    "tails": _gamma_tails,
    "gap": lambda level, sign, a, b, x: gamma_gap(level, sign, (b, 0.0), _product(a, x)),
}
inverse(sp.gdtria, ("p", "b", "x"), GAMMA, _gamma, "a", **_gamma_more)
inverse(sp.gdtrib, ("a", "p", "x"), GAMMA, _gamma, "b", **_gamma_more)
inverse(sp.gdtrix, ("a", "b", "p"), GAMMA, _gamma, "x", **_gamma_more)

POISSON = ("k", "m")
_poisson: Slopes = (
    lambda k, m: -log_moment(1, k + 1, m),
    lambda k, m: -gamma_density(k + 1, m),
)
_whole_poisson: Slopes = (0, _of_whole(_poisson[1], np.floor))
_poisson_tails = (
    lambda k, m: small_gamma_rest(k + 1, m),
    lambda k, m: small_gamma(k + 1, m),
)
_whole_poisson_tails: Tails = tuple([_of_whole(t, np.floor) for t in _poisson_tails])
distribution(sp.pdtr, POISSON, _whole_poisson)
distribution(sp.pdtrc, POISSON, _whole_poisson, -1)


def _poisson_gap(level: Any, sign: Any, k: Any, m: Any) -> Any:
    return -gamma_gap(level, -sign, two_sum(k, 1.0), (m, 0.0))


inverse(
    *(sp.pdtri, ("k", "y"), POISSON, _whole_poisson, "m"),
    tails=_whole_poisson_tails,
    gap=lambda level, sign, k, m: _poisson_gap(level, sign, np.floor(k), m),
)
inverse(
    *(sp.pdtrik, ("p", "m"), POISSON, _poisson, "k"),
    tails=_poisson_tails,
    gap=_poisson_gap,
    ends=lambda k, m: (-1.0, np.inf),
    grid=lambda k, m: k + 1,
)


# The beta family ----------------------------------------------------------------------------------

BETA = ("a", "b", "x")
_beta: Slopes = (
    lambda a, b, x: beta_moment(1, 0, a, b, x),
    lambda a, b, x: beta_moment(0, 1, a, b, x),
    lambda a, b, x: beta_density(a, b, x),
)
_beta_tails: Tails = (
    lambda a, b, x: small_beta(a, b, x, 1 - x),
    lambda a, b, x: small_beta(b, a, 1 - x, x),
)


# Solutions near 1 have few digits of their distance to 1, the other function's solution has all:
# its slopes are taken instead, at 1 - x with a and b exchanged.


def _mirrored(complement: Any) -> Any:
    def mirror(a: Any, b: Any, p: Any, out: Any) -> tuple[Any, ...]:
        high = strip(out) > 0.5
        place = np.where(high, complement(b, a, p), out)
        return np.where(high, b, a), np.where(high, a, b), place, high

    return mirror


def _mirrored_moment(first: bool) -> Any:
    def moment(a: Any, b: Any, x: Any, high: Any) -> Any:
        own = np.where(high, not first, first).astype(x.dtype)
        return np.where(high, -1, 1).astype(x.dtype) * beta_moment(own, 1 - own, a, b, x)

    return moment


def _mirrored_tail(first: bool) -> Any:
    def tail(a: Any, b: Any, x: Any, high: Any) -> Any:
        own = (high == 0) if first else (high != 0)
        left, right = np.where(own, a, b), np.where(own, b, a)
        return small_beta(left, right, np.where(own, x, 1 - x), np.where(own, 1 - x, x))

    return tail


def _beta_gap(level: Any, sign: Any, a: Any, b: Any, x: Any, *_: Any) -> Any:
    return beta_gap(level, sign, (a, 0.0), (b, 0.0), (x, 0.0), two_sum(1.0, -x))


_mirrored_beta: Slopes = (
    _mirrored_moment(True),
    _mirrored_moment(False),
    lambda a, b, x, high: beta_density(a, b, x),
)
_of_share, _of_rest = [
    inverse(
        function,
        ("a", "b", "p"),
        BETA,
        _mirrored_beta,
        "x",
        sign,
        tails=(_mirrored_tail(True), _mirrored_tail(False)),
        gap=_beta_gap,
        ends=lambda a, b, x, high: (0.0, 1.0),
        mirror=_mirrored(other),
    )
    for function, other, sign in (
        (sp.betaincinv, sp.betainccinv, 1),
        (sp.betainccinv, sp.betaincinv, -1),
    )
]


inverse(sp.btdtria, ("p", "b", "x"), BETA, _beta, "a", tails=_beta_tails, gap=_beta_gap)
inverse(sp.btdtrib, ("a", "p", "x"), BETA, _beta, "b", tails=_beta_tails, gap=_beta_gap)

#: F = I(1-p; n-k, k+1) = 1 - I(p; k+1, n-k).
BINOMIAL = ("k", "n", "p")
_binomial: Slopes = (
    lambda k, n, p: beta_moment(0, 1, k + 1, n - k, p) - beta_moment(1, 0, k + 1, n - k, p),
    lambda k, n, p: -beta_moment(0, 1, k + 1, n - k, p),
    lambda k, n, p: -beta_density(k + 1, n - k, p),
)


def _whole_binomial_by_p(k: Any, n: Any, p: Any) -> Any:
    k, n = np.floor(k), np.trunc(n)
    some = k < n
    density = beta_density(cut(some, k, 0) + 1, cut(some, n - k, 1), p)
    return np.where(some, -density, np.zeros((), density.dtype))


_whole_binomial: Slopes = (0, None, _whole_binomial_by_p)
_binomial_tails: Tails = (
    lambda k, n, p: small_beta(n - k, k + 1, 1 - p, p),
    lambda k, n, p: small_beta(k + 1, n - k, p, 1 - p),
)
distribution(sp.bdtr, BINOMIAL, _whole_binomial)
distribution(sp.bdtrc, BINOMIAL, _whole_binomial, -1)


def _bdtri_by_y(k: Any, n: Any, y: Any, out: Any) -> Any:
    k, n = np.floor(k), np.trunc(n)
    some = k < n
    slope = _of_rest["p"](cut(some, k, 0) + 1, cut(some, n - k, 1), y, out)
    return np.where(some, slope, np.zeros((), slope.dtype))


several_arguments({sp.bdtri: (0, None, _bdtri_by_y)}, "k", "n", "y")
refusing_ufuncs({1: "SciPy wants a whole number"}, sp.bdtr, sp.bdtrc, sp.bdtri)


def _binomial_gap(level: Any, sign: Any, k: Any, n: Any, p: Any) -> Any:
    return beta_gap(level, sign, two_sum(n, -k), two_sum(k, 1.0), two_sum(1.0, -p), (p, 0.0))


inverse(
    *(sp.bdtrik, ("y", "n", "p"), BINOMIAL, _binomial, "k"),
    tails=_binomial_tails,
    gap=_binomial_gap,
    ends=lambda k, n, p: (-1.0, n),
    grid=lambda k, n, p: n + 1,
)
inverse(
    *(sp.bdtrin, ("k", "y", "p"), BINOMIAL, _binomial, "n"),
    tails=_binomial_tails,
    gap=_binomial_gap,
    ends=lambda k, n, p: (k, np.inf),
)

#: F = I(p; n, k+1).
NEGATIVE = ("k", "n", "p")
_negative: Slopes = (
    lambda k, n, p: beta_moment(0, 1, n, k + 1, p),
    lambda k, n, p: beta_moment(1, 0, n, k + 1, p),
    lambda k, n, p: beta_density(n, k + 1, p),
)
_whole_negative: Slopes = (0, 0, _of_whole(_negative[2], np.trunc, np.trunc))
_negative_tails: Tails = (
    lambda k, n, p: small_beta(n, k + 1, p, 1 - p),
    lambda k, n, p: small_beta(k + 1, n, 1 - p, p),
)
distribution(sp.nbdtr, NEGATIVE, _whole_negative)
distribution(sp.nbdtrc, NEGATIVE, _whole_negative, -1)


def _nbdtri_by_y(k: Any, n: Any, y: Any, out: Any) -> Any:
    return _of_share["p"](np.trunc(n), np.trunc(k) + 1, y, out)


several_arguments({sp.nbdtri: (0, 0, _nbdtri_by_y)}, "k", "n", "y")


def _negative_gap(level: Any, sign: Any, k: Any, n: Any, p: Any) -> Any:
    return beta_gap(level, sign, (n, 0.0), two_sum(k, 1.0), (p, 0.0), two_sum(1.0, -p))


inverse(
    *(sp.nbdtrik, ("y", "n", "p"), NEGATIVE, _negative, "k"),
    tails=_negative_tails,
    gap=_negative_gap,
    ends=lambda k, n, p: (-1.0, np.inf),
    grid=lambda k, n, p: k + 1,
)
inverse(
    *(sp.nbdtrin, ("k", "y", "p"), NEGATIVE, _negative, "n"),
    tails=_negative_tails,
    gap=_negative_gap,
)


# Normal, Tukey's lambda ---------------------------------------------------------------------------

several_arguments(
    {
        sp.nrdtrimn: (
            lambda p, std: -std * ndtri_slope(p, sp.ndtri(p)),
            lambda p: -sp.ndtri(p),
            1,
        )
    },
    *("p", "std", "x"),
)


def _nrdtrisd(mn: Any, p: Any, x: Any, out: Any) -> Any:
    z = sp.ndtri(p)
    return -1 / z, -out / z * ndtri_slope(p, z), 1 / z


several_arguments({sp.nrdtrisd: _nrdtrisd}, "mn", "p", "x")


# Of Tukey's distribution p = F(x), x = (p**k - (1-p)**k)/k; in terms of h, half the logarithm of
# p/(1-p), without differences: x = 2 sinh(k h)/k (2 cosh h)**-k. h is found to the last digits by
# Newton's method from SciPy's p, which is right to 1e-14 only.


def _growth(h: Any, k: Any) -> Any:
    """The slope of log x by k, that is h L(k h) - log(2 cosh h), L(z) = coth z - 1/z."""
    size, z = np.abs(h), np.abs(k * h)
    rest = 2 * power_moment(1, -2 * z) / power_moment(0, -2 * z)  # 1 - L(z)
    return -np.log1p(np.exp(-2 * size)) - size * np.where(k > 0, rest, 2 - rest)


def _tukey_density(h: Any, k: Any) -> Any:
    """dp/dx."""
    p, q = sp.expit(2 * h), sp.expit(-2 * h)
    return 1 / (p ** (k - 1) + q ** (k - 1))


def _tukey_half_logit(x: Any, k: Any) -> Any:
    inside = sp.tklmbda(-np.abs(x), k) > 0
    p = np.where(inside, sp.tklmbda(-np.abs(x), k), 0.5)
    goal = np.where(inside, -np.abs(x), 0)
    h = sp.logit(p) / 2
    for _ in range(6):
        z = k * h
        size = h * np.where(z == 0, 1, np.sinh(z) / np.where(z == 0, 1, z))
        value = 2 * size * np.exp(-k * (np.abs(h) + np.log1p(np.exp(-2 * np.abs(h)))))
        p, q = sp.expit(2 * h), sp.expit(-2 * h)
        h = h - (value - goal) / (2 * (p**k * q + q**k * p))
    product, lost = two_product(np.where(inside, k, 0), goal)
    left = (1 + product) + lost  # to the end of the distribution, times k
    beside = (k > 0) & (left < 0.5)
    end, h_end = np.where(beside, left, 1), np.where(beside, h, -1)
    for _ in range(2):  # there the terms of p**k + (1 - q**k), which is that, lose less
        p, q = sp.expit(2 * h_end), sp.expit(-2 * h_end)
        gap = p**k - np.expm1(k * np.log1p(-p)) - end
        h_end = h_end - gap / (2 * k * (p**k * q + q**k * p))
    h = np.where(beside, h_end, h)
    return np.where(inside, np.copysign(h, x), np.copysign(np.inf, x))


half_logit: Elementwise = piece(
    _tukey_half_logit,
    (
        lambda k, out: _tukey_density(out, k) * np.cosh(out) ** 2 * 2,
        lambda x, k, out: -x * _growth(out, k) * _tukey_density(out, k) * np.cosh(out) ** 2 * 2,
    ),
    ("x", "k"),
)


def _tukey(x: Any, lmbda: Any, out: Any) -> Any:
    inside = (out > 0) & (out < 1)
    h = half_logit(cut(inside, x, 0), lmbda)
    density = _tukey_density(h, lmbda)
    nothing = np.zeros((), density.dtype)
    by_lmbda = -x * _growth(h, lmbda) * density
    return np.where(inside, density, nothing), np.where(inside, by_lmbda, nothing)


several_arguments({sp.tklmbda: _tukey}, "x", "lmbda")
