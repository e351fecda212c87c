"""TensorSpec: what a tensor is to look like."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape.tf.tensors import operand
from gradtape.tf.types import as_dtype

__all__ = ["TensorSpec"]


class TensorSpec:
    """A shape and a dtype, as ``tf.function``'s ``input_signature`` has them (without effect here).

    Attributes
    ----------
    shape : the lengths of the axes, None for any; or None for any shape.
    dtype, name : as given.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> spec = tf.TensorSpec([None, 2], tf.float32)
    >>> spec, spec.is_compatible_with(tf.ones([5, 2]))
    (TensorSpec(shape=(None, 2), dtype=tf.float32, name=None), True)
    """

    __slots__ = ("dtype", "name", "shape")

    def __init__(self, shape: Any, dtype: Any = np.float32, name: str | None = None) -> None:
        lengths = None if shape is None else [None if n is None else int(n) for n in shape]
        self.shape: tuple[int | None, ...] | None = None if lengths is None else tuple(lengths)
        self.dtype, self.name = as_dtype(dtype), name

    @classmethod
    def from_tensor(cls, tensor: Any, name: str | None = None) -> TensorSpec:
        """What a tensor looks like."""
        array = operand(tensor).array
        return cls(array.shape, array.dtype, name)

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        """Whether a tensor, or another spec, may look so."""
        other = spec_or_value
        if not isinstance(other, TensorSpec):
            other = TensorSpec.from_tensor(other)
        if self.dtype != other.dtype:
            return False
        if self.shape is None or other.shape is None:
            return True
        return len(self.shape) == len(other.shape) and all(
            [None in (m, n) or m == n for m, n in zip(self.shape, other.shape, strict=True)]
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TensorSpec) and repr(self) == repr(other)

    def __hash__(self) -> int:
        return hash(repr(self))

    def __repr__(self) -> str:
        shape = "<unknown>" if self.shape is None else str(self.shape)
        return f"TensorSpec(shape={shape}, dtype={self.dtype!r}, name={self.name!r})"
