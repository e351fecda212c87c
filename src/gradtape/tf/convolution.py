"""Convolutions of ``tf.nn``: products of windows and filters.

What TensorFlow calls a convolution is a correlation: filters are not turned round.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape import tensor as engine
from gradtape.tf import errors
from gradtape.tf.elementwise import together
from gradtape.tf.makers import shape_of
from gradtape.tf.tensors import Tensor, operand, result
from gradtape.tf.windows import folded, padding_of, per_axis, seen_windows

__all__ = [
    "atrous_conv2d",
    "conv1d",
    "conv1d_transpose",
    "conv2d",
    "conv2d_transpose",
    "conv3d",
    "conv3d_transpose",
    "conv_transpose",
    "convolution",
    "depthwise_conv2d",
    "dilation2d",
    "erosion2d",
    "separable_conv2d",
]

_FIRST = ("NCW", "NCHW", "NCDHW")
_LAST = ("NWC", "NHWC", "NDHWC")


def channels_last(x: Any, data_format: Any, n: int) -> tuple[Any, bool]:
    """The tensor with its channels in the last axis, and whether they were in front."""
    if data_format is None or data_format == _LAST[n - 1]:
        return x, False
    if data_format != _FIRST[n - 1]:
        raise ValueError(
            f"`data_format` must be {_LAST[n - 1]!r} or {_FIRST[n - 1]!r}, got {data_format!r}"
        )
    return np.moveaxis(x, -n - 1, -1), True


def laid_out(out: Any, first: bool, n: int) -> Tensor:
    """The answer with its channels where those of the input were."""
    return result(np.moveaxis(out, -1, -n - 1) if first else out)


def _pair(op: str, input: Any, filters: Any, n: int, last: int) -> tuple[Any, Any]:
    """Input and filters of one floating dtype, with as many axes as they must have."""
    x, w = together(op, input, filters)
    if x.array.dtype.kind != "f":
        raise errors.not_allowed(op, x.array.dtype, "half, float, double")
    if x.array.ndim < n + 2 or w.array.ndim != n + last:
        raise errors.invalid(
            op,
            f"input must have at least {n + 2} axes and filters {n + last}, got shapes "
            f"{errors.listed(x.array.shape)} and {errors.listed(w.array.shape)}",
        )
    return x, w


def _convolved(
    op: str, n: int, input: Any, filters: Any, strides: Any, padding: Any, form: Any, dilations: Any
) -> Tensor:
    x, w = _pair(op, input, filters, n, 2)
    x, first = channels_last(x, form, n)
    sizes, (inner, outer) = w.array.shape[:n], w.array.shape[n:]
    shape = engine.bare(x).shape
    groups, rest = divmod(shape[-1], inner) if inner else (0, 1)
    if rest or groups == 0 or outer % groups:
        raise errors.invalid(
            op,
            f"input depth must be evenly divisible by filter depth: {shape[-1]} vs {inner}"
            if rest or groups == 0
            else f"the {outer} filters must be evenly divisible by the {groups} groups of channels",
        )
    seen = seen_windows(op, x, sizes, strides, padding, dilations, first)
    if groups == 1:
        return laid_out(np.tensordot(seen, w, n + 1), first, n)
    parts = zip(np.split(seen, groups, -1), np.split(w, groups, -1), strict=True)
    return laid_out(np.concatenate([np.tensordot(s, f, n + 1) for s, f in parts], -1), first, n)


def _axes_of_space(filters: Any) -> int:
    """How many axes of space the filters of a convolution have."""
    n: int = operand(filters).array.ndim - 2
    if n not in (1, 2, 3):
        raise ValueError(f"`filters` must have 3, 4 or 5 axes, got {n + 2}")
    return n


def conv1d(
    input: Any,
    filters: Any,
    stride: Any,
    padding: Any,
    data_format: str = "NWC",
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """Correlate a sequence with filters; see ``conv2d``.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> x, w = tf.reshape([1.0, 2.0, 4.0], [1, 3, 1]), tf.reshape([1.0, 10.0], [2, 1, 1])
    >>> tf.squeeze(tf.nn.conv1d(x, w, 1, "VALID")).numpy()
    array([21., 42.], dtype=float32)
    """
    return _convolved("Conv2D", 1, input, filters, stride, padding, data_format, dilations)


def conv2d(
    input: Any,
    filters: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NHWC",
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """Correlate pictures with filters.

    Parameters
    ----------
    input : (..., height, width, channels), or with the channels before them for ``"NCHW"``.
    filters : (height, width, channels, channels of the output). With a fraction of the input's
        channels, they are convolved in groups.
    strides, dilations : how far windows, and entries within a window, are apart: one number, two,
        or four.
    padding : ``"VALID"``, ``"SAME"``, or a pair of numbers for each axis of the input.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.nn.conv2d(tf.ones([1, 3, 3, 1]), tf.ones([2, 2, 1, 4]), 1, "SAME").shape
    TensorShape([1, 3, 3, 4])
    """
    return _convolved("Conv2D", 2, input, filters, strides, padding, data_format, dilations)


def conv3d(
    input: Any,
    filters: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NDHWC",
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """Correlate volumes with filters; see ``conv2d``.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.nn.conv3d(tf.ones([1, 3, 3, 3, 1]), tf.ones([2, 2, 2, 1, 4]), 1, "VALID").shape
    TensorShape([1, 2, 2, 2, 4])
    """
    return _convolved("Conv3D", 3, input, filters, strides, padding, data_format, dilations)


def convolution(
    input: Any,
    filters: Any,
    strides: Any = None,
    padding: Any = "VALID",
    data_format: Any = None,
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """Correlate over as many axes as the filters say, one to three; see ``conv2d``.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.nn.convolution(tf.ones([1, 5, 1]), tf.ones([3, 1, 2])).shape
    TensorShape([1, 3, 2])
    """
    n = _axes_of_space(filters)
    return _convolved("Conv", n, input, filters, strides, padding, data_format, dilations)


def atrous_conv2d(
    value: Any, filters: Any, rate: int, padding: Any, name: str | None = None
) -> Tensor:
    """``conv2d`` with the entries of a window ``rate`` apart.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.nn.atrous_conv2d(tf.ones([1, 5, 5, 1]), tf.ones([2, 2, 1, 1]), 2, "VALID").shape
    TensorShape([1, 3, 3, 1])
    """
    return _convolved("Conv2D", 2, value, filters, 1, padding, None, rate)


# Channel by channel ---------------------------------------------------------------------------


def depthwise_conv2d(
    input: Any,
    filter: Any,
    strides: Any,
    padding: Any,
    data_format: Any = None,
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """Correlate each channel with filters of its own.

    Parameters
    ----------
    input : (n, height, width, channels).
    filter : (height, width, channels, filters for each channel).
    strides, padding, dilations : as of ``conv2d``.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> w = tf.ones([2, 2, 3, 2])
    >>> tf.nn.depthwise_conv2d(tf.ones([1, 4, 4, 3]), w, [1, 1, 1, 1], "SAME").shape
    TensorShape([1, 4, 4, 6])
    """
    op = "DepthwiseConv2dNative"
    x, w = _pair(op, input, filter, 2, 2)
    x, first = channels_last(x, data_format, 2)
    shape, sizes = engine.bare(x).shape, w.array.shape[:2]
    if shape[-1] != w.array.shape[2]:
        raise errors.invalid(
            op, f"input and filter must have the same depth: {shape[-1]} vs {w.array.shape[2]}"
        )
    seen = seen_windows(op, x, sizes, strides, padding, dilations, first)
    out = np.einsum("nxyhwc,hwcm->nxycm", seen, w)
    n, height, width, c, m = engine.bare(out).shape
    return laid_out(np.reshape(out, (n, height, width, c * m)), first, 2)


def separable_conv2d(
    input: Any,
    depthwise_filter: Any,
    pointwise_filter: Any,
    strides: Any,
    padding: Any,
    data_format: Any = None,
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """``depthwise_conv2d``, and then a mixture of the channels at each place.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> x, deep, point = tf.ones([1, 3, 3, 2]), tf.ones([2, 2, 2, 1]), tf.ones([1, 1, 2, 5])
    >>> tf.nn.separable_conv2d(x, deep, point, [1, 1, 1, 1], "VALID").shape
    TensorShape([1, 2, 2, 5])
    """
    deep = depthwise_conv2d(
        input, depthwise_filter, strides, padding, data_format=data_format, dilations=dilations
    )
    return conv2d(deep, pointwise_filter, 1, "VALID", data_format=data_format or "NHWC")


# Transposes -----------------------------------------------------------------------------------


def _transposed(
    op: str, n: int, input: Any, filters: Any, output_shape: Any, strides: Any, padding: Any,
    form: Any, dilations: Any,
) -> Tensor:  # fmt: skip
    x, w = _pair(op, input, filters, n, 2)
    x, first = channels_last(x, form, n)
    sizes, (outer, inner) = w.array.shape[:n], w.array.shape[n:]
    strides = per_axis(op, "strides", strides, n, first)
    dilations = per_axis(op, "dilations", dilations, n, first)
    wanted = shape_of(output_shape)
    lengths = wanted if len(wanted) == n else wanted[2:] if first else wanted[1:-1]
    channels = outer if len(wanted) == n else wanted[1] if first else wanted[-1]
    shape = engine.bare(x).shape
    if channels != outer or shape[-1] != inner:
        raise errors.invalid(
            op,
            f"filters of shape {errors.listed(w.array.shape)} lead from {inner} channels to "
            f"{outer}, but the input has {shape[-1]} and `output_shape` {channels}",
        )
    pairs = padding_of(op, padding, lengths, sizes, strides, dilations, first)
    whole = tuple([m + sum(pair) for m, pair in zip(lengths, pairs, strict=True)])
    counts = tuple(
        [
            (m - (k - 1) * d - 1) // s + 1
            for m, k, s, d in zip(whole, sizes, strides, dilations, strict=True)
        ]
    )
    if counts != shape[-n - 1 : -1]:
        raise errors.invalid(
            op,
            f"`output_shape` {list(wanted)} is that of no convolution's input whose output is "
            f"{errors.listed(shape)}: {errors.listed(counts)} windows fit along its axes",
        )
    spread = np.tensordot(x, w, ((-1,), (-1,)))
    out = folded(spread, lengths=whole, strides=strides, dilations=dilations)
    inside = [slice(before, before + m) for (before, _), m in zip(pairs, lengths, strict=True)]
    return laid_out(result(out)[(..., *inside, slice(None))], first, n)


def conv1d_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: Any = "SAME",
    data_format: str = "NWC",
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """The transpose of ``conv1d``; see ``conv2d_transpose``.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.nn.conv1d_transpose(tf.ones([1, 3, 1]), tf.ones([2, 4, 1]), [1, 6, 4], 2).shape
    TensorShape([1, 6, 4])
    """
    return _transposed(
        "Conv2DBackpropInput", 1, input, filters, output_shape, strides, padding, data_format,
        dilations,
    )  # fmt: skip


def conv2d_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: Any = "SAME",
    data_format: str = "NHWC",
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """The transpose of ``conv2d``: spread each entry over its window, as weighted by the filters.

    Parameters
    ----------
    input : (n, height, width, channels): of the shape that ``conv2d`` would answer.
    filters : (height, width, channels of the output, channels of the input).
    output_shape : (n, height, width, channels) of the output.
    strides, padding, dilations : as of the ``conv2d``.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> x, w = tf.ones([1, 2, 2, 1]), tf.ones([2, 2, 3, 1])
    >>> tf.nn.conv2d_transpose(x, w, [1, 4, 4, 3], 2).shape
    TensorShape([1, 4, 4, 3])
    """
    return _transposed(
        "Conv2DBackpropInput", 2, input, filters, output_shape, strides, padding, data_format,
        dilations,
    )  # fmt: skip


def conv3d_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: Any = "SAME",
    data_format: str = "NDHWC",
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """The transpose of ``conv3d``; see ``conv2d_transpose``.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> x, w = tf.ones([1, 1, 1, 1, 1]), tf.ones([2, 2, 2, 3, 1])
    >>> tf.nn.conv3d_transpose(x, w, [1, 2, 2, 2, 3], 2).shape
    TensorShape([1, 2, 2, 2, 3])
    """
    return _transposed(
        "Conv3DBackpropInputV2", 3, input, filters, output_shape, strides, padding, data_format,
        dilations,
    )  # fmt: skip


def conv_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: Any = "SAME",
    data_format: Any = None,
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """The transpose of ``convolution``; see ``conv2d_transpose``.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.nn.conv_transpose(tf.ones([1, 3, 1]), tf.ones([2, 4, 1]), [1, 6, 4], 2).shape
    TensorShape([1, 6, 4])
    """
    return _transposed(
        "ConvBackpropInput", _axes_of_space(filters), input, filters, output_shape, strides,
        padding, data_format, dilations,
    )  # fmt: skip


# Morphology -----------------------------------------------------------------------------------


def dilation2d(
    input: Any,
    filters: Any,
    strides: Any,
    padding: str,
    data_format: str = "NHWC",
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """The greatest sum of an entry and a weight in each window: grey dilation.

    Parameters
    ----------
    input : (n, height, width, channels).
    filters : (height, width, channels).
    strides, padding, dilations : as of ``conv2d``.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> x = tf.reshape([1.0, 5.0, 2.0, 3.0], [1, 2, 2, 1])
    >>> tf.nn.dilation2d(x, tf.zeros([2, 2, 1]), 1, "VALID", "NHWC", 1).numpy().item()
    5.0
    """
    x, w = _pair("Dilation2D", input, filters, 2, 1)
    x, _ = channels_last(x, data_format if data_format == "NHWC" else "", 2)
    sizes = w.array.shape[:2]
    lowest = np.finfo(x.array.dtype).min
    seen = seen_windows("Dilation2D", x, sizes, strides, padding, dilations, fill=lowest)
    shape = engine.bare(seen).shape
    sums = np.reshape(seen + w, (*shape[:-3], sizes[0] * sizes[1], shape[-1]))
    first = np.expand_dims(np.argmax(engine.bare(sums), -2), -2)
    return result(np.squeeze(np.take_along_axis(sums, first, -2), -2))


def erosion2d(
    value: Any,
    filters: Any,
    strides: Any,
    padding: str,
    data_format: str = "NHWC",
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """The least difference of an entry and a weight in each window: grey erosion.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> x = tf.reshape([1.0, 5.0, 2.0, 3.0], [1, 2, 2, 1])
    >>> tf.nn.erosion2d(x, tf.zeros([2, 2, 1]), 1, "VALID", "NHWC", 1).numpy().item()
    1.0
    """
    x, w = _pair("Erosion2D", value, filters, 2, 1)
    turned = np.flip(w, (0, 1))
    return -dilation2d(-result(x), turned, strides, padding, data_format, dilations)  # type: ignore[no-any-return]
