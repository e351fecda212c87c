"""The life of a tape: what it watches, when it records, how often it can be asked."""

import weakref
from typing import Any

import numpy as np
import pytest

import gradtape as gt
from gradtape.recording import active

SECOND = "A non-persistent GradientTape can only be used to compute one set of gradients"


# Watching -----------------------------------------------------------------------------------------


def test_a_constant_is_tracked_only_after_watch() -> None:
    x = gt.constant(3.0)
    with gt.GradientTape(persistent=True) as tape:
        before = x * x
        tape.watch(x)
        after = x * x
    assert tape.gradient(before, x) is None
    assert tape.gradient(after, x).numpy() == 6.0


def test_watching_is_the_tape_s_own() -> None:
    x = gt.constant(3.0)
    with gt.GradientTape() as one, gt.GradientTape() as other:
        one.watch(x)
        y = x * x
    assert other.gradient(y, x) is None
    assert one.gradient(y, x).numpy() == 6.0


def test_a_nest_can_be_watched() -> None:
    nest = {"a": [gt.constant(1.0), gt.constant(2.0)], "b": gt.constant(3.0)}
    with gt.GradientTape() as tape:
        tape.watch(nest)
        y = nest["a"][0] * nest["a"][1] * nest["b"]
    gradient = tape.gradient(y, nest)
    assert [g.item() for g in (*gradient["a"], gradient["b"])] == [6.0, 3.0, 2.0]


def test_watching_twice_counts_once() -> None:
    x = gt.constant(3.0)
    with gt.GradientTape() as tape:
        tape.watch([x, x])
        tape.watch(x)
        y = x * x
    assert tape.gradient(y, x).numpy() == 6.0


def test_an_intermediate_can_be_watched() -> None:
    x = gt.constant(3.0)
    with gt.GradientTape(persistent=True) as tape:
        u = x * x
        tape.watch(u)
        y = u * u
    assert tape.gradient(y, u).numpy() == 18.0
    assert tape.gradient(y, x) is None


def test_watch_after_use_leaves_the_earlier_use_out() -> None:
    x = gt.constant(2.0)
    with gt.GradientTape() as tape:
        early = x * 10.0
        tape.watch(x)
        y = early + x * x
    assert tape.gradient(y, x).numpy() == 4.0


def test_a_tape_can_watch_before_it_is_entered() -> None:
    """A watch is honoured, never dropped in silence."""
    x = gt.constant(2.0)
    tape = gt.GradientTape()
    tape.watch(x)
    with tape:
        y = x**3
    assert tape.gradient(y, x).numpy() == 12.0


@pytest.mark.parametrize("watch", [True, False])
def test_watch_accessed_variables(watch: bool) -> None:
    v = gt.Variable(3.0)
    with gt.GradientTape(watch_accessed_variables=watch) as tape:
        y = v * v
    assert (tape.gradient(y, v) is not None) is watch


def test_a_variable_not_watched_by_itself_can_be_watched() -> None:
    v, w = gt.Variable(3.0), gt.Variable(4.0)
    with gt.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(v)
        y = v * w
    dv, dw = tape.gradient(y, [v, w])
    assert dv.numpy() == 4.0
    assert dw is None


def test_an_untrainable_variable_is_not_watched_by_itself() -> None:
    v = gt.Variable(3.0, trainable=False)
    with gt.GradientTape(persistent=True) as tape:
        early = v * v
        tape.watch(v)
        late = v * v
    assert tape.gradient(early, v) is None
    assert tape.gradient(late, v).numpy() == 6.0


def test_watched_variables_are_those_used_in_the_order_in_which_they_were_made() -> None:
    a, b, c = gt.Variable(1.0), gt.Variable(2.0), gt.Variable(3.0)
    unused, fixed = gt.Variable(1.0), gt.Variable(1.0, trainable=False)
    with gt.GradientTape() as tape:
        assert tape.watched_variables() == ()
        _ = c * b * fixed
        _ = a + 1.0
    watched = tape.watched_variables()
    assert [id(v) for v in watched] == [id(a), id(b), id(c)]
    assert all(v is not unused for v in watched)


def test_watched_variables_hold_those_watched_by_hand() -> None:
    v = gt.Variable(1.0, trainable=False)
    with gt.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(v)
    assert tape.watched_variables()[0] is v


# Persistence --------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["gradient", "jacobian"])
@pytest.mark.parametrize("second", ["gradient", "jacobian", "batch_jacobian"])
def test_a_tape_answers_once(first: str, second: str) -> None:
    x = gt.constant([[1.0, 2.0]])
    with gt.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    getattr(tape, first)(y, x)
    with pytest.raises(RuntimeError, match=SECOND):
        getattr(tape, second)(y, x)


def test_a_persistent_tape_answers_again_and_the_same() -> None:
    x = gt.constant([1.0, 2.0])
    with gt.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = np.exp(x) * x
        z = np.sin(y)
    one = tape.gradient(z, x).numpy()
    assert np.array_equal(tape.gradient(y, x).numpy(), np.exp([1, 2.0]) * [2.0, 3.0])
    assert np.array_equal(tape.gradient(z, x).numpy(), one)
    assert np.array_equal(np.diagonal(tape.jacobian(z, x).numpy()), one)


def test_a_failed_call_can_be_repeated() -> None:
    x = gt.Variable(3.0)
    with gt.GradientTape() as tape:
        y = x * x
    with pytest.raises(ValueError, match="unconnected_gradients"):
        tape.gradient(y, x, unconnected_gradients="nought")
    with pytest.raises(TypeError):
        tape.gradient(y, 3.0)
    assert tape.gradient(y, x).numpy() == 6.0


def test_a_tape_never_entered_has_nothing_to_differentiate() -> None:
    x = gt.Variable(3.0)
    with pytest.raises(RuntimeError):
        gt.GradientTape().gradient(x, x)


# Re-entry, reset, pauses --------------------------------------------------------------------------


def test_re_entry_goes_on_with_the_same_records() -> None:
    x = gt.Variable(3.0)
    with gt.GradientTape(persistent=True) as tape:
        u = x * x
    outside = u * 1.0
    with tape:
        y = u * x
    assert tape.gradient(y, x).numpy() == 27.0
    assert tape.gradient(outside, x) is None


def test_a_tape_that_has_answered_begins_anew_when_entered() -> None:
    x = gt.Variable(3.0)
    tape = gt.GradientTape()
    with tape:
        y = x * x
    assert tape.gradient(y, x).numpy() == 6.0
    with tape:
        z = x**3
    assert tape.gradient(z, x).numpy() == 27.0


def test_reset_forgets_what_was_recorded() -> None:
    x = gt.Variable(3.0)
    with gt.GradientTape(persistent=True) as tape:
        u = x * x
        tape.reset()
        assert tape.watched_variables() == ()
        y = u * x
    assert tape.gradient(u, x) is None
    assert tape.gradient(y, x).numpy() == 9.0


def test_reset_forgets_what_was_watched() -> None:
    x = gt.constant(3.0)
    with gt.GradientTape() as tape:
        tape.watch(x)
        tape.reset()
        y = x * x
    assert tape.gradient(y, x) is None


def test_stop_recording_leaves_out_what_is_inside() -> None:
    x = gt.Variable(3.0)
    with gt.GradientTape(persistent=True) as tape:
        u = x * x
        with tape.stop_recording():
            assert active() == ()
            hidden = x * 100.0
        y = u + hidden * x
    assert tape.gradient(hidden, x) is None
    assert tape.gradient(y, x).numpy() == 6.0 + 300.0


def test_stop_recording_pauses_one_tape_only() -> None:
    x = gt.Variable(3.0)
    with gt.GradientTape() as outer, gt.GradientTape() as inner, outer.stop_recording():
        y = x * x
    assert inner.gradient(y, x).numpy() == 6.0
    assert outer.gradient(y, x) is None


def test_stop_recording_goes_on_after_an_exception() -> None:
    x = gt.Variable(3.0)
    with gt.GradientTape() as tape:
        with pytest.raises(KeyError), tape.stop_recording():
            raise KeyError
        y = x * x
    assert tape.gradient(y, x).numpy() == 6.0


def test_a_gradient_within_stop_recording() -> None:
    x = gt.Variable(3.0)
    with gt.GradientTape(persistent=True) as tape:
        y = x**3
        with tape.stop_recording():
            first = tape.gradient(y, x)
        z = first * x
    assert first.numpy() == 27.0
    assert tape.gradient(z, x).numpy() == 27.0


# Gradients in the tape's own context --------------------------------------------------------------


def test_a_persistent_tape_records_its_own_gradient() -> None:
    x = gt.Variable(3.0)
    with gt.GradientTape(persistent=True) as tape:
        y = x**3
        first = tape.gradient(y, x)
        second = tape.gradient(first, x)
    assert (first.item(), second.item()) == (27.0, 18.0)
    assert tape.gradient(second, x).numpy() == 6.0


def test_a_tape_that_is_not_persistent_stops_with_its_gradient() -> None:
    x = gt.Variable(3.0)
    with gt.GradientTape() as tape:
        y = x**3
        first = tape.gradient(y, x)
        assert active() == ()
        after = x * 2.0
    assert first.numpy() == 27.0
    with pytest.raises(RuntimeError, match=SECOND):
        tape.gradient(after, x)


def test_nothing_after_the_context_is_recorded() -> None:
    x = gt.Variable(3.0)
    with gt.GradientTape() as tape:
        u = x * x
    y = u * 2.0
    assert tape.gradient(y, x) is None


# Leaving ------------------------------------------------------------------------------------------


def test_an_exception_leaves_no_tape_active() -> None:
    x = gt.Variable(3.0)
    outer = gt.GradientTape()
    with pytest.raises(ZeroDivisionError), outer, gt.GradientTape(), gt.ForwardAccumulator(x, 1.0):
        y = x * x
        raise ZeroDivisionError
    assert active() == ()
    assert outer.gradient(y, x).numpy() == 6.0


def test_an_operation_that_fails_is_not_recorded() -> None:
    x = gt.Variable([1.0, 2.0])
    with gt.GradientTape() as tape:
        y = (x * x).sum()
        with pytest.raises(ValueError, match="broadcast"):
            x + np.zeros(3)
        z = y * 2.0
    assert np.array_equal(tape.gradient(z, x).numpy(), [4.0, 8.0])


def test_tapes_can_be_left_in_any_order() -> None:
    x = gt.Variable(3.0)
    one, other = gt.GradientTape(), gt.GradientTape()
    one.__enter__()
    other.__enter__()
    one.__exit__(None, None, None)
    y = x * x
    other.__exit__(None, None, None)
    assert active() == ()
    assert one.gradient(y, x) is None
    assert other.gradient(y, x).numpy() == 6.0


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


def test_a_jacobian_in_the_tape_s_own_context() -> None:
    x = gt.Variable([1.0, 2.0])
    with gt.GradientTape(persistent=True) as tape:
        y = x**3
        j = tape.jacobian(y, x)
    assert np.array_equal(j.numpy(), [[3.0, 0.0], [0.0, 12.0]])
    assert np.array_equal(tape.gradient(j, x).numpy(), [6.0, 12.0])
