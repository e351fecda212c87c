"""Digits that were lost: the cause, the line, and a cure that keeps them."""

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

import gradtape as gt


def log_beside_one(x: Any) -> Any:
    return np.log(1 + x) ** 2


def exp_beside_zero(x: Any) -> Any:
    return (np.exp(x) - 1) ** 2


def saturated(x: Any) -> Any:
    return (1 - np.tanh(x) ** 2) ** 2


def cosine_beside_zero(x: Any) -> Any:
    return (1 - np.cos(x)) ** 2


#: The program, where, what is lost there, the cure, and the true slope.
PROGRAMS: dict[str, tuple[Callable[..., Any], float, str, str, Callable[..., Any]]] = {
    "log1p": (
        log_beside_one,
        1e-12,
        "np.log(1 + x)",
        "np.log1p(x)",
        lambda x: mpmath.log1p(x) ** 2,
    ),
    "expm1": (
        exp_beside_zero,
        1e-12,
        "np.exp(x) - 1",
        "np.expm1(x)",
        lambda x: mpmath.expm1(x) ** 2,
    ),
    "sech": (
        saturated,
        15.0,
        "1 - np.tanh(x) ** 2",
        "1 / np.cosh(x) ** 2",
        lambda x: mpmath.sech(x) ** 4,
    ),
    "cosine": (
        cosine_beside_zero,
        1e-7,
        "1 - np.cos(x)",
        "2 * np.sin(x / 2) ** 2",
        lambda x: 4 * mpmath.sin(x / 2) ** 4,
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_cure_keeps_the_digits(name: str) -> None:
    program, x, before, after, exact = PROGRAMS[name]
    found = gt.explain(program)(x)
    assert found.cause == "cancellation"
    assert found.line is not None
    assert found.line.text.startswith("return ")
    assert found.cure is not None
    assert (found.cure.before, found.cure.expression) == (before, after)
    source = found.cure.after.removeprefix("return ")
    cured = eval(f"lambda x: {source}", {"np": np})
    with mpmath.workdps(60):
        slope = float(mpmath.diff(exact, mpmath.mpf(x)))
    assert abs(gt.grad(cured)(x) / slope - 1) < 1e-9
    assert abs(gt.grad(program)(x) / slope - 1) > 1e-6


@pytest.mark.parametrize("x", [0.5, 2.0, 1e-3])
@pytest.mark.parametrize("program", [log_beside_one, exp_beside_zero, cosine_beside_zero])
def test_where_digits_are_kept_nothing_is_said(program: Callable[..., Any], x: float) -> None:
    found = gt.explain(program)(x)
    assert not found.findings


def test_without_loss_a_logarithm_is_left_alone() -> None:
    assert not gt.explain(lambda x: np.log(x) ** 2)(1 + 2.0**-30).findings
