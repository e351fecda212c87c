"""jvp, directional_derivative, linearize, hvp and gnvp: products, without the matrices."""

import dataclasses
import warnings
from collections import namedtuple
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradtape as gt
from gradtape.nest import flatten, pack
from tests.operators.differences import along, jacobian, like, same

X = np.array([[0.3, -1.2, 0.7], [0.9, 0.1, -0.4]])
V = np.array([[1.0, 0.5, -2.0], [0.0, 1.5, 0.25]])

FUNCTIONS: dict[str, Any] = {
    "elementwise": lambda x: np.sin(x) * np.exp(-(x**2)),
    "matrix product": lambda x: x @ x.T,
    "reduction": lambda x: np.log(np.sum(np.exp(x), axis=1)),
    "selection": lambda x: np.where(x > 0, np.sqrt(np.abs(x)), x**3),
    "maximum": lambda x: np.maximum(x, 0.2)[:, ::-1],
    "solve": lambda x: np.linalg.solve(x @ x.T + np.eye(2), x),
    "several outputs": lambda x: np.linalg.svd(x, full_matrices=False)[1],
    "padding": lambda x: np.pad(np.cumsum(x, 1), 1) ** 2,
    "checkpoint": gt.recompute_grad(lambda x: np.tanh(x) * x),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_jvp_against_differences(name: str) -> None:
    f = FUNCTIONS[name]
    value, tangent = gt.jvp(f)(X, V)
    assert same(value, f(X))
    assert same(tangent, along(lambda x: np.asarray(f(x)), X, V))
    assert type(value) is type(tangent) is np.ndarray
    assert same(gt.directional_derivative(f)(X, V), tangent, rtol=0, atol=0)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_linearize_is_jvp_again_and_again(name: str) -> None:
    f = FUNCTIONS[name]
    value, push = gt.linearize(f)(X)
    assert same(value, f(X))
    for seed in range(4):
        v = like(X, seed)
        assert same(push(v), gt.jvp(f)(X, v)[1], rtol=1e-13)
    assert same(push(2 * V - X), 2 * push(V) - push(X))


def test_linearize_runs_the_function_once() -> None:
    runs = []

    def f(x: Any) -> Any:
        runs.append(1)
        return x**2

    _, push = gt.linearize(f)(X)
    for _ in range(3):
        assert same(push(V), 2 * X * V)
    assert len(runs) == 1


def test_linearize_keeps_what_it_needs_of_arrays_that_are_written_to() -> None:
    small, large = np.full(3, 2.0), np.full(30_000, 2.0)
    _, push = gt.linearize(lambda x: x * small)(np.ones(3))
    small[:] = 5.0
    assert same(push(np.ones(3)), np.full(3, 2.0))
    _, push = gt.linearize(lambda x: x * large)(np.ones(30_000))
    large[0] = 5.0
    with pytest.raises(gt.ChangedArrayError):
        push(np.ones(30_000))


def test_linearize_through_writes() -> None:
    def f(x: Any) -> Any:
        out = np.zeros_like(x)
        for i in range(3):
            out[:, i] = x[:, i] ** (i + 1)
        out[0] *= out[1]
        return out

    _, push = gt.linearize(f)(X)
    assert same(push(V), along(lambda x: np.asarray(f(x)), X, V))
    assert same(push(V), gt.jvp(f)(X, V)[1])


HVPS: dict[str, Any] = {
    "polynomial": lambda x: np.sum(x**3) + x[0, 0] * x[1, 2],
    "network": lambda x: np.mean(np.tanh(x @ np.arange(6.0).reshape(3, 2) / 5) ** 2),
    "relu": lambda x: np.sum(np.maximum(x, 0) ** 3),
    "selection": lambda x: np.sum(np.where(x > 0, np.abs(x) ** 2.5, 0)),
    "determinant": lambda x: np.log(np.linalg.det(x @ x.T + np.eye(2))),
    "checkpoint": lambda x: np.sum(gt.recompute_grad(lambda y: np.sin(y) * y)(x)),
}


@pytest.mark.parametrize("name", HVPS)
def test_hvp_against_differences_of_the_gradient(name: str) -> None:
    f = HVPS[name]
    expected = along(gt.grad(f), X, V)
    # The third derivative of |x|**2.5 has a pole at 0.
    assert same(gt.hvp(f)(X, V), expected, rtol=1e-6, atol=1e-7)


def test_hvp_closed_form() -> None:
    def rosenbrock(x: Any) -> Any:
        return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    x, v = np.linspace(-1, 1, 7), np.linspace(2, 1, 7)
    diagonal = np.zeros(7)
    diagonal[:-1] = 1200 * x[:-1] ** 2 - 400 * x[1:] + 2
    diagonal[1:] += 200
    beside = -400 * x[:-1]
    expected = diagonal * v
    expected[:-1] += beside * v[1:]
    expected[1:] += beside * v[:-1]
    assert same(gt.hvp(rosenbrock)(x, v), expected, rtol=1e-13)


def test_gnvp_against_the_matrices() -> None:
    w = np.random.default_rng(0).standard_normal((6, 4))

    def model(x: Any) -> Any:
        return np.tanh(x.reshape(-1) @ w)

    def loss(y: Any) -> Any:
        return np.log(np.sum(np.exp(y))) + np.sum(y**4)

    j = jacobian(lambda x: np.asarray(model(x)), X).reshape(4, 6)
    h = jacobian(gt.grad(loss), np.asarray(model(X)))
    expected = (j.T @ (h @ (j @ V.reshape(-1)))).reshape(X.shape)
    assert same(gt.gnvp(model, loss)(X, V), expected)
    # For a linear model that is the Hessian.
    linear = lambda x: x.reshape(-1) @ w  # noqa: E731
    assert same(gt.gnvp(linear, loss)(X, V), gt.hvp(lambda x: loss(linear(x)))(X, V))


def test_gnvp_with_nests_between() -> None:
    model = lambda x: {"a": np.sin(x), "b": (x[0] * x[1],)}  # noqa: E731
    loss = lambda y: np.sum(y["a"] ** 2) * y["b"][0] ** 2  # noqa: E731
    x, v = np.array([0.5, 1.5]), np.array([1.0, -1.0])
    j = np.array([[np.cos(0.5), 0], [0, np.cos(1.5)], [1.5, 0.5]])
    flat = lambda y: (y[0] ** 2 + y[1] ** 2) * y[2] ** 2  # noqa: E731
    h = gt.hessian(flat)(np.array([np.sin(0.5), np.sin(1.5), 0.75]))
    assert same(gt.gnvp(model, loss)(x, v), j.T @ h @ j @ v)


# Arguments ----------------------------------------------------------------------------------------

Pair = namedtuple("Pair", "a b")


@dataclasses.dataclass
class Layer:
    w: Any
    b: Any


NESTS: dict[str, Any] = {
    "list": [X, np.array([1.0, 2.0])],
    "dict": {"z": X, "a": np.array([1.0, 2.0])},
    "named tuple": Pair(X, np.array([1.0, 2.0])),
    "dataclass": Layer(X, np.array([1.0, 2.0])),
    "deep": {"p": (X, {"q": np.array([1.0, 2.0])})},
}


@pytest.mark.parametrize("name", NESTS)
def test_nests(name: str) -> None:
    def f(nest: Any) -> Any:
        w, b = sorted(flatten(nest), key=lambda leaf: -leaf.ndim)
        y = (b @ w) ** 2
        return {"y": y, "twice": (pack(nest, [2 * leaf for leaf in flatten(nest)]), y.sum())}

    nest = NESTS[name]
    v = like(nest)
    value, tangent = gt.jvp(f)(nest, v)
    assert type(tangent) is dict
    assert type(tangent["twice"][0]) is type(nest)
    b, w = sorted([np.asarray(x) for x in flatten(nest)], key=np.ndim)
    db, dw = sorted([np.asarray(x) for x in flatten(v)], key=np.ndim)
    expected = 2 * (b @ w) * (db @ w + b @ dw)
    assert same(tangent["y"], expected)
    assert same(tangent["twice"][1], expected.sum())
    assert same(flatten(tangent["twice"][0]), [2 * leaf for leaf in flatten(v)])
    assert same(flatten(value["twice"][0]), [2 * leaf for leaf in flatten(nest)])
    scalar = lambda nest: f(nest)["y"].sum()  # noqa: E731
    product = gt.hvp(scalar)(nest, v)
    assert type(product) is type(nest)
    _, push = gt.linearize(gt.grad(scalar))(nest)
    assert same(flatten(product), flatten(push(v)))


def test_argnums_and_argnames() -> None:
    def f(x: Any, y: Any, *, b: Any = 1.0, a: Any = 1.0) -> Any:
        return x**2 * y**3 * b**4 * a

    assert gt.jvp(f, 1)(2.0, 3.0, 1.0)[1] == 4 * 27.0
    assert gt.jvp(f, (1, 0))(2.0, 3.0, (1.0, 10.0))[1] == 4 * 27.0 + 10 * 4 * 27.0
    assert gt.jvp(f, argnames="b")(2.0, 3.0, 1.0, b=1.0)[1] == 4 * 4 * 27.0
    # A dict's leaves count by sorted key; the names were told in another order.
    direction = {"b": 1.0, "a": 100.0}
    got = gt.jvp(f, argnames=("b", "a"))(2.0, 3.0, direction, b=2.0, a=3.0)[1]
    assert got == 4 * 27 * (4 * 8.0 * 3 + 16 * 100)
    got = gt.jvp(f, 0, ("b", "a"))(2.0, 3.0, (1.0, direction), b=2.0, a=3.0)[1]
    assert got == 4 * 27 * 16 * 3 + 4 * 27 * (4 * 8.0 * 3 + 16 * 100)
    product = gt.hvp(f, argnames=("b", "a"))(2.0, 3.0, direction, b=2.0, a=3.0)
    assert product["a"] == 4 * 27 * 4 * 8
    assert product["b"] == 4 * 27 * (12 * 4 * 3 + 4 * 8 * 100)
    x, y = gt.gnvp(lambda x, y: x * y, lambda z: z**2, (0, 1))(2.0, 3.0, (1.0, 1.0))
    assert (x, y) == (3 * 2 * 5.0, 2 * 2 * 5.0)


def test_has_aux() -> None:
    def f(x: Any) -> Any:
        return np.sum(x**2), {"seen": x * 1, "name": "f"}

    (value, aux), tangent = gt.jvp(f, has_aux=True)(X, V)
    assert value == np.sum(X**2)
    assert tangent == pytest.approx(np.sum(2 * X * V))
    assert type(aux["seen"]) is np.ndarray
    assert aux["name"] == "f"
    (value, aux), push = gt.linearize(f, has_aux=True)(X)
    assert push(V) == pytest.approx(tangent)
    for product, aux in [
        gt.hvp(f, has_aux=True)(X, V),
        gt.gnvp(f, lambda y: y, has_aux=True)(X, V),
        gt.directional_derivative(f, has_aux=True)(X, V),
    ]:
        assert type(aux["seen"]) is np.ndarray
        assert not isinstance(product, gt.Tensor)
    with pytest.raises(TypeError, match="has_aux=True"):
        gt.hvp(lambda x: np.sum(x), has_aux=True)(X, V)


def test_tensors_in_tensors_out() -> None:
    x, v = gt.constant(X), gt.constant(V)
    assert type(gt.jvp(np.sin)(x, V)[1]) is gt.Tensor
    assert type(gt.jvp(np.sin)(X, v)[1]) is gt.Tensor
    assert type(gt.hvp(lambda x: np.sum(x**3))(x, V)) is gt.Tensor
    assert type(gt.linearize(np.sin)(X)[1](V)) is np.ndarray
    assert type(gt.linearize(np.sin)(X)[1](v)) is gt.Tensor


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "longdouble"])
def test_dtypes_stay(dtype: str) -> None:
    x, v = X.astype(dtype), V.astype(dtype)
    f = lambda x: np.sum(np.sin(x) * x)  # noqa: E731
    assert gt.jvp(f)(x, V)[1].dtype == dtype
    assert gt.hvp(f)(x, V).dtype == dtype
    assert gt.linearize(f)(x)[1](v).dtype == dtype
    assert gt.gnvp(np.sin, lambda y: np.sum(y**2))(x, v).dtype == dtype


def test_complex() -> None:
    z, v = np.array([0.3 + 1j, -1.0 + 0.2j]), np.array([1.0 - 2j, 0.5j])
    f = lambda z: np.exp(z) * z  # noqa: E731
    expected = (np.exp(z) * z + np.exp(z)) * v
    assert same(gt.jvp(f)(z, v)[1], expected)
    assert same(gt.linearize(f)(z)[1](v), expected)
    # Of a real function: along two directions that are not multiples of each other.
    norm = lambda z: np.sum(np.abs(z) ** 4)  # noqa: E731
    for w in (v, 1j * v):
        difference = (norm(z + 1e-6 * w) - norm(z - 1e-6 * w)) / 2e-6
        assert gt.jvp(norm)(z, w)[1] == pytest.approx(difference, rel=1e-7)
        gradient = gt.grad(norm)
        change = (gradient(z + 1e-6 * w) - gradient(z - 1e-6 * w)) / 2e-6
        assert same(gt.hvp(norm)(z, w), change, rtol=1e-6)


def test_dead_branches() -> None:
    x = np.array([0.0, 4.0])
    f = lambda x: np.where(x > 0, np.sqrt(x), 0)  # noqa: E731
    with np.errstate(all="ignore"):
        assert same(gt.jvp(f)(x, np.ones(2))[1], np.array([0, 0.25]))
        _, push = gt.linearize(f)(x)
        assert same(push(np.ones(2)), np.array([0, 0.25]))
        assert same(push(np.ones(2)), np.array([0, 0.25]))
        g = lambda x: np.sum(np.where(x > 0, x**1.5, 0))  # noqa: E731
        assert same(gt.hvp(g)(x, np.ones(2)), np.array([0, 0.375]))
        assert same(gt.linearize(gt.grad(g))(x)[1](np.ones(2)), np.array([0, 0.375]))


def test_a_true_nan_stays() -> None:
    with np.errstate(all="ignore"):
        assert np.isnan(gt.jvp(lambda x: np.sqrt(x) * 0.0)(0.0, 1.0)[1])
        assert np.isnan(gt.hvp(lambda x: np.maximum(x, 0.0) ** 1.5 * 0.0)(0.0, 1.0))


def test_what_comes_back_is_the_user_s_own() -> None:
    v = V.copy()
    _, push = gt.linearize(lambda x: x)(X)
    first, second = push(v), push(v)
    for array in (first, second, gt.jvp(lambda x: x)(X, v)[1]):
        array[...] = 7.0
        assert same(v, V)
    assert same(push(v), V)


# Bad input ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("operator", [gt.jvp, gt.hvp, gt.directional_derivative])
def test_a_direction_that_does_not_fit(operator: Any) -> None:
    f = lambda x, *rest: np.sum(x**2)  # noqa: E731
    with pytest.raises(TypeError, match=r"`direction` is missing.*last positional"):
        operator(f)(X)
    with pytest.raises(ValueError, match=r"`direction` has shape \(3,\).*\(2, 3\)"):
        operator(f)(X, np.ones(3))
    with pytest.raises(ValueError, match=r"`direction` has 2 leaves"):
        operator(f)(X, [V, V])
    with pytest.raises(TypeError, match=r"`direction` is complex"):
        operator(f)(X, V * 1j)
    with pytest.raises(TypeError, match="floating or complex dtype"):
        operator(f)(np.arange(3), np.ones(3))
    with pytest.raises(ValueError, match="same nest"):
        operator(lambda d: np.sum(d["a"] * d["b"]))({"a": X, "b": X}, {"a": V, "c": V})


def test_push_checks_its_direction() -> None:
    _, push = gt.linearize(np.sin)(X)
    with pytest.raises(ValueError, match=r"shape \(2,\)"):
        push(np.ones(2))


def test_a_value_without_axes_is_needed() -> None:
    with pytest.raises(ValueError, match=r"shape \(2, 3\).*jacobian"):
        gt.hvp(np.sin)(X, V)
    with pytest.raises(ValueError, match=r"shape \(2, 3\).*jacobian"):
        gt.gnvp(np.sin, np.cos)(X, V)


@pytest.mark.parametrize("operator", [gt.jvp, gt.directional_derivative])
def test_no_output(operator: Any) -> None:
    def forgets(x: Any) -> None:
        x * 2

    with pytest.raises(TypeError, match=r"forgets returned NoneType None.*return statement"):
        operator(forgets)(X, V)
    with pytest.raises(TypeError, match=r"returned str 'a'.*has_aux"):
        operator(lambda x: (x, "a"))(X, V)
    with pytest.raises(TypeError, match=r"returned NoneType None.*return statement"):
        gt.linearize(forgets)(X)


def test_independent_of_the_argument() -> None:
    with pytest.warns(UserWarning, match="does not depend") as caught:
        _, tangent = gt.jvp(lambda x: np.arange(3))(X, V)
    assert caught[0].filename == __file__
    assert same(tangent, np.zeros(3))
    assert tangent.dtype == float
    with pytest.warns(UserWarning, match="does not depend") as caught:
        assert same(gt.hvp(lambda x: 3.0)(X, V), np.zeros_like(X))
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="does not depend"):
        _, push = gt.linearize(lambda x: 3.0)(X)
    assert push(V) == 0.0
    with pytest.warns(UserWarning, match="does not depend"):
        assert same(gt.gnvp(lambda x: np.ones(2), np.sum)(X, V), np.zeros_like(X))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert same(gt.hvp(np.sum)(X, V), np.zeros_like(X))  # it depends, and is linear
        _, (a, b) = gt.jvp(lambda x: (x, 1.0))(X, V)
    assert same(a, V)
    assert b == 0.0


# Properties ---------------------------------------------------------------------------------------

STEPS: list[Any] = [
    np.sin,
    lambda x: x * x[::-1],
    lambda x: np.maximum(x, 0.1),
    lambda x: np.cumsum(x) / 3,
    lambda x: x / (1 + np.sum(x**2)),
    lambda x: np.outer(x, x).sum(0),
    lambda x: np.concatenate([x[1:], x[:1] ** 2]),
    lambda x: np.where(x > 0.3, np.exp(-x), x),
]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.sampled_from(STEPS), min_size=1, max_size=5), st.integers(0, 1000))
def test_products_agree_with_each_other(steps: list[Any], seed: int) -> None:
    def f(x: Any) -> Any:
        for step in steps:
            x = step(x)
        return x

    x, v, w = np.random.default_rng(seed).standard_normal((3, 4))
    value, tangent = gt.jvp(f)(x, v)
    _, push = gt.linearize(f)(x)
    _, pullback = gt.vjp(f)(x)
    assert same(value, f(x))
    assert same(push(v), tangent)
    assert np.allclose(np.vdot(w, tangent), np.vdot(pullback(w), v))
    h = lambda x: np.sum(f(x) ** 2)  # noqa: E731
    assert np.allclose(np.vdot(w, gt.hvp(h)(x, v)), np.vdot(v, gt.hvp(h)(x, w)))
