"""Arguments in canonical form: axes, arrays, constants.

Axes are tuples of negative numbers, so that batch axes may stand in front.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from gradtape.errors import TrackedConversionError, no_rule_for_argument
from gradtape.rules import strip

__all__ = [
    *(
        "along",
        "as_array",
        "assembled",
        "assembled_call",
        "bare_array",
        "constant",
        "holds_tensors",
        "inverse",
        "is_tensor",
    ),
    *("kept", "one_axis", "plainly", "several_axes", "together"),
]

#: All axes of an array, by how many it has; NumPy allows 64.
_ALL = [tuple(range(-ndim, 0)) for ndim in range(65)]


def several_axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """The axes meant by an ``axis`` argument; all of them for None."""
    if axis is None:
        return _ALL[ndim]
    if type(axis) is int and -ndim <= axis < ndim:
        return (axis if axis < 0 else axis - ndim,)
    if ndim == 0 and axis in (0, -1):
        return ()  # NumPy reduces a number along its first axis, too
    return tuple(sorted([a - ndim for a in normalize_axis_tuple(axis, ndim)]))


def one_axis(axis: Any, ndim: int) -> int:
    """One axis as a negative number."""
    return normalize_axis_index(axis, ndim) - ndim


def kept(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    """A shape after a reduction over ``axes`` that keeps them with length one."""
    lengths = list(shape)
    for a in axes:
        lengths[a] = 1
    return tuple(lengths)


def inverse(axes: tuple[int, ...]) -> tuple[int, ...]:
    """The permutation, by negative axes, that undoes one."""
    n = len(axes)
    undone = [0] * n
    for i, a in enumerate(axes):
        undone[a + n] = i - n
    return tuple(undone)


def along(part: Any, axis: int) -> tuple[Any, ...]:
    """The index that takes a part of one axis, counted from the last, and all of the others."""
    return (..., part, *[slice(None)] * (-axis - 1))


def is_tensor(value: Any) -> bool:
    """Whether a value is one that tapes may track."""
    return hasattr(value, "__gradtape_apply__")


def as_array(value: Any) -> Any:
    """What has a dtype as it is; a number or a sequence, of tensors too, as an array."""
    if hasattr(value, "dtype"):
        return value
    if holds_tensors(value):
        return np.stack([as_array(v) for v in value])
    return np.asarray(value)


def bare_array(value: Any, dtype: Any = None) -> Any:
    """The bare array of a value; a symbol, which a traced function computes, stays one."""
    value = strip(value)
    if hasattr(value, "__gradtape_symbol__"):
        return value if dtype is None else value.astype(dtype, copy=False)
    return np.asarray(value, dtype)


def plainly(function: Any, *args: Any, **kwargs: Any) -> Any:
    """A function of bare arrays, called as it is; as a whole where a traced function calls it."""
    for value in (*args, *kwargs.values()):
        if hasattr(value, "__gradtape_symbol__"):
            return value.called(function, args, kwargs)
    return function(*args, **kwargs)


def together(*arrays: Any) -> Any:
    """Bare arrays as they are; if one is a symbol, or a tensor of one, all of them as symbols."""
    symbol = next((s for s in map(strip, arrays) if hasattr(s, "__gradtape_symbol__")), None)
    if symbol is None:
        return arrays
    return tuple([symbol.fresh(a) if type(a) is np.ndarray else a for a in arrays])


def constant(value: Any, function: Any, argument: str, reason: str = "") -> Any:
    """A number that a rule takes as constant; of a tracked tensor the error names the argument."""
    if not is_tensor(value):
        return value
    try:
        return np.asarray(value)[()]
    except TrackedConversionError as error:
        raise no_rule_for_argument(function, argument, reason) from error


def holds_tensors(value: Any) -> bool:
    """Whether a value is a tensor, or a sequence with one in it."""
    if isinstance(value, (list, tuple)):
        return any([holds_tensors(v) for v in value])
    return is_tensor(value)


def assembled(value: Any) -> Any:
    """A list of numbers, or of lists, with tensors in it as a tensor; else its parts, so treated.

    ``[t, 1.0]`` is an array; what ``np.concatenate`` gets, ``[[t], array]``, is a list of arrays.
    """
    if not (isinstance(value, (list, tuple)) and holds_tensors(value)):
        return value
    parts = [assembled(part) for part in value]
    if len({np.shape(strip(part)) for part in parts}) == 1:
        return as_array(parts)
    return value if all([a is b for a, b in zip(parts, value, strict=True)]) else parts


def assembled_call(args: Any, kwargs: dict[str, Any]) -> Any:
    """The arguments of a call with its lists assembled; None if there are none to assemble."""
    given = [*args, *kwargs.values()]
    made = [assembled(value) for value in given]
    if all([a is b for a, b in zip(made, given, strict=True)]):
        return None
    return tuple(made[: len(args)]), dict(zip(kwargs, made[len(args) :], strict=True))
