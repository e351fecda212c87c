"""Reductions at their hard points: what a mask leaves out, NaN, ties, ends, infinities; by hand."""

from typing import Any

import numpy as np
import pytest

import gradtape as gt
from tests.rules.tools import bare

NAN, INF = np.nan, np.inf


def gradient(function: Any, at: Any) -> list[Any]:
    """The gradient of the function's sum, as nested lists."""
    x = gt.constant(np.asarray(at, float))
    with gt.GradientTape() as tape, np.errstate(all="ignore"):
        tape.watch(x)
        y = np.sum(function(x))
    return bare(tape.gradient(y, x, unconnected_gradients="zero")).tolist()


def check(function: Any, at: Any, expected: Any) -> None:
    np.testing.assert_allclose(gradient(function, at), expected, rtol=1e-14, atol=1e-15)


# What a mask leaves out ---------------------------------------------------------------------------

BAD = np.array([[1.0, NAN, 3.0], [2.0, 5.0, -INF], [NAN, INF, 0.0]])
MASK = np.array([[True, False, True], [True, True, False], [False, False, False]])

MASKED: dict[str, Any] = {
    "sum": lambda x, m: np.sum(x, 1, where=m),
    "mean": lambda x, m: np.mean(x, 1, where=m),
    "prod": lambda x, m: np.prod(x, 1, where=m),
    "var": lambda x, m: np.var(x, 1, where=m),
    "std": lambda x, m: np.std(x, 1, where=m),
    "max": lambda x, m: np.max(x, 1, where=m, initial=-9),
    "min": lambda x, m: np.min(x, 1, where=m, initial=9),
    "reduce": lambda x, m: np.add.reduce(x, 1, where=m),
    "logaddexp": lambda x, m: np.logaddexp.reduce(x, 1, where=m),
    "nansum": lambda x, m: np.nansum(x, 1, where=m),
    "nanmean": lambda x, m: np.nanmean(x, 1, where=m),
    "nanvar": lambda x, m: np.nanvar(x, 1, where=m),
    "nanmax": lambda x, m: np.nanmax(x, 1, where=m, initial=-9),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", MASKED)
def test_what_a_mask_leaves_out_has_gradient_zero_in_every_mode(name: str):
    function = MASKED[name]
    good = np.where(MASK, BAD, 1.0)
    found = []
    for at in (BAD, good):
        x = gt.constant(at)
        with gt.GradientTape(persistent=True) as outer:
            outer.watch(x)
            with gt.GradientTape(persistent=True) as inner:
                inner.watch(x)
                y = function(x, MASK)
            first = inner.gradient(y, x)
            once = np.sum(first * np.arange(9.0).reshape(3, 3))
        second = outer.gradient(once, x, unconnected_gradients="zero")
        jacobian = inner.jacobian(y, x)
        with gt.ForwardAccumulator(x, gt.constant(np.ones((3, 3)))) as accumulator:
            z = function(x, MASK)
        found.append([bare(v) for v in (first, second, jacobian, accumulator.jvp(z))])
    for actual, expected in zip(*found, strict=True):
        np.testing.assert_array_equal(actual, expected)
    assert not found[0][0][~MASK].any()
    assert not found[0][2][:, ~MASK].any()


def test_a_tie_is_shared_among_what_the_mask_includes():
    mask = np.array([True, True, False, True])
    check(lambda x: np.max(x, where=mask, initial=0), [2, 2, 2, 1], [0.5, 0.5, 0, 0])
    check(lambda x: np.nanmax(x), [2, NAN, 2, 1], [0.5, 0, 0.5, 0])
    check(lambda x: np.fmin.reduce(x), [NAN, 1, 1, 4], [0, 0.5, 0.5, 0])


def test_an_initial_value_that_is_as_large_leaves_the_gradient_to_the_entries():
    check(lambda x: np.max(x, initial=2), [2, 1, 2], [0.5, 0, 0.5])
    check(lambda x: np.max(x, initial=3), [2, 1, 2], [0, 0, 0])
    check(lambda x: np.min(x, initial=x[0]), [2, 1, 2], [0, 1, 0])


def test_a_mask_written_to_later_counts_as_it_was():
    mask = np.array([True, False])
    x = gt.constant([1.0, 2.0])
    with gt.GradientTape() as tape:
        tape.watch(x)
        y = np.prod(x, where=mask)
    mask[:] = True
    assert bare(tape.gradient(y, x)).tolist() == [1, 0]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_one_entry_has_no_spread():
    one = np.array([[True, False], [True, True]])
    at = [[4.0, 7.0], [1.0, 3.0]]
    check(lambda x: np.std(x, 1, where=one), at, [[0, 0], [-0.5, 0.5]])
    check(lambda x: np.nanstd(x, 1), [[4.0, NAN], [1.0, 3.0]], [[0, 0], [-0.5, 0.5]])
    check(lambda x: np.nanstd(x, 1), [[NAN, NAN], [1.0, 3.0]], [[0, 0], [-0.5, 0.5]])


@pytest.mark.parametrize("function", [np.max, np.min])
def test_without_an_initial_value_a_mask_is_refused_as_in_numpy(function: Any):
    with pytest.raises(ValueError, match="identity"):
        function(gt.constant([1.0, 2.0]), where=[True, False])


def test_a_mask_of_another_shape_is_refused():
    x = gt.constant([1.0, 2.0])
    for function in (np.sum, np.mean, np.prod, np.var):
        with pytest.raises(ValueError, match=r"where|shape|operand"):
            function(x, where=np.ones((2, 2), bool))


def test_ddof_and_correction_are_one_thing():
    with pytest.raises(ValueError, match="ddof=1 or correction=2, not both"):
        np.var(gt.constant([1.0, 2.0]), ddof=1, correction=2)


def test_arguments_beyond_those_with_a_place_here_may_be_given_in_numpys_order():
    x = gt.constant([[1.0, 2.0], [5.0, 8.0]])
    assert bare(np.sum(x, 0, None, None, True)).tolist() == [[6, 10]]
    assert bare(np.max(x, 0, None, True)).tolist() == [[5, 8]]
    assert bare(np.std(x, 1, None, None, 1)).tolist() == np.std(x.numpy(), 1, ddof=1).tolist()
    assert bare(np.percentile(x, 50, 0, None, False, "lower")).tolist() == [1, 2]
    with gt.GradientTape() as tape:
        tape.watch(x)
        with pytest.raises(gt.NoRuleError, match="'out'"):
            np.sum(x, 0, None, np.empty(2))


# NaN left out -------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    "function",
    [np.nansum, np.nanprod, np.nanmean, np.nanvar, np.nanstd, np.nanmax, np.nanmin, np.nanmedian],
)
def test_nothing_but_nan(function: Any):
    assert gradient(lambda x: function(x, 1)[0], [[NAN, NAN], [1, 2]]) == [[0, 0], [0, 0]]
    assert not np.isnan(gradient(lambda x: function(x, 1)[1], [[NAN, NAN], [1, 2]])).any()


def test_nan_where_it_counts_stays_nan():
    assert np.isnan(gradient(np.max, [NAN, 1])).any()
    assert np.isnan(gradient(lambda x: np.nanprod(x) * NAN, [1, 2])).all()


# Order statistics ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "at", "expected"),
    [
        (np.median, [3, 1, 2], [0, 0, 1]),
        (np.median, [3, 1, 2, 9], [0.5, 0, 0.5, 0]),
        (np.median, [NAN, 1, 2], [1, 0, 0]),
        (np.nanmedian, [NAN, 1, 2], [0, 0.5, 0.5]),
        (np.nanmedian, [NAN, 1, 2, 1e308], [0, 0, 1, 0]),
        (lambda x: np.quantile(x, 0.0), [3, 1, 2], [0, 1, 0]),
        (lambda x: np.quantile(x, 1.0), [3, 1, 2], [1, 0, 0]),
        (lambda x: np.quantile(x, 0.5), [3, 1, 2], [0, 0, 1]),
        (lambda x: np.quantile(x, 0.25), [3, 1, 2], [0, 0.5, 0.5]),
        (lambda x: np.percentile(x, [25, 100]), [3, 1, 2], [1, 0.5, 0.5]),
        (lambda x: np.nanquantile(x, 0.25), [3, NAN, 1, 2], [0, 0, 0.5, 0.5]),
        (lambda x: np.quantile(x, 0.3, method="lower"), [3, 1, 2], [0, 1, 0]),
        (lambda x: np.quantile(x, 0.3, method="midpoint"), [3, 1, 2], [0, 0.5, 0.5]),
        (
            lambda x: np.quantile(x, 0.5, method="inverted_cdf", weights=[8, 1, 1]),
            [3, 1, 2],
            [1, 0, 0],
        ),
        (lambda x: np.partition(x, 1)[1], [3, 1, 2], [0, 0, 1]),
        (lambda x: np.sort_complex(x)[0].real, [3, 1, 2], [0, 1, 0]),
    ],
)
def test_order_statistics(function: Any, at: Any, expected: Any):
    check(function, at, expected)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_one_large_number_is_its_own_median():
    assert bare(np.nanmedian(gt.constant([[1e308, NAN], [1.0, 2.0]]), 1)).tolist() == [1e308, 1.5]


def test_equal_entries_give_the_gradient_to_those_that_sorting_puts_there():
    x = np.array([2.0, 1.0, 2.0, 2.0, 1.0])
    expected = np.zeros(5)
    expected[np.argsort(x)[2]] = 1
    check(np.median, x, expected)


def test_the_end_of_a_quantile_is_flat_where_its_place_is_beyond_the_data():
    squares = np.arange(4.0) ** 2

    def by_q(method: str, q: float) -> float:
        return gradient(lambda q: np.quantile(squares, q, method=method), q)  # type: ignore[return-value]

    assert by_q("linear", 0.5) == 3 * (4 - 1)
    assert by_q("hazen", 0.5) == 4 * (4 - 1)
    assert by_q("weibull", 0.05) == 0
    assert by_q("weibull", 0.95) == 0
    assert gradient(lambda q: np.percentile(squares, q), 50.0) == pytest.approx(3 * 3 / 100)
    places = gt.constant(squares)
    check(lambda q: np.quantile(places, [0.1, q, 1 - q]), 0.5, 3 * (4 - 1) - 3 * (4 - 1))
    check(lambda q: np.quantile(places, [[q], [0.2]]), 0.9, 3 * (9 - 4))


def test_an_entry_at_the_place_stands_for_itself():
    """What stands next to it counts nothing, even behind an infinite slope."""
    check(lambda x: np.quantile(np.sqrt(x), 1 / 2), [4.0, 0.0, 16.0, 9.0, 1.0], [0.25, 0, 0, 0, 0])


@pytest.mark.parametrize("method", ["hazen", "weibull", "median_unbiased", "averaged_inverted_cdf"])
def test_beyond_an_end_its_entry_stands_alone_even_beside_infinity(method: Any):
    for data, q in ((np.array([INF, 1.0]), 0.01), (np.array([-INF, 3.0]), 1.0)):
        with np.errstate(invalid="ignore"):
            expected = np.quantile(data, q, method=method)
            assert bare(np.quantile(gt.constant(data), q, method=method)) == expected
        assert np.isfinite(expected)
        check(lambda t, q=q: np.quantile(t, q, method=method), data, data == expected)
        assert gradient(lambda q, d=data: np.quantile(d, q, method=method), q) == 0


@pytest.mark.parametrize("q", [-0.1, 1.5])
def test_quantiles_beyond_the_whole_are_refused_as_in_numpy(q: float):
    with pytest.raises(ValueError, match=r"range \[0, 1\]"):
        np.quantile(gt.constant([1.0, 2.0]), q)
    with pytest.raises(ValueError, match=r"range \[0, 100\]"):
        np.percentile(gt.constant([1.0, 2.0]), 100 * q)


# Variances ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ddof", "correction"])
@pytest.mark.parametrize("function", [np.var, np.nanvar])
def test_degrees_of_freedom_have_a_derivative(function: Any, name: str):
    x = np.array([1.0, 2.0, 6.0])  # its squared distances from the mean sum up to 14
    check(lambda d: function(gt.constant(x), **{name: d}), 1.0, 14 / (3 - 1) ** 2)
    check(lambda d: function(gt.constant(x), **{name: d}), 0.5, 14 / (3 - 0.5) ** 2)
    root = np.sqrt(14 / 2)
    spread = {np.var: np.std, np.nanvar: np.nanstd}[function]
    check(lambda d: spread(gt.constant(x), **{name: d}), 1.0, 14 / 4 / (2 * root))


# Averages, covariances, counts --------------------------------------------------------------------


def test_weights_that_sum_to_zero_are_refused():
    with pytest.raises(ZeroDivisionError, match="weights sum to zero"):
        np.average(gt.constant([1.0, 2.0]), weights=[1.0, -1.0])


def test_weights_that_do_not_fit_are_refused():
    x = gt.constant([[1.0, 2.0]])
    with pytest.raises(TypeError, match="need axis="):
        np.average(x, weights=[1.0, 2.0])
    with pytest.raises(ValueError, match=r"do not fit the array along axis 0"):
        np.average(x, 0, weights=[1.0, 2.0])


def test_the_correlation_of_points_on_a_line_has_no_slope():
    check(lambda x: np.corrcoef(x, 2 * x + 1)[0, 1], [1.0, 2.0, 4.0], [0, 0, 0])


def test_sums_of_weights_in_bins():
    places = [0.0, 1.0, 2.5, 3.0, 7.0]
    check(lambda w: np.bincount([1, 0, 1, 1, 3], w) * [1, 10, 5, 3], np.ones(5), [10, 1, 10, 10, 3])
    check(
        lambda w: np.histogram(places, [0, 1, 3], weights=w)[0] * [1, 2],
        np.ones(5),
        [1, 2, 2, 2, 0],
    )
    counts, edges = np.histogram(gt.constant(places), 2)
    assert counts.tolist() == [4, 1]
    assert edges.tolist() == [0, 3.5, 7]


PLACES = np.array([0.2, 0.9, 1.4, 2.2, 3.0])


def by_differences(function: Any, at: Any) -> Any:
    at, h = np.asarray(at, float), 1e-6
    ahead, behind = [
        [np.sum(function(at + step)) for step in s * h * np.eye(at.size)] for s in (1, -1)
    ]
    return np.subtract(ahead, behind) / (2 * h)


@pytest.mark.parametrize("weights", [None, np.arange(1.0, 6.0)])
@pytest.mark.parametrize("several", [False, True])
def test_a_density_depends_on_the_edges_of_its_bins(weights: Any, several: bool):
    factors = np.array([1.0, 10.0, 100.0])
    rest: Any = {"density": True, "weights": weights}
    points = np.stack([PLACES, PLACES**2], -1)

    def by_edges(edges: Any) -> Any:
        if several:
            return np.histogramdd(points, [edges, 2], **rest)[0] * factors[:, None]
        return np.histogram(PLACES, edges, **rest)[0] * factors

    def by_sample(sample: Any) -> Any:
        if several:
            return np.histogram2d(sample, points[:, 1], [3, 2], **rest)[0] * factors[:, None]
        return np.histogram(sample, 3, **rest)[0] * factors

    def by_range(ends: Any) -> Any:
        sample = points if not isinstance(ends, gt.Tensor) else gt.constant(points)
        if several:
            return np.histogramdd(sample, (3, 2), [ends, (0, 9.5)], **rest)[0] * factors[:, None]
        return np.histogram(sample[:, 0], 3, ends, **rest)[0] * factors

    for function, at in (
        (by_edges, [0.0, 1.0, 2.0, 4.0]),
        (by_sample, PLACES),
        (by_range, [-0.1, 3.3]),
    ):
        np.testing.assert_allclose(
            gradient(function, at), by_differences(function, at), rtol=1e-8, atol=1e-8
        )


def test_edges_given_as_a_tensor_are_answered_and_others_are_bare():
    edges = gt.constant([0.0, 1.0, 4.0])
    with gt.GradientTape() as tape:
        tape.watch(edges)
        counts, same = np.histogram(PLACES, edges)
        table, *both = np.histogram2d(PLACES, PLACES, edges)
        _, found = np.histogram(edges, 2, density=True)
    assert counts.tolist() == [2, 3]
    assert table.tolist() == [[2, 0], [0, 3]]
    assert all([e is edges for e in (same, *both)])
    assert type(found) is np.ndarray


def test_a_density_of_one_value_keeps_its_width():
    check(lambda x: np.histogram(x, 2, density=True)[0], [3.0, 3.0], [0, 0])


# Methods of ufuncs --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "at", "expected"),
    [
        (np.logaddexp.reduce, [1000, 1000, -INF], [0.5, 0.5, 0]),
        (np.logaddexp.reduce, [-INF, -INF], [0.5, 0.5]),
        (np.logaddexp.reduce, [INF, 1, INF], [0.5, 0, 0.5]),
        (np.logaddexp2.reduce, [-1e4, -1e4 + 1], [1 / 3, 2 / 3]),
        (np.hypot.reduce, [0, 0], [0, 0]),
        (np.hypot.reduce, [2, -3, 6], [2 / 7, -3 / 7, 6 / 7]),
        (np.hypot.reduce, [3e300, 4e300], [0.6, 0.8]),
        (np.subtract.reduce, [5, 2, 1], [1, -1, -1]),
        (np.true_divide.reduce, [8, 2, 4], [1 / 8, -1 / 2, -1 / 4]),
        # ((2^3)^1)^2 = 64, which NumPy 2.4 takes for 2^2 on some processors
        (np.power.reduce, [2, 3, 1, 2], [192, 128 * np.log(2), 128 * np.log(8), 64 * np.log(8)]),
        (np.maximum.accumulate, [1, 3, 3, 2], [1, 3, 0, 0]),
        (np.minimum.accumulate, [3, NAN, 1], [1, 2, 0]),
        (np.fmax.accumulate, [NAN, 2, NAN, 5], [1, 2, 0, 1]),
        (lambda x: np.add.reduceat(x, [1, 0, 2]) * [1, 10, 100], [1, 2, 3], [10, 11, 100]),
        (lambda x: np.multiply.reduceat(x, [0, 2]), [2, 0, 3, 4], [0, 2, 4, 3]),
        (lambda x: np.maximum.outer(x, [1.0, 2.5]), [2.0, 3.0], [1, 2]),
        (lambda x: np.subtract.outer([1.0, 2.0], x), [5.0, 6.0], [-2, -2]),
        (lambda x: np.subtract.reduce(x, (), initial=5.0) * [1, 10], [2, 1], [-1, -10]),
        (lambda x: np.true_divide.reduce(x, 0, initial=6.0), 2.0, -1.5),
        (lambda x: np.hypot.reduce(x, None, initial=3.0), 4.0, 0.8),
    ],
)
def test_methods_of_ufuncs(function: Any, at: Any, expected: Any):
    check(function, at, expected)


@pytest.mark.parametrize("dtype", ["f", "e", "i", "?"])
@pytest.mark.parametrize("function", [np.multiply, np.true_divide, np.logaddexp, np.hypot])
def test_methods_of_ufuncs_answer_in_numpys_dtypes(function: Any, dtype: str):
    x = np.array([1, 2, 1]).astype(dtype)
    for call in (
        lambda x: function.outer(x, 2),  # a Python number counts as an array here
        lambda x: function.outer(2.5, x),
        lambda x: function.reduceat(x, [0, 0, 2]),
        lambda x: function.reduce(x, (), initial=2),
        lambda x: function.reduce(x, initial=2),
    ):
        actual, expected = call(gt.constant(x)), call(x)
        assert actual.dtype == expected.dtype
        np.testing.assert_allclose(bare(actual), expected, rtol=4 * float(np.finfo("e").eps))


def test_running_logarithms_of_sums_do_not_overflow():
    x = np.array([-1000.0, 1000.0, 0.0, 1000.0])
    weights = np.array([1.0, 10.0, 100.0, 1000.0])
    check(lambda t: np.logaddexp.accumulate(t) * weights, x, [1, 10 + 100 + 500, 0, 500])


def test_methods_of_ufuncs_of_other_packages():
    special = pytest.importorskip("scipy.special")
    check(lambda x: special.xlogy.outer(x, [1.0, np.e]), [2.0, 3.0], [1, 1])


def test_methods_without_derivative_answer_with_bare_values():
    x = gt.constant([1.0, 0.0])
    with gt.GradientTape() as tape:
        tape.watch(x)
        table = np.less.outer(x, [0.5, 2.0])
        every = np.logical_and.reduce(x)
    assert table.tolist() == [[False, True], [True, True]]
    assert not every


@pytest.mark.parametrize(
    "method",
    [
        lambda x: np.remainder.reduce(x, where=[True, False], initial=5.0),
        lambda x: np.divmod.outer(x, x, dtype=float),
    ],
)
def test_arguments_of_methods_that_are_not_handled(method: Any):
    x = gt.constant([1.0, 2.0])
    with gt.GradientTape() as tape:
        tape.watch(x)
        with pytest.raises(gt.NoRuleError):
            method(x)


def test_methods_that_numpy_does_not_have_say_so():
    x = gt.constant([1.0, 2.0])
    with pytest.raises(ValueError, match="binary"):
        np.exp.reduce(x)
    with pytest.raises(ValueError, match="reorderable"):
        np.subtract.reduce(gt.constant(np.ones((2, 2))), axis=None)


def test_a_complex_mean_of_real_data_is_squared_as_numpy_does():
    x, m = np.array([1.0, 2.0, 4.0]), np.array([1 + 0.5j])
    with gt.GradientTape() as tape:
        a = gt.constant(x)
        tape.watch(a)
        y = np.var(a, mean=m)
    np.testing.assert_allclose(y.numpy(), np.var(x, mean=m), rtol=1e-15)
    np.testing.assert_allclose(tape.gradient(y, a).numpy(), 2 * (x - 1) / 3)
