"""Where a 0 came from: true zeros, and those that are too small to be anything else."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape.explaining.causes import underflows
from gradtape.explaining.entries import moved_from, numeric
from gradtape.explaining.operands import entry, operands, plain_name, result_of
from gradtape.trace import Step, Trace

__all__ = ["origin_of_zero"]

Index = tuple[int, ...]

#: Operations whose result is 0 only if an input is, or if it underflows.
_FACTORS = {"multiply", "divide", "true_divide", "square", "sqrt", "negative", "positive", "prod"}


def origin_of_zero(trace: Trace, key: Any, index: Index) -> tuple[Step, Index, str] | None:
    """The operation that made a value 0 by underflow, or by dividing by an infinity.

    Returns
    -------
    The step, the entry, and ``"underflow"`` or ``"infinity"``; None for a true 0.
    """
    while key in trace.maker:
        step = trace.maker[key]
        if type(step.out_key) is tuple or step.primitive.kind == "user":
            return None
        if entry(result_of(step, key), index) != 0:
            return None
        inputs = operands(trace, step, index)
        values = [numeric(one.value) for one in inputs]
        if plain_name(step) in ("divide", "true_divide") and np.all(np.isinf(values[1])):
            return step, index, "infinity"
        zero = next((i for i, v in enumerate(values) if not np.any(v)), None)
        if zero is None or plain_name(step) in ("exp", "exp2", "exponential"):
            if underflows(step, inputs):
                return step, index, "underflow"
            moved = [moved_from(step, i, v, index) for i, v in enumerate(values)]
            found = next((i for i, at in enumerate(moved) if at is not None), None)
            if found is None:
                return None
            key, index = inputs[found].key, moved[found]  # type: ignore[assignment]
            continue
        if underflows(step, inputs):
            return step, index, "underflow"
        if plain_name(step) not in _FACTORS and not all([not np.any(v) for v in values]):
            return None
        one = inputs[zero]
        key, index = one.key, one.index or (0,) * np.ndim(one.array)
    return None
