"""From a program's nodes to lines of source code."""

from __future__ import annotations

import builtins
import inspect
import keyword
import operator
import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradtape.places import Place
from gradtape.source_code.helpers import Helper, name_of
from gradtape.source_code.literals import (
    array_text,
    dtype_text,
    number_text,
    plain_number,
    regular_text,
)
from gradtape.source_code.program import Leak, Node, Program, nodes_in
from gradtape.source_code.traced import sums_rows

__all__ = ["Writer"]

#: How tightly operators bind, as in Python's grammar.
_BINARY = {
    operator.or_: ("|", 3),
    operator.xor: ("^", 4),
    operator.and_: ("&", 5),
    operator.lshift: ("<<", 6),
    operator.rshift: (">>", 6),
    operator.add: ("+", 7),
    operator.sub: ("-", 7),
    operator.mul: ("*", 8),
    operator.truediv: ("/", 8),
    operator.floordiv: ("//", 8),
    operator.mod: ("%", 8),
    operator.matmul: ("@", 8),
    operator.pow: ("**", 10),
}
_COMPARED = {
    operator.lt: "<",
    operator.le: "<=",
    operator.gt: ">",
    operator.ge: ">=",
    operator.eq: "==",
    operator.ne: "!=",
}
_UNARY = {operator.neg: "-", operator.pos: "+", operator.invert: "~"}
_COMPARISON, _SIGN, _ATOM = 2, 9, 12

_REDUCTIONS: dict[Any, str] = {
    np.add: "sum",
    np.multiply: "prod",
    np.maximum: "max",
    np.minimum: "min",
}

#: Calls that take several statements.
_STATEMENTS = {"embed", "scatter", "setitem", "at", "write"}

#: What is written down whether or not a result depends on it.
_ALWAYS = {"bool", "int", "tolist", "equal", "note"}

#: A line that is longer is broken up into several statements.
LINE = 80
#: A line with a comment that is longer goes without the text of the user's line.
COMMENTED = 110
#: Arrays of more entries stand in front of the function.
INLINE_ENTRIES = 8
#: Arrays of more entries are not written out: they are kept in a file beside the source.
WRITTEN_ENTRIES = 2000


@dataclass
class Writer:
    """What is written so far."""

    program: Program
    #: The names that are taken.
    taken: set[str] = field(default_factory=set)
    names: dict[int, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    imports: set[str] = field(default_factory=lambda: {"numpy"})
    #: The sources of helpers, by name.
    helpers: dict[str, str] = field(default_factory=dict)
    #: Arrays in front of the function, by name: their text, or None where they are in a file.
    constants: dict[str, Any] = field(default_factory=dict)
    _constant_names: dict[Any, str] = field(default_factory=dict)
    _uses: dict[int, int] = field(default_factory=dict)
    _alone: set[int] = field(default_factory=set)

    # Names ----------------------------------------------------------------------------------------

    def free_name(self, wish: str) -> str:
        """A name like the one wished for that nothing else has."""
        name = re.sub(r"\W+", "_", wish).strip("_") or "v"
        name = f"v_{name}" if name[0].isdigit() else name
        if keyword.iskeyword(name) or hasattr(builtins, name) or name in ("np", "scipy"):
            name += "_"
        unique, count = name, 2
        while unique in self.taken:
            unique, count = f"{name}_{count}", count + 1
        self.taken.add(unique)
        return unique

    # The body -------------------------------------------------------------------------------------

    def body(self, results: list[Any]) -> list[str]:
        """The lines that compute results (nodes or constants), and the expressions of these."""
        live = self._live(results)
        for node in live:
            if isinstance(node.function, Helper):
                self.helpers.update(node.function.sources)
                self.imports |= node.function.imports
        self.taken.update(self.helpers)
        for node in live:
            for used in nodes_in((node.args, node.kwargs)):
                self._uses[used.number] = self._uses.get(used.number, 0) + 1
            if node.style in _STATEMENTS:
                self._alone.update([n.number for n in nodes_in(node.args)])
        for node in nodes_in(results):
            self._uses[node.number] = self._uses.get(node.number, 0) + 1
            self._alone.add(node.number)
        texts: dict[int, tuple[str, int]] = {}
        self._texts = texts
        for node in live:
            self._write(node)
        return [self.argument(one) for one in results]

    def _live(self, results: list[Any]) -> list[Node]:
        """The nodes that results, and what has to hold, depend on."""
        keep: set[int] = set()
        pending = nodes_in(results)
        pending += [n for n in self.program.nodes if n.style in _ALWAYS]
        while True:
            while pending:
                node = pending.pop()
                if node.number not in keep:
                    keep.add(node.number)
                    pending += nodes_in((node.args, node.kwargs))
            pending = [
                n
                for n in self.program.nodes
                if n.kind == "check" and n.number not in keep and n.args[0].number in keep
            ]
            if not pending:
                break
        return [n for n in self.program.nodes if n.number in keep]

    def _write(self, node: Node) -> None:
        """Write a node's statement, or keep its expression for the only one that uses it."""
        if node.kind == "input":
            self._texts[node.number] = (self.names[node.number], _ATOM)
            return
        if node.kind == "check":
            self.lines += self._check(node)
            return
        if node.kind == "note":
            self.lines += _noted(node.value)
            return
        if node.style in _STATEMENTS:
            name = self._named(node)
            self.lines += self._statements(node, name)
        else:
            text, level = self._expression(node)
            only = self._uses.get(node.number, 0) == 1 and node.number not in self._alone
            short = len(text) <= LINE // 2
            if node.style == "item" or (not node.name and only and short):
                self._texts[node.number] = (text, level)
                return
            name = self._named(node)
            self.lines.append(f"{name} = {text}")
        self._texts[node.number] = (name, _ATOM)

    def _named(self, node: Node) -> str:
        name = self.free_name(node.name or f"v{self._count()}")
        self.names[node.number] = name
        return name

    def _count(self) -> int:
        self._number = getattr(self, "_number", 0) + 1
        return self._number

    # Statements -----------------------------------------------------------------------------------

    def _check(self, node: Node) -> list[str]:
        line = f"assert {self._condition(node)}"
        return [line if node.place is None else _with_place(line, node.place)]

    def _condition(self, node: Node) -> str:
        """What has to hold."""
        what, how, held = self.argument(node.args[0]), node.style, node.value
        if how == "bool":
            text, level = self._texts[node.args[0].number]
            negated = f"not ({text})" if level < _ATOM else f"not {text}"
            return text if held else negated
        if how == "shape":
            return f"{what}.shape == {held}"
        if how == "int":
            return f"{what} == {held}"
        if how == "tolist":
            return f"{what}.tolist() == {held}"
        if how == "equal":
            options = ", equal_nan=True" if held.dtype.kind in "fc" else ""
            return f"np.array_equal({what}, {self.argument(held)}{options})"
        raise NotImplementedError(how)

    def _statements(self, node: Node, name: str) -> list[str]:
        arguments = [self.argument(one) for one in node.args]
        if node.style in ("embed", "scatter"):
            _, shape, index = node.args
            dtype = node.value.dtype
            kind = "" if dtype == np.float64 else f", {dtype_text(dtype)}"
            size = str(shape[0]) if len(shape) == 1 else str(shape)
            lines = [f"{name} = np.zeros({size}{kind})"]
            if node.style == "embed":
                return [*lines, f"{name}[{self._index(index)}] = {arguments[0]}"]
            return [*lines, f"np.add.at({name}, {self._at(index)}, {arguments[0]})"]
        lines = [f"{name} = np.array({arguments[0]})"]
        if node.style == "setitem":
            return [*lines, f"{name}[{self._index(node.args[1])}] = {arguments[2]}"]
        if node.style == "at":
            rest = ", ".join([self._at(node.args[1]), *arguments[2:]])
            return [*lines, f"np.{node.function.__name__}.at({name}, {rest})"]
        rest = ", ".join([name, *arguments[1:], *self._keywords(node.kwargs)])
        return [*lines, f"{self._function(node.function)}({rest})"]

    def _index(self, index: Any) -> str:
        """An index inside of brackets."""
        parts = index if isinstance(index, tuple) else (index,)
        return ", ".join([self._part(i) for i in parts]) or "()"

    def _part(self, i: Any) -> str:
        if isinstance(i, slice):
            ends = ["" if e is None else self.argument(e) for e in (i.start, i.stop, i.step)]
            return ":".join(ends if ends[2] else ends[:2])
        if i is Ellipsis:
            return "..."
        numbers = isinstance(i, np.ndarray) and i.dtype == np.intp and i.ndim == 1
        if numbers and i.size <= INLINE_ENTRIES:
            return str(i.tolist())
        return self.argument(int(i) if isinstance(i, np.integer) else i)

    def _at(self, index: Any) -> str:
        """An index as an argument."""
        parts = index if isinstance(index, tuple) else (index,)
        if any([isinstance(i, slice) or i is Ellipsis for i in parts]):
            return f"np.s_[{self._index(index)}]"
        return self._part(parts[0]) if len(parts) == 1 else f"({self._index(parts)})"

    # Expressions ----------------------------------------------------------------------------------

    def argument(self, value: Any, near: Any = ()) -> str:
        """A node or a bare value as an argument; ``near``: what stands beside it in the call."""
        return self._operand(value, near)[0]

    def _operand(self, value: Any, near: Any = ()) -> tuple[str, int]:
        if isinstance(value, Node):
            return self._texts[value.number]
        if isinstance(value, np.ndarray):
            return self._array(value), _ATOM
        if isinstance(value, np.generic):
            text = plain_number(value) if _is_weak(value, near) else number_text(value)
            return text, _SIGN if text[0] == "-" else _ATOM
        if isinstance(value, (list, tuple)):
            inside = ", ".join([self.argument(one) for one in value])
            if isinstance(value, list):
                return f"[{inside}]", _ATOM
            return f"({inside},)" if len(value) == 1 else f"({inside})", _ATOM
        if isinstance(value, slice):
            return f"np.s_[{self._part(value)}]", _ATOM
        if isinstance(value, np.dtype) or (
            isinstance(value, type) and issubclass(value, np.generic)
        ):
            return dtype_text(value), _ATOM
        if value is Ellipsis:
            return "...", _ATOM
        if isinstance(value, (bool, int, float, complex)):
            text = plain_number(value)
            return text, _SIGN if text[0] == "-" else _ATOM
        if isinstance(value, dict):
            pairs = [f"{key!r}: {self.argument(one)}" for key, one in value.items()]
            return "{" + ", ".join(pairs) + "}", _ATOM
        if value is None or isinstance(value, str):
            return repr(value), _ATOM
        return self._function(value), _ATOM

    def _array(self, array: Any) -> str:
        text = regular_text(array)
        if text:
            return text
        if array.size <= INLINE_ENTRIES:
            text = array_text(array, 10**6)
            if len(text) <= LINE // 2:
                return text
        if array.ndim > 1 and array.flags.fnc:  # the layout makes a difference of bits
            return f"{self._array(array.T)}.T"
        key = (array.dtype.str, array.shape, array.tobytes())
        name = self._constant_names.get(key)
        if name is None:
            wish = self.program.names.get(id(array), f"constant_{len(self._constant_names) + 1}")
            name = self._constant_names[key] = self.free_name(wish)
            self.constants[name] = array
        return name

    def _expression(self, node: Node) -> tuple[str, int]:
        function, args = node.function, node.args
        if node.style == "operator":
            return self._operation(function, args)
        if node.style == "item":
            return f"{self.argument(args[0])}[{args[1]}]", _ATOM
        if node.style == "index":
            return f"{self._bound(args[0])}[{self._index(args[1])}]", _ATOM
        if node.style == "attribute":
            return f"{self._bound(args[0])}.{function}", _ATOM
        given = node.kwargs
        if node.style == "function":
            args, given = _without_defaults(function, args, given)
        keywords = self._keywords(given)
        if node.style == "method":
            rest = [self.argument(one) for one in args[1:]]
            return f"{self._bound(args[0])}.{function}({', '.join(rest + keywords)})", _ATOM
        if isinstance(function, Helper):
            return f"{function.name}({', '.join([self.argument(a) for a in args])})", _ATOM
        reduced = self._reduction(node)
        if reduced is not None:
            return reduced, _ATOM
        texts = [self.argument(one, args) for one in args] + keywords
        return f"{self._function(function)}({', '.join(texts)})", _ATOM

    def _bound(self, value: Any) -> str:
        text, level = self._operand(value)
        return text if level == _ATOM else f"({text})"

    def _operation(self, function: Any, args: Any) -> tuple[str, int]:
        operands = [self._operand(one, args) for one in args]
        if function in _UNARY:
            text, level = operands[0]
            return _UNARY[function] + (text if level > _SIGN else f"({text})"), _SIGN
        if function is operator.abs:
            return f"abs({operands[0][0]})", _ATOM
        (left, below), (right, above) = operands
        if function in _COMPARED:
            left = left if below > _COMPARISON else f"({left})"
            right = right if above > _COMPARISON else f"({right})"
            return f"{left} {_COMPARED[function]} {right}", _COMPARISON
        sign, level = _BINARY[function]
        power = function is operator.pow
        left = left if below > level or (below == level and not power) else f"({left})"
        right = right if above > level or (power and above >= _SIGN) else f"({right})"
        return (f"{left}**{right}" if power else f"{left} {sign} {right}"), level

    def _keywords(self, kwargs: dict[str, Any]) -> list[str]:
        return [f"{key}={self.argument(one)}" for key, one in kwargs.items()]

    def _reduction(self, node: Node) -> str | None:
        """A ufunc's ``reduce`` as the function that everybody knows."""
        ufunc = getattr(node.function, "__self__", None)
        known = getattr(node.function, "__name__", "") == "reduce" and ufunc in _REDUCTIONS
        options = dict(zip(("axis", "dtype", "out", "keepdims"), node.args[1:], strict=False))
        options.update(node.kwargs)
        if not known or set(options) - {"axis", "keepdims", "where", "initial"}:
            return None
        x = node.args[0]
        if sums_rows(node.function, node.args, node.kwargs):
            return (
                f"{self.argument(np.ones(x.value.shape[0], x.value.dtype))}.dot({self.argument(x)})"
            )
        axis, ndim = options.pop("axis", 0), np.ndim(x.value)
        if isinstance(axis, tuple) and len(axis) == 1:
            axis = axis[0] % ndim
        if options.get("keepdims") is False:
            del options["keepdims"]
        given = [] if axis is None or ndim == 1 else [f"axis={axis}"]
        texts = [self.argument(x), *given, *self._keywords(options)]
        return f"np.{_REDUCTIONS[ufunc]}({', '.join(texts)})"

    def _function(self, function: Any) -> str:
        """A function by the name under which it can be imported."""
        owner = getattr(function, "__self__", None)
        if isinstance(owner, np.ufunc):
            return f"{self._function(owner)}.{function.__name__}"
        shown, module = name_of(function)
        if not shown:
            raise NotImplementedError(f"there is no source code for a call of {function!r}")
        self.imports.add(module)
        return shown


def _noted(leak: Leak) -> list[str]:
    """What to say of a value that left the program."""
    name = f"{leak.node.name} " if leak.node.name else ""
    text = f"# A value {name}was taken out as a bare one: what came of it is frozen."
    return [text if leak.place is None else _with_place(text, leak.place)]


def _with_place(text: str, place: Place) -> str:
    """A line with a comment that says where in the user's program it comes from."""
    long = f"{text}  # {place}"
    return long if len(long) <= COMMENTED else f"{text}  # {str(place).split(':')[0]}"


def _is_weak(value: Any, near: Any) -> bool:
    """Whether a Python number in the place of a NumPy scalar gives the same: its dtype is there."""
    if value.dtype.char not in "?lqefdFD":
        return False
    beside = [one for one in near if one is not value]
    for one in beside:
        other = one.value if isinstance(one, Node) else one
        if not isinstance(one, np.generic) and getattr(other, "dtype", None) == value.dtype:
            return True
    numbers = [one for one in beside if isinstance(one, np.generic)]
    masks = [one for one in beside if isinstance(one, Node) and one.value.dtype == np.bool_]
    return (
        value.dtype == np.float64
        and len(numbers) + len(masks) == len(beside) > 0
        and all([one.dtype == np.float64 for one in numbers])
    )


def _without_defaults(function: Any, args: Any, kwargs: Any) -> tuple[Any, Any]:
    """The arguments of a call but for those that are what they are by default."""
    try:
        known = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return args, kwargs
    defaults = [parameter.default for parameter in known.values()][: len(args)]
    while len(args) > 1 and len(defaults) == len(args) and _is_default(args[-1], defaults[-1]):
        args, defaults = args[:-1], defaults[:-1]
    left = {
        key: value
        for key, value in kwargs.items()
        if key not in known or not _is_default(value, known[key].default)
    }
    return args, left


def _is_default(value: Any, default: Any) -> bool:
    plain = value is None or isinstance(value, (bool, int, str))
    return plain and type(value) is type(default) and bool(value == default)
