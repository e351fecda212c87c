"""What stands in each box of a picture."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from gradtape.drawing.folding import Fold, steps_of
from gradtape.drawing.graph import Line, Node
from gradtape.drawing.reading import Reading
from gradtape.drawing.wording import (
    badness,
    call_text,
    kind_text,
    operand_text,
    shortened,
    value_text,
)
from gradtape.trace import Step

__all__ = ["Describer"]

#: So many characters at most of a line.
WIDTH = 38
#: So many lines of code at most of a folded box.
LINES = 3


class Describer:
    """Makes the boxes of a reading, each by itself."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading

    def operation(self, step: Step) -> Node:
        """The box of one operation."""
        reading = self.reading
        name = next(reading.names_of(step), "")
        call = call_text(step)
        node = Node(f"step{step.number}", "operation", number=step.number)
        node.keys = tuple([key for key, _ in step.results])
        node.roles = self._roles([step])
        node.lines = [Line("title", shortened(f"{name} = {call}" if name else call, WIDTH))]
        if step.place is not None:
            code = step.place.expression or step.place.text
            if code:
                node.lines.append(Line("code", shortened(code, WIDTH)))
            node.more.append(str(step.place))
        node.lines += self._value_lines(step.out, reading.slope(step))
        for i, (key, value) in enumerate(zip(reading.keys_of(step), step.values, strict=True)):
            named = reading.trace.names.get(key, "") or operand_text(step, i)
            words = value_text(value)
            words = f"{kind_text(value)}: {words}" if np.ndim(value) else words
            node.more.append(f"operand {i + 1}{f', {named}' if named else ''}: {words}")
        if step.number in reading.dead:
            node.more.insert(0, f"dead: {reading.dead[step.number]}")
        return _with_roles(node, self._role_words(node.roles))

    def origin(self, step: Step, i: int) -> Node | None:
        """The box of an operand that no operation made; None for a bare number.

        A number stands in the operation's title.
        """
        key, value = self.reading.keys_of(step)[i], step.values[i]
        if key is None and np.ndim(value) == 0:
            return None
        is_source = key in self.reading.sources
        name = self.reading.trace.names.get(key, "") or operand_text(step, i)
        if not name and key in self.reading.trace.maker:
            name = call_text(self.reading.trace.maker[key])
        node = Node("", "source" if is_source else "constant")
        node.roles = [node.kind, *["target"] * (key in self.reading.targets)]
        node.lines = [Line("title", shortened(name or f"a {node.kind}", WIDTH))]
        node.lines += self._value_lines(value, self.reading.slopes.get(key) if is_source else None)
        if is_source and self.reading.answer is not None and key not in self.reading.slopes:
            node.lines.append(Line("slope", "∂ none: not connected"))
        node.keys = (key if key is not None else ("bare", _digest(value)),)
        return _with_roles(node, [role.upper() for role in node.roles])

    def origins(self, nodes: Sequence[Node]) -> Node:
        """The box of many sources, or constants, that all go to one place."""
        kind = "source" if any([node.kind == "source" for node in nodes]) else "constant"
        node = Node("", "fold", roles=[kind, "fold"])
        node.lines = [
            Line("title", f"{len(nodes)} {kind}s"),
            Line("code", shortened(", ".join([node.title for node in nodes]), WIDTH)),
        ]
        return _with_roles(node, [kind.upper() + "S", "FOLDED"])

    def fold(self, fold: Fold) -> Node:
        """The box of a fold."""
        steps = list(steps_of(fold))
        node = Node("", "fold", roles=[*self._roles(steps), "fold"])
        node.lines = [Line("title", _title(fold, steps))]
        places = [step.place for step in steps if step.place is not None]
        texts = list(dict.fromkeys([place.text for place in places if place.text]))
        node.lines += [Line("code", shortened(text, WIDTH)) for text in texts[:LINES]]
        if len(texts) > LINES:
            node.lines.append(Line("code", f"… and {len(texts) - LINES} more lines"))
        names = ", ".join(dict.fromkeys([step.name for step in steps]))
        node.lines.append(Line("note", shortened(f"{len(steps):,} operations: {names}", WIDTH)))
        node.lines += self._ends(fold, steps)
        node.more = list(dict.fromkeys([str(place) for place in places]))[: 3 * LINES]
        return _with_roles(node, [*self._role_words(node.roles, " INSIDE"), "FOLDED"])

    def port(self, keys: list[Any], makers: dict[Any, Any]) -> str:
        """What stands at the wall of an open box where values come in or go out."""
        names = []
        for key in keys[:LINES]:
            name = self.reading.trace.names.get(key, "")
            if not name and key in makers:
                name = makers[key].node.title.partition("(")[0]
            names.append(name or "a value")
        rest = f" +{len(keys) - LINES}" if len(keys) > LINES else ""
        return shortened(", ".join(dict.fromkeys(names)), WIDTH - 8) + rest

    def flow(self, start: Node, end: Node, keys: list[Any]) -> str:
        """How what flows between two boxes looks: dead, bad, or neither."""
        if "dead" in start.roles or "dead" in end.roles:
            return "dead"
        reading = self.reading
        makers = [reading.trace.maker[key] for key in keys if key in reading.trace.maker]
        values = [reading.slopes.get(key, 0) for key in keys] + [step.out for step in makers]
        return "bad" if any([badness(value) for value in values]) else ""

    # Parts of them --------------------------------------------------------------------------------

    def _roles(self, steps: list[Step]) -> list[str]:
        """The roles that some of the steps play, and ``dead`` if all are."""
        reading, found = self.reading, []
        keys = [key for step in steps for key, _ in step.results]
        if reading.first_bad and any([s.number == reading.first_bad[0] for s in steps]):
            found.append("bad")
        for role, known in (("source", reading.sources), ("target", reading.targets)):
            if not set(known).isdisjoint(keys):
                found.append(role)
        if all([step.number in reading.dead for step in steps]):
            found.append("dead")
        return found

    def _role_words(self, roles: list[str], inside: str = "") -> list[str]:
        """The roles in capitals, for those who cannot see the colours."""
        words = {"source": f"SOURCE{inside}", "target": f"TARGET{inside}", "dead": "DEAD"}
        if self.reading.first_bad:
            words["bad"] = f"FIRST BAD {self.reading.first_bad[1].upper()}{inside}"
        return [words[role] for role in roles if role in words]

    def _value_lines(self, value: Any, slope: Any) -> list[Line]:
        lines = [Line("kind", kind_text(value)), Line("value", value_text(value))]
        return lines if slope is None else [*lines, Line("slope", f"∂ {value_text(slope)}")]

    def _ends(self, fold: Fold, steps: list[Step]) -> list[Line]:
        """What the last operation gave: in a loop, in the first pass and in the last."""
        last, sign = steps[-1], _sign(steps[-1])
        first = next(step for step in steps if _sign(step) == sign)
        name = next(self.reading.names_of(last), "") or last.name
        if fold.kind not in ("loop", "passes") or first is last:
            lines = self._value_lines(last.out, self.reading.slope(last))
            lines[0].text = f"{name}: {lines[0].text}"
            return lines
        lines = [Line("kind", f"{name}: {kind_text(last.out)}, first → last")]
        for style, a, b in (
            ("value", first.out, last.out),
            ("slope", self.reading.slope(first), self.reading.slope(last)),
        ):
            sign_of = "∂ " if style == "slope" else ""
            if a is None or b is None:
                continue
            texts = [value_text(a), value_text(b)]
            both = f"{sign_of}{texts[0]} → {texts[1]}"
            whole = [both] if len(both) <= WIDTH else [sign_of + texts[0], f"→ {texts[1]}"]
            lines += [Line("slope" if sign_of else "value", text) for text in whole]
        return lines


def _title(fold: Fold, steps: list[Step]) -> str:
    place = steps[0].place
    if fold.kind == "loop":
        return f"repeated × {fold.count:,}"
    if fold.kind == "passes":
        return f"passes {fold.first:,} to {fold.first + fold.count - 1:,}"
    if fold.kind == "pass":
        return f"pass {fold.first:,}"
    if fold.kind == "function" and place is not None:
        return shortened(f"in {place.function}", WIDTH)
    if fold.kind == "line" and place is not None:
        return f"line {place.line}"
    return f"operations {steps[0].number + 1:,} to {steps[-1].number + 1:,}"


def _with_roles(node: Node, words: list[str]) -> Node:
    if words:
        node.lines.insert(0, Line("role", " · ".join(words)))
    return node


def _sign(step: Step) -> Any:
    return step.name, step.place and step.place.spot


def _digest(value: Any) -> bytes:
    """What arrays of the same content have in common."""
    array = np.ascontiguousarray(value)
    words = f"{array.shape} {array.dtype}".encode()
    return hashlib.blake2b(words + array.tobytes(), digest_size=16).digest()
