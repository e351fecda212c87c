"""Python's values as arrays: floats are float32, integers int32, and nothing is rounded unasked."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape.tf.errors import short
from gradtape.tf.types import numpy_dtype

__all__ = ["array_of"]

_DEFAULTS: dict[type, Any] = {
    float: np.dtype(np.float32),
    bool: np.dtype(np.bool_),
    complex: np.dtype(np.complex128),
}
_RANK = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}
_INT32 = np.iinfo(np.int32)


def array_of(value: Any, dtype: Any = None) -> Any:
    """A fresh array of a value, or a NumPy scalar when it has no axes.

    Parameters
    ----------
    value : a number, an array, or a nested sequence of such.
    dtype : a NumPy dtype, or None: float32, int32 (int64 for large ones), bool or complex128 for
        Python's numbers, and what arrays have.

    Raises
    ------
    TypeError : a Python number cannot have this dtype (2.5 is no integer).
    ValueError : the value is no rectangular sequence of numbers.
    """
    if hasattr(value, "__gradtape_symbol__"):
        plain = _DEFAULTS.get(type(value.value)) or np.dtype(np.int32)
        return value.strong(dtype or (plain if value.is_plain else None))
    if isinstance(value, (np.ndarray, np.generic)):
        return _numeric(np.array(value, dtype=dtype), value)
    wanted = None if dtype is None else np.dtype(dtype)
    if isinstance(value, (bool, int, float, complex)):
        return _scalar(value, wanted)
    if isinstance(value, str):
        raise _not_convertible(value, wanted)
    if hasattr(value, "__array__") and not isinstance(value, (list, tuple)):
        return _numeric(np.array(value, dtype=dtype), value)
    if isinstance(value, range):
        value = list(value)
    if not isinstance(value, (list, tuple)):
        raise ValueError(
            f"Attempt to convert a value ({value!r}) with an unsupported type ({type(value)!r}) "
            "to a Tensor."
        )
    return _sequence(value, wanted)


def _scalar(value: Any, dtype: Any) -> Any:
    """A Python number."""
    if dtype is None:
        dtype = _DEFAULTS.get(type(value)) or _integer_dtype(value, value)
    if _rank(value) > _RANK.get(dtype.kind, -1) or (dtype.kind == "b" and type(value) is not bool):
        raise _not_convertible(value, dtype)
    with np.errstate(all="ignore"):
        try:
            return dtype.type(value)
        except OverflowError:
            raise _not_convertible(value, dtype) from None


def _sequence(value: Any, dtype: Any) -> Any:
    """A nested sequence."""
    leaves = list(_leaves(value))
    if any([hasattr(leaf, "__gradtape_symbol__") for leaf in leaves]):
        parts = [array_of(v, dtype) for v in value]
        wide = np.result_type(*[part.dtype for part in parts])
        return np.stack([part.astype(wide) for part in parts])
    if any([isinstance(leaf, str) for leaf in leaves]):
        if all([isinstance(leaf, str) for leaf in leaves]):
            raise _not_convertible(value, dtype)
        raise ValueError("Can't convert Python sequence with mixed types to Tensor.")
    for leaf in leaves:
        if not isinstance(leaf, (bool, int, float, complex, np.ndarray, np.generic)):
            raise ValueError(
                f"Attempt to convert a value ({leaf!r}) with an unsupported type "
                f"({type(leaf)!r}) to a Tensor."
            )
    python = [leaf for leaf in leaves if not isinstance(leaf, (np.ndarray, np.generic))]
    if dtype is None:
        dtype = _common(leaves, python)
    else:
        for leaf in python:
            _scalar(leaf, dtype)
    try:
        with np.errstate(all="ignore"):
            return np.array(value, dtype=dtype)
    except OverflowError:
        raise ValueError(
            "Can't convert Python sequence with out-of-range integer to Tensor."
        ) from None
    except ValueError:
        raise ValueError("Can't convert non-rectangular Python sequence to Tensor.") from None


def _common(leaves: list[Any], python: list[Any]) -> Any:
    """The dtype of a sequence."""
    if len(python) < len(leaves):
        arrays = [leaf for leaf in leaves if isinstance(leaf, (np.ndarray, np.generic))]
        return np.result_type(*arrays)
    kinds = {type(leaf) for leaf in leaves}
    if bool in kinds and len(kinds) > 1:
        raise ValueError("Can't convert Python sequence with mixed types to Tensor.")
    for kind in (complex, float, bool):
        if kind in kinds:
            return _DEFAULTS[kind]
    return _integer_dtype(min(leaves), max(leaves)) if leaves else _DEFAULTS[float]


def _integer_dtype(low: int, high: int) -> Any:
    """int32 if both integers fit, else int64."""
    if low >= _INT32.min and high <= _INT32.max:
        return np.dtype(np.int32)
    if low >= -(2**63) and high < 2**63:
        return np.dtype(np.int64)
    raise ValueError("Can't convert Python sequence with out-of-range integer to Tensor.")


def _leaves(value: Any) -> Any:
    for item in value:
        if isinstance(item, (list, tuple)):
            yield from _leaves(item)
        else:
            yield item


def _rank(value: Any) -> int:
    """How general a Python number's type is: bool, int, float, complex."""
    return 0 if isinstance(value, bool) else _RANK[np.result_type(type(value)).kind]


def _numeric(array: Any, value: Any) -> Any:
    """The array, if it holds numbers."""
    if array.dtype.kind not in _RANK:
        raise ValueError(
            f"Failed to convert a NumPy array to a Tensor (Unsupported object type "
            f"{type(value).__name__} of dtype {array.dtype}); a tensor holds numbers."
        )
    return array if array.ndim else array[()]


def _not_convertible(value: Any, dtype: Any) -> TypeError:
    if dtype is None:
        return TypeError(f"Cannot convert {value!r} to a tensor: gradtape has no string tensors.")
    return TypeError(f"Cannot convert {value!r} to EagerTensor of dtype {short(dtype)}")


def dtype_or_none(dtype: Any) -> Any:
    """NumPy's dtype of a ``dtype`` argument; None stays None."""
    return None if dtype is None else numpy_dtype(dtype)
