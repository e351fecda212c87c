"""What runs the suite's programs traced: it finds a wrong one; and the notebook's cells by it."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gradtape as gt
from fuzz.traced import ENGINES
from gradtape.notebook import CELLS, Session
from tests import traced
from tests.traced import DifferentError, Log, UnlikeError, logging, run_traced

EXAMPLES = Path(__file__).parents[2] / "examples"


def logged(test: Callable[[], Any]) -> Log:
    """What a plain run watches and asks for."""
    log = Log()
    with logging(log):
        test()
    return log


def slopes() -> None:
    x, w = gt.constant([1.0, 2.0]), gt.Variable([[0.5, -1.0], [2.0, 0.1]])
    with gt.GradientTape() as tape:
        tape.watch(x)
        y = np.tanh(w @ x).sum()
    assert tape.gradient(y, x).numpy().shape == (2,)
    assert gt.grad(lambda v: np.sum(v**3))(2.0) == 12
    assert isinstance(gt.hessian(lambda v: np.sum(v**3))(np.ones(2)), np.ndarray)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_test_is_a_program(engine: str) -> None:
    log = logged(slopes)
    assert len(log.given) >= 4
    assert len(log.asked) >= 4  # the gradient, its value looked at, and two operators' answers
    run_traced(slopes, log, engine)


def test_a_wrong_program_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    right = traced.engine_for

    def wrong(name: str) -> Any:
        def engine(graph: Any) -> Any:
            run = right(name)(graph)
            return lambda *inputs: [v * (1 + 1e-13) for v in run(*inputs)]

        return engine

    log = logged(slopes)
    monkeypatch.setattr(traced, "engine_for", wrong)
    with pytest.raises(DifferentError, match="by the numpy engine, but eagerly"):
        run_traced(slopes, log, "numpy")


def test_long_loops_may_be_as_far_off_as_last_digits_take_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def chaos() -> None:
        def last(x: Any) -> Any:
            for _ in range(60):
                x = 3.9 * x * (1 - x)
            return x

        gt.value_and_grad(last)(0.3)

    def engine(change: float) -> Any:
        def made(name: str) -> Any:
            def of(graph: Any) -> Any:
                run = right(name)(graph)
                return lambda *inputs: run(*[v * (1 + change) for v in inputs])

            return of

        return made

    right, log = traced.engine_for, logged(chaos)
    monkeypatch.setattr(traced, "engine_for", engine(3e-16))
    run_traced(chaos, log, "numpy")
    monkeypatch.setattr(traced, "engine_for", engine(1e-9))
    with pytest.raises(DifferentError):
        run_traced(chaos, log, "numpy")


def test_another_program_is_not_compared() -> None:
    runs = iter([1, 2])

    def more_each_time() -> None:
        for _ in range(next(runs)):
            gt.grad(np.sin)(0.5)

    with pytest.raises(UnlikeError):
        run_traced(more_each_time, logged(more_each_time), "numpy")


# The notebook and an example ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def cells() -> dict[int, tuple[dict[str, Any], Log]]:
    """For each cell that asks for something, the names before it, and what it asks for."""
    session, found = Session(), {}
    for cell in [CELLS[0], *CELLS[3:]]:  # without the data, which nothing is derived of
        before = dict(session.namespace)
        log = logged(lambda cell=cell: session.run(cell))
        if log.asked:
            found[cell.number] = before, log
    return found


@pytest.mark.parametrize("engine", ENGINES)
def test_the_cells_of_the_notebook(engine: str, cells: Any) -> None:
    assert len(cells) >= 13
    for number, (before, log) in cells.items():
        own = CELLS[number - 2 : number] if number == 8 else [CELLS[number - 1]]  # 7 makes a tape

        def run(before: Any = before, own: Any = own) -> None:
            session = Session(dict(before))
            for cell in own:
                session.run(cell)

        run_traced(run, logged(run) if number == 8 else log, engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_step_of_newtons_method(engine: str) -> None:
    example = runpy.run_path(str(EXAMPLES / "newton.py"))

    def step() -> None:
        x = gt.Variable(np.array([-1.2, 1.0]))
        example["value_slope_curvature"](example["rosenbrock"], x)

    log = logged(step)
    assert np.shape(log.asked[-1]) == (2, 2)
    run_traced(step, log, engine)
