"""MyGrad: tensors that record themselves, and ``backward``."""

from __future__ import annotations

from typing import Any

import mygrad as mg
import numpy as np
from mygrad.nnet.activations import relu

from benchmarks.workloads import CHAIN_ROUNDS, Array, Scalar, Step

TITLE = "MyGrad"
CANNOT = {
    **dict.fromkeys(
        ("hessian", "hvp", "rosenbrock"), "gradients are bare arrays: no second derivatives"
    ),
    **dict.fromkeys(
        ("jacobian", "diagonal", "layers"), "no Jacobian: backward sums over the outputs"
    ),
}

# MyGrad takes a bare Python number for float64, which would put the whole calculation in float64.
ONE, TWO, THREE = np.float32(1), np.float32(2), np.float32(3)


def to_numpy(value: Any) -> Any:
    return value.data if isinstance(value, mg.Tensor) else value


def notebook(w1: Scalar, w2: Scalar) -> Step:
    v1, v2 = mg.tensor(w1), mg.tensor(w2)

    def step() -> tuple[Any, ...]:
        value = THREE * v1**2 + TWO * v1 * v2
        value.backward()
        return value, v1.grad, v2.grad

    return step


def chain(x: Scalar, w: Scalar) -> Step:
    vx, vw = mg.tensor(x), mg.tensor(w)

    def step() -> tuple[Any, ...]:
        y = vx
        for _ in range(CHAIN_ROUNDS):
            y = mg.sin(y * vw + vx) * vw
        y.backward()
        return y, vx.grad, vw.grad

    return step


def network(x: Array, target: Array, w1: Array, b1: Array, w2: Array, b2: Array) -> Step:
    weights = [mg.tensor(w) for w in (w1, b1, w2, b2)]

    def step() -> tuple[Any, ...]:
        v1, c1, v2, c2 = weights
        hidden = relu(mg.matmul(x, v1) + c1)
        loss = mg.mean(mg.square(mg.matmul(hidden, v2) + c2 - target))
        loss.backward()
        return loss, *(w.grad for w in weights)

    return step


def elementwise(v: Array) -> Step:
    tensor = mg.tensor(v)

    def step() -> tuple[Any, ...]:
        value = mg.sum(mg.log(mg.exp(tensor) + ONE) * mg.sin(tensor))
        value.backward()
        return value, tensor.grad

    return step
