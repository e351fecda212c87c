"""Tensors around symbols: a primitive stays whole in the graph, whatever it computes with.

While a function is traced, this takes the place of ``gradtape.tensor.apply``, so that tensors
outside of traces pay nothing for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from numpy import generic, ndarray

from gradtape import tensor
from gradtape.programs.opaque import apply as noted
from gradtape.programs.tracing import current, is_symbol, symbols_in
from gradtape.recording import AS_SYMBOLS, active, new_key
from gradtape.tensor import Tensor, new
from gradtape.writes import tie

__all__ = ["tensors_of_symbols"]

_APPLY, _APPLY_SEVERAL = tensor.apply, tensor.apply_several


@contextmanager
def tensors_of_symbols() -> Iterator[None]:
    """Tensors know what to do with symbols in the block."""
    AS_SYMBOLS.append(_as_symbol)
    tensor.apply = _apply
    Tensor.__gradtape_apply__ = staticmethod(_apply)
    Tensor.__gradtape_several__ = staticmethod(_apply_several)
    try:
        yield
    finally:
        AS_SYMBOLS.pop()
        tensor.apply = _APPLY
        Tensor.__gradtape_apply__ = staticmethod(_APPLY)
        Tensor.__gradtape_several__ = staticmethod(_APPLY_SEVERAL)


def _as_symbol(value: Any) -> Any:
    """A symbol for an array that a derivative starts from: what it meets may be symbols."""
    tracing = current()
    array = value.array if isinstance(value, Tensor) else value
    if tracing is None or not tracing.here or not issubclass(type(array), (ndarray, generic)):
        return value
    symbol = tracing.constant(array)
    return Tensor(symbol, value.key) if isinstance(value, Tensor) else symbol


def _are_traced(inputs: Any, params: Any) -> bool:
    arrays = [v.array if isinstance(v, Tensor) else v for v in inputs]
    return any(map(is_symbol, arrays)) or next(symbols_in(params), None) is not None


def _noted(primitive: Any, inputs: Any, params: Any) -> tuple[Any, ...]:
    """A call's class, keys, inputs and arrays as ``gradtape.tensor`` has them, and its value."""
    cls, keys, inputs, arrays = tensor._unwrapped(inputs)
    try:
        return cls, keys, inputs, arrays, noted(primitive, arrays, params)
    except (ValueError, TypeError) as error:
        raise tensor._named(error, primitive) from error


def _apply(primitive: Any, inputs: tuple[Any, ...], params: tuple[Any, ...] = ()) -> Any:
    """``gradtape.tensor.apply``, with the primitive noted as it is where there are symbols."""
    if not _are_traced(inputs, params):
        return _APPLY(primitive, inputs, params)
    cls, keys, inputs, arrays, out = _noted(primitive, inputs, params)
    key = None
    for recorder in active():
        key = recorder.record(primitive, keys, inputs, arrays, params, out, key)
    result = new(cls)
    result.array, result.key = out, key
    if len(inputs) == 1 and is_symbol(out) and out.origin is not None and inputs[0].writable:
        tie(inputs[0], result, primitive, params)
    return result


def _apply_several(primitive: Any, inputs: tuple[Any, ...], params: tuple[Any, ...] = ()) -> Any:
    """``gradtape.tensor.apply_several`` in the same way."""
    if not _are_traced(inputs, params):
        return _APPLY_SEVERAL(primitive, inputs, params)
    cls, keys, inputs, arrays, outs = _noted(primitive, inputs, params)
    recorders = active()
    out_keys = tuple([new_key() if recorders else None for _ in outs])
    for recorder in recorders:
        recorder.record(primitive, keys, inputs, arrays, params, outs, out_keys)
    return tuple(
        [cls(o, key) if o.dtype.kind in "fc" else o for o, key in zip(outs, out_keys, strict=True)]
    )
