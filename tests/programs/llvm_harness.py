"""Runs an elementwise function of the LLVM engine over arrays, at any lane width."""

from __future__ import annotations

import ctypes
from typing import Any

import llvmlite.binding as llvm
import numpy as np

from gradtape.programs.llvm import ir
from gradtape.programs.llvm.mathematics import EMITTERS
from gradtape.programs.llvm.mathematics_angles import REDUCTION, write_reduction

TYPES = {
    np.dtype(np.float32): ir.FloatType(),
    np.dtype(np.float64): ir.DoubleType(),
    np.dtype(bool): ir.IntType(8),
}
I64 = ir.IntType(64)


def written(emit: Any, kinds: tuple[Any, ...], result: Any, lanes: int) -> ir.Module:
    """A module with ``run(n, out, *arrays)``, n a multiple of the lanes."""
    module = ir.Module("test")
    pointer = ir.PointerType()
    sign = ir.FunctionType(ir.VoidType(), [I64] + [pointer] * (1 + len(kinds)))
    function = ir.Function(module, sign, "run")
    builder = ir.IRBuilder(function.append_basic_block())
    start, loop, end = builder.block, function.append_basic_block(), function.append_basic_block()
    n, out, *arrays = function.args
    zero = ir.Constant(I64, 0)
    builder.cbranch(builder.icmp_unsigned("==", n, zero), end, loop)
    builder.position_at_end(loop)
    i = builder.phi(I64)
    i.add_incoming(zero, start)

    def vector(kind: Any) -> Any:
        return kind if lanes == 1 else ir.VectorType(kind, lanes)

    values = []
    for array, dtype in zip(arrays, kinds, strict=True):
        place = builder.gep(array, [i], source_etype=TYPES[dtype])
        value = builder.load(place, typ=vector(TYPES[dtype]), align=dtype.itemsize)
        values.append(builder.trunc(value, vector(ir.IntType(1))) if dtype.kind == "b" else value)
    answer = emit(builder, values)
    if result.kind == "b":
        answer = builder.zext(answer, vector(ir.IntType(8)))
    place = builder.gep(out, [i], source_etype=TYPES[result])
    builder.store(answer, place, align=result.itemsize)
    following = builder.add(i, ir.Constant(I64, lanes))
    i.add_incoming(following, builder.block)
    builder.cbranch(builder.icmp_unsigned("<", following, n), loop, end)
    builder.position_at_end(end)
    builder.ret_void()
    for name in [name for name in module.globals if name.startswith(REDUCTION)]:
        write_reduction(module, name)
    return module


def engine_of(module: Any, level: int, plain: bool) -> Any:
    """A module as machine code, with all of LLVM's usual passes of a level.

    ``plain`` is for the oldest machine of this kind: without fused products, in small registers.
    """
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    parsed = llvm.parse_assembly(str(module))
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu="" if plain else llvm.get_host_cpu_name(),
        features="" if plain else llvm.get_host_cpu_features().flatten(),
        opt=level,
        jit=True,
    )
    if level:
        options = llvm.create_pipeline_tuning_options(speed_level=level)
        builder = llvm.create_pass_builder(machine, options)
        builder.getModulePassManager().run(parsed, builder)
    engine = llvm.create_mcjit_compiler(parsed, machine)  # which owns both from now on
    engine.finalize_object()
    return engine


class Compiled:
    """An elementwise function as machine code: a primitive's name, or what writes it."""

    def __init__(
        self,
        emit: Any,
        kinds: Any,
        result: Any,
        lanes: int,
        level: int = 2,
        plain: bool = False,
    ) -> None:
        emit = EMITTERS[emit] if isinstance(emit, str) else emit
        self.kinds = tuple([np.dtype(k) for k in kinds])
        self.lanes, self.result = lanes, np.dtype(result)
        self.engine = engine_of(written(emit, self.kinds, self.result, lanes), level, plain)
        arguments = [ctypes.c_int64] + [ctypes.c_void_p] * (1 + len(self.kinds))
        self.run = ctypes.CFUNCTYPE(None, *arguments)(self.engine.get_function_address("run"))

    def __call__(self, *arrays: Any) -> Any:
        """The function of arrays of one dimension."""
        n = len(arrays[0])
        rest = -n % self.lanes
        whole = [np.concatenate([a, a[:1].repeat(rest)]) for a in arrays]
        assert [a.dtype for a in whole] == list(self.kinds)
        out = np.empty(n + rest, self.result)
        self.run(n + rest, out.ctypes.data, *[a.ctypes.data for a in whole])
        return out[:n]


def lanes_of(dtype: Any, size: int = 64) -> int:
    """How many numbers fit into a register of some bytes."""
    return size // np.dtype(dtype).itemsize
