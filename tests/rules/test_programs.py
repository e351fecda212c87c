"""Random programs of smooth functions, compared with finite differences in order one and two."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gradtape as gt
from tests.rules.tools import (
    along,
    bare,
    directions,
    draw,
    gradient,
    inner,
    projected,
    weights,
    widened,
)

ROWS, COLUMNS = 3, 2

#: Functions of two matrices of one shape that give one of that shape, of moderate size.
STEPS: dict[str, Callable[[Any, Any], Any]] = {
    "sine": lambda a, b: np.sin(a + 0.3),
    "tanh": lambda a, b: np.tanh(a * 1.5),
    "bell": lambda a, b: np.exp(-(a**2)),
    "arctan": lambda a, b: np.arctan2(a, 1 + b * b),
    "softplus": lambda a, b: np.logaddexp(a, b) / 2,
    "product": lambda a, b: a * b,
    "quotient": lambda a, b: (a - b) / (2 + np.cos(b)),
    "root": lambda a, b: np.sqrt(1 + np.square(a)) - np.hypot(b, 1),
    "matmul": lambda a, b: a @ b.T @ a / 4,
    "einsum": lambda a, b: np.einsum("ij,kj,kl->il", a, b, b) / 4,
    "softmax": lambda a, b: np.exp(a) / np.sum(np.exp(a), axis=0, keepdims=True),
    "standard": lambda a, b: (a - a.mean(0)) / np.sqrt(1 + a.var(axis=0)),
    "product of rows": lambda a, b: np.prod(1 + a / 3, axis=1, keepdims=True) * b,
    "running": lambda a, b: np.cumsum(a, axis=0) / 3 + np.cumprod(1 + b / 3, axis=1) / 2,
    "exchange": lambda a, b: np.concatenate([b[1:], a[:1]]),
    "pick": lambda a, b: a[[2, 0, 0]] + np.flip(b, 1),
    "reshape": lambda a, b: np.reshape(a.T, (ROWS, COLUMNS)) - np.roll(b, 1),
    "pad": lambda a, b: np.pad(a, 1, mode="wrap")[1:-1, :-2] * b,
    "outer": lambda a, b: np.outer(a[:, 0], b[0]) + np.trace(a[:COLUMNS]),
    "power": lambda a, b: (1.2 + np.sin(a)) ** (b / 2),
    "choose": lambda a, b: np.where([[True, False]], a, b * 2),
    "stack": lambda a, b: np.mean(np.stack([a, b, a * b], axis=-1), axis=-1),
}

#: A program: what each step does, and which of the earlier values it takes.
programs = st.lists(
    st.tuples(st.sampled_from(sorted(STEPS)), st.integers(0, 9), st.integers(0, 9)),
    min_size=2,
    max_size=8,
)


def run(program: Any) -> Callable[..., Any]:
    """The function that a program stands for; steps look back at most ten values."""

    def function(x: Any, y: Any) -> Any:
        values = [x, y]
        for step, i, j in program:
            values.append(STEPS[step](values[-1 - i % len(values)], values[-1 - j % len(values)]))
        return values[-1] + values[-2] * 0.5

    return function


def agree(value: Any, derivative: Any, arguments: Any) -> None:
    wide = tuple([widened(a) for a in arguments])
    gradients = derivative(*arguments)
    size = 1 + float(np.sqrt(sum([inner(g, g) for g in gradients])))
    for direction in directions(arguments, 1):
        expected = along(value, wide, direction)
        actual = sum([inner(g, d) for g, d in zip(gradients, direction, strict=True)])
        np.testing.assert_allclose(float(actual), float(expected), rtol=1e-7, atol=1e-8 * size)


@pytest.mark.fuzz
@given(program=programs, seed=st.integers(0, 99))
def test_random_programs(program: Any, seed: int):
    function = run(program)
    arguments = [draw(np.empty((ROWS, COLUMNS)), f"{name} {seed}") / 2 for name in "xy"]
    ws = weights(function, arguments)
    once = gradient(function, ws)
    agree(projected(function, ws), once, arguments)
    us = weights(once, arguments)
    agree(projected(once, us), gradient(once, us), arguments)


@pytest.mark.fuzz
@given(program=programs, seed=st.integers(0, 99))
def test_random_programs_forwards_and_backwards(program: Any, seed: int):
    function = run(program)
    xs = [gt.constant(draw(np.empty((ROWS, COLUMNS)), f"{name} {seed}") / 2) for name in "xy"]
    tangents = [gt.constant(draw(x, f"tangent {i} {seed}")) for i, x in enumerate(xs)]
    with gt.ForwardAccumulator(xs, tangents) as accumulator, gt.GradientTape() as tape:
        tape.watch(xs)
        z = function(*xs)
    jacobians = tape.jacobian(z, xs, unconnected_gradients="zero")
    pushed = bare(accumulator.jvp(z, unconnected_gradients="zero"))
    columns = [np.tensordot(bare(j), bare(t), 2) for j, t in zip(jacobians, tangents, strict=True)]
    scale = max([np.max(np.abs(c)) for c in columns])
    np.testing.assert_allclose(pushed, sum(columns), rtol=1e-10, atol=1e-12 * (1 + scale))
