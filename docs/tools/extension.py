"""What the site adds to Sphinx: pictures, notebooks, sources, docstrings, mathematics, Chinese."""

import re
import shutil
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util.logging import getLogger

from docs.tools import drawings
from docs.tools.docstrings import linked, sections
from docs.tools.names import DESCRIBED, Names
from docs.tools.pictures import draw_all
from docs.tools.sources import pages
from docs.tools.transforms import ChineseLines, SourceLinks, TwoPictures

LOGGER = getLogger(__name__)
ROOT = Path(__file__).parent.parent.parent

#: Where a bare name in a docstring may be at home, beside its own module.
HOMES = ("gradtape", "gradtape.GradientTape", "gradtape.Tensor")


def bring(app: Sphinx) -> None:
    """Put pictures and notebooks beside the pages."""
    folder = Path(app.srcdir)
    draw_all(folder / "pictures")
    drawings.draw_all(folder / "pictures")
    notebooks = folder / "notebooks"
    notebooks.mkdir(exist_ok=True)
    given = {path.name: path for path in (ROOT / "examples").glob("*.ipynb")}
    for old in notebooks.glob("*.ipynb"):
        if old.name not in given:
            old.unlink()
    for name, path in given.items():
        new = notebooks / name
        if not new.exists() or new.read_bytes() != path.read_bytes():
            shutil.copyfile(path, new)


def docstring(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Sections, and links to what is named."""
    module = getattr(obj, "__module__", None) or name.rpartition(".")[0]

    def target(code: str) -> str | None:
        code = code.removesuffix("()").replace("gt.", "gradtape.", 1)
        homes = ("", name, name.rpartition(".")[0], module, *HOMES)
        if code == name.rpartition(".")[2] or not re.fullmatch(r"[A-Za-z_][\w.]*", code):
            return None
        for home in homes:
            full = f"{home}.{code}".strip(".")
            if full in DESCRIBED:
                return full
        return None

    lines[:] = linked(sections(lines), target, "../")


def show_page(app: Sphinx, pagename: str, template: str, context: Any, doctree: Any) -> None:
    """A Chinese page says that it is one."""
    if pagename.endswith(".zh"):
        context["language"] = "zh-CN"


def math(self: Any, node: nodes.Element) -> None:
    """Mathematics as MathML, which browsers set without a script."""
    block = isinstance(node, nodes.math_block)
    text = node.astext().strip().replace(r"\dots", r"\ldots")  # the name that docutils knows
    if "&" in text:
        text = rf"\begin{{aligned}} {text} \end{{aligned}}"
    try:
        mathml = tex2mathml(text, as_block=block)
    except MathError as error:
        LOGGER.warning("cannot set %r: %s", text, error, location=node)
        raise nodes.SkipNode from None
    self.body.append(f'<div class="math">{mathml}</div>' if block else mathml)
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("builder-inited", bring)
    app.connect("autodoc-process-docstring", docstring)
    app.connect("html-collect-pages", lambda app: pages())
    app.connect("html-page-context", show_page)
    app.add_html_math_renderer("mathml", (math, None), (math, None))
    app.add_directive("names", Names)
    for transform in (ChineseLines, SourceLinks, TwoPictures):
        app.add_transform(transform)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
