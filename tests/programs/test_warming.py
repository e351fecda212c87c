"""The engine that is taken when none is named: NumPy at first, native code where it pays."""

from __future__ import annotations

import subprocess
import sys
import threading
import warnings
from typing import Any

import numpy as np
import pytest

import gradtape as gt
from gradtape.programs import engines, warming
from gradtape.programs.engines import engine_for
from gradtape.programs.numpy_engine import GuardFailed, NumpyProgram
from gradtape.programs.warming import WarmingProgram, calls_that_pay
from tests.programs.graphs import Building, same_bits

X = np.linspace(-1.0, 2.0, 11)


def graph(entries: int = 11, nodes: int = 2, guarded: bool = False) -> Any:
    build = Building()
    x = value = build.input(np.linspace(-1.0, 2.0, entries))
    for _ in range(nodes):
        value = build.call("sin", value)
    total = build.call("sum", x, params=((-1,), False))
    if guarded:
        build.graph.guard(build.call("greater", total, 0.0), bool, True)
    return build.returns(value, total)


class Native:
    """In the place of the LLVM engine: counts, and returns what cannot be mistaken."""

    def __init__(self, graph: Any) -> None:
        Native.made += 1
        self.run = self

    def __call__(self, *inputs: Any) -> Any:
        return ("native",)

    made = 0


@pytest.fixture
def native(monkeypatch):
    monkeypatch.setattr(Native, "made", 0)
    return Native


def test_it_is_compiled_after_the_calls_that_pay_for_it(native):
    expected = NumpyProgram(graph())(X)
    calls = calls_that_pay(graph())
    for _ in range(2):  # the same each time, however fast the machine is today
        program = WarmingProgram(graph(), native)
        for _ in range(int(calls)):
            for found, value in zip(program(X), expected, strict=True):
                assert same_bits(found, value)
        assert native.made == 0
        assert program(X) == ("native",)
        assert program(X) == ("native",)
        assert native.made == 1
        native.made = 0


def test_what_computes_more_is_compiled_sooner():
    calls = [calls_that_pay(graph(entries)) for entries in (10, 10**4, 10**6)]
    assert calls == sorted(calls, reverse=True)
    assert len(set(calls)) == 3
    assert calls[0] > 1000
    assert calls[-1] < 100
    assert calls_that_pay(graph(10, 100)) < calls[0]


def test_what_compilers_take_too_long_for_is_left_to_numpy(native):
    assert calls_that_pay(graph(10, 5000)) == np.inf
    program = WarmingProgram(graph(10, 5000), native)
    for _ in range(3):
        program(X[:10])
    assert native.made == 0


def test_nothing_is_made_for_a_function_that_is_called_once():
    code = (
        "import sys, numpy as np, gradtape as gt\n"
        "f = gt.function(lambda x: np.sin(x) * x)\n"
        "f(np.ones(3))\n"
        "((program,),) = f._programs.values()\n"
        "assert program.run._made is None\n"
        "f(np.ones(3))\n"
        "assert program.run._made is not None\n"
        "assert 'llvmlite' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def mixed(entries: int, products: int = 0) -> Any:
    """A graph part of which native code cannot do."""
    build = Building()
    x = value = build.input(np.linspace(-1.0, 2.0, entries))
    value = build.call("sin", build.call("cumsum", x, params=(-1,)))
    if products:
        square = build.input(np.eye(products))
        value = build.call(
            "add",
            value,
            build.call("sum", build.call("matmul", square, square), params=((-1, -2), False)),
        )
    return build.returns(value)


def test_what_is_native_in_small_part_is_left_to_numpy():
    pytest.importorskip("llvmlite")
    assert engines._native(graph(10)) is not None
    assert engines._native(mixed(10)) is None  # more time to go in and out than is saved
    assert engines._native(mixed(10**5)) is not None
    assert engines._native(mixed(10**5, products=900)) is None  # BLAS has most of it


# Failures -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [ImportError, OSError])
def test_without_a_compiler_it_stays_with_numpy_and_says_nothing(monkeypatch, error):
    def none(graph: Any) -> Any:
        tried.append(graph)
        raise error

    tried: list[Any] = []
    monkeypatch.setattr(warming, "calls_that_pay", lambda graph: 1)
    program = WarmingProgram(graph(), none)
    expected = NumpyProgram(graph())(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(5):
            assert same_bits(program(X)[0], expected[0])
    assert len(tried) == 1


def test_a_failure_to_compile_is_told_once_and_does_no_harm(monkeypatch):
    def broken(graph: Any) -> Any:
        raise RuntimeError("no such instruction")

    monkeypatch.setattr(warming, "calls_that_pay", lambda graph: 1)
    program = WarmingProgram(graph(), broken)
    expected = NumpyProgram(graph())(X)
    program(X)
    with pytest.warns(UserWarning, match="no such instruction"):
        program(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            assert same_bits(program(X)[0], expected[0])


def test_an_interrupt_while_compiling_is_no_failure(monkeypatch, native):
    def interrupted(graph: Any) -> Any:
        if not tried:
            tried.append(graph)
            raise KeyboardInterrupt
        return native(graph)

    tried: list[Any] = []
    monkeypatch.setattr(warming, "calls_that_pay", lambda graph: 0)
    program = WarmingProgram(graph(), interrupted)
    with pytest.raises(KeyboardInterrupt):
        program(X)
    program(X)
    assert program(X) == ("native",)


def test_without_llvmlite_the_default_is_numpy(monkeypatch, native):
    monkeypatch.setattr(engines, "_is_installed", lambda: False)
    monkeypatch.setattr(engines, "_native", native)
    monkeypatch.setattr(warming, "calls_that_pay", lambda graph: 0)
    program = engine_for(None)(graph())
    for _ in range(3):
        assert same_bits(program(X)[0], np.sin(np.sin(X)))
    assert native.made == 0
    with pytest.raises(ImportError, match="not installed"):
        engine_for("llvm")


def test_an_older_llvmlite_is_not_used(monkeypatch):
    llvmlite = pytest.importorskip("llvmlite")
    monkeypatch.setattr(llvmlite, "__version__", "0.49.1")
    with pytest.raises(ImportError, match=r"needs llvmlite 0\.50 or newer, and 0\.49\.1"):
        engine_for("llvm")
    monkeypatch.setattr(warming, "calls_that_pay", lambda graph: 0)
    program = engine_for(None)(graph())
    assert same_bits(program(X)[0], np.sin(np.sin(X)))
    assert type(program._program) is NumpyProgram
    for newer in ("0.50.0", "0.50.0rc1", "1.0"):
        monkeypatch.setattr(llvmlite, "__version__", newer)
        engine_for("llvm")


# The real one -------------------------------------------------------------------------------------


@pytest.fixture
def soon(monkeypatch):
    """Compiled at the third call."""
    pytest.importorskip("llvmlite")
    if not engines._native(graph()):
        pytest.skip("objects look different here")
    monkeypatch.setattr(warming, "calls_that_pay", lambda graph: 2)


def close(found: Any, expected: Any) -> None:
    for f, e in zip(found, expected, strict=True):
        assert type(f) is type(e)
        np.testing.assert_allclose(f, e, rtol=1e-14, atol=1e-15)


def test_results_do_not_change_but_for_last_digits(soon):
    program = engine_for(None)(graph())
    expected = NumpyProgram(graph())(X)
    for turn in range(6):
        close(program(X), expected)
        assert (type(program._program) is NumpyProgram) == (turn < 2)
    close(program(X[::-1][::-1]), expected)  # what native code declines
    spread = np.zeros(22)[::2]
    spread[:] = X
    close(program(spread), expected)


def test_guards_hold_before_and_after(soon):
    program = engine_for(None)(graph(guarded=True))
    for _ in range(6):
        close(program(X), NumpyProgram(graph())(X))
        with pytest.raises(GuardFailed):
            program(-X)
    assert type(program._program) is not NumpyProgram


def test_what_is_told_of_a_program_is_what_runs(soon):
    f = gt.function(lambda x: np.sin(x) * x)
    f(X)
    assert "def" in f.explain_trace().source
    for _ in range(4):
        f(X)
    assert "define" in f.explain_trace().source
    assert "loop" in str(f.explain_trace())


def test_functions_under_tapes_and_out_of_files(soon, tmp_path):
    f = gt.function(lambda x: np.sum(np.sin(x) * x))
    for _ in range(5):
        np.testing.assert_allclose(gt.grad(f)(X), np.cos(X) * X + np.sin(X), rtol=1e-14)
    f = gt.function(lambda x: np.sum(np.sin(x) * x))
    f(X)
    f.save(tmp_path / "f.gt")
    for engine in (None, "numpy", "llvm"):
        loaded = gt.load(tmp_path / "f.gt", engine=engine)
        for _ in range(5):
            np.testing.assert_allclose(loaded(X), np.sum(np.sin(X) * X), rtol=1e-14)
        ((program,),) = loaded._programs.values()
        run = program._compiled
        names = {None: "WarmingProgram", "numpy": "NumpyProgram", "llvm": "LlvmProgram"}
        assert type(run).__name__ == names[engine]
    with pytest.raises(ValueError, match="must be 'numpy', 'llvm' or None"):
        gt.load(tmp_path / "f.gt", engine="fast")


def test_threads_that_meet_where_it_is_compiled(monkeypatch):
    pytest.importorskip("llvmlite")
    compiled = []
    native = engines._native

    def counting(graph: Any) -> Any:
        compiled.append(graph)
        return native(graph)

    monkeypatch.setattr(engines, "_native", counting)
    monkeypatch.setattr(warming, "calls_that_pay", lambda graph: 40)
    program = engine_for(None)(graph(1000))
    xs = [np.linspace(0, 1 + i, 1000) for i in range(8)]
    wrong: list[Any] = []
    start = threading.Barrier(8)

    def work(x: Any) -> None:
        expected = NumpyProgram(graph(1000))(x)
        start.wait()
        for _ in range(50):
            try:
                close(program(x), expected)
            except Exception as error:
                wrong.append(error)

    threads = [threading.Thread(target=work, args=(x,)) for x in xs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len(compiled) == 1
