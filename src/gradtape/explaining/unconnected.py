"""Why a gradient is None: where the way from the target to the source ends."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape.explaining.assignments import assignments_of, origin_in_text
from gradtape.explaining.explanation import Finding
from gradtape.explaining.operands import operands, shown
from gradtape.explaining.sentences import place_lines, sentence
from gradtape.nest import flatten
from gradtape.places import Place
from gradtape.tensor import Tensor
from gradtape.trace import Answer, Exit, Step, Trace
from gradtape.variable import Variable

__all__ = ["REASONS", "why_unconnected"]

#: Every reason for a gradient of None or of zeros that can be named, and what it means.
REASONS = {
    "stop_gradient": "the value went through stop_gradient",
    "conversion": "the value became a bare array or number",
    "integer": "integers and booleans have no gradient, and what computes them has none",
    "not watched": "the tape did not watch the source",
    "watched too late": "the source was used before the tape watched it",
    "stop_recording": "the value was used in a stop_recording block",
    "before the tape": "the value was computed before the tape recorded",
    "different tape": "the target was recorded by another tape, or by none",
    "reassigned variable": "the name was given another value",
    "not used": "the target is computed without it",
    "saturated": "the function is flat there, to all digits",
    "flat piece": "the function is constant on the piece that was taken",
    "zero by nature": "the derivative is 0 wherever there is one",
    "stationary point": "the slope is 0 at this very point",
    "multiplied by zero": "a factor is 0",
    "cancels": "the contributions add up to 0",
    "underflow": "the slope is smaller than the smallest number of its dtype",
}

#: Functions of tensors whose results have no derivative.
_STEPS = {"floor", "ceil", "round", "rint", "trunc", "fix", "floor_divide", "argmax", "argmin"}
_STEPS |= {"argsort", "searchsorted", "digitize", "sign_bit", "count_nonzero", "nonzero", "int"}
_CONVERSIONS = {"numpy", "item", "tolist", "asarray", "float", "complex", "index"}


class _Ways:
    """What depends on a source, and what a target depends on, tape or no tape."""

    def __init__(self, trace: Trace, source: Tensor, targets: list[Any]) -> None:
        self.trace, self.source = trace, source
        #: Uses of a source that was not watched yet, and had no key, are known by its array.
        stopped = any([one.result is source.array for one in trace.exits])
        self.by_array = not isinstance(source, Variable) and not stopped
        self.reached = {source.key}
        self.uses: list[Step] = []
        for step in trace.steps:
            if any([self._is_reached(step, i) for i in range(len(step.keys))]):
                self.uses.append(step)
                self.reached.update([key for key, _ in step.results])
        self.needed = {t.key for t in targets if isinstance(t, Tensor)} - {None}
        self.makers: list[Step] = []
        for step in reversed(trace.steps):
            if any([key in self.needed for key, _ in step.results]):
                self.makers.append(step)
                self.needed.update([key for key in step.keys if key is not None])
        self.makers.reverse()

    def _is_reached(self, step: Step, i: int) -> bool:
        key = step.keys[i]
        if key is not None:
            return key in self.reached
        return self.by_array and step.tensors[i] and step.values[i] is self.source.array

    def is_used_in(self, place: Place, key: Any) -> bool:
        """Whether a value is a variable, or is used in the same function as a place is in."""
        uses = [step.place for step in self.makers if key in step.keys]
        here = any([one is not None and one.code is place.code for one in uses])
        return here or key in self.trace.variables

    @property
    def way(self) -> list[Step]:
        """The operations between the source and the target."""
        needed = {step.number for step in self.makers}
        return [step for step in self.uses if step.number in needed]


def why_unconnected(tape: Any, answer: Answer, source: Tensor, name: str) -> Finding:
    """Why a gradient is None: the finding."""
    trace: Trace = tape.trace
    targets = flatten(answer.target)
    reason, place, text = _reason(tape, trace, answer, source, name, targets)
    return Finding(
        cause=reason,
        headline=f"The gradient by {name} is None: the target does not depend on it, for the tape.",
        line=place,
        sources=(name,),
        story=(sentence(text),),
        place=tuple(place_lines(place)) if place is not None else (),
    )


def _reason(
    tape: Any, trace: Trace, answer: Answer, source: Tensor, name: str, targets: list[Any]
) -> tuple[str, Place | None, str]:
    """The reason's name, its place and its sentence."""
    ways = _Ways(trace, source, targets)
    way = ways.way
    if source.array.dtype.kind not in "fc":
        text = (
            f"`{name}` is of dtype {source.array.dtype}: integers and booleans have no gradient. "
        )
        place = way[0].place if way else None
        return "integer", place, text + f"Make it a float, as `{name} = gt.Variable(3.0)`."
    rebound = _of_names(trace, answer, ways, source, name)
    if way:
        unwatched = source.key not in trace.taped and not way[0].paused
        if unwatched and rebound is not None:
            return rebound
        return _of_recording(tape, trace, ways, source, name)
    exits = [one for one in trace.exits if one.key in ways.reached]
    found = (
        _of_exits(exits, trace, ways, name)
        or rebound
        or _of_other_tapes(trace, ways, targets)
        or _of_early_use(trace, ways, name)
        or _of_other_exits(exits, trace, ways, name)
    )
    if found is not None:
        return found
    if not ways.makers and all([t.key is None for t in targets]):
        text = "the target was not computed while this tape recorded: what comes before or after "
        return "before the tape", None, text + "its with block it does not see."
    text = f"nothing that the target was computed from comes from `{name}`."
    if ways.uses:
        text += f" (`{name}` is used, but what comes of that is not used for the target.)"
        return "not used", ways.uses[0].place, text
    return "not used", None, text + f" `{name}` is not used at all while the tape records."


def _of_recording(
    tape: Any, trace: Trace, ways: _Ways, source: Tensor, name: str
) -> tuple[str, Place | None, str]:
    """The target does depend on the source, but the tape did not record it."""
    first = ways.way[0]
    cut = next((s for s in ways.way if not any([k in trace.taped for k, _ in s.results])), first)
    if cut.paused:
        text = "this line ran inside stop_recording: the tape left it out. Move it outside."
        return "stop_recording", cut.place, text
    if source.key not in trace.taped:
        return "not watched", first.place, _not_watched(tape, source, name)
    if cut is not first or any([k in trace.taped for k, _ in cut.results]):
        text = f"{cut.name} has no derivative by what comes from `{name}`: it chooses or counts."
        return "integer", cut.place, text
    text = (
        f"here `{name}` is used, but the tape watches it only from a later line on. Call "
        f"`tape.watch({name})` before it is first used."
    )
    return "watched too late", cut.place, text


def _not_watched(tape: Any, source: Tensor, name: str) -> str:
    if not isinstance(source, Variable):
        return (
            f"`{name}` is a constant, not a Variable, and constants are not watched by themselves. "
            f"Call `tape.watch({name})` first thing in the with block, or make it a Variable."
        )
    if not source.trainable:
        return (
            f"`{name}` is a variable with trainable=False, which tapes do not watch by themselves. "
            f"Call `tape.watch({name})`, or make it trainable."
        )
    if not tape._watch_accessed:
        return (
            "the tape was made with watch_accessed_variables=False, so it watches only what it is "
            f"told to. Call `tape.watch({name})`."
        )
    return f"the tape did not watch `{name}` when it was used. Call `tape.watch({name})`."


# No way at all ------------------------------------------------------------------------------------


def _of_exits(
    exits: list[Exit], trace: Trace, ways: _Ways, name: str
) -> tuple[str, Place | None, str] | None:
    """The value left the tape, and what it became comes back into the target."""
    given = [
        value
        for step in ways.makers
        for key, value in zip(step.keys, step.values, strict=True)
        if key is None and not _is_written(step, value)
    ]
    given += [one.array for key, one in trace.variables.items() if key in ways.needed]
    back = [one for one in exits if any([_is_same(one.result, value) for value in given])]
    if back:
        return _told_exit(back[-1], trace, ways, name)
    for step in ways.makers:
        for key, value in zip(step.keys, step.values, strict=True):
            if key is None and not _is_written(step, value) and _is_known(value, ways):
                if np.asarray(value).dtype.kind not in "fc":
                    text = f"this line uses {shown(value)}, which is not a float: a comparison or "
                    text += f"an integer that was computed from `{name}` has no derivative by it."
                    return "integer", step.place, text
                text = f"this line uses {shown(value)}, the very value of something that was "
                text += (
                    f"computed from `{name}`, but as a bare array or number: its way back is lost."
                )
                return "conversion", step.place, text
    return None


def _of_other_exits(
    exits: list[Exit], trace: Trace, ways: _Ways, name: str
) -> tuple[str, Place | None, str] | None:
    """The value left the tape, and may have come back as another."""
    known = _STEPS | _CONVERSIONS | {"stop_gradient", "assign"}
    told = [one for one in exits if one.how in known]
    if not told or not _uses_unknown_values(ways):
        return None
    return _told_exit(told[-1], trace, ways, name)


def _uses_unknown_values(ways: _Ways) -> bool:
    """Whether the target is computed from values of which neither trace nor text knows the origin.

    Numbers that are written in the line itself are known.
    """
    for step in ways.makers:
        for key, value in zip(step.keys, step.values, strict=True):
            if key is None and not _is_written(step, value):
                return True
    return not ways.makers


def _is_written(step: Step, value: Any) -> bool:
    """Whether a value is a number that stands in the line itself."""
    text = step.place.text if step.place else ""
    return type(value) in (int, float) and (f"{value:g}" in text or repr(value) in text)


def _told_exit(one: Exit, trace: Trace, ways: _Ways, name: str) -> tuple[str, Place | None, str]:
    inner = trace.names.get(one.key, "")
    what = f"`{inner}`, which comes from `{name}`," if inner else f"what comes from `{name}`"
    what = f"`{name}`" if one.key == ways.source.key else what
    if one.how == "stop_gradient":
        text = f"here stop_gradient makes a constant of {what}: no gradient passes through it."
        return "stop_gradient", one.place, text
    if one.how == "assign":
        text = f"here a variable is assigned a value that comes from `{name}`. An assignment only "
        text += "sets its number: use the value itself in the computation."
        return "reassigned variable", one.place, text
    if one.how in _CONVERSIONS:
        text = f"here {what} becomes a bare array or number ({one.how}), which the tape cannot "
        text += "follow. Compute with the tensor itself: NumPy's functions take it."
        return "conversion", one.place, text
    text = f"here {one.how} makes whole numbers or a choice of {what}: it has no derivative "
    return "integer", one.place, text + "(it is constant between its jumps)."


def _is_same(left: Any, value: Any) -> bool:
    """Whether a value in use is one that left the tape."""
    if left is value:
        return True
    if np.shape(left) != np.shape(value) or np.size(left) == 0 or isinstance(left, (bool, list)):
        return False
    return bool(np.array_equal(np.asarray(left), np.asarray(value)))


def _is_known(value: Any, ways: _Ways) -> bool:
    """Whether a value without a key looks as if it was computed from the source."""
    array = np.asarray(value)
    seen = [ways.source.array, *[out for s in ways.uses for _, out in s.results]]
    if array.dtype.kind in "biu":
        alike = [np.asarray(one) for one in seen if np.shape(one) == array.shape and array.ndim]
        test = _is_comparison if array.dtype.kind == "b" else _is_truncated
        return any([test(array, one) for one in alike if one.dtype.kind == "f"])
    if array.dtype.kind not in "fc" or not array.size:
        return False
    return any([_is_same(one, value) and (np.ndim(one) or one not in (0, 1, 2)) for one in seen])


def _is_comparison(chosen: Any, array: Any) -> bool:
    """Whether booleans can be what comes of comparing an array with a number."""
    if chosen.all() or not chosen.any():
        return True
    taken, left = array[chosen], array[~chosen]
    return bool(np.min(taken) > np.max(left) or np.max(taken) < np.min(left))


def _is_truncated(whole: Any, array: Any) -> bool:
    """Whether integers are an array's, converted or rounded."""
    rounded = [np.trunc(array), np.floor(array), np.ceil(array), np.rint(array)]
    return any([np.array_equal(whole, one) for one in rounded])


def _of_names(
    trace: Trace, answer: Answer, ways: _Ways, source: Tensor, name: str
) -> tuple[str, Place | None, str] | None:
    """The name means something else now than when the tape recorded."""
    if answer.place is None:
        return None
    others = [k for k, n in trace.names.items() if n == name and k != source.key]
    others = [k for k in others if k in ways.needed and ways.is_used_in(answer.place, k)]
    lines = assignments_of(answer.place, name)
    if others:
        end = trace.steps[-1].place.line if trace.steps and trace.steps[-1].place else 0
        after = [place for place, _, _ in lines if place.line > end]
        again = [place for place, _, reads in lines if name in reads]
        place = next(iter([*after, *again[::-1], *[place for place, _, _ in lines[::-1]]]), None)
        text = (
            f"while the tape recorded, `{name}` was another tensor than the one that the gradient "
            "is asked for: the name was assigned anew. Keep the old one under a name of its own, "
            "and change variables by assign."
        )
        return "reassigned variable", place, text
    made = [p for p, call, _ in lines if call == "Variable"]
    again = [p for p, _, reads in lines if name in reads]
    if ways.way and made and again and not isinstance(source, Variable):
        text = (
            f"`{name}` was a variable, but this line gives the name to a tensor, which tapes do "
            f"not watch by themselves. Change the variable's value instead: `{name}.assign(...)`."
        )
        return "reassigned variable", again[-1], text
    return None


def _of_other_tapes(
    trace: Trace, ways: _Ways, targets: list[Any]
) -> tuple[str, Place | None, str] | None:
    """The target is none that this tape saw."""
    if ways.makers or any([t.key is None or t.key in trace.taped for t in targets]):
        return None
    text = "the target was recorded by another tape than the one that was asked. Ask that tape, or "
    return "different tape", None, text + "compute the target inside this one's with block."


def _of_early_use(trace: Trace, ways: _Ways, name: str) -> tuple[str, Place | None, str] | None:
    """Something that the target needs was computed from the source before the tape recorded."""
    for step in ways.makers:
        for one, tensor in zip(operands(trace, step, None), step.tensors, strict=True):
            old = one.key is None or one.key not in trace.maker
            if not (tensor and old and one.text.isidentifier()) or one.key in trace.variables:
                continue
            place = origin_in_text(step.place, one.text, name)
            if place is not None:
                text = (
                    f"`{one.text}` was computed from `{name}` here, before the tape recorded. Move "
                    "this line into the with block."
                )
                return "before the tape", place, text
    return None
