"""Tapes within tapes, to the fourth order, in every arrangement."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradtape as gt
from gradtape.recording import active

X = np.array([0.3, 0.7, 1.1])

#: Functions of one vector, and their first four derivatives, entry by entry.
FUNCTIONS: dict[str, tuple[Callable[[Any], Any], list[Callable[[Any], Any]]]] = {
    "power": (
        lambda x: x**5,
        [lambda x: 5 * x**4, lambda x: 20 * x**3, lambda x: 60 * x**2, lambda x: 120 * x],
    ),
    "exp of a multiple": (
        lambda x: np.exp(2 * x),
        [lambda x, k=k: 2**k * np.exp(2 * x) for k in (1, 2, 3, 4)],
    ),
    "sine": (
        lambda x: np.sin(x),
        [np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x), np.sin],
    ),
    "logarithm": (
        np.log,
        [lambda x: 1 / x, lambda x: -1 / x**2, lambda x: 2 / x**3, lambda x: -6 / x**4],
    ),
    "quotient": (
        lambda x: 1 / (1 + x),
        [
            lambda x: -1 / (1 + x) ** 2,
            lambda x: 2 / (1 + x) ** 3,
            lambda x: -6 / (1 + x) ** 4,
            lambda x: 24 / (1 + x) ** 5,
        ],
    ),
    "moved about": (
        lambda x: np.concatenate([x[1:], x[:1]]).reshape(3, 1)[::-1] ** 4,
        [lambda x: 4 * x**3, lambda x: 12 * x**2, lambda x: 24 * x, lambda x: 24 + 0 * x],
    ),
    "chosen": (
        lambda x: np.where(x > 0.5, x**4, np.sin(x)),
        [
            lambda x: np.where(x > 0.5, 4 * x**3, np.cos(x)),
            lambda x: np.where(x > 0.5, 12 * x**2, -np.sin(x)),
            lambda x: np.where(x > 0.5, 24 * x, -np.cos(x)),
            lambda x: np.where(x > 0.5, 24, np.sin(x)),
        ],
    ),
    "product of sums": (
        lambda x: x * x.sum() - x * x[0] - x * x[1] - x * x[2] + x**3,
        [lambda x: 3 * x**2, lambda x: 6 * x, lambda x: 6 + 0 * x, lambda x: 0 * x],
    ),
}


def derivative(f: Callable[[Any], Any], order: int, x: Any) -> Any:
    """The ``order``-th derivative, by as many tapes within one another."""
    if order == 0:
        return f(x)
    with gt.GradientTape() as tape:
        tape.watch(x)
        y = derivative(f, order - 1, x)
    return tape.gradient(y, x, unconnected_gradients="zero")


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("kind", [gt.constant, gt.Variable])
def test_to_the_fourth_order(name: str, order: int, kind: Any) -> None:
    f, derivatives = FUNCTIONS[name]
    x = kind(X)
    found = derivative(f, order, x).numpy()
    assert np.allclose(found, derivatives[order - 1](X), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_to_the_fourth_order_on_one_persistent_tape(name: str) -> None:
    f, derivatives = FUNCTIONS[name]
    x = gt.constant(X)
    found = []
    with gt.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = f(x)
        for _ in range(4):
            y = tape.gradient(y, x, unconnected_gradients="zero")
            found.append(y.numpy())
    for got, expected in zip(found, derivatives, strict=True):
        assert np.allclose(got, expected(X), rtol=1e-12, atol=1e-12)


def test_tapes_side_by_side_see_the_same() -> None:
    x = gt.constant(2.0)
    with gt.GradientTape() as one, gt.GradientTape() as two, gt.GradientTape() as three:
        for tape in (one, two, three):
            tape.watch(x)
        y = x**3
    assert [t.gradient(y, x).item() for t in (one, three, two)] == [12.0] * 3


def test_the_outer_tape_differentiates_by_another_source() -> None:
    x, w = gt.Variable(2.0), gt.Variable(3.0)
    with gt.GradientTape() as outer:
        with gt.GradientTape() as inner:
            y = x**2 * w**3
        dx = inner.gradient(y, x)
    dxx, dxw = outer.gradient(dx, [x, w])
    assert (dxx.item(), dxw.item()) == (54.0, 108.0)


def test_hessian_of_the_notebook_s_function() -> None:
    w1, w2 = gt.Variable(5.0), gt.Variable(3.0)
    with gt.GradientTape(persistent=True) as outer:
        with gt.GradientTape() as inner:
            z = 3 * w1**2 + 2 * w1 * w2
        first = inner.gradient(z, [w1, w2])
    second = [outer.gradient(g, [w1, w2], unconnected_gradients="zero") for g in first]
    assert [g.item() for g in first] == [36.0, 10.0]
    assert [[h.item() for h in row] for row in second] == [[6.0, 2.0], [2.0, 0.0]]


def test_a_constant_gradient_has_no_derivative() -> None:
    x = gt.Variable(2.0)
    with gt.GradientTape() as outer:
        with gt.GradientTape() as inner:
            y = 3.0 * x
        first = inner.gradient(y, x)
    assert first.numpy() == 3.0
    assert outer.gradient(first, x) is None


def test_a_gradient_taken_outside_the_outer_tape_is_a_constant() -> None:
    x = gt.Variable(2.0)
    with gt.GradientTape(persistent=True) as outer, gt.GradientTape(persistent=True) as inner:
        y = x**3
    first = inner.gradient(y, x)
    with outer:
        z = first * x
    assert outer.gradient(first, x) is None
    assert outer.gradient(z, x).numpy() == 12.0


def test_an_inner_tape_that_does_not_watch_hides_nothing_from_the_outer_one() -> None:
    x = gt.constant(2.0)
    with gt.GradientTape() as outer:
        outer.watch(x)
        with gt.GradientTape() as inner:
            y = x**3
        assert inner.gradient(y, x) is None
    assert outer.gradient(y, x).numpy() == 12.0


def test_an_outer_tape_that_does_not_watch_sees_constants() -> None:
    x = gt.constant(2.0)
    with gt.GradientTape() as outer:
        with gt.GradientTape() as inner:
            inner.watch(x)
            y = x**3
        first = inner.gradient(y, x)
    assert first.numpy() == 12.0
    assert outer.gradient(first, x) is None


def test_the_inner_tape_watches_what_the_outer_tape_computed() -> None:
    x = gt.Variable(2.0)
    with gt.GradientTape() as outer:
        u = x * x
        with gt.GradientTape() as inner:
            inner.watch(u)
            y = u**3
        du = inner.gradient(y, u)
    assert du.numpy() == 48.0
    assert outer.gradient(du, x).numpy() == 6 * 4.0 * 4.0


def test_no_confusion_of_perturbations() -> None:
    """The classical trap: d/dx (x * d/dy (x + y)) is 1, not 2."""
    x = gt.constant(1.0)
    with gt.GradientTape() as outer:
        outer.watch(x)
        y = gt.constant(1.0)
        with gt.GradientTape() as inner:
            inner.watch(y)
            s = x + y
        z = x * inner.gradient(s, y)
    assert outer.gradient(z, x).numpy() == 1.0


def test_no_confusion_when_the_inner_source_is_the_outer_one() -> None:
    x = gt.constant(3.0)
    with gt.GradientTape() as outer:
        outer.watch(x)
        with gt.GradientTape() as inner:
            inner.watch(x)
            y = x * x
        z = x * inner.gradient(y, x)
    assert outer.gradient(z, x).numpy() == 12.0


def test_a_gradient_penalty() -> None:
    """Second derivatives through a product of matrices and a nonlinearity, against differences."""
    rng = np.random.default_rng(0)
    a, x = rng.normal(size=(3, 4)), rng.normal(size=(2, 3))

    def penalty(a: Any, x: Any) -> Any:
        with gt.GradientTape() as inner:
            inner.watch(x)
            y = np.tanh(x @ a).sum()
        return (inner.gradient(y, x) ** 2).sum()

    w = gt.Variable(a)
    with gt.GradientTape() as outer:
        z = penalty(w, gt.constant(x))
    found = outer.gradient(z, w).numpy()

    h = 1e-6
    for i in np.ndindex(*a.shape):
        step = np.zeros_like(a)
        step[i] = h
        up, down = (penalty(gt.constant(a + s), gt.constant(x)).item() for s in (step, -step))
        assert np.isclose((up - down) / (2 * h), found[i], rtol=1e-6, atol=1e-8)


PRODUCTS: dict[str, Callable[[Any, Any], Any]] = {
    "array @ matrix": lambda a, w: a @ w,
    "matrix @ array": lambda a, w: w.T @ a.T,
    "vector @ matrix": lambda a, w: a[0] @ w,
    "matrix @ vector": lambda a, w: w.T @ a[0],
    "one row": lambda a, w: a[:1] @ w,
    "one column": lambda a, w: a @ w[:, :1],
    "stacks": lambda a, w: np.stack([a, a]) @ w,
    "dot": lambda a, w: np.dot(a, w),
    "a.dot": lambda a, w: w.T.dot(a.T),
    "einsum": lambda a, w: np.einsum("ij,jk->ik", a, w),
    "tensordot": lambda a, w: np.tensordot(a, w, 1),
    "inner": lambda a, w: np.inner(a, w.T),
    "outer": lambda a, w: np.outer(a[0], w[:, 0]),
    "vdot": lambda a, w: np.vdot(a.T[:, :2], w[:, :2]) * w[0],
    "times": lambda a, w: a.T * w[:, :1],
    "large": lambda a, w: (np.ones((40, 3)) @ w) @ np.ones((4, 30)),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_bare_data_beside_parameters_at_second_order(name: str) -> None:
    """The arrays of the data stay bare; the cotangents that meet them are tensors."""
    rng = np.random.default_rng(1)
    data, start = rng.normal(size=(5, 3)), rng.normal(size=(3, 4))
    direction = rng.normal(size=(3, 4))

    def loss(w: Any) -> Any:
        return (np.tanh(PRODUCTS[name](data, w)) ** 2).sum()

    def gradient(w: Any) -> Any:
        with gt.GradientTape() as tape:
            tape.watch(w)
            y = loss(w)
        return tape.gradient(y, w)

    w = gt.Variable(start)
    with gt.GradientTape() as outer:
        slope = (gradient(w) * direction).sum()
    found = outer.gradient(slope, w).numpy()
    with gt.ForwardAccumulator(w, direction) as acc:
        g = gradient(w)
    assert np.allclose(acc.jvp(g).numpy(), found, rtol=1e-10, atol=1e-12)
    h = 1e-5
    up, down = (gradient(gt.constant(start + s * h * direction)).numpy() for s in (1, -1))
    assert np.allclose((up - down) / (2 * h), found, rtol=1e-6, atol=1e-8)


def test_a_jacobian_within_a_tape() -> None:
    x = gt.Variable([1.0, 2.0])
    with gt.GradientTape() as outer:
        with gt.GradientTape() as inner:
            y = x**3
        j = inner.jacobian(y, x)
    assert np.allclose(j.numpy(), np.diag([3.0, 12.0]))
    assert np.allclose(outer.gradient(j, x).numpy(), [6.0, 12.0])


def test_a_hessian_as_the_jacobian_of_a_gradient() -> None:
    x = gt.Variable([1.0, 2.0, 3.0])
    with gt.GradientTape() as outer:
        with gt.GradientTape() as inner:
            y = np.prod(x) + (x**3).sum()
        g = inner.gradient(y, x)
    h = outer.jacobian(g, x).numpy()
    assert np.allclose(h, [[6, 3, 2], [3, 12, 1], [2, 1, 18]])


def test_a_third_order_tensor_by_jacobians() -> None:
    x = gt.Variable([1.0, 2.0])
    with gt.GradientTape() as t3:
        with gt.GradientTape() as t2:
            with gt.GradientTape() as t1:
                y = x[0] ** 2 * x[1] ** 2
            g = t1.gradient(y, x)
        h = t2.jacobian(g, x)
    third = t3.jacobian(h, x).numpy()
    expected = np.zeros((2, 2, 2))
    for i in np.ndindex(2, 2, 2):
        ones = sum(i)
        expected[i] = {0: 0.0, 1: 4 * 2.0, 2: 4 * 1.0, 3: 0.0}[ones]
    assert np.allclose(third, expected)


def test_the_gradient_of_a_jacobian_taken_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradtape.tape.BLOCK_BYTES", 1)
    test_a_jacobian_within_a_tape()
    test_a_third_order_tensor_by_jacobians()


def test_a_loop_of_gradient_steps_under_an_outer_tape() -> None:
    """Differentiate the outcome of descent by its step: d/dr x (1-2r)^3."""
    rate, start = gt.Variable(0.1), 5.0
    with gt.GradientTape() as outer:
        x = gt.constant(start) + 0.0 * rate
        for _ in range(3):
            with gt.GradientTape() as inner:
                inner.watch(x)
                loss = x * x
            x = x - rate * inner.gradient(loss, x)
    assert np.isclose(x.numpy(), start * 0.8**3)
    assert np.isclose(outer.gradient(x, rate).numpy(), start * 3 * 0.8**2 * -2)


def test_no_tape_stays_active() -> None:
    x = gt.Variable(1.0)
    with gt.GradientTape() as outer:
        with gt.GradientTape() as inner:
            y = x * x
        assert active() == (outer,)
        inner.gradient(y, x)
        assert active() == (outer,)
    assert active() == ()
