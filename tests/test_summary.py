"""The table of what a tape recorded: counts, bytes, times, lines."""

from typing import Any

import numpy as np
import pytest

import gradtape as gt
from gradtape.summary import Row, Summary


def rows(summary: Any) -> dict[str, Row]:
    return {row.operation: row for row in summary.rows}


def network() -> Any:
    weights = gt.Variable(np.full((50, 30), 0.1), name="weights")
    data = np.ones((20, 50))
    with gt.GradientTape(trace=True) as tape:
        hidden = np.tanh(data @ weights)
        for _ in range(3):
            hidden = np.sin(hidden) * 0.5
        loss = np.sum(hidden)
    return tape, loss, weights


def test_operations_by_line() -> None:
    tape, _, _ = network()
    summary = tape.summary()
    assert summary.records == summary.operations == 9
    found = rows(summary)
    assert {name: row.calls for name, row in found.items()} == {
        "matmul": 1,
        "tanh": 1,
        "sin": 3,
        "multiply": 3,
        "sum": 1,
    }
    assert found["sin"].line.endswith("hidden = np.sin(hidden) * 0.5")
    assert "test_summary.py, line" in found["sin"].line


def test_bytes_are_those_of_the_arrays_kept_each_once() -> None:
    tape, _, _ = network()
    found = rows(tape.summary())
    assert found["matmul"].kept == 20 * 50 * 8  # the data, of which a copy is kept
    assert found["tanh"].kept == 20 * 30 * 8
    assert found["sin"].kept == 3 * 20 * 30 * 8
    assert found["multiply"].kept == found["sum"].kept == 0
    assert tape.summary().kept == sum([row.kept for row in found.values()])


def test_one_array_kept_twice_counts_once() -> None:
    x = gt.Variable(np.ones(1000))
    with gt.GradientTape(trace=True) as tape:
        np.sin(x) + np.cos(x) + np.exp(x) * x
    assert tape.summary().kept == 8000 + 8000  # x and exp(x)


def test_a_view_counts_as_what_it_is_a_view_of() -> None:
    x = gt.Variable(np.ones(1000))
    with gt.GradientTape(trace=True) as tape:
        np.sin(x[:10]) + np.sin(x[10:20])
    assert tape.summary().kept == 8000


def test_times_are_of_both_directions_with_and_without_a_gradient() -> None:
    tape, loss, weights = network()
    before = tape.summary()
    assert all([row.forward > 0 and row.backward > 0 for row in before.rows])
    tape.gradient(loss, weights)
    after = tape.summary()
    assert after.records == 9
    assert all([row.forward > 0 and row.backward > 0 for row in after.rows])
    for summary in (before, after):
        assert summary.forward == pytest.approx(sum([row.forward for row in summary.rows]))
        assert summary.backward == pytest.approx(sum([row.backward for row in summary.rows]))
        costs = [row.cost for row in summary.rows]
        assert costs == sorted(costs, reverse=True)


def test_a_slow_operation_stands_first() -> None:
    x = gt.Variable(np.ones(200_000))
    with gt.GradientTape(trace=True) as tape:
        y = np.sum(np.arctan2(x, 2.0) + 1)
    tape.gradient(y, x)
    assert tape.summary().rows[0].operation == "arctan2"


def test_summing_up_changes_nothing() -> None:
    tape, loss, weights = network()
    tape.summary()
    with_it = tape.gradient(loss, weights).numpy()
    tape, loss, weights = network()
    np.testing.assert_array_equal(with_it, tape.gradient(loss, weights).numpy())
    count = len(tape.trace.steps)
    tape.summary()
    assert len(tape.trace.steps) == count


def test_operations_that_the_tape_did_not_record() -> None:
    x, constant = gt.Variable([1.0, 2.0]), gt.constant([3.0, 4.0])
    with gt.GradientTape(trace=True) as tape:
        np.exp(constant) * x
    summary = tape.summary()
    assert (summary.operations, summary.records) == (2, 1)
    found = rows(summary)
    assert found["exp"].records == found["exp"].backward == 0


def test_code_of_the_users_own_is_not_run_again() -> None:
    calls = []

    @gt.custom_gradient
    def twice(x: Any) -> Any:
        calls.append("forward")

        def grad(g: Any) -> Any:
            calls.append("backward")
            return 2 * g

        return x * 2, grad

    x = gt.Variable(1.0)
    with gt.GradientTape(trace=True) as tape:
        y = twice(x)
    tape.gradient(y, x)
    summary = tape.summary()
    assert calls == ["forward", "backward"]
    row = rows(summary)["twice"]
    assert (row.calls, row.forward, row.backward) == (1, None, None)
    assert "twice" in str(summary)


def test_several_results() -> None:
    a = gt.Variable(np.diag([1.0, 2.0]))
    with gt.GradientTape(trace=True) as tape:
        _, s, _ = np.linalg.svd(a)
        y = np.sum(s)
    tape.gradient(y, a)
    row = rows(tape.summary())["svd"]
    assert row.backward is not None
    assert row.backward > 0


def test_the_table() -> None:
    tape, _, _ = network()
    text = str(tape.summary())
    lines = text.splitlines()
    assert lines[0] == "9 records of 9 operations, 27.2 kB kept"
    head = lines[2]
    assert head.split() == ["operation", "calls", "kept", "forward", "backward", "line"]
    assert lines[-1].startswith("total")
    start = head.index("line")
    assert all([line[start:].startswith("test_summary.py") for line in lines[4:-2]])
    assert repr(tape.summary()).startswith("9 records")


def test_ten_rows_are_shown_and_all_can_be_read() -> None:
    x = gt.Variable(1.0)
    names = "sin cos tan exp log sqrt tanh arctan sinh cosh square cbrt".split()  # noqa: SIM905
    with gt.GradientTape(trace=True) as tape:
        for name in names:
            getattr(np, name)(x)
    summary = tape.summary()
    assert len(summary.rows) == 12
    assert "... and 2 more" in str(summary)


def test_nothing_recorded() -> None:
    with gt.GradientTape(trace=True) as tape:
        pass
    summary = tape.summary()
    assert (summary.rows, summary.kept, summary.forward) == ([], 0, 0)
    assert "0 records" in str(Summary())


def test_without_a_trace() -> None:
    with gt.GradientTape() as tape:
        pass
    with pytest.raises(RuntimeError, match="trace=True"):
        tape.summary()
