"""Patterns of single records: which entries of an input each entry of the output reads.

A pattern is a list of boolean matrices whose product it is, from the output's entries (rows) to
the input's (columns), both numbered in C order; an empty list is the identity. It never misses an
entry, and where the record says so it leaves out what the recorded branch did not read.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from gradtape.derivatives.reductions import spread
from gradtape.elementwise import Elementwise, selection
from gradtape.patterns.axes import mixed, pairs_of, shared_axes
from gradtape.patterns.library import as_seen, compressed_rows, one_per_row, sparse
from gradtape.primitive import Primitive

__all__ = ["local_pattern", "shapes_of"]

Shape = tuple[int, ...]

#: Primitives whose output holds entries of their input: run on the numbers of those, they answer.
_PICKING = {"reshape", "transpose", "getitem", "broadcast", "broadcast_to"}
#: Primitives of which each input entry feeds at most one output entry, once: their rule, run on
#: the numbers of those, answers.
_COLLECTING = {"sum", "sum_where", "embed", "scatter_add", "concatenate", "segment_sum"}
#: Primitives of which each entry along an axis reads those before it and itself.
_RUNNING = {"cumsum", "cumprod", "folded"}
#: How many bytes of indicators are sent back at a time where a rule must be asked for each entry.
_BLOCK = 1 << 22


def shapes_of(record: Any, out_shape: Any) -> list[Any]:
    """The shapes of a record's inputs; None where it was not kept, and does not matter."""
    primitive, _, _, keys, saved, notes, _ = record
    if isinstance(primitive, Elementwise):
        kept = notes or [None] * len(keys)
        return [note[0] if note else out_shape for note in kept]
    if primitive.kind == "user":
        return list(primitive.shapes)
    shapes = notes[0]
    if None in shapes and primitive.least_ndim:  # two matrices, whose shapes say themselves
        x, y = saved[:2]
        inner = x.shape[1] if x is not None else y.shape[0]
        return [(out_shape[0], inner), (inner, out_shape[1])]
    return list(shapes)


def local_pattern(record: Any, i: int, out_shape: Shape, shapes: list[Any]) -> list[Any] | None:
    """The pattern of one record from its output to its input ``i``; None where it reads nothing.

    Parameters
    ----------
    record : the record, as a tape keeps it.
    i : a tracked input.
    out_shape : the shape of the output, or of one of several.
    shapes : the inputs' shapes, by ``shapes_of``.
    """
    primitive, _, _, _, saved, _, params = record
    in_shape = shapes[i]
    if primitive.kind == "user":
        return mixed(out_shape, in_shape)
    if primitive.rule(i)[0] is None:
        return None
    if isinstance(primitive, Elementwise):
        return _entry_by_entry(primitive, i, saved, out_shape, in_shape)
    if primitive.name in _PICKING:
        return _picked(primitive, params, in_shape)
    if primitive.name in _RUNNING:
        return [_running(in_shape, params[primitive.params.index("axis")])]
    if primitive.name == "convolved":
        return [_convolved(i, out_shape, shapes, params[0])]
    if isinstance(primitive, Primitive):
        call = _Call(record, i, out_shape, shapes)
        if call.back is not None:
            return call.pattern()
    known = _by_constants(record, i, shapes) if primitive.name == "matmul" else None
    if known is not None:
        return [known]
    named = dict(zip(primitive.params, params, strict=True))
    pairs = pairs_of(primitive.name, i, out_shape, shapes, named)
    return shared_axes(out_shape, in_shape, pairs)


def _entry_by_entry(
    primitive: Elementwise, i: int, saved: Any, out_shape: Shape, in_shape: Shape
) -> list[Any] | None:
    """An elementwise function: an entry each, but for what a selection leaves out."""
    chosen = selection(primitive.partial(i, saved)) if primitive.selects else None
    if chosen is None and in_shape == out_shape:
        return []
    places = np.arange(prod(in_shape)).reshape(in_shape)
    places = np.broadcast_to(places, out_shape).reshape(-1)
    if chosen is not None:
        chosen = np.broadcast_to(as_seen(chosen), out_shape).reshape(-1)
        if not chosen.any():
            return None
        places = np.where(chosen, places, -1)
    return [one_per_row(places, prod(in_shape))]


def _picked(primitive: Any, params: Any, in_shape: Shape) -> list[Any]:
    if primitive.name == "reshape":
        return []
    places = primitive.compute(np.arange(prod(in_shape)).reshape(in_shape), *as_seen(params))
    return [one_per_row(np.reshape(places, -1), prod(in_shape))]


def _running(shape: Shape, axis: int) -> Any:
    """All entries up to each, along an axis."""
    n = shape[axis]
    places = np.moveaxis(np.arange(prod(shape)).reshape(shape), axis, -1).reshape(-1, n)
    rows, columns = np.tril_indices(n)
    return _entries(places[:, rows], places[:, columns], (prod(shape), prod(shape)))


def _entries(rows: Any, columns: Any, shape: tuple[int, int]) -> Any:
    """A matrix with the given entries."""
    rows, columns = np.reshape(rows, -1), np.reshape(columns, -1)
    return sparse().csr_array((np.ones(rows.size, np.bool_), (rows, columns)), shape=shape)


def _convolved(i: int, out_shape: Shape, shapes: list[Shape], mode: str) -> Any:
    """Rows of x with rows of y: which entries of one meet in each entry of the output."""
    n, m, length = shapes[0][-1], shapes[1][-1], out_shape[-1]
    out = np.arange(length)[:, None] + (0 if mode == "full" else m - 1)
    from_y = np.broadcast_to(np.arange(m), (length, m))
    from_x = out - from_y
    there = (from_x >= 0) & (from_x < n)
    rows = np.broadcast_to(np.arange(length)[:, None], (length, m))[there]
    columns = (from_x, from_y)[i][there]
    leading, own = out_shape[:-1], shapes[i]
    places = np.arange(prod(own)).reshape(own)
    places = np.broadcast_to(places, leading + own[-1:]).reshape(-1, own[-1])
    outs = np.arange(prod(out_shape)).reshape(-1, length)
    return _entries(outs[:, rows], places[:, columns], (prod(out_shape), prod(own)))


def _by_constants(record: Any, i: int, shapes: list[Any]) -> Any:
    """A product with a bare matrix: its zeros are no use of an entry. None: it has few."""
    _, _, _, keys, saved, _, _ = record
    other = saved[1 - i]
    if keys[1 - i] is not None or not len(shapes[0]) == len(shapes[1]) == 2:
        return None
    there = other != 0  # NaN is
    if 2 * np.count_nonzero(there) > there.size:
        return None
    library = sparse()
    matrix, one = library.csr_array(as_seen(there)), library.eye_array
    if i == 1:
        product = library.kron(matrix, one(shapes[1][1], dtype=np.bool_), "csr")
    else:
        product = library.kron(one(shapes[0][0], dtype=np.bool_), matrix.T, "csr")
    return product.astype(np.bool_)  # of a matrix without entries it is of floats


class _Call:
    """One recorded call of a primitive whose rule for liveness says which entries are read.

    That rule (see ``Kind``) is linear with coefficients >= 0, and what it makes of an indicator of
    output entries is not 0 just where an input entry is read by one of them.
    """

    def __init__(self, record: Any, i: int, out_shape: Shape, shapes: list[Any]) -> None:
        primitive, _, _, _, self.saved, (noted, _), self.params = record
        self.primitive, self.i = primitive, i
        self.out_shape, self.in_shape, self.noted = out_shape, shapes[i], noted
        self.moves = primitive.kind == "movement"
        self.back = primitive.rule(i)[0] if self.moves else primitive.spread

    def pattern(self) -> list[Any]:
        """The pattern: by the numbers of the entries, by their digits, or entry by entry."""
        m, n = prod(self.out_shape), prod(self.in_shape)
        if not (m and n):
            return [one_per_row(np.full(m, -1), n)]
        name = self.primitive.name
        if name in _COLLECTING:
            numbers = np.arange(1, m + 1).reshape(self.out_shape)
            fed = np.asarray(as_seen(self._run(self.back, numbers, ())))
            return [_fed(fed.reshape(-1) - 1, m)]
        if name in ("mean", "prod", "var"):
            numbers = np.arange(1, m + 1).reshape(self.out_shape)
            axis = self.params[self.primitive.params.index("axis")]
            return [_fed(spread(numbers, self.in_shape, axis, ()).reshape(-1) - 1, m)]
        fed = self._single(self.back, self.out_shape)
        if fed is not None:
            return [_fed(fed, m)]
        ahead = self._ahead()
        read = self._single(ahead, self.in_shape) if ahead is not None else None
        return [one_per_row(read, n)] if read is not None else [self._one_by_one(m, n)]

    def _run(self, rule: Any, indicator: Any, batch: Shape) -> Any:
        """A rule of the primitive on something else than a cotangent or tangent."""
        values = self.primitive.values(self.saved, self.noted, self.params, batch, self.i)
        return rule.function(indicator, *rule.pick(values))

    def _reached(self, rule: Any, indicator: Any, batch: Shape) -> Any:
        """Which entries on a rule's far side each of a batch of indicators reaches."""
        there = as_seen(self._run(rule, indicator, batch) != 0)
        return np.reshape(there, (*batch, -1))

    def _ahead(self) -> Any:
        """The forward rule, if all that it names was kept."""
        rule = self.primitive.rule(self.i)[1] if self.moves else self.primitive.gather
        if rule is None:
            return None
        kept = [k for k in rule.needs if k < len(self.saved)]
        return rule if all([self.saved[k] is not None for k in kept]) else None

    def _single(self, rule: Any, shape: Shape) -> Any:
        """For each entry on the rule's far side, the one on its near side, or -1; None if several.

        Asked by digits: of the entries whose number has a one in some binary place, and of those
        that have a zero there. Who answers to neither has none, who answers to both has several.
        """
        size = prod(shape)
        digits = max(1, (size - 1).bit_length())
        ones = (np.arange(size) >> np.arange(digits)[:, None]) & 1
        both = np.concatenate([ones, 1 - ones]).reshape(2 * digits, *shape)
        answers = self._reached(rule, both, (2 * digits,))
        one, zero = answers[:digits], answers[digits:]
        if (one & zero).any():
            return None
        number = np.add.reduce(one * (1 << np.arange(digits))[:, None], 0)
        return np.where((one | zero).all(0), number, -1)

    def _one_by_one(self, m: int, n: int) -> Any:
        """The pattern by asking for each entry of the output."""
        step = max(1, _BLOCK // (8 * max(m, n)))
        counts, columns = [np.zeros(1, np.intp)], []
        for first in range(0, m, step):
            rows = min(step, m - first)
            identity = np.eye(rows, m, first, dtype=np.intp).reshape(rows, *self.out_shape)
            there = self._reached(self.back, identity, (rows,))
            counts.append(np.count_nonzero(there, axis=1))
            columns.append(np.nonzero(there)[1])
        return compressed_rows(np.concatenate(columns), np.cumsum(np.concatenate(counts)), (m, n))


def _fed(numbers: Any, m: int) -> Any:
    """The pattern in which each input entry feeds the output entry of a number, -1 for none."""
    there = np.flatnonzero(numbers >= 0)
    order = there[np.argsort(numbers[there], kind="stable")]
    starts = np.concatenate([[0], np.cumsum(np.bincount(numbers[there], minlength=m))])
    return compressed_rows(order, starts, (m, len(numbers)))
