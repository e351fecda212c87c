"""The benchmark of the demo's training: it runs, and says so if losses are not the same."""

import pytest

pytest.importorskip("sklearn")

from benchmarks import training


def test_it_prints_a_row_for_each_library(capsys):
    assert training.main(["--smoke"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("|")[1].strip() for line in lines[2:4]] == [
        "gradtape",
        "gradtape.function, NumPy",
    ]
    losses = [line.split("|")[-2].strip() for line in lines[2:]]
    assert len(set(losses)) == 1


def test_other_losses_are_an_error(monkeypatch, capsys):
    made = training.gradtape_trained

    def longer_steps(weights, settings, engine):
        step, predict = made(weights, settings, engine)
        if engine is None:
            return step, predict
        return lambda x, y, rate: step(x, y, 1.01 * rate), predict

    monkeypatch.setattr(training, "gradtape_trained", longer_steps)
    monkeypatch.setattr(training, "find_spec", lambda name: None)
    assert training.main(["--smoke"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "gradtape.function, NumPy has other losses than gradtape" in captured.err
