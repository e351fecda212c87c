"""Pictures as a table for a terminal, by rich."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

from gradtape.drawing.graph import ROLES, Graph, Node
from gradtape.drawing.layout import needed

__all__ = ["table", "text"]

#: A sign and a style for each role; the sign says it where there are no colours.
SIGNS = {
    "bad": ("✗", "bold dark_orange3"),
    "source": ("●", "bold dodger_blue2"),
    "target": ("◆", "bold green4"),
    "dead": ("┄", "dim"),
    "fold": ("▣", "bold"),
    "constant": ("○", ""),
    "operation": (" ", ""),
}
NARROWEST, WIDEST = 80, 120


def table(graph: Graph, title: str) -> Any:
    """The boxes of a picture as a table; below a loop, dim, the operations of its first pass.

    Raises
    ------
    ImportError : rich is not installed.
    """
    rich_table, box, text_class = needed("rich.table"), needed("rich.box"), needed("rich.text").Text
    found = rich_table.Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    found.add_column("", no_wrap=True)
    found.add_column("#", justify="right", no_wrap=True)
    found.add_column("operation", min_width=20, max_width=34, overflow="ellipsis", no_wrap=True)
    found.add_column("from", no_wrap=True, max_width=10)
    found.add_column("shape, dtype", max_width=18)
    found.add_column("value", max_width=30)
    found.add_column("∂ (cotangent)", max_width=30)
    ends: dict[str, list[str]] = {}
    numbers = {node.name: str(i) for i, node in enumerate(graph.nodes, 1)}
    for edge in graph.edges:
        ends.setdefault(edge.end.name, []).append(numbers[edge.start.name])
    for node in graph.nodes:
        sign, style = SIGNS[node.look]
        came = ", ".join(sorted(ends.get(node.name, []), key=int))
        number = numbers[node.name]
        found.add_row(sign, number, *_cells(node, came, text_class), style=style)
        for inner in _first_pass(node):
            sign, style = SIGNS[inner.look] if inner.look in ("bad", "target") else ("", "dim")
            found.add_row(sign, "", *_cells(inner, "", text_class, "│ "), style=style)
    roles = {role for node in graph.nodes for role in [*node.roles, node.kind]}
    told = [role for role in ROLES if role in roles and role != "operation"]
    words = [f"{SIGNS[role][0]} {ROLES[role]}" for role in told]
    found.caption, found.caption_justify = text_class("\n".join(words)), "left"
    return found


def text(graph: Graph, title: str) -> str:
    """The table as plain text, as wide as the terminal."""
    width = min(max(shutil.get_terminal_size((100, 24)).columns, NARROWEST), WIDEST)
    console = needed("rich.console").Console(
        width=width, color_system=None, force_terminal=False, legacy_windows=False
    )
    with console.capture() as capture:
        console.print(table(graph, title))
    return "\n".join([line.rstrip() for line in capture.get().replace("\xa0", " ").splitlines()])


def _cells(node: Node, came: str, text_class: Any, indent: str = "") -> list[Any]:
    """Operation, origin, kind, value and cotangent of a box."""
    operation = [node.title, *[line for line in node.text("code").split("\n") if line]]
    kind = node.text("kind")
    value, slope = node.text("value"), node.text("slope").replace("∂ ", "")
    # Lines are broken between "min 1" and "max 2", not within.
    value, slope = (
        " ".join([part.replace(" ", "\xa0") for part in text.split("  ")])
        if text.startswith(("min", "|", "→ min"))
        else text
        for text in (value, slope)
    )
    cells = ["\n".join([indent + line for line in operation]), came, kind, value, slope]
    return [text_class(cell) for cell in cells]


def _first_pass(node: Node) -> Iterator[Node]:
    """The boxes of a loop's first pass."""
    while node.inside is not None and node.title.startswith(("repeated", "passes")):
        node = next(n for n in node.inside.nodes if n.kind in ("operation", "fold"))
    if node.inside is not None and node.title.startswith("pass"):
        yield from [n for n in node.inside.nodes if n.kind in ("operation", "fold")]
