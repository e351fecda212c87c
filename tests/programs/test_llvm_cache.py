"""Machine code on disk: taken if it is exactly what was compiled here, made anew if not."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import gradtape as gt
from benchmarks.compiled import COMPILED
from benchmarks.peers.gradtape_function import Engine
from gradtape.programs import cache
from gradtape.programs.llvm import jit, objects
from gradtape.programs.llvm.engine import LlvmProgram
from tests.programs.graphs import Building

pytestmark = pytest.mark.skipif(not objects.available(), reason="objects look different here")

X = np.linspace(0.5, 1.5, 7)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A directory of its own for the cache."""
    directory = tmp_path / "cache"
    monkeypatch.setenv(cache.DIRECTORY, str(directory))
    monkeypatch.delenv(cache.LIMIT, raising=False)
    return directory


@pytest.fixture
def compilations(monkeypatch):
    """A list that gets longer by one each time that something is compiled."""
    made: list[Any] = []
    machine = jit._machine

    class Counting:
        def __init__(self, level: int) -> None:
            self.machine = machine(level)

        def emit_object(self, module: Any) -> Any:
            made.append(module)
            return self.machine.emit_object(module)

    monkeypatch.setattr(jit, "_machine", Counting)
    return made


def graph(factor: float = 1.5) -> Any:
    build = Building()
    x = build.input(X)
    scaled = build.call("multiply", build.call("square", x), build.constant(X * factor))
    return build.returns(scaled, build.call("sum", scaled, params=((-1,), False)))


def entries(place: Path) -> list[Path]:
    return sorted([p for p in place.iterdir() if p.suffix == ".code"])


def check(program: LlvmProgram, factor: float = 1.5) -> None:
    found = program.run(X)
    assert type(found) is tuple
    expected = np.square(X) * X * factor
    np.testing.assert_allclose(found[0], expected, rtol=1e-14)
    np.testing.assert_allclose(found[1], expected.sum(), rtol=1e-14)


def test_what_was_compiled_is_not_compiled_again(place, compilations):
    check(LlvmProgram(graph()))
    assert len(compilations) == len(entries(place)) == 1
    check(LlvmProgram(graph()))
    assert len(compilations) == 1
    check(LlvmProgram(graph(2.5)), 2.5)  # another constant at another address: the same code
    assert len(compilations) == 1
    build = Building()
    LlvmProgram(build.returns(build.call("sqrt", build.input(X))))
    assert len(compilations) == len(entries(place)) == 2


def test_what_programs_share_is_kept_too(place, compilations):
    def program(name: str) -> LlvmProgram:
        build = Building()
        x = build.input(X)
        return LlvmProgram(build.returns(build.call(name, x)))

    jit._shared.cache_clear()
    program("sin")
    once = len(compilations)
    assert len(entries(place)) == once
    for name in ("sin", "cos", "sin"):
        jit._shared.cache_clear()
        np.testing.assert_allclose(program(name).run(X)[0], getattr(np, name)(X), rtol=1e-15)
    assert len(compilations) == len(entries(place)) == once + 2  # the program, and the cosine


def test_without_a_cache_each_program_is_compiled(place, compilations, monkeypatch):
    monkeypatch.setenv(cache.DIRECTORY, "off")
    check(LlvmProgram(graph()))
    check(LlvmProgram(graph()))
    assert len(compilations) == 2
    assert not place.exists()


@pytest.mark.parametrize(
    ("name", "other"),
    [("get_host_cpu_name", "another"), ("get_default_triple", "another"), ("version", (99, 0, 0))],
)
def test_another_machine_or_compiler_has_code_of_its_own(
    place, compilations, monkeypatch, name, other
):
    check(LlvmProgram(graph()))
    jit._kind.cache_clear()
    changed = "llvm_version_info" if name == "version" else name
    monkeypatch.setattr(jit.llvm, changed, other if name == "version" else lambda: other)
    check(LlvmProgram(graph()))
    jit._kind.cache_clear()
    assert len(compilations) == len(entries(place)) == 2


NAMES = ["network-32", "network-11610", "broadcast", "cross-entropy", "mixture", "reductions"]


@pytest.mark.parametrize("workload", [w for w in COMPILED if w.name in NAMES], ids=lambda w: w.name)
def test_the_same_program_has_the_same_text(workload):
    """Whatever addresses its objects have, which also decide on the order of sets."""
    texts, kept = [], []
    for _ in range(3):
        engine = Engine("numpy", "")
        traced: list[Any] = []
        engine._function = lambda f, traced=traced: traced.append(gt.function(f)) or traced[-1]
        getattr(engine, workload.function)(*workload.data(np.random.default_rng(0)))()
        ((program,),) = traced[0]._programs.values()
        kept.append((program, [object() for _ in range(37)]))
        texts.append(LlvmProgram(program.graph).source)
    assert texts[0] == texts[1] == texts[2]
    assert "inttoptr (" not in texts[0]


# What is doubtful is compiled again, and replaced -------------------------------------------------


def test_a_changed_byte_anywhere_means_that_it_is_compiled_again(place, compilations):
    check(LlvmProgram(graph()))
    (path,) = entries(place)
    whole = path.read_bytes()
    step = max(len(whole) // 50, 1)
    positions = [*range(0, 60, 7), *range(60, len(whole), step), len(whole) - 1]
    for count, position in enumerate(positions, start=2):
        content = bytearray(whole)
        content[position] ^= 1 << position % 8
        path.write_bytes(content)
        check(LlvmProgram(graph()))
        assert len(compilations) == count
        assert path.read_bytes() == whole


@pytest.mark.parametrize("length", [0, 10, 52, 53, 300, -1])
def test_what_was_cut_off_is_compiled_again(place, compilations, length):
    check(LlvmProgram(graph()))
    (path,) = entries(place)
    whole = path.read_bytes()
    path.write_bytes(whole[:length])
    check(LlvmProgram(graph()))
    assert len(compilations) == 2
    assert path.read_bytes() == whole


def test_the_code_of_another_program_is_not_taken(place, compilations):
    check(LlvmProgram(graph()))
    (path,) = entries(place)
    whole = path.read_bytes()
    build = Building()
    LlvmProgram(build.returns(build.call("sqrt", build.input(X))))
    (other,) = set(entries(place)) - {path}
    path.write_bytes(other.read_bytes())
    check(LlvmProgram(graph()))
    assert len(compilations) == 3
    assert path.read_bytes() == whole


@pytest.mark.parametrize("junk", [b"", b"no object code", b"\x7fELF" + bytes(range(256))])
def test_what_llvm_does_not_take_is_compiled_again(place, compilations, monkeypatch, junk):
    put = cache.put
    monkeypatch.setattr(cache, "put", lambda key, data: put(key, junk))
    check(LlvmProgram(graph()))
    (path,) = entries(place)
    held = path.read_bytes()
    monkeypatch.undo()
    monkeypatch.setenv(cache.DIRECTORY, str(place))
    check(LlvmProgram(graph()))
    assert path.read_bytes() != held
    held = path.read_bytes()
    check(LlvmProgram(graph()))
    assert path.read_bytes() == held


@pytest.mark.skipif(sys.platform == "win32", reason="the rights of POSIX")
@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_to_is_not_run(place, compilations, mode):
    check(LlvmProgram(graph()))
    (path,) = entries(place)
    path.chmod(mode)
    check(LlvmProgram(graph()))
    assert len(compilations) == 2
    assert entries(place)[0].stat().st_mode & 0o777 == 0o600
    check(LlvmProgram(graph()))
    assert len(compilations) == 2


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() != 0, reason="only root can give files away"
)
def test_a_file_of_another_user_is_not_run(place, compilations):
    check(LlvmProgram(graph()))
    (path,) = entries(place)
    os.chown(path, 65534, 65534)
    check(LlvmProgram(graph()))
    assert len(compilations) == 2
    assert path.stat().st_uid == 0


@pytest.mark.skipif(sys.platform == "win32", reason="the rights of POSIX")
def test_links_and_pipes_are_not_read(place, compilations):
    check(LlvmProgram(graph()))
    (path,) = entries(place)
    kept = path.rename(place / "kept")
    path.symlink_to(kept)
    check(LlvmProgram(graph()))
    assert len(compilations) == 2
    assert not path.is_symlink()
    path.unlink()
    os.mkfifo(path, 0o600)
    check(LlvmProgram(graph()))  # and does not wait for a writer
    assert len(compilations) == 3


# Other processes ----------------------------------------------------------------------------------

READER = """
import os, sys
import numpy.testing
from gradtape.programs.llvm.engine import LlvmProgram
from gradtape.programs.llvm import jit
from tests.programs.test_llvm_cache import check, graph
if os.geteuid() == 0:
    os.setuid(65534)
made = []
machine = jit._machine
class Counting:
    def __init__(self, level):
        self.machine = machine(level)
    def emit_object(self, module):
        made.append(module)
        return self.machine.emit_object(module)
jit._machine = Counting
for factor in (1.5, 2.5):
    check(LlvmProgram(graph(factor)), factor)
print(len(made))
"""


def run(code: str, seed: int = 0, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, str(seed)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([p for p in sys.path if p]),
            "PYTHONHASHSEED": str(seed),
            **environment,
        },
    )


@pytest.fixture
def foreign(monkeypatch):
    """A directory that is to be read only: by another user, if this is root, whom nothing stops."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o711)
        directory = Path(name) / "cache"
        monkeypatch.setenv(cache.DIRECTORY, str(directory))
        yield directory
        directory.chmod(0o700)


@pytest.mark.skipif(sys.platform == "win32", reason="the rights of POSIX")
def test_a_directory_that_cannot_be_written_to_is_read(foreign):
    check(LlvmProgram(graph()))
    (path,) = entries(foreign)
    whole = path.read_bytes()
    if os.geteuid() == 0:
        os.chown(path, 65534, 65534)
        os.chown(foreign, 65534, 65534)
    foreign.chmod(0o500)
    process = run(READER, seed=5)
    assert process.communicate(timeout=60)[0] == "0\n"  # another process needs the same code
    path.write_bytes(whole[:-1])
    process = run(READER)
    assert process.communicate(timeout=60)[0] == "2\n"
    assert path.read_bytes() == whole[:-1]


WORKER = """
import os, random, sys
from tests.programs.test_llvm_cache import X, entries, harm, run_some
from pathlib import Path
random.seed(int(sys.argv[1]))
place = Path(os.environ["GRADTAPE_CACHE"])
for turn in range(40):
    run_some(random.randrange(6))
    if turn % 4 == 0:
        harm(place, random)
print("done")
"""


def run_some(which: int) -> None:
    """Compile and run one of several programs."""
    build = Building()
    value = build.input(X)
    for _ in range(which + 1):
        value = build.call("tanh", value)
    (found,) = LlvmProgram(build.returns(value)).run(X)
    expected = X
    for _ in range(which + 1):
        expected = np.tanh(expected)
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def harm(place: Path, random: Any) -> None:
    """Change, cut off or remove some file of the cache."""
    with contextlib.suppress(OSError, IndexError):
        path = random.choice(entries(place))
        kind = random.randrange(3)
        if kind == 0:
            path.unlink()
            return
        with path.open("r+b") as file:
            file.seek(random.randrange(path.stat().st_size))
            if kind == 1:
                file.write(b"\xff\x00")
            else:
                file.truncate()


def test_processes_at_the_same_time_run_right_code(place):
    running = [run(WORKER, seed, **{cache.LIMIT: "12000"}) for seed in range(3)]
    said = [process.communicate(timeout=120)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0]
    assert said == ["done\n"] * 3
    assert not [p for p in place.iterdir() if p.name.startswith(".unfinished-")]
