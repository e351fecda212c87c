"""What an operation's inputs are called and worth, as a reader of the program sees them."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradtape.elementwise import Elementwise
from gradtape.places import Place
from gradtape.trace import Step, Trace

__all__ = [
    "Operand",
    "entry",
    "index_below",
    "is_entrywise",
    "is_written",
    "number",
    "operands",
    "plain_name",
    "result_of",
    "shown",
]

Index = tuple[int, ...]

#: Up to how many entries an array is shown whole.
_SMALL = 8

#: Functions whose operations have other names.
_REAL_NAMES = {"pow": "power", "abs": "absolute", "amax": "max", "amin": "min", "expit": "logistic"}
#: What an operator in the source becomes on the tape.
_OPERATORS: dict[type[ast.operator], set[str]] = {
    ast.Add: {"add"},
    ast.Sub: {"subtract"},
    ast.Mult: {"multiply"},
    ast.Div: {"divide", "true_divide"},
    ast.Pow: {"square", "power", "raised", "sqrt", "reciprocal", "exponential", "positive"},
    ast.MatMult: {"matmul"},
    ast.Mod: {"remainder"},
}


@dataclass(frozen=True)
class Operand:
    """One input of an operation, of which one entry matters (``index``; None: all of it)."""

    key: Any
    array: Any
    index: Index | None
    text: str

    @property
    def value(self) -> Any:
        """The entry that matters, or the array."""
        return self.array if self.index is None else entry(self.array, self.index)

    def __str__(self) -> str:
        at = "" if not self.index or not self.text else f"[{', '.join(map(str, self.index))}]"
        name = self.text if self.text.isidentifier() or not at else f"({self.text})"
        value = shown(self.value)
        return f"{name}{at} = {value}" if self.text and self.text != value else value


def entry(array: Any, index: Index) -> Any:
    """One entry; of a number the number."""
    return array[index] if np.ndim(array) else array


def is_entrywise(step: Step) -> bool:
    """Whether each entry of the result comes from one entry of each input, broadcast."""
    return isinstance(step.primitive, Elementwise)


def index_below(array: Any, index: Index) -> Index:
    """The entry of a broadcast array that stands in an entry of the result."""
    shape = np.shape(array)
    return tuple(
        [i if n > 1 else 0 for i, n in zip(index[len(index) - len(shape) :], shape, strict=True)]
    )


def operands(trace: Trace, step: Step, index: Index | None) -> list[Operand]:
    """The inputs of an operation, as far as they matter for one entry of its result, or all."""
    texts = _texts(step)
    found = []
    for i, (key, value) in enumerate(zip(step.keys, step.values, strict=True)):
        array = value
        if key in trace.maker and step.name == "written" and not i:
            array = result_of(trace.maker[key], key)  # the array was written into
        at = index_below(array, index) if index is not None and is_entrywise(step) else None
        text = texts[i] or trace.names.get(key, "")
        found.append(Operand(key, array, at if at != () else None, text))
    return found


def result_of(step: Step, key: Any) -> Any:
    """The value under a key that a step made."""
    return next(value for one, value in step.results if one == key)


def plain_name(step: Step) -> str:
    """What an operation does, whatever its table calls it: ``sqrt`` also for ``tf.sqrt``."""
    name = step.name.removeprefix("tf.math.").removeprefix("tf.").removesuffix("_where")
    return "power" if name == "pow" else name


def is_written(step: Step) -> bool:
    """Whether the operation is the expression at its place, and not a part of what that does."""
    return _says(_expression(step.place), step)


def _says(found: Any, step: Step) -> bool:
    """Whether a parsed expression is the call or the operator of an operation."""
    if isinstance(found, ast.BinOp):
        return plain_name(step) in _OPERATORS.get(type(found.op), ())
    if isinstance(found, ast.Call):
        name = getattr(found.func, "attr", getattr(found.func, "id", ""))
        known = _REAL_NAMES.get(name, name.removeprefix("reduce_"))
        return known in (plain_name(step), step.primitive.name)
    return False


def _texts(step: Step) -> list[str]:
    """How the inputs are written in the program; empty where that cannot be told."""
    count = len(step.values)
    nothing = [""] * count
    found = _expression(step.place)
    if not _says(found, step) or (isinstance(found, ast.Call) and found.keywords):
        return nothing
    if isinstance(found, ast.BinOp):
        if count == 2:
            return [ast.unparse(found.left), ast.unparse(found.right)]
        return [ast.unparse(found.right if step.name == "exponential" else found.left)]
    arguments = [ast.unparse(argument) for argument in found.args]
    if len(arguments) >= count:
        return arguments[:count]
    if count == 1 and isinstance(found.func, ast.Attribute):
        return [ast.unparse(found.func.value)]
    return nothing


def _expression(place: Place | None) -> Any:
    """The parsed expression of a place, or None."""
    if place is None or not place.expression:
        return None
    try:
        return ast.parse(f"({place.expression}\n)", mode="eval").body
    except SyntaxError:
        return None


def number(value: Any) -> str:
    """A number in few characters."""
    text = str(value)
    if len(text) <= 12 or not isinstance(value, (float, complex, np.number)):
        return text
    return f"{value:.6g}"


def shown(value: Any) -> str:
    """A value: a number, a small array whole, a large one by its shape and its extremes."""
    if not np.ndim(value):
        return number(value)
    array = np.asarray(value)
    if array.size <= _SMALL:
        return np.array2string(array, separator=", ", precision=6).replace("\n", "")
    kind = f"an array of shape {array.shape}"
    if array.dtype.kind != "f":
        return kind
    finite = array[np.isfinite(array)]
    rest = array.size - finite.size
    inside = f" from {number(finite.min())} to {number(finite.max())}" if finite.size else ""
    return f"{kind}{inside}" + (f", {rest} not finite" if rest else "")
