"""det: a determinant by expansion by minors, and its gradient.

The minors of the last m rows are as many as there are choices of m columns. Each is had once, all
of a size together, from those of one row less: n 2^n operations in n steps of NumPy, where the
plain recursion takes e n!, most of them for minors that it had before.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np

import gradtape as gt
from benchmarks.gradbench.inputs import Array, Input, Prepared


@functools.cache
def choices(n: int) -> list[tuple[Array, Array, Array]]:
    """For minors of m = 2, ..., n rows: their columns, each one's minor, and the signs.

    Row i of the first two belongs to one choice of columns; entry j is its j-th column and the
    number, among the minors of one row less, of the choice without that column.
    """
    steps = []
    smaller: dict[tuple[int, ...], int] = {(j,): j for j in range(n)}
    for m in range(2, n + 1):
        chosen = list(combinations(range(n), m))
        without = [[smaller[c[:j] + c[j + 1 :]] for j in range(m)] for c in chosen]
        signs = np.where(np.arange(m) % 2, -1.0, 1.0)
        steps.append((np.array(chosen), np.array(without), signs))
        smaller = {c: i for i, c in enumerate(chosen)}
    return steps


def determinant(n: int) -> Callable[[Any], Any]:
    """The determinant of an n x n matrix, given as one vector of its rows."""
    steps = choices(n)

    def det(flat: Any) -> Any:
        rows = flat.reshape(n, n)
        minors = rows[n - 1]
        for m, (columns, without, signs) in enumerate(steps, start=2):
            minors = np.sum((signs * rows[n - m][columns]) * minors[without], axis=1)
        return minors[0]

    return det


def given_to(given: Any) -> tuple[Callable[[Any], Any], Any]:
    fields = Input(given)
    n = fields.count("ell", 1)
    return determinant(n), fields.array("A", n * n)


def prepare_primal(given: Any, compiled: Any) -> Prepared:
    det, flat = given_to(given)
    return Prepared(compiled(det), (flat,))


def prepare_gradient(given: Any, compiled: Any) -> Prepared:
    det, flat = given_to(given)
    return Prepared(compiled(gt.grad(det)), (flat,))


FUNCTIONS = {"primal": prepare_primal, "gradient": prepare_gradient}
