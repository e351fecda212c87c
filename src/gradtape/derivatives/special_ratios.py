"""Partial derivatives of the F distribution and of Student's t, and of their inverses."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sp

from gradtape.derivatives.special_decimals import fisher_gap
from gradtape.derivatives.special_densities import beta_density
from gradtape.derivatives.special_incomplete import (
    Beside,
    beta_below,
    beta_moment_by_a,
    beta_moment_by_b,
    chosen,
    small_beta,
)
from gradtape.derivatives.special_inverses import Slopes, Tails, distribution, inverse
from gradtape.derivatives.special_pairs import (
    pair_log,
    pair_product,
    pair_quotient,
    plus,
    times,
    two_product,
    two_sum,
)
from gradtape.derivatives.special_parts import cut, gaussian, piece
from gradtape.derivatives.special_polygamma import log_excess, psi_rise
from gradtape.derivatives.special_steps import half_step
from gradtape.derivatives.special_student import tail_by_df
from gradtape.rules import Elementwise

__all__ = ["ratio_density", "ratio_shares"]

ROOT_TWO_PI = float(np.sqrt(2 * np.pi))


def ratio_density(a: Any, b: Any, w: Any, v: Any) -> Any:
    """The beta density at w, where v = 1 - w: of the two, by the smaller."""
    low = w <= v
    return beta_density(np.where(low, a, b), np.where(low, b, a), np.where(low, w, v))


# By degrees of freedom ----------------------------------------------------------------------------
# I(w; a, b) with w = ap/(ap + bq), the distribution function of a ratio of gamma variates at p/q,
# depends on a directly and by w, and the two terms nearly cancel. Together they are the integral up
# to w of the density times h(t) = log t - psi(a) + psi(a+b) + 1 - t (a+b)/a; the last terms come
# from integrating the derivative of t (1-t) times the density. In terms of the logarithm l of
# t (a+b)/a, h = l - (exp(l) - 1) + k with a small constant k, of which nothing cancels.


def _less_expm1(z: Any) -> Any:
    """z - (exp(z) - 1)."""
    near = np.abs(z) < 0.4
    inside = np.where(near, z, 0)
    series = np.ones((), z.dtype)
    for k in range(13, 2, -1):
        series = 1 + inside / k * series
    return np.where(near, -inside * inside / 2 * series, z - np.expm1(np.where(near, 1, z)))


#: h(t) below w, and with 1 - t in the place of t, a and b exchanged.
_BELOW: Beside = (
    lambda a, b, x, y: (np.log1p((x * b - y * a) / a), log_excess(a, b)),
    lambda fallen, grown, log, excess: _less_expm1(log - fallen) + excess,
)
_ABOVE: Beside = (
    lambda a, b, x, y: (np.log1p((y * a - x * b) / b), log_excess(b, a)),
    lambda fallen, grown, log, excess: _less_expm1(log + grown) + excess,
)


#: Parameters below this are few degrees of freedom.
_FEW = 0.5


def _log_share(a: Any, b: Any, p: Any, q: Any, root: Any) -> Any:
    """log(w (a+b)/a), whose rounding is that of all the integral; q is the root's square, if any.

    In long doubles, which have more digits on most machines.
    """
    a, b, p, q = [np.asarray(k, np.longdouble) for k in (a, b, p, q)]
    if root is not None:
        q = np.asarray(root, np.longdouble) ** 2
    return np.log1p(b * (p - q) / (a * p + b * q)).astype(float)


def _shape_slope(a: Any, b: Any, p: Any, q: Any, root: Any = None) -> Any:
    """The partial of I(ap/(ap + bq); a, b) by a."""
    usable = (a > 0) & (b > 0) & (p > 0) & (q > 0) & (np.maximum(p, q) < np.inf)
    a, b, p, q = (np.where(usable, k, 1) for k in (a, b, p, q))
    total = a * p + b * q
    w, v = a * p / total, b * q / total
    log = _log_share(a, b, p, q, root)
    numbers = np.where(w <= 1e-3, np.log(p / total * (a + b)), log), log_excess(a, b)
    # Of few degrees of freedom to that side of w where h has one sign.
    first = (numbers[0] < 0) & (_less_expm1(numbers[0]) + numbers[1] <= 0)
    left = np.where(a < _FEW, first, p <= q)
    value = chosen(left, lambda *z: beta_below(_BELOW, *z), a, b, w, v, *numbers)
    value -= chosen(~left, lambda *z: beta_below(_ABOVE, *z), b, a, v, w, *numbers)
    return np.where(usable, value, 0)


def _parts(a: Any, b: Any, p: Any, q: Any) -> tuple[Any, ...]:
    """w and 1 - w, the density, and the centred logarithms of w and 1 - w."""
    total = a * p + b * q
    w, v = a * p / total, b * q / total
    return w, v, ratio_density(a, b, w, v), np.log(w) + psi_rise(a, b), np.log(v) + psi_rise(b, a)


def _moment_slope(by_own: Any, by_other: Any, a: Any, b: Any, w: Any, v: Any) -> Any:
    low = w <= v
    one, none = np.ones((), a.dtype), np.zeros((), a.dtype)
    below = by_own(one, none, a, b, cut(low, w, 0.5))
    return np.where(low, below, -by_other(none, one, b, a, cut(~low, v, 0.5)))


def _shape_slope_by_a(a: Any, b: Any, p: Any, q: Any) -> Any:
    w, v, density, log_w, _ = _parts(a, b, p, q)
    moment = _moment_slope(beta_moment_by_a, beta_moment_by_b, a, b, w, v)
    return moment + w * v * density / a * (2 * log_w - 1 / a + v - w * b / a)


def _shape_slope_by_b(a: Any, b: Any, p: Any, q: Any) -> Any:
    w, v, density, log_w, log_v = _parts(a, b, p, q)
    moment = _moment_slope(beta_moment_by_b, beta_moment_by_a, a, b, w, v)
    inner = log_v / a - (log_w + v - w * b / a) / b
    return moment + w * v * density * inner


def _shape_slope_by_ratio(a: Any, b: Any, p: Any, q: Any) -> Any:
    """By log(p/q)."""
    w, v, density, log_w, _ = _parts(a, b, p, q)
    return w * v * density * (log_w + v - w * b / a)


shape_slope: Elementwise = piece(
    _shape_slope,
    (
        _shape_slope_by_a,
        _shape_slope_by_b,
        lambda a, b, p, q: _shape_slope_by_ratio(a, b, p, q) / p,
        lambda a, b, p, q: -_shape_slope_by_ratio(a, b, p, q) / q,
    ),
    ("a", "b", "p", "q"),
)


# F ------------------------------------------------------------------------------------------------


def ratio_shares(dfn: Any, dfd: Any, x: Any) -> tuple[Any, Any, Any]:
    """w = dfn x/(dfd + dfn x), of which F has a beta distribution, 1 - w, and the divisor."""
    total = dfd + dfn * x
    return dfn * x / total, dfd / total, total


def _f_by_x(dfn: Any, dfd: Any, x: Any) -> Any:
    w, v, total = ratio_shares(dfn, dfd, x)
    return ratio_density(dfn / 2, dfd / 2, w, v) * (dfn / total) * v


F = ("dfn", "dfd", "x")
_f: Slopes = (
    lambda dfn, dfd, x: shape_slope(dfn / 2, dfd / 2, x, np.ones((), x.dtype)) / 2,
    lambda dfn, dfd, x: -shape_slope(dfd / 2, dfn / 2, np.ones((), x.dtype), x) / 2,
    _f_by_x,
)


def _f_tail(dfn: Any, dfd: Any, x: Any) -> Any:
    w, v, _ = ratio_shares(dfn, dfd, x)
    return small_beta(dfn / 2, dfd / 2, w, v)


def _f_rest(dfn: Any, dfd: Any, x: Any) -> Any:
    w, v, _ = ratio_shares(dfn, dfd, x)
    return small_beta(dfd / 2, dfn / 2, v, w)


_f_tails: Tails = (_f_tail, _f_rest)
distribution(sp.fdtr, F, _f)
distribution(sp.fdtrc, F, _f, -1)
inverse(sp.fdtri, ("dfn", "dfd", "p"), F, _f, "x", tails=_f_tails)
inverse(sp.fdtridfd, ("dfn", "p", "x"), F, _f, "dfd", tails=_f_tails, exact=fisher_gap)


def _t_power(n: Any, t: Any) -> Any:
    """(1 + t t/n)**(-(n+1)/2); out in the tails with the exponent in two parts."""
    square = t / n * t
    value = np.power(1 + square, -(n + 1) / 2)
    value = np.where(n < 16, value, np.exp(-(n + 1) / 2 * np.log1p(square)))
    tail = (value < _TAIL) & (value > 0) & (np.abs(t) < 1e100)
    if np.any(tail):
        n, t = n[tail], t[tail]
        log = pair_log(plus((1.0, 0.0), pair_quotient(two_product(t, t), n)))
        exponent = pair_product(log, times(two_sum(n, 1.0), 0.5))
        value[tail] = np.exp(-exponent[0]) * (1 - exponent[1])
    return value


#: Below this a power loses digits if its exponent is rounded.
_TAIL = 0.1


t_power: Elementwise = piece(
    _t_power,
    (
        lambda n, t, out: out / 2 * (_less_expm1(-np.log1p(t / n * t)) + t / (n + t * t) * t / n),
        lambda n, t, out: -out * (n + 1) * (t / (n + t * t)),
    ),
    ("n", "t"),
)


def _t_density(df: Any, t: Any) -> Any:
    """Student's density; with infinitely many degrees of freedom the normal one."""
    finite = df < np.inf
    n = cut(finite, df, 1)
    own = np.where(finite, t_power(n, cut(finite, t, 0)) * half_step(n / 2), gaussian(-0.5, t))
    return own / ROOT_TWO_PI


def _t_slope(n: Any, t: Any) -> Any:
    """4 times the derivative of P(T < -|t|) by the degrees of freedom."""
    result = 4 * tail_by_df(n, t)
    rest = np.isnan(result)
    if np.any(rest):
        result[rest] = _t_slope_of_ratio(n[rest], t[rest])
    return result


def _t_slope_of_ratio(n: Any, t: Any) -> Any:
    """By the F distribution of t*t with 1 and n degrees of freedom.

    In the tails with |t| times the density itself in it, which is known better.
    """
    half, one = np.full_like(n, 0.5), np.ones_like(n)
    direct, power = _shape_slope(n / 2, half, one, t * t, t), _t_power(n, t)
    tail = power < _TAIL
    if not np.any(tail):
        return direct
    w, v = n / (n + t * t), t * t / (n + t * t)
    whole = np.abs(t) * power * half_step.compute(n / 2) / ROOT_TWO_PI
    ratio = whole / (w * v * ratio_density(n / 2, half, w, v))
    return direct * np.where(tail & (np.abs(ratio - 1) < _NEAR), ratio, 1)


#: How far apart these may be.
_NEAR = 1e-10

t_slope: Elementwise = piece(
    _t_slope,
    (
        lambda n, t: _shape_slope_by_a(n / 2, *_half_and_one(n), t * t) / 2,
        lambda n, t: -2 * _shape_slope_by_ratio(n / 2, *_half_and_one(n), t * t) / t,
    ),
    ("n", "t"),
)


def _half_and_one(n: Any) -> tuple[Any, Any]:
    return np.full((), 0.5, n.dtype), np.ones((), n.dtype)


def _t_by_df(df: Any, t: Any) -> Any:
    usable = (df < np.inf) & (t != 0)
    slope = t_slope(cut(usable, df, 1), cut(usable, t, 1))
    return np.where(usable, np.sign(t) * slope / -4, np.zeros((), slope.dtype))


def _t_tail(df: Any, t: Any) -> Any:
    """P(T < t) for t < 0."""
    square = t * t
    return small_beta(df / 2, np.full_like(df, 0.5), df / (df + square), square / (df + square)) / 2


T = ("df", "t")
_t: Slopes = (_t_by_df, _t_density)
_t_tails: Tails = (_t_tail, _t_tail)
distribution(sp.stdtr, T, _t)
inverse(sp.stdtrit, ("df", "p"), T, _t, "t", tails=_t_tails)
inverse(sp.stdtridf, ("p", "t"), T, _t, "df", tails=_t_tails)
