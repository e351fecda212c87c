"""Arrays that write down what is done with them, in the place of NumPy's own.

They are what is inside the tensors of the function whose gradient is written down, so that rules,
comparisons and masks are seen as well as operations. Whatever has no derivative is recorded too.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gradtape.source_code.asked import Asked
from gradtape.source_code.leaving import AS_IT_IS, at_work
from gradtape.source_code.program import Node, Program, concrete, nodes_in
from gradtape.source_code.simplifying import chosen, full_of, simplified, spread_out
from gradtape.tensor import Tensor

__all__ = ["Traced", "constant", "lifted", "program_of", "sums_rows", "wrapped"]

#: One class for each shape and dtype: rules take values of one type that is no array's for alike.
_CLASSES: dict[Any, type[Traced]] = {}

#: Functions that look at shapes and dtypes only.
_SHAPES = {np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.broadcast_shapes}
_SHAPES |= {np.iscomplexobj, np.isrealobj, np.common_type, np.min_scalar_type, np.einsum_path}
_SHAPES |= {np.may_share_memory, np.shares_memory}

#: Functions that write into their first argument, and how many results their nodes stand for.
_WRITES = {np.copyto, np.put_along_axis, np.place, np.putmask, np.put, np.fill_diagonal}

#: Functions whose results' shapes depend on values.
_COUNTS = {np.nonzero, np.flatnonzero, np.argwhere, np.unique, np.compress, np.extract, np.repeat}
_COUNTS |= {np.where}

#: Where liveness is looked at: only to save work where everything is dead.
_LIVENESS = {"gradtape.primitive", "gradtape.multiple"}


def wrapped(program: Program, node: Node) -> Any:
    """The result of a node for the program to go on with; several results one by one."""
    value = node.value
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "biufc":
        return Traced(value, node, program)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        parts = [wrapped(program, program.item(node, i)) for i in range(len(value))]
        return type(value)(*parts)
    if isinstance(value, (list, tuple)):
        parts = [wrapped(program, program.item(node, i)) for i in range(len(value))]
        return type(value)(parts)
    if isinstance(value, (bool, int, float, complex)):  # as of a Python number and a np.float64
        return Traced(np.asarray(value)[()], node, program)
    raise NotImplementedError(
        f"there is no source code for what {node.function!r} returns, a {type(value).__name__}"
    )


def constant(value: Any, program: Any) -> Any:
    """A result that depends on no argument."""
    if isinstance(value, (list, tuple)):
        parts = [constant(one, program) for one in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return Traced(value, None, program) if hasattr(value, "dtype") else value


class Traced(Asked):
    """An array or a NumPy scalar that is also a node of a program."""

    #: Before NumPy's own scalars, whose operators would look inside.
    __array_priority__ = 1000.0
    __slots__ = ("base", "node", "program", "value")

    value: Any
    node: Any
    program: Any
    base: Any

    def __new__(cls, value: Any, node: Any = None, program: Any = None) -> Traced:
        """One of the class for the value's shape and dtype; without a node, a constant."""
        kind = (np.shape(value), value.dtype)
        one = _CLASSES.get(kind)
        if one is None:
            one = _CLASSES[kind] = type("Traced", (Traced,), {"__slots__": ()})
        made = object.__new__(one)
        made.value, made.node, made.program, made.base = value, node, program, None
        return made

    #: The class of the tensors that hold one.
    tensor_class: Any = Tensor

    # What a tensor has that holds a bare array ----------------------------------------------------

    @property
    def array(self) -> Traced:
        """Itself: what is inside a tensor that stands for a node."""
        return self

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the axes."""
        return self.value.shape  # type: ignore[no-any-return]

    @property
    def dtype(self) -> Any:
        """The dtype of the entries."""
        return self.value.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.value.ndim  # type: ignore[no-any-return]

    @property
    def size(self) -> int:
        """The number of entries."""
        return self.value.size  # type: ignore[no-any-return]

    @property
    def nbytes(self) -> int:
        """The size in memory."""
        return self.value.nbytes  # type: ignore[no-any-return]

    @property
    def itemsize(self) -> int:
        """The size of an entry."""
        return self.value.itemsize  # type: ignore[no-any-return]

    # Calls ----------------------------------------------------------------------------------------

    def _call(self, style: str, function: Any, args: Any, kwargs: Any = None) -> Any:
        program = program_of((self, args, kwargs))
        compute = function
        if style in ("method", "attribute"):
            compute = _method(function) if style == "method" else _attribute(function)
        args, kwargs = lifted(args), lifted(kwargs or {})
        if program is not None:
            args, kwargs = program.encoded(args), program.encoded(kwargs)
        if sums_rows(function, args, kwargs):
            compute = _sum_of_rows
        if not nodes_in((args, kwargs)):  # constants only
            return constant(compute(*args, **kwargs), program)
        if function in (operator.mul, operator.truediv) and style == "operator":
            args = spread_out(args)
            full = full_of(args) if function is operator.mul else None
            if full is not None:
                style, function, compute, args = "function", np.full, np.full, full
        if function is np.where and not kwargs:
            args = chosen(args)
        known = simplified(style, function, args, kwargs)
        if isinstance(known, Node):
            return Traced(known.value, known, program)
        return wrapped(program, program.call(style, function, args, kwargs, compute))

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if any([isinstance(value, Tensor) for value in inputs]):
            return NotImplemented  # it knows what to do
        out = kwargs.pop("out", None)
        if method == "at":
            return self._written(inputs[0], "at", ufunc, inputs[1:])
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        if method == "__call__" and not kwargs and ufunc in _OPERATORS:
            result = self._call("operator", _OPERATORS[ufunc], inputs)
        else:
            result = self._call("function", function, inputs, kwargs)
        if out is None:
            return result
        target = out[0]
        if isinstance(target, Traced):
            target.value, target.node, target.program = result.value, result.node, result.program
        else:
            target[...] = result.value
            result.program.stand_in(target, result.node)
        return target

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if any([issubclass(kind, Tensor) for kind in types]):
            return NotImplemented
        if function in _SHAPES:
            return function(*_values(args), **_values(kwargs))
        if function in _WRITES:
            return self._written(args[0], "write", function, args[1:], kwargs)
        result = self._call("function", function, args, kwargs)
        if function in _COUNTS and (function is not np.where or len(args) == 1):
            for one in result if isinstance(result, (list, tuple)) else [result]:
                if one.node is not None:
                    one.program.check(one.node, "shape", one.shape)
        return result

    def _written(
        self, target: Any, style: str, function: Any, rest: Any, kwargs: Any = None
    ) -> None:
        """A call that writes into its first argument: the program gets another value for it."""
        program = program_of((self, target, rest, kwargs))

        def compute(array: Any, *others: Any, **options: Any) -> Any:
            out = np.array(array)
            (function.at if style == "at" else function)(out, *others, **options)
            return out

        node = program.call(
            style, function, (lifted(target), *lifted(rest)), lifted(kwargs or {}), compute
        )
        if isinstance(target, Traced):
            target.value, target.node, target.program = node.value, node, program
        else:
            target[...] = node.value
            program.stand_in(target, node)

    def __setitem__(self, index: Any, value: Any) -> None:
        self._written(self, "setitem", operator.setitem, (index, value))

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, tuple) and (not index or (len(index) == 1 and index[0] is ...)):
            return self
        result = self._call("index", operator.getitem, (self, index))
        parts = index if isinstance(index, tuple) else (index,)
        masked = any([isinstance(i, Traced) and i.dtype == np.bool_ for i in parts])
        if masked and result.node is not None:
            result.program.check(result.node, "shape", result.shape)
        return result

    # Primitives -----------------------------------------------------------------------------------

    @staticmethod
    def __gradtape_apply__(primitive: Any, inputs: Any, params: Any = ()) -> Any:
        raise NotImplementedError  # set by the module that knows the forms

    @staticmethod
    def __gradtape_several__(primitive: Any, inputs: Any, params: Any = ()) -> Any:
        raise NotImplementedError

    # Leaving --------------------------------------------------------------------------------------

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        value = np.array(self.value, dtype=dtype)
        self._leaves(value, "array")
        return value

    def _leaves(self, value: Any, how: str) -> None:
        if self.node is None:
            return
        if sys._getframe(2).f_code.co_name in AS_IT_IS:
            self.program.stand_in(value, self.node)
        else:
            self.program.leak(self.node, value, how, at_work())

    def __bool__(self) -> bool:
        if sys._getframe(1).f_globals.get("__name__") in _LIVENESS:
            return True
        held = bool(self.value)
        self._check("bool", held)
        return held

    def __int__(self) -> int:
        held = int(self.value)
        self._check("int", held)
        return held

    def __index__(self) -> int:
        held = operator.index(self.value)
        self._check("int", held)
        return held

    def _check(self, how: str, held: Any) -> None:
        if self.node is not None:
            self.program.check(self.node, how, held)

    def __float__(self) -> float:
        self._leaves(None, "float")
        return float(self.value)

    def __complex__(self) -> complex:
        self._leaves(None, "complex")
        return complex(self.value)

    def item(self, *index: Any) -> Any:
        """One entry as a Python number."""
        return self._out(self.value.item(*index), "item")

    def tolist(self) -> Any:
        """The entries as nested lists."""
        return self._out(self.value.tolist(), "tolist")

    def _out(self, value: Any, how: str) -> Any:
        if self.dtype.kind in "fc":
            self._leaves(None, how)
        elif self.node is not None:
            self.program.check(self.node, "tolist", self.value.tolist())
        return value

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self.value)))

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"Traced({self.value!r})"

    def __format__(self, spec: str) -> str:
        return format(self.value, spec)

    # Methods --------------------------------------------------------------------------------------

    def reshape(self, *shape: Any, **kwargs: Any) -> Any:
        """Another shape."""
        lengths = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
        if tuple(lengths) == self.shape:
            return self
        return self._call("method", "reshape", (self, *(lengths or [()])), kwargs)

    def astype(self, dtype: Any, *args: Any, **kwargs: Any) -> Any:
        """Another dtype."""
        if np.dtype(dtype) == self.dtype:
            return self
        return self._call("method", "astype", (self, np.dtype(dtype)))

    def ravel(self) -> Any:
        """All entries along one axis."""
        return self.reshape(self.size)

    def dot(self, other: Any) -> Any:
        """The matrix product."""
        if self.ndim == np.ndim(other) == 2:
            return self @ other
        return self._call("method", "dot", (self, other))

    @property
    def T(self) -> Any:  # noqa: N802
        """The axes in the opposite order."""
        return self if self.ndim < 2 else self._call("attribute", "T", (self,))

    @property
    def mT(self) -> Any:  # noqa: N802
        """The last two axes exchanged."""
        return self._call("attribute", "mT", (self,))

    @property
    def real(self) -> Any:
        """The real part."""
        return self if self.dtype.kind != "c" else self._call("attribute", "real", (self,))

    @property
    def imag(self) -> Any:
        """The imaginary part."""
        return self._call("attribute", "imag", (self,))

    @property
    def flat(self) -> Iterator[Any]:
        """The entries one by one."""
        return iter(self.ravel())


def sums_rows(function: Any, args: Any, kwargs: Any) -> bool:
    """Whether it is what sums the cotangent of something that was added to every row."""
    if getattr(function, "__self__", None) is not np.add or kwargs != {"axis": (-2,)}:
        return False
    value = concrete(args[0])
    return np.ndim(value) == 2 and value.dtype.char in "fd"


def _sum_of_rows(x: Any, axis: Any) -> Any:
    return np.ones(x.shape[0], x.dtype).dot(x)  # as a tape does it: the same last bit


def _method(name: str) -> Callable[..., Any]:
    return lambda value, *args, **kwargs: getattr(value, name)(*args, **kwargs)


def _attribute(name: str) -> Callable[..., Any]:
    return lambda value: getattr(value, name)


def _add_methods() -> None:
    """The methods that are calls like any other."""

    def plain(name: str) -> Any:
        return lambda self, *args, **kwargs: self._call("method", name, (self, *args), kwargs)

    names = "all any argmax argmin argsort clip conj conjugate copy cumprod cumsum diagonal max"
    for name in (names + " mean min prod repeat round squeeze std sum swapaxes take trace").split():
        setattr(Traced, name, plain(name))
    for name in ("transpose", "nonzero", "var"):
        setattr(Traced, name, plain(name))

    def binary(function: Any) -> Any:
        return lambda self, other: (
            NotImplemented
            if isinstance(other, Tensor)
            else self._call("operator", function, (self, other))
        )

    def reflected(function: Any) -> Any:
        return lambda self, other: self._call("operator", function, (other, self))

    several = "add sub mul truediv floordiv mod pow matmul and_ or_ xor lshift rshift"
    for name in several.split():
        function, plain_name = getattr(operator, name), name.strip("_")
        setattr(Traced, f"__{plain_name}__", binary(function))
        setattr(Traced, f"__r{plain_name}__", reflected(function))
    for name in ("lt", "le", "gt", "ge", "eq", "ne"):
        setattr(Traced, f"__{name}__", binary(getattr(operator, name)))

    def unary(function: Any) -> Any:
        return lambda self: self._call("operator", function, (self,))

    for name in ("neg", "pos", "invert", "abs"):
        setattr(Traced, f"__{name}__", unary(getattr(operator, name)))


_add_methods()

#: The ufuncs that operators stand for, as ``np.float64(2) * traced`` calls them.
_OPERATORS: dict[Any, Any] = {
    np.add: operator.add,
    np.subtract: operator.sub,
    np.multiply: operator.mul,
    np.true_divide: operator.truediv,
    np.matmul: operator.matmul,
    np.negative: operator.neg,
    np.less: operator.lt,
    np.less_equal: operator.le,
    np.greater: operator.gt,
    np.greater_equal: operator.ge,
    np.equal: operator.eq,
    np.not_equal: operator.ne,
}


def program_of(nest: Any) -> Any:
    """The program of the first traced value among nested arguments, or None."""
    if isinstance(nest, Traced):
        return nest.program
    if isinstance(nest, dict):
        nest = list(nest.values())
    if isinstance(nest, (list, tuple)):
        for one in nest:
            found = program_of(one)
            if found is not None:
                return found
    if isinstance(nest, slice):
        return program_of((nest.start, nest.stop, nest.step))
    return None


def lifted(nest: Any) -> Any:
    """Arguments with values for what is traced but constant."""
    if isinstance(nest, Traced):
        return nest.value if nest.node is None else nest.node
    if type(nest) in (list, tuple):
        return type(nest)([lifted(one) for one in nest])
    if isinstance(nest, dict):
        return {key: lifted(one) for key, one in nest.items()}
    if isinstance(nest, slice):
        return slice(*[lifted(one) for one in (nest.start, nest.stop, nest.step)])
    return nest


def _values(nest: Any) -> Any:
    """Arguments with the values of what is traced."""
    return concrete(_unwrapped(nest))


def _unwrapped(nest: Any) -> Any:
    if isinstance(nest, Traced):
        return nest.value
    if type(nest) in (list, tuple):
        return type(nest)([_unwrapped(one) for one in nest])
    if isinstance(nest, dict):
        return {key: _unwrapped(one) for key, one in nest.items()}
    return nest
