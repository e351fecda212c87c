"""The notebook's 25 cells, with only their import lines changed, show what the notebook shows."""

import ast
import warnings

import pytest

from gradtape.notebook import CELLS, Session, display

pytest.importorskip("sklearn", reason="the notebook splits and scales its data with scikit-learn")


@pytest.fixture(scope="module")
def shown():
    """What each cell shows, all run in order in one namespace; a warning is an error."""
    session = Session()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return [session.run(cell) for cell in CELLS]


def test_there_are_25_cells():
    assert [cell.number for cell in CELLS] == list(range(1, 26))


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: f"cell {cell.number}")
def test_a_cell_shows_what_the_notebook_shows(shown, cell):
    assert shown[cell.number - 1] == cell.shown


def test_seventeen_cells_show_something():
    assert sum(bool(cell.shown) for cell in CELLS) == 17


def test_three_cells_show_nan():
    assert [cell.number for cell in CELLS if "nan" in cell.shown] == [22, 23, 25]


def test_the_second_gradient_shows_the_error_message():
    assert "A non-persistent GradientTape can only be used" in CELLS[8].shown


def test_no_cell_needs_tensorflow():
    roots = set()
    for cell in CELLS:
        for node in ast.walk(ast.parse(cell.code)):
            if isinstance(node, ast.Import):
                roots |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                roots.add(node.module.partition(".")[0])
    assert roots == {"gradtape", "numpy", "sklearn", "time"}


def test_headings_are_in_both_languages():
    for cell in CELLS:
        assert cell.heading_en.isascii()
        assert any("\u4e00" <= sign <= "\u9fff" for sign in cell.heading_zh)


def test_the_last_cells_answer_one_under_gradtape_itself():
    import numpy as np

    import gradtape as gt

    x = gt.Variable(np.float32([1000.0]))
    with gt.GradientTape() as tape:
        z = np.where(x > 30.0, x, np.log(np.exp(np.minimum(x, 30.0)) + 1.0))
    assert tape.gradient(z, x).numpy().tolist() == [1.0]


# ---- the session ----------------------------------------------------------------------------


def test_a_session_keeps_its_names():
    session = Session()
    assert session.run("a = 2") == ""
    assert session.run("a * 3") == "6"


def test_prints_come_before_the_value():
    assert Session().run("print('x')\n1.5") == "x\n1.5"


def test_none_is_not_displayed():
    assert Session().run("None") == ""


def test_what_a_cell_raises_goes_through():
    with pytest.raises(ZeroDivisionError):
        Session().run("1 / 0")


@pytest.mark.parametrize(
    "value", [1.5, [1, 2], {"b": 1, "a": [2]}, ["x" * 50, ("y" * 50, ["z" * 50])], "text", None]
)
def test_display_is_jupyters(value):
    pretty = pytest.importorskip("IPython.lib.pretty").pretty
    assert display(value) == ("" if value is None else pretty(value))
