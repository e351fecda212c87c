"""The page on explanations: each program prints what stands below it."""

import io
import linecache
import re
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "explain.md"
PAIR = re.compile(r"^```python\n(.*?)^```\n\n```text\n(.*?)^```", re.MULTILINE | re.DOTALL)
PAIRS = PAIR.findall(PAGE.read_text(encoding="utf-8"))


def printed(code):
    """What a program prints, run as the file program.py."""
    linecache.cache["program.py"] = (len(code), None, code.splitlines(keepends=True), "program.py")
    output = io.StringIO()
    try:
        with redirect_stdout(output), np.errstate(all="ignore"):
            exec(compile(code, "program.py", "exec"), {"__name__": "__main__"})
    finally:
        del linecache.cache["program.py"]
    return output.getvalue()


@pytest.mark.parametrize("number", range(len(PAIRS)))
def test_a_program_prints_what_the_page_shows(number):
    code, shown = PAIRS[number]
    assert printed(code) == shown


def test_there_are_programs():
    assert len(PAIRS) == 5
