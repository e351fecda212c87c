"""What a picture says of values, operations and operands, in a few words each."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np

from gradtape.trace import Step

__all__ = ["badness", "call_text", "kind_text", "operand_text", "shortened", "value_text"]

#: An array of so many entries at most is shown in full, if it fits.
FEW = 6
#: The longest line of values.
WIDTH = 36
#: The longest text of an argument in an operation's title.
ARGUMENT = 14


def shortened(text: str, width: int) -> str:
    """A text on one line, its end left out where it is too long."""
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"


def number(value: Any, digits: int = 6) -> str:
    """A number, shortly."""
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    if np.iscomplexobj(value):
        real, imaginary = f"{value.real:.{digits}g}", f"{value.imag:+.{digits}g}"
        return f"{real}{imaginary}j"
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    return f"{value + 0:.{digits}g}"  # no sign at 0


def value_text(value: Any) -> str:
    """A small value in full, a big one as statistics.

    Examples
    --------
    >>> value_text(np.array([1.5, 2.0]))
    '[1.5, 2]'
    >>> value_text(np.arange(100.0))
    'min 0  mean 49.5  max 99'
    >>> value_text(np.array([1.0] * 9 + [np.nan]))
    'all 1  1 NaN'
    """
    if value is None:
        return ""
    if isinstance(value, tuple):
        return shortened("; ".join([value_text(part) for part in value]), WIDTH)
    array = np.asarray(value)
    if array.dtype.kind not in "fciub":
        return shortened(str(value), WIDTH)
    if array.ndim == 0:
        return number(array[()])
    if not array.size:
        return "empty"
    if array.size <= FEW:
        full = _listed(array)
        if len(full) <= WIDTH:
            return full
    return _statistics(array)


def _listed(array: Any) -> str:
    """The entries of an array in brackets."""
    if array.ndim == 0:
        return number(array[()], 4)
    return "[" + ", ".join([_listed(row) for row in array]) + "]"


def _statistics(array: Any) -> str:
    if array.dtype.kind == "b":
        return f"{np.count_nonzero(array)} of {array.size} True"
    size = np.abs(array) if array.dtype.kind == "c" else array
    finite = size[np.isfinite(size)]
    words = []
    if finite.size:
        of = "|·| " if array.dtype.kind == "c" else ""
        with np.errstate(all="ignore"):
            mean = finite.mean(dtype=np.longdouble)
        low, middle, high = (number(n, 3) for n in (finite.min(), mean, finite.max()))
        if finite.min() == finite.max():
            words.append(f"{of}all {low}")
        else:
            words.append(f"{of}min {low}  mean {middle}  max {high}")
    return "  ".join([*words, *badness(array)])


def badness(value: Any) -> list[str]:
    """How many NaN and infinities there are, in words; an empty list if none."""
    if isinstance(value, tuple):
        return [word for part in value for word in badness(part)]
    array = np.asarray(value)
    if array.dtype.kind not in "fc":
        return []
    found = []
    nan, infinite = np.count_nonzero(np.isnan(array)), np.count_nonzero(np.isinf(array))
    if nan:
        found.append(f"{nan} NaN")
    if infinite:
        found.append(f"{infinite} inf")
    return found


def kind_text(value: Any) -> str:
    """The shape and dtype.

    Examples
    --------
    >>> kind_text(np.ones((2, 3))), kind_text(np.float32(1))
    ('(2, 3) float64', 'float32')
    """
    if isinstance(value, tuple):
        return shortened(", ".join([kind_text(part) for part in value]), WIDTH)
    array = np.asarray(value)
    return f"{array.shape} {array.dtype}" if array.ndim else str(array.dtype)


def call_text(step: Step) -> str:
    """An operation with the arguments that are bare numbers; a dot stands for what comes in.

    The dots are left out where they are all there is.
    """
    given = []
    for key, value in zip(step.keys, step.values, strict=True):
        small = key is None and np.ndim(value) == 0
        given.append(number(np.asarray(value)[()], 4) if small else "·")
    told = [] if set(given) <= {"·"} else given
    names = getattr(step.primitive, "params", ())  # what users make has none
    for name, value in zip(names, step.params, strict=False):
        text = repr(value)
        if name == "axis" and type(value) is tuple and len(value) == np.ndim(step.values[0]):
            continue  # all of them
        if isinstance(value, (int, float, str, tuple)) and len(text) <= ARGUMENT and value:
            told.append(f"{name}={text}")
        elif name == "axis" and value == 0 and value is not False:
            told.append("axis=0")
    if told and not (set(given) - {"·"}):
        told = [*given, *told]
    return f"{step.name}({', '.join(told)})" if told else step.name


def operand_text(step: Step, position: int) -> str:
    """What the user's line calls an operand that has no other name; empty if it has no name there.

    It is read off the expression, where that has as many operands as the operation.
    """
    if step.place is None:
        return ""
    try:
        tree = ast.parse(step.place.expression, mode="eval").body
    except (SyntaxError, ValueError):
        return ""
    if isinstance(tree, ast.BinOp):
        operands: list[Any] = [tree.left, tree.right]
    elif isinstance(tree, ast.Call) and ast.unparse(tree.func).rpartition(".")[2] == step.name:
        operands = list(tree.args)
    else:
        return ""
    if len(operands) != len(step.keys):
        return ""
    operand = operands[position]
    plain = isinstance(operand, (ast.Name, ast.Attribute, ast.Subscript))
    text = ast.unparse(operand)
    return text if plain and len(text) <= ARGUMENT else ""
