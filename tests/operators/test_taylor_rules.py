"""Taylor coefficients of every function with a rule: against nested forward mode; their cost."""

from collections.abc import Callable
from math import factorial
from typing import Any

import numpy as np
import pytest
import scipy.special as sp

import gradtape as gt
from gradtape.recording import start, stop
from gradtape.rules import UFUNCS
from tests.rules.cases import Case
from tests.rules.test_every_rule import CASES
from tests.rules.tools import draw, leaves

POINTWISE = [c for c in CASES if isinstance(c.key, np.ufunc) and c.key in UFUNCS]
OTHERS = [c for c in CASES if c not in POINTWISE]
NUMPYS = {c.key: c for c in POINTWISE if getattr(np, c.key.__name__, None) is c.key}

MATRIX = np.array([[2.0, 1.0], [1.0, 3.0]])
CHANGE = np.array([[0.5, -1.0], [0.25, 1.0]])


def near(actual: Any, expected: Any, rtol: float = 1e-12, atol: float = 0.0) -> None:
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


def nested(f: Callable[..., Any], xs: Any, vs: Any, order: int) -> list[Any]:
    """The derivatives along a direction, of each output, by forward mode in forward mode."""

    def level(left: int, xs: Any) -> Any:
        if left == 0:
            return leaves(f(*xs))
        xs = [np.positive(x) for x in xs]
        with gt.ForwardAccumulator(xs, [gt.constant(v) for v in vs]) as accumulator:
            ys = level(left - 1, xs)
        return [
            accumulator.jvp(y, "zero") if isinstance(y, gt.Tensor) else gt.constant(0 * y)
            for y in ys
        ]

    with np.errstate(all="ignore"):
        found = level(order, [gt.constant(x) for x in xs])
    return [y.numpy() if isinstance(y, gt.Tensor) else y for y in found]


# Every rule -------------------------------------------------------------------------------------


def compare(case: Case, order: int, dtypes: str) -> None:
    for dtype in dtypes:
        xs = case.at(dtype)
        vs = tuple([draw(x, f"direction {i}") for i, x in enumerate(xs)])
        everything = tuple(range(len(xs)))
        series = gt.taylor(lambda *a: leaves(case.function(*a)), order, everything)(*xs, vs)
        scale = None
        for n, coefficients in enumerate(series):
            expected = nested(case.function, xs, vs, n)
            scale = scale or [np.max(np.abs(e), initial=0) for e in expected]
            for c, e, whole in zip(coefficients, expected, scale, strict=True):
                assert (c.shape, c.dtype) == (e.shape, e.dtype)
                largest = np.max(np.abs(e), initial=0)
                near(c * factorial(n), e, 1e-8, 1e-8 * max(largest, 1e-3 * whole, 1e-8))


@pytest.mark.filterwarnings("ignore::UserWarning")  # sign and kin depend on nothing
@pytest.mark.parametrize("case", POINTWISE, ids=lambda case: case.label)
def test_elementwise_functions_to_order_three(case: Case) -> None:
    compare(case, 3, case.numbers)


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::numpy.exceptions.ComplexWarning")
@pytest.mark.parametrize("case", OTHERS, ids=lambda case: case.label)
def test_all_other_functions_to_order_two(case: Case) -> None:
    compare(case, 2, case.numbers[-1])


def test_no_ufunc_is_left_out() -> None:
    assert {c.key for c in POINTWISE} == set(UFUNCS)


# Cost -------------------------------------------------------------------------------------------


class Counter:
    """A recorder that only counts what the coefficients are computed with."""

    tracked: Any = frozenset()

    def __init__(self) -> None:
        self.count = 0

    def tracks(self, tensor: Any) -> bool:
        return False

    def record(self, *call: Any) -> Any:
        self.count += 1
        return call[-1]


def operations(f: Callable[..., Any], xs: Any, vs: Any, order: int) -> int:
    counter = Counter()
    start(counter)
    try:
        gt.taylor(f, order, tuple(range(len(xs))))(*xs, tuple(vs))
    finally:
        stop(counter)
    return counter.count


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::numpy.exceptions.ComplexWarning")
@pytest.mark.parametrize("case", NUMPYS.values(), ids=lambda case: case.key.__name__)
def test_numpys_functions_cost_the_square_of_the_order(case: Case) -> None:
    xs = case.at("d")
    vs = [draw(x, f"direction {i}") for i, x in enumerate(xs)]
    small, middle, large = [operations(case.function, xs, vs, order) for order in (8, 16, 32)]
    assert middle <= 4.5 * small
    assert large <= 4.5 * middle


def test_cost_of_a_composition() -> None:
    def f(x: Any) -> Any:
        return np.exp(np.sin(x)) / (2 + np.cos(x)) ** 1.5 + np.tanh(x * x)

    counts = [operations(f, [0.3], [1.0], order) for order in (8, 16, 32, 64)]
    ratios = np.divide(counts[1:], counts[:-1])
    assert np.all(ratios < 4.2)
    assert counts[0] < 700  # where eight times forward mode would run the program 2**8 times


def test_special_functions_that_lead_back_to_themselves_cost_the_square_too() -> None:
    for f in (sp.erf, sp.gammaln, sp.expit, sp.log_expit, sp.ndtr, sp.xlogy, sp.dawsn):
        several = getattr(f, "nin", 1)
        xs, vs = [0.7] * several, [1.0] * several
        middle, large = [operations(f, xs, vs, order) for order in (16, 32)]
        assert large <= 4.5 * middle, f


@pytest.mark.parametrize(
    "f",
    [
        np.linalg.inv,
        np.linalg.det,
        lambda a: np.linalg.solve(a, a @ a),
        lambda a: np.linalg.eigh(a + a.T)[1],
        lambda a: np.linalg.svd(a)[1],
        np.linalg.norm,
        np.linalg.pinv,
    ],
)
def test_matrix_functions_cost_the_square_of_the_order(f: Any) -> None:
    small, middle, large = [operations(f, [MATRIX], [CHANGE], order) for order in (8, 16, 32)]
    assert middle <= 4.5 * small
    assert large <= 4.5 * middle


def test_linear_functions_act_on_each_coefficient_once() -> None:
    def f(x: Any) -> Any:
        y = np.exp(x)
        return np.mean(np.cumsum(y.reshape(2, 3), 0)[:, 1:] @ np.ones((2, 2)), 1) / 3.0

    plain = [operations(np.exp, [np.ones(6)], [np.ones(6)], order) for order in (16, 32)]
    whole = [operations(f, [np.ones(6)], [np.ones(6)], order) for order in (16, 32)]
    assert whole[1] - plain[1] <= 2.2 * (whole[0] - plain[0])
