"""Distributions, seeds and generators of ``tf.random``; initializers; dropout."""

import mpmath
import numpy as np
import pytest
import scipy.special as sp

import gradtape.tf as tf

SEED = [3, 4]
N = 20_000


@pytest.mark.parametrize(
    ("draw", "mean", "variance"),
    [
        (lambda: tf.random.stateless_uniform([N], SEED, 1.0, 3.0), 2.0, 1 / 3),
        (lambda: tf.random.stateless_normal([N], SEED, 1.0, 2.0), 1.0, 4.0),
        # The variance of a normal distribution cut at two deviations.
        (lambda: tf.random.stateless_truncated_normal([N], SEED), 0.0, 0.7737413),
        (lambda: tf.random.stateless_gamma([N], SEED, 3.0, 2.0), 1.5, 0.75),
        (lambda: tf.random.stateless_poisson([N], SEED, 4.0), 4.0, 4.0),
        (lambda: tf.random.stateless_binomial([N], SEED, 10.0, 0.3), 3.0, 2.1),
        (lambda: tf.random.gamma([N], 3.0, 2.0, seed=1), 1.5, 0.75),
        (lambda: tf.random.poisson([N], 4.0, seed=1), 4.0, 4.0),
        (lambda: tf.random.Generator.from_seed(1).truncated_normal([N]), 0.0, 0.7737413),
    ],
)
def test_mean_and_variance(draw, mean, variance):
    x = draw().numpy().astype(float)
    assert abs(x.mean() - mean) < 5 * (variance / N) ** 0.5
    assert abs(x.var() - variance) < 0.05 * variance


def test_categorical_follows_softmax():
    logits = np.log([[0.2, 0.3, 0.5], [1e-300, 1.0, 1e-300]])
    draws = tf.random.stateless_categorical(logits, N, SEED).numpy()
    np.testing.assert_allclose(np.bincount(draws[0]) / N, [0.2, 0.3, 0.5], atol=0.02)
    assert set(draws[1]) == {1}


@pytest.mark.parametrize("name", ["uniform", "normal", "truncated_normal"])
def test_generators_can_be_started_anew(name):
    generator = tf.random.Generator.from_seed(7)
    first = getattr(generator, name)([3]).numpy().tolist()
    assert getattr(generator, name)([3]).numpy().tolist() != first
    generator.reset_from_seed(7)
    assert getattr(generator, name)([3]).numpy().tolist() == first


def test_split_generators_and_seeds_differ():
    a, b = tf.random.Generator.from_seed(7).split(2)
    assert a.normal([3]).numpy().tolist() != b.normal([3]).numpy().tolist()
    seeds = tf.random.split(SEED, 3)
    assert seeds.shape == [3, 2]
    assert len({tuple(row) for row in seeds.numpy().tolist()}) == 3
    assert seeds.numpy().tolist() == tf.random.split(SEED, 3).numpy().tolist()
    folded = [tf.random.fold_in(SEED, i).numpy().tolist() for i in (0, 1)]
    assert folded[0] != folded[1]
    assert tf.random.Generator.from_seed(7).make_seeds(2).shape == [2, 2]


def test_the_global_generator_can_be_set():
    tf.random.set_global_generator(tf.random.Generator.from_seed(5))
    first = tf.random.get_global_generator().normal([2]).numpy().tolist()
    tf.random.set_global_generator(tf.random.Generator.from_seed(5))
    assert tf.random.get_global_generator().normal([2]).numpy().tolist() == first


def test_a_gradient_goes_to_the_parameters_of_location_and_scale():
    mean, spread = tf.Variable(1.0), tf.Variable(2.0)
    with tf.GradientTape() as tape:
        y = tf.random.stateless_normal([4], SEED, mean, spread)
    by_mean, by_spread = tape.gradient(y, [mean, spread])
    assert by_mean.numpy() == 4.0
    np.testing.assert_allclose(by_spread.numpy(), np.sum((y.numpy() - 1) / 2), rtol=1e-5)


def test_the_rate_of_gamma_has_a_gradient():
    a, b = tf.Variable(2.0), tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = tf.random.gamma([4], tf.stop_gradient(a), b, seed=1)
    np.testing.assert_allclose(tape.gradient(y, b).numpy(), -np.sum(y.numpy()) / 3, rtol=1e-5)


def _slope_of_quantile(a, draw):
    """How the quantile that a draw is moves with the shape: -dF/da over the density."""
    with mpmath.workdps(40):
        a, z = mpmath.mpf(float(a)), mpmath.mpf(float(draw))
        by_a = mpmath.diff(lambda a: mpmath.gammainc(a, 0, z, regularized=True), a, h=a * 1e-12)
        return float(-by_a * mpmath.gamma(a) * mpmath.exp(z) * z ** (1 - a))


@pytest.mark.parametrize("dtype", [tf.float64, tf.float32])
@pytest.mark.parametrize("shape", [0.01, 0.5, 1.0, 3.0, 20.0, 400.0])
def test_the_gradient_of_gamma_by_its_shape_moves_a_quantile(shape, dtype):
    a = tf.constant([shape] * 5, dtype)
    with tf.GradientTape() as tape:
        tape.watch(a)
        y = tf.random.stateless_gamma([5], SEED, a, dtype=dtype)
    expected = [
        _slope_of_quantile(shape, draw) for shape, draw in zip(a.numpy(), y.numpy(), strict=True)
    ]
    gradient = tape.gradient(y, a)
    assert gradient.dtype == dtype
    np.testing.assert_allclose(gradient.numpy(), expected, rtol=16 * np.finfo(dtype.dtype).eps)


def test_the_mean_of_gamma_moves_with_its_shape():
    a, b = tf.Variable([[2.0], [5.0]]), tf.constant([1.0, 4.0])
    with tf.GradientTape() as tape:
        mean = tf.reduce_mean(tf.random.gamma([N], a, b, seed=1), 0)  # near a / b
    np.testing.assert_allclose(tape.gradient(mean, a).numpy(), [[1.25], [1.25]], rtol=0.02)


def test_second_derivatives_and_directions_of_gamma_by_its_shape():
    step = 1e-4

    def slope(shape):
        a = tf.constant(shape, tf.float64)
        with tf.GradientTape() as outer:
            outer.watch(a)
            with tf.GradientTape() as inner:
                inner.watch(a)
                y = tf.random.stateless_gamma([], SEED, a, dtype=tf.float64)
            first = inner.gradient(y, a)
        return float(y), float(first), float(outer.gradient(first, a))

    y, first, second = slope(1.5)
    # Along the curve on which the quantile stays the same, slope(a, y(a)).
    quantile = sp.gammainc(1.5, y)
    ends = [sp.gammaincinv(1.5 + h, quantile) for h in (-step, 0, step)]
    np.testing.assert_allclose(first, (ends[2] - ends[0]) / (2 * step), rtol=1e-6)
    np.testing.assert_allclose(second, (ends[0] - 2 * ends[1] + ends[2]) / step**2, rtol=1e-5)
    a = tf.constant(1.5, tf.float64)
    with tf.autodiff.ForwardAccumulator(a, tf.constant(2.0, tf.float64)) as accumulator:
        y = tf.random.stateless_gamma([], SEED, a, dtype=tf.float64)
    np.testing.assert_allclose(accumulator.jvp(y).numpy(), 2 * first, rtol=1e-12)


def test_shapes_of_parameters_must_fit():
    with pytest.raises(tf.errors.InvalidArgumentError, match="broadcasted shape"):
        tf.random.stateless_poisson([3], SEED, [1.0, 2.0])
    with pytest.raises(tf.errors.InvalidArgumentError, match="should be a matrix"):
        tf.random.categorical([0.0], 2)


@pytest.mark.parametrize(
    ("name", "arguments", "check"),
    [
        ("zeros", (), lambda x: (x == 0).all()),
        ("ones", (), lambda x: (x == 1).all()),
        ("constant", (2.5,), lambda x: (x == 2.5).all()),
        ("random_normal", (1.0, 0.1, 3), lambda x: abs(x.mean() - 1) < 0.1),
        ("random_uniform", (2.0, 3.0, 3), lambda x: (x >= 2).all() and (x < 3).all()),
    ],
)
def test_initializers(name, arguments, check):
    make = getattr(tf, f"{name}_initializer")(*arguments)
    x = make([10, 5], tf.float64)
    assert x.dtype == tf.float64
    assert x.shape == [10, 5]
    assert check(x.numpy())


def test_dropout_of_rows():
    y = tf.nn.dropout(tf.ones([50, 4]), 0.5, noise_shape=[None, 1], seed=1).numpy()
    assert {tuple(row) for row in y.tolist()} == {(0.0,) * 4, (2.0,) * 4}
