"""Rules of the functions that choose entries by conditions, by numbers and by rank."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape.derivatives.axes import as_array, bare_array
from gradtape.errors import no_rule_for_argument
from gradtape.rules import meaning, strip

__all__: list[str] = []

_PLAIN = (int, float, complex)


@meaning(np.select)
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    if len(condlist) != len(choicelist):
        raise ValueError(
            f"select: list of cases must be same length as list of conditions, got "
            f"{len(condlist)} conditions and {len(choicelist)} choices"
        )
    if not len(condlist):
        raise ValueError("select: needs at least one condition")
    conditions = [bare_array(c) for c in condlist]
    for i, condition in enumerate(conditions):
        if condition.dtype != np.bool_:
            raise TypeError(f"select: condition {i} must be boolean, got {condition.dtype}")
    *choices, result = _of_one_dtype([*choicelist, default])
    for condition, choice in zip(reversed(conditions), reversed(choices), strict=True):
        result = np.where(condition, choice, result)
    return result


def _of_one_dtype(values: list[Any]) -> list[Any]:
    """Arrays and numbers in their common dtype, where a Python number gives way."""
    values = [v if type(v) in _PLAIN else as_array(v) for v in values]
    dtype = np.result_type(*[strip(v) for v in values])
    return [as_array(v).astype(dtype) for v in values]


@meaning(np.choose)
def choose(a: Any, choices: Any, *, mode: str = "raise") -> Any:
    number = bare_array(a).astype(np.intp, casting="safe")
    arrays = _of_one_dtype(list(choices))
    n = len(arrays)
    if mode == "raise":
        if ((number < 0) | (number >= n)).any():
            raise ValueError(f"choose: a must hold numbers of choices, from 0 to {n - 1}")
    else:
        number = np.mod(number, n) if mode == "wrap" else np.clip(number, 0, n - 1)
    shape = np.broadcast_shapes(number.shape, *[c.shape for c in arrays])
    stacked = np.stack([np.broadcast_to(c, shape) for c in arrays])
    return np.take_along_axis(stacked, np.broadcast_to(number, shape)[None], 0)[0]


@meaning(np.piecewise)
def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    """Each function sees the entries where its condition holds; a later one overrules."""
    x = as_array(x)
    conditions = _conditions(x.ndim, condlist, len(funclist))
    pieces = [as_array(np.zeros(1, x.dtype))]  # where nothing holds
    source, count = np.zeros(x.shape, np.intp), 1
    for condition, function in zip(conditions, funclist, strict=True):
        here = np.broadcast_to(
            condition.reshape(condition.shape + (1,) * (x.ndim - condition.ndim)), x.shape
        )
        n = int(np.count_nonzero(here))
        if n:
            piece = function(x[here], *args, **kw) if callable(function) else function
            pieces.append(np.broadcast_to(as_array(piece).astype(x.dtype), (n,)))
            source[here] = np.arange(count, count + n)
            count += n
    return np.concatenate(pieces)[source]


def _conditions(ndim: int, condlist: Any, functions: int) -> list[Any]:
    """One condition for each function; where only the last one has none: "otherwise"."""
    condlist = strip(condlist)
    one = np.isscalar(condlist) or (ndim and np.ndim(strip(condlist[0])) == 0)
    conditions = [bare_array(c, bool) for c in ([condlist] if one else condlist)]
    if len(conditions) == functions - 1:
        return [*conditions, ~np.any(conditions, axis=0)]
    if len(conditions) != functions:
        n = len(conditions)
        raise ValueError(
            f"piecewise: with {n} condition(s), either {n} or {n + 1} functions are expected, "
            f"got {functions}"
        )
    return conditions


@meaning(np.compress)
def compress(condition: Any, a: Any, axis: Any = None) -> Any:
    condition = bare_array(condition)
    if condition.ndim != 1:
        raise ValueError(f"compress: condition must be 1-d, got shape {condition.shape}")
    return np.take(as_array(a), np.flatnonzero(condition), axis)


@meaning(np.extract)
def extract(condition: Any, arr: Any) -> Any:
    return np.take(as_array(arr), np.flatnonzero(strip(condition)))


@meaning(np.nan_to_num)
def nan_to_num(
    x: Any, copy: Any = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    """What is replaced is dead; what is finite goes through with slope 1."""
    if not copy:
        reason = "a tensor is not overwritten, the result is a new one"
        raise no_rule_for_argument(np.nan_to_num, "copy", reason)
    if x.dtype.kind not in "fc":
        return np.copy(x)
    limits = np.finfo(x.dtype)
    largest = limits.max if posinf is None else posinf
    smallest = limits.min if neginf is None else neginf

    def real_part(v: Any) -> Any:
        v = np.where(np.isposinf(v), largest, np.where(np.isnan(v), nan, v))
        v = np.where(np.isneginf(v), smallest, v)
        return v.astype(limits.dtype)

    if x.dtype.kind == "f":
        return real_part(x)
    parts = real_part(np.real(x)) + 1j * real_part(np.imag(x))
    return np.where(np.isfinite(x), x, parts)


@meaning(np.real_if_close)
def real_if_close(a: Any, tol: float = 100) -> Any:
    real = a.dtype.kind == "c" and np.real_if_close(strip(a), tol).dtype.kind != "c"
    return np.real(a) if real else a[...]
