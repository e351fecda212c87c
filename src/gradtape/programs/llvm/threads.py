"""A pool of native threads: the pieces of a large step run on several processors.

Why native threads: a piece takes some microseconds, less than Python needs to hand it over, and no
thread here ever holds or waits for Python's lock. The pool is a block of memory and a few functions
in LLVM's language, compiled once. Programs find both through the table of words that they are
called with, as they find everything else: their text and their object code hold no addresses.

A caller publishes a function and a number of pieces in a *ticket*, takes pieces itself, and waits
for those that others have taken. It never waits for a worker that has not begun: without workers
(one that could not be started; a process that was copied by other means than Python's) it does all
of them itself. A second caller that finds the pool busy does so, too. Which pieces there are, and
in which order their results come together, does not depend on who runs them.

Workers look for a ticket for some microseconds after the last one, then sleep. Before a fork they
end; parent and child make new ones when they need them, as after a change of their number. At the
interpreter's end they end for good.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import signal

from gradtape.programs.llvm.jit import QUICK, compiled
from gradtape.programs.llvm.pool_text import BYTES, called, written
from gradtape.programs.threads import get_threads, on_change

__all__ = ["pool"]


class Pool:
    """The pool: ``address`` is that of its memory, ``run`` that of the function for callers.

    That takes the memory, a piece's function, what this is given, and the number of pieces. A
    piece's function takes what it is given, the piece, and who runs it: a number below that of the
    pieces, by which nobody else runs one at the same time.
    """

    def __init__(self) -> None:
        words = (ctypes.c_uint64 * (BYTES // 8 + 8))()
        functions = (ctypes.c_uint64 * 4)()
        self.address = -(-ctypes.addressof(words) // 64) * 64
        code = compiled(written(), "setup", QUICK)  # there is little to gain by more
        setup = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(code.address)
        setup(self.address, ctypes.addressof(functions))
        self.run = functions[0]
        self._close = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(functions[1])
        sized = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)
        self._open, self._resize = sized(functions[2]), sized(functions[3])
        self._threads, self._is_over = 1, False
        for kept in (words, code):  # a thread may still run when Python has let go of everything
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(kept))

    def close(self) -> None:
        """Wait until nobody uses it, and let the workers end. It must be opened again."""
        self._close(self.address)

    def open(self) -> None:
        """Let it be used again; workers come when they are needed."""
        self._open(self.address, self._threads)

    def resize(self, threads: int) -> None:
        """Change the number of threads, callers included."""
        self._threads = 1 if self._is_over else threads
        self._resize(self.address, self._threads)

    def end(self) -> None:
        """Let the workers end for good: the interpreter ends."""
        self._is_over = True
        self.resize(1)


_POOLS: dict[str, Pool] = {}


def pool() -> Pool | None:
    """The pool of this process; None where there are no threads of this kind."""
    found = _POOLS.get("pool")
    if found is None and _possible():
        threads, mine = get_threads(), Pool()
        found = _POOLS.setdefault("pool", mine)
        if found is mine:  # and no other thread's
            mine.resize(threads)
            on_change(mine.resize)
            os.register_at_fork(
                before=mine.close, after_in_parent=mine.open, after_in_child=mine.open
            )
            atexit.register(mine.end)
    return found


def _possible() -> bool:
    """Whether this process has the functions that the pool needs."""
    return (
        hasattr(os, "register_at_fork")
        and hasattr(signal, "SIG_SETMASK")
        and all([hasattr(ctypes.pythonapi, name) for name in called()])
    )
