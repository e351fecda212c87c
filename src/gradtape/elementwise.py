"""Elementwise primitives: all that follows from the partial derivatives alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray  # looked up in every operation

from gradtape.arithmetic import adjoint, align, cast, constant_times, scaled, unbroadcast
from gradtape.needs import Rule, compiled, keepers, needed, plans
from gradtape.operation import PRIMITIVES, Array, Batch, Kind, Operation, Values

__all__ = ["Choice", "Elementwise", "selection"]

#: NumPy's scalars: a type has one dtype.
_SCALARS = frozenset(np.sctypeDict.values())

#: Above this size a partial that nothing else holds is multiplied in place.
REUSE_BYTES = 1 << 15


class Elementwise(Operation):
    """A function that acts entry by entry, with its partial derivatives.

    Parameters
    ----------
    function : the function on bare arrays (a ufunc, or one that broadcasts like one).
    partials : one per argument: a function of some of ``x``, ``y``, ``z``, ``out``, or the name of
        one of them; a number where the partial is constant; None where there is no derivative (a
        condition). A boolean partial is a selection: entries where it is False are dead. Or one
        function that returns all partials, which share work.
    names : the argument names, when not ``x``, ``y``, ``z``.
    selects : whether a partial is boolean.
    """

    kind: Kind = "elementwise"
    least_ndim = 0

    def __init__(
        self,
        function: Callable[..., Array],
        partials: Any,
        *,
        names: tuple[str, ...] = ("x", "y", "z"),
        selects: bool = False,
        name: str | None = None,
    ) -> None:
        self.name = name or function.__name__
        self.compute = function
        partials = partials if isinstance(partials, tuple) else (partials,)
        # A partial that is 0 by nature leaves everything out.
        self.selects = self.fills = self.special = selects or 0 in partials
        self.arity = getattr(function, "nin", len(partials))
        self.names = names[: self.arity]
        layout = (*self.names, "out")
        self.shares_work = self.arity > len(partials)
        rules = [compiled(self.name, p, layout) for p in partials]
        self.rules = tuple(rules * self.arity if self.shares_work else rules)
        # One argument alone has the shape of the result, and its dtype unless SciPy has no half.
        self.noted = self.arity > 1 or "e->e" not in getattr(function, "types", ("e->e",))
        self.plans = plans(self.rules)
        if not any([rule is not None and rule.pick for rule in self.rules]):
            self.pull = self._pull_constants  # type: ignore[method-assign]
        self.needed = needed(self.rules)
        self.keep = keepers(self.needed, self.arity + 1)
        PRIMITIVES[self.name] = self

    def notes(self, mask: int, arrays: Values, out: Array) -> Any:
        """The shape and dtype of each tracked input, if one differs from the output's; or None."""
        if self.arity == 2:  # the common case, unrolled
            x, y = arrays
            kind = type(out)
            if kind is not ndarray and kind is type(x) and kind is type(y) and kind in _SCALARS:
                return None  # they have one shape and dtype
            shape, dtype = out.shape, out.dtype
            first = second = None
            if mask & 1 and ((own := x.shape) != shape or x.dtype is not dtype):
                first = own, x.dtype
            if mask & 2 and ((own := y.shape) != shape or y.dtype is not dtype):
                second = own, y.dtype
            return None if first is None and second is None else (first, second)
        return [(a.shape, a.dtype) if mask >> i & 1 else None for i, a in enumerate(arrays)]

    def pull(self, g: Array, record: Any, batch: Batch, into: Any) -> None:
        """Add the share of each tracked input in the output's cotangent ``g`` to those ``into``."""
        _, _, mask, keys, saved, notes, _ = record
        together = None
        plan = self.plans[mask]
        for i, function, pick, divides in plan:
            if pick is None:
                share = g if function == 1 else constant_times(g, function)
            else:
                partial = pick(saved)
                if self.shares_work:
                    together = together or function(*partial)
                    partial = together[i]
                elif function is not None:
                    partial = function(*partial)
                if type(partial) is ndarray and partial.nbytes > REUSE_BYTES:
                    own = len(plan) == 1 and record[1] in into.fresh
                    share = scaled(g, partial, divides, saved, own)
                    into.fresh.add(keys[i])
                else:
                    if self.selects and type(partial) is ndarray:
                        partial = partial.astype(g.dtype)  # NumPy is slow at float times bool
                    if g.dtype.kind == "c":
                        partial = adjoint(partial)
                    share = g / partial if divides else g * partial
            if notes is not None and notes[i]:
                shape, dtype = notes[i]
                share = unbroadcast(share, shape, batch)
                if share.dtype is not dtype:
                    share = cast(share, dtype)
            key = keys[i]
            if key in into:
                into.add(key, share)
            else:
                into[key] = share

    def _pull_constants(self, g: Array, record: Any, batch: Batch, into: Any) -> None:
        """``pull`` where all partials are numbers, in a shorter way: sums are everywhere."""
        keys, notes = record[3], record[5]
        for i, factor, _, _ in self.plans[record[2]]:
            share = g if factor == 1 else constant_times(g, factor)
            if notes is not None and notes[i]:
                shape, dtype = notes[i]
                share = unbroadcast(share, shape, batch)
                if share.dtype is not dtype:
                    share = cast(share, dtype)
            key = keys[i]
            if key in into:
                into.add(key, share)
            else:
                into[key] = share

    def rule(self, i: int) -> tuple[Rule | None, Rule | None]:
        """The partial by input ``i``: it serves both directions."""
        return self.rules[i], self.rules[i]

    def _pulled(
        self, i: int, g: Array, alive: Any, record: Any, bare: Values, batch: Batch
    ) -> tuple[Array, Array | None]:
        out_shape = g.shape[len(batch) :]
        partial = self.partial(i, record[4])
        live = alive
        choice = selection(partial) if self.selects else None
        if choice is not None:
            share = g
            live = np.broadcast_to(choice, out_shape)
            live = live if alive is None else live & alive
        else:
            share = self._times(i, g, partial, conjugate=True)
        if live is not None:
            share = np.where(live, share, g.dtype.type(0))
        if record[5] is not None and record[5][i]:
            shape, dtype = record[5][i]
            share = cast(unbroadcast(share, shape, batch), dtype)
            if live is not None:
                leading = live.shape[: live.ndim - len(out_shape)]
                live = unbroadcast(live.astype(np.intp), shape, leading) > 0
        return share, live

    def _pushed(
        self, i: int, t: Array, alive: Any, values: Values, params: Values, batch: Batch
    ) -> tuple[Array, Array | None]:
        out, shape = values[-1], np.shape(values[i])
        partial = self.partial(i, values)
        t = align(t, shape, out.ndim, batch)
        mask = alive[i]
        if mask is not None and mask.ndim > len(shape):
            mask = align(mask, shape, out.ndim, batch)
        choice = selection(partial) if self.selects else None
        if choice is not None:
            mask = choice if mask is None else choice & mask
        else:
            t = self._times(i, t, partial)
        return (t if mask is None else np.where(mask, t, t.dtype.type(0))), mask

    def partial(self, i: int, values: Values) -> Any:
        """The partial by input ``i`` at these values."""
        function, pick, *_ = self.rules[i]  # type: ignore[misc]
        if pick is None:
            return function
        picked = pick(values)
        if self.shares_work:
            return function(*picked)[i]
        return picked if function is None else function(*picked)

    def _times(self, i: int, g: Array, partial: Any, conjugate: bool = False) -> Array:
        """``g`` times the partial by input ``i``."""
        rule = self.rules[i]
        if rule.pick is None:  # type: ignore[union-attr]
            return constant_times(g, partial)
        if conjugate:
            partial = adjoint(partial)
        return g / partial if rule.divides else g * partial  # type: ignore[union-attr]


class Choice(Elementwise):
    """A function that gives one of its two arguments, entry by entry.

    Of the values of a call only one boolean array is kept, in the place of the output: where it is
    the first. ``kept`` makes ``(None, None, where)`` of both arguments and the output.
    """

    def __init__(self, function: Callable[..., Array], kept: Callable[[Any], Values]) -> None:
        super().__init__(function, ("out", lambda out: ~out), selects=True)
        self.keep = (kept,) * 4

    def lift(self, saved: Values, *others: Any) -> Values:
        """What is kept has no derivative."""
        return saved

    def partial(self, i: int, values: Values) -> Any:
        """The partial by input ``i``: of what is kept, or of all values."""
        recorded = values[0] is None and values[1] is None
        return super().partial(i, values if recorded else self.keep[0](values))


def selection(partial: Any) -> Any:
    """Which entries count, where a partial says that and no more: a boolean one, or 0 for none."""
    if type(partial) is int and partial == 0:
        return np.False_
    return partial if getattr(partial, "dtype", None) == np.bool_ else None
