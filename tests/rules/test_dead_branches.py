"""Where a branch is not taken, no NaN comes out of it: in any order, mode, or Jacobian.

Two kinds of test: bad values put into every elementwise function where a mask leaves them out, and
infinite partials in front of every function that moves or reduces, for the entries that reach
nothing. Both must give what they give with ordinary values there.
"""

from typing import Any

import numpy as np
import pytest

import gradtape as gt
from gradtape import tf
from gradtape.derivatives import ufunc_methods
from tests.rules import (
    array_cases,
    elementwise_cases,
    reduction_cases,
    statistics_cases,
    ufunc_method_cases,
)
from tests.rules.cases import Case, name
from tests.rules.elementwise_cases import BINARY, UNARY
from tests.rules.tools import bare, draw, leaves

BAD = [0.0, 1.0, -1.0, -3.0, np.inf, -np.inf, np.nan, 1e300, -1e300]

#: What may stand behind the choice.
TAILS: dict[str, Any] = {
    "sum": np.sum,
    "reshape": lambda y: np.reshape(y, (-1, 1)),
    "index": lambda y: y[::-1],
    "take": lambda y: np.take(y, [*range(y.size), 0, 0]),
    "broadcast": lambda y: y + np.zeros((2, 1)),
    "mean": lambda y: np.mean(y * 3),
    "concatenate": lambda y: np.concatenate([y, y]),
    "square": lambda y: y * y,
    "cumsum": np.cumsum,
    "exp": np.exp,
}

#: In these, coefficients can cancel: every entry counts as alive.
GENERAL = {np.matmul, np.dot, np.inner, np.vdot, np.tensordot, np.einsum}
GENERAL |= {getattr(np, f) for f in ("matvec", "vecmat") if hasattr(np, f)}

#: Second derivatives of a running product multiply live entries by dead ones.
FIRST_ORDER = {np.cumprod, np.nancumprod, (np.multiply, "accumulate"), ufunc_methods.folded}
FIRST_ORDER |= {getattr(np, "cumulative_prod", None)}

#: Of these the coefficients are zero, but no entry is left out.
ZERO = {"ptp-5", "ptp-0d", "var-5", "var-0d"}

MORE = [*statistics_cases.CASES, *ufunc_method_cases.CASES]
CHOICES = [c for c in elementwise_cases.CASES if c.key in (np.where, np.clip)]
CASES = [
    c
    for c in [*array_cases.CASES, *reduction_cases.CASES, *CHOICES, *MORE]
    if c.key not in GENERAL and c.label not in ZERO
]


def derivatives(function: Any, arguments: Any) -> dict[str, Any]:
    """Gradients, second derivatives, Jacobians and tangents of a function of bare arrays."""
    with np.errstate(all="ignore"):
        xs = [gt.constant(a) for a in arguments]
        with gt.GradientTape(persistent=True) as outer:
            outer.watch(xs)
            with gt.GradientTape(persistent=True) as inner:
                inner.watch(xs)
                y = function(*xs)
            first = inner.gradient(y, xs, unconnected_gradients="zero")
            mixed = sum([(g * draw(g, f"mix {i}")).sum() for i, g in enumerate(first)])
        second = outer.gradient(mixed, xs, unconnected_gradients="zero")
        jacobians = inner.jacobian(y, xs, unconnected_gradients="zero")
        tangents = [gt.constant(draw(a, f"tangent {i}")) for i, a in enumerate(arguments)]
        with gt.ForwardAccumulator(xs, tangents) as accumulator:
            z = function(*xs)
        pushed = accumulator.jvp(z, unconnected_gradients="zero")
    # The last walk is a plain one; the first was recorded by the outer tape.
    plain = inner.gradient(y, xs, unconnected_gradients="zero")
    return {
        name: [bare(g) for g in gs]
        for name, gs in {
            "first": first,
            "plain": plain,
            "second": second,
            "jacobian": jacobians,
            "forward": [pushed],
        }.items()
    }


def same(actual: dict[str, Any], expected: dict[str, Any]) -> None:
    for kind, gs in expected.items():
        for a, e in zip(actual[kind], gs, strict=True):
            assert np.isfinite(e).all(), kind
            np.testing.assert_allclose(a, e, rtol=1e-12, atol=1e-13, err_msg=kind)


# Bad values -------------------------------------------------------------------------------------


def chosen(function: Any, mask: Any, tail: Any) -> Any:
    return lambda *xs: tail(np.where(mask, function(*xs), 0))


# The imaginary part of a real number is no function of it.
@pytest.mark.parametrize("key", [key for key in UNARY if key is not np.imag], ids=name)
def test_bad_values_of_one_argument(key: Any):
    low, high, _ = UNARY[key]
    good = np.linspace(low, high, len(BAD) + 2)[1:-1]
    mask = np.arange(2 * len(BAD)) % 2 == 0
    bad, healthy = np.where(mask, np.repeat(good, 2), np.repeat(BAD, 2)), np.repeat(good, 2)
    for tail in TAILS.values():
        f = chosen(key, mask, tail)
        same(derivatives(f, [bad]), derivatives(f, [healthy]))


@pytest.mark.parametrize("key", BINARY, ids=name)
def test_bad_values_of_two_arguments(key: Any):
    low, high, _ = BINARY[key]
    x, y = [m.ravel() for m in np.meshgrid([*BAD, 0.5], [*BAD, 0.7])]
    mask = np.arange(x.size) % 3 == 0
    good = np.linspace(low, high, 2 * x.size + 2)[1:-1].reshape(2, -1)
    f = chosen(key, mask, np.sum)
    bad = [np.where(mask, g, b) for g, b in zip(good, (x, y), strict=True)]
    same(derivatives(f, bad), derivatives(f, list(good)))


@pytest.mark.parametrize("exponent", [0.5, -1, 1.5, -2, 3])
def test_bad_values_of_a_number_s_power(exponent: float):
    mask = np.arange(2 * len(BAD)) % 2 == 0
    f = chosen(lambda x: x**exponent, mask, np.sum)
    bad = np.where(mask, 1.5, np.repeat(BAD, 2))
    same(derivatives(f, [bad]), derivatives(f, [np.full(bad.shape, 1.5)]))


@pytest.mark.parametrize(
    "function", [np.prod, np.var, np.std, np.max, np.min, np.mean, np.ptp, np.sum]
)
def test_bad_values_in_a_reduced_row(function: Any):
    good = np.linspace(0.5, 2, 12).reshape(4, 3)
    bad = good.copy()
    bad[1], bad[3] = [np.nan, np.inf, 0], [0, 0, 0]
    f = chosen(lambda x: function(x, axis=1), np.array([True, False, True, False]), np.sum)
    same(derivatives(f, [bad]), derivatives(f, [good]))


# Infinite partials in front ---------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_infinite_partials_of_what_reaches_nothing(case: Case):
    arguments = case.at("d")
    outs = leaves(case.function(*arguments))
    if sum([np.size(o) for o in outs]) > 200:
        pytest.skip("large: the same rule is covered by a smaller case")
    masks = [np.asarray(draw(o, f"mask {i}") > 0) for i, o in enumerate(outs)]

    def masked(*values: Any) -> Any:
        parts = leaves(case.function(*values))
        kept = [np.where(m, p, 0) for m, p in zip(masks, parts, strict=True)]
        return np.concatenate([np.ravel(k) for k in kept])

    reaches = reached(masked, arguments)

    def through_roots(*xs: Any) -> Any:
        # Each value is what the case has, whether the root is taken of 0 or of 1.
        roots = [np.sqrt(x) + (a - np.sqrt(bare(x))) for x, a in zip(xs, arguments, strict=True)]
        return masked(*roots)

    zeros = [np.where(r, 1.0, 0.0)[()] for r in reaches]
    ones = [np.ones(np.shape(a))[()] for a in arguments]
    actual, expected = derivatives(through_roots, zeros), derivatives(through_roots, ones)
    if case.key in FIRST_ORDER:
        expected.pop("second")
    same(actual, expected)


def reached(function: Any, arguments: Any) -> list[Any]:
    """Per entry of the arguments, whether the function depends on it."""
    xs = [gt.constant(a) for a in arguments]
    with gt.GradientTape() as tape:
        tape.watch(xs)
        y = function(*xs)
    jacobians = tape.jacobian(y, xs, unconnected_gradients="zero")
    return [
        np.any(bare(j).reshape(y.size, np.size(a)) != 0, axis=0).reshape(np.shape(a))
        for j, a in zip(jacobians, arguments, strict=True)
    ]


# By name ------------------------------------------------------------------------------------------


def slope(function: Any, at: Any) -> Any:
    """The gradient of the function's sum at an array or a number."""
    x = gt.constant(at)
    with gt.GradientTape() as tape, np.errstate(all="ignore"):
        tape.watch(x)
        y = function(x)
    return bare(tape.gradient(y, x)).tolist()


@pytest.mark.parametrize(
    ("function", "at", "expected"),
    [
        (lambda z: np.where(z > 30, z, np.log(np.exp(z) + 1)), 1000.0, 1.0),
        (lambda x: np.where(x > 0, np.sqrt(x), 0), 0.0, 0.0),
        (lambda x: np.where(x != 0, np.sin(x) / x, 1), 0.0, 0.0),
        (lambda x: np.where(x > 0, np.sum(np.sqrt(x)), 0), 0.0, 0.0),
        (lambda x: np.maximum(np.sqrt(x), 1), [0.0, 4.0], [0.0, 0.25]),
        (lambda x: np.minimum(1, 1 / x), [0.0, 2.0], [0.0, -0.25]),
        (lambda x: np.clip(np.log(x), -1, 1), [0.0, 1.0, np.inf], [0.0, 1.0, 0.0]),
        (lambda x: np.log(x)[1:], [0.0, 2.0], [0.0, 0.5]),
        (lambda x: np.log(x)[[1, 1]], [0.0, 2.0], [0.0, 1.0]),
        (lambda x: np.log(x)[np.array([False, True])], [0.0, 2.0], [0.0, 0.5]),
        (lambda x: np.max(np.sqrt(x)), [0.0, 4.0], [0.0, 0.25]),
        (lambda x: np.sort(np.sqrt(x))[1:], [4.0, 0.0], [0.25, 0.0]),
        (lambda x: np.tril(np.sqrt(x)), [[1.0, 0.0], [4.0, 1.0]], [[0.5, 0.0], [0.25, 0.5]]),
        (lambda x: np.diagonal(np.sqrt(x)), [[1.0, 0.0], [0.0, 1.0]], [[0.5, 0.0], [0.0, 0.5]]),
    ],
)
def test_slope(function: Any, at: Any, expected: Any):
    assert slope(function, at) == expected


@pytest.mark.parametrize(
    ("function", "at"),
    [
        (lambda x: np.log(np.exp(x) + 1), np.float32(100)),
        (lambda x: np.log(x) * 0, 0.0),
        (lambda x: np.where(x < 1, x, 0) * np.sqrt(x), 0.0),
    ],
)
def test_a_zero_that_is_only_a_number_hides_no_nan(function: Any, at: Any):
    assert np.isnan(slope(function, at))


def test_forward_zeros_of_a_choice_stay_zeros_behind_an_infinite_partial():
    x = gt.constant([0.5, 2.0])
    with gt.ForwardAccumulator(x, gt.constant([1.0, 1.0])) as accumulator:
        y = np.sqrt(np.where(x > 1, x, 0))
        padded = np.sqrt(np.pad(x, 1))
    np.testing.assert_array_equal(bare(accumulator.jvp(y)), [0, 0.5 / np.sqrt(2)])
    np.testing.assert_array_equal(bare(accumulator.jvp(padded))[[0, 3]], [0, 0])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_forward_zeros_reach_through(case: Case):
    """What depends on nothing that has a tangent has none, in front of an infinite partial."""
    arguments = case.at("d")
    xs = [gt.constant(a) for a in arguments]
    with np.errstate(all="ignore"), gt.ForwardAccumulator(xs, xs) as accumulator:
        nowhere = [
            np.where(np.zeros(x.shape, bool), x, a) for x, a in zip(xs, arguments, strict=True)
        ]
        outs = [o for o in leaves(case.function(*nowhere)) if isinstance(o, gt.Tensor)]
        roots = [np.sqrt(out - bare(out)) for out in outs]
    for root in roots:
        assert not bare(accumulator.jvp(root, unconnected_gradients="zero")).any()


# Of what mixes entries, all of it or nothing ------------------------------------------------------

SINGULAR = np.zeros((2, 2))


@pytest.mark.parametrize(
    "mixing",
    [
        lambda x: np.sqrt(x) @ np.ones((2, 2)),
        lambda x: np.einsum("ij,kj->ik", np.sqrt(x), x),
        lambda x: np.linalg.inv(x + np.eye(2)) * np.sqrt(x),
        lambda x: np.outer(np.sqrt(x), x)[:2, :2],
        lambda x: np.tensordot(1 / x, x, 1),
        lambda x: np.full((2, 2), 1.0) * np.linalg.det(x),
    ],
)
def test_a_result_that_is_not_taken_at_all(mixing: Any):
    """Where no entry of a product or an inverse counts, none of what it was made of does."""
    chosen = derivatives(lambda x: np.where(False, mixing(x), x * x), [SINGULAR])
    same(chosen, derivatives(lambda x: x * x, [SINGULAR]))


def test_forward_zeros_reach_through_what_mixes_entries():
    x = gt.constant(np.array([[0.5, 0.2], [2.0, 3.0]]))
    with np.errstate(all="ignore"), gt.ForwardAccumulator(x, np.ones((2, 2))) as accumulator:
        y = np.sqrt(np.where(x > 5, x, 0) @ np.ones((2, 2)))
    assert bare(accumulator.jvp(y)).tolist() == [[0, 0], [0, 0]]


def test_a_row_of_a_jacobian_that_reaches_nothing_is_zero():
    x = gt.constant(SINGULAR)
    with np.errstate(all="ignore"), gt.GradientTape() as tape:
        tape.watch(x)
        total = np.sum(np.sqrt(x) @ np.ones((2, 2)))
        y = np.where([True, False], np.stack([x[0, 0], total]), x[1, 1] * 2)
    jacobian = bare(tape.jacobian(y, x))
    assert jacobian.tolist() == [[[1, 0], [0, 0]], [[0, 0], [0, 2]]]


@pytest.mark.parametrize(
    "function",
    [np.sinc, np.i0, lambda x: np.vander(x, 3), tf.math.sqrt, tf.math.reciprocal],
    ids=["sinc", "i0", "vander", "tf sqrt", "tf reciprocal"],
)
def test_forward_zeros_of_a_part_reach_through(function: Any):
    x = gt.constant([0.5, 2.0])
    with np.errstate(all="ignore"), gt.ForwardAccumulator(x, gt.constant([1.0, 1.0])) as passed:
        y = function(np.where(x > 1, x, 0.5))
        root = np.sqrt(y - bare(y))
    first, second = bare(passed.jvp(root))
    assert not first.any()
    assert np.isinf(second).any()


def test_forward_zeros_reach_through_the_extremes_of_segments():
    x = gt.constant([0.5, 2.0, 2.0, 0.1, 3.0, 3.0])
    with np.errstate(all="ignore"), gt.ForwardAccumulator(x, x) as passed:
        inside = np.where([True, False, False, True, True, False], x, bare(x))
        y = tf.math.segment_max(inside, [0, 0, 0, 1, 2, 2])
        root = np.sqrt(y - bare(y))
    assert bare(passed.jvp(root)).tolist() == [0, np.inf, np.inf]
