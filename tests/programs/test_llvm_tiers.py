"""The two tiers of native code: the same bits, and one after the other without a call lost."""

from __future__ import annotations

import threading
import warnings
from typing import Any

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from benchmarks.compiled import COMPILED
from benchmarks.peers.gradtape_function import Engine
from gradtape.operation import PRIMITIVES
from gradtape.programs import cache
from gradtape.programs.llvm import jit, objects, tiers
from gradtape.programs.llvm.engine import LlvmProgram
from gradtape.programs.llvm.mathematics import EMITTERS
from gradtape.programs.llvm.operations import operation_of
from tests.programs.graphs import SPECIAL, Building, same_bits

pytestmark = pytest.mark.skipif(not objects.available(), reason="objects look different here")

X = np.linspace(0.5, 1.5, 7)


@pytest.fixture(autouse=True)
def without_disk(monkeypatch):
    monkeypatch.setenv(cache.DIRECTORY, "off")


def due(run: Any) -> Any:
    """What compiles a function thoroughly when its calls pay for it; None if there is nothing."""
    ((_, _, *found), _) = run.__module__
    return found[0] if found else None


def wave() -> LlvmProgram:
    build = Building()
    x = build.input(X)
    scaled = build.call("multiply", build.call("exp", x), build.call("sqrt", x))
    return LlvmProgram(build.returns(scaled, build.call("sum", scaled, params=((-1,), False))))


def let_the_next_call_compile(run: Any) -> None:
    run.__self__[due(run)._place] = 1


def same(found: Any, expected: Any) -> bool:
    return all([same_bits(f, e) for f, e in zip(found, expected, strict=True)])


# The same bits ------------------------------------------------------------------------------------


def functions(dtype: Any) -> list[tuple[str, int]]:
    """The elementwise functions that native code calls, and how many operands they have."""
    found = []
    for name in EMITTERS:
        op = PRIMITIVES.get(name) or getattr(np, name, None)
        for count in (1, 2):
            build = Building()
            x = build.input(np.ones(3, dtype))
            try:
                node = build.call(op, *[x] * count)
            except (TypeError, ValueError):
                continue
            operation = operation_of(node)
            if operation and operation.name:
                found.append((name, count))
    return found


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_mathematics(dtype):
    names = functions(dtype)
    assert len(names) > 25
    with np.errstate(over="ignore"):
        special = SPECIAL.astype(dtype)
    rng = np.random.default_rng(0)
    x = np.concatenate([special, rng.normal(size=83) * 3, rng.uniform(-1, 1, 83)]).astype(dtype)
    y = np.concatenate([x[::-1], x[:5]])[5:]
    build = Building()
    first, second = build.input(x), build.input(y)
    outputs = []
    for name, count in names:
        op = PRIMITIVES.get(name) or getattr(np, name)
        outputs.append(build.call(op, *[first, second][:count]))
    program = LlvmProgram(build.returns(*outputs))
    quick = program(x, y)
    let_the_next_call_compile(program.run)
    thorough = program(x, y)
    assert due(program.run)._code is not None
    for (name, _), one, other in zip(names, quick, thorough, strict=True):
        assert same_bits(one, other), name


SMALL = {"adam-32", "reductions", "rosenbrock-1000", "broadcast"}


@pytest.mark.parametrize("workload", [w for w in COMPILED if w.name in SMALL], ids=lambda w: w.name)
def test_workloads(workload, monkeypatch):
    made: list[Any] = []
    tiered = tiers.tiered
    monkeypatch.setattr(
        "gradtape.programs.llvm.segments.tiered",
        lambda *args: made.append(tiered(*args)) or made[-1],
    )
    step = getattr(Engine("llvm", ""), workload.function)(*workload.data(np.random.default_rng(0)))
    step()  # which traces
    quick = step()
    assert made
    for run in made:
        assert due(run)._code is None
        let_the_next_call_compile(run)
    thorough = step()
    assert all([due(run)._code is not None for run in made])
    assert same(thorough, quick)
    assert same(step(), quick)


# From one to the other ----------------------------------------------------------------------------


def test_the_call_that_is_due_compiles(monkeypatch):
    levels: list[int] = []
    machine = jit._machine
    monkeypatch.setattr(jit, "_machine", lambda level: levels.append(level) or machine(level))
    monkeypatch.setattr(tiers, "_calls_until_due", lambda *args: 3)
    program = wave()
    address = due(program.run)._method.address
    levels.clear()
    found = [program.run(X) for _ in range(2)]
    assert not levels
    found += [program.run(X) for _ in range(3)]
    assert set(levels) == {jit.THOROUGH}
    assert due(program.run)._method.address != address
    assert all([same(f, found[0]) for f in found])


def test_what_runs_longer_than_it_compiles_has_one_tier():
    text = "\n" * 100
    assert tiers._calls_until_due(text, (10, 10**10)) == 1
    assert tiers._calls_until_due(text, (10, 10**7)) == 2
    assert tiers._calls_until_due(text, (10, 1000)) > 100


def test_what_needs_a_large_stack_has_one_tier(monkeypatch):
    monkeypatch.setattr(tiers, "_MOST_STACK", 100)
    program = wave()
    assert due(program.run) is None
    monkeypatch.undo()
    assert same(program.run(X), wave().run(X))


def test_what_the_disk_has_is_taken_at_once(monkeypatch, tmp_path):
    monkeypatch.setenv(cache.DIRECTORY, str(tmp_path / "cache"))
    program = wave()
    quick = program.run(X)
    assert due(wave().run) is not None
    let_the_next_call_compile(program.run)
    program.run(X)
    again = wave()
    assert due(again.run) is None
    assert same(again.run(X), quick)


def test_a_failure_is_told_once_and_changes_nothing(monkeypatch):
    program = wave()
    expected = program.run(X)
    let_the_next_call_compile(program.run)

    def broken(*args: Any) -> Any:
        raise RuntimeError("no memory")

    monkeypatch.setattr(tiers, "compiled", broken)
    with pytest.warns(UserWarning, match=r"RuntimeError: no memory.*please report"):
        assert same(program.run(X), expected)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(100):
            assert same(program.run(X), expected)


def test_an_interrupt_ends_the_call_and_it_is_tried_again(monkeypatch):
    program = wave()
    expected = program.run(X)
    let_the_next_call_compile(program.run)

    def interrupted(*args: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(tiers, "compiled", interrupted)
        program.run(X)
    assert same(program.run(X), expected)
    let_the_next_call_compile(program.run)
    assert same(program.run(X), expected)
    assert due(program.run)._code is not None


def test_threads_that_call_while_one_compiles(monkeypatch):
    program = wave()
    expected = program.run(X)
    begun, go_on = threading.Event(), threading.Event()
    compiled = tiers.compiled

    def slowly(*args: Any) -> Any:
        begun.set()
        assert go_on.wait(30)
        return compiled(*args)

    monkeypatch.setattr(tiers, "compiled", slowly)
    let_the_next_call_compile(program.run)
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(program.run(X)))
    thread.start()
    assert begun.wait(30)
    assert same(program.run(X), expected)
    let_the_next_call_compile(program.run)  # another one is due, and leaves it to the first
    assert same(program.run(X), expected)
    go_on.set()
    thread.join()
    assert same(found[0], expected)
    assert same(program.run(X), expected)
    assert due(program.run)._code is not None
