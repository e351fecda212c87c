"""The registry of derivative rules, and the words in which the tables are written."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from gradtape.arithmetic import adjoint, align, unbroadcast
from gradtape.elementwise import Choice, Elementwise
from gradtape.needs import Named, over, parameters
from gradtape.operation import PRIMITIVES
from gradtape.primitive import Primitive, Variadic

__all__ = [
    "BARE",
    "BINDINGS",
    "METHODS",
    "ON_DEMAND",
    "PRIMITIVES",
    "REFUSED",
    "STRAIGHT",
    "UFUNCS",
    "Choice",
    "Elementwise",
    "Primitive",
    "Variadic",
    "adjoint",
    "align",
    "bare",
    "elementwise",
    "load_all_tables",
    "load_tables_for",
    "meaning",
    "over",
    "pointwise",
    "refuse",
    "strip",
    "unbroadcast",
]

#: NumPy ufuncs that are elementwise primitives.
UFUNCS: dict[np.ufunc, Elementwise] = {}
#: NumPy functions, and (ufunc, method) pairs, and what they mean on tensors.
BINDINGS: dict[Any, Callable[..., Any]] = {}
#: What a method of any ufunc with derivatives means, by the method's name: made for each ufunc.
METHODS: dict[str, Callable[[Any], Any]] = {}
#: Functions whose calls are in canonical form as they are, and their primitives.
STRAIGHT: dict[Any, Elementwise | Primitive] = {}
#: NumPy functions without a derivative by nature: they answer with bare values.
BARE: set[Any] = set()
#: Functions that raise on a tracked tensor, and why: what to write instead.
REFUSED: dict[Any, str] = {}
#: Modules of tables that load when a function of a package is first met, by the package's name.
ON_DEMAND: dict[str, tuple[str, ...]] = {}


def elementwise(table: dict[np.ufunc, Any], **options: Any) -> None:
    """Register ufuncs with their partial derivatives; the options are those of Elementwise."""
    for function, partials in table.items():
        if vars(np).get(function.__name__) is not function:
            several = type(partials) is tuple
            each = partials if several else (partials,)
            partials = tuple([_tried(p) for p in each]) if several else _tried(partials)
        UFUNCS[function] = STRAIGHT[function] = Elementwise(function, partials, **options)


def _tried(partial: Any) -> Any:
    """A partial that may look at values: a traced function then calls it as it is."""
    function: Callable[..., Any] = partial
    names: tuple[str, ...] = ()
    if isinstance(partial, Named):
        function, names = partial.function, partial.names
    elif callable(partial):
        names = parameters(partial)
    else:
        return partial

    def tried(*values: Any) -> Any:
        for value in values:
            if hasattr(value, "__gradtape_symbol__"):
                return value.tried(function, values)
        return function(*values)

    return Named(tried, names)


def pointwise(compute: Callable[..., Any], partial: Callable[..., Any], name: str) -> Primitive:
    """A function of one array, entry by entry, with static parameters and one partial derivative.

    ``partial`` names what it needs of the primitive's values, as the partials of Elementwise do.
    """

    def pull(g: Any, *values: Any) -> Any:
        return g * adjoint(partial(*values))

    def push(t: Any, *values: Any) -> Any:
        return t * partial(*values)

    return Primitive(
        compute,
        Named(pull, parameters(partial)),
        Named(push, parameters(partial)),
        kind="reduction",
        spread=lambda g: g,
        gather=lambda t: t,
        name=name,
    )


def meaning(*functions: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register what NumPy functions mean on tensors: a binder, or NumPy code over others."""

    def register(binder: Callable[..., Any]) -> Callable[..., Any]:
        for function in functions:
            if function is not None:  # this NumPy may be too old to have it
                BINDINGS[function] = binder
                STRAIGHT.pop(function, None)
        return binder

    return register


def bare(*functions: Any) -> None:
    """Register functions that have no derivative by nature."""
    BARE.update(functions)


def refuse(reason: str, *functions: Any) -> None:
    """Register functions that raise on a tracked tensor; the reason says what to write instead."""
    REFUSED.update(dict.fromkeys(functions, reason))


def load_tables_for(function: Any) -> bool:
    """Load the tables of the package that a function comes from; whether there were any left."""
    if isinstance(function, tuple):
        return _load("numpy.ufunc")
    package = getattr(function, "__module__", None)
    if package is None:  # a ufunc does not say where it comes from, and NumPy's are all known
        package = "scipy.special" if "scipy.special" in sys.modules else ""
    return _load(package)


def load_all_tables() -> None:
    """Load all tables whose package is installed, for who wants to see the whole registry."""
    for package in list(ON_DEMAND):
        try:
            importlib.import_module(package.split(".")[0])
        except ImportError:
            continue  # its tables are of no use without it
        _load(package)


def _load(package: str) -> bool:
    modules = ON_DEMAND.pop(package, ())
    for module in modules:
        importlib.import_module(module)
    return bool(modules)


def strip(value: Any) -> Any:
    """The bare array inside a tensor; anything else as it is."""
    return value.array if hasattr(value, "__gradtape_apply__") else value
