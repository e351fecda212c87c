"""TensorFlow's operators: dtypes must agree, and what does not go together raises its errors."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gradtape import tensor as engine
from gradtape import variable as engine_variable
from gradtape.derivatives import linear_algebra
from gradtape.derivatives.axes import bare_array
from gradtape.rules import UFUNCS
from gradtape.tf import errors, rules
from gradtape.tf.conversion import array_of
from gradtape.tf.shape import TensorShape
from gradtape.tf.types import DType, as_dtype

__all__ = ["Operators", "Reference", "answer", "holds_tensors", "matrix_product", "stacked"]


# The engine's tensors and ours ----------------------------------------------------------------


def answer(value: Any, kind: Any) -> Any:
    """What an operation answered, as a tensor of class ``kind``."""
    if type(value) is kind:
        return value
    key = getattr(value, "key", None)
    array = bare_array(value)
    return kind(array if array.ndim else array[()], key)


def _engines(value: Any) -> Any:
    """Arguments with the engine's tensors for ours: NumPy's functions mean NumPy's operators."""
    if isinstance(value, engine_variable.Variable) and value.array.dtype.kind != "b":
        value = UFUNCS[np.positive](value)  # a read, which is what watches it
    if isinstance(value, engine.Tensor):
        return engine.Tensor(value.array, value.key)
    if type(value) in (list, tuple):
        return type(value)([_engines(v) for v in value])
    if type(value) is dict:
        return {key: _engines(v) for key, v in value.items()}
    return value


def _ours(value: Any, kind: Any) -> Any:
    """Results with tensors of class ``kind`` for the engine's."""
    if isinstance(value, engine.Tensor):
        return answer(value, kind)
    if type(value) in (list, tuple):
        return type(value)([_ours(v, kind) for v in value])
    return value


def holds_tensors(value: Any) -> bool:
    """Whether a sequence holds a tensor somewhere."""
    return isinstance(value, (list, tuple)) and any(
        [isinstance(v, engine.Tensor) or holds_tensors(v) for v in value]
    )


def stacked(value: Any, kind: Any) -> Any:
    """A nested sequence that holds tensors, as one tensor."""
    parts = [
        v
        if isinstance(v, engine.Tensor)
        else stacked(v, kind)
        if holds_tensors(v)
        else kind(array_of(v))
        for v in value
    ]
    return answer(np.stack(parts), kind)


# What makes an operator -----------------------------------------------------------------------


def _beside(self: Any, other: Any, op: str, lenient: bool) -> Any:
    """The other operand in the tensor's dtype, or TensorFlow's error.

    ``lenient``: a Python number that the dtype cannot hold counts as the tensor that it makes.
    """
    dtype = self.array.dtype
    kind = type(other)
    if dtype.kind == "f" and (kind is float or kind is int):
        return other  # NumPy gives it the array's dtype
    if isinstance(other, engine.Tensor):
        second = other.array.dtype
    elif holds_tensors(other):
        other = stacked(other, self.result_class)
        second = other.array.dtype
    else:
        try:
            return array_of(other, dtype)
        except TypeError:
            if not lenient:
                raise
            second = array_of(other).dtype
    if second is not dtype and second != dtype:
        raise errors.mismatch(op, dtype, second)
    return other


def _arithmetic(op: str, method: str, reflected: bool = False, *, lenient: bool = False) -> Any:
    """An arithmetic operator: dtypes must agree, shapes broadcast."""
    compute: Callable[[Any, Any], Any] = getattr(engine.Tensor, method)

    def operate(self: Any, other: Any) -> Any:
        if self.array.dtype.kind == "b":
            raise errors.not_allowed(op, self.array.dtype, errors.NUMBERS)
        other = _beside(self, other, op, lenient)
        try:
            with np.errstate(all="ignore"):
                return compute(self, other)
        except ValueError:
            shapes = [np.shape(engine.bare(v)) for v in (self, other)]
            raise errors.incompatible(op, *(shapes[::-1] if reflected else shapes)) from None

    return operate


def _divide(self: Any, other: Any, reflected: bool = False) -> Any:
    """x / y: a quotient of integers is a floating number."""
    dtype = self.array.dtype
    if dtype.kind not in "iu":
        try:
            return (_float_rdivide if reflected else _float_divide)(self, other)
        except errors.InvalidArgumentError:
            if isinstance(other, engine.Tensor) and other.array.dtype != dtype:
                raise errors.quotient_mismatch(dtype, other.array.dtype) from None
            raise
    if isinstance(other, engine.Tensor):
        array = other.array
    else:
        array = array_of(other) if isinstance(other, float) else array_of(other, dtype)
    if array.dtype != dtype:
        pair = (array.dtype, dtype) if reflected else (dtype, array.dtype)
        raise errors.quotient_mismatch(*pair)
    wide = np.dtype(np.float32 if dtype.itemsize < 4 else np.float64)
    x, y = (self.result_class(a.astype(wide)) for a in (self.array, array))
    return y / x if reflected else x / y


def _integers(op: str, compute: Callable[[Any, Any], Any], zero: str) -> Any:
    """An operation on integers that refuses some second arguments."""

    def operate(a: Any, b: Any) -> Any:
        if np.any((b == 0) if zero == "divisor" else (b < 0)):
            raise errors.invalid(
                op,
                "Integer division by zero"
                if zero == "divisor"
                else "Integers to negative integer powers are not allowed",
            )
        try:
            return compute(a, b)
        except ValueError:
            raise errors.incompatible(op, np.shape(a), np.shape(b)) from None

    return operate


def _quotient(x: Any, y: Any) -> Any:
    """The quotient, rounded to a floating number first: 3 // 0.6 is 5, where Python says 4."""
    return np.floor(engine.bare(x) / engine.bare(y))


def _stepped(op: str, method: str, integers: Any, reflected: bool = False) -> Any:
    """An operator that has a form of its own for integers: //, %, **."""
    floats: Any = {"FloorDiv": _quotient, "Pow": rules.power}.get(op)

    def operate(self: Any, other: Any) -> Any:
        if self.array.dtype.kind == "b":
            raise errors.not_allowed(op, self.array.dtype, errors.NUMBERS)
        other = _beside(self, other, op, lenient=False)
        pair = (other, self) if reflected else (self, other)
        if self.array.dtype.kind in "iu":
            return answer(integers(*[engine.bare(v) for v in pair]), self.result_class)
        try:
            with np.errstate(all="ignore"):
                out = floats(*pair) if floats else getattr(engine.Tensor, method)(self, other)
                return answer(out, self.result_class)
        except ValueError:
            shapes = [np.shape(engine.bare(v)) for v in pair]
            raise errors.incompatible(op, *shapes) from None

    return operate


def _comparison(op: str, compute: Callable[[Any, Any], Any]) -> Any:
    """A comparison: a tensor of truth values."""

    def compare(self: Any, other: Any) -> Any:
        if other is None and op in ("Equal", "NotEqual"):
            return op == "NotEqual"
        if self.array.dtype.kind in "bc" and op not in ("Equal", "NotEqual"):
            raise errors.not_allowed(op, self.array.dtype, errors.ORDERED)
        other = engine.bare(_beside(self, other, op, lenient=False))
        try:
            with np.errstate(all="ignore"):
                return answer(compute(self.array, other), self.result_class)
        except ValueError:
            if op in ("Equal", "NotEqual"):
                return self.result_class(np.bool_(op == "NotEqual"))
            raise errors.incompatible(op, self.array.shape, np.shape(other)) from None

    return compare


def _logical(op: str, compute: Callable[[Any, Any], Any]) -> Any:
    """& | ^: of truth values, or bitwise of integers."""

    def combine(self: Any, other: Any) -> Any:
        if self.array.dtype.kind not in "biu":
            raise errors.not_allowed(op, self.array.dtype, "bool, integers")
        other = engine.bare(_beside(self, other, op, lenient=False))
        return answer(compute(self.array, other), self.result_class)

    return combine


_float_divide = _arithmetic("RealDiv", "__truediv__")
_float_rdivide = _arithmetic("RealDiv", "__rtruediv__", reflected=True)
_integer_quotient = _integers("FloorDiv", operator.floordiv, "divisor")
_integer_remainder = _integers("FloorMod", operator.mod, "divisor")
_integer_power = _integers("Pow", operator.pow, "exponent")


def matrix_product(x: Any, y: Any) -> Any:
    """x @ y of matrices, or of stacks of them."""
    a, b = np.shape(engine.bare(x)), np.shape(engine.bare(y))
    for i, shape in enumerate((a, b)):
        if len(shape) < 2:
            raise errors.invalid("MatMul", f"In[{i}] ndims must be >= 2: {len(shape)}")
    dtype = engine.bare(x).dtype
    if dtype.kind == "b":
        raise errors.not_allowed("MatMul", dtype, errors.NUMBERS)
    if a[-1] != b[-2]:
        raise errors.invalid(
            "MatMul",
            f"Matrix size-incompatible: In[0]: {errors.listed(a)}, In[1]: {errors.listed(b)}",
        )
    with np.errstate(all="ignore"):
        kind = (x if isinstance(x, engine.Tensor) else y).result_class
        return answer(linear_algebra.matrix_product(x, y), kind)


def _index(part: Any) -> Any:
    """One part of an index, as NumPy takes it."""
    if part is None or part is Ellipsis or (isinstance(part, int) and type(part) is not bool):
        return part
    if isinstance(part, slice):
        ends = (part.start, part.stop, part.step)
        return slice(*[None if p is None else int(engine.bare(p)) for p in ends])
    bare = engine.bare(part)
    kind = getattr(getattr(bare, "dtype", None), "kind", "")
    if kind == "b" or (kind in "iu" and kind and not bare.ndim):
        return bare if kind == "b" else int(bare)
    raise TypeError(
        "Only integers, slices (`:`), ellipsis (`...`), tf.newaxis (`None`) and scalar "
        f"tf.int32/tf.int64 tensors are valid indices, got {part!r} (tf.gather picks by a list)"
    )


def _out_of_bounds(error: IndexError) -> errors.InvalidArgumentError:
    found = re.search(r"index (-?\d+) is out of bounds for axis (\d+)", str(error))
    if found is None:
        return errors.invalid("StridedSlice", str(error))
    return errors.invalid(
        "StridedSlice", f"slice index {found[1]} of dimension {found[2]} out of bounds."
    )


class Operators:
    """What tensors and variables share."""

    __slots__ = ()

    array: Any
    key: Any
    result_class: Any
    __array_priority__ = 100

    @property
    def shape(self) -> TensorShape:
        """The lengths of the axes."""
        return TensorShape(self.array.shape)

    @property
    def dtype(self) -> DType:
        """The type of the entries."""
        return as_dtype(self.array.dtype)

    def get_shape(self) -> TensorShape:
        """The lengths of the axes."""
        return TensorShape(self.array.shape)

    def ref(self) -> Reference:
        """Something that stands for this tensor in sets and as a key."""
        return Reference(self)

    def __hash__(self) -> int:
        kind = "Variable" if isinstance(self, engine_variable.Variable) else "Tensor"
        more = f" (Variable: {self!r})" if kind == "Variable" else ""
        raise TypeError(
            f"{kind} is unhashable. Instead, use {kind.lower()}.ref() as the key.{more}"
        )

    def __len__(self) -> int:
        if not self.array.ndim:
            raise TypeError("Scalar tensor has no `len()`")
        return len(self.array)

    def __iter__(self) -> Iterator[Any]:
        if not self.array.ndim:
            raise TypeError("Cannot iterate over a scalar tensor.")
        return iter([self[i] for i in range(len(self.array))])

    # TensorFlow converts a tensor to a Python number also where a tape then loses sight of it.

    def __float__(self) -> float:
        return float(self.array)

    def __int__(self) -> int:
        return int(self.array)

    def __complex__(self) -> complex:
        return complex(self.array)

    def __bool__(self) -> bool:
        return bool(self.array)  # NumPy says it well when there is more than one entry

    def __getitem__(self, index: Any) -> Any:
        parts = index if type(index) is tuple else (index,)
        plain = tuple([_index(part) for part in parts])
        try:
            return answer(_engines(self)[plain], self.result_class)
        except IndexError as error:
            raise _out_of_bounds(error) from None

    def __setitem__(self, index: Any, value: Any) -> None:
        raise TypeError(f"'{type(self).__name__}' object does not support item assignment")

    __add__ = _arithmetic("AddV2", "__add__", lenient=True)
    __radd__ = _arithmetic("AddV2", "__radd__", reflected=True)
    __sub__ = _arithmetic("Sub", "__sub__")
    __rsub__ = _arithmetic("Sub", "__rsub__", reflected=True)
    __mul__ = _arithmetic("Mul", "__mul__")
    __rmul__ = _arithmetic("Mul", "__rmul__", reflected=True)
    __floordiv__ = _stepped("FloorDiv", "__floordiv__", _integer_quotient)
    __rfloordiv__ = _stepped("FloorDiv", "__rfloordiv__", _integer_quotient, reflected=True)
    __mod__ = _stepped("FloorMod", "__mod__", _integer_remainder)
    __rmod__ = _stepped("FloorMod", "__rmod__", _integer_remainder, reflected=True)
    __pow__ = _stepped("Pow", "__pow__", _integer_power)
    __rpow__ = _stepped("Pow", "__rpow__", _integer_power, reflected=True)
    __lt__ = _comparison("Less", operator.lt)
    __le__ = _comparison("LessEqual", operator.le)
    __gt__ = _comparison("Greater", operator.gt)
    __ge__ = _comparison("GreaterEqual", operator.ge)
    __eq__ = _comparison("Equal", operator.eq)
    __ne__ = _comparison("NotEqual", operator.ne)
    __and__ = __rand__ = _logical("LogicalAnd", operator.and_)
    __or__ = __ror__ = _logical("LogicalOr", operator.or_)
    __xor__ = __rxor__ = _logical("LogicalXor", operator.xor)

    def __truediv__(self, other: Any) -> Any:
        return _divide(self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _divide(self, other, reflected=True)

    def __matmul__(self, other: Any) -> Any:
        return matrix_product(self, _beside(self, other, "MatMul", lenient=False))

    def __rmatmul__(self, other: Any) -> Any:
        return matrix_product(_beside(self, other, "MatMul", lenient=False), self)

    def __neg__(self) -> Any:
        if self.array.dtype.kind == "b":
            raise errors.not_allowed("Neg", self.array.dtype, errors.NUMBERS)
        return answer(engine.Tensor.__neg__(self), self.result_class)

    def __invert__(self) -> Any:
        if self.array.dtype.kind not in "biu":
            raise errors.not_allowed("LogicalNot", self.array.dtype, "bool, integers")
        return answer(~self.array, self.result_class)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        names = _OPERATORS.get(ufunc)
        if names is not None and method == "__call__" and not kwargs and len(inputs) == 2:
            x, y = inputs
            if isinstance(x, Operators):
                return getattr(type(x), names[0])(x, y)
            return getattr(type(y), names[1])(y, x)
        plain = engine.Tensor(self.array)
        with np.errstate(all="ignore"):
            return _ours(
                plain.__array_ufunc__(ufunc, method, *_engines(inputs), **_engines(kwargs)),
                self.result_class,
            )

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        plain = engine.Tensor(self.array)
        with np.errstate(all="ignore"):
            return _ours(
                plain.__array_function__(function, types, _engines(args), _engines(kwargs)),
                self.result_class,
            )


#: Operators that NumPy's arrays hand over, and which method answers when the array comes first.
_OPERATORS = {
    np.add: ("__add__", "__radd__"),
    np.subtract: ("__sub__", "__rsub__"),
    np.multiply: ("__mul__", "__rmul__"),
    np.true_divide: ("__truediv__", "__rtruediv__"),
    np.floor_divide: ("__floordiv__", "__rfloordiv__"),
    np.remainder: ("__mod__", "__rmod__"),
    np.power: ("__pow__", "__rpow__"),
    np.matmul: ("__matmul__", "__rmatmul__"),
    np.less: ("__lt__", "__gt__"),
    np.less_equal: ("__le__", "__ge__"),
    np.greater: ("__gt__", "__lt__"),
    np.greater_equal: ("__ge__", "__le__"),
    np.equal: ("__eq__", "__eq__"),
    np.not_equal: ("__ne__", "__ne__"),
}


class Reference:
    """Stands for one tensor, by identity: what ``ref`` gives.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> x = tf.constant(1.0)
    >>> seen = {x.ref(): "x"}
    >>> seen[x.ref()], x.ref().deref() is x
    ('x', True)
    """

    __slots__ = ("_wrapped",)

    def __init__(self, wrapped: Any) -> None:
        self._wrapped = wrapped

    def deref(self) -> Any:
        """The tensor itself."""
        return self._wrapped

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reference) and self._wrapped is other._wrapped

    def __hash__(self) -> int:
        return id(self._wrapped)

    def __repr__(self) -> str:
        return f"<Reference wrapping {self._wrapped!r}>"
