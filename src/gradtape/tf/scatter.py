"""Writing at positions: scattered updates, and parts put together.

Examples
--------
>>> import gradtape.tf as tf
>>> tf.tensor_scatter_nd_update([1.0, 2.0, 3.0], [[1]], [9.0]).numpy()
array([1., 9., 3.], dtype=float32)
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from gradtape import tensor as engine
from gradtape.derivatives.primitives import scatter_add
from gradtape.tf import errors
from gradtape.tf.elementwise import together
from gradtape.tf.makers import shape_of
from gradtape.tf.segments import extreme
from gradtape.tf.tensors import Tensor, integers, operand, result

__all__ = [
    "dynamic_partition",
    "dynamic_stitch",
    "scatter_nd",
    "tensor_scatter_nd_add",
    "tensor_scatter_nd_max",
    "tensor_scatter_nd_min",
    "tensor_scatter_nd_sub",
    "tensor_scatter_nd_update",
]


def positions_of(op: str, indices: Any, shape: tuple[int, ...]) -> Any:
    """Where the entries of the slices lie in the flattened tensor.

    Parameters
    ----------
    indices : integers (..., k): the place of a slice by the first k axes.

    Returns
    -------
    Integers of the shape (..., *shape[k:]).
    """
    places = integers(op, indices)
    if places.ndim < 1 or places.shape[-1] > len(shape):
        raise errors.invalid(
            op,
            f"the last axis of `indices` must have at most {len(shape)} entries, as many as the "
            f"tensor has axes; got indices of shape {errors.listed(places.shape)}",
        )
    k = places.shape[-1]
    lengths, rest = np.array(shape[:k], np.int64), shape[k:]
    outside = np.any((places < 0) | (places >= lengths), axis=-1)
    if np.any(outside):
        at = tuple([int(i) for i in np.argwhere(outside)[0]])
        raise errors.invalid(
            op,
            f"indices{errors.listed(at) if at else ''} = {errors.listed(places[at].tolist())} does "
            f"not index into shape {errors.listed(shape)}",
        )
    steps = [prod(shape[i + 1 :]) for i in range(k)]
    first = (
        places.astype(np.int64) @ np.array(steps, np.int64) if k else np.zeros(places.shape[:-1])
    )
    inner = np.arange(prod(rest)).reshape(rest)
    return first.astype(np.intp).reshape((*first.shape, *[1] * len(rest))) + inner


def _updates(op: str, updates: Any, positions: Any) -> Any:
    """The updates, one for each position."""
    if updates.array.shape != positions.shape:
        raise errors.invalid(
            op,
            f"updates must have the shape {errors.listed(positions.shape)}, got "
            f"{errors.listed(updates.array.shape)}",
        )
    return updates


def scatter_nd(indices: Any, updates: Any, shape: Any, name: str | None = None) -> Tensor:
    """Slices at positions of a tensor of zeros; where several meet, their sum.

    Parameters
    ----------
    indices : (..., k): the positions by the first k axes.
    updates : (..., *shape[k:]): what stands there.
    shape : the shape of the answer.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.scatter_nd([[0], [2], [2]], [1.0, 2.0, 3.0], [4]).numpy()
    array([1., 0., 5., 0.], dtype=float32)
    """
    wanted = shape_of(shape)
    positions = positions_of("ScatterNd", indices, wanted)
    new = _updates("ScatterNd", operand(updates), positions)
    return result(scatter_add(new, shape=wanted, positions=positions))


def _scattered(op: str, tensor: Any, indices: Any, updates: Any) -> tuple[Any, Any, Any]:
    x, new = together(op, tensor, updates)
    positions = positions_of(op, indices, x.array.shape)
    return x, _updates(op, new, positions), positions


def tensor_scatter_nd_add(
    tensor: Any, indices: Any, updates: Any, name: str | None = None
) -> Tensor:
    """A tensor with slices added at positions; see ``scatter_nd``.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.tensor_scatter_nd_add([1.0, 2.0], [[1], [1]], [10.0, 20.0]).numpy()
    array([ 1., 32.], dtype=float32)
    """
    x, new, positions = _scattered("TensorScatterAdd", tensor, indices, updates)
    return result(x + scatter_add(new, shape=x.array.shape, positions=positions))


def tensor_scatter_nd_sub(
    tensor: Any, indices: Any, updates: Any, name: str | None = None
) -> Tensor:
    """A tensor with slices subtracted at positions; see ``scatter_nd``.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.tensor_scatter_nd_sub([1.0, 2.0], [[1]], [10.0]).numpy()
    array([ 1., -8.], dtype=float32)
    """
    x, new, positions = _scattered("TensorScatterSub", tensor, indices, updates)
    return result(x - scatter_add(new, shape=x.array.shape, positions=positions))


def tensor_scatter_nd_update(
    tensor: Any, indices: Any, updates: Any, name: str | None = None
) -> Tensor:
    """A tensor with other slices at positions.

    Where several updates meet, the last one counts, and it alone gets a gradient. (TensorFlow
    leaves open which counts, and sends the gradient to all.)

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.tensor_scatter_nd_update([[1.0, 2.0], [3.0, 4.0]], [[0]], [[8.0, 9.0]]).numpy()
    array([[8., 9.],
           [3., 4.]], dtype=float32)
    """
    x, new, positions = _scattered("TensorScatterUpdate", tensor, indices, updates)
    size = x.array.size
    source = np.arange(size)
    source[positions.reshape(-1)] = size + np.arange(positions.size)
    both = np.concatenate([np.reshape(x, (-1,)), np.reshape(new, (-1,))])
    return result(np.reshape(np.take(both, source), x.array.shape))


def _extreme(name: str, op: str, word: str, greatest: bool) -> Callable[..., Tensor]:
    def function(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Tensor:
        x, new, positions = _scattered(op, tensor, indices, updates)
        size = x.array.size
        both = np.concatenate([np.reshape(x, (-1,)), np.reshape(new, (-1,))])
        places = np.concatenate([np.arange(size), positions.reshape(-1)])
        out = extreme(both, positions=places, size=size, empty=0, greatest=greatest)
        return result(np.reshape(out, x.array.shape))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = (
        f"The {word} of a tensor's entries and updates at positions; ties share the gradient "
        "equally.\n\nThe arguments are those of ``tensor_scatter_nd_add``."
    )
    return function


tensor_scatter_nd_max = _extreme("tensor_scatter_nd_max", "TensorScatterMax", "greater", True)
tensor_scatter_nd_min = _extreme("tensor_scatter_nd_min", "TensorScatterMin", "lesser", False)


def dynamic_partition(
    data: Any, partitions: Any, num_partitions: int, name: str | None = None
) -> list[Tensor]:
    """The slices sorted into several tensors, by the number of the one each belongs to.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> [t.numpy().tolist() for t in tf.dynamic_partition([1.0, 2.0, 3.0], [0, 1, 0], 2)]
    [[1.0, 3.0], [2.0]]
    """
    x, parts = operand(data), integers("DynamicPartition", partitions)
    if x.array.shape[: parts.ndim] != parts.shape:
        raise errors.invalid(
            "DynamicPartition",
            f"data.shape must start with partitions.shape, got data.shape = "
            f"{errors.listed(x.array.shape)}, partitions.shape = {errors.listed(parts.shape)}",
        )
    if np.any((parts < 0) | (parts >= num_partitions)):
        raise errors.invalid(
            "DynamicPartition", f"partitions do not all lie in [0, {num_partitions})"
        )
    flat = np.reshape(x, (parts.size, *x.array.shape[parts.ndim :]))
    numbers = parts.reshape(-1)
    return [result(np.take(flat, np.flatnonzero(numbers == i), 0)) for i in range(num_partitions)]


def dynamic_stitch(indices: Any, data: Any, name: str | None = None) -> Tensor:
    """Slices of several tensors in the order that ``indices`` says; a later one wins.

    Places that no index names hold zeros.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.dynamic_stitch([[0, 2], [1]], [[1.0, 3.0], [2.0]]).numpy()
    array([1., 2., 3.], dtype=float32)
    """
    places: list[Any] = []
    slices: list[Any] = []
    rest: Any = None
    for index, value in zip(indices, data, strict=True):
        at = integers("DynamicStitch", index)
        x = together("DynamicStitch", slices[0], value)[1] if slices else operand(value)
        if x.array.shape[: at.ndim] != at.shape or rest not in (None, x.array.shape[at.ndim :]):
            raise errors.invalid(
                "DynamicStitch",
                f"data of shape {errors.listed(x.array.shape)} does not go with indices of shape "
                f"{errors.listed(at.shape)}, or with the data before",
            )
        rest = x.array.shape[at.ndim :]
        places.append(at.reshape(-1))
        slices.append(np.reshape(x, (at.size, *rest)))
    order = np.concatenate(places)
    size = int(order.max()) + 1 if order.size else 0
    dtype = engine.bare(slices[0]).dtype
    source = np.full(size, len(order))
    source[order] = np.arange(len(order))
    return result(np.take(np.concatenate([*slices, np.zeros((1, *rest), dtype)]), source, 0))
