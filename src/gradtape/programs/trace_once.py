"""Tracing: one run of a function on symbols gives its program, and what it returned this time."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np

from gradtape import errors
from gradtape.nest import flatten, pack, same_structure
from gradtape.patterns.templates import template_of
from gradtape.programs.entropy import no_entropy
from gradtape.programs.graph import Graph, Guard, Node
from gradtape.programs.outside import Outside
from gradtape.programs.recipes import taken
from gradtape.programs.rewrites import rewritten, without_dead_code
from gradtape.programs.signatures import is_given
from gradtape.programs.symbols import Symbol
from gradtape.programs.taped import tensors_of_symbols
from gradtape.programs.tracing import TraceError, Tracing, concrete
from gradtape.programs.verifying import evaluated
from gradtape.recording import only
from gradtape.tensor import Tensor
from gradtape.variable import ALIVE, Variable

__all__ = ["ONE", "Plan", "traced"]

#: One trace at a time: variables stand for symbols meanwhile. A fork waits for its end.
ONE = threading.RLock()
os.register_at_fork(before=ONE.acquire, after_in_parent=ONE.release, after_in_child=ONE.release)


class Plan:
    """What a trace found: the graph, and what goes in and out beside the arrays.

    Attributes
    ----------
    graph : its inputs are the given arguments and then the state; its outputs are the results,
        the values assigned to variables, and those written into arguments.
    given : the positions of the arguments' leaves that are inputs.
    state : the variables, and the tensors from outside, that are read.
    assigned : the variables that get a value.
    written : the positions of the arguments' leaves that are written into.
    kinds : per result that is computed its class, None for a bare array.
    holds : whether the names of the function still stand for what they did; None: it has none.
    strides : the layouts of the arguments, if they matter.
    takes : the structure and the leaves of the arguments, for a file.
    stabilize : whether the graph is to be rewritten to forms that keep digits.
    """

    def __init__(self, tracing: Tracing, given: list[int], stabilize: bool = False) -> None:
        self.graph: Graph = tracing.graph
        self.stabilize = stabilize
        self.given = given
        self.state: list[Any] = []
        self.assigned: list[Variable] = []
        self.written: list[int] = []
        self.kinds: list[Any] = []
        self.holds: Callable[[], bool] | None = None
        self.strides: list[Any] | None = None
        self.takes: Any = None
        self._like: Any = None
        self._leaves: list[Any] = []  # (what it is, what belongs to it)

    def answer(self, results: Any, leaves: list[Any], kinds: Any = None) -> Any:
        """The function's own kind of answer: a program's results, in their nest."""
        if self._simple:
            return results[0]
        kinds, packed = kinds or self.kinds, []
        for what, which in self._leaves:
            if what == "computed":
                kind = kinds[which]
                packed.append(results[which] if kind is None else kind(results[which]))
            else:
                packed.append(leaves[which] if what == "argument" else which)
        return pack(self._like, packed)

    @property
    def computed(self) -> int:
        """How many results are computed."""
        return len(self.kinds)

    def note_results(self, result: Any, own: list[Any]) -> list[Any]:
        """Note what the function returned; return what of it is computed."""
        values: list[Any] = []
        out = flatten(result)
        for leaf in out:
            argument = next((i for i, o in enumerate(own) if o is leaf), None)
            if argument is not None and isinstance(leaf, (Tensor, np.ndarray)):
                self._leaves.append(("argument", argument))
                continue
            template = template_of(leaf)
            array = leaf.array if isinstance(leaf, Tensor) else leaf
            array = array if template is None else leaf.data
            is_array = type(array) is Symbol or isinstance(array, np.ndarray)
            if isinstance(leaf, Variable) or not (is_array or isinstance(leaf, Tensor)):
                if hasattr(type(leaf), "__next__"):
                    raise TraceError(
                        f"a traced function returned {errors.describe(leaf)}, which can be used up "
                        "only once: return a list"
                    )
                self._leaves.append(("static", leaf))
                continue
            known = [i for i, v in enumerate(values) if v is leaf and self.kinds[i] is None]
            if known:  # an array that stands in several places
                self._leaves.append(("computed", known[0]))
                continue
            self._leaves.append(("computed", len(values)))
            self.kinds.append(leaf.result_class if isinstance(leaf, Tensor) else template)
            values.append(array)
        self._like = pack(result, [0] * len(out))
        self._simple = type(self._like) is int and self.kinds == [None]
        return values

    _simple = False


def traced(
    f: Callable[..., Any], args: Any, kwargs: Any, stabilize: bool = False
) -> tuple[Plan, list[Any]]:
    """Run a function on symbols.

    With ``stabilize``, Python sees what the stabilised program will find, not what the function
    computes.

    Returns
    -------
    Its plan, and the values of the graph's outputs this time.

    Raises
    ------
    TraceError : it did something that a program could not do again.
    """
    with ONE, only(()):
        try:
            found = _attempt(f, args, kwargs, stabilize)
            if isinstance(found, str):  # it made what it needs: now it is there
                found = _attempt(f, args, kwargs, stabilize)
        except ValueError as error:
            if isinstance(error.__cause__, TraceError):
                raise error.__cause__ from None  # NumPy turned it into another
            raise
        if isinstance(found, str):
            raise TraceError(
                f"a traced function changed what {found!r} stands for: a program would not do "
                "that again. Keep what changes in a gradtape.Variable, or return it."
            )
        return found


def _attempt(
    f: Callable[..., Any], args: Any, kwargs: Any, stabilize: bool
) -> tuple[Plan, list[Any]] | str:
    """``traced``, or the name of what the function changed."""
    leaves = flatten((args, kwargs))
    outside = Outside(f, [leaf for leaf in leaves if not is_given(leaf)])
    tracing = Tracing()
    own, given = _own_leaves(tracing, leaves)
    before = list(ALIVE.values())
    swapped: list[Any] = [*before, *outside.tensors.values()]
    plan = Plan(tracing, given, stabilize)
    plan.takes = taken(args, kwargs)
    ALIVE.made = []
    with _as_symbols(tracing, swapped) as state:
        if stabilize:
            now = [leaves[i] for i in given] + [symbol.value for symbol in state.values()]
            tracing.found = _Stabilized(tracing, now)
        tracing.raising = outside.says("errstate", "seterr")
        with no_entropy(), tensors_of_symbols(), tracing:
            own_args, own_kwargs = pack((args, kwargs), own)
            # What overflows here does not where it is stabilised: no warning of that.
            with np.errstate(all="ignore") if stabilize else nullcontext():
                result = f(*own_args, **own_kwargs)
            _check_same_nest((args, kwargs), (own_args, own_kwargs), own)
            values = plan.note_results(result, own)
            plan.assigned = [v for v in before if v.array is not state[id(v)]]
            values += [v.array for v in plan.assigned]
            _check_not_written(swapped[len(before) :], state)
            values += _note_written(plan, own, leaves)
            tracing.finish()
            plan.graph.outputs = [tracing.node_of(value) for value in values]
        nodes = [(v, state[id(v)].node) for v in swapped]
        made = ALIVE.made or []
    now = [_value(value) for value in values]
    del own, own_args, own_kwargs, result, values, state
    rebound = _as_they_were_made(made) or outside.rebound()
    outside.check_unharmed()
    _check_nothing_kept(tracing)
    if rebound is not None:
        return rebound
    plan.holds = outside.guard()
    _read_only(plan, nodes)
    if tracing.wrote:
        plan.strides = [_strides(leaves[i]) for i in given]
    return plan, now


#: So often, the values that Python looks at are computed as a stabilised program computes them.
STABLE_LOOKS = 64


class _Stabilized:
    """What the stabilised program will find for a symbol, when Python looks at it."""

    def __init__(self, tracing: Tracing, values: list[Any]) -> None:
        self._graph, self._looks = tracing.graph, 0
        self._values = [v.array if isinstance(v, Tensor) else v for v in values]

    def __call__(self, symbol: Any) -> Any:
        self._looks += 1
        if self._looks > STABLE_LOOKS:  # a guard that fails then is another program's
            return symbol.value
        so_far = Graph(list(self._graph.nodes), list(self._graph.inputs), [symbol.node])
        graph = rewritten(without_dead_code(so_far), stabilize=True)
        values = evaluated(graph, self._values)
        return dict(zip(graph.nodes, values, strict=True))[graph.outputs[0]]


def _own_leaves(tracing: Tracing, leaves: list[Any]) -> tuple[list[Any], list[int]]:
    """The arguments with symbols in them, and the positions of those that have some."""
    own, given = [], []
    for i, leaf in enumerate(leaves):
        if not is_given(leaf):
            own.append(leaf)
            continue
        given.append(i)
        tensor = isinstance(leaf, Tensor)
        if not tensor and getattr(leaf, "dtype", None) == np.dtype(object):
            raise TypeError(
                "an argument of a traced function is an array of Python objects: give arrays of "
                "numbers"
            )
        symbol = tracing.input(leaf.array if tensor else leaf)
        own.append(leaf.result_class(symbol) if tensor else symbol)
    return own, given


@contextmanager
def _as_symbols(tracing: Tracing, tensors: list[Any]) -> Iterator[dict[int, Any]]:
    """Tensors have symbols for arrays in the block; afterwards, what they had before."""
    arrays = [t.array for t in tensors]
    state = {}
    try:
        for t, array in zip(tensors, arrays, strict=True):
            t.array = state[id(t)] = tracing.input(array)
        yield state
    except BaseException:
        for ref, array in ALIVE.made or ():  # as it was made, a variable may go on
            made = ref()
            if made is not None:
                made.array = concrete(array)
        raise
    finally:
        tracing.open, ALIVE.made = False, None
        for t, array in zip(tensors, arrays, strict=True):
            t.array = array


def _as_they_were_made(made: list[tuple[Any, Any]]) -> str | None:
    """Give variables that the function made, and that live on, their first values; one's name."""
    found = None
    while made:
        ref, array = made.pop()
        variable = ref()
        if variable is None:
            continue
        if type(array) is Symbol:
            raise TraceError(
                f"a traced function made the variable {variable.name!r} of a value that it "
                "computed: make it outside, of numbers, and assign to it in the function"
            )
        variable.array = array
        found = variable.name
    return found


def _check_same_nest(given: Any, now: Any, own: list[Any]) -> None:
    """Raise if something was put into a list, a dict or a dataclass that is an argument."""
    leaves = flatten(now)
    same = len(leaves) == len(own) and all([a is b for a, b in zip(leaves, own, strict=True)])
    if not (same and same_structure(given, now)):
        raise TraceError(
            "a traced function put something else into a list, a dict or a dataclass that is an "
            "argument, or took something out: a program would not do that again. Write into the "
            "arrays in it (d['a'][...] = v), work on a copy (dict(d)), or return what is new."
        )


def _note_written(plan: Plan, own: list[Any], leaves: list[Any]) -> list[Any]:
    """Note which arguments were written into; return their new values."""
    values = []
    inputs = plan.graph.inputs
    for node, i in zip(inputs, plan.given, strict=False):
        array = own[i].array if isinstance(own[i], Tensor) else own[i]
        if type(array) is not Symbol or array.node is not node:
            plan.written.append(i)
            values.append(array)
    if plan.written:
        check_apart(plan, leaves)
    return values


def check_apart(plan: Plan, leaves: list[Any]) -> None:
    """Raise if arguments share memory, and one of them is written into.

    Raises
    ------
    TraceError : they do.
    """
    arrays = {
        i: leaves[i].array if isinstance(leaves[i], Tensor) else leaves[i] for i in plan.given
    }
    for i in plan.written:
        for j, array in arrays.items():
            both = isinstance(arrays[i], np.ndarray) and isinstance(array, np.ndarray)
            if i != j and both and np.may_share_memory(arrays[i], array):
                raise TraceError(
                    "a traced function writes into an argument that shares memory with another "
                    "one: pass a copy of one of them"
                )


def _check_not_written(tensors: list[Any], state: dict[int, Any]) -> None:
    for t in tensors:
        if t.array is not state[id(t)]:
            raise TraceError(
                f"a traced function wrote into {errors.describe(t)} from outside of it: pass it "
                "as an argument, or keep it in a gradtape.Variable and assign to that"
            )


def _read_only(plan: Plan, nodes: list[tuple[Any, Node]]) -> None:
    """Leave out the inputs for variables and tensors that the graph does not read."""
    graph = plan.graph
    read: set[Node] = {*graph.outputs, *[guard.node for guard in graph.guards]}
    for node in graph.nodes:
        read.update(node.inputs)
    kept = [(t, node) for t, node in nodes if node in read]
    graph.inputs = [*graph.inputs[: len(plan.given)], *[node for _, node in kept]]
    unread = {node for _, node in nodes if node not in read}
    if unread:
        _renumber(graph, unread)
    plan.state = [t for t, _ in kept]


def _renumber(graph: Graph, gone: set[Node]) -> None:
    """Take nodes that nothing reads out of a graph."""
    before = [0]
    for node in graph.nodes:
        before.append(before[-1] + (node not in gone))
    graph.guards = [Guard(g.node, g.look, g.seen, before[g.position]) for g in graph.guards]
    graph.nodes = [node for node in graph.nodes if node not in gone]
    for i, node in enumerate(graph.nodes):
        node.number = i


def _value(value: Any) -> Any:
    """What a result is this time: an array of its own."""
    if type(value) is Symbol:
        node, value = value.node, value.value
        if isinstance(value, np.ndarray) and (node.is_given or value.base is not None):
            return value.copy()
        return value
    return value.copy() if isinstance(value, np.ndarray) else value


def _strides(leaf: Any) -> Any:
    array = leaf.array if isinstance(leaf, Tensor) else leaf
    return getattr(array, "strides", None)


def _check_nothing_kept(tracing: Tracing) -> None:
    """Raise if something outside of the function holds what it computed."""
    if tracing.alive():
        gc.collect()
    kept = tracing.alive()
    if kept:
        raise TraceError(
            f"a traced function kept a value that it computed ({errors.describe(kept[0].value)}) "
            "outside of itself, in a list, an attribute, a closure or a global: a program could "
            "not do that again. Return it instead, or assign it to a gradtape.Variable."
        )
