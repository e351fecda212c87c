"""What a recorded call keeps for its gradient: as much as is dear, and never another answer."""

from typing import Any

import numpy as np
import pytest

import gradtape as gt
from gradtape.programs import residuals
from gradtape.programs.function import function
from gradtape.programs.residuals import OFTEN, cut
from gradtape.programs.rewrites.building import kind
from gradtape.programs.text import bytes_of
from gradtape.programs.verifying import verify

RNG = np.random.default_rng(3)
X, Y = RNG.normal(size=(6, 4)), RNG.normal(size=(6, 4))
W = [RNG.normal(size=(4, 8)), RNG.normal(size=8), RNG.normal(size=(8, 2))]
engines = pytest.mark.parametrize("engine", ["numpy", "llvm"])


def network(w: Any, b: Any, v: Any, x: Any) -> Any:
    return np.sum((np.tanh(x @ w + b) @ v) ** 2)


def gradients(f: Any, values: Any, *others: Any) -> list[Any]:
    tensors = [gt.constant(v) for v in values]
    with gt.GradientTape() as tape:
        tape.watch(tensors)
        y = f(*tensors, *others)
    return [y.numpy(), *[g.numpy() for g in tape.gradient(y, tensors)]]


def close(found: Any, expected: Any) -> None:
    for a, e in zip(found, expected, strict=True):
        assert a.dtype == e.dtype
        np.testing.assert_allclose(a, e, rtol=1e-11, atol=1e-12)


def made(f: Any, engine: str = "numpy") -> Any:
    if engine == "llvm":
        pytest.importorskip("llvmlite")
    return function(f, engine=engine)


def programs(traced: Any) -> list[Any]:
    return [p for found in traced._programs.values() for p in found]


def warm(traced: Any, *args: Any) -> Any:
    """The function after so many gradients that it keeps what they need."""
    for _ in range(OFTEN):
        gradients(traced, *args)
    return traced


#: Functions of two arrays that keep something, and the kinds of it.
KEEPING: dict[str, Any] = {
    "a product": (lambda x, y: np.sum(np.sin(x @ y.T)), {"matmul"}),
    "products of products": (
        lambda x, y: np.sum(np.tanh(x @ y.T) @ np.exp(-y)),
        {"matmul"},
    ),
    "sums": (lambda x, y: np.sum((x - x.mean(axis=0)) ** 2 * np.sum(y, axis=0) ** 3), {"sum"}),
    "the largest": (lambda x, y: np.sum(np.max(x * y, axis=1) ** 2), {"max"}),
    "a factorization": (
        lambda x, y: np.linalg.slogdet(x.T @ x + y.T @ y)[1] * np.sum(x),
        None,
    ),
    "constants": (lambda x, y: np.sum((x @ W[0]) ** 2) + np.sum(np.cos(y) @ W[0]), {"matmul"}),
}


@engines
@pytest.mark.parametrize("name", KEEPING)
def test_the_same_gradients(name: str, engine: str):
    f, kinds = KEEPING[name]
    traced = warm(made(f, engine), (X, Y))
    (program,) = programs(traced)
    assert program.residuals is not None
    for scale in (1.0, 0.5, -2.0):
        close(gradients(traced, (scale * X, Y + scale)), gradients(f, (scale * X, Y + scale)))
    if kinds is not None and engine == "numpy":
        graph = program.residuals.run.graph
        kept = graph.outputs[len(program.plan.graph.outputs) :]
        assert {kind(node.op) for node in kept} <= kinds
    assert traced.traces == 1


def test_no_product_is_computed_twice():
    traced = warm(made(network), (*W, X))
    (program,) = programs(traced)
    pair = program.residuals.run.graph, program.residuals._backward.graph
    products = [sum([kind(n.op) == "matmul" for n in graph.nodes]) for graph in pair]
    assert products == [2, 4]
    # The whole derivative computes those of the value again.
    derivative = next(iter(traced._derivatives.values()))[0]
    (whole,) = programs(derivative)
    assert sum([kind(n.op) == "matmul" for n in whole.graph.nodes]) > 4


def test_nothing_is_kept_where_nothing_is_dear():
    traced = warm(made(lambda x, y: np.sum(np.exp(x) * np.sin(y))), (X, Y))
    assert programs(traced)[0].residuals is None
    close(gradients(traced, (Y, X)), gradients(lambda x, y: np.sum(np.exp(x) * np.sin(y)), (Y, X)))


@pytest.mark.parametrize("most", [0, 100, 10_000])
def test_no_more_memory_than_there_is_room_for(most: int, monkeypatch: Any):
    monkeypatch.setattr(residuals, "LEAST_BYTES", most)
    monkeypatch.setattr(residuals, "TIMES", 0)
    traced = warm(made(network), (*W, X))
    (program,) = programs(traced)
    if most == 0:
        assert program.residuals is None
    else:
        outputs = program.residuals.run.graph.outputs[1:]
        assert outputs
        assert sum(map(bytes_of, outputs)) <= most
    close(gradients(traced, (*W, Y)), gradients(network, (*W, Y)))


def test_the_graphs_are_whole():
    traced = warm(made(network), (*W, X))
    (program,) = programs(traced)
    derivative = next(iter(traced._derivatives.values()))[0]
    parts = cut(program.graph, programs(derivative)[0].graph)
    assert parts is not None
    verify(parts.forward)
    verify(parts.backward)
    assert len(parts.forward.outputs) == 1 + parts.kept
    assert len(parts.backward.inputs) == parts.kept + len(parts.taken) + 1


@engines
def test_variables_and_arguments_that_change_before_the_gradient(engine: str):
    w, a = gt.Variable(W[0]), X.copy()
    traced = made(lambda x: np.sum(np.tanh(x @ w) ** 2), engine)
    for i in range(OFTEN + 3):
        w.assign(W[0] + i)
        a[:] = X * 0.1
        with gt.GradientTape(persistent=True) as tape:
            y = traced(a)
        w.assign(0 * W[0])
        a[:] = 100
        found = [tape.gradient(y, w).numpy() for _ in range(2)]
        expected = gt.grad(lambda w: np.sum(np.tanh((X * 0.1) @ w) ** 2))(W[0] + i)
        close(found, [expected, expected])
    assert programs(traced)[0].residuals is not None


@engines
def test_higher_orders(engine: str):
    def f(x: Any) -> Any:
        return np.sum(np.tanh(x @ W[0]) ** 3)

    traced = warm(made(f, engine), (X,))
    assert programs(traced)[0].residuals is not None
    x = X[:2]
    traced_small = warm(made(f, engine), (x,))
    close([gt.grad(traced)(X)], [gt.grad(f)(X)])
    close([gt.hvp(traced)(X, Y)], [gt.hvp(f)(X, Y)])
    close([gt.hessian(traced_small)(x)], [gt.hessian(f)(x)])
    close([gt.jvp(traced)(X, Y)[1]], [gt.jvp(f)(X, Y)[1]])
    third = lambda h: gt.grad(lambda x: np.sum(gt.hvp(h)(x, x) ** 2))  # noqa: E731
    close([third(traced_small)(x)], [third(f)(x)])


def test_jacobians_take_the_whole_derivative():
    def f(x: Any) -> Any:
        return np.sum(np.tanh(x @ W[0]), axis=1)

    traced = made(f)
    for _ in range(OFTEN + 2):
        close([gt.grad(lambda x: traced(x).sum())(X)], [gt.grad(lambda x: f(x).sum())(X)])
    assert programs(traced)[0].residuals is not None
    close([gt.jacobian(traced)(X)], [gt.jacobian(f)(X)])


def test_other_sources_than_before():
    def f(x: Any, y: Any) -> Any:
        return np.sum(np.sin(x @ y.T))

    traced = warm(made(f), (X, Y))
    for one in (0, 1):
        x, y = gt.constant(X), gt.constant(Y)
        with gt.GradientTape() as tape:
            tape.watch((x, y)[one])
            z = traced(x, y)
        expected = gradients(f, (X, Y))[1 + one]
        close([tape.gradient(z, (x, y)[one]).numpy()], [expected])


def test_some_of_several_results():
    def f(x: Any) -> Any:
        product = np.tanh(x @ W[0])
        return np.sum(product**2), product @ W[2]

    traced = made(f)
    for i in range(3 * OFTEN):
        found = []
        for h in (f, traced):
            x = gt.constant(X + 0.1 * i)
            with gt.GradientTape(persistent=True) as tape:
                tape.watch(x)
                one, other = h(x)
                both = one + np.sum(other)
            target = (one, other, both)[i % 3 if i > OFTEN else 0]
            found.append([tape.gradient(target, x).numpy()])
        close(found[1], found[0])


def test_branches():
    def f(x: Any) -> Any:
        y = x @ W[0]
        return np.sum(y**2) if np.sum(y) > 0 else np.sum(np.sin(y @ W[2]))

    traced = made(f)
    for i in range(4 * OFTEN):
        x = X if i % 3 else -X
        close([gt.grad(traced)(x)], [gt.grad(f)(x)])
    assert any([p.residuals is not None for p in programs(traced)])


def test_cotangents_that_are_not_numbers():
    """A look for NaN in the derivative is a guard of its backward part."""

    def f(x: Any) -> Any:
        y = x @ W[0]
        return np.sum(np.where(y > 0, np.sqrt(np.where(y > 0, y, 1.0)), y * x[0, 0]), axis=0)

    def weighted(h: Any, x: Any, weights: Any) -> Any:
        t = gt.constant(x)
        with gt.GradientTape() as tape:
            tape.watch(t)
            y = h(t)
        return tape.gradient(y, t, output_gradients=gt.constant(weights)).numpy()

    traced = made(f)
    ones, strange = np.ones(8), np.array([1.0, np.nan, np.inf, 0.0, 2.0, 1.0, -1.0, 3.0])
    for weights in [*[ones] * (OFTEN + 2), strange, ones, strange]:
        np.testing.assert_allclose(
            weighted(traced, X, weights), weighted(f, X, weights), rtol=1e-11
        )


def test_assignments_are_made_once():
    w, count = gt.Variable(W[0]), gt.Variable(0)

    @function
    def f(x: Any) -> Any:
        count.assign_add(1)
        return np.sum(np.tanh(x @ w) ** 2) * 1.0

    for i in range(OFTEN + 4):
        with gt.GradientTape() as tape:
            y = f(X)
        tape.gradient(y, w)
        assert count.numpy() == i + 1


def test_numbers_as_arguments():
    traced = made(lambda x, n, s: np.sum(np.tanh(x @ W[0]) ** n) * s)
    for i in range(OFTEN + 4):
        close(
            [gt.grad(traced)(X, 2, 1.0 + i)],
            [gt.grad(lambda x, s=1.0 + i: np.sum(np.tanh(x @ W[0]) ** 2) * s)(X)],
        )
