"""``tf.nn``: activations, and losses of logits."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from gradtape.derivatives.primitives import logistic
from gradtape.tf import errors, rules
from gradtape.tf.elementwise import sigmoid, softplus, tanh, together
from gradtape.tf.linalg import l2_normalize
from gradtape.tf.missing import missing
from gradtape.tf.reductions import reduce_logsumexp, reduce_mean, reduce_sum, reduce_variance
from gradtape.tf.tensors import Tensor, operand, result

__all__ = [
    "elu",
    "gelu",
    "l2_loss",
    "l2_normalize",
    "leaky_relu",
    "log_softmax",
    "moments",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "sigmoid_cross_entropy_with_logits",
    "silu",
    "softmax",
    "softmax_cross_entropy_with_logits",
    "softplus",
    "softsign",
    "sparse_softmax_cross_entropy_with_logits",
    "swish",
    "tanh",
]


def _floating(op: str, features: Any) -> Any:
    """The operand, which must hold real floating numbers."""
    x = operand(features)
    if x.array.dtype.kind != "f":
        raise errors.not_allowed(op, x.array.dtype, "bfloat16, half, float, double")
    return x


def _apply(op: str, features: Any, function: Any) -> Tensor:
    x = _floating(op, features)
    with np.errstate(all="ignore"):
        return result(function(x))


def relu(features: Any, name: str | None = None) -> Tensor:
    """max(x, 0), with derivative 0 at 0.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.nn.relu([-1.0, 0.0, 2.0]).numpy()
    array([0., 0., 2.], dtype=float32)
    """
    return _apply("Relu", features, rules.rectified)


def relu6(features: Any, name: str | None = None) -> Tensor:
    """min(max(x, 0), 6), with derivative 0 at both ends.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.nn.relu6([-1.0, 2.0, 9.0]).numpy()
    array([0., 2., 6.], dtype=float32)
    """
    return _apply("Relu6", features, rules.rectified6)


def leaky_relu(features: Any, alpha: float = 0.2, name: str | None = None) -> Tensor:
    """X where it is positive, else alpha * x; the derivative at 0 is alpha.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.nn.leaky_relu([-1.0, 2.0]).numpy()
    array([-0.2,  2. ], dtype=float32)
    """
    return _apply("LeakyRelu", features, lambda x: rules.leaky(x, float(alpha)))


def elu(features: Any, name: str | None = None) -> Tensor:
    """X where it is not negative, else exp(x) - 1 (Clevert et al., 2015).

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.nn.elu([0.0, 2.0]).numpy()
    array([0., 2.], dtype=float32)
    """
    return _apply("Elu", features, rules.elu)


def selu(features: Any, name: str | None = None) -> Tensor:
    """The self-normalizing elu (Klambauer et al., 2017).

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.nn.selu([0.0, 1.0]).numpy()
    array([0.      , 1.050701], dtype=float32)
    """
    return _apply("Selu", features, rules.selu)


def softsign(features: Any, name: str | None = None) -> Tensor:
    """x / (1 + |x|).

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.nn.softsign([1.0]).numpy()
    array([0.5], dtype=float32)
    """
    return _apply("Softsign", features, rules.softsign)


def silu(features: Any, beta: float = 1.0) -> Tensor:
    """X * sigmoid(beta * x), also called swish.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.nn.silu([0.0, 100.0]).numpy()
    array([  0., 100.], dtype=float32)
    """
    if beta == 1.0:
        return _apply("Silu", features, rules.silu)
    return _apply("Silu", features, lambda x: x * logistic(x * beta))


swish = silu


def gelu(features: Any, approximate: bool = False, name: str | None = None) -> Tensor:
    """X times the normal distribution function at x, or its approximation by tanh.

    D. Hendrycks and K. Gimpel, "Gaussian error linear units" (2016), section 2.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.nn.gelu([0.0, 1.0]).numpy()
    array([0.       , 0.8413447], dtype=float32)
    """

    def exact(x: Any) -> Any:
        return 0.5 * x * (1.0 + rules.erf(x / math.sqrt(2.0)))

    def by_tanh(x: Any) -> Any:
        return 0.5 * x * (1.0 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))

    return _apply("Gelu", features, by_tanh if approximate else exact)


def softmax(logits: Any, axis: int = -1, name: str | None = None) -> Tensor:
    """Exp(x) over its sum along an axis, without overflow.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.nn.softmax([1000.0, 1000.0]).numpy()
    array([0.5, 0.5], dtype=float32)
    """
    x = _floating("Softmax", logits)
    with np.errstate(all="ignore"):
        e = np.exp(x - np.max(x.array, axis=axis, keepdims=True))
        return result(e / reduce_sum(e, axis, keepdims=True))


def log_softmax(logits: Any, axis: int = -1, name: str | None = None) -> Tensor:
    """The logarithm of softmax, without overflow.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.nn.log_softmax([1000.0, 0.0]).numpy()
    array([    0., -1000.], dtype=float32)
    """
    x = _floating("LogSoftmax", logits)
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
    return _apply("L2Loss", t, lambda x: 0.5 * np.sum(np.square(x)))


def sigmoid_cross_entropy_with_logits(labels: Any, logits: Any, name: str | None = None) -> Tensor:
    """The cross entropy of labels with sigmoid(logits): softplus(x) - labels * x.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.nn.sigmoid_cross_entropy_with_logits(labels=[1.0, 0.0], logits=[1000.0, 0.0]).numpy()
    array([0.       , 0.6931472], dtype=float32)
    """
    z, x = together("Mul", labels, logits)
    if x.array.shape != z.array.shape:
        raise ValueError(
            f"`logits` and `labels` must have the same shape, received ({x.shape} vs {z.shape})."
        )
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
    z, x = together("Mul", labels, logits)
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
    classes = operand(labels).array
    scores: Any = log_softmax(logits)
    picked = np.take_along_axis(scores, np.expand_dims(classes, -1), -1)
    return result(-np.squeeze(picked, -1))


def moments(
    x: Any, axes: Any, keepdims: bool = False, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """The mean and the variance over axes.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> [t.numpy().item() for t in tf.nn.moments([1.0, 3.0], [0])]
    [2.0, 1.0]
    """
    return reduce_mean(x, axes, keepdims), reduce_variance(x, axes, keepdims)


if not TYPE_CHECKING:  # a type checker knows by itself what is not here

    def __getattr__(name: str) -> Any:
        """Raise the error for a name that is not here, with the nearest that is."""
        raise missing(__name__, name, __all__)
