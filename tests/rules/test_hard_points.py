"""Points where a formula could go wrong: ties, zeros, infinities, empty arrays, extremes."""

import operator
from typing import Any

import numpy as np
import pytest

import gradtape as gt
from gradtape.derivatives.primitives import logistic, relu
from tests.rules.tools import bare

INF, NAN = np.inf, np.nan


def slopes(function: Any, *arguments: Any, order: int = 1) -> list[Any]:
    """Derivatives of the sum by every argument (by the first alone, above order one)."""
    xs = [gt.constant(a) for a in arguments]

    def differentiate(order: int) -> Any:
        with gt.GradientTape() as tape:
            tape.watch(xs)
            y = function(*xs) if order == 1 else differentiate(order - 1)[0]
        return tape.gradient(y, xs, unconnected_gradients="zero")

    with np.errstate(all="ignore"):
        return [bare(g) for g in differentiate(order)]


def check(function: Any, *pairs: Any) -> None:
    """Compare the derivative by each argument, given as pairs of argument and derivative."""
    arguments = [argument for argument, _ in pairs]
    for actual, (argument, expected) in zip(slopes(function, *arguments), pairs, strict=True):
        dtype = np.asarray(argument).dtype
        assert actual.dtype == dtype
        np.testing.assert_allclose(actual, expected, rtol=8 * np.finfo(dtype).eps)


# Ties and kinks ---------------------------------------------------------------------------------


@pytest.mark.parametrize("function", [np.maximum, np.minimum, np.fmax, np.fmin])
def test_a_tie_goes_to_the_first(function: Any):
    check(function, ([1.0, 1.0], [1, 1]), ([1.0, 1.0], [0, 0]))


@pytest.mark.parametrize(
    ("function", "x", "y", "by_x", "by_y"),
    [
        (np.maximum, [NAN, 1.0], [1.0, NAN], [0, 0], [1, 1]),
        (np.minimum, [NAN, 1.0], [1.0, NAN], [0, 0], [1, 1]),
        (np.fmax, [NAN, 1.0], [1.0, NAN], [0, 1], [1, 0]),
        (np.fmin, [NAN, 1.0], [1.0, NAN], [0, 1], [1, 0]),
        (np.hypot, [0.0, 3.0, 0.0], [0.0, 4.0, 2.0], [0, 0.6, 0], [0, 0.8, 1]),
        (np.copysign, [0.0, -2.0], [1.0, 1.0], [0, -1], [0, 0]),
        (np.heaviside, [0.0, 1.0, -1.0], [0.5, 0.5, 0.5], [0, 0, 0], [1, 0, 0]),
        (np.remainder, [5.0, -5.0], [3.0, 3.0], [1, 1], [-1, 2]),
        (np.fmod, [5.0, -5.0], [3.0, 3.0], [1, 1], [-1, 1]),
        (np.logaddexp, [INF, -INF, 1000.0, -1000.0, 0.0], [INF, -INF, -1000.0, 1000.0, 0.0],
         [0.5, 0.5, 1, 0, 0.5], [0.5, 0.5, 0, 1, 0.5]),
        (np.logaddexp, [INF, 0.0], [0.0, INF], [1, 0], [0, 1]),
        (np.logaddexp2, [INF, 5000.0], [INF, 0.0], [0.5, 1], [0.5, 0]),
        (np.arctan2, [1e300, 1e-300], [1e300, 1e-300], [5e-301, 5e299], [-5e-301, -5e299]),
        (np.power, [0.0, 0.0, 0.0, 2.0], [0.0, 1.0, 2.0, 0.0], [0, 1, 0, 0], [0, 0, 0, np.log(2)]),
        (np.power, [-2.0, -2.0], [2.0, 3.0], [-4, 12], [0, 0]),
    ],
)  # fmt: skip
def test_two_arguments(function: Any, x: Any, y: Any, by_x: Any, by_y: Any):
    check(function, (x, by_x), (y, by_y))


@pytest.mark.parametrize(
    ("function", "at", "expected"),
    [
        (np.absolute, [-2.0, 0.0, 3.0], [-1, 0, 1]),
        (np.angle, [-2.0, -0.0, 0.0, 3.0], [0, 0, 0, 0]),
        (np.sqrt, [0.0, 4.0], [INF, 0.25]),
        (np.cbrt, [0.0, -8.0], [INF, 1 / 12]),
        (np.log, [0.0], [INF]),
        (np.log1p, [-1.0], [INF]),
        (np.arcsin, [1.0, -1.0], [INF, INF]),
        (np.arccosh, [1.0], [INF]),
        (np.reciprocal, [0.0], [-INF]),
        (np.exp, [1000.0, -1000.0], [INF, 0]),
        (np.tanh, [1000.0, -1000.0, 0.0], [0, 0, 1]),
        (logistic, [1000.0, -1000.0, 0.0], [0, 0, 0.25]),
        (relu, [-1.0, 0.0, 1.0], [0, 0, 1]),
        (lambda x: x**0, [0.0, 2.0], [0, 0]),
        (lambda x: x**1, [0.0, 2.0], [1, 1]),
        (lambda x: x**2, [0.0, -3.0], [0, -6]),
        (lambda x: x**3, [0.0, -2.0], [0, 12]),
        (lambda x: 0**x, [1.0, 2.0], [0, 0]),
        (lambda x: (-2.0) ** x, [2.0, 3.0], [0, 0]),
        (lambda x: np.clip(x, 0, 1), [-1.0, 0.0, 0.5, 1.0, 2.0], [0, 1, 1, 1, 0]),
        (lambda x: np.modf(x)[0], [2.0, -1.5, INF], [1, 1, 0]),
        (lambda x: np.max(x), [1.0, 3.0, 3.0], [0, 0.5, 0.5]),
        (lambda x: np.min(x), [1.0, 1.0, 1.0, 4.0], [1 / 3, 1 / 3, 1 / 3, 0]),
        (lambda x: np.max(x, axis=1), [[1.0, 1.0], [1.0, 3.0]], [[0.5, 0.5], [0, 1]]),
        (lambda x: np.max(x), [1.0, NAN], [NAN, NAN]),
        (np.prod, [2.0, 0.0, 3.0], [0, 6, 0]),
        (np.prod, [0.0, 0.0, 3.0], [0, 0, 0]),
        (np.prod, [5.0], [1]),
        (np.cumprod, [2.0, 0.0, 3.0], [1 + 0, 2 + 6, 0]),
        (np.cumprod, [0.0, 0.0, 3.0], [1, 0, 0]),
        (lambda x: np.std(x), [3.0], [0]),
        (lambda x: np.var(x), [3.0], [0]),
        (lambda x: np.std(x, ddof=1), [1.0, 3.0], [-np.sqrt(0.5), np.sqrt(0.5)]),
        (lambda x: x.astype(np.float32), [1.5], [1]),
        (lambda x: x.astype(np.float32).astype(np.float64), [0.1], [1]),
    ],
)  # fmt: skip
def test_one_argument(function: Any, at: Any, expected: Any):
    check(function, (at, expected))


@pytest.mark.filterwarnings("ignore:Degrees of freedom")
def test_the_variance_of_too_few_is_nan():
    check(lambda x: np.var(x, ddof=1), ([3.0], [NAN]))


@pytest.mark.parametrize(
    ("function", "at", "expected"),
    [
        (np.prod, [2.0, 0.0, 3.0], [3, 5, 2]),
        (lambda x: x**2, [0.0], [2]),
        (lambda x: x**3, [0.0], [0]),
        (lambda x: np.power(x, np.array([2.0, 1.0, 3.0])), [0.0, 0.0, 0.0], [2, 0, 0]),
        (lambda x: np.logaddexp(x, 0.0), [1000.0, 0.0], [0, 0.25]),
        (logistic, [0.0, 800.0, -800.0], [0, 0, 0]),
        (np.cumprod, [0.0, 0.0, 3.0], [0 + 3 + 1, 1 + 3, 0]),
    ],
)
def test_second_derivatives(function: Any, at: Any, expected: Any):
    """The rows of the Hessian, summed up."""
    np.testing.assert_allclose(slopes(function, at, order=2)[0], expected, rtol=1e-14)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("at", [50.0, -50.0, 100.0, 1e30])
@pytest.mark.parametrize("function", [np.tanh, logistic, lambda x: np.logaddexp(x, 0), np.arctan])
def test_saturated_functions_stay_finite_in_float32(function: Any, at: float, order: int):
    (actual,) = slopes(function, np.float32(at), order=order)
    assert actual.dtype == np.float32
    assert np.isfinite(actual)
    assert order == 1 or abs(actual) < 1e-4


# Shapes with nothing, or one, in them -------------------------------------------------------------

EMPTY: list[Any] = [
    *(np.sum, np.mean, np.prod, np.cumsum, np.cumprod, np.exp, np.sort, np.ravel, np.transpose),
    *(np.flip, np.unique, np.var, np.std, lambda x: x * 2, lambda x: x[:0], lambda x: x.T @ x),
    *(lambda x: x @ x.T, lambda x: np.sum(x, 0), lambda x: np.max(x, 0, keepdims=True)),
    *(lambda x: np.concatenate([x, x]), lambda x: np.stack([x, x]), lambda x: np.pad(x, 1)),
    *(lambda x: np.tile(x, 2), lambda x: np.repeat(x, 2, 0), lambda x: np.roll(x, 1)),
    *(lambda x: np.einsum("ij->j", x), lambda x: np.where(x > 0, x, 0), lambda x: x[[]]),
    *(lambda x: np.tensordot(x, x, 2), lambda x: np.array_split(x, 2)[0], lambda x: np.trace(x)),
    *(lambda x: x[np.zeros(x.shape, bool)], lambda x: np.broadcast_to(x, (4, *x.shape))),
    *(lambda x: np.prod(x, 0), lambda x: np.cumprod(x, 1)),
]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
@pytest.mark.parametrize("index", range(len(EMPTY)))
def test_empty_arrays(index: int, shape: Any):
    function, x = EMPTY[index], np.zeros(shape)
    try:
        expected = function(x)
    except ValueError:  # no largest of nothing
        with pytest.raises(ValueError, match=r".+"):
            function(gt.constant(x))
        return
    t = gt.constant(x)
    with gt.GradientTape(persistent=True) as tape:
        tape.watch(t)
        y = function(t)
    np.testing.assert_array_equal(bare(y), expected)
    assert tape.gradient(y, t).shape == shape
    if expected.size:
        assert tape.jacobian(y, t).shape == expected.shape + shape


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        ([0, 0, 2, 0], [3, 0, 1]),
        (np.array([[0, -1], [-1, 2]]), [1, 0, 3]),
        ([True, False, True], [1, 0, 1]),
        (np.array([False, False, False]), [0, 0, 0]),
        (slice(None, None, -2), [1, 0, 1]),
        (slice(5, 9), [0, 0, 0]),
        ((None, Ellipsis, 1), [0, 1, 0]),
        (np.int8(-1), [0, 0, 1]),
        ([], [0, 0, 0]),
        (True, [1, 1, 1]),
    ],
)
def test_indices(index: Any, expected: Any):
    check(lambda x: operator.getitem(x, index), ([1.0, 2.0, 3.0], expected))


def test_an_index_written_to_later_counts_as_it_was():
    index = np.array([0, 1])
    x = gt.constant([1.0, 2.0, 3.0])
    with gt.GradientTape() as tape:
        tape.watch(x)
        y = x[index] * 2
    index[:] = 2
    assert bare(tape.gradient(y, x)).tolist() == [2, 2, 0]


# Complex numbers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "at", "expected"),
    [
        (np.absolute, [3 + 4j, 0j], [0.6 + 0.8j, 0]),
        (lambda z: np.real(z), [1 + 2j], [1]),
        (lambda z: np.imag(z), [1 + 2j], [1j]),
        (lambda z: np.absolute(z) ** 2, [1 + 2j], [2 + 4j]),
        (lambda z: np.real(z * np.conjugate(z)), [1 + 2j], [2 + 4j]),
        (lambda z: np.angle(z), [2j], [-0.5]),
        (lambda z: z * z, [1 + 2j], [2 - 4j]),
        (np.exp, [1j], [np.exp(-1j)]),
    ],
)
def test_complex_gradients_are_steepest_ascent(function: Any, at: Any, expected: Any):
    np.testing.assert_allclose(slopes(function, at)[0], expected, rtol=1e-15, atol=1e-16)


def test_a_real_source_of_a_complex_value_has_a_real_gradient():
    x = np.array([0.3, 0.7])
    check(lambda t: np.real(np.exp(1j * t)), (x, -np.sin(x)))
    check(lambda t: np.absolute(t * (3 + 4j)), (x, [5, 5]))


@pytest.mark.parametrize("function", [np.maximum, np.minimum, np.fmax, np.fmin])
def test_of_a_choice_only_one_boolean_array_is_kept(function: Any):
    """Not its argument, which often nothing else holds: a network's values before the rectifier."""
    x = gt.constant([1.0, -1.0, NAN])
    with gt.GradientTape() as tape:
        tape.watch(x)
        function(x, 0)
    ((*_, saved, _, _),) = tape._records
    assert saved[:2] == (None, None)
    assert saved[2].dtype == bool


def test_mixed_derivative_of_a_power_at_exponent_0():
    # d/dx x^y = y x^(y-1), of which the derivative by y at 0 is 1/x.
    mixed = gt.grad(gt.grad(np.power, 0), 1)
    assert mixed(2.0, 0.0) == 0.5
    assert gt.grad(gt.grad(np.power, 1), 0)(2.0, 0.0) == 0.5
