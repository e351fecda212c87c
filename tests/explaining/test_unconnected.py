"""Gradients of None and of zeros: each reason with its program and its line."""

import numpy as np
import pytest

import gradtape as gt
import gradtape.tf as tf
from gradtape.explaining import REASONS
from tests.explaining.programs import explained, marked_line

pytestmark = pytest.mark.filterwarnings("ignore:The dtype of the source tensor")


def stopped():
    x = gt.Variable(3.0)
    with gt.GradientTape(trace=True) as tape:
        h = gt.stop_gradient(x * 2)  # <--
        y = h * 3
    tape.gradient(y, x)
    return tape.explain()


def stopped_in_tf():
    x = tf.Variable(3.0)
    with tf.GradientTape(trace=True) as tape:
        y = tf.stop_gradient(x * x) * 3.0  # <--
    tape.gradient(y, x)
    return tape.explain()


def made_bare():
    x = gt.Variable(3.0)
    with gt.GradientTape(trace=True) as tape:
        h = (x * 2).numpy()  # <--
        y = gt.constant(np.sin(h)) * 3
    tape.gradient(y, x)
    return tape.explain()


def made_a_number():
    x, other = gt.Variable(3.0), gt.Variable(1.0)
    with gt.GradientTape(trace=True) as tape:
        n = x.item()  # <--
        y = other * n
    tape.gradient(y, x)
    return tape.explain()


def made_an_array():
    x, w = gt.constant([1.0, 2.0]), gt.Variable(1.0)
    with gt.GradientTape(trace=True) as tape:
        h = x * 2
        bare = np.asarray(x)
        tape.watch(x)
        y = np.sum(bare * w)
    del h
    tape.gradient(y, x)
    return tape.explain()


def assigned():
    w, x = gt.Variable(2.0), gt.Variable(1.0)
    with gt.GradientTape(trace=True) as tape:
        x.assign(w * 2)  # <--
        y = x * x
    tape.gradient(y, w)
    return tape.explain()


def assigned_in_tf():
    w, x = tf.Variable(2.0), tf.Variable(1.0)
    with tf.GradientTape(trace=True) as tape:
        x.assign(w * 2.0)  # <--
        y = x * x
    tape.gradient(y, w)
    return tape.explain()


def rebound_to_a_tensor():
    x = gt.Variable(2.0)
    for _ in range(2):
        with gt.GradientTape(trace=True) as tape:
            y = x + 1
        tape.gradient(y, x)
        x = x + 1  # <--
    with gt.GradientTape(trace=True) as tape:
        y = x + 1
    tape.gradient(y, x)
    return tape.explain()


def rebound_to_another_variable():
    x = gt.Variable(2.0)
    with gt.GradientTape(trace=True) as tape:
        y = x * x
    x = gt.Variable(5.0)  # <--
    tape.gradient(y, x)
    return tape.explain()


def unwatched_constant():
    x = gt.constant(3.0)
    with gt.GradientTape(trace=True) as tape:
        y = x * x  # <--
    tape.gradient(y, x)
    return tape.explain()


def unwatched_by_request():
    x = gt.Variable(3.0)
    with gt.GradientTape(watch_accessed_variables=False, trace=True) as tape:
        y = x * x  # <--
    tape.gradient(y, x)
    return tape.explain()


def not_trainable():
    x = gt.Variable(3.0, trainable=False)
    with gt.GradientTape(trace=True) as tape:
        y = x * x  # <--
    tape.gradient(y, x)
    return tape.explain()


def watched_too_late():
    x = gt.constant(3.0)
    with gt.GradientTape(trace=True) as tape:
        h = x * x  # <--
        tape.watch(x)
        y = h * 2
    tape.gradient(y, x)
    return tape.explain()


def whole_numbers():
    x = gt.Variable(3)
    with gt.GradientTape(trace=True) as tape:
        y = x * 2.5  # <--
    tape.gradient(y, x)
    return tape.explain()


def floor():
    x, w = gt.Variable(3.5), gt.Variable(1.0)
    with gt.GradientTape(trace=True) as tape:
        n = np.floor(x)  # <--
        y = w * n
    tape.gradient(y, x)
    return tape.explain()


def position():
    x, w = gt.Variable([3.5, 4.0]), gt.Variable(1.0)
    with gt.GradientTape(trace=True) as tape:
        n = np.argmax(x)  # <--
        y = w * n
    tape.gradient(y, x)
    return tape.explain()


def comparison():
    x, w = gt.Variable([3.5, 4.0]), gt.Variable(1.0)
    with gt.GradientTape(trace=True) as tape:
        y = np.sum(w * (x > 3.7))  # <--
    tape.gradient(y, x)
    return tape.explain()


def truncated():
    x, w = gt.Variable([3.5, 4.0]), gt.Variable(1.0)
    with gt.GradientTape(trace=True) as tape:
        n = x.astype(int)
        y = np.sum(w * n)  # <--
    tape.gradient(y, x)
    return tape.explain()


def another_tape():
    x = gt.Variable(3.0)
    with gt.GradientTape():
        y = x * x
    with gt.GradientTape(trace=True) as tape:
        np.exp(x)
    tape.gradient(y, x)
    return tape.explain()


def before_the_tape():
    x, w = gt.Variable(3.0), gt.Variable(1.0)
    h = x * x  # <--
    with gt.GradientTape(trace=True) as tape:
        y = h * w
    tape.gradient(y, x)
    return tape.explain()


def paused():
    x, w = gt.Variable(3.0), gt.Variable(1.0)
    with gt.GradientTape(trace=True) as tape:
        with tape.stop_recording():
            h = x * x  # <--
        y = h * w
    tape.gradient(y, x)
    return tape.explain()


def unused():
    x, w = gt.Variable(3.0), gt.Variable(1.0)
    with gt.GradientTape(trace=True) as tape:
        z = x * 2  # <--
        y = w * 3
    del z
    tape.gradient(y, x)
    return tape.explain()


def logged():
    x, w = gt.Variable(3.0), gt.Variable(1.0)
    with gt.GradientTape(trace=True) as tape:
        z = x * 2  # <--
        f"{z.item()}, {x.numpy()}"
        y = w * 3.0 + 7
    tape.gradient(y, x)
    return tape.explain()


def bound_to_something_else():
    x, w = gt.Variable(3.0), gt.Variable(1.0)
    with gt.GradientTape(trace=True) as tape:
        w = w * 2  # <--
        y = x * x
        np.exp(w)
    tape.gradient(y, w)
    return tape.explain()


CASES = [
    ("not used", logged),
    ("stop_gradient", stopped),
    ("stop_gradient", stopped_in_tf),
    ("conversion", made_bare),
    ("conversion", made_a_number),
    ("reassigned variable", assigned),
    ("reassigned variable", assigned_in_tf),
    ("reassigned variable", rebound_to_a_tensor),
    ("reassigned variable", rebound_to_another_variable),
    ("not watched", unwatched_constant),
    ("not watched", unwatched_by_request),
    ("not watched", not_trainable),
    ("watched too late", watched_too_late),
    ("integer", whole_numbers),
    ("integer", floor),
    ("integer", position),
    ("integer", comparison),
    ("integer", truncated),
    ("before the tape", before_the_tape),
    ("stop_recording", paused),
    ("not used", unused),
]


@pytest.mark.parametrize(("reason", "program"), CASES)
def test_why_a_gradient_is_none(reason, program):
    found = program()
    assert found.cause == reason
    assert found.line.line == marked_line(program)
    assert found.line.text in str(found)
    assert "is None" in str(found)


def test_a_different_tape_has_no_line():
    found = another_tape()
    assert found.cause == "different tape"
    assert found.line is None


def test_a_bare_array_of_an_unwatched_tensor():
    assert made_an_array().cause == "conversion"


def test_a_target_from_before_or_after_the_tape():
    x = gt.Variable(3.0)
    y = x * x
    with gt.GradientTape(trace=True) as tape:
        np.exp(x)
    tape.gradient(y, x)
    assert tape.explain().cause == "before the tape"


def test_only_the_sources_without_a_gradient_are_explained():
    x, w = gt.Variable(3.0), gt.Variable(1.0)
    with gt.GradientTape(trace=True) as tape:
        y = x * x
    tape.gradient(y, [x, w])
    found = tape.explain()
    assert [one.sources for one in found.findings] == [("w",)]


# Functions ----------------------------------------------------------------------------------------


def relu(x):
    return np.sum(np.maximum(x, 0))  # <--


def clipped(x):
    return np.clip(x, 0, 1)  # <--


def other_entries(x):
    y = x * 2
    return y[:0].sum() + np.sum(np.where(x > 100, y, 1.0))  # <--


def saturated(x):
    return np.tanh(x)  # <--


def logistic(x):
    return scipy_expit(x)  # <--


def signs(x):
    return np.sign(x)  # <--


def vanished(x):
    return np.exp(x)  # <--


def tiny_product(x):
    return x**3 * 1e-300  # <--


def no_weight(x):
    return x * 0.0  # <--


def bottom(x):
    return x**2  # <--


def difference(x):
    return x - x  # <--


def overflowed(x):
    e = np.exp(x)  # <--
    return np.arctan(e)


def scipy_expit(x):
    return 1 / (1 + np.exp(-x))


def rounded(x):
    return np.round(x) * 2  # <--


def left_the_tensor(x):
    return np.sum(x.numpy()) * 2  # <--


ZEROS = [
    ("flat piece", relu, np.array([-1.0, -2.0])),
    ("flat piece", clipped, 2.0),
    ("flat piece", other_entries, np.ones(3)),
    ("saturated", saturated, 1000.0),
    ("zero by nature", signs, 2.0),
    ("underflow", vanished, -1000.0),
    ("underflow", tiny_product, 1e-100),
    ("multiplied by zero", no_weight, 2.0),
    ("stationary point", bottom, 0.0),
    ("cancels", difference, 2.0),
    ("overflow", overflowed, 1000.0),
    ("integer", rounded, 2.2),
    ("conversion", left_the_tensor, np.ones(2)),
]


@pytest.mark.parametrize(("reason", "f", "x"), ZEROS)
def test_why_a_gradient_is_zero(reason, f, x):
    found = explained(f, x)
    assert found.cause == reason
    assert found.line.line == marked_line(f)


def test_a_saturated_sigmoid():
    assert explained(scipy_expit, 1000.0).cause in ("underflow", "saturated")


def test_relu_of_tf():
    x = tf.Variable([-1.0, -2.0])
    with tf.GradientTape(trace=True) as tape:
        y = tf.nn.relu(x)
    tape.gradient(y, x)
    assert tape.explain().cause == "flat piece"


def test_every_reason_is_tested():
    tested = {reason for reason, _ in CASES} | {reason for reason, *_ in ZEROS}
    assert set(REASONS) <= tested | {"different tape"}


def test_a_name_that_was_bound_to_something_else():
    found = bound_to_something_else()
    assert found.cause == "not used"
