"""TensorArray: a list of tensors that loops write into."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape import tensor as engine
from gradtape.tf import errors
from gradtape.tf.arrays import concat, split, stack, unstack
from gradtape.tf.shape import TensorShape
from gradtape.tf.tensors import Tensor, operand, result
from gradtape.tf.types import DType, as_dtype

__all__ = ["TensorArray"]


class TensorArray:
    """A list of tensors of one dtype, written and read by position; gradients go through.

    Parameters
    ----------
    dtype : of all its tensors.
    size : how many there are at first.
    dynamic_size : whether writing behind the end makes it longer.
    element_shape : the shape of each, which places that were not written hold zeros of.
    The other arguments are accepted for TensorFlow's sake; no effect.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> array = tf.TensorArray(tf.float32, size=2)
    >>> for i in range(2):
    ...     array = array.write(i, float(i))
    >>> array.stack().numpy()
    array([0., 1.], dtype=float32)
    """

    def __init__(
        self,
        dtype: Any,
        size: Any = None,
        dynamic_size: Any = None,
        clear_after_read: Any = None,
        tensor_array_name: Any = None,
        handle: Any = None,
        flow: Any = None,
        infer_shape: bool = True,
        element_shape: Any = None,
        colocate_with_first_write_call: bool = True,
        name: str | None = None,
    ) -> None:
        self._dtype = as_dtype(dtype)
        self._dynamic = bool(dynamic_size)
        self._parts: list[Any] = [None] * int(engine.bare(0 if size is None else size))
        self._shape = None if element_shape is None else tuple(element_shape)

    @property
    def dtype(self) -> DType:
        """The dtype of its tensors."""
        return self._dtype

    @property
    def dynamic_size(self) -> bool:
        """Whether writing behind the end makes it longer."""
        return self._dynamic

    @property
    def element_shape(self) -> Any:
        """The shape of each tensor, if it is known; else None."""
        known = [p.array.shape for p in self._parts if p is not None]
        shape = known[0] if known else self._shape
        return None if shape is None else TensorShape(shape)

    def size(self, name: str | None = None) -> Tensor:
        """How many there are."""
        return result(np.int32(len(self._parts)))

    def __len__(self) -> int:
        return len(self._parts)

    def write(self, index: Any, value: Any, name: str | None = None) -> TensorArray:
        """Put a tensor at a position; the answer is to be used in place of the array."""
        i = int(engine.bare(index))
        if i < 0 or (i >= len(self._parts) and not self._dynamic):
            raise errors.invalid(
                "TensorArrayWriteV3",
                f"Tried to write to index {i} but array is not resizeable and size is: "
                f"{len(self._parts)}",
            )
        self._parts += [None] * (i + 1 - len(self._parts))
        self._parts[i] = operand(value, self._dtype.dtype)
        return self

    def read(self, index: Any, name: str | None = None) -> Tensor:
        """The tensor at a position."""
        i = int(engine.bare(index))
        if not 0 <= i < len(self._parts):
            raise errors.invalid(
                "TensorArrayReadV3",
                f"Tried to read from index {i} but array size is: {len(self._parts)}",
            )
        return result(self._filled(self._parts[i], i))

    def _filled(self, part: Any, i: int) -> Any:
        if part is not None:
            return part
        shape = self.element_shape
        if shape is None or None in shape:
            raise errors.invalid(
                "TensorArrayReadV3",
                f"Could not read index {i} twice because it was never written to, and the shape "
                "of the elements is not known",
            )
        return operand(np.zeros(shape, self._dtype.dtype))

    def gather(self, indices: Any, name: str | None = None) -> Tensor:
        """The tensors at positions, stacked."""
        return stack([self.read(i) for i in np.asarray(engine.bare(operand(indices))).tolist()])

    def stack(self, name: str | None = None) -> Tensor:
        """All tensors along a new first axis."""
        return stack([self._filled(part, i) for i, part in enumerate(self._parts)])

    def concat(self, name: str | None = None) -> Tensor:
        """All tensors one after the other along their first axis."""
        return concat([self._filled(part, i) for i, part in enumerate(self._parts)], 0)

    def unstack(self, value: Any, name: str | None = None) -> TensorArray:
        """Hold the slices of a tensor along its first axis."""
        self._parts = list(unstack(operand(value, self._dtype.dtype)))
        return self

    def scatter(self, indices: Any, value: Any, name: str | None = None) -> TensorArray:
        """Put the slices of a tensor at positions."""
        places = np.asarray(engine.bare(operand(indices))).tolist()
        for i, part in zip(places, unstack(operand(value, self._dtype.dtype)), strict=True):
            self.write(i, part)
        return self

    def split(self, value: Any, lengths: Any, name: str | None = None) -> TensorArray:
        """Hold the parts of a tensor, of the given lengths along its first axis."""
        self._parts = list(split(operand(value, self._dtype.dtype), lengths))
        return self

    def identity(self) -> TensorArray:
        """The array itself."""
        return self

    def close(self, name: str | None = None) -> None:
        """Forget the tensors."""
        self._parts = []
