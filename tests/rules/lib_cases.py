"""Cases of numpy.emath and of windows that slide over arrays."""

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tests.rules.cases import Case, case, cases

REAL: dict[str, Any] = {"complex_too": False}

CASES: list[Case] = [
    *cases(
        sliding_window_view,
        lambda x: sliding_window_view(x, 2, 1),
        lambda x: sliding_window_view(x, (2, 2)),
        lambda x: sliding_window_view(x, (1, 2), axis=(-1, 0)) * x[0, 0],
        lambda x: sliding_window_view(x, (2, 2), axis=(1, 1)),
        shape=(3, 4),
    ),
    *cases(np.emath.sqrt, np.emath.sqrt, lambda x: np.emath.sqrt(x * x + 1), dtypes="dF"),
    *cases(np.emath.log, np.emath.log, lambda x: np.emath.log(x * x + 1), dtypes="dF"),
    case(np.emath.log2, np.emath.log2, (2, 3), dtypes="d"),
    case(np.emath.log10, np.emath.log10, (2, 3), dtypes="d"),
    case(np.emath.arcsin, lambda x: np.emath.arcsin(3 + x * x), (2, 3), dtypes="d", **REAL),
    case(np.emath.arccos, lambda x: np.emath.arccos(3 + x * x), (2, 3), dtypes="d", **REAL),
    case(np.emath.arctanh, lambda x: np.emath.arctanh(3 + x * x), (2, 3), dtypes="d", **REAL),
    case(np.emath.logn, lambda x: np.emath.logn(3 + x * x, x), (2, 3), dtypes="d", **REAL),
    case(np.emath.power, lambda x: np.emath.power(x, 1.5), (2, 3), dtypes="d"),
    case(
        np.emath.power, lambda x: np.emath.power(x, [-2, 3, 1]), (2, 3), dtypes="d", note="integers"
    ),
]
