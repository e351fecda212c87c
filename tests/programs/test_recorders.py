"""Traced functions under tapes and in operators, to any order, and within each other."""

import threading
from typing import Any

import numpy as np
import pytest

import gradtape as gt
from gradtape.nest import flatten
from gradtape.programs.function import function
from tests.programs.test_arguments import check

X, Y = np.array([0.3, -1.2, 2.0]), np.array([1.5, 0.7, -0.4])


def f(x: Any) -> Any:
    return np.sum(np.sin(x) * x**2 + np.exp(-x[0] * x))


def vector(x: Any) -> Any:
    return np.tanh(x) * x[::-1] + np.outer(x, x) @ x


def close(actual: Any, expected: Any) -> None:
    for a, e in zip(flatten(actual), flatten(expected), strict=True):
        np.testing.assert_allclose(a, e, rtol=1e-12, atol=1e-13)


OPERATORS = {
    "grad": lambda h: gt.grad(h),
    "value_and_grad": lambda h: gt.value_and_grad(h),
    "hessian": lambda h: gt.hessian(h),
    "third": lambda h: gt.grad(lambda x: np.sum(gt.hessian(h)(x) ** 2)),
    "hvp": lambda h: lambda x: gt.hvp(h)(x, Y),
    "jvp": lambda h: lambda x: gt.jvp(h)(x, Y),
    "jvp of grad": lambda h: lambda x: gt.jvp(gt.grad(h))(x, Y),
    "grad of jvp": lambda h: gt.grad(lambda x: gt.jvp(h)(x, Y)[1]),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_of_a_scalar(name: str):
    operator = OPERATORS[name]
    inner, outer, both = operator(function(f)), function(operator(f)), None
    both = function(operator(function(f)))
    for x in (X, Y, X + 1):
        expected = operator(f)(x)
        for derivative in (inner, outer, both):
            close(derivative(x), expected)
    assert outer.traces == 1


@pytest.mark.parametrize("name", ["jacobian", "gnvp", "divergence", "laplacian"])
def test_operators_of_a_vector(name: str):
    if name == "laplacian":
        operators: Any = lambda h: gt.laplacian(lambda x: np.sum(h(x)))  # noqa: E731
    elif name == "gnvp":
        operators = lambda h: lambda x: gt.gnvp(h, lambda y: np.sum(y**2))(x, Y)  # noqa: E731
    else:
        operators = getattr(gt, name)
    inner, outer = operators(function(vector)), function(operators(vector))
    for x in (X, Y):
        expected = operators(vector)(x)
        close(inner(x), expected)
        close(outer(x), expected)


def test_one_record_and_compiled_gradients():
    runs = []

    @function
    def traced(x: Any) -> Any:
        runs.append(1)
        return np.sin(x) * x

    for i in range(5):
        with gt.GradientTape() as tape:
            t = gt.constant(X + i)
            tape.watch(t)
            y = traced(t)
            assert len(tape._records) == 1
            z = y.sum()
        close(tape.gradient(z, t).numpy(), gt.grad(lambda x: np.sum(np.sin(x) * x))(X + i))
    assert len(runs) == 2  # once for the value, once for the gradient


def test_variables_under_a_tape():
    w, b = gt.Variable(X), gt.Variable(0.5, trainable=False)

    def layer(x: Any) -> Any:
        return np.tanh(w * x + b)

    traced = function(layer)
    for x in (X, Y):
        found = []
        for h in (layer, traced):
            with gt.GradientTape(persistent=True) as tape:
                tape.watch(b)
                with gt.GradientTape() as inner:
                    y = np.sum(h(h(x)) ** 2)
                g = inner.gradient(y, w)
                z = np.sum(g**2)
            assert [v is w for v in inner.watched_variables()] == [True]
            found.append([t.numpy() for t in (y, g, *tape.gradient(z, [w, b]))])
        close(found[1], found[0])
        w.assign_sub(0.1 * g)


def test_a_variable_that_changes_before_the_gradient():
    w = gt.Variable(2.0)
    traced = function(lambda x: x * w**2)
    with gt.GradientTape() as tape:
        y = traced(3.0)
    w.assign(100.0)
    assert tape.gradient(y, w).numpy() == 12


def test_assignments_under_a_tape():
    w, count = gt.Variable(2.0), gt.Variable(0.0)

    @function
    def step(x: Any) -> Any:
        count.assign_add(1.0)
        return w * x + count

    for i in range(3):
        with gt.GradientTape() as tape:
            y = step(3.0)
        assert y.numpy() == 7 + i
        assert count.numpy() == 1 + i
        assert tape.gradient(y, w).numpy() == 3
        assert count.numpy() == 1 + i


def test_tensors_of_a_closure():
    t = gt.constant(X)
    traced = function(lambda x: np.sum(t * x))
    traced(Y)
    with gt.GradientTape() as tape:
        tape.watch(t)
        y = traced(Y)
    close(tape.gradient(y, t).numpy(), Y)

    def outer(w: Any) -> Any:
        inner = function(lambda x: np.sum(np.sin(w * x)))
        return inner(Y)

    close(gt.grad(outer)(X), gt.grad(lambda w: np.sum(np.sin(w * Y)))(X))


def test_several_results_and_nests():
    def g(p: Any, scale: float) -> Any:
        return {"a": p["x"] * scale, "b": (np.sum(p["y"] ** 2), p["n"] + 1, "text")}

    traced = function(g)
    for h in (g, traced, traced):
        x, y = gt.constant(X), gt.constant(Y)
        with gt.GradientTape(persistent=True) as tape:
            tape.watch([x, y])
            out = h({"x": x, "y": y, "n": 3}, 2.0)
            z = np.sum(out["a"]) * out["b"][0]
        assert out["b"][1:] == (4, "text")
        gx, gy = tape.gradient(z, [x, y])
        close(gx.numpy(), np.full(3, 2 * np.sum(Y**2)))
        close(gy.numpy(), 2 * Y * np.sum(2 * X))
        assert tape.gradient(out["a"], y) is None


def test_complex_numbers():
    def g(z: Any) -> Any:
        return np.abs(np.sum(z * np.exp(1j * z))) ** 2

    z = X + 1j * Y
    close(gt.grad(function(g))(z), gt.grad(g)(z))
    close(function(gt.grad(g))(z), gt.grad(g)(z))


def test_branches_under_a_tape():
    def g(x: Any) -> Any:
        return np.sum(x**2) if x[0] > 0 else np.sum(3 * x)

    traced = function(g)
    for x in (X, -X, X, -X):
        close(gt.grad(traced)(x), gt.grad(g)(x))


def test_a_function_within_a_trace_is_part_of_it():
    inner = function(lambda x, n: x * n)

    @function
    def outer(x: Any) -> Any:
        return inner(x, 2) + inner(np.ones(3), 3) + inner(x=x, n=1)

    for x in (X, Y):
        close(outer(x), x * 2 + 3 + x)
    assert inner.traces == 0
    assert outer.traces == 1


def test_functions_that_call_themselves():
    @function
    def power(x: Any, n: int) -> Any:
        return x if n == 1 else x * power(x, n - 1)

    assert power(2.0, 5) == 32
    assert power(3.0, 5) == 243
    assert power(2.0, 3) == 8


def test_arrays_that_change_before_the_gradient():
    traced = function(lambda t, a: np.sum(t * a))
    a = Y.copy()
    t = gt.constant(X)
    with gt.GradientTape() as tape:
        tape.watch(t)
        z = traced(t, a)
    a[0] = 100
    close(tape.gradient(z, t).numpy(), Y)


def test_custom_gradients_checkpoints_and_stops():
    @gt.custom_gradient
    def twice(x: Any) -> Any:
        return np.sin(x), lambda g: 2 * g

    def g(x: Any) -> Any:
        return np.sum(twice(x) * gt.stop_gradient(x) + gt.checkpoint(np.cos)(x))

    for x in (X, Y):
        close(function(gt.grad(g))(x), gt.grad(g)(x))
        close(gt.grad(function(g))(x), gt.grad(g)(x))
    check(gt.grad(g), (X,), (Y,))


def test_a_training_step_with_a_network():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(16, 4)), rng.normal(size=(16, 1))

    def made() -> Any:
        r = np.random.default_rng(1)
        return [gt.Variable(r.normal(size=s)) for s in [(4, 8), (8,), (8, 1), (1,)]]

    def step_of(ws: Any) -> Any:
        def step(x: Any, y: Any, rate: float) -> Any:
            with gt.GradientTape() as tape:
                hidden = np.maximum(x @ ws[0] + ws[1], 0)
                loss = np.mean((hidden @ ws[2] + ws[3] - y) ** 2)
            for w, g in zip(ws, tape.gradient(loss, ws), strict=True):
                w.assign_sub(rate * g)
            return loss

        return step

    one, other = made(), made()
    plain, traced = step_of(one), function(step_of(other))
    for _ in range(10):
        close(traced(x, y, 0.05).numpy(), plain(x, y, 0.05).numpy())
    for v, w in zip(one, other, strict=True):
        close(w.numpy(), v.numpy())
    assert traced.traces == 1


# Threads and processes ----------------------------------------------------------------------------


def in_threads(count: int, work: Any) -> None:
    errors: list[BaseException] = []

    def run(i: int) -> None:
        try:
            work(i)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert errors == []


def test_threads_call_the_same_function():
    traced = function(lambda x: (np.exp(np.sin(x) * x) @ np.cos(x), np.cumsum(x * 2)))

    def work(i: int) -> None:
        for k in range(200):
            x = np.linspace(0, 1, 50 + i % 2) * (i + k) * 0.005
            a, b = traced(x)
            np.testing.assert_allclose(a, np.exp(np.sin(x) * x) @ np.cos(x), rtol=1e-13)
            np.testing.assert_allclose(b, np.cumsum(x * 2), rtol=1e-13)

    in_threads(6, work)
    assert traced.traces <= 12


def test_variables_are_values_to_other_threads():
    v = gt.Variable(np.ones(3))
    traced, done = threading.Event(), threading.Event()

    @function
    def slow(x: Any) -> Any:
        y = v * x
        traced.set()
        assert done.wait(10)
        return y

    def look(i: int) -> None:
        if i:
            slow(X)
            return
        assert traced.wait(10)
        try:
            value = v.numpy()
            assert isinstance(value, np.ndarray)
            assert value.tolist() == [1, 1, 1]
            assert np.sum(v).numpy() == 3
            assert bool(v[0] > 0)
            assert gt.grad(lambda x: np.sum(x * v))(X).tolist() == [1, 1, 1]
            assert np.asarray(v).sum() == 3
            assert float(v[0]) == 1
            assert v.shape == (3,)
        finally:
            done.set()

    in_threads(2, look)


def test_memory_stays_flat():
    import gc
    import tracemalloc

    w = gt.Variable(X)
    traced = function(lambda x, p: (np.sin(x) * w * p).sum())
    gradient = gt.grad(traced)
    for _ in range(50):
        traced(X, 1.0)
        gradient(X, 1.0)
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for i in range(2000):
        traced(X, float(i))
        if i % 10 == 0:
            gradient(X, float(i))
    gc.collect()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert after - before < 20_000
    assert traced.traces == 2


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="no fork")
def test_a_fork_goes_on():
    import os

    traced = function(lambda x: np.sin(x) * 2)
    traced(X)
    child = os.fork()
    if not child:
        same = np.allclose(traced(Y), np.sin(Y) * 2, rtol=1e-14)
        fresh = np.array_equal(function(lambda x: x + 1)(Y), Y + 1)
        os._exit(0 if same and fresh else 1)
    assert os.waitpid(child, 0)[1] == 0
    close(traced(Y), np.sin(Y) * 2)
