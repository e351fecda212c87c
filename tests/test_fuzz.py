"""The fuzzer itself: it is quiet where all is well, and finds, shrinks and prints what is not."""

from collections import Counter
from typing import Any

import numpy as np
import pytest

import gradtape as gt
from fuzz import check, draw, traced
from fuzz.__main__ import Tally, main, run
from fuzz.check import UnfitError
from fuzz.programs import Program, Step
from fuzz.shrink import smallest
from gradtape.rules import UFUNCS


def without_cases(seed: int, length: int = 6) -> Program:
    return draw.program(np.random.default_rng(seed), length, Counter(), share_of_cases=0)


@pytest.mark.fuzz
def test_a_short_run_finds_nothing(capsys: Any):
    status = main(["--programs", "40", "--cases", "0.15", "--peers"])
    printed = capsys.readouterr().out
    assert "40 programs drawn" in printed
    assert status == 0, printed


def test_the_same_seed_draws_the_same_program():
    assert without_cases(3).source() == without_cases(3).source()
    assert without_cases(3).source() != without_cases(4).source()


def test_a_wrong_rule_is_found_and_made_small(monkeypatch: pytest.MonkeyPatch, capsys: Any):
    wrong = gt.rules.Elementwise(np.sin, lambda x: np.cos(x) * 1.001, name="wrong sine")
    monkeypatch.setitem(UFUNCS, np.sin, wrong)
    monkeypatch.setitem(gt.rules.STRAIGHT, np.sin, wrong)
    tally = Tally()
    for seed in range(300):
        run(seed, 6, {}, tally, cases=0)
        if tally.disagreements:
            break
    ((kind, program),) = tally.disagreements.items()
    assert "differences" in kind
    assert len(program.steps) == 1
    printed = capsys.readouterr().out
    assert "tape and differences disagree" in printed
    script = printed[printed.index("    import numpy") :]
    exec("\n".join([line.removeprefix("    ") for line in script.splitlines()]), {})
    assert "np.sin(" in script
    assert capsys.readouterr().out.startswith("[Tensor(")  # it runs, and prints the gradients


@pytest.mark.parametrize("engine", traced.ENGINES)
def test_a_wrong_program_is_found(engine: str, monkeypatch: pytest.MonkeyPatch):
    def wrong(f: Any, engine: str) -> Any:
        return lambda *xs: [v * 1.001 for v in f(*xs)]

    program = Program((np.array([1.0, 2.0]),), (Step("np.sin({0})", (0,)),), (1,))
    assert traced.disagreement(program, [engine]) is None
    monkeypatch.setattr(traced, "function", wrong)
    found = traced.disagreement(program, [engine])
    assert found is not None
    assert found.kind == f"{engine} engine and eager"


def test_shrinking_keeps_what_fails_and_nothing_else():
    program = Program(
        (np.array([[0.5, 1.5], [2.5, 3.5]]), np.array([1.0, 2.0])),
        (
            Step("np.sin({0})", (0,)),
            Step("{0} * {1}", (2, 1)),
            Step("np.sum({0}, axis=0)", (3,)),
            Step("np.cumprod({0})", (4,)),
            Step("{0} + {1}", (5, 1)),
        ),
        (3, 6),
    )
    small = smallest(program, lambda p: any(["cumprod" in s.text for s in p.steps]))
    assert [s.text for s in small.steps] == ["np.cumprod({0})"]
    assert sum([np.size(x) for x in small.inputs]) == 1


@pytest.mark.parametrize(
    ("text", "x"), [("np.sort({0})", np.array([1.0, 1.0])), ("np.abs({0})", np.array([0.0, 1.0]))]
)
def test_points_near_a_kink_are_not_drawn(text: str, x: Any):
    from fuzz.vocabulary import WORDS

    (word,) = [w for w in WORDS if w.text == text]
    assert not word.guard(x)


def test_a_kink_that_is_met_anyway_is_not_judged():
    program = Program((np.array([1.0, 2.0]),), (Step("np.abs({0} - 1.00001)", (0,)),), (1,))
    with pytest.raises(UnfitError):
        check.disagreement(program)
