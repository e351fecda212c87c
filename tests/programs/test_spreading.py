"""Functions of large arrays in pieces, while a function is traced: the bits of the whole."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import gradtape as gt
from gradtape.programs import crew, spreading
from gradtape.programs.spreading import spread
from tests.programs.graphs import numbers, same_bits

LENGTH = 5_003


@pytest.fixture(autouse=True)
def three_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Three threads, and arrays of a few thousand entries count as large."""
    monkeypatch.setattr(spreading, "SPREAD_SIZE", 1 << 10)
    gt.set_threads(3)
    yield
    gt.set_threads(None)


@pytest.fixture
def pieces(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many pieces there were in each call."""
    counts: list[int] = []
    run = spreading.Blocks.run

    def counted(self: Any, *arguments: Any) -> None:
        counts.append(len(self))
        run(self, *arguments)

    monkeypatch.setattr(spreading.Blocks, "run", counted)
    return counts


UNARY = ["exp", "log", "tanh", "sin", "cos", "expm1", "log1p", "cbrt", "arctan", "sinh"]
BINARY = ["power", "arctan2", "hypot", "logaddexp"]


@pytest.mark.filterwarnings("ignore:overflow")  # of half precision
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.complex128])
def test_bits_are_those_of_the_whole(dtype, pieces) -> None:
    x, y = numbers((2, LENGTH), np.float64) ** 2 + 0.1
    x, y = x.astype(dtype), y.astype(dtype)
    for name in UNARY + BINARY:
        function = getattr(np, name)
        if np.dtype(dtype).kind == "c" and name in ("cbrt", *BINARY[1:]):
            continue
        values = [x, y][: function.nin]
        got, wanted = spread(function, values), function(*values)
        assert got.dtype == wanted.dtype
        assert same_bits(got, wanted), name
    assert set(pieces) == {6}


@pytest.mark.parametrize(
    "other", [2, 2.5, np.float64(3), np.float32(3), np.ones((1, 7)), np.ones(7), np.ones((800, 1))]
)
def test_what_is_broadcast(other, pieces) -> None:
    x = numbers((800, 7), np.float32)
    for values in ([x, other], [other, x]):
        got, wanted = spread(np.arctan2, values), np.arctan2(*values)
        assert got.dtype == wanted.dtype
        assert same_bits(got, wanted)
    assert len(pieces) == 2


@pytest.mark.parametrize(
    "values",
    [
        [numbers((100, 90)).T],
        [numbers((9_000,))[::2]],
        [numbers((3, 3_000))],
        [np.zeros((0, 9))],
        [numbers((9_000,)), numbers((2, 9_000))],
        [numbers((100, 1)), numbers((1, 2_000))],
    ],
)
def test_what_stays_whole(values, pieces) -> None:
    function = np.hypot if len(values) == 2 else np.sin
    got, wanted = spread(function, values), function(*values)
    assert pieces == []
    assert got.strides == wanted.strides
    assert np.array_equal(got, wanted)


def test_one_thread_and_small_arrays_and_other_functions(pieces) -> None:
    gt.set_threads(1)
    assert same_bits(spread(np.exp, [numbers((LENGTH,))]), np.exp(numbers((LENGTH,))))
    gt.set_threads(3)
    assert same_bits(spread(np.exp, [numbers((900,))]), np.exp(numbers((900,))))
    assert spread(np.divmod, [np.full(LENGTH, 7), 2])[0].tolist() == [3] * LENGTH
    assert spread(np.add, [np.ones(LENGTH), 2]).tolist() == [3] * LENGTH
    assert spread(len, [np.zeros(LENGTH)]) == LENGTH
    assert pieces == []


def test_warnings_are_those_of_the_whole(pieces) -> None:
    x = np.linspace(0, 800, LENGTH)
    with pytest.warns(RuntimeWarning, match="overflow encountered in exp") as told:
        got = spread(np.exp, [x])
    assert len(told) == len(pieces) == 1
    with np.errstate(over="raise"), pytest.raises(FloatingPointError, match="overflow"):
        spread(np.exp, [x])
    with np.errstate(over="ignore"):
        assert same_bits(spread(np.exp, [x]), got)
    seen = []
    with np.errstate(over="call"), np.errstate(call=lambda *what: seen.append(what)):
        spread(np.exp, [x])
    assert len(seen) == 1


def test_a_trace_computes_in_pieces_and_warns_as_the_plain_function(pieces) -> None:
    x = numbers((LENGTH,))
    f = gt.function(lambda v: np.sum(np.exp(v) * np.sin(v)), engine="numpy")
    assert f(x) == np.sum(np.exp(x) * np.sin(x))
    assert pieces == [6, 6]
    with pytest.warns(RuntimeWarning, match="overflow"):
        gt.function(lambda v: np.exp(v * 1e3), engine="numpy")(x)


def test_a_helper_that_comes_too_late_keeps_nothing_alive(monkeypatch) -> None:
    late: list[Any] = []

    def put(job: Any) -> None:
        job._blocks.table(1)  # what it had begun to do
        late.append(job)

    monkeypatch.setattr(crew._crew, "_jobs", SimpleNamespace(put=put))
    monkeypatch.setattr(crew._crew, "_helpers", [None])
    monkeypatch.setattr(crew._crew, "_hire", lambda wanted: None)
    x = numbers((LENGTH,))
    with pytest.warns(RuntimeWarning, match="overflow"):
        gt.function(lambda v: np.exp(v * 1e3), engine="numpy")(x)
    assert late
    y = np.sin(x)
    seen = weakref.ref(y)
    spread(np.exp, [y])
    del y
    assert seen() is None


def test_traces_in_several_threads() -> None:
    x = numbers((LENGTH,))
    wanted = np.sin(np.exp(x))
    found: list[Any] = []

    def trace() -> None:
        found.append(gt.function(lambda v: np.sin(np.exp(v)), engine="numpy")(x))

    threads = [threading.Thread(target=trace) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [same_bits(one, wanted) for one in found] == [True] * 4
