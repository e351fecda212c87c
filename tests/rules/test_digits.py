"""First and second derivatives of the elementwise functions against 50 digits, in ulps."""

from typing import Any

import mpmath
import numpy as np
import pytest

from gradtape.rules import PRIMITIVES, UFUNCS, Elementwise
from tests.rules.cases import name
from tests.rules.truths import ONE, ORDINARY, POSITIVE, TWO, derivatives, m, slopes, ulps

#: The furthest that a first and a second derivative may be from the true one.
ULPS, SECOND_ULPS = 8, 32

#: First derivatives that are constant between jumps, of which differences are not to be trusted.
STEPS = {
    *(np.maximum, np.minimum, np.fmax, np.fmin, np.remainder, np.fmod, np.copysign),
    *(np.heaviside, np.nextafter, np.ldexp),
}

#: Where a second derivative overflows on the way, or cancels in the function's own nature.
NOT_TWICE = {
    np.arctan: lambda x: abs(x) > 1e50,
    np.arctan2: lambda x, y: max(abs(x), abs(y)) < 1e-100,
}


def points(function: Any) -> list[Any]:
    return [p if function in TWO else (p,) for p in (ONE.get(function) or TWO[function])[-1]]


def truths(function: Any) -> tuple[Any, ...]:
    return tuple((ONE.get(function) or TWO[function])[:-1])


def exact(point: Any) -> list[Any]:
    return [mpmath.mpf(float(p)) for p in point]


def worst(function: Any, true: Any, at: Any) -> tuple[float, Any]:
    """The largest distance over the points, and where it is."""
    found = (0.0, None)
    with mpmath.workdps(50):
        for point in at:
            for truth, actual in zip(true, slopes(function, *point), strict=False):
                distance = ulps(actual, mpmath.mpf(truth(*exact(point))))
                found = max(found, (distance, point), key=lambda f: f[0])
    return found


def test_every_rule_is_compared():
    """NumPy's ufuncs, and the elementwise primitives of our own."""
    numpys = {u for u in vars(np).values() if isinstance(u, np.ufunc)}
    ours = {
        p
        for p in PRIMITIVES.values()
        if isinstance(p, Elementwise)
        and getattr(p.compute, "__module__", "") == "gradtape.derivatives.primitives"
    }
    assert [name(f) for f in ({*UFUNCS} & numpys | ours) - {*ONE, *TWO}] == []


@pytest.mark.parametrize("function", [*ONE, *TWO], ids=name)
def test_first_derivatives(function: Any):
    distance, point = worst(function, truths(function), points(function))
    assert distance <= ULPS, f"{distance:.1f} ulp at {point}"


@pytest.mark.parametrize("function", [*ONE, *TWO], ids=name)
def test_first_derivatives_in_single_precision(function: Any):
    at = [
        tuple([p if isinstance(p, int) else np.float32(p) for p in point])
        for point in points(function)
        if all([p == 0 or 1e-9 < abs(p) < 30 for p in point]) and point != (1 - 2**-52,)
    ]
    at = [point for point in at if float(point[0]) not in (1, -1) or function not in ONE]
    distance, point = worst(function, truths(function), at)
    assert distance <= ULPS, f"{distance:.1f} ulp at {point}"


@pytest.mark.parametrize("function", [*ONE, *TWO], ids=name)
def test_second_derivatives(function: Any):
    found: tuple[float, Any] = (0.0, None)
    left_out = NOT_TWICE.get(function, lambda *point: False)
    for point in points(function):
        if left_out(*point):
            continue
        _, rows = derivatives(function, *point, order=2)
        expected = [
            [second(truth, point, j, function) for j in range(len(rows))]
            for truth in truths(function)[: len(rows)]
        ]
        size = max([abs(e) for row in expected for e in row])
        for row, true in zip(rows, expected, strict=True):
            for actual, e in zip(row, true, strict=True):
                if size < 1e300:
                    distance = ulps(actual, e) if e else ulps(actual + float(size), size)
                    found = max(found, (distance, point), key=lambda f: f[0])
    assert found[0] <= SECOND_ULPS, f"{found[0]:.1f} ulp at {found[1]}"


def second(truth: Any, point: Any, j: int, function: Any) -> Any:
    """The derivative of a true partial by the argument ``j``, with digits for the hardest point."""
    if function in STEPS:
        return mpmath.mpf(0)
    steep = max([abs(float(np.log10(abs(p)))) for p in point if p], default=0.0)
    with mpmath.workdps(int(80 + 4 * steep)):
        at = exact(point)

        def along(t: Any) -> Any:
            return mpmath.mpf(truth(*at[:j], t, *at[j + 1 :]))

        return mpmath.diff(along, at[j], relative=at[j] != 0)


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, -1, -2, 0.5, 1.5, -0.5, 10])
def test_powers_with_a_number(exponent: float):
    def truth(x: Any) -> Any:
        return exponent * x ** (m.mpf(exponent) - 1) if exponent else 0

    distance, point = worst(lambda x: x**exponent, [truth], [(p,) for p in POSITIVE])
    assert distance <= ULPS, f"{distance:.1f} ulp at {point}"


@pytest.mark.parametrize("base", [2, 0.5, 1, 10.0, 3])
def test_powers_of_a_number(base: float):
    def truth(x: Any) -> Any:
        return m.mpf(base) ** x * m.log(base)

    distance, point = worst(lambda x: base**x, [truth], [(p,) for p in ORDINARY])
    assert distance <= ULPS, f"{distance:.1f} ulp at {point}"
