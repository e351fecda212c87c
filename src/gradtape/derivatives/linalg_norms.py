"""Rules of norms and condition numbers, and numpy.linalg's namesakes of NumPy's functions."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from gradtape.derivatives.axes import constant, kept, one_axis, several_axes
from gradtape.derivatives.linalg_decompositions import singular_values
from gradtape.derivatives.matrices import inverse_if_any, ratio
from gradtape.derivatives.primitives import raised
from gradtape.rules import Primitive, adjoint, bare, meaning, strip

__all__ = ["euclidean", "power_norm"]

Shape = tuple[int, ...]
Axes = tuple[int, ...]


# Smooth norms -------------------------------------------------------------------------------------
#
# At 0, where a norm has a kink, the gradient is 0. Each is given by its gradient.


def _shape_of_norm(x_shape: Shape, axis: Axes | None) -> Shape:
    """The shape of a norm that broadcasts against what it is the norm of."""
    return kept(x_shape, several_axes(None, len(x_shape)) if axis is None else axis)


def _pull_by(gradient: Any) -> Any:
    def pull(g: Any, x: Any, out: Any, x_shape: Shape, axis: Any, batch: Shape, **ord: Any) -> Any:
        shape = _shape_of_norm(x_shape, axis)
        return g.reshape(batch + shape) * gradient(x, out.reshape(shape), **ord)

    return pull


def _push_by(gradient: Any) -> Any:
    def push(t: Any, x: Any, out: Any, x_shape: Shape, axis: Any, batch: Shape, **ord: Any) -> Any:
        partial = gradient(x, out.reshape(_shape_of_norm(x_shape, axis)), **ord)
        axes = several_axes(None, len(x_shape)) if axis is None else axis
        return np.sum(np.real(t * adjoint(partial)), axes).reshape(batch + out.shape)

    return push


def _norm(x: Any, /, axis: Any, keepdims: bool) -> Any:
    return np.linalg.norm(x, None, axis, keepdims)


euclidean = Primitive(_norm, _pull_by(ratio), _push_by(ratio))


def _power_norm(x: Any, /, ord: Any, axis: Any, keepdims: bool) -> Any:
    return np.linalg.norm(x, ord, axis, keepdims)


def _direction(x: Any) -> Any:
    return ratio(x, np.abs(x)) if x.dtype.kind == "c" else np.sign(x)


def _power_gradient(x: Any, out: Any, ord: Any) -> Any:
    # As powers of numbers up to 1, which do not overflow.
    return _direction(x) * raised(ratio(np.abs(x), out), exponent=ord - 1)


def _pull_power(
    g: Any, x: Any, out: Any, x_shape: Shape, ord: Any, axis: Axes, batch: Shape
) -> Any:
    return _pull_by(_power_gradient)(g, x, out, x_shape, axis, batch, ord=ord)


def _push_power(
    t: Any, x: Any, out: Any, x_shape: Shape, ord: Any, axis: Axes, batch: Shape
) -> Any:
    return _push_by(_power_gradient)(t, x, out, x_shape, axis, batch, ord=ord)


power_norm = Primitive(_power_norm, _pull_power, _push_power)


# Every norm ---------------------------------------------------------------------------------------


@meaning(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Any:
    x, keepdims = (x if x.dtype.kind in "fc" else x.astype(float)), bool(keepdims)
    ord = constant(ord, np.linalg.norm, "ord", "np.sum(np.abs(x)**p, axis)**(1/p) does")
    if axis is None:
        if ord is None or (ord in ("f", "fro") and x.ndim == 2) or (ord == 2 and x.ndim == 1):
            return euclidean(x, axis=None, keepdims=keepdims)
        axis = tuple(range(x.ndim))
    axes = axis if isinstance(axis, tuple) else (axis,)
    axes = tuple([one_axis(i, x.ndim) for i in axes])
    if len(axes) == 1:
        return _vector_norm(x, ord, axes, keepdims)
    if len(axes) != 2:
        raise ValueError(
            f"norm: axis {axis!r} names {len(axes)} axes of an array of shape {x.shape}: one makes "
            "a norm of vectors, two one of matrices; vector_norm takes any number"
        )
    if axes[0] == axes[1]:
        raise ValueError(f"norm: axis {axis!r} names one axis twice")
    return _matrix_norm(x, ord, axes, keepdims)


def _vector_norm(x: Any, ord: Any, axis: Axes, keepdims: Any) -> Any:
    if isinstance(ord, str):
        raise ValueError(f"Invalid norm order {ord!r} for vectors")
    if ord is None or ord == 2:
        return euclidean(x, axis=axis, keepdims=keepdims)
    if ord == np.inf:
        largest: Any = np.max if x.size else np.sum  # of no entries: 0
        return largest(np.abs(x), axis, keepdims=keepdims)
    if ord == -np.inf:
        return np.min(np.abs(x), axis, keepdims=keepdims)
    if ord == 0:  # a number of entries: constant
        return np.linalg.norm(strip(x), ord, axis[0], keepdims)
    if ord == 1:
        return np.sum(np.abs(x), axis, keepdims=keepdims)
    return power_norm(x, ord=ord, axis=axis, keepdims=keepdims)


def _matrix_norm(x: Any, ord: Any, axes: Axes, keepdims: Any) -> Any:
    if ord in (None, "fro", "f"):
        return euclidean(x, axis=axes, keepdims=keepdims)
    if not x.size and ord in (2, 1, np.inf):
        return np.sum(np.abs(x), axes, keepdims=keepdims)
    if ord in ("nuc", 2, -2):
        moved = np.moveaxis(x, axes, (-2, -1))
        reduce: Any = {"nuc": np.sum, 2: np.max, -2: np.min}[ord]
        result = reduce(singular_values(moved), -1)
    elif ord in (1, -1, np.inf, -np.inf):
        summed, compared = axes if abs(ord) == 1 else axes[::-1]
        sums = np.sum(np.abs(x), summed, keepdims=True)
        result = (np.max if ord > 0 else np.min)(sums, compared, keepdims=True)
        result = np.squeeze(result, axes)
    else:
        raise ValueError(f"Invalid norm order {ord!r} for matrices.")
    return np.reshape(result, kept(x.shape, axes)) if keepdims else result


@meaning(getattr(np.linalg, "vector_norm", None))
def vector_norm(x: Any, /, *, axis: Any = None, keepdims: Any = False, ord: Any = 2) -> Any:
    if axis is None:
        flat = np.ravel(x)
    elif isinstance(axis, tuple):
        named = [one_axis(i, x.ndim) for i in axis]
        rest = [i for i in range(-x.ndim, 0) if i not in named]
        lengths = [x.shape[i] for i in rest]
        flat = np.reshape(
            np.transpose(x, (*named, *rest)), (prod([x.shape[i] for i in named]), *lengths)
        )
    else:
        return np.linalg.norm(x, ord, axis, keepdims)
    result = np.linalg.norm(flat, ord, 0)
    return np.reshape(result, kept(x.shape, several_axes(axis, x.ndim))) if keepdims else result


@meaning(getattr(np.linalg, "matrix_norm", None))
def matrix_norm(x: Any, /, *, keepdims: Any = False, ord: Any = "fro") -> Any:
    return np.linalg.norm(x, ord, (-2, -1), keepdims)


@meaning(np.linalg.cond)
def cond(x: Any, p: Any = None) -> Any:
    if 0 in x.shape[-2:]:
        raise np.linalg.LinAlgError("cond is not defined on empty arrays")
    with np.errstate(all="ignore"):
        if p in (None, 2, -2):
            s = singular_values(x)
            first, last = s[..., 0], s[..., -1]
            result = last / first if p == -2 else first / last
        else:
            wide = x.astype("D" if x.dtype.kind == "c" else "d")
            result = np.linalg.norm(x, p, (-2, -1)) * np.linalg.norm(
                inverse_if_any(wide), p, (-2, -1)
            )
            # Of complex matrices it is complex in older versions of NumPy, whose dtype it keeps.
            result = result.astype(np.linalg.cond(np.eye(1, dtype=x.dtype), p).dtype)
    unknown = np.isnan(strip(result)) & ~np.isnan(strip(x)).any((-2, -1))
    return np.where(unknown, np.inf, result) if unknown.any() else result


bare(np.linalg.matrix_rank)


# Namesakes ----------------------------------------------------------------------------------------


@meaning(getattr(np.linalg, "cross", None))
def cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    if np.shape(x1)[axis] != 3 or np.shape(x2)[axis] != 3:
        raise ValueError(
            f"cross: the vectors must have three entries, but shapes {np.shape(x1)} and "
            f"{np.shape(x2)} have {np.shape(x1)[axis]} and {np.shape(x2)[axis]} along axis {axis}"
        )
    return np.cross(x1, x2, axis=axis)


@meaning(getattr(np.linalg, "diagonal", None))
def diagonal(x: Any, /, *, offset: int = 0) -> Any:
    return np.diagonal(x, offset, -2, -1)


@meaning(getattr(np.linalg, "matmul", None))
def matmul(x1: Any, x2: Any, /) -> Any:
    return np.matmul(x1, x2)


@meaning(getattr(np.linalg, "matrix_transpose", None))
def matrix_transpose(x: Any, /) -> Any:
    return np.matrix_transpose(x)


@meaning(getattr(np.linalg, "outer", None))
def outer(x1: Any, x2: Any, /) -> Any:
    if np.ndim(x1) != 1 or np.ndim(x2) != 1:
        raise ValueError(
            f"outer: the arguments must be vectors, but have shapes {np.shape(x1)} and "
            f"{np.shape(x2)}; np.outer flattens them"
        )
    return np.outer(x1, x2)


@meaning(getattr(np.linalg, "tensordot", None))
def tensordot(x1: Any, x2: Any, /, *, axes: Any = 2) -> Any:
    return np.tensordot(x1, x2, axes)


@meaning(getattr(np.linalg, "trace", None))
def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    return np.trace(x, offset, -2, -1, dtype)


@meaning(getattr(np.linalg, "vecdot", None))
def vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    return np.vecdot(x1, x2, axis=axis)  # type: ignore[call-overload]
