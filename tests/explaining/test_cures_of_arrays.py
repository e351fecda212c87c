"""Cures of sums, products, norms and softmax, with axes; against the known gradients."""

from typing import Any

import numpy as np
import pytest
import scipy.special

from tests.explaining.cure_tools import Program, cured

ROWS = np.array([[1.0, 1000.0, 998.0], [3.0, 4.0, 3.5]])
SHIFTED = np.exp(ROWS - ROWS.max(axis=1, keepdims=True))
SOFTMAX = SHIFTED / SHIFTED.sum(axis=1, keepdims=True)
VECTOR = ROWS[0]
LOGSUMEXP = "gt.scipy.special.logsumexp"
LOG_SOFTMAX = "gt.scipy.special.log_softmax"


@pytest.mark.parametrize(
    ("source", "x", "expected", "gradient"),
    [
        ("y = np.log(np.sum(np.exp(x)))", VECTOR, f"{LOGSUMEXP}(x)", SOFTMAX[0]),
        ("y = np.log(np.exp(x).sum())", VECTOR, f"{LOGSUMEXP}(x)", SOFTMAX[0]),
        ("e = np.exp(x)\ns = e.sum()\ny = np.log(s)", VECTOR, f"{LOGSUMEXP}(x)", SOFTMAX[0]),
        ("y = np.log(np.sum(np.exp(x), axis=1))", ROWS, f"{LOGSUMEXP}(x, axis=-1)", SOFTMAX),
        ("y = np.log(np.sum(np.exp(x), -1))", ROWS, f"{LOGSUMEXP}(x, axis=-1)", SOFTMAX),
        (
            "y = np.log(np.sum(np.exp(x), axis=1, keepdims=True))",
            ROWS,
            f"{LOGSUMEXP}(x, axis=-1, keepdims=True)",
            SOFTMAX,
        ),
        (
            "m = np.mean(x)\ny = m + np.log(np.sum(np.exp(x - m)))",
            3 * VECTOR,
            f"{LOGSUMEXP}(x)",
            [0.0, 1 / (1 + np.exp(-6.0)), 1 / (1 + np.exp(6.0))],
        ),
        (
            "y = np.log(np.mean(np.exp(x)))",
            VECTOR,
            f"{LOGSUMEXP}(x) - np.log(np.size(x))",
            SOFTMAX[0],
        ),
        (
            "w = np.array([0.5, 0.25, 0.25])\ny = np.log(np.sum(w * np.exp(x)))",
            VECTOR,
            f"{LOGSUMEXP}(x, b=w)",
            scipy.special.softmax(VECTOR + np.log([0.5, 0.25, 0.25])),
        ),
        (
            "w = np.array([0.5, 0.25, 0.25])\n"
            "s = np.array([2.0, 1.0, 1.0])\n"
            "y = np.log(np.sum(w * np.exp(x) / s))",
            VECTOR,
            f"{LOGSUMEXP}(x, b=w / s)",
            scipy.special.softmax(VECTOR),
        ),
        (
            "s = np.array([1.0, 2.0, 4.0])\ny = np.log(np.sum(np.exp(x) / s))",
            VECTOR,
            f"{LOGSUMEXP}(x, b=1 / s)",
            scipy.special.softmax(VECTOR - np.log([1.0, 2.0, 4.0])),
        ),
        ("y = np.log(np.prod(np.exp(x)))", VECTOR, "np.sum(x)", [1.0, 1.0, 1.0]),
        ("y = x - np.log(np.sum(np.exp(x)))", VECTOR, f"{LOG_SOFTMAX}(x)", 1 - 3 * SOFTMAX[0]),
        (
            "y = np.log(np.exp(x) / np.sum(np.exp(x)))",
            VECTOR,
            f"{LOG_SOFTMAX}(x)",
            1 - 3 * SOFTMAX[0],
        ),
        (
            "e = np.exp(x)\np = e / e.sum(axis=1, keepdims=True)\ny = np.log(p)",
            ROWS,
            f"{LOG_SOFTMAX}(x, axis=-1)",
            1 - 3 * SOFTMAX,
        ),
        (
            "e = np.exp(x - x.max())\np = e / e.sum()\ny = np.log(p)",
            VECTOR,
            f"{LOG_SOFTMAX}(x)",
            1 - 3 * SOFTMAX[0],
        ),
        (
            "import gradtape.scipy.special as g\ny = np.log(g.softmax(x, axis=1))",
            ROWS,
            "g.log_softmax(x, axis=-1)",
            1 - 3 * SOFTMAX,
        ),
        (
            "def softmax(z):\n"
            "    e = np.exp(z)\n"
            "    return e / e.sum(axis=1)[:, None]\n"
            "labels = np.array([0, 2])\n"
            "y = -np.log(softmax(x)[np.arange(2), labels])",
            ROWS,
            f"{LOG_SOFTMAX}(x, axis=-1)[np.arange(2), labels]",
            SOFTMAX - [[1, 0, 0], [0, 0, 1]],
        ),
        (
            "p = 1 / (1 + np.exp(-x))\n"
            "t = np.array([1.0, 0.0, 0.0])\n"
            "y = -(t * np.log(p) + (1 - t) * np.log(1 - p))",
            VECTOR,
            "t * x - np.logaddexp(x, 0)",
            scipy.special.expit(VECTOR) - [1, 0, 0],
        ),
        ("y = np.log(np.prod(x))", np.full(200, 0.01), "np.sum(np.log(x))", np.full(200, 100.0)),
        (
            "y = np.log(np.prod(x, axis=0))",
            np.full((200, 2), 1e3),
            "np.sum(np.log(x), axis=-2)",
            np.full((200, 2), 1e-3),
        ),
        (
            "y = np.prod(x)**0.005",
            np.full(200, 0.01),
            "np.exp(0.005 * np.sum(np.log(x)))",
            np.full(200, 0.005),
        ),
        (
            "y = np.log(np.linalg.det(x))",
            1e-120 * np.eye(3),
            "np.linalg.slogdet(x)[1]",
            1e120 * np.eye(3),
        ),
        (
            "y = np.log(abs(np.linalg.det(-x)))",
            1e120 * np.eye(3),
            "np.linalg.slogdet(-x)[1]",
            1e-120 * np.eye(3),
        ),
    ],
)
def test_the_cure_gives_the_known_gradient(
    source: str, x: Any, expected: str, gradient: Any
) -> None:
    after = cured(source, x, expected)
    np.testing.assert_allclose(after.gradient, gradient, rtol=1e-11, atol=1e-300)


@pytest.mark.parametrize(
    ("source", "x"),
    [
        ("y = np.exp(x) / np.sum(np.exp(x))", VECTOR),
        ("y = np.exp(x) / np.exp(x).sum()", VECTOR),
        ("e = np.exp(x)\ny = e / e.sum()", VECTOR),
        ("e = np.exp(x)\ne /= e.sum()\ny = e", VECTOR),
    ],
)
def test_softmax(source: str, x: Any) -> None:
    program = Program(f"{source}\ny = y[1]", x)
    cure = program.cure()
    assert cure is not None
    assert cure.expression == "gt.scipy.special.softmax(x)"
    assert cure.imports == ("import gradtape.scipy.special",)
    p = SOFTMAX[0]
    after = program.cured(cure)
    np.testing.assert_allclose(after.gradient, p[1] * ([0, 1, 0] - p), atol=1e-16)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("y = np.exp(x) / np.sum(np.exp(x), axis=1, keepdims=True)", "x, axis=-1"),
        ("y = np.exp(x) / np.sum(np.exp(x), axis=1)[:, None]", "x, axis=-1"),
        ("y = np.exp(x) / np.exp(x).sum(1).reshape(-1, 1)", "x, axis=-1"),
        ("y = np.exp(x) / np.exp(x).sum(axis=0)", "x, axis=-2"),
        ("y = np.exp(2 * x) / np.sum(np.exp(2 * x))", "2 * x"),
    ],
)
def test_softmax_along_axes(source: str, expected: str) -> None:
    program = Program(f"y = x\n{source}", ROWS)
    cure = program.cure()
    assert cure is not None
    assert cure.expression == f"gt.scipy.special.softmax({expected})"
    axis = {"-1": 1, "-2": 0}.get(expected[-2:])
    scale = 2 if "2 *" in source else 1
    after = program.cured(cure)
    np.testing.assert_allclose(after.y, scipy.special.softmax(scale * ROWS, axis=axis), atol=1e-300)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("y = np.sqrt(np.sum(x**2))", "np.linalg.norm(x)"),
        ("y = np.sqrt(np.sum(x * x))", "np.linalg.norm(x)"),
        ("y = (x**2).sum()**0.5", "np.linalg.norm(x)"),
        ("y = np.sqrt(x @ x)", "np.linalg.norm(x)"),
        ("y = np.sqrt(np.dot(x, x))", "np.linalg.norm(x)"),
        ("y = np.sqrt(np.sum(np.abs(x)**2))", "np.linalg.norm(x)"),
        ("y = np.sqrt(x[0]**2 + x[1]**2)", "np.hypot(x[0], x[1])"),
        ("a, b = x[0], x[1]\ny = np.sqrt(a * a + b * b)", "np.hypot(a, b)"),
        (
            "a, b = x\ny = np.sqrt(a**2 + b**2 + (a - b)**2)",
            "np.hypot(np.hypot(a, b), a - b)",
        ),
        ("y = np.sqrt(np.sum(x**2))**2", "np.sum(x ** 2)"),
        ("r = np.sqrt(x @ x)\ny = r * r", "np.sum(x ** 2)"),
        ("y = np.sqrt(3 * x[0]**2 + x[1]**2)**2", "3 * x[0] ** 2 + x[1] ** 2"),
        ("y = np.std(x)", "np.linalg.norm(x - np.mean(x)) / np.sqrt(np.size(x))"),
        ("y = np.sqrt(np.var(x))", "np.linalg.norm(x - np.mean(x)) / np.sqrt(np.size(x))"),
    ],
)
def test_lengths_at_zero(source: str, expected: str) -> None:
    after = cured(source, np.zeros(2), expected)
    assert np.all(after.gradient == 0)
    away = np.array([3.0, 4.0])
    old, new = Program(source, away), Program(after.source, away)
    np.testing.assert_allclose(new.y, old.y, rtol=1e-14)
    np.testing.assert_allclose(new.gradient, old.gradient, rtol=1e-14)


@pytest.mark.parametrize(
    ("source", "axis"),
    [
        ("y = x / np.linalg.norm(x)", None),
        ("y = x / np.sqrt(np.sum(x**2))", None),
        ("n = np.linalg.norm(x)\ny = x / n", None),
        ("y = x * (1 / np.linalg.norm(x))", None),
        ("y = x / np.linalg.norm(x, axis=1, keepdims=True)", -1),
        ("y = x / np.linalg.norm(x, axis=1)[:, None]", -1),
        ("y = x / np.sqrt((x**2).sum(-1, keepdims=True))", -1),
        ("y = x / np.sqrt(np.sum(x * x, axis=-1))[:, None]", -1),
    ],
)
def test_directions_at_zero(source: str, axis: int | None) -> None:
    x = np.zeros((2, 2))
    if axis is not None:
        x[1] = 3.0, 4.0
    options = "" if axis is None else ", axis=-1, keepdims=True"
    expected = f"x / np.where(np.any(x{options}), np.linalg.norm(x{options}), 1)"
    after = cured(source, x, expected)
    assert np.all(after.y[0] == 0)
    if axis is not None:
        np.testing.assert_allclose(after.y[1], [0.6, 0.8])
        np.testing.assert_allclose(after.gradient[1], [0.032, -0.024], rtol=1e-12)


def test_distances_between_points() -> None:
    source = "d = x[:, None, :] - x[None, :, :]\ny = np.sqrt((d**2).sum(axis=-1))"
    after = cured(source, np.array([[1.0, 2.0], [4.0, 6.0]]), "np.linalg.norm(d, axis=-1)")
    np.testing.assert_allclose(after.gradient, [[-1.2, -1.6], [1.2, 1.6]])


def test_entropy_with_a_zero() -> None:
    cured("y = np.sum(-x * np.log(x))", [0.0, 0.25, 0.75], "scipy.special.xlogy(-x, x)")
    after = cured("y = np.sum(x * np.log(x / 0.5))", [0.0, 1.0], "scipy.special.xlogy(x, x / 0.5)")
    np.testing.assert_allclose(after.gradient, [0.0, np.log(2) + 1])


def test_a_variance_that_cancels() -> None:
    x = 1e9 + np.array([1.0, 2.0, 3.0])
    after = cured("y = np.mean(x**2) - np.mean(x)**2", x, "np.var(x)", "subtract")
    assert abs(after.y - 2 / 3) < 1e-12
    np.testing.assert_allclose(after.gradient, np.array([-2.0, 0.0, 2.0]) / 3)


def test_differences_of_squares() -> None:
    x = np.array([1e9 + 1, 1e9])
    after = cured("y = x[0]**2 - x[1]**2", x, "(x[0] - x[1]) * (x[0] + x[1])", "subtract")
    assert after.y == 2e9 + 1
