"""Primitives of ``gradtape.scipy.linalg``: what NumPy has not, computed by SciPy."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import linalg as _scipy

from gradtape.derivatives.matrices import dagger, right_solve, stacked_solve, triangle
from gradtape.multiple import Several
from gradtape.rules import Primitive, adjoint, align, strip, unbroadcast

__all__ = [
    "each",
    "exponential",
    "exponential_along",
    "logarithm",
    "lower_upper",
    "orthonormal",
    "reordered",
    "square_root",
    "sylvester",
    "triangular",
]

Shape = tuple[int, ...]


def each(function: Callable[[Any], Any], x: Any) -> Any:
    """A function of one matrix for each of a stack."""
    if x.ndim == 2:
        return function(x)
    found = np.array([function(one) for one in x.reshape(-1, *x.shape[-2:])])
    return found.reshape(*x.shape[:-2], *(found.shape[1:] or x.shape[-2:]))


# Triangular systems -------------------------------------------------------------------------------


def _triangular(a: Any, b: Any, /, trans: int, lower: bool, unit: bool) -> Any:
    if a.ndim > 2:
        shape = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        stack = np.broadcast_to(a, (*shape, *a.shape[-2:])).reshape(-1, *a.shape[-2:])
        sides = np.broadcast_to(b, (*shape, *b.shape[-2:])).reshape(-1, *b.shape[-2:])
        pairs = zip(stack, sides, strict=True)
        solved = [_triangular(one, side, trans, lower, unit) for one, side in pairs]
        return np.array(solved).reshape(*shape, *b.shape[-2:])
    columns = np.moveaxis(b, -2, 0)
    options: dict[str, Any] = {"lower": lower, "unit_diagonal": unit, "check_finite": False}
    x = _scipy.solve_triangular(a, columns.reshape(columns.shape[0], -1), trans, **options)
    return np.moveaxis(x.reshape(columns.shape), 0, -2)


def _adjoint_solution(g: Any, a: Any, trans: int, lower: bool, unit: bool) -> Any:
    """The solution for the conjugate transpose of the matrix that ``trans`` makes of a."""
    a, back = (adjoint(a), 0) if trans == 1 else (a, 2 - trans)
    return triangular(a, g, trans=back, lower=lower, unit=unit)


def _pull_triangle(
    g: Any, a: Any, out: Any, a_shape: Shape, trans: int, lower: bool, unit: bool, batch: Shape
) -> Any:
    share = -(_adjoint_solution(g, a, trans, lower, unit) @ dagger(out))
    share = (share, np.swapaxes(share, -1, -2), dagger(share))[trans]
    return unbroadcast(triangle(share, lower, -1 if unit else 0), a_shape, batch)


def _pull_sides(
    g: Any, a: Any, b_shape: Shape, trans: int, lower: bool, unit: bool, batch: Shape
) -> Any:
    return unbroadcast(_adjoint_solution(g, a, trans, lower, unit), b_shape, batch)


def _push_triangle(
    t: Any, a: Any, out: Any, a_shape: Shape, trans: int, lower: bool, unit: bool, batch: Shape
) -> Any:
    t = triangle(align(t, a_shape, out.ndim, batch), lower, -1 if unit else 0)
    t = (t, np.swapaxes(t, -1, -2), dagger(t))[trans]
    return -triangular(a, t @ out, trans=trans, lower=lower, unit=unit)


def _push_sides(
    t: Any, a: Any, out: Any, b_shape: Shape, trans: int, lower: bool, unit: bool, batch: Shape
) -> Any:
    return triangular(a, align(t, b_shape, out.ndim, batch), trans=trans, lower=lower, unit=unit)


#: The solution x of a x = b, or with the transpose (1) or conjugate transpose (2) of a triangle a.
triangular: Primitive = Primitive(
    _triangular,
    (_pull_triangle, _pull_sides),
    (_push_triangle, _push_sides),
    name="scipy.solve_triangular",
)


# LU -----------------------------------------------------------------------------------------------
#
# F. R. de Hoog, R. S. Anderssen and M. A. Lukas, "Differentiation of matrix functionals using
# triangular factorization", Math. Comp. 80 (2011), 1585-1600: with M = L^-1 dA U^-1 of the leading
# square, dL = L tril(M, -1) and dU = triu(M) U. What is beside or below it follows from A = L U.


def _lu(x: Any, /) -> Any:
    return _scipy.lu(x, p_indices=True, check_finite=False)


def reordered(x: Any, order: Any) -> Any:
    """x with its rows in another order, one for each matrix of a stack."""
    order = strip(order)
    shape = np.broadcast_shapes(x.shape[:-1], order.shape)
    places = np.broadcast_to(order, shape)[..., None]
    return np.take_along_axis(np.broadcast_to(x, (*shape, x.shape[-1])), places, -2)


def _pull_lu(gs: Any, p: Any, lower: Any, upper: Any, batch: Shape) -> Any:
    _, gl, gu = gs
    k = lower.shape[-1]
    gl = np.zeros(batch + lower.shape, lower.dtype) if gl is None else gl
    gu = np.zeros(batch + upper.shape, upper.dtype) if gu is None else gu
    left, right = lower[..., :k, :], upper[..., :k]
    top, before = gl[..., :k, :], gu[..., :k]
    parts = []
    if lower.shape[-2] > k:
        below = right_solve(gl[..., k:, :], dagger(right))
        before = before - dagger(lower[..., k:, :]) @ below
        parts = [below]
    beside = None
    if upper.shape[-1] > k:
        beside = stacked_solve(dagger(left), gu[..., k:])
        top = top - beside @ dagger(upper[..., k:])
    middle = np.tril(dagger(left) @ top, -1) + np.triu(before @ dagger(right))
    share = right_solve(stacked_solve(dagger(left), middle), dagger(right))
    if beside is not None:
        share = np.concatenate([share, beside], -1)
    return reordered(np.concatenate([share, *parts], -2), p)


def _push_lu(t: Any, p: Any, lower: Any, upper: Any) -> Any:
    k = lower.shape[-1]
    t = reordered(t, np.argsort(strip(p), -1))
    left, right = lower[..., :k, :], upper[..., :k]
    middle = stacked_solve(left, right_solve(t[..., :k, :k], right))
    dl, du = left @ np.tril(middle, -1), np.triu(middle) @ right
    if upper.shape[-1] > k:
        rest = stacked_solve(left, t[..., :k, k:] - dl @ upper[..., k:])
        return None, dl, np.concatenate([du, rest], -1)
    if lower.shape[-2] > k:
        rest = right_solve(t[..., k:, :] - lower[..., k:, :] @ du, right)
        dl = np.concatenate([dl, rest], -2)
    return None, dl, du


#: The rows' order and the factors: ``x = lower[p] @ upper``.
lower_upper = Several(_lu, ("p", "lower", "upper"), _pull_lu, _push_lu, name="scipy.lu")


# Sylvester's equation -----------------------------------------------------------------------------


def _sylvester(a: Any, b: Any, q: Any, /) -> Any:
    dtype = np.result_type(a, b, q)  # SciPy 1.17 solves some mixes of real and complex wrongly
    if dtype.kind == "c":
        a, b, q = [x.astype(dtype, copy=False) for x in (a, b, q)]
    if a.ndim == b.ndim == q.ndim == 2:
        return _scipy.solve_sylvester(a, b, q)
    stack = np.broadcast_shapes(a.shape[:-2], b.shape[:-2], q.shape[:-2])
    wide = [np.broadcast_to(x, (*stack, *x.shape[-2:])) for x in (a, b, q)]
    flat = zip(*[x.reshape(-1, *x.shape[-2:]) for x in wide], strict=True)
    return np.array([_scipy.solve_sylvester(*one) for one in flat]).reshape(wide[2].shape)


def _adjoint_sylvester(g: Any, a: Any, b: Any) -> Any:
    return sylvester(dagger(a), dagger(b), g)


def _pull_right(g: Any, a: Any, b: Any, q_shape: Shape, batch: Shape) -> Any:
    return unbroadcast(_adjoint_sylvester(g, a, b), q_shape, batch)


def _pull_first(g: Any, a: Any, b: Any, out: Any, a_shape: Shape, batch: Shape) -> Any:
    return unbroadcast(-(_adjoint_sylvester(g, a, b) @ dagger(out)), a_shape, batch)


def _pull_second(g: Any, a: Any, b: Any, out: Any, b_shape: Shape, batch: Shape) -> Any:
    return unbroadcast(-(dagger(out) @ _adjoint_sylvester(g, a, b)), b_shape, batch)


def _push_first(t: Any, a: Any, b: Any, out: Any, a_shape: Shape, batch: Shape) -> Any:
    return -sylvester(a, b, align(t, a_shape, out.ndim, batch) @ out)


def _push_second(t: Any, a: Any, b: Any, out: Any, b_shape: Shape, batch: Shape) -> Any:
    return -sylvester(a, b, out @ align(t, b_shape, out.ndim, batch))


def _push_right(t: Any, a: Any, b: Any, out: Any, q_shape: Shape, batch: Shape) -> Any:
    return sylvester(a, b, align(t, q_shape, out.ndim, batch))


#: The solution x of a x + x b = q, of matrices or stacks of them.
sylvester: Primitive = Primitive(
    _sylvester,
    (_pull_first, _pull_second, _pull_right),
    (_push_first, _push_second, _push_right),
    name="scipy.solve_sylvester",
)


# Polar decomposition ------------------------------------------------------------------------------
#
# A = U P with U^H U = 1. The turn W = U^H dU is skew: W P + P W = U^H dA - dA^H U; N. J. Higham,
# "Functions of Matrices" (2008), section 8.3. No gap between singular values divides.


def _polar(x: Any, /) -> Any:
    return each(lambda one: _scipy.polar(one)[0], x)


def _pull_polar(g: Any, x: Any, out: Any) -> Any:
    size = dagger(out) @ x
    turn = sylvester(size, size, dagger(out) @ g)
    share = out @ (turn - dagger(turn))
    if x.shape[-2] > x.shape[-1]:
        share = share + right_solve(g - out @ (dagger(out) @ g), dagger(size))
    return share


def _push_polar(t: Any, x: Any, out: Any) -> Any:
    size, turned = dagger(out) @ x, dagger(out) @ t
    pushed = out @ sylvester(size, size, turned - dagger(turned))
    if x.shape[-2] > x.shape[-1]:
        pushed = pushed + right_solve(t - out @ turned, size)
    return pushed


#: The nearest matrix with orthonormal columns, of a matrix of full rank that is not wide.
orthonormal = Primitive(_polar, _pull_polar, _push_polar, name="scipy.polar")


# Functions of matrices ----------------------------------------------------------------------------
#
# The derivative L(a, e) of f at a along e is the upper right block of f([[a, e], [0, a]]), and its
# own derivatives are blocks of derivatives: N. J. Higham, "Functions of Matrices" (2008), theorem
# 3.6; A. H. Al-Mohy and N. J. Higham, "Computing the Fréchet derivative of the matrix exponential,
# with an application to condition number estimation", SIAM J. Matrix Anal. Appl. 30 (2009);
# N. J. Higham and S. D. Relton, "Higher order Fréchet derivatives of matrix functions and the
# level-2 condition number", SIAM J. Matrix Anal. Appl. 35 (2014). Its adjoint is e -> L(a, e^H)^H.


def _block(a: Any, b: Any, c: Any) -> Any:
    """The matrix [[a, b], [0, c]] of square blocks."""
    shape = np.broadcast_shapes(a.shape, b.shape, c.shape)
    a, b, c = [np.broadcast_to(x, shape) for x in (a, b, c)]
    above, below = np.concatenate([a, b], -1), np.concatenate([np.zeros_like(strip(c)), c], -1)
    return np.concatenate([above, below], -2)


def _upper_right(x: Any) -> Any:
    n = x.shape[-1] // 2
    return x[..., :n, n:]


def _scale(e: Any, a: Any) -> Any:
    """A power of two that brings e to the size of a, so that f is computed of nothing larger."""
    e, a = strip(e), strip(a)
    size = np.abs(e).max((-2, -1), keepdims=True, initial=0)
    known = np.abs(a).max((-2, -1), keepdims=True, initial=0)
    with np.errstate(all="ignore"):
        power = np.exp2(np.round(np.log2(np.where(known > 0, known, 1) / size)))
    return np.where(np.isfinite(power) & (power > 0), power, 1).astype(size.dtype)


def _matrix_function(function: Callable[[Any], Any], name: str) -> tuple[Primitive, Primitive]:
    """A function of square matrices that a power series gives, and its derivative along one."""

    def compute(x: Any, /) -> Any:
        return each(function, x)

    def if_any(x: Any) -> Any:
        try:
            return function(x)
        except ValueError:  # a rule must not raise because of a NaN
            return np.full_like(x, np.nan)

    def along(a: Any, e: Any, /) -> Any:
        scale = _scale(e, a)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what the function itself has warned already
            return _upper_right(each(if_any, _block(a, e * scale, a))) / scale

    def pull_point(g: Any, a: Any, e: Any, a_shape: Shape, batch: Shape) -> Any:
        zeros, scale = np.zeros_like(strip(g)), _scale(e, a)
        point = _block(a, e * scale, a)
        turned = dagger(derivative(point, dagger(_block(zeros, g / scale, zeros))))
        n = turned.shape[-1] // 2
        return unbroadcast(turned[..., :n, :n] + turned[..., n:, n:], a_shape, batch)

    def push_point(t: Any, a: Any, e: Any, out: Any, a_shape: Shape, batch: Shape) -> Any:
        t, scale = align(t, a_shape, out.ndim, batch), _scale(e, a)
        direction = _block(t, np.zeros_like(strip(t)), t)
        return _upper_right(derivative(_block(a, e * scale, a), direction)) / scale

    def pull_direction(g: Any, a: Any, e_shape: Shape, batch: Shape) -> Any:
        return unbroadcast(dagger(derivative(a, dagger(g))), e_shape, batch)

    def push_direction(t: Any, a: Any, out: Any, e_shape: Shape, batch: Shape) -> Any:
        return derivative(a, align(t, e_shape, out.ndim, batch))

    derivative = Primitive(
        along, (pull_point, pull_direction), (push_point, push_direction), name=f"{name}.along"
    )
    itself = Primitive(
        compute,
        lambda g, x: dagger(derivative(x, dagger(g))),
        lambda t, x: derivative(x, t),
        name=name,
    )
    return itself, derivative


exponential, exponential_along = _matrix_function(_scipy.expm, "scipy.expm")
logarithm, _ = _matrix_function(_scipy.logm, "scipy.logm")
square_root, _ = _matrix_function(_scipy.sqrtm, "scipy.sqrtm")
