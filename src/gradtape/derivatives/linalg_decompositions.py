"""Rules of the decompositions of matrices: Cholesky, QR, eigenvalues, singular values.

Eigenvectors, and pairs of singular vectors, are determined up to a phase (a sign, if real). Here
each vector's derivative is orthogonal to the vector, which gives the derivative of every function
of them that does not depend on their phases. For equal eigenvalues, see ``ratio``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.linalg._linalg import EighResult, EigResult, QRResult, SVDResult

from gradtape.derivatives.matrices import (
    dagger,
    hermitian,
    lower_half,
    lower_inverse,
    main_diagonal,
    off_diagonal,
    ratio,
    scaled_columns,
    stacked_solve,
    with_diagonal,
)
from gradtape.errors import no_rule_for_argument
from gradtape.multiple import Several
from gradtape.rules import Primitive, adjoint, meaning, strip

__all__ = [
    "cholesky_factor",
    "eigen",
    "hermitian_eigen",
    "orthogonal_triangular",
    "singular",
    "singular_if_any",
]

Shape = tuple[int, ...]


# Cholesky ---------------------------------------------------------------------------------------


def _cholesky(x: Any, /, upper: bool) -> Any:
    return np.linalg.cholesky(x, upper=upper) if upper else np.linalg.cholesky(x)


# I. Murray, "Differentiation of the Cholesky decomposition", arXiv:1602.07527, equations 8 and 10.


def _pull_cholesky(g: Any, out: Any, upper: bool) -> Any:
    factor, g = (dagger(out), dagger(g)) if upper else (out, g)
    inverse = lower_inverse(factor)
    return dagger(inverse) @ lower_half(dagger(factor) @ g) @ inverse


def _push_cholesky(t: Any, out: Any, upper: bool) -> Any:
    factor = dagger(out) if upper else out
    inverse = lower_inverse(factor)
    pushed = factor @ lower_half(inverse @ t @ dagger(inverse))
    return dagger(pushed) if upper else pushed


cholesky_factor = Primitive(_cholesky, _pull_cholesky, _push_cholesky)


@meaning(np.linalg.cholesky)
def cholesky(a: Any, /, *, upper: bool = False) -> Any:
    return cholesky_factor(hermitian(a, not upper), upper=bool(upper))


# Orthonormal columns and their completions --------------------------------------------------------


def _reduced(g: Any, q: Any, k: int) -> Any:
    """The cotangent of the first k columns of a unitary q, which carry those behind along.

    The columns q2 behind span what is orthogonal to q1: dq2 = -q1 dq1^H q2, up to their basis.
    """
    if g is None or q.shape[-1] == k:
        return g
    first, rest = q[..., :k], q[..., k:]
    return g[..., :k] - rest @ (dagger(g[..., k:]) @ first)


def _completed(t: Any, q: Any) -> Any:
    """The tangent of a unitary q from that of its first columns."""
    k = t.shape[-1]
    if q.shape[-1] == k:
        return t
    return np.concatenate([t, -q[..., :k] @ (dagger(t) @ q[..., k:])], -1)


# QR -----------------------------------------------------------------------------------------------
#
# S. F. Walter and L. Lehmann, "Algorithmic differentiation of linear algebra functions with
# application in optimum experimental design", arXiv:1001.1654; of wide matrices: D. A. O. Roberts
# and L. R. Roberts, "QR and LQ decomposition matrix backpropagation algorithms for square, wide,
# and deep matrices", arXiv:2009.10071. LAPACK's R has a real diagonal.


def _qr(x: Any, /, mode: Any) -> Any:
    return tuple(np.linalg.qr(x, mode))


def _pull_qr(gs: Any, q: Any, r: Any, x_shape: Shape) -> Any:
    k = min(x_shape[-2:])
    gq, gr = _reduced(gs[0], q, k), gs[1]
    return _pull_thin_qr(gq, None if gr is None else gr[..., :k, :], q[..., :k], r[..., :k, :])


def _pull_thin_qr(gq: Any, gr: Any, q: Any, r: Any) -> Any:
    k = q.shape[-1]
    if gr is not None and r.shape[-1] > k:
        # A = [X, Y] = Q [U, V]: V is Q^H Y.
        rest, gv = r[..., k:], gr[..., k:]
        through = (q @ rest) @ dagger(gv)
        gx = _pull_thin_qr(through if gq is None else gq + through, gr[..., :k], q, r[..., :k])
        return np.concatenate([gx, q @ gv], -1)
    if r.shape[-1] > k:
        gx = _pull_thin_qr(gq, None, q, r[..., :k])
        return np.concatenate([gx, np.zeros((*gx.shape[:-1], r.shape[-1] - k), gx.dtype)], -1)
    middle: Any = 0
    if gr is not None:
        middle = r @ dagger(np.triu(gr))
    if gq is not None:
        middle = middle - dagger(gq) @ q
    half = lower_half(middle)
    # The imaginary part of the diagonal belongs to Q alone: R's is real.
    total = q @ (half + dagger(half))
    return (total if gq is None else gq + total) @ lower_inverse(dagger(r))


def _push_qr(t: Any, q: Any, r: Any, x_shape: Shape) -> Any:
    k = min(x_shape[-2:])
    thin, square = q[..., :k], r[..., :k, :k]
    inside = t[..., :k] @ dagger(lower_inverse(dagger(square)))
    turned = dagger(thin) @ inside
    strict = np.triu(turned + dagger(turned), 1)
    upper = with_diagonal(strict, np.real(main_diagonal(turned)))
    dq = inside - thin @ upper
    dr = upper @ square
    if x_shape[-1] > k:
        behind = dagger(thin) @ t[..., k:] + dagger(dq) @ (thin @ r[..., :k, k:])
        dr = np.concatenate([dr, behind], -1)
    rows = r.shape[-2] - k
    if rows:
        dr = np.concatenate([dr, np.zeros((*dr.shape[:-2], rows, dr.shape[-1]), dr.dtype)], -2)
    return _completed(dq, q), dr


orthogonal_triangular = Several(_qr, ("q", "r"), _pull_qr, _push_qr)


def _triangular(x: Any, /) -> Any:
    return np.linalg.qr(x, "r")


def _pull_triangular(g: Any, x: Any, x_shape: Shape) -> Any:
    q, r = orthogonal_triangular(x, mode="reduced")
    return _pull_thin_qr(None, g, q, r)


def _push_triangular(t: Any, x: Any, x_shape: Shape) -> Any:
    q, r = orthogonal_triangular(x, mode="reduced")
    return _push_qr(t, q, r, x_shape)[1]


triangular_factor = Primitive(_triangular, _pull_triangular, _push_triangular)


@meaning(np.linalg.qr)
def qr(a: Any, mode: str = "reduced") -> Any:
    if mode == "r":
        return triangular_factor(a)
    if mode not in ("reduced", "complete"):
        raise no_rule_for_argument(np.linalg.qr, "mode", "only 'reduced', 'complete' and 'r'")
    return QRResult(*orthogonal_triangular(a, mode=mode))


# Eigenvalues of Hermitian matrices ----------------------------------------------------------------
#
# M. B. Giles, "An extended collection of matrix derivative results for forward and reverse mode
# algorithmic differentiation" (2008), section 3.1; in complex form: C. Boeddeker et al., "On the
# computation of complex-valued gradients with application to statistically optimum beamforming",
# arXiv:1701.00392.


def _triangle_name(lower: bool) -> Any:
    return "L" if lower else "U"


def _eigh(x: Any, /, lower: bool) -> Any:
    return tuple(np.linalg.eigh(x, _triangle_name(lower)))


def _gaps(w: Any) -> Any:
    """The differences of eigenvalues: that of the column less that of the row; 1 of the same."""
    return with_diagonal(w[..., None, :] - w[..., :, None], np.ones(w.shape[-1:], w.dtype))


def _pull_eigh(gs: Any, w: Any, v: Any) -> Any:
    gw, gv = gs
    if gv is None:
        return scaled_columns(v, gw) @ dagger(v)
    middle = ratio(off_diagonal(dagger(v) @ gv), _gaps(w))
    if gw is not None:
        middle = with_diagonal(middle, gw)
    return v @ middle @ dagger(v)


def _push_eigh(t: Any, w: Any, v: Any) -> Any:
    turned = dagger(v) @ t @ v
    return np.real(main_diagonal(turned)), v @ ratio(off_diagonal(turned), _gaps(w))


hermitian_eigen = Several(_eigh, ("w", "v"), _pull_eigh, _push_eigh)


@meaning(np.linalg.eigh)
def eigh(a: Any, UPLO: str = "L") -> Any:
    lower = _reads_lower(UPLO)
    return EighResult(*hermitian_eigen(hermitian(a, lower), lower=lower))


def _reads_lower(UPLO: str) -> bool:
    if UPLO.upper() not in ("L", "U"):
        raise ValueError("UPLO argument must be 'L' or 'U'")
    return UPLO.upper() == "L"


def _eigvalsh(x: Any, /, lower: bool) -> Any:
    return np.linalg.eigvalsh(x, _triangle_name(lower))


def _pull_eigvalsh(g: Any, x: Any, lower: bool) -> Any:
    return _pull_eigh((g, None), *hermitian_eigen(x, lower=lower))


def _push_eigvalsh(t: Any, x: Any, lower: bool) -> Any:
    v = hermitian_eigen(x, lower=lower)[1]
    return np.real(np.sum(adjoint(v) * (t @ v), -2))


hermitian_eigenvalues = Primitive(_eigvalsh, _pull_eigvalsh, _push_eigvalsh)


@meaning(np.linalg.eigvalsh)
def eigvalsh(a: Any, UPLO: str = "L") -> Any:
    lower = _reads_lower(UPLO)
    return hermitian_eigenvalues(hermitian(a, lower), lower=lower)


# Eigenvalues of any matrices ----------------------------------------------------------------------
#
# Boeddeker et al., equation 4.77, and the vectors' unit length.


def _eig(x: Any, /) -> Any:
    return tuple(np.linalg.eig(x))


def _pull_eig(gs: Any, w: Any, v: Any) -> Any:
    gw, gv = gs
    turned = dagger(v)
    if gv is None:
        return stacked_solve(turned, gw[..., :, None] * turned)
    middle = turned @ gv
    middle = off_diagonal(middle - scaled_columns(turned @ v, main_diagonal(middle)))
    middle = ratio(middle, adjoint(_gaps(w)))
    if gw is not None:
        middle = with_diagonal(middle, gw)
    return stacked_solve(turned, middle @ turned)


def _push_eig(t: Any, w: Any, v: Any) -> Any:
    turned = stacked_solve(v, t @ v)
    moved = v @ ratio(off_diagonal(turned), _gaps(w))
    along = np.sum(adjoint(v) * moved, -2)
    return main_diagonal(turned), moved - scaled_columns(v, along)


eigen = Several(_eig, ("w", "v"), _pull_eig, _push_eig)


@meaning(np.linalg.eig)
def eig(a: Any) -> Any:
    return EigResult(*eigen(a))


def _eigvals(x: Any, /) -> Any:
    return np.linalg.eigvals(x)


def _in_order_of(values: Any, w: Any, v: Any) -> tuple[Any, Any]:
    """Eigenpairs in the order of values that LAPACK found without the vectors."""
    known, found = strip(values), strip(w)
    if not found.size:
        return w, v
    distance = np.abs(known[..., :, None] - found[..., None, :])
    size = np.abs(found).max(-1, initial=0)[..., None, None]
    slack = 1e3 * np.finfo(found.dtype).eps * np.where(size > 0, size, 1)
    order = np.argmin(distance - slack * np.eye(found.shape[-1]), -1)
    if np.all(order == np.arange(found.shape[-1])):
        return w, v
    return np.take_along_axis(w, order, -1), np.take_along_axis(v, order[..., None, :], -1)


def _pull_eigvals(g: Any, x: Any, out: Any) -> Any:
    return _pull_eig((g, None), *_in_order_of(out, *eigen(x)))


def _push_eigvals(t: Any, x: Any, out: Any) -> Any:
    return _push_eig(t, *_in_order_of(out, *eigen(x)))[0]


eigenvalues = Primitive(_eigvals, _pull_eigvals, _push_eigvals)


@meaning(np.linalg.eigvals)
def eigvals(a: Any) -> Any:
    return eigenvalues(a)


# Singular values ----------------------------------------------------------------------------------
#
# J. Townsend, "Differentiating the singular value decomposition" (2016); Z.-Q. Wan and S.-X. Zhang,
# "Automatic differentiation for complex valued SVD", arXiv:1909.02659. With dP = U^H dA V, the
# rotations U^H dU and V^H dV have the sum (dP + dP^H)/(s_j - s_i), zero on the diagonal, and the
# difference (dP - dP^H)/(s_i + s_j): no product of close gaps, no squares of small values.


def _svd(x: Any, /, full: bool) -> Any:
    return tuple(np.linalg.svd(x, full_matrices=full))


def _sums(s: Any) -> Any:
    return s[..., None, :] + s[..., :, None]


def _skew(x: Any) -> Any:
    """What of x a real skew matrix can have: no diagonal; all of x if it is complex."""
    return x if x.dtype.kind == "c" else off_diagonal(x)


def _pull_svd(gs: Any, u: Any, s: Any, vh: Any, x_shape: Shape) -> Any:
    gu, gsigma, gvh = gs
    k = s.shape[-1]
    left, right = u[..., :k], dagger(vh[..., :k, :])
    if gu is None and gvh is None:
        return scaled_columns(left, gsigma) @ dagger(right)
    gu = _reduced(gu, u, k)
    gv = None if gvh is None else _reduced(dagger(gvh), dagger(vh), k)
    of_left: Any = 0 if gu is None else dagger(left) @ gu
    of_right: Any = 0 if gv is None else dagger(right) @ gv
    both = ratio(off_diagonal((of_left + of_right) / 2), _gaps(s))
    apart = ratio(_skew((of_left - of_right) / 2), _sums(s))
    middle = both + dagger(both) + apart - dagger(apart)
    if gsigma is not None:
        middle = with_diagonal(middle, main_diagonal(middle) + gsigma)
    share = left @ middle @ dagger(right)
    if gu is not None and x_shape[-2] > k:
        share = share + ratio(gu - left @ of_left, s[..., None, :]) @ dagger(right)
    if gv is not None and x_shape[-1] > k:
        share = share + left @ dagger(ratio(gv - right @ of_right, s[..., None, :]))
    return share


def _push_svd(t: Any, u: Any, s: Any, vh: Any, x_shape: Shape) -> Any:
    k = s.shape[-1]
    left, right = u[..., :k], dagger(vh[..., :k, :])
    turned = dagger(left) @ t @ right
    both = ratio(off_diagonal(turned + dagger(turned)), _gaps(s)) / 2
    apart = ratio(_skew(turned - dagger(turned)), _sums(s)) / 2
    du, dv = left @ (both + apart), right @ (both - apart)
    if x_shape[-2] > k:
        du = du + ratio(t @ right - left @ turned, s[..., None, :])
    if x_shape[-1] > k:
        dv = dv + ratio(dagger(t) @ left - right @ dagger(turned), s[..., None, :])
    ds = np.real(main_diagonal(turned))
    return _completed(du, u), ds, dagger(_completed(dv, dagger(vh)))


singular = Several(_svd, ("u", "s", "vh"), _pull_svd, _push_svd)


def _svd_if_any(x: Any, /, full: bool) -> Any:
    try:
        return _svd(x, full)
    except np.linalg.LinAlgError:
        finite = np.isfinite(x).all((-2, -1), keepdims=True)
        u, s, vh = _svd(np.where(finite, x, x.dtype.type(0)), full)
        lost = np.where(finite, s.dtype.type(0), s.dtype.type(np.nan))
        return u + lost, s + lost[..., 0], vh + lost


#: The same for rules, which must not raise: NaN of matrices that are not finite.
singular_if_any = Several(
    _svd_if_any, ("u", "s", "vh"), _pull_svd, _push_svd, name="singular_if_any"
)


def _svdvals(x: Any, /) -> Any:
    return np.linalg.svd(x, compute_uv=False)


def _pull_svdvals(g: Any, x: Any, out: Any) -> Any:
    # A singular value that is 0 has a kink there, as an absolute value has; its slope counts as 0.
    u, _, vh = singular(x, full=False)
    return scaled_columns(u, g * (out != 0)) @ vh


def _push_svdvals(t: Any, x: Any, out: Any) -> Any:
    u, _, vh = singular(x, full=False)
    return np.real(np.sum(adjoint(u) * (t @ dagger(vh)), -2)) * (out != 0)


singular_values = Primitive(_svdvals, _pull_svdvals, _push_svdvals)


@meaning(np.linalg.svd)
def svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    if hermitian:
        return _hermitian_svd(a, compute_uv)
    if not compute_uv:
        return singular_values(a)
    return SVDResult(*singular(a, full=bool(full_matrices)))


def _hermitian_svd(a: Any, compute_uv: bool) -> Any:
    if not compute_uv:
        return np.sort(np.abs(np.linalg.eigvalsh(a)))[..., ::-1]
    w, v = np.linalg.eigh(a)
    signs, sizes = np.sign(w), np.abs(w)
    order = np.argsort(sizes)[..., ::-1]
    signs, sizes = [np.take_along_axis(x, order, -1) for x in (signs, sizes)]
    u = np.take_along_axis(v, order[..., None, :], -1)
    return SVDResult(u, sizes, dagger(u * signs[..., None, :]))


@meaning(getattr(np.linalg, "svdvals", None))
def svdvals(x: Any, /) -> Any:
    return singular_values(x)
