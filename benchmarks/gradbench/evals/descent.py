"""Gradient descent as `particle` and `saddle` define it, by either mode of differentiation.

After J. M. Siskind and B. A. Pearlmutter, "Efficient implementation of a higher-order language with
built-in AD", 2016 (https://arxiv.org/abs/1611.03416): a first rate of 10^-5, twice as much after
ten steps down in a row, half as much after one that is not; an end where the gradient or a step is
no longer than 10^-5.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import gradtape as gt

SMALL = 1e-5


def forward(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The gradient of a scalar function of a vector in one forward pass, all directions in it."""
    batched = gt.jacobian(f, mode="forward")

    def gradient(x: Any) -> Any:
        if x.shape[0] > 1:
            return batched(x)
        return gt.jvp(f)(x, np.ones(1))[1].reshape(1)  # one direction needs no batch

    return gradient


#: Gradients of scalar functions of a vector, in forward and in reverse mode.
GRADIENTS: dict[str, Callable[..., Any]] = {"f": forward, "r": gt.grad}


def length(v: Any) -> Any:
    return np.sqrt(np.sum(v * v))


def argmin(cost: Callable[[Any], Any], slope: Callable[[Any], Any], x: Any) -> Any:
    """Where a function with a gradient is least, found from x on."""
    value, uphill = cost(x), slope(x)
    rate, down = SMALL, 0
    while length(uphill) > SMALL:
        if down == 10:
            rate, down = 2 * rate, 0
        there = x - rate * uphill
        if length(x - there) <= SMALL:
            break
        value_there = cost(there)
        if value_there < value:
            x, value, uphill, down = there, value_there, slope(there), down + 1
        else:
            rate, down = rate / 2, 0
    return x
