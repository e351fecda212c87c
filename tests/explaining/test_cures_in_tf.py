"""Cures in programs that are written with ``gradtape.tf``: its names, and dead branches."""

import linecache
from typing import Any

import numpy as np
import pytest

from gradtape.explaining.cures import find_cure
from gradtape.notebook import CELLS
from tests.explaining.cure_tools import Program, cured

ROW = np.array([1.0, 1000.0])


@pytest.mark.parametrize("number", [22, 23, 25])
@pytest.mark.parametrize("with_source", [True, False])
def test_the_notebook_s_cells(number: int, with_source: bool) -> None:
    cells = {cell.number: cell.code for cell in CELLS}
    code = cells[22].split("\n\n")[0] + "\n\n" + cells[23] if number == 23 else cells[number]
    code = "import gradtape.tf as tf\n" + code.replace("GradientTape()", "GradientTape(trace=True)")
    first = run(code, with_source)
    trace = first["tape"].trace
    step = next(s for s in trace.steps if s.name == "exp")
    cure = find_cure(trace, step, "overflow", {}, first["x"].key)
    assert cure is not None
    assert cure.expression == "tf.math.softplus(z)"
    assert np.all(cure.gradient == 1)
    if not with_source:
        return
    assert cure.place is not None
    lines = code.split("\n")
    old = lines[cure.place.line - 1]
    assert cure.before in old
    lines[cure.place.line - 1] = old[: len(old) - len(old.lstrip())] + cure.after
    again = run("\n".join(lines), with_source)
    gradient = again["tape"].trace.answers[-1].results[0]
    assert np.all(gradient.array == 1)


def run(code: str, with_source: bool) -> dict[str, Any]:
    name = f"<cell of {len(linecache.cache)}>"
    if with_source:
        linecache.cache[name] = (len(code), None, [f"{x}\n" for x in code.split("\n")], name)
    namespace: dict[str, Any] = {}
    with np.errstate(all="ignore"):
        exec(compile(code, name, "exec"), namespace)
    return namespace


@pytest.mark.parametrize(
    ("source", "x", "expected"),
    [
        ("y = tf.math.log(tf.exp(x) + 1.)", 100.0, "tf.math.softplus(x)"),
        ("y = tf.math.log(1 + tf.math.exp(2 * x))", 100.0, "tf.math.softplus(2 * x)"),
        ("y = tf.math.log1p(tf.exp(x))", 100.0, "tf.math.softplus(x)"),
        ("y = tf.math.log(tf.add(tf.exp(x), 1.))", 100.0, "tf.math.softplus(x)"),
        ("y = tf.math.log(tf.reduce_sum(tf.exp(x)))", ROW, "tf.reduce_logsumexp(x)"),
        (
            "y = tf.math.log(tf.reduce_sum(tf.exp(x), axis=-1, keepdims=True))",
            ROW[None],
            "tf.reduce_logsumexp(x, axis=-1, keepdims=True)",
        ),
        ("y = tf.math.log(tf.sigmoid(x))", -1000.0, "tf.math.log_sigmoid(x)"),
        ("y = tf.math.log(1 / (1 + tf.exp(-x)))", -1000.0, "tf.math.log_sigmoid(x)"),
        ("y = 1 / (1 + tf.exp(-x))", -1000.0, "tf.math.sigmoid(x)"),
        ("y = 1 / (1 + tf.exp(x))", 1000.0, "tf.math.sigmoid(-x)"),
        ("y = tf.math.log(tf.nn.softmax(x))", ROW, "tf.nn.log_softmax(x)"),
        ("y = tf.math.log(tf.nn.softmax(x)[0])", ROW, "tf.nn.log_softmax(x)[0]"),
        ("y = tf.exp(x) / tf.reduce_sum(tf.exp(x))", ROW, "tf.nn.softmax(x)"),
        (
            "y = tf.exp(x) / tf.reduce_sum(tf.exp(x), axis=0, keepdims=True)",
            ROW[:, None] * [1, 1],
            "tf.nn.softmax(x, axis=-2)",
        ),
        ("y = tf.reduce_sum(x * tf.math.log(x))", [0.0, 1.0], "tf.math.xlogy(x, x)"),
        ("y = tf.sqrt(x**2)", 0.0, "tf.abs(x)"),
        ("y = tf.math.log(tf.reduce_prod(x))", [1e-30, 1e-30], "tf.reduce_sum(tf.math.log(x))"),
        ("y = x / tf.norm(x)", [0.0, 0.0], "tf.math.l2_normalize(x)"),
        ("y = x / tf.sqrt(tf.reduce_sum(tf.square(x)))", [0.0, 0.0], "tf.math.l2_normalize(x)"),
        ("y = np.log(np.exp(x) + 1)", 100.0, "tf.math.softplus(x)"),
        ("y = tf.math.log(tf.linalg.det(x))", 1e-20 * np.eye(3), "tf.linalg.slogdet(x)[1]"),
        (
            "p = tf.sigmoid(x)\ny = -(0. * tf.math.log(p) + (1. - 0.) * tf.math.log(1. - p))",
            50.0,
            "-tf.nn.sigmoid_cross_entropy_with_logits(labels=0.0, logits=x)",
        ),
    ],
)
def test_the_names_of_tf(source: str, x: Any, expected: str) -> None:
    x = np.asarray(x, np.float32)
    cured(source, x, expected, like_tf=True)


@pytest.mark.parametrize("source", ["y = tf.norm(x)", "y = tf.sqrt(tf.reduce_sum(x * x))"])
def test_a_length_at_zero(source: str) -> None:
    program = Program(source, [0.0, 0.0], like_tf=True)
    cure = program.cure()
    assert cure is not None
    after = program.cured(cure)
    assert np.all(after.gradient == 0)
    away = Program(after.source, [3.0, 4.0], like_tf=True)
    np.testing.assert_allclose(away.gradient, [0.6, 0.8], rtol=1e-6)


@pytest.mark.parametrize(
    ("source", "x", "after", "gradient"),
    [
        (
            "y = tf.where(x > 0, tf.math.log(x), 0.)",
            [0.0, 4.0],
            "y = tf.where(x > 0, tf.math.log(tf.where(x > 0, x, 1.0)), 0.)",
            [0.0, 0.25],
        ),
        (
            "y = tf.where(x <= 0, 0., tf.math.log(x))",
            [0.0, 4.0],
            "y = tf.where(x <= 0, 0., tf.math.log(tf.where(x <= 0, 1.0, x)))",
            [0.0, 0.25],
        ),
        (
            "r = tf.math.log(x)\ny = tf.where(x > 0, r, 0.)",
            [0.0, 4.0],
            "r = tf.math.log(tf.where(x > 0, x, 1.0))",
            [0.0, 0.25],
        ),
        (
            "y = tf.where(x > 0, x, tf.exp(x) - 1)",
            [-1.0, 1000.0],
            "y = tf.where(x > 0, x, tf.exp(tf.where(x > 0, 1.0, x)) - 1)",
            [np.exp(-1), 1.0],
        ),
        (
            "m = x > 0\ny = tf.where(m, x**0.5, 0.)",
            [0.0, 4.0],
            "y = tf.where(m, tf.where(m, x, 1.0) ** 0.5, 0.)",
            [0.0, 0.25],
        ),
        (
            "y = np.where(x > 0, 1 / x, 0.)",
            [0.0, 4.0],
            "y = np.where(x > 0, 1 / np.where(x > 0, x, 1.0), 0.)",
            [0.0, -0.0625],
        ),
        (
            "y = tf.where(x > 30., x, tf.math.log(tf.exp(x) + 1.))",
            [1000.0, 0.0],
            "y = tf.where(x > 30., x, tf.math.softplus(x))",
            [1.0, 0.5],
        ),
    ],
)
def test_dead_branches(source: str, x: Any, after: str, gradient: Any) -> None:
    program = Program(source, x, like_tf=True)
    cure = program.cure()
    assert cure is not None
    assert cure.after == after
    np.testing.assert_allclose(program.cured(cure).gradient, gradient, rtol=1e-6)


def test_the_other_tape_is_named() -> None:
    cure = Program("y = tf.where(x > 0, tf.math.log(x), 0.)", [0.0, 4.0], like_tf=True).cure()
    assert cure is not None
    assert "gradtape.GradientTape leaves such branches out" in cure.why


@pytest.mark.parametrize(
    ("source", "x"),
    [
        ("y = tf.math.log(tf.exp(x) + 2.)", 100.0),
        ("y = tf.math.log(x)", 0.0),
        ("y = tf.sqrt(x)", 0.0),
        ("y = tf.where(x >= 0, tf.math.log(x), 0.)", [0.0, 4.0]),
    ],
)
def test_no_cure_is_made_up(source: str, x: Any) -> None:
    assert Program(source, x, like_tf=True).cure() is None
