"""``keras.losses``: functions give one loss per example, classes their mean.

Examples
--------
>>> from gradtape.tf import keras
>>> keras.losses.mean_squared_error([[1.0], [2.0]], [[1.0], [4.0]]).numpy()
array([0., 4.], dtype=float32)
>>> keras.losses.MeanSquaredError()([[1.0], [2.0]], [[1.0], [4.0]]).numpy()
np.float32(2.0)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradtape.tf.arrays import squeeze
from gradtape.tf.clip import clip_by_value
from gradtape.tf.elementwise import abs, cast, log, negative, square
from gradtape.tf.keras.backend import epsilon
from gradtape.tf.nn import (
    log_softmax,
    sigmoid_cross_entropy_with_logits,
    sparse_softmax_cross_entropy_with_logits,
)
from gradtape.tf.picking import where
from gradtape.tf.reductions import reduce_mean, reduce_sum
from gradtape.tf.tensors import Tensor, convert_to_tensor, operand

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "Huber",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "SparseCategoricalCrossentropy",
    "binary_crossentropy",
    "categorical_crossentropy",
    "huber",
    "mean_absolute_error",
    "mean_squared_error",
    "sparse_categorical_crossentropy",
]


def _both(y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor]:
    """The labels in the predictions' dtype and rank: (n,) beside (n, 1) is meant as (n, 1).

    Left alone they would broadcast to (n, n).
    """
    predicted = convert_to_tensor(y_pred)
    true = cast(operand(y_true), predicted.dtype)
    if true.ndim == predicted.ndim + 1 and true.shape[-1] == 1:
        true = squeeze(true, -1)
    elif predicted.ndim == true.ndim + 1 and predicted.shape[-1] == 1:
        predicted = squeeze(predicted, -1)
    return true, predicted


def mean_squared_error(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of (y_true - y_pred) squared over the last axis."""
    true, predicted = _both(y_true, y_pred)
    return reduce_mean(square(true - predicted), -1)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of |y_true - y_pred| over the last axis."""
    true, predicted = _both(y_true, y_pred)
    return reduce_mean(abs(true - predicted), -1)


def huber(y_true: Any, y_pred: Any, delta: Any = 1.0) -> Tensor:
    """Half the square of small errors, growing linearly beyond ``delta`` (P. J. Huber, 1964)."""
    predicted = convert_to_tensor(y_pred)
    if predicted.array.dtype.kind != "f":
        predicted = cast(predicted, np.float32)
    true, predicted = _both(y_true, predicted)
    error = predicted - true
    size = abs(error)
    delta = cast(delta, predicted.dtype)
    return reduce_mean(
        where(size <= delta, 0.5 * square(error), delta * size - 0.5 * delta * delta), -1
    )


def binary_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False) -> Tensor:
    """The cross entropy of labels 0 or 1 with probabilities, or with logits."""
    true, predicted = _both(y_true, y_pred)
    if from_logits:
        return reduce_mean(sigmoid_cross_entropy_with_logits(true, predicted), -1)
    p = clip_by_value(predicted, epsilon(), 1.0 - epsilon())
    return reduce_mean(-(true * log(p) + (1.0 - true) * log(1.0 - p)), -1)


def categorical_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False) -> Tensor:
    """The cross entropy of rows of labels with rows of probabilities, or of logits."""
    predicted = convert_to_tensor(y_pred)
    true = cast(operand(y_true), predicted.dtype)
    if from_logits:
        return negative(reduce_sum(true * log_softmax(predicted), -1))
    share = predicted / reduce_sum(predicted, -1, keepdims=True)
    inside = clip_by_value(share, epsilon(), 1.0 - epsilon())
    return negative(reduce_sum(true * log(inside), -1))


def sparse_categorical_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False) -> Tensor:
    """The same for labels that are class numbers."""
    predicted = convert_to_tensor(y_pred)
    labels = cast(operand(y_true), np.int64)
    if labels.ndim == predicted.ndim:
        labels = squeeze(labels, -1)
    logits = predicted
    if not from_logits:
        logits = log(clip_by_value(predicted, epsilon(), 1.0 - epsilon()))
    return sparse_softmax_cross_entropy_with_logits(labels, logits)


class _Loss:
    """A loss over a batch: the mean, the sum, or each example's."""

    function: Callable[..., Tensor]

    def __init__(self, reduction: str | None = "sum_over_batch_size", **options: Any) -> None:
        if reduction not in ("sum_over_batch_size", "mean", "sum", "none", None):
            raise ValueError(
                f"{type(self).__name__}: argument `reduction` must be 'sum_over_batch_size', "
                f"'mean', 'sum' or None, got {reduction!r}"
            )
        self.reduction, self._options = reduction, options

    def __call__(self, y_true: Any, y_pred: Any) -> Tensor:
        losses = type(self).function(y_true, y_pred, **self._options)
        if self.reduction in ("none", None):
            return losses
        return reduce_sum(losses) if self.reduction == "sum" else reduce_mean(losses)


class MeanSquaredError(_Loss):
    """The mean of the squared errors."""

    function = staticmethod(mean_squared_error)


class MeanAbsoluteError(_Loss):
    """The mean of the absolute errors."""

    function = staticmethod(mean_absolute_error)


class Huber(_Loss):
    """The mean of Huber's loss; ``delta`` is where it becomes linear."""

    function = staticmethod(huber)

    def __init__(self, delta: float = 1.0, reduction: str | None = "sum_over_batch_size") -> None:
        super().__init__(reduction, delta=delta)


class _Crossentropy(_Loss):
    def __init__(
        self, from_logits: bool = False, reduction: str | None = "sum_over_batch_size"
    ) -> None:
        super().__init__(reduction, from_logits=from_logits)


class BinaryCrossentropy(_Crossentropy):
    """The mean of the binary cross entropy."""

    function = staticmethod(binary_crossentropy)


class CategoricalCrossentropy(_Crossentropy):
    """The mean of the cross entropy of rows of labels."""

    function = staticmethod(categorical_crossentropy)


class SparseCategoricalCrossentropy(_Crossentropy):
    """The mean of the cross entropy of class numbers."""

    function = staticmethod(sparse_categorical_crossentropy)
