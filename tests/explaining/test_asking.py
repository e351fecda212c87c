"""Asking: the forms of the question, names, and what asking does not do."""

from collections import namedtuple
from dataclasses import dataclass

import numpy as np
import pytest

import gradtape as gt
from gradtape.explaining import Explanation
from gradtape.places import Place
from gradtape.trace import Trace
from tests.explaining.programs import explained

Pair = namedtuple("Pair", "first second")


@dataclass
class Layer:
    weights: np.ndarray
    bias: np.ndarray


def test_explain_is_a_function_of_the_package():
    found = gt.explain(lambda x: 1 / x)(0.0)
    assert isinstance(found, Explanation)
    assert repr(found) == str(found)


@pytest.mark.parametrize(
    ("nest", "name"),
    [
        (0.0, "x"),
        ([1.0, 0.0], "x[1]"),
        ((1.0, [2.0, 0.0]), "x[1][1]"),
        ({"a": 0.0, "b": 1.0}, 'x["a"]'),
        ({2: 1.0, 1: 0.0}, "x[1]"),
        (Pair(1.0, 0.0), "x.second"),
        (Layer(np.ones(2), np.zeros(1)), "x.bias[0]"),
        (np.array([[1.0, 0.0]]), "x[0, 1]"),
    ],
)
def test_names_of_leaves(nest, name):
    def f(x):
        return sum([np.sum(np.sqrt(leaf)) for leaf in leaves_of(x)])

    assert explained(f, nest).findings[0].sources == (name,)


def leaves_of(nest):
    if isinstance(nest, dict):
        nest = list(nest.values())
    if isinstance(nest, Layer):
        nest = [nest.weights, nest.bias]
    if isinstance(nest, (list, tuple)):
        return [leaf for child in nest for leaf in leaves_of(child)]
    return [nest]


def test_names_of_arguments():
    def f(a, *rest, scale):
        return np.sqrt(a) + np.sqrt(rest[0]) + np.sqrt(scale)

    with np.errstate(all="ignore"):
        found = gt.explain(f, (0, 1), "scale")(0.0, 0.0, scale=0.0)
    assert [one.sources for one in found.findings] == [("a",), ("argument 1",), ("scale",)]


def test_what_stands_beside_the_value():
    found = explained(lambda x: (np.sqrt(x), "aux"), 0.0, has_aux=True)
    assert found.cause == "square root at zero"


def test_several_outputs_are_summed():
    found = explained(lambda x: {"a": x * 2, "b": [np.sqrt(x)]}, np.array([1.0, 0.0]))
    assert found.findings[0].sources == ("x[1]",)
    assert "the sum of the targets" in str(found)


def test_wrong_questions():
    with pytest.raises(TypeError, match="must be a function"):
        gt.explain(3.0)
    with pytest.raises(TypeError, match="floating"):
        gt.explain(np.sqrt)(3)
    with pytest.raises(TypeError, match="nothing to differentiate"):
        gt.explain(lambda x: None)(3.0)


def test_nobody_raises_while_it_is_explained():
    with gt.errstate(gradient="raise"):
        assert gt.explain(lambda x: np.sqrt(x))(0.0).cause == "square root at zero"
        again = gt.recompute_grad(lambda x: np.sqrt(x))
        assert gt.explain(lambda x: again(x) * 2)(0.0).cause == "square root at zero"
        with pytest.raises(FloatingPointError):
            gt.grad(np.sqrt)(0.0)


@pytest.mark.filterwarnings("error")
def test_nobody_warns_while_it_is_explained():
    assert explained(lambda z: np.log(np.exp(z) + 1), 1000.0).cause == "overflow"
    assert gt.explain(lambda z: np.log(np.exp(z) + 1))(1000.0).cause == "overflow"


def test_a_healthy_gradient_function_is_not_run_again():
    calls = []

    @gt.custom_gradient
    def counted(x):
        return x * 2, lambda g: calls.append(1) or g * 2

    x = gt.Variable(1.0)
    with gt.GradientTape(trace=True) as tape:
        y = counted(x)
    tape.gradient(y, x)
    assert tape.explain().cause is None
    assert len(calls) == 1


def test_explaining_changes_nothing():
    x = gt.Variable([0.0, 1.0])
    with gt.GradientTape(trace=True, persistent=True) as tape:
        y = np.sqrt(x)
    before = tape.gradient(y, x).numpy()
    records, steps = len(tape._records), len(tape.trace.steps)
    tape.explain()
    assert (len(tape._records), len(tape.trace.steps)) == (records, steps)
    np.testing.assert_array_equal(tape.gradient(y, x).numpy(), before)


def test_an_empty_source():
    assert explained(lambda x: np.sum(x) + 1, np.zeros(0)).findings == ()


def test_large_sources_are_counted():
    found = explained(lambda x: np.sum(np.sqrt(x)), np.zeros((100, 100)))
    assert len(found.findings) == 1
    assert "10000 of the 10000 entries are not finite" in found.findings[0].headline
    assert "x[0, 0]" in found.findings[0].sources


def test_a_line_on_several_lines():
    def f(x):
        return np.sum(
            np.log(
                x,
            )
            * 2
        )

    found = explained(f, np.array([0.0]))
    assert found.cause == "log of zero"
    assert found.line.text.startswith("np.log(")


def test_a_program_without_source_text():
    scope = {"np": np}
    exec(compile("def f(x):\n    return np.sqrt(x) * 2\n", "<nowhere>", "exec"), scope)
    found = explained(scope["f"], 0.0)
    assert found.cause == "square root at zero"
    assert str(found.line) == "<nowhere>, line 2"
    assert "`sqrt`" in str(found)


def test_cells_are_called_cells():
    code = compile("x = 1", "/tmp/ipykernel_1234/987.py", "exec")
    assert Place(code, 0, 1).short_file == "the cell"
    assert str(Place(code, 0, 1)) == "the cell, line 1"


# What the trace notes for it ----------------------------------------------------------------------


def test_exits_are_noted():
    x = gt.constant([1.0, 2.0])
    with Trace() as trace:
        y = x * 2
        y.numpy(), y[0].item(), y.tolist(), np.asarray(y), float(y[0]), np.floor(y)
        gt.stop_gradient(y)
        gt.Variable([0.0, 0.0]).assign(y)
    hows = [one.how for one in trace.exits]
    assert hows == [
        "numpy",
        "item",
        "tolist",
        "asarray",
        "float",
        "floor",
        "stop_gradient",
        "assign",
    ]
    assert trace.exits[0].key == y.key
    assert "y.numpy()" in trace.exits[0].place.text


def test_steps_know_tensors_and_pauses():
    x = gt.Variable(1.0)
    with gt.GradientTape(trace=True) as tape:
        x * np.float64(2)
        with tape.stop_recording():
            x * 3
    first, second = tape.trace.steps
    assert first.tensors == (True, False)
    assert (first.paused, second.paused) == (False, True)
