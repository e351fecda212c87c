"""Arithmetic of cotangents and tangents: bringing them to the shape and dtype of their value."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray  # looked up in every operation

__all__ = ["adjoint", "align", "cast", "constant_times", "scaled", "unbroadcast", "zeros"]

Shape = tuple[int, ...]

_ROWS = (-2,)
#: What ``_summing`` found for each pair of shapes: a program uses few of them, again and again.
_SUMS: dict[Any, tuple[tuple[int, ...], bool, Any]] = {}
#: Up to how many rows the vector of ones that sums them is kept with the plan.
_FEW_ROWS = 1 << 12


def adjoint(partial: Any) -> Any:
    """The complex conjugate of a partial; a real one as it is."""
    if isinstance(partial, (float, int)):  # np.float64 is a float too
        return partial
    if isinstance(partial, complex):
        return partial.conjugate()
    return np.conjugate(partial) if partial.dtype.kind == "c" else partial


def cast(share: Any, dtype: Any) -> Any:
    """A share in the dtype of the value it belongs to (the real part, for a real value)."""
    if share.dtype.kind == "c" and dtype.kind != "c":
        share = share.real
    return share if share.dtype == dtype else share.astype(dtype)


def constant_times(g: Any, constant: float) -> Any:
    """``g`` times a constant partial; a zero one gives zeros whatever ``g`` holds."""
    if constant == 1:
        return g
    if constant == 0:
        return zeros(g, g.shape)
    return -g if constant == -1 else g * constant


def zeros(g: Any, shape: Shape) -> Any:
    """Zeros of a cotangent's dtype.

    A tensor for a tensor: rules may take its type for that of all that they are given.
    """
    nothing = np.zeros(shape, g.dtype)[()]
    return type(g)(nothing) if hasattr(g, "result_class") else nothing


def scaled(g: Any, partial: Any, divides: bool, saved: tuple[Any, ...], own: bool) -> Any:
    """``g * partial`` or ``g / partial`` for a large partial, in memory that is free.

    That of ``g``, if it is the walk's ``own``; or the partial's, if nothing else holds it; or new.
    """
    if partial.dtype.kind == "c":
        partial = np.conjugate(partial)
    if type(g) is ndarray and partial.shape == g.shape:
        times = np.true_divide if divides else np.multiply
        if own and g.base is None and partial.dtype in (g.dtype, np.bool_):
            return times(g, partial, out=g)
        free = partial.base is None and not any([partial is value for value in saved])
        if free and partial.dtype == g.dtype:
            return times(g, partial, out=partial)
    return g / partial if divides else g * partial


def align(t: Any, shape: Shape, ndim: int, batch: Shape) -> Any:
    """A tangent of a value of ``shape``, ready to broadcast against values of ``ndim`` axes."""
    missing = ndim - len(shape)
    return t.reshape(batch + (1,) * missing + shape) if batch and missing > 0 else t


def unbroadcast(g: Any, shape: Shape, batch: Shape) -> Any:
    """Sum a cotangent over the axes along which a value of ``shape`` was broadcast.

    The leading ``batch`` axes of ``g`` are kept.
    """
    whole = g.shape[len(batch) :] if batch else g.shape
    if whole == shape:
        return g
    key = whole, shape, g.dtype.char
    plan = _SUMS.get(key)
    if plan is None:
        if len(_SUMS) > 256:
            _SUMS.clear()
        plan = _SUMS[key] = _summing(*key)
    axes, reshape, ones = plan
    if ones is not None and not batch and type(g) is ndarray:
        g = (ones if ones.size else np.ones(g.shape[0], g.dtype)).dot(g)  # BLAS sums rows faster
    elif axes:
        g = np.add.reduce(g, axes)
    return g.reshape(batch + shape) if reshape else g


def _summing(shape: Shape, to: Shape, dtype: str) -> tuple[tuple[int, ...], bool, Any]:
    """The axes, counted from the last, that turn ``shape`` into ``to`` when summed over.

    And whether the result still has to be reshaped, for axes of length one that stay; and, where
    it is the rows of a matrix that are summed, a vector of ones to multiply it with (an empty one
    for many rows: it is made anew each time), or None.
    """
    missing = len(shape) - len(to)
    axes = tuple(
        [i - len(shape) for i, n in enumerate(shape) if i < missing or n != to[i - missing]]
    )
    rows = axes == _ROWS and len(shape) == 2 and dtype in "fd"
    ones = np.ones(shape[0] if shape[0] <= _FEW_ROWS else 0, dtype) if rows else None
    return axes, len(axes) > missing, ones
