"""The methods of arrays that are called less often: a tensor has them, too.

Each is a NumPy function of the tensor; those that NumPy's arrays do in place write into it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from gradtape.writes import assign, entries

__all__ = ["Methods"]


def _method(function: Callable[..., Any]) -> Any:
    """A method that is a NumPy function of the tensor."""
    return lambda self, *args, **kwargs: function(self, *args, **kwargs)


def _in_place(function: Callable[..., Any]) -> Any:
    """A method that writes what a NumPy function makes of the tensor into it."""
    return lambda self, *args, **kwargs: assign(self, ..., function(self, *args, **kwargs))


class Methods:
    """What a tensor answers besides its arithmetic, shapes and reductions."""

    __slots__ = ()

    array: Any
    #: Whether it can be written into: ``t[0] = 1`` and the like.
    writable: ClassVar[bool] = True

    var = _method(np.var)
    std = _method(np.std)
    cumprod = _method(np.cumprod)
    squeeze = _method(np.squeeze)
    swapaxes = _method(np.swapaxes)
    repeat = _method(np.repeat)
    take = _method(np.take)
    trace = _method(np.trace)
    diagonal = _method(np.diagonal)
    round = _method(np.round)
    argmax = _method(np.argmax)
    argmin = _method(np.argmin)
    argsort = _method(np.argsort)
    argpartition = _method(np.argpartition)
    searchsorted = _method(np.searchsorted)
    nonzero = _method(np.nonzero)
    choose = _method(np.choose)
    put = _method(np.put)
    sort = _in_place(np.sort)
    partition = _in_place(np.partition)
    flat = property(entries, doc="The entries in order; a write into them reaches the tensor.")

    @property
    def itemsize(self) -> int:
        """The bytes of one entry."""
        return self.array.itemsize  # type: ignore[no-any-return]

    @property
    def nbytes(self) -> int:
        """The bytes of all entries."""
        return self.array.nbytes  # type: ignore[no-any-return]

    def fill(self, value: Any) -> None:
        """Write one number into every entry."""
        assign(self, ..., value)

    def compress(self, condition: Any, axis: Any = None) -> Any:
        """The entries at which a condition holds."""
        return np.compress(condition, self, axis)  # type: ignore[call-overload]

    def conj(self) -> Any:
        """The complex conjugate; a real array itself, as NumPy's method has it."""
        if self.array.dtype.kind == "c" or not self.writable:
            return np.conjugate(self)  # type: ignore[call-overload]
        return self

    conjugate = conj
