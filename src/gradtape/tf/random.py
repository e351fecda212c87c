"""``tf.random``: random tensors. The numbers are NumPy's (PCG64), not TensorFlow's.

A seed gives the same numbers every time, but others than TensorFlow with the same seed.

Examples
--------
>>> import gradtape.tf as tf
>>> first = tf.random.stateless_normal([2], seed=[1, 2])
>>> bool(tf.reduce_all(first == tf.random.stateless_normal([2], seed=[1, 2])))
True
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gradtape import tensor as engine
from gradtape.tf.makers import shape_of
from gradtape.tf.missing import later, names
from gradtape.tf.tensors import Tensor, operand, result
from gradtape.tf.types import numpy_dtype

if TYPE_CHECKING:
    from gradtape.tf.generators import *  # noqa: F403

_LATER = {
    "generators": "Generator categorical fold_in gamma get_global_generator poisson "
    "set_global_generator split stateless_binomial stateless_categorical stateless_gamma "
    "stateless_normal stateless_poisson stateless_truncated_normal stateless_uniform",
}

__all__ = ["normal", "set_seed", "shuffle", "truncated_normal", "uniform"]
__all__ += names(_LATER)


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


def _floating(dtype: Any) -> Any:
    wanted = numpy_dtype(dtype)
    if wanted.kind != "f":
        raise TypeError(f"argument `dtype` must be floating, got {wanted.name}")
    return wanted


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
    wanted = _floating(dtype)
    draws = result(generator_of(seed).standard_normal(shape_of(shape)).astype(wanted))
    return result(draws * operand(stddev, wanted) + operand(mean, wanted))


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
    wanted, generator = _floating(dtype), generator_of(seed)
    draws = generator.standard_normal(shape_of(shape))
    while np.any(far := np.abs(draws) > 2):
        draws = np.where(far, generator.standard_normal(draws.shape), draws)
    return result(result(draws.astype(wanted)) * operand(stddev, wanted) + operand(mean, wanted))


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
        low, high = int(engine.bare(minval)), int(engine.bare(maxval))
        return result(generator.integers(low, high, shape_of(shape), wanted))
    wanted = _floating(wanted)
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


if not TYPE_CHECKING:
    __getattr__ = later(__name__, _LATER, __all__)
