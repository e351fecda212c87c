"""The documentation's site: what the build itself does not notice."""

import importlib
import re
from pathlib import Path

import pytest

from docs.tools.links import faults
from docs.tools.names import MODULES

DOCS = Path(__file__).parent.parent / "docs"


@pytest.mark.parametrize("name", MODULES)
def test_every_public_name_is_in_the_reference_once(name):
    page = DOCS / "api" / f"{name if name == 'gradtape' else name.removeprefix('gradtape.')}.rst"
    directives = re.findall(r"^\.\. names::(.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    if directives == [""]:
        return  # all that the module has
    named = " ".join(directives).split()
    assert sorted(named) == sorted(importlib.import_module(name).__all__)


def test_the_tutorials_hold_the_same_programs():
    blocks = []
    for name in ("tutorial.md", "tutorial.zh.md"):
        text = (DOCS / name).read_text(encoding="utf-8")
        code = "".join(
            re.findall(r"^```(?:python|pycon)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        )
        blocks.append(re.sub(r"\s*# .*", "", code))
    assert blocks[0] == blocks[1]
    assert "tf.where(z > 30., z, tf.math.log(tf.exp(z) + 1.))" in blocks[0]


def test_broken_links_are_found(tmp_path):
    (tmp_path / "a.html").write_text('<h1 id="top">A</h1><a href="b.html#there">b</a>')
    (tmp_path / "b.html").write_text(
        '<p id="there">B</p><a href="a.html#top">a</a><a href="#">x</a>'
    )
    assert not list(faults(tmp_path))
    (tmp_path / "b.html").write_text(
        '<a href="a.html#gone">1</a><a href="c.html">2</a><a href="https://example.org">3</a>'
        '<script src="https://example.org/x.js"></script><img src="no.png">'
    )
    assert sorted(faults(tmp_path)) == [
        "a.html links to b.html#there: there is no such anchor",
        "b.html links to a.html#gone: there is no such anchor",
        "b.html links to c.html, which is not there",
        "b.html links to no.png, which is not there",
        "b.html loads https://example.org/x.js",
    ]
