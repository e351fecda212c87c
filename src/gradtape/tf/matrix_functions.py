"""Functions of matrices: exponential, logarithm, square root. SciPy computes them.

The derivative of such a function f at A in the direction E is the upper right block of
f([[A, E], [0, A]]) (N. J. Higham, "Functions of matrices" (2008), equation 3.16), so f itself
brings its derivatives of every order.

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

from gradtape.derivatives.matrices import dagger
from gradtape.rules import Primitive, strip
from gradtape.tf import errors
from gradtape.tf.factorizations import matrices
from gradtape.tf.scientific import scipy_module
from gradtape.tf.tensors import Tensor, result

__all__ = ["expm", "logm", "matrix_square_root", "sqrtm"]


def _along(function: Primitive, x: Any, direction: Any) -> Any:
    """The derivative of a function of matrices at x in a direction, which may have batch axes."""
    n = x.shape[-1]
    x = np.broadcast_to(x, direction.shape)
    # The derivative is linear in the direction: any length does, and that of x keeps digits.
    length = np.max(np.abs(strip(direction)), initial=0) / (
        np.max(np.abs(strip(x)), initial=0) or 1
    )
    scale = strip(x).real.dtype.type(length if 0 < length < np.inf else 1)
    above = np.concatenate([x, direction / scale], -1)
    below = np.concatenate([np.zeros_like(strip(x)), x], -1)
    return function(np.concatenate([above, below], -2))[..., :n, n:] * scale


def _function_of_matrices(name: str) -> Primitive:
    def compute(x: Any, /) -> Any:
        function = getattr(scipy_module("linalg"), name)
        flat = x.reshape((-1, *x.shape[-2:]))
        out = np.array([function(matrix) for matrix in flat]).reshape(x.shape)
        if x.dtype.kind != "c" and out.dtype.kind == "c":
            if np.any(np.abs(out.imag) > 1e3 * np.finfo(x.dtype).eps * np.abs(out).max(initial=0)):
                raise errors.invalid(
                    name, "the answer is not real; cast the matrix to tf.complex128 first"
                )
            out = out.real
        return out.astype(x.dtype)

    def pull(g: Any, x: Any) -> Any:
        return _along(primitive, dagger(x), g)

    def push(t: Any, x: Any) -> Any:
        return _along(primitive, x, t)

    primitive = Primitive(compute, pull, push, name=f"tf.{name}")
    return primitive


_EXPM = _function_of_matrices("expm")
_LOGM = _function_of_matrices("logm")
_SQRTM = _function_of_matrices("sqrtm")


def expm(input: Any, name: str | None = None) -> Tensor:
    """The exponential: ``sum(A**k / k!)``.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.linalg.expm([[0.0, 1.0], [0.0, 0.0]]).numpy()
    array([[1., 1.],
           [0., 1.]], dtype=float32)
    """
    return result(_EXPM(matrices("MatrixExponential", input, square=True)))


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
    return result(_LOGM(x))


def sqrtm(input: Any, name: str | None = None) -> Tensor:
    """The principal square root.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.linalg.sqrtm([[4.0, 0.0], [0.0, 9.0]]).numpy()
    array([[2., 0.],
           [0., 3.]], dtype=float32)
    """
    return result(_SQRTM(matrices("MatrixSquareRoot", input, square=True)))


matrix_square_root = sqrtm
