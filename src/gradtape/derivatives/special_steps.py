"""Gamma(x + 1/2)/Gamma(x)/sqrt(x), the factor of Student's density, and how fast it grows.

From 16 on by the logarithm of DLMF 5.11.14, whose powers are those of x - 1/4; below by recurrence
from there, term by term.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape.derivatives.special_parts import piece
from gradtape.derivatives.special_polygamma import polygamma
from gradtape.rules import Elementwise

__all__ = ["half_step", "half_step_rate"]

#: Where the asymptotic series starts, a whole number.
_FAR = 16
#: Euler's numbers E(2m), and these over -4 m 16**m.
_EULER = [-1, 5, -61, 1385, -50521, 2702765, -199360981, 19391512145]
_COEFFICIENTS = [-e / (4 * m * 16.0**m) for m, e in enumerate(_EULER, 1)]


def _half_step(x: Any) -> Any:
    near = x < _FAR
    large = np.where(near, x + _FAR, x)
    r, log = 1 / (large - 0.25) ** 2, np.zeros(x.shape)
    for coefficient in reversed(_COEFFICIENTS):
        log = (log + coefficient) * r
    for k in range(_FAR - 1, 0, -1):
        log = log + np.where(near, np.log1p(-0.5 / (x + (k + 0.5))), 0)
    return np.where(near, x / (x + 0.5), 1) * np.sqrt((large - 0.25) / x) * np.exp(log)


def _half_step_rate(x: Any) -> Any:
    """The slope of its logarithm, psi(x + 1/2) - psi(x) - 1/(2 x), of which no two terms cancel."""
    near = x < _FAR
    large = np.where(near, x + _FAR, x)
    shifted = large - 0.25
    r, total = 1 / shifted**2, np.zeros(x.shape)
    for m in range(len(_COEFFICIENTS), 0, -1):
        total = (total - 2 * m * _COEFFICIENTS[m - 1]) * r
    total = total / shifted + 0.125 / large / shifted
    for k in range(_FAR - 1, -1, -1):
        step = 0.25 / (x + k) / (x + (k + 0.5)) / (x + (k + 1))
        total = total + np.where(near, step, 0)
    return total


half_step_rate: Elementwise = piece(
    _half_step_rate,
    lambda x: polygamma(1, x + 0.5) - polygamma(1, x) + 0.5 / (x * x),
    ("x",),
)
half_step: Elementwise = piece(_half_step, lambda x, out: out * half_step_rate(x), ("x",))
