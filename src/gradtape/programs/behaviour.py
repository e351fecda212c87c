"""What symbols do when Python asks: operators, methods, conversions to Python's numbers."""

from __future__ import annotations

import dis
import operator
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from gradtape.errors import STORES
from gradtape.programs import inplace
from gradtape.programs.opaque import apply, called, mutated, stored
from gradtape.programs.tracing import TraceError, is_symbol, symbols_in
from gradtape.rules import BINDINGS, STRAIGHT
from gradtape.tensor import PLAIN

__all__ = [
    *("OURS", "SUBSCRIPT", "binary", "changing", "conversion", "function"),
    *("in_place", "opcode", "part"),
]

OURS = f"{Path(__file__).parents[1]}/"
_NUMBERS = frozenset({bool, int, float, complex})
_NO_NUMBERS = frozenset({type(None), str, bytes})


def binary(function: Any, plainly: Any, reflected: bool = False) -> Any:
    """An operator: a NumPy function, or Python's own operation among Python's numbers."""
    binder = BINDINGS.get(function) or STRAIGHT.get(function)

    def operate(self: Any, other: Any) -> Any:
        kind = type(other)
        if not is_symbol(other) and kind not in PLAIN and kind is not complex:
            lists = isinstance(other, (list, tuple))
            if lists and plainly is operator.mul and not isinstance(self.value, np.ndarray):
                return NotImplemented  # [0] * n
            if lists and not self.is_plain:
                other = np.stack(other) if next(symbols_in(other), None) else np.asarray(other)
            elif lists or (kind in _NO_NUMBERS and plainly is not operator.mul):
                value = self.value  # an error, or an answer that no value decides
                return plainly(other, value) if reflected else plainly(value, other)
            else:  # a tensor's own operator does it
                return NotImplemented
        pair = (other, self) if reflected else (self, other)
        if self.is_plain and (other.is_plain if is_symbol(other) else kind in _NUMBERS):
            return apply(plainly, pair)
        if binder is None or not self.tracing.here:
            return called(function, pair, {})
        return binder(*pair)

    return operate


def in_place(function: Any, operator_name: str) -> Any:
    """An operator that writes its result into the left operand."""

    def operate(self: Any, other: Any) -> Any:
        result = getattr(self, operator_name)(other)
        if result is NotImplemented or not isinstance(self.value, np.ndarray):
            return result
        if not self.tracing.here:
            raise stored()
        return inplace.overwrite(self, result)

    return operate


def function(numpys: Any) -> Any:
    """A method that is a NumPy function of the symbol."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return self.__array_function__(numpys, (), (self, *args), kwargs)

    return method


def part(name: str) -> Any:
    """What gives the real or the imaginary part."""
    numpys = getattr(np, name)
    of_arrays = function(numpys)

    def method(self: Any) -> Any:
        if not self.is_plain:
            return of_arrays(self)
        if self.dtype.kind == "c":
            return apply(float, (numpys(self),))
        return self if name == "real" else self.value.imag  # which is zero

    return method


def changing(name: str) -> Any:
    """A method that writes into the array."""

    def method(self: Any, *args: Any, **kwargs: Any) -> None:
        mutated(getattr(np.ndarray, name), (self, *args), kwargs)

    return method


def conversion(look: Callable[[Any], Any]) -> Any:
    """What Python sees of a value."""

    def converted(self: Any, *options: Any) -> Any:
        if not self.tracing.here:
            return look(self.value, *options)
        frame = sys._getframe(1)
        if look is not operator.index and not options:
            ours = frame.f_code.co_filename.startswith(f"{OURS}derivatives")
            if ours and not self.is_plain and self.tracing.within:
                raise TraceError("what looks at values is called as it is")  # see ``_meant``
            if opcode(frame) in STORES:
                raise stored()
        if options:
            return self.tracing.seen(self, lambda value: look(value, *options))
        return self.tracing.seen(self, look)

    return converted


def opcode(frame: Any) -> int:
    """What a frame is executing."""
    return frame.f_code.co_code[frame.f_lasti]  # type: ignore[no-any-return]


#: What reads an entry of an array, where that has an instruction of its own.
SUBSCRIPT = dis.opmap.get("BINARY_SUBSCR")
