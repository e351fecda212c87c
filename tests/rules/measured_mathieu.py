"""Mathieu functions to 50 digits, by their Fourier coefficients, which mpmath does not have.

Equations are those of the NIST Digital Library (DLMF).
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import mpmath
import numpy as np

from tests.rules.measured import Measured, outputs
from tests.rules.test_special_digits import by

m = mpmath.mp

#: How many Fourier coefficients there are: for q up to 30, the next ones are below 1e-50.
SIZE = 36


def _matrix(kind: str, odd: int, q: Any) -> Any:
    """The recurrence of the coefficients (28.4.5 to 28.4.8), made symmetric."""
    first = {"ce": 0, "se": 2}[kind] if not odd else 1
    matrix = m.matrix(SIZE, SIZE)
    for i in range(SIZE):
        matrix[i, i] = m.mpf(first + 2 * i) ** 2
        if i:
            matrix[i, i - 1] = matrix[i - 1, i] = q
    if odd:
        matrix[0, 0] += q if kind == "ce" else -q
    elif kind == "ce":
        matrix[0, 1] = matrix[1, 0] = m.sqrt(2) * q
    return matrix


@cache
def coefficients(kind: str, order: int, q: Any) -> tuple[list[int], list[Any]]:
    """Frequencies and coefficients of ce or se, normalized and signed as in 28.4.9 to 28.4.12."""
    odd = order % 2
    n = order // 2 - (kind == "se" and not odd)
    with mpmath.workdps(60):
        matrix = _matrix(kind, odd, q)
        start = np.array(matrix.tolist(), dtype=float)
        values, vectors = np.linalg.eigh(start)
        value, vector = m.mpf(values[n]), m.matrix(vectors[:, n].tolist())
        for _ in range(3):  # Rayleigh's quotient iteration
            vector = m.lu_solve(matrix - value * m.eye(SIZE), vector)
            vector /= m.norm(vector)
            value = (vector.T * matrix * vector)[0]
        found = list(vector)
        if kind == "ce" and not odd:
            found[0] /= m.sqrt(2)
        frequencies = [2 * i + (odd if odd or kind == "ce" else 2) for i in range(SIZE)]
        weights = [1 if kind == "ce" else f for f in frequencies]
        sign = m.sign(sum(w * c for w, c in zip(weights, found, strict=True)))
    return frequencies, [sign * c for c in found]


def periodic(kind: str, slope: bool) -> Callable[..., Any]:
    """Ce or se of an angle in degrees, or its derivative by the angle in radians."""

    def true(order: int, q: Any, degrees: Any) -> Any:
        x = m.pi * degrees / 180
        waves = {
            ("ce", False): m.cos,
            ("ce", True): lambda z: -m.sin(z),
            ("se", False): m.sin,
            ("se", True): m.cos,
        }[kind, slope]
        pairs = zip(*coefficients(kind, order, q), strict=True)
        return sum(c * waves(f * x) * (f if slope else 1) for f, c in pairs)

    return true


def radial(kind: str, bessel: Callable[..., Any]) -> Callable[..., Any]:
    """Mc for "ce" or Ms for "se", by products of Bessel functions (28.24.2 to 28.24.5)."""

    def true(order: int, q: Any, x: Any) -> Any:
        odd = order % 2
        s = order // 2 - (kind == "se" and not odd)
        shift = odd if odd or kind == "ce" else 2
        sign = 1 if kind == "ce" else -1
        h = m.sqrt(q)
        inner, outer = h * m.exp(-x), h * m.exp(x)
        _, found = coefficients(kind, order, q)
        total = m.mpf(0)
        for i, c in enumerate(found):
            if abs(c) < 1e-60:
                continue
            product = m.besselj(i - s, inner) * bessel(i + s + shift, outer)
            product += sign * m.besselj(i + s + shift, inner) * bessel(i - s, outer)
            total += (-1) ** (i + s) * c / found[s] * product
        return total / 2 if shift == s == 0 else total

    return true


ANGLES = [(1, 2.0, 10.0), (2, 5.0, 75.0), (5, 0.1, 200.0), (3, 20.0, -40.0)]
FIRST = [(1, 2.0, 0.7), (2, 5.0, 1.2), (4, 10.0, 0.1)]
SECOND = [(1, 2.0, 0.7), (4, 10.0, 0.1)]


def _modified(kind: str, bessel: Callable[..., Any]) -> list[Callable[..., Any]]:
    function = radial(kind, bessel)
    return [function, by(function, 2)]


MATHIEU: list[Measured] = [
    *outputs(
        "mathieu_cem",
        [periodic("ce", slope=False), periodic("ce", slope=True)],
        (2,),
        (0, 0.5, 30.0),
        *ANGLES,
    ),
    *outputs(
        "mathieu_sem", [periodic("se", slope=False), periodic("se", slope=True)], (2,), *ANGLES
    ),
    *outputs("mathieu_modcem1", _modified("ce", m.besselj), (2,), (0, 0.5, 0.3), *FIRST),
    *outputs("mathieu_modsem1", _modified("se", m.besselj), (2,), *FIRST),
    *outputs("mathieu_modcem2", _modified("ce", m.bessely), (2,), (0, 0.5, 0.3), *SECOND),
    *outputs("mathieu_modsem2", _modified("se", m.bessely), (2,), *SECOND),
]
