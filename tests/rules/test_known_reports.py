"""Reports of NaN from other libraries' trackers, each as a test that gets the true derivative.

Most are one fault: where a choice leaves an entry out, its cotangent is 0, and 0 times an infinite
partial is NaN. (S. Schoenholz, M. Johnson and others discuss the cures in JAX #347 and #1052.) What
counts here is that the value does not depend on the entry at all: then its derivative is 0, at any
order, backwards, forwards and in a Jacobian.
"""

from typing import Any, NamedTuple

import numpy as np
import pytest

import gradtape as gt
from tests.rules.tools import bare

INF, NAN = np.inf, np.nan
E = np.e


class Report(NamedTuple):
    """A function, where the trouble is, and the derivatives of its sum.

    Attributes
    ----------
    source : the tracker and number, or what it is about.
    function, at : the function and its arguments.
    first : the derivative of the sum by each argument.
    second : the derivative of the sum of ``first``; None where a branch's value is not smooth.
    """

    source: str
    function: Any
    at: tuple[Any, ...]
    first: tuple[Any, ...]
    second: tuple[Any, ...] | None


def one(source: str, function: Any, at: Any, first: Any, second: Any = None) -> Report:
    """A report on a function of one argument."""
    return Report(source, function, (at,), (first,), None if second is None else (second,))


def distances(points: Any) -> Any:
    """1/|a - b|, of each pair of points but the pairs of a point with itself."""
    apart = points[:, None] - points[None, :]
    length = np.sqrt(np.sum(apart * apart, axis=-1))
    return np.where(np.eye(len(points)) == 0, 1 / length, 0)


def lengths(x: Any) -> Any:
    """The lengths of the rows, or 1 where they are short."""
    long = np.sqrt(np.sum(x**2, axis=1))
    return np.where(long > 0.5, long, np.ones_like(long))


REPORTS = [
    # TensorFlow
    one("TensorFlow #2540", lambda x: np.where(x > 0, 0.0, np.exp(x)), [1e10, -1.0],
        [0, 1 / E], [0, 1 / E]),
    one("TensorFlow #38349", lambda x: np.where(x < 15, x, 10.0 ** np.exp(x)), [10.0], [1], [0]),
    Report("TensorFlow #20091", lambda a, b: np.where(b != 0, a / b, a), ([2.0, 2.0], [0.0, 4.0]),
           ([1, 0.25], [0, -0.125]), ([0, -0.0625], [0, -0.0625 + 0.0625])),
    one("TensorFlow #20355", lambda x: np.where(x < 0, 1 / (1 - x), np.log(x + 1)),
        [1.0, -1.0, 0.0], [0.5, 0.25, 1], [-0.25, 0.25, -1]),
    one("TensorFlow #27684", lambda a: np.where(np.array([4.0, -1.0, 0.0]) > 0,
        a * np.log(np.array([4.0, -1.0, 0.0])), 0), 1.0, np.log(4), 0),
    one("TensorFlow #118674", lambda x: np.where(x > 0, np.sqrt(x), 0), [0.0, -1.0, 4.0],
        [0, 0, 0.25], [0, 0, -1 / 32]),
    one("TensorFlow #118674, 1/x", lambda x: np.where(x > 0, 1 / x, 1), [0.0, 2.0], [0, -0.25],
        [0, 0.25]),
    one("TensorFlow #118674, log", lambda x: np.where(x > 0, np.log(x), -100), [0.0, 2.0],
        [0, 0.5], [0, -0.25]),
    # JAX
    one("JAX #347", lengths, [[3.0, 4.0], [0.0, 0.0]], [[0.6, 0.8], [0, 0]],
        [[0.032, -0.024], [0, 0]]),
    one("JAX #1052", lambda a: np.where([False, True, False], 0, np.arctan2(a, a)),
        [3.0, 0.0, -5.0], [0, 0, 0], [0, 0, 0]),
    one("JAX #19089", lambda x: ((np.array([0, 1]) * x) ** 0.5)[np.array([0, 1]) * x > 0], 1.0,
        0.5, -0.25),
    one("JAX #654", distances, [[0.0], [2.0]], [[0.5], [-0.5]], [[0], [0]]),
    one("JAX #1538", lambda x: np.where(x > 0, x, np.expm1(x)), [1000.0, -1.0], [1, 1 / E],
        [0, 1 / E]),
    one("JAX #1722", lambda x: np.where(x == 0, 1, np.sin(x) / x), [0.0, np.pi / 2],
        [0, -4 / np.pi**2]),
    one("JAX #6811", lambda x: np.logaddexp(-INF, x), [-INF, 1.0], [0.5, 1], [0, 0]),
    # HIPS autograd
    one("HIPS autograd #802", lambda x: np.where(x >= 0, x, np.sqrt(-x)), 1.0, 1, 0),
    # tinygrad
    one("tinygrad #12409", lambda x: np.where(x == 0, 0, x * np.sqrt(x)), [0.0, 4.0], [0, 3],
        [0, 0.375]),
    # PyTorch
    one("PyTorch #156212", lambda x: np.where(x <= 10, np.exp(x), 1), [1.0, NAN, 1e10],
        [E, 0, 0], [E, 0, 0]),
    one("PyTorch #108618", lambda x: np.where(x > 2, np.log2(x), 2 * x), [0.0, 2.0, 3.0],
        [2, 2, 1 / (3 * np.log(2))], [0, 0, -1 / (9 * np.log(2))]),
    one("PyTorch #36923", lambda x: np.where(x >= 0, x, 0 * (x / 0)), 1.0, 1, 0),
    one("PyTorch #52248", lambda x: np.where(False, x / 0, 1.0), 0.3, 0, 0),
    one("PyTorch #187297", lambda x: np.where(x > 0, np.sqrt(x), x), [-1.0, -4.0], [1, 1], [0, 0]),
    one("PyTorch #68425", lambda x: np.where(x <= 0, np.exp(x), 1 + x), np.float32(100), 1, 0),
    one("PyTorch #23395", lambda x: np.where(x == 0, x / 2, np.sqrt(x) + 1), [16.0, 0.0],
        [1 / 8, 1 / 2], [-1 / 256, 0]),
    one("PyTorch #18287", lambda x: np.where(x < 1, np.cos(x), 0), [0.0, INF], [0, 0], [-1, 0]),
    one("PyTorch #152088", lambda x: np.log1p(x)[np.array([False, True, True])],
        [-1.0, 0.5, 1.0], [0, 2 / 3, 0.5], [0, -4 / 9, -0.25]),
    one("PyTorch #89543", lambda x: np.where(np.isnan(x), 0, x - 3) ** 2, [1.0, NAN], [-4, 0],
        [2, 0]),
    Report("PyTorch #27134", lambda a, b: a**b, ([0.0, 2.0], [2.0, 1.0]),
           ([0, 1], [0, 2 * np.log(2)]), None),
    one("PyTorch #95180", lambda x: 0.0**x, [1.0, 2.0], [0, 0], [0, 0]),
]  # fmt: skip

#: What trackers of all of them ask again and again.
OTHERS = [
    one("the root of a square behind where",
        lambda x: np.where(x != 0, x / np.sqrt(x**2), 0), [0.0, -2.0, 3.0], [0, 0, 0], [0, 0, 0]),
    one("a length behind where", lambda x: np.where(x[0] > 1, np.sqrt(np.sum(x * x)), x[1]),
        [0.0, 0.0], [0, 1], [0, 0]),
    one("a power of a negative number behind where", lambda x: np.where(x > 0, x**1.5, x),
        [-2.0, 4.0], [1, 3], [0, 0.375]),
    one("a power of negative numbers by an array", lambda x: np.where(x > 0,
        np.power(x, np.array([0.5, 0.5])), 0), [-2.0, 4.0], [0, 0.25], [0, -1 / 32]),
    one("0**0", lambda x: x**0, [0.0, 2.0], [0, 0], [0, 0]),
    one("x**1 and x**2 at 0", lambda x: x**1 + x**2, [0.0], [1], [2]),
    one("arccos of clipped", lambda x: np.arccos(np.clip(x, -0.5, 0.5)), [-2.0, 0.0, 2.0],
        [0, -1, 0], [0, 0, 0]),
    one("arccos of clipped to its bounds", lambda x: np.arccos(np.clip(x, -1, 1)),
        [-2.0, 0.0, 2.0], [0, -1, 0], [0, 0, 0]),
    one("softplus by hand", lambda x: np.where(x > 30, x, np.log(np.exp(x) + 1)), [1000.0, 0.0],
        [1, 0.5], [0, 0.25]),
    one("softplus", lambda x: np.logaddexp(x, 0), [1000.0, -1000.0, 0.0], [1, 0, 0.5],
        [0, 0, 0.25]),
    one("logaddexp of two infinities", lambda x: np.logaddexp(x, x), [-INF, INF], [1, 1], [0, 0]),
    one("a chain of maxima", lambda x: np.maximum(np.maximum(np.sqrt(x), 1), 0.5), [0.0, 4.0],
        [0, 0.25], [0, -1 / 32]),
    one("a minimum of reciprocals", lambda x: np.minimum(1 / x, 10), [0.0, 2.0], [0, -0.25],
        [0, 0.25]),
    one("the entropy", lambda p: -np.where(p > 0, p * np.log(p), 0), [0.0, 1.0], [0, -1], [0, -1]),
    one("relu of a root", lambda x: np.where(np.sqrt(x) > 1, np.sqrt(x), 0), [0.0, 4.0],
        [0, 0.25], [0, -1 / 32]),
    one("a root of relu", lambda x: np.where(x > 0, np.sqrt(np.maximum(x, 0)), 0), [-1.0, 4.0],
        [0, 0.25], [0, -1 / 32]),
    one("sorted roots", lambda x: np.sort(np.sqrt(x))[1:], [4.0, 0.0], [0.25, 0], [-1 / 32, 0]),
    one("the largest root", lambda x: np.max(np.sqrt(x)), [0.0, 4.0], [0, 0.25], [0, -1 / 32]),
    one("a padded root", lambda x: np.pad(np.sqrt(x), 1)[2:], [0.0, 4.0], [0, 0.25],
        [0, -1 / 32]),
    one("running sums, cut", lambda x: np.cumsum(np.flip(np.sqrt(x)))[:1], [0.0, 4.0],
        [0, 0.25], [0, -1 / 32]),
    one("running products with zeros", np.cumprod, [2.0, 0.0, 3.0], [1, 8, 0], [4, 6, 2]),
    one("a product with zeros", np.prod, [0.0, 0.0, 3.0], [0, 0, 0], [3, 3, 0]),
    one("a sum of what a mask includes",
        lambda x: np.sum(1 / x, where=np.array([False, True])), [0.0, 2.0], [0, -0.25], [0, 0.25]),
    one("a mean of what a mask includes",
        lambda x: np.mean(np.log(x), where=np.array([False, True])), [0.0, 2.0], [0, 0.5],
        [0, -0.25]),
    one("a largest of what a mask includes",
        lambda x: np.max(np.sqrt(x), where=np.array([False, True]), initial=-1), [0.0, 4.0],
        [0, 0.25], [0, -1 / 32]),
    one("a product of what a mask includes",
        lambda x: np.prod(np.sqrt(x), where=np.array([False, True])), [0.0, 4.0], [0, 0.25],
        [0, -1 / 32]),
    one("sign behind an infinite partial", lambda x: np.sign(np.sqrt(x)), [0.0, 4.0], [0, 0],
        [0, 0]),
    one("heaviside behind an infinite partial", lambda x: np.heaviside(np.sqrt(x), 0.5),
        [0.0, 4.0], [0, 0], [0, 0]),
    one("sign before an infinite partial", lambda x: np.cbrt(np.sign(x)), [0.0, 4.0], [0, 0],
        [0, 0]),
    one("an index into roots", lambda x: np.sqrt(x)[[1, 1]], [0.0, 4.0], [0, 0.5], [0, -1 / 16]),
    one("a triangle of roots", lambda x: np.tril(np.sqrt(x)), [[4.0, 0.0], [4.0, 4.0]],
        [[0.25, 0], [0.25, 0.25]], [[-1 / 32, 0], [-1 / 32, -1 / 32]]),
    # A row that reaches nothing, in front of functions that have an infinite slope there.
    *[
        one(f"a root of the {name} of nothing",
            lambda x, f=f: np.sqrt(f(np.where(x > 1, x, 0), axis=1)), [[0.5, 0.2], [2.0, 3.0]],
            [[0, 0], first], None)
        for name, f, first in [
            ("product", np.prod, [1.5 / np.sqrt(6), 1 / np.sqrt(6)]),
            ("sum", np.sum, [0.5 / np.sqrt(5), 0.5 / np.sqrt(5)]),
            ("mean", np.mean, [0.25 / np.sqrt(2.5), 0.25 / np.sqrt(2.5)]),
            ("largest", np.max, [0, 0.5 / np.sqrt(3)]),
            ("smallest", np.min, [0.5 / np.sqrt(2), 0]),
            ("variance", np.var, [-0.5, 0.5]),
        ]
    ],
]  # fmt: skip


@pytest.fixture(params=[*REPORTS, *OTHERS], ids=lambda report: report.source)
def report(request: Any) -> Report:
    return request.param  # type: ignore[no-any-return]


def near(actual: Any, expected: Any) -> None:
    np.testing.assert_allclose(bare(actual), expected, rtol=1e-6, atol=1e-12)


def arguments(report: Report) -> list[Any]:
    return [gt.constant(a) for a in report.at]


def test_backwards(report: Report):
    xs = arguments(report)
    with np.errstate(all="ignore"), gt.GradientTape() as tape:
        tape.watch(xs)
        y = report.function(*xs)
    for g, expected in zip(
        tape.gradient(y, xs, unconnected_gradients="zero"), report.first, strict=True
    ):
        near(g, expected)


def test_in_a_jacobian(report: Report):
    xs = arguments(report)
    with np.errstate(all="ignore"), gt.GradientTape() as tape:
        tape.watch(xs)
        y = report.function(*xs)
    jacobians = tape.jacobian(y, xs, unconnected_gradients="zero")
    for j, expected in zip(jacobians, report.first, strict=True):
        near(np.sum(bare(j), axis=tuple(range(y.ndim))), expected)


def test_forwards(report: Report):
    xs = arguments(report)
    for i, expected in enumerate(report.first):
        tangents = [np.full(x.shape, 1.0 if i == k else 0.0, x.dtype) for k, x in enumerate(xs)]
        with np.errstate(all="ignore"), gt.ForwardAccumulator(xs, tangents) as accumulator:
            y = report.function(*xs)
        near(np.sum(bare(accumulator.jvp(y, unconnected_gradients="zero"))), np.sum(expected))


def test_twice(report: Report):
    xs = arguments(report)
    with np.errstate(all="ignore"), gt.GradientTape() as outer:
        outer.watch(xs)
        with gt.GradientTape() as inner:
            inner.watch(xs)
            y = report.function(*xs)
        firsts = inner.gradient(y, xs, unconnected_gradients="zero")
    seconds = outer.gradient(firsts, xs, unconnected_gradients="zero")
    for i, second in enumerate(seconds):
        near(firsts[i], report.first[i])
        assert np.isfinite(bare(second)).all()
        if report.second is not None:
            near(second, report.second[i])


def test_higher_powers_of_zero():
    """TensorFlow #35011: the fifth derivative of x**4 at 0 is 0."""
    for function in (lambda x: x**4, lambda x: np.power(x, np.array(4.0))):
        derivative = function
        for expected in (0, 0, 0, 24, 0):
            derivative = gt.grad(derivative)
            assert derivative(0.0) == expected


def test_the_deviation_of_equal_numbers_has_no_derivative():
    """PyTorch #4320, JAX #11716, Keras #2960: sqrt' is infinite there. The others have theirs."""
    x = gt.constant([[1.0, 2.0], [1.0, 5.0]])
    with np.errstate(all="ignore"), gt.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = np.std(x, axis=0)
        chosen = np.where(np.var(x, axis=0) > 0, y, 0)
    near(tape.gradient(y, x), [[NAN, -0.5], [NAN, 0.5]])
    near(tape.gradient(chosen, x), [[0, -0.5], [0, 0.5]])


def test_the_square_of_a_length_at_zero():
    """HIPS autograd #586 and #617, PyTorch #2421, JAX #21723: the norm has its kink at 0."""
    x = gt.constant([0.0, 0.0])
    with np.errstate(all="ignore"), gt.GradientTape() as tape:
        tape.watch(x)
        y = np.linalg.norm(x) ** 2
    near(tape.gradient(y, x), [0, 0])
