"""A program's source: its values one after the other, each in memory that is there."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from gradtape.programs.buffers import Block, Memory, Value
from gradtape.programs.forms import into, is_view, seen
from gradtape.programs.graph import Graph, Guard, Node
from gradtape.programs.loops import LoopWriter
from gradtape.programs.rewrites.building import kind, number_of, ufunc_of
from gradtape.programs.rows import Loop, planned
from gradtape.programs.scalars import MATH, ON_FLOATS, ON_NUMBERS, ROUNDED

__all__ = ["GuardFailed", "Writer"]

DOUBLE, SINGLE, TRUTH = np.dtype(np.float64), np.dtype(np.float32), np.dtype(bool)
#: Times a Python float, that float as a number of single precision: NumPy is fastest at it so.
ONE = np.float32(1)

#: A number that a small array is combined with is an array, too: NumPy is faster so.
FILLED_SIZE = 1 << 13
#: Expressions of numbers are written into each other up to this length.
LONG = 120


class GuardFailed(Exception):  # noqa: N818  (no error: another branch is taken)
    """A value differs from what the program was traced with."""


class Writer:
    """Writes a graph as a Python function.

    Parameters
    ----------
    graph : what is written.
    fast : whether numbers of double precision are Python's own, which raise where NumPy's do not.
    """

    def __init__(self, graph: Graph, fast: bool) -> None:
        self.graph, self._fast = graph, fast
        self.names: dict[str, Any] = {
            "float64": np.float64,
            "GuardFailed": GuardFailed,
            "empty": np.empty,
        }
        self._bound: dict[int, str] = {}
        self.lines: list[str] = []
        self.values: dict[Node, Value] = {}
        self.memory = Memory()
        #: What stands in for the memory of loops in other threads than the caller's.
        self.spare: dict[int, dict[Block, Block]] = {}
        #: Where each node is computed, in words.
        self.kernels: dict[Node, str] = {}
        self.loops = 0
        self._floats: set[Node] = set()  # the nodes that are Python floats
        self._numbers: set[Node] = set()  # the nodes that are NumPy's numbers
        self._inline: dict[Node, str] = {}
        self._uses: dict[Node, int] = {}
        for node in graph.nodes:
            for i in node.inputs:
                self._uses[i] = self._uses.get(i, 0) + 1
        for node in (*graph.outputs, *[g.node for g in graph.guards]):
            self._uses[node] = 2  # has a name
        self.outputs = set(graph.outputs)
        self._items = planned(graph)
        self._last = self._last_items()
        self._due: dict[int, list[Node]] = {}
        for node, position in self._last.items():
            self._due.setdefault(position, []).append(node)
        self._position = 0
        self._arrays: dict[Any, str] = {}
        self._count = 0

    def written(self) -> tuple[str, Callable[..., Any]]:
        """The source, and the function that it defines."""
        graph = self.graph
        for i, node in enumerate(graph.inputs):
            self.values[node] = Value(f"x{i}")
        given = set(graph.inputs)
        for node in graph.inputs:
            self._given(node)
        for position, item in enumerate(self._items):
            self._position = position
            if isinstance(item, Loop):
                LoopWriter(self, item).write()
            elif isinstance(item, Guard):
                self._guard(item)
            elif item not in given:
                self._node(item)
            self._release(position)
        told: set[Node] = set()
        results = "".join([f"{self._result(node, told)}, " for node in graph.outputs])
        return self._compiled(f"return ({results.rstrip()})")

    def _compiled(self, last: str) -> tuple[str, Callable[..., Any]]:
        parameters = ", ".join([f"x{i}" for i in range(len(self.graph.inputs))])
        lines = "\n        ".join([*self.lines, last])
        # A closure: what is bound is at hand in each call, and costs nothing to hand over.
        source = (
            f"def made({', '.join(self.names)}):\n"
            f"    def program({parameters}):\n        {lines}\n    return program\n"
        )
        scope: dict[str, Any] = {}
        exec(compile(source, "<gradtape program>", "exec"), scope)
        return source, scope["made"](**self.names)

    # Names ----------------------------------------------------------------------------------------

    def bind(self, prefix: str, value: Any) -> str:
        """A name for an object, the same for the same one."""
        name = self._bound.get(id(value))
        if name is None:
            name = f"{prefix}{len(self.names)}"
            self.names[name] = value  # which keeps it, and so its id
            self._bound[id(value)] = name
        return name

    def fresh(self, prefix: str) -> str:
        """A name that nothing has yet."""
        self._count += 1
        return f"{prefix}_{self._count}"

    def uses(self, node: Node) -> int:
        """How often a node is used; 2 at least if it has to have a name."""
        return self._uses.get(node, 0)

    def number(self, node: Node) -> None:
        """Note that what stands for a node is one of NumPy's numbers."""
        self._numbers.add(node)

    def say(self, line: str) -> None:
        """Add a line."""
        self.lines.append(line)

    # Lifetimes ------------------------------------------------------------------------------------

    def _last_items(self) -> dict[Node, int]:
        """The last item that needs the memory that a node's value is in."""
        roots: dict[Node, set[Node]] = {}
        last: dict[Node, int] = {}

        def need(node: Node, position: int) -> None:
            for root in roots[node]:
                last[root] = position

        for node in self.graph.nodes:
            roots[node] = set() if is_view(node) else {node}
            if is_view(node) or _may_share(node):
                roots[node].update(*[roots[i] for i in node.inputs])
        for position, item in enumerate(self._items):
            if isinstance(item, Guard):
                need(item.node, position)
                continue
            for node in item.nodes if isinstance(item, Loop) else [item]:
                need(node, position)
                for i in node.inputs:
                    need(i, position)
                    for j in i.inputs if isinstance(item, Loop) else ():
                        need(j, position)  # of a transpose that the loop takes block by block
        for node in self.graph.outputs:
            need(node, len(self._items))
        return last

    def _release(self, position: int) -> None:
        """Give back the memory of what is used here for the last time."""
        for node in self._due.pop(position, ()):
            value = self.values.get(node)
            if value is not None and value.block is not None:
                self.memory.give(value.block)

    # Nodes ----------------------------------------------------------------------------------------

    def _node(self, node: Node) -> None:
        if node.op is None:
            self._given(node)
        elif self._number(node):
            self.kernels[node] = "a number"
        elif is_view(node):
            self.kernels[node] = "a view"
            self._view(node)
        else:
            self.kernels[node] = "a call" if into(node) is None else "the whole at once"
            self._array(node)

    def _given(self, node: Node) -> None:
        value = self.values.get(node)
        if value is not None:  # an input
            if node.shape == () and node.dtype in (DOUBLE, float) and self._fast:
                self._floats.add(node)
                self.say(f"{value.text} = float({value.text})")
            elif node.shape == () and isinstance(node.dtype, np.dtype):
                self._numbers.add(node)
                self.say(f"{value.text} = {value.text}[()]")
            return
        array = node.value
        if isinstance(array, np.ndarray) and array.ndim and node.fixed:
            self.values[node] = Value(self.bind("c", array), array)
        elif isinstance(array, np.ndarray):
            text = self.bind("c", array)
            if not array.ndim:
                self._numbers.add(node)
                self.say(f"t{node.number} = {text}[()]")
                text = f"t{node.number}"
            self.values[node] = Value(text, array if array.ndim else None)
        else:
            self.values[node] = Value(self._constant(node))

    def _constant(self, node: Node) -> str:
        number = node.value
        if node.dtype in (DOUBLE, float) and self._fast:
            self._floats.add(node)
            number = float(number)
        elif isinstance(node.dtype, np.dtype):
            self._numbers.add(node)
        finite = type(number) is int or (type(number) is float and math.isfinite(number))
        return f"({number!r})" if finite else self.bind("c", number)

    def _view(self, node: Node) -> None:
        """A view of memory that stays where it is is made now; another one in each call."""
        (x,) = node.inputs
        source = self.values[x]
        if source.array is not None:
            array = seen(node, source.array)
            if np.may_share_memory(array, source.array):
                self.values[node] = Value(self.bind("v", array), array)
                return
        self.say(f"t{node.number} = {self._view_text(node, source.text)}")
        self.values[node] = Value(f"t{node.number}")

    def _view_text(self, node: Node, x: str) -> str:
        name = kind(node.op)
        if name == "reshape":
            return f"{x}.reshape({node.params[0]!r})"
        if name == "transpose" and node.params[0] == (-1, -2) and len(node.shape) == 2:
            return f"{x}.T"
        if name == "getitem":
            return f"{x}[{self.bind('p', node.params[0])}]"
        return f"{self.bind('f', node.op.compute)}({x}, {node.params[0]!r})"

    def _array(self, node: Node) -> None:
        form = into(node)
        text = f"t{node.number}"
        if node in self.outputs or form is None:
            if form is not None and ufunc_of(node.op) is None:
                self.say(f"{text} = empty({node.shape!r}, {self.bind('d', node.dtype)})")
                for line in form(node, self._operands(node), text, self.bind):
                    self.say(line)
            else:
                self.say(f"{text} = {self._call(node)}")
            self.values[node] = Value(text)
            return
        inputs = self._operands(node)
        value = self.values[node] = self.buffer(node)
        for line in form(node, inputs, value.text, self.bind):
            self.say(line)

    def buffer(self, node: Node) -> Value:
        """Memory for a node: that of an operand that ends here, if it may be written over."""
        block = None
        if ufunc_of(node.op) is not None:
            for i in node.inputs:
                value = self.values.get(i)
                if value is None or value.block is None or self._last.get(i) != self._position:
                    continue
                if i.shape == node.shape and i.dtype == node.dtype:
                    block, value.block = value.block, None
                    break
        if block is None:
            block = self.memory.take(prod(node.shape) * node.dtype.itemsize)
        array = block.array(node.shape, node.dtype)
        return Value(self.bind("b", array), array, block)

    def _call(self, node: Node) -> str:
        """A call that allocates its result."""
        inputs = self._operands(node)
        if node.op is operator.getitem:  # one of several results
            return f"{inputs[0]}[{node.params[0]}]"
        if kind(node.op) == "getitem" and node.shape == ():
            # With an ellipsis it would be a view, of memory that is written over later.
            index = tuple([i for i in node.params[0] if i is not Ellipsis])
            return f"{inputs[0]}[{self.bind('p', index)}]"
        if kind(node.op) == "sum":
            axis, keepdims = node.params
            whole = None if len(axis) == len(node.inputs[0].shape) else axis
            last = f", None, None, {keepdims!r}" if keepdims else ""
            return f"{self.bind('r', np.add.reduce)}({inputs[0]}, {whole!r}{last})"
        if ufunc_of(node.op) is not None:
            return f"{self.bind('u', ufunc_of(node.op))}({', '.join(inputs)})"
        function = getattr(node.op, "compute", node.op)
        params = [self.bind("p", p) for p in node.params]
        return f"{self.bind('f', function)}({', '.join([*inputs, *params])})"

    def _operands(self, node: Node) -> list[str]:
        return [self.operand(i, node) for i in node.inputs]

    def operand(self, node: Node, user: Node) -> str:
        """A node as an operand of an operation on arrays."""
        size = prod(user.shape) if isinstance(user.dtype, np.dtype) and user.shape else 0
        if 0 < size <= FILLED_SIZE and kind(user.op) in _BETWEEN_EQUALS:
            number = number_of(node)
            full = [i for i in user.inputs if i.shape == user.shape]
            if number is not None and full:
                dtype = node.dtype if isinstance(node.dtype, np.dtype) else full[0].dtype
                fits = dtype.kind == "c" or (dtype.kind == "f" and not np.iscomplexobj(number))
                if dtype == full[0].dtype and fits:
                    return self._filled(number, user.shape, dtype)
        return self.strong(node, user)

    def _filled(self, number: Any, shape: Any, dtype: Any) -> str:
        key = repr(number), shape, dtype
        known = self._arrays.get(key)
        if known is None:
            known = self._arrays[key] = self.bind("c", np.full(shape, number, dtype))
        return known

    def strong(self, node: Node, user: Node) -> str:
        """A node as an operand, a Python float as NumPy's number where it promotes otherwise."""
        text = self._named_text(node)
        if node not in self._floats or (node.dtype is float or node.dtype == TRUTH):
            return text
        wide = [
            i for i in user.inputs if i.shape != () and i.dtype in (DOUBLE, np.dtype(np.complex128))
        ]
        weak = wide and user.shape and ufunc_of(user.op) is not None
        return text if weak else f"float64({text})"

    # Numbers --------------------------------------------------------------------------------------

    def _number(self, node: Node) -> bool:
        """Write an operation on numbers, if a node is one."""
        if node.shape != () or not isinstance(node.dtype, np.dtype):
            return False
        name = kind(node.op)
        if self._as_floats(node, name) or self._as_numbers(node, name) or self._as_single(node):
            return True
        if name == "holds_nan":
            (x,) = self._operands(node)
            self.say(f"t{node.number} = {self.bind('m', np.vdot)}({x}, {x})")
            self._inline[node] = f"(t{node.number} != t{node.number})"
            self._numbers.add(node)
            return True
        if node.inputs and not is_view(node):
            sure = name in _GIVES_NUMBERS or ufunc_of(node.op) is not None
            self.say(f"t{node.number} = {self._call(node)}{'' if sure else '[()]'}")
            self.values[node] = Value(f"t{node.number}")
            self._numbers.add(node)
            return True
        return False

    def _as_floats(self, node: Node, name: str) -> bool:
        form = ON_FLOATS.get(name)
        if form is None or not self._fast or node.dtype not in (DOUBLE, TRUTH):
            return False
        if not all([i in self._floats or i.dtype is int for i in node.inputs]):
            return False
        if all([i.dtype is int for i in node.inputs]):
            return False
        self._express(node, form)
        self._floats.add(node)
        return True

    def _as_numbers(self, node: Node, name: str) -> bool:
        form = ON_NUMBERS.get(name)
        numbers = [i for i in node.inputs if i in self._numbers]
        if form is None or not numbers or any([i.dtype == TRUTH for i in numbers]):
            return False
        for i in node.inputs:
            if not (i in self._numbers or i in self._floats or isinstance(i.dtype, type)):
                return False
        if any([i in self._floats and i.dtype == DOUBLE for i in node.inputs]):
            return False
        self._express(node, form)
        self._numbers.add(node)
        return True

    def _as_single(self, node: Node) -> bool:
        """A function of a number of single precision: Python's own, rounded."""
        name = kind(node.op)
        if name not in ROUNDED or not self._fast or node.dtype != SINGLE:
            return False
        if not all([i in self._numbers and i.dtype == SINGLE for i in node.inputs]):
            return False
        function = ON_FLOATS[name]
        self.names.setdefault("one", ONE)
        self.names[function.partition("(")[0]] = MATH[function.partition("(")[0]]
        self._express(node, f"one * {function}")
        self._numbers.add(node)
        return True

    def _express(self, node: Node, form: str) -> None:
        """An expression: with a name, or to be written where it is used."""
        repeats = "{0}" in form or "{1}" in form
        inputs = [
            self._inline.pop(i) if i in self._inline and not repeats else self._named_text(i)
            for i in node.inputs
        ]
        text = f"({form.format(*inputs)})"
        function = form.partition("(")[0]
        if function in MATH:
            self.names[function] = MATH[function]
        if self._uses.get(node) == 1 and len(text) < LONG:
            self._inline[node] = text
        else:
            self.say(f"t{node.number} = {text[1:-1]}")
            self.values[node] = Value(f"t{node.number}")

    def _named_text(self, node: Node) -> str:
        self.named(node)
        return self.values[node].text

    def named(self, node: Node) -> None:
        """Give a name to an expression that was to be written where it is used."""
        text = self._inline.pop(node, None)
        if text is not None:
            self.say(f"t{node.number} = {text[1:-1]}")
            self.values[node] = Value(f"t{node.number}")

    # Guards and results ---------------------------------------------------------------------------

    def _guard(self, guard: Guard) -> None:
        text = self._named_text(guard.node)
        if guard.look is bool:
            condition = f"not {text}" if guard.seen else text
        else:
            if guard.node in self._floats and guard.node.dtype == DOUBLE:
                text = f"float64({text})"
            look, seen_ = self.bind("g", guard.look), self.bind("g", guard.seen)
            condition = f"not {self.bind('g', _same)}({look}({text}), {seen_})"
        self.say(f"if {condition}: raise GuardFailed")

    def _result(self, node: Node, told: set[Node]) -> str:
        """An output: an array of its own."""
        text = self._named_text(node)
        if node in self._floats:
            return text if node.dtype is float else f"{self.bind('n', node.dtype.type)}({text})"
        if not isinstance(node.dtype, np.dtype):
            return text
        if node.shape == ():  # perhaps a view of a buffer, which the next call writes into
            return f"{self.bind('n', _number)}({text})"
        shared = node.is_given or is_view(node) or node in told
        told.add(node)
        if not shared and _may_share(node):
            inputs = "".join([f"{self._named_text(i)}, " for i in node.inputs])
            return f"{self.bind('o', _own)}({text}, ({inputs}))"
        return f"{text}.copy()" if shared else text


#: Functions of two operands that are brought to one dtype.
_BETWEEN_EQUALS = frozenset(
    {"add", "subtract", "multiply", "divide", "maximum", "minimum", "equal", "not_equal"}
    | {"less", "less_equal", "greater", "greater_equal"}
)

#: Whose result of shape () is one of NumPy's numbers, and no array.
_GIVES_NUMBERS = frozenset({"sum", "max", "min", "getitem"})


def _may_share(node: Node) -> bool:
    """Whether a call could give a view of what it is given, or that itself."""
    return node.op is not None and into(node) is None and node.shape != ()


def _number(value: Any) -> Any:
    """A number, out of an array without axes if it is in one."""
    return value[()] if isinstance(value, np.ndarray) else value


def _own(result: Any, inputs: tuple[Any, ...]) -> Any:
    """A call's result, or a copy where it could be somebody else's memory."""
    shared = result.base is not None or any([result is i for i in inputs])
    return result.copy() if shared else result


def _same(one: Any, other: Any) -> bool:
    """Whether two things that Python saw are the same; NaN is the same as NaN."""
    return bool(one == other or (one != one and other != other))
