"""``tf.bitwise``: functions of the bits of integers. They have no derivative.

Examples
--------
>>> import gradtape.tf as tf
>>> tf.bitwise.bitwise_and([6, 5], [3, 3]).numpy()
array([2, 1], dtype=int32)
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from gradtape.tf import errors
from gradtape.tf.elementwise import together
from gradtape.tf.missing import missing
from gradtape.tf.tensors import Tensor, operand, result

__all__ = ["bitwise_and", "bitwise_or", "bitwise_xor", "invert", "left_shift", "right_shift"]

_INTEGERS = "int8, int16, int32, int64, uint8, uint16, uint32, uint64"


def _bits(op: str, x: Any) -> Any:
    """The bare array of a tensor, which must hold integers."""
    if x.array.dtype.kind not in "iu":
        raise errors.not_allowed(op, x.array.dtype, _INTEGERS)
    return x.array


def _binary(name: str, doc: str, compute: Callable[[Any, Any], Any]) -> Callable[..., Tensor]:
    op = "".join([word.capitalize() for word in name.split("_")])

    def function(x: Any, y: Any, name: str | None = None) -> Tensor:
        a, b = (_bits(op, t) for t in together(op, x, y))
        try:
            return result(compute(a, b))
        except ValueError:
            raise errors.incompatible(op, a.shape, b.shape) from None

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{doc}\n\nEntry by entry: ``{name}(x, y)``."
    return function


def _shifted(shift: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """A shift by at least 0 places and at most one less than there are bits, as TensorFlow's."""
    return lambda a, b: shift(a, np.clip(b, 0, 8 * a.dtype.itemsize - 1).astype(a.dtype))


bitwise_and = _binary("bitwise_and", "The bits that both have.", operator.and_)
bitwise_or = _binary("bitwise_or", "The bits that one of the two has.", operator.or_)
bitwise_xor = _binary("bitwise_xor", "The bits that just one of the two has.", operator.xor)
left_shift = _binary(
    "left_shift", "The bits of x, y places to the left.", _shifted(operator.lshift)
)
right_shift = _binary(
    "right_shift",
    "The bits of x, y places to the right; the sign stays.",
    _shifted(operator.rshift),
)


def invert(x: Any, name: str | None = None) -> Tensor:
    """The bits that x does not have.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.bitwise.invert([0, -1]).numpy()
    array([-1,  0], dtype=int32)
    """
    return result(~_bits("Invert", operand(x)))


if not TYPE_CHECKING:  # a type checker knows by itself what is not here

    def __getattr__(name: str) -> Any:
        """Raise the error for a name that is not here, with the nearest that is."""
        raise missing(__name__, name, __all__)
