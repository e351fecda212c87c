"""Namesakes of SciPy's functions that solve systems with matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg as _scipy

from gradtape.derivatives.matrices import hermitian, triangle
from gradtape.rules import strip
from gradtape.scipy._matrix_rules import each, lower_upper, reordered, triangular
from gradtape.scipy._namesakes import array, floating
from gradtape.scipy._wrapped import namesake

__all__ = [
    "cho_solve",
    "det",
    "inv",
    "lstsq",
    "lu_factor",
    "lu_solve",
    "pinv",
    "solve",
    "solve_triangular",
]

#: The other names of the structures that ``solve`` and ``inv`` know.
_STRUCTURES = {
    None: "general",
    "gen": "general",
    "banded": "general",
    "pos": "hermitian",
    "positive definite": "hermitian",
    "her": "hermitian",
    "sym": "symmetric",
    "upper": "upper triangular",
    "lower": "lower triangular",
}

#: What is solved with: the matrix, its transpose or its conjugate transpose.
_TURNS = {0: 0, 1: 1, 2: 2, "N": 0, "T": 1, "C": 2}


def _structured(a: Any, assume_a: Any, lower: bool) -> Any:
    """The matrix that SciPy's function reads from an array, given what is assumed of it."""
    kind = _STRUCTURES.get(assume_a, assume_a)
    if kind == "general":
        return a
    if kind == "hermitian" or (kind == "symmetric" and a.dtype.kind != "c"):
        return hermitian(a, lower)
    if kind == "symmetric":
        strict = triangle(a, lower, -1)
        return triangle(a, lower) + np.swapaxes(strict, -1, -2)
    if kind in ("upper triangular", "lower triangular"):
        return triangle(a, kind == "lower triangular")
    if kind in ("diagonal", "tridiagonal"):
        width = 0 if kind == "diagonal" else 1
        return np.triu(np.tril(a, width), -width)
    raise ValueError(
        f"argument `assume_a` is {assume_a!r}, which is no structure of a matrix: it is one of "
        "None, 'general', 'diagonal', 'tridiagonal', 'banded', 'upper triangular', "
        "'lower triangular', 'symmetric', 'hermitian', 'positive definite'"
    )


@namesake(_scipy.solve)
def solve(
    a: Any,
    b: Any,
    lower: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    assume_a: str | None = None,
    transposed: bool = False,
) -> Any:
    """Solve ``a @ x = b``: ``scipy.linalg.solve`` with derivatives.

    Parameters
    ----------
    a : square matrices, ``(..., n, n)``.
    b : a vector ``(n,)``, or matrices ``(..., n, k)``.
    lower : whether the lower triangle is read, of a symmetric or Hermitian matrix.
    overwrite_a, overwrite_b, check_finite : accepted; no effect on tensors.
    assume_a : the structure of ``a``: what is not part of it (one triangle of a ``"pos"`` matrix,
        say) is not read, and its gradient is that of the whole Hermitian matrix if it is one, else
        of the part that is read.
    transposed : solve with the transpose of ``a``.

    Returns
    -------
    The solution, shaped like ``b`` (and with the stack's axes of ``a``).

    Raises
    ------
    LinAlgError : a matrix is singular.
    ValueError : ``assume_a`` is unknown.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy import linalg
    >>> b = gt.Variable([2.0, 4.0])
    >>> with gt.GradientTape() as tape:
    ...     x = linalg.solve([[2.0, 0.0], [0.0, 4.0]], b, assume_a="pos")
    >>> x, tape.gradient(x, b)
    (Tensor([1., 1.]), Tensor([0.5 , 0.25]))
    """
    matrix, sides = _structured(array(a), assume_a, lower), array(b)
    _check_rows(matrix, sides)
    return np.linalg.solve(np.swapaxes(matrix, -1, -2) if transposed else matrix, sides)


def _check_rows(a: Any, b: Any) -> None:
    """Raise unless a vector or the matrices b have as many rows as a square matrix."""
    rows = b.shape[max(b.ndim - 2, 0)] if b.ndim else 0
    if a.ndim >= 2 and a.shape[-1] == a.shape[-2] != rows:
        raise ValueError(
            f"argument `b` has shape {b.shape}; it must have as many rows as the matrix, whose "
            f"shape is {a.shape}"
        )


@namesake(_scipy.solve_triangular)
def solve_triangular(
    a: Any,
    b: Any,
    trans: int | str = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:
    """Solve ``a @ x = b`` for triangular ``a``: ``scipy.linalg.solve_triangular`` with derivatives.

    Parameters
    ----------
    a : square matrices, ``(..., n, n)``, of which one triangle is read.
    b : a vector ``(n,)``, or matrices ``(..., n, k)``.
    trans : 0 or ``"N"``; 1 or ``"T"`` for the transpose, 2 or ``"C"`` for the conjugate transpose.
    lower : whether the lower triangle is read.
    unit_diagonal : take the diagonal for ones, and do not read it.
    overwrite_b, check_finite : accepted; no effect on tensors.

    Returns
    -------
    The solution. The gradient by ``a`` is zero outside what is read.

    Raises
    ------
    LinAlgError : a diagonal holds a zero.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy import linalg
    >>> a = gt.Variable([[2.0, 7.0], [1.0, 4.0]])
    >>> with gt.GradientTape() as tape:
    ...     x = linalg.solve_triangular(a, [2.0, 5.0], lower=True)
    >>> tape.gradient(x, a)
    Tensor([[-0.375,  0.   ],
            [-0.25 , -0.25 ]])
    """
    matrix = floating(a)
    sides, vector = _columns(b)
    _check_rows(matrix, sides)
    turn = _TURNS.get(trans)
    if turn is None:
        raise ValueError(f"trans must be 0, 1, 2, 'N', 'T' or 'C', got {trans!r}")
    x = triangular(matrix, sides, trans=turn, lower=bool(lower), unit=bool(unit_diagonal))
    return np.squeeze(x, -1) if vector else x


def _columns(b: Any) -> tuple[Any, bool]:
    """Right sides as columns, and whether they were one vector."""
    sides = floating(b)
    return (np.expand_dims(sides, -1), True) if sides.ndim == 1 else (sides, False)


@namesake(_scipy.cho_solve)
def cho_solve(
    c_and_lower: Any, b: Any, overwrite_b: bool = False, check_finite: bool = True
) -> Any:
    """Solve ``a @ x = b`` by the Cholesky factor of ``a``: ``scipy.linalg.cho_solve``.

    Parameters
    ----------
    c_and_lower : the factor and whether it is the lower one, as ``cho_factor`` gives them.
    b : a vector ``(n,)``, or matrices ``(..., n, k)``.
    overwrite_b, check_finite : accepted; no effect on tensors.

    Returns
    -------
    The solution.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy import linalg
    >>> a = gt.Variable([[4.0, 0.0], [0.0, 2.0]])
    >>> with gt.GradientTape() as tape:
    ...     x = linalg.cho_solve(linalg.cho_factor(a), [4.0, 2.0])
    >>> tape.gradient(x, a)
    Tensor([[-0.25 , -0.375],
            [-0.375, -0.5  ]])
    """
    c, lower = array(c_and_lower[0]), bool(np.all(c_and_lower[1]))  # one flag for each of a stack
    first, second = (0, 2) if lower else (2, 0)
    x, vector = _columns(b)
    x = solve_triangular(c, solve_triangular(c, x, first, lower), second, lower)
    return np.squeeze(x, -1) if vector else x


@namesake(_scipy.lu_factor)
def lu_factor(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """Factor a square matrix for ``lu_solve``: ``scipy.linalg.lu_factor`` with derivatives.

    Parameters
    ----------
    a : square matrices, ``(..., n, n)``.
    overwrite_a, check_finite : accepted; no effect on tensors.

    Returns
    -------
    The two factors in one matrix, and the exchanges of rows, an array of integers.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy import linalg
    >>> lu, piv = linalg.lu_factor(gt.constant([[1.0, 2.0], [4.0, 2.0]]))
    >>> lu, piv
    (Tensor([[4.  , 2.  ],
            [0.25, 1.5 ]]), array([1, 1], dtype=int32))
    """
    matrix = array(a)
    if matrix.ndim < 2 or matrix.shape[-1] != matrix.shape[-2]:
        raise ValueError(f"argument `a` has shape {matrix.shape}; on tensors it is square")
    _, lower, upper = lower_upper(matrix)
    exchanges = each(lambda one: _scipy.lu_factor(one)[1], strip(matrix))
    return np.tril(lower, -1) + upper, exchanges


@namesake(_scipy.lu_solve)
def lu_solve(
    lu_and_piv: Any, b: Any, trans: int = 0, overwrite_b: bool = False, check_finite: bool = True
) -> Any:
    """Solve ``a @ x = b`` by the factors of ``a``: ``scipy.linalg.lu_solve`` with derivatives.

    Parameters
    ----------
    lu_and_piv : what ``lu_factor`` gives.
    b : a vector ``(n,)``, or matrices ``(..., n, k)``.
    trans : 1 to solve with the transpose of ``a``, 2 with its conjugate transpose.
    overwrite_b, check_finite : accepted; no effect on tensors.

    Returns
    -------
    The solution.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy import linalg
    >>> b = gt.Variable([2.0, 4.0])
    >>> with gt.GradientTape() as tape:
    ...     x = linalg.lu_solve(linalg.lu_factor(gt.constant([[0.0, 2.0], [4.0, 0.0]])), b)
    >>> x, tape.gradient(x, b)
    (Tensor([1., 1.]), Tensor([0.5 , 0.25]))
    """
    if trans not in (0, 1, 2):
        raise ValueError(f"trans must be 0, 1 or 2, got {trans!r}")
    lu, order = array(lu_and_piv[0]), _order(np.asarray(strip(lu_and_piv[1])))
    x, vector = _columns(b)
    _check_rows(lu, x)
    if trans == 0:
        x = solve_triangular(lu, reordered(x, order), 0, True, True)
        x = solve_triangular(lu, x)
    else:
        x = solve_triangular(lu, x, trans)
        x = reordered(solve_triangular(lu, x, trans, True, True), np.argsort(order, -1))
    return np.squeeze(x, -1) if vector else x


def _order(exchanges: Any) -> Any:
    """The order of the rows after the exchanges of each row i with ``exchanges[..., i]``."""
    order = np.zeros_like(exchanges) + np.arange(exchanges.shape[-1])
    for i in range(exchanges.shape[-1]):
        j = exchanges[..., i, None]
        other = np.take_along_axis(order, j, -1)
        np.put_along_axis(order, j, order[..., i, None], -1)
        order[..., i] = other[..., 0]
    return order


@namesake(_scipy.inv)
def inv(
    a: Any,
    overwrite_a: bool = False,
    check_finite: bool = True,
    *,
    assume_a: str | None = None,
    lower: bool = False,
) -> Any:
    """The inverse of square matrices: ``scipy.linalg.inv`` with derivatives.

    Parameters
    ----------
    a : square matrices, ``(..., n, n)``.
    overwrite_a, check_finite : accepted; no effect on tensors.
    assume_a, lower : the structure of ``a``, as for ``solve``.

    Returns
    -------
    The inverses.

    Raises
    ------
    LinAlgError : a matrix is singular.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy import linalg
    >>> gt.grad(lambda a: linalg.inv(a)[0, 0])(gt.constant([[2.0, 0.0], [0.0, 1.0]]))
    Tensor([[-0.25, -0.  ],
            [-0.  , -0.  ]])
    """
    return np.linalg.inv(_structured(array(a), assume_a, lower))


@namesake(_scipy.det)
def det(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """The determinant of square matrices: ``scipy.linalg.det`` with derivatives.

    Parameters
    ----------
    a : square matrices, ``(..., n, n)``.
    overwrite_a, check_finite : accepted; no effect on tensors.

    Returns
    -------
    The determinants. The gradient, the matrix of cofactors, is right for singular matrices too.

    Examples
    --------
    >>> import numpy as np, gradtape as gt
    >>> from gradtape.scipy import linalg
    >>> np.round(gt.grad(linalg.det)(gt.constant([[1.0, 2.0], [2.0, 4.0]])), 12)
    array([[ 4., -2.],
           [-2.,  1.]])
    """
    return np.linalg.det(array(a))


@namesake(_scipy.pinv)
def pinv(
    a: Any,
    *,
    atol: float | None = None,
    rtol: float | None = None,
    return_rank: bool = False,
    check_finite: bool = True,
) -> Any:
    """The pseudo-inverse of matrices: ``scipy.linalg.pinv`` with derivatives.

    Parameters
    ----------
    a : matrices, ``(..., m, n)``.
    atol, rtol : singular values up to ``atol + rtol * (the largest)`` count as zero; by default
        ``rtol`` is ``max(m, n)`` times the rounding unit.
    return_rank : whether the rank is returned too.
    check_finite : accepted; no effect on tensors.

    Returns
    -------
    The pseudo-inverses, or they and the rank. The derivative is that of matrices of this rank.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy import linalg
    >>> gt.grad(lambda a: linalg.pinv(a)[0, 0])(gt.constant([[2.0], [0.0]]))
    Tensor([[-0.25],
            [ 0.  ]])
    """
    x, atol, rtol = array(a), strip(atol), strip(rtol)
    bare = strip(x)
    s = np.linalg.svd(bare, compute_uv=False)
    largest = s.max(-1, initial=0)
    unit = max(bare.shape[-2:]) * np.finfo(s.dtype).eps
    bound = (atol or 0.0) + largest * (unit if rtol is None else rtol)
    inverse = np.linalg.pinv(x, bound / np.where(largest > 0, largest, 1))
    rank = (s > np.expand_dims(bound, -1)).sum(-1)
    return (inverse, rank if rank.ndim else int(rank)) if return_rank else inverse


@namesake(_scipy.lstsq)
def lstsq(
    a: Any,
    b: Any,
    cond: float | None = None,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    lapack_driver: str | None = None,
) -> Any:
    """The least-squares solution of ``a @ x = b``: ``scipy.linalg.lstsq`` with derivatives.

    Parameters
    ----------
    a : a matrix ``(m, n)``.
    b : a vector ``(m,)`` or a matrix ``(m, k)``.
    cond : singular values up to ``cond`` times the largest count as zero; by default the rounding
        unit.
    overwrite_a, overwrite_b, check_finite, lapack_driver : accepted; no effect on tensors.

    Returns
    -------
    The solution of least norm; the sums of the squared residuals (empty if the rank is below ``n``
    or ``m <= n``); the rank; the singular values.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy import linalg
    >>> b = gt.Variable([1.0, 3.0])
    >>> with gt.GradientTape() as tape:
    ...     x = linalg.lstsq([[1.0], [1.0]], b)[0]
    >>> x, tape.gradient(x, b)
    (Tensor([2.]), Tensor([0.5, 0.5]))
    """
    matrix, sides = array(a), array(b)
    cond = strip(cond)
    if cond is None:
        cond = float(np.finfo(np.result_type(matrix.dtype, sides.dtype, np.float32)).eps)
    x, residuals, rank, s = np.linalg.lstsq(matrix, sides, cond)
    if sides.ndim == 1 and residuals.size:
        residuals = residuals[0]
    return x, residuals, rank, s
