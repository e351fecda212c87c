"""Calls that need not be written down: their results are known, to the last bit."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from gradtape.source_code.program import Node

__all__ = ["chosen", "full_of", "simplified", "spread_out"]


def simplified(style: str, function: Any, args: Any, kwargs: Any) -> Any:
    """What a call gives, as a node or a bare array; None where it has to be written down."""
    if style == "operator":
        if function is operator.mul:
            return _product(*args)
        if function is operator.truediv and _is_one(args[1]):
            return _alike(args[0], args)
        return _mask(function, args)
    if kwargs:
        return None
    if function in (np.positive, np.copy) or function == "copy":
        return args[0] if isinstance(args[0], Node) else None
    if function is np.broadcast_to:
        return args[0] if np.shape(_value(args[0])) == _shape(args[1]) else None
    if function is np.transpose and len(args) == 2:
        return args[0] if tuple(args[1]) == tuple(range(len(args[1]))) else None
    if function is np.where and len(args) == 3:
        return _choice(*args)
    return None


def spread_out(args: Any) -> Any:
    """The operands of a product, with a number in the place of an array that is full of it."""
    if len(args) != 2:
        return args
    shapes = [np.shape(_value(one)) for one in args]
    for i, (one, other) in enumerate(zip(args, reversed(args), strict=True)):
        if shapes[i] != shapes[1 - i] or not shapes[i] or not isinstance(other, Node):
            continue
        number = _number(one)
        if number is not None:
            return (number, other) if i == 0 else (other, number)
    return args


def chosen(args: Any) -> Any:
    """The arguments of ``where``, with numbers in the place of arrays that are full of them."""
    if len(args) != 3 or not isinstance(args[0], Node):
        return args
    shape = np.shape(args[0].value)
    found = [
        _number(one) if isinstance(one, np.ndarray) and one.shape == shape != () else None
        for one in args[1:]
    ]
    return (args[0], *[a if n is None else n for a, n in zip(args[1:], found, strict=True)])


def full_of(args: Any) -> Any:
    """The arguments of ``np.full`` that give the product of ones with a number; or None."""
    for one, other in (args, args[::-1]):
        ones = isinstance(one, np.ndarray) and one.ndim and _is_one(one)
        if not ones or not isinstance(other, Node) or np.shape(other.value):
            continue
        if other.value.dtype == one.dtype:
            return one.shape, other
    return None


def _number(one: Any) -> Any:
    """The one number of which an array is full, or None."""
    if isinstance(one, Node):
        full = one.function is np.full and len(one.args) == 2 and not one.kwargs
        return one.args[1] if full and np.shape(_value(one.args[1])) == () else None
    if isinstance(one, np.ndarray) and one.size and one.dtype.char not in "gG":
        flat = one.reshape(-1)
        return flat[0] if flat.tobytes() == flat[0].tobytes() * flat.size else None
    return None


def _product(x: Any, y: Any) -> Any:
    if _is_one(x):
        return _alike(y, (x, y))
    return _alike(x, (x, y)) if _is_one(y) else None


def _alike(node: Any, args: Any) -> Any:
    """A node, if a call with these arguments (behind a mask) has its shape and dtype."""
    if not isinstance(node, Node):
        return None
    shape = np.broadcast_shapes(*[np.shape(_value(one)) for one in args])
    dtype = np.result_type(*[_value(one) for one in args[-2:]])
    return node if (np.shape(node.value), node.value.dtype) == (shape, dtype) else None


def _is_one(value: Any) -> bool:
    bare = not isinstance(value, Node) and isinstance(value, (int, float, np.ndarray, np.generic))
    return bare and np.size(value) > 0 and bool(np.all(value == 1))


def _choice(mask: Any, x: Any, y: Any) -> Any:
    """``where`` of a mask that is constant, or that was applied just before."""
    if isinstance(mask, (np.ndarray, np.generic)) and mask.all():
        return _alike(x, (mask, x, y))
    if isinstance(mask, (np.ndarray, np.generic)) and not mask.any():
        return _alike(y, (mask, x, y))
    if isinstance(x, Node) and x.function is np.where and len(x.args) == 3:
        same = x.args[0] is mask or (isinstance(mask, np.ndarray) and _equal(x.args[0], mask))
        if same and _equal(x.args[2], y):
            return x
    return None


def _mask(function: Any, args: Any) -> Any:
    """Whether a mask, or a mask as whole numbers, is not 0; and masks beside one that is full."""
    if function in (operator.ne, operator.gt) and _is_zero(args[1]):
        inner = args[0]
        while isinstance(inner, Node) and inner.function == "astype" and inner.style == "method":
            if inner.value.dtype.kind not in "biu" or len(inner.args) != 2:
                break
            inner = inner.args[0]
        if isinstance(inner, Node) and inner.value.dtype == np.bool_:
            return inner
    if function in (operator.and_, operator.or_):
        for one, other in (args, reversed(args)):
            neutral = function is operator.and_
            if getattr(one, "dtype", None) == np.bool_ and bool(np.all(one == neutral)):
                return _alike(other, args)
    return None


def _is_zero(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and value == 0


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, Node) or isinstance(other, Node):
        return one is other
    kinds = [getattr(v, "dtype", type(v)) for v in (one, other)]
    return kinds[0] == kinds[1] and np.array_equal(one, other)


def _value(one: Any) -> Any:
    return one.value if isinstance(one, Node) else one


def _shape(shape: Any) -> tuple[int, ...]:
    return tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
