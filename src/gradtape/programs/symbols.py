"""Symbols: arrays that note what is done with them in a graph, while they hold their values.

A symbol speaks NumPy's protocols, and means the same by them as a tensor does: the same binders
bring a call into the same primitives. So plain NumPy code runs on symbols, and so do the rules of
derivatives, which never look at values. Where Python does look (``if x > 0``, ``int(n)``), the
graph gets a guard.
"""

from __future__ import annotations

import functools
import math
import operator
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from gradtape import guards
from gradtape.calls import call, tensors_in, without_ufunc_defaults
from gradtape.errors import STORES
from gradtape.methods import Methods
from gradtape.programs import inplace
from gradtape.programs.behaviour import (
    OURS,
    SUBSCRIPT,
    binary,
    changing,
    conversion,
    function,
    in_place,
    opcode,
    part,
)
from gradtape.programs.graph import Node
from gradtape.programs.opaque import MUTATING, STATIC, apply, called, mutated, stored
from gradtape.programs.tracing import (
    SYMBOL,
    TracedAttributeError,
    TraceError,
    Tracing,
    concrete,
)
from gradtape.rules import BARE, BINDINGS, UFUNCS
from gradtape.tensor import PLAIN, Tensor

__all__ = ["Symbol", "TraceError", "Tracing", "concrete"]

#: The attributes that arrays have and symbols do not.
_MISSING = frozenset(name for name in dir(np.ndarray) if not name.startswith("_"))

#: Looks, one object each: two traces that looked alike are known by it.
_ITEM, _TO_LIST = operator.methodcaller("item"), operator.methodcaller("tolist")
#: Looks at numbers, by methods that arrays do not have.
_LOOKS = {name: operator.methodcaller(name) for name in ("is_integer", "bit_length", "bit_count")}


class Symbol(Methods):
    """An array of a traced function: its value in this run, and the node that computes it."""

    __slots__ = ("__weakref__", "node", "origin", "tracing", "value", "views")

    def __init__(self, tracing: Tracing, node: Node, value: Any) -> None:
        self.tracing, self.node, self.value = tracing, node, value
        self.origin: Any = None  #: (symbol, op, other inputs, params) that it is a view of
        self.views: list[Any] = []

    __gradtape_apply__ = __gradtape_several__ = staticmethod(apply)
    __gradtape_symbol__ = True

    #: Any function of arrays, as a program calls it: ``called(function, args, kwargs)``.
    called = staticmethod(called)

    # To others it is what its value is; type() tells the difference.
    __class__ = property(lambda self: type(self.value))

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        function = ufunc if method == "__call__" else (ufunc, method)
        if method == "at":
            if isinstance(inputs[0], Tensor):
                return inputs[0].__array_ufunc__(ufunc, method, *inputs, **kwargs)
            return mutated(function, inputs, kwargs)
        if kwargs.get("out") is not None:
            return self._into(function, inputs, kwargs)
        return self.__array_function__(function, (), inputs, without_ufunc_defaults(kwargs))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if kwargs.get("out") is not None:
            return self._into(function, args, kwargs)
        if any([type(t) is not Symbol for t in tensors_in([args, list(kwargs.values())])]):
            return call(function, args, kwargs)
        if not self.tracing.here or function in STATIC or _is_bare(function):
            return called(function, args, kwargs)
        if function in MUTATING:
            return mutated(function, args, kwargs)
        if not (function in BINDINGS or function in UFUNCS or isinstance(function, tuple)):
            return called(function, args, kwargs)
        return self._meant(function, args, kwargs)

    def _meant(self, function: Any, args: Any, kwargs: Any) -> Any:
        """What a function means on tensors; or it as it is, if that cannot be traced."""
        tracing = self.tracing
        again = [a for f, a in tracing.within if f == function]
        if len(again) > 1 or any([_same(a, args) for a in again]):
            return called(function, args, kwargs)  # its meaning calls it
        mark = tracing.mark()
        tracing.within.append((function, args))
        try:
            result = call(function, args, kwargs)
            itself = any([result is a for a in args]) and not _is_given_back(function, args)
            return result.copy() if itself else result
        except Exception:
            tracing.back_to(mark)
        finally:
            tracing.within.pop()
        return called(function, args, kwargs)

    def refuse(self, reason: str) -> None:
        """Raise, for a reason that somebody else knows.

        Raises
        ------
        TraceError : while the function is traced.
        """
        if self.tracing.here:
            raise TraceError(reason)

    def picked_from(self, rows: Any) -> Any:
        """The entries of the last axis of an array or a tensor at these positions."""
        return BINDINGS[operator.getitem](rows, (..., self))

    def tried(self, function: Any, values: Any) -> Any:
        """A function of arrays, as part of the program; as a whole, if that cannot be."""
        tracing = self.tracing
        if not tracing.here:
            return function(*map(concrete, values))
        if any([type(t) is not Symbol for t in tensors_in(list(values))]):
            return function(*values)
        mark = tracing.mark()
        tracing.within.append((function, ()))
        try:
            return function(*values)
        except Exception:
            tracing.back_to(mark)
        finally:
            tracing.within.pop()
        return called(function, values, {})

    def _into(self, function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """A call with ``out=``."""
        out = kwargs.pop("out")
        target = out[0] if type(out) is tuple and len(out) == 1 else out
        if isinstance(target, Tensor) and not isinstance(function, tuple):
            return target.__array_function__(function, (), args, {**kwargs, "out": target})
        if type(target) is not Symbol:
            raise stored()
        where = kwargs.pop("where", True)
        result = self.__array_function__(function, (), args, without_ufunc_defaults(kwargs))
        if where is not True:
            result = np.where(where, result, target)
        return inplace.overwrite(target, result)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        if not self.tracing.here:
            return np.asarray(self.value, dtype)
        frame = sys._getframe(1)
        executed = opcode(frame)
        if executed in STORES:
            raise stored()
        if frame.f_code.co_filename.startswith(f"{OURS}tf/") and self.dtype.kind in "iub":
            self.tolist()  # a shape, axes, widths: the program depends on them
            return np.array(self.value, dtype)
        if not self.shape and self.dtype.kind in "iu":  # a length, a place: as in range(n)
            return np.array(self.tracing.seen(self, operator.index), dtype or self.dtype)
        way_out = "with np.stack, np.concatenate or np.where, values become arrays again"
        if not self.shape:
            way_out += "; float(x) has the number, on which the program then depends"
        if executed == SUBSCRIPT:
            way_out = "write np.take(a, i, axis) for a[i], or gradtape.constant(a)[i]"
        raise TraceError(
            "a traced function asked for the values of an array that it computes "
            f"(shape {self.shape}, dtype {self.dtype}), as np.asarray and np.array do: a program "
            f"cannot give them to what it does not see; {way_out}"
        )

    def __getattr__(self, name: str) -> Any:
        if name in _MISSING:
            raise TracedAttributeError(
                f"an array of a traced function has no attribute {name!r}: a program computes with "
                "whole arrays, and knows nothing of their memory"
            )
        if name.startswith("_"):
            raise AttributeError(f"{type(self.value).__name__!r} object has no attribute {name!r}")
        found = getattr(self.value, name)  # or the error that there is none
        if not self.tracing.here:
            return found
        if name in _LOOKS:
            return functools.partial(self.tracing.seen, self, _LOOKS[name])
        look = type(self.value) if self.is_plain else _ITEM
        return getattr(self.tracing.seen(self, look), name)

    # What is inside -------------------------------------------------------------------------------

    array = property(lambda self: self)
    nbytes = property(operator.attrgetter("value.nbytes"))
    itemsize = property(operator.attrgetter("dtype.itemsize"))
    shape = property(operator.attrgetter("node.shape"), inplace.refuse_shape)

    @property
    def base(self) -> Any:
        """What it is a view of."""
        if self.origin is None:
            return None
        above = self.origin[0]
        return above if above.origin is None else above.base

    @property
    def is_plain(self) -> bool:
        """Whether it is a Python number, which promotes weakly."""
        return isinstance(self.node.dtype, type)

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
        return math.prod(self.node.shape)

    def strong(self, dtype: Any = None) -> Any:
        """A copy of it in a dtype; of a Python number, one of NumPy's."""
        dtype = np.dtype(self.dtype if dtype is None else dtype)
        if not self.tracing.here:
            return np.array(self.value, dtype)[()]
        if self.is_plain:
            return apply(dtype.type, (self,))
        return self.frozen() if dtype == self.node.dtype else self.astype(dtype)

    def frozen(self) -> Symbol:
        """The same value, which no write into this one changes."""
        return self.tracing.symbol(self.node, self.value)  # type: ignore[no-any-return]

    def become(self, result: Any) -> None:
        """Stand for another value from now on, in what it is a view of and its views, too."""
        inplace.become(self, result)

    def check_writable(self) -> None:
        """Raise if it cannot be written into."""
        inplace.check_writable(self)

    def tie(self, view: Symbol, op: Any, others: Any, params: Any) -> None:
        """Note that another symbol is a view of this one, if their values share memory."""
        inplace.tie(self, view, op, others, params)

    def fresh(self, array: Any) -> Any:
        """A new array beside it, which may be written into."""
        return self.tracing.constant(array) if self.tracing.here else array

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator[Any]:
        if not self.shape:
            iter(self.value)  # its error
        return (self[i] for i in range(len(self)))

    def __contains__(self, value: Any) -> bool:
        return bool((self == value).any())

    def __repr__(self) -> str:
        return repr(self.value)

    def __str__(self) -> str:
        return str(self.value)

    def __format__(self, spec: str) -> str:
        return format(self.value, spec)

    def __hash__(self) -> int:
        if isinstance(self.value, np.ndarray):
            raise TypeError(f"unhashable type: {type(self.value).__name__!r}")
        return self.tracing.seen(self, hash) if self.tracing.here else hash(self.value)

    def __copy__(self) -> Any:
        return np.copy(self)

    def __deepcopy__(self, memo: Any) -> Any:
        return np.copy(self)

    def __reduce__(self) -> Any:
        raise TraceError("a value that a traced function computes cannot be pickled")

    def item(self, *index: Any) -> Any:
        """One entry as a Python number: from now on, the program depends on it."""
        if len(index) == 1:  # counted through all axes, unless it is a tuple
            symbol = self[index[0]] if isinstance(index[0], tuple) else self.ravel()[index[0]]
        else:
            symbol = self[index] if index else self
        if not symbol.tracing.here:
            return symbol.value.item()
        return self.tracing.seen(symbol, _ITEM)

    def tolist(self) -> Any:
        """The entries as Python numbers: from now on, the program depends on them."""
        if not self.tracing.here:
            return self.value.tolist()
        return self.tracing.seen(self, _TO_LIST)

    def __getitem__(self, index: Any) -> Any:
        if not self.tracing.here:
            return self.value[index]
        return BINDINGS[operator.getitem](self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        inplace.assign(self, index, value)

    __bool__ = conversion(bool)
    __float__ = conversion(float)
    __int__ = conversion(int)
    __complex__ = conversion(complex)
    __index__ = conversion(operator.index)
    __round__ = conversion(round)
    __floor__ = conversion(math.floor)
    __ceil__ = conversion(math.ceil)
    __trunc__ = conversion(math.trunc)

    __lt__ = binary(np.less, operator.lt)
    __le__ = binary(np.less_equal, operator.le)
    __gt__ = binary(np.greater, operator.gt)
    __ge__ = binary(np.greater_equal, operator.ge)
    __eq__ = binary(np.equal, operator.eq)
    __ne__ = binary(np.not_equal, operator.ne)

    def __neg__(self) -> Any:
        return apply(operator.neg, (self,)) if self.is_plain else np.negative(self)

    def __pos__(self) -> Any:
        return apply(operator.pos, (self,)) if self.is_plain else np.positive(self)

    def __abs__(self) -> Any:
        return apply(operator.abs, (self,)) if self.is_plain else np.absolute(self)

    def __invert__(self) -> Any:
        return apply(operator.invert, (self,)) if self.is_plain else np.invert(self)

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> Any:
        return other // self, other % self

    def astype(self, dtype: Any, *options: Any, copy: bool = True, **others: Any) -> Any:
        """A copy in another dtype; the array itself where no copy is asked for or needed."""
        if not copy and np.dtype(dtype) == self.dtype:
            return self
        return self.__array_function__(np.ndarray.astype, (), (self, dtype, *options), others)

    def conjugate(self) -> Any:
        """The complex conjugate; real numbers as they are."""
        if self.is_plain:
            return apply(complex, (np.conjugate(self),)) if self.dtype.kind == "c" else self
        return np.conjugate(self) if self.dtype.kind == "c" else self

    flat = property(inplace.entries, inplace.set_entries)
    fill = changing("fill")
    sort = changing("sort")
    partition = changing("partition")
    sum = function(np.sum)
    mean = function(np.mean)
    prod = function(np.prod)
    max = function(np.max)
    min = function(np.min)
    cumsum = function(np.cumsum)
    reshape = function(np.ndarray.reshape)
    transpose = function(np.ndarray.transpose)
    ravel = function(np.ravel)
    flatten = function(np.ndarray.flatten)
    clip = function(np.clip)
    dot = function(np.dot)
    conj = conjugate
    any = function(np.any)
    all = function(np.all)
    copy = function(np.copy)
    T = property(function(np.transpose))
    mT = property(function(np.matrix_transpose))
    real = property(part("real"), inplace.parts("real"))
    imag = property(part("imag"), inplace.parts("imag"))


#: NumPy's operators, and what they are among Python's numbers.
_OPERATORS = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "truediv": np.true_divide,
    "pow": np.power,
    "matmul": np.matmul,
    "mod": np.remainder,
    "floordiv": np.floor_divide,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "lshift": np.left_shift,
    "rshift": np.right_shift,
}
for _name, _ufunc in _OPERATORS.items():
    _plainly = getattr(operator, f"__{_name}__")
    setattr(Symbol, f"__{_name}__", binary(_ufunc, _plainly))
    setattr(Symbol, f"__r{_name}__", binary(_ufunc, _plainly, reflected=True))
    setattr(Symbol, f"__i{_name}__", in_place(_ufunc, f"__{_name}__"))


def _is_bare(function: Any) -> bool:
    """Whether a function has no derivative by nature."""
    return function in BARE or (type(function) is tuple and function[0] in BARE)


def _is_given_back(function: Any, args: Any) -> bool:
    """Whether NumPy's answer is the array itself, as that of ``np.atleast_1d`` is."""
    array = concrete(args[0])
    return callable(function) and len(args) == 1 and np.shares_memory(function(array), array)


def _same(some: Any, others: Any) -> bool:
    """Whether two calls have the same arguments."""
    return len(some) == len(others) and all([a is b for a, b in zip(some, others, strict=True)])


SYMBOL.append(Symbol)
PLAIN.add(Symbol)
guards.WRITABLE.add(Symbol)
