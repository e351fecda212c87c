"""The life of a tape: what it watches, when it records, how often it can be asked."""

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


def test_a_variable_may_be_frozen_and_thawed() -> None:
    v = gt.Variable(3.0)
    v.trainable = False
    with gt.GradientTape(persistent=True) as tape:
        y = v * v
        v.trainable = True
        z = v * v
    assert tape.gradient(y, v) is None
    assert float(tape.gradient(z, v).numpy()) == 6.0


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


def test_a_gradient_function_that_fails_leaves_the_tape_as_it_was() -> None:
    weights = iter(["none", 3.0])

    @gt.custom_gradient
    def f(x):
        return x * x, lambda g: g * float(next(weights))

    x = gt.Variable(2.0)
    with gt.GradientTape() as tape:
        y = np.sin(f(x))
    with pytest.raises(ValueError, match="could not convert"):
        tape.gradient(y, x)
    assert tape.gradient(y, x).numpy() == 3.0 * np.cos(4.0)
