"""Pages of highlighted source, for the links from the pages and from the API reference."""

import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

__all__ = ["pages", "place"]

ROOT = Path(__file__).parent.parent.parent / "src"


def place(module: str, name: str) -> str | None:
    """Where an object's source is shown, as seen from a page of the API reference; None if nowhere.

    Examples
    --------
    >>> place("gradtape", "grad").split("#")[0]
    '../source/gradtape/operators/gradients.html'
    >>> place("gradtape.scipy.fft", "fftfreq") is None
    True
    """
    found = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part, None)  # an instance's attribute has no place of its own
    found = inspect.unwrap(found.fget if isinstance(found, property) else found)  # type: ignore
    try:
        path = inspect.getsourcefile(found)
        line = inspect.getsourcelines(found)[1]
    except (TypeError, OSError):
        return None
    if path is None or ROOT not in Path(path).parents:
        return None
    return f"../source/{Path(path).relative_to(ROOT).with_suffix('')}.html#L-{line}"


def pages() -> Iterator[tuple[str, dict[str, Any], str]]:
    """For each file its page: name, context and template, as Sphinx wants them."""
    formatter = HtmlFormatter(lineanchors="L", nowrap=False, cssclass="highlight")
    for path in sorted(ROOT.rglob("*.py")):
        name = path.relative_to(ROOT)
        text = highlight(path.read_text(encoding="utf-8"), PythonLexer(), formatter)
        heading = f"<h1><code>{name}</code></h1>"
        context = {"title": str(name), "body": heading + text, "sourcename": ""}
        yield f"source/{name.with_suffix('')}", context, "page.html"
