"""Reductions of slices that belong together: segments of the first axis, sorted or not.

The gradient of an extreme is shared equally by the entries that have it, as in TensorFlow.

Examples
--------
>>> import gradtape.tf as tf
>>> tf.math.segment_sum([1.0, 2.0, 3.0], [0, 0, 1]).numpy()
array([3., 3.], dtype=float32)
>>> tf.math.unsorted_segment_max([1.0, 2.0, 3.0], [1, 0, 1], 2).numpy()
array([2., 3.], dtype=float32)
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

import numpy as np

from gradtape import tensor as engine
from gradtape.derivatives.primitives import scatter_add
from gradtape.rules import Primitive, strip
from gradtape.tf import errors
from gradtape.tf.tensors import Tensor, integers, operand, result

__all__ = [
    "segment_max",
    "segment_mean",
    "segment_min",
    "segment_prod",
    "segment_sum",
    "unsorted_segment_max",
    "unsorted_segment_mean",
    "unsorted_segment_min",
    "unsorted_segment_prod",
    "unsorted_segment_sqrt_n",
    "unsorted_segment_sum",
]


# Extremes -------------------------------------------------------------------------------------


def _extreme(x: Any, /, positions: Any, size: int, empty: Any, greatest: bool) -> Any:
    start = x[:1] if x.size else np.zeros(1, x.dtype)
    first = np.full(size, start, x.dtype)
    first[positions] = x  # some entry of each, to start from
    (np.maximum if greatest else np.minimum).at(first, positions, x)
    first[np.bincount(positions, minlength=size) == 0] = empty
    return first


def _shares(x: Any, out: Any, positions: Any) -> Any:
    """The share of each entry in the extreme: equal ones have equal shares."""
    best = strip(x) == strip(out)[positions]
    count = np.bincount(positions, weights=best, minlength=strip(out).shape[-1])
    return best / np.where(count == 0, np.nan, count)[positions]


def _pull_extreme(g: Any, x: Any, out: Any, positions: Any) -> Any:
    shares = _shares(x, out, positions)
    back = np.take(g, positions, -1)
    if g.dtype.kind in "fc":  # otherwise it is a mask on its way back
        back = back * shares.astype(g.dtype)
    return np.where(shares != 0, back, np.zeros((), back.dtype))


def _push_extreme(t: Any, x: Any, out: Any, positions: Any, size: int, batch: Any) -> Any:
    shares = _shares(x, out, positions).astype(t.dtype)
    return scatter_add(t * shares, shape=(*batch, size), positions=positions)


def _gather_extreme(t: Any, x: Any, out: Any, positions: Any, size: int, batch: Any) -> Any:
    reaches = np.where(_shares(x, out, positions) != 0, t, 0)
    return scatter_add(reaches, shape=(*batch, size), positions=positions)


#: The greatest or least of the entries that share a position; ``empty`` where there is none.
extreme = Primitive(
    _extreme,
    _pull_extreme,
    _push_extreme,
    kind="reduction",
    selects=True,
    spread=_pull_extreme,
    gather=_gather_extreme,
    name="tf.segment_extreme",
)


# Segments -------------------------------------------------------------------------------------


class _Segments(NamedTuple):
    """The slices as rows, the segment of each, and how the answer is to look."""

    rows: Any
    ids: Any
    number: int
    shape: tuple[int, ...]

    def positions(self) -> Any:
        """Where the entries of the rows go in the flattened answer."""
        width = engine.bare(self.rows).shape[1]
        return self.ids[:, None] * width + np.arange(width)

    def sizes(self) -> Any:
        """How many rows each segment has, at least 1, beside the rows of the answer."""
        sizes = np.maximum(np.bincount(self.ids, minlength=self.number), 1)
        return sizes.astype(engine.bare(self.rows).dtype)[:, None]


def _sorted(op: str, data: Any, segment_ids: Any) -> _Segments:
    x, ids = operand(data), integers(op, segment_ids)
    if ids.ndim != 1 or x.array.shape[:1] != ids.shape:
        raise errors.invalid(
            op,
            "segment_ids should be a vector as long as the first axis of data, got shapes "
            f"{errors.listed(ids.shape)} and {errors.listed(x.array.shape)}",
        )
    if np.any(ids < 0):
        raise errors.invalid(op, "segment ids must be >= 0")
    if np.any(np.diff(ids) < 0):
        raise errors.invalid(op, "segment ids are not increasing")
    count = int(ids[-1]) + 1 if ids.size else 0
    rest = x.array.shape[1:]
    return _Segments(
        np.reshape(x, (ids.size, prod(rest))), ids.astype(np.intp), count, (count, *rest)
    )


def _unsorted(op: str, data: Any, segment_ids: Any, num_segments: Any) -> _Segments:
    x, ids = operand(data), integers(op, segment_ids)
    count = int(engine.bare(num_segments))
    if x.array.shape[: ids.ndim] != ids.shape:
        raise errors.invalid(
            op,
            f"data.shape = {errors.listed(x.array.shape)} does not start with segment_ids.shape = "
            f"{errors.listed(ids.shape)}",
        )
    if np.any(ids >= count):
        at = [int(i) for i in np.argwhere(ids >= count)[0]]
        raise errors.invalid(
            op,
            f"segment_ids{errors.listed(at)} = {ids[tuple(at)]} is out of range [0, {count})",
        )
    rest = x.array.shape[ids.ndim :]
    rows, ids = np.reshape(x, (ids.size, prod(rest))), ids.reshape(-1)
    if np.any(ids < 0):  # these rows are left out
        kept = np.flatnonzero(ids >= 0)
        rows, ids = np.take(rows, kept, 0), ids[kept]
    return _Segments(rows, ids.astype(np.intp), count, (count, *rest))


def _sum(of: _Segments) -> Any:
    width = engine.bare(of.rows).shape[1]
    return scatter_add(of.rows, shape=(of.number, width), positions=of.positions())


def _mean(of: _Segments) -> Any:
    return _sum(of) / of.sizes()


def _sqrt_n(of: _Segments) -> Any:
    return _sum(of) / np.sqrt(of.sizes())


def _prod(of: _Segments) -> Any:
    """The products of a dense table, with ones where a segment is shorter than the longest."""
    order = np.argsort(of.ids, kind="stable")
    lengths = np.bincount(of.ids, minlength=of.number)
    starts = np.cumsum(lengths) - lengths
    table = np.full((of.number, max(lengths, default=0)), len(order))
    table[of.ids[order], np.arange(len(order)) - starts[of.ids[order]]] = order
    bare = engine.bare(of.rows)
    rows = np.concatenate([of.rows, np.ones((1, bare.shape[1]), bare.dtype)])
    return np.prod(np.take(rows, table, 0), axis=1)


def _greatest(of: _Segments, greatest: bool, empty: Any) -> Any:
    bare = engine.bare(of.rows)
    return extreme(
        np.reshape(of.rows, (-1,)),
        positions=of.positions().reshape(-1),
        size=of.number * bare.shape[1],
        empty=empty,
        greatest=greatest,
    )


def _limit(of: _Segments, least: bool) -> Any:
    dtype = engine.bare(of.rows).dtype
    limits: Any = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
    return limits.min if least else limits.max


_REDUCTIONS: dict[str, tuple[str, Callable[[_Segments], Any]]] = {
    "sum": ("The sum", _sum),
    "mean": ("The mean", _mean),
    "sqrt_n": ("The sum over the root of the number", _sqrt_n),
    "prod": ("The product", _prod),
}
_EXTREMES = {"max": ("The greatest", True), "min": ("The least", False)}


def _documented(function: Any, name: str, doc: str, arguments: str, more: str) -> Any:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{doc} of the slices of each segment.\n\n``{name}({arguments})``: {more}"
    return function


def _make(word: str, is_sorted: bool) -> Callable[..., Tensor]:
    """One of the functions, by the word in its name."""
    op = ("Segment" if is_sorted else "UnsortedSegment") + word.capitalize()

    def compute(of: _Segments) -> Tensor:
        dtype = engine.bare(of.rows).dtype
        if word == "sqrt_n" and dtype.kind not in "fc":
            raise errors.not_allowed("Sqrt", dtype, errors.REALS)
        if word in _REDUCTIONS:
            out = _REDUCTIONS[word][1](of)
            if dtype.kind in "iu" and (is_sorted or word != "mean"):  # as TensorFlow has it
                out = out.astype(dtype)
        else:
            greatest = _EXTREMES[word][1]
            out = _greatest(of, greatest, 0 if is_sorted else _limit(of, greatest))
        return result(np.reshape(out, of.shape))

    def sorted_form(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
        return compute(_sorted(op, data, segment_ids))

    def unsorted_form(
        data: Any, segment_ids: Any, num_segments: Any, name: str | None = None
    ) -> Tensor:
        return compute(_unsorted(op, data, segment_ids, num_segments))

    doc = (_REDUCTIONS[word] if word in _REDUCTIONS else _EXTREMES[word])[0]
    if is_sorted:
        return _documented(  # type: ignore[no-any-return]
            sorted_form,
            f"segment_{word}",
            doc,
            "data, segment_ids",
            "the ids are a vector in ascending order, one for each slice along the first axis.",
        )
    return _documented(  # type: ignore[no-any-return]
        unsorted_form,
        f"unsorted_segment_{word}",
        doc,
        "data, segment_ids, num_segments",
        "the ids, in any order, are as the first axes of data; what has a negative one is left "
        "out.",
    )


segment_max, segment_mean, segment_min, segment_prod, segment_sum = (
    _make(word, True) for word in ("max", "mean", "min", "prod", "sum")
)
unsorted_segment_max, unsorted_segment_mean, unsorted_segment_min = (
    _make(word, False) for word in ("max", "mean", "min")
)
unsorted_segment_prod, unsorted_segment_sqrt_n, unsorted_segment_sum = (
    _make(word, False) for word in ("prod", "sqrt_n", "sum")
)
