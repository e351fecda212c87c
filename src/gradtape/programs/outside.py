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
        self._watched: set[tuple[int, str]] = set()
        self._said: set[str] = set()  # all names in the code
        self._spaces: list[tuple[Any, int]] = []  # what has names, like a dict; and how deep
        self._objects: list[Any] = []
        self._contents: list[tuple[str, Any, Any]] = []  # lists and dicts, and copies of them
        self._met: dict[int, Any] = {}
        self._visit(f, getattr(f, "__name__", "f"), 0)
        for other in others:
            self._visit(other, "an argument", 0)
        self._look_around()
        self._watch_global_numbers()

    def says(self, *names: str) -> bool:
        """Whether one of these names is in the code."""
        return not self._said.isdisjoint(names)

    def _visit(self, value: Any, name: str, depth: int) -> None:
        if depth > _DEEPEST or len(self._met) > _MOST or id(value) in self._met:
            return
        if value is None or value is _MISSING or isinstance(value, (str, bytes, bool)):
            return
        if is_symbol(value) or isinstance(value, (int, float, complex, np.generic)):
            return
        self._met[id(value)] = value
        if isinstance(value, types.ModuleType):
            if not _is_librarys(value.__name__):
                self._spaces.append((vars(value), depth))
        elif isinstance(value, type):
            self._visit_class(value, depth)
        elif isinstance(value, types.FunctionType):
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
            if isinstance(value, list):
                self._contents.append((name, value, list(value)))
            for part in value:
                self._visit(part, name, depth + 1)
        elif isinstance(value, dict):
            self._contents.append((name, value, dict(value)))
            if type(value) is dict:
                self._spaces.append((value, depth))
            for part in list(value.values()):
                self._visit(part, name, depth + 1)
        elif _is_random(value):
            self._watch_random(value)
        elif not isinstance(value, (types.BuiltinFunctionType, np.ufunc)):
            self._visit_object(value, depth)

    def _visit_function(self, f: types.FunctionType, depth: int) -> None:
        if f.__code__.co_filename.startswith(_LIBRARIES):
            for cell in f.__closure__ or ():  # a decorator's, say
                self._visit(_content(cell), f.__name__, depth + 1)
            return
        for code in _codes(f.__code__):
            self._said.update(code.co_names, [c for c in code.co_consts if type(c) is str])
            for name in code.co_names:
                value = f.__globals__.get(name, _MISSING)
                if value is not _MISSING and name not in vars(builtins):
                    self._name(f.__globals__, name, value, depth)
        for name, cell in zip(f.__code__.co_freevars, f.__closure__ or (), strict=True):
            self._name(cell, name, _content(cell), depth)
        for value in [*(f.__defaults__ or ()), *(f.__kwdefaults__ or {}).values()]:
            self._visit(value, f.__name__, depth + 1)

    def _name(self, space: Any, name: str, value: Any, depth: int) -> None:
        # A module's name in a module hardly ever stands for another one: no time for it.
        fixed = isinstance(value, types.ModuleType) and type(space) is not types.CellType
        if not fixed and (id(space), name) not in self._watched:
            self._watched.add((id(space), name))
            self._names.append((space, name, value))
        self._visit(value, name, depth + 1)

    def _visit_object(self, value: Any, depth: int) -> None:
        kind = type(value)
        if _is_librarys(kind.__module__):
            for name in ("f", "__wrapped__"):
                self._visit(getattr(value, name, None), name, depth + 1)
            return
        self._visit(kind, kind.__name__, depth)
        slots = [name for cls in kind.__mro__ for name in _slots_of(cls)]
        if slots:
            self._spaces.append((_Slots(value, slots), depth))
            for name in slots:
                self._visit(getattr(value, name, None), name, depth + 1)
        if hasattr(value, "__dict__"):
            self._objects.append(value)
            self._spaces.append((vars(value), depth))
            for name, part in list(vars(value).items()):
                self._visit(part, name, depth + 1)

    def _visit_class(self, kind: type, depth: int) -> None:
        if _is_librarys(kind.__module__):
            return
        self._spaces.append((vars(kind), depth))
        for name, member in list(vars(kind).items()):
            inside = getattr(member, "__func__", None) or getattr(member, "fget", None)
            if isinstance(inside or member, types.FunctionType):
                self._visit(inside or member, name, depth + 1)
        for base in kind.__bases__:
            self._visit(base, base.__name__, depth)

    def _look_around(self) -> None:
        """Watch what the code names in classes, modules and dicts: that may lead to more of it."""
        looked: set[tuple[int, str]] = set()
        while True:
            found = [
                (space, name, depth)
                for space, depth in self._spaces
                for name in self._said & space.keys()
                if (id(space), name) not in looked
            ]
            if not found:
                break
            for space, name, depth in found:
                looked.add((id(space), name))
                self._name(space, name, _looked_up(space, name), depth)
        for thing in self._objects:  # what a class has, an object may get for itself
            space = vars(thing)
            for name in self._said - space.keys():
                shared = [vars(cls)[name] for cls in type(thing).__mro__ if name in vars(cls)]
                if shared and not hasattr(shared[0], "__get__"):
                    self._names.append((space, name, _MISSING))

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
        for name, now, then in self._contents:
            if isinstance(then, list):
                same = len(now) >= len(then) and all([a is b for a, b in zip(now, then)])  # noqa: B905
            else:
                same = all([now.get(key, _MISSING) is part for key, part in then.items()])
            if not same:
                return f"{name}[...]"
        return None

    def guard(self) -> Callable[[], bool] | None:
        """What tells whether all names stand for what they did; None if there is no name."""
        names: dict[str, Any] = {}
        tests = []
        for i, (space, name, value) in enumerate(self._names):
            names[f"s{i}"], names[f"v{i}"] = space, value
            looked = f"s{i}.cell_contents" if type(space) is types.CellType else f"s{i}[{name!r}]"
            if value is _MISSING:
                looked = f"s{i}.get({name!r}, v{i})"
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


class _Slots:
    """An object's slots, as a dict would have them."""

    def __init__(self, thing: Any, names: list[str]) -> None:
        self._thing, self._names = thing, names

    def keys(self) -> set[str]:
        """The slots that hold something."""
        return {name for name in self._names if hasattr(self._thing, name)}

    def get(self, name: str, default: Any) -> Any:
        """What a slot holds."""
        return getattr(self._thing, name, default)

    def __getitem__(self, name: str) -> Any:
        return getattr(self._thing, name, _MISSING)


def _slots_of(cls: type) -> list[str]:
    slots = [name for name, part in vars(cls).items() if type(part) is types.MemberDescriptorType]
    return [] if _is_librarys(cls.__module__) else slots


def _is_librarys(module: str) -> bool:
    """Whether a module is part of Python, of an installed package, or of this one."""
    file = getattr(sys.modules.get(module), "__file__", None)
    if file:
        return str(file).startswith(_LIBRARIES)
    return module in sys.stdlib_module_names


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
