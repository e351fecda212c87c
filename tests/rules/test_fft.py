"""Fourier transforms by hand: against the matrix of the definition, and at their edges."""

from typing import Any

import numpy as np
import pytest

import gradtape as gt


def matrix(n: int, columns: int) -> Any:
    """The definition: the entry of row k and column j is exp(-2 pi i j k / n)."""
    k, j = np.indices((n, columns))
    return np.exp(-2j * np.pi * k * j / n)


def jacobian(function: Any, x: Any) -> Any:
    t = gt.constant(x)
    with gt.GradientTape() as tape:
        tape.watch(t)
        y = function(t)
    return tape.jacobian(y, t).numpy()


@pytest.mark.parametrize("n", [1, 2, 5, 6, 9])
def test_the_jacobian_is_the_conjugate_of_the_matrix(n: int):
    z = np.array([1.0, -2.0, 0.5, 3.0, 1.5, -1.0]) * (1 + 0.5j)
    expected = np.zeros((n, 6), complex)
    expected[:, : min(n, 6)] = matrix(n, min(n, 6))
    np.testing.assert_allclose(jacobian(lambda t: np.fft.fft(t, n), z), expected.conj(), atol=1e-13)
    actual = jacobian(lambda t: np.fft.ifft(t, n, norm="ortho"), z)
    np.testing.assert_allclose(actual, expected / np.sqrt(n), atol=1e-13)


@pytest.mark.parametrize("n", [1, 2, 5, 6])
def test_bins_that_are_their_own_mirror_image_count_once(n: int):
    z = np.linspace(1, 2, n // 2 + 1) * (1 + 0.5j)
    own = [0] if n % 2 else [0, n // 2]
    twice = np.full(n // 2 + 1, 2.0)
    twice[own] = 1
    expected = matrix(n, n // 2 + 1) * twice / n
    expected[:, own] = expected[:, own].real
    actual = jacobian(lambda t: np.fft.irfft(t, n), z)
    np.testing.assert_allclose(actual, expected, atol=1e-13)
    assert not actual[:, own].imag.any()  # not even to rounding


def test_what_is_cut_off_is_dead():
    x = gt.constant([4.0, 0.0])
    with gt.GradientTape() as tape, np.errstate(divide="ignore"):
        tape.watch(x)
        y = np.fft.rfft(np.sqrt(x), 1)
    np.testing.assert_array_equal(tape.gradient(y, x).numpy(), [0.25, 0])


def test_shift_moves_dead_entries():
    x = gt.constant([0.0, 4.0, 0.0])
    with gt.GradientTape() as tape, np.errstate(divide="ignore"):
        tape.watch(x)
        y = np.fft.ifftshift(np.fft.fftshift(np.sqrt(x)))[1]
    np.testing.assert_array_equal(tape.gradient(y, x).numpy(), [0, 0.25, 0])


def test_frequencies_of_a_tracked_distance():
    d = gt.constant(0.5)
    with gt.GradientTape() as tape:
        tape.watch(d)
        y = np.fft.fftfreq(4, d)[1] + np.fft.rfftfreq(4, d)[2]
    np.testing.assert_allclose(tape.gradient(y, d).numpy(), -(0.25 + 0.5) / 0.25)


def test_power_spectrum_after_parseval():
    x = gt.constant([1.0, 2.0, -1.0, 0.5, 3.0])
    with gt.GradientTape() as outer:
        outer.watch(x)
        with gt.GradientTape() as tape:
            tape.watch(x)
            power = np.sum(np.abs(np.fft.fft(x, norm="ortho")) ** 2)
        gradient = tape.gradient(power, x)
    np.testing.assert_allclose(gradient.numpy(), 2 * x.numpy(), rtol=1e-14)
    np.testing.assert_allclose(outer.jacobian(gradient, x).numpy(), 2 * np.eye(5), atol=1e-14)


OUT = np.empty(3, complex)
REFUSED: list[tuple[type[Exception], str, Any]] = [
    (TypeError, r"numpy\.fft\.fft .*out", lambda x: np.fft.fft(x, out=OUT)),
    (TypeError, r"numpy\.fft\.fft on a Tensor", lambda x: np.fft.fft(x, None, -1, None, OUT)),
    (TypeError, r"numpy\.fft\.fftn .*out", lambda x: np.fft.fftn(x, out=OUT)),
    (ValueError, "norm", lambda x: np.fft.fft(x, norm="best")),
    (ValueError, "norm", lambda x: np.fft.hfft(x, norm="best")),
    (ValueError, "points", lambda x: np.fft.fft(x, 0)),
    (ValueError, "points", lambda x: np.fft.irfft(x[:1])),
    (ValueError, "axis 1", lambda x: np.fft.fft(x, axis=1)),
    (ValueError, "different lengths", lambda x: np.fft.fftn(x, (2, 2), axes=(0,))),
    (TypeError, "rfft", lambda x: np.fft.rfft(x * 1j)),
]


@pytest.mark.parametrize(("error", "words", "call"), REFUSED)
def test_refused(error: type[Exception], words: str, call: Any):
    x = gt.constant([1.0, 2.0, 3.0])
    with gt.GradientTape() as tape:
        tape.watch(x)
        with pytest.raises(error, match=words):
            call(x)
