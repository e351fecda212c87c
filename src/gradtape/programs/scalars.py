"""Numbers: what Python computes on its own floats, and operators on NumPy's.

Python's floats are several times faster than NumPy's. They are used for double precision, where
they are the same numbers, and within a function of one number of single precision; not for sums and
products of these, for to round each takes as long as NumPy's own. Where NumPy answers with
infinities and NaN, Python raises (``1.0 / 0.0``, ``math.exp(1000.0)``), and the program is then run
in its careful form.
"""

from __future__ import annotations

import math

__all__ = ["MATH", "ON_FLOATS", "ON_NUMBERS", "ROUNDED"]

#: Python for what is computed on Python's floats.
ON_FLOATS = {
    "add": "{} + {}",
    "subtract": "{} - {}",
    "multiply": "{} * {}",
    "divide": "{} / {}",
    "negative": "-{}",
    "positive": "{}",
    "square": "{0} * {0}",
    "reciprocal": "1.0 / {}",
    "absolute": "abs({})",
    "exp": "exp({})",
    "log": "log({})",
    "log2": "log2({})",
    "log10": "log10({})",
    "log1p": "log1p({})",
    "expm1": "expm1({})",
    "sqrt": "sqrt({})",
    "sin": "sin({})",
    "cos": "cos({})",
    "tan": "tan({})",
    "arcsin": "asin({})",
    "arccos": "acos({})",
    "arctan": "atan({})",
    "arctan2": "atan2({}, {})",
    "sinh": "sinh({})",
    "cosh": "cosh({})",
    "tanh": "tanh({})",
    "maximum": "{0} if {0} >= {1} or {0} != {0} else {1}",
    "minimum": "{0} if {0} <= {1} or {0} != {0} else {1}",
    "where": "{1} if {0} else {2}",
    "less": "{} < {}",
    "less_equal": "{} <= {}",
    "greater": "{} > {}",
    "greater_equal": "{} >= {}",
    "equal": "{} == {}",
    "not_equal": "{} != {}",
}

#: Python's operators on NumPy's numbers, which then do what the ufunc does, and faster.
ON_NUMBERS = {
    "add": "{} + {}",
    "subtract": "{} - {}",
    "multiply": "{} * {}",
    "divide": "{} / {}",
    "negative": "-{}",
    "square": "{0} * {0}",
    "absolute": "abs({})",
    "less": "{} < {}",
    "less_equal": "{} <= {}",
    "greater": "{} > {}",
    "greater_equal": "{} >= {}",
    "equal": "{} == {}",
    "not_equal": "{} != {}",
}

#: The functions whose value in double precision, rounded, is the one in single precision: within an
#: ulp of NumPy's, in two thirds of its time.
ROUNDED = frozenset(
    {"exp", "log", "log2", "log10", "log1p", "expm1", "sqrt", "sin", "cos", "tan", "arcsin"}
    | {"arccos", "arctan", "sinh", "cosh", "tanh"}
)

#: What the expressions name.
MATH = {name: getattr(math, name) for name in dir(math) if not name.startswith("_")}
