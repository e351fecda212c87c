"""A graph as ``gradtape.drawing`` shows it: a box for each value that is given or computed."""

from __future__ import annotations

from math import ceil, sqrt
from typing import Any

from gradtape.drawing.drawing import Drawing
from gradtape.drawing.graph import Edge, Line
from gradtape.drawing.graph import Graph as Picture
from gradtape.drawing.graph import Node as Box
from gradtape.drawing.wording import number, shortened, value_text
from gradtape.programs.graph import Graph, Node
from gradtape.programs.text import _short, _type, bytes_of, flops_of

__all__ = ["drawn"]

#: So many operations at most stand by themselves; more are folded, run by run.
MOST = 40
WIDTH = 38


def drawn(graph: Graph, title: str) -> Drawing:
    """The picture of a graph.

    Inputs look as constants do, and say that they are inputs; numbers stand in the titles of what
    uses them.
    """
    boxes = {node: _box(node, graph) for node in graph.nodes if not _is_number(node, graph)}
    used = {i for node in graph.nodes for i in node.inputs}
    given = [
        n for n in boxes if n.op is None and (n in used or n in graph.inputs or n in graph.outputs)
    ]
    computed = [node for node in boxes if node.op is not None]
    if len(computed) <= MOST:
        return Drawing(_picture([*given, *computed], boxes, dict(boxes)), title)
    run = max(MOST // 2, ceil(sqrt(len(computed))))
    home, folds = dict(boxes), []
    for start in range(0, len(computed), run):
        inside = computed[start : start + run]
        fold = _fold(inside, boxes, start)
        folds.append(fold)
        home |= dict.fromkeys(inside, fold)
    return Drawing(_picture([*given, *computed], boxes, home), title)


def _is_number(node: Node, graph: Graph) -> bool:
    """Whether it is a constant that is one number; one that is returned has a box."""
    return (
        node.op is None and node.value is not None and not node.shape and node not in graph.outputs
    )


def _picture(nodes: list[Node], boxes: dict[Node, Box], home: dict[Node, Box]) -> Picture:
    """The boxes that nodes stand in, and what flows between them."""
    shown = list(dict.fromkeys([home[node] for node in nodes]))
    flows: dict[tuple[Box, Box], list[int]] = {}
    for node in nodes:
        for i in node.inputs:
            start = home.get(i)
            if start is not None and start is not home[node] and start in shown:
                keys = flows.setdefault((start, home[node]), [])
                if i.number not in keys:
                    keys.append(i.number)
    return Picture(shown, [Edge(start, end, list(keys)) for (start, end), keys in flows.items()])


def _box(node: Node, graph: Graph) -> Box:
    """The box of one value."""
    is_input = node in graph.inputs
    box = Box(f"value{node.number}", "constant" if node.op is None else "operation")
    box.number, box.keys = node.number, (node.number,)
    words = ["OUTPUT"] * (node in graph.outputs)
    if node.op is None:
        box.roles = ["constant"]
        words.insert(0, "INPUT" if is_input else "CONSTANT")
    if words:
        box.lines.append(Line("role", " · ".join(words)))
    name = f"input {graph.inputs.index(node)}" if is_input else _title(node)
    box.lines.append(Line("title", shortened(name, WIDTH)))
    box.lines.append(Line("kind", shortened(_type(node), WIDTH)))
    if node.value is not None:
        box.lines.append(Line("value", value_text(node.value)))
    for guard in graph.guards:
        if guard.node is node:
            asked = getattr(guard.look, "__name__", "its value")
            box.lines.append(Line("note", shortened(f"guard: {asked} is {guard.seen!r}", WIDTH)))
    flops = flops_of(node)
    box.more = [f"%{node.number}: {bytes_of(node):,} bytes" + f", {flops:,} flops" * (flops > 0)]
    return box


def _title(node: Node) -> str:
    """What it does, with the numbers that it does it with; a dot stands for what comes in."""
    if node.op is None:
        return "a constant"
    given = [number(i.value, 4) if _is_plain(i) else "·" for i in node.inputs]
    names = getattr(node.op, "params", ())
    names = names if len(names) == len(node.params) else [""] * len(node.params)
    pairs = zip(names, node.params, strict=True)
    params = [f"{n}={_short(p)}" if n else _short(p) for n, p in pairs]
    told = [*given, *params] if params or set(given) != {"·"} else []
    return f"{node.name}({', '.join(told)})" if told else node.name


def _is_plain(node: Node) -> Any:
    return node.op is None and node.value is not None and not node.shape


def _fold(inside: list[Node], boxes: dict[Node, Box], start: int) -> Box:
    """A box that holds a run of operations."""
    fold = Box(f"fold{start}", "fold", roles=["fold"])
    names = ", ".join(dict.fromkeys([node.name for node in inside]))
    fold.lines = [
        Line("role", "FOLDED"),
        Line("title", f"operations {start + 1:,} to {start + len(inside):,}"),
        Line("note", shortened(f"{len(inside):,} operations: {names}", WIDTH)),
    ]
    fold.keys = tuple([node.number for node in inside])
    own = {node: boxes[node] for node in inside}
    fold.inside = _picture(inside, boxes, own)
    return fold
