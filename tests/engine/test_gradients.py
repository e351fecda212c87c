"""What a gradient is taken of, with respect to what, and with which weights."""

import weakref
from typing import Any

import numpy as np
import pytest

import gradtape as gt

# Sources and targets ------------------------------------------------------------------------------


def test_repeated_and_unconnected_sources() -> None:
    x, y, never = gt.Variable(3.0), gt.Variable(4.0), gt.Variable([1.0, 2.0])
    with gt.GradientTape(persistent=True) as tape:
        z = x * x
    gradient = tape.gradient(z, [x, y, x, never])
    assert gradient[0].numpy() == gradient[2].numpy() == 6.0
    assert gradient[1] is None
    assert gradient[3] is None
    zeros = tape.gradient(z, [x, y, x, never], unconnected_gradients="zero")
    assert zeros[1].numpy() == 0.0
    assert np.array_equal(zeros[3].numpy(), [0.0, 0.0])


@pytest.mark.parametrize("how", ["zero", gt.UnconnectedGradients.ZERO])
def test_unconnected_zeros_have_shape_and_dtype(how: Any) -> None:
    x, y = gt.Variable(3.0), gt.Variable(np.ones((2, 3), np.float32))
    with gt.GradientTape(persistent=True) as tape:
        z = x * x
    zero = tape.gradient(z, y, unconnected_gradients=how)
    assert (zero.shape, zero.dtype) == ((2, 3), np.float32)
    assert tape.jacobian(z, y, unconnected_gradients=how).shape == (2, 3)


def test_intermediates_as_sources() -> None:
    x = gt.Variable(2.0)
    with gt.GradientTape(persistent=True) as tape:
        u = x * x
        v = np.exp(u)
        y = u * v
    e = np.exp(4.0)
    assert np.isclose(tape.gradient(y, u).numpy(), e + 4 * e)
    assert tape.gradient(y, v).numpy() == 4.0
    du, dv, dx = tape.gradient(y, [u, v, x])
    assert np.allclose([du.item(), dv.item(), dx.item()], [5 * e, 4.0, 5 * e * 4.0])


def test_a_target_with_respect_to_itself_is_one() -> None:
    x = gt.Variable([2.0, 3.0])
    with gt.GradientTape(persistent=True) as tape:
        y = x * x
    assert np.array_equal(tape.gradient(y, y).numpy(), [1.0, 1.0])
    assert np.array_equal(tape.gradient(x, x).numpy(), [1.0, 1.0])
    assert np.array_equal(tape.jacobian(y, y).numpy(), np.eye(2))


def test_targets_that_are_sources_take_part_in_both() -> None:
    x = gt.Variable(2.0)
    with gt.GradientTape(persistent=True) as tape:
        u = x * x
        y = u * 3.0
    du, dx = tape.gradient([u, y], [u, x])
    assert du.numpy() == 4.0  # itself, and by y
    assert dx.numpy() == 16.0


def test_a_repeated_target_counts_twice() -> None:
    x = gt.Variable(2.0)
    with gt.GradientTape() as tape:
        y = x * x
    assert tape.gradient([y, y], x).numpy() == 8.0


def test_the_same_tensor_twice_in_one_operation() -> None:
    x = gt.Variable([1.0, 2.0])
    with gt.GradientTape(persistent=True) as tape:
        y = x * x * x + x / x + np.maximum(x, x)
        z = np.concatenate([x, x, x]).sum()
    assert np.allclose(tape.gradient(y, x).numpy(), 3 * np.array([1.0, 4.0]) + 1)
    assert np.array_equal(tape.gradient(z, x).numpy(), [3.0, 3.0])


def test_a_source_that_comes_after_the_target_is_unconnected() -> None:
    x = gt.Variable(2.0)
    with gt.GradientTape() as tape:
        u = x * x
        later = u + 1.0
    assert tape.gradient(u, later) is None


def test_many_uses_of_one_intermediate_add_up() -> None:
    x = gt.Variable(np.ones(5))
    with gt.GradientTape() as tape:
        u = x * 2.0
        total = u
        for k in range(1, 6):
            total = total + u * k
        y = total.sum()
    assert np.array_equal(tape.gradient(y, x).numpy(), np.full(5, 2.0 * 16))


def test_what_is_written_into_a_copy_reaches_no_gradient() -> None:
    x, y = gt.Variable([1.0, 2.0]), gt.Variable([3.0, 4.0])
    with gt.GradientTape() as tape:
        z = x + y
    dx, dy = tape.gradient(z, [x, y])
    dx.numpy()[:] = 9.0
    assert np.array_equal(dx.numpy(), [1.0, 1.0])
    assert np.array_equal(dy.numpy(), [1.0, 1.0])


def test_a_gradient_is_not_the_users_output_gradient() -> None:
    x = gt.Variable([1.0, 2.0])
    with gt.GradientTape() as tape:
        y = x + 3.0
    seed = np.ones(2)
    gradient = tape.gradient(y, x, output_gradients=seed)
    seed[:] = 7.0
    assert np.array_equal(gradient.numpy(), [1.0, 1.0])


def test_the_users_seed_is_not_written_to() -> None:
    x = gt.Variable(np.ones(4))
    with gt.GradientTape() as tape:
        u = x + 0.0
        y = u + u + u * 2.0 + x
    seed = np.arange(4.0)
    tape.gradient([y, u, u], x, output_gradients=[seed, seed, seed])
    assert np.array_equal(seed, np.arange(4.0))


# Output gradients ---------------------------------------------------------------------------------


def test_output_gradients_weigh_the_target() -> None:
    x = gt.Variable([1.0, 2.0])
    with gt.GradientTape(persistent=True) as tape:
        y = x * x
    weights = [3.0, 10.0]
    for given in (np.array(weights), gt.constant(weights), gt.Variable(weights)):
        gradient = tape.gradient(y, x, output_gradients=given)
        assert np.array_equal(gradient.numpy(), [6.0, 40.0])


def test_output_gradients_of_several_targets() -> None:
    x = gt.Variable(2.0)
    with gt.GradientTape() as tape:
        y = {"a": x * x, "b": [x**3]}
    weights = {"a": gt.constant(10.0), "b": [gt.constant(100.0)]}
    assert tape.gradient(y, x, output_gradients=weights).numpy() == 40.0 + 1200.0


def test_output_gradients_take_the_targets_dtype() -> None:
    x = gt.Variable(np.float32([1.0, 2.0]))
    with gt.GradientTape() as tape:
        y = x * x
    gradient = tape.gradient(y, x, output_gradients=np.array([1.0, 2.0]))
    assert gradient.dtype == np.float32


def test_derivatives_pass_through_output_gradients() -> None:
    x, w = gt.Variable([1.0, 2.0]), gt.Variable([3.0, 4.0])
    with gt.GradientTape() as outer:
        with gt.GradientTape() as inner:
            y = x * x
        g = inner.gradient(y, x, output_gradients=w)
    assert np.array_equal(g.numpy(), [6.0, 16.0])
    assert np.array_equal(outer.gradient(g, w).numpy(), [2.0, 4.0])


# Variables assigned in between --------------------------------------------------------------------


def test_a_variable_assigned_after_its_use_keeps_the_value_that_was_used() -> None:
    v = gt.Variable([1.0, 2.0])
    with gt.GradientTape() as tape:
        y = v * v * v
        v.assign([10.0, 20.0])
    assert np.array_equal(tape.gradient(y, v).numpy(), [3.0, 12.0])


def test_uses_before_and_after_an_assignment_add_up() -> None:
    v = gt.Variable(2.0)
    with gt.GradientTape() as tape:
        y = v * v
        v.assign(5.0)
        y = y + v * v
    assert y.numpy() == 29.0
    assert tape.gradient(y, v).numpy() == 14.0


def test_an_assignment_of_a_tracked_tensor_carries_no_gradient() -> None:
    v, w = gt.Variable(2.0), gt.Variable(3.0)
    with gt.GradientTape() as tape:
        w.assign(v * v)
        y = w * w
    dv, dw = tape.gradient(y, [v, w])
    assert dv is None
    assert dw.numpy() == 8.0


def test_second_derivatives_use_the_value_then() -> None:
    v = gt.Variable(2.0)
    with gt.GradientTape() as outer:
        with gt.GradientTape() as inner:
            y = v**4
            v.assign(100.0)
        first = inner.gradient(y, v)
    assert first.numpy() == 32.0
    assert outer.gradient(first, v).numpy() == 48.0


def test_value_of_a_variable_is_an_intermediate() -> None:
    v = gt.Variable(2.0)
    with gt.GradientTape(persistent=True) as tape:
        u = v.value()
        y = u * u
    assert type(u) is gt.Tensor
    assert tape.gradient(y, u).numpy() == 4.0
    assert tape.gradient(y, v).numpy() == 4.0


# Keys of values that are gone ---------------------------------------------------------------------


def test_a_temporary_that_died_is_not_mistaken_for_a_new_one() -> None:
    x = gt.Variable(2.0)
    with gt.GradientTape(persistent=True) as tape:
        gone = weakref.ref(x * 3.0)
        assert gone() is None
        fresh = [gt.constant(1.0) for _ in range(50)]
        y = sum(fresh, start=x * 0.0)
    assert all(g is None for g in tape.gradient(x * x, fresh))
    assert tape.gradient(y, x).numpy() == 0.0


def test_a_long_chain() -> None:
    """No recursion, in the walk or when the tape is let go of."""
    x = gt.Variable(1.0)
    with gt.GradientTape(persistent=True) as tape:
        y = x
        for _ in range(20_000):
            y = y * 1.0001
    assert np.isclose(tape.gradient(y, x).numpy(), 1.0001**20_000)


def test_outputs_of_one_operation_as_targets_and_sources() -> None:
    x = gt.Variable(np.arange(1.0, 7.0))
    with gt.GradientTape(persistent=True) as outer:
        with gt.GradientTape(persistent=True) as tape:
            a, b, c = np.split(x * x, 3)
            y = a * b[0]
        first = tape.gradient(y, x)
    da, db, dx = tape.gradient([y, b], [a, b, x])
    assert np.array_equal(first.numpy(), [18.0, 36.0, 30.0, 0.0, 0.0, 0.0])
    assert np.array_equal(outer.gradient(first, x).numpy(), [30.0, 42.0, 46.0, 0.0, 0.0, 0.0])
    assert np.array_equal(da.numpy(), [9.0, 9.0])
    assert np.array_equal(db.numpy(), [6.0, 1.0])
    assert np.array_equal(dx.numpy(), [18.0, 36.0, 36.0, 8.0, 0.0, 0.0])
    assert tape.jacobian(c, b) is None
    assert np.array_equal(tape.jacobian(c, c).numpy(), np.eye(2))


@pytest.mark.parametrize("whole", [True, False])
def test_a_jacobian_by_one_of_the_outputs_of_a_user_s_function(whole: bool) -> None:
    """The other output's cotangent is zeros of its own shape, for every row."""

    @gt.custom_gradient
    def f(x: Any) -> Any:
        def grad(p: Any, q: Any) -> Any:
            assert (p.shape, q.shape) == ((3,), ())
            return 2 * x * p + q

        return (x * x, x.sum()), grad

    x = gt.Variable([1.0, 2.0, 3.0])
    with gt.GradientTape() as tape:
        squares, total = f(x)
    jacobian = tape.jacobian(squares if whole else total, x).numpy()
    assert np.array_equal(jacobian, np.diag([2.0, 4.0, 6.0]) if whole else np.ones(3))


def test_a_jacobian_in_the_tape_s_own_context() -> None:
    x = gt.Variable([1.0, 2.0])
    with gt.GradientTape(persistent=True) as tape:
        y = x**3
        j = tape.jacobian(y, x)
    assert np.array_equal(j.numpy(), [[3.0, 0.0], [0.0, 12.0]])
    assert np.array_equal(tape.gradient(j, x).numpy(), [6.0, 12.0])
