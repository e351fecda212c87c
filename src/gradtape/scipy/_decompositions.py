"""Namesakes of SciPy's decompositions of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg as _scipy

from gradtape.derivatives.matrices import dagger, hermitian
from gradtape.rules import strip
from gradtape.scipy._linear_systems import solve_triangular
from gradtape.scipy._matrix_rules import each, lower_upper, orthonormal, reordered
from gradtape.scipy._namesakes import array
from gradtape.scipy._wrapped import namesake

__all__ = [
    "cho_factor",
    "cholesky",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "lu",
    "polar",
    "qr",
    "svd",
    "svdvals",
]


@namesake(_scipy.cholesky)
def cholesky(
    a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> Any:
    """The Cholesky factor: ``scipy.linalg.cholesky`` with derivatives.

    Parameters
    ----------
    a : positive definite matrices, ``(..., n, n)``, of which one triangle is read.
    lower : whether that is the lower one, and the factor too.
    overwrite_a, check_finite : accepted; no effect on tensors.

    Returns
    -------
    The upper (or lower) triangular factor. The gradient by a Hermitian matrix is Hermitian; by one
    of which only the triangle is filled that is read, it is in that triangle.

    Raises
    ------
    LinAlgError : a matrix is not positive definite.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy import linalg
    >>> gt.grad(lambda a: linalg.cholesky(a)[0, 1])(gt.constant([[4.0, 0.0], [0.0, 1.0]]))
    Tensor([[0.  , 0.25],
            [0.25, 0.  ]])
    """
    return np.linalg.cholesky(array(a), upper=not lower)


@namesake(_scipy.cho_factor)
def cho_factor(
    a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> Any:
    """The Cholesky factor for ``cho_solve``: ``scipy.linalg.cho_factor`` with derivatives.

    Parameters
    ----------
    a, lower, overwrite_a, check_finite : as for ``cholesky``.

    Returns
    -------
    The factor and ``lower``. (Of tensors, the factor's other triangle holds zeros; SciPy leaves
    there what happens to be there.)

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy import linalg
    >>> linalg.cho_factor(gt.constant([[4.0, 2.0], [2.0, 2.0]]))
    (Tensor([[2., 1.],
            [0., 1.]]), False)
    """
    return cholesky(a, lower), lower


@namesake(_scipy.lu)
def lu(
    a: Any,
    permute_l: bool = False,
    overwrite_a: bool = False,
    check_finite: bool = True,
    p_indices: bool = False,
) -> Any:
    """The LU decomposition with exchanges of rows: ``scipy.linalg.lu`` with derivatives.

    Parameters
    ----------
    a : matrices, ``(..., m, n)``. The gradient is NaN where the leading square is singular after
        the exchanges.
    permute_l : whether to return ``p @ l`` and ``u`` alone.
    overwrite_a, check_finite : accepted; no effect on tensors.
    p_indices : whether ``p`` is to be the order of the rows, ``a = l[p] @ u``.

    Returns
    -------
    ``p, l, u`` with ``a = p @ l @ u``; ``p`` is a bare array.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy import linalg
    >>> p, l, u = linalg.lu(gt.constant([[1.0, 2.0], [4.0, 2.0]]))
    >>> l, u
    (Tensor([[1.  , 0.  ],
            [0.25, 1.  ]]), Tensor([[4. , 2. ],
            [0. , 1.5]]))
    """
    matrix = array(a)
    order, lower, upper = lower_upper(matrix)
    if permute_l:
        return reordered(lower, order), upper
    if p_indices:
        return order, lower, upper
    return np.eye(matrix.shape[-2], dtype=strip(matrix).real.dtype)[order], lower, upper


@namesake(_scipy.polar)
def polar(a: Any, side: str = "right") -> Any:
    """The polar decomposition: ``scipy.linalg.polar`` with derivatives.

    Parameters
    ----------
    a : matrices of full rank, ``(..., m, n)``.
    side : ``"right"`` for ``a = u @ p``, ``"left"`` for ``a = p @ u``.

    Returns
    -------
    ``u``, with orthonormal columns (rows, if ``a`` is wide), and the Hermitian ``p``.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy import linalg
    >>> gt.grad(lambda a: linalg.polar(a)[0][0, 1])(gt.constant([[1.0, 0.0], [0.0, 1.0]]))
    Tensor([[ 0. ,  0.5],
            [-0.5,  0. ]])
    """
    if side not in ("right", "left"):
        raise ValueError(f"side must be 'right' or 'left', got {side!r}")
    x = array(a)
    if x.ndim < 2:
        raise ValueError(f"argument `a` has shape {x.shape}; it must be a matrix")
    wide = x.shape[-2] < x.shape[-1]
    u = dagger(orthonormal(dagger(x))) if wide else orthonormal(x)
    p = dagger(u) @ x if side == "right" else x @ dagger(u)
    return u, (p + dagger(p)) / 2


@namesake(_scipy.qr)
def qr(
    a: Any,
    overwrite_a: bool = False,
    lwork: int | None = None,
    mode: str = "full",
    pivoting: bool = False,
    check_finite: bool = True,
) -> Any:
    """The QR decomposition: ``scipy.linalg.qr`` with derivatives.

    Parameters
    ----------
    a : matrices, ``(..., m, n)``, of full rank (the first ``m`` columns, of a wide one).
    overwrite_a, lwork, check_finite : accepted; no effect on tensors.
    mode : ``"full"``, ``"r"`` or ``"economic"``. In a full ``q``, the basis of the columns behind
        the first ``n`` is arbitrary, and only what does not depend on it has a derivative.
    pivoting : whether columns are exchanged for size, as SciPy does.

    Returns
    -------
    ``q, r``, or ``(r,)``; and the order of the columns, an array, if they are exchanged.

    Raises
    ------
    ValueError : another mode.

    Examples
    --------
    >>> import numpy as np, gradtape as gt
    >>> from gradtape.scipy import linalg
    >>> (r,) = linalg.qr(gt.constant([[3.0], [4.0]]), mode="r")
    >>> np.abs(r)
    Tensor([[5.],
            [0.]])
    """
    matrix = array(a)
    if mode not in ("full", "r", "economic"):
        raise ValueError(f"on tensors, mode is 'full', 'r' or 'economic', got {mode!r}")
    order: tuple[Any, ...] = ()
    if pivoting:
        order = (each(lambda one: _scipy.qr(one, mode="r", pivoting=True)[1], strip(matrix)),)
        matrix = np.swapaxes(reordered(np.swapaxes(matrix, -1, -2), order[0]), -1, -2)
    q, r = np.linalg.qr(matrix, "reduced" if mode == "economic" else "complete")
    return (r, *order) if mode == "r" else (q, r, *order)


@namesake(_scipy.svd)
def svd(
    a: Any,
    full_matrices: bool = True,
    compute_uv: bool = True,
    overwrite_a: bool = False,
    check_finite: bool = True,
    lapack_driver: str = "gesdd",
) -> Any:
    """The singular value decomposition: ``scipy.linalg.svd`` with derivatives.

    Parameters
    ----------
    a : matrices, ``(..., m, n)``.
    full_matrices : whether ``u`` and ``vh`` are square; the bases of what is added are arbitrary.
    compute_uv : whether to return ``u`` and ``vh``.
    overwrite_a, check_finite, lapack_driver : accepted; no effect on tensors.

    Returns
    -------
    ``u, s, vh``, or ``s`` alone.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy import linalg
    >>> gt.grad(lambda a: linalg.svd(a)[1][0])(gt.constant([[3.0, 0.0], [0.0, 2.0]]))
    Tensor([[1., 0.],
            [0., 0.]])
    """
    if not compute_uv:
        return np.linalg.svd(array(a), compute_uv=False)
    return tuple(np.linalg.svd(array(a), full_matrices))


@namesake(_scipy.svdvals)
def svdvals(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """The singular values: ``scipy.linalg.svdvals`` with derivatives.

    Parameters
    ----------
    a : matrices, ``(..., m, n)``.
    overwrite_a, check_finite : accepted; no effect on tensors.

    Returns
    -------
    The singular values, the largest first. Where one is exactly 0 its slope counts as 0.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy import linalg
    >>> gt.grad(lambda a: linalg.svdvals(a).sum())(gt.constant([[3.0, 0.0], [0.0, 3.0]]))
    Tensor([[1., 0.],
            [0., 1.]])
    """
    return np.linalg.svd(array(a), compute_uv=False)


@namesake(_scipy.eigh)
def eigh(
    a: Any,
    b: Any = None,
    *,
    lower: bool = True,
    eigvals_only: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    type: int = 1,
    check_finite: bool = True,
    subset_by_index: Any = None,
    subset_by_value: Any = None,
    driver: str | None = None,
) -> Any:
    """Eigenvalues and vectors of Hermitian matrices: ``scipy.linalg.eigh`` with derivatives.

    Parameters
    ----------
    a : Hermitian matrices, ``(..., n, n)``.
    b : positive definite matrices, for the generalized problem.
    lower : which triangle of ``a`` and ``b`` is read.
    eigvals_only : whether to leave out the vectors.
    type : 1 for ``a v = w b v``, 2 for ``a b v = w v``, 3 for ``b a v = w v``.
    subset_by_index : the first and the last index of the eigenvalues that are wanted.
    subset_by_value : the bounds ``(low, high]`` of the eigenvalues that are wanted (of one matrix).
    overwrite_a, overwrite_b, check_finite, driver : accepted; no effect on tensors.

    Returns
    -------
    The eigenvalues in ascending order, and the vectors as columns. Of the vectors, what does not
    depend on their signs or phases has a derivative, and where eigenvalues are equal, only what
    does not depend on their vectors.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy import linalg
    >>> a = gt.constant([[2.0, 0.0], [0.0, 6.0]])
    >>> gt.grad(lambda b: linalg.eigh(a, b, eigvals_only=True)[1])(gt.constant([[1.0, 0], [0, 2]]))
    Tensor([[ 0. ,  0. ],
            [ 0. , -1.5]])
    """
    if type not in (1, 2, 3):
        raise ValueError(f"type must be 1, 2 or 3, got {type!r}")
    matrix, factor = array(a), None
    uplo: Any = "L" if lower else "U"
    if b is not None:
        factor = np.linalg.cholesky(array(b), upper=not lower)
        factor = factor if lower else dagger(factor)
        matrix = _reduced(matrix, factor, type, lower)
    if eigvals_only:
        w = np.linalg.eigvalsh(matrix, uplo)
        return w[(..., _chosen(w, subset_by_index, subset_by_value))]
    w, v = np.linalg.eigh(matrix, uplo)
    if factor is not None:
        v = factor @ v if type == 3 else solve_triangular(factor, v, 2, True)
    chosen = _chosen(w, subset_by_index, subset_by_value)
    return w[(..., chosen)], v[(..., chosen)]


def _reduced(a: Any, factor: Any, kind: int, lower: bool) -> Any:
    """The matrix of the ordinary problem that has the eigenvalues of a generalized one."""
    a = hermitian(a, lower)
    if kind != 1:
        return dagger(factor) @ a @ factor
    half = solve_triangular(factor, a, 0, True)
    return dagger(solve_triangular(factor, dagger(half), 0, True))


def _chosen(w: Any, by_index: Any, by_value: Any) -> slice:
    """Which eigenvalues are wanted."""
    if by_index is not None and by_value is not None:
        raise ValueError("pass one of subset_by_index and subset_by_value")
    if by_value is not None:
        if w.ndim > 1:
            raise ValueError(
                f"subset_by_value chooses of one matrix's eigenvalues, got a stack {w.shape[:-1]}"
            )
        if len(by_value) != 2 or not by_value[0] < by_value[1]:
            raise ValueError(f"subset_by_value must be two bounds that increase, got {by_value!r}")
        first, last = np.searchsorted(strip(w), [strip(b) for b in by_value], side="right")
        return slice(int(first), int(last))
    if by_index is None:
        return slice(None)
    if len(by_index) != 2 or not 0 <= by_index[0] <= by_index[1] < w.shape[-1]:
        raise ValueError(
            f"subset_by_index must be a first and a last index below {w.shape[-1]}, got "
            f"{by_index!r}"
        )
    return slice(int(by_index[0]), int(by_index[1]) + 1)


@namesake(_scipy.eigvalsh)
def eigvalsh(
    a: Any,
    b: Any = None,
    *,
    lower: bool = True,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    type: int = 1,
    check_finite: bool = True,
    subset_by_index: Any = None,
    subset_by_value: Any = None,
    driver: str | None = None,
) -> Any:
    """Eigenvalues of Hermitian matrices: ``scipy.linalg.eigvalsh`` with derivatives.

    Parameters
    ----------
    a, b, lower, type, subset_by_index, subset_by_value : as for ``eigh``.
    overwrite_a, overwrite_b, check_finite, driver : accepted; no effect on tensors.

    Returns
    -------
    The eigenvalues in ascending order.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy import linalg
    >>> gt.grad(lambda a: linalg.eigvalsh(a)[0])(gt.constant([[2.0, 0.0], [0.0, 6.0]]))
    Tensor([[1., 0.],
            [0., 0.]])
    """
    options = {"subset_by_index": subset_by_index, "subset_by_value": subset_by_value}
    return eigh(a, b, lower=lower, eigvals_only=True, type=type, **options)


@namesake(_scipy.eig)
def eig(
    a: Any,
    b: Any = None,
    left: bool = False,
    right: bool = True,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    homogeneous_eigvals: bool = False,
) -> Any:
    """Eigenvalues and right eigenvectors of square matrices: ``scipy.linalg.eig`` with derivatives.

    Parameters
    ----------
    a : square matrices, ``(..., n, n)``, without a defect (a full set of eigenvectors).
    b : square matrices, for the generalized problem ``a v = w b v``; they must be regular.
    right : whether to return the vectors, which have length one.
    overwrite_a, overwrite_b, check_finite : accepted; no effect on tensors.
    left, homogeneous_eigvals : only False.

    Returns
    -------
    The eigenvalues, complex, and the vectors as columns. Of the vectors, what does not depend on
    their phases has a derivative.

    Raises
    ------
    ValueError : left vectors or homogeneous values are asked for.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy import linalg
    >>> a = gt.constant([[1.0, 0.0], [0.0, 3.0]])
    >>> gt.grad(lambda a: linalg.eig(a)[0][1].real)(a)
    Tensor([[0., 0.],
            [0., 1.]])
    """
    if left or homogeneous_eigvals:
        raise ValueError(
            "on tensors, left eigenvectors and homogeneous eigenvalues have no derivative; "
            "the left vectors are the columns of inv(v).conj().T, up to their lengths"
        )
    matrix = array(a) if b is None else np.linalg.solve(array(b), array(a))
    if not right:
        return _complex(np.linalg.eigvals(matrix))
    w, v = np.linalg.eig(matrix)
    return _complex(w), v


def _complex(w: Any) -> Any:
    return w if w.dtype.kind == "c" else w.astype(np.result_type(w.dtype, np.complex64))


@namesake(_scipy.eigvals)
def eigvals(
    a: Any,
    b: Any = None,
    overwrite_a: bool = False,
    check_finite: bool = True,
    homogeneous_eigvals: bool = False,
) -> Any:
    """Eigenvalues of square matrices: ``scipy.linalg.eigvals`` with derivatives.

    Parameters
    ----------
    a, b, homogeneous_eigvals : as for ``eig``.
    overwrite_a, check_finite : accepted; no effect on tensors.

    Returns
    -------
    The eigenvalues, complex.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy import linalg
    >>> linalg.eigvals(gt.constant([[0.0, 1.0], [-1.0, 0.0]]))
    Tensor([0.+1.j, 0.-1.j], dtype=complex128)
    """
    return eig(a, b, right=False, homogeneous_eigvals=homogeneous_eigvals)
