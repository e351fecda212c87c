"""What a traced computation did: every operation with its values, and where in the program it is.

A tape keeps as little as it can, and no source lines: it must be fast. A trace is a second recorder
that keeps everything, for those who want to be told (``explain``, ``draw``, ``summary``,
``source``).
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradtape.nest import flatten
from gradtape.places import Place, names_in, outer_frame, place_of, users_frame
from gradtape.recording import InBlock, active, new_key, only
from gradtape.sweep import Seeds, sweep
from gradtape.tensor import Tensor, bare
from gradtape.variable import Variable

__all__ = ["Answer", "Exit", "Step", "Trace"]

#: In how many functions that called each other a value's names are looked for.
_CALLERS = 4


@dataclass(slots=True, eq=False)
class Step:
    """One operation of a trace.

    ``keys`` are those of the inputs (None for a bare value, or a tensor that nobody ever tracked),
    ``values`` what was inside the inputs, ``out`` the result: bare arrays and numbers. An operation
    with several results has a tuple of them, and of their keys.
    """

    number: int
    primitive: Any
    keys: tuple[Any, ...]
    values: tuple[Any, ...]
    params: tuple[Any, ...]
    out: Any
    out_key: Any
    place: Place | None
    #: Which inputs were tensors.
    tensors: tuple[bool, ...] = ()
    #: Whether the tape beside the trace was not recording.
    paused: bool = False

    @property
    def name(self) -> str:
        """The operation's name, as ``log`` or ``sum``."""
        return str(self.primitive.name)

    @property
    def results(self) -> list[tuple[Any, Any]]:
        """The results, each with its key."""
        if type(self.out_key) is tuple:
            return list(zip(self.out_key, self.out, strict=True))
        return [(self.out_key, self.out)]


@dataclass(frozen=True, slots=True, eq=False)
class Exit:
    """One time that a value left what is recorded: ``how``, as what, and where."""

    key: Any
    how: str
    result: Any
    place: Place | None


@dataclass(eq=False)
class Answer:
    """One gradient that a traced tape gave, with what it takes to walk back again."""

    target: Any
    sources: list[Tensor]
    results: list[Any]
    records: list[Any]
    seeds: Seeds
    selects: bool
    masks: bool
    foreign: bool
    #: Where the user asked for it.
    place: Place | None = None
    _cotangents: dict[Any, Any] | None = field(default=None, repr=False)

    def cotangents(self) -> dict[Any, Any]:
        """The cotangent of every value on the way back, bare, by key; walked when asked for."""
        if self._cotangents is None:
            keys = [key for key, _ in self.seeds] + [s.key for s in self.sources]
            for record in self.records:
                keys += record[1] if type(record[1]) is tuple else [record[1]]
                keys += [key for i, key in enumerate(record[3]) if record[2] >> i & 1]
            keys = list(dict.fromkeys(keys))
            with only(()):
                seeds = [(key, bare(g)) for key, g in self.seeds]
                shares = sweep(
                    self.records, seeds, keys, self.selects, self.masks, foreign=self.foreign
                )
            pairs = zip(keys, shares, strict=True)
            self._cotangents = {key: bare(share) for key, share in pairs if share is not None}
        return self._cotangents


class Trace(InBlock):
    """A recorder that keeps every operation it sees, whoever tracks its inputs.

    It may run beside a tape, which then hands it each gradient that it gives (``answers``), or
    alone.
    """

    #: It asks for nothing to be tracked, and never minds what is done with a tensor.
    tracked: frozenset[Any] = frozenset()

    def __init__(self) -> None:
        #: The keys that the tape beside it tracks, and its records.
        self.taped: Any = self.tracked
        self.records: list[Any] = []
        self._tape: Any = None
        self.forget()

    def forget(self) -> None:
        """Start anew."""
        #: The operations, oldest first.
        self.steps: list[Step] = []
        #: The gradients that the tape gave.
        self.answers: list[Answer] = []
        #: What the user's program calls a value, by key: the first name that it had.
        self.names: dict[Any, str] = {}
        #: What a value is called in one function ("" for nothing), and on which line it was called
        #: so, by the function's code and the key.
        self.local_names: dict[tuple[Any, Any], tuple[str, int]] = {}
        #: Which step made a value, by key.
        self.maker: dict[Any, Step] = {}
        #: Where values left what is recorded, by ``numpy()``, ``stop_gradient`` and the like.
        self.exits: list[Exit] = []
        #: What those who look at it keep with it.
        self.notes: dict[str, Any] = {}
        #: The variables that were used, by key.
        self.variables: dict[Any, Variable] = {}

    def beside(self, records: list[Any], taped: Any, tape: Any = None) -> None:
        """Start anew beside a tape that starts anew."""
        self.forget()
        self.records, self.taped = records, taped
        self._tape = None if tape is None else weakref.ref(tape)

    def record(
        self, primitive: Any, keys: Any, inputs: Any, arrays: Any, params: Any, out: Any, key: Any
    ) -> Any:
        """Keep one call; its result gets a key, so that it is known again."""
        frame = users_frame()
        if frame is not None:
            self._learn_names(inputs, frame)
            self._learn_local_names(inputs, frame)
        if key is None:
            key = new_key()
        values = tuple(
            [
                a.copy() if type(a) is np.ndarray and type(given) is np.ndarray else a
                for a, given in zip(arrays, inputs, strict=True)
            ]
        )
        place = place_of(frame) if frame is not None else None
        step = Step(len(self.steps), primitive, tuple(keys), values, tuple(params), out, key, place)
        step.tensors = tuple([isinstance(given, Tensor) for given in inputs])
        step.paused = self._tape is not None and self._tape() not in active()
        self.steps.append(step)
        for one, _ in step.results:
            self.maker[one] = step
        return key

    def left(self, tensor: Any, how: str, result: Any) -> None:
        """Keep that the value of a tensor becomes something that no recorder follows."""
        if tensor.key is not None:
            frame = users_frame()
            place = place_of(frame) if frame is not None else None
            self.exits.append(Exit(tensor.key, how, result, place))

    def answered(self, answer: Answer) -> None:
        """Keep a gradient that the tape gave."""
        self.answers.append(answer)
        self.learn_names(answer)

    def learn_names(self, answer: Answer) -> None:
        """Give a gradient's target and sources the caller's names, and note where it is asked."""
        frame = users_frame()
        if frame is not None:
            answer.place = place_of(frame)
            theirs = {id(value): name for name, value in names_in(frame) if name[0] != "_"}
            for t in [*answer.sources, *flatten(answer.target)]:
                if id(t) in theirs and t.key is not None and not self._is_named(t):
                    self.names[t.key] = theirs[id(t)]

    def name(self, nest: Any, names: Iterable[str]) -> None:
        """Call the tensors of a nest by names of one's own."""
        for t, name in zip(flatten(nest), names, strict=True):
            if isinstance(t, Tensor) and t.key is not None:
                self.names.setdefault(t.key, name)

    @staticmethod
    def _is_named(t: Tensor) -> bool:
        """Whether it is a variable to which the user gave a name."""
        return isinstance(t, Variable) and t.name not in ("Variable", "Variable:0")

    def _learn_names(self, inputs: Any, frame: Any) -> None:
        """Look in the user's frame for what an operation's inputs are called there."""
        unknown = {}
        for t in inputs:
            if isinstance(t, Tensor) and t.key is not None and t.key not in self.names:
                unknown[id(t)] = t.key
                if isinstance(t, Variable):
                    self.variables[t.key] = t
                if self._is_named(t):
                    self.names[t.key] = t.name  # type: ignore[attr-defined]
                    del unknown[id(t)]
        if unknown:
            for name, value in names_in(frame):
                if id(value) in unknown and not name.startswith("_"):
                    self.names.setdefault(unknown.pop(id(value)), name)
                    if not unknown:
                        return

    def _learn_local_names(self, inputs: Any, frame: Any) -> None:
        """Look for what an operation's inputs are called where it is, and in what called that."""
        for _ in range(_CALLERS):
            unknown = {}
            for t in inputs:
                if isinstance(t, Tensor) and t.key is not None:
                    place = frame.f_code, t.key
                    if place not in self.local_names:
                        self.local_names[place] = "", frame.f_lineno
                        unknown[id(t)] = place
            if unknown:
                for name, value in names_in(frame):
                    if id(value) in unknown and not name.startswith("_"):
                        self.local_names[unknown.pop(id(value))] = name, frame.f_lineno
                        if not unknown:
                            break
            caller = outer_frame(frame)
            if caller is None:
                return
            frame = caller
