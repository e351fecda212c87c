"""The NumPy engine gives what the graph says, node by node, in memory that is nobody else's."""

from __future__ import annotations

import threading
import tracemalloc
from typing import Any

import numpy as np
import pytest

from gradtape.programs.function import function
from gradtape.programs.graph import Opaque
from gradtape.programs.numpy_engine import GuardFailed, NumpyProgram
from gradtape.programs.rewrites import rewritten
from gradtape.programs.scalars import ON_FLOATS
from tests.programs.graphs import SPECIAL, Building, same_bits

FLOATS = [np.float32, np.float64]


def agree(build: Building, ulp: int = 0) -> NumpyProgram:
    """Run a graph as a program, with and without rewrites, several times."""
    expected = build.expected()
    before = [np.copy(x) for x in build.inputs]
    for graph in (build.graph, rewritten(build.graph)):
        program = NumpyProgram(graph)
        earlier: list[Any] = []
        for _ in range(3):
            found = program(*build.inputs)
            assert all([close(f, e, ulp) for f, e in zip(found, expected, strict=True)])
            check_own(found, [*earlier, *build.inputs])
            earlier += found
        assert all(map(same_bits, build.inputs, before))
        assert all([close(f, e, ulp) for f, e in zip(earlier, expected * 3, strict=True)])
    return program


def close(found: Any, expected: Any, ulp: int) -> bool:
    """Whether two values are of one type, and the same but for some units in the last place.

    Of the largest entry: in sums, larger ones cancel.
    """
    assert type(found) is type(expected)
    if ulp == 0 or np.asarray(expected).dtype.kind not in "fc":
        return same_bits(found, expected)
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    with np.errstate(all="ignore"):
        largest = np.max(np.abs(expected), initial=0, where=np.isfinite(expected))
        near = np.abs(found - expected) <= ulp * np.spacing(largest)
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    return bool(np.all(near | same))


def check_own(found: Any, others: Any) -> None:
    arrays = [f for f in found if isinstance(f, np.ndarray)]
    for i, array in enumerate(arrays):
        assert array.flags.writeable
        for other in [*others, *arrays[:i]]:
            assert not np.shares_memory(array, other)


# Numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", [n for n, form in ON_FLOATS.items() if "{1}" not in form])
def test_numbers(name: str, dtype: Any) -> None:
    """Of all special numbers, also those of which Python's functions raise."""
    arity = 2 if name in ("arctan2", "less", "equal", "add", "divide", "multiply") else 1
    arity = 2 if ON_FLOATS[name].count("{}") == 2 else arity
    with np.errstate(over="ignore", under="ignore"):
        numbers = [dtype(v) for v in (*SPECIAL, 0.7, 25.0, 1000.0)]
    for x in numbers:
        for y in numbers if arity == 2 else [None]:
            b = Building()
            given = [b.input(v) for v in (x, y) if v is not None]
            b.returns(b.call(name, *given))
            agree(b, ulp=2)


@pytest.mark.parametrize("name", ["maximum", "minimum"])
@pytest.mark.parametrize("dtype", FLOATS)
def test_larger_and_smaller_numbers(name: str, dtype: Any) -> None:
    for x in (1.0, np.nan, -np.inf):
        for y in (2.0, np.nan, np.inf):
            b = Building()
            b.returns(b.call(name, b.input(dtype(x)), b.input(dtype(y))))
            agree(b)


def test_numbers_of_each_kind() -> None:
    b = Building()
    x, y, n = b.input(2.5), b.input(np.float32(1.5)), b.input(3)
    z = b.input(np.array(4.0))
    array = b.input(np.arange(3, dtype=np.float32))
    rows = [b.call("multiply", x, y), b.call("add", x, n), b.call("multiply", z, y)]
    rows += [b.call("multiply", array, x), b.call("multiply", array, z), b.call("add", array, n)]
    rows += [b.call("exp", b.call("multiply", z, z)), b.call("less", x, z), b.call("add", n, n)]
    rows += [
        b.call("multiply", array, b.call("sin", z)),
        b.call("where", b.call("less", x, z), x, z),
    ]
    b.returns(*rows, array)
    agree(b, ulp=1)


def test_long_expressions() -> None:
    b = Building()
    x = y = b.input(np.float64(0.3))
    for _ in range(400):
        y = b.call("sin", b.call("add", b.call("multiply", y, x), 0.25))
    b.returns(y)
    agree(b, ulp=400)


# Arrays ---------------------------------------------------------------------------------------


def layouts(values: Any) -> dict[str, Any]:
    """The same array, laid out in memory in several ways."""
    padded = np.zeros(tuple(2 * n for n in values.shape), values.dtype)
    inside = tuple(slice(None, None, 2) for _ in values.shape)
    padded[inside] = values
    locked = values.copy()
    locked.flags.writeable = False
    backwards = values[::-1].copy()[::-1]
    return {
        "C": values,
        "F": np.asfortranarray(values),
        "strided": padded[inside],
        "backwards": backwards,
        "locked": locked,
    }


@pytest.mark.parametrize("dtype", [*FLOATS, np.float16, np.complex128])
@pytest.mark.parametrize("layout", ["C", "F", "strided", "backwards", "locked"])
@pytest.mark.parametrize("shape", [(5, 4), (1, 1), (0, 3), (3, 0), (1, 7)])
def test_layouts(shape: Any, layout: str, dtype: Any) -> None:
    rng = np.random.default_rng(0)
    values = rng.standard_normal(shape).astype(dtype)
    b = Building()
    x = b.input(layouts(values)[layout])
    turned = b.call("transpose", x, params=((-1, -2),))
    product = b.call("matmul", turned, x)
    flat = b.call("reshape", x, params=((values.size,),))
    rows = b.call("sum", x, params=((-2,), False))
    entries = b.call("sum", b.call("square", x), params=((-1,), True))
    part = b.call("getitem", b.call("multiply", x, x), params=((slice(None, None, -1),),))
    b.returns(x, turned, product, flat, rows, entries, part, part, b.call("add", turned, turned))
    program = agree(b, ulp=2)
    assert program.text().count("input") == 1


@pytest.mark.parametrize("dtype", FLOATS)
def test_reductions_and_choices(dtype: Any) -> None:
    rng = np.random.default_rng(1)
    b = Building()
    x, y = [b.input(rng.standard_normal((6, 70)).astype(dtype)) for _ in range(2)]
    mask = b.call("less", x, y)
    column = b.call("sum", x, params=((-1,), True))
    b.returns(
        b.call("where", mask, x, dtype(0)),
        b.call("where", mask, dtype(0), y),
        b.call("where", mask, dtype(-0.0), y),
        b.call("where", mask, x, y),
        b.call("where", mask, column, 0.0),
        b.call("where", b.call("less", column, 0), x, 0),
        b.call("sum", mask, params=((-1,), False)),
        b.call("sum", mask, params=((-2, -1), False)),
        b.call("sum", x, params=((), False)),
        b.call("sum", x, params=((-2, -1), True)),
        b.call("max", x, params=((-2,), False)),
        b.call("min", b.call("exp", x), params=((-2, -1), False)),
        b.call("astype", b.call("exp", x), params=(np.dtype(np.float16),)),
        b.call("astype", x, params=(np.dtype(np.int32),)),
        b.call("astype", mask, params=(np.dtype(dtype),)),
        b.call("broadcast", b.call("sin", column), params=((2, 6, 70),)),
        b.call("embed", b.call("sin", x), params=((7, 70), (slice(1, None),))),
        b.call("mean", x, params=((-1,), False)),
    )
    agree(b, ulp=4)


def test_operands_of_other_dtypes() -> None:
    """A whole exponent stays one, and a number is brought to the dtype that NumPy would."""
    b = Building()
    x = b.input(np.array([1.5, -2.0, 3.0], np.float32))
    n = b.input(np.array([1, 2, 3]))
    b.returns(
        b.call("ldexp", b.call("exp", x), 2),
        b.call("power", b.call("absolute", x), 2),
        b.call("multiply", b.call("add", n, 1), 2.5),
        b.call("multiply", b.call("add", x, 1), np.float64(0.1)),
        b.call("multiply", b.call("sin", x), 0.1),
        b.call("less", b.call("sin", x), 0.1),
    )
    agree(b, ulp=1)


def test_short_sums_in_several_axes() -> None:
    rng = np.random.default_rng(1)
    b = Building()
    x = b.call("exp", b.input(rng.standard_normal((3, 5, 4)).astype(np.float32)))
    sums = [b.call("sum", x, params=(axis, False)) for axis in ((-1,), (-2,), (-3,), (-3, -1))]
    b.returns(*sums, *[b.call("exp", s) for s in sums])
    agree(b, ulp=4)


def test_several_results_and_opaque_calls() -> None:
    b = Building()
    x = b.input(np.array([[2.0, 1.0], [1.0, 3.0]]))
    both = b.call(Opaque(lambda x: tuple(np.linalg.eigh(x)), lambda inputs: (tuple(inputs), {})), x)
    values, vectors = b.pick(both, 0), b.pick(both, 1)
    b.returns(b.call("multiply", values, 2), b.call("matmul", vectors, vectors))
    agree(b)


def test_calls_that_give_views() -> None:
    """Of memory that must then stay as it is, and of what is given, which must not come out."""

    def parts(x: Any) -> Any:
        return x[::2], x[1::2]

    b = Building()
    x = b.input(np.arange(8) + 1j)
    y = b.call("exp", x)
    real, both = b.call("real", y), b.call(Opaque(parts, lambda inputs: (tuple(inputs), {})), y)
    same = b.call(Opaque(np.asarray, lambda inputs: (tuple(inputs), {})), x)
    other = b.call("multiply", b.call("sin", x), x)
    for _ in range(3):  # which would write over memory that was given back
        other = b.call("cos", b.call("add", other, other))
    first, second = b.pick(both, 0), b.pick(both, 1)
    b.returns(other, b.call("negative", real), b.call("add", first, second), real, first, same)
    agree(b, ulp=2)


def test_inputs_and_constants_come_out_as_copies() -> None:
    mine = np.arange(3.0)
    b = Building()
    x = b.input(np.ones(3))
    c = b.constant(mine)
    b.returns(x, x, c, b.call("reshape", c, params=((1, 3),)), b.call("getitem", x, params=((0,),)))
    found = NumpyProgram(b.graph)(*b.inputs)
    check_own(found, [mine, *b.inputs])
    mine[:] = 7
    assert np.all(NumpyProgram(b.graph)(*b.inputs)[2] == 7)  # seen anew at each call


@pytest.mark.parametrize("seed", range(30))
def test_random_programs(seed: int) -> None:
    """Elementwise and views: the same bits, whatever memory is used again for what."""
    rng = np.random.default_rng(seed)
    dtype = FLOATS[seed % 2]
    b = Building()
    pool = [b.input(rng.standard_normal((4, 4)).astype(dtype)) for _ in range(3)]
    for _ in range(60):
        x, y = [pool[rng.integers(max(0, len(pool) - 8), len(pool))] for _ in range(2)]
        name = ["add", "multiply", "subtract", "maximum", "sin", "view", "turn", "abs"][
            rng.integers(8)
        ]
        if name == "view":
            node = b.call("getitem", x, params=((slice(None, None, -1),),))
        elif name == "turn":
            node = b.call("transpose", x, params=((-1, -2),))
        elif name in ("sin", "abs"):
            node = b.call({"abs": "absolute"}.get(name, name), x)
        else:
            node = b.call(name, x, y)
        pool.append(node)
    b.returns(*[pool[i] for i in rng.integers(3, len(pool), 4)])
    agree(b, ulp=1)  # sines of views may be computed in another order


# Guards, threads, memory ----------------------------------------------------------------------


def test_guards() -> None:
    b = Building()
    x = b.input(np.float64(2))
    n = b.call("multiply", x, 2)
    b.graph.guard(b.call("greater", x, 1), bool, True)
    b.graph.guard(n, int, 4)
    b.returns(b.call("exp", n))
    program = NumpyProgram(rewritten(b.graph))
    assert program(np.float64(2))[0] == pytest.approx(np.exp(4))
    for other in (0.5, 2.5, np.nan):
        with pytest.raises(GuardFailed):
            program(np.float64(other))
    assert program(np.float64(2.25))[0] == pytest.approx(np.exp(4.5))


def test_guards_come_before_what_they_guard() -> None:
    """What another branch would make raise is not reached."""

    def picky(x: Any) -> Any:
        if x < 0:
            raise RuntimeError("the other branch")
        return np.sqrt(x)

    b = Building()
    x = b.input(np.float64(4))
    b.graph.guard(b.call("greater_equal", x, 0), bool, True)
    b.returns(b.call(Opaque(picky, lambda inputs: (tuple(inputs), {})), x))
    program = NumpyProgram(rewritten(b.graph))
    assert program(np.float64(9)) == (3.0,)
    with pytest.raises(GuardFailed):
        program(np.float64(-1))


def test_errors_of_functions_are_theirs() -> None:
    b = Building()
    x = b.input(np.eye(2))
    b.returns(b.call(Opaque(np.linalg.cholesky, lambda inputs: (tuple(inputs), {})), x))
    program = NumpyProgram(b.graph)
    with pytest.raises(np.linalg.LinAlgError):
        program(-np.eye(2))
    assert same_bits(program(np.eye(2))[0], np.eye(2))


def test_programs_within_themselves() -> None:
    depth = 0

    def again(x: Any) -> Any:
        nonlocal depth
        depth += 1
        inner = program(x + 1)[0] if depth < 4 else x
        depth -= 1
        return x * 0 + inner

    b = Building()
    x = b.input(np.zeros(3))
    doubled = b.call("multiply", b.call("add", x, 1.0), 2.0)
    inner = b.call(Opaque(lambda x: x, lambda inputs: (tuple(inputs), {})), doubled)
    b.returns(b.call("add", inner, doubled))
    inner.op.function = again
    program = NumpyProgram(b.graph)

    def plain(x: Any, depth: int) -> Any:
        doubled = (x + 1) * 2
        return doubled + (plain(doubled + 1, depth + 1) if depth < 3 else doubled)

    assert same_bits(program(np.arange(3.0))[0], plain(np.arange(3.0), 0))


def test_threads() -> None:
    b = Building()
    x = y = b.input(np.zeros(20_000))
    for _ in range(6):
        y = b.call("sin", b.call("multiply", b.call("add", y, x), 1.5))
    b.returns(y, b.call("sum", y, params=((-1,), False)))
    program = NumpyProgram(rewritten(b.graph))
    rng = np.random.default_rng(0)
    inputs = [rng.standard_normal(20_000) for _ in range(4)]
    expected = [program(i) for i in inputs]
    wrong = []

    def work(k: int) -> None:
        for _ in range(30):
            found = program(inputs[k])
            if not all(map(same_bits, found, expected[k])):
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_memory_stays_flat() -> None:
    b = Building()
    x = b.input(np.ones((64, 64)))
    y = b.call("exp", b.call("matmul", x, x))
    b.returns(y, b.call("sum", y, params=((-2, -1), False)))
    program = NumpyProgram(b.graph)
    program(*b.inputs)
    tracemalloc.start()
    try:
        for _ in range(10):
            program(*b.inputs)
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(300):
            program(*b.inputs)
        assert tracemalloc.get_traced_memory()[0] - before < 4096
    finally:
        tracemalloc.stop()


def test_memory_is_used_again() -> None:
    b = Building()
    x = b.input(np.ones(1000))
    for _ in range(50):
        x = b.call("sin", b.call("add", b.call("exp", x), x))
    b.returns(x)
    assert NumpyProgram(b.graph).memory <= 3 * 8000


def test_no_warnings() -> None:
    b = Building()
    x, y = b.input(np.array([0.0, -1.0])), b.input(np.float64(0))
    b.returns(b.call("log", x), b.call("divide", x, y), b.call("divide", y, y))
    with np.errstate(all="raise"):
        found = NumpyProgram(b.graph)(*b.inputs)
    assert np.isneginf(found[0][0])
    assert np.isnan(found[2])


def test_a_number_that_comes_out_is_nobody_elses_memory():
    traced = function(lambda x: np.exp(x) @ np.cos(x), engine="numpy")
    first, second = np.linspace(0, 1, 50), np.linspace(1, 2, 50)
    traced(first)
    (program,) = [p for programs in traced._programs.values() for p in programs]
    found = [program.run(x)[0] for x in (first, second)]
    assert all(isinstance(value, np.float64) for value in found)
    assert found == [np.exp(x) @ np.cos(x) for x in (first, second)]


def test_an_entry_picked_with_an_ellipsis_is_no_view_of_memory():
    b = Building()
    x = b.input(np.array([1.0, 2.0]))
    inside = b.call("exp", x)
    entry = b.call("getitem", inside, params=((..., 0),))
    last = b.call("exp", b.call("exp", inside))  # written over what came before
    b.returns(entry, b.call("multiply", last, entry))
    agree(b, ulp=2)
