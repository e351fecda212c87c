"""The pattern of a Jacobian, composed from a tape's records."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from gradtape.patterns.library import compressed_rows, one_per_row, sparse
from gradtape.patterns.local import local_pattern, shapes_of

__all__ = ["dependence"]

Shape = tuple[int, ...]
#: An output's key and, per input that it depends on, the input's key and the pattern between them.
Link = tuple[Any, list[tuple[Any, list[Any]]]]


def dependence(
    records: list[Any], target: Any, target_shape: Shape, wanted: list[Any], sizes: list[int]
) -> Any:
    """Which entries of the sources each entry of a target depends on, along the recorded branch.

    The records are gone through from the last to the first, as in a reverse sweep, with the entries
    of the target in place of cotangents. Before that they are gone through from the first to the
    last, to see which entries depend on a source at all: of a matrix that is given to a solver,
    that may be few. What mixes its entries (a solution, a decomposition, a function with a gradient
    of the user's own) counts as reading all that it was given, stack by stack: the pattern can have
    entries too many, never too few.

    Parameters
    ----------
    records : a tape's list, oldest first.
    target : the target's key.
    wanted, sizes : the sources' keys and numbers of entries.

    Returns
    -------
    A boolean ``csr_array`` of shape ``(target.size, sum(sizes))``: the sources side by side.
    """
    size = prod(target_shape)
    active: dict[Any, Any] = dict.fromkeys(wanted)
    links = _links(_calls(records, target, target_shape), active)
    found: dict[Any, list[Any]] = {target: [one_per_row(np.arange(size), size)]}
    for key, inputs in reversed(links):
        if key in found:
            whole = _union(found.pop(key))
            if key in wanted:
                found[key] = [whole]
            for in_key, pattern in inputs:
                share = _through(whole, pattern, active[in_key])
                found.setdefault(in_key, []).append(share)
    blocks = [
        _union(found[key]) if key in found else sparse().csr_array((size, n), dtype=np.bool_)
        for key, n in zip(wanted, sizes, strict=True)
    ]
    joined = blocks[0] if len(blocks) == 1 else sparse().hstack(blocks, "csr")
    joined.sum_duplicates()
    return joined


def _calls(records: list[Any], target: Any, target_shape: Shape) -> list[tuple[Any, ...]]:
    """The records that the target depends on, oldest first.

    Each with the key of the output that matters, that output's shape and those of the inputs.
    """
    shapes = {target: target_shape}
    calls = []
    for record in reversed(records):
        _, out_key, mask, keys, *_ = record
        for key in out_key if type(out_key) is tuple else (out_key,):
            if key in shapes:
                in_shapes = shapes_of(record, shapes[key])
                calls.append((record, key, shapes[key], in_shapes))
                for i, in_key in enumerate(keys):
                    if mask >> i & 1:
                        shapes[in_key] = in_shapes[i]
    return calls[::-1]


def _links(calls: list[tuple[Any, ...]], active: dict[Any, Any]) -> list[Link]:
    """The patterns of all calls, and which entries of each value depend on a source.

    ``active`` holds the sources and gets the rest: a boolean array by key; None: all entries.
    """
    links: list[Link] = []
    sources = set(active)
    for record, key, out_shape, in_shapes in calls:
        inputs = []
        live: Any = False
        for i, in_key in enumerate(record[3]):
            if record[2] >> i & 1 and in_key in active:
                pattern = local_pattern(record, i, out_shape, in_shapes)
                if pattern is not None:
                    inputs.append((in_key, pattern))
                    reached = _reached(pattern, active[in_key])
                    live = None if live is None or reached is None else live | reached
        if inputs:
            links.append((key, inputs))
            if key not in sources:
                active[key] = None if live is None or live.all() else live
    return links


def _reached(pattern: list[Any], active: Any) -> Any:
    """Which entries of an output read an active entry of the input; None: all."""
    if pattern:
        flags = np.ones(pattern[-1].shape[1], np.bool_) if active is None else active
        for matrix in reversed(pattern):
            flags = matrix @ flags
        active = flags
    return active


def _through(whole: Any, pattern: list[Any], active: Any) -> Any:
    """What the target reads of an input, of whose output it reads what ``whole`` says."""
    factors = [whole, *pattern]
    if active is not None:
        factors[-1] = _only(factors[-1], active)
    product = factors[0]
    for matrix in factors[1:]:
        product = product @ matrix
    return product


def _only(matrix: Any, columns: Any) -> Any:
    """A matrix with its entries in some columns."""
    kept = columns[matrix.indices]
    if kept.all():
        return matrix
    starts = np.concatenate([[0], np.cumsum(kept)])[matrix.indptr]
    return compressed_rows(matrix.indices[kept], starts, matrix.shape)


def _union(patterns: list[Any]) -> Any:
    """The entries of all patterns."""
    total = patterns[0]
    for pattern in patterns[1:]:
        if pattern is not total:
            total = total + pattern
    return total
