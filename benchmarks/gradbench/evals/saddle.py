"""saddle: the saddle point of (x1^2 + x2^2) - (y1^2 + y2^2), least in x of the greatest in y.

After J. M. Siskind and B. A. Pearlmutter (see descent). The greatest value is found by descent
within the function whose least value is, so that derivatives are taken of derivatives.

The first letter of a function is the mode of differentiation of the outer descent, the second that
of the inner one: f for forward, r for reverse.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.gradbench.evals.descent import GRADIENTS, argmin
from benchmarks.gradbench.inputs import Input, Prepared


def height(x: Any, y: Any) -> Any:
    return np.sum(x * x) - np.sum(y * y)


def preparing(modes: str) -> Callable[[Any, Any], Prepared]:
    outer, inner = (GRADIENTS[mode] for mode in modes)

    def saddle_point(start: Any, compiled: Any) -> Any:
        def depth(x: Any) -> Callable[[Any], Any]:
            return lambda y: -height(x, y)

        def greatest(x: Any) -> Any:
            f = depth(x)
            return -f(argmin(f, inner(f), start))

        x = argmin(compiled(greatest), compiled(outer(greatest)), start)
        f = depth(x)
        y = argmin(compiled(f), compiled(outer(f)), start)
        return np.concatenate([x, y])

    def prepare(given: Any, compiled: Any) -> Prepared:
        return Prepared(lambda s: saddle_point(s, compiled), (Input(given).array("start", 2),))

    return prepare


FUNCTIONS = {modes: preparing(modes) for modes in ("ff", "fr", "rf", "rr")}
