"""Clipping of values and of gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape.tf import errors, rules
from gradtape.tf.elementwise import cast, maximum, together
from gradtape.tf.reductions import axes_of
from gradtape.tf.tensors import Tensor, operand, result

__all__ = ["clip_by_global_norm", "clip_by_norm", "clip_by_value", "global_norm"]


def clip_by_value(
    t: Any, clip_value_min: Any, clip_value_max: Any, name: str | None = None
) -> Tensor:
    """Each entry, but not less than one bound nor more than the other.

    The derivative is 1 at the bounds and between them, else 0.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.clip_by_value([-2.0, 0.5, 2.0], -1.0, 1.0).numpy()
    array([-1. ,  0.5,  1. ], dtype=float32)
    """
    x = operand(t)
    if x.array.dtype.kind not in "iuf":
        raise errors.not_allowed("Minimum", x.array.dtype, errors.ORDERED)
    high, low = together("Minimum", x, clip_value_max)[1], together("Maximum", x, clip_value_min)[1]
    for op, bound in (("Minimum", high), ("Maximum", low)):
        try:
            np.broadcast_shapes(x.array.shape, bound.array.shape)
        except ValueError:
            raise errors.incompatible(op, x.array.shape, bound.array.shape) from None
    inside = (x.array >= low.array) & (x.array <= high.array)
    return result(np.where(inside, x, np.maximum(np.minimum(x.array, high), low)))


def clip_by_norm(t: Any, clip_norm: Any, axes: Any = None, name: str | None = None) -> Tensor:
    """Made shorter, if its Euclidean norm is greater than ``clip_norm``.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.clip_by_norm([3.0, 4.0], 1.0).numpy()
    array([0.6, 0.8], dtype=float32)
    """
    x = operand(t)
    bound = cast(clip_norm, x.array.dtype)
    squares = np.sum(np.square(x), axis=axes_of("Sum", axes, x.array.ndim), keepdims=True)
    positive = squares.array > 0
    norm = np.where(positive, rules.sqrt(np.where(positive, squares, 1)), squares)
    return result(x * bound / maximum(result(norm), bound))


def global_norm(t_list: Any, name: str | None = None) -> Tensor:
    """The Euclidean norm of all entries of several tensors; None among them is passed over.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.linalg.global_norm([[3.0], [4.0], None])
    <tf.Tensor: shape=(), dtype=float32, numpy=5.0>
    """
    tensors = [operand(t) for t in t_list if t is not None]
    if not tensors:
        raise ValueError("global_norm: argument `t_list` holds no tensor")
    total = None
    for t in tensors:
        if t.array.dtype.kind != "f":
            raise errors.not_allowed("L2Loss", t.array.dtype, "bfloat16, half, float, double")
        squares = result(np.sum(np.square(t)))
        total = squares if total is None else total + squares
    return result(rules.sqrt(total))


def clip_by_global_norm(
    t_list: Any, clip_norm: Any, use_norm: Any = None, name: str | None = None
) -> tuple[list[Tensor | None], Tensor]:
    """Several tensors made shorter by one factor, if their common norm exceeds ``clip_norm``.

    Returns
    -------
    The list of tensors (None stays None), and the norm that they had.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> clipped, norm = tf.clip_by_global_norm([[3.0], [4.0]], 1.0)
    >>> [t.numpy().tolist() for t in clipped], norm.numpy()
    ([[0.6000000238418579], [0.800000011920929]], np.float32(5.0))
    """
    if isinstance(t_list, Tensor) or not isinstance(t_list, (list, tuple)):
        raise TypeError(
            f"`t_list` should be a sequence of tensors. Received {type(t_list).__name__}."
        )
    norm = global_norm(t_list) if use_norm is None else result(operand(use_norm))
    bound = operand(clip_norm, norm.array.dtype)
    scale = bound / maximum(norm, bound)
    # NaN is TensorFlow's way to show an overflow.
    scale = result(np.where(np.isfinite(norm.array), scale, norm.array.dtype.type(np.nan)))
    return [None if t is None else result(operand(t) * scale) for t in t_list], norm
