"""Symbols: arrays that note what is done with them in a graph, while they hold their values.

A symbol speaks NumPy's protocols, and means the same by them as a tensor does: the same binders
bring a call into the same primitives. So plain NumPy code runs on symbols, and so do the rules of
derivatives, which never look at values. Where Python does look (``if x > 0``, ``int(n)``), the
graph gets a guard.
"""

from __future__ import annotations

import dis
import operator
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from gradtape import errors
from gradtape.calls import call, without_ufunc_defaults
from gradtape.programs.graph import Graph, Node, Opaque
from gradtape.rules import BARE, BINDINGS, STRAIGHT, UFUNCS
from gradtape.tensor import PLAIN

__all__ = ["Symbol", "TraceError", "Tracing", "concrete"]

_OURS = f"{Path(__file__).parents[1]}/"

#: What depends on shapes and dtypes only.
_STATIC = frozenset(
    {
        *(np.shape, np.ndim, np.size, np.iscomplexobj, np.isrealobj, np.result_type),
        *(np.can_cast, np.common_type),
    }
)


class TraceError(TypeError):
    """A function did something that a program could not do again.

    Fails: ``np.asarray(x)`` in a function under ``gradtape.function``.
    Works: ``x`` itself; or ``gradtape.function`` around the parts before and after.
    """


class Tracing:
    """One run of a function on symbols."""

    def __init__(self) -> None:
        self.graph = Graph()
        self.open = True
        self._thread = threading.get_ident()
        self._constants: dict[int, Node] = {}
        self._symbols: list[weakref.ref[Symbol]] = []

    @property
    def here(self) -> bool:
        """Whether symbols of this run note what is done with them, here and now."""
        return self.open and threading.get_ident() == self._thread

    def input(self, value: Any) -> Symbol:
        """A symbol for something that is given anew at each call."""
        return self._symbol(self.graph.input(value), value)

    def alive(self) -> list[Symbol]:
        """The symbols that something still holds."""
        return [symbol for ref in self._symbols if (symbol := ref()) is not None]

    def _symbol(self, node: Node, value: Any) -> Symbol:
        symbol = Symbol(self, node, value)
        self._symbols.append(weakref.ref(symbol))
        return symbol

    def node_of(self, value: Any) -> Node:
        """The node of a symbol, or of a value that was there before."""
        if type(value) is Symbol:
            return value.node
        # Numbers by value and type, arrays by identity: they are kept, so that ids stay theirs.
        node = self._constants.get(id(value))
        if node is None:
            node = self._constants[id(value)] = self.graph.constant(value)
        return node

    def run(self, op: Any, inputs: tuple[Any, ...], params: tuple[Any, ...] = ()) -> Any:
        """Compute something on the values of symbols, and note it."""
        out = op_function(op)(*map(concrete, inputs), *params)
        if type(out) is np.ndarray and not out.ndim:
            out = out[()]
        node = self.graph.add(op, map(self.node_of, inputs), params, out)
        if type(out) is not tuple:
            return self._symbol(node, out)
        return tuple([self._pick(node, i, o) for i, o in enumerate(out)])

    def _pick(self, node: Node, i: int, value: Any) -> Symbol:
        return self._symbol(self.graph.add(operator.getitem, (node,), (i,), value), value)

    def seen(self, symbol: Symbol, look: Callable[[Any], Any]) -> Any:
        """What Python is told of a value: from now on, the program depends on it."""
        told = look(symbol.value)
        self.graph.guard(symbol.node, look, told)
        return told


def op_function(op: Any) -> Callable[..., Any]:
    """What a node's op computes on bare arrays."""
    return getattr(op, "compute", op)  # type: ignore[no-any-return]


def concrete(value: Any) -> Any:
    """The value of a symbol; anything else as it is."""
    return value.value if type(value) is Symbol else value


def tracing_of(values: Any) -> Tracing | None:
    """The run that the first symbol among some values belongs to, if that goes on here."""
    for value in values:
        if type(value) is Symbol:
            return value.tracing if value.tracing.here else None
    return None


def _apply(primitive: Any, inputs: tuple[Any, ...], params: tuple[Any, ...] = ()) -> Any:
    """Call a primitive in its canonical form."""
    tracing = tracing_of(inputs)
    if tracing is None:
        return op_function(primitive)(*map(concrete, inputs), *params)
    return tracing.run(primitive, inputs, params)


def _opaque(function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """Call a function that has no primitive, on the values; its arrays are symbols again."""
    if isinstance(function, np.ufunc) and not kwargs and function.nout == 1:
        return _apply(function, args)
    found: list[Symbol] = []

    def emptied(value: Any) -> Any:
        if type(value) is Symbol:
            found.append(value)
            return _Hole(len(found) - 1)
        if isinstance(value, (list, tuple)):
            return type(value)([emptied(v) for v in value])
        return value

    args = emptied(tuple(args))
    kwargs = {name: emptied(value) for name, value in kwargs.items()}

    def arrange(values: Any) -> Any:
        return _filled(args, values), {k: _filled(v, values) for k, v in kwargs.items()}

    op = Opaque(getattr(*function) if isinstance(function, tuple) else function, arrange)
    tracing = tracing_of(found)
    if tracing is None or function in _STATIC:
        return op.compute(*map(concrete, found))
    out = op.compute(*[s.value for s in found])
    if isinstance(out, (np.ndarray, np.generic)) or (
        type(out) is tuple and all([isinstance(o, np.ndarray) for o in out])
    ):
        return tracing.run(op, tuple(found))
    if isinstance(out, (bool, int, float, str)):
        node = tracing.graph.add(op, [s.node for s in found], (), out)
        return tracing.seen(Symbol(tracing, node, out), _as_it_is)
    raise TraceError(
        f"{errors.name_of(function)} gives {errors.describe(out)}, which a traced function cannot "
        "give anew at each call"
    )


class _Hole:
    """The place of an input in an opaque call's arguments."""

    def __init__(self, index: int) -> None:
        self.index = index


def _filled(value: Any, inputs: Any) -> Any:
    if type(value) is _Hole:
        return inputs[value.index]
    if isinstance(value, (list, tuple)):
        return type(value)([_filled(v, inputs) for v in value])
    return value


def _as_it_is(value: Any) -> Any:
    return value


def _binary(function: Any, reflected: bool = False) -> Any:
    binder = BINDINGS.get(function) or STRAIGHT.get(function)

    def operate(self: Symbol, other: Any) -> Any:
        if hasattr(other, "__gradtape_several__") and type(other) is not Symbol:
            return NotImplemented  # a tensor's own operator does it
        pair = (other, self) if reflected else (self, other)
        if binder is None:
            return _opaque(function, pair, {})
        return binder(*pair)

    return operate


def _function(function: Any) -> Any:
    """A method that is a NumPy function of the symbol."""

    def method(self: Symbol, *args: Any, **kwargs: Any) -> Any:
        return self.__array_function__(function, (), (self, *args), kwargs)

    return method


def _conversion(look: Callable[[Any], Any]) -> Any:
    """What Python sees of a value."""

    def converted(self: Symbol) -> Any:
        if not self.tracing.here:
            return look(self.value)
        frame = sys._getframe(1)
        if frame.f_code.co_filename.startswith(f"{_OURS}derivatives"):
            raise TraceError("a rule looked at a value")  # the primitive is then kept whole
        if _stores(frame):
            raise TraceError(
                "a value that a traced function computed was written into a NumPy array that the "
                "program cannot see: make the array with gradtape.zeros or np.zeros_like(x), or "
                "build it with np.stack"
            )
        return self.tracing.seen(self, look)

    return converted


def _stores(frame: Any) -> bool:
    """Whether a frame is executing ``something[index] = value``."""
    return bool(frame.f_code.co_code[frame.f_lasti] == _STORE)


_STORE = dis.opmap["STORE_SUBSCR"]


class Symbol:
    """An array of a traced function: its value in this run, and the node that computes it."""

    __slots__ = ("__weakref__", "node", "tracing", "value")

    def __init__(self, tracing: Tracing, node: Node, value: Any) -> None:
        self.tracing, self.node, self.value = tracing, node, value

    __gradtape_apply__ = staticmethod(_apply)
    __gradtape_symbol__ = True

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if kwargs.get("out") is not None:
            raise TraceError(f"{ufunc.__name__}: out= writes into an array; write t = ... instead")
        function = ufunc if method == "__call__" else (ufunc, method)
        return self.__array_function__(function, (), inputs, without_ufunc_defaults(kwargs))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if not self.tracing.here or function in _STATIC or _is_bare(function):
            return _opaque(function, args, kwargs)
        if not (function in BINDINGS or function in UFUNCS or isinstance(function, tuple)):
            return _opaque(function, args, kwargs)
        return call(function, args, kwargs)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        if not self.tracing.here:
            return np.asarray(self.value, dtype)
        raise TraceError(
            "a traced function asked for the values of an array that it computes "
            f"(shape {self.shape}, dtype {self.dtype}), as np.asarray does: a program cannot give "
            "them to what it does not see"
        )

    base = None
    nbytes = property(operator.attrgetter("value.nbytes"))
    itemsize = property(operator.attrgetter("dtype.itemsize"))

    shape = property(operator.attrgetter("node.shape"))

    @property
    def dtype(self) -> Any:
        """The dtype; a Python number's is the one that NumPy would give it."""
        dtype = self.node.dtype
        return np.dtype(dtype) if isinstance(dtype, type) else dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.node.shape)

    @property
    def size(self) -> int:
        """The number of entries."""
        return int(np.prod(self.node.shape, dtype=int))

    def strong(self, dtype: Any = None) -> Any:
        """It in a dtype; a Python number as one of NumPy's."""
        if dtype is None and not isinstance(self.node.dtype, type):
            return self
        dtype = np.dtype(self.dtype if dtype is None else dtype)
        if isinstance(self.node.dtype, type):
            return self.tracing.run(dtype.type, (self,)) if self.tracing.here else self.value
        return self if dtype is self.node.dtype else self.astype(dtype)

    def __len__(self) -> int:
        if not self.node.shape:
            raise TypeError("len() of a number")
        return int(self.node.shape[0])

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"<traced {self.node.name}: {self.value!r}>"

    __hash__ = object.__hash__

    def item(self, *index: Any) -> Any:
        """One entry as a Python number: from now on, the program depends on it."""
        return self.tracing.seen(self[index] if index else self, operator.methodcaller("item"))

    def tolist(self) -> Any:
        """The entries as Python numbers: from now on, the program depends on them."""
        return self.tracing.seen(self, operator.methodcaller("tolist"))

    def __setitem__(self, index: Any, value: Any) -> None:
        raise TraceError("writing into an array of a traced function is not there yet")

    __bool__ = _conversion(bool)
    __float__ = _conversion(float)
    __int__ = _conversion(int)
    __complex__ = _conversion(complex)
    __index__ = _conversion(operator.index)

    __add__ = _binary(np.add)
    __radd__ = _binary(np.add, reflected=True)
    __sub__ = _binary(np.subtract)
    __rsub__ = _binary(np.subtract, reflected=True)
    __mul__ = _binary(np.multiply)
    __rmul__ = _binary(np.multiply, reflected=True)
    __truediv__ = _binary(np.true_divide)
    __rtruediv__ = _binary(np.true_divide, reflected=True)
    __pow__ = _binary(np.power)
    __rpow__ = _binary(np.power, reflected=True)
    __matmul__ = _binary(np.matmul)
    __rmatmul__ = _binary(np.matmul, reflected=True)
    __mod__ = _binary(np.remainder)
    __rmod__ = _binary(np.remainder, reflected=True)
    __floordiv__ = _binary(np.floor_divide)
    __rfloordiv__ = _binary(np.floor_divide, reflected=True)
    __and__ = _binary(np.bitwise_and)
    __rand__ = _binary(np.bitwise_and, reflected=True)
    __or__ = _binary(np.bitwise_or)
    __ror__ = _binary(np.bitwise_or, reflected=True)
    __xor__ = _binary(np.bitwise_xor)
    __lt__ = _binary(np.less)
    __le__ = _binary(np.less_equal)
    __gt__ = _binary(np.greater)
    __ge__ = _binary(np.greater_equal)
    __eq__ = _binary(np.equal)
    __ne__ = _binary(np.not_equal)
    __neg__ = _function(np.negative)
    __pos__ = _function(np.positive)
    __abs__ = _function(np.absolute)
    __invert__ = _function(np.invert)

    def __getitem__(self, index: Any) -> Any:
        return BINDINGS[operator.getitem](self, index)

    sum = _function(np.sum)
    mean = _function(np.mean)
    prod = _function(np.prod)
    max = _function(np.max)
    min = _function(np.min)
    var = _function(np.var)
    std = _function(np.std)
    cumsum = _function(np.cumsum)
    cumprod = _function(np.cumprod)
    reshape = _function(np.ndarray.reshape)
    transpose = _function(np.ndarray.transpose)
    swapaxes = _function(np.swapaxes)
    squeeze = _function(np.squeeze)
    ravel = _function(np.ravel)
    flatten = _function(np.ravel)
    repeat = _function(np.repeat)
    take = _function(np.take)
    clip = _function(np.clip)
    dot = _function(np.dot)
    trace = _function(np.trace)
    diagonal = _function(np.diagonal)
    conj = conjugate = _function(np.conjugate)
    argmax = _function(np.argmax)
    argmin = _function(np.argmin)
    argsort = _function(np.argsort)
    any = _function(np.any)
    all = _function(np.all)
    round = _function(np.round)
    astype = _function(np.ndarray.astype)
    copy = _function(np.copy)
    T = property(_function(np.transpose))
    mT = property(_function(np.matrix_transpose))
    real = property(_function(np.real))
    imag = property(_function(np.imag))


def _is_bare(function: Any) -> bool:
    """Whether a function has no derivative by nature."""
    return function in BARE or (type(function) is tuple and function[0] in BARE)


PLAIN.add(Symbol)
