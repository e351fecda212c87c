"""Tensors made from nothing: zeros, ranges, matrices of ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape import tensor as engine
from gradtape.tf.conversion import array_of, dtype_or_none
from gradtape.tf.tensors import Tensor, operand, result
from gradtape.tf.types import numpy_dtype

__all__ = [
    "eye",
    "fill",
    "linspace",
    "one_hot",
    "ones",
    "ones_like",
    "range",
    "shape_of",
    "zeros",
    "zeros_like",
]


def shape_of(shape: Any) -> tuple[int, ...]:
    """A shape argument: a number, a sequence of numbers, or an integer tensor."""
    shape = engine.bare(shape)
    if isinstance(shape, (list, tuple)):
        shape = [engine.bare(n) for n in shape]
    array = np.asarray(shape)
    if array.size and array.dtype.kind not in "iu":
        raise TypeError(f"argument `shape` must hold integers, got {shape!r}")
    return tuple([int(n) for n in array.reshape(-1)])


def _filled(shape: Any, value: Any, dtype: Any) -> Tensor:
    return result(np.full(shape_of(shape), value, numpy_dtype(dtype)))


def zeros(shape: Any, dtype: Any = np.float32, name: str | None = None) -> Tensor:
    """Zeros of a shape and dtype.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.zeros([2])
    <tf.Tensor: shape=(2,), dtype=float32, numpy=array([0., 0.], dtype=float32)>
    """
    return _filled(shape, 0, dtype)


def ones(shape: Any, dtype: Any = np.float32, name: str | None = None) -> Tensor:
    """Ones of a shape and dtype.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.ones([2], tf.int32)
    <tf.Tensor: shape=(2,), dtype=int32, numpy=array([1, 1], dtype=int32)>
    """
    return _filled(shape, 1, dtype)


def _like(input: Any, value: int, dtype: Any) -> Tensor:
    array = operand(input).array
    return _filled(array.shape, value, dtype_or_none(dtype) or array.dtype)


def zeros_like(input: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """Zeros of the shape and dtype of another tensor.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.zeros_like([1.0, 2.0]).numpy()
    array([0., 0.], dtype=float32)
    """
    return _like(input, 0, dtype)


def ones_like(input: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """Ones of the shape and dtype of another tensor.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.ones_like([1, 2]).numpy()
    array([1, 1], dtype=int32)
    """
    return _like(input, 1, dtype)


def fill(dims: Any, value: Any, name: str | None = None) -> Tensor:
    """A tensor of a shape with one value everywhere; a gradient goes back to the value.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.fill([2], 3)
    <tf.Tensor: shape=(2,), dtype=int32, numpy=array([3, 3], dtype=int32)>
    """
    value = operand(value)
    if value.array.ndim:
        raise ValueError(f"tf.fill: argument `value` must be a scalar, got shape {value.shape}")
    shape = shape_of(dims)
    if value.array.dtype.kind in "fc":
        return result(np.broadcast_to(value, shape))
    return result(np.full(shape, value.array))


def eye(
    num_rows: int,
    num_columns: int | None = None,
    batch_shape: Any = None,
    dtype: Any = np.float32,
    name: str | None = None,
) -> Tensor:
    """An identity matrix, or a stack of them.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.eye(2).numpy()
    array([[1., 0.],
           [0., 1.]], dtype=float32)
    """
    matrix = np.eye(num_rows, num_columns, dtype=numpy_dtype(dtype))
    return result(np.broadcast_to(matrix, (*shape_of(batch_shape or ()), *matrix.shape)).copy())


def range(
    start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str = "range"
) -> Tensor:
    """Numbers from ``start`` in steps of ``delta``, without ``limit``; one number is the limit.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.range(3).numpy(), tf.range(0.0, 1.0, 0.5).numpy()
    (array([0, 1, 2], dtype=int32), array([0. , 0.5], dtype=float32))
    """
    if limit is None:
        start, limit = 0, start
    numbers = [operand(value).array for value in (start, limit, delta)]
    wanted = dtype_or_none(dtype) or np.result_type(*numbers)
    if wanted == np.float64 and all([n.dtype != np.float64 for n in numbers]):
        wanted = np.dtype(np.float32)  # a float32 among int32
    return result(np.arange(*[n.item() for n in numbers], dtype=wanted))


def linspace(start: Any, stop: Any, num: int, name: str | None = None, axis: int = 0) -> Tensor:
    """``num`` numbers at equal distances, from ``start`` to ``stop``; gradients go to both.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.linspace(0.0, 1.0, 3).numpy()
    array([0. , 0.5, 1. ], dtype=float32)
    """
    low, high = operand(start), operand(stop)
    dtype = low.array.dtype if low.array.dtype.kind == "f" else np.dtype(np.float64)
    return result(np.linspace(low, high, int(engine.bare(num)), axis=axis, dtype=dtype))


def one_hot(
    indices: Any,
    depth: int,
    on_value: Any = 1.0,
    off_value: Any = 0.0,
    axis: int = -1,
    dtype: Any = np.float32,
    name: str | None = None,
) -> Tensor:
    """Rows with ``on_value`` at the given position and ``off_value`` elsewhere.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.one_hot([0, 2], 3).numpy()
    array([[1., 0., 0.],
           [0., 0., 1.]], dtype=float32)
    """
    positions = operand(indices).array
    wanted = numpy_dtype(dtype)
    hot = np.expand_dims(positions, -1) == np.arange(int(depth))
    rows = np.where(hot, array_of(on_value, wanted), array_of(off_value, wanted))
    return result(np.moveaxis(rows, -1, axis))
