"""Filters and convolutions by hand, and what they refuse."""

from typing import Any

import numpy as np
import pytest
import scipy.signal as theirs

import gradtape as gt
import gradtape.scipy.fft as fft
import gradtape.scipy.integrate as integrate
import gradtape.scipy.signal as signal


def jacobian(function: Any, x: Any) -> Any:
    t = gt.constant(x)
    with gt.GradientTape() as tape:
        tape.watch(t)
        y = function(t)
    return tape.jacobian(y, t).numpy()


def test_the_jacobian_of_a_filter_is_its_impulse_response():
    b, a = [0.5, -0.25], [2.0, -1.0, 0.5]
    response = theirs.lfilter(b, a, np.eye(6)[0])
    expected = np.array([[response[i - j] if i >= j else 0 for j in range(6)] for i in range(6)])
    actual = jacobian(lambda x: signal.lfilter(b, a, x), np.arange(6.0))
    np.testing.assert_allclose(actual, expected, rtol=1e-14, atol=1e-16)


def test_a_pole_s_derivative():
    # y[n] = p y[n - 1] + x[n] answers an impulse with p**n.
    impulse = np.eye(5)[0]

    def response(p: Any) -> Any:
        return signal.lfilter([1.0], np.stack([1.0, -p]), impulse)

    p = 0.8
    np.testing.assert_allclose(jacobian(response, p), [0, 1, 2 * p, 3 * p**2, 4 * p**3], rtol=1e-14)


def test_a_filter_in_two_blocks_is_the_filter_of_the_whole():
    b, a = theirs.butter(3, 0.3)
    x = gt.constant(np.cos(np.arange(20.0)))
    with gt.GradientTape(persistent=True) as tape:
        tape.watch(x)
        whole = signal.lfilter(b, a, x)
        first, state = signal.lfilter(b, a, x[:2], zi=np.zeros(3))
        second, _ = signal.lfilter(b, a, x[2:], zi=state)
        blocks = np.concatenate([first, second])
    np.testing.assert_allclose(blocks.numpy(), whole.numpy(), rtol=1e-12)
    expected = tape.jacobian(whole, x).numpy()
    np.testing.assert_allclose(tape.jacobian(blocks, x).numpy(), expected, atol=1e-14)


@pytest.mark.parametrize("count", [1, 3000])
def test_automatic_choice_of_the_method(count: int):
    x, kernel = np.sin(np.arange(4000.0)), np.cos(np.arange(float(count)))
    method = theirs.choose_conv_method(x, kernel)
    assert method == ("direct" if count == 1 else "fft")
    t = gt.constant(kernel)
    with gt.GradientTape() as tape:
        tape.watch(t)
        y = signal.convolve(x, t)
    np.testing.assert_array_equal(y.numpy(), theirs.convolve(x, kernel))
    np.testing.assert_allclose(tape.gradient(y, t).numpy(), x.sum() * np.ones(count), atol=1e-9)


def test_lists_of_tensors_are_signals_too():
    w = gt.Variable(2.0)
    with gt.GradientTape() as tape:
        y = signal.convolve([1.0, w, w * w], [1.0, 1.0])
        total = integrate.trapezoid([w, w * w]) + y.sum()
    np.testing.assert_allclose(tape.gradient(total, w).numpy(), (1 + 4) / 2 + 2 * (1 + 4))


def test_whole_numbers_have_no_derivative_and_stay_whole():
    for x in (np.array([1, 2, 3]), gt.constant([1, 2, 3])):
        y = signal.convolve(x, [1, 1])
        assert isinstance(y, gt.Tensor) == isinstance(x, gt.Tensor)
        assert y.dtype.kind == "i"
        np.testing.assert_array_equal(np.asarray(y), [1, 3, 5, 3])


def test_bare_arrays_get_scipy_s_answer():
    x = np.array([3.0, 1.0, 4.0, 1.0, 5.0])
    for ours, other in (
        (signal.hilbert(x), theirs.hilbert(x)),
        (
            signal.filtfilt([1.0], [1.0, 0.5], x, padlen=2),
            theirs.filtfilt([1], [1, 0.5], x, -1, "odd", 2),
        ),
        (fft.dct(x, norm="ortho", workers=2), fft._scipy.dct(x, norm="ortho")),
        (integrate.romb(x, show=False), 2 / 45 * 168),
    ):
        assert isinstance(ours, (np.ndarray, np.generic, float))
        np.testing.assert_allclose(ours, other, rtol=1e-14)


X = [1.0, 2.0, 4.0]
WRONG: list[tuple[type[Exception], str, Any]] = [
    (ValueError, "as many axes", lambda x: signal.convolve(x, [[1.0]])),
    (ValueError, "mode", lambda x: signal.convolve(x, x, "most")),
    (ValueError, "method", lambda x: signal.convolve(x, x, method="fast")),
    (ValueError, "valid", lambda x: signal.convolve(x[None], np.ones((2, 2)), "valid")),
    (ValueError, "same", lambda x: signal.fftconvolve(x[None], np.ones((2, 2)), "same", axes=1)),
    (ValueError, "axis 3", lambda x: signal.oaconvolve(x, x, axes=3)),
    (ValueError, "matrices", lambda x: signal.convolve2d(x, x)),
    (ValueError, "boundary", lambda x: signal.correlate2d(x[None], x[None], "full", "odd")),
    (ValueError, "mode", lambda x: signal.convolve2d(x[None], x[None], "most")),
    (ValueError, "one axis", lambda x: signal.lfilter([[1.0]], [1.0], x)),
    (ValueError, "zi", lambda x: signal.lfilter([1.0, 1.0], [1.0], x, zi=[1.0, 2.0])),
    (ValueError, r"\(sections, 6\)", lambda x: signal.sosfilt(np.ones(6), x)),
    (ValueError, "padtype", lambda x: signal.filtfilt([1.0], [1.0], x, padtype="most")),
    (ValueError, "padlen", lambda x: signal.filtfilt([1.0], [1.0], x, padlen=3)),
    (ValueError, "real", lambda x: signal.hilbert(x * 1j)),
    (ValueError, "N must be positive", lambda x: signal.hilbert(x, 0)),
    (ValueError, "type", lambda x: signal.detrend(x, type="cubic")),
    (ValueError, "bp", lambda x: signal.detrend(x, bp=7)),
    (ValueError, "window_length", lambda x: signal.savgol_filter(x, 5, 1)),
    (ValueError, "mode", lambda x: signal.savgol_filter(x, 3, 1, mode="most")),
    (ValueError, "type", lambda x: fft.dct(x, 5)),
    (ValueError, "norm", lambda x: fft.dst(x, norm="best")),
    (ValueError, "norm", lambda x: fft.ihfftn(x, norm="best")),
    (ValueError, "x must have", lambda x: integrate.trapezoid(x, [1.0, 2.0])),
    (ValueError, "initial", lambda x: integrate.cumulative_trapezoid(x, initial=1)),
    (ValueError, "increase", lambda x: integrate.cumulative_simpson(x, x=-x)),
    (ValueError, "samples", lambda x: integrate.romb(x[:0])),
    (ValueError, "samples", lambda x: integrate.romb(np.concatenate([x, x]))),
    (ValueError, "finite", lambda x: integrate.fixed_quad(np.sin, x[0], np.inf)),
]


@pytest.mark.parametrize(("error", "words", "call"), WRONG)
def test_wrong(error: type[Exception], words: str, call: Any):
    x = gt.constant(X)
    with gt.GradientTape() as tape:
        tape.watch(x)
        with pytest.raises(error, match=words):
            call(x)
