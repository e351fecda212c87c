"""The few names of TensorFlow that are about running rather than computing."""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["executing_eagerly", "print"]


def executing_eagerly() -> bool:
    """Whether operations are computed at once: always.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.executing_eagerly()
    True
    """
    return True


def print(*inputs: Any, output_stream: Any = None, sep: str = " ", end: str = "\n") -> None:
    """Print values; of tensors just the entries. TensorFlow writes to stderr, and so does this.

    Examples
    --------
    >>> import sys, gradtape.tf as tf
    >>> tf.print("loss:", tf.constant([1.0, 2.0]), output_stream=sys.stdout)
    loss: [1. 2.]
    """
    stream = sys.stderr if output_stream is None else output_stream
    stream.write(sep.join([f"{value}" for value in inputs]) + end)
