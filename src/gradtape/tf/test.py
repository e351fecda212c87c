"""``tf.test``: derivatives compared with differences.

Examples
--------
>>> import gradtape.tf as tf
>>> theory, numbers = tf.test.compute_gradient(lambda x: x * x, [tf.constant([1.0, 2.0])])
>>> theory[0].tolist(), numbers[0].round(2).tolist()
([[2.0, 0.0], [0.0, 4.0]], [[2.0, 0.0], [0.0, 4.0]])
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from gradtape.tf.missing import missing
from gradtape.tf.tape import GradientTape
from gradtape.tf.tensors import Tensor, convert_to_tensor

__all__ = ["compute_gradient"]


def compute_gradient(
    f: Callable[..., Any], x: Any, delta: float | None = None
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The Jacobians of a function of real tensors: by the tape, and by central differences.

    Parameters
    ----------
    f : a function of as many tensors as there are in ``x``, with one tensor as its answer.
    x : the tensors at which the Jacobians are to be.
    delta : the step; by default 1/1024.

    Returns
    -------
    Two tuples of NumPy arrays, one for each tensor of ``x``: (entries of f(x), entries of it).
    """
    if not isinstance(x, (list, tuple)):
        raise ValueError(
            "`x` must be a list or tuple of values convertible to a Tensor (arguments to `f`), "
            f"not a {type(x)}"
        )
    xs = [convert_to_tensor(value) for value in x]
    step = 1.0 / 1024 if delta is None else delta
    with GradientTape(persistent=True) as tape:
        tape.watch(xs)
        y = convert_to_tensor(f(*xs))
    jacobians = tape.jacobian(y, xs, unconnected_gradients="zero")
    size = y.array.size
    theory = tuple(
        [j.numpy().reshape(size, t.array.size) for j, t in zip(jacobians, xs, strict=True)]
    )
    return theory, tuple([_differences(f, xs, i, step, size) for i in range(len(xs))])


def _differences(f: Callable[..., Any], xs: list[Tensor], i: int, step: float, size: int) -> Any:
    value = np.asarray(xs[i].array)
    columns = np.zeros((size, value.size), value.dtype)
    for k in range(value.size):
        ends = []
        for sign in (1, -1):
            moved = value.copy().reshape(-1)
            moved[k] += value.dtype.type(sign * step)
            at = Tensor(moved.reshape(value.shape) if value.ndim else moved[0])
            ends.append(convert_to_tensor(f(*xs[:i], at, *xs[i + 1 :])).numpy().reshape(-1))
        columns[:, k] = (ends[0] - ends[1]) / (2 * step)
    return columns


if not TYPE_CHECKING:  # a type checker knows by itself what is not here

    def __getattr__(name: str) -> Any:
        """Raise the error for a name that is not here, with the nearest that is."""
        raise missing(__name__, name, __all__)
