"""The functions of ``tf.math`` that most programs do not need.

Examples
--------
>>> import gradtape.tf as tf
>>> tf.math.polyval([1.0, 0.0, 2.0], 3.0).numpy()
np.float32(11.0)
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradtape import tensor as engine
from gradtape.derivatives.primitives import scatter_add
from gradtape.tf import errors, rules
from gradtape.tf.elementwise import add_n, cast, multiply, together
from gradtape.tf.reductions import axes_of
from gradtape.tf.tensors import Tensor, integers, operand, result

__all__ = [
    "accumulate_n",
    "bincount",
    "confusion_matrix",
    "cumulative_logsumexp",
    "in_top_k",
    "is_non_decreasing",
    "is_strictly_increasing",
    "nextafter",
    "polyval",
    "realdiv",
    "reciprocal_no_nan",
    "scalar_mul",
    "truncatediv",
    "truncatemod",
    "zero_fraction",
]


def accumulate_n(
    inputs: Any, shape: Any = None, tensor_dtype: Any = None, name: str | None = None
) -> Tensor:
    """The sum of several tensors; see ``tf.add_n``.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.math.accumulate_n([[1.0], [2.0]]).numpy()
    array([3.], dtype=float32)
    """
    return add_n(inputs)


def scalar_mul(scalar: Any, x: Any, name: str | None = None) -> Tensor:
    """A number times a tensor.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.scalar_mul(2.0, [1.0, 3.0]).numpy()
    array([2., 6.], dtype=float32)
    """
    factor, t = together("Mul", scalar, x)
    if factor.array.ndim:
        raise ValueError(
            f"The input scalar must be a 0-D value. Received shape {factor.array.shape}."
        )
    return multiply(factor, t)


def polyval(coeffs: Any, x: Any, name: str | None = None) -> Tensor:
    """A polynomial, by its coefficients from the highest power down.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.math.polyval([2.0, 1.0], [0.0, 3.0]).numpy()
    array([1., 7.], dtype=float32)
    """
    if not isinstance(coeffs, (list, tuple)):
        raise ValueError(
            f"Argument coeffs must be list type. Received type {type(coeffs).__name__}."
        )
    t = operand(x)
    if not coeffs:
        return result(np.zeros_like(t.array))
    total = operand(coeffs[0], t.array.dtype)
    for c in coeffs[1:]:
        total = operand(c, t.array.dtype) + result(total * t)
    return result(total)


def reciprocal_no_nan(x: Any, name: str | None = None) -> Tensor:
    """1 / x, and 0 where x is 0.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.math.reciprocal_no_nan([2.0, 0.0]).numpy()
    array([0.5, 0. ], dtype=float32)
    """
    t = operand(x)
    if t.array.dtype.kind not in "fc":
        raise errors.not_allowed("DivNoNan", t.array.dtype, errors.REALS)
    zero = t.array == 0
    return result(np.where(zero, 0, rules.reciprocal(np.where(zero, 1, t))))


def realdiv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The quotient of floating numbers.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.realdiv(1.0, 4.0).numpy()
    np.float32(0.25)
    """
    a, b = together("RealDiv", x, y)
    if a.array.dtype.kind not in "fc":
        raise errors.not_allowed("RealDiv", a.array.dtype, errors.REALS)
    return result(a / b)


def truncatediv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The quotient without its fraction: rounded towards 0.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.truncatediv(-7, 2).numpy()
    np.int32(-3)
    """
    a, b = (t.array for t in together("TruncateDiv", x, y))
    if a.dtype.kind not in "iu":
        return result(np.trunc(a / b))
    if np.any(b == 0):
        raise errors.invalid("TruncateDiv", "Integer division by zero")
    return result((np.sign(a) * np.sign(b) * (np.abs(a) // np.abs(b))).astype(a.dtype))


def truncatemod(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The remainder of ``truncatediv``: it has the sign of x.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.truncatemod(-7, 2).numpy()
    np.int32(-1)
    """
    a, b = together("TruncateMod", x, y)
    if a.array.dtype.kind in "iu" and np.any(b.array == 0):
        raise errors.invalid("TruncateMod", "Integer division by zero")
    return result(np.fmod(a, b))


def nextafter(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """The floating number next to x1 on the way to x2.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.math.nextafter(1.0, 2.0).numpy() - 1
    np.float32(1.1920929e-07)
    """
    a, b = together("NextAfter", x1, x2)
    if a.array.dtype.kind != "f":
        raise errors.not_allowed("NextAfter", a.array.dtype, "double, float")
    return result(np.nextafter(a, b))


def cumulative_logsumexp(
    x: Any, axis: int = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None
) -> Tensor:
    """log(sum(exp(x))) of the entries up to each, without overflow.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.math.cumulative_logsumexp([0.0, -1000.0]).numpy()
    array([0., 0.], dtype=float32)
    """
    t = operand(x)
    if t.array.dtype.kind != "f":
        raise errors.not_allowed("CumulativeLogsumexp", t.array.dtype, "half, float, double")
    axis = int(engine.bare(axis))
    axes_of("CumulativeLogsumexp", axis, t.array.ndim)
    along: Any = np.moveaxis(t, axis, -1)
    along = np.flip(along, -1) if reverse else along
    shape, dtype = engine.bare(along).shape, t.array.dtype
    lowest = np.full((*shape[:-1], 1), -np.inf, dtype)
    if exclusive:
        along = np.concatenate([lowest, along[..., :-1]], -1)
    along = np.logaddexp.accumulate(along, axis=-1)
    along = np.flip(along, -1) if reverse else along
    return result(np.moveaxis(along, -1, axis))


# Tests and counts -----------------------------------------------------------------------------


def is_non_decreasing(x: Any, name: str | None = None) -> Tensor:
    """Whether no entry is less than the one before.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.math.is_non_decreasing([1.0, 1.0]).numpy()
    np.True_
    """
    return result(np.all(np.diff(operand(x).array.reshape(-1)) >= 0))


def is_strictly_increasing(x: Any, name: str | None = None) -> Tensor:
    """Whether each entry is greater than the one before.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.math.is_strictly_increasing([1.0, 1.0]).numpy()
    np.False_
    """
    return result(np.all(np.diff(operand(x).array.reshape(-1)) > 0))


def zero_fraction(value: Any, name: str | None = None) -> Tensor:
    """Which part of the entries is 0.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.nn.zero_fraction([0.0, 1.0, 2.0, 0.0]).numpy()
    np.float32(0.5)
    """
    return cast(result(np.mean(operand(value).array == 0)), np.float32)


def in_top_k(targets: Any, predictions: Any, k: Any, name: str | None = None) -> Tensor:
    """Whether the prediction of each sample's class is among the k greatest; ties count as such.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.math.in_top_k([0, 1], [[0.1, 0.9], [0.5, 0.5]], 1).numpy()
    array([False,  True])
    """
    classes, scores = integers("InTopKV2", targets), operand(predictions).array
    inside = (classes >= 0) & (classes < scores.shape[1])
    own = scores[np.arange(len(scores)), np.where(inside, classes, 0)]
    greater = np.sum(scores > own[:, None], axis=1)
    return result(inside & np.all(np.isfinite(scores), axis=1) & (greater < engine.bare(k)))


def bincount(
    arr: Any,
    weights: Any = None,
    minlength: Any = None,
    maxlength: Any = None,
    dtype: Any = np.int32,
    name: str | None = None,
    axis: Any = None,
    binary_output: bool = False,
) -> Tensor:
    """How often each number comes, or the sum of the weights that stand beside it.

    Parameters
    ----------
    arr, weights : the numbers, and what each counts; by default 1.
    minlength, maxlength : how long the answer is at least and at most.
    axis : None or 0 for all numbers together; -1 for each row of a matrix.
    binary_output : whether to say 1 for each number that comes at all.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.math.bincount([1, 1, 3]).numpy()
    array([0, 2, 0, 1], dtype=int32)
    """
    numbers = operand(arr).array
    if axis not in (None, 0, -1):
        raise ValueError(f"Unsupported value for argument axis={axis}. Only 0 and -1 are allowed.")
    if np.any(numbers < 0):
        raise errors.invalid("DenseBincount", "Input arr must be non-negative!")
    size = int(numbers.max(initial=-1)) + 1
    size = max(size, int(engine.bare(minlength) or 0))
    size = size if maxlength is None else min(size, int(engine.bare(maxlength)))
    rows = numbers.shape[:-1] if axis == -1 else ()
    flat = numbers.reshape(-1).astype(np.intp)
    kept = np.flatnonzero(flat < size)
    sample = kept // max(numbers.shape[-1], 1) if rows else 0
    places, shape = flat[kept] + size * sample, (*rows, size)
    if weights is None or binary_output:
        counts = np.bincount(places, minlength=math.prod(shape)).reshape(shape)
        return cast(result(np.minimum(counts, 1) if binary_output else counts), dtype)
    beside = np.take(np.reshape(operand(weights), (-1,)), kept)
    return result(scatter_add(beside, shape=shape, positions=places))


def confusion_matrix(
    labels: Any,
    predictions: Any,
    num_classes: Any = None,
    weights: Any = None,
    dtype: Any = np.int32,
    name: str | None = None,
) -> Tensor:
    """How often each label (row) was predicted as each class (column).

    With ``weights`` the sum of those beside, in ``dtype``: where that is floating, they get
    gradients.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.math.confusion_matrix([0, 1, 1], [0, 1, 0]).numpy()
    array([[1, 0],
           [1, 1]], dtype=int32)
    """
    rows, columns = (
        integers("ConfusionMatrix", given).reshape(-1) for given in (labels, predictions)
    )
    if rows.shape != columns.shape:
        raise errors.incompatible("ScatterNd", rows.shape, columns.shape)
    if np.any(rows < 0) or np.any(columns < 0):
        raise errors.invalid(
            "AssertGreaterEqual", "`labels` or `predictions` contains negative values"
        )
    n = max(rows.max(initial=-1), columns.max(initial=-1)) + 1
    if num_classes is not None:
        if n > engine.bare(num_classes):
            raise errors.invalid(
                "AssertLess", f"there are classes beyond num_classes={num_classes}"
            )
        n = int(engine.bare(num_classes))
    beside: Any = cast(np.ones(rows.shape) if weights is None else weights, dtype)
    beside = np.reshape(np.broadcast_to(beside, rows.shape), (-1,))
    places = rows.astype(np.intp) * n + columns
    return result(scatter_add(beside, shape=(n * n,), positions=places).reshape((n, n)))
