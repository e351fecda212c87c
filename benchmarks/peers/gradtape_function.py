"""gradtape, compiled: ``gradtape.function`` of the whole step, on each of its engines."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

import gradtape as gt
from benchmarks import losses
from benchmarks.workloads import Array, Scalar, Step


class Engine:
    """A peer: the compiled workloads on one engine."""

    CANNOT: ClassVar[dict[str, str]] = {}

    def __init__(self, engine: str | None, title: str) -> None:
        self.TITLE = title
        self._function = gt.function(engine=engine)

    @staticmethod
    def to_numpy(value: Any) -> Any:
        return value.numpy() if hasattr(value, "numpy") else value

    def _step(self, loss: Callable[..., Any], argnums: Any, *arguments: Any) -> Step:
        """A step runs the compiled loss and its gradients."""
        compiled = self._function(gt.value_and_grad(functools.partial(loss, np), argnums=argnums))

        def step() -> tuple[Any, ...]:
            value, gradients = compiled(*arguments)
            return value, *(gradients if isinstance(gradients, (list, tuple)) else [gradients])

        return step

    def notebook(self, w1: Scalar, w2: Scalar) -> Step:
        return self._step(losses.notebook, (0, 1), w1, w2)

    def chain(self, x: Scalar, w: Scalar) -> Step:
        return self._step(losses.chain, (0, 1), x, w)

    def network(self, x: Array, target: Array, *weights: Array) -> Step:
        return self._step(losses.network, 0, list(weights), x, target)

    def training(self, x: Array, target: Array, *arrays: Array) -> Step:
        weights, first, second = list(arrays[:4]), list(arrays[4:8]), list(arrays[8:])
        gradient = gt.value_and_grad(functools.partial(losses.network, np))

        @self._function
        def update(step: Any, weights: Any, first: Any, second: Any) -> Any:
            value, gradients = gradient(weights, x, target)
            return value, *losses.adam(np, step, weights, first, second, gradients)

        def run() -> tuple[Any, ...]:
            value, *state = update(np.float32(3), weights, first, second)
            return value, *[array for part in state for array in part]

        return run

    def elementwise(self, v: Array) -> Step:
        return self._step(losses.elementwise, 0, v)

    def broadcast(self, x: Array, w: Array, b: Array) -> Step:
        return self._step(losses.broadcast, 0, [w, b], x)

    def reductions(self, x: Array) -> Step:
        return self._step(losses.reductions, 0, x)

    def cross_entropy(self, logits: Array, labels: Array) -> Step:
        return self._step(losses.cross_entropy, 0, logits, labels)

    def log_sum_exp(self, x: Array) -> Step:
        return self._step(lambda np, x: np.sum(losses.log_sum_exp(np, x)), 0, x)

    def classifier(self, x: Array, labels: Array, *weights: Array) -> Step:
        return self._step(losses.classifier, 0, list(weights), x, labels)

    def rosenbrock_gradient(self, x: Array) -> Step:
        return self._step(losses.rosenbrock, 0, x)

    def mixture(self, x: Array, *parameters: Array) -> Step:
        return self._step(losses.mixture, 0, list(parameters), x)


LLVM = Engine("llvm", "gradtape, LLVM")
NUMPY = Engine("numpy", "gradtape, NumPy")
