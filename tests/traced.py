"""Every test's program runs traced, too: ``GRADTAPE_TRACED=numpy pytest``, or ``=llvm``.

After a test, its function is run twice more, the second time under ``gradtape.function``: the
values of variables and of all that tapes and accumulators watch are the inputs of one program; the
gradients, Jacobians and directional derivatives that it asks for, and the values that it looks at,
are the outputs. The program then runs on an engine, and has to give what the test got without it. A
test whose function cannot be traced is counted, with the reason.
"""

from __future__ import annotations

import gc
import re
import sys
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from typing import Any

import numpy as np
import pytest

from gradtape import tf
from gradtape.forward import ForwardAccumulator
from gradtape.nest import flatten, map_structure
from gradtape.operators.arguments import Chosen
from gradtape.programs.engines import engine_for
from gradtape.programs.graph import Graph
from gradtape.programs.numpy_engine import GuardFailed
from gradtape.programs.rewrites import rewritten
from gradtape.programs.symbols import Symbol
from gradtape.programs.trace_once import traced
from gradtape.programs.tracing import TraceError
from gradtape.recording import active
from gradtape.tape import GradientTape
from gradtape.tensor import Tensor
from gradtape.variable import ALIVE, Variable

__all__ = ["DifferentError", "Log", "Tracing", "logging", "run_traced"]

#: Units in the last place of the largest entry, or of 1.
ULP = 64

#: A result may be off by so many times what a unit in the last place of the inputs changes.
MOVED = 8
NUDGES = 4

#: What is left out of the reasons, so that they can be counted.
SIZES = re.compile(r" \([^)]*\)?, dtype [^)]*\)| of shape \([^)]*\)")


class UnlikeError(Exception):
    """The test did something else when it was traced: its program is another one."""


class DifferentError(AssertionError):
    """A program gives something else than the eager run."""


class Log:
    """What a run of a test watches, and what it asks for.

    Attributes
    ----------
    given : the values watched, in the order in which they are.
    asked : the values asked for.
    feed : the symbols that take the places of the watched values; None in the eager run.
    in_order : whether one thread did it all: the order of several is another in every run.
    """

    def __init__(self, feed: list[Any] | None = None) -> None:
        self.given: list[Any] = []
        self.asked: list[Any] = []
        self.feed = feed
        self.in_order = True
        self.depth = 0
        self._thread = threading.get_ident()
        self._changed: list[tuple[Any, Any]] = []

    def watch(self, tensor: Any) -> None:
        """A tensor is watched: it gets the next symbol."""
        array = tensor.array
        if array.dtype.kind not in "fc":
            return
        # A copy: optimizers write into their averages, and the program begins with the first ones.
        self.given.append(array if type(array) is Symbol else np.copy(array)[()])
        if self.feed is None or type(array) is Symbol:
            return
        if len(self.given) > len(self.feed):
            raise UnlikeError("it watches more")
        symbol = self.feed[len(self.given) - 1]
        if (symbol.shape, symbol.dtype) != (array.shape, array.dtype):
            raise UnlikeError("it watches something else")
        self._changed.append((tensor, array))
        tensor.array = symbol

    def ask(self, answer: Any) -> None:
        """The values of a nest are asked for."""
        self.in_order = self.in_order and threading.get_ident() == self._thread
        for leaf in flatten(answer):
            array = leaf.array if isinstance(leaf, Tensor) else leaf
            if isinstance(array, (np.ndarray, np.generic)) and array.dtype.kind in "fc":
                self.asked.append(array if type(array) is Symbol else np.copy(array)[()])

    def restore(self) -> None:
        """Give tensors the values that they had before they were watched."""
        for tensor, array in reversed(self._changed):
            tensor.array = array


def _asking(log: Log, method: Callable[..., Any]) -> Callable[..., Any]:
    """A method whose answers are noted, but for those within another one's."""

    def asking(*args: Any, **kwargs: Any) -> Any:
        log.depth += 1
        try:
            answer = method(*args, **kwargs)
        finally:
            log.depth -= 1
        if not log.depth:
            log.ask(answer)
        return answer

    return asking


@contextmanager
def logging(log: Log) -> Iterator[None]:
    """Note in the block what is watched and asked for."""
    with pytest.MonkeyPatch.context() as patch:
        for kind, name in [(GradientTape, "_watch"), (ForwardAccumulator, "_watch")]:
            patch.setattr(kind, name, _watching(log, getattr(kind, name)))
        patch.setattr(Variable, "__init__", _making(log, Variable.__init__))
        for name in ("gradient", "jacobian", "batch_jacobian"):
            patch.setattr(GradientTape, name, _asking(log, getattr(GradientTape, name)))
        patch.setattr(tf.GradientTape, "gradient", _asking(log, tf.GradientTape.gradient))
        patch.setattr(ForwardAccumulator, "jvp", _asking(log, ForwardAccumulator.jvp))
        patch.setattr(Tensor, "numpy", _looking(log, Tensor.numpy))
        patch.setattr(Chosen, "answer", _answering(log, Chosen.answer))
        patch.setattr(Symbol, "__array__", _as_array(Symbol.__array__))
        try:
            yield
        finally:
            log.restore()


def _watching(log: Log, method: Callable[..., Any]) -> Callable[..., Any]:
    def watch(self: Any, tensor: Any, *rest: Any) -> Any:
        if isinstance(tensor, Tensor):
            log.watch(tensor)
        return method(self, tensor, *rest)

    return watch


def _making(log: Log, method: Callable[..., Any]) -> Callable[..., Any]:
    def make(self: Any, *args: Any, **kwargs: Any) -> None:
        method(self, *args, **kwargs)
        log.watch(self)

    return make


def _looking(log: Log, method: Callable[..., Any]) -> Callable[..., Any]:
    """``Tensor.numpy``: a test looks at the value, which a program need not see."""

    def numpy(self: Any) -> Any:
        log.ask(self)
        return self.array.value.copy() if type(self.array) is Symbol else method(self)

    return numpy


def _answering(log: Log, method: Callable[..., Any]) -> Callable[..., Any]:
    """What operators give to those who do not differentiate it in their turn."""

    def answer(self: Any, value: Any, *rest: Any) -> Any:
        found = method(self, value, *rest)
        if active() or log.depth:
            return found
        log.ask(found)
        return map_structure(lambda v: v.value.copy() if type(v) is Symbol else v, found)

    return answer


def _as_array(method: Callable[..., Any]) -> Callable[..., Any]:
    """``Symbol.__array__``: comparisons in tests are no part of the program."""

    def array(self: Any, dtype: Any = None, copy: bool | None = None) -> Any:
        name = sys._getframe(1).f_code.co_filename
        if "/numpy/testing/" in name or "_pytest" in name:
            return np.asarray(self.value, dtype)
        return method(self, dtype, copy)

    return array


def same(actual: Any, expected: Any) -> bool:
    """Whether two values agree to some units in the last place of the largest entry, or of 1.

    Of complex numbers that are not finite, all agree: whether a part is infinite or NaN depends on
    the order in which products of parts overflow.
    """
    if (np.shape(actual), actual.dtype) != (np.shape(expected), expected.dtype):
        return False
    finite = np.isfinite(expected)
    scale = ULP * np.finfo(expected.dtype).eps * np.max(np.abs(expected[finite]), initial=1.0)
    with np.errstate(all="ignore"):
        near = np.abs(np.subtract(actual, expected)) <= scale
    alike = (actual == expected) | (np.isnan(actual) & np.isnan(expected))
    if expected.dtype.kind == "c":
        alike |= ~np.isfinite(actual) & ~finite
    return bool(np.all(near | alike))


def run_traced(test: Callable[[], Any], eager: Log, engine: str) -> None:
    """Run a test's function as a program, and compare what it gives with the eager run.

    Raises
    ------
    DifferentError : a result differs.
    UnlikeError : the test does something else when it is traced.
    TraceError : it cannot be traced.
    """

    def program(*values: Any) -> Any:
        log = Log(list(values))
        with logging(log):
            test()
        if any([ref() is not None for ref, _ in ALIVE.made or ()]):
            gc.collect()  # variables in cycles would seem to live on
        return log.asked

    given = eager.given
    plan, _ = traced(program, given, {})
    graph = plan.graph
    for guards in (graph.guards, []):  # in the last place a guard may see something else
        run = engine_for(engine)(rewritten(Graph(graph.nodes, graph.inputs, graph.outputs, guards)))
        try:
            state = [v.array for v in plan.state]
            found = plan.answer(run(*given, *state), given)
            break
        except GuardFailed:
            continue
    if len(found) != len(eager.asked):
        raise UnlikeError("it asks for something else")
    for i, (f, e) in enumerate(zip(found, eager.asked, strict=True)):
        if not same(f, e) and not as_near_as_can_be(i, f, e, plan, run, given, state):
            text = f"result {i} is {f!r} by the {engine} engine, but eagerly {e!r}"
            off = np.subtract(f, e) if np.shape(f) == np.shape(e) else "its shape"
            raise DifferentError(f"{text}; it is off by {off}")


def as_near_as_can_be(
    i: int, found: Any, expected: Any, plan: Any, run: Any, given: list[Any], state: list[Any]
) -> bool:
    """Whether a result is off by no more than last digits of the inputs change it, in long loops.

    Other inputs may take another way: then it is not known.
    """
    if np.shape(found) != np.shape(expected):
        return False
    random = np.random.default_rng(0)
    moved = np.zeros(np.shape(found))
    for _ in range(NUDGES):
        nudged = [_nudged(value, random) for value in given]
        try:
            other = plan.answer(run(*nudged, *state), nudged)[i]
        except GuardFailed:
            continue
        moved = np.maximum(moved, np.abs(np.subtract(other, found)))
    return bool(np.all(np.abs(np.subtract(found, expected)) <= MOVED * np.max(moved, initial=0)))


def _nudged(value: Any, random: np.random.Generator) -> Any:
    """A value with each real entry a unit in the last place of it, or of 1, off; or as it is."""
    if np.asarray(value).dtype.kind != "f":
        return value
    unit = np.finfo(value.dtype).eps * np.maximum(np.abs(value), 1)
    return (value + unit * random.integers(-1, 2, np.shape(value))).astype(value.dtype)


def _drawing_alike(test: Callable[..., Any], names: dict[str, Any]) -> Callable[..., Any]:
    """A test that draws the same numbers in every run from the generators of its module."""
    generators = [v.bit_generator for v in names.values() if isinstance(v, np.random.Generator)]
    states = [generator.state for generator in generators]

    def run(**arguments: Any) -> None:
        for generator, state in zip(generators, states, strict=True):
            generator.state = state
        test(**arguments)

    return run


class Tracing:
    """A plugin of pytest's: runs each test's program by an engine as well."""

    def __init__(self, engine: str) -> None:
        self.engine = engine
        self.found: Counter[str] = Counter()

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem: Any) -> Any:
        """Run a test as it is, and again as a program."""
        answer = yield
        names = pyfuncitem._fixtureinfo.argnames
        arguments = {name: pyfuncitem.funcargs[name] for name in names}
        found = "have nothing to trace"
        if not hasattr(pyfuncitem.obj, "is_hypothesis_test"):
            test = _drawing_alike(pyfuncitem.obj, vars(pyfuncitem.module))
            found = self._found(lambda: test(**arguments))
        pyfuncitem.user_properties.append(("traced", found))
        return answer

    def _found(self, test: Callable[[], Any]) -> str:
        """What became of a test's program."""
        log = Log()
        try:
            with warnings.catch_warnings(), redirect_stdout(StringIO()):
                warnings.simplefilter("ignore")
                with logging(log):
                    test()
                if not log.asked:
                    return "have nothing to trace"
                if not log.in_order:
                    return "run several threads"
                run_traced(test, log, self.engine)
        except DifferentError:
            raise
        except TraceError as error:
            return f"cannot be traced: {SIZES.sub('', str(error))[:120]}"
        except (Exception, pytest.fail.Exception) as error:
            return f"look at what is traced: {type(error).__name__}"
        return "give the same results"

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Count what became of a test, in whatever process."""
        if report.when == "call":
            self.found.update([value for name, value in report.user_properties if name == "traced"])

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say how many programs were compared, and why others were not."""
        terminalreporter.section(f"tests traced, run by the {self.engine} engine")
        for reason, count in self.found.most_common():
            terminalreporter.write_line(f"{count:5d} {' '.join(reason.split())}")
