"""solve_ivp: the discrete adjoint against closed forms and differences, with SciPy's methods."""

import math
import warnings
from functools import cache
from typing import Any

import numpy as np
import pytest
import scipy.integrate
import scipy.linalg

import gradtape as gt
from gradtape.scipy._callbacks import bare
from gradtape.scipy.integrate import solve_ivp
from tests.operators.differences import along

EXPLICIT = ["RK23", "RK45", "DOP853"]
IMPLICIT = ["Radau", "BDF", "LSODA"]
METHODS = EXPLICIT + IMPLICIT
TIGHT = {"rtol": 1e-8, "atol": 1e-10}

A = np.array([[-0.3, 2.0], [-2.0, -0.1]])
Y0 = np.array([1.0, 0.5])


def decay(t: Any, y: Any, k: Any) -> Any:
    return -k * y


def pendulum(t: Any, y: Any, length: Any) -> Any:
    return [y[1], -9.81 / length * np.sin(y[0])]


def van_der_pol(t: Any, y: Any, mu: Any) -> Any:
    return [y[1], mu * (1 - y[0] ** 2) * y[1] - y[0]]


def lotka_volterra(t: Any, y: Any, p: Any) -> Any:
    prey, predators = y[0], y[1]
    return [
        p["birth"] * prey - p["hunt"] * prey * predators,
        p["feed"] * prey * predators - p["death"] * predators,
    ]


# Values -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("t_eval", [None, [0.0, 0.4, 3.0]])
def test_the_result_is_scipys(method: str, t_eval: Any) -> None:
    length = gt.Variable(1.5)
    # The implicit ones get the exact Jacobian here; SciPy is given it for comparison.
    jac = {"jac": lambda t, y, n: np.array([[0, 1], [-9.81 / n * np.cos(y[0]), 0]])}
    with gt.GradientTape():
        ours = solve_ivp(pendulum, (0, 3), [1.0, 0.0], method, t_eval, args=(length,))
    jac = jac if method in IMPLICIT else {}
    theirs = scipy.integrate.solve_ivp(
        pendulum, (0, 3), [1.0, 0.0], method, t_eval, args=(1.5,), **jac
    )
    assert isinstance(ours.y, gt.Tensor)
    np.testing.assert_allclose(ours.y.numpy(), theirs.y, rtol=1e-12)
    np.testing.assert_allclose(ours.t, theirs.t, rtol=1e-14)
    assert ours.sol is None
    assert (ours.status, ours.success, ours.message) == (0, True, theirs.message)
    assert ours.njev == theirs.njev
    if t_eval is None:
        assert ours.nfev == theirs.nfev


def test_without_tensors_it_is_scipys() -> None:
    ours = solve_ivp(decay, (0, 1), [1.0], args=(2.0,), dense_output=True)
    theirs = scipy.integrate.solve_ivp(decay, (0, 1), [1.0], args=(2.0,), dense_output=True)
    assert type(ours.y) is np.ndarray
    np.testing.assert_array_equal(ours.y, theirs.y)
    np.testing.assert_array_equal(ours.sol(0.3), theirs.sol(0.3))
    assert isinstance(solve_ivp(decay, (0, 1), [1.0], args=(gt.constant(2.0),)).y, gt.Tensor)


@pytest.mark.parametrize("method", IMPLICIT)
def test_the_jacobian_is_exact(method: str) -> None:
    """As many evaluations as with one written by hand, and fewer than with SciPy's differences."""
    args = (van_der_pol, (0, 100), [2.0, 0.0], method)

    def jac(t: Any, y: Any, mu: Any) -> Any:
        return np.array([[0, 1], [-2 * mu * y[0] * y[1] - 1, mu * (1 - y[0] ** 2)]])

    ours = solve_ivp(*args, args=(50.0,))
    theirs = scipy.integrate.solve_ivp(*args, args=(50.0,), jac=jac)
    assert (ours.nfev, ours.njev, ours.nlu) == (theirs.nfev, theirs.njev, theirs.nlu)
    assert solve_ivp(*args, args=(50.0,), jac=None).nfev == ours.nfev  # as if not given


def test_a_jacobian_of_the_users_is_used() -> None:
    called = []

    def jac(t: Any, y: Any, k: Any) -> Any:
        called.append(t)
        return -k * np.eye(1)

    solve_ivp(decay, (0, 1), [1.0], "BDF", args=(2.0,), jac=jac)
    assert called


# Closed forms -------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_linear_system_against_the_matrix_exponential(method: str) -> None:
    def last(y0: Any, a: Any) -> Any:
        return solve_ivp(lambda t, y, a: a @ y, (0, 3), y0, method, args=(a,), **TIGHT).y[:, -1]

    by_y0, by_a = gt.jacobian(last, argnums=(0, 1))(Y0, A)
    np.testing.assert_allclose(by_y0, scipy.linalg.expm(3 * A), atol=3e-7)
    units = np.eye(4).reshape(4, 2, 2)
    columns = [scipy.linalg.expm_frechet(3 * A, 3 * e, compute_expm=False) @ Y0 for e in units]
    np.testing.assert_allclose(by_a, np.stack(columns, 1).reshape(2, 2, 2), atol=3e-7)
    _, tangent = gt.jvp(lambda y: last(y, A))(Y0, np.array([1.0, -1.0]))
    np.testing.assert_allclose(tangent, by_y0 @ [1.0, -1.0], atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_decay_at_orders_one_to_three(method: str) -> None:
    def f(k: Any) -> Any:
        return solve_ivp(decay, (0, 1.5), [2.0], method, args=(k,), **TIGHT).y[0, -1]

    for order in (1, 2) if method == "RK23" else (1, 2, 3):
        f = gt.grad(f)
        expected = 2 * (-1.5) ** order * math.exp(-1.5 * 0.7)
        np.testing.assert_allclose(f(0.7), expected, rtol=1e-6)


@pytest.mark.parametrize("method", ["RK45", "DOP853", "Radau", "BDF", "LSODA"])
def test_ends_of_the_span(method: str) -> None:
    def last(span: Any) -> Any:
        return solve_ivp(lambda t, y: -y * t, span, [1.5], method, **TIGHT).y[0, -1]

    def closed(span: Any) -> Any:
        return 1.5 * np.exp((span[0] ** 2 - span[1] ** 2) / 2)

    span = np.array([0.3, 1.7])
    np.testing.assert_allclose(gt.grad(last)(span), gt.grad(closed)(span), atol=1e-6)
    np.testing.assert_allclose(gt.hessian(last)(span), gt.hessian(closed)(span), atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_times_of_evaluation(method: str) -> None:
    def at(times: Any) -> Any:
        return solve_ivp(lambda t, y: -y * t, (0.3, 2), [1.5], method, times, **TIGHT).y[0]

    times = np.array([0.3, 0.5, 1.1, 2.0])
    expected = -times * 1.5 * np.exp((0.09 - times**2) / 2)
    np.testing.assert_allclose(gt.jacobian(at)(times), np.diag(expected), atol=1e-5)


def test_the_times_of_the_steps_follow_a_tracked_span() -> None:
    end = gt.Variable(2.0)
    with gt.GradientTape() as tape:
        result = solve_ivp(decay, (0, end), [1.0], args=(1.0,))
        total = np.sum(result.t)
    np.testing.assert_allclose(
        tape.gradient(total, end).item(), np.sum(result.t.numpy()) / 2, rtol=1e-12
    )


# Differences --------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["RK45", "DOP853", "Radau"])
def test_pendulum(method: str) -> None:
    """Differences of SciPy's own solution, so tight that its steps do not show."""

    def angle(p: Any, method: str, tolerance: float) -> Any:
        options = {"rtol": tolerance, "atol": tolerance}
        return solve_ivp(pendulum, (0, 4), [p[0], 0.0], method, args=(p[1],), **options).y[0, -1]

    p, v = np.array([1.2, 1.5]), np.array([0.6, -0.8])
    slope = gt.grad(lambda p: angle(p, method, 1e-10))(p)
    h = 1e-4
    ahead, behind = [angle(p + s * v, "DOP853", 1e-13) for s in (h, -h)]
    np.testing.assert_allclose(slope @ v, (ahead - behind) / (2 * h), rtol=2e-6)


@pytest.mark.parametrize("method", ["RK23", "RK45", "DOP853", "Radau"])
def test_it_is_exact_for_the_steps_that_were_made(method: str) -> None:
    """With steps held fixed, here by max_step, differences agree to all their digits."""
    options = {"rtol": 1e3, "atol": 1e3, "max_step": 0.25, "first_step": 0.25}
    if method == "Radau":  # its stages are found to a fraction of the tolerance
        options |= {"rtol": 1e-10, "atol": 1e-10, "max_step": 0.02, "first_step": 0.02}

    def f(x: Any) -> Any:
        result = solve_ivp(pendulum, (0, 1), [x, 0.0], method, [0.1, 0.9], args=(1.5,), **options)
        return np.sum(result.y**2)

    np.testing.assert_allclose(gt.grad(f)(1.2), along(f, 1.2, 1.0), rtol=1e-8)


P = {"birth": 1.1, "hunt": 0.4, "death": 0.4, "feed": 0.1}


@pytest.mark.parametrize("method", ["RK45", "DOP853", "BDF", "LSODA"])
def test_lotka_volterra_parameters(method: str) -> None:
    times = np.linspace(0, 5, 11)

    def misfit(p: Any, **options: Any) -> Any:
        result = solve_ivp(
            lotka_volterra, (0, 5), [10.0, 5.0], method, times, args=(p,), **(TIGHT | options)
        )
        return np.sum(result.y**2) / 1000

    slope = gt.grad(misfit)(P)
    assert list(slope) == list(P)
    for name in P:
        h = 1e-5
        up, down = P | {name: P[name] + h}, P | {name: P[name] - h}
        fine = {"rtol": 1e-12, "atol": 1e-12}
        difference = (misfit(up, **fine) - misfit(down, **fine)) / (2 * h)
        np.testing.assert_allclose(slope[name], difference, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("method", ["RK45", "Radau", "BDF"])
def test_second_order_against_differences_of_the_first(method: str) -> None:
    options = {"rtol": 1e-6, "atol": 1e-8}

    def f(p: Any) -> Any:
        return last_of(solve_ivp(pendulum, (0, 1), [p[0], 0.0], method, args=(p[1],), **options))

    p, h = np.array([1.2, 1.5]), 1e-3
    hessian = gt.hessian(f)(p)
    np.testing.assert_allclose(hessian, hessian.T, atol=1e-9)
    rows = [(gt.grad(f)(p + h * e) - gt.grad(f)(p - h * e)) / (2 * h) for e in np.eye(2)]
    np.testing.assert_allclose(hessian, rows, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(gt.jacobian(gt.grad(f), mode="reverse")(p), hessian, atol=1e-9)


@cache
def slope_of_van_der_pol() -> float:
    """Of the end by mu at 30, by differences."""
    fine = {"rtol": 1e-11, "atol": 1e-13, "method": "LSODA"}
    ends = [
        scipy.integrate.solve_ivp(
            lambda t, y, mu=mu: van_der_pol(t, y, mu), (0, 45), [2.0, 0.0], **fine
        ).y[0, -1]
        for mu in (29.99, 30.01)
    ]
    return (ends[1] - ends[0]) / 0.02


@pytest.mark.parametrize("method", IMPLICIT)
def test_stiff_van_der_pol(method: str) -> None:
    """Through the fast phase of a relaxation oscillation."""

    def f(mu: Any) -> Any:
        result = solve_ivp(
            van_der_pol, (0, 45), [2.0, 0.0], method, args=(mu,), rtol=1e-7, atol=1e-9
        )
        return result.y[0, -1]

    np.testing.assert_allclose(gt.grad(f)(30.0), slope_of_van_der_pol(), rtol=2e-3)


# Ways of calling ----------------------------------------------------------------------------------


def last_of(result: Any) -> Any:
    return result.y[0, -1]


def test_tensors_from_around_the_function_have_gradients() -> None:
    k = gt.Variable(0.7)
    with gt.GradientTape() as tape:
        end = last_of(solve_ivp(lambda t, y: -k * y, (0, 1), [1.0], **TIGHT))
    np.testing.assert_allclose(tape.gradient(end, k).item(), -math.exp(-0.7), rtol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_dense_output(method: str) -> None:
    k = gt.constant(0.7)
    with gt.GradientTape() as tape:
        tape.watch(k)
        result = solve_ivp(decay, (0, 2), [1.0], method, args=(k,), dense_output=True, **TIGHT)
        times = np.array([1.7, 0.05, 0.4])
        states, single = result.sol(times), result.sol(1.1)
    assert states.shape == (1, 3)
    assert single.shape == (1,)
    np.testing.assert_allclose(states.numpy()[0], np.exp(-0.7 * times), rtol=1e-5)
    slopes = tape.jacobian(states, k).numpy()[0]
    np.testing.assert_allclose(slopes, -times * np.exp(-0.7 * times), atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_the_derivative_is_taken_at_scipys_own_states(method: str) -> None:
    """Where tolerances are loose, another method's states would be others."""
    k = gt.Variable(1.0)
    args = (lambda t, y, k: k * y**2, (0, 0.8), [1.0], method)
    options = {"rtol": 0.02, "atol": 0.02, "dense_output": True}
    if method in IMPLICIT:
        options["jac"] = lambda t, y, k: np.array([[2 * k * y[0]]])
    theirs = scipy.integrate.solve_ivp(*args, args=(1.0,), **options)
    assert theirs.success
    with gt.GradientTape():
        ours = solve_ivp(*args, args=(k,), **options)
    states = np.stack(bare(ours.sol.states), 1)
    np.testing.assert_allclose(states, theirs.y, rtol=1e-6)


def test_backwards_in_time_and_descending_times() -> None:
    def f(k: Any) -> Any:
        return solve_ivp(decay, (1, 0), [1.0], t_eval=[0.9, 0.2, 0.0], args=(k,), **TIGHT).y[0]

    gone = 1 - np.array([0.9, 0.2, 0.0])
    np.testing.assert_allclose(gt.jacobian(f)(0.7), gone * np.exp(0.7 * gone), rtol=1e-6)


@pytest.mark.parametrize("method", ["RK45", "Radau", "BDF"])
def test_vectorized_functions(method: str) -> None:
    def fun(t: Any, y: Any, k: Any) -> Any:
        assert y.ndim == 2
        return np.stack([y[1], -k * y[0]])

    def f(k: Any) -> Any:
        result = solve_ivp(fun, (0, 1), [1.0, 0.0], method, vectorized=True, args=(k,), **TIGHT)
        return last_of(result)

    np.testing.assert_allclose(gt.grad(f)(4.0), -np.sin(2.0) / 4, rtol=1e-6)


@pytest.mark.parametrize("method", ["RK45", "DOP853", "BDF"])
def test_complex_states(method: str) -> None:
    def f(k: Any) -> Any:
        return np.real(last_of(solve_ivp(decay, (0, 1), [1 + 0.5j], method, args=(k,), **TIGHT)))

    k = 0.3 + 1j
    expected = gt.grad(lambda k: np.real((1 + 0.5j) * np.exp(-k)))(k)
    np.testing.assert_allclose(gt.grad(f)(k), expected, rtol=1e-6)


def test_a_state_of_float32_is_solved_in_float64_and_has_gradients_of_float32() -> None:
    y0 = gt.Variable(np.ones(2, np.float32))
    with gt.GradientTape() as tape:
        y = solve_ivp(decay, (0, 1), y0, args=(1.0,)).y
        end = y[0, -1]
    assert y.dtype == np.float64
    assert tape.gradient(end, y0).dtype == np.float32


def test_a_list_of_tensors_as_state_and_a_function_that_fills_an_array() -> None:
    def fun(t: Any, y: Any) -> Any:
        slope = np.zeros_like(y)
        slope[0], slope[1] = y[1], -y[0]
        return slope

    def f(x: Any) -> Any:
        return last_of(solve_ivp(fun, (0, 1), [x, 2 * x], **TIGHT))

    np.testing.assert_allclose(gt.grad(f)(0.3), np.cos(1) + 2 * np.sin(1), rtol=1e-6)


def test_solver_classes() -> None:
    class Mine(scipy.integrate.RK45):
        pass

    def f(k: Any, method: Any) -> Any:
        return last_of(solve_ivp(decay, (0, 1), [1.0], method, args=(k,)))

    for method in (Mine, scipy.integrate.BDF):
        slope = gt.grad(f)(0.7, method)
        np.testing.assert_allclose(slope, -math.exp(-0.7), rtol=1e-2)


def test_no_time_at_all() -> None:
    y0 = gt.Variable([1.0, 2.0])
    with gt.GradientTape() as tape:
        total = np.sum(solve_ivp(decay, (1, 1), y0, args=(1.0,)).y[:, 0])
    assert tape.gradient(total, y0).numpy().tolist() == [1, 1]


# What goes wrong ----------------------------------------------------------------------------------


def test_events_are_supported_in_value_and_refused_where_something_is_tracked() -> None:
    def half(t: Any, y: Any, k: Any) -> Any:
        return y[0] - 0.5

    result = solve_ivp(decay, (0, 2), [1.0], args=(1.0,), events=half)
    np.testing.assert_allclose(result.t_events[0], math.log(2), rtol=1e-3)
    with pytest.raises(gt.NoRuleError, match="events"):
        gt.grad(lambda k: last_of(solve_ivp(decay, (0, 2), [1.0], args=(k,), events=half)))(1.0)


def test_a_failed_integration_keeps_its_status_and_has_no_derivative() -> None:
    k = gt.Variable(1.0)
    with gt.GradientTape(persistent=True) as tape:
        result = solve_ivp(lambda t, y: k * y**2, (0, 2), [1.0])  # infinite at t = 1
        end = last_of(result)
    assert (result.status, result.success) == (-1, False)
    with pytest.raises(RuntimeError, match=r"failed after t = 0\.99.*Required step size"):
        tape.gradient(end, k)
    with pytest.raises(RuntimeError, match="failed after"), gt.ForwardAccumulator(k, 1.0):
        solve_ivp(lambda t, y: k * y**2, (0, 2), [1.0])
    with gt.GradientTape() as tape:
        state = solve_ivp(lambda t, y: k * y**2, (0, 2), [1.0], dense_output=True).sol(0.5)
    np.testing.assert_allclose(state.numpy(), 2, rtol=1e-3)
    with pytest.raises(RuntimeError, match="failed after"):
        tape.gradient(state, k)


def test_an_adjoint_that_blows_up_says_where() -> None:
    def fun(t: Any, y: Any) -> Any:
        # Near 0 it grows by exp(1000 t); the state itself stays at 0.
        return 1000 * np.sin(y)

    def f(y0: Any) -> Any:
        return last_of(solve_ivp(fun, (0, 1), [y0], max_step=1e-3))

    with pytest.warns(RuntimeWarning, match=r"adjoint of solve_ivp is not finite at t = 0\.\d"):
        assert not np.isfinite(gt.grad(f)(0.0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        short = gt.grad(lambda y: last_of(solve_ivp(fun, (0, 0.1), [y], max_step=1e-3)))(0.0)
    np.testing.assert_allclose(short, math.exp(100), rtol=0.5)


def test_what_is_wrong_is_scipys_error() -> None:
    with gt.GradientTape(), pytest.raises(ValueError, match="`method` must be one of"):
        solve_ivp(decay, (0, 1), gt.Variable([1.0]), "RK99", args=(1.0,))
    with pytest.raises(ValueError, match="t_eval"):
        solve_ivp(decay, (0, 1), gt.constant([1.0]), t_eval=[2.0], args=(1.0,))
