"""Derivatives of orthogonal polynomials and Legendre functions by their argument.

A derivative is another orthogonal polynomial, one degree lower: no division by 1 - x x, so that the
ends of the interval are points like others. Numbers in parentheses are those of the NIST Digital
Library (DLMF).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from gradtape.derivatives.special_arguments import (
    DEGREE,
    ORDER,
    PARAMETER,
    refusing_ufuncs,
)
from gradtape.derivatives.special_recurrences import (
    MOST,
    binomial,
    gegenbauer,
    hermite,
    jacobi,
    laguerre,
    legendre_slope,
    total_of,
)
from gradtape.rules import elementwise, strip

__all__: list[str] = []


#: Up to this degree Legendre functions are those of the recurrence.
_MOST = 64


def _below(n: Any) -> tuple[Any, Any]:
    """n - 1, and 1; for a constant, n = 0, a degree that SciPy knows at every x, and 0."""
    n = np.asarray(strip(n))
    n = n if n.dtype.kind == "f" else n.astype(np.int64)
    return np.where(n == 0, 0, n - 1), np.where(n == 0, 0.0, 1.0)


def _by_steps(n: Any, x: Any) -> bool:
    """Whether a recurrence gives the last digits: degrees are whole, and not too large."""
    return bool(x.dtype.kind == "f" and np.all((n == np.floor(n)) & (n <= MOST)))


def _jacobi(n: Any, alpha: Any, beta: Any, x: Any) -> Any:
    """The derivative by x (18.9.15)."""
    lower, some = _below(n)
    factor = some * total_of(alpha, beta, n + 1) / 2
    if _by_steps(lower, x):
        return factor * jacobi(lower, alpha, beta, 1.0, 0.0, x)
    return factor * special.eval_jacobi(lower, alpha + 1.0, beta + 1.0, x)


def _legendre(shift: float) -> Any:
    """The derivative by x, where C^(1/2) is P (18.7.9)."""
    return lambda n, x: _gegenbauer(n, 0.5, x, shift)


def _gegenbauer(n: Any, alpha: Any, x: Any, shift: float = 0.0) -> Any:
    """The derivative by x (18.9.19), or that of the function at 2x - 1."""
    lower, some = _below(n)
    factor = (1 + shift) * 2 * some * alpha
    if _by_steps(lower, x):
        return factor * gegenbauer(lower, alpha, 1.0, shift, x)
    return factor * special.eval_gegenbauer(lower, alpha + 1.0, (1 + shift) * x - shift)


def _laguerre(n: Any, alpha: Any, x: Any) -> Any:
    """The derivative by x (18.9.23)."""
    lower, some = _below(n)
    if _by_steps(lower, x):
        return -some * laguerre(lower, alpha, 1.0, x)
    return -some * special.eval_genlaguerre(lower, alpha + 1.0, x)


def _chebyt(n: Any, x: Any, shift: float = 0.0) -> Any:
    """n times U of degree n - 1 (18.9.21), or twice that at 2x - 1."""
    lower, _ = _below(n)
    if _by_steps(lower, x):
        return (1 + shift) * n * gegenbauer(lower, 1.0, 0.0, shift, x)
    return (1 + shift) * n * special.eval_chebyu(lower, (1 + shift) * x - shift)


def _hermite(n: Any, x: Any, weight: float, ufunc: Any) -> Any:
    """A weight times n times the polynomial of degree n - 1 (18.9.25, 18.9.27)."""
    lower, _ = _below(n)
    if _by_steps(lower, x):
        return n * weight * hermite(lower, weight, x)
    return n * weight * ufunc(lower, x)


def _sh_jacobi(n: Any, p: Any, q: Any, x: Any) -> Any:
    """n times the monic polynomial of degree n - 1."""
    lower, some = _below(n)
    if _by_steps(lower, x):
        factor = some * (n + p) / binomial(strip(n), strip(p))
        return factor * jacobi(lower, p, q, 1.0, 1.0, x)
    return n * special.eval_sh_jacobi(lower, p + 2.0, q + 1.0, x)


# Chebyshev's U is Gegenbauer's C^(1); C(x) is 2 T(x/2), S(x) is U(x/2).
elementwise(
    {
        special.eval_legendre: (None, _legendre(0.0)),
        special.eval_sh_legendre: (None, _legendre(1.0)),
        special.eval_chebyt: (None, lambda n, x: _chebyt(n, x)),
        special.eval_sh_chebyt: (None, lambda n, x: _chebyt(n, x, 1.0)),
        special.eval_chebyu: (None, lambda n, x: _gegenbauer(n, 1.0, x)),
        special.eval_sh_chebyu: (None, lambda n, x: _gegenbauer(n, 1.0, x, 1.0)),
        special.eval_chebyc: (None, lambda n, x: _chebyt(n, x / 2)),
        special.eval_chebys: (None, lambda n, x: _gegenbauer(n, 1.0, x / 2) / 2),
        special.eval_laguerre: (None, lambda n, x: _laguerre(n, 0.0, x)),
        special.eval_hermite: (None, lambda n, x: _hermite(n, x, 2.0, special.eval_hermite)),
        special.eval_hermitenorm: (
            None,
            lambda n, x: _hermite(n, x, 1.0, special.eval_hermitenorm),
        ),
    },
    names=("n", "x"),
)
elementwise(
    {
        special.eval_gegenbauer: (
            *(None, None),
            lambda n, alpha, x: _gegenbauer(n, alpha, x),
        ),
        special.eval_genlaguerre: (None, None, _laguerre),
    },
    names=("n", "alpha", "x"),
)
elementwise({special.eval_jacobi: (None, None, None, _jacobi)}, names=("n", "alpha", "beta", "x"))
elementwise({special.eval_sh_jacobi: (None, None, None, _sh_jacobi)}, names=("n", "p", "q", "x"))

refusing_ufuncs(
    {0: DEGREE},
    *(special.eval_legendre, special.eval_sh_legendre, special.eval_chebyt, special.eval_chebyu),
    *(special.eval_chebyc, special.eval_chebys, special.eval_sh_chebyt, special.eval_sh_chebyu),
    *(special.eval_laguerre, special.eval_hermite, special.eval_hermitenorm),
)
refusing_ufuncs({0: DEGREE, 1: PARAMETER}, special.eval_gegenbauer, special.eval_genlaguerre)
refusing_ufuncs(
    {0: DEGREE, 1: PARAMETER, 2: PARAMETER}, special.eval_jacobi, special.eval_sh_jacobi
)


# Associated Legendre functions ------------------------------------------------------------------


def _over_root(m: Any, v: Any, x: Any) -> Any:
    """P_v^m / sqrt(1 - x x); the quotient itself only for m = 0 (14.10.1, 14.10.2 combined)."""
    below = v - 1.0
    safe = np.where(m == 0, 1.0, m)
    sides = special.lpmv(m + 1.0, below, x) + (v + m - 1) * (v + m) * special.lpmv(
        m - 1.0, below, x
    )
    root = np.sqrt(np.where(m == 0, (1 - x) * (1 + x), 1))
    return np.where(m == 0, special.lpmv(0.0, v, x) / root, -sides / (2 * safe))


def _mirror(m: Any, v: Any) -> Any:
    """What a function of order -m is of that of order m (14.9.3), which SciPy knows for m <= v."""
    order = np.abs(m)
    return np.where(m < 0, (-1.0) ** order / special.poch(v - order + 1, 2 * order), 1.0)


def _whole_lpmv(m: Any, v: Any, x: Any) -> Any:
    """Of whole degrees and orders: by Gegenbauer's polynomials (14.3.21)."""
    order = np.abs(m)
    n = v - order
    front = np.where(n < 0, 0.0, special.poch(0.5, order) * (-2.0) ** order)
    inner = gegenbauer(v - 1, 0.5, 1.0, 0.0, x)  # for order 0 there is no root
    root = np.where(order == 0, 1, (1 - x) * (1 + x))
    outer = np.power(root, np.where(order == 0, 1, order / 2 - 1)) * legendre_slope(order, n, x)
    return _mirror(m, v) * front * np.where(order == 0, inner, outer)


def _lpmv(m: Any, v: Any, x: Any) -> Any:
    """The derivative by x."""
    m, v = np.asarray(strip(m), float)[()], np.asarray(strip(v), float)[()]
    whole = (m == np.floor(m)) & (v == np.floor(v)) & (v >= 0) & (v <= _MOST)
    return _whole_lpmv(m, v, x) if np.all(whole) else _any_lpmv(m, v, x)


def _any_lpmv(m: Any, v: Any, x: Any) -> Any:
    """(P^(m+1) - (v + m)(v - m + 1) P^(m-1)) / 2, over -sqrt(1 - x x)."""
    order = np.abs(m)
    weight = (v + order) * (v - order + 1)
    lower = np.where((weight == 0) | (order == 0), 0, _over_root(order - 1, v, x))
    # P^-1 is -P^1 / (v (v + 1)), which makes both terms one for m = 0.
    zero = special.lpmv(2.0, v - 1.0, x) + v * (v + 1) * special.lpmv(0.0, v - 1.0, x)
    others = weight * lower - _over_root(order + 1, v, x)
    return _mirror(m, v) * np.where(order == 0, zero, others) / 2


elementwise({special.lpmv: (None, None, _lpmv)}, names=("m", "v", "x"))
refusing_ufuncs({0: ORDER, 1: DEGREE}, special.lpmv)
