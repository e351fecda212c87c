"""What a call of a NumPy function on tensors means: looked up in the registry, bound, or refused.

A tensor is here whatever has ``__gradtape_apply__``; an array of its is in ``.array``.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np

from gradtape import errors
from gradtape.derivatives.axes import assembled_call
from gradtape.recording import active, leave
from gradtape.rules import BARE, BINDINGS, METHODS, REFUSED, UFUNCS, load_tables_for, strip

__all__ = ["call", "is_tracked", "stripped", "tensors_in", "without_ufunc_defaults"]


def call(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call what a NumPy function, or a (ufunc, method) pair, means on tensors.

    Raises
    ------
    NoRuleError : it has no rule, or none for one of the arguments, and a tensor is tracked.
    """
    binder = BINDINGS.get(function)
    if binder is None and type(function) is tuple and function[1] in METHODS:
        binder = METHODS[function[1]](function[0])
    if binder is not None:
        try:
            return binder(*args, **kwargs)
        except TypeError as error:
            if isinstance(error, errors.TrackedConversionError):
                made = assembled_call(args, kwargs)
                if made is None:
                    raise
                return call(function, *made)
            first, said = _plainly(function, binder, args, kwargs)
            if len(first) < len(args) or len(said) < len(kwargs):
                return call(function, first, said)
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
    bare_kwargs = {key: stripped(value) for key, value in kwargs.items()}
    if function in BARE or (type(function) is tuple and function[0] in BARE):
        result = numpys(*stripped(args), **bare_kwargs)
        if active():
            for t in tensors_in(args):
                leave(t, numpys.__name__, result)
        return result
    tensors = [*tensors_in(args), *tensors_in(list(kwargs.values()))]
    if any([is_tracked(t) for t in tensors]):
        raise errors.no_rule(function, REFUSED.get(function, ""))
    result = numpys(*stripped(args), **bare_kwargs)
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


def _plainly(function: Any, binder: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """The arguments without NumPy's defaults, and by name where the binder takes no more in order.

    ``np.sum(x, 0, None, None, True)`` is ``np.sum(x, 0, keepdims=True)``.
    """
    try:
        known = inspect.signature(function).parameters
    except (TypeError, ValueError):  # not every function tells its signature
        return args, kwargs
    code = binder.__code__
    most = len(args)
    if not code.co_flags & inspect.CO_VARARGS:
        most = min(most, code.co_argcount - hasattr(binder, "__self__"))
    named = {**dict(zip(list(known)[most:], args[most:], strict=False)), **kwargs}
    if len(named) < len(args) - most + len(kwargs):
        return args, kwargs  # more than the function takes
    return args[:most], {
        key: value
        for key, value in named.items()
        if key not in known or (value is not known[key].default and value is not np._NoValue)
    }


def _check_arguments(function: Any, binder: Any, args: Any, kwargs: dict[str, Any]) -> None:
    """If a call failed because the binder has no such argument, say so in our words."""
    code = binder.__code__
    known = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    for argument in kwargs:
        if argument not in known:
            raise errors.no_rule_for_argument(function, argument)
    most = code.co_argcount - hasattr(binder, "__self__")
    if len(args) > most and not code.co_flags & inspect.CO_VARARGS:
        raise errors.no_rule_for_argument(function, f"number {most + 1}")


def stripped(value: Any) -> Any:
    """A nest of arguments with bare arrays for tensors."""
    if isinstance(value, (list, tuple)):
        return type(value)([stripped(v) for v in value])
    return strip(value)


def tensors_in(value: Any) -> Iterator[Any]:
    """The tensors among nested arguments."""
    if hasattr(value, "__gradtape_apply__"):
        yield value
    elif isinstance(value, (list, tuple)):
        for v in value:
            yield from tensors_in(v)
