"""``gt.errstate``: gradients that are not finite raise, warn or pass."""

import threading
import warnings
from typing import Any

import numpy as np
import pytest

import gradtape as gt


def slope_of_root(x: float) -> Any:
    return gt.grad(np.sqrt)(x)


def test_outside_nothing_is_said() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert slope_of_root(0.0) == np.inf


def test_raise() -> None:
    with (
        gt.errstate(gradient="raise"),
        pytest.raises(FloatingPointError, match="the gradient by the only source is inf"),
    ):
        slope_of_root(0.0)


def test_warn() -> None:
    with gt.errstate(gradient="warn"), pytest.warns(RuntimeWarning, match="only source is inf"):
        assert slope_of_root(0.0) == np.inf


def test_finite_gradients_pass() -> None:
    with gt.errstate(gradient="raise"):
        assert slope_of_root(4.0) == 0.25


def test_the_entry_and_the_source_are_named() -> None:
    x, y = gt.Variable([4.0, 4.0]), gt.Variable([[1.0, 0.0], [0.0, 4.0]])
    with gt.GradientTape() as tape:
        z = np.sum(np.sqrt(y)) + np.sum(x)
    message = r"source number 1 is inf at \(0, 1\), and 1 more entries are not finite"
    with gt.errstate(), pytest.raises(FloatingPointError, match=message):
        tape.gradient(z, [x, y])


@pytest.mark.parametrize(
    "derivative",
    [
        lambda f, x: gt.value_and_grad(lambda x: np.sum(f(x)))(x),
        lambda f, x: gt.vjp(f)(x)[1](np.ones(2)),
        lambda f, x: gt.jacobian(f, mode="reverse")(x),
        lambda f, x: gt.hessian(lambda x: np.sum(f(x)))(x),
        lambda f, x: gt.per_example_grad(f)(x),
    ],
)
def test_every_walk_back_is_looked_at(derivative: Any) -> None:
    with gt.errstate(gradient="raise"), pytest.raises(FloatingPointError):
        derivative(np.sqrt, np.array([0.0, 1.0]))


def test_the_innermost_block_counts() -> None:
    with gt.errstate(gradient="raise"):
        with gt.errstate(gradient="ignore"):
            assert slope_of_root(0.0) == np.inf
        with pytest.raises(FloatingPointError):
            slope_of_root(0.0)
    assert slope_of_root(0.0) == np.inf


def test_one_object_can_be_used_again_and_within_itself() -> None:
    state = gt.errstate(gradient="raise")
    with state, state:
        pass
    assert slope_of_root(0.0) == np.inf
    with state, pytest.raises(FloatingPointError):
        slope_of_root(0.0)


def test_other_threads_are_left_alone() -> None:
    found = []
    with gt.errstate(gradient="raise"):
        thread = threading.Thread(target=lambda: found.append(slope_of_root(0.0)))
        thread.start()
        thread.join()
    assert found == [np.inf]


def test_dead_branches_are_no_reason() -> None:
    with gt.errstate(gradient="raise"):
        assert gt.grad(lambda x: np.where(x > 0, np.sqrt(x), 0.0))(0.0) == 0.0


def test_complex_gradients() -> None:
    with gt.errstate(gradient="raise"), pytest.raises(FloatingPointError):
        gt.grad(lambda z: np.real(np.sqrt(z)))(0j)


def test_an_unknown_word() -> None:
    with pytest.raises(ValueError, match="argument `gradient` of errstate must be 'raise'"):
        gt.errstate(gradient="print")  # type: ignore[arg-type]
