"""Values and first derivatives of the rest of SciPy's special functions, against 50 digits.

SciPy's own value is often no better than its slope, so a slope may be as far off as 8 ulps, or four
times what the value is off at the same point; FURTHER lists where it is more, and why.
"""

from functools import partial
from typing import Any

import mpmath
import numpy as np
import pytest
from scipy import special as sp

from gradtape.rules import BINDINGS, UFUNCS, load_all_tables
from gradtape.scipy import special as python
from tests.rules.cases import name
from tests.rules.measured import Function, Measured, errors, one, outputs, parts, several
from tests.rules.measured_distributions import DISTRIBUTIONS, THREE
from tests.rules.measured_mathieu import MATHIEU
from tests.rules.test_special_bessel_digits import TRUTHS
from tests.rules.test_special_digits import ALL, by

m = mpmath.mp
ULPS = 8
TIMES_THE_VALUE = 4


# Bessel functions and their kin -------------------------------------------------------------------


def spherical(true: Function) -> Function:
    return lambda n, x: m.sqrt(m.pi / (2 * x)) * true(n + m.mpf(0.5), x)


def wright(a: Any, b: Any, x: Any) -> Any:
    total, k, term = m.mpf(0), 0, m.mpf(1)
    while k < 5 or abs(term) > abs(total) * m.eps:
        term = x**k * m.rgamma(a * k + b) / m.factorial(k)
        total, k = total + term, k + 1
    return total


BY_ARGUMENT = [(0, 1.3), (2, 0.01), (2.5, 3.3), (1, 47.0)]
WHOLE = [(0, 1.3), (2, 0.01), (1, 12.0), (7, 3.3)]
#: Where the terms of a scaled function's slope cancel, or SciPy's other orders are far off.
FURTHER_OUT = [
    *[(0, 2.1), (1 / 3, 5.0), (0.3, 1.9), (2.5, 12.0), (7.3, 12.0), (7.3, 40.0), (20, 60.0)],
    *[(0, 300.0), (1, 1e4), (2, 1e6), (2.5, 1e3), (7.3, 100.0)],
]
SPHERICAL = [(0, 1e-8), (0, 1.3), (1, 1e-5), (2, 0.3), (1, 4.4934), (4, 30.0)]

BESIDE_ZEROS = [(0, 3.8317), (1, 1.8412), (2, 9.9695), (5, 22.2178), (2.5, 40.5), (2, 1e3)]
BESIDE_ZEROS_OF_Y = [(0, 2.1971), (0, 18.04), (1, 3.683), (5, 8.6496), (2.5, 47.0), (2, 1e3)]
BESIDE_ZEROS_OF_Y += [(0.3, 21.65), (1 / 3, 1.911), (0.3, 0.0446), (4.9, 0.8196)]

BESSEL = [
    several("jv", m.besselj, (1,), *BESIDE_ZEROS, (0.3, 0.8), (-0.4, 4.0), (1, -5.3314)),
    several("yv", m.bessely, (1,), *BESIDE_ZEROS_OF_Y, (7.3, 0.01), (0.3, 1e-20)),
    several("jve", m.besselj, (1,), *BY_ARGUMENT, *FURTHER_OUT),
    several("yve", m.bessely, (1,), *BY_ARGUMENT, *FURTHER_OUT),
    several(
        "ive",
        lambda v, x: m.besseli(v, x) * m.exp(-abs(x)),
        (1,),
        *BY_ARGUMENT,
        *FURTHER_OUT,
        *[(0.5, 1e-8), (0.5, 25.0), (1 / 3, 1.0), (1.7, 2.0), (2, 29.9), (20, 5.0), (50.5, 1e3)],
        *[(100, 47.0), (100, 1e6), (-0.3, 2.0), (-1.5, 3.3), (-3, -7.0), (2, -40.0)],
        *[(1, 1.7), (7.3, 47.0), (7.3, 0.3), (50.5, 1.75)],
    ),
    several("yn", m.bessely, (1,), *WHOLE),
    several("kn", m.besselk, (1,), *WHOLE),
    *parts("hankel1", m.hankel1, (1,), *BY_ARGUMENT, *FURTHER_OUT),
    *parts("hankel2", m.hankel2, (1,), *BY_ARGUMENT, *FURTHER_OUT),
    *parts(
        "hankel1e",
        lambda v, x: m.hankel1(v, x) * m.expj(-x),
        (1,),
        *[*BY_ARGUMENT, *FURTHER_OUT],
    ),
    *parts(
        "hankel2e",
        lambda v, x: m.hankel2(v, x) * m.expj(x),
        (1,),
        *[*BY_ARGUMENT, *FURTHER_OUT],
    ),
    several("spherical_jn", spherical(m.besselj), (1,), *SPHERICAL),
    several("spherical_yn", spherical(m.bessely), (1,), *SPHERICAL),
    several("spherical_in", spherical(m.besseli), (1,), *SPHERICAL),
    several("spherical_kn", spherical(m.besselk), (1,), *SPHERICAL),
    several(
        "besselpoly",
        lambda a, k, v: m.quad(lambda t: t**k * m.besselj(v, 2 * a * t), m.linspace(0, 1, 5)),
        (0,),
        (0.7, 1, 0),
        (3.0, 2, 1),
        (2.5316100465962514, 2, 3),
        (11.3, 1, 2),
    ),
    several("wright_bessel", wright, (2,), (0.5, 1.5, 0.3), (1.5, 0.5, 1e-9), (2.0, 1.0, 40.0)),
    several(
        "log_wright_bessel",
        lambda a, b, x: m.log(wright(a, b, x)),
        (2,),
        *[(0.5, 1.5, 0.3), (1.5, 0.5, 1e-9), (2.0, 1.0, 40.0), (0.0, 2.5, 3.0), (0.7, 0.0, 0.2)],
        *[(0.3, 1.2, 75.0), (2.5, 90.0, 300.0)],
    ),
]


# Solutions of differential equations --------------------------------------------------------------


def scaled_airy(x: Any) -> Any:
    return m.exp(2 * x * m.sqrt(x) / 3)


def derived(true: Function) -> Function:
    return by(true, 0)


AIRYE = [(1e-8,), (0.1,), (0.24,), (0.3,), (0.7,), (1.0,), (2.0,), (3.0,), (6.0,), (10.9,)]
AIRYE += [(11.0,), (30.0,), (1e3,), (1e4,), (1e6,)]
KELVIN = [1e-9, 1e-6, 0.3, 1.0, 1.9, 2.1, 2.7, 5.0, 7.0, 9.4, 9.7, 10.3, 15.0, 30.0, 60.0, 200.0]
KELVIN_OF = {n: partial(getattr(m, n), 0) for n in ("ber", "bei", "ker", "kei")}
WEBER = [(0.3, 1.2), (2.5, -1.7), (-1.5, 4.0), (1.0, 0.01)]


def weber(true: Function) -> list[Function]:
    return [true, by(true, 1)]


def pcfv(v: Any, x: Any) -> Any:
    return m.re(m.pcfv(-v - m.mpf(0.5), x))


def modfresnel(x: Any) -> Any:
    turn = m.expjpi(m.mpf(0.25))
    return m.sqrt(m.pi) / 2 * turn * m.erfc(x / turn)


EQUATIONS = [
    *outputs(
        "airye",
        [
            lambda x: m.airyai(x) * scaled_airy(x),
            lambda x: m.airyai(x, derivative=1) * scaled_airy(x),
            lambda x: m.airybi(x) / scaled_airy(x),
            lambda x: m.airybi(x, derivative=1) / scaled_airy(x),
        ],
        (0,),
        *AIRYE,
    ),
    *outputs(
        "itairy",
        [
            lambda x: m.airyai(x, derivative=-1),
            lambda x: m.airybi(x, derivative=-1),
            lambda x: -m.airyai(-x, derivative=-1),
            lambda x: -m.airybi(-x, derivative=-1),
        ],
        (0,),
        *[(1e-8,), (0.3,), (2.0,), (7.0,)],
    ),
    *[
        Measured(
            f"airye {i} of negative numbers",
            lambda x, i=i: sp.airye(x)[i],
            lambda x, n=i - 2: m.airybi(x, derivative=n),
            (0,),
            [(-0.7,), (-4.35,), (-8.0,), (-40.7,)],
        )
        for i in (2, 3)
    ],
    *[one(n, KELVIN_OF[n], KELVIN) for n in KELVIN_OF],
    *[one(f"{n}p", derived(KELVIN_OF[n]), KELVIN) for n in KELVIN_OF],
    *outputs("pbdv", weber(m.pcfd), (1,), *WEBER),
    *outputs("pbvv", weber(pcfv), (1,), *WEBER),
    *outputs("pbwa", weber(m.pcfw), (1,), (0.3, 1.2), (1.5, -1.7), (-1.5, 3.0), (1.0, 0.01)),
    *outputs(
        "ellipj",
        [
            lambda u, k: m.ellipfun("sn", u, m=k),
            lambda u, k: m.ellipfun("cn", u, m=k),
            lambda u, k: m.ellipfun("dn", u, m=k),
            lambda u, k: m.atan2(m.ellipfun("sn", u, m=k), m.ellipfun("cn", u, m=k)),
        ],
        (0, 1),
        *[(0.3, 0.4), (1e-6, 0.5), (1.2, 1e-9), (1.6, 0.999), (-0.7, 0.9), (2.5, 0.9), (7.0, 0.3)],
    ),
]

# Integrals ----------------------------------------------------------------------------------------


def integral(bessel: Function, struve: Function, sign: int = 1) -> Function:
    """That of a function of order 0, from 0 (DLMF 10.22.2, 10.43.2)."""
    return lambda x: (
        m.pi * x / 2 * (bessel(0, x) * struve(-1, x) + sign * bessel(1, x) * struve(0, x))
    )


def hurwitz(x: Any, q: Any) -> Any:
    """With digits more where it is small, since mpmath's has those of 1."""
    with mpmath.workdps(m.dps + int(max(0, x * m.log(q, 10)))):
        return +m.zeta(x, q)


INTEGRALS = [
    *[
        Measured(
            f"modfresnel{sign} {name}",
            lambda x, sign=sign, part=part: part(getattr(sp, f"modfresnel{sign}")(x)[0]),
            lambda x, side=side: side(modfresnel(x)),
            (0,),
            [(1e-8,), (0.3,), (1.7,), (9.0,)],
        )
        for sign, name, part, side in [
            ("p", "real", np.real, m.re),
            ("p", "imag", np.imag, m.im),
            ("m", "real", np.real, m.re),
            ("m", "imag", np.imag, lambda z: -m.im(z)),
        ]
    ],
    *outputs(
        "itj0y0",
        [integral(m.besselj, m.struveh), integral(m.bessely, m.struveh)],
        (0,),
        *[(0.3,), (2.0,), (9.0,)],
    ),
    *outputs(
        "iti0k0",
        [integral(m.besseli, m.struvel, -1), integral(m.besselk, m.struvel)],
        (0,),
        *[(0.3,), (2.0,), (9.0,)],
    ),
    one("itstruve0", lambda x: m.quad(lambda t: m.struveh(0, t), [0, x]), [1e-3, 0.3, 2.0]),
    one("itmodstruve0", lambda x: m.quad(lambda t: m.struvel(0, t), [0, x]), [1e-3, 0.3, 2.0]),
    one("zetac", lambda x: m.zeta(x) - 1, [1.0001, 1.5, 3.0, 60.0, -0.7, -0.00178870172]),
    several(
        "zeta",
        m.zeta,
        (0,),
        *[(0.0662715,), (0.195949,), (-1e-9,), (-0.99,), (-1.01,), (-5.5,), (-43.99,), (-170.3,)],
        *[(-2.717262829204574,), (-7.138766179421749,), (-17.22487933323733,)],
    ),
    several(
        "zeta of two",
        hurwitz,
        (0, 1),
        *[(1.2049448555, 0.13468207253), (1.5221289623967613, 0.4014823463), (31.68444, 2.151065)],
        *[(15.500975848901687, 0.14412546969), (1.04218, 15.398)],
    )._replace(function=python.zeta),
    *parts("wofz", lambda x: m.exp(-x * x) * m.erfc(-1j * x), (0,), (1e-8,), (0.3,), (1.6,)),
]

# Hypergeometric functions -------------------------------------------------------------------------

HYPERGEOMETRIC = [
    several("hyp0f1", m.hyp0f1, (1,), (0.5, 0.3), (2.0, 1e-9), (1.5, 40.0), (2.5, -7.0)),
    several(
        "hyp1f1",
        m.hyp1f1,
        (2,),
        *[(0.5, 1.5, 0.3), (2.0, 3.5, 1e-9), (0.7, 1.2, 30.0), (1.5, 2.5, -20.0), (-2.0, 0.5, 1.1)],
    ),
    several(
        "hyp2f1",
        m.hyp2f1,
        (3,),
        *[(0.5, 1.5, 2.5, 0.3), (0.5, 1.2, 2.1, 0.99), (1.0, 2.0, 3.5, -30.0)],
        *[(2.0, 0.7, 1.4, 1e-9), (-3.0, 1.5, 0.5, 0.7)],
    ),
    several(
        "hyperu",
        m.hyperu,
        (2,),
        *[(0.5, 1.5, 0.3), (2.0, 0.7, 5.0), (1.5, 2.0, 30.0), (6.5, -3.0, 1e-3), (0.3, 4.0, 90.0)],
    ),
]

# Elliptic integrals by Carlson --------------------------------------------------------------------

CARLSON = [
    several("elliprc", m.elliprc, (0, 1), (0.3, 1.2), (1e-6, 2.0), (3.0, 3.001), (1e6, 0.5)),
    several("elliprf", m.elliprf, (0, 1, 2), (0.3, 1.2, 2.0), (1e-6, 1.0, 1e4)),
    several(
        "elliprd", m.elliprd, (0, 1, 2), (0.3, 1.2, 2.0), (1e-3, 1.0, 1e2), (3.872, 3.025, 2.276)
    ),
    several("elliprg", m.elliprg, (0, 1, 2), (0.3, 1.2, 2.0), (1e-3, 1.0, 1e2), (6e-4, 5e-5, 5.6)),
    several("elliprj", m.elliprj, (0, 1, 2, 3), (0.3, 1.2, 2.0, 0.7), (1e-2, 1.0, 30.0, 2.5)),
    several("agm", m.agm, (0, 1), (0.3, 1.2), (1e-6, 1.0), (3.0, 3.001)),
]


# Polynomials and functions on the sphere ----------------------------------------------------------


def legendre(order: int, degree: Any, x: Any) -> Any:
    """Ferrers' function of a whole order (DLMF 14.3.4, and 14.3.1 for the negative ones)."""
    k = abs(order)
    series = m.hyp2f1(k - degree, k + degree + 1, k + 1, (1 - x) / 2)
    below = m.sqrt(1 - x * x) ** k * series / (m.mpf(2) ** k * m.factorial(k))
    return below if order < 0 else (-1) ** k * m.rf(degree - k + 1, 2 * k) * below


def shifted(n: Any, p: Any, q: Any, x: Any) -> Any:
    return m.jacobi(n, p - q, q - 1, 2 * x - 1) / m.binomial(2 * n + p - 1, n)


UNIT = [(1, 0.3), (4, 0.02), (9, 0.93), (3, 0.5001)]
WIDE = [(1, 0.3), (4, -1.7), (9, 0.97), (3, 0.01)]
INDEXED = [(1, 0.7, 0.3), (4, 1.5, -0.7), (9, -0.3, 0.97)]
HIGH = [(3, 0.4472136), (80, 0.3), (150, -0.7777)]
BESIDE_ZEROS_OF_JACOBI = [
    (14, -0.17344406886831, 0.19382456830545, -9.357213e-4),
    *[(8, 0.3812372437, 0.6676436987, 1.4434391e-09), (10, 1.6996464, 0.251073076, -0.1393203375)],
]
TWICE = [(1, 0.7, 0.2, 0.3), (4, 1.5, -0.5, -0.7), (9, -0.3, 0.6, 0.97)]

POLYNOMIALS = [
    *[several(f"eval_{n}", getattr(m, n), (1,), *HIGH) for n in ("legendre", "chebyt", "chebyu")],
    several("eval_laguerre", lambda n, x: m.laguerre(n, 0, x), (1,), *HIGH, (30, 17.0)),
    several("eval_hermite", m.hermite, (1,), *HIGH, (30, 3.0)),
    several("eval_sh_legendre", lambda n, x: m.legendre(n, 2 * x - 1), (1,), *UNIT),
    several("eval_sh_chebyt", lambda n, x: m.chebyt(n, 2 * x - 1), (1,), *UNIT),
    several("eval_sh_chebyu", lambda n, x: m.chebyu(n, 2 * x - 1), (1,), *UNIT),
    several("eval_chebyc", lambda n, x: 2 * m.chebyt(n, x / 2), (1,), *WIDE),
    several("eval_chebys", lambda n, x: m.chebyu(n, x / 2), (1,), *WIDE),
    several(
        "eval_hermitenorm",
        lambda n, x: m.hermite(n, x / m.sqrt(2)) * m.sqrt(2) ** -n,
        (1,),
        *WIDE,
    ),
    several("eval_gegenbauer", m.gegenbauer, (2,), *INDEXED),
    several("eval_genlaguerre", m.laguerre, (2,), *INDEXED),
    several("eval_jacobi", m.jacobi, (3,), *TWICE, *BESIDE_ZEROS_OF_JACOBI),
    several(
        "eval_sh_jacobi",
        shifted,
        (3,),
        *[(1, 2.7, 1.2, 0.3), (4, 2.5, 0.5, 0.7), (11, 4.98745779050275, 1.05592579, 0.12831233)],
        (10, 3.89368939610013, 0.61967715004582, 1.5230782e-4),
    ),
    several(
        "lpmv",
        legendre,
        (2,),
        *[(0, 3, 0.3), (1, 2, -0.7), (2, 5, 0.999), (-1, 4, 0.1), (3, 3, 1e-6), (1, 2.5, 0.4)],
        *[(0, 9, 0.47792494981044), (-2, 7, 0.99999), (5, 20, -0.3)],
    ),
    *parts(
        "sph_harm_y",
        m.spherharm,
        (2, 3),
        *[(2, 1, 0.7, 0.3), (5, -3, 2.9, 4.0), (4, 2, 1e-3, 1.0), (3, 3, 1.5707, -0.4)],
        *[(8, -1, 0.1963024501316, 2.8033236682), (9, -2, 0.1662182063302, -1.3799097408)],
        *[
            (7, 2, 0.8445244500274, 1.0767443128),
            (5, -1, 0.200934662, -0.167299286),
        ],
    ),
]

# Factorials, and what is elementary ---------------------------------------------------------------


def of_two(name: str, output: Any, true: Function) -> Measured:
    """A function of an array with two entries."""
    function = getattr(python, name, None)
    points = [(0.3, 1.2), (700.0, 690.0), (-1.0, 30.0), (0.0, -30.0)]
    return Measured(name, lambda x, y: function([x, y])[output], true, (0, 1), points)


def multigamma(a: Any, d: int) -> Any:
    constant = m.mpf(d * (d - 1)) / 4 * m.log(m.pi)
    return constant + sum(m.loggamma(a - m.mpf(j) / 2) for j in range(d))


def first_share(x: Any, y: Any) -> Any:
    return 1 / (1 + m.exp(y - x))


ELEMENTARY = [
    several("radian", lambda d, k, s: m.pi / 180 * (d + k / 60 + s / 3600), THREE, (9.0, 7.0, 5.0)),
    several(
        "huber",
        lambda d, r: r * r / 2 if abs(r) <= d else d * (abs(r) - d / 2),
        (0, 1),
        *[(0.3, 1.2), (0.3, -1.2), (2.0, 1e-9)],
    ),
    several("factorial", lambda n: m.gamma(n + 1), (0,), (0.3,), (4.0,), (30.5,)),
    several("comb", m.binomial, (0, 1), (5.5, 2.3), (30.0, 7.0)),
    several("perm", lambda n, k: m.gamma(n + 1) / m.gamma(n - k + 1), (0, 1), (5.5, 2.3)),
    several("multigammaln", multigamma, (0,), (2.3, 3), (50.0, 4)),
    several("diric", lambda x, n: m.sin(n * x / 2) / (n * m.sin(x / 2)), (0,), (0.3, 4), (3.0, 7)),
    several("sinc", lambda x: m.sinc(m.pi * x), (0,), (0.3,), (1e-6,), (2.5,)),
    several("softplus", lambda x: m.log1p(m.exp(x)), (0,), (0.3,), (-30.0,), (50.0,)),
    of_two("logsumexp", (), lambda x, y: m.log(m.exp(x) + m.exp(y))),
    of_two("softmax", 0, first_share),
    of_two("log_softmax", 0, lambda x, y: m.log(first_share(x, y))),
]

#: Rules without an entry here or in the two other tables, and why.
UNMEASURED = {
    "kelvin": "its outputs are those of ber, bei, ker, kei and their slopes, as complex numbers",
}

#: Functions whose slopes do not go by SciPy's value, which may be far off.
BETTER = {
    *("pbdv 0", "pbdv 1", "pbvv 0", "pbvv 1", "pbwa 0", "pbwa 1", "hyp0f1", "hyp1f1", "hyp2f1"),
    *("hyperu", "lpmv", "eval_sh_legendre", "eval_hermitenorm", "log_softmax", "softmax"),
    *("tklmbda", "chndtr", "gammainccinv", "gammaincinv", "betaincinv", "betainccinv"),
    *("gdtria", "gdtrib", "gdtrix", "pdtri", "pdtrik", "bdtri", "bdtrik", "bdtrin"),
    *("nbdtr", "nbdtri", "nbdtrik", "nbdtrin", "btdtria", "btdtrib", "fdtri", "stdtrit"),
    *("eval_sh_chebyt", "eval_sh_chebyu", "eval_chebyc", "eval_chebys", "eval_gegenbauer"),
    *("eval_genlaguerre", "eval_jacobi", "eval_sh_jacobi", "eval_legendre", "eval_chebyt"),
    *("eval_chebyu", "eval_laguerre", "eval_hermite", "zeta", "zeta of two", "zetac"),
    *("sph_harm_y real", "sph_harm_y imag", "elliprd", "elliprg"),
    *("fdtridfd", "jv", "jve", "yv", "yve", "yn", "spherical_jn", "spherical_yn"),
    *("hankel1e real", "hankel1e imag", "hankel2e real", "hankel2e imag"),
}

#: Where slopes are further off, and by how many ulps at most.
FURTHER: dict[str, dict[tuple[Any, ...], float]] = {
    # SciPy's own functions of other orders or parameters are that far off.
    "mathieu_cem 1": {(1, 2.0, 10.0): 25, (5, 0.1, 200.0): 280},
    "mathieu_sem 0": {(5, 0.1, 200.0): 450, (3, 20.0, -40.0): 65},
    "mathieu_sem 1": {(2, 5.0, 75.0): 46},
    "mathieu_modcem2 1": {(0, 0.5, 0.3): 640},
    # The solution is rounded, and the slopes change much faster than it does.
    "gammainccinv": {(0.01, 0.2): 55},
}

TABLES = [
    *BESSEL,
    *EQUATIONS,
    *INTEGRALS,
    *HYPERGEOMETRIC,
    *CARLSON,
    *POLYNOMIALS,
    *DISTRIBUTIONS,
    *MATHIEU,
    *ELEMENTARY,
]
#: Without the functions that this SciPy is too old to have.
MEASURED = [entry for entry in TABLES if hasattr(sp, entry.name.split()[0])]

#: Whose true values take seconds: all of their points are among the slow tests, the first here.
LONG = {
    *("mathieu_cem 0", "mathieu_sem 0", "mathieu_modcem2 1", "mathieu_modsem2 1", "keip", "kerp"),
    *("chndtr1", "pbwa 1", "itstruve0", "itmodstruve0", "hyperu"),
}
POINTS = [
    *[e._replace(points=e.points[:1]) if e.name in LONG else e for e in MEASURED],
    *[pytest.param(e, marks=pytest.mark.slow) for e in MEASURED if e.name in LONG],
]


@pytest.mark.parametrize("entry", POINTS, ids=lambda entry: f"{entry.name} {len(entry.points)}")
def test_slopes_are_as_close_as_values(entry: Measured):
    for point in entry.points:
        off, slopes_off = errors(entry, point)
        granted = 0 if entry.name in BETTER else TIMES_THE_VALUE * off
        bound = max(ULPS, granted, FURTHER.get(entry.name, {}).get(point, 0))
        assert max(slopes_off) <= bound, (point, off, [round(s, 1) for s in slopes_off])


def is_a_rule(function: Any) -> bool:
    """Whether there is a derivative by at least one argument."""
    rule = UFUNCS.get(function) if isinstance(function, np.ufunc) else None
    if rule is None:
        return function in BINDINGS
    return any(r is not None and r.function not in (None, 0) for r in rule.rules)


def test_every_rule_of_scipy_is_measured():
    load_all_tables()
    rules = {
        name(f)
        for f in vars(sp).values()
        if callable(f) and not isinstance(f, type) and is_a_rule(f)
    }
    measured = {name(f) for f in ALL} | {t.name.split()[0] for t in (*TRUTHS, *MEASURED)}
    assert not rules - measured - set(UNMEASURED)
    assert not measured & set(UNMEASURED)
