"""``numpy.emath``: functions that answer with complex numbers where real ones have no answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradtape.derivatives.axes import as_array, bare_array
from gradtape.rules import meaning

__all__: list[str] = []


def _widened(x: Any, is_outside: Callable[[Any], Any]) -> Any:
    """x, as complex numbers if one of its real numbers has no real answer."""
    x = as_array(x)
    if x.dtype.kind == "c" or not np.any(is_outside(bare_array(x))):
        return x
    return x.astype(np.complex64 if x.dtype.char in "fehHbB" else np.complex128)


def _negative(x: Any) -> Any:
    return x < 0


def _above_one(x: Any) -> Any:
    return np.abs(x) > 1


def _same_but_complex(name: str, is_outside: Callable[[Any], Any]) -> None:
    """Say that a function of emath is NumPy's of what ``_widened`` makes of the argument."""
    plain = getattr(np, name)
    meaning(getattr(np.emath, name))(lambda x: plain(_widened(x, is_outside)))


for _name in ("sqrt", "log", "log2", "log10"):
    _same_but_complex(_name, _negative)
for _name in ("arcsin", "arccos", "arctanh"):
    _same_but_complex(_name, _above_one)


@meaning(np.emath.logn)
def logn(n: Any, x: Any) -> Any:
    return np.log(_widened(x, _negative)) / np.log(_widened(n, _negative))


@meaning(np.emath.power)
def power(x: Any, p: Any) -> Any:
    x, p = _widened(x, _negative), as_array(p)
    if p.dtype.kind in "iu" and np.any(bare_array(p) < 0):
        p = p * 1.0
    return np.power(x, p)
