"""``keras.utils``: seeds, and labels as rows.

Examples
--------
>>> from gradtape.tf import keras
>>> keras.utils.to_categorical([0, 2], 3)
array([[1., 0., 0.],
       [0., 0., 1.]])
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from gradtape.tf.draws import set_seed

__all__ = ["set_random_seed", "to_categorical"]


def set_random_seed(seed: int) -> None:
    """Start Python's, NumPy's and ``tf.random``'s generators anew."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  (what Keras seeds)
    set_seed(seed)


def to_categorical(x: Any, num_classes: int | None = None) -> np.ndarray[Any, Any]:
    """Class numbers as rows with a 1 in the class's place: a NumPy array, as in Keras."""
    labels = np.asarray(x, np.int64)
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    count = num_classes or (int(labels.max()) + 1 if labels.size else 0)
    return np.eye(count)[labels]
