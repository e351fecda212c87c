"""Derivatives at the points where there is a choice: kinks, ties, bounds, poles, steps."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

INF, NAN = float("inf"), float("nan")


def check(actual: Any, expected: Any) -> None:
    np.testing.assert_allclose(actual, expected, rtol=2e-6, atol=0)


@pytest.fixture
def derivatives(tf: Any) -> Callable[..., Any]:
    """The gradients of f(x, y) by both arguments."""

    def of(f: Callable[[Any, Any], Any], x: Any, y: Any) -> Any:
        a, b = tf.constant(x, dtype=tf.float32), tf.constant(y, dtype=tf.float32)
        with tf.GradientTape() as tape:
            tape.watch([a, b])
            z = f(a, b)
        return [None if g is None else g.numpy().tolist() for g in tape.gradient(z, [a, b])]

    return of


# ---- functions of one argument, by name -----------------------------------------------------


@pytest.mark.parametrize(
    ("name", "at", "expected"),
    [
        ("nn.relu", [-1.0, 0.0, 1.0], [0.0, 0.0, 1.0]),
        ("nn.relu6", [-1.0, 0.0, 3.0, 6.0, 7.0], [0.0, 0.0, 1.0, 0.0, 0.0]),
        ("nn.leaky_relu", [-1.0, 0.0, 1.0], [0.2, 0.2, 1.0]),
        ("nn.elu", [-1.0, 0.0, 1.0], [0.36787945, 1.0, 1.0]),
        ("nn.selu", [0.0, 1.0], [1.050701, 1.050701]),
        ("nn.softplus", [-200.0, 0.0, 100.0], [0.0, 0.5, 1.0]),
        ("nn.softsign", [0.0, 1.0], [1.0, 0.25]),
        ("nn.silu", [0.0, 200.0, -200.0], [0.5, 1.0, 0.0]),
        ("abs", [-1.0, 0.0, 1.0], [-1.0, 0.0, 1.0]),
        ("sign", [-1.0, 0.0, 2.0], [0.0, 0.0, 0.0]),
        ("sqrt", [0.0, 4.0, -1.0], [INF, 0.25, NAN]),
        ("math.rsqrt", [0.0, 4.0], [-INF, -0.0625]),
        ("math.log", [0.0, -1.0], [INF, -1.0]),
        ("math.log1p", [-1.0, 0.0], [INF, 1.0]),
        ("math.reciprocal", [0.0, 2.0], [-INF, -0.25]),
        ("sigmoid", [0.0, 200.0, -200.0], [0.25, 0.0, 0.0]),
        ("tanh", [0.0, 100.0], [1.0, 0.0]),
        ("exp", [1000.0, -1000.0], [INF, 0.0]),
        ("asin", [1.0, -1.0], [INF, INF]),
        ("acos", [1.0], [-INF]),
        ("acosh", [1.0], [INF]),
        ("atanh", [1.0], [INF]),
        ("square", [0.0, -3.0], [0.0, -6.0]),
        ("norm", [0.0, 0.0], [NAN, NAN]),
        ("norm", [3.0, 4.0], [0.6, 0.8]),
        ("math.reduce_std", [2.0, 2.0], [NAN, NAN]),
        ("math.reduce_variance", [2.0, 2.0], [0.0, 0.0]),
        ("reduce_prod", [0.0, 2.0, 3.0], [6.0, 0.0, 0.0]),
        ("reduce_prod", [0.0, 0.0, 3.0], [0.0, 0.0, 0.0]),
        ("math.cumprod", [2.0, 3.0], [4.0, 2.0]),
        ("reduce_max", [1.0, 3.0, 3.0], [0.0, 0.5, 0.5]),
        ("reduce_max", [3.0, 3.0, 3.0, 3.0], [0.25, 0.25, 0.25, 0.25]),
        ("reduce_max", [1.0, NAN], [NAN, NAN]),
        ("reduce_min", [1.0, 1.0, 3.0], [0.5, 0.5, 0.0]),
        ("reduce_logsumexp", [1.0, 1.0], [0.5, 0.5]),
        ("reduce_logsumexp", [1000.0, 0.0], [1.0, 0.0]),
        ("reduce_logsumexp", [-INF, 0.0], [0.0, 1.0]),
        ("reduce_logsumexp", [-INF, -INF], [NAN, NAN]),
    ],
)
def test_derivative(tf: Any, derivative: Any, name: str, at: Any, expected: Any) -> None:
    module, _, function = name.rpartition(".")
    check(derivative(getattr(getattr(tf, module) if module else tf, function), at), expected)


@pytest.mark.parametrize("name", ["floor", "round", "math.ceil", "math.rint", "argmax"])
def test_steps_have_none(tf: Any, derivative: Any, name: str) -> None:
    module, _, function = name.rpartition(".")
    assert derivative(getattr(getattr(tf, module) if module else tf, function), [1.5, 2.5]) is None


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_reduce_max_shares_ties_along_its_axis(tf: Any, derivative: Any, axis: int) -> None:
    g = derivative(lambda x: tf.reduce_max(x, axis=axis), [[1.0, 1.0], [1.0, 3.0]])
    check(g, [[0.5, 0.0], [0.5, 1.0]] if axis == 0 else [[0.5, 0.5], [0.0, 1.0]])


# ---- steps and casts ------------------------------------------------------------------------


def test_floor_division_has_none(derivative: Any) -> None:
    assert derivative(lambda x: x // 2.0, [5.0]) is None


def test_comparisons_have_none(derivative: Any) -> None:
    assert derivative(lambda x: x > 1.0, [5.0]) is None


@pytest.mark.parametrize("dtype", ["int32", "int64", "bool"])
def test_cast_to_a_discrete_type_has_none(tf: Any, derivative: Any, dtype: str) -> None:
    assert derivative(lambda x: tf.cast(x, dtype), [1.5]) is None


def test_cast_to_another_float(tf: Any, derivative: Any) -> None:
    assert derivative(lambda x: tf.cast(x, tf.float64) * 2.0, [1.5]) == [2.0]


def test_remainder(derivatives: Any) -> None:
    dx, dy = derivatives(lambda x, y: x % y, [5.0, -5.0], [3.0, 3.0])
    check(dx, [1.0, 1.0])
    check(dy, [-1.0, 2.0])


# ---- maximum, minimum, clip -----------------------------------------------------------------


def test_maximum_gives_a_tie_to_the_first(tf: Any, derivatives: Any) -> None:
    dx, dy = derivatives(tf.maximum, [1.0, 2.0, 3.0], [2.0, 2.0, 2.0])
    check(dx, [0.0, 1.0, 1.0])
    check(dy, [1.0, 0.0, 0.0])


def test_minimum_gives_a_tie_to_the_first(tf: Any, derivatives: Any) -> None:
    dx, dy = derivatives(tf.minimum, [1.0, 2.0, 3.0], [2.0, 2.0, 2.0])
    check(dx, [1.0, 1.0, 0.0])
    check(dy, [0.0, 0.0, 1.0])


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_nan_goes_to_the_second(tf: Any, derivatives: Any, name: str) -> None:
    dx, dy = derivatives(getattr(tf, name), [NAN, 1.0], [1.0, NAN])
    check(dx, [0.0, 0.0])
    check(dy, [1.0, 1.0])


def test_maximum_with_zero_is_not_relu_at_zero(tf: Any, derivative: Any) -> None:
    check(derivative(lambda x: tf.maximum(x, 0.0), [-1.0, 0.0, 1.0]), [0.0, 1.0, 1.0])
    check(derivative(lambda x: tf.maximum(0.0, x), [-1.0, 0.0, 1.0]), [0.0, 0.0, 1.0])


def test_clip_at_its_bounds(tf: Any, derivative: Any) -> None:
    g = derivative(lambda x: tf.clip_by_value(x, -1.0, 1.0), [-2.0, -1.0, 0.0, 1.0, 2.0])
    check(g, [0.0, 1.0, 1.0, 1.0, 0.0])


def test_clip_of_nan(tf: Any, derivative: Any) -> None:
    check(derivative(lambda x: tf.clip_by_value(x, -1.0, 1.0), [NAN]), [0.0])


@pytest.mark.parametrize(
    ("at", "norm", "expected"),
    [
        ([3.0, 4.0], 10.0, [1.0, 1.0]),
        ([0.0, 0.0], 1.0, [1.0, 1.0]),
        ([3.0, 4.0], 1.0, [0.032, -0.024]),
    ],
)
def test_clip_by_norm(tf: Any, derivative: Any, at: Any, norm: float, expected: Any) -> None:
    g = derivative(lambda x: tf.clip_by_norm(x, norm), at)
    np.testing.assert_allclose(g, expected, rtol=1e-5)


# ---- powers ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("power", "at", "expected"),
    [
        (0.0, [0.0, 2.0], [NAN, 0.0]),
        (1.0, [0.0, 2.0], [1.0, 1.0]),
        (2.0, [0.0, -2.0], [0.0, -4.0]),
        (3.0, [0.0, -2.0], [0.0, 12.0]),
        (0.5, [0.0, 4.0], [INF, 0.25]),
        (1.5, [0.0, 4.0], [0.0, 3.0]),
        (-1.0, [0.0, 4.0], [-INF, -0.0625]),
    ],
)
def test_power(derivative: Any, power: float, at: Any, expected: Any) -> None:
    check(derivative(lambda x: x**power, at), expected)


@pytest.mark.parametrize(
    ("base", "at", "expected"),
    [
        (2.0, [0.0, 3.0], [0.6931472, 5.5451775]),
        (0.0, [0.0, 3.0], [0.0, 0.0]),
        (0.0, [-1.0], [NAN]),
        (-2.0, [2.0, 3.0], [0.0, 0.0]),
    ],
)
def test_exponent(derivative: Any, base: float, at: Any, expected: Any) -> None:
    # Where the base is not positive, the logarithm counts as 0.
    check(derivative(lambda y: base**y, at), expected)


def test_power_by_both(tf: Any, derivatives: Any) -> None:
    x = [0.0, 0.0, 0.0, 0.0, 2.0, -2.0, -2.0]
    y = [0.0, 1.0, 2.0, -1.0, 3.0, 3.0, 2.0]
    dx, dy = derivatives(tf.pow, x, y)
    check(dx, [NAN, 1.0, 0.0, -INF, 12.0, 12.0, -4.0])
    check(dy, [0.0, 0.0, 0.0, NAN, 5.5451775, 0.0, 0.0])


def test_second_derivative_of_powers_at_zero(second: Any) -> None:
    check(second(lambda x: x**2.0, [0.0]), [2.0])
    check(second(lambda x: x**1.0, [0.0, 2.0]), [NAN, 0.0])


# ---- quotients and logarithms that answer 0 -------------------------------------------------


def test_division_by_zero(derivatives: Any) -> None:
    dx, dy = derivatives(lambda x, y: x / y, [1.0, 0.0], [0.0, 0.0])
    check(dx, [INF, INF])
    check(dy, [-INF, NAN])


def test_divide_no_nan(tf: Any, derivatives: Any) -> None:
    dx, dy = derivatives(tf.math.divide_no_nan, [1.0, 2.0], [0.0, 4.0])
    check(dx, [0.0, 0.25])
    check(dy, [0.0, -0.125])


def test_xlogy(tf: Any, derivatives: Any) -> None:
    dx, dy = derivatives(tf.math.xlogy, [0.0, 2.0, 0.0], [3.0, 4.0, 0.0])
    check(dx, [0.0, 1.3862944, 0.0])
    check(dy, [0.0, 0.5, 0.0])


def test_xlog1py(tf: Any, derivatives: Any) -> None:
    dx, dy = derivatives(tf.math.xlog1py, [0.0, 2.0], [3.0, 4.0])
    check(dx, [0.0, 1.609438])
    check(dy, [0.0, 0.4])


def test_atan2_at_the_origin(tf: Any, derivatives: Any) -> None:
    dy, dx = derivatives(tf.atan2, [0.0], [0.0])
    check(dy, [NAN])
    check(dx, [NAN])


# ---- where, and the NaNs that leak through it -----------------------------------------------


def test_where_takes_the_gradient_of_the_branch(tf: Any, derivatives: Any) -> None:
    dx, dy = derivatives(lambda x, y: tf.where([True, False], x, y), [1.0, 2.0], [3.0, 4.0])
    check(dx, [1.0, 0.0])
    check(dy, [0.0, 1.0])


def test_where_by_its_condition_is_not_differentiated(tf: Any, derivative: Any) -> None:
    g = derivative(lambda x: tf.where(x > 0.0, x, 2.0 * x), [-1.0, 0.0, 1.0])
    check(g, [2.0, 2.0, 1.0])


def test_where_over_an_overflow_is_nan(tf: Any, derivative: Any) -> None:
    def softplus(z: Any) -> Any:
        return tf.where(z > 30.0, z, tf.math.log(tf.exp(z) + 1.0))

    check(derivative(softplus, [1000.0]), [NAN])


def test_where_over_a_pole_is_nan(tf: Any, derivative: Any) -> None:
    check(derivative(lambda x: tf.where(x != 0.0, tf.sin(x) / x, 1.0), [0.0]), [NAN])


@pytest.mark.parametrize(
    ("name", "at", "expected"),
    [
        ("sqrt", 0.0, 0.0),
        ("sqrt", -1.0, 0.0),
        ("math.rsqrt", 0.0, 0.0),
        ("math.reciprocal", 0.0, 0.0),
        ("math.log", 0.0, NAN),
        ("math.log1p", -1.0, NAN),
        ("asin", 1.0, NAN),
        ("acos", 1.0, NAN),
        ("acosh", 1.0, NAN),
        ("atanh", 1.0, NAN),
    ],
)
def test_the_pole_of_a_dead_branch(
    tf: Any, derivative: Any, name: str, at: float, expected: float
) -> None:
    # Three functions answer 0 for a zero cotangent, whatever their slope; the others NaN.
    module, _, function = name.rpartition(".")
    f = getattr(getattr(tf, module) if module else tf, function)
    check(derivative(lambda x: tf.where(x > 5.0, f(x), 0.0), [at]), [expected])


def test_the_same_poles_written_with_operators_are_nan(tf: Any, derivative: Any) -> None:
    check(derivative(lambda x: tf.where(x > 5.0, 1.0 / x, 0.0), [0.0]), [NAN])
    check(derivative(lambda x: tf.where(x > 5.0, x**0.5, 0.0), [0.0]), [NAN])


@pytest.mark.parametrize("at", [100.0, [100.0]], ids=["scalar", "vector"])
def test_an_overflowed_exponential_is_nan(tf: Any, derivative: Any, at: Any) -> None:
    check(derivative(lambda z: tf.math.log(tf.exp(z) + 1.0), at), np.full(np.shape(at), NAN))


# ---- selections with ties -------------------------------------------------------------------


def test_sort_keeps_equal_elements_in_order(tf: Any, derivative: Any) -> None:
    g = derivative(lambda x: tf.sort(x) * [1.0, 2.0, 3.0], [3.0, 1.0, 1.0])
    check(g, [3.0, 1.0, 2.0])


def test_softmax(tf: Any, derivative: Any) -> None:
    check(derivative(lambda x: tf.nn.softmax(x) * [1.0, 2.0], [0.0, 0.0]), [-0.25, 0.25])


def test_squared_difference(tf: Any, derivatives: Any) -> None:
    assert derivatives(tf.math.squared_difference, [3.0], [1.0]) == [[4.0], [-4.0]]


# ---- no NaN -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "x", "y", "by_x", "by_y"),
    [
        ("math.xdivy", 0.0, 2.0, 0.0, 0.0),
        ("math.xdivy", 0.0, 0.0, 0.0, 0.0),
        ("math.xdivy", 1.0, 2.0, 0.5, -0.25),
        ("math.xlogy", 0.0, 2.0, 0.0, 0.0),
        ("math.xlog1py", 0.0, 2.0, 0.0, 0.0),
        ("math.multiply_no_nan", INF, 0.0, 0.0, INF),
        ("math.multiply_no_nan", 3.0, 0.0, 0.0, 3.0),
        ("math.divide_no_nan", 3.0, 0.0, 0.0, 0.0),
    ],
)
def test_products_and_quotients_without_nan(
    tf: Any, derivatives: Any, name: str, x: float, y: float, by_x: float, by_y: float
) -> None:
    module, _, function = name.rpartition(".")
    check(derivatives(getattr(getattr(tf, module), function), x, y), [by_x, by_y])


def test_of_bounds_that_exclude_each_other_the_lower_counts(tf: Any, derivatives: Any) -> None:
    assert tf.clip_by_value([0.0, 3.0], 1.0, -1.0).numpy().tolist() == [1.0, 1.0]
    low, high = derivatives(lambda a, b: tf.clip_by_value(tf.zeros([2]), a, b), 1.0, -1.0)
    assert [low, high] == [2.0, 0.0]


def test_moments_without_weight_are_zero(tf: Any) -> None:
    mean, variance = tf.nn.weighted_moments(tf.constant([1.0, 3.0]), [0], tf.zeros([2]))
    assert [mean.numpy(), variance.numpy()] == [0.0, 0.0]


def test_linspace_has_a_gradient(tf: Any, derivatives: Any) -> None:
    by_start, by_stop = derivatives(lambda a, b: tf.linspace(a, b, 5), 1.0, 3.0)
    assert [by_start, by_stop] == [2.5, 2.5]
