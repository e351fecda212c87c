"""Matrices: products, norms, diagonals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gradtape.derivatives.axes import constant
from gradtape.tf import errors
from gradtape.tf.clip import clip_by_global_norm, clip_by_norm, global_norm
from gradtape.tf.elementwise import conj, maximum, rsqrt, together
from gradtape.tf.makers import eye
from gradtape.tf.missing import later, names
from gradtape.tf.operators import matrix_product
from gradtape.tf.reductions import reduce_euclidean_norm, reduce_max, reduce_sum
from gradtape.tf.tensors import Tensor, operand, result

if TYPE_CHECKING:
    from gradtape.tf.diagonals import *  # noqa: F403
    from gradtape.tf.factorizations import *  # noqa: F403
    from gradtape.tf.lu import *  # noqa: F403
    from gradtape.tf.matrix_functions import *  # noqa: F403
    from gradtape.tf.tridiagonal import *  # noqa: F403

#: What is loaded when it is first asked for, by its module.
_LATER = {
    "diagonals": "band_part diag diag_part set_diag tensor_diag tensor_diag_part trace",
    "factorizations": "adjoint cholesky cholesky_solve det eig eigh eigvals eigvalsh inv logdet "
    "lstsq matrix_rank pinv qr slogdet solve svd triangular_solve",
    "lu": "lu lu_matrix_inverse lu_reconstruct lu_solve",
    "matrix_functions": "expm logm sqrtm",
    "tridiagonal": "tridiagonal_matmul tridiagonal_solve",
}

__all__ = [
    "clip_by_global_norm",
    "clip_by_norm",
    "cross",
    "einsum",
    "eye",
    "global_norm",
    "l2_normalize",
    "matmul",
    "matrix_transpose",
    "matvec",
    "norm",
    "normalize",
    "tensordot",
]
__all__ += names(_LATER)


def matmul(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    adjoint_a: bool = False,
    adjoint_b: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    name: str | None = None,
) -> Tensor:
    """The product of two matrices, or of stacks of them.

    Parameters
    ----------
    a, b : tensors of at least two axes and one dtype.
    transpose_a, transpose_b : take the transpose first.
    adjoint_a, adjoint_b : take the conjugate transpose first.
    a_is_sparse, b_is_sparse : accepted for TensorFlow's sake; no effect.

    Raises
    ------
    InvalidArgumentError : a vector, lengths that do not match, or two dtypes.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.matmul([[1.0, 2.0]], [[3.0, 4.0]], transpose_b=True).numpy()
    array([[11.]], dtype=float32)
    """
    if (transpose_a and adjoint_a) or (transpose_b and adjoint_b):
        raise ValueError("tf.matmul: only one of transpose and adjoint can be True for an argument")
    x, y = together("MatMul", a, b)
    x = matrix_transpose(x, conjugate=adjoint_a) if transpose_a or adjoint_a else x
    y = matrix_transpose(y, conjugate=adjoint_b) if transpose_b or adjoint_b else y
    return result(matrix_product(x, y))


def matrix_transpose(a: Any, name: str = "matrix_transpose", conjugate: bool = False) -> Tensor:
    """The last two axes exchanged.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.linalg.matrix_transpose([[1.0, 2.0]]).shape
    TensorShape([2, 1])
    """
    x = operand(a)
    if x.array.ndim < 2:
        raise ValueError(
            f"Argument `a` should be a (batch) matrix with rank >= 2. Received `a` = {a!r} with "
            f"shape: {x.shape}."
        )
    moved = result(np.swapaxes(x, -1, -2))
    return conj(moved) if conjugate else moved


def matvec(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    adjoint_a: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    name: str | None = None,
) -> Tensor:
    """The product of a matrix and a vector, or of stacks of them.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.linalg.matvec([[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0]).numpy()
    array([3., 7.], dtype=float32)
    """
    x, y = together("MatMul", a, b)
    product = matmul(x, np.expand_dims(y, -1), transpose_a=transpose_a, adjoint_a=adjoint_a)
    return result(np.squeeze(product, -1))


def norm(
    tensor: Any,
    ord: Any = "euclidean",
    axis: Any = None,
    keepdims: bool = False,
    name: str | None = None,
) -> Tensor:
    """The norm of vectors along an axis, of matrices in two axes, or of all entries.

    Parameters
    ----------
    ord : ``"euclidean"`` (for matrices ``"fro"`` too); for vectors also 1, 2, infinity or another
        positive number; for matrices 1, 2 (the greatest singular value) or infinity.
    axis : one for vectors, two for matrices, None for all entries as one vector.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.norm([3.0, 4.0]), tf.norm([3.0, 4.0], ord=1).numpy()
    (<tf.Tensor: shape=(), dtype=float32, numpy=5.0>, np.float32(7.0))
    """
    x, ord = operand(tensor), constant(ord, norm, "ord", "tf.reduce_sum(tf.abs(x)**p)**(1/p) does")
    matrix = isinstance(axis, (list, tuple)) and len(axis) == 2
    if ord in ("euclidean", "fro") or (ord == 2 and not matrix):
        return reduce_euclidean_norm(x, axis, keepdims)
    if matrix:
        return _matrix_norm(x, ord, [int(a) for a in axis], keepdims)
    if isinstance(ord, str) or ord <= 0:
        raise ValueError(
            "'ord' must be a supported vector norm: 'euclidean', 1, 2, infinity or another "
            f"positive number, got {ord!r}"
        )
    sizes = result(np.absolute(x))
    if ord == np.inf:
        return reduce_max(sizes, axis, keepdims)
    if ord == 1:
        return reduce_sum(sizes, axis, keepdims)
    return reduce_sum(sizes**ord, axis, keepdims) ** (1.0 / ord)  # type: ignore[no-any-return]


def _matrix_norm(x: Any, ord: Any, axes: list[int], keepdims: bool) -> Tensor:
    if ord not in (1, 2, np.inf):
        raise ValueError(
            f"'ord' must be a supported matrix norm in ['euclidean', 'fro', 1, 2, inf], got {ord!r}"
        )
    rows, columns = (a % x.array.ndim for a in axes)
    if ord == 2:
        if x.array.dtype.kind not in "fc":
            raise errors.not_allowed("Svd", x.array.dtype, errors.REALS)
        values = np.linalg.svd(np.moveaxis(x, (rows, columns), (-2, -1)), compute_uv=False)
        largest = np.max(values, axis=-1)
        return result(np.expand_dims(largest, (rows, columns)) if keepdims else largest)
    first, second = (rows, columns) if ord == 1 else (columns, rows)
    sums = reduce_sum(result(np.absolute(x)), first, keepdims=True)
    out = reduce_max(sums, second, keepdims=True)
    return out if keepdims else result(np.squeeze(out, (rows, columns)))


def normalize(
    tensor: Any, ord: Any = "euclidean", axis: Any = None, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """Divided by its norm, and the norm; see ``tf.norm``.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> [t.numpy().tolist() for t in tf.linalg.normalize(tf.constant([3.0, 4.0], tf.float64))]
    [[0.6, 0.8], [5.0]]
    """
    x = operand(tensor)
    length = norm(x, ord, axis, keepdims=True)
    return result(x / length), length


def cross(a: Any, b: Any, name: str | None = None) -> Tensor:
    """The cross product of vectors with three entries, in the last axis.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.linalg.cross([1.0, 0.0, 0.0], [0.0, 1.0, 0.0]).numpy()
    array([0., 0., 1.], dtype=float32)
    """
    x, y = together("Cross", a, b)
    if x.array.shape != y.array.shape or x.array.shape[-1:] != (3,):
        raise errors.invalid(
            "Cross",
            "Both inputs must be of same shape, with 3 entries in the last axis: "
            f"{errors.listed(x.array.shape)} vs. {errors.listed(y.array.shape)}",
        )
    (x0, x1, x2), (y0, y1, y2) = ([v[..., i] for i in (0, 1, 2)] for v in (x, y))
    parts = [x1 * y2 - x2 * y1, x2 * y0 - x0 * y2, x0 * y1 - x1 * y0]
    return result(np.stack([result(part) for part in parts], -1))


def l2_normalize(
    x: Any, axis: Any = None, epsilon: float = 1e-12, name: str | None = None
) -> Tensor:
    """Divided by the Euclidean norm, whose square counts as no less than ``epsilon``.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.math.l2_normalize([3.0, 4.0]).numpy()
    array([0.6, 0.8], dtype=float32)
    """
    x = operand(x)
    squares = reduce_sum(result(np.square(x)), axis, keepdims=True)
    return result(x * rsqrt(maximum(squares, epsilon)))


def einsum(equation: str, *inputs: Any, **kwargs: Any) -> Tensor:
    """A sum of products, as the equation says.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.einsum("i,i->", [1.0, 2.0], [3.0, 4.0]).numpy()
    np.float32(11.0)
    """
    tensors = [operand(x) for x in inputs]
    for i, x in enumerate(tensors):
        if x.array.dtype != tensors[0].array.dtype:
            raise errors.mismatch("Einsum", tensors[0].array.dtype, x.array.dtype, i)
    return result(np.einsum(equation, *tensors))


def tensordot(a: Any, b: Any, axes: Any, name: str | None = None) -> Tensor:
    """The sum of products over pairs of axes.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.tensordot([1.0, 2.0], [3.0, 4.0], 1).numpy()
    np.float32(11.0)
    """
    x, y = together("MatMul", a, b)
    if x.array.dtype.kind == "b":
        raise errors.not_allowed("MatMul", x.array.dtype, errors.NUMBERS)
    return result(np.tensordot(x, y, axes))


if not TYPE_CHECKING:
    __getattr__ = later(__name__, _LATER, __all__)
