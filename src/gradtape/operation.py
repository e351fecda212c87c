"""What all primitives have in common: being called, kept, lifted and walked with liveness.

A primitive is a function on bare arrays with a derivative rule for each of its array arguments:

- ``Elementwise``: one writes the partial derivatives, and the reverse rule, the forward rule, the
  conjugation, the broadcasting sum and the masking are made from them, once.
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

from gradtape.arithmetic import cast, zeros
from gradtape.needs import Rule

__all__ = [
    "PRIMITIVES",
    "Array",
    "Batch",
    "Kind",
    "Operation",
    "Values",
    "dead",
    "lifted",
    "living_rows",
    "only_living_rows",
]

Array = Any
Values = tuple[Any, ...]
Batch = tuple[int, ...]

#: How the entries of an input depend on those of the output.
#: movement: linear with coefficients >= 0 (take, reshape, sum): liveness goes by the same rule.
#: reduction: each input entry feeds one output entry (prod, var): liveness is spread like a sum's.
#: general: anything else (matmul): every entry counts as alive.
Kind = Literal["elementwise", "movement", "reduction", "general"]

#: Every primitive by name: the list under test.
PRIMITIVES: dict[str, Operation] = {}


class Operation:
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
    places = ""  #: the parameter that says where entries are, if a traced function may compute it
    needed: list[frozenset[int]]
    keep: Any

    def __call__(self, *inputs: Any, **params: Any) -> Any:
        """Call it: by the array type that knows how to record it, or on bare arrays."""
        static = tuple([params[name] for name in self.params]) if params else ()
        for value in inputs:
            handler = getattr(value, "__gradtape_apply__", None)
            if handler is not None:
                return handler(self, inputs, static)
        if self.places:
            for value in params[self.places] if self.places == "index" else static:
                if hasattr(value, "__gradtape_symbol__"):
                    return value.__gradtape_apply__(self, inputs, static)
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
        return lifted(saved, (*keys, out_key), tensor)

    def pull(self, g: Array, record: Any, batch: Batch, into: Any) -> None:
        """Add the share of each tracked input in the output's cotangent ``g`` to those ``into``."""
        raise NotImplementedError

    def pull_masked(
        self, g: Array, alive: Array | None, record: Any, bare: Values, batch: Batch
    ) -> list[tuple[Any, Array, Array | None]]:
        """``pull``, with zeros where the output is dead, and each input's liveness.

        ``bare`` are the saved values, which in the record may be tensors.
        """
        _, _, mask, keys, *_ = record
        return [
            (key, *self._pulled(i, g, alive, record, bare, batch))
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
        spread = full if np.ndim(live) > out.ndim else out.shape
        if live is not None and np.shape(live) != spread:
            live = np.broadcast_to(live, spread)
        return cast(total, out.dtype), live

    def rule(self, i: int) -> tuple[Rule | None, Rule | None]:
        """The reverse and the forward rule of input ``i``."""
        raise NotImplementedError

    def _pulled(
        self, i: int, g: Array, alive: Any, record: Any, bare: Values, batch: Batch
    ) -> tuple[Array, Array | None]:
        raise NotImplementedError

    def _pushed(
        self, i: int, t: Array, alive: Any, values: Values, params: Values, batch: Batch
    ) -> tuple[Array, Array | None]:
        raise NotImplementedError


def lifted(saved: Values, keys: Sequence[Any], tensor: Any) -> Values:
    """Saved values as tensors, where they have keys."""
    return tuple(
        [v if k is None or v is None else tensor(v, k) for v, k in zip(saved, keys, strict=True)]
    )


# Of what mixes entries, everything counts as alive, or nothing does: entry by entry of the batch.


def living_rows(alive: Array, g: Array, batch: Batch) -> Array:
    """For each entry of the batch, whether any entry of an output is alive."""
    return np.any(alive, axis=tuple(range(len(batch) - g.ndim, 0)))


def only_living_rows(share: Array, rows: Array, batch: Batch) -> tuple[Array, Array]:
    """A share with zeros for the entries of the batch that are dead, and its liveness."""
    live = rows.reshape(rows.shape + (1,) * (share.ndim - len(batch)))
    live = np.broadcast_to(live, share.shape if rows.ndim else share.shape[len(batch) :])
    return np.where(live, share, share.dtype.type(0)), live


def dead(like: Array, shape: tuple[int, ...], batch: Batch) -> tuple[Array, Array]:
    """Zeros, and that all of them are dead: made without the rule, which might not be able to."""
    return zeros(like, batch + shape), np.zeros(shape, np.bool_)
