"""jacobian and batch_jacobian."""

from typing import Any

import numpy as np
import pytest


@pytest.fixture
def vector(tf: Any) -> Any:
    """A persistent tape with y = x x at x = [1, 2]."""
    x = tf.constant([1.0, 2.0])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x * x
    return tape, x, y


def test_jacobian(vector: Any) -> None:
    tape, x, y = vector
    assert tape.jacobian(y, x).numpy().tolist() == [[2.0, 0.0], [0.0, 4.0]]


def test_jacobian_of_a_scalar_by_a_scalar(tf: Any) -> None:
    v = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = v * v
    j = tape.jacobian(y, v)
    assert j.shape == ()
    assert j.numpy() == 6.0


@pytest.mark.parametrize(
    ("target", "source", "shape"),
    [((), (2,), (2,)), ((3,), (), (3,)), ((2, 3), (4,), (2, 3, 4)), ((1, 2), (3, 1), (1, 2, 3, 1))],
)
def test_shape_of_the_jacobian(tf: Any, target: Any, source: Any, shape: Any) -> None:
    x = tf.ones(source)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.ones(target) * tf.reduce_sum(x)
    j = tape.jacobian(y, x)
    assert j.shape == shape
    assert np.all(j.numpy() == 1.0)


def test_jacobian_by_a_nest(tf: Any) -> None:
    v, w = tf.Variable([1.0, 2.0]), tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = v * w
    answer = tape.jacobian(y, {"v": v, "rest": (w,)})
    assert answer["v"].numpy().tolist() == [[3.0, 0.0], [0.0, 3.0]]
    assert answer["rest"][0].numpy().tolist() == [1.0, 2.0]


def test_jacobian_by_itself(vector: Any) -> None:
    tape, x, _ = vector
    assert tape.jacobian(x, x).numpy().tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_jacobian_by_an_intermediate(tf: Any) -> None:
    v = tf.Variable([1.0, 2.0])
    with tf.GradientTape() as tape:
        y = v * v
        z = y * 3.0
    assert tape.jacobian(z, y).numpy().tolist() == [[3.0, 0.0], [0.0, 3.0]]


def test_unconnected_jacobian(tf: Any, vector: Any) -> None:
    tape, x, y = vector
    connected, unconnected = tape.jacobian(y, [x, tf.ones((1, 3))])
    assert connected.shape == (2, 2)
    assert unconnected is None


def test_unconnected_jacobian_zero(tf: Any, vector: Any) -> None:
    tape, _, y = vector
    j = tape.jacobian(y, tf.ones((1, 3)), unconnected_gradients="zero")
    assert j.shape == (2, 1, 3)
    assert not j.numpy().any()


def test_jacobian_of_integers(tf: Any) -> None:
    v = tf.Variable([1.0, 2.0])
    with tf.GradientTape() as tape:
        y = tf.cast(v, tf.int32)
    assert tape.jacobian(y, v) is None


def test_unknown_unconnected_in_jacobian(vector: Any) -> None:
    tape, x, y = vector
    with pytest.raises(ValueError, match=r"unconnected_gradients|vectorizing the jacobian"):
        tape.jacobian(y, x, unconnected_gradients="bogus")


@pytest.mark.parametrize("bad", [None, [1.0]], ids=["None", "list"])
def test_jacobian_wants_one_tensor(vector: Any, bad: Any) -> None:
    tape, x, _ = vector
    with pytest.raises((TypeError, AttributeError)):
        tape.jacobian(bad, x)


def test_jacobian_inside_the_context(tf: Any) -> None:
    v = tf.Variable([1.0, 2.0])
    with tf.GradientTape() as tape:
        j = tape.jacobian(v * v, v)
    assert j.numpy().tolist() == [[2.0, 0.0], [0.0, 4.0]]


def test_jacobian_twice_of_a_persistent_tape(vector: Any) -> None:
    tape, x, y = vector
    assert tape.jacobian(y, x).numpy().tolist() == tape.jacobian(y, x).numpy().tolist()


def test_jacobian_without_pfor(vector: Any) -> None:
    tape, x, y = vector
    j = tape.jacobian(y, x, experimental_use_pfor=False)
    assert j.numpy().tolist() == [[2.0, 0.0], [0.0, 4.0]]


def test_hessian_as_the_jacobian_of_a_gradient(tf: Any) -> None:
    v = tf.Variable([2.0, 3.0])
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            y = tf.reduce_prod(v) + tf.reduce_sum(v**3)
        g = inner.gradient(y, v)
    assert outer.jacobian(g, v).numpy().tolist() == [[12.0, 1.0], [1.0, 18.0]]


def test_jacobian_of_a_jacobian(tf: Any) -> None:
    x = tf.constant([2.0, 3.0])
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = x * x * x
        j = inner.jacobian(y, x)
    h = outer.jacobian(j, x).numpy()
    assert h.shape == (2, 2, 2)
    assert [h[0, 0, 0], h[1, 1, 1], h.sum()] == [12.0, 18.0, 30.0]


# ---- batch_jacobian -------------------------------------------------------------------------


@pytest.fixture
def batch(tf: Any) -> Any:
    """A persistent tape with y = x x for three rows of two."""
    x = tf.constant([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x * x
        z = tf.stack([x, x], axis=1)
        rows = tf.reduce_sum(x, axis=1)
        longer = tf.concat([x, x], axis=0)
    return tape, x, y, z, rows, longer


def test_batch_jacobian(batch: Any) -> None:
    tape, x, y, *_ = batch
    j = tape.batch_jacobian(y, x).numpy().tolist()
    assert j == [
        [[2.0, 0.0], [0.0, 4.0]],
        [[6.0, 0.0], [0.0, 8.0]],
        [[10.0, 0.0], [0.0, 12.0]],
    ]


def test_batch_jacobian_keeps_further_axes(batch: Any) -> None:
    tape, x, _, z, *_ = batch
    assert tape.batch_jacobian(z, x).shape == (3, 2, 2, 2)


def test_batch_jacobian_of_a_tape_used_once(tf: Any) -> None:
    x = tf.constant([[1.0, 2.0], [3.0, 4.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    assert tape.batch_jacobian(y, x).shape == (2, 2, 2)


@pytest.mark.parametrize("choice", ["none", "zero"])
def test_unconnected_batch_jacobian_is_zero_whatever_was_asked(
    tf: Any, batch: Any, choice: str
) -> None:
    tape, _, y, *_ = batch
    j = tape.batch_jacobian(y, tf.ones((3, 1)), unconnected_gradients=choice)
    assert j.shape == (3, 2, 1)
    assert not j.numpy().any()


def test_batch_jacobian_of_a_vector_target(batch: Any) -> None:
    tape, x, _, _, rows, _ = batch
    with pytest.raises(ValueError, match=r"Shape \(3,\) must have rank at least 2"):
        tape.batch_jacobian(rows, x)


def test_batch_jacobian_by_a_vector_source(tf: Any, batch: Any) -> None:
    tape, _, y, *_ = batch
    with pytest.raises(ValueError, match=r"Shape \(3,\) must have rank at least 2"):
        tape.batch_jacobian(y, tf.ones((3,)))


def test_batch_jacobian_of_different_batches(batch: Any) -> None:
    tape, x, _, _, _, longer = batch
    message = (
        r"Need first dimension of target shape \(\(6, 2\)\) and source shape \(\(3, 2\)\) to match"
    )
    with pytest.raises(ValueError, match=message):
        tape.batch_jacobian(longer, x)


def test_batch_jacobian_wants_one_source(batch: Any) -> None:
    tape, x, y, *_ = batch
    with pytest.raises((TypeError, AttributeError)):
        tape.batch_jacobian(y, [x])
