"""``keras``: the little of it that goes with a training loop written by hand.

``optimizers``, ``losses``, ``activations``, ``backend`` and ``utils``; each is loaded when it is
first used. There are no layers and no models.

Examples
--------
>>> import gradtape.tf as tf
>>> from gradtape.tf import keras
>>> w = tf.Variable([1.0, 2.0])
>>> optimizer = keras.optimizers.SGD(learning_rate=0.1)
>>> with tf.GradientTape() as tape:
...     loss = keras.losses.mean_squared_error([0.0, 0.0], w)
>>> optimizer.apply_gradients([(tape.gradient(loss, w), w)])
>>> w.numpy()
array([0.9, 1.8], dtype=float32)
"""

import importlib as _importlib
from typing import TYPE_CHECKING
from typing import Any as _Any

from gradtape.tf.missing import missing as _missing

__all__ = ["activations", "backend", "losses", "optimizers", "utils"]

_NOT_HERE = {"Input", "Model", "Sequential", "applications", "callbacks", "layers", "models"}
_BY_HAND = """. gradtape has no layers and models; write the loop by hand:
    w = tf.Variable(tf.random.normal([8, 1], stddev=0.1)); b = tf.Variable(tf.zeros([1]))
    optimizer = keras.optimizers.Adam()
    for x, y in batches:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(keras.losses.mean_squared_error(y, x @ w + b))
        optimizer.apply_gradients(zip(tape.gradient(loss, [w, b]), [w, b]))"""


if TYPE_CHECKING:
    from gradtape.tf.keras import activations, backend, losses, optimizers, utils
else:

    def __getattr__(name: str) -> _Any:
        """A part of this namespace, loaded now; or the error for what is not here."""
        if name in __all__:
            return _importlib.import_module(f"{__name__}.{name}")
        if name in _NOT_HERE:
            raise _missing(__name__, name, (), _BY_HAND)
        if name == "datasets":
            raise _missing(__name__, name, (), "; use gradtape.datasets.california_housing()")
        raise _missing(__name__, name, __all__)


def __dir__() -> list[str]:
    return list(__all__)
