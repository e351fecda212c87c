"""Every public function of NumPy has a status, and the page of the coverage says it."""

from pathlib import Path

import numpy as np
import pytest

from gradtape.coverage import MODULES, NOT_DISPATCHED, callables, status, table
from gradtape.rules import BARE, BINDINGS, REFUSED, UFUNCS, load_all_tables

PAGE = Path(__file__).parents[2] / "docs" / "coverage.md"

load_all_tables()


@pytest.mark.parametrize("module", MODULES.values(), ids=MODULES.keys())
def test_every_public_function_is_in_exactly_one_list(module: object):
    others = frozenset().union(*[names for _, names in NOT_DISPATCHED.values()])
    found = {
        name: [
            f in BINDINGS or f in UFUNCS,
            f in BARE,
            f in REFUSED,
            name in others,
        ].count(True)
        for name, f in callables(module).items()
    }
    assert [name for name, count in found.items() if count == 0] == [], "in no list"
    assert [name for name, count in found.items() if count > 1] == [], "in several lists"


def test_what_numpy_does_not_dispatch_is_in_no_table():
    for _, names in NOT_DISPATCHED.values():
        for name in names:
            function = getattr(np, name, None) or getattr(np.fft, name, None)
            assert function is None or not hasattr(function, "_implementation"), name


def test_the_groups_share_no_name():
    names = [name for _, group in NOT_DISPATCHED.values() for name in group]
    assert sorted(set(names)) == sorted(names)


def test_status():
    assert status(np.exp) == status(np.gradient) == "differentiable"
    assert status(np.argmax) == "bare"
    assert status(np.asarray) == "conversion"
    assert status(np.zeros) == "creation"
    assert status(len) is None


def rows(text: str) -> dict[tuple[str, str], str]:
    """The status of each function in a page, by module and name."""
    found, module = {}, ""
    for line in text.splitlines():
        if line.startswith("## "):
            module = line[3:]
        elif line.startswith("| `"):
            name, kind = [part.strip() for part in line.split("|")[1:3]]
            found[module, name] = kind
    return found


def test_the_page_is_what_is_printed():
    # Another NumPy has other functions, and arguments, than the one that the page was made with.
    written, printed = PAGE.read_text(encoding="utf-8"), table()
    if f"NumPy {'.'.join(np.__version__.split('.')[:2])}.\n" in written:
        assert written == printed, "run: python -m gradtape.coverage > docs/coverage.md"
    ours, theirs = rows(written), rows(printed)
    assert len(ours) > 400
    assert {k: ours[k] for k in ours.keys() & theirs.keys()} == {
        k: theirs[k] for k in ours.keys() & theirs.keys()
    }
