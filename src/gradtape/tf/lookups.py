"""Finding, counting and telling apart; other views of the same numbers.

Examples
--------
>>> import gradtape.tf as tf
>>> tf.unique([5, 3, 5])[0].numpy()
array([5, 3], dtype=int32)
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from gradtape import tensor as engine
from gradtape.tf import errors
from gradtape.tf.clip import clip_by_value
from gradtape.tf.elementwise import cast, together
from gradtape.tf.tensors import Tensor, operand, result
from gradtape.tf.types import numpy_dtype

__all__ = [
    "Unique",
    "UniqueWithCounts",
    "bitcast",
    "histogram_fixed_width",
    "histogram_fixed_width_bins",
    "invert_permutation",
    "saturate_cast",
    "searchsorted",
    "unique",
    "unique_with_counts",
]


def bitcast(input: Any, type: Any, name: str | None = None) -> Tensor:
    """The same bits as another dtype; there is no gradient.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.bitcast(1.0, tf.int32).numpy() == 0x3F800000
    np.True_
    """
    array, wanted = operand(input).array, numpy_dtype(type)
    narrow, wide = array.dtype.itemsize, wanted.itemsize
    if wide > narrow and (not array.ndim or array.shape[-1] * narrow != wide):
        raise errors.invalid(
            "Bitcast",
            f"Cannot bitcast from {array.dtype.name} to {wanted.name}: shape {array.shape}",
        )
    raw = np.ascontiguousarray(array).reshape(-1).view(wanted)
    if wide > narrow:
        return result(raw.reshape(array.shape[:-1]))
    return result(raw.reshape(array.shape if wide == narrow else (*array.shape, narrow // wide)))


def saturate_cast(value: Any, dtype: Any, name: str | None = None) -> Tensor:
    """The values in another dtype, kept within what it can hold.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.saturate_cast([300.0, -1.0], tf.uint8).numpy()
    array([255,   0], dtype=uint8)
    """
    x, wanted = operand(value), numpy_dtype(dtype)
    if wanted.kind not in "iuf" or x.array.dtype.kind not in "iuf":
        return cast(x, wanted)
    limits, given = [
        np.iinfo(d) if d.kind in "iu" else np.finfo(d) for d in (wanted, x.array.dtype)
    ]
    low, high = max(limits.min, given.min), min(limits.max, given.max)
    if x.array.dtype.kind == "f":  # the greatest that rounding does not carry beyond
        low, high = (x.array.dtype.type(v) for v in (low, high))
        if wanted.kind in "iu" and int(high) > limits.max:
            high = np.nextafter(high, x.array.dtype.type(0))
    return cast(clip_by_value(x, low, high), wanted)


def searchsorted(
    sorted_sequence: Any,
    values: Any,
    side: str = "left",
    out_type: Any = np.int32,
    name: Any = None,
) -> Tensor:
    """Where values would go in a sorted sequence, row by row.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.searchsorted([1.0, 3.0, 5.0], [3.0, 4.0]).numpy()
    array([1, 2], dtype=int32)
    """
    if side not in ("left", "right"):
        raise ValueError(f"Argument `side` must be 'left' or 'right', got {side!r}")
    rows, wanted = (t.array for t in together("LowerBound", sorted_sequence, values))
    if rows.shape[:-1] != wanted.shape[:-1]:
        raise errors.invalid(
            "LowerBound",
            "all but the last axis of sorted_sequence and values must agree: "
            f"{errors.listed(rows.shape)} and {errors.listed(wanted.shape)}",
        )
    which: Any = side
    found = [
        np.searchsorted(row, value, which)
        for row, value in zip(
            rows.reshape(-1, rows.shape[-1]), wanted.reshape(-1, wanted.shape[-1]), strict=True
        )
    ]
    return cast(result(np.array(found).reshape(wanted.shape)), out_type)


class Unique(NamedTuple):
    """What ``unique`` answers."""

    y: Tensor
    idx: Tensor


class UniqueWithCounts(NamedTuple):
    """What ``unique_with_counts`` answers; here ``count`` is a field, not a tuple's method."""

    y: Tensor
    idx: Tensor
    count: Tensor  # type: ignore[assignment]


def unique_with_counts(
    x: Any, out_idx: Any = np.int32, name: str | None = None
) -> UniqueWithCounts:
    """The different entries in the order in which they come, the number of each, and how often.

    The gradient of an entry goes to the first of its equals.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> [t.numpy().tolist() for t in tf.unique_with_counts([5, 3, 5])]
    [[5, 3], [0, 1, 0], [2, 1]]
    """
    t = operand(x)
    if t.array.ndim != 1:
        raise errors.invalid("Unique", "unique expects a 1D vector.")
    _, first, inverse, counts = np.unique(t.array, True, True, True)
    order = np.argsort(first)
    number = np.empty(len(order), np.intp)
    number[order] = np.arange(len(order))
    return UniqueWithCounts(
        result(np.take(t, first[order])),
        cast(result(number[inverse.reshape(-1)]), out_idx),
        cast(result(counts[order]), out_idx),
    )


def unique(x: Any, out_idx: Any = np.int32, name: str | None = None) -> Unique:
    """The different entries in the order in which they come, and the number of each entry.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> [t.numpy().tolist() for t in tf.unique([5, 3, 5])]
    [[5, 3], [0, 1, 0]]
    """
    return Unique(*unique_with_counts(x, out_idx)[:2])


def invert_permutation(x: Any, name: str | None = None) -> Tensor:
    """The permutation that undoes another.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.math.invert_permutation([2, 0, 1]).numpy()
    array([1, 2, 0], dtype=int32)
    """
    array = operand(x).array
    if array.ndim != 1 or np.any(np.sort(array) != np.arange(array.size)):
        raise errors.invalid("InvertPermutation", f"{array.tolist()} is no permutation")
    return result(np.argsort(array).astype(array.dtype))


def histogram_fixed_width_bins(
    values: Any, value_range: Any, nbins: Any = 100, dtype: Any = np.int32, name: Any = None
) -> Tensor:
    """The number of the bin of each value; what lies outside goes into the first or the last.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.histogram_fixed_width_bins([0.0, 0.5, 2.0, -1.0], [0.0, 1.0], nbins=4).numpy()
    array([0, 2, 3, 0], dtype=int32)
    """
    x, (low, high) = (t.array for t in together("HistogramFixedWidth", values, value_range))
    count = int(engine.bare(nbins))
    bins = np.floor((x - low) / (high - low) * count)
    return cast(result(np.clip(bins, 0, count - 1)), dtype)


def histogram_fixed_width(
    values: Any, value_range: Any, nbins: Any = 100, dtype: Any = np.int32, name: Any = None
) -> Tensor:
    """How many values lie in each of ``nbins`` bins of equal width.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.histogram_fixed_width([0.0, 0.5, 2.0, -1.0], [0.0, 1.0], nbins=4).numpy()
    array([2, 0, 1, 1], dtype=int32)
    """
    bins = histogram_fixed_width_bins(values, value_range, nbins).array
    return cast(result(np.bincount(bins.reshape(-1), minlength=int(engine.bare(nbins)))), dtype)
