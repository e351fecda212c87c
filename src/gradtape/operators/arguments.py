"""The arguments of a call that an operator differentiates by, and calls with others instead."""

from __future__ import annotations

import functools
import inspect
import operator
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from gradtape import errors
from gradtape.calls import is_tracked
from gradtape.errors import named
from gradtape.nest import flatten, map_structure, pack, same_structure
from gradtape.rules import UFUNCS
from gradtape.tensor import Tensor, twin
from gradtape.variable import constant

__all__ = [
    "Argnames",
    "Argnums",
    "Chosen",
    "Selection",
    "derivative_alone",
    "direction_of",
    "joined",
    "outputs",
    "scalar",
    "vector_like",
    "warn_if_independent",
    "whole_number",
    "with_aux",
]

Argnums = int | tuple[int, ...] | None
Argnames = str | tuple[str, ...] | None

#: What can have a derivative.
_NUMERIC = (Tensor, np.ndarray, np.generic, int, float, complex)


class Selection:
    """The positions and names of arguments that an operator was told to differentiate by.

    Parameters
    ----------
    f : the function.
    argnums : a position, or a tuple of positions; by default 0, or none if there are ``argnames``.
    argnames : a name, or a tuple of names: of keyword arguments, or of positional ones.

    Raises
    ------
    TypeError : ``f`` is no function, or ``argnums`` or ``argnames`` hold something else.
    """

    def __init__(
        self, f: Callable[..., Any], argnums: Argnums = None, argnames: Argnames = None
    ) -> None:
        if not callable(f):
            raise TypeError(f"argument `f` must be a function, but is {errors.describe(f)}")
        self.f = f
        self.argnums = 0 if argnums is None and argnames is None else argnums
        self.argnames = argnames
        self.positions = _several(self.argnums, int, "argnums", "a position")
        self.names = _several(argnames, str, "argnames", "a name")

    def of(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Chosen:
        """The chosen arguments of one call.

        Raises
        ------
        ValueError : the call has no such argument.
        TypeError : one is not of floating or complex dtype.
        """
        places: list[int | str] = []
        for i in self.positions:
            if not -len(args) <= i < len(args):
                raise ValueError(
                    f"argument `argnums` names argument {i}, but the function was called with "
                    f"{len(args)} positional arguments"
                )
            places.append(i % len(args))
        places += [self._place(name, args, kwargs) for name in self.names]
        return Chosen(self, places, args, kwargs)

    def _place(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int | str:
        """Where the argument of a name stands in a call."""
        if name in kwargs:
            return name
        try:
            known = list(inspect.signature(self.f).parameters)
        except (TypeError, ValueError):  # not every function tells its signature
            known = []
        if name in known and known.index(name) < len(args):
            return known.index(name)
        raise ValueError(
            f"argument `argnames` names {name!r}, but {named(self.f)} was called without it"
        )

    def packed(self, nests: list[Any]) -> Any:
        """The nests of the chosen arguments as the user told them: one, a tuple, or a dict."""
        count = len(self.positions)
        by_position = nests[0] if isinstance(self.argnums, int) else tuple(nests[:count])
        if self.argnames is None:
            return by_position
        named_ones = nests[count:]
        single = isinstance(self.argnames, str)
        by_name = named_ones[0] if single else dict(zip(self.names, named_ones, strict=True))
        return by_name if self.argnums is None else (by_position, by_name)


class Chosen:
    """The chosen arguments of one call, each leaf as a tensor under a key of its own.

    ``leaves`` are the tensors to watch; ``given`` is what the user gave in their place.
    """

    def __init__(
        self,
        selection: Selection,
        places: list[int | str],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        self.selection, self.places = selection, places
        self.args, self.kwargs = args, kwargs
        nests = [args[place] if isinstance(place, int) else kwargs[place] for place in places]
        self.given = [leaf for nest in nests for leaf in flatten(nest)]
        name = named(selection.f)
        self.nests = [map_structure(lambda leaf: _argument(leaf, name), nest) for nest in nests]
        self.leaves: list[Tensor] = [leaf for nest in self.nests for leaf in flatten(nest)]
        #: Whether the answers are tensors: an argument was.
        self.tensors = any([isinstance(leaf, Tensor) for leaf in self.given])
        self._seen: set[int] = set()

    def call(self, leaves: list[Any] | None = None) -> Any:
        """The function of the call's arguments, with these (or the tensors) in their places.

        It gets twins, into which it may write.
        """
        args, kwargs = list(self.args), dict(self.kwargs)
        rest = iter(self.leaves if leaves is None else leaves)
        for place, nest in zip(self.places, self.nests, strict=True):
            inside = pack(nest, [twin(next(rest)) for _ in flatten(nest)])
            if isinstance(place, int):
                args[place] = inside
            else:
                kwargs[place] = inside
        return self.selection.f(*args, **kwargs)

    def packed(self, values: list[Any]) -> Any:
        """One value per leaf, in the nests of the chosen arguments."""
        rest = iter(values)
        nests = [pack(nest, [next(rest) for _ in flatten(nest)]) for nest in self.nests]
        return self.selection.packed(nests)

    def vector(self, nest: Any, argument: str) -> list[Tensor]:
        """The leaves of a nest like the chosen arguments: a direction, checked and cast.

        Raises
        ------
        ValueError : it has another structure or shape.
        TypeError : it is complex where the argument is real.
        """
        what = "what is differentiated by"
        if len(self.nests) == 1 and isinstance(self.selection.argnums, int):
            return vector_like(nest, self.nests[0], argument, what)
        # A dict's leaves count by sorted key, but names may have been given in another order.
        places = self.packed(list(range(len(self.leaves))))
        order = flatten(places)
        likes = pack(places, [self.leaves[i] for i in order])
        found = dict(zip(order, vector_like(nest, likes, argument, what), strict=True))
        return [found[i] for i in range(len(order))]

    def answer(self, value: Any, tensor: bool | None = None) -> Any:
        """A value, or each leaf of a nest, as the user gets it: bare if the arguments were.

        A value that an active recorder tracks stays a tensor, so that operators compose.
        """
        if self.tensors if tensor is None else tensor:
            return value
        return map_structure(lambda leaf: _bare(leaf, self._seen), value)


def with_aux(value: Any, f: Callable[..., Any], has_aux: bool) -> tuple[Any, Any]:
    """The value of a function and what it returned beside it (None without ``has_aux``)."""
    if not has_aux:
        return value, None
    if not (isinstance(value, tuple) and len(value) == 2):
        raise TypeError(
            f"with has_aux=True {named(f)} must return a pair (value, aux), but it returned "
            f"{errors.describe(value)}"
        )
    return value


def derivative_alone(both: Callable[..., Any], f: Callable[..., Any], has_aux: bool) -> Any:
    """Of a function that returns a value and a derivative: the derivative, with what stood beside.

    ``both`` has the results of ``value_and_grad`` or ``jvp``.
    """

    @functools.wraps(f)
    def derivative(*args: Any, **kwargs: Any) -> Any:
        value, slope = both(*args, **kwargs)
        return (slope, value[1]) if has_aux else slope

    return derivative


def warn_if_independent(value: Any, recorder: Any, f: Callable[..., Any]) -> None:
    """Warn if no leaf of a value depends on what a recorder watches: all derivatives are zeros."""
    leaves = [leaf for leaf in flatten(value) if isinstance(leaf, Tensor)]
    if not any([leaf.key is not None and leaf.key in recorder.tracked for leaf in leaves]):
        warnings.warn(
            f"what {named(f)} returned does not depend on what it is differentiated by: its "
            "derivatives are zeros. If it should, look for values that were made bare (.numpy(), "
            "stop_gradient) and for comparisons, floor and argmax, which have no derivative.",
            stacklevel=errors.users_level(),
        )


def direction_of(
    selection: Selection, args: tuple[Any, ...], kwargs: dict[str, Any], argument: str
) -> tuple[Chosen, list[Tensor]]:
    """The chosen arguments of a call whose last positional argument is a direction, and that.

    Raises
    ------
    TypeError : there is none, or it is complex where the argument is real.
    ValueError : it has another structure or shape than what is differentiated by.
    """
    needed = max([i + 1 if i >= 0 else -i for i in selection.positions], default=0)
    if len(args) <= needed:
        raise TypeError(
            f"argument `{argument}` is missing: after the arguments of {named(selection.f)}, give "
            "a direction like what is differentiated by as the last positional argument"
        )
    chosen = selection.of(args[:-1], kwargs)
    return chosen, chosen.vector(args[-1], argument)


def vector_like(nest: Any, like: Any, argument: str, what: str) -> list[Tensor]:
    """The leaves of a nest like another, of tensors, checked and cast to their dtypes.

    Raises
    ------
    ValueError : it has another structure or shape.
    TypeError : it is complex where the other is real.
    """
    leaves, likes = flatten(nest), flatten(like)
    if not same_structure(nest, like):
        raise ValueError(
            f"argument `{argument}` has {len(leaves)} leaves in another nest than {what}, which "
            f"has {len(likes)}: give one of the same shape for each, in the same nest."
        )
    return [_direction(*pair, argument, what) for pair in zip(leaves, likes, strict=True)]


def outputs(value: Any, f: Callable[..., Any]) -> list[Tensor]:
    """The leaves of what a function returned, as tensors.

    Raises
    ------
    TypeError : there are none, or one is no array or number.
    """
    leaves = flatten(value)
    if not leaves or (len(leaves) == 1 and leaves[0] is None):
        raise TypeError(
            f"{named(f)} returned {errors.describe(value)}: there is nothing to differentiate. "
            "Does it lack a return statement?"
        )
    for leaf in leaves:
        if not isinstance(leaf, _NUMERIC):
            raise TypeError(
                f"{named(f)} returned {errors.describe(leaf)}, which has no derivative: return "
                "arrays and numbers, and the rest beside them with has_aux=True"
            )
    return [leaf if isinstance(leaf, Tensor) else constant(leaf) for leaf in leaves]


def joined(targets: list[Any]) -> Any:
    """All outputs as one, so that one pass has the rows of all."""
    if len(targets) == 1:
        return targets[0]
    return np.concatenate([np.reshape(t, -1) for t in targets])


def scalar(value: Any, f: Callable[..., Any]) -> Tensor:
    """The value of a function as a tensor without axes."""
    name = named(f)
    if not isinstance(value, _NUMERIC):
        raise TypeError(f"a gradient needs a number, but {name} returned {errors.describe(value)}")
    # A bare value depends on nothing that has a derivative.
    tensor = value if isinstance(value, Tensor) else constant(value)
    if tensor.array.shape != ():
        raise ValueError(
            f"a gradient needs a scalar value, but {name} returned one of shape "
            f"{tensor.array.shape}: sum it, or take the jacobian for every entry"
        )
    return tensor


def _several(given: Any, kind: type, argument: str, what: str) -> tuple[Any, ...]:
    """One thing of a kind, or a tuple of them, as a tuple."""
    several = () if given is None else (given,) if isinstance(given, kind) else given
    if not isinstance(several, (tuple, list)) or not all([isinstance(i, kind) for i in several]):
        raise TypeError(
            f"argument `{argument}` must be {what} or a tuple of those, but is "
            f"{errors.describe(given)}"
        )
    return tuple(several)


def _argument(leaf: Any, name: str) -> Tensor:
    """An argument as a tensor that a recorder can watch under a key of its own.

    A tensor stands for two things, the argument and itself in a closure: the argument is an
    identity of it, which outer recorders see.
    """
    tensor = UFUNCS[np.positive](leaf) if isinstance(leaf, Tensor) else constant(leaf)
    if tensor.array.dtype.kind not in "fc":
        raise TypeError(
            f"{name} is to be differentiated by {errors.describe(leaf)}: a gradient needs an "
            "argument of floating or complex dtype, such as 1.0 or array.astype(float)"
        )
    return tensor


def _direction(given: Any, like: Tensor, argument: str, what: str) -> Tensor:
    """One leaf of a direction, in the dtype of the leaf that it belongs to."""
    tensor = given if isinstance(given, Tensor) else constant(given)
    if tensor.shape != like.shape:
        raise ValueError(
            f"argument `{argument}` has shape {tensor.shape} where {what} has shape {like.shape}: "
            "they must be equal."
        )
    if tensor.dtype.kind == "c" and like.dtype.kind != "c":
        raise TypeError(
            f"argument `{argument}` is complex where {what} is real; its imaginary part would be "
            "lost. Give its real part."
        )
    return tensor if tensor.dtype == like.dtype else tensor.astype(like.dtype)


def _bare(value: Any, seen: set[int]) -> Any:
    """A bare array of the user's own, unless an active recorder tracks the value."""
    if not isinstance(value, Tensor) or is_tracked(value):
        return value
    array = value.array
    if issubclass(type(array), np.ndarray):
        if array.base is not None or not array.flags.writeable or id(array) in seen:
            array = array.copy()
        seen.add(id(array))
    return array


def whole_number(value: Any, argument: str, function: str, least: int) -> int:
    """An argument of an operator's that is a whole number.

    Raises
    ------
    TypeError : it is none.
    ValueError : it is too small.
    """
    try:
        whole = operator.index(value)
    except TypeError:
        raise TypeError(
            f"argument `{argument}` of {function} must be a whole number, but is "
            f"{errors.describe(value)}"
        ) from None
    if whole < least:
        raise ValueError(
            f"argument `{argument}` of {function} must be at least {least}, but is {whole}"
        )
    return whole
