"""Primitives that mix entries, of a fixed number of arrays or of any number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradtape.arithmetic import cast
from gradtape.needs import Rule, compiled, keepers, needed, plans
from gradtape.operation import (
    PRIMITIVES,
    Array,
    Batch,
    Kind,
    Operation,
    Values,
    dead,
    lifted,
    living_rows,
    only_living_rows,
)

__all__ = ["Primitive", "Variadic"]

#: The notes of a product of two matrices of one dtype: its rules' shares need no second look.
_MATRICES = ((None, None), None)


class Primitive(Operation):
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
    spread, gather : for a reduction, how liveness goes back and forward, as integers: not 0 is
        alive. Without them every entry counts as alive.
    least_ndim : how many axes each array must have.
    fresh : whether each share is an array that the walk may write into.
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
        gather: Callable[..., Array] | None = None,
        least_ndim: int = 0,
        fresh: bool = False,
        name: str | None = None,
    ) -> None:
        self.name = name or compute.__name__.strip("_")
        self.fresh = fresh
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
        self.gather = compiled(self.name, gather, layout, 1)
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
            if x.ndim == y.ndim == 2 and x.dtype is y.dtype:
                return _MATRICES
            return (x.shape, y.shape), (x.dtype, y.dtype)
        return (
            [getattr(a, "shape", ()) for a in arrays],
            [getattr(a, "dtype", None) for a in arrays],
        )

    def pull(self, g: Array, record: Any, batch: Batch, into: Any) -> None:
        """Add the share of each tracked input in the output's cotangent ``g`` to those ``into``."""
        _, _, mask, keys, saved, (shapes, dtypes), params = record
        values = (*saved, *shapes, *params, batch)
        for i, function, pick, _ in self.plans[mask]:
            share = function(g, *pick(values))
            if dtypes is not None and share.dtype is not dtypes[i]:
                share = cast(share, dtypes[i])
            key = keys[i]
            if self.fresh:
                into.fresh.add(key)
            if key in into:
                into.add(key, share)
            else:
                into[key] = share

    def _pulled(
        self, i: int, g: Array, alive: Any, record: Any, bare: Values, batch: Batch
    ) -> tuple[Array, Array | None]:
        _, _, _, _, saved, (shapes, dtypes), params = record
        pull = self.rule(i)[0]
        mixes = alive is not None and self.kind == "general"
        rows = living_rows(alive, g, batch) if mixes else None
        if rows is not None and not rows.any() and shapes[i] is not None:
            share, live = dead(g, shapes[i], batch)
            return cast(share, dtypes[i]), live
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
        elif rows is not None and not rows.all():
            share, live = only_living_rows(share, rows, batch)
        return (share if dtypes is None else cast(share, dtypes[i])), live

    def _pushed(
        self, i: int, t: Array, alive: Any, values: Values, params: Values, batch: Batch
    ) -> tuple[Array, Array | None]:
        rule = self.rule(i)[1]
        moves = self.kind == "movement"
        if not (moves or self.gather) and alive[i] is not None and not alive[i].any():
            return dead(t, values[-1].shape, batch)
        share = self._push_one(rule, i, t, values, params, batch)
        if not (moves or self.gather) or not (self.fills or any([m is not None for m in alive])):
            return share, None
        shape = np.shape(values[i])
        mask = np.ones(shape, np.intp) if alive[i] is None else alive[i].astype(np.intp)
        leading = batch if mask.ndim > len(shape) else ()
        rule = rule if moves else self.gather
        live = self._push_one(rule, i, mask, values, params, leading) != 0
        return (share if moves else np.where(live, share, share.dtype.type(0))), live

    def _push_one(
        self, rule: Any, i: int, t: Array, values: Values, params: Values, batch: Batch
    ) -> Array:
        """What a forward rule makes of input ``i``'s tangent, or of its liveness."""
        *arrays, out = values
        if rule is None:
            inputs = (*arrays[:i], t, *arrays[i + 1 :])
            return self(*inputs, **dict(zip(self.params, params, strict=True)))
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

    def pull(self, g: Array, record: Any, batch: Batch, into: Any) -> None:
        """Add the share of each tracked input in the output's cotangent ``g`` to those ``into``."""
        _, _, mask, keys, saved, (shapes, dtypes), params = record
        rule = self.pulls[0]
        for i, key in enumerate(keys):
            if mask >> i & 1:
                share = _run(rule, g, self.values(saved, shapes, params, batch, i))
                into.add(key, cast(share, dtypes[i]))

    def grouped(self, arrays: Sequence[Any], out: Any) -> Values:
        """Arrays and output as ``saved`` has them when everything is kept."""
        return (tuple(arrays), out)

    def lift(self, saved: Values, keys: Sequence[Any], out_key: Any, tensor: Any) -> Values:
        """The saved values as tensors under their keys, for other recorders to see."""
        arrays, out = saved
        return (arrays and lifted(arrays, keys, tensor), *lifted((out,), (out_key,), tensor))


def _run(rule: Rule | None, g: Array, values: Values) -> Array:
    """Call a rule on a cotangent or tangent and what it names of the values."""
    return rule.function(g, *rule.pick(values))  # type: ignore[union-attr, misc]
