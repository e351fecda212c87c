"""lstm: a recurrent network's loss on a sequence, and its gradient.

As in ADBench (https://github.com/microsoft/ADBench), all weight matrices are diagonal. A layer's
input at a time is what the layer below gives out then, so that layers take turns over the whole
sequence: what depends on the input alone is computed for all times at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import expit

import gradtape as gt
from benchmarks.gradbench.inputs import Array, Input, InputError, Prepared


def layer(weight: Any, bias: Any, hidden: Any, cell: Any, below: Any) -> Any:
    """What a layer gives out at all times, of what it gets."""
    forget, ingate, outgate, change = weight.reshape(4, -1)
    forget_bias, ingate_bias, outgate_bias, change_bias = bias.reshape(4, -1)
    kept = expit(below * forget + forget_bias)
    let_out = expit(below * outgate + outgate_bias)
    given_out = []
    for t in range(below.shape[0]):
        let_in = expit(hidden * ingate + ingate_bias)
        cell = cell * kept[t] + let_in * np.tanh(hidden * change + change_bias)
        hidden = let_out[t] * np.tanh(cell)
        given_out.append(hidden)
    return np.stack(given_out)


def loss_of(state: Array, sequence: Array) -> Callable[[Any, Any], Any]:
    """The loss as a function of the layers' parameters and the others."""

    def loss(main: Any, extra: Any) -> Any:
        signal = sequence[:-1] * extra[0]
        for i in range(0, main.shape[0], 2):
            signal = layer(main[i], main[i + 1], state[i], state[i + 1], signal)
        predicted = signal * extra[1] + extra[2]
        # The 2 is ADBench's.
        normaliser = np.log(2 + np.sum(np.exp(predicted), axis=1, keepdims=True))
        return -np.sum(sequence[1:] * (predicted - normaliser)) / sequence[1:].size

    return loss


def given_to(given: Any) -> tuple[Callable[[Any, Any], Any], tuple[Array, Array]]:
    fields = Input(given)
    sequence = fields.array("sequence", None, None)
    times, size = sequence.shape
    if times < 2:
        raise InputError("input.sequence must have two rows or more")
    main = fields.array("main_params", None, 4 * size)
    if len(main) % 2:
        raise InputError("input.main_params must have two rows for each layer")
    f = loss_of(fields.array("state", len(main), size), sequence)
    return f, (main, fields.array("extra_params", 3, size))


def prepare_objective(given: Any, compiled: Any) -> Prepared:
    loss, parameters = given_to(given)
    return Prepared(compiled(loss), parameters)


def prepare_jacobian(given: Any, compiled: Any) -> Prepared:
    loss, parameters = given_to(given)
    gradient = compiled(gt.grad(loss, argnums=(0, 1)))
    return Prepared(gradient, parameters, lambda parts: np.concatenate(parts, axis=None))


FUNCTIONS = {"objective": prepare_objective, "jacobian": prepare_jacobian}
