"""Elimination with pivots: the factors L and U of a matrix, and what they are good for.

Examples
--------
>>> import gradtape.tf as tf
>>> packed, order = tf.linalg.lu([[1.0, 2.0], [4.0, 4.0]])
>>> tf.linalg.lu_solve(packed, order, [[3.0], [8.0]]).numpy()
array([[1.],
       [1.]], dtype=float32)
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from gradtape import tensor as engine
from gradtape.derivatives.matrices import dagger, stacked_solve
from gradtape.rules import Primitive
from gradtape.tf import errors
from gradtape.tf.elementwise import cast, together
from gradtape.tf.factorizations import invertible, matrices
from gradtape.tf.tensors import Tensor, operand, result

__all__ = ["lu", "lu_matrix_inverse", "lu_reconstruct", "lu_solve"]


def _eliminated(x: Any) -> tuple[Any, Any]:
    """L and U packed into one matrix, and the order of the rows: elimination with pivots."""
    out = np.array(x)
    n = out.shape[-1]
    flat = out.reshape((-1, n, n))
    orders = np.broadcast_to(np.arange(n), (len(flat), n)).copy()
    for matrix, order in zip(flat, orders, strict=True):
        for k in range(n):
            best = k + int(np.argmax(np.abs(matrix[k:, k])))
            if best != k:
                matrix[[k, best]] = matrix[[best, k]]
                order[[k, best]] = order[[best, k]]
            if matrix[k, k] == 0:
                raise errors.invalid("Lu", "Input is not invertible.")
            matrix[k + 1 :, k] /= matrix[k, k]
            matrix[k + 1 :, k + 1 :] -= np.outer(matrix[k + 1 :, k], matrix[k, k + 1 :])
    return flat.reshape(out.shape), orders.reshape(out.shape[:-1]).astype(np.int32)


def _factors(out: Any) -> tuple[Any, Any]:
    n = out.shape[-1]
    return np.tril(out, -1) + np.eye(n, dtype=out.dtype), np.triu(out)


def _packed(x: Any, /) -> Any:
    return _eliminated(x)[0]


def _pull_packed(g: Any, out: Any) -> Any:
    # With F = L^-1 dA U^-1: dL = L tril(F, -1) and dU = triu(F) U.
    # (S. F. Walter and L. Lehmann, "Algorithmic differentiation of linear algebra functions", 2010)
    lower, upper = _factors(out)
    inner = np.tril(dagger(lower) @ np.tril(g, -1), -1) + np.triu(np.triu(g) @ dagger(upper))
    left = stacked_solve(dagger(lower), inner)
    return dagger(stacked_solve(upper, dagger(left)))


def _push_packed(t: Any, out: Any) -> Any:
    lower, upper = _factors(out)
    left = stacked_solve(lower, t)
    f = dagger(stacked_solve(dagger(upper), dagger(left)))
    return np.tril(lower @ np.tril(f, -1), -1) + np.triu(np.triu(f) @ upper)


#: L and U in one matrix, of a matrix whose rows are in the order of the pivots.
packed = Primitive(_packed, _pull_packed, _push_packed, name="tf.lu")


class Lu(NamedTuple):
    """What ``lu`` answers."""

    lu: Tensor
    p: Tensor


def lu(input: Any, output_idx_type: Any = np.int32, name: str | None = None) -> Lu:
    """L and U in one matrix (L without its diagonal of ones), and the order p of the rows.

    The matrix with its rows in the order p is ``L @ U``.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> packed, order = tf.linalg.lu([[1.0, 2.0], [4.0, 4.0]])
    >>> packed.numpy(), order.numpy()
    (array([[4.  , 4.  ],
           [0.25, 1.  ]], dtype=float32), array([1, 0], dtype=int32))
    """
    x = matrices("Lu", input, square=True)
    order = _eliminated(x.array)[1]
    rows = np.take_along_axis(x, np.broadcast_to(order[..., None], x.array.shape), -2)
    return Lu(result(packed(rows)), cast(result(order), output_idx_type))


def lu_reconstruct(
    lower_upper: Any, perm: Any, validate_args: bool = False, name: str | None = None
) -> Tensor:
    """The matrix that ``lu`` made its answers from.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.linalg.lu_reconstruct(*tf.linalg.lu([[1.0, 2.0], [4.0, 4.0]])).numpy()
    array([[1., 2.],
           [4., 4.]], dtype=float32)
    """
    lower, upper = _factors(matrices("Lu", lower_upper, square=True))
    return _ordered(np.matmul(lower, upper), np.argsort(operand(perm).array, -1))


def _ordered(x: Any, order: Any) -> Tensor:
    shape = engine.bare(x).shape
    return result(np.take_along_axis(x, np.broadcast_to(order[..., None], shape), -2))


def lu_solve(
    lower_upper: Any, perm: Any, rhs: Any, validate_args: bool = False, name: str | None = None
) -> Tensor:
    """X such that ``matrix @ x = rhs``, by what ``lu`` answered for the matrix.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.linalg.lu_solve(*tf.linalg.lu([[0.0, 2.0], [4.0, 0.0]]), [[2.0], [4.0]]).numpy()
    array([[1.],
           [1.]], dtype=float32)
    """
    x, b = together("MatrixTriangularSolve", lower_upper, rhs)
    lower, upper = _factors(matrices("MatrixTriangularSolve", x, square=True))
    first = np.linalg.solve(lower, _ordered(b, operand(perm).array))
    return result(invertible("MatrixTriangularSolve", np.linalg.solve, upper, first))


def lu_matrix_inverse(
    lower_upper: Any, perm: Any, validate_args: bool = False, name: str | None = None
) -> Tensor:
    """The inverse of a matrix, by what ``lu`` answered for it.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.linalg.lu_matrix_inverse(*tf.linalg.lu([[0.0, 2.0], [4.0, 0.0]])).numpy()
    array([[0.  , 0.25],
           [0.5 , 0.  ]], dtype=float32)
    """
    x = matrices("MatrixTriangularSolve", lower_upper, square=True).array
    return lu_solve(lower_upper, perm, np.broadcast_to(np.eye(x.shape[-1], dtype=x.dtype), x.shape))
