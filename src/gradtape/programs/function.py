"""``gt.function``: trace a function once, and run it as one program."""

from __future__ import annotations

import functools
import os
import sys
import types
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gradtape import errors
from gradtape.later import from_module
from gradtape.programs.calling import MISSED, shortcut
from gradtape.programs.engines import engine_for
from gradtape.programs.graph import Graph
from gradtape.programs.numpy_engine import GuardFailed
from gradtape.programs.recorded import Frame, recorded
from gradtape.programs.residuals import OFTEN, Residuals, cut
from gradtape.programs.rewrites import rewritten
from gradtape.programs.signatures import read
from gradtape.programs.trace_once import ONE, Plan, check_apart, traced
from gradtape.programs.tracing import concrete, current
from gradtape.programs.ways import Tree, computes_numbers_only
from gradtape.programs.when_asked import WhenAsked
from gradtape.recording import active
from gradtape.tensor import Tensor

if TYPE_CHECKING:
    from gradtape.drawing import Drawing
    from gradtape.programs.readable import Explanation

__all__ = ["Function", "Program", "function"]

#: From this many traces on, a warning says so.
MANY_TRACES = 16

#: So many programs of one signature are kept; what needs another one runs as plain Python.
MOST_PROGRAMS = 128

#: After so many calls as plain Python, those that were not needed for longest make room; the next
#: time after twice as many.
PATIENCE = 1024

#: So many programs of a signature are tried one after the other, before what they have in common
#: is computed once for all; of those that compute with numbers only.
FEW, FEW_OF_NUMBERS = 2, 8

#: A way that so many calls in a row went is tried first: if it is compiled as a whole, and if not.
STEADY, VERY_STEADY = 4, 64


def function(
    f: Callable[..., Any] | None = None, *, engine: str | None = None, stabilize: bool = False
) -> Any:
    """Trace a function once, and run it as one program from then on.

    Parameters
    ----------
    f : a function of arrays, tensors, Python numbers and nests of them; other arguments (strings,
        flags, ...) must be hashable, and each of their values has a program of its own.
    engine : ``"numpy"`` or ``"llvm"`` (with the extra: ``pip install "gradtape[llvm]"``). None:
        NumPy at first, and LLVM, where it is installed, from the call on by which that pays.
    stabilize : whether what overflows or cancels is computed in a form that does not, where the
        form is known: ``log(1 + exp(x))`` and its kin, the logarithm of a sum of exponentials,
        softmax, the logistic function and its logarithm, ``log(1 + x)``, ``exp(x) - 1`` and
        ``sqrt(x*x + y*y)``, with their derivatives. Values are then other than the plain
        function's, and closer to the true ones. Of functions that call each other, the outermost
        decides.

    Returns
    -------
    Function : a function that does the same. Its ``traces`` say how often it was traced.

    Raises
    ------
    TypeError : (by a call) an argument can neither be an input nor be compared.
    TraceError : (by a call, a TypeError) the function did what a program could not do again; the
        message says what to write instead.

    Notes
    -----
    Where Python looks at a value (``if x > 0``, ``float(x)``, ``int(n)``), the program checks as it
    runs that it would see the same; else another program takes over, or the function is traced
    again.

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

    The derivative of softplus where exp(x) is too large for a number:

    >>> softplus = gt.function(lambda x: np.log(1 + np.exp(x)), stabilize=True)
    >>> print(softplus(1000.0), gt.grad(softplus)(1000.0))
    1000.0 1.0
    """
    if f is None:
        return functools.partial(function, engine=engine, stabilize=stabilize)
    return Function(f, engine, stabilize)


class Function:
    """A function that is traced and run as a program; ``gradtape.function`` makes it.

    Attributes
    ----------
    f : the function itself.
    traces : how often it was traced.
    """

    def __init__(
        self, f: Callable[..., Any], engine: str | None = None, stabilize: bool = False
    ) -> None:
        if not callable(f):
            raise TypeError(
                f"argument `f` of function must be a function, but is {errors.describe(f)}"
            )
        engine_for(engine)  # its errors
        self.f = f
        self.engine = engine
        self.stabilize = bool(stabilize)
        self.traces = 0
        self._programs: dict[Any, list[Program]] = {}
        self._derivatives: dict[Any, Any] = {}  # what ``recorded`` made
        self._trees: dict[Any, list[Tree]] = {}  # of programs that begin alike
        self._is_full = False  # whether a warning said that there are too many programs
        self._refused, self._patience = 0, PATIENCE  # calls as plain Python since then
        self._shortcut: Callable[[tuple[Any, ...]], Any] | None = None  # to the last program
        functools.update_wrapper(self, f, updated=())
        self.__name__ = errors.named(f)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program for these arguments; trace it first if there is none."""
        way = self._shortcut
        if way is not None and not kwargs and not active():
            answer = way(args)
            if answer is not MISSED:
                return answer
        return self._called(args, kwargs)

    def _called(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A call, the long way."""
        tracing = current()
        if tracing is not None and tracing.here:
            return self.f(*args, **kwargs)  # part of another trace
        leaves, values, key = read(args, kwargs)
        if key is None:
            return self.f(*args, **kwargs)
        if active():
            return recorded(self, args, kwargs, (leaves, values, key))
        program, results = self._found(args, kwargs, leaves, values, key)
        if program is None:
            return self.f(*args, **kwargs)
        if not kwargs:
            self._shortcut = program.way_for(args)
        return program.finished(results, leaves)

    def _found(
        self,
        args: Any,
        kwargs: Any,
        leaves: list[Any],
        values: list[Any],
        key: Any,
        recorded: bool = False,
    ) -> tuple[Program | None, Any]:
        """The program that holds for some arguments, and its results; None if there are too many.

        Without the effects: ``Program.finished`` has them. Of a call that is recorded, the results
        may have more behind them: what is kept for the gradient.
        """
        programs = self._programs.get(key)
        if programs is not None:
            for i, program in enumerate(programs):
                plan = program.plan
                if program.shared and not program.steady:
                    continue
                if plan.holds is not None and not _true(plan.holds):
                    continue
                if program.picky and not program.fits(leaves):
                    continue
                inputs = [*values, *[concrete(v.array) for v in plan.state]]
                try:
                    results = program.kept(inputs) if recorded else None
                    if results is None:
                        results = program.run(*inputs)
                except GuardFailed:
                    program.met = 0
                    continue
                if i or program.shared:
                    self._met(key, program)
                return program, results
            for tree in self._trees.get(key, ()):
                hit = tree(values) if tree.holds is None or _true(tree.holds) else None
                if hit is not None and (hit[0].plan.holds is None or _true(hit[0].plan.holds)):
                    self._met(key, hit[0])
                    return hit
            if len(programs) >= MOST_PROGRAMS and not self._makes_room(key, programs):
                return None, None
        plan, found = traced(self.f, args, kwargs, self.stabilize)
        program = Program(plan, self.engine)
        if self.stabilize:
            try:
                found = program.run(*values, *[v.array for v in plan.state])
            except GuardFailed:  # Python saw what the stabilised program does not find
                plan, found = traced(self.f, args, kwargs)
                program = Program(plan, self.engine)
        with ONE:
            self._share(key, program)
        if not program.shared:
            program.run  # noqa: B018  (compiled now)
        self._programs.setdefault(key, []).insert(0, program)
        self._count()
        return program, found

    def _met(self, key: Any, program: Program) -> None:
        """Note which program held."""
        programs = self._programs[key]
        if programs[0] is not program:  # another list: other threads go through this one
            programs[0].met = program.met = 0
            self._programs[key] = [program, *[p for p in programs if p is not program]]
        program.met += 1

    def _share(self, key: Any, program: Program) -> None:
        """Let a new program share what it begins with, if others begin alike."""
        if not _can_share(program):
            return
        trees = self._trees.setdefault(key, [])
        for tree in trees:
            if (tree.holds is None or _true(tree.holds)) and tree.add(program):
                program.shared = True
                return
        others = [p for p in self._programs.get(key, ()) if not p.shared and _can_share(p)]
        others = [p for p in others if p.plan.holds is None or _true(p.plan.holds)]
        few = FEW_OF_NUMBERS if computes_numbers_only(program.plan.graph) else FEW
        if len(others) < few:
            return
        tree = Tree(self.engine, program.plan.holds)
        shared = [p for p in (program, *others) if tree.add(p)]
        if program in shared and len(shared) > few:
            for p in shared:
                p.shared, p.met = True, 0
            self._trees[key] = [*trees, tree]

    def _count(self) -> None:
        self.traces += 1
        if self.traces == MANY_TRACES:
            warnings.warn(
                f"{errors.named(self.f)} was traced {self.traces} times (signatures: "
                f"{len(self._programs)}): each shape, dtype and static argument, and each way "
                "through its branches and loops, is a program of its own. Pass what changes as an "
                "array or a number, and keep float(x) and int(x) of computed values out of it.",
                stacklevel=errors.users_level(),
            )

    def _makes_room(self, key: Any, programs: list[Program]) -> bool:
        """Drop some programs of a signature; whether there is room for another one.

        Those whose names stand for something else now; and after many calls for which there was no
        room, those that were not needed for longest.
        """
        kept = [p for p in programs if p.plan.holds is None or _true(p.plan.holds)]
        if len(kept) == len(programs):
            self._refused += 1
            if self._refused >= self._patience:
                self._refused, self._patience = 0, 2 * self._patience
                kept = programs[: 3 * len(programs) // 4]
        if len(kept) == len(programs):
            if not self._is_full:
                self._is_full = True
                warnings.warn(
                    f"{errors.named(self.f)} has {MOST_PROGRAMS} programs for arguments of the "
                    "same shapes, one for each way through its branches and loops: other ways run "
                    "as plain Python, until some of these programs were not needed for long. "
                    "Choose with np.where, or keep the loop out of the function.",
                    stacklevel=errors.users_level(),
                )
            return False
        with ONE:
            self._programs[key] = kept
            self._trees[key] = [tree for tree in self._trees.get(key, ()) if tree.keep(set(kept))]
        return True

    def explain_trace(self, *args: Any, **kwargs: Any) -> Explanation:
        """The program for some arguments, to read: before and after each rewrite, and as it runs.

        Without arguments, that of the last call of the signature that was traced last; with some,
        the function is traced if it was not, and what it would assign is not assigned.

        Raises
        ------
        ValueError : nothing was traced yet.
        """
        program = self._program_for(args, kwargs)
        return from_module("programs.readable", "Explanation")(self.__name__, program)  # type: ignore[no-any-return]

    def draw(self, *args: Any, **kwargs: Any) -> Drawing:
        """A picture of the program, after all rewrites; arguments and errors as ``explain_trace``.

        Returns
        -------
        gradtape.drawing.Drawing : it shows itself in a notebook, ``save`` writes a file.
        """
        return self.explain_trace(*args, **kwargs).draw()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all programs of the function to a file, which ``gradtape.load`` reads.

        The file holds no code and no pickles; docs/function-files.md says what stands in it.

        Parameters
        ----------
        path : the file; it appears whole or not at all.

        Raises
        ------
        ValueError : nothing was traced yet.
        CannotSaveError : (a TypeError) the function calls something that a file cannot name, or
            holds something that is neither an array nor a number; the message says which.
        OSError : the file cannot be written.

        Examples
        --------
        >>> import pathlib, tempfile, numpy as np, gradtape as gt
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "double.gt"
        >>> double = gt.function(lambda x: 2 * x)
        >>> double(np.arange(3.0))
        array([0., 2., 4.])
        >>> double.save(path)
        >>> gt.load(path)(np.ones(3))
        array([2., 2., 2.])
        """
        programs = [p for found in self._programs.values() for p in found]
        if not programs:
            raise ValueError(f"{self.__name__} was not traced yet: call it before it is saved")
        recipe_of = from_module("programs.recipes", "recipe_of")
        recipes = [recipe_of(program.plan) for program in programs]
        from_module("programs.files", "save")(path, self.__name__, recipes)

    def _program_for(self, args: Any, kwargs: Any) -> Program:
        """The program for some arguments; without any, one of those that there are."""
        found: Program | None = None
        if args or kwargs:
            leaves, values, key = read(args, kwargs)
            if key is not None:
                found, _ = self._found(args, kwargs, leaves, values, key)
        elif self._programs:
            found = list(self._programs.values())[-1][0]
        if found is None:
            raise ValueError(f"{self.__name__} was not traced yet: call it, or give arguments")
        return found

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)

    def __reduce__(self) -> Any:
        """As what it was made of: copies and other processes trace it for themselves."""
        path = getattr(self, "__qualname__", "?")
        named: Any = sys.modules.get(getattr(self, "__module__", ""))
        for name in path.split("."):
            named = getattr(named, name, None)
        if named is self:  # a decorated function: pickle knows it by its name
            return path
        return Function, (self.f, self.engine, self.stabilize)

    def __repr__(self) -> str:
        return f"<function {self.__name__}, traced {self.traces} times>"


class Program:
    """One program of a function: a plan, and the engine that runs its graph (``run``)."""

    def __init__(self, plan: Plan, engine: str | None) -> None:
        self.plan, self._engine = plan, engine
        #: Whether a tree has it; and how many calls in a row it held for then.
        self.shared, self.met = False, 0
        #: The program that keeps what the gradient needs, once there is one.
        self.residuals: Residuals | None = None
        self._gradients = 0
        #: What recorded calls have in common, once there was one.
        self.frame: Frame | None = None
        self._calls = 0
        self._way: Callable[[tuple[Any, ...]], Any] | None = None
        #: Whether more is to be looked at than the signature.
        self.picky = bool(plan.strides or plan.written)
        self._was_native = False  # when the way was made: a program may become native

    @WhenAsked
    def graph(self) -> Graph:
        """What is run, as a whole."""
        return rewritten(self.plan.graph, self.plan.stabilize)

    @WhenAsked
    def run(self) -> Any:
        """What runs it as a whole: compiled when it is asked for."""
        return engine_for(self._engine)(self.graph)

    @property
    def steady(self) -> bool:
        """Whether calls go this way so often that it is tried before all others."""
        return self.met >= (STEADY if "run" in self.__dict__ else VERY_STEADY)

    def way_for(self, args: tuple[Any, ...]) -> Callable[[tuple[Any, ...]], Any] | None:
        """The shortcut for calls like this one; None at the first call, for it may be the last."""
        if self.shared and not self.steady:
            return None
        self._calls += 1
        native = getattr(self.run, "_run", None) is not None
        if self._calls == 2 or (native and not self._was_native and self._calls > 2):
            self._way, self._was_native = shortcut(self, args), native
        return self._way

    def kept(self, inputs: list[Any]) -> Any:
        """The results, and what is kept for the gradient; None if nothing is."""
        if self.residuals is None:
            return None
        try:
            return self.residuals.run(*inputs)
        except GuardFailed:  # the gradient goes another way
            return None

    def differentiated(self, derivative: Function) -> None:
        """Count a gradient that this function computed; at last, keep for it what is dear."""
        if self.shared and not self.steady:
            return
        self._gradients += 1
        if self._gradients != OFTEN or self.plan.stabilize or self.picky:
            return
        latest = [programs[0] for programs in derivative._programs.values()]
        plan = latest[0].plan
        if len(latest) > 1 or plan.state or plan.assigned or latest[0].picky:
            return
        before = len(self.graph.inputs)
        if plan.given[:before] != list(range(before)):
            return
        parts = cut(self.graph, latest[0].graph)
        if parts is not None:
            self.residuals = Residuals(parts, engine_for(derivative.engine), derivative, plan)

    def fits(self, leaves: list[Any]) -> bool:
        """Whether the arguments lie in memory as they did."""
        if self.plan.written:
            check_apart(self.plan, leaves)
        if self.plan.strides is None:
            return True
        now = [getattr(_bare(leaves[i]), "strides", None) for i in self.plan.given]
        return now == self.plan.strides

    def finished(self, results: Any, leaves: list[Any]) -> Any:
        """Assign what it assigns, write what it writes, return what the function returns."""
        plan = self.plan
        if plan.assigned:
            self.assign(results)
        start = plan.computed + len(plan.assigned)
        for i, value in zip(plan.written, results[start:], strict=True) if plan.written else ():
            leaf = leaves[i]
            if isinstance(leaf, Tensor):
                leaf.array, leaf.key = value, None
            else:
                leaf[...] = value
        return plan.answer(results, leaves)

    def assign(self, results: Any) -> None:
        """Give variables what they get."""
        start = self.plan.computed
        for i, variable in enumerate(self.plan.assigned):
            variable.array = results[start + i]


def _bare(leaf: Any) -> Any:
    return leaf.array if isinstance(leaf, Tensor) else leaf


def _can_share(program: Program) -> bool:
    plan = program.plan
    return bool(plan.graph.guards) and not (program.picky or plan.stabilize)


def _true(holds: Callable[[], bool]) -> bool:
    try:
        return holds()
    except (KeyError, ValueError):  # a name that is gone
        return False
