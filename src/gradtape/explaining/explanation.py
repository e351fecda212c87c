"""The answer to why a gradient is what it is: findings, and the words that say them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gradtape.explaining.operands import shown
from gradtape.places import Place

__all__ = ["Explanation", "Finding"]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, with all that is known of it.

    Attributes
    ----------
    cause : its name: one of ``gradtape.explaining.CAUSES`` or ``gradtape.explaining.REASONS``.
    line : the place in the user's program, with ``file``, ``line``, ``function``, ``text`` and
        ``expression``; None where it has none.
    operation : the name of the operation there.
    sources : the entries of the gradient that it is about, such as ``x[1]``.
    values : the values of the operation's inputs there, bare, as they count for the bad entry.
    chain : the names of the operations from the target to the source.
    cure : what to write instead, checked at these very values; None where nothing is known.
    """

    cause: str
    headline: str
    line: Place | None = None
    operation: str = ""
    sources: tuple[str, ...] = ()
    values: tuple[Any, ...] = ()
    story: tuple[str, ...] = ()
    place: tuple[str, ...] = ()
    chain: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    cure: Any = None

    def __str__(self) -> str:
        lines = [*_wrapped(self.headline, ""), "", f"Cause: {self.cause}"]
        lines += [f"  {line}" for line in self.place]
        for sentence in self.story:
            lines += _wrapped(sentence, "  ")
        if self.rows:
            lines += ["", "From the target back to the source:"]
            lines += [f"  {row}" for row in self.rows]
        if self.cure is not None:
            lines += ["", "Cure: write"]
            lines += [f"    {line}" for line in (*self.cure.imports, self.cure.after)]
            lines += ["instead of"]
            lines += [f"    {self.cure.before}"]
            why = f"Why: {str(self.cure.why).rstrip('.')}"
            checked = f"It gives {shown(self.cure.value)} here, with the gradient "
            lines += _wrapped(f"{why}. {checked}{shown(self.cure.gradient)}.", "")
        return "\n".join(lines)


@dataclass(frozen=True)
class Explanation:
    """What ``explain`` answers: ``print`` it, or read its parts.

    Attributes
    ----------
    findings : what was found, the most important first; empty where all is well.
    summary : one sentence on the gradient as a whole.
    """

    summary: str
    findings: tuple[Finding, ...] = field(default=())

    @property
    def cause(self) -> str | None:
        """The name of the first finding's cause; None where nothing is wrong."""
        return self.findings[0].cause if self.findings else None

    @property
    def line(self) -> Place | None:
        """The line of the first finding."""
        return self.findings[0].line if self.findings else None

    @property
    def cure(self) -> Any:
        """The first cure that is known; None where none is."""
        return next((f.cure for f in self.findings if f.cure is not None), None)

    def __str__(self) -> str:
        return "\n\n".join([*([self.summary] if self.summary else []), *map(str, self.findings)])

    def __repr__(self) -> str:
        return str(self)


def _wrapped(text: str, indent: str) -> list[str]:
    """A sentence in lines of at most 96 characters."""
    lines, line = [], indent
    for word in text.split(" "):
        if len(line) + len(word) > 96 and line.strip():
            lines.append(line.rstrip())
            line = indent
        line += f"{word} "
    return [*lines, line.rstrip()]
