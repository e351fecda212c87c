"""quad: Leibniz's rule at every order, in both modes, for all that an integral depends on."""

import math
import warnings
from typing import Any

import numpy as np
import pytest
import scipy.integrate
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import digamma, gamma, polygamma

import gradtape as gt
from gradtape.scipy.integrate import quad
from tests.operators.differences import along


def area(f: Any, a: Any, b: Any, *args: Any, **options: Any) -> Any:
    return quad(f, a, b, args, **options)[0]


def orders(f: Any, x: float, count: int = 3) -> list[float]:
    """The derivatives of f at x, up to an order."""
    found = []
    for _ in range(count):
        f = gt.grad(f)
        found.append(float(f(x)))
    return found


# Values -------------------------------------------------------------------------------------------


def test_without_tensors_it_is_scipys() -> None:
    assert quad(lambda x, k: x * k, 0, 1, (2.0,)) == scipy.integrate.quad(
        lambda x, k: x * k, 0, 1, (2.0,)
    )
    assert quad(lambda x, k: x * k, 0, 1, 2.0) == (1.0, quad(lambda x: 2 * x, 0, 1)[1])
    found = quad(np.exp, 0, 1, full_output=1)
    assert len(found) == 3
    assert found[2]["neval"] == 21


def test_of_tensors_that_nobody_tracks_it_is_a_tensor() -> None:
    value, error = quad(lambda x, k: x * k, 0, 1, gt.constant(2.0))
    assert isinstance(value, gt.Tensor)
    assert isinstance(error, float)
    assert value.item() == 1.0


def test_the_value_is_scipys_under_a_tape() -> None:
    k = gt.Variable(1.3)
    with gt.GradientTape():
        found = quad(lambda x: np.exp(-k * x**2), -np.inf, 1, full_output=1)
    expected = scipy.integrate.quad(lambda x: np.exp(-1.3 * x**2), -np.inf, 1, full_output=1)
    assert found[0].item() == expected[0]
    assert found[1] == expected[1]
    assert found[2]["neval"] == expected[2]["neval"]


# Closed forms -------------------------------------------------------------------------------------


def test_gaussian_at_orders_one_to_three() -> None:
    def f(s: Any) -> Any:
        return area(lambda x, s: np.exp(-s * x**2), -np.inf, np.inf, s)

    s = 2.0
    powers = [-1 / 2, 3 / 4, -15 / 8]
    expected = [c * math.sqrt(math.pi) * s ** (-0.5 - n) for n, c in enumerate(powers, 1)]
    np.testing.assert_allclose(orders(f, s), expected, rtol=1e-9)


def test_gamma_function_at_orders_one_to_three() -> None:
    def f(s: Any) -> Any:
        return area(lambda x: x ** (s - 1) * np.exp(-x), 0, np.inf)  # from around it

    s = 3.5
    psi, psi1, psi2 = digamma(s), polygamma(1, s), polygamma(2, s)
    factors = [psi, psi**2 + psi1, psi**3 + 3 * psi * psi1 + psi2]
    np.testing.assert_allclose(orders(f, s), gamma(s) * np.array(factors), rtol=1e-8)


def test_a_tensor_that_is_a_limit_and_in_the_integrand_and_an_argument() -> None:
    def integral(b: Any) -> Any:
        return area(lambda x, c: np.sin(x) * b * c, b, b**2, b)

    def closed(b: Any) -> Any:
        return b**2 * (np.cos(b) - np.cos(b**2))

    np.testing.assert_allclose(orders(integral, 1.3), orders(closed, 1.3), rtol=1e-9)


@settings(max_examples=15, deadline=None)
@given(st.floats(-2, 2), st.floats(-2, 2), st.floats(0.2, 2))
def test_polynomials(a: float, b: float, k: float) -> None:
    point = np.array([a, b, k])

    def integral(p: Any) -> Any:
        return area(lambda x, k: k**2 * x**3, p[0], p[1], p[2])

    def closed(p: Any) -> Any:
        return p[2] ** 2 * (p[1] ** 4 - p[0] ** 4) / 4

    np.testing.assert_allclose(gt.grad(integral)(point), gt.grad(closed)(point), atol=1e-9)
    np.testing.assert_allclose(gt.hessian(integral)(point), gt.hessian(closed)(point), atol=1e-8)


def test_variables_as_limits_under_another_tape() -> None:
    b = gt.Variable(1.3)
    with gt.GradientTape() as tape:
        value = area(np.sin, 0, b)
    with gt.GradientTape() as outer:  # it has not met b before
        slope = tape.gradient(value, b)
    np.testing.assert_allclose(slope.item(), math.sin(1.3))
    np.testing.assert_allclose(outer.gradient(slope, b).item(), math.cos(1.3))


def test_infinite_limits_have_no_derivative() -> None:
    b = gt.Variable(np.inf)
    with gt.GradientTape() as tape:
        value = area(lambda x: np.exp(-x), 0, b)
    assert tape.gradient(value, b).item() == 0


# Modes and arguments ------------------------------------------------------------------------------


def polynomial(x: Any, p: Any) -> Any:
    return p["c"][0] + p["c"][1] * x + np.sin(p["w"] * x)


P = {"c": np.array([1.0, 2.0]), "w": 3.0}


def test_nests_of_arguments() -> None:
    slope = gt.grad(lambda p: area(polynomial, 0, 2, p))(P)
    np.testing.assert_allclose(slope["c"], [2, 2], rtol=1e-12)
    np.testing.assert_allclose(
        slope["w"], along(lambda w: (1 - np.cos(2 * w)) / w, 3.0, 1.0), rtol=1e-9
    )


def test_forward_mode_is_reverse_mode() -> None:
    def f(c: Any) -> Any:
        return area(lambda x: np.exp(c[0] * x) * c[1] ** 2, 0, c[2])

    x, v = np.array([0.5, 2.0, 1.5]), np.array([1.0, -0.3, 0.7])
    slope = gt.grad(f)(x)
    np.testing.assert_allclose(gt.jvp(f)(x, v)[1], slope @ v, rtol=1e-12)
    np.testing.assert_allclose(slope @ v, along(f, x, v), rtol=1e-9)
    hessian = gt.hessian(f)(x)  # forward over reverse
    np.testing.assert_allclose(hessian, gt.jacobian(gt.grad(f), mode="reverse")(x), rtol=1e-9)
    np.testing.assert_allclose(hessian @ v, along(gt.grad(f), x, v), rtol=1e-8)
    np.testing.assert_allclose(gt.hvp(f)(x, v), hessian @ v, rtol=1e-9)


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_jacobian_of_several_integrals(mode: str) -> None:
    def f(p: Any) -> Any:
        return np.stack([area(lambda x: p[0] * x + np.sin(p[1] * x), 0, b) for b in (1.0, 2.0)])

    p = np.array([2.0, 3.0])
    expected = [[b**2 / 2, along(lambda w, b=b: (1 - np.cos(b * w)) / w, 3.0, 1.0)] for b in (1, 2)]
    np.testing.assert_allclose(gt.jacobian(f, mode=mode)(p), expected, rtol=1e-9)


def test_float32_arguments_get_float32_gradients() -> None:
    k = gt.Variable(2.0, dtype=np.float32)
    with gt.GradientTape() as tape:
        value = area(lambda x, k: k * x, 0, 1, k)
    slope = tape.gradient(value, k)
    assert slope.dtype == np.float32
    assert slope.item() == 0.5


def test_complex_integrands() -> None:
    def f(k: Any) -> Any:
        return np.abs(area(lambda x: np.exp(1j * k * x), 0, 1, complex_func=True)) ** 2

    def closed(k: Any) -> Any:
        return (2 - 2 * np.cos(k)) / k**2

    np.testing.assert_allclose(gt.grad(f)(1.2), gt.grad(closed)(1.2), rtol=1e-10)


def test_complex_arguments() -> None:
    def f(k: Any) -> Any:
        return area(lambda x: np.real(np.exp(k * x)), 0, 1)

    def closed(k: Any) -> Any:
        return np.real((np.exp(k) - 1) / k)

    k, v = 0.4 + 1.2j, 0.3 - 0.7j
    np.testing.assert_allclose(gt.grad(f)(k), gt.grad(closed)(k), rtol=1e-10)
    np.testing.assert_allclose(gt.jvp(f)(k, v)[1], gt.jvp(closed)(k, v)[1], rtol=1e-10)


def test_options_go_to_the_derivative_too() -> None:
    def f(k: Any) -> Any:
        return area(lambda x: np.exp(-k * np.abs(x - 0.3)), 0, 1, points=[0.3])

    def closed(k: Any) -> Any:
        return (2 - np.exp(-0.3 * k) - np.exp(-0.7 * k)) / k

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_allclose(gt.grad(f)(50.0), gt.grad(closed)(50.0), rtol=1e-9)


def test_weights() -> None:
    def f(k: Any) -> Any:
        return area(lambda x: np.exp(-k * x), 0, 1, weight="cos", wvar=30.0)

    def closed(k: Any) -> Any:
        return np.real((1 - np.exp(-k + 30j)) / (k - 30j))

    np.testing.assert_allclose(gt.grad(f)(1.2), gt.grad(closed)(1.2), rtol=1e-9)


def test_variables_keep_the_values_that_they_had() -> None:
    k = gt.Variable(2.0)
    with gt.GradientTape() as tape:
        value = area(lambda x: np.exp(-k * x), 0, 1)
    k.assign(100.0)
    expected = gt.grad(lambda k: (1 - np.exp(-k)) / k)(2.0)
    np.testing.assert_allclose(tape.gradient(value, k).item(), expected, rtol=1e-10)
    assert k.item() == 100


def test_a_captured_tensor_without_an_operation_has_its_gradient() -> None:
    assert gt.grad(lambda k: area(lambda x: k, 0, 3))(2.0) == 3


def test_derivatives_share_the_places_of_one_integrand() -> None:
    places = []

    def f(p: Any) -> Any:
        def integrand(x: Any) -> Any:
            places.append(x)
            return np.sum(p * x)

        return area(integrand, 0, 1)

    gt.grad(f)(np.ones(50))
    assert len(places) <= 2 * 21


# Refused ------------------------------------------------------------------------------------------


def test_bare_arithmetic_on_a_captured_tensor_is_refused() -> None:
    with pytest.raises(gt.TrackedConversionError):
        gt.grad(lambda k: area(lambda x: math.sin(k * x), 0, 1))(1.2)


def test_tracked_options_are_refused() -> None:
    with pytest.raises(gt.NoRuleError, match="wvar"):
        gt.grad(lambda w: area(np.exp, 0, 1, weight="cos", wvar=w))(1.2)
    with pytest.raises(gt.NoRuleError, match="write it into the function"):
        gt.grad(lambda b: area(np.exp, 0, b, weight="cos", wvar=1.0))(1.2)


def test_a_captured_tensor_that_is_written_to_later_is_refused() -> None:
    x = gt.Variable([1.0, 2.0])
    with gt.GradientTape() as tape:
        k = x * 2
        value = area(lambda x: k[0] * x + k[1], 0, 1)
        k[0] = 5.0
    with pytest.raises(gt.ChangedArrayError, match="quad"):
        tape.gradient(value, x)
