"""Derivatives of the elementwise functions at complex points against 50 digits, in ulps."""

from typing import Any

import mpmath
import numpy as np
import pytest

from tests.rules.cases import name
from tests.rules.elementwise_cases import BINARY, UNARY
from tests.rules.truths import ONE, TWO, m, slopes, ulps

ULPS = 8

MODERATE = [0.3 + 0.4j, -1.2 + 0.7j, 2.5 - 1.5j, -0.6 - 2.2j, 1e-9 + 1e-9j, 3 + 1e-20j, 20 + 3j]
HARD = [
    *(1e-160 - 1e-200j, 1e9 + 1e8j, -1e8 + 3e9j, -20 - 1j, 0.999999 + 1e-9j, 1e-20 + 2j),
    *(1e150 + 1e150j, 300 + 1j, 700 + 2j, 1000 + 1j, 0.5 + 700j, 1.5 - 40j),
]

#: Far out NumPy's own values of these have fewer digits.
NEAR = {np.exp2, np.power, np.float_power}

HOLOMORPHIC = [
    f
    for f, (_, _, complex_too) in {**UNARY, **BINARY}.items()
    if complex_too and f in {**ONE, **TWO} and f not in (np.absolute, np.sign)
]


@pytest.mark.parametrize("function", HOLOMORPHIC, ids=name)
def test_first_derivatives(function: Any):
    plane = MODERATE if function in NEAR else [*MODERATE, *HARD]
    if function in NEAR and function is not np.exp2:
        plane = plane[:4]
    pairs = zip(plane, plane[::-1], strict=True)
    points: list[Any] = [(z,) for z in plane] if function in ONE else list(pairs)
    truths = (ONE.get(function) or TWO[function])[:-1]
    found: tuple[float, Any] = (0.0, None)
    for point in points:
        with mpmath.workdps(400):
            exact = [m.mpc(z) for z in point]
            for truth, slope in zip(truths, slopes(function, *point), strict=True):
                true = m.mpc(truth(*exact))
                in_range = true == 0 or 1e-300 < abs(true) < 1e300
                distance = ulps(np.conj(slope), true) if in_range else 0.0
                found = max(found, (distance, point), key=lambda f: f[0])
    assert found[0] <= ULPS, f"{found[0]:.1f} ulp at {found[1]}"
