"""Arithmetic, comparisons, choices and parts of numbers as NumPy means them, as LLVM IR."""

from __future__ import annotations

from math import pi
from typing import Any

from gradtape.programs.llvm.mathematics_lanes import Mask, Real

__all__ = ["FUNCTIONS"]

INFINITY, NAN = float("inf"), float("nan")


def maximum(x: Real, y: Real) -> Real:
    """The larger one, y of two that are equal; NaN if either is."""
    return x.is_nan().select(x, (x > y).select(x, y))  # the inner one is one instruction


def minimum(x: Real, y: Real) -> Real:
    """The smaller one, y of two that are equal; NaN if either is."""
    return x.is_nan().select(x, (x < y).select(x, y))


def fmax(x: Real, y: Real) -> Real:
    """The larger one; the other one if one is NaN."""
    return ((x > y) | y.is_nan()).select(x, y)


def fmin(x: Real, y: Real) -> Real:
    """The smaller one; the other one if one is NaN."""
    return ((x < y) | y.is_nan()).select(x, y)


def sign(x: Real) -> Real:
    """-1, 0 or 1; NaN of NaN."""
    part = (x < 0).select(-1.0, (x > 0).select(x.like(1.0), 0.0))
    return x.is_nan().select(x, part)


def heaviside(x: Real, y: Real) -> Real:
    """0 before 0, y there, 1 behind it; NaN of NaN."""
    return (x < 0).select(0.0, (x > 0).select(1.0, (x == 0).select(y, x)))


def fmod(x: Real, y: Real) -> Real:
    """The remainder with the sign of x."""
    return Real(x.builder, x.builder.frem(x.value, y.value))


def remainder(x: Real, y: Real) -> Real:
    """The remainder with the sign of y."""
    rest = fmod(x, y)
    other = (rest != 0) & ((y < 0) ^ (rest < 0))
    return (rest == 0).select(rest.like(0.0).copysign(y), other.select(rest + y, rest))


def floor_divide(x: Real, y: Real) -> Real:
    """The quotient, rounded down."""
    rest = fmod(x, y)
    whole = (x - rest) / y
    whole = ((rest != 0) & ((y < 0) ^ (rest < 0))).select(whole - 1, whole)
    near = whole.floor()
    near = (whole - near > 0.5).select(near + 1, near)
    near = (whole == 0).select(whole.like(0.0).copysign(x / y), near)
    return (y == 0).select(x / y, near)


def where(condition: Mask, x: Any, y: Any) -> Any:
    """x where the condition holds, else y."""
    return condition.select(x, y)


def clip(x: Real, low: Real, high: Real) -> Real:
    """No less than one bound, no more than the other; NaN if any is."""
    return minimum(maximum(x, low), high)


def relu(x: Real) -> Real:
    """No less than 0; NaN of NaN."""
    return (x <= 0).select(0.0, x)


def _isfinite(x: Real) -> Mask:
    return abs(x) < INFINITY


def _signbit(x: Real) -> Mask:
    bits = x.bits()
    return ~bits.below(1 << x.format.bits - 1)


#: By the names of the primitives.
FUNCTIONS: dict[str, Any] = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "negative": lambda x: -x,
    "positive": lambda x: x,
    "absolute": abs,
    "fabs": abs,
    "square": lambda x: x * x,
    "reciprocal": lambda x: 1 / x,
    "sqrt": Real.sqrt,
    "floor": Real.floor,
    "ceil": Real.ceil,
    "trunc": Real.trunc,
    "rint": Real.rint,
    "copysign": Real.copysign,
    "one_minus_square": lambda x: (1 - x) * (1 + x),
    "deg2rad": lambda x: x * (pi / 180),
    "radians": lambda x: x * (pi / 180),
    "rad2deg": lambda x: x * (180 / pi),
    "degrees": lambda x: x * (180 / pi),
    "sign": sign,
    "heaviside": heaviside,
    "maximum": maximum,
    "minimum": minimum,
    "fmax": fmax,
    "fmin": fmin,
    "fmod": fmod,
    "remainder": remainder,
    "floor_divide": floor_divide,
    "clip": clip,
    "relu": relu,
    "where": where,
    "equal": lambda x, y: x == y,
    "not_equal": lambda x, y: x != y,
    "less": lambda x, y: x < y,
    "less_equal": lambda x, y: x <= y,
    "greater": lambda x, y: x > y,
    "greater_equal": lambda x, y: x >= y,
    "isnan": Real.is_nan,
    "isinf": lambda x: abs(x) == INFINITY,
    "isfinite": _isfinite,
    "signbit": _signbit,
    "logical_and": lambda x, y: x & y,
    "logical_or": lambda x, y: x | y,
    "logical_xor": lambda x, y: x ^ y,
    "logical_not": lambda x: ~x,
}
