"""The rules of writing into an array: some entries replaced by others, or added to."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape.derivatives.indexing import at, is_basic, positions_of
from gradtape.derivatives.primitives import gather, prefixed, scatter_add
from gradtape.rules import Primitive, align, unbroadcast

__all__ = ["added", "written"]

Shape = tuple[int, ...]
Index = tuple[Any, ...]


def _written(x: Any, value: Any, /, index: Index) -> Any:
    out = np.array(x)
    out[index] = value
    return out


def _others(g: Any, shape: Shape, index: Index, batch: Shape) -> Any:
    """``g`` with zeros at the entries that were replaced."""
    if type(g) is np.ndarray and is_basic(index):
        out = g.copy()  # the common case, without a mask
        out[prefixed(index, batch)] = 0
        return out
    rest = at(written, np.ones(shape, bool), np.False_, index)
    return np.where(rest, g, np.zeros((), g.dtype))


def _replaced(g: Any, x_shape: Shape, value_shape: Shape, index: Index, batch: Shape) -> Any:
    """The entries of ``g`` that came from the value. Of those at one place the last one stayed."""
    if is_basic(index):
        return unbroadcast(g[prefixed(index, batch)], value_shape, batch)
    places = positions_of(x_shape, index)
    order = np.arange(places.size).reshape(places.shape)
    last = at(written, np.zeros(x_shape, np.intp), order, index)
    stayed = last.reshape(-1)[places] == order
    share = gather(g, places, len(batch))
    if hasattr(stayed, "__gradtape_symbol__") or not stayed.all():
        share = np.where(stayed, share, np.zeros((), g.dtype))
    return unbroadcast(share, value_shape, batch)


def _push_value(t: Any, x_shape: Shape, value_shape: Shape, index: Index, batch: Shape) -> Any:
    empty = np.zeros(batch + x_shape, t.dtype)
    if is_basic(index):
        at = prefixed(index, batch)
        return written(empty, _aligned(t, value_shape, empty[at].ndim, batch), index=at)
    # An index with arrays would move axes to the front: the flat positions do not.
    places = positions_of(x_shape, index)
    flat = np.zeros((*batch, int(np.prod(x_shape))), t.dtype)
    t = _aligned(t, value_shape, places.ndim + len(batch), batch)
    t = np.broadcast_to(t, batch + places.shape)
    rows = (slice(None),) * len(batch)
    moved = written(flat, t.reshape(*batch, -1), index=(*rows, places.reshape(-1)))
    return moved.reshape(batch + x_shape)


def _aligned(t: Any, shape: Shape, ndim: int, batch: Shape) -> Any:
    """A batch of tangents of a value of ``shape``, ready to broadcast to ``ndim`` axes in all."""
    return align(t, shape, ndim - len(batch), batch)


#: x with ``x[index] = value``. No rule needs a value, so that the memory may be written to.
written: Primitive = Primitive(
    _written,
    (lambda g, x_shape, index, batch: _others(g, x_shape, index, batch), _replaced),
    (lambda t, x_shape, index, batch: _others(t, x_shape, index, batch), _push_value),
    kind="movement",
    selects=True,
    fills=True,
)


def _added(x: Any, value: Any, /, index: Index) -> Any:
    out = np.array(x)
    np.add.at(out, index, value)
    return out


def _pull_addend(g: Any, x_shape: Shape, value_shape: Shape, index: Index, batch: Shape) -> Any:
    return unbroadcast(gather(g, positions_of(x_shape, index), len(batch)), value_shape, batch)


def _push_addend(t: Any, x_shape: Shape, value_shape: Shape, index: Index, batch: Shape) -> Any:
    places = positions_of(x_shape, index)
    t = _aligned(t, value_shape, places.ndim + len(batch), batch)
    return scatter_add(
        np.broadcast_to(t, batch + places.shape), shape=batch + x_shape, positions=places
    )


#: x after ``np.add.at(x, index, value)``: a place that the index names twice is added to twice.
added: Primitive = Primitive(
    _added,
    (lambda g: g, _pull_addend),
    (lambda t: t, _push_addend),
    kind="movement",
    fills=True,
)
