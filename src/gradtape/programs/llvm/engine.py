"""The LLVM engine: a graph as native functions, with NumPy for what they cannot do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradtape.programs.graph import Graph, Guard, Node
from gradtape.programs.llvm import objects
from gradtape.programs.llvm.parts import Part, parts_of
from gradtape.programs.llvm.segments import DECLINED, OTHERWISE, Segment, is_checkable
from gradtape.programs.numpy_engine import GuardFailed, NumpyProgram
from gradtape.programs.text import as_text

__all__ = ["LlvmProgram"]


class LlvmProgram:
    """A graph, compiled.

    Call it with the values of the graph's inputs; it returns the outputs, new arrays each time.
    What native code cannot do runs on NumPy, between what it can. ``run`` is the shortest way: it
    gives a tuple, or ``DECLINED`` or ``OTHERWISE`` of ``segments``, and leaves it to its caller
    what to do about these.

    Raises
    ------
    GuardFailed : (by a call) a guard found something else than when the function was traced.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._slow: NumpyProgram | None = None
        self.parts = parts_of(graph) if objects.available() else []
        if len(self.parts) == 1 and self.parts[0].native:
            self.run: Callable[..., Any] = _native(self.parts[0])
        elif any([part.native for part in self.parts]):
            self.run = _Sequence(graph, self.parts)
        else:
            self.run = self._by_numpy

    @property
    def source(self) -> str:
        """The instructions, in LLVM's language."""
        return "\n".join([Segment.source(part.graph) for part in self.parts if part.native])

    def text(self) -> str:
        """The program to read: each value with its size, its work and where it is computed."""
        kernels: dict[Node, str] = {}
        for part in self.parts:
            for node in part.graph.nodes:
                whole = part.whole(node)
                if node.op is not None and whole is not None:
                    kernels[whole] = part.kernels.get(node, "NumPy")
        return as_text(self.graph, kernels)

    def __call__(self, *inputs: Any) -> Any:
        """The outputs for some inputs."""
        results = self.run(*inputs)
        if type(results) is tuple:
            return results
        if results is DECLINED:
            results = self.run(*map(_plain, inputs))
        if results is OTHERWISE:
            raise GuardFailed
        return self._by_numpy(*inputs) if results is DECLINED else results

    def _by_numpy(self, *inputs: Any) -> Any:
        """The outputs, by the NumPy engine."""
        if self._slow is None:
            self._slow = NumpyProgram(self.graph)
        return tuple(self._slow(*inputs))


class _Sequence:
    """Several parts, one after the other."""

    def __init__(self, graph: Graph, parts: list[Part]) -> None:
        places: dict[Node, int] = {node: i for i, node in enumerate(graph.inputs)}
        self._steps = []
        for part in parts:
            takes = [places[node] for node in part.takes]
            for node in part.gives:
                places.setdefault(node, len(places))
            gives = [places[node] for node in part.gives]
            run = _native(part) if part.native else NumpyProgram(part.graph)
            self._steps.append((run, takes, gives))
        self._count = len(places)
        self._outputs = [places[node] for node in graph.outputs]
        self._again = [i for i, place in enumerate(self._outputs) if place in self._outputs[:i]]

    def __call__(self, *inputs: Any) -> Any:
        values: list[Any] = [*inputs, *[None] * (self._count - len(inputs))]
        for run, takes, gives in self._steps:
            try:
                results = run(*[values[i] for i in takes])
                if type(results) is not tuple and results is DECLINED:
                    results = run(*[_plain(values[i]) for i in takes])
            except GuardFailed:
                return OTHERWISE
            except Exception:  # a guard of a later part may stand before what failed
                return DECLINED
            if type(results) is not tuple:
                return results
            for place, result in zip(gives, results, strict=True):
                values[place] = result
        outputs = [values[i] for i in self._outputs]
        for i in self._again:  # each output is an array of its own
            outputs[i] = outputs[i].copy() if isinstance(outputs[i], np.ndarray) else outputs[i]
        return tuple(outputs)


def _native(part: Part) -> Callable[..., Any]:
    """A part as a function that checks all of its guards."""
    guards = part.graph.guards
    others = [guard for guard in guards if not is_checkable(guard)]
    graph = part.graph
    if others:
        native = [guard for guard in guards if is_checkable(guard)]
        outputs = [*graph.outputs, *[guard.node for guard in others]]
        graph = Graph(graph.nodes, graph.inputs, outputs, native)
    segment = Segment(graph)
    part.kernels = segment.kernels
    run = segment.run
    if not others:
        return run

    def checked(*inputs: Any) -> Any:
        results = run(*inputs)
        if type(results) is not tuple:
            return results
        count = len(results) - len(others)
        for guard, value in zip(others, results[count:], strict=True):
            if not _holds(guard, value):
                return OTHERWISE
        return results[:count]

    return checked


def _holds(guard: Guard, value: Any) -> bool:
    told, seen = guard.look(value), guard.seen
    return bool(told == seen or (told != told and seen != seen))


def _plain(value: Any) -> Any:
    """An argument as native code takes it: an array in order, a number for one without axes."""
    if isinstance(value, np.ndarray):
        return np.array(value, order="C") if value.ndim else value[()]
    return value
