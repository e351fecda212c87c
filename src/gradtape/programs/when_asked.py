"""A property that is computed when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["WhenAsked"]


class WhenAsked:
    """A property that is computed when it is first asked for.

    That of ``functools`` has a lock in Python 3.11 which all objects share, and which stays locked
    in a process that is forked meanwhile. Here two threads may compute it, and one's value counts.
    """

    def __init__(self, make: Callable[[Any], Any]) -> None:
        self._make, self._name = make, make.__name__
        self.__doc__ = make.__doc__

    def __get__(self, instance: Any, owner: Any) -> Any:
        """The value, which the instance's own attribute gives from then on."""
        return instance.__dict__.setdefault(self._name, self._make(instance))
