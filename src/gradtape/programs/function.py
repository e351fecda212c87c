"""``gt.function``: trace a function once, and run it as one program."""

from __future__ import annotations

import functools
import gc
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from gradtape import errors
from gradtape.nest import flatten, pack
from gradtape.programs.graph import Graph, Node
from gradtape.programs.numpy_engine import GuardFailed, NumpyProgram
from gradtape.programs.rewrites import rewritten
from gradtape.programs.symbols import Symbol, TraceError, Tracing
from gradtape.recording import active
from gradtape.tensor import Tensor
from gradtape.variable import ALIVE, Variable

__all__ = ["Function", "function"]

#: From this many traces on, a warning says so.
MANY_TRACES = 16

#: What an argument's leaf is.
_NUMBERS = (int, float, complex)


def function(f: Callable[..., Any] | None = None, *, engine: str | None = None) -> Any:
    """Trace a function once, and run it as one program from then on.

    Parameters
    ----------
    f : a function of arrays, tensors, Python numbers and nests of them; other arguments (strings,
        flags, ...) must be hashable, and each of their values has a program of its own.
    engine : ``"numpy"``, or None for the best that is installed.

    Returns
    -------
    Function : a function that does the same.

    Examples
    --------
    >>> import numpy as np, gradtape as gt
    >>> @gt.function
    ... def slope(x):
    ...     return gt.grad(lambda x: np.sum(np.sin(x) * x))(x)
    >>> slope(np.array([0.0, 1.0]))
    array([0.        , 1.38177329])
    >>> slope(np.array([2.0, 3.0])), slope.traces
    (array([ 0.07700375, -2.82885748]), 1)
    """
    if f is None:
        return functools.partial(function, engine=engine)
    return Function(f, engine)


class Function:
    """A function that is traced and run as a program; ``gradtape.function`` makes it."""

    def __init__(self, f: Callable[..., Any], engine: str | None = None) -> None:
        if not callable(f):
            raise TypeError(
                f"argument `f` of function must be a function, but is {errors.describe(f)}"
            )
        if engine not in (None, "numpy"):
            raise ValueError(f"argument `engine` of function must be 'numpy', not {engine!r}")
        self.f = f
        self.traces = 0
        self._programs: dict[Any, list[_Traced]] = {}
        functools.update_wrapper(self, f)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program for these arguments; trace it first if there is none."""
        if active():  # other recorders are to see what happens
            return self.f(*args, **kwargs)
        leaves = flatten((args, kwargs)) if kwargs else _flat(args)
        signature = _signature(leaves, args, kwargs)
        if signature is None:  # within another trace
            return self.f(*args, **kwargs)
        programs = self._programs.get(signature)
        if programs is not None:
            for i, program in enumerate(programs):
                try:
                    results = program.run(*[leaves[j] for j in program.given], *program.state())
                except GuardFailed:
                    continue
                if i:
                    programs.insert(0, programs.pop(i))
                return program.answer(results)
        program, answer = _trace(self.f, args, kwargs)
        self._programs.setdefault(signature, []).insert(0, program)
        self.traces += 1
        if self.traces == MANY_TRACES:
            warnings.warn(
                f"{errors.named(self.f)} was traced {self.traces} times: each shape, dtype and "
                "static argument, and each way through its branches and loops, is a program of "
                "its own",
                stacklevel=2,
            )
        return answer

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(self, instance)


def _flat(args: tuple[Any, ...]) -> list[Any]:
    leaves = []
    for a in args:
        if type(a) is np.ndarray or type(a) is float:
            leaves.append(a)
        else:
            leaves += flatten(a)
    return leaves


def _signature(leaves: list[Any], args: Any, kwargs: Any) -> Any:
    """What decides which programs may run: None within another trace."""
    parts: list[Any] = []
    for leaf in leaves:
        kind = type(leaf)
        if kind is np.ndarray:
            parts.append((leaf.shape, leaf.dtype))
        elif kind in _NUMBERS or isinstance(leaf, np.generic):
            parts.append(kind)
        elif kind is Symbol:
            return None
        elif isinstance(leaf, Variable):
            parts.append(("variable", leaf.key))
        elif isinstance(leaf, Tensor):
            if type(leaf.array) is Symbol:
                return None
            parts.append((kind, leaf.shape, leaf.dtype))
        else:
            try:
                hash(leaf)
            except TypeError:
                raise TypeError(
                    f"an argument of a traced function is {errors.describe(leaf)}: pass arrays, "
                    "tensors and numbers, or something hashable that stays the same"
                ) from None
            parts.append(("static", kind, leaf))
    structure = None if len(leaves) == len(args) and not kwargs else _structure((args, kwargs))
    return tuple(parts), structure


def _structure(nest: Any) -> Any:
    """The structure of a nest, hashable."""
    return repr(pack(nest, [0] * len(flatten(nest))))


class _Traced:
    """One program of a function, and what goes in and out beside the arrays."""

    def __init__(
        self,
        graph: Graph,
        given: list[int],
        variables: list[Variable],
        assigned: list[Variable],
        answer: Callable[[Any], Any],
    ) -> None:
        self.graph = graph
        self.given, self.variables, self.assigned = given, variables, assigned
        self.run = NumpyProgram(graph)
        self._answer = answer

    def state(self) -> list[Any]:
        """The values of the variables that it reads, as they are now."""
        return [v.array for v in self.variables]

    def answer(self, results: tuple[Any, ...]) -> Any:
        """Assign what it assigns, and return what the function returns."""
        if self.assigned:
            count = len(results) - len(self.assigned)
            for variable, value in zip(self.assigned, results[count:], strict=True):
                variable.array = value
        return self._answer(results)


def _trace(f: Callable[..., Any], args: Any, kwargs: Any) -> tuple[_Traced, Any]:
    """Run a function on symbols: its program, and what it returned this time."""
    tracing = Tracing()
    leaves = flatten((args, kwargs))
    given: list[int] = []
    symbols = []
    for i, leaf in enumerate(leaves):
        if isinstance(leaf, Variable) or not _is_input(leaf):
            symbols.append(leaf)
            continue
        given.append(i)
        tensor = isinstance(leaf, Tensor)
        symbol = tracing.input(leaf.array if tensor else leaf)
        symbols.append(leaf.result_class(symbol) if tensor else symbol)
    own_args, own_kwargs = pack((args, kwargs), symbols)
    before = {v: v.array for v in list(ALIVE.values())}
    state = {}
    try:
        for v in before:
            v.array = state[v] = tracing.input(before[v])
        result = f(*own_args, **own_kwargs)
        assigned = [v for v in before if v.array is not state[v]]
        after = [v.array for v in assigned]
    finally:
        tracing.open = False
        for v, array in before.items():
            v.array = array
    out = flatten(result)
    arrays = [t.array if isinstance(t, Tensor) else t for t in out]
    moving = [i for i, a in enumerate(arrays) if type(a) is Symbol]
    tracing.graph.outputs = [tracing.node_of(a) for a in [*[arrays[i] for i in moving], *after]]
    traced_inputs = [(v, state[v].node) for v in before]
    values = [getattr(a, "value", a) for a in after]
    kinds = [(type(t).result_class if isinstance(t, Tensor) else None) for t in out]
    plain = [getattr(a, "value", a) for a in arrays]
    statics = [None if i in moving else t for i, t in enumerate(out)]
    like = pack(result, [0] * len(out))
    del own_args, own_kwargs, symbols, symbol, result, out, arrays, after, state
    _check_nothing_kept(tracing)
    for v, value in zip(assigned, values, strict=True):
        v.array = value
    graph, variables = _without_unread(tracing.graph, len(given), traced_inputs)
    answer = _answering(like, statics, moving, kinds)
    program = _Traced(rewritten(graph), given, variables, assigned, answer)
    return program, answer([plain[i] for i in moving])


def _is_input(leaf: Any) -> bool:
    return type(leaf) in _NUMBERS or isinstance(leaf, (np.ndarray, np.generic, Tensor))


def _answering(
    like: Any, statics: list[Any], moving: list[int], kinds: list[Any]
) -> Callable[[Any], Any]:
    """What makes the function's own kind of answer of a program's results."""
    if moving == [0] and len(statics) == 1 and like == 0:
        kind = kinds[0]
        return (lambda results: results[0]) if kind is None else (lambda results: kind(results[0]))

    def answer(results: Any) -> Any:
        leaves = list(statics)
        for i, value in zip(moving, results, strict=False):
            kind = kinds[i]
            leaves[i] = value if kind is None else kind(value)
        return pack(like, leaves)

    return answer


def _without_unread(
    graph: Graph, arguments: int, variables: list[tuple[Variable, Node]]
) -> tuple[Graph, list[Variable]]:
    """The graph without the inputs for variables that it does not read."""
    read: set[Node] = {*graph.outputs, *[guard.node for guard in graph.guards]}
    for node in graph.nodes:
        read.update(node.inputs)
    kept = [(v, node) for v, node in variables if node in read]
    graph.inputs = [*graph.inputs[:arguments], *[node for _, node in kept]]
    return graph, [v for v, _ in kept]


def _check_nothing_kept(tracing: Tracing) -> None:
    """Raise if something outside of the function holds what it computed."""
    if tracing.alive():
        gc.collect()
    kept = tracing.alive()
    if kept:
        raise TraceError(
            f"a traced function kept a value that it computed ({errors.describe(kept[0].value)}) "
            "outside of itself, in a list, an attribute or a global: a program could not do that "
            "again. Return it instead, or keep it in a gradtape.Variable."
        )
