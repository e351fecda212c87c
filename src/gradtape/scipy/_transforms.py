"""SciPy's Fourier, cosine and sine transforms as primitives along one axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.fft

from gradtape.derivatives.fft import TURNED, Fourier, first, lengths_along, turned
from gradtape.primitive import Primitive

__all__ = ["FOURIER", "PARTNER", "cosine", "sine", "transformed"]

Shape = tuple[int, ...]

#: The type of the inverse transform, and up to weights of the transpose.
PARTNER = {1: 1, 2: 3, 3: 2, 4: 4}


class _Fourier(Fourier):
    """With the transforms of several axes that NumPy does not have."""

    def hfftn(self, a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
        """The real transform, along several axes, of numbers with mirrored conjugates."""
        return self.irfftn(np.conjugate(a), s, axes, turned(norm))

    def ihfftn(self, a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
        """The inverse of ``hfftn``."""
        return np.conjugate(self.rfftn(a, s, axes, turned(norm)))

    def hfft2(self, a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Any:
        """``hfftn`` along two axes."""
        return self.hfftn(a, s, axes, norm)

    def ihfft2(self, a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Any:
        """``ihfftn`` along two axes."""
        return self.ihfftn(a, s, axes, norm)


FOURIER = _Fourier(scipy.fft, "scipy.")


# Cosine and sine --------------------------------------------------------------------------------


def _weights(n: int, axis: int, dtype: Any, weight: float, ends: tuple[int, ...]) -> Any:
    """Ones along an axis, but for a weight at the ends."""
    found = np.ones(n, dtype)
    found[list(ends)] = weight
    return found.reshape(-1, *[1] * (-axis - 1))


def _trigonometric(function: Callable[..., Any], name: str, ends: dict[int, Any]) -> Primitive:
    """The primitive of a cosine or sine transform.

    In the definitions (SciPy's reference, after Makhoul 1980) the entries at the ``ends`` of types
    1, 2 and 3 count once where the others count twice. Apart from these weights type 2 is the
    transpose of type 3, and types 1 and 4 of themselves; orthogonalized, exactly.
    """

    def compute(x: Any, /, type: int, n: int, axis: int, norm: Any, orthogonal: bool) -> Any:
        if x.dtype.kind == "c" and orthogonal != (norm == "ortho"):
            # For complex numbers SciPy forgets the argument.
            parts = [compute(part, type, n, axis, norm, orthogonal) for part in (x.real, x.imag)]
            out = np.empty(parts[0].shape, np.result_type(parts[0], np.complex64))
            out.real, out.imag = parts
            return out
        return function(x, type, n, axis, norm, orthogonalize=orthogonal)

    def pull(
        g: Any, x_shape: Shape, type: int, n: int, axis: int, norm: Any, orthogonal: bool
    ) -> Any:
        at = () if orthogonal else ends.get(type, ())
        if at and type < 3:
            g = g * _weights(n, axis, g.real.dtype, 2, at)
        share = primitive(g, type=PARTNER[type], n=n, axis=axis, norm=norm, orthogonal=orthogonal)
        if at and type != 2:
            share = share * _weights(n, axis, share.real.dtype, 0.5, at)
        return first(share, x_shape[axis], axis)

    primitive = Primitive(compute, pull, name=f"scipy.{name}")
    return primitive


cosine = _trigonometric(scipy.fft.dct, "dct", {1: (0, -1), 2: (0,), 3: (0,)})
sine = _trigonometric(scipy.fft.dst, "dst", {2: (-1,), 3: (-1,)})


def transformed(
    primitive: Primitive,
    x: Any,
    type: int,
    lengths: Any,
    axes: Any,
    norm: Any,
    inverse: bool,
    orthogonalize: bool | None,
) -> Any:
    """A cosine or sine transform, or its inverse, along axes."""
    orthogonal = norm == "ortho" if orthogonalize is None else bool(orthogonalize)
    if inverse:  # SciPy's way too: the other type, scaled as the other direction
        type, norm = PARTNER[type], turned(norm)
    elif norm not in TURNED:
        turned(norm)
    for n, axis in lengths_along(x, lengths, axes):
        x = primitive(
            first(x, n, axis), type=type, n=n, axis=axis, norm=norm, orthogonal=orthogonal
        )
    return x
