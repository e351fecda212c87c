"""recompute_grad: what is in between is computed a second time, and never kept."""

import warnings
from typing import Any

import numpy as np
import pytest

import gradtape as gt


def at(f: Any, *values: Any, order: int = 1) -> Any:
    """The derivative of a function of one number by its first argument."""
    for _ in range(order):
        f = gt.grad(f)
    return f(*values)


# recompute_grad -----------------------------------------------------------------------------------


def test_it_is_computed_once_more() -> None:
    runs = []

    @gt.recompute_grad
    def deep(x: Any) -> Any:
        runs.append(1)
        return np.exp(np.sin(x))

    x = gt.Variable(0.5)
    with gt.GradientTape() as tape:
        y = deep(x) * 2.0
    assert len(runs) == 1
    assert np.isclose(tape.gradient(y, x).numpy(), 2 * np.cos(0.5) * np.exp(np.sin(0.5)))
    assert len(runs) == 2


@pytest.mark.parametrize("order", [1, 2, 3])
def test_every_order(order: int) -> None:
    def f(x: Any) -> Any:
        return np.exp(2 * x) * x

    assert np.isclose(at(gt.recompute_grad(f), 0.3, order=order), at(f, 0.3, order=order))


def test_variables_inside() -> None:
    v = gt.Variable([1.0, 2.0])
    x = gt.Variable([3.0, 4.0])
    deep = gt.recompute_grad(lambda x: (np.sin(x * v) * v).sum())
    with gt.GradientTape(persistent=True) as tape:
        y = deep(x)
        z = (np.sin(x * v) * v).sum()
    for found, expected in zip(tape.gradient(y, [x, v]), tape.gradient(z, [x, v]), strict=True):
        assert np.allclose(found.numpy(), expected.numpy())


def test_variables_assigned_in_between() -> None:
    v, x = gt.Variable(2.0), gt.Variable(3.0)
    deep = gt.recompute_grad(lambda x: x * v**3)
    with gt.GradientTape() as tape:
        y = deep(x)
        v.assign(100.0)
        x.assign(200.0)
    dx, dv = tape.gradient(y, [x, v])
    assert (dx.item(), dv.item()) == (8.0, 36.0)
    assert (v.numpy(), x.numpy()) == (100.0, 200.0)


def test_second_derivatives_with_variables_assigned_in_between() -> None:
    v, x = gt.Variable(2.0), gt.Variable(3.0)
    deep = gt.recompute_grad(lambda x: x**2 * v**3)
    with gt.GradientTape() as outer:
        with gt.GradientTape() as inner:
            y = deep(x)
            v.assign(100.0)
        dx = inner.gradient(y, x)
    dxx, dxv = outer.gradient(dx, [x, v])
    assert dx.numpy() == 48.0
    assert (dxx.item(), dxv.item()) == (16.0, 72.0)


def test_nests_and_keyword_arguments() -> None:
    @gt.recompute_grad
    def deep(pair: Any, *, power: int) -> Any:
        return {"a": pair[0] ** power, "b": pair[0] * pair[1]}

    x, y = gt.Variable(2.0), gt.Variable(3.0)
    with gt.GradientTape() as tape:
        out = deep([x, y], power=3)
    dx, dy = tape.gradient(out, [x, y])
    assert (dx.item(), dy.item()) == (15.0, 2.0)


def test_jacobian_of_recomputed() -> None:
    x = gt.Variable([1.0, 2.0])
    deep = gt.recompute_grad(lambda x: np.sin(x) * x.sum())
    with gt.GradientTape(persistent=True) as tape:
        y = deep(x)
        z = np.sin(x) * x.sum()
    assert np.allclose(tape.jacobian(y, x).numpy(), tape.jacobian(z, x).numpy())


def test_integers_and_plain_arguments_pass_through() -> None:
    deep = gt.recompute_grad(lambda x, n, scale: x**n * scale)
    assert at(lambda x: deep(x, 3, np.float64(2.0)), 2.0) == 24.0
    x = gt.Variable(2.0)
    with gt.GradientTape() as tape:
        y = deep(x, gt.constant(3), 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nobody asked for the gradient of the integer
        assert tape.gradient(y, x).numpy() == 12.0


def test_without_a_tape_it_is_computed_once() -> None:
    runs = []
    deep = gt.recompute_grad(lambda x: runs.append(1) or x * 2.0)
    assert deep(gt.constant(2.0)).numpy() == 4.0
    assert runs == [1]


@pytest.mark.parametrize("size", [3, 20_000])
def test_an_array_written_to_before_the_second_run(size: int) -> None:
    a = np.ones(size)
    x = gt.Variable(2.0)
    with gt.GradientTape() as tape:
        y = gt.recompute_grad(lambda x, a: (x * a).sum())(x, a)
    a[:] = 100.0
    if size == 3:  # a small one was copied
        assert tape.gradient(y, x).numpy() == 3.0
    else:
        with pytest.raises(gt.ChangedArrayError):
            tape.gradient(y, x)


def test_a_tensor_that_is_written_to_afterwards() -> None:
    x, t = gt.Variable([1.0, 2.0]), gt.zeros(2)
    with gt.GradientTape() as tape:
        t[:] = x * 1.0
        y = gt.recompute_grad(lambda v: v * v)(t)
        t[0] = 100.0
        loss = y.sum()
    assert tape.gradient(loss, x).numpy().tolist() == [2.0, 4.0]
    t[1] = 7.0  # no tape watches the user's tensor, only what the second run got


def test_a_function_that_writes_into_its_argument() -> None:
    def doubled_first(v: Any) -> Any:
        v[0] *= 2.0
        return v * v

    x = gt.constant([1.0, 2.0])
    with gt.GradientTape() as tape:
        tape.watch(x)
        y = gt.recompute_grad(doubled_first)(x).sum()
    assert x.numpy().tolist() == [1.0, 2.0]
    assert tape.gradient(y, x).numpy().tolist() == [8.0, 4.0]
