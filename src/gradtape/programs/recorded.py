"""A traced function under recorders: one operation, whose derivatives are programs, too.

The derivative is traced from the function itself, on a tape: so it may be differentiated again, to
any order, in both modes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gradtape.calls import is_tracked
from gradtape.guards import Guard
from gradtape.nest import flatten, pack
from gradtape.programs.signatures import Static
from gradtape.recording import active, new_key, only
from gradtape.replays import Operation, pulled, pushed, shown, taping
from gradtape.tensor import Tensor, bare
from gradtape.variable import ALIVE

if TYPE_CHECKING:
    from gradtape.programs.function import Function, Program

__all__ = ["recorded"]


def recorded(
    function: Function, args: Any, kwargs: dict[str, Any], read: tuple[list[Any], list[Any], Any]
) -> Any:
    """Call a function under recorders, which see it as one operation.

    ``read`` is what ``signature`` gave of the arguments.
    """
    leaves = read[0]
    arrays = [t.array if isinstance(t, Tensor) else t for t in leaves]
    with only(()):
        program, results = function._found(args, kwargs, *read)
        if program is None:  # too many programs: as it is
            results = None
        else:
            values = [v.array for v in program.plan.state]
    if program is None or program.plan.written:
        return function.f(*args, **kwargs)
    plan = program.plan
    before = dict(zip(map(id, plan.state), values, strict=True))
    sources = _sources(plan, leaves)
    tracked = [(t, where) for t, where in sources if is_tracked(t)]
    outs = [i for i, kind in enumerate(plan.kinds) if kind and results[i].dtype.kind in "fc"]
    shares = [before[id(t)] for t in plan.state]
    program.assign(results)
    if not tracked or not outs:
        return plan.answer(results[: plan.computed], leaves)
    call = _Call(function, program, (args, kwargs), arrays, shares, tracked, outs)
    tensors = shown(call, [t for t, _ in tracked], [results[i] for i in outs])
    answered = list(results[: plan.computed])
    for i, t in zip(outs, tensors, strict=True):
        answered[i] = t
    return _answer(plan, answered, leaves)


def _answer(plan: Any, results: list[Any], leaves: list[Any]) -> Any:
    """The function's answer, some results of which are tensors already."""
    kinds = plan.kinds

    def kept(kind: Any) -> Callable[[Any], Any]:
        def made(value: Any) -> Any:
            return kind(value.array, value.key) if isinstance(value, Tensor) else kind(value)

        return made

    plan_kinds = [None if kind is None else kept(kind) for kind in kinds]
    return plan.answer(results, leaves, plan_kinds)


def _sources(plan: Any, leaves: list[Any]) -> list[tuple[Any, tuple[str, int]]]:
    """What has a derivative: each tensor once, and where it is."""
    found: dict[Any, tuple[Any, tuple[str, int]]] = {}
    for i in plan.given:
        t = leaves[i]
        if isinstance(t, Tensor) and t.key is not None and t.dtype.kind in "fc":
            found.setdefault(t.key, (t, ("given", i)))
    for i, t in enumerate(plan.state):
        if t.key is not None and t.dtype.kind in "fc":
            found.setdefault(t.key, (t, ("state", i)))
    return list(found.values())


class _Call(Operation):
    """One call of a traced function, as recorders see it."""

    def __init__(
        self,
        function: Function,
        program: Program,
        nest: Any,
        arrays: list[Any],
        state: list[Any],
        tracked: list[tuple[Any, tuple[str, int]]],
        outs: list[int],
    ) -> None:
        self.name = function.__name__
        self._guard = Guard()
        plan = program.plan
        self._function, self._plan = function, plan
        self._statics = [None if i in plan.given else leaf for i, leaf in enumerate(flatten(nest))]
        self._like = pack(nest, [0] * len(self._statics))
        leaves = flatten(nest)
        # Each value with the key under which recorders know it.
        self._given = [
            (_kept(self._guard, arrays[i], leaves[i], self.name, i), _key(leaves[i]))
            for i in plan.given
        ]
        self._state = [(array, t.key) for array, t in zip(state, plan.state, strict=True)]
        self._classes = [
            type(leaves[i]) if isinstance(leaves[i], Tensor) else None for i in plan.given
        ]
        self._keys = [t.key for t, _ in tracked]
        self._outs = outs
        self.inputs = [t for t, _ in tracked]
        self.shapes = [t.array.shape for t in self.inputs]
        graph_outs = [plan.graph.outputs[i] for i in outs]
        self.outs = [(node.shape, node.dtype) for node in graph_outs]

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
        return self._derivative("pull", batch)(*self._values(), cotangents)  # type: ignore[no-any-return]

    def tangents(self, tangents: list[Any], outs: list[Any], batch: tuple[int, ...]) -> list[Any]:
        """The program of the function's derivative in a direction."""
        self._guard.check()
        return self._derivative("push", batch)(*self._values(), tangents)  # type: ignore[no-any-return]

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

    def _derivative(self, mode: str, batch: tuple[int, ...]) -> Any:
        """The traced derivative of calls like this one."""
        function, plan = self._function, self._plan
        places = tuple(self._places())
        statics = tuple([Static(id(s)) for s in self._statics])
        state = tuple([id(t) for t in plan.state])
        key = mode, batch, places, tuple(self._outs), tuple(plan.given), repr(self._like)
        key = (*key, statics, state)  # type: ignore[assignment]
        known = function._derivatives.get(key)
        if known is None:
            body = _Body(function.f, plan, self._like, self._statics, self._classes, places)
            body.outs, body.batch, body.mode = self._outs, batch, mode
            made = type(function)(body, function.engine)
            known = function._derivatives.setdefault(key, (made, self._statics))
        return known[0]

    def _places(self) -> list[tuple[str, int]]:
        keys: dict[Any, tuple[str, int]] = {}
        for i, (_, key) in enumerate(self._given):
            keys.setdefault(key, ("given", i))
        for i, (_, key) in enumerate(self._state):
            keys.setdefault(key, ("state", i))
        return [keys[key] for key in self._keys]


def _key(leaf: Any) -> Any:
    return leaf.key if isinstance(leaf, Tensor) else None


def _kept(guard: Guard, array: Any, leaf: Any, name: str, i: int) -> Any:
    """What of an argument is kept: the user's own arrays under guard."""
    is_bare = not isinstance(leaf, Tensor) and hasattr(array, "nbytes") and hasattr(array, "base")
    return guard.keep(array, name, i) if is_bare and array.ndim else array


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
