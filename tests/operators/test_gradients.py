"""vjp and per_example_grad; what grad and value_and_grad do alone is in tests/engine."""

from typing import Any

import numpy as np
import pytest

import gradtape as gt
from tests.operators.differences import jacobian, like, same

X = np.array([[0.3, -1.2, 0.7], [0.9, 0.1, -0.4]])

FUNCTIONS: dict[str, Any] = {
    "elementwise": lambda x: np.sin(x) * np.exp(-(x**2)),
    "matrix product": lambda x: x @ x.T,
    "reduction": lambda x: np.log(np.sum(np.exp(x), axis=1)),
    "scalar": lambda x: np.sum(x) ** 2,
    "solve": lambda x: np.linalg.solve(x @ x.T + np.eye(2), x),
    "checkpoint": gt.recompute_grad(lambda x: np.tanh(x) * x),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_vjp_against_differences(name: str) -> None:
    f = FUNCTIONS[name]
    value, pullback = gt.vjp(f)(X)
    assert same(value, f(X))
    matrix = jacobian(lambda x: np.asarray(f(x)), X)
    for seed in range(3):  # again and again
        w = like(np.asarray(f(X)), seed)
        assert same(pullback(w), np.tensordot(w, matrix, np.ndim(w)))


def test_vjp_runs_the_function_once() -> None:
    runs = []

    def f(x: Any) -> Any:
        runs.append(1)
        return x**2

    _, pullback = gt.vjp(f)(X)
    assert same(pullback(X) + pullback(2 * X), 6 * X**2)
    assert len(runs) == 1


def test_vjp_with_nests() -> None:
    def f(p: Any, scale: float) -> Any:
        return {"y": p["a"] * p["b"][0] * scale, "z": (p["a"].sum(), p["b"][0] * 1.0)}

    p = {"b": [2.0], "a": np.array([1.0, 3.0])}
    value, pullback = gt.vjp(f)(p, 10.0)
    assert same(value["y"], np.array([20.0, 60.0]))
    cotangent = {"y": np.array([1.0, 2.0]), "z": (5.0, 7.0)}
    g = pullback(cotangent)
    assert list(g) == ["b", "a"]
    assert same(g["a"], 20 * np.array([1.0, 2.0]) + 5)
    assert same(g["b"][0], 10 * (1 + 6.0) + 7)
    assert type(g["a"]) is np.ndarray


def test_vjp_with_argnums_argnames_and_aux() -> None:
    def f(x: Any, y: Any, *, b: Any, a: Any) -> Any:
        return x * y**2 * b**3 * a, {"aux": x + 0}

    (value, aux), pullback = gt.vjp(f, (1, 0), ("b", "a"), has_aux=True)(2.0, 3.0, b=2.0, a=5.0)
    assert value == 2 * 9 * 8 * 5.0
    assert aux["aux"] == 2.0
    (dy, dx), named = pullback(10.0)
    assert (dx, dy) == (10 * value / 2, 10 * value * 2 / 3)
    assert (named["b"], named["a"]) == (10 * value * 3 / 2, 10 * value / 5)


def test_outputs_that_depend_on_nothing_or_stand_twice() -> None:
    def f(x: Any) -> Any:
        y = x * x
        return y, y, 3.0, np.arange(2), x

    _, pullback = gt.vjp(f)(2.0)
    assert pullback((1.0, 10.0, 5.0, np.ones(2), 100.0)) == 4 + 40 + 100.0
    with pytest.warns(UserWarning, match="does not depend") as caught:
        _, pullback = gt.vjp(lambda x: np.ones(2))(X)
    assert caught[0].filename == __file__
    assert same(pullback(np.ones(2)), np.zeros_like(X))


def test_complex_cotangents() -> None:
    z, c = np.array([0.3 + 1j, -1.0 + 0.2j]), np.array([1.0 - 2j, 0.5j])
    _, pullback = gt.vjp(lambda z: z**3)(z)
    # The gradient of Re(conj(c) z^3).
    assert same(pullback(c), c * np.conj(3 * z**2))
    _, pullback = gt.vjp(np.abs)(z)
    with pytest.raises(TypeError, match="`cotangent` is complex"):
        pullback(c)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64"])
def test_dtypes_stay(dtype: str) -> None:
    value, pullback = gt.vjp(lambda x: np.sin(x) * x)(X.astype(dtype))
    assert value.dtype == dtype
    assert pullback(np.ones((2, 3))).dtype == dtype


def test_pullbacks_compose() -> None:
    def pulled(x: Any) -> Any:
        return gt.vjp(np.sin)(x)[1](x**2)

    x = np.array([0.3, 1.0])
    assert same(gt.grad(lambda x: np.sum(pulled(x)))(x), 2 * x * np.cos(x) - x**2 * np.sin(x))
    a = gt.Variable(2.0)
    with gt.GradientTape() as tape:
        _, pullback = gt.vjp(lambda x: a**2 * x**3)(3.0)
        g = pullback(1.0)
    assert same(tape.gradient(g, a).numpy(), 4 * 27.0)


def test_cotangents_that_do_not_fit() -> None:
    def returns_two(x: Any) -> Any:
        return x, x.sum()

    _, pullback = gt.vjp(returns_two)(X)
    with pytest.raises(ValueError, match=r"`cotangent` has 1 leaves.*returns_two returned"):
        pullback(X)
    with pytest.raises(ValueError, match=r"`cotangent` has shape \(3,\).*returns_two returned"):
        pullback((np.ones(3), 1.0))
    with pytest.raises(TypeError, match="floating or complex dtype"):
        gt.vjp(returns_two)(np.arange(3))
    with pytest.raises(TypeError, match="return statement"):
        gt.vjp(lambda x: None)(X)
    with pytest.raises(TypeError, match="return statement"):
        gt.vjp(lambda x: ())(X)


def test_a_value_that_was_written_to() -> None:
    large = np.full(30_000, 2.0)
    _, pullback = gt.vjp(lambda x: x * large)(np.ones(30_000))
    large[0] = 5.0
    with pytest.raises(gt.ChangedArrayError):
        pullback(np.ones(30_000))


# Per-example gradients ----------------------------------------------------------------------------


def network(parameters: Any, x: Any, y: Any) -> Any:
    hidden = np.tanh(x @ parameters["w1"] + parameters["b1"])
    return np.sum((hidden @ parameters["w2"] - y) ** 2, axis=1)


def test_per_example_gradients_are_the_examples_gradients() -> None:
    rng = np.random.default_rng(0)
    shapes = {"w1": (4, 5), "b1": (5,), "w2": (5, 2)}
    parameters = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    x, y = rng.standard_normal((7, 4)), rng.standard_normal((7, 2))
    each = gt.per_example_grad(network)(parameters, x, y)
    for name, shape in shapes.items():
        assert each[name].shape == (7, *shape)
    for i in range(7):
        one = gt.grad(lambda p, i=i: network(p, x[i : i + 1], y[i : i + 1])[0])(parameters)
        assert same({k: v[i] for k, v in each.items()}, one)
    total = gt.grad(lambda p: network(p, x, y).sum())(parameters)
    assert same({k: v.sum(0) for k, v in each.items()}, total)
    blocks = gt.per_example_grad(network, memory_budget=200)(parameters, x, y)
    assert same(blocks, each, rtol=1e-14)


def test_per_example_with_aux_and_names() -> None:
    def f(x: Any, *, w: Any) -> Any:
        return x @ w, "aux"

    x = np.arange(6.0).reshape(3, 2)
    g, aux = gt.per_example_grad(f, argnames="w", has_aux=True)(x, w=np.ones(2))
    assert same(g, x)
    assert aux == "aux"


def test_per_example_gradients_need_one_loss_each() -> None:
    def total(w: Any) -> Any:
        return np.sum(w**2)

    with pytest.raises(ValueError, match=r"total returned shape \(\).*grad"):
        gt.per_example_grad(total)(X)
    with pytest.raises(ValueError, match=r"shape \(2, 3\).*sum each example's loss"):
        gt.per_example_grad(lambda w: w**2)(X)
    with pytest.raises(ValueError, match="memory_budget"):
        gt.per_example_grad(lambda w: w[:, 0], memory_budget=0)
