"""Cases of SciPy's special functions: gamma, error, logarithmic and statistical ones."""

from typing import Any

import numpy as np
import pytest

from tests.rules.cases import Case, case

sp = pytest.importorskip("scipy.special")
special = pytest.importorskip("gradtape.scipy.special")

#: Pieces of the rules.
log_over_psi = pytest.importorskip("gradtape.derivatives.special_incomplete").log_over_psi
polygamma = pytest.importorskip("gradtape.derivatives.special_polygamma").polygamma
ratio_rate = pytest.importorskip("gradtape.derivatives.special_ratios").ratio_rate
steps = pytest.importorskip("gradtape.derivatives.special_steps")

#: Functions of one argument: bounds within which they are smooth, and whether complex is covered.
UNARY: dict[Any, tuple[float, float, bool]] = {
    sp.gamma: (0.4, 3, True),
    sp.gammaln: (0.4, 3, False),
    sp.loggamma: (0.4, 3, True),
    sp.rgamma: (-1.3, 3, False),
    sp.psi: (0.4, 3, True),
    sp.erf: (-1.5, 1.5, True),
    sp.erfc: (-1.5, 1.5, True),
    sp.erfcx: (-1, 2, True),
    sp.erfi: (-1.5, 1.5, True),
    sp.erfinv: (-0.9, 0.9, False),
    sp.erfcinv: (0.1, 1.9, False),
    sp.dawsn: (-2.5, 2.5, True),
    sp.ndtr: (-2, 2, True),
    sp.log_ndtr: (-2, 2, True),
    sp.ndtri: (0.1, 0.9, False),
    sp.ndtri_exp: (-2.5, -0.2, False),
    sp.expi: (0.4, 2, True),
    sp.exp1: (0.4, 2, True),
    sp.entr: (0.3, 2, False),
    sp.expit: (-2, 2, False),
    sp.log_expit: (-2, 2, False),
    sp.logit: (0.2, 0.8, False),
    sp.exprel: (-2, 2, False),
    sp.cosm1: (-2, 2, False),
    sp.exp10: (-1, 1, False),
    sp.sindg: (-80, 80, False),
    sp.cosdg: (5, 85, False),
    sp.tandg: (-60, 60, False),
    sp.cotdg: (20, 80, False),
    sp.spence: (0.4, 2, True),
    sp.cbrt: (0.3, 2, False),
    sp.exp2: (-2, 2, False),
    sp.expm1: (-2, 2, True),
    sp.log1p: (-0.5, 2, True),
    sp.kolmogorov: (0.5, 1.6, False),
    sp.kolmogi: (0.1, 0.9, False),
}

#: Functions of two arguments, which both have a derivative between the same bounds.
BINARY: dict[Any, tuple[float, float, bool]] = {
    sp.beta: (0.4, 3, False),
    sp.betaln: (0.4, 3, False),
    sp.poch: (0.4, 3, False),
    sp.binom: (0.4, 3, False),
    sp.gammainc: (0.4, 3, False),
    sp.gammaincc: (0.4, 3, False),
    sp.owens_t: (-2, 2, False),
    sp.xlogy: (0.3, 2, True),
    sp.xlog1py: (0.3, 2, True),
    sp.rel_entr: (0.3, 2, False),
    sp.kl_div: (0.3, 2, False),
    sp.huber: (0.3, 2, False),
    sp.pseudo_huber: (0.3, 2, False),
    sp.powm1: (0.3, 2, False),
    sp.boxcox: (0.3, 2, False),
    sp.boxcox1p: (0.3, 2, False),
    sp.inv_boxcox: (0.3, 2, False),
    sp.inv_boxcox1p: (0.3, 2, False),
    sp.chdtr: (0.4, 3, False),
    sp.chdtrc: (0.4, 3, False),
    sp.stdtr: (0.4, 3, False),
}

#: Parameters of a distribution that is tried.
P = np.array([0.2, 0.45, 0.7])
K = np.array([1.0, 3.0, 2.0])

#: Functions of several arguments between the same bounds, or with some of them held fixed.
OTHERS: list[tuple[Any, Any, tuple[Any, ...], float, float, bool]] = [
    # Gamma
    (sp.polygamma, lambda x: special.polygamma(1, x), ((2, 3),), 0.4, 3, False),
    (sp.polygamma, lambda x: special.polygamma([[1], [3]], x), ((3,),), 0.4, 3, False),
    ("polygamma", lambda x: polygamma([[0], [1], [3]], x), ((3,),), 0.4, 3, True),
    (sp.multigammaln, lambda a: special.multigammaln(a, 3), ((2, 3),), 1.5, 4, False),
    (sp.factorial, special.factorial, ((2, 3),), 0.4, 3, False),
    (sp.comb, special.comb, ((3,), (3,)), 0.4, 3, False),
    (sp.comb, lambda n: special.comb(n, 2, repetition=True), ((3,),), 2.5, 5, False),
    (sp.perm, lambda n: special.perm(n, 2), ((3,),), 2.5, 5, False),
    (sp.poch, sp.poch, ((3,), (3,)), -0.9, -0.1, False),
    (sp.binom, lambda n: sp.binom(n, 4.0), ((3,),), 0.4, 2.9, False),
    (sp.rgamma, sp.rgamma, ((3,),), -3.4, -2.6, True),
    (sp.gammaincinv, lambda a: sp.gammaincinv(a, P), ((3,),), 0.4, 3, False),
    (sp.gammaincinv, lambda y: sp.gammaincinv(K, y), ((3,),), 0.1, 0.9, False),
    (sp.gammainccinv, lambda a: sp.gammainccinv(a, P), ((3,),), 0.4, 3, False),
    (sp.gammainccinv, lambda y: sp.gammainccinv(K, y), ((3,),), 0.1, 0.9, False),
    (sp.gammainc, lambda x: sp.gammainc(150, x), ((3,),), 140, 160, False),
    (sp.betainc, sp.betainc, ((3,), (2, 1), ()), 0.2, 0.9, False),
    (sp.betaincc, sp.betaincc, ((3,), (2, 1), ()), 0.2, 0.9, False),
    (sp.betainc, lambda x: sp.betainc(90, 80, x), ((3,),), 0.4, 0.6, False),
    (sp.betaincinv, sp.betaincinv, ((3,), (2, 1), ()), 0.3, 0.9, False),
    (sp.betaincinv, lambda a, b: sp.betaincinv(a, b, 0.7), ((3,), ()), 0.5, 3, False),
    (sp.betainccinv, sp.betainccinv, ((3,), (2, 1), ()), 0.3, 0.9, False),
    # Errors
    (sp.wofz, sp.wofz, ((2, 3),), 0.3, 2, True),
    (sp.voigt_profile, sp.voigt_profile, ((3,), (2, 1), ()), 0.4, 2, False),
    (sp.expn, lambda x: sp.expn([[0], [1], [3]], x), ((3,),), 0.4, 2, False),
    (sp.sici, sp.sici, ((2, 3),), 0.4, 2, True),
    (sp.shichi, sp.shichi, ((2, 3),), 0.4, 2, True),
    (sp.radian, sp.radian, ((3,), (2, 1), ()), 0.4, 2, False),
    (sp.huber, lambda r: sp.huber(1.0, r), ((2, 3),), -2, 2, False),
    (sp.pseudo_huber, lambda r: sp.pseudo_huber(1.5, r), ((2, 3),), -2, 2, False),
    (sp.boxcox, lambda x: sp.boxcox(x, 0.0), ((3,),), 0.3, 2, False),
    (sp.boxcox, lambda m: sp.boxcox(P, m), ((3,),), -1, 1, False),
    (sp.inv_boxcox, lambda m: sp.inv_boxcox(P, m), ((3,),), -1, 1, False),
    (sp.diric, lambda x: special.diric(x, [[4], [5]]), ((3,),), -2, 2, False),
    # Sums
    (sp.logsumexp, special.logsumexp, ((2, 3),), -2, 2, True),
    (sp.logsumexp, lambda a: special.logsumexp(a, axis=0, keepdims=True), ((2, 3),), -2, 2, True),
    (sp.logsumexp, lambda a, b: special.logsumexp(a, 1, b), ((2, 3), (3,)), 0.3, 2, True),
    (
        sp.logsumexp,
        lambda a: special.logsumexp(a, axis=-1, b=[1, -2, -3], return_sign=True),
        ((2, 3),),
        *(-2, 2, False),
    ),
    (sp.softmax, special.softmax, ((2, 3),), -2, 2, False),
    (sp.softmax, lambda x: special.softmax(x, axis=0), ((2, 3),), -2, 2, False),
    (sp.log_softmax, lambda x: special.log_softmax(x, axis=-1), ((2, 3),), -2, 2, False),
    (sp.log_softmax, lambda x: special.log_softmax(x, (0, 1)), ((2, 3),), -2, 2, False),
    *(
        [(sp.softplus, special.softplus, ((2, 3),), -2, 2, False)]
        if hasattr(sp, "softplus")
        else []
    ),
    # Distributions
    (sp.chdtri, lambda v: sp.chdtri(v, P), ((3,),), 0.5, 4, False),
    (sp.chdtri, lambda p: sp.chdtri(K, p), ((3,),), 0.1, 0.9, False),
    (sp.chdtriv, lambda x: sp.chdtriv(P, x), ((3,),), 0.5, 3, False),
    (sp.chdtriv, lambda p: sp.chdtriv(p, 1.3), ((3,),), 0.2, 0.8, False),
    (sp.gdtr, sp.gdtr, ((3,), (2, 1), ()), 0.4, 3, False),
    (sp.gdtrc, sp.gdtrc, ((3,), (2, 1), ()), 0.4, 3, False),
    (sp.gdtria, sp.gdtria, ((3,), (2, 1), ()), 0.3, 0.9, False),
    (sp.gdtrib, sp.gdtrib, ((3,), (2, 1), ()), 0.3, 0.9, False),
    (sp.gdtrix, sp.gdtrix, ((3,), (2, 1), ()), 0.3, 0.9, False),
    (sp.pdtr, lambda m: sp.pdtr(K, m), ((3,),), 0.5, 4, False),
    (sp.pdtrc, lambda m: sp.pdtrc(K, m), ((3,),), 0.5, 4, False),
    (sp.pdtri, lambda y: sp.pdtri(K, y), ((3,),), 0.2, 0.8, False),
    (sp.pdtr, lambda k: sp.pdtr(k, 2.0), ((3,),), 1.2, 1.9, False),
    (sp.pdtrik, lambda p: sp.pdtrik(p, 2.5), ((3,),), 0.3, 0.8, False),
    (sp.pdtrik, lambda m: sp.pdtrik(0.6, m), ((3,),), 1.5, 3, False),
    (sp.fdtr, sp.fdtr, ((3,), (2, 1), ()), 0.4, 3, False),
    (sp.fdtrc, sp.fdtrc, ((3,), (2, 1), ()), 0.4, 3, False),
    (sp.fdtri, lambda m, n: sp.fdtri(m, n, P), ((3,), (2, 1)), 1.5, 4, False),
    (sp.fdtri, lambda p: sp.fdtri(2.0, K, p), ((3,),), 0.2, 0.8, False),
    (sp.fdtridfd, lambda n: sp.fdtridfd(n, 0.55, 1.2), ((3,),), 2, 3, False),
    (sp.fdtridfd, lambda p: sp.fdtridfd(2.0, p, 1.2), ((3,),), 0.6, 0.65, False),
    (sp.fdtridfd, lambda x: sp.fdtridfd(2.0, 0.6, x), ((3,),), 1.05, 1.2, False),
    (sp.bdtr, lambda p: sp.bdtr(K, 5, p), ((3,),), 0.2, 0.8, False),
    (sp.bdtrc, lambda p: sp.bdtrc(K, 5, p), ((3,),), 0.2, 0.8, False),
    (sp.bdtri, lambda y: sp.bdtri(K, 5, y), ((3,),), 0.2, 0.8, False),
    (sp.bdtrik, lambda y, p: sp.bdtrik(y, 7.0, p), ((3,), (3,)), 0.4, 0.6, False),
    (sp.bdtrik, lambda n: sp.bdtrik(0.6, n, 0.4), ((3,),), 6, 8, False),
    (sp.bdtrin, lambda y, p: sp.bdtrin(2.5, y, p), ((3,), (3,)), 0.4, 0.6, False),
    (sp.bdtrin, lambda k: sp.bdtrin(k, 0.6, 0.4), ((3,),), 2, 3, False),
    (sp.nbdtr, lambda p: sp.nbdtr(K, 5, p), ((3,),), 0.2, 0.8, False),
    (sp.nbdtrc, lambda p: sp.nbdtrc(K, 5, p), ((3,),), 0.2, 0.8, False),
    (sp.nbdtri, lambda y: sp.nbdtri(K, 5, y), ((3,),), 0.2, 0.8, False),
    (sp.nbdtrik, lambda y, p: sp.nbdtrik(y, 7.0, p), ((3,), (3,)), 0.4, 0.6, False),
    (sp.nbdtrik, lambda n: sp.nbdtrik(0.6, n, 0.4), ((3,),), 6, 8, False),
    (sp.nbdtrin, lambda y, p: sp.nbdtrin(2.5, y, p), ((3,), (3,)), 0.4, 0.6, False),
    (sp.nbdtrin, lambda k: sp.nbdtrin(k, 0.6, 0.4), ((3,),), 2, 3, False),
    (sp.btdtria, sp.btdtria, ((3,), (2, 1), ()), 0.3, 0.9, False),
    (sp.btdtrib, sp.btdtrib, ((3,), (2, 1), ()), 0.3, 0.9, False),
    (sp.stdtr, lambda t: sp.stdtr(20.0, t), ((3,),), -2, 2, False),
    (sp.stdtrit, lambda n: sp.stdtrit(n, P), ((3,),), 0.8, 4, False),
    (sp.stdtrit, lambda p: sp.stdtrit(3.0, p), ((3,),), 0.1, 0.9, False),
    (sp.stdtridf, lambda p: sp.stdtridf(p, 0.8), ((3,),), 0.74, 0.76, False),
    (sp.stdtridf, lambda t: sp.stdtridf(0.75, t), ((3,),), 0.75, 0.85, False),
    (sp.nrdtrimn, sp.nrdtrimn, ((3,), (2, 1), ()), 0.2, 0.9, False),
    (sp.nrdtrisd, sp.nrdtrisd, ((3,), (2, 1), ()), 0.6, 0.9, False),
    (sp.tklmbda, sp.tklmbda, ((3,), (3,)), 0.3, 0.8, False),
    (sp.chndtr, lambda x, nc: sp.chndtr(x, 3.0, nc), ((3,), (3,)), 0.5, 3, False),
    (sp.chndtr, lambda x, nc: sp.chndtr(x, 3.0, nc), ((3,), (3,)), 11, 14, False),
    (sp.chndtrix, lambda nc: sp.chndtrix(0.4, 3.0, nc), ((3,),), 0.5, 3, False),
    (sp.chndtrix, lambda p: sp.chndtrix(p, 3.0, 1.5), ((3,),), 0.3, 0.8, False),
    (sp.chndtrinc, lambda x: sp.chndtrinc(x, 3.0, 0.4), ((3,),), 4, 6, False),
    (sp.chndtrinc, lambda p: sp.chndtrinc(4.0, 3.0, p), ((3,),), 0.3, 0.5, False),
    (sp.ncfdtr, lambda nc, f: sp.ncfdtr(3.0, 5.0, nc, f), ((3,), (3,)), 0.5, 3, False),
    (sp.ncfdtri, lambda nc: sp.ncfdtri(3.0, 5.0, nc, 0.4), ((3,),), 0.5, 3, False),
    (sp.ncfdtri, lambda p: sp.ncfdtri(3.0, 5.0, 1.5, p), ((3,),), 0.3, 0.8, False),
    (sp.smirnov, lambda d: sp.smirnov([[1], [4], [9]], d), ((3,),), 0.15, 0.6, False),
    (sp.smirnovi, lambda p: sp.smirnovi([[2], [9]], p), ((3,),), 0.2, 0.6, False),
]

# Arguments that SciPy cuts to whole numbers: tracked, but whole.
OTHERS += [
    (sp.pdtrc, lambda k: sp.pdtrc(k, 2.0), ((3,),), 1.2, 1.9, False),
    (sp.pdtri, lambda k: sp.pdtri(k * 0 + 2, 0.4), ((3,),), 1.2, 1.9, False),
    *[
        (f, lambda k, n, f=f: f(k * 0 + 2, n * 0 + 5, 0.4), ((3,), (3,)), 1.2, 1.9, False)
        for f in (sp.nbdtr, sp.nbdtrc, sp.nbdtri)
    ],
    *[
        (f, lambda k, f=f: f(k * 0 + 2, 5, 0.4), ((3,),), 1.2, 1.9, False)
        for f in (sp.bdtr, sp.bdtrc, sp.bdtri)
    ],
    (sp.smirnov, lambda n: sp.smirnov(n * 0 + 4, 0.3), ((3,),), 1.2, 1.9, False),
    (sp.smirnovi, lambda n: sp.smirnovi(n * 0 + 4, 0.3), ((3,),), 1.2, 1.9, False),
    ("special.log_over_psi", log_over_psi, ((2, 3), (3,)), 0.4, 40, False),
    ("special.half_step", steps.half_step, ((2, 3),), 0.4, 40, False),
    ("special.half_step_rate", steps.half_step_rate, ((2, 3),), 0.4, 40, False),
    ("special.log_over_psi", lambda x: log_over_psi(30.0, x), ((3,),), 20, 40, False),
    ("special.ratio_rate", ratio_rate, ((3,), (2, 1), (), (3,)), 0.4, 3, False),
]

#: Whose complex values our own rules make, or that are put together from others.
ROUNDED = {sp.logsumexp, sp.multigammaln}


#: Dtypes, where not single and double: a float n warns; these have extended precision.
DTYPES = dict.fromkeys([sp.bdtr, sp.bdtrc, sp.bdtri], "d")
DTYPES |= dict.fromkeys([sp.expit, sp.logit, sp.log_expit], "fdg")


def _made() -> list[Case]:
    made = []
    for key, (low, high, complex_) in UNARY.items():
        made.append((key, key, ((2, 3),), low, high, complex_))
        made.append((key, key, ((),), low, high, complex_))
    for key, (low, high, complex_) in BINARY.items():
        made.append((key, key, ((2, 3), (3,)), low, high, complex_))
        made.append((key, key, ((), (2, 1)), low, high, complex_))
    return [
        case(
            *(key, function, *shapes),
            note=f"special{i}",
            low=low,
            high=high,
            complex_too=complex_,
            exact=key not in ROUNDED,
            dtypes=DTYPES.get(key, "fd"),
        )
        for i, (key, function, shapes, low, high, complex_) in enumerate([*made, *OTHERS])
    ]


CASES = _made()
