"""The NumPy engine's passes that are not made: gradients of largest entries, sums of products."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest

import gradtape as gt
from gradtape.programs.numpy_engine import NumpyProgram
from gradtape.programs.passes import BUFFERED, USUAL, folded_sums
from gradtape.programs.peaks import places_of
from tests.programs.graphs import Building, same_bits

FLOATS = [np.float32, np.float64]
#: Large enough for loops over blocks of rows; rows that words of 64 fill or not, more axes, and
#: fewer entries than several threads share.
SHAPES = [(401, 333), (512, 256), (40, 23, 157), (300, 301)]


def numbers(shape: Any, dtype: Any = np.float64, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def share(build: Building, x: Any, extremum: str = "max") -> Any:
    """The mask of the largest entries of rows, and what the gradient has there."""
    top = build.call(extremum, x, params=((-1,), True))
    mask = build.call("equal", x, top)
    count = build.call("sum", mask, params=((-1,), True))
    none = build.call("equal", count, 0)
    whole = build.call("where", none, np.nan, 1)
    each = build.call("divide", whole, build.call("where", none, 1, count))
    dtype = build.values[x].dtype
    values = build.call("multiply", top, build.call("astype", each, params=(dtype,)))
    either = build.call("bitwise_or", mask, none)
    zero = build.constant(dtype.type(0))
    zero.fixed = True
    return build.call("where", either, values, zero)


def checked(build: Building) -> None:
    """The same bits as node by node, in the form with places, and twice."""
    program = NumpyProgram(build.graph)
    assert re.search(r"\bp_\d+ = ", program.source)
    wanted = build.expected()
    for _ in range(2):
        for one, other in zip(program(*build.inputs), wanted, strict=True):
            assert same_bits(one, other)


def with_hard_rows(x: Any) -> Any:
    """Rows with ties, NaN, infinities, zeros of both signs, and all entries alike."""
    rows = x.reshape(-1, x.shape[-1])
    rows[1, [3, 70, 150]] = 9.0
    rows[2, 5] = np.nan
    rows[3] = np.nan
    rows[4, [0, -1]] = np.inf
    rows[5] = -np.inf
    rows[6] = -np.abs(rows[6])
    rows[6, [1, 2]] = 0.0, -0.0
    rows[7] = 2.5
    return x


# Largest entries ----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("extremum", ["max", "min"])
def test_what_is_added_at_the_places_of_largest_entries(extremum, shape, dtype) -> None:
    build = Building()
    x = build.input(with_hard_rows(numbers(shape, dtype)))
    rest = build.call("negative", build.call("exp", x))  # -0 where exp(x) is 0
    build.returns(build.call("add", rest, share(build, x, extremum)))
    checked(build)


@pytest.mark.parametrize("dtype", FLOATS)
def test_signs_of_zeros_stay_where_the_rest_has_none(dtype) -> None:
    x = with_hard_rows(numbers((401, 333), dtype))
    for name in ("exp", "square", "negative"):  # the last one does have some
        build = Building()
        node = build.input(x)
        rest = build.call(name, build.call("multiply", node, dtype(0)))
        build.returns(build.call("add", share(build, node), rest))
        checked(build)


def test_places_alone() -> None:
    build = Building()
    x = build.input(with_hard_rows(numbers((401, 333))))
    chosen = share(build, x)
    build.returns(chosen, build.call("multiply", chosen, chosen))
    checked(build)


def test_rest_that_is_needed_later_stays() -> None:
    build = Building()
    x = build.input(numbers((401, 333)))
    rest = build.call("exp", x)
    total = build.call("add", rest, share(build, x))
    build.returns(total, build.call("subtract", total, rest), rest)
    checked(build)


@pytest.mark.parametrize("order", [("a", "a"), ("a", "b"), ("b", "a", "b"), ("z", "c", "d", "z")])
@pytest.mark.parametrize("shape", SHAPES[:2])
def test_what_is_added_to_one_part_after_the_other(order, shape) -> None:
    build = Building()
    x, y = build.input(with_hard_rows(numbers(shape))), build.input(numbers(shape, seed=1))
    parts = {
        "a": build.call("multiply", x, y),
        "b": build.call("negative", build.call("square", y)),
        "c": build.call("maximum", x, y),
        "d": build.call("exp", x),
        "z": build.call("multiply", y, -0.0),
    }
    total = share(build, x)
    for name in order:
        total = build.call("add", total, parts[name])
    build.returns(total)
    checked(build)


def test_last_part_of_the_rest_in_the_memory_of_the_sum() -> None:
    build = Building()
    x = build.input(with_hard_rows(numbers((401, 333))))
    total = share(build, x)
    for name in ("exp", "sin", "arctan"):
        total = build.call("add", total, build.call(name, x))
    build.returns(build.call("sqrt", build.call("absolute", total)))
    checked(build)


def test_chosen_places_are_looked_up_in_the_loop_that_adds_to_them() -> None:
    def f(x):
        return np.sum(np.sqrt(1 + np.sum(x * x, axis=0))) + np.sum(np.exp(np.max(x, axis=1)))

    x = numbers((401, 333))
    step = gt.function(gt.value_and_grad(f), engine="numpy")
    value, gradient = step(x)
    assert math.isclose(value, f(x), rel_tol=1e-14)
    np.testing.assert_allclose(gradient, gt.grad(f)(x), rtol=1e-13, atol=1e-15)
    source = step.explain_trace().source
    assert len(re.findall(r"\bp_\d+ = ", source)) == 1
    assert re.search(r"\(\((\w+), \1, \), ", source)  # x·g twice, and no array of zeros beside


def test_mask_and_values_are_there_until_they_are_added() -> None:
    build = Building()
    x = build.input(with_hard_rows(numbers((401, 333))))
    chosen = share(build, x)
    less = build.call("less", x, 0.5)  # of the mask's size
    few = build.call("exp", build.call("min", x, params=((-1,), True)))  # of the values'
    rest = build.call("where", less, build.call("sin", x), few)
    build.returns(build.call("add", build.call("cos", rest), chosen))
    checked(build)


@pytest.mark.parametrize("value", [0.0, -0.0, np.nan])
def test_rows_whose_entries_are_all_alike(value) -> None:
    build = Building()
    x = build.input(np.full((401, 333), value))
    build.returns(build.call("add", build.call("cos", x), share(build, x)))
    checked(build)


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 640, 1000])
@pytest.mark.parametrize("count", [0, 1, 2, 7, 400])
def test_places_of_what_is_true(size, count) -> None:
    mask = np.zeros(size, bool)
    mask[np.random.default_rng(count).permutation(size)[:count]] = True
    wanted = [i for i in range(size) if mask[i]]
    assert places_of(mask).tolist() == wanted


@pytest.mark.parametrize("threads", [1, 3])
def test_log_sum_exp_is_that_of_the_plain_function(threads) -> None:
    def log_sum_exp(x):
        top = np.max(x, axis=1, keepdims=True)
        return np.sum(np.log(np.sum(np.exp(x - top), axis=1)) + top[:, 0])

    x = numbers((512, 300))
    x[3, [4, 5]] = 7.0
    gt.set_threads(threads)
    value, gradient = gt.function(gt.value_and_grad(log_sum_exp), engine="numpy")(x)
    gt.set_threads(None)
    softmax = np.exp(x - x.max(1, keepdims=True))
    softmax /= softmax.sum(1, keepdims=True)
    assert math.isclose(value, np.sum(np.log(np.sum(np.exp(x), 1))), rel_tol=1e-14)
    np.testing.assert_allclose(gradient, softmax, rtol=1e-12, atol=1e-15)


# Sums of products, and broadcast rows -------------------------------------------------------------


@pytest.mark.parametrize("dtype", FLOATS)
def test_sum_of_products_without_the_products(dtype) -> None:
    build = Building()
    x, y = build.input(numbers((401, 333), dtype)), build.input(numbers((401, 333), dtype, 1))
    wave = build.call("sin", x)
    dot = build.call("sum", build.call("multiply", wave, y), params=((-1,), False))
    less = build.call("sum", build.call("negative", wave), params=((-1,), False))
    build.returns(dot, less, build.call("add", wave, y))
    program = NumpyProgram(build.graph)
    results = program(*build.inputs)
    wave = np.sin(build.inputs[0])
    rows = zip(wave.astype(float), build.inputs[1].astype(float), strict=True)
    exact = [math.fsum(a * b) for a, b in rows]
    close = {"rtol": 0, "atol": 400 * np.finfo(dtype).eps}
    np.testing.assert_allclose(results[0], exact, **close)
    np.testing.assert_allclose(results[1], [-math.fsum(row) for row in wave.tolist()], **close)
    assert same_bits(results[2], wave + build.inputs[1])
    assert len(folded_sums(build.graph.nodes, set(), lambda node: 1)) == 2


def test_product_that_is_used_twice_is_there() -> None:
    build = Building()
    x = build.input(numbers((401, 333)))
    product = build.call("multiply", x, build.call("cos", x))
    total = build.call("sum", product, params=((-1,), False))
    build.returns(build.call("exp", product), total)
    results = NumpyProgram(build.graph)(*build.inputs)
    assert same_bits(results[0], build.expected()[0])
    np.testing.assert_allclose(results[1], build.expected()[1], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", FLOATS)
def test_long_rows_are_gone_through_one_by_one(dtype) -> None:
    build = Building()
    x, column = build.input(numbers((300, 700), dtype)), build.input(numbers((300, 1), dtype, 1))
    scaled = build.call("multiply", build.call("exp", x), column)
    largest = build.call("maximum", scaled, column)
    build.returns(build.call("subtract", largest, column), build.call("less", scaled, column))
    program = NumpyProgram(build.graph)
    assert f"({BUFFERED})" in program.source
    assert program.source.rfind(f"({USUAL})") > program.source.rfind(f"({BUFFERED})")
    before = np.getbufsize()
    for one, other in zip(program(*build.inputs), build.expected(), strict=True):
        assert same_bits(one, other)
    assert np.getbufsize() == before


# Numbers of single precision ----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["exp", "log", "log1p", "sqrt", "sin", "tan", "tanh", "arccos"])
def test_function_of_a_number_of_single_precision(name) -> None:
    @gt.function(engine="numpy")
    def run(x):
        with np.errstate(all="ignore"):
            return getattr(np, name)(x) * x

    hard = [0.0, -0.0, 1e-45, -1e-40, 0.75, -0.75, 1.0, 88.9, 3e38, np.inf, -np.inf, np.nan]
    for x in np.array(hard, np.float32):
        with np.errstate(all="ignore"):
            function = np.float32(getattr(np, name)(np.float64(x)))
            wanted = function * x
        result = run(x)
        assert type(result) is np.float32
        assert same_bits(result, wanted) or abs(result - wanted) <= 4 * np.spacing(abs(wanted))
