"""Namesakes of SciPy's functions that solve equations in matrices: Sylvester's and Lyapunov's."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg as _scipy

from gradtape.derivatives.matrices import dagger
from gradtape.scipy._matrix_rules import sylvester
from gradtape.scipy._namesakes import array, floating
from gradtape.scipy._wrapped import namesake

__all__ = ["solve_continuous_lyapunov", "solve_discrete_lyapunov", "solve_sylvester"]


@namesake(_scipy.solve_sylvester)
def solve_sylvester(a: Any, b: Any, q: Any) -> Any:
    """Solve ``a @ x + x @ b = q``: ``scipy.linalg.solve_sylvester`` with derivatives.

    Parameters
    ----------
    a, b : square matrices, ``(m, m)`` and ``(n, n)``.
    q : a matrix ``(m, n)``.

    Returns
    -------
    The solution, a matrix ``(m, n)``.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy import linalg
    >>> a = gt.constant([[1.0]])
    >>> gt.grad(lambda a: linalg.solve_sylvester(a, [[3.0]], [[8.0]]).sum())(a)
    Tensor([[-0.5]])
    """
    return sylvester(*[floating(x) for x in (a, b, q)])


@namesake(_scipy.solve_continuous_lyapunov)
def solve_continuous_lyapunov(a: Any, q: Any) -> Any:
    """Solve ``a @ x + x @ a^H = q``: ``scipy.linalg.solve_continuous_lyapunov`` with derivatives.

    Parameters
    ----------
    a, q : square matrices, ``(n, n)``.

    Returns
    -------
    The solution, a matrix ``(n, n)``.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy import linalg
    >>> a = gt.constant([[2.0]])
    >>> gt.grad(lambda a: linalg.solve_continuous_lyapunov(a, [[8.0]]).sum())(a)
    Tensor([[-1.]])
    """
    matrix = array(a)
    return solve_sylvester(matrix, dagger(matrix), q)


@namesake(_scipy.solve_discrete_lyapunov)
def solve_discrete_lyapunov(a: Any, q: Any, method: str | None = None) -> Any:
    """Solve ``a @ x @ a^H - x + q = 0``: ``scipy.linalg.solve_discrete_lyapunov``.

    Parameters
    ----------
    a, q : square matrices, ``(n, n)``.
    method : ``"direct"``, by one system of ``n**2`` equations (the default below 10), or
        ``"bilinear"``, by a continuous equation.

    Returns
    -------
    The solution, a matrix ``(n, n)``.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy import linalg
    >>> q = gt.constant([[3.0]])
    >>> gt.grad(lambda q: linalg.solve_discrete_lyapunov([[0.5]], q).sum())(q)
    Tensor([[1.33333333]])
    """
    a, q = array(a), array(q)
    n = a.shape[0] if a.ndim else 0
    if method not in (None, "direct", "bilinear"):
        raise ValueError(f"method must be 'direct' or 'bilinear', got {method!r}")
    if a.shape != (n, n) or q.shape != (n, n):
        raise ValueError(f"a and q must be square, got the shapes {a.shape} and {q.shape}")
    if method == "direct" or (method is None and n < 10):
        product = a[:, None, :, None] * np.conjugate(a)[None, :, None, :]
        system = np.eye(n * n) - np.reshape(product, (n * n, n * n))
        return np.reshape(np.linalg.solve(system, np.ravel(q)), (n, n))
    right = np.linalg.inv(dagger(a) + np.eye(n))
    turned = (dagger(a) - np.eye(n)) @ right
    middle = 2 * (np.linalg.inv(a + np.eye(n)) @ q) @ right
    return solve_continuous_lyapunov(dagger(turned), -middle)
