"""JAX, compiled: ``jax.jit`` of the whole step.

Compilation is not timed; waiting for the result is.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import losses
from benchmarks.workloads import CHAIN_ROUNDS, Array, Scalar, Step

TITLE = "JAX jit"
CANNOT: dict[str, str] = {}


def _step(function: Callable[..., Any], *arguments: Any) -> Step:
    """Compile the function; a step runs it and waits until every result is there."""
    compiled = jax.jit(function)
    double = any(leaf.dtype == np.float64 for leaf in jax.tree.leaves(arguments))
    with jax.enable_x64(True) if double else contextlib.nullcontext():
        on_device = jax.tree.map(jnp.asarray, arguments)

    def step() -> tuple[Any, ...]:
        return tuple(jax.tree.leaves(jax.block_until_ready(compiled(*on_device))))

    def double_step() -> tuple[Any, ...]:
        with jax.enable_x64(True):
            return step()

    if double:
        return double_step

    return step


def _gradients(loss: Callable[..., Any], argnums: Any, *arguments: Any) -> Step:
    """A step runs the compiled loss and its gradients."""
    return _step(jax.value_and_grad(functools.partial(loss, jnp), argnums=argnums), *arguments)


def _f(w1: Any, w2: Any) -> Any:
    return 3 * w1**2 + 2 * w1 * w2


def notebook(w1: Scalar, w2: Scalar) -> Step:
    return _step(jax.value_and_grad(_f, argnums=(0, 1)), w1, w2)


def chain(x: Scalar, w: Scalar) -> Step:
    def run(x: Any, w: Any) -> Any:
        y = x
        for _ in range(CHAIN_ROUNDS):
            y = jnp.sin(y * w + x) * w
        return y

    return _step(jax.value_and_grad(run, argnums=(0, 1)), x, w)


def network(x: Array, target: Array, w1: Array, b1: Array, w2: Array, b2: Array) -> Step:
    def loss(v1: Any, c1: Any, v2: Any, c2: Any, inputs: Any, wanted: Any) -> Any:
        hidden = jax.nn.relu(inputs @ v1 + c1)
        return jnp.mean(jnp.square(hidden @ v2 + c2 - wanted))

    return _step(jax.value_and_grad(loss, argnums=(0, 1, 2, 3)), w1, b1, w2, b2, x, target)


def elementwise(v: Array) -> Step:
    return _gradients(losses.elementwise, 0, v)


def hessian(w1: Scalar, w2: Scalar) -> Step:
    return _step(jax.hessian(_f, argnums=(0, 1)), w1, w2)


def jacobian(x: Array) -> Step:
    return _step(jax.jacrev(lambda x: x * x * x), x)


def diagonal(x: Array) -> Step:
    return _step(jax.jacrev(lambda x: x * jnp.tanh(x)), x)


def layers(x: Array, w1: Array, w2: Array) -> Step:
    return _step(jax.jacrev(lambda x, w1, w2: jnp.tanh(jnp.tanh(x @ w1) @ w2)), x, w1, w2)


def hvp(x: Array, target: Array, *arrays: Array) -> Step:
    def loss(weights: Any, inputs: Any, wanted: Any) -> Any:
        v1, c1, v2, c2 = weights
        hidden = jax.nn.relu(inputs @ v1 + c1)
        return jnp.mean(jnp.square(hidden @ v2 + c2 - wanted))

    def product(inputs: Any, wanted: Any, *both: Any) -> Any:
        gradient = jax.grad(lambda weights: loss(weights, inputs, wanted))
        return jax.jvp(gradient, (both[:4],), (both[4:],))[1]

    return _step(product, x, target, *arrays)


def rosenbrock(x: Array) -> Step:
    def f(x: Any) -> Any:
        return jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    return _step(jax.hessian(f), x)


def training(x: Array, target: Array, *arrays: Array) -> Step:
    gradient = jax.value_and_grad(functools.partial(losses.network, jnp))

    def update(step: Any, weights: Any, first: Any, second: Any, x: Any, target: Any) -> Any:
        value, gradients = gradient(weights, x, target)
        return value, *losses.adam(jnp, step, weights, first, second, gradients)

    state = list(arrays[:4]), list(arrays[4:8]), list(arrays[8:])
    return _step(update, np.float32(3), *state, x, target)


def broadcast(x: Array, w: Array, b: Array) -> Step:
    return _gradients(losses.broadcast, 0, [w, b], x)


def reductions(x: Array) -> Step:
    return _gradients(losses.reductions, 0, x)


def cross_entropy(logits: Array, labels: Array) -> Step:
    return _gradients(losses.cross_entropy, 0, logits, labels)


def log_sum_exp(x: Array) -> Step:
    return _gradients(lambda np, x: np.sum(losses.log_sum_exp(np, x)), 0, x)


def classifier(x: Array, labels: Array, *weights: Array) -> Step:
    return _gradients(losses.classifier, 0, list(weights), x, labels)


def rosenbrock_gradient(x: Array) -> Step:
    return _gradients(losses.rosenbrock, 0, x)


def mixture(x: Array, *parameters: Array) -> Step:
    return _gradients(losses.mixture, 0, list(parameters), x)
