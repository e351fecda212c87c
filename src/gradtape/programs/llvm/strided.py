"""Entries that lie apart from each other, as a vector: a function that programs call.

Written out, each of them takes several instructions in each lane.
"""

from __future__ import annotations

from typing import Any

from gradtape.programs.llvm import ir
from gradtape.programs.llvm.operations import stored

__all__ = ["STRIDED", "strided_entries", "write_strided"]

I64, I32 = ir.IntType(64), ir.IntType(32)
POINTER = ir.PointerType()

#: What the names of the functions begin with.
STRIDED = "gradtape.strided"

#: The types of entries by their names, and their lengths in bytes.
_ENTRIES = {"float": (ir.FloatType(), 4), "double": (ir.DoubleType(), 8), "i64": (I64, 8)}
_ENTRIES["i8"] = ir.IntType(8), 1


def strided_entries(
    builder: Any, place: Any, kind: Any, stride: int, count: int, lanes: int
) -> Any:
    """Entries as they are in memory, ``stride`` entries apart.

    There are ``count`` of them; the lanes behind have the last one.
    """
    name = f"{STRIDED}.{stored(kind).text}.{lanes}"
    function = builder.module.globals.get(name) or _declared(builder.module, name)
    return builder.call(function, [place, I64(stride), I64(count - 1)])


def _declared(module: Any, name: str) -> Any:
    *_, entry, lanes = name.split(".")
    whole = ir.VectorType(_ENTRIES[entry][0], int(lanes))
    return ir.Function(module, ir.FunctionType(whole, [POINTER, I64, I64]), name)


def write_strided(module: Any, name: str) -> None:
    """Define the function of a name."""
    function = _declared(module, name)
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    start, stride, last = function.args
    whole = function.function_type.return_type
    _, align = _ENTRIES[whole.element.text]
    value: Any = ir.Constant(whole, ir.Undefined)
    for i in range(whole.count):
        inside = builder.icmp_unsigned("<", I64(i), last)
        index = builder.mul(builder.select(inside, I64(i), last), stride)
        place = builder.gep(start, [index], source_etype=whole.element)
        entry = builder.load(place, typ=whole.element, align=align)
        value = builder.insert_element(value, entry, I32(i))
    builder.ret(value)
