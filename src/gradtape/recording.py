"""What is recorded, and who is recording: the records and the stack of active recorders.

A recorder is anything that wants to see primitive calls: a tape, a forward accumulator. Recorders
belong to the context that started them (``contextvars``), so threads and tasks do not see each
other's. This module imports nothing of ours.

A tape keeps one primitive call as a plain tuple (a named one costs a call more), its record:

- ``primitive``: the rule-bearing primitive that was called;
- ``out_key``: the key of its output (a tuple of keys when it has several outputs);
- ``mask``: which inputs this tape tracks, bit i for input i;
- ``keys``: per input its key, whoever tracks it, or None;
- ``saved``: the values that the rules of the tracked inputs name, else None;
- ``notes``: what the primitive noted of the inputs' shapes and dtypes;
- ``params``: the static parameters of the canonical call.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count
from typing import Any, Protocol, Self

__all__ = [
    "ACTIVE",
    "AS_SYMBOLS",
    "InBlock",
    "Recorder",
    "active",
    "as_symbol",
    "leave",
    "new_key",
    "only",
    "start",
    "stop",
]


class Recorder(Protocol):
    """What is called for every primitive call while it is active."""

    tracked: Any  #: the keys it tracks: anything with ``in``

    def tracks(self, tensor: Any) -> bool:
        """Whether a use of the tensor would be seen."""

    def record(
        self, primitive: Any, keys: Any, inputs: Any, arrays: Any, params: Any, out: Any, key: Any
    ) -> Any:
        """See one call; return the output's key, a new one if it was None and is now tracked.

        ``inputs`` are what was passed (tensors or bare values), ``keys`` and ``arrays`` their keys
        (None for bare values) and what is inside them.
        """


#: The stack of active recorders; ``active()`` reads it.
ACTIVE: ContextVar[tuple[Recorder, ...]] = ContextVar("gradtape_active_recorders", default=())

#: The active recorders of this context, outermost first.
active = ACTIVE.get

#: What makes symbols of the arrays that derivatives start from, while a function is traced.
AS_SYMBOLS: list[Any] = []


def as_symbol(value: Any) -> Any:
    """What a derivative starts from, as a symbol if this thread traces a function."""
    for convert in AS_SYMBOLS[-1:]:  # another thread's trace may end at any time
        return convert(value)
    return value


#: A key never used before; a key names one value for all recorders.
new_key = count(1).__next__


def start(recorder: Recorder) -> None:
    """Make a recorder the innermost active one."""
    ACTIVE.set((*ACTIVE.get(), recorder))


def stop(recorder: Recorder) -> None:
    """Take a recorder off the stack, wherever it stands on it."""
    stack = ACTIVE.get()
    if stack and stack[-1] is recorder:
        ACTIVE.set(stack[:-1])
    else:
        ACTIVE.set(tuple([r for r in stack if r is not recorder]))


def leave(tensor: Any, how: str, result: Any) -> Any:
    """Tell who wants to know that a value becomes something that no recorder follows; return it."""
    for recorder in ACTIVE.get():
        left = getattr(recorder, "left", None)
        if left is not None:
            left(tensor, how, result)
    return result


class InBlock(Recorder):
    """A recorder that is active in a ``with`` block."""

    def __enter__(self) -> Self:
        start(self)
        return self

    def __exit__(self, *exception: object) -> None:
        stop(self)

    def tracks(self, tensor: Any) -> bool:
        """Whether it tracks the tensor's key."""
        return tensor.key in self.tracked


@contextmanager
def only(recorders: tuple[Recorder, ...]) -> Iterator[None]:
    """Just the given recorders see what happens in the block."""
    token = ACTIVE.set(recorders)
    try:
        yield
    finally:
        ACTIVE.reset(token)
