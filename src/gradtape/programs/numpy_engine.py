"""The NumPy engine: a graph as straight-line Python over NumPy, with memory that is its own.

Each node becomes one line. Arrays are written into memory that is allocated once and that values
use one after the other; large ones are computed block by block, in loops over their rows that
several threads may share; numbers are Python's own. What comes out is a new array each time. NumPy
does not warn of infinities and NaN on the way.

Each operation is NumPy's own and gives what it gives there, with four exceptions, of a few units
in the last place: a sum may be added up in another order (always the same one); products that are
only added up, along the last axis or as a whole, may be rounded with the sum alone; functions of
numbers are those of Python's ``math``; and sines beside cosines may come from tangents.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradtape.programs.emitting import GuardFailed, Writer
from gradtape.programs.graph import Graph
from gradtape.programs.sines import with_quick_sines
from gradtape.programs.text import as_text
from gradtape.sweep import QUIET

__all__ = ["GuardFailed", "NumpyProgram"]

#: Programs that raised in the fast form so often in a row are run in the careful one at once.
OFTEN = 8

Run = Callable[..., tuple[Any, ...]]


class NumpyProgram:
    """A graph, ready to run.

    Call it with the values of the graph's inputs; it returns the outputs, new arrays each time.
    Calls at the same time, in several threads or within each other, have memory of their own.

    Raises
    ------
    GuardFailed : (by a call) a guard found something else than when the function was traced.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph = with_quick_sines(graph)
        writer = Writer(graph, fast=True)
        self.source, run = writer.written()
        self._kernels = writer.kernels
        #: The bytes that it keeps between two calls; other threads keep some of their own.
        self.memory = writer.memory.size
        self._idle: list[Run] = [run]
        self._careful: list[Run] = []
        self._raised = 0

    def __call__(self, *inputs: Any) -> tuple[Any, ...]:
        """The outputs for some inputs."""
        if self._raised < OFTEN:
            try:
                run = self._idle.pop()
            except IndexError:  # another call is under way
                run = Writer(self.graph, fast=True).written()[1]
            try:
                results = QUIET.copy().run(run, *inputs)
            except Exception as error:  # after an interrupt other threads may still be at work
                self._idle.append(run)
                if not isinstance(error, (ArithmeticError, ValueError)):
                    raise
                self._raised += 1  # for Python's numbers raise where NumPy's do not
            else:
                self._idle.append(run)
                return results
        return self._run_carefully(inputs)

    def text(self) -> str:
        """The program to read: each value with its size, its work and where it is computed."""
        return as_text(self.graph, self._kernels)

    def _run_carefully(self, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        try:
            run = self._careful.pop()
        except IndexError:
            run = Writer(self.graph, fast=False).written()[1]
        try:
            results = QUIET.copy().run(run, *inputs)
        except Exception:
            self._careful.append(run)
            raise
        self._careful.append(run)
        return results
