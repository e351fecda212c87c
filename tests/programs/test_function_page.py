"""The page about compiled functions: every block runs, and prints what it says."""

import contextlib
import io
import re
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "function.md"


def test_every_block_prints_what_it_says():
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    assert len(blocks) > 4
    names: dict[str, Any] = {}
    for block in blocks:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(block, str(PAGE), "exec"), names)
        expected = re.findall(r"^# (.*)$", block, re.M)
        assert printed.getvalue().splitlines() == expected
