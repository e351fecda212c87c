"""Python threads that run a loop's blocks together with the caller: NumPy lets go of Python's lock.

A caller announces a job, takes block after block, and waits for those that others have taken; it
never waits for a helper that has not begun. Each helper computes in memory of its own. Which blocks
there are, and in which order their sums come together, does not depend on who runs them. A second
caller that finds the helpers taken runs its blocks alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any

from gradtape.programs.buffers import Block
from gradtape.programs.threads import get_threads
from gradtape.sweep import QUIET

__all__ = ["Blocks"]

Body = Callable[..., None]
Table = list[tuple[Any, ...]]


class Blocks:
    """What the names in a loop stand for in each of its blocks, for each thread that runs some.

    Parameters
    ----------
    table : the arrays of each block, in the caller's memory.
    scratch : those blocks of memory that hold nothing from one pass of the loop to the next.
    spare : what stands in for them in other threads, by the thread's number; filled here.
    """

    def __init__(
        self, table: Table, scratch: list[Block], spare: dict[int, dict[Block, Block]]
    ) -> None:
        self._tables = {0: table}
        self._scratch = {block.owner: block for block in scratch}
        self._spare = spare

    def __len__(self) -> int:
        return len(self._tables[0])

    def run(self, body: Body, start: Body | None) -> None:
        """Call a loop's body with the arrays of each block.

        ``start`` is called once before that, by each thread, for what the blocks have in common.
        """
        if get_threads() == 1 or not _crew.run(self, body, start):
            if start is not None:
                start(*self._tables[0][0])
            for row in self._tables[0]:
                body(*row)

    def forget(self) -> None:
        """Let go of all arrays: after the last run, for a helper that comes too late."""
        for table in list(self._tables.values()):
            table.clear()

    def table(self, thread: int) -> Table:
        """The arrays of each block, for one thread; 0 is the caller."""
        table = self._tables.get(thread)
        if table is None:
            spare = self._spare.setdefault(thread, {})
            known: dict[int, Any] = {}
            table = [
                tuple([self._moved(value, spare, known) for value in row])
                for row in self._tables[0]
            ]
            self._tables[thread] = table
        return table

    def _moved(self, value: Any, spare: dict[Block, Block], known: dict[int, Any]) -> Any:
        """An array at the same place of a thread's own memory, if it is scratch."""
        block = self._scratch.get(id(getattr(value, "base", None)))
        if block is None:
            return value
        if id(value) not in known:
            if block not in spare:
                spare[block] = Block(block.size)
            known[id(value)] = spare[block].alike(value, block)
        return known[id(value)]


class _Job:
    """A loop that several threads run."""

    def __init__(self, blocks: Blocks, body: Body, start: Body | None) -> None:
        self._blocks, self._body, self._start = blocks, body, start
        self._lock, self._ended = Lock(), Lock()
        self._ended.acquire()
        self._next = self._threads = self._working = 0
        self._error: tuple[int, BaseException] | None = None

    def help(self) -> None:
        """Run blocks, if there are any left."""
        with self._lock:
            if self._next >= len(self._blocks):
                return
            self._threads += 1
            self._working += 1
            thread = self._threads
        with suppress(MemoryError):  # none for another table: the others do without this thread
            self._work(self._blocks.table(thread))
        with self._lock:
            self._working -= 1
            last = self._working == 0 and self._next >= len(self._blocks)
        if last:
            self._ended.release()

    def lead(self) -> None:
        """Run blocks, and wait for those that others run; raise what the first of them raised."""
        self._work(self._blocks.table(0))
        with self._lock:
            waiting = self._working > 0
        if waiting:
            self._ended.acquire()
        if self._error is not None:
            try:
                raise self._error[1]
            finally:  # a helper that comes too late keeps no frames alive
                self._error = None

    def _work(self, table: Table) -> None:
        start = self._start
        while True:
            with self._lock:
                position = self._next
                self._next += 1
            if position >= len(table):
                return
            try:
                if start is not None:
                    start(*table[position])
                    start = None
                self._body(*table[position])
            except BaseException as error:
                # Earlier blocks were taken earlier, and come to their end.
                rank = position if isinstance(error, Exception) else -1
                with self._lock:
                    self._next = len(table)
                    if self._error is None or rank < self._error[0]:
                        self._error = rank, error


class _Crew:
    """The helpers of this process. They are there from the first job on, and wait for the next."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Begin without helpers: in a forked process there are none."""
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._helpers: list[Thread] = []
        self._taken = Lock()
        self._closed = False

    def run(self, blocks: Blocks, body: Body, start: Body | None) -> bool:
        """Run a loop's blocks, if nobody else has the helpers; whether that was so."""
        if not self._taken.acquire(blocking=False):
            return False
        try:
            wanted = min(get_threads(), len(blocks)) - 1
            self._hire(wanted)
            job = _Job(blocks, body, start)
            for _ in self._helpers[:wanted]:
                self._jobs.put(job)
            job.lead()
        finally:
            self._taken.release()
        return True

    def _hire(self, wanted: int) -> None:
        while len(self._helpers) < wanted:
            helper = Thread(target=_helping, args=(self._jobs,), name="gradtape", daemon=True)
            try:
                helper.start()
            except RuntimeError:  # no more threads can be started
                return
            self._helpers.append(helper)

    def close(self) -> None:
        """Let the helpers end, if they have nothing to do: a process with threads forks badly."""
        if self._taken.acquire(blocking=False):
            self._closed = True
            for _ in self._helpers:
                self._jobs.put(None)
            while self._helpers:
                self._helpers.pop().join()

    def open(self) -> None:
        """Let helpers come again when they are needed."""
        if self._closed:
            self._closed = False
            self._taken.release()


def _helping(jobs: SimpleQueue[_Job | None]) -> None:
    context = QUIET.copy()
    while (job := jobs.get()) is not None:
        context.run(job.help)
        del job  # and its memory


_crew = _Crew()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_crew.close, after_in_parent=_crew.open, after_in_child=_crew.renew)
