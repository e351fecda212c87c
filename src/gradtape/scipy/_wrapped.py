"""What surrounds the namesakes: SciPy's own functions for bare arguments, and names in errors."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from gradtape.scipy._namesakes import constant, scipys

__all__ = ["explained", "namesake"]


def namesake(theirs: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a function of tensors the namesake of one of SciPy's, which takes bare arguments."""

    def decorated(ours: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(ours)
        def call(*args: Any, **kwargs: Any) -> Any:
            if constant(*args, *kwargs.values()):
                return scipys(theirs, *args, **kwargs)
            with _named(theirs.__name__):
                return ours(*args, **kwargs)

        return call

    return decorated


def explained(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function or method whose errors begin with its name, or with that of its object's class."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        method = function.__name__.startswith("__")
        with _named(type(args[0]).__name__ if method else function.__name__):
            return function(*args, **kwargs)

    return call


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Put a function's name in front of what is said of shapes and values."""
    try:
        yield
    except (ValueError, IndexError) as error:
        if name in str(error).partition(":")[0]:
            raise
        raise type(error)(f"{name}: {error}") from error
