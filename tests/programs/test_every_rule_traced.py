"""Every program of the rules' cases runs traced: value, gradient, second gradient, at two points.

What cannot be traced stands in a list, with the reason, and raises a TraceError.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradtape as gt
from gradtape.programs.function import function
from gradtape.programs.symbols import TraceError
from tests.rules.cases import Case
from tests.rules.test_every_rule import CASES
from tests.rules.tools import bare, gradient, weights

#: Whole labels or beginnings of them, the orders that cannot be traced, and why.
REFUSED: list[tuple[str, tuple[int, ...], str]] = [
    ("ellipj", (1, 2), "its slopes are refined in another precision"),
    ("airye-negative", (1, 2), "its slope is refined beside zeros"),
    ("interp-period", (1, 2), "the knots of a period are sorted"),
    ("piecewise-own", (1, 2), "which function an entry goes through is written into an array"),
    ("scipy.logm.along", (1, 2), "SciPy estimates a norm with random numbers"),
    ("scipy.solve_banded-spline-all", (0, 1, 2), "knots that are computed"),
    ("scipy.solve_banded-bspline", (0, 1, 2), "knots that are computed"),
    ("scipy.solve_banded-linear-all", (0, 1, 2), "a grid that is computed"),
    ("scipy.solve_banded-grid", (0, 1, 2), "a grid that is computed"),
]


def another(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """Another point of the same shapes, near the first: no kink lies in between."""
    return tuple(
        [
            np.asarray(a * 0.97 + 0.01 * np.arange(np.size(a)).reshape(np.shape(a)) / np.size(a))[
                ()
            ]
            if np.size(a)
            else a
            for a in arguments
        ]
    )


def second(f: Callable[..., Any], ws: list[Any]) -> Callable[..., Any]:
    """The gradient of the sum of the gradient's entries."""
    first = gradient(f, ws)

    def derivative(*arguments: Any) -> list[Any]:
        xs = [gt.constant(a) for a in arguments]
        with gt.GradientTape() as tape:
            tape.watch(xs)
            slopes = first(*xs)
        found = tape.gradient(slopes, xs, unconnected_gradients="zero")
        return [bare(g) for g in found]

    return derivative


def of_order(case: Case, order: int, at: tuple[Any, ...]) -> Callable[..., Any]:
    """The case's function, or one of its derivatives, of bare arrays; 1: with the value."""
    if order == 0:
        return case.function
    ws = weights(case.function, at)
    first = gradient(case.function, ws)
    if order == 2:
        return second(case.function, ws)

    def both(*arguments: Any) -> list[Any]:
        value = case.function(*arguments)
        return [*(value if isinstance(value, (tuple, list)) else [value]), *first(*arguments)]

    return both


def answer(f: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """What a function gives, as a list of bare values, or the error that it raises."""
    try:
        found = f(*arguments)
    except TraceError:
        raise
    except Exception as error:
        return type(error)
    found = found if isinstance(found, (tuple, list)) else [found]
    return [bare(v) for v in found]


def compare(actual: Any, expected: Any) -> None:
    """A few units in the last place of the largest entry, or of 1; the same dtypes and shapes."""
    if isinstance(expected, type):
        assert actual is expected
        return
    for a, e in zip(actual, expected, strict=True):
        if not hasattr(e, "dtype"):
            assert a == e or a != a
            continue
        assert (a.shape, a.dtype) == (e.shape, e.dtype)
        if e.dtype.kind not in "fc":
            np.testing.assert_array_equal(a, e)
            continue
        eps = np.finfo(e.dtype).eps
        finite = np.isfinite(e)
        scale = np.max(np.abs(e[finite]), initial=1.0)
        np.testing.assert_allclose(a, e, rtol=64 * eps, atol=64 * eps * scale)


def reason(case: Case, order: int) -> str | None:
    for label, orders, why in REFUSED:
        if case.label.startswith(label) and order in orders:
            return why
    return None


def by_llvm(traced: Any) -> Any:
    """What a function traced for NumPy gives by the LLVM engine, without tracing it again."""
    other = function(traced.f, engine="llvm")
    for key, programs in traced._programs.items():
        other._programs[key] = [type(p)(p.plan, "llvm") for p in programs]
    return other


#: What LLVM has compiled: steps, each with its inputs and the steps that made them.
COMPILED: set[Any] = set()


def is_compiled(traced: Any) -> bool:
    """Whether LLVM has compiled each step of a function's programs, beside like neighbours."""
    graphs = [p.plan.graph for programs in traced._programs.values() for p in programs]
    steps = {
        (
            *(node.name, node.dtype, len(node.shape)),
            *[(i.name, i.dtype, len(i.shape)) for i in node.inputs],
        )
        for graph in graphs
        for node in graph.nodes
        if not node.is_given
    }
    new = steps - COMPILED
    COMPILED.update(new)
    return not new


def check(f: Callable[..., Any], points: list[tuple[Any, ...]], every: bool = True) -> None:
    """Compare a function with its programs, by both engines, at some points; the first twice.

    LLVM compiles all, or else only what has a step in it that others did not have.
    """
    expected = [answer(f, arguments) for arguments in points]
    traced = function(f, engine="numpy")
    compare(answer(traced, points[0]), expected[0])
    engines = [traced] if not every and is_compiled(traced) else [traced, by_llvm(traced)]
    for engine in engines:
        for arguments, e in zip(points, expected, strict=True):
            compare(answer(engine, arguments), e)


every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)


@pytest.mark.parametrize("order", [1, pytest.param(2, marks=pytest.mark.slow)])
@every_case
def test_traced(case: Case, order: int):
    here = case.at("d")
    for lower in range(order, -1, -1):
        try:
            with np.errstate(all="ignore"):
                check(of_order(case, lower, here), [here, another(here)], order == 2)
            return
        except TraceError:
            assert reason(case, lower)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", "fFD")
@every_case
def test_traced_dtypes(case: Case, dtype: str):
    if dtype not in case.every_dtype or reason(case, 1) or reason(case, 0):
        pytest.skip("not of this dtype")
    here = case.at(dtype)
    with np.errstate(all="ignore"):
        check(of_order(case, 1, here), [here])
