"""Python's branches and loops on values: a program checks what it was traced with."""

import math
import warnings
from typing import Any

import numpy as np
import pytest

import gradtape as gt
from gradtape.programs import function as module
from gradtape.programs.function import function
from gradtape.programs.symbols import TraceError
from gradtape.rules import load_all_tables
from tests.programs.test_arguments import check

A, B = np.array([1.0, 2.0, 3.0]), np.array([4.0, -5.0, 6.0])


def test_branches():
    def f(x: Any) -> Any:
        if x.sum() > 4:
            return x * 2
        return np.sin(x) if x[0] > 0 else -x

    traced = check(f, (A,), (B,), (-A,), (A,), (A / 10,), traces=3)
    for x in (A, -A, B) * 3:
        np.testing.assert_equal(traced(x), f(x))
    assert traced.traces == 3


def test_loops():
    def root(x: float, tolerance: float) -> Any:
        y = x
        while abs(y * y - x) > tolerance:
            y = (y + x / y) / 2
        return y

    check(root, (2.0, 1e-6), (3.0, 1e-6), (2.0, 1e-12), (1e6, 1e-6), traces=3)
    check(lambda x, n: sum([x**i for i in range(n)]), (A, 2), (B, 2), (A, 5), traces=2)
    traced = function(root)
    for x in np.linspace(1, 50, 60):
        assert traced(float(x), 1e-9) == root(float(x), 1e-9)
    assert traced.traces < 8


def test_boolean_operators_and_chains():
    check(lambda x, y: (x > 0 and y > 0, x or y, not x, 0 < x < y), (1.0, 2.0))
    check(lambda x, y: 1 if 0 < x < y else 2, (1.0, 2.0), (2.0, 1.0), (1.5, 3.0), traces=2)
    check(lambda x: max(x[0], x[1], 0.0), (A,), (B,), traces=2)
    check(lambda x: sorted(x), (A,), (A + 1,))
    check(lambda x, y: y in x, (A, 2.0), (A, 7.0), traces=2)


def test_numbers_that_python_sees():
    check(lambda x: math.sin(x[0]) * x, (A,), (A * [1, 2, 3],), (B,), traces=2)
    check(lambda x: int(x[0]) * x, (A,), (A + 0.5,), (B,), traces=2)
    check(lambda x: round(x[0]) + math.floor(x[1]) + math.ceil(x[2]), (A,), (A + 0.1,), traces=2)
    check(lambda x: x[1].item() + x.tolist()[0], (A,), (B,), traces=2)
    check(lambda n, x: np.zeros((n, 2)) + x, (2, 1.0), (3, 1.0), (2, 5.0), traces=2)
    check(lambda x, n: x[:n].sum() + x[n:].prod(), (A, 1), (B, 1), (A, 2), traces=2)
    check(lambda x, n: np.sum(x, axis=n), (np.ones((2, 3)), 0), (np.ones((2, 3)), 1), traces=2)
    check(lambda x, n: x.reshape(n, -1), (np.ones(6), 2), (np.ones(6), 3), traces=2)
    check(lambda d, k: d[k], ({1: 5.0, 2: 6.0}, 1), ({1: 5.0, 2: 6.0}, 2), traces=2)


def test_nan_and_the_signs_of_zero():
    nan = float("nan")
    check(lambda x: math.copysign(1.0, x) * x, (0.0,), (-0.0,), (0.0,), traces=2)
    check(lambda x: float(x) * 2, (nan,), (nan,), (1.0,), traces=2)
    check(lambda x: complex(x) * 2, (complex(nan, 0),), (complex(nan, 0),), traces=1)
    check(lambda x: x.tolist(), (np.array([nan, 1]),), (np.array([nan, 1]),), traces=1)
    check(lambda x: 1 if x > 0 else 2, (nan,), (-1.0,), (1.0,), traces=2)


def test_shapes_that_depend_on_values():
    load_all_tables()
    check(lambda x: x[x > 1.5], (A,), (A[::-1],), (B,), (-A,), traces=2)
    check(lambda x: np.nonzero(x > 2)[0], (A,), (B,), traces=2)
    check(lambda x: np.unique(x), (A,), (B,), (A * 0,), traces=2)
    check(lambda x: np.repeat(x, x.astype(int)), (A,), (A[::-1],), (A * 2,), traces=2)
    check(lambda x: np.roots(x), (np.array([1.0, -3, 2]),), (np.array([1.0, 0, 1]),), traces=2)
    check(
        lambda m: np.linalg.eigvals(m),
        (np.diag([1.0, 2.0]),),
        (np.array([[0.0, 1.0], [-1.0, 0.0]]),),
        (np.diag([3.0, 2.0]),),
        traces=2 if np.linalg.eigvals(np.eye(2)).dtype.kind == "f" else 1,  # of NumPy 2.5: complex
    )
    check(lambda x: np.trim_zeros(x), (np.array([0.0, 1, 0]),), (np.array([1.0, 1, 0]),), traces=2)


def test_gradients_through_branches():
    def f(x: Any) -> Any:
        total = 0.0
        for i in range(3):
            total = total + (x[i] ** 2 if x[i] > 0 else -3 * x[i])
        return total

    check(gt.grad(f), (A,), (B,), (A * 2,), traces=2)
    traced = function(f)
    for x in (A, B, -A):
        np.testing.assert_equal(gt.grad(traced)(x), gt.grad(f)(x))
        np.testing.assert_equal(gt.hessian(traced)(x), gt.hessian(f)(x))


def test_values_of_a_branch_are_not_from_the_other_one():
    state = gt.Variable(0.0)

    @function
    def f(x: Any) -> Any:
        state.assign(x)
        return "large" if state > 1 else "small"

    assert [f(0.0), f(2.0), f(0.5), f(3.0)] == ["small", "large", "small", "large"]
    assert state.numpy() == 3


def test_the_truth_of_many():
    with pytest.raises(ValueError, match="ambiguous"):
        function(lambda x: 1 if x > 1 else 2)(A)


def many(f: Any, calls: int) -> list[Any]:
    return [f(float(i)) for i in range(calls)]


def test_running_away_is_warned_of():
    traced = function(lambda x: math.sin(x) * x)
    with pytest.warns(UserWarning, match="was traced 16 times"):
        many(traced, 20)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        traced(30.0)


def test_there_is_a_limit(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "MOST_PROGRAMS", 10)
    runs = []

    def f(x: float) -> float:
        runs.append(1)
        return math.sin(x)

    traced = function(f)
    with pytest.warns(UserWarning, match="has 10 programs") as caught:
        found = many(traced, 40)
    assert found == [math.sin(i) for i in range(40)]
    assert traced.traces == 10
    assert len(runs) == 40
    assert len([w for w in caught if "10 programs" in str(w.message)]) == 1
    assert traced(0.0) == 0
    assert len(runs) == 40


def test_stale_programs_are_dropped(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "MOST_PROGRAMS", 5)
    scale = 0.0
    traced = function(lambda x: x * scale)

    def with_scale(value: float) -> Any:
        nonlocal scale
        scale = value
        return traced(2.0)

    with pytest.warns(UserWarning, match="traced 16 times"):
        found = many(with_scale, 20)
    assert found == [2.0 * i for i in range(20)]
    (programs,) = traced._programs.values()
    assert len(programs) <= 5


def test_what_cannot_be_traced_says_so():
    refused = [
        (lambda x: x.tobytes(), "no attribute 'tobytes'"),
        (lambda x: x.flags, "no attribute 'flags'"),
        (lambda x: x.view(np.int64), "no attribute 'view'"),
        (lambda x: np.vectorize(math.sin)(x), "np.asarray"),
        (lambda x: __import__("pickle").dumps(x), "pickled"),
    ]
    for f, message in refused:
        with pytest.raises(TraceError, match=message):
            function(f)(A)
    assert not function(lambda x: hasattr(x, "tobytes"))(A)
