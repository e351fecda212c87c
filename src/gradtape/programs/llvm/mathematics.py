"""Vector mathematics of the LLVM engine: elementwise primitives as LLVM IR, at any lane width.

``EMITTERS[name](builder, values)`` writes a primitive of the tape on scalars or vectors of
``float`` or ``double`` and returns the result; it may leave the builder in another block.
Conditions are ``i1``. No instruction has fast-math flags: results are the same on every width.

Special values are NumPy's: NaN, infinities, signs of zeros, subnormal numbers. So far are results
from the true value at most, in units of the last place of float32 and float64 (of the largest
argument, where that is larger, in logaddexp and logaddexp2):

===================  =======  =======
function             float32  float64
===================  =======  =======
exp                  1.01     1.02
exp2                 1.01     1.02
expm1                1.58     1.62
log                  0.90     0.95
log2                 1.15     1.10
log10                1.00     1.10
log1p                0.97     1.00
logaddexp            1.45     1.45
logaddexp2           1.50     1.45
sin                  1.70     1.75
cos                  1.85     1.85
tan                  1.42     1.40
arcsin               1.88     1.80
arccos               1.00     1.05
arctan               1.35     1.50
arctan2              1.60     1.65
sinh                 1.92     1.95
cosh                 1.18     1.20
tanh                 1.75     1.90
arcsinh              1.01     0.97
arccosh              0.95     0.95
arctanh              1.01     1.01
sqrt                 0.50     0.50
cbrt                 0.77     0.80
hypot                0.51     1.10
cosine               0.51     1.35
power, float_power   0.52     1.30
logistic, expit      1.50     1.55
sech_squared         1.50     1.50
log_expit            1.65     1.90
logit                0.51     0.95
xlogy                1.20     1.20
xlog1py              1.40     1.30
entr                 0.95     0.95
erf                  1.40     1.45
erfc                 0.51     1.20
ndtr                 0.51     1.20
===================  =======  =======

What is not in that list is what IEEE 754 asks for, or a few of its operations as NumPy does them.
The polynomials come from ``docs/tools/minimax.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradtape.programs.llvm import mathematics_angles as angles
from gradtape.programs.llvm import mathematics_arithmetic as arithmetic
from gradtape.programs.llvm import mathematics_errors as errors
from gradtape.programs.llvm import mathematics_exponentials as exponentials
from gradtape.programs.llvm import mathematics_powers as powers
from gradtape.programs.llvm.mathematics_lanes import Mask, Real

__all__ = ["EMITTERS", "Emitter", "exponential", "raised"]

#: Writes instructions for some IR values of one type.
Emitter = Callable[[Any, list[Any]], Any]


def _lanes(builder: Any, value: Any) -> Any:
    """A value with Python's operators."""
    kind = str(getattr(value.type, "element", value.type))
    return (Real if kind in ("float", "double") else Mask)(builder, value)


def _emitter(function: Callable[..., Any]) -> Emitter:
    """A function of lanes as one of IR values."""

    def emit(builder: Any, values: list[Any]) -> Any:
        return function(*[_lanes(builder, value) for value in values]).value

    emit.__doc__ = function.__doc__
    return emit


#: By the names of the primitives.
EMITTERS: dict[str, Emitter] = {
    name: _emitter(function)
    for module in (arithmetic, exponentials, angles, powers, errors)
    for name, function in module.FUNCTIONS.items()
}


def raised(builder: Any, value: Any, exponent: float) -> Any:
    """value**exponent for a Python number; small whole ones as products."""
    return powers.raised(Real(builder, value), exponent).value


def exponential(builder: Any, value: Any, base: float) -> Any:
    """base**value for a Python number."""
    return powers.exponential(Real(builder, value), base).value
