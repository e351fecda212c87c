"""First derivatives of gamma, error, logarithmic and statistical functions against 50 digits.

At hard points: beside poles and zeros, far out in the tails, where terms nearly cancel. Functions
for which SciPy itself is further off have their bound beside them.
"""

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

from tests.rules.cases import name
from tests.rules.truths import slopes, ulps

sp = pytest.importorskip("scipy.special")
special = pytest.importorskip("gradtape.scipy.special")

m = mpmath.mp
ULPS = 8

ORDINARY = [-1.3, -0.7, -0.2, 0.3, 0.9, 1.7, 2.6]
POSITIVE = [0.1, 0.6, 1.4, 3.2, 10.0]
TINY = [1e-300, 1e-20, 1e-9]
SHARES = [1e-300, 1e-20, 1e-5, 0.03, 0.3, 0.5, 0.62, 0.97, 1 - 2**-20, 1 - 2**-50]
TAILS = [-30.0, -8.3, 8.3, 30.0]


def gauss(x: Any) -> Any:
    return m.exp(-(x**2) / 2) / m.sqrt(2 * m.pi)


def normal(x: Any) -> Any:
    return m.erfc(-x / m.sqrt(2)) / 2


def root(function: Any, start: Any) -> Any:
    """Where a function of mpmath's is 0."""
    return m.findroot(function, start, tol=1e-80, verify=False, maxsteps=100)


def erfcx(x: Any) -> Any:
    return m.exp(x**2) * m.erfc(x)


def dawsn(x: Any) -> Any:
    return m.sqrt(m.pi) / 2 * m.exp(-(x**2)) * m.erfi(x)


def moment(x: Any) -> Any:
    """The derivative of (exp(x) - 1)/x."""
    return m.hyp1f1(2, 3, x) / 2


def log_slope(u: Any) -> Any:
    """The derivative of log(1 + u)/u."""
    return -m.hyp2f1(2, 2, 3, -u) / 2


def rising(x: Any, h: Any) -> Any:
    """digamma(x + h) - digamma(x)."""
    with mpmath.workdps(400):
        return m.psi(0, x + h) - m.psi(0, x)


def mills(x: Any) -> Any:
    """The normal tail beyond x over the density at x."""
    return m.erfc(x / m.sqrt(2)) / 2 / gauss(x)


def inverse_normal(p: Any) -> Any:
    guess = float(sp.ndtri(float(p)))
    return root(lambda x: m.log(normal(x) / p) if x < 0 else normal(-x) - (1 - p), guess)


#: Functions of one argument: the true derivative, where, and how close if not to 8 ulps.
ONE: dict[Any, Any] = {
    sp.gamma: (lambda x: m.gamma(x) * m.psi(0, x), [*POSITIVE, *TINY[1:], -2.3, 30.5, 1 - 2**-30]),
    sp.gammaln: (lambda x: m.psi(0, x), [*POSITIVE, *TINY, 1e10, 1.4616, -3.7]),
    sp.loggamma: (lambda x: m.psi(0, x), [*POSITIVE, *TINY, 1e10]),
    sp.rgamma: (
        lambda x: m.diff(m.rgamma, x, h=m.mpf(10) ** -30),
        [*POSITIVE, *TINY, 0.0, -1.0, -2.0, -7.0, -2 + 1e-9, -3.4, 0.49, 0.51],
    ),
    sp.psi: (lambda x: m.psi(1, x), [*POSITIVE, *TINY[1:], 1e10, 1e100, -0.5, -3.2]),
    sp.erf: (lambda x: 2 / m.sqrt(m.pi) * m.exp(-(x**2)), [*ORDINARY, *TINY, 5.1, 13.77, -26.2]),
    sp.erfc: (lambda x: -2 / m.sqrt(m.pi) * m.exp(-(x**2)), [*ORDINARY, *TINY, 5.1, 26.2]),
    sp.erfi: (lambda x: 2 / m.sqrt(m.pi) * m.exp(x**2), [*ORDINARY, *TINY, 5.1, 26.2]),
    sp.erfcx: (
        lambda x: 2 * x * erfcx(x) - 2 / m.sqrt(m.pi),
        [*ORDINARY, *TINY, 5.1, 26.2, 1e3, 1e8, -4.3],
    ),
    sp.dawsn: (
        lambda x: 1 - 2 * x * dawsn(x),
        [*ORDINARY, *TINY, 0.92, 0.9241388730045918, 1.25, 5.1, 26.2, 99.0],
    ),
    sp.erfinv: (
        lambda x: m.sqrt(m.pi) / 2 * m.exp(m.erfinv(x) ** 2),
        [*TINY, 0.1, -0.4, 0.51, 0.9, 1 - 2**-20, -(1 - 2**-50)],
    ),
    sp.erfcinv: (
        lambda x: -m.exp(inverse_normal(x / 2) ** 2 / 2) * m.sqrt(m.pi) / 2,
        [*SHARES, 1.2, 1.7, 2 - 2**-40],
    ),
    sp.ndtr: (gauss, [*ORDINARY, *TAILS]),
    sp.log_ndtr: (lambda x: gauss(x) / normal(x), [*ORDINARY, *TAILS, -300.0]),
    sp.ndtri: (lambda p: 1 / gauss(inverse_normal(p)), SHARES),
    sp.ndtri_exp: (
        lambda y: m.exp(y) / gauss(inverse_normal(m.exp(y))),
        [-1e-9, -0.01, -0.3, -0.7, -3.0, -50.0, -600.0],
    ),
    sp.expi: (lambda x: m.exp(x) / x, [*POSITIVE, *TINY, -3.3, 500.0]),
    sp.exp1: (lambda x: -m.exp(-x) / x, [*POSITIVE, *TINY, 500.0]),
    sp.expit: (lambda x: m.sech(x / 2) ** 2 / 4, [*ORDINARY, *TINY, 40.0, -40.0, 700.0, -700.0]),
    sp.log_expit: (lambda x: 1 / (1 + m.exp(x)), [*ORDINARY, *TINY, 40.0, -40.0, 700.0, -700.0]),
    sp.logit: (lambda x: 1 / (x * (1 - x)), SHARES),
    sp.entr: (
        lambda x: -m.log(x) - 1,
        [*POSITIVE, *TINY, 1e300, 0.36, 0.36787, 0.36787944117144233],
    ),
    sp.exprel: (moment, [*ORDINARY, *TINY, -1e-9, 30.0, -50.0, 700.0, 714.0, -1e10]),
    sp.cosm1: (lambda x: -m.sin(x), [*ORDINARY, *TINY]),
    sp.exp2: (lambda x: m.log(2) * m.mpf(2) ** x, [*ORDINARY, *TINY, 1000.0]),
    sp.exp10: (lambda x: m.log(10) * m.mpf(10) ** x, [*ORDINARY, *TINY, 200.0]),
    sp.expm1: (m.exp, [*ORDINARY, *TINY, 700.0]),
    sp.log1p: (lambda x: 1 / (1 + x), [*POSITIVE, *TINY, -0.999]),
    sp.cbrt: (lambda x: m.cbrt(x) / (3 * x), [*POSITIVE, *TINY, 1e300]),
    sp.sindg: (lambda x: m.pi / 180 * m.cos(m.pi * x / 180), [0.3, 89.0, 45.0, 179.0, 3601.0]),
    sp.cosdg: (lambda x: -m.pi / 180 * m.sin(m.pi * x / 180), [1e-9, 0.3, 89.0, 45.0, 179.0]),
    sp.tandg: (lambda x: m.pi / 180 * m.sec(m.pi * x / 180) ** 2, [1e-9, 0.3, 45.0, 89.0]),
    sp.cotdg: (lambda x: -m.pi / 180 * m.csc(m.pi * x / 180) ** 2, [1e-9, 0.3, 45.0, 89.0]),
    sp.spence: (
        lambda x: -1 if x == 1 else m.log(x) / (1 - x),
        [*POSITIVE, *TINY, 1.0, 1 - 2**-30, 1 + 2**-40, 0.49, 1e10],
    ),
    sp.kolmogorov: (
        lambda x: 8 * x * m.nsum(lambda k: (-1) ** k * k**2 * m.exp(-2 * k**2 * x**2), [1, 60]),
        [0.2, 0.3, 0.5, 0.83, 0.99, 1.01, 1.7, 5.0, 12.0],
    ),
}


def p_gamma(a: Any, x: Any) -> Any:
    return x ** (a - 1) * m.exp(-x) / m.gamma(a)


def by(function: Callable[..., Any], i: int) -> Callable[..., Any]:
    """The derivative of a function of mpmath's by one argument, by differences."""

    def derivative(*points: Any) -> Any:
        with mpmath.workdps(90):
            h = m.mpf(10) ** -18 * max(abs(points[i]), m.mpf(10) ** -9)

            def at(k: int) -> Any:
                return function(*points[:i], points[i] + k * h, *points[i + 1 :])

            return (at(-2) - 8 * at(-1) + 8 * at(1) - at(2)) / (12 * h)

    return derivative


def _p(a: Any, x: Any) -> Any:
    """The regularized incomplete gamma function, less 1 in its upper part."""
    return m.gammainc(a, 0, x, regularized=True) if x < a else -m.gammainc(a, x, regularized=True)


def _poch(z: Any, h: Any) -> Any:
    return m.gamma(z + h) * m.rgamma(z)


PAIRS = [(0.7, 1.9), (2.6, 0.3), (1.1, 1.1), (5.5, 2.0)]
WIDE = [(1e5, 2.0), (3.0, 1e8), (1e-9, 2.0), (1e-20, 1e10), (40.0, 1e-6)]
GAMMA = [
    (0.1, 0.5),
    (0.1, 2.0),
    (0.3, 20.0),
    (10.0, 9.0),
    (20.0, 95.0),
    (50.0, 300.0),
    (1e-5, 1e-3),
]

#: Functions of two arguments: the true derivatives, where, and how close if not to 8 ulps.
TWO: dict[Any, Any] = {
    sp.betaln: (lambda a, b: -rising(a, b), lambda a, b: -rising(b, a), [*PAIRS, *WIDE]),
    sp.beta: (
        lambda a, b: -m.beta(a, b) * rising(a, b),
        lambda a, b: -m.beta(a, b) * rising(b, a),
        [*PAIRS, (30.5, 0.25), (1e-9, 2.0)],
    ),
    sp.poch: (
        by(_poch, 0),
        by(_poch, 1),
        [*PAIRS, (10.0, 1e-9), (-2.0, 1.5), (-0.3, 2.5)],
    ),
    sp.binom: (
        by(m.binomial, 0),
        by(m.binomial, 1),
        [*PAIRS, (10.25, 3.0), (3.0, 5.0), (2.0, 3.0)],
    ),
    sp.gammainc: (by(_p, 0), p_gamma, GAMMA),
    sp.gammaincc: (lambda a, x: -by(_p, 0)(a, x), lambda a, x: -p_gamma(a, x), GAMMA),
    sp.xlogy: (
        lambda x, y: m.log(y),
        lambda x, y: x / y,
        [*PAIRS, (1e-300, 1e-300), (0.0, 2.0), (3.0, 1 + 2**-50)],
    ),
    sp.xlog1py: (
        lambda x, y: m.log1p(y),
        lambda x, y: x / (1 + y),
        [*PAIRS, (2.0, 1e-20), (0.0, 2.0), (3.0, -1 + 2**-30)],
    ),
    sp.rel_entr: (
        lambda x, y: m.log(x / y) + 1,
        lambda x, y: -x / y,
        [*PAIRS[1:], (1e-300, 1e300), (2.0, 2.0 + 2**-50), (1.0, 2.7), (1e-300, 2.7182818e-300)],
    ),
    sp.kl_div: (
        lambda x, y: m.log(x / y),
        lambda x, y: 1 - x / y,
        [*PAIRS, (1e-300, 1e300), (2.0, 2.0 + 2**-50), (3.0, 2.9)],
    ),
    sp.pseudo_huber: (
        by(lambda d, r: d**2 * (m.sqrt(1 + (r / d) ** 2) - 1), 0),
        lambda d, r: r / m.sqrt(1 + (r / d) ** 2),
        [*PAIRS, (1.0, 1e-9), (1e-5, 100.0)],
    ),
    sp.powm1: (
        lambda x, y: y * x ** (y - 1),
        lambda x, y: x**y * m.log(x),
        [*PAIRS, (1 + 2**-40, 7.0)],
    ),
    sp.boxcox: (
        lambda x, k: x ** (k - 1),
        lambda x, k: m.log(x) ** 2 * moment(k * m.log(x)),
        [*PAIRS, (2.0, 0.0), (2.0, 1e-12), (1e-5, 3.0), (1 + 2**-30, 2.0), (30.0, -7.0)],
    ),
    sp.boxcox1p: (
        lambda x, k: (1 + x) ** (k - 1),
        lambda x, k: m.log1p(x) ** 2 * moment(k * m.log1p(x)),
        [*PAIRS, (2.0, 0.0), (1e-12, 3.0), (1e-12, 1e-12)],
    ),
    sp.inv_boxcox: (
        lambda y, k: (1 + k * y) ** (1 / k - 1) if k else m.exp(y),
        lambda y, k: (
            (1 + k * y) ** (1 / k) * y**2 * log_slope(k * y) if k else -m.exp(y) * y**2 / 2
        ),
        [*PAIRS, (2.0, 0.0), (2.0, 1e-12), (0.5, -1.3), (30.0, 5.0)],
    ),
    sp.inv_boxcox1p: (
        lambda y, k: (1 + k * y) ** (1 / k - 1) if k else m.exp(y),
        lambda y, k: (
            (1 + k * y) ** (1 / k) * y**2 * log_slope(k * y) if k else -m.exp(y) * y**2 / 2
        ),
        [*PAIRS, (2.0, 0.0), (1e-12, 0.5), (0.5, -1.3)],
    ),
    sp.owens_t: (
        lambda h, a: -gauss(h) * m.erf(a * h / m.sqrt(2)) / 2,
        lambda h, a: m.exp(-(h**2) * (1 + a**2) / 2) / (2 * m.pi * (1 + a**2)),
        [*PAIRS, (-6.0, 0.5), (1e-9, 2.0), (20.0, 0.1)],
    ),
    sp.expn: (
        lambda n, x: 0,
        lambda n, x: -m.expint(n - 1, x),
        [(0, 0.3), (1, 1e-9), (2, 3.3), (7, 20.0)],
    ),
    sp.polygamma: (
        lambda n, x: 0,
        lambda n, x: m.psi(n + 1, x),
        [(0, 1e-9), (1, 2.3), (4, 30.0), (2, 1e10)],
    ),
    sp.chdtr: (
        by(lambda v, x: _p(v / 2, x / 2), 0),
        lambda v, x: p_gamma(v / 2, x / 2) / 2,
        GAMMA,
    ),
    sp.pdtr: (
        lambda k, mu: 0,
        lambda k, mu: -p_gamma(k + 1, mu),
        [(0, 0.3), (3, 2.0), (90, 110.0), (1000, 1010.0)],
    ),
    sp.stdtr: (
        by(lambda n, t: m.betainc(n / 2, 0.5, 0, n / (n + t * t), regularized=True) / 2, 0),
        lambda n, t: (1 + t * t / n) ** (-(n + 1) / 2) / m.sqrt(n) / m.beta(0.5, n / 2),
        [
            *[(3.0, -1.2), (0.7, -4.0), (20.0, -0.3), (1.0, -100.0), (5.0, -1e-8)],
            *[(1000.0, -1.2), (1000.0, -1.0), (1e8, -0.7), (300.0, -5.0), (1e7, -6.0)],
        ],
    ),
}


def p_beta(a: Any, b: Any, x: Any) -> Any:
    return x ** (a - 1) * (1 - x) ** (b - 1) / m.beta(a, b)


def _i(a: Any, b: Any, x: Any) -> Any:
    """The regularized incomplete beta function, less 1 where it is near 1."""
    if x < a / (a + b):
        return m.betainc(a, b, 0, x, regularized=True)
    return -m.betainc(b, a, 0, 1 - x, regularized=True)


def _f(n: Any, d: Any, x: Any) -> Any:
    return _i(n / 2, d / 2, n * x / (d + n * x))


def _voigt(x: Any, s: Any, g: Any) -> Any:
    z = (x + 1j * g) / (s * m.sqrt(2))
    return m.re(m.exp(-(z**2)) * m.erfc(-1j * z)) / (s * m.sqrt(2 * m.pi))


BETA = [(0.5, 0.5, 0.3), (2.0, 3.0, 0.4), (2.0, 0.01, 0.9), (0.3, 40.0, 0.5), (3.0, 50.0, 1e-3)]
LARGE = [(100.0, 120.0, 0.45), (3.0, 50.0, 0.3), (300.0, 500.0, 0.36), (50.0, 1e-3, 1 - 2**-20)]

FISHER = [
    *[(2.0, 3.0, 0.7), (5.0, 1.5, 9.0), (0.5, 0.3, 1e3), (50.0, 0.7, 3.0), (7.0, 9.0, 1e-3)],
    *[(1000.0, 3.0, 0.5), (3.0, 1000.0, 2.0), (1000.0, 1000.0, 1.1)],
]

#: Functions of three arguments: the true derivatives, where, and how close if not to 8 ulps.
THREE: dict[Any, Any] = {
    sp.betainc: (by(_i, 0), by(_i, 1), p_beta, BETA),
    sp.betaincc: (
        lambda a, b, x: -by(_i, 0)(a, b, x),
        lambda a, b, x: -by(_i, 1)(a, b, x),
        lambda a, b, x: -p_beta(a, b, x),
        LARGE,
    ),
    sp.gdtr: (
        lambda a, b, x: x * p_gamma(b, a * x),
        lambda a, b, x: by(_p, 0)(b, a * x),
        lambda a, b, x: a * p_gamma(b, a * x),
        [(2.0, 3.25, 1.4), (0.5, 0.25, 4.0)],
    ),
    sp.fdtr: (by(_f, 0), by(_f, 1), by(_f, 2), FISHER),
    sp.bdtr: (
        lambda k, n, p: 0,
        lambda k, n, p: 0,
        lambda k, n, p: -p_beta(k + 1, n - k, p),
        [(0, 5, 0.3), (3, 7, 1e-9), (40, 100, 0.45), (6, 7, 0.999)],
    ),
    sp.voigt_profile: (
        by(_voigt, 0),
        by(_voigt, 1),
        by(_voigt, 2),
        [(0.3, 1.2, 0.5), (-1.0, 0.5, 2.0), (30.0, 0.5, 0.1), (2.0, 1.0, 0.1)],
    ),
}

ALL = {**ONE, **TWO, **THREE}


@pytest.mark.parametrize("function", ALL, ids=name)
def test_first_derivatives(function: Any):
    rest = list(ALL[function])
    bound = rest.pop() if isinstance(rest[-1], int) else ULPS
    points = rest.pop()
    called = special.polygamma if function is sp.polygamma else function
    for point in points:
        point = point if isinstance(point, tuple) else (point,)
        with mpmath.workdps(50), np.errstate(all="ignore"):
            exact = [mpmath.mpf(p) for p in point]
            truths = [t(*exact) for t, p in zip(rest, point, strict=True) if isinstance(p, float)]
            found = slopes(called, *point)
            far = [ulps(a, mpmath.mpf(t)) for a, t in zip(found, truths, strict=True)]
        assert max(far) <= bound, f"{[round(f, 1) for f in far]} ulp at {point}"
