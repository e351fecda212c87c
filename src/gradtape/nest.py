"""Nests: any structure of lists, tuples, named tuples, dicts and dataclasses around leaves."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

__all__ = ["flatten", "map_structure", "pack", "same_structure"]

_LEAF, _SEQUENCE, _NAMED, _MAPPING, _DATACLASS = range(5)

#: What each type met so far is: asking anew each time would cost more than a whole operation.
_KINDS: dict[type, int] = {}


def _kind(value: Any) -> int:
    """Which kind of nest, or leaf, a value is."""
    known = _KINDS.get(type(value))
    if known is None:
        known = _KINDS[type(value)] = _classify(type(value))
    return known


def _classify(cls: type) -> int:
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return _NAMED
    if issubclass(cls, (list, tuple)):
        return _SEQUENCE
    if issubclass(cls, Mapping):
        return _MAPPING
    return _DATACLASS if dataclasses.is_dataclass(cls) else _LEAF


def _keys(nest: Mapping[Any, Any]) -> list[Any]:
    """The keys of a dict in the order in which its leaves count: sorted, where they can be."""
    try:
        return sorted(nest)
    except TypeError:  # keys of several types have no order of their own
        return list(nest)


def flatten(nest: Any) -> list[Any]:
    """The leaves of a nest, from left to right; those of a dict by sorted key."""
    kind = _kind(nest)
    if kind == _LEAF:
        return [nest]
    if kind == _MAPPING:
        nest = [nest[key] for key in _keys(nest)]
    elif kind == _DATACLASS:
        nest = [getattr(nest, field.name) for field in dataclasses.fields(nest)]
    leaves: list[Any] = []
    for child in nest:
        if _KINDS.get(type(child)) == _LEAF:
            leaves.append(child)
        else:
            leaves += flatten(child)
    return leaves


def pack(like: Any, leaves: list[Any]) -> Any:
    """A nest of the structure of ``like`` around the given leaves."""
    if _kind(like) == _LEAF:
        return leaves[0]
    return _pack(like, iter(leaves))


def map_structure(function: Callable[[Any], Any], nest: Any) -> Any:
    """The nest with a function applied to each leaf."""
    return pack(nest, [function(leaf) for leaf in flatten(nest)])


def same_structure(one: Any, other: Any) -> bool:
    """Whether two nests have their leaves in the same places; a list may stand for a tuple."""
    kind = _kind(one)
    if kind != _kind(other):
        return False
    if kind == _LEAF:
        return True
    if kind == _MAPPING:
        return one.keys() == other.keys() and all([same_structure(one[k], other[k]) for k in one])
    if kind == _DATACLASS:
        names = [field.name for field in dataclasses.fields(one)]
        return type(one) is type(other) and all(
            [same_structure(getattr(one, name), getattr(other, name)) for name in names]
        )
    return len(one) == len(other) and all(map(same_structure, one, other))


def _pack(like: Any, leaves: Iterator[Any]) -> Any:
    kind = _kind(like)
    if kind == _LEAF:
        return next(leaves)
    if kind == _MAPPING:
        packed = {key: _pack(like[key], leaves) for key in _keys(like)}
        ordered = {key: packed[key] for key in like}
        if type(like) is dict or not isinstance(like, dict):
            return ordered if type(like) is dict else type(like)(ordered)
        result = copy.copy(like)  # with what a class of its own keeps besides
        result.update(ordered)
        return result
    if kind == _DATACLASS:
        result = copy.copy(like)
        for field in dataclasses.fields(like):
            # Frozen dataclasses refuse plain assignment.
            object.__setattr__(result, field.name, _pack(getattr(like, field.name), leaves))
        return result
    children = [
        next(leaves) if _KINDS.get(type(child)) == _LEAF else _pack(child, leaves) for child in like
    ]
    return type(like)(*children) if kind == _NAMED else type(like)(children)
