"""Variable: a tensor whose value can be assigned anew."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from gradtape import tensor as engine
from gradtape import variable as engine_variable
from gradtape.recording import active, leave
from gradtape.tf import errors
from gradtape.tf.conversion import array_of, dtype_or_none
from gradtape.tf.operators import Operators, holds_tensors
from gradtape.tf.tensors import Tensor, entries, identity, operand

__all__ = ["Variable"]


class Variable(Operators, engine_variable.Variable):
    """A tensor whose value can be assigned anew; tapes watch trainable ones by themselves.

    Parameters
    ----------
    initial_value : a number, a nested sequence, an array or a tensor; copied. Or a function
        without arguments that returns one.
    trainable : whether tapes watch it when it is used.
    validate_shape : accepted for TensorFlow's sake; shapes are always kept.
    name : shown when it is printed.
    dtype : by default float32 for Python's floats, int32 for integers, and what arrays have.

    Raises
    ------
    ValueError : there is no initial value, or it is no rectangular sequence of numbers.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> w = tf.Variable(5.0, name="w")
    >>> w
    <tf.Variable 'w:0' shape=() dtype=float32, numpy=5.0>
    >>> w.assign_add(1.0)
    <tf.Variable 'UnreadVariable' shape=() dtype=float32, numpy=6.0>
    """

    __slots__ = ()
    __hash__ = Operators.__hash__

    def __init__(
        self,
        initial_value: Any = None,
        trainable: bool | None = None,
        validate_shape: bool = True,
        *,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        if initial_value is None:
            raise ValueError(
                "The `initial_value` arg to `tf.Variable` must be specified except when you are "
                "not providing a `variable_def`. You provided neither."
            )
        if callable(initial_value):
            initial_value = initial_value()
        value = operand(initial_value, dtype_or_none(dtype)).array
        super().__init__(value, trainable is not False, f"{name or 'Variable'}:0")

    def read_value(self) -> Tensor:
        """The present value as a tensor; a gradient passes through."""
        return identity(self)

    def value(self) -> Tensor:
        """The present value as a tensor; a gradient passes through."""
        return identity(self)

    def assign(self, value: Any, use_locking: bool = False, name: Any = None) -> Variable:
        """Give it a new value of the same shape.

        Parameters
        ----------
        value : what it is to hold; Python's numbers and arrays are cast to its dtype.
        use_locking, name : accepted for TensorFlow's sake; no effect.

        Returns
        -------
        A variable that reads as this one does, and prints as ``UnreadVariable``.

        Raises
        ------
        ValueError : the shape is another, or a tensor has another dtype.
        """
        dtype = self.array.dtype
        if isinstance(value, engine.Tensor) or holds_tensors(value):
            new = operand(value, dtype).array
            if isinstance(value, engine.Tensor):
                leave(value, "assign", new)
        else:
            new = array_of(value, dtype)
        return self._assigned(new)

    def assign_add(self, delta: Any, use_locking: bool = False, name: Any = None) -> Variable:
        """Add to the value; see ``assign``."""
        return self._changed("AssignAddVariableOp", operator.add, delta)

    def assign_sub(self, delta: Any, use_locking: bool = False, name: Any = None) -> Variable:
        """Subtract from the value; see ``assign``."""
        return self._changed("AssignSubVariableOp", operator.sub, delta)

    def _changed(self, op: str, compute: Callable[[Any, Any], Any], delta: Any) -> Variable:
        other = engine.bare(operand(delta) if holds_tensors(delta) else delta)
        if isinstance(delta, engine.Tensor) and other.dtype != self.array.dtype:
            raise errors.mismatch(op, self.array.dtype, other.dtype)
        other = array_of(other, self.array.dtype)
        if other.shape != self.array.shape:
            raise self._shape_error(other.shape)
        with np.errstate(all="ignore"):
            return self._assigned(compute(self.array, other))

    def _assigned(self, new: Any) -> Variable:
        if new.shape != self.array.shape:
            raise self._shape_error(new.shape)
        if active():
            identity(self)  # to assign is to use: tapes watch it from now on
        self.array = array_of(new)[()] if not new.ndim else array_of(new)
        return _UnreadVariable(self)

    def _shape_error(self, shape: Any) -> ValueError:
        return ValueError(
            f"Cannot assign value to variable ' {self.name}': Shape mismatch.The variable shape "
            f"{self.array.shape}, and the assigned value shape {tuple(shape)} are incompatible."
        )

    def __iadd__(self, other: Any) -> Any:  # type: ignore[misc]
        raise _in_place("+", "assign_add")

    def __isub__(self, other: Any) -> Any:  # type: ignore[misc]
        raise _in_place("-", "assign_sub")

    def __imul__(self, other: Any) -> Any:  # type: ignore[misc]
        raise _in_place("*", "assign")

    def __itruediv__(self, other: Any) -> Any:
        raise _in_place("/", "assign")

    def __repr__(self) -> str:
        return (
            f"<tf.Variable '{self.name}' shape={self.shape} dtype={self.array.dtype}, "
            f"numpy={entries(self)}>"
        )

    __str__ = __repr__


class _UnreadVariable(Variable):
    """What ``assign`` answers: the same variable under another printed name."""

    __slots__ = ("_of",)

    def __init__(self, of: Variable) -> None:
        self._of = of
        self.key, self.trainable, self.name = of.key, of.trainable, "UnreadVariable"

    @property
    def array(self) -> Any:
        return self._of.array

    @array.setter
    def array(self, value: Any) -> None:
        self._of.array = value


Variable.result_class = Tensor


def _in_place(sign: str, method: str) -> RuntimeError:
    value = f"variable {sign} value" if method == "assign" else "value"
    return RuntimeError(
        f"`variable {sign}= value` with `tf.Variable`s is not supported. Use "
        f"`variable.{method}({value})` to modify the variable, or `out = variable {sign} value` "
        "if you need to get a new output Tensor."
    )
