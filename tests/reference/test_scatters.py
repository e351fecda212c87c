"""Scattered updates, segments, gathers: duplicates, ties, empty places, positions outside."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

LOWEST = float(np.finfo(np.float32).min)


def check(actual: Any, expected: Any) -> None:
    np.testing.assert_allclose(actual, expected, rtol=2e-6, atol=0)


@pytest.fixture
def derivatives(tf: Any) -> Callable[..., Any]:
    """The gradients of f(x, y) by both arguments."""

    def of(f: Callable[[Any, Any], Any], x: Any, y: Any) -> Any:
        a, b = tf.constant(x), tf.constant(y)
        with tf.GradientTape() as tape:
            tape.watch([a, b])
            z = f(a, b)
        return [g.numpy().tolist() for g in tape.gradient(z, [a, b])]

    return of


# ---- scatters -------------------------------------------------------------------------------


def test_scatter_nd_adds_what_meets(tf: Any) -> None:
    y = tf.scatter_nd([[1], [1], [3]], [1.0, 2.0, 5.0], [4])
    assert y.numpy().tolist() == [0.0, 3.0, 0.0, 5.0]


def test_of_updates_that_meet_the_last_counts(tf: Any) -> None:
    y = tf.tensor_scatter_nd_update([1.0, 2.0, 3.0], [[1], [1]], [4.0, 5.0])
    assert y.numpy().tolist() == [1.0, 5.0, 3.0]


@pytest.mark.parametrize("name", ["max", "min"])
def test_scattered_extremes_share_ties_equally(tf: Any, derivatives: Any, name: str) -> None:
    f = getattr(tf, f"tensor_scatter_nd_{name}")
    by_x, by_u = derivatives(lambda x, u: f(x, [[1], [1]], u), [1.0, 2.0, 3.0], [2.0, 2.0])
    check(by_x, [1.0, 1 / 3, 1.0])
    check(by_u, [1 / 3, 1 / 3])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda tf: tf.scatter_nd([[5]], [1.0], [3]),
            r"indices\[0\] = \[5\] does not index into shape \[3\]",
        ),
        (
            lambda tf: tf.tensor_scatter_nd_update(tf.zeros([3]), [[0], [-1]], [1.0, 2.0]),
            r"indices\[1\] = \[-1\] does not index into shape \[3\]",
        ),
        (lambda tf: tf.gather([1.0, 2.0], [-1]), r"indices\[0\] = -1 is not in \[0, 2\)"),
        (lambda tf: tf.math.segment_sum([1.0, 2.0], [1, 0]), "segment ids are not increasing"),
        (
            lambda tf: tf.math.unsorted_segment_sum([1.0, 2.0], [5, 0], 2),
            r"segment_ids\[0\] = 5 is out of range \[0, 2\)",
        ),
    ],
)
def test_positions_outside(tf: Any, call: Callable[[Any], Any], message: str) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        call(tf)


# ---- segments -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "empty"), [("sum", 0.0), ("mean", 0.0), ("prod", 1.0), ("max", 0.0), ("min", 0.0)]
)
def test_an_empty_segment(tf: Any, name: str, empty: float) -> None:
    y = getattr(tf.math, f"segment_{name}")([3.0, 2.0], [0, 2])
    assert y.numpy().tolist() == [3.0, empty, 2.0]


@pytest.mark.parametrize(
    ("name", "empty"),
    [("sum", 0.0), ("mean", 0.0), ("prod", 1.0), ("max", LOWEST), ("min", -LOWEST), ("sqrt_n", 0)],
)
def test_an_empty_unsorted_segment(tf: Any, name: str, empty: float) -> None:
    y = getattr(tf.math, f"unsorted_segment_{name}")([3.0, 2.0], [0, 2], 4)
    assert y.numpy().tolist() == [3.0, empty, 2.0, empty]


@pytest.mark.parametrize("name", ["segment_max", "segment_min"])
def test_segment_extremes_share_ties_equally(tf: Any, derivative: Any, name: str) -> None:
    f = getattr(tf.math, name)
    assert derivative(lambda x: f(x, [0, 0, 1]), [2.0, 2.0, 5.0]) == [0.5, 0.5, 1.0]


@pytest.mark.parametrize("name", ["unsorted_segment_max", "unsorted_segment_min"])
def test_unsorted_extremes_share_ties_equally(tf: Any, derivative: Any, name: str) -> None:
    f = getattr(tf.math, name)
    g = derivative(lambda x: f(x, [1, -1, 1, 0], 3), [2.0, 9.0, 2.0, 5.0])
    assert g == [0.5, 0.0, 0.5, 1.0]


def test_products_with_zeros_have_a_gradient(tf: Any, derivative: Any) -> None:
    g = derivative(
        lambda x: tf.math.unsorted_segment_prod(x, [0, 0, 1, 1, 1], 2), [0.0, 3.0, 0.0, 0.0, 5.0]
    )
    assert g == [3.0, 0.0, 0.0, 0.0, 0.0]


# ---- gathers --------------------------------------------------------------------------------


def test_gather_with_batch_dims_takes_the_axis_behind_them(tf: Any) -> None:
    y = tf.gather([[1.0, 2.0], [3.0, 4.0]], [1, 0], batch_dims=1)
    assert y.numpy().tolist() == [2.0, 3.0]


def test_what_is_gathered_twice_gets_both_gradients(tf: Any, derivative: Any) -> None:
    assert derivative(lambda x: tf.gather(x, [1, 1, 0]), [1.0, 2.0, 3.0]) == [1.0, 2.0, 0.0]


def test_reciprocal_no_nan(tf: Any, derivative: Any) -> None:
    assert derivative(lambda x: tf.math.reciprocal_no_nan(x), [0.0, 2.0]) == [0.0, -0.25]


def test_nextafter_moves_with_its_first_argument(tf: Any, derivatives: Any) -> None:
    one, two = np.array([1.0]), np.array([2.0])
    assert derivatives(lambda x, y: tf.math.nextafter(x, y), one, two) == [[1.0], [0.0]]
