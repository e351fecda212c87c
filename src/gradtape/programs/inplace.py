"""Writing into symbols: each write gives a symbol another value, and its views with it.

The symbol object then stands for the new value, as the array that it is for the function would; a
program only ever computes new arrays. What NumPy would answer with a view is tied to what it is a
view of: a write into one shows in the other.
"""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from gradtape import errors
from gradtape.derivatives.indexing import is_basic, parts_of, picked
from gradtape.derivatives.shapes import reshaped
from gradtape.derivatives.writing import written
from gradtape.programs.tracing import (
    TraceError,
    concrete,
    emptied,
    filled,
    is_symbol,
    op_function,
    symbols_in,
)

__all__ = ["assign", "become", "check_writable", "entries", "overwrite", "parts"]
__all__ += ["refuse_shape", "set_entries", "tie"]


def tie(symbol: Any, view: Any, op: Any, others: Any, params: Any) -> None:
    """Note that ``view``, the op of ``symbol``, shares its memory, if it does."""
    base, array = view.value.base, symbol.value
    if not isinstance(array, np.ndarray) or not (base is array or base is array.base):
        return
    view.origin = symbol, op, others, params
    symbol.views[:] = [ref for ref in symbol.views if ref() is not None]
    symbol.views.append(weakref.ref(view))


def entries(symbol: Any) -> Any:
    """The entries in order, in one axis; a write into them is seen, as by ``array.flat``."""
    view = symbol.ravel()
    if view.origin is None and view is not symbol:  # its memory is another one
        view.origin = symbol, reshaped, (), ((symbol.size,),)
        symbol.views.append(weakref.ref(view))
    return view


def set_entries(symbol: Any, value: Any) -> None:
    """``symbol.flat = value``: the values one after the other, again and again."""
    entries(symbol)[...] = np.resize(value, symbol.size)


def refuse_shape(symbol: Any, shape: Any) -> None:
    """``symbol.shape = shape``.

    Raises
    ------
    TraceError : always.
    """
    raise TraceError(f"a traced function set an array's shape: write y = y.reshape({shape})")


def assign(symbol: Any, index: Any, value: Any) -> None:
    """``symbol[index] = value``.

    Raises
    ------
    TypeError, ValueError : as NumPy does.
    """
    if is_symbol(value) and value.origin is not None and value.origin[0] is symbol:
        at = _index_of(value)
        if at is not None and _equal(at, index):
            return  # the second half of symbol[index] += something, which is done
    check_writable(symbol)
    if isinstance(value, (list, tuple)) and next(symbols_in(value), None) is not None:
        value = np.stack([np.asarray(v) if not hasattr(v, "dtype") else v for v in value])
    if hasattr(value, "result_class"):
        raise _drops_gradient(value)
    if _is_mask_of(symbol, index) and not np.shape(concrete(value)):
        number = np.asarray(concrete(value)).astype(symbol.dtype)[()]
        chosen = value.astype(symbol.dtype) if is_symbol(value) else number
        become(symbol, np.where(index, chosen, symbol.frozen()))
        return
    become(symbol, symbol.tracing.run(written, (symbol.frozen(), value), (parts_of(index),)))


def overwrite(symbol: Any, result: Any) -> Any:
    """Write a result into the whole of a symbol, as ``out=`` does; return the symbol.

    Raises
    ------
    TypeError, ValueError : as NumPy does.
    """
    check_writable(symbol)
    if hasattr(result, "result_class"):
        raise _drops_gradient(result)
    array = np.asarray(concrete(result))
    if not np.can_cast(array.dtype, symbol.dtype, "same_kind"):
        raise TypeError(
            f"Cannot cast a result from {array.dtype!r} to {symbol.dtype!r} with casting rule "
            "'same_kind'"
        )
    if array.shape != symbol.shape:
        broadcast = np.broadcast_shapes(array.shape, symbol.shape)
        if broadcast != symbol.shape:
            raise ValueError(
                f"non-broadcastable output operand with shape {symbol.shape} doesn't match the "
                f"broadcast shape {broadcast}"
            )
        result = np.broadcast_to(result, symbol.shape)
    if not is_symbol(result):
        result = symbol.tracing.constant(np.array(result, symbol.dtype))
    become(symbol, result if array.dtype == symbol.dtype else result.astype(symbol.dtype))
    return symbol


def parts(name: str) -> Any:
    """What writes into the real or the imaginary part."""

    def write(symbol: Any, value: Any) -> None:
        if symbol.dtype.kind == "c":
            other = symbol.imag if name == "real" else symbol.real
            pair = (value, other) if name == "real" else (other, value)
            value = pair[0] + 1j * pair[1]
        elif name == "imag":
            raise TypeError("array does not have imaginary part to set")
        symbol[...] = value

    return write


def become(symbol: Any, result: Any) -> None:
    """Let a symbol stand for another value, of its shape and dtype, in views and origins, too."""
    symbol.tracing.wrote = True
    _stand_for(symbol, result)
    below = symbol
    while below.origin is not None:
        above, op, _, params = below.origin
        index = _index_of(below) or _places(above, op, params)
        value = below.frozen()
        _stand_for(above, above.tracing.run(written, (above.frozen(), value), (index,)))
        _show(above, below)
        below = above
    _show(symbol, None)


def _stand_for(symbol: Any, result: Any) -> None:
    value = result.value
    if not isinstance(value, np.ndarray):
        value = np.array(value)  # without axes, but an array
    symbol.node, symbol.value = result.node, value
    if not symbol.value.flags.writeable:
        symbol.value = symbol.value.copy()


def _show(symbol: Any, but: Any) -> None:
    """Show another value of a symbol in its views, but for one that has it already."""
    for ref in symbol.views[:]:
        view = ref()
        if view is not None and view is not but:
            _, op, others, params = view.origin
            fresh = symbol.tracing.run(op, (symbol, *others), params)
            view.node, view.value = fresh.node, fresh.value
            _show(view, None)


def _index_of(view: Any) -> Any:
    """The index that a view is made with, if it is; its parts may be symbols."""
    above, op, others, params = view.origin
    if op is picked:
        return params[0]
    late = getattr(op, "primitive", None) is picked
    return filled(params[0], (above, *others)) if late else None


def _places(above: Any, op: Any, params: Any) -> Any:
    """The index of the entries of a symbol that its view shows."""
    positions = np.arange(above.size).reshape(above.shape)
    shown = op_function(op)(positions, *params)
    if np.unique(shown).size < shown.size:
        raise ValueError("assignment destination is read-only")
    return np.unravel_index(shown, above.shape)


def check_writable(symbol: Any) -> None:
    """Raise if a symbol cannot be written into."""
    if not symbol.tracing.here:
        raise TraceError("a value of a traced function cannot be written into outside of it")
    value = symbol.value
    if not isinstance(value, np.ndarray):
        raise TypeError(f"{type(value).__name__!r} object does not support item assignment")
    if not value.flags.writeable:
        raise ValueError("assignment destination is read-only")
    origin = symbol.origin
    while origin is not None:
        above, op, *_ = origin
        kind = getattr(getattr(op, "primitive", op), "kind", None)
        if kind != "movement" or above.dtype != symbol.dtype:
            raise TraceError(
                f"a view that {op.name} made cannot be written into in a traced function: "
                "write into what it was made of, or into a copy"
            )
        origin = above.origin


def _drops_gradient(value: Any) -> TypeError:
    return TypeError(
        f"cannot write {errors.describe(value)} into a bare array: its gradient would be lost. "
        "Make the array a tensor (gradtape.zeros, gradtape.constant)."
    )


def _is_mask_of(symbol: Any, index: Any) -> bool:
    """Whether an index is a mask that is computed, for all axes."""
    index = index[0] if type(index) is tuple and len(index) == 1 else index
    return is_symbol(index) and index.dtype == np.bool_ and index.shape == symbol.shape


def _equal(index: Any, other: Any) -> bool:
    """Whether two basic indexes are the same."""
    other = other if type(other) is tuple else (other,)
    if len(index) != len(other) or not (is_basic(index) and is_basic(other)):
        return False
    found: list[Any] = []
    others: list[Any] = []
    one, two = emptied(index, found), emptied(other, others)
    same = len(found) == len(others) and all([a is b for a, b in zip(found, others, strict=True)])
    return same and bool(one == two)
