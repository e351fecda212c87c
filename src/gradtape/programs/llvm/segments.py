"""A graph as one native function that Python calls: objects come in, objects go out.

What comes in is looked at first: an argument that is not exactly what the code was made for is
declined, before anything is read from it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradtape.programs.graph import Graph, Guard, Node
from gradtape.programs.llvm import ir, objects
from gradtape.programs.llvm import operations as ops
from gradtape.programs.llvm.blocks import WORTH, in_pieces, work_of
from gradtape.programs.llvm.emission import Emission
from gradtape.programs.llvm.gathers import Gather
from gradtape.programs.llvm.kernels import Plan, planned
from gradtape.programs.llvm.loops import counting, entry_at, stored_at
from gradtape.programs.llvm.mathematics_lanes import Real
from gradtape.programs.llvm.scratch import ALIGNMENT, Scratch
from gradtape.programs.llvm.steps import size_of
from gradtape.programs.llvm.threads import pool
from gradtape.programs.llvm.tiers import CALLS_LEFT, DUE, tiered

__all__ = ["DECLINED", "OTHERWISE", "Segment", "is_checkable"]

#: What a segment returns for arguments that it was not made for, and for a failed guard.
DECLINED, OTHERWISE = None, False

I64, I32, I8 = ir.IntType(64), ir.IntType(32), ir.IntType(8)
POINTER = ir.PointerType()

_KINDS = (ops.FLOAT, ops.DOUBLE, ops.BOOL, ops.INT)
_PYTHONS = {float: "float_type", int: "int_type"}


def is_checkable(guard: Guard) -> bool:
    """Whether native code can tell if a guard holds."""
    if guard.node.shape != () or ops.kind_of(guard.node) is None:
        return False
    if guard.look is float:
        return ops.kind_of(guard.node) in ops.REALS
    if guard.look is int and ops.kind_of(guard.node) in ops.REALS:
        return bool(abs(guard.seen) < 2**53)
    return guard.look is bool


class Segment:
    """A graph of native nodes, compiled.

    ``run`` takes the values of the graph's inputs and returns a tuple of new outputs, ``DECLINED``
    or ``OTHERWISE``.
    """

    def __init__(self, graph: Graph) -> None:
        writer = _Writer(graph)
        self.kernels = writer.kernels()
        self.run: Callable[..., Any] = writer.callable()

    @staticmethod
    def source(graph: Graph) -> str:
        """What is compiled, in LLVM's language."""
        return str(_Writer(graph).module)


class _Table:
    """The words that the code gets: addresses of functions, objects and memory."""

    def __init__(self) -> None:
        self.words = [objects.api()[name] for name in objects.API]
        self.places = {name: i for i, name in enumerate(objects.API)}
        for kind in _KINDS:
            self.add(("scalar", kind), id(kind.type))
            self.add(("dtype", kind), id(kind))
        for truth in (True, False):
            self.add(("truth", True, truth), id(truth))
            self.add(("truth", False, truth), id(np.bool_(truth)))
        for key in (
            "scratch",
            "shared_bytes",
            "own_bytes",
            "bytes",
            "busy",
            "pool",
            "run_pieces",
            CALLS_LEFT,
            DUE,
        ):
            self.add(key, 0)  # known later

    def add(self, key: Any, word: int) -> None:
        self.places[key] = len(self.words)
        self.words.append(word)

    def put(self, key: Any, word: int) -> None:
        """Fill in a word that was not known at first."""
        self.words[self.places[key]] = word


class _Writer:
    """Writes the function."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.plan: Plan = planned(graph)
        self.module = ir.Module()
        self.kept: list[Any] = list(_KINDS)
        self._words = _Table()
        self._constants: dict[Any, Any] = {}
        self._regions = in_pieces(self.plan.steps, self.plan.region, self.plan.accesses)
        self._work = sum(map(work_of, self.plan.steps))
        #: Whether it runs so long that other threads of Python's should run meanwhile.
        self._is_long = self._work >= WORTH
        self._function = self._new_function("body" if self._is_long else "program", self._is_long)
        self.builder = ir.IRBuilder(self._function.append_basic_block("entry"))
        self.pointers: dict[Node, Any] = {}
        self.scalars: dict[Node, Any] = {}
        self._write()
        if self._is_long:
            self._write_entry(self._function)
        self._keep_scratch()
        self.table = np.array(self._words.words, np.uint64)

    def callable(self) -> Callable[..., Any]:
        """What is written, compiled."""
        work = len(self.graph.nodes), self._work
        return tiered(str(self.module), self.table, self._words.places, work, self.kept)

    def kernels(self) -> dict[Node, str]:
        """In which kernel each node is computed, in words."""
        names = self.plan.kernels(self.graph)
        for region in self._regions.values():
            for node in {node for step in region.steps for node in step.results()}:
                names[node] += f", {region.pieces} pieces"
        return names

    # Words, calls ---------------------------------------------------------------------------------

    def _at(self, pointer: Any, offset: int, kind: Any) -> Any:
        place = self.builder.gep(pointer, [I64(offset)], source_etype=I8)
        return self.builder.load(place, typ=kind)

    def _word(self, key: Any, kind: Any = POINTER) -> Any:
        return self._at(self._start, 8 * self._words.places[key], kind)

    def _call(self, name: str, result: Any, *args: Any) -> Any:
        kind = ir.FunctionType(result, [a.type for a in args])
        return self.builder.call(self._word(name, ir.PointerType(kind)), args)

    def _require(self, condition: Any, otherwise: Any) -> None:
        """Go on if something holds."""
        following = self._function.append_basic_block("fits")
        self.builder.cbranch(condition, following, otherwise)
        self.builder.position_at_end(following)

    def _give_back(self, name: str) -> None:
        """Return one of Python's constants."""
        self._call("keep", ir.VoidType(), self._word(name))
        self.builder.ret(self._word(name))

    # The function ---------------------------------------------------------------------------------

    def _write(self) -> None:
        this, arguments, count, *given = self._function.args
        self._start = self._at(this, objects.VALUE, POINTER)
        self._declined = self._function.append_basic_block("declined")
        self._require(
            self.builder.icmp_signed("==", count, I64(len(self.graph.inputs))), self._declined
        )
        for i, node in enumerate(self.graph.inputs):
            self._argument(node, self._at(arguments, 8 * i, POINTER))
        for node in self.graph.nodes:
            if node.op is None and node.value is not None:
                self._constant(node)
        for step in self.plan.steps:
            if type(step) is Gather:
                self._constant(step.places)
        self._results()
        emission = self._emission(given[0] if given else self._word("scratch"))
        if self._is_long:
            state = self._call("save_thread", POINTER)
            emission.write()
            self._call("restore_thread", ir.VoidType(), state)
        else:
            emission.write()
        self._guards(emission)
        self._boxes(emission)
        self.builder.ret(self._tuple)
        self.builder.position_at_end(self._declined)
        self._give_back("none")

    def _argument(self, node: Node, value: Any) -> None:
        """Check one argument and take what is in it."""
        kind = ops.kind_of(node)
        if node.shape:
            self._array(node, value, kind)
        elif isinstance(node.dtype, type) and node.dtype is not float:
            self._python_number(node, value)
        else:
            key = "float_type" if node.dtype is float else ("scalar", kind)
            self._is_a(value, key)
            place = self.builder.gep(value, [I64(objects.VALUE)], source_etype=I8)
            self.scalars[node] = entry_at(self.builder, place, I64(0), kind)

    def _is_a(self, value: Any, key: Any) -> None:
        same = self._same(self._at(value, objects.TYPE, POINTER), self._word(key))
        self._require(same, self._declined)

    def _same(self, one: Any, other: Any) -> Any:
        return self.builder.icmp_unsigned("==", one, other)

    def _array(self, node: Node, value: Any, kind: Any) -> None:
        builder = self.builder
        self._is_a(value, "array_type")
        flags = builder.and_(self._at(value, objects.FLAGS, I32), I32(objects.PLAIN_FLAGS))
        fits = self._same(flags, I32(objects.PLAIN_FLAGS))
        for condition in (
            self._same(self._at(value, objects.DESCR, POINTER), self._word(("dtype", kind))),
            self._same(self._at(value, objects.NDIM, I32), I32(len(node.shape))),
        ):
            fits = builder.and_(fits, condition)
        self._require(fits, self._declined)
        lengths = self._at(value, objects.DIMENSIONS, POINTER)
        for i, n in enumerate(node.shape):
            same = self._same(self._at(lengths, 8 * i, I64), I64(n))
            fits = same if not i else builder.and_(fits, same)
        self._require(fits, self._declined)
        pointer = self._at(value, objects.VALUE, POINTER)
        if size_of(node) == 1:
            self.scalars[node] = entry_at(builder, pointer, I64(0), kind)
        else:
            self.pointers[node] = pointer

    def _python_number(self, node: Node, value: Any) -> None:
        builder = self.builder
        if node.dtype is bool:
            true = self._same(value, self._word("true"))
            known = builder.or_(true, self._same(value, self._word("false")))
            self._require(known, self._declined)
            self.scalars[node] = true
            return
        self._is_a(value, "int_type")
        overflow = builder.alloca(I32)
        self.scalars[node] = self._call("as_int", I64, value, overflow)
        self._require(self._same(builder.load(overflow, typ=I32), I32(0)), self._declined)

    def _constant(self, node: Node) -> None:
        """An array that is the same at each call: it is kept, and read where it lies."""
        if not isinstance(node.value, np.ndarray):
            return
        view = node.value[...]
        self.kept.append(view)
        self._words.add(node, view.__array_interface__["data"][0])
        pointer = self._word(node)
        if size_of(node) == 1:
            self.scalars[node] = entry_at(self.builder, pointer, I64(0), ops.kind_of(node))
        else:
            self.pointers[node] = pointer

    # Results --------------------------------------------------------------------------------------

    def _results(self) -> None:
        """The tuple, and a new array for each output that is one."""
        builder = self.builder
        outputs = self.graph.outputs
        self._tuple = self._call("new_tuple", POINTER, I64(len(outputs)))
        nothing = ir.Constant(POINTER, None)
        failed = self._function.append_basic_block("failed")
        gone = self._function.append_basic_block("gone")
        self._require(builder.icmp_unsigned("!=", self._tuple, nothing), failed)
        self._failed = gone
        self._data: dict[int, Any] = {}
        for i, node in enumerate(outputs):
            if not node.shape:
                continue
            array = self._new_array(node)
            self._require(builder.icmp_unsigned("!=", array, nothing), gone)
            self._call("set_item", I32, self._tuple, I64(i), array)
            self._data[i] = self._at(array, objects.VALUE, POINTER)
            if size_of(node) > 1:
                self.pointers[self.plan.outputs[i]] = self._data[i]
        here = builder.block
        builder.position_at_end(gone)
        self._call("release", ir.VoidType(), self._tuple)
        builder.branch(failed)
        builder.position_at_end(failed)
        builder.ret(nothing)
        builder.position_at_end(here)

    def _new_array(self, node: Node) -> Any:
        shape = ir.ArrayType(I64, len(node.shape))
        lengths = self._constants.get(node.shape)
        if lengths is None:
            name = f"shape{len(self._constants)}"
            lengths = ir.GlobalVariable(self.module, shape, name)
            lengths.linkage, lengths.global_constant = "internal", True
            lengths.initializer = ir.Constant(shape, list(node.shape))
            self._constants[node.shape] = lengths
        nothing = ir.Constant(POINTER, None)
        return self._call(
            *("new_array", POINTER, self._word("array_type"), I32(len(node.shape))),
            *(lengths, I32(ops.kind_of(node).num), nothing, nothing),
            *(I32(0), I32(0), nothing),
        )

    def _boxes(self, emission: Emission) -> None:
        """Put what has one entry where it belongs."""
        for i, node in enumerate(self.graph.outputs):
            if size_of(node) > 1:
                continue
            value = emission.one(self.plan.accesses[node])
            if node.shape:
                stored_at(self.builder, self._data[i], I64(0), ops.kind_of(node), value)
            else:
                box = self._box(node, value)
                nothing = ir.Constant(POINTER, None)
                self._require(self.builder.icmp_unsigned("!=", box, nothing), self._failed)
                self._call("set_item", I32, self._tuple, I64(i), box)

    def _box(self, node: Node, value: Any) -> Any:
        kind = ops.kind_of(node)
        if node.dtype is float:
            return self._call("new_float", POINTER, value)
        if node.dtype is int:
            return self._call("new_int", POINTER, value)
        if kind == ops.BOOL:  # there are two of them
            words = [self._word(("truth", node.dtype is bool, truth)) for truth in (True, False)]
            box = self.builder.select(value, *words)
            self._call("keep", ir.VoidType(), box)
            return box
        box = self._call("new_object", POINTER, self._word(("scalar", kind)), I64(0))
        nothing = ir.Constant(POINTER, None)
        self._require(self.builder.icmp_unsigned("!=", box, nothing), self._failed)
        place = self.builder.gep(box, [I64(objects.VALUE)], source_etype=I8)
        stored_at(self.builder, place, I64(0), kind, value)
        return box

    # Memory ---------------------------------------------------------------------------------------

    def _emission(self, base: Any) -> Emission:
        """What writes the steps, with memory that begins at ``base``."""
        region = self.plan.region
        own = region.local if region and region.pieces else set()
        self._scratch = Scratch(self.plan, {*self.pointers, *own})
        self.pointers.update(self._scratch.begin(self.builder, base))
        threads = base
        if self._regions:
            behind = self._word("shared_bytes", I64)
            threads = self.builder.gep(base, [behind], source_etype=I8)
        return Emission(
            *(self.builder, self.plan, self.pointers, self.scalars, self._scratch),
            *(self._regions, self._deal, (threads, self._word("own_bytes", I64))),
        )

    def _deal(self, function: Any, given: Any, pieces: int) -> None:
        """Have the pool run all pieces, or run them here if there is none."""
        found = pool()
        if found is None:
            with counting(self.builder, I64(0), I64(pieces)) as piece:
                self.builder.call(function, [given, piece, I64(0)])
            return
        self._words.put("pool", found.address)
        self._words.put("run_pieces", found.run)
        arguments = self._word("pool"), function, given, I64(pieces)
        self._call("run_pieces", ir.VoidType(), *arguments)

    def _keep_scratch(self) -> None:
        """Allocate the memory, and tell the code."""
        own, shared = self._scratch.own, self._scratch.shared
        callers = max([region.pieces for region in self._regions.values()], default=0)
        size = shared + own * callers
        memory = np.empty(size + ALIGNMENT, np.uint8)
        self.kept.append(memory)
        start = memory.__array_interface__["data"][0]
        self._words.put("scratch", -(-start // ALIGNMENT) * ALIGNMENT)
        self._words.put("shared_bytes", shared)
        self._words.put("own_bytes", own)
        self._words.put("bytes", size + ALIGNMENT)

    def _new_function(self, name: str, with_memory: bool = False) -> Any:
        kinds = [POINTER, POINTER, I64, *[POINTER] * with_memory]
        function = ir.Function(self.module, ir.FunctionType(POINTER, kinds), name)
        if with_memory:
            function.linkage = "internal"
        return function

    def _write_entry(self, body: Any) -> None:
        """Write what is called where Python's lock is given up: each call has memory of its own.

        The first one has the program's; another one that comes meanwhile has some of its own.
        """
        self._function = self._new_function("program")
        self.builder = builder = ir.IRBuilder(self._function.append_basic_block("entry"))
        self._start = self._at(self._function.args[0], objects.VALUE, POINTER)
        busy = builder.gep(self._start, [I64(8 * self._words.places["busy"])], source_etype=I8)
        first = self._same(builder.load(busy, typ=I64), I64(0))
        with builder.if_then(first):
            builder.store(I64(1), busy)
            result = builder.call(body, [*self._function.args, self._word("scratch")])
            builder.store(I64(0), busy)
            builder.ret(result)
        memory = self._call("new_memory", POINTER, self._word("bytes", I64))
        nothing = ir.Constant(POINTER, None)
        self._declined = self._function.append_basic_block("declined")
        self._require(builder.icmp_unsigned("!=", memory, nothing), self._declined)
        start = builder.add(builder.ptrtoint(memory, I64), I64(ALIGNMENT - 1))
        start = builder.inttoptr(builder.and_(start, I64(-ALIGNMENT)), POINTER)
        result = builder.call(body, [*self._function.args, start])
        self._call("free_memory", ir.VoidType(), memory)
        builder.ret(result)
        builder.position_at_end(self._declined)
        self._give_back("none")

    # Guards ---------------------------------------------------------------------------------------

    def _guards(self, emission: Emission) -> None:
        builder = self.builder
        if not self.graph.guards:
            return
        otherwise = self._function.append_basic_block("otherwise")
        for guard in self.graph.guards:
            value = emission.one(self.plan.accesses[guard.node])
            self._require(_holds(builder, guard, value), otherwise)
        here = builder.block
        builder.position_at_end(otherwise)
        self._call("release", ir.VoidType(), self._tuple)
        self._give_back("false")
        builder.position_at_end(here)


def _holds(builder: Any, guard: Guard, value: Any) -> Any:
    """Whether a value is seen as it was when the function was traced."""
    kind = ops.kind_of(guard.node)
    if guard.look is bool:
        truth = ops.cast(builder, value, kind, ops.BOOL)
        return truth if guard.seen else builder.not_(truth)
    if guard.look is float and guard.seen != guard.seen:
        return builder.fcmp_unordered("uno", value, value)
    value = ops.cast(builder, value, kind, ops.DOUBLE)
    seen = ops.constant(ops.DOUBLE, float(guard.seen))
    if guard.look is int:
        value = Real(builder, value).trunc().value
    return builder.fcmp_ordered("==", value, seen)
