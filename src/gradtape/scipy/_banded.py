"""Systems of linear equations with a band matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from gradtape.arithmetic import adjoint, align, unbroadcast
from gradtape.primitive import Primitive

__all__ = ["banded"]

Shape = tuple[int, ...]


def _banded(bands: Any, b: Any, /, below: int, above: int) -> Any:
    n = bands.shape[-1]
    if bands.ndim > 2:
        front = b.shape[:-2]
        stack = np.broadcast_to(bands, (*front, *bands.shape[-2:]))
        found = [_banded(stack[at], b[at], below, above) for at in np.ndindex(front)]
        return np.array(found).reshape(b.shape)
    columns = b.reshape(-1, n).T
    solution = scipy.linalg.solve_banded((below, above), bands, columns, check_finite=False)
    return solution.T.reshape(b.shape)


def _moved(x: Any, by: int) -> Any:
    """The last axis moved to the right, with zeros for what comes in."""
    n = x.shape[-1]
    by = max(-n, min(by, n))
    zeros = np.zeros((*x.shape[:-1], abs(by)), x.dtype)
    if by < 0:
        return np.concatenate([x[..., -by:], zeros], -1)
    return np.concatenate([zeros, x[..., : n - by]], -1)


def _transposed(bands: Any, below: int, above: int) -> Any:
    """The bands of the conjugate transpose."""
    last = below + above
    rows = [_moved(bands[..., last - r, :], below - r) for r in range(last + 1)]
    return adjoint(np.stack(rows, -2))


def _pull_right_side(g: Any, bands: Any, below: int, above: int) -> Any:
    return banded(_transposed(bands, below, above), g, below=above, above=below)


def _pull_bands(
    g: Any, bands: Any, out: Any, bands_shape: Shape, below: int, above: int, batch: Shape
) -> Any:
    share = -_pull_right_side(g, bands, below, above)
    rows = [_moved(share, above - r) * adjoint(out) for r in range(below + above + 1)]
    found = np.stack(rows, -2)
    found = np.sum(found, -3) if len(bands_shape) > 2 else found
    return unbroadcast(found, bands_shape, batch)


def _push_bands(
    t: Any, bands: Any, out: Any, bands_shape: Shape, below: int, above: int, batch: Shape
) -> Any:
    if len(bands_shape) > 2:
        t = np.expand_dims(align(t, bands_shape, out.ndim, batch), -3)
    else:
        t = align(t, bands_shape, out.ndim + 1, batch)
    moved = [_moved(t[..., r, :] * out, r - above) for r in range(below + above + 1)]
    return -banded(bands, sum(moved[1:], moved[0]), below=below, above=above)


#: The solution of A x = b along the last axis of b; ``bands[above + i - j, j] = A[i, j]``. For a
#: stack of matrices, with axes in front of those two, b has these axes too, in front of (k, n).
banded: Primitive = Primitive(
    _banded,
    (_pull_bands, _pull_right_side),
    (_push_bands, lambda t, bands, below, above: banded(bands, t, below=below, above=above)),
    name="scipy.solve_banded",
)
