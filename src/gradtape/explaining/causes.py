"""The names of causes: why an operation's value, or its slope, is not a finite number."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape.explaining.entries import numeric
from gradtape.explaining.operands import Operand, number, plain_name
from gradtape.trace import Step

__all__ = ["CAUSES", "cause_of_slope", "cause_of_value", "limit_of", "underflows"]

#: Every cause that a diagnosis can name, and what it means.
CAUSES = {
    "overflow": "a result is larger than the largest number of its dtype, and became infinite",
    "underflow": "a result is smaller than the smallest number of its dtype, and became 0",
    "zero times infinity": "0 times an infinity is NaN",
    "inf / inf": "an infinity divided by an infinity is NaN",
    "inf - inf": "an infinity minus an infinity is NaN",
    "log of zero": "the logarithm of 0 is minus infinity, and its slope there is infinite",
    "log of a negative number": "a negative number has no real logarithm",
    "square root at zero": "the slope of the square root at 0 is infinite",
    "square root of a negative number": "a negative number has no real square root",
    "division by zero": "a number divided by 0 is infinite, and 0 / 0 is NaN",
    "infinite slope": "the function is finite there, but its slope is not",
    "outside the domain": "the function is not defined there",
    "pole": "the function is infinite there",
    "dead branch": "an infinite slope in a branch that was not taken: 0 times infinity is NaN",
    "cancellation": "two nearly equal numbers were subtracted, and most digits were lost",
    "invalid input": "what was given holds a NaN or an infinity",
    "unknown": "no known cause",
}

_LOGARITHMS = {"log": 0.0, "log2": 0.0, "log10": 0.0, "log1p": -1.0}
_DIVISIONS = {"rsqrt", "divide", "true_divide", "reciprocal", "remainder", "fmod", "floor_divide"}
_DIFFERENCES = {"add", "subtract", "sum", "cumsum", "mean", "matmul", "einsum", "var", "logsumexp"}
_PRODUCTS = {"multiply", "prod", "cumprod", "matmul", "einsum", "dot", "xlogy", "square"}
#: Entry by entry, outside of |x| <= 1 or x >= 1.
_DOMAINS = {"arcsin": 1, "arccos": 1, "arctanh": 1, "arccosh": None, "logit": 1}
_GAMMAS = {"gammaln", "gamma", "digamma", "psi", "loggamma"}
#: Infinite at some points, whatever the dtype.
_POLES = {"arctanh", "logit", "erfinv", "erfcinv", "ndtri", "zeta", *_GAMMAS}


def cause_of_value(step: Step, inputs: list[Operand], out: Any) -> str:
    """Why an entry of a result is not finite, though no input that matters is NaN."""
    arrays = [numeric(one.value) for one in inputs]
    if np.isnan(out):
        if any([np.any(np.isinf(array)) for array in arrays]):
            return _of_infinities(step, arrays)
        return _undefined(step, arrays)
    return _infinite(step, arrays)


def _of_infinities(step: Step, arrays: list[Any]) -> str:
    """What is NaN, of inputs of which one is infinite."""
    name = plain_name(step)
    if name in _DIVISIONS and len(arrays) == 2:
        return "inf / inf" if np.all(np.isinf(arrays[1])) else "unknown"
    if name in ("multiply", "xlogy") or (name in _PRODUCTS and _zero_meets_infinity(arrays)):
        return "zero times infinity"
    if name in _DIFFERENCES:
        return "inf - inf"
    return "unknown"


def _zero_meets_infinity(arrays: list[Any]) -> bool:
    zero = any([np.any(array == 0) for array in arrays])
    return zero and any([np.any(np.isinf(array)) for array in arrays])


def _undefined(step: Step, arrays: list[Any]) -> str:
    """What is NaN, of finite inputs."""
    name, x = plain_name(step), arrays[0]
    if name in _LOGARITHMS and np.any(x < _LOGARITHMS[name]):
        return "log of a negative number"
    if name in ("sqrt", "rsqrt") and np.any(x < 0):
        return "square root of a negative number"
    if name in _DIVISIONS and np.any(arrays[-1] == 0):
        return "division by zero"
    if name in ("power", "float_power", "raised", "exponential", *_DOMAINS):
        return "outside the domain"
    return "unknown"


def _infinite(step: Step, arrays: list[Any]) -> str:
    """What is infinite, of finite inputs."""
    name, x = plain_name(step), arrays[0]
    if name in _LOGARITHMS:
        return "log of zero"
    if name in _DIVISIONS and np.any(arrays[-1] == 0):
        return "division by zero"
    if name in ("power", "float_power", "raised") and np.any(x == 0):
        return "division by zero"  # a negative power of 0
    if name in _POLES and not (name in _GAMMAS and np.all(x > 0)):
        return "pole"
    if name in ("slogdet", "logdet"):
        return "log of zero"
    known = step.primitive.kind != "general" or name in _PRODUCTS or name in _DIFFERENCES
    return "overflow" if known else "unknown"


def cause_of_slope(step: Step, inputs: list[Operand]) -> str:
    """Why the slope at finite values is not finite."""
    name = plain_name(step)
    x = numeric(inputs[0].value)
    if name in ("sqrt", "norm", "std") and np.any(x == 0):
        return "square root at zero"
    if name in _DIVISIONS and np.any(numeric(inputs[-1].value) == 0):
        return "division by zero"
    return "infinite slope"


def underflows(step: Step, inputs: list[Operand]) -> bool:
    """Whether a result that is 0 would not be 0 in exact arithmetic."""
    arrays = [numeric(one.value) for one in inputs]
    name = plain_name(step)
    if name in ("exp", "exp2", "exponential"):
        return True
    if name in ("multiply", "square", "raised", "power", "prod", "divide", "true_divide"):
        return all([np.all((array != 0) & np.isfinite(array)) for array in arrays])
    return name in ("logistic", "expit", "sech_squared", "erfc", "ndtr")


def limit_of(dtype: Any) -> str:
    """The largest number of a dtype, in words."""
    return f"the largest number of {np.dtype(dtype).name}, {number(float(np.finfo(dtype).max))}"
