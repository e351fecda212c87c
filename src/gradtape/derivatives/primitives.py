"""Pure primitives of our own, where NumPy has only a mutating form or none that is stable.

They are called like functions, on bare arrays and on tensors, and have rules like any other.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from gradtape.rules import Elementwise, Primitive, align, pointwise, unbroadcast

__all__ = [
    "broadcast",
    "broadcast_view",
    "cosine",
    "embed",
    "exponential",
    "filled",
    "logistic",
    "one_minus_square",
    "raised",
    "relu",
    "scatter_add",
    "sech_squared",
]

Shape = tuple[int, ...]

#: Below this many entries, a filled array costs less than a broadcast view.
SMALL = 1 << 14


# Activations and their kin --------------------------------------------------------------------


def _leftwards(x: Any) -> Any:
    """x or -x, whichever has a real part that is not positive."""
    return np.where(np.real(x) > 0, -x, x) if x.dtype.kind == "c" else -np.abs(x)


def _logistic(x: Any) -> Any:
    e = np.exp(_leftwards(x))
    return np.where(np.real(x) >= 0, 1, e) / (1 + e)


def _sech_squared(x: Any) -> Any:
    e = np.exp(2 * _leftwards(x))
    return 4 * e / (1 + e) ** 2


#: 1/cosh(x)**2 without overflow: the derivative of tanh.
sech_squared = Elementwise(_sech_squared, lambda x, out: -2 * out * np.tanh(x), name="sech_squared")


#: 1/(1 + exp(-x)), to the last bits on both sides. Its partial needs no 1 - out, which loses them,
#: and no product with logistic(-x), of which the next derivative would cancel near 0.
logistic = Elementwise(_logistic, lambda x: sech_squared(x / 2) / 4, name="logistic")


def _one_minus_square(x: Any) -> Any:
    return (1 - x) * (1 + x)


#: 1 - x*x, to the last bits near 1, and with a derivative that keeps them near 0.
one_minus_square = Elementwise(_one_minus_square, lambda x: -2 * x, name="one_minus_square")


def _cosine(x: Any, y: Any) -> Any:
    r = np.hypot(x, y)
    return x / np.where(r == 0, 1, r)


def _turning(x: Any, y: Any) -> Any:
    """y/r**2: how fast the angle changes with -x."""
    r = np.hypot(x, y)
    return cosine(y, x) / np.where(r == 0, 1, r)


#: x/hypot(x, y), the partial of hypot, and 0 at the origin. Its partials as those of a quotient
#: would cancel where one leg is short.
cosine: Elementwise = Elementwise(
    _cosine,
    (lambda x, y: cosine(y, x) * _turning(x, y), lambda x, y, out: -out * _turning(x, y)),
    name="cosine",
)


def _relu(x: Any) -> Any:
    return np.maximum(x, 0)


#: max(x, 0), with derivative 0 at 0.
relu = Elementwise(_relu, lambda out: out > 0, selects=True, name="relu")


# Powers with one Python number ----------------------------------------------------------------


def _raised(x: Any, /, exponent: Any) -> Any:
    return x**exponent


def _raised_partial(x: Any, exponent: Any) -> Any:
    # The exponent is a Python number: x**0 is constant even where x is 0.
    return x ** (exponent - 1) * exponent if exponent != 0 else np.zeros_like(x)


#: x**exponent for a Python number.
raised = pointwise(_raised, _raised_partial, "raised")


def _exponential(x: Any, /, base: Any) -> Any:
    return np.power(base, x)


def _exponential_partial(x: Any, out: Any, base: Any) -> Any:
    # As in TensorFlow the logarithm of a base that is not positive counts as 0.
    some = base != 0 if type(base) is complex else base > 0
    return out * (np.log(base).item() if some else 0.0)


#: base**x for a Python number.
exponential = pointwise(_exponential, _exponential_partial, "exponential")


# Broadcasting ---------------------------------------------------------------------------------


def filled(x: Any, /, shape: Shape) -> Any:
    """A bare value broadcast to a shape: an array when that is small, a view when it is large."""
    if prod(shape) > SMALL:
        return np.broadcast_to(x, shape)
    out = np.empty(shape, x.dtype)
    if x.ndim:
        out[...] = x
    else:
        out.fill(x)
    return out


def _push_broadcast(t: Any, x_shape: Shape, shape: Shape, batch: Shape) -> Any:
    return broadcast(align(t, x_shape, len(shape), batch), shape=batch + shape)


def _broadcasting(compute: Any, name: str) -> Primitive:
    return Primitive(
        compute,
        lambda g, x_shape, batch: unbroadcast(g, x_shape, batch),
        _push_broadcast,
        kind="movement",
        name=name,
    )


def _broadcast_view(x: Any, /, shape: Shape) -> Any:
    return np.broadcast_to(x, shape)


#: np.broadcast_to for rules: faster when small.
broadcast = _broadcasting(filled, "broadcast")
#: np.broadcast_to for users: always a view, so that a write into x shows in it.
broadcast_view = _broadcasting(_broadcast_view, "broadcast_to")


# The transposes of indexing -------------------------------------------------------------------


def prefixed(index: tuple[Any, ...], batch: Shape) -> tuple[Any, ...]:
    """A basic index, or one with a mask, that leaves leading batch axes as they are."""
    return (slice(None),) * len(batch) + index


def _embed(x: Any, /, shape: Shape, index: tuple[Any, ...]) -> Any:
    out = np.zeros(shape, x.dtype)
    out[index] = x
    return out


#: An array in the place of an index that picks no entry twice, zeros around it.
embed: Primitive = Primitive(
    _embed,
    lambda g, index, batch: g[prefixed(index, batch)],
    lambda t, shape, index, batch: embed(t, shape=batch + shape, index=prefixed(index, batch)),
    kind="movement",
    selects=True,
    fills=True,
    name="embed",
)


embed.places = "index"


def _scatter_add(x: Any, /, shape: Shape, positions: Any) -> Any:
    """x has the shape of positions behind batch axes; shape includes these too."""
    batch = x.shape[: x.ndim - positions.ndim]
    size = 1
    for n in shape[len(batch) :]:
        size *= n
    rows = x.size // max(positions.size, 1)
    out = np.zeros(rows * size if positions.size else int(np.prod(shape)), x.dtype)
    where = positions.reshape(-1)
    if rows != 1 and positions.size:
        where = (np.arange(rows)[:, None] * size + where).reshape(-1)
    np.add.at(out, where, x.reshape(-1))
    return out.reshape(shape)


def gather(x: Any, positions: Any, leading: int) -> Any:
    """The entries of x at flat positions of its axes behind the leading ones."""
    size = 1
    for n in x.shape[leading:]:
        size *= n
    rows = x.reshape((*x.shape[:leading], size))
    if hasattr(positions, "__gradtape_symbol__"):
        return positions.picked_from(rows)
    return rows[..., positions]


def _pull_scatter_add(g: Any, x_shape: Shape, positions: Any, batch: Shape) -> Any:
    # x may itself have batch axes in front of those of positions.
    return gather(g, positions, len(batch) + len(x_shape) - positions.ndim)


#: Entries added up at flat positions of a zero array; the transpose of picking them out.
scatter_add: Primitive = Primitive(
    _scatter_add,
    _pull_scatter_add,
    lambda t, shape, positions, batch: scatter_add(t, shape=batch + shape, positions=positions),
    kind="movement",
    selects=True,
    fills=True,
    name="scatter_add",
)
scatter_add.places = "positions"
