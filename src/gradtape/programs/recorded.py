"""A traced function under recorders: one operation, whose derivatives are programs, too.

The derivative is traced from the function itself, on a tape: so it may be differentiated again, to
any order, in both modes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from numpy import ndarray

from gradtape.calls import is_tracked
from gradtape.guards import Guard
from gradtape.nest import flatten, pack
from gradtape.patterns.templates import Template
from gradtape.programs.cells import Cell
from gradtape.programs.residuals import Residuals
from gradtape.programs.signatures import Static
from gradtape.recording import active, new_key
from gradtape.replays import Operation, pulled, pushed, shown, taping
from gradtape.tensor import Tensor, bare
from gradtape.variable import ALIVE

if TYPE_CHECKING:
    from gradtape.programs.function import Function, Program

__all__ = ["Frame", "recorded"]


def recorded(
    function: Function, args: Any, kwargs: dict[str, Any], read: tuple[list[Any], list[Any], Any]
) -> Any:
    """Call a function under recorders, which see it as one operation.

    ``read`` is what ``signature`` gave of the arguments.
    """
    leaves = read[0]
    program, results = function._found(args, kwargs, *read, recorded=True)
    if program is None or program.plan.written:  # too many programs: as it is
        return function.f(*args, **kwargs)
    plan, frame = program.plan, program.frame
    if frame is None:
        frame = program.frame = Frame(function, program, (args, kwargs), leaves)
    tracked, places = frame.tracked(leaves)
    if tracked and frame.has_templates:
        return function.f(*args, **kwargs)  # no tensors: it may be refused
    state = [t.array for t in plan.state]
    program.assign(results)
    if not tracked or not frame.outs:
        return plan.answer(results[: plan.computed], leaves)
    call = _Call(frame, leaves, state, tracked, places)
    count = len(plan.graph.outputs)
    if len(results) > count:
        call.residuals, call.kept = program.residuals, results[count:]
    answered = list(results[: plan.computed])
    tensors = shown(call, tracked, [answered[i] for i in frame.outs])
    for i, t in zip(frame.outs, tensors, strict=True):
        answered[i] = t
    return plan.answer(answered, leaves, frame.kinds)


class Frame:
    """What all calls that one program runs have in common."""

    def __init__(self, function: Function, program: Program, nest: Any, leaves: list[Any]) -> None:
        plan = program.plan
        given = set(plan.given)
        self.function, self.program, self.plan = function, program, plan
        self.name = function.__name__
        self.statics = [None if i in given else leaf for i, leaf in enumerate(leaves)]
        self.like = pack(nest, [0] * len(leaves))
        self.classes = [
            type(leaves[i]) if isinstance(leaves[i], Tensor) else None for i in plan.given
        ]
        #: The results that have derivatives, and what they are.
        self.outs = [
            i
            for i, kind in enumerate(plan.kinds)
            if kind and getattr(plan.graph.outputs[i].dtype, "kind", "") in ("f", "c")
        ]
        nodes = [plan.graph.outputs[i] for i in self.outs]
        self.forms = [(node.shape, node.dtype) for node in nodes]
        self.kinds = [None if kind is None else _kept_kind(kind) for kind in plan.kinds]
        self.has_templates = any([isinstance(kind, Template) for kind in plan.kinds])
        # Where tensors with derivatives may be: among what is given, and in the state.
        self._given = [
            (("given", place), i)
            for place, i in enumerate(plan.given)
            if isinstance(leaves[i], Tensor) and leaves[i].dtype.kind in "fc"
        ]
        self._state = [
            (("state", place), t)
            for place, t in enumerate(plan.state)
            if not isinstance(t, Cell) and t.dtype.kind in "fc"
        ]
        self._derivatives: dict[Any, Any] = {}

    def tracked(self, leaves: list[Any]) -> tuple[list[Any], tuple[Any, ...]]:
        """What recorders track of a call: each tensor once, and where it is."""
        found: dict[Any, tuple[Any, Any]] = {}
        for place, i in self._given:
            t = leaves[i]
            if t.key is not None and t.key not in found and is_tracked(t):
                found[t.key] = t, place
        for place, t in self._state:
            if t.key is not None and t.key not in found and is_tracked(t):
                found[t.key] = t, place
        return [t for t, _ in found.values()], tuple([place for _, place in found.values()])

    def derivative(self, mode: str, batch: tuple[int, ...], places: tuple[Any, ...]) -> Any:
        """The traced derivative of such calls; programs of the same arguments share it."""
        short = mode, batch, places
        known = self._derivatives.get(short)
        if known is None:
            function, plan = self.function, self.plan
            statics = tuple([Static(id(s)) for s in self.statics])
            state = tuple([id(t) for t in plan.state])
            key = (*short, tuple(self.outs), tuple(plan.given), repr(self.like), statics, state)
            known = function._derivatives.get(key)
            if known is None:
                body = _Body(function.f, plan, self.like, self.statics, self.classes, places)
                body.outs, body.batch, body.mode = self.outs, batch, mode
                made = type(function)(body, function.engine, function.stabilize)
                known = function._derivatives.setdefault(key, (made, self.statics))
            self._derivatives[short] = known
        return known[0]


def _kept_kind(kind: Any) -> Callable[[Any], Any]:
    """What makes a result of what may be a tensor already."""

    def made(value: Any) -> Any:
        if isinstance(value, Tensor):
            return value if type(value) is kind else kind(value.array, value.key)
        return kind(value)

    return made


class _Call(Operation):
    """One call of a traced function, as recorders see it."""

    def __init__(
        self,
        frame: Frame,
        leaves: list[Any],
        state: list[Any],
        tracked: list[Any],
        places: tuple[Any, ...],
    ) -> None:
        self.name, self._frame, self._places = frame.name, frame, places
        self._guard = Guard()
        plan = frame.plan
        # Each value with the key under which recorders know it.
        self._given = []
        for i in plan.given:
            leaf = leaves[i]
            if isinstance(leaf, Tensor):
                self._given.append((leaf.array, leaf.key))
            else:
                self._given.append((_kept(self._guard, leaf, frame.name, i), None))
        self._state = [
            (array.copy() if isinstance(t, Cell) and hasattr(array, "copy") else array, t.key)
            for array, t in zip(state, plan.state, strict=True)
        ]
        self.inputs = tracked
        self.shapes = [t.array.shape for t in tracked]
        self.outs = frame.forms
        #: What the forward program handed over for the gradient, and to what.
        self.residuals: Residuals | None = None
        self.kept: Any = ()

    def pull_masked(
        self, g: Any, alive: Any, record: Any, bare_values: Any, batch: tuple[int, ...]
    ) -> list[tuple[Any, Any, Any]]:
        """The share of each tracked input that the outputs with a cotangent depend on."""
        cotangents = g if type(g) is list else [g]
        nested = bool(active())
        if nested:
            cotangents = [
                c if c is None or isinstance(c, Tensor) else Tensor(c) for c in cotangents
            ]
        shares = self.shares(cotangents, (), batch)
        return [
            (key, share if nested else bare(share), None)
            for i, (key, share) in enumerate(zip(record[3], shares, strict=True))
            if record[2] >> i & 1 and share is not None
        ]

    def shares(
        self, cotangents: list[Any], out_keys: tuple[Any, ...], batch: tuple[int, ...]
    ) -> list[Any]:
        """The program of the function's pullback."""
        self._guard.check()
        made = self._frame.derivative("pull", batch, self._places)
        if active() or batch:
            return made(*self._values(), cotangents)  # type: ignore[no-any-return]
        given, state = self._values()
        if self.residuals is not None and self.residuals.derivative is made:
            shares = self.residuals.shares(self.kept, [*given, *state], cotangents)
            if shares is not None:
                return shares
        shares = made(given, state, cotangents)
        self._frame.program.differentiated(made)
        return shares  # type: ignore[no-any-return]

    def tangents(self, tangents: list[Any], outs: list[Any], batch: tuple[int, ...]) -> list[Any]:
        """The program of the function's derivative in a direction."""
        self._guard.check()
        made = self._frame.derivative("push", batch, self._places)
        return made(*self._values(), tangents)  # type: ignore[no-any-return]

    def _values(self) -> Any:
        """What the function was called with; as tensors under their keys where recorders look."""
        if not active():
            return [v for v, _ in self._given], [v for v, _ in self._state]
        return tuple(
            [
                [v if key is None else Tensor(v, key) for v, key in pairs]
                for pairs in (self._given, self._state)
            ]
        )


def _key(leaf: Any) -> Any:
    return leaf.key if isinstance(leaf, Tensor) else None


def _kept(guard: Guard, array: Any, name: str, i: int) -> Any:
    """What of an argument is kept: the user's own arrays under guard."""
    return guard.keep(array, name, i) if isinstance(array, ndarray) and array.ndim else array


class _Body:
    """What computes the derivative: it runs the function again, on a tape or in forward mode."""

    outs: list[int]
    batch: tuple[int, ...]
    mode: str

    def __init__(
        self, f: Any, plan: Any, like: Any, statics: list[Any], classes: list[Any], places: Any
    ) -> None:
        self.f, self._plan, self._like, self._statics = f, plan, like, statics
        self._classes, self._places = classes, places
        self.__name__ = f"derivative of {getattr(f, '__name__', 'a function')}"

    def __call__(self, given: list[Any], state: list[Any], seeds: list[Any]) -> list[Any]:
        """Per source its cotangent, or per output its tangent; None for none."""
        as_tensors = any([isinstance(v, Tensor) for v in [*given, *state, *seeds]])
        # Tensors keep their keys: who differentiates this sees what is done with them.
        own = [
            v if c is None else c(bare(v), _key(v))
            for v, c in zip(given, self._classes, strict=True)
        ]
        everything: list[Any] = list(self._statics)
        for i, v in zip(self._plan.given, own, strict=True):
            everything[i] = v
        args, kwargs = pack(self._like, everything)
        tensors = self._plan.state
        with _standing_for(tensors, state):
            sources = [own[i] if where == "given" else tensors[i] for where, i in self._places]
            shares = self._derived(args, kwargs, sources, seeds)
        if as_tensors:
            return [s if s is None or isinstance(s, Tensor) else Tensor(s) for s in shares]
        return [None if s is None else bare(s) for s in shares]

    def _run(self, args: Any, kwargs: Any) -> list[Any]:
        found = flatten(self.f(*args, **kwargs))
        computed = [t for t in found if isinstance(t, Tensor) or hasattr(t, "ndim")]
        return [computed[i] for i in self.outs] if len(computed) == len(self._plan.kinds) else found

    def _derived(self, args: Any, kwargs: Any, sources: list[Any], seeds: list[Any]) -> list[Any]:
        if self.mode == "push":
            return pushed(lambda: self._run(args, kwargs), sources, seeds, self.batch)
        with taping(sources) as tape:
            outs = self._run(args, kwargs)
        reached = [(out, g) for out, g in zip(outs, seeds, strict=True) if g is not None]
        outs, seeds = [list(part) for part in zip(*reached, strict=True)]
        return pulled(tape, outs, seeds, sources, self.batch)


class _standing_for:  # noqa: N801  (used like a function)
    """Variables and tensors have other arrays in the block; no variable keeps what it gets."""

    def __init__(self, tensors: list[Any], arrays: list[Any]) -> None:
        self._tensors, self._arrays = tensors, arrays

    def __enter__(self) -> None:
        tensors: list[Any] = [*ALIVE.values(), *self._tensors]
        self._before = [(t, t.array, t.key) for t in tensors]
        for t, value in zip(self._tensors, self._arrays, strict=True):
            t.array = bare(value)
            if isinstance(value, Tensor):
                t.key = value.key or new_key()

    def __exit__(self, *exception: object) -> None:
        for t, array, key in self._before:
            t.array, t.key = array, key
