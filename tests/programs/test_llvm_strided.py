"""Entries that lie apart: read by one function for all strides, in both tiers."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from gradtape.programs import cache
from gradtape.programs.llvm import ir, jit, objects, outlined, strided
from gradtape.programs.llvm.engine import LlvmProgram
from gradtape.programs.llvm.operations import BOOL, DOUBLE, FLOAT, INT
from tests.programs.graphs import Building, numbers, same_bits

pytestmark = pytest.mark.skipif(not objects.available(), reason="objects look different here")

FLOATS = {4: "float", 8: "double"}


@pytest.fixture(autouse=True)
def without_disk(monkeypatch):
    monkeypatch.setenv(cache.DIRECTORY, "off")


@pytest.mark.parametrize("kind", [FLOAT, DOUBLE, INT, BOOL], ids=str)
@pytest.mark.parametrize("level", [jit.QUICK, jit.THOROUGH])
@pytest.mark.parametrize(
    ("lanes", "count", "stride"), [(2, 1, 7), (4, 3, -3), (8, 8, 5), (16, 9, 0), (16, 16, -2)]
)
def test_reading(kind, level, lanes, count, stride):
    entry = f"i{8 * kind.itemsize}" if kind.kind in "ib" else str(FLOATS[kind.itemsize])
    whole = ir.VectorType(strided._ENTRIES[entry][0], lanes)
    module = ir.Module()
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [ir.PointerType()] * 2), "read")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    source, goal = function.args
    value = strided.strided_entries(builder, source, kind, stride, count, lanes)
    assert value.type is whole
    builder.store(value, goal, align=1)
    builder.ret_void()
    code = jit.compiled(str(module), "read", level)
    data = (100 * numbers((lanes * 8,))).astype(kind)
    found, start = np.zeros(lanes, kind), lanes * 8 - 1 if stride < 0 else 0
    read = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(code.address)
    read(data.ctypes.data + start * kind.itemsize, found.ctypes.data)
    expected = data[[start + stride * min(i, count - 1) for i in range(lanes)]]
    assert same_bits(found, expected)


def test_a_program_reads_a_column_by_one_call():
    build = Building()
    x = build.input(numbers((40, 7)))
    columns = build.call("transpose", x, params=((-1, -2),))
    build.returns(build.call("multiply", columns, build.input(numbers((7, 40), seed=1))))
    program = LlvmProgram(build.graph)
    (name,) = outlined.declared_in(program.source)
    assert name == f"{strided.STRIDED}.double.8"
    assert program.source.count("insertelement") == 0
    (found,) = program(*build.inputs)
    assert same_bits(found, build.inputs[0].T * build.inputs[1])
