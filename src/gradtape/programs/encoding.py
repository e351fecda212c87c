"""Static values as JSON, with arrays beside it: what the arguments of operations are made of.

A tuple is JSON's array; null, booleans, whole numbers, finite numbers and strings are themselves;
anything else is an object with one member, whose name says what it is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from gradtape.programs.naming import Unknown, name_of, named
from gradtape.programs.tracing import Hole

__all__ = ["Arrays", "Damaged", "decoded", "dtype_of", "encoded", "text_of"]

#: The kinds of dtypes that a file may hold: numbers, strings and dates, and no objects.
_DTYPE = re.compile(r"[=<>|][biufcSUMm][0-9]+(\[[0-9A-Za-z]+\])?")
#: The types that stand for a dtype, by name.
_TYPES: dict[str, type] = {t.__name__: t for t in (bool, int, float, complex, str, type(None))}


class Damaged(Exception):  # noqa: N818  (its catcher says which file it was, and raises)
    """What a file says makes no sense."""


class Arrays:
    """The arrays beside the JSON, each once."""

    def __init__(self) -> None:
        self.arrays: list[Any] = []
        self._numbers: dict[int, int] = {}

    def number(self, array: Any) -> int:
        """The number of an array, which is kept."""
        number = self._numbers.get(id(array))
        if number is None:
            number = self._numbers[id(array)] = len(self.arrays)
            self.arrays.append(array)
        return number


# Dtypes -------------------------------------------------------------------------------------------


def text_of(dtype: Any) -> str:
    """A dtype, or a Python type that stands for one, as text: ``=f8``, ``float``."""
    if isinstance(dtype, type):
        if _TYPES.get(dtype.__name__) is dtype:
            return dtype.__name__
        raise Unknown
    text = f"={dtype.str[1:]}" if dtype.isnative and dtype.str[0] != "|" else str(dtype.str)
    if not _DTYPE.fullmatch(text) or dtype.names or dtype.subdtype:
        raise Unknown
    return text


def dtype_of(text: Any) -> Any:
    """The dtype, or the Python type, of a text."""
    if text in _TYPES:
        return _TYPES[text]
    if type(text) is not str or not _DTYPE.fullmatch(text):
        raise Damaged(f"{text!r} is no dtype")
    try:
        return np.dtype(text)
    except TypeError as error:
        raise Damaged(f"the dtype {text!r} is not known on this machine") from error


# Values -------------------------------------------------------------------------------------------


def encoded(value: Any, arrays: Arrays) -> Any:
    """A value as JSON.

    Raises
    ------
    Unknown : it is none of what a file can hold; the exception holds it.
    """
    kind = type(value)
    if value is None or kind in (bool, int, str):
        return value
    if kind is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    if kind is tuple:
        return [encoded(v, arrays) for v in value]
    encode = _ENCODED.get(kind)
    if encode is not None:
        return encode(value, arrays)
    if isinstance(value, np.generic):
        little = np.asarray(value, value.dtype.newbyteorder("<"))
        return {"number": [_known(value.dtype, value), little.tobytes().hex()]}
    if isinstance(value, np.dtype):
        return {"dtype": _known(value, value)}
    if value is np._NoValue:
        return {"missing": True}
    try:
        return {"operation": name_of(value)}
    except Unknown:
        raise Unknown(value) from None


def _known(dtype: Any, value: Any) -> str:
    try:
        return text_of(dtype)
    except Unknown:
        raise Unknown(value) from None


def _array(value: Any, arrays: Arrays) -> Any:
    """An array; of one that repeats entries, only what it repeats."""
    _known(value.dtype, value)
    if value.nbytes <= 1 << 12 or 0 not in value.strides:
        return {"array": arrays.number(value)}
    narrow = value[tuple([slice(0, 1) if s == 0 else slice(None) for s in value.strides])]
    return {"repeated": [arrays.number(np.array(narrow)), list(value.shape)]}


_ENCODED: dict[type, Callable[[Any, Arrays], Any]] = {
    complex: lambda v, arrays: {"complex": [encoded(v.real, arrays), encoded(v.imag, arrays)]},
    list: lambda v, arrays: {"list": [encoded(i, arrays) for i in v]},
    dict: lambda v, arrays: {
        "dict": [[encoded(k, arrays), encoded(i, arrays)] for k, i in v.items()]
    },
    slice: lambda v, arrays: {"slice": [encoded(i, arrays) for i in (v.start, v.stop, v.step)]},
    bytes: lambda v, arrays: {"bytes": v.hex()},
    type(...): lambda v, arrays: {"ellipsis": True},
    Hole: lambda v, arrays: {"hole": v.index},
    np.ndarray: _array,
}


def decoded(data: Any, arrays: list[Any]) -> Any:
    """The value of JSON.

    Raises
    ------
    Damaged : it is not what ``encoded`` makes.
    """
    if data is None or type(data) in (bool, int, float, str):
        return data
    if type(data) is list:
        return tuple([decoded(d, arrays) for d in data])
    if type(data) is dict and len(data) == 1:
        ((name, inner),) = data.items()
        try:
            return _DECODED[name](inner, arrays)
        except (KeyError, TypeError, ValueError, IndexError, Unknown) as error:
            raise Damaged(f"{str(data)[:80]} is no value") from error
    raise Damaged(f"{str(data)[:80]} is no value")


def _number(inner: Any, arrays: list[Any]) -> Any:
    text, content = inner
    dtype = dtype_of(text)
    (number,) = np.frombuffer(bytes.fromhex(content), dtype.newbyteorder("<")).astype(dtype)
    return number


def _at(position: Any, arrays: list[Any]) -> Any:
    if type(position) is not int or position < 0:
        raise IndexError
    return arrays[position]


def _float(inner: Any, arrays: list[Any]) -> float:
    return {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[inner]


def _hole(inner: Any, arrays: list[Any]) -> Any:
    if type(inner) is not int or inner < 0:
        raise ValueError
    return Hole.number(inner)


_DECODED: dict[str, Callable[[Any, list[Any]], Any]] = {
    "float": _float,
    "complex": lambda d, arrays: complex(*decoded(d, arrays)),
    "list": lambda d, arrays: [decoded(i, arrays) for i in d],
    "dict": lambda d, arrays: {decoded(k, arrays): decoded(v, arrays) for k, v in d},
    "slice": lambda d, arrays: slice(*decoded(d, arrays)),
    "bytes": lambda d, arrays: bytes.fromhex(d),
    "ellipsis": lambda d, arrays: ...,
    "hole": _hole,
    "array": _at,
    "repeated": lambda d, arrays: np.broadcast_to(_at(d[0], arrays), d[1]),
    "number": _number,
    "dtype": lambda d, arrays: dtype_of(d),
    "missing": lambda d, arrays: np._NoValue,
    "operation": lambda d, arrays: named(d),
}
