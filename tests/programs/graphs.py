"""Graphs made by hand, node by node, with their values; and comparisons of values by their bits."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

import gradtape  # noqa: F401  (fills the table of primitives)
from gradtape.operation import PRIMITIVES
from gradtape.programs.graph import Graph, Node
from gradtape.programs.verifying import evaluated

__all__ = ["SPECIAL", "Building", "same_bits"]

TINY = np.finfo(np.float64).smallest_subnormal
#: Numbers at which identities fail that only hold for real numbers.
SPECIAL = np.array(
    [0.0, -0.0, 1.0, -1.0, 0.1, -3.5, 1e308, -1e308, 1e-308, TINY, -TINY, np.inf, -np.inf, np.nan]
)


class Building:
    """A graph, and the value of each of its nodes."""

    def __init__(self) -> None:
        self.graph = Graph()
        self.values: dict[Node, Any] = {}
        self.inputs: list[Any] = []

    def input(self, value: Any) -> Node:
        node = self.graph.input(value)
        self.values[node] = value
        self.inputs.append(value)
        return node

    def constant(self, value: Any) -> Node:
        node = self.graph.constant(value)
        self.values[node] = value
        return node

    def call(self, name: Any, *inputs: Any, params: tuple[Any, ...] = ()) -> Node:
        """A primitive by its name, a ufunc of NumPy's by its name, or an op itself."""
        op = name if not isinstance(name, str) else PRIMITIVES.get(name) or getattr(np, name)
        nodes = [i if isinstance(i, Node) else self.constant(i) for i in inputs]
        compute = getattr(op, "compute", op)
        with np.errstate(all="ignore"):
            value = compute(*[self.values[i] for i in nodes], *params)
        value = value[()] if type(value) is not tuple and np.shape(value) == () else value
        node = self.graph.add(op, nodes, params, value)
        self.values[node] = value
        return node

    def pick(self, node: Node, i: int) -> Node:
        return self.call(operator.getitem, node, params=(i,))

    def returns(self, *outputs: Node) -> Graph:
        self.graph.outputs = list(outputs)
        self.values.clear()  # so that only the graph holds its constants
        return self.graph

    def expected(self, inputs: Any = None) -> list[Any]:
        """The outputs, computed node by node."""
        values = evaluated(self.graph, self.inputs if inputs is None else inputs)
        return [values[node.number] for node in self.graph.outputs]


def sum_of_terms(shape: Any, dtype: Any) -> Building:
    """The sum of exp(x)·sin(x), and its terms."""
    build = Building()
    x = build.input(numbers(shape, dtype))
    terms = build.call("multiply", build.call("exp", x), build.call("sin", x))
    axes = tuple(range(-len(x.shape), 0))
    build.returns(terms, build.call("sum", terms, params=(axes, False)))
    return build


def numbers(shape: Any, dtype: Any = np.float64, seed: int = 0) -> Any:
    """Normal numbers, the same each time."""
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def same(one: Any, other: Any) -> bool:
    """Whether all of some results are equal; a NaN is like any other."""
    return all([np.array_equal(x, y, equal_nan=True) for x, y in zip(one, other, strict=True)])


def same_bits(one: Any, other: Any) -> bool:
    """Whether two values are the same, signs of zeros too; a NaN is like any other."""
    one, other = np.asarray(one), np.asarray(other)
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    if one.dtype.kind == "f":
        signs = np.signbit(one) == np.signbit(other)
        return bool(np.all((np.isnan(one) & np.isnan(other)) | ((one == other) & signs)))
    if one.dtype.kind == "c":
        return same_bits(one.real, other.real) and same_bits(one.imag, other.imag)
    return bool(np.array_equal(one, other))
