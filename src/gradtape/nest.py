"""Nests: any structure of lists, tuples, named tuples, dicts and dataclasses around leaves."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

__all__ = ["flatten", "map_structure", "pack"]


def _is_dataclass(value: Any) -> bool:
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def _children(nest: Any) -> list[Any] | None:
    """The direct children of a nest in a fixed order (dicts: by sorted key), None for a leaf."""
    if isinstance(nest, (list, tuple)):
        return list(nest)
    if isinstance(nest, Mapping):
        return [nest[key] for key in _keys(nest)]
    if _is_dataclass(nest):
        return [getattr(nest, field.name) for field in dataclasses.fields(nest)]
    return None


def _keys(nest: Mapping[Any, Any]) -> list[Any]:
    try:
        return sorted(nest)
    except TypeError:  # keys of several types have no order of their own
        return list(nest)


def flatten(nest: Any) -> list[Any]:
    """The leaves of a nest, from left to right."""
    children = _children(nest)
    if children is None:
        return [nest]
    return [leaf for child in children for leaf in flatten(child)]


def pack(like: Any, leaves: list[Any]) -> Any:
    """A nest of the structure of ``like`` around the given leaves."""
    return _pack(like, iter(leaves))


def map_structure(function: Callable[[Any], Any], nest: Any) -> Any:
    """The nest with a function applied to each leaf."""
    return pack(nest, [function(leaf) for leaf in flatten(nest)])


def _pack(like: Any, leaves: Iterator[Any]) -> Any:
    if isinstance(like, tuple) and hasattr(like, "_fields"):
        return type(like)(*[_pack(child, leaves) for child in like])
    if isinstance(like, (list, tuple)):
        return type(like)([_pack(child, leaves) for child in like])
    if isinstance(like, Mapping):
        packed = {key: _pack(like[key], leaves) for key in _keys(like)}
        ordered = {key: packed[key] for key in like}
        return ordered if type(like) is dict else type(like)(ordered)  # type: ignore[call-arg]
    if _is_dataclass(like):
        result = copy.copy(like)
        for field in dataclasses.fields(like):
            # Frozen dataclasses refuse plain assignment.
            object.__setattr__(result, field.name, _pack(getattr(like, field.name), leaves))
        return result
    return next(leaves)
