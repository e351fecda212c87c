"""The picture of a computation, in each of its forms."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path

from gradtape.drawing import html, png, svg, terminal
from gradtape.drawing.graph import Graph
from gradtape.drawing.layout import Laid, lay_out
from gradtape.drawing.painting import Theme, checked_theme

__all__ = ["Drawing"]

#: The endings of the files that can be written.
ENDINGS = (".svg", ".png", ".html")


class Drawing:
    """A picture of a computation.

    In a notebook it shows itself; ``print`` gives the form for a terminal; ``save`` writes a file.

    Parameters
    ----------
    graph : what is drawn: its ``nodes`` and ``edges`` can be read.
    title : what the picture is called.
    """

    def __init__(self, graph: Graph, title: str) -> None:
        self.graph, self.title = graph, title

    @cached_property
    def _laid(self) -> Laid:
        return lay_out(self.graph)

    def svg(self, theme: Theme = "auto") -> str:
        """The picture as SVG.

        Parameters
        ----------
        theme : ``"light"``, ``"dark"``, or ``"auto"``: what the reader's screen prefers.
        """
        return svg.picture(self.graph, self._laid, self.title, checked_theme(theme))

    def html(self, theme: Theme = "auto") -> str:
        """A page whose folded boxes open, which tells more of each box that one points at.

        Parameters
        ----------
        theme : as for ``svg``.
        """
        return html.page(self.graph, self._laid, self.title, checked_theme(theme))

    def save(self, path: str | os.PathLike[str], *, theme: Theme = "auto") -> None:
        """Write the picture to a file.

        Parameters
        ----------
        path : the file; its ending, ``.svg``, ``.png`` or ``.html``, says which form.
        theme : ``"light"``, ``"dark"`` or ``"auto"``: what the reader's screen prefers; a PNG
            cannot know that, and is light.

        Raises
        ------
        ValueError : the file has another ending, or the theme is none of the three.
        ImportError : igraph, which lays the picture out, or matplotlib, which paints a PNG, is not
            installed.
        OSError : the file cannot be written.

        Examples
        --------
        >>> import numpy as np, gradtape as gt
        >>> picture = gt.draw(np.sin)(1.0)
        >>> picture.save("sin.pdf")
        Traceback (most recent call last):
            ...
        ValueError: ... a picture is saved as .svg, .png or .html, not as 'sin.pdf'
        """
        file, theme_ = Path(path), checked_theme(theme)
        ending = file.suffix.lower()
        if ending not in ENDINGS:
            raise ValueError(
                f"argument `path`: a picture is saved as .svg, .png or .html, not as {str(path)!r}"
            )
        if ending == ".png":
            png.paint(file, self.graph, self._laid, theme_)
        else:
            text = self.svg(theme) if ending == ".svg" else self.html(theme)
            file.write_text(text, encoding="utf-8")

    def _repr_svg_(self) -> str:
        return self.svg()

    def __rich__(self) -> object:
        return terminal.table(self.graph, self.title)

    def __str__(self) -> str:
        return terminal.text(self.graph, self.title)

    def __repr__(self) -> str:
        count = sum([node.kind == "operation" for node in self.graph.walk()])
        return f"<Drawing of {self.title}: {count} operations>"
