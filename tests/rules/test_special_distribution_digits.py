"""Slopes of distribution functions and their inverses where digits are lost most easily.

Far out in the tails, of large parameters and of small ones, and where a solution is close to 1. The
truth is taken from logarithms of the smaller tail, to 90 digits.
"""

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

from tests.rules.truths import slopes, ulps

sp = pytest.importorskip("scipy.special")

m = mpmath.mp
ULPS = 8
#: Where SciPy's own value is further off than that, slopes may be off by so many times as much.
TIMES_THE_VALUE = 4

Tail = Callable[..., Any]


def gamma_low(a: Any, x: Any) -> Any:
    return m.gammainc(a, 0, x, regularized=True)


def gamma_high(a: Any, x: Any) -> Any:
    return m.gammainc(a, x, m.inf, regularized=True)


def share(a: Any, b: Any, x: Any, y: Any) -> Any:
    """The regularized incomplete beta function at x = 1 - y (DLMF 8.17.8)."""
    if x > (a + 1) / (a + b + 2):
        return 1 - share(b, a, y, x)
    return x**a * y**b / (a * m.beta(a, b)) * m.hyp2f1(a + b, 1, a + 1, x)


def ratio(n: Any, d: Any, x: Any) -> Any:
    return share(n / 2, d / 2, n * x / (d + n * x), d / (d + n * x))


def ratio_rest(n: Any, d: Any, x: Any) -> Any:
    return share(d / 2, n / 2, d / (d + n * x), n * x / (d + n * x))


def student(n: Any, t: Any) -> Any:
    half = share(n / 2, m.mpf(0.5), n / (n + t * t), t * t / (n + t * t)) / 2
    return half if t < 0 else 1 - half


#: Distribution functions and what they are less than 1, and the arguments.
GAMMA = gamma_low, gamma_high
SCALED = (lambda a, b, x: gamma_low(b, a * x), lambda a, b, x: gamma_high(b, a * x))
BETA = (lambda a, b, x: share(a, b, x, 1 - x), lambda a, b, x: share(b, a, 1 - x, x))
F = ratio, ratio_rest
T = (student, lambda n, t: student(n, -t))


def partial(function: Tail, point: list[Any], i: int) -> Any:
    h = abs(point[i]) * m.mpf(10) ** -22

    def at(k: int) -> Any:
        return function(*point[:i], point[i] + k * h, *point[i + 1 :])

    return (at(-2) - 8 * at(-1) + 8 * at(1) - at(2)) / (12 * h)


def solved(tail: Tail, level: Any, point: list[Any], place: int) -> list[Any]:
    """The arguments, of which one solves tail = level: by secants of the logarithm."""

    def gap(y: Any) -> Any:
        return m.log(tail(*point[:place], y, *point[place + 1 :]) / level)

    before, y = point[place], point[place] * (1 - m.mpf(10) ** -18)
    old = gap(before)
    for _ in range(40):
        new = gap(y)
        if new == old:
            break
        before, y, old = y, y - new * (y - before) / (new - old), new
        if abs(y - before) < abs(y) * m.mpf(10) ** -50:
            break
    return [*point[:place], y, *point[place + 1 :]]


#: Inverses: F and 1 - F, which argument is solved for, whether for 1 - F, and points with p there.
INVERSES: list[tuple[str, tuple[Tail, Tail], int, int, list[tuple[float, ...]]]] = [
    ("gammaincinv", GAMMA, 1, 1, [(13.3264, 0.291317), (300.0, 1e-200), (0.7, 1e-80)]),
    ("gammainccinv", GAMMA, 1, -1, [(20.0, 1e-100), (900.0, 1e-30), (2.5, 0.999999)]),
    ("gdtrix", SCALED, 2, 1, [(52.9599, 2731.6, 6.8798e-34), (5.99, 1822.8, 5.5e-21)]),
    ("gdtria", SCALED, 0, 1, [(1e-204, 1118.47, 2.25), (0.3, 700.1, 3.3)]),
    ("gdtrib", SCALED, 1, 1, [(11.3556, 4.6e-196, 5.86147), (17.2, 2.7e-268, 2.94)]),
    (
        *("betaincinv", BETA, 2, 1),
        [(1.85375, 800.227, 2.16747e-201), (4.5, 0.355, 0.696), (0.6, 1099.2, 2.2e-28)],
    ),
    ("betainccinv", BETA, 2, -1, [(1114.54, 18.3025, 6e-117), (2.14965, 0.088395, 0.331377)]),
    ("btdtria", BETA, 0, 1, [(0.00029324, 7.5, 1 - 1e-11), (1e-8, 3.0, 0.4)]),
    (
        *("fdtri", F, 2, 1),
        [(491.143, 2013.18, 1 - 1e-9), (1277.09, 855.551, 2.3e-117), (376.1, 0.9, 5.2e-256)],
    ),
    (
        *("stdtrit", T, 1, 1),
        [(148.443, 2.54e-28), (2576.43, 2.9e-166), (0.4699, 7e-67), (1627.6, 0.449671)],
    ),
    ("stdtrit", T, 1, 1, [(0.0377311, 0.459275), (0.155151, 0.123958)]),
    ("fdtridfd", F, 1, 1, [(6.5987, 1.01819e-6, 1.30271), (3.49957, 1.67616e-6, 1.67231)]),
    ("stdtridf", T, 0, 1, [(0.888411, 1.31461), (0.597163, 1.08429)]),
]


def slopes_at(tails: Any, place: int, at_p: int, p: Any, others: list[Any], y: Any) -> Any:
    """The solution from a start on, and its slopes by the arguments of the inverse."""
    low = p <= 0.5
    tail = tails[0] if low else tails[1]
    there = solved(tail, p if low else 1 - p, [*others[:place], y, *others[place:]], place)
    by_solved = partial(tail, there, place)
    truths = [-partial(tail, there, i) / by_solved for i in range(len(there)) if i != place]
    truths.insert(at_p, (1 if low else -1) / by_solved)
    return there[place], truths


#: Half an ulp of p may move a slope by more than that; it may be off by so many times as much.
MOVED = 4


def check_inverse(
    name: str, tails: Any, place: int, sign: int, point: tuple[float, ...], bound: float = ULPS
) -> None:
    at_p = 0 if name == "stdtridf" else place
    function = getattr(sp, name)
    with np.errstate(all="ignore"):
        found, value = slopes(function, *point), float(function(*point))
    with mpmath.workdps(90):
        p, others = m.mpf(point[at_p]), [m.mpf(x) for i, x in enumerate(point) if i != at_p]
        solution, truths = slopes_at(tails[::sign], place, at_p, p, others, m.mpf(value))
        off = ulps(np.float64(value), solution)
        bound = max(bound, TIMES_THE_VALUE * off * (off > ULPS))
        far = [ulps(a, t) for a, t in zip(found, truths, strict=True)]
        if max(far) > bound:
            beside = p * (1 + m.mpf(2) ** -53)
            others_there = slopes_at(tails[::sign], place, at_p, beside, others, m.mpf(value))[1]
            moves = [ulps(np.float64(b), t) for b, t in zip(others_there, truths, strict=True)]
            far = [f for f, move in zip(far, moves, strict=True) if f > MOVED * move]
    assert max(far, default=0) <= bound, (point, far, off)


@pytest.mark.parametrize(
    ("name", "tails", "place", "sign", "point"),
    [(*entry[:4], point) for entry in INVERSES for point in entry[4]],
    ids=lambda a: str(a) if isinstance(a, str | tuple) and not callable(a[0]) else "",
)
def test_inverses(name: str, tails: Any, place: int, sign: int, point: tuple[float, ...]):
    check_inverse(name, tails, place, sign, point)


def level(r: np.random.Generator) -> float:
    """Also far below what the audit draws."""
    return float([r.uniform(0.05, 0.95), np.exp(r.uniform(np.log(1e-280), -2))][r.integers(2)])


def size(r: np.random.Generator) -> float:
    return float(np.exp(r.uniform(np.log(0.6), np.log(1500))))


#: Slopes by degrees of freedom are small there, and change faster than the solution.
BESIDE = {"fdtri": 32, "stdtrit": 32}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["gammaincinv", "gdtria", "gdtrix", "betaincinv", "betainccinv", "fdtri", "stdtrit"]
)
def test_inverses_at_random_points(name: str):
    entry = next(e for e in INVERSES if e[0] == name)
    random = np.random.default_rng([2026, *map(ord, name)])
    for _ in range(25):
        point = [size(random) for _ in entry[4][0]]
        point[entry[2]] = level(random)
        value = abs(getattr(sp, name)(*point))
        if 1e-290 < value < (1 - 1e-12 if name.startswith("beta") else 1e290):
            check_inverse(*entry[:4], tuple(point), BESIDE.get(name, ULPS))


@pytest.mark.parametrize(("k", "n", "y"), [(7, 34, 7.4883e-220), (2, 47, 1.57323e-265)])
def test_solutions_close_to_one(k: int, n: int, y: float):
    """bdtri: 1 - p has the digits that p has not."""
    with mpmath.workdps(90):
        rest = m.mpf(float(sp.betaincinv(n - k, k + 1, y)))
        a, b = m.mpf(n - k), m.mpf(k + 1)
        (_, _, rest) = solved(BETA[0], m.mpf(y), [a, b, rest], 2)
        truth = -1 / partial(BETA[0], [a, b, rest], 2)
        assert ulps(slopes(sp.bdtri, k, n, y)[0], truth) <= ULPS


#: Far out, of large parameters, and of few and tiny degrees of freedom.
RATIOS = [(990.0, 1010.0, 2.2), (1000.0, 1000.0, 0.4), (2.0, 3.0, 1e-9), (0.3, 700.0, 40.0)]
RATIOS += [(1.8565, 103.254, 4.6e-8), (3.47723, 1.999985, 2e18), (6.5987, 1.2384e-7, 1.30271)]
#: Beside zeros of a slope by degrees of freedom: its parts are up to a thousand times as large.
BESIDE_ZEROS = [(200.707, 391.974, 1.0268), (136.797, 340.2007, 1.0108)]
BESIDE_ZEROS += [(3.4995731, 3.1, 2.2), (4.772, 5.258, 1.86), (50.14, 4.2098, 1.94)]


@pytest.mark.parametrize("point", [*RATIOS, *BESIDE_ZEROS])
def test_ratios(point: tuple[float, float, float]):
    with np.errstate(all="ignore"):
        found = slopes(sp.fdtr, *point)
    with mpmath.workdps(90):
        exact = [m.mpf(x) for x in point]
        low = ratio(*exact) < 0.5
        truths = [partial(ratio if low else lambda *z: -ratio_rest(*z), exact, i) for i in range(3)]
        assert max(ulps(a, t) for a, t in zip(found, truths, strict=True)) <= ULPS


# Noncentral ---------------------------------------------------------------------------------------


#: So many terms beyond the mean are enough.
MANY = 300


def mean(nc: Any, term: Callable[[int], Any]) -> Any:
    """That by a Poisson distribution with mean nc/2."""
    weight, total, k = m.exp(-nc / 2), m.mpf(0), 0
    while k < nc + MANY:
        total += weight * term(k)
        k += 1
        weight *= nc / 2 / k
    return total


@pytest.mark.parametrize(
    "point",
    [(3.0, 5.0, 60.0, 9.0), (0.3, 45.0, 59.0, 2.0), (40.0, 0.06, 58.0, 3.5), (5.0, 8.0, 1e-3, 0.7)],
)
def test_noncentral_f(point: tuple[float, ...]):
    with mpmath.workdps(50):
        n, d, nc, f = [m.mpf(x) for x in point]
        a, b, w, v = n / 2, d / 2, n * f / (d + n * f), d / (d + n * f)
        truths = [
            -mean(nc, lambda k: w ** (a + k) * v**b / m.beta(a + k, b) / (a + k)) / 2,
            mean(nc, lambda k: w ** (a + k) * v**b / m.beta(a + k, b)) / f,
        ]
        found = slopes(lambda nc, f: sp.ncfdtr(*point[:2], nc, f), *point[2:])
        assert max(ulps(g, t) for g, t in zip(found, truths, strict=True)) <= ULPS


@pytest.mark.parametrize(
    "point", [(1074.25, 13.3796, 26.8075), (390.4, 2.012, 7.1), (3.0, 1.7, 50.0)]
)
def test_noncentral_chi_square(point: tuple[float, ...]):
    with mpmath.workdps(50):
        x, df, nc = [m.mpf(z) for z in point]

        def term(k: int) -> Any:
            return (x / 2) ** (df / 2 + k) * m.exp(-x / 2) / m.gamma(df / 2 + k)

        truths = [mean(nc, term) / x, -mean(nc, lambda k: term(k) / (df / 2 + k)) / 2]
        found = slopes(lambda x, nc: sp.chndtr(x, point[1], nc), point[0], point[2])
        assert max(ulps(g, t) for g, t in zip(found, truths, strict=True)) <= ULPS
