"""lse: the logarithm of a sum of exponentials, safe from overflow, and its gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

import gradtape as gt
from benchmarks.gradbench.inputs import Input, Prepared


def logsumexp(x: Any) -> Any:
    """Log(sum(exp(x))) over the last axis, the largest entry taken out of the sum."""
    largest = np.max(x, axis=-1, keepdims=True)
    return largest[..., 0] + np.log(np.sum(np.exp(x - largest), axis=-1))


def prepare_primal(given: Any, compiled: Any) -> Prepared:
    return Prepared(compiled(logsumexp), (Input(given).array("x", None),))


def prepare_gradient(given: Any, compiled: Any) -> Prepared:
    return Prepared(compiled(gt.grad(logsumexp)), (Input(given).array("x", None),))


FUNCTIONS = {"primal": prepare_primal, "gradient": prepare_gradient}
