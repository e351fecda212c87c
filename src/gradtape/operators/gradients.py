"""Gradients of scalar functions, and pullbacks of any: reverse mode."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from gradtape.errors import named
from gradtape.nest import flatten, pack
from gradtape.operators.arguments import (
    Argnames,
    Argnums,
    Selection,
    derivative_alone,
    outputs,
    scalar,
    vector_like,
    warn_if_independent,
    with_aux,
)
from gradtape.rows import checked_budget
from gradtape.tape import BLOCK_BYTES, GradientTape
from gradtape.tensor import Tensor

__all__ = ["grad", "per_example_grad", "value_and_grad", "vjp"]


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
    return derivative_alone(both, f, has_aux)  # type: ignore[no-any-return]


def vjp(
    f: Callable[..., Any],
    argnums: Argnums = None,
    argnames: Argnames = None,
    has_aux: bool = False,
) -> Callable[..., Any]:
    """A function that computes ``f`` and its pullback: vectors times its Jacobian.

    Parameters
    ----------
    f : a function of NumPy arrays or numbers (or nests of them) that returns arrays.
    argnums, argnames, has_aux : as for ``value_and_grad``.

    Returns
    -------
    A function of the same arguments that returns ``(value, pullback)``, or
    ``((value, aux), pullback)``: ``pullback(cotangent)`` takes a nest like the value, of its
    shapes, and gives a nest like what is differentiated by: the gradient of the sum of the value's
    entries, each times its cotangent. It may be called many times. Of complex values that is
    the gradient of the real part of the sum of ``conj(cotangent) * value``, as in
    ``tape.gradient``.

    Raises
    ------
    TypeError : an argument to differentiate by is not of floating or complex dtype, ``f`` returns
        no arrays, or a cotangent is complex where the value is real.
    ValueError : (by the pullback) the cotangent has another structure or shape than the value.
    ChangedArrayError : (by the pullback) an array that ``f`` used was written to since.

    Examples
    --------
    >>> import numpy as np, gradtape as gt
    >>> value, pullback = gt.vjp(np.square)(np.array([1.0, 2.0]))
    >>> pullback(np.array([1.0, 0.0])), pullback(np.array([0.0, 1.0]))
    (array([2., 0.]), array([0., 4.]))
    """
    selection = Selection(f, argnums, argnames)

    @functools.wraps(f)
    def value_and_pullback(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        chosen = selection.of(args, kwargs)
        with GradientTape(persistent=True, watch_accessed_variables=False) as tape:
            tape.watch(chosen.leaves)
            value, aux = with_aux(chosen.call(), f, has_aux)
        leaves = outputs(value, f)
        warn_if_independent(value, tape, f)
        like = pack(value, leaves)
        reached = [i for i, leaf in enumerate(leaves) if leaf.key is not None]

        def pullback(cotangent: Any) -> Any:
            given = vector_like(cotangent, like, "cotangent", f"what {named(f)} returned")
            shares = tape.gradient(
                [leaves[i] for i in reached], chosen.leaves, [given[i] for i in reached], "zero"
            )
            tensors = any([isinstance(leaf, Tensor) for leaf in flatten(cotangent)])
            return chosen.packed(chosen.answer(shares, chosen.tensors or tensors))

        result = chosen.answer(value)
        return (result, chosen.answer(aux)) if has_aux else result, pullback

    return value_and_pullback


def per_example_grad(
    f: Callable[..., Any],
    argnums: Argnums = None,
    argnames: Argnames = None,
    has_aux: bool = False,
    *,
    memory_budget: int = BLOCK_BYTES,
) -> Callable[..., Any]:
    """A function that computes the gradient of each example's loss by the parameters.

    All are had in one batched backward pass, with the identity for seeds: it does the arithmetic of
    ``b`` backward passes over the whole batch of ``b`` examples, in the Python calls of one.

    Parameters
    ----------
    f : a function that returns the losses of the examples, of shape ``(b,)``.
    argnums, argnames, has_aux : as for ``value_and_grad``.
    memory_budget : the bytes of the largest block of seeds; the pass is cut into blocks of rows.

    Returns
    -------
    A function of the same arguments that returns a nest like what is differentiated by, of
    gradients of shape ``(b, *parameter.shape)``; with ``has_aux``, ``(gradients, aux)``.

    Raises
    ------
    TypeError : an argument to differentiate by is not of floating or complex dtype.
    ValueError : the value has not exactly one axis.

    Examples
    --------
    >>> import numpy as np, gradtape as gt
    >>> x, y = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, 1.0])
    >>> gt.per_example_grad(lambda w: (x @ w - y) ** 2)(np.array([1.0, 0.0]))
    array([[ 0.,  0.],
           [12., 16.]])
    """
    memory_budget = checked_budget(memory_budget, BLOCK_BYTES)
    selection = Selection(f, argnums, argnames)

    @functools.wraps(f)
    def gradients(*args: Any, **kwargs: Any) -> Any:
        chosen = selection.of(args, kwargs)
        with GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(chosen.leaves)
            value, aux = with_aux(chosen.call(), f, has_aux)
        losses = outputs(value, f)
        if len(losses) != 1 or losses[0].ndim != 1:
            shapes = [loss.shape for loss in losses]
            raise ValueError(
                "per-example gradients need one loss for each example, an array of shape (b,), but "
                f"{named(f)} returned {f'shape {shapes[0]}' if len(shapes) == 1 else shapes}: sum "
                "each example's loss over its other axes; for a scalar take grad"
            )
        warn_if_independent(value, tape, f)
        rows = tape.jacobian(losses[0], chosen.leaves, "zero", memory_budget=memory_budget)
        result = chosen.packed(chosen.answer(rows))
        return (result, chosen.answer(aux)) if has_aux else result

    return gradients
