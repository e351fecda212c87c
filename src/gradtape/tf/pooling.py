"""Pools of ``tf.nn``: the greatest entry, or the mean, of each window.

The gradient of the greatest goes to the first of equal entries, and NaN counts as less than all,
as in TensorFlow. The mean counts no entries that padding added.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from gradtape import tensor as engine
from gradtape.tf import errors
from gradtape.tf.convolution import channels_last, laid_out
from gradtape.tf.elementwise import cast
from gradtape.tf.tensors import Tensor, operand, result
from gradtape.tf.windows import laid, padded, per_axis, windows

__all__ = [
    "avg_pool",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "max_pool",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "max_pool_with_argmax",
    "pool",
]


class _Seen:
    """The windows of one call: where they lie, and the tensor with its channels last."""

    def __init__(
        self, op: str, n: Any, input: Any, ksize: Any, strides: Any, padding: Any, form: Any,
        dilations: Any = 1,
    ) -> None:  # fmt: skip
        x = operand(input)
        n = x.array.ndim - 2 if n is None else n
        if x.array.dtype.kind != "f":
            raise errors.not_allowed(op, x.array.dtype, "half, float, double")
        if n not in (1, 2, 3) or x.array.ndim < n + 2:
            raise ValueError(
                f"{op}: `input` must have {'3, 4 or 5' if n not in (1, 2, 3) else n + 2} axes, "
                f"got shape {x.shape}"
            )
        self.n = n
        self.x, self.first = channels_last(x, form, n)
        self.shape = engine.bare(self.x).shape
        self.lengths = self.shape[-n - 1 : -1]
        sizes = per_axis(op, "ksize", ksize, n, self.first)
        self.steps, self.pairs = laid(
            op, self.lengths, sizes, strides, padding, dilations, self.first
        )

    def of(self, x: Any, value: Any = 0) -> Any:
        """The windows of an array of the tensor's shape (without its front axes, if need be)."""
        return windows(padded(x, self.pairs, value), **self.steps)

    def flat(self, seen: Any) -> Any:
        """Bare windows with one axis for all the places in them, the last but one."""
        shape = seen.shape
        return seen.reshape((*shape[: -self.n - 1], -1, shape[-1]))

    def greatest(self) -> tuple[Any, Any]:
        """The greatest entry of each window, and its place: flat in one sample."""
        bare = engine.bare(self.x)
        grid = np.arange(prod((*self.lengths, self.shape[-1]))).reshape(
            (*self.lengths, self.shape[-1])
        )
        places = self.flat(self.of(grid, -1))
        entries = self.flat(self.of(np.where(np.isnan(bare), -np.inf, bare), -np.inf))
        first = np.expand_dims(np.argmax(entries, -2), -2)
        chosen = np.take_along_axis(np.broadcast_to(places, entries.shape), first, -2)[..., 0, :]
        # Where all entries are -infinity, the first may be none of the tensor's.
        chosen = np.where(chosen < 0, np.max(places, -2), chosen)
        samples = np.arange(prod(self.shape[: -self.n - 1])).reshape(
            (*self.shape[: -self.n - 1], *[1] * (self.n + 1))
        )
        taken = np.take(np.reshape(self.x, (-1,)), samples * grid.size + chosen)
        return taken, chosen

    def mean(self) -> Any:
        """The mean of each window."""
        axes = tuple(range(-self.n - 1, -1))
        total = np.sum(self.of(self.x), axis=axes)
        ones = np.ones((*self.lengths, 1), engine.bare(self.x).dtype)
        return total / np.sum(self.of(ones), axis=axes)


def max_pool(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: Any = None,
    name: str | None = None,
) -> Tensor:
    """The greatest entry of each window.

    Parameters
    ----------
    input : (n, length, channels), (n, height, width, channels) or with a depth before these.
    ksize, strides : how large the windows are, and how far apart: one number, or one per axis.
    padding : ``"VALID"``, ``"SAME"``, or a pair of numbers for each axis.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> x = tf.reshape(tf.range(16.0), [1, 4, 4, 1])
    >>> tf.squeeze(tf.nn.max_pool(x, 2, 2, "VALID")).numpy()
    array([[ 5.,  7.],
           [13., 15.]], dtype=float32)
    """
    return _pooled("MAX", None, input, ksize, strides, padding, data_format)


def avg_pool(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: Any = None,
    name: str | None = None,
) -> Tensor:
    """The mean of each window; the arguments are those of ``max_pool``.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> x = tf.reshape(tf.range(16.0), [1, 4, 4, 1])
    >>> tf.squeeze(tf.nn.avg_pool(x, 2, 2, "VALID")).numpy()
    array([[ 2.5,  4.5],
           [10.5, 12.5]], dtype=float32)
    """
    return _pooled("AVG", None, input, ksize, strides, padding, data_format)


def _pooled(
    kind: str, n: Any, input: Any, ksize: Any, strides: Any, padding: Any, form: Any,
    dilations: Any = 1,
) -> Tensor:  # fmt: skip
    op = "MaxPool" if kind == "MAX" else "AvgPool"
    seen = _Seen(op, n, input, ksize, strides, padding, form, dilations)
    return laid_out(seen.greatest()[0] if kind == "MAX" else seen.mean(), seen.first, seen.n)


def _of_dimension(kind: str, n: int) -> Any:
    form = ("NWC", "NHWC", "NDHWC")[n - 1]

    def function(
        input: Any,
        ksize: Any,
        strides: Any,
        padding: Any,
        data_format: str = form,
        name: str | None = None,
    ) -> Tensor:
        return _pooled(kind, n, input, ksize, strides, padding, data_format)

    word = {"MAX": "max", "AVG": "avg"}[kind]
    function.__name__ = function.__qualname__ = f"{word}_pool{n}d"
    function.__doc__ = f"``{word}_pool`` of a tensor with {n} axes of space."
    return function


max_pool1d, max_pool2d, max_pool3d = (_of_dimension("MAX", n) for n in (1, 2, 3))
avg_pool1d, avg_pool2d, avg_pool3d = (_of_dimension("AVG", n) for n in (1, 2, 3))


def pool(
    input: Any,
    window_shape: Any,
    pooling_type: str,
    strides: Any = None,
    padding: Any = "VALID",
    data_format: Any = None,
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """``max_pool`` or ``avg_pool``, by ``pooling_type`` ``"MAX"`` or ``"AVG"``, with dilations.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.nn.pool(tf.ones([1, 5, 2]), [2], "AVG", dilations=[2]).shape
    TensorShape([1, 3, 2])
    """
    if pooling_type not in ("MAX", "AVG"):
        raise ValueError(f"`pooling_type` must be 'MAX' or 'AVG', got {pooling_type!r}")
    return _pooled(
        pooling_type, None, input, window_shape, strides, padding, data_format, dilations
    )


def max_pool_with_argmax(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NHWC",
    output_dtype: Any = np.int64,
    include_batch_in_index: bool = False,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """``max_pool2d``, and the place of each greatest entry, counted through its sample.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> x = tf.reshape([1.0, 5.0, 2.0, 3.0], [1, 2, 2, 1])
    >>> [t.numpy().item() for t in tf.nn.max_pool_with_argmax(x, 2, 2, "VALID")]
    [5.0, 1]
    """
    seen = _Seen("MaxPoolWithArgmax", 2, input, ksize, strides, padding, data_format)
    values, places = seen.greatest()
    if include_batch_in_index:
        size = prod(seen.shape[-3:])
        places = places + np.arange(seen.shape[0]).reshape((-1, 1, 1, 1)) * size
    return result(values), cast(places, output_dtype)
