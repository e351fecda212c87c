"""particle: the place of a charge that makes another one's path go through the origin.

After J. M. Siskind and B. A. Pearlmutter (see descent). A particle starts at (0, 8) with the speed
(0.75, 0) and is repelled by charges at (10, 10 - w) and (10, 0); Euler's method takes it to the
x-axis, and gradient descent finds the w for which it meets that at the origin. The force is the
gradient of a potential, so that derivatives are taken of derivatives.

The first letter of a function is the mode of differentiation of the descent, the second that of
the force: f for forward, r for reverse.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.gradbench.evals.descent import GRADIENTS, argmin
from benchmarks.gradbench.inputs import Input, Prepared

STEP = 0.1
CHARGES = np.array([[10.0, 10.0], [10.0, 0.0]])
#: How the charges move with w.
MOVING = np.array([[0.0, -1.0], [0.0, 0.0]])


def missed_by(gradient: Callable[..., Any]) -> Callable[[Any], Any]:
    """The square of where on the x-axis the particle arrives, as a function of w, one entry."""

    def missed(w: Any) -> Any:
        charges = CHARGES + w * MOVING

        def potential(x: Any) -> Any:
            away = x - charges
            return np.sum(1 / np.sqrt(np.sum(away * away, axis=1)))

        force = gradient(potential)
        x, speed = np.array([0.0, 8.0]), np.array([0.75, 0.0])
        while True:
            there = x + STEP * speed
            if there[1] <= 0:
                break
            x, speed = there, speed - STEP * force(x)
        arrived = x - x[1] / speed[1] * speed  # on the line between two steps
        return arrived[0] ** 2

    return missed


def preparing(modes: str) -> Callable[[Any, Any], Prepared]:
    def prepare(given: Any, compiled: Any) -> Prepared:
        missed = missed_by(GRADIENTS[modes[1]])
        cost, slope = compiled(missed), compiled(GRADIENTS[modes[0]](missed))
        start = np.array([Input(given).number("w")])
        return Prepared(lambda w: argmin(cost, slope, w), (start,), lambda w: w[0])

    return prepare


FUNCTIONS = {modes: preparing(modes) for modes in ("ff", "fr", "rf", "rr")}
