"""Partial derivatives of logistic, logarithmic, entropic and power functions, and of losses.

Where a function is extended by a limit (0 log 0 = 0), so is its derivative, one-sided if need be; a
derivative that has no limit there counts as 0, and where the function is constantly infinite the
derivative is 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sp

from gradtape.derivatives.special_arguments import refusing_ufuncs
from gradtape.derivatives.special_pairs import two_product
from gradtape.derivatives.special_parts import cut, log_slopes, piece, power_moment, relatively
from gradtape.derivatives.special_ufuncs import several_arguments, ufunc_behind
from gradtape.rules import Elementwise, elementwise, over

__all__ = ["lambert"]

LN2 = float(np.log(2.0))
LN10 = float(np.log(10.0))
#: 1/e as a float, and the logarithm of e times this float.
ONE_OVER_E, LOG_OF_REST = 0.36787944117144233, 3.3784855259134224e-17


def zero(x: Any) -> Any:
    """A zero of a value's dtype."""
    return np.zeros((), x.dtype)


# Products with logarithms -------------------------------------------------------------------------


def _xlogy(x: Any, y: Any) -> Any:
    """log y and x/y; both 0 at (0, 0)."""
    nothing = (x == 0) & (y == 0)
    rest = cut(~nothing, y, 1)
    return np.log(rest), x / rest


def _xlog1py(x: Any, y: Any) -> Any:
    """The same, where 1 + y is meant."""
    rest = cut(~((x == 0) & (y == -1)), y, 0)
    return np.log1p(rest), x / (1 + rest)


def _log_ratio(x: Any, y: Any) -> Any:
    """log(x/y) for x, y >= 0, without the rounding of x/y where they are near."""
    near = (y < 2 * x) & (x < 2 * y)
    difference = cut(near, x, 1) - cut(near, y, 1)
    close = np.log1p(difference / cut(near, y, 1))
    return np.where(near, close, np.log(cut(~near, x, 1)) - np.log(cut(~near, y, 1)))


def _log_and_one(x: Any, y: Any) -> Any:
    """log(x/y) + 1, which is 0 at x = y/e: near it by the distance from y/e, in two parts."""
    plain = _log_ratio(x, y) + 1
    near = np.abs(plain) < 0.3
    y, shift = np.frexp(np.where(near, y, 1))
    x = np.ldexp(np.where(near, x, ONE_OVER_E), -shift)
    middle, lost = two_product(np.full_like(y, ONE_OVER_E), y)
    close = np.log1p(((x - middle) - lost) / middle) + LOG_OF_REST
    return np.where(near, close, plain)


log_and_one: Elementwise = piece(_log_and_one, (lambda x: 1 / x, lambda y: -1 / y), ("x", "y"))


def _entr(x: Any) -> Any:
    return np.where(x < 0, zero(x), -log_and_one(cut(x >= 0, x, 1), np.ones((), x.dtype)))


def _rel_entr(x: Any, y: Any) -> Any:
    inside = (x >= 0) & (y > 0)
    p, q = cut(inside, x, 1), cut(inside, y, 1)
    return (
        np.where(inside, log_and_one(p, q), zero(p)),
        np.where(inside, -p / q, zero(q)),
    )


def _kl_div(x: Any, y: Any) -> Any:
    inside = (x >= 0) & (y > 0)
    p, q = cut(inside, x, 1), cut(inside, y, 1)
    edge = np.where((x == 0) & (y == 0), np.ones((), q.dtype), zero(q))
    return np.where(inside, _log_ratio(p, q), zero(p)), np.where(inside, (q - p) / q, edge)


several_arguments(
    {
        sp.xlogy: _xlogy,
        sp.xlog1py: _xlog1py,
        sp.rel_entr: _rel_entr,
        sp.kl_div: _kl_div,
    },
    *("x", "y"),
)
elementwise(
    {
        sp.entr: _entr,
        sp.expit: lambda x, out: out * sp.expit(-x),
        sp.log_expit: lambda x: sp.expit(-x),
        sp.logit: over(lambda x: x * (1 - x)),
        sp.exprel: lambda x: power_moment(1, x),
        sp.exp10: lambda out: LN10 * out,
    }
)


def _spence(x: Any) -> Any:
    """log(x)/(1 - x), which is -1 at 1."""
    low = np.real(x) < 0.5
    near = -log_slopes(0, cut(~low, x, 1) - 1)
    return np.where(low, np.log(cut(low, x, 0.25)) / (1 - cut(low, x, 0.25)), near)


elementwise({sp.spence: _spence})

# SciPy's own of functions that NumPy has as well.
for _function, _partial in {
    sp.cbrt: over(lambda out: 3 * out * out),
    sp.exp2: lambda out: LN2 * out,
    sp.expm1: lambda x: np.exp(x),
    sp.log1p: over(lambda x: 1 + x),
}.items():
    elementwise({_function: _partial}, name=f"special.{_function.__name__}")


# Losses -------------------------------------------------------------------------------------------


def _huber(delta: Any, r: Any) -> Any:
    """r cut off at delta, and how far |r| is beyond; a kink counts as inside."""
    inside = delta >= 0
    d = cut(inside, delta, 0)
    return (
        np.where(inside, np.maximum(np.abs(r) - d, 0), zero(d)),
        np.where(inside, np.clip(r, -d, d), zero(r)),
    )


def _pseudo_huber(delta: Any, r: Any) -> Any:
    """With h = hypot(delta, r): (h - delta)**2/h, and delta r/h."""
    inside = delta >= 0
    d = cut(inside, delta, 1)
    h = np.hypot(d, r)
    safe = relatively(h)
    fraction = r / relatively(h + d)
    return (
        np.where(inside, (r / safe * fraction) * (r * fraction), zero(d)),
        np.where(inside, d / safe * r, zero(r)),
    )


several_arguments({sp.huber: _huber, sp.pseudo_huber: _pseudo_huber}, "delta", "r")


# Powers -------------------------------------------------------------------------------------------


def _powm1(x: Any, y: Any) -> Any:
    """Of x**y, as NumPy's power has them: a base that is not positive has logarithm 0."""
    by_x = y * np.power(x, np.where(y == 0, np.ones((), y.dtype), y - 1))
    return by_x, np.power(x, y) * np.log(cut(x > 0, x, 1))


def _boxcox_by_lmbda(log: Any, x: Any, end: int, lmbda: Any) -> Any:
    """log**2 times the derivative of (exp(s) - 1)/s at s = lmbda log; x ends where log is -inf."""
    inside = log * log * power_moment(1, lmbda * log)
    at_end = np.where(x == end, 1 / cut(x == end, lmbda, 1) ** 2, np.full((), np.nan, lmbda.dtype))
    return np.where(x > end, inside, at_end)


def _boxcox(x: Any, lmbda: Any) -> Any:
    """x**(lmbda-1), and the partial by lmbda."""
    return np.power(x, lmbda - 1), _boxcox_by_lmbda(np.log(cut(x > 0, x, 1)), x, 0, lmbda)


def _boxcox1p(x: Any, lmbda: Any) -> Any:
    """The same, where 1 + x is meant."""
    by_lmbda = _boxcox_by_lmbda(np.log1p(cut(x > -1, x, 0)), x, -1, lmbda)
    return np.exp(sp.xlog1py(lmbda - 1, x)), by_lmbda


def _from_boxcox(value: Any, x: Any, lmbda: Any) -> Any:
    """Of v = (1 + lmbda x)**(1/lmbda): v/(1 + lmbda x), and v x**2 (log(1 + u)/u)' at lmbda x."""
    u = lmbda * x
    inside = u > -1
    safe = cut(inside, u, 0)
    edge = np.power(cut(~inside, 1 + u, 1), 1 / cut(~inside, lmbda, 1) - 1)
    by_x = np.where(inside, value / (1 + safe), edge)
    return by_x, np.where(inside, -value * x * x * log_slopes(1, safe), zero(value))


several_arguments({sp.powm1: _powm1}, "x", "y")
several_arguments(
    {
        sp.boxcox: _boxcox,
        sp.boxcox1p: _boxcox1p,
        sp.inv_boxcox: lambda x, lmbda, out: _from_boxcox(out, x, lmbda),
        sp.inv_boxcox1p: lambda x, lmbda: _from_boxcox(sp.inv_boxcox(x, lmbda), x, lmbda),
    },
    *("x", "lmbda"),
)


# The inverses of w + log w (DLMF 4.13.1): W + log W = log z, omega + log omega = z ----------------

#: The ufunc behind SciPy's Python function.
lambert = ufunc_behind(sp.lambertw)

elementwise(
    {lambert: (over(lambda z, out: z + np.exp(out)), None, None)},
    names=("z", "k", "tol"),
)
refusing_ufuncs({1: "the branch is a whole number", 2: "a tolerance has no derivative"}, lambert)

elementwise({sp.wrightomega: lambda out: out / (1 + out)})
