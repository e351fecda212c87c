"""Dead branches, and the first value or cotangent that is not finite."""

import numpy as np

import gradtape as gt
import gradtape.tf as tf


def with_role(drawing, role):
    return [node.title for node in drawing.graph.walk() if role in node.roles]


def test_overflow_is_the_first_bad_value(pictures):
    drawing = pictures["overflow"]
    (bad,) = [node for node in drawing.graph.nodes if "bad" in node.roles]
    assert bad.title == "exp"
    assert bad.text("role") == "FIRST BAD VALUE"
    assert bad.text("value") == "[2.718, inf]"
    assert {e.start.title for e in drawing.graph.edges if e.look == "bad"} == {
        "z",
        "exp",
        "add(·, 1)",
    }


def test_a_root_at_zero_makes_the_first_bad_cotangent():
    drawing = gt.draw(lambda x: np.sqrt(np.sum(x**2)))(np.zeros(3))
    (bad,) = [node for node in drawing.graph.nodes if "bad" in node.roles]
    assert bad.title == "sqrt"
    assert bad.text("role") == "FIRST BAD COTANGENT · TARGET"


def test_of_several_uses_the_one_that_spoils_is_bad():
    drawing = gt.draw(lambda x: np.sin(x) + np.sqrt(x) + np.cos(x))(0.0)
    assert with_role(drawing, "bad") == ["sqrt"]


def test_the_pass_of_a_loop_that_goes_bad_can_be_followed_down():
    def program(x):
        for _ in range(300):
            x = np.log(x)
        return x

    with np.errstate(all="ignore"):
        drawing = gt.draw(program)(1e300)
    # The logarithms: 691, 6.5, 1.9, 0.63, -0.46, NaN.
    bad = [node for node in drawing.graph.walk() if "bad" in node.roles]
    assert [node.title for node in bad] == [
        "repeated × 300",
        "passes 1 to 100",
        "passes 1 to 10",
        "x = log",
    ]
    assert [node.number for node in bad] == [None, None, None, 5]
    assert bad[0].text("role").startswith("FIRST BAD VALUE INSIDE")


def test_a_healthy_program_has_nothing_bad(pictures):
    for name in ("notebook", "network", "loop", "deep", "records"):
        assert with_role(pictures[name], "bad") == []
        assert {edge.look for edge in pictures[name].graph.edges} <= {"", "dead"}


def test_a_branch_that_is_not_taken_is_dead(pictures):
    drawing = pictures["dead_branch"]
    assert with_role(drawing, "dead") == ["cos", "exp", "add(·, 1)", "log"]
    why = {node.title: node.more[0] for node in drawing.graph.nodes if "dead" in node.roles}
    assert why["cos"] == "dead: the target does not use it"
    assert why["log"] == "dead: nothing of it was chosen: its slope is 0"
    # It is not finite, but that does no harm: the gradient is.
    assert with_role(drawing, "bad") == ["exp"]
    assert all("nan" not in node.text("slope") for node in drawing.graph.nodes)


def test_a_harmful_value_comes_before_a_harmless_one():
    def program(z):
        return np.where(z > 30.0, z, np.exp(z)) + np.log(z - z)

    with np.errstate(all="ignore"):
        drawing = gt.draw(program)(1000.0)
    assert with_role(drawing, "bad") == ["log"]


def test_without_masks_the_dead_branch_spoils_the_cotangent():
    z = tf.Variable(1000.0)
    with np.errstate(all="ignore"), tf.GradientTape(trace=True) as tape:
        y = tf.where(z > 30.0, z, tf.math.log(tf.exp(z) + 1.0))
        slope = tape.gradient(y, z)
    assert np.isnan(slope.numpy())
    (bad,) = [node for node in tape.draw().graph.nodes if "bad" in node.roles]
    assert bad.title == "exp"
    assert "COTANGENT" in bad.text("role")


def test_a_slope_of_zero_is_not_dead():
    drawing = gt.draw(lambda x: (x - 3.0) ** 2)(3.0)
    assert with_role(drawing, "dead") == []


def test_a_selection_with_a_slope_of_zero_by_chance_is_not_dead():
    """The first entry that is written is 0, and so is its slope: but it was chosen."""

    def program(x):
        a = gt.zeros(3)
        for i in range(3):
            a[i] = x * i
        return np.sum(a**2)

    drawing = gt.draw(program)(2.0)
    assert with_role(drawing, "dead") == []

    def overwritten(x):
        a = gt.zeros(2)
        a[:] = x
        a[:] = x * 3
        return np.sum(a**2)

    drawing = gt.draw(overwritten)(2.0)
    (dead,) = [node for node in drawing.graph.nodes if "dead" in node.roles]
    assert "written" in dead.title


def test_behind_stop_gradient_is_dead():
    drawing = gt.draw(lambda x: gt.stop_gradient(np.exp(x)) * x)(1.0)
    assert with_role(drawing, "dead") == ["exp"]


def test_what_is_used_outside_of_the_tape_is_no_source():
    x = gt.Variable(2.0)
    c = gt.constant(5.0)
    with gt.GradientTape(trace=True) as tape:
        y = x * np.sqrt(c)
    tape.gradient(y, x)
    drawing = tape.draw()
    assert with_role(drawing, "source") == ["x"]
    assert [node.title for node in drawing.graph.nodes][:2] == ["x", "sqrt(5)"]
    assert with_role(drawing, "dead") == []
