"""Rewrites of graphs: each gives a graph that computes the same, bit for bit.

Those of ``stabilizing`` alone give better values instead, and are left out unless asked for. (The
product with a diagonal matrix is that of eager code, which leaves the zeros beside it out.) A NaN
counts as the same as any other; which one comes out of two is left open by IEEE 754 too.
"""

from __future__ import annotations

from collections.abc import Callable

from gradtape.programs.graph import Graph
from gradtape.programs.rewrites.building import Rules, rebuilt
from gradtape.programs.rewrites.constants import FOLDING, settled
from gradtape.programs.rewrites.dead_code import without_dead_code
from gradtape.programs.rewrites.expansions import EXPANSIONS
from gradtape.programs.rewrites.identities import IDENTITIES
from gradtape.programs.rewrites.looks import LOOKS
from gradtape.programs.rewrites.matrices import MATRICES
from gradtape.programs.rewrites.movements import MOVEMENTS
from gradtape.programs.rewrites.stabilizing import STABILIZING

__all__ = ["RULES", "rewritten", "simplified", "stages", "without_dead_code", "without_repetitions"]

#: The local rules of what a primitive computes, by its kind, in the order in which they are tried.
RULES: tuple[Rules, ...] = (FOLDING, MOVEMENTS, IDENTITIES, EXPANSIONS, MATRICES, LOOKS)


def rewritten(graph: Graph, stabilize: bool = False) -> Graph:
    """A graph after all rewrites; ``stabilize`` adds those that change values, to better ones."""
    for _, rewrite in stages(stabilize):
        graph = rewrite(graph)
    return graph


def stages(stabilize: bool = False) -> list[tuple[str, Callable[[Graph], Graph]]]:
    """The rewrites with their names, in order."""
    return [
        ("fixed constants", settled),
        ("dead code", without_dead_code),
        *([("stabilizing", _stabilized)] if stabilize else []),
        ("local rules", simplified),
        ("dead code", without_dead_code),
    ]


def simplified(graph: Graph) -> Graph:
    """After all local rules, with one node for each thing that is computed."""
    return rebuilt(graph, RULES)


def without_repetitions(graph: Graph) -> Graph:
    """One node for each thing that is computed (common subexpressions), and for each number."""
    return rebuilt(graph, ())


def _stabilized(graph: Graph) -> Graph:
    return rebuilt(without_dead_code(graph), (STABILIZING,))
