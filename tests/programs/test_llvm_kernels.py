"""The LLVM engine's kernels: what they store, how they add up, powers, several small products."""

from __future__ import annotations

import gc
import re
from typing import Any

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import gradtape as gt
from gradtape.programs.llvm import jit, kernels, mathematics_lanes, objects, recomputing
from gradtape.programs.llvm.engine import LlvmProgram
from gradtape.programs.llvm.steps import Loop, size_of
from gradtape.programs.rewrites.looks import holds_nan
from tests.programs.graphs import Building
from tests.programs.llvm_programs import agree, random_program

FLOATS = [np.float32, np.float64]

pytestmark = pytest.mark.skipif(not objects.available(), reason="objects look different here")


def numbers(shape: Any, dtype: Any = np.float64, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


# What is stored -----------------------------------------------------------------------------------


def softmax(rows: int, columns: int, dtype: Any) -> tuple[Building, Any]:
    """exp(x - max)/sum with a mask of where the maximum is: two passes read what others know."""
    build = Building()
    x = build.input(numbers((rows, columns), dtype))
    largest = build.call("max", x, params=((-1,), True))
    e = build.call("exp", build.call("subtract", x, largest))
    total = build.call("sum", e, params=((-1,), True))
    share = build.call("multiply", e, build.call("reciprocal", total))
    rest = build.call("sum", build.call("negative", share), params=((-1,), True))
    at = build.call("equal", x, largest)
    count = build.call("sum", at, params=((-1,), True))
    chosen = build.call("where", at, rest, 0.0)
    out = build.call("add", share, chosen)
    build.returns(out, count, build.call(holds_nan, out))
    return build, e


@pytest.mark.parametrize("shape", [(5, 33), (40, 1000), (2000, 129)], ids=str)
@pytest.mark.parametrize("dtype", FLOATS)
def test_what_is_cheap_is_computed_again(shape, dtype):
    build, e = softmax(*shape, dtype)
    plan = kernels.planned(build.graph)
    assert [n for n in plan.memory if n.shape == shape] == [e, build.graph.outputs[0]]
    agree(build, ulp=32)


def test_a_long_function_is_computed_once():
    build = Building()
    x = build.input(numbers((30, 40)))
    e = build.call("exp", x)
    total = build.call("sum", e, params=((-1,), True))
    build.returns(build.call("multiply", e, total))
    loops = [s for s in kernels.planned(build.graph).steps if type(s) is Loop]
    assert [e in loop.nodes for loop in loops] == [True, False]
    agree(build)


def test_a_loop_that_nothing_is_left_in_is_gone():
    build = Building()
    x, y = build.input(numbers((30, 40, 7))), build.input(numbers((40, 1)))
    part = build.call("subtract", x, y)  # before the scale is known
    scale = build.call("exp", build.call("sum", y, params=((-2, -1), False)))
    top = build.call("max", x, params=((-1,), True))
    build.returns(build.call("multiply", build.call("multiply", part, scale), top))
    plan = kernels.planned(build.graph)
    assert part not in plan.memory
    homes = [step for step in plan.steps if part in step.results()]
    assert homes == [step for step in plan.steps if build.graph.outputs[0] in step.results()]
    agree(build)


@pytest.mark.parametrize("seed", range(300, 330))
def test_random_programs_that_store_as_little_as_they_can(seed, monkeypatch):
    for name in ("SHORT", "DIVISION", "LONG"):
        monkeypatch.setattr(recomputing, name, 0.0)
    monkeypatch.setattr(recomputing, "STORE", 50.0)
    build = random_program(seed, length=25)
    plan = kernels.planned(build.graph)
    homes = [n for s in plan.steps if type(s) is Loop for n in s.nodes]
    assert all([homes.count(n) == 1 for n in plan.memory if n in homes and size_of(n) > 1])
    agree(build, ulp=64, native=False)


# How it is added up -------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [100, 1000, 4097, 300_000])
def test_sums_of_single_precision_keep_their_digits(length):
    values = np.full((3, length), 0.1, np.float32)  # each sum of some is off in the same direction
    values[1] += np.random.default_rng(0).random(length, np.float32)
    build = Building()
    build.returns(build.call("sum", build.input(values), params=((-1,), False)))
    (found,) = LlvmProgram(build.graph)(values)
    exact = np.sum(values.astype(np.float64), -1)
    assert np.all(np.abs(found - exact) <= 4 * np.spacing(exact.astype(np.float32)))


@pytest.mark.parametrize("shape", [(3, 7), (3, 1000), (2, 70_000), (5, 3, 31)], ids=str)
def test_true_values_are_counted(shape):
    build = Building()
    x = build.input(numbers(shape))
    for axes in [(-1,), (-2,), tuple(range(-len(shape), 0))]:
        some = build.call("sum", build.call("greater", x, 0.5), params=(axes, False))
        every = build.call("sum", build.call("less", x, 1e3), params=(axes, False))
        build.graph.outputs += [some, every]
    build.returns(*build.graph.outputs)
    agree(build, ulp=0)


@pytest.mark.parametrize("how", ["max", "min"])
@pytest.mark.parametrize("length", [5, 16, 40, 333])
def test_nan_anywhere_is_found(length, how):
    values = numbers((length, length))
    np.fill_diagonal(values, np.nan)  # in each row at another place
    values[0, 0] = 1.0
    build = Building()
    x = build.input(values)
    build.returns(*[build.call(how, x, params=(axes, False)) for axes in [(-1,), (-2,)]])
    agree(build, ulp=0)


@pytest.mark.parametrize(
    "shape", [(40, 7), (300, 30), (33, 64), (6, 50, 10), (7, 3, 20, 9)], ids=str
)
@pytest.mark.parametrize("dtype", FLOATS)
def test_columns_of_short_rows(shape, dtype):
    build = Building()
    x, w = build.input(numbers(shape, dtype)), build.input(numbers(shape[-1:], dtype, 1))
    y = build.call("multiply", x, w)
    hows = ["sum", "mean", "max"]
    outs = [build.call(h, y, params=((axis,), False)) for h in hows for axis in (-2, -len(shape))]
    build.returns(y, *outs, build.call("sum", y, params=((-1,), False)))
    agree(build, ulp=32)


def test_the_axis_of_sums_is_walked_over_last():
    build = Building()
    x, m = build.input(numbers((25, 1, 10))), build.input(numbers((1, 50, 10), seed=1))
    d = build.call("subtract", x, m)
    row = build.call("sum", build.call("square", d), params=((-1,), True))
    build.returns(build.call("sum", build.call("multiply", d, row), params=((-3,), False)))
    source = agree(build).source
    # Of the two vectors of a row the sums are in registers, as long as it takes.
    assert len(re.findall(r"phi +<8 x double>", source)) == 2


# Powers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("exponent", [2.5, -2, -3, -4, 3, 4, 7, -0.3, 0, 10**30])
@pytest.mark.parametrize("dtype", FLOATS)
def test_powers_with_numbers(exponent, dtype):
    build = Building()
    x = build.input(np.abs(numbers((3, 33), dtype)) + dtype(0.01))
    build.returns(
        build.call("raised", x, params=(exponent,)), build.call("exponential", x, params=(1.7,))
    )
    agree(build, ulp=4)


def test_powers_with_numbers_of_one_number():
    build = Building()
    x = build.input(np.float64(1.3))
    names = [("raised", 2.5), ("raised", 1.5), ("raised", -3), ("exponential", 2.0)]
    build.returns(*[build.call(name, x, params=(number,)) for name, number in names])
    agree(build, ulp=4)


@pytest.mark.parametrize("exponent", [-2, -3, -4])
@pytest.mark.parametrize("dtype", FLOATS)
def test_powers_at_the_ends_of_the_range(exponent, dtype):
    info = np.finfo(dtype)
    scales = np.linspace(float(info.minexp) - 20, float(info.maxexp) - 1, 500)
    x = (1.3 * 2.0 ** np.clip(scales / -exponent * 1.02, info.minexp, info.maxexp - 1)).astype(
        dtype
    )
    build = Building()
    build.returns(build.call("raised", build.input(x), params=(exponent,)))
    with np.errstate(all="ignore"):
        (found,) = LlvmProgram(build.graph)(x)
        exact = x.astype(np.longdouble) ** exponent
        wanted = exact.astype(dtype)
        assert np.array_equal(np.isfinite(found), np.isfinite(wanted))
        fine = np.isfinite(wanted)
        assert np.all(np.abs(found - exact)[fine] <= 3 * np.spacing(wanted[fine]))


def test_powers_that_are_left_to_numpy():
    build = Building()
    x = build.input(numbers((4,)))
    build.returns(build.call("raised", x, params=(2 + 1j,)))
    assert not LlvmProgram(build.graph).parts[0].native


# Several small products ---------------------------------------------------------------------------

PRODUCTS = [
    ((5, 3, 4), (5, 4, 2)),
    ((5, 3, 4), (4, 2)),
    ((3, 4), (5, 4, 2)),
    ((2, 5, 3, 4), (5, 4, 1)),
    ((2, 1, 3, 4), (1, 5, 4, 9)),
    ((7, 1, 4), (7, 4, 1)),
    ((7, 3, 1), (7, 1, 3)),
    ((6, 17, 33), (6, 33, 18)),
    ((1, 3, 4), (1, 4, 2)),
    ((4, 1, 1), (4, 1, 1)),
    ((1, 1, 5), (1, 5, 1)),
]


@pytest.mark.parametrize(("left", "right"), PRODUCTS, ids=str)
@pytest.mark.parametrize("turned", [(False, False), (True, False), (False, True), (True, True)])
@pytest.mark.parametrize("dtype", FLOATS)
def test_several_products(left, right, turned, dtype):
    build = Building()
    operands = []
    for shape, turn, seed in zip((left, right), turned, (0, 1), strict=True):
        given = (*shape[:-2], shape[-1], shape[-2]) if turn else shape
        x = build.input(numbers(given, dtype, seed))
        axes = (*range(-len(shape), -2), -1, -2)
        operands.append(build.call("transpose", x, params=(axes,)) if turn else x)
    product = build.call("matmul", *operands)
    build.returns(product, build.call("tanh", product))
    agree(build, ulp=32)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((3, 700, 10), (3, 10, 10)),
        ((2, 10, 3000), (2, 3000, 10)),
        ((3, 20, 1500), (1500, 3)),
        ((2, 3, 9000), (2, 9000, 1)),
    ],
    ids=str,
)
@pytest.mark.parametrize("turned", [False, True])
def test_slim_ones_of_several(left, right, turned):
    build = Building()
    shape = (*left[:-2], left[-1], left[-2]) if turned else left
    x, y = build.input(numbers(shape)), build.input(numbers(right, seed=1))
    x = build.call("transpose", x, params=((-3, -1, -2),)) if turned else x
    build.returns(build.call("matmul", x, y))
    agree(build, ulp=256)


@pytest.mark.parametrize("shapes", [((3, 50_000), (50_000, 5)), ((2, 2, 50_001), (2, 50_001, 1))])
def test_products_of_single_precision_keep_their_digits(shapes):
    x, y = (np.abs(numbers(shape, np.float32, seed)) for seed, shape in enumerate(shapes))
    build = Building()
    build.returns(build.call("matmul", build.input(x), build.input(y)))
    program = LlvmProgram(build.graph)
    assert program.parts[0].native
    (found,) = program(x, y)
    exact = np.matmul(x.astype(np.float64), y.astype(np.float64))
    assert np.all(np.abs(found - exact) <= 16 * np.spacing(exact.astype(np.float32)))


def test_large_ones_of_several_are_left_to_blas():
    build = Building()
    x = build.input(numbers((3, 40, 40)))
    build.returns(build.call("matmul", x, x))
    assert not LlvmProgram(build.graph).parts[0].native


# Large products -----------------------------------------------------------------------------------

LARGE = [(90, 300, 130), (64, 257, 129), (200, 1500, 70), (70, 129, 520), (257, 300, 9)]


@pytest.mark.parametrize(("m", "k", "n"), LARGE, ids=str)
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("dtype", FLOATS)
def test_large_products(m, k, n, turned, dtype):
    build = Building()
    x, y = build.input(numbers((k, m) if turned else (m, k), dtype)), numbers((k, n), dtype, 1)
    x = build.call("transpose", x, params=((-1, -2),)) if turned else x
    product = build.call("matmul", x, build.input(y))
    build.returns(product, build.call("sum", product, params=((-2,), False)))
    program = agree(build, ulp=1000, native=mathematics_lanes.has_wide_registers())
    results = []
    for threads in (1, 2, 3):
        gt.set_threads(threads)
        results.append(program(*build.inputs))
    gt.set_threads(None)
    assert all(np.array_equal(a, b) for r in results for a, b in zip(r, results[0], strict=True))


@pytest.mark.parametrize("wide", [True, False])
def test_what_is_left_to_blas(wide, monkeypatch):
    monkeypatch.setattr(kernels, "has_wide_registers", lambda: wide)

    def native(left, right, *, turned=False):
        build = Building()
        x, y = build.input(np.zeros(left)), build.input(np.zeros(right))
        y = build.call("transpose", y, params=((-1, -2),)) if turned else y
        return kernels.is_native(build.call("matmul", x, y))

    assert native((64, 64), (64, 64))
    assert native((300, 200), (200, 100)) == wide
    assert native((1000, 100), (80, 100), turned=True) == wide  # copying it costs nothing
    assert not native((1000, 200), (200, 200), turned=True)
    assert not native((1000, 1000), (1000, 1))
    assert not native((1, 1000), (1000, 1000))
    assert not native((100, 5000), (5000, 100))
    assert not native((800, 800), (800, 800))


def test_rows_are_not_multiplied_with_large_matrices_block_by_block():
    build = Building()
    x, y = build.input(numbers((2000, 200), seed=1)), build.input(numbers((200, 150), seed=2))
    hidden = build.call("tanh", build.call("matmul", build.call("square", x), y))
    build.returns(build.call("sum", hidden, params=((-1,), False)))
    program = agree(build, ulp=1000, native=mathematics_lanes.has_wide_registers())
    if mathematics_lanes.has_wide_registers():
        (names,) = [p.kernels for p in program.parts]
        (text,) = [text for node, text in names.items() if node.name == "matmul"]
        assert re.fullmatch(r"product \d+, \d+ pieces", text)


# Zeros beside entries -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "index"),
    [
        ((50,), (slice(3, 40),)),
        ((50,), (slice(20, None),)),
        ((50,), (slice(None, 30),)),
        ((50,), (slice(None, None, -1),)),
        ((50,), (slice(1, None, 3),)),
        ((7, 9), (slice(2, 5),)),
        ((7, 9), (slice(2, 5), slice(1, None))),
        ((7, 9), (3,)),
        ((7, 9), (slice(None), 4)),
        ((2, 7, 9), (1, slice(3, None))),
    ],
    ids=str,
)
def test_zeros_beside_entries(shape, index):
    build = Building()
    x = build.input(numbers(np.empty(shape)[index].shape))
    build.returns(build.call("embed", x, params=(shape, index)))
    program = agree(build)
    results = [program(*build.inputs) for _ in range(3)]
    for (result,) in results:  # the next one's memory, unless all of it is written
        result.fill(np.nan)
    del results, result
    (found,) = program(*build.inputs)
    assert np.count_nonzero(found) == build.inputs[0].size
    assert not np.any(np.isnan(found))


# What programs share ------------------------------------------------------------------------------


def test_large_angles_are_reduced_by_what_all_programs_share():
    x = np.array([1e5, 1e22, -1e300, 0.5] * 20)
    jit._shared.cache_clear()
    found = []
    for name in ("sin", "cos", "sin"):
        build = Building()
        build.returns(build.call("add", build.call(name, build.input(x)), 1.0))
        (value,) = LlvmProgram(build.graph)(x)
        found.append((value, getattr(np, name)(x) + 1.0))
        gc.collect()
    for value, wanted in found:
        np.testing.assert_allclose(value, wanted, rtol=1e-14)
    assert jit._shared.cache_info().currsize == 3  # and the sine and the cosine
