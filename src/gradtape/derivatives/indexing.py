"""Rules of indexing, picking and sorting."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from gradtape.derivatives.axes import bare_array, one_axis
from gradtape.derivatives.primitives import embed, gather, prefixed, scatter_add
from gradtape.rules import Primitive, bare, meaning, strip

__all__ = ["at", "is_basic", "parts_of", "picked", "plain_index", "positions_of"]

Shape = tuple[int, ...]
_BASIC = (int, slice, type(None), type(...), np.integer)


def is_basic(index: tuple[Any, ...]) -> bool:
    """Whether an index is one of integers, slices, None and Ellipsis only."""
    return all([isinstance(i, _BASIC) and not isinstance(i, bool) for i in index])


def _is_embedding(index: tuple[Any, ...]) -> bool:
    """Whether an index picks every entry at most once, and takes batch axes in front as it is.

    A basic one does, and one with a mask: beside an integer, its axis would move to the front.
    """
    masks = [i for i in index if isinstance(i, np.ndarray) and i.dtype == np.bool_ and i.ndim]
    rest = [i for i in index if i is None or i is Ellipsis or type(i) is slice]
    return is_basic(index) or (len(masks) == 1 and len(masks) + len(rest) == len(index))


def positions_of(shape: Shape, index: tuple[Any, ...]) -> Any:
    """The flat positions that an index picks out of an array of a shape."""
    size = 1
    for n in shape:
        size *= n
    return at(picked, np.arange(size).reshape(shape), index)


def at(primitive: Any, *arguments: Any) -> Any:
    """A primitive of bare arrays with an index, some of which may be symbols, as its last argument.

    The index alone says then who notes the call.
    """
    *arrays, index = arguments
    for value in (*index, *arrays):
        if hasattr(value, "__gradtape_symbol__"):
            return value.__gradtape_apply__(primitive, tuple(arrays), (index,))
    return np.asarray(primitive.compute(*arrays, index))


def _getitem(x: Any, /, index: tuple[Any, ...]) -> Any:
    return x[index]


def _pull_getitem(g: Any, x_shape: Shape, index: tuple[Any, ...], batch: Shape) -> Any:
    if _is_embedding(index):
        return embed(g, shape=batch + x_shape, index=prefixed(index, batch))
    return scatter_add(g, shape=batch + x_shape, positions=positions_of(x_shape, index))


def _push_getitem(t: Any, x_shape: Shape, index: tuple[Any, ...], batch: Shape) -> Any:
    if _is_embedding(index):
        return t[prefixed(index, batch)]
    return gather(t, positions_of(x_shape, index), len(batch))


picked = Primitive(
    _getitem, _pull_getitem, _push_getitem, kind="movement", selects=True, name="getitem"
)


picked.places = "index"


@meaning(operator.getitem)
def getitem(x: Any, index: Any) -> Any:
    index = index if type(index) is tuple else (index,)
    if not is_basic(index):
        index = parts_of(index)
    return picked(x, index=index)


def parts_of(index: Any) -> tuple[Any, ...]:
    """An index as the tuple of its parts, each as NumPy takes it."""
    found: list[Any] = []
    for i in index if type(index) is tuple else (index,):
        part = plain_index(i)
        if hasattr(part, "__gradtape_symbol__") and part.dtype == np.bool_ and part.ndim:
            found += np.nonzero(part)  # how many there are is then part of the program
        else:
            found.append(part)
    return tuple(found)


def plain_index(i: Any) -> Any:
    """One part of an index as NumPy takes it: tensors as bare arrays, lists copied."""
    i = strip(i)
    if hasattr(i, "__gradtape_symbol__"):
        return i
    if isinstance(i, (list, np.ndarray)):
        copy = np.array(i)  # the user may write into it before the gradient is taken
        return copy.astype(np.intp) if isinstance(i, list) and not copy.size else copy
    return i


@meaning(np.take)
def take(a: Any, indices: Any, axis: Any = None, *, mode: str = "raise") -> Any:
    if axis is None or not a.ndim:
        a, axis = np.ravel(a), 0
    if isinstance(indices, (list, tuple)):
        indices = plain_index(list(indices))  # an empty one counts as whole numbers
    indices = bare_array(indices)
    n = a.shape[axis]
    if mode != "raise":
        indices = np.mod(indices, n) if mode == "wrap" else np.clip(indices, 0, n - 1)
    return a[(*[slice(None)] * (one_axis(axis, a.ndim) + a.ndim), indices)]


@meaning(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Any:
    if axis is None:
        arr, axis = np.ravel(arr), 0
    indices = bare_array(indices)
    axis = one_axis(axis, arr.ndim) + arr.ndim
    if indices.ndim != arr.ndim:
        raise ValueError(
            f"take_along_axis: indices of {indices.ndim} axes do not fit an array of {arr.ndim}"
        )
    grid: list[Any] = list(np.ix_(*[np.arange(n) for n in arr.shape]))
    grid[axis] = indices
    return arr[tuple(grid)]


@meaning(np.sort)
def sort(a: Any, axis: Any = -1, kind: Any = None, *, stable: Any = None) -> Any:
    if axis is None:
        a, axis = np.ravel(a), -1
    return np.take_along_axis(a, np.argsort(a, axis, kind, stable=stable), axis)


bare(
    *(np.argsort, np.argmax, np.argmin, np.nanargmax, np.nanargmin, np.argpartition, np.argwhere),
    *(np.nonzero, np.flatnonzero, np.count_nonzero, np.searchsorted, np.digitize, np.lexsort),
    *(np.any, np.all, np.isin),
    *filter(None, [vars(np).get("in1d")]),  # gone in NumPy 2.4
)
