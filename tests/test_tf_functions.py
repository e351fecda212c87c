"""Every function of ``gradtape.tf``: values and derivatives of first and second order."""

import numpy as np
import pytest

import gradtape.tf as tf
from tests import (  # noqa: F401
    tf_argument_cases,
    tf_array_cases,
    tf_linalg_cases,
    tf_math_cases,
    tf_nn_cases,
)
from tests.tf_cases import ALONE, CASES, FACTS

STEP = 1e-6


def gradients(call, values, seed=None):
    """The value at float64 tensors, and the gradient of its weighted sum by each."""
    xs = [tf.constant(np.array(value, np.float64)) for value in values]
    with tf.GradientTape() as tape:
        tape.watch(xs)
        y = call(tf, *xs)
    weights = np.cos(np.arange(1.0, 1.0 + np.size(y.numpy()))).reshape(y.shape)
    answers = tape.gradient(y, xs, tf.constant(weights), unconnected_gradients="zero")
    return y.numpy(), weights, [g.numpy() for g in answers]


def central(function, values, i):
    """Central differences of a scalar function by the entries of one argument."""
    value = np.array(values[i], np.float64)
    slopes = np.zeros(value.shape)
    for k in np.ndindex(value.shape):
        ends = []
        for sign in (1, -1):
            moved = value.copy()
            moved[k] += sign * STEP
            ends.append(function([*values[:i], moved, *values[i + 1 :]]))
        slopes[k] = (ends[0] - ends[1]) / (2 * STEP)
    return slopes


def loss_of(call, weights):
    def loss(values):
        xs = [tf.constant(np.array(value, np.float64)) for value in values]
        return np.sum(weights * call(tf, *xs).numpy())

    return loss


@pytest.mark.parametrize("name", CASES)
def test_gradient_agrees_with_central_differences(name):
    call, values = CASES[name]
    _, weights, answers = gradients(call, values)
    for i, answer in enumerate(answers):
        expected = central(loss_of(call, weights), values, i)
        np.testing.assert_allclose(answer, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", CASES)
def test_second_derivative_agrees_with_central_differences(name):
    call, values = CASES[name]

    def slope(values, tape_of=None):
        """The sum of the gradients, weighted; with what it was computed from."""
        xs = [tf.constant(np.array(value, np.float64)) for value in values]
        with tf.GradientTape() as outer:
            outer.watch(xs)
            with tf.GradientTape() as inner:
                inner.watch(xs)
                y = call(tf, *xs)
                loss = tf.reduce_sum(tf.cast(y, tf.float64) ** 2)
            firsts = inner.gradient(loss, xs, unconnected_gradients="zero")
            total = tf.add_n(
                [
                    tf.reduce_sum(g * np.sin(np.arange(1.0, 1.0 + g.numpy().size)).reshape(g.shape))
                    for g in firsts
                ]
            )
        return outer, total, xs

    outer, total, xs = slope(values)
    answers = outer.gradient(total, xs, unconnected_gradients="zero")
    for i, answer in enumerate(answers):
        expected = central(lambda moved: float(slope(moved)[1]), values, i)
        scale = max(1.0, np.abs(expected).max())
        np.testing.assert_allclose(answer.numpy() / scale, expected / scale, atol=2e-6)


@pytest.mark.parametrize("name", CASES)
def test_forward_and_reverse_agree(name):
    call, values = CASES[name]
    _, weights, answers = gradients(call, values)
    xs = [tf.constant(np.array(value, np.float64)) for value in values]
    directions = [np.sin(np.arange(1.0, 1.0 + x.numpy().size)).reshape(x.shape) for x in xs]
    with tf.autodiff.ForwardAccumulator(xs, [tf.constant(d) for d in directions]) as acc:
        y = call(tf, *xs)
    pushed = np.sum(weights * acc.jvp(y, unconnected_gradients="zero").numpy())
    pulled = sum(np.sum(d * g) for d, g in zip(directions, answers, strict=True))
    np.testing.assert_allclose(pushed, pulled, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_jacobian_and_gradient_agree(name):
    call, values = CASES[name]
    _, weights, answers = gradients(call, values)
    xs = [tf.constant(np.array(value, np.float64)) for value in values]
    with tf.GradientTape() as tape:
        tape.watch(xs)
        y = call(tf, *xs)
    jacobians = tape.jacobian(y, xs, unconnected_gradients="zero")
    for jacobian, answer in zip(jacobians, answers, strict=True):
        summed = np.tensordot(weights, jacobian.numpy(), weights.ndim)
        np.testing.assert_allclose(summed, answer, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_float32_stays_float32_and_close(name):
    call, values = CASES[name]
    if name == "cast":
        return
    wide, _, _ = gradients(call, values)
    y = call(tf, *[tf.constant(value) for value in values])
    assert y.dtype == tf.float32
    np.testing.assert_allclose(y.numpy(), wide, rtol=5e-6, atol=5e-6)


@pytest.mark.parametrize("name", FACTS)
def test_value_without_derivative(name):
    call, expected = FACTS[name]
    answer = call(tf)
    assert isinstance(answer, tf.Tensor)
    assert answer.numpy().tolist() == expected


def test_every_function_has_a_case():
    tried = {name.split()[0].rpartition(".")[2] for name in (*CASES, *FACTS)}
    tried |= {"truediv", "mod", "swish", "special"}  # other names
    elsewhere = {  # tested for what they do in other files
        *("sigmoid_cross_entropy_with_logits", "softmax_cross_entropy_with_logits"),
        *("sparse_softmax_cross_entropy_with_logits", "moments", "eye", "matrix_rank"),
        *("hamming_window", "kaiser_window", "kaiser_bessel_derived_window", "vorbis_window"),
        *("inverse_stft_window_fn", "irfft3d", "rfft3d"),
    }
    for module in (tf.math, tf.math.special, tf.nn, tf.linalg, tf.signal):
        assert set(module.__all__) - tried - elsewhere == set(), module.__name__


def test_moments():
    mean, variance = tf.nn.moments([[1.0, 2.0], [3.0, 6.0]], axes=[0])
    assert mean.numpy().tolist() == [2.0, 4.0]
    assert variance.numpy().tolist() == [1.0, 4.0]


@pytest.mark.parametrize("name", ["softplus", "sigmoid", "log_sigmoid", "tanh", "erf"])
def test_far_out_values_are_finite(name):
    x = tf.constant([-1e4, 1e4])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = getattr(tf.math, name)(x)
    assert np.isfinite(y.numpy()).all()
    assert np.isfinite(tape.gradient(y, x).numpy()).all()


@pytest.mark.peers
@pytest.mark.parametrize("name", [*CASES, *FACTS])
def test_value_and_gradient_agree_with_tensorflow(name):
    theirs = pytest.importorskip("tensorflow")
    if name in FACTS:
        assert FACTS[name][0](theirs).numpy().tolist() == FACTS[name][1]
        return
    call, values = CASES[name]
    answers = []
    for module in (tf, theirs):
        xs = [module.constant(value) for value in values]
        with module.GradientTape() as tape:
            tape.watch(xs)
            y = call(module, *xs)
        answers.append([y] if name in ALONE else [y, *tape.gradient(y, xs)])
    for ours, other in zip(*answers, strict=True):
        if ours is None or other is None:
            assert ours is other
            continue
        other = theirs.convert_to_tensor(other).numpy()
        np.testing.assert_allclose(ours.numpy(), other, rtol=5e-6, atol=2e-6)
