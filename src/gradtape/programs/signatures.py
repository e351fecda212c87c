"""Signatures: what of a call's arguments decides which programs may run for it."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from gradtape import errors
from gradtape.nest import _classify, _keys
from gradtape.programs.tracing import is_symbol
from gradtape.tensor import Tensor
from gradtape.variable import Variable

__all__ = ["NUMBERS", "Static", "is_given", "read", "signature"]

#: Python's numbers that are given anew at each call. Booleans are static.
NUMBERS = frozenset({int, float, complex})

_LEAF, _SEQUENCE, _NAMED, _MAPPING, _DATACLASS = range(5)
_KINDS: dict[type, int] = {list: _SEQUENCE, tuple: _SEQUENCE, dict: _MAPPING}


class Static:
    """A static argument of our own: compared by its value, whatever that is."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Static) and bool(self.value == other.value)

    def __hash__(self) -> int:
        return hash(self.value)


def is_given(leaf: Any) -> bool:
    """Whether an argument is given anew at each call: the others are static."""
    if isinstance(leaf, Variable):
        return False
    return type(leaf) in NUMBERS or isinstance(leaf, (np.ndarray, np.generic, Tensor))


def signature(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[list[Any], Any]:
    """The leaves of the arguments, in the order of ``nest.flatten``, and their signature."""
    leaves, _, key = read(args, kwargs)
    return leaves, key


def read(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[list[Any], list[Any], Any]:
    """The leaves of the arguments, what of them a program is given, and their signature.

    The leaves are in the order of ``nest.flatten``. The signature is None if there is a symbol
    among them: then another trace goes on.

    Raises
    ------
    TypeError : an argument can neither be given anew nor be compared.
    """
    leaves: list[Any] = []
    values: list[Any] = []
    parts: list[Any] = []
    for a in args:
        if not _read(a, leaves, values, parts):
            return leaves, values, None
    if kwargs:
        parts.append(tuple(kwargs))
        for key in _keys(kwargs):
            if not _read(kwargs[key], leaves, values, parts):
                return leaves, values, None
    return leaves, values, tuple(parts)


def _read(value: Any, leaves: list[Any], values: list[Any], parts: list[Any]) -> bool:
    """Add the leaves of a nest, and what is to be compared; False if there is a symbol."""
    cls = type(value)
    if cls is np.ndarray:  # the common kinds, without detours
        leaves.append(value)
        values.append(value)
        parts.append((value.shape, value.dtype))
        return True
    if cls is float:
        leaves.append(value)
        values.append(value)
        parts.append(float)
        return True
    kind = _KINDS.get(type(value))
    if kind is None:
        kind = _KINDS[type(value)] = _classify(type(value))
    if kind == _LEAF:
        leaves.append(value)
        part = _part(value)
        parts.append(part)
        if is_given(value):
            values.append(value.array if isinstance(value, Tensor) else value)
        return part is not None
    if kind == _MAPPING:
        keys = _keys(value)
        parts.append((type(value), tuple(value)))  # in its own order: the function may go by it
        children = [value[key] for key in keys]
    elif kind == _DATACLASS:
        names = [field.name for field in dataclasses.fields(value)]
        parts.append((type(value), len(names)))
        children = [getattr(value, name) for name in names]
    else:
        parts.append((type(value), len(value)))
        children = value
    return all(_read(child, leaves, values, parts) for child in children)


def _part(leaf: Any) -> Any:
    """What of one leaf is to be compared; None for a symbol."""
    kind = type(leaf)
    if kind is np.ndarray:
        return leaf.shape, leaf.dtype
    if kind in NUMBERS or (isinstance(leaf, np.generic) and not is_symbol(leaf)):
        return (kind, leaf.dtype.str) if kind in _SIZED else kind
    if is_symbol(leaf):
        return None
    if isinstance(leaf, Variable):
        return "variable", leaf.key
    if isinstance(leaf, Tensor):
        return None if is_symbol(leaf.array) else (kind, leaf.shape, leaf.dtype)
    if isinstance(leaf, np.ma.MaskedArray):
        raise errors.masked_array(leaf)
    try:
        hash(leaf)
    except TypeError:
        raise TypeError(
            f"an argument of a traced function is {errors.describe(leaf)}: pass arrays, "
            "tensors and numbers, or something hashable that stays the same"
        ) from None
    return "static", kind, leaf


#: NumPy's scalars whose type does not say their size.
_SIZED = frozenset({np.str_, np.bytes_, np.void, np.datetime64, np.timedelta64})
