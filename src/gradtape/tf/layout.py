"""Cutting, joining and reordering that most programs do not need.

Examples
--------
>>> import gradtape.tf as tf
>>> tf.slice([1.0, 2.0, 3.0], [1], [-1]).numpy()
array([2., 3.], dtype=float32)
"""

from __future__ import annotations

import builtins
from math import prod
from typing import Any

import numpy as np

from gradtape import tensor as engine
from gradtape.tf import errors
from gradtape.tf.elementwise import cast
from gradtape.tf.makers import shape_of
from gradtape.tf.shape import TensorShape
from gradtape.tf.tensors import Tensor, convert_to_tensor, identity, operand, result

__all__ = [
    "batch_to_space",
    "broadcast_dynamic_shape",
    "broadcast_static_shape",
    "depth_to_space",
    "ensure_shape",
    "identity_n",
    "reverse_sequence",
    "sequence_mask",
    "shape_n",
    "slice",
    "space_to_batch",
    "space_to_batch_nd",
    "space_to_depth",
    "strided_slice",
    "unravel_index",
]

# Cutting --------------------------------------------------------------------------------------


def _integers(value: Any) -> list[int]:
    return [int(n) for n in np.asarray(engine.bare(operand(value)), np.int64).reshape(-1)]


def slice(input_: Any, begin: Any, size: Any, name: str | None = None) -> Tensor:
    """The block that starts at ``begin``; a size of -1 goes to the end.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.slice([[1.0, 2.0], [3.0, 4.0]], [0, 1], [2, 1]).numpy()
    array([[2.],
           [4.]], dtype=float32)
    """
    x, starts, sizes = operand(input_), _integers(begin), _integers(size)
    shape = x.array.shape
    if not len(starts) == len(sizes) == len(shape):
        raise errors.invalid(
            "Slice",
            f"Expected begin and size arguments to be 1-D tensors of size {len(shape)}, but got "
            f"{len(starts)} and {len(sizes)} instead.",
        )
    ends = []
    for i, (start, length, n) in enumerate(zip(starts, sizes, shape, strict=True)):
        end = n if length == -1 else start + length
        if not 0 <= start <= end <= n:
            raise errors.invalid(
                "Slice",
                f"Expected begin[{i}] in [0, {n}] and size[{i}] in [-1, {n - start}], but got "
                f"{start} and {length}",
            )
        ends.append(end)
    parts = [builtins.slice(*pair) for pair in zip(starts, ends, strict=True)]
    return result(x[tuple(parts)])


def strided_slice(
    input_: Any,
    begin: Any,
    end: Any,
    strides: Any = None,
    begin_mask: int = 0,
    end_mask: int = 0,
    ellipsis_mask: int = 0,
    new_axis_mask: int = 0,
    shrink_axis_mask: int = 0,
    var: Any = None,
    name: str | None = None,
) -> Tensor:
    """What ``x[begin:end:strides]`` says, axis by axis; the bits of the masks say the rest.

    Bit i of ``begin_mask`` or ``end_mask``: that end of axis i is left open; of ``ellipsis_mask``:
    here stands ``...``; of ``new_axis_mask``: a new axis; of ``shrink_axis_mask``: one entry.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.strided_slice([1.0, 2.0, 3.0, 4.0], [3], [0], [-2], end_mask=1).numpy()
    array([4., 2.], dtype=float32)
    """
    x, starts, ends = operand(input_), _integers(begin), _integers(end)
    steps = [1] * len(starts) if strides is None else _integers(strides)
    if not len(starts) == len(ends) == len(steps):
        raise ValueError("begin, end and strides must have the same length")
    parts: list[Any] = []
    for i, (start, stop, step) in enumerate(zip(starts, ends, steps, strict=True)):
        bit = 1 << i
        if ellipsis_mask & bit:
            parts.append(Ellipsis)
        elif new_axis_mask & bit:
            parts.append(None)
        elif shrink_axis_mask & bit:
            parts.append(start)
        else:
            first, last = (None if begin_mask & bit else start), (None if end_mask & bit else stop)
            parts.append(builtins.slice(first, last, step))
    return result(x[tuple(parts)])


def sequence_mask(
    lengths: Any, maxlen: Any = None, dtype: Any = "bool", name: Any = None
) -> Tensor:
    """Rows that are true as far as each length says.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.sequence_mask([1, 2], 3).numpy()
    array([[ True, False, False],
           [ True,  True, False]])
    """
    ends = operand(lengths).array
    longest = int(np.max(ends, initial=0) if maxlen is None else engine.bare(maxlen))
    return cast(result(np.arange(longest) < np.expand_dims(ends, -1)), dtype)


def reverse_sequence(
    input: Any,
    seq_lengths: Any,
    seq_axis: Any = None,
    batch_axis: Any = None,
    name: str | None = None,
) -> Tensor:
    """The first entries along an axis in reverse order, as many as each sample's length says.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> x = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
    >>> tf.reverse_sequence(x, [2, 3], seq_axis=1, batch_axis=0).numpy()
    array([[2., 1., 3.],
           [6., 5., 4.]], dtype=float32)
    """
    x, lengths = operand(input), operand(seq_lengths).array
    along = int(seq_axis or 0) % x.array.ndim
    batch = int(batch_axis or 0) % x.array.ndim
    n = x.array.shape[along]
    if lengths.shape != (x.array.shape[batch],) or along == batch:
        raise errors.invalid(
            "ReverseSequence",
            f"`seq_lengths` must be a vector of length {x.array.shape[batch]}, and the two axes "
            f"must differ; got lengths of shape {errors.listed(lengths.shape)}",
        )
    if np.any((lengths > n) | (lengths < 0)):
        raise errors.invalid("ReverseSequence", f"seq_lengths do not all lie in [0, {n}]")
    place = np.arange(n)
    source = np.where(place < lengths[:, None], lengths[:, None] - 1 - place, place)
    around = [1] * x.array.ndim
    around[batch], around[along] = source.shape
    ordered = source if batch < along else source.T
    index = np.broadcast_to(ordered.reshape(around), x.array.shape)
    return result(np.take_along_axis(x, index, along))


def unravel_index(indices: Any, dims: Any, name: str | None = None) -> Tensor:
    """Flat positions as positions by axes, one row for each axis.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.unravel_index([2, 5], [3, 3]).numpy()
    array([[0, 1],
           [2, 2]], dtype=int32)
    """
    flat, lengths = operand(indices).array, shape_of(dims)
    if np.any((flat < 0) | (flat >= prod(lengths))):
        raise errors.invalid("UnravelIndex", f"index is out of bound as with dims {list(lengths)}")
    return result(np.stack(np.unravel_index(flat, lengths)).astype(flat.dtype))


# Blocks ---------------------------------------------------------------------------------------


def _nhwc(op: str, input: Any, data_format: str) -> Any:
    x = operand(input)
    if data_format != "NHWC" or x.array.ndim != 4:
        raise ValueError(f"{op}: `input` must have 4 axes, with data_format 'NHWC'")
    return x


def space_to_depth(
    input: Any, block_size: int, data_format: str = "NHWC", name: str | None = None
) -> Tensor:
    """Blocks of a picture as channels.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.nn.space_to_depth(tf.ones([1, 4, 4, 3]), 2).shape
    TensorShape([1, 2, 2, 12])
    """
    x, b = _nhwc("SpaceToDepth", input, data_format), int(block_size)
    n, h, w, c = x.array.shape
    if h % b or w % b:
        raise errors.invalid("SpaceToDepth", f"{h} x {w} pixels do not fall into blocks of {b}")
    blocks = np.transpose(np.reshape(x, (n, h // b, b, w // b, b, c)), (0, 1, 3, 2, 4, 5))
    return result(np.reshape(blocks, (n, h // b, w // b, b * b * c)))


def depth_to_space(
    input: Any, block_size: int, data_format: str = "NHWC", name: str | None = None
) -> Tensor:
    """Channels as blocks of a picture: what undoes ``space_to_depth``.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.nn.depth_to_space(tf.ones([1, 2, 2, 12]), 2).shape
    TensorShape([1, 4, 4, 3])
    """
    x, b = _nhwc("DepthToSpace", input, data_format), int(block_size)
    n, h, w, c = x.array.shape
    if c % (b * b):
        raise errors.invalid("DepthToSpace", f"{c} channels do not make blocks of {b} x {b}")
    blocks = np.transpose(np.reshape(x, (n, h, w, b, b, c // (b * b))), (0, 1, 3, 2, 4, 5))
    return result(np.reshape(blocks, (n, h * b, w * b, c // (b * b))))


def space_to_batch(input: Any, block_shape: Any, paddings: Any, name: str | None = None) -> Tensor:
    """Every k-th entry along axes of space as samples of its own.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.space_to_batch([[[1.0], [2.0], [3.0]]], [2], [[0, 1]]).numpy().tolist()
    [[[1.0], [3.0]], [[2.0], [0.0]]]
    """
    x, blocks = operand(input), _integers(block_shape)
    m = len(blocks)
    pairs = np.asarray(engine.bare(operand(paddings))).reshape(-1, 2).tolist()
    rest = x.array.shape[m + 1 :]
    if any(map(any, pairs)):
        x = operand(result(np.pad(x, [[0, 0], *pairs, *[[0, 0]] * len(rest)])))
    n, lengths = x.array.shape[0], x.array.shape[1 : m + 1]
    cut = [part for length, b in zip(lengths, blocks, strict=True) for part in (length // b, b)]
    if any(length % b for length, b in zip(lengths, blocks, strict=True)):
        raise errors.invalid(
            "SpaceToBatchND", f"padded lengths {list(lengths)} are no multiples of {blocks}"
        )
    order = [*range(2, 2 * m + 2, 2), 0, *range(1, 2 * m + 1, 2)]
    order += range(2 * m + 1, 2 * m + 1 + len(rest))
    moved = np.transpose(np.reshape(x, (n, *cut, *rest)), order)
    return result(np.reshape(moved, (n * prod(blocks), *cut[::2], *rest)))


space_to_batch_nd = space_to_batch


def batch_to_space(input: Any, block_shape: Any, crops: Any, name: str | None = None) -> Tensor:
    """What undoes ``space_to_batch``.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.batch_to_space([[[1.0], [3.0]], [[2.0], [0.0]]], [2], [[0, 1]]).numpy().tolist()
    [[[1.0], [2.0], [3.0]]]
    """
    x, blocks = operand(input), _integers(block_shape)
    m = len(blocks)
    pairs = np.asarray(engine.bare(operand(crops))).reshape(-1, 2).tolist()
    lengths, rest = x.array.shape[1 : m + 1], x.array.shape[m + 1 :]
    n, left = divmod(x.array.shape[0], prod(blocks))
    if left:
        raise errors.invalid(
            "BatchToSpaceND", f"{x.array.shape[0]} samples are no multiple of {prod(blocks)}"
        )
    order = [m, *[axis for i in range(m) for axis in (m + 1 + i, i)]]
    order += range(2 * m + 1, 2 * m + 1 + len(rest))
    moved = np.transpose(np.reshape(x, (*blocks, n, *lengths, *rest)), order)
    whole = [length * b for length, b in zip(lengths, blocks, strict=True)]
    inside = [
        builtins.slice(first, length - last)
        for (first, last), length in zip(pairs, whole, strict=True)
    ]
    return result(result(np.reshape(moved, (n, *whole, *rest)))[(builtins.slice(None), *inside)])


# Shapes and types -----------------------------------------------------------------------------


def ensure_shape(x: Any, shape: Any, name: str | None = None) -> Tensor:
    """The tensor itself, if it has the shape; None stands for any length.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.ensure_shape([1.0, 2.0], [None]).numpy()
    array([1., 2.], dtype=float32)
    """
    tensor = operand(x)
    wanted, given = tuple(shape), tensor.array.shape
    fits = len(wanted) == len(given) and all(
        [w is None or int(w) == g for w, g in zip(wanted, given, strict=True)]
    )
    if not fits:
        raise errors.invalid(
            "EnsureShape",
            f"Shape of tensor EnsureShape {errors.listed(given)} is not compatible with expected "
            f"shape [{','.join(['?' if w is None else str(w) for w in wanted])}].",
        )
    return identity(tensor)


def shape_n(input: Any, out_type: Any = np.int32, name: str | None = None) -> list[Tensor]:
    """The shapes of several tensors.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> [t.numpy().tolist() for t in tf.shape_n([[1.0, 2.0], [[1.0]]])]
    [[2], [1, 1]]
    """
    return [cast(np.array(operand(x).array.shape, np.int32), out_type) for x in input]


def broadcast_dynamic_shape(shape_x: Any, shape_y: Any) -> Tensor:
    """The shape that two shapes broadcast to, as a tensor.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.broadcast_dynamic_shape([2, 1], [3]).numpy()
    array([2, 3], dtype=int32)
    """
    return convert_to_tensor(_broadcast(shape_x, shape_y), np.int32)


def broadcast_static_shape(shape_x: Any, shape_y: Any) -> Any:
    """The shape that two shapes broadcast to.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.broadcast_static_shape(tf.TensorShape([2, 1]), tf.TensorShape([3]))
    TensorShape([2, 3])
    """
    return TensorShape(_broadcast(shape_x, shape_y))


def _broadcast(x: Any, y: Any) -> tuple[int, ...]:
    first, second = shape_of(x), shape_of(y)
    try:
        return np.broadcast_shapes(first, second)
    except ValueError:
        raise errors.incompatible("BroadcastArgs", first, second) from None


def identity_n(input: Any, name: str | None = None) -> list[Tensor]:
    """The same values as new tensors.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> [t.numpy().item() for t in tf.identity_n([1.0, 2.0])]
    [1.0, 2.0]
    """
    return [identity(x) for x in input]
