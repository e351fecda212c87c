"""Gradients of scalar functions, and pullbacks of any: reverse mode."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from gradtape.operators.arguments import (
    Argnames,
    Argnums,
    Selection,
    scalar,
    warn_if_independent,
    with_aux,
)
from gradtape.tape import GradientTape
from gradtape.tensor import Tensor

__all__ = ["grad", "value_and_grad"]


def value_and_grad(
    f: Callable[..., Any],
    argnums: Argnums = None,
    argnames: Argnames = None,
    has_aux: bool = False,
) -> Callable[..., Any]:
    """A function that computes ``f`` and its gradient.

    Parameters
    ----------
    f : a function of NumPy arrays or numbers (or nests of them) that returns a scalar.
    argnums : the positional argument, or a tuple of those, to differentiate by; 0 by default.
    argnames : the name of an argument, or a tuple of names, to differentiate by.
    has_aux : whether ``f`` returns a pair ``(value, aux)``, of which only the first is
        differentiated.

    Returns
    -------
    A function of the same arguments that returns ``(value, gradient)``, or
    ``((value, aux), gradient)``: the gradient is a nest like the argument (a tuple of nests for a
    tuple of positions, a dict for a tuple of names, a pair of both if both were given) of bare
    arrays; where an active tape tracks them, or the argument was a tensor, of tensors, so that the
    operators compose. Where the value does not depend on an argument, the gradient is zeros.

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
    selection = Selection(f, argnums, argnames)

    @functools.wraps(f)
    def value_and_gradient(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        chosen = selection.of(args, kwargs)
        with GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(chosen.leaves)
            value, aux = with_aux(chosen.call(), f, has_aux)
        value = scalar(value, f)
        warn_if_independent(value, tape, f)
        shares = tape.gradient(value, chosen.leaves, unconnected_gradients="zero")
        pairs = zip(shares, chosen.given, strict=True)
        leaves = [chosen.answer(share, isinstance(before, Tensor)) for share, before in pairs]
        result = chosen.answer(value)
        return (result, chosen.answer(aux)) if has_aux else result, chosen.packed(leaves)

    return value_and_gradient


def grad(
    f: Callable[..., Any],
    argnums: Argnums = None,
    argnames: Argnames = None,
    has_aux: bool = False,
) -> Callable[..., Any]:
    """A function that computes the gradient of ``f``; see ``value_and_grad``.

    With ``has_aux`` it returns ``(gradient, aux)``.

    Examples
    --------
    >>> import numpy as np, gradtape as gt
    >>> gt.grad(np.sin)(0.0)
    np.float64(1.0)
    >>> gt.grad(gt.grad(lambda x: x**3))(2.0)
    np.float64(12.0)
    """
    both = value_and_grad(f, argnums, argnames, has_aux)

    @functools.wraps(f)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, slope = both(*args, **kwargs)
        return (slope, value[1]) if has_aux else slope

    return gradient
