"""The NumPy engine on several Python threads: the same results, whoever runs the blocks."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gradtape as gt
from gradtape.programs import crew, loops, rows, sum_writing
from gradtape.programs.crew import Blocks
from gradtape.programs.numpy_engine import GuardFailed, NumpyProgram
from gradtape.programs.rewrites.looks import holds_nan
from tests.programs.graphs import Building, numbers, same, sum_of_terms
from tests.programs.llvm_programs import random_program

FLOATS = [np.float32, np.float64]


@pytest.fixture(autouse=True)
def _some_threads(monkeypatch):
    monkeypatch.setattr(loops, "ALONE_TIME", 0)  # also where that does not pay
    gt.set_threads(3)
    yield
    gt.set_threads(None)


def same_on_any_number(build: Building) -> NumpyProgram:
    """A program whose loop several threads may run, and that gives the same on each number."""
    program = NumpyProgram(build.graph)
    assert "def loop_" in program.source
    found = []
    for n in (1, 2, 3):
        gt.set_threads(n)
        found += [program(*build.inputs) for _ in range(4)]
    assert all([same(results, found[0]) for results in found])
    return program


def long_sum(size: Any = 400_003, dtype: Any = np.float64) -> Building:
    return sum_of_terms(size, dtype)


@pytest.fixture
def helped(monkeypatch):
    """Who ran blocks: the numbers of threads that asked for their tables."""
    asked: list[int] = []
    table = Blocks.table

    def noted(self: Blocks, thread: int) -> Any:
        asked.append(thread)
        return table(self, thread)

    monkeypatch.setattr(Blocks, "table", noted)
    return asked


# The same results ---------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("size", [150_001, 400_003, (1009, 211), (40_000, 5), (700, 30, 20)])
def test_elementwise(size, dtype):
    build = long_sum(size, dtype)
    expected = np.exp(build.inputs[0]) * np.sin(build.inputs[0])
    terms, total = same_on_any_number(build)(*build.inputs)
    assert np.array_equal(terms, expected)
    np.testing.assert_allclose(total, expected.sum(dtype=np.float64), rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("how", ["sum", "max", "min"])
@pytest.mark.parametrize("axes", [(-1,), (-2,), (-2, -1)], ids=str)
@pytest.mark.parametrize("shape", [(1009, 211), (64, 5000), (60_000, 5), (5003, 40)], ids=str)
def test_reductions(shape, axes, how, dtype):
    build = Building()
    x = build.input(numbers(shape, dtype))
    build.returns(build.call(how, build.call("exp", x), params=(axes, False)))
    (found,) = same_on_any_number(build)(*build.inputs)
    exact = getattr(np, how)(np.exp(build.inputs[0]).astype(np.float64), axis=axes)
    np.testing.assert_allclose(found, exact, rtol=1e-5 if dtype is np.float32 else 1e-12)


@pytest.mark.parametrize("axis", [-1, -2])
def test_sums_of_three_axes(axis):
    build = Building()
    x = build.input(numbers((700, 30, 20)))
    build.returns(build.call("sum", build.call("exp", x), params=((axis,), False)))
    (found,) = same_on_any_number(build)(*build.inputs)
    np.testing.assert_allclose(found, np.exp(build.inputs[0]).sum(axis), rtol=1e-13)


@pytest.mark.parametrize("columns", [1, 5, 16, 211])
def test_what_is_broadcast_along_rows(columns):
    build = Building()
    x, w = build.input(numbers((300_001 // columns, columns))), build.input(numbers(columns))
    b = build.input(numbers((300_001 // columns, 1)))
    terms = build.call("add", build.call("multiply", build.call("tanh", x), w), b)
    build.returns(terms, build.call("sum", terms, params=((-2,), False)))
    program = same_on_any_number(build)
    for seed in (3, 4):  # nothing is left of the call before
        x, w, b = [numbers(i.shape, seed=seed) for i in build.inputs]
        assert np.array_equal(program(x, w, b)[0], np.tanh(x) * w + b)


def test_a_softmax_with_its_gradient():
    def loss(z: Any, t: Any) -> Any:
        largest = np.max(z, axis=1, keepdims=True)
        norm = np.log(np.sum(np.exp(z - largest), axis=1)) + largest[:, 0]
        return np.mean(norm - np.sum(z * t, axis=1))

    z, t = numbers((500, 300), np.float32), np.eye(300, dtype=np.float32)[np.arange(500) % 300]
    f = gt.function(gt.value_and_grad(loss), engine="numpy")
    f(z, t)  # traces
    found = []
    for n in (1, 2, 3, 3, 2):
        gt.set_threads(n)
        found.append(f(z, t))
    assert all([same(one, found[0]) for one in found])
    plain = gt.value_and_grad(loss)(z, t)
    for one, other in zip(found[0], plain, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("seed", range(500, 560))
def test_random_programs(seed, monkeypatch):
    monkeypatch.setattr(rows, "LARGE_BYTES", 64)
    for name, value in {"LARGE_BYTES": 64, "SHARED_SIZE": 8, "SHARED_BYTES": 200}.items():
        monkeypatch.setattr(loops, name, value)
    monkeypatch.setattr(sum_writing, "FEW", 1)
    monkeypatch.setattr(sum_writing, "WIDE", 8)
    build = random_program(seed, with_numpy=seed % 3 == 0)
    program = NumpyProgram(build.graph)
    found = []
    for n in (1, 2, 3):
        gt.set_threads(n)
        found += [program(*build.inputs) for _ in range(3)]
    assert all([same(results, found[0]) for results in found])


# Who runs the blocks ------------------------------------------------------------------------------


def test_others_help_in_memory_of_their_own(helped):
    build = long_sum(3_000_000)
    program = NumpyProgram(build.graph)
    for _ in range(20):
        program(*build.inputs)
    assert {0, 1, 2} >= set(helped) > {0}


def test_one_thread_is_the_callers(helped):
    gt.set_threads(1)
    build = long_sum(3_000_000)
    NumpyProgram(build.graph)(*build.inputs)
    assert helped == []


def test_what_is_small_or_multiplied_is_not_shared():
    assert "def loop_" not in NumpyProgram(long_sum(90_000).graph).source
    build = Building()
    x, w = build.input(numbers((50_000, 8))), build.input(numbers((8, 30)))
    build.returns(build.call("tanh", build.call("matmul", x, w)))
    program = NumpyProgram(build.graph)
    assert "for s, " in program.source
    assert "def loop_" not in program.source


def test_what_takes_little_time_is_not_shared(monkeypatch):
    def source_of(function: str) -> str:
        build = Building()
        x = build.input(numbers((1000, 300)))
        squares = build.call("multiply", build.call(function, x), x)
        build.returns(build.call("add", squares, x))
        return str(NumpyProgram(build.graph).source)

    assert "def loop_" in source_of("negative")
    monkeypatch.undo()
    assert "def loop_" not in source_of("negative")
    assert "def loop_" in source_of("sin")


def test_where_no_thread_can_be_started(monkeypatch):
    def start(self: Any) -> None:
        raise RuntimeError("can't start new thread")

    crew._crew.close()
    crew._crew.open()
    monkeypatch.setattr(threading.Thread, "start", start)
    build = long_sum()
    terms, _ = NumpyProgram(build.graph)(*build.inputs)
    assert np.array_equal(terms, np.exp(build.inputs[0]) * np.sin(build.inputs[0]))


def test_callers_at_the_same_time():
    build = long_sum()
    program, other = NumpyProgram(build.graph), NumpyProgram(long_sum().graph)
    expected = program(*build.inputs)
    right: list[bool] = []

    def work(f: NumpyProgram) -> None:
        right.extend([same(f(*build.inputs), expected) for _ in range(15)])

    callers = [threading.Thread(target=work, args=(f,)) for f in (program, other, program, other)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(60)
    assert right == [True] * 60


# What is said and raised --------------------------------------------------------------------------


def test_no_warnings_come_from_other_threads():
    build = Building()
    x = build.input(np.zeros(3_000_000))
    build.returns(build.call("divide", 1.0, build.call("log", x)))
    program = NumpyProgram(build.graph)
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        for _ in range(10):
            assert not np.any(program(*build.inputs)[0])  # 1/-inf


def guarded(bad: int | None) -> tuple[NumpyProgram, Any]:
    """A program that asks whether what it computes holds NaN, and values that have one."""
    build = Building()
    x = build.input(numbers(1_000_000))
    terms = build.call("exp", x)
    build.graph.guard(build.call(holds_nan, terms), bool, False)
    build.returns(terms)
    values = build.inputs[0].copy()
    if bad is not None:
        values[bad] = np.nan
    return NumpyProgram(build.graph), values


@pytest.mark.parametrize("bad", [0, 400_000, 999_999])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_guard_that_fails(bad, n):
    gt.set_threads(n)
    program, values = guarded(bad)
    for _ in range(3):
        with pytest.raises(GuardFailed):
            program(values)
    values[bad] = np.inf  # is no NaN
    assert np.array_equal(program(values)[0], np.exp(values))


def blocks_of(count: int) -> Blocks:
    return Blocks([(k,) for k in range(count)], [], {})


def test_the_first_block_that_fails_says_why():
    for _ in range(50):
        ran = []

        def body(k: int, ran: list[int] = ran) -> None:
            ran.append(k)
            if k >= 5:
                raise ValueError(f"block {k}")

        with pytest.raises(ValueError, match="block 5"):
            blocks_of(100).run(body, None)
        assert set(range(6)) <= set(ran)
        assert len(ran) <= 10
    ran = []
    blocks_of(100).run(ran.append, None)  # the helpers are there as before
    assert sorted(ran) == list(range(100))


def test_an_interrupt_waits_for_the_others():
    began, ended = [], []

    def body(k: int) -> None:
        if threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt
        began.append(k)
        np.exp(np.ones(300_000))
        ended.append(k)

    for _ in range(20):
        with pytest.raises(KeyboardInterrupt):
            blocks_of(100).run(body, None)
        assert began == ended


def test_each_thread_starts_once():
    started: list[int] = []

    def start(k: int) -> None:
        started.append(threading.get_ident())

    def body(k: int) -> None:
        assert threading.get_ident() in started
        np.exp(np.ones(10_000))

    for _ in range(20):
        started.clear()
        blocks_of(30).run(body, start)
        assert len(started) == len(set(started)) <= 3


# Forks --------------------------------------------------------------------------------------------

FORKING = """
import faulthandler, os, threading, warnings
import numpy as np
import gradtape as gt

faulthandler.dump_traceback_later(60, exit=True)
warnings.simplefilter("error")  # a process that forks with threads is warned of by newer Pythons
gt.set_threads(3)
f = gt.function(lambda v: np.sum(np.exp(v) * np.sin(v)), engine="numpy")
v = np.linspace(-1.0, 1.0, 2_000_000)
f(v)  # traces
expected = f(v)

def helpers():
    return sum([thread.name == "gradtape" for thread in threading.enumerate()])

assert f(v) == expected and helpers() == 2
children = []
for _ in range(3):
    pid = os.fork()
    if not pid:
        good = helpers() == 0 and f(v) == f(v) == expected and helpers() == 2
        os._exit(0 if good else 1)
    children.append(pid)
    assert helpers() == 0 and f(v) == expected and helpers() == 2
assert all([os.waitpid(pid, 0)[1] == 0 for pid in children])

# While another thread is in a program.
stop = threading.Event()
def busy():
    while not stop.is_set():
        assert f(v) == expected
other = threading.Thread(target=busy)
other.start()
warnings.simplefilter("ignore")
children = []
for _ in range(8):
    pid = os.fork()
    if not pid:
        os._exit(0 if f(v) == f(v) == expected else 1)
    children.append(pid)
    assert f(v) == expected
stop.set()
other.join()
assert all([os.waitpid(pid, 0)[1] == 0 for pid in children])
print("done")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no processes fork here")
def test_forks():
    source = str(Path(gt.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", FORKING],
        env={**os.environ, "PYTHONPATH": source},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout == "done\n", done.stderr
