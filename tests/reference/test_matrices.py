"""Factors of matrices: which triangle is read, where the gradient stands, what fails and how."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

A = [[2.0, 1.0], [7.0, 3.0]]


def check(actual: Any, expected: Any, rtol: float = 1e-5) -> None:
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=1e-6)


def test_eigh_reads_the_lower_triangle_and_puts_its_gradient_there(
    tf: Any, derivative: Any
) -> None:
    g = derivative(lambda a: tf.linalg.eigh(a)[0] * [1.0, 2.0], A)
    check(g, [[1.464376, 0.0], [0.9974587, 1.535624]])


def test_cholesky_reads_the_lower_triangle(tf: Any) -> None:
    check(tf.linalg.cholesky([[2.0, 9.0], [1.0, 3.0]]), [[2**0.5, 0.0], [0.5**0.5, 2.5**0.5]])


def test_the_gradient_of_cholesky_is_symmetric(tf: Any, derivative: Any) -> None:
    g = derivative(tf.linalg.cholesky, [[2.0, 1.0], [1.0, 3.0]])
    check(g, [[0.2558336, 0.1954395], [0.1954395, 0.3162278]])


def test_cholesky_of_what_is_not_positive_definite_is_nan(tf: Any) -> None:
    assert np.isnan(tf.linalg.cholesky([[1.0, 2.0], [2.0, 1.0]]).numpy()[1, 1])


@pytest.mark.parametrize(
    "call",
    [
        lambda tf: tf.linalg.inv([[1.0, 2.0], [2.0, 4.0]]),
        lambda tf: tf.linalg.solve([[1.0, 2.0], [2.0, 4.0]], [[1.0], [2.0]]),
    ],
)
def test_singular_matrices(tf: Any, call: Callable[[Any], Any]) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match="not invertible"):
        call(tf)


@pytest.mark.parametrize("name", ["inv", "det", "cholesky", "expm", "eigh", "logdet", "lu"])
def test_matrices_that_are_not_square(tf: Any, name: str) -> None:
    with pytest.raises((tf.errors.InvalidArgumentError, ValueError)):
        getattr(tf.linalg, name)(tf.ones([2, 3]))


def test_svd_answers_s_u_and_v(tf: Any) -> None:
    s, u, v = tf.linalg.svd(tf.constant([[3.0, 0.0, 0.0], [0.0, 2.0, 0.0]]))
    assert [t.shape.as_list() for t in (s, u, v)] == [[2], [2, 2], [3, 2]]
    check((u * s) @ tf.transpose(v), [[3.0, 0.0, 0.0], [0.0, 2.0, 0.0]])


def test_lu_orders_rows(tf: Any) -> None:
    packed, order = tf.linalg.lu([[1.0, 2.0], [3.0, 4.0]])
    check(packed, [[3.0, 4.0], [1 / 3, 2 / 3]])
    assert order.numpy().tolist() == [1, 0]
    assert order.dtype == tf.int32


def test_slogdet(tf: Any) -> None:
    sign, logarithm = tf.linalg.slogdet(tf.constant([[1.0, 2.0], [3.0, 4.0]]))
    assert sign.numpy() == -1.0
    check(logarithm, np.log(2.0))


def test_sqrtm(tf: Any, derivative: Any) -> None:
    check(tf.linalg.sqrtm([[4.0, 1.0], [0.0, 9.0]]), [[2.0, 0.2], [0.0, 3.0]])
    check(derivative(tf.linalg.sqrtm, [[4.0, 1.0], [0.0, 9.0]]), [[0.24, 0.2], [0.184, 0.16]])


def test_logm_takes_complex_matrices_only(tf: Any) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match="complex64, complex128"):
        tf.linalg.logm([[1.0, 0.0], [0.0, 1.0]])


def test_eigenvalues_of_a_real_matrix_are_complex(tf: Any) -> None:
    values = tf.linalg.eigvals(tf.constant([[0.0, 1.0], [-1.0, 0.0]]))
    assert values.dtype == tf.complex64
    check(np.sort(values.numpy().imag), [-1.0, 1.0])


@pytest.mark.parametrize(
    ("ord", "expected"), [(1, 6.0), (np.inf, 7.0), (2, 5.4649854), ("fro", 5.477226)]
)
def test_norms_of_matrices(tf: Any, ord: Any, expected: float) -> None:
    check(tf.norm(tf.constant([[1.0, 2.0], [3.0, 4.0]]), ord=ord, axis=[0, 1]), expected)


def test_a_norm_that_matrices_do_not_have(tf: Any) -> None:
    with pytest.raises(ValueError, match="must be a supported matrix norm"):
        tf.norm(tf.ones([2, 2]), ord=3, axis=[0, 1])


def test_bands(tf: Any) -> None:
    x = tf.reshape(tf.range(1, 7), [2, 3])
    band = tf.linalg.diag_part(x, k=(-1, 1))
    assert band.numpy().tolist() == [[2, 6], [1, 5], [4, 0]]
    assert tf.linalg.diag_part(x, k=(0, 2)).numpy().tolist() == [[0, 3], [2, 6], [1, 5]]
    left = tf.linalg.diag_part(x, k=(0, 2), align="LEFT_RIGHT")
    assert left.numpy().tolist() == [[3, 0], [2, 6], [1, 5]]


def test_fourier_transforms_take_complex_numbers(tf: Any) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match="complex64, complex128"):
        tf.signal.fft(tf.constant([1.0, 2.0]))
    assert tf.signal.fft([1.0, 2.0]).dtype == tf.complex64


def test_the_gradient_of_rfft(tf: Any, derivative: Any) -> None:
    assert derivative(tf.signal.rfft, [1.0, 2.0, 3.0, 5.0]) == [3.0, 0.0, 1.0, 0.0]
