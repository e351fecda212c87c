"""Where each box goes: in rows, so that everything flows downwards.

Which row, and how wide a box is, is known here; igraph orders the boxes of each row so that few
edges cross (K. Sugiyama, S. Tagawa and M. Toda, "Methods for visual understanding of hierarchical
system structures", IEEE Trans. SMC 11 (1981), 109-125). Then each row is moved to where its edges
become straight, its order and distances kept.
"""

from __future__ import annotations

import importlib
import unicodedata
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from gradtape.drawing.graph import Edge, Graph, Kind, Line, Node, Style

__all__ = ["Laid", "Place", "Route", "lay_out", "needed", "size_of", "text_width"]

#: Size of each style's letters, and how much height a line of it takes.
LETTERS: dict[Style, tuple[float, float]] = {
    "role": (8.5, 13),
    "title": (12.5, 18),
    "code": (10, 14),
    "kind": (10, 14),
    "value": (11, 15.5),
    "slope": (11, 15.5),
    "note": (10, 14),
}
#: The width of a letter of a monospaced typeface, by its size.
EM = 0.602
#: From a box's wall to its text, at the sides, and above and below.
PADDING, ABOVE = 11.0, 6.0
#: Between boxes of a row, between an edge and its neighbours, and between rows.
APART, LANES_APART, BETWEEN = 22.0, 14.0, 34.0
#: How often rows are straightened.
SWEEPS = 25


def needed(module: str) -> Any:
    """A module that comes with the extra ``draw``.

    Raises
    ------
    ImportError : it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        name = module.partition(".")[0]
        raise ImportError(
            f"drawing needs {name}, which is not installed: pip install 'gradtape[draw]'"
        ) from error


#: How much a member of a row matters when it and its neighbours are too near.
WEIGHTS: dict[Kind, float] = {
    "operation": 4.0,
    "fold": 4.0,
    "port": 1.0,
    "source": 0.5,
    "constant": 0.5,
}
LANE = 8.0
#: How much an edge wants to be straight: one between two operations, or along a lane, more than
#: what comes in from the side.
STRAIGHT, ASIDE = 4.0, 0.02
#: Boxes without edges stand in rows of so many.
ABREAST = 5


@dataclass(frozen=True, slots=True)
class _Member:
    """What stands in a row: a box, or, without width, an edge on its way."""

    width: float
    row: int
    weight: float


@dataclass(slots=True)
class Place:
    """The centre and size of a box, and its row."""

    x: float
    y: float
    width: float
    height: float
    row: int


@dataclass(slots=True)
class Route:
    """The way of an edge.

    ``lane`` is the x at each row that it passes, of which the first ``shared`` belong to another
    edge too, which is drawn there; ``end`` is how far from its box's centre it ends.
    """

    edge: Edge
    end: float
    lane: list[float]
    shared: int


@dataclass(slots=True)
class Laid:
    """A graph laid out, its upper left corner at (0, 0): ``rows`` are top and bottom of each."""

    places: dict[str, Place]
    routes: list[Route]
    rows: list[tuple[float, float]]
    width: float
    height: float


def text_width(line: Line) -> float:
    """How wide a line is."""
    wide = sum([2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line.text])
    return wide * LETTERS[line.style][0] * EM * (1.04 if line.style == "title" else 1)


def size_of(node: Node) -> tuple[float, float]:
    """The width and height of a box."""
    width = max([text_width(line) for line in node.lines], default=0) + 2 * PADDING
    height = sum([LETTERS[line.style][1] for line in node.lines]) + 2 * ABOVE
    if node.kind == "port":
        return width, 22.0
    return max(width, 64.0), height


def lay_out(graph: Graph) -> Laid:
    """Lay a graph out, each of its boxes closed.

    Raises
    ------
    ImportError : igraph is not installed.
    """
    rows = _rows(graph)
    sizes = {node.name: size_of(node) for node in graph.nodes}
    chains = []  # of each edge: its points' numbers, from row to row
    members = [_Member(sizes[n.name][0], rows[n.name], WEIGHTS[n.kind]) for n in graph.nodes]
    number = {node.name: i for i, node in enumerate(graph.nodes)}
    lanes: dict[tuple[str, str, int], int] = {}  # edges that look alike share their start's lane
    for edge in graph.edges:
        points = []
        for row in range(rows[edge.start.name] + 1, rows[edge.end.name]):
            at = lanes.setdefault((edge.start.name, edge.look, row), len(members))
            if at == len(members):
                members.append(_Member(0.0, row, LANE))
            points.append(at)
        chains.append([number[edge.start.name], *points, number[edge.end.name]])
    x = _columns(members, list(dict.fromkeys([pair for c in chains for pair in pairwise(c)])))
    left = min([at - m.width / 2 for at, m in zip(x, members, strict=True)], default=0)
    right = max([at + m.width / 2 for at, m in zip(x, members, strict=True)], default=0)
    x = [at - left for at in x]
    tops, height = _heights([(rows[n.name], sizes[n.name][1]) for n in graph.nodes])
    places = {}
    for node in graph.nodes:
        row = rows[node.name]
        middle = (tops[row][0] + tops[row][1]) / 2
        places[node.name] = Place(x[number[node.name]], middle, *sizes[node.name], row)
    return Laid(places, _routes(graph, chains, x, places), tops, right - left, height)


def _rows(graph: Graph) -> dict[str, int]:
    """The row of each box: below all that it uses; a source right above its first use."""
    users: dict[str, list[str]] = {node.name: [] for node in graph.nodes}
    waiting = dict.fromkeys(users, 0)
    for edge in graph.edges:
        users[edge.start.name].append(edge.end.name)
        waiting[edge.end.name] += 1
    rows = dict.fromkeys(users, 0)
    ready = [name for name, count in waiting.items() if count == 0]
    origins = list(ready)
    order = []
    while ready:
        name = ready.pop()
        order.append(name)
        for user in users[name]:
            rows[user] = max(rows[user], rows[name] + 1)
            waiting[user] -= 1
            if waiting[user] == 0:
                ready.append(user)
    for name in origins:
        if users[name]:
            rows[name] = min([rows[user] for user in users[name]]) - 1
    loose = [name for name in origins if not users[name]]
    if len(loose) == len(rows):
        return {name: i // ABREAST for i, name in enumerate(rows)}
    last = max(rows.values(), default=0)
    for node in graph.nodes:
        if "in" in node.roles:
            rows[node.name] = 0
        elif "out" in node.roles:
            rows[node.name] = last
    lowest = min(rows.values(), default=0)
    return {name: row - lowest for name, row in rows.items()}


def _columns(members: list[_Member], pairs: list[tuple[int, int]]) -> list[float]:
    """The x of each member of the rows."""
    igraph = needed("igraph")
    if not members:
        return []
    picture = igraph.Graph(n=len(members), edges=pairs, directed=True)
    layers = [member.row for member in members]
    found = [x for x, _ in picture.layout_sugiyama(layers=layers).coords[: len(members)]]
    order: list[list[int]] = [[] for _ in range(max(layers) + 1)]
    for i in sorted(range(len(members)), key=lambda i: (found[i], i)):
        order[layers[i]].append(i)
    above: list[list[int]] = [[] for _ in members]
    below: list[list[int]] = [[] for _ in members]
    for a, b in pairs:
        above[b].append(a)
        below[a].append(b)
    x = [at * 120.0 if pairs else 0.0 for at in found]
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        for row in order if down else order[::-1]:
            wished = [_wish(i, (above if down else below)[i], x, members) for i in row]
            widths = [members[i].width for i in row]
            gaps = [_gap(a, b) for a, b in pairwise(widths)]
            weights = [members[i].weight for i in row]
            for i, at in zip(row, _apart(wished, weights, gaps), strict=True):
                x[i] = at
    return x


def _wish(i: int, near: list[int], x: list[float], members: list[_Member]) -> float:
    """Where a member would be if it were alone: amid those that it is connected with."""
    if not near:
        return x[i]
    weights = [_straightness(members[i], members[j]) for j in near]
    return sum([x[j] * w for j, w in zip(near, weights, strict=True)]) / sum(weights)


def _straightness(a: _Member, b: _Member) -> float:
    """How much the edge between two members wants to be straight."""
    main = min(a.weight, b.weight) >= WEIGHTS["operation"] and bool(a.width) == bool(b.width)
    return STRAIGHT if main else ASIDE


def _gap(a: float, b: float) -> float:
    """How far the centres of neighbours of two widths must be apart, at least."""
    return (a + b) / 2 + (APART if a and b else LANES_APART)


def _apart(wished: list[float], weights: list[float], gaps: list[float]) -> list[float]:
    """The places nearest to those wished for whose distances are the gaps at least.

    Isotonic regression, by pooling neighbours that are too near.
    """
    shift = [0.0]
    for gap in gaps:
        shift.append(shift[-1] + gap)
    pools: list[list[float]] = []  # mean, weight, count
    for want, weight, off in zip(wished, weights, shift, strict=True):
        pools.append([want - off, weight, 1])
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            mean, more, count = pools.pop()
            pool = pools[-1]
            pool[0] = (pool[0] * pool[1] + mean * more) / (pool[1] + more)
            pool[1] += more
            pool[2] += count
    level = [mean for mean, _, count in pools for _ in range(int(count))]
    return [at + off for at, off in zip(level, shift, strict=True)]


def _heights(boxes: list[tuple[int, float]]) -> tuple[list[tuple[float, float]], float]:
    """Top and bottom of each row, and the height of all."""
    tall = [0.0] * (max([row for row, _ in boxes], default=-1) + 1)
    for row, height in boxes:
        tall[row] = max(tall[row], height)
    tops, y = [], 0.0
    for height in tall:
        tops.append((y, y + height))
        y += height + BETWEEN
    return tops, max(y - BETWEEN, 0.0)


def _routes(
    graph: Graph, chains: list[list[int]], x: list[float], places: dict[str, Place]
) -> list[Route]:
    """The ways of the edges; those that enter a box are spread over its top in their order."""
    entering: dict[str, list[tuple[float, int]]] = {}
    for i, (edge, chain) in enumerate(zip(graph.edges, chains, strict=True)):
        entering.setdefault(edge.end.name, []).append((x[chain[-2]], i))
    ends = [0.0] * len(chains)
    for name, coming in entering.items():
        step = min(26.0, (places[name].width - 24) / max(len(coming), 1))
        for place, (_, i) in enumerate(sorted(coming)):
            ends[i] = (place - (len(coming) - 1) / 2) * step
    drawn: dict[tuple[str, str], int] = {}
    routes = []
    for edge, chain, end in zip(graph.edges, chains, ends, strict=True):
        lane = [x[point] for point in chain[1:-1]]
        trunk = (edge.start.name, edge.look)
        routes.append(Route(edge, end, lane, min(len(lane), drawn.get(trunk, 0))))
        drawn[trunk] = max(drawn.get(trunk, 0), len(lane))
    return routes
