"""The examples run, and the notebook shows what is stored in it."""

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from gradtape.notebook import CELLS

EXAMPLES = Path(__file__).parent.parent / "examples"


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


# The notebook -------------------------------------------------------------------------------------


def stored():
    return nbformat.read(EXAMPLES / "autodiff_notebook.ipynb", as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def shown(cell):
    """What a cell shows, as text; what is printed and the last value stay apart."""
    texts = []
    for output in cell.outputs:
        assert output.output_type in ("stream", "execute_result"), output
        is_print = output.output_type == "stream"
        texts.append(output.text if is_print else output.data["text/plain"])
    return texts


def test_notebook_is_valid_and_keeps_its_author_text():
    notebook = stored()
    nbformat.validate(notebook)
    assert notebook.nbformat == 4
    text = "\n".join([cell.source for cell in notebook.cells if cell.cell_type == "markdown"])
    assert "每个参数至少要调用一个f（）即计算一次f（w1，w2），对大型神经网络来说很繁琐" in text
    assert "#### tf.stop_gradient（）：用于阻止梯度在神经网络的某些部分反向传播" in text


def test_notebook_holds_the_cells_and_their_answers():
    cells = code_cells(stored())
    assert [cell.source for cell in cells] == [cell.code for cell in CELLS]
    for cell, expected in zip(cells, CELLS, strict=True):
        assert "".join(shown(cell)).rstrip("\n") == expected.shown


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    notebook = stored()
    for cell in code_cells(notebook):
        cell.outputs, cell.execution_count = [], None
    folder = tmp_path_factory.mktemp("notebook")
    client = NotebookClient(
        notebook, kernel_name="python3", timeout=120, resources={"metadata": {"path": folder}}
    )
    return client.execute()


def test_executed_notebook_shows_what_is_stored(executed):
    ran = 0
    for cell, expected in zip(code_cells(executed), code_cells(stored()), strict=True):
        assert shown(cell) == shown(expected), cell.source
        ran += cell.execution_count is not None
    assert ran == len(CELLS) == 25
