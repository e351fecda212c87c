"""Factors of matrices, and what they are good for: determinants, inverses, systems of equations.

As in TensorFlow, ``cholesky`` and ``eigh`` read the lower triangle only; the gradient of ``eigh``
stands in that triangle, the gradient of ``cholesky`` is symmetric.

Examples
--------
>>> import gradtape.tf as tf
>>> tf.linalg.solve([[2.0, 0.0], [0.0, 4.0]], [[1.0], [1.0]]).numpy()
array([[0.5 ],
       [0.25]], dtype=float32)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from gradtape import tensor as engine
from gradtape.tf import errors
from gradtape.tf.diagonals import band_part, diag_part
from gradtape.tf.elementwise import cast, conj, together
from gradtape.tf.tensors import Tensor, operand, result

__all__ = [
    "LogMatrixDeterminant",
    "Qr",
    "adjoint",
    "cholesky",
    "cholesky_solve",
    "det",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "inv",
    "logdet",
    "lstsq",
    "matrix_rank",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "svd",
    "triangular_solve",
]


class LogMatrixDeterminant(NamedTuple):
    """What ``slogdet`` answers."""

    sign: Tensor
    log_abs_determinant: Tensor


class Qr(NamedTuple):
    """What ``qr`` answers."""

    q: Tensor
    r: Tensor


def matrices(op: str, value: Any, square: bool = False) -> Any:
    """The operand, which must hold floating matrices."""
    x = operand(value)
    if x.array.dtype.kind not in "fc":
        raise errors.not_allowed(op, x.array.dtype, "double, float, half, complex64, complex128")
    if x.array.ndim < 2:
        raise errors.invalid(op, f"Input tensor must have rank >= 2, got shape {x.shape}")
    if square and x.array.shape[-1] != x.array.shape[-2]:
        raise errors.invalid(op, f"Input matrix must be square, got shape {x.shape}")
    return x


def invertible(op: str, compute: Callable[..., Any], *arrays: Any) -> Any:
    """What a function of NumPy answers, or TensorFlow's error for a matrix that is singular."""
    try:
        return compute(*arrays)
    except np.linalg.LinAlgError:
        raise errors.invalid(op, "Input matrix is not invertible.") from None


def adjoint(matrix: Any, name: str | None = None) -> Tensor:
    """The conjugate transpose.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.linalg.adjoint([[1.0, 2.0], [3.0, 4.0]]).numpy()
    array([[1., 3.],
           [2., 4.]], dtype=float32)
    """
    x = operand(matrix)
    if x.array.dtype.kind in "fc":
        x = matrices("Transpose", x)
    moved = result(np.swapaxes(x, -1, -2))
    return conj(moved) if moved.array.dtype.kind == "c" else moved


# Determinants and inverses --------------------------------------------------------------------


def det(input: Any, name: str | None = None) -> Tensor:
    """The determinant.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.linalg.det([[2.0, 0.0], [0.0, 4.0]]).numpy()
    np.float32(8.0)
    """
    return result(np.linalg.det(matrices("MatrixDeterminant", input, square=True)))


def slogdet(input: Any, name: str | None = None) -> LogMatrixDeterminant:
    """The sign of the determinant, and the logarithm of its absolute value.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> sign, logarithm = tf.linalg.slogdet([[0.0, 1.0], [1.0, 0.0]])
    >>> sign.numpy(), logarithm.numpy()
    (np.float32(-1.0), np.float32(0.0))
    """
    x = matrices("LogMatrixDeterminant", input, square=True)
    return LogMatrixDeterminant(*[result(part) for part in np.linalg.slogdet(x)])


def logdet(matrix: Any, name: str | None = None) -> Tensor:
    """The logarithm of the determinant of a positive definite matrix.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.linalg.logdet([[1.0, 0.0], [0.0, 1.0]]).numpy()
    np.float32(0.0)
    """
    pivots = np.real(diag_part(cholesky(matrix)))
    return result(2 * np.sum(np.log(pivots), axis=-1))


def inv(input: Any, adjoint: bool = False, name: str | None = None) -> Tensor:
    """The inverse; with ``adjoint`` that of the conjugate transpose.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.linalg.inv([[2.0, 0.0], [0.0, 4.0]]).numpy()
    array([[0.5 , 0.  ],
           [0.  , 0.25]], dtype=float32)
    """
    x = matrices("MatrixInverse", input, square=True)
    return result(invertible("MatrixInverse", np.linalg.inv, _turned(x, adjoint)))


def _turned(x: Any, turn: bool) -> Any:
    return adjoint(x) if turn else x


def pinv(a: Any, rcond: Any = None, validate_args: bool = False, name: str | None = None) -> Tensor:
    """The pseudoinverse; singular values below ``rcond`` times the greatest count as 0.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.linalg.pinv([[2.0, 0.0], [0.0, 0.0]]).numpy()
    array([[0.5, 0. ],
           [0. , 0. ]], dtype=float32)
    """
    x = matrices("Svd", a)
    if rcond is None:
        rcond = 10.0 * max(x.array.shape[-2:]) * np.finfo(x.array.dtype).eps
    real = np.zeros((), x.array.dtype).real.dtype
    return result(np.linalg.pinv(x, operand(rcond, real).array))


def matrix_rank(
    a: Any, tol: Any = None, validate_args: bool = False, name: str | None = None
) -> Tensor:
    """How many singular values are greater than ``tol``: an integer, without gradient.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.linalg.matrix_rank([[1.0, 2.0], [2.0, 4.0]]).numpy()
    np.int32(1)
    """
    x = matrices("Svd", a).array
    values = np.linalg.svd(x, compute_uv=False)
    if tol is None:
        eps = np.finfo(x.dtype).eps * max(x.shape[-2:])
        tol = eps * np.max(values, axis=-1, keepdims=True)
    return cast(result(np.sum(values > engine.bare(tol), axis=-1)), np.int32)


# Systems of equations -------------------------------------------------------------------------


def solve(matrix: Any, rhs: Any, adjoint: bool = False, name: str | None = None) -> Tensor:
    """X such that ``matrix @ x = rhs``; with ``adjoint``, of the conjugate transpose.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.linalg.solve([[2.0]], [[4.0]]).numpy()
    array([[2.]], dtype=float32)
    """
    a, b = together("MatrixSolve", matrix, rhs)
    a, b = matrices("MatrixSolve", a, square=True), matrices("MatrixSolve", b)
    return result(invertible("MatrixSolve", np.linalg.solve, _turned(a, adjoint), b))


def triangular_solve(
    matrix: Any, rhs: Any, lower: bool = True, adjoint: bool = False, name: str | None = None
) -> Tensor:
    """The same for a triangular matrix, of which the other triangle is not read.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.linalg.triangular_solve([[2.0, 99.0], [1.0, 1.0]], [[2.0], [3.0]]).numpy()
    array([[1.],
           [2.]], dtype=float32)
    """
    a, b = together("MatrixTriangularSolve", matrix, rhs)
    a = matrices("MatrixTriangularSolve", a, square=True)
    half = band_part(a, -1, 0) if lower else band_part(a, 0, -1)
    return result(invertible("MatrixTriangularSolve", np.linalg.solve, _turned(half, adjoint), b))


def cholesky_solve(chol: Any, rhs: Any, name: str | None = None) -> Tensor:
    """X such that ``matrix @ x = rhs``, by the Cholesky factor of the matrix.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.linalg.cholesky_solve([[2.0]], [[4.0]]).numpy()
    array([[1.]], dtype=float32)
    """
    return triangular_solve(chol, triangular_solve(chol, rhs), adjoint=True)


def lstsq(
    matrix: Any,
    rhs: Any,
    l2_regularizer: Any = 0.0,
    fast: bool = True,
    name: str | None = None,
) -> Tensor:
    """X with the least ``|matrix @ x - rhs|**2 + l2_regularizer * |x|**2``.

    ``fast``: by the normal equations, for matrices of full rank; else by the pseudoinverse, and
    without a regularizer.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.linalg.lstsq([[1.0], [1.0]], [[1.0], [3.0]]).numpy()
    array([[2.]], dtype=float32)
    """
    a, b = together("MatrixSolveLs", matrix, rhs)
    a = matrices("MatrixSolveLs", a)
    if not fast:
        return result(np.matmul(pinv(a), b))
    turned = adjoint(a)
    rows, columns = a.array.shape[-2:]
    small = np.matmul(turned, a) if rows >= columns else np.matmul(a, turned)
    _, weight = together("Mul", a, l2_regularizer)
    ridge = weight * np.eye(min(rows, columns), dtype=a.array.dtype)
    factor = cholesky(result(small + ridge))
    if rows >= columns:
        return cholesky_solve(factor, result(np.matmul(turned, b)))
    return result(np.matmul(turned, cholesky_solve(factor, b)))


# Factors --------------------------------------------------------------------------------------


def cholesky(input: Any, name: str | None = None) -> Tensor:
    """The lower triangular L with positive diagonal and ``L @ adjoint(L)`` the matrix.

    Where the matrix is not positive definite, NaN.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.linalg.cholesky([[4.0, 0.0], [2.0, 2.0]]).numpy()
    array([[2., 0.],
           [1., 1.]], dtype=float32)
    """
    x = matrices("Cholesky", input, square=True)
    try:
        return result(np.linalg.cholesky(x))
    except np.linalg.LinAlgError:
        return band_part(result(x * x.array.dtype.type(np.nan)), -1, 0)


def _of_lower(x: Any) -> Any:
    """The Hermitian matrix whose lower triangle is that of x."""
    below = band_part(x, -1, 0)
    strict = np.tril(below, -1)
    return below + adjoint(result(strict))


def eigh(tensor: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """The eigenvalues of a Hermitian matrix in ascending order, and the eigenvectors as columns.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> values, vectors = tf.linalg.eigh([[2.0, 0.0], [0.0, 1.0]])
    >>> values.numpy()
    array([1., 2.], dtype=float32)
    """
    values, vectors = np.linalg.eigh(_of_lower(matrices("SelfAdjointEigV2", tensor, square=True)))
    return result(values), result(vectors)


def eigvalsh(tensor: Any, name: str | None = None) -> Tensor:
    """The eigenvalues of a Hermitian matrix in ascending order.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.linalg.eigvalsh([[2.0, 0.0], [0.0, 1.0]]).numpy()
    array([1., 2.], dtype=float32)
    """
    return eigh(tensor)[0]


def _complex(value: Any) -> Tensor:
    x = operand(value)
    narrow = x.array.dtype.itemsize <= (8 if x.array.dtype.kind == "c" else 4)
    return cast(result(x), np.complex64 if narrow else np.complex128)


def eig(tensor: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """The eigenvalues of a matrix, in no order, and the eigenvectors as columns: complex numbers.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.linalg.eig([[0.0, 1.0], [-1.0, 0.0]])[0].numpy().imag.tolist()
    [1.0, -1.0]
    """
    values, vectors = np.linalg.eig(matrices("Eig", tensor, square=True))
    return _complex(values), _complex(vectors)


def eigvals(tensor: Any, name: str | None = None) -> Tensor:
    """The eigenvalues of a matrix, in no order: complex numbers.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.linalg.eigvals([[0.0, 1.0], [-1.0, 0.0]]).numpy().imag.tolist()
    [1.0, -1.0]
    """
    return eig(tensor)[0]


def svd(
    tensor: Any, full_matrices: bool = False, compute_uv: bool = True, name: str | None = None
) -> Any:
    """The singular values s in descending order, u, and v: ``u @ diag(s) @ adjoint(v)``.

    (NumPy answers u, s and the adjoint of v.) Without ``compute_uv`` just the values.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> s, u, v = tf.linalg.svd([[0.0, 3.0], [2.0, 0.0]])
    >>> s.numpy()
    array([3., 2.], dtype=float32)
    """
    x = matrices("Svd", tensor)
    if not compute_uv:
        return result(np.linalg.svd(x, compute_uv=False))
    u, s, vh = np.linalg.svd(x, full_matrices=full_matrices)
    return result(s), result(u), adjoint(result(vh))


def qr(input: Any, full_matrices: bool = False, name: str | None = None) -> Qr:
    """Orthonormal columns q and an upper triangular r, whose product is the matrix.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> q, r = tf.linalg.qr([[0.0, 3.0], [2.0, 0.0]])
    >>> tf.abs(r).numpy()
    array([[2., 0.],
           [0., 3.]], dtype=float32)
    """
    x = matrices("Qr", input)
    return Qr(
        *[result(part) for part in np.linalg.qr(x, "complete" if full_matrices else "reduced")]
    )
