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

from gradtape.derivatives.axes import one_axis
from gradtape.scipy._namesakes import array, missing
from gradtape.scipy._transforms import FOURIER, PARTNER, cosine, sine, transformed
from gradtape.scipy._wrapped import namesake

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


# What the transforms share ----------------------------------------------------------------------

_DOC = """{summary}: ``scipy.fft.{name}`` with derivatives.

    Parameters
    ----------
    x : a tensor or an array.
    {parameters}
    norm : ``"backward"`` (the default), ``"ortho"`` or ``"forward"``: which direction is scaled.
    overwrite_x : whether SciPy may write into an array; a tensor is never written into.
    workers : how many threads compute the value.
    {last}

    Returns
    -------
    The transform: a Tensor, or an array for an array.

    Raises
    ------
    ValueError : {wrong} unknown, or lengths or axes do not fit.

    Examples
    --------
    >>> import numpy as np, gradtape as gt, gradtape.scipy.fft as fft
    {example}
    """

_LENGTH = """n : the length of the transform along the axis: longer arrays are cut, shorter ones
        padded with zeros.
    axis : along which to transform."""
_LENGTHS = """s : the lengths of the transform along the axes; those of the array by default.
    axes : along which to transform; {default} by default."""


def _finished(function: Any, name: str, **parts: str) -> Callable[..., Any]:
    """A function as the namesake of one of SciPy's, with its name and documentation."""
    function.__name__ = function.__qualname__ = name
    function.__doc__ = _DOC.format(name=name, **parts)
    return namesake(getattr(_scipy, name))(function)


def _threads(workers: Any, plan: Any = None) -> Any:
    """SciPy's context in which a transform takes so many threads."""
    if plan is not None:
        raise NotImplementedError("plan must be None: SciPy has no plans yet")
    return set_workers(get_workers() if workers is None else workers)


def _lengths_and_axes(x: Any, s: Any, axes: Any) -> tuple[Any, Any]:
    """Both as tuples or None, where SciPy takes numbers too."""
    s, axes = [v if v is None else tuple(np.atleast_1d(v).tolist()) for v in (s, axes)]
    if s is not None and None in s:
        raise ValueError(f"s must hold whole numbers, got {s}")
    if axes is not None and len({one_axis(i, x.ndim) for i in axes}) < len(axes):
        raise ValueError(f"axes must all be different, got {axes}")
    return s, axes


# Fourier ----------------------------------------------------------------------------------------

_FOURIER = {"last": "plan : reserved by SciPy, which has none yet.", "wrong": "the norm is"}

_VECTOR = """>>> x = gt.Variable([1.0, 2.0, 4.0])
    >>> with gt.GradientTape() as tape:
    ...     y = np.real(fft.{name}(x))[0]
    >>> tape.gradient(y, x).shape
    (3,)"""

_MATRIX = """>>> x = gt.Variable([[1.0, 2.0], [3.0, 4.0]])
    >>> with gt.GradientTape() as tape:
    ...     y = np.real(fft.{name}(x))[0, 0]
    >>> tape.gradient(y, x).shape
    (2, 2)"""


def _along_one_axis(name: str, summary: str) -> Callable[..., Any]:
    """The transform of a name, along one axis."""
    ours = getattr(FOURIER, name)

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
        with _threads(workers, plan):
            return ours(array(x), n, axis, norm)

    example = _VECTOR.format(name=name)
    parts = {"summary": summary, "parameters": _LENGTH, "example": example}
    return _finished(transform, name, **parts, **_FOURIER)


def _along_axes(name: str, summary: str, default: Any = None) -> Callable[..., Any]:
    """The transform of a name, along several axes."""
    ours = getattr(FOURIER, name)
    at_least_one = "rfft" in name or "hfft" in name

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
        x = array(x)
        s, axes = _lengths_and_axes(x, s, axes)
        if at_least_one and axes == ():
            raise ValueError("axes must hold one at least")
        with _threads(workers, plan):
            return ours(x, s, axes, norm)

    example = _MATRIX.format(name=name)
    lengths = _LENGTHS.format(default="the last two" if default else "all")
    parts = {"summary": summary, "parameters": lengths, "example": example}
    return _finished(transform, name, **parts, **_FOURIER)


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

_REAL = {
    "last": """orthogonalize : whether to scale the first and last entries such that the transform
        is orthogonal up to a factor; by default where ``norm="ortho"``.""",
    "wrong": "the type or the norm is",
}

_ROW = """>>> x = gt.Variable([[3.0, 4.0]])
    >>> with gt.GradientTape() as tape:  # an orthogonal transform keeps the length
    ...     y = np.linalg.norm(fft.{name}(x, norm="ortho")[0])
    >>> tape.gradient(y, x).numpy().round(12)
    array([[0.6, 0.8]])"""


def _trigonometric(name: str, summary: str) -> Callable[..., Any]:
    """The transform of a name, along one axis or several."""
    primitive = cosine if "c" in name else sine
    inverse, several = name.startswith("i"), name.endswith("n")

    def run(x: Any, type: int, lengths: Any, axes: Any, norm: Any, workers: Any, o: Any) -> Any:
        if type not in PARTNER:
            raise ValueError(f"type must be 1, 2, 3 or 4, got {type!r}")
        x = array(x)
        lengths, axes = _lengths_and_axes(x, lengths, axes)
        with _threads(workers):
            return transformed(primitive, x, type, lengths, axes, norm, inverse, o)

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
        return run(x, type, n, axis, norm, workers, orthogonalize)

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
        return run(x, type, s, axes, norm, workers, orthogonalize)

    function = along_several if several else along_one
    lengths = _LENGTHS.format(default="all") if several else _LENGTH
    parameters = f"type : 1, 2, 3 or 4: which of the transforms.\n    {lengths}"
    parts = {"summary": summary, "parameters": parameters, "example": _ROW.format(name=name)}
    return _finished(function, name, **parts, **_REAL)


dct = _trigonometric("dct", "The discrete cosine transform along an axis")
idct = _trigonometric("idct", "The inverse discrete cosine transform along an axis")
dctn = _trigonometric("dctn", "The discrete cosine transform along several axes")
idctn = _trigonometric("idctn", "The inverse discrete cosine transform along several axes")
dst = _trigonometric("dst", "The discrete sine transform along an axis")
idst = _trigonometric("idst", "The inverse discrete sine transform along an axis")
dstn = _trigonometric("dstn", "The discrete sine transform along several axes")
idstn = _trigonometric("idstn", "The inverse discrete sine transform along several axes")
