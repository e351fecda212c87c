"""Whether random numbers are drawn from the operating system while a function is traced."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gradtape.programs.tracing import TraceError

__all__ = ["no_entropy"]


@contextmanager
def no_entropy() -> Iterator[None]:
    """Raise after the block if this thread asked for entropy in it, as unseeded generators do.

    Raises
    ------
    TraceError : it did.
    """
    source: Any = random._urandom  # type: ignore[attr-defined]
    thread, asked = threading.get_ident(), []

    def watched(count: int) -> Any:
        if threading.get_ident() == thread:
            asked.append(count)
        return source(count)

    random._urandom = watched  # type: ignore[attr-defined]
    try:
        yield
    finally:
        random._urandom = source  # type: ignore[attr-defined]
    if asked:
        raise TraceError(
            "a traced function made a generator of random numbers without a seed: a program would "
            "use the same numbers at each call. Make it outside, draw there, and pass the numbers "
            "as an argument."
        )
