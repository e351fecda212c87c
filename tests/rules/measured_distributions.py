"""Distribution functions and their inverses, beside the true ones, and where to compare them."""

from typing import Any

import mpmath

from tests.rules.measured import Function, Measured, inverse, several
from tests.rules.test_special_digits import inverse_normal

m = mpmath.mp
THREE = (0, 1, 2)


def lower(a: Any, x: Any) -> Any:
    return m.gammainc(a, 0, x, regularized=True)


def upper(a: Any, x: Any) -> Any:
    return m.gammainc(a, x, regularized=True)


def beta(a: Any, b: Any, x: Any) -> Any:
    return m.betainc(a, b, 0, x, regularized=True)


def student(n: Any, t: Any) -> Any:
    tail = beta(n / 2, m.mpf(0.5), n / (n + t * t)) / 2
    return tail if t < 0 else 1 - tail


def snedecor(n: Any, d: Any, x: Any) -> Any:
    return beta(n / 2, d / 2, n * x / (d + n * x))


def mixture(nc: Any, term: Function) -> Any:
    """The mean of the terms by a Poisson distribution of their numbers."""
    total, k, weight = m.mpf(0), 0, m.exp(-nc / 2)
    while weight > m.eps:
        total += weight * term(k)
        k += 1
        weight *= nc / 2 / k
    return total


def noncentral_chi(x: Any, df: Any, nc: Any) -> Any:
    return mixture(nc, lambda k: lower(df / 2 + k, x / 2))


def noncentral_f(n: Any, d: Any, nc: Any, f: Any) -> Any:
    w = n * f / (d + n * f)
    return mixture(nc, lambda k: beta(n / m.mpf(2) + k, d / m.mpf(2), w))


def kolmogorov(x: Any) -> Any:
    return -2 * sum((-1) ** k * m.exp(-2 * k * k * x * x) for k in range(1, 61))


def smirnov(n: Any, d: Any) -> Any:
    return d * sum(
        m.binomial(n, v) * (d + m.mpf(v) / n) ** (v - 1) * (1 - d - m.mpf(v) / n) ** (n - v)
        for v in range(int(n * (1 - d)) + 1)
    )


def tukey(y: Any, shape: Any) -> Any:
    """What tklmbda inverts."""
    return (y**shape - (1 - y) ** shape) / shape


def chi(v: Any, x: Any) -> Any:
    return lower(v / 2, x / 2)


def gamma(a: Any, b: Any, x: Any) -> Any:
    return lower(b, a * x)


def poisson(k: Any, mean: Any) -> Any:
    return upper(k + 1, mean)


def binomial(k: Any, n: Any, p: Any) -> Any:
    return beta(n - k, k + 1, 1 - p)


def negative(k: Any, n: Any, p: Any) -> Any:
    return beta(n, k + 1, p)


def rest(true: Function) -> Function:
    return lambda *z: 1 - true(*z)


DISTRIBUTIONS: list[Measured] = [
    several("chdtrc", rest(chi), (0, 1), (3.0, 2.0), (0.7, 9.0), (30.0, 20.0)),
    several("gdtrc", rest(gamma), THREE, (2.0, 3.25, 1.4), (0.5, 0.25, 4.0)),
    several("pdtrc", rest(poisson), (1,), (0, 0.3), (3, 2.0), (90, 110.0)),
    several("bdtrc", rest(binomial), (2,), (0, 5, 0.3), (40, 100, 0.45), (6, 7, 0.999)),
    several("nbdtr", negative, (2,), (0, 5, 0.3), (40, 10, 0.2), (6, 7, 0.999)),
    several("nbdtrc", rest(negative), (2,), (0, 5, 0.3), (40, 10, 0.2), (6, 7, 0.999)),
    several("fdtrc", rest(snedecor), THREE, (2.0, 3.0, 0.7), (5.0, 1.5, 9.0)),
    several("chndtr", noncentral_chi, (0, 2), (2.0, 3.0, 1.5), (9.0, 1.5, 0.1), (14.0, 3.0, 12.0)),
    several("chndtr", noncentral_chi, (0, 2), (150.0, 4.0, 100.0), (1e-3, 3.0, 2.0)),
    several("ncfdtr", noncentral_f, (2, 3), (3.0, 5.0, 1.5, 0.7)),
    several("smirnov", smirnov, (1,), (1, 0.3), (4, 0.35), (9, 0.05), (9, 0.9)),
    inverse("gammaincinv", lower, 1, (0, 1), (0.5, 0.3), (3.0, 0.99), (20.0, 1e-4)),
    inverse("gammainccinv", upper, 1, (0, 1), (0.5, 0.3), (3.0, 0.01), (20.0, 1e-4), (0.01, 0.2)),
    inverse("betaincinv", beta, 2, THREE, (0.5, 1.5, 0.3), (3.0, 20.0, 1e-4)),
    inverse("betainccinv", rest(beta), 2, THREE, (0.5, 1.5, 0.3), (3.0, 20.0, 1e-4)),
    inverse("chdtri", rest(chi), 1, (0, 1), (3.0, 0.3), (0.7, 0.9)),
    inverse("chdtriv", chi, 0, (0, 1), (0.3, 2.0), (0.9, 9.0)),
    inverse("gdtria", gamma, 0, THREE, (0.3, 2.5, 1.4), (0.9, 0.7, 4.0)),
    inverse("gdtrib", gamma, 1, THREE, (2.0, 0.3, 1.4), (0.5, 0.9, 4.0)),
    inverse("gdtrix", gamma, 2, THREE, (2.0, 2.5, 0.3), (0.5, 0.7, 0.9)),
    inverse("pdtri", poisson, 1, (1,), (0, 0.3), (7, 0.9)),
    inverse("pdtrik", poisson, 0, (0, 1), (0.7, 2.0), (0.9, 30.0)),
    inverse("btdtria", beta, 0, THREE, (0.3, 1.5, 0.4), (0.9, 3.0, 0.7)),
    inverse("btdtrib", beta, 1, THREE, (1.5, 0.3, 0.4), (3.0, 0.9, 0.7)),
    inverse("bdtri", binomial, 2, (2,), (0, 5, 0.3), (40, 100, 0.9)),
    inverse("bdtrik", binomial, 0, THREE, (0.6, 7.0, 0.4), (0.9, 30.0, 0.2)),
    inverse("bdtrin", binomial, 1, THREE, (2.5, 0.6, 0.4), (4.0, 0.3, 0.2)),
    inverse("nbdtri", negative, 2, (2,), (0, 5, 0.3), (40, 10, 0.9)),
    inverse("nbdtrik", negative, 0, THREE, (0.6, 7.0, 0.4), (0.9, 3.0, 0.2)),
    inverse("nbdtrin", negative, 1, THREE, (2.5, 0.6, 0.4), (4.0, 0.3, 0.2)),
    inverse("fdtri", snedecor, 2, THREE, (2.0, 3.0, 0.3), (5.0, 1.5, 0.9)),
    inverse("fdtridfd", snedecor, 1, THREE, (2.0, 0.5, 0.9)),
    inverse("stdtrit", student, 1, (0, 1), (3.0, 0.2), (0.7, 0.01), (20.0, 0.9)),
    inverse("stdtridf", student, 0, (0, 1), (0.75, 0.8), (0.22, -0.82)),
    inverse("chndtrix", noncentral_chi, 0, (0, 2), (0.3, 3.0, 1.5)),
    inverse("chndtrinc", noncentral_chi, 2, (0, 2), (4.0, 3.0, 0.4)),
    inverse("ncfdtri", noncentral_f, 3, (2, 3), (3.0, 5.0, 1.5, 0.3)),
    inverse("tklmbda", tukey, 0, (0, 1), (0.3, 0.5), (-0.7, 1.2), (4.0, -0.3), (1e-9, 0.4)),
    inverse("tklmbda", tukey, 0, (0, 1), (1e-3, -0.7), (-30.0, -0.5), (5.0, 0.01), (0.2, 3.0)),
    inverse("tklmbda", tukey, 0, (0, 1), (1.9, 0.5), (-1.99, 0.5), (0.33, 3.0)),
    inverse("kolmogi", rest(lambda x: 1 - kolmogorov(x)), 0, (0,), (0.3,), (0.99,), (1e-6,)),
    inverse("smirnovi", smirnov, 1, (1,), (2, 0.3), (9, 0.01), (9, 0.9)),
    several(
        "nrdtrimn",
        lambda p, s, x: x - s * inverse_normal(p),
        THREE,
        *[(0.3, 1.2, 0.7), (0.97, 2.0, -1.0)],
    ),
    several(
        "nrdtrisd",
        lambda mean, p, x: (x - mean) / inverse_normal(p),
        THREE,
        *[(0.3, 0.7, 1.2), (1.0, 0.03, -1.0)],
    ),
]
