"""How boxes and edges look, whoever paints them: colours, strokes, ways, the legend."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from gradtape.drawing.graph import ROLES, Line, Node, Style
from gradtape.drawing.layout import LETTERS, Laid, Route, text_width

__all__ = [
    "COLOURS",
    "MARGIN",
    "Theme",
    "checked_theme",
    "corner",
    "legend",
    "lines_at",
    "strokes",
    "way",
]

Theme = Literal["auto", "light", "dark"]

#: Around the picture.
MARGIN = 18.0
#: How tall an arrow's head is.
HEAD = 6.0

# Hues from M. Okabe and K. Ito, "Color universal design" (2008), as dark or light as letters need
# and as far apart for any kind of colour vision as that allows. What a colour says is also said by
# the stroke and in words.
COLOURS: dict[str, dict[str, str]] = {
    "light": {
        "paper": "#ffffff",
        "ink": "#1b1f24",
        "faint": "#56606b",
        "slope": "#8a3468",
        "edge": "#6b7682",
        "edge-dead": "#a9b1ba",
        "edge-bad": "#c24e00",
        "source": "#0072b2",
        "source-fill": "#e4f1fa",
        "target": "#005c44",
        "target-fill": "#e1f4ed",
        "bad": "#a84300",
        "bad-fill": "#ffdcc6",
        "dead": "#6a737d",
        "dead-fill": "#fafbfb",
        "fold": "#2b333c",
        "fold-fill": "#e9edf1",
        "constant": "#6a737d",
        "constant-fill": "#ffffff",
        "operation": "#6b7682",
        "operation-fill": "#f7f8fa",
        "port": "#a9b1ba",
        "port-fill": "#ffffff",
    },
    "dark": {
        "paper": "#14181e",
        "ink": "#e9ecef",
        "faint": "#a7b1bb",
        "slope": "#e7a9cb",
        "edge": "#8d99a5",
        "edge-dead": "#59636d",
        "edge-bad": "#ff8b45",
        "source": "#56b4e9",
        "source-fill": "#12304a",
        "target": "#86ebca",
        "target-fill": "#0e382c",
        "bad": "#ff8b45",
        "bad-fill": "#4a230c",
        "dead": "#808b96",
        "dead-fill": "#171b21",
        "fold": "#f4f6f8",
        "fold-fill": "#303841",
        "constant": "#808b96",
        "constant-fill": "#14181e",
        "operation": "#8d99a5",
        "operation-fill": "#212830",
        "port": "#59636d",
        "port-fill": "#14181e",
    },
}


@dataclass(frozen=True, slots=True)
class Stroke:
    """A box's outline, drawn ``inset`` inside its wall, or outside of it where that is negative."""

    width: float
    dash: tuple[float, float] | None = None
    inset: float = 0.0


def checked_theme(theme: Any) -> str:
    """A theme, if it is one.

    Raises
    ------
    ValueError : it is none.
    """
    if theme not in get_args(Theme):
        raise ValueError(f"argument `theme` must be 'auto', 'light' or 'dark', not {theme!r}")
    return str(theme)


def strokes(node: Node) -> list[Stroke]:
    """The outlines of a box, which tell the roles apart without colours."""
    look = node.look
    width = {"bad": 3.2, "source": 1.8, "target": 1.8, "fold": 1.6}.get(look, 1.1)
    found = [Stroke(width, (5.0, 3.0) if look == "dead" else None)]
    if "target" in node.roles:
        found.append(Stroke(1.0, None, 3.5))
    return found


def corner(node: Node) -> float:
    """How round the corners are."""
    return 14.0 if node.kind in ("source", "constant") else 10.0 if node.kind == "port" else 5.0


def lines_at(node: Node) -> Iterator[tuple[Line, float]]:
    """Each line of a box with the height of its baseline, from the box's centre."""
    if node.kind == "port":
        yield node.lines[0], 3.6
        return
    y = -sum([LETTERS[line.style][1] for line in node.lines]) / 2
    for line in node.lines:
        size, height = LETTERS[line.style]
        yield line, y + (height + size * 0.7) / 2
        y += height


def colour_of(node: Node, style: Style) -> str:
    """The name of a line's colour."""
    if style == "role":
        return node.look
    if style == "slope":
        return "slope"
    if "dead" in node.roles or node.kind == "port":
        return "faint"
    return "ink" if style in ("title", "value") else "faint"


#: A step of a way: a letter as in SVG's paths, and points.
Step = tuple[str, tuple[float, ...]]


def way(laid: Laid, route: Route) -> list[Step]:
    """The way of an edge, as steps of a path, down to where its arrow's head begins.

    It bends between rows only, so that it never crosses a box.
    """
    start, end = laid.places[route.edge.start.name], laid.places[route.edge.end.name]
    x, row, lane = start.x, start.row, route.lane
    steps: list[Step] = [("M", (x, start.y + start.height / 2)), ("L", (x, laid.rows[row][1]))]
    if route.shared:
        x, row, lane = lane[route.shared - 1], row + route.shared, lane[route.shared :]
        steps = [("M", (x, laid.rows[row][1]))]
    for to in [*lane, end.x + route.end]:
        top, bottom = laid.rows[row + 1][0], laid.rows[row][1]
        middle = (top + bottom) / 2
        last = row + 1 == end.row
        stop = min(top, end.y - end.height / 2 - HEAD) if last else top
        steps.append(("C", (x, middle, to, middle, to, stop)))
        x, row = to, row + 1
        if not last:
            steps.append(("L", (x, laid.rows[row][1])))
    tip = end.y - end.height / 2
    if tip - HEAD > steps[-1][1][-1]:
        steps.append(("L", (x, tip - HEAD)))
    return steps


def legend(nodes: Sequence[Node]) -> list[tuple[str, str]]:
    """The roles that some boxes play, each with what it means; and the sign of cotangents."""
    there = {role for node in nodes for role in [*node.roles, node.kind]}
    found = [(role, words) for role, words in ROLES.items() if role in there]
    if any([line.style == "slope" for node in nodes for line in node.lines]):
        found.append(("slope", "∂: the cotangent, the target's slope by this value"))
    return found


def legend_rows(nodes: Sequence[Node], width: float) -> list[list[tuple[str, str, float]]]:
    """The legend in rows of a width: each entry's role, words and place."""
    rows: list[list[tuple[str, str, float]]] = [[]]
    x = 0.0
    for role, words in legend(nodes):
        long = 34 + text_width(Line("kind", words)) + 16
        if rows[-1] and x + long > width:
            rows.append([])
            x = 0.0
        rows[-1].append((role, words, x))
        x += long
    return [row for row in rows if row]
