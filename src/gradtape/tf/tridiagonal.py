"""Matrices with three diagonals.

They are stored as rows: the diagonal above (its last entry counts for nothing), the main one, the
one below (its first entry counts for nothing). SciPy solves the systems.

Examples
--------
>>> import gradtape.tf as tf
>>> diagonals = [[1.0, 0.0], [2.0, 4.0], [0.0, 1.0]]
>>> tf.linalg.tridiagonal_matmul(diagonals, [[1.0], [1.0]]).numpy()
array([[3.],
       [5.]], dtype=float32)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape import tensor as engine
from gradtape.tf import errors
from gradtape.tf.diagonals import diag_part
from gradtape.tf.elementwise import cast, together
from gradtape.tf.factorizations import adjoint, invertible
from gradtape.tf.scientific import linalg_rules
from gradtape.tf.tensors import Tensor, operand, result

__all__ = ["tridiagonal_matmul", "tridiagonal_solve"]


def _rows(diagonals: Any, form: str) -> Any:
    """The diagonals as (..., 3, n), with zeros in the entries that count for nothing."""
    if form == "matrix":
        stored: Any = diag_part(diagonals, k=(-1, 1), align="LEFT_RIGHT")
    elif form == "sequence":
        above, main, below = (operand(d) for d in diagonals)
        n = main.array.shape[-1]
        if above.array.shape[-1] == n - 1:
            edge = np.zeros((*above.array.shape[:-1], 1), above.array.dtype)
            above, below = np.concatenate([above, edge], -1), np.concatenate([edge, below], -1)
        stored = np.stack([above, main, below], -2)
    elif form == "compact":
        stored = operand(diagonals)
    else:
        raise ValueError(f"Unrecognized diagonals_format: {form}")
    shape = engine.bare(stored).shape
    if len(shape) < 2 or shape[-2] != 3:
        raise ValueError(f"Expected 3 diagonals got {shape[-2] if len(shape) > 1 else 1}")
    if engine.bare(stored).dtype.kind not in "fc":
        raise errors.not_allowed("TridiagonalSolve", engine.bare(stored).dtype, errors.REALS)
    counts = np.ones((3, shape[-1]), bool)
    counts[0, -1:] = counts[2, :1] = False
    return result(np.where(counts, stored, engine.bare(stored).dtype.type(0)))


def _shifted(x: Any, axis: int, by: int) -> Any:
    """Moved by one place along an axis, with a zero coming in."""
    shape = engine.bare(x).shape
    edge = np.zeros((*shape[:axis], 1, *shape[axis + len(shape) + 1 :]), engine.bare(x).dtype)
    inner = [slice(None)] * len(shape)
    inner[axis] = slice(1, None) if by < 0 else slice(None, -1)
    kept = x[tuple(inner)]
    return np.concatenate([kept, edge] if by < 0 else [edge, kept], axis)


def _product(rows: Any, x: Any) -> Any:
    above, main, below = (np.expand_dims(rows[..., i, :], -1) for i in range(3))
    return above * _shifted(x, -2, -1) + main * x + below * _shifted(x, -2, 1)


def _solved(rows: Any, b: Any) -> Any:
    above, main, below = (rows[..., i, :] for i in range(3))
    # SciPy counts by columns, where the rows here count by rows.
    bands = np.stack([_shifted(above, -1, 1), main, _shifted(below, -1, -1)], -2)
    banded = linalg_rules("_banded").banded
    return np.swapaxes(banded(bands, np.swapaxes(b, -1, -2), below=1, above=1), -1, -2)


def tridiagonal_solve(
    diagonals: Any,
    rhs: Any,
    diagonals_format: str = "compact",
    transpose_rhs: bool = False,
    conjugate_rhs: bool = False,
    name: str | None = None,
    partial_pivoting: bool = True,
    perturb_singular: bool = False,
) -> Tensor:
    """X such that ``matrix @ x = rhs``, for a matrix with three diagonals.

    Parameters
    ----------
    diagonals : (..., 3, n), or as ``diagonals_format`` says: ``"compact"``; ``"sequence"``, three
        tensors, of which the first and the last may be shorter by one; ``"matrix"``, (..., n, n).
    rhs : (..., n), or (..., n, k).
    transpose_rhs, conjugate_rhs : take the transpose, the conjugate of ``rhs`` first.
    partial_pivoting, perturb_singular : no effect: pivots are always sought.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> diagonals = [[1.0, 0.0], [2.0, 4.0], [0.0, 1.0]]
    >>> tf.linalg.tridiagonal_solve(diagonals, [3.0, 5.0]).numpy()
    array([1., 1.], dtype=float32)
    """
    stored, b = together("TridiagonalSolve", _rows(diagonals, diagonals_format), rhs)
    vector = b.array.ndim == stored.array.ndim - 1
    if vector:
        b = result(np.expand_dims(b, -1))
    elif transpose_rhs:
        b = adjoint(b) if conjugate_rhs else result(np.swapaxes(b, -1, -2))
    if conjugate_rhs and (vector or not transpose_rhs):
        b = result(np.conjugate(b))
    if b.array.shape[-2] != stored.array.shape[-1]:
        raise errors.invalid(
            "TridiagonalSolve",
            f"Expected the rhs to have {stored.array.shape[-1]} rows, got shape "
            f"{errors.listed(b.array.shape)}",
        )
    dtype = stored.array.dtype
    lead = np.broadcast_shapes(stored.array.shape[:-2], b.array.shape[:-2])
    stored, b = (np.broadcast_to(t, (*lead, *t.array.shape[-2:])) for t in (stored, b))
    out = invertible("TridiagonalSolve", _solved, stored, b)
    return cast(result(np.squeeze(out, -1) if vector else out), dtype)


def tridiagonal_matmul(
    diagonals: Any, rhs: Any, diagonals_format: str = "compact", name: str | None = None
) -> Tensor:
    """The product of a matrix with three diagonals and another matrix.

    The diagonals are given as to ``tridiagonal_solve``.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.linalg.tridiagonal_matmul(([1.0], [2.0, 4.0], [1.0]), [[1.0], [0.0]], "sequence").numpy()
    array([[2.],
           [1.]], dtype=float32)
    """
    stored, x = together("TridiagonalMatMul", _rows(diagonals, diagonals_format), rhs)
    return result(_product(stored, x))
