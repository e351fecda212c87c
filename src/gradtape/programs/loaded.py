"""A function out of a file: its programs, and its own variables."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from gradtape import errors
from gradtape.calls import is_tracked
from gradtape.programs.engines import engine_for
from gradtape.programs.files import ProgramFileError, read, save
from gradtape.programs.function import Program
from gradtape.programs.graph import Graph, Node
from gradtape.programs.numpy_engine import GuardFailed
from gradtape.programs.opaque import apply
from gradtape.programs.recipes import Leaf, Recipe, built, described, taken, taken_apart, told
from gradtape.programs.rewrites import rewritten
from gradtape.programs.signatures import signature
from gradtape.programs.trace_once import check_apart
from gradtape.programs.tracing import is_symbol, op_function
from gradtape.recording import active
from gradtape.sweep import QUIET
from gradtape.tensor import Tensor
from gradtape.variable import Variable

__all__ = ["Loaded", "load"]

#: So many signatures are remembered at most: variables are told apart in them.
_MOST_KNOWN = 256


def load(
    path: str | os.PathLike[str],
    *,
    classes: Iterable[type] = (),
    engine: str | None = None,
    max_bytes: int | None = None,
) -> Loaded:
    """Read a function that was traced and saved with ``f.save(path)``.

    Parameters
    ----------
    path : the file.
    classes : of named tuples and dataclasses that go in or come out, known by their names. In the
        place of others, named tuples of the same fields come out.
    engine : what runs it, as for ``gradtape.function``.
    max_bytes : how much the file may unpack to, in bytes; None stands for 1 GiB, or 16 times the
        size of the file if that is more.

    Returns
    -------
    A function that does what the traced one did, for arguments of the shapes, dtypes and static
    values with which it was traced. Its variables are its own, with the values that they had when
    the file was written: ``loaded.variables``.

    Raises
    ------
    ProgramFileError : the file is no such file, is damaged, was written by a newer gradtape, names
        operations that this one does not know, or unpacks to more than ``max_bytes``.
    OSError : it cannot be read.
    ImportError, ValueError : there is no such engine, or it needs a package that is not installed.

    Notes
    -----
    A file holds no code, and nothing that Python would run on reading it: operations are looked up
    by name among gradtape's primitives and a list of NumPy's functions. It may still ask for as
    much memory and time as any computation can.

    Examples
    --------
    >>> import pathlib, tempfile, numpy as np, gradtape as gt
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "slope.gt"
    >>> slope = gt.function(gt.grad(lambda x: np.sum(x**3)))
    >>> slope(np.array([1.0, 2.0]))
    array([ 3., 12.])
    >>> slope.save(path)
    >>> loaded = gt.load(path)
    >>> loaded(np.array([3.0, 4.0]))
    array([27., 48.])
    >>> loaded(np.array(3.0))
    Traceback (most recent call last):
        ...
    ValueError: ...(float64) cannot be called: the function was saved with programs for ...
    """
    engine_for(engine)  # its errors
    name, recipes = read(path, max_bytes)
    return Loaded(name, recipes, {cls.__qualname__: cls for cls in classes}, engine)


class Loaded:
    """A function out of a file, which ``gradtape.load`` reads.

    It is called as the function was that was saved, with arguments of the same shapes, dtypes and
    static values. A variable that was an argument is one again: give any of its shape and dtype.

    Attributes
    ----------
    variables : those that it uses and that are no arguments, in the order in which it met them.
    """

    def __init__(
        self, name: str, recipes: Sequence[Recipe], classes: Mapping[str, Any], engine: str | None
    ) -> None:
        self.__name__ = name
        classes = {**_numpys_results(), **classes}
        self._recipes, self._classes = list(recipes), classes
        own: dict[Any, Variable] = {}  # by their keys
        for recipe in recipes:
            given = [leaf.what for leaf in recipe.leaves if leaf.kind == "variable"]
            returned = [leaf.what for leaf in recipe.answers if leaf.kind == "variable"]
            for v in [*recipe.state, *recipe.assigned, *returned]:
                if isinstance(v, Variable) and not any([v is g for g in given]):
                    own.setdefault(v.key, v)
        self._own = {key: number for number, key in enumerate(own)}
        self.variables: tuple[Variable, ...] = tuple(own.values())
        self._known: dict[Any, Sequence[_Program]] = {}  # by signatures that were met
        self._programs: dict[Any, list[_Program]] = {}
        for recipe in recipes:
            key = recipe.structure, self._signature(recipe.leaves)
            self._programs.setdefault(key, []).append(_Program(recipe, classes, engine))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program for these arguments.

        Raises
        ------
        ValueError : there is none: the function was never traced with such arguments.
        """
        try:
            leaves, key = signature(args, kwargs)
        except TypeError:  # what can be no argument of a traced function
            leaves, key = [], None
        programs = self._known.get(key)
        if programs is None:
            leaves = []
            structure = taken_apart((args, kwargs), leaves)
            programs = self._programs_for(structure, leaves)
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            if key is not None:
                self._known[key] = programs
        for program in programs:
            try:
                return program(leaves)
            except GuardFailed:
                continue
        raise ValueError(self._nothing_for(args, kwargs, bool(programs)))

    def _programs_for(self, structure: Any, leaves: list[Any]) -> Sequence[_Program]:
        try:
            key = structure, self._signature([described(leaf) for leaf in leaves])
            return self._programs.get(key, ())
        except TypeError:  # what cannot be hashed was no static argument
            return ()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to a file again, with the values that its variables have now.

        Raises
        ------
        OSError : the file cannot be written.
        """
        save(path, self.__name__, self._recipes)

    @property
    def signatures(self) -> tuple[str, ...]:
        """The arguments that it can be called with, in words."""
        found = [f"{self.__name__}{told(r.structure, r.leaves)}" for r in self._recipes]
        return tuple(dict.fromkeys(found))

    def __repr__(self) -> str:
        return f"<{self.__name__}, a traced function: {', '.join(self.signatures)}>"

    def _signature(self, leaves: Sequence[Leaf]) -> Any:
        """What decides which programs may run."""
        met: dict[Any, Any] = {}
        parts: list[Any] = []
        for kind, shape, dtype, cls, what in leaves:
            if kind == "variable":  # the same variable twice is another case than two
                who = met.setdefault(what.key, self._own.get(what.key, -1 - len(met)))
                parts.append((kind, shape, dtype, who))
            elif kind == "static":
                parts.append((kind, type(what), what))
            else:
                parts.append((kind, shape, dtype, cls))
        return tuple(parts)

    def _nothing_for(self, args: Any, kwargs: Any, another_way: bool) -> str:
        given = f"{self.__name__}{told(*taken(args, kwargs))}"
        if another_way:
            return (
                f"the values in {given} take a way through the function's branches and loops that "
                "was not traced before it was saved, or its arrays lie in memory in another order: "
                "call the function with such arguments, and save it again"
            )
        return (
            f"{given} cannot be called: the function was saved with programs for "
            f"{'; '.join(self.signatures)}"
        )


@functools.cache
def _numpys_results() -> dict[str, Any]:
    """The named tuples that NumPy's functions return."""
    one, several = np.eye(1), ("eig", "eigh", "qr", "slogdet", "svd")
    results = [getattr(np.linalg, name)(one) for name in several]
    unique = ("unique_all", "unique_counts", "unique_inverse")
    results += [getattr(np, name)(one) for name in unique if hasattr(np, name)]
    return {type(result).__qualname__: type(result) for result in results}


class _Program:
    """One trace, compiled when it is needed for the second time.

    The first time, each operation is run by itself, and what it gives is compared with what the
    file says of it: engines rely on that.
    """

    def __init__(self, recipe: Recipe, classes: Mapping[str, Any], engine: str | None) -> None:
        self._recipe, self._classes, self._engine = recipe, classes, engine
        self._compiled: Any = None
        self._given = recipe.given
        self._bound = [(i, leaf.what) for i, leaf in enumerate(recipe.leaves) if _is_variable(leaf)]

    def __call__(self, leaves: list[Any]) -> Any:
        """What the function returns for the leaves of its arguments."""
        recipe = self._recipe
        bound = {own.key: leaves[i] for i, own in self._bound}
        self._check_layout(leaves)
        inputs = [leaves[i] for i in self._given]
        inputs += [bound.get(t.key, t) for t in recipe.state]
        if active():
            _check_untracked(inputs)
        results = self._results([t.array if isinstance(t, Tensor) else t for t in inputs])
        end = len(results) - len(recipe.written)
        count = end - len(recipe.assigned)
        for variable, value in zip(recipe.assigned, results[count:end], strict=True):
            bound.get(variable.key, variable).array = value
        for i, value in zip(recipe.written, results[end:], strict=True):
            if isinstance(leaves[i], Tensor):
                leaves[i].array, leaves[i].key = value, None
            else:
                leaves[i][...] = value
        answers = [_answer(leaf, results, leaves, bound) for leaf in recipe.answers]
        return built(recipe.answer, iter(answers), self._classes)

    def _check_layout(self, leaves: list[Any]) -> None:
        recipe: Any = self._recipe
        if recipe.written:
            check_apart(recipe, leaves)
        if recipe.strides is not None:
            arrays = [t.array if isinstance(t, Tensor) else t for t in leaves]
            if [getattr(arrays[i], "strides", None) for i in self._given] != recipe.strides:
                raise GuardFailed

    def _results(self, inputs: list[Any]) -> Sequence[Any]:
        if any([is_symbol(i) for i in inputs]):  # it is part of another trace
            return evaluated(self._recipe.graph, inputs)
        if self._compiled is not None:
            return self._compiled(*inputs)  # type: ignore[no-any-return]
        recipe: Any = self._recipe
        graph = rewritten(recipe.graph, stabilize=True) if recipe.stabilize else recipe.graph
        results = QUIET.copy().run(evaluated, graph, inputs)
        self._compiled = Program(recipe, self._engine).run
        return [r.copy() if isinstance(r, np.ndarray) else r for r in results]


def _is_variable(leaf: Leaf) -> bool:
    return leaf.kind == "variable"


def _answer(leaf: Leaf, results: Sequence[Any], leaves: list[Any], bound: Mapping[Any, Any]) -> Any:
    """A leaf of what the function returns."""
    if leaf.kind == "argument":
        return leaves[leaf.what]
    if leaf.kind == "variable":
        return bound.get(leaf.what.key, leaf.what)
    if leaf.kind == "static":
        return leaf.what
    value = results[leaf.what]
    return value if leaf.cls is None else leaf.cls(value)


def _check_untracked(values: list[Any]) -> None:
    for value in values:
        if isinstance(value, Tensor) and is_tracked(value):
            raise errors.NoRuleError(
                f"a function out of a file has no derivative, and {errors.describe(value)} that it "
                "uses is tracked: save a function that computes the gradient itself, or call it "
                "under tape.stop_recording()"
            )


def evaluated(graph: Graph, inputs: Sequence[Any]) -> list[Any]:
    """The outputs of a graph, each node computed by itself and compared with what it says it is.

    Raises
    ------
    GuardFailed : a guard found something else.
    ProgramFileError : a value has another shape or dtype than the graph says.
    """
    values: dict[Node, Any] = dict(zip(graph.inputs, inputs, strict=True))
    guards = iter([*graph.guards, None])
    guard = next(guards)
    for position in range(len(graph.nodes) + 1):
        while guard is not None and guard.position <= position:
            _ask(guard, values[guard.node])
            guard = next(guards)
        if position < len(graph.nodes):
            node = graph.nodes[position]
            if node.op is not None:
                values[node] = _computed(node, [values[i] for i in node.inputs])
            elif node not in values:
                values[node] = node.value
    return [values[node] for node in graph.outputs]


def _ask(guard: Any, value: Any) -> None:
    look = guard.look
    seen = value.tracing.seen(value, look) if is_symbol(value) else look(value)
    both_nan = seen != seen and guard.seen != guard.seen
    if not (seen == guard.seen or both_nan):
        raise GuardFailed


def _computed(node: Node, inputs: list[Any]) -> Any:
    if any([is_symbol(i) for i in inputs]):
        value = apply(node.op, tuple(inputs), node.params)
    else:
        value = op_function(node.op)(*inputs, *node.params)
        if type(value) is np.ndarray and not value.ndim:
            value = value[()]
    said, found = _forms(node.shape, node.dtype), tuple(_found(value))
    if found != said:
        raise ProgramFileError(
            f"the function out of a file cannot be run: {node.name!r} gives {found} where the "
            f"file says {said}; it was changed, or written by another version of NumPy"
        )
    return value


def _forms(shape: Any, dtype: Any) -> Any:
    return tuple(zip(shape, dtype, strict=True)) if type(dtype) is tuple else ((shape, dtype),)


def _found(value: Any) -> Iterator[Any]:
    for part in value if type(value) is tuple else (value,):
        node = getattr(part, "node", None) if is_symbol(part) else None
        if node is not None:
            yield node.shape, node.dtype
        else:
            yield np.shape(part), getattr(part, "dtype", type(part))
