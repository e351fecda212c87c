"""What rules and writes ask of a value that stands for one of a program, to leave work to it."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["Asked"]


class Asked:
    """A value that carries the marker which rules look for: what they then ask of it.

    ``called``, which takes a whole function into the program, is set where the forms of calls are.
    """

    __gradtape_symbol__ = True
    __slots__ = ()

    value: Any
    node: Any
    program: Any
    dtype: Any

    @staticmethod
    def called(function: Any, args: Any, kwargs: Any) -> Any:
        """A function of bare arrays, as part of the program."""
        raise NotImplementedError  # set by the module that knows the forms

    def tried(self, function: Any, values: Any) -> Any:
        """A partial derivative, as part of the program."""
        return function(*values)

    def frozen(self) -> Any:
        """The same value, which no write into this one changes."""
        return self._another(self.value, self.node)

    def fresh(self, array: Any) -> Any:
        """A new array beside it, which may be written into."""
        return self._another(array, None)

    def strong(self, dtype: Any = None) -> Any:
        """A copy of it in a dtype."""
        same = dtype is None or np.dtype(dtype) == self.dtype
        return self.frozen() if same else self.astype(dtype)

    def picked_from(self, rows: Any) -> Any:
        """The entries of the last axis of an array at these positions."""
        return rows[..., self]

    def refuse(self, reason: str) -> None:
        """Raise, for a reason that somebody else knows."""
        raise NotImplementedError(reason)

    def astype(self, dtype: Any, *args: Any, **kwargs: Any) -> Any:
        """Another dtype."""
        raise NotImplementedError

    def _another(self, value: Any, node: Any) -> Any:
        return type(self)(value, node, self.program)  # type: ignore[call-arg]
