"""The sentences of an explanation."""

from __future__ import annotations

import linecache
from typing import Any

import numpy as np

from gradtape.explaining.causes import CAUSES, limit_of
from gradtape.explaining.diagnosis import Diagnosis, Link, Passage
from gradtape.explaining.operands import is_written, number, shown
from gradtape.places import Place
from gradtape.trace import Step

__all__ = ["at", "called", "entry_name", "passages_told", "place_lines", "sentence", "told"]


#: The longest expression that is shown within a sentence.
_LONG = 60


def at(place: Place | None) -> str:
    """Where something happens, in a few words."""
    return "" if place is None else f"line {place.line}"


def entry_name(name: str, index: tuple[int, ...]) -> str:
    """An entry of a named array."""
    return f"{name}[{', '.join(map(str, index))}]" if index else name


def sentence(text: str) -> str:
    """A sentence begins with a capital letter; code, which stands in backticks, does not."""
    return text[:1].upper() + text[1:]


def place_lines(place: Place, time: tuple[int, int] | None = None) -> list[str]:
    """The line of a place, with the expression underlined."""
    inside = "" if place.function.startswith("<module") else f", in {place.function}"
    again = "" if time is None else f", pass {time[0]} of {time[1]}"
    lines = [f"{place.short_file}, line {place.line}{inside}{again}:"]
    if place.text:
        lines.append(f"    {place.text}")
        marks = _underline(place)
        lines += [f"    {marks}"] if marks else []
    return lines


def _underline(place: Place) -> str:
    """Marks below the expression in its line; empty where it is on several lines."""
    if place.span is None or not place.expression:
        return ""
    first, last, column, _ = place.span
    if first != last or first != place.line:
        return ""
    line = linecache.getline(place.file, place.line)
    start = len(line.encode()[:column].decode()) - (len(line) - len(line.lstrip()))
    return " " * start + "^" * len(place.expression)


def called(step: Step) -> str:
    """An operation as it is written in the program, or where it is a part of what is written."""
    text = " ".join(step.place.expression.split()) if step.place else ""
    if not text or len(text) > _LONG:
        return f"`{step.name}`"
    return f"`{text}`" if is_written(step) else f"`{step.name}` (in `{text}`)"


def _inputs(link: Link) -> str:
    """The values of an operation's inputs, as a clause."""
    known = dict.fromkeys([str(one) for one in link.inputs if not one.text or " = " in str(one)])
    return f", for {' and '.join(known)}" if known else ""


def told(link: Link) -> str:
    """What went wrong at one operation."""
    step, cause = link.step, link.cause
    if link.kind in _SPECIAL:
        return str(_SPECIAL[link.kind](link))
    assert step is not None
    where = called(step)
    result = f"{where} is {number(link.value)}{_inputs(link)}"
    if link.kind == "slope":
        return _slope(link, where)
    if cause == "overflow":
        return f"{result}: the true result is larger than {limit_of(_dtype(link.value))}."
    if cause == "underflow":
        return (
            f"{result}: the true result is not 0, but smaller than the smallest number of "
            f"{_dtype(link.value).name}."
        )
    if cause == "unknown":
        return f"{result}. No cause of this is known here."
    if cause:
        return f"{result}: {CAUSES[cause]}."
    return f"{result}."


def _slope(link: Link, where: str) -> str:
    """What is infinite is the derivative."""
    value = f"{where} is {shown(link.value)}{_inputs(link)}"
    if link.cause == "overflow":
        limit = limit_of(_dtype(link.value))
        return f"{value}. Its slope there, times what came back to it, is larger than {limit}."
    if link.cause == "square root at zero":
        return f"{value}: the slope of the square root, 1 / (2 sqrt(x)), is infinite at 0."
    return f"{value}: the function is finite there, but its slope is not."


def _data(link: Link) -> str:
    (one,) = link.inputs
    name = f"`{entry_name(one.text, one.index or ())}`" if one.text else "an entry of an input"
    return f"{name} is {number(one.value)} already, where {called(link.step)} uses it."  # type: ignore[arg-type]


def _user(link: Link) -> str:
    name = link.step.name if link.step else "the function"
    return f"the gradient of {name}, which the tape keeps as one operation, is not finite."


_SPECIAL: dict[str, Any] = {
    "data": _data,
    "user": _user,
    "seed": lambda link: "the weights given as output_gradients hold a NaN or an infinity.",
    "sum": lambda link: (
        "a value is used several times; what the uses give back is finite, but their sum is larger "
        f"than {limit_of(_dtype(link.value))}."
    ),
}


def _dtype(value: Any) -> Any:
    dtype = np.asarray(value).dtype
    return np.dtype(f"f{dtype.itemsize // 2}") if dtype.kind == "c" else dtype


def passages_told(found: Diagnosis) -> str:
    """How what went wrong made the cotangent bad, on the way back."""
    if not found.passages:
        return ""
    return f"On the way back, {_turn(found.turn or found.passages[-1])}."


def _turn(passage: Passage) -> str:
    """At the operation at which the cotangent went bad."""
    g, share = passage.cotangent, passage.share
    name = called(passage.step)
    got = f"{name} got the cotangent {number(g)} and gave {number(share)}"
    if passage.step.primitive.kind != "elementwise" or g is None:
        return got
    if np.isnan(share) and g == 0:
        return f"{got}: 0 times a slope that is not finite"
    return got
