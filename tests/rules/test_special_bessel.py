"""Bessel functions and their kin at hard points, and the arguments by which there is no slope."""

from typing import Any

import numpy as np
import pytest
from scipy import special

import gradtape as gt
from gradtape.errors import NoRuleError
from gradtape.scipy import special as namesakes

PI = np.pi


def slopes(function: Any, x: float, order: int) -> list[float]:
    """The derivatives at a number up to an order."""
    found = [function]
    for _ in range(order):
        found.append(gt.grad(found[-1]))
    with np.errstate(all="ignore"):
        return [float(f(np.float64(x))) for f in found[1:]]


#: Functions, where, and their first derivatives there, by their power series.
AT = [
    ("j0", special.j0, 0, [0, -1 / 2, 0]),
    ("j1", special.j1, 0, [1 / 2, 0, -3 / 8]),
    ("i0", special.i0, 0, [0, 1 / 2, 0]),
    ("i1", special.i1, 0, [1 / 2, 0, 3 / 8]),
    ("jv 0", lambda x: special.jv(0, x), 0, [0, -1 / 2, 0]),
    ("jv 2", lambda x: special.jv(2, x), 0, [0, 1 / 4, 0]),
    ("jv 1/2", lambda x: special.jv(0.5, x), 0, [np.inf]),
    ("iv 1", lambda x: special.iv(1, x), 0, [1 / 2, 0, 3 / 8]),
    ("y0", special.y0, 0, [np.inf]),
    ("y1", special.y1, 0, [np.inf]),
    ("yv 0", lambda x: special.yv(0, x), 0, [np.inf]),
    ("yn 2", lambda x: special.yn(2, x), 0, [np.inf]),
    ("k0", special.k0, 0, [-np.inf]),
    ("kv 2", lambda x: special.kv(2, x), 0, [-np.inf]),
    ("kve 2", lambda x: special.kve(2, x), 0, [-np.inf]),
    ("i0e", special.i0e, 0, [0]),
    ("i1e", special.i1e, 0, [1 / 2]),
    ("spherical_jn 0", lambda x: namesakes.spherical_jn(0, x), 0, [0, -1 / 3, 0, 1 / 5]),
    ("spherical_jn 1", lambda x: namesakes.spherical_jn(1, x), 0, [1 / 3, 0, -1 / 5]),
    ("spherical_in 1", lambda x: namesakes.spherical_in(1, x), 0, [1 / 3, 0, 1 / 5]),
    ("spherical_yn 1", lambda x: namesakes.spherical_yn(1, x), 0, [np.inf]),
    ("struve 0", lambda x: special.struve(0, x), 0, [2 / PI, 0, -4 / 3 / PI]),
    ("struve 1", lambda x: special.struve(1, x), 0, [0, 4 / 3 / PI, 0]),
    ("modstruve 0", lambda x: special.modstruve(0, x), 0, [2 / PI, 0, 4 / 3 / PI]),
    ("it2struve0", special.it2struve0, 0, [-2 / PI, 0, 4 / 9 / PI]),
    ("it2j0y0", lambda x: special.it2j0y0(x)[0], 0, [0, 1 / 4, 0, -3 / 32]),
    ("it2i0k0", lambda x: special.it2i0k0(x)[0], 0, [0, 1 / 4, 0, 3 / 32]),
    ("bei", special.bei, 0, [0, 1 / 2, 0, 0]),
    ("ber", special.ber, 0, [0, 0, 0, -3 / 8]),
    ("sici", lambda x: special.sici(x)[0], 0, [1, 0, -1 / 3, 0]),
    ("shichi", lambda x: special.shichi(x)[0], 0, [1, 0, 1 / 3, 0]),
    ("fresnel", lambda x: special.fresnel(x)[0], 0, [0, 0, PI]),
    ("ellipk", special.ellipk, 0, [PI / 8, 9 * PI / 64, 75 / 256 * PI]),
    ("ellipe", special.ellipe, 0, [-PI / 8, -3 * PI / 64, -15 * PI / 256]),
    ("ellipk at 1", special.ellipk, 1, [np.inf]),
    ("ellipe at 1", special.ellipe, 1, [-np.inf]),
    ("ellipkinc", lambda m: special.ellipkinc(0.7, m), 0, [(0.7 - np.sin(1.4) / 2) / 4]),
    ("ellipkinc at 1", lambda m: special.ellipkinc(0.0, m), 1, [0]),
    ("legendre 0", lambda x: special.eval_legendre(0, x), -1, [0, 0]),
    ("legendre 3", lambda x: special.eval_legendre(3, x), 1, [6, 15, 15]),
    ("legendre 2.0", lambda x: special.eval_legendre(2.0, x), 1, [3, 3, 0]),
    ("chebyt 3", lambda x: special.eval_chebyt(3, x), -1, [9, -24, 24]),
    ("unsigned", lambda x: special.eval_chebyt(np.uint8(0), x), 0.3, [0, 0]),
    ("lpmv 0 3", lambda x: special.lpmv(0, 3, x), 1, [6]),
    ("lpmv 2 2", lambda x: special.lpmv(2, 2, x), 1, [-6]),
    ("lpmv 1 1", lambda x: special.lpmv(1, 1, x), 0, [0, 1]),
    ("hyp2f1", lambda z: special.hyp2f1(1, 2, 3, z), 0, [2 / 3, 1, 12 / 5]),
    ("hyp1f1", lambda z: special.hyp1f1(1, 2, z), 0, [1 / 2, 1 / 3]),
    ("hyp0f1", lambda z: special.hyp0f1(2, z), 0, [1 / 2, 1 / 6]),
    ("lambertw", lambda z: np.real(special.lambertw(z)), 0, [1, -2, 9]),
    ("zeta", special.zeta, 0, [-np.log(2 * PI) / 2]),
    ("airy", lambda x: special.airy(x)[0], 0, [-0.25881940379280680, 0, 0.35502805388781724]),
    ("elliprd", lambda x: special.elliprd(x, 1, 1), 1, [-3 / 10, 9 / 28]),
    ("elliprj", lambda p: special.elliprj(1, 1, 1, p), 1, [-3 / 5, 6 / 7]),
    ("elliprg", lambda x: special.elliprg(x, 1, 1), 1, [1 / 6, -1 / 20]),
    ("elliprc", lambda y: special.elliprc(1, y), 1, [-1 / 3, 2 / 5]),
    ("agm", lambda x: special.agm(x, 1), 1, [1 / 2, -1 / 8]),
]


@pytest.mark.parametrize(("name", "function", "x", "expected"), AT, ids=[a[0] for a in AT])
def test_derivatives_at_zeros_ends_and_poles(name: str, function: Any, x: float, expected: Any):
    actual = slopes(function, x, len(expected))
    np.testing.assert_allclose(actual, expected, rtol=3e-14, atol=3e-15)


def test_jacobis_functions_by_the_parameter_at_zero():
    u = 0.7
    phi_slope = -(u - np.sin(u) * np.cos(u)) / 4  # DLMF 22.10.4 and on, by m = k k
    expected = [np.cos(u) * phi_slope, -np.sin(u) * phi_slope, -(np.sin(u) ** 2) / 2, phi_slope]
    actual = [gt.grad(lambda m, i=i: special.ellipj(u, m)[i])(0.0) for i in range(4)]
    np.testing.assert_allclose(actual, expected, rtol=1e-14)


def test_spherical_harmonics_have_slopes_at_the_poles():
    slope = gt.grad(lambda theta: np.real(namesakes.sph_harm_y(2, 1, theta, 0.0)))
    np.testing.assert_allclose(slope(0.0), -np.sqrt(15 / (8 * PI)), rtol=1e-14)


def test_a_principal_value_has_no_slope_but_nan():
    slope = gt.grad(lambda p: special.elliprj(1.0, 2.0, 3.0, p))
    with np.errstate(all="ignore"):
        assert np.isnan(slope(-1.0))


# Arguments without a derivative -------------------------------------------------------------------

REFUSED = [
    ("v", lambda v: special.jv(v, 1.0)),
    ("v", lambda v: special.jve(v, 1.0 + 1j)),
    ("v", lambda v: special.struve(v, 1.0)),
    ("v", lambda v: special.pbdv(v, 1.0)),
    ("a", lambda a: special.pbwa(a, 1.0)),
    ("q", lambda q: special.mathieu_cem(1, q, 10.0)),
    ("n", lambda n: special.eval_legendre(n, 0.3)),
    ("n", lambda n: namesakes.spherical_jn(n, 0.3)),
    ("n", lambda n: namesakes.spherical_jn(n, 0.3, True)),
    ("alpha", lambda a: special.eval_jacobi(2, a, 0.5, 0.3)),
    ("beta", lambda b: special.eval_jacobi(2, 0.5, b, 0.3)),
    ("v", lambda v: special.lpmv(1, v, 0.3)),
    ("a", lambda a: special.hyp1f1(a, 2.0, 0.3)),
    ("c", lambda c: special.hyp2f1(1.0, 2.0, c, 0.3)),
    ("lmb", lambda p: special.besselpoly(1.0, p, 2.0)),
]


@pytest.mark.parametrize(("argument", "function"), REFUSED)
def test_a_tracked_order_or_parameter_raises(argument: str, function: Any):
    t = gt.constant(1.5)
    with (
        gt.GradientTape() as tape,
        pytest.raises(NoRuleError, match=f"does not handle the argument '{argument}'"),
    ):
        tape.watch(t)
        function(t)
    with (
        gt.ForwardAccumulator(t, gt.constant(1.0)),
        pytest.raises(NoRuleError, match=f"does not handle the argument '{argument}'"),
    ):
        function(t)


def test_a_tensor_that_nobody_tracks_may_be_an_order():
    order, x = gt.constant(1.5), gt.constant(2.0)
    with gt.GradientTape() as tape:
        tape.watch(x)
        y = special.jv(order, x)
    assert tape.gradient(y, x).item() == gt.grad(lambda x: special.jv(1.5, x))(2.0)


def test_what_has_no_derivative_here_raises():
    x = gt.Variable(0.5)
    with gt.GradientTape(), pytest.raises(NoRuleError, match="characteristic values"):
        special.mathieu_a(1, x)
    with gt.GradientTape(), pytest.raises(NoRuleError, match="spheroidal"):
        special.pro_ang1(1, 1, 1.0, x)


# One precision and another ------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_a_gradient_has_the_dtype_of_its_source(dtype: Any):
    x = gt.constant(np.array([0.5, 1.5], dtype))
    for function in (special.j0, special.i0e, lambda x: special.airy(x)[1], special.ellipk):
        with np.errstate(all="ignore"), gt.GradientTape() as tape:
            tape.watch(x)
            y = function(x).sum()
        assert tape.gradient(y, x).dtype == dtype


def test_dead_poles_stay_out():
    x = np.array([0.0, 2.0])
    slope = gt.grad(lambda x: np.where(x > 0, special.yv(1, x), 0).sum())(x)
    assert slope[0] == 0
    np.testing.assert_allclose(slope[1], special.yvp(1, 2.0), rtol=1e-14)
    first = gt.grad(lambda x: np.where(x > 0, special.airye(-x)[2] / x, 0).sum())(x)
    assert first[0] == 0
    assert np.isfinite(first[1])
