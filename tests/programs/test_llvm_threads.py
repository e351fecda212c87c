"""Programs on several native threads: the same results, whoever runs the pieces."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import gradtape as gt
from gradtape.programs import threads
from gradtape.programs.graph import Opaque
from gradtape.programs.llvm import blocks, objects, segments
from gradtape.programs.llvm.engine import LlvmProgram
from gradtape.programs.llvm.threads import pool
from gradtape.programs.numpy_engine import GuardFailed
from tests.programs.graphs import Building, numbers, same, sum_of_terms
from tests.programs.llvm_programs import agree, random_program

FLOATS = [np.float32, np.float64]

pytestmark = [
    pytest.mark.skipif(not objects.available(), reason="objects look different here"),
    pytest.mark.skipif(pool() is None, reason="there are no such threads here"),
]


@pytest.fixture(autouse=True)
def _some_threads():
    gt.set_threads(4)
    yield
    gt.set_threads(None)


def in_pieces(build: Building, ulp: float = 64, native: bool = True) -> LlvmProgram:
    """A program that has pieces, and gives the same on any number of threads."""
    program = agree(build, ulp, native)
    assert '@"piece' in program.source
    found = []
    for n in (1, 2, 3, 7):
        gt.set_threads(n)
        found += [program(*build.inputs) for _ in range(3)]
    assert all([same(results, found[0]) for results in found])
    return program


def long_sum(size: int = 40_003, dtype: Any = np.float64) -> Building:
    return sum_of_terms(size, dtype)


# What is in pieces --------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("size", [16_384, 30_011, 65_536, 100_000])
def test_elementwise(size, dtype):
    program = in_pieces(long_sum(size, dtype))
    assert "pieces" in program.text()


def test_what_is_small_is_not_cut():
    assert "piece" not in LlvmProgram(long_sum(1000).graph).source


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("how", ["sum", "mean", "max", "min", "prod"])
@pytest.mark.parametrize("axes", [(-1,), (-2,), (-2, -1)], ids=str)
@pytest.mark.parametrize("shape", [(1009, 211), (64, 5000), (40_000, 5), (5000, 40)], ids=str)
def test_reductions(shape, axes, how, dtype):
    build = Building()
    near_one = (1 + numbers(shape) / np.sqrt(np.prod(shape))).astype(dtype)
    x = build.input(near_one)
    build.returns(build.call(how, build.call("sqrt", build.call("exp", x)), params=(axes, False)))
    in_pieces(build, ulp=2000 if how == "prod" else 400)  # NumPy's sums lose more digits


@pytest.mark.parametrize("axes", [(-3,), (-2,), (-3, -1), (-3, -2)], ids=str)
def test_reductions_of_three_axes(axes):
    build = Building()
    x = build.input(numbers((200, 30, 20)))
    y = build.input(numbers((30, 20)))
    build.returns(
        build.call("sum", build.call("exp", build.call("add", x, y)), params=(axes, True))
    )
    in_pieces(build)


def test_special_values_and_truth():
    build = Building()
    values = numbers(90_000)
    values[[7, 50_000, 89_999]] = np.nan, np.inf, -np.inf
    x = build.input(values)
    positive = build.call("greater", build.call("exp", x), 1.0)
    build.returns(
        positive,
        build.call("sum", positive, params=((-1,), False)),
        build.call("max", x, params=((-1,), False)),
    )
    in_pieces(build)


@pytest.mark.parametrize("axes", [(-2,), (-1,)], ids=str)
def test_reading_along_another_axis(axes):
    build = Building()
    x, y = build.input(numbers((317, 203))), build.input(numbers((203, 317), seed=1))
    turned = build.call("transpose", y, params=((-1, -2),))
    terms = build.call("exp", build.call("multiply", x, turned))
    build.returns(terms, build.call("sum", terms, params=(axes, False)))
    in_pieces(build)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("rows", [40_000, 30_011])
@pytest.mark.parametrize(
    ("shapes", "turns"),
    [
        (("r 12", "12 20"), False),
        (("r 12", "r 20"), True),
        (("r 1", "r 40"), True),
        (("r 40", "40 1"), False),
        (("r 40", "r 1"), True),
    ],
    ids=str,
)
def test_a_single_product(shapes, turns, rows, dtype):
    build = Building()
    x, y = [
        build.input(numbers([rows if n == "r" else int(n) for n in shape.split()], dtype, seed))
        for seed, shape in enumerate(shapes)
    ]
    left = build.call("transpose", x, params=((-1, -2),)) if turns else x
    build.returns(build.call("matmul", left, y))
    in_pieces(build, ulp=4000)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((1009, 12, 9), (1009, 9, 14)),
        ((1009, 12, 9), (9, 14)),
        ((47, 30, 9, 8), (30, 8, 13)),
        ((20, 700, 10), (20, 10, 10)),
    ],
    ids=str,
)
def test_many_products(one, other, dtype):
    build = Building()
    x, y = build.input(numbers(one, dtype)), build.input(numbers(other, dtype, 1))
    build.returns(build.call("matmul", x, y))
    in_pieces(build)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("rows", [11_610, 10_007])
def test_a_network(rows, dtype):
    build = Building()
    shapes = [(rows, 8), (8, 30), (30,), (30, 1)]
    x, w, b, v = [build.input(numbers(s, dtype, i)) for i, s in enumerate(shapes)]
    h = build.call("tanh", build.call("add", build.call("matmul", x, w), b))
    out = build.call("matmul", h, v)
    loss = build.call("mean", build.call("square", out), params=((-2, -1), False))
    turned = [build.call("transpose", a, params=((-1, -2),)) for a in (x, h, v)]
    back = build.call("multiply", build.call("matmul", out, turned[2]), h)
    grads = [build.call("matmul", turned[0], back), build.call("matmul", turned[1], out)]
    build.returns(loss, *grads, build.call("sum", back, params=((-2,), False)))
    program = in_pieces(build, ulp=400)
    assert "rows at once, " in program.text()


@pytest.mark.parametrize("seed", range(300, 340))
def test_random_programs_in_pieces(seed, monkeypatch):
    monkeypatch.setattr(blocks, "WORTH", 0)
    monkeypatch.setattr(blocks, "GATHERED", 0)
    monkeypatch.setattr(blocks, "PIECE", [1, 7, 100, 1000][seed // 2 % 4])
    if seed % 2:
        monkeypatch.setattr(blocks, "LARGE", 0)
        monkeypatch.setattr(blocks, "LEAST_ROWS", 1)
        monkeypatch.setattr(blocks, "NEAR", 1 << seed % 10)
    build = random_program(seed, with_numpy=seed % 3 == 0)
    with np.errstate(all="ignore"):
        program = agree(build, ulp=256, native=False)
        gt.set_threads(1)
        alone = program(*build.inputs)
        gt.set_threads(5)
        assert same(program(*build.inputs), alone)


def test_without_threads_of_this_kind(monkeypatch):
    build = long_sum()
    expected = in_pieces(build)(*build.inputs)
    monkeypatch.setattr(segments, "pool", lambda: None)
    assert same(LlvmProgram(build.graph)(*build.inputs), expected)


# Many callers -------------------------------------------------------------------------------------


def test_a_caller_who_finds_the_pool_in_use():
    build = long_sum()
    program = in_pieces(build)
    expected = program(*build.inputs)
    found = pool()
    assert found is not None
    found.close()
    try:
        assert same(program(*build.inputs), expected)
    finally:
        found.open()


def test_a_second_call_has_memory_of_its_own():
    build = long_sum()
    program = in_pieces(build)
    expected = program(*build.inputs)
    table: Any = program.run.__self__  # type: ignore[attr-defined]
    places = segments._Table().places
    table[places["busy"]] = 1
    for _ in range(100):
        assert same(program(*build.inputs), expected)
    table[places["bytes"]] = 1 << 62  # more than there is: NumPy computes it
    for f, e in zip(program(*build.inputs), build.expected(), strict=True):
        np.testing.assert_allclose(f, e, rtol=1e-9)
    table[places["busy"]] = 0
    assert same(program(*build.inputs), expected)


def test_many_python_threads():
    build = Building()
    x, w = build.input(numbers((1000, 300))), build.input(numbers((300, 200)))
    hidden = build.call("tanh", build.call("matmul", build.call("exp", x), w))
    ordered = build.call(Opaque(np.sort, lambda inputs: (inputs, {})), hidden)
    build.returns(build.call("sum", build.call("exp", ordered), params=((-2,), False)), hidden)
    program = in_pieces(build, ulp=4000, native=False)
    expected = program(*build.inputs)
    right: list[bool] = []

    def work() -> None:
        right.extend([same(program(*build.inputs), expected) for _ in range(20)])

    callers = [threading.Thread(target=work) for _ in range(4)]
    for caller in callers:
        caller.start()
    for n in (1, 3, 2, 6, 4):
        gt.set_threads(n)
        time.sleep(0.01)
    for caller in callers:
        caller.join()
    assert right == [True] * 80


def test_guards_in_many_python_threads():
    build = Building()
    x = build.input(np.abs(numbers(60_000)))
    total = build.call("sum", build.call("tanh", x), params=((-1,), False))
    build.graph.guard(build.call("greater", total, 0.0), bool, True)
    build.returns(build.call("divide", x, total))
    program = in_pieces(build)
    expected = program(*build.inputs)
    failing = np.zeros(60_000)
    seen: list[Any] = []

    def work(seed: int) -> None:
        for i in range(40):
            if (i + seed) % 2:
                with pytest.raises(GuardFailed):
                    program(failing)
                seen.append("failed")
            elif same(program(*build.inputs), expected):
                seen.append("held")

    callers = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert seen.count("failed") == seen.count("held") == 80


def test_other_python_threads_run_meanwhile():
    gt.set_threads(1)
    build = long_sum(8_000_000)
    program = LlvmProgram(build.graph)
    program(*build.inputs)
    times: list[float] = []

    def work() -> None:
        times.append(time.perf_counter())
        for _ in range(4):
            program(*build.inputs)
        times.append(time.perf_counter())

    caller = threading.Thread(target=work)
    caller.start()
    last, longest = time.perf_counter(), 0.0
    while len(times) < 2:
        now = time.perf_counter()
        last, longest = now, max(longest, now - last)
    caller.join()
    assert longest < (times[1] - times[0]) / 8


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="nobody counts threads here")
def test_as_many_threads_as_were_asked_for():
    def count() -> int:
        return len(list(Path("/proc/self/task").iterdir()))

    build = long_sum()
    program = LlvmProgram(build.graph)
    gt.set_threads(1)
    program(*build.inputs)
    alone = count()
    for n in (3, 2, 1, 5):
        gt.set_threads(n)
        assert count() == alone
        program(*build.inputs)
        assert count() == alone + n - 1


# Processes ----------------------------------------------------------------------------------------

BEGINNING = """
import faulthandler, os, signal, sys, threading
import numpy as np
import gradtape as gt
faulthandler.enable()
signal.alarm(100)
gt.set_threads(3)
f = gt.function(lambda x: np.sum(np.exp(x) * np.sin(x)), engine="llvm")
x = np.linspace(0, 1, 50_000)
f(x)
right = f(x)
"""


def ran(program: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", BEGINNING + program],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONWARNINGS": "ignore::DeprecationWarning", **environment},
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.strip()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_forks():
    found = ran("""
stop = threading.Event()
def work():
    while not stop.is_set():
        assert f(x) == right
others = [threading.Thread(target=work) for _ in range(2)]
for other in others:
    other.start()
codes = []
for i in range(20):
    if i % 5 == 4:
        gt.set_threads(2 + i // 5)
    child = os.fork()
    if child == 0:
        signal.alarm(50)
        ok = all([f(x) == right for _ in range(5)])
        grandchild = os.fork()
        if grandchild == 0:
            os._exit(0 if f(x) == right else 3)
        ok = ok and os.waitpid(grandchild, 0)[1] == 0 and f(x) == right
        os._exit(0 if ok else 3)
    codes.append(os.waitpid(child, 0)[1])
    assert f(x) == right
stop.set()
for other in others:
    other.join()
print(set(codes))
""")
    assert found == "{0}"


@pytest.mark.parametrize("how", ["", "sys.exit(0)", "os._exit(0)"])
def test_the_end_while_programs_run(how):
    ran(f"""
import time
def work():
    while True:
        f(x)
for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
time.sleep(0.1)
{how}
""")


def test_the_pool_is_usable_after_its_end():
    found = ran("""
import atexit
from gradtape.programs.llvm.threads import pool
pool().end()
gt.set_threads(2)
assert f(x) == right
child = os.fork()
if child == 0:
    os._exit(0 if f(x) == right else 3)
print(os.waitpid(child, 0)[1], f(x) == right)
""")
    assert found == "0 True"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_copies_of_the_process_that_python_does_not_know_of():
    # A worker that goes to sleep holds the mutex: a copy made at that moment must not wait for it.
    found = ran("""
import ctypes
ends = []
for _ in range(40):
    f(x)
    child = ctypes.PyDLL(None).fork()
    if child == 0:
        signal.alarm(20)
        ok = all([f(x) == right for _ in range(3)])
        gt.set_threads(2)
        os._exit(0 if ok and f(x) == right else 3)
    ends.append(os.waitpid(child, 0)[1])
print(set(ends))
""")
    assert found == "{0}"


def test_signals_go_to_python():
    found = ran("""
seen = []
signal.signal(signal.SIGUSR1, lambda *_: seen.append(threading.current_thread().name))
for _ in range(5):
    os.kill(os.getpid(), signal.SIGUSR1)
    f(x)
print(len(seen), set(seen))
""")
    assert found == "5 {'MainThread'}"


# The number of threads ----------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1.5, "2", True, [1]])
def test_numbers_of_a_wrong_kind(n):
    with pytest.raises(TypeError, match="argument `n` of set_threads must be a whole number"):
        gt.set_threads(n)
    assert gt.get_threads() == 4


@pytest.mark.parametrize("n", [0, -1, 65])
def test_numbers_out_of_range(n):
    with pytest.raises(ValueError, match=f"from 1 to 64, not {n}"):
        gt.set_threads(n)
    assert gt.get_threads() == 4


def test_the_number_is_told():
    gt.set_threads(np.int64(3))
    assert gt.get_threads() == 3
    assert type(gt.get_threads()) is int


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"GRADTAPE_NUM_THREADS": "3", "OMP_NUM_THREADS": "2"}, 3),
        ({"OMP_NUM_THREADS": "2"}, 2),
        ({"OMP_NUM_THREADS": "5,2"}, 5),
        ({"OMP_NUM_THREADS": "500"}, 64),
        ({"OMP_NUM_THREADS": "many"}, 16),
        ({"OMP_NUM_THREADS": "0"}, 16),
        ({}, 16),
    ],
    ids=str,
)
def test_the_usual_number(environment, expected, monkeypatch):
    monkeypatch.setattr(threads, "_processors", lambda: 40)
    assert threads._usual(environment) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("max 100000", 40),
        ("250000 100000", 3),
        ("10000 100000", 1),
        ("9000000 100000", 40),
        ("", 40),
        ("1 0", 40),
        (None, 40),
    ],
)
def test_processors_of_a_container(said, expected, monkeypatch, tmp_path):
    if said is not None:
        (tmp_path / "cpu.max").write_text(said)
    monkeypatch.setattr(threads, "_QUOTA", tmp_path / "cpu.max")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(40), raising=False)
    assert threads._processors() == expected


@pytest.mark.parametrize("said", ["two", "0", "65", "1.5"])
def test_bad_environments(said):
    with pytest.raises(ValueError, match="environment variable GRADTAPE_NUM_THREADS"):
        threads._usual({"GRADTAPE_NUM_THREADS": said})


def test_the_environment_is_read():
    found = ran("gt.set_threads(None)\nprint(gt.get_threads())", GRADTAPE_NUM_THREADS="7")
    assert found == "7"
