"""gradtape: NumPy's own functions under a tape."""

from __future__ import annotations

from typing import Any

import numpy as np

import gradtape as gt
from benchmarks.workloads import CHAIN_ROUNDS, Array, Scalar, Step

TITLE = "gradtape"
CANNOT: dict[str, str] = {}


def to_numpy(value: Any) -> Any:
    if hasattr(value, "toarray"):  # a sparse one
        return value.toarray()
    return value.numpy() if hasattr(value, "numpy") else value


def notebook(w1: Scalar, w2: Scalar) -> Step:
    v1, v2 = gt.Variable(w1), gt.Variable(w2)

    def step() -> tuple[object, ...]:
        with gt.GradientTape() as tape:
            value = 3 * v1**2 + 2 * v1 * v2
        return value, *tape.gradient(value, [v1, v2])

    return step


def chain(x: Scalar, w: Scalar) -> Step:
    vx, vw = gt.Variable(x), gt.Variable(w)

    def step() -> tuple[object, ...]:
        with gt.GradientTape() as tape:
            y: Any = vx
            for _ in range(CHAIN_ROUNDS):
                y = np.sin(y * vw + vx) * vw
        return y, *tape.gradient(y, [vx, vw])

    return step


def network(x: Array, target: Array, w1: Array, b1: Array, w2: Array, b2: Array) -> Step:
    inputs, wanted = gt.constant(x), gt.constant(target)
    weights = [gt.Variable(w) for w in (w1, b1, w2, b2)]

    def step() -> tuple[object, ...]:
        v1, c1, v2, c2 = weights
        with gt.GradientTape() as tape:
            hidden = np.maximum(inputs @ v1 + c1, 0)
            loss = ((hidden @ v2 + c2 - wanted) ** 2).mean()
        return loss, *tape.gradient(loss, weights)

    return step


def elementwise(v: Array) -> Step:
    variable = gt.Variable(v)

    def step() -> tuple[object, ...]:
        with gt.GradientTape() as tape:
            value = np.sum(np.log(np.exp(variable) + 1) * np.sin(variable))
        return value, tape.gradient(value, variable)

    return step


def hessian(w1: Scalar, w2: Scalar) -> Step:
    v1, v2 = gt.Variable(w1), gt.Variable(w2)

    def step() -> tuple[object, ...]:
        with gt.GradientTape(persistent=True) as outer:
            with gt.GradientTape() as inner:
                value = 3 * v1**2 + 2 * v1 * v2
            first = inner.gradient(value, [v1, v2])
        return tuple(second for g in first for second in outer.gradient(g, [v1, v2]))

    return step


def jacobian(x: Array) -> Step:
    variable = gt.Variable(x)

    def step() -> tuple[object, ...]:
        with gt.GradientTape() as tape:
            cube = variable * variable * variable
        return (tape.jacobian(cube, variable),)

    return step


def diagonal(x: Array) -> Step:
    function = gt.jacobian(lambda x: x * np.tanh(x), sparse=True)
    return lambda: (function(x),)


def layers(x: Array, w1: Array, w2: Array) -> Step:
    function = gt.jacobian(lambda x: np.tanh(np.tanh(x @ w1) @ w2))
    return lambda: (function(x),)


def hvp(x: Array, target: Array, *arrays: Array) -> Step:
    def loss(weights: list[Any]) -> Any:
        v1, c1, v2, c2 = weights
        hidden = np.maximum(x @ v1 + c1, 0)
        return ((hidden @ v2 + c2 - target) ** 2).mean()

    product = gt.hvp(loss)
    weights, direction = list(arrays[:4]), list(arrays[4:])
    return lambda: tuple(product(weights, direction))


def rosenbrock(x: Array) -> Step:
    function = gt.hessian(
        lambda x: np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2), sparse=True
    )
    return lambda: (function(x),)
