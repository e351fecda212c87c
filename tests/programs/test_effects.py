"""What a traced function changes and draws: each time as in the plain function, or refused."""

import random
from typing import Any

import numpy as np
import pytest

import gradtape as gt
from gradtape.programs.function import function
from gradtape.programs.symbols import TraceError

A, B = np.array([1.0, 2.0, 3.0]), np.array([4.0, -5.0, 6.0])


# Variables ----------------------------------------------------------------------------------------


def test_variables_are_read_and_assigned_at_each_call():
    w, count = gt.Variable([1.0, 1.0, 1.0]), gt.Variable(0)

    @function
    def step(x: Any, rate: float) -> Any:
        with gt.GradientTape() as tape:
            loss = ((w * x - 1) ** 2).sum()
        gradient = tape.gradient(loss, w)
        w.assign_sub(rate * gradient)
        count.assign_add(1)
        return loss

    plain = gt.Variable([1.0, 1.0, 1.0])
    for i, x in enumerate([A, B, A, B]):
        if i == 2:
            w.assign([0.5, 0.5, 0.5])
            plain.assign([0.5, 0.5, 0.5])
        with gt.GradientTape() as tape:
            loss = ((plain * x - 1) ** 2).sum()
        np.testing.assert_allclose(step(x, 0.1).numpy(), loss.numpy(), rtol=1e-14)
        plain.assign_sub(0.1 * tape.gradient(loss, plain))
        np.testing.assert_allclose(w.numpy(), plain.numpy(), rtol=1e-13)
    assert count.numpy() == 4
    assert step.traces == 1


def test_an_assignment_is_seen_within_the_call():
    v = gt.Variable(1.0)

    def f(x: Any) -> Any:
        before = v * 1
        v.assign(x)
        v.assign_add(1.0)
        return before, v * 10

    traced = function(f)
    assert [t.numpy() for t in traced(2.0)] == [1, 30]
    assert [t.numpy() for t in traced(3.0)] == [3, 40]
    assert v.numpy() == 4
    assert traced.traces == 1


def test_a_constant_assignment_happens_at_each_call():
    v = gt.Variable(5.0)
    traced = function(lambda: v.assign(1.0).numpy() * 2)
    for _ in range(3):
        assert traced() == 2
        assert v.numpy() == 1
        v.assign(7.0)


def test_an_exception_leaves_variables_as_they_were():
    v = gt.Variable(1.0)

    @function
    def f(x: Any) -> Any:
        v.assign(x.sum())
        if x[0] > 2:
            raise RuntimeError("too large")
        return v * 1

    with pytest.raises(RuntimeError, match="too large"):
        f(B)
    assert v.numpy() == 1
    assert type(v.array) is np.float64
    assert f(A).numpy() == 6
    with pytest.raises(RuntimeError, match="too large"):
        f(B)
    assert v.numpy() == 6


def test_a_failing_program_leaves_variables_as_they_were():
    v = gt.Variable(np.eye(2))

    @function
    def f(m: Any) -> Any:
        v.assign(m)
        return np.linalg.inv(m)

    f(np.eye(2))
    with pytest.raises(np.linalg.LinAlgError):
        f(np.zeros((2, 2)))
    assert np.array_equal(v.numpy(), np.eye(2))


def test_the_variables_are_dropped_when_nobody_uses_them():
    traced = function(lambda x: x * 2)
    keep = [gt.Variable(float(i)) for i in range(5)]
    traced(A)
    (programs,) = traced._programs.values()
    assert programs[0].plan.state == []
    assert len(programs[0].graph.inputs) == 1
    assert len(keep) == 5


def test_variables_that_the_function_makes():
    class Layer:
        w = None

        @function
        def __call__(self, x: Any) -> Any:
            if self.w is None:
                self.w = gt.Variable(np.ones(3))
            return (self.w * x).sum()

    layer = Layer()
    assert layer(A).numpy() == 6
    assert layer(B).numpy() == 5
    layer.w.assign([2.0, 0.0, 0.0])  # type: ignore[attr-defined]
    assert layer(A).numpy() == 2
    scratch = function(lambda x: gt.Variable(x).assign_add(x).numpy())
    assert np.array_equal(scratch(A), A * 2)
    assert np.array_equal(scratch(B), B * 2)


def test_a_variable_made_of_what_is_computed():
    kept = []

    def f(x: Any) -> Any:
        kept.append(gt.Variable(x * 2))
        return x

    with pytest.raises(TraceError, match="made the variable 'Variable'"):
        function(f)(A)
    kept.clear()


# What is outside -------------------------------------------------------------------------------


def test_values_that_are_kept_outside():
    kept: list[Any] = []
    holder: dict[str, Any] = {}

    def append(x: Any) -> Any:
        kept.append(x * 2)
        return x

    def store(x: Any) -> Any:
        holder["last"] = gt.constant(x * 2)
        return x

    def hand_out(x: Any) -> Any:
        return lambda: x * 2

    for f in (append, store, hand_out):
        with pytest.raises(TraceError, match="kept a value"):
            function(f)(A)
        kept.clear()
        holder.clear()


SCALE = 2.0


def test_a_global_that_is_bound_anew(monkeypatch: pytest.MonkeyPatch):
    traced = function(lambda x: x * SCALE)
    assert traced(A)[0] == 2
    monkeypatch.setitem(globals(), "SCALE", 3.0)
    assert traced(A)[0] == 3
    monkeypatch.setitem(globals(), "SCALE", 2.0)
    assert traced(A)[0] == 2


def test_a_closure_that_is_bound_anew():
    scale, weights, t = 2.0, np.ones(3), gt.constant(A)

    def helper(x: Any) -> Any:
        return x * scale + weights

    traced = function(lambda x: helper(x) + t * 1)
    assert traced(A).numpy()[0] == 4
    scale = 3.0
    assert traced(A).numpy()[0] == 5
    weights = np.zeros(3)
    assert traced(A).numpy()[0] == 4
    t = gt.constant(B)
    assert traced(A).numpy()[0] == 7
    t[0] = 0.0  # a new version of the same tensor
    assert traced(A).numpy()[0] == 3


def test_a_method_of_an_object_that_changes():
    class Model:
        rate = 1.0

        def __init__(self) -> None:
            self.scale = 1.0

        @function
        def f(self, x: Any) -> Any:
            return x * self.scale

    model = Model()
    assert model.f(A)[0] == 1
    model.scale = 5.0
    assert model.f(A)[0] == 5


def test_state_in_python():
    calls = 0
    holder = type("Holder", (), {})()
    holder.count = 0

    def count(x: Any) -> Any:
        nonlocal calls
        calls += 1
        return x

    def attribute(x: Any) -> Any:
        holder.count += 1
        return x

    for f, name in ((count, "calls"), (attribute, "count")):
        with pytest.raises(TraceError, match=f"what '{name}' stands for"):
            function(f)(A)


def test_a_tensor_from_outside_that_is_written_into():
    t = gt.zeros(3)

    def f(x: Any) -> Any:
        t[0] = x[0]
        return t * 1

    with pytest.raises(TraceError, match="wrote into a Tensor"):
        function(f)(A)
    assert t.numpy()[0] == 0


# Random numbers -----------------------------------------------------------------------------------


GENERATOR = np.random.default_rng(0)


def test_random_numbers():
    rng, state = np.random.default_rng(1), np.random.RandomState(1)
    own = random.Random(1)
    holder = {"deep": [{"rng": np.random.default_rng(2)}]}
    draws = [
        lambda x: x * np.random.rand(3),
        lambda x: x * np.random.default_rng().random(3),
        lambda x: x * GENERATOR.random(3),
        lambda x: x * rng.normal(size=3),
        lambda x: x * state.rand(3),
        lambda x: x * holder["deep"][0]["rng"].random(),
        lambda x: x * random.random(),
        lambda x: x * own.random(),
        lambda x: x[rng.permutation(3)],
    ]
    for draw in draws:
        with pytest.raises(TraceError, match="random numbers"):
            function(draw)(A)
    with pytest.raises(TraceError, match="random numbers"):
        function(lambda x, rng: x * rng.random(3))(A, np.random.default_rng(3))
    seeded = function(lambda x: x * np.random.default_rng(7).random(3))
    expected = np.random.default_rng(7).random(3)
    assert np.array_equal(seeded(A), A * expected)
    assert np.array_equal(seeded(B), B * expected)


def test_random_numbers_of_the_tensorflow_layer():
    import gradtape.tf as tf

    with pytest.raises(TraceError, match="random numbers"):
        function(lambda x: x * tf.random.normal([3], dtype=tf.float64))(tf.constant(A))
    fixed = function(lambda x: x * tf.random.stateless_normal([3], seed=[1, 2], dtype=tf.float64))
    plain = tf.random.stateless_normal([3], seed=[1, 2], dtype=tf.float64).numpy()
    assert np.array_equal(fixed(tf.constant(A)).numpy(), A * plain)


# Once ---------------------------------------------------------------------------------------------


def test_printing_and_appending_happen_once(capsys: pytest.CaptureFixture[str]):
    log: list[str] = []

    @function
    def f(x: Any) -> Any:
        print("x is", x, f"{x[0]:.1f}", repr(gt.constant(x)))
        log.append("traced")
        return x * 2

    f(A)
    f(B)
    assert capsys.readouterr().out == "x is [1. 2. 3.] 1.0 Tensor([1., 2., 3.])\n"
    assert log == ["traced"]
