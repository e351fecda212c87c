"""Tensors as Python objects: truth, length, iteration, numbers, keys, indices."""

from typing import Any

import numpy as np
import pytest


@pytest.mark.parametrize(("value", "truth"), [(0.0, False), (2.0, True), (True, True), (0, False)])
def test_truth_of_a_scalar(tf: Any, value: Any, truth: bool) -> None:
    assert bool(tf.constant(value)) is truth


def test_truth_of_a_vector(tf: Any) -> None:
    message = "^The truth value of an array with more than one element is ambiguous"
    with pytest.raises(ValueError, match=message):
        bool(tf.constant([True, False]))


@pytest.mark.parametrize(("kind", "expected"), [(float, 2.75), (int, 2)])
def test_a_scalar_as_a_number(tf: Any, kind: Any, expected: Any) -> None:
    assert kind(tf.constant(2.75)) == expected


def test_a_vector_is_no_number(tf: Any) -> None:
    with pytest.raises(TypeError, match=r"^only .*arrays can be converted to Python scalars$"):
        float(tf.constant([1.0, 2.0]))


def test_a_scalar_integer_is_an_index(tf: Any) -> None:
    assert [10, 20, 30][tf.constant(1)] == 20


def test_length(tf: Any) -> None:
    assert len(tf.constant([[1.0], [2.0], [3.0]])) == 3


def test_length_of_a_scalar(tf: Any) -> None:
    with pytest.raises(TypeError, match=r"^Scalar tensor has no `len\(\)`$"):
        len(tf.constant(1.0))


def test_iteration_gives_tensors(tf: Any) -> None:
    items = list(tf.constant([1.0, 2.0]))
    assert [item.numpy() for item in items] == [1.0, 2.0]
    assert all(isinstance(item, tf.Tensor) for item in items)


def test_iteration_over_a_scalar(tf: Any) -> None:
    with pytest.raises(TypeError, match=r"^Cannot iterate over a scalar tensor\.$"):
        list(tf.constant(1.0))


def test_unpacking_carries_gradients(tf: Any, derivative: Any) -> None:
    def second(x: Any) -> Any:
        _, b = x
        return b * b

    assert derivative(second, [1.0, 3.0]) == [0.0, 6.0]


def test_a_tensor_is_unhashable(tf: Any) -> None:
    message = r"^Tensor is unhashable\. Instead, use tensor\.ref\(\) as the key\.$"
    with pytest.raises(TypeError, match=message):
        hash(tf.constant(1.0))


def test_references_compare_by_identity(tf: Any) -> None:
    x, same = tf.constant(1.0), tf.constant(1.0)
    assert x.ref() == x.ref()
    assert x.ref() != same.ref()
    assert x.ref().deref() is x


def test_equality_is_elementwise(tf: Any) -> None:
    y = tf.constant([1.0, 2.0]) == [1.0, 3.0]
    assert (y.dtype, y.numpy().tolist()) == (tf.bool, [True, False])


def test_numpy_of_a_scalar_is_a_numpy_scalar(tf: Any) -> None:
    assert type(tf.constant(1.0).numpy()) is np.float32


def test_numpy_of_a_vector_is_an_array(tf: Any) -> None:
    array = tf.constant([1.0, 2.0]).numpy()
    assert type(array) is np.ndarray
    assert array.dtype == np.float32


@pytest.mark.parametrize("bad", ["a", 1.0], ids=["str", "float"])
def test_bad_index(tf: Any, bad: Any) -> None:
    with pytest.raises(TypeError, match="valid indices, got"):
        tf.constant([1.0, 2.0])[bad]


def test_a_boolean_mask_as_index(tf: Any) -> None:
    x = tf.constant([1.0, 2.0, 3.0])
    assert x[x > 1.5].numpy().tolist() == [2.0, 3.0]


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (np.s_[0], [1.0, 2.0]),
        (np.s_[-1], [3.0, 4.0]),
        (np.s_[:, 1], [2.0, 4.0]),
        (np.s_[::-1, 0], [3.0, 1.0]),
        (np.s_[..., None], [[[1.0], [2.0]], [[3.0], [4.0]]]),
    ],
    ids=["row", "last row", "column", "reversed", "new axis"],
)
def test_indices(tf: Any, index: Any, expected: Any) -> None:
    assert tf.constant([[1.0, 2.0], [3.0, 4.0]])[index].numpy().tolist() == expected


def test_booleans_have_logical_operators(tf: Any) -> None:
    true, false = tf.constant(True), tf.constant(False)
    results = (true & false, true | false, true ^ true, ~true)
    assert [y.numpy().item() for y in results] == [False, True, False, False]


@pytest.mark.parametrize("value", [3, 1.0, np.array(1.0), [1.0]], ids=repr)
def test_is_tensor_of_other_things(tf: Any, value: Any) -> None:
    assert not tf.is_tensor(value)


def test_is_tensor(tf: Any) -> None:
    assert tf.is_tensor(tf.constant(1))


def test_the_invalid_argument_error_has_a_message(tf: Any) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        tf.constant(1.0) + tf.constant(1)
    assert issubclass(tf.errors.InvalidArgumentError, tf.errors.OpError)
    assert caught.value.message.startswith("cannot compute AddV2")
