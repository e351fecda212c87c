"""The engines that run programs, by name; which one is taken when none is named."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from gradtape.programs.numpy_engine import NumpyProgram

__all__ = ["ENGINES", "engine_for"]

#: The names; the first is taken when none is given. The LLVM engine is young: one asks for it.
ENGINES = ("numpy", "llvm")


def engine_for(name: str | None) -> Any:
    """What makes a program of a graph, for an argument ``engine``.

    Parameters
    ----------
    name : ``"numpy"``, ``"llvm"``, or None for the NumPy engine.

    Returns
    -------
    type : called with a graph, it gives a program: called with the values of the graph's inputs,
        that returns the outputs.

    Raises
    ------
    ImportError : the engine needs a package that is not installed.
    ValueError : there is no such engine.
    """
    if name not in (None, *ENGINES):
        raise ValueError(
            f"argument `engine` of function must be 'numpy', 'llvm' or None, not {name!r}"
        )
    if name != "llvm":
        return NumpyProgram
    if find_spec("llvmlite") is None:
        raise ImportError(
            "engine='llvm' needs llvmlite, which is not installed: pip install 'gradtape[llvm]'"
        )
    return import_module("gradtape.programs.llvm.engine").LlvmProgram
