"""Which tensors and variables a tape follows."""

import threading
from typing import Any

import numpy as np
import pytest

NOT_A_TENSOR = "Passed in object {} of type '{}', not tf.Tensor or tf.Variable"


def test_constant_is_not_watched(tf: Any) -> None:
    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        y = x * x
    assert tape.gradient(y, x) is None


def test_watched_constant(tf: Any) -> None:
    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    assert tape.gradient(y, x).numpy() == 6.0


def test_watch_returns_none(tf: Any) -> None:
    with tf.GradientTape() as tape:
        assert tape.watch(tf.constant(1.0)) is None


def test_watching_twice_counts_once(tf: Any) -> None:
    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        tape.watch(x)
        y = x * x
    assert tape.gradient(y, x).numpy() == 6.0


def test_watch_takes_a_nest(tf: Any) -> None:
    a, b, c = tf.constant(2.0), tf.constant(3.0), tf.constant(5.0)
    with tf.GradientTape() as tape:
        tape.watch({"a": a, "rest": [b, (c,)]})
        y = a * b * c
    assert [g.numpy() for g in tape.gradient(y, [a, b, c])] == [15.0, 10.0, 6.0]


def test_watch_takes_an_empty_list(tf: Any) -> None:
    with tf.GradientTape() as tape:
        tape.watch([])


def test_operations_before_watch_are_not_recorded(tf: Any) -> None:
    x = tf.constant(2.0)
    with tf.GradientTape() as tape:
        early = x * x
        tape.watch(x)
        late = x * 3.0
    assert tape.gradient([early, late], x).numpy() == 3.0


def test_watch_after_exit_records_nothing(tf: Any) -> None:
    x = tf.constant(2.0)
    with tf.GradientTape() as tape:
        pass
    tape.watch(x)
    y = x * x
    assert tape.gradient(y, x) is None


def test_equal_value_is_not_the_same_tensor(tf: Any) -> None:
    x = tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    assert tape.gradient(y, tf.constant(2.0)) is None


def test_watching_in_one_tape_only(tf: Any) -> None:
    x = tf.constant(2.0)
    with tf.GradientTape() as a, tf.GradientTape() as b:
        a.watch(x)
        y = x * x
    assert a.gradient(y, x).numpy() == 4.0
    assert b.gradient(y, x) is None


@pytest.mark.parametrize(
    ("bad", "shown", "kind"),
    [
        (np.array([1.0, 2.0]), r"\[1\. 2\.\]", "ndarray"),
        ([1.0, 2.0], r"1\.0", "float"),
        ("abc", "abc", "str"),
        (None, "None", "NoneType"),
        (7, "7", "int"),
        (np.float32(2), r"2\.0", "float32"),
    ],
    ids=["ndarray", "list", "str", "None", "int", "numpy scalar"],
)
def test_watch_refuses(tf: Any, bad: Any, shown: str, kind: str) -> None:
    with (
        tf.GradientTape() as tape,
        pytest.raises(ValueError, match=NOT_A_TENSOR.format(shown, kind)),
    ):
        tape.watch(bad)


def test_watch_names_the_first_bad_leaf(tf: Any) -> None:
    with (
        tf.GradientTape() as tape,
        pytest.raises(ValueError, match=NOT_A_TENSOR.format("oops", "str")),
    ):
        tape.watch([tf.constant(1.0), ("oops", 3)])


@pytest.mark.parametrize(("value", "name"), [(3, "int32"), (True, "bool")])
def test_watching_integers_warns(tf: Any, warned: Any, value: Any, name: str) -> None:
    with warned() as messages, tf.GradientTape() as tape:
        tape.watch(tf.constant(value))
    expected = "The dtype of the watched tensor must be floating (e.g. tf.float32), got tf." + name
    assert any(expected in message for message in messages), messages


def test_watching_floats_does_not_warn(tf: Any, warned: Any) -> None:
    with warned() as messages, tf.GradientTape() as tape:
        tape.watch(tf.constant(3.0))
    assert messages == []


def test_integer_source_gives_none(tf: Any, warned: Any) -> None:
    x = tf.constant(3)
    with warned(), tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    assert tape.gradient(y, x) is None


def test_integer_source_zero_keeps_its_dtype(tf: Any, warned: Any) -> None:
    x = tf.constant(3)
    with warned(), tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    zero = tape.gradient(y, x, unconnected_gradients="zero")
    assert (zero.dtype, zero.numpy()) == (tf.int32, 0)


# ---- variables ------------------------------------------------------------------------------


def test_trainable_variable_is_watched_by_use(tf: Any) -> None:
    v = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = v * v
    assert tape.gradient(y, v).numpy() == 6.0


def test_untrainable_variable_is_not_watched(tf: Any) -> None:
    v = tf.Variable(3.0, trainable=False)
    with tf.GradientTape() as tape:
        y = v * v
    assert tape.watched_variables() == ()
    assert tape.gradient(y, v) is None


def test_untrainable_variable_can_be_watched(tf: Any) -> None:
    v = tf.Variable(3.0, trainable=False)
    with tf.GradientTape() as tape:
        tape.watch(v)
        y = v * v
    assert len(tape.watched_variables()) == 1
    assert tape.gradient(y, v).numpy() == 6.0


def test_watch_accessed_variables_false(tf: Any) -> None:
    v = tf.Variable(3.0)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        y = v * v
    assert tape.watched_variables() == ()
    assert tape.gradient(y, v) is None


def test_watch_accessed_variables_false_with_watch(tf: Any) -> None:
    v, w = tf.Variable(3.0), tf.Variable(4.0)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(v)
        y = v * w
    dv, dw = tape.gradient(y, [v, w])
    assert dv.numpy() == 4.0
    assert dw is None


def test_watched_variables_in_order_of_creation(tf: Any) -> None:
    first, second, third = tf.Variable(1.0), tf.Variable(2.0), tf.Variable(3.0)
    with tf.GradientTape() as tape:
        third * second * first
    watched = tape.watched_variables()
    assert isinstance(watched, tuple)
    assert [v.numpy() for v in watched] == [1.0, 2.0, 3.0]


def test_watched_variables_lists_each_once(tf: Any) -> None:
    v = tf.Variable(1.0)
    with tf.GradientTape() as tape:
        v * v * v
    assert len(tape.watched_variables()) == 1
    assert tape.watched_variables()[0] is v


def test_watched_variables_before_entering(tf: Any) -> None:
    assert tf.GradientTape().watched_variables() == ()


def test_watched_variables_outlive_the_gradient(tf: Any) -> None:
    v = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = v * v
    tape.gradient(y, v)
    assert tape.watched_variables()[0] is v


def test_watched_variables_leaves_out_constants(tf: Any) -> None:
    with tf.GradientTape() as tape:
        tape.watch(tf.constant(1.0))
    assert tape.watched_variables() == ()


@pytest.mark.parametrize(
    "read",
    [lambda v: v.read_value(), lambda v: v.value(), lambda v: v.assign(2.0), lambda v: v + 1.0],
    ids=["read_value", "value", "assign", "add"],
)
def test_what_counts_as_access(tf: Any, read: Any) -> None:
    v = tf.Variable(1.0)
    with tf.GradientTape() as tape:
        read(v)
    assert len(tape.watched_variables()) == 1


def test_integer_variable_is_watched_but_has_no_gradient(tf: Any, warned: Any) -> None:
    v = tf.Variable(2)
    with warned(), tf.GradientTape() as tape:
        y = v * v
    assert len(tape.watched_variables()) == 1
    assert tape.gradient(y, v) is None


def test_value_read_before_the_tape_is_a_constant(tf: Any) -> None:
    v = tf.Variable(2.0)
    before = v.read_value()
    with tf.GradientTape() as tape:
        y = before * v
    assert tape.gradient(y, v).numpy() == 2.0


def test_value_read_is_not_the_variable(tf: Any) -> None:
    v = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        y = v * v
    assert tape.gradient(y, v.read_value()) is None


def test_gradients_of_watched_variables_after_the_name_is_gone(tf: Any) -> None:
    v = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        y = v * 5.0
    del v
    assert [g.numpy() for g in tape.gradient(y, tape.watched_variables())] == [5.0]


def test_other_threads_are_not_recorded(tf: Any) -> None:
    v = tf.Variable(2.0)
    out: list[Any] = []
    with tf.GradientTape() as tape:
        thread = threading.Thread(target=lambda: out.append(v * v))
        thread.start()
        thread.join()
    assert tape.watched_variables() == ()
    assert tape.gradient(out[0], v) is None
