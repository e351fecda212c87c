"""In double precision, a block of entries at a time, and back in the precision of the caller."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["BLOCK", "blockwise", "like"]

#: How many entries are computed at a time.
_BLOCK = 4096
#: So many entries at a time have all terms of a series in the processor's own memory.
BLOCK = 256


def blockwise(function: Callable[..., Any], *arrays: Any, block: int = _BLOCK) -> Any:
    """Compute in double precision, some entries at a time, what needs much memory for each.

    ``function`` takes arrays of one axis and gives one like them; the result has the shape that the
    arrays broadcast to, and their common dtype.
    """
    dtype = np.result_type(np.float32, *arrays)
    wide = np.complex128 if dtype.kind == "c" else np.float64
    whole = np.broadcast_arrays(*[np.asarray(a, wide) for a in arrays])
    flat = [a.ravel() for a in whole]
    out = np.empty(flat[0].shape, dtype)
    for start in range(0, out.size, block):
        part = slice(start, start + block)
        out[part] = function(*[a[part] for a in flat])
    return out.reshape(whole[0].shape)[()]


def like(result: Any, x: Any) -> Any:
    """A result in the precision of x, where SciPy only has the function in double precision."""
    dtype = np.result_type(x.dtype, np.float32)
    return result if result.dtype == dtype else result.astype(dtype)
