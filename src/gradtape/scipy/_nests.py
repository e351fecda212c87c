"""Nests of arrays as the vectors that SciPy's solvers work with, and functions of them."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from scipy.optimize import Bounds

from gradtape import errors
from gradtape.nest import flatten, pack
from gradtape.replays import Uses
from gradtape.rules import strip
from gradtape.scipy._callbacks import bare, tracked
from gradtape.scipy._namesakes import array

__all__ = ["Space", "solving"]


@contextmanager
def solving(name: str, nest: Any, instead: str) -> Iterator[None]:
    """A block in which SciPy solves: refused if tracked tensors have a part in it.

    Raises
    ------
    NoRuleError : one is in the nest of arguments, or is used by the functions that SciPy calls.
    """
    uses = Uses(name, ())
    _refuse(name, tracked(nest), instead)
    with uses.noted():
        yield
    _refuse(name, tracked(uses.inputs), instead)


def _refuse(name: str, tensors: list[Any], instead: str) -> None:
    for tensor in tensors:
        raise errors.NoRuleError(
            f"{name} uses {errors.describe(tensor)} that an active tape tracks, as an argument or "
            "from around a function. Its result is bare, so the tensor's gradient would be lost. "
            f"For derivatives of the solution use {instead}; where none are needed, give "
            "gradtape.stop_gradient(tensor)."
        )


def _numbers(nest: Any) -> Any:
    """Lists and tuples of numbers as an array, as SciPy takes them; other nests as they are."""
    if type(nest) in (list, tuple) and all([np.ndim(leaf) == 0 for leaf in flatten(nest)]):
        return array(nest)
    return nest


class Space:
    """What SciPy's vector stands for: a nest of arrays like the one given.

    An array of one axis, a number, and lists and tuples of numbers stand for themselves.
    """

    def __init__(self, x0: Any) -> None:
        x0 = _numbers(x0)
        self.like = bare(x0)
        leaves = [np.asarray(leaf) for leaf in flatten(self.like)]
        for leaf in leaves:
            if leaf.dtype.kind not in "biuf":
                raise TypeError(
                    f"argument `x0` holds {errors.describe(leaf)}: it must hold real numbers. "
                    "Give the real and imaginary parts of complex ones, in a tuple or a dict."
                )
        self.shapes = [leaf.shape for leaf in leaves]
        self.ends = np.cumsum([leaf.size for leaf in leaves])
        self.plain = isinstance(self.like, (np.ndarray, np.generic, float, int)) and (
            np.ndim(self.like) <= 1
        )
        #: The vector to start from.
        self.start = np.concatenate([np.ravel(leaf) for leaf in leaves]).astype(np.float64)

    def nest(self, vector: Any) -> Any:
        """The nest of the pieces of a vector."""
        if self.plain:
            return vector
        pieces = zip(self.ends, self.shapes, strict=True)
        leaves = [vector[end - math.prod(shape) : end].reshape(shape) for end, shape in pieces]
        return pack(self.like, [leaf if leaf.shape else leaf[()] for leaf in leaves])

    def vector(self, nest: Any) -> Any:
        """All entries of a nest, or of what a function returned, as a vector."""
        leaves = [array(leaf).reshape(-1) for leaf in flatten(_numbers(nest))]
        return leaves[0] if len(leaves) == 1 else np.concatenate(leaves)

    def over(self, f: Callable[..., Any], answer: Callable[[Any], Any]) -> Callable[..., Any]:
        """A function of the nest as one of the vector, with its answer made into another."""

        def of_vector(vector: Any, *args: Any, **kwargs: Any) -> Any:
            return answer(f(self.nest(vector), *args, **kwargs))

        of_vector.__name__ = getattr(f, "__name__", "the function")
        return of_vector

    def callback(self, callback: Any) -> Any:
        """A callback that gets nests."""
        if self.plain or not callable(callback):
            return callback
        if set(inspect.signature(callback).parameters) == {"intermediate_result"}:

            def on_result(intermediate_result: Any) -> Any:
                intermediate_result.x = self.nest(intermediate_result.x)
                return callback(intermediate_result=intermediate_result)

            return on_result
        return lambda x, *rest: callback(self.nest(x), *rest)

    def bounds(self, bounds: Any) -> Any:
        """Pairs ``(low, high)``, in a nest like the start or one for each entry, for ``minimize``.

        Raises
        ------
        ValueError : they are neither.
        """
        if bounds is None or isinstance(bounds, Bounds) or self.plain:
            return bounds
        leaves = flatten(bounds)
        if len(leaves) == 2 * len(self.shapes):
            low = [-np.inf if leaf is None else leaf for leaf in leaves[::2]]
            high = [np.inf if leaf is None else leaf for leaf in leaves[1::2]]
            return Bounds(self._spread(low, "bounds"), self._spread(high, "bounds"))
        if len(leaves) == 2 * self.start.size:
            return bounds
        raise ValueError(
            f"argument `bounds` holds {len(leaves)} numbers or arrays, but `x0` has "
            f"{len(self.shapes)} arrays of {self.start.size} entries: give a pair (low, high) for "
            "each array, in the same nest, or one for each entry in their order."
        )

    def limits(self, bounds: Any) -> Any:
        """A pair of limits, each a number, a vector or a nest like the start."""
        if isinstance(bounds, Bounds) or self.plain:
            return bounds
        return tuple([self._limit(side) for side in bounds])

    def _limit(self, side: Any) -> Any:
        if np.ndim(side) <= 1 and isinstance(side, (float, int, np.ndarray)):
            return side
        return self._spread(flatten(side), "bounds")

    def _spread(self, leaves: list[Any], argument: str) -> Any:
        """One vector of what stands for each array, broadcast to its shape."""
        try:
            whole = zip(leaves, self.shapes, strict=True)
            return np.concatenate([np.broadcast_to(strip(v), shape).ravel() for v, shape in whole])
        except ValueError as error:
            raise ValueError(f"argument `{argument}` does not fit `x0`: {error}") from error
