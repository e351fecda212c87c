"""Docstrings as reStructuredText.

The docstrings' sections are NumPy's, but an item's line goes on after the colon with what it is, in
words, and needs no type in front: ``x : a tensor or an array.`` So the sections become definition
lists here.
"""

import re
from collections.abc import Callable, Iterator

__all__ = ["linked", "sections"]

#: Sections whose items have a name, and those of plain text.
NAMED = ("Parameters", "Raises", "Attributes", "Yields")
PLAIN = ("Returns", "Notes", "References", "Examples", "See Also")

_ITEM = re.compile(r"(?P<names>\S.*?) : (?P<text>.*)")
_TERM = re.compile(r"``[^`]+``(, ``[^`]+``)*( : .*)?")
_CODE = re.compile(r"(?<!`)``([^`\s][^`]*)``(?!`)")
_PAGE = re.compile(r"(?<![/\w`])docs/([\w-]+)\.md")
_BACKQUOTED = re.compile(r"(?<![`:\w])`([^`<>]+)`(?![`_\w])")


def sections(lines: list[str]) -> list[str]:
    r"""Docstring lines with each section's underlined title turned into a rubric.

    Examples
    --------
    >>> print("\n".join(sections(["Sum.", "", "Parameters", "----------", "x : an array."])))
    Sum.
    <BLANKLINE>
    .. rubric:: Parameters
    <BLANKLINE>
    ``x``
        an array.
    <BLANKLINE>
    """
    out: list[str] = []
    title = ""
    body: list[str] = []
    for number, line in enumerate(lines):
        below = lines[number + 1] if number + 1 < len(lines) else ""
        if line in NAMED + PLAIN and below and set(below) == {"-"}:
            out += _section(title, body)
            title, body = line, []
        elif not (title and not body and line and set(line) == {"-"}):
            body.append(line)
    return [*out, *_section(title, body)]


def _section(title: str, body: list[str]) -> Iterator[str]:
    if title:
        yield from (f".. rubric:: {title}", "")
    for line, below in zip(body, [*body[1:], ""], strict=True):
        item = _ITEM.fullmatch(line) if title in NAMED else None
        if item:
            names = item["names"].replace("``", "").split(", ")
            term = ", ".join(f"``{name}``" for name in names)
            if _is_type(item["text"], below):
                yield f"{term} : {item['text']}"
            else:
                yield from (term, f"    {item['text']}")
        else:
            yield line
    if title and (not body or body[-1]):
        yield ""


def _is_type(text: str, below: str) -> bool:
    """Whether an item's first line is a type: a short line, and what it is stands below."""
    return (
        len(text) < 60 and re.match(r"    +([A-Z]|:math:)", below) is not None and text[-1] != "."
    )


def linked(lines: list[str], target: Callable[[str], str | None], up: str) -> list[str]:
    """Docstring lines in which public names and pages are links.

    Parameters
    ----------
    lines : of reStructuredText.
    target : gives the full name of what a piece of code names, or None.
    up : the way from where the lines stand to the pages, as ``../``.

    Examples
    --------
    >>> linked(["As ``grad``; see docs/conventions.md."], {"grad": "gradtape.grad"}.get, "../")
    ['As :py:obj:`grad <gradtape.grad>`; see :doc:`conventions <../conventions>`.']
    """

    def code(match: re.Match[str]) -> str:
        full = target(match[1])
        return f":py:obj:`{match[1]} <{full}>`" if full else match[0]

    out = []
    for line in lines:
        if not (line.lstrip().startswith((">>>", "...")) or _TERM.fullmatch(line)):
            line = _BACKQUOTED.sub(r"``\1``", line)
            line = _PAGE.sub(rf":doc:`\1 <{up}\1>`", _CODE.sub(code, line))
        out.append(line)
    return out
