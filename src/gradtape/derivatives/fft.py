"""Rules of the discrete Fourier transforms.

Four primitives along one axis do all the work: each is linear, and the transpose of each is another
one. ``n`` is always given, and the array is never longer than what a transform of ``n`` reads: what
is cut off is cut off before, so that it counts as dead.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from gradtape.derivatives.axes import one_axis
from gradtape.rules import Primitive, meaning

__all__ = ["TURNED", "Fourier", "first", "lengths_along", "turned"]

Shape = tuple[int, ...]

#: The scaling of the transpose: that of the transform in the other direction.
TURNED = {None: "forward", "backward": "forward", "ortho": "ortho", "forward": "backward"}


def first(x: Any, count: int, axis: int) -> Any:
    """The first entries along an axis, counted from the last; all of them where there are fewer."""
    if x.shape[axis] <= count:
        return x
    return x[(..., slice(0, count), *[slice(None)] * (-axis - 1))]


def _length(n: Any, default: int) -> int:
    return default if n is None else operator.index(n)


def _multiplicity(n: int, axis: int, dtype: Any) -> Any:
    """How often each bin of a real transform of length n stands for an entry of the whole one.

    The bins in between stand for themselves and their mirror images; bin zero, and the last one of
    an even length (Nyquist's), are their own.
    """
    counts = np.full(n // 2 + 1, 2, dtype)
    counts[0] = 1
    if n % 2 == 0:
        counts[-1] = 1
    return counts.reshape(-1, *[1] * (-axis - 1))


class Fourier:
    """A library's discrete Fourier transforms, as functions of tensors.

    Parameters
    ----------
    library : the module with ``fft``, ``ifft``, ``rfft`` and ``irfft`` on bare arrays.
    prefix : what stands in front of the primitives' names.
    """

    def __init__(self, library: Any, prefix: str = "") -> None:
        forward, inverse = library.fft, library.ifft
        real, from_half = library.rfft, library.irfft

        def fft(x: Any, /, n: int, axis: int, norm: Any) -> Any:
            return forward(x, n, axis, norm)

        def ifft(x: Any, /, n: int, axis: int, norm: Any) -> Any:
            return inverse(x, n, axis, norm)

        def rfft(x: Any, /, n: int, axis: int, norm: Any) -> Any:
            return real(x, n, axis, norm)

        def irfft(x: Any, /, n: int, axis: int, norm: Any) -> Any:
            return from_half(x, n, axis, norm)

        def pull_fft(g: Any, x_shape: Shape, n: int, axis: int, norm: Any) -> Any:
            share = self.whole_inverse(g, n=n, axis=axis, norm=TURNED[norm])
            return first(share, x_shape[axis], axis)

        def pull_ifft(g: Any, x_shape: Shape, n: int, axis: int, norm: Any) -> Any:
            share = self.whole(g, n=n, axis=axis, norm=TURNED[norm])
            return first(share, x_shape[axis], axis)

        def pull_rfft(g: Any, x_shape: Shape, n: int, axis: int, norm: Any) -> Any:
            # irfft counts the bins in between twice; here each counts once.
            halves = 1 / _multiplicity(n, axis, g.real.dtype)
            share = self.half_inverse(g * halves, n=n, axis=axis, norm=TURNED[norm])
            return first(share, x_shape[axis], axis)

        def pull_irfft(g: Any, x_shape: Shape, n: int, axis: int, norm: Any) -> Any:
            share = self.half(g, n=n, axis=axis, norm=TURNED[norm])
            share = share * _multiplicity(n, axis, share.real.dtype)
            return first(share, x_shape[axis], axis)

        self.whole = Primitive(fft, pull_fft, name=f"{prefix}fft")
        self.whole_inverse = Primitive(ifft, pull_ifft, name=f"{prefix}ifft")
        self.half = Primitive(rfft, pull_rfft, name=f"{prefix}rfft")
        self.half_inverse = Primitive(irfft, pull_irfft, name=f"{prefix}irfft")

    # Along one axis -------------------------------------------------------------------------------

    def _along(self, primitive: Primitive, a: Any, n: Any, axis: Any, norm: Any) -> Any:
        axis = one_axis(axis, a.ndim)
        n = _length(n, a.shape[axis])
        return primitive(first(a, max(n, 0), axis), n=n, axis=axis, norm=norm)

    def fft(self, a: Any, n: Any = None, axis: Any = -1, norm: Any = None) -> Any:
        """The transform."""
        return self._along(self.whole, a, n, axis, norm)

    def ifft(self, a: Any, n: Any = None, axis: Any = -1, norm: Any = None) -> Any:
        """The inverse transform."""
        return self._along(self.whole_inverse, a, n, axis, norm)

    def rfft(self, a: Any, n: Any = None, axis: Any = -1, norm: Any = None) -> Any:
        """The first half of the transform of real numbers."""
        return self._along(self.half, a, n, axis, norm)

    def irfft(self, a: Any, n: Any = None, axis: Any = -1, norm: Any = None) -> Any:
        """The inverse of ``rfft``; of a bin that is its own mirror image it takes the real part."""
        axis = one_axis(axis, a.ndim)
        n = _length(n, 2 * (a.shape[axis] - 1))
        a = first(a, max(n // 2 + 1, 0), axis)
        return self.half_inverse(a, n=n, axis=axis, norm=norm)

    def hfft(self, a: Any, n: Any = None, axis: Any = -1, norm: Any = None) -> Any:
        """The transform of a half of which the other is the mirrored conjugate: it is real."""
        return self.irfft(np.conjugate(a), n, axis, turned(norm))

    def ihfft(self, a: Any, n: Any = None, axis: Any = -1, norm: Any = None) -> Any:
        """The inverse of ``hfft``."""
        return np.conjugate(self.rfft(a, n, axis, turned(norm)))

    # Along several axes, the last one first, as NumPy and SciPy do --------------------------------

    def fftn(self, a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
        """The transform along several axes."""
        for n, axis in reversed(lengths_along(a, s, axes)):
            a = self.fft(a, n, axis, norm)
        return a

    def ifftn(self, a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
        """The inverse transform along several axes."""
        for n, axis in reversed(lengths_along(a, s, axes)):
            a = self.ifft(a, n, axis, norm)
        return a

    def rfftn(self, a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
        """The first half, along the last of several axes, of the transform of real numbers."""
        *others, (n, axis) = lengths_along(a, s, axes)
        a = self.rfft(a, n, axis, norm)
        for m, other in reversed(others):
            a = self.fft(a, m, other, norm)
        return a

    def irfftn(self, a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
        """The inverse of ``rfftn``."""
        *others, (n, axis) = lengths_along(a, s, axes, last=None)
        for m, other in others:
            a = self.ifft(a, m, other, norm)
        return self.irfft(a, n, axis, norm)

    def fft2(self, a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Any:
        """The transform along two axes."""
        return self.fftn(a, s, axes, norm)

    def ifft2(self, a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Any:
        """The inverse transform along two axes."""
        return self.ifftn(a, s, axes, norm)

    def rfft2(self, a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Any:
        """The first half, along the second axis, of the transform of real numbers."""
        return self.rfftn(a, s, axes, norm)

    def irfft2(self, a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Any:
        """The inverse of ``rfft2``."""
        return self.irfftn(a, s, axes, norm)


def turned(norm: Any) -> str:
    """The scaling of the other direction."""
    if norm not in TURNED:
        raise ValueError(f'Invalid norm value {norm}; should be "backward", "ortho" or "forward".')
    return TURNED[norm]


def lengths_along(a: Any, s: Any, axes: Any, last: int | None = -1) -> list[tuple[Any, int]]:
    """The length of the transform along each axis, and the axis.

    ``last`` is the length along the last one where none are given: -1 for the axis's own, None for
    what the transform takes by default.
    """
    if axes is None:
        count = a.ndim if s is None else len(s)
        axes = range(-count, 0)
    along = [one_axis(axis, a.ndim) for axis in axes]
    if s is None:
        s = [-1] * (len(along) - 1) + [last] if along else []
    if len(s) != len(along):
        raise ValueError(f"Shape and axes have different lengths: {len(s)} and {len(along)}.")
    return [(a.shape[i] if n == -1 else n, i) for n, i in zip(s, along, strict=True)]


NUMPY = Fourier(np.fft)

for _name in (
    *("fft", "ifft", "rfft", "irfft", "hfft", "ihfft", "fft2", "ifft2", "rfft2", "irfft2"),
    *("fftn", "ifftn", "rfftn", "irfftn"),
):
    meaning(getattr(np.fft, _name))(getattr(Fourier, _name).__get__(NUMPY))


def _shifted(x: Any, axes: Any, inverse: bool) -> Any:
    if axes is None:
        axes = range(x.ndim)
    along = [axes] if np.ndim(axes) == 0 else list(axes)
    halves = [x.shape[i] // 2 for i in along]
    return np.roll(x, [-n for n in halves] if inverse else halves, along)


@meaning(np.fft.fftshift)
def fftshift(x: Any, axes: Any = None) -> Any:
    return _shifted(x, axes, inverse=False)


@meaning(np.fft.ifftshift)
def ifftshift(x: Any, axes: Any = None) -> Any:
    return _shifted(x, axes, inverse=True)
