"""The shape of a tensor, as TensorFlow prints it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

__all__ = ["TensorShape"]


class TensorShape(tuple[int, ...]):
    """The lengths of a tensor's axes: a tuple with TensorFlow's names and printed form.

    Parameters
    ----------
    dims : the lengths; here every length is known.

    Notes
    -----
    The truth value is a tuple's: the shape of a scalar is false. (TensorFlow's is true there, for
    its rank is known.)

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> shape = tf.TensorShape([2, 3])
    >>> shape, shape.rank, shape[1:], shape == [2, 3]
    (TensorShape([2, 3]), 2, TensorShape([3]), True)
    """

    __slots__ = ()

    def __new__(cls, dims: Any = ()) -> TensorShape:
        """Check the lengths; a number is the shape of a vector."""
        dims = (dims,) if isinstance(dims, int) else tuple(dims)
        if any([n is None for n in dims]):
            raise ValueError(
                f"TensorShape: every length must be known, got {list(dims)}; gradtape computes at "
                "once, so there are no unknown lengths"
            )
        return super().__new__(cls, [int(n) for n in dims])

    @property
    def rank(self) -> int:
        """The number of axes."""
        return len(self)

    ndims = rank

    @property
    def dims(self) -> list[int]:
        """The lengths as a list."""
        return list(self)

    def as_list(self) -> list[int]:
        """The lengths as a list."""
        return list(self)

    def num_elements(self) -> int:
        """The number of entries of a tensor of this shape."""
        return math.prod(self)

    def is_fully_defined(self) -> bool:
        """Whether all lengths are known: always."""
        return True

    def is_compatible_with(self, other: Any) -> bool:
        """Whether it equals another shape."""
        return bool(self == other)

    def concatenate(self, other: Any) -> TensorShape:
        """The shape, followed by another."""
        return TensorShape((*self, *other))

    def __getitem__(self, index: Any) -> Any:
        part = super().__getitem__(index)
        return TensorShape(part) if isinstance(index, slice) else part

    def __add__(self, other: Iterable[int]) -> TensorShape:  # type: ignore[override]
        return self.concatenate(other)

    def __radd__(self, other: Iterable[int]) -> TensorShape:
        return TensorShape((*other, *self))

    def __eq__(self, other: object) -> bool:
        return super().__eq__(tuple(other) if isinstance(other, list) else other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = tuple.__hash__

    def __repr__(self) -> str:
        return f"TensorShape({list(self)})"

    def __str__(self) -> str:
        return tuple.__repr__(self)

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)
