"""What an elementwise node does, as instructions on one lane or many.

Kinds of values are NumPy's dtypes: float32, float64, bool (one bit in registers, a byte in memory)
and int64. What has no entry here stays with NumPy.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from gradtape.derivatives.elementwise import bounded, converted, where
from gradtape.derivatives.primitives import exponential, raised
from gradtape.elementwise import Elementwise
from gradtape.programs.graph import Node
from gradtape.programs.llvm import ir
from gradtape.programs.llvm.mathematics import EMITTERS
from gradtape.programs.llvm.mathematics import exponential as write_exponential
from gradtape.programs.llvm.mathematics import raised as write_raised
from gradtape.programs.llvm.mathematics_lanes import like

__all__ = ["BOOL", "DOUBLE", "FLOAT", "INT", "REALS", "Operation"]
__all__ += ["cast", "constant", "kind_of", "operation_of", "register", "stored"]

FLOAT, DOUBLE = np.dtype(np.float32), np.dtype(np.float64)
BOOL, INT = np.dtype(np.bool_), np.dtype(np.int64)
REALS = (FLOAT, DOUBLE)

_REGISTERS = {
    FLOAT: ir.FloatType(),
    DOUBLE: ir.DoubleType(),
    BOOL: ir.IntType(1),
    INT: ir.IntType(64),
}
_PYTHONS = {float: DOUBLE, int: INT, bool: BOOL}
#: By the dtype of a node, NumPy's or a Python type.
_KINDS: dict[Any, Any] = {**_PYTHONS, **{kind: kind for kind in _REGISTERS}}


class Operation(NamedTuple):
    """What a node does: the kinds of its operands and of its result, and the instructions."""

    operands: tuple[Any, ...]
    result: Any
    emit: Callable[[Any, list[Any]], Any]
    #: By which it is known, if it is long: it may then be written once and called.
    name: str = ""


def kind_of(node: Node) -> Any:
    """The dtype that a node's value has in native code; None if it can have none."""
    return _KINDS.get(node.dtype)


def register(kind: Any) -> Any:
    """The type of a value in a register."""
    return _REGISTERS[kind]


def stored(kind: Any) -> Any:
    """The type of a value in memory."""
    return ir.IntType(8) if kind == BOOL else _REGISTERS[kind]


def constant(kind: Any, value: Any) -> Any:
    """A number as a value in a register."""
    if kind in REALS:
        return ir.Constant(_REGISTERS[kind], float(kind.type(value)))
    return ir.Constant(_REGISTERS[kind], int(value))


def cast(builder: Any, value: Any, origin: Any, kind: Any) -> Any:
    """A value of one kind as another; real numbers become no integers here."""
    if origin == kind:
        return value
    goal = like(value.type, _REGISTERS[kind])
    if kind == BOOL:
        if origin in REALS:
            return builder.fcmp_unordered("!=", value, ir.splat(value.type, 0.0))
        return builder.icmp_signed("!=", value, ir.splat(value.type, 0))
    if kind == INT:
        return builder.zext(value, goal)
    if origin == BOOL:
        return builder.uitofp(value, goal)
    if origin == INT:
        return builder.sitofp(value, goal)
    return builder.fpext(value, goal) if kind == DOUBLE else builder.fptrunc(value, goal)


def _casts(origins: Any, kind: Any) -> bool:
    """Whether values of some kinds can be brought to one."""
    return all([kind != INT or o in (INT, BOOL) for o in origins])


# Whole numbers and truth values -------------------------------------------------------------------


def _instruction(name: str, *first: Any) -> Any:
    return lambda builder, values: getattr(builder, name)(*first, *values)


def _either(whole: bool) -> Any:
    compare = "icmp_signed" if whole else "icmp_unsigned"
    return {
        "equal": _instruction(compare, "=="),
        "not_equal": _instruction(compare, "!="),
        "less": _instruction(compare, "<"),
        "less_equal": _instruction(compare, "<="),
        "greater": _instruction(compare, ">"),
        "greater_equal": _instruction(compare, ">="),
        "bitwise_and": _instruction("and_"),
        "bitwise_or": _instruction("or_"),
        "bitwise_xor": _instruction("xor"),
        "invert": lambda builder, values: builder.not_(values[0]),
        "positive": lambda builder, values: values[0],
    }


_WHOLE = {
    **_either(whole=True),
    "add": _instruction("add"),
    "subtract": _instruction("sub"),
    "multiply": _instruction("mul"),
    "negative": _instruction("neg"),
    "square": lambda builder, values: builder.mul(values[0], values[0]),
}
_TRUTH = {
    **_either(whole=False),
    "add": _instruction("or_"),
    "multiply": _instruction("and_"),
    "logical_and": _instruction("and_"),
    "logical_or": _instruction("or_"),
    "logical_xor": _instruction("xor"),
    "logical_not": lambda builder, values: builder.not_(values[0]),
}
_TABLES: dict[Any, dict[str, Any]] = {FLOAT: EMITTERS, DOUBLE: EMITTERS, INT: _WHOLE, BOOL: _TRUTH}

#: What takes an instruction or two.
_SHORT = frozenset(
    {
        *("add", "subtract", "multiply", "divide", "negative", "positive", "absolute", "fabs"),
        *("square", "reciprocal", "sqrt", "floor", "ceil", "trunc", "rint", "copysign", "sign"),
        *("one_minus_square", "deg2rad", "radians", "rad2deg", "degrees", "maximum", "minimum"),
        *("fmax", "fmin", "clip", "relu", "where", "isnan", "isinf", "isfinite", "signbit"),
        *_WHOLE,
        *_TRUTH,
    }
)


#: Powers of a few products and quotients.
_SHORT_EXPONENTS = frozenset({-4, -3, -2, -1, 0, 0.5, 1, 2, 3, 4})


# What a node does ---------------------------------------------------------------------------------


def operation_of(node: Node) -> Operation | None:
    """The instructions of an elementwise node; None if it has none."""
    params = node.params if node.op in (raised, exponential) else ()
    return _operation(node.op, params, tuple([i.dtype for i in node.inputs]), node.dtype)


@functools.lru_cache(maxsize=1 << 12)
def _operation(op: Any, params: Any, given: tuple[Any, ...], dtype: Any) -> Operation | None:
    """``operation_of`` a node with inputs of some dtypes."""
    result = _KINDS.get(dtype)
    kinds = [_KINDS.get(one) for one in given]
    if result is None or not kinds or any([kind is None for kind in kinds]):
        return None
    operation = _found(op, params, given, kinds, result)
    if operation is None:
        return None
    fitting = [_casts([k], o) for k, o in zip(kinds, operation.operands, strict=True)]
    return operation if all(fitting) else None


def _found(
    op: Any, params: Any, given: tuple[Any, ...], kinds: list[Any], result: Any
) -> Operation | None:
    if op is where:
        choose = _instruction("select")
        return Operation((BOOL, result, result), result, choose)
    if op is converted or op in (np.float64, np.float32, np.int64, np.bool_):
        # From real numbers to integers NumPy's C leaves open what comes of those out of range.
        whole = result == INT and kinds[0] in REALS
        return None if whole else Operation((result,), result, lambda builder, values: values[0])
    if op is raised or op is exponential:
        return _power(op, params[0], result)
    ufunc = op.compute if isinstance(op, Elementwise) else op
    if isinstance(ufunc, np.ufunc):
        return _of_ufunc(ufunc, given, result)
    if isinstance(op, Elementwise) and result in REALS:
        emit = EMITTERS.get(op.name)
        if emit is None or (op is not bounded and set(kinds) != {result}):
            return None
        return Operation((result,) * len(kinds), result, emit, _long(op.name))
    return None


def _of_ufunc(ufunc: Any, given: tuple[Any, ...], result: Any) -> Operation | None:
    name = ufunc.__name__
    if ufunc.nout != 1 or ufunc.signature is not None:
        return None
    if vars(np).get(name) is not ufunc and name != "divide":
        return None  # SciPy has names of its own
    try:
        *operands, out = ufunc.resolve_dtypes((*_promoting(given), None))
    except TypeError:
        return None
    if out != result or len(set(operands)) != 1 or operands[0] not in _TABLES:
        return None
    emit = _TABLES[operands[0]].get(name)
    return None if emit is None else Operation(tuple(operands), result, emit, _long(name))


def _promoting(given: tuple[Any, ...]) -> list[Any]:
    """What decides in which dtype NumPy computes; Python's numbers give way to others."""
    if all([isinstance(dtype, type) for dtype in given]):
        return [_PYTHONS[dtype] for dtype in given]
    return [BOOL if dtype is bool else dtype for dtype in given]


def _long(name: str) -> str:
    return "" if name in _SHORT else name


def _power(op: Any, number: Any, result: Any) -> Operation | None:
    """x**number, or number**x."""
    if result not in REALS or isinstance(number, complex):
        return None
    try:
        number = float(number)
    except OverflowError:
        return None
    name = op.name
    if op is raised and number in _SHORT_EXPONENTS:
        name = ""
    elif name:
        name = f"{name} {number!r}"
    emit: Any = write_raised if op is raised else write_exponential
    return Operation(
        (result,), result, lambda builder, values: emit(builder, *values, number), name
    )
