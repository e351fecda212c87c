"""Arguments of ``gradtape.tf``'s functions that a tape tracks: a right gradient, or an error."""

import subprocess
import sys

import numpy as np
import pytest

import gradtape.tf as tf


def test_leaky_relu_has_a_gradient_by_its_slope():
    x, alpha = tf.constant([-3.0, -0.5, 0.0, 2.0]), tf.Variable(0.3)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.nn.leaky_relu(x, alpha)
    by_x, by_alpha = tape.gradient(y, [x, alpha])
    assert by_alpha.numpy() == -3.5
    np.testing.assert_array_equal(by_x.numpy(), np.float32([0.3, 0.3, 0.3, 1.0]))


def test_the_slopes_of_leaky_relu_mix():
    x, alpha = tf.constant([-3.0, 2.0]), tf.Variable(0.3)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            y = tf.nn.leaky_relu(x, alpha)
        slope = inner.gradient(y, alpha)
    assert outer.gradient(slope, x).numpy().tolist() == [1.0, 0.0]


def test_polygamma_by_its_order_raises_whatever_was_called_before():
    code = (
        "import gradtape.tf as tf\n"
        "a = tf.Variable(2.0)\n"
        "try:\n"
        "    with tf.GradientTape():\n"
        "        tf.math.polygamma(a, 1.5)\n"
        "except Exception as error:\n"
        "    print(type(error).__name__, error)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.startswith("NoRuleError")
    assert "no derivative by the order" in run.stdout


def test_labels_that_do_not_add_up_to_one():
    x = tf.constant([[1.0, 2.0, -1.0]], tf.float64)
    labels = np.array([[0.5, 2.0, 1.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.nn.softmax_cross_entropy_with_logits(labels, x)
    share = np.exp(x.numpy()) / np.exp(x.numpy()).sum()
    np.testing.assert_allclose(tape.gradient(y, x).numpy(), 3.5 * share - labels, rtol=1e-12)


@pytest.mark.parametrize("labels", [[[0, 1, 0]], tf.constant([[0, 1, 0]]), np.eye(3)[1:2]])
def test_labels_of_any_dtype_become_that_of_the_logits(labels):
    x = tf.constant([[1.0, 2.0, -1.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.nn.softmax_cross_entropy_with_logits(labels, x)
    share = np.exp([1.0, 2.0, -1.0]) / np.exp([1.0, 2.0, -1.0]).sum()
    assert y.dtype == tf.float32
    np.testing.assert_allclose(tape.gradient(y, x).numpy()[0], share - [0, 1, 0], rtol=1e-6)


def test_the_norm_that_rows_of_a_table_are_clipped_to():
    table, bound = tf.Variable([[3.0, 4.0], [0.3, 0.4]]), tf.Variable(1.0)
    with tf.GradientTape() as tape:
        y = tf.nn.embedding_lookup(table, [0, 1], max_norm=bound)
    np.testing.assert_allclose(tape.gradient(y, bound).numpy(), 0.6 + 0.8, rtol=1e-6)


def test_statistics_of_a_wider_dtype_get_their_gradients():
    x = tf.constant([1.0, 3.0], tf.float16)
    mean, variance = tf.Variable(2.0), tf.Variable(1.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.nn.batch_normalization(x, mean, variance, None, None, 0.0)
    by_x, by_mean, by_variance = tape.gradient(y, [x, mean, variance])
    assert [g.dtype for g in (by_x, by_mean, by_variance)] == [tf.float16, tf.float32, tf.float32]
    assert (by_x.numpy().tolist(), by_mean.numpy(), by_variance.numpy()) == ([1.0, 1.0], -2.0, 0.0)


def test_a_range_of_tensors_is_as_long_as_of_numbers():
    for ends in [(0.0, 1.0, 0.1), (0.3, 7.0, 0.7), (-1.0, 3.0, 0.01), (5.0, 0.0, -1.5)]:
        plain = tf.range(*ends).numpy()
        tracked = [tf.Variable(end) for end in ends]
        with tf.GradientTape() as tape:
            y = tf.range(*tracked)
        assert y.numpy().tolist() == plain.tolist()
        by_start, by_limit, by_delta = tape.gradient(y, tracked)
        assert by_limit is None
        assert by_start.numpy() == len(plain)
        assert by_delta.numpy() == sum(range(len(plain)))


def test_values_beside_a_tensor_may_be_numbers():
    on = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        y = tf.one_hot([0, 1], 3, on_value=on) + tf.one_hot([1, 1], 3, off_value=1.0)
    assert tape.gradient(y, on).numpy() == 2.0


def test_a_value_that_fills_up_is_seen_through_recompute_grad():
    fill = tf.Variable(2.0)
    x = tf.constant([1.0, 2.0])
    for f in (
        lambda x: tf.pad(x, [[1, 2]], constant_values=fill),
        lambda x: tf.one_hot([0, 1], 3, on_value=fill, dtype=tf.float32) + x[0],
        lambda x: tf.linalg.diag(x, padding_value=fill),
        lambda x: tf.signal.frame(x, 2, 2, pad_end=True, pad_value=fill) + fill,
    ):
        gradients = []
        for g in (f, tf.recompute_grad(f)):
            with tf.GradientTape() as tape:
                y = tf.reduce_sum(g(x) ** 2)
            gradients.append(tape.gradient(y, fill).numpy())
        assert gradients[0] == gradients[1] != 0
