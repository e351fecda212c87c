"""What the rules of linear algebra are written in: adjoints, diagonals, systems, quotients.

Everything acts on the last two axes, whatever stands in front of them. No rule may raise because
of a value, of one matrix of a stack or of a cotangent that masks will replace: so systems with a
singular matrix have solutions here, which are NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradtape.arithmetic import cast
from gradtape.rules import Primitive, adjoint, align, strip, unbroadcast

__all__ = [
    "Solution",
    "dagger",
    "hermitian",
    "inverse_if_any",
    "lower_half",
    "lower_inverse",
    "main_diagonal",
    "off_diagonal",
    "ratio",
    "right_solve",
    "scaled_columns",
    "stacked_solve",
    "triangle",
    "with_diagonal",
]

Shape = tuple[int, ...]


def dagger(x: Any) -> Any:
    """The conjugate transpose."""
    return adjoint(np.swapaxes(x, -1, -2))


def main_diagonal(x: Any) -> Any:
    """The main diagonals, as vectors."""
    return np.diagonal(x, 0, -2, -1)


def _identity(x: Any) -> Any:
    return np.eye(x.shape[-2], x.shape[-1], dtype=bool)


def with_diagonal(x: Any, diagonal: Any) -> Any:
    """x with another diagonal."""
    return np.where(_identity(x), diagonal[..., None, :], x)


def off_diagonal(x: Any) -> Any:
    """x with zeros on the diagonal."""
    return np.where(_identity(x), x.dtype.type(0), x)


def scaled_columns(x: Any, factors: Any) -> Any:
    """x with each column times its factor."""
    return x * factors[..., None, :]


def triangle(x: Any, lower: bool = True, k: int = 0) -> Any:
    """The entries on and below the diagonal ``k``, or on and above ``-k``."""
    return np.tril(x, k) if lower else np.triu(x, -k)


def lower_half(x: Any) -> Any:
    """The lower triangle with half the diagonal: for a Hermitian x, it and its adjoint give x."""
    return np.tril(x, -1) + with_diagonal(np.zeros(x.shape[-2:], x.dtype), main_diagonal(x) / 2)


# Systems and inverses -------------------------------------------------------------------------
#
# M. B. Giles, "An extended collection of matrix derivative results for forward and reverse mode
# algorithmic differentiation" (2008), sections 2.2.3 and 2.3.1.


def _if_any(function: Callable[..., Any], a: Any, *b: Any) -> Any:
    """What LAPACK makes of a stack of matrices; NaN for those that are singular."""
    try:
        return function(a, *b)
    except np.linalg.LinAlgError:
        regular = (np.linalg.slogdet(a)[0] != 0)[..., None, None]
        out = function(np.where(regular, a, _identity(a).astype(a.dtype)), *b)
        return np.where(regular, out, out.dtype.type(np.nan))


def _inverse_if_any(x: Any, /) -> Any:
    return _if_any(np.linalg.inv, x)


#: The inverses of matrices; NaN for those that have none.
inverse_if_any = Primitive(
    _inverse_if_any,
    lambda g, out: -(dagger(out) @ g @ dagger(out)),
    lambda t, out: -(out @ t @ out),
)


def _solution_if_any(a: Any, b: Any, /) -> Any:
    return _if_any(np.linalg.solve, a, b)


def _pull_matrix(g: Any, a: Any, out: Any, a_shape: Shape, batch: Shape) -> Any:
    return unbroadcast(-(stacked_solve(dagger(a), g) @ dagger(out)), a_shape, batch)


def _pull_sides(g: Any, a: Any, b_shape: Shape, batch: Shape) -> Any:
    return unbroadcast(stacked_solve(dagger(a), g), b_shape, batch)


def _push_matrix(t: Any, a: Any, out: Any, a_shape: Shape, batch: Shape) -> Any:
    return -stacked_solve(a, align(t, a_shape, out.ndim, batch) @ out)


def _push_sides(t: Any, a: Any, out: Any, b_shape: Shape, batch: Shape) -> Any:
    return stacked_solve(a, align(t, b_shape, out.ndim, batch))


class Solution(Primitive):
    """The solution of a x = b: a primitive whose two gradients share that of the adjoint systems.

    ``compute`` says what becomes of a singular matrix.
    """

    def __init__(self, compute: Callable[..., Any], name: str) -> None:
        rules = (_pull_matrix, _pull_sides), (_push_matrix, _push_sides)
        super().__init__(compute, *rules, name=name)

    def pull(self, g: Any, record: Any, batch: Shape, into: Any) -> None:
        """Add the share of each tracked input in the output's cotangent ``g`` to those ``into``."""
        _, _, mask, keys, (a, _, out), (shapes, dtypes), _ = record
        if mask != 3:
            super().pull(g, record, batch, into)
            return
        sides = stacked_solve(dagger(a), g)
        for i, share in enumerate((-(sides @ dagger(out)), sides)):
            into.add(keys[i], cast(unbroadcast(share, shapes[i], batch), dtypes[i]))


_solution = Solution(_solution_if_any, "solution_if_any")


def stacked_solve(a: Any, b: Any) -> Any:
    """The solution of a x = b for matrices b, of which each matrix a is factored but once."""
    if a.ndim == 2 < b.ndim and b.size:
        columns = np.moveaxis(b, -2, 0)
        flat = _solution(a, columns.reshape(b.shape[-2], -1))
        return np.moveaxis(flat.reshape(columns.shape), 0, -2)
    return _solution(a, b)


def right_solve(b: Any, a: Any) -> Any:
    """The solution of x a = b."""
    return np.swapaxes(stacked_solve(np.swapaxes(a, -1, -2), np.swapaxes(b, -1, -2)), -1, -2)


# Triangles ------------------------------------------------------------------------------------

#: Up to this many rows LAPACK inverts a triangle, as it does any matrix; above, its halves are.
SMALL = 32


def _lower_inverse(x: Any, /) -> Any:
    n = x.shape[-1]
    if n <= SMALL:
        return np.tril(_inverse_if_any(x))
    k = n // 2
    first, last = _lower_inverse(x[..., :k, :k]), _lower_inverse(x[..., k:, k:])
    out = np.zeros(x.shape, x.dtype)
    out[..., :k, :k], out[..., k:, k:] = first, last
    out[..., k:, :k] = -(last @ x[..., k:, :k]) @ first
    return out


#: The inverse of a lower triangle, for rules: mostly matrix products, and so fast.
lower_inverse = Primitive(
    _lower_inverse,
    lambda g, out: np.tril(-(dagger(out) @ g @ dagger(out))),
    lambda t, out: -(out @ np.tril(t) @ out),
)


# Quotients ------------------------------------------------------------------------------------


def _ratio(x: Any, y: Any, /) -> Any:
    if np.all(y):  # the common case, in one pass
        return np.true_divide(x, y)
    with np.errstate(all="ignore"):
        return np.true_divide(x, np.where(x == 0, y.dtype.type(1), y))


def _pull_dividend(g: Any, y: Any, x_shape: Shape, batch: Shape) -> Any:
    return unbroadcast(ratio(g, adjoint(y)), x_shape, batch)


def _pull_divisor(g: Any, y: Any, out: Any, y_shape: Shape, batch: Shape) -> Any:
    return unbroadcast(-ratio(g * adjoint(out), adjoint(y)), y_shape, batch)


def _push_dividend(t: Any, y: Any, out: Any, x_shape: Shape, batch: Shape) -> Any:
    return ratio(align(t, x_shape, out.ndim, batch), y)


def _push_divisor(t: Any, y: Any, out: Any, y_shape: Shape, batch: Shape) -> Any:
    return -ratio(align(t, y_shape, out.ndim, batch) * out, y)


#: x/y, and 0 wherever x is 0, even over 0. In the rules of decompositions y is a gap between two
#: eigenvalues: a target that no eigenvector of an equal pair reaches has a derivative, and gets it;
#: for one that is reached, the formulas say nothing, and it gets no finite number.
ratio: Primitive = Primitive(
    _ratio, (_pull_dividend, _pull_divisor), (_push_dividend, _push_divisor)
)


# Hermitian arguments --------------------------------------------------------------------------


def _hermitian(x: Any, /, lower: bool, whole: bool) -> Any:
    if whole:
        return x
    strict = triangle(x, lower, -1)
    return with_diagonal(strict + dagger(strict), np.real(main_diagonal(x)))


def _pull_hermitian(g: Any, lower: bool, whole: bool) -> Any:
    if whole:
        return (g + dagger(g)) / 2
    return with_diagonal(triangle(g + dagger(g), lower, -1), np.real(main_diagonal(g)))


def _push_hermitian(t: Any, lower: bool, whole: bool) -> Any:
    return (t + dagger(t)) / 2 if whole else _hermitian(t, lower, whole)


mirrored = Primitive(_hermitian, _pull_hermitian, _push_hermitian)


def hermitian(a: Any, lower: bool = True) -> Any:
    """The Hermitian matrix that a function reads from one triangle of its argument.

    For a matrix that is Hermitian, the gradient is the Hermitian one: each entry has half of what
    the pair has, as in TensorFlow, PyTorch and JAX. Otherwise (a matrix of which one triangle is
    filled) it is that of the triangle that is read.
    """
    x = strip(a)
    if x.dtype.kind not in "fc" or x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        return a  # the function itself knows what to do, or to say
    with np.errstate(all="ignore"):
        apart = np.abs(x - dagger(x)).max(initial=0)
        whole = apart <= 16 * np.finfo(x.dtype).eps * np.abs(x).max(initial=0)
    return mirrored(a, lower=lower, whole=bool(whole))
