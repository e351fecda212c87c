"""From the third call on there is a shortcut: it answers as the long way, or leaves it the call."""

import threading
from collections import namedtuple
from typing import Any

import numpy as np
import pytest

import gradtape as gt
from gradtape.nest import flatten
from gradtape.programs.calling import MISSED
from gradtape.programs.function import function

A, B = np.array([1.0, 2.0, 3.0]), np.array([4.0, -5.0, 6.0])
Pair = namedtuple("Pair", "x y")
engines = pytest.mark.parametrize("engine", ["numpy", "llvm", None])


def made(f: Any, engine: Any = "numpy") -> Any:
    if engine == "llvm":
        pytest.importorskip("llvmlite")
    return function(f, engine=engine)


def warm(traced: Any, *args: Any) -> Any:
    """The function after a few calls, with a shortcut for such calls."""
    for _ in range(3):
        traced(*args)
    assert traced._shortcut is not None
    assert traced._shortcut(args) is not MISSED
    return traced


def same(found: Any, expected: Any) -> None:
    assert type(found) is type(expected)
    found, expected = flatten(found), flatten(expected)
    assert [type(v) for v in found] == [type(v) for v in expected]
    for a, b in zip(found, expected, strict=True):
        if isinstance(a, gt.Tensor):
            assert a.key is None or isinstance(a, gt.Variable)
        if not hasattr(a, "dtype"):
            assert a == b
            continue
        assert a.dtype == b.dtype
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-14)


#: Functions with arguments for which they are warm.
CALLS: dict[str, Any] = {
    "arrays": (lambda x, y: (x + y, x * y), (A, B), (B, A)),
    "one result": (lambda x, y: x @ y, (A, B), (B, A)),
    "numbers": (lambda x, n: (x * n, n + 1), (2.0, 3), (5.0, 7)),
    "NumPy's numbers": (
        lambda x, y: [x * y],
        (np.float32(2), np.float64(3)),
    )
    * 1
    + ((np.float32(4), np.float64(5)),),
    "tensors": (lambda t, x: (t * x, x), (gt.constant(A), B), (gt.constant(B), A)),
    "a tensor of a number": (
        lambda t: {"b": t * 2, "a": t},
        (gt.constant(2.0),),
        (gt.constant(3.0),),
    ),
    "nests": (
        lambda p, w: {"z": p["x"] * w[0], "a": [p["y"], (w[1][0] + 1,)]},
        ({"x": A, "y": 2.0}, [B, (A,)]),
        ({"x": B, "y": 3.0}, [A, (B,)]),
    ),
    "flags": (
        lambda x, flag, name, nothing: (x if flag else -x, name, nothing, flag),
        (A, True, "name", None),
        (B, True, "name", None),
    ),
    "nothing": (lambda: (1.5, "text"), (), ()),
    "an argument comes back": (lambda x, y: (y, x * 1, y), (A, B), (B, A)),
    "no result": (lambda x: None, (A,), (B,)),
}


@engines
@pytest.mark.parametrize("name", CALLS)
def test_it_answers_as_the_function_does(name: str, engine: Any):
    f, first, second = CALLS[name]
    traced = warm(made(f, engine), *first)
    for args in (second, first):
        found = traced._shortcut(args)
        same(found, f(*args))
        same(traced(*args), f(*args))
    assert traced.traces == 1


@engines
def test_arguments_that_come_back_are_those_of_the_call(engine: Any):
    traced = warm(made(lambda x, y: (y, x * 1), engine), A, B)
    assert traced(B, A)[0] is A


def f(x: Any, y: Any) -> Any:
    return x * 2 + y


#: What the shortcut for ``f(A, B)`` must leave to the long way.
OTHERS: dict[str, Any] = {
    "another shape": (np.ones(4), np.ones(4)),
    "one of another shape": (np.ones((2, 3)), B),
    "more axes": (A[None], B[None]),
    "another dtype": (A.astype("f4"), B.astype("f4")),
    "another byte order": (A.astype(">f8"), B),
    "integers": (np.array([1, 2, 3]), B),
    "a number": (2.0, B),
    "a number of NumPy's": (np.float64(2), B),
    "an array without axes": (np.array(2.0), B),
    "a list": ([1.0, 2.0, 3.0], B),
    "a tensor": (gt.constant(A), B),
    "a variable": (gt.Variable(A), B),
}


@engines
@pytest.mark.parametrize("name", OTHERS)
def test_others_take_the_long_way(name: str, engine: Any):
    traced = warm(made(f, engine), A, B)
    args = OTHERS[name]
    if type(args[0]) is list:
        g = made(lambda x, y: x[0] * 2 + y, engine)
        warm(g, [1.0], B)
        np.testing.assert_array_equal(g((2.0,), B), 4 + B)
        np.testing.assert_array_equal(g([2.0, 1.0], B), 4 + B)
        return
    expected = f(*args)
    found = traced(*args)
    assert type(found) is type(expected)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(np.asarray(found), np.asarray(expected))
    np.testing.assert_array_equal(traced(A, B), f(A, B))


@engines
def test_subclasses_of_arrays(engine: Any):
    traced = warm(made(f, engine), A, B)
    with pytest.raises(TypeError, match="pass arrays"):
        traced(A.view(type("Sub", (np.ndarray,), {})), B)


@engines
@pytest.mark.parametrize(
    "change",
    [
        lambda a: a[::-1],
        lambda a: np.repeat(a, 2)[::2],
        lambda a: np.frombuffer(b"\0" + a.tobytes(), np.uint8)[1:].view(a.dtype),
        lambda a: np.asfortranarray(a),
        lambda a: np.broadcast_to(a[:1], a.shape),
    ],
)
def test_layouts_in_memory(engine: Any, change: Any):
    def g(x: Any, y: Any) -> Any:
        return x @ np.cos(y), x + 1

    traced = warm(made(g, engine), A, B)
    x = change(A)
    for _ in range(2):
        for found, expected in zip(traced(x, B), g(x, B), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-14)


@engines
def test_static_arguments(engine: Any):
    traced = warm(made(lambda x, how: x + 1 if how == "more" else x - 1, engine), A, "more")
    np.testing.assert_array_equal(traced(A, "less"), A - 1)
    np.testing.assert_array_equal(traced(A, "".join(["mo", "re"])), A + 1)
    assert traced.traces == 2
    by_flag = warm(made(lambda x, flag: x if flag else 2 * x, engine), A, True)
    np.testing.assert_array_equal(by_flag(A, False), 2 * A)
    np.testing.assert_array_equal(by_flag(A, 0), 2 * A)
    np.testing.assert_array_equal(by_flag(A, None), 2 * A)


@engines
def test_keywords_and_other_numbers_of_arguments(engine: Any):
    def g(x: Any, y: Any = 1.0) -> Any:
        return x * y

    traced = warm(made(g, engine), A, 2.0)
    np.testing.assert_array_equal(traced(A, y=3.0), 3 * A)
    np.testing.assert_array_equal(traced(A), A)
    np.testing.assert_array_equal(traced(A, 4.0), 4 * A)
    with pytest.raises(TypeError):
        traced(A, 2.0, 3.0)


@engines
def test_dicts_with_other_keys(engine: Any):
    traced = warm(made(lambda d: sum(d.values()), engine), {"a": A, "b": B})
    np.testing.assert_array_equal(traced({"b": B, "a": A}), A + B)
    np.testing.assert_array_equal(traced({"a": A, "c": B}), A + B)
    np.testing.assert_array_equal(traced({"a": A, "b": B, "c": A}), 2 * A + B)


def test_named_tuples_take_the_long_way():
    traced = function(lambda p: Pair(p.x * 2, p.y), engine="numpy")
    for _ in range(4):
        found = traced(Pair(A, B))
        assert type(found) is Pair
        np.testing.assert_array_equal(found.x, 2 * A)
    assert traced._shortcut is None


@engines
def test_variables(engine: Any):
    w, count = gt.Variable(A), gt.Variable(0.0)

    @function(engine=engine)
    def step(x: Any) -> Any:
        w.assign_sub(0.5 * x)
        count.assign_add(1.0)
        return w, count * 1

    if engine == "llvm":
        pytest.importorskip("llvmlite")
    for i in range(6):
        answer = step(B)
        assert answer[0] is w
        assert count.numpy() == answer[1].numpy() == i + 1
        np.testing.assert_allclose(w.numpy(), A - 0.5 * (i + 1) * B)
    w.assign(B)
    np.testing.assert_allclose(step(A)[0].numpy(), B - 0.5 * A)
    assert step.traces == 1
    other = gt.Variable(B)
    scaled = warm(made(lambda v, x: v * x, engine), w, A)
    np.testing.assert_array_equal(scaled(other, A).numpy(), B * A)
    np.testing.assert_array_equal(scaled(w, A).numpy(), w.numpy() * A)


@engines
def test_names_that_are_bound_anew(engine: Any):
    factor = 2.0
    traced = warm(made(lambda x: x * factor, engine), A)
    factor = 3.0
    np.testing.assert_array_equal(traced(A), 3 * A)


@engines
def test_branches(engine: Any):
    traced = warm(made(lambda x: x * 2 if x[0] > 0 else -x, engine), A)
    for x in (A, -A, A, -A, -A, -A, A):
        np.testing.assert_array_equal(traced(x), x * 2 if x[0] > 0 else -x)
    assert traced.traces == 2


@engines
def test_recorders_see_the_call(engine: Any):
    traced = warm(made(lambda t: (t * t).sum(), engine), gt.constant(A))
    t = gt.constant(A)
    with gt.GradientTape() as tape:
        tape.watch(t)
        y = traced(t)
    np.testing.assert_allclose(tape.gradient(y, t).numpy(), 2 * A)
    w = gt.Variable(A)
    by_variable = warm(made(lambda x: (w * x).sum(), engine), B)
    with gt.GradientTape() as tape:
        y = by_variable(B)
    np.testing.assert_allclose(tape.gradient(y, w).numpy(), B)


@engines
def test_within_another_trace(engine: Any):
    traced = warm(made(lambda x: np.sin(x) * 2, engine), A)
    outer = function(lambda x: traced(x) + traced(A))
    for x in (A, B, B):
        np.testing.assert_allclose(outer(x), np.sin(x) * 2 + np.sin(A) * 2, rtol=1e-14)


@engines
def test_while_another_thread_traces(engine: Any):
    w = gt.Variable(A)
    traced = warm(made(lambda x: w * x, engine), B)
    inside, done = threading.Event(), threading.Event()

    @function
    def slow(x: Any) -> Any:
        y = w * x
        inside.set()
        assert done.wait(10)
        return y

    thread = threading.Thread(target=slow, args=(A,))
    thread.start()
    try:
        assert inside.wait(10)
        found = traced(B).numpy()
    finally:
        done.set()
        thread.join()
    assert type(found) is np.ndarray
    np.testing.assert_allclose(found, A * B, rtol=1e-15)


@engines
def test_errors_are_the_programs_own(engine: Any):
    traced = warm(made(lambda x, i: x[int(i)], engine), A, 1)
    with pytest.raises(IndexError):
        traced(A, 7)
    assert traced(A, 1) == 2


def test_two_signatures_in_turns():
    traced = function(f)
    for _ in range(6):
        np.testing.assert_array_equal(traced(A, B), f(A, B))
        np.testing.assert_array_equal(traced(A[:2], B[:2]), f(A[:2], B[:2]))
    assert traced.traces == 2


def test_a_program_that_becomes_native():
    pytest.importorskip("llvmlite")
    traced = function(lambda x: np.sum(np.sin(x) * x))
    x = np.linspace(0, 1, 20_000)
    expected = np.sum(np.sin(x) * x)
    for _ in range(3000):
        np.testing.assert_allclose(traced(x), expected, rtol=1e-12)
        if getattr(traced._programs[next(iter(traced._programs))][0].run, "_run", None):
            break
    else:
        pytest.skip("native code does not pay here")
    for _ in range(3):
        np.testing.assert_allclose(traced(x), expected, rtol=1e-12)
    np.testing.assert_allclose(traced._shortcut((x,)), expected, rtol=1e-12)
    np.testing.assert_allclose(traced(x[::-1]), expected, rtol=1e-12)
    np.testing.assert_allclose(traced(x.astype("f4")), expected, rtol=1e-4)
