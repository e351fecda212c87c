"""Where a gradient went bad: from a bad entry back to the operation at which it began.

The walk back is followed from the source towards the target as long as the cotangent was bad
already. Where it was not, either the operation has an infinite slope at finite values, or a value
was bad; that is then followed forward's way, from result to inputs, to where it began.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradtape.explaining.causes import cause_of_slope, cause_of_value
from gradtape.explaining.entries import guilty_entry, is_bad, numeric, with_ones
from gradtape.explaining.inside import inner_step, inside_gradient, replayed
from gradtape.explaining.operands import (
    Operand,
    entry,
    is_entrywise,
    operands,
    result_of,
)
from gradtape.explaining.walk import Walk
from gradtape.explaining.zeros import origin_of_zero
from gradtape.trace import Answer, Step, Trace

__all__ = ["Diagnosis", "Link", "Passage", "diagnose", "diagnose_inputs", "diagnose_value"]

Index = tuple[int, ...]


@dataclass(frozen=True)
class Link:
    """One thing that went wrong, on the way from where it shows to where it began.

    ``cause`` is empty where an operation only handed on what it got. ``kind`` is ``"slope"`` where
    not the value but the slope is not finite, ``"data"`` for what was given, ``"seed"`` for weights
    of targets, ``"sum"`` for contributions that were added up, ``"user"`` for the user's own rules.
    """

    step: Step | None
    cause: str
    index: Index
    inputs: list[Operand]
    value: Any
    kind: str = ""


@dataclass(frozen=True)
class Passage:
    """One operation on the way back: the cotangent that came in, and what it gave to an input."""

    step: Step
    index: Index
    value: Any
    cotangent: Any
    share: Any
    slot: int
    key: Any


@dataclass
class Diagnosis:
    """What is known of one bad entry.

    ``passages`` go from the source to the first operation at which the cotangent went bad;
    ``above`` from the target to that. ``links`` say why, from there to the root.
    """

    source: Any
    index: Index
    value: Any
    passages: list[Passage] = field(default_factory=list)
    above: list[Step] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    dead: bool = False
    #: The operation inside the last passage at which the cotangent went bad, where that is known.
    turn: Passage | None = None
    #: Where a cure is to be looked for: a trace, its cotangents and its source's key.
    context: tuple[Trace, dict[Any, Any], Any] | None = None

    @property
    def root(self) -> Link:
        """Where it began: the last thing with a cause of its own, if one has."""
        named = [link for link in self.links if link.cause]
        known = [link for link in named if link.cause != "unknown"]
        return known[-1] if known else (named or self.links)[-1]

    @property
    def cause(self) -> str:
        """The name of the cause."""
        return "dead branch" if self.dead else self.root.cause or "unknown"


class _Search:
    """What one search needs: the trace and the walk."""

    def __init__(self, trace: Trace, walk: Walk | None) -> None:
        self.trace, self.walk = trace, walk

    # Backward ------------------------------------------------------------------------------------

    def way(self, key: Any, index: Index) -> tuple[list[Passage], str]:
        """The operations through which a bad cotangent came, and why the last one is the last."""
        walk: Any = self.walk
        passages: list[Passage] = []
        while True:
            share = self._bad_share(key, index)
            if share is None:
                seeded = any([key == one and is_bad(g).any() for one, g in walk.seeds])
                return passages, "seed" if seeded else "sum"
            out_key, at, ends = self._above(share, index)
            step = self.trace.maker[out_key]
            value = entry(result_of(step, out_key), at)
            g = walk.cotangents.get(out_key)
            cotangent = None if g is None else entry(g, at)
            given = entry(share.array, index)
            passages.append(Passage(step, at, value, cotangent, given, share.slot, out_key))
            if ends:
                return passages, "operation"
            key, index = out_key, at

    def _bad_share(self, key: Any, index: Index) -> Any:
        """The use of a value that made its cotangent bad; one that gave NaN before others."""
        found = None
        for share in self.walk.shares.get(key, ()):  # type: ignore[union-attr]
            value = entry(share.array, index)
            if np.isnan(value):
                return share
            if found is None and not np.isfinite(value):
                found = share
        return found

    def _above(self, share: Any, index: Index) -> tuple[Any, Index, bool]:
        """The output whose cotangent a share came from, its entry, and whether that was finite."""
        walk: Any = self.walk
        out_key = walk.records[share.record][1]
        given = walk.given(share.record)
        if type(out_key) is tuple:
            for i, (one, g) in enumerate(zip(out_key, given, strict=True)):
                if g is not None and is_bad(g).any():
                    mended = [with_ones(h) if i == j else h for j, h in enumerate(given)]
                    if self._is_mended(share, index, mended):
                        return one, _first(is_bad(g)), False
            chosen = next(k for k, g in zip(out_key, given, strict=True) if g is not None)
            return chosen, _first(is_bad(result_of(self.trace.maker[chosen], chosen))), True
        step = self.trace.maker[out_key]
        bad = is_bad(given)
        if is_entrywise(step):
            block = _block(step.values[share.slot], index, np.shape(given))
            mine = _first_in(bad, block)
            if mine is not None:
                return out_key, mine, False
            return out_key, self._worst_place(share, step, given, block), True
        if not bad.any():
            return out_key, _first(is_bad(step.out)), True
        if not self._is_mended(share, index, with_ones(given)):
            return out_key, _first(bad), True
        for at in map(tuple, np.argwhere(bad)[:16].tolist()):
            if not self._is_mended(share, index, with_ones(given, but=at)):
                return out_key, at, False
        return out_key, _first(bad), False

    def _is_mended(self, share: Any, index: Index, given: Any) -> bool:
        """Whether a share's entry is finite with another cotangent of the output."""
        walk: Any = self.walk
        return bool(np.isfinite(entry(walk.share(share.record, share.slot, given), index)))

    def _worst_place(self, share: Any, step: Step, given: Any, block: Any) -> Index:
        """Of entries of a result that one entry of an input was broadcast to, the guilty one."""
        if np.size(given[block]) > 1:
            with np.errstate(all="ignore"):
                partial = _partial(step.primitive, share.slot, (*step.values, step.out))
                products = np.broadcast_to(partial, np.shape(given)) * given
            mine = _first_in(is_bad(products), block)
            if mine is not None:
                return mine
        return tuple([one.start or 0 for one in block])

    def above(self, key: Any) -> list[Step]:
        """The operations from the target to the one that made a value, outermost first."""
        walk: Any = self.walk
        seeds = {one for one, _ in walk.seeds}
        steps: list[Step] = []
        while key not in seeds and walk.shares.get(key):
            out_key = walk.records[walk.shares[key][0].record][1]
            if type(out_key) is tuple:
                out_key = next(k for k in out_key if k in walk.cotangents)
            key = out_key
            steps.append(self.trace.maker[key])
        return steps[::-1]

    # Why the operation made a bad cotangent of a good one ----------------------------------------

    def why(self, passage: Passage) -> list[Link]:
        """From the operation at which the cotangent went bad, to the root."""
        step, index = passage.step, passage.index
        inputs = operands(self.trace, step, index)
        if is_bad(passage.value) and (is_entrywise(step) or not np.ndim(step.out)):
            return self.down(_key_of(step, index, passage.value), index)
        for i, one in enumerate(inputs):
            if np.any(is_bad(one.value)):
                return self.into(step, i, one, index)
        for key, out in step.results if not is_entrywise(step) else ():
            if is_bad(out).any():
                return self.down(key, _first(is_bad(out)))
        cause = self._of_slope(passage, inputs)
        link = Link(step, cause, index, inputs, passage.value, "slope")
        return [link, *self.of_zero(cause, inputs)]

    def _of_slope(self, passage: Passage, inputs: list[Operand]) -> str:
        """Why an operation with finite values makes a bad cotangent of a finite one."""
        step = passage.step
        if not is_entrywise(step):
            return cause_of_slope(step, inputs)
        values = (*[one.value for one in inputs], passage.value)
        for wide in (False, True):
            with np.errstate(all="ignore"):
                some = tuple([_wider(v) for v in values]) if wide else values
                partial = _partial(step.primitive, passage.slot, some)
            if np.all(np.isfinite(partial)):
                return "overflow"
        return cause_of_slope(step, inputs)

    # Forward -------------------------------------------------------------------------------------

    def down(self, key: Any, index: Index) -> list[Link]:
        """From a value that is not finite to where that began."""
        links: list[Link] = []
        while True:
            step = self.trace.maker.get(key)
            if step is None:
                return links  # data: said by the caller, who knows the operation
            if step.primitive.kind == "user":
                inner = inner_step(self.trace, step, key)
                if inner is not None:
                    key = inner
                    continue
            value = entry(result_of(step, key), index)
            inputs = operands(self.trace, step, index)
            i = _culprit(inputs, value)
            if i is None:
                known = step.primitive.kind != "user" and not np.any(
                    [np.any(np.isnan(numeric(one.value))) for one in inputs]
                )
                cause = cause_of_value(step, inputs, value) if known else "unknown"
                links.append(Link(step, cause, index, inputs, value))
                return [*links, *self.of_zero(cause, inputs)]
            combined = bool(np.isnan(value)) and not np.isnan(numeric(inputs[i].value)).any()
            cause = cause_of_value(step, inputs, value) if combined else ""
            cause = "" if cause == "unknown" else cause  # the infinity is to blame
            links.append(Link(step, cause, index, inputs, value))
            one = inputs[i]
            if one.key not in self.trace.maker:
                explained = any([link.cause for link in links])
                return [*links, *self._data(step, one, index, explained)]
            key, index = one.key, guilty_entry(step, i, one, index)

    def into(self, step: Step, i: int, one: Operand, index: Index) -> list[Link]:
        """From an input of an operation that is not finite to where that began."""
        at = guilty_entry(step, i, one, index)
        if one.key in self.trace.maker:
            return self.down(one.key, at)
        return self._data(step, one, index, False)

    def _data(self, step: Step, one: Operand, index: Index, explained: bool) -> list[Link]:
        """What was not finite when it was given."""
        if one.index is None and np.ndim(one.array):
            at = _first(is_bad(one.array))
            one = Operand(one.key, one.array, at, one.text)
        cause = "" if explained else "invalid input"
        return [Link(step, cause, index, [one], one.value, "data")]

    def of_zero(self, cause: str, inputs: list[Operand]) -> list[Link]:
        """Where a 0 came from that an operation could not do with, if it is no true 0."""
        if cause not in ("log of zero", "division by zero", "square root at zero"):
            return []
        one = inputs[-1]
        found = origin_of_zero(self.trace, one.key, one.index or ())
        if found is None:
            return []
        step, index, why = found
        below = operands(self.trace, step, index)
        value = entry(step.out, index)
        if why == "underflow":
            return [Link(step, "underflow", index, below, value)]
        one = below[-1]  # a number divided by an infinity
        return [Link(step, "", index, below, value), *self.into(step, len(below) - 1, one, index)]


def diagnose(trace: Trace, answer: Answer, walk: Walk, source: Any, index: Index) -> Diagnosis:
    """Why an entry of a gradient is not finite."""
    search = _Search(trace, walk)
    found = Diagnosis(source, index, entry(walk.cotangents[source.key], index))
    found.passages, ending = search.way(source.key, index)
    if ending == "seed":
        found.links = [Link(None, "invalid input", (), [], None, "seed")]
    elif ending == "sum":
        uses = walk.shares.get(found.passages[-1].key if found.passages else source.key, ())
        step = trace.maker[_output_of(walk, uses[-1])] if uses else None
        found.links = [Link(step, "overflow", index, [], found.value, "sum")]
    else:
        last = found.passages[-1]
        if last.step.primitive.kind == "user":
            _look_inside(trace, walk, found)
        else:
            found.links = search.why(last)
            found.context = trace, walk.cotangents, source.key
        found.above = search.above(_key_of(last.step, last.index, last.value))
    if not walk.masks and np.isnan(found.value):
        masked = walk.masked.cotangents.get(source.key)
        found.dead = masked is not None and bool(np.isfinite(entry(masked, index)))
    return found


def _look_inside(trace: Trace, walk: Walk, found: Diagnosis) -> None:
    """Go on in a gradient function that the user wrote, or in a function that is run again."""
    last = found.passages[-1]
    replay = replayed(walk, last.step)
    if replay is not None:
        inner, answer = replay
        again = Walk(answer)
        source = answer.sources[last.slot]
        g = again.cotangents.get(source.key)
        bad = [] if g is None else np.argwhere(is_bad(g)).tolist()
        if len(bad):
            deeper = diagnose(inner, answer, again, source, tuple(bad[0]))
            found.links, found.context = deeper.links, deeper.context
            found.turn = deeper.turn or (deeper.passages[-1] if deeper.passages else None)
            return
    seen = inside_gradient(walk, trace, last.step)
    if seen is not None:
        inner, key, index = seen
        found.links = _Search(inner, None).down(key, index)
        return
    inputs = operands(trace, last.step, last.index)
    found.links = [Link(last.step, "unknown", last.index, inputs, last.value, "user")]


def diagnose_inputs(trace: Trace, step: Step) -> Diagnosis | None:
    """Why something that an operation computes with is infinite, if it is and should not be."""
    search = _Search(trace, None)
    for i, (key, value) in enumerate(zip(step.keys, step.values, strict=True)):
        bad = is_bad(value)
        if bad.any():
            one = Operand(key, value, _first(bad), "")
            found = Diagnosis(None, (), value)
            found.links = search.into(step, i, one, ())
            return None if found.cause in ("invalid input", "unknown") else found
    return None


def diagnose_value(trace: Trace, target: Any, index: Index) -> Diagnosis:
    """Why an entry of a target is not finite."""
    found = Diagnosis(target, index, entry(target.array, index))
    found.links = _Search(trace, None).down(target.key, index)
    return found


def _first(bad: Any) -> Index:
    """The first entry of a mask; that of the first entry where there is none."""
    found = np.argwhere(bad)
    return tuple(found[0].tolist()) if len(found) else (0,) * np.ndim(bad)


def _key_of(step: Step, index: Index, value: Any) -> Any:
    """The key of a step's result; of several that which has the value."""
    if type(step.out_key) is not tuple:
        return step.out_key
    for key, out in step.results:
        if np.ndim(out) == len(index) and np.array_equal(entry(out, index), value, equal_nan=True):
            return key
    return step.out_key[0]


def _block(array: Any, index: Index, shape: Index) -> tuple[slice, ...]:
    """The entries of a result of some shape that come from one entry of an input."""
    below = np.shape(array)
    missing = len(shape) - len(below)
    return tuple(
        [
            slice(None)
            if i < missing or below[i - missing] != n
            else slice(index[i - missing], index[i - missing] + 1)
            for i, n in enumerate(shape)
        ]
    )


def _first_in(mask: Any, block: tuple[slice, ...]) -> Index | None:
    """The first entry of a mask that is in a block."""
    found = np.argwhere(mask[block])
    if not len(found):
        return None
    return tuple([int(i) + (s.start or 0) for i, s in zip(found[0], block, strict=True)])


def _output_of(walk: Walk, share: Any) -> Any:
    """The key of the output that a share came from."""
    key = walk.records[share.record][1]
    return key if type(key) is not tuple else next(k for k in key if k in walk.cotangents)


def _culprit(inputs: list[Operand], value: Any) -> int | None:
    """The input that made a value bad: one with NaN if it is NaN, else one that is infinite.

    One that the trace knows goes before data.
    """
    tests = [np.isnan, np.isinf] if np.isnan(value) else [np.isinf]
    for test in tests:
        hit = [i for i, one in enumerate(inputs) if np.any(test(numeric(one.value)))]
        if hit:
            return min(hit, key=lambda i: inputs[i].key is None)
    return None


def _partial(primitive: Any, slot: int, values: Any) -> Any:
    """The partial of an entrywise operation by an input, at some values."""
    rule = primitive.rules[slot]
    if rule is None or rule.pick is None:
        return 0.0
    picked = rule.pick(values)
    found: Any = picked if rule.function is None else rule.function(*picked)
    found = found[slot] if primitive.shares_work else found
    return np.reciprocal(found) if rule.divides else found


def _wider(value: Any) -> Any:
    """A number in a wider dtype."""
    if getattr(value, "dtype", np.dtype(float)).kind == "c":
        return np.asarray(value).astype(np.clongdouble)[()]
    return np.longdouble(value)
