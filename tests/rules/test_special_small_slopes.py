"""Slopes of special functions where they, or their parts, are much smaller than elsewhere."""

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import mpmath
import numpy as np
import pytest

from tests.rules.tools import bare
from tests.rules.truths import ulps

sp = pytest.importorskip("scipy.special")
python = pytest.importorskip("gradtape.scipy.special")

import gradtape as gt  # noqa: E402
from gradtape.derivatives.special_decimals import bessel  # noqa: E402

m = mpmath.mp
ULPS = 8


def slopes(function: Callable[..., Any], xs: Any) -> Any:
    x = gt.constant(np.asarray(xs))
    with np.errstate(all="ignore"), gt.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    return bare(tape.gradient(y, x))


def off(actual: Any, expected: Any) -> float:
    return ulps(actual, m.mpmathify(expected))


# Beside zeros -------------------------------------------------------------------------------------

ORDERS = [0.0, 1.0, 5.0, 20.0, -3.0, 0.3, 1 / 3, 0.5, -0.4, 2.0001, 2.5, 7.3, 12 + 1e-9, 100.3]
STARTS = [0.5, 21.0, 150.0]


def by_orders(true: Any, v: Any, x: Any) -> Any:
    v, x = m.mpf(v), m.mpf(x)
    return (true(v - 1, x) - true(v + 1, x)) / 2


def spherical(true: Any, n: int, x: Any) -> Any:
    x, half = m.mpf(x), m.mpf(0.5)
    value = n / x * true(n + half, x) - true(n + 1 + half, x)
    return m.sqrt(m.pi / (2 * x)) * value


def beside(slope: Any, rough: Any, start: float) -> list[float]:
    """Numbers beside the first zero from there on, and the one next to it."""
    grid = start + 0.05 * np.arange(300)
    signs = np.sign(rough(grid))
    at = grid[np.flatnonzero(signs[1:] * signs[:-1] < 0)[0]]
    zero = float(m.findroot(slope, (at, at + 0.05), solver="anderson", tol=1e-60, verify=False))
    return [zero, zero * (1 + 1e-12), zero - 1e-7, zero + 1e-3, zero - 0.02, zero + 0.1]


@pytest.mark.parametrize("v", ORDERS)
@pytest.mark.parametrize(("name", "true"), [("jv", m.besselj), ("yv", m.bessely)])
def test_bessel_functions_beside_zeros_of_their_slopes(name: str, true: Any, v: float):
    rough = partial(getattr(sp, f"{name}p"), v)
    for start in STARTS:
        with mpmath.workdps(60):
            points = beside(partial(by_orders, true, v), rough, max(start, 1.02 * abs(v)))
            truths = [by_orders(true, v, x) for x in points]
            found = slopes(partial(getattr(sp, name), v), points)
            far = [off(a, t) for a, t in zip(found, truths, strict=True)]
        assert max(far) <= ULPS, (points, far)


@pytest.mark.parametrize("n", [0, 1, 2, 7])
@pytest.mark.parametrize(("name", "true"), [("jn", m.besselj), ("yn", m.bessely)])
def test_spherical_functions_beside_zeros_of_their_slopes(name: str, true: Any, n: int):
    function = getattr(python, f"spherical_{name}")
    rough = partial(getattr(sp, f"spherical_{name}"), n, derivative=True)
    for start in STARTS:
        with mpmath.workdps(60):
            points = beside(partial(spherical, true, n), rough, max(start, 1.02 * n))
            truths = [spherical(true, n, x) for x in points]
            found = slopes(partial(function, n), points)
            far = [off(a, t) for a, t in zip(found, truths, strict=True)]
            mirrored = slopes(partial(function, n), -np.array(points))
        assert max(far) <= ULPS, (points, far)
        parity = (-1) ** (n + 1) if name == "jn" else (-1) ** n
        np.testing.assert_allclose(mirrored, parity * found, rtol=1e-14)


def test_zeros_of_many_orders_at_once():
    v, x = np.array([[0.3], [1.0], [12.6]]), np.array([20.0, 21.65, 25.186901481, 29.0])
    together = slopes(lambda x: sp.yv(v, x + np.zeros((3, 1))).sum(axis=0), x)
    alone = [sum(float(slopes(partial(sp.yv, float(o)), a)) for o in v[:, 0]) for a in x]
    np.testing.assert_allclose(together, alone, rtol=1e-14)


@pytest.mark.parametrize("v", [0.0, 3.0, 0.3, -0.4, 2.0001, 20.7, -60.5, 1e-9])
def test_decimals(v: float):
    for x in (0.3, 9.1, 47.3, 1e4 + 0.3, 1e7 + 0.1):
        if x < 0.9 * abs(v):
            continue
        with mpmath.workdps(80):
            true = [f(v, m.mpf(x), k) for f in (m.besselj, m.bessely) for k in (0, 1)]
            true[1], true[3] = by_orders(m.besselj, v, x), by_orders(m.bessely, v, x)
            size = m.hypot(true[0], true[2]) + m.hypot(true[1], true[3])
            found = [m.mpf(str(a)) for a in bessel(v, Decimal(x))]
            far = [abs(a - t) / size for a, t in zip(found, true, strict=True)]
        assert max(far) < 1e-38, (x, far)


# Small parts --------------------------------------------------------------------------------------


def turned(v: float, x: float, sign: int) -> Any:
    """The slope of a scaled Hankel function."""
    v, x = m.mpf(v), m.mpf(x)
    value = m.besselj(v, x) + sign * 1j * m.bessely(v, x)
    slope = by_orders(m.besselj, v, x) + sign * 1j * by_orders(m.bessely, v, x)
    return (slope - sign * 1j * value) * m.expj(-sign * x)


@pytest.mark.parametrize("v", [0.0, 0.3, 1 / 3, 1.0, 1.5, 2.5, 3.3, -0.4, -2.5, 7.0, 12.6, 37.0])
@pytest.mark.parametrize(("name", "sign"), [("hankel1e", 1), ("hankel2e", -1)])
def test_parts_of_scaled_hankel_functions(name: str, sign: int, v: float):
    points = [1e-3, 0.052, 0.12, 0.138, 0.52, 0.9, 1.9, 4.0, 12.0, 31.0, 59.0, 300.0, 1e4]
    points += [754.21, 3005.2]
    function = partial(getattr(sp, name), v)
    real = slopes(lambda x: np.real(function(x)), points)
    imag = slopes(lambda x: np.imag(function(x)), points)
    with mpmath.workdps(60):
        truths = [turned(v, x, sign) for x in points]
        values = function(np.array(points))
        for part, found, side in ((np.real, real, m.re), (np.imag, imag, m.im)):
            for x, a, t, value in zip(points, found, truths, part(values), strict=True):
                # What is 0 but for rounding: SciPy's is no better.
                if abs(value) > 1e-13 * abs(function(x)):
                    assert off(a, side(t)) <= ULPS, (x, a, side(t))


def airy_both(z: complex) -> list[tuple[Any, Any]]:
    """Ai and Ai' scaled, and their slopes."""
    z = m.mpc(z)
    root, grown = m.sqrt(z), m.exp(2 * z * m.sqrt(z) / 3)
    value, slope = m.airyai(z) * grown, m.airyai(z, derivative=1) * grown
    return [(value, slope + root * value), (slope, z * value + root * slope)]


@pytest.mark.parametrize("size", [1.5, 4.4, 5.0, 7.0, 9.06, 12.0, 20.0, 100.0, 1e4])
def test_scaled_airy_functions_of_complex_numbers(size: float):
    turns = np.array([0.05, 0.24, 0.45, 0.55, 0.69, 0.81, 0.93, 0.999, -0.3, -0.75, -0.97])
    z = size * np.exp(1j * np.pi * turns)
    for output in (0, 1):
        found = np.conj(slopes(lambda z, i=output: sp.airye(z)[i], z))
        with mpmath.workdps(50):
            for place, a in zip(z, found, strict=True):
                # SciPy's values are up to 100 off between 2 and 10, and slopes up to 12.
                bound = ULPS if size < 2 or size > 10 else 16
                assert off(a, airy_both(complex(place))[output][1]) <= bound, (place, a)


def test_second_derivatives_go_on():
    second = gt.grad(gt.grad(lambda x: np.real(sp.hankel1e(1.5, x))))
    with mpmath.workdps(60):
        for x in (0.7, 5.0, 100.0):
            expected = m.diff(lambda y: m.re(turned(1.5, y, 1)), x)
            np.testing.assert_allclose(second(np.float64(x)), float(expected), rtol=1e-11)
    for f in (partial(sp.yv, 0.3), partial(python.spherical_jn, 2)):
        at = 21.65
        near = gt.grad(gt.grad(f))(np.float64(at))
        difference = (gt.grad(f)(np.float64(at + 1e-4)) - gt.grad(f)(np.float64(at - 1e-4))) / 2e-4
        np.testing.assert_allclose(near, difference, rtol=1e-6)


# Student's distribution by the degrees of freedom -------------------------------------------------


def tail(n: Any, t: Any) -> Any:
    """P(T < -|t|), less 1/2 in the middle."""
    square = t * t
    if n < square:
        return m.betainc(n / 2, m.mpf(0.5), 0, n / (n + square), regularized=True) / 2
    return -m.betainc(m.mpf(0.5), n / 2, 0, square / (n + square), regularized=True) / 2


@pytest.mark.parametrize("n", [1.2e-4, 0.006, 0.04, 0.24, 0.72, 1.7, 3.5, 5.4, 14.0, 29.5, 500.0])
def test_student_by_degrees_of_freedom(n: float):
    for t in (-2e-3, 0.025, -0.2, 0.52, -1.1, 3.8, -25.0, 54.0, -700.0):
        if n > 100 and abs(t) > 10:
            continue
        found = slopes(lambda n, t=t: sp.stdtr(n, t), n)
        with mpmath.workdps(90):
            order, place, h = m.mpf(n), m.mpf(t), m.mpf(10) ** -22 * n
            ends = [tail(order + k * h, place) for k in (-2, -1, 1, 2)]
            expected = (ends[0] - 8 * ends[1] + 8 * ends[2] - ends[3]) / (12 * h)
            assert off(found, -np.sign(t) * expected) <= ULPS + 0.1, (t, found)


# What was further off -----------------------------------------------------------------------------


def test_betainc_of_tiny_parameters():
    a, x = 2.178e-7, 0.7177
    found = slopes(lambda b: sp.betainc(a, b, x), 2.522e-4)
    with mpmath.workdps(90):
        b, h = m.mpf(2.522e-4), m.mpf(10) ** -24
        ends = [m.betainc(b + k * h, a, 0, 1 - m.mpf(x), regularized=True) for k in (-2, -1, 1, 2)]
        expected = -(ends[0] - 8 * ends[1] + 8 * ends[2] - ends[3]) / (12 * h)
        assert off(found, expected) <= ULPS


@pytest.mark.parametrize(("n", "p", "x"), [(0.8171, 0.6761, 0.9165), (16.38, 0.7849, 2.446)])
def test_fdtridfd(n: float, p: float, x: float):
    def share(n: Any, d: Any) -> Any:
        return m.betainc(n / 2, d / 2, 0, n * x / (d + n * x), regularized=True)

    found = slopes(lambda n: sp.fdtridfd(n, p, x), n), slopes(lambda p: sp.fdtridfd(n, p, x), p)
    with mpmath.workdps(60):
        start = m.mpf(float(sp.fdtridfd(n, p, x)))
        near = (start, start * (1 + m.mpf(10) ** -10))
        d = m.findroot(lambda d: share(m.mpf(n), d) - p, near, tol=1e-90, verify=False)
        by_n = m.diff(lambda n: share(n, d), m.mpf(n))
        by_d = m.diff(lambda d: share(m.mpf(n), d), d)
        assert off(found[1], 1 / by_d) <= ULPS
        assert off(found[0], -by_n / by_d) <= 32  # beside a zero


def test_scaled_airy_functions_of_small_complex_numbers():
    z = np.array([0.1127, 0.35, 0.53, 0.8365, 1.3]) * np.exp(1j * np.pi * np.array([[0.68], [0.2]]))
    for output in (0, 1):
        found = np.conj(slopes(lambda z, i=output: sp.airye(z)[i], z))
        with mpmath.workdps(50):
            for place, a in zip(z.ravel(), found.ravel(), strict=True):
                assert off(a, airy_both(complex(place))[output][1]) <= ULPS, (place, a)
