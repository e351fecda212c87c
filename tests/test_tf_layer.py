"""What ``gradtape.tf`` adds on its own: clear errors, laziness, NumPy beside it, keras."""

import subprocess
import sys
import warnings
from dataclasses import dataclass

import numpy as np
import pytest

import gradtape as gt
import gradtape.tf as tf
from gradtape.tf import keras


def run_in_a_fresh_process(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


# ---- names ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "name", "nearest"),
    [
        (tf, "reduce_summ", "reduce_sum"),
        (tf, "Variabel", "Variable"),
        (keras, "loses", "losses"),
        (tf.nn, "rellu", "relu"),
        (tf.dtypes, "flaot32", "float32"),
    ],
)
def test_an_unknown_name_names_the_nearest(module, name, nearest):
    with pytest.raises(AttributeError, match=f"no attribute '{name}'; the nearest is '{nearest}'"):
        getattr(module, name)


@pytest.mark.parametrize("module", [tf, tf.math, tf.nn, tf.linalg, tf.random, tf.dtypes, tf.errors])
def test_every_public_name_is_there(module):
    assert [name for name in module.__all__ if not hasattr(module, name)] == []
    assert len(set(module.__all__)) == len(module.__all__)


@pytest.mark.parametrize("module", [tf, tf.math, tf.nn, tf.linalg, tf.random])
def test_every_public_function_is_documented(module):
    for name in module.__all__:
        value = getattr(module, name)
        assert not callable(value) or value.__doc__, name


def test_importing_does_not_load_keras_nor_numpys_random():
    code = (
        "import sys, gradtape.tf as tf\n"
        "print([m for m in sys.modules if 'keras' in m or m == 'difflib'])"
    )
    assert run_in_a_fresh_process(code) == "[]"


def test_keras_is_an_attribute_too():
    code = "import gradtape.tf as tf; print(tf.keras.optimizers.Adam.__name__)"
    assert run_in_a_fresh_process(code) == "Adam"


# ---- errors ---------------------------------------------------------------------------------


def test_watching_before_the_block_is_a_clear_error():
    with pytest.raises(RuntimeError, match="inside its with block"):
        tf.GradientTape().watch(tf.constant(1.0))


def test_more_output_gradients_than_targets():
    v = tf.Variable([1.0, 2.0])
    with tf.GradientTape() as tape:
        y = v * v
    with pytest.raises(ValueError, match="2 tensors for 1 targets"):
        tape.gradient(y, v, output_gradients=[1.0, 10.0])


def test_a_number_as_source_is_named():
    v = tf.Variable(1.0)
    with tf.GradientTape() as tape:
        y = v * v
    with pytest.raises(TypeError, match="float"):
        tape.gradient(y, [v, 2.0])


def test_one_of_x_and_y_alone():
    with pytest.raises(ValueError, match="both be non-None or both be None"):
        tf.where([True], 1.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tf.transpose(tf.ones([2, 3]), [0, 0]), "no permutation"),
        (lambda: tf.expand_dims(1.0, 3), "Tried to expand dim index 3"),
        (lambda: tf.squeeze(tf.ones([2]), 0), r"Can not squeeze dim\[0\]"),
        (lambda: tf.split(tf.ones([5]), 2), "should evenly divide"),
        (lambda: tf.split(tf.ones([5]), [1, 2]), "must sum to 5"),
        (lambda: tf.tile(tf.ones([2]), [1, 2]), "vector of length 1"),
        (lambda: tf.unstack(tf.ones([2]), num=3), "must equal 3"),
        (lambda: tf.concat([1.0, 2.0], 0), "Can't concatenate scalars"),
        (lambda: tf.broadcast_to(tf.ones([2]), [3]), "Incompatible shapes"),
        (lambda: tf.gather_nd(tf.ones([2]), [[5]]), "within the shape"),
        (lambda: tf.math.top_k([1.0], k=2), "at least k=2"),
        (lambda: tf.nn.elu([1]), "Value for attr 'T' of int32"),
        (lambda: tf.constant([1.0, 2.0])[0, 0], "too many indices"),
        (lambda: tf.constant([1.0]) & 1.0, "LogicalAnd"),
    ],
)
def test_invalid_arguments(call, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        call()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: tf.boolean_mask([1.0, 2.0], [True]), ValueError, "are incompatible"),
        (lambda: tf.random.uniform([2], dtype=tf.int32), ValueError, "maxval"),
        (lambda: tf.random.normal([2], dtype=tf.int32), TypeError, "must be floating"),
        (lambda: tf.constant([1.0, 2.0], shape=[3]), TypeError, "has 2 elements"),
        (lambda: tf.constant("text"), TypeError, "no string tensors"),
        (lambda: tf.zeros([1.5]), TypeError, "must hold integers"),
        (lambda: tf.stack([]), ValueError, "is empty"),
        (lambda: tf.sort([1.0], direction="down"), ValueError, "ASCENDING or DESCENDING"),
        (lambda: tf.norm(tf.ones([2, 2]), ord=3, axis=[0, 1]), ValueError, "matrix norm"),
        (lambda: tf.TensorShape([None, 2]), ValueError, "every length must be known"),
        (lambda: tf.as_dtype("string"), TypeError, "to a TensorFlow DType"),
        (lambda: tf.pad([1.0], [[1, 1]], mode="WRAP"), ValueError, "CONSTANT, REFLECT"),
    ],
)
def test_errors_of_functions(call, error, message):
    with pytest.raises(error, match=message):
        call()


# ---- what goes beyond TensorFlow ------------------------------------------------------------


@dataclass
class Layer:
    w: object
    b: object


def test_a_dataclass_is_a_nest():
    layer = Layer(tf.Variable(2.0), tf.Variable(3.0))
    with tf.GradientTape() as tape:
        y = layer.w * layer.w + layer.b
    answer = tape.gradient(y, layer)
    assert isinstance(answer, Layer)
    assert (answer.w.numpy(), answer.b.numpy()) == (4.0, 1.0)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.sum(np.exp(x)),
        lambda x: np.sqrt(x).sum() * 2,
        lambda x: np.var(x) / x,
        lambda x: np.take(x, [0, 0]) * np.ones(2),
        lambda x: np.concatenate([x, x])[::2],
        lambda x: np.std(x),
    ],
    ids=["exp", "method", "var", "take", "concatenate", "std"],
)
@pytest.mark.parametrize("kind", [tf.constant, tf.Variable])
def test_numpys_functions_carry_gradients(call, kind):
    values = np.array([1.0, 2.5], np.float32)
    x = kind(values)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = call(x)
    g = tape.gradient(y, x)
    plain = gt.constant(values.astype(np.float64))
    with gt.GradientTape() as reference:
        reference.watch(plain)
        z = call(plain)
    assert isinstance(y, tf.Tensor)
    np.testing.assert_allclose(g.numpy(), reference.gradient(z, plain).numpy(), rtol=1e-6)


def test_numpys_dtypes_take_ours():
    assert np.zeros(2, tf.float32).dtype == np.float32


def test_masks_are_off_here_and_on_in_gradtape():
    def softplus(where, log, exp, z):
        return where(z > 30.0, z, log(exp(z) + 1.0))

    x, y = tf.Variable([1000.0]), gt.Variable(np.float32([1000.0]))
    with tf.GradientTape() as here, gt.GradientTape() as there:
        a = softplus(tf.where, tf.math.log, tf.exp, x)
        with np.errstate(over="ignore"):
            b = softplus(np.where, np.log, np.exp, y)
    assert np.isnan(here.gradient(a, x).numpy()).all()
    assert there.gradient(b, y).numpy().tolist() == [1.0]


def test_overflow_is_silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x = tf.constant(1e38)
        values = (x * 1e10, tf.exp(x), x**3, tf.reduce_sum([1e38] * 10), 1.0 / tf.constant(0.0))
    assert all(np.isinf(value.numpy()) for value in values)


# ---- random ---------------------------------------------------------------------------------


@pytest.mark.parametrize("draw", ["normal", "uniform", "truncated_normal"])
def test_a_seed_repeats_the_numbers(draw):
    tf.random.set_seed(7)
    first = getattr(tf.random, draw)([5])
    second = getattr(tf.random, draw)([5])
    tf.random.set_seed(7)
    assert first.numpy().tolist() == getattr(tf.random, draw)([5]).numpy().tolist()
    assert first.numpy().tolist() != second.numpy().tolist()


def test_moments_of_random_numbers():
    x = tf.random.normal([20000], mean=3.0, stddev=2.0, seed=1).numpy()
    u = tf.random.uniform([20000], -1.0, 1.0, seed=1).numpy()
    assert abs(x.mean() - 3.0) < 0.05
    assert abs(x.std() - 2.0) < 0.05
    assert abs(u.mean()) < 0.02
    assert -1.0 <= u.min() < u.max() < 1.0


def test_gradients_reach_the_parameters_of_a_distribution():
    mean, deviation = tf.Variable(1.0), tf.Variable(2.0)
    with tf.GradientTape() as tape:
        x = tf.random.normal([3], mean, deviation, seed=5)
    slopes = tape.gradient(x, [mean, deviation])
    draws = tf.random.normal([3], seed=5).numpy()
    assert slopes[0].numpy() == 3.0
    np.testing.assert_allclose(slopes[1].numpy(), draws.sum(), rtol=1e-6)


# ---- variables ------------------------------------------------------------------------------


def test_the_answer_of_assign_is_the_variable():
    v = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        again = v.assign(3.0)
        y = again * again
    again.assign_add(1.0)
    assert v.numpy() == 4.0
    assert tape.gradient(y, v).numpy() == 6.0


def test_a_function_gives_the_initial_value():
    assert tf.Variable(lambda: tf.ones([2])).numpy().tolist() == [1.0, 1.0]


# ---- tf.function and tf.print ---------------------------------------------------------------


@pytest.mark.parametrize("decorate", [tf.function, tf.function(jit_compile=True), tf.function()])
def test_function_calls_through(decorate):
    @decorate
    def double(x):
        return 2 * x

    assert double(tf.constant(3.0)).numpy() == 6.0
    assert double.__name__ == "double"


def test_print_writes_to_stderr(capsys):
    tf.print("loss", tf.constant(1.5))
    assert capsys.readouterr() == ("", "loss 1.5\n")


# ---- keras ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["layers", "models", "Sequential", "Model"])
def test_what_keras_does_not_have_shows_the_loop(name):
    with pytest.raises(AttributeError, match=r"(?s)write the loop by hand.*apply_gradients"):
        getattr(keras, name)


@pytest.mark.parametrize("name", ["sgd", "adam", "nadam"])
def test_a_training_loop(name):
    tf.random.set_seed(3)
    x = tf.random.normal([64, 3])
    true = tf.constant([[1.0], [-2.0], [0.5]])
    y = x @ true + 0.25
    w, b = tf.Variable(tf.zeros([3, 1])), tf.Variable(tf.zeros([1]))
    optimizer = keras.optimizers.get(name)
    optimizer.learning_rate = 0.05
    for _ in range(400):
        with tf.GradientTape() as tape:
            hidden = keras.activations.linear(x @ w + b)
            loss = tf.reduce_mean(keras.losses.mean_squared_error(y, hidden))
        optimizer.apply_gradients(zip(tape.gradient(loss, [w, b]), [w, b], strict=True))
    np.testing.assert_allclose(w.numpy(), true.numpy(), atol=5e-3)
    np.testing.assert_allclose(b.numpy(), [0.25], atol=5e-3)


@pytest.mark.parametrize("module", ["optimizers", "activations"])
def test_get_of_an_unknown_name(module):
    with pytest.raises(ValueError, match="'bogus'"):
        getattr(keras, module).get("bogus")


@pytest.mark.parametrize(
    ("name", "true", "predicted", "expected"),
    [
        ("mean_squared_error", [[0.0, 2.0]], [[1.0, 0.0]], [2.5]),
        ("mean_absolute_error", [[0.0, 2.0]], [[1.0, 0.0]], [1.5]),
        ("huber", [[0.0, 0.0]], [[0.5, 3.0]], [(0.125 + 2.5) / 2]),
        ("binary_crossentropy", [[1.0, 0.0]], [[0.5, 0.5]], [np.log(2)]),
        ("categorical_crossentropy", [[0.0, 1.0]], [[1.0, 3.0]], [-np.log(0.75)]),
        ("sparse_categorical_crossentropy", [1], [[0.25, 0.75]], [-np.log(0.75)]),
    ],
)
def test_losses(name, true, predicted, expected):
    y = getattr(keras.losses, name)(true, predicted)
    np.testing.assert_allclose(y.numpy(), expected, rtol=1e-6)
    kind = {"huber": "Huber"}.get(name, name.title().replace("_", ""))
    mean = getattr(keras.losses, kind)()(true, predicted)
    np.testing.assert_allclose(mean.numpy(), np.mean(expected), rtol=1e-6)


def test_a_vector_beside_a_column_does_not_broadcast_to_a_matrix():
    y = keras.losses.mean_squared_error([1.0, 2.0], [[1.0], [4.0]])
    assert y.numpy() == 2.0


def test_a_loss_without_reduction():
    loss = keras.losses.MeanSquaredError(reduction=None)
    assert loss([[0.0], [0.0]], [[1.0], [2.0]]).numpy().tolist() == [1.0, 4.0]
    with pytest.raises(ValueError, match="reduction"):
        keras.losses.MeanSquaredError(reduction="bogus")
