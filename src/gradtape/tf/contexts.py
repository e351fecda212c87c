"""Names of TensorFlow that are about graphs and devices. Here they have no effect.

Examples
--------
>>> import gradtape.tf as tf
>>> with tf.name_scope("layer"), tf.device("CPU:0"):
...     y = tf.constant(1.0) + 1.0
>>> y.numpy()
np.float32(2.0)
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from gradtape.tf.nest import map_structure
from gradtape.tf.tensors import Tensor, convert_to_tensor, identity, operand, result

__all__ = [
    "control_dependencies",
    "device",
    "get_static_value",
    "group",
    "guarantee_const",
    "init_scope",
    "inside_function",
    "is_symbolic_tensor",
    "name_scope",
    "no_op",
    "numpy_function",
    "py_function",
    "timestamp",
    "tuple",
]


class name_scope:  # noqa: N801  (TensorFlow's name)
    """A context without effect: there is no graph whose parts could have names."""

    def __init__(self, name: str) -> None:
        if not isinstance(name, str):
            raise ValueError("name for name_scope must be a string.")
        self.name = name

    def __enter__(self) -> str:
        return f"{self.name}/" if self.name else ""

    def __exit__(self, *details: Any) -> None:
        return None


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def device(device_name: Any) -> Any:
    """A context without effect: everything is computed by NumPy."""
    return _nothing()


def control_dependencies(control_inputs: Any) -> Any:
    """A context without effect: everything is computed in the order of the program."""
    return _nothing()


def init_scope() -> Any:
    """A context without effect: there is no graph to step out of."""
    return _nothing()


def no_op(name: str | None = None) -> None:
    """Nothing."""


def group(*inputs: Any, **kwargs: Any) -> None:
    """Nothing: what it is given was computed already."""


def tuple(tensors: Any, control_inputs: Any = None, name: str | None = None) -> list[Any]:
    """The tensors as new ones; None stays None.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> [t.numpy().item() for t in tf.tuple([1.0, 2.0])]
    [1.0, 2.0]
    """
    return [None if t is None else identity(t) for t in tensors]


def inside_function() -> bool:
    """Whether a graph is being made: never."""
    return False


def is_symbolic_tensor(tensor: Any) -> bool:
    """Whether something is a tensor without a value: never."""
    return False


def guarantee_const(input: Any, name: str | None = None) -> Tensor:
    """The tensor itself."""
    return identity(input)


def get_static_value(tensor: Any, partial: bool = False) -> Any:
    """The value as a NumPy array.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.get_static_value(tf.constant([1.0, 2.0]))
    array([1., 2.], dtype=float32)
    """
    return np.array(operand(tensor).array)


def timestamp(name: str | None = None) -> Tensor:
    """The seconds since 1970 as a float64."""
    return result(np.float64(time.time()))


def numpy_function(
    func: Any = None, inp: Any = None, Tout: Any = None, stateful: bool = True, name: Any = None
) -> Any:
    """Call a function on NumPy arrays; as in TensorFlow, no gradient comes through.

    Examples
    --------
    >>> import numpy as np, gradtape.tf as tf
    >>> tf.numpy_function(np.sinh, [tf.constant(0.0)], tf.float32).numpy()
    np.float32(0.0)
    """
    tensors = [operand(x) for x in inp or []]
    answer = func(*[np.asarray(t.array) for t in tensors])
    return map_structure(convert_to_tensor, answer)


def py_function(func: Any = None, inp: Any = None, Tout: Any = None, name: Any = None) -> Any:
    """Call a function on tensors; gradients come through.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.py_function(lambda x: x * x, [tf.constant(3.0)], tf.float32).numpy()
    np.float32(9.0)
    """
    return map_structure(convert_to_tensor, func(*[convert_to_tensor(x) for x in inp or []]))
