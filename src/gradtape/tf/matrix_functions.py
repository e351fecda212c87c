"""Functions of matrices: exponential, logarithm, square root. SciPy computes them.

Examples
--------
>>> import gradtape.tf as tf
>>> tf.linalg.sqrtm([[4.0, 0.0], [0.0, 9.0]]).numpy()
array([[2., 0.],
       [0., 3.]], dtype=float32)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape import tensor as engine
from gradtape.tf import errors
from gradtape.tf.elementwise import cast
from gradtape.tf.factorizations import matrices
from gradtape.tf.scientific import linalg_rules
from gradtape.tf.tensors import Tensor, result

__all__ = ["expm", "logm", "matrix_square_root", "sqrtm"]


def _kept(name: str, found: Any, x: Any) -> Tensor:
    """What a function of matrices gave, in their dtype; SciPy's may be complex, of real ones."""
    bare, dtype = engine.bare(found), x.array.dtype
    if dtype.kind != "c" and bare.dtype.kind == "c":
        if np.any(np.abs(bare.imag) > 1e3 * np.finfo(dtype).eps * np.abs(bare).max(initial=0)):
            raise errors.invalid(
                name, "the answer is not real; cast the matrix to tf.complex128 first"
            )
        found = np.real(found)
    return cast(result(found), dtype)


def expm(input: Any, name: str | None = None) -> Tensor:
    """The exponential: ``sum(A**k / k!)``.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.linalg.expm([[0.0, 1.0], [0.0, 0.0]]).numpy()
    array([[1., 1.],
           [0., 1.]], dtype=float32)
    """
    x = matrices("MatrixExponential", input, square=True)
    return _kept("expm", linalg_rules("_matrix_rules").exponential(x), x)


def logm(input: Any, name: str | None = None) -> Tensor:
    """The principal logarithm of complex matrices.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.linalg.logm(tf.eye(2, dtype=tf.complex64)).numpy().tolist()
    [[0j, 0j], [0j, 0j]]
    """
    x = matrices("MatrixLogarithm", input, square=True)
    if x.array.dtype.kind != "c":
        raise errors.not_allowed("MatrixLogarithm", x.array.dtype, "complex64, complex128")
    return _kept("logm", linalg_rules("_matrix_rules").logarithm(x), x)


def sqrtm(input: Any, name: str | None = None) -> Tensor:
    """The principal square root.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.linalg.sqrtm([[4.0, 0.0], [0.0, 9.0]]).numpy()
    array([[2., 0.],
           [0., 3.]], dtype=float32)
    """
    x = matrices("MatrixSquareRoot", input, square=True)
    return _kept("sqrtm", linalg_rules("_matrix_rules").square_root(x), x)


matrix_square_root = sqrtm
