"""Tensor: an array that recorders can see, with NumPy's operators and protocols.

A tensor holds a bare array and a key. The key names the value for every recorder; a tensor that
nobody watches has none. What an operation means is looked up in the registry of rules; this module
knows no rule.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as np
from numpy import ndarray

from gradtape import derivatives as _tables  # noqa: F401  (fills the registry)
from gradtape import errors
from gradtape.calls import call, is_tracked, without_ufunc_defaults
from gradtape.derivatives.axes import as_array
from gradtape.methods import Methods
from gradtape.recording import active, leave, new_key
from gradtape.rules import BINDINGS, STRAIGHT
from gradtape.writes import assign, into, tie, update, update_at

__all__ = ["PLAIN", "Tensor", "apply", "bare", "new", "twin"]

#: What may stand beside a tensor in an operation as it is; anything else is made an array first.
PLAIN: set[type] = {int, float, bool, ndarray, *np.sctypeDict.values()}


#: Making a tensor by this and two assignments takes half the time of calling its class.
new = object.__new__


def apply(primitive: Any, inputs: tuple[Any, ...], params: tuple[Any, ...] = ()) -> Any:
    """Call a primitive in its canonical form, and show the call to the active recorders."""
    cls: Any
    keys: Any
    arrays: tuple[Any, ...]
    t, number = inputs[0], len(inputs)
    if number == 1:
        cls, keys, arrays = t.result_class, (t.key,), (t.array,)
    elif number == 2 and type(inputs[1]) in PLAIN:  # then t is the tensor
        cls, keys, arrays = t.result_class, (t.key, None), (t.array, inputs[1])
    else:
        cls, keys, inputs, arrays = _unwrapped(inputs)
    try:
        out = primitive.compute(*arrays, *params)
    except (ValueError, TypeError) as error:
        out = _computed_otherwise(error, primitive, arrays, params)
    if type(out) is ndarray and not out.ndim:
        out = out[()]
    key = None
    for recorder in active():
        key = recorder.record(primitive, keys, inputs, arrays, params, out, key)
    result = new(cls)
    result.array, result.key = out, key
    if number == 1 and type(out) is ndarray and out.base is not None and t.writable:
        tie(t, result, primitive, params)
    return result


def apply_several(primitive: Any, inputs: tuple[Any, ...], params: tuple[Any, ...] = ()) -> Any:
    """``apply`` for a primitive with several outputs; integer ones come back as bare values."""
    cls, keys, inputs, arrays = _unwrapped(inputs)
    try:
        outs = primitive.compute(*arrays, *params)
    except (ValueError, TypeError) as error:
        outs = _computed_otherwise(error, primitive, arrays, params)
    outs = tuple([o[()] if type(o) is ndarray and not o.ndim else o for o in outs])
    recorders = active()
    out_keys = tuple([new_key() if recorders else None for _ in outs])
    for recorder in recorders:
        recorder.record(primitive, keys, inputs, arrays, params, outs, out_keys)
    return tuple(
        [
            cls(o, key) if getattr(o, "dtype", np.dtype(int)).kind in "fc" else o
            for o, key in zip(outs, out_keys, strict=True)
        ]
    )


def _computed_otherwise(error: Exception, primitive: Any, arrays: Any, params: Any) -> Any:
    """What failed on bare arrays, by those of them that know a way of their own; or the error."""
    for array in arrays:
        handler = getattr(array, "__gradtape_apply__", None)
        if handler is not None:
            return handler(primitive, arrays, params)
    raise _named(error, primitive) from error


def _named(error: Exception, primitive: Any) -> Exception:
    """The error with the primitive's name in front."""
    # NumPy has errors that are TypeErrors but take other arguments than a message.
    kind = TypeError if isinstance(error, TypeError) else type(error)
    text = str(error)
    return kind(text if text.startswith(f"{primitive.name}: ") else f"{primitive.name}: {text}")


def _unwrapped(inputs: tuple[Any, ...]) -> tuple[Any, Any, Any, Any]:
    """The class of the result, the keys, the inputs (sequences as arrays), the bare arrays."""
    cls: Any = None
    keys: list[Any] = []
    arrays = []
    for value in inputs:
        if isinstance(value, Tensor):
            arrays.append(value.array)
            keys.append(value.key)
            if cls is None or (
                value.result_class is not cls and issubclass(value.result_class, cls)
            ):
                cls = value.result_class
        elif type(value) in PLAIN or type(value) is complex:
            arrays.append(value)
            keys.append(None)
        else:
            made = tuple([v if isinstance(v, Tensor) else _operand(v) for v in inputs])
            if any([v is NotImplemented for v in made]):
                raise TypeError(f"{errors.describe(value)} is no operand for a Tensor")
            return _unwrapped(made)
    return cls, keys, inputs, tuple(arrays)


def _operand(value: Any, beside: Any = None) -> Any:
    """What stands beside a tensor, as an array or a plain number."""
    if type(value) in PLAIN:
        return value
    if isinstance(value, np.ma.MaskedArray):
        raise errors.masked_array(value)
    if type(value) is complex and type(beside) is not np.float64:
        return value  # weak, as NumPy has it; only with np.float64 would Python do the sum
    array = as_array(value)
    if isinstance(array, Tensor):
        return array  # a sequence with tensors in it
    if array.dtype == object:
        return NotImplemented  # perhaps the other's own operator knows what to do
    return array if array.ndim else array[()]


def _operator(function: Any, compute: Callable[[Any, Any], Any], reflected: bool = False) -> Any:
    """A binary operator that goes straight to its primitive, without the protocol's overhead.

    Of a function that is also defined for fewer axes than its primitive (matmul), only calls with
    arrays of two axes go straight; the others take the function's own way.
    """
    primitive = STRAIGHT[function]
    for_matrices = primitive.least_ndim > 0

    def operate(self: Tensor, other: Any) -> Any:
        a = self.array
        if isinstance(other, Tensor):
            b, other_key = other.array, other.key
        else:
            if type(other) in PLAIN:
                b = other
            else:
                b = other = _operand(other, a)
                if b is NotImplemented:
                    return NotImplemented
                if isinstance(b, Tensor):
                    return operate(self, b)
            other_key = None
        if reflected:
            a, b, keys, inputs = b, a, (other_key, self.key), (other, self)
        else:
            keys, inputs = (self.key, other_key), (self, other)
        if for_matrices and not (getattr(a, "ndim", 0) > 1 and getattr(b, "ndim", 0) > 1):
            return BINDINGS[function](*inputs)
        try:
            out = compute(a, b)
        except (ValueError, TypeError) as error:
            raise _named(error, primitive) from error
        key = None
        for recorder in active():
            key = recorder.record(primitive, keys, inputs, (a, b), (), out, key)
        result = new(self.result_class)
        result.array, result.key = out, key
        return result

    return operate


def _conversion(convert: Callable[[Any], Any]) -> Any:
    """A conversion to a Python number, refused where it would lose a gradient."""

    def converted(self: Tensor) -> Any:
        if is_tracked(self):
            raise errors.tracked_conversion(self)
        return leave(self, convert.__name__, convert(self.array))

    return converted


def _function(function: Any) -> Any:
    """A method that is a NumPy function of the tensor."""
    binder = BINDINGS.get(function)

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        if binder is not None and not (args or kwargs):
            return binder(self)  # the common case, without detours
        return call(function, (self, *args), kwargs)

    return method


def _augmented(operator_name: str) -> Any:
    """An operator that writes its result into the left operand."""

    def augmented(self: Tensor, other: Any) -> Any:
        return update(self, getattr(self, operator_name)(other))

    return augmented


def _reflected(function: Any) -> Any:
    """A reflected operator that is a NumPy function."""
    return lambda self, other: call(function, (other, self), {})


def _comparison(compute: Callable[[Any, Any], Any]) -> Any:
    """A comparison: it has no derivative, and answers with bare booleans."""
    return lambda self, other: compute(self.array, bare(other))


class Tensor(Methods):
    """An array that tapes can track; NumPy's functions and operators act on it.

    Parameters
    ----------
    array : the bare array or NumPy scalar inside; not copied (``gradtape.constant`` does that).
    key : the name of this value for recorders; None while nobody tracks it.

    Examples
    --------
    >>> import numpy as np, gradtape as gt
    >>> t = gt.constant([1.0, 2.0])
    >>> np.exp(t) * 2 - t.sum()
    Tensor([ 2.43656366, 11.7781122 ])
    """

    # ``ties`` is set where something is shared with other tensors; see ``writes``.
    __slots__ = ("__weakref__", "array", "key", "ties")

    trainable = False
    result_class: ClassVar[type[Tensor]]

    def __init__(self, array: Any, key: Any = None) -> None:
        self.array = array
        self.key = key

    # What is inside -------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the axes."""
        return self.array.shape  # type: ignore[no-any-return]

    @property
    def dtype(self) -> Any:
        """The NumPy dtype of the entries."""
        return self.array.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.array.ndim  # type: ignore[no-any-return]

    @property
    def size(self) -> int:
        """The number of entries."""
        return self.array.size  # type: ignore[no-any-return]

    def numpy(self) -> Any:
        """The bare value: a fresh array, or a NumPy scalar when there are no axes."""
        return leave(self, "numpy", self.array.copy())

    def item(self, *index: Any) -> Any:
        """One entry as a Python number."""
        return leave(self, "item", self.array.item(*index))

    def tolist(self) -> Any:
        """The entries as nested lists of Python numbers."""
        return leave(self, "tolist", self.array.tolist())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        if is_tracked(self):
            raise errors.tracked_conversion(self)
        if copy or (dtype is not None and np.dtype(dtype) != self.dtype):
            return leave(self, "asarray", np.array(self.array, dtype=dtype))
        view = np.asarray(self.array).view()
        view.flags.writeable = False  # a record may still need what is inside
        return leave(self, "asarray", view)

    def __bool__(self) -> bool:
        if self.array.size != 1:
            raise ValueError(
                f"the truth value of {errors.describe(self)} is ambiguous: it has more than one "
                "element or none. Use np.any(t) or np.all(t), or np.where to choose entry by entry."
            )
        return bool(self.array)

    # NumPy writes array[i] = t by float(t), and the functions of ``math`` call it too.
    __float__ = _conversion(float)
    __int__ = _conversion(int)
    __complex__ = _conversion(complex)
    __index__ = _conversion(operator.index)

    def __len__(self) -> int:
        if not self.array.ndim:
            raise TypeError("len() of a Tensor without axes")
        return len(self.array)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __contains__(self, value: Any) -> bool:
        return bare(value) in self.array

    def __repr__(self) -> str:
        name = type(self).__name__
        return f"{name}({_entries(self.array, name)})"

    def __str__(self) -> str:
        return str(self.array)

    def __format__(self, spec: str) -> str:
        return format(self.array, spec)

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy is another value, which nobody tracks; and keys mean nothing in another process.
        return type(self), (self.array.copy(),)

    def __setitem__(self, index: Any, value: Any) -> None:
        assign(self, index, value)

    __hash__ = object.__hash__

    # NumPy's protocols ----------------------------------------------------------------------------

    __gradtape_apply__ = staticmethod(apply)
    __gradtape_several__ = staticmethod(apply_several)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method == "__call__" and not kwargs:
            primitive = STRAIGHT.get(ufunc)
            if primitive is not None and (not primitive.least_ndim or _are_matrices(*inputs)):
                return apply(primitive, inputs)
        if "out" in kwargs:
            return into(kwargs.pop("out"), ufunc, method, inputs, kwargs)
        if method == "at":
            return update_at(ufunc, *inputs)
        function = ufunc if method == "__call__" else (ufunc, method)
        return call(function, inputs, without_ufunc_defaults(kwargs))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if kwargs.get("out") is not None:
            return into(kwargs.pop("out"), function, "__call__", args, kwargs)
        return call(function, args, kwargs)

    # Operators and methods: each is a NumPy function of the tensor --------------------------------

    __add__ = _operator(np.add, operator.add)
    __radd__ = _operator(np.add, operator.add, reflected=True)
    __sub__ = _operator(np.subtract, operator.sub)
    __rsub__ = _operator(np.subtract, operator.sub, reflected=True)
    __mul__ = _operator(np.multiply, operator.mul)
    __rmul__ = _operator(np.multiply, operator.mul, reflected=True)
    __truediv__ = _operator(np.true_divide, operator.truediv)
    __rtruediv__ = _operator(np.true_divide, operator.truediv, reflected=True)
    __pow__ = BINDINGS[np.power]
    __rpow__ = _reflected(np.power)
    __matmul__ = _operator(np.matmul, STRAIGHT[np.matmul].compute)
    __rmatmul__ = _operator(np.matmul, STRAIGHT[np.matmul].compute, reflected=True)
    __mod__ = _function(np.remainder)
    __rmod__ = _reflected(np.remainder)
    __floordiv__ = _function(np.floor_divide)
    __rfloordiv__ = _reflected(np.floor_divide)
    __divmod__ = _function(np.divmod)
    __rdivmod__ = _reflected(np.divmod)
    __iadd__ = _augmented("__add__")
    __isub__ = _augmented("__sub__")
    __imul__ = _augmented("__mul__")
    __itruediv__ = _augmented("__truediv__")
    __ipow__ = _augmented("__pow__")
    __imatmul__ = _augmented("__matmul__")
    __imod__ = _augmented("__mod__")
    __ifloordiv__ = _augmented("__floordiv__")
    __neg__ = _function(np.negative)
    __pos__ = _function(np.positive)
    __abs__ = _function(np.absolute)
    __lt__ = _comparison(operator.lt)
    __le__ = _comparison(operator.le)
    __gt__ = _comparison(operator.gt)
    __ge__ = _comparison(operator.ge)
    __eq__ = _comparison(operator.eq)
    __ne__ = _comparison(operator.ne)
    __getitem__ = BINDINGS[operator.getitem]

    sum = _function(np.sum)
    mean = _function(np.mean)
    prod = _function(np.prod)
    max = _function(np.max)
    min = _function(np.min)
    cumsum = _function(np.cumsum)
    reshape = _function(np.ndarray.reshape)
    transpose = _function(np.ndarray.transpose)
    ravel = _function(np.ravel)
    flatten = _function(np.ndarray.flatten)
    clip = _function(np.clip)
    dot = _function(np.dot)
    any = _function(np.any)
    all = _function(np.all)
    astype = _function(np.ndarray.astype)
    copy = _function(np.copy)
    T = property(_function(np.transpose))
    mT = property(_function(np.matrix_transpose))
    real = property(_function(np.real))
    imag = property(_function(np.imag))


Tensor.result_class = Tensor


def bare(value: Any) -> Any:
    """The array inside a tensor; anything else as it is."""
    return value.array if isinstance(value, Tensor) else value


def twin(t: Tensor) -> Tensor:
    """The same value under the same key; a write into one of the two leaves the other alone."""
    return t.result_class(t.array, t.key)


def _entries(array: Any, name: str) -> str:
    """The entries as NumPy prints them inside ``name(...)``."""
    array = getattr(array, "value", array)  # of a symbol, what it is in this run
    text = np.array2string(np.asarray(array), separator=", ", prefix=f"{name}(")
    return (
        text if array.dtype in (np.float64, np.int64, np.bool_) else f"{text}, dtype={array.dtype}"
    )


def _are_matrices(x: Any, y: Any) -> bool:
    """Whether both have two axes or more, as the matrix product's primitive needs."""
    return getattr(x, "ndim", 0) > 1 and getattr(y, "ndim", 0) > 1
