"""HIPS autograd: its own copy of NumPy's names, and functions that differentiate functions."""

from __future__ import annotations

from typing import Any

import autograd
import autograd.numpy as anp

from benchmarks.workloads import CHAIN_ROUNDS, Array, Scalar, Step

TITLE = "HIPS autograd"
CANNOT: dict[str, str] = {}


def _f(w1: Any, w2: Any) -> Any:
    return 3 * w1**2 + 2 * w1 * w2


def notebook(w1: Scalar, w2: Scalar) -> Step:
    value_and_gradients = autograd.value_and_grad(_f, (0, 1))

    def step() -> tuple[Any, ...]:
        value, gradients = value_and_gradients(w1, w2)
        return value, *gradients

    return step


def chain(x: Scalar, w: Scalar) -> Step:
    def run(x: Any, w: Any) -> Any:
        y = x
        for _ in range(CHAIN_ROUNDS):
            y = anp.sin(y * w + x) * w
        return y

    value_and_gradients = autograd.value_and_grad(run, (0, 1))

    def step() -> tuple[Any, ...]:
        value, gradients = value_and_gradients(x, w)
        return value, *gradients

    return step


def network(x: Array, target: Array, w1: Array, b1: Array, w2: Array, b2: Array) -> Step:
    def loss(v1: Any, c1: Any, v2: Any, c2: Any) -> Any:
        hidden = anp.maximum(anp.dot(x, v1) + c1, 0)
        return anp.mean(anp.square(anp.dot(hidden, v2) + c2 - target))

    value_and_gradients = autograd.value_and_grad(loss, (0, 1, 2, 3))

    def step() -> tuple[Any, ...]:
        value, gradients = value_and_gradients(w1, b1, w2, b2)
        return value, *gradients

    return step


def elementwise(v: Array) -> Step:
    value_and_gradient = autograd.value_and_grad(
        lambda v: anp.sum(anp.log(anp.exp(v) + 1) * anp.sin(v))
    )

    def step() -> tuple[Any, ...]:
        value, gradient = value_and_gradient(v)
        return value, gradient

    return step


def hessian(w1: Scalar, w2: Scalar) -> Step:
    gradients = autograd.grad(_f, (0, 1))
    row1 = autograd.grad(lambda w1, w2: gradients(w1, w2)[0], (0, 1))
    row2 = autograd.grad(lambda w1, w2: gradients(w1, w2)[1], (0, 1))

    def step() -> tuple[Any, ...]:
        return *row1(w1, w2), *row2(w1, w2)

    return step


def jacobian(x: Array) -> Step:
    jacobian_of_cube = autograd.jacobian(lambda x: x * x * x)

    def step() -> tuple[Any, ...]:
        return (jacobian_of_cube(x),)

    return step


def diagonal(x: Array) -> Step:
    function = autograd.jacobian(lambda x: x * anp.tanh(x))
    return lambda: (function(x),)


def layers(x: Array, w1: Array, w2: Array) -> Step:
    function = autograd.jacobian(lambda x: anp.tanh(anp.dot(anp.tanh(anp.dot(x, w1)), w2)))
    return lambda: (function(x),)


def hvp(x: Array, target: Array, *arrays: Array) -> Step:
    def loss(weights: Any) -> Any:
        v1, c1, v2, c2 = weights
        hidden = anp.maximum(anp.dot(x, v1) + c1, 0)
        return anp.mean(anp.square(anp.dot(hidden, v2) + c2 - target))

    weights, direction = list(arrays[:4]), list(arrays[4:])
    gradient = autograd.grad(loss)

    def along(at: Any) -> Any:
        pairs = zip(gradient(at), direction, strict=True)
        return sum(anp.sum(slope * v) for slope, v in pairs)

    product = autograd.grad(along)  # its own hessian_vector_product takes one array only
    return lambda: tuple(product(weights))


def rosenbrock(x: Array) -> Step:
    function = autograd.hessian(
        lambda x: anp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)
    )
    return lambda: (function(x),)
