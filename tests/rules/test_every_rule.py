"""Every rule: its value, its derivatives of order one and two, backwards and forwards, batches.

The list under test is the registry itself: a function without a case fails.
"""

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gradtape as gt
from gradtape.rules import BINDINGS, PRIMITIVES, UFUNCS, load_all_tables
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
    projected,
    weights,
    widened,
)

load_all_tables()
MODULES = sorted(Path(__file__).parent.glob("*_cases.py"))
CASES = [c for m in MODULES for c in import_module(f"tests.rules.{m.stem}").CASES]

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)


def near(actual: Any, expected: Any, rtol: float, atol: float = 0.0) -> None:
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


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


@every_case
def test_value_is_numpys(case: Case):
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


@every_case
def test_value_of_integers_is_numpys(case: Case):
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


@every_case
def test_gradient_keeps_the_dtype(case: Case):
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


@every_case
def test_no_cotangent_changes_dtype_on_its_way(case: Case):
    for dtype in case.every_dtype:
        for call in calls(case.function, case.at(dtype)):
            shares = call.pull(draw(call.out, "g"), ())
            for i, share in shares.items():
                assert share.dtype == call.arrays[i].dtype, call.primitive.name


# Derivatives --------------------------------------------------------------------------------------


@every_case
def test_gradient_is_that_of_differences(case: Case):
    for dtype in case.numbers:
        arguments = case.at(dtype)
        ws = weights(case.function, arguments)
        check_against_differences(
            projected(case.function, ws), gradient(case.function, ws), arguments, case.extended
        )


@every_case
def test_second_derivative_is_that_of_differences(case: Case):
    for dtype in case.numbers:
        arguments = case.at(dtype)
        once = gradient(case.function, weights(case.function, arguments))
        us = weights(once, arguments)
        check_against_differences(projected(once, us), gradient(once, us), arguments, case.extended)


def check_against_differences(value: Any, derivative: Any, arguments: Any, extended: bool) -> None:
    """Compare a gradient with differences along directions, in extended precision if it can be."""
    gradients = derivative(*arguments)
    wide = tuple([widened(a, extended) for a in arguments])
    scale = np.sqrt(sum([inner(g, g) for g in gradients]))
    rtol, atol = (1e-8, 1e-9) if extended else (1e-6, 1e-7)
    for direction in directions(arguments, 3, extended):
        expected = along(value, wide, direction)
        actual = sum([inner(g, d) for g, d in zip(gradients, direction, strict=True)])
        near(float(actual), float(expected), rtol=rtol, atol=atol * (1 + float(scale)))


@every_case
def test_jacobian_is_the_gradients_row_by_row(case: Case):
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
            for row in np.ndindex(out.shape):
                seed = np.zeros(out.shape, out.dtype)
                seed[row] = 1
                gradients = tape.gradient(out, xs, seed, unconnected_gradients="zero")
                for jacobian, g in zip(jacobians, gradients, strict=True):
                    near(jacobian.numpy()[row], bare(g), rtol=1e-12, atol=1e-13)


@every_case
def test_jacobian_of_a_jacobian_is_that_of_its_rows(case: Case):
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


@every_case
def test_forward_accumulator_agrees_with_the_tape(case: Case):
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


def is_tried(case: Case, call: Call) -> bool:
    """Whether another case made a like call; a case's own function is always tried."""
    arrays = tuple([(np.shape(a), getattr(a, "dtype", type(a))) for a in call.arrays])
    key = (call.primitive.name, call.which, call.mask, arrays, repr(call.params))
    own = call.primitive in (UFUNCS.get(case.key), PRIMITIVES.get(name(case.key)))
    if key in TRIED and not own:
        return True
    TRIED.add(key)
    return False


@every_case
def test_rules_take_batches_of_any_size(case: Case):
    for dtype in case.numbers:
        for call in calls(case.function, case.at(dtype)):
            if np.size(call.out) > 1000 or is_tried(case, call):
                continue
            lengths = {1, 2, 7, *np.shape(call.out), *[n for a in call.arrays for n in np.shape(a)]}
            check_batches(call, [*[(n,) for n in sorted(lengths)], (2, 3), (3, 2)])


def check_batches(call: Call, batches: list[tuple[int, ...]]) -> None:
    """Compare batches of cotangents and tangents with one after the other, and with each other."""
    most = max([int(np.prod(batch)) for batch in batches])
    shape, record = np.shape(call.out), call.record()
    all_seeds = draw(np.empty((most, *shape), call.out.dtype), "seed")
    all_tangents = {
        i: draw(np.empty((most, *np.shape(call.arrays[i])), call.arrays[i].dtype), f"tangent {i}")
        for i in call.wanted()
    }

    @cache
    def pulled(row: int) -> dict[int, Any]:
        return call.pull(all_seeds[row], (), record)

    @cache
    def pushed_one(i: int, row: int) -> Any:
        return call.push(i, all_tangents[i][row], ())

    for batch in batches:
        n = int(np.prod(batch))
        seeds = all_seeds[:n].reshape(batch + shape)
        shares = call.pull(seeds, batch, record)
        assert sorted(shares) == call.wanted()
        for i, share in shares.items():
            where = f"{call.primitive.name}, input {i}, batch {batch}"
            tangents = all_tangents[i][:n].reshape(batch + np.shape(call.arrays[i]))
            assert share.shape == tangents.shape, where
            pushed = call.push(i, tangents, batch)
            assert pushed.shape == seeds.shape, where
            assert pushed.dtype == call.out.dtype, where
            for row in {0, n - 1} if n else ():
                b = np.unravel_index(row, batch)
                compare(share[b], pulled(row)[i], where)
                compare(pushed[b], pushed_one(i, row), where)
                compare(inner(share[b], tangents[b]), inner(seeds[b], pushed[b]), where)


def compare(actual: Any, expected: Any, where: str) -> None:
    """Equal, but for rounding."""
    np.testing.assert_allclose(actual, expected, rtol=1e-11, atol=1e-12, err_msg=where)
