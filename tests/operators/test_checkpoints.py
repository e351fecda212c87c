"""Checkpoints: the same derivatives with less memory, and no more runs than the paper says."""

import gc
import math
import tracemalloc
import weakref
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gradtape as gt
import gradtape.tf as tf
from gradtape.operators.binomial import default_snapshots, forward_steps, repetitions, schedule

# The schedule -------------------------------------------------------------------------------------


@cache
def optimum(n: int, c: int) -> int:
    """The fewest steps ahead, by dynamic programming over where the next snapshot is taken."""
    if n <= 1:
        return 0
    if c == 1:
        return n * (n - 1) // 2
    return min([m + optimum(n - m, c - 1) + optimum(m, c) for m in range(1, n)])


def carried_out(n: int, c: int) -> tuple[int, int]:
    """The steps ahead and the most snapshots of a schedule, which is checked on the way."""
    kept, current, ahead, most, reversed_steps = {0}, None, 0, 1, []
    for action in schedule(n, c):
        if action.what == "advance":
            assert action.state in kept
            assert action.until > action.state
            ahead += action.until - action.state
            current = action.until
        elif action.what == "keep":
            assert action.state == current
            kept.add(action.state)
            most = max(most, len(kept))
        elif action.what == "free":
            kept.remove(action.state)
        else:
            assert action.state in kept or action.state == current
            reversed_steps.append(action.state)
            current = None
    assert reversed_steps == list(range(n))[::-1]
    assert n == 0 or not kept
    return ahead, most


@pytest.mark.parametrize("c", range(1, 7))
def test_the_schedule_is_optimal(c: int) -> None:
    for n in range(41):
        ahead, most = carried_out(n, c)
        assert ahead == optimum(n, c) == forward_steps(n, c)
        assert most <= c


@given(st.integers(0, 3000), st.integers(2, 40))
def test_any_schedule_takes_the_steps_that_the_formula_says(n: int, c: int) -> None:
    ahead, most = carried_out(n, c)
    assert ahead == forward_steps(n, c) <= max(repetitions(n, c) * n, 0)
    assert most <= c


def test_more_snapshots_than_steps() -> None:
    assert carried_out(5000, 5000)[0] == 4999


@pytest.mark.parametrize("n", [1, 2, 10, 1000, 10**6, 10**9])
def test_default_snapshots_grow_with_the_logarithm(n: int) -> None:
    c = default_snapshots(n)
    assert c <= math.log2(n) / 2 + 3
    assert repetitions(n, c) <= c
    assert forward_steps(n, c) <= c * n


# A loop -------------------------------------------------------------------------------------------

S, P = np.array([0.3, 0.4]), np.array([1.1, 1.2])


def turn(s: Any, i: int, p: Any) -> Any:
    return np.sin(s) * p + 0.01 * i


def unrolled(s: Any, p: Any, n: int = 20, snapshots: Any = None) -> Any:
    for i in range(n):
        s = turn(s, i, p)
    return s


def loop(s: Any, p: Any, n: int = 20, snapshots: int | None = None) -> Any:
    return gt.checkpointed_loop(turn, s, n, snapshots, (p,))


def squares(f: Any, n: int = 20, snapshots: int | None = None) -> Any:
    return lambda s, p: np.sum(f(s, p, n, snapshots) ** 2)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 7, 20])
@pytest.mark.parametrize("snapshots", [None, 1, 2, 3, 30])
def test_the_gradient_is_that_of_the_unrolled_loop(n: int, snapshots: Any) -> None:
    assert np.array_equal(loop(S, P, n, snapshots), unrolled(S, P, n))
    found = gt.grad(squares(loop, n, snapshots))(S, P)
    assert np.array_equal(found, gt.grad(squares(unrolled, n))(S, P))
    if n:
        found = gt.grad(squares(loop, n, snapshots), 1)(S, P)
        assert np.allclose(found, gt.grad(squares(unrolled, n), 1)(S, P), rtol=1e-14, atol=0)


def test_a_long_loop() -> None:
    found = gt.grad(squares(loop, 1000), (0, 1))(S, P)
    expected = gt.grad(squares(unrolled, 1000), (0, 1))(S, P)
    assert np.array_equal(found[0], expected[0])  # bit for bit
    assert np.allclose(found[1], expected[1], rtol=1e-13, atol=0)


def test_second_and_third_order() -> None:
    def second(f: Any) -> Any:
        return lambda s, p: np.sum(gt.grad(squares(f), 1)(s, p) * np.array([1.0, 2.0]))

    def third(f: Any) -> Any:
        return lambda s, p: np.sum(gt.grad(second(f), 1)(s, p) * np.array([3.0, 1.0]))

    for order in (second, third):
        for k in (0, 1):
            found, expected = [gt.grad(order(f), k)(S, P) for f in (loop, unrolled)]
            assert np.allclose(found, expected, rtol=1e-11, atol=1e-14)


def test_forward_mode_and_both_modes_over_each_other() -> None:
    v = np.array([1.0, -0.5])
    for f, g in [(loop, unrolled)]:
        found, expected = gt.jvp(f, 1)(S, P, v), gt.jvp(g, 1)(S, P, v)
        assert np.allclose(found, expected, rtol=1e-13)
        found, expected = gt.hvp(squares(f), 1)(S, P, v), gt.hvp(squares(g), 1)(S, P, v)
        assert np.allclose(found, expected, rtol=1e-12)
        over = [
            gt.grad(lambda p, f=f: gt.directional_derivative(squares(f), 1)(S, p, v))(P)
            for f in (f, g)
        ]
        assert np.allclose(over[0], over[1], rtol=1e-12)


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_jacobians(mode: Any) -> None:
    for k in (0, 1):
        found = gt.jacobian(loop, k, mode=mode)(S, P)
        assert np.allclose(found, gt.jacobian(unrolled, k)(S, P), rtol=1e-12, atol=1e-15)


def swing(state: Any, i: int, length: Any, *, dt: float = 0.01) -> Any:
    speed = state["speed"] - dt * 9.81 / length * np.sin(state["angle"])
    return {"angle": state["angle"] + dt * speed, "speed": speed, "count": state["count"] + 1}


def test_nests_with_integers() -> None:
    start = {"angle": 1.0, "speed": np.zeros(2), "count": 0}

    def last(length: Any) -> Any:
        return gt.checkpointed_loop(swing, {**start, "angle": np.ones(2)}, 50, None, [length])

    state = last(2.0)
    assert state["count"] == 50
    assert isinstance(state["angle"], np.ndarray)
    slope = gt.grad(lambda length: np.sum(last(length)["angle"]))(2.0)
    h = 1e-5
    expected = (np.sum(last(2.0 + h)["angle"]) - np.sum(last(2.0 - h)["angle"])) / (2 * h)
    assert np.isclose(slope, expected, rtol=1e-8)


def test_what_a_step_closes_over() -> None:
    v = gt.Variable(0.9)

    def f(run: Any) -> Any:
        def by(a: Any) -> Any:
            b = a * a  # neither an argument nor a variable
            return np.sum(run(lambda s, i: np.sin(s) * b * v, S, 12))

        return by

    def plainly(step: Any, s: Any, n: int) -> Any:
        for i in range(n):
            s = step(s, i)
        return s

    for order in (gt.grad, lambda f: gt.grad(gt.grad(f))):
        found, expected = [order(f(run))(1.1) for run in (gt.checkpointed_loop, plainly)]
        assert np.isclose(found, expected, rtol=1e-13)
    with gt.GradientTape(persistent=True) as tape:
        found, expected = [f(run)(gt.constant(1.1)) for run in (gt.checkpointed_loop, plainly)]
        v.assign(100.0)  # the gradient is that of the value then
    assert np.isclose(tape.gradient(found, v).numpy(), tape.gradient(expected, v).numpy())
    assert v.numpy() == 100.0


def test_a_step_that_writes_into_its_state() -> None:
    def step(s: Any, i: int) -> Any:
        s[0] = s[0] * s[1]
        s[1] += 0.1
        return s

    def plainly(s: Any) -> Any:
        s = s + 0.0
        for i in range(9):
            s = step(s, i)
        return np.sum(s)

    found = gt.grad(lambda s: np.sum(gt.checkpointed_loop(step, s, 9)))(S)
    assert np.allclose(found, gt.grad(plainly)(S), rtol=1e-14)


def test_a_step_that_writes_into_its_integers() -> None:
    def step(state: Any, i: int) -> Any:
        s, count = state
        count += 1
        return s * count, count

    def f(s: Any) -> Any:
        return np.sum(gt.checkpointed_loop(step, (s, np.zeros(2, int)), 6, 2)[0])

    start = np.zeros(2, int)
    assert gt.grad(f)(S).tolist() == [720.0, 720.0]
    assert gt.checkpointed_loop(step, (S, start), 6)[1].tolist() == [6, 6]
    assert start.tolist() == [0, 0]


def test_a_state_that_is_a_variable() -> None:
    v = gt.Variable(S)
    with gt.GradientTape() as tape:
        y = np.sum(gt.checkpointed_loop(lambda s, i: np.sin(s) * v, v, 5))
    slope = tape.gradient(y, v).numpy()
    with gt.GradientTape() as tape:
        s: Any = v
        for _ in range(5):
            s = np.sin(s) * v
        y = np.sum(s)
    assert np.allclose(slope, tape.gradient(y, v).numpy(), rtol=1e-13)


def test_a_state_that_is_an_argument_too() -> None:
    def f(run: Any) -> Any:
        return lambda x: np.sum(run(x, x) ** 2)

    assert np.allclose(gt.grad(f(loop))(S), gt.grad(f(unrolled))(S), rtol=1e-13)
    v = np.array([1.0, 2.0])
    found, expected = [gt.jvp(f(run))(S, v)[1] for run in (loop, unrolled)]
    assert np.isclose(found, expected, rtol=1e-13)


def test_a_loop_in_a_loop_and_in_a_checkpoint() -> None:
    def outer(s: Any, i: int, p: Any) -> Any:
        return loop(s, p * (1 + 0.01 * i), 5)

    def plainly(s: Any, p: Any) -> Any:
        for i in range(6):
            s = unrolled(s, p * (1 + 0.01 * i), 5)
        return np.sum(s**2)

    def nested(s: Any, p: Any) -> Any:
        run = gt.checkpoint(lambda s, p: gt.checkpointed_loop(outer, s, 6, 2, (p,)))
        return np.sum(run(s, p) ** 2)

    for k in (0, 1):
        assert np.allclose(gt.grad(nested, k)(S, P), gt.grad(plainly, k)(S, P), rtol=1e-13)
        assert np.allclose(gt.hessian(nested, k)(S, P), gt.hessian(plainly, k)(S, P), rtol=1e-10)


def test_single_precision_and_complex_numbers() -> None:
    s, p = S.astype(np.float32), P.astype(np.float32)

    def step(s: Any, i: int, p: Any) -> Any:
        return np.sin(s) * p

    def f(s: Any, p: Any) -> Any:
        return np.sum(np.abs(gt.checkpointed_loop(step, s, 9, args=(p,))) ** 2)

    def g(s: Any, p: Any) -> Any:
        for i in range(9):
            s = step(s, i, p)
        return np.sum(np.abs(s) ** 2)

    assert gt.grad(f)(s, p).dtype == np.float32
    for found, expected in zip(*[gt.grad(h, (0, 1))(s, p) for h in (f, g)], strict=True):
        assert np.allclose(found, expected, rtol=1e-5)
    z = S * (1 + 1j)
    for found, expected in zip(*[gt.grad(h, (0, 1))(z, P) for h in (f, g)], strict=True):
        assert np.allclose(found, expected, rtol=1e-13)


def test_under_gradtape_tf() -> None:
    x = tf.Variable([0.3, 0.4])
    with tf.GradientTape() as tape:
        y = gt.checkpointed_loop(lambda s, i: tf.sin(s) * x, x, 5)
        assert isinstance(y, tf.Tensor)
        loss = tf.reduce_sum(y)
    with tf.GradientTape() as plain:
        z: Any = x
        for _ in range(5):
            z = tf.sin(z) * x
        expected = tf.reduce_sum(z)
    assert np.allclose(tape.gradient(loss, x).numpy(), plain.gradient(expected, x).numpy())


# What it costs ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "c"), [(1, 1), (10, 1), (10, 2), (56, 3), (57, 3), (200, 5)])
def test_the_runs_of_a_step(n: int, c: int) -> None:
    runs = []

    def step(s: Any, i: int) -> Any:
        runs.append(i)
        return np.sin(s)

    s = gt.constant(S)
    with gt.GradientTape(persistent=True) as tape:
        tape.watch(s)
        y = gt.checkpointed_loop(step, s, n, c)
    assert len(runs) == n
    tape.gradient(y, s)
    # Ahead as in the paper; each step once on a tape; the last one once for the value.
    assert len(runs) == forward_steps(n, c) + n + 1
    runs.clear()
    tape.gradient(y, s)  # the snapshots are used up: the way ahead is gone again
    assert len(runs) == forward_steps(n, c) + n


@pytest.mark.parametrize(("n", "c"), [(50, 1), (50, 3), (200, 4), (200, None)])
def test_the_states_that_live(n: int, c: int | None) -> None:
    states: list[weakref.ref[Any]] = []
    most = 0

    def step(s: Any, i: int) -> Any:
        nonlocal most
        after = np.sin(s)
        states.append(weakref.ref(after.array if isinstance(after, gt.Tensor) else after))
        states[:] = [ref for ref in states if ref() is not None]
        most = max(most, len(states))
        return after

    gc.disable()  # what is dropped is freed at once
    try:
        gt.grad(lambda s: np.sum(gt.checkpointed_loop(step, s, n, c)))(np.ones(100))
    finally:
        gc.enable()
    c = default_snapshots(n) if c is None else c
    assert most <= c + 1  # not the first snapshot, but the states before and after a step


def peak(f: Any, x: Any) -> int:
    f(x)
    gc.collect()
    tracemalloc.start()
    try:
        f(x)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_grows_with_the_logarithm() -> None:
    def step(s: Any, i: int) -> Any:
        return np.sin(s)

    def f(n: int) -> Any:
        return gt.grad(lambda s: np.sum(gt.checkpointed_loop(step, s, n)))

    def plain(s: Any) -> Any:
        for i in range(64):
            s = step(s, i)
        return np.sum(s)

    x = np.ones(50_000)
    peaks = [peak(f(n), x) / x.nbytes for n in (16, 64, 256)]
    snapshots = [default_snapshots(n) for n in (16, 64, 256)]
    for size, c in zip(peaks, snapshots, strict=True):
        assert size < c + 8
    assert peaks[2] < peak(gt.grad(plain), x) / x.nbytes / 3


def test_forward_mode_keeps_one_state() -> None:
    def f(n: int) -> Any:
        run = lambda s: gt.checkpointed_loop(lambda s, i: np.sin(s), s, n, 3)  # noqa: E731
        return lambda x: gt.jvp(run)(x, x)

    x = np.ones(50_000)
    assert peak(f(200), x) < 1.1 * peak(f(20), x)


# checkpoint ---------------------------------------------------------------------------------------


def test_checkpoint_is_recompute_grad() -> None:
    runs = []

    @gt.checkpoint
    def deep(x: Any) -> Any:
        runs.append(1)
        return np.exp(np.sin(x))

    assert deep.__name__ == "deep"
    assert np.isclose(gt.grad(deep)(0.5), np.cos(0.5) * np.exp(np.sin(0.5)))
    assert len(runs) == 2


def test_checkpoints_nest() -> None:
    runs: list[str] = []

    @gt.checkpoint
    def inner(x: Any) -> Any:
        runs.append("inner")
        return np.sin(x) * x

    @gt.checkpoint
    def outer(x: Any) -> Any:
        runs.append("outer")
        return inner(inner(x))

    def plainly(x: Any) -> Any:
        y = np.sin(x) * x
        return np.sin(y) * y

    f, g = outer, plainly
    for _ in range(3):
        f, g = gt.grad(f), gt.grad(g)
        assert np.isclose(f(0.7), g(0.7), rtol=1e-12)
    runs.clear()
    gt.grad(outer)(0.7)
    assert runs == ["outer", "inner", "inner", "outer", "inner", "inner", "inner", "inner"]


def test_a_tensor_that_a_checkpoint_closes_over() -> None:
    def f(a: Any) -> Any:
        b = a * a
        return gt.checkpoint(lambda: np.sin(b) * b)()

    def plainly(a: Any) -> Any:
        b = a * a
        return np.sin(b) * b

    for order in (gt.grad, lambda f: gt.grad(gt.grad(f))):
        assert np.isclose(order(f)(0.7), order(plainly)(0.7), rtol=1e-13)
    found, expected = [gt.directional_derivative(h)(0.7, 1.0) for h in (f, plainly)]
    assert np.isclose(found, expected, rtol=1e-13)


def test_what_is_closed_over_and_returned_as_it_is() -> None:
    def of_a_checkpoint(a: Any) -> Any:
        b = a * a
        return gt.checkpoint(lambda x: (x, b))(a)[1]

    def of_a_loop(a: Any) -> Any:
        b = a * a
        return gt.checkpointed_loop(lambda s, i: b if i == 2 else s * 2.0, a, 5)

    for f, factor in ((of_a_checkpoint, 1.0), (of_a_loop, 4.0)):
        assert gt.grad(f)(3.0) == gt.directional_derivative(f)(3.0, 1.0) == 6.0 * factor
        assert gt.grad(gt.grad(f))(3.0) == 2.0 * factor


def test_a_tensor_that_is_written_to_before_the_second_run() -> None:
    x, t = gt.Variable([1.0, 2.0]), gt.zeros(2)
    with gt.GradientTape() as tape:
        t[:] = x * 1.0
        y = gt.checkpoint(lambda: t * t)()
        t[0] = 100.0
    with pytest.raises(gt.ChangedArrayError, match="was written to"):
        tape.gradient(y, x)


def test_the_jacobian_of_a_checkpoint_takes_one_more_run() -> None:
    runs = []

    @gt.checkpoint
    def deep(x: Any) -> Any:
        runs.append(1)
        return np.sin(x) * np.sum(x)

    expected = np.diag(np.cos(S)) * np.sum(S) + np.sin(S)[:, None]
    for mode in ("forward", "reverse"):
        runs.clear()
        assert np.allclose(gt.jacobian(deep, mode=mode)(S), expected, rtol=1e-14)
        assert len(runs) == 2


def test_a_checkpoint_takes_less_memory() -> None:
    def block(x: Any) -> Any:
        for _ in range(20):
            x = np.sin(x)
        return x

    def f(wrap: Any) -> Any:
        def total(x: Any) -> Any:
            for _ in range(10):
                x = wrap(block)(x)
            return np.sum(x)

        return gt.grad(total)

    x = np.ones(50_000)
    plain, less = peak(f(lambda g: g), x), peak(f(gt.checkpoint), x)
    assert less < plain / 4


# Bad input ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [2.0, "3", None])
def test_n_that_is_no_whole_number(n: Any) -> None:
    with pytest.raises(TypeError, match="argument `n` of checkpointed_loop must be a whole number"):
        gt.checkpointed_loop(turn, S, n, args=(P,))
    with pytest.raises(ValueError, match="argument `n` of checkpointed_loop must be at least 0"):
        gt.checkpointed_loop(turn, S, -1, args=(P,))


def test_snapshots_that_are_no_positive_whole_number() -> None:
    with pytest.raises(ValueError, match=r"argument `snapshots` .* must be at least 1, but is 0"):
        loop(S, P, 5, 0)
    with pytest.raises(TypeError, match=r"argument `snapshots` .* must be a whole number"):
        loop(S, P, 5, 1.5)  # type: ignore[arg-type]


def test_a_step_that_is_no_function() -> None:
    with pytest.raises(TypeError, match="argument `step` must be a function"):
        gt.checkpointed_loop(3, S, 5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="argument `f` of recompute_grad must be a function"):
        gt.checkpoint(3)  # type: ignore[arg-type]


@pytest.mark.parametrize("watch", [False, True])
def test_a_step_that_changes_the_state_s_kind(watch: bool) -> None:
    def run(step: Any, state: Any) -> Any:
        if watch:
            return gt.grad(lambda s: np.sum(gt.checkpointed_loop(step, s, 3)))(state)
        return gt.checkpointed_loop(step, state, 3)

    with pytest.raises(ValueError, match=r"changed the shape of leaf 0 .* from \(2,\) to \(\)"):
        run(lambda s, i: np.sum(s), S)
    with pytest.raises(TypeError, match=r"changed the dtype of leaf 0 .* float32 to float64"):
        run(lambda s, i: s * np.float64(2), np.float32(1.0))
    with pytest.raises(TypeError, match="must return a nest of the same structure"):
        run(lambda s, i: (s, s), S)
    with pytest.raises(TypeError, match="must return a nest of the same structure"):
        run(lambda s, i: {"b": s["a"]}, {"a": S}) if not watch else run(lambda s, i: [s], S)


def test_a_state_of_something_else() -> None:
    with pytest.raises(TypeError, match="argument `state` of checkpointed_loop holds"):
        gt.checkpointed_loop(turn, "abc", 3)
