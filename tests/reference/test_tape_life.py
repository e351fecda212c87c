"""Entering, leaving, pausing, resetting and using up a tape."""

from typing import Any

import pytest

USED_UP = (
    r"^A non-persistent GradientTape can only be used to compute one set of gradients "
    r"\(or jacobians\)$"
)
STILL_RECORDING = (
    "^Tape is still recording, This can happen if you try to re-enter an already-active tape.$"
)
NOT_RECORDING = "^Tape is not recording.$"


def test_second_gradient(tf: Any) -> None:
    v = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = v * v
    tape.gradient(y, v)
    with pytest.raises(RuntimeError, match=USED_UP):
        tape.gradient(y, v)


def test_gradient_then_jacobian(tf: Any) -> None:
    v = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = v * v
    tape.gradient(y, v)
    with pytest.raises(RuntimeError, match=USED_UP):
        tape.jacobian(y, v)


def test_second_jacobian(tf: Any) -> None:
    v = tf.Variable([3.0])
    with tf.GradientTape() as tape:
        y = v * v
    tape.jacobian(y, v)
    with pytest.raises(RuntimeError, match=USED_UP):
        tape.jacobian(y, v)


def test_second_batch_jacobian(tf: Any) -> None:
    v = tf.Variable([[3.0]])
    with tf.GradientTape() as tape:
        y = v * v
    tape.batch_jacobian(y, v)
    with pytest.raises(RuntimeError, match="A non-persistent GradientTape can only be used to"):
        tape.batch_jacobian(y, v)


def test_gradient_of_a_tape_never_entered(tf: Any) -> None:
    x = tf.constant(1.0)
    with pytest.raises(RuntimeError, match=USED_UP):
        tf.GradientTape().gradient(x, x)


def test_used_up_comes_before_other_complaints(tf: Any) -> None:
    v = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = v * v
    tape.gradient(y, v)
    with pytest.raises(RuntimeError, match=USED_UP):
        tape.gradient(None, v)


def test_persistent_tape_answers_again(tf: Any) -> None:
    v = tf.Variable(3.0)
    with tf.GradientTape(persistent=True) as tape:
        y = v * v
        z = y * v
    assert [tape.gradient(t, v).numpy() for t in (y, z, y)] == [6.0, 27.0, 6.0]


@pytest.mark.parametrize("how", ["target", "unconnected"])
def test_a_failed_gradient_does_not_use_the_tape_up(tf: Any, how: str) -> None:
    v = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = v * v
    with pytest.raises((TypeError, ValueError)):
        if how == "target":
            tape.gradient(None, v)
        else:
            tape.gradient(y, v, unconnected_gradients="bogus")
    assert tape.gradient(y, v).numpy() == 6.0


def test_enter_gives_the_tape(tf: Any) -> None:
    tape = tf.GradientTape()
    with tape as entered:
        assert entered is tape


@pytest.mark.parametrize("persistent", [False, True])
def test_entering_twice(tf: Any, persistent: bool) -> None:
    tape = tf.GradientTape(persistent=persistent)
    with tape, pytest.raises(ValueError, match=STILL_RECORDING):
        tape.__enter__()


def test_entering_twice_leaves_the_tape_active(tf: Any) -> None:
    v = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        with pytest.raises(ValueError, match=STILL_RECORDING):
            tape.__enter__()
        y = v * v
    assert tape.gradient(y, v).numpy() == 6.0


def test_re_entry_continues(tf: Any) -> None:
    v = tf.Variable(2.0)
    tape = tf.GradientTape()
    with tape:
        y = v * v
    with tape:
        z = y * v
    assert tape.gradient(z, v).numpy() == 12.0


def test_operations_between_two_entries_are_not_seen(tf: Any) -> None:
    v = tf.Variable(2.0)
    tape = tf.GradientTape(persistent=True)
    with tape:
        y = v * v
    between = y * 5.0
    with tape:
        z = between * v
    assert tape.gradient(between, v) is None
    assert tape.gradient(z, v).numpy() == 20.0


def test_re_entry_of_a_used_up_tape_starts_afresh(tf: Any) -> None:
    v = tf.Variable(2.0)
    tape = tf.GradientTape()
    with tape:
        y = v * v
    tape.gradient(y, v)
    with tape:
        z = y + v * v * v
    assert tape.gradient(z, v).numpy() == 12.0


def test_exit_of_a_tape_never_entered(tf: Any) -> None:
    assert tf.GradientTape().__exit__(None, None, None) is None


# ---- the gradient inside the tape's own context ---------------------------------------------


def test_gradient_inside_its_own_context(tf: Any) -> None:
    v = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = v * v
        g = tape.gradient(y, v)
    assert g.numpy() == 6.0


def test_gradient_inside_its_own_context_uses_the_tape_up(tf: Any) -> None:
    v = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = v * v
        tape.gradient(y, v)
        z = v * 3.0
        with pytest.raises(RuntimeError, match=USED_UP):
            tape.gradient(z, v)


def test_gradient_inside_its_own_context_ends_the_recording(tf: Any) -> None:
    v = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        tape.gradient(v * v, v)
        with pytest.raises(ValueError, match=NOT_RECORDING):
            tape.reset()


def test_persistent_tape_records_its_own_gradient(tf: Any, warned: Any) -> None:
    v = tf.Variable(2.0)
    with warned(), tf.GradientTape(persistent=True) as tape:
        y = v * v * v
        g = tape.gradient(y, v)
    assert g.numpy() == 12.0
    assert tape.gradient(g, v).numpy() == 12.0


def test_persistent_gradient_inside_warns(tf: Any, warned: Any) -> None:
    v = tf.Variable(2.0)
    with warned() as messages, tf.GradientTape(persistent=True) as tape:
        tape.gradient(v * v, v)
    expected = "Calling GradientTape.gradient on a persistent tape inside its context"
    assert any(expected in message for message in messages), messages


# ---- stop_recording -------------------------------------------------------------------------


def test_stop_recording_hides_operations(tf: Any) -> None:
    v = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        a = v * v
        with tape.stop_recording():
            b = v * v
        c = v * v
    assert tape.gradient([a, b, c], v).numpy() == 8.0


def test_a_value_made_while_stopped_is_a_constant(tf: Any) -> None:
    v = tf.Variable(2.0)
    with tf.GradientTape(persistent=True) as tape:
        with tape.stop_recording():
            b = v * v
        c = b * v
    assert tape.gradient(c, v).numpy() == 4.0
    assert tape.gradient(c, b) is None


def test_stop_recording_does_not_stop_other_tapes(tf: Any) -> None:
    v = tf.Variable(2.0)
    with tf.GradientTape() as outer, tf.GradientTape() as inner, inner.stop_recording():
        y = v * v
    assert outer.gradient(y, v).numpy() == 4.0
    assert inner.gradient(y, v) is None


def test_a_tape_opened_while_another_is_stopped(tf: Any) -> None:
    v = tf.Variable(2.0)
    with tf.GradientTape() as outer, outer.stop_recording(), tf.GradientTape() as inner:
        y = v * v
    assert inner.gradient(y, v).numpy() == 4.0
    assert outer.gradient(y, v) is None


def test_persistent_gradient_while_stopped_is_not_recorded(tf: Any) -> None:
    v = tf.Variable(2.0)
    with tf.GradientTape(persistent=True) as tape:
        y = v * v * v
        with tape.stop_recording():
            g = tape.gradient(y, v)
    assert g.numpy() == 12.0
    assert tape.gradient(g, v) is None


def test_an_exception_while_stopped_resumes_recording(tf: Any) -> None:
    v = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        with pytest.raises(KeyError), tape.stop_recording():
            raise KeyError("x")
        y = v * v
    assert tape.gradient(y, v).numpy() == 4.0


def test_stop_recording_before_entering(tf: Any) -> None:
    message = "^Trying to stop recording a tape which is not recording.$"
    with pytest.raises(RuntimeError, match=message), tf.GradientTape().stop_recording():
        pass


def test_stop_recording_after_exit(tf: Any) -> None:
    with tf.GradientTape() as tape:
        pass
    with pytest.raises(ValueError, match=NOT_RECORDING), tape.stop_recording():
        pass


def test_stop_recording_within_itself(tf: Any) -> None:
    with (
        tf.GradientTape() as tape,
        tape.stop_recording(),
        pytest.raises(ValueError, match=NOT_RECORDING),
        tape.stop_recording(),
    ):
        pass


# ---- reset ----------------------------------------------------------------------------------


def test_reset_forgets_what_was_recorded(tf: Any) -> None:
    v = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        y = v * v
        tape.reset()
        z = y + v * 3.0
    assert tape.gradient(z, v).numpy() == 3.0


def test_reset_forgets_watched_constants(tf: Any) -> None:
    x = tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        tape.reset()
        y = x * x
    assert tape.gradient(y, x) is None


def test_reset_forgets_watched_variables(tf: Any) -> None:
    v, w = tf.Variable(2.0), tf.Variable(3.0)
    with tf.GradientTape() as tape:
        v * v
        tape.reset()
        w * w
    assert [u.numpy() for u in tape.watched_variables()] == [3.0]


@pytest.mark.parametrize("entered", [False, True], ids=["never entered", "after exit"])
def test_reset_needs_an_active_tape(tf: Any, entered: bool) -> None:
    tape = tf.GradientTape()
    if entered:
        with tape:
            pass
    with pytest.raises(ValueError, match=NOT_RECORDING):
        tape.reset()


# ---- exceptions -----------------------------------------------------------------------------


def test_an_exception_leaves_the_tape_inactive(tf: Any) -> None:
    v = tf.Variable(2.0)
    tape = tf.GradientTape()
    with pytest.raises(KeyError), tape:
        raise KeyError("x")
    y = v * v
    assert tape.watched_variables() == ()
    assert tape.gradient(y, v) is None


def test_what_was_recorded_before_the_exception_stays(tf: Any) -> None:
    v = tf.Variable(2.0)
    tape = tf.GradientTape()
    with pytest.raises(KeyError), tape:
        y = v * v
        raise KeyError("x")
    assert tape.gradient(y, v).numpy() == 4.0


def test_an_exception_through_two_tapes(tf: Any) -> None:
    v = tf.Variable(2.0)
    outer, inner = tf.GradientTape(), tf.GradientTape()
    with pytest.raises(KeyError), outer, inner:
        raise KeyError("x")
    with tf.GradientTape() as fresh:
        y = v * v
    assert fresh.gradient(y, v).numpy() == 4.0
    assert outer.watched_variables() == inner.watched_variables() == ()


def test_return_inside_the_block_leaves_the_tape(tf: Any) -> None:
    x = tf.constant(3.0)

    def slope() -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            return tape.gradient(x * x, x)

    assert slope().numpy() == 6.0


def test_tape_is_also_under_autodiff(tf: Any) -> None:
    assert tf.autodiff.GradientTape is tf.GradientTape
