"""A run of a function on symbols: what it computes is noted in a graph, with what Python saw of it.

The constants of a graph are what they were when they were used: an array that is written to later
in the run counts as another constant.
"""

from __future__ import annotations

import operator
import struct
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gradtape.guards import COPY_BYTES, fingerprint
from gradtape.programs.graph import Graph, Node
from gradtape.programs.spreading import spread
from gradtape.recording import only

__all__ = [
    *("SYMBOL", "Hole", "Late", "TraceError", "TracedAttributeError", "Tracing", "concrete"),
    *("current", "filled", "form", "op_function"),
]


class TraceError(TypeError):
    """A function did something that a program could not do again.

    Fails: ``np.asarray(x)`` in a function under ``gradtape.function``.
    Works: ``x`` itself; or ``gradtape.function`` around the parts before and after.
    """


class TracedAttributeError(TraceError, AttributeError):
    """An array of a traced function has no such attribute."""


#: The class of symbols, which its module fills in: this floor lies below it.
SYMBOL: list[type] = []

_LOCAL = threading.local()


def current() -> Tracing | None:
    """The innermost run that goes on in this thread."""
    return getattr(_LOCAL, "tracing", None)


def is_symbol(value: Any) -> bool:
    """Whether a value is a symbol."""
    return type(value) is SYMBOL[0]


def concrete(value: Any) -> Any:
    """The value of a symbol; anything else as it is."""
    return value.value if type(value) is SYMBOL[0] else value  # type: ignore[attr-defined]


def op_function(op: Any) -> Callable[..., Any]:
    """What a node's op computes on bare arrays."""
    return getattr(op, "compute", op)  # type: ignore[no-any-return]


def form(value: Any) -> Any:
    """Shape and dtype of a result, or of each of several."""
    if type(value) is tuple:
        return tuple([form(v) for v in value])
    return np.shape(value), getattr(value, "dtype", None)


# What depends on values but for its shape ---------------------------------------------------------


class Hole:
    """The place of an input in an argument that is otherwise static; one object for each number."""

    __slots__ = ("index",)
    _ALL: dict[int, Hole] = {}  # noqa: RUF012

    def __init__(self, index: int) -> None:
        self.index = index

    @classmethod
    def number(cls, index: int) -> Hole:
        """The hole of a number."""
        hole = cls._ALL.get(index)
        return cls._ALL.setdefault(index, Hole(index)) if hole is None else hole

    def __repr__(self) -> str:
        return f"<{self.index}>"

    def __reduce__(self) -> Any:
        return Hole.number, (self.index,)


def filled(value: Any, inputs: Any) -> Any:
    """An argument with inputs in the places of its holes."""
    if type(value) is Hole:
        return inputs[value.index]
    if isinstance(value, (list, tuple)):
        return rebuilt(value, [filled(v, inputs) for v in value])
    if type(value) is slice:
        return slice(*[filled(v, inputs) for v in (value.start, value.stop, value.step)])
    if type(value) is dict:
        return {k: filled(v, inputs) for k, v in value.items()}
    return value


def rebuilt(like: Any, parts: list[Any]) -> Any:
    """A list or a tuple of the kind of another."""
    return type(like)(*parts) if hasattr(like, "_fields") else type(like)(parts)


def emptied(value: Any, found: list[Any]) -> Any:
    """An argument with holes in the places of its symbols, which are added to those found."""
    if is_symbol(value):
        found.append(value)
        return Hole.number(len(found) - 1)
    if isinstance(value, (list, tuple)):
        return rebuilt(value, [emptied(v, found) for v in value])
    if type(value) is slice:
        return slice(*[emptied(v, found) for v in (value.start, value.stop, value.step)])
    if type(value) is dict:
        return {k: emptied(v, found) for k, v in value.items()}
    return value


class Late:
    """A primitive some of whose parameters are computed: an index array, say.

    A node of it has ``arrays`` inputs that are the primitive's, and more for the holes in its
    parameters.
    """

    _ALL: dict[Any, Late] = {}  # noqa: RUF012

    def __init__(self, primitive: Any, arrays: int, inputs: int) -> None:
        self.primitive, self.arrays, self.inputs = primitive, arrays, inputs
        self.name = f"{primitive.name}_computed"

    @classmethod
    def of(cls, primitive: Any, arrays: int, inputs: int) -> Late:
        """One object for each primitive and numbers: nodes of the same compare as equal."""
        key = primitive, arrays, inputs
        late = cls._ALL.get(key)
        return cls._ALL.setdefault(key, Late(*key)) if late is None else late

    def compute(self, *values: Any) -> Any:
        """Call it: its arrays, the inputs for the holes, the parameters with holes."""
        params = filled(values[self.inputs :], values[: self.inputs])
        return self.primitive.compute(*values[: self.arrays], *params)


#: The primitives whose parameters say where entries are: the shape of the result, and what the
#: rules do, depends on the parameters' shapes only.
LATE = frozenset({"getitem", "written", "added", "embed", "scatter_add"})


#: The primitives whose results are real or complex, or have a shape, by the values.
BY_VALUES = frozenset(
    {
        *("eig", "eigvals", "lstsq", "zeros_of"),
        *("scipy.logm", "scipy.logm.along", "scipy.sqrtm", "scipy.sqrtm.along"),
    }
)


# Constants ----------------------------------------------------------------------------------------


class _Constant:
    """An array that is used as it is: its node, and how it was when it was first used."""

    __slots__ = ("array", "node", "then")

    def __init__(self, node: Node, array: Any) -> None:
        self.node, self.array = node, array
        self.then = _imprint(array)

    def as_it_was(self) -> bool:
        """Whether the array has not been written to since."""
        now = _imprint(self.array)
        return bool(now == self.then) if type(now) is bytes else _same_bits(now, self.then)

    def keep(self) -> None:
        """Make the node keep what was used, because the array has changed.

        Raises
        ------
        TraceError : the array is too large for a copy of it to have been made.
        """
        if type(self.then) is bytes:
            raise TraceError(
                f"an array of shape {self.array.shape} was written to after a traced function "
                "used it with values that it computes: write into a copy of it, or make it with "
                "gradtape.zeros or np.zeros_like(x), writes into which are part of the program"
            )
        self.node.value = self.then


def _imprint(array: Any) -> Any:
    """A copy of a small array, a fingerprint of a large one."""
    if array.nbytes <= COPY_BYTES:
        return array.copy()
    return fingerprint(array if array.flags.forc else np.ascontiguousarray(array))


def _same_bits(one: Any, other: Any) -> bool:
    return bool(one.shape == other.shape) and one.tobytes() == other.tobytes()


# The run ------------------------------------------------------------------------------------------


class Tracing:
    """One run of a function on symbols."""

    def __init__(self) -> None:
        self.graph = Graph()
        self.open = True
        #: The functions whose meaning is being looked up, with their arguments: innermost last.
        self.within: list[tuple[Any, Any]] = []
        #: Whether an array was written into: what is a view of it depends on layouts in memory.
        self.wrote = False
        #: What the program will find for a symbol, if that is not its value in this run.
        self.found: Callable[[Any], Any] | None = None
        #: Whether the function may ask for errors where numbers overflow.
        self.raising = False
        self._thread = threading.get_ident()
        self._constants: dict[int, Any] = {}
        self._symbols: list[weakref.ref[Any]] = []

    def __enter__(self) -> Tracing:
        self._before = current()
        self._errors = np.geterr()
        _LOCAL.tracing = self
        self._only = only(())
        self._only.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._only.__exit__(*exception)
        _LOCAL.tracing = self._before
        self.open = False

    @property
    def here(self) -> bool:
        """Whether symbols of this run note what is done with them, here and now."""
        return self.open and threading.get_ident() == self._thread

    def input(self, value: Any) -> Any:
        """A symbol for something that is given anew at each call."""
        return self.symbol(self.graph.input(value), value)

    def constant(self, value: Any) -> Any:
        """A symbol for an array that is the same at each call, and that nobody else holds."""
        return self.symbol(self.graph.constant(value), value)

    def alive(self) -> list[Any]:
        """The symbols that something still holds."""
        return [symbol for ref in self._symbols if (symbol := ref()) is not None]

    def symbol(self, node: Node, value: Any) -> Any:
        """A symbol of this run."""
        if self.raising and np.geterr() != self._errors:
            _check_errors(np.geterr())
        symbol = SYMBOL[0](self, node, value)
        self._symbols.append(weakref.ref(symbol))
        return symbol

    def node_of(self, value: Any) -> Node:
        """The node of a symbol, or of a value that was there before."""
        if is_symbol(value):
            return value.node  # type: ignore[no-any-return]
        known = self._constants.get(id(value))
        if known is not None:
            if type(value) is not np.ndarray or known.as_it_was():
                return known.node if type(value) is np.ndarray else known  # type: ignore[no-any-return]
            known.keep()
        # By identity: what is in the dictionary is kept, so that ids stay theirs.
        node = self.graph.constant(value)
        self._constants[id(value)] = _Constant(node, value) if type(value) is np.ndarray else node
        return node

    def run(self, op: Any, inputs: tuple[Any, ...], params: tuple[Any, ...] = ()) -> Any:
        """Compute something on the values of symbols, and note it."""
        if params and holds_symbols(params):
            op, inputs, params = self._late(op, inputs, params)
        values = [concrete(i) for i in inputs]
        out = op_function(op)(*values, *params) if params else spread(op_function(op), values)
        if type(out) is np.ndarray and not out.ndim:
            out = out[()]
        node = self.graph.add(op, map(self.node_of, inputs), params, out)
        if getattr(op, "name", None) in BY_VALUES:
            self.graph.guard(node, form, form(out))
        if type(out) is tuple:
            return tuple([self.pick(node, i, o) for i, o in enumerate(out)])
        result = self.symbol(node, out)
        if type(out) is np.ndarray and out.base is not None and is_symbol(inputs[0]):
            inputs[0].tie(result, op, inputs[1:], params)
        return result

    def pick(self, node: Node, i: int, value: Any) -> Any:
        """One of several results."""
        return self.symbol(self.graph.add(operator.getitem, (node,), (i,), value), value)

    def _late(self, op: Any, inputs: Any, params: Any) -> Any:
        if op.name not in LATE:
            return op, inputs, fixed(params)
        found: list[Any] = []
        params = fixed_slices(params)
        emptied(params, found)
        inputs = (*inputs, *found)
        places = [None] * (len(inputs) - len(found))
        params = emptied(params, places)  # holes are numbered among all inputs
        return Late.of(op, len(inputs) - len(found), len(inputs)), inputs, params

    # What Python sees -----------------------------------------------------------------------------

    def seen(self, symbol: Any, look: Callable[[Any], Any]) -> Any:
        """What Python is told of a value: from now on, the program depends on it."""
        value = symbol.value if self.found is None else self.found(symbol)
        told = look(value)
        if type(told) is float and told == 0:
            self.graph.guard(symbol.node, _bits, _bits(told))  # 0.0 equals -0.0, and is another
        elif isinstance(told, (list, complex)):
            self.graph.guard(symbol.node, _bytes, _bytes(value))
        else:
            self.graph.guard(symbol.node, look, told)
        return told

    # Going back -----------------------------------------------------------------------------------

    def mark(self) -> tuple[int, int]:
        """How far the run has come."""
        return len(self.graph.nodes), len(self.graph.guards)

    def back_to(self, mark: tuple[int, int]) -> None:
        """Forget what was noted since a mark."""
        nodes, guards = mark
        del self.graph.nodes[nodes:], self.graph.guards[guards:]
        self._constants = {
            key: kept
            for key, kept in self._constants.items()
            if getattr(kept, "node", kept).number < nodes
        }

    def finish(self) -> None:
        """Let the constants be what they were when they were used."""
        for kept in self._constants.values():
            if type(kept) is _Constant and not kept.as_it_was():
                kept.keep()


def _check_errors(settings: Any) -> None:
    for what, how in settings.items():
        if how in ("raise", "call"):
            raise TraceError(
                f"np.errstate({what}={how!r}) in a traced function: a program does not look for "
                "floating-point errors. Test the values: np.isfinite(x).all()"
            )


def holds_symbols(value: Any) -> bool:
    """Whether there is a symbol in a static argument."""
    if is_symbol(value):
        return True
    if isinstance(value, (list, tuple)):
        return any([holds_symbols(v) for v in value])
    if type(value) is slice:
        return holds_symbols((value.start, value.stop, value.step))
    return False


def fixed(value: Any) -> Any:
    """A static argument with Python numbers for symbols: the program depends on them."""
    if is_symbol(value):
        return value.item() if not value.shape else value.tolist()
    if isinstance(value, (list, tuple)):
        return rebuilt(value, [fixed(v) for v in value])
    return fixed_slices(value)


def fixed_slices(value: Any) -> Any:
    """A static argument with Python numbers for the symbols in its slices, which say lengths."""
    if type(value) is slice and holds_symbols(value):
        parts = (value.start, value.stop, value.step)
        return slice(*[operator.index(p) if is_symbol(p) else p for p in parts])
    if isinstance(value, (list, tuple)):
        return rebuilt(value, [fixed_slices(v) for v in value])
    return value


def _bits(value: Any) -> bytes:
    return struct.pack("d", value)


def _bytes(value: Any) -> bytes:
    return np.asarray(value).tobytes()


def tracing_of(values: Any) -> Tracing | None:
    """The run that the first symbol among some values belongs to, if that goes on here."""
    for symbol in symbols_in(values):
        return symbol.tracing if symbol.tracing.here else None
    return None


def symbols_in(value: Any) -> Iterator[Any]:
    """The symbols among nested arguments."""
    if is_symbol(value):
        yield value
    elif isinstance(value, (list, tuple)):
        for v in value:
            yield from symbols_in(v)
    elif type(value) is slice:
        yield from symbols_in((value.start, value.stop, value.step))
    elif type(value) is dict:
        yield from symbols_in(list(value.values()))
