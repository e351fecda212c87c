"""The LLVM engine's kernels: what they store, how they add up, powers, several small products."""

from __future__ import annotations

import gc
import re
from typing import Any

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from gradtape.programs.llvm import jit, kernels, objects, recomputing
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


def test_large_ones_of_several_are_left_to_blas():
    build = Building()
    x = build.input(numbers((3, 40, 40)))
    build.returns(build.call("matmul", x, x))
    assert not LlvmProgram(build.graph).parts[0].native


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
    assert jit._shared.cache_info().currsize == 1
