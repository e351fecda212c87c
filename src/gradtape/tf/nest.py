"""``tf.nest``: structures of lists, tuples, named tuples and dicts around leaves.

Examples
--------
>>> import gradtape.tf as tf
>>> tf.nest.flatten({"b": 2, "a": [1, (3,)]})
[1, 3, 2]
>>> tf.nest.map_structure(lambda x, y: x + y, [1, (2,)], [10, (20,)])
[11, (22,)]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from gradtape.nest import flatten as _flatten
from gradtape.nest import pack
from gradtape.tf.missing import missing

__all__ = ["assert_same_structure", "flatten", "is_nested", "map_structure", "pack_sequence_as"]


def is_nested(seq: Any) -> bool:
    """Whether something is a sequence or a dict, not a leaf.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.nest.is_nested([]), tf.nest.is_nested("text")
    (True, False)
    """
    return isinstance(seq, (list, tuple, Mapping))


def flatten(structure: Any, expand_composites: bool = False) -> list[Any]:
    """The leaves from left to right; those of a dict by sorted key.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.nest.flatten([1, (2, [3])])
    [1, 2, 3]
    """
    return _flatten(structure)


def pack_sequence_as(structure: Any, flat_sequence: Any, expand_composites: bool = False) -> Any:
    """The leaves of a list in the places of those of a structure.

    Raises
    ------
    ValueError : there are too few or too many.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.nest.pack_sequence_as({"a": 0, "b": [0]}, [1, 2])
    {'a': 1, 'b': [2]}
    """
    leaves, count = list(flat_sequence), len(_flatten(structure))
    if len(leaves) != count:
        raise ValueError(
            "Could not pack sequence. "
            f"Structure had {count} atoms, but flat_sequence had {len(leaves)} items. "
            f"Structure: {structure!r}, flat_sequence: {leaves!r}."
        )
    return pack(structure, leaves)


def map_structure(func: Callable[..., Any], *structure: Any, **kwargs: Any) -> Any:
    """A function's answers for the leaves of structures, taken together, in the same structure.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.nest.map_structure(lambda x: 2 * x, {"a": 1, "b": [2]})
    {'a': 2, 'b': [4]}
    """
    if not callable(func):
        raise TypeError(f"Argument `func` must be callable, got: {func!r}")
    if not structure:
        raise ValueError("Must provide at least one structure")
    check_types = kwargs.pop("check_types", True)
    kwargs.pop("expand_composites", None)
    if kwargs:
        raise ValueError(f"Only valid keyword arguments are `check_types`: {sorted(kwargs)}")
    first, *others = structure
    for other in others:
        assert_same_structure(first, other, check_types)
    answers = [func(*leaves) for leaves in zip(*[_flatten(s) for s in structure], strict=True)]
    return pack(first, answers)


def assert_same_structure(
    nest1: Any, nest2: Any, check_types: bool = True, expand_composites: bool = False
) -> None:
    """Nothing, if two structures differ in their leaves only.

    Raises
    ------
    ValueError : they have different numbers of parts, or different keys.
    TypeError : the types of parts differ, and ``check_types``.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.nest.assert_same_structure([1, (2,)], [3, (4,)])
    """
    if is_nested(nest1) != is_nested(nest2):
        raise ValueError(
            "The two structures don't have the same nested structure.\n\n"
            f"First structure: type={type(nest1).__name__} str={nest1}\n\n"
            f"Second structure: type={type(nest2).__name__} str={nest2}"
        )
    if not is_nested(nest1):
        return
    if check_types and type(nest1) is not type(nest2) and not _both_mappings(nest1, nest2):
        raise TypeError(
            "The two structures don't have the same sequence type. Input structure has type "
            f"{type(nest1).__name__!r}, while shallow structure has type {type(nest2).__name__!r}."
        )
    if isinstance(nest1, Mapping) and isinstance(nest2, Mapping):
        if set(nest1) != set(nest2):
            raise ValueError(
                "The two dictionaries don't have the same set of keys. First structure has keys "
                f"{list(nest1)}, while second structure has keys {list(nest2)}."
            )
        pairs = [(nest1[key], nest2[key]) for key in nest1]
    else:
        if len(nest1) != len(nest2):
            raise ValueError(
                "The two structures don't have the same number of elements. First structure: "
                f"{nest1}. Second structure: {nest2}"
            )
        pairs = list(zip(nest1, nest2, strict=True))
    for first, second in pairs:
        assert_same_structure(first, second, check_types)


def _both_mappings(first: Any, second: Any) -> bool:
    return isinstance(first, Mapping) and isinstance(second, Mapping)


if not TYPE_CHECKING:  # a type checker knows by itself what is not here

    def __getattr__(name: str) -> Any:
        """Raise the error for a name that is not here, with the nearest that is."""
        raise missing(__name__, name, __all__)
