"""The pictures of the page on drawing, from the programs that stand there.

``python docs/tools/drawings.py FOLDER`` runs the page's programs and saves every picture that has a
name in them: ``draw-NAME.svg`` for a light page, ``draw-NAME-dark.svg`` for a dark one, and, where
boxes open, ``draw-NAME.html``.
"""

import contextlib
import io
import re
import sys
from pathlib import Path
from typing import Any

import gradtape as gt
from gradtape.drawing import Drawing

__all__ = ["draw_all", "draw_page"]

PAGE = Path(__file__).parent.parent / "draw.md"
BLOCK = re.compile(r"(?<!<!-- not run -->\n)^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def draw_page(page: Path, folder: Path) -> list[Path]:
    """Save the pictures of a page; the answer is what was written."""
    text = page.read_text(encoding="utf-8")
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in BLOCK.finditer(text):
        # Empty lines before it: the pictures show the page's lines.
        lines = "\n" * text.count("\n", 0, block.start(1))
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(lines + block[1], str(page), "exec"), names)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, picture in names.items():
        if isinstance(picture, Drawing):
            stem = f"draw-{name.replace('_', '-')}"
            for theme, ending in (("light", ""), ("dark", "-dark")):
                written.append(folder / f"{stem}{ending}.svg")
                picture.save(written[-1], theme=theme)
            if any(node.inside is not None for node in picture.graph.nodes):
                written.append(folder / f"{stem}.html")
                picture.save(written[-1])
    return written


def draw_all(folder: Path) -> None:
    """Draw, unless all is newer than the library, the page and this file."""
    sources = [Path(__file__), PAGE, *Path(gt.__file__).parent.rglob("*.py")]
    newest = max(path.stat().st_mtime for path in sources)
    there = list(folder.glob("draw-*"))
    if not there or min(path.stat().st_mtime for path in there) < newest:
        draw_page(PAGE, folder)


if __name__ == "__main__":
    draw_all(Path(sys.argv[1]))
