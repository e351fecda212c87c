"""Losses of logits.

Examples
--------
>>> import gradtape.tf as tf
>>> tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[1], logits=[[0.0, 0.0]]).numpy()
array([0.6931472], dtype=float32)
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradtape.tf import errors
from gradtape.tf.elementwise import cast, softplus, together
from gradtape.tf.reductions import reduce_logsumexp, reduce_sum
from gradtape.tf.tensors import Tensor, integers, operand, result

__all__ = [
    "along_axis",
    "floating",
    "l2_loss",
    "log_poisson_loss",
    "log_softmax",
    "sigmoid_cross_entropy_with_logits",
    "softmax_cross_entropy_with_logits",
    "sparse_softmax_cross_entropy_with_logits",
    "weighted_cross_entropy_with_logits",
]


def floating(op: str, features: Any) -> Any:
    """The operand, which must hold real floating numbers."""
    x = operand(features)
    if x.array.dtype.kind != "f":
        raise errors.not_allowed(op, x.array.dtype, "bfloat16, half, float, double")
    return x


def along_axis(op: str, logits: Any, axis: Any) -> Any:
    """The operand of a softmax, which must have the axis."""
    x = floating(op, logits)
    n = x.array.ndim
    if not -n <= axis < n:
        raise errors.invalid(
            op,
            f"`dim` must be in the range [{-n}, {n}) where {n} is the number of dimensions in the "
            f"input. Received: dim={axis}",
        )
    return x


def log_softmax(logits: Any, axis: int = -1, name: str | None = None) -> Tensor:
    """The logarithm of softmax, without overflow.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.nn.log_softmax([1000.0, 0.0]).numpy()
    array([    0., -1000.], dtype=float32)
    """
    x = along_axis("LogSoftmax", logits, axis)
    with np.errstate(all="ignore"):
        below = x - np.max(x.array, axis=axis, keepdims=True)
        return result(below - reduce_logsumexp(below, axis, keepdims=True))


def l2_loss(t: Any, name: str | None = None) -> Tensor:
    """Half the sum of squares.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.nn.l2_loss([3.0, 4.0]).numpy()
    np.float32(12.5)
    """
    x = floating("L2Loss", t)
    return result(0.5 * np.sum(np.square(x)))


def _alike(labels: Any, logits: Any) -> tuple[Any, Any]:
    z, x = together("Mul", labels, logits)
    if x.array.shape != z.array.shape:
        raise ValueError(
            f"`logits` and `labels` must have the same shape, received ({x.shape} vs {z.shape})."
        )
    return z, x


def sigmoid_cross_entropy_with_logits(labels: Any, logits: Any, name: str | None = None) -> Tensor:
    """The cross entropy of labels with sigmoid(logits): softplus(x) - labels * x.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.nn.sigmoid_cross_entropy_with_logits(labels=[1.0, 0.0], logits=[1000.0, 0.0]).numpy()
    array([0.       , 0.6931472], dtype=float32)
    """
    z, x = _alike(labels, logits)
    # Each sign of the logit in the form that keeps its digits: softplus(x) - x is softplus(-x).
    return result(z * softplus(-x) + (1.0 - z) * softplus(x))


def softmax_cross_entropy_with_logits(
    labels: Any, logits: Any, axis: int = -1, name: str | None = None
) -> Tensor:
    """The cross entropy of labels with softmax(logits), along an axis.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.nn.softmax_cross_entropy_with_logits(labels=[[1.0, 0.0]], logits=[[0.0, 0.0]]).numpy()
    array([0.6931472], dtype=float32)
    """
    x = floating("SoftmaxCrossEntropyWithLogits", logits)
    z = cast(labels, x.array.dtype)
    return result(-reduce_sum(z * log_softmax(x, axis), axis))


def sparse_softmax_cross_entropy_with_logits(
    labels: Any, logits: Any, name: str | None = None
) -> Tensor:
    """The same for labels that are class numbers.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[1], logits=[[0.0, 0.0]]).numpy()
    array([0.6931472], dtype=float32)
    """
    op = "SparseSoftmaxCrossEntropyWithLogits"
    classes = integers(op, labels, "Tlabels")
    scores: Any = log_softmax(logits)
    shape = scores.array.shape
    if classes.shape != shape[:-1]:
        raise ValueError(
            "`labels.shape` must equal `logits.shape` except for the last dimension. Received: "
            f"labels.shape={classes.shape} and logits.shape={shape}"
        )
    wrong = classes[(classes < 0) | (classes >= shape[-1])]
    if wrong.size:
        raise errors.invalid(
            op,
            f"Received a label value of {wrong[0]} which is outside the valid range of [0, "
            f"{shape[-1]}).",
        )
    picked = np.take_along_axis(scores, np.expand_dims(classes, -1), -1)
    return result(-np.squeeze(picked, -1))


def weighted_cross_entropy_with_logits(
    labels: Any, logits: Any, pos_weight: Any, name: str | None = None
) -> Tensor:
    """``sigmoid_cross_entropy_with_logits`` with what positive labels cost times ``pos_weight``.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.nn.weighted_cross_entropy_with_logits([1.0, 0.0], [0.0, 0.0], 2.0).numpy()
    array([1.3862944, 0.6931472], dtype=float32)
    """
    z, x = _alike(labels, logits)
    weight = operand(pos_weight, x.array.dtype)
    return result(weight * z * softplus(-x) + (1.0 - z) * softplus(x))


def log_poisson_loss(
    targets: Any, log_input: Any, compute_full_loss: bool = False, name: str | None = None
) -> Tensor:
    """Minus the log-likelihood of counts, by the logarithm of their expectation.

    ``exp(log_input) - log_input * targets``; the full loss has Stirling's approximation of
    log(targets!) added, where that is greater than 1.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.nn.log_poisson_loss([2.0], [0.0]).numpy()
    array([1.], dtype=float32)
    """
    z, x = _alike(targets, log_input)
    loss = np.exp(x) - x * z
    if not compute_full_loss:
        return result(loss)
    inside = (z.array >= 0) & (z.array <= 1)
    counts = result(np.where(inside, 2, z))
    stirling = counts * np.log(counts) - counts + 0.5 * np.log(2 * math.pi * counts)
    return result(loss + np.where(inside, 0, stirling))
