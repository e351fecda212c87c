"""``python -m benchmarks.gradient_cost``: a value beside the same value with its gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks import gradient_cost
from benchmarks.gradient_cost import WORKLOADS, Engine, ValueAlone, main, measured

CHEAP = ["f", "network-32", "rosenbrock-1000"]


@pytest.mark.parametrize("name", CHEAP)
def test_the_value_alone_is_that_of_the_gradients_program(name: str) -> None:
    workload = WORKLOADS[name]
    data = workload.data(np.random.default_rng(0))
    alone, both = (
        getattr(kind("numpy", "numpy"), workload.function)(*data) for kind in (ValueAlone, Engine)
    )
    for _ in range(2):  # traced, and run
        (value,), (same, *gradients) = alone(), both()
        assert float(value) == float(same)
        assert gradients


def test_every_function_of_the_compiled_workloads_has_its_turn() -> None:
    assert "adam-32" not in WORKLOADS
    assert len(WORKLOADS) >= 14
    assert all(hasattr(ValueAlone, w.function) for w in WORKLOADS.values())


def test_a_round_is_one_time_of_each() -> None:
    values, gradients = measured(WORKLOADS["f"], "numpy", 3)
    assert len(values) == len(gradients) == 3
    assert min(*values, *gradients) > 0


def test_the_table_marks_what_costs_more_than_the_aim(monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setattr(gradient_cost, "ENGINES", ("numpy",))
    times = {"f": ([2.0, 1.0], [2.5, 2.0]), "network-32": ([1.0, 2.0], [4.0, 3.5])}
    monkeypatch.setattr(gradient_cost, "measured", lambda w, engine, rounds: times[w.name])
    monkeypatch.setenv("GRADTAPE_CACHE", "")
    assert main(["--only", "f", "--only", "network-32"]) == 0
    *_, cheap, dear = capsys.readouterr().out.splitlines()
    assert "| 2.00 | 1.50 |" in cheap
    assert "| **3.50** | 2.50 |" in dear
