"""Bare arrays that a tape must keep belong to the user, who may write into them later.

A small one is copied. A large one is kept as it is, with a fingerprint taken when it was first
recorded and compared when the gradient is computed. The fingerprint holds sums of the array's
64-bit words, modulo 2**64, over the columns of a table of a fixed width: a change of one word, or
of words in different columns, always shows; only changes that cancel within a column (such as
exchanging two words a multiple of the width apart) can hide.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape import errors

__all__ = ["COPY_BYTES", "WRITABLE", "Guard", "fingerprint"]

#: Arrays up to this size are copied: that costs no more than two fingerprints.
COPY_BYTES = 1 << 16

#: The types of what belongs to the user, and can be written into.
WRITABLE: set[type] = {np.ndarray}

#: Words to a row: a prime, so that the rows of a data matrix do not line up with it.
WIDTH = 509


def fingerprint(array: np.ndarray[Any, Any]) -> bytes:
    """Sums that change when the array's contents do; the array is contiguous."""
    data = array.reshape(-1, order="A").view(np.uint8)
    whole = data.size // (8 * WIDTH) * (8 * WIDTH)
    words = data[:whole].view(np.uint64).reshape(-1, WIDTH)
    sums: np.ndarray[Any, Any] = np.add.reduce(words, axis=0)
    return sums.tobytes() + data[whole:].tobytes()


class Guard:
    """The large bare arrays that one tape keeps, with their fingerprints."""

    __slots__ = ("_changed", "_kept")

    def __init__(self) -> None:
        self._kept: dict[int, tuple[np.ndarray[Any, Any], bytes, str, int]] = {}
        self._changed: tuple[np.ndarray[Any, Any], str, int] | None = None

    def keep(self, array: np.ndarray[Any, Any], function: str, position: int) -> Any:
        """What to keep in place of a user's array: a copy, or itself under guard."""
        if hasattr(array, "__gradtape_symbol__"):
            return array.frozen()  # type: ignore[attr-defined]
        if array.nbytes <= COPY_BYTES or not array.flags.forc:
            return array.copy()
        mark = fingerprint(array)
        _, before, first_function, first_position = self._kept.setdefault(
            id(array), (array, mark, function, position)
        )
        if mark != before:  # what the first record needs is gone, even if it is put back later
            self._changed = (array, first_function, first_position)
        return array

    def check(self) -> None:
        """Raise if a kept array was written to since it was recorded."""
        changed = self._changed
        for array, before, function, position in self._kept.values():
            if fingerprint(array) != before:
                changed = (array, function, position)
        if changed is not None:
            raise errors.changed_array(*changed)
