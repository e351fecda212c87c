"""Each cause: a program that provokes it; the diagnosis names it, the line and the values."""

import numpy as np
import pytest
import scipy.special

import gradtape as gt
import gradtape.tf as tf
from gradtape.explaining import CAUSES
from tests.explaining.programs import explained, marked_line

INF, NAN = np.inf, np.nan


def softplus(z):
    e = np.exp(z)  # <--
    return np.log(e + 1)


def softplus_of_powers(z):
    e = 10.0**z  # <--
    return np.log(e + 1)


def ratio(z):
    top = np.sinh(z)
    bottom = np.cosh(z)  # <--
    return (bottom + 1) / bottom + top * 0


def big_product(x):
    p = np.prod(x)  # <--
    return np.log(p)


def big_power(x):
    p = x**200  # <--
    return np.log(p)


def big_norm(x):
    squares = x**2  # <--
    return np.sqrt(np.sum(squares))


def big_matrix(x):
    y = x @ x  # <--
    return np.sum(y - y)


def big_slope(x):
    return 1 / x  # <--


def big_sum(x):
    return 1e308 * x + 1e308 * x  # <--


def softmax(z):
    e = np.exp(z)  # <--
    return np.sum(e / np.sum(e) * np.arange(3.0))


def log_sigmoid(z):
    e = np.exp(-z)  # <--
    return np.log(1 / (1 + e))


def log_softmax(z):
    e = np.exp(z - np.max(z))  # <--
    p = e / np.sum(e)
    return np.log(p)[0]


def tiny_square(x):
    s = x * x  # <--
    return np.sqrt(s)


def tiny_denominator(x):
    e = np.exp(-x)  # <--
    return 1 / e


def zero_weight(x):
    s = x * np.array([1.0, INF])  # <--
    return np.sum(s)


def weight_of_inf(x, w):
    return np.sum(x * w)  # <--


def inf_over_inf(x):
    y = x + INF
    return y / y  # <--


def masked_softmax(scores):
    z = scores + np.array([-INF, -INF])
    z = z - np.max(z)  # <--
    e = np.exp(z)
    return (e / np.sum(e))[0]


def entropy(p):
    logs = np.log(p)  # <--
    return -np.sum(p * logs)


def log_determinant(a):
    return np.linalg.slogdet(a)[1]  # <--


def log_of_negative(x):
    return np.sqrt(np.log(x))  # <--


def root_of_negative(x):
    r = np.sqrt(x)  # <--
    return r * r


def distance(x, y):
    d = x - y
    return np.sqrt(np.sum(d**2))  # <--


def standard_deviation(x):
    return np.std(x)  # <--


def sinc(x):
    return np.sin(x) / x  # <--


def unit(x):
    n = np.linalg.norm(x)
    return np.sum(x / n)  # <--


def reciprocal_power(x):
    return x**-2.0  # <--


def remainder(x):
    return np.mod(x, 0.0)  # <--


def cube_root(x):
    return np.cbrt(x)  # <--


def fractional_power(x):
    return x**0.3  # <--


def angle(x):
    return np.arcsin(x)  # <--


def angle_too_far(x):
    return np.arccos(x)  # <--


def power_of_negative(x):
    return x**1.5  # <--


def log_gamma(x):
    return scipy.special.gammaln(x)  # <--


def mean_with_gap(x, data):
    return np.mean((x - data) ** 2)  # <--


def of_itself(x):
    return np.sum(np.sin(x))  # <--


def near_one(x):
    y = 1 - np.cos(x)  # <--
    return y / x**2


def small_step(x):
    return np.exp(x) - 1  # <--


def variance(x):
    mean = np.mean(x)
    return np.mean(x**2) - mean**2  # <--


CASES = [
    ("overflow", softplus, (1000.0,), "exp"),
    ("overflow", softplus, (np.array([1.0, 1000.0]),), "exp"),
    ("overflow", softplus, (np.float32(100.0),), "exp"),
    ("overflow", softplus, (np.float16(20.0),), "exp"),
    ("overflow", softplus_of_powers, (400.0,), "exponential"),
    ("overflow", ratio, (1000.0,), "cosh"),
    ("overflow", big_product, (np.full(40, 1e10),), "prod"),
    ("overflow", big_power, (1e10,), "raised"),
    ("overflow", big_norm, (np.full(3, 1e200),), "square"),
    ("overflow", big_matrix, (np.full((2, 2), 1e200),), "matmul"),
    ("overflow", big_slope, (1e-200,), "divide"),
    ("overflow", big_sum, (0.5,), "multiply"),
    ("overflow", softmax, (np.array([1.0, 1000.0, 2.0]),), "exp"),
    ("overflow", log_sigmoid, (-1000.0,), "exp"),
    ("underflow", log_softmax, (np.array([0.0, 1000.0]),), "exp"),
    ("underflow", tiny_square, (1e-200,), "multiply"),
    ("underflow", tiny_denominator, (1000.0,), "exp"),
    ("zero times infinity", weight_of_inf, (np.zeros(2), np.array([1.0, INF])), "multiply"),
    ("inf / inf", inf_over_inf, (1.0,), "divide"),
    ("inf - inf", masked_softmax, (np.ones(2),), "subtract"),
    ("log of zero", entropy, (np.array([0.5, 0.5, 0.0]),), "log"),
    ("log of zero", log_determinant, (np.ones((2, 2)),), "slogdet"),
    ("log of a negative number", log_of_negative, (-1.0,), "log"),
    ("square root of a negative number", root_of_negative, (-1.0,), "sqrt"),
    ("square root at zero", distance, (np.ones(3), np.ones(3)), "sqrt"),
    ("square root at zero", standard_deviation, (np.ones(3),), "sqrt"),
    ("division by zero", sinc, (0.0,), "divide"),
    ("division by zero", unit, (np.zeros(3),), "divide"),
    ("division by zero", reciprocal_power, (0.0,), "raised"),
    ("division by zero", remainder, (1.0,), "remainder"),
    ("infinite slope", cube_root, (0.0,), "cbrt"),
    ("infinite slope", fractional_power, (0.0,), "raised"),
    ("infinite slope", angle, (1.0,), "arcsin"),
    ("outside the domain", angle_too_far, (2.0,), "arccos"),
    ("outside the domain", power_of_negative, (-1.0,), "raised"),
    ("pole", log_gamma, (0.0,), "gammaln"),
    ("invalid input", mean_with_gap, (1.0, np.array([1.0, NAN, 3.0])), "subtract"),
    ("invalid input", of_itself, (np.array([1.0, INF]),), "sin"),
    ("cancellation", near_one, (1e-7,), "subtract"),
    ("cancellation", small_step, (1e-12,), "subtract"),
    ("cancellation", variance, (1e9 + np.arange(5.0),), "subtract"),
]


@pytest.mark.parametrize(("cause", "f", "args", "operation"), CASES)
def test_the_cause_and_the_line_are_named(cause, f, args, operation):
    found = explained(f, *args)
    assert found.cause == cause
    assert found.line.line == marked_line(f)
    assert found.line.function == f.__name__
    assert found.findings[0].operation == operation
    assert f"Cause: {cause}" in str(found)
    assert found.line.text in str(found)


def test_every_cause_is_tested():
    elsewhere = {"dead branch", "unknown"}
    assert {cause for cause, *_ in CASES} | elsewhere == set(CAUSES)


def test_the_bad_entries_and_the_values_at_the_operation_are_told():
    found = explained(softplus, np.array([1.0, 1000.0, 2000.0])).findings[0]
    assert found.sources == ("z[1]", "z[2]")
    assert found.values == (1000.0,)
    assert found.chain == ("log", "add", "exp")
    assert "for z[1] = 1000.0" in str(found)


def test_the_entry_is_found_among_many_axes():
    x = np.ones((4, 5, 6))
    x[2, 3, 4] = 0.0
    found = explained(lambda x: np.sum(np.sqrt(np.transpose(x)[::2, 1:])[..., 2:3]), x)
    assert found.findings[0].sources == ("x[2, 3, 4]",)
    assert found.cause == "square root at zero"


def test_a_broadcast_source_names_the_entry_of_the_result():
    data = np.array([1.0, 1e200, 3.0])
    found = explained(
        lambda w: np.sum(np.log((w * data) ** 2)) * 0.0 + np.sum((w * data) ** 2), 1.0
    )
    assert found.cause == "overflow"
    found = explained(lambda w: np.sum((w * data) ** 2 * 0.0), 1.0)
    assert found.findings[0].values == (1e200,)


def test_two_causes_make_two_findings():
    def f(x, y):
        return np.sqrt(x) + np.log(np.exp(y) + 1)

    found = explained(f, 0.0, 1000.0, argnums=(0, 1))
    assert [one.cause for one in found.findings] == ["square root at zero", "overflow"]
    assert [one.sources for one in found.findings] == [("x",), ("y",)]


def test_names_of_nests():
    def f(params):
        return np.sqrt(params["w"]) * params["b"][1]

    found = explained(f, {"w": 0.0, "b": [1.0, 2.0]})
    assert found.findings[0].sources == ('params["w"]',)


# Where the operation stands -----------------------------------------------------------------------


def test_a_nested_function():
    def inner(u):
        return np.sqrt(u)  # <--

    def outer(x):
        return inner(x * x) + 1

    found = explained(outer, 0.0)
    assert found.line.line == marked_line(inner)
    assert found.line.function.endswith("inner")


def test_a_loop_tells_which_pass():
    def f(x):
        for _ in range(20):
            x = x * x  # <--
        return x

    found = explained(f, 3.0)
    assert found.line.line == marked_line(f)
    assert "pass 10 of 20" in str(found)
    assert len(found.findings[0].chain) == 20
    assert "... 8 more" in str(found)


def test_a_loop_of_two_lines_tells_which_pass():
    def f(x):
        total = 0.0
        for i in range(5):
            y = x - i
            total = total + np.sqrt(y * y)  # <--
        return total

    found = explained(f, 3.0)
    assert found.line.line == marked_line(f)
    assert "pass 4 of 5" in str(found)


def test_writes_in_place():
    def f(x):
        y = np.zeros_like(x)
        for i in range(3):
            y[i] = np.sqrt(x[i])  # <--
        return np.sum(y)

    found = explained(f, np.array([1.0, 0.0, 2.0]))
    assert (found.cause, found.line.line) == ("square root at zero", marked_line(f))
    assert found.findings[0].sources == ("x[1]",)
    assert "pass 2 of 3" in str(found)


def test_a_value_that_was_written_into_an_array():
    def f(x):
        y = np.ones_like(x)
        y[1] = np.exp(x[1])  # <--
        return np.sum(np.log(y + 1))

    found = explained(f, np.array([1.0, 1000.0]))
    assert (found.cause, found.line.line) == ("overflow", marked_line(f))


def test_inside_a_gradient_function():
    def gradient(e, g):
        return g * e / (e + 1)

    @gt.custom_gradient
    def mine(z):
        e = np.exp(z)  # <-- overflows
        return np.logaddexp(z, 0), lambda g: gradient(e, g)

    found = explained(lambda x: mine(x * 2), 500.0)
    assert found.cause == "overflow"
    assert found.line.text == "e = np.exp(z)  # <-- overflows"
    assert "inf / inf" not in CAUSES or "infinity divided by an infinity" in str(found)
    assert found.cure is None  # the user's own formula is what has to change


def test_a_gradient_function_that_gives_nan_for_no_known_reason():
    @gt.custom_gradient
    def mine(z):
        return z * 1, lambda g: g.numpy() * NAN

    found = explained(lambda x: mine(x) + 1, 1.0)
    assert found.cause == "unknown"
    assert found.cure is None
    assert "mine" in str(found)


def test_inside_a_function_that_is_run_again():
    def deep(z):
        e = np.exp(z)  # <--
        return np.log(e + 1)

    found = explained(lambda x: gt.recompute_grad(deep)(x * 1), 1000.0)
    assert (found.cause, found.line.line) == ("overflow", marked_line(deep))


def test_a_decomposition_with_several_outputs():
    def f(a):
        q, r = np.linalg.qr(a)
        return np.sum(q) + np.sum(np.log(np.abs(np.diag(r)) - 1))  # <--

    found = explained(f, np.eye(3))
    assert found.cause == "log of zero"
    assert found.line.line == marked_line(f)
    assert "qr" in found.findings[0].chain


def test_a_batch_of_matrices():
    a = np.stack([np.eye(2), np.zeros((2, 2)) + 1e-320, np.eye(2)])

    def f(a):
        return np.sum(np.sqrt(np.linalg.det(a)))  # <--

    found = explained(f, a)
    assert found.cause == "square root at zero"
    assert found.findings[0].sources[0].startswith("a[1, ")
    assert found.line.line == marked_line(f)


def test_a_weight_that_is_not_finite():
    x = gt.Variable([1.0, 2.0])
    with gt.GradientTape(trace=True) as tape:
        y = x * x
    tape.gradient(y, x, output_gradients=np.array([1.0, NAN]))
    assert tape.explain().cause == "invalid input"
    assert "output_gradients" in str(tape.explain())


def test_a_sum_of_contributions_that_overflows():
    x = gt.Variable(1.0)
    with gt.GradientTape(trace=True) as tape:
        y = [x * 1e308, x * 1e308]
    tape.gradient(y, x)
    found = tape.explain()
    assert found.cause == "overflow"
    assert "sum" in str(found)


# Tapes --------------------------------------------------------------------------------------------


def test_another_gradient_than_the_last_one():
    x, y = gt.Variable(0.0), gt.Variable(2.0)
    with gt.GradientTape(trace=True) as tape:
        z = np.sqrt(x) + y
    assert tape.explain(z, x).cause == "square root at zero"
    assert tape.explain(z, [y]).cause is None
    tape.gradient(z, [y])
    assert tape.explain().cause is None
    assert tape.explain(z, {"x": x}).cause == "square root at zero"  # still: a trace keeps it all


def test_names_of_variables():
    weights = gt.Variable(0.0)
    named = gt.Variable(0.0, name="bias")
    with gt.GradientTape(trace=True) as tape:
        loss = np.sqrt(weights + named)
    tape.gradient(loss, [weights, named])
    assert tape.explain().findings[0].sources == ("weights", "bias")
    assert "The gradient of loss by weights is inf" in str(tape.explain())


def test_what_cannot_be_explained():
    with gt.GradientTape() as tape:
        pass
    with pytest.raises(RuntimeError, match="trace=True"):
        tape.explain()
    with gt.GradientTape(trace=True) as tape:
        pass
    with pytest.raises(RuntimeError, match="no gradient yet"):
        tape.explain()
    with pytest.raises(TypeError, match="neither"):
        tape.explain(gt.constant(1.0))


def test_a_value_that_is_not_finite_though_its_gradient_is():
    found = explained(np.log, -1.0)
    assert found.cause == "log of a negative number"
    assert "The gradient is finite" in str(found)


def test_the_notebooks_custom_gradient():
    @tf.custom_gradient
    def better_softplus(z):
        e = tf.exp(z)
        return tf.math.log(e + 1), lambda g: g / (1 + 1 / e)

    x = tf.Variable([1000.0])
    with tf.GradientTape(trace=True) as tape:
        z = better_softplus(x)
    assert tape.gradient(z, x).numpy() == 1
    found = tape.explain()
    assert str(found).startswith("The gradient is finite")
    assert found.cause == "overflow"  # of the value


# No known cause -----------------------------------------------------------------------------------


def identity_with_nan(x):
    return gt.custom_gradient(lambda t: (t * 1, lambda g: g * NAN))(x)


HONEST = [
    (lambda x: np.log(x), -1.0),
    (lambda x: np.arcsin(x) * 2, 1.5),
    (lambda x: np.sum(x * np.array([1.0, NAN])), np.ones(2)),
    (lambda x: np.sum(np.sin(x)), np.array([NAN])),
    (lambda x: np.arccosh(x), 0.5),
    (lambda x: np.cbrt(x), 0.0),
    (lambda x: x**0.3, 0.0),
    (identity_with_nan, 1.0),
]


@pytest.mark.parametrize(("f", "x"), HONEST)
def test_an_honest_nan_gets_no_cure(f, x):
    found = explained(f, x)
    assert found.findings
    assert found.cure is None
    assert "Cure" not in str(found)


def test_no_known_cause_is_said():
    with np.errstate(all="ignore"):
        found = explained(lambda a: np.sum(np.linalg.inv(a)), np.eye(2) * 1e-310)
    assert found.cause == "unknown"
    assert "No cause of this is known" in found.findings[0].story[0]
    assert found.cure is None
