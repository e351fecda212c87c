"""Derivatives of the zeta functions, by both arguments."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from gradtape.derivatives.special_pairs import two_sum
from gradtape.derivatives.special_precision import blockwise
from gradtape.derivatives.special_ufuncs import ufunc_behind
from gradtape.derivatives.special_zeta_pairs import hurwitz_slope, reflected_slope
from gradtape.rules import Elementwise, elementwise, strip

__all__ = ["zeta_slope"]

#: How many terms of the sum are added one by one, and how many more at most for larger x.
_TERMS, _LARGE, _MOST = 14, 66, 2000
#: The corrections that follow have Bernoulli's numbers B_2j over (2j)!.
_BERNOULLI = [b / math.factorial(2 * j) for j, b in enumerate(special.bernoulli(28)[2::2], 1)]

#: Stieltjes' constants: over factorials, the coefficients of zeta about its pole (DLMF 25.2.4).
_STIELTJES = [
    *(0.5772156649015329, -0.07281584548367673, -0.00969036319287232, 0.002053834420303346),
    *(0.0023253700654673, 0.0007933238173010627, -0.0002387693454301996, -0.000527289567057751),
    *(-0.0003521233538030395, -3.439477441808805e-05, 0.0002053328149090648, 0.0002701844395439035),
    *(
        0.0001672729121051402,
        -2.7463806603760158e-05,
        -0.00020920926205929996,
        -0.0002834686553202414,
    ),
    *(
        -0.00019969685830896976,
        2.6277037109918338e-05,
        0.0003073684081492528,
        0.0005036054530473557,
    ),
    *(
        0.00046634356151155945,
        0.00010443776975600011,
        -0.0005415995822039977,
        -0.0012439620904082457,
    ),
    *(-0.0015885112789035616, -0.0010745919527384888, 0.0006568035186371545),
]
#: They are used that far around the pole and left of that.
_AROUND, _RIGHT = 2.0, 1.2
#: From here on, of those of negative x, no factor overflows.
_FIRST = -220.0
#: Slopes that are less than that share of their terms are beside a zero.
_SHARE = 0.3


def _slope(x: Any, q: Any, n: int) -> Any:
    """The nth derivative of zeta(x, q) by x."""
    return blockwise(lambda x, q: _entries(x, q, n), x, q)


def _entries(x: Any, q: Any, n: int) -> Any:
    near = (q == 1) & (np.abs(x - 1) <= _AROUND) & (np.real(x) < _RIGHT)
    result = np.empty_like(x)
    result[near] = _about_the_pole(x[near] - 1, n)
    result[~near] = _euler_maclaurin(x[~near], q[~near], n)
    if n == 1 and not np.iscomplexobj(x):  # one term is against all others
        lost = (q < 1) & (np.abs(result) < _SHARE * np.abs(np.log(q)) * q**-x)
        if np.any(lost):
            result[lost] = hurwitz_slope(x[lost], q[lost])
    if n == 0 and not np.iscomplexobj(x):
        other = ~((q > 0) & np.isfinite(q))
        result[other] = special.zeta(x[other], q[other])
    return result


def _about_the_pole(t: Any, n: int) -> Any:
    """The nth derivative of (25.2.4), whose terms cancel little."""
    total = np.zeros_like(t)
    for k in range(len(_STIELTJES) - 1, n - 1, -1):
        total = total * t + (-1) ** k * _STIELTJES[k] / math.factorial(k - n)
    return (-1) ** n * math.factorial(n) / t ** (n + 1) + total


def _euler_maclaurin(x: Any, q: Any, n: int) -> Any:
    """The sum of (k + q)^-x, term by term and then by Euler and Maclaurin (DLMF 25.11.5).

    Each part is a power b^-x times a polynomial in x, or times b/(x - 1), and so differentiated.
    """
    # For large real x the first terms are all; for complex x the sum must reach as far as |x|.
    most = _MOST if np.iscomplexobj(x) else _LARGE
    count = _TERMS + int(min(np.max(np.abs(x), initial=0.0, where=~np.isnan(x)), most))
    terms, power = _powers(np.arange(count), q[:, None], x[:, None])
    total = ((-np.log(terms)) ** n * power).sum(-1)
    base, power = _powers(count, q, x)
    log, factors = np.log(base), _factors(x, base, n)
    for i in range(n + 1):
        total = total + math.comb(n, i) * (-log) ** (n - i) * power * factors[i]
    known = np.abs(x) < most if np.iscomplexobj(x) else True
    return np.where(known, total, np.nan)


def _powers(k: Any, q: Any, x: Any) -> tuple[Any, Any]:
    """k + q, and its power -x, which feels what is lost in that sum."""
    base, lost = two_sum(1.0 * k, q)
    lost = np.where(np.isfinite(x), x, 0) * (lost / np.where(base == 0, 1, base))
    return base, base**-x * (1 - lost)


def _factors(x: Any, base: Any, n: int) -> list[Any]:
    """What stands beside base^-x in the rest of the sum, and its derivatives up to the nth."""
    found = [(-1) ** i * math.factorial(i) * base / (x - 1) ** (i + 1) for i in range(n + 1)]
    found[0] = found[0] + 0.5
    x = np.where(np.abs(x) < 1e9, x, 0)  # beyond, the power is 0
    rising = [x, np.ones_like(x), *[np.zeros_like(x)] * n][: n + 1]
    for j, number in enumerate(_BERNOULLI, 1):  # of x (x + 1) ... (x + 2j - 2)
        found = [f + number * r / base ** (2 * j - 1) for f, r in zip(found, rising, strict=True)]
        for k in (2 * j - 1, 2 * j):
            lower = [0, *rising]
            rising = [(x + k) * r + i * lower[i] for i, r in enumerate(rising)]
    return found


#: The nth derivative of zeta(x, q) by x. By q it is that of -x zeta(x + 1, q) (25.11.17).
zeta_slope: Elementwise = Elementwise(
    _slope,
    (
        lambda x, q, n: zeta_slope(x, q, n + 1),
        lambda x, q, n: -(x * zeta_slope(x + 1, q, n) + n * zeta_slope(x + 1, q, max(n - 1, 0))),
        None,
    ),
    names=("x", "q", "n"),
    name="zeta_slope",
)


def _reflect(x: Any, direct: Any) -> Any:
    """The slope left of the pole's surroundings, and as it is otherwise."""
    known = (x > _FIRST) & (x < 1 - _AROUND)
    if not np.any(known):
        return direct
    with np.errstate(all="ignore"):
        result = np.array(direct)
        result[known] = blockwise(reflected_slope, np.asarray(x)[known])
    return result[()]


#: Its slope is that of what it is otherwise.
_reflected: Elementwise = Elementwise(
    _reflect, (None, 1), names=("x", "direct"), name="zeta slope left of 0"
)


def _riemann_slope(x: Any) -> Any:
    """The derivative of the Riemann zeta function; far left that of its reflection (25.4.1)."""
    left = (np.real(strip(x)) < 0) & (np.abs(strip(x) - 1) > _AROUND)
    s = np.where(left, x, -1.0)
    one = np.ones((), s.dtype.char.lower())[()]
    turn = np.pi / 2 * s
    mirrored = special.zeta(1 - s)
    inner = (math.log(2 * np.pi) - special.psi(1 - s)) * mirrored - zeta_slope(1 - s, one, 1)
    inner = np.sin(turn) * inner + np.pi / 2 * np.cos(turn) * mirrored
    reflected = 2 * (2 * np.pi) ** (s - 1) * special.gamma(1 - s) * inner
    if not np.iscomplexobj(x):
        reflected = _reflected(strip(s), reflected)
    return np.where(left, reflected, zeta_slope(np.where(left, 2.0, x), one, 1))


def _unrounded(x: Any, q: Any) -> Any:
    """What zeta(x + 1, q) is beside the value at x + 1 rounded.

    Its slope over itself is minus a mean of logarithms, about that of the largest terms.
    """
    lost = two_sum(x, 1.0)[1]
    known = np.isfinite(lost) & (lost != 0) & (q > 0) & np.isfinite(q)
    rate = np.log(np.where(known, q, 1)) + 1 / np.where(known, x, 1)
    return 1 - np.where(known, lost, 0) * rate


#: The ufuncs behind SciPy's Python function.
hurwitz = ufunc_behind(special.zeta, 1.0)
riemann = ufunc_behind(special.zeta)

elementwise(
    {
        riemann: lambda x: _riemann_slope(x),
        special.zetac: lambda x: _riemann_slope(x),
    }
)
elementwise(
    {
        hurwitz: (
            lambda x, q: zeta_slope(x, q, 1),
            lambda x, q: -x * zeta_slope(x + 1, q, 0) * _unrounded(strip(x), strip(q)),
        ),
    },
    names=("x", "q"),
)
