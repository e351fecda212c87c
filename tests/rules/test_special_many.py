"""Slopes of special functions at many numbers at once, which may take another way than one does."""

from typing import Any

import mpmath
import numpy as np
import pytest

import gradtape as gt
from tests.rules.tools import bare
from tests.rules.truths import ulps

sp = pytest.importorskip("scipy.special")
special = pytest.importorskip("gradtape.scipy.special")

m = mpmath.mp
ULPS = 8


def slope(function: Any, x: Any) -> Any:
    x = gt.constant(x)
    with np.errstate(all="ignore"), gt.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    return bare(tape.gradient(y, x))


def spherical(true: Any) -> Any:
    return lambda n, x, _: m.diff(lambda t: m.sqrt(m.pi / (2 * t)) * true(n + m.mpf(0.5), t), x)


BESSEL = {
    "jv": m.besselj,
    "yv": m.bessely,
    "spherical_jn": spherical(m.besselj),
    "spherical_yn": spherical(m.bessely),
}
NUMBERS = np.linspace(0.005, 50, 3000)


@pytest.mark.parametrize("name", BESSEL)
@pytest.mark.parametrize("order", [0, 1, 2.5, 20, -0.4, -3])
def test_bessel_functions_at_many_numbers(name: str, order: float):
    """The shares of the true slopes are those of one number at a time, beside zeros too."""
    if name.startswith("spherical") and (order < 0 or order % 1):
        return
    found = slope(lambda x: getattr(special, name)(order, x), NUMBERS)
    # The smallest and others.
    by_size = np.argsort(np.abs(found) * np.sqrt(NUMBERS))
    for i in (*by_size[:3], *range(7, NUMBERS.size, 211)):
        with mpmath.workdps(40):
            true = BESSEL[name](order, m.mpf(NUMBERS[i]), 1)
        assert ulps(found[i], true) <= ULPS, (order, NUMBERS[i])


@pytest.mark.parametrize(("name", "order"), [("j0", 0), ("j1", 1), ("y0", 0), ("y1", 1)])
def test_the_lowest_orders_are_those_of_any_order(name: str, order: int):
    whole = getattr(sp, "jv" if name[0] == "j" else "yv")
    numbers = NUMBERS[::7]
    np.testing.assert_array_equal(
        slope(getattr(sp, name), numbers), slope(lambda x: whole(order, x), numbers)
    )


def test_hankel_functions_have_the_slopes_of_their_parts():
    for v in (0.0, 2.5, 20.0):
        found = slope(lambda x, v=v: np.real(sp.hankel1(v, x)), NUMBERS)
        np.testing.assert_allclose(found, slope(lambda x, v=v: sp.jv(v, x), NUMBERS), rtol=2e-15)
        found = slope(lambda x, v=v: np.imag(sp.hankel2(v, x)), NUMBERS)
        np.testing.assert_allclose(found, -slope(lambda x, v=v: sp.yv(v, x), NUMBERS), rtol=2e-15)


@pytest.mark.parametrize("orders", [np.array([[0.0], [2.5]]), np.linspace(0, 30, 600)])
def test_orders_beside_each_other(orders: Any):
    numbers = np.linspace(0.3, 40, 600)
    found = slope(lambda x: sp.jv(orders, x[None]), numbers)
    one_by_one = sum(
        slope(lambda x, v=v: sp.jv(v, x), numbers)
        for v in (orders[:, 0] if orders.ndim == 2 else [orders])
    )
    np.testing.assert_allclose(found, one_by_one, rtol=1e-13, atol=1e-14)


def test_numbers_of_all_sizes_together():
    """Tiny, huge, negative and no numbers beside others: each as by itself."""
    x = np.array([*NUMBERS[::10], 1e-300, 1e-12, 0.0, -3.0, -1e-9, 1e9, 1e12, np.inf, np.nan])
    for v in (0.0, 1.0, 2.5, 600.0):
        for function in (sp.jv, sp.yv):
            together = slope(lambda x, f=function, v=v: f(v, x), x)
            alone = [slope(lambda x, f=function, v=v: f(v, x), t) for t in x[-9:]]
            np.testing.assert_allclose(together[-9:], alone, rtol=1e-13)


def test_a_number_beside_the_order_where_there_is_no_zero():
    """Newton's method for a zero of the slope goes astray there."""
    x = np.linspace(64.5, 64.6, 9)
    found = slope(lambda x: sp.jv(64.5, x), x)
    for t, s in zip(x, found, strict=True):
        assert ulps(s, m.besselj(64.5, m.mpf(t), 1)) <= ULPS


DEGREES = np.array([0, 1, 2, 5, 9, 40])


@pytest.mark.parametrize(
    ("name", "true"),
    [
        ("eval_legendre", m.legendre),
        ("eval_hermite", m.hermite),
        ("eval_jacobi", lambda n, x: m.jacobi(n, m.mpf(0.3), m.mpf(1.7), x)),
        ("eval_genlaguerre", lambda n, x: m.laguerre(n, m.mpf(0.3), x)),
    ],
)
def test_polynomials_of_several_degrees_at_once(name: str, true: Any):
    more = {"eval_jacobi": (0.3, 1.7), "eval_genlaguerre": (0.3,)}.get(name, ())
    x = np.array([-0.7, 0.21, 0.5])[:, None] + np.zeros(DEGREES.size)
    found = slope(lambda x: getattr(sp, name)(DEGREES, *more, x), x)
    for (i, k), s in np.ndenumerate(found):
        with mpmath.workdps(40):
            exact = m.diff(lambda t, n=int(DEGREES[k]): true(n, t), m.mpf(x[i, k]))
        assert (abs(exact) < 1e-20 and s == 0) or ulps(s, exact) <= ULPS


def test_parameters_of_jacobi_that_leave_no_recurrence():
    """There SciPy's values are not numbers either; one number answers as many do."""
    one = [slope(lambda x: sp.eval_jacobi(4, -2.5, -1.5, x), np.float64(t)) for t in (0.3, -0.2)]
    many = slope(lambda x: sp.eval_jacobi(4, -2.5, -1.5, x), np.array([0.3, -0.2]))
    np.testing.assert_array_equal(one, many)


def test_harmonics_of_all_orders_at_once():
    """Of every order, at the poles, and of angles whose sine SciPy takes without its sign."""
    n = np.arange(6)[:, None, None]
    orders = np.arange(-5, 6)[:, None]
    theta = np.array([0.0, 1e-9, 0.4, 2.1, np.pi, -0.7, 4.0])
    places = theta + 0 * n + 0 * orders
    for part in (np.real, np.imag):

        def value(t: Any, part: Any = part) -> Any:
            return part(special.sph_harm_y(n, orders, t, 0.3))

        found, step = slope(value, places), 1e-6
        apart = (value(theta + step) - value(theta - step)) / (2 * step)
        inner = np.array([2, 3, 5, 6])
        np.testing.assert_allclose(found[..., inner], apart[..., inner], atol=2e-8)
        assert np.all(np.isfinite(found))


def test_zeta_of_many_numbers():
    x = np.concatenate([np.linspace(-12, 1, 60, endpoint=False), np.linspace(1.01, 9, 9)])
    found = slope(special.zeta, x)
    for t, s in zip(x, found, strict=True):
        with mpmath.workdps(40):
            assert ulps(s, m.zeta(m.mpf(t), derivative=1)) <= ULPS
    assert np.isnan(slope(special.zeta, np.array([0.5, np.nan]))[1])
