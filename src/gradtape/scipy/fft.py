"""Namesakes of ``scipy.fft``: the Fourier, cosine and sine transforms.

Each takes a tensor, a variable or an array; for an array it is SciPy's own function. The gradient
of a complex value follows the convention of docs/conventions.md.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.fft as _scipy
from scipy.fft import (
    fftfreq,
    get_workers,
    next_fast_len,
    rfftfreq,
    set_workers,
)

from gradtape.scipy._namesakes import array, constant, missing, scipys
from gradtape.scipy._transforms import FOURIER, PARTNER, cosine, sine, transformed

__all__ = [
    *("fft", "ifft", "fft2", "ifft2", "fftn", "ifftn"),
    *("rfft", "irfft", "rfft2", "irfft2", "rfftn", "irfftn"),
    *("hfft", "ihfft", "hfft2", "ihfft2", "hfftn", "ihfftn"),
    *("dct", "idct", "dctn", "idctn", "dst", "idst", "dstn", "idstn"),
    "fftfreq",
    "fftshift",
    "ifftshift",
    "next_fast_len",
    "rfftfreq",
]

__getattr__ = missing(__name__)

# These two dispatch, and do what SciPy's do.
fftshift, ifftshift = np.fft.fftshift, np.fft.ifftshift


# Fourier ----------------------------------------------------------------------------------------

_ONE = """{summary}: ``scipy.fft.{name}`` with derivatives.

    Parameters
    ----------
    x : a tensor or an array.
    n : the length of the transform along the axis: longer arrays are cut, shorter ones padded with
        zeros.
    axis : along which to transform.
    norm : ``"backward"`` (the default), ``"ortho"`` or ``"forward"``: which direction is scaled.
    overwrite_x : whether SciPy may write into an array; a tensor is never written into.
    workers : how many threads compute the value.
    plan : reserved by SciPy.

    Returns
    -------
    The transform: a Tensor, or an array for an array.

    Raises
    ------
    ValueError : ``n`` is not positive, or the norm is unknown.

    Examples
    --------
    >>> import numpy as np, gradtape as gt, gradtape.scipy.fft as fft
    >>> x = gt.Variable([1.0, 2.0, 4.0])
    >>> with gt.GradientTape() as tape:
    ...     y = np.real(fft.{name}(x))[0]
    >>> tape.gradient(y, x).shape
    (3,)
    """

_SEVERAL = """{summary}: ``scipy.fft.{name}`` with derivatives.

    Parameters
    ----------
    x : a tensor or an array.
    s : the lengths of the transform along the axes; those of the array by default.
    axes : along which to transform.
    norm : ``"backward"`` (the default), ``"ortho"`` or ``"forward"``: which direction is scaled.
    overwrite_x : whether SciPy may write into an array; a tensor is never written into.
    workers : how many threads compute the value.
    plan : reserved by SciPy.

    Returns
    -------
    The transform: a Tensor, or an array for an array.

    Raises
    ------
    ValueError : there are not as many lengths as axes, a length is not positive, or the norm is
        unknown.

    Examples
    --------
    >>> import numpy as np, gradtape as gt, gradtape.scipy.fft as fft
    >>> x = gt.Variable([[1.0, 2.0], [3.0, 4.0]])
    >>> with gt.GradientTape() as tape:
    ...     y = np.real(fft.{name}(x))[0, 0]
    >>> tape.gradient(y, x).shape
    (2, 2)
    """


def _along_one_axis(name: str, summary: str) -> Callable[..., Any]:
    """The transform of a name, along one axis."""
    theirs, ours = getattr(_scipy, name), getattr(FOURIER, name)

    def transform(
        x: Any,
        n: Any = None,
        axis: int = -1,
        norm: Any = None,
        overwrite_x: bool = False,
        workers: Any = None,
        *,
        plan: Any = None,
    ) -> Any:
        if constant(x):
            return scipys(theirs, x, n, axis, norm, overwrite_x, workers, plan=plan)
        with _threads(workers):
            return ours(array(x), n, axis, norm)

    return _named(transform, name, _ONE.format(name=name, summary=summary))


def _along_axes(name: str, summary: str, default: Any = None) -> Callable[..., Any]:
    """The transform of a name, along several axes."""
    theirs, ours = getattr(_scipy, name), getattr(FOURIER, name)

    def transform(
        x: Any,
        s: Any = None,
        axes: Any = default,
        norm: Any = None,
        overwrite_x: bool = False,
        workers: Any = None,
        *,
        plan: Any = None,
    ) -> Any:
        if constant(x):
            return scipys(theirs, x, s, axes, norm, overwrite_x, workers, plan=plan)
        with _threads(workers):
            return ours(array(x), s, axes, norm)

    return _named(transform, name, _SEVERAL.format(name=name, summary=summary))


def _threads(workers: Any) -> Any:
    """SciPy's context in which a transform takes so many threads."""
    return set_workers(get_workers() if workers is None else workers)


def _named(function: Any, name: str, doc: str) -> Callable[..., Any]:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function  # type: ignore[no-any-return]


fft = _along_one_axis("fft", "The discrete Fourier transform along an axis")
ifft = _along_one_axis("ifft", "The inverse discrete Fourier transform along an axis")
rfft = _along_one_axis("rfft", "The first half of the Fourier transform of real numbers")
irfft = _along_one_axis("irfft", "The real numbers of which one has the half transform")
hfft = _along_one_axis("hfft", "The real transform of numbers with mirrored conjugates")
ihfft = _along_one_axis("ihfft", "The half of the numbers of which one has the real transform")
fft2 = _along_axes("fft2", "The discrete Fourier transform along two axes", (-2, -1))
ifft2 = _along_axes("ifft2", "The inverse Fourier transform along two axes", (-2, -1))
rfft2 = _along_axes("rfft2", "The half Fourier transform of a real matrix", (-2, -1))
irfft2 = _along_axes("irfft2", "The real matrix of which one has the half transform", (-2, -1))
hfft2 = _along_axes("hfft2", "The real transform of a matrix with mirrored conjugates", (-2, -1))
ihfft2 = _along_axes("ihfft2", "The half matrix of which one has the real transform", (-2, -1))
fftn = _along_axes("fftn", "The discrete Fourier transform along several axes")
ifftn = _along_axes("ifftn", "The inverse discrete Fourier transform along several axes")
rfftn = _along_axes("rfftn", "The half Fourier transform of real numbers along several axes")
irfftn = _along_axes("irfftn", "The real array of which one has the half transform")
hfftn = _along_axes("hfftn", "The real transform of an array with mirrored conjugates")
ihfftn = _along_axes("ihfftn", "The half array of which one has the real transform")


# Cosine and sine --------------------------------------------------------------------------------

_REAL = """{summary}: ``scipy.fft.{name}`` with derivatives.

    Parameters
    ----------
    x : a tensor or an array.
    type : 1, 2, 3 or 4: which of the transforms.
    {lengths}
    norm : ``"backward"`` (the default), ``"ortho"`` or ``"forward"``: which direction is scaled.
    overwrite_x : whether SciPy may write into an array; a tensor is never written into.
    workers : how many threads compute the value.
    orthogonalize : whether to scale the first and last entries such that the transform is
        orthogonal up to a factor; by default where ``norm="ortho"``.

    Returns
    -------
    The transform: a Tensor, or an array for an array.

    Raises
    ------
    ValueError : the type or the norm is unknown, or a length does not fit.

    Examples
    --------
    >>> import numpy as np, gradtape as gt, gradtape.scipy.fft as fft
    >>> x = gt.Variable([[3.0, 4.0]])
    >>> with gt.GradientTape() as tape:  # an orthogonal transform keeps the length
    ...     y = np.linalg.norm(fft.{name}(x, norm="ortho")[0])
    >>> tape.gradient(y, x).numpy().round(12)
    array([[0.6, 0.8]])
    """

_LENGTH = """n : the length of the transform along the axis.
    axis : along which to transform."""
_LENGTHS = """s : the lengths of the transform along the axes; those of the array by default.
    axes : along which to transform; all by default."""


def _trigonometric(name: str, summary: str) -> Callable[..., Any]:
    """The transform of a name, along one axis or several."""
    theirs = getattr(_scipy, name)
    primitive = cosine if "c" in name else sine
    inverse, several = name.startswith("i"), name.endswith("n")

    def run(
        x: Any, type: int, lengths: Any, axes: Any, norm: Any, overwrite: bool, workers: Any, o: Any
    ) -> Any:
        if constant(x):
            options = {"overwrite_x": overwrite, "workers": workers, "orthogonalize": o}
            return scipys(theirs, x, type, lengths, axes, norm, **options)
        if type not in PARTNER:
            raise ValueError(f"type must be 1, 2, 3 or 4, got {type!r}")
        if not several:
            lengths, axes = None if lengths is None else (lengths,), (axes,)
        with _threads(workers):
            return transformed(primitive, array(x), type, lengths, axes, norm, inverse, o)

    def along_one(
        x: Any,
        type: int = 2,
        n: Any = None,
        axis: int = -1,
        norm: Any = None,
        overwrite_x: bool = False,
        workers: Any = None,
        orthogonalize: bool | None = None,
    ) -> Any:
        return run(x, type, n, axis, norm, overwrite_x, workers, orthogonalize)

    def along_several(
        x: Any,
        type: int = 2,
        s: Any = None,
        axes: Any = None,
        norm: Any = None,
        overwrite_x: bool = False,
        workers: Any = None,
        orthogonalize: bool | None = None,
    ) -> Any:
        return run(x, type, s, axes, norm, overwrite_x, workers, orthogonalize)

    doc = _REAL.format(name=name, summary=summary, lengths=_LENGTHS if several else _LENGTH)
    return _named(along_several if several else along_one, name, doc)


dct = _trigonometric("dct", "The discrete cosine transform along an axis")
idct = _trigonometric("idct", "The inverse discrete cosine transform along an axis")
dctn = _trigonometric("dctn", "The discrete cosine transform along several axes")
idctn = _trigonometric("idctn", "The inverse discrete cosine transform along several axes")
dst = _trigonometric("dst", "The discrete sine transform along an axis")
idst = _trigonometric("idst", "The inverse discrete sine transform along an axis")
dstn = _trigonometric("dstn", "The discrete sine transform along several axes")
idstn = _trigonometric("idstn", "The inverse discrete sine transform along several axes")
