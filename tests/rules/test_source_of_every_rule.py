"""The source code of every rule: it runs by itself and gives the same numbers, here and elsewhere.

What there is no source code for is listed; everything else is compared at the point where it was
recorded and at another one, where masks, orders and positions are others.
"""

import re
import sys
import warnings
from typing import Any

import numpy as np
import pytest

import gradtape as gt
from tests.rules.cases import Case
from tests.rules.test_every_rule import every_case
from tests.rules.tools import draw, leaves

#: Cases that are refused, and in which dtype: their derivatives are made of more than NumPy's
#: functions, or write into arrays what depends on values (splines by their knots).
REFUSED = """
    _zeta/d airye-negative/d airye/d bdtri-special181/d bdtrik-special182/d bdtrik-special183/d
    bdtrin-special184/d bdtrin-special185/d betainccinv-special135/d betaincinv-special133/d
    betaincinv-special134/d btdtria-special193/d btdtrib-special194/d chdtri-special157/d
    chdtri-special158/d chdtriv-special159/d chdtriv-special160/d chndtrinc-special207/d
    chndtrinc-special208/d chndtrix-special205/d chndtrix-special206/d ellipj/d fdtr-special172/d
    fdtrc-special173/d fdtri-special174/d fdtri-special175/d fdtridfd-special176/d
    fdtridfd-special177/d fdtridfd-special178/d gammainccinv-special127/d gammainccinv-special128/d
    gammaincinv-special125/d gammaincinv-special126/d gdtria-special163/d gdtrib-special164/d
    gdtrix-special165/d hankel1-orders/d hankel1e-orders/d hankel2-orders/d hankel2e-orders/d j0/d
    j1/d jv-order/d jv-orders/d jve-order/d jve-orders/d nbdtri-special188/d nbdtrik-special189/d
    nbdtrik-special190/d nbdtrin-special191/d nbdtrin-special192/d ncfdtri-special210/d
    ncfdtri-special211/d pdtri-special168/d pdtrik-special170/d pdtrik-special171/d
    scipy.solve_banded-bspline/d scipy.solve_banded-grid/d scipy.solve_banded-linear-all/d
    scipy.solve_banded-spline-all/d smirnovi-special213/d spherical_jn-value/d spherical_yn-value/d
    stdtr-special112/d stdtr-special113/d stdtridf-special198/d stdtridf-special199/d
    stdtrit-special196/d stdtrit-special197/d y0/d y1/d yn-degree/d yv-order/d yv-orders/d
    yve-order/d yve-orders/d
"""
NOT_SUPPORTED = set(REFUSED.split())

#: Cases that take another way at the other point: an assertion says so there.
OTHER_WAY = {"piecewise-own"}


def elsewhere(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """Other arguments between the same bounds: the entries mixed with their neighbours'."""
    pool = np.concatenate([np.ravel(a) for a in arguments])
    mixed = 0.9 * np.roll(pool, 1) + 0.1 * pool if pool.size > 1 else 0.999 * pool
    parts = np.split(mixed, np.cumsum([np.size(a) for a in arguments])[:-1])
    pairs = zip(parts, arguments, strict=True)
    return tuple([p.reshape(np.shape(a)).astype(a.dtype)[()] for p, a in pairs])


def weighted(case: Case, arguments: tuple[Any, ...]) -> Any:
    """The weighted sum of a case's outputs, in NumPy's functions."""
    weights = [draw(out, f"weight {i}") for i, out in enumerate(leaves(case.function(*arguments)))]

    def loss(*xs: Any) -> Any:
        outs = leaves(case.function(*xs))
        shares = [np.sum(np.real(w.conj() * o)) for w, o in zip(weights, outs, strict=True)]
        return sum(shares[1:], shares[0])

    return loss


def check_same(actual: Any, expected: Any, exact: bool) -> None:
    for a, e in zip([actual[0], *actual[1]], [expected[0], *expected[1]], strict=True):
        assert (a.dtype, np.shape(a)) == (e.dtype, np.shape(e))
        scale = 0 if exact else 1e-15 * float(np.max(np.abs(e), initial=0))
        np.testing.assert_allclose(a, e, rtol=0, atol=4 * scale)


@every_case
def test_source_gives_the_same_numbers(case: Case) -> None:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for dtype in case.numbers:
            check(case, dtype)


def check(case: Case, dtype: str) -> None:
    arguments = case.at(dtype)
    loss, numbers = weighted(case, arguments), tuple(range(len(arguments)))
    expected = gt.value_and_grad(loss, numbers)
    if f"{case.label}/{dtype}" in NOT_SUPPORTED:
        with pytest.raises(NotImplementedError, match="source code for"):
            gt.source(loss, numbers)(*arguments)
        return
    source = gt.source(loss, numbers)(*arguments)
    modules = re.findall(r"^(?:import|from) (\w+)", source, re.MULTILINE)
    assert set(modules) <= {"numpy", "scipy", *sys.stdlib_module_names}
    # Complex numbers without axes are multiplied by Python's operator or by NumPy's function.
    exact = dtype == "d"
    check_same(source.function(*arguments), expected(*arguments), exact)
    others = elsewhere(arguments)
    if case.label in OTHER_WAY:
        with pytest.raises(AssertionError):
            source.function(*others)
        return
    check_same(source.function(*others), expected(*others), exact)
