"""Types and constants of LLVM's language, as text."""

from __future__ import annotations

import struct
from typing import Any

__all__ = [
    "ArrayType",
    "Constant",
    "DoubleType",
    "FloatType",
    "FunctionType",
    "IntType",
    "LiteralStructType",
    "PointerType",
    "Undefined",
    "Value",
    "VectorType",
    "VoidType",
    "splat",
]

# Types --------------------------------------------------------------------------------------------

_TYPES: dict[Any, Any] = {}


class Type:
    """A type: there is one object for each. Called with a number, it gives a constant."""

    text: str

    def __new__(cls, *parts: Any) -> Any:
        """The type of its parts, which may be known already."""
        key = cls, *[tuple(part) if isinstance(part, (list, tuple)) else part for part in parts]
        found = _TYPES.get(key)
        if found is None:
            made = super().__new__(cls)
            made._make(*key[1:])
            found = _TYPES.setdefault(key, made)
        return found

    def _make(self, *parts: Any) -> None:
        raise NotImplementedError

    def __str__(self) -> str:
        return self.text

    def __call__(self, value: Any) -> Constant:
        """A constant of this type."""
        return Constant(self, value)


class VoidType(Type):
    """The type of nothing."""

    def _make(self) -> None:
        self.text = "void"


class FloatType(Type):
    """Numbers of 32 bits."""

    def _make(self) -> None:
        self.text = "float"


class DoubleType(Type):
    """Numbers of 64 bits."""

    def _make(self) -> None:
        self.text = "double"


class IntType(Type):
    """Integers of some bits."""

    width: int

    def _make(self, width: int) -> None:
        self.width, self.text = width, f"i{width}"


class PointerType(Type):
    """Addresses; ``pointee`` is what calls need to know of a function there."""

    pointee: Any

    def _make(self, pointee: Any = None) -> None:
        self.pointee, self.text = pointee, "ptr"


class VectorType(Type):
    """Some lanes."""

    element: Any
    count: int

    def _make(self, element: Any, count: int) -> None:
        self.element, self.count = element, count
        self.text = f"<{count} x {element.text}>"


class ArrayType(Type):
    """Entries in memory."""

    element: Any
    count: int

    def _make(self, element: Any, count: int) -> None:
        self.element, self.count = element, count
        self.text = f"[{count} x {element.text}]"


class LiteralStructType(Type):
    """Several values."""

    elements: tuple[Any, ...]

    def _make(self, elements: tuple[Any, ...]) -> None:
        self.elements = elements
        self.text = f"{{ {', '.join([e.text for e in elements])} }}"


class FunctionType(Type):
    """What a function takes and gives."""

    return_type: Any
    args: tuple[Any, ...]

    def _make(self, return_type: Any, args: tuple[Any, ...]) -> None:
        self.return_type, self.args = return_type, args
        self.text = f"{return_type.text} ({', '.join([a.text for a in args])})"


# Values -------------------------------------------------------------------------------------------


class Value:
    """What an instruction gives: a type and a name."""

    __slots__ = ("ref", "type")

    def __init__(self, kind: Any, ref: str) -> None:
        self.type, self.ref = kind, ref


class _Undefined:
    """The value of a constant of which nothing matters."""


Undefined = _Undefined()


class Constant(Value):
    """A constant: a number, several of them, None for zeros, or ``Undefined``."""

    __slots__ = ("constant",)

    def __init__(self, kind: Any, value: Any) -> None:
        super().__init__(kind, _written(kind, value))
        self.constant = value


class _Splat(Constant):
    """The same number in each lane, in LLVM's short form."""

    __slots__ = ()

    def __init__(self, kind: Any, value: Any) -> None:
        Value.__init__(self, kind, f"splat ({kind.element.text} {_written(kind.element, value)})")
        self.constant = [value] * kind.count


def splat(kind: Any, value: Any) -> Constant:
    """The same constant in each lane of a vector, or a constant of another type."""
    return _Splat(kind, value) if isinstance(kind, VectorType) else Constant(kind, value)


def _written(kind: Any, value: Any) -> str:
    if value is Undefined:
        return "undef"
    if value is None:
        return "null" if isinstance(kind, PointerType) else "zeroinitializer"
    if isinstance(kind, IntType):
        return str(int(value))
    if isinstance(kind, (FloatType, DoubleType)):
        if isinstance(kind, FloatType):  # written as the double of the same value
            value = struct.unpack("f", struct.pack("f", value))[0]
        return f"0x{struct.unpack('Q', struct.pack('d', value))[0]:016X}"
    open_, close = "<>" if isinstance(kind, VectorType) else "[]"
    element = kind.element
    return open_ + ", ".join([f"{element.text} {_written(element, v)}" for v in value]) + close
