"""From what is known of a gradient to what is said of it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradtape.explaining.cancellation import Loss, lost_digits
from gradtape.explaining.cures import find_cure
from gradtape.explaining.diagnosis import (
    Diagnosis,
    diagnose,
    diagnose_inputs,
    diagnose_value,
)
from gradtape.explaining.entries import is_bad
from gradtape.explaining.explanation import Explanation, Finding
from gradtape.explaining.flatness import why_zero
from gradtape.explaining.operands import number, shown
from gradtape.explaining.sentences import (
    at,
    called,
    entry_name,
    passages_told,
    place_lines,
    sentence,
    told,
)
from gradtape.explaining.unconnected import why_unconnected
from gradtape.explaining.walk import Walk
from gradtape.nest import flatten
from gradtape.tensor import Tensor, bare
from gradtape.trace import Answer, Step, Trace

__all__ = ["explanation_of"]

#: How many bad entries of one source are looked into.
_ENTRIES = 6
#: How many bad entries are named.
_NAMED = 4
#: How many operations at each end of a long chain are listed.
_ROWS = 6


def explanation_of(tape: Any, answer: Answer) -> Explanation:
    """Explain one gradient of a traced tape."""
    trace: Trace = tape.trace
    names = [_name_of(trace, s, i, len(answer.sources)) for i, s in enumerate(answer.sources)]
    gradients = [bare(result) for result in answer.results]
    findings: list[Finding] = []
    if not gradients or not all([_is_healthy(g) for g in gradients]):
        walk = Walk(answer)
        gradients = [walk.cotangents.get(s.key) for s in answer.sources]
        findings = _of_walk(tape, answer, walk, names)
    if findings:
        return Explanation("", tuple(findings))
    findings = _of_value(trace, answer) or _of_loss(trace, answer, names)
    pairs = zip(names, gradients, strict=True)
    values = "; ".join([f"by {name}: {shown(g)}" for name, g in pairs])
    return Explanation(f"The gradient is finite ({values}).", tuple(findings))


def _is_healthy(gradient: Any) -> bool:
    return gradient is not None and bool(np.any(gradient)) and not is_bad(gradient).any()


def _of_walk(tape: Any, answer: Answer, walk: Walk, names: list[str]) -> list[Finding]:
    """What is wrong with gradients of which some are not finite, None or zeros."""
    trace: Trace = tape.trace
    findings = _of_bad(trace, answer, walk, names)
    is_lost = bool(findings) or any([is_bad(bare(t)).any() for t in flatten(answer.target)])
    for s, name in zip(answer.sources, names, strict=True):
        g = walk.cotangents.get(s.key)
        if g is None:
            findings.append(why_unconnected(tape, answer, s, name))
        elif not np.any(g) and np.size(g) and not is_lost:
            findings.append(_of_zero(trace, walk, s, name))
    return findings


def _name_of(trace: Trace, source: Tensor, i: int, count: int) -> str:
    known = trace.names.get(source.key)
    return known or ("the source" if count == 1 else f"source {i}")


def _target_name(trace: Trace, answer: Answer) -> str:
    targets = flatten(answer.target)
    if len(targets) > 1:
        return "the sum of the targets"
    name = trace.names.get(getattr(targets[0], "key", None), "the target")
    return f"the sum of {name}" if np.ndim(getattr(targets[0], "array", 0)) else name


# Entries that are not finite ----------------------------------------------------------------------


def _of_bad(trace: Trace, answer: Answer, walk: Walk, names: list[str]) -> list[Finding]:
    """One finding for each cause at each line."""
    groups: dict[Any, list[tuple[str, Diagnosis, int]]] = {}
    for s, name in zip(answer.sources, names, strict=True):
        g = walk.cotangents.get(s.key)
        places = np.argwhere(is_bad(g)) if g is not None else np.zeros((0, 0))
        for index in map(tuple, places[:_ENTRIES].tolist()):
            found = diagnose(trace, answer, walk, s, index)
            place = found.root.step and found.root.step.place
            key = found.cause, place and place.spot
            groups.setdefault(key, []).append((entry_name(name, index), found, len(places)))
    target = _target_name(trace, answer)
    return [_of_group(trace, walk, group, target) for group in groups.values()]


def _of_group(
    trace: Trace, walk: Walk, group: list[tuple[str, Diagnosis, int]], target: str
) -> Finding:
    """What is said of entries that are bad for one reason."""
    entries = tuple([name for name, _, _ in group])
    name, found, count = group[0]
    headline = f"The gradient of {target} by {name} is {_named(found.value)}"
    if len(entries) > 1:
        left = len(entries) - _NAMED
        more = f" and {left} more" if left > 0 else ""
        headline += f" (and {', '.join(entries[1:_NAMED])}{more}, for the same reason)"
    if count > _ENTRIES:
        size = np.size(walk.cotangents[found.source.key])
        headline += f"; {count} of the {size} entries are not finite"
    story = _story(found)
    story += [passages_told(found)] if found.passages and found.cause != "invalid input" else []
    story += [_of_dead(walk, found)] if found.dead else []
    return _finding(trace, found, f"{headline}.", story, entries, _rows(found, walk))


def _finding(
    trace: Trace,
    found: Diagnosis,
    headline: str,
    story: list[str],
    sources: tuple[str, ...] = (),
    rows: list[str] | None = None,
) -> Finding:
    """What is said of a diagnosis."""
    root = found.root
    step = found.passages[-1].step if found.dead else root.step
    return Finding(
        cause=found.cause,
        headline=headline,
        line=step.place if step else None,
        operation=step.name if step else "",
        sources=sources,
        values=tuple([one.value for one in root.inputs]),
        story=tuple([text for text in story if text]),
        place=tuple(place_lines(step.place, _pass_of(trace, step))) if step and step.place else (),
        chain=tuple([s.name for s in found.above] + [p.step.name for p in found.passages[::-1]]),
        rows=tuple(rows or ()),
        cure=_cure(found),
    )


def _named(value: Any) -> str:
    return "NaN" if np.isnan(value) else number(value)


def _story(found: Diagnosis) -> list[str]:
    """What happened, from the root on; what operations only handed on is left out."""
    root = found.root
    return [sentence(told(k)) for k in reversed(found.links) if k.cause or k is root]


def _of_dead(walk: Walk, found: Diagnosis) -> str:
    """What is said of a branch that was not taken."""
    masked = walk.masked.cotangents[found.source.key]
    value = masked[found.index] if np.ndim(masked) else masked
    return (
        "This is in a branch that was not taken: the target does not depend on it, and its "
        "cotangent is 0. But the chain rule multiplies that 0 by what is infinite here. (Under "
        f"gradtape.GradientTape, which leaves dead branches out, the gradient is {number(value)}.)"
    )


def _rows(found: Diagnosis, walk: Walk) -> list[str]:
    """The chain as a table: operation, line, value and cotangent."""
    cells = []
    for step in found.above:
        key, out = step.results[0]
        cells.append((step.name, at(step.place), shown(out), shown(walk.cotangents.get(key))))
    for p in reversed(found.passages):
        g = "" if p.cotangent is None else number(p.cotangent)
        cells.append((p.step.name, at(p.step.place), number(p.value), g))
    if len(cells) > 2 * _ROWS:
        left = len(cells) - 2 * _ROWS
        cells = [*cells[:_ROWS], (f"... {left} more", "", "", ""), *cells[-_ROWS:]]
    widths = [max([len(row[i]) for row in cells], default=0) for i in range(2)]
    return [
        f"{name:<{widths[0]}}  {line:<{widths[1]}}  value {value}, cotangent {g}" if value else name
        for name, line, value, g in cells
    ]


def _pass_of(trace: Trace, step: Step) -> tuple[int, int] | None:
    """Of a line that ran several times: which time it was, and of how many.

    The operation that a line does least often is taken to be done once each time.
    """
    if step.place is None:
        return None
    counts: dict[str, int] = {}
    rank = 0
    for other in trace.steps:
        if step.place.is_at(other.place):
            counts[other.name] = counts.get(other.name, 0) + 1
            rank += other.name == step.name and other.number <= step.number
    passes = min(counts.values(), default=0)
    if passes < 2:
        return None
    return math.ceil(rank * passes / counts[step.name]), passes


def _cure(found: Diagnosis) -> Any:
    """The first cure that is known for an operation on the way from the root."""
    if found.cause in ("unknown", "invalid input") or found.context is None:
        return None
    trace, cotangents, key = found.context
    last = [found.passages[-1].step] if found.passages else []
    steps = [link.step for link in reversed(found.links) if link.step is not None]
    for step in dict.fromkeys([*last, *steps] if found.dead else [*steps, *last]):
        if trace.maker.get(step.results[0][0]) is step:
            cure = find_cure(trace, step, found.cause, cotangents, key)
            if cure is not None:
                return cure
    return None


# Gradients that are finite ------------------------------------------------------------------------


def _of_zero(trace: Trace, walk: Walk, source: Tensor, name: str) -> Finding:
    """Why a gradient is all zeros: something was infinite, or the slope is 0."""
    finding, flat = why_zero(trace, walk, source, name)
    found = None if flat is None else diagnose_inputs(trace, flat)
    if flat is None or found is None:
        return finding
    found.context = trace, walk.cotangents, source.key
    text = f"What is infinite makes the slope of {called(flat)} 0."
    return _finding(trace, found, finding.headline, [*_story(found), text], (name,))


def _of_value(trace: Trace, answer: Answer) -> list[Finding]:
    """Why the value is not finite, though the gradient is."""
    for t in flatten(answer.target):
        if t.key in trace.maker and is_bad(t.array).any():
            index = tuple(np.argwhere(is_bad(t.array))[0].tolist())
            found = diagnose_value(trace, t, index)
            found.context = trace, Walk(answer).cotangents, answer.sources[0].key
            name = entry_name(trace.names.get(t.key, "the target"), index)
            headline = f"But the value itself, {name}, is {_named(found.value)}."
            return [_finding(trace, found, headline, _story(found))]
    return []


def _of_loss(trace: Trace, answer: Answer, names: list[str]) -> list[Finding]:
    """Where a finite gradient, or the value, lost its digits."""
    loss: Loss | None = lost_digits(trace, answer, names)
    if loss is None:
        return []
    step = loss.step
    key = answer.sources[loss.source].key
    return [
        Finding(
            cause="cancellation",
            headline=loss.headline,
            line=step.place,
            operation=step.name,
            values=tuple([one.value for one in loss.inputs]),
            story=(loss.story,),
            place=tuple(place_lines(step.place, _pass_of(trace, step))) if step.place else (),
            chain=(step.name,),
            cure=find_cure(trace, step, "cancellation", loss.cotangents, key),
        )
    ]
