"""Where the demo prints: in one language, to a terminal of any width, a pipe or an ASCII file."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

__all__ = ["Language", "Screen"]

Language = Literal["en", "zh"]

#: What stands for signs that the output's encoding lacks.
ASCII = {"✓": "[ok]", "✗": "[differs]", "²": "^2", "µ": "u"}


class Screen:
    """Standard output, with colours and a progress bar only where it is a terminal.

    Parameters
    ----------
    language : "en" or "zh". Where the output's encoding has no Chinese, English is used.
    """

    def __init__(self, language: Language = "en") -> None:
        from rich.console import Console

        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # a comment in Chinese must not end the demo
        self.console: Console = Console(highlight=False)
        self.language: Language = "en"
        chinese = self._encodes("中文")
        if chinese:
            self.language = language
        else:
            self.say(
                f"(The output's encoding, {self.console.encoding}, has no Chinese: such characters "
                "show as '?'. With PYTHONIOENCODING=utf-8 they show as they are.)"
            )

    def _encodes(self, text: str) -> bool:
        try:
            text.encode(self.console.encoding)
        except (UnicodeEncodeError, LookupError):
            return False
        return True

    def pick(self, en: str, zh: str) -> str:
        """The text in the screen's language."""
        return zh if self.language == "zh" else en

    def fit(self, text: str) -> str:
        """The text with ASCII for the signs that the output's encoding lacks."""
        for sign, plain in ASCII.items():
            if sign in text and not self._encodes(sign):
                text = text.replace(sign, plain)
        return text

    def say(self, en: str, zh: str | None = None, style: str = "", indent: int = 0) -> None:
        """Print prose, wrapped at the width of the screen."""
        from rich.text import Text

        text = Text(self.fit(self.pick(en, en if zh is None else zh)), style)
        for line in text.wrap(self.console, max(10, self.console.width - indent)):
            line.rstrip()
            line.pad_left(indent)
            self.console.print(line, soft_wrap=True)

    def line(self, text: str = "", style: str = "") -> None:
        """Print a line, or lines, as they are: nothing is wrapped."""
        from rich.text import Text

        self.console.print(Text(self.fit(text), style), soft_wrap=True)

    def heading(self, text: str) -> None:
        """Print a heading with an empty line before it."""
        self.line()
        self.say(text, text, "bold")

    def code(self, code: str, indent: int = 4) -> None:
        """Print Python code, coloured on a terminal."""
        from rich.syntax import Syntax

        lines = "\n".join([(" " * indent + line).rstrip() for line in code.splitlines()])
        text = Syntax("", "python", theme="ansi_dark", background_color="default").highlight(lines)
        text.rstrip()
        self.console.print(text, soft_wrap=True)

    def shown(self, text: str, indent: int = 4) -> None:
        """Print what code shows, with an empty line before it."""
        if text:
            self.line()
        for line in text.splitlines():
            self.line((" " * indent + line).rstrip(), "cyan")

    def table(self, titles: Sequence[str], rows: Sequence[Sequence[str]], indent: int = 4) -> None:
        """Print a small table: the first column to the left, the others to the right."""
        from rich.cells import cell_len

        lines = [titles, *rows]
        widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
        for line in lines:
            cells = []
            for i, (cell, width) in enumerate(zip(line, widths, strict=True)):
                space = " " * (width - cell_len(cell))
                cells.append(space + cell if i else cell + space)
            self.line(" " * indent + "  ".join(cells).rstrip(), "italic" if line is titles else "")
