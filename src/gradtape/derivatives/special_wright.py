"""Derivatives of Wright's generalized Bessel function and of its logarithm by their argument.

The function is a sum of x**k/(k! Gamma(a k + b)) over k (NIST Digital Library, 10.46.1), whose
slope is the function of a + b for b, term by term.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from gradtape.derivatives.special_arguments import PARAMETER, refusing_ufuncs
from gradtape.derivatives.special_pairs import Pair, pair_log, pair_product, plus, two_product
from gradtape.derivatives.special_parts import piece
from gradtape.derivatives.special_precision import blockwise
from gradtape.derivatives.special_shares import log_factorials
from gradtape.derivatives.special_units import exponential
from gradtape.rules import Elementwise, elementwise

#: Terms are left out so many widths before and behind the largest, and so many more: the widths of
#: a few terms are too small. From the last of these widths on a sum over steps of half the width is
#: the same as that over all, to all digits, since terms are smooth.
_BEFORE, _BEHIND, _MORE, _WIDE = 10, 14, 20, 8.0
#: Logarithms of factorials of such numbers need all digits of pairs.
_FAR = 1000.0
#: Newton's method is convex here.
_ROUNDS = 20
_TINY = 1e-300
#: Parameters from here on, and where both are below the other number, are SciPy's matter.
_MOST = 1e10
#: Entries at a time.
_ENTRIES = 256


def _largest(a: Any, b: Any, x: Any) -> tuple[Any, Any]:
    """About where the largest term is: log k + a log(a k + b) = log x; and the width there."""
    goal = np.log(np.maximum(x, _TINY))
    log = goal / (1 + a)
    for _ in range(_ROUNDS):
        k = np.exp(log)
        z = np.maximum(a * k + b, _TINY)
        log = log - (log + a * np.log(z) - goal) / (1 + a * a * k / z)
    k = np.exp(log)
    return k, 1 / np.sqrt(1 / k + a * a / np.maximum(a * k + b, _TINY))


def _over_factorial(fine: Any, z: Pair, power: Pair) -> Pair:
    """The logarithm of exp(power)/Gamma(1 + z)."""
    ((high, low),) = log_factorials(fine, (z[0].ravel(), z[1].ravel()))
    return plus(power, (-high.reshape(z[0].shape), -low.reshape(z[0].shape)))


def _shares(a: Any, b: Any, x: Any) -> Any:
    """The function of a + b over that of b: both sums have positive terms only."""
    middle, width = _largest(a, b, x)
    step = np.where(width < _WIDE, 1, np.floor(width / 2))
    start = np.maximum(np.floor(middle - _BEFORE * width), 0)
    count = (middle + _BEHIND * width + _MORE - start) / step
    k = start + step * np.arange(np.ceil(np.max(count)) + 1)[:, None]
    index, fine = (k, np.zeros(k.shape)), np.any(np.maximum(middle, a * middle + b) > _FAR)
    log_x = pair_log((np.where(x == 0, 1, x), np.zeros(x.shape)))
    power = _over_factorial(fine, index, pair_product(index, log_x))
    z = plus(two_product(a, k), (b, 0.0))
    places = z, plus(z, (a, 0.0))
    logs = [_over_factorial(fine, place, power) for place in places]
    most = np.max(np.maximum(logs[0][0], logs[1][0]), axis=0)
    there = (x > 0) | (k == 0)
    # 1/Gamma(z) is z/Gamma(1 + z). Along the last axis NumPy sums with fewer roundings.
    total, above = [
        np.where(there, place[0] * exponential(plus(log, (-most, 0.0))), 0).T.copy().sum(-1)
        for place, log in zip(places, logs, strict=True)
    ]
    return above / total


def _log_slope(a: Any, b: Any, x: Any) -> Any:
    most = np.maximum(a, b)
    usable = (np.minimum(a, b) >= 0) & (most > _TINY) & (most < _MOST) & (x >= 0) & (x < np.inf)
    result = blockwise(_shares, *[np.where(usable, n, 1) for n in (a, b, x)], block=_ENTRIES)
    direct = np.exp(special.log_wright_bessel(a, a + b, x) - special.log_wright_bessel(a, b, x))
    return np.where(usable & np.isfinite(result), result, direct)


#: Of the logarithm: that of SciPy's values has as few digits as these are large.
log_slope: Elementwise = piece(
    _log_slope,
    (
        None,
        None,
        lambda a, b, x, out: out * (log_slope(a, a + b, x) - out),
    ),
    ("a", "b", "x"),
)

elementwise(
    {special.wright_bessel: (None, None, lambda a, b, x: special.wright_bessel(a, a + b, x))},
    names=("a", "b", "x"),
)
refusing_ufuncs({0: PARAMETER, 1: PARAMETER}, special.wright_bessel)

if hasattr(special, "log_wright_bessel"):  # new in SciPy 1.14
    slope = (None, None, lambda a, b, x: log_slope(a, b, x))
    elementwise({special.log_wright_bessel: slope}, names=("a", "b", "x"))
    refusing_ufuncs({0: PARAMETER, 1: PARAMETER}, special.log_wright_bessel)
