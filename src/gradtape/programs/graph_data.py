"""A graph as JSON, and back: nothing that a file says is believed that can be checked here.

Shapes and dtypes are checked where a graph from a file is run for the first time, in ``loaded``.
"""

from __future__ import annotations

import builtins
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from gradtape import errors
from gradtape.operation import Operation
from gradtape.programs.encoding import Arrays, Damaged, decoded, dtype_of, encoded, text_of
from gradtape.programs.graph import Graph, Guard, Node, Opaque
from gradtape.programs.naming import Unknown, name_of, named
from gradtape.programs.opaque import _STEADY, Arguments, Flat, as_it_is
from gradtape.programs.tracing import Hole, Late, _bits, _bytes, form

__all__ = ["CannotSaveError", "graph_data", "graph_of"]


class CannotSaveError(TypeError):
    """A traced function does something that a file cannot say."""


#: What guards ask, by name.
_LOOKS: dict[str, Callable[[Any], Any]] = {
    **{name: getattr(builtins, name) for name in ("bool", "int", "float", "complex", "round")},
    **{name: getattr(math, name) for name in ("floor", "ceil", "trunc")},
    "index": operator.index,
    "hash": hash,
    "form": form,
    "value": as_it_is,
    "bits": _bits,
    "bytes": _bytes,
    **{
        name: operator.methodcaller(name)
        for name in ("item", "tolist", "is_integer", "bit_length", "bit_count")
    },
}
_LOOK_NAMES = {look: name for name, look in _LOOKS.items()}


# Writing ------------------------------------------------------------------------------------------


def graph_data(graph: Graph, arrays: Arrays) -> dict[str, Any]:
    """A graph as JSON.

    Raises
    ------
    CannotSaveError : an operation, or one of its arguments, is none that a file can hold.
    """
    number = {node: i for i, node in enumerate(graph.nodes)}
    inputs = set(graph.inputs)
    return {
        "nodes": [_node_data(node, node in inputs, number, arrays) for node in graph.nodes],
        "inputs": [number[node] for node in graph.inputs],
        "outputs": [number[node] for node in graph.outputs],
        "guards": [_guard_data(guard, number, arrays) for guard in graph.guards],
    }


def _node_data(node: Node, given: bool, number: Any, arrays: Arrays) -> dict[str, Any]:
    data = _form_data(node)
    if given:
        return data
    if node.op is None:
        try:
            return {**data, "value": encoded(node.value, arrays)}
        except Unknown:
            raise CannotSaveError(
                f"a constant of the function cannot be saved: {errors.describe(node.value)}"
            ) from None
    data["of"] = [number[i] for i in node.inputs]
    if type(node.op) is Opaque:
        return data | _call_data(node.op, arrays)
    try:
        data["do"] = name_of(node.op)
    except Unknown:
        raise CannotSaveError(
            f"the operation {node.name!r} cannot be saved: it is none of the tape's own "
            "primitives, and none of the functions of NumPy that a file may name"
        ) from None
    if node.params:
        data["with"] = _arguments_data(node.params, node.name, arrays)
    return data


def _form_data(node: Node) -> dict[str, Any]:
    try:
        if type(node.dtype) is tuple:
            pairs = zip(node.shape, node.dtype, strict=True)
            return {"several": [[list(shape), text_of(dtype)] for shape, dtype in pairs]}
        return {"shape": list(node.shape), "dtype": text_of(node.dtype)}
    except Unknown:
        raise CannotSaveError(
            f"the result of {node.name!r} has the dtype {node.dtype}: files hold numbers only"
        ) from None


def _call_data(op: Opaque, arrays: Arrays) -> dict[str, Any]:
    flat = type(op.function) is Flat
    function = op.function.function if isinstance(op.function, Flat) else op.function
    arranged = op.arrange
    try:
        if type(arranged) is not Arguments:
            raise Unknown
        name = name_of(function)
    except Unknown:
        raise CannotSaveError(
            f"the call of {op.name!r} cannot be saved: it is none of the functions of NumPy that "
            "a file may name"
        ) from None
    arguments = (tuple(arranged.args), arranged.kwargs)
    return {"call": name, "flat": flat, "with": _arguments_data(arguments, op.name, arrays)}


def _arguments_data(arguments: tuple[Any, ...], name: str, arrays: Arrays) -> Any:
    try:
        return encoded(arguments, arrays)
    except Unknown as found:
        (value,) = found.args
        raise CannotSaveError(
            f"the operation {name!r} cannot be saved: one of its arguments is "
            f"{errors.describe(value)}, which is none of what a file can hold (numbers, strings, "
            "arrays, slices, dtypes and tuples, lists and dicts of them)"
        ) from None


def _guard_data(guard: Guard, number: Any, arrays: Arrays) -> dict[str, Any]:
    look: Any = guard.look
    reduced = look.__reduce__() if isinstance(look, operator.methodcaller) else None
    name = reduced[1][0] if reduced and len(reduced[1]) == 1 else _LOOK_NAMES.get(look)
    try:
        if name not in _LOOKS:
            raise Unknown
        seen = encoded(guard.seen, arrays)
    except Unknown:
        raise CannotSaveError(
            f"what the function asks of the result of {guard.node.name!r} cannot be saved: "
            f"it was told {guard.seen!r}"
        ) from None
    return {"node": number[guard.node], "ask": name, "seen": seen, "after": guard.position}


# Reading ------------------------------------------------------------------------------------------


def graph_of(data: Any, arrays: list[Any]) -> Graph:
    """The graph of JSON.

    Raises
    ------
    Damaged : it is not what ``graph_data`` makes, or names what is not known here.
    """
    graph = Graph()
    inputs = data["inputs"]
    given = set(inputs)
    for position, node_data in enumerate(data["nodes"]):
        try:
            node = _node_of(node_data, position in given, graph.nodes, arrays)
        except Unknown:
            raise Damaged(
                f"it uses the operation {_operation_of(node_data)!r}, which this gradtape does "
                "not know (a package that has it may be missing)"
            ) from None
        graph.nodes.append(node)
    graph.inputs = [_at(graph.nodes, i) for i in inputs]
    graph.outputs = [_at(graph.nodes, i) for i in data["outputs"]]
    graph.guards = [_guard_of(guard, graph.nodes, arrays) for guard in data["guards"]]
    if len(given) != len(inputs) or [g.position for g in graph.guards] != sorted(
        [g.position for g in graph.guards]
    ):
        raise Damaged("its inputs or guards are out of order")
    _check_forms_are_asked(graph)
    return graph


def _operation_of(data: Any) -> str:
    return str(data.get("do") or data.get("call"))[:80]


def _node_of(data: Any, given: bool, nodes: list[Node], arrays: list[Any]) -> Node:
    shape, dtype = _form_of(data)
    number = len(nodes)
    if given:
        return Node(number, None, (), (), shape, dtype)
    if "value" in data:
        value = decoded(data["value"], arrays)
        if value is None or (np.shape(value), getattr(value, "dtype", type(value))) != (
            shape,
            dtype,
        ):
            raise Damaged(f"constant {number} is not what it says")
        return Node(number, None, (), (), shape, dtype, value, True)
    inputs = tuple([_at(nodes, i) for i in data["of"]])
    params = decoded(data.get("with", []), arrays)
    if type(params) is not tuple:
        raise Damaged(f"operation {number} has no arguments")
    if "call" in data:
        args, kwargs = params
        function = named(data["call"])
        if type(args) is not tuple or type(kwargs) is not dict or not callable(function):
            raise Damaged(f"operation {number} is not called as functions are")
        name = getattr(function, "__name__", data["call"])
        op: Any = Opaque(
            Flat(function, name) if data["flat"] else function, Arguments(args, kwargs)
        )
        _check_holes((args, kwargs), len(inputs))
        return Node(number, op, inputs, (), shape, dtype)
    op = named(data["do"])
    _check_operation(op, inputs, params, number)
    return Node(number, op, inputs, params, shape, dtype)


def _form_of(data: Any) -> tuple[Any, Any]:
    if "several" in data:
        pairs = [(_shape_of(shape), dtype_of(dtype)) for shape, dtype in data["several"]]
        return tuple([s for s, _ in pairs]), tuple([d for _, d in pairs])
    return _shape_of(data["shape"]), dtype_of(data["dtype"])


def _shape_of(data: Any) -> tuple[int, ...]:
    if type(data) is not list or not all([type(n) is int and n >= 0 for n in data]):
        raise Damaged(f"{data!r} is no shape")
    return tuple(data)


def _at(nodes: list[Node], position: Any) -> Node:
    if type(position) is not int or not 0 <= position < len(nodes):
        raise Damaged(f"{position!r} is no value that was computed before")
    return nodes[position]


def _check_operation(op: Any, inputs: tuple[Node, ...], params: tuple[Any, ...], n: int) -> None:
    """Raise if an operation is called with more or less than it takes: out= is an argument, too."""
    if op is operator.getitem:
        (source,) = inputs
        fits = len(params) == 1 and type(params[0]) is int and type(source.shape) is tuple
        if not fits or not 0 <= params[0] < len(source.shape) or type(source.dtype) is not tuple:
            raise Damaged(f"operation {n} takes what is not there")
        return
    arity, count = len(inputs), 0
    if isinstance(op, np.ufunc):
        arity = op.nin
    elif isinstance(op, Operation):
        arity = getattr(op, "arity", arity)
        arity = len(inputs) if arity < 0 else arity
        count = len(op.params)
    elif type(op) is Late:
        arity, count = op.inputs, len(op.primitive.params)
        _check_holes(params, len(inputs))
        if any([i.dtype == np.bool_ for i in inputs[op.arrays :]]):
            raise Damaged(f"the shape of what operation {n} gives would depend on values")
    elif isinstance(op, type):
        arity = 1
    if len(inputs) != arity or len(params) != count:
        raise Damaged(f"operation {n} takes {arity} values, and is given {len(inputs)}")


def _check_holes(value: Any, count: int) -> None:
    if type(value) is Hole and value.index >= count:
        raise Damaged("an argument is to come from a value that is not there")
    if isinstance(value, (tuple, list)):
        for part in value:
            _check_holes(part, count)
    elif type(value) is dict:
        _check_holes(list(value.values()), count)
    elif type(value) is slice:
        _check_holes([value.start, value.stop, value.step], count)


def _guard_of(data: Any, nodes: list[Node], arrays: list[Any]) -> Guard:
    node, position = _at(nodes, data["node"]), data["after"]
    if type(position) is not int or not node.number < position <= len(nodes):
        raise Damaged("a guard asks for what is not there")
    return Guard(node, _LOOKS[data["ask"]], decoded(data["seen"], arrays), position)


def _check_forms_are_asked(graph: Graph) -> None:
    """Raise if the form of a result is relied on that may be another one at each call."""
    asked = {guard.node for guard in graph.guards if guard.look in (form, as_it_is)}
    for node in graph.nodes:
        if type(node.op) is Opaque and node not in asked and node.op.function not in _STEADY:
            raise Damaged(f"nobody asks for the shape of what {node.op.name!r} gives")
