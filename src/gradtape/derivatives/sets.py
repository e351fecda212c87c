"""Rules of the functions on sets: their values are entries, whose gradients go back to them.

Of equal entries the first one has the gradient; of two arrays, the first one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape.derivatives.axes import as_array
from gradtape.rules import meaning, strip

__all__: list[str] = []


@meaning(np.unique)
def unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: Any = None,
    *,
    equal_nan: bool = True,
    sorted: bool = True,
) -> Any:
    """The values in ascending order, also where their order is left open by ``sorted=False``."""
    flags: dict[str, Any] = {"return_inverse": return_inverse, "return_counts": return_counts}
    _, first, *rest = np.unique(
        strip(ar), return_index=True, axis=axis, equal_nan=equal_nan, **flags
    )
    values = np.take(ar, first, axis)
    parts = (values, *([first] if return_index else []), *rest)
    return parts if len(parts) > 1 else values


def _found(x: Any, values: Any) -> Any:
    """The entries of x that are the distinct values that NumPy found in it, in their order."""
    first = np.unique(strip(x), return_index=True, equal_nan=False)[1]
    origin = np.empty_like(first)
    origin[np.argsort(values, kind="stable")] = first
    return np.take(x, origin)


@meaning(np.unique_values)
def unique_values(x: Any) -> Any:
    return _found(x, np.unique_values(strip(x)))


def _named(function: Any) -> None:
    """Say what a function means that answers values among other things, by name."""

    def named(x: Any) -> Any:
        answer = function(strip(x))
        return answer._replace(values=_found(x, answer.values))

    meaning(function)(named)


_named(np.unique_all)
_named(np.unique_counts)
_named(np.unique_inverse)


@meaning(np.union1d)
def union1d(ar1: Any, ar2: Any) -> Any:
    return np.unique(np.concatenate([ar1, ar2], None))


@meaning(np.intersect1d)
def intersect1d(
    ar1: Any, ar2: Any, assume_unique: bool = False, return_indices: bool = False
) -> Any:
    ours, theirs = as_array(ar1), as_array(ar2)
    if not assume_unique:
        ours, theirs = np.unique(ours), np.unique(theirs)
    ordered = np.sort(np.concatenate([ours, theirs], None), kind="stable")
    entries = strip(ordered)
    values = ordered[:-1][entries[1:] == entries[:-1]]
    if not return_indices:
        return values
    return (values, *np.intersect1d(strip(ar1), strip(ar2), assume_unique, True)[1:])


@meaning(np.setdiff1d)
def setdiff1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    values = np.ravel(as_array(ar1)) if assume_unique else np.unique(as_array(ar1))
    return values[np.isin(strip(values), strip(ar2), invert=True)]


@meaning(np.setxor1d)
def setxor1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    if not assume_unique:
        ar1, ar2 = np.unique(as_array(ar1)), np.unique(as_array(ar2))
    ordered = np.sort(np.concatenate([ar1, ar2], None))
    entries = strip(ordered)
    differs = np.concatenate([[True], entries[1:] != entries[:-1], [True]])
    return ordered[differs[1:] & differs[:-1]] if entries.size else ordered
