"""Memory that a program keeps between its calls: blocks that values use one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

__all__ = ["Block", "Memory", "Value"]

#: What a vector register loads at once.
ALIGNMENT = 64


class Block:
    """One piece of memory, of which arrays are made."""

    def __init__(self, size: int) -> None:
        self.size = size
        whole = np.empty(size + ALIGNMENT, np.uint8)
        start = -whole.ctypes.data % ALIGNMENT
        self._bytes = whole[start : start + size]
        #: The id of what arrays on this memory have as their base.
        self.owner = id(whole)

    def array(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
        """An array on this memory, from its start."""
        size = prod(shape) * dtype.itemsize
        return self._bytes[:size].view(dtype).reshape(shape)

    def alike(self, array: np.ndarray[Any, Any], other: Block) -> np.ndarray[Any, Any]:
        """An array that lies on this memory as one lies on another block's."""
        offset = array.ctypes.data - other._bytes.ctypes.data
        return np.ndarray(array.shape, array.dtype, self._bytes, offset, array.strides)


@dataclass(slots=True)
class Value:
    """What stands for a node: its text, and the array that it always is, if there is one."""

    text: str
    array: Any = None
    block: Block | None = None


class Memory:
    """Blocks that are handed out and given back while a program is written."""

    def __init__(self) -> None:
        self._free: list[Block] = []
        self.size = 0

    def take(self, size: int) -> Block:
        """A block of at least this size: the smallest free one, if not far too large, or new."""
        fitting = [b for b in self._free if size <= b.size <= 2 * size + ALIGNMENT]
        if fitting:
            block = min(fitting, key=lambda b: b.size)
            self._free.remove(block)
            return block
        self.size += size
        return Block(size)

    def give(self, block: Block) -> None:
        """Give a block back, for what comes next."""
        self._free.append(block)
