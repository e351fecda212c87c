"""The examples run, and the notebooks show what is stored in them.

After a change, ``jupyter execute --inplace examples/<name>.ipynb`` stores anew what one shows.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from gradtape.notebook import CELLS

EXAMPLES = Path(__file__).parent.parent / "examples"

#: The notebook that is not ours; what it shows is stored to the letter.
AUTHORS = "autodiff_notebook"
#: Our own, which check with assertions that they reach what they say.
OURS = ("tour", "california_housing", "gaussian_mixture", "pendulum", "sparse_least_squares")
LARGEST = 400_000  # bytes of a stored notebook


def run(name, *args):
    result = subprocess.run(
        [sys.executable, EXAMPLES / name, *args], capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return result.stdout


def test_newton_finds_the_minimum():
    lines = run("newton.py").splitlines()
    assert lines[-1] == "minimum at [1. 1.]"
    slopes = [float(line.rsplit(" ", 1)[1]) for line in lines[:-1]]
    assert slopes[-1] < 1e-10
    assert slopes[-2] < slopes[-3] ** 1.5 < slopes[-4]  # Newton's pace at the end
    assert len(slopes) < 30


def test_network_learns():
    text = run("network.py", "--epochs", "3")
    errors = [float(error) for error in re.findall(r"test MSE (\S+)", text)]
    assert len(errors) == 3
    assert errors[-1] < errors[0] < 0.6
    assert errors[-1] < 0.4


# Notebooks ----------------------------------------------------------------------------------------


def stored(name):
    return nbformat.read(EXAMPLES / f"{name}.ipynb", as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def executed(name, folder):
    """The notebook, run from the top in a kernel and a folder of its own."""
    notebook = stored(name)
    for cell in code_cells(notebook):
        cell.outputs, cell.execution_count = [], None
    client = NotebookClient(
        notebook, kernel_name="python3", timeout=120, resources={"metadata": {"path": folder}}
    )
    # The suite draws into files (see conftest.py); a notebook draws into itself.
    inline = "module://matplotlib_inline.backend_inline"
    return client.execute(env={**os.environ, "MPLBACKEND": inline})


def texts(cell):
    """What a cell shows, as text: what it prints, and its last value."""
    printed = [o.text for o in cell.outputs if o.output_type == "stream"]
    values = [o.data["text/plain"] for o in cell.outputs if o.output_type == "execute_result"]
    return ["".join(printed), *values]


def pictures(cell):
    return [o for o in cell.outputs if "image/png" in o.get("data", {})]


def test_all_notebooks_are_tested():
    assert {path.stem for path in EXAMPLES.glob("*.ipynb")} == {AUTHORS, *OURS}


# The author's -------------------------------------------------------------------------------------


def test_authors_notebook_is_valid_and_keeps_its_author_text():
    notebook = stored(AUTHORS)
    nbformat.validate(notebook)
    assert notebook.nbformat == 4
    text = "\n".join([cell.source for cell in notebook.cells if cell.cell_type == "markdown"])
    assert "每个参数至少要调用一个f（）即计算一次f（w1，w2），对大型神经网络来说很繁琐" in text
    assert "#### tf.stop_gradient（）：用于阻止梯度在神经网络的某些部分反向传播" in text


def test_authors_notebook_holds_the_cells_and_their_answers():
    cells = code_cells(stored(AUTHORS))
    assert [cell.source for cell in cells] == [cell.code for cell in CELLS]
    for cell, expected in zip(cells, CELLS, strict=True):
        assert "".join(texts(cell)).rstrip("\n") == expected.shown


def test_authors_notebook_shows_what_is_stored(tmp_path):
    ran = 0
    cells = code_cells(executed(AUTHORS, tmp_path))
    for cell, expected in zip(cells, code_cells(stored(AUTHORS)), strict=True):
        assert texts(cell) == texts(expected), cell.source
        ran += cell.execution_count is not None
    assert ran == len(CELLS) == 25


# Our own ------------------------------------------------------------------------------------------

NUMBER = re.compile(r"[-+]?\b\d[\d,]*(?:\.\d*)?(?:e[-+]?\d+)?|\bnan\b|\binf\b")


def words_and_numbers(text):
    """The text with its numbers replaced and its spaces evened out, and the numbers."""
    numbers = [float(number.replace(",", "")) for number in NUMBER.findall(text)]
    return " ".join(NUMBER.sub("#", text).split()), numbers


@pytest.mark.parametrize("name", OURS)
def test_notebook_is_stored_executed(name):
    notebook = stored(name)
    nbformat.validate(notebook)
    assert (EXAMPLES / f"{name}.ipynb").stat().st_size < LARGEST
    counts = [cell.execution_count for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1))
    for cell in code_cells(notebook):
        kinds = [o.get("name", o.output_type) for o in cell.outputs]
        assert "stderr" not in kinds, cell.source  # a warning is for its author
        assert "error" not in kinds, cell.source
        # What is shown as a picture is stored as one, not as the words <Figure ...>.
        assert len(pictures(cell)) == cell.source.count("plt.show()"), cell.source
    assert "".join([cell.source for cell in code_cells(notebook)]).count("\nassert ") >= 3


@pytest.mark.parametrize("name", OURS)
def test_notebook_shows_what_is_stored(name, tmp_path):
    """It runs, so its assertions hold; and it shows what is stored.

    A cell with the tag ``measured`` shows times, or how many steps something took; one with the tag
    ``worded`` what the library says in words or draws, which others test.
    """
    cells = code_cells(executed(name, tmp_path))
    for cell, expected in zip(cells, code_cells(stored(name)), strict=True):
        assert len(pictures(cell)) == len(pictures(expected)), cell.source
        tags = cell.metadata.get("tags", ())
        if "worded" in tags:
            continue
        for text, other in zip(texts(cell), texts(expected), strict=True):
            words, numbers = words_and_numbers(text)
            other_words, other_numbers = words_and_numbers(other)
            assert words == other_words, cell.source
            if "measured" not in tags:
                assert numbers == pytest.approx(other_numbers, rel=0.05, abs=0.02, nan_ok=True)
