"""The walk back to a traced gradient, done again with every share kept: who gave what to whom."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from gradtape.recording import only
from gradtape.sweep import Seeds
from gradtape.tensor import bare
from gradtape.trace import Answer

__all__ = ["Share", "Walk"]

Index = tuple[int, ...]


class Share(NamedTuple):
    """What one use of a value added to its cotangent."""

    record: int
    slot: int
    array: Any


class Walk:
    """One walk, from a gradient's seeds to its sources.

    ``cotangents`` and ``live`` (which entries are alive; absent: all) are by key; ``shares`` are by
    the key that they were added to.
    """

    def __init__(self, answer: Answer, masks: bool | None = None) -> None:
        self._answer = answer
        self.records = answer.records
        self.masks = answer.masks if masks is None else masks
        self.cotangents: dict[Any, Any] = {}
        self.live: dict[Any, Any] = {}
        self.shares: dict[Any, list[Share]] = {}
        self.seeds: Seeds = [(key, bare(g)) for key, g in answer.seeds]
        with only(()), np.errstate(all="ignore"):
            for key, g in self.seeds:
                self._add(key, g, None)
            for number in reversed(range(len(self.records))):
                for slot, key, share, live in self.pulled(number):
                    self.shares.setdefault(key, []).append(Share(number, slot, share))
                    self._add(key, share, live)

    @cached_property
    def masked(self) -> Walk:
        """The same walk with dead branches left out."""
        return self if self.masks else Walk(self._answer, masks=True)

    def given(self, number: int) -> Any:
        """The cotangent of a record's output, or a list of those of several; None: not reached."""
        key = self.records[number][1]
        if type(key) is not tuple:
            return self.cotangents.get(key)
        found = [self.cotangents.get(one) for one in key]
        return None if all([g is None for g in found]) else found

    def pulled(self, number: int, given: Any = None) -> Iterator[tuple[int, Any, Any, Any]]:
        """The slot, key, share and liveness of each tracked input; ``given`` another cotangent."""
        record = self.records[number]
        g = self.given(number) if given is None else given
        if g is None:
            return
        primitive, out_key, mask, keys = record[:4]
        if type(out_key) is tuple:
            alive: Any = [self.live.get(key) for key in out_key]
        else:
            alive = self.live.get(out_key)
        slot = -1
        for key, share, live in primitive.pull_masked(g, alive, record, record[4], ()):
            slot = next(i for i in range(slot + 1, len(keys)) if mask >> i & 1 and keys[i] == key)
            yield slot, key, bare(share), live

    def share(self, number: int, slot: int, given: Any) -> Any:
        """The share of one input, were the cotangent of the output another one."""
        with only(()), np.errstate(all="ignore"):
            return next(share for at, _, share, _ in self.pulled(number, given) if at == slot)

    def _add(self, key: Any, share: Any, live: Any) -> None:
        """Add a share to a cotangent, and merge the liveness."""
        if key not in self.cotangents:
            self.cotangents[key] = share
            if live is not None and self.masks:
                self.live[key] = live
            return
        self.cotangents[key] = self.cotangents[key] + share
        if live is None:
            self.live.pop(key, None)
        elif key in self.live:
            self.live[key] = self.live[key] | live
