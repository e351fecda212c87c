"""Tensors to fill: NumPy's zeros, empty and kin, as tensors that can be written into.

``out = np.zeros(n); out[0] = t`` would drop the gradient of a tracked ``t`` and raises;
``out = gt.zeros(n)`` keeps it. ``np.zeros_like(t)`` of a tensor is a tensor already.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape.tensor import Tensor, bare
from gradtape.variable import constant

__all__ = [
    *("empty", "empty_like", "full", "full_like"),
    *("ones", "ones_like", "zeros", "zeros_like"),
]


def zeros(shape: Any, dtype: Any = float) -> Tensor:
    """A tensor of zeros, to be written into.

    Parameters
    ----------
    shape : an int or a tuple of ints.
    dtype : a NumPy dtype or its name; float64 by default.

    Returns
    -------
    A Tensor. What is written into it is recorded: ``t[i] = value``, ``t += value``,
    ``np.add(a, b, out=t)``.

    Examples
    --------
    >>> import gradtape as gt
    >>> x = gt.Variable([1.0, 2.0])
    >>> with gt.GradientTape() as tape:
    ...     out = gt.zeros(3)
    ...     out[0] = x[1] ** 2
    ...     out[1:] = 3 * x
    ...     total = out.sum()
    >>> tape.gradient(total, x)
    Tensor([3., 7.])
    """
    return Tensor(np.zeros(shape, dtype)[()])


def ones(shape: Any, dtype: Any = float) -> Tensor:
    """A tensor of ones, to be written into; see ``zeros``.

    Examples
    --------
    >>> import gradtape as gt
    >>> gt.ones(2)
    Tensor([1., 1.])
    """
    return Tensor(np.ones(shape, dtype)[()])


def empty(shape: Any, dtype: Any = float) -> Tensor:
    """A tensor of arbitrary entries, to be written into; see ``zeros``.

    Examples
    --------
    >>> import gradtape as gt
    >>> t = gt.empty((2, 3), "float32")
    >>> t.shape
    (2, 3)
    """
    return Tensor(np.empty(shape, dtype)[()])


def full(shape: Any, fill_value: Any, dtype: Any = None) -> Tensor:
    """A tensor of copies of a value, to be written into; see ``zeros``.

    Parameters
    ----------
    shape : an int or a tuple of ints.
    fill_value : a number, or an array or tensor that broadcasts to the shape; a tracked one keeps
        its gradient.
    dtype : a NumPy dtype or its name; by default that of the value.

    Examples
    --------
    >>> import gradtape as gt
    >>> gt.full(2, 0.5)
    Tensor([0.5, 0.5])
    """
    value = fill_value if isinstance(fill_value, Tensor) else constant(fill_value)
    dtype = value.dtype if dtype is None else np.dtype(dtype)
    out = Tensor(np.empty(shape, dtype))
    if out.shape == ():  # a number, which cannot be written into
        return value.astype(dtype)  # type: ignore[no-any-return]
    out[...] = value
    return out


def zeros_like(a: Any, dtype: Any = None) -> Tensor:
    """A tensor of zeros of the shape and dtype of ``a``, an array or tensor; see ``zeros``.

    Examples
    --------
    >>> import gradtape as gt
    >>> gt.zeros_like(gt.constant([1.0, 2.0]))
    Tensor([0., 0.])
    """
    return Tensor(np.zeros_like(bare(a), dtype)[()])


def ones_like(a: Any, dtype: Any = None) -> Tensor:
    """A tensor of ones of the shape and dtype of ``a``, an array or tensor; see ``zeros``.

    Examples
    --------
    >>> import gradtape as gt
    >>> gt.ones_like([1.0, 2.0])
    Tensor([1., 1.])
    """
    return Tensor(np.ones_like(bare(a), dtype)[()])


def empty_like(a: Any, dtype: Any = None) -> Tensor:
    """A tensor of arbitrary entries of the shape and dtype of ``a``; see ``zeros``.

    Examples
    --------
    >>> import gradtape as gt
    >>> gt.empty_like(gt.constant([1.0, 2.0])).shape
    (2,)
    """
    return Tensor(np.empty_like(bare(a), dtype)[()])


def full_like(a: Any, fill_value: Any, dtype: Any = None) -> Tensor:
    """A tensor of copies of a value, of the shape and dtype of ``a``; see ``full``.

    Examples
    --------
    >>> import gradtape as gt
    >>> gt.full_like([1.0, 2.0], 7)
    Tensor([7., 7.])
    """
    like = a if isinstance(a, Tensor) else constant(a)
    return full(like.shape, fill_value, like.dtype if dtype is None else dtype)
