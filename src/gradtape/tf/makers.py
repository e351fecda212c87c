"""Tensors made from nothing: zeros, ranges, matrices of ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape import tensor as engine
from gradtape.tf import errors
from gradtape.tf.conversion import array_of, dtype_or_none
from gradtape.tf.tensors import Tensor, integers, operand, result
from gradtape.tf.types import as_dtype, numpy_dtype

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
    lengths = shape_of(shape)
    if lengths and min(lengths) < 0:
        raise errors.invalid("Fill", f"Dimension {min(lengths)} must be >= 0")
    return result(np.full(lengths, value, numpy_dtype(dtype)))


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

    A gradient goes back to ``start`` and ``delta``.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.range(3).numpy(), tf.range(0.0, 1.0, 0.5).numpy()
    (array([0, 1, 2], dtype=int32), array([0. , 0.5], dtype=float32))
    """
    if limit is None:
        start, limit = 0, start
    numbers = [operand(value) for value in (start, limit, delta)]
    given = [n.array.dtype for n in numbers]
    for kind in given:
        if kind.kind not in "iuf":
            raise errors.not_allowed("Range", kind, errors.ORDERED)
    floating = [kind for kind in given if kind.kind == "f"]
    wanted = dtype_or_none(dtype) or np.result_type(*(floating or given))
    first, step = result(numbers[0].astype(wanted)), result(numbers[2].astype(wanted))
    low, high, by = (n.array.astype(wanted) for n in numbers)
    if by == 0:
        raise errors.invalid("Range", "Requires delta != 0: 0")
    if (low > high) if by > 0 else (low < high):
        relation = "<= limit when delta >" if by > 0 else ">= limit when delta <"
        raise errors.invalid("Range", f"Requires start {relation} 0: {low}/{high}")
    if wanted.kind != "f":
        return result(np.arange(low, high, by, dtype=wanted))
    count = int(np.ceil(np.abs((high - low) / by)))
    return result(first + step * np.arange(count).astype(wanted))


def linspace(start: Any, stop: Any, num: int, name: str | None = None, axis: int = 0) -> Tensor:
    """``num`` numbers at equal distances, from ``start`` to ``stop``; gradients go to both.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.linspace(0.0, 1.0, 3).numpy()
    array([0. , 0.5, 1. ], dtype=float32)
    """
    low = operand(start)
    dtype = low.array.dtype
    high = operand(stop, dtype)
    if dtype.kind == "b":
        raise errors.not_allowed("LinSpace", dtype, errors.NUMBERS)
    wanted = dtype if dtype.kind in "fc" else np.dtype(np.float64)
    return result(np.linspace(low, high, int(engine.bare(num)), axis=axis, dtype=wanted))


def one_hot(
    indices: Any,
    depth: int,
    on_value: Any = None,
    off_value: Any = None,
    axis: int | None = None,
    dtype: Any = None,
    name: str | None = None,
) -> Tensor:
    """Rows with ``on_value`` (1) at the given position and ``off_value`` (0) elsewhere.

    The dtype is float32, if neither ``dtype`` nor a value says otherwise.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.one_hot([0, 2], 3).numpy()
    array([[1., 0., 0.],
           [0., 0., 1.]], dtype=float32)
    """
    positions, count = integers("OneHot", indices, "TI"), int(engine.bare(depth))
    on, off = _values(on_value, off_value, dtype)
    if count < 0:
        raise errors.invalid("OneHot", f"depth must be non-negative, got: {count}")
    hot = np.expand_dims(positions, -1) == np.arange(count)
    rows = np.where(hot, on, off)
    return result(rows if axis in (None, -1) else np.moveaxis(rows, -1, axis))


def _values(on: Any, off: Any, dtype: Any) -> list[Any]:
    """The values of ``one_hot`` in the dtype asked for, or in theirs; bare, if they are no tensors.

    Raises TypeError where the dtypes differ.
    """
    asked = wanted = dtype_or_none(dtype)
    values: list[Any] = []
    for name, value in (("on_value", on), ("off_value", off)):
        if value is not None:
            value = value if isinstance(value, engine.Tensor) else operand(value, asked).array
            given = engine.bare(value).dtype
            wanted = given if wanted is None else wanted
            if given != wanted:
                raise TypeError(
                    f"dtype {as_dtype(given)!r} of {name} does not match dtype parameter "
                    f"{as_dtype(wanted)!r}"
                )
        values.append(value)
    wanted = np.dtype(np.float32) if wanted is None else wanted
    return [array_of(n, wanted) if v is None else v for n, v in zip((1, 0), values, strict=True)]
