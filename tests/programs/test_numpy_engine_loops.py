"""Large arrays are computed block by block: loops give what the whole gives."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest

from gradtape.programs import loops, rows, sum_writing
from gradtape.programs.numpy_engine import NumpyProgram
from gradtape.programs.passes import folded_sums
from gradtape.programs.rewrites import rewritten
from gradtape.programs.rows import Loop, planned
from tests.programs.graphs import SPECIAL, Building
from tests.programs.test_numpy_engine import agree

FLOATS = [np.float32, np.float64]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small arrays count as large, and a block has a few rows."""
    monkeypatch.setattr(rows, "LARGE_BYTES", 64)
    monkeypatch.setattr(loops, "BLOCK_BYTES", 200)
    monkeypatch.setattr(sum_writing, "FEW", 1)
    monkeypatch.setattr(sum_writing, "WIDE", 8)


def loops_of(build: Building) -> list[Loop]:
    return [item for item in planned(rewritten(build.graph)) if isinstance(item, Loop)]


def normal(*shape: int, dtype: Any = np.float64, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("length", [2, 50, 51, 99, 1000])
@pytest.mark.parametrize("dtype", FLOATS)
def test_elementwise_chains(length: int, dtype: Any, small: None) -> None:
    b = Building()
    v = b.input(normal(length, dtype=dtype))
    log = b.call("log", b.call("add", b.call("exp", v), 1))
    product = b.call("multiply", log, b.call("sin", v))
    b.returns(b.call("sum", product, params=((-1,), False)), product)
    agree(b, ulp=16)
    assert len(loops_of(b)) == (length > 8)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("width", [1, 5, 17, 300])
def test_rows_and_columns(width: int, dtype: Any, small: None) -> None:
    """Operands along each axis, and sums along each."""
    b = Building()
    x = b.input(normal(40, width, dtype=dtype))
    row, column = b.input(normal(width, dtype=dtype)), b.input(normal(40, 1, dtype=dtype))
    y = b.call("add", b.call("multiply", x, row), column)
    top = b.call("max", y, params=((-1,), True))
    e = b.call("exp", b.call("subtract", y, top))
    sums = b.call("sum", e, params=((-1,), False))
    share = b.call("divide", e, b.call("reshape", sums, params=((40, 1),)))
    b.returns(
        share,
        b.call("sum", share, params=((-2,), False)),
        b.call("sum", share, params=((-2,), True)),
        b.call("max", share, params=((-2,), False)),
        b.call("min", share, params=((-2, -1), False)),
        b.call("log", sums),
        b.call("sum", b.call("multiply", y, row), params=((-2, -1), False)),
    )
    agree(b, ulp=32)
    assert len(loops_of(b)) == 1


@pytest.mark.parametrize("dtype", FLOATS)
def test_networks(dtype: Any, small: None) -> None:
    """A batch streams through, and the weights' gradients add up."""
    b = Building()
    x, w, v = [b.input(normal(*s, dtype=dtype)) for s in ((70, 8), (8, 6), (6, 1))]
    z = b.call("matmul", x, w)
    hidden = b.call("maximum", z, 0)
    error = b.call("matmul", hidden, v)
    back = b.call("matmul", error, b.call("transpose", v, params=((-1, -2),)))
    back = b.call("multiply", back, b.call("equal", z, hidden))
    turned = b.call("transpose", x, params=((-1, -2),))
    b.returns(
        b.call("matmul", turned, back),
        b.call("matmul", b.call("transpose", hidden, params=((-1, -2),)), error),
        b.call("sum", back, params=((-2,), False)),
        b.call("matmul", b.call("transpose", error, params=((-1, -2),)), error),
    )
    agree(b, ulp=64)
    assert len(loops_of(b)) == 1


def test_large_sums_are_not_kept_by_block(small: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "KEPT_SHARES", 0)
    b = Building()
    x = b.call("exp", b.input(normal(60, 6)))
    total = b.call("sum", x, params=((-2,), False))
    b.returns(
        total,
        b.call("matmul", b.call("transpose", x, params=((-1, -2),)), x),
        b.call("max", x, params=((-2,), False)),
        b.call("multiply", total, 2.0),
    )
    agree(b, ulp=32)


@pytest.mark.parametrize("dtype", FLOATS)
def test_stacks_of_matrices(dtype: Any, small: None) -> None:
    b = Building()
    x, y = b.input(normal(9, 20, 3, dtype=dtype)), b.input(normal(9, 3, 3, dtype=dtype, seed=1))
    means = b.input(normal(9, 1, 3, dtype=dtype, seed=2))
    centred = b.call("subtract", x, means)
    turned = b.call("matmul", centred, b.call("transpose", y, params=((-1, -2),)))
    square = b.call("square", turned)
    again = b.call("multiply", b.call("multiply", square, means), means)
    b.returns(
        b.call("sum", square, params=((-1,), False)),
        b.call("sum", again, params=((-2,), False)),
        b.call("matmul", b.call("transpose", turned, params=((-1, -2),)), centred),
        b.call("sum", again, params=((-3,), False)),
    )
    agree(b, ulp=64)


def test_loops_after_each_other(small: None) -> None:
    """What a sum is needed for comes in another loop; what it needs is kept, or computed there."""
    b = Building()
    x = b.input(normal(80, 3))
    e = b.call("exp", x)
    mean = b.call("divide", b.call("sum", e, params=((-2,), False)), 80)
    centred = b.call("subtract", e, mean)
    spread = b.call("sum", b.call("square", centred), params=((-2,), False))
    late = b.call("sin", x)
    b.returns(b.call("divide", b.call("multiply", centred, late), b.call("sqrt", spread)))
    agree(b, ulp=16)
    assert len(loops_of(b)) == 2


def test_guards_between_loops(small: None) -> None:
    b = Building()
    x = b.input(normal(80, 3))
    total = b.call("sum", b.call("exp", x), params=((-2, -1), False))
    b.graph.guard(b.call("greater", total, 0), bool, True)
    b.returns(b.call("log", b.call("multiply", b.call("exp", x), total)))
    agree(b, ulp=8)


@pytest.mark.parametrize("dtype", FLOATS)
def test_masks_and_looks(dtype: Any, small: None) -> None:
    with np.errstate(over="ignore", under="ignore"):
        values = np.resize(SPECIAL, (60, 5)).astype(dtype)
    b = Building()
    x = b.input(values)
    top = b.call("max", x, params=((-1,), True))
    ties = b.call("equal", x, top)
    count = b.call("sum", ties, params=((-1,), True))
    share = b.call("where", ties, b.call("exp", top), dtype(0))
    other = b.call("where", ties, dtype(0), b.call("negative", x))
    flat = b.call("reshape", share, params=((300,),))
    row, column = [b.call("reshape", flat, params=(s,)) for s in ((1, 300), (300, 1))]
    square = b.call("reshape", b.call("matmul", row, column), params=((),))
    b.returns(
        share,
        other,
        count,
        b.call("not_equal", square, square),
        b.call("astype", count, params=(np.dtype(dtype),)),
    )
    agree(b, ulp=4)


@pytest.mark.parametrize("layout", ["F", "strided", "backwards"])
def test_layouts_of_inputs(layout: str, small: None) -> None:
    values = normal(64, 4)
    given = {
        "F": np.asfortranarray(values),
        "strided": np.repeat(values, 2, 0)[::2],
        "backwards": values[::-1].copy()[::-1],
    }[layout]
    b = Building()
    x = b.input(given)
    y = b.call("exp", b.call("reshape", x, params=((64, 2, 2),)))
    part = b.call("getitem", y, params=((slice(None), 0),))
    b.returns(y, part, b.call("sin", part), x)
    agree(b, ulp=4)


@pytest.mark.parametrize("seed", range(60))
def test_random_programs(seed: int, small: None) -> None:
    """Rows, columns, sums and whatever else, in any order: as node by node."""
    rng = np.random.default_rng(seed)
    dtype, n, k = FLOATS[seed % 2], int(rng.choice([3, 24, 50])), int(rng.choice([1, 3, 24]))
    b = Building()
    shapes = [(n, k), (n, k), (k,), (n, 1), (n,), ()]
    pool = [b.input(0.5 * normal(*s, dtype=dtype, seed=seed + i)[()]) for i, s in enumerate(shapes)]
    for _ in range(30):
        x = pool[rng.integers(max(0, len(pool) - 14), len(pool))]
        node = _random_call(b, rng, x, pool, (n, k))
        if node is not None and np.all(np.isfinite(b.values[node])):
            pool.append(node)
    b.returns(*[pool[i] for i in rng.integers(len(shapes), len(pool), 6)])
    agree(b, ulp=4096)


def _random_call(b: Building, rng: Any, x: Any, pool: Any, shape: Any) -> Any:
    choice = rng.integers(8)
    matrix = len(x.shape) == 2
    if choice == 0 and matrix:
        return b.call("sum", x, params=(((-1,), (-2,), (-2, -1))[rng.integers(3)], bool(choice)))
    if choice == 1 and matrix:
        name = ("sum", "max")[rng.integers(2)]
        return b.call(name, x, params=(((-1,), (-2,))[rng.integers(2)], True))
    if choice == 2 and matrix:
        turned = b.call("transpose", x, params=((-1, -2),))
        rows = [p for p in pool if len(p.shape) == 2 and p.shape[0] == x.shape[0]]
        return b.call("multiply", b.call("matmul", turned, rows[rng.integers(len(rows))]), 0.01)
    if choice == 3 and matrix:
        return b.call("reshape", x, params=((x.shape[0] * x.shape[1],),))
    if choice == 4:
        return b.call(("tanh", "sin", "negative", "absolute")[rng.integers(4)], x)
    fits = [p for p in pool if _broadcast(p.shape, x.shape)]
    y = fits[rng.integers(len(fits))]
    if choice == 5:
        return b.call("where", b.call("less", x, y), x, y)
    return b.call(("add", "subtract", "multiply", "maximum")[rng.integers(4)], x, y)


def _broadcast(one: Any, other: Any) -> bool:
    try:
        return len(np.broadcast_shapes(one, other)) < 3
    except ValueError:
        return False


# Sums of everything, and what is computed where it is kept ----------------------------------------


def laid_out(values: Any, layout: str) -> Any:
    if layout == "C":
        return values
    return np.asfortranarray(values) if layout == "F" else np.repeat(values, 2, -1)[..., ::2]


@pytest.mark.parametrize("layout", ["C", "F", "strided"])
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    "shape", [(300_007,), (60_001, 5), (500, 700), (100, 3, 1100), (9, 40_000)]
)
def test_sums_of_everything(shape: Any, dtype: Any, layout: str) -> None:
    """To the exact sum's last digits: of entries, of products, of squares, of what is negated."""
    b = Building()
    x, y = [b.input(laid_out(normal(*shape, dtype=dtype, seed=i), layout)) for i in (0, 1)]
    wave, axes = b.call("sin", x), tuple(range(-len(shape), 0))
    terms = [wave, b.call("multiply", x, y), b.call("square", wave), b.call("negative", x)]
    b.returns(*[b.call("sum", term, params=(axes, False)) for term in terms])
    program = NumpyProgram(b.graph)
    values = [v.astype(np.float64) for v in b.inputs]
    sine = np.sin(b.inputs[0]).astype(np.float64)
    exact = [sine, values[0] * values[1], sine * sine, -values[0]]
    for found, terms in zip(program(*b.inputs), exact, strict=True):
        error = abs(float(found) - math.fsum(terms.ravel()))
        assert type(found) is dtype
        assert error <= 4 * np.finfo(dtype).eps * np.sum(np.abs(terms))
    assert len(folded_sums(b.graph.nodes, set(), lambda node: 1)) == 2


@pytest.mark.parametrize("dtype", FLOATS)
def test_infinities_and_nan_in_sums_of_everything(dtype: Any, small: None) -> None:
    for special in (np.inf, -np.inf, np.nan):
        for place in (0, 57, -1):
            b = Building()
            values = normal(61, 5, dtype=dtype)
            values.reshape(-1)[place] = special
            x = b.input(values)
            y = b.call("negative", b.call("absolute", x))
            b.returns(*[b.call("sum", z, params=((-2, -1), False)) for z in (x, y)], y)
            agree(b, ulp=64)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", [(103, 7), (103, 4, 9), (103, 1)])
@pytest.mark.parametrize("layout", ["C", "F", "strided"])
def test_largest_entries_of_rows(layout: str, shape: Any, dtype: Any, small: None) -> None:
    """Bit for bit, with NaN, infinities and zeros of both signs."""
    rng = np.random.default_rng(0)
    x = rng.choice(np.array([0.0, -0.0, -1.0, -np.inf, np.nan, 3.0]), shape).astype(dtype)
    x[:50] = np.minimum(x[:50], -np.abs(normal(50, *shape[1:])).astype(dtype).round(1))
    b = Building()
    node = b.input(laid_out(x, layout))
    for keepdims in (False, True):
        tops = [b.call(name, node, params=((-1,), keepdims)) for name in ("max", "min")]
    b.returns(*tops, b.call("subtract", node, tops[0]))
    agree(b)


def test_a_chain_is_computed_where_its_end_is_kept() -> None:
    b = Building()
    x = b.input(normal(1000, 300))
    e = b.call("exp", b.call("negative", x))
    share = b.call("divide", e, b.call("sum", e, params=((-1,), True)))
    b.returns(share, b.call("sum", b.call("multiply", share, x), params=((-2, -1), False)))
    agree(b, ulp=64)
    program = NumpyProgram(b.graph)
    (exp,) = re.findall(r"\bu\d+\((\w+), (\w+)\)\n", program.source)[1:2]
    assert exp[0] == exp[1]
    assert exp[0].startswith("o_")
    assert program.memory < 100_000


def test_what_is_needed_after_the_end_is_kept_apart() -> None:
    b = Building()
    x = b.input(normal(1000, 300))
    e = b.call("exp", x)
    wave = b.call("sin", e)
    other = b.call("multiply", e, wave)
    total = b.call("sum", b.call("cos", e), params=((-1,), False))
    b.returns(wave, other, total, b.call("add", other, other))
    agree(b, ulp=8)


def test_memory_of_blocks() -> None:
    """A long chain over a large array needs memory for a few blocks, not for its values."""
    b = Building()
    x = b.input(np.ones(1_000_000))
    for _ in range(20):
        x = b.call("sin", b.call("add", b.call("cos", x), x))
    b.returns(b.call("sum", x, params=((-1,), False)))
    assert NumpyProgram(rewritten(b.graph)).memory < 3_000_000


def test_the_same_bits_each_time() -> None:
    b = Building()
    x = b.call("exp", b.input(normal(100_003, dtype=np.float32)))
    b.returns(b.call("sum", b.call("multiply", x, x), params=((-1,), False)))
    program = NumpyProgram(rewritten(b.graph))
    assert len({float(program(*b.inputs)[0]) for _ in range(5)}) == 1
    assert "blocks of" in program.text()
