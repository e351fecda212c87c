"""SciPy's special functions where they are extended by a limit, infinite, or far out; and refusals.

The namesakes in ``gradtape.scipy.special`` too: which names there are, and what they say.
"""

from typing import Any

import mpmath
import numpy as np
import pytest

import gradtape as gt

sp = pytest.importorskip("scipy.special")
special = pytest.importorskip("gradtape.scipy.special")

inf, nan = np.inf, np.nan


def slopes(function: Any, *values: Any) -> list[Any]:
    """The gradients by every argument."""
    xs = [gt.constant(v) for v in values]
    with gt.GradientTape() as tape, np.errstate(all="ignore"):
        tape.watch(xs)
        y = function(*xs)
    return [g.numpy().tolist() for g in tape.gradient(y, xs)]


def second(function: Any, value: float) -> float:
    return float(gt.grad(gt.grad(function))(value))


@pytest.mark.parametrize(
    ("function", "point", "expected"),
    [
        (sp.xlogy, (0.0, 0.0), [0, 0]),
        (sp.xlogy, (0.0, 1.0), [0, 0]),
        (sp.xlog1py, (0.0, -1.0), [0, 0]),
        (sp.entr, (0.0,), [inf]),
        (sp.entr, (-1.0,), [0]),
        (sp.rel_entr, (0.0, 2.0), [-inf, 0]),
        (sp.rel_entr, (0.0, 0.0), [0, 0]),
        (sp.kl_div, (0.0, 2.0), [-inf, 1]),
        (sp.kl_div, (0.0, 0.0), [0, 1]),
        (sp.kl_div, (3.0, 3.0), [0, 0]),
        (sp.huber, (1.0, 1.0), [0, 1]),
        (sp.huber, (1.0, -1.0), [0, -1]),
        (sp.huber, (0.0, 2.0), [2, 0]),
        (sp.huber, (-1.0, 2.0), [0, 0]),
        (sp.pseudo_huber, (1.0, 0.0), [0, 0]),
        (sp.pseudo_huber, (0.0, 0.0), [0, 0]),
        (sp.pseudo_huber, (0.0, -3.0), [3, 0]),
        (sp.pseudo_huber, (1.0, 1e300), [1e300, 1]),
        (sp.expit, (inf,), [0]),
        (sp.expit, (-inf,), [0]),
        (sp.log_expit, (-inf,), [1]),
        (sp.log_expit, (inf,), [0]),
        (sp.logit, (0.0,), [inf]),
        (sp.erf, (inf,), [0]),
        (sp.erfcx, (inf,), [0]),
        (sp.erfcx, (-inf,), [-inf]),
        (sp.dawsn, (-inf,), [0]),
        (sp.erfinv, (1.0,), [inf]),
        (sp.erfcinv, (0.0,), [-inf]),
        (sp.ndtri, (0.0,), [inf]),
        (sp.ndtri, (1.0,), [inf]),
        (sp.log_ndtr, (inf,), [0]),
        (sp.log_ndtr, (-inf,), [inf]),
        (sp.exprel, (0.0,), [0.5]),
        (sp.exprel, (-inf,), [0]),
        (sp.spence, (1.0,), [-1]),
        (sp.spence, (0.0,), [-inf]),
        (sp.rgamma, (0.0,), [1]),
        (sp.rgamma, (-2.0,), [2]),
        (sp.gammainc, (2.0, 0.0), [0, 0]),
        (sp.gammainc, (1.0, 0.0), [0, 1]),
        (sp.gammainc, (2.0, inf), [0, 0]),
        (sp.betainc, (2.0, 3.0, 0.0), [0, 0, 0]),
        (sp.betainc, (2.0, 1.0, 1.0), [0, 0, 2]),
        (sp.boxcox, (0.0, 2.0), [0, 0.25]),
        (sp.boxcox1p, (-1.0, 2.0), [0, 0.25]),
        (sp.inv_boxcox, (-2.0, 0.5), [0, 0]),
        (sp.stdtr, (3.0, 0.0), [0, 0.3675525969478613]),
        (sp.binom, (2.0, 3.0), [1 / 3, -1 / 3]),
        (sp.kolmogorov, (0.0,), [0]),
        (lambda x, nc: sp.chndtr(x, 2.0, nc), (-3.0, 1.0), [np.nan, np.nan]),  # as chndtr itself
        (lambda x, nc: sp.chndtr(x, 2.0, nc), (-3.0, -1.0), [np.nan, np.nan]),
        (lambda x, nc: sp.chndtr(x, -2.5, nc), (3.0, 1.0), [np.nan, np.nan]),
        (sp.sici, (0.0,), None),
        (special.diric, (0.0, 4), None),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_first_derivatives(function: Any, point: Any, expected: Any):
    if expected is None:  # more outputs, or a whole number
        first = (lambda x: sp.sici(x)[0]) if function is sp.sici else (lambda x: function(x, 4))
        found, expected = slopes(first, point[0]), [1 if function is sp.sici else 0]
    else:
        found = slopes(function, *point)
    np.testing.assert_allclose(found, expected, rtol=1e-15, atol=1e-300)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize(
    ("function", "pole", "slope"),
    [
        (sp.erfinv, 1, inf),
        (sp.erfinv, -1, inf),
        (sp.erfcinv, 0, -inf),
        (sp.erfcinv, 2, -inf),
        (sp.ndtri, 0, inf),
        (sp.ndtri, 1, inf),
        (sp.ndtri_exp, 0, inf),
        (sp.i0e, inf, 0),
        (sp.i1e, -inf, 0),
        (sp.k0e, inf, 0),
        (sp.k1e, inf, 0),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_ends_of_the_line_in_every_precision(function: Any, pole: float, slope: float, dtype: Any):
    assert slopes(function, dtype(pole)) == [slope]


@pytest.mark.parametrize("at", [1e9, 1.1e9, 1e15, 1e30])
@pytest.mark.parametrize("function", [sp.k0e, sp.k1e, lambda x: sp.kve(2.5, x)])
def test_scaled_bessel_functions_far_out(function: Any, at: float):
    order = {sp.k0e: 0, sp.k1e: 1}.get(function, 2.5)
    with mpmath.workdps(60):
        expected = mpmath.diff(lambda x: mpmath.besselk(order, x) * mpmath.exp(x), at, h=at / 1e20)
    np.testing.assert_allclose(slopes(function, at), [float(expected)], rtol=1e-14)


@pytest.mark.parametrize(
    ("function", "point", "expected"),
    [
        (sp.exprel, 0.0, 1 / 3),
        (sp.spence, 1.0, 0.5),
        (lambda k: sp.boxcox(2.0, k), 0.0, np.log(2.0) ** 3 / 3),
        (lambda k: sp.inv_boxcox(1.0, k), 0.0, np.e * (1 / 4 + 2 / 3)),
        (sp.erf, 0.0, 0),
        (sp.rgamma, 0.0, 2 * np.euler_gamma),
        (lambda x: special.logsumexp(np.stack([x, 0 * x])), 0.0, 0.25),
        (lambda x: special.logsumexp(np.stack([x, 0 * x - inf])), 0.0, 0),
    ],
)
def test_second_derivatives(function: Any, point: float, expected: float):
    assert second(function, point) == pytest.approx(expected, rel=1e-14, abs=1e-16)


@pytest.mark.parametrize(
    ("entries", "shares"),
    [
        ([1.0, -inf, 1.0], [0.5, 0, 0.5]),
        ([-inf, -inf], [0.5, 0.5]),
        ([inf, 3.0, inf, -inf], [0.5, 0, 0.5, 0]),
        ([1000.0, 1000.0], [0.5, 0.5]),
        ([-1e300, 0.0], [0, 1]),
        ([-inf], [1]),
    ],
)
def test_shares_of_a_sum_of_exponentials(entries: Any, shares: Any):
    assert slopes(special.logsumexp, entries) == [shares]
    x = gt.constant(entries)
    with gt.ForwardAccumulator(x, gt.constant(np.arange(1.0, len(entries) + 1))) as accumulator:
        y = special.logsumexp(x, keepdims=True)
    assert accumulator.jvp(y).tolist() == [np.dot(shares, np.arange(1, len(entries) + 1))]


def test_a_sum_of_exponentials_of_what_does_not_move_does_not():
    x = gt.constant([[0.5, 0.1], [2.0, 0.2]])
    with np.errstate(all="ignore"), gt.ForwardAccumulator(x, x) as accumulator:
        y = special.logsumexp(np.where(x > 1, x, 0.5), axis=1)
        root = np.sqrt(y - y.numpy())
    assert accumulator.jvp(root).tolist() == [0, inf]


def test_weights_of_a_sum_of_exponentials():
    # A weight of zero leaves its entry out, whatever that is.
    assert slopes(lambda a: special.logsumexp(a, b=[0, 2, 2]), [inf, 1.0, 1.0]) == [[0, 0.5, 0.5]]
    # log|2 exp(0) - 5 exp(0)|
    value, sign = special.logsumexp(gt.constant([0.0, 0.0]), b=[2, -5], return_sign=True)
    assert (value.item(), sign) == (pytest.approx(np.log(3)), -1)
    found = slopes(lambda a: special.logsumexp(a, b=[2, -5], return_sign=True)[0], [0.0, 0.0])
    np.testing.assert_allclose(found, [[-2 / 3, 5 / 3]], rtol=1e-15)


def test_softmax_of_large_values():
    weights = np.array([1.0, 2.0, 4.0])
    assert slopes(lambda x: special.softmax(x) @ weights, [1e300, -1e300, 1e300]) == [
        [-0.75, 0, 0.75]
    ]
    assert slopes(lambda x: special.log_softmax(x)[0], [1000.0, 0.0]) == [[0, 0]]
    assert slopes(lambda x: special.log_softmax(x)[0], [-1000.0, 0.0]) == [[1, -1]]


# Refusals, and the namesakes ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: sp.chndtr(2.0, x, 1.0), "df"),
        (lambda x: sp.expn(x, 2.0), "n"),
        (lambda x: sp.ncfdtr(x, 2.0, 1.0, 1.0), "dfn"),
        (lambda x: sp.nctdtr(x, 2.0, 1.0), "Student's noncentral"),
        (lambda x: special.polygamma(x, 2.0), "order"),
        (lambda x: special.factorial(x, exact=True), "exact"),
        (lambda x: special.comb(x, 2, exact=True), "exact"),
    ],
)
def test_refused_arguments_are_named(call: Any, words: str):
    x = gt.Variable(3.0)
    with pytest.raises(gt.errors.NoRuleError, match=words), gt.GradientTape():
        call(x)


def test_the_other_arguments_of_a_refusing_function_are_fine():
    assert slopes(lambda x: sp.chndtr(x, 3.0, 1.0), 2.0)[0] > 0


def test_every_ufunc_of_scipy_is_there():
    ufuncs = [n for n in sp.__all__ if isinstance(getattr(sp, n), np.ufunc)]
    assert [n for n in ufuncs if getattr(special, n, None) is not getattr(sp, n)] == []
    assert special.sinc is np.sinc


def test_namesakes_on_bare_arrays_are_scipys():
    x = np.array([0.3, 1.5])
    for name in ("logsumexp", "softmax", "log_softmax", "factorial"):
        np.testing.assert_array_equal(getattr(special, name)(x), getattr(sp, name)(x))
    assert special.comb(5, 2, exact=True) == 10


def test_a_list_of_tensors_is_one():
    found = slopes(lambda x, y: special.logsumexp([x, y]), 0.0, 0.0)
    assert found == [0.5, 0.5]


def test_an_unknown_name_says_what_is_near():
    with pytest.raises(AttributeError, match=r"did you mean .*gammaln"):
        special.gammalnn  # noqa: B018
    with pytest.raises(AttributeError, match="no namesake"):
        special.roots_legendre  # noqa: B018
    assert set(special.__all__) <= set(dir(special))
