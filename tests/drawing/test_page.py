"""The pictures of the page on drawing are drawn from the page's own programs."""

import re
import xml.etree.ElementTree as ET

from docs.tools.drawings import PAGE, draw_page


def test_the_pages_pictures_are_those_that_it_shows(tmp_path):
    written = {path.name for path in draw_page(PAGE, tmp_path)}
    shown = set(re.findall(r"\]\(pictures/(draw-[\w.-]+)\)", PAGE.read_text(encoding="utf-8")))
    assert shown <= written
    assert written - shown == {
        name.replace(".svg", "-dark.svg") for name in shown if ".svg" in name
    }
    for name in sorted(written):
        if name.endswith(".svg"):
            text = (tmp_path / name).read_text(encoding="utf-8")
            ET.fromstring(text)
            assert "draw.md, line" in text
