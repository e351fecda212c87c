"""Traced functions to read: as text, stage by stage, and as pictures."""

from __future__ import annotations

import numpy as np
import pytest

import gradtape as gt

X = np.linspace(-1.0, 1.0, 5)


@gt.function
def model(x, scale):
    y = np.sin(x) * scale * 1
    if y.sum() > 0:
        y = -y
    unused = np.exp(x)  # noqa: F841
    return y, gt.grad(lambda z: np.sum(z**2 * scale))(x)


@pytest.fixture(scope="module")
def explanation():
    return model.explain_trace(X, 2.0)


def test_every_stage_is_there_before_and_after_each_rewrite(explanation):
    names = [name for name, _ in explanation.stages]
    assert names[0] == "as it was traced"
    assert "after dead code" in names
    assert "after local rules" in names
    text = str(explanation)
    assert text.startswith("model(float64[5], float)\n")
    for name in names:
        assert f"{name[0].upper()}{name[1:]}: " in text
    assert repr(explanation) == text


def test_the_text_says_shapes_bytes_flops_and_guards(explanation):
    traced, _, rest = str(explanation).partition("After dead code")
    assert "sin(%0)" in traced
    assert "float64[5]" in traced
    assert "40 B" in traced
    assert "5 flops" in traced
    assert "is False" in traced
    assert "exp(%0)" in traced
    assert "exp(%0)" not in rest


def test_stages_that_change_nothing_are_not_repeated(explanation):
    assert "the same." in str(explanation)


def test_rewrites_are_seen(explanation):
    first, last = explanation.stages[0][1], explanation.stages[-1][1]
    computed = [[n.name for n in graph.nodes if n.op is not None] for graph in (first, last)]
    assert len(computed[1]) < len(computed[0])
    assert "exp" not in computed[1]


def test_what_runs_is_told_with_its_kernels(explanation):
    _, heading, last = str(explanation).partition("As it is run, with the kernel of each value:")
    assert heading
    assert "a number" in last
    assert "def program(" in explanation.source


def test_explaining_does_what_a_call_does_but_assigns_nothing():
    v = gt.Variable(1.0)

    @gt.function
    def f(x):
        v.assign_add(x)
        return v * 2

    text = str(f.explain_trace(2.0))
    assert "add" in text
    assert f.traces == 1
    assert v.array == 1.0
    f(2.0)
    assert f.traces == 1
    assert v.array == 3.0
    assert str(f.explain_trace()) == text


def test_without_arguments_it_is_the_last_trace():
    f = gt.function(lambda x: x * 2)
    for explain in (f.explain_trace, f.draw):
        with pytest.raises(ValueError, match="was not traced yet: call it, or give arguments"):
            explain()
    f(X)
    f(X[:2])
    assert f.explain_trace().call == "<lambda>(float64[2])"
    assert f.explain_trace(X).call == "<lambda>(float64[5])"
    assert f.traces == 2


def test_the_arguments_are_worded_as_in_a_call():
    f = gt.function(lambda p, *, mode: p["w"] * p["t"][0])
    arguments = {"w": X, "t": [gt.constant(1.0), gt.Variable(X)]}
    assert f.explain_trace(arguments, mode="a").call == (
        "<lambda>({'t': [Tensor float64, Variable float64[5]], 'w': float64[5]}, mode='a')"
    )


# Pictures -----------------------------------------------------------------------------------------


def test_the_picture_has_a_box_for_each_value(explanation):
    picture = explanation.draw()
    graph = explanation.stages[-1][1]
    titles = [node.title for node in picture.graph.nodes]
    operations = [node for node in picture.graph.nodes if node.kind == "operation"]
    assert len(operations) == len([node for node in graph.nodes if node.op is not None])
    assert titles[:2] == ["input 0", "input 1"]
    assert "sin" in titles
    texts = ["\n".join([line.text for line in node.lines]) for node in picture.graph.nodes]
    assert any(["INPUT" in text for text in texts])
    assert sum(["OUTPUT" in text for text in texts]) == 2
    assert any(["guard: bool is False" in text for text in texts])
    assert any(["bytes, 5 flops" in node.more[0] for node in operations])
    ends = {(edge.start.title, edge.end.title.partition("(")[0]) for edge in picture.graph.edges}
    assert ("input 0", "sin") in ends
    assert ("sin", "multiply") in ends


def test_each_stage_can_be_drawn(explanation):
    counts = [len(explanation.draw(i).graph.nodes) for i in range(len(explanation.stages))]
    assert counts[0] > counts[-1]
    assert explanation.draw(0).title == "model(float64[5], float), as it was traced"


def test_numbers_stand_in_titles_and_arrays_have_boxes():
    c = np.arange(5.0)
    f = gt.function(lambda x: (x * 2.5 + c, np.sum(x), 3 * gt.constant(1.0)))
    f(X)
    nodes = f.draw().graph.nodes
    assert "multiply(·, 2.5)" in [node.title for node in nodes]
    (constant,) = [
        n for n in nodes if n.text("role").startswith("CONSTANT") and n.text("kind")[-1] == "]"
    ]
    assert constant.text("value") == "[0, 1, 2, 3, 4]"


def test_long_programs_are_folded():
    @gt.function
    def f(x):
        for _ in range(100):
            x = np.sin(x) * 1.5
        return x

    picture = f.draw(X)
    folds = [node for node in picture.graph.nodes if node.kind == "fold"]
    assert 2 < len(folds) < 20
    assert folds[0].title == "operations 1 to 20"
    inside = [node for fold in folds for node in fold.inside.nodes]
    assert len(inside) == 200
    assert len(picture.graph.edges) == len(folds)  # one value flows from each to the next


def test_the_picture_in_all_its_forms(tmp_path):
    pytest.importorskip("igraph")
    pytest.importorskip("matplotlib")
    pytest.importorskip("rich")
    picture = model.draw(X, 2.0)
    assert picture.svg().startswith("<svg")
    for name in ("f.svg", "f.html", "f.png"):
        picture.save(tmp_path / name)
        assert (tmp_path / name).stat().st_size > 1000
    assert "sin" in str(picture)
