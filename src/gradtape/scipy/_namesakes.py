"""What the namesakes share: telling tensors from arrays, and the words for names that are not."""

from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gradtape.derivatives.axes import as_array, bare_array, holds_tensors
from gradtape.errors import WAYS_OUT
from gradtape.rules import strip
from gradtape.tensor import Tensor

__all__ = ["array", "constant", "floating", "is_bare", "missing", "scipys"]


def is_bare(*values: Any) -> bool:
    """Whether no tensor is among the values, nor in a list or tuple of theirs."""
    return not holds_tensors(values)


def constant(*values: Any) -> bool:
    """Whether no tensor with a derivative is among the values, nor in a list or tuple of theirs."""
    return not any([v.dtype.kind in "fc" for v in _tensors(values)])


def _tensors(values: Any) -> Iterator[Tensor]:
    """The tensors in nested lists and tuples."""
    for v in values:
        if isinstance(v, Tensor):
            yield v
        elif isinstance(v, (list, tuple)):
            yield from _tensors(v)


def _symbols(values: Any) -> Iterator[Any]:
    """What a traced function computes, in nested lists and tuples."""
    for v in values:
        if hasattr(v, "__gradtape_symbol__"):
            yield v
        elif isinstance(v, (list, tuple)):
            yield from _symbols(v)


def scipys(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What SciPy's function gives: of tensors (of integers, then) it is tensors."""
    values = (*args, *kwargs.values())
    if is_bare(*values):
        return function(*args, **kwargs)
    bare = [_stripped(v) for v in values]
    args, kwargs = tuple(bare[: len(args)]), dict(zip(kwargs, bare[len(args) :], strict=True))
    symbol = next(_symbols(bare), None)
    found = (symbol.called if symbol is not None else _plainly)(function, args, kwargs)
    if symbol is not None and next(_tensors(values), None) is None:
        return found
    return tuple([_wrapped(f) for f in found]) if isinstance(found, tuple) else _wrapped(found)


def _plainly(function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
    return function(*args, **kwargs)


def _wrapped(found: Any) -> Any:
    """An array as a tensor; a flag, a rank or None as it is."""
    is_number = getattr(found, "dtype", np.dtype(bool)).kind in "iufc"
    return Tensor(found) if is_number else found


def _stripped(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_stripped(v) for v in value]
    return strip(value)


def array(value: Any) -> Any:
    """A tensor as it is, a list of tensors stacked, anything else as a bare array."""
    found = as_array(value)
    return found if isinstance(found, Tensor) else bare_array(found)


def floating(value: Any) -> Any:
    """A tensor or array of numbers that have a derivative."""
    found = array(value)
    return found if found.dtype.kind in "fc" else found.astype(float)


def missing(module: str) -> Callable[[str], Any]:
    """A module's ``__getattr__``: it says what is there instead of an unknown name."""

    def __getattr__(name: str) -> Any:  # noqa: N807  (that is what it becomes)
        if name.startswith("__"):
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        raise AttributeError(_not_there(module, name))

    return __getattr__


def _not_there(module: str, name: str) -> str:
    """What to say of a name that a module of namesakes does not have."""
    ours = sorted(sys.modules[module].__all__)
    theirs = module.partition(".")[2]
    found = getattr(importlib.import_module(theirs), name, None)
    start = f"module {module!r} has no attribute {name!r}"
    if isinstance(found, np.ufunc):
        return f"{start}: {theirs}.{name} knows tensors itself, call that."
    near = difflib.get_close_matches(name, ours, 1)
    if found is not None:
        return (
            f"{start}: SciPy has {theirs}.{name}, but it has no namesake with derivatives here; "
            f"those are {', '.join(ours)}. {WAYS_OUT}"
        )
    hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(ours)}."
    return f"{start}: {hint}"
