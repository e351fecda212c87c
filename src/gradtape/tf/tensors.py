"""Tensor as TensorFlow has it, how values become one, and how it is printed."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape import tensor as engine
from gradtape import variable as engine_variable
from gradtape.rules import UFUNCS
from gradtape.tf import errors
from gradtape.tf.conversion import array_of, dtype_or_none
from gradtape.tf.operators import Operators, answer, holds_tensors, stacked
from gradtape.tf.shape import TensorShape
from gradtape.tf.types import as_dtype

__all__ = [
    "Tensor",
    "constant",
    "convert_to_tensor",
    "entries",
    "identity",
    "integers",
    "is_tensor",
    "operand",
    "result",
]


class Tensor(Operators, engine.Tensor):
    """An array that tapes can track, with TensorFlow's operators and printed form.

    Make one with ``tf.constant``. NumPy's functions act on it too.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> t = tf.constant([1.0, 2.0])
    >>> 2 * t + 1
    <tf.Tensor: shape=(2,), dtype=float32, numpy=array([3., 5.], dtype=float32)>
    >>> print(t[0])
    tf.Tensor(1.0, shape=(), dtype=float32)
    """

    __slots__ = ()
    __hash__ = Operators.__hash__

    writable = False

    def __repr__(self) -> str:
        return f"<tf.Tensor: shape={self.shape}, dtype={self.array.dtype}, numpy={entries(self)}>"

    def __str__(self) -> str:
        text = str(self.array)
        return f"tf.Tensor({_on_own_line(text)}, shape={self.shape}, dtype={self.array.dtype})"


Tensor.result_class = Tensor


def _on_own_line(text: str) -> str:
    return f"\n{text}" if "\n" in text else text


def entries(tensor: Any) -> str:
    """The value as ``numpy=`` shows it: a scalar as Python prints it."""
    array = tensor.array
    return _on_own_line(repr(array)) if array.ndim else repr(array.item())


# Conversions ----------------------------------------------------------------------------------


def _requested(value: Any, dtype: Any) -> ValueError:
    """The error for a tensor where another dtype was asked for."""
    return ValueError(
        f"Tensor conversion requested dtype {dtype.name} for Tensor with dtype "
        f"{value.array.dtype.name}: {value!r} (use tf.cast to convert it)"
    )


def operand(value: Any, dtype: Any = None) -> Any:
    """A value as a tensor that an operation takes: tensors and variables as they are.

    ``dtype`` is a NumPy dtype that the tensor must have.
    """
    if not isinstance(value, engine.Tensor):
        if not holds_tensors(value):
            return Tensor(array_of(value, dtype))
        value = stacked(value, Tensor)
    if dtype is not None and value.array.dtype != dtype:
        raise _requested(value, dtype)
    return value


def integers(op: str, value: Any, attribute: str = "Tindices") -> Any:
    """The bare array of an argument that must hold integers.

    Raises InvalidArgumentError for other numbers: a fraction must not be cut off in silence.
    """
    array = operand(value).array
    if array.dtype.kind not in "iu" and array.size:
        raise errors.no_integers(op, attribute, array.dtype)
    return array if array.size else np.asarray(array).astype(np.int32)


def result(value: Any) -> Tensor:
    """What an operation answered, as one of our tensors."""
    return answer(value, Tensor)  # type: ignore[no-any-return]


def identity(input: Any, name: str | None = None) -> Tensor:
    """The same value as a new tensor, with gradient 1.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.identity(2.0)
    <tf.Tensor: shape=(), dtype=float32, numpy=2.0>
    """
    tensor = operand(input)
    if tensor.array.dtype.kind == "b":  # np.positive refuses truth values
        return Tensor(tensor.array)
    return result(UFUNCS[np.positive](tensor))


def convert_to_tensor(
    value: Any, dtype: Any = None, dtype_hint: Any = None, name: str | None = None
) -> Tensor:
    """Make a tensor of a number, a nested sequence, an array or a variable.

    Parameters
    ----------
    value : a tensor is given back as it is; a sequence may hold tensors, and is stacked.
    dtype : the dtype that it must have; by default float32 for Python's floats, int32 for
        integers, and what arrays have.
    dtype_hint, name : accepted for TensorFlow's sake; no effect.

    Raises
    ------
    ValueError : a tensor has another dtype (``tf.cast`` converts), or the value is none of these.
    TypeError : a Python number cannot have the dtype.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.convert_to_tensor([1, 2])
    <tf.Tensor: shape=(2,), dtype=int32, numpy=array([1, 2], dtype=int32)>
    """
    tensor = operand(value, dtype_or_none(dtype))
    if isinstance(tensor, engine_variable.Variable):
        return identity(tensor)
    return result(tensor)


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str = "Const") -> Tensor:
    """Make a tensor of a number, a nested sequence or an array, which is copied.

    Parameters
    ----------
    value : what it holds; a tensor is given back as it is.
    dtype : by default float32 for Python's floats, int32 for integers, and what arrays have.
    shape : the shape to give it; a single number is repeated.
    name : accepted for TensorFlow's sake; no effect.

    Raises
    ------
    TypeError : the value cannot have the dtype or the shape.
    ValueError : the value is no rectangular sequence of numbers.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.constant([[1.0, 2.0]])
    <tf.Tensor: shape=(1, 2), dtype=float32, numpy=array([[1., 2.]], dtype=float32)>
    """
    if isinstance(value, engine.Tensor):
        wanted = dtype_or_none(dtype)
        if wanted is not None and value.array.dtype != wanted:
            raise TypeError(
                f"Expected tensor {value.array} with dtype {as_dtype(wanted)!r}, but got dtype "
                f"{as_dtype(value.array.dtype)!r}."
            )
        return convert_to_tensor(value)
    if holds_tensors(value):
        raise ValueError(
            "tf.constant takes numbers, not tensors: use tf.stack or tf.convert_to_tensor, which "
            "carry gradients."
        )
    array = array_of(value, dtype_or_none(dtype))
    if shape is not None:
        array = _shaped(array, TensorShape(shape))
    return Tensor(array)


def _shaped(array: Any, shape: TensorShape) -> Any:
    """An array in a shape; a single number fills it."""
    if array.size == 1:
        filled = np.full(tuple(shape), array.reshape(()))
        return filled if filled.ndim else filled[()]
    if array.size != shape.num_elements():
        raise TypeError(
            f"Eager execution of tf.constant with unsupported shape. Tensor {array} (converted "
            f"from the value) has {array.size} elements, but got `shape` {shape} with "
            f"{shape.num_elements()} elements."
        )
    return array.reshape(tuple(shape))


def is_tensor(x: Any) -> bool:
    """Whether something is a tensor or a variable.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.is_tensor(tf.constant(1.0)), tf.is_tensor(1.0)
    (True, False)
    """
    return isinstance(x, engine.Tensor)
