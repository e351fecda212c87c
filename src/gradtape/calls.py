"""What a call of a NumPy function on tensors means: looked up in the registry, bound, or refused.

A tensor is here whatever has ``__gradtape_apply__``; an array of its is in ``.array``.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np

from gradtape import errors
from gradtape.recording import active
from gradtape.rules import BARE, BINDINGS, REFUSED, UFUNCS, load_tables_for, strip

__all__ = ["call", "is_tracked", "without_ufunc_defaults"]


def call(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call what a NumPy function, or a (ufunc, method) pair, means on tensors.

    Raises
    ------
    NoRuleError : it has no rule, or none for one of the arguments, and a tensor is tracked.
    """
    binder = BINDINGS.get(function)
    if binder is not None:
        try:
            return binder(*args, **kwargs)
        except TypeError:
            said = _without_defaults(function, kwargs)
            if len(said) < len(kwargs):
                return call(function, args, said)
            _check_arguments(function, binder, args, kwargs)
            raise
    primitive = UFUNCS.get(function)
    if primitive is not None:
        for argument in kwargs:
            raise errors.no_rule_for_argument(function, argument)
        return primitive(*args)
    if load_tables_for(function):
        return call(function, args, kwargs)
    numpys = getattr(*function) if isinstance(function, tuple) else function
    bare_kwargs = {key: _stripped(value) for key, value in kwargs.items()}
    if function in BARE:
        return numpys(*_stripped(args), **bare_kwargs)
    tensors = [*_tensors(args), *_tensors(list(kwargs.values()))]
    if any([is_tracked(t) for t in tensors]):
        raise errors.no_rule(function, REFUSED.get(function, ""))
    result = numpys(*_stripped(args), **bare_kwargs)
    is_array = isinstance(result, (np.ndarray, np.generic))
    return tensors[0].result_class(result) if is_array else result


def is_tracked(tensor: Any) -> bool:
    """Whether an active recorder tracks the tensor, or would as soon as it is used."""
    return any([recorder.tracks(tensor) for recorder in active()])


def without_ufunc_defaults(kwargs: dict[str, Any]) -> dict[str, Any]:
    """The keyword arguments of a ufunc call that say something."""
    return {
        key: value
        for key, value in kwargs.items()
        # For the axis of a reduction None says something: all axes, where the default is the first.
        if not (value is True if key == "where" else value is None and key != "axis")
        and value is not np._NoValue
    }


def _without_defaults(function: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The keyword arguments that differ from NumPy's defaults."""
    try:
        known = inspect.signature(function).parameters
    except (TypeError, ValueError):  # not every function tells its signature
        return kwargs
    return {
        key: value
        for key, value in kwargs.items()
        if key not in known or (value is not known[key].default and value is not np._NoValue)
    }


def _check_arguments(function: Any, binder: Any, args: Any, kwargs: dict[str, Any]) -> None:
    """If a call failed because the binder has no such argument, say so in our words."""
    code = binder.__code__
    known = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    for argument in kwargs:
        if argument not in known:
            raise errors.no_rule_for_argument(function, argument)
    if len(args) > code.co_argcount and not code.co_flags & inspect.CO_VARARGS:
        raise errors.no_rule_for_argument(function, f"number {code.co_argcount + 1}")


def _stripped(value: Any) -> Any:
    """A nest of arguments with bare arrays for tensors."""
    if isinstance(value, (list, tuple)):
        return type(value)([_stripped(v) for v in value])
    return strip(value)


def _tensors(value: Any) -> Iterator[Any]:
    """The tensors among nested arguments."""
    if hasattr(value, "__gradtape_apply__"):
        yield value
    elif isinstance(value, (list, tuple)):
        for v in value:
            yield from _tensors(v)
