"""A program's code in two tiers: compiled quickly at first, thoroughly once its calls pay for that.

The quick code counts its calls. The one that is due compiles the text again, thoroughly, and puts
the new code's address where Python finds the function's: from then on nothing is counted, and no
call costs more than if there had been one tier. Both tiers compute the same bits.

When it is due is estimated from what the program has to do and how long it is, as in
``programs/warming.py``: when its calls have taken a fair share of the time that compiling it
thoroughly takes. What takes longer than that in its first call is compiled thoroughly at once, and
so is what would need much memory on the stack. What the disk has is taken from there.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from typing import Any

from gradtape.programs.llvm import objects
from gradtape.programs.llvm.jit import QUICK, Code, compiled, kept
from gradtape.programs.llvm.products import PRODUCT

__all__ = ["CALLS_LEFT", "DUE", "tiered"]

#: The keys of words in a program's table: how many calls are left until it is compiled thoroughly,
#: and what is called then.
CALLS_LEFT, DUE = "calls_left", "due"

# Seconds, measured on one machine.
#: To compile thoroughly: at least, for each line, for each call of mathematics, and for each size
#: of a product of matrices.
_AT_LEAST, _LINE, _CALL_OF_MATHEMATICS, _PRODUCT = 5e-3, 2.5e-5, 1e-3, 1e-2
#: To run quick code: a call, each node, each unit of work.
_CALL, _NODE, _UNIT = 5e-7, 2e-9, 1e-10
#: When calls have taken such a share of the time that compiling takes, it is done: what quick code
#: has taken for nothing is then less than that.
_SHARE = 0.25

#: Quick code has each value in memory of its own: on the stack, of which threads have little.
_MOST_STACK = 1 << 18
_VECTOR, _NUMBER = 64, 8

_NEVER = (1 << 63) - 1

_COUNTED = """
define ptr @"counted"(ptr %this, ptr %arguments, i64 %count) {{
  %place = getelementptr i8, ptr %this, i64 {value}
  %words = load ptr, ptr %place
  %left = getelementptr i8, ptr %words, i64 {left}
  %before = load i64, ptr %left
  %after = sub i64 %before, 1
  store i64 %after, ptr %left
  %is_due = icmp eq i64 %after, 0
  br i1 %is_due, label %due, label %run
due:
  %place_of_due = getelementptr i8, ptr %words, i64 {due}
  %what = load ptr, ptr %place_of_due
  %place_of_call = getelementptr i8, ptr %words, i64 {call}
  %call = load ptr, ptr %place_of_call
  %answer = call ptr %call(ptr %what)
  %failed = icmp eq ptr %answer, null
  br i1 %failed, label %raise, label %done
done:
  %place_of_release = getelementptr i8, ptr %words, i64 {release}
  %release = load ptr, ptr %place_of_release
  call void %release(ptr %answer)
  br label %run
raise:
  ret ptr null
run:
  %result = call ptr @"program"(ptr %this, ptr %arguments, i64 %count)
  ret ptr %result
}}
"""


def tiered(
    text: str, table: Any, places: dict[Any, int], work: tuple[int, int], memory: Any
) -> Callable[..., Any]:
    """A text's function ``program`` as a function of Python.

    Parameters
    ----------
    text : the program, in LLVM's language.
    table : the words that the code gets.
    places : where they are, by their keys.
    work : how many nodes the program has, and how much it has to do.
    memory : what must live as long as the function does.
    """
    code = kept(text, "program")
    calls = _calls_until_due(text, work)
    if code is None and (calls < 2 or _stack(text) > _MOST_STACK):
        code = compiled(text, "program")
    if code is not None:
        return objects.callable_of(objects.method(code.address), table, (code, memory))
    counted = text + _COUNTED.format(
        value=objects.VALUE,
        left=8 * places[CALLS_LEFT],
        due=8 * places[DUE],
        call=8 * places["call"],
        release=8 * places["release"],
    )
    code = compiled(counted, "counted", QUICK)
    method = objects.method(code.address)
    due = _Due(text, method, table, places[CALLS_LEFT], calls)
    table[places[DUE]] = id(due)
    return objects.callable_of(method, table, (code, memory, due))


def _calls_until_due(text: str, work: tuple[int, int]) -> int:
    """At which call a program is to be compiled thoroughly; at the first one if it runs longer."""
    nodes, units = work
    running = _CALL + _NODE * nodes + _UNIT * units
    lines, calls = text.count("\n"), text.count('@"gradtape.')
    products = text.count(f'declare void @"{PRODUCT}')
    compiling = _AT_LEAST + _LINE * lines + _CALL_OF_MATHEMATICS * calls + _PRODUCT * products
    return max(1 + (compiling > running), int(_SHARE * compiling / running))


def _stack(text: str) -> int:
    """How many bytes on the stack quick code needs at most, or nearly so."""
    return _VECTOR * text.count(" <") + _NUMBER * text.count(" = ")


class _Due:
    """Compiles a text thoroughly when it is called, and lets a function of Python use that code."""

    def __init__(self, text: str, method: Any, table: Any, place: int, calls: int) -> None:
        self._text, self._method = text, method
        self._code: Code | None = None
        self._table, self._place, self._calls = table, place, calls
        self._compiling = threading.Lock()
        table[place] = calls

    def __call__(self) -> None:
        # Who calls meanwhile, and who comes after an interrupt, counts again.
        self._table[self._place] = self._calls
        if not self._compiling.acquire(blocking=False):
            return
        try:
            if self._code is None:
                self._code = compiled(self._text, "program")
                self._method.address = self._code.address
                self._text = ""
        except Exception as error:
            self._table[self._place] = _NEVER
            warnings.warn(
                f"a program could not be compiled thoroughly and stays slower than it could be, "
                f"with the same results ({type(error).__name__}: {error}): please report this",
                stacklevel=2,
            )
        finally:
            self._compiling.release()
