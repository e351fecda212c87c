"""Joining, cutting, reordering and picking."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradtape import tensor as engine
from gradtape.tf import errors
from gradtape.tf.elementwise import cast, together
from gradtape.tf.makers import shape_of
from gradtape.tf.reductions import axes_of
from gradtape.tf.tensors import Tensor, convert_to_tensor, integers, operand, result

# Shapes ---------------------------------------------------------------------------------------


def shape(input: Any, out_type: Any = np.int32, name: str | None = None) -> Tensor:
    """The shape as a tensor of integers.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.shape([[1.0, 2.0]]).numpy()
    array([1, 2], dtype=int32)
    """
    return cast(np.array(operand(input).array.shape, np.int32), out_type)


def rank(input: Any, name: str | None = None) -> Tensor:
    """The number of axes as a tensor.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.rank([[1.0, 2.0]]).numpy()
    np.int32(2)
    """
    return result(np.int32(operand(input).array.ndim))


def size(input: Any, out_type: Any = np.int32, name: str | None = None) -> Tensor:
    """The number of entries as a tensor.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.size([[1.0, 2.0]]).numpy()
    np.int32(2)
    """
    return cast(np.int32(operand(input).array.size), out_type)


def reshape(tensor: Any, shape: Any, name: str | None = None) -> Tensor:
    """The entries in another shape; one length may be -1.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.reshape(tf.range(4), [2, -1]).numpy()
    array([[0, 1],
           [2, 3]], dtype=int32)
    """
    x, wanted = operand(tensor), shape_of(shape)
    try:
        return result(np.reshape(x, wanted))
    except ValueError:
        raise errors.invalid(
            "Reshape",
            f"Input to reshape is a tensor with {x.array.size} values, but the requested shape "
            f"has {math.prod(wanted)}: {errors.listed(wanted)}",
        ) from None


def transpose(a: Any, perm: Any = None, conjugate: bool = False, name: str = "transpose") -> Tensor:
    """The axes in the order of ``perm``, or reversed.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.transpose([[1.0, 2.0], [3.0, 4.0]]).numpy()
    array([[1., 3.],
           [2., 4.]], dtype=float32)
    """
    x = operand(a)
    axes = None
    if perm is not None:
        axes = [int(p) for p in integers("Transpose", perm, "Tperm").reshape(-1)]
    if axes is not None and {p % max(len(axes), 1) for p in axes} != set(range(x.array.ndim)):
        raise errors.invalid(
            "Transpose", f"perm {axes} is no permutation of the {x.array.ndim} axes"
        )
    moved = np.transpose(x, axes)
    return result(np.conjugate(moved) if conjugate else moved)


def expand_dims(input: Any, axis: Any, name: str | None = None) -> Tensor:
    """A new axis of length one at a place.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.expand_dims([1.0, 2.0], 1).shape
    TensorShape([2, 1])
    """
    x, place = operand(input), int(integers("ExpandDims", axis))
    n = x.array.ndim
    if not -n - 1 <= place <= n:
        raise errors.invalid(
            "ExpandDims", f"Tried to expand dim index {place} for tensor with {n} dimensions."
        )
    return result(np.expand_dims(x, place))


def squeeze(input: Any, axis: Any = None, name: str | None = None) -> Tensor:
    """Without its axes of length one, or without the given ones.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.squeeze([[[1.0], [2.0]]]).shape, tf.squeeze([[[1.0], [2.0]]], 0).shape
    (TensorShape([2]), TensorShape([2, 1]))
    """
    x = operand(input)
    axes = axes_of("Squeeze", axis if axis != [] else None, x.array.ndim)
    for a in axes or ():
        if x.array.shape[a] != 1:
            raise errors.invalid(
                "Squeeze",
                f"Can not squeeze dim[{a}], expected a dimension of 1, got {x.array.shape[a]}",
            )
    return result(np.squeeze(x, axes))


def broadcast_to(input: Any, shape: Any, name: str | None = None) -> Tensor:
    """Repeated along new axes and along those of length one.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.broadcast_to([1.0, 2.0], [2, 2]).numpy()
    array([[1., 2.],
           [1., 2.]], dtype=float32)
    """
    x, wanted = operand(input), shape_of(shape)
    try:
        return result(np.broadcast_to(x, wanted))
    except ValueError:
        raise errors.incompatible("BroadcastTo", x.array.shape, wanted) from None


def tile(input: Any, multiples: Any, name: str | None = None) -> Tensor:
    """Repeated along each axis, as often as ``multiples`` says.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.tile([1.0, 2.0], [2]).numpy()
    array([1., 2., 1., 2.], dtype=float32)
    """
    x, times = operand(input), shape_of(multiples)
    if len(times) != x.array.ndim:
        raise errors.invalid(
            "Tile",
            f"Expected multiples argument to be a vector of length {x.array.ndim} but got length "
            f"{len(times)}",
        )
    return result(np.tile(x, times))


def repeat(input: Any, repeats: Any, axis: Any = None, name: str | None = None) -> Tensor:
    """Each entry several times, one after the other.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.repeat([1.0, 2.0], 2).numpy()
    array([1., 1., 2., 2.], dtype=float32)
    """
    times = integers("Repeat", repeats, "repeats")
    if np.any(times < 0):
        raise errors.invalid("Tile", f"Expected multiples[1] >= 0, but got {np.min(times)}")
    return result(np.repeat(operand(input), times, axis))


# Joining and cutting --------------------------------------------------------------------------


def _list(op: str, values: Any) -> list[Any]:
    """Tensors of one dtype; one that is a tensor decides over what is none."""
    values = list(values)
    known = [v.array.dtype for v in values if isinstance(v, engine.Tensor)]
    tensors: list[Any] = []
    for i, value in enumerate(values):
        dtype = None
        if not isinstance(value, engine.Tensor):
            dtype = known[0] if known else tensors[0].array.dtype if tensors else None
        x = operand(value, dtype)
        if tensors and x.array.dtype != tensors[0].array.dtype:
            raise errors.mismatch(op, tensors[0].array.dtype, x.array.dtype, i)
        tensors.append(x)
    return tensors


def stack(values: Any, axis: int = 0, name: str = "stack") -> Tensor:
    """Tensors of one shape, along a new axis.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.stack([tf.constant(1.0), tf.constant(2.0)])
    <tf.Tensor: shape=(2,), dtype=float32, numpy=array([1., 2.], dtype=float32)>
    """
    if isinstance(values, engine.Tensor) and axis == 0:
        return convert_to_tensor(values)
    if all([isinstance(v, (int, float, complex)) for v in values]):
        values = operand(list(values))  # numbers decide together over their dtype
    tensors = _list("Pack", values)
    if not tensors:
        raise ValueError("tf.stack: argument `values` is empty; give at least one tensor")
    first = tensors[0].array.shape
    for i, t in enumerate(tensors):
        if t.array.shape != first:
            raise errors.invalid(
                "Pack",
                f"Shapes of all inputs must match: values[0].shape = {errors.listed(first)} != "
                f"values[{i}].shape = {errors.listed(t.array.shape)}",
            )
    if not -len(first) - 1 <= axis <= len(first):
        n = len(first) + 1
        raise ValueError(f"Argument `axis` = {axis} not in range [{-n}, {n})")
    return result(np.stack([result(t) if not t.array.ndim else t for t in tensors], axis))


def unstack(
    value: Any, num: int | None = None, axis: int = 0, name: str = "unstack"
) -> list[Tensor]:
    """The slices along an axis, as a list.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> [t.numpy().tolist() for t in tf.unstack([[1.0, 2.0], [3.0, 4.0]], axis=1)]
    [[1.0, 3.0], [2.0, 4.0]]
    """
    x = operand(value)
    axes_of("Unpack", axis, x.array.ndim)
    n = x.array.shape[axis]
    if num is not None and num != n:
        raise errors.invalid("Unpack", f"Input shape axis {axis} must equal {num}, got {n}")
    front = (slice(None),) * (axis % x.array.ndim)
    return [x[(*front, i)] for i in range(n)]


def concat(values: Any, axis: Any, name: str = "concat") -> Tensor:
    """Tensors one after the other along an axis.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.concat([[1.0], [2.0, 3.0]], axis=0).numpy()
    array([1., 2., 3.], dtype=float32)
    """
    if isinstance(values, engine.Tensor):
        values = [values]
    tensors, axis = _list("ConcatV2", values), int(engine.bare(axis))
    shapes = [t.array.shape for t in tensors]
    n = len(shapes[0])
    if n == 0:
        raise errors.invalid(
            "ConcatV2", "ConcatOp : Can't concatenate scalars (use tf.stack instead)"
        )
    if not -n <= axis < n:
        raise errors.invalid(
            "ConcatV2",
            f"ConcatOp : Expected concatenating dimensions in the range [{-n}, {n}), "
            f"but got {axis}",
        )
    for i, s in enumerate(shapes):
        if len(s) != n or any([s[k] != shapes[0][k] for k in range(n) if k != axis % n]):
            raise errors.invalid(
                "ConcatV2",
                f"ConcatOp : Dimension {axis} in both shapes must be equal: shape[0] = "
                f"{errors.listed(shapes[0])} vs. shape[{i}] = {errors.listed(s)}",
            )
    return result(np.concatenate(tensors, axis))


def split(
    value: Any, num_or_size_splits: Any, axis: Any = 0, num: Any = None, name: str = "split"
) -> list[Tensor]:
    """Parts along an axis: a number of equal ones, or of the given lengths (one may be -1).

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> [t.numpy().tolist() for t in tf.split([1.0, 2.0, 3.0], [1, 2])]
    [[1.0], [2.0, 3.0]]
    """
    x, axis = operand(value), int(engine.bare(axis))
    axes_of("Split", axis, x.array.ndim)
    n = x.array.shape[axis]
    sizes = engine.bare(num_or_size_splits)
    if np.ndim(sizes) == 0:
        if n % int(sizes):
            raise errors.invalid(
                "Split",
                "Number of ways to split should evenly divide the split dimension, but got "
                f"split_dim {axis} (size = {n}) and num_split {int(sizes)}",
            )
        lengths = [n // int(sizes)] * int(sizes)
    else:
        lengths = [int(m) for m in sizes]
        if lengths.count(-1) == 1:
            lengths[lengths.index(-1)] = n - sum(lengths) - 1
    if sum(lengths) != n or min(lengths, default=0) < 0:
        raise errors.invalid(
            "SplitV", f"size_splits {lengths} must sum to {n}, the length of axis {axis}"
        )
    front = (slice(None),) * (axis % x.array.ndim)
    ends = np.cumsum(lengths).tolist()
    return [x[(*front, slice(end - m, end))] for m, end in zip(lengths, ends, strict=True)]


# Reordering -----------------------------------------------------------------------------------


def reverse(tensor: Any, axis: Any, name: str | None = None) -> Tensor:
    """The entries in reverse order along axes.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.reverse([1.0, 2.0], [0]).numpy()
    array([2., 1.], dtype=float32)
    """
    x = operand(tensor)
    return result(np.flip(x, axes_of("ReverseV2", axis, x.array.ndim)))


def roll(input: Any, shift: Any, axis: Any, name: str | None = None) -> Tensor:
    """The entries moved along an axis; those that fall off come in at the other end.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.roll([1.0, 2.0, 3.0], 1, 0).numpy()
    array([3., 1., 2.], dtype=float32)
    """
    x, by = operand(input), integers("Roll", shift, "Tshift")
    along = axes_of("Roll", axis, x.array.ndim) or ()
    return result(np.roll(x, by.tolist(), along if np.ndim(by) else along[0]))


def pad(
    tensor: Any, paddings: Any, mode: str = "CONSTANT", constant_values: Any = 0, name: Any = None
) -> Tensor:
    """With entries added at the ends of each axis; ``mode`` is CONSTANT, REFLECT or SYMMETRIC.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.pad([1.0, 2.0], [[1, 0]]).numpy()
    array([0., 1., 2.], dtype=float32)
    """
    x, widths = operand(tensor), np.asarray(engine.bare(paddings)).tolist()
    if mode.upper() not in ("CONSTANT", "REFLECT", "SYMMETRIC"):
        raise ValueError(
            f"Value of argument `mode` expected to be one of CONSTANT, REFLECT or SYMMETRIC. "
            f"Received `mode` = {mode}"
        )
    if mode.upper() == "CONSTANT":
        _, fill = together("PadV2", x, constant_values)
        if fill.array.ndim:
            raise errors.invalid(
                "PadV2", f"constant_values must be a scalar. Found: {errors.listed(fill.shape)}"
            )
        given = isinstance(constant_values, engine.Tensor)
        return result(np.pad(x, widths, constant_values=fill if given else fill.array))
    kind: Any = mode.lower()
    return result(np.pad(x, widths, mode=kind))


def meshgrid(*args: Any, indexing: str = "xy") -> list[Tensor]:
    """Coordinates of a grid, one tensor for each axis.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> [t.numpy().tolist() for t in tf.meshgrid([1, 2], [3])]
    [[[1, 2]], [[3, 3]]]
    """
    return [result(g) for g in np.meshgrid(*[operand(a) for a in args], indexing=indexing)]  # type: ignore[call-overload]
