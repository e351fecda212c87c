"""The ways of calling each function that the tests know, as steps of programs.

A case of ``tests/rules`` is a function with arguments at which it is smooth. In a program it is
called close to them: at its arguments plus a little of some other value.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from gradtape.rules import load_all_tables
from tests.rules.cases import Case

__all__ = ["all_cases", "case_of", "helpers", "leaf", "near"]

CASES_FOLDER = Path(__file__).parent.parent / "tests" / "rules"


@cache
def all_cases() -> dict[str, Case]:
    """Every case of the tests, by its label."""
    load_all_tables()
    modules = sorted(CASES_FOLDER.glob("*_cases.py"))
    return {c.label: c for m in modules for c in import_module(f"tests.rules.{m.stem}").CASES}


@cache
def helpers(numpy: Any) -> dict[str, Callable[..., Any]]:
    """What the steps call besides NumPy: ``case_of``, ``near`` and ``leaf``, over a NumPy."""

    def near(label: str, i: int, v: Any, scale: float) -> Any:
        """Argument ``i`` of a case, plus ``scale`` times the entries of a value."""
        case = all_cases()[label]
        complex_here = v.dtype.kind == "c"
        if complex_here and not case.complex_too:
            v = numpy.real(v)
        base = case.at("D" if complex_here and case.complex_too else "d")[i]
        entries = np.arange(base.size) % int(np.prod(np.shape(v)))
        moved = numpy.reshape(numpy.ravel(v)[entries], base.shape)
        return base.astype(str(v.dtype)) + scale * moved

    def case_of(label: str) -> Callable[..., Any]:
        """The function of a case."""
        function = all_cases()[label].function
        return function if numpy is np else _transplanted(function, numpy)

    return {"near": near, "case_of": case_of, "leaf": leaf}


def leaf(value: Any, k: int) -> Any:
    """The ``k``-th floating output of a function that may give several."""
    several = value if isinstance(value, (tuple, list)) else [value]
    return [v for v in several if v.dtype.kind in "fc"][k]


def _transplanted(function: Any, numpy: Any) -> Any:
    """A case's function over another ``numpy``."""
    if not isinstance(function, types.FunctionType):
        return getattr(numpy, function.__name__)
    world = {**function.__globals__, "np": numpy}
    defaults = function.__defaults__ and tuple([_over(numpy, d) for d in function.__defaults__])
    return types.FunctionType(function.__code__, world, None, defaults, function.__closure__)


def _over(numpy: Any, value: Any) -> Any:
    """A default of a case's function, where it is a function of NumPy."""
    if isinstance(value, np.ufunc) or getattr(value, "__module__", "") == "numpy":
        return getattr(numpy, value.__name__)
    return value


near: Callable[..., Any] = helpers(np)["near"]
case_of: Callable[..., Any] = helpers(np)["case_of"]
