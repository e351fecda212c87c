"""What a cure is made of.

An entry is a pattern (see ``matching``), the expressions to write instead, in the order in which
they are tried, and the reason. The expressions are Python, with the pattern's names as operands.
``np``, ``special`` (``scipy.special``), ``smooth`` (``gradtape.scipy.special``) and ``tf`` stand
for the modules, by whatever names the user has them. ``AXIS`` and ``KEEP`` are the ``axis`` and
``keepdims`` of the pattern's reduction, ``KEPT`` is what lets the result meet the operand again; an
argument that says nothing is left out. ``INDEX`` is that of a ``getitem``. ``%s`` in a reason is
the function that is called.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Entry", "entry"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One cure.

    ``tf`` are the expressions for programs that use ``gradtape.tf``; ``np`` serves them too where
    there are none.
    """

    patterns: tuple[str, ...]
    np: tuple[str, ...]
    tf: tuple[str, ...]
    why: str


def entry(patterns: str, np: str, why: str, tf: str = "") -> Entry:
    """An entry from texts in which ``;`` separates alternatives."""
    first, second, third = map(_alternatives, (patterns, np, tf))
    return Entry(first, second, third, why)


def _alternatives(text: str) -> tuple[str, ...]:
    return tuple([part.strip() for part in text.split(";") if part.strip()])
