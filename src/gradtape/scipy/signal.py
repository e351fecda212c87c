"""Namesakes of ``scipy.signal``: convolutions, correlations, filters, the analytic signal.

Each takes tensors, variables and arrays in every argument that holds numbers of the signal or of
the filter. Where no tensor is among them it is SciPy's own function.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.signal as _scipy

from gradtape.derivatives.axes import one_axis
from gradtape.rules import strip
from gradtape.scipy._convolution import convolved, padded, turned, valid
from gradtape.scipy._filters import filtfilt, lfilter, lfilter_zi, sosfilt
from gradtape.scipy._namesakes import array, missing
from gradtape.scipy._smoothing import detrend, savgol_filter
from gradtape.scipy._wrapped import namesake

__all__ = [
    "convolve",
    "convolve2d",
    "correlate",
    "correlate2d",
    "detrend",
    "fftconvolve",
    "filtfilt",
    "hilbert",
    "lfilter",
    "lfilter_zi",
    "oaconvolve",
    "savgol_filter",
    "sosfilt",
]

__getattr__ = missing(__name__)


# Convolution and correlation ------------------------------------------------------------------


def _operands(in1: Any, in2: Any) -> tuple[Any, Any]:
    """Two arrays with as many axes."""
    x, y = array(in1), array(in2)
    if x.ndim != y.ndim:
        raise ValueError(
            f"in1 and in2 must have as many axes, got the shapes {x.shape} and {y.shape}"
        )
    return x, y


def _chosen(x: Any, y: Any, mode: str, method: str) -> str:
    """The method that SciPy takes."""
    if method == "auto":
        return str(_scipy.choose_conv_method(strip(x), strip(y), mode))
    if method not in ("direct", "fft"):
        raise ValueError(f"method must be 'auto', 'direct' or 'fft', got {method!r}")
    return method


@namesake(_scipy.convolve)
def convolve(in1: Any, in2: Any, mode: str = "full", method: str = "auto") -> Any:
    """Convolve two arrays of as many axes: ``scipy.signal.convolve`` with derivatives.

    Parameters
    ----------
    in1, in2 : tensors or arrays with the same number of axes.
    mode : ``"full"``, ``"same"`` (the middle of it, as long as ``in1``) or ``"valid"`` (where the
        arrays overlap wholly; one of them must be at least as long along every axis).
    method : ``"direct"`` (sums), ``"fft"`` or ``"auto"``, which estimates the faster one. The
        derivative takes the same way.

    Returns
    -------
    The convolution: a Tensor, or an array where neither argument is a tensor.

    Raises
    ------
    ValueError : the numbers of axes differ, or the mode or method is unknown.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy.signal import convolve
    >>> kernel = gt.Variable([1.0, -1.0])
    >>> with gt.GradientTape() as tape:
    ...     y = convolve([1.0, 2.0, 4.0], kernel, mode="valid")
    >>> y, tape.gradient(y, kernel)
    (Tensor([1., 2.]), Tensor([6., 3.]))
    """
    x, y = _operands(in1, in2)
    if not x.ndim:
        return x * y
    return convolved(x, y, mode, x.ndim, _chosen(x, y, mode, method))


@namesake(_scipy.correlate)
def correlate(in1: Any, in2: Any, mode: str = "full", method: str = "auto") -> Any:
    """Correlate two arrays of as many axes: ``scipy.signal.correlate`` with derivatives.

    The second one is conjugated: ``out[k] = sum_j in1[j + k] conj(in2[j])``.

    Parameters
    ----------
    in1, in2 : tensors or arrays with the same number of axes.
    mode : ``"full"``, ``"same"`` (the middle of it, as long as ``in1``) or ``"valid"``.
    method : ``"direct"``, ``"fft"`` or ``"auto"``.

    Returns
    -------
    The correlation: a Tensor, or an array where neither argument is a tensor.

    Raises
    ------
    ValueError : the numbers of axes differ, or the mode or method is unknown.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy.signal import correlate
    >>> x = gt.Variable([1.0, 2.0, 4.0])
    >>> with gt.GradientTape() as tape:
    ...     y = correlate(x, [1.0, 10.0], mode="valid")
    >>> y, tape.gradient(y, x)
    (Tensor([21., 42.]), Tensor([ 1., 11., 10.]))
    """
    x, y = _operands(in1, in2)
    if not x.ndim:
        return x * np.conjugate(y)
    chosen = _chosen(x, y, mode, method)
    pairs = list(zip(x.shape, y.shape, strict=True))
    if mode == "valid" and all([n <= m for n, m in pairs]) and x.shape != y.shape:
        return turned(valid(y, x, nd=x.ndim, method=chosen), x.ndim)
    return convolved(x, turned(y, x.ndim), mode, x.ndim, chosen)


def _along_axes(in1: Any, in2: Any, mode: str, axes: Any, method: str) -> Any:
    """The convolution along some axes by Fourier transforms; the other axes broadcast."""
    x, y = _operands(in1, in2)
    if not x.ndim:
        return x * y
    along = range(x.ndim) if axes is None else [axes] if np.ndim(axes) == 0 else axes
    along = [one_axis(i, x.ndim) + x.ndim for i in along]
    last = list(range(-len(along), 0))
    x, y = np.moveaxis(x, along, last), np.moveaxis(y, along, last)
    out = convolved(x, y, mode, len(along), method)
    if mode == "same" and out.shape[: -len(along)] != x.shape[: -len(along)]:
        raise ValueError(
            f"for mode='same' in1 must have the result's lengths along the axes that broadcast, "
            f"got the shapes {array(in1).shape} and {array(in2).shape}"
        )
    return np.moveaxis(out, last, along)


@namesake(_scipy.fftconvolve)
def fftconvolve(in1: Any, in2: Any, mode: str = "full", axes: Any = None) -> Any:
    """Convolve by Fourier transforms: ``scipy.signal.fftconvolve`` with derivatives.

    Parameters
    ----------
    in1, in2 : tensors or arrays with the same number of axes.
    mode : ``"full"``, ``"same"`` or ``"valid"``, as in ``convolve``.
    axes : an int or ints: the axes to convolve along (None: all). The others broadcast.

    Returns
    -------
    The convolution: a Tensor, or an array where neither argument is a tensor.

    Raises
    ------
    ValueError : the numbers of axes differ, or the mode is unknown.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy.signal import fftconvolve
    >>> x = gt.Variable([[1.0, 2.0, 4.0], [1.0, 0.0, 0.0]])
    >>> with gt.GradientTape() as tape:
    ...     y = fftconvolve(x, [[1.0, 10.0]], mode="valid", axes=-1)
    >>> tape.gradient(y, x).numpy().round(12)
    array([[10., 11.,  1.],
           [10., 11.,  1.]])
    """
    return _along_axes(in1, in2, mode, axes, "fft")


@namesake(_scipy.oaconvolve)
def oaconvolve(in1: Any, in2: Any, mode: str = "full", axes: Any = None) -> Any:
    """Convolve by overlapping Fourier transforms: ``scipy.signal.oaconvolve`` with derivatives.

    Faster than ``fftconvolve`` where one array is much longer than the other.

    Parameters
    ----------
    in1, in2, mode, axes : as in ``fftconvolve``.

    Returns
    -------
    The convolution: a Tensor, or an array where neither argument is a tensor.

    Raises
    ------
    ValueError : the numbers of axes differ, or the mode is unknown.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy.signal import oaconvolve
    >>> x = gt.Variable([1.0, 2.0, 4.0])
    >>> with gt.GradientTape() as tape:
    ...     y = oaconvolve(x, [1.0, 10.0])
    >>> tape.gradient(y, x).numpy().round(12)
    array([11., 11., 11.])
    """
    return _along_axes(in1, in2, mode, axes, "oa")


#: SciPy's boundaries, as modes of numpy.pad.
_BOUNDARIES: dict[str, Any] = {"fill": "constant", "wrap": "wrap", "symm": "symmetric"}


def _in_a_plane(in1: Any, in2: Any, mode: str, boundary: str, fillvalue: Any, centers: Any) -> Any:
    """The convolution of two matrices, one of them continued beyond its border.

    ``centers`` are the entries of the second that come to lie on the first one's, for ``same``.
    """
    x, y = _operands(in1, in2)
    if x.ndim != 2:
        raise ValueError(f"in1 and in2 must be matrices, got the shapes {x.shape} and {y.shape}")
    if boundary not in _BOUNDARIES:
        raise ValueError(f"boundary must be 'fill', 'wrap' or 'symm', got {boundary!r}")
    if mode == "valid":
        return convolved(x, y, mode, 2, "direct")
    if mode not in ("full", "same"):
        raise ValueError(f"mode must be 'full', 'same' or 'valid', got {mode!r}")
    around = [
        (m - 1, m - 1) if mode == "full" else (m - 1 - center, center)
        for m, center in zip(y.shape, centers, strict=True)
    ]
    fillvalue = array(fillvalue)
    if fillvalue.size != 1:
        raise ValueError(f"fillvalue must be one number, got the shape {fillvalue.shape}")
    x = x.astype(np.result_type(x.dtype, y.dtype))
    x = padded(x, around, _BOUNDARIES[boundary], np.reshape(fillvalue, ()))
    return convolved(x, y, "valid", 2, "direct")


@namesake(_scipy.convolve2d)
def convolve2d(
    in1: Any, in2: Any, mode: str = "full", boundary: str = "fill", fillvalue: Any = 0
) -> Any:
    """Convolve two matrices: ``scipy.signal.convolve2d`` with derivatives.

    Parameters
    ----------
    in1, in2 : tensors or arrays of two axes.
    mode : ``"full"``, ``"same"`` or ``"valid"``, as in ``convolve``.
    boundary : how ``in1`` goes on beyond its border: ``"fill"``, ``"wrap"`` or ``"symm"``.
    fillvalue : the number to fill with.

    Returns
    -------
    The convolution: a Tensor, or an array where no argument is a tensor.

    Raises
    ------
    ValueError : an array has not two axes, or the mode or boundary is unknown.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy.signal import convolve2d
    >>> image = gt.Variable([[1.0, 2.0], [3.0, 4.0]])
    >>> with gt.GradientTape() as tape:
    ...     y = convolve2d(image, [[1.0, 1.0]], mode="same", boundary="wrap")
    >>> tape.gradient(y, image)
    Tensor([[2., 2.],
            [2., 2.]])
    """
    centers = [(m - 1) // 2 for m in np.shape(array(in2))]
    return _in_a_plane(in1, in2, mode, boundary, fillvalue, centers)


@namesake(_scipy.correlate2d)
def correlate2d(
    in1: Any, in2: Any, mode: str = "full", boundary: str = "fill", fillvalue: Any = 0
) -> Any:
    """Correlate two matrices: ``scipy.signal.correlate2d`` with derivatives.

    Parameters
    ----------
    in1, in2, mode, boundary, fillvalue : as in ``convolve2d``; the second matrix is conjugated.
        (For ``mode="valid"`` and a larger complex ``in2``, SciPy conjugates the first instead.)

    Returns
    -------
    The correlation: a Tensor, or an array where no argument is a tensor.

    Raises
    ------
    ValueError : an array has not two axes, or the mode or boundary is unknown.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy.signal import correlate2d
    >>> image = gt.Variable([[1.0, 2.0], [3.0, 4.0]])
    >>> with gt.GradientTape() as tape:
    ...     y = correlate2d(image, [[1.0, 10.0]], mode="valid")
    >>> tape.gradient(y, image)
    Tensor([[ 1., 10.],
            [ 1., 10.]])
    """
    x, y = _operands(in1, in2)
    if mode == "valid" and any([n < m for n, m in zip(x.shape, y.shape, strict=True)]):
        return turned(_in_a_plane(y, turned(x, 2), mode, boundary, fillvalue, ()), 2)
    centers = [m // 2 for m in y.shape]
    return _in_a_plane(x, turned(y, 2), mode, boundary, fillvalue, centers)


# The analytic signal ---------------------------------------------------------------------------


@namesake(_scipy.hilbert)
def hilbert(x: Any, N: int | None = None, axis: int = -1) -> Any:
    """Compute the analytic signal: ``scipy.signal.hilbert`` with derivatives.

    Parameters
    ----------
    x : a real signal, a tensor or an array.
    N : the length of the Fourier transform; that of the signal by default.
    axis : along which to transform.

    Returns
    -------
    The complex signal without negative frequencies: a Tensor, or an array for an array.

    Raises
    ------
    ValueError : ``x`` is complex, or ``N`` is not positive.

    Examples
    --------
    >>> import numpy as np, gradtape as gt
    >>> from gradtape.scipy.signal import hilbert
    >>> x = gt.Variable([1.0, 2.0, 0.0, 1.0])
    >>> with gt.GradientTape() as tape:
    ...     envelope = np.abs(hilbert(x))
    >>> tape.gradient(envelope, x).shape
    (4,)
    """
    x = array(x)
    if x.dtype.kind == "c":
        raise ValueError(f"x must be real, got dtype {x.dtype}")
    axis = one_axis(axis, x.ndim)
    n = x.shape[axis] if N is None else N
    if n <= 0:
        raise ValueError(f"N must be positive, got {n}")
    spectrum = np.fft.fft(x, n, axis)
    weights = np.zeros(n, spectrum.real.dtype)
    weights[0] = weights[n // 2] = 1
    weights[1 : (n + 1) // 2] = 2
    return np.fft.ifft(spectrum * weights.reshape(-1, *[1] * (-axis - 1)), axis=axis)
