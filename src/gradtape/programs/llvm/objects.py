"""Python's and NumPy's objects as native code sees them: where their parts are.

Each offset is checked on real objects before anything relies on it; ``available`` says whether all
of them hold, as they do in CPython with its global lock on machines of 64 bits.
"""

from __future__ import annotations

import ctypes
import functools
import sys
import sysconfig
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["API", "DIMENSIONS", "api", "available", "callable_of", "method"]

# Offsets in bytes.
TYPE = 8
VALUE = 16  # of a float, of NumPy's numbers, and the address of an array's entries
NDIM = 24
DIMENSIONS = 32
DESCR = 56
FLAGS = 64

#: C_CONTIGUOUS and ALIGNED.
PLAIN_FLAGS = 0x0001 | 0x0100

#: The functions and objects that native code uses, in the order of a program's table.
API = (
    *("none", "false", "array_type", "float_type", "int_type", "true"),
    *("new_tuple", "set_item", "new_array", "new_object", "release", "keep", "as_int"),
    *("new_float", "new_int", "save_thread", "restore_thread", "new_memory", "free_memory"),
    "call",
)

_METH_FASTCALL = 0x0080
#: Where NumPy's table of functions has ``PyArray_New`` and the version of the table: its ABI.
_NEW_ARRAY, _VERSION = 93, 0


class _Method(ctypes.Structure):
    """CPython's PyMethodDef."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("address", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


@functools.cache
def available() -> bool:
    """Whether objects look here as native code expects them to."""
    if sys.implementation.name != "cpython" or ctypes.sizeof(ctypes.c_void_p) != 8:
        return False
    if sysconfig.get_config_var("Py_GIL_DISABLED") or hasattr(sys, "gettotalrefcount"):
        return False
    return _arrays_fit() and _numbers_fit() and _version() == 0x02000000


def _word(address: int, kind: Any = ctypes.c_void_p) -> Any:
    return kind.from_address(address).value


def _arrays_fit() -> bool:
    for array in (np.zeros((2, 3)), np.zeros((3, 5), np.float32)[:, ::2]):
        place = id(array)
        dims = _word(place + DIMENSIONS)
        if not (
            _word(place + TYPE) == id(np.ndarray)
            and _word(place + VALUE) == array.__array_interface__["data"][0]
            and _word(place + NDIM, ctypes.c_int) == 2
            and [_word(dims + 8 * i, ctypes.c_int64) for i in range(2)] == list(array.shape)
            and _word(place + DESCR) == id(array.dtype)
            and _word(place + FLAGS, ctypes.c_int) & 0x0F0F == array.flags.num & 0x0F0F
        ):
            return False
    return bool(np.zeros(2).flags.num & PLAIN_FLAGS == PLAIN_FLAGS)


def _numbers_fit() -> bool:
    numbers: list[tuple[Any, Any]] = [
        (1.5, ctypes.c_double),
        (np.float64(2.5), ctypes.c_double),
        (np.float32(3.5), ctypes.c_float),
        (np.int64(-7), ctypes.c_int64),
        (np.bool_(True), ctypes.c_uint8),
    ]
    return all(
        [
            _word(id(number) + TYPE) == id(type(number))
            and _word(id(number) + VALUE, kind) == number
            for number, kind in numbers
        ]
    )


@functools.cache
def _table() -> Any:
    """NumPy's table of C functions."""
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    capsule = np._core._multiarray_umath._ARRAY_API  # type: ignore[attr-defined]
    return (ctypes.c_void_p * (_NEW_ARRAY + 1)).from_address(pointer(capsule, None))


def _version() -> int:
    version: int = ctypes.CFUNCTYPE(ctypes.c_uint)(_table()[_VERSION])()
    return version


@functools.cache
def api() -> dict[str, int]:
    """The address of each thing in ``API``."""

    def address(name: str) -> int:
        found = ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value
        assert found is not None
        return found

    return {
        "none": id(None),
        "false": id(False),
        "true": id(True),
        "array_type": id(np.ndarray),
        "float_type": id(float),
        "int_type": id(int),
        "new_tuple": address("PyTuple_New"),
        "set_item": address("PyTuple_SetItem"),
        "new_array": _table()[_NEW_ARRAY],
        "new_object": address("PyType_GenericAlloc"),
        "release": address("Py_DecRef"),
        "keep": address("Py_IncRef"),
        "as_int": address("PyLong_AsLongLongAndOverflow"),
        "new_float": address("PyFloat_FromDouble"),
        "new_int": address("PyLong_FromLongLong"),
        "save_thread": address("PyEval_SaveThread"),
        "restore_thread": address("PyEval_RestoreThread"),
        "new_memory": address("PyMem_RawMalloc"),
        "free_memory": address("PyMem_RawFree"),
        "call": address("PyObject_CallNoArgs"),
    }


def method(address: int) -> Any:
    """What CPython knows of a function that it calls by METH_FASTCALL.

    It looks there at each call: with another ``address``, other code runs from then on.
    """
    return _Method(b"program", address, _METH_FASTCALL, None)


def callable_of(method: Any, table: Any, kept: Any) -> Callable[..., Any]:
    """A function of Python for native code.

    Parameters
    ----------
    method : the code, as ``method`` gives it.
    table : an array of words, which the code gets as its ``self``.
    kept : what must live as long as the function does.
    """
    make = ctypes.pythonapi.PyCFunction_NewEx
    make.restype = ctypes.py_object
    make.argtypes = [ctypes.c_void_p, ctypes.py_object, ctypes.py_object]
    run: Callable[..., Any] = make(ctypes.addressof(method), table, (kept, method))
    return run
