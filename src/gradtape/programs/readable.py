"""A traced function to read: its program before and after each rewrite, as text or a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gradtape.later import from_module
from gradtape.programs.graph import Graph
from gradtape.programs.recipes import told
from gradtape.programs.rewrites import stages
from gradtape.programs.text import as_text, bytes_of, flops_of

if TYPE_CHECKING:
    from gradtape.drawing import Drawing
    from gradtape.programs.function import Program

__all__ = ["Explanation"]

#: The first of the stages, which no rewrite made.
TRACED = "as it was traced"


class Explanation:
    """One program of a traced function; ``print`` shows all of it.

    Attributes
    ----------
    call : the function and the arguments that the program is for, in words.
    stages : the graph under the name of each rewrite that it comes out of, in order.
    """

    def __init__(self, name: str, program: Program) -> None:
        self.call = f"{name}{told(*program.plan.takes)}"
        self._run: Any = program.run
        self.stages: list[tuple[str, Graph]] = [(TRACED, program.plan.graph)]
        for rewrite, rewritten in stages(program.plan.stabilize):
            self.stages.append((f"after {rewrite}", rewritten(self.stages[-1][1])))

    @property
    def source(self) -> str:
        """What is run: Python code by the NumPy engine, LLVM's instructions by the other."""
        return str(getattr(self._run, "source", ""))

    def draw(self, stage: int = -1) -> Drawing:
        """A picture of the program.

        Parameters
        ----------
        stage : the place in ``stages`` of the graph that is drawn; by default, the last: what runs.
        """
        name, graph = self.stages[stage]
        title = f"{self.call}, {name}" if graph is not self.stages[-1][1] else self.call
        drawn = from_module("programs.picture", "drawn")
        return drawn(graph, title)  # type: ignore[no-any-return]

    def __str__(self) -> str:
        parts = [self.call]
        before = ""
        for name, graph in self.stages:
            text = as_text(graph)
            heading = f"{name[0].upper()}{name[1:]}: "
            if text == before:
                parts.append(f"{heading}the same.")
            else:
                parts.append(f"{heading}{_totals(graph)}\n\n{_indented(text)}")
            before = text
        text = self._run.text() if hasattr(self._run, "text") else as_text(self.stages[-1][1])
        parts.append(f"As it is run, with the kernel of each value:\n\n{_indented(text)}")
        return "\n\n".join(parts)

    def __repr__(self) -> str:
        return str(self)


def _totals(graph: Graph) -> str:
    computed = [node for node in graph.nodes if node.op is not None]
    size, flops = sum(map(bytes_of, computed)), sum(map(flops_of, computed))
    return (
        f"{_counted(len(computed), 'operation')}, {_counted(len(graph.guards), 'guard')}, "
        f"{_counted(size, 'byte')} of results, {_counted(flops, 'flop')}."
    )


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _indented(text: str) -> str:
    return "\n".join([f"  {line}" for line in text.split("\n")])
