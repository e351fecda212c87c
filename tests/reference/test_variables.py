"""Variables: reading, assigning, and what a tape makes of it."""

from typing import Any

import numpy as np
import pytest

# ---- assigning while a tape records ---------------------------------------------------------


def test_a_read_keeps_the_value_of_its_time(tf: Any) -> None:
    v = tf.Variable(2.0)
    with tf.GradientTape(persistent=True) as tape:
        before = v * v
        v.assign(5.0)
        after = v * v
    assert tape.gradient(before, v).numpy() == 4.0
    assert tape.gradient(after, v).numpy() == 10.0
    assert tape.gradient([before, after], v).numpy() == 14.0


def test_assigning_after_the_block_changes_no_gradient(tf: Any) -> None:
    v = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        y = v * v
    v.assign(100.0)
    assert tape.gradient(y, v).numpy() == 4.0


def test_assign_cuts_the_path(tf: Any) -> None:
    x, v = tf.constant(4.0), tf.Variable(2.0)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        v.assign(x * 3.0)
        y = v * v
    assert tape.gradient(y, x) is None
    assert tape.gradient(y, v).numpy() == 24.0


def test_assign_add_cuts_the_path(tf: Any) -> None:
    x, v = tf.constant(4.0), tf.Variable(2.0)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        v.assign_add(x)
        y = v * 1.0
    assert tape.gradient(y, x) is None
    assert tape.gradient(y, v).numpy() == 1.0


def test_assigning_a_variable_from_itself(tf: Any) -> None:
    v = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        v.assign(v * 3.0)
        y = v * v
    assert tape.gradient(y, v).numpy() == 12.0


def test_a_training_loop(tf: Any) -> None:
    v = tf.Variable(1.0)
    for _ in range(3):
        with tf.GradientTape() as tape:
            loss = v * v
        v.assign_sub(0.25 * tape.gradient(loss, v))
    assert v.numpy() == 0.125


# ---- assigning ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "expected"), [("assign", 3.0), ("assign_add", 5.0), ("assign_sub", -1.0)]
)
def test_assign_methods(tf: Any, method: str, expected: float) -> None:
    v = tf.Variable(2.0)
    getattr(v, method)(3.0)
    assert v.numpy() == expected
    assert v.dtype == tf.float32


@pytest.mark.parametrize("method", ["assign", "assign_add", "assign_sub"])
def test_assign_answers_something_that_reads_the_new_value(tf: Any, method: str) -> None:
    v = tf.Variable(2.0)
    answer = getattr(v, method)(1.0)
    assert (answer + 0.0).numpy() == v.numpy()


@pytest.mark.parametrize("value", [3, 3.0, np.float64(3.0), np.array(3.0, np.float32)])
def test_assign_converts(tf: Any, value: Any) -> None:
    v = tf.Variable(2.0)
    v.assign(value)
    assert (v.numpy(), v.dtype) == (3.0, tf.float32)


def test_assign_a_variable(tf: Any) -> None:
    v, w = tf.Variable(2.0), tf.Variable(3.0)
    v.assign(w)
    w.assign(4.0)
    assert v.numpy() == 3.0


def test_assign_keeps_the_shape(tf: Any) -> None:
    v = tf.Variable(2.0)
    message = (
        r"Shape mismatch\.The variable shape \(\), and the assigned value shape \(2,\) "
        r"are incompatible\."
    )
    with pytest.raises(ValueError, match=message):
        v.assign([1.0, 2.0])


def test_assign_keeps_the_dtype(tf: Any) -> None:
    v = tf.Variable(2.0)
    message = "^Tensor conversion requested dtype float32 for Tensor with dtype int32: "
    with pytest.raises(ValueError, match=message):
        v.assign(tf.constant(3))


def test_assign_of_a_float_to_an_integer(tf: Any) -> None:
    v = tf.Variable(2)
    with pytest.raises(TypeError, match=r"^Cannot convert 3\.5 to EagerTensor of dtype int32$"):
        v.assign(3.5)


def test_assign_of_a_string(tf: Any) -> None:
    v = tf.Variable(2.0)
    with pytest.raises(TypeError, match=r"^Cannot convert 'a' to EagerTensor of dtype float$"):
        v.assign("a")


def test_a_failed_assign_changes_nothing(tf: Any) -> None:
    v = tf.Variable(2.0)
    with pytest.raises(ValueError, match="Shape mismatch"):
        v.assign([1.0, 2.0])
    assert v.numpy() == 2.0


def test_in_place_addition_is_refused(tf: Any) -> None:
    v = tf.Variable(2.0)
    with pytest.raises(RuntimeError, match=r"`variable \+= value` with `tf.Variable`s is not"):
        v += 1.0


def test_item_assignment_is_refused(tf: Any) -> None:
    v = tf.Variable([1.0, 2.0])
    with pytest.raises(TypeError, match=r"object does not support item assignment$"):
        v[0] = 3.0


def test_a_tensor_has_no_item_assignment(tf: Any) -> None:
    x = tf.constant([1.0, 2.0])
    with pytest.raises(TypeError, match=r"object does not support item assignment$"):
        x[0] = 3.0


# ---- making ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (5.0, "float32"),
        (5, "int32"),
        (True, "bool"),
        ([1.0, 2.0], "float32"),
        (np.float64(2.0), "float64"),
        (np.array([1, 2]), "int64"),
        (np.array([1.0], np.float32), "float32"),
    ],
    ids=repr,
)
def test_dtype_of_a_variable(tf: Any, value: Any, dtype: str) -> None:
    assert tf.Variable(value).dtype == dtype


def test_a_variable_takes_a_dtype(tf: Any) -> None:
    assert tf.Variable(1.0, dtype=tf.float64).dtype == tf.float64


def test_a_variable_copies_its_array(tf: Any) -> None:
    array = np.array([1.0, 2.0], np.float32)
    v = tf.Variable(array)
    array[0] = 9.0
    assert v.numpy().tolist() == [1.0, 2.0]


def test_the_array_of_a_variable_is_a_copy(tf: Any) -> None:
    v = tf.Variable([1.0, 2.0])
    array = v.numpy()
    v.assign([3.0, 4.0])
    assert array.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(("name", "expected"), [(None, "Variable:0"), ("w", "w:0")])
def test_name_of_a_variable(tf: Any, name: Any, expected: str) -> None:
    assert tf.Variable(1.0, name=name).name == expected


@pytest.mark.parametrize("trainable", [True, False])
def test_trainable(tf: Any, trainable: bool) -> None:
    assert tf.Variable(1.0, trainable=trainable).trainable is trainable


def test_the_second_argument_is_trainable(tf: Any) -> None:
    assert tf.Variable(1.0, False).trainable is False


@pytest.mark.parametrize("arguments", [(), (None,)], ids=["nothing", "None"])
def test_a_variable_needs_a_value(tf: Any, arguments: Any) -> None:
    with pytest.raises(ValueError, match=r"`initial_value` arg to `tf\.Variable` must be"):
        tf.Variable(*arguments)


def test_a_variable_is_no_tensor(tf: Any) -> None:
    v = tf.Variable(1.0)
    assert isinstance(v, tf.Variable)
    assert not isinstance(v, tf.Tensor)
    assert tf.is_tensor(v)


def test_what_comes_out_of_a_variable_is_a_tensor(tf: Any) -> None:
    v = tf.Variable([1.0, 2.0])
    for value in (v + 1.0, -v, v[0], v.value(), v.read_value(), tf.identity(v)):
        assert isinstance(value, tf.Tensor)
        assert not isinstance(value, tf.Variable)


def test_a_variable_is_unhashable(tf: Any) -> None:
    message = "^Variable is unhashable. Instead, use variable.ref\\(\\) as the key"
    with pytest.raises(TypeError, match=message):
        hash(tf.Variable(1.0))


def test_references_as_keys(tf: Any) -> None:
    v = tf.Variable(1.0)
    assert {v.ref(): "v"}[v.ref()] == "v"
    assert v.ref().deref() is v
