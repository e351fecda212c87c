"""The gradients of largest entries, written into a loop over blocks of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradtape.programs.graph import Node
from gradtape.programs.peaks import Peak, add_chosen, choose, count_rows, peaks_in, places_of
from gradtape.programs.rewrites.building import ufunc_of

if TYPE_CHECKING:
    from gradtape.programs.loops import LoopWriter

__all__ = ["PeakWriter"]


class PeakWriter:
    """Writes what such gradients need, in the places where there is something.

    Attributes
    ----------
    steps : the nodes that are written here.
    skipped : the nodes that are not computed.
    """

    def __init__(self, loop: LoopWriter) -> None:
        self._l = loop
        self._places: dict[Peak, str] = {}
        self.steps: dict[Node, Peak] = {}
        self.skipped: set[Node] = set()
        for peak in peaks_in(loop.loop.nodes, loop.loop.whole, loop.writer.uses):
            self.steps.update(dict.fromkeys((peak.mask, *peak.counts), peak))
            self.steps[peak.last] = peak
            self.skipped |= {peak.either, peak.chosen, *peak.totals} - set(self.steps)

    def reads(self, node: Node) -> tuple[Node, ...]:
        """What must be there when a node is written, besides its inputs."""
        peak = self.steps.get(node)
        if peak is None or node is peak.mask:
            return ()
        rests = peak.rests if node is peak.last else ()
        return peak.mask, peak.none, peak.values, *rests

    def landings(self, last: dict[Node, int]) -> dict[Node, Node]:
        """What is added to in a few places alone, and the sum, if all of that is kept.

        Parameters
        ----------
        last : where in the loop each node's rows are needed for the last time.
        """
        loop = self._l.loop
        found = {}
        for total, peak in self.steps.items():
            if total is not peak.last or total not in loop.whole:
                continue
            for rest in peak.rests[:1]:
                by_rows = rest in loop.nodes and rest not in loop.sums | loop.whole | self.skipped
                ends = by_rows and last[rest] == loop.nodes.index(total)
                if ends and rest not in self.steps and ufunc_of(rest.op) is not None:
                    found[rest] = total
        return found

    def write(self, node: Node, position: int) -> None:
        """The lines of one of the steps."""
        loop, bind = self._l, self._l.writer.bind
        peak = self.steps[node]
        if node is peak.mask:
            loop.by_rows(node, position)
            places = self._places[peak] = loop.writer.fresh("p")
            loop.body.append(f"{places} = {bind('f', places_of)}({loop.text[node]})")
            return
        mask, places = loop.text[peak.mask], self._places[peak]
        if node in peak.counts:
            out = loop.text[node] = loop.out(node, position)
            loop.body.append(f"{bind('f', count_rows)}({places}, {mask}, {out})")
            return
        given = f"{mask}, {loop.rows_of(peak.none)}, {places}, {loop.rows_of(peak.values)}"
        if not peak.rests:
            out = loop.out(node, position)
            loop.body.append(f"{bind('f', choose)}({given}, {out})")
        else:
            texts = [loop.rows_of(rest) for rest in peak.rests]
            owned = [loop.blocks.get(rest) for rest in peak.rests]
            out = loop.out(node, position)
            own = loop.blocks.get(node)
            texts = [
                out if own is not None and block is own else text
                for text, block in zip(texts, owned, strict=True)
            ]
            rests = "".join([f"{text}, " for text in texts])
            line = f"{bind('f', add_chosen)}(({rests}), {given}, {out}, {peak.clean})"
            loop.body.append(line)
        loop.text[node] = out
