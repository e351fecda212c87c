"""The cure of a dead branch: ``where`` inside ``where``, so that the branch is harmless there."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import numpy as np

from gradtape.explaining.cures.repetition import FAILURES, quietly, repeated, tape_of
from gradtape.explaining.expressions import Writer
from gradtape.explaining.terms import NAMES, Terms
from gradtape.explaining.written import argument, parsed
from gradtape.places import Place
from gradtape.tensor import bare
from gradtape.trace import Step

__all__ = ["WHY", "Guard", "guards"]

WHY = (
    "the branch that `where` does not take is computed all the same, and what is infinite there "
    "times 0 is NaN; give it a harmless argument where it is not taken (gradtape.GradientTape "
    "leaves such branches out by itself)"
)

#: What is tried as a harmless argument.
_HARMLESS = (1.0, 0.0, 0.5, 2.0)


class Guard:
    """A step in a branch of ``where``, with one operand that is replaced where it is not taken."""

    def __init__(self, step: Step, operand: int, choice: Step, branch: int, safe: float) -> None:
        self.step, self.operand, self.choice, self.branch = step, operand, choice, branch
        self.safe = safe

    def checked(self, terms: Terms) -> tuple[Any, Any] | None:
        """The value of ``where`` and its gradient by the operand, if both are right."""
        key, value = self.step.keys[self.operand], self.step.values[self.operand]
        tape_class, variable = tape_of(masks=False)
        steps = terms.trace.steps[: self.choice.number + 1]
        with quietly():
            try:
                x = variable(value)
                with tape_class() as tape:
                    known = repeated(steps, {key: x}, {self.step: self.guarded})
                    result = known[self.choice.out_key]
                gradient = bare(tape.gradient(result, x))
            except FAILURES:
                return None
        value, before = bare(result), np.asarray(self.choice.out)
        same = np.shape(value) == before.shape
        same = same and bool(np.all((value == before) | ~np.isfinite(before)))
        if gradient is None or not same or not np.all(np.isfinite(gradient)):
            return None
        return value, gradient

    def guarded(self, known: dict[Any, Any]) -> Any:
        """The step's result, with the guard."""
        step = self.step
        inputs = [known.get(k, v) for k, v in zip(step.keys, step.values, strict=True)]
        x = inputs[self.operand]
        sides = (x, self.safe) if self.branch == 1 else (self.safe, x)
        inputs[self.operand] = np.where(self.choice.values[0], *sides)
        return step.primitive(*inputs, **dict(zip(step.primitive.params, step.params, strict=True)))

    def written(self, terms: Terms) -> tuple[ast.expr, Place] | None:
        """The user's expression with the guard in it, and where it stands."""
        place, at = self.step.place, self.choice.place
        whole, choice = parsed(place), parsed(at)
        if place is None or whole is None or at is None:
            return None
        inside = argument(terms, self.step, self.step.keys[self.operand], self.operand)
        if inside is None or not isinstance(choice, ast.Call) or not choice.args:
            return None
        if not Writer(terms, at).keeps(place, choice.args[0]):
            return None
        safe = ast.Constant(self.safe)
        sides = [inside, safe] if self.branch == 1 else [safe, inside]
        guarded = ast.Call(choice.func, [choice.args[0], *sides], [])
        return deepcopy(whole, {id(inside): guarded}), place


def guards(terms: Terms, step: Step) -> Iterator[Guard]:
    """The guards to be tried, where a step is in a branch of ``where``."""
    for choice, branch in _choices(terms, step):
        for operand, key in enumerate(step.keys):
            if key is not None:
                for safe in _HARMLESS:
                    yield Guard(step, operand, choice, branch, safe)


def _choices(terms: Terms, step: Step) -> Iterator[tuple[Step, int]]:
    """The selections that a step's result comes to, and as which of their inputs."""
    seen, stack = {step}, [step]
    while stack:
        one = stack.pop()
        for user in terms.users(one):
            if NAMES.get(user.name, user.name) == "where" and len(user.keys) == 3:
                made = {key for key, _ in one.results}
                yield from [(user, i) for i in (1, 2) if user.keys[i] in made]
            if user not in seen:
                seen.add(user)
                stack.append(user)
