"""What a trace says of each value: where it comes from, its slope, and the part that it plays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from gradtape import errors
from gradtape.drawing.wording import badness
from gradtape.nest import flatten
from gradtape.recording import only
from gradtape.sweep import seeds_of, sweep
from gradtape.tensor import Tensor, bare
from gradtape.trace import Answer, Step, Trace

__all__ = ["Reading"]


class Reading:
    """A trace, and one gradient of it, made ready to be drawn.

    Parameters
    ----------
    trace : of a tape.
    target, sources : what to draw between; by default those of the last gradient, and everything
        that was recorded is drawn.
    masks : whether the tape keeps dead branches free of NaN.

    Raises
    ------
    ValueError : a target or source was not met by the trace.
    TypeError : one is not a tensor.
    """

    def __init__(
        self, trace: Trace, target: Any = None, sources: Any = None, masks: bool = True
    ) -> None:
        self.trace = trace
        answer = self._answer(target, sources, masks)
        #: The gradient that is shown, or None: the forward part alone.
        self.answer = answer
        #: The cotangent of each value, by key.
        self.slopes: dict[Any, Any] = {} if answer is None else answer.cotangents()
        #: The keys of the targets and of the sources.
        self.targets = [] if answer is None else _keys(flatten(answer.target))
        asked = [] if answer is None else _keys(answer.sources)
        self.sources = asked or self._watched()
        steps = self._between(target is not None, sources is not None)
        #: Copies that no user wrote, under the key of what they are copies of.
        self._copies: dict[Any, Any] = {}
        #: The operations to draw, oldest first.
        self.steps = [step for step in steps if not self._is_copy(step)]
        self._users: dict[Any, list[Step]] = {}
        for step in self.steps:
            for key in dict.fromkeys(self.keys_of(step)):
                self._users.setdefault(key, []).append(step)
        self._used = self._ancestors()
        self._records = {r[1]: r for r in answer.records} if answer is not None else {}
        #: Why a step is dead, by its number: nothing of the gradient comes through it.
        self.dead: dict[int, str] = {} if answer is None else self._find_dead()
        #: The number of the first step where a value or cotangent is not finite, and which is not.
        self.first_bad: tuple[int, str] | None = self._find_first_bad()

    # What is asked for ----------------------------------------------------------------------------

    def _answer(self, target: Any, sources: Any, masks: bool) -> Answer | None:
        """The gradient to show: one that was given, or one made of what was recorded."""
        answers = self.trace.answers
        if target is None and sources is None:
            return answers[-1] if answers else None
        asked = None if target is None else self._known(target, "target")
        leaves = None if sources is None else self._known(sources, "sources")
        for answer in reversed(answers):
            same_target = asked is None or _keys(flatten(answer.target)) == _keys(asked)
            if same_target and (leaves is None or _keys(answer.sources) == _keys(leaves)):
                return answer
        if asked is None:
            if not answers:
                raise ValueError(
                    "argument `sources` was given without a target, and the tape gave no gradient "
                    "yet: give `target` too"
                )
            asked = flatten(answers[-1].target)
        records = list(self.trace.records)
        foreign = any([record[0].kind == "user" for record in records])
        if leaves is None:
            leaves = answers[-1].sources if answers else []
        return Answer(asked, leaves, [], records, seeds_of(asked, None), True, masks, foreign)

    def _known(self, nest: Any, argument: str) -> list[Tensor]:
        """The leaves of a nest, each a tensor that the trace has met."""
        met = set(self.trace.maker)
        for step in self.trace.steps:
            met.update(step.keys)
        for leaf in flatten(nest):
            if not isinstance(leaf, Tensor):
                raise TypeError(
                    f"argument `{argument}` of draw holds {errors.describe(leaf)}: it takes the "
                    "tensors of the computation, as `gradient` does"
                )
            if leaf.key is None or leaf.key not in met:
                raise ValueError(
                    f"argument `{argument}` of draw holds {errors.describe(leaf)} that this tape "
                    "did not see: give one that was used or computed in its with block"
                )
        return flatten(nest)

    def _watched(self) -> list[Any]:
        """The keys that the tape tracks and nothing made."""
        used = [key for step in self.trace.steps for key in step.keys if key is not None]
        made = self.trace.maker
        return [key for key in dict.fromkeys(used) if key in self.trace.taped and key not in made]

    def _between(self, by_target: bool, by_sources: bool) -> list[Step]:
        """The steps to draw: all, or those on the way from sources to target if they were told."""
        steps = self.trace.steps
        if by_sources:
            reached = set(self.sources)
            kept = []
            for step in steps:
                if not reached.isdisjoint(step.keys):
                    reached.update([key for key, _ in step.results])
                    kept.append(step)
            steps = kept
        if by_target or by_sources:
            needed = set(self.targets)
            kept = []
            for step in reversed(steps):
                if not needed.isdisjoint([key for key, _ in step.results]):
                    needed.update(step.keys)
                    kept.append(step)
            steps = kept[::-1]
        return steps

    # What is found --------------------------------------------------------------------------------

    def slope(self, step: Step) -> Any:
        """The cotangent of a step's result, or None; of several results, of each that has one."""
        if type(step.out_key) is not tuple:
            return self.slopes.get(step.out_key)
        found = tuple([self.slopes[key] for key in step.out_key if key in self.slopes])
        return found or None

    def keys_of(self, step: Step) -> list[Any]:
        """The keys of what a step uses, of a copy that of the original."""
        return [self._copies.get(key, key) for key in step.keys]

    def _is_copy(self, step: Step) -> bool:
        """Whether a step does nothing that the user wrote: a variable's value being read."""
        if step.name != "positive" or step.keys[0] is None or step.out_key in self.targets:
            return False
        code = step.place.expression if step.place is not None else ""
        if code.startswith("+") or "positive" in code:
            return False
        self._copies[step.out_key] = self._copies.get(step.keys[0], step.keys[0])
        return True

    def is_tracked(self, step: Step) -> bool:
        """Whether the tape recorded it."""
        return any([key in self.trace.taped for key, _ in step.results])

    def _ancestors(self) -> set[int]:
        """The numbers of the steps that the targets are computed from."""
        needed, found = set(self.targets), set()
        for step in reversed(self.steps):
            if any([key in needed for key, _ in step.results]):
                needed.update(self.keys_of(step))
                found.add(step.number)
        return found

    def _find_dead(self) -> dict[int, str]:
        dead: dict[int, str] = {}
        for step in reversed(self.steps):
            slope = self.slope(step)
            if step.number not in self._used:
                dead[step.number] = "the target does not use it"
            elif not self.is_tracked(step):
                continue
            elif slope is None:
                dead[step.number] = "no slope comes back to it"
            elif self._is_cut_off(step, slope, dead):
                dead[step.number] = "nothing of it was chosen: its slope is 0"
        return dead

    def _is_cut_off(self, step: Step, slope: Any, dead: dict[int, str]) -> bool:
        """Whether its slope is 0 because a selection left it out, not by chance."""
        keys = [key for key, _ in step.results]
        if any([key in self.targets for key in keys]) or any([np.any(s) for s in _parts(slope)]):
            return False
        for key in keys:
            for user in self._users.get(key, []):
                used = user.number in self._used and self.is_tracked(user)
                if used and user.number not in dead and not self._leaves_out(user, key):
                    return False
        return True

    def _leaves_out(self, step: Step, key: Any) -> bool:
        """Whether a selection takes nothing of an input, whatever its own cotangent is."""
        if not getattr(step.primitive, "selects", False) or type(step.out_key) is tuple:
            return False
        return not any([np.any(s) for s in self._pulled(step, [np.ones_like(step.out)], [key])])

    def _pulled(self, step: Step, slopes: list[Any], keys: list[Any]) -> list[Any]:
        """What a step alone makes of the cotangents of its results."""
        if step.out_key not in self._records:
            return []
        seeds = [(k, s) for (k, _), s in zip(step.results, slopes, strict=True) if s is not None]
        masks = self.answer is not None and self.answer.masks
        with only(()):
            shares = sweep([self._records[step.out_key]], seeds, keys, True, masks)
        return [bare(share) for share in shares if share is not None]

    def _find_first_bad(self) -> tuple[int, str] | None:
        bad = [step for step in self.steps if badness(step.out)]
        alive = [step for step in bad if step.number not in self.dead]
        if alive:
            return alive[0].number, "value"
        for step in reversed(self.steps):
            if self._spoils(step):
                return step.number, "cotangent"
        return (bad[0].number, "value") if bad else None

    def _spoils(self, step: Step) -> bool:
        """Whether a step makes a cotangent that is not finite of one that is."""
        slope = self.slope(step)
        if slope is None or badness(slope):
            return False
        suspects = [key for key in dict.fromkeys(step.keys) if badness(self.slopes.get(key, 0))]
        if not suspects:
            return False
        known = [self._copies.get(key, key) for key in suspects]
        if all([len(self._users.get(key, [])) == 1 for key in known]):
            return True
        slopes = [self.slopes.get(key) for key, _ in step.results]
        return any([badness(share) for share in self._pulled(step, slopes, suspects)])

    def names_of(self, step: Step) -> Iterator[str]:
        """What the user calls its results."""
        for key, _ in step.results:
            if key in self.trace.names:
                yield self.trace.names[key]


def _parts(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _keys(tensors: list[Any]) -> list[Any]:
    return [t.key for t in tensors if isinstance(t, Tensor) and t.key is not None]
