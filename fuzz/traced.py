"""A program and its gradient, traced once and run by each engine: what the eager call gives."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from fuzz.check import Disagreement, UnfitError, close
from fuzz.programs import Program
from gradtape.errors import NoRuleError, TrackedConversionError
from gradtape.programs.function import function
from gradtape.programs.symbols import TraceError
from tests.rules import tools

__all__ = ["ENGINES", "disagreement", "layouts"]

#: The engines that are installed.
ENGINES = ["numpy", "llvm"] if importlib.util.find_spec("llvmlite") else ["numpy"]

#: Units in the last place of the largest number: programs are steep, and engines round otherwise.
ULPS = 1e4


def disagreement(program: Program, engines: list[str]) -> Disagreement | None:
    """The first disagreement between the eager call and a program of it, by one of some engines.

    Values and gradients are compared in the program's own dtypes, at its inputs and beside them,
    with the inputs in order in memory and not.

    Raises
    ------
    UnfitError : the program cannot be traced.
    """
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            both = _value_and_gradient(program)
            points = [program.inputs, beside(program.inputs)]
            expected = [both(*point) for point in points]
        except (NoRuleError, TrackedConversionError) as error:
            raise UnfitError(f"no rule: {error}") from None
        for engine in engines:
            traced = function(both, engine=engine)
            try:
                traced(*program.inputs)
            except TraceError as error:
                raise UnfitError(f"cannot be traced: {str(error).split(' (')[0][:60]}") from None
            for point, wanted in zip(points, expected, strict=True):
                for inputs in layouts(point):
                    found = _compared(f"{engine} engine and eager", wanted, traced(*inputs))
                    if found:
                        return found
    return None


def _value_and_gradient(program: Program) -> Callable[..., Any]:
    """The outputs, and the gradient of their weighted sum."""
    f = program.function()
    gradient = tools.gradient(f, tools.weights(f, program.inputs))

    def both(*inputs: Any) -> Any:
        return [*f(*inputs), *gradient(*inputs)]

    return both


def beside(inputs: Any) -> tuple[Any, ...]:
    """Other inputs of the same shapes and dtypes."""
    moved = [np.asarray(x) * 0.98 + np.asarray(0.01, np.asarray(x).dtype) for x in inputs]
    return tuple([m.astype(np.asarray(x).dtype)[()] for m, x in zip(moved, inputs, strict=True)])


def layouts(inputs: Any) -> Iterator[list[Any]]:
    """The same inputs, in order in memory, and each way of being out of it."""
    for lie in (np.copy, _backwards, _spread, _misaligned, _read_only):
        yield [lie(x) if np.ndim(x) else x for x in inputs]


def _backwards(x: Any) -> Any:
    return np.flip(np.flip(x).copy())


def _spread(x: Any) -> Any:
    """Every second entry of a larger array, its axes in the other order."""
    whole = np.zeros([2 * n for n in np.shape(x)[::-1]], x.dtype)
    part = whole[(slice(None, None, 2),) * whole.ndim].T
    part[...] = x
    return part


def _misaligned(x: Any) -> Any:
    room = np.zeros(x.nbytes + 1, np.uint8)
    part = room[1:].view(x.dtype).reshape(x.shape)
    part[...] = x
    return part


def _read_only(x: Any) -> Any:
    copy = np.copy(x)
    copy.flags.writeable = False
    return copy


def _compared(kind: str, expected: Any, actual: Any) -> Disagreement | None:
    for e, a in zip(expected, actual, strict=True):
        if (e.dtype, np.shape(e)) != (a.dtype, np.shape(a)):
            return Disagreement(
                f"{kind}: dtype or shape", f"{e.dtype} {np.shape(e)}", f"{a.dtype} {np.shape(a)}"
            )
    kept = [np.isfinite(e) for e in expected]
    for e, a, k in zip(expected, actual, kept, strict=True):
        alike = np.array_equal(np.where(k, 0, e), np.where(k, 0, a), equal_nan=True)
        if not alike:
            return Disagreement(kind, repr(e), repr(a))
    coarsest = max([float(np.finfo(e.dtype).eps) for e in expected])
    finite = [
        [np.where(k, v, 0) for v, k in zip(vs, kept, strict=True)] for vs in (expected, actual)
    ]
    return close(kind, *finite, ULPS * coarsest)
