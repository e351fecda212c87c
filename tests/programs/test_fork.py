"""Processes that fork: programs made before run in the child, and new ones are made there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no processes fork here")

COMMON = """
import faulthandler, os, sys, threading, warnings
import numpy as np
import gradtape as gt
from gradtape.programs import warming

faulthandler.dump_traceback_later(100, exit=True)
warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons warn of threads
engine = sys.argv[1]
if engine == "default":  # and soon compiled
    engine, warming.calls_that_pay = None, lambda graph: 1

def loss(w, x):
    return np.sum(np.tanh(x * w) ** 2) + np.sum(np.exp(-w))

def slope_by_hand(w, x):
    t = np.tanh(x * w)
    return np.sum(2 * t * (1 - t * t) * x, axis=0) - np.exp(-w)

def checked(f, rows):
    x = np.linspace(-1.0, 1.0, rows * 5).reshape(rows, 5)
    w = np.linspace(0.5, 1.5, 5)
    np.testing.assert_allclose(f(w, x), slope_by_hand(w, x), rtol=1e-9)

def made():
    return gt.function(gt.grad(loss), engine=engine)

def in_child(work):
    pid = os.fork()
    if not pid:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return pid

def joined(*pids):
    for pid in pids:
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0

checked(made(), 3)  # everything is loaded now
"""

BEFORE_AND_AFTER = """
f = made()
for rows in (3, 20000):  # the larger one on several threads, where an engine has them
    checked(f, rows)
    checked(f, rows)

def work():
    for rows in (3, 20000, 7, 10000):
        checked(f, rows)
    g = made()
    for rows in (4, 20001):
        checked(g, rows)
        checked(g, rows)
    joined(in_child(lambda: (checked(f, 20000), checked(g, 20001), checked(made(), 20002))))

joined(*[in_child(work) for _ in range(3)])
for rows in (3, 20000, 20003):
    checked(f, rows)
print("done")
"""

WHILE_OTHERS_RUN = """
f = made()
checked(f, 3)
checked(f, 20000)
stop, wrong = threading.Event(), []

def busy(rows, anew):
    try:
        while not stop.is_set():
            checked(made() if anew else f, rows)
    except BaseException as error:
        wrong.append(error)
        raise

threads = [threading.Thread(target=busy, args=a) for a in [(3, True), (50, True), (20000, False)]]
for thread in threads:
    thread.start()

def work():
    checked(f, 3)
    checked(f, 20000)
    g = made()
    checked(g, 9)
    checked(g, 9)
    checked(g, 20000)
    checked(g, 20000)

for _ in range(int(sys.argv[2])):
    joined(in_child(work))
stop.set()
for thread in threads:
    thread.join()
assert not wrong
print("done")
"""


def run(code: str, *arguments: str, **environment: str) -> None:
    """Run a script that must print that it is done."""
    process = subprocess.run(
        [sys.executable, "-c", COMMON + code, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=Path(__file__).parents[2],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([p for p in sys.path if p]),
            "GRADTAPE_NUM_THREADS": "2",
            **environment,
        },
    )
    assert (process.returncode, process.stdout) == (0, "done\n"), process.stderr


@pytest.fixture(params=["numpy", "llvm", "default"])
def engine(request):
    if request.param == "llvm":
        pytest.importorskip("llvmlite")
    return request.param


def test_programs_before_and_after_a_fork(engine):
    run(BEFORE_AND_AFTER, engine)


def test_a_fork_while_other_threads_compile_and_run(engine):
    run(WHILE_OTHERS_RUN, engine, "6")


@pytest.mark.slow
def test_many_forks_while_other_threads_compile_and_run(engine):
    run(WHILE_OTHERS_RUN, engine, "60")


def test_children_share_what_is_on_disk(tmp_path):
    pytest.importorskip("llvmlite")
    run(BEFORE_AND_AFTER, "llvm", GRADTAPE_CACHE=str(tmp_path / "cache"))
    entries = list((tmp_path / "cache").glob("*.code"))
    assert entries
    run(BEFORE_AND_AFTER, "llvm", GRADTAPE_CACHE=str(tmp_path / "cache"))
    assert sorted(entries) == sorted((tmp_path / "cache").glob("*.code"))
