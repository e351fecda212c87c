"""llsq: the least-squares misfit of a polynomial to the sign function at n even points of [-1, 1].

After B. M. Bell's cmpad, https://cmpad.readthedocs.io/llsq_obj.html.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import gradtape as gt
from benchmarks.gradbench.inputs import Input, Prepared


def misfit(n: int) -> Callable[[Any], Any]:
    """Half the sum of the squared residuals, as a function of the polynomial's coefficients."""

    def y(x: Any) -> Any:
        t = -1 + np.arange(n) * 2 / (n - 1)
        residuals = np.sign(t) - np.vander(t, x.shape[0], increasing=True) @ x
        return np.sum(residuals * residuals) / 2

    return y


def prepare_primal(given: Any, compiled: Any) -> Prepared:
    fields = Input(given)
    return Prepared(compiled(misfit(fields.count("n", 2))), (fields.array("x", None),))


def prepare_gradient(given: Any, compiled: Any) -> Prepared:
    fields = Input(given)
    return Prepared(compiled(gt.grad(misfit(fields.count("n", 2)))), (fields.array("x", None),))


FUNCTIONS = {"primal": prepare_primal, "gradient": prepare_gradient}
