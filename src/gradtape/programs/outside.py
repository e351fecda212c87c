"""What a function uses that is not given to it: what its names stand for, and what it may change.

A program holds on what it found: so the names that the function reads are looked at before each
run, and what would be done once where it ought to be done each time is found while tracing.
"""

from __future__ import annotations

import builtins
import functools
import pickle
import random
import site
import sys
import sysconfig
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from gradtape.programs.tracing import TraceError, _imprint, _same_bits, is_symbol
from gradtape.tensor import Tensor
from gradtape.variable import Variable

__all__ = ["Outside"]

_LIBRARIES = tuple(
    {
        f"{Path(__file__).parents[1]}/",
        sysconfig.get_path("stdlib") + "/",
        sysconfig.get_path("platstdlib") + "/",
        *[f"{path}/" for path in [*site.getsitepackages(), site.getusersitepackages()]],
    }
)

#: How many things are looked at, and how deep.
_MOST, _DEEPEST = 2000, 6

_MISSING = object()


class Outside:
    """What a function and its static arguments reach: closures, globals, attributes, containers.

    Attributes
    ----------
    tensors : the tensors (no variables) among it: what a program reads anew at each run.
    """

    def __init__(self, f: Callable[..., Any], others: Any) -> None:
        self.tensors: dict[int, Tensor] = {}
        self._arrays: list[tuple[str, Any, Any]] = []
        self._random: list[tuple[Any, Callable[[], Any], bytes]] = []
        self._names: list[tuple[Any, str, Any]] = []  # (a dict or a cell, name, value)
        self._said: set[str] = set()  # all names in the code
        self._objects: list[Any] = []
        self._met: dict[int, Any] = {}
        self._visit(f, getattr(f, "__name__", "f"), 0)
        for other in others:
            self._visit(other, "an argument", 0)
        for thing in self._objects:
            space = vars(thing)
            self._names += [
                (space, name, value) for name, value in space.items() if name in self._said
            ]
        self._watch_global_numbers()

    def _visit(self, value: Any, name: str, depth: int) -> None:
        if depth > _DEEPEST or len(self._met) > _MOST or id(value) in self._met:
            return
        if value is None or isinstance(value, (type, types.ModuleType, str, bytes, bool)):
            return
        if is_symbol(value) or isinstance(value, (int, float, complex, np.generic)):
            return
        self._met[id(value)] = value
        if isinstance(value, types.FunctionType):
            self._visit_function(value, depth)
        elif isinstance(value, functools.partial):
            for part in (value.func, value.args, value.keywords):
                self._visit(part, name, depth + 1)
        elif isinstance(value, types.MethodType):
            self._visit(value.__func__, name, depth)
            self._visit(value.__self__, name, depth)
        elif isinstance(value, Tensor):
            if not isinstance(value, Variable):
                self.tensors[id(value)] = value
        elif isinstance(value, np.ndarray):
            self._arrays.append((name, value, _imprint(value)))
        elif isinstance(value, (list, tuple, set, frozenset)):
            for part in value:
                self._visit(part, name, depth + 1)
        elif isinstance(value, dict):
            for part in list(value.values()):
                self._visit(part, name, depth + 1)
        elif _is_random(value):
            self._watch_random(value)
        elif hasattr(value, "__dict__"):
            self._visit_object(value, depth)

    def _visit_function(self, f: types.FunctionType, depth: int) -> None:
        if f.__code__.co_filename.startswith(_LIBRARIES):
            for cell in f.__closure__ or ():  # a decorator's, say
                self._visit(_content(cell), f.__name__, depth + 1)
            return
        for code in _codes(f.__code__):
            self._said.update(code.co_names)
            for name in code.co_names:
                value = f.__globals__.get(name, _MISSING)
                if value is not _MISSING and name not in vars(builtins):
                    self._name(f.__globals__, name, value, depth)
        for name, cell in zip(f.__code__.co_freevars, f.__closure__ or (), strict=True):
            self._name(cell, name, _content(cell), depth)
        for value in [*(f.__defaults__ or ()), *(f.__kwdefaults__ or {}).values()]:
            self._visit(value, f.__name__, depth + 1)

    def _name(self, space: Any, name: str, value: Any, depth: int) -> None:
        if isinstance(value, (types.ModuleType, type, types.BuiltinFunctionType, np.ufunc)):
            return
        if not any([s is space and n == name for s, n, _ in self._names]):
            self._names.append((space, name, value))
        self._visit(value, name, depth + 1)

    def _visit_object(self, value: Any, depth: int) -> None:
        kind = type(value)
        module = sys.modules.get(kind.__module__)
        if getattr(module, "__file__", None) and str(module.__file__).startswith(_LIBRARIES):  # type: ignore[union-attr]
            return self._visit(getattr(value, "f", None), "f", depth + 1)
        self._objects.append(value)
        for method in vars(kind).values():
            if isinstance(method, types.FunctionType) and depth < 2:
                self._visit(method, method.__name__, depth + 1)
        for name, part in list(vars(value).items()):
            self._visit(part, name, depth + 1)
        return None

    # Random numbers -------------------------------------------------------------------------------

    def _watch_global_numbers(self) -> None:
        self._watch_state(random, random.getstate)
        numpys = sys.modules.get("numpy.random")
        if numpys is not None:
            self._watch_state(numpys, lambda: numpys.get_state(legacy=False))
        draws = sys.modules.get("gradtape.tf.draws")
        if draws is not None:
            self._watch_state(draws, lambda: draws._Common.__dict__.get("generator"))

    def _watch_random(self, value: Any) -> None:
        if isinstance(value, random.Random):
            self._watch_state(value, value.getstate)
        elif isinstance(value, np.random.RandomState):
            self._watch_state(value, lambda: value.get_state(legacy=False))
        else:
            bits = getattr(value, "bit_generator", value)
            self._watch_state(bits, lambda: bits.state)

    def _watch_state(self, owner: Any, state: Callable[[], Any]) -> None:
        self._random.append((owner, state, pickle.dumps(state())))

    # Looking again --------------------------------------------------------------------------------

    def check_unharmed(self) -> None:
        """Raise if the function changed what a program could not change again.

        Raises
        ------
        TraceError : it drew random numbers, or wrote into an array.
        """
        for _, state, before in self._random:
            if pickle.dumps(state()) != before:
                raise TraceError(
                    "a traced function drew random numbers: a program would use the same ones at "
                    "each call. Draw them outside, and pass them as an argument."
                )
        for name, array, before in self._arrays:
            now = _imprint(array)
            same = now == before if type(now) is bytes else _same_bits(now, before)
            if not same:
                raise TraceError(
                    f"a traced function wrote into the array {name!r} from outside of it: a "
                    "program would not do that again. Pass it as an argument, which may be "
                    "written into, or keep it in a gradtape.Variable."
                )

    def rebound(self) -> str | None:
        """A name that stands for something else than it did; None if there is none."""
        for space, name, value in self._names:
            if _looked_up(space, name) is not value:
                return name
        return None

    def guard(self) -> Callable[[], bool] | None:
        """What tells whether all names stand for what they did; None if there is no name."""
        names: dict[str, Any] = {}
        tests = []
        for i, (space, name, value) in enumerate(self._names):
            if isinstance(value, types.FunctionType) and value.__code__.co_filename.startswith(
                _LIBRARIES
            ):
                continue
            names[f"s{i}"], names[f"v{i}"] = space, value
            looked = f"s{i}.cell_contents" if type(space) is types.CellType else f"s{i}[{name!r}]"
            tests.append(f"{looked} is v{i}")
        if not tests:
            return None
        parameters = ", ".join([f"{name}={name}" for name in names])
        code = f"lambda {parameters}: {' and '.join(tests)}"
        return eval(code, names)  # type: ignore[no-any-return]


def _looked_up(space: Any, name: str) -> Any:
    return _content(space) if type(space) is types.CellType else space.get(name, _MISSING)


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # an empty cell
        return _MISSING


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    """The code of a function, and of the functions in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def _is_random(value: Any) -> bool:
    if isinstance(value, random.Random):
        return True
    numpys = sys.modules.get("numpy.random")
    if numpys is None:
        return False
    kinds = (numpys.Generator, numpys.RandomState, numpys.BitGenerator)
    return isinstance(value, kinds)
