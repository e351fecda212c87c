"""Memory for time: what is in between is computed again when the gradient needs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from gradtape import errors
from gradtape.calls import is_tracked
from gradtape.custom import recompute_grad
from gradtape.errors import named
from gradtape.nest import flatten, pack
from gradtape.operators.arguments import whole_number
from gradtape.operators.binomial import default_snapshots, schedule
from gradtape.operators.leaves import layout_of, leaves_after
from gradtape.recording import active
from gradtape.replays import Replayed, Uses, note_returned, pulled, pushed, shown, taping
from gradtape.tensor import Tensor, bare, twin
from gradtape.variable import constant

__all__ = ["checkpoint", "checkpointed_loop"]

State = list[Any]  # the leaves of a state, bare or tensors


def checkpoint(f: Callable[..., Any]) -> Callable[..., Any]:
    """Keep of a function's call its arguments only; compute it again when the gradient needs it.

    What ``f`` computes in between is not kept: memory for time, one more run of ``f`` for each
    order of derivatives. ``gt.recompute_grad``, TensorFlow's name, is the same function.

    Parameters
    ----------
    f : a function of tensors or arrays (or nests of them) that returns one or a nest of them. It
        must compute the same when called again. Functions under ``checkpoint`` may call others.

    Returns
    -------
    A function like ``f``, to any order of derivatives, in reverse and in forward mode. Gradients go
    to its arguments, and to the tensors and variables that it closes over.

    Raises
    ------
    TypeError : ``f`` is no function.
    ChangedArrayError : (when the gradient is taken) an array or a tensor that it uses was written
        to in between.

    Examples
    --------
    >>> import numpy as np, gradtape as gt
    >>> layer = gt.checkpoint(lambda x: np.tanh(np.sin(np.exp(x))))
    >>> gt.grad(lambda x: layer(layer(x)))(0.0) == gt.grad(
    ...     lambda x: np.tanh(np.sin(np.exp(np.tanh(np.sin(np.exp(x))))))
    ... )(0.0)
    np.True_
    """
    return recompute_grad(f)


def checkpointed_loop(
    step: Callable[..., Any],
    state: Any,
    n: int,
    snapshots: int | None = None,
    args: Sequence[Any] = (),
) -> Any:
    """Run ``state = step(state, i, *args)`` n times, with a gradient that takes little memory.

    A tape over a plain loop keeps what every step needs. Here only ``snapshots`` states are kept,
    and the steps are run again from them on the way back, which takes the fewest runs possible
    (binomial checkpointing: Griewank and Walther, "revolve", ACM TOMS 26, 2000).

    Parameters
    ----------
    step : a function of the state, the number of the step and ``args`` that returns the next state:
        a nest of the same structure, shapes and dtypes. It must compute the same when called again.
    state : where to start: an array, a tensor, a number, or a nest of them.
    n : how many steps.
    snapshots : how many states are kept, the first one included. By default the fewest for which no
        step is run more often than there are snapshots: about ``log2(n) / 2 + 2``.
    args : further arguments of ``step``, nests of anything.

    Returns
    -------
    The last state: bare arrays for bare arrays, unless an active tape tracks them. Gradients go to
    ``state``, to ``args``, and to the tensors and variables that ``step`` closes over.

    With ``c`` snapshots a gradient takes ``r n - C(c + r, c + 1)`` steps ahead, where r is the
    least number with ``C(c + r, c) >= n``; besides, each step is run once under a tape, and the
    last one once for the value. Forward mode runs each step once more and keeps one state.
    Derivatives of the gradient work to any order; what looks on when a gradient is taken (an outer
    tape) keeps every step, though.

    Raises
    ------
    TypeError : ``step`` is no function, ``n`` or ``snapshots`` no whole number, the state holds
        something other than numbers, or a step changes its structure or a dtype.
    ValueError : ``n`` is negative, ``snapshots`` less than 1, or a step changes a shape.

    Examples
    --------
    >>> import numpy as np, gradtape as gt
    >>> def swing(state, i, length):
    ...     angle, speed = state
    ...     speed = speed - 0.01 * 9.81 / length * np.sin(angle)
    ...     return angle + 0.01 * speed, speed
    >>> def angle(length):
    ...     return gt.checkpointed_loop(swing, (1.0, 0.0), 100, args=(length,))[0]
    >>> bool(abs(gt.grad(angle)(2.0) - (angle(2.00001) - angle(1.99999)) / 0.00002) < 1e-8)
    True
    """
    if not callable(step):
        raise TypeError(f"argument `step` must be a function, but is {errors.describe(step)}")
    n = whole_number(n, "n", "checkpointed_loop", 0)
    if snapshots is None:
        snapshots = default_snapshots(n)
    snapshots = whole_number(snapshots, "snapshots", "checkpointed_loop", 1)
    args = tuple(args)
    tensors = any([isinstance(leaf, Tensor) for leaf in flatten((state, args))])
    loop = _Loop(step, state, n, snapshots, args, as_tensors=tensors or bool(active()))
    if not (n and active()):
        last = loop.plain()
        return pack(state, last if tensors else [bare(leaf) for leaf in last])
    with loop.uses.noted():
        last = loop.ahead()
    outs = [last[k] for k in loop.moving]
    call = _LoopCall(loop, outs)
    for k, out in zip(loop.moving, shown(call, call.inputs, outs), strict=True):
        last[k] = loop.classes[k](out.array, out.key)
    if not tensors:
        last = [bare(t) if not (isinstance(t, Tensor) and is_tracked(t)) else t for t in last]
    return pack(state, last)


class _Loop:
    """A loop with its arguments, and how the leaves of its state are handed to a step."""

    def __init__(
        self, step: Any, state: Any, n: int, snapshots: int, args: Any, as_tensors: bool
    ) -> None:
        self.step, self.like, self.n, self.snapshots = step, state, n, snapshots
        self.name = named(step)
        self.as_tensors = as_tensors
        given = flatten(state)
        self.start = [self._leaf(leaf) for leaf in given]
        arrays = [bare(leaf) for leaf in self.start]
        #: Which leaves have derivatives, and as what a step gets them.
        self.moving = [k for k, a in enumerate(arrays) if a.dtype.kind in "fc"]
        self.classes: list[Any] = [getattr(leaf, "result_class", None) for leaf in self.start]
        self.layout = layout_of(self.start)
        self.uses = Uses(self.name, ([leaf for leaf in given if isinstance(leaf, Tensor)], args))
        self._backwards: Iterator[tuple[int, State]] | None = None
        self._pending: State = []

    def _leaf(self, leaf: Any) -> Any:
        """A leaf of the starting state as an array, or as a tensor if it is to be followed."""
        if isinstance(leaf, Tensor):
            return twin(leaf)
        array = np.asarray(leaf)
        if array.dtype.kind not in "biufc":
            raise TypeError(
                f"argument `state` of checkpointed_loop holds {errors.describe(leaf)}: its leaves "
                "must be numbers, arrays or tensors; give what does not change to `args`."
            )
        follow = self.as_tensors and array.dtype.kind in "fc"
        return constant(array) if follow else array.copy()[()]

    def next(self, leaves: State, i: int) -> State:
        """The leaves of the state after step ``i``: tensors or bare, as they come."""
        leaves = [self._own(leaf, cls) for leaf, cls in zip(leaves, self.classes, strict=True)]
        _, args = self.uses.arguments()
        answer = self.step(pack(self.like, leaves), i, *args)
        return leaves_after(self.step, answer, self.like, self.layout, "the state", f" in step {i}")

    def _own(self, leaf: Any, cls: Any) -> Any:
        """A leaf as a step gets it: it may write into it."""
        if isinstance(leaf, Tensor):
            return twin(leaf)
        if cls is not None:
            return cls(leaf)
        return leaf.copy() if self.as_tensors else leaf  # else it is not used again

    def bare_next(self, leaves: State, i: int) -> State:
        """The leaves of the state after step ``i``, bare."""
        after = self.next(leaves, i)
        note_returned(after)
        return [bare(leaf) for leaf in after]

    def plain(self) -> State:
        """The last state, with nothing kept."""
        leaves = self.start
        for i in range(self.n):
            leaves = self.next(leaves, i)
        return leaves

    def ahead(self) -> State:
        """The last state, bare; the snapshots for the first way back are taken."""
        self._backwards = self._reversal()
        i, before = next(self._backwards)
        self._pending = before
        return self.bare_next(before, i)

    def backwards(self) -> Iterator[tuple[int, State]]:
        """The steps from the last to the first, each with the state before it."""
        backwards, self._backwards = self._backwards, None
        if backwards is not None:  # the way back that began with the way ahead
            before, self._pending = self._pending, []
            yield self.n - 1, before
            del before
        yield from backwards or self._reversal()

    def _reversal(self) -> Iterator[tuple[int, State]]:
        """The same, by the schedule: states are run ahead to as it says."""
        kept = {0: [bare(leaf) for leaf in self.start]}
        state: State = []
        for what, i, until in schedule(self.n, self.snapshots):
            if what == "advance":
                state = kept[i]
                for k in range(i, until):
                    state = self.bare_next(state, k)
            elif what == "keep":
                kept[i] = state
            elif what == "free":
                del kept[i]
            else:
                before, state = kept.get(i, state), []
                yield i, before
                del before


class _LoopCall(Replayed):
    """A loop as one operation."""

    def __init__(self, loop: _Loop, outs: list[Any]) -> None:
        super().__init__(self._whole_loop, loop.uses, outs)
        self.loop = loop

    def _whole_loop(self) -> list[Any]:
        last = self.loop.plain()
        return [last[k] for k in self.loop.moving]

    def shares(
        self, cotangents: list[Any], out_keys: tuple[Any, ...], batch: tuple[int, ...]
    ) -> list[Any]:
        """Each step on a tape of its own, from the last to the first."""
        if active():  # what looks on keeps every step, whatever we do
            return super().shares(cotangents, out_keys, batch)
        loop = self.loop
        totals: dict[Any, Any] = {}
        gs: list[Any] = [bare(c) for c in cotangents]
        with self.uses.as_they_were():
            for i, before in loop.backwards():
                gs = self._back(before, i, gs, totals, batch)
                del before  # while the next one is computed
        for k, g in zip(loop.moving, gs, strict=True):
            if loop.start[k].key is not None:
                _add(totals, loop.start[k].key, g)
        return [totals.get(t.key) for t in self.inputs]

    def _back(
        self, before: State, i: int, gs: list[Any], totals: dict[Any, Any], batch: tuple[int, ...]
    ) -> list[Any]:
        """The cotangents of the state before step ``i``; those of the inputs go to the totals."""
        loop, inputs = self.loop, self.inputs
        leaves = list(before)
        for k in loop.moving:
            leaves[k] = loop.classes[k](before[k])
        moving = [leaves[k] for k in loop.moving]
        with taping([*moving, *inputs]) as tape:
            after = loop.next(leaves, i)
        found = pulled(tape, [after[k] for k in loop.moving], gs, [*moving, *inputs], batch)
        for t, share in zip(inputs, found[len(moving) :], strict=True):
            _add(totals, t.key, share)
        return [
            np.zeros(batch + t.shape, bare(t).dtype) if g is None else g
            for g, t in zip(found, moving, strict=False)
        ]

    def tangents(self, tangents: list[Any], outs: list[Any], batch: tuple[int, ...]) -> list[Any]:
        """Each step in forward mode of its own, from the first to the last."""
        loop = self.loop
        of_inputs = {t.key: tangent for t, tangent in zip(self.inputs, tangents, strict=True)}
        leaves = list(loop.start)
        moved = [of_inputs.get(leaves[k].key) for k in loop.moving]
        with self.uses.as_they_were():
            for i in range(loop.n):
                before = list(leaves)
                sources = [*[before[k] for k in loop.moving], *self.inputs]

                def run(before: State = before, i: int = i) -> list[Any]:
                    leaves[:] = loop.next(before, i)
                    return [leaves[k] for k in loop.moving]

                moved = pushed(run, sources, [*moved, *tangents], batch)
                if not active():
                    leaves[:] = [
                        leaf if cls is None else cls(bare(leaf))
                        for leaf, cls in zip(leaves, loop.classes, strict=True)
                    ]
        return moved


def _add(totals: dict[Any, Any], key: Any, share: Any) -> None:
    if share is not None:
        totals[key] = totals[key] + share if key in totals else share
