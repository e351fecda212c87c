"""PyTorch eager: leaves that require gradients, and ``torch.autograd.grad``."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from benchmarks.workloads import CHAIN_ROUNDS, Array, Scalar, Step, Value

TITLE = "PyTorch eager"
CANNOT: dict[str, str] = {}


def to_numpy(value: Any) -> Any:
    return value.detach().numpy()


def _leaf(value: Value) -> Any:
    return torch.tensor(value, requires_grad=True)


def notebook(w1: Scalar, w2: Scalar) -> Step:
    v1, v2 = _leaf(w1), _leaf(w2)

    def step() -> tuple[Any, ...]:
        value = 3 * v1**2 + 2 * v1 * v2
        return value, *torch.autograd.grad(value, (v1, v2))

    return step


def chain(x: Scalar, w: Scalar) -> Step:
    vx, vw = _leaf(x), _leaf(w)

    def step() -> tuple[Any, ...]:
        y = vx
        for _ in range(CHAIN_ROUNDS):
            y = torch.sin(y * vw + vx) * vw
        return y, *torch.autograd.grad(y, (vx, vw))

    return step


def network(x: Array, target: Array, w1: Array, b1: Array, w2: Array, b2: Array) -> Step:
    inputs, wanted = torch.tensor(x), torch.tensor(target)
    weights = [_leaf(w) for w in (w1, b1, w2, b2)]

    def step() -> tuple[Any, ...]:
        v1, c1, v2, c2 = weights
        # addmm, what torch.nn.Linear runs, is one operation for the product and the bias.
        hidden = torch.relu(torch.addmm(c1, inputs, v1))
        loss = functional.mse_loss(torch.addmm(c2, hidden, v2), wanted)
        return loss, *torch.autograd.grad(loss, weights)

    return step


def elementwise(v: Array) -> Step:
    leaf = _leaf(v)

    def step() -> tuple[Any, ...]:
        value = torch.sum(torch.log(torch.exp(leaf) + 1) * torch.sin(leaf))
        return value, *torch.autograd.grad(value, leaf)

    return step


def hessian(w1: Scalar, w2: Scalar) -> Step:
    v1, v2 = leaves = _leaf(w1), _leaf(w2)

    def step() -> tuple[Any, ...]:
        value = 3 * v1**2 + 2 * v1 * v2
        d1, d2 = torch.autograd.grad(value, leaves, create_graph=True)
        row1 = torch.autograd.grad(d1, leaves, retain_graph=True)
        row2 = torch.autograd.grad(d2, leaves, allow_unused=True)
        return *row1, *row2

    return step


def jacobian(x: Array) -> Step:
    tensor = torch.tensor(x)

    def cube(t: Any) -> Any:
        return t * t * t

    def step() -> tuple[Any, ...]:
        # Measured a fifth to a third faster than torch.func.jacrev.
        return (torch.autograd.functional.jacobian(cube, tensor, vectorize=True),)

    return step


def _jacobian(function: Any, x: Array) -> Step:
    tensor = torch.tensor(x)
    return lambda: (torch.autograd.functional.jacobian(function, tensor, vectorize=True),)


def diagonal(x: Array) -> Step:
    return _jacobian(lambda t: t * torch.tanh(t), x)


def layers(x: Array, w1: Array, w2: Array) -> Step:
    first, second = torch.tensor(w1), torch.tensor(w2)
    return _jacobian(lambda t: torch.tanh(torch.tanh(t @ first) @ second), x)


def hvp(x: Array, target: Array, *arrays: Array) -> Step:
    inputs, wanted = torch.tensor(x), torch.tensor(target)
    weights = [_leaf(w) for w in arrays[:4]]
    direction = [torch.tensor(v) for v in arrays[4:]]

    def step() -> tuple[Any, ...]:
        v1, c1, v2, c2 = weights
        hidden = torch.relu(torch.addmm(c1, inputs, v1))
        loss = functional.mse_loss(torch.addmm(c2, hidden, v2), wanted)
        gradients = torch.autograd.grad(loss, weights, create_graph=True)
        return torch.autograd.grad(gradients, weights, direction)

    return step


def rosenbrock(x: Array) -> Step:
    tensor = torch.tensor(x)

    def f(t: Any) -> Any:
        return torch.sum(100 * (t[1:] - t[:-1] ** 2) ** 2 + (1 - t[:-1]) ** 2)

    return lambda: (torch.autograd.functional.hessian(f, tensor, vectorize=True),)
