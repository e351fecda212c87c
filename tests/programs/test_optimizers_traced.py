"""Optimisers within traced functions: steps, states and counts as without, at every call."""

import copy
import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gradtape as gt
from gradtape.optimizers import SGD, Adam, Nadam
from gradtape.programs.function import function

OPTIMIZERS = {
    "sgd": SGD,
    "polyak": lambda rate: SGD(rate, 0.9),
    "nesterov": lambda rate: SGD(rate, 0.9, True),
    "adam": Adam,
    "adam without memory": lambda rate: Adam(rate, 0.0, 0.0),
    "nadam": Nadam,
    "nadam, constant momentum": lambda rate: Nadam(rate, schedule_decay=math.inf),
}
every_optimizer = pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=list(OPTIMIZERS))
engines = pytest.mark.parametrize("engine", ["numpy", "llvm"])
SHAPES = [(4, 8), (8,), (8, 1), (1,), ()]


def variables(dtype: Any) -> list[Any]:
    rng = np.random.default_rng(2)
    values = [rng.normal(size=s) + 1j * rng.normal(size=s) for s in SHAPES]
    return [
        gt.Variable((v if np.dtype(dtype).kind == "c" else v.real).astype(dtype)) for v in values
    ]


def step_of(weights: list[Any], optimizer: Any) -> Any:
    def step(x: Any, y: Any) -> Any:
        with gt.GradientTape() as tape:
            error = np.tanh(x @ weights[0] + weights[1]) @ weights[2] + weights[3] - y * weights[4]
            loss = np.mean(np.real(error * np.conj(error)))
        gradients = tape.gradient(loss, weights)
        optimizer.apply_gradients(zip(gradients, weights, strict=True))
        return loss

    return step


def batch(rng: Any, dtype: Any) -> Any:
    return rng.normal(size=(16, 4)).astype(dtype), rng.normal(size=(16, 1)).astype(dtype)


def close(actual: Any, expected: Any, dtype: Any) -> None:
    assert actual.dtype == expected.dtype
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(actual, expected, rtol=200 * eps, atol=100 * eps)


@every_optimizer
@engines
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.complex64])
def test_as_without_a_trace(make: Any, engine: str, dtype: Any):
    if engine == "llvm":
        pytest.importorskip("llvmlite")
    one, other, first, second = variables(dtype), variables(dtype), make(0.0), make(0.0)
    plain, traced = step_of(one, first), function(step_of(other, second), engine=engine)
    rng = np.random.default_rng(1)
    for i in range(6):
        first.learning_rate = second.learning_rate = 0.02 * i
        data = batch(rng, dtype)
        close(traced(*data).numpy(), plain(*data).numpy(), dtype)
        assert second.iterations == first.iterations == i + 1
        assert type(second.iterations) is int
        assert second.learning_rate == 0.02 * i
    # The states are the same: plain steps go on from them, and traced ones after those.
    untraced = step_of(other, second)
    for go_on in (untraced, traced, untraced):
        data = batch(rng, dtype)
        close(go_on(*data).numpy(), plain(*data).numpy(), dtype)
    for v, w in zip(one, other, strict=True):
        close(w.numpy(), v.numpy(), dtype)
    assert traced.traces == 1


@every_optimizer
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_numpy_engine_takes_the_very_same_steps(make: Any, dtype: Any):
    one, other = variables(dtype), variables(dtype)
    first, second = make(0.1), make(0.1)
    traced = function(
        lambda *slopes: second.apply_gradients(zip(slopes, other, strict=True)), engine="numpy"
    )
    rng = np.random.default_rng(5)
    for _ in range(20):
        slopes = [rng.normal(size=s).astype(dtype) for s in SHAPES]
        first.apply_gradients(zip(slopes, one, strict=True))
        traced(*slopes)
        for v, w in zip(one, other, strict=True):
            np.testing.assert_array_equal(w.numpy(), v.numpy())
    assert traced.traces <= 2  # numbers of NumPy, then


def test_an_optimizer_that_the_first_call_makes():
    class Model:
        def __init__(self) -> None:
            self.w = gt.Variable([1.0, -2.0])
            self.optimizer: Any = None

        def step(self, x: Any) -> Any:
            if self.optimizer is None:
                self.optimizer = Adam(0.1)
            with gt.GradientTape() as tape:
                loss = ((self.w - x) ** 2).sum()
            self.optimizer.apply_gradients([(tape.gradient(loss, self.w), self.w)])
            return loss

    plain, traced = Model(), Model()
    step = function(traced.step)
    for _ in range(5):
        assert step(np.array([3.0, 0.5])).numpy() == pytest.approx(
            plain.step(np.array([3.0, 0.5])).numpy(), rel=1e-14
        )
    assert traced.optimizer.iterations == 5
    np.testing.assert_allclose(traced.w.numpy(), plain.w.numpy(), rtol=1e-14)


def test_an_optimizer_of_each_call():
    w = gt.Variable(1.0)

    @function
    def step(x: Any) -> Any:
        Adam(0.5).apply_gradients([(w * x, w)])  # a first step, each time
        return w * 1

    assert step(2.0).numpy() == pytest.approx(0.5, rel=1e-6)
    w.assign(4.0)
    assert step(3.0).numpy() == pytest.approx(3.5, rel=1e-6)


def test_the_learning_rate_within_a_trace():
    def step_with(w: Any, optimizer: Any) -> Any:
        def step(g: Any, rate: Any) -> Any:
            optimizer.learning_rate = rate * 0.99**optimizer.iterations
            optimizer.apply_gradients([(g, w)])
            return w * (1 - optimizer.learning_rate)

        return step

    one, other = (gt.Variable(np.ones(3, np.float32)) for _ in range(2))
    first, second = SGD(), SGD()
    plain, traced = step_with(one, first), function(step_with(other, second))
    g = np.array([1.0, 2.0, 3.0], np.float32)
    for rate in (0.1, 0.2, 0.3, 2):
        expected, found = plain(g, rate), traced(g, rate)
        assert found.dtype == expected.dtype == np.float32
        np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-6)
        assert second.learning_rate == pytest.approx(first.learning_rate, rel=1e-15)
        assert type(second.learning_rate) is float
    assert traced.traces == 2  # a float, then an int
    with pytest.raises(ValueError, match="learning_rate must lie in"):
        traced(g, -1.0)
    assert second.iterations == 4
    assert isinstance(other.array, np.ndarray)


def test_a_learning_rate_assigned_under_a_tape():
    w, optimizer = gt.Variable(1.0), SGD()

    @function
    def step(rate: Any) -> Any:
        with gt.GradientTape() as tape:
            optimizer.learning_rate = rate / 2
            loss = w * w
        optimizer.apply_gradients([(tape.gradient(loss, w), w)])
        return loss

    for rate in (0.5, 0.25):
        before = w.numpy()
        step(rate)
        assert w.numpy() == before - rate * before


def test_numbers_of_numpy_as_learning_rates():
    w, optimizer = gt.Variable(np.ones(2, np.float32)), SGD()

    @function
    def step(rate: Any) -> None:
        optimizer.learning_rate = rate
        optimizer.apply_gradients([(np.ones(2, np.float32), w)])

    for rate in (np.float64(0.25), gt.constant(0.5), np.float32(0.125)):
        before = w.numpy()
        step(rate)
        np.testing.assert_array_equal(w.numpy(), before - np.float32(rate))
        assert optimizer.learning_rate == float(rate)
        assert type(optimizer.learning_rate) is float


@pytest.mark.parametrize("wrap", [lambda f: f, function])
def test_a_learning_rate_whose_gradient_would_be_lost(wrap: Any):
    optimizer, rate = SGD(), gt.constant(0.5)

    @wrap
    def f() -> Any:
        with gt.GradientTape() as tape:
            tape.watch(rate)
            optimizer.learning_rate = rate

    with pytest.raises(TypeError):
        f()
    assert optimizer.learning_rate == 0.01


def test_gradients_of_some_variables():
    """Each variable counts its own steps, and those left out stay as they are."""

    def steps(both: bool, weights: Any, optimizer: Any) -> Any:
        pairs = [(2 * weights[0], weights[0]), (3 * weights[1], weights[1])]
        optimizer.apply_gradients(pairs if both else pairs[1:])

    one, other = ([gt.Variable(1.0), gt.Variable(2.0)] for _ in range(2))
    first, second = Adam(0.1), Adam(0.1)
    traced = function(lambda both: steps(both, other, second))
    for both in (True, False, False, True, False, True):
        steps(both, one, first)
        traced(both)
        for v, w in zip(one, other, strict=True):
            assert w.numpy() == pytest.approx(v.numpy(), rel=1e-14)
    assert traced.traces == 2


def test_a_missing_gradient():
    w, unused = gt.Variable(1.0), gt.Variable(1.0, name="b")
    step = function(lambda: SGD(0.5).apply_gradients([(w * 1, w), (None, unused)]))
    with pytest.warns(UserWarning, match="no gradient for variable 'b'"):
        step()
    step()
    assert w.numpy() == 0.25


def test_an_error_while_tracing_leaves_the_optimizer_as_it_was():
    w, optimizer = gt.Variable([1.0, 2.0]), Adam(0.1)

    @function
    def step(x: Any) -> None:
        optimizer.apply_gradients([(w * x, w)])
        raise RuntimeError("afterwards")

    with pytest.raises(RuntimeError, match="afterwards"):
        step(2.0)
    assert optimizer.iterations == 0
    other, fresh = gt.Variable([1.0, 2.0]), Adam(0.1)
    for v, o in ((w, optimizer), (other, fresh)):
        o.apply_gradients([(np.array([1.0, -3.0]), v)])
    np.testing.assert_array_equal(w.numpy(), other.numpy())


def test_a_step_under_a_tape():
    """The gradient of what follows a step, whose state has gone on since."""

    def follow(x: Any, w: Any, velocity: float, rate: float, mu: float) -> Any:
        return (w + mu * velocity - rate * 2 * w) * x

    w, optimizer = gt.Variable(np.array([1.0, 2.0])), SGD(0.1, 0.5)

    @function
    def step(x: Any) -> Any:
        optimizer.apply_gradients([(2 * w, w)])
        return (w * x * x).sum()

    step(1.0)
    x = gt.constant(3.0)
    with gt.GradientTape() as tape:
        tape.watch(x)
        y = step(x)
    after = w.numpy()
    optimizer.apply_gradients([(np.array([5.0, 5.0]), w)])
    assert tape.gradient(y, x).numpy() == pytest.approx(np.sum(after) * 6, rel=1e-14)
    assert optimizer.iterations == 3


@every_optimizer
def test_saved_and_loaded(make: Any, tmp_path: Path):
    w = gt.Variable(np.array([1.0, -2.0], np.float32))
    optimizer = make(0.1)

    @function
    def step(x: Any) -> Any:
        with gt.GradientTape() as tape:
            loss = ((w - x) ** 2).sum()
        optimizer.apply_gradients([(tape.gradient(loss, w), w)])
        return loss

    x = np.array([0.5, 3.0], np.float32)
    step(x)
    step(x)
    step.save(tmp_path / "step.gt")
    loaded = gt.load(tmp_path / "step.gt")
    for _ in range(4):
        np.testing.assert_allclose(loaded(x).numpy(), step(x).numpy(), rtol=1e-6)
    found = [v for v in loaded.variables if v.name == "Variable" and v.shape == (2,)]
    assert any([np.allclose(v.numpy(), w.numpy(), rtol=1e-6) for v in found])


def test_copies_and_pickles_go_their_own_way():
    w, optimizer = gt.Variable(1.0), SGD(0.5)
    optimizer.apply_gradients([(1.0, w)])
    for other in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        assert (other.learning_rate, other.iterations) == (0.5, 1)
        other.learning_rate = 0.25
        other.apply_gradients([(1.0, gt.Variable(1.0))])
        assert (optimizer.learning_rate, optimizer.iterations) == (0.5, 1)
        assert (other.learning_rate, other.iterations) == (0.25, 2)
