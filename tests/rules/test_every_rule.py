"""Every rule: its value, its derivatives of order one and two, backwards and forwards, batches.

The list under test is the registry itself: a function without a case fails. What is checked of a
case is one test, ``test_rule[label]``: tests by the ten thousand take longer than what they check.
"""

import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gradtape as gt
from gradtape.rules import BINDINGS, PRIMITIVES, UFUNCS, Elementwise, load_all_tables
from tests.rules.cases import Case, name
from tests.rules.tools import (
    Call,
    along,
    bare,
    calls,
    directions,
    draw,
    gradient,
    inner,
    leaves,
    near,
    projected,
    weights,
    widened,
)

load_all_tables()
MODULES = sorted(Path(__file__).parent.glob("*_cases.py"))
CASES = [c for m in MODULES for c in import_module(f"tests.rules.{m.stem}").CASES]

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)


# The list ---------------------------------------------------------------------------------------


def test_labels_are_unique():
    labels = [c.label for c in CASES]
    assert sorted(set(labels)) == sorted(labels)


def test_every_function_has_a_case():
    covered = {c.key for c in CASES}
    assert [name(key) for key in {*UFUNCS, *BINDINGS} - covered] == []
    assert [
        key
        for key in covered
        if key not in {*UFUNCS, *BINDINGS}
        and key not in PRIMITIVES
        and key not in PRIMITIVES.values()
    ] == []


def test_every_primitive_is_called_by_a_case_in_every_argument():
    seen: dict[str, int] = {}
    for case, dtype in [(c, dtype) for c in CASES for dtype in c.numbers]:
        for call in calls(case.function, case.at(dtype)):
            seen[call.primitive.name] = seen.get(call.primitive.name, 0) | call.mask
    missing = [
        (name, i)
        for name, primitive in PRIMITIVES.items()
        if not name.startswith("tf.")  # tested beside TensorFlow's own
        for i, rule in enumerate(getattr(primitive, "rules", None) or primitive.pulls)  # type: ignore[union-attr]
        if rule is not None and not seen.get(name, 0) >> i & 1
    ]
    assert missing == []


def test_every_float_ufunc_of_numpy_is_known():
    from gradtape.rules import BARE

    ufuncs = {u for u in vars(np).values() if isinstance(u, np.ufunc)}
    floating = {u for u in ufuncs if any(c in "fdFD" for c in "".join(u.types))}
    assert [u.__name__ for u in floating - {*UFUNCS, *BINDINGS, *BARE}] == []


# Values and dtypes --------------------------------------------------------------------------------


def check_value_is_numpys(case: Case):
    for dtype in case.every_dtype:
        arguments = case.at(dtype)
        expected = case.function(*arguments)
        with gt.GradientTape() as tape:
            xs = [gt.constant(a) for a in arguments]
            tape.watch(xs)
            actual = case.function(*xs)
        assert isinstance(actual, (tuple, list)) == isinstance(expected, (tuple, list))
        for a, e in zip(leaves(actual), leaves(expected), strict=True):
            assert (a.dtype, a.shape) == (e.dtype, e.shape)
            ulps = 0 if case.exact and dtype not in "FD" else 16
            eps = np.finfo(e.dtype).eps
            scale = np.max(np.abs(e), initial=0)
            near(bare(a), e, rtol=ulps * eps, atol=ulps * eps * scale)


def check_value_of_integers_is_numpys(case: Case):
    # The operator squares booleans to another type than np.power does; versions of SciPy differ.
    odd = case.key is np.power or "simpson" in case.label or case.label.startswith("scipy.")
    for dtype in "iq" if odd else "iq?":
        arguments = [np.rint(np.multiply(a, 3)).astype(dtype)[()] for a in case.arguments]
        with np.errstate(all="ignore"):
            try:
                expected = case.function(*arguments)
            except (TypeError, ValueError) as error:
                with pytest.raises(TypeError if isinstance(error, TypeError) else type(error)):
                    case.function(*map(gt.constant, arguments))
                continue
            actual = case.function(*map(gt.constant, arguments))
        if not isinstance(expected, (tuple, list)):
            actual, expected = [actual], [expected]
        for a, e in zip(actual, expected, strict=True):
            assert (np.shape(a), a.dtype) == (np.shape(e), e.dtype)
            eps = np.finfo(e.dtype).eps if e.dtype.kind in "fc" else 0
            near(bare(a), e, rtol=64 * eps)


def check_gradient_keeps_the_dtype(case: Case):
    for dtype in case.every_dtype:
        arguments = case.at(dtype)
        with np.errstate(all="ignore"):
            ws = weights(case.function, arguments)
            actual = gradient(case.function, ws)(*arguments)
            exact = gradient(case.function, [widened(w, case.extended) for w in ws])(
                *[widened(a, case.extended) for a in arguments]
            )
        for g, e, a in zip(actual, exact, arguments, strict=True):
            assert (g.dtype, g.shape) == (a.dtype, np.shape(a))
            tolerance = 100 * float(np.finfo(dtype).eps)
            near(g, e, rtol=tolerance, atol=tolerance * float(np.max(np.abs(e), initial=0)))


def check_no_cotangent_changes_dtype_on_its_way(case: Case):
    for dtype in set(case.every_dtype) - set(case.numbers):  # those, batches look at
        for call in calls(case.function, case.at(dtype)):
            shares = call.pull(draw(call.out, "g"), ())
            for i, share in shares.items():
                assert share.dtype == call.arrays[i].dtype, call.primitive.name


# Derivatives --------------------------------------------------------------------------------------


def check_gradient_is_that_of_differences(case: Case) -> None:
    compare_first_with_differences(case, range(2))


def check_second_derivative_is_that_of_differences(case: Case) -> None:
    compare_second_with_differences(case, range(1))


def compare_first_with_differences(case: Case, numbers: range) -> None:
    for dtype in case.numbers:
        arguments = case.at(dtype)
        ws = weights(case.function, arguments)
        value, derivative = projected(case.function, ws), gradient(case.function, ws)
        compare_with_differences(value, derivative, arguments, case.extended, numbers)


def compare_second_with_differences(case: Case, numbers: range) -> None:
    for dtype in case.numbers:
        arguments = case.at(dtype)
        once = gradient(case.function, weights(case.function, arguments))
        us = weights(once, arguments)
        value, derivative = projected(once, us), gradient(once, us)
        compare_with_differences(value, derivative, arguments, case.extended, numbers)


def compare_with_differences(
    value: Any, derivative: Any, arguments: Any, extended: bool, numbers: range
) -> None:
    """Compare a gradient with differences along directions, in extended precision if it can be."""
    gradients = derivative(*arguments)
    wide = tuple([widened(a, extended) for a in arguments])
    scale = float(np.sqrt(sum([inner(g, g) for g in gradients])))
    rtol, atol = (1e-8, 1e-9) if extended else (1e-6, 1e-7)
    for direction in directions(arguments, len(numbers), extended, numbers.start):
        actual = float(sum([inner(g, d) for g, d in zip(gradients, direction, strict=True)]))
        enough = 0.01 * (atol * (1 + scale) + rtol * abs(actual))
        expected = along(value, wide, direction, enough=enough)
        near(actual, float(expected), rtol=rtol, atol=atol * (1 + scale))


@pytest.mark.slow
@every_case
def test_along_further_directions(case: Case) -> None:
    compare_first_with_differences(case, range(2, 4))
    compare_second_with_differences(case, range(1, 4))


def check_jacobian_is_the_gradients_row_by_row(case: Case):
    for dtype in case.numbers:
        arguments = case.at(dtype)
        xs = [gt.constant(a) for a in arguments]
        with gt.GradientTape(persistent=True) as tape:
            tape.watch(xs)
            outs = [out for out in leaves(case.function(*xs)) if isinstance(out, gt.Tensor)]
        for out in outs:
            if out.size > 100:
                continue
            jacobians = tape.jacobian(out, xs, unconnected_gradients="zero")
            rows = list(np.ndindex(out.shape))
            for row in rows[:: max(1, len(rows) // 8)]:
                seed = np.zeros(out.shape, out.dtype)
                seed[row] = 1
                gradients = tape.gradient(out, xs, seed, unconnected_gradients="zero")
                for jacobian, g in zip(jacobians, gradients, strict=True):
                    near(jacobian.numpy()[row], bare(g), rtol=1e-12, atol=1e-13)


def check_jacobian_of_a_jacobian_is_that_of_its_rows(case: Case):
    for dtype in case.numbers:
        xs = [gt.constant(a) for a in case.at(dtype)]
        with gt.GradientTape(persistent=True) as outer:
            outer.watch(xs)
            with gt.GradientTape(persistent=True) as inner:
                inner.watch(xs)
                outs = [out for out in leaves(case.function(*xs)) if isinstance(out, gt.Tensor)]
            if sum([x.size for x in xs]) * max([out.size for out in outs], default=99) > 80:
                return
            y, x = outs[-1], xs[0]
            if not y.size:
                return
            whole = inner.jacobian(y, x, unconnected_gradients="zero")
            last = np.zeros(y.shape, y.dtype)
            last[(-1,) * y.ndim] = 1
            row = inner.gradient(y, x, last, unconnected_gradients="zero")
        expected = outer.jacobian(row, x, unconnected_gradients="zero").numpy()
        actual = outer.jacobian(whole, x, unconnected_gradients="zero").numpy()
        near(actual[(-1,) * y.ndim], expected, rtol=1e-12, atol=1e-13)


def check_forward_accumulator_agrees_with_the_tape(case: Case):
    for dtype in case.numbers:
        arguments = case.at(dtype)
        xs = [gt.constant(a) for a in arguments]
        tangents = [draw(a, f"tangent {i}") for i, a in enumerate(arguments)]
        with gt.ForwardAccumulator(xs, [gt.constant(t) for t in tangents]) as accumulator:
            outs = leaves(case.function(*xs))
        ws = weights(case.function, arguments)
        pushed = [
            bare(accumulator.jvp(out, unconnected_gradients="zero"))
            if isinstance(out, gt.Tensor)
            else 0
            for out in outs
        ]
        ahead = sum([inner(w, t) for w, t in zip(ws, pushed, strict=True)])
        back = gradient(case.function, ws)(*arguments)
        near(float(ahead), float(sum(map(inner, back, tangents))), rtol=1e-10, atol=1e-11)


# Batches, call by call ----------------------------------------------------------------------------


#: What was tried: rules look at shapes and dtypes alone, and many cases make like calls.
TRIED: set[Any] = set()


def is_tried(call: Call) -> bool:
    """Whether a like call was tried before, of this case or of another."""
    arrays = tuple([(np.shape(a), getattr(a, "dtype", type(a))) for a in call.arrays])
    key = (call.primitive.name, call.which, call.mask, arrays, repr(call.params))
    if key in TRIED:
        return True
    TRIED.add(key)
    return False


def check_rules_take_batches_of_any_size(case: Case) -> None:
    for dtype in case.numbers:
        for call in calls(case.function, case.at(dtype)):
            if np.size(call.out) > 1000 or is_tried(call):
                continue
            shapes = [np.shape(call.out), *[np.shape(a) for a in call.arrays]]
            lengths = {n for shape in shapes for n in shape if n <= 50}
            # As many numbers and axes as the arrays have, and others: one could pass for the other.
            turned = [(3, 2)] if any([len(shape) > 1 for shape in shapes]) else []
            batches = [*[(n,) for n in sorted({1, *lengths})], (2, 3), *turned]
            if isinstance(call.primitive, Elementwise):  # its batches are all alike
                batches = [(max({1, *lengths}),), (2, 3)]
            compare_batches(call, max([7, *lengths]), batches)


def compare_batches(call: Call, most: int, batches: list[tuple[int, ...]]) -> None:
    """Compare a long batch with its last alone, and others with the long one."""
    shape, record, wanted = np.shape(call.out), call.record(), call.wanted()
    seeds = draw(np.empty((most, *shape), call.out.dtype), "seed")
    tangents = {
        i: draw(np.empty((most, *np.shape(call.arrays[i])), call.arrays[i].dtype), f"tangent {i}")
        for i in wanted
    }
    shares, pushed = run(call, record, seeds, tangents, (most,))
    share, push = run(call, record, seeds[-1], {i: t[-1] for i, t in tangents.items()}, ())
    for i in wanted:
        where = f"{call.primitive.name}, input {i}, the last of a batch of {most}"
        near(shares[i][-1], share[i], 1e-11, 1e-12, where)
        near(pushed[i][-1], push[i], 1e-11, 1e-12, where)
        near(inner(share[i], tangents[i][-1]), inner(seeds[-1], push[i]), 1e-11, 1e-12, where)
    for batch in batches:
        n = int(np.prod(batch))
        some = {i: t[:n].reshape(batch + t.shape[1:]) for i, t in tangents.items()}
        share, push = run(call, record, seeds[:n].reshape(batch + shape), some, batch)
        for i in wanted:
            where = f"{call.primitive.name}, input {i}, batch {batch}"
            near(share[i], shares[i][:n].reshape(some[i].shape), 1e-11, 1e-12, where)
            near(push[i], pushed[i][:n].reshape(batch + shape), 1e-11, 1e-12, where)


def run(call: Call, record: Any, seeds: Any, tangents: dict[int, Any], batch: Any) -> Any:
    """The inputs' cotangents, and for each input the output's tangent, for a batch."""
    shares = call.pull(seeds, batch, record)
    assert sorted(shares) == call.wanted()
    pushed = {i: call.push(i, t, batch) for i, t in tangents.items()}
    for i, t in tangents.items():
        where = f"{call.primitive.name}, input {i}, batch {batch}"
        assert (shares[i].shape, shares[i].dtype) == (t.shape, t.dtype), where
        assert (pushed[i].shape, pushed[i].dtype) == (seeds.shape, call.out.dtype), where
    return shares, pushed


# One test of a case -------------------------------------------------------------------------------


CHECKS: list[Callable[[Case], None]] = [
    check_value_is_numpys,
    check_value_of_integers_is_numpys,
    check_gradient_keeps_the_dtype,
    check_no_cotangent_changes_dtype_on_its_way,
    check_gradient_is_that_of_differences,
    check_second_derivative_is_that_of_differences,
    check_jacobian_is_the_gradients_row_by_row,
    check_jacobian_of_a_jacobian_is_that_of_its_rows,
    check_forward_accumulator_agrees_with_the_tape,
    check_rules_take_batches_of_any_size,
]

# The run that traces each test traces each check by itself.
GROUPS = [[check] for check in CHECKS] if os.environ.get("GRADTAPE_TRACED") else [CHECKS]


@pytest.mark.parametrize(
    "checks", GROUPS, ids=lambda checks: checks[0].__name__ if len(checks) == 1 else "all"
)
@every_case
def test_rule(case: Case, checks: list[Callable[[Case], None]]) -> None:
    failed = []
    for check in checks:
        try:
            check(case)
        except (Exception, pytest.fail.Exception) as error:
            error.add_note(f"found by {check.__name__}")
            failed.append(error)
    if len(failed) > 1:
        raise BaseExceptionGroup(f"{len(failed)} checks of {case.label} failed", failed)
    if failed:
        raise failed[0]
