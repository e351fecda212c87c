"""Memory: what is dropped is freed at once, without the garbage collector, and steps stay flat."""

import gc
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import gradtape as gt

SHAPE = (50,)


@pytest.fixture(autouse=True)
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def simple(x: Any) -> Any:
    with gt.GradientTape() as tape:
        tape.watch(x)
        y = (np.exp(x) * np.sin(x) @ np.ones(50)).sum()
    return tape, tape.gradient(y, x)


def persistent(x: Any) -> Any:
    with gt.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = np.where(x > 0, x * np.ones(50), np.sqrt(x)).sum()
        g = tape.gradient(y, x)
    return tape, tape.gradient(g * y, x)


def jacobian(x: Any) -> Any:
    with gt.GradientTape() as tape:
        tape.watch(x)
        y = np.tanh(x) * x.sum()
    return tape, tape.jacobian(y, x)


def nested(x: Any) -> Any:
    with gt.GradientTape() as outer:
        outer.watch(x)
        with gt.GradientTape() as inner:
            inner.watch(x)
            y = (np.exp(x) * x**3).sum()
        g = inner.gradient(y, x)
    return outer, outer.gradient(g, x)


def forward(x: Any) -> Any:
    with gt.ForwardAccumulator(x, np.ones(SHAPE)) as acc:
        y = (np.exp(x) * x**3).sum()
    return acc, acc.jvp(y)


def custom(x: Any) -> Any:
    @gt.custom_gradient
    def f(x: Any) -> Any:
        e = np.exp(x)
        return e * x, lambda g: g * (e + e * x)

    with gt.GradientTape() as tape:
        tape.watch(x)
        y = f(x).sum()
    return tape, tape.gradient(y, x)


def recomputed(x: Any) -> Any:
    deep = gt.recompute_grad(lambda x: np.exp(x) * np.sin(x))
    with gt.GradientTape() as tape:
        tape.watch(x)
        y = deep(x).sum()
    return tape, tape.gradient(y, x)


def operators(x: Any) -> Any:
    return None, gt.grad(lambda x: gt.grad(lambda x: (x**3).sum())(x).sum())(np.ones(50))


def failed(x: Any) -> Any:
    tape = gt.GradientTape()
    with pytest.raises(ValueError, match="broadcast"), tape:
        tape.watch(x)
        np.exp(x) + np.ones(49)
    return tape, None


def never_asked(x: Any) -> Any:
    with gt.GradientTape() as tape:
        tape.watch(x)
        np.exp(x) * np.ones(50)
    return tape, None


PROGRAMS: list[Callable[[Any], Any]] = [
    simple,
    persistent,
    jacobian,
    nested,
    forward,
    custom,
    recomputed,
    operators,
    never_asked,
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_there_is_nothing_for_the_collector(program: Any) -> None:
    program(gt.constant(np.ones(SHAPE)))  # what is made once, is made
    gc.collect()
    program(gt.constant(np.ones(SHAPE)))
    assert gc.collect() == 0


@pytest.mark.parametrize("program", [p for p in PROGRAMS if p is not operators])
def test_a_recorder_that_is_dropped_dies_at_once(program: Any) -> None:
    x = gt.constant(np.ones(SHAPE))
    recorder, result = program(x)
    of_recorder, of_x = weakref.ref(recorder), weakref.ref(x)
    del recorder
    assert of_recorder() is None
    del x
    assert of_x() is None
    del result


def test_errors_leave_nothing_behind() -> None:
    x = gt.constant(np.ones(SHAPE))
    tape, _ = failed(x)
    reference = weakref.ref(tape)
    gc.collect()  # pytest's own report of the exception
    del tape
    assert reference() is None


def test_intermediates_die_with_the_tape() -> None:
    x = gt.Variable(np.ones(SHAPE))
    with gt.GradientTape() as tape:
        u = np.exp(x)
        y = (u * u).sum()
    array = weakref.ref(u.array)
    del u
    assert array() is not None  # the tape needs it
    del tape
    assert array() is None
    assert y.shape == ()


def test_what_no_rule_needs_is_not_kept() -> None:
    x = gt.Variable(np.ones(SHAPE))
    with gt.GradientTape() as tape:
        u = x * 2.0
        reference = weakref.ref(u.array)
        y = (u + 1.0).sum()
        del u
        assert reference() is None
    assert np.array_equal(tape.gradient(y, x).numpy(), np.full(SHAPE, 2.0))


def test_records_are_freed_with_the_gradient() -> None:
    x = gt.Variable(np.ones(SHAPE))
    with gt.GradientTape() as tape:
        u = np.exp(x)
        y = (u * u).sum()
    array = weakref.ref(u.array)
    del u
    tape.gradient(y, x)
    assert array() is None


def test_records_are_freed_on_the_way_back() -> None:
    """The peak of a long chain's gradient stays near that of its forward pass."""
    n, size = 40, 200_000
    x = gt.Variable(np.ones(size))
    tracemalloc.start()
    with gt.GradientTape() as tape:
        y = x
        for _ in range(n):
            y = np.sin(y) * 1.5
        total = y.sum()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    tape.gradient(total, x)
    after, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held > n * size * 8 / 2
    assert peak - held < 6 * size * 8
    assert after < 4 * size * 8


def test_a_persistent_tape_keeps_its_records_until_reset() -> None:
    x = gt.Variable(np.ones(SHAPE))
    with gt.GradientTape(persistent=True) as tape:
        u = np.exp(x)
        y = (u * u).sum()
    array = weakref.ref(u.array)
    del u
    tape.gradient(y, x)
    assert array() is not None
    tape.reset()
    assert array() is None


def test_a_user_s_large_array_is_let_go_of_with_the_gradient() -> None:
    a = np.ones(100_000)
    x = gt.Variable(np.ones(100_000))
    with gt.GradientTape() as tape:
        y = x * a
    reference = weakref.ref(a)
    del a
    assert reference() is not None
    tape.gradient(y, x)
    assert reference() is None


def test_recompute_grad_keeps_no_intermediates() -> None:
    kept: list[Any] = []

    @gt.recompute_grad
    def deep(x: Any) -> Any:
        u = np.exp(x)
        kept.append(weakref.ref(u.array))
        return (u * u).sum()

    x = gt.Variable(np.ones(SHAPE))
    with gt.GradientTape() as tape:
        y = deep(x)
    assert kept[0]() is None
    tape.gradient(y, x)
    assert [r() for r in kept] == [None, None]


def step(v: gt.Variable, w: gt.Variable, x: Any) -> None:
    """One step of a small training loop, with the engine's other doors used as well."""
    with gt.GradientTape() as tape:
        y = np.maximum(x @ v, 0.0) @ w
        loss = np.mean(np.where(y > 0, y, 0.1 * y) ** 2)
    dv, dw = tape.gradient(loss, [v, w])
    v.assign_sub(1e-3 * dv)
    w.assign_sub(1e-3 * dw)


def second_order_step(v: gt.Variable, w: gt.Variable, x: Any) -> None:
    with gt.GradientTape() as outer:
        with gt.GradientTape() as inner:
            y = (np.tanh(x @ v) @ w).sum()
        g = inner.gradient(y, w)
        z = (g * g).sum()
    outer.gradient(z, [v, w], unconnected_gradients="zero")


def forward_step(v: gt.Variable, w: gt.Variable, x: Any) -> None:
    with gt.ForwardAccumulator(v, np.ones((8, 5))) as acc:
        y = x @ v
    acc.jvp(y)
    gt.grad(lambda x: (x**2).sum())(np.ones(3))


@pytest.mark.parametrize(
    ("program", "steps"), [(step, 2000), (second_order_step, 300), (forward_step, 500)]
)
def test_steps_leave_memory_flat(program: Any, steps: int) -> None:
    rng = np.random.default_rng(0)
    v, w = gt.Variable(rng.normal(size=(8, 5))), gt.Variable(rng.normal(size=(5,)))
    x = rng.normal(size=(16, 8))
    for _ in range(20):
        program(v, w, x)
    gc.collect()
    tracemalloc.start()
    for _ in range(20):
        program(v, w, x)
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(steps):
        program(v, w, x)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 100_000
    assert gc.collect() == 0


def test_shapes_that_are_always_new_do_not_pile_up() -> None:
    """What is remembered about shapes is bounded."""
    v = gt.Variable(1.0)
    tracemalloc.start()
    sizes: list[int] = []
    for part in range(2):
        for n in range(2500):
            with gt.GradientTape() as tape:
                y = v * np.ones((2, part * 2500 + n + 1))
            tape.gradient(y, v)
        sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert sizes[1] < 3_000_000
