"""Calls of the functions of ``tf.linalg``, for tf_cases."""

import numpy as np

from tests.tf_cases import ALONE, calls, named

S = [[3.0, 0.4, -0.2], [0.4, 2.0, 0.3], [-0.2, 0.3, 1.0]]
T = [[2.0, 0.4, -0.7], [1.5, -1.0, 0.3], [0.2, 0.9, 1.7]]
WIDE = [[1.0, 2.0, -3.0], [0.5, -1.0, 4.0]]
TALL = [[1.0, 0.5], [2.0, -1.0], [-3.0, 4.0]]
R = [[1.0, -2.0], [0.3, 0.7], [2.0, 1.1]]
STACK = [T, S]
BANDS = [[1.0, -0.5, 9.0], [2.0, 4.0, -3.0], [9.0, 1.5, 0.7]]


def squared(tf, s, u, v):
    return tf.matmul(u * s, v, adjoint_b=True) * s[0]


def even(tf, x):
    """Symmetric: the gradient of a function of one triangle may be shown in both."""
    return (x + tf.linalg.matrix_transpose(x)) / 2.0


named("linalg.adjoint linalg.det linalg.inv linalg.pinv linalg.expm linalg.sqrtm", S)
named("linalg.eigvalsh", S)
named("linalg.solve linalg.lstsq", T, R)
named("linalg.tensor_diag", [1.0, 2.0])
named("linalg.tensor_diag_part", T)
named("linalg.cross", [[1.0, 2.0, 3.0]], [[0.5, -1.0, 4.0]])
calls(
    {
        "linalg.det stack": (lambda tf, x: tf.linalg.det(x), STACK),
        "linalg.inv adjoint": (lambda tf, x: tf.linalg.inv(x, adjoint=True), STACK),
        "linalg.solve adjoint": (lambda tf, a, b: tf.linalg.solve(a, b, adjoint=True), T, R),
        "linalg.slogdet": (lambda tf, x: tf.linalg.slogdet(x)[1], STACK),
        "linalg.logdet": (lambda tf, x: tf.linalg.logdet(even(tf, x)), S),
        "linalg.cholesky": (lambda tf, x: tf.linalg.cholesky(even(tf, x)), S),
        "linalg.cholesky stack": (lambda tf, x: tf.linalg.cholesky(even(tf, x)), [S, S]),
        "linalg.cholesky_solve": (lambda tf, a, b: tf.linalg.cholesky_solve(a, b), T, R),
        "linalg.triangular_solve": (lambda tf, a, b: tf.linalg.triangular_solve(a, b), T, R),
        "linalg.triangular_solve upper": (
            lambda tf, a, b: tf.linalg.triangular_solve(a, b, lower=False, adjoint=True),
            T,
            R,
        ),
        "linalg.lstsq ridge": (
            lambda tf, a, b: tf.linalg.lstsq(a, b, l2_regularizer=0.5),
            TALL,
            [[1.0], [2.0], [0.5]],
        ),
        "linalg.lstsq wide": (lambda tf, a, b: tf.linalg.lstsq(a, b), WIDE, [[1.0], [2.0]]),
        "linalg.lstsq slow": (
            lambda tf, a, b: tf.linalg.lstsq(a, b, fast=False),
            TALL,
            [[1.0], [2.0], [0.5]],
        ),
        "linalg.pinv wide": (lambda tf, x: tf.linalg.pinv(x), WIDE),
        "linalg.eigh": (lambda tf, x: tf.linalg.eigh(x)[0] ** 2, S),
        "linalg.eigh vectors": (lambda tf, x: tf.square(tf.linalg.eigh(x)[1]), S),
        "linalg.eig": (lambda tf, x: tf.math.real(tf.reduce_sum(tf.linalg.eig(x)[0] ** 3)), T),
        "linalg.eigvals": (lambda tf, x: tf.math.real(tf.reduce_sum(tf.linalg.eigvals(x) ** 3)), T),
        "linalg.svd": (lambda tf, x: tf.linalg.svd(x, compute_uv=False), TALL),
        "linalg.svd vectors": (lambda tf, x: squared(tf, *tf.linalg.svd(x)), TALL),
        "linalg.qr": (lambda tf, x: tf.square(tf.linalg.qr(x)[0]) * 2.0, TALL),
        "linalg.qr r": (lambda tf, x: tf.square(tf.linalg.qr(x)[1]), T),
        "linalg.lu": (lambda tf, x: tf.linalg.lu(x)[0], T),
        "linalg.lu stack": (lambda tf, x: tf.linalg.lu(x)[0], STACK),
        "linalg.lu_reconstruct": (
            lambda tf, x: tf.linalg.lu_reconstruct(x, [2, 0, 1]),
            T,
        ),
        "linalg.lu_solve": (lambda tf, x, b: tf.linalg.lu_solve(x, [2, 0, 1], b), T, R),
        "linalg.lu_matrix_inverse": (lambda tf, x: tf.linalg.lu_matrix_inverse(x, [2, 0, 1]), T),
        "linalg.logm": (
            lambda tf, x: tf.cast(tf.math.real(tf.linalg.logm(tf.cast(x, tf.complex128))), x.dtype),
            S,
        ),
        "linalg.expm stack": (lambda tf, x: tf.linalg.expm(x), STACK),
        "linalg.normalize": (lambda tf, x: tf.linalg.normalize(x, axis=1)[0], T),
        "linalg.norm matrix 1": (lambda tf, x: tf.norm(x, ord=1, axis=[0, 1]), T),
        "linalg.norm matrix inf": (lambda tf, x: tf.norm(x, ord=np.inf, axis=(-2, -1)), STACK),
        "linalg.norm matrix 2": (lambda tf, x: tf.norm(x, ord=2, axis=(-2, -1)), STACK),
        "linalg.tridiagonal_solve": (
            lambda tf, d, b: tf.linalg.tridiagonal_solve(d, b),
            BANDS,
            R,
        ),
        "linalg.tridiagonal_solve stack": (
            lambda tf, d, b: tf.linalg.tridiagonal_solve(d, b, transpose_rhs=True),
            [BANDS, [BANDS[1], BANDS[0], BANDS[2]]],
            [[[1.0, 2.0, 0.5]], [[0.3, -1.0, 4.0]]],
        ),
        "linalg.tridiagonal_solve sequence": (
            lambda tf, a, m, b: tf.linalg.tridiagonal_solve(
                (a, m, b), tf.ones_like(m), diagonals_format="sequence"
            ),
            *BANDS,
        ),
        "linalg.tridiagonal_solve matrix": (
            lambda tf, a: tf.linalg.tridiagonal_solve(
                a, tf.ones_like(a[0]), diagonals_format="matrix"
            ),
            S,
        ),
        "linalg.tridiagonal_matmul": (
            lambda tf, d, b: tf.linalg.tridiagonal_matmul(d, b),
            BANDS,
            R,
        ),
        "linalg.band_part": (lambda tf, x: tf.linalg.band_part(x, 1, 0), T),
        "linalg.band_part all": (lambda tf, x: tf.linalg.band_part(x, -1, 1), T),
        "linalg.set_diag": (lambda tf, x, d: tf.linalg.set_diag(x, d), T, [7.0, 8.0, 9.0]),
        "linalg.set_diag band": (
            lambda tf, x, d: tf.linalg.set_diag(x, d, k=(-1, 1)),
            WIDE,
            [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]],
        ),
        "linalg.diag k": (lambda tf, d: tf.linalg.diag(d, k=-1, padding_value=9.0), [1.0, 2.0]),
        "linalg.diag band": (
            lambda tf, d: tf.linalg.diag(d, k=(-1, 1), num_rows=3, num_cols=4, align="LEFT_RIGHT"),
            [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]],
        ),
        "linalg.diag_part k": (lambda tf, x: tf.linalg.diag_part(x, k=1), WIDE),
        "linalg.diag_part band": (
            lambda tf, x: tf.linalg.diag_part(x, k=(-1, 2), padding_value=5.0),
            [WIDE, WIDE],
        ),
    }
)

ALONE |= dict.fromkeys(
    ["linalg.lu", "linalg.lu stack", "linalg.logm", "linalg.lstsq slow"],
    "TensorFlow has no derivative of it",
)
