"""Matrices: products, norms, diagonals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gradtape.tf.clip import clip_by_global_norm, clip_by_norm, global_norm
from gradtape.tf.elementwise import conj, maximum, rsqrt, together
from gradtape.tf.makers import eye
from gradtape.tf.missing import missing
from gradtape.tf.operators import matrix_product
from gradtape.tf.reductions import reduce_euclidean_norm, reduce_max, reduce_sum
from gradtape.tf.tensors import Tensor, operand, result

__all__ = [
    "clip_by_global_norm",
    "clip_by_norm",
    "diag",
    "diag_part",
    "einsum",
    "eye",
    "global_norm",
    "l2_normalize",
    "matmul",
    "matrix_transpose",
    "matvec",
    "norm",
    "tensordot",
    "trace",
]


def matmul(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    adjoint_a: bool = False,
    adjoint_b: bool = False,
    name: str | None = None,
) -> Tensor:
    """The product of two matrices, or of stacks of them.

    Parameters
    ----------
    a, b : tensors of at least two axes and one dtype.
    transpose_a, transpose_b : take the transpose first.
    adjoint_a, adjoint_b : take the conjugate transpose first.

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


def matvec(a: Any, b: Any, transpose_a: bool = False, name: str | None = None) -> Tensor:
    """The product of a matrix and a vector, or of stacks of them.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.linalg.matvec([[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0]).numpy()
    array([3., 7.], dtype=float32)
    """
    x, y = together("MatMul", a, b)
    product = matmul(x, np.expand_dims(y, -1), transpose_a=transpose_a)
    return result(np.squeeze(product, -1))


def norm(
    tensor: Any,
    ord: Any = "euclidean",
    axis: Any = None,
    keepdims: bool = False,
    name: str | None = None,
) -> Tensor:
    """The norm of the entries along an axis, or of all.

    Parameters
    ----------
    ord : ``"euclidean"`` (or 2 for vectors), 1, infinity, or another positive number.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.norm([3.0, 4.0]), tf.norm([3.0, 4.0], ord=1).numpy()
    (<tf.Tensor: shape=(), dtype=float32, numpy=5.0>, np.float32(7.0))
    """
    x = operand(tensor)
    matrix = isinstance(axis, (list, tuple)) and len(axis) == 2
    if ord in ("euclidean", "fro") or (ord == 2 and not matrix):
        return reduce_euclidean_norm(x, axis, keepdims)
    if matrix or isinstance(ord, str) or ord <= 0:
        raise ValueError(
            f"tf.norm: ord={ord!r} is not there for these axes; use 'euclidean', or a positive "
            "number with one axis"
        )
    sizes = result(np.absolute(x))
    if ord == np.inf:
        return reduce_max(sizes, axis, keepdims)
    if ord == 1:
        return reduce_sum(sizes, axis, keepdims)
    return reduce_sum(sizes**ord, axis, keepdims) ** (1.0 / ord)  # type: ignore[no-any-return]


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
    return result(np.einsum(equation, *[operand(x) for x in inputs]))


def tensordot(a: Any, b: Any, axes: Any, name: str | None = None) -> Tensor:
    """The sum of products over pairs of axes.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.tensordot([1.0, 2.0], [3.0, 4.0], 1).numpy()
    np.float32(11.0)
    """
    x, y = together("MatMul", a, b)
    return result(np.tensordot(x, y, axes))


def trace(x: Any, name: str | None = None) -> Tensor:
    """The sum of the diagonal of a matrix, or of each of a stack.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.linalg.trace([[1.0, 2.0], [3.0, 4.0]]).numpy()
    np.float32(5.0)
    """
    return reduce_sum(diag_part(x), axis=-1)


def diag_part(input: Any, name: str = "diag_part") -> Tensor:
    """The diagonal of a matrix, or of each of a stack.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.linalg.diag_part([[1.0, 2.0], [3.0, 4.0]]).numpy()
    array([1., 4.], dtype=float32)
    """
    return result(np.diagonal(operand(input), 0, -2, -1))


def diag(diagonal: Any, name: str = "diag") -> Tensor:
    """A matrix with the given diagonal, or a stack of them.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.linalg.diag([1.0, 2.0]).numpy()
    array([[1., 0.],
           [0., 2.]], dtype=float32)
    """
    x = operand(diagonal)
    return result(np.expand_dims(x, -1) * np.eye(x.array.shape[-1], dtype=x.array.dtype))


if not TYPE_CHECKING:  # a type checker knows by itself what is not here

    def __getattr__(name: str) -> Any:
        """Raise the error for a name that is not here, with the nearest that is."""
        raise missing(__name__, name, __all__)
