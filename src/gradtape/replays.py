"""Calls of functions that recorders see as one operation, and that derivatives run again.

What the function uses, its arguments and what it closes over, is kept by its keys: a key names one
value for all recorders, so a second run on the same keys is what an outer recorder has to see.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np

from gradtape import errors
from gradtape.forward import ForwardAccumulator, Linearization
from gradtape.guards import Guard
from gradtape.nest import flatten, pack
from gradtape.recording import active, new_key, only
from gradtape.sweep import sweep
from gradtape.tape import GradientTape
from gradtape.tensor import Tensor, bare, twin
from gradtape.variable import Variable

__all__ = [
    "Operation",
    "Replayed",
    "Uses",
    "note_returned",
    "pulled",
    "pushed",
    "shown",
    "taping",
    "twins",
]


class _Watcher:
    """A recorder that only notes which variables, and which tensors that others track, are used."""

    def __init__(self) -> None:
        self.tracked: frozenset[Any] = frozenset()
        self._outer = active()
        self.seen: dict[Any, Tensor] = {}

    def tracks(self, tensor: Tensor) -> bool:
        return any([recorder.tracks(tensor) for recorder in self._outer])

    def record(
        self, primitive: Any, keys: Any, inputs: Any, arrays: Any, params: Any, out: Any, key: Any
    ) -> Any:
        """Note what among the inputs was not computed in between."""
        self.note(inputs)
        return key

    def note(self, values: Any) -> None:
        """Note what among some values was not computed in between."""
        for t in values:
            if not isinstance(t, Tensor) or t.key is None or t.key in self.seen:
                continue
            if isinstance(t, Variable) or self.tracks(t):
                self.seen[t.key] = t


def twins(nest: Any) -> Any:
    """The same arguments, with tensors of their own where some could be written into."""
    leaves = flatten(nest)
    if not any([isinstance(leaf, Tensor) and leaf.writable for leaf in leaves]):
        return nest
    return pack(nest, [twin(t) if isinstance(t, Tensor) and t.writable else t for t in leaves])


class Uses:
    """What one call of a function uses, as it is now: for the runs that derivatives need.

    Parameters
    ----------
    name : the function's name, for messages.
    nest : its arguments.

    ``inputs`` are the tensors that it has derivatives by, each key once.
    """

    def __init__(self, name: str, nest: Any) -> None:
        self.name = name
        self._guard = Guard()
        self._others: list[Uses] = []
        leaves = [
            self._guard.keep(leaf, name, i)
            if isinstance(leaf, np.ndarray)
            else twin(leaf)
            if isinstance(leaf, Tensor) and not isinstance(leaf, Variable)
            else leaf
            for i, leaf in enumerate(flatten(nest))
        ]
        self._nest = pack(nest, leaves)
        self._used: dict[Any, tuple[Tensor, Any]] = {}
        self._note([leaf for leaf in leaves if isinstance(leaf, Tensor)])

    def _note(self, tensors: list[Tensor]) -> None:
        for t in tensors:
            if t.key is not None:
                self._used.setdefault(t.key, (t, t.array))

    def include(self, other: Uses) -> None:
        """Add what another call uses."""
        self._others.append(other)
        self._used = {**other._used, **self._used}

    @property
    def inputs(self) -> list[Tensor]:
        """The tensors of floating dtype that are used, with the values that they had."""
        return [
            t if isinstance(t, Variable) else Tensor(array, key)
            for key, (t, array) in self._used.items()
            if array.dtype.kind in "fc"
        ]

    def arguments(self) -> Any:
        """The arguments, with tensors that the function may write into."""
        return twins(self._nest)

    @contextmanager
    def noted(self) -> Iterator[None]:
        """No recorder sees what happens in the block; what it uses of others' is noted."""
        watcher = _Watcher()
        with only((watcher,) if active() else ()):
            yield
        self._note(list(watcher.seen.values()))

    @contextmanager
    def as_they_were(self) -> Iterator[None]:
        """Variables have the values that they had then.

        Raises
        ------
        ChangedArrayError : an array or a tensor was written to since.
        """
        for uses in (self, *self._others):
            uses._guard.check()
        variables = []
        for key, (t, array) in self._used.items():
            if isinstance(t, Variable):
                variables.append((t, array))
            elif t.key != key:
                raise errors.ChangedArrayError(
                    f"{errors.describe(t)} that {self.name} uses was written to before the "
                    f"gradient was computed, for which {self.name} has to be run again: give it "
                    f"to {self.name} as an argument, or write into a copy."
                )
        now = [(variable, variable.array) for variable, _ in variables]
        try:
            for variable, array in variables:
                variable.array = array
            yield
        finally:
            for variable, array in now:
                variable.array = array


def note_returned(values: list[Any]) -> None:
    """Note for ``Uses.noted``, in its block, what a function returned as it found it."""
    for recorder in active():
        if isinstance(recorder, _Watcher):
            recorder.note(values)


# Running again -----------------------------------------------------------------------------------


def taping(tensors: list[Any]) -> GradientTape:
    """A tape that tracks just these tensors (by their keys: they may be written to)."""
    tape = GradientTape(persistent=True, watch_accessed_variables=False)
    for t in tensors:
        t.key = t.key or new_key()
        tape.tracked.add(t.key)
    return tape


def pushed(
    run: Callable[[], list[Any]], inputs: list[Any], tangents: list[Any], batch: tuple[int, ...]
) -> list[Any]:
    """The tangents of what ``run`` returns, from those of tensors that it uses; None: none."""
    if batch:
        with Linearization(inputs) as linear:
            outs = run()
        return linear.push(outs, tangents, batch)
    accumulator = ForwardAccumulator([], [])
    for t, tangent in zip(inputs, tangents, strict=True):
        if tangent is not None:
            t.key = t.key or new_key()
            accumulator.tracked[t.key] = tangent
    with accumulator:
        outs = run()
    return [accumulator.jvp(out) if isinstance(out, Tensor) else None for out in outs]


def pulled(
    tape: GradientTape,
    targets: list[Any],
    cotangents: list[Any],
    sources: list[Any],
    batch: tuple[int, ...] = (),
) -> list[Any]:
    """Per source its cotangent, from those of the targets; None if none depends on it."""
    seeds = [
        (t.key, g)
        for t, g in zip(targets, cotangents, strict=True)
        if isinstance(t, Tensor) and t.key in tape.tracked
    ]
    if not seeds:
        return [None] * len(sources)
    return sweep(
        tape._records,
        seeds,
        [s.key for s in sources],
        tape._selects,
        tape.masks_dead_branches,
        batch,
        foreign=tape._replays,
    )


# The operation ------------------------------------------------------------------------------------


class Operation:
    """One call of a function with derivatives of its own kind: to a tape, one more primitive.

    A subclass says what is known of the derivatives: ``shares`` and ``tangents``.
    """

    kind = "user"
    selects = fills = False
    special = True
    noted = False
    name: str
    #: The shape of each input.
    shapes: list[Any]
    #: Shape and dtype of each output.
    outs: list[tuple[Any, Any]]
    #: Nothing is kept by the tape: what the derivatives need, the operation holds.
    keep: ClassVar[Any] = defaultdict(lambda: lambda values: ())

    def needs(self, mask: int) -> frozenset[int]:
        """No input is kept by the tape."""
        return frozenset()

    def lift(self, saved: Any, keys: Any, out_key: Any, tensor: Any) -> tuple[Any, ...]:
        """Nothing is saved."""
        return ()

    def pull(self, g: Any, record: Any, batch: tuple[int, ...], into: Any) -> None:
        """Add the share of each tracked input to those ``into``."""
        for key, share, _ in self.pull_masked(g, None, record, (), batch):
            into.add(key, share)

    def pull_masked(
        self, g: Any, alive: Any, record: Any, bare_values: Any, batch: tuple[int, ...]
    ) -> list[tuple[Any, Any, Any]]:
        """The share of each tracked input; what is dead cannot be followed through."""
        cotangents = g if type(g) is list else [g]
        cotangents = [
            np.zeros(batch + shape, dtype)[()] if c is None else c
            for c, (shape, dtype) in zip(cotangents, self.outs, strict=True)
        ]
        nested = bool(active())
        if nested:
            cotangents = [c if isinstance(c, Tensor) else Tensor(c) for c in cotangents]
        out_key = record[1]
        shares = self.shares(cotangents, out_key if type(out_key) is tuple else (out_key,), batch)
        return [
            (key, share if nested else bare(share), None)
            for i, (key, share) in enumerate(zip(record[3], shares, strict=True))
            if record[2] >> i & 1 and share is not None
        ]

    def push(
        self, tangents: Any, alive: Any, values: Any, params: Any, batch: tuple[int, ...]
    ) -> tuple[Any, None]:
        """The outputs' tangents."""
        outs = list(values[len(tangents) :])
        results = [
            np.zeros(batch + shape, dtype)[()] if t is None else t
            for t, (shape, dtype) in zip(
                self.tangents(list(tangents), outs, batch), self.outs, strict=True
            )
        ]
        if not active():
            results = [bare(r) for r in results]
        return (tuple(results) if len(results) > 1 else results[0]), None

    def shares(
        self, cotangents: list[Any], out_keys: tuple[Any, ...], batch: tuple[int, ...]
    ) -> list[Any]:
        """Per input its cotangent, or None."""
        raise NotImplementedError

    def tangents(self, tangents: list[Any], outs: list[Any], batch: tuple[int, ...]) -> list[Any]:
        """Per output its tangent, or None."""
        raise NotImplementedError


def shown(
    operation: Any, inputs: list[Any], outs: list[Any], kind: type[Tensor] = Tensor
) -> list[Tensor]:
    """Show a call to the recorders as one operation; its outputs as new tensors."""
    keys: list[Any] = [None] * len(outs)
    recorders = active()
    if recorders and outs:
        keys = [new_key() for _ in outs]
        arrays = tuple([bare(value) for value in inputs])
        in_keys = [value.key if isinstance(value, Tensor) else None for value in inputs]
        single = len(outs) == 1
        out, key = (outs[0], keys[0]) if single else (tuple(outs), tuple(keys))
        for recorder in recorders:
            recorder.record(operation, in_keys, inputs, arrays, (), out, key)
    return [kind(out, key) for out, key in zip(outs, keys, strict=True)]


class Replayed(Operation):
    """A call that is run again, on a tape or in forward mode, when its derivative is needed.

    Parameters
    ----------
    run : the function of no arguments that gives the outputs anew, from what ``uses`` holds.
    uses : what it uses.
    outs : the outputs as they were, bare.
    """

    def __init__(self, run: Callable[[], Any], uses: Uses, outs: list[Any]) -> None:
        self.name, self.uses, self._run = uses.name, uses, run
        self.inputs = uses.inputs
        self.shapes = [t.array.shape for t in self.inputs]
        self.outs = [(out.shape, out.dtype) for out in outs]

    def shares(
        self, cotangents: list[Any], out_keys: tuple[Any, ...], batch: tuple[int, ...]
    ) -> list[Any]:
        """A second run on a tape of its own, walked back from the cotangents."""
        with self.uses.as_they_were(), taping(self.inputs) as tape:
            again = flatten(self._run())
        return pulled(tape, again, cotangents, self.inputs, batch)

    def tangents(self, tangents: list[Any], outs: list[Any], batch: tuple[int, ...]) -> list[Any]:
        """A second run in forward mode."""
        with self.uses.as_they_were():
            return pushed(lambda: flatten(self._run()), self.inputs, tangents, batch)
