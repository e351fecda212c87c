"""gradtape, compiled: ``gradtape.function`` of the whole step. The first call is not timed here."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

import gradtape as gt
from benchmarks import losses
from benchmarks.workloads import Array, Scalar, Step
from gradtape.programs.function import function

TITLE = "gradtape function"
CANNOT: dict[str, str] = {}


def to_numpy(value: Any) -> Any:
    return value.numpy() if hasattr(value, "numpy") else value


def _step(loss: Callable[..., Any], argnums: Any, *arguments: Any) -> Step:
    """A step runs the compiled loss and its gradients."""
    compiled = function(gt.value_and_grad(functools.partial(loss, np), argnums=argnums))

    def step() -> tuple[Any, ...]:
        value, gradients = compiled(*arguments)
        return value, *(gradients if isinstance(gradients, (list, tuple)) else [gradients])

    return step


def notebook(w1: Scalar, w2: Scalar) -> Step:
    return _step(losses.notebook, (0, 1), w1, w2)


def chain(x: Scalar, w: Scalar) -> Step:
    return _step(losses.chain, (0, 1), x, w)


def network(x: Array, target: Array, *weights: Array) -> Step:
    return _step(losses.network, 0, list(weights), x, target)


def training(x: Array, target: Array, *arrays: Array) -> Step:
    weights, first, second = list(arrays[:4]), list(arrays[4:8]), list(arrays[8:])
    gradient = gt.value_and_grad(functools.partial(losses.network, np))

    @function
    def update(step: Any, weights: Any, first: Any, second: Any) -> Any:
        value, gradients = gradient(weights, x, target)
        return value, *losses.adam(np, step, weights, first, second, gradients)

    def run() -> tuple[Any, ...]:
        value, *state = update(np.float32(3), weights, first, second)
        return value, *[array for part in state for array in part]

    return run


def elementwise(v: Array) -> Step:
    return _step(losses.elementwise, 0, v)


def broadcast(x: Array, w: Array, b: Array) -> Step:
    return _step(losses.broadcast, 0, [w, b], x)


def reductions(x: Array) -> Step:
    return _step(losses.reductions, 0, x)


def cross_entropy(logits: Array, labels: Array) -> Step:
    return _step(losses.cross_entropy, 0, logits, labels)


def log_sum_exp(x: Array) -> Step:
    return _step(lambda np, x: np.sum(losses.log_sum_exp(np, x)), 0, x)


def classifier(x: Array, labels: Array, *weights: Array) -> Step:
    return _step(losses.classifier, 0, list(weights), x, labels)


def rosenbrock_gradient(x: Array) -> Step:
    return _step(losses.rosenbrock, 0, x)


def mixture(x: Array, *parameters: Array) -> Step:
    return _step(losses.mixture, 0, list(parameters), x)
