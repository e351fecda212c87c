"""Rows of a Jacobian: batches of cotangents sent back over a tape's records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from gradtape import errors
from gradtape.sweep import sweep
from gradtape.tensor import Tensor

__all__ = ["Way", "checked_budget", "rows"]


class Way(NamedTuple):
    """The way back over a tape's records, from any target to some of its keys."""

    records: list[Any]
    wanted: list[Any]  #: the keys of the sources
    selects: bool  #: whether a record can leave entries dead
    masks: bool  #: whether dead entries get zeros
    foreign: bool  #: whether a record runs the user's code

    def back(self, key: Any, seed: Any, batch: tuple[int, ...], alive: Any = None) -> list[Any]:
        """The cotangents of the sources, or None, from those of one target."""
        return sweep(
            self.records,
            [(key, seed)],
            self.wanted,
            self.selects,
            self.masks,
            batch,
            alive,
            foreign=self.foreign,
        )


def rows(
    way: Way,
    target: Tensor,
    sources: list[Tensor],
    identity: Callable[[int, int, int, Any], Any],
    count: int,
    memory_budget: int,
) -> list[Any]:
    """Per source, the cotangents that belong to ``count`` rows of seeds, in blocks.

    Parameters
    ----------
    identity : makes some rows of seeds: ``identity(rows, target.size, first row, dtype)``.
    memory_budget : about how many bytes a block's largest array may have.
    """
    array = target.array
    widest = max([array.size, *[s.array.size for s in sources], 1])
    step = max(1, memory_budget // (widest * array.dtype.itemsize))
    blocks: list[list[Any]] = [[] for _ in sources]
    for first in range(0, count, step):
        n = min(step, count - first)
        seed = identity(n, array.size, first, array.dtype).reshape(n, *array.shape)
        shares = way.back(target.key, seed, (n,), seed != 0 if way.masks else None)
        for block, share in zip(blocks, shares, strict=True):
            block.append(share)
    return [_joined(block) for block in blocks]


def checked_budget(memory_budget: Any, default: int) -> int:
    """A number of bytes that the user gave, or the default."""
    if memory_budget is None:
        return default
    whole = isinstance(memory_budget, (int, np.integer)) and not isinstance(memory_budget, bool)
    if not whole or memory_budget < 1:
        raise ValueError(
            "argument `memory_budget` is a number of bytes, of 1 or more, but is "
            f"{errors.describe(memory_budget)}: a block of cotangents gets no larger than that, "
            "but for a single one."
        )
    return int(memory_budget)


def _joined(block: list[Any]) -> Any:
    """The rows of all blocks; None if the source is unconnected."""
    if not block or block[0] is None:
        return None
    return block[0] if len(block) == 1 else np.concatenate(block)
