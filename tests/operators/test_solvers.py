"""Roots, fixed points and minimisers: the implicit function theorem against closed forms."""

import functools
import sys
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradtape as gt
import gradtape.tf as tf

A = np.array([4.0, 2.0, 9.0])


def differences(f: Any, x: Any, h: float = 1e-5) -> Any:
    """The Jacobian of f by central differences, by a vector or a number."""
    x = np.asarray(x, float)
    columns = []
    for i in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[i] = h
        columns.append((np.asarray(f(x + step)) - np.asarray(f(x - step))) / (2 * h))
    return np.stack(columns, -1).reshape(columns[0].shape + x.shape)


def root_of_square(solve: Any = None) -> Any:
    return gt.implicit_root(np.sqrt, lambda x, a: x * x - a, solve=solve)


square_root = root_of_square()


# Closed forms -------------------------------------------------------------------------------------


def test_the_value_is_the_solver_s() -> None:
    assert np.array_equal(square_root(A), np.sqrt(A))
    assert isinstance(square_root(A), np.ndarray)
    assert isinstance(square_root(gt.constant(A)), gt.Tensor)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_square_root_at_every_order(order: int) -> None:
    f, expected = square_root, 1.0
    for k in range(order):
        f, expected = gt.grad(f), expected * (0.5 - k)
    assert np.isclose(f(3.0), expected * 3.0 ** (0.5 - order), rtol=1e-12)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_square_root_at_every_order_in_forward_mode(order: int) -> None:
    f, expected = square_root, 1.0
    for k in range(order):
        f = functools.partial(lambda f, a: gt.directional_derivative(f)(a, 1.0), f)
        expected *= 0.5 - k
    assert np.isclose(f(3.0), expected * 3.0 ** (0.5 - order), rtol=1e-12)


@pytest.mark.parametrize("mode", ["reverse", "forward"])
@pytest.mark.parametrize("solve", [None, "gmres", "bicgstab", "cg", "minres"])
def test_jacobian(mode: Any, solve: Any) -> None:
    jacobian = gt.jacobian(root_of_square(solve), mode=mode)(A)
    assert np.allclose(jacobian, np.diag(0.5 / np.sqrt(A)), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("solve", [None, "gmres", "bicgstab"])
def test_linear_system(solve: Any) -> None:
    rng = np.random.default_rng(0)
    m, b = rng.normal(size=(4, 4)) + 4 * np.eye(4), rng.normal(size=4)
    root = gt.implicit_root(np.linalg.solve, lambda x, m, b: m @ x - b, solve=solve)

    def loss(solver: Any) -> Any:
        return lambda m, b: np.sum(np.sin(solver(m, b)))

    for k in (0, 1):
        expected = gt.grad(loss(np.linalg.solve), k)(m, b)
        assert np.allclose(gt.grad(loss(root), k)(m, b), expected, rtol=1e-8, atol=1e-10)
        hessian = gt.hessian(loss(root), k)(m, b)
        expected = gt.hessian(loss(np.linalg.solve), k)(m, b)
        assert np.allclose(hessian, expected, rtol=1e-7, atol=1e-9)
    t = rng.normal(size=(4, 4))
    _, expected = gt.jvp(np.linalg.solve)(m, b, t)
    assert np.allclose(gt.jvp(root)(m, b, t)[1], expected, rtol=1e-8, atol=1e-10)


def kepler(mean: Any, eccentricity: Any) -> Any:
    """The eccentric anomaly E, for which E - e sin(E) = M."""
    mean, eccentricity = np.asarray(mean), np.asarray(eccentricity)
    e = mean + eccentricity
    for _ in range(50):
        e = e - (e - eccentricity * np.sin(e) - mean) / (1 - eccentricity * np.cos(e))
    return e


def test_kepler_s_equation() -> None:
    anomaly = gt.implicit_root(kepler, lambda x, m, e: x - e * np.sin(x) - m)
    m, e = 0.8, 0.3
    x = kepler(m, e)
    d = 1 - e * np.cos(x)
    assert np.allclose(gt.grad(anomaly, (0, 1))(m, e), (1 / d, np.sin(x) / d), rtol=1e-14)
    # d2E/dM2 = -e sin(E) / (1 - e cos(E))^3
    assert np.isclose(gt.grad(gt.grad(anomaly))(m, e), -e * np.sin(x) / d**3, rtol=1e-13)
    mixed = gt.grad(gt.grad(anomaly, 0), 1)(m, e)
    assert np.isclose(mixed, gt.grad(gt.grad(anomaly, 1), 0)(m, e), rtol=1e-13)
    assert np.isclose(mixed, differences(lambda e: gt.grad(anomaly)(m, e), e), rtol=1e-8)
    third = gt.grad(gt.grad(gt.grad(anomaly)))
    assert np.isclose(third(m, e), differences(lambda m: gt.grad(gt.grad(anomaly))(m, e), m))


def test_kepler_s_equation_by_scipy() -> None:
    optimize = pytest.importorskip("scipy.optimize")

    def residual(x: Any, m: Any, e: Any) -> Any:
        return x - e * np.sin(x) - m

    def solver(m: Any, e: Any) -> Any:
        return optimize.root(residual, m, (m, e), tol=1e-14).x

    anomaly = gt.implicit_root(solver, residual)
    m = np.linspace(0.1, 3.0, 7)
    x = kepler(m, 0.6)
    jacobian = gt.jacobian(anomaly)(m, 0.6)
    assert np.allclose(jacobian, np.diag(1 / (1 - 0.6 * np.cos(x))), rtol=1e-10)


@given(st.integers(1, 5), st.integers(0, 2**32 - 1), st.sampled_from([None, "gmres"]))
@settings(max_examples=25, deadline=None)
def test_any_system(n: int, seed: int, solve: Any) -> None:
    rng = np.random.default_rng(seed)
    m, b = rng.uniform(-1, 1, (n, n)) + 3 * n * np.eye(n), rng.normal(size=n)

    def residual(x: Any, m: Any, b: Any) -> Any:
        return m @ x + np.tanh(x) * x - b

    def solver(m: Any, b: Any) -> Any:
        x = np.linalg.solve(m, b)
        for _ in range(20):
            slope = m + np.diag(np.tanh(x) + x / np.cosh(x) ** 2)
            x = x - np.linalg.solve(slope, residual(x, m, b))
        return x

    root = gt.implicit_root(solver, residual, solve=solve)
    expected = differences(lambda b: solver(m, b), b)
    for mode in ("reverse", "forward"):
        assert np.allclose(gt.jacobian(root, 1, mode=mode)(m, b), expected, rtol=1e-6, atol=1e-8)
    v, w = rng.normal(size=(n, n)), rng.normal(size=n)
    pushed, pulled = gt.jvp(root)(m, b, v)[1], gt.vjp(root)(m, b)[1](w)
    assert np.isclose(w @ pushed, np.sum(v * pulled), rtol=1e-9, atol=1e-12)
    h = 1e-5
    along = (solver(m + h * v, b) - solver(m - h * v, b)) / (2 * h)
    assert np.allclose(pushed, along, rtol=1e-6, atol=1e-8)


# Nests, aux, dtypes -------------------------------------------------------------------------------


class Pair(NamedTuple):
    total: Any
    product: Any


def test_nests_of_unknowns_and_parameters() -> None:
    # u + v = s, u v = p: u, v are the roots of t^2 - s t + p.
    def solver(given: Pair, *, swap: bool = False) -> Any:
        d = np.sqrt(given.total**2 - 4 * given.product)
        u, v = (given.total - d) / 2, (given.total + d) / 2
        return {"u": [v] if swap else [u], "v": u if swap else v}

    def residual(x: Any, given: Pair, *, swap: bool = False) -> Any:
        u, v = x["u"][0], x["v"]
        return {"u": [u + v - given.total], "v": u * v - given.product}

    roots = gt.implicit_root(solver, residual)
    given = Pair(np.array([5.0, 7.0]), np.array([4.0, 10.0]))

    def f(solver: Any) -> Any:
        def sines(given: Any) -> Any:
            x = solver(given, swap=True)
            return np.sum(np.sin(x["u"][0]) * x["v"])

        return sines

    found, expected = gt.grad(f(roots))(given), gt.grad(f(solver))(given)
    assert isinstance(found, Pair)
    assert np.allclose(found, expected, rtol=1e-12)
    x = roots(given)
    assert list(x) == ["u", "v"]
    assert x["v"].tolist() == [4.0, 5.0]


def test_what_the_solver_returns_beside_the_root() -> None:
    root = gt.implicit_root(
        lambda a: (np.sqrt(a), {"steps": 7}), lambda x, a: x * x - a, has_aux=True
    )
    assert root(4.0) == (2.0, {"steps": 7})
    slope, aux = gt.grad(root, has_aux=True)(4.0)
    assert (slope, aux) == (0.25, {"steps": 7})


def test_single_precision_stays() -> None:
    a = A.astype(np.float32)
    x = square_root(a)
    jacobian, jvp = gt.jacobian(square_root)(a), gt.jvp(square_root)(a, np.ones_like(a))[1]
    assert x.dtype == jacobian.dtype == jvp.dtype == np.float32
    assert np.allclose(np.diag(jacobian), 0.5 / np.sqrt(A), rtol=1e-6)
    assert np.allclose(jvp, 0.5 / np.sqrt(A), rtol=1e-6)


def test_unknowns_of_two_dtypes() -> None:
    roots = gt.implicit_root(
        lambda a, b: [np.sqrt(a), a * b**2],
        lambda x, a, b: [x[0] * x[0] - a, x[1] - x[0] ** 2 * b**2],
    )
    a, b = np.float32(4.0), np.float64(3.0)
    assert [x.dtype for x in roots(a, b)] == [np.float32, np.float64]
    (ua, ub), (va, vb) = gt.jacobian(roots, (0, 1))(a, b)
    assert [d.dtype for d in (ua, ub, va, vb)] == [np.float32, np.float64] * 2
    assert np.allclose([ua, ub, va, vb], [0.25, 0.0, 9.0, 24.0])


def test_complex_holomorphic() -> None:
    z = np.array([1 + 2j, 3 - 1j])

    def loss(f: Any) -> Any:
        return lambda a: np.sum(np.abs(f(a) * (1 + 0.5j) + 1) ** 2)

    assert np.allclose(gt.grad(loss(square_root))(z), gt.grad(loss(np.sqrt))(z), rtol=1e-13)
    t = np.array([1j, 2.0 + 1j])
    found, expected = gt.jvp(square_root)(z, t)[1], gt.jvp(np.sqrt)(z, t)[1]
    assert np.allclose(found, expected, rtol=1e-13)


def test_complex_and_not_holomorphic() -> None:
    def solver(a: Any) -> Any:
        return (a - 0.3 * np.conj(a)) / (1 - 0.09)

    root = gt.implicit_root(solver, lambda x, a: x + 0.3 * np.conj(x) - a)
    z, t = np.array([1 + 2j, 3 - 1j]), np.array([1j, 2.0 + 1j])
    found, expected = [gt.grad(lambda a: np.sum(np.abs(f(a)) ** 3))(z) for f in (root, solver)]  # noqa: B023
    assert np.allclose(found, expected, rtol=1e-13)
    assert np.allclose(gt.jvp(root)(z, t)[1], solver(t), rtol=1e-13)


def test_under_gradtape_tf() -> None:
    a = tf.Variable(9.0)
    root = gt.implicit_root(np.sqrt, lambda x, a: tf.square(x) - a)
    with tf.GradientTape() as tape:
        x = root(a)
    assert isinstance(x, tf.Tensor)
    slope = tape.gradient(x, a)
    assert slope.dtype == tf.float32
    assert np.isclose(slope.numpy(), 1 / 6)


def test_no_unknowns() -> None:
    root = gt.implicit_root(lambda a: np.zeros(0), lambda x, a: x * a)
    assert gt.grad(lambda a: np.sum(root(a)))(2.0) == 0.0
    assert gt.jacobian(root)(2.0).shape == gt.jvp(root)(2.0, 1.0)[1].shape == (0,)


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_the_jacobian_of_a_complex_root(mode: Any) -> None:
    z = np.array([1 + 2j, 3 - 1j])
    expected = gt.jacobian(np.sqrt, mode=mode)(z)
    assert np.allclose(gt.jacobian(square_root, mode=mode)(z), expected, rtol=1e-14)


# Recorders ----------------------------------------------------------------------------------------


def test_inside_tapes() -> None:
    a = gt.Variable(3.0)
    with gt.GradientTape() as outer:
        with gt.GradientTape() as inner:
            y = square_root(a * a * a)
        slope = inner.gradient(y, a)
    assert np.isclose(slope.numpy(), 1.5 * np.sqrt(3.0))
    assert np.isclose(outer.gradient(slope, a).numpy(), 0.75 / np.sqrt(3.0))


def test_a_persistent_tape_answers_twice() -> None:
    a = gt.Variable(A)
    with gt.GradientTape(persistent=True) as tape:
        y = square_root(a)
    first, second = tape.gradient(y, a), tape.gradient(y, a)
    assert np.array_equal(first.numpy(), second.numpy())
    assert np.allclose(np.diag(tape.jacobian(y, a).numpy()), first.numpy())


def test_what_the_residual_closes_over() -> None:
    v = gt.Variable(2.0)

    def f(a: Any) -> Any:
        b = a * a  # neither an argument nor a variable
        return gt.implicit_root(lambda: np.sqrt(b * v) / 3, lambda x: x * x * 9 - b * v)()

    # x = a sqrt(v) / 3
    assert np.isclose(gt.grad(f)(6.0), np.sqrt(2.0) / 3, rtol=1e-13)
    assert np.isclose(gt.directional_derivative(f)(6.0, 1.0), np.sqrt(2.0) / 3, rtol=1e-13)
    with gt.GradientTape() as tape:
        x = f(gt.constant(6.0))
        v.assign(50.0)  # the gradient is that of the value then
    assert np.isclose(tape.gradient(x, v).numpy(), 1 / np.sqrt(2.0), rtol=1e-13)
    assert v.numpy() == 50.0


@pytest.mark.parametrize("solve", [None, "gmres"])
def test_what_a_step_and_an_objective_close_over(solve: Any) -> None:
    pytest.importorskip("scipy")

    def fixed(a: Any) -> Any:
        b = a * a
        return gt.fixed_point(lambda x: 0.5 * (x + b / x), solve=solve)(1.0)  # x = a

    def found(a: Any) -> Any:
        b = a * a
        return gt.fixed_point(lambda x: 0.5 * (x + b / x), lambda: np.sqrt(b), solve=solve)()

    def least(a: Any) -> Any:
        b = a * a
        return gt.argmin("BFGS", lambda x: (x - b) ** 2, solve=solve)(0.0)  # x = a^2

    for f, slope, curvature in ((fixed, 1.0, 0.0), (found, 1.0, 0.0), (least, 6.0, 2.0)):
        assert np.isclose(gt.grad(f)(3.0), slope, rtol=1e-6)
        assert np.isclose(gt.directional_derivative(f)(3.0, 1.0), slope, rtol=1e-6)
        assert np.isclose(gt.grad(gt.grad(f))(3.0), curvature, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("solve", [None, "gmres"])
def test_a_root_in_a_residual(solve: Any) -> None:
    inner = root_of_square(solve)

    def solver(a: Any) -> Any:
        return a ** (2 / 3)

    # x sqrt(x) = a: x = a^(2/3)
    outer = gt.implicit_root(solver, lambda x, a: x * inner(x) - a, solve=solve)
    f = outer
    for k, expected in enumerate([2 / 3, -2 / 9, 8 / 27]):
        f = gt.grad(f)
        assert np.isclose(f(2.0), expected * 2.0 ** (2 / 3 - k - 1), rtol=1e-9)


def test_forward_over_reverse_and_reverse_over_forward() -> None:
    def f(a: Any) -> Any:
        return np.sum(square_root(a) ** 3)  # gradient 1.5 sqrt(a), Hessian 0.75 / sqrt(a)

    v = np.array([1.0, -2.0, 0.5])
    assert np.allclose(gt.hvp(f)(A, v), 0.75 / np.sqrt(A) * v, rtol=1e-13)
    slope = gt.grad(lambda a: gt.directional_derivative(f)(a, v))(A)
    assert np.allclose(slope, 0.75 / np.sqrt(A) * v, rtol=1e-13)
    pushed = gt.linearize(square_root)(A)[1](v)
    pulled = gt.vjp(square_root)(A)[1](v)
    assert np.allclose(pushed, 0.5 / np.sqrt(A) * v, rtol=1e-13)
    assert np.allclose(pulled, pushed, rtol=1e-13)


def test_sparse_jacobians() -> None:
    pytest.importorskip("scipy")
    found = gt.jacobian(square_root, sparse=True)(A)
    assert np.allclose(found.toarray(), np.diag(0.5 / np.sqrt(A)))


def test_implicit_steps_of_a_loop() -> None:
    def euler(y: Any, i: int, rate: Any) -> Any:
        def residual(z: Any, y: Any, rate: Any) -> Any:
            return z - y + 0.1 * rate * z**3

        def solver(y: Any, rate: Any) -> Any:
            z = y
            for _ in range(20):
                z = z - (z - y + 0.1 * rate * z**3) / (1 + 0.3 * rate * z**2)
            return z

        return gt.implicit_root(solver, residual)(y, rate)

    def last(rate: Any) -> Any:
        return np.sum(gt.checkpointed_loop(euler, np.array([1.0, 2.0]), 20, args=(rate,)))

    assert np.isclose(gt.grad(last)(3.0), differences(last, 3.0), rtol=1e-8)
    second = gt.grad(gt.grad(last))(3.0)
    assert np.isclose(second, differences(gt.grad(last), 3.0), rtol=1e-8)


def test_a_linear_solver_of_one_s_own() -> None:
    asked = []

    def solve(matvec: Any, b: Any) -> Any:
        asked.append(b.size)
        matrix = np.stack([matvec(e) for e in np.eye(b.size)], 1)
        return np.linalg.solve(matrix, b)

    f = root_of_square(solve)
    jacobian = gt.jacobian(f)(A)
    assert np.allclose(jacobian, np.diag(0.5 / np.sqrt(A)))
    assert asked == [3, 3, 3]
    hessian = gt.hessian(lambda a: np.sum(f(a) ** 3))(A)
    assert np.allclose(hessian, np.diag(0.75 / np.sqrt(A)))


def test_many_unknowns_without_the_jacobian() -> None:
    a = np.linspace(1.0, 2.0, 20_000)  # whose Jacobian would take 3 GB
    slope = gt.grad(lambda a: np.sum(root_of_square("cg")(a)))(a)
    assert np.allclose(slope, 0.5 / np.sqrt(a), rtol=1e-9)


def test_an_array_argument_that_is_written_to() -> None:
    b, a = np.array([2.0]), gt.Variable([3.0])
    root = gt.implicit_root(lambda a, b: np.sqrt(a * b), lambda x, a, b: x * x - a * b)
    with gt.GradientTape() as tape:
        x = root(a, b)
    b[0] = 100.0
    assert np.isclose(tape.gradient(x, a).numpy()[0], 0.5 * np.sqrt(2 / 3))


# Fixed points -------------------------------------------------------------------------------------


def cosine(x: Any, a: Any) -> Any:
    return np.cos(a * x)


def test_fixed_point_of_a_cosine() -> None:
    settled = gt.fixed_point(cosine)
    a = np.array([0.5, 0.9, 1.0])
    x = settled(np.ones(3), a)
    assert np.allclose(x, np.cos(a * x), rtol=1e-12)
    expected = -np.sin(a * x) * x / (1 + a * np.sin(a * x))
    jacobian = gt.jacobian(settled, 1)(np.ones(3), a)
    assert np.allclose(jacobian, np.diag(expected), rtol=1e-11)
    forward = gt.jacobian(settled, 1, mode="forward")(np.ones(3), a)
    assert np.allclose(forward, jacobian, rtol=1e-13)
    second = gt.grad(lambda a: gt.grad(settled, 1)(1.0, a))
    assert np.isclose(second(0.9), differences(lambda a: gt.grad(settled, 1)(1.0, a), 0.9))


def test_where_a_fixed_point_is_started_has_no_derivative() -> None:
    assert gt.grad(gt.fixed_point(cosine))(1.0, 0.5) == 0.0
    a = gt.Variable(0.5)
    with gt.GradientTape() as tape:
        tape.watch(start := gt.constant(1.0))
        x = gt.fixed_point(cosine)(start, a)
    assert tape.gradient(x, start) is None


def test_arguments_by_name() -> None:
    expected = gt.grad(gt.fixed_point(cosine), 1)(1.0, 0.9)
    assert gt.grad(gt.fixed_point(cosine), argnames="a")(1.0, 0.9) == expected
    assert gt.grad(gt.fixed_point(cosine), argnames="a")(1.0, a=0.9) == expected
    root = gt.implicit_root(kepler, lambda x, m, e: x - e * np.sin(x) - m)
    assert gt.grad(root, argnames="eccentricity")(0.8, 0.3) == gt.grad(root, 1)(0.8, 0.3)


def test_a_fixed_point_found_by_a_solver() -> None:
    optimize = pytest.importorskip("scipy.optimize")
    settled = gt.fixed_point(cosine, lambda a: optimize.fixed_point(cosine, 1.0, (a,)))
    assert np.isclose(gt.grad(settled)(0.9), gt.grad(gt.fixed_point(cosine), 1)(1.0, 0.9))


def test_a_fixed_point_over_nests() -> None:
    def step(x: Any, a: Any) -> Any:
        return {"p": 0.5 * x["q"] + a["c"], "q": 0.25 * x["p"] * a["s"]}

    # p = c / (1 - s / 8), q = p s / 4
    settled = gt.fixed_point(step)
    start = {"p": np.zeros(2), "q": np.zeros(2)}
    a = {"c": np.array([1.0, 2.0]), "s": 0.8}
    slope = gt.grad(lambda a: np.sum(settled(start, a)["p"]))(a)
    assert np.allclose(slope["c"], 1 / 0.9, rtol=1e-11)
    assert np.isclose(slope["s"], 3.0 / 8 / 0.9**2, rtol=1e-11)


def test_fixed_point_in_single_precision() -> None:
    settled = gt.fixed_point(cosine)
    x = settled(np.float32(1.0), np.float32(0.9))
    slope = gt.grad(settled, 1)(np.float32(1.0), np.float32(0.9))
    assert x.dtype == slope.dtype == np.float32


# Minimisers ---------------------------------------------------------------------------------------

X = np.random.default_rng(1).normal(size=(12, 3))
Y = np.random.default_rng(2).normal(size=12)


def ridge(w: Any, penalty: Any, y: Any) -> Any:
    return np.sum((X @ w - y) ** 2) + penalty * np.sum(w**2)


def ridge_in_closed_form(penalty: Any, y: Any) -> Any:
    return np.linalg.solve(X.T @ X + penalty * np.eye(3), X.T @ y)


def test_ridge_regression_by_its_penalty_and_its_data() -> None:
    best = gt.argmin(ridge_in_closed_form, ridge)
    for k in (0, 1):
        expected = gt.jacobian(ridge_in_closed_form, k)(0.7, Y)
        assert np.allclose(gt.jacobian(best, k)(0.7, Y), expected, rtol=1e-11, atol=1e-13)
    second = gt.hessian(lambda p: np.sum(best(p, Y) ** 2))(0.7)
    expected = gt.hessian(lambda p: np.sum(ridge_in_closed_form(p, Y) ** 2))(0.7)
    assert np.isclose(second, expected, rtol=1e-10)
    t = np.random.default_rng(3).normal(size=12)
    _, expected = gt.jvp(ridge_in_closed_form, 1)(0.7, Y, t)
    assert np.allclose(gt.jvp(best, 1)(0.7, Y, t)[1], expected, rtol=1e-11)


@pytest.mark.parametrize("method", ["BFGS", "L-BFGS-B", "Newton-CG", "trust-ncg"])
def test_ridge_regression_by_a_method_of_scipy_s(method: str) -> None:
    pytest.importorskip("scipy")
    best = gt.argmin(method, ridge)
    assert np.allclose(best(np.zeros(3), 0.7, Y), ridge_in_closed_form(0.7, Y), rtol=1e-5)
    slope = gt.jacobian(best, 1)(np.zeros(3), 0.7, Y)
    expected = gt.jacobian(ridge_in_closed_form)(0.7, Y)
    assert np.allclose(slope, expected, rtol=1e-5)


def test_a_minimiser_that_is_no_number() -> None:
    pytest.importorskip("scipy")

    def objective(x: Any, a: Any) -> Any:
        return np.sum((x["u"] - a) ** 2) + (x["v"] - np.sum(x["u"])) ** 2

    best = gt.argmin("BFGS", objective)
    start = {"u": np.zeros(2), "v": 0.0}
    slope = gt.jacobian(lambda a: best(start, a)["v"])(np.array([1.0, 2.0]))
    assert np.allclose(slope, 1.0, rtol=1e-6)


def test_a_minimiser_in_an_objective() -> None:
    # Bilevel: the penalty that makes the ridge solution nearest to a target.
    best = gt.argmin(ridge_in_closed_form, ridge)

    def outer(f: Any) -> Any:
        return lambda p: np.sum((f(np.exp(p), Y) - 0.1) ** 2)

    found, expected = gt.grad(outer(best))(0.3), gt.grad(outer(ridge_in_closed_form))(0.3)
    assert np.isclose(found, expected, rtol=1e-11)


# Bad input ----------------------------------------------------------------------------------------


def test_a_solver_that_has_not_converged() -> None:
    def two_steps(a: Any) -> Any:
        x = 1.0
        for _ in range(2):
            x = (x + a / x) / 2
        return x

    root = gt.implicit_root(two_steps, lambda x, a: x * x - a)
    with pytest.raises(RuntimeError, match=r"two_steps has not converged: .* has norm 0\.0144 .*"):
        root(2.25)  # 1.625, then 1.5048...
    loose = gt.implicit_root(two_steps, lambda x, a: x * x - a, tolerance=None)
    assert np.isfinite(gt.grad(loose)(2.25))
    with pytest.raises(RuntimeError, match="has not converged"):
        gt.implicit_root(lambda a: np.nan, lambda x, a: x - a)(1.0)
    with pytest.raises(RuntimeError, match="has not converged"):  # a minimum that is no root
        gt.implicit_root(lambda a: 0.0, lambda x, a: x * x + a)(1.0)


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_convergence_does_not_depend_on_the_residual_s_units(scale: float) -> None:
    def root(error: float) -> Any:
        return gt.implicit_root(
            lambda a: np.sqrt(a) * (1 + error), lambda x, a: scale * (x * x - a)
        )

    assert np.allclose(root(1e-8)(A), np.sqrt(A))
    with pytest.raises(RuntimeError, match="has not converged"):
        root(1e-3)(A)


def test_a_singular_jacobian() -> None:
    double = gt.implicit_root(lambda a: a, lambda x, a: (x - a) ** 2)
    with pytest.raises(np.linalg.LinAlgError, match="singular"):
        gt.grad(double)(1.0)
    m = np.array([[0.1, 0.3], [0.3, 0.9]])  # not quite singular in floating point
    repeated = gt.implicit_root(
        lambda a: np.array([10.0 * a, 0.0]), lambda x, a: m @ x - a * np.array([1.0, 3.0])
    )
    for mode in ("reverse", "forward"):
        with pytest.raises(np.linalg.LinAlgError, match="singular"):
            gt.jacobian(repeated, mode=mode)(1.0)
    constant = gt.implicit_root(lambda a: 0.0, lambda x, a: a - 1.0)
    with pytest.raises(np.linalg.LinAlgError, match="does not depend on the unknown"):
        gt.grad(constant)(1.0)


def test_badly_scaled_equations_are_not_singular() -> None:
    m, units = np.array([[2.0, 1.0, 0.5], [0.1, 3.0, 1.0], [1.0, 0.2, 2.0]]), [1e-150, 1.0, 1e150]
    for rows in (units, units[::-1]):
        root = gt.implicit_root(
            lambda a: np.linalg.solve(m, a),
            lambda x, a, rows=rows: np.array(rows) * (m @ x - a),
            tolerance=None,
        )
        for mode in ("forward", "reverse"):
            assert np.allclose(gt.jacobian(root, mode=mode)(A), np.linalg.inv(m))
    columns = gt.implicit_root(
        lambda a: np.linalg.solve(m, a) / units, lambda x, a: m @ (x * units) - a, tolerance=None
    )
    assert np.allclose(gt.jacobian(columns)(A), np.linalg.inv(m) / np.array(units)[:, None], atol=0)


def test_a_residual_of_another_shape() -> None:
    with pytest.raises(ValueError, match=r"leaf 0 of the residual has shape \(\)"):
        gt.implicit_root(np.sqrt, lambda x, a: np.sum(x * x - a))(A)
    with pytest.raises(TypeError, match="must have the unknown's structure"):
        gt.implicit_root(np.sqrt, lambda x, a: (x * x - a, x))(A)
    with pytest.raises(TypeError, match="both must be complex, or both real"):
        gt.implicit_root(np.sqrt, lambda x, a: x * x - a + 0j)(A)
    with pytest.raises(TypeError, match="floating or complex dtype"):
        gt.implicit_root(lambda a: 2, lambda x, a: x - a)(2.0)


def test_arguments_that_are_no_functions() -> None:
    with pytest.raises(TypeError, match="argument `solver`"):
        gt.implicit_root(3, lambda x: x)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="argument `residual`"):
        gt.implicit_root(np.sqrt, None)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="argument `step`"):
        gt.fixed_point(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="argument `objective`"):
        gt.argmin("BFGS", 3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="argument `solver`"):
        gt.argmin(3, ridge)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="argument `solve`"):
        root_of_square(3)
    with pytest.raises(ValueError, match="must be one of bicgstab"):
        root_of_square("lu")
    with pytest.raises(TypeError, match="has_aux"):
        gt.fixed_point(cosine, has_aux=True)
    with pytest.raises(TypeError, match=r"pair \(value, aux\)"):
        gt.implicit_root(np.sqrt, lambda x, a: x * x - a, has_aux=True)(4.0)


def test_a_linear_solver_that_fails() -> None:
    with pytest.raises(RuntimeError, match="a residual of norm 1 is left"):
        gt.grad(root_of_square(lambda matvec, b: 0 * b))(4.0)
    with pytest.raises(ValueError, match="returned an array of shape"):
        gt.grad(root_of_square(lambda matvec, b: np.zeros(2)))(4.0)


def test_a_fixed_point_that_is_not_reached() -> None:
    with pytest.raises(RuntimeError, match=r"the residual x - <lambda>\(x\) is .* `xtol` allows"):
        gt.fixed_point(lambda x, a: 2 * x + a)(1.0, 1.0)
    with pytest.raises(RuntimeError, match="after 3 steps"):
        gt.fixed_point(cosine, max_steps=3)(1.0, 1.0)


def test_a_step_that_changes_what_it_is_given() -> None:
    with pytest.raises(ValueError, match="changed the shape of leaf 0"):
        gt.fixed_point(lambda x: x.sum())(np.ones(3))
    with pytest.raises(TypeError, match="changed the dtype of leaf 0"):
        gt.fixed_point(lambda x: x * np.float64(0.5))(np.ones(3, np.float32))
    with pytest.raises(TypeError, match="same structure"):
        gt.fixed_point(lambda x: (x, x))(1.0)


def test_without_scipy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("scipy", "scipy.optimize", "scipy.sparse.linalg"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r"gradtape\[scipy\]"):
        gt.argmin("BFGS", ridge)
    with pytest.raises(ImportError, match=r"gradtape\[scipy\]"):
        root_of_square("gmres")
