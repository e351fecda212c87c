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

from typing import TYPE_CHECKING

from gradtape.tf.draws import normal, set_seed, shuffle, truncated_normal, uniform
from gradtape.tf.missing import later, names

if TYPE_CHECKING:
    from gradtape.tf.generators import *  # noqa: F403

_LATER = {
    "generators": "Generator categorical fold_in gamma get_global_generator poisson "
    "set_global_generator split stateless_binomial stateless_categorical stateless_gamma "
    "stateless_normal stateless_poisson stateless_truncated_normal stateless_uniform",
}

__all__ = ["normal", "set_seed", "shuffle", "truncated_normal", "uniform"]
__all__ += names(_LATER)


if not TYPE_CHECKING:
    __getattr__ = later(__name__, _LATER, __all__)
