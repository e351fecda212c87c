"""Convolutions and pools: where their windows lie, ties, NaN, arguments that do not go together."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

NAN = float("nan")


def picture(tf: Any, x: Any) -> Any:
    """Some numbers as a square picture with one channel."""
    n = int(len(x) ** 0.5)
    return tf.reshape(x, [1, n, n, 1])


# ---- pools ----------------------------------------------------------------------------------


def test_max_pool_sends_the_gradient_of_a_tie_to_the_first(tf: Any, derivative: Any) -> None:
    g = derivative(lambda x: tf.nn.max_pool2d(picture(tf, x), 2, 2, "VALID"), [1.0, 1.0, 1.0, 0.0])
    assert g == [1.0, 0.0, 0.0, 0.0]


def test_max_pool_passes_over_nan(tf: Any) -> None:
    x = picture(tf, tf.constant([1.0, NAN, 1.0, 0.0]))
    assert tf.nn.max_pool2d(x, 2, 2, "VALID").numpy().item() == 1.0


def test_overlapping_windows_add_up(tf: Any, derivative: Any) -> None:
    g = derivative(
        lambda x: tf.nn.max_pool1d(tf.reshape(x, [1, 4, 1]), 2, 1, "VALID"), [1.0, 5.0, 2.0, 0.0]
    )
    assert g == [0.0, 2.0, 1.0, 0.0]


def test_avg_pool_does_not_count_what_padding_added(tf: Any, derivative: Any) -> None:
    g = derivative(
        lambda x: tf.nn.avg_pool1d(tf.reshape(x, [1, 3, 1]), 2, 2, "SAME"), [1.0, 2.0, 4.0]
    )
    assert g == [0.5, 0.5, 1.0]


def test_max_pool_takes_nothing_from_the_padding(tf: Any) -> None:
    x = tf.constant([[[-3.0], [-1.0], [-2.0]]])
    assert tf.nn.max_pool1d(x, 2, 2, "SAME").numpy().ravel().tolist() == [-1.0, -2.0]


# ---- convolutions ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("length", "size", "stride", "expected"),
    [
        (4, 3, 1, [3.0, 6.0, 9.0, 7.0]),
        (4, 2, 1, [3.0, 5.0, 7.0, 4.0]),
        (5, 2, 2, [3.0, 7.0, 5.0]),
        (5, 4, 3, [6.0, 12.0]),
        (4, 1, 3, [1.0, 4.0]),
    ],
)
def test_same_padding_puts_the_odd_zero_behind(
    tf: Any, length: int, size: int, stride: int, expected: Any
) -> None:
    x = tf.reshape(tf.range(1.0, length + 1.0), [1, length, 1])
    y = tf.nn.conv1d(x, tf.ones([size, 1, 1]), stride, "SAME")
    assert y.numpy().ravel().tolist() == expected


def test_filters_are_not_turned_round(tf: Any) -> None:
    y = tf.nn.conv1d([[[1.0], [0.0]]], [[[1.0]], [[10.0]]], 1, "VALID")
    assert y.numpy().item() == 1.0


def test_fewer_channels_in_the_filters_make_groups(tf: Any) -> None:
    x, w = tf.constant([[[1.0, 2.0, 3.0, 4.0]]]), tf.ones([1, 2, 2])
    assert tf.nn.conv1d(x, w, 1, "VALID").numpy().ravel().tolist() == [3.0, 7.0]


def test_transposed_convolution_spreads(tf: Any) -> None:
    y = tf.nn.conv1d_transpose([[[1.0], [10.0]]], tf.ones([3, 1, 1]), [1, 5, 1], 2, "VALID")
    assert y.numpy().ravel().tolist() == [1.0, 1.0, 11.0, 10.0, 10.0]


@pytest.mark.parametrize(
    "call",
    [
        lambda tf: tf.nn.conv2d(tf.ones([1, 4, 4, 4]), tf.ones([1, 1, 3, 4]), 1, "VALID"),
        lambda tf: tf.nn.conv2d(tf.ones([1, 4, 4, 4]), tf.ones([1, 1, 4]), 1, "VALID"),
        lambda tf: tf.nn.conv2d(tf.ones([1, 4, 4, 4]), tf.ones([1, 1, 2, 3]), 1, "VALID"),
        lambda tf: tf.nn.conv2d(
            tf.ones([1, 4, 4, 1]), tf.ones([1, 1, 1, 1], tf.float64), 1, "VALID"
        ),
        lambda tf: tf.nn.bias_add(tf.ones([2, 3]), tf.ones([2])),
        lambda tf: tf.nn.conv2d_transpose(
            tf.ones([1, 3, 3, 1]), tf.ones([2, 2, 1, 1]), [1, 9, 9, 1], 2
        ),
    ],
)
def test_arguments_that_do_not_go_together(tf: Any, call: Callable[[Any], Any]) -> None:
    with pytest.raises((tf.errors.OpError, ValueError)):
        call(tf)


def test_dropout_of_everything(tf: Any) -> None:
    with pytest.raises(ValueError, match=r"in the range \[0, 1\)"):
        tf.nn.dropout(tf.ones([2]), 1.0)


def test_dropout_scales_what_it_keeps(tf: Any, derivative: Any) -> None:
    x = tf.ones([1000])
    y = tf.nn.dropout(x, 0.75).numpy()
    assert set(np.unique(y).tolist()) == {0.0, 4.0}
    assert 150 < np.count_nonzero(y) < 350
