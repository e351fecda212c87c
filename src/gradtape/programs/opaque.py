"""NumPy functions that a program calls as they are: those without a primitive of the tape's."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import numpy as np

from gradtape import errors
from gradtape.multiple import Several
from gradtape.programs.graph import Opaque
from gradtape.programs.tracing import (
    TraceError,
    concrete,
    emptied,
    filled,
    form,
    is_symbol,
    op_function,
    rebuilt,
    symbols_in,
    tracing_of,
)

__all__ = ["MUTATING", "Arguments", "apply", "called", "mutated"]

#: What depends on shapes and dtypes only.
STATIC = frozenset(
    {
        *(np.shape, np.ndim, np.size, np.iscomplexobj, np.isrealobj, np.result_type),
        *(np.can_cast, np.common_type, np.min_scalar_type),
    }
)

#: What gives arrays whose shape and dtype do not depend on values.
_STEADY = frozenset(
    {
        *(np.argsort, np.argmax, np.argmin, np.nanargmax, np.nanargmin, np.argpartition),
        *(np.any, np.all, np.isin, np.count_nonzero, np.searchsorted, np.digitize, np.lexsort),
        *(np.sort, np.partition, np.isclose, np.zeros_like, np.ones_like, np.array_equal),
        *(np.allclose, np.iscomplex, np.isreal, np.isneginf, np.isposinf),
    }
)

#: What writes into its first argument.
MUTATING = frozenset({np.copyto, np.put, np.place, np.putmask, np.put_along_axis, np.fill_diagonal})


class Arguments:
    """Makes ``(args, kwargs)`` of a call from the inputs: they stand in the places of holes."""

    def __init__(self, args: Any, kwargs: dict[str, Any]) -> None:
        self.args, self.kwargs = args, kwargs

    def __call__(self, values: Any) -> Any:
        """The arguments around some inputs."""
        return filled(self.args, values), filled(self.kwargs, values)


class Method:
    """A method by its name, of arrays and numbers."""

    _ALL: dict[str, Method] = {}  # noqa: RUF012

    def __init__(self, name: str) -> None:
        self.__name__ = name

    @classmethod
    def named(cls, name: str) -> Method:
        """One object for each name."""
        return cls._ALL.setdefault(name, Method(name))

    def __call__(self, array: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(np.asarray(array)[()], self.__name__)(*args, **kwargs)


class Changed:
    """A function that writes into its first argument, as one that returns a changed copy."""

    def __init__(self, function: Any) -> None:
        self.function = function
        self.__name__ = errors.name_of(function).removeprefix("numpy.")

    def __call__(self, array: Any, *rest: Any, **options: Any) -> Any:
        array, function = np.array(array), self.function
        (getattr(*function) if isinstance(function, tuple) else function)(array, *rest, **options)
        return array


class Flat:
    """A function whose nest of results comes as a tuple of its leaves."""

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        self.function, self.__name__ = function, name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return tuple(_leaves(self.function(*args, **kwargs)))


def apply(primitive: Any, inputs: tuple[Any, ...], params: tuple[Any, ...] = ()) -> Any:
    """Call a primitive in its canonical form."""
    for value in inputs:
        if hasattr(value, "result_class"):  # a tensor beside symbols
            several = type(primitive) is Several
            handler = value.__gradtape_several__ if several else value.__gradtape_apply__
            return handler(primitive, inputs, params)
    tracing = tracing_of((inputs, params))
    if tracing is None:
        values = [concrete(i) for i in inputs]
        return op_function(primitive)(*values, *_stripped(params))
    return tracing.run(primitive, inputs, params)


def called(function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """Call a function that has no primitive, on the values; its arrays are symbols again."""
    lists = any([isinstance(a, (list, tuple)) for a in args])
    if isinstance(function, np.ufunc) and not (kwargs or lists) and function.nout == 1:
        return apply(function, tuple(args))
    plain = getattr(*function) if isinstance(function, tuple) else function
    if isinstance(plain, types.MethodDescriptorType):
        plain = Method.named(plain.__name__)  # numbers have it, too
    found: list[Any] = []
    args, kwargs = emptied(tuple(args), found), emptied(kwargs, found)
    arguments = Arguments(args, kwargs)
    values = [s.value for s in found]
    tracing = tracing_of(found)
    given, named = arguments(values)
    out = plain(*given, **named)
    if tracing is None or plain in STATIC:
        return out
    if isinstance(out, (np.ndarray, np.generic)):
        _check_no_objects(plain, out)
        node = tracing.graph.add(Opaque(plain, arguments), [s.node for s in found], (), out)
        if plain not in _STEADY:
            tracing.graph.guard(node, form, form(out))
        return tracing.symbol(node, out if out.ndim else out[()])  # type: ignore[index]
    if isinstance(out, (bool, int, float, complex, str)):
        node = tracing.graph.add(Opaque(plain, arguments), [s.node for s in found], (), out)
        return tracing.seen(tracing.symbol(node, out), as_it_is)
    if isinstance(out, (tuple, list)):
        return _several(tracing, plain, arguments, found, out)
    raise _refusal(plain, out)


def _several(tracing: Any, function: Any, arguments: Any, found: list[Any], out: Any) -> Any:
    """A call with several results, in tuples and lists."""
    leaves = _leaves(out)
    if not all([v is None or isinstance(v, _KNOWN) for v in leaves]):
        raise _refusal(function, out)
    flat = Flat(function, getattr(function, "__name__", str(function)))
    node = tracing.graph.add(Opaque(flat, arguments), [s.node for s in found], (), tuple(leaves))
    tracing.graph.guard(node, form, form(tuple(leaves)))
    parts: list[Any] = []
    for i, leaf in enumerate(leaves):
        if leaf is None or isinstance(leaf, str):
            parts.append(leaf)
            continue
        _check_no_objects(function, leaf)
        part = tracing.pick(node, i, leaf)
        plain = isinstance(leaf, (bool, int, float)) and not isinstance(leaf, np.generic)
        parts.append(tracing.seen(part, as_it_is) if plain else part)
    return _packed(out, iter(parts))


_KNOWN = (np.ndarray, np.generic, bool, int, float, complex, str)


def _leaves(nest: Any) -> list[Any]:
    if isinstance(nest, (tuple, list)):
        return [leaf for part in nest for leaf in _leaves(part)]
    return [nest]


def _packed(like: Any, leaves: Any) -> Any:
    if isinstance(like, (tuple, list)):
        return rebuilt(like, [_packed(part, leaves) for part in like])
    return next(leaves)


def as_it_is(value: Any) -> Any:
    """The value itself."""
    return value


def mutated(function: Any, args: Any, kwargs: dict[str, Any]) -> None:
    """Call a function that writes into its first argument, a symbol."""
    target, *others = args
    if not is_symbol(target):
        raise stored()
    target.check_writable()

    target.become(called(Changed(function), (target.frozen(), *others), kwargs))


def stored() -> TraceError:
    """What to say of a write that a program could not do again."""
    return TraceError(
        "a value that a traced function computed was written into a NumPy array that the program "
        "cannot see: make the array with gradtape.zeros or np.zeros_like(x), or build it with "
        "np.stack"
    )


def _refusal(function: Any, out: Any) -> TraceError:
    return TraceError(
        f"{errors.name_of(function)} gives {errors.describe(out)}, which a traced function cannot "
        "give anew at each call"
    )


def _check_no_objects(function: Any, out: Any) -> None:
    if getattr(out, "dtype", None) == np.dtype(object):
        raise _refusal(function, out)


def _stripped(params: Any) -> Any:
    """Static arguments with values for symbols, where no run goes on."""
    if next(symbols_in(params), None) is None:
        return params
    found: list[Any] = []
    empty = emptied(params, found)
    return filled(empty, [s.value for s in found])
