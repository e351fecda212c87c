"""Moments, normalization, and the other small parts of networks in ``tf.nn``.

Examples
--------
>>> import gradtape.tf as tf
>>> x = tf.constant([1.0, 3.0])
>>> mean, variance = tf.nn.moments(x, [0])
>>> tf.nn.batch_normalization(x, mean, variance, None, None, 0.0).numpy()
array([-1.,  1.], dtype=float32)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape import tensor as engine
from gradtape.tf import errors
from gradtape.tf.clip import clip_by_norm
from gradtape.tf.draws import uniform
from gradtape.tf.elementwise import cast, divide_no_nan, rsqrt, together
from gradtape.tf.logits import floating
from gradtape.tf.makers import shape_of
from gradtape.tf.picking import gather
from gradtape.tf.reductions import reduce_mean, reduce_sum, reduce_variance
from gradtape.tf.tensors import Tensor, identity, operand, result

__all__ = [
    "batch_normalization",
    "bias_add",
    "dropout",
    "embedding_lookup",
    "local_response_normalization",
    "lrn",
    "moments",
    "normalize_moments",
    "sufficient_statistics",
    "weighted_moments",
]


def moments(
    x: Any, axes: Any, shift: Any = None, keepdims: bool = False, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """The mean and the variance over axes; ``shift`` has no effect.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> [t.numpy().item() for t in tf.nn.moments([1.0, 3.0], [0])]
    [2.0, 1.0]
    """
    t = operand(x)
    mean = reduce_mean(t, axes, keepdims)
    if t.array.dtype.kind in "iu":
        far = result(np.square(t.array - reduce_mean(t, axes, keepdims=True).array))
        return mean, reduce_mean(far, axes, keepdims)
    return mean, cast(reduce_variance(t, axes, keepdims), t.array.dtype)


def weighted_moments(
    x: Any, axes: Any, frequency_weights: Any, keepdims: bool = False, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """The mean and the variance over axes, of entries that count as often as their weight says.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> [t.numpy().item() for t in tf.nn.weighted_moments([1.0, 3.0], [0], [1.0, 1.0])]
    [2.0, 1.0]
    """
    t = operand(x)
    weights = operand(frequency_weights)
    if weights.array.dtype != t.array.dtype:
        weights = cast(weights, t.array.dtype)
    total = reduce_sum(result(weights + np.zeros_like(t.array)), axes, keepdims=True)
    mean = divide_no_nan(reduce_sum(result(weights * t), axes, keepdims=True), total)
    squares = reduce_sum(result(weights * np.square(t - mean)), axes, keepdims=True)
    pair = (mean, divide_no_nan(squares, total))
    if keepdims:
        return pair
    dropped = tuple([int(a) for a in np.asarray(engine.bare(axes)).reshape(-1)])
    return result(np.squeeze(pair[0], dropped)), result(np.squeeze(pair[1], dropped))


def sufficient_statistics(
    x: Any, axes: Any, shift: Any = None, keepdims: bool = False, name: str | None = None
) -> tuple[Tensor, Tensor, Tensor, Any]:
    """The number of entries, their sum, that of their squares, and the shift.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> [t.numpy().item() for t in tf.nn.sufficient_statistics([1.0, 3.0], [0])[:3]]
    [2.0, 4.0, 10.0]
    """
    t = operand(x)
    given = [int(a) for a in np.asarray(engine.bare(axes)).reshape(-1)]
    count = np.prod([t.array.shape[a] for a in given])
    moved = t if shift is None else result(t - operand(shift, t.array.dtype))
    total = reduce_sum(moved, axes, keepdims)
    squares = reduce_sum(result(np.square(moved)), axes, keepdims)
    shown = None if shift is None else operand(shift, t.array.dtype)
    return result(t.array.dtype.type(count)), total, squares, shown


def normalize_moments(
    counts: Any, mean_ss: Any, variance_ss: Any, shift: Any, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """The mean and the variance, of what ``sufficient_statistics`` answers.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> statistics = tf.nn.sufficient_statistics([1.0, 3.0], [0])
    >>> [t.numpy().item() for t in tf.nn.normalize_moments(*statistics)]
    [2.0, 1.0]
    """
    total, count = together("Mul", mean_ss, counts)
    moved = total / count
    mean = moved if shift is None else moved + operand(shift, count.array.dtype)
    squares = operand(variance_ss, count.array.dtype) / count
    return result(mean), result(squares - np.square(moved))


def batch_normalization(
    x: Any,
    mean: Any,
    variance: Any,
    offset: Any,
    scale: Any,
    variance_epsilon: Any,
    name: str | None = None,
) -> Tensor:
    """``(x - mean) / sqrt(variance + variance_epsilon) * scale + offset``.

    ``offset`` and ``scale`` may be None. The statistics may be of a wider dtype than x.
    (S. Ioffe and C. Szegedy, "Batch normalization", 2015.)

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.nn.batch_normalization([1.0, 3.0], 2.0, 4.0, 1.0, None, 0.0).numpy()
    array([0.5, 1.5], dtype=float32)
    """
    t = operand(x)
    dtype = (variance if isinstance(variance, engine.Tensor) else t).array.dtype
    factor = rsqrt(result(operand(variance, dtype) + operand(variance_epsilon, dtype)))
    if scale is not None:
        factor = factor * operand(scale, dtype)
    shift = -operand(mean, dtype) * factor
    if offset is not None:
        shift = operand(offset, dtype) + shift
    if dtype != t.array.dtype:
        factor, shift = cast(factor, t.array.dtype), cast(shift, t.array.dtype)
    return result(t * factor + shift)


def local_response_normalization(
    input: Any,
    depth_radius: int = 5,
    bias: float = 1,
    alpha: float = 1,
    beta: float = 0.5,
    name: str | None = None,
) -> Tensor:
    """Divided by ``(bias + alpha * s)**beta``: s is the sum of squares of the channels nearby.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.nn.lrn([[[[3.0, 4.0]]]], bias=0.0).numpy()
    array([[[[0.6, 0.8]]]], dtype=float32)
    """
    x = floating("LRN", input)
    if x.array.ndim != 4:
        raise errors.invalid("LRN", f"in must be 4-dimensional, got shape {x.shape}")
    channel = np.arange(x.array.shape[-1])
    near = np.abs(channel - channel[:, None]) <= depth_radius
    sums = np.matmul(np.square(x), near.astype(x.array.dtype))
    return result(x * (bias + alpha * result(sums)) ** -beta)


lrn = local_response_normalization


def bias_add(
    value: Any, bias: Any, data_format: str | None = None, name: str | None = None
) -> Tensor:
    """A vector added to the channels: the last axis, or the one after the first for ``"NC..."``.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.nn.bias_add([[1.0, 2.0]], [10.0, 20.0]).numpy()
    array([[11., 22.]], dtype=float32)
    """
    x, b = together("BiasAdd", value, bias)
    first = data_format is not None and data_format.startswith("NC")
    n = x.array.shape[1 if first else -1] if x.array.ndim > 1 else -1
    if b.array.shape != (n,):
        raise errors.invalid(
            "BiasAdd",
            "Must provide as many biases as the last dimension of the input tensor: "
            f"{errors.listed(b.array.shape)} vs. {errors.listed(x.array.shape)}",
        )
    return result(x + (np.reshape(b, (n, *[1] * (x.array.ndim - 2))) if first else b))


def dropout(
    x: Any, rate: Any, noise_shape: Any = None, seed: int | None = None, name: str | None = None
) -> Tensor:
    """Entries set to 0 at random, with probability ``rate``; the others times 1 / (1 - rate).

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.nn.dropout([1.0, 2.0], 0.0).numpy()
    array([1., 2.], dtype=float32)
    """
    t = floating("Dropout", x)
    if isinstance(rate, (int, float)) and not 0 <= rate < 1:
        raise ValueError(
            f"`rate` must be a scalar tensor or a float in the range [0, 1). Received: rate={rate}"
        )
    if isinstance(rate, (int, float)) and rate == 0:
        return identity(t)
    shape = t.array.shape
    if noise_shape is not None:
        lengths = zip(shape, noise_shape, strict=True)
        shape = shape_of([n if wanted is None else wanted for n, wanted in lengths])
    chance = operand(rate, t.array.dtype)
    kept = uniform(shape, dtype=t.array.dtype, seed=seed).array >= chance.array
    return result(np.where(kept, t * (1 / (1 - chance)), 0))


def embedding_lookup(
    params: Any, ids: Any, max_norm: Any = None, name: str | None = None
) -> Tensor:
    """The rows of a table, made shorter where they are longer than ``max_norm``.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.nn.embedding_lookup([[1.0, 2.0], [3.0, 4.0]], [1]).numpy()
    array([[3., 4.]], dtype=float32)
    """
    if isinstance(params, (list, tuple)) and len(params) == 1:
        (params,) = params
    rows = gather(params, ids)
    if max_norm is None:
        return rows
    first = operand(ids).array.ndim
    return clip_by_norm(rows, max_norm, axes=list(range(first, rows.array.ndim)))
