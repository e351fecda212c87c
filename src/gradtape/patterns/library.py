"""scipy.sparse, which is an extra, and what patterns are made of: plain arrays."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

__all__ = ["as_seen", "compressed_rows", "one_per_row", "sparse"]


def sparse() -> ModuleType:
    """The module scipy.sparse.

    Raises
    ------
    ImportError : SciPy is not installed.
    """
    try:
        import scipy.sparse
    except ImportError as error:
        raise ImportError(
            "sparse derivatives are scipy.sparse arrays, and SciPy is not installed: "
            "pip install 'gradtape[scipy]', or leave out sparse=True for dense ones"
        ) from error
    return scipy.sparse  # type: ignore[no-any-return]


def compressed_rows(columns: Any, starts: Any, shape: tuple[int, int]) -> Any:
    """A boolean matrix with the given columns in each row; ``starts`` says where rows begin."""
    kind = np.int32 if max(len(columns), *shape, 1) < np.iinfo(np.int32).max else np.int64
    parts = np.ones(len(columns), np.bool_), columns.astype(kind), starts.astype(kind)
    return sparse().csr_array(parts, shape=shape)


def one_per_row(columns: Any, count: int) -> Any:
    """A boolean matrix of so many columns, with at most one entry in each row; -1 for none."""
    there = columns >= 0
    starts = np.concatenate([[0], np.cumsum(there)])
    return compressed_rows(columns[there], starts, (len(columns), count))


def as_seen(value: Any) -> Any:
    """Arrays, in tuples and lists, as they are here.

    In a traced function that is what Python sees of those that it computes: its program holds for
    what gives the same.
    """
    if type(value) in (tuple, list):
        return type(value)([as_seen(v) for v in value])
    if not hasattr(value, "__gradtape_symbol__"):
        return value
    if not value.shape:
        return np.asarray((bool if value.dtype.kind == "b" else int)(value))
    return np.array(value.tolist(), value.dtype).reshape(value.shape)
