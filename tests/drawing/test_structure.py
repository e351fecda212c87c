"""What is drawn: boxes, their words, and what flows between them."""

from typing import Any, NamedTuple

import numpy as np
import pytest

import gradtape as gt
import gradtape.tf as tf
from gradtape.drawing.wording import value_text


def titles(drawing: Any) -> list[str]:
    return [node.title for node in drawing.graph.nodes]


def box(drawing: Any, title: str) -> Any:
    (found,) = [node for node in drawing.graph.walk() if node.title == title]
    return found


def flows(drawing: Any) -> set[tuple[str, str]]:
    return {(edge.start.title, edge.end.title) for edge in drawing.graph.edges}


def test_the_notebooks_function(pictures):
    drawing = pictures["notebook"]
    assert flows(drawing) == {
        ("w1", "square"),
        ("square", "multiply(3, ·)"),
        ("w1", "multiply(2, ·)"),
        ("multiply(2, ·)", "multiply"),
        ("w2", "multiply"),
        ("multiply(3, ·)", "z = add"),
        ("multiply", "z = add"),
    }
    values = {node.title: (node.text("value"), node.text("slope")) for node in drawing.graph.nodes}
    assert values == {
        "w1": ("5", "∂ 36"),
        "w2": ("3", "∂ 10"),
        "square": ("25", "∂ 3"),
        "multiply(3, ·)": ("75", "∂ 1"),
        "multiply(2, ·)": ("10", "∂ 3"),
        "multiply": ("30", "∂ 1"),
        "z = add": ("105", "∂ 1"),
    }
    assert box(drawing, "z = add").text("code") == "3 * w1**2 + 2 * w1 * w2"
    assert box(drawing, "square").text("kind") == "float64"
    assert {node.title: node.roles for node in drawing.graph.nodes if node.roles} == {
        "w1": ["source"],
        "w2": ["source"],
        "z = add": ["target"],
    }


def test_the_line_of_code_stands_in_the_hint(pictures):
    more = box(pictures["notebook"], "z = add").more
    assert more[0].startswith("programs.py, line ")
    assert more[0].endswith("z = 3 * w1**2 + 2 * w1 * w2")
    assert more[1:] == ["operand 1: 75", "operand 2: 30"]


def test_the_network(pictures):
    drawing = pictures["network"]
    assert titles(drawing)[-8:] == [
        "matmul",
        "add",
        "hidden = maximum(·, 0)",
        "matmul",
        "prediction = add",
        "subtract",
        "square",
        "loss = mean",
    ]
    kinds = {node.title: node.kind for node in drawing.graph.nodes[:6]}
    assert kinds == {
        "x": "constant",
        "t": "constant",
        "W1": "source",
        "b1": "source",
        "W2": "source",
        "b2": "source",
    }
    assert box(drawing, "W1").text("kind") == "(8, 30) float64"
    value, slope = box(drawing, "W1").text("value"), box(drawing, "W1").text("slope")
    assert value.startswith("min -")
    assert "mean" in value
    assert "max" in value
    assert slope.startswith("∂ min -")
    assert box(drawing, "b2").text("value") == "[0]"


def test_the_hessian_of_nested_tapes():
    w1, w2 = gt.Variable(5.0), gt.Variable(3.0)
    with gt.GradientTape(persistent=True, trace=True) as outer:
        with gt.GradientTape() as inner:
            z = 3 * w1**2 + 2 * w1 * w2
        slopes = inner.gradient(z, [w1, w2])
    second = [outer.gradient(slope, [w1, w2]) for slope in slopes]
    assert [[float(s) if s is not None else 0.0 for s in row] for row in second] == [[6, 2], [2, 0]]
    drawing = outer.draw(slopes[0], [w1, w2])
    assert box(drawing, "w1").text("slope") == "∂ 6"
    assert box(drawing, "w2").text("slope") == "∂ 2"
    (target,) = [node for node in drawing.graph.nodes if "target" in node.roles]
    assert target.text("value") == "36"
    # By default: the last gradient, and all that was seen.
    whole = outer.draw()
    assert box(whole, "w1").text("slope") == "∂ 2"
    assert box(whole, "w2").text("slope") == "∂ none: not connected"
    assert len(whole.graph.nodes) > len(drawing.graph.nodes)


def test_without_a_gradient_the_forward_part_is_drawn():
    x = gt.Variable([1.0, 2.0], name="x")
    with gt.GradientTape(trace=True) as tape:
        np.sum(np.exp(x))
    drawing = tape.draw()
    assert flows(drawing) == {("x", "exp"), ("exp", "sum")}
    assert not any(node.text("slope") for node in drawing.graph.nodes)
    assert box(drawing, "x").roles == ["source"]
    assert box(drawing, "sum").roles == []


def test_a_target_cuts_the_picture_to_the_way_to_it():
    x, y = gt.Variable(2.0), gt.Variable(3.0)
    with gt.GradientTape(trace=True, persistent=True) as tape:
        a = x * y
        b = np.sin(a)
        c = np.exp(x)
    tape.gradient(b, [x, y])
    drawing = tape.draw(c)
    assert titles(drawing)[-1].endswith("exp")
    assert "sin" not in " ".join(titles(drawing))
    assert box(drawing, "x").text("slope") == f"∂ {np.exp(2.0):.6g}"
    assert {"x", "y"} <= set(titles(tape.draw(b)))
    only_y = tape.draw(b, y)
    assert box(only_y, "y").roles == ["source"]
    assert box(only_y, "x").roles == ["constant"]


def test_a_non_persistent_tape_can_be_drawn_to_another_target():
    x = gt.Variable(2.0)
    with gt.GradientTape(trace=True) as tape:
        y = x**2
        z = np.exp(y)
    tape.gradient(z, x)
    assert box(tape.draw(y, x), "x").text("slope") == "∂ 4"


def test_arguments_are_named_after_the_parameters():
    class Layer(NamedTuple):
        w: Any
        b: Any

    def model(params, layer):
        return np.sum(params["a"] * layer.w + layer.b[0])

    drawing = gt.draw(model, argnums=(0, 1))({"a": np.ones(2)}, Layer(np.ones(2), [1.0]))
    assert {'params["a"]', "layer.w", "layer.b[0]"} <= set(titles(drawing))


def test_argnames():
    drawing = gt.draw(lambda x, scale: x * scale, argnames="scale")(2.0, scale=3.0)
    assert titles(drawing) == ["scale", "multiply(2, ·)"]


def test_an_array_that_is_used_twice_is_one_constant():
    data = np.arange(3.0)
    drawing = gt.draw(lambda x: np.sum(x * data + data))(1.0)
    assert titles(drawing).count("data") == 1
    assert {("data", "multiply"), ("data", "add")} <= flows(drawing)


def test_several_results():
    drawing = gt.draw(lambda a: np.sum(np.linalg.qr(a)[1]))(np.array([[2.0, 1.0], [1.0, 3.0]]))
    qr = next(node for node in drawing.graph.nodes if "qr" in node.title)
    assert ";" in qr.text("value") or "…" in qr.text("value")
    assert "(2, 2) float64, (2, 2) float64" in qr.text("kind")


def test_several_values_are_summed():
    drawing = gt.draw(lambda x: (np.sin(x), {"b": np.cos(x)}))(0.0)
    assert box(drawing, "x").text("slope") == "∂ 1"
    assert [node.title for node in drawing.graph.nodes if "target" in node.roles] == ["sin", "cos"]


def test_a_call_inside_of_an_outer_tape():
    x = gt.Variable(2.0)
    with gt.GradientTape() as tape:
        drawing = gt.draw(lambda v: v * v)(x)
        y = x * 3
    assert float(tape.gradient(y, x)) == 3.0
    assert "multiply" in titles(drawing)


def test_a_target_that_no_gradient_was_asked_of():
    x = gt.Variable(2.0)
    with gt.GradientTape(trace=True) as tape:
        y = x**2
    drawing = tape.draw(y)
    assert box(drawing, "x").roles == ["source"]
    assert box(drawing, "x").text("slope") == "∂ 4"


def test_a_target_that_is_a_source():
    x = gt.Variable(2.0)
    with gt.GradientTape(trace=True) as tape:
        x * 2
    tape.gradient(x, x)
    assert box(tape.draw(), "x").roles == ["source", "target"]


def test_each_value_of_a_variable_has_a_box():
    x = gt.Variable(2.0)
    with gt.GradientTape(trace=True) as tape:
        a = x * 2
        x.assign(5.0)
        y = a * x
    tape.gradient(y, x)
    boxes = [node for node in tape.draw().graph.nodes if node.title == "x"]
    assert [node.text("value") for node in boxes] == ["2", "5"]
    assert flows(tape.draw()) == {
        ("x", "a = multiply(·, 2)"),
        ("a = multiply(·, 2)", "y = multiply"),
        ("x", "y = multiply"),
    }


def test_a_gradient_of_ones_own_and_a_checkpoint():
    @gt.custom_gradient
    def straight_through(x):
        return np.round(x), lambda g: g

    def f(x):
        return straight_through(x * 2) * gt.checkpoint(lambda y: np.sin(y) ** 2)(x)

    drawing = gt.draw(f)(1.2)
    assert box(drawing, "straight_through").text("value") == "2"
    assert box(drawing, "x").text("slope") == f"∂ {gt.grad(f)(1.2):.6g}"


def test_tensorflows_face():
    z = tf.Variable(2.0)
    with tf.GradientTape(trace=True) as tape:
        y = tf.exp(z)
    tape.gradient(y, z)
    assert flows(tape.draw()) == {("z", "y = exp")}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.float64(0.1), "0.1"),
        (1 + 2j, "1+2j"),
        (np.array([[1.0, 2.0], [3.0, 4.0]]), "[[1, 2], [3, 4]]"),
        (np.array([True, False]), "[True, False]"),
        (np.arange(10), "min 0  mean 4.5  max 9"),
        (np.array([1.0] * 8 + [np.nan, np.inf]), "all 1  1 NaN  1 inf"),
        (np.full(9, np.nan), "9 NaN"),
        (np.full((3, 4), 2.5), "all 2.5"),
        (np.zeros((0, 3)), "empty"),
        (np.zeros((10, 0)), "empty"),
        (np.array([3 + 4j] * 10), "|·| all 5"),
        (np.ones(20, bool), "20 of 20 True"),
        (np.full(10, 60000, np.float16), "all 6e+04"),
        ((np.float64(1.0), np.arange(3.0)), "1; [0, 1, 2]"),
    ],
)
def test_values_in_words(value, text):
    assert value_text(value) == text
