"""The engines that run programs, by name; which one is taken when none is named."""

from __future__ import annotations

import functools
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from gradtape.programs.graph import Graph
from gradtape.programs.numpy_engine import NumpyProgram
from gradtape.programs.warming import WarmingProgram, is_worth_it

__all__ = ["ENGINES", "engine_for"]

#: The names. None stands for NumPy at first, and for LLVM where that is installed and pays.
ENGINES = ("numpy", "llvm")

#: The oldest llvmlite that knows what we write.
_OLDEST = (0, 50)


def engine_for(name: str | None) -> Any:
    """What makes a program of a graph, for an argument ``engine``.

    Parameters
    ----------
    name : ``"numpy"``, ``"llvm"``, or None for the NumPy engine at first and the LLVM engine from
        the call on by which it pays, where llvmlite is installed.

    Returns
    -------
    callable : called with a graph, it gives a program: called with the values of the graph's
        inputs, that returns the outputs.

    Raises
    ------
    ImportError : the engine needs a package that is not installed.
    ValueError : there is no such engine.
    """
    if name not in (None, *ENGINES):
        raise ValueError(
            f"argument `engine` of function must be 'numpy', 'llvm' or None, not {name!r}"
        )
    if name == "numpy":
        return NumpyProgram
    if name == "llvm":
        return _llvm()
    return _warming


def _warming(graph: Graph) -> WarmingProgram:
    return WarmingProgram(graph, _native if _is_installed() else None)


def _native(graph: Graph) -> Any:
    """The program by the LLVM engine, or None if too little of it would be native."""
    make = _llvm()
    if not is_worth_it(import_module("gradtape.programs.llvm.parts").parts_of(graph)):
        return None
    made = make(graph)
    return made if made.parts else None  # none where objects look different


@functools.cache
def _is_installed() -> bool:
    return find_spec("llvmlite") is not None


def _llvm() -> Any:
    if not _is_installed():
        raise ImportError(
            "engine='llvm' needs llvmlite, which is not installed: pip install 'gradtape[llvm]'"
        )
    version = import_module("llvmlite").__version__
    if tuple([int(n) for n in version.split(".")[:2] if n.isdecimal()]) < _OLDEST:
        raise ImportError(
            f"engine='llvm' needs llvmlite {'.'.join(map(str, _OLDEST))} or newer, and {version} "
            "is installed: pip install --upgrade 'gradtape[llvm]'"
        )
    return import_module("gradtape.programs.llvm.engine").LlvmProgram
