"""Primitives: functions on bare arrays with a derivative rule for each of their array arguments.

- ``Elementwise``: one writes the partial derivatives, and the reverse rule, the forward rule, the
  conjugation, the broadcasting sum and the masking are made from them, here, once.
- ``Primitive``: any other function of a fixed number of arrays; one writes ``pull`` (reverse) and,
  unless the function is linear in that argument, ``push`` (forward).
- ``Variadic``: the same for functions of any number of arrays (concatenate, einsum).

Liveness (docs/conventions.md, "Dead branches"): ``pull_masked`` and ``push`` also take and give a
boolean array that says which entries are structurally alive (None: all), and write zeros where
nothing is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy import ndarray  # looked up in every operation

from gradtape.arithmetic import adjoint, align, cast, constant_times, scaled, unbroadcast
from gradtape.needs import Rule, compiled, keepers, needed, plans

__all__ = ["PRIMITIVES", "Elementwise", "Primitive", "Variadic"]

Array = Any
Values = tuple[Any, ...]
Batch = tuple[int, ...]

#: How the entries of an input depend on those of the output.
#: movement: linear with coefficients >= 0 (take, reshape, sum): liveness goes by the same rule.
#: reduction: each input entry feeds one output entry (prod, var): liveness is spread like a sum's.
#: general: anything else (matmul): every entry counts as alive.
Kind = Literal["elementwise", "movement", "reduction", "general"]

#: Every primitive by name: the list under test.
PRIMITIVES: dict[str, Elementwise | Primitive] = {}

#: Above this size a partial that nothing else holds is multiplied in place.
REUSE_BYTES = 1 << 15


class _Base:
    """What all primitives have in common: being called, kept, lifted and walked with liveness."""

    name: str
    compute: Callable[..., Any]
    kind: Kind
    params: tuple[str, ...] = ()
    selects: bool  # the reverse rule leaves input entries dead (indexing does)
    special: bool  # a tape must take note of it
    fills: bool  # the forward rule leaves output entries dead (padding does)
    noted: bool  # whether ``notes`` has anything to say
    least_ndim: int  # how many axes each array must have
    needed: list[frozenset[int]]
    keep: Any

    def __call__(self, *inputs: Any, **params: Any) -> Any:
        """Call it: by the array type that knows how to record it, or on bare arrays."""
        static = tuple([params[name] for name in self.params]) if params else ()
        for value in inputs:
            handler = getattr(value, "__gradtape_apply__", None)
            if handler is not None:
                return handler(self, inputs, static)
        return self.compute(*inputs, *static)

    def on(self, value: Any, *static: Any) -> Any:
        """Call a primitive of one array, its static parameters in order: the shorter way."""
        handler = getattr(value, "__gradtape_apply__", None)
        return self.compute(value, *static) if handler is None else handler(self, (value,), static)

    def needs(self, mask: int) -> frozenset[int] | None:
        """The inputs that are kept when those of the mask are tracked; None: all."""
        return self.needed[mask]

    def lift(self, saved: Values, keys: Sequence[Any], out_key: Any, tensor: Any) -> Values:
        """The saved values as tensors under their keys, for other recorders to see."""
        return _lifted(saved, (*keys, out_key), tensor)

    def pull_masked(
        self, g: Array, alive: Array | None, record: Any, saved: Values, batch: Batch
    ) -> list[tuple[Any, Array, Array | None]]:
        """``pull``, with zeros where the output is dead, and each input's liveness."""
        _, _, mask, keys, *_ = record
        return [
            (key, *self._pulled(i, g, alive, record, saved, batch))
            for i, key in enumerate(keys)
            if mask >> i & 1 and self.rule(i)[0] is not None
        ]

    def push(
        self,
        tangents: Sequence[Array | None],
        alive: Sequence[Array | None],
        values: Values,
        params: Values,
        batch: Batch,
    ) -> tuple[Array, Array | None]:
        """The output's tangent and liveness, from those of the inputs (None: no tangent)."""
        out = values[-1]
        total: Any = None
        live: Any = False
        for i, t in enumerate(tangents):
            if t is not None:
                share, mask = self._pushed(i, t, alive, values, params, batch)
                total = share if total is None else total + share
                live = None if live is None or mask is None else live | mask
        full = batch + out.shape
        if total.shape != full:
            total = np.broadcast_to(total, full)
        if live is not None:
            live = np.broadcast_to(live, full if np.ndim(live) > out.ndim else out.shape)
        return cast(total, out.dtype), live

    def rule(self, i: int) -> tuple[Rule | None, Rule | None]:
        """The reverse and the forward rule of input ``i``."""
        raise NotImplementedError

    def _pulled(
        self, i: int, g: Array, alive: Any, record: Any, saved: Values, batch: Batch
    ) -> tuple[Array, Array | None]:
        raise NotImplementedError

    def _pushed(
        self, i: int, t: Array, alive: Any, values: Values, params: Values, batch: Batch
    ) -> tuple[Array, Array | None]:
        raise NotImplementedError


class Elementwise(_Base):
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
        self.selects = self.fills = self.special = selects
        partials = partials if isinstance(partials, tuple) else (partials,)
        self.arity = getattr(function, "nin", len(partials))
        self.names = names[: self.arity]
        layout = (*self.names, "out")
        self.shares_work = self.arity > len(partials)
        rules = [compiled(self.name, p, layout) for p in partials]
        self.rules = tuple(rules * self.arity if self.shares_work else rules)
        self.noted = self.arity > 1  # one argument alone has the shape and dtype of the result
        self.plans = plans(self.rules)
        self.needed = needed(self.rules)
        self.keep = keepers(self.needed, self.arity + 1)
        PRIMITIVES[self.name] = self

    def notes(self, mask: int, arrays: Values, out: Array) -> Any:
        """The shape and dtype of each tracked input, if one differs from the output's; or None."""
        if self.arity == 2:  # the common case, unrolled
            x, y = arrays
            kind = type(out)
            if kind is not ndarray and kind is type(x) and kind is type(y):
                return None  # scalars of one type have one shape and dtype
            shape, dtype = out.shape, out.dtype
            first = mask & 1 and (x.shape != shape or x.dtype is not dtype)
            second = mask & 2 and (y.shape != shape or y.dtype is not dtype)
            if not (first or second):
                return None
            return first and (x.shape, x.dtype), second and (y.shape, y.dtype)
        return [(a.shape, a.dtype) if mask >> i & 1 else None for i, a in enumerate(arrays)]

    def pull(self, g: Array, record: Any, saved: Values, batch: Batch) -> list[tuple[Any, Array]]:
        """The share of each tracked input in the cotangent ``g`` of the output."""
        shares = []
        _, _, mask, keys, _, notes, _ = record
        together = None
        for i, function, pick, divides in self.plans[mask]:
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
                    share = scaled(g, partial, divides, saved)
                else:
                    if g.dtype.kind == "c":
                        partial = adjoint(partial)
                    share = g / partial if divides else g * partial
            if notes is not None and notes[i]:
                shape, dtype = notes[i]
                share = unbroadcast(share, shape, batch)
                if share.dtype is not dtype:
                    share = cast(share, dtype)
            shares.append((keys[i], share))
        return shares

    def rule(self, i: int) -> tuple[Rule | None, Rule | None]:
        """The partial by input ``i``: it serves both directions."""
        return self.rules[i], self.rules[i]

    def _pulled(
        self, i: int, g: Array, alive: Any, record: Any, saved: Values, batch: Batch
    ) -> tuple[Array, Array | None]:
        out_shape = g.shape[len(batch) :]
        partial = self._partial(i, saved)
        live = alive
        if getattr(partial, "dtype", None) == np.bool_:
            share = g
            live = np.broadcast_to(partial, out_shape)
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
        partial = self._partial(i, values)
        t = align(t, shape, out.ndim, batch)
        mask = alive[i]
        if mask is not None and mask.ndim > len(shape):
            mask = align(mask, shape, out.ndim, batch)
        if getattr(partial, "dtype", None) == np.bool_:
            mask = partial if mask is None else partial & mask
        else:
            t = self._times(i, t, partial)
        return (t if mask is None else np.where(mask, t, t.dtype.type(0))), mask

    def _partial(self, i: int, values: Values) -> Any:
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


class Primitive(_Base):
    """A function of a fixed number of arrays, in its canonical form, with its rules.

    Parameters
    ----------
    compute : the function on bare arrays. Its positional-only parameters are the arrays, the others
        its static parameters, in the order in which a canonical call gives them.
    pulls : one per array: ``pull(g, ...)`` gives the array's cotangent; None: no derivative.
    pushes : one per array: ``push(t, ...)`` gives the output's tangent. None: the function is
        linear in that array and takes batch axes as it is, so that ``compute`` itself is the rule.
    kind : see ``Kind``.
    selects, fills : whether the reverse, the forward rule leaves entries dead.
    spread : for a reduction, how liveness goes back.
    least_ndim : how many axes each array must have.
    """

    noted = True

    def __init__(
        self,
        compute: Callable[..., Any],
        pulls: Any,
        pushes: Any = None,
        *,
        kind: Kind = "general",
        selects: bool = False,
        fills: bool = False,
        spread: Callable[..., Array] | None = None,
        least_ndim: int = 0,
        name: str | None = None,
    ) -> None:
        self.name = name or compute.__name__.strip("_")
        self.compute, self.kind = compute, kind
        self.selects, self.fills, self.special = selects, fills, selects
        self.least_ndim = least_ndim
        code = compute.__code__
        self.names = code.co_varnames[: code.co_posonlyargcount]
        self.params = code.co_varnames[code.co_posonlyargcount : code.co_argcount]
        self.arity = len(self.names)
        layout = self.layout()
        pulls = pulls if isinstance(pulls, tuple) else (pulls,)
        pushes = pushes if isinstance(pushes, tuple) else (pushes,) * self.arity
        self.pulls = tuple([compiled(self.name, p, layout, 1) for p in pulls])
        self.pushes = tuple([compiled(self.name, p, layout, 1) for p in pushes])
        self.spread = compiled(self.name, spread, layout, 1)
        self.plans = plans(self.pulls)
        self.needed = needed(self.pulls)
        self.keep = keepers(self.needed, self.arity + 1)
        PRIMITIVES[self.name] = self

    def layout(self) -> list[str]:
        """The names that a rule may use, in the order of ``values``."""
        shapes = [f"{name}_shape" for name in self.names]
        return [*self.names, "out", *shapes, *self.params, "batch"]

    def values(
        self, saved: Values, shapes: Any, params: Values, batch: Batch, index: int
    ) -> Values:
        """What the layout names, for one call and one input."""
        return (*saved, *shapes, *params, batch)

    def rule(self, i: int) -> tuple[Rule | None, Rule | None]:
        """The reverse and the forward rule of input ``i``."""
        return self.pulls[i], self.pushes[i]

    def notes(self, mask: int, arrays: Values, out: Any) -> Any:
        """The inputs' shapes, and their dtypes."""
        if self.arity == 1:
            (x,) = arrays
            return (x.shape,), (x.dtype,)
        if self.least_ndim:
            x, y = arrays
            return (x.shape, y.shape), (x.dtype, y.dtype)
        return (
            [getattr(a, "shape", ()) for a in arrays],
            [getattr(a, "dtype", None) for a in arrays],
        )

    def pull(self, g: Array, record: Any, saved: Values, batch: Batch) -> list[tuple[Any, Array]]:
        """The share of each tracked input in the cotangent ``g`` of the output."""
        shares = []
        _, _, mask, keys, _, (shapes, dtypes), params = record
        values = (*saved, *shapes, *params, batch)
        for i, function, pick, _ in self.plans[mask]:
            share = function(g, *pick(values))
            if share.dtype is not dtypes[i]:
                share = cast(share, dtypes[i])
            shares.append((keys[i], share))
        return shares

    def _pulled(
        self, i: int, g: Array, alive: Any, record: Any, saved: Values, batch: Batch
    ) -> tuple[Array, Array | None]:
        _, _, _, _, bare, (shapes, dtypes), params = record
        pull = self.rule(i)[0]
        share = _run(pull, g, self.values(saved, shapes, params, batch, i))
        rule = pull if self.kind == "movement" else self.spread
        live = None
        if rule is not None and (alive is not None or self.selects):
            shape = g.shape[len(batch) :]
            mask = np.ones(shape, np.intp) if alive is None else alive.astype(np.intp)
            leading = batch if mask.ndim > len(shape) else ()
            live = _run(rule, mask, self.values(bare, shapes, params, leading, i)) != 0
            if self.kind != "movement":
                share = np.where(live, share, share.dtype.type(0))
        return cast(share, dtypes[i]), live

    def _pushed(
        self, i: int, t: Array, alive: Any, values: Values, params: Values, batch: Batch
    ) -> tuple[Array, Array | None]:
        share = self._push_one(i, t, values, params, batch)
        shape = np.shape(values[i])
        if self.kind != "movement" or not (self.fills or any([m is not None for m in alive])):
            return share, None
        mask = np.ones(shape, np.intp) if alive[i] is None else alive[i].astype(np.intp)
        leading = batch if mask.ndim > len(shape) else ()
        return share, self._push_one(i, mask, values, params, leading) != 0

    def _push_one(self, i: int, t: Array, values: Values, params: Values, batch: Batch) -> Array:
        """The part of the output's tangent that comes from input ``i``."""
        *arrays, out = values
        rule = self.rule(i)[1]
        if rule is None:
            return self.compute(*arrays[:i], t, *arrays[i + 1 :], *params)
        shapes = [np.shape(a) for a in arrays]
        return _run(rule, t, self.values(self.grouped(arrays, out), shapes, params, batch, i))

    def grouped(self, arrays: Sequence[Any], out: Any) -> Values:
        """Arrays and output as ``saved`` has them when everything is kept."""
        return (*arrays, out)


class Variadic(Primitive):
    """A function of any number of arrays; one rule serves them all.

    ``compute`` takes them as one tuple, ``xs``. Its rules may name ``xs``, ``shapes`` and ``index``
    (which of the arrays is meant). Whatever is tracked, all arrays are kept or none.
    """

    def __init__(
        self, compute: Callable[..., Any], pulls: Any, pushes: Any, **options: Any
    ) -> None:
        super().__init__(compute, pulls, pushes, **options)
        count = len(self.params)
        arrays_kept, out_kept = [i in self.needed[1] for i in (0, 1)]

        def run(*arguments: Any) -> Any:
            arrays = len(arguments) - count
            return compute(arguments[:arrays], *arguments[arrays:])

        class Keep:
            """``keep[mask]`` for any mask."""

            def __getitem__(self, mask: int) -> Callable[[Values], Values]:
                return lambda v: (v[:-2] if arrays_kept else None, v[-2] if out_kept else None)

        self.compute = run
        self.arity = -1
        self.keep = Keep()

    def layout(self) -> list[str]:
        """The names that a rule may use, in the order of ``values``."""
        return [*self.names, "out", "shapes", *self.params, "batch", "index"]

    def values(
        self, saved: Values, shapes: Any, params: Values, batch: Batch, index: int
    ) -> Values:
        """What the layout names, for one call and one input."""
        return (*saved, shapes, *params, batch, index)

    def rule(self, i: int) -> tuple[Rule | None, Rule | None]:
        """The reverse and the forward rule, the same for every input."""
        return self.pulls[0], self.pushes[0]

    def needs(self, mask: int) -> frozenset[int] | None:
        """All inputs, or none."""
        return None if 0 in self.needed[1] else frozenset()

    def pull(self, g: Array, record: Any, saved: Values, batch: Batch) -> list[tuple[Any, Array]]:
        """The share of each tracked input in the cotangent ``g`` of the output."""
        _, _, mask, keys, _, (shapes, dtypes), params = record
        rule = self.pulls[0]
        return [
            (key, cast(_run(rule, g, self.values(saved, shapes, params, batch, i)), dtypes[i]))
            for i, key in enumerate(keys)
            if mask >> i & 1
        ]

    def grouped(self, arrays: Sequence[Any], out: Any) -> Values:
        """Arrays and output as ``saved`` has them when everything is kept."""
        return (tuple(arrays), out)

    def lift(self, saved: Values, keys: Sequence[Any], out_key: Any, tensor: Any) -> Values:
        """The saved values as tensors under their keys, for other recorders to see."""
        arrays, out = saved
        return (arrays and _lifted(arrays, keys, tensor), *_lifted((out,), (out_key,), tensor))


def _run(rule: Rule | None, g: Array, values: Values) -> Array:
    """Call a rule on a cotangent or tangent and what it names of the values."""
    return rule.function(g, *rule.pick(values))  # type: ignore[union-attr, misc]


def _lifted(saved: Values, keys: Sequence[Any], tensor: Any) -> Values:
    """Saved values as tensors, where they have keys."""
    return tuple(
        [v if k is None or v is None else tensor(v, k) for v, k in zip(saved, keys, strict=True)]
    )
