"""The types of a tensor's entries: TensorFlow's names for NumPy's dtypes."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["DTYPES", "DType", "as_dtype", "numpy_dtype"]

_NAMES = (
    *("float16", "float32", "float64", "complex64", "complex128", "bool"),
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
)
_ALIASES = {"half": "float16", "float": "float32", "double": "float64"}
#: What Python's own types mean as a dtype; TensorFlow refuses ``int``, whose size is not said.
_PYTHON = {float: "float32", bool: "bool"}


class DType:
    """The type of a tensor's entries. There is one object for each: ``tf.float32`` and so on.

    Attributes
    ----------
    name : its name, as ``"float32"``.
    as_numpy_dtype : NumPy's scalar class of it.
    dtype, kind, type, itemsize : as NumPy's dtype has them, so that NumPy takes it for one.

    Examples
    --------
    >>> import numpy as np, gradtape.tf as tf
    >>> tf.float32, tf.float32.is_floating, tf.float32 == "float32"
    (tf.float32, True, True)
    >>> np.zeros(2, tf.float32).dtype
    dtype('float32')
    """

    __slots__ = ("dtype", "itemsize", "kind", "name", "type")

    def __init__(self, name: str) -> None:
        self.name = name
        self.dtype: np.dtype[Any] = np.dtype(name)
        self.kind, self.type, self.itemsize = self.dtype.kind, self.dtype.type, self.dtype.itemsize

    @property
    def as_numpy_dtype(self) -> Any:
        """NumPy's scalar class."""
        return self.type

    @property
    def base_dtype(self) -> DType:
        """Itself: there are no reference types here."""
        return self

    @property
    def real_dtype(self) -> DType:
        """The type of the real part."""
        return as_dtype(self.type(0).real.dtype)

    @property
    def is_floating(self) -> bool:
        """Whether it is a real floating type."""
        return self.kind == "f"

    @property
    def is_complex(self) -> bool:
        """Whether it is complex."""
        return self.kind == "c"

    @property
    def is_integer(self) -> bool:
        """Whether it is an integer type, signed or not."""
        return self.kind in "iu"

    @property
    def is_unsigned(self) -> bool:
        """Whether it is an integer type without sign."""
        return self.kind == "u"

    @property
    def is_bool(self) -> bool:
        """Whether it is the type of truth values."""
        return self.kind == "b"

    @property
    def size(self) -> int:
        """The number of bytes of one entry."""
        return self.itemsize

    @property
    def min(self) -> Any:
        """The least value."""
        return self._limits().min

    @property
    def max(self) -> Any:
        """The greatest value."""
        return self._limits().max

    def _limits(self) -> Any:
        if self.kind in "iu":
            return np.iinfo(self.dtype)
        if self.kind == "f":
            return np.finfo(self.dtype)
        raise TypeError(f"Cannot find minimum and maximum values of dtype {self.name}.")

    def is_compatible_with(self, other: Any) -> bool:
        """Whether it equals another dtype."""
        return self == as_dtype(other)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, DType):
            return self is other
        try:
            return bool(numpy_dtype(other) == self.dtype)
        except TypeError:
            return False

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"tf.{self.name}"

    def __str__(self) -> str:
        return f"<dtype: '{self.name}'>"

    def __reduce__(self) -> Any:
        return as_dtype, (self.name,)


#: Every dtype by its name.
DTYPES: dict[str, DType] = {name: DType(name) for name in _NAMES}
_BY_NUMPY = {dtype.dtype: dtype for dtype in DTYPES.values()}


def numpy_dtype(value: Any) -> Any:
    """NumPy's dtype of anything that names one; see ``as_dtype``."""
    if isinstance(value, DType):
        return value.dtype
    if isinstance(value, np.dtype):
        return value
    try:
        name = _PYTHON.get(value, value)
        if name in (int, complex, object, None):
            raise TypeError
        return np.dtype(_ALIASES.get(name, name))
    except TypeError:
        raise TypeError(
            f"Cannot convert the argument `type_value`: {value!r} to a TensorFlow DType."
        ) from None


def as_dtype(type_value: Any) -> DType:
    """The dtype that a name, a NumPy dtype or class, or Python's ``float`` or ``bool`` means.

    Raises
    ------
    TypeError : it names none that tensors can have.

    Examples
    --------
    >>> import numpy as np, gradtape.tf as tf
    >>> tf.as_dtype("half"), tf.as_dtype(np.int64), tf.as_dtype(float)
    (tf.float16, tf.int64, tf.float32)
    """
    found = _BY_NUMPY.get(numpy_dtype(type_value))
    if found is None:
        raise TypeError(
            f"Cannot convert the argument `type_value`: {type_value!r} to a TensorFlow DType."
        )
    return found
