"""Namesakes that are SciPy's own functions where no tensor is among their arguments."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from gradtape.scipy._namesakes import constant, scipys

__all__ = ["namesake"]


def namesake(theirs: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a function of tensors the namesake of one of SciPy's, which takes bare arguments."""

    def decorated(ours: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(ours)
        def call(*args: Any, **kwargs: Any) -> Any:
            if constant(*args, *kwargs.values()):
                return scipys(theirs, *args, **kwargs)
            return ours(*args, **kwargs)

        return call

    return decorated
