"""Derivative operators: functions of functions, short uses of the tape."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from gradtape import errors
from gradtape.calls import is_tracked
from gradtape.nest import flatten, map_structure, pack
from gradtape.rules import UFUNCS
from gradtape.tape import GradientTape
from gradtape.tensor import Tensor, twin
from gradtape.variable import constant

__all__ = ["grad", "value_and_grad"]


def value_and_grad(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """A function that computes ``f`` and its gradient.

    Parameters
    ----------
    f : a function of NumPy arrays or numbers (or nests of them) that returns a scalar.
    argnums : the positional argument, or a tuple of those, to differentiate by.

    Returns
    -------
    A function of the same arguments that returns ``(value, gradient)``: the gradient is a nest like
    the argument (a tuple of nests for a tuple of arguments) of bare arrays; where an active
    tape tracks them, or the argument was a tensor, of tensors, so that the operators compose.
    Where the value does not depend on an argument, the gradient is zeros.

    Raises
    ------
    TypeError : an argument to differentiate by is not of floating or complex dtype.
    ValueError : the value is not a scalar.

    Examples
    --------
    >>> import numpy as np, gradtape as gt
    >>> value, gradient = gt.value_and_grad(lambda x: np.sum(x**2))(np.array([1.0, 2.0]))
    >>> float(value), gradient
    (5.0, array([2., 4.]))
    """
    positions = (argnums,) if isinstance(argnums, int) else tuple(argnums)

    @functools.wraps(f)
    def value_and_gradient(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        for i in positions:
            if not -len(args) <= i < len(args):
                raise ValueError(
                    f"argument `argnums` names argument {i}, but the function was called with "
                    f"{len(args)} positional arguments"
                )
        tensors = [map_structure(lambda leaf: _argument(leaf, f), args[i]) for i in positions]
        watched = [leaf for nest in tensors for leaf in flatten(nest)]
        given = [leaf for i in positions for leaf in flatten(args[i])]
        inside = list(args)
        with GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(watched)
            for i, nest in zip(positions, tensors, strict=True):
                inside[i] = pack(nest, [twin(leaf) for leaf in flatten(nest)])
            value = f(*inside, **kwargs)
        value = _scalar(value, f)
        shares = tape.gradient(value, watched, unconnected_gradients="zero")
        seen: set[int] = set()
        leaves = [
            share if isinstance(before, Tensor) else _bare(share, seen)
            for share, before in zip(shares, given, strict=True)
        ]
        nests = pack(tensors, leaves)
        is_tensor = any([isinstance(leaf, Tensor) for leaf in given])
        result = value if is_tensor else _bare(value, seen)
        return result, nests[0] if isinstance(argnums, int) else tuple(nests)

    return value_and_gradient


def grad(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """A function that computes the gradient of ``f``; see ``value_and_grad``.

    Examples
    --------
    >>> import numpy as np, gradtape as gt
    >>> gt.grad(np.sin)(0.0)
    np.float64(1.0)
    >>> gt.grad(gt.grad(lambda x: x**3))(2.0)
    np.float64(12.0)
    """
    both = value_and_grad(f, argnums)

    @functools.wraps(f)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        return both(*args, **kwargs)[1]

    return gradient


def _argument(leaf: Any, f: Callable[..., Any]) -> Tensor:
    """An argument as a tensor that a tape can watch under a key of its own.

    A tensor stands for two things, the argument and itself in a closure: the argument is an
    identity of it, which outer tapes see.
    """
    tensor = UFUNCS[np.positive](leaf) if isinstance(leaf, Tensor) else constant(leaf)
    if tensor.array.dtype.kind not in "fc":
        name = getattr(f, "__name__", "the function")
        raise TypeError(
            f"{name} is to be differentiated by {errors.describe(leaf)}: a gradient needs an "
            "argument of floating or complex dtype, such as 1.0 or array.astype(float)"
        )
    return tensor


def _scalar(value: Any, f: Callable[..., Any]) -> Tensor:
    """The value of a function as a tensor without axes."""
    name = getattr(f, "__name__", "the function")
    if not isinstance(value, (Tensor, np.ndarray, np.generic, int, float, complex)):
        raise TypeError(f"a gradient needs a number, but {name} returned {errors.describe(value)}")
    # A bare value depends on nothing that has a derivative.
    tensor = value if isinstance(value, Tensor) else constant(value)
    if tensor.array.shape != ():
        raise ValueError(
            f"a gradient needs a scalar value, but {name} returned one of shape "
            f"{tensor.array.shape}: sum it, or take tape.jacobian for every entry"
        )
    return tensor


def _bare(value: Any, seen: set[int]) -> Any:
    """A bare array of the user's own, unless an active recorder tracks the value."""
    if not isinstance(value, Tensor) or is_tracked(value):
        return value
    array = value.array
    if isinstance(array, np.ndarray):
        if array.base is not None or not array.flags.writeable or id(array) in seen:
            array = array.copy()
        seen.add(id(array))
    return array
