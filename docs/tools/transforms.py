"""What is changed in a page's document tree once it is read."""

import re
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform

__all__ = ["ChineseLines", "SourceLinks", "TwoPictures"]

_CHINESE = re.compile("[\u2e80-\u9fff\uff00-\uffef“”]")
_PUNCTUATION = re.compile("[\u3000-\u303f\uff00-\uff65]")


class ChineseLines(SphinxTransform):
    """A line's end between two Chinese signs, or beside a wide mark, is no space."""

    default_priority = 400

    def apply(self, **kwargs: object) -> None:
        """Change the page that was read."""
        for end in [text for text in self.document.findall(nodes.Text) if text == "\n"]:
            line = end.parent.children
            at = next(
                i for i, node in enumerate(line) if node is end
            )  # not the first that is equal
            beside = [
                node.astext() for node in (*line[max(at - 1, 0) : at], *line[at + 1 : at + 2])
            ]
            if len(beside) < 2 or not all(beside):
                continue
            signs = beside[0][-1], beside[1][0]
            if all(map(_CHINESE.match, signs)) or any(map(_PUNCTUATION.match, signs)):
                del end.parent[at]


class SourceLinks(SphinxTransform):
    """A link to a file of the package or to a notebook leads to the site's page of it."""

    default_priority = 400

    def apply(self, **kwargs: object) -> None:
        """Change the page that was read."""
        docname = self.env.docname
        up = "../" * docname.count("/")
        for link in list(self.document.findall(addnodes.download_reference)):
            page = self._page(link["reftarget"])
            if page:
                to = nodes.reference("", "", *link.children, internal=True, refuri=up + page)
                link.replace_self(to)

    def _page(self, target: str) -> str | None:
        path = Path(self.env.relfn2path(target, self.env.docname)[1]).resolve()
        root = Path(self.env.srcdir).parent
        if path.suffix == ".py" and root / "src" in path.parents:
            return f"source/{path.relative_to(root / 'src').with_suffix('')}.html"
        if path.suffix == ".ipynb" and path.parent == root / "examples":
            return f"notebooks/{path.stem}.html"
        return None


class TwoPictures(SphinxTransform):
    """A picture that has a twin for dark pages is followed by it; the theme shows one of them."""

    default_priority = 400

    def apply(self, **kwargs: object) -> None:
        """Change the page that was read."""
        for image in list(self.document.findall(nodes.image)):
            twin = re.sub(r"\.svg$", "-dark.svg", image["uri"])
            path = Path(self.env.relfn2path(twin, self.env.docname)[1])
            if twin == image["uri"] or not path.exists():
                continue
            dark = image.deepcopy()
            dark["uri"] = twin
            image["classes"].append("only-light")
            dark["classes"].append("only-dark")
            image.parent.insert(image.parent.index(image) + 1, dark)
