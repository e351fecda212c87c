"""The shortest way from a call's arguments to a program's results: code made for one program.

It takes positional arguments in lists, tuples and dicts, each of exactly the kind that the program
was found for; whatever else there is, it leaves to the long way. Native code looks at its arguments
itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from gradtape.nest import _keys
from gradtape.patterns.templates import Template
from gradtape.programs.numpy_engine import GuardFailed
from gradtape.programs.signatures import NUMBERS
from gradtape.programs.warming import WarmingProgram
from gradtape.recording import AS_SYMBOLS
from gradtape.tensor import Tensor, new
from gradtape.variable import Variable

if TYPE_CHECKING:
    from gradtape.programs.function import Program

__all__ = ["MISSED", "shortcut"]

#: What the way answers for a call that it was not made for.
MISSED: Any = object()

#: NumPy's numbers whose type says all of them.
_SCALARS: tuple[type, ...] = (np.bool_, np.number)


def shortcut(program: Program, args: tuple[Any, ...]) -> Callable[[tuple[Any, ...]], Any] | None:
    """The short way into a program, for calls like one for which it held.

    Returns
    -------
    A function of the tuple of arguments, which gives what the call answers, or ``MISSED``; None
    where there is no short way.
    """
    if program.picky:
        return None
    try:
        return _Writer(program).written(args)
    except _NotShort:
        return None


class _NotShort(Exception):  # noqa: N818  (no error: the long way is taken)
    """Something takes the long way."""


class _Writer:
    """Writes the way as a function of the arguments."""

    def __init__(self, program: Program) -> None:
        self._plan = program.plan
        run: Any = program.run
        self._names: dict[str, Any] = {"MISSED": MISSED, "ndarray": np.ndarray, "new": new}
        self._names |= {"TRACES": AS_SYMBOLS, "GuardFailed": GuardFailed}
        self._lines: list[str] = ["if TRACES: return MISSED"]
        self._leaves: list[str] = []  # in the order of ``nest.flatten``
        if isinstance(run, WarmingProgram):
            if run._run is None:  # a way into native code is another one
                self._lines.append(f"if {self._bound(run)}._run is not None: return MISSED")
            else:
                run = run._made
        parts: Any = getattr(run, "parts", ())
        self._native = len(parts) == 1 and parts[0].native
        self._run = self._bound(run.run if self._native else run)

    def written(self, args: tuple[Any, ...]) -> Callable[[tuple[Any, ...]], Any]:
        """The function."""
        self._take_all(args, "args", check_type=False)
        plan = self._plan
        inputs = [self._value(self._leaves[i]) for i in plan.given]
        inputs += [f"{self._bound(t)}.array" for t in plan.state]
        body = [f"results = {self._run}({', '.join(inputs)})"]
        if plan.holds is not None:
            body.insert(0, f"if not {self._bound(plan.holds)}(): return MISSED")
        lines = [*self._lines, "try:", *[f"    {line}" for line in body]]
        lines.append("except (GuardFailed, KeyError, ValueError): return MISSED")
        if self._native:
            lines.append("if type(results) is not tuple: return MISSED")
        for i, variable in enumerate(plan.assigned):
            lines.append(f"{self._bound(variable)}.array = results[{plan.computed + i}]")
        self._lines = lines
        answer = self._answer(plan._like, iter(plan._leaves))
        self._lines.append(f"return {answer}")
        return self._compiled()

    def _compiled(self) -> Callable[[tuple[Any, ...]], Any]:
        text = "\n        ".join(self._lines)
        source = (
            f"def made({', '.join(self._names)}):\n    def way(args):\n        {text}\n"
            "    return way\n"
        )
        scope: dict[str, Any] = {}
        exec(compile(source, "<gradtape call>", "exec"), scope)
        way: Callable[[tuple[Any, ...]], Any] = scope["made"](**self._names)
        return way

    def _bound(self, value: Any) -> str:
        name = f"v{len(self._names)}"
        self._names[name] = value
        return name

    def _require(self, condition: str) -> None:
        self._lines.append(f"if not ({condition}): return MISSED")

    # Arguments ------------------------------------------------------------------------------------

    def _take_all(self, nest: Any, text: str, check_type: bool = True) -> None:
        """Unpack a list, a tuple or a dict into its leaves."""
        cls = type(nest)
        fits = f"len({text}) == {len(nest)}"
        self._require(f"type({text}) is {cls.__name__} and {fits}" if check_type else fits)
        names = [f"{text}_{i}" for i in range(len(nest))]
        if cls is dict:
            keys = _keys(nest)
            if not all([type(key) is str for key in keys]):
                raise _NotShort
            self._require(f"tuple({text}) == {tuple(nest)!r}")
            for name, key in zip(names, keys, strict=True):
                self._lines.append(f"{name} = {text}.get({key!r}, MISSED)")
            parts = [nest[key] for key in keys]
        else:
            parts = list(nest)
            if names:
                self._lines.append(f"{', '.join(names)}, = {text}")
        for part, name in zip(parts, names, strict=True):
            self._take(part, name)

    def _take(self, value: Any, text: str) -> None:
        cls = type(value)
        if cls in (list, tuple, dict):
            return self._take_all(value, text)
        self._leaves.append(text)
        if value is None or cls in (bool, str) or isinstance(value, Variable):
            self._require(f"{text} is {self._bound(value)}")
        elif isinstance(value, Tensor):
            self._require(f"type({text}) is {self._bound(cls)}")
            self._lines.append(f"{text}_array = {text}.array")
            self._array(value.array, f"{text}_array")
        else:
            self._array(value, text)
        return None

    def _array(self, value: Any, text: str) -> None:
        cls = type(value)
        if cls is np.ndarray:
            if not self._native:
                self._require(
                    f"type({text}) is ndarray and {text}.dtype is {self._bound(value.dtype)} "
                    f"and {text}.shape == {value.shape!r}"
                )
        elif cls in NUMBERS or issubclass(cls, _SCALARS):
            if not self._native:
                self._require(f"type({text}) is {self._bound(cls)}")
        else:
            raise _NotShort

    def _value(self, text: str) -> str:
        """The array of an argument that is a tensor, or the argument."""
        return f"{text}_array" if f"{text}_array = {text}.array" in self._lines else text

    # The answer -----------------------------------------------------------------------------------

    def _answer(self, like: Any, leaves: Any) -> str:
        cls = type(like)
        if cls is dict:
            texts = {key: self._answer(like[key], leaves) for key in _keys(like)}
            return "{" + ", ".join([f"{self._bound(key)}: {texts[key]}" for key in like]) + "}"
        if cls in (list, tuple):
            parts = [self._answer(part, leaves) for part in like]
            if cls is list:
                return f"[{', '.join(parts)}]"
            return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
        if like != 0 or cls is not int:
            raise _NotShort
        what, which = next(leaves)
        if what == "argument":
            argument: str = self._leaves[which]
            return argument
        if what == "static":
            return self._bound(which)
        kind = self._plan.kinds[which]
        if kind is None:
            return f"results[{which}]"
        if isinstance(kind, Template):
            return f"{self._bound(kind.make)}(results[{which}])"
        name = f"tensor{which}"
        self._lines += [
            f"{name} = new({self._bound(kind)})",
            f"{name}.array, {name}.key = results[{which}], None",
        ]
        return name
