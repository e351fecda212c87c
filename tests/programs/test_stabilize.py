"""``gt.function(stabilize=True)``: true values and gradients where the plain function overflows."""

from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest

import gradtape as gt
from gradtape.programs.function import function

X = np.array([-800.0, -40.0, -1.0, 0.25, 3.0, 40.0, 800.0])
SMALL = np.array([-1e-9, 1e-12, 3e-17, 0.25])

exp, log = mpmath.exp, mpmath.log


def softmax(values: Any) -> Any:
    e = [exp(v - max(values)) for v in values]
    return [v / sum(e) for v in e]


#: What is written, at which points, and its true values and derivatives, entry by entry.
ENTRYWISE: dict[str, Any] = {
    "log(1 + exp(x))": (
        lambda x: np.log(1 + np.exp(x)),
        X,
        lambda x: mpmath.log1p(exp(x)),
        lambda x: 1 / (1 + exp(-x)),
    ),
    "log(exp(x) + 1)": (
        lambda x: np.log(np.exp(x) + 1.0),
        X,
        lambda x: mpmath.log1p(exp(x)),
        lambda x: 1 / (1 + exp(-x)),
    ),
    "log1p(exp(x))": (
        lambda x: np.log1p(np.exp(x)),
        X,
        lambda x: mpmath.log1p(exp(x)),
        lambda x: 1 / (1 + exp(-x)),
    ),
    "log(exp(x))": (lambda x: np.log(np.exp(x)), X, lambda x: x, None),
    "1 / (1 + exp(-x))": (
        lambda x: 1 / (1 + np.exp(-x)),
        X,
        lambda x: 1 / (1 + exp(-x)),
        lambda x: exp(-abs(x)) / (1 + exp(-abs(x))) ** 2,
    ),
    "exp(x) / (1 + exp(x))": (
        lambda x: np.exp(x) / (1 + np.exp(x)),
        X,
        lambda x: 1 / (1 + exp(-x)),
        lambda x: exp(-abs(x)) / (1 + exp(-abs(x))) ** 2,
    ),
    "log(sigmoid(x))": (
        lambda x: np.log(1 / (1 + np.exp(-x))),
        X,
        lambda x: -mpmath.log1p(exp(-x)),
        lambda x: 1 / (1 + exp(x)),
    ),
    "log(1 + x)": (
        lambda x: np.log(1 + x),
        SMALL,
        mpmath.log1p,
        lambda x: 1 / (1 + x),
    ),
    "exp(x) - 1": (lambda x: np.exp(x) - 1, SMALL, mpmath.expm1, exp),
    "sqrt(x*x + y*y)": (
        lambda x: np.sqrt(x * x + np.square(1e200 * x)),
        X,
        lambda x: mpmath.sqrt(x * x + (mpmath.mpf(1e200) * x) ** 2),
        None,
    ),
}
engines = pytest.mark.parametrize("engine", ["numpy", "llvm"])


def made(f: Any, engine: str) -> Any:
    if engine == "llvm":
        pytest.importorskip("llvmlite")
    return function(f, engine=engine, stabilize=True)


def true(f: Any, points: Any) -> Any:
    with mpmath.workdps(700):  # 1 + exp(-800) has 350 digits
        return np.array([float(f(mpmath.mpf(float(x)))) for x in points])


@engines
@pytest.mark.parametrize("name", ENTRYWISE)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_values_and_gradients(name: str, engine: str):
    f, points, value, slope = ENTRYWISE[name]
    traced = made(f, engine)
    for _ in range(2):
        np.testing.assert_allclose(traced(points), true(value, points), rtol=2e-15)
    if slope is None:
        return
    expected = true(slope, points)
    inside = made(gt.grad(lambda x: np.sum(f(x))), engine)
    outside = gt.grad(lambda x: np.sum(traced(x)))
    for gradient in (inside, outside):
        for x in (points, points[::-1].copy()):
            found = gradient(x)
            # p (1 - p) is written as p - p p here, which cancels.
            small = 1e-16 if name == "exp(x) / (1 + exp(x))" else 0
            np.testing.assert_allclose(
                found, expected if x is points else expected[::-1], rtol=4e-15, atol=small
            )
    assert inside.traces == 1


ROWS = np.array([[1000.0, 1001.0, 900.0], [-1000.0, -1001.0, -5000.0], [0.0, 0.5, -0.5]])
WEIGHTS = np.array([[1.0, 2.0, -1.0], [0.5, 0.0, 3.0], [2.0, 2.5, 1.0]])
RATES = np.array([1.0, 2.0, 3.0])

#: What is written of all rows.
BY_ROWS: dict[str, Any] = {
    "log-sum-exp": lambda x: np.log(np.sum(np.exp(x), axis=1)) @ RATES,
    "softmax, kept axes": lambda x: np.sum(
        np.exp(x) / np.sum(np.exp(x), axis=1, keepdims=True) * WEIGHTS
    ),
    "softmax, reshaped": lambda x: np.sum(np.exp(x) / np.sum(np.exp(x), axis=1)[:, None] * WEIGHTS),
    "softmax, another way round": lambda x: np.sum(
        (WEIGHTS * np.exp(x)) / np.sum(np.exp(x), axis=-1, keepdims=True)
    ),
    "softmax of columns": lambda x: np.sum(np.exp(x) / np.sum(np.exp(x), axis=0) * WEIGHTS),
    "log of softmax": lambda x: np.sum(
        np.log(np.exp(x) / np.sum(np.exp(x), axis=1, keepdims=True)) * WEIGHTS
    ),
}


def by_rows(name: str, x: Any) -> tuple[Any, Any]:
    """The value and the gradient in high precision."""
    p = np.array([[float(v) for v in softmax([mpmath.mpf(e) for e in row])] for row in x])
    if name == "log-sum-exp":
        top = x.max(axis=1)
        value = (top + np.log(np.sum(np.exp(x - top[:, None]), axis=1))) @ RATES
        return value, p * RATES[:, None]
    if name == "log of softmax":
        top = x.max(axis=1, keepdims=True)
        logs = x - top - np.log(np.sum(np.exp(x - top), axis=1, keepdims=True))
        return np.sum(logs * WEIGHTS), WEIGHTS - p * np.sum(WEIGHTS, axis=1, keepdims=True)
    weights = WEIGHTS
    if name == "softmax of columns":
        columns = np.array([[float(v) for v in softmax([mpmath.mpf(e) for e in c])] for c in x.T])
        p = columns.T
        return np.sum(p * weights), p * (weights - np.sum(p * weights, axis=0, keepdims=True))
    return np.sum(p * weights), p * (weights - np.sum(p * weights, axis=1, keepdims=True))


@engines
@pytest.mark.parametrize("name", BY_ROWS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_rows(name: str, engine: str):
    f = BY_ROWS[name]
    x = ROWS
    value, gradient = by_rows(name, x)
    traced = made(gt.value_and_grad(f), engine)
    for _ in range(2):
        found = traced(x)
        np.testing.assert_allclose(found[0], value, rtol=1e-13)
        np.testing.assert_allclose(found[1], gradient, rtol=1e-12, atol=1e-15)
    found = gt.value_and_grad(made(f, engine))(x)
    np.testing.assert_allclose(found[0], value, rtol=1e-13)
    np.testing.assert_allclose(found[1], gradient, rtol=1e-12, atol=1e-15)


def test_totals_that_stand_along_another_axis_are_not_taken_for_a_softmax():
    """Square, so that shapes do not tell: each row is divided by the sum of another."""
    x = np.array([[0.1, 0.7], [-0.4, 0.2]])

    def across(x: Any) -> Any:
        e = np.exp(x)
        return np.sum(e / np.sum(e, axis=1) * np.array([[1.0, 2.0], [3.0, 5.0]]))

    def turned(x: Any) -> Any:
        e = np.exp(x)
        return np.sum(
            e / np.reshape(np.sum(e, axis=0), (2, 1)) * np.array([[1.0, 2.0], [3.0, 5.0]])
        )

    for f in (across, turned):
        for g in (f, gt.grad(f), gt.hessian(f)):
            np.testing.assert_allclose(function(g, stabilize=True)(x), g(x), rtol=1e-13, atol=1e-15)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_hessian_of_softplus():
    second = function(gt.hessian(lambda x: np.sum(np.log(1 + np.exp(x)))), stabilize=True)
    expected = true(lambda x: exp(-abs(x)) / (1 + exp(-abs(x))) ** 2, X)
    np.testing.assert_allclose(second(X), np.diag(expected), rtol=1e-14, atol=1e-15)


PIECES: list[Any] = [
    lambda x: np.log(1 + np.exp(x)),
    lambda x: 1 / (1 + np.exp(-x)),
    lambda x: np.exp(x) / np.sum(np.exp(x)),
    lambda x: np.exp(x) / np.sum(np.exp(x), axis=-1, keepdims=True),
    lambda x: np.exp(x) / (np.exp(x) + 1),
    lambda x: x * np.log(np.sum(np.exp(x), axis=-1, keepdims=True)),
    lambda x: np.sqrt(x * x + np.square(x + 2)),
    lambda x: (np.exp(x) - 1) / (1 + np.exp(x)),
    lambda x: np.exp(-x) * x / np.sum(np.exp(x), axis=0),
    lambda x: np.exp(x) * np.exp(-x) / (1 + np.exp(-x)) / (1 + np.exp(x)),
    lambda x: np.sin(x) * np.exp(x) / np.exp(x),
]


@pytest.mark.parametrize("seed", range(40))
def test_where_nothing_overflows_all_is_as_without(seed: int):
    rng = np.random.default_rng(seed)
    chosen = [PIECES[i] for i in rng.integers(0, len(PIECES), 3)]
    x = rng.normal(size=(3, 3) if seed % 2 else (4,))

    def f(x: Any) -> Any:
        y = chosen[0](x) * chosen[1](x + 0.5)
        return np.sum(chosen[2](y - 1) * x)

    for g in (f, gt.grad(f), lambda x: gt.hvp(f)(x, x[::-1].copy())):
        expected, found = g(x), function(g, stabilize=True)(x)
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_python_sees_what_the_program_finds():
    """log(1 + exp(800)) is 800: no branch is taken for infinity."""

    @gt.function(stabilize=True)
    def f(x: Any) -> Any:
        y = np.log(1 + np.exp(x))
        if y > 1e6:
            return -1.0 * y
        return 2 * y if float(y) > 700 else y

    for _ in range(2):
        assert f(800.0) == 1600
        assert f(300.0) == 300
    assert f.traces == 2  # what float(y) is, is known: both ways


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_more_looks_than_are_computed_twice():
    @gt.function(stabilize=True)
    def f(x: Any) -> Any:
        total = 0.0 * x
        for i in range(100):
            y = np.log(1 + np.exp(x + i))
            if y > 1e6:  # what the plain function finds
                return np.inf * x
            total = total + y
        return total

    # From the 65th look on, Python saw infinities: a program of the plain function is taken.
    assert f(np.float64(650.0)) == f(np.float64(650.0)) == np.inf
    x = np.float64(1.0)
    expected = sum(np.logaddexp(x + i, 0) for i in range(100))
    assert f(x) == pytest.approx(expected, rel=1e-14)


@pytest.mark.filterwarnings("error")
def test_no_warning_of_what_does_not_happen():
    assert gt.value_and_grad(function(lambda x: np.log(1 + np.exp(x)), stabilize=True))(900.0) == (
        900.0,
        1.0,
    )


def test_only_where_asked_for():
    with np.errstate(all="ignore"):
        plain = function(lambda x: np.log(1 + np.exp(x)))
        assert plain(1000.0) == plain(1000.0) == np.inf
    assert "logaddexp" not in str(plain.explain_trace())


def test_it_is_explained():
    f = function(lambda x: np.log(1 + np.exp(x)), stabilize=True)
    f(1.0)
    explained = f.explain_trace()
    names = [name for name, _ in explained.stages]
    assert "after stabilizing" in names
    text = str(explained)
    assert "logaddexp" in text.partition("After stabilizing")[2]
    assert "logaddexp" not in text.partition("After stabilizing")[0]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_saved_and_loaded(tmp_path: Path):
    f = function(gt.value_and_grad(lambda x: np.sum(np.log(1 + np.exp(x)))), stabilize=True)
    f(X)
    f.save(tmp_path / "f.gt")
    loaded = gt.load(tmp_path / "f.gt")
    for _ in range(3):
        for found, expected in zip(loaded(X), f(X), strict=True):
            np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(loaded(X)[1], true(lambda x: 1 / (1 + exp(-x)), X), rtol=4e-15)
