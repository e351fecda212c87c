"""Random programs: every way of asking for a derivative gives the same answer."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import gradtape as gt

M = np.array([[0.2, -0.7, 0.4], [0.9, 0.1, -0.3], [-0.5, 0.6, 0.8]])
C = np.array([0.5, -1.2, 0.9])


@gt.custom_gradient
def squash(a: Any) -> Any:
    y = np.tanh(a)
    return y, lambda g: g * (1 - squash(a) ** 2)


@gt.custom_gradient
def mixed(a: Any, b: Any) -> Any:
    out = {"p": a * b, "q": np.sin(a)}
    return out, lambda p, q: (p * b + q * np.cos(a), p * a)


bell = gt.recompute_grad(lambda a: np.exp(-a * a))

Step = Callable[[Any, Any], Any]

#: Smooth functions of two vectors of length 3, of moderate size.
SMOOTH: list[Step] = [
    lambda a, b: np.sin(a) * 1.5,
    lambda a, b: np.tanh(a) * np.tanh(b),
    lambda a, b: np.tanh(a * b) + 0.1,
    lambda a, b: (a + b) / 2,
    lambda a, b: np.cos(a) - 0.3 * np.sin(b),
    lambda a, b: np.arctan2(np.sin(a), 2 + np.sin(b)),
    lambda a, b: np.tanh(a @ M),
    lambda a, b: np.tanh(M @ a) * C,
    lambda a, b: np.sin(C @ a) * np.tanh(b),
    lambda a, b: np.cumsum(np.sin(a)) / 3,
    lambda a, b: np.sin(a.sum()) + np.tanh(b),
    lambda a, b: (np.sin(a).reshape(3, 1) * np.cos(b)).mean(axis=0),
    lambda a, b: np.einsum("i,j,jk->k", np.sin(a), np.cos(b), M),
    lambda a, b: np.stack([np.sin(a), np.cos(b)]).T[:, 0] - C,
    lambda a, b: np.outer(np.sin(a), np.sin(b))[1],
    lambda a, b: np.tanh(a[0] * b[1]) + np.sin(a),
    lambda a, b: squash(a) * 1.2,
    lambda a, b: np.tanh(mixed(a, b)["p"]) + mixed(b, a)["q"],
    lambda a, b: bell(a) - bell(b),
    lambda a, b: np.split(np.concatenate([np.sin(a), np.cos(b)]), 2)[1],
    lambda a, b: np.var(a) * 0.1 + np.logaddexp(a, b) - 1,
    lambda a, b: np.sqrt(1 + a * a) / np.hypot(1.0, b),
    lambda a, b: np.prod(np.cos(a)) + np.sin(b) ** 3,
]

#: Moves, choices, and what has kinks.
OTHERS: list[Step] = [
    lambda a, b: a[::-1],
    lambda a, b: a[[2, 0, 0]],
    lambda a, b: np.concatenate([a[1:], b[:1]]),
    lambda a, b: np.where(a > b, np.sin(a), b * 0.5),
    lambda a, b: np.where(a > 0, np.sqrt(a) * 0.5, np.sin(b)),
    lambda a, b: np.where(np.abs(a) > 0.05, np.sin(a) / a, 1.0),
    lambda a, b: np.maximum(a, np.sin(b)),
    lambda a, b: np.clip(a, -0.4, 0.6) + np.abs(b) * 0.1,
    lambda a, b: np.pad(a[a > -9][:2], (0, 1)) + np.sin(b),
    lambda a, b: np.sort(a) * 0.9,
    lambda a, b: np.roll(a, 1) - np.flip(np.sin(b)),
    lambda a, b: np.max(a) * np.sin(b),
    lambda a, b: np.take(a, [1, 1, 2]) + np.broadcast_to(np.sin(b[:1]), (3,)),
]

CUT: list[Step] = [lambda a, b: gt.stop_gradient(np.sin(a)) * np.cos(b)]


def programs(steps: list[Step]) -> st.SearchStrategy[Any]:
    one = st.tuples(st.integers(0, len(steps) - 1), st.integers(0, 9), st.integers(0, 9))
    return st.lists(one, min_size=1, max_size=8)


VECTORS = st.lists(st.sampled_from([-1.3, -0.8, -0.2, 0.0, 0.3, 0.7, 1.1]), min_size=3, max_size=3)


def run(program: Any, steps: list[Step], x: Any) -> Any:
    values = [x]
    for step, i, j in program:
        values.append(steps[step](values[-1 - i % len(values)], values[-1 - j % len(values)]))
    total = values[-1]
    for value in values[1:-1]:
        total = total + 0.1 * value
    return total


def gradient(f: Any, x: Any, weights: Any) -> Any:
    with gt.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    return tape.gradient(y, x, weights, unconnected_gradients="zero")


def close(a: Any, b: Any, rtol: float = 1e-9) -> None:
    assert np.allclose(a, b, rtol=rtol, atol=rtol, equal_nan=True), (a, b)


def check(f: Any, value: Any, monkeypatch: pytest.MonkeyPatch, cut: bool) -> None:
    x, v, u = gt.constant(value), np.array([0.3, -1.1, 0.7]), np.array([1.2, 0.4, -0.6])
    with gt.GradientTape(persistent=True) as tape, gt.ForwardAccumulator(x, v) as acc:
        tape.watch(x)
        y = f(x)
    whole = tape.jacobian(y, x, "zero").numpy()
    with monkeypatch.context() as patch:
        patch.setattr("gradtape.tape.BLOCK_BYTES", 1)
        close(tape.jacobian(y, x, "zero").numpy(), whole)
    if np.all(np.isfinite(whole)):  # else a zero weight meets an infinity, honestly
        close(tape.gradient(y, x, u, unconnected_gradients="zero").numpy(), u @ whole)
        close(acc.jvp(y, "zero").numpy(), whole @ v)

    with gt.GradientTape(persistent=True) as outer:
        outer.watch(x)
        g = gradient(f, x, u)
    hessian = outer.jacobian(g, x, "zero").numpy()
    close(g.numpy(), tape.gradient(y, x, u, unconnected_gradients="zero").numpy())
    if not np.all(np.isfinite(hessian)):
        return
    with gt.ForwardAccumulator(x, v) as acc:
        g = gradient(f, x, u)
    close(acc.jvp(g, "zero").numpy(), hessian @ v)
    if not cut:
        with gt.GradientTape() as tape:
            tape.watch(x)
            with gt.ForwardAccumulator(x, v) as acc:
                y = f(x)
            slope = (acc.jvp(y, "zero") * u).sum()
        close(tape.gradient(slope, x, unconnected_gradients="zero").numpy(), hessian @ v)


@pytest.mark.fuzz
@given(programs(SMOOTH + OTHERS), VECTORS)
@example([(len(SMOOTH) + 4, 0, 0), (0, 0, 1)], [0.0, 0.3, -0.8])
def test_all_modes_agree(program: Any, value: Any) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch, np.errstate(all="ignore"):
        check(lambda x: run(program, SMOOTH + OTHERS, x), value, monkeypatch, cut=False)


@pytest.mark.fuzz
@given(programs(SMOOTH + CUT * 3), VECTORS)
def test_all_modes_agree_on_what_is_stopped(program: Any, value: Any) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch, np.errstate(all="ignore"):
        check(lambda x: run(program, SMOOTH + CUT * 3, x), value, monkeypatch, cut=True)


@pytest.mark.fuzz
@given(programs(SMOOTH), VECTORS)
def test_smooth_programs_against_differences(program: Any, value: Any) -> None:
    def f(x: Any) -> Any:
        return run(program, SMOOTH, x)

    def at(point: Any) -> Any:
        return f(gt.constant(point)).numpy()

    x = gt.constant(value)
    with gt.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    jacobian = tape.jacobian(y, x, "zero").numpy()
    h = 1e-5
    point = np.array(value)
    differences = np.stack([(at(point + h * e) - at(point - h * e)) / (2 * h) for e in np.eye(3)])
    close(jacobian, differences.T, rtol=1e-6)
