"""Filters that are one fixed linear map of the signal: detrending, Savitzky and Golay's."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import scipy.signal as _scipy

from gradtape.scipy._convolution import convolved, padded
from gradtape.scipy._namesakes import array
from gradtape.scipy._wrapped import namesake
from gradtape.tensor import Tensor

__all__ = ["detrend", "savgol_filter"]


@namesake(_scipy.detrend)
def detrend(
    data: Any, axis: int = -1, type: str = "linear", bp: Any = 0, overwrite_data: bool = False
) -> Any:
    """Subtract a fitted line or the mean: ``scipy.signal.detrend`` with derivatives.

    Parameters
    ----------
    data : a tensor or an array.
    axis : along which to fit.
    type : ``"linear"`` or ``"constant"``.
    bp : for a line, the positions at which a new line begins.
    overwrite_data : whether SciPy may write into an array; a tensor is never written into.

    Returns
    -------
    What is left: a Tensor, or an array for an array.

    Raises
    ------
    ValueError : the type is unknown, or a position lies behind the end.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy.signal import detrend
    >>> x = gt.Variable([1.0, 2.0, 4.0])
    >>> with gt.GradientTape() as tape:
    ...     y = detrend(x, type="constant")[0]
    >>> tape.gradient(y, x).numpy().round(12)
    array([ 0.66666667, -0.33333333, -0.33333333])
    """
    x = array(data)
    if type in ("constant", "c"):
        return x - np.mean(x, axis, keepdims=True)
    if type not in ("linear", "l"):
        raise ValueError(f"type must be 'linear' or 'constant', got {type!r}")
    x = np.moveaxis(x, axis, -1)
    n = x.shape[-1]
    ends = sorted({0, n, *np.atleast_1d(bp).tolist()})
    if ends[0] < 0 or ends[-1] > n:
        raise ValueError(f"bp must lie within the data of length {n}, got {bp!r}")
    parts = []
    for start, stop in pairwise(ends):
        line = np.stack([np.ones(stop - start), np.linspace(0, 1, stop - start)], -1)
        basis = np.linalg.qr(line)[0] if stop - start > 1 else np.ones((1, 1))
        basis = basis.astype(x.real.dtype)
        part = x[..., start:stop]
        parts.append(part - np.matmul(np.matmul(part, basis), basis.T))
    return np.moveaxis(np.concatenate(parts, -1), -1, axis)


#: SciPy's ways to go on beyond the ends, as modes of numpy.pad.
_BEYOND: dict[str, Any] = {
    "mirror": "reflect",
    "nearest": "edge",
    "wrap": "wrap",
    "constant": "constant",
}


@namesake(_scipy.savgol_filter)
def savgol_filter(
    x: Any,
    window_length: int,
    polyorder: int,
    deriv: int = 0,
    delta: Any = 1.0,
    axis: int = -1,
    mode: str = "interp",
    cval: Any = 0.0,
) -> Any:
    """Smooth by polynomials fitted in a window: ``scipy.signal.savgol_filter`` with derivatives.

    Parameters
    ----------
    x : the signal, a tensor or an array.
    window_length, polyorder : the length of the window, and the order of the polynomials.
    deriv, delta : which derivative to compute, and the distance of the samples, which may be a
        tensor.
    axis : along which to smooth.
    mode : what is beyond the ends: ``"interp"`` (the polynomial of the last window), ``"mirror"``,
        ``"nearest"``, ``"wrap"`` or ``"constant"``.
    cval : the constant, which may be a tensor.

    Returns
    -------
    The smoothed signal: a Tensor, or an array for an array.

    Raises
    ------
    ValueError : the mode is unknown, the window is longer than the signal, the order does not fit
        the window, or ``x`` is complex.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy.signal import savgol_filter
    >>> x = gt.Variable([1.0, 2.0, 4.0, 3.0, 0.0])
    >>> with gt.GradientTape() as tape:
    ...     y = savgol_filter(x, 3, 1)[2]
    >>> tape.gradient(y, x).numpy().round(12)
    array([0.        , 0.33333333, 0.33333333, 0.33333333, 0.        ])
    """
    if isinstance(delta, Tensor):  # a factor of the whole, like that of any derivative
        whole = savgol_filter(x, window_length, polyorder, deriv, 1.0, axis, mode, cval)
        return whole / delta**deriv
    if mode != "interp" and mode not in _BEYOND:
        raise ValueError(f"mode must be 'interp' or one of {', '.join(_BEYOND)}, got {mode!r}")
    signal = np.moveaxis(array(x), axis, -1)
    if signal.dtype.kind == "c":
        raise ValueError(f"x must be real, got dtype {signal.dtype}: filter its two parts")
    if signal.dtype not in (np.float32, np.float64):
        signal = signal.astype(np.float64)
    fit = window_length, polyorder, deriv, delta
    weights = _scipy.savgol_coeffs(*fit).astype(signal.dtype)
    weights = weights.reshape((1,) * (signal.ndim - 1) + (-1,))
    if mode == "interp":
        smooth = _between_fitted_ends(signal, weights, fit)
    else:
        left = window_length // 2
        around = [(0, 0)] * (signal.ndim - 1) + [(window_length - 1 - left, left)]
        smooth = convolved(padded(signal, around, _BEYOND[mode], cval), weights, *_DIRECTLY)
    return np.moveaxis(smooth, -1, axis)


#: A convolution along the last axis, where both overlap wholly, by sums.
_DIRECTLY = ("valid", 1, "direct")


def _between_fitted_ends(signal: Any, weights: Any, fit: tuple[int, int, int, float]) -> Any:
    """A signal smoothed by weights, and at the ends by the polynomials of the outer windows."""
    window, n = fit[0], signal.shape[-1]
    if window > n:
        raise ValueError(
            f"with mode='interp' window_length must not exceed the length of x along the axis, "
            f"got {window} and {n}"
        )
    left = window // 2
    ends = _scipy.savgol_filter(np.eye(window), *fit, 0, "interp").astype(signal.dtype)
    parts = [
        np.matmul(signal[..., :window], ends[:left].T),
        convolved(signal, weights, *_DIRECTLY)[..., 2 * left + 1 - window :],
        np.matmul(signal[..., n - window :], ends[window - left :].T),
    ]
    return np.concatenate(parts, -1)
