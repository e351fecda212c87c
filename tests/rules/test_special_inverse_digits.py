"""Inverses of distribution functions where a solution is known worse than a slope should be.

For small parameters, in the middle, beside zeros of a slope and beside ends: within 8 units in the
last place of the true slope, however far the last digit of an argument moves it.
"""

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

from tests.rules.measured_distributions import smirnov
from tests.rules.test_special_distribution_digits import (
    BETA,
    GAMMA,
    SCALED,
    F,
    T,
    gamma_high,
    gamma_low,
    mean,
    partial,
    ratio,
    share,
    slopes_at,
)
from tests.rules.truths import slopes, ulps

sp = pytest.importorskip("scipy.special")

import gradtape as gt  # noqa: E402

m = mpmath.mp
ULPS = 8

CHI = (lambda v, x: gamma_low(v / 2, x / 2), lambda v, x: gamma_high(v / 2, x / 2))
POISSON = (lambda k, x: gamma_high(k + 1, x), lambda k, x: gamma_low(k + 1, x))
BINOMIAL = (
    lambda k, n, p: share(n - k, k + 1, 1 - p, p),
    lambda k, n, p: share(k + 1, n - k, p, 1 - p),
)
NEGATIVE = (
    lambda k, n, p: share(n, k + 1, p, 1 - p),
    lambda k, n, p: share(k + 1, n, 1 - p, p),
)


def noncentral_chi(x: Any, df: Any, nc: Any) -> Any:
    return mean(nc, lambda k: gamma_low(df / 2 + k, x / 2))


def noncentral_f(n: Any, d: Any, nc: Any, f: Any) -> Any:
    return mean(nc, lambda k: share(n / 2 + k, d / 2, n * f / (d + n * f), d / (d + n * f)))


NONCENTRAL_CHI = (noncentral_chi, lambda *z: 1 - noncentral_chi(*z))
NONCENTRAL_F = (noncentral_f, lambda *z: 1 - noncentral_f(*z))

#: Name, F and 1 - F, which argument of F is solved for, where p stands, the sign, and points.
SOLVED: list[tuple[str, Any, int, int, int, list[tuple[float, ...]]]] = [
    ("gammaincinv", GAMMA, 1, 1, 1, [(0.032055, 1.936376e-4), (0.348766, 3.5212e-8)]),
    ("gammainccinv", GAMMA, 1, 1, -1, [(0.2119596, 0.3719663), (0.0863614, 0.664555)]),
    ("chdtri", CHI, 1, 1, -1, [(0.066183, 0.126698), (15.6894, 1.67665e-8)]),
    ("chdtriv", CHI, 0, 0, 1, [(0.255141, 0.235753)]),
    ("gdtria", SCALED, 0, 0, 1, [(0.1052594, 0.0777107, 0.4514104)]),
    ("gdtrib", SCALED, 1, 1, 1, [(0.0259266, 0.2631568, 0.628043)]),
    ("gdtrix", SCALED, 2, 2, 1, [(48.8185, 0.1583877, 0.0838006)]),
    ("betaincinv", BETA, 2, 2, 1, [(0.570911, 0.030216, 0.31443), (4.931535, 0.0252168, 0.386298)]),
    ("betainccinv", BETA, 2, 2, -1, [(9.448344, 0.2070130, 0.5056201)]),
    ("btdtria", BETA, 0, 0, 1, [(0.948077, 21.558372, 2.875329e-4)]),
    ("btdtrib", BETA, 1, 1, 1, [(0.0794308, 0.5687503, 0.0137589)]),
    ("pdtrik", POISSON, 0, 0, 1, [(0.9999999967727466, 0.4774787)]),
    ("bdtrik", BINOMIAL, 0, 0, 1, [(1.33162e-10, 37.0, 0.569875)]),
    ("bdtrin", BINOMIAL, 1, 1, 1, [(5.0, 0.9999999998255311, 0.467268)]),
    ("nbdtrik", NEGATIVE, 0, 0, 1, [(0.6889759, 7.2117237, 0.8553149)]),
    (
        "fdtri",
        *(F, 2, 2, 1),
        [
            *[(8.815616, 0.2100285, 0.1977404), (5.06048, 5.198948, 0.290993)],
            (1.8571592163622819, 0.9844611377717986, 0.9999999972584893),
        ],
    ),
    ("fdtridfd", F, 1, 1, 1, [(4.7753922, 7.169325e-11, 2.171972)]),
    ("stdtrit", T, 1, 1, 1, [(0.355010, 0.3589979), (4.0725726, 0.7623096)]),
    ("stdtridf", T, 0, 0, 1, [(0.8348843, 2.6373897)]),
    ("chndtrix", NONCENTRAL_CHI, 0, 0, 1, [(1.10466e-12, 7.198094, 7.381305), (0.3, 4.0, 9.0)]),
    ("chndtrinc", NONCENTRAL_CHI, 2, 2, 1, [(4.73665, 5.5636, 2.69634e-7)]),
    ("ncfdtri", NONCENTRAL_F, 3, 3, 1, [(3.0, 5.0, 1.5, 0.3), (1.5, 0.7, 8.0, 0.02)]),
]
#: Arguments by which there is no derivative.
REFUSED = {"chndtrix": (1,), "chndtrinc": (1,), "ncfdtri": (0, 1)}


def check(
    name: str,
    tails: Any,
    place: int,
    at_p: int,
    sign: int,
    point: tuple[float, ...],
    drawn: bool = False,
) -> None:
    """At points that were drawn, four times what SciPy's own value is off is right, too."""
    function, tracked = (
        getattr(sp, name),
        [i not in REFUSED.get(name, ()) for i in range(len(point))],
    )
    wanted = [x for x, one in zip(point, tracked, strict=True) if one]

    def of_wanted(*xs: Any) -> Any:
        given = iter(xs)
        return function(*[next(given) if one else x for x, one in zip(point, tracked, strict=True)])

    with np.errstate(all="ignore"):
        found, value = slopes(of_wanted, *wanted), float(function(*point))
    with mpmath.workdps(80):
        others = [m.mpf(x) for i, x in enumerate(point) if i != at_p]
        solution, truths = slopes_at(
            tails[::sign], place, at_p, m.mpf(point[at_p]), others, m.mpf(value)
        )
        kept = [t for t, one in zip(truths, tracked, strict=True) if one]
        far = [ulps(a, t) for a, t in zip(found, kept, strict=True)]
        own = ulps(np.float64(value), solution)
    assert max(far) <= max(ULPS, 4 * own if drawn else 0), (point, far, own)


@pytest.mark.parametrize("entry", SOLVED, ids=lambda entry: entry[0])
def test_slopes_of_inverses(entry: Any):
    for point in entry[5]:
        check(*entry[:5], point)


def parameter(r: np.random.Generator) -> float:
    low, high = [(0.3, 6.0), (0.05, 60.0), (0.02, 0.5)][r.integers(3)]
    return float(np.exp(r.uniform(np.log(low), np.log(high))))


@pytest.mark.slow
@pytest.mark.parametrize("entry", SOLVED[:12] + SOLVED[15:16] + SOLVED[17:18], ids=lambda e: e[0])
def test_slopes_of_inverses_at_random_points(entry: Any):
    random = np.random.default_rng([2027, *map(ord, entry[0])])
    for _ in range(40):
        point = [parameter(random) for _ in entry[5][0]]
        if entry[1] is BETA and entry[2] != 2:
            point[2] = random.uniform(0.02, 0.98)
        point[entry[3]] = float(
            [random.uniform(0.05, 0.95), 10 ** -random.uniform(1, 12)][random.integers(2)]
        )
        with np.errstate(all="ignore"):
            value = abs(getattr(sp, entry[0])(*point))
        if 1e-250 < value < (1 - 1e-9 if entry[0].startswith("beta") else 1e250):
            check(*entry[:5], tuple(point), drawn=True)


#: Beside a zero of the slope by the first or second argument: at a thousandth, and 1e-5 of it.
ZEROS = [
    (6.020961495501995, 201.77972245556643, 1.1261815033779459, 0),
    (1.1358927815708313, 297.66935707323984, 1.6928102911969152, 0),
    (222.84191971702512, 7.545437724088326, 0.9076198420745235, 1),
    (17.006719050426135, 2.112122037486808, 19.60418888486678, 0),
    (43.01052212974948, 109.8930642768899, 0.8529486276898578, 1),
]


@pytest.mark.parametrize(("n", "d", "x", "place"), ZEROS)
def test_slopes_of_ratios_beside_zeros(n: float, d: float, x: float, place: int):
    found = slopes(sp.fdtr, n, d, x)[place]
    with mpmath.workdps(80):
        truth = partial(ratio, [m.mpf(n), m.mpf(d), m.mpf(x)], place)
        assert ulps(found, truth) <= ULPS


def smirnov_slope(n: int, p: float) -> Any:
    solution = m.mpf(float(sp.smirnovi(n, p)))
    for _ in range(6):
        by_d = partial(lambda d: smirnov(n, d), [solution], 0)
        solution -= (smirnov(n, solution) - m.mpf(p)) / by_d
    return 1 / partial(lambda d: smirnov(n, d), [solution], 0)


@pytest.mark.parametrize(("n", "p"), [(38, 0.9393970111), (30, 1 - 3e-8), (12, 1e-9), (25, 0.4)])
def test_smirnov(n: int, p: float):
    found = slopes(lambda p: sp.smirnovi(n, p), p)[0]
    with mpmath.workdps(60):
        assert ulps(found, smirnov_slope(n, p)) <= ULPS


def test_many_at_once():
    a = np.array([0.03, 0.4, 5.0, 300.0, 2e4])[:, None]
    p = np.array([1e-9, 0.2, 0.6, 1 - 1e-7])
    for function in (sp.gammaincinv, sp.gammainccinv, lambda a, p: sp.fdtri(a, 2.5, p)):
        together = slopes(function, a + 0 * p, p + 0 * a)
        alone = [[slopes(function, float(b), float(q)) for q in p] for b in a[:, 0]]
        for i in range(2):
            np.testing.assert_allclose(
                together[i], [[s[i] for s in row] for row in alone], rtol=1e-14
            )


SECOND: list[tuple[Callable[..., Any], float]] = [
    (lambda p: sp.gammaincinv(0.3, p), 0.4),
    (lambda p: sp.betaincinv(0.6, 0.1, p), 0.3),
    (lambda d: sp.fdtri(5.0, d, 0.3), 4.2),
    (lambda p: sp.stdtrit(0.7, p), 0.2),
    (lambda p: sp.chndtrix(p, 3.0, 2.0), 0.3),
    (lambda p: sp.ncfdtri(3.0, 5.0, 1.5, p), 0.3),
    (lambda p: sp.smirnovi(5, p), 0.3),
    (lambda p: sp.pdtrik(p, 3.0), 0.6),
]


@pytest.mark.parametrize(("function", "x"), SECOND)
def test_second_derivatives(function: Any, x: float):
    first = gt.grad(function)
    difference = (first(x * (1 + 1e-5)) - first(x * (1 - 1e-5))) / (2e-5 * x)
    second = gt.grad(gt.grad(function))
    np.testing.assert_allclose(second(np.float64(x)), difference, rtol=1e-7)
    np.testing.assert_allclose(gt.function(second)(np.float64(x)), difference, rtol=1e-7)
