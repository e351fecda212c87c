"""SVG, PNG, HTML and the terminal: what is written can be read again, and is always the same."""

import io
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from itertools import combinations
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from rich.console import Console

import gradtape as gt
import gradtape.drawing.layout
from gradtape.drawing.painting import COLOURS
from tests.drawing.programs import softplus

SVG = "{http://www.w3.org/2000/svg}"


def texts_of(root):
    return ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]


def test_svg_has_every_box_and_line(picture):
    root = ET.fromstring(picture.svg())
    assert root.tag == f"{SVG}svg"
    boxes = [g for g in root.iter(f"{SVG}g") if g.get("class") == "box"]
    assert [g.get("data-name") for g in boxes] == [node.name for node in picture.graph.nodes]
    for group, node in zip(boxes, picture.graph.nodes, strict=True):
        assert texts_of(group) == [line.text for line in node.lines]
        assert group.get("data-roles") == " ".join(node.roles)
        hint = group.find(f"{SVG}title").text
        assert all(text in hint for text in node.more)
    heads = [p for p in root.iter(f"{SVG}path") if p.get("class").startswith("head")]
    assert len(heads) == len(picture.graph.edges)


def test_svg_has_colours_for_light_and_dark(pictures):
    drawing = pictures["notebook"]
    auto, light, dark = (drawing.svg(theme) for theme in ("auto", "light", "dark"))
    assert "prefers-color-scheme:dark" in auto
    assert "prefers-color-scheme" not in light + dark
    assert "#14181e" in dark
    assert "#14181e" not in light
    assert drawing._repr_svg_() == auto


def test_a_style_sheet_reaches_its_own_picture_only(pictures):
    """In a notebook the sheets of all pictures are in one page."""
    marks = set()
    for drawing in pictures.values():
        root = ET.fromstring(drawing.svg())
        mark = root.get("id")
        marks.add(mark)
        sheet = root.find(f"{SVG}style").text
        inner = re.sub(r"@media[^{]*{(.*)}", r"\1", sheet)
        for rule in inner.split("}"):
            assert not rule or rule.startswith(f"#{mark}")
    assert len(marks) == len(pictures)


def test_the_legend_has_what_is_in_the_picture(pictures):
    def legend(name):
        return " ".join(texts_of(ET.fromstring(pictures[name].svg())))

    assert "source: what is differentiated by" in legend("notebook")
    assert "folded" not in legend("notebook")
    assert "folded" in legend("loop")
    assert "not finite" in legend("overflow")
    assert "dead: nothing" in legend("dead_branch")


def test_roles_are_told_without_colours(pictures):
    """By words and by the outline."""
    root = ET.fromstring(pictures["dead_branch"].svg())
    looks = {}
    for group in root.iter(f"{SVG}g"):
        if group.get("class") == "box":
            walls = group.findall(f"{SVG}rect")
            looks[texts_of(group)[1]] = (
                texts_of(group)[0],
                len(walls),
                walls[0].get("stroke-width"),
                walls[0].get("stroke-dasharray"),
            )
    assert looks["z"] == ("SOURCE", 1, "1.8", None)
    assert looks["multiply"] == ("TARGET", 2, "1.8", None)
    assert looks["log"] == ("DEAD", 1, "1.1", "5 3")
    assert looks["exp"] == ("FIRST BAD VALUE · DEAD", 1, "3.2", None)


def linear(colour):
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def luminance(colour):
    return linear(colour) @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_letters_stand_out(theme):
    """The contrast that WCAG 2.2 asks for, 4.5, on every ground that they stand on."""
    colours = COLOURS[theme]

    def contrast(a, b):
        low, high = sorted([luminance(colours[a]), luminance(colours[b])])
        return (high + 0.05) / (low + 0.05)

    for role in ("source", "target", "bad", "fold", "operation", "constant", "dead"):
        for letters in ("ink", "faint", "slope"):
            assert contrast(letters, f"{role}-fill") >= 4.5, (letters, role)
    for role in ("source", "target", "bad", "fold", "dead", "constant"):
        assert contrast(role, f"{role}-fill") >= 4.5, role


#: What linear colours look like without one kind of cones: G. M. Machado, M. M. Oliveira and
#: L. A. F. Fernandes, "A physiologically-based model for simulation of color vision deficiency",
#: IEEE Trans. Visualization and Computer Graphics 15 (2009), 1291-1298.
VISIONS = {
    "all": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "no red": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "no green": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "no blue": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def seen(colour, vision):
    """A colour in CIELAB, as somebody sees it."""
    rgb = np.clip(np.array(VISIONS[vision]) @ linear(colour), 0, 1)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = np.array(to_xyz) @ rgb / [0.9505, 1, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_roles_have_colours_apart_for_everybody(theme, vision):
    looks = {
        role: seen(COLOURS[theme][role], vision)
        for role in ("source", "target", "bad", "fold", "operation")
    }
    for (a, first), (b, second) in combinations(looks.items(), 2):
        assert np.linalg.norm(first - second) > 12, (a, b)  # 2.3 is just noticeable


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_png_is_a_picture(picture, theme, tmp_path):
    path = tmp_path / "picture.png"
    picture.save(path, theme=theme)
    pixels = matplotlib.image.imread(path)[..., :3]
    assert min(pixels.shape[:2]) > 200
    ground = pixels[0, 0]
    assert (ground.mean() < 0.5) == (theme == "dark")
    drawn = np.any(np.abs(pixels - ground) > 0.2, axis=-1)
    assert 0.01 < drawn.mean() < 0.9
    rows = np.flatnonzero(drawn.any(axis=1))
    assert rows[0] < 60
    assert rows[-1] > len(pixels) - 100


def data_of(page):
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    return json.loads(found[1])


def test_html_holds_everything_and_loads_nothing(picture):
    page = picture.html()
    addresses = set(re.findall(r"https?://[^\s\"'<>]+", page))
    assert addresses <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<(link|img|iframe)\b|\bsrc=|@import|url\(", page)
    assert "<!--" not in page.replace("<!DOCTYPE", "")
    data = data_of(page)
    root = data["graphs"][-1]
    assert [node["name"] for node in root["nodes"]] == [node.name for node in picture.graph.nodes]
    held = sum(
        node["name"].startswith("step") for graph in data["graphs"] for node in graph["nodes"]
    )
    whole = sum(node.kind == "operation" for node in picture.graph.walk())
    assert held == whole
    for graph in data["graphs"]:
        for node in graph["nodes"]:
            ET.fromstring(f"<g>{node['svg']}</g>")
            assert node.get("inside", 0) < len(data["graphs"])
        for start, end, _, lane, shared, _ in graph["edges"]:
            assert graph["nodes"][start]["box"][3] + len(lane) + 1 == graph["nodes"][end]["box"][3]
            assert 0 <= shared <= len(lane)


def test_html_of_a_very_long_loop_leaves_insides_out(monkeypatch, pictures):
    monkeypatch.setattr("gradtape.drawing.html.MOST", 500)
    data = data_of(pictures["loop"].html())
    held = sum(len(graph["nodes"]) for graph in data["graphs"])
    assert held < 700
    assert any("left out" in text for text in data["strings"])


def test_what_a_user_wrote_is_escaped(tmp_path):
    x = gt.Variable(2.0, name="</script><b>&\"'")
    with gt.GradientTape(trace=True) as tape:
        y = x * 2
    tape.gradient(y, x)
    drawing = tape.draw()
    root = ET.fromstring(drawing.svg())
    assert "</script><b>&\"'" in texts_of(root)
    page = drawing.html()
    assert page.count("</script>") == 2
    node = data_of(page)["graphs"][-1]["nodes"][0]
    assert node["title"] == "</script><b>&\"'"
    drawing.save(tmp_path / "odd.png")


def test_dollars_in_names_are_no_formulas(tmp_path):
    x = gt.Variable(2.0, name="$\\frac{$")
    with gt.GradientTape(trace=True) as tape:
        y = x * 2
    tape.gradient(y, x)
    tape.draw().save(tmp_path / "dollar.png")


def test_the_terminal_form(pictures):
    text = str(pictures["notebook"])
    assert "z and the gradient" in text
    rows = [line.split() for line in text.splitlines()]
    assert ["●", "1", "w1", "float64", "5", "36"] in rows
    assert ["◆", "7", "z", "=", "add", "5,", "6", "float64", "105", "1"] in [
        [*row[:5], *sorted(row[5:7]), *row[7:]] for row in rows
    ] or any(row[:5] == ["◆", "7", "z", "=", "add"] for row in rows)
    text = str(pictures["loop"])
    assert "repeated × 1,000" in text
    assert "│ x = multiply" in text
    assert len(text.splitlines()) < 25
    assert "✗" in str(pictures["overflow"])
    assert "┄" in str(pictures["dead_branch"])
    assert max(map(len, text.splitlines())) <= 120


def test_rich_prints_it_in_colours(pictures):
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=110, color_system="truecolor")
    console.print(pictures["overflow"])
    assert "\x1b[" in stream.getvalue()
    assert "exp" in stream.getvalue()


def test_repr_is_short(pictures):
    assert repr(pictures["loop"]) == "<Drawing of logistic and its gradient: 3000 operations>"


@pytest.mark.parametrize("name", ["picture.svg", "picture.png", "picture.html", "Upper.SVG"])
def test_save(name, pictures, tmp_path):
    path = tmp_path / name
    pictures["notebook"].save(str(path))
    assert path.stat().st_size > 1000


PROGRAM = """
import sys, hashlib
from tests.drawing.programs import PICTURES
for name in ("notebook", "network", "deep", "dead_branch"):
    drawing = PICTURES[name]()
    print(hashlib.sha256((drawing.svg() + drawing.html() + str(drawing)).encode()).hexdigest())
    drawing.save(sys.argv[1] + ".png")
    print(hashlib.sha256(open(sys.argv[1] + ".png", "rb").read()).hexdigest())
"""


def test_the_same_program_gives_the_same_bytes(tmp_path):
    answers = []
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "COLUMNS": "100"}
        run = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", PROGRAM, str(tmp_path / seed)],
            env=environment,
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        answers.append(run.stdout)
    assert answers[0] == answers[1]
    assert len(answers[0].split()) == 8


# Bad input ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["f.pdf", "f", "f.svg.gz", "svg"])
def test_other_endings_are_refused(name, pictures, tmp_path):
    with pytest.raises(ValueError, match=r"argument `path`: .*\.svg, \.png or \.html"):
        pictures["notebook"].save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_other_themes_are_refused(pictures, tmp_path):
    with pytest.raises(ValueError, match="argument `theme` must be 'auto', 'light' or 'dark'"):
        pictures["notebook"].save(tmp_path / "f.svg", theme="sepia")
    with pytest.raises(ValueError, match="not 3"):
        pictures["notebook"].svg(3)


def test_a_folder_that_is_not_there(pictures, tmp_path):
    for ending in ("svg", "png", "html"):
        with pytest.raises(OSError, match="No such file"):
            pictures["notebook"].save(tmp_path / "nowhere" / f"f.{ending}")


@pytest.mark.parametrize(
    ("module", "use"),
    [
        ("igraph", lambda drawing: drawing.svg()),
        ("matplotlib", lambda drawing: drawing.save("never.png")),
        ("rich", str),
    ],
)
def test_a_missing_package_is_named_with_its_extra(module, use, monkeypatch):
    drawing = gt.draw(softplus)(1.0)

    def without(name):
        if name.partition(".")[0] == module:
            raise ModuleNotFoundError(f"No module named {name!r}")
        return __import__(name, fromlist=["_"])

    monkeypatch.setattr(gradtape.drawing.layout.importlib, "import_module", without)
    with pytest.raises(ImportError, match=rf"drawing needs {module}.*gradtape\[draw\]"):
        use(drawing)


def test_a_tape_without_a_trace():
    with gt.GradientTape() as tape:
        pass
    with pytest.raises(RuntimeError, match=r"GradientTape\(trace=True\)"):
        tape.draw()


def test_nothing_recorded():
    with gt.GradientTape(trace=True) as tape:
        pass
    with pytest.raises(ValueError, match="there is nothing to draw"):
        tape.draw()
    with pytest.raises(ValueError, match="there is nothing to draw"):
        gt.draw(lambda x: x)(1.0)


def test_targets_that_the_tape_did_not_see():
    x = gt.Variable(1.0)
    with gt.GradientTape(trace=True) as tape:
        y = x * 2
    with pytest.raises(ValueError, match=r"argument `target` of draw holds .* did not see"):
        tape.draw(gt.constant(1.0))
    with pytest.raises(TypeError, match=r"argument `target` of draw holds .*float"):
        tape.draw(3.0)
    with pytest.raises(ValueError, match="give `target` too"):
        tape.draw(sources=x)
    with pytest.raises(ValueError, match="argument `sources` of draw holds"):
        tape.draw(y, gt.Variable(1.0))


def test_functions_that_cannot_be_drawn():
    with pytest.raises(TypeError, match="argument `f` must be a function"):
        gt.draw(3)
    with pytest.raises(TypeError, match="floating or complex dtype"):
        gt.draw(np.sin)(1)
    with pytest.raises(TypeError, match="nothing to differentiate"):
        gt.draw(lambda x: None)(1.0)


def test_a_function_that_does_not_depend_is_drawn_with_a_warning():
    def f(x):
        np.sin(x)
        return 3.0

    with pytest.warns(UserWarning, match="does not depend"):
        drawing = gt.draw(f)(1.0)
    assert [node.title for node in drawing.graph.nodes] == ["x", "sin"]
