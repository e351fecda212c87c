"""Where in the user's program something happens: the line, the expression, the names there."""

from __future__ import annotations

import linecache
import os.path  # pathlib would take a quarter of the import
import sys
from collections.abc import Iterator
from functools import cached_property, lru_cache
from itertools import islice
from types import CodeType, FrameType
from typing import Any

import numpy as np

__all__ = ["Place", "names_in", "outer_frame", "place_of", "users_frame"]

#: Calls from files in these folders are not the user's own.
_OURS = tuple([f"{os.path.dirname(file)}/" for file in (__file__, str(np.__file__))])


class Place:
    """One instruction of a program.

    What it costs to know the line's text and the expression is paid when they are asked for: a
    trace makes a place for every operation.
    """

    def __init__(
        self, code: CodeType, instruction: int, line: int, scope: dict[str, Any] | None = None
    ) -> None:
        self._code, self._instruction = code, instruction
        #: The module's names, those of the modules that it imported among them.
        self.scope: dict[str, Any] = {} if scope is None else scope
        #: The line's number in its file, counted from 1.
        self.line = line

    @property
    def file(self) -> str:
        """The file's name, as Python has it; in a notebook or a prompt, one in angle brackets."""
        return self._code.co_filename

    @property
    def function(self) -> str:
        """The function's name; ``<module>`` outside of any."""
        return self._code.co_qualname

    @property
    def code(self) -> CodeType:
        """The code of the function, or of the module, that it is in."""
        return self._code

    def is_at(self, other: Place | None) -> bool:
        """Whether it is the same expression.

        Python makes other instructions of a call once it was run some times.
        """
        return other is not None and self.spot == other.spot

    @property
    def spot(self) -> tuple[CodeType, Any]:
        """What the places of the same expression have in common, as those in a loop's passes."""
        return self._code, self.span or self._instruction

    @property
    def order(self) -> int:
        """A number that grows in the order in which a function's expressions are computed."""
        return self._instruction

    @cached_property
    def text(self) -> str:
        """The line without its indentation; empty where no source is to be had."""
        return linecache.getline(self.file, self.line).strip()

    @cached_property
    def span(self) -> tuple[int, int, int, int] | None:
        """First line, last line, first column and end column (in bytes) of the expression."""
        return _span(self._code, self._instruction)

    @cached_property
    def expression(self) -> str:
        """The text of the expression that is computed there; empty where it cannot be had."""
        if self.span is None:
            return ""
        first, last, column, end = self.span
        lines = [linecache.getline(self.file, n).encode() for n in range(first, last + 1)]
        if not all(lines):
            return ""
        lines[-1] = lines[-1][:end]
        lines[0] = lines[0][column:]
        return b"".join(lines).decode()

    @property
    def short_file(self) -> str:
        """The file's name without its folders; of a notebook's cell, that it is one."""
        if "ipykernel_" in self.file or self.file.startswith("<ipython-input"):
            return "the cell"
        return self.file if self.file.startswith("<") else os.path.basename(self.file)

    def __str__(self) -> str:
        return f"{self.short_file}, line {self.line}" + (f": {self.text}" if self.text else "")

    def __repr__(self) -> str:
        return f"<{self}>"


@lru_cache(4096)
def _span(code: CodeType, instruction: int) -> tuple[int, int, int, int] | None:
    """Where the expression of an instruction is; a loop asks for the same ones."""
    found = next(islice(code.co_positions(), instruction // 2, None), None)
    if found is None or None in found:
        return None
    first, last, column, end = found
    return first, last, column, end  # type: ignore[return-value]


def users_frame(depth: int = 1) -> FrameType | None:
    """The innermost frame of a program that is neither ours nor NumPy's."""
    frame: FrameType | None = sys._getframe(depth)
    while frame is not None and frame.f_code.co_filename.startswith(_OURS):
        frame = frame.f_back
    return frame


def outer_frame(frame: FrameType) -> FrameType | None:
    """The next frame of the user's that led to a frame."""
    caller = frame.f_back
    while caller is not None and caller.f_code.co_filename.startswith(_OURS):
        caller = caller.f_back
    return caller


def place_of(frame: FrameType) -> Place:
    """The place where a frame is now."""
    return Place(frame.f_code, frame.f_lasti, frame.f_lineno, frame.f_globals)


def names_in(frame: FrameType) -> Iterator[tuple[str, Any]]:
    """The names that a frame sees, its own first, and what they stand for."""
    yield from frame.f_locals.items()
    if frame.f_globals is not frame.f_locals:
        yield from frame.f_globals.items()
