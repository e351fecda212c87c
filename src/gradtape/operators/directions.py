"""Derivatives along a direction: products with Jacobians and Hessians, in forward mode."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from gradtape.forward import ForwardAccumulator, Linearization, hold_nan
from gradtape.nest import flatten, pack
from gradtape.operators.arguments import (
    Argnames,
    Argnums,
    Chosen,
    Selection,
    derivative_alone,
    direction_of,
    outputs,
    scalar,
    warn_if_independent,
    with_aux,
)
from gradtape.recording import active
from gradtape.tape import GradientTape
from gradtape.tensor import Tensor

__all__ = ["directional_derivative", "gnvp", "hvp", "jvp", "linearize"]


def jvp(
    f: Callable[..., Any],
    argnums: Argnums = None,
    argnames: Argnames = None,
    has_aux: bool = False,
) -> Callable[..., Any]:
    """A function that computes ``f`` and its Jacobian times a vector, in one forward pass.

    Parameters
    ----------
    f : a function of NumPy arrays or numbers (or nests of them) that returns arrays.
    argnums : the positional argument, or a tuple of those, to differentiate by; 0 by default.
    argnames : the name of an argument, or a tuple of names, to differentiate by.
    has_aux : whether ``f`` returns a pair ``(value, aux)``, of which only the first is
        differentiated.

    Returns
    -------
    A function of the arguments of ``f`` and, after them, of a direction: a nest like what is
    differentiated by, of the same shapes. It returns ``(value, tangent)``, or
    ``((value, aux), tangent)``: the tangent is a nest like the value, of its shapes and dtypes.
    Zeros where the value does not depend on the argument.

    Raises
    ------
    TypeError : an argument to differentiate by is not of floating or complex dtype, the direction
        is missing or complex where the argument is real, or ``f`` returns no arrays.
    ValueError : the direction has another structure or shape than the argument.

    Examples
    --------
    >>> import numpy as np, gradtape as gt
    >>> value, tangent = gt.jvp(np.sin)(np.array([0.0, 1.0]), np.array([1.0, 0.0]))
    >>> tangent
    array([1., 0.])
    """
    selection = Selection(f, argnums, argnames)

    @functools.wraps(f)
    def value_and_tangent(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        chosen, tangents = direction_of(selection, args, kwargs, "direction")
        with ForwardAccumulator(chosen.leaves, tangents) as accumulator:
            value, aux = with_aux(chosen.call(), f, has_aux)
        leaves = outputs(value, f)
        warn_if_independent(value, accumulator, f)
        tangent = pack(value, _zeros_for_none(accumulator.jvp(leaves), leaves))
        result = chosen.answer(value)
        tangent = chosen.answer(tangent, chosen.tensors or _was_tensor(args[-1]))
        return (result, chosen.answer(aux)) if has_aux else result, tangent

    return value_and_tangent


def directional_derivative(
    f: Callable[..., Any],
    argnums: Argnums = None,
    argnames: Argnames = None,
    has_aux: bool = False,
) -> Callable[..., Any]:
    """A function that computes the derivative of ``f`` along a direction; see ``jvp``.

    The direction counts with its length: divide it by that for the slope per unit. With
    ``has_aux`` it returns ``(tangent, aux)``.

    Examples
    --------
    >>> import numpy as np, gradtape as gt
    >>> slope = gt.directional_derivative(lambda x: np.sum(x**2))
    >>> float(slope(np.array([1.0, 2.0]), np.array([0.0, 1.0])))
    4.0
    """
    both = jvp(f, argnums, argnames, has_aux)
    return derivative_alone(both, f, has_aux)  # type: ignore[no-any-return]


def linearize(
    f: Callable[..., Any],
    argnums: Argnums = None,
    argnames: Argnames = None,
    has_aux: bool = False,
) -> Callable[..., Any]:
    """A function that computes ``f`` and its derivative there, as a linear map.

    Parameters
    ----------
    f, argnums, argnames, has_aux : as for ``jvp``.

    Returns
    -------
    A function of the arguments of ``f`` that returns ``(value, push)``, or
    ``((value, aux), push)``: ``push(direction)`` is the Jacobian times the direction, as of
    ``jvp``. It may be called many times and does not run ``f`` again; it keeps in memory what the
    forward rules of the operations of ``f`` need.

    Raises
    ------
    TypeError, ValueError : as for ``jvp``.
    ChangedArrayError : (by ``push``) an array that ``f`` used was written to since.

    Examples
    --------
    >>> import numpy as np, gradtape as gt
    >>> value, push = gt.linearize(np.sin)(np.array([0.0, np.pi]))
    >>> push(np.array([1.0, 0.0])), push(np.array([0.0, 2.0]))
    (array([ 1., -0.]), array([ 0., -2.]))
    """
    selection = Selection(f, argnums, argnames)

    @functools.wraps(f)
    def value_and_push(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        chosen = selection.of(args, kwargs)
        with Linearization(chosen.leaves) as linear:
            value, aux = with_aux(chosen.call(), f, has_aux)
        leaves = outputs(value, f)
        warn_if_independent(value, linear, f)

        def push(direction: Any) -> Any:
            tangents = chosen.vector(direction, "direction")
            found = _zeros_for_none(linear.push(leaves, tangents), leaves)
            tensors = chosen.tensors or _was_tensor(direction)
            return chosen.answer(pack(value, found), tensors)

        result = chosen.answer(value)
        return (result, chosen.answer(aux)) if has_aux else result, push

    return value_and_push


def hvp(
    f: Callable[..., Any],
    argnums: Argnums = None,
    argnames: Argnames = None,
    has_aux: bool = False,
) -> Callable[..., Any]:
    """A function that computes the Hessian of ``f`` times a vector, without the Hessian.

    Forward mode over reverse mode (B. A. Pearlmutter, "Fast exact multiplication by the Hessian",
    Neural Computation 6, 1994): the derivative of the gradient along the vector, for a small
    multiple of the gradient's cost.

    Parameters
    ----------
    f : a function of NumPy arrays or numbers (or nests of them) that returns a scalar.
    argnums, argnames, has_aux : as for ``jvp``.

    Returns
    -------
    A function of the arguments of ``f`` and, after them, of a direction: a nest like what is
    differentiated by. It returns the product, a nest like that too; with ``has_aux``,
    ``(product, aux)``.

    Raises
    ------
    TypeError, ValueError : as for ``jvp``; the value is not a scalar.

    Examples
    --------
    >>> import numpy as np, gradtape as gt
    >>> gt.hvp(lambda x: np.sum(x**3))(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 6., 12.])
    """
    selection = Selection(f, argnums, argnames)

    @functools.wraps(f)
    def product(*args: Any, **kwargs: Any) -> Any:
        chosen, tangents = direction_of(selection, args, kwargs, "direction")
        with ForwardAccumulator(chosen.leaves, tangents) as accumulator:
            with GradientTape(persistent=True, watch_accessed_variables=False) as tape:
                tape.watch(chosen.leaves)
                value, aux = with_aux(chosen.call(), f, has_aux)
            value = scalar(value, f)
            warn_if_independent(value, tape, f)
            found = _gradient_pushed(accumulator, tape, value, chosen.leaves)
        result = _like_arguments(chosen, found, args[-1])
        return (result, chosen.answer(aux)) if has_aux else result

    return product


def gnvp(
    f: Callable[..., Any],
    loss: Callable[..., Any],
    argnums: Argnums = None,
    argnames: Argnames = None,
    has_aux: bool = False,
) -> Callable[..., Any]:
    """A function that computes the Gauss-Newton matrix of ``loss(f(x))`` times a vector.

    That is Jᵀ H J v, with J the Jacobian of ``f`` and H the Hessian of the loss at ``f(x)``: the
    Hessian of the whole without the curvature of ``f``, positive semidefinite for a convex loss
    (N. N. Schraudolph, "Fast curvature matrix-vector products for second-order gradient descent",
    Neural Computation 14, 2002). ``f`` runs once.

    Parameters
    ----------
    f : a function of NumPy arrays or numbers (or nests of them) that returns arrays.
    loss : a function of what ``f`` returns (without its ``aux``) that gives a scalar.
    argnums, argnames, has_aux : as for ``jvp``.

    Returns
    -------
    A function of the arguments of ``f`` and, after them, of a direction, as of ``hvp``.

    Raises
    ------
    TypeError, ValueError : as for ``hvp``.

    Examples
    --------
    >>> import numpy as np, gradtape as gt
    >>> product = gt.gnvp(np.sin, lambda y: np.sum(y**2) / 2)
    >>> product(np.array([0.0, 1.0]), np.array([1.0, 1.0])) - np.cos([0.0, 1.0]) ** 2
    array([0., 0.])
    """
    selection = Selection(f, argnums, argnames)
    curvature = hvp(loss)

    @functools.wraps(f)
    def product(*args: Any, **kwargs: Any) -> Any:
        chosen, tangents = direction_of(selection, args, kwargs, "direction")
        # The accumulator outside: the tape need not see what it computes.
        accumulator = ForwardAccumulator(chosen.leaves, tangents)
        with accumulator, GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(chosen.leaves)
            value, aux = with_aux(chosen.call(), f, has_aux)
        leaves = outputs(value, f)
        warn_if_independent(value, tape, f)
        at = pack(value, leaves)
        along = pack(value, _zeros_for_none(accumulator.jvp(leaves), leaves))
        weights = curvature(at, along)
        shares = tape.gradient(leaves, chosen.leaves, weights, "zero")
        result = _like_arguments(chosen, shares, args[-1])
        return (result, chosen.answer(aux)) if has_aux else result

    return product


def _gradient_pushed(
    accumulator: ForwardAccumulator, tape: GradientTape, value: Tensor, leaves: list[Tensor]
) -> list[Any]:
    """The tangents of the gradient of a value, computed in the accumulator's block."""
    selects, live = tape._selects, accumulator._live
    if selects and active() == (accumulator,):
        # Masks only ever turn NaN into zeros, so the walk back is first done without (``sweep``).
        tape._selects, accumulator._live = False, None
        found = accumulator.jvp(tape.gradient(value, leaves, unconnected_gradients="zero"))
        tape._selects, accumulator._live = selects, live
        if not hold_nan([t.array for t in found if t is not None]):
            return found  # type: ignore[no-any-return]
    gradient = tape.gradient(value, leaves, unconnected_gradients="zero")
    return accumulator.jvp(gradient)  # type: ignore[no-any-return]


def _like_arguments(chosen: Chosen, found: list[Any], given: Any) -> Any:
    """Leaves like the chosen arguments as the user gets them."""
    tensors = chosen.tensors or _was_tensor(given)
    leaves = chosen.answer(_zeros_for_none(found, chosen.leaves), tensors)
    return chosen.packed(leaves)


def _zeros_for_none(found: list[Any], likes: list[Tensor]) -> list[Tensor]:
    """Tangents as tensors: zeros where there is none."""
    return [_zeros(like) if t is None else _tensor(t) for t, like in zip(found, likes, strict=True)]


def _zeros(like: Tensor) -> Tensor:
    """The tangent of what depends on nothing; an integer has one too, of floats."""
    return Tensor(np.zeros(like.shape, like.dtype if like.dtype.kind in "fc" else float)[()])


def _tensor(value: Any) -> Tensor:
    return value if isinstance(value, Tensor) else Tensor(value[()] if not value.ndim else value)


def _was_tensor(given: Any) -> bool:
    """Whether a direction was given as tensors."""
    return any([isinstance(leaf, Tensor) for leaf in flatten(given)])
