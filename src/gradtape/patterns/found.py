"""A pattern with its colouring: what is found once and can be kept."""

from __future__ import annotations

from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from gradtape.arithmetic import cast
from gradtape.patterns.colouring import column_colours, star_colours
from gradtape.patterns.library import sparse
from gradtape.patterns.templates import Template

__all__ = ["Sparsity", "check_mode"]

Shape = tuple[int, ...]
Shapes = tuple[Shape, ...]

#: Seeds of up to so many bytes are kept.
_SMALL = 1 << 16


def check_mode(mode: str | None) -> None:
    """Refuse what is no mode of a Jacobian."""
    if mode not in (None, "forward", "reverse"):
        raise ValueError(
            f"argument `mode` is {mode!r}, but must be 'forward' (groups of columns), 'reverse' "
            "(of rows) or None: whatever needs fewer passes"
        )


class Sparsity:
    """The pattern of a Jacobian or Hessian, and groups of rows or columns that share a pass.

    ``gt.sparsity(f)(x)`` finds it. Handed to ``gt.jacobian(f, sparse=True, sparsity=...)`` or
    ``gt.hessian`` it is used as it is: where ``f`` takes another branch, or reads other entries,
    than where it was found, find it anew. With ``check=True`` each use compares the answer with a
    gradient along a random direction, at the cost of one more pass, and refuses what differs.

    Attributes
    ----------
    pattern : a boolean ``scipy.sparse.csr_array``: the entries that can be other than zero. Rows
        are the entries of what the function returns, columns those of what it is differentiated by,
        each in C order, those of several arrays one after the other.
    mode : ``"forward"`` (columns are grouped), ``"reverse"`` (rows are) or ``"symmetric"``.
    groups : the number of the group of each column, or row.
    colors : how many groups there are: so many tangents or cotangents give all entries.
    """

    def __init__(
        self,
        pattern: Any,
        out_shapes: Shapes,
        in_shapes: Shapes,
        mode: str | None = None,
        check: bool = False,
    ) -> None:
        self.pattern, self.check = pattern, check
        self.out_shapes, self.in_shapes = out_shapes, in_shapes
        if mode == "symmetric":
            self.pattern = pattern = (pattern + pattern.T).tocsr()
            self.mode, self.groups = mode, star_colours(pattern)
        else:
            self.mode, self.groups = _grouped(pattern, mode)
        self.colors = int(self.groups.max(initial=-1)) + 1 if pattern.nnz else 0
        self._blocks = self._cut(self._found_at())
        self._seeds: dict[Any, Any] = {}

    shape = property(lambda self: self.pattern.shape, doc="The numbers of rows and columns.")
    nnz = property(lambda self: self.pattern.nnz, doc="How many entries can be other than zero.")

    def __repr__(self) -> str:
        rows, columns = self.shape
        share = self.nnz / max(rows * columns, 1)
        return (
            f"Sparsity(shape=({rows}, {columns}), nnz={self.nnz} ({share:.2%}), mode={self.mode!r},"
            f" colors={self.colors})"
        )

    def check_use(self, out_shapes: Shapes, in_shapes: Shapes, symmetric: bool = False) -> None:
        """Refuse a function that the pattern cannot be of.

        Raises
        ------
        ValueError : the shapes are others than where it was found, or it is that of a Hessian, and
            the derivative is not known to be symmetric.
        """
        if self.mode == "symmetric" and not symmetric:
            raise ValueError(
                "argument `sparsity` is that of a Hessian (order=2), of which half the entries "
                "stand for the others: hand it to gradtape.hessian, or find that of the Jacobian"
            )
        for what, here, then in [
            ("returns", out_shapes, self.out_shapes),
            ("is differentiated by", in_shapes, self.in_shapes),
        ]:
            if here != then:
                raise ValueError(
                    f"argument `sparsity` was found where the function {what} arrays of shapes "
                    f"{_listed(then)}, but here they are {_listed(here)}: find it anew with "
                    "gradtape.sparsity."
                )

    def seeds(self, first: int, count: int, dtype: Any) -> Any:
        """The tangents or cotangents of some groups: ones for the members of each."""
        whole = (first, count) == (0, self.colors)
        if whole and dtype in self._seeds:
            return self._seeds[dtype]
        members = np.flatnonzero((self.groups >= first) & (self.groups < first + count))
        seeds = np.zeros((count, len(self.groups)), dtype)
        seeds[self.groups[members] - first, members] = 1
        if whole and seeds.nbytes <= _SMALL:
            self._seeds[dtype] = seeds
        return seeds

    def blocks(self, grouped: Any, dtypes: list[Any]) -> list[list[Any]]:
        """The derivative as sparse arrays, one for each pair of an output and an input.

        Parameters
        ----------
        grouped : an array of shape ``(colors, columns)`` (of rows, for forward mode): for each
            group, the sum of its rows (columns).
        dtypes : of each input.
        """
        flat = grouped.reshape(-1)
        return [
            [
                make(cast(_in_order(flat, places), dtype))
                for (places, make), dtype in zip(row, dtypes, strict=True)
            ]
            for row in self._blocks
        ]

    def compare(self, grouped: Any, direction: Any, expected: Any) -> None:
        """Refuse a derivative whose product with a direction is not what it should be.

        Raises
        ------
        ValueError : it is not: the pattern misses an entry.
        """
        forward = self.mode == "forward"
        rows, columns = _coordinates(self.pattern)
        into, by = (rows, columns) if forward else (columns, rows)
        height = self.shape[0] if forward else self.shape[1]
        entries = grouped.reshape(-1)[self._found_at()] * direction.reshape(-1)[by]
        actual, expected = np.bincount(into, entries.real, height), np.reshape(expected, -1)
        if forward:
            expected = np.real(expected)
        elif entries.dtype.kind == "c":
            actual = actual + 1j * np.bincount(into, entries.imag, height)
        sizes = np.bincount(into, abs(entries), height)
        eps = np.finfo(direction.dtype).eps
        off = abs(actual - expected) > np.sqrt(eps) * (sizes + abs(expected))
        if off.any():
            raise ValueError(
                "argument `sparsity` misses entries here: the function took another branch, or "
                "reads other entries, than where the pattern was found (compared along a random "
                f"direction, {int(np.count_nonzero(off))} of {off.size} numbers differ). Find it "
                "anew with gradtape.sparsity."
            )

    def _found_at(self) -> Any:
        """For each entry of the pattern, where the flat grouped derivative has it."""
        rows, columns = _coordinates(self.pattern)
        height, width = self.pattern.shape
        if self.mode == "forward":
            return self.groups[columns] * height + rows
        if self.mode == "reverse":
            return self.groups[rows] * width + columns
        # The group of w holds, at v, the entry (v, w), if w is the only one of it next to v; else
        # v is the only one of its own group next to w.
        meeting = rows * (self.colors + 1) + self.groups[columns]
        _, which, counts = np.unique(meeting, return_inverse=True, return_counts=True)
        alone = counts[which] == 1
        return np.where(
            alone, self.groups[columns] * width + rows, self.groups[rows] * width + columns
        )

    def _cut(self, places: Any) -> list[list[Any]]:
        """Of each pair of an output and an input: where its entries are found, and what holds them.

        ``places`` says where the flat grouped derivative has the entries. None stands for all of
        it, in order.
        """
        per_group = self.shape[0] if self.mode == "forward" else self.shape[1]
        everything = np.arange(self.colors * per_group)
        heights, widths = [[prod(s) for s in ss] for ss in (self.out_shapes, self.in_shapes)]
        numbers = sparse().csr_array(
            (np.arange(1, self.nnz + 1), self.pattern.indices, self.pattern.indptr),
            shape=self.shape,
        )
        tops, lefts = [np.concatenate([[0], np.cumsum(n)]) for n in (heights, widths)]
        cut = []
        for top, bottom in pairwise(tops):
            row = []
            for left, right in pairwise(lefts):
                part = numbers[top:bottom, left:right]
                here = places[part.data - 1]
                row.append((None if np.array_equal(here, everything) else here, Template(part)))
            cut.append(row)
        return cut


def _grouped(pattern: Any, mode: str | None) -> tuple[str, Any]:
    """The mode with fewer groups, or that asked for, and the groups."""
    rows_fullest = int(np.diff(pattern.indptr).max(initial=0))
    transposed = pattern.T.tocsr()
    columns_fullest = int(np.diff(transposed.indptr).max(initial=0))
    # The fullest row has a group for each of its columns, and the other way round.
    if mode == "forward" or (mode is None and rows_fullest < columns_fullest):
        groups = column_colours(pattern)
        if mode is not None or groups.max(initial=0) < columns_fullest:
            return "forward", groups
        others = column_colours(transposed)
        fewer = others.max(initial=0) < groups.max(initial=0)
        return ("reverse", others) if fewer else ("forward", groups)
    groups = column_colours(transposed)
    if mode is not None or groups.max(initial=0) < max(rows_fullest, 1):
        return "reverse", groups
    others = column_colours(pattern)
    fewer = others.max(initial=0) < groups.max(initial=0)
    return ("forward", others) if fewer else ("reverse", groups)


def _in_order(flat: Any, places: Any) -> Any:
    """The entries of an array at some places, or all of them, as an array of their own."""
    if places is not None:
        return flat[places]
    # What a program computes is new each time.
    return flat if hasattr(flat, "__gradtape_symbol__") else flat.copy()


def _coordinates(pattern: Any) -> tuple[Any, Any]:
    """The row and the column of each entry."""
    rows = np.repeat(np.arange(pattern.shape[0]), np.diff(pattern.indptr))
    return rows, pattern.indices.astype(np.intp)


def _listed(shapes: Shapes) -> str:
    return ", ".join([str(shape) for shape in shapes])
