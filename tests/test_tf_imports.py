"""The modules of ``gradtape.tf`` import downwards only."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"
MODULES = {
    ".".join(path.relative_to(SOURCE).with_suffix("").parts): path
    for path in (SOURCE / "gradtape" / "tf").rglob("*.py")
    if path.name != "__init__.py"
}


def imported(path):
    """The modules of ``gradtape.tf`` that a file names, be it for a type checker only."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *[f"{node.module}.{alias.name}" for alias in node.names]}
    return found & set(MODULES)


def test_no_module_imports_one_that_imports_it():
    try:
        TopologicalSorter({name: imported(path) for name, path in MODULES.items()}).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))
