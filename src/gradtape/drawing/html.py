"""Pictures as a page of their own, whose folded boxes open."""

from __future__ import annotations

import json
from html import escape
from importlib.resources import files
from typing import Any

from gradtape.drawing.graph import Graph, Node
from gradtape.drawing.layout import BETWEEN, Laid, lay_out
from gradtape.drawing.painting import COLOURS, HEAD
from gradtape.drawing.svg import NARROWEST, box, legend_group, sheet

__all__ = ["page"]

#: So many boxes at most are in a page. Of longer programs the insides of some boxes are left out.
MOST = 8_000


def page(graph: Graph, laid: Laid, title: str, theme: str) -> str:
    """The page, whole: it loads nothing."""
    data = _Data()
    data.add(graph, laid)
    key, key_height = legend_group(list(graph.walk()), 760)
    parts = {
        "TITLE": escape(title),
        "SHEET": sheet("#picture", theme) + sheet("#legend", theme) + _page_colours(theme),
        "LEGEND": f'<svg id="legend" width="{max(760, NARROWEST):g}" height="{key_height:g}">'
        f"{key}</svg>",
        "DATA": json.dumps(data.whole(), ensure_ascii=False, separators=(",", ":")).replace(
            "<", "\\u003c"
        ),
    }
    text = files("gradtape.drawing").joinpath("page.html").read_text(encoding="utf-8")
    for name, part in parts.items():
        text = text.replace(f"<!--{name}-->", part)
    return text


def _page_colours(theme: str) -> str:
    """The colours of the page around the picture."""

    def rules(theme: str) -> str:
        c = COLOURS[theme]
        names = ("paper", "ink", "faint", "slope", "edge", "source", "bad", "operation-fill")
        return ":root{" + "".join([f"--{name}:{c[name]};" for name in names]) + "}"

    if theme != "auto":
        return rules(theme)
    return f"{rules('light')}@media (prefers-color-scheme:dark){{{rules('dark')}}}"


class _Data:
    """What the page's program needs: every graph laid out, its boxes painted."""

    def __init__(self) -> None:
        self.graphs: list[Any] = []
        self.count = 0
        self.strings: dict[str, int] = {}

    def whole(self) -> dict[str, Any]:
        return {
            "graphs": self.graphs,
            "strings": list(self.strings),
            "between": BETWEEN,
            "head": HEAD,
        }

    def add(self, graph: Graph, laid: Laid) -> int:
        """Take a graph in, the insides of its boxes first; the answer is its number."""
        numbers = {node.name: i for i, node in enumerate(graph.nodes)}
        self.count += len(numbers)
        nodes = [self._node(node, laid) for node in graph.nodes]
        edges = [
            [
                numbers[route.edge.start.name],
                numbers[route.edge.end.name],
                round(route.end, 1),
                [round(x, 1) for x in route.lane],
                route.shared,
                route.edge.look,
            ]
            for route in laid.routes
        ]
        self.graphs.append({"nodes": nodes, "edges": edges, "rows": len(laid.rows)})
        return len(self.graphs) - 1

    def _node(self, node: Node, laid: Laid) -> dict[str, Any]:
        place = laid.places[node.name]
        found: dict[str, Any] = {
            "name": node.name,
            "title": node.title,
            "look": node.look,
            "roles": node.roles,
            "box": [round(v, 1) for v in (place.x, place.width, place.height)] + [place.row],
            "svg": box(node, place.width, place.height),
            "more": [self._string(text) for text in node.more],
        }
        if node.inside is not None:
            if self.count + len(node.inside.nodes) <= MOST or "bad" in node.roles:
                found["inside"] = self.add(node.inside, lay_out(node.inside))
            else:
                found["more"].append(self._string("its inside is left out of this page: too long"))
        return found

    def _string(self, text: str) -> int:
        """The number of a text: the lines of a loop's passes are the same."""
        return self.strings.setdefault(text, len(self.strings))
