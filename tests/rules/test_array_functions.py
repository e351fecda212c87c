"""Hard points of choosing, padding, interpolating, products, polynomials, sinc and i0."""

from typing import Any

import mpmath
import numpy as np
import pytest

import gradtape as gt
from tests.rules import calculus_cases, selection_cases, test_dead_branches
from tests.rules.cases import Case
from tests.rules.test_dead_branches import slope
from tests.rules.test_hard_points import check, slopes
from tests.rules.tools import bare

CASES = [*selection_cases.CASES, *calculus_cases.CASES]
INF, NAN = np.inf, np.nan

# Dead branches ----------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_infinite_partials_of_what_reaches_nothing(case: Case):
    test_dead_branches.test_infinite_partials_of_what_reaches_nothing(case)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_forward_zeros_reach_through(case: Case):
    test_dead_branches.test_forward_zeros_reach_through(case)


def _select(x: Any) -> Any:
    return np.select([x > 1, x > 0], [np.sqrt(x - 1), np.sqrt(x)], 0)


def _piecewise(x: Any) -> Any:
    return np.piecewise(x, [x > 0, x > 1], [np.sqrt, lambda v: v * v, lambda v: -v])


def _choose(x: Any) -> Any:
    return np.choose([0, 1, 0], [np.log(x), 2 * x])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("function", "at", "expected"),
    [
        (_select, [0.0, 0.25, 2.0], [0.0, 1.0, 0.5]),
        (_piecewise, [0.0, 0.25, 2.0], [-1.0, 1.0, 4.0]),
        (_choose, [1.0, 0.0, 2.0], [1.0, 2.0, 0.5]),
        (lambda x: np.choose([1, 0, 1], np.stack([2 * x, np.log(x)])), [1.0, 0.0, 2.0],
         [1.0, 2.0, 0.5]),
        (lambda x: np.nan_to_num(np.log(x)), [0.0, -1.0, 2.0], [0.0, 0.0, 0.5]),
        (lambda x: np.nan_to_num(1 / x, posinf=7), [0.0, 2.0], [0.0, -0.25]),
        (lambda x: np.compress([False, True], np.sqrt(x)), [0.0, 4.0], [0.0, 0.25]),
        (lambda x: np.extract([False, True], np.sqrt(x)), [0.0, 4.0], [0.0, 0.25]),
        (lambda x: np.take_along_axis(np.sqrt(x), np.array([1, 1]), 0), [0.0, 4.0], [0.0, 0.5]),
        (lambda x: np.delete(np.sqrt(x), 0), [0.0, 4.0], [0.0, 0.25]),
        (lambda x: np.insert(np.sqrt(x), 1, 5)[1:], [0.0, 4.0], [0.0, 0.25]),
        (lambda x: np.resize(np.sqrt(x), 1), [4.0, 0.0], [0.25, 0.0]),
        (lambda x: np.trim_zeros(np.sqrt(x)), [0.0, 4.0, 0.0], [0.0, 0.25, 0.0]),
        (lambda x: np.unique(np.sqrt(x))[1:], [0.0, 4.0, 0.0], [0.0, 0.25, 0.0]),
        (lambda x: np.setdiff1d(np.sqrt(x), [0.0]), [0.0, 4.0], [0.0, 0.25]),
        (lambda x: np.pad(np.sqrt(x), 1, "maximum")[:1], [0.0, 4.0], [0.0, 0.25]),
        (lambda x: np.pad(np.sqrt(x), (0, 2), "reflect", reflect_type="odd")[4:], [1.0, 1.0, 0.0],
         [-0.5, 0.0, INF]),
        (lambda x: np.clip(np.sqrt(x), 1, None), [0.0, 4.0], [0.0, 0.25]),
        (lambda x: np.interp([0.5, 3.0], [0, 1, 2], np.sqrt(x)), [1.0, 1.0, 4.0],
         [0.25, 0.25, 0.25]),
        (lambda x: np.interp([1.5, 5.0], [0, 1, 2], np.sqrt(x), right=9), [0.0, 1.0, 4.0],
         [0.0, 0.25, 0.125]),
        (lambda x: np.interp(np.sqrt(x), [1, 2], [5.0, 7.0]), [0.0, 2.25], [0.0, 2 / 3]),
        (lambda x: np.diff(np.sqrt(x))[1:], [0.0, 1.0, 4.0], [0.0, -0.5, 0.25]),
        (lambda x: np.linspace(np.sqrt(x), 1, 3)[-1], [0.0, 4.0], [0.0, 0.0]),
    ],
)  # fmt: skip
def test_no_nan_through_what_was_left_out(function: Any, at: Any, expected: Any):
    np.testing.assert_allclose(slope(function, at), expected, rtol=1e-15)


# Interpolation ----------------------------------------------------------------------------------

XP, FP = [0.0, 1.0, 3.0], [1.0, 3.0, 2.0]


def test_the_slope_at_a_knot_is_that_behind_it():
    check(
        lambda x: np.interp(x, XP, FP),
        ([-1.0, 0.0, 1.0, 2.0, 3.0, 4.0], [0, 2, -0.5, -0.5, -0.5, 0]),
    )


def test_a_knot_has_all_of_its_own_value():
    check(lambda f: np.interp([0.0, 1.0, 3.0, 9.0], XP, f), (FP, [1, 1, 2]))


def test_a_knot_that_is_moved_moves_the_line():
    check(lambda k: np.interp([0.5, 2.0], k, FP), (XP, [-1, -1 + 0.25, 0.25]))


@pytest.mark.parametrize(
    ("xp", "fp"),
    [
        ([0.0, 1.0, 1.0, 2.0], [0.0, 1.0, 5.0, 6.0]),
        ([0.0, 1.0, 1.0], [0.0, 1.0, 5.0]),
        ([0.0, 0.0, 1.0], [3.0, 1.0, 5.0]),
        ([0.0, 1.0, 2.0], [0.0, INF, 1.0]),
        ([0.0, 1.0, 2.0], [-INF, 0.0, INF]),
        ([0.0, 1.0, 2.0], [INF, INF, 1.0]),
        ([0.0, 1.0, 2.0], [0.0, NAN, 1.0]),
        ([1.0], [2.0]),
    ],
)
def test_interpolation_between_equal_knots_and_infinities_is_numpys(xp: Any, fp: Any):
    x = np.array([-0.5, 0.0, 0.3, 0.7, 1.0, 1.2, 2.0, 3.0, NAN])
    with np.errstate(all="ignore"):
        actual = np.interp(gt.constant(x), gt.constant(xp), gt.constant(fp))
    np.testing.assert_array_equal(bare(actual), np.interp(x, xp, fp))


def test_the_gradient_beside_equal_knots_is_finite():
    actual = slopes(
        lambda x, k, f: np.interp(x, k, f), [0.5, 1.0], [0.0, 1.0, 1.0], [0.0, 1.0, 5.0]
    )
    np.testing.assert_allclose(actual[0], [1, 0])
    np.testing.assert_allclose(actual[2], [0.5, 0.5, 1])


# sinc and i0 ------------------------------------------------------------------------------------


def derivative(function: Any, at: float, order: int) -> float:
    return float(slopes(function, at, order=order)[0])


def true_sinc(at: float, order: int) -> float:
    """By Leibniz' rule for sin(pi x) times 1/(pi x), with digits enough for what cancels."""
    with mpmath.workdps(1600):
        x = mpmath.mpf(at)
        if x == 0:
            return float([1, 0, -(mpmath.pi**2) / 3, 0, mpmath.pi**4 / 5][order])
        z = mpmath.pi * x
        terms = [
            mpmath.binomial(order, k)
            * mpmath.sin(z + k * mpmath.pi / 2)
            * (-1) ** (order - k)
            * mpmath.factorial(order - k)
            / z ** (order - k + 1)
            for k in range(order + 1)
        ]
        return float(mpmath.pi**order * sum(terms))


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize(
    "at", [0.0, 1e-300, 1e-9, -1e-4, 0.1, 0.3, -0.5, 0.7, 1.0, 1.3, 2.5, -7.0, 1000.25, 123456.0]
)
def test_sinc_to_the_last_digits(at: float, order: int):
    # Near its zeros a derivative has no more digits than the terms that cancel there.
    scale = np.pi**order / (1 + np.pi * abs(at))
    assert derivative(np.sinc, at, order) == pytest.approx(
        true_sinc(at, order), rel=1e-14, abs=2e-15 * scale
    )


def true_i0(at: float, order: int) -> float:
    """By DLMF 10.29.5, applied once, twice, and three times to I0."""
    with mpmath.workdps(40):
        i0, i1, i2, i3 = [mpmath.besseli(n, mpmath.mpf(at)) for n in range(4)]
        return float([i0, i1, (i0 + i2) / 2, (3 * i1 + i3) / 4][order])


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize(
    "at", [0.0, 1e-300, 1e-5, -0.5, 3.0, 8.0, -24.9, 25.0, 25.1, 60.0, 400.0, 700.0, -709.0]
)
def test_i0_to_the_last_digits(at: float, order: int):
    # The exponential of x has a relative error of x times that of rounding x.
    assert derivative(np.i0, at, order) == pytest.approx(true_i0(at, order), rel=2e-15 + 1e-16)


# Polynomials ------------------------------------------------------------------------------------


def test_a_root_moves_by_the_implicit_formula():
    p = np.poly([1.0, 2.0, 4.0])
    (by_p,) = slopes(lambda p: np.real(np.roots(p))[np.argmax(np.real(np.roots(p)))], p)
    # At 4 the derivative of the polynomial is (4 - 1)(4 - 2) = 6.
    np.testing.assert_allclose(by_p, -np.array([64.0, 16, 4, 1]) / 6, rtol=1e-13)


def test_a_root_at_zero_and_a_leading_zero():
    p = np.array([0.0, 1.0, -3.0, 0.0])  # x**2 - 3 x
    (by_p,) = slopes(lambda p: np.roots(p)[1], p)
    np.testing.assert_allclose(by_p, [0, 0, 0, 1 / 3], atol=1e-15)


def test_a_double_root_moves_infinitely_fast():
    (by_p,) = slopes(lambda p: np.real(np.roots(p)), [1.0, 0.0, 0.0])
    assert not np.isfinite(by_p[-1])


def test_the_derivative_of_powers_at_zero():
    check(lambda x: np.vander(x, 4), ([0.0, 2.0], [1, 1 + 4 + 12]))
    check(lambda x: np.polyval([1.0, 2.0, 3.0], x), ([0.0], [2]))


def test_the_rows_of_a_table_are_coefficients_of_several_polynomials():
    table = [[1.0, 2.0], [0.0, 3.0], [5.0, 0.0]]
    x = np.array([2.0, -1.0])
    value = np.polyval(gt.constant(table), x)
    assert bare(value).tolist() == np.polyval(table, x).tolist() == [9, 5 - 3 - 3 + 2 - 2 + 0]
    check(np.polyval, (table, [[4, 1], [2, -1], [1, 1]]), (x, [2 * 2, -2 * 2 + 3]))


def test_a_fit_through_all_points_interpolates():
    x = np.array([0.0, 1.0, 2.0])
    (by_y,) = slopes(lambda y: np.polyval(np.polyfit(x, y, 2), 0.5), [1.0, 0.0, 5.0])
    np.testing.assert_allclose(by_y, [0.375, 0.75, -0.125], atol=1e-14)  # Lagrange's polynomials


# Sets, ties -------------------------------------------------------------------------------------


def test_of_equal_entries_the_first_one_has_the_gradient():
    check(np.unique, ([2.0, 1.0, 2.0], [1, 1, 0]))
    check(np.union1d, ([1.0, 2.0], [1, 1]), ([2.0, 3.0], [0, 1]))
    check(np.intersect1d, ([1.0, 2.0], [0, 1]), ([2.0, 3.0], [0, 0]))


def test_values_that_are_unordered_have_their_own_gradients():
    x = np.array([3.0, 1.0, NAN, 2.0, 1.0, NAN, 7.0, -5.0])
    weights = np.arange(1.0, 8.0)
    values = np.unique_values(x)
    (by_x,) = slopes(lambda t: np.unique_values(t) * weights, x)
    for value, weight in zip(values, weights, strict=True):
        if not np.isnan(value):
            assert by_x[np.flatnonzero(x == value)[0]] == weight


def test_parts_of_unique_have_their_names():
    found = np.unique_all(gt.constant([2.0, 1.0, 2.0]))
    assert bare(found.values).tolist() == [1, 2]
    assert found.indices.tolist() == [1, 0]
    assert found.inverse_indices.tolist() == [1, 0, 1]
    assert found.counts.tolist() == [1, 2]


# Differences ------------------------------------------------------------------------------------


def test_equally_spaced_places_that_are_tracked_have_their_own_derivatives():
    f, h = np.array([0.0, 1.0, 4.0, 9.0]), 1e-6
    at = np.arange(4.0)
    (by_x,) = slopes(lambda x: np.gradient(f, x), at)
    for i, g in enumerate(by_x):
        step = np.where(np.arange(4) == i, h, 0)
        ahead, behind = np.gradient(f, at + step).sum(), np.gradient(f, at - step).sum()
        assert g == pytest.approx((ahead - behind) / (2 * h), rel=1e-8)


def test_unwrapped_angles_have_slope_one():
    check(np.unwrap, ([0.0, 3.0, -3.0, 2.5, -2.5], [1, 1, 1, 1, 1]))


def test_each_period_added_has_slope_one_by_the_period():
    angles = [0.0, 2.0, 0.5, 2.5, 0.8]  # 0, -1, -2.5, -3.5, -2.2
    check(
        lambda p, period: np.unwrap(p, period=period) * [1, 10, 100, 1000, 1e4],
        (angles, [1, 10, 100, 1000, 1e4]),
        (3.0, -10 - 100 - 2 * 1000 - 1e4),
    )


def test_the_numerical_derivative_of_conditions_is_of_floats():
    f, places = np.array([True, False, True, True]), np.array([0.0, 1.0, 2.0, 4.0])
    found = np.gradient(gt.constant(f), places, edge_order=2)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(bare(found), np.gradient(f, places, edge_order=2))


def test_places_in_a_list_of_tensors_have_their_derivatives():
    check(lambda h: np.gradient(gt.constant([0.0, 1.0, 4.0]), [0 * h, h, 3 * h])[1], (0.5, -14 / 3))


def test_pad_with_nothing_to_fill_from():
    for mode in ("edge", "mean", "maximum", "linear_ramp", "reflect"):
        with pytest.raises(ValueError, match=r"extend empty axis"):
            np.pad(gt.constant(np.zeros((0, 2))), 1, mode)


def test_the_parts_of_what_pads_may_be_tensors():
    weights = np.arange(16.0).reshape(4, 4)
    for mode, argument in (("constant", "constant_values"), ("linear_ramp", "end_values")):
        for ends in (
            lambda c: c,
            lambda c: (c, 1.0),
            lambda c: [[c, 2 * c], [3.0, c * c]],
            lambda c: np.stack([c, 3 * c]),
        ):
            c, x = 0.4, gt.constant([[1.0, 2.0], [3.0, 4.0]])

            def padded(c: Any, x: Any = x, m: str = mode, a: str = argument, e: Any = ends) -> Any:
                return np.sum(weights * np.pad(x, 1, m, **{a: e(c)}))

            (by_c,) = slopes(padded, c)
            ahead, behind = bare(padded(c + 1e-4)), bare(padded(c - 1e-4))
            np.testing.assert_allclose(by_c, (ahead - behind) / 2e-4, rtol=1e-9)


def test_empty_padding_keeps_what_it_surrounds():
    check(lambda x: np.pad(x, 1, "empty")[1:-1] * 3, ([1.0, 2.0], [3, 3]))


# Sequences for arrays ---------------------------------------------------------------------------

NUMPY_2_2 = pytest.mark.skipif(not hasattr(np, "matvec"), reason="needs NumPy 2.2")
MATRIX, VECTOR = [[1.0, 2.0], [3.0, 5.0]], [2.0, 7.0]


@pytest.mark.parametrize(
    ("function", "by_matrix", "by_vector"),
    [
        (np.matmul, [[2, 7], [2, 7]], [4, 7]),
        (np.dot, [[2, 7], [2, 7]], [4, 7]),
        (np.linalg.matmul, [[2, 7], [2, 7]], [4, 7]),
        (lambda a, b: np.matmul(b, a), [[2, 2], [7, 7]], [3, 8]),
        (lambda a, b: np.linalg.multi_dot([b, a]), [[2, 2], [7, 7]], [3, 8]),
        pytest.param(lambda a, b: np.matvec(a, b), [[2, 7], [2, 7]], [4, 7], marks=NUMPY_2_2),
        pytest.param(lambda a, b: np.vecmat(b, a), [[2, 2], [7, 7]], [3, 8], marks=NUMPY_2_2),
        (np.inner, [[2, 7], [2, 7]], [4, 7]),
    ],
)
def test_the_other_factor_may_be_a_list(function: Any, by_matrix: Any, by_vector: Any):
    check(lambda a: function(a, VECTOR), (MATRIX, by_matrix))
    check(lambda b: function(MATRIX, b), (VECTOR, by_vector))


def test_a_number_may_be_repeated():
    x = gt.Variable(2.0)
    with gt.GradientTape(persistent=True) as tape:
        for axis in (None, 0, -1):
            y = np.repeat(x, 3, axis)
            assert y.numpy().tolist() == [2.0, 2.0, 2.0]
            assert tape.gradient(y, x).numpy() == 3.0


def test_nothing_may_be_taken():
    assert bare(np.take(gt.constant(MATRIX), [], 1)).shape == (2, 0)
    check(lambda x: np.take(x, [0, 0], 0), (3.0, 2))


# What is refused --------------------------------------------------------------------------------


@pytest.fixture
def tracked() -> Any:
    x = gt.constant([1.0, 2.0, 3.0])
    with gt.GradientTape() as tape:
        tape.watch(x)
        yield x


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")  # matrices
@pytest.mark.parametrize(
    "call",
    [
        np.vectorize(lambda v: v * v),
        np.array,
        np.asarray,
        np.ascontiguousarray,
        np.asfortranarray,
        np.require,
        np.asarray_chkfinite,
        lambda x: np.full(3, x[0]),
        lambda x: np.bmat([[x]]),
        lambda x: np.array([x[0], 1.0]),
    ],
)
def test_what_makes_a_bare_array_raises(tracked: Any, call: Any):
    with pytest.raises((gt.TrackedConversionError, ValueError, TypeError)) as raised:
        call(tracked)
    chain = [raised.value, raised.value.__cause__, raised.value.__context__]
    (said,) = {str(e) for e in chain if isinstance(e, gt.TrackedConversionError)}
    for words in ("np.array", "np.vectorize", "np.stack([f(v) for v in t])", "gradtape.zeros"):
        assert words in said


def test_what_the_error_names_instead_of_vectorize_has_a_derivative():
    check(lambda t: np.stack([v * v for v in t]), ([1.0, 2.0], [2, 4]))


@pytest.mark.parametrize(
    ("words", "call"),
    [
        ("condition 0 must be boolean", lambda x: np.select([[1, 0, 1]], [x])),
        ("same length", lambda x: np.select([x > 0], [x, x])),
        ("from 0 to 1", lambda x: np.choose([0, 2, 1], [x, x])),
        ("2 functions are expected", lambda x: np.piecewise(x, [x > 0], [abs] * 3)),
        ("order must be non-negative", lambda x: np.diff(x, -1)),
        ("too short", lambda x: np.gradient(x[:1])),
        ("length 3", lambda x: np.gradient(x, [1.0, 2.0])),
        ("edge_order", lambda x: np.gradient(x, edge_order=3)),
        ("one length", lambda x: np.interp(0.5, [0, 1], x)),
        ("must be real", lambda x: np.interp(x * 1j, [0, 1], [1, 2])),
        ("must be real", lambda x: np.interp(0.5, x * 1j, x)),
        ("got a number", lambda x: np.polyval(x[0], x)),
        ("non-zero", lambda x: np.interp(x, [0, 1], [1, 2], period=0)),
        ("mode must be", lambda x: np.convolve(x, x, "bad")),
        ("cannot be empty", lambda x: np.convolve(x, [])),
        ("one axis", lambda x: np.correlate(x[None], x)),
        ("2 or 3 components", lambda x: np.cross(x, [1.0])),
        ("nested to different depths", lambda x: np.block([x, [x]])),
        ("cannot be empty", lambda x: np.block([[], [x]])),
        ("indexing", lambda x: np.meshgrid(x, indexing="yx")),
        ("non-negative", lambda x: np.linspace(x, 1, -1)),
        ("cannot include zero", lambda x: np.geomspace(x * 0, 1)),
        ("not be negative", lambda x: np.polyder(x, -1)),
        ("must hold", lambda x: np.polyint(x, 3, k=[1, 2])),
        ("square matrix", lambda x: np.poly(np.outer(x, x[:2]))),
        ("one axis", lambda x: np.roots(np.outer(x, x))),
        ("one axis", lambda x: np.vander(np.outer(x, x))),
        ("unsupported keyword", lambda x: np.pad(x, 1, "edge", stat_length=1)),
        ("not supported", lambda x: np.pad(x, 1, "sideways")),
    ],
)
def test_wrong_arguments(tracked: Any, words: str, call: Any):
    with pytest.raises((ValueError, TypeError), match=words):
        call(tracked)


def test_a_poly1d_keeps_leading_coefficients_of_zero():
    c = gt.constant([0.0, 2.0, 1.0])
    with gt.GradientTape() as tape:
        tape.watch(c)
        y = np.poly1d(c)(3.0)
    np.testing.assert_array_equal(tape.gradient(y, c).numpy(), [9.0, 3.0, 1.0])


# Masks ------------------------------------------------------------------------------------------

ROW, COLUMN = np.array([True, False, True]), np.array([False, True, True, False])


@pytest.mark.parametrize(
    ("mask", "places"),
    [
        ((ROW,), ([0, 2],)),
        ((slice(None), COLUMN), (slice(None), [1, 2])),
        ((..., COLUMN, None), (..., [1, 2], None)),
        ((None, ROW, slice(1, 3)), (None, [0, 2], slice(1, 3))),
        ((ROW, 1), ([0, 2], 1)),
        ((1, COLUMN), (1, [1, 2])),
        ((ROW, COLUMN), ([0, 2], [1, 2])),
        ((np.outer(ROW, COLUMN),), ([0, 0, 2, 2], [1, 2, 1, 2])),
    ],
    ids=str,
)
def test_a_mask_is_the_places_that_it_holds(mask: Any, places: Any):
    values = np.arange(12.0).reshape(3, 4) / 7
    found, expected = [
        test_dead_branches.derivatives(lambda x, i=index: np.sin(x)[i] ** 2, [values])
        for index in (mask, places)
    ]
    for kind, arrays in expected.items():
        np.testing.assert_array_equal(found[kind][0], arrays[0], err_msg=kind)
