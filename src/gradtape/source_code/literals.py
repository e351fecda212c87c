"""Values that are written out: numbers and arrays, exactly and in their dtypes."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np

__all__ = ["array_text", "dtype_text", "number_text", "plain_number", "regular_text"]

#: The dtypes that a list of Python's numbers gets by itself.
_OWN = (np.dtype(np.float64), np.dtype(np.int64), np.dtype(np.bool_), np.dtype(np.complex128))
_NAMES = {"bool": "bool_", "longdouble": "longdouble", "clongdouble": "clongdouble"}


def dtype_text(dtype: Any) -> str:
    """A dtype, as ``np.float32``."""
    name = np.dtype(dtype).type.__name__
    return f"np.{_NAMES.get(name, name)}"


def plain_number(value: Any) -> str:
    """A number as Python has it."""
    if isinstance(value, np.generic):
        shown = _shortest(value)
        if shown:
            return shown
        value = value.item()
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, complex):
        if np.isfinite(value.real) and np.isfinite(value.imag):
            return repr(value)
        return f"complex({plain_number(value.real)}, {plain_number(value.imag)})"
    if isinstance(value, float) and not np.isfinite(value):
        return "np.nan" if value != value else "np.inf" if value > 0 else "-np.inf"
    return repr(value)


def _shortest(value: Any) -> str:
    """The fewest digits that give a number of few digits back; empty for others."""
    if value.dtype.char not in "ef" or not np.isfinite(value):
        return ""
    shown = str(value)
    return shown if value.dtype.type(float(shown)) == value else ""


def number_text(value: Any) -> str:
    """A NumPy scalar in its dtype."""
    if value.dtype == np.bool_:
        return f"np.{value!s}_"
    if value.dtype.char in "gG":
        if value.dtype.char == "g":
            return f'np.longdouble("{value!s}")'
        real, imag = number_text(value.real), number_text(value.imag)
        return f"({real} + 1j * {imag})"
    return f"{dtype_text(value.dtype)}({plain_number(value)})"


def regular_text(array: Any) -> str:
    """An array that a function of NumPy's makes, as ones or a range; empty for others."""
    if not array.size:
        return f"np.zeros({_shape(array.shape)}{_dtype(array.dtype)})"
    flat = array.reshape(-1)
    first = flat[0]
    dtype = "" if array.dtype == np.float64 else f", {dtype_text(array.dtype)}"
    if (
        array.dtype.char not in "gG"
        and array.size > 1
        and flat.tobytes() == first.tobytes() * flat.size
    ):
        if first == 0 and not np.signbit(first.real):
            return f"np.zeros({_shape(array.shape)}{dtype})"
        if first == 1:
            return f"np.ones({_shape(array.shape)}{dtype})"
        return f"np.full({_shape(array.shape)}, {plain_number(first)}{dtype})"
    if array.dtype == np.int64 and array.size > 2:
        step = flat[1] - flat[0]
        if step and (np.diff(flat) == step).all():
            return _range(int(first), int(step), flat.size) + _reshaped(array.shape)
    square = array.ndim == 2 and array.shape[0] == array.shape[1] > 1 and array.dtype.kind in "fc"
    if square and np.array_equal(array, np.eye(array.shape[0])):
        return f"np.eye({array.shape[0]}{', dtype=' + dtype[2:] if dtype else ''})"
    return ""


def _range(first: int, step: int, count: int) -> str:
    if step == 1:
        return f"np.arange({first}, {first + count})" if first else f"np.arange({count})"
    return f"np.arange({first}, {first + step * count}, {step})"


def _reshaped(shape: tuple[int, ...]) -> str:
    return "" if len(shape) == 1 else f".reshape({_shape(shape)})"


def _shape(shape: tuple[int, ...]) -> str:
    return str(shape[0]) if len(shape) == 1 else str(tuple(shape))


def _dtype(dtype: Any) -> str:
    return "" if dtype == np.float64 else f", {dtype_text(dtype)}"


def array_text(array: Any, width: int = 96) -> str:
    """An array written out."""
    regular = regular_text(array)
    if regular:
        return regular
    if array.dtype.char in "gG":
        entries = ", ".join(map(number_text, array.reshape(-1)))
        inside = f"[{entries}]"
    else:
        inside = _list(array)
    dtype = "" if array.dtype in _OWN else f", {dtype_text(array.dtype)}"
    text = f"np.array({inside}{dtype})"
    if array.dtype.char in "gG":
        text += f".reshape({tuple(array.shape)})"
    if len(text) > width:
        text = "\n".join(
            textwrap.wrap(text, width, subsequent_indent="    ", break_long_words=False)
        )
    return text


def _list(array: Any) -> str:
    if not array.ndim:
        return plain_number(array[()])
    return "[" + ", ".join([_list(one) for one in array]) + "]"
