"""ForwardAccumulator: derivatives alongside the computation."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

DIFFERENT_NESTS = "The two structures don't have the same nested structure"


@pytest.fixture
def forward(tf: Any) -> Callable[..., Any]:
    return tf.autodiff.ForwardAccumulator


def test_jvp(tf: Any, forward: Any) -> None:
    x = tf.constant([1.0, 2.0])
    with forward(x, tf.constant([1.0, 10.0])) as acc:
        y = x * x
    assert acc.jvp(y).numpy().tolist() == [2.0, 40.0]


def test_jvp_inside_the_context(tf: Any, forward: Any) -> None:
    x = tf.constant(3.0)
    with forward(x, tf.constant(1.0)) as acc:
        assert acc.jvp(x * x).numpy() == 6.0


def test_jvp_of_the_primal_is_the_tangent(tf: Any, forward: Any) -> None:
    x = tf.constant(3.0)
    with forward(x, tf.constant(7.0)) as acc:
        pass
    assert acc.jvp(x).numpy() == 7.0


def test_jvp_again_and_again(tf: Any, forward: Any) -> None:
    x = tf.constant(3.0)
    with forward(x, tf.constant(1.0)) as acc:
        y = x * x
    assert acc.jvp(y).numpy() == acc.jvp(y).numpy() == 6.0


def test_jvp_of_a_nest(tf: Any, forward: Any) -> None:
    x = tf.constant(3.0)
    with forward(x, tf.constant(1.0)) as acc:
        y = x * x
    answer = acc.jvp([y, {"a": (y, x)}, tf.constant(1.0)])
    assert answer[0].numpy() == 6.0
    assert [g.numpy() for g in answer[1]["a"]] == [6.0, 1.0]
    assert answer[2] is None


def test_several_primals(tf: Any, forward: Any) -> None:
    a, b = tf.constant(2.0), tf.constant(3.0)
    with forward([a, b], [tf.constant(1.0), tf.constant(10.0)]) as acc:
        y = a * b
    assert acc.jvp(y).numpy() == 23.0


def test_primals_in_a_dict(tf: Any, forward: Any) -> None:
    a, b = tf.constant(2.0), tf.constant(3.0)
    with forward({"a": a, "b": b}, {"a": tf.constant(1.0), "b": tf.constant(10.0)}) as acc:
        y = a * b
    assert acc.jvp(y).numpy() == 23.0


def test_a_variable_as_primal(tf: Any, forward: Any) -> None:
    v = tf.Variable([1.0, 2.0])
    with forward(v, tf.constant([1.0, 0.0])) as acc:
        y = v * v
    assert acc.jvp(y).numpy().tolist() == [2.0, 0.0]
    assert acc.jvp(v).numpy().tolist() == [1.0, 0.0]


def test_a_variable_assigned_on_the_way_keeps_its_tangent(tf: Any, forward: Any) -> None:
    v = tf.Variable(2.0)
    with forward(v, tf.constant(1.0)) as acc:
        before = v * v
        v.assign(3.0)
        after = v * v
    assert [acc.jvp(y).numpy() for y in (before, after)] == [4.0, 6.0]


@pytest.mark.parametrize("tangent", [1, 1.0, np.array(1.0)], ids=["int", "float", "float64 array"])
def test_tangents_are_converted(tf: Any, forward: Any, tangent: Any) -> None:
    x = tf.constant(3.0)
    with forward(x, tangent) as acc:
        y = x * x
    assert acc.jvp(y).numpy() == 6.0
    assert acc.jvp(y).dtype == tf.float32


# ---- what has no tangent --------------------------------------------------------------------


def test_operations_after_the_context_are_not_seen(tf: Any, forward: Any) -> None:
    x = tf.constant(3.0)
    with forward(x, tf.constant(1.0)) as acc:
        y = x * x
    assert acc.jvp(y * 2.0) is None


@pytest.mark.parametrize("choice", ["none", "zero"])
def test_unconnected(tf: Any, forward: Any, choice: str) -> None:
    x = tf.constant(3.0)
    with forward(x, tf.constant(1.0)) as acc:
        z = tf.constant([1.0, 2.0]) * 2.0
    answer = acc.jvp(z, unconnected_gradients=choice)
    if choice == "none":
        assert answer is None
    else:
        assert answer.numpy().tolist() == [0.0, 0.0]


def test_unconnected_by_the_enumeration(tf: Any, forward: Any) -> None:
    with forward(tf.constant(3.0), tf.constant(1.0)) as acc:
        z = tf.constant(1.0) * 2.0
    assert acc.jvp(z, unconnected_gradients=tf.UnconnectedGradients.ZERO).numpy() == 0.0


def test_unknown_unconnected(tf: Any, forward: Any) -> None:
    with forward(tf.constant(3.0), tf.constant(1.0)) as acc:
        pass
    with pytest.raises(ValueError, match="'bogus'"):
        acc.jvp(tf.constant(1.0), unconnected_gradients="bogus")


@pytest.mark.parametrize("cut", ["stop_gradient", "floor", "round"])
def test_no_tangent_through(tf: Any, forward: Any, cut: str) -> None:
    x = tf.constant(3.5)
    with forward(x, tf.constant(1.0)) as acc:
        y = getattr(tf, cut)(x)
    assert acc.jvp(y) is None


def test_no_tangent_through_a_cast_to_integers(tf: Any, forward: Any) -> None:
    x = tf.constant(3.5)
    with forward(x, tf.constant(1.0)) as acc:
        y = tf.cast(x, tf.int32)
    assert acc.jvp(y) is None


def test_integer_primal(tf: Any, forward: Any, warned: Any) -> None:
    x = tf.constant(3)
    with warned() as messages, forward(x, tf.constant(1)) as acc:
        y = x * x
    expected = "The dtype of the watched primal must be floating (e.g. tf.float32), got tf.int32"
    assert any(expected in message for message in messages), messages
    assert acc.jvp(y) is None


# ---- entering -------------------------------------------------------------------------------


def test_entering_twice(tf: Any, forward: Any) -> None:
    acc = forward(tf.constant(3.0), tf.constant(1.0))
    with acc, pytest.raises(ValueError, match=r"^Accumulator is already recording\.$"):
        acc.__enter__()


def test_re_entry_continues(tf: Any, forward: Any) -> None:
    x = tf.constant(3.0)
    acc = forward(x, tf.constant(1.0))
    with acc:
        y = x * x
    with acc:
        z = y * x
    assert acc.jvp(z).numpy() == 27.0


def test_an_exception_leaves_it_inactive(tf: Any, forward: Any) -> None:
    x = tf.constant(3.0)
    acc = forward(x, tf.constant(1.0))
    with pytest.raises(KeyError), acc:
        raise KeyError("x")
    assert acc.jvp(x * x) is None


# ---- nesting --------------------------------------------------------------------------------


def test_second_order(tf: Any, forward: Any) -> None:
    x = tf.constant(2.0)
    one = tf.constant(1.0)
    with forward(x, one) as outer, forward(x, one) as inner:
        y = x * x * x
    assert inner.jvp(y).numpy() == 12.0
    assert outer.jvp(y).numpy() == 12.0
    assert outer.jvp(inner.jvp(y)).numpy() == 12.0
    assert inner.jvp(outer.jvp(y)) is None


def test_forward_over_reverse(tf: Any, forward: Any) -> None:
    v = tf.Variable([1.0, 2.0])
    with forward(v, tf.constant([1.0, 0.0])) as acc:
        with tf.GradientTape() as tape:
            y = tf.reduce_sum(v**3.0)
        g = tape.gradient(y, v)
    assert g.numpy().tolist() == [3.0, 12.0]
    assert acc.jvp(g).numpy().tolist() == [6.0, 0.0]


def test_reverse_over_forward(tf: Any, forward: Any) -> None:
    v = tf.Variable([1.0, 2.0])
    with tf.GradientTape() as tape:
        with forward(v, tf.constant([1.0, 0.0])) as acc:
            y = tf.reduce_sum(v**3.0)
        slope = acc.jvp(y)
    assert slope.numpy() == 3.0
    assert tape.gradient(slope, v).numpy().tolist() == [6.0, 0.0]


# ---- bad primals and tangents ---------------------------------------------------------------


def test_a_primal_given_twice(tf: Any, forward: Any) -> None:
    x, one = tf.constant(3.0), tf.constant(1.0)
    with pytest.raises(ValueError, match="was specified as a primal multiple times"):
        forward([x, x], [one, one])


def test_too_many_tangents(tf: Any, forward: Any) -> None:
    x, one = tf.constant(3.0), tf.constant(1.0)
    with pytest.raises(ValueError, match=DIFFERENT_NESTS):
        forward([x], [one, one])


def test_another_nest_of_tangents(tf: Any, forward: Any) -> None:
    x, y, one = tf.constant(3.0), tf.constant(4.0), tf.constant(1.0)
    with pytest.raises(TypeError, match=DIFFERENT_NESTS):
        forward([x, y], (one, one))


def test_a_list_is_no_tangent_of_a_tensor(tf: Any, forward: Any) -> None:
    with pytest.raises(ValueError, match=DIFFERENT_NESTS):
        forward(tf.constant([1.0, 2.0]), [1.0, 2.0])


def test_an_integer_tensor_as_tangent(tf: Any, forward: Any) -> None:
    message = "^Tensor conversion requested dtype float32 for Tensor with dtype int32: "
    with pytest.raises(ValueError, match=message):
        forward(tf.constant(3.0), tf.constant(1))


def test_none_as_tangent(tf: Any, forward: Any) -> None:
    with pytest.raises(ValueError, match="None"):
        forward(tf.constant(3.0), None)


@pytest.mark.parametrize("bad", [2.0, "a", np.array(2.0)], ids=["float", "str", "array"])
def test_bad_primal(forward: Any, bad: Any) -> None:
    with pytest.raises((TypeError, AttributeError)):
        forward(bad, bad)


def test_a_tangent_that_does_not_fit(tf: Any, forward: Any) -> None:
    # TensorFlow notices when the tangent is first used.
    x = tf.constant([1.0, 2.0])
    with pytest.raises(ValueError, match="3"), forward(x, tf.constant([1.0, 2.0, 3.0])):
        x * x
