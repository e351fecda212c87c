"""Gradients of complex functions of ``gradtape.tf`` against differences along a direction."""

import numpy as np
import pytest

import gradtape.tf as tf

RNG = np.random.default_rng(0)


def numbers(*shape):
    return RNG.standard_normal(shape) + 1j * RNG.standard_normal(shape)


A, B = numbers(3, 3), numbers(3, 2)
H = A @ A.conj().T + np.eye(3)


def even(a):
    return (a + tf.linalg.adjoint(a)) / 2.0


CASES = {
    "expm": (tf.linalg.expm, A),
    "sqrtm": (tf.linalg.sqrtm, A),
    "logm": (tf.linalg.logm, A),
    "lu": (lambda a: tf.linalg.lu(a)[0], A),
    "inv": (tf.linalg.inv, A),
    "det": (tf.linalg.det, A),
    "slogdet": (lambda a: tf.linalg.slogdet(a)[1], A),
    "sign of slogdet": (lambda a: tf.linalg.slogdet(a)[0], A),
    "cholesky": (lambda a: tf.linalg.cholesky(even(a)), H),
    "logdet": (lambda a: tf.linalg.logdet(even(a)), H),
    "eigh": (lambda a: tf.linalg.eigh(a)[0], H),
    "eig": (lambda a: tf.reduce_sum(tf.linalg.eig(a)[0] ** 3), A),
    "svd": (lambda a: tf.linalg.svd(a, compute_uv=False), A),
    "qr": (lambda a: tf.linalg.qr(a)[1], A),
    "pinv": (tf.linalg.pinv, A),
    "solve": (lambda a, b: tf.linalg.solve(a, b, adjoint=True), A, B),
    "triangular_solve": (lambda a, b: tf.linalg.triangular_solve(a, b, adjoint=True), A, B),
    "cholesky_solve": (tf.linalg.cholesky_solve, A, B),
    "lstsq": (lambda a, b: tf.linalg.lstsq(a, b, l2_regularizer=0.3), A, B),
    "tridiagonal_solve": (tf.linalg.tridiagonal_solve, A, B),
    "tridiagonal_solve, right side turned": (
        lambda a, b: tf.linalg.tridiagonal_solve(
            a, tf.transpose(b), transpose_rhs=True, conjugate_rhs=True
        ),
        A,
        B,
    ),
    "tridiagonal_matmul": (tf.linalg.tridiagonal_matmul, A, B),
    "matvec": (lambda a, b: tf.linalg.matvec(a, b[:, 0], adjoint_a=True), A, B),
    "norm": (tf.norm, A),
    "norm 1": (lambda a: tf.norm(a, ord=1, axis=[0, 1]), A),
    "band_part": (lambda a: tf.linalg.band_part(a, 0, 1), A),
    "diag": (lambda a: tf.linalg.diag(a, k=(-1, 1)), A),
    "fft2d": (tf.signal.fft2d, A),
    "ifft": (tf.signal.ifft, A),
    "irfft": (tf.signal.irfft, A),
    "segment_sum": (lambda a: tf.math.segment_sum(a, [0, 0, 1]), A),
    "unsorted_segment_prod": (lambda a: tf.math.unsorted_segment_prod(a, [0, 0, 1], 2), A),
    "scatter_nd": (lambda a: tf.scatter_nd([[1], [1], [0]], a, [2, 3]), A),
    "cumprod": (tf.math.cumprod, A),
    "xlogy": (tf.math.xlogy, A, A[::-1]),
    "xdivy": (tf.math.xdivy, A, A[::-1]),
    "multiply_no_nan": (tf.math.multiply_no_nan, A, A[::-1]),
    "reciprocal_no_nan": (tf.math.reciprocal_no_nan, A),
    "polyval": (lambda a: tf.math.polyval([a[0], a[1]], a[2]), A),
}


def real_sum(y):
    """A real function of all real and imaginary parts."""
    weights = np.cos(np.arange(1.0, 1.0 + np.size(y.numpy()))).reshape(y.shape)
    total = tf.reduce_sum(tf.math.real(y) * weights)
    if y.dtype.is_complex:
        total += tf.reduce_sum(tf.math.imag(y) * np.sin(weights))
    return total


@pytest.mark.parametrize("name", CASES)
def test_gradient_agrees_with_a_difference(name):
    call, *values = CASES[name]
    xs = [tf.constant(value) for value in values]
    with tf.GradientTape() as tape:
        tape.watch(xs)
        loss = real_sum(call(*xs))
    directions = [np.exp(1j * np.arange(1.0, 1.0 + v.size)).reshape(v.shape) for v in values]
    step = 1e-6
    ends = [
        real_sum(
            call(*[tf.constant(v + s * step * d) for v, d in zip(values, directions, strict=True)])
        ).numpy()
        for s in (1, -1)
    ]
    slope = (ends[0] - ends[1]) / (2 * step)
    gradients = [g.numpy() for g in tape.gradient(loss, xs)]
    along = sum(np.sum((g.conj() * d).real) for g, d in zip(gradients, directions, strict=True))
    np.testing.assert_allclose(along, slope, rtol=1e-6, atol=1e-7)
