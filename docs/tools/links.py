"""Look for links of a built site that lead nowhere, and for what it would load from elsewhere.

``python docs/tools/links.py build/docs/html`` prints each, and fails if there is one.
"""

import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

__all__ = ["faults"]


class Page(HTMLParser):
    """A page's links, what it loads, and the anchors in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.loads: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value for name, value in attrs if value}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.add(given["href"])
        elif tag == "link" and given.get("rel") not in ("canonical", "search"):
            self.loads.add(given.get("href", ""))
        elif "src" in given:
            self.loads.add(given["src"])


def faults(site: Path) -> Iterator[str]:
    """What is wrong with the site's pages, a line for each fault."""
    paths = [path for path in site.rglob("*.html") if site / "_static" not in path.parents]
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in paths}
    for path, page in sorted(pages.items()):
        for url in sorted(page.links | page.loads):
            parts = urlsplit(url)
            if parts.scheme in ("http", "https") or parts.netloc:
                if url in page.loads:
                    yield f"{path.relative_to(site)} loads {url}"
                continue
            if parts.scheme:  # mailto:, data:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target /= "index.html"
            if not target.exists():
                yield f"{path.relative_to(site)} links to {url}, which is not there"
            elif target in pages and unquote(parts.fragment) not in pages[target].anchors | {""}:
                yield f"{path.relative_to(site)} links to {url}: there is no such anchor"


if __name__ == "__main__":
    found = list(faults(Path(sys.argv[1]).resolve()))
    print("\n".join(found) or "every link and anchor is there", file=sys.stderr if found else None)
    sys.exit(bool(found))
