"""Rules of Kronecker and cross products, convolutions and correlations."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape.derivatives.axes import as_array, one_axis
from gradtape.rules import Primitive, adjoint, align, meaning, unbroadcast

__all__ = ["convolved"]

Shape = tuple[int, ...]


@meaning(np.kron)
def kron(a: Any, b: Any) -> Any:
    a, b = as_array(a), as_array(b)
    if not (a.ndim and b.ndim):
        return np.multiply(a, b)
    ndim = max(a.ndim, b.ndim)
    ours, theirs = [(1,) * (ndim - x.ndim) + x.shape for x in (a, b)]
    apart = np.reshape(a, [k for n in ours for k in (n, 1)])
    together = np.reshape(b, [k for n in theirs for k in (1, n)])
    return np.reshape(apart * together, [n * m for n, m in zip(ours, theirs, strict=True)])


@meaning(np.cross)
def cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    if axis is not None:
        axisa = axisb = axisc = axis
    left, right = np.moveaxis(as_array(a), axisa, -1), np.moveaxis(as_array(b), axisb, -1)
    n, m = left.shape[-1], right.shape[-1]
    if n not in (2, 3) or m not in (2, 3):
        raise ValueError(f"cross: vectors have 2 or 3 components, got {n} and {m}")
    a0, a1, b0, b1 = left[..., 0], left[..., 1], right[..., 0], right[..., 1]
    last = a0 * b1 - a1 * b0
    if n == m == 2:
        return last
    if n == 2:
        parts = [a1 * right[..., 2], -(a0 * right[..., 2])]
    elif m == 2:
        parts = [-(left[..., 2] * b1), left[..., 2] * b0]
    else:
        a2, b2 = left[..., 2], right[..., 2]
        parts = [a1 * b2 - a2 * b1, a2 * b0 - a0 * b2]
    return np.moveaxis(np.stack([*parts, last], -1), -1, one_axis(axisc, last.ndim + 1))


# Convolutions ---------------------------------------------------------------------------------


def _convolved(x: Any, y: Any, /, mode: Any) -> Any:
    """Rows of x with rows of y; as "valid", x has the longer ones."""
    if x.ndim == y.ndim == 1:
        return np.convolve(x, y, mode)
    n, m = x.shape[-1], y.shape[-1]
    leading = np.broadcast_shapes(x.shape[:-1], y.shape[:-1])
    out = np.empty((*leading, n + m - 1 if mode == "full" else n - m + 1), np.result_type(x, y))
    xs, ys = np.broadcast_to(x, (*leading, n)), np.broadcast_to(y, (*leading, m))
    for row in np.ndindex(leading):
        out[row] = np.convolve(xs[row], ys[row], mode)
    return out


def _mirrored(x: Any) -> Any:
    """The rows backwards, conjugated: convolving with them undoes the shifts."""
    return adjoint(x[..., ::-1])


def _pull_left(g: Any, y: Any, x_shape: Shape, mode: str, batch: Shape) -> Any:
    back = "valid" if mode == "full" else "full"
    return unbroadcast(convolved(g, _mirrored(y), mode=back), x_shape, batch)


def _pull_right(g: Any, x: Any, y_shape: Shape, mode: str, batch: Shape) -> Any:
    if mode == "full":
        share = convolved(g, _mirrored(x), mode="valid")
    else:
        share = convolved(_mirrored(x), g, mode="valid")
    return unbroadcast(share, y_shape, batch)


#: The convolution along the last axis, "full" or "valid".
convolved: Primitive = Primitive(
    _convolved,
    (_pull_left, _pull_right),
    (
        lambda t, y, out, x_shape, mode, batch: convolved(
            align(t, x_shape, out.ndim, batch), y, mode=mode
        ),
        lambda t, x, out, y_shape, mode, batch: convolved(
            x, align(t, y_shape, out.ndim, batch), mode=mode
        ),
    ),
)

_MODES = {"v": "valid", "s": "same", "f": "full", 0: "valid", 1: "same", 2: "full"}


def _checked(function: Any, a: Any, v: Any, mode: Any) -> tuple[Any, Any, str]:
    """Both operands with one axis, and the name of the mode."""
    name = function.__name__
    a, v = np.atleast_1d(as_array(a)), np.atleast_1d(as_array(v))
    if a.ndim > 1 or v.ndim > 1:
        raise ValueError(f"{name}: takes arrays of one axis, got shapes {a.shape} and {v.shape}")
    if not (a.size and v.size):
        raise ValueError(f"{name}: the arrays cannot be empty, got {a.size} and {v.size} entries")
    key = mode.lower()[:1] if isinstance(mode, str) else mode
    if key not in _MODES:
        raise ValueError(f"{name}: mode must be one of 'valid', 'same', or 'full', got {mode!r}")
    return a, v, _MODES[key]


@meaning(np.convolve)
def convolve(a: Any, v: Any, mode: Any = "full") -> Any:
    a, v, mode = _checked(np.convolve, a, v, mode)
    if a.size < v.size:
        a, v = v, a
    if mode != "same":
        return convolved(a, v, mode=mode)
    start = (v.size - 1) // 2
    return convolved(a, v, mode="full")[start : start + a.size]


@meaning(np.correlate)
def correlate(a: Any, v: Any, mode: Any = "valid") -> Any:
    a, v, mode = _checked(np.correlate, a, v, mode)
    mirrored = _mirrored(v)
    if mode != "same":
        longer, shorter = (a, mirrored) if a.size >= v.size else (mirrored, a)
        return convolved(longer, shorter, mode=mode)
    n = min(a.size, v.size)
    start = (n - 1) // 2 if a.size >= v.size else n // 2
    return convolved(a, mirrored, mode="full")[start : start + max(a.size, v.size)]
