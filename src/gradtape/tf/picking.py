"""Choosing entries: by a condition, by position, by order."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from gradtape import tensor as engine
from gradtape.tf import errors
from gradtape.tf.elementwise import cast, together
from gradtape.tf.reductions import axes_of
from gradtape.tf.tensors import Tensor, integers, operand, result


def sort(
    values: Any, axis: int = -1, direction: str = "ASCENDING", name: str | None = None
) -> Tensor:
    """The entries in order along an axis; equal ones stay as they came.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.sort([3.0, 1.0], direction="DESCENDING").numpy()
    array([3., 1.], dtype=float32)
    """
    x = operand(values)
    return result(np.take_along_axis(x, _order(x.array, axis, direction), axis))


def argsort(
    values: Any,
    axis: int = -1,
    direction: str = "ASCENDING",
    stable: bool = False,
    name: Any = None,
) -> Tensor:
    """The positions of the entries in order along an axis.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.argsort([3.0, 1.0, 2.0]).numpy()
    array([1, 2, 0], dtype=int32)
    """
    return result(_order(operand(values).array, axis, direction).astype(np.int32))


def _order(array: Any, axis: int, direction: str) -> Any:
    if array.dtype.kind in "bc":
        raise errors.not_allowed("TopKV2", array.dtype, errors.ORDERED)
    if direction not in ("ASCENDING", "DESCENDING"):
        raise ValueError(f"Argument `direction` must be ASCENDING or DESCENDING, got {direction!r}")
    if direction == "ASCENDING":
        return np.argsort(array, axis, kind="stable")
    n = array.shape[axis]
    return n - 1 - np.flip(np.argsort(np.flip(array, axis), axis, kind="stable"), axis)


class TopKV2(NamedTuple):
    """What ``top_k`` answers."""

    values: Tensor
    indices: Tensor


def top_k(
    input: Any, k: Any = 1, sorted: bool = True, index_type: Any = np.int32, name: Any = None
) -> TopKV2:
    """The k greatest entries along the last axis, and their positions; a tie goes to the first.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> values, positions = tf.math.top_k([1.0, 3.0, 3.0], k=2)
    >>> values.numpy(), positions.numpy()
    (array([3., 3.], dtype=float32), array([1, 2], dtype=int32))
    """
    x, k = operand(input), int(engine.bare(k))
    if not x.array.ndim or not 0 <= k <= x.array.shape[-1]:
        raise errors.invalid("TopKV2", f"input must have at least k={k} columns, got {x.shape}")
    positions = _order(x.array, -1, "DESCENDING")[..., :k]
    return TopKV2(result(np.take_along_axis(x, positions, -1)), cast(positions, index_type))


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Tensor:
    """Entries of x where the condition holds, of y elsewhere; or the positions where it holds.

    A branch that is not taken gets a zero cotangent, and as in TensorFlow that becomes NaN where
    the branch has an infinite slope. Under ``gradtape`` itself it stays zero.

    Parameters
    ----------
    condition : truth values.
    x, y : both or neither; the three broadcast.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.where([True, False], 1.0, 0.0).numpy()
    array([1., 0.], dtype=float32)
    >>> tf.where([True, False, True]).numpy()
    array([[0],
           [2]])
    """
    if x is None and y is None:
        return result(np.argwhere(operand(condition).array))
    if x is None or y is None:
        raise ValueError("x and y must both be non-None or both be None.")
    chosen = operand(condition, None if isinstance(condition, engine.Tensor) else np.bool_).array
    if chosen.dtype.kind != "b":
        raise errors.no_truth("SelectV2", chosen.dtype)
    try:
        x, y = together("SelectV2", x, y)
    except errors.InvalidArgumentError:
        raise errors.mismatch("SelectV2", x.array.dtype, y.array.dtype, 2) from None
    try:
        return result(np.where(chosen, x, y))
    except ValueError:
        raise errors.incompatible("SelectV2", x.array.shape, y.array.shape) from None


def gather(
    params: Any,
    indices: Any,
    validate_indices: Any = None,
    axis: Any = None,
    batch_dims: int = 0,
    name: str | None = None,
) -> Tensor:
    """Slices at the given positions along an axis.

    Parameters
    ----------
    params, indices : the tensor, and the positions.
    axis : which axis they are along; by default the one behind the batch axes.
    batch_dims : how many axes in front the two have in common; each sample has its own positions.

    Raises
    ------
    InvalidArgumentError : a position lies outside.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.gather([10.0, 20.0, 30.0], [2, 0, 2]).numpy()
    array([30., 10., 30.], dtype=float32)
    """
    x, positions = operand(params), integers("GatherV2", indices)
    batch = _batch("GatherV2", batch_dims, x.array.shape, positions.shape)
    axis = batch if axis is None else int(engine.bare(axis))
    axes_of("GatherV2", axis, x.array.ndim)
    n = x.array.shape[axis]
    outside = (positions < 0) | (positions >= n)
    if np.any(outside):
        at = [int(k) for k in np.argwhere(outside)[0]]
        place = f"indices{errors.listed(at)}" if at else "indices"
        raise errors.invalid(
            "GatherV2", f"{place} = {np.asarray(positions)[tuple(at)]} is not in [0, {n})"
        )
    if not batch:
        return result(np.take(x, positions, axis))
    axis %= x.array.ndim
    if axis < batch:
        raise ValueError(f"batch_dims = {batch} must be less than or equal to axis = {axis}")
    samples = np.ix_(*[np.arange(m) for m in x.array.shape[:batch]])
    samples = tuple([s.reshape((*s.shape, *[1] * (positions.ndim - batch))) for s in samples])
    picked: Any = engine.Tensor.__getitem__(np.moveaxis(x, axis, batch), (*samples, positions))
    own = range(batch, positions.ndim)  # the axes of positions stand behind the batch axes now
    return result(np.moveaxis(picked, own, [axis + i for i in range(len(own))]))


def _batch(op: str, batch_dims: Any, shape: Any, positions: Any) -> int:
    """The number of batch axes, in which both shapes must agree."""
    batch = int(batch_dims) % (len(positions) + 1) if batch_dims < 0 else int(batch_dims)
    if batch > min(len(shape), len(positions)) or shape[:batch] != positions[:batch]:
        raise errors.invalid(
            op,
            f"params.shape {errors.listed(shape)} and indices.shape {errors.listed(positions)} "
            f"must agree in their first {batch} axes",
        )
    return batch


def gather_nd(params: Any, indices: Any, batch_dims: int = 0, name: str | None = None) -> Tensor:
    """Slices at positions given by several indices each, in the last axis of ``indices``.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.gather_nd([[1.0, 2.0], [3.0, 4.0]], [[0, 1], [1, 0]]).numpy()
    array([2., 3.], dtype=float32)
    """
    x, positions = operand(params), integers("GatherNd", indices)
    batch = _batch("GatherNd", batch_dims, x.array.shape, positions.shape[:-1])
    if batch:  # the number of the sample goes before the indices
        places = np.indices(positions.shape[:-1])[:batch]
        positions = np.concatenate([np.moveaxis(places, 0, -1), positions], -1)
    shape = x.array.shape[: positions.shape[-1]]
    if np.any((positions < 0) | (positions >= np.array(shape, int))):
        raise errors.invalid(
            "GatherNd", f"indices do not all lie within the shape {errors.listed(shape)}"
        )
    return result(engine.Tensor.__getitem__(x, tuple(np.moveaxis(positions, -1, 0))))


def boolean_mask(tensor: Any, mask: Any, axis: Any = None, name: str = "boolean_mask") -> Tensor:
    """The slices at which a mask is true.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.boolean_mask([1.0, 2.0, 3.0], [True, False, True]).numpy()
    array([1., 3.], dtype=float32)
    """
    x, chosen = operand(tensor), operand(mask).array != 0
    first = 0 if axis is None else int(engine.bare(axis)) % x.array.ndim
    covered = x.array.shape[first : first + chosen.ndim]
    if chosen.ndim == 0:
        raise ValueError("mask cannot be scalar.")
    if covered != chosen.shape:
        raise ValueError(f"Shapes {covered} and {chosen.shape} are incompatible")
    return x[(*[slice(None)] * first, chosen)]  # type: ignore[no-any-return]
