"""The tensors that the function gets: with traced arrays inside."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from gradtape.calls import is_tracked
from gradtape.derivatives.selection import _of_one_dtype
from gradtape.errors import describe, tracked_conversion
from gradtape.recording import active, new_key
from gradtape.rules import BINDINGS
from gradtape.source_code.forms import computed, is_traced, picked
from gradtape.source_code.program import Node
from gradtape.source_code.traced import Traced
from gradtape.tensor import Tensor
from gradtape.writes import tie

__all__ = ["Recorded"]


class Recorded(Tensor):
    """A tensor whose uses are written down: those without a derivative too."""

    __slots__ = ()

    def __init__(self, array: Any, key: Any = None) -> None:
        super().__init__(array if isinstance(array, Traced) else Traced(array), key)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        inputs = tuple([_hidden(value) for value in inputs])
        if ufunc is np.matmul:  # a bare array's own product would look inside
            inputs = tuple([_as_constant(value) for value in inputs])
        return _shown(super().__array_ufunc__(ufunc, method, *inputs, **kwargs))

    def __matmul__(self, other: Any) -> Any:
        return np.matmul(self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return np.matmul(other, self)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function in _MEANINGS:
            return _MEANINGS[function](*args, **kwargs)
        return _shown(super().__array_function__(function, types, args, kwargs))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        if is_tracked(self):
            raise tracked_conversion(self)
        return self.array.__array__(dtype)

    def numpy(self) -> Any:
        """The bare value, as it is where the program is recorded."""
        return np.array(self.array)[()]

    def item(self, *index: Any) -> Any:
        """One entry as a Python number, as it is where the program is recorded."""
        return self.array.item(*index)

    def __getitem__(self, index: Any) -> Any:
        return _get(self, index)

    def __invert__(self) -> Any:
        return Recorded(~self.array)


def _comparison(function: Any) -> Any:
    return lambda self, other: _shown(function(self.array, _bare(other)))


def _reflected(function: Any) -> Any:
    return lambda self, other: _shown(function(_bare(other), self.array))


def _method(function: Any) -> Any:
    return lambda self, *args, **kwargs: _shown(function(self, *args, **kwargs))


def _add_methods() -> None:
    for name in ("lt", "le", "gt", "ge", "eq", "ne", "and_", "or_", "xor"):
        setattr(Recorded, f"__{name.strip('_')}__", _comparison(getattr(operator, name)))
    for name in ("and_", "or_", "xor"):
        setattr(Recorded, f"__r{name.strip('_')}__", _reflected(getattr(operator, name)))
    for name in ("argmax", "argmin", "argsort", "any", "all", "round"):
        setattr(Recorded, name, _method(getattr(Tensor, name)))

    for name in ("add", "sub", "mul", "truediv", "pow", "mod", "floordiv"):
        # Defined anew, they come before the other operand's own where that is a plain tensor.
        setattr(Recorded, f"__r{name}__", _method(getattr(Tensor, f"__r{name}__")))


_add_methods()
Recorded.result_class = Traced.tensor_class = Recorded


def _bare(value: Any) -> Any:
    return value.array if isinstance(value, Tensor) else value


def _hidden(value: Any) -> Any:
    """A traced value without a tensor around it as one."""
    return Recorded(value) if isinstance(value, Traced) else value


def _as_constant(value: Any) -> Any:
    """A bare array as a tensor."""
    if isinstance(value, np.ndarray):
        return Recorded(Traced(value))
    bare = isinstance(value, Tensor) and not isinstance(value.array, Traced)
    return Recorded(Traced(value.array), value.key) if bare else value


def _shown(result: Any) -> Any:
    """What has no derivative as a tensor too, so that the program goes on."""
    if isinstance(result, Traced):
        return Recorded(result)
    if type(result) in (list, tuple):
        return type(result)([_shown(one) for one in result])
    return result


# Calls of primitives ------------------------------------------------------------------------------


def _apply(primitive: Any, inputs: Any, params: Any = ()) -> Any:
    """Call a primitive of tensors and arrays: ``gradtape.tensor.apply`` for traced ones."""
    if not any([isinstance(value, Tensor) for value in inputs]):
        return computed(primitive, inputs, params)
    inputs = tuple([_operand(value) for value in inputs])
    keys = tuple([value.key if isinstance(value, Tensor) else None for value in inputs])
    arrays = tuple([_bare(value) for value in inputs])
    out = computed(primitive, arrays, params)
    if type(out) is np.ndarray and not out.ndim:
        out = out[()]
    key = None
    for recorder in active():
        key = recorder.record(primitive, keys, inputs, arrays, params, out, key)
    result = Recorded(out, key)
    if len(inputs) == 1 and _is_view(out, arrays[0]):
        out.base = arrays[0]
        tie(inputs[0], result, primitive, params)
    return result


def _is_view(out: Any, array: Any) -> bool:
    """Whether a write into one would show in the other."""
    if not (isinstance(out, Traced) and isinstance(array, Traced) and out.ndim):
        return False
    return out is not array and bool(np.may_share_memory(out.value, array.value))


def _apply_several(primitive: Any, inputs: Any, params: Any = ()) -> Any:
    """The same for a primitive with several outputs."""
    if not any([isinstance(value, Tensor) for value in inputs]):
        return computed(primitive, inputs, params)
    inputs = tuple([_operand(value) for value in inputs])
    keys = tuple([value.key if isinstance(value, Tensor) else None for value in inputs])
    arrays = tuple([_bare(value) for value in inputs])
    outs = tuple(computed(primitive, arrays, params))
    out_keys = tuple([new_key() if active() else None for _ in outs])
    for recorder in active():
        recorder.record(primitive, keys, inputs, arrays, params, outs, out_keys)
    pairs = zip(outs, out_keys, strict=True)
    return tuple([Recorded(o, key) if o.dtype.kind in "fc" else o for o, key in pairs])


def _operand(value: Any) -> Any:
    """What may stand beside a tensor."""
    if isinstance(value, (Tensor, Traced, np.ndarray, np.generic, int, float, complex)):
        return value
    array = np.asarray(value)
    if array.dtype == object:
        raise TypeError(f"{describe(value)} is no operand for a Tensor")
    return array if array.ndim else array[()]


for _class in (Recorded, Traced):
    setattr(_class, "__gradtape_apply__", staticmethod(_apply))  # noqa: B010
    setattr(_class, "__gradtape_several__", staticmethod(_apply_several))  # noqa: B010


# Indices that are values of the program -----------------------------------------------------------


def _get(x: Any, index: Any) -> Any:
    """``x[index]``, where the index may hold orders and masks that depend on values."""
    parts = tuple([_bare(i) for i in (index if type(index) is tuple else (index,))])
    program = x.array.program
    if program is not None:
        parts = tuple([_recalled(program, i) for i in parts])
    arrays = [i for i in parts if isinstance(i, (Traced, list, np.ndarray))]
    if not arrays:
        return Tensor.__getitem__(x, index)
    if not is_traced(arrays) and any([np.asarray(i).dtype == np.bool_ for i in arrays]):
        return Tensor.__getitem__(x, index)
    copies = [np.array(i) if isinstance(i, (list, np.ndarray)) else i for i in parts]
    return _apply(picked, (x,), (tuple([_whole(i) for i in copies]),))


def _recalled(program: Any, array: Any) -> Any:
    """A bare array as the value of the program that it holds, if it does."""
    node = program.encoded(array) if isinstance(array, np.ndarray) else None
    return Traced(node.value, node, program) if isinstance(node, Node) else array


def _whole(i: Any) -> Any:
    """An index without entries as one of whole numbers."""
    return i.astype(np.intp) if isinstance(i, np.ndarray) and not i.size else i


def _select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    conditions = [_bare(c) for c in condlist]
    np.select(*_numbers((conditions, choicelist, default)))  # NumPy's errors
    *choices, result = _of_one_dtype([*choicelist, default])
    for condition, choice in zip(reversed(conditions), reversed(choices), strict=True):
        result = np.where(_hidden(condition), choice, result)
    return result


def _numbers(nest: Any) -> Any:
    """Nested arguments, all bare."""
    if isinstance(nest, (list, tuple)):
        return [_numbers(one) for one in nest]
    value = _bare(nest)
    return value.value if isinstance(value, Traced) else value


def _interp(x: Any, xp: Any, fp: Any, *args: Any, **kwargs: Any) -> Any:
    """``np.interp``, whose tables are looked up at places that depend on values."""
    tables = [_as_constant(np.asarray(t) if isinstance(t, (list, tuple)) else t) for t in (xp, fp)]
    return BINDINGS[np.interp](x, *tables, *args, **kwargs)


_MEANINGS: dict[Any, Any] = {
    np.interp: _interp,
    np.select: _select,
}
