"""Namesakes of ``scipy.linalg``: systems, decompositions, functions of matrices.

Each takes tensors, variables and arrays where SciPy's takes arrays, and stacks of matrices where
NumPy's function of that name does. Where no tensor is among the arguments it is SciPy's own
function; else the values agree with SciPy's up to rounding.
"""

from __future__ import annotations

from gradtape.scipy._band_matrices import solve_banded, solveh_banded
from gradtape.scipy._decompositions import (
    cho_factor,
    cholesky,
    eig,
    eigh,
    eigvals,
    eigvalsh,
    lu,
    polar,
    qr,
    svd,
    svdvals,
)
from gradtape.scipy._linear_systems import (
    cho_solve,
    det,
    inv,
    lstsq,
    lu_factor,
    lu_solve,
    pinv,
    solve,
    solve_triangular,
)
from gradtape.scipy._matrix_equations import (
    solve_continuous_lyapunov,
    solve_discrete_lyapunov,
    solve_sylvester,
)
from gradtape.scipy._matrix_functions import (
    block_diag,
    circulant,
    expm,
    expm_frechet,
    hankel,
    logm,
    norm,
    sqrtm,
    toeplitz,
)
from gradtape.scipy._namesakes import missing

__all__ = [
    "block_diag",
    "cho_factor",
    "cho_solve",
    "cholesky",
    "circulant",
    "det",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "expm",
    "expm_frechet",
    "hankel",
    "inv",
    "logm",
    "lstsq",
    "lu",
    "lu_factor",
    "lu_solve",
    "norm",
    "pinv",
    "polar",
    "qr",
    "solve",
    "solve_banded",
    "solve_continuous_lyapunov",
    "solve_discrete_lyapunov",
    "solve_sylvester",
    "solve_triangular",
    "solveh_banded",
    "sqrtm",
    "svd",
    "svdvals",
    "toeplitz",
]

__getattr__ = missing(__name__)
