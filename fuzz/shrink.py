"""Making a program on which ways disagree as small as it gets while they still do.

Delta debugging (A. Zeller and R. Hildebrandt, IEEE TSE 28, 2002), one change at a time: leave out
an output, take a line's argument for the line, make a line's value an input, cut or round an input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from fuzz.programs import Program


def smallest(program: Program, fails: Callable[[Program], bool], tries: int = 400) -> Program:
    """The smallest program found that still fails; ``fails`` answers False where it cannot run."""
    found, left = program, tries
    while True:
        for candidate in _smaller(found):
            if left == 0:
                return found
            left -= 1
            if fails(candidate):
                found = candidate
                break
        else:
            return found


def _smaller(program: Program) -> Iterator[Program]:
    """Programs with one thing less, the largest steps first."""
    if len(program.outputs) > 1:
        for o in program.outputs:
            yield replace(program, outputs=(o,)).pruned()
    yield from _values_as_inputs(program)
    yield from _without_a_line(program)
    yield from _smaller_inputs(program)


def _values_as_inputs(program: Program) -> Iterator[Program]:
    """A line's value given as an input: all that led to it goes."""
    count = len(program.inputs)
    values = _values(program)
    for i in range(len(program.steps) - 2, -1, -1):
        value = values[count + i]
        if not isinstance(value, (np.ndarray, np.generic)):
            continue

        def renumbered(old: int, new: int = count + i) -> int:
            return 0 if old == new else old + 1

        steps = tuple(
            [replace(s, uses=tuple([renumbered(u) for u in s.uses])) for s in program.steps]
        )
        outputs = tuple([renumbered(o) for o in program.outputs])
        smaller = Program((np.asarray(value)[()], *program.inputs), steps, outputs).pruned()
        if len(smaller.steps) < len(program.steps):
            yield smaller


def _without_a_line(program: Program) -> Iterator[Program]:
    """A line's argument in the line's place."""
    count = len(program.inputs)
    for i, step in enumerate(program.steps):
        for use in set(step.uses):

            def other(old: int, gone: int = count + i, use: int = use) -> int:
                return use if old == gone else old

            steps = tuple(
                [replace(s, uses=tuple([other(u) for u in s.uses])) for s in program.steps]
            )
            outputs = tuple(sorted({other(o) for o in program.outputs}))
            smaller = Program(program.inputs, steps, outputs).pruned()
            if 0 < len(smaller.steps) < len(program.steps):
                yield smaller


def _smaller_inputs(program: Program) -> Iterator[Program]:
    """Shorter axes, fewer axes, one input for another, and rounder numbers."""
    for i, x in enumerate(program.inputs):
        others: list[Any] = []
        for axis, n in enumerate(np.shape(x)):
            others += [np.take(x, 0, axis), *([np.take(x, range(n - 1), axis)] if n > 1 else [])]
        for digits in (0, 1, 2):
            rounded = np.round(x, digits)
            if np.any(rounded != x):
                others.append(rounded)
        if x.dtype.kind == "c" and np.any(x.imag):
            others.append(np.real(x).astype(x.dtype))
        if x.dtype.char in "fF":
            others.append(x.astype(x.dtype.char.replace("f", "d").replace("F", "D")))
        for other in others:
            inputs = [*program.inputs]
            inputs[i] = np.asarray(other)[()]
            yield replace(program, inputs=tuple(inputs))


def _values(program: Program) -> list[Any]:
    """The values of all lines."""
    everything = tuple(range(len(program.inputs) + len(program.steps)))
    with np.errstate(all="ignore"):
        return replace(program, outputs=everything).function()(*program.inputs)
