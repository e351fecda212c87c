"""The true derivatives of NumPy's elementwise functions, to 50 digits, and where they are hard.

SciPy's special functions have tables of their own.
"""

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np

import gradtape as gt
from gradtape.derivatives.primitives import (
    cosine,
    logistic,
    one_minus_square,
    relu,
    sech_squared,
)
from tests.rules.tools import bare

#: The furthest that a derivative may be from the true one.
ULPS = 8

ORDINARY = [-1.3, -0.7, -0.2, 0.3, 0.9, 1.7, 2.6]
POSITIVE = [0.1, 0.6, 1.4, 3.2, 10.0]
TINY = [1e-300, 1e-160, 1e-20, 1e-9, -1e-9]
HUGE = [1e9, 1e100, 1e160, 1e300]
NEAR_ONE = [1 - 2**-30, 1 - 2**-52, -(1 - 2**-40)]
NEAR_PI = [3.141592653589793, 1.5707963267948966, 1e5, 12345.678]

m = mpmath.mp
Derivative = Callable[..., Any]

#: Functions of one argument: the true derivative, and the points at which it is compared.
ONE: dict[Any, tuple[Derivative, list[float]]] = {
    np.negative: (lambda x: -1, ORDINARY),
    np.positive: (lambda x: 1, ORDINARY),
    np.reciprocal: (lambda x: -1 / x**2, [*ORDINARY, 1e100, 1e-100]),
    np.square: (lambda x: 2 * x, [*ORDINARY, *TINY, 1e300]),
    np.sqrt: (lambda x: 1 / (2 * m.sqrt(x)), [*POSITIVE, 1e-300, *HUGE]),
    np.cbrt: (lambda x: m.cbrt(x) / (3 * x), [*POSITIVE, 1e-300, *HUGE]),
    np.exp: (m.exp, [*ORDINARY, *TINY, -700.0, 700.0]),
    np.exp2: (lambda x: m.log(2) * m.mpf(2) ** x, [*ORDINARY, *TINY, -1000.0, 1000.0]),
    np.expm1: (m.exp, [*ORDINARY, *TINY, -40.0, 700.0]),
    np.log: (lambda x: 1 / x, [*POSITIVE, 1e-300, *HUGE, 1 + 2**-52]),
    np.log2: (lambda x: 1 / (x * m.log(2)), [*POSITIVE, 1e-300, *HUGE]),
    np.log10: (lambda x: 1 / (x * m.log(10)), [*POSITIVE, 1e-300, *HUGE]),
    np.log1p: (lambda x: 1 / (1 + x), [*POSITIVE, *TINY, -0.5, -0.999, -(1 - 2**-50), 1e300]),
    np.sin: (m.cos, [*ORDINARY, *TINY, *NEAR_PI]),
    np.cos: (lambda x: -m.sin(x), [*ORDINARY, *TINY, *NEAR_PI]),
    np.tan: (lambda x: m.sec(x) ** 2, [*ORDINARY, *TINY, *NEAR_PI]),
    np.arcsin: (lambda x: 1 / m.sqrt((1 - x) * (1 + x)), [-0.7, 0.2, 0.9, *TINY, *NEAR_ONE]),
    np.arccos: (lambda x: -1 / m.sqrt((1 - x) * (1 + x)), [-0.7, 0.2, 0.9, *TINY, *NEAR_ONE]),
    np.arctan: (lambda x: 1 / (1 + x**2), [*ORDINARY, *TINY, 1e9, 1e100, 1e150]),
    np.sinh: (m.cosh, [*ORDINARY, *TINY, 700.0]),
    np.cosh: (m.sinh, [*ORDINARY, *TINY, 700.0]),
    np.tanh: (lambda x: m.sech(x) ** 2, [*ORDINARY, *TINY, 20.0, -50.0, 300.0]),
    np.arcsinh: (lambda x: 1 / m.sqrt(x**2 + 1), [*ORDINARY, *TINY, *HUGE]),
    np.arccosh: (
        lambda x: 1 / (m.sqrt(x - 1) * m.sqrt(x + 1)),
        [1 + 2**-52, 1 + 2**-20, 1.5, 3.0, 1e9, 1e100, 1e300],
    ),
    np.arctanh: (lambda x: 1 / ((1 - x) * (1 + x)), [-0.7, 0.2, 0.9, *TINY, *NEAR_ONE]),
    np.deg2rad: (lambda x: m.pi / 180, ORDINARY),
    np.radians: (lambda x: m.pi / 180, ORDINARY),
    np.rad2deg: (lambda x: 180 / m.pi, ORDINARY),
    np.degrees: (lambda x: 180 / m.pi, ORDINARY),
    np.absolute: (m.sign, [*ORDINARY, *TINY]),
    np.fabs: (m.sign, [*ORDINARY, *TINY]),
    np.sign: (lambda x: 0, ORDINARY),
    logistic: (lambda x: m.sech(x / 2) ** 2 / 4, [*ORDINARY, *TINY, 40.0, -40.0, 700.0, -700.0]),
    sech_squared: (
        lambda x: -2 * m.sech(x) ** 2 * m.tanh(x),
        [*ORDINARY, *TINY, 20.0, -50.0, 300.0],
    ),
    one_minus_square: (lambda x: -2 * x, [*ORDINARY, *TINY, *NEAR_ONE, 1e150]),
    relu: (lambda x: int(x > 0), [*ORDINARY, *TINY]),
}

PAIRS = [(0.7, 1.9), (2.6, 0.3), (1.1, 1.1), (5.5, 2.0)]
APART = [(1000.0, -1000.0), (-1000.0, 1000.0), (700.0, 699.0), (1e-9, -1e-9), (30.0, 0.0)]
SLIM = [(3.0, 1e-9), (1e-9, 3.0), (1e8, 1.0), (1.0, 1e8), (-2.5, 1e-5), (-1e-7, -4.0)]
WIDE = [(1e200, 3e200), (1e-200, 3e-200), (1e-160, 1.0), (1.0, 1e160), (1e300, 1e300)]


def softmax(x: Any, y: Any, base: Any = mpmath.e) -> Any:
    return 1 / (1 + m.mpf(base) ** (y - x))


#: Functions of two arguments: both true derivatives, and the points.
TWO: dict[Any, tuple[Derivative, Derivative, list[tuple[float, float]]]] = {
    np.add: (lambda x, y: 1, lambda x, y: 1, PAIRS),
    np.subtract: (lambda x, y: 1, lambda x, y: -1, PAIRS),
    np.multiply: (lambda x, y: y, lambda x, y: x, [*PAIRS, *WIDE]),
    np.true_divide: (lambda x, y: 1 / y, lambda x, y: -x / y**2, [*PAIRS, *WIDE]),
    np.power: (
        lambda x, y: y * x ** (y - 1),
        lambda x, y: x**y * m.log(x),
        [
            *[*PAIRS, (0.5, -3.0), (1 + 2**-40, 7.0), (1e-5, 20.0), (1e5, -20.0)],
            *[(1e-300, 0.5), (1e300, 0.5), (3.0, 1e-9), (2.0, 1000.0), (1 - 2**-52, 1e10)],
        ],
    ),
    np.float_power: (lambda x, y: y * x ** (y - 1), lambda x, y: x**y * m.log(x), PAIRS),
    np.hypot: (
        lambda x, y: x / m.hypot(x, y),
        lambda x, y: y / m.hypot(x, y),
        [*PAIRS, *SLIM, *WIDE],
    ),
    cosine: (
        lambda x, y: y**2 / m.hypot(x, y) ** 3,
        lambda x, y: -x * y / m.hypot(x, y) ** 3,
        [*PAIRS, *SLIM, *WIDE],
    ),
    np.arctan2: (
        lambda x, y: y / (x**2 + y**2),
        lambda x, y: -x / (x**2 + y**2),
        [*PAIRS, *SLIM, *WIDE, (-0.3, -2.0)],
    ),
    np.logaddexp: (softmax, lambda x, y: softmax(y, x), [*PAIRS, *SLIM, *APART]),
    np.logaddexp2: (
        lambda x, y: softmax(x, y, 2),
        lambda x, y: softmax(y, x, 2),
        [*PAIRS, *APART],
    ),
    np.remainder: (lambda x, y: 1, lambda x, y: -m.floor(x / y), [*PAIRS, (-7.5, 2.0), (1e6, 0.3)]),
    np.fmod: (
        lambda x, y: 1,
        lambda x, y: -m.sign(x / y) * m.floor(abs(x / y)),
        [*PAIRS, (-7.5, 2.0), (1e6, 0.3)],
    ),
    np.copysign: (lambda x, y: m.sign(x) * m.sign(y), lambda x, y: 0, [*PAIRS, (-0.3, 2.0)]),
    np.maximum: (lambda x, y: int(x >= y), lambda x, y: int(x < y), PAIRS),
    np.minimum: (lambda x, y: int(x <= y), lambda x, y: int(x > y), PAIRS),
    np.fmax: (lambda x, y: int(x >= y), lambda x, y: int(x < y), PAIRS),
    np.fmin: (lambda x, y: int(x <= y), lambda x, y: int(x > y), PAIRS),
    np.heaviside: (lambda x, y: 0, lambda x, y: 0, PAIRS),
    np.nextafter: (lambda x, y: 1, lambda x, y: 0, PAIRS),
    np.ldexp: (lambda x, y: m.mpf(2) ** y, lambda x, y: 0, [(0.7, 3), (0.7, -5)]),
}


def ulps(actual: Any, expected: Any) -> float:
    """The distance of a number from the true one, in units in the last place of its dtype.

    Of complex numbers, the distance in the plane, in units of the modulus.
    """
    nearest = np.abs(np.asarray(complex(expected))).astype(np.real(actual).dtype)
    if np.isinf(nearest) or nearest == 0:
        return 0.0 if np.abs(actual) == nearest else np.inf
    return float(abs(m.mpmathify(actual.item()) - expected) / m.mpf(float(np.spacing(nearest))))


def slopes(function: Any, *arguments: Any) -> list[Any]:
    """The first derivative by each argument that is not an integer."""
    return derivatives(function, *arguments)[0]


def derivatives(function: Any, *arguments: Any, order: int = 1) -> tuple[list[Any], list[Any]]:
    """First derivatives, and second ones as rows, if asked for."""
    xs = [a if isinstance(a, int) else gt.constant(a) for a in arguments]
    watched = [x for x in xs if isinstance(x, gt.Tensor)]
    with np.errstate(all="ignore"), gt.GradientTape(persistent=True) as outer:
        outer.watch(watched)
        with gt.GradientTape() as tape:
            tape.watch(watched)
            y = function(*xs)
        first = tape.gradient(y, watched, unconnected_gradients="zero")
    rows = [outer.gradient(g, watched, unconnected_gradients="zero") for g in first if order == 2]
    return [bare(g) for g in first], [[bare(g) for g in row] for row in rows]
