"""A function of large arrays while a function is traced: in pieces, by the threads that run loops.

The bits are those of the whole, for each entry is computed by itself. Where NumPy has something to
warn of, it computes the whole again, and warns or raises as the caller has it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradtape.programs.crew import Blocks
from gradtape.programs.threads import get_threads

__all__ = ["SLOW", "SPREAD_SIZE", "spread"]

#: What takes long for each entry; what only adds and multiplies waits for memory.
SLOW = frozenset(
    {"exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "logaddexp", "power", "float_power"}
    | {"sin", "cos", "tan", "arcsin", "arccos", "arctan", "arctan2", "sinh", "cosh", "tanh"}
    | {"arcsinh", "arccosh", "arctanh", "hypot", "cbrt"}
)

#: From so many entries on, it pays.
SPREAD_SIZE = 1 << 17
#: So many pieces for each thread, for one may be slower than another.
PIECES = 2


def spread(function: Callable[..., Any], values: list[Any]) -> Any:
    """What a function gives for some values; one of NumPy's slow ones by several threads.

    Parameters
    ----------
    function : any; if it is a ufunc, arrays are cut into pieces along the first axis.
    values : its arguments.
    """
    if type(function) is np.ufunc:
        large = [v for v in values if type(v) is np.ndarray and v.size >= SPREAD_SIZE]
        if large and get_threads() > 1 and _can_be_cut(function, values, large[0].shape):
            out = _in_pieces(function, values, large[0].shape)
            if out is not None:
                return out
    return function(*values)


def _can_be_cut(function: np.ufunc, values: list[Any], shape: tuple[int, ...]) -> bool:
    """Whether the result is in C order, and worth it."""
    if function.__name__ not in SLOW or getattr(np, function.__name__, None) is not function:
        return False
    if shape[0] < PIECES * get_threads() or 0 in shape:
        return False
    arrays = [v for v in values if type(v) is np.ndarray]
    others = [v for v in values if type(v) is not np.ndarray]
    simple = all([v.flags.c_contiguous and v.dtype.kind in "fcbiu" for v in arrays])
    if not simple or any([not isinstance(v, (np.number, float, int, complex)) for v in others]):
        return False
    return np.broadcast_shapes(*[v.shape for v in arrays]) == shape


def _in_pieces(function: np.ufunc, values: list[Any], shape: tuple[int, ...]) -> Any:
    """The result, or None where NumPy would have warned."""
    along = [type(v) is np.ndarray and len(v.shape) == len(shape) and len(v) > 1 for v in values]

    def rows(low: int, high: int) -> list[Any]:
        return [v[low:high] if cut else v for v, cut in zip(values, along, strict=True)]

    out = np.empty(shape, function(*rows(0, 0)).dtype)
    count = PIECES * get_threads()
    bounds = [(shape[0] * k // count, shape[0] * (k + 1) // count) for k in range(count)]
    table = [(*rows(low, high), out[low:high]) for low, high in bounds]
    strict = {k: "ignore" if how == "ignore" else "raise" for k, how in np.geterr().items()}

    def piece(*arguments: Any) -> None:
        with np.errstate(**strict):  # type: ignore[arg-type]
            function(*arguments[:-1], out=arguments[-1])

    blocks = Blocks(table, [], {})
    try:
        blocks.run(piece, None)
    except FloatingPointError:
        return None
    finally:
        blocks.forget()
    return out
