"""Operators of operators, and operators with tapes and accumulators, in any order."""

import itertools
from typing import Any

import numpy as np
import pytest

import gradtape as gt
from tests.operators.differences import jacobian, same

X = np.array([0.3, -1.2, 0.7])
V = np.array([1.0, 0.5, -2.0])


def f(x: Any) -> Any:
    return np.exp(x / 2) * np.sin(x) + np.sum(x**2) * x[::-1]


def total(x: Any) -> Any:
    return np.sum(f(x) ** 2) + np.sum(np.maximum(x, 0.1) ** 4)


#: Ways from a function R^n -> R^n to the product of its Jacobian with V, of the same kind.
PRODUCTS: dict[str, Any] = {
    "jvp": lambda f: lambda x: gt.jvp(f)(x, V)[1],
    "directional": lambda f: lambda x: gt.directional_derivative(f)(x, V),
    "linearize": lambda f: lambda x: gt.linearize(f)(x)[1](V),
    "forward": lambda f: lambda x: gt.jacobian(f, mode="forward")(x) @ V,
    "reverse": lambda f: lambda x: gt.jacobian(f, mode="reverse")(x) @ V,
    "pulled twice": lambda f: (
        lambda x: gt.vjp(lambda w: gt.vjp(f)(x)[1](w))(np.zeros(3))[1](V)  # transposed
    ),
}


def expected(order: int) -> Any:
    """By the same way all along, which the tests of each operator check."""
    g = f
    for _ in range(order):
        g = PRODUCTS["jvp"](g)
    return g(X)


def test_order_one_to_three_against_differences() -> None:
    assert same(expected(1), jacobian(f, X) @ V)
    second = lambda x: PRODUCTS["jvp"](f)(x)  # noqa: E731
    assert same(expected(2), jacobian(second, X) @ V)
    third = lambda x: PRODUCTS["jvp"](second)(x)  # noqa: E731
    assert same(expected(3), jacobian(third, X) @ V, rtol=1e-8)


@pytest.mark.parametrize("ways", list(itertools.product(PRODUCTS, repeat=2)), ids="-".join)
def test_order_two(ways: tuple[str, ...]) -> None:
    g = f
    for way in ways:
        g = PRODUCTS[way](g)
    found = g(X)
    assert type(found) is np.ndarray
    assert same(found, expected(2))


@pytest.mark.parametrize(
    "ways",
    list(itertools.product(["jvp", "linearize", "forward", "reverse", "pulled twice"], repeat=3)),
    ids="-".join,
)
def test_order_three(ways: tuple[str, ...]) -> None:
    g = f
    for way in ways:
        g = PRODUCTS[way](g)
    assert same(g(X), expected(3))


#: Ways to the gradient of a scalar function.
GRADIENTS: dict[str, Any] = {
    "grad": gt.grad,
    "vjp": lambda f: lambda x: gt.vjp(f)(x)[1](1.0),
    "jacobian": gt.jacobian,
    "forward": lambda f: gt.jacobian(f, mode="forward"),
}
#: Ways to a scalar made of second derivatives, whose gradient is then asked for.
SECONDS: dict[str, tuple[Any, Any]] = {
    "hvp": (lambda f: lambda x: gt.hvp(f)(x, V) @ V, lambda h: V @ h @ V),
    "hessian": (lambda f: lambda x: np.sum(gt.hessian(f)(x) ** 2), lambda h: np.sum(h**2)),
    "laplacian": (gt.laplacian, np.trace),
    "divergence": (lambda f: gt.divergence(gt.grad(f)), np.trace),
    "gnvp": (lambda f: lambda x: gt.gnvp(lambda x: x, f)(x, V) @ V, lambda h: V @ h @ V),
}


@pytest.mark.parametrize("first", GRADIENTS)
@pytest.mark.parametrize("second", SECONDS)
def test_gradients_of_second_derivatives(first: str, second: str) -> None:
    operator, of_matrix = SECONDS[second]
    scalar = operator(total)
    matrix = lambda x: jacobian(gt.grad(total), x)  # noqa: E731
    assert same(scalar(X), of_matrix(matrix(X)), rtol=1e-7)
    found = GRADIENTS[first](scalar)(X)
    assert same(found, jacobian(scalar, X), rtol=1e-7)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_towers_of_one_operator(order: int) -> None:
    derivative: Any = lambda x: np.exp(2 * x)  # noqa: E731
    forward = jacobians = slopes = derivative
    for _ in range(order):
        forward = lambda x, g=forward: gt.jvp(g)(x, 1.0)[1]  # noqa: E731
        jacobians = gt.jacobian(jacobians)
        slopes = lambda x, g=slopes: gt.linearize(g)(x)[1](1.0)  # noqa: E731
    truth = 2**order * np.exp(0.6)
    assert np.allclose([forward(0.3), jacobians(0.3), slopes(0.3)], truth, rtol=1e-13)


def test_third_derivatives_as_an_array() -> None:
    third = gt.jacobian(gt.hessian(lambda x: np.prod(x) ** 2 + np.sum(x**3)))(X)
    assert third.shape == (3, 3, 3)
    for axes in itertools.permutations(range(3)):
        assert same(third, third.transpose(axes))
    assert same(third, jacobian(gt.hessian(lambda x: np.prod(x) ** 2 + np.sum(x**3)), X))


# With tapes and accumulators ----------------------------------------------------------------------

OPERATORS: dict[str, Any] = {
    "jvp": lambda x: gt.jvp(total)(x, V)[1],
    "linearize": lambda x: gt.linearize(total)(x)[1](V),
    "vjp": lambda x: gt.vjp(total)(x)[1](1.0) @ V,
    "jacobian": lambda x: gt.jacobian(total)(x) @ V,
    "forward": lambda x: gt.jacobian(total, mode="forward")(x) @ V,
    "hvp": lambda x: gt.hvp(total)(x, V) @ V,
    "gnvp": lambda x: gt.gnvp(f, lambda y: np.sum(y**4))(x, V) @ V,
    "hessian": lambda x: V @ gt.hessian(total)(x) @ V,
    "laplacian": lambda x: gt.laplacian(total)(x),
    "divergence": lambda x: gt.divergence(f)(x),
    "per example": lambda x: np.sum(gt.per_example_grad(f)(x) ** 2),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_a_tape_around_an_operator(name: str) -> None:
    operator = OPERATORS[name]
    x = gt.constant(X)
    with gt.GradientTape() as tape:
        tape.watch(x)
        y = operator(x)
    assert type(y) is gt.Tensor
    assert same(tape.gradient(y, x).numpy(), jacobian(operator, X), rtol=1e-7)


@pytest.mark.parametrize("name", OPERATORS)
def test_an_accumulator_around_an_operator(name: str) -> None:
    operator = OPERATORS[name]
    x = gt.constant(X)
    with gt.ForwardAccumulator(x, gt.constant(V)) as accumulator:
        y = operator(x)
    assert same(accumulator.jvp(y).numpy(), jacobian(operator, X) @ V, rtol=1e-7)


@pytest.mark.parametrize("name", OPERATORS)
def test_a_closure_over_a_variable(name: str) -> None:
    """The operator's answers are tensors where an outer tape tracks what its function uses."""
    a = gt.Variable(0.5)

    def scaled(x: Any, a: Any) -> Any:
        return a * np.tanh(a * x)

    operators: dict[str, Any] = {
        "jvp": lambda a: np.sum(gt.jvp(lambda x: scaled(x, a))(X, V)[1]),
        "linearize": lambda a: np.sum(gt.linearize(lambda x: scaled(x, a))(X)[1](V)),
        "vjp": lambda a: gt.vjp(lambda x: scaled(x, a))(X)[1](V) @ V,
        "jacobian": lambda a: np.sum(gt.jacobian(lambda x: scaled(x, a))(X)),
        "forward": lambda a: np.sum(gt.jacobian(lambda x: scaled(x, a), mode="forward")(X)),
        "hvp": lambda a: np.sum(gt.hvp(lambda x: np.sum(scaled(x, a)))(X, V)),
        "gnvp": lambda a: np.sum(gt.gnvp(lambda x: scaled(x, a), lambda y: a * y @ y)(X, V)),
        "hessian": lambda a: np.sum(gt.hessian(lambda x: np.sum(scaled(x, a)))(X)),
        "laplacian": lambda a: gt.laplacian(lambda x: np.sum(scaled(x, a)))(X),
        "divergence": lambda a: gt.divergence(lambda x: scaled(x, a))(X),
        "per example": lambda a: np.sum(gt.per_example_grad(lambda x: scaled(x, a))(X)),
    }
    operator = operators[name]
    with gt.GradientTape() as tape:
        y = operator(a)
    assert type(y) is gt.Tensor
    assert same(tape.gradient(y, a).numpy(), jacobian(operator, 0.5), rtol=1e-8)
    assert not isinstance(operator(0.5), gt.Tensor)


def test_a_tape_inside_an_operator() -> None:
    def slope(x: Any) -> Any:
        with gt.GradientTape() as tape:
            tape.watch(x)
            y = total(x)
        return tape.gradient(y, x)

    matrix = gt.hessian(total)(X)
    for mode in ("forward", "reverse"):
        assert same(gt.jacobian(slope, mode=mode)(X), matrix)
    assert same(gt.jvp(slope)(X, V)[1], matrix @ V)
    assert same(gt.divergence(slope)(X), np.trace(matrix))


def test_pushes_and_pullbacks_used_under_a_later_tape() -> None:
    _, push = gt.linearize(f)(X)
    _, pullback = gt.vjp(f)(X)
    j = gt.jacobian(f)(X)
    v = gt.constant(V)
    with gt.GradientTape(persistent=True) as tape:
        tape.watch(v)
        pushed, pulled = push(v), pullback(v)
    assert same(tape.jacobian(pushed, v).numpy(), j)
    assert same(tape.jacobian(pulled, v).numpy(), j.T)
    assert same(gt.jacobian(push)(V), j)
    assert same(gt.jacobian(pullback)(V), j.T)


def test_no_confusion_of_perturbations() -> None:
    for inner in (
        lambda g: gt.jvp(g)(1.0, 1.0)[1],
        lambda g: gt.linearize(g)(1.0)[1](1.0),
        lambda g: gt.jacobian(g, mode="forward")(1.0),
        lambda g: gt.jacobian(g)(1.0),
    ):
        slope = lambda x, inner=inner: x * inner(lambda y: x + y)  # noqa: E731
        assert gt.jvp(slope)(1.0, 1.0)[1] == 1.0
        assert gt.grad(slope)(1.0) == 1.0
        assert gt.jacobian(slope, mode="forward")(1.0) == 1.0


def test_dead_branches_at_the_next_order() -> None:
    g = lambda x: np.sum(np.where(x > 0, x**1.5, 0))  # noqa: E731
    x = np.array([0.0, 4.0])
    with np.errstate(all="ignore"):
        expected = np.diag([0.0, 0.375])
        assert same(gt.hessian(g)(x), expected)
        for outer, inner in itertools.product(("forward", "reverse"), repeat=2):
            found = gt.jacobian(gt.jacobian(g, mode=inner), mode=outer)(x)
            assert same(found, expected), (outer, inner)
        assert gt.laplacian(g)(x) == 0.375


def test_custom_gradients_in_batches() -> None:
    @gt.custom_gradient
    def cube(x: Any) -> Any:
        return x**3, lambda g: 3 * x**2 * g

    @gt.custom_gradient
    def both(x: Any, y: Any) -> Any:
        return (x * y, x + y), lambda g, h: (g * y + h, g * x + h)

    for mode in ("forward", "reverse"):
        assert same(gt.jacobian(cube, mode=mode)(X), np.diag(3 * X**2))
        found = gt.jacobian(lambda x: both(x, x**2), mode=mode)(X)
        assert same(found[0], np.diag(3 * X**2))
        assert same(found[1], np.diag(1 + 2 * X))
    assert same(gt.hessian(lambda x: np.sum(cube(x)))(X), np.diag(6 * X))
