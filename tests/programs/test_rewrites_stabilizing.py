"""The stabilising rewrites: better values where the written form overflows or cancels."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest

from gradtape.programs.rewrites import rewritten
from gradtape.programs.verifying import evaluated, verify
from tests.programs.graphs import Building

X = np.array([-800.0, -40.0, -1.0, -1e-12, 0.0, 1e-12, 0.5, 30.0, 800.0])


def log_of_sum(b: Building, x: Any) -> Any:
    return b.call("log", b.call("add", b.call("exp", x), 1))


def sigmoid(b: Building, x: Any) -> Any:
    return b.call("divide", 1, b.call("add", 1, b.call("exp", b.call("negative", x))))


def sigmoid_above(b: Building, x: Any) -> Any:
    e = b.call("exp", x)
    return b.call("divide", e, b.call("add", e, 1.0))


def share(b: Building, x: Any) -> Any:
    e = b.call("exp", x)
    g = b.constant(np.float64(3))
    return b.call("multiply", b.call("divide", g, b.call("add", e, 1)), e)


def hypot(b: Building, x: Any) -> Any:
    big = b.call("multiply", x, 1e300)
    return b.call("sqrt", b.call("add", b.call("square", big), b.call("multiply", x, x)))


#: What is computed, what should come out, and the operations that are in it then.
CASES: dict[str, Any] = {
    "log(1 + exp(x))": (log_of_sum, lambda x: mpmath.log1p(mpmath.exp(x)), "logaddexp"),
    "log1p(exp(x))": (
        lambda b, x: b.call("log1p", b.call("exp", x)),
        lambda x: mpmath.log1p(mpmath.exp(x)),
        "logaddexp",
    ),
    "log(exp(x))": (lambda b, x: b.call("log", b.call("exp", x)), lambda x: x, ""),
    "log(1 + x)": (
        lambda b, x: b.call("log", b.call("add", 1.0, b.call("absolute", x))),
        lambda x: mpmath.log1p(abs(x)),
        "log1p",
    ),
    "exp(x) - 1": (
        lambda b, x: b.call("subtract", b.call("exp", x), 1),
        mpmath.expm1,
        "expm1",
    ),
    "1 / (1 + exp(-x))": (sigmoid, lambda x: 1 / (1 + mpmath.exp(-x)), ""),
    "exp(x) / (1 + exp(x))": (sigmoid_above, lambda x: 1 / (1 + mpmath.exp(-x)), ""),
    "its derivative": (share, lambda x: 3 / (1 + mpmath.exp(-x)), ""),
    "log(sigmoid(x))": (
        lambda b, x: b.call("log", sigmoid(b, x)),
        lambda x: -mpmath.log1p(mpmath.exp(-x)),
        "logaddexp",
    ),
    "sqrt(x*x + y*y)": (
        hypot,
        lambda x: mpmath.sqrt((mpmath.mpf(x) * mpmath.mpf(1e300)) ** 2 + mpmath.mpf(x) ** 2),
        "hypot",
    ),
}


def run(b: Building, stabilize: bool) -> tuple[list[str], Any]:
    graph = rewritten(b.graph, stabilize=stabilize)
    verify(graph, b.inputs)
    values = evaluated(graph, b.inputs)
    return [n.name for n in graph.nodes if n.op], values[graph.outputs[0].number]


@pytest.mark.parametrize("case", CASES)
def test_values(case: str) -> None:
    compute, exact, name = CASES[case]
    b = Building()
    b.returns(compute(b, b.input(X)))
    names, found = run(b, True)
    assert not name or name in names
    with mpmath.workdps(60):
        expected = [float(exact(mpmath.mpf(x))) for x in X]
    assert np.allclose(found, expected, rtol=4e-16, atol=0)


@pytest.mark.parametrize("case", CASES)
def test_only_where_asked_for(case: str) -> None:
    compute, _, name = CASES[case]
    b = Building()
    b.returns(compute(b, b.input(X)))
    names, found = run(b, False)
    assert name not in names or not name
    plain = evaluated(b.graph, b.inputs)[b.graph.outputs[0].number]
    assert np.array_equal(found, plain, equal_nan=True)


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [(-1,), (-2,), (-2, -1)])
def test_log_sum_exp(axis: Any, keepdims: bool) -> None:
    rows = np.array([[1000.0, 1000.0, -5.0], [-900.0, -901.0, -902.0]])
    b = Building()
    e = b.call("exp", b.input(rows))
    b.returns(b.call("log", b.call("sum", e, params=(axis, keepdims))))
    largest = rows.max(axis=axis, keepdims=True)
    expected = np.log(np.exp(rows - largest).sum(axis=axis, keepdims=keepdims))
    expected = expected + largest.reshape(np.shape(expected))
    assert np.allclose(run(b, True)[1], expected, rtol=1e-15)


def test_log_sum_exp_of_infinities() -> None:
    b = Building()
    x = b.input(np.array([[-np.inf, -np.inf], [np.inf, 1.0], [np.nan, 1.0], [-np.inf, 2.0]]))
    b.returns(b.call("log", b.call("sum", b.call("exp", x), params=((-1,), False))))
    assert np.array_equal(run(b, True)[1], [-np.inf, np.inf, np.nan, 2.0], equal_nan=True)


def test_softmax() -> None:
    rows = np.array([[1000.0, 1001.0], [-1000.0, -1001.0]])
    expected = np.array([[1.0, np.e], [np.e, 1.0]]) / (1 + np.e)
    b = Building()
    e = b.call("exp", b.input(rows))
    b.returns(b.call("divide", e, b.call("sum", e, params=((-1,), True))))
    assert np.allclose(run(b, True)[1], expected, rtol=1e-12)


def test_the_derivative_of_log_sum_exp() -> None:
    """As a sweep writes it: the share of each sum, spread, times each exponential."""
    rows = np.array([[1000.0, 1001.0], [-1000.0, -1001.0]])
    expected = np.array([[1.0, np.e], [np.e, 1.0]]) / (1 + np.e) * [[2.0], [3.0]]
    b = Building()
    e = b.call("exp", b.input(rows))
    ratio = b.call("divide", b.input(np.array([2.0, 3.0])), b.call("sum", e, params=((-1,), False)))
    spread = b.call("broadcast", b.call("reshape", ratio, params=((2, 1),)), params=((2, 2),))
    b.returns(b.call("multiply", spread, e))
    assert np.allclose(run(b, True)[1], expected, rtol=1e-12)
