"""What an input must hold, checked, and made arrays of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]


class InputError(ValueError):
    """An input is not what its function takes."""


class Prepared(NamedTuple):
    """A function, what it is timed on, and what its result becomes in the response."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    finish: Callable[[Any], Any] = lambda result: result


class Input:
    """The input of an ``evaluate`` message: fields of a JSON object."""

    def __init__(self, given: Any, name: str = "input") -> None:
        if not isinstance(given, dict):
            raise InputError(f"{name} must be an object, not {given!r:.60}")
        self.given, self.name = given, name

    def __getitem__(self, name: str) -> Any:
        if name not in self.given:
            raise InputError(f"{self.name} has no field {name!r}")
        return self.given[name]

    def __contains__(self, name: str) -> bool:
        return name in self.given

    def part(self, name: str) -> Input:
        """A field that is an object itself."""
        return Input(self[name], f"{self.name}.{name}")

    def number(self, name: str) -> float:
        """A field that is a number."""
        return number(self[name], f"{self.name}.{name}")

    def count(self, name: str, least: int = 0) -> int:
        """A field that is a whole number."""
        value = self[name]
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise InputError(
                f"{self.name}.{name} must be a whole number from {least} on, not {value!r:.60}"
            )
        return value

    def array(self, name: str, *shape: int | None, dtype: Any = float) -> Array:
        """A field that is an array of numbers of a shape; None is any length."""
        value = self[name]
        try:
            array = np.array(value, dtype=dtype)
        except (ValueError, TypeError, OverflowError):
            raise InputError(f"{self.name}.{name} must be an array of numbers") from None
        if array.size == 0 and 0 in (wanted := tuple(s or 0 for s in shape)):
            array = array.reshape(wanted)  # empty rows have no width in JSON
        if len(shape) != array.ndim or any(
            s is not None and s != n for s, n in zip(shape, array.shape, strict=True)
        ):
            expected = " x ".join("any" if s is None else str(s) for s in shape)
            raise InputError(
                f"{self.name}.{name} must be an array of {expected} numbers, "
                f"but is of shape {array.shape}"
            )
        return array


def number(value: Any, name: str = "input") -> float:
    """A value that is to be a number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InputError(f"{name} must be a number, not {value!r:.60}")
    return float(value)
