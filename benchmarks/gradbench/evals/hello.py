"""hello: the square of a number, and its derivative. Not a benchmark, but a first word."""

from __future__ import annotations

from typing import Any

import gradtape as gt
from benchmarks.gradbench.inputs import Prepared, number


def square(x: Any) -> Any:
    return x * x


def prepare_square(given: Any, compiled: Any) -> Prepared:
    return Prepared(compiled(square), (number(given),))


def prepare_double(given: Any, compiled: Any) -> Prepared:
    return Prepared(compiled(gt.grad(square)), (number(given),))


FUNCTIONS = {"square": prepare_square, "double": prepare_double}
