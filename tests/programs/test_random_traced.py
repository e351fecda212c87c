"""Random programs: what a traced function gives is what the plain one gives, derivatives too."""

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gradtape as gt
from gradtape.programs.function import function

#: Steps of a program: each takes two values of three entries, a number, and gives a value.
STEPS = {
    "add": lambda a, b, p: a + b * p,
    "product": lambda a, b, p: a * b,
    "quotient": lambda a, b, p: a / (2 + b * b),
    "sine": lambda a, b, p: np.sin(a) * p + np.tanh(b),
    "power": lambda a, b, p: np.abs(a) ** 1.5 - b**2,
    "maximum": lambda a, b, p: np.maximum(a, b) + np.where(a > p, a, b),
    "sorted": lambda a, b, p: np.sort(a) + np.cumsum(b),
    "picked": lambda a, b, p: a[np.argsort(b)] + b[[0, 0, 2]],
    "masked": lambda a, b, p: np.where(b > 0, a, p) * np.sum(a * (b > p)),
    "matrix": lambda a, b, p: np.outer(a, b) @ a / (1 + np.sum(b * b)),
    "reduced": lambda a, b, p: np.sum(a) + np.max(b) * a - np.mean(b),
    "joined": lambda a, b, p: np.concatenate([a[1:], b[:1]]) + np.stack([a, b]).sum(0),
    "branch": lambda a, b, p: a * 2 if np.sum(a) > p else b - a,
    "loop": lambda a, b, p: _loop(a, b),
    "written": lambda a, b, p: _written(a, b, p),
}


def _loop(a: Any, b: Any) -> Any:
    count = 0
    while np.sum(a * a) > 1 and count < 4:
        a, count = a / 2 + b / 8, count + 1
    return a


def _written(a: Any, b: Any, p: Any) -> Any:
    out = gt.zeros(3) if isinstance(a, gt.Tensor) or isinstance(b, gt.Tensor) else np.zeros_like(a)
    out[1:] = a[:2] * p
    out[0] += b[2]
    out *= 2
    return out


program = st.lists(
    st.tuples(st.sampled_from(sorted(STEPS)), st.integers(0, 9), st.integers(0, 9)),
    min_size=1,
    max_size=7,
)
vectors = st.lists(st.floats(-2, 2, width=16), min_size=3, max_size=3).map(np.array)


def run(steps: Any, x: Any, y: Any, p: Any) -> Any:
    values = [x, y]
    for name, i, j in steps:
        a, b = values[i % len(values)], values[j % len(values)]
        values.append(STEPS[name](a, b, p))
    return values[-1]


@pytest.mark.parametrize("order", [0, 1, 2])
def test_random_programs(order: int):
    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(steps=program, points=st.lists(st.tuples(vectors, vectors), min_size=2, max_size=3))
    def holds(steps: Any, points: Any) -> None:
        def value(x: Any, y: Any, p: Any) -> Any:
            return run(steps, x, y, p)

        def scalar(x: Any, y: Any, p: Any) -> Any:
            out = run(steps, x, y, p)
            return np.sum(out * out) + np.sum(x) * 0

        f = [value, gt.grad(scalar, (0, 1)), gt.hessian(scalar)][order]
        traced = function(f, engine="numpy")
        for x, y in [*points, points[0]]:
            for actual, expected in zip(
                np.atleast_1d(traced(x, y, 0.7)), np.atleast_1d(f(x, y, 0.7)), strict=True
            ):
                scale = np.nanmax(
                    np.abs(np.where(np.isfinite(expected), expected, 1.0)), initial=1.0
                )
                np.testing.assert_allclose(actual, expected, rtol=1e-11, atol=1e-12 * scale)

    holds()
