"""``keras.activations``: functions to put between layers.

Examples
--------
>>> from gradtape.tf import keras
>>> keras.activations.get("relu")([-1.0, 2.0]).numpy()
array([0., 2.], dtype=float32)
"""

from typing import Any

from gradtape.tf.elementwise import exp as exponential
from gradtape.tf.elementwise import sigmoid, softplus, tanh
from gradtape.tf.nn import (
    elu,
    gelu,
    leaky_relu,
    log_softmax,
    relu,
    relu6,
    selu,
    silu,
    softmax,
    softsign,
    swish,
)
from gradtape.tf.tensors import Tensor, convert_to_tensor

__all__ = [
    "elu",
    "exponential",
    "gelu",
    "get",
    "leaky_relu",
    "linear",
    "log_softmax",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "swish",
    "tanh",
]


def linear(x: Any) -> Tensor:
    """The value itself."""
    return convert_to_tensor(x)


def get(identifier: Any) -> Any:
    """The function that a name means; None is ``linear``, a function is given back.

    Raises
    ------
    ValueError : there is none of this name.
    """
    if identifier is None:
        return linear
    if callable(identifier):
        return identifier
    if identifier not in __all__ or identifier == "get":
        names = [name for name in __all__ if name != "get"]
        raise ValueError(
            f"keras.activations.get: no activation {identifier!r}; there are {', '.join(names)}"
        )
    return globals()[identifier]
