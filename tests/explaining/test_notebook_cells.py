"""The notebook's three gradients that are NaN: why, and a cure that gives 1."""

import numpy as np
import pytest

import gradtape.tf as tf
from gradtape.notebook import CELLS

SETUP = "import gradtape.tf as tf\n"


def explanation(number, tmp_path):
    """Run a notebook's cell as a file, on tapes that keep a trace."""
    cell = next(one for one in CELLS if one.number == number)
    definition = next(one for one in CELLS if one.number == 22)
    code = (definition.code if number == 23 else "") + "\n" + cell.code
    code = SETUP + code.replace("tf.GradientTape()", "tf.GradientTape(trace=True)")
    file = tmp_path / "cell.py"
    file.write_text(code)
    scope = {}
    with np.errstate(all="ignore"):
        exec(compile(code, str(file), "exec"), scope)
        return scope["tape"].explain()


@pytest.mark.parametrize("number", [22, 23])
def test_softplus(number, tmp_path):
    found = explanation(number, tmp_path)
    assert found.cause == "overflow"
    assert found.line.text == "return tf.math.log(tf.exp(z) + 1.0)"
    assert found.line.expression == "tf.exp(z)"
    assert found.line.function == "my_softplus"
    assert found.findings[0].values == (100.0,)
    assert np.all(np.asarray(found.cure.gradient) == 1)


def test_the_branch_that_was_not_taken(tmp_path):
    found = explanation(25, tmp_path)
    assert found.cause == "dead branch"
    assert found.line.text == "return tf.where(z > 30., z, tf.math.log(tf.exp(z) + 1.))"
    assert found.line.expression == "tf.exp(z)"
    assert "was not taken" in str(found)
    assert np.all(np.asarray(found.cure.gradient) == 1)


def test_other_dead_branches():
    x = tf.Variable([0.0, 4.0])
    with tf.GradientTape(trace=True) as tape:
        y = tf.where(x > 0.0, tf.math.log(x), 0.0)
    assert np.isnan(tape.gradient(y, x).numpy()[0])
    found = tape.explain()
    assert found.cause == "dead branch"
    assert found.findings[0].operation == "log"
