"""The NumPy engine: a graph as straight-line Python over NumPy, with memory that is its own.

Each node becomes one line. Elementwise operations write into buffers that are allocated once and
shared by values that do not live at the same time; real double-precision numbers are Python's own,
which is several times faster than NumPy's. What Python raises for where NumPy answers with
infinities and NaN (``1.0 / 0.0``, ``math.exp(1000.0)``) is computed again by the careful form of
the program, in NumPy's numbers.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from gradtape.elementwise import Elementwise
from gradtape.programs.graph import Graph, Node

__all__ = ["GuardFailed", "NumpyProgram"]

DOUBLE = np.dtype(np.float64)

#: Python for primitives on Python's floats. What is missing runs on NumPy's.
_ON_FLOATS = {
    "add": "{} + {}",
    "subtract": "{} - {}",
    "multiply": "{} * {}",
    "divide": "{} / {}",
    "negative": "-{}",
    "positive": "{}",
    "float64": "{}",
    "square": "{0} * {0}",
    "absolute": "abs({})",
    "exp": "exp({})",
    "log": "log({})",
    "log1p": "log1p({})",
    "expm1": "expm1({})",
    "sqrt": "sqrt({})",
    "sin": "sin({})",
    "cos": "cos({})",
    "tan": "tan({})",
    "arcsin": "asin({})",
    "arccos": "acos({})",
    "arctan": "atan({})",
    "arctan2": "atan2({}, {})",
    "sinh": "sinh({})",
    "cosh": "cosh({})",
    "tanh": "tanh({})",
    "less": "{} < {}",
    "less_equal": "{} <= {}",
    "greater": "{} > {}",
    "greater_equal": "{} >= {}",
    "equal": "{} == {}",
    "not_equal": "{} != {}",
}
_MATH = {name: getattr(math, name) for name in dir(math) if not name.startswith("_")}

#: Primitives whose result may share memory with their first input.
_VIEWS = frozenset({"reshape", "transpose", "getitem", "broadcast", "squeeze", "expand_dims"})


class GuardFailed(Exception):  # noqa: N818  (no error: another branch is taken)
    """A value differs from what the program was traced with."""


class NumpyProgram:
    """A graph, ready to run.

    Call it with the values of the graph's inputs; it returns the outputs, new arrays each time.

    Raises
    ------
    GuardFailed : (by a call) a guard found something else than when the function was traced.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.source, run = _Writer(graph, fast=True).written()
        self._run = run
        self._careful: Callable[..., Any] | None = None

    def __call__(self, *inputs: Any) -> Any:
        """The outputs for some inputs."""
        try:
            return self._run(*inputs)
        except (ArithmeticError, ValueError):
            if self._careful is None:
                _, self._careful = _Writer(self.graph, fast=False).written()
            return self._careful(*inputs)


class _Writer:
    """Writes a graph as a Python function."""

    def __init__(self, graph: Graph, fast: bool) -> None:
        self._graph, self._fast = graph, fast
        self._names: dict[str, Any] = {"float64": np.float64, "GuardFailed": GuardFailed, **_MATH}
        self._lines: list[str] = []
        self._text: dict[Node, str] = {}  # what stands for a node in the program
        self._floats: set[Node] = set()  # the nodes that are Python floats
        self._last = self._last_uses()
        self._free: dict[tuple[Any, Any], list[str]] = {}
        self._buffer: dict[Node, str] = {}  # the buffer that a node's memory is
        self._owners: dict[str, int] = {}  # how many living nodes look at a buffer

    def written(self) -> tuple[str, Callable[..., Any]]:
        """The source, and the function that it defines."""
        graph = self._graph
        for i, node in enumerate(graph.inputs):
            self._text[node] = f"x{i}"
        guards = list(graph.guards)
        for node in graph.nodes:
            while guards and guards[0].position <= node.number:
                self._guard(guards.pop(0))
            self._node(node)
        for guard in guards:
            self._guard(guard)
        results = ", ".join([self._result(node) for node in graph.outputs])
        parameters = ", ".join([f"x{i}" for i in range(len(graph.inputs))])
        body = "\n    ".join([*self._lines, f"return ({results}{',' if results else ''})"])
        # Names of the module's level are looked up in a dict at each use; defaults are locals.
        bound = ", ".join([f"{name}={name}" for name in self._names if _used(name, body)])
        sign = f"{parameters}, *, {bound}" if bound and parameters else parameters
        sign = sign if parameters or not bound else f"*, {bound}"
        source = f"def program({sign}):\n    {body}\n"
        exec(compile(source, "<gradtape program>", "exec"), self._names)
        return source, self._names["program"]

    # Values ---------------------------------------------------------------------------------------

    def _last_uses(self) -> dict[Node, int]:
        last: dict[Node, int] = {}
        for node in self._graph.nodes:
            for i in node.inputs:
                last[i] = node.number
        for guard in self._graph.guards:
            last[guard.node] = max(last.get(guard.node, 0), guard.position)
        for node in self._graph.outputs:
            last[node] = len(self._graph.nodes)
        return last

    def _bind(self, prefix: str, value: Any) -> str:
        name = f"{prefix}{len(self._names)}"
        self._names[name] = value
        return name

    def _node(self, node: Node) -> None:
        if node.op is None:
            self._given(node)
            return
        if self._as_float(node):
            return
        inputs = [self._operand(i, node) for i in node.inputs]
        text = f"t{node.number}"
        if node.op is operator.getitem:  # one of several results
            self._say(node, f"{inputs[0]}[{node.params[0]}]")
        elif self._is_ufunc(node) and node.shape and node not in self._graph.outputs:
            out = self._out(node)
            self._say(node, f"{self._bind('u', _ufunc(node.op))}({', '.join([*inputs, out])})")
        else:
            self._say(node, self._call(node, inputs))
            if node.name in _VIEWS and node.inputs[0] in self._buffer:
                self._buffer[node] = self._buffer[node.inputs[0]]
                self._owners[self._buffer[node]] += 1
        self._text[node] = text
        self._release(node)

    def _given(self, node: Node) -> None:
        if node in self._text:  # an input
            if self._fast and node.shape == () and node.dtype in (DOUBLE, float):
                self._floats.add(node)
                self._lines.append(f"{self._text[node]} = float({self._text[node]})")
            return
        if self._fast and node.shape == () and node.dtype in (DOUBLE, float, int):
            if node.dtype is not int:
                self._floats.add(node)
            number = node.value if node.dtype is int else float(node.value)
            plain = type(number) is int or math.isfinite(number)
            self._text[node] = f"({number!r})" if plain else self._bind("c", number)
            return
        self._text[node] = self._bind("c", node.value)

    def _as_float(self, node: Node) -> bool:
        """Write a node as an operation on Python's floats, if it is one."""
        form = _ON_FLOATS.get(node.name)
        if form is None or not self._fast or node.shape != ():
            return False
        if not all([i in self._floats or i.dtype is int for i in node.inputs]):
            return False
        if node.dtype not in (DOUBLE, np.dtype(bool)):
            return False
        self._say(node, form.format(*[self._text[i] for i in node.inputs]))
        self._text[node] = f"t{node.number}"
        self._floats.add(node)
        return True

    def _operand(self, node: Node, user: Node) -> str:
        """A node as an operand: a Python float as NumPy's number where that promotes otherwise."""
        text = self._text[node]
        if node in self._floats and node.dtype is not float:
            weak = self._is_ufunc(user) and user.dtype in (DOUBLE, np.dtype(complex))
            if node.dtype == np.dtype(bool):
                return text
            return text if weak and user.shape else f"float64({text})"
        return text

    def _say(self, node: Node, expression: str) -> None:
        self._lines.append(f"t{node.number} = {expression}")

    def _is_ufunc(self, node: Node) -> bool:
        return isinstance(_ufunc(node.op), np.ufunc)

    def _call(self, node: Node, inputs: list[str]) -> str:
        """A call that allocates its result."""
        if node.name == "reshape":
            return f"{inputs[0]}.reshape({node.params[0]!r})"
        if node.name == "sum" and len(node.params) == 2:
            axis, keepdims = node.params
            whole = None if len(axis) == len(node.inputs[0].shape) else axis
            reduce = self._bind("r", np.add.reduce)
            return f"{reduce}({inputs[0]}, {whole!r}, None, None, {keepdims!r})"
        function = getattr(node.op, "compute", node.op)
        params = [self._bind("p", p) for p in node.params]
        return f"{self._bind('f', function)}({', '.join([*inputs, *params])})"

    # Memory ---------------------------------------------------------------------------------------

    def _out(self, node: Node) -> str:
        """The buffer that a node's value is written into; one of its inputs' own, if it may be."""
        key = (node.shape, node.dtype)
        for i in node.inputs:
            buffer = self._buffer.get(i)
            if buffer is None or self._last[i] != node.number or self._owners[buffer] != 1:
                continue
            if (i.shape, i.dtype) == key and i.name not in _VIEWS:
                self._owners[buffer] += 1
                self._buffer[node] = buffer
                return buffer
        free = self._free.get(key)
        buffer = free.pop() if free else self._bind("b", np.empty(node.shape, node.dtype))
        self._owners[buffer] = 1
        self._buffer[node] = buffer
        return buffer

    def _release(self, node: Node) -> None:
        """Give back the buffers of what is used here for the last time."""
        for i in set(node.inputs):
            if self._last[i] == node.number and i in self._buffer:
                buffer = self._buffer.pop(i)
                self._owners[buffer] -= 1
                if not self._owners[buffer]:
                    array = self._names[buffer]
                    self._free.setdefault((array.shape, array.dtype), []).append(buffer)

    # Guards and results ---------------------------------------------------------------------------

    def _guard(self, guard: Any) -> None:
        text = self._text[guard.node]
        if guard.look is bool:
            condition = f"not {text}" if guard.seen else text
        else:
            look, seen = self._bind("g", guard.look), self._bind("g", guard.seen)
            same = self._bind("g", _same)
            condition = f"not {same}({look}({text}), {seen})"
        self._lines.append(f"if {condition}: raise GuardFailed")

    def _result(self, node: Node) -> str:
        """An output: an array of its own."""
        text = self._text[node]
        if node in self._floats:
            return text if node.dtype is float else f"float64({text})"
        if node.shape == ():
            return text
        return f"{text}.copy()" if node.is_given or node.name in _VIEWS else text


def _ufunc(op: Any) -> Any:
    """The ufunc that an op is, if it is one."""
    return op.compute if isinstance(op, Elementwise) else op


def _same(one: Any, other: Any) -> bool:
    """Whether two things that Python saw are the same; NaN is the same as NaN."""
    return bool(one == other or (one != one and other != other))


def _used(name: str, body: str) -> bool:
    return f"{name}(" in body or f"{name}," in body or f"{name})" in body or f"{name} " in body
