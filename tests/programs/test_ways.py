"""The ways through branches and loops share what they begin with, and never give another answer."""

import gc
import math
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
import pytest

import gradtape as gt
from gradtape.programs import function as module
from gradtape.programs import ways
from gradtape.programs.function import FEW, FEW_OF_NUMBERS, STEADY, VERY_STEADY, function
from gradtape.programs.graph import Graph, Node
from gradtape.programs.repeats import cut
from gradtape.programs.ways import Tree

engines = pytest.mark.parametrize("engine", ["numpy", "llvm"])
BASE = np.linspace(1.0, 2.0, 5)
rewritten = ways.rewritten


@pytest.fixture(autouse=True)
def nothing_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test finds what another one compiled."""
    monkeypatch.setattr(ways, "_COMPILED", WeakValueDictionary())


def made(f: Any, engine: str | None = "numpy") -> Any:
    if engine == "llvm":
        pytest.importorskip("llvmlite")
    return function(f, engine=engine)


def root(a: Any) -> Any:
    """Newton's square root: more trips for larger arguments."""
    x, step = a, a
    while np.max(np.abs(step) / x) > 1e-10:
        step = (x - a / x) / 2
        x = x - step
    return x


def length(a: Any) -> Any:
    return np.sum(root(a) ** 2)


def arguments(count: int) -> list[Any]:
    return [BASE * 4.0**k for k in range(count)]


def mixed(count: int, calls: int) -> list[Any]:
    known = arguments(count)
    order = np.random.default_rng(count).integers(0, count, calls)
    return known + [known[i] for i in order]


def programs(traced: Any) -> list[Any]:
    return [p for found in traced._programs.values() for p in found]


def trees(traced: Any) -> list[Tree]:
    return [tree for found in traced._trees.values() for tree in found]


def close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=0)


@engines
def test_values(engine: str):
    traced = made(root, engine)
    for a in mixed(7, 20):
        close(traced(a), root(a))
    assert traced.traces == 7
    assert all([p.shared for p in programs(traced)])
    assert len(trees(traced)) == 1


def test_what_warms_up():
    traced = made(root, None)
    for a in mixed(6, 30):
        close(traced(a), root(a))
    assert traced.traces == 6


@engines
def test_gradients_inside_and_outside(engine: str):
    inside, outside = made(gt.grad(length), engine), made(length, engine)
    for a in mixed(5, 8):
        expected = gt.grad(length)(a)
        close(inside(a), expected)
        close(gt.grad(outside)(a), expected)
    assert inside.traces == outside.traces == 5
    ((derivative, _),) = outside._derivatives.values()
    assert trees(inside)
    assert trees(outside)
    assert trees(derivative)


def test_higher_orders_and_directions():
    traced = made(length)
    for a in arguments(3):
        v = a[::-1].copy()
        close(traced(a), length(a))
        close(gt.jvp(traced)(a, v)[1], gt.jvp(length)(a, v)[1])
        np.testing.assert_allclose(
            gt.hvp(traced)(a, v), gt.hvp(length)(a, v), rtol=1e-9, atol=1e-12
        )
    close(traced(a), length(a))
    np.testing.assert_allclose(gt.hessian(traced)(a), gt.hessian(length)(a), 1e-9, 1e-12)


def test_a_new_count_runs_only_what_is_new(monkeypatch: pytest.MonkeyPatch):
    traced = made(root)
    for a in arguments(FEW + 2):
        traced(a)
        traced(a)
    compiled: list[Any] = []
    monkeypatch.setattr(
        ways, "rewritten", lambda graph: (compiled.append(graph), rewritten(graph))[1]
    )
    for a in arguments(FEW + 6)[FEW + 2 :]:
        close(traced(a), root(a))
        close(traced(a), root(a))
    assert compiled == []  # each trip was met, and so was the end
    assert len(programs(traced)) == FEW + 6
    assert not any(["run" in vars(p) for p in programs(traced)[:4]])


@pytest.mark.filterwarnings("ignore:.*was traced 16 times")
def test_the_way_back_is_cut_into_pieces_that_are_shared(monkeypatch: pytest.MonkeyPatch):
    traced = made(gt.grad(length))
    for a in arguments(12):
        traced(a)
        traced(a)
    compiled: list[Any] = []
    monkeypatch.setattr(
        ways, "rewritten", lambda graph: (compiled.append(graph), rewritten(graph))[1]
    )
    for a in arguments(16)[12:]:
        close(traced(a), gt.grad(length)(a))
        close(traced(a), gt.grad(length)(a))
    nodes = [len(p.plan.graph.nodes) for p in programs(traced)]
    assert sum([len(graph.nodes) for graph in compiled]) < min(nodes)


def test_each_value_is_computed_once():
    """A call goes from segment to segment: what stands before a guard is not run again."""
    calls: list[int] = []

    def counted(x: Any) -> Any:
        calls.append(1)
        return x

    class Counting(ways._Compiled):
        __slots__ = ()

        def __init__(self, graph: Any, run: Any) -> None:
            super().__init__(graph, lambda *inputs: run(*map(counted, inputs)))

    traced = made(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ways, "_Compiled", Counting)
        for a in arguments(8):
            traced(a)
            traced(a)
        shortest, longest = arguments(8)[0], arguments(8)[-1]
        counts = []
        for a in (shortest, longest, shortest):
            calls.clear()
            close(traced(a), root(a))
            counts.append(len(calls))
    assert 0 < counts[0] == counts[2] < counts[1]


def test_two_ways_stay_as_they_are():
    traced = made(lambda x: np.sum(x) if x[0] > 0 else np.prod(x))
    for sign in (1, -1, 1, -1):
        assert traced(sign * BASE) == (np.sum(BASE) if sign > 0 else np.prod(-BASE))
    assert not trees(traced)
    assert not any([p.shared for p in programs(traced)])


@engines
def test_numbers_only(engine: str):
    def f(x: Any) -> Any:
        n = 0.0
        while x > 1:
            x, n = x / 2, n + x
        return n

    traced = made(f, engine)
    many = FEW_OF_NUMBERS + 4
    for k in range(many):
        assert traced(2.0**k) == f(2.0**k)
        assert bool(trees(traced)) == (k >= FEW_OF_NUMBERS)
    for k in [*range(many), *reversed(range(many))]:
        assert traced(2.0**k) == f(2.0**k)
    assert traced.traces == many


@engines
def test_a_steady_way_is_run_as_a_whole(engine: str):
    traced = made(root, engine)
    known = arguments(6)
    for a in known:
        traced(a)
    for _ in range(VERY_STEADY + 4):
        close(traced(known[-1]), root(known[-1]))
    (first, *_) = programs(traced)
    assert first.steady
    assert "run" in vars(first)
    assert traced._shortcut is not None
    for a in (known[2], known[-1], known[0]):  # and others are found again
        close(traced(a), root(a))
        assert traced._shortcut is None
    for _ in range(STEADY + 3):
        close(traced(known[-1]), root(known[-1]))
    assert traced._shortcut is not None
    assert traced.traces == 6


def test_effects_are_had_once():
    state, count = gt.Variable(np.ones(5)), gt.Variable(0)

    @function
    def f(a: Any) -> Any:
        count.assign_add(1)
        while np.max(state) < np.max(a):
            state.assign(state * 2)
        result = np.sum(state * a)
        state.assign(np.ones(5))
        return result

    for calls, k in enumerate([0, 3, 1, 5, 2, 6, 4, 0, 3, 5, 1], 1):
        a = BASE * 2.0**k
        trips = max(0, math.ceil(math.log2(np.max(a))))
        assert f(a) == np.sum(2.0**trips * a)
        assert count.numpy() == calls
        close(state.numpy(), np.ones(5))
    assert trees(f)


def test_gradients_by_variables_that_only_some_ways_read():
    w, v = gt.Variable(np.full(5, 0.5)), gt.Variable(np.full(5, 3.0))

    def f(a: Any) -> Any:
        x = a
        while np.max(x) > 1:
            x = x * w
        return np.sum(x * v) if np.min(x) > 0.4 else np.sum(x)

    traced = made(f)
    for k in [0, 3, 1, 5, 2, 6, 4, 0, 3, 5, 1]:
        for top in (1.0, 1.5):
            shares = []
            for g in (f, traced):
                with gt.GradientTape() as tape:
                    y = g(BASE * (top * 2.0**k))
                shares.append([None if s is None else s.numpy() for s in tape.gradient(y, [w, v])])
            for found, expected in zip(shares[1], shares[0], strict=True):
                assert (found is None) == (expected is None)
                if found is not None:
                    close(found, expected)
    assert trees(traced)


def test_names_that_stand_for_something_else():
    scale = 2.0
    traced = made(lambda a: root(a) * scale)
    for _ in range(2):
        for value in (2.0, 3.0):
            scale = value
            for a in mixed(5, 5):
                close(traced(a), root(a) * scale)
    assert len(trees(traced)) == 2


LOOKS: dict[str, tuple[Callable[..., Any], list[Any]]] = {
    "floats, zeros and NaN": (
        lambda x: x * math.copysign(2.0, float(x[0])),
        [np.array([s, 1.0]) for s in (1.0, 0.0, -0.0, -2.0, math.nan, 0.0, -0.0, math.nan)],
    ),
    "items": (
        lambda x: x * x[0].item() + x[1].item(),
        [np.array([s, t]) for s in (1.0, 2.0, 0.0, -0.0) for t in (1.0, 0.0, -0.0)],
    ),
    "rounded": (
        lambda x: x * round(x[0], 1) if x[1] > 0 else x,
        [np.array([s, t]) for s in (1.01, 2.0, 3.0) for t in (1.0, -1.0)],
    ),
    "lengths": (lambda x: np.sum(x[x > 0]), [BASE - s for s in (0, 1.2, 1.4, 1.6, 1.8, 3)]),
    "lists": (lambda x: sum(x.tolist()) * x, [BASE[:2] * s for s in (1, 2, 3, 4)]),
    "indices": (
        lambda x: x[np.array([1, 0])] * x[int(x[0])],
        [np.array([s, 1.0, 2.0]) for s in (0.0, 1.0, 2.0)],
    ),
    "calls of NumPy's": (
        lambda x: np.sort(x) * 2 if np.count_nonzero(x) > 2 else x + np.argsort(x)[0],
        [BASE * m for m in ([1, 1, 1, 1, 1], [0, 0, 0, 1, 1], [0, 1, 1, 1, 0])],
    ),
    "several results": (
        lambda x: np.linalg.eigh(np.outer(x, x))[0] * (1 if x[0] > 1.5 else 2 if x[0] > 1 else 3),
        [BASE + s for s in (-0.5, 0.5, 1.0)],
    ),
    "constants": (
        lambda x: x + gt.zeros(5) + np.arange(5.0) if x[0] > 1 else x * np.arange(5.0),
        [BASE + s for s in (-0.5, 0.5, 1.0)],
    ),
    "many in a row": (
        lambda x: sum([x[i] if x[i] > 1.5 else 2 * x[i] for i in range(5)]),
        [BASE * s for s in (0.5, 0.8, 1.0, 1.2, 1.4, 2.0)],
    ),
    "an index": (
        lambda x: np.sum(x[: int(x[0])]) + x[int(x[0])],
        [np.array([s, 1.0, 2.0, 3.0]) for s in (0.0, 1.0, 2.0, 3.0)],
    ),
}


@engines
@pytest.mark.parametrize("name", LOOKS)
def test_looks(name: str, engine: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "FEW", 1)
    f, values = LOOKS[name]
    traced = made(f, engine)
    for x in [*values, *values, *reversed(values)]:
        found, expected = traced(x), f(x)
        np.testing.assert_allclose(found, expected, rtol=1e-13)
        np.testing.assert_array_equal(np.signbit(found), np.signbit(expected))
    assert traced.traces <= len(values)


def test_errors_are_those_of_the_way(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "FEW", 1)

    def f(x: Any) -> Any:
        while np.max(x) > 2:
            x = x / 2
        if x[0] > 0:
            return np.linalg.inv(np.outer(x, x) + np.diag(x - x[0]))
        return x

    traced = made(f)
    x = np.array([3.0, 5.0])
    for scale in (1, 4, -1, 16, 2):
        close(traced(x * scale), f(x * scale))
    assert trees(traced)
    for scale in (1.0, 4.0, 16.0):
        with pytest.raises(np.linalg.LinAlgError):
            traced(np.array([scale, scale]))


def test_functions_in_functions():
    inner = made(root)
    outer = made(lambda a: inner(a) + inner(2 * a))
    for a in mixed(6, 6):
        close(outer(a), root(a) + root(2 * a))
    for a in mixed(6, 6):
        close(inner(a), root(a))


def test_arguments_in_other_orders_in_memory():
    traced = made(root)
    for a in mixed(5, 5):
        strided = np.repeat(a, 2)[::2]
        close(traced(strided), root(a))
        close(traced(a[::-1]), root(a)[::-1])


def test_written_arguments_are_left_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "FEW", 1)

    @function
    def f(a: Any) -> Any:
        while np.max(a) > 2:
            a /= 2
        return np.sum(a)

    for k in (0, 3, 1, 2, 3, 0):
        a = BASE * 2.0**k
        assert f(a) == np.sum(BASE)
        close(a, BASE)
    assert not trees(f)


def test_files_hold_all_ways(tmp_path: Path):
    traced = made(root)
    for a in arguments(6):
        traced(a)
    traced.save(tmp_path / "root.gt")
    loaded = gt.load(tmp_path / "root.gt")
    for a in mixed(6, 6):
        close(loaded(a), root(a))
    assert "while" not in str(traced.explain_trace(arguments(6)[-1]))


def test_the_least_recently_used_make_room(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "MOST_PROGRAMS", 8)
    monkeypatch.setattr(module, "PATIENCE", 4)
    traced = made(root)
    known = arguments(12)
    for a in known[:8]:
        traced(a)
    traced(known[0])
    with pytest.warns(UserWarning, match="has 8 programs"):
        found = [traced(known[10]) for _ in range(5)]
    close(found, [root(known[10])] * 5)
    assert traced.traces == 9
    assert len(programs(traced)) == 7
    for a in known[:1] + known[3:8] + [known[10]]:
        close(traced(a), root(a))
    assert traced.traces == 9
    close(traced(known[1]), root(known[1]))  # which was dropped
    assert traced.traces == 10
    for a in known * 2:
        close(traced(a), root(a))


def test_warnings_have_numbers():
    traced = made(root)
    with pytest.warns(UserWarning, match=r"traced 16 times \(signatures: 1\)"):
        _ = [traced(a) for a in arguments(16)]


@pytest.mark.filterwarnings("ignore:.*was traced 16 times")
def test_threads_that_find_new_ways():
    traced = made(gt.grad(length))
    known = arguments(10)
    expected = [gt.grad(length)(a) for a in known]
    wrong: list[Any] = []

    def work(seed: int) -> None:
        for i in np.random.default_rng(seed).integers(0, len(known), 15):
            try:
                close(traced(known[i]), expected[i])
            except BaseException as error:
                wrong.append(error)

    workers = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert wrong == []
    for a, e in zip(known, expected, strict=True):
        close(traced(a), e)


def test_nothing_is_left_of_a_function_that_is_gone():
    traced = made(gt.grad(length))
    for a in mixed(6, 6):
        traced(a)
    tree, program = weakref.ref(trees(traced)[0]), weakref.ref(programs(traced)[0])
    before = len(ways._COMPILED)
    gc.disable()
    try:
        del traced
        assert tree() is None
        assert program() is None
    finally:
        gc.enable()
    assert len(ways._COMPILED) < before


# Stretches that repeat themselves -----------------------------------------------------------------


def stretch(trips: int, edge: int = 2, several: bool = False) -> list[Node]:
    """Nodes as of a loop of trips of three operations, with some others before and behind."""
    graph = Graph()
    x = graph.input(BASE)
    node = x
    for _ in range(edge):
        node = graph.add(np.negative, [node], (), BASE)
    for _ in range(trips):
        s = graph.add(np.sin, [node], (), BASE)
        half = graph.constant(0.5)
        node = graph.add(np.add, [graph.add(np.multiply, [s, half], (), BASE), node], (), BASE)
    for _ in range(edge):
        node = graph.add(np.exp, [node], (), BASE)
    if several:
        graph.add(np.divmod, [node, x], (), (BASE, BASE))
    return graph.nodes[1:]


@pytest.mark.parametrize("trips", [16, 17, 18, 19, 20, 40])
@pytest.mark.parametrize("edge", [0, 1, 5])
def test_what_repeats_itself_is_cut_into_like_pieces(trips: int, edge: int):
    nodes = stretch(trips, edge)
    pieces = cut(nodes)
    assert [node for piece in pieces for node in piece] == nodes
    operations = [tuple([n.op for n in piece if n.op is not None]) for piece in pieces]
    assert len(pieces) >= trips // 4 - 1
    assert len(set(operations)) <= 3  # the beginning, four trips, and what is left
    # What is left depends on the trips modulo 4 only: other numbers of trips have the same.
    more = cut(stretch(trips + 4, edge))
    assert {tuple([n.op for n in piece if n.op is not None]) for piece in more} == set(operations)


def test_what_is_not_cut():
    for nodes in (stretch(4), stretch(2, 40), stretch(30, several=True), []):
        assert [len(piece) for piece in cut(nodes)] == [len(nodes)]
