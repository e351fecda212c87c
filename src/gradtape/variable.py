"""Variable and constant: the ways in which a value becomes a tensor."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from gradtape import errors
from gradtape.recording import leave, new_key
from gradtape.rules import UFUNCS
from gradtape.tensor import Tensor, bare

__all__ = ["ALIVE", "Variable", "constant"]


class _Alive(weakref.WeakValueDictionary[Any, "Variable"]):
    """Variables by their keys.

    While a function is traced, ``made`` lists those that it makes, with their first values.
    """

    made: list[tuple[weakref.ref[Any], Any]] | None = None

    def __setitem__(self, key: Any, variable: Variable) -> None:
        super().__setitem__(key, variable)
        if self.made is not None:
            self.made.append((weakref.ref(variable), variable.array))


#: All variables that there are.
ALIVE = _Alive()


class Variable(Tensor):
    """A tensor whose value can be assigned anew; tapes watch trainable ones by themselves.

    Parameters
    ----------
    initial_value : array-like; copied.
    trainable : whether tapes watch it when it is used.
    name : used in messages.
    dtype : NumPy dtype; by default that of the value.

    Examples
    --------
    >>> import gradtape as gt
    >>> w = gt.Variable([1.0, 2.0])
    >>> with gt.GradientTape() as tape:
    ...     loss = (w**2).sum()
    >>> w.assign_sub(0.5 * tape.gradient(loss, w))
    Variable([0., 0.])
    """

    __slots__ = ("name", "trainable")

    writable = False

    def __init__(
        self,
        initial_value: Any,
        trainable: bool = True,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(_own(initial_value, dtype), new_key())
        self.trainable = trainable
        self.name = name or "Variable"
        ALIVE[self.key] = self

    def assign(self, value: Any) -> Variable:
        """Give it a new value of the same shape, cast to its dtype; return the variable.

        Records made before keep the value they saw.
        """
        new = bare(value)
        if np.shape(new) != self.shape:
            raise ValueError(
                f"cannot assign {errors.describe(new)} to variable {self.name!r} of shape "
                f"{self.shape}: the shapes must be equal"
            )
        self.array = _own(new, self.dtype)
        if isinstance(value, Tensor):
            leave(value, "assign", self.array)
        return self

    def assign_add(self, delta: Any) -> Variable:
        """Add ``delta`` to the value; return the variable."""
        return self.assign(self.array + bare(delta))

    def assign_sub(self, delta: Any) -> Variable:
        """Subtract ``delta`` from the value; return the variable."""
        return self.assign(self.array - bare(delta))

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy is another variable, with a key of its own.
        return _restored_variable, (type(self), self.array, self.trainable, self.name)

    def value(self) -> Tensor:
        """The present value as a tensor of its own, recorded as an identity."""
        return UFUNCS[np.positive](self)  # type: ignore[no-any-return]


def constant(value: Any, dtype: Any = None) -> Tensor:
    """Make a tensor of a number, a nested sequence or an array; the value is copied.

    Examples
    --------
    >>> import gradtape as gt
    >>> gt.constant([[1, 2], [3, 4]], dtype="float32")
    Tensor([[1., 2.],
            [3., 4.]], dtype=float32)
    """
    return Tensor(_own(value, dtype))


def _own(value: Any, dtype: Any) -> Any:
    """A fresh array of a value, or a NumPy scalar when it has no axes."""
    if hasattr(value, "__gradtape_symbol__"):  # nobody can write into it
        return value.strong(dtype)
    if isinstance(value, np.ma.MaskedArray):
        raise errors.masked_array(value)
    array = np.array(value, dtype=dtype)
    if array.dtype.kind not in "biufc":
        raise TypeError(
            f"a tensor holds numbers; {errors.describe(value)} gives an array of dtype "
            f"{array.dtype}. Pass numbers, or nested sequences of equal lengths of them."
        )
    return array if array.ndim else array[()]


def _restored_variable(cls: type[Variable], array: Any, trainable: bool, name: str) -> Variable:
    """A variable that was copied or pickled."""
    return cls(array, trainable=trainable, name=name)
