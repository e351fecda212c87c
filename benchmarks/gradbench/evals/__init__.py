"""GradBench's evals, one module for each.

A module's ``FUNCTIONS`` are the functions that the eval asks for, by name: each takes the input of
a message and what makes programs of functions, and prepares a function, its arguments, and how its
result is to be told. Only the function is timed.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

NAMES = (
    "ba", "det", "gmm", "hello", "ht", "kmeans", "llsq", "lse", "lstm", "ode", "particle", "saddle",
)  # fmt: skip


def functions(name: str) -> dict[str, Any]:
    """The functions of an eval."""
    found: dict[str, Any] = import_module(f"{__name__}.{name}").FUNCTIONS
    return found
