"""The noncentral chi square and F distribution functions themselves, to the last digits.

SciPy's inverses stop some digits short; a step of Newton's method from there needs these. With the
central distribution functions F(a), F(a+1), ... and Poisson's weights w of the noncentrality, F is
the sum of wk F(a + k). Since F(a + k) - F(a + k + 1) = uk > 0 (DLMF 8.8.5, 8.17.20), it is that of
uk (w0 + ... + wk) too, and 1 - F that of uk (w(k+1) + ...) and of 1 - F(a): all terms are positive.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sp

from gradtape.derivatives.special_densities import bare_gamma_density, log_over_psi
from gradtape.derivatives.special_incomplete import small_beta, small_gamma_rest
from gradtape.derivatives.special_pairs import Pair, pair_over, plus, two_product, two_sum
from gradtape.derivatives.special_polygamma import psi_rise
from gradtape.derivatives.special_precision import BLOCK, blockwise
from gradtape.derivatives.special_units import beta_unit, unit_value

__all__ = ["noncentral_chi_gap", "noncentral_f_gap"]

#: Terms are summed so many standard deviations and so many more both ways; and that many at most.
_DEVIATIONS, _BESIDE, _MOST = 9.0, 40.0, 4000
#: So many times nearer than others of the kind these distribution functions are.
_CLOSER = 16
#: From here on powers of w fall too slowly, and 1 - F is summed; otherwise until they are exp(-45).
_SLOW, _DEPTH = 0.9, 45.0


def _spread(k: Any) -> Any:
    return _DEVIATIONS * np.sqrt(np.maximum(k, 0)) + _BESIDE


def _gap(level: Any, upper: Any, mean: Any, ends: tuple[Any, Any], term: Any, rest: Any) -> Any:
    """F - level, for one array of ``upper``; ``term`` of k is uk, ``rest`` of k is 1 - F(a + k)."""
    low = np.floor(np.maximum(ends[0], 0))
    count = np.nanmax(ends[1] - low, initial=0) + 1
    if not count <= _MOST:
        return np.full(level.shape, np.nan)
    k = low[..., None] + np.arange(int(count) + 1)
    weights = bare_gamma_density(k + 1, np.broadcast_to(mean[..., None], k.shape))
    terms = term(k)
    if upper:
        later = np.cumsum(weights[..., :0:-1], axis=-1)[..., ::-1]
        return (1 - level) - (rest(low) + np.sum(terms[..., :-1] * later, axis=-1))
    before = np.where(low > 0, sp.gammaincc(np.maximum(low, 1), mean), 0)
    return np.sum(terms * (before[..., None] + np.cumsum(weights, axis=-1)), axis=-1) - level


def _by_side(gap: Any, upper: Any, *arrays: Any) -> Any:
    out = np.full(upper.shape, np.nan)
    for side in (False, True):
        chosen = upper == side
        if np.any(chosen):
            out[chosen] = gap(side, *[a[chosen] for a in arrays])
    return out


def noncentral_chi_gap(level: Any, x: Any, df: Any, nc: Any) -> tuple[Any, Any]:
    """The distribution function less the level, 0 where it takes long; what it is rounded by."""
    gap = blockwise(_noncentral_chi_gap, level, x, df, nc, block=BLOCK)
    return np.where(np.isnan(gap), 0, gap), np.minimum(level, 1 - level) / _CLOSER


def _noncentral_chi_gap(level: Any, x: Any, df: Any, nc: Any) -> Any:
    usable = (level > 0) & (level < 1) & (x > 0) & (df > 0) & (nc >= 0)
    level, x, df, nc = [np.where(usable, k, 0.5) for k in (level, x, df, nc)]
    gap = _by_side(_chi_gap, level > 0.5, level, x / 2, df / 2, nc / 2)
    return np.where(usable, gap, np.nan)


def _chi_gap(upper: bool, level: Any, x: Any, a: Any, mean: Any) -> Any:
    middle = (np.sqrt(a * a + 4 * x * mean) - a) / 2

    def term(k: Any) -> Any:
        order, lost = two_sum(a[..., None], k + 1)
        place = np.broadcast_to(x[..., None], k.shape)
        return bare_gamma_density(order, place) * (1 + lost * log_over_psi.compute(order, place))

    first, last = (mean, np.maximum(mean, middle)) if upper else (np.minimum(mean, middle), x)
    ends = first - _spread(first), last + _spread(last)
    return _gap(level, upper, mean, ends, term, lambda low: small_gamma_rest(a + low, x))


def noncentral_f_gap(level: Any, n: Any, d: Any, nc: Any, f: Any) -> tuple[Any, Any]:
    """The same of F."""
    gap = blockwise(_noncentral_f_gap, level, n, d, nc, f, block=BLOCK)
    return np.where(np.isnan(gap), 0, gap), np.minimum(level, 1 - level) / _CLOSER


def _noncentral_f_gap(level: Any, n: Any, d: Any, nc: Any, f: Any) -> Any:
    usable = (level > 0) & (level < 1) & (n > 0) & (d > 0) & (nc >= 0) & (f > 0)
    level, n, d, nc, f = [np.where(usable, k, 0.5) for k in (level, n, d, nc, f)]
    first, second = two_product(n, f), (d, np.zeros(d.shape))
    total = plus(first, second)
    x, y = pair_over(first, total), pair_over(second, total)
    upper = (level > 0.5) | (x[0] > _SLOW)
    gap = _by_side(_ratio_gap, upper, level, n / 2, d / 2, nc / 2, *x, *y)
    return np.where(usable, gap, np.nan)


def _ratio_gap(upper: bool, level: Any, a: Any, b: Any, mean: Any, *shares: Any) -> Any:
    x, x_low, y, y_low = shares
    z = mean * x
    lean = z - a - 1
    middle = (lean + np.sqrt(np.maximum(lean * lean + 4 * z * (a + b), 0))) / 2

    def term(k: Any) -> Any:
        order, lost = two_sum(a[..., None], k)
        wide = [np.broadcast_to(s[..., None], k.shape) for s in (b, x, x_low, y, y_low)]
        left: Pair = wide[1], wide[2]
        unit = unit_value(beta_unit(order, wide[0], left, (wide[3], wide[4]))) / order
        return unit * (1 + lost * (np.log(wide[1]) + psi_rise.compute(order, wide[0]) - 1 / order))

    if upper:
        ends = mean - _spread(mean), np.maximum(mean, middle)
        ends = ends[0], ends[1] + _spread(ends[1])
    else:
        first, last = np.minimum(mean, middle), np.maximum(middle, ((a + b) * x - a) / y)
        ends = first - _spread(first), last + _spread(last) + _DEPTH / -np.log(x)
    return _gap(level, upper, mean, ends, term, lambda low: small_beta(b, a + low, y, x))
