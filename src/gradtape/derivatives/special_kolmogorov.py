"""Partial derivatives of Kolmogorov's and Smirnov's distribution and of their inverses."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sp

from gradtape.derivatives.special_inverses import distribution, inverse
from gradtape.derivatives.special_pairs import (
    Pair,
    pair_quotient,
    plus,
    times,
    two_sum,
)
from gradtape.derivatives.special_parts import cut, gaussian, piece
from gradtape.rules import Elementwise, elementwise

__all__: list[str] = []

ROOT_TWO_PI = float(np.sqrt(2 * np.pi))
#: pi**2 / 8 in two parts.
EIGHTH = (1.2337005501361697, 7.831619385924639e-17)


def _theta_term(k: Any, x: Any) -> Any:
    """exp(-(k pi)**2 / (8 x x)), the exponent in two parts."""
    exponent = pair_quotient(pair_quotient(times(EIGHTH, k * k), x), x)
    return np.exp(-exponent[0]) * (1 - exponent[1])


theta_term: Elementwise = piece(
    _theta_term, (None, lambda k, x, out: out * (k * np.pi / x) ** 2 / (4 * x)), ("k", "x")
)


def _kolmogorov_slope(x: Any) -> Any:
    """By either of the two series of a theta function, DLMF 20.2.4 and 20.7.32."""
    high = x > 1
    u = cut(high, x, 1)
    terms = [(-1) ** k * k * k * gaussian(-0.5, 2 * k * u) for k in range(1, 8)]
    right = 8 * u * sum(terms)
    some = ~high & (x > 0.04)  # below, it is 0 in double precision
    t = cut(some, x, 0.5)
    total = np.zeros((), t.dtype)
    for k in range(1, 12, 2):
        total = total + ((k * np.pi / t) ** 2 / 4 - 1) * theta_term(float(k), t)
    left = -ROOT_TWO_PI / (t * t) * total
    return np.where(high, right, np.where(some, left, np.where(np.isnan(x), x, 0.0)))


def _power(base: Pair, exponent: Any) -> Any:
    """A positive pair to a power, as a float."""
    return np.power(base[0], exponent) * (1 + exponent * (base[1] / base[0]))


def _smirnov_slope(n: Any, d: Any) -> Any:
    """By Birnbaum and Tingey's sum (1951), term by term; close to 0 by the one left out."""
    dtype, steps, gap = d.dtype, np.trunc(n.astype(float)), d.astype(float)
    close = (steps * gap < 1) & (gap >= 0)
    above = two_sum(1.0, cut(close, gap, 0))
    left_out = -_power(above, steps - 2) * (1 + steps * gap)
    rest = -steps * _power(two_sum(1.0, -gap), steps - 1)
    n, d = steps[..., None], gap[..., None]
    v = np.arange(1, int(np.max(steps, initial=1)) + 1)
    a = plus(pair_quotient((v + 0 * n, 0 * n), n), (d, 0.0))
    b = plus((1.0, 0.0), (-a[0], -a[1]))
    some = (b[0] > 0) & (v <= n)
    a, b = [(np.where(some, k, 0.5), np.where(some, low, 0)) for k, low in (a, b)]
    powers = np.where(some, sp.binom(n, v), 0) * _power(a, v - 2) * _power(b, n - v - 1)
    terms = powers * (a[0] * b[0] + d * ((v - 1) * b[0] - (n - v) * a[0]))
    return np.where(close, left_out, rest + np.sum(terms, axis=-1)).astype(dtype)


elementwise(
    {
        sp.kolmogorov: _kolmogorov_slope,
        sp.kolmogi: lambda out: 1 / _kolmogorov_slope(out),
    }
)
distribution(sp.smirnov, ("n", "d"), (0, _smirnov_slope))


def _smirnov_rest(n: Any, d: Any) -> Any:
    """1 less it; close to 0 by the term that Birnbaum and Tingey's sum leaves out."""
    n = np.trunc(n)
    left_out = d * _power(two_sum(1.0, d), n - 1)
    return np.where(n * d < 1, left_out, 1 - sp.smirnov(n, d))


inverse(
    *(sp.smirnovi, ("n", "p"), ("n", "d"), (0, _smirnov_slope), "d"),
    tails=(sp.smirnov, _smirnov_rest),
    ends=lambda n, d: (0.0, 1.0),
)
