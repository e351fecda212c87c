"""``tf.nn``: activations, losses of logits, convolutions, pools.

Examples
--------
>>> import gradtape.tf as tf
>>> tf.nn.relu([-1.0, 2.0]).numpy()
array([0., 2.], dtype=float32)
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from gradtape.derivatives.primitives import logistic
from gradtape.tf import rules
from gradtape.tf.elementwise import cast, sigmoid, softplus, tanh
from gradtape.tf.linalg import l2_normalize
from gradtape.tf.logits import (
    along_axis,
    floating,
    l2_loss,
    log_poisson_loss,
    log_softmax,
    sigmoid_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits,
    sparse_softmax_cross_entropy_with_logits,
    weighted_cross_entropy_with_logits,
)
from gradtape.tf.missing import later, names
from gradtape.tf.picking import top_k
from gradtape.tf.reductions import reduce_sum
from gradtape.tf.tensors import Tensor, is_tensor, operand, result

if TYPE_CHECKING:
    from gradtape.tf.convolution import *  # noqa: F403
    from gradtape.tf.counting import *  # noqa: F403
    from gradtape.tf.layout import *  # noqa: F403
    from gradtape.tf.normalizing import *  # noqa: F403
    from gradtape.tf.pooling import *  # noqa: F403

#: What is loaded when it is first asked for, by its module.
_LATER = {
    "convolution": "atrous_conv2d conv1d conv1d_transpose conv2d conv2d_transpose conv3d "
    "conv3d_transpose conv_transpose convolution depthwise_conv2d dilation2d "
    "erosion2d separable_conv2d",
    "counting": "in_top_k zero_fraction",
    "layout": "depth_to_space space_to_batch space_to_depth",
    "normalizing": "batch_normalization bias_add dropout embedding_lookup "
    "local_response_normalization lrn moments normalize_moments sufficient_statistics "
    "weighted_moments",
    "pooling": "avg_pool avg_pool1d avg_pool2d avg_pool3d max_pool max_pool1d max_pool2d "
    "max_pool3d max_pool_with_argmax pool",
}

__all__ = [
    "crelu",
    "elu",
    "gelu",
    "l2_loss",
    "l2_normalize",
    "leaky_relu",
    "log_poisson_loss",
    "log_softmax",
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
    "top_k",
    "weighted_cross_entropy_with_logits",
]
__all__ += names(_LATER)


def _apply(op: str, features: Any, function: Any) -> Tensor:
    x = floating(op, features)
    with np.errstate(all="ignore"):
        return result(function(x))


def _rectified(op: str, features: Any, function: Any) -> Tensor:
    """The same for a function that takes integers too."""
    x = operand(features)
    return result(function(x)) if x.array.dtype.kind in "iu" else _apply(op, x, function)


def relu(features: Any, name: str | None = None) -> Tensor:
    """max(x, 0), with derivative 0 at 0.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.nn.relu([-1.0, 0.0, 2.0]).numpy()
    array([0., 0., 2.], dtype=float32)
    """
    return _rectified("Relu", features, rules.rectified)


def relu6(features: Any, name: str | None = None) -> Tensor:
    """min(max(x, 0), 6), with derivative 0 at both ends.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.nn.relu6([-1.0, 2.0, 9.0]).numpy()
    array([0., 2., 6.], dtype=float32)
    """
    return _rectified("Relu6", features, rules.rectified6)


def crelu(features: Any, axis: int = -1, name: str | None = None) -> Tensor:
    """The positive part and the negative part, one after the other along an axis.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.nn.crelu([1.0, -2.0]).numpy()
    array([1., 0., 0., 2.], dtype=float32)
    """
    x = operand(features)
    return result(np.concatenate([relu(x), relu(-x)], axis))


def leaky_relu(features: Any, alpha: Any = 0.2, name: str | None = None) -> Tensor:
    """X where it is positive, else alpha * x; the derivative at 0 is alpha.

    Integers count as float32.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.nn.leaky_relu([-1.0, 2.0]).numpy()
    array([-0.2,  2. ], dtype=float32)
    """
    x = operand(features)
    x = cast(x, np.float32) if x.array.dtype.kind in "iu" else x
    slope = operand(alpha, x.array.dtype) if is_tensor(alpha) else float(alpha)
    return _apply("LeakyRelu", x, lambda x: rules.leaky(x, slope))


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


def silu(features: Any, beta: Any = 1.0) -> Tensor:
    """X * sigmoid(beta * x), also called swish.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.nn.silu([0.0, 100.0]).numpy()
    array([  0., 100.], dtype=float32)
    """
    if not is_tensor(beta) and beta == 1.0:
        return _apply("Silu", features, rules.silu)
    x = floating("Silu", features)
    scale = cast(beta, x.array.dtype)
    return _apply("Silu", x, lambda x: x * logistic(x * scale))


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
    x = along_axis("Softmax", logits, axis)
    with np.errstate(all="ignore"):
        e = np.exp(x - np.max(x.array, axis=axis, keepdims=True))
        return result(e / reduce_sum(e, axis, keepdims=True))


if not TYPE_CHECKING:
    __getattr__ = later(__name__, _LATER, __all__)
