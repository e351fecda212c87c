"""Primitives with several outputs: decompositions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradtape.arithmetic import cast
from gradtape.needs import Rule, compiled, needed, plans
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

__all__ = ["Several"]


class Several(Operation):
    """A function of a fixed number of arrays that gives several, in its canonical form.

    Parameters
    ----------
    compute : as for Primitive; it returns a tuple.
    outs : the names of the outputs, as the rules call them.
    pulls : one per array: ``pull(gs, ...)`` gives the array's cotangent from those of the outputs,
        a list in which None stands for an output that the target does not depend on.
    pushes : one per array: ``push(t, ...)`` gives the outputs' tangents, a tuple; None stands for
        an output without a derivative (an integer).
    """

    kind: Kind = "general"
    selects = fills = False
    special = noted = True
    least_ndim = 0

    def __init__(
        self,
        compute: Callable[..., Any],
        outs: tuple[str, ...],
        pulls: Any,
        pushes: Any,
        *,
        name: str | None = None,
    ) -> None:
        self.name = name or compute.__name__.strip("_")
        self.compute = compute
        code = compute.__code__
        self.names = code.co_varnames[: code.co_posonlyargcount]
        self.params = code.co_varnames[code.co_posonlyargcount : code.co_argcount]
        self.arity = len(self.names)
        shapes = [f"{name}_shape" for name in self.names]
        layout = [*self.names, *outs, *shapes, *self.params, "batch"]
        pulls = pulls if isinstance(pulls, tuple) else (pulls,)
        pushes = pushes if isinstance(pushes, tuple) else (pushes,)
        self.pulls = tuple([compiled(self.name, p, layout, 1) for p in pulls])
        self.pushes = tuple([compiled(self.name, p, layout, 1) for p in pushes])
        self.plans = plans(self.pulls)
        self.needed = needed(self.pulls)
        self.keep = tuple([self._keeper(need) for need in self.needed])
        PRIMITIVES[self.name] = self

    def _keeper(self, need: frozenset[int]) -> Callable[[Values], Values]:
        """What picks the values to keep out of ``(*arrays, outs, None)``."""

        def kept(values: Values) -> Values:
            everything = (*values[: self.arity], *values[self.arity])
            return tuple([v if i in need else None for i, v in enumerate(everything)])

        return kept

    def __call__(self, *inputs: Any, **params: Any) -> Any:
        """Call it: by the array type that knows how to record it, or on bare arrays."""
        static = tuple([params[name] for name in self.params])
        for value in inputs:
            handler = getattr(value, "__gradtape_several__", None)
            if handler is not None:
                return handler(self, inputs, static)
        return self.compute(*inputs, *static)

    def notes(self, mask: int, arrays: Values, outs: Any) -> Any:
        """The inputs' shapes, and their dtypes."""
        return [np.shape(a) for a in arrays], [getattr(a, "dtype", None) for a in arrays]

    def lift(self, saved: Values, keys: Sequence[Any], out_key: Any, tensor: Any) -> Values:
        """The saved values as tensors under their keys, for other recorders to see."""
        return lifted(saved, (*keys, *out_key), tensor)

    def rule(self, i: int) -> tuple[Rule | None, Rule | None]:
        """The reverse and the forward rule of input ``i``."""
        return self.pulls[i], self.pushes[i]

    def pull(self, g: Array, record: Any, batch: Batch, into: Any) -> None:
        """Add the share of each tracked input in the outputs' cotangents to those ``into``."""
        for key, share, _ in self.pull_masked(g, None, record, (), batch):
            into.add(key, share)

    @staticmethod
    def _living(gs: Array, alive: Any, batch: Batch) -> tuple[Array, Any]:
        """The cotangents of the outputs that live, and which entries of the batch do; None: all."""
        if alive is None:
            return gs, None
        rows = [
            np.bool_(g is not None) if g is None or m is None else living_rows(m, g, batch)
            for g, m in zip(gs, alive, strict=True)
        ]
        gs = [g if r.any() else None for g, r in zip(gs, rows, strict=True)]
        return gs, np.any(np.stack(np.broadcast_arrays(*rows)), 0)

    def pull_masked(
        self, g: Array, alive: Array | None, record: Any, bare: Values, batch: Batch
    ) -> list[tuple[Any, Array, Array | None]]:
        """The share of each tracked input, and its liveness; ``alive`` is a list or None."""
        _, _, mask, keys, saved, (shapes, dtypes), params = record
        values = (*saved, *shapes, *params, batch)
        known = next(one for one in g if one is not None)
        g, rows = self._living(g, alive, batch)
        shares = []
        for i, function, pick, _ in self.plans[mask]:
            live = None
            if rows is not None and not rows.any():
                share, live = dead(known, shapes[i], batch)
            else:
                share = function(g, *pick(values))
                if rows is not None and not rows.all():
                    share, live = only_living_rows(share, rows, batch)
            shares.append((keys[i], cast(share, dtypes[i]), live))
        return shares

    def push(
        self,
        tangents: Sequence[Array | None],
        alive: Sequence[Array | None],
        values: Values,
        params: Values,
        batch: Batch,
    ) -> tuple[Array, Array | None]:
        """The outputs' tangents and liveness, from those of the inputs (None: no tangent)."""
        outs = values[self.arity :]
        layout = (*values, *[np.shape(v) for v in values[: self.arity]], *params, batch)
        totals: list[Any] = [None] * len(outs)
        lives = False
        for t, mask, rule in zip(tangents, alive, self.pushes, strict=True):
            if t is None:
                continue
            if mask is not None and not mask.any():
                shares: Any = [dead(o, o.shape, batch)[0] if _moves(o) else None for o in outs]
            else:
                shares = rule.function(t, *rule.pick(layout))  # type: ignore[union-attr, misc]
                lives = True
            totals = [
                a if b is None else b if a is None else a + b
                for a, b in zip(totals, shares, strict=True)
            ]
        pushed = [
            None if t is None else cast(np.broadcast_to(t, batch + np.shape(out)), out.dtype)
            for t, out in zip(totals, outs, strict=True)
        ]
        live = None if lives else tuple([np.zeros(np.shape(out), np.bool_) for out in outs])
        return tuple(pushed), live


def _moves(out: Any) -> bool:
    """Whether an output can have a derivative."""
    return hasattr(out, "dtype") and out.dtype.kind in "fc"
