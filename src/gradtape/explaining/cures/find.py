"""The cure of a gradient that went bad: the line to write instead.

Around the first bad operation, patterns are looked for of which a form is known that computes the
same without the accident. A form is shown only where it was computed at the same point and gave
the same value, and a finite gradient.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from gradtape.explaining import written
from gradtape.explaining.cures.checking import agrees, computed, evaluated
from gradtape.explaining.cures.dead_branches import WHY, guards
from gradtape.explaining.cures.entry import Entry
from gradtape.explaining.cures.lines import Idiom, called, line_with
from gradtape.explaining.cures.matching import (
    Match,
    Operand,
    ending,
    endings,
    matches,
    parsed,
    substituted,
)
from gradtape.explaining.cures.repetition import (
    FAILURES,
    gradient_again,
    quietly,
    repeated,
    tape_of,
)
from gradtape.explaining.cures.table import TABLE
from gradtape.explaining.expressions import Writer, negative, simplified
from gradtape.explaining.terms import IDENTITIES, Ref, Terms, terms_of
from gradtape.places import Place
from gradtape.tensor import bare
from gradtape.trace import Step, Trace

__all__ = ["Cure", "find_cure"]

#: How far from the bad operation a pattern may end.
_REACH = 10

#: How many steps are done again in all for forms of what is finite by itself.
_MOST_REPEATED = 50_000


#: What is said of a form that cures its place only.
_MORE = " (the gradient then goes bad at another place: cure this first, and ask again)"


@dataclass(frozen=True)
class Cure:
    """What to write instead, checked at the point where the program went wrong.

    ``before`` is the expression that the user wrote. ``after`` is the line to write: the user's
    own with the stable expression in place of that; the expression alone where the line is not to
    be had, or where a name in it means something else by then. ``why`` is the reason. ``value``
    and ``gradient`` are those of the stable expression, the latter by its operand (a tuple where
    there are several).

    ``expression`` is the stable expression alone; ``imports`` are the lines that it needs above
    (often none); ``place`` is where ``before`` stands, of which ``after`` replaces the lines from
    ``place.span[0]`` to ``place.span[1]``.
    """

    before: str
    after: str
    why: str
    value: Any
    gradient: Any
    expression: str = ""
    imports: tuple[str, ...] = ()
    place: Place | None = None


def find_cure(
    trace: Trace, step: Step, cause: str, cotangents: dict[Any, Any], source_key: Any
) -> Cure | None:
    """The cure of a bad value or gradient; None where none is known that holds.

    A form that makes the whole gradient finite is preferred to one that only cures its place, for
    the program may go wrong in several.

    Parameters
    ----------
    trace : what was computed.
    step : the first bad operation.
    cause, cotangents, source_key : what is known of it: the cause's name, the cotangent of each
        value by key, the source whose gradient is bad.
    """
    terms = terms_of(trace)
    partial = None
    for found in _candidates(terms, step):
        if not found.holds():
            continue
        bad = found.was_bad()
        if not _heals(trace, found, source_key, bad, cotangents.get(source_key)):
            partial = found if partial is None and bad else partial
            continue
        cure = found.cure()
        if cure is not None:
            return cure
    cure = _guarded(terms, step)
    if cure is None and partial is not None:
        cure = partial.cure()
        if cure is not None:
            cure = replace(cure, why=f"{cure.why}{_MORE}")
    return cure


def _heals(trace: Trace, found: _Candidate, source_key: Any, bad: bool, before: Any) -> bool:
    """Whether the whole gradient is finite with a form in its place, as far as can be known.

    ``before`` is what it was, if it was anything.
    """
    if before is not None and np.all(np.isfinite(bare(before))):
        return True  # digits were lost, and nothing else happened
    if not bad:  # in a long program, much could be written otherwise that is well as it is
        trace.notes["repeated"] = trace.notes.get("repeated", 0) + len(trace.steps)
        if trace.notes["repeated"] > _MOST_REPEATED:
            return False
    again = gradient_again(trace, {found.root: found.change}, source_key)
    return bad if again is None else bool(np.all(np.isfinite(again)))


def _candidates(terms: Terms, step: Step) -> Iterator[_Candidate]:
    """The forms of what is written around a step, those that replace most first."""
    found = []
    for root in _ends(terms, step):
        for name in sorted(endings(terms, root)):
            for place, entry, node in _patterns().get(name, ()):
                found += [
                    (-len(match.steps), place, root, entry, match)
                    for match in matches(node, terms, root)
                    if step in match.steps and written.is_whole(terms, root)
                ]
    for _, _, root, entry, match in sorted(found, key=lambda f: f[:2]):
        idiom = Idiom(terms.trace, root.place)
        for text in entry.tf if idiom.tf and entry.tf else entry.np:
            yield _Candidate(terms, root, entry, match, idiom, text)


@cache
def _patterns() -> dict[str, list[tuple[int, Entry, ast.expr]]]:
    """The patterns of all entries, with the entry and its place, by the operation they end in."""
    found: dict[str, list[tuple[int, Entry, ast.expr]]] = {}
    for place, entry in enumerate(TABLE):
        for pattern in entry.patterns:
            for node in parsed(pattern):
                found.setdefault(ending(node), []).append((place, entry, node))
    return found


def _ends(terms: Terms, step: Step) -> Iterator[Step]:
    """The step and those that use its result, and so on, nearest first."""
    seen, layer = {step}, [step]
    for _ in range(_REACH):
        yield from [one for one in layer if one.name not in IDENTITIES]
        layer = list(dict.fromkeys(u for s in layer for u in terms.users(s) if u not in seen))
        seen.update(layer)


def _guarded(terms: Terms, step: Step) -> Cure | None:
    """The cure of a dead branch, on a tape that does not leave those out by itself."""
    if Idiom(terms.trace, step.place).masks:
        return None
    for guard in guards(terms, step):
        found = guard.written(terms)
        checked = guard.checked(terms) if found is not None else None
        if found is not None and checked is not None:
            stable, place = found
            after = line_with(place, stable)
            return Cure(place.expression, after, WHY, *checked, ast.unparse(stable), (), place)
    return None


class _Candidate:
    """A form that may stand in place of a pattern that was found."""

    def __init__(
        self, terms: Terms, root: Step, entry: Entry, match: Match, idiom: Idiom, text: str
    ) -> None:
        self.root = root
        self._terms, self._entry, self._match, self._idiom = terms, entry, match, idiom
        self._form = idiom.completed(ast.parse(text, mode="eval").body, match)
        used = {n.id for n in ast.walk(self._form) if isinstance(n, ast.Name)}
        self._operands: dict[str, Operand] = {}
        plain: dict[str, ast.expr] = {}  # the operands' values in place of their names
        for name in sorted(used & match.operands.keys()):
            operand = match.operands[name]
            first = [k for k, o in self._operands.items() if o.ref.key == operand.ref.key]
            one = first[0] if first and operand.ref.key is not None else name
            self._operands.setdefault(one, operand)
            value = ast.Name(one, ast.Load())
            plain[name] = ast.UnaryOp(ast.USub(), value) if operand.negated else value
        self._plain = substituted(self._form, plain)
        self._tracked = {n for n, o in self._operands.items() if o.ref.key is not None}
        self._checked: Any = None

    def holds(self) -> bool:
        """Whether the form has the same value at the point, and a finite gradient."""
        if not self._tracked:
            return False
        values = {n: o.ref.value for n, o in self._operands.items()}
        tf, masks = self._idiom.tf, self._idiom.masks
        found = evaluated(self._plain, values, self._tracked, tf=tf, masks=masks)
        if found is None:
            return False
        value, gradients = found
        root = self.root
        if not gradients or not all([np.all(np.isfinite(g)) for g in gradients.values()]):
            return False
        if not agrees(value, list(self._match.steps), root.out_key, root.out):
            return False
        given = tuple([gradients[n] for n in self._operands if n in gradients])
        self._checked = value, given[0] if len(given) == 1 else given
        return True

    def change(self, known: dict[Any, Any]) -> Any:
        """The form's value, from values known by key."""
        refs = {n: o.ref for n, o in self._operands.items()}
        return computed(self._plain, {n: known.get(r.key, r.value) for n, r in refs.items()})

    def was_bad(self) -> bool:
        """Whether what the program does there is not finite, in its value or its gradient."""
        if not np.all(np.isfinite(self.root.out)):
            return True
        steps = sorted(self._match.steps, key=lambda step: step.number)
        tape_class, variable = tape_of(self._idiom.masks)
        with quietly():
            try:
                refs = [o.ref for o in self._operands.values() if o.ref.key is not None]
                known = {r.key: variable(r.value) for r in refs}
                sources = list(known.values())
                with tape_class() as tape:
                    result = repeated(steps, known, {})[self.root.out_key]
                found = tape.gradient(result, sources)
            except FAILURES:
                return False
        return not all([np.all(np.isfinite(bare(g))) for g in found if g is not None])

    def cure(self) -> Cure | None:
        """What is said of the form, in the user's words."""
        root, place = self.root, self.root.place
        writer = Writer(self._terms, place, self._match.steps)
        given: dict[str, ast.expr] = {}
        for name, operand in self._match.operands.items():
            is_index = name == "INDEX"
            value = operand.ref.value
            node = writer.index(value) if is_index else writer.expression(operand.ref)
            if node is not None:
                given[name] = negative(node) if operand.negated else node
        form, imports = self._idiom.spelled(self._form)
        used = {n.id for n in ast.walk(self._form) if isinstance(n, ast.Name)}
        if used & self._match.operands.keys() - given.keys():
            return None
        stable = simplified(substituted(form, given))
        if ast.dump(stable) == ast.dump(written.parsed(place) or ast.Constant(None)):
            return None  # written so already
        before = "" if place is None else place.expression
        if not before:
            node = writer.expression(Ref(root.out_key, root.out))
            before = "" if node is None else ast.unparse(node)
        why = self._entry.why.replace("%s", called(stable))
        if writer.stale:
            after = ast.unparse(stable)
            names = " and ".join(sorted(writer.stale))
            why += f" (here {names} means what it was before it was bound to something else)"
        else:
            after = line_with(place, stable)
        value, gradient = self._checked
        return Cure(before, after, why, value, gradient, ast.unparse(stable), imports, place)
