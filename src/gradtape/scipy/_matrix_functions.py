"""Namesakes of SciPy's functions of matrices, norms, and matrices of a given form."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg as _scipy

from gradtape.scipy._matrix_rules import exponential, exponential_along, logarithm, square_root
from gradtape.scipy._namesakes import array, floating
from gradtape.scipy._wrapped import namesake
from gradtape.tensor import Tensor

__all__ = [
    "block_diag",
    "circulant",
    "expm",
    "expm_frechet",
    "hankel",
    "logm",
    "norm",
    "sqrtm",
    "toeplitz",
]


def _square(a: Any, name: str = "A") -> Any:
    x = floating(a)
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ValueError(f"argument `{name}` has shape {x.shape}; it must be a square matrix")
    return x


@namesake(_scipy.expm)
def expm(A: Any) -> Any:
    """The exponential of square matrices: ``scipy.linalg.expm`` with derivatives.

    Parameters
    ----------
    A : square matrices, ``(..., n, n)``.

    Returns
    -------
    Their exponentials.

    Examples
    --------
    >>> import numpy as np, gradtape as gt
    >>> from gradtape.scipy import linalg
    >>> np.round(gt.grad(lambda a: linalg.expm(a)[0, 1])(gt.constant(np.zeros((2, 2)))), 12)
    array([[0., 1.],
           [0., 0.]])
    """
    return exponential(_square(A))


@namesake(_scipy.expm_frechet)
def expm_frechet(
    A: Any,
    E: Any,
    method: str | None = None,
    compute_expm: bool = True,
    check_finite: bool = True,
) -> Any:
    """The derivative of the exponential along a matrix: ``scipy.linalg.expm_frechet``.

    Parameters
    ----------
    A : a square matrix.
    E : a matrix like it: the direction.
    method : ``"SPS"`` or ``"blockEnlarge"``; no effect on tensors.
    compute_expm : whether to return the exponential too.
    check_finite : accepted; no effect on tensors.

    Returns
    -------
    The exponential and its derivative, or the derivative alone.

    Examples
    --------
    >>> import numpy as np, gradtape as gt
    >>> from gradtape.scipy import linalg
    >>> linalg.expm_frechet(gt.constant(np.zeros((2, 2))), np.eye(2), compute_expm=False)
    Tensor([[1., 0.],
            [0., 1.]])
    """
    if method not in (None, "SPS", "blockEnlarge"):
        raise ValueError(f"method must be 'SPS' or 'blockEnlarge', got {method!r}")
    a, e = _square(A), _square(E, "E")
    if a.shape != e.shape:
        raise ValueError(f"A and E must be of one shape, got {a.shape} and {e.shape}")
    along = exponential_along(a, e)
    return (exponential(a), along) if compute_expm else along


@namesake(_scipy.logm)
def logm(A: Any) -> Any:
    """The principal logarithm of square matrices: ``scipy.linalg.logm`` with derivatives.

    Parameters
    ----------
    A : square matrices, ``(..., n, n)``, regular, with no eigenvalue on the negative real axis.

    Returns
    -------
    Their logarithms.

    Examples
    --------
    >>> import numpy as np, gradtape as gt
    >>> from gradtape.scipy import linalg
    >>> np.round(gt.grad(lambda a: linalg.logm(a)[1, 1])(gt.constant([[1.0, 0], [0, 2]])), 12)
    array([[0. , 0. ],
           [0. , 0.5]])
    """
    return logarithm(_square(A))


@namesake(_scipy.sqrtm)
def sqrtm(A: Any) -> Any:
    """The principal square root of square matrices: ``scipy.linalg.sqrtm`` with derivatives.

    Parameters
    ----------
    A : square matrices, ``(..., n, n)``, regular, with no eigenvalue on the negative real axis.

    Returns
    -------
    Their square roots.

    Examples
    --------
    >>> import numpy as np, gradtape as gt
    >>> from gradtape.scipy import linalg
    >>> np.round(gt.grad(lambda a: linalg.sqrtm(a)[0, 0])(gt.constant([[4.0, 0], [0, 1]])), 12)
    array([[0.25, 0.  ],
           [0.  , 0.  ]])
    """
    return square_root(_square(A))


@namesake(_scipy.norm)
def norm(
    a: Any, ord: Any = None, axis: Any = None, keepdims: bool = False, check_finite: bool = True
) -> Any:
    """A norm of vectors or matrices: ``scipy.linalg.norm`` with derivatives.

    Parameters
    ----------
    a, ord, axis, keepdims : as for ``numpy.linalg.norm``.
    check_finite : accepted; no effect on tensors.

    Returns
    -------
    The norm. At 0 its gradient is 0.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy import linalg
    >>> gt.grad(linalg.norm)(gt.constant([3.0, 4.0]))
    Tensor([0.6, 0.8])
    """
    x = array(a)
    # NumPy compares the ``ord`` of a bare array and loses its gradient; a tensor refuses it.
    return np.linalg.norm(x if isinstance(x, Tensor) else Tensor(x), ord, axis, keepdims)


@namesake(_scipy.block_diag)
def block_diag(*arrs: Any) -> Any:
    """Matrices along the diagonal of one: ``scipy.linalg.block_diag`` with derivatives.

    Parameters
    ----------
    arrs : matrices; numbers and vectors count as matrices of one row.

    Returns
    -------
    The matrix that has them on its diagonal, and zeros around them.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy import linalg
    >>> linalg.block_diag(gt.constant([[1.0, 2.0]]), 3.0)
    Tensor([[1., 2., 0.],
            [0., 0., 3.]])
    """
    blocks = [np.atleast_2d(array(a)) for a in arrs]
    stack = np.broadcast_shapes(*[b.shape[:-2] for b in blocks])
    dtype = np.result_type(*[b.dtype for b in blocks])
    columns = sum([b.shape[-1] for b in blocks])
    rows, before = [], 0
    for b in blocks:
        height, width = b.shape[-2:]
        left = np.zeros((*stack, height, before), dtype)
        right = np.zeros((*stack, height, columns - before - width), dtype)
        middle = np.broadcast_to(b, (*stack, height, width))
        rows.append(np.concatenate([left, middle, right], -1))
        before += width
    return np.concatenate(rows, -2)


def _vector(c: Any) -> Any:
    x = np.atleast_1d(array(c))
    if x.ndim != 1:
        raise ValueError(f"on tensors the arguments are vectors, got shape {x.shape}")
    return x


@namesake(_scipy.toeplitz)
def toeplitz(c: Any, r: Any = None) -> Any:
    """The matrix with constant diagonals: ``scipy.linalg.toeplitz`` with derivatives.

    Parameters
    ----------
    c : the first column, a vector.
    r : the first row, whose first entry is not read; by default the conjugate of ``c``.

    Returns
    -------
    The matrix, of shape ``(len(c), len(r))``.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy import linalg
    >>> linalg.toeplitz(gt.constant([1.0, 2.0]), [1.0, 5.0, 6.0])
    Tensor([[1., 5., 6.],
            [2., 1., 5.]])
    """
    column = _vector(c)
    row = np.conjugate(column) if r is None else _vector(r)
    values = np.concatenate([column[::-1], row[1:]])
    rows, columns = np.arange(column.shape[0])[:, None], np.arange(row.shape[0])
    return values[column.shape[0] - 1 - rows + columns]


@namesake(_scipy.circulant)
def circulant(c: Any) -> Any:
    """The matrix whose columns are a vector, moved on by one each time: ``scipy.linalg.circulant``.

    Parameters
    ----------
    c : the first column, a vector.

    Returns
    -------
    The square matrix.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy import linalg
    >>> linalg.circulant(gt.constant([1.0, 2.0, 3.0]))
    Tensor([[1., 3., 2.],
            [2., 1., 3.],
            [3., 2., 1.]])
    """
    column = _vector(c)
    places = np.arange(column.shape[0])
    return column[(places[:, None] - places) % max(column.shape[0], 1)]


@namesake(_scipy.hankel)
def hankel(c: Any, r: Any = None) -> Any:
    """The matrix with constant antidiagonals: ``scipy.linalg.hankel`` with derivatives.

    Parameters
    ----------
    c : the first column, a vector.
    r : the last row, whose first entry is not read; by default zeros.

    Returns
    -------
    The matrix, of shape ``(len(c), len(r))``.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy import linalg
    >>> linalg.hankel(gt.constant([1.0, 2.0]), [0.0, 5.0])
    Tensor([[1., 2.],
            [2., 5.]])
    """
    column = _vector(c)
    row = np.zeros(column.shape, column.dtype) if r is None else _vector(r)
    values = np.concatenate([column, row[1:]])
    return values[np.arange(column.shape[0])[:, None] + np.arange(row.shape[0])]
