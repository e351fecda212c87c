"""Partial derivatives of the distribution functions and their inverses.

A distribution function F is given by its slopes: its partials by each argument. From them follow
the complement's, and those of each inverse: solving F = p for the argument y gives 1/F_y by p, and
-F_x/F_y by any other argument x. An argument that SciPy cuts to an integer has slope 0.

The slopes of F and Student's t by large degrees of freedom n are small differences of two terms:
their relative error is about n**2 units in the last place, 1e-10 at n = 1000.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sp

from gradtape.derivatives.special_arguments import refusing_ufuncs
from gradtape.derivatives.special_errors import ndtri_slope
from gradtape.derivatives.special_incomplete import (
    beta_density,
    beta_moment,
    gamma_density,
    half_step,
    log_moment,
)
from gradtape.derivatives.special_parts import cut, gaussian, power_moment, several_arguments
from gradtape.needs import Named
from gradtape.rules import elementwise, refuse

__all__: list[str] = []

ROOT_TWO_PI = float(np.sqrt(2 * np.pi))

Slopes = tuple[Any, ...]
Names = tuple[str, ...]


def distribution(function: Any, names: Names, slopes: Slopes, sign: int = 1) -> None:
    """Register F, or for sign -1 what is 1 - F."""
    partials = [Named(_times(sign, s), names) if callable(s) else s for s in slopes]
    several_arguments({function: tuple(partials)}, *names)


def inverse(
    function: Any, arguments: Names, names: Names, slopes: Slopes, solved: str, sign: int = 1
) -> None:
    """Register what solves F = p (1 - F = p for sign -1), where p stands in the arguments."""
    known = (*[name for name in names if name != solved], "out")
    place = names.index(solved)
    slope_of = dict(zip(names, slopes, strict=True))
    by_solved = slope_of[solved]
    partials: list[Any] = []
    for argument in arguments:
        slope = slope_of.get(argument)
        if argument not in names:
            partials.append(Named(_over(sign, by_solved, place), known))
        else:
            ratio = _ratio(slope, by_solved, place) if callable(slope) else None
            partials.append(Named(ratio, known) if ratio else slope)
    several_arguments({function: tuple(partials)}, *arguments)


def _times(sign: int, slope: Any) -> Any:
    return slope if sign == 1 else lambda *values: -slope(*values)


def _over(sign: int, slope: Any, place: int) -> Any:
    return lambda *values: sign / slope(*_in_order(values, place))


def _ratio(slope: Any, by_solved: Any, place: int) -> Any:
    def ratio(*values: Any) -> Any:
        ordered = _in_order(values, place)
        return -slope(*ordered) / by_solved(*ordered)

    return ratio


def _in_order(values: tuple[Any, ...], place: int) -> tuple[Any, ...]:
    """The arguments of F: the last of the values, the solution, at its place."""
    return (*values[:place], values[-1], *values[place:-1])


# The gamma family -------------------------------------------------------------------------------

CHI = ("v", "x")
_chi: Slopes = (
    lambda v, x: log_moment(1, v / 2, x / 2) / 2,
    lambda v, x: gamma_density(v / 2, x / 2) / 2,
)
distribution(sp.chdtr, CHI, _chi)
distribution(sp.chdtrc, CHI, _chi, -1)
inverse(sp.chdtri, ("v", "p"), CHI, _chi, "x", -1)
inverse(sp.chdtriv, ("p", "x"), CHI, _chi, "v")

GAMMA = ("a", "b", "x")
_gamma: Slopes = (
    lambda a, b, x: gamma_density(b, a * x) * x,
    lambda a, b, x: log_moment(1, b, a * x),
    lambda a, b, x: gamma_density(b, a * x) * a,
)
distribution(sp.gdtr, GAMMA, _gamma)
distribution(sp.gdtrc, GAMMA, _gamma, -1)
inverse(sp.gdtria, ("p", "b", "x"), GAMMA, _gamma, "a")
inverse(sp.gdtrib, ("a", "p", "x"), GAMMA, _gamma, "b")
inverse(sp.gdtrix, ("a", "b", "p"), GAMMA, _gamma, "x")

POISSON = ("k", "m")
_poisson: Slopes = (
    lambda k, m: -log_moment(1, k + 1, m),
    lambda k, m: -gamma_density(k + 1, m),
)
_whole_poisson: Slopes = (0, lambda k, m: -gamma_density(np.floor(k) + 1, m))
distribution(sp.pdtr, POISSON, _whole_poisson)
distribution(sp.pdtrc, POISSON, _whole_poisson, -1)
inverse(sp.pdtri, ("k", "y"), POISSON, _whole_poisson, "m")
inverse(sp.pdtrik, ("p", "m"), POISSON, _poisson, "k")


# The beta family ----------------------------------------------------------------------------------

BETA = ("a", "b", "x")
_beta: Slopes = (
    lambda a, b, x: beta_moment(1, 0, a, b, x),
    lambda a, b, x: beta_moment(0, 1, a, b, x),
    lambda a, b, x: beta_density(a, b, x),
)
inverse(sp.btdtria, ("p", "b", "x"), BETA, _beta, "a")
inverse(sp.btdtrib, ("a", "p", "x"), BETA, _beta, "b")

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
distribution(sp.bdtr, BINOMIAL, _whole_binomial)
distribution(sp.bdtrc, BINOMIAL, _whole_binomial, -1)
inverse(sp.bdtri, ("k", "n", "y"), BINOMIAL, _whole_binomial, "p")
refusing_ufuncs({1: "SciPy wants a whole number"}, sp.bdtr, sp.bdtrc, sp.bdtri)
inverse(sp.bdtrik, ("y", "n", "p"), BINOMIAL, _binomial, "k")
inverse(sp.bdtrin, ("k", "y", "p"), BINOMIAL, _binomial, "n")

#: F = I(p; n, k+1).
NEGATIVE = ("k", "n", "p")
_negative: Slopes = (
    lambda k, n, p: beta_moment(0, 1, n, k + 1, p),
    lambda k, n, p: beta_moment(1, 0, n, k + 1, p),
    lambda k, n, p: beta_density(n, k + 1, p),
)
_whole_negative: Slopes = (
    0,
    0,
    lambda k, n, p: beta_density(np.trunc(n), np.trunc(k) + 1, p),
)
distribution(sp.nbdtr, NEGATIVE, _whole_negative)
distribution(sp.nbdtrc, NEGATIVE, _whole_negative, -1)
inverse(sp.nbdtri, ("k", "n", "y"), NEGATIVE, _whole_negative, "p")
inverse(sp.nbdtrik, ("y", "n", "p"), NEGATIVE, _negative, "k")
inverse(sp.nbdtrin, ("k", "y", "p"), NEGATIVE, _negative, "n")


# F and Student's t --------------------------------------------------------------------------------


def _ratio_density(a: Any, b: Any, w: Any, v: Any) -> Any:
    """The beta density at w, where v = 1 - w: of the two, by the smaller."""
    low = w <= v
    return beta_density(np.where(low, a, b), np.where(low, b, a), np.where(low, w, v))


def _by_first(a: Any, b: Any, w: Any, v: Any) -> Any:
    """The partial of I(w; a, b) by a, where v = 1 - w."""
    low = w <= v
    below = beta_moment(1, 0, a, b, cut(low, w, 0.5))
    return np.where(low, below, -beta_moment(0, 1, b, a, cut(~low, v, 0.5)))


def _f_by_x(dfn: Any, dfd: Any, x: Any) -> Any:
    total = dfd + dfn * x
    w, v = dfn * x / total, dfd / total
    return _ratio_density(dfn / 2, dfd / 2, w, v) * (dfn / total) * v


def _f_by_dfn(dfn: Any, dfd: Any, x: Any) -> Any:
    total = dfd + dfn * x
    w, v = dfn * x / total, dfd / total
    own = _by_first(dfn / 2, dfd / 2, w, v) / 2
    return own + _ratio_density(dfn / 2, dfd / 2, w, v) * (x / total) * v


def _f_by_dfd(dfn: Any, dfd: Any, x: Any) -> Any:
    total = dfd + dfn * x
    w, v = dfn * x / total, dfd / total
    own = _by_first(dfd / 2, dfn / 2, v, w) / 2
    return -own - _ratio_density(dfn / 2, dfd / 2, w, v) * w / total


F = ("dfn", "dfd", "x")
_f: Slopes = (_f_by_dfn, _f_by_dfd, _f_by_x)
distribution(sp.fdtr, F, _f)
distribution(sp.fdtrc, F, _f, -1)
inverse(sp.fdtri, ("dfn", "dfd", "p"), F, _f, "x")
inverse(sp.fdtridfd, ("dfn", "p", "x"), F, _f, "dfd")


def _t_density(df: Any, t: Any) -> Any:
    """Student's density; with infinitely many degrees of freedom the normal one."""
    finite = df < np.inf
    n = cut(finite, df, 1)
    square = t / n * t
    few = cut(n < 16, n, 1)
    power = np.where(
        n < 16,
        np.power(1 + cut(n < 16, square, 0), -(few + 1) / 2),
        np.exp(-(n + 1) / 2 * np.log1p(square)),
    )
    own = np.where(finite, power * half_step(n / 2), gaussian(-0.5, t))
    return own / ROOT_TWO_PI


def _t_by_df(df: Any, t: Any) -> Any:
    """Half the slope of I(t**2/(df + t**2); 1/2, df/2), with the sign of t."""
    usable = (df < np.inf) & (t != 0)
    n, u = cut(usable, df, 1), cut(usable, t, 1)
    total = n + u * u
    w, v = u / total * u, n / total
    b = n / 2
    half = np.full((), 0.5, b.dtype)
    own = -_by_first(b, half, v, w) / 2  # by the second argument of I(w; 1/2, b)
    slope = own - _ratio_density(half, b, w, v) * (w / total)
    return np.where(usable, np.sign(u) * slope / 2, np.zeros((), b.dtype))


T = ("df", "t")
_t: Slopes = (_t_by_df, _t_density)
distribution(sp.stdtr, T, _t)
inverse(sp.stdtrit, ("df", "p"), T, _t, "t")
inverse(sp.stdtridf, ("p", "t"), T, _t, "df")


# Noncentral ---------------------------------------------------------------------------------------


def _noncentral_chi_density(x: Any, df: Any, nc: Any) -> Any:
    """By 0F1 where its argument is small, else by a scaled Bessel function (R. A. Fisher, 1928)."""
    product = nc * x
    small = product < 100
    near = np.exp(-cut(small, nc, 0) / 2) * gamma_density(df / 2, x / 2) / 2
    near = near * sp.hyp0f1(df / 2, cut(small, product, 0) / 4)
    y, m = cut(~small, x, 10), cut(~small, nc, 10)
    gap = (y - m) / (np.sqrt(y) + np.sqrt(m))
    far = gaussian(-0.5, gap) / 2 * np.power(y / m, (df - 2) / 4)
    return np.where(small, near, far * sp.ive(df / 2 - 1, np.sqrt(y * m)))


NONCENTRAL_CHI = ("x", "df", "nc")
_noncentral_chi: Slopes = (
    _noncentral_chi_density,
    None,
    lambda x, df, nc: -_noncentral_chi_density(x, df + 2, nc),
)
distribution(sp.chndtr, NONCENTRAL_CHI, _noncentral_chi)
inverse(sp.chndtrix, ("p", "df", "nc"), NONCENTRAL_CHI, _noncentral_chi, "x")
inverse(sp.chndtrinc, ("x", "df", "p"), NONCENTRAL_CHI, _noncentral_chi, "nc")
DEGREES = "no derivative by degrees of freedom is known in closed form where there is noncentrality"
refusing_ufuncs({1: DEGREES}, sp.chndtr, sp.chndtrix, sp.chndtrinc)


def _noncentral_f_scale(dfn: Any, dfd: Any, nc: Any, f: Any) -> tuple[Any, Any, Any]:
    """exp(-nc/2) times the beta density at w, the share w of the numerator, and 1 - w."""
    total = dfd + dfn * f
    w, v = dfn * f / total, dfd / total
    return np.exp(-nc / 2) * _ratio_density(dfn / 2, dfd / 2, w, v), w, v


def _noncentral_f_by_f(dfn: Any, dfd: Any, nc: Any, f: Any) -> Any:
    scale, w, v = _noncentral_f_scale(dfn, dfd, nc, f)
    mixed = sp.hyp1f1((dfn + dfd) / 2, dfn / 2, nc * w / 2)
    return scale * mixed * v * (dfn / (dfd + dfn * f))


def _noncentral_f_by_nc(dfn: Any, dfd: Any, nc: Any, f: Any) -> Any:
    """Each term of the Poisson mixture less the one before is a beta density."""
    scale, w, v = _noncentral_f_scale(dfn, dfd, nc, f)
    return -scale * w * v / dfn * sp.hyp1f1((dfn + dfd) / 2, dfn / 2 + 1, nc * w / 2)


NONCENTRAL_F = ("dfn", "dfd", "nc", "f")
_noncentral_f: Slopes = (None, None, _noncentral_f_by_nc, _noncentral_f_by_f)
distribution(sp.ncfdtr, NONCENTRAL_F, _noncentral_f)
inverse(sp.ncfdtri, ("dfn", "dfd", "nc", "p"), NONCENTRAL_F, _noncentral_f, "f")
refusing_ufuncs({0: DEGREES, 1: DEGREES}, sp.ncfdtr, sp.ncfdtri)
refuse(DEGREES, sp.chndtridf, sp.ncfdtridfd, sp.ncfdtridfn)
refuse("SciPy solves for it to five digits only; solve ncfdtr yourself", sp.ncfdtrinc)
refuse(
    "no derivative of Student's noncentral distribution is implemented",
    *(sp.nctdtr, sp.nctdtrit, sp.nctdtridf, sp.nctdtrinc),
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


def _tukey(x: Any, lmbda: Any, out: Any) -> Any:
    """Of the solution of x = (out**lmbda - (1 - out)**lmbda)/lmbda."""
    inside = (out > 0) & (out < 1)
    p = cut(inside, out, 0.5)
    q = 1 - p
    logs = np.log(p), np.log(q)
    density = 1 / (np.exp((lmbda - 1) * logs[0]) + np.exp((lmbda - 1) * logs[1]))
    left, right = (log * log * power_moment(1, lmbda * log) for log in logs)
    nothing = np.zeros((), p.dtype)
    return np.where(inside, density, nothing), np.where(inside, (right - left) * density, nothing)


several_arguments({sp.tklmbda: _tukey}, "x", "lmbda")


# Kolmogorov and Smirnov ---------------------------------------------------------------------------


def _kolmogorov_slope(x: Any) -> Any:
    """By either of the two series of a theta function, DLMF 20.2.4 and 20.7.32."""
    high = x > 1
    u = cut(high, x, 1)
    terms = [(-1) ** k * k * k * np.exp(-2 * k * k * (u * u)) for k in range(1, 8)]
    right = 8 * u * sum(terms)
    some = ~high & (x > 0.04)  # below, it is 0 in double precision
    t = cut(some, x, 0.5)
    total = np.zeros((), t.dtype)
    for k in range(1, 12, 2):
        c = (k * np.pi) ** 2 / 8
        total = total + (2 * c / (t * t) - 1) * np.exp(-c / (t * t))
    left = -ROOT_TWO_PI / (t * t) * total
    return np.where(high, right, np.where(some, left, np.where(np.isnan(x), x, 0.0)))


def _smirnov_slope(n: Any, d: Any) -> Any:
    """By Birnbaum and Tingey's sum (1951), term by term."""
    n = np.trunc(n)[..., None]
    d = d[..., None]
    v = np.arange(1, int(np.max(n, initial=1)) + 1)
    a = d + v / n
    b = 1 - a
    some = (b > 0) & (v <= n)
    a, b = cut(some, a, 0.5), cut(some, b, 0.5)
    top = np.where(some, sp.binom(n, v), np.zeros((), d.dtype))
    terms = top * a ** (v - 2) * b ** (n - v - 1) * (a * b + d * ((v - 1) * b - (n - v) * a))
    rest = -n[..., 0] * np.power(1 - d[..., 0], n[..., 0] - 1)
    return rest + np.sum(terms, axis=-1)


elementwise(
    {
        sp.kolmogorov: _kolmogorov_slope,
        sp.kolmogi: lambda out: 1 / _kolmogorov_slope(out),
    }
)
distribution(sp.smirnov, ("n", "d"), (0, _smirnov_slope))
inverse(sp.smirnovi, ("n", "p"), ("n", "d"), (0, _smirnov_slope), "d")
