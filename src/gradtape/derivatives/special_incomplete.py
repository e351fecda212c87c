"""The incomplete gamma and beta functions, by all their arguments.

By the argument x the derivatives are densities. By a parameter they are means of logarithms under
these densities, up to x: ``log_moment`` and ``beta_moment``, the moments that are closed under
differentiation. On the side of x where the integrand has one sign they are integrated by the double
exponential rule (H. Takahasi and M. Mori, "Double exponential formulas for numerical integration",
Publ. RIMS 9, 1974), so that nothing cancels.

Measured against 50 digits: densities are within 8 units in the last place; the derivatives by a
parameter within 4 for gammainc and 8 for betainc, and within 1e-13 up to parameters of 1e6.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.special as sp

from gradtape.derivatives.special_densities import (
    beta_density,
    gamma_density,
    log_over_psi,
    share_excess,
)
from gradtape.derivatives.special_pairs import two_sum
from gradtape.derivatives.special_parts import integral, piece
from gradtape.derivatives.special_polygamma import log_excess, polygamma, psi_rise
from gradtape.derivatives.special_precision import blockwise
from gradtape.derivatives.special_ufuncs import several_arguments
from gradtape.derivatives.special_units import beta_unit, gamma_unit, unit_value
from gradtape.rules import Elementwise

__all__ = [
    *("beta_density", "beta_moment", "gamma_density", "log_moment"),
    *("Beside", "beta_below", "beta_moment_by_a", "beta_moment_by_b", "chosen"),
    *("small_beta", "small_gamma", "small_gamma_rest"),
]


# Integrals over a tail ----------------------------------------------------------------------------


def _tail_rule(per_unit: int) -> tuple[Any, Any]:
    """Nodes and weights for functions on the positive axis that fall like exp(-u)."""
    steps = np.arange(int(-3.7 * per_unit), int(3.9 * per_unit)) / per_unit
    nodes = np.exp(steps - np.exp(-steps))
    return nodes, nodes * (1 + np.exp(-steps)) / per_unit


#: For functions like exp(-u), and like exp(-exp(u)); and for those that bend long before they fall,
#: whose scale is larger than that.
SMOOTH, CURVED, BENT = _tail_rule(12), _tail_rule(24), _tail_rule(48)
_BENT = 30.0


def _tail(integrand: Callable[..., Any], scale: Any, rule: Any, *arrays: Any) -> Any:
    """The integral over u > 0 of a function that falls like exp(-u/scale) or faster."""
    nodes, weights = rule
    u = scale[..., None] * nodes
    values = integrand(u, *[a[..., None] for a in arrays])
    return np.where(u < np.inf, values, 0) @ weights * scale


def _falls_to(level: float, start: Any, fall: Callable[..., Any]) -> Any:
    """Where a convex function, 0 at 0, reaches a level: Newton's method from the right."""
    u = start
    for _ in range(24):
        value, slope = fall(u)
        u = np.where(slope > 0, u - (value - level) / slope, u)
    return u


def chosen(where: Any, function: Callable[..., Any], *arrays: Any) -> Any:
    """A costly function of the chosen entries only, 0 elsewhere."""
    out = np.zeros(where.shape)
    if np.any(where):
        out[where] = function(*[a[where] for a in arrays])
    return out


# The gamma distribution ---------------------------------------------------------------------------


def _gamma_unit(a: Any, x: Any, lost: Any) -> Any:
    """x times the density at x + lost."""
    return unit_value(gamma_unit(a, (x, np.zeros(x.shape) + lost)))


def _gamma_below(n: int, a: Any, x: Any, lost: Any = 0.0) -> Any:
    """The moment up to x, through t = x exp(-u); best where the density rises."""
    log_ratio = log_over_psi(a, x)
    scale = _falls_to(1.0, (1 + x) / a, lambda u: (a * u + x * np.expm1(-u), a - x * np.exp(-u)))

    def integrand(u: Any, a: Any, x: Any, log_ratio: Any) -> Any:
        return np.exp(-a * u - x * np.expm1(-u)) * (log_ratio - u) ** n

    return _gamma_unit(a, x, lost) * _tail(integrand, scale, SMOOTH, a, x, log_ratio)


def _gamma_above(n: int, a: Any, x: Any, lost: Any = 0.0) -> Any:
    """The moment from x on, through t = x exp(u); best where the density falls."""
    log_ratio = log_over_psi(a, x)
    start = (1 + np.sqrt(1 + 2 * x)) / x
    scale = _falls_to(1.0, start, lambda u: (x * np.expm1(u) - a * u, x * np.exp(u) - a))

    def integrand(u: Any, a: Any, x: Any, log_ratio: Any) -> Any:
        return np.exp(a * u - x * np.expm1(u)) * (log_ratio + u) ** n

    return _gamma_unit(a, x, lost) * _tail(integrand, scale, CURVED, a, x, log_ratio)


def _gamma_series(a: Any, x: Any) -> Any:
    """The first moment for small x: the power series of gammainc, DLMF 8.7.1, by a."""
    term = np.ones(x.shape)
    total, by_a = term, np.zeros(x.shape)
    for k in range(1, 20):
        term = term * -x / k
        total = total + term * a / (a + k)
        by_a = by_a + term * k / (a + k) ** 2
    power = x**a * sp.rgamma(a + 1)
    return power * ((np.log(x) - sp.psi(a + 1)) * total + by_a)


def _log_moment(n: Any, a: Any, x: Any) -> Any:
    """The integral of the gamma density times (log t - digamma(a))**n over 0 < t < x."""
    order = int(n.flat[0]) if n.size else 0
    if order == 0:
        return sp.gammainc(a, x)
    usable = (a > 0) & (x > 0) & (x < np.inf)
    p, t = np.where((a > 0) & (x > 0), a, 1), np.where(usable, x, 0.5)
    middle = np.exp(sp.psi(p))
    left, small = t <= middle, t <= 0.4
    value = -chosen(~(left | small), lambda a, x: _gamma_above(order, a, x), p, t)
    if order == 1:  # over all t it is 0
        value += chosen(left, lambda a, x: _gamma_below(1, a, x), p, t)
        value += chosen(small & ~left, _gamma_series, p, t)
    else:
        split = np.maximum(middle, 1)
        whole = _gamma_below(order, p, split) + _gamma_above(order, p, split)
        value += chosen(left | small, lambda a, x: _gamma_below(order, a, x), p, t)
        value += np.where(left | small, 0, whole)
        usable = usable | ((a > 0) & (x == np.inf))
        value = np.where(x == np.inf, whole, value)
    return np.where(usable, value, np.where((a >= 0) & (x >= 0), 0, np.nan))


log_moment: Elementwise = piece(
    _log_moment,
    (
        None,
        lambda n, a, x: (
            log_moment(n + 1, a, x) - n * polygamma(1, a) * log_moment(np.maximum(n - 1, 0), a, x)
        ),
        lambda n, a, x: gamma_density(a, x) * log_over_psi(a, x) ** n,
    ),
    ("n", "a", "x"),
)


# The beta distribution ----------------------------------------------------------------------------


#: What stands beside the density under an integral up to x: numbers that it needs, of a, b, x and
#: 1 - x, and the function itself of t by log(x/t), log((1-t)/(1-x)) and these numbers.
Beside = tuple[Callable[..., Any], Callable[..., Any]]


def _centred(a: Any, b: Any, x: Any, y: Any, excess: Any) -> Any:
    """log x + psi(a+b) - psi(a), by the logarithm of x (a+b)/a."""
    finite = a + b < np.inf
    p, q = np.where(finite, a, 1), np.where(finite, b, 1)
    near = finite & (np.abs(excess) < 0.5 * a)
    ratio = np.where(near, 1, x * ((p + q) / p))
    log = np.where(near, np.log1p(np.where(near, excess, 0) / p), np.log(ratio)) + log_excess(p, q)
    return np.where(finite & (ratio < np.inf), log, np.log(x) + psi_rise(a, b))


def _log_powers(m: int, n: int) -> Beside:
    """Powers of the logarithms of t and 1 - t, centred: near the mean by the distance from it."""

    def logs(a: Any, b: Any, x: Any, y: Any) -> tuple[Any, ...]:
        low = x <= y
        smaller = np.where(low, a, b), np.where(low, b, a), np.where(low, x, y)
        excess = np.where(low, 1, -1) * share_excess(*smaller)
        log_x = (_centred(a, b, x, y, excess),) if m else ()
        return (*log_x, _centred(b, a, y, x, -excess)) if n else log_x

    def powers(fallen: Any, grown: Any, *logs: Any) -> Any:
        if n == 0:
            return (logs[0] - fallen) ** m
        return (logs[-1] + grown) ** n * ((logs[0] - fallen) ** m if m else 1.0)

    return logs, powers


#: For the distribution function itself.
_NOTHING: Beside = (lambda a, b, x, y: (), lambda fallen, grown: 1.0)


def _beta_unit(a: Any, b: Any, x: Any, y: Any) -> Any:
    """x y times the density at x, where y = 1 - x; the larger one may be rounded."""
    low, none = x <= y, np.zeros(x.shape)
    rest = two_sum(1.0, -np.minimum(x, y))
    left = np.where(low, x, rest[0]), np.where(low, none, rest[1])
    right = np.where(low, rest[0], y), np.where(low, rest[1], none)
    return unit_value(beta_unit(a, b, left, right))


#: Beyond this exp(u) overflows.
_MOST = 700.0


def _beta_tail(function: Any, a: Any, b: Any, x: Any, y: Any, unit: Any, *numbers: Any) -> Any:
    """The integral up to x, where y = 1 - x, through t/(1-t) = x/y exp(-u)."""

    def fall(u: Any) -> Any:
        rest = x * np.exp(-u)
        return a * u + (a + b) * np.log(y + rest), a - (a + b) * rest / (y + rest)

    scale = _falls_to(1.0, (1 - (a + b) * np.log(y)) / a, fall)

    # The larger of x and y is rounded, which a and b multiply.
    lost = np.where(x <= y, -a * ((1 - y) - x), b * ((1 - x) - y))

    def integrand(u: Any, a: Any, b: Any, x: Any, y: Any, lost: Any, *numbers: Any) -> Any:
        change = np.expm1(-u)
        growth = x * change
        grown = -np.log1p(growth)  # log of (1-t)/y
        near = np.log1p(y * np.expm1(np.minimum(u, _MOST)))
        fallen = np.where(u > _MOST, u - grown, near)  # of x/t
        exponent = b * grown - a * fallen - lost * change / (1 + growth)
        return np.exp(exponent) * function(fallen, grown, *numbers)

    rule = BENT if np.max(scale, initial=0.0) > _BENT else CURVED
    return unit * _tail(integrand, scale, rule, a, b, x, y, lost, *numbers)


#: Where the integral over s = log(t/(1-t)) from 0 on is cut into panels.
PANELS = (0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 800.0)


def _beta_panels(function: Any, a: Any, b: Any, x: Any, y: Any, unit: Any, *numbers: Any) -> Any:
    """The integral from 1/2 to x."""
    end = np.log(x / y)

    def integrand(r: Any, gap: Any, a: Any, b: Any, x: Any, y: Any, *numbers: Any) -> Any:
        u = gap + r  # from the end on to the left
        far, near = u + np.log(y + x * np.exp(-u)), y * np.expm1(np.minimum(u, _MOST))
        fallen = np.where(u > _MOST, far, np.log1p(near))  # log of x/t
        grown = u - fallen
        return np.exp(b * grown - a * fallen) * function(fallen, grown, *numbers)

    total = np.zeros(x.shape)
    for low, high in pairwise(PANELS):
        right = np.minimum(end, high)
        width = right - np.minimum(end, low)
        total = total + integral(integrand, width, end - right, a, b, x, y, *numbers)
    return unit * total


def _may_stay_level(a: Any, b: Any, x: Any, y: Any) -> Any:
    """Where the density left of x may stay level, before it falls."""
    return (b < 1) & (x > 0.5) & (a * y < 12)


def beta_below(
    beside: Beside, a: Any, b: Any, x: Any, y: Any, unit: Any = None, *numbers: Any
) -> Any:
    """The integral of the density times what stands beside it up to x, where y = 1 - x.

    Of bare arrays of one shape. If the density may stay level and then fall, from 1/2 on by itself.
    ``unit``, x y times the density, and ``numbers`` are those at x, where they are better known
    than from x.
    """
    start, function = beside
    numbers = numbers or start(a, b, x, y)
    unit = _beta_unit(a, b, x, y) if unit is None else unit
    steep = _may_stay_level(a, b, x, y)
    if not np.any(steep):
        return _beta_tail(function, a, b, x, y, unit, *numbers)
    half = np.full(x.shape, 0.5)
    at_half = [np.where(steep, h, k) for h, k in zip(start(a, b, half, half), numbers, strict=True)]
    places = np.where(steep, half, x), np.where(steep, half, y)
    at = np.where(steep, chosen(steep, _beta_unit, a, b, half, half), unit)
    tail = _beta_tail(function, a, b, *places, at, *at_half)
    return tail + chosen(steep, lambda *v: _beta_panels(function, *v), a, b, x, y, unit, *numbers)


def _beta_powers(m: int, n: int, a: Any, b: Any, x: Any, y: Any) -> Any:
    return beta_below(_log_powers(m, n), a, b, x, y)


def _beta_moment(m: Any, n: Any, a: Any, b: Any, x: Any) -> Any:
    """The integral of the beta density times powers of centred logarithms over 0 < t < x.

    Powers m of log t - (digamma(a) - digamma(a+b)), n of log(1-t) - (digamma(b) - digamma(a+b)).
    """
    i, j = (int(k.flat[0]) if k.size else 0 for k in (m, n))
    others = (m != i) | (n != j)
    if np.any(others):
        value = chosen(others, _beta_moment, m, n, a, b, x)
        return value + chosen(~others, _beta_moment, m, n, a, b, x)
    if i == j == 0:
        return sp.betainc(a, b, x)
    known = (a > 0) & (b > 0) & (x > 0) & (x <= 1)
    usable = known & (x < 1)
    p, q, t = np.where(known, a, 1), np.where(known, b, 1), np.where(usable, x, 0.5)
    if i + j == 1:  # to that side of x where the logarithm keeps its sign
        left = np.log(t) + psi_rise(p, q) <= 0 if i else np.log1p(-t) + psi_rise(q, p) >= 0
    else:
        left = t <= p / (p + q)
    rest = 1 - t
    value = chosen(left, lambda *v: _beta_powers(i, j, *v), p, q, t, rest)
    value -= chosen(~left, lambda *v: _beta_powers(j, i, *v), q, p, rest, t)
    if i + j > 1:
        mean, rest = p / (p + q), q / (p + q)
        whole = _beta_powers(i, j, p, q, mean, rest) + _beta_powers(j, i, q, p, rest, mean)
        value += np.where(left, 0, whole)
        usable = known
        value = np.where(x == 1, whole, value)
    outside = (a >= 0) & (b >= 0) & (x >= 0) & (x <= 1)
    return np.where(usable, value, np.where(outside, 0, np.nan))


def beta_moment_by_a(m: Any, n: Any, a: Any, b: Any, x: Any) -> Any:
    joint = polygamma(1, a + b)
    return (
        beta_moment(m + 1, n, a, b, x)
        - m * (polygamma(1, a) - joint) * beta_moment(np.maximum(m - 1, 0), n, a, b, x)
        + n * joint * beta_moment(m, np.maximum(n - 1, 0), a, b, x)
    )


def beta_moment_by_b(m: Any, n: Any, a: Any, b: Any, x: Any) -> Any:
    joint = polygamma(1, a + b)
    return (
        beta_moment(m, n + 1, a, b, x)
        - n * (polygamma(1, b) - joint) * beta_moment(m, np.maximum(n - 1, 0), a, b, x)
        + m * joint * beta_moment(np.maximum(m - 1, 0), n, a, b, x)
    )


def _beta_moment_by_x(m: Any, n: Any, a: Any, b: Any, x: Any) -> Any:
    logs = (np.log(x) + psi_rise(a, b)) ** m * (np.log1p(-x) + psi_rise(b, a)) ** n
    return beta_density(a, b, x) * logs


beta_moment: Elementwise = piece(
    _beta_moment,
    (None, None, beta_moment_by_a, beta_moment_by_b, _beta_moment_by_x),
    ("m", "n", "a", "b", "x"),
)


# The distribution functions themselves ------------------------------------------------------------
# Where they are at most 1/2; SciPy's are off by up to 50 units in the last place.


def _gamma_upper(a: Any, x: Any, lost: Any) -> Any:
    far = x > 0.2
    above = chosen(far, lambda *v: _gamma_above(0, *v), a, x, lost)
    return np.where(far, above, sp.gammaincc(a, x))


def small_gamma(a: Any, x: Any, lost: Any = 0.0) -> Any:
    """The regularized incomplete gamma function below the median, of a bare x and what it lost."""
    return blockwise(lambda *v: _gamma_below(0, *v), a, x, lost)


def small_gamma_rest(a: Any, x: Any, lost: Any = 0.0) -> Any:
    """1 less that, above the median."""
    return blockwise(_gamma_upper, a, x, lost)


def small_beta(a: Any, b: Any, x: Any, y: Any, unit: Any = None) -> Any:
    """The regularized incomplete beta function of a bare x = 1 - y below the median."""
    known = () if unit is None else (unit,)
    return blockwise(lambda *v: beta_below(_NOTHING, *v), a, b, x, y, *known)


# SciPy's functions --------------------------------------------------------------------------------


several_arguments(
    {
        sp.gammainc: (lambda a, x: log_moment(1, a, x), lambda a, x: gamma_density(a, x)),
        sp.gammaincc: (lambda a, x: -log_moment(1, a, x), lambda a, x: -gamma_density(a, x)),
    },
    "a",
    "x",
)
several_arguments(
    {
        sp.betainc: (
            lambda a, b, x: beta_moment(1, 0, a, b, x),
            lambda a, b, x: beta_moment(0, 1, a, b, x),
            lambda a, b, x: beta_density(a, b, x),
        ),
        sp.betaincc: (
            lambda a, b, x: -beta_moment(1, 0, a, b, x),
            lambda a, b, x: -beta_moment(0, 1, a, b, x),
            lambda a, b, x: -beta_density(a, b, x),
        ),
    },
    *("a", "b", "x"),
)
