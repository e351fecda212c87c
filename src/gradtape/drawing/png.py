"""Pictures as PNG, painted by matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gradtape.drawing.graph import Graph, Line, Node
from gradtape.drawing.layout import LETTERS, Laid, needed
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
from gradtape.drawing.svg import NARROWEST, ROW

__all__ = ["paint"]

#: Dots per unit, and how many dots a side has at most.
SCALE, LARGEST = 2.0, 30_000
#: The first has all the letters but for those of East Asia.
FONTS = [
    "DejaVu Sans Mono", "Noto Sans Mono CJK SC", "Noto Sans CJK SC", "Source Han Sans SC",
    "WenQuanYi Micro Hei", "Microsoft YaHei", "PingFang SC", "Hiragino Sans", "Arial Unicode MS",
]  # fmt: skip


class _Painter:
    """Paints with matplotlib's figures, in the units of the layout."""

    def __init__(self, width: float, height: float, theme: str) -> None:
        figure_module = needed("matplotlib.figure")
        self.agg = needed("matplotlib.backends.backend_agg")
        self.patches, self.paths = needed("matplotlib.patches"), needed("matplotlib.path")
        self.fonts = needed("matplotlib.font_manager")
        self.colours = COLOURS["dark" if theme == "dark" else "light"]
        # A unit is a point: matplotlib's sizes of letters and strokes are in points.
        self.figure = figure_module.Figure(
            figsize=(width / 72, height / 72), facecolor=self.colours["paper"]
        )
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set(xlim=(0, width), ylim=(height, 0))
        self.axes.set_axis_off()
        there = {font.name for font in self.fonts.fontManager.ttflist}
        self.family = [name for name in FONTS if name in there]
        self.dots = min(SCALE, LARGEST / max(width, height))

    def write(self, path: Path) -> None:
        self.agg.FigureCanvasAgg(self.figure)
        self.figure.savefig(path, format="png", dpi=72 * self.dots, metadata={"Software": None})

    def text(self, x: float, y: float, line: Line, colour: str, align: str = "center") -> None:
        self.axes.text(
            x,
            y,
            line.text,
            color=self.colours[colour],
            fontsize=LETTERS[line.style][0],
            fontweight="bold" if line.style in ("title", "role") else "normal",
            fontfamily=self.family,
            ha=align,
            va="baseline",
            parse_math=False,
        )

    def wall(self, node: Node, x: float, y: float, width: float, height: float) -> None:
        look, round_ = node.look, corner(node)
        piles = (6.0, 3.0) if node.kind == "fold" else ()
        for off in piles:
            self._rectangle(look, x + off, y + off, width, height, round_, 1.0)
        for stroke in strokes(node):
            wide, tall = width - 2 * stroke.inset, height - 2 * stroke.inset
            around = max(round_ - stroke.inset, 2)
            dash = (0, stroke.dash) if stroke.dash else "-"
            self._rectangle(look, x, y, wide, tall, around, stroke.width, dash, stroke.inset > 0)

    def _rectangle(
        self,
        look: str,
        x: float,
        y: float,
        width: float,
        height: float,
        round_: float,
        stroke: float,
        dash: Any = "-",
        empty: bool = False,
    ) -> None:
        self.axes.add_patch(
            self.patches.FancyBboxPatch(
                (x - width / 2, y - height / 2),
                width,
                height,
                boxstyle=f"round,pad=0,rounding_size={min(round_, height / 2)}",
                facecolor="none" if empty else self.colours[f"{look}-fill"],
                edgecolor=self.colours[look],
                linewidth=stroke,
                linestyle=dash,
                zorder=2,
            )
        )

    def edges(self, laid: Laid, x: float, y: float) -> None:
        path_class = self.paths.Path
        codes = {"M": [path_class.MOVETO], "L": [path_class.LINETO], "C": [path_class.CURVE4] * 3}
        for route in laid.routes:
            steps, look = way(laid, route), route.edge.look
            points = [
                (x + a, y + b)
                for _, flat in steps
                for a, b in zip(flat[::2], flat[1::2], strict=True)
            ]
            kinds = [code for letter, _ in steps for code in codes[letter]]
            colour = self.colours[f"edge-{look}" if look else "edge"]
            self.axes.add_patch(
                self.patches.PathPatch(
                    path_class(points, kinds),
                    facecolor="none",
                    edgecolor=colour,
                    linewidth=2.2 if look == "bad" else 1.2,
                    linestyle=(0, (4, 3)) if look == "dead" else "-",
                )
            )
            end = laid.places[route.edge.end.name]
            tip, at = y + end.y - end.height / 2, points[-1][0]
            corners = [(at, tip), (at - 3.6, tip - HEAD - 1), (at + 3.6, tip - HEAD - 1)]
            self.axes.add_patch(self.patches.Polygon(corners, facecolor=colour, linewidth=0))


def paint(path: Path, graph: Graph, laid: Laid, theme: str) -> None:
    """Write a picture.

    Raises
    ------
    ImportError : matplotlib is not installed.
    """
    inner = max(laid.width, NARROWEST)
    keys = legend_rows(graph.nodes, inner)
    painter = _Painter(inner + 2 * MARGIN, laid.height + len(keys) * ROW + 3 * MARGIN, theme)
    left = MARGIN + (inner - laid.width) / 2
    painter.edges(laid, left, MARGIN)
    for node in graph.nodes:
        place = laid.places[node.name]
        x, y = left + place.x, MARGIN + place.y
        painter.wall(node, x, y, place.width, place.height)
        for line, off in lines_at(node):
            painter.text(x, y + off, line, colour_of(node, line.style))
    for i, row in enumerate(keys):
        y = laid.height + 2 * MARGIN + i * ROW + ROW / 2
        for role, words, at in row:
            if role == "slope":
                painter.text(MARGIN + at + 11, y + 4, Line("value", "∂"), "slope")
            else:
                kind: Any = role if role in ("source", "constant", "fold") else "operation"
                painter.wall(Node("", kind, roles=[role]), MARGIN + at + 11, y, 18, 10)
            words = words.removeprefix("∂: ")
            painter.text(MARGIN + at + 32, y + 3.5, Line("kind", words), "faint", "left")
    painter.write(path)
