"""Pictures as SVG: one file with its own style sheet, for light and dark pages."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from html import escape
from typing import Any

from gradtape.drawing.graph import Graph, Node
from gradtape.drawing.layout import LETTERS, Laid
from gradtape.drawing.painting import (
    COLOURS,
    HEAD,
    MARGIN,
    colour_of,
    corner,
    legend_rows,
    lines_at,
    strokes,
    way,
)

__all__ = ["NARROWEST", "ROW", "box", "legend_group", "picture", "sheet"]

FONTS = "ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,'Liberation Mono',monospace"
#: Height of a row of the legend.
ROW = 19.0
#: The narrowest picture, for its legend.
NARROWEST = 420.0


def n(value: float) -> str:
    """A length in as few letters as it needs."""
    return f"{value:.1f}".removesuffix(".0") if abs(value) >= 0.05 else "0"


def sheet(scope: str, theme: str) -> str:
    """The style sheet of what is inside of a selector."""
    letters = "".join(
        [f"{scope} .{style}{{font-size:{size}px}}" for style, (size, _) in LETTERS.items()]
    )
    common = (
        f"{scope}{{font-family:{FONTS}}}{scope} text{{text-anchor:middle;white-space:pre}}{letters}"
        f"{scope} .title{{font-weight:700}}{scope} .role{{font-weight:700;letter-spacing:.04em}}"
        f"{scope} .way{{fill:none;stroke-width:1.2}}{scope} .way.bad{{stroke-width:2.2}}"
        f"{scope} .way.dead{{stroke-dasharray:4 3}}{scope} .key{{text-anchor:start;font-size:10px}}"
    )
    if theme != "auto":
        return common + colours(scope, theme)
    dark = colours(scope, "dark")
    return f"{common}{colours(scope, 'light')}@media (prefers-color-scheme:dark){{{dark}}}"


def colours(scope: str, theme: str) -> str:
    """The rules that differ between light and dark."""
    c = COLOURS[theme]
    rules = [f"{scope} .paper{{fill:{c['paper']}}}"]
    rules += [f"{scope} .c-{name}{{fill:{c[name]}}}" for name in ("ink", "faint", "slope")]
    for name, value in c.items():
        if f"{name}-fill" in c:
            rules.append(f"{scope} .w-{name}{{fill:{c[f'{name}-fill']};stroke:{value}}}")
            rules.append(f"{scope} .c-{name}{{fill:{value}}}")
    for look in ("", "-dead", "-bad"):
        kind = f".{look[1:]}" if look else ""
        rules.append(f"{scope} .way{kind}{{stroke:{c[f'edge{look}']}}}")
        rules.append(f"{scope} .head{kind}{{fill:{c[f'edge{look}']}}}")
    return "".join(rules)


def wall(node: Node, width: float, height: float) -> str:
    """The outlines of a box around (0, 0)."""
    look, round_ = node.look, corner(node)
    parts = []
    if node.kind == "fold":  # a pile of cards
        parts += [_rectangle(look, width, height, round_, off, 1.0) for off in (6.0, 3.0)]
    for stroke in strokes(node):
        parts.append(
            _rectangle(
                look,
                width - 2 * stroke.inset,
                height - 2 * stroke.inset,
                max(round_ - stroke.inset, 2),
                0,
                stroke.width,
                ' stroke-dasharray="5 3"' if stroke.dash else "",
                stroke.inset > 0,
            )
        )
    return "".join(parts)


def _rectangle(
    look: str,
    width: float,
    height: float,
    round_: float,
    off: float,
    stroke: float,
    more: str = "",
    empty: bool = False,
) -> str:
    fill = ' style="fill:none"' if empty else ""
    round_ = min(round_, height / 2)
    return (
        f'<rect class="w-{look}" x="{n(off - width / 2)}" y="{n(off - height / 2)}" '
        f'width="{n(width)}" height="{n(height)}" rx="{n(round_)}" stroke-width="{n(stroke)}"'
        f"{more}{fill}/>"
    )


def box(node: Node, width: float, height: float) -> str:
    """A box with its text around (0, 0)."""
    texts = [
        f'<text class="{line.style} c-{colour_of(node, line.style)}" y="{n(y)}">'
        f"{escape(line.text, quote=False)}</text>"
        for line, y in lines_at(node)
    ]
    return wall(node, width, height) + "".join(texts)


def path(steps: list[Any]) -> str:
    """A way as SVG writes it."""
    return "".join([letter + " ".join([n(p) for p in points]) for letter, points in steps])


def edges(laid: Laid) -> str:
    """All edges of a graph."""
    parts = []
    for route in laid.routes:
        steps = way(laid, route)
        look = f" {route.edge.look}" if route.edge.look else ""
        x, end = steps[-1][1][-2], laid.places[route.edge.end.name]
        tip = end.y - end.height / 2
        parts.append(f'<path class="way{look}" d="{path(steps)}"/>')
        parts.append(f'<path class="head{look}" d="M{n(x)} {n(tip)}l-3.6 {n(-HEAD - 1)}h7.2z"/>')
    return "".join(parts)


def legend_group(nodes: Sequence[Node], width: float) -> tuple[str, float]:
    """The legend, and its height."""
    parts = []
    rows = legend_rows(nodes, width)
    for i, row in enumerate(rows):
        for role, words, x in row:
            y = i * ROW + ROW / 2
            if role == "slope":
                mark = f'<text class="value c-slope" x="{n(x + 11)}" y="{n(y + 4)}">∂</text>'
                words = words.removeprefix("∂: ")
            else:
                kind: Any = role if role in ("source", "constant", "fold") else "operation"
                small = wall(Node("", kind, roles=[role]), 18, 10)
                mark = f'<g transform="translate({n(x + 11)} {n(y)})">{small}</g>'
            text = f'<text class="key c-faint" x="{n(x + 32)}" y="{n(y + 3.5)}">{words}</text>'
            parts.append(mark + text)
    return "".join(parts), len(rows) * ROW


def picture(graph: Graph, laid: Laid, title: str, theme: str = "auto") -> str:
    """The whole picture."""
    inner = max(laid.width, NARROWEST)
    width = inner + 2 * MARGIN
    key, key_height = legend_group(graph.nodes, inner)
    height = laid.height + key_height + 3 * MARGIN
    shift = MARGIN + (inner - laid.width) / 2
    boxes = []
    for node in graph.nodes:
        place = laid.places[node.name]
        hint = "\n".join([*[line.text for line in node.lines], *node.more])
        boxes.append(
            f'<g class="box" data-name="{node.name}" data-roles="{" ".join(node.roles)}" '
            f'transform="translate({n(place.x)} {n(place.y)})">'
            f"<title>{escape(hint, quote=False)}</title>"
            f"{box(node, place.width, place.height)}</g>"
        )
    body = (
        f'<rect class="paper" width="{n(width)}" height="{n(height)}" rx="6"/>'
        f'<g transform="translate({n(shift)} {n(MARGIN)})">{edges(laid)}{"".join(boxes)}</g>'
        f'<g transform="translate({n(MARGIN)} {n(laid.height + 2 * MARGIN)})">{key}</g>'
    )
    mark = hashlib.blake2b(body.encode(), digest_size=5).hexdigest()
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" id="gradtape-{mark}" role="img" '
        f'width="{n(width)}" height="{n(height)}" viewBox="0 0 {n(width)} {n(height)}" '
        f'style="max-width:100%;height:auto"><title>{escape(title, quote=False)}</title>'
        f"<style>{sheet(f'#gradtape-{mark}', theme)}</style>{body}</svg>\n"
    )
