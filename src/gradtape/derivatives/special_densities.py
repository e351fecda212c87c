"""The densities of the gamma and the beta distribution, and logarithms beside their means."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sp

from gradtape.derivatives.special_pairs import two_product, two_sum
from gradtape.derivatives.special_parts import piece
from gradtape.derivatives.special_polygamma import log_less_psi, polygamma, psi_rise
from gradtape.derivatives.special_units import beta_unit, gamma_unit, over
from gradtape.rules import Elementwise

__all__ = ["bare_gamma_density", "beta_density", "gamma_density", "log_over_psi", "share_excess"]


def bare_gamma_density(a: Any, x: Any, lost: Any = 0.0) -> Any:
    """x**(a-1) exp(-x)/Gamma(a) of x and what its rounding lost."""
    inside = (a > 0) & (a < np.inf) & (x > 0) & (x < np.inf)
    p, t = np.where(inside, a, 1), np.where(inside, x, 1)
    edge = _edge((x == 0) & (a != 0), a, 1.0, np.isnan(x) | ~(a >= 0))
    return np.where(inside, over(gamma_unit(p, (t, np.where(inside, lost, 0))), t), edge)


def _edge(at: Any, a: Any, one: Any, unknown: Any) -> Any:
    """The limit of one * t**(a-1) at t = 0, elsewhere 0."""
    limit = np.where(a < 1, np.inf, np.where(a == 1, one, 0))
    return np.where(unknown, np.nan, np.where(at, limit, 0))


gamma_density: Elementwise = piece(
    bare_gamma_density,
    (lambda a, x, out: out * log_over_psi(a, x), lambda a, x, out: out * ((a - 1) / x - 1)),
    ("a", "x"),
)


def share_excess(a: Any, b: Any, x: Any) -> Any:
    """(a + b) x - a, with what the sum and the product lose by rounding."""
    total, lost = two_sum(a, b)
    mean, more = two_product(total, x)
    rest = more + lost * x
    return (mean - a) + np.where(np.isfinite(rest), rest, 0)


def _bare_beta_density(a: Any, b: Any, x: Any) -> Any:
    """x**(a-1) (1-x)**(b-1)/B(a, b)."""
    inside = (a > 0) & (b > 0) & (a + b < np.inf) & (x > 0) & (x < 1)
    p, q, t = np.where(inside, a, 1), np.where(inside, b, 1), np.where(inside, x, 0.5)
    rest = two_sum(1.0, -t)
    density = over(beta_unit(p, q, (t, np.zeros(t.shape)), rest), t) / rest[0]
    unknown = np.isnan(x) | ~(a >= 0) | ~(b >= 0)
    edge = _edge((x == 0) & (a != 0), a, b, unknown) + _edge((x == 1) & (b != 0), b, a, unknown)
    return np.where(inside, density, edge)


beta_density: Elementwise = piece(
    _bare_beta_density,
    (
        lambda a, b, x, out: out * (np.log(x) + psi_rise(a, b)),
        lambda a, b, x, out: out * (np.log1p(-x) + psi_rise(b, a)),
        lambda a, b, x, out: out * ((a - 1) / x - (b - 1) / (1 - x)),
    ),
    ("a", "b", "x"),
)


def _log_over_psi(a: Any, x: Any) -> Any:
    """log x - digamma(a), of which log x - log a and log a - digamma(a) cancel less."""
    usable = (a > 0) & (x > 0) & (x / a > 0) & (x / a < np.inf)
    mean, place = np.where(usable, a, 1), np.where(usable, x, 1)
    near = np.abs(place - mean) < mean / 2
    log = np.log(np.where(near, 1, place / mean))
    log = np.where(near, np.log1p((np.where(near, place, mean) - mean) / mean), log)
    return np.where(usable, log + log_less_psi(mean), np.log(x) - sp.psi(a))


log_over_psi: Elementwise = piece(
    _log_over_psi, (lambda a: -polygamma(1, a), lambda x: 1 / x), ("a", "x")
)
