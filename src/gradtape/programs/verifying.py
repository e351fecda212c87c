"""Checks of a graph, and its plain evaluation, with which every rewrite and engine must agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradtape.programs.graph import Graph, Node, Opaque

__all__ = ["BadGraphError", "evaluated", "verify"]


class BadGraphError(ValueError):
    """A graph is not one that could be run: a rewrite has a mistake."""


def verify(graph: Graph, inputs: Sequence[Any] | None = None) -> None:
    """Raise if a graph could not be run as it stands.

    Parameters
    ----------
    graph : each node is to be defined before it is used, each output and guard to be one of its
        nodes, and no function that might do more than compute to be called twice for one call.
    inputs : values of the inputs. With them, the graph is also evaluated, and each node must have
        the shape and dtype that it says.

    Raises
    ------
    BadGraphError : which node, and what is wrong with it.
    """
    defined: set[Node] = set()
    called: set[int] = set()
    for position, node in enumerate(graph.nodes):
        if node.number != position:
            raise BadGraphError(f"{_named(node)} stands at place {position}")
        for i in node.inputs:
            if i not in defined:
                raise BadGraphError(f"{_named(node)} uses {_named(i)}, which comes later or never")
        if type(node.op) is Opaque:
            if id(node.op) in called:
                raise BadGraphError(f"{_named(node)} repeats a call")
            called.add(id(node.op))
        defined.add(node)
    for node in graph.inputs:
        if node not in defined or node.op is not None:
            raise BadGraphError(f"the input {_named(node)} is not one of the graph's")
    for node in graph.outputs:
        if node not in defined:
            raise BadGraphError(f"the output {_named(node)} is not one of the graph's")
    for guard in graph.guards:
        if guard.node not in defined or not guard.node.number < guard.position <= len(graph.nodes):
            raise BadGraphError(f"a guard of {_named(guard.node)} is at place {guard.position}")
    if inputs is not None:
        for node, value in zip(graph.nodes, evaluated(graph, inputs), strict=True):
            _check_value(node, value)


def evaluated(graph: Graph, inputs: Sequence[Any]) -> list[Any]:
    """The value of each node for some inputs, computed one after the other, without any plan."""
    values: dict[Node, Any] = dict(zip(graph.inputs, inputs, strict=True))
    with np.errstate(all="ignore"):
        for node in graph.nodes:
            if node.op is not None:
                compute = getattr(node.op, "compute", node.op)
                value = compute(*[values[i] for i in node.inputs], *node.params)
                zero_d = type(value) is np.ndarray and value.ndim == 0
                values[node] = value[()] if zero_d else value
            elif node not in values:
                values[node] = node.value
    return [values[node] for node in graph.nodes]


def _check_value(node: Node, value: Any) -> None:
    if type(value) is tuple:
        found: Any = tuple([(np.shape(v), v.dtype) for v in value])
        said: Any = tuple(zip(node.shape, node.dtype, strict=True))
    else:
        found = np.shape(value), getattr(value, "dtype", type(value))
        said = node.shape, node.dtype
    if found != said:
        raise BadGraphError(f"{_named(node)} is {said}, and gives {found}")


def _named(node: Node) -> str:
    return f"%{node.number} = {node.name}"
