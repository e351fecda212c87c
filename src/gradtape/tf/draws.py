"""The plain distributions of ``tf.random``, and the generator that they draw from."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape.tf import errors
from gradtape.tf.makers import shape_of
from gradtape.tf.tensors import Tensor, operand, result
from gradtape.tf.types import numpy_dtype

__all__ = ["generator_of", "normal", "set_seed", "shuffle", "truncated_normal", "uniform"]


class _Common:
    """The generator that all calls without a seed of their own share, made when first needed."""

    generator: np.random.Generator | None = None


def set_seed(seed: int) -> None:
    """Start the common generator anew, so that what follows can be repeated.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.random.set_seed(42)
    >>> first = tf.random.normal([2])
    >>> tf.random.set_seed(42)
    >>> bool(tf.reduce_all(first == tf.random.normal([2])))
    True
    """
    _Common.generator = np.random.default_rng(seed)


def generator_of(seed: Any) -> np.random.Generator:
    """NumPy's generator of a seed, a generator as it is, or for None the common one."""
    if isinstance(seed, np.random.Generator):
        return seed
    if seed is not None:
        return np.random.default_rng(seed)
    if _Common.generator is None:
        _Common.generator = np.random.default_rng()
    return _Common.generator


def floating_dtype(dtype: Any) -> Any:
    """NumPy's dtype of a ``dtype`` argument that must be a floating one."""
    wanted = numpy_dtype(dtype)
    if wanted.kind != "f":
        raise TypeError(f"argument `dtype` must be floating, got {wanted.name}")
    return wanted


def _placed(draws: Any, wanted: Any, mean: Any, stddev: Any) -> Tensor:
    """Standard draws in the dtype wanted, around a mean, as far as a deviation says."""
    standard = result(draws.astype(wanted))
    return result(standard * operand(stddev, wanted) + operand(mean, wanted))


def normal(
    shape: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = np.float32,
    seed: Any = None,
    name: str | None = None,
) -> Tensor:
    """Normally distributed numbers; a gradient goes back to ``mean`` and ``stddev``.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.random.normal([2, 3]).shape
    TensorShape([2, 3])
    """
    wanted = floating_dtype(dtype)
    draws = generator_of(seed).standard_normal(shape_of(shape))
    return _placed(np.asarray(draws), wanted, mean, stddev)


def truncated_normal(
    shape: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = np.float32,
    seed: Any = None,
    name: str | None = None,
) -> Tensor:
    """The same, but drawn again where they lie more than two deviations from the mean.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> bool(tf.reduce_max(tf.abs(tf.random.truncated_normal([1000]))) <= 2.0)
    True
    """
    wanted, generator = floating_dtype(dtype), generator_of(seed)
    draws = generator.standard_normal(shape_of(shape))
    while np.any(far := np.abs(draws) > 2):
        draws = np.where(far, generator.standard_normal(draws.shape), draws)
    return _placed(np.asarray(draws), wanted, mean, stddev)


def uniform(
    shape: Any,
    minval: Any = 0,
    maxval: Any = None,
    dtype: Any = np.float32,
    seed: Any = None,
    name: str | None = None,
) -> Tensor:
    """Numbers that are equally likely between ``minval`` and ``maxval`` (not included).

    Raises
    ------
    ValueError : integers without ``maxval``.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.random.uniform([2], maxval=10, dtype=tf.int32).dtype
    tf.int32
    """
    wanted, generator = numpy_dtype(dtype), generator_of(seed)
    if wanted.kind in "iu":
        if maxval is None:
            raise ValueError(f"Must specify maxval for integer dtype {wanted.name}")
        low, high = (int(operand(value, wanted).array) for value in (minval, maxval))
        if low >= high:
            raise errors.invalid("RandomUniformInt", f"Need minval < maxval, got {low} >= {high}")
        return result(generator.integers(low, high, shape_of(shape), wanted))
    wanted = floating_dtype(wanted)
    low, high = operand(minval, wanted), operand(1 if maxval is None else maxval, wanted)
    narrow = np.float32 if wanted.itemsize < 8 else np.float64  # a float64 could be rounded up to 1
    draws = result(generator.random(shape_of(shape), narrow).astype(wanted))
    return result(draws * (high - low) + low)


def shuffle(value: Any, seed: Any = None, name: str | None = None) -> Tensor:
    """The slices along the first axis in random order; a gradient finds its way back.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> sorted(tf.random.shuffle([1.0, 2.0, 3.0]).numpy().tolist())
    [1.0, 2.0, 3.0]
    """
    x = operand(value)
    return result(np.take(x, generator_of(seed).permutation(len(x)), 0))
