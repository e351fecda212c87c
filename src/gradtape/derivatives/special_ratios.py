"""Partial derivatives of the F distribution and of Student's t, and of their inverses."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sp

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
    Pair,
    pair_over,
    pair_product,
    plus,
    times,
    two_product,
    two_sum,
)
from gradtape.derivatives.special_parts import cut, gaussian, piece
from gradtape.derivatives.special_polygamma import less_log1p, log_excess, psi_bend, psi_rise
from gradtape.derivatives.special_shares import beta_gap, ratio_slope
from gradtape.derivatives.special_steps import half_step
from gradtape.derivatives.special_student import power_logarithm, tail_by_df
from gradtape.derivatives.special_units import exponential, over, ratio_unit, unit_value
from gradtape.rules import Elementwise

__all__ = ["f_density", "ratio_rate"]

ROOT_TWO_PI = float(np.sqrt(2 * np.pi))


# The density --------------------------------------------------------------------------------------


def _ratio_rate(a: Any, b: Any, p: Any, q: Any) -> Any:
    """How fast I(w; a, b) with w = ap/(ap + bq) grows with log(p/q)."""
    usable = _usable(a, b, p, q)
    found = unit_value(ratio_unit(*[np.where(usable, k, 1) for k in (a, b, p, q)]))
    return np.where(usable, found, 0)


def _usable(a: Any, b: Any, p: Any, q: Any) -> Any:
    return (a > 0) & (b > 0) & (p > 0) & (q > 0) & (np.maximum(a + b, np.maximum(p, q)) < np.inf)


ratio_rate: Elementwise = piece(
    _ratio_rate,
    (
        lambda a, b, p, q, out: out * _log_slope_by_a(a, b, p, q),
        lambda a, b, p, q, out: out * _log_slope_by_a(b, a, q, p),
        lambda a, b, p, q, out: out * _log_slope(a, b, p, q) / p,
        lambda a, b, p, q, out: -out * _log_slope(a, b, p, q) / q,
    ),
    ("a", "b", "p", "q"),
)


def _shares(a: Any, b: Any, p: Any, q: Any) -> tuple[Any, Any]:
    """w and 1 - w."""
    total = a * p + b * q
    return a * p / total, b * q / total


def _log_slope(a: Any, b: Any, p: Any, q: Any) -> Any:
    """Of the logarithm of that rate by log(p/q)."""
    w, v = _shares(a, b, p, q)
    return a * v - b * w


def _log_slope_by_a(a: Any, b: Any, p: Any, q: Any) -> Any:
    w, v = _shares(a, b, p, q)
    return np.log(w) + psi_rise(a, b) + v - w * b / a


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


#: h(t) below w, of numbers there: the logarithm, and k.
_BELOW: Beside = (
    lambda a, b, x, y: (np.log1p((x * b - y * a) / a), log_excess(a, b)),
    lambda fallen, grown, log, excess: _less_expm1(log - fallen) + excess,
)


def _numbers_above(b: Any, a: Any, y: Any, x: Any) -> tuple[Any, ...]:
    first = np.log1p((x * b - y * a) / a), log_excess(a, b)
    return *first, y, np.log(x), b / a, psi_bend(a, b)


def _by_rest(s: Any, log: Any, share: Any, bend: Any) -> tuple[Any, Any]:
    """h at t = 1 - s, psi(a+b) - psi(a) - b/a + s b/a - (-s - log t), and the size of its terms."""
    near = s < 0.5
    curved = np.where(near, less_log1p(np.where(near, -s, 0)), -s - log)
    return bend + (s * share - curved), np.abs(bend) + s * share + curved


def _above(
    fallen: Any, grown: Any, log: Any, excess: Any, y: Any, log_x: Any, share: Any, bend: Any
) -> Any:
    """h(t) above w, with a and b exchanged.

    If t is close to 1, its terms cancel for b close to 1, and the exponential of a large logarithm
    loses digits; those by 1 - t are better there.
    """
    log = log + grown
    first = _less_expm1(log)
    other, size = _by_rest(y * np.exp(-fallen), log_x + grown, share, bend)
    return np.where(size < excess - first * (1 + np.abs(log)), other, first + excess)


_ABOVE: Beside = (_numbers_above, _above)


#: Parameters below this are few degrees of freedom.
_FEW = 0.5


def _log_share(a: Any, b: Any, p: Any, q: Any) -> Any:
    """log(w (a+b)/a), whose rounding is that of all the integral.

    In long doubles, which have more digits on most machines.
    """
    a, b, p, q = [k.astype(np.longdouble) for k in (a, b, p, q)]
    return np.log1p(b * (p - q) / (a * p + b * q))


def _shape_slope(a: Any, b: Any, p: Any, q: Any, root: Any = None, unit: Any = None) -> Any:
    """The partial of I(ap/(ap + bq); a, b) by a; the unit is how fast it grows with log(p/q).

    ``root`` is the square root of q, if that is better known.
    """
    usable = _usable(a, b, p, q)
    wide = q.astype(np.longdouble) if root is None else root.astype(np.longdouble) ** 2
    a, b, p, q, wide = (np.where(usable, k, 1) for k in (a, b, p, q, wide))
    w, v = _shares(a, b, p, q)
    log, excess = _log_share(a, b, p, wide).astype(float), log_excess(a, b)
    log = np.where(w <= 1e-3, np.log(p / (a * p + b * q) * (a + b)), log)
    unit = unit_value(ratio_unit(a, b, p, q)) if unit is None else unit
    first = _less_expm1(log)
    middle = first + excess > 0
    # Of few degrees of freedom to that side of w where h has one sign.
    left = np.where(a < _FEW, (log < 0) & ~middle, p <= q)
    known = unit, log, excess
    value = chosen(left, lambda *z: beta_below(_BELOW, *z), a, b, w, v, *known)
    more = (v, np.log(w), b / a, psi_bend(a, b))
    lobes = middle & (_by_rest(*more)[1] > _END * (excess - first))
    value -= chosen(~left, lambda *z: beta_below(_ABOVE, *z), b, a, v, w, *known, *more)
    near = usable & lobes & (np.abs(value) < _CANCELLED * np.minimum(excess, 1))
    exact = np.full(a.shape, np.nan) if root is None else np.where(usable, root, 1)
    closer = chosen(near, ratio_slope, a, b, p, q, exact)
    return np.where(usable, np.where(near & ~np.isnan(closer), closer, value), 0)


#: Beside a zero between both places where h changes its sign the slope is less than this times k
#: (or 1, for less than which a tiny a has a large k).
_CANCELLED = 0.3
#: Where the terms of h by 1 - t are smaller by this there is no other place.
_END = 1e-3


def _moment_slope(by_own: Any, by_other: Any, a: Any, b: Any, w: Any, v: Any) -> Any:
    low = w <= v
    one, none = np.ones((), a.dtype), np.zeros((), a.dtype)
    below = by_own(one, none, a, b, cut(low, w, 0.5))
    return np.where(low, below, -by_other(none, one, b, a, cut(~low, v, 0.5)))


def _shape_slope_by_a(a: Any, b: Any, p: Any, q: Any) -> Any:
    w, v = _shares(a, b, p, q)
    log_w = np.log(w) + psi_rise(a, b)
    moment = _moment_slope(beta_moment_by_a, beta_moment_by_b, a, b, w, v)
    return moment + ratio_rate(a, b, p, q) / a * (2 * log_w - 1 / a + v - w * b / a)


def _shape_slope_by_b(a: Any, b: Any, p: Any, q: Any) -> Any:
    w, v = _shares(a, b, p, q)
    log_v = np.log(v) + psi_rise(b, a)
    moment = _moment_slope(beta_moment_by_b, beta_moment_by_a, a, b, w, v)
    return moment + ratio_rate(a, b, p, q) * (log_v / a - _log_slope_by_a(a, b, p, q) / b)


def _shape_slope_by_ratio(a: Any, b: Any, p: Any, q: Any) -> Any:
    """By log(p/q)."""
    return ratio_rate(a, b, p, q) * _log_slope_by_a(a, b, p, q)


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


def _f_density(dfn: Any, dfd: Any, x: Any) -> Any:
    usable = _usable(dfn, dfd, x, 1.0)
    n, d, place = [np.where(usable, k, 1) for k in (dfn, dfd, x)]
    density = over(ratio_unit(n / 2, d / 2, place, np.ones(x.shape)), place)
    start = np.where(dfn < 2, np.inf, np.where(dfn == 2, 1, 0))
    known = (dfn > 0) & (dfd > 0) & (dfn + dfd < np.inf)
    edge = np.where(known & (x == 0), start, np.where(known & (x == x), 0, np.nan))
    return np.where(usable, density, edge)


def _one(x: Any) -> Any:
    return np.ones((), x.dtype)


f_density: Elementwise = piece(
    _f_density,
    (
        lambda n, d, x, out: out * _log_slope_by_a(n / 2, d / 2, x, _one(x)) / 2,
        lambda n, d, x, out: out * _log_slope_by_a(d / 2, n / 2, _one(x), x) / 2,
        lambda n, d, x, out: out * (_log_slope(n / 2, d / 2, x, _one(x)) - 1) / x,
    ),
    ("n", "d", "x"),
)


F = ("dfn", "dfd", "x")
_f: Slopes = (
    lambda dfn, dfd, x: shape_slope(dfn / 2, dfd / 2, x, _one(x)) / 2,
    lambda dfn, dfd, x: -shape_slope(dfd / 2, dfn / 2, _one(x), x) / 2,
    lambda dfn, dfd, x: f_density(dfn, dfd, x),
)


def _f_tail(n: Any, d: Any, x: Any) -> Any:
    one = np.ones(x.shape)
    return small_beta(
        n / 2, d / 2, *_shares(n, d, x, one), ratio_rate.compute(n / 2, d / 2, x, one)
    )


def _f_rest(n: Any, d: Any, x: Any) -> Any:
    one = np.ones(x.shape)
    shares = _shares(d, n, one, x)
    return small_beta(d / 2, n / 2, *shares, ratio_rate.compute(n / 2, d / 2, x, one))


_f_tails: Tails = (_f_tail, _f_rest)
distribution(sp.fdtr, F, _f)
distribution(sp.fdtrc, F, _f, -1)


def _pair_shares(n: Pair, d: Any) -> tuple[Pair, Pair]:
    """n and d over their sum."""
    rest = d, np.zeros(np.shape(d))
    total = plus(n, rest)
    return pair_over(n, total), pair_over(rest, total)


def _f_gap(level: Any, sign: Any, n: Any, d: Any, x: Any) -> Any:
    return beta_gap(level, sign, (n / 2, 0.0), (d / 2, 0.0), *_pair_shares(two_product(n, x), d))


inverse(sp.fdtri, ("dfn", "dfd", "p"), F, _f, "x", tails=_f_tails, gap=_f_gap)
inverse(sp.fdtridfd, ("dfn", "p", "x"), F, _f, "dfd", tails=_f_tails, gap=_f_gap)


def _t_power(n: Any, t: Any) -> Any:
    """(1 + t t/n)**(-(n+1)/2); out in the tails with the exponent in two parts."""
    square = t / n * t
    value = np.power(1 + square, -(n + 1) / 2)
    value = np.where(n < 16, value, np.exp(-(n + 1) / 2 * np.log1p(square)))
    tail = (value < _TAIL) & (np.abs(t) < np.inf)
    if np.any(tail):
        n, t = n[tail], t[tail]
        value[tail] = exponential(pair_product(power_logarithm(n, t), times(two_sum(n, 1.0), -0.5)))
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
    """By the F distribution of t*t with 1 and n degrees of freedom."""
    half, one = np.full_like(n, 0.5), np.ones_like(n)
    return _shape_slope(n / 2, half, one, t * t, t, _t_unit(n, t))


def _t_unit(n: Any, t: Any) -> Any:
    """|t| times the density, which is that of the ratio likewise."""
    return np.abs(t) * (_t_power(n, t) * half_step.compute(n / 2) / ROOT_TWO_PI)


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
    shares = _shares(df, np.ones_like(df), np.ones_like(t), t * t)
    return small_beta(df / 2, np.full_like(df, 0.5), *shares, _t_unit(df, t)) / 2


def _t_gap(level: Any, df: Any, t: Any) -> tuple[Any, Any]:
    """P(T < t) - level, near the median by P(t < T < 0)."""
    low, one = np.minimum(level, 1 - level), np.ones(t.shape)
    inner = low > _INNER
    outer = chosen(~inner, lambda *z: _t_tail(*z[:2]) - z[2], df, t, low)
    middle = chosen(inner, _t_middle, df, t, one)
    gap = np.where(inner, (0.5 - low) - middle, outer)
    return np.where(level <= 0.5, gap, -gap), np.where(inner, 0.5 - low, low)


def _t_middle(df: Any, t: Any, one: Any) -> Any:
    shares = _shares(one, df, t * t, one)
    return small_beta(one / 2, df / 2, *shares, _t_unit(df, t)) / 2


#: From this level on.
_INNER = 0.25

T = ("df", "t")
_t: Slopes = (_t_by_df, _t_density)
distribution(sp.stdtr, T, _t)


def _t_closer_gap(level: Any, sign: Any, df: Any, t: Any) -> Any:
    """By the probability of |t| or more, that of F of its square."""
    middle, outer = _pair_shares(two_product(t, t), df)
    goal = 2 * np.minimum(level, 1 - level)
    gap = beta_gap(goal, sign, (df / 2, 0.0), (0.5, 0.0), outer, middle) / 2
    return np.where((t < 0) == (level < 0.5), np.where(level <= 0.5, gap, -gap), np.nan)


inverse(sp.stdtrit, ("df", "p"), T, _t, "t", tails=_t_gap, gap=_t_closer_gap)
inverse(sp.stdtridf, ("p", "t"), T, _t, "df", tails=_t_gap, gap=_t_closer_gap)
