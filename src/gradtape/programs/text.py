"""A program as text to read: a line for each value, its size, its work and where it is done."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from gradtape.programs.graph import Graph, Node
from gradtape.programs.rewrites.building import kind, ufunc_of

__all__ = ["as_text", "bytes_of", "flops_of"]

#: What a value of a constant may be at the longest.
SHORT = 24


def as_text(graph: Graph, kernels: Mapping[Node, str] | None = None) -> str:
    """A line for each node: its value's name, what is computed, dtype, shape, bytes and flops.

    Parameters
    ----------
    graph : what is written.
    kernels : for each node, the part of the compiled program that computes it.
    """
    guards: dict[int, list[str]] = {}
    for guard in graph.guards:
        told = f"guard {getattr(guard.look, '__name__', 'item')}(%{guard.node.number})"
        guards.setdefault(guard.position, []).append(f"{told} is {guard.seen!r}")
    rows: list[tuple[str, ...]] = []
    for node in graph.nodes:
        rows += [(line, "", "", "", "") for line in guards.get(node.number, ())]
        rows.append(
            (
                _operation(node, graph),
                _type(node),
                _bytes(node),
                _flops(node),
                (kernels or {}).get(node, ""),
            )
        )
    rows += [(line, "", "", "", "") for line in guards.get(len(graph.nodes), ())]
    widths = [max([len(row[i]) for row in rows], default=0) for i in range(5)]
    lines = []
    for row in rows:
        cells = [
            text.ljust(w) if i < 2 else text.rjust(w) if i < 4 else text
            for i, (text, w) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    results = ", ".join([f"%{node.number}" for node in graph.outputs])
    return "\n".join([*lines, f"return {results}"])


def _operation(node: Node, graph: Graph) -> str:
    name = f"%{node.number} = "
    if node in graph.inputs:
        return f"{name}input {graph.inputs.index(node)}"
    if node.op is None:
        value = (
            np.array2string(node.value, threshold=4)
            if isinstance(node.value, np.ndarray)
            else repr(node.value)
        )
        value = " ".join(value.split())
        return name + (value if len(value) <= SHORT else f"{value[: SHORT - 1]}…")
    inputs = [f"%{i.number}" for i in node.inputs]
    given = getattr(node.op, "params", ())
    names = given if len(given) == len(node.params) else [""] * len(node.params)
    params = [
        f"{n}={_short(p)}" if n else _short(p) for n, p in zip(names, node.params, strict=True)
    ]
    return f"{name}{node.name}({', '.join([*inputs, *params])})"


def _short(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"<{value.dtype} {list(value.shape)}>"
    if isinstance(value, slice):
        parts = ["" if v is None else str(v) for v in (value.start, value.stop, value.step)]
        return ":".join(parts if parts[2] else parts[:2])
    if isinstance(value, tuple):
        return f"({', '.join([_short(v) for v in value])})"
    return str(value)


def _type(node: Node) -> str:
    if type(node.dtype) is tuple:
        return ", ".join([f"{d}{list(s)}" for d, s in zip(node.dtype, node.shape, strict=True)])
    dtype = node.dtype.__name__ if isinstance(node.dtype, type) else str(node.dtype)
    return f"{dtype}{list(node.shape)}" if node.shape else dtype


def bytes_of(node: Node) -> int:
    """The bytes of a node's value."""
    if type(node.dtype) is tuple:
        return sum([prod(s) * d.itemsize for d, s in zip(node.dtype, node.shape, strict=True)])
    itemsize = 8 if isinstance(node.dtype, type) else node.dtype.itemsize
    return int(prod(node.shape) * itemsize)


def flops_of(node: Node) -> int:
    """The operations on numbers that a node takes: one for each entry of an elementwise function.

    None are counted for what only moves entries, and for functions that are not known.
    """
    if ufunc_of(node.op) is not None:
        return int(prod(node.shape))
    name = kind(node.op)
    if name == "matmul":
        return int(2 * prod(node.shape) * node.inputs[0].shape[-1])
    if name in ("sum", "mean", "max", "min", "prod", "holds_nan"):
        return int(prod(node.inputs[0].shape))
    return 0


def _bytes(node: Node) -> str:
    size = float(bytes_of(node))
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB"


def _flops(node: Node) -> str:
    flops = flops_of(node)
    return f"{flops:,} flops" if flops else ""
