"""``tf.function``: TensorFlow's programs, traced."""

from typing import Any

import numpy as np
import pytest

import gradtape.tf as tf
from gradtape.tf import keras


def network() -> Any:
    tf.random.set_seed(3)
    w = [tf.Variable(tf.random.normal([3, 8])), tf.Variable(tf.zeros([8]))]
    return [*w, tf.Variable(tf.random.normal([8, 1])), tf.Variable(tf.zeros([1]))]


@pytest.mark.parametrize("name", ["sgd", "adam", "nadam"])
def test_a_training_step_with_an_optimizer(name: str):
    tf.random.set_seed(1)
    x, y = tf.random.normal([16, 3]), tf.random.normal([16, 1])

    def made() -> Any:
        ws = network()

        def gradients(x: Any, y: Any) -> Any:
            with tf.GradientTape() as tape:
                hidden = tf.nn.relu(x @ ws[0] + ws[1])
                loss = tf.reduce_mean(tf.square(hidden @ ws[2] + ws[3] - y))
            return loss, tape.gradient(loss, ws)

        return gradients, ws, keras.optimizers.get(name)

    (plain, one, first), (traced, other, second) = made(), made()
    traced = tf.function(traced)
    for _ in range(8):
        expected, slopes = plain(x, y)
        first.apply_gradients(zip(slopes, one, strict=True))
        actual, slopes = traced(x, y)
        second.apply_gradients(zip(slopes, other, strict=True))
        assert actual.dtype == expected.dtype
        np.testing.assert_allclose(actual.numpy(), expected.numpy(), rtol=1e-4)
    assert traced.traces == 1
    update = tf.function(lambda g: second.apply_gradients(zip(g, other, strict=True)))
    for _ in range(3):
        first.apply_gradients(zip(slopes, one, strict=True))
        update(slopes)
    assert second.iterations == first.iterations == 11
    for v, w in zip(one, other, strict=True):
        np.testing.assert_allclose(w.numpy(), v.numpy(), rtol=1e-3)


def test_options_of_tensorflow():
    spec = [tf.TensorSpec([None], tf.float32)]

    @tf.function(input_signature=spec, jit_compile=True, experimental_relax_shapes=True)
    def f(x: Any) -> Any:
        if tf.reduce_sum(x) > 0:
            return x * 2
        return -x

    assert f(tf.constant([1.0, 2.0])).numpy().tolist() == [2, 4]
    assert f(tf.constant([-1.0, -2.0])).numpy().tolist() == [1, 2]
    with pytest.raises(TypeError, match="nonsense"):
        tf.function(nonsense=True)


def test_loops_and_gradients():
    @tf.function
    def power(x: Any, n: Any) -> Any:
        y = tf.ones_like(x)
        for _ in tf.range(n):
            y = y * x
        return y

    x = tf.Variable(3.0)
    for n in (2, 3, 2):
        with tf.GradientTape() as tape:
            y = power(x, tf.constant(n))
        assert y.numpy() == 3.0**n
        assert tape.gradient(y, x).numpy() == n * 3.0 ** (n - 1)


def test_the_functions_of_tensorflow():
    @tf.function
    def f(x: Any, i: Any) -> Any:
        a = tf.nn.softmax(tf.linalg.matmul(x, x, transpose_b=True))
        b = tf.gather(a, i, axis=0)
        c = tf.one_hot(i, 4, dtype=a.dtype)
        d = tf.where(b > 0.1, b, tf.zeros_like(b))
        e = tf.tensor_scatter_nd_add(tf.reduce_sum(a, 1), i[:, None], tf.ones([2], a.dtype))
        return tf.concat([tf.cast(d, tf.float64), tf.cast(c, tf.float64)], 1), e, tf.argmax(a, 1)

    for seed in (1, 2):
        x = tf.random.stateless_normal([4, 3], seed=[seed, 0])
        i = tf.constant([seed, 0])
        for actual, expected in zip(f(x, i), f.f(x, i), strict=True):
            assert actual.dtype == expected.dtype
            np.testing.assert_allclose(actual.numpy(), expected.numpy(), rtol=1e-6)
    assert f.traces == 1
