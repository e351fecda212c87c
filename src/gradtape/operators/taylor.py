"""Truncated Taylor series of functions along a direction."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from gradtape.nest import flatten, pack
from gradtape.operators.arguments import (
    Argnames,
    Argnums,
    Selection,
    direction_of,
    outputs,
    warn_if_independent,
    whole_number,
    with_aux,
)
from gradtape.operators.series_recorder import SeriesRecorder
from gradtape.tensor import Tensor

__all__ = ["taylor"]


def taylor(
    f: Callable[..., Any],
    order: int,
    argnums: Argnums = None,
    argnames: Argnames = None,
    has_aux: bool = False,
) -> Callable[..., Any]:
    """A function that computes the Taylor coefficients of ``f`` along a direction.

    Those of t -> f(x + t v) at t = 0, up to an order: coefficient j is the derivative j by t,
    divided by j!. Exact but for rounding.

    Parameters
    ----------
    f : a function of NumPy arrays or numbers (or nests of them).
    order : the number of the last coefficient, 0 or more.
    argnums : the positional argument, or a tuple of those, that moves; 0 by default.
    argnames : the name of an argument, or a tuple of names, that moves.
    has_aux : whether ``f`` returns a pair ``(value, aux)``, of which only the first is
        differentiated.

    Returns
    -------
    A function of the same arguments and, as the last positional one, the direction ``v``: a nest
    like what moves, of the same shapes (a tuple of nests for a tuple of positions, a dict for a
    tuple of names, a pair of both if both were given). It returns a list of ``order + 1`` nests
    like the value of ``f``, of its shapes and dtypes, or ``(list, aux)``. They are bare arrays;
    where an active tape tracks them, or the argument was a tensor, tensors, so that the operators
    compose.

    Raises
    ------
    TypeError : an argument that moves is not of floating or complex dtype, or the direction is
        missing, or ``order`` is no whole number.
    ValueError : ``order`` is negative, or the direction has other shapes.
    NoRuleError : ``f`` calls a function that has no derivative rule.

    Notes
    -----
    The coefficients of every intermediate value are carried along (Griewank and Walther, Evaluating
    Derivatives, 2nd ed. 2008, ch. 13). The cost grows with the square of the order for arithmetic,
    NumPy's elementwise functions, linear functions, and those of ``numpy.linalg``. For
    ``einsum`` of p arrays that move it grows with the power p (the square, for one or two). A
    function whose derivatives are ever new functions (``scipy.special.j0``, ``rgamma``) costs a
    higher power of the order, often the third or fourth.

    Examples
    --------
    >>> import numpy as np, gradtape as gt
    >>> gt.taylor(np.exp, 3)(0.0, 1.0)
    [np.float64(1.0), np.float64(1.0), np.float64(0.5), np.float64(0.16666666666666666)]
    >>> gt.taylor(lambda x: x @ x, 2)(np.array([1.0, 2.0]), np.array([1.0, 0.0]))
    [np.float64(5.0), np.float64(2.0), np.float64(1.0)]
    """
    selection = Selection(f, argnums, argnames)
    order = whole_number(order, "order", "taylor", 0)

    @functools.wraps(f)
    def coefficients(*args: Any, **kwargs: Any) -> Any:
        chosen, directions = direction_of(selection, args, kwargs, "direction")
        with SeriesRecorder(order, chosen.leaves, directions) as recorder:
            value, aux = with_aux(chosen.call(), f, has_aux)
        leaves = outputs(value, f)
        warn_if_independent(leaves, recorder, f)
        tensors = chosen.tensors or any([isinstance(v, Tensor) for v in flatten(args[-1])])
        answer = [
            chosen.answer(pack(value, [_coefficient(t, n, recorder) for t in leaves]), tensors)
            for n in range(order + 1)
        ]
        return (answer, chosen.answer(aux)) if has_aux else answer

    return coefficients


def _coefficient(leaf: Tensor, n: int, recorder: SeriesRecorder) -> Tensor:
    """The coefficient n of a value: a zero, if it does not depend on the arguments."""
    series = recorder.tracked.get(leaf.key)
    if n == 0:
        return leaf
    coefficient = None if series is None else series[n]
    if coefficient is None:
        return Tensor(np.zeros(leaf.shape, leaf.dtype)[()])
    return coefficient if isinstance(coefficient, Tensor) else Tensor(coefficient)
