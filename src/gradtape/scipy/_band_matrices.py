"""Namesakes of SciPy's functions that solve systems with band matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg as _scipy

from gradtape.scipy._banded import banded
from gradtape.scipy._namesakes import array
from gradtape.scipy._wrapped import namesake

__all__ = ["solve_banded", "solveh_banded"]


@namesake(_scipy.solve_banded)
def solve_banded(
    l_and_u: tuple[int, int],
    ab: Any,
    b: Any,
    overwrite_ab: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:
    """Solve ``a @ x = b`` for a band matrix: ``scipy.linalg.solve_banded`` with derivatives.

    Parameters
    ----------
    l_and_u : the numbers of diagonals below and above the main one.
    ab : the diagonals, ``(l + u + 1, n)``: ``ab[u + i - j, j] = a[i, j]``. What lies outside the
        matrix is not read.
    b : a vector ``(n,)`` or a matrix ``(n, k)``.
    overwrite_ab, overwrite_b, check_finite : accepted; no effect on tensors.

    Returns
    -------
    The solution, shaped like ``b``.

    Raises
    ------
    LinAlgError : the matrix is singular.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy import linalg
    >>> b = gt.Variable([2.0, 4.0])
    >>> with gt.GradientTape() as tape:
    ...     x = linalg.solve_banded((0, 0), [[2.0, 4.0]], b)
    >>> tape.gradient(x, b)
    Tensor([0.5 , 0.25])
    """
    below, above = l_and_u
    bands, sides = array(ab), array(b)
    if sides.ndim not in (1, 2):
        raise ValueError(f"argument `b` has shape {sides.shape}; it is a vector or a matrix")
    if bands.shape != (below + above + 1, sides.shape[0]):
        raise ValueError(
            f"argument `ab` has shape {bands.shape}; for l_and_u {tuple(l_and_u)} and a right side "
            f"of {sides.shape[0]} rows it is {(below + above + 1, sides.shape[0])}"
        )
    return banded(bands, sides.T, below=int(below), above=int(above)).T


@namesake(_scipy.solveh_banded)
def solveh_banded(
    ab: Any,
    b: Any,
    overwrite_ab: bool = False,
    overwrite_b: bool = False,
    lower: bool = False,
    check_finite: bool = True,
) -> Any:
    """Solve ``a @ x = b`` for a Hermitian band matrix: ``scipy.linalg.solveh_banded``.

    Parameters
    ----------
    ab : the main diagonal and those above it, ``(u + 1, n)``: ``ab[u + i - j, j] = a[i, j]``; or
        those below it, ``ab[i - j, j] = a[i, j]``. What lies outside the matrix is not read.
    b : a vector ``(n,)`` or a matrix ``(n, k)``.
    lower : whether the diagonals are those below.
    overwrite_ab, overwrite_b, check_finite : accepted; no effect on tensors.

    Returns
    -------
    The solution, shaped like ``b``.

    Raises
    ------
    LinAlgError : the matrix is singular. (On tensors one that is not definite is solved with.)

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy import linalg
    >>> b = gt.Variable([3.0, 3.0])
    >>> with gt.GradientTape() as tape:
    ...     x = linalg.solveh_banded([[0.0, 1.0], [2.0, 2.0]], b)
    >>> x
    Tensor([1., 1.])
    """
    given = array(ab)
    if given.ndim != 2 or given.shape[1:] != np.shape(array(b))[:1]:
        raise ValueError(
            f"argument `ab` has shape {given.shape}; it has a column for each row of the right "
            f"side, of shape {np.shape(array(b))}"
        )
    width, n = given.shape[0] - 1, given.shape[1]
    # The k-th diagonal above at its columns, or below: it begins, or ends, where the main one does.
    above, beneath = [], []
    for k in range(1, width + 1):
        entries = given[k, : max(n - k, 0)] if lower else given[width - k, k:]
        turned = np.conjugate(entries)
        up, down = (turned, entries) if lower else (entries, turned)
        zeros = np.zeros(n - up.shape[0], given.dtype)
        above.append(np.concatenate([zeros, up]))
        beneath.append(np.concatenate([down, zeros]))
    main = given[0] if lower else given[width]
    bands = np.stack([*above[::-1], np.real(main).astype(given.dtype), *beneath])
    return solve_banded((width, width), bands, b)
