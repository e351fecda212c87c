"""Which entry of an input an entry of a result depends on, found by trying."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape.explaining.operands import Operand, entry, index_below, is_entrywise
from gradtape.trace import Step

__all__ = ["guilty_entry", "is_bad", "moved_from", "numeric", "with_ones"]

Index = tuple[int, ...]

#: How many bad entries are tried one by one.
_TRIES = 32


def is_bad(array: Any) -> Any:
    """Where an array is NaN or infinite."""
    array = np.asarray(array)
    if array.dtype.kind not in "fc":
        return np.zeros(array.shape, np.bool_)
    return np.asarray(~np.isfinite(array))


def numeric(value: Any) -> Any:
    """A value as an array; something else than numbers, as None for a bound, as a zero."""
    array = np.asarray(value)
    return array if array.dtype.kind in "fciub" else np.zeros(())


def with_ones(array: Any, but: Index | None = None) -> Any:
    """An array with 1 for each entry that is not finite, but for one."""
    bad = is_bad(array)
    if but is not None:
        bad[but] = False
    return np.where(bad, np.asarray(array).dtype.type(1), array)[()]


def guilty_entry(step: Step, slot: int, one: Operand, index: Index) -> Index:
    """The entry of an input that is not finite and makes an entry of the result so."""
    if one.index is not None or not np.ndim(one.array):
        return one.index or ()
    array = np.asarray(one.array)
    if is_entrywise(step):
        return index_below(array, index)
    mask = np.isnan(array) if np.isnan(array).any() else np.isinf(array)
    bad = list(map(tuple, np.argwhere(mask)[:_TRIES].tolist()))
    if len(bad) == 1:
        return bad[0]
    moved = moved_from(step, slot, array, index)
    if moved is not None and mask[moved]:
        return moved
    for at in bad:
        if not np.isfinite(_result_with(step, slot, with_ones(array, at), index)):
            return at
    return bad[0]


def moved_from(step: Step, slot: int, array: Any, index: Index) -> Index | None:
    """The entry of an input that an operation only moved to an entry of its result, if it did."""
    if step.primitive.kind != "movement" or type(step.out_key) is tuple:
        return None
    try:
        flat = np.arange(array.size, dtype=float).reshape(array.shape)
        position = int(_result_with(step, slot, flat, index))
        at = tuple([int(i) for i in np.unravel_index(position, array.shape)])
    except (ValueError, TypeError, IndexError):
        return None
    return at if np.array_equal(array[at], entry(step.out, index), equal_nan=True) else None


def _result_with(step: Step, slot: int, value: Any, index: Index) -> Any:
    """An entry of the result, were an input another one."""
    values = (*step.values[:slot], value, *step.values[slot + 1 :])
    try:
        with np.errstate(all="ignore"):
            return entry(step.primitive.compute(*values, *step.params), index)
    except (AttributeError, ValueError, TypeError, IndexError):
        return np.nan
