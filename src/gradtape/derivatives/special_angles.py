"""Derivatives of functions of angles: of degrees, of cosines near 1, of the Dirichlet kernel."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sp

from gradtape.derivatives.special_arguments import refusing
from gradtape.derivatives.special_ufuncs import several_arguments
from gradtape.rules import Elementwise, elementwise, meaning

__all__ = ["diric"]

DEGREE = float(np.pi / 180)

elementwise(
    {
        sp.cosm1: lambda x: -np.sin(x),
        sp.sindg: lambda x: DEGREE * sp.cosdg(x),
        sp.cosdg: lambda x: -DEGREE * sp.sindg(x),
        sp.tandg: lambda x: DEGREE / sp.cosdg(x) ** 2,
        sp.cotdg: lambda x: -DEGREE / sp.sindg(x) ** 2,
    }
)
several_arguments({sp.radian: (DEGREE, DEGREE / 60, DEGREE / 3600)}, "d", "m", "s")

# The Dirichlet kernel -----------------------------------------------------------------------------


def _diric_slope(x: Any, n: Any) -> Any:
    """The mean of the slopes of cos((k - (n-1)/2) x) over k < n, which has no 0/0."""
    n = np.asarray(n)[..., None]
    k = np.arange(int(np.max(n, initial=1)))
    turns = np.where(k < n, k - (n - 1) / 2, 0.0)
    return -np.sum(turns * np.sin(turns * x[..., None]), axis=-1) / n[..., 0]


diric = Elementwise(
    lambda x, n: sp.diric(x, n), (_diric_slope, None), names=("x", "n"), name="diric"
)
refusing(diric, {1: "it is a whole number"}, sp.diric)


@meaning(sp.diric)
def _bind_diric(x: Any, n: Any) -> Any:
    return diric(x, n)
