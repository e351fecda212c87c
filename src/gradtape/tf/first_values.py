"""Initializers: objects that make the first values of variables.

Examples
--------
>>> import gradtape.tf as tf
>>> tf.constant_initializer(3.0)([2]).numpy()
array([3., 3.], dtype=float32)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape.tf import draws
from gradtape.tf.conversion import array_of
from gradtape.tf.makers import ones, shape_of, zeros
from gradtape.tf.tensors import Tensor, result
from gradtape.tf.types import numpy_dtype

__all__ = [
    "constant_initializer",
    "ones_initializer",
    "random_normal_initializer",
    "random_uniform_initializer",
    "zeros_initializer",
]


class zeros_initializer:  # noqa: N801  (TensorFlow's name)
    """Makes zeros.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.Variable(tf.zeros_initializer()([2])).numpy()
    array([0., 0.], dtype=float32)
    """

    def __call__(self, shape: Any, dtype: Any = np.float32, **kwargs: Any) -> Tensor:
        """Make a tensor of a shape and dtype."""
        return zeros(shape, dtype)


class ones_initializer:  # noqa: N801
    """Makes ones.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.ones_initializer()([2]).numpy()
    array([1., 1.], dtype=float32)
    """

    def __call__(self, shape: Any, dtype: Any = np.float32, **kwargs: Any) -> Tensor:
        """Make a tensor of a shape and dtype."""
        return ones(shape, dtype)


class constant_initializer:  # noqa: N801
    """Makes tensors of one number, or of as many numbers as they have entries.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.constant_initializer([1.0, 2.0])([2]).numpy()
    array([1., 2.], dtype=float32)
    """

    def __init__(self, value: Any = 0, support_partition: bool = False) -> None:
        self.value = value

    def __call__(self, shape: Any, dtype: Any = np.float32, **kwargs: Any) -> Tensor:
        """Make a tensor of a shape and dtype."""
        wanted = shape_of(shape)
        array = np.asarray(array_of(self.value, numpy_dtype(dtype)))
        filled = np.full(wanted, array.item()) if array.size == 1 else array.reshape(wanted)
        return result(filled.astype(array.dtype))


class random_normal_initializer:  # noqa: N801
    """Makes normally distributed numbers.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.random_normal_initializer(stddev=0.1)([2, 3]).shape
    TensorShape([2, 3])
    """

    def __init__(self, mean: Any = 0.0, stddev: Any = 0.05, seed: Any = None) -> None:
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def __call__(self, shape: Any, dtype: Any = np.float32, **kwargs: Any) -> Tensor:
        """Make a tensor of a shape and dtype."""
        return draws.normal(shape, self.mean, self.stddev, dtype, self.seed)


class random_uniform_initializer:  # noqa: N801
    """Makes numbers that are equally likely between two bounds.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.random_uniform_initializer(-1.0, 1.0)([2, 3]).shape
    TensorShape([2, 3])
    """

    def __init__(self, minval: Any = -0.05, maxval: Any = 0.05, seed: Any = None) -> None:
        self.minval, self.maxval, self.seed = minval, maxval, seed

    def __call__(self, shape: Any, dtype: Any = np.float32, **kwargs: Any) -> Tensor:
        """Make a tensor of a shape and dtype."""
        return draws.uniform(shape, self.minval, self.maxval, dtype, self.seed)
