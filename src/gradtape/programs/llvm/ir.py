"""LLVM's language as text: types, constants, functions, and a builder that writes instructions.

An instruction is a line as soon as it is written, and a value is its type and its name: programs
are written once and read by LLVM at once, so nothing needs to know afterwards what was written. For
the same reason what is known here is computed here, where it is an address or a counter: sums and
products of integers that are constants, and what adds 0 or multiplies by 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from gradtape.programs.llvm.ir_values import (
    ArrayType,
    Constant,
    DoubleType,
    FloatType,
    FunctionType,
    IntType,
    LiteralStructType,
    PointerType,
    Undefined,
    Value,
    VectorType,
    VoidType,
    splat,
)

__all__ = [
    "ArrayType",
    "Block",
    "Constant",
    "DoubleType",
    "FloatType",
    "Function",
    "FunctionType",
    "GlobalVariable",
    "IRBuilder",
    "IntType",
    "LiteralStructType",
    "Module",
    "PointerType",
    "Undefined",
    "Value",
    "VectorType",
    "VoidType",
    "splat",
]

_BIT = IntType(1)
_POINTER = PointerType()


class _Phi(Value):
    """A value that depends on where control comes from."""

    __slots__ = ("_incoming",)

    def __init__(self, kind: Any, ref: str) -> None:
        super().__init__(kind, ref)
        self._incoming: list[str] = []

    def add_incoming(self, value: Any, block: Block) -> None:
        """The value if control comes from a block."""
        self._incoming.append(f"[ {value.ref}, %{block.name} ]")

    @property
    def line(self) -> str:
        """The instruction."""
        return f"  {self.ref} = phi {self.type.text} {', '.join(self._incoming)}"


# Modules, functions, blocks -----------------------------------------------------------------------


class Module:
    """Functions and constants under names."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.globals: dict[str, Any] = {}
        #: How many values and blocks have names.
        self.count = 0
        #: Whether some branch says that it is seldom taken.
        self.has_weights = False

    @property
    def functions(self) -> list[Function]:
        """All functions, in their order."""
        return [g for g in self.globals.values() if isinstance(g, Function)]

    def fresh(self, letter: str) -> str:
        """A name that nothing else has."""
        self.count += 1
        return f"{letter}{self.count}"

    def __str__(self) -> str:
        parts = [str(g) for g in self.globals.values()]
        if self.has_weights:
            parts.append('!0 = !{!"branch_weights", i32 1, i32 99}')
        return "\n".join(parts) + "\n"


class GlobalVariable(Value):
    """Memory of the module's own."""

    __slots__ = ("global_constant", "initializer", "linkage", "name", "value_type")

    def __init__(self, module: Module, kind: Any, name: str) -> None:
        super().__init__(_POINTER, f'@"{name}"')
        self.name, self.value_type = name, kind
        self.linkage, self.global_constant, self.initializer = "", False, Constant(kind, None)
        module.globals[name] = self

    def __str__(self) -> str:
        what = "constant" if self.global_constant else "global"
        return f"{self.ref} = {self.linkage} {what} {self.value_type} {self.initializer.ref}"


class Block:
    """Instructions one after the other."""

    __slots__ = ("end", "function", "lines", "name", "phis")

    def __init__(self, function: Function, name: str) -> None:
        self.function, self.name = function, name
        self.phis: list[_Phi] = []
        self.lines: list[str] = []
        self.end = ""

    def __str__(self) -> str:
        phis = [phi.line for phi in self.phis]
        return "\n".join([f"{self.name}:", *phis, *self.lines, self.end])


class Function(Value):
    """A function; it is only declared as long as it has no blocks."""

    __slots__ = ("args", "attributes", "blocks", "function_type", "linkage", "module", "name")

    def __init__(self, module: Module, kind: Any, name: str) -> None:
        super().__init__(_POINTER, f'@"{name}"')
        self.module, self.function_type, self.name = module, kind, name
        self.linkage = ""
        self.attributes: set[str] = set()
        self.args = [Value(part, f"%{module.fresh('a')}") for part in kind.args]
        self.blocks: list[Block] = []
        module.globals[name] = self

    def append_basic_block(self, name: str = "b") -> Block:
        """A new block behind the others."""
        block = Block(self, self.module.fresh(name + "."))
        self.blocks.append(block)
        return block

    def __str__(self) -> str:
        kind = self.function_type
        if not self.blocks:
            return f"declare {kind.return_type} {self.ref}({', '.join(map(str, kind.args))})"
        args = ", ".join([f"{arg.type} {arg.ref}" for arg in self.args])
        head = ["define", self.linkage, kind.return_type.text, f"{self.ref}({args})"]
        head += sorted(self.attributes)
        blocks = "\n".join(map(str, self.blocks))
        return f"{' '.join([part for part in head if part])} {{\n{blocks}\n}}"


# Instructions -------------------------------------------------------------------------------------

_EQUAL = {"==": "eq", "!=": "ne"}
_SIGNED = {**_EQUAL, "<": "slt", "<=": "sle", ">": "sgt", ">=": "sge"}
_UNSIGNED = {**_EQUAL, "<": "ult", "<=": "ule", ">": "ugt", ">=": "uge"}
_ORDERED = {"==": "oeq", "!=": "one", "<": "olt", "<=": "ole", ">": "ogt", ">=": "oge"}
_UNORDERED = {"==": "ueq", "!=": "une", "<": "ult", "<=": "ule", ">": "ugt", ">=": "uge"}
_UNORDERED["uno"] = "uno"


class IRBuilder:
    """Writes instructions at the end of a block; ``block`` is where it writes."""

    def __init__(self, block: Block) -> None:
        self.block = block

    @property
    def function(self) -> Function:
        """The function that is written."""
        return self.block.function

    @property
    def module(self) -> Module:
        """The module that is written."""
        return self.block.function.module

    def _new(self, kind: Any, text: str) -> Value:
        module = self.block.function.module
        module.count += 1
        ref = f"%v{module.count}"
        self.block.lines.append(f"  {ref} = {text}")
        return Value(kind, ref)

    # Blocks ---------------------------------------------------------------------------------------

    def append_basic_block(self, name: str = "b") -> Block:
        """A new block of the function."""
        return self.function.append_basic_block(name)

    def position_at_end(self, block: Block) -> None:
        """Write there from now on."""
        self.block = block

    @contextmanager
    def goto_entry_block(self) -> Iterator[None]:
        """Write into the function's first block, before it goes on."""
        here, self.block = self.block, self.function.blocks[0]
        yield
        self.block = here

    @contextmanager
    def if_then(self, condition: Any, likely: bool = True) -> Iterator[None]:
        """What is inside of ``with`` is done only if a condition holds; it may also return."""
        inside, after = self.append_basic_block("if"), self.append_basic_block("endif")
        self.cbranch(condition, inside, after)
        if not likely:
            self.block.end += ", !prof !0"
            self.module.has_weights = True
        self.block = inside
        yield
        if not self.block.end:
            self.branch(after)
        self.block = after

    def branch(self, block: Block) -> None:
        """Go on there."""
        self.block.end = f"  br label %{block.name}"

    def cbranch(self, condition: Any, yes: Block, no: Block) -> None:
        """Go on in one of two blocks."""
        self.block.end = f"  br i1 {condition.ref}, label %{yes.name}, label %{no.name}"

    def ret(self, value: Any) -> None:
        """Return a value."""
        self.block.end = f"  ret {value.type.text} {value.ref}"

    def ret_void(self) -> None:
        """Return."""
        self.block.end = "  ret void"

    def phi(self, kind: Any) -> _Phi:
        """A value that depends on where control comes from."""
        phi = _Phi(kind, f"%{self.module.fresh('v')}")
        self.block.phis.append(phi)
        return phi

    # Arithmetic -----------------------------------------------------------------------------------

    def _binary(self, name: str, x: Any, y: Any) -> Value:
        return self._new(x.type, f"{name} {x.type.text} {x.ref}, {y.ref}")

    def add(self, x: Any, y: Any, flags: Sequence[str] = ()) -> Any:
        """x + y, of integers."""
        if isinstance(x, Constant) and type(x.type) is IntType:
            x, y = y, x
        if isinstance(y, Constant) and type(y.type) is IntType:
            if y.constant == 0:
                return x
            if isinstance(x, Constant):
                return Constant(x.type, x.constant + y.constant)
        return self._binary(" ".join(["add", *flags]), x, y)

    def mul(self, x: Any, y: Any) -> Any:
        """x * y, of integers."""
        if isinstance(x, Constant) and type(x.type) is IntType:
            x, y = y, x
        if isinstance(y, Constant) and type(y.type) is IntType:
            if y.constant in (0, 1):
                return x if y.constant else y
            if isinstance(x, Constant):
                return Constant(x.type, x.constant * y.constant)
        return self._binary("mul", x, y)

    def sub(self, x: Any, y: Any) -> Value:
        """x - y, of integers."""
        return self._binary("sub", x, y)

    def neg(self, x: Any) -> Value:
        """-x, of integers."""
        return self._binary("sub", splat(x.type, 0), x)

    def and_(self, x: Any, y: Any) -> Value:
        """The bits that both have."""
        return self._binary("and", x, y)

    def or_(self, x: Any, y: Any) -> Value:
        """The bits that one has."""
        return self._binary("or", x, y)

    def xor(self, x: Any, y: Any) -> Value:
        """The bits that only one has."""
        return self._binary("xor", x, y)

    def not_(self, x: Any) -> Value:
        """The other bits."""
        return self._binary("xor", x, splat(x.type, -1))

    def shl(self, x: Any, y: Any) -> Value:
        """Bits moved up."""
        return self._binary("shl", x, y)

    def lshr(self, x: Any, y: Any) -> Value:
        """Bits moved down."""
        return self._binary("lshr", x, y)

    def fadd(self, x: Any, y: Any) -> Value:
        """x + y."""
        return self._binary("fadd", x, y)

    def fsub(self, x: Any, y: Any) -> Value:
        """x - y."""
        return self._binary("fsub", x, y)

    def fmul(self, x: Any, y: Any) -> Value:
        """x * y."""
        return self._binary("fmul", x, y)

    def fdiv(self, x: Any, y: Any) -> Value:
        """x / y."""
        return self._binary("fdiv", x, y)

    def frem(self, x: Any, y: Any) -> Value:
        """What a division leaves, with the sign of x."""
        return self._binary("frem", x, y)

    def fneg(self, x: Any) -> Value:
        """-x."""
        return self._new(x.type, f"fneg {x.type.text} {x.ref}")

    # Comparisons ----------------------------------------------------------------------------------

    def _compared(self, name: str, x: Any, y: Any) -> Value:
        kind = x.type
        result = VectorType(_BIT, kind.count) if isinstance(kind, VectorType) else _BIT
        return self._new(result, f"{name} {kind.text} {x.ref}, {y.ref}")

    def icmp_signed(self, how: str, x: Any, y: Any) -> Value:
        """A comparison of integers with a sign."""
        return self._compared(f"icmp {_SIGNED[how]}", x, y)

    def icmp_unsigned(self, how: str, x: Any, y: Any) -> Value:
        """A comparison of integers without a sign, or of addresses."""
        return self._compared(f"icmp {_UNSIGNED[how]}", x, y)

    def fcmp_ordered(self, how: str, x: Any, y: Any) -> Value:
        """A comparison that does not hold where an operand is NaN."""
        return self._compared(f"fcmp {_ORDERED[how]}", x, y)

    def fcmp_unordered(self, how: str, x: Any, y: Any) -> Value:
        """A comparison that holds where an operand is NaN."""
        return self._compared(f"fcmp {_UNORDERED[how]}", x, y)

    def select(self, condition: Any, yes: Any, no: Any) -> Value:
        """One of two values, in each lane."""
        text = f"select {condition.type.text} {condition.ref}, {yes.type.text} {yes.ref}, "
        return self._new(yes.type, f"{text}{no.type.text} {no.ref}")

    # Conversions ----------------------------------------------------------------------------------

    def _as(self, name: str, value: Any, kind: Any) -> Any:
        if value.type is kind:
            return value
        return self._new(kind, f"{name} {value.type.text} {value.ref} to {kind.text}")

    def zext(self, value: Any, kind: Any) -> Any:
        """A longer integer; zeros come in."""
        return self._as("zext", value, kind)

    def trunc(self, value: Any, kind: Any) -> Any:
        """The low bits."""
        return self._as("trunc", value, kind)

    def fpext(self, value: Any, kind: Any) -> Any:
        """A number with more digits."""
        return self._as("fpext", value, kind)

    def fptrunc(self, value: Any, kind: Any) -> Any:
        """A number rounded to fewer digits."""
        return self._as("fptrunc", value, kind)

    def sitofp(self, value: Any, kind: Any) -> Any:
        """An integer with a sign as a number."""
        return self._as("sitofp", value, kind)

    def uitofp(self, value: Any, kind: Any) -> Any:
        """An integer without a sign as a number."""
        return self._as("uitofp", value, kind)

    def bitcast(self, value: Any, kind: Any) -> Any:
        """The same bits as something else."""
        return self._as("bitcast", value, kind)

    def ptrtoint(self, value: Any, kind: Any) -> Any:
        """An address as an integer."""
        return self._as("ptrtoint", value, kind)

    def inttoptr(self, value: Any, kind: Any) -> Any:
        """An integer as an address."""
        return self._as("inttoptr", value, kind)

    # Memory ---------------------------------------------------------------------------------------

    def alloca(self, kind: Any) -> Value:
        """Memory until the function returns."""
        return self._new(_POINTER, f"alloca {kind.text}")

    def gep(self, pointer: Any, indices: Sequence[Any], source_etype: Any) -> Any:
        """An address further on, counted in entries."""
        first = indices[0]
        if len(indices) == 1 and isinstance(first, Constant) and first.constant == 0:
            return pointer
        places = ", ".join([f"{i.type.text} {i.ref}" for i in indices])
        text = f"getelementptr {source_etype.text}, ptr {pointer.ref}, {places}"
        return self._new(_POINTER, text)

    def load(self, pointer: Any, typ: Any, align: int | None = None) -> Value:
        """What is in memory."""
        end = f", align {align}" if align else ""
        return self._new(typ, f"load {typ.text}, ptr {pointer.ref}{end}")

    def store(self, value: Any, pointer: Any, align: int | None = None) -> None:
        """Write to memory."""
        end = f", align {align}" if align else ""
        line = f"  store {value.type.text} {value.ref}, ptr {pointer.ref}{end}"
        self.block.lines.append(line)

    # Lanes, parts, calls --------------------------------------------------------------------------

    def extract_element(self, vector: Any, lane: Any) -> Value:
        """The value of a lane."""
        text = f"extractelement {vector.type.text} {vector.ref}, {lane.type.text} {lane.ref}"
        return self._new(vector.type.element, text)

    def insert_element(self, vector: Any, value: Any, lane: Any) -> Value:
        """A vector with another value in a lane."""
        text = f"insertelement {vector.type.text} {vector.ref}, {value.type.text} {value.ref}, "
        return self._new(vector.type, f"{text}{lane.type.text} {lane.ref}")

    def shuffle_vector(self, x: Any, y: Any, mask: Any) -> Value:
        """Lanes of two vectors, by their numbers."""
        kind = VectorType(x.type.element, mask.type.count)
        text = f"shufflevector {x.type.text} {x.ref}, {y.type.text} {y.ref}, "
        return self._new(kind, f"{text}{mask.type.text} {mask.ref}")

    def extract_value(self, several: Any, place: int) -> Value:
        """One of several values."""
        text = f"extractvalue {several.type.text} {several.ref}, {place}"
        return self._new(several.type.elements[place], text)

    def insert_value(self, several: Any, value: Any, place: int) -> Value:
        """Several values with another one at a place."""
        text = f"insertvalue {several.type.text} {several.ref}, {value.type.text} {value.ref}"
        return self._new(several.type, f"{text}, {place}")

    def call(self, function: Any, args: Sequence[Any]) -> Any:
        """The result of a function, or of one at an address whose type says what it is."""
        known = isinstance(function, Function)
        kind = function.function_type if known else function.type.pointee
        given = ", ".join([f"{a.type.text} {a.ref}" for a in args])
        text = f"call {kind.return_type.text} {function.ref}({given})"
        if isinstance(kind.return_type, VoidType):
            self.block.lines.append(f"  {text}")
            return None
        return self._new(kind.return_type, text)
