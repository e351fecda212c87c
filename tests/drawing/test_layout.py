"""Where boxes and edges go: nothing overlaps, no line crosses a box, no text leaves one."""

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradtape.drawing.graph import Edge, Graph, Line, Node
from gradtape.drawing.layout import LETTERS, _apart, lay_out, size_of
from gradtape.drawing.painting import way


def graphs(graph):
    yield graph
    for node in graph.nodes:
        if node.inside is not None and len(node.inside.nodes) < 60:
            yield from graphs(node.inside)


def sample(picture):
    """The picture itself and some of the insides of its boxes."""
    return list(graphs(picture.graph))[:12]


def walls(place, margin=0.0):
    half = place.width / 2 + margin, place.height / 2 + margin
    return place.x - half[0], place.x + half[0], place.y - half[1], place.y + half[1]


def test_boxes_do_not_overlap(picture):
    for graph in sample(picture):
        laid = lay_out(graph)
        all_walls = [walls(place) for place in laid.places.values()]
        for i, (left, right, top, bottom) in enumerate(all_walls):
            assert left >= -1e-6
            assert right <= laid.width + 1e-6
            assert top >= -1e-6
            assert bottom <= laid.height + 1e-6
            for other in all_walls[:i]:
                apart = (
                    left >= other[1] or right <= other[0] or top >= other[3] or bottom <= other[2]
                )
                assert apart


def points_of(steps):
    """Points along a way."""
    x, y = steps[0][1]
    for letter, numbers in steps[1:]:
        ends = np.array([(x, y), *zip(numbers[::2], numbers[1::2], strict=True)])
        t = np.linspace(0, 1, 9)[:, None]
        if letter == "C":
            a, b, c, d = ends
            yield from (
                (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * c + t**3 * d
            )
        else:
            yield from (1 - t) * ends[0] + t * ends[1]
        x, y = ends[-1]


def test_edges_go_down_and_cross_no_box(picture):
    for graph in sample(picture):
        laid = lay_out(graph)
        for route in laid.routes:
            start, end = laid.places[route.edge.start.name], laid.places[route.edge.end.name]
            assert start.row < end.row
            points = list(points_of(way(laid, route)))
            assert all(a[1] <= b[1] + 1e-6 for a, b in pairwise(points))
            assert abs(points[-1][0] - end.x) <= end.width / 2
            others = [
                walls(laid.places[node.name])
                for node in graph.nodes
                if node is not route.edge.start and node is not route.edge.end
            ]
            for x, y in points:
                for left, right, top, bottom in others:
                    assert not (left < x < right and top < y < bottom)


@cache
def drawn_width(text, size, weight):
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    font = FontProperties(family="DejaVu Sans Mono", weight=weight)
    return TextPath((0, 0), text, size, prop=font).get_extents().width


def test_texts_fit_into_their_boxes(picture):
    for graph in sample(picture)[:4]:
        for node in graph.nodes:
            width, height = size_of(node)
            for line in node.lines:
                weight = "bold" if line.style in ("title", "role") else "normal"
                drawn = drawn_width(line.text, LETTERS[line.style][0], weight)
                assert drawn <= width - 8, line.text
            assert sum(LETTERS[line.style][1] for line in node.lines) <= max(height, 22)


def test_chains_are_straight(pictures):
    laid = lay_out(pictures["overflow"].graph)
    assert len({round(place.x, 3) for place in laid.places.values()}) == 1
    laid = lay_out(pictures["records"].graph)
    folds = [laid.places[n.name].x for n in pictures["records"].graph.nodes if n.kind == "fold"]
    assert max(folds) - min(folds) < 40


def test_wide_letters_get_room():
    narrow, wide = Node("a", "operation", [Line("title", "ab" * 9)]), Node("b", "operation")
    wide.lines = [Line("title", "权重" * 9)]
    assert size_of(wide)[0] > 1.8 * size_of(narrow)[0] - 40


def test_lanes_are_shared():
    a, b, c, d = (Node(name, "operation", [Line("title", name)]) for name in "abcd")
    edges = [Edge(*ends, [0]) for ends in ((a, b), (b, c), (c, d), (a, c), (a, d))]
    laid = lay_out(Graph([a, b, c, d], edges))
    lanes = {route.edge.end.name: route for route in laid.routes if route.edge.start is a}
    assert lanes["d"].lane[0] == lanes["c"].lane[0]
    assert (lanes["c"].shared, lanes["d"].shared) == (0, 1)


def test_a_graph_of_nothing():
    laid = lay_out(Graph([], []))
    assert (laid.width, laid.height, laid.places) == (0, 0, {})


@given(
    st.lists(
        st.tuples(st.floats(-100, 100), st.floats(0.1, 9), st.floats(0, 30)), min_size=1, max_size=9
    )
)
def test_places_are_the_nearest_that_keep_the_distances(rows):
    wished, weights, gaps = (list(column) for column in zip(*rows, strict=True))
    gaps = gaps[1:]
    found = _apart(wished, weights, gaps)
    assert all(b - a >= gap - 1e-7 for (a, b), gap in zip(pairwise(found), gaps, strict=True))

    def cost(at):
        return sum(w * (a - b) ** 2 for a, b, w in zip(at, wished, weights, strict=True))

    rng = np.random.default_rng(0)
    for _ in range(20):  # no other that keeps them is nearer
        moved = np.array(found) + rng.standard_normal(len(found))
        for i, gap in enumerate(gaps):
            moved[i + 1] = max(moved[i + 1], moved[i] + gap)
        assert cost(moved) >= cost(found) - 1e-6


@pytest.mark.parametrize("seed", range(20))
def test_random_graphs(seed):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(2, 40))
    nodes = [
        Node(str(i), "operation", [Line("title", "x" * int(rng.integers(1, 30)))])
        for i in range(count)
    ]
    pairs = {tuple(sorted(rng.integers(0, count, 2).tolist())) for _ in range(2 * count)}
    graph = Graph(nodes, [Edge(nodes[a], nodes[b], [0]) for a, b in sorted(pairs) if a != b])

    class Picture:
        pass

    picture = Picture()
    picture.graph = graph
    test_boxes_do_not_overlap(picture)
    test_edges_go_down_and_cross_no_box(picture)
