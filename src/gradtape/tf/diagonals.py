"""Diagonals and bands of matrices.

A band of several diagonals is stored as rows, from the highest to the lowest; ``align`` says at
which end the short ones are filled up: first the diagonals above, then those below.

Examples
--------
>>> import gradtape.tf as tf
>>> tf.linalg.diag([1.0, 2.0], k=1).numpy()
array([[0., 1., 0.],
       [0., 0., 2.],
       [0., 0., 0.]], dtype=float32)
>>> tf.linalg.diag_part([[1.0, 2.0], [3.0, 4.0]], k=(0, 1)).numpy()
array([[0., 2.],
       [1., 4.]], dtype=float32)
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from gradtape import tensor as engine
from gradtape.tf import errors
from gradtape.tf.elementwise import together
from gradtape.tf.tensors import Tensor, operand, result

__all__ = [
    "band_part",
    "diag",
    "diag_part",
    "set_diag",
    "tensor_diag",
    "tensor_diag_part",
    "trace",
]

_ALIGNMENTS = ("RIGHT_LEFT", "LEFT_RIGHT", "LEFT_LEFT", "RIGHT_RIGHT")


def _band(k: Any) -> tuple[int, int]:
    """The lowest and the highest diagonal of an argument ``k``: a number, or two."""
    ends = [int(d) for d in np.asarray(engine.bare(k)).reshape(-1)]
    low, high = ends[0], ends[-1]
    if len(ends) > 2 or low > high:
        raise ValueError(f"`k` must be a number, or two in ascending order, got {k!r}")
    return low, high


def _length(rows: int, columns: int, d: int) -> int:
    return min(rows + min(d, 0), columns - max(d, 0))


def _places(op: str, rows: int, columns: int, k: Any, align: str) -> Any:
    """Where the stored entries of a band lie in the flattened matrix; -1 for those that fill up."""
    low, high = _band(k)
    if align not in _ALIGNMENTS:
        raise ValueError(f"`align` must be one of {', '.join(_ALIGNMENTS)}, got {align!r}")
    if rows and columns and not -rows < low <= high < columns:
        raise errors.invalid(
            op, f"diagonals {low} to {high} do not all cross a matrix of {rows} x {columns}"
        )
    longest = max([_length(rows, columns, d) for d in range(low, high + 1)])
    above, below = align.split("_")
    table = np.full((high - low + 1, longest), -1)
    for row, d in enumerate(range(high, low - 1, -1)):
        length = _length(rows, columns, d)
        start = longest - length if (above if d >= 0 else below) == "RIGHT" else 0
        along = np.arange(length)
        table[row, start : start + length] = (along - min(d, 0)) * columns + along + max(d, 0)
    return table


def _picked(flat: Any, places: Any, padding: Any) -> Any:
    """The entries at places of the last axis, and ``padding`` where a place is -1."""
    if not np.any(places < 0):
        return np.take(flat, places, -1)
    if engine.bare(flat).dtype.kind == "b" and not isinstance(padding, engine.Tensor):
        padding = bool(padding)
    _, fill = together("MatrixDiagV3", flat, padding)
    fill = np.broadcast_to(fill, (*engine.bare(flat).shape[:-1], 1))
    return np.take(np.concatenate([flat, fill], -1), places, -1)


def diag_part(
    input: Any,
    name: str = "diag_part",
    k: Any = 0,
    padding_value: Any = 0,
    align: str = "RIGHT_LEFT",
) -> Tensor:
    """A diagonal of a matrix, or of each of a stack; or a band of them.

    Parameters
    ----------
    input : (..., rows, columns).
    k : which diagonal: 0 the main one, 1 the next above; or the lowest and the highest of a band.
    padding_value, align : what short diagonals are filled up with, and at which end.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.linalg.diag_part([[1.0, 2.0], [3.0, 4.0]]).numpy()
    array([1., 4.], dtype=float32)
    """
    x = operand(input)
    *lead, rows, columns = _matrix("MatrixDiagPartV3", x)
    places = _places("MatrixDiagPartV3", rows, columns, k, align)
    out = _picked(np.reshape(x, (*lead, rows * columns)), places, padding_value)
    return result(np.squeeze(out, -2) if len(places) == 1 and np.ndim(engine.bare(k)) == 0 else out)


def _matrix(op: str, x: Any) -> tuple[int, ...]:
    shape: tuple[int, ...] = x.array.shape
    if len(shape) < 2:
        raise errors.invalid(op, f"input must be at least 2-dim, received shape {list(shape)}")
    return shape


def diag(
    diagonal: Any,
    name: str = "diag",
    k: Any = 0,
    num_rows: int = -1,
    num_cols: int = -1,
    padding_value: Any = 0,
    align: str = "RIGHT_LEFT",
) -> Tensor:
    """A matrix with the given diagonal, or band; or a stack of them.

    Parameters
    ----------
    diagonal : (..., n), or (..., diagonals, n) for a band.
    k : which diagonal: 0 the main one, 1 the next above; or the lowest and the highest of a band.
    num_rows, num_cols : the matrix's shape; by default the smallest, square if neither is given.
    padding_value, align : what stands elsewhere; at which end short diagonals are filled up.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.linalg.diag([1.0, 2.0]).numpy()
    array([[1., 0.],
           [0., 2.]], dtype=float32)
    """
    x, (low, high) = operand(diagonal), _band(k)
    stored = 1 if low == high else 2
    if stored == 2 and x.array.shape[-2:-1] != (high - low + 1,):
        raise errors.invalid(
            "MatrixDiagV3",
            f"diagonal must have {high - low + 1} rows, one for each of the diagonals {low} to "
            f"{high}, got shape {errors.listed(x.array.shape)}",
        )
    longest = x.array.shape[-1]
    rows, columns = longest - min(high, 0), longest + max(low, 0)
    if num_rows == num_cols == -1:
        rows = columns = max(rows, columns)
    rows, columns = (
        least if given == -1 else given for least, given in ((rows, num_rows), (columns, num_cols))
    )
    places = _places("MatrixDiagV3", rows, columns, k, align)
    if places.shape[1] != longest:
        raise errors.invalid(
            "MatrixDiagV3",
            f"the diagonals of a matrix of {rows} x {columns} have up to {places.shape[1]} entries,"
            f" but {longest} are given",
        )
    lead = x.array.shape[: x.array.ndim - stored]
    table = np.full(rows * columns, -1)
    table[places[places >= 0]] = np.flatnonzero(places.reshape(-1) >= 0)
    out = _picked(np.reshape(x, (*lead, places.size)), table, padding_value)
    return result(np.reshape(out, (*lead, rows, columns)))


def set_diag(
    input: Any, diagonal: Any, name: str = "set_diag", k: Any = 0, align: str = "RIGHT_LEFT"
) -> Tensor:
    """A matrix with another diagonal, or band; or a stack of them.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.linalg.set_diag([[1.0, 2.0], [3.0, 4.0]], [8.0, 9.0]).numpy()
    array([[8., 2.],
           [3., 9.]], dtype=float32)
    """
    x, d = together("MatrixSetDiagV3", input, diagonal)
    *lead, rows, columns = _matrix("MatrixSetDiagV3", x)
    places = _places("MatrixSetDiagV3", rows, columns, k, align)
    wanted = (*lead, *(places.shape if len(places) > 1 else places.shape[1:]))
    if d.array.shape != wanted:
        raise errors.invalid(
            "MatrixSetDiagV3",
            f"diagonal must have the shape {errors.listed(wanted)}, got "
            f"{errors.listed(d.array.shape)}",
        )
    source = places.size + np.arange(rows * columns)
    source[places[places >= 0]] = np.flatnonzero(places.reshape(-1) >= 0)
    flat = [np.reshape(d, (*lead, places.size)), np.reshape(x, (*lead, rows * columns))]
    return result(np.reshape(np.take(np.concatenate(flat, -1), source, -1), x.array.shape))


def band_part(input: Any, num_lower: Any, num_upper: Any, name: str | None = None) -> Tensor:
    """A matrix with zeros outside of a band: so many diagonals below and above; -1 for all.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.linalg.band_part([[1.0, 2.0], [3.0, 4.0]], 0, -1).numpy()
    array([[1., 2.],
           [0., 4.]], dtype=float32)
    """
    x = operand(input)
    rows, columns = _matrix("MatrixBandPart", x)[-2:]
    low, high = int(engine.bare(num_lower)), int(engine.bare(num_upper))
    if low > rows or high > columns:
        raise errors.invalid(
            "MatrixBandPart",
            f"num_lower and num_upper must not exceed {rows} and {columns}, got {low} and {high}",
        )
    d = np.arange(columns) - np.arange(rows)[:, None]
    inside = ((low < 0) | (-d <= low)) & ((high < 0) | (d <= high))
    return result(np.where(inside, x, x.array.dtype.type(0)))


def trace(x: Any, name: str | None = None) -> Tensor:
    """The sum of the diagonal of a matrix, or of each of a stack.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.linalg.trace([[1.0, 2.0], [3.0, 4.0]]).numpy()
    np.float32(5.0)
    """
    return result(np.sum(diag_part(x), axis=-1))


def tensor_diag(diagonal: Any, name: str | None = None) -> Tensor:
    """A tensor of twice the axes, with the given entries where both halves of an index agree.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.linalg.tensor_diag([1.0, 2.0]).numpy()
    array([[1., 0.],
           [0., 2.]], dtype=float32)
    """
    x = operand(diagonal)
    return result(np.reshape(diag(result(np.reshape(x, (-1,)))), x.array.shape * 2))


def tensor_diag_part(input: Any, name: str | None = None) -> Tensor:
    """The entries where both halves of an index agree.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.linalg.tensor_diag_part([[1.0, 2.0], [3.0, 4.0]]).numpy()
    array([1., 4.], dtype=float32)
    """
    x = operand(input)
    half, odd = divmod(x.array.ndim, 2)
    shape = x.array.shape[:half]
    if odd or x.array.shape[half:] != shape or not half:
        raise errors.invalid(
            "DiagPart", f"the two halves of the shape {errors.listed(x.array.shape)} must agree"
        )
    square = result(np.reshape(x, (prod(shape), prod(shape))))
    return result(np.reshape(diag_part(square), shape))
