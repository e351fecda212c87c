"""Repeated structure is folded, and nothing is lost on the way."""

from itertools import pairwise

import numpy as np
import pytest

import gradtape as gt
from tests.drawing.programs import logistic, loop, notebook


def inside(node, *ways):
    for way in ways:
        node = [n for n in node.inside.nodes if n.inside is not None][way]
    return node


def all_graphs(graph):
    yield graph
    for node in graph.nodes:
        if node.inside is not None:
            yield from all_graphs(node.inside)


def test_a_loop_of_1000_passes_is_one_box(pictures):
    graph = pictures["loop"].graph
    assert [node.title for node in graph.nodes] == ["r", "x", "repeated × 1,000"]
    box = graph.nodes[-1]
    assert box.text("code") == "x = r * x * (1 - x)"
    assert box.text("note").startswith("3,000 operations: multiply, subtract")
    assert box.text("value") == "0.525 → 0.6"
    assert box.text("role") == "TARGET INSIDE · FOLDED"
    hundreds = [node.title for node in box.inside.nodes if node.kind == "fold"]
    assert hundreds == [f"passes {i:,} to {i + 99:,}" for i in range(1, 1000, 100)]
    tens = [node.title for node in inside(box, 7).inside.nodes if node.kind == "fold"]
    assert tens == [f"passes {i} to {i + 9}" for i in range(701, 800, 10)]
    one = inside(box, 7, 3, 2)
    assert one.title == "pass 733"
    operations = [node for node in one.inside.nodes if node.kind == "operation"]
    assert [node.title for node in operations] == ["multiply", "subtract(1, ·)", "x = multiply"]
    assert [node.number for node in operations] == [732 * 3, 732 * 3 + 1, 732 * 3 + 2]


def test_no_open_box_has_many_boxes(picture):
    for graph in all_graphs(picture.graph):
        assert len([node for node in graph.nodes if node.kind in ("operation", "fold")]) <= 40


def test_every_operation_is_there_once(picture):
    numbers = [node.number for node in picture.graph.walk() if node.kind == "operation"]
    assert sorted(numbers) == list(range(len(numbers)))
    names = [node.name for node in picture.graph.walk()]
    assert len(set(names)) == len(names)


def test_what_flows_in_reaches_its_operation_through_every_wall(picture):
    """From each operation one can go back, through doors, to those that it uses."""

    def check(graph):
        here = set(map(id, graph.nodes))
        for edge in graph.edges:
            assert {id(edge.start), id(edge.end)} <= here
            assert edge.keys
        for node in graph.nodes:
            if node.inside is None:
                continue
            given = {key for e in graph.edges if e.end is node for key in e.keys}
            taken = {key for e in graph.edges if e.start is node for key in e.keys}
            doors = [n for n in node.inside.nodes if n.kind == "port"]
            if doors:
                assert {k for d in doors if "in" in d.roles for k in d.keys} == given
                assert {k for d in doors if "out" in d.roles for k in d.keys} == taken
            check(node.inside)

    check(picture.graph)


def test_a_short_program_is_drawn_whole():
    drawing = loop(8)
    assert all(node.inside is None for node in drawing.graph.nodes)
    assert len(drawing.graph.nodes) == 2 + 24


def test_folding_can_be_left_out():
    drawing = gt.draw(logistic, argnums=(0, 1), fold=False)(2.5, 0.3, 20)
    assert len(drawing.graph.nodes) == 2 + 60
    x = gt.Variable(1.0)
    with gt.GradientTape(trace=True) as tape:
        y = x
        for _ in range(30):
            y = np.sin(y)
    assert len(tape.draw().graph.nodes) == 2
    assert len(tape.draw(fold=False).graph.nodes) == 31


def test_loops_in_loops():
    def program(y, k):
        total = 0.0
        for _ in range(20):
            for _ in range(8):
                y = y + 0.01 * np.sin(k * y)
            total = total + np.sum(y**2)
        return total

    drawing = gt.draw(program, argnums=(0, 1))(np.linspace(0, 1, 5), 2.0)
    outer = drawing.graph.nodes[-1]
    assert outer.title == "repeated × 20"
    one = inside(outer, 1, 3)
    assert one.title == "pass 14"
    inner = inside(one, 0)
    assert inner.title == "repeated × 8"
    assert [n.title for n in one.inside.nodes if n.kind == "operation"] == [
        "square",
        "sum",
        "total = add",
    ]


def test_inner_loops_of_different_lengths():
    def program(y):
        for i in range(12):
            for _ in range(3 + i % 4):
                y = np.sin(y)
            y = np.exp(-y)
        return y

    drawing = gt.draw(program)(0.5)
    assert drawing.graph.nodes[-1].title == "repeated × 12"


def test_passes_with_branches():
    def collatz(x):
        for i in range(60):
            x = np.cos(x) if i % 7 in (1, 2, 5) else np.sqrt(x + 1.0) * 2.0
            x = x + 0.5
        return x

    drawing = gt.draw(collatz)(1.0)
    assert len(drawing.graph.nodes) < 10
    assert any("repeated" in node.title for node in drawing.graph.nodes)


def test_a_layer_that_is_called_repeatedly(pictures):
    graph = pictures["deep"].graph
    assert [node.title for node in graph.nodes] == ["24 sources", "repeated × 12", "sum"]
    sources = graph.nodes[0]
    assert sources.roles == ["source", "fold"]
    assert len(sources.inside.nodes) == 24
    assert sources.inside.nodes[1].title == "params[0][1]"


def test_a_first_pass_that_computes_with_bare_values_is_one_too():
    W, U = np.ones((3, 3)) / 5, np.ones((2, 3))

    def net(W, U, xs):
        h = np.zeros(3)
        for x in xs:
            h = np.tanh(h @ W + x @ U)
        return np.sum(h)

    drawing = gt.draw(net, argnums=(0, 1))(W, U, np.ones((30, 2)))
    (box,) = [node for node in drawing.graph.nodes if node.inside is not None]
    assert box.title == "repeated × 30"
    first, second = inside(box, 0, 0), inside(box, 0, 1)
    lengths = [sum(n.kind == "operation" for n in p.inside.nodes) for p in (first, second)]
    assert lengths[0] <= lengths[1]


def test_a_first_pass_of_other_operations_is_one_too():
    def rhs(y, k):
        return np.stack([y[1], -k * y[0]])

    def oscillator(k):
        y, h = np.array([1.0, 0.0]), 0.01
        for _ in range(30):
            k1 = rhs(y, k)
            k2 = rhs(y + h * k1, k)
            y = y + h / 2 * (k1 + k2)
        return y[0]

    drawing = gt.draw(oscillator)(2.0)
    assert [node.title for node in drawing.graph.nodes][1] == "repeated × 30"
    assert len(drawing.graph.nodes) == 3


def test_what_comes_before_a_loop_on_other_lines_is_not_in_it():
    def program(x):
        y = np.exp(x) * 2.0
        for _ in range(30):
            y = np.sin(y)
        return y

    titles = [node.title for node in gt.draw(program)(1.0).graph.nodes]
    assert titles == ["x", "exp", "y = multiply(·, 2)", "repeated × 30"]


def test_a_long_program_is_cut_into_parts(pictures):
    graph = pictures["records"].graph
    parts = [node for node in graph.nodes if node.kind == "fold"]
    assert 2 <= len(parts) <= 40
    assert parts[0].title.startswith("operations 1 to ")


def test_functions_are_boxes_of_a_long_program():
    def first(x):
        for f in (np.sin, np.cos):
            x = f(x) + f(2 * x) * f(3 * x) - f(x * x) / (2 + f(x)) + f(x + 1)
        return x

    parts = [first]
    space = {"np": np}
    for i in range(3):
        lines = [f"    x = np.sin(x) * {j}.5 + np.cos(x)\n" for j in range(1, 9)]
        exec(f"def part{i}(x):\n{''.join(lines)}    return x\n", space)
        parts.append(space[f"part{i}"])

    def whole(x):
        for part in parts:
            x = part(x)
        return x

    drawing = gt.draw(whole)(0.3)
    found = [node.title for node in drawing.graph.nodes]
    assert [title for title in found if title.startswith("in part")] == [
        "in part0",
        "in part1",
        "in part2",
    ]


@pytest.mark.parametrize(
    "passes", [3, 9, 10, 11, 100, 101, pytest.param(999, marks=pytest.mark.slow)]
)
def test_any_number_of_passes(passes):
    drawing = gt.draw(lambda x: np.sum(power_of_two(x, passes)))(1.0 + np.zeros(9))
    box = next(n for n in drawing.graph.walk() if n.title.startswith("repeated"))
    assert box.title == f"repeated × {passes:,}"

    def passes_in(node):
        children = [n for n in node.inside.nodes if n.kind == "fold"]
        if node.title.startswith("pass "):
            return [int(node.title.removeprefix("pass "))]
        return [number for child in children for number in passes_in(child)]

    numbers = passes_in(box)
    assert numbers == list(range(1, passes + 1))


def power_of_two(x, passes):
    for _ in range(passes):
        x = np.cos(np.sin(np.cos(np.sin(np.cos(np.sin(np.cos(np.sin(np.tanh(x)))))))))
    return x


def test_edges_are_few(pictures):
    assert len(pictures["loop"].graph.edges) == 2
    assert len(pictures["deep"].graph.edges) == 2
    for a, b in pairwise([notebook(), notebook()]):
        assert [(e.start.name, e.end.name) for e in a.graph.edges] == [
            (e.start.name, e.end.name) for e in b.graph.edges
        ]
