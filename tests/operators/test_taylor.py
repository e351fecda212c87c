"""Taylor coefficients: closed forms, mpmath, hard points, shapes, composition, programs, errors."""

from collections.abc import Callable
from math import factorial
from typing import Any, NamedTuple

import mpmath
import numpy as np
import pytest
import scipy.special as sp
from hypothesis import given
from hypothesis import strategies as st

import gradtape as gt
from tests.operators.test_taylor_rules import CHANGE, MATRIX, near, nested

# Values -----------------------------------------------------------------------------------------

mp = mpmath.mp


class Known(NamedTuple):
    """A function, the same in mpmath, and a place."""

    ours: Callable[..., Any]
    theirs: Callable[..., Any]
    x: float = 0.3
    rtol: float = 1e-12


KNOWN = {
    "exp": Known(np.exp, mp.exp),
    "sin": Known(np.sin, mp.sin),
    "tan": Known(np.tan, mp.tan),
    "tanh": Known(np.tanh, mp.tanh),
    "log": Known(np.log, mp.log),
    "log1p": Known(np.log1p, mp.log1p),
    "log1p at 0": Known(np.log1p, mp.log1p, 0.0),
    "expm1 near 0": Known(np.expm1, mp.expm1, 1e-9),
    "arctan": Known(np.arctan, mp.atan, rtol=1e-10),
    "arcsin": Known(np.arcsin, mp.asin),
    "arccosh": Known(np.arccosh, mp.acosh, 1.7, 1e-9),
    "arcsinh": Known(np.arcsinh, mp.asinh, rtol=1e-9),
    "sqrt": Known(np.sqrt, mp.sqrt),
    "cbrt": Known(np.cbrt, mp.cbrt),
    "geometric": Known(lambda x: 1 / (1 - x), lambda x: 1 / (1 - x), -0.5),
    "quotient": Known(lambda x: np.sin(x) / np.cosh(x), lambda x: mp.sin(x) / mp.cosh(x)),
    "a root": Known(lambda x: x**2.5, lambda x: x ** mp.mpf(2.5)),
    "a negative power": Known(lambda x: x**-3, lambda x: x**-3),
    "x to the x": Known(lambda x: x**x, lambda x: x**x),
    "3 to the x": Known(lambda x: 3**x, lambda x: mp.mpf(3) ** x),
    "exp of sin": Known(lambda x: np.exp(np.sin(x)), lambda x: mp.exp(mp.sin(x)), rtol=1e-10),
    "sinc": Known(np.sinc, mp.sincpi),
    "sinc at 0": Known(np.sinc, mp.sincpi, 0.0),
    "hypot": Known(
        lambda x: np.hypot(x, 2 * x + 1), lambda x: mp.sqrt(x**2 + (2 * x + 1) ** 2), rtol=1e-9
    ),
    "arctan2": Known(
        lambda x: np.arctan2(x, 2 * x + 1), lambda x: mp.atan(x / (2 * x + 1)), rtol=1e-8
    ),
    "logaddexp": Known(
        lambda x: np.logaddexp(x, 2 * x), lambda x: mp.log(mp.exp(x) + mp.exp(2 * x)), rtol=1e-9
    ),
    "gamma": Known(sp.gamma, mp.gamma, 1.3),
    "erf": Known(sp.erf, mp.erf),
    "expit": Known(sp.expit, lambda x: 1 / (1 + mp.exp(-x)), rtol=1e-10),
}


def reference(f: Callable[..., Any], x: float, order: int) -> list[float]:
    """Taylor coefficients with many digits, by mpmath's differences."""
    with mpmath.workdps(80):
        return [float(mp.re(c)) for c in mpmath.taylor(f, mp.mpf(x), order)]


@pytest.mark.parametrize("name", KNOWN)
def test_order_twenty_against_mpmath(name: str) -> None:
    ours, theirs, x, rtol = KNOWN[name]
    expected = np.array(reference(theirs, x, 20))
    # Differences leave dust where a coefficient is zero.
    size = np.abs(expected)
    atol = 1e-13 * np.maximum(np.roll(size, 1), np.roll(size, -1))
    actual = np.array(gt.taylor(ours, 20)(x, 1.0))
    assert np.all(np.abs(actual - expected) <= rtol * size + atol), actual / expected - 1


def test_bessel_functions_by_their_recurrence() -> None:
    # 2 J_v' = J_{v-1} - J_{v+1} (DLMF 10.6.1), applied k times.
    x, order = 1.3, 8
    actual = gt.taylor(lambda x: sp.jv(2.0, x), order)(x, 1.0)
    for k in range(order + 1):
        terms = [(-1) ** i * sp.binom(k, i) * sp.jv(2 - k + 2 * i, x) for i in range(k + 1)]
        near(actual[k], sum(terms) / 2**k / factorial(k), 1e-11)


def test_series_of_matrices() -> None:
    order, eye = 6, np.eye(2)
    inverse = gt.taylor(np.linalg.inv, order)(MATRIX, CHANGE)
    step = -np.linalg.inv(MATRIX) @ CHANGE
    for k in range(order + 1):  # Neumann's series
        near(inverse[k], np.linalg.matrix_power(step, k) @ np.linalg.inv(MATRIX), atol=1e-14)
    square = gt.taylor(lambda a: a @ a, order)(MATRIX, CHANGE)
    near(square[:3], [MATRIX @ MATRIX, MATRIX @ CHANGE + CHANGE @ MATRIX, CHANGE @ CHANGE])
    assert not np.any(square[3:])
    solved = gt.taylor(lambda a: np.linalg.solve(a, eye[0]), order)(MATRIX, CHANGE)
    near(solved, [c[:, 0] for c in inverse], atol=1e-14)
    cube = gt.taylor(lambda a: np.einsum("ij,jk,ki->", a, a, a), order)(MATRIX, CHANGE)
    near(cube[3], np.trace(np.linalg.matrix_power(CHANGE, 3)))
    near(cube[2], 3 * np.trace(MATRIX @ CHANGE @ CHANGE))
    assert cube[4] == 0


def test_determinants_and_eigenvalues_are_roots_of_the_characteristic_polynomial() -> None:
    a = np.array([[2.0, 1.0, 0.0], [1.0, 3.0, -1.0], [0.0, -1.0, 0.5]])
    determinant = gt.taylor(lambda t: np.linalg.det(a - t * np.eye(3)), 5)(0.0, 1.0)
    # An eigenvalue near 0.1 is how far the series of the inverse reaches.
    near(determinant, [*-np.poly(a)[::-1], 0, 0], 1e-11, 1e-10)
    b = np.diag([1.0, -1.0, 2.0]) + 0.5
    order = 6
    values, vectors = zip(
        *gt.taylor(lambda t: tuple(np.linalg.eigh(a + t * b)), order)(0.0, 1.0), strict=True
    )
    for n in range(order + 1):  # a x = x l, coefficient by coefficient
        right = sum([vectors[j] * values[n - j] for j in range(n + 1)])
        near(a @ vectors[n] + (b @ vectors[n - 1] if n else 0), right, atol=1e-11)


def test_products_of_several_arrays() -> None:
    x, v = np.array([[0.0, 2.0, 3.0]]).T, np.array([[1.0], [0.5], [2.0]])
    near(gt.taylor(np.prod, 4)(x, v), [0.0, 6.0, 5.5, 1.0, 0.0])
    series = gt.taylor(np.convolve, 3, (0, 1))(x[:, 0], x[:2, 0], (v[:, 0], v[:2, 0]))
    crossed = np.convolve(x[:, 0], v[:2, 0]) + np.convolve(v[:, 0], x[:2, 0])
    near(series[1], crossed)
    near(series[2], np.convolve(v[:, 0], v[:2, 0]))
    assert not np.any(series[3])


numbers = st.floats(-2, 2).map(lambda x: round(x, 3))
polynomials = st.lists(numbers, min_size=1, max_size=5)


@given(polynomials, polynomials, numbers, numbers)
def test_rules_of_arithmetic(p: list[float], q: list[float], x: float, v: float) -> None:
    order = 5

    def series(f: Callable[..., Any]) -> Any:
        return np.array(gt.taylor(f, order)(x, v))

    def first(x: Any) -> Any:
        return np.polyval(np.array(p), x)

    def second(x: Any) -> Any:
        return np.exp(np.polyval(np.array(q), x) / 32)

    a, b = series(first), series(second)
    near(a, np.pad(np.poly1d(p)(np.poly1d([v, x])).coef[::-1], (0, order))[: order + 1], atol=1e-11)
    product = np.convolve(a, b)[: order + 1]
    scale = 1e-10 * (1 + np.max(np.abs(a))) * (1 + np.max(np.abs(b)))
    near(series(lambda x: first(x) * second(x)), product, atol=scale)
    near(np.convolve(series(lambda x: first(x) / second(x)), b)[: order + 1], a, atol=scale * 1e3)
    near(series(lambda x: np.log(second(x))), series(lambda x: np.polyval(q, x) / 32), atol=scale)


def test_against_nested_jvp_to_order_four() -> None:
    def f(x: Any) -> Any:
        return np.exp(np.sin(x)) * np.sqrt(1 + x * x) / (2 + np.cos(x)) ** 1.5

    def slope(g: Callable[..., Any]) -> Callable[..., Any]:
        return lambda x: gt.jvp(g)(x, 1.0)[1]

    derivative: Callable[..., Any] = f
    for n, c in enumerate(gt.taylor(f, 4)(0.3, 1.0)):
        near(c * factorial(n), derivative(0.3))
        derivative = slope(derivative)


# Hard points ------------------------------------------------------------------------------------


def test_powers_at_zero() -> None:
    near(gt.taylor(lambda x: x**3, 4)(0.0, 2.0), [0, 0, 0, 8, 0])
    near(gt.taylor(lambda x: np.power(x, np.arange(3)), 3)(np.zeros(3), np.ones(3))[2], [0, 0, 1])
    near(gt.taylor(lambda x: x**2.5, 3)(0.0, 1.0), [0, 0, 0, np.inf])
    near(gt.taylor(lambda x: x**0, 2)(0.0, 1.0), [1, 0, 0])
    near(gt.taylor(lambda x: x**2.5, 3)(np.array([0.0, 4.0]), np.ones(2))[2], [0, 3.75])
    near(gt.taylor(lambda x: x**8, 9)(1e-10, 1.0)[8:], [1.0, 0.0])


def test_kinks_and_dead_branches() -> None:
    zero = np.array([0.0, 4.0])
    one = np.ones(2)
    expected = [[0, 2], [0, 0.25], [0, -1 / 64], [0, 1 / 512]]
    near(gt.taylor(lambda x: np.where(x > 0, np.sqrt(x), 0), 3)(zero, one), expected)
    near(gt.taylor(lambda x: np.sqrt(np.where(x > 0, x, 0)), 3)(zero, one), expected)
    near(gt.taylor(lambda x: np.sqrt(x)[1:].sum(), 3)(zero, one), np.array(expected)[:, 1])
    near(gt.taylor(np.abs, 2)(np.array([-1.0, 0.0]), one), [[1, 0], [-1, 0], [0, 0]])
    near(gt.taylor(lambda x: np.maximum(x, 0) ** 2, 2)(0.0, 1.0), [0, 0, 1])
    near(gt.taylor(lambda x: np.clip(x, 0, 1) * x, 2)(zero, one), [[0, 4], [0, 1], [1, 0]])
    with np.errstate(invalid="ignore"):
        near(gt.taylor(lambda x: np.where(x != 0, np.sin(x) / x, 1), 2)(0.0, 1.0), [1, 0, 0])


def test_what_does_not_depend_has_no_nan() -> None:
    mask = np.array([True, False])

    def f(x: Any) -> Any:
        infinite, one = np.where(mask, x, np.inf), np.where(mask, x, 1.0)
        return infinite * one, infinite / one

    series = gt.taylor(f, 2)(2.0, 1.0)
    near([c[0] for c in series], [[4, np.inf], [4, 0], [1, 0]])
    near([c[1] for c in series], [[1, np.inf], [0, 0], [0, 0]])


def test_a_branch_without_a_linear_term_stays_alive() -> None:
    # Of where's two branches one has no coefficient 1, and the other none but 0 and 1.
    def f(x: Any) -> Any:
        return np.exp(np.where(np.array([True, False]), x, x * x))

    near(gt.taylor(f, 3)(0.0, 1.0)[1], [1, 0])
    near(gt.taylor(f, 3)(0.0, 1.0)[2], [0.5, 1])


# Shapes and dtypes ------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", "efdgFD")
def test_dtypes_are_kept(dtype: str) -> None:
    x = np.array([0.25, 0.5]).astype(dtype)

    def f(x: Any) -> Any:
        return np.exp(x) / (x + 2) * np.sqrt(x), np.tanh(x).sum(), x**3, x**-1.5, (x @ x) ** 2

    for coefficients in gt.taylor(f, 3)(x, np.ones(2)):
        for c, value in zip(coefficients, f(x), strict=True):
            assert (c.dtype, c.shape, type(c)) == (value.dtype, value.shape, type(value))
    scalar = gt.taylor(np.sin, 2)(x[0], 1.0)
    assert all([type(c) is type(x[0]) for c in scalar])


def test_broadcasting_and_axes() -> None:
    x, y = np.arange(1.0, 4.0), np.arange(1.0, 3.0)[:, None]
    v, w = np.ones(3), np.array([[1.0], [-1.0]])

    def f(x: Any, y: Any) -> Any:
        return np.sum(x / y, 1, keepdims=True) - np.max(x * y, 0) + np.mean(y**x, (0, 1))

    series = gt.taylor(f, 3, (0, 1))(x, y, (v, w))
    assert [c.shape for c in series] == [(2, 3)] * 4
    for n, c in enumerate(series):
        near(c * factorial(n), nested(lambda *a: [f(*a)], (x, y), (v, w), n)[0])


def test_complex_functions_and_parts() -> None:
    series = gt.taylor(lambda t: np.exp(1j * t), 4)(0.5, 1.0)
    near(series, [np.exp(0.5j) * 1j**n / factorial(n) for n in range(5)])
    modulus = gt.taylor(lambda z: np.abs(z) ** 2 + np.real(z) * np.imag(z), 3)(3 + 4j, 1j)
    near(modulus, [25 + 12, 8 + 3, 1, 0], atol=1e-12)
    near(gt.taylor(np.angle, 2)(1 + 0j, 1j), [0, 1, 0])


def test_nests_argnums_argnames_and_aux() -> None:
    def f(p: Any, s: Any = 1.0, *, k: Any = 2.0) -> Any:
        return {"y": p["a"] * p["b"][0], "z": (s * k, np.sum(p["a"]))}

    p = {"a": np.array([1.0, 2.0]), "b": [3.0]}
    v = {"a": np.array([1.0, 0.0]), "b": [0.5]}
    first = gt.taylor(f, 2)(p, v)
    near(first[1]["y"], [3.5, 1])
    near(first[2]["y"], [0.5, 0])
    assert (first[0]["z"][0], first[1]["z"][0], first[1]["z"][1]) == (2.0, 0.0, 1.0)
    both = gt.taylor(f, 2, argnums=1, argnames=("k",))(p, 3.0, (1.0, {"k": 10.0}), k=2.0)
    assert [c["z"][0] for c in both] == [6.0, 32.0, 10.0]
    named = gt.taylor(lambda x, y: x / y, 1, argnames=("y", "x"))(1.0, 2.0, {"y": 4.0, "x": 2.0})
    near(named, [0.5, 0.0])
    series, aux = gt.taylor(lambda x: (x**2, "seen"), 1, has_aux=True)(3.0, 1.0)
    assert (series, aux) == ([9.0, 6.0], "seen")
    assert gt.taylor(np.exp, 0)(0.0, 1.0) == [1.0]


def test_tensors_in_tensors_out() -> None:
    series = gt.taylor(np.exp, 2)(gt.constant(0.0), 1.0)
    assert [type(c) for c in series] == [gt.Tensor] * 3
    assert type(gt.taylor(np.exp, 2)(0.0, gt.constant(1.0))[1]) is gt.Tensor
    kept = gt.taylor(lambda x: (x, x), 1)(np.ones(2), np.ones(2))
    kept[1][0][0] = 7.0
    assert kept[1][1][0] == 1.0


# Composition ------------------------------------------------------------------------------------

COMPOSED = {
    "composition": lambda x: np.exp(np.sin(x)) / (1 + x * x),
    "root": lambda x: x**2.5,
    "x to the x": lambda x: x**x,
    "hypot": lambda x: np.hypot(x, 2 * x + 1),
    "inverse": lambda x: np.linalg.inv(MATRIX + x * CHANGE)[0, 1],
    "eigenvalue": lambda x: np.linalg.eigh(MATRIX + x * np.diag([1.0, 2.0]))[0][1],
    "einsum": lambda x: np.einsum("i,i,i->", *[np.stack([x, np.sin(x)])] * 3),
    "selection": lambda x: np.where(x > 0, np.log(x), 0.0) * np.maximum(x, 0.1),
    "gamma": sp.gamma,
}


@pytest.mark.parametrize("name", COMPOSED)
def test_derivatives_of_coefficients(name: str) -> None:
    """c_k as a function of x has the derivative (k + 1) c_{k+1}."""
    f = COMPOSED[name]
    series = gt.taylor(f, 4)(0.3, 1.0)
    small = 1e-11 * np.max(np.abs(series))
    for k in range(3):
        later = (k + 1) * series[k + 1]

        def coefficient(x: Any, k: int = k) -> Any:
            return gt.taylor(f, k)(x, 1.0)[k]

        near(gt.grad(coefficient)(0.3), later, 1e-10, small)
        near(gt.jvp(coefficient)(0.3, 1.0)[1], later, 1e-10, small)
        near(gt.taylor(coefficient, 1)(0.3, 1.0)[1], later, 1e-10, small)
        twice = (k + 1) * (k + 2) * series[k + 2]
        near(gt.grad(gt.grad(coefficient))(0.3), twice, 1e-9, 10 * small)
        near(gt.taylor(coefficient, 2)(0.3, 1.0)[2] * 2, twice, 1e-9, 10 * small)
        x = gt.Variable(0.3)
        with gt.GradientTape() as tape:
            y = gt.taylor(f, k)(x, 1.0)[k]
        near(tape.gradient(y, x, unconnected_gradients="zero").numpy(), later, 1e-10, small)
    near(gt.taylor(gt.grad(f), 2)(0.3, 1.0), np.arange(1, 4) * series[1:4], 1e-10, small)


def test_gradient_by_the_direction() -> None:
    gradient = gt.grad(lambda v: gt.taylor(np.sin, 3)(0.3, v)[3])(2.0)
    near(gradient, -np.cos(0.3) / 6 * 3 * 4)
    x, v = np.array([0.3, 0.5]), np.array([1.0, 2.0])
    both = gt.jacobian(lambda v: gt.taylor(lambda x: np.exp(x) * x[::-1], 2)(x, v)[2])(v)
    h = 1e-6
    for j, e in enumerate(np.eye(2) * h):
        ends = [gt.taylor(lambda x: np.exp(x) * x[::-1], 2)(x, v + s * e)[2] for s in (1, -1)]
        near(both[:, j], (ends[0] - ends[1]) / (2 * h), 1e-7)


def test_a_tape_inside_and_one_around() -> None:
    def f(x: Any) -> Any:
        with gt.GradientTape() as inner:
            inner.watch(z := x * 1)
            before = np.sin(x)  # computed again below, by what the inner tape watches
            y = np.sin(z) * before
        return inner.gradient(y, z)

    x = gt.Variable(0.4)
    with gt.GradientTape() as tape:
        series = gt.taylor(f, 2)(x, 1.0)
    # d/dx of (cos x sin x)'' / 2 is -4 cos 2x / 2
    near(series[2].numpy(), -np.sin(0.8))
    near(tape.gradient(series[2], x).numpy(), -2 * np.cos(0.8))


# Programs ---------------------------------------------------------------------------------------


def test_writes_into_tensors() -> None:
    def f(x: Any) -> Any:
        out = gt.zeros(3)
        out[0] = x[1] ** 2
        out[1:] = x[:2]
        out *= x
        x[0] = 5.0
        np.add.at(out, [0, 0], x[:2])
        return out

    x, v = np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.0, 2.0])
    near(gt.taylor(f, 3)(x, v), [[11, 2, 6], [9, 3, 7], [5, 1, 2], [1, 0, 0]])
    near(x, [1, 2, 3])


def test_constants_are_told_apart() -> None:
    series = gt.taylor(lambda x: (np.copysign(x, 0.0), np.copysign(x, -0.0)), 1)(2.0, 1.0)
    assert series == [(2.0, -2.0), (1.0, -1.0)]


def test_arrays_that_the_function_changes() -> None:
    def f(x: Any) -> Any:
        a = np.ones(2)
        first = np.exp(x * a) * a
        a[:] = 3.0
        return first, np.exp(x * a) * a

    series = gt.taylor(f, 3)(np.zeros(2), np.ones(2))
    near([c[0][0] for c in series], [1, 1, 1 / 2, 1 / 6])
    near([c[1][0] for c in series], [3, 9, 27 / 2, 27 / 2])

    def g(x: Any) -> Any:
        a, b = np.full(2, 3.0), np.full(2, 3.0)
        cube = np.power(x, a)  # its rule has a * x**(a - 1), but not to the last coefficient
        a[:] = 7.0
        return cube, b * np.power(x, b - 1)

    series = gt.taylor(g, 2)(np.ones(2), np.ones(2))
    near([c[1][0] for c in series], [3, 6, 3])


def test_functions_with_gradients_of_their_own() -> None:
    @gt.custom_gradient
    def log1pexp(x: Any) -> Any:
        e = np.exp(x)
        return np.log(1 + e), lambda g: g * (1 - 1 / (1 + e))

    expected = gt.taylor(lambda x: np.logaddexp(0.0, x), 4)(0.3, 1.0)
    near(gt.taylor(log1pexp, 4)(0.3, 1.0), expected)
    near(gt.taylor(gt.recompute_grad(np.sin), 4)(0.3, 1.0), gt.taylor(np.sin, 4)(0.3, 1.0))
    near(gt.taylor(lambda x: x * gt.stop_gradient(x), 2)(3.0, 1.0), [9, 3, 0])

    # The name of the user's function is one of the house's.
    def multiply(x: Any) -> Any:
        return x**2, lambda g: g * 2 * x

    multiply = gt.custom_gradient(multiply)
    near(gt.taylor(multiply, 3)(3.0, 1.0), [9, 6, 1, 0])


def test_long_programs_do_not_recurse() -> None:
    def f(x: Any) -> Any:
        for _ in range(1500):
            x = x - 0.001 * np.sin(x)
        return x

    series = gt.taylor(f, 3)(0.3, 1.0)
    near(series[1], gt.jvp(f)(0.3, 1.0)[1])
    near(gt.taylor(sp.psi, 50)(1.3, 1.0)[50], -sp.zeta(51, 1.3), 1e-11)


def test_conversions_are_refused() -> None:
    with pytest.raises(gt.TrackedConversionError):
        gt.taylor(lambda x: np.asarray(x), 1)(1.0, 1.0)
    with pytest.raises(gt.NoRuleError, match="'v'"):
        gt.taylor(lambda x: sp.pbdv(x, 1.0), 1)(1.0, 1.0)


# Bad input --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: gt.taylor(np.sin, -1), ValueError, "`order` .* at least 0, but is -1"),
        (lambda: gt.taylor(np.sin, 1.5), TypeError, "`order` of taylor must be a whole number"),
        (lambda: gt.taylor(3, 1), TypeError, "`f` must be a function"),
        (lambda: gt.taylor(np.sin, 1)(0.3), TypeError, "`direction` is missing"),
        (lambda: gt.taylor(np.sin, 1)(0.3, np.ones(2)), ValueError, "shape"),
        (lambda: gt.taylor(np.sin, 1)(0.3, [1.0, 2.0]), ValueError, "`direction`"),
        (lambda: gt.taylor(np.sin, 1)(3, 1.0), TypeError, "floating or complex"),
        (lambda: gt.taylor(np.sin, 1)(0.3, 1j), TypeError, "imaginary part"),
        (lambda: gt.taylor(lambda x: None, 1)(0.3, 1.0), TypeError, "return"),
    ],
)
def test_bad_input(call: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        call()


def test_a_value_that_depends_on_nothing_warns() -> None:
    with pytest.warns(UserWarning, match="does not depend"):
        assert gt.taylor(lambda x: 3.0, 2)(1.0, 1.0) == [3.0, 0.0, 0.0]
