"""Hypergeometric sums in twice the precision, and how far off they may be.

Their terms may cancel; what is left is then known to fewer digits, and the caller can tell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradtape.derivatives.special_pairs import (
    Pair,
    chain_and_product,
    pair_over,
    pair_product,
    pair_quotient,
    plus,
)

__all__ = ["ROUNDING", "asymptotic", "summed", "trusted"]

#: So many terms at a time, a power of 2, and so often at most.
_CHUNK, _MOST = 32, 32
#: What roundings cost at most, as a share of the largest term, and what may be left out of it.
ROUNDING, _LEFT = 2.0**-98, 2.0**-106
#: The error up to which a result counts, as a share of it.
_ENOUGH = 2.0**-53
#: Below this the lower parts of pairs would be lost, and above this number halves overflow.
_LEAST, _GREATEST = 2.0**-700, 2.0**990
#: So much may the terms of an asymptotic series be in all, of its sum, and so many are they.
_MILD, _FURTHER = 2.0, 80
_ONES: Pair = (1.0, 0.0)


def summed(
    above: Sequence[Pair], below: Sequence[Any], z: Pair, weigh: Callable[[Any], Pair] | None = None
) -> tuple[Pair, Any]:
    """The sum over k of (a)_k.../(b)_k.../k! z**k, times a weight (DLMF 16.2.1), and its error.

    Parameters
    ----------
    above, below : the parameters, pairs of arrays of one axis; those below may be arrays of
        multiples of 1/2.
    z : the argument, another pair.
    weigh : weights as a function of k, a column; if there are none, each is 1.

    Returns
    -------
    The sum, and how far it may be off: infinite if it does not converge in time.
    """
    zero = np.zeros(z[0].shape)
    total, term, largest = (zero, zero), (zero + 1, zero), zero
    late = -np.min([b[0] if isinstance(b, tuple) else b for b in (*above, *below)], axis=0)
    for start in range(0, _CHUNK * _MOST, _CHUNK):
        k = np.arange(start, start + _CHUNK, dtype=float)[:, None]
        ratio = _ratio(above, below, z, k)
        weight = _ONES if weigh is None else weigh(k)
        weight = np.broadcast_to(weight[0], ratio[0].shape), weight[1] + np.zeros(ratio[0].shape)
        sizes = np.abs(ratio[0])
        sizes[1:], sizes[0] = sizes[:-1], 1.0
        sizes = np.cumprod(sizes, axis=0) * np.abs(weight[0])
        largest = np.maximum(largest, np.max(sizes, axis=0) * np.abs(term[0]))
        part, product = chain_and_product(ratio, weight)
        total = plus(total, pair_product(term, part))
        term = pair_product(term, product)
        small = np.abs(weight[0][-1] * term[0]) <= _LEFT * largest
        done = (small & (start + _CHUNK > late)) | ~(np.abs(term[0]) > 0)
        if np.all(done):
            break
    return total, np.where(done & (largest < _GREATEST), ROUNDING * largest, np.inf)


def _ratio(above: Sequence[Pair], below: Sequence[Any], z: Pair, k: Any) -> Pair:
    """A term over the one before it."""
    upper, plain = z, k + 1
    for a in above:
        upper = pair_product(upper, plus(a, (k, 0.0)))
    lower: Pair | None = None
    for b in below:
        if isinstance(b, tuple):
            shifted = plus(b, (k, 0.0))
            lower = shifted if lower is None else pair_product(lower, shifted)
        else:
            plain = plain * (b + k)
    ratio = pair_quotient(upper, plain)
    return ratio if lower is None else pair_over(ratio, lower)


def trusted(value: Pair, error: Any, share: float = _ENOUGH) -> Any:
    """A value as a float, and NaN where it may be off by more than that share, half a unit."""
    sure = (error <= share * np.abs(value[0])) & (np.abs(value[0]) > _LEAST)
    return np.where(sure, value[0], np.nan)


def asymptotic(a: Any, b: Any, z: Any) -> Any:
    """The sum of (a)_k (b)_k/k! z**k up to its smallest term; NaN if that is not small enough."""
    k = np.arange(_FURTHER, dtype=float)[:, None]
    ratio = (a + k) * (b + k) / (k + 1) * z
    falling = np.cumprod(np.abs(ratio) < 1, axis=0)
    terms = np.cumprod(ratio, axis=0) * falling
    total = 1 + np.sum(terms[::-1], axis=0)
    smallest = np.min(np.where(falling == 1, np.abs(terms), 1.0), axis=0)
    sure = (smallest < 2.0**-56) & (np.sum(np.abs(terms), axis=0) < _MILD * np.abs(total))
    return np.where(sure, total, np.nan)
