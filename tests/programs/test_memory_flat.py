"""Programs leave nothing behind: not a call, not a guard that fails, not a program that is gone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

STATM = Path("/proc/self/statm")

pytestmark = pytest.mark.skipif(not STATM.exists(), reason="the system does not tell its memory")

#: So much may a process grow: what allocators hold back, and no more however often it calls.
LIMIT_BYTES = 1_000_000

SCRIPT = """
import gc, os, sys
from pathlib import Path
import numpy as np
import gradtape as gt
from gradtape.programs import warming

kind, engine, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
if engine == "default":
    engine = None
    warming.calls_that_pay = lambda graph: 100
if engine != "numpy":  # compiled thoroughly before anything is measured
    from gradtape.programs.llvm import tiers
    tiers._SHARE = 0.0
function = gt.function(engine=engine)

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

rng = np.random.default_rng(0)
x, v = rng.normal(size=(32, 8)), rng.normal(size=1000)
w = gt.Variable(rng.normal(size=8))

@function
def numbers(a, b):
    return gt.grad(lambda a, b: 3 * a**2 + 2 * a * b, argnums=(0, 1))(a, b)

@function
def arrays(x, y):
    return gt.value_and_grad(lambda x: np.sum(np.tanh(x @ y) ** 2) + np.max(x))(x)

@function
def step(x):
    with gt.GradientTape() as tape:
        loss = np.mean((x @ w) ** 2)
    w.assign_sub(0.01 * tape.gradient(loss, w))
    return loss

@function
def branches(a):
    return a * a if a > 0 else np.exp(a)

@function
def inner(v):
    return np.sum(np.sin(v) * v)

def call(i):
    if kind == "numbers":
        numbers(5.0, i * 1.0)
    elif kind == "arrays":
        arrays(x, x[0])
    elif kind == "declined":  # they lie in memory as native code does not take them
        arrays(x[:, ::-1], x[::-1][0])
    elif kind == "step":
        step(x)
    elif kind == "branches":
        branches((-1.0) ** i)
    elif kind == "taped":
        gt.grad(inner)(v)
    elif kind == "tensors":
        arrays(gt.constant(x), gt.constant(x[0]))
    elif kind == "programs":  # traced, compiled and dropped
        f = function(lambda v: np.sum(np.sin(v) * i))
        f(v), f(v)

# Without it, only counts of references free anything; dropped functions are in cycles.
gc.collect()
if kind != "programs":
    gc.disable()
warm_up = max(count // 10, 200)
for i in range(warm_up):
    call(i)
gc.collect()
before = resident()
for i in range(count):
    call(i)
gc.collect() if kind == "programs" else None
print(resident() - before)
"""

KINDS = ["numbers", "arrays", "declined", "step", "branches", "taped", "tensors"]


def grown(kind: str, engine: str, count: int) -> int:
    """The bytes by which a process grows."""
    if engine != "numpy":
        pytest.importorskip("llvmlite")
    process = subprocess.run(
        [sys.executable, "-c", SCRIPT, kind, engine, str(count)],
        capture_output=True,
        text=True,
        check=True,
        timeout=500,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([p for p in sys.path if p])},
    )
    return int(process.stdout)


every_engine = pytest.mark.parametrize("engine", ["numpy", "llvm", "default"])


@every_engine
@pytest.mark.parametrize("kind", ["numbers", "arrays", "step"])
def test_thousands_of_calls_leave_nothing(kind, engine):
    assert grown(kind, engine, 5_000) < LIMIT_BYTES


PEAK = """
import sys
from pathlib import Path
import numpy as np
import gradtape as gt

def told(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))

v = np.random.default_rng(0).normal(size=2_000_000)
f = gt.function(gt.grad(lambda v: np.sum(np.log(np.exp(v) + 1) * np.sin(v))), engine=sys.argv[1])
f(v[:10]), f(v[:10])
f(v)
f(v)
Path("/proc/self/clear_refs").write_text("5")
before = told("VmRSS")
for _ in range(3):
    f(v)
print(told("VmHWM") - before)
"""


@pytest.mark.skipif(
    not os.access("/proc/self/clear_refs", os.W_OK), reason="the system does not forget peaks"
)
@pytest.mark.parametrize("engine", ["numpy", "llvm"])
def test_a_large_step_holds_its_result_and_little_else(engine):
    """Ten values of 16 MB are computed on the way; jax.jit holds three of that size."""
    if engine == "llvm":
        pytest.importorskip("llvmlite")
    process = subprocess.run(
        [sys.executable, "-c", PEAK, engine],
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([p for p in sys.path if p])},
    )
    assert int(process.stdout) < 1.5 * 16_000_000


@pytest.mark.slow
@every_engine
@pytest.mark.parametrize("kind", KINDS)
def test_a_million_calls_leave_nothing(kind, engine):
    count = {"taped": 50_000, "declined": 200_000, "tensors": 200_000}.get(kind, 1_000_000)
    assert grown(kind, engine, count) < LIMIT_BYTES


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["numpy", "llvm"])
def test_programs_that_are_gone_leave_nothing(engine):
    few, many = grown("programs", engine, 100), grown("programs", engine, 500)
    assert many - few < 2 * LIMIT_BYTES
