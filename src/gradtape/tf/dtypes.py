"""``tf.dtypes``: the types of a tensor's entries.

Examples
--------
>>> import gradtape.tf as tf
>>> tf.constant([1, 2], dtype=tf.dtypes.float32).dtype
tf.float32
"""

from typing import TYPE_CHECKING, Any

from gradtape.tf.elementwise import cast, complex
from gradtape.tf.missing import missing
from gradtape.tf.types import DTYPES, DType, as_dtype

float16 = half = DTYPES["float16"]
float32 = DTYPES["float32"]
float64 = double = DTYPES["float64"]
complex64 = DTYPES["complex64"]
complex128 = DTYPES["complex128"]
bool = DTYPES["bool"]
int8 = DTYPES["int8"]
int16 = DTYPES["int16"]
int32 = DTYPES["int32"]
int64 = DTYPES["int64"]
uint8 = DTYPES["uint8"]
uint16 = DTYPES["uint16"]
uint32 = DTYPES["uint32"]
uint64 = DTYPES["uint64"]

__all__ = [
    "DType",
    "as_dtype",
    "bool",
    "cast",
    "complex",
    "complex64",
    "complex128",
    "double",
    "float16",
    "float32",
    "float64",
    "half",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
]


if not TYPE_CHECKING:  # a type checker knows by itself what is not here

    def __getattr__(name: str) -> Any:
        """Raise the error for a name that is not here, with the nearest that is."""
        raise missing(__name__, name, __all__)
