"""Derivatives of the zeta functions, by both arguments."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from gradtape.derivatives.special_precision import blockwise
from gradtape.derivatives.special_ufuncs import ufunc_behind
from gradtape.rules import Elementwise, elementwise

__all__ = ["zeta_slope"]

#: How many terms of the sum are added one by one, and how many more at most for larger x.
_TERMS, _LARGE, _MOST = 14, 66, 2000
#: The corrections that follow have Bernoulli's numbers B_2j over (2j)!.
_BERNOULLI = [b / math.factorial(2 * j) for j, b in enumerate(special.bernoulli(28)[2::2], 1)]


def _slope(x: Any, q: Any, n: int) -> Any:
    """The nth derivative of zeta(x, q) by x."""
    return blockwise(lambda x, q: _euler_maclaurin(x, q, n), x, q)


def _euler_maclaurin(x: Any, q: Any, n: int) -> Any:
    """The sum of (k + q)^-x, term by term and then by Euler and Maclaurin (DLMF 25.11.5).

    Each part is a power b^-x times a polynomial in x, or times b/(x - 1), and so differentiated.
    """
    # For large real x the first terms are all; for complex x the sum must reach as far as |x|.
    most = _MOST if np.iscomplexobj(x) else _LARGE
    count = _TERMS + int(min(np.max(np.abs(x), initial=0.0), most))
    terms = np.arange(count) + q[:, None]
    total = ((-np.log(terms)) ** n * terms ** -x[:, None]).sum(-1)
    base = count + q
    log, factors = np.log(base), _factors(x, base, n)
    for i in range(n + 1):
        total = total + math.comb(n, i) * (-log) ** (n - i) * base**-x * factors[i]
    known = np.abs(x) < most if np.iscomplexobj(x) else True
    return np.where(known, total, np.nan)


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


def _riemann_slope(x: Any) -> Any:
    """The derivative of the Riemann zeta function; left of 0 that of its reflection (25.4.1)."""
    left = np.real(x) < 0
    s = np.where(left, x, -1.0)
    one = np.ones((), s.dtype.char.lower())[()]
    turn = np.pi / 2 * s
    mirrored = special.zeta(1 - s)
    inner = (math.log(2 * np.pi) - special.psi(1 - s)) * mirrored - zeta_slope(1 - s, one, 1)
    inner = np.sin(turn) * inner + np.pi / 2 * np.cos(turn) * mirrored
    reflected = 2 * (2 * np.pi) ** (s - 1) * special.gamma(1 - s) * inner
    return np.where(left, reflected, zeta_slope(np.where(left, 2.0, x), one, 1))


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
            lambda x, q: -x * special.zeta(x + 1, q),
        ),
    },
    names=("x", "q"),
)
