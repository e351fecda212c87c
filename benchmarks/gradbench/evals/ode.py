"""ode: y0' = x0, yi' = xi y(i-1), from 0 over [0, 2], by s steps of Runge and Kutta.

After B. M. Bell's cmpad, https://cmpad.readthedocs.io/an_ode.html. The gradient is that of the last
entry of y at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import gradtape as gt
from benchmarks.gradbench.inputs import Input, Prepared

END = 2.0


def solution(steps: int) -> Callable[[Any], Any]:
    """All of y at the end, as a function of x: the classical method of fourth order."""
    h = END / steps
    one = np.ones(1)

    def y(x: Any) -> Any:
        def slope(y: Any) -> Any:
            return x * np.concatenate((one, y[:-1]))

        y = np.zeros(x.shape)
        for _ in range(steps):
            k1 = slope(y)
            k2 = slope(y + h / 2 * k1)
            k3 = slope(y + h / 2 * k2)
            k4 = slope(y + h * k3)
            y = y + h / 6 * (k1 + 2 * (k2 + k3) + k4)
        return y

    return y


def given_to(given: Any) -> tuple[Callable[[Any], Any], Any]:
    fields = Input(given)
    x = fields.array("x", None)
    return solution(fields.count("s", 1)), x


def prepare_primal(given: Any, compiled: Any) -> Prepared:
    y, x = given_to(given)
    return Prepared(compiled(y), (x,))


def prepare_gradient(given: Any, compiled: Any) -> Prepared:
    y, x = given_to(given)
    return Prepared(compiled(gt.grad(lambda x: y(x)[-1])), (x,))


FUNCTIONS = {"primal": prepare_primal, "gradient": prepare_gradient}
