"""The LLVM engine gives what the graph says, in new arrays, whatever it is called with."""

from __future__ import annotations

import gc
import itertools
import sys
import threading
from typing import Any

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from gradtape.programs.graph import Opaque
from gradtape.programs.llvm import blocks, kernels, objects
from gradtape.programs.llvm.engine import LlvmProgram
from gradtape.programs.numpy_engine import GuardFailed
from gradtape.programs.rewrites.looks import holds_nan
from tests.programs.graphs import SPECIAL, Building
from tests.programs.llvm_programs import agree, close, random_program

FLOATS = [np.float32, np.float64]
SIZES = [2, 3, 7, 8, 9, 16, 17, 30, 33, 100]

pytestmark = pytest.mark.skipif(not objects.available(), reason="objects look different here")


def numbers(shape: Any, dtype: Any = np.float64, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


# Numbers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "x", [2.0, np.float64(2.0), np.float32(2.0), 3, True, np.True_, np.int64(4)]
)
def test_numbers_keep_their_types(x):
    build = Building()
    node = build.input(x)
    build.returns(node, build.call("multiply", node, 1.5), build.call("greater", node, 1))
    agree(build, ulp=0)


def test_numbers_and_arrays_of_one_entry():
    build = Building()
    x, y, z = [build.input(numbers(shape)) for shape in [(1,), (1, 1), (3,)]]
    total = build.call("multiply", build.call("reshape", y, params=((),)), x)
    build.returns(total, build.call("add", total, z), build.call("sum", y, params=((-1,), True)), y)
    agree(build, ulp=1)


@pytest.mark.parametrize("seen", [True, False])
def test_guards_of_truth(seen):
    build = Building()
    x = build.input(1.0 if seen else -1.0)
    mask = build.call("greater", x, 0.0)
    build.graph.guard(mask, bool, seen)
    build.returns(build.call("multiply", x, 3.0))
    program = agree(build, ulp=0)
    assert program(2.0 if seen else -2.0) == (6.0 if seen else -6.0,)
    with pytest.raises(GuardFailed):
        program(-2.0 if seen else 2.0)


@pytest.mark.parametrize(
    ("look", "x", "same", "other"),
    [
        (float, 1.5, 1.5, 1.25),
        (float, np.nan, np.nan, 1.0),
        (int, 2.75, 2.5, 3.0),
        (int, -0.5, 0.5, -1.0),
        (round, 2.25, 1.75, 3.0),
    ],
)
def test_guards_of_what_python_saw(look, x, same, other):
    build = Building()
    node = build.input(x)
    build.graph.guard(node, look, look(x))
    build.returns(build.call("add", node, 1.0))
    program = LlvmProgram(build.graph)
    np.testing.assert_equal(program(same), (same + 1.0,))
    with pytest.raises(GuardFailed):
        program(other)


def test_a_number_that_is_too_large_for_native_code():
    build = Building()
    x = build.input(3)
    build.returns(build.call("multiply", x, 0.5))
    program = agree(build, ulp=0)
    assert program(2**70) == (2**69,)


# Entry by entry -----------------------------------------------------------------------------------

ELEMENTWISE = {
    1: "negative absolute square reciprocal sqrt floor ceil trunc rint sign exp log log1p expm1 "
    "sin cos tan tanh sinh cosh isnan isfinite isinf sech_squared logistic one_minus_square relu",
    2: "add subtract multiply divide maximum minimum fmax fmin copysign less less_equal greater "
    "greater_equal equal not_equal",
}


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    ("arity", "name"), [(n, name) for n, names in ELEMENTWISE.items() for name in names.split()]
)
def test_elementwise_functions(arity, name, dtype):
    for values in (numbers(33, dtype), SPECIAL.astype(dtype)):
        build = Building()
        inputs = [build.input(np.roll(values, 3 * i)) for i in range(arity)]
        build.returns(build.call(name, *inputs))
        agree(build, ulp=4)


@pytest.mark.parametrize("name", ["bitwise_and", "bitwise_or", "bitwise_xor", "add", "multiply"])
@pytest.mark.parametrize("dtype", [bool, np.int64])
def test_whole_numbers_and_truth_values(name, dtype):
    build = Building()
    x, y = [
        build.input(np.arange(33) % n > 1 if dtype is bool else np.arange(33) % n - 2)
        for n in (3, 5)
    ]
    total = build.call("sum", build.call(name, x, y), params=((-1,), False))
    build.returns(build.call(name, x, y), total, build.call("multiply", x, 0.5))
    agree(build, ulp=0)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dtype", FLOATS)
def test_sizes(size, dtype):
    build = Building()
    x = build.input(numbers(size, dtype))
    y = build.call("exp", x)
    z = build.call("multiply", build.call("add", y, 1), x)
    build.returns(z, build.call("greater", z, 0), build.call("sum", z, params=((-1,), False)))
    agree(build, ulp=4)


@pytest.mark.parametrize(
    "shapes",
    [
        [(4, 5), (5,)],
        [(4, 5), (4, 1)],
        [(4, 1), (1, 5)],
        [(3, 4, 5), (4, 1)],
        [(3, 1, 5), (1, 4, 1)],
        [(17, 33), (33,), (17, 1)],
        [(100, 5), (5,)],
        [(2, 3, 4, 5), (3, 1, 5), (1,)],
    ],
    ids=str,
)
def test_broadcasting(shapes):
    build = Building()
    first, *rest = [build.input(numbers(shape, seed=i)) for i, shape in enumerate(shapes)]
    for other in rest:
        first = build.call("multiply", build.call("add", first, other), other)
    build.returns(first, build.call("sum", first, params=((-2,), False)))
    agree(build, ulp=8)


def test_kinds_of_numbers_together():
    build = Building()
    x, y = build.input(numbers(21, np.float32)), build.input(numbers(21))
    n, mask = build.input(np.arange(21)), build.input(np.arange(21) % 2 == 0)
    total = build.call("add", build.call("multiply", x, mask), build.call("divide", n, 3))
    chosen = build.call("where", mask, total, y)
    build.returns(total, chosen, build.call("astype", chosen, params=(np.dtype(np.float32),)))
    agree(build, ulp=1)


# Reductions ---------------------------------------------------------------------------------------

REDUCED = [
    (shape, axes)
    for shape in [(33,), (4, 5), (33, 17), (3, 4, 5), (2, 3, 4, 5)]
    for count in range(1, len(shape) + 1)
    for axes in itertools.combinations(range(-len(shape), 0), count)
]


@pytest.mark.parametrize(("shape", "axes"), REDUCED, ids=str)
@pytest.mark.parametrize("dtype", FLOATS)
def test_reductions(shape, axes, dtype):
    build = Building()
    x = build.input(numbers(shape, dtype))
    y = build.call("multiply", x, 2)
    hows = ["sum", "mean", "max", "min"]
    build.returns(*[build.call(how, y, params=(axes, how == "max")) for how in hows])
    agree(build, ulp=8)


@pytest.mark.parametrize("axes", [(-1,), (-2,), (-2, -1)], ids=str)
def test_products_of_entries(axes):
    build = Building()
    x = build.input(numbers((9, 17)))
    build.returns(build.call("prod", x, params=(axes, False)))
    agree(build, ulp=200)


@pytest.mark.parametrize("how", ["max", "min"])
def test_the_largest_of_nan_is_nan(how):
    build = Building()
    values = numbers((4, 33))
    values[1, 5] = np.nan
    values[2, 0] = np.inf
    x = build.input(values)
    build.returns(*[build.call(how, x, params=(axes, False)) for axes in [(-1,), (-2,), (-2, -1)]])
    agree(build, ulp=0)


@pytest.mark.parametrize("dtype", FLOATS)
def test_long_sums_are_exact_to_the_last_digits(dtype):
    values = np.random.default_rng(0).random(300_001).astype(dtype)
    build = Building()
    x = build.input(values)
    build.returns(build.call("sum", x, params=((-1,), False)))
    (found,) = LlvmProgram(build.graph)(values)
    exact = np.sum(values.astype(np.longdouble))
    assert abs(found - exact) <= 2 * np.spacing(dtype(exact))


# Views, placements, products ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "index",
    [
        (slice(1, None),),
        (slice(None, None, 2),),
        (slice(None, None, -1),),
        (slice(None), slice(4, 1, -1)),
        (2,),
        (..., 3),
        (None, slice(2)),
        (slice(3, 4), slice(2, 3)),
        (1, 2),
    ],
    ids=str,
)
def test_slices_and_their_transposes(index):
    build = Building()
    x = build.input(numbers((6, 7)))
    y = build.call("square", x)
    part = build.call("getitem", y, params=(index,))
    twice = build.call("multiply", part, 2.0)
    results = [part, twice]
    if part.shape:
        results.append(build.call("embed", twice, params=((6, 7), index)))
    build.returns(*results)
    agree(build, ulp=1)


def test_views_of_views():
    build = Building()
    x = build.input(numbers((4, 6)))
    y = build.call("transpose", x, params=((-1, -2),))
    z = build.call("reshape", y, params=((4, 6),))  # a copy
    w = build.call("reshape", x, params=((2, 2, 6),))
    v = build.call("transpose", w, params=((-2, -1, -3),))
    u = build.call("getitem", v, params=((slice(None, None, -1), slice(2)),))
    build.returns(y, z, w, v, u, build.call("exp", u), build.call("sum", v, params=((-2,), False)))
    agree(build, ulp=4)


def test_broadcast_views():
    build = Building()
    x = build.input(numbers((4, 1)))
    y = build.call("broadcast", x, params=((3, 4, 5),))
    one = build.call("broadcast", build.input(np.float64(2.5)), params=((3, 4, 5),))
    build.returns(y, one, build.call("multiply", y, one), build.call("exp", y))
    agree(build, ulp=4)


@pytest.mark.parametrize("axis", [-1, -2])
def test_concatenation(axis):
    build = Building()
    x = build.input(numbers((3, 3)))
    y = build.call("transpose", build.call("exp", x), params=((-1, -2),))
    build.returns(build.call("concatenate", x, y, build.call("negative", x), params=(axis,)))
    agree(build, ulp=4)


@pytest.mark.parametrize("lengths", list(itertools.product([1, 2, 9, 33], repeat=3)), ids=str)
@pytest.mark.parametrize("turned", list(itertools.product([False, True], repeat=2)), ids=str)
def test_products_of_matrices(lengths, turned):
    m, k, n = lengths
    if m * k == 1 or k * n == 1:
        pytest.skip("a number")
    build = Building()
    operands = []
    for shape, turn in zip([(m, k), (k, n)], turned, strict=True):
        x = build.input(numbers(shape[::-1] if turn else shape, seed=len(operands)))
        operands.append(build.call("transpose", x, params=((-1, -2),)) if turn else x)
    product = build.call("matmul", *operands)
    build.returns(product, build.call("add", product, 1.0))
    agree(build, ulp=k + 4)


# What it is called with ---------------------------------------------------------------------------


class Subclass(np.ndarray):
    pass


def odd_arrays(x: Any) -> dict[str, Any]:
    n = x.size
    bytes_ = np.zeros(x.nbytes + 1, np.uint8)
    misaligned = bytes_[1:].view(x.dtype)[:n].reshape(x.shape)
    misaligned[...] = x
    spread = np.zeros((*x.shape, 3), x.dtype)
    spread[..., 1] = x
    frozen = x.copy()
    frozen.flags.writeable = False
    return {
        "strided": spread[..., 1],
        "reversed": np.ascontiguousarray(x[::-1])[::-1],
        "in Fortran's order": np.asfortranarray(x),
        "read-only": frozen,
        "misaligned": misaligned,
        "of a subclass": x.copy().view(Subclass),
        "in the other byte order": x.astype(x.dtype.newbyteorder()),
    }


@pytest.mark.parametrize("kind", list(odd_arrays(np.zeros((2, 3)))))
@pytest.mark.parametrize("shape", [(7,), (5, 6)], ids=str)
def test_odd_arrays(kind, shape):
    build = Building()
    x = build.input(numbers(shape))
    build.returns(build.call("exp", x), build.call("sum", x, params=((-1,), False)))
    program = agree(build)
    odd = odd_arrays(build.inputs[0])[kind]
    expected = build.expected()
    for found, right in zip(program(odd), expected, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-14)


@pytest.mark.parametrize(
    "wrong",
    [
        (),
        (np.zeros(5), 1.0, 2.0),
        (None, 1.0),
        ("text", 1.0),
        (object(), object()),
        (np.zeros(5, np.float32), 1.0),
        (np.zeros(5, complex), 1.0),
        (np.zeros(5), np.zeros(5)),
        (np.zeros(5, object), 1.0),
        ([0.0] * 5, "1"),
    ],
    ids=lambda wrong: ", ".join([type(w).__name__ for w in wrong]),
)
def test_wrong_arguments_raise_or_are_computed_by_numpy(wrong):
    build = Building()
    x, y = build.input(np.ones(5)), build.input(2.0)
    build.returns(build.call("multiply", x, y))
    program = agree(build, ulp=0)
    arrays = [a for a in wrong if isinstance(a, np.ndarray)]
    before = [sys.getrefcount(a) for a in arrays]
    for _ in range(20):
        try:
            program(*wrong)
        except Exception as error:  # whatever NumPy says
            del error
    gc.collect()
    assert [sys.getrefcount(a) for a in arrays] == before


@pytest.mark.parametrize("shape", [(0,), (3, 0), (4,), (6,), (5, 1), ()], ids=str)
def test_wrong_shapes_are_never_read_out_of_bounds(shape):
    build = Building()
    x = build.input(np.ones(5))
    build.returns(build.call("exp", x))
    program = agree(build)
    (found,) = program(np.zeros(shape))
    np.testing.assert_allclose(found, np.ones(shape))


def test_arrays_without_axes_are_numbers():
    build = Building()
    x = build.input(np.float64(2.0))
    build.returns(build.call("exp", x))
    program = agree(build, ulp=0)
    assert program(np.array(2.0)) == program(np.float64(2.0))


def test_constants_are_read_anew():
    build = Building()
    weights = numbers((4, 5))
    x = build.input(numbers(5))
    build.returns(build.call("multiply", x, weights))
    program = agree(build, ulp=0)
    weights[1] = 7.0
    np.testing.assert_array_equal(program(build.inputs[0])[0][1], 7.0 * build.inputs[0])
    with pytest.raises(ValueError, match="referenced"):
        weights.resize(2)


@pytest.mark.parametrize("lies", ["broadcast", "Fortran's", "reversed", "misaligned", "spread"])
def test_constants_in_any_memory(lies):
    values = numbers((5, 6))
    arrays = {
        "broadcast": np.broadcast_to(numbers((5, 1)), (5, 6)),
        "Fortran's": np.asfortranarray(values),
        "reversed": values[::-1, ::-1],
        "misaligned": odd_arrays(values)["misaligned"],
        "spread": np.repeat(np.repeat(values, 2, 0), 3, 1)[::2, ::3],
    }
    build = Building()
    x = build.input(numbers((5, 6), seed=1))
    c = build.constant(arrays[lies])
    turned = build.call("transpose", c, params=((-1, -2),))
    total = build.call("add", x, c)
    build.returns(total, c, turned, build.call("sum", turned, params=((-1,), False)))
    agree(build, native=False)


# Programs with NumPy in between -------------------------------------------------------------------


def test_numpy_in_between():
    build = Building()
    x = build.input(numbers((6, 6)))
    y = build.call("exp", x)
    sorted_ = build.call(Opaque(np.sort, lambda inputs: (inputs, {})), y)
    turned = build.call("transpose", sorted_, params=((-1, -2),))
    product = build.call("matmul", y, turned)
    more = build.call(Opaque(np.cumsum, lambda inputs: (inputs, {})), turned)
    total = build.call("sum", build.call("multiply", product, sorted_), params=((-2, -1), False))
    build.graph.guard(build.call("greater", total, 0.0), bool, bool(build.values[total] > 0))
    build.returns(total, turned, build.call("square", more), y)
    program = agree(build, native=False)
    assert {part.native for part in program.parts} == {True, False}
    for _ in range(3):
        x = -abs(build.inputs[0]) * 1e3
        try:
            found = program(x)
        except GuardFailed:
            continue
        for f, e in zip(found, build.expected([x]), strict=True):
            assert close(f, e)


def test_large_products_are_left_to_blas(monkeypatch):
    monkeypatch.setattr(kernels, "has_wide_registers", lambda: False)
    build = Building()
    x, y = build.input(numbers((200, 300))), build.input(numbers((300, 100)))
    product = build.call("matmul", build.call("tanh", x), y)
    build.returns(build.call("tanh", product), build.call("sum", product, params=((-2,), False)))
    program = agree(build, ulp=400, native=False)
    assert [part.native for part in program.parts] == [True, False, True]


@pytest.mark.parametrize("dtype", [np.float16, np.complex128, np.int32, np.longdouble])
def test_other_dtypes_run_on_numpy(dtype):
    build = Building()
    x = build.input(np.arange(1, 6).astype(dtype))
    build.returns(build.call("add", build.call("multiply", x, x), x))
    program = agree(build, ulp=1, native=False)
    assert not any([part.native for part in program.parts])


def test_empty_arrays_run_on_numpy():
    build = Building()
    x = build.input(np.zeros((0, 3)))
    y = build.call("exp", x)
    build.returns(y, build.call("sum", y, params=((-2,), False)))
    agree(build, native=False)


# Random programs, threads, memory -----------------------------------------------------------------


@pytest.mark.parametrize("seed", range(60))
def test_random_programs(seed):
    with np.errstate(all="ignore"):
        agree(random_program(seed), ulp=256, native=False)


@pytest.mark.parametrize("seed", range(100, 140))
def test_random_programs_with_numpy_in_between(seed):
    with np.errstate(all="ignore"):
        agree(random_program(seed, with_numpy=True), ulp=256, native=False)


@pytest.mark.parametrize("seed", range(200, 240))
def test_random_programs_block_by_block(seed, monkeypatch):
    monkeypatch.setattr(blocks, "LARGE", 0)
    monkeypatch.setattr(blocks, "LEAST_ROWS", 1)
    monkeypatch.setattr(blocks, "NEAR", 1 << seed % 10)
    with np.errstate(all="ignore"):
        agree(random_program(seed), ulp=256, native=False)


@pytest.mark.parametrize("rows", [5000, 4999])
@pytest.mark.parametrize("dtype", FLOATS)
def test_a_network_block_by_block(rows, dtype):
    build = Building()
    x, w, v = [
        build.input(numbers(s, dtype, i)) for i, s in enumerate([(rows, 8), (8, 30), (30, 1)])
    ]
    h = build.call("maximum", build.call("matmul", x, w), 0)
    out = build.call("matmul", h, v)
    loss = build.call("mean", build.call("square", out), params=((-2, -1), False))
    turned = [build.call("transpose", a, params=((-1, -2),)) for a in (x, h, v)]
    back = build.call("multiply", build.call("matmul", out, turned[2]), build.call("equal", h, 0))
    grads = [build.call("matmul", turned[0], back), build.call("matmul", turned[1], out)]
    columns = build.call("mean", back, params=((-2,), False))
    build.returns(loss, *grads, columns, build.call("divide", back, loss))
    program = agree(build, ulp=400 if dtype is np.float64 else 100)
    assert "rows at once" in program.text()


def test_threads():
    build = Building()
    x = build.input(numbers((40, 30)))
    y = build.call("exp", build.call("matmul", x, build.call("transpose", x, params=((-1, -2),))))
    build.returns(build.call("sum", y, params=((-2,), False)))
    program = agree(build)
    (right,) = program(*build.inputs)
    wrong = []

    def work(scale: float) -> None:
        found = [program(scale * build.inputs[0])[0] for _ in range(200)]
        wrong.extend([scale for f in found if not np.array_equal(f, expected[scale])])

    expected = {scale: program(scale * build.inputs[0])[0] for scale in (0.5, 1.0, 1.5, 2.0)}
    threads = [threading.Thread(target=work, args=(scale,)) for scale in expected]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    np.testing.assert_array_equal(right, expected[1.0])


def test_nothing_is_kept_between_calls():
    build = Building()
    x = build.input(numbers(100))
    y = build.input(2.0)
    total = build.call("sum", build.call("multiply", x, y), params=((-1,), False))
    build.graph.guard(build.call("greater", y, 0.0), bool, True)
    build.returns(build.call("exp", x), total, y, build.call("less", total, 1.0))
    program = agree(build)
    counts = []
    for calls in (100, 1000, 1000):
        for _ in range(calls):
            program(*build.inputs)
            program(build.inputs[0][::-1], 3.0)
            with pytest.raises(GuardFailed):
                program(build.inputs[0], -1.0)
        gc.collect()
        counts.append(sys.getallocatedblocks())
    assert abs(counts[2] - counts[1]) < 50


def test_a_function_outlives_its_program():
    build = Building()
    x = build.input(numbers(10))
    build.returns(build.call("exp", x))
    program = agree(build)
    run = program.run
    del program
    gc.collect()
    np.testing.assert_allclose(run(build.inputs[0])[0], np.exp(build.inputs[0]), rtol=1e-15)


@pytest.mark.parametrize("shape", [(), (1,), (7,), (33,), (40, 5), (1000, 3)], ids=str)
@pytest.mark.parametrize("dtype", FLOATS)
def test_looks_for_nan(shape, dtype):
    build = Building()
    x = build.input(numbers(shape, dtype)[()] if shape else dtype(2.0))
    y = build.call("multiply", x, 2.0)
    look = build.call(holds_nan, y)
    build.graph.guard(look, bool, False)
    build.returns(y, look)
    program = agree(build, ulp=0)
    for special in (np.inf, -np.inf, 1e30, np.nan):
        values = np.array(numbers(shape, dtype))
        values.flat[-1] = special
        if special == special:
            assert not program(values[()])[1]
        else:
            with pytest.raises(GuardFailed):
                program(values[()])
