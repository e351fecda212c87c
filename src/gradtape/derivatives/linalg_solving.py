"""Rules of linear systems, inverses, determinants and powers of matrices."""

from __future__ import annotations

import operator
from math import prod
from typing import Any

import numpy as np
from numpy.linalg._linalg import SlogdetResult

from gradtape.derivatives import matrices
from gradtape.derivatives.linalg_decompositions import singular, singular_if_any
from gradtape.derivatives.matrices import (
    Solution,
    dagger,
    inverse_if_any,
    main_diagonal,
    off_diagonal,
    scaled_columns,
    with_diagonal,
)
from gradtape.multiple import Several
from gradtape.rules import Primitive, adjoint, meaning, strip

__all__ = ["inverse", "linear_solution"]

Shape = tuple[int, ...]


# Inverse ------------------------------------------------------------------------------------------
#
# M. B. Giles, "An extended collection of matrix derivative results for forward and reverse mode
# algorithmic differentiation" (2008), section 2.2.3.


def _inv(x: Any, /) -> Any:
    return np.linalg.inv(x)


inverse = Primitive(
    _inv,
    lambda g, out: -(dagger(out) @ g @ dagger(out)),
    lambda t, out: -(out @ t @ out),
)


@meaning(np.linalg.inv)
def inv(a: Any) -> Any:
    return inverse(a)


# Linear systems -----------------------------------------------------------------------------------


def _solve(a: Any, b: Any, /) -> Any:
    return np.linalg.solve(a, b)


linear_solution = Solution(_solve, "solve")


@meaning(np.linalg.solve)
def solve(a: Any, b: Any) -> Any:
    if np.ndim(b) != 1:
        return linear_solution(a, b)
    return np.squeeze(linear_solution(a, np.expand_dims(b, -1)), -1)


@meaning(np.linalg.tensorsolve)
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    if axes is not None:
        order = [i for i in range(np.ndim(a)) if i not in axes]
        a = np.transpose(a, (*order, *axes))
    shape = np.shape(a)[-(np.ndim(a) - np.ndim(b)) :]
    n = prod(shape)
    if n * n != prod(np.shape(a)):
        raise np.linalg.LinAlgError(
            f"tensorsolve: shapes {np.shape(a)} of a and {np.shape(b)} of b do not fit: "
            "prod(a.shape[b.ndim:]) must be prod(a.shape[:b.ndim])"
        )
    return np.reshape(np.linalg.solve(np.reshape(a, (n, n)), np.ravel(b)), shape)


@meaning(np.linalg.tensorinv)
def tensorinv(a: Any, ind: int = 2) -> Any:
    if ind <= 0:
        raise ValueError(f"tensorinv: ind must be positive, got {ind}")
    rows, columns = a.shape[:ind], a.shape[ind:]
    flat = np.reshape(a, (prod(columns), -1))
    return np.reshape(np.linalg.inv(flat), (*columns, *rows))


# Pseudo-inverse and least squares -----------------------------------------------------------------
#
# G. H. Golub and V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares
# problems whose variables separate", SIAM J. Numer. Anal. 10 (1973), equation 4.12: of matrices
# whose rank stays what it is.


def _pinv(x: Any, /, options: Any) -> Any:
    return np.linalg.pinv(x, **dict(options))


def _pull_pinv(g: Any, x: Any, out: Any) -> Any:
    turned = dagger(out)
    rows = out @ (turned @ (g - (g @ x) @ out))
    columns = ((g - out @ (x @ g)) @ turned) @ out
    return dagger(rows + columns) - turned @ g @ turned


def _push_pinv(t: Any, x: Any, out: Any) -> Any:
    turned = dagger(t)
    rows = (out @ dagger(out)) @ (turned - turned @ (x @ out))
    columns = (turned - out @ (x @ turned)) @ (dagger(out) @ out)
    return rows + columns - out @ t @ out


pseudo_inverse = Primitive(_pinv, _pull_pinv, _push_pinv)


@meaning(np.linalg.pinv)
def pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = np._NoValue) -> Any:
    # What is below the tolerance counts as zero: by it there is no derivative.
    options: dict[str, Any] = {"rcond": strip(rcond), "hermitian": bool(hermitian)}
    if rtol is not np._NoValue:
        options["rtol"] = strip(rtol)
    return pseudo_inverse(matrices.hermitian(a) if hermitian else a, options=tuple(options.items()))


def _lstsq(a: Any, b: Any, /, rcond: Any) -> Any:
    return tuple(np.linalg.lstsq(a, b, rcond))


def _inverted(a: Any, rcond: Any) -> Any:
    """The pseudo-inverse that goes with a least-squares solution."""
    unit = float(np.finfo(float).eps)  # NumPy computes in double precision, whatever the dtype
    if rcond is None:
        rcond = unit * max(a.shape)
    return np.linalg.pinv(a, unit if rcond == -1 else rcond)


def _pull_design(gs: Any, a: Any, b: Any, x: Any, residuals: Any, rcond: Any, batch: Shape) -> Any:
    gx, gsums, _, gs_ = gs
    share: Any = np.zeros(batch + a.shape, a.dtype)
    rest = b - a @ x
    if gx is not None:
        p = _inverted(a, rcond)
        u = dagger(p) @ gx
        share = rest @ dagger(p @ u) - u @ dagger(x)
        share = share + (dagger(p) @ x) @ dagger(gx - p @ (a @ gx))
    if gsums is not None and residuals.size:
        share = share - scaled_columns(rest, 2 * gsums) @ dagger(x)
    if gs_ is not None:
        u, _, vh = singular(a, full=False)
        share = share + scaled_columns(u, gs_) @ vh
    return share


def _pull_observations(
    gs: Any, a: Any, b: Any, x: Any, residuals: Any, rcond: Any, batch: Shape
) -> Any:
    gx, gsums, *_ = gs
    share: Any = np.zeros(batch + b.shape, b.dtype)
    if gx is not None:
        share = dagger(_inverted(a, rcond)) @ gx
    if gsums is not None and residuals.size:
        share = share + scaled_columns(b - a @ x, 2 * gsums)
    return share


def _of_residuals(rest: Any, t: Any, residuals: Any) -> Any:
    if not residuals.size:
        return None
    return 2 * np.sum(np.real(adjoint(rest) * t), -2)


def _push_design(t: Any, a: Any, b: Any, x: Any, residuals: Any, rcond: Any) -> Any:
    p, rest, turned = _inverted(a, rcond), b - a @ x, dagger(t)
    through = turned @ (dagger(p) @ x)
    dx = p @ (dagger(p) @ (turned @ rest)) - p @ (t @ x) + through - p @ (a @ through)
    u, _, vh = singular(a, full=False)
    ds = np.real(np.sum(adjoint(u) * (t @ dagger(vh)), -2))
    return dx, _of_residuals(rest, -(t @ x), residuals), None, ds


def _push_observations(t: Any, a: Any, b: Any, x: Any, residuals: Any, rcond: Any) -> Any:
    return _inverted(a, rcond) @ t, _of_residuals(b - a @ x, t, residuals), None, None


least_squares = Several(
    _lstsq,
    ("x", "residuals", "rank", "s"),
    (_pull_design, _pull_observations),
    (_push_design, _push_observations),
)


@meaning(np.linalg.lstsq)
def lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    rcond = strip(rcond)
    if np.ndim(b) != 1:
        return least_squares(a, b, rcond=rcond)
    x, residuals, rank, s = least_squares(a, np.expand_dims(b, -1), rcond=rcond)
    return np.squeeze(x, -1), residuals, rank, s


# Determinants -------------------------------------------------------------------------------------
#
# The derivative of a determinant is the matrix of cofactors, which a singular matrix has as well.
# With A = U S W (singular values) it is det(U W) conj(U) cof(S) conj(W), and its derivative along
# dA that of cof at a diagonal matrix along E = U^H dA W^H: products of the other singular values,
# without a division.


def _det(x: Any, /) -> Any:
    return np.linalg.det(x)


def _pull_det(g: Any, x: Any) -> Any:
    return g[..., None, None] * adjoint(cofactors(x))


def _push_det(t: Any, x: Any) -> Any:
    return np.sum(t * cofactors(x), (-2, -1))


determinant = Primitive(_det, _pull_det, _push_det)


@meaning(np.linalg.det)
def det(a: Any) -> Any:
    return determinant(a)


def _products_of_others(s: Any) -> Any:
    """Per entry along the last axis, the product of the others."""
    n = s.shape[-1]
    return np.prod(np.where(np.eye(n, dtype=bool), s.dtype.type(1), s[..., None, :]), -1)


def _products_of_other_pairs(s: Any) -> Any:
    """For each two entries, the product of the others; zeros for an entry with itself."""
    n = s.shape[-1]
    if n < 2:
        return np.zeros((*s.shape, n), s.dtype)
    same = np.eye(n, dtype=bool)
    left_out = same[:, None] | same[None, :]
    return off_diagonal(np.prod(np.where(left_out, s.dtype.type(1), s[..., None, None, :]), -1))


def _cofactors(x: Any, /) -> Any:
    if x.shape[-1] == 0:
        return x * 1
    u, s, w = singular_if_any(x, full=True)
    sign = np.linalg.det(u) * np.linalg.det(w)
    inside = scaled_columns(np.conjugate(u), _products_of_others(s)) @ np.conjugate(w)
    return (sign[..., None, None] * inside).astype(x.dtype)


def _moved(e: Any, products: Any) -> Any:
    """The derivative of the cofactors of a diagonal matrix along e, which is its own transpose."""
    diagonal = np.squeeze(products @ np.expand_dims(main_diagonal(e), -1), -1)
    return with_diagonal(-(np.swapaxes(e, -1, -2) * products), diagonal)


def _pull_cofactors(g: Any, x: Any) -> Any:
    u, s, w = singular_if_any(x, full=True)
    sign = adjoint(np.linalg.det(u) * np.linalg.det(w))[..., None, None]
    inside = np.swapaxes(u, -1, -2) @ (sign * g) @ np.swapaxes(w, -1, -2)
    return u @ _moved(inside, _products_of_other_pairs(s)) @ w


def _push_cofactors(t: Any, x: Any) -> Any:
    u, s, w = singular_if_any(x, full=True)
    sign = (np.linalg.det(u) * np.linalg.det(w))[..., None, None]
    inside = _moved(dagger(u) @ t @ dagger(w), _products_of_other_pairs(s))
    return sign * (adjoint(u) @ inside @ adjoint(w))


cofactors: Primitive = Primitive(_cofactors, _pull_cofactors, _push_cofactors)


def _slogdet(x: Any, /) -> Any:
    return tuple(np.linalg.slogdet(x))


def _pull_slogdet(gs: Any, x: Any, sign: Any) -> Any:
    gsign, factor = gs
    if gsign is not None and sign.dtype.kind == "c":
        # The sign moves by i Im(tr(x^-1 dx)) times itself.
        turn = np.imag(adjoint(sign) * gsign) * 1j
        factor = turn if factor is None else factor + turn
    if factor is None:  # a real sign is constant
        return np.zeros((*gsign.shape, *x.shape[-2:]), x.dtype)
    return factor[..., None, None] * dagger(inverse_if_any(x))


def _push_slogdet(t: Any, x: Any, sign: Any) -> Any:
    along = np.sum(np.swapaxes(inverse_if_any(x), -1, -2) * t, (-2, -1))
    moves = sign.dtype.kind == "c"
    return np.imag(along) * 1j * sign if moves else np.zeros(along.shape), np.real(along)


sign_and_logarithm = Several(_slogdet, ("sign", "logabsdet"), _pull_slogdet, _push_slogdet)


@meaning(np.linalg.slogdet)
def slogdet(a: Any) -> Any:
    return SlogdetResult(*sign_and_logarithm(a))


# Powers and products ------------------------------------------------------------------------------


@meaning(np.linalg.matrix_power)
def matrix_power(a: Any, n: Any) -> Any:
    n = operator.index(n)
    if n == 0 or a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        return np.linalg.matrix_power(np.empty(a.shape, a.dtype), 0)  # constant, or NumPy's error
    if n < 0:
        a, n = np.linalg.inv(a), -n
    if n == 3:
        return (a @ a) @ a
    square, result = a, None
    while True:
        if n & 1:
            result = square if result is None else result @ square
        n >>= 1
        if not n:
            return result
        square = square @ square


@meaning(np.linalg.multi_dot)
def multi_dot(arrays: Any) -> Any:
    factors = list(arrays)
    if len(factors) < 2:
        raise ValueError(f"multi_dot: expecting at least two arrays, got {len(factors)}")
    first, last = [np.ndim(factors[i]) for i in (0, -1)]
    if first == 1:
        factors[0] = np.expand_dims(factors[0], 0)
    if last == 1:
        factors[-1] = np.expand_dims(factors[-1], 1)
    for i, x in enumerate(factors):
        if np.ndim(x) != 2:
            raise np.linalg.LinAlgError(
                f"multi_dot: array {i} has shape {np.shape(arrays[i])}; it must be a matrix (the "
                "first and the last may be vectors)"
            )
    product = _in_best_order(factors, _best_splits([np.shape(x) for x in factors]))
    kept = [n for n, ndim in zip(product.shape, (first, last), strict=True) if ndim == 2]
    return np.reshape(product, tuple(kept))


def _best_splits(shapes: list[Shape]) -> dict[tuple[int, int], int]:
    """Where to split each run of factors, for the fewest multiplications.

    T. H. Cormen et al., "Introduction to Algorithms", 15.2: matrix-chain multiplication.
    """
    p = [shapes[0][0], *[shape[1] for shape in shapes]]
    n = len(shapes)
    cost = {(i, i): 0 for i in range(n)}
    split = {}
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            options = [
                (cost[i, k] + cost[k + 1, j] + p[i] * p[k + 1] * p[j + 1], k) for k in range(i, j)
            ]
            cost[i, j], split[i, j] = min(options)
    return split


def _in_best_order(factors: list[Any], split: dict[tuple[int, int], int]) -> Any:
    def run(i: int, j: int) -> Any:
        if i == j:
            return factors[i]
        return np.matmul(run(i, split[i, j]), run(split[i, j] + 1, j))

    return run(0, len(factors) - 1)
