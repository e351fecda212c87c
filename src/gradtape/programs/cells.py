"""Variables of what keeps a state of its own: a traced function reads and assigns them as others.

They belong to an optimiser, say, and no user sees them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape.recording import new_key
from gradtape.tensor import Tensor
from gradtape.variable import ALIVE, Variable

__all__ = ["Cell", "Number", "form_of", "is_traced"]


class Cell(Variable):
    """A variable that is not trained, and whose array its owner may write into."""

    __slots__ = ()

    def __init__(self, value: Any, trainable: bool = False, name: str | None = None) -> None:
        super().__init__(value, trainable=trainable, name=name)


class Number(Cell):
    """A variable that holds one of Python's numbers: beside arrays, it takes their dtype."""

    __slots__ = ()

    def __init__(self, value: Any, trainable: bool = False, name: str | None = None) -> None:
        # Not as other variables: it is known with the number that it holds.
        Tensor.__init__(self, getattr(value, "item", lambda: value)(), new_key())
        self.trainable, self.name = trainable, name or "Number"
        ALIVE[self.key] = self

    shape = property(lambda self: ())
    ndim = property(lambda self: 0)
    dtype = property(lambda self: np.dtype(form_of(self)[1]))


def form_of(tensor: Any) -> tuple[Any, Any]:
    """Shape and dtype of a tensor as a graph has them: the dtype of a Python number is its type."""
    array = tensor.array
    dtype = getattr(array, "dtype", None)
    return np.shape(array), type(array) if dtype is None else dtype


def is_traced(value: Any) -> bool:
    """Whether a value is a symbol, also where nothing was ever traced."""
    return hasattr(value, "__gradtape_symbol__")
