"""``tf.signal``: Fourier transforms along the last axes, windows, and short-time spectra.

Examples
--------
>>> import gradtape.tf as tf
>>> tf.signal.rfft([1.0, 0.0, 0.0, 0.0]).numpy()
array([1.+0.j, 1.+0.j, 1.+0.j], dtype=complex64)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from gradtape import tensor as engine
from gradtape.tf import errors
from gradtape.tf.elementwise import cast
from gradtape.tf.makers import shape_of
from gradtape.tf.missing import missing
from gradtape.tf.tensors import Tensor, operand, result
from gradtape.tf.types import numpy_dtype
from gradtape.tf.windows import folded, windows

__all__ = [
    "dct",
    "fft",
    "fft2d",
    "fft3d",
    "fftshift",
    "frame",
    "hamming_window",
    "hann_window",
    "idct",
    "ifft",
    "ifft2d",
    "ifft3d",
    "ifftshift",
    "inverse_stft",
    "inverse_stft_window_fn",
    "irfft",
    "irfft2d",
    "irfft3d",
    "kaiser_bessel_derived_window",
    "kaiser_window",
    "overlap_and_add",
    "rfft",
    "rfft2d",
    "rfft3d",
    "stft",
    "vorbis_window",
]

# Fourier transforms ---------------------------------------------------------------------------


def _axes(op: str, x: Any, n: int) -> tuple[int, ...]:
    if x.array.ndim < n:
        raise errors.invalid(op, f"Input must have rank of at least {n} but got: {x.array.ndim}")
    return tuple(range(-n, 0))


def _complex(value: Any) -> Any:
    x = operand(value)
    return x if x.array.dtype.kind == "c" else cast(x, np.complex64)


def _complex_form(name: str, doc: str, n: int, compute: Any) -> Callable[..., Tensor]:
    op = name.upper()

    def function(input: Any, name: str | None = None) -> Tensor:
        # A list of real numbers may become complex, a tensor may not.
        x = operand(input) if isinstance(input, engine.Tensor) else _complex(input)
        if x.array.dtype.kind != "c":
            raise errors.not_allowed(op, x.array.dtype, "complex64, complex128")
        return result(compute(x, axes=_axes(op, x, n)))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{doc} of complex numbers along the last {_NUMBERS[n]}."
    return function


def _real_form(
    name: str, doc: str, n: int, compute: Any, kind: str, allowed: str
) -> Callable[..., Tensor]:
    op = name.upper()

    def function(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Tensor:
        x = operand(input_tensor)
        if x.array.dtype.kind != kind:
            raise errors.not_allowed(op, x.array.dtype, allowed)
        lengths = None if fft_length is None else shape_of(fft_length)
        if lengths is not None and len(lengths) != n:
            raise errors.invalid(op, f"fft_length must have shape [{n}], got {list(lengths)}")
        return result(compute(x, s=lengths, axes=_axes(op, x, n)))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = (
        f"{doc} along the last {_NUMBERS[n]}.\n\n``{name}(input_tensor, fft_length=None)``: the "
        "real signal is cut to ``fft_length``, or filled up with zeros."
    )
    return function


_NUMBERS = {1: "axis", 2: "two axes", 3: "three axes"}
_DOC = "The discrete Fourier transform"
_INVERSE = "The inverse discrete Fourier transform"
fft, fft2d, fft3d = (
    _complex_form(name, _DOC, n, np.fft.fftn) for n, name in enumerate(("fft", "fft2d", "fft3d"), 1)
)
ifft, ifft2d, ifft3d = (
    _complex_form(name, _INVERSE, n, np.fft.ifftn)
    for n, name in enumerate(("ifft", "ifft2d", "ifft3d"), 1)
)
rfft, rfft2d, rfft3d = (
    _real_form(name, f"{_DOC} of real numbers: half of it", n, np.fft.rfftn, "f", "float, double")
    for n, name in enumerate(("rfft", "rfft2d", "rfft3d"), 1)
)
irfft, irfft2d, irfft3d = (
    _real_form(name, "What undoes ``rfft``", n, np.fft.irfftn, "c", "complex64, complex128")
    for n, name in enumerate(("irfft", "irfft2d", "irfft3d"), 1)
)


def _along(axes: Any) -> Any:
    return None if axes is None else np.asarray(axes).reshape(-1).tolist()


def fftshift(x: Any, axes: Any = None, name: str | None = None) -> Tensor:
    """The frequency 0 brought to the middle.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.signal.fftshift([0.0, 1.0, 2.0, -2.0, -1.0]).numpy()
    array([-2., -1.,  0.,  1.,  2.], dtype=float32)
    """
    return result(np.fft.fftshift(operand(x), _along(axes)))


def ifftshift(x: Any, axes: Any = None, name: str | None = None) -> Tensor:
    """What undoes ``fftshift``.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.signal.ifftshift([-2.0, -1.0, 0.0, 1.0, 2.0]).numpy()
    array([ 0.,  1.,  2., -2., -1.], dtype=float32)
    """
    return result(np.fft.ifftshift(operand(x), _along(axes)))


# Cosine transforms ----------------------------------------------------------------------------


def _turns(n: int, dtype: Any) -> Any:
    """exp(-i pi k / 2n)."""
    wide = np.complex128 if dtype.itemsize > 4 else np.complex64
    return np.exp(-0.5j * np.pi / n * np.arange(n)).astype(wide)


def dct(
    input: Any,
    type: int = 2,
    n: int | None = None,
    axis: int = -1,
    norm: str | None = None,
    name: str | None = None,
) -> Tensor:
    """The discrete cosine transform of type 1 to 4 along the last axis.

    Parameters
    ----------
    n : to which length the signal is cut, or filled up with zeros.
    norm : ``"ortho"`` for the orthonormal transform (not type 1).

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.signal.dct([1.0, 1.0]).numpy()
    array([4., 0.], dtype=float32)
    """
    x = operand(input)
    if x.array.dtype.kind != "f":
        raise errors.not_allowed("DCT", x.array.dtype, "float, double")
    if axis != -1:
        raise NotImplementedError(f"axis must be -1. Got: {axis}")
    if type not in (1, 2, 3, 4):
        raise ValueError("Types I, II, III and IV (I)DCT are supported.")
    if norm not in (None, "ortho"):
        raise ValueError(f"Unknown normalization. Expected None or 'ortho', got: {norm}")
    if type == 1 and norm == "ortho":
        raise ValueError("Normalization is not supported for the Type-I DCT.")
    if n is not None and n < x.array.shape[-1]:
        x = x[..., :n]
    elif n is not None:
        x = result(np.pad(x, [*[(0, 0)] * (x.array.ndim - 1), (0, n - x.array.shape[-1])]))
    return result(_DCT[type](x, x.array.shape[-1], norm == "ortho"))


def _weights(n: int, first: float, other: float, dtype: Any) -> Any:
    return np.array([first, *[other] * (n - 1)], dtype)


def _dct1(x: Any, n: int, ortho: bool) -> Any:
    if n < 2:
        raise ValueError("Type-I DCT requires a dimension of at least two.")
    return np.real(np.fft.rfft(np.concatenate([x, np.flip(x[..., 1:-1], -1)], -1)))


def _dct2(x: Any, n: int, ortho: bool) -> Any:
    dtype = x.array.dtype
    out = np.real(np.fft.rfft(x, 2 * n)[..., :n] * (2 * _turns(n, dtype)))
    return out * _weights(n, 0.5 / n**0.5, (0.5 / n) ** 0.5, dtype) if ortho else out


def _dct3(x: Any, n: int, ortho: bool) -> Any:
    dtype = x.array.dtype
    first, other = (n**0.5, (n / 2) ** 0.5) if ortho else (n, n)
    turned = (x * _weights(n, first, other, dtype)).astype(_turns(n, dtype).dtype)
    return np.fft.irfft(turned * (2 * np.conj(_turns(n, dtype))), 2 * n)[..., :n]


def _dct4(x: Any, n: int, ortho: bool) -> Any:
    zeros = np.zeros_like(engine.bare(x))
    out = _dct2(result(np.concatenate([x, zeros], -1)), 2 * n, False)[..., 1::2]
    return out * x.array.dtype.type((0.5 / n) ** 0.5) if ortho else out


_DCT = {1: _dct1, 2: _dct2, 3: _dct3, 4: _dct4}


def idct(
    input: Any,
    type: int = 2,
    n: int | None = None,
    axis: int = -1,
    norm: str | None = None,
    name: str | None = None,
) -> Tensor:
    """What undoes ``dct`` up to a factor: none for ``"ortho"``, else 2n (2(n - 1) for type 1).

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.signal.idct(tf.signal.dct([1.0, 3.0], norm="ortho"), norm="ortho").numpy().round(5)
    array([1., 3.], dtype=float32)
    """
    if n is not None:
        raise ValueError(f"`n` should be None, got {n}")
    return dct(input, {1: 1, 2: 3, 3: 2, 4: 4}.get(type, type), None, axis, norm)


# Windows --------------------------------------------------------------------------------------


def _raised_cosine(length: Any, periodic: bool, dtype: Any, a: float, b: float) -> Tensor:
    n = int(engine.bare(length))
    if n == 1:
        return result(np.ones(1, numpy_dtype(dtype)))
    period = n + (1 if periodic and n % 2 == 0 else 0) - 1
    wave = a - b * np.cos(2 * np.pi * np.arange(n) / period)
    return result(wave.astype(numpy_dtype(dtype)))


def hann_window(
    window_length: Any, periodic: bool = True, dtype: Any = np.float32, name: Any = None
) -> Tensor:
    """A raised cosine that falls to 0.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.signal.hann_window(4).numpy()
    array([0. , 0.5, 1. , 0.5], dtype=float32)
    """
    return _raised_cosine(window_length, periodic, dtype, 0.5, 0.5)


def hamming_window(
    window_length: Any, periodic: bool = True, dtype: Any = np.float32, name: Any = None
) -> Tensor:
    """A raised cosine that falls to 0.08.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.signal.hamming_window(4).numpy()
    array([0.08, 0.54, 1.  , 0.54], dtype=float32)
    """
    return _raised_cosine(window_length, periodic, dtype, 0.54, 0.46)


def _kaiser(n: int, beta: Any) -> Any:
    """As np.kaiser, which takes no tensor for beta."""
    width = operand(beta).astype(np.float64)
    if n < 2:
        return np.ones(n) + 0 * width
    half = (n - 1) / 2
    rest = np.sqrt(1 - ((np.arange(n) - half) / half) ** 2)
    return np.i0(width * rest) / np.i0(width)


def kaiser_window(
    window_length: Any, beta: Any = 12.0, dtype: Any = np.float32, name: Any = None
) -> Tensor:
    """Kaiser's window: a Bessel function of the distance from the middle. Beta has a gradient.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.signal.kaiser_window(3, 0.0).numpy()
    array([1., 1., 1.], dtype=float32)
    """
    window = _kaiser(int(engine.bare(window_length)), beta)
    return result(window.astype(numpy_dtype(dtype)))


def kaiser_bessel_derived_window(
    window_length: Any, beta: Any = 12.0, dtype: Any = np.float32, name: Any = None
) -> Tensor:
    """The window whose squares, half a window apart, add up to 1, made of Kaiser's.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.signal.kaiser_bessel_derived_window(2, 0.0).numpy()
    array([0.70710677, 0.70710677], dtype=float32)
    """
    sums = np.cumsum(_kaiser(int(engine.bare(window_length)) // 2 + 1, beta))
    half = np.sqrt(sums[:-1] / sums[-1])
    return result(np.concatenate([half, half[::-1]]).astype(numpy_dtype(dtype)))


def vorbis_window(window_length: Any, dtype: Any = np.float32, name: Any = None) -> Tensor:
    """The window of the Vorbis format; its squares, half a window apart, add up to 1.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.signal.vorbis_window(2).numpy()
    array([0.70710677, 0.70710677], dtype=float32)
    """
    n = int(engine.bare(window_length))
    inner = np.sin(np.pi / n * (np.arange(n) + 0.5))
    return result(np.sin(np.pi / 2 * inner**2).astype(numpy_dtype(dtype)))


# Frames ---------------------------------------------------------------------------------------


def frame(
    signal: Any,
    frame_length: Any,
    frame_step: Any,
    pad_end: bool = False,
    pad_value: Any = 0,
    axis: int = -1,
    name: str | None = None,
) -> Tensor:
    """Overlapping parts of a signal.

    Parameters
    ----------
    signal : (..., samples, ...): the samples are along ``axis``.
    frame_length, frame_step : how long the parts are, and how far apart.
    pad_end : whether the last parts are filled up with ``pad_value``, and not left out.

    Returns
    -------
    (..., frames, frame_length, ...).

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.signal.frame([1.0, 2.0, 3.0, 4.0], 2, 1).numpy()
    array([[1., 2.],
           [2., 3.],
           [3., 4.]], dtype=float32)
    """
    x, size, step = operand(signal), int(engine.bare(frame_length)), int(engine.bare(frame_step))
    axis = axis % x.array.ndim
    moved = np.moveaxis(x, axis, -1)
    if pad_end:
        n = x.array.shape[axis]
        more = max((-(-n // step) - 1) * step + size - n, 0)
        widths = [*[(0, 0)] * (x.array.ndim - 1), (0, more)]
        moved = np.pad(moved, widths, constant_values=operand(pad_value, x.array.dtype))
    parts = windows(np.expand_dims(moved, -1), sizes=(size,), strides=(step,), dilations=(1,))
    return result(np.moveaxis(np.squeeze(parts, -1), (-2, -1), (axis, axis + 1)))


def overlap_and_add(signal: Any, frame_step: Any, name: str | None = None) -> Tensor:
    """The sum of the parts (..., frames, frame_length) of a signal, ``frame_step`` apart.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.signal.overlap_and_add([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], 2).numpy()
    array([1., 2., 7., 5., 6.], dtype=float32)
    """
    x, step = operand(signal), int(engine.bare(frame_step))
    frames, size = x.array.shape[-2:]
    length = (frames - 1) * step + size
    total = folded(np.expand_dims(x, -1), lengths=(length,), strides=(step,), dilations=(1,))
    return result(np.squeeze(total, -1))


def _enclosing_power(n: int) -> int:
    """The least power of 2 that is not below n."""
    return 1 << max(n - 1, 0).bit_length()


def stft(
    signals: Any,
    frame_length: Any,
    frame_step: Any,
    fft_length: Any = None,
    window_fn: Any = hann_window,
    pad_end: bool = False,
    name: str | None = None,
) -> Tensor:
    """The spectra of overlapping parts of a signal (..., samples): (..., frames, frequencies).

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.signal.stft(tf.ones([16]), 8, 4).shape
    TensorShape([3, 5])
    """
    x, size = operand(signals), int(engine.bare(frame_length))
    length = _enclosing_power(size) if fft_length is None else int(engine.bare(fft_length))
    parts = frame(x, size, frame_step, pad_end=pad_end)
    if window_fn is not None:
        parts = parts * window_fn(size, dtype=parts.dtype)
    return rfft(parts, [length])


def inverse_stft(
    stfts: Any,
    frame_length: Any,
    frame_step: Any,
    fft_length: Any = None,
    window_fn: Any = hann_window,
    name: str | None = None,
) -> Tensor:
    """What undoes ``stft``, where ``window_fn`` is that of ``inverse_stft_window_fn``.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> spectra = tf.signal.stft(tf.ones([16]), 8, 4)
    >>> tf.signal.inverse_stft(spectra, 8, 4, window_fn=tf.signal.inverse_stft_window_fn(4)).shape
    TensorShape([16])
    """
    size = int(engine.bare(frame_length))
    length = _enclosing_power(size) if fft_length is None else int(engine.bare(fft_length))
    parts: Any = irfft(stfts, [length])[..., :size]
    if length < size:
        widths = [*[(0, 0)] * (parts.ndim - 1), (0, size - length)]
        parts = result(np.pad(parts, widths))
    if window_fn is not None:
        parts = parts * window_fn(size, dtype=parts.dtype)
    return overlap_and_add(parts, frame_step)


def inverse_stft_window_fn(
    frame_step: Any, forward_window_fn: Any = hann_window, name: str | None = None
) -> Callable[..., Tensor]:
    """The window function with which ``inverse_stft`` gives back the signal.

    D. Griffin and J. Lim, "Signal estimation from modified short-time Fourier transform" (1984).
    """
    step = int(engine.bare(frame_step))

    def window_fn(frame_length: Any, dtype: Any = np.float32) -> Tensor:
        size = int(engine.bare(frame_length))
        window = forward_window_fn(size, dtype=dtype)
        laps = -(-size // step)
        padded = np.pad(np.square(window), (0, laps * step - size))
        total = np.sum(np.reshape(padded, (laps, step)), axis=0)
        return result(window / np.tile(total, laps)[:size])

    return window_fn


if not TYPE_CHECKING:  # a type checker knows by itself what is not here

    def __getattr__(name: str) -> Any:
        """Raise the error for a name that is not here, with the nearest that is."""
        raise missing(__name__, name, __all__)
