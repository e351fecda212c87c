"""Lanes: numbers, bits and conditions of LLVM IR with Python's operators, on any vector width.

``x * y + 1`` writes the instructions; nothing is computed here. No instruction has fast-math flags,
and products are fused with sums only where ``fma`` says so: results are the same on every width.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, overload

import llvmlite.binding as llvm

from gradtape.programs.llvm import ir
from gradtape.programs.llvm.polynomials import POLYNOMIALS

__all__ = ["DOUBLE", "FLOAT", "Bits", "Format", "Mask", "Real", "element_of"]
__all__ += ["has_wide_registers", "intrinsic", "like", "multiplied"]


@dataclass(frozen=True)
class Format:
    """A floating-point format of IEEE 754."""

    name: str
    bits: int
    #: Of the fraction, without the leading one.
    digits: int
    bias: int

    @property
    def real(self) -> Any:
        """The type of a number."""
        return ir.FloatType() if self.bits == 32 else ir.DoubleType()

    @property
    def integer(self) -> Any:
        """The type of its bits."""
        return ir.IntType(self.bits)

    @property
    def infinity(self) -> int:
        """The bits of infinity: all ones for an exponent."""
        return (2 * self.bias + 1) << self.digits

    @property
    def round_magic(self) -> float:
        """Added to a number that is not large, it leaves the nearest integer in the low bits."""
        return 1.5 * 2.0**self.digits

    def bits_of(self, value: float) -> int:
        """The bits of a number that is rounded to this format."""
        kind, whole = ("f", "I") if self.bits == 32 else ("d", "Q")
        number: int = struct.unpack(whole, struct.pack(kind, value))[0]
        return number

    def rounded(self, value: float) -> float:
        """A number in this format, as a Python float."""
        if self.bits == 64:
            return value
        number: float = struct.unpack("f", struct.pack("f", value))[0]
        return number


FLOAT = Format("float", 32, 23, 127)
DOUBLE = Format("double", 64, 52, 1023)
_FORMATS = {"float": FLOAT, "double": DOUBLE}


def element_of(kind: Any) -> Any:
    """The type of one lane."""
    return kind.element if isinstance(kind, ir.VectorType) else kind


def like(kind: Any, element: Any) -> Any:
    """A type of other elements with the same number of lanes."""
    return ir.VectorType(element, kind.count) if isinstance(kind, ir.VectorType) else element


def _suffix(kind: Any) -> str:
    if isinstance(kind, ir.VectorType):
        return f"v{kind.count}{_suffix(kind.element)}"
    if isinstance(kind, ir.IntType):
        return f"i{kind.width}"
    return {"float": "f32", "double": "f64"}[str(kind)]


def intrinsic(builder: Any, name: str, *args: Any) -> Any:
    """A call of one of LLVM's functions whose arguments and result have one type."""
    kind = args[0].type
    full = f"llvm.{name}.{_suffix(kind)}"
    function = builder.module.globals.get(full)
    if function is None:
        sign = ir.FunctionType(kind, [kind] * len(args))
        function = ir.Function(builder.module, sign, full)
    return builder.call(function, args)


def multiplied(builder: Any, x: Any, y: Any, total: Any) -> Any:
    """x * y + total, rounded once where the machine has an instruction for it."""
    if _has_fused_products():
        return intrinsic(builder, "fma", x, y, total)
    return builder.fadd(total, builder.fmul(x, y))


@functools.cache
def _has_fused_products() -> bool:
    host = llvm.get_host_cpu_features()
    return bool(host.get("fma", not llvm.get_default_triple().startswith(("x86", "i"))))


@functools.cache
def has_wide_registers() -> bool:
    """Whether the processor has thirty-two registers of sixteen floats each."""
    return bool(llvm.get_host_cpu_features().get("avx512f", False))


class _Lanes:
    """What numbers, bits and conditions have in common."""

    __slots__ = ("builder", "value")

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder, self.value = builder, value


class Mask(_Lanes):
    """Conditions, one for each lane."""

    __slots__ = ()

    def __and__(self, other: Mask) -> Mask:
        return Mask(self.builder, self.builder.and_(self.value, other.value))

    def __or__(self, other: Mask) -> Mask:
        return Mask(self.builder, self.builder.or_(self.value, other.value))

    def __xor__(self, other: Mask) -> Mask:
        return Mask(self.builder, self.builder.xor(self.value, other.value))

    def __invert__(self) -> Mask:
        return Mask(self.builder, self.builder.xor(self.value, ir.splat(self.value.type, 1)))

    @overload
    def select(self, yes: Bits, no: Bits | int) -> Bits: ...

    @overload
    def select(self, yes: Real | float, no: Real | float) -> Real: ...

    def select(self, yes: Any, no: Any) -> Any:
        """Lanes of one where this holds, of the other elsewhere; at least one is no number."""
        some = yes if isinstance(yes, _Lanes) else no
        if isinstance(some, (Real, Bits)):
            yes, no = some.like(yes), some.like(no)
        return type(some)(self.builder, self.builder.select(self.value, yes.value, no.value))

    def any(self) -> Any:
        """Whether it holds in some lane: an i1."""
        kind = self.value.type
        if not isinstance(kind, ir.VectorType):
            return self.value
        whole = ir.IntType(kind.count)
        return self.builder.icmp_unsigned(
            "!=", self.builder.bitcast(self.value, whole), ir.Constant(whole, 0)
        )


class Bits(_Lanes):
    """The bits of numbers, as integers; shifts bring in zeros."""

    __slots__ = ()

    def like(self, other: Any) -> Bits:
        """A Python integer in each lane."""
        if isinstance(other, Bits):
            return other
        width = element_of(self.value.type).width
        return Bits(self.builder, ir.splat(self.value.type, other % (1 << width)))

    def _with(self, operation: str, other: Any) -> Bits:
        operate = getattr(self.builder, operation)
        return Bits(self.builder, operate(self.value, self.like(other).value))

    def __add__(self, other: Any) -> Bits:
        return self._with("add", other)

    def __sub__(self, other: Any) -> Bits:
        return self._with("sub", other)

    def __mul__(self, other: Any) -> Bits:
        return self._with("mul", other)

    def __and__(self, other: Any) -> Bits:
        return self._with("and_", other)

    def __or__(self, other: Any) -> Bits:
        return self._with("or_", other)

    def __xor__(self, other: Any) -> Bits:
        return self._with("xor", other)

    def __lshift__(self, count: Any) -> Bits:
        return self._with("shl", count)

    def __rshift__(self, count: Any) -> Bits:
        return self._with("lshr", count)

    def below(self, other: Any) -> Mask:
        """Whether it is less, both as integers without sign."""
        other = self.like(other).value
        return Mask(self.builder, self.builder.icmp_unsigned("<", self.value, other))

    def equals(self, other: Any) -> Mask:
        """Whether all bits are the same."""
        other = self.like(other).value
        return Mask(self.builder, self.builder.icmp_unsigned("==", self.value, other))

    def real(self) -> Real:
        """The numbers that have these bits."""
        width = element_of(self.value.type).width
        kind = like(self.value.type, (FLOAT if width == 32 else DOUBLE).real)
        return Real(self.builder, self.builder.bitcast(self.value, kind))


class Real(_Lanes):
    """Floating-point numbers; comparisons are False where an operand is NaN, ``!=`` is True."""

    __slots__ = ("format",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, builder: Any, value: Any, format: Format | None = None) -> None:
        super().__init__(builder, value)
        self.format = format or _FORMATS[str(element_of(value.type))]

    def like(self, other: Any) -> Real:
        """A Python number in each lane, rounded to the format."""
        if isinstance(other, Real):
            return other
        return Real(self.builder, ir.splat(self.value.type, float(other)), self.format)

    def polynomial(self, name: str) -> tuple[float, ...]:
        """The coefficients of one of our polynomials in this format."""
        return POLYNOMIALS[name][self.format.name]

    def _new(self, value: Any) -> Real:
        return Real(self.builder, value, self.format)

    # Arithmetic -----------------------------------------------------------------------------------

    def __neg__(self) -> Real:
        return self._new(self.builder.fneg(self.value))

    def __add__(self, other: Any) -> Real:
        return self._new(self.builder.fadd(self.value, self.like(other).value))

    def __radd__(self, other: Any) -> Real:
        return self.like(other) + self

    def __sub__(self, other: Any) -> Real:
        return self._new(self.builder.fsub(self.value, self.like(other).value))

    def __rsub__(self, other: Any) -> Real:
        return self.like(other) - self

    def __mul__(self, other: Any) -> Real:
        return self._new(self.builder.fmul(self.value, self.like(other).value))

    def __rmul__(self, other: Any) -> Real:
        return self.like(other) * self

    def __truediv__(self, other: Any) -> Real:
        return self._new(self.builder.fdiv(self.value, self.like(other).value))

    def __rtruediv__(self, other: Any) -> Real:
        return self.like(other) / self

    def __abs__(self) -> Real:
        return self._call("fabs")

    def _call(self, name: str, *others: Any) -> Real:
        rest = [self.like(other).value for other in others]
        return self._new(intrinsic(self.builder, name, self.value, *rest))

    def fma(self, factor: Any, term: Any) -> Real:
        """self * factor + term, rounded once."""
        return self._call("fma", factor, term)

    @property
    def can_be_scaled(self) -> bool:
        """Whether this machine has ``scaled`` for as many lanes."""
        kind = self.value.type
        lanes = kind.count if isinstance(kind, ir.VectorType) else 1
        return lanes * self.format.bits == 512 and has_wide_registers()

    def scaled(self, k: Real) -> Real:
        """self * 2**k for whole numbers k, rounded once: one instruction."""
        lanes = self.value.type.count
        part = "ps" if self.format is FLOAT else "pd"
        everywhere, as_usual = ir.Constant(ir.IntType(lanes), -1), ir.Constant(ir.IntType(32), 4)
        values = [self.value, k.value, self.value, everywhere, as_usual]
        name, module = f"llvm.x86.avx512.mask.scalef.{part}.512", self.builder.module
        function = module.globals.get(name)
        if function is None:
            sign = ir.FunctionType(self.value.type, [value.type for value in values])
            function = ir.Function(module, sign, name)
        return self._new(self.builder.call(function, values))

    def sqrt(self) -> Real:
        """The square root."""
        return self._call("sqrt")

    def floor(self) -> Real:
        """The largest integer that is not larger."""
        return self._call("floor")

    def ceil(self) -> Real:
        """The smallest integer that is not smaller."""
        return self._call("ceil")

    def trunc(self) -> Real:
        """The integer next to it, towards 0."""
        return self._call("trunc")

    def rint(self) -> Real:
        """The nearest integer; the even one of two."""
        return self._call("rint")

    def copysign(self, sign: Any) -> Real:
        """With another's sign."""
        return self._call("copysign", sign)

    def at(self, coefficients: Sequence[float]) -> Real:
        """A polynomial here: pairs first, then pairs of pairs, so that less waits for what.

        The constant comes last: after it there is one rounding.
        """
        first, *rest = coefficients
        terms: list[Any] = list(rest)
        power = self
        while len(terms) > 1:
            pairs = [
                power.like(b).fma(power, a) for a, b in zip(terms[::2], terms[1::2], strict=False)
            ]
            terms = [*pairs, *terms[2 * len(pairs) :]]
            if len(terms) > 1:
                power = power * power
        return self.like(terms[0]).fma(self, first)

    # Comparisons ----------------------------------------------------------------------------------

    def _compared(self, how: str, other: Any) -> Mask:
        other = self.like(other).value
        return Mask(self.builder, self.builder.fcmp_ordered(how, self.value, other))

    def __lt__(self, other: Any) -> Mask:
        return self._compared("<", other)

    def __le__(self, other: Any) -> Mask:
        return self._compared("<=", other)

    def __gt__(self, other: Any) -> Mask:
        return self._compared(">", other)

    def __ge__(self, other: Any) -> Mask:
        return self._compared(">=", other)

    def __eq__(self, other: Any) -> Mask:  # type: ignore[override]
        return self._compared("==", other)

    def __ne__(self, other: Any) -> Mask:  # type: ignore[override]
        other = self.like(other).value
        return Mask(self.builder, self.builder.fcmp_unordered("!=", self.value, other))

    def is_nan(self) -> Mask:
        """Whether it is not a number."""
        return Mask(self.builder, self.builder.fcmp_unordered("uno", self.value, self.value))

    # Formats --------------------------------------------------------------------------------------

    def bits(self) -> Bits:
        """The bits."""
        kind = like(self.value.type, self.format.integer)
        return Bits(self.builder, self.builder.bitcast(self.value, kind))

    def double(self) -> Real:
        """The same numbers as doubles."""
        if self.format is DOUBLE:
            return self
        kind = like(self.value.type, DOUBLE.real)
        return Real(self.builder, self.builder.fpext(self.value, kind))

    def single(self) -> Real:
        """Doubles rounded to floats."""
        kind = like(self.value.type, FLOAT.real)
        return Real(self.builder, self.builder.fptrunc(self.value, kind))
