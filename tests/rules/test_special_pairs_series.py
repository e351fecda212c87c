"""Hypergeometric and parabolic cylinder slopes beside zeros, whole parameters and ends.

The true values are mpmath's at 50 digits.
"""

from typing import Any

import mpmath
import numpy as np
import pytest

import gradtape as gt
from tests.rules.tools import bare
from tests.rules.truths import slopes, ulps

sp = pytest.importorskip("scipy.special")

from gradtape.derivatives.special_gamma_pairs import reciprocal_gamma  # noqa: E402
from gradtape.derivatives.special_gauss import gauss  # noqa: E402
from gradtape.derivatives.special_pairs import (  # noqa: E402
    pair_exp,
    pair_power,
    pair_sine_and_cosine,
)
from gradtape.derivatives.special_power_series import summed, trusted  # noqa: E402

m = mpmath.mp
ULPS = 8


def d_slope(v: Any, x: Any) -> Any:
    return x / 2 * m.pcfd(v, x) - m.pcfd(v + 1, x)


def v_slope(v: Any, x: Any) -> Any:
    """DLMF 12.8.6, of a = -v - 1/2."""
    return m.re(x / 2 * m.pcfv(-v - m.mpf(1) / 2, x) - (v + 1) * m.pcfv(-v - m.mpf(3) / 2, x))


def w_slope(a: Any, x: Any) -> Any:
    return m.re(m.diff(lambda t: m.pcfw(a, t), x))


def gauss_slope(a: Any, b: Any, c: Any, z: Any) -> Any:
    return a * b / c * m.hyp2f1(a + 1, b + 1, c + 1, z)


def kummer_slope(a: Any, b: Any, z: Any) -> Any:
    return a / b * m.hyp1f1(a + 1, b + 1, z)


def limit_slope(b: Any, z: Any) -> Any:
    return m.hyp0f1(b + 1, z) / b


def tricomi_slope(a: Any, b: Any, z: Any) -> Any:
    return -a * m.hyperu(a + 1, b + 1, z)


def zero_of(truth: Any, *start: float) -> float:
    """The float next to a zero of a slope by its last argument."""
    with mpmath.workdps(50):
        *rest, x = [m.mpf(s) for s in start]
        return float(m.findroot(lambda t: truth(*rest, t), x, verify=False))  # huge values


#: SciPy's functions, the true slopes, and hard points: each way of computing, and their borders.
POINTS: list[tuple[str, Any, Any, list[tuple[float, ...]]]] = [
    (
        "pbdv",
        lambda v, x: sp.pbdv(v, x)[0],
        d_slope,
        [
            *[(3.3, -4.7), (3.9, 4.9), (-3.7, 4.8), (0.0, -1e-9), (2.0, 1e-160), (-0.5, 0.0)],
            *[(12.6, 11.0), (-9.0, 12.0), (4.5, -33.8), (-30.0, 12.0), (36.96, 17.16)],
            *[(24.21, 17.62), (-31.95, 4.912), (128.4, -21.5), (40.0, 20.25), (-200.5, 3.3)],
            *[(64.3, 0.0), (75.0 + 1e-12, -16.9), (1e-20, 9.7)],
        ],
    ),
    (
        "pbvv",
        lambda v, x: sp.pbvv(v, x)[0],
        v_slope,
        [(3.7, -4.8), (1.5, 0.4), (-2.9, -3.1), (0.5, 30.0), (7.5, -14.0), (33.5, -39.9)],
    ),
    (
        "pbwa",
        lambda a, x: sp.pbwa(a, x)[0],
        w_slope,
        [(4.9, 4.9), (-4.2, -3.3)],
    ),
    (
        "hyp2f1",
        sp.hyp2f1,
        gauss_slope,
        [
            *[(2.0494, 2.8081, 1.4324, -2.7054), (1.605, 4.3146, -2.9281, -0.116)],
            *[(1.0, 2.0, 3.0, 0.9), (1.0, 2.0, 3.0, -30.0), (1.0, 3.0, 4.5, 1 - 1e-9)],
            *[(0.5, 1.5 + 2**-30, 3.0, -9.0), (0.3, 0.4, 1.7 + 1e-12, 0.95), (-7.0, 3.2, 1.1, 0.9)],
            *[(2.5, -11.3, 4.2, 0.55), (1.3, 1.3, 0.7, -1e6), (0.2, 0.7, 2.4, 0.7000001)],
        ],
    ),
    (
        "hyp1f1",
        sp.hyp1f1,
        kummer_slope,
        [
            *[(2.2054, 1.3903, 23.18), (3.87, 4.31, -11.1), (-2.8, 3.3, 17.7), (3.0, 1.0, -90.0)],
            *[(0.7, 1.9, 300.0), (0.7, 1.9, -300.0), (-3.6, 2.7, 101.0), (-4.0, 1.5, 150.0)],
        ],
    ),
    (
        "hyp0f1",
        sp.hyp0f1,
        limit_slope,
        [
            *[(3.41, -12.04), (4.11, -15.8), (-4.4, -249.0), (3.9, -276.0), (20.98, -2121.0)],
            *[(2.2, 300.0), (0.3, -1e6), (-72.9145, -1640.53), (58.1234, -1497.129), (400.2, -9e4)],
            *[(-30.0 + 1e-9, -777.7), (-16.3, -20.0)],
        ],
    ),
    (
        "hyperu",
        sp.hyperu,
        tricomi_slope,
        [
            *[(3.98, 1.68, 15.9), (-0.4558, -5.7507, 53.0), (1.5, 2.0, 3.0), (-2.7, -7.5, 39.66)],
            *[(0.4, 3.0, 1e-3), (11.7, -7.9, 9.5), (2.2, 0.7, 70.0), (16.4, -39.0, 0.1)],
            *[(27.813, -7.0, 0.79), (0.66, 64.6, 13.1), (39.4, -24.0, 58.6), (36.9, -35.0, 0.01)],
        ],
    ),
]


@pytest.mark.parametrize(
    ("function", "truth", "points"), [p[1:] for p in POINTS], ids=[p[0] for p in POINTS]
)
def test_slopes_at_hard_points(function: Any, truth: Any, points: list[tuple[float, ...]]) -> None:
    for *given, x in points:
        (found,) = slopes(lambda t, given=given: function(*given, t), x)
        with mpmath.workdps(50):
            true = m.re(truth(*map(m.mpf, given), m.mpf(x)))
        assert ulps(found, true) <= ULPS, (given, x, found)


ZEROS: list[Any] = [
    (POINTS[0][1], d_slope, (2.4, -0.9)),
    (POINTS[1][1], v_slope, (3.3, -1.0)),
    pytest.param(POINTS[2][1], w_slope, (-3.0, 2.2), marks=pytest.mark.slow),
    (sp.hyp2f1, gauss_slope, (2.5, -4.3, 1.2, 0.4)),
    (sp.hyp1f1, kummer_slope, (-2.8, 1.3, 2.0)),
    (sp.hyp0f1, limit_slope, (1.7, -12.0)),
    (POINTS[0][1], d_slope, (90.3, 3.1)),
    (sp.hyp0f1, limit_slope, (60.5, -3000.0)),
    pytest.param(sp.hyp0f1, limit_slope, (300.5, -9e4), marks=pytest.mark.slow),
    pytest.param(POINTS[0][1], d_slope, (200.3, -20.0), marks=pytest.mark.slow),
]


@pytest.mark.parametrize(
    ("function", "truth", "start"),
    ZEROS,
    ids=["D", "V", "W", "2F1", "1F1", "0F1", "D of 90", "0F1 of 60", "0F1 of 300", "D of 200"],
)
def test_slopes_beside_their_zeros(function: Any, truth: Any, start: tuple[float, ...]) -> None:
    *given, _ = start
    place = zero_of(truth, *start)
    for x in (place * (1 + 1e-9), place * (1 - 1e-7)):
        (found,) = slopes(lambda t: function(*given, t), x)
        with mpmath.workdps(50):
            true = m.re(truth(*map(m.mpf, given), m.mpf(x)))
        assert ulps(found, true) <= ULPS, x


def test_second_outputs_have_slopes_by_the_equation() -> None:
    for name, truth, curvature in (
        ("pbdv", m.pcfd, lambda v, x: x * x / 4 - v - m.mpf(1) / 2),
        ("pbwa", m.pcfw, lambda a, x: a - x * x / 4),
    ):
        for p, x in ((2.6, -3.3), (-1.7, 4.4)):
            (found,) = slopes(lambda t, name=name, p=p: getattr(sp, name)(p, t)[1], x)
            with mpmath.workdps(50):
                true = m.re(curvature(m.mpf(p), m.mpf(x)) * truth(m.mpf(p), m.mpf(x)))
            assert ulps(found, true) <= ULPS, (name, p, x)


def test_arrays_go_all_ways_at_once() -> None:
    z = np.array([[-40.0, -1.0, 0.3], [0.8, 0.99, -1e-9]])
    a = np.array([0.5, 2.0, -3.0])
    x = gt.constant(z)
    with gt.GradientTape() as tape:
        tape.watch(x)
        y = sp.hyp2f1(a, 1.5, 2.5, x)
    found = bare(tape.gradient(y, x))
    for i, j in np.ndindex(z.shape):
        (single,) = slopes(lambda t, j=j: sp.hyp2f1(a[j], 1.5, 2.5, t), z[i, j])
        assert ulps(found[i, j], m.mpf(float(single))) <= 2


@pytest.mark.parametrize("z", [1.0, 2.0, np.inf, -np.inf, np.nan])
def test_where_series_end_scipys_function_answers(z: float) -> None:
    arguments = [np.array([p]) for p in (0.5, 1.5, 2.5, z)]
    np.testing.assert_array_equal(gauss(*arguments, 1), sp.hyp2f1(1.5, 2.5, 3.5, [z]))


def test_poles_of_the_parameters_below_are_scipys() -> None:
    z = np.array([0.999, -7.0])
    arguments = [np.full(2, p) for p in (2.0, 3.5, -4.0)]
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(gauss(*arguments, z, 1), sp.hyp2f1(3.0, 4.5, -3.0, z))
        (found,) = slopes(lambda t: sp.hyp0f1(-2.0, t), -700.0)
    assert np.isnan(found)


def test_many_entries_share_places() -> None:
    x = np.linspace(9.0, 9.6, 40)
    for function, rest in ((POINTS[0][1], 24.2), (sp.hyp0f1, 64.25)):
        place = gt.constant(x if rest < 60 else -100 * x)
        with gt.GradientTape() as tape:
            tape.watch(place)
            y = function(rest, place)
        found = bare(tape.gradient(y, place))
        for i in (0, 17, 39):
            true = slopes(lambda t, f=function, r=rest: f(r, t), bare(place)[i])[0]
            assert found[i] == true


WIDE = [
    ("pbdv", POINTS[0][1], d_slope, (-150, 150), (-25, 25)),
    ("hyp0f1", sp.hyp0f1, limit_slope, (-200, 200), (-1e5, -20)),
]


@pytest.mark.slow
@pytest.mark.parametrize(("function", "truth", "orders", "places"), [w[1:] for w in WIDE])
def test_large_parameters_at_random_points(
    function: Any, truth: Any, orders: tuple[float, float], places: tuple[float, float]
) -> None:
    random = np.random.default_rng(12)
    for p, x in zip(random.uniform(*orders, 100), random.uniform(*places, 100), strict=True):
        (found,) = slopes(lambda t, p=p: function(p, t), x)
        with mpmath.workdps(50):
            true = m.re(truth(m.mpf(p), m.mpf(x)))
        if 1e-290 < abs(true) < 1e300:
            assert ulps(found, true) <= ULPS, (p, x, found)


def test_orders_too_large_for_series_are_scipys() -> None:
    for v, x in ((1e6, 0.5), (np.nan, 1.0), (1.3, np.nan), (900.0, 40.0)):
        with np.errstate(all="ignore"):
            (found,) = slopes(lambda t, v=v: sp.pbdv(v, t)[0], x)
        np.testing.assert_array_equal(found, sp.pbdv(v, x)[1])


# The arithmetic -----------------------------------------------------------------------------------


def exact(pair: Any, i: int) -> Any:
    return m.mpf(float(pair[0][i])) + m.mpf(float(pair[1][i]))


def test_the_reciprocal_gamma_function_has_thirty_digits() -> None:
    z = np.array([0.3, -0.7, 7.2, -11.4, 60.5, -60.5, 1e-20, -3.0 + 1e-9])
    low = z * 3e-17
    found = reciprocal_gamma((z, low))
    with mpmath.workdps(60):
        for i in range(len(z)):
            true = m.rgamma(m.mpf(float(z[i])) + m.mpf(float(low[i])))
            assert abs(exact(found, i) / true - 1) < 1e-28, z[i]
    assert reciprocal_gamma((np.array([-4.0]), np.zeros(1)))[0] == 0
    assert np.isnan(reciprocal_gamma((np.array([80.0]), np.zeros(1)))[0])


def test_exponentials_powers_and_waves_of_pairs_have_thirty_digits() -> None:
    x = np.array([1e-3, 0.7, 30.2, 299.0])
    low, zero = x * 2e-17, np.zeros(4)
    grown, power = pair_exp((x, low)), pair_power((x, low), (x / 70, zero))
    sine, cosine = pair_sine_and_cosine((x, low))
    with mpmath.workdps(60):
        for i in range(4):
            t = m.mpf(float(x[i])) + m.mpf(float(low[i]))
            exponent = m.mpf(float(x[i] / 70))
            assert abs(exact(grown, i) / m.exp(t) - 1) < 1e-28
            assert abs(exact(power, i) / t**exponent - 1) < 1e-28
            assert abs(exact(sine, i) - m.sin(t)) < 1e-28
            assert abs(exact(cosine, i) - m.cos(t)) < 1e-28


def test_sums_that_cancel_too_much_are_not_trusted() -> None:
    b, z = np.array([0.5, 0.5]), np.array([-2.0, -4000.0])
    value, error = summed([], [b], (z, np.zeros(2)))
    near, far = trusted(value, error)
    assert ulps(near, m.hyp0f1(m.mpf(1) / 2, -2)) <= 1
    assert np.isnan(far)
