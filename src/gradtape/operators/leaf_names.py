"""What the chosen arguments of a call are called: by the function's parameters."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from gradtape.operators.arguments import Chosen

__all__ = ["leaf_names"]


def leaf_names(chosen: Chosen) -> list[str]:
    """The name of each leaf, as ``x``, ``x[0]``, ``params["w"]`` or ``layer.weights``."""
    try:
        known = list(inspect.signature(chosen.selection.f).parameters.values())
    except (TypeError, ValueError):  # not every function tells its signature
        known = []
    several = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    names: list[str] = []
    for place, nest in zip(chosen.places, chosen.nests, strict=True):
        if isinstance(place, str):
            name = place
        elif place < len(known) and known[place].kind not in several:
            name = known[place].name
        else:
            name = f"argument {place}" if len(chosen.places) > 1 else "x"
        names += _leaves(nest, name)
    return names


def _leaves(nest: Any, name: str) -> Iterator[str]:
    """The names of a nest's leaves, in the order of ``flatten``."""
    if isinstance(nest, tuple) and hasattr(nest, "_fields"):
        for field, child in zip(nest._fields, nest, strict=True):
            yield from _leaves(child, f"{name}.{field}")
    elif isinstance(nest, (list, tuple)):
        for i, child in enumerate(nest):
            yield from _leaves(child, f"{name}[{i}]")
    elif isinstance(nest, Mapping):
        for key in _ordered(nest):
            shown = f'"{key}"' if isinstance(key, str) else repr(key)
            yield from _leaves(nest[key], f"{name}[{shown}]")
    elif dataclasses.is_dataclass(nest):
        for one in dataclasses.fields(nest):
            yield from _leaves(getattr(nest, one.name), f"{name}.{one.name}")
    else:
        yield name


def _ordered(nest: Mapping[Any, Any]) -> list[Any]:
    """The keys of a dict in the order in which its leaves count."""
    try:
        return sorted(nest)
    except TypeError:
        return list(nest)
