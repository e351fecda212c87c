"""Arguments of special functions that have no derivative here, and raise if they are tracked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradtape import errors
from gradtape.rules import UFUNCS, Elementwise, meaning, strip

__all__ = [
    "DEGREE",
    "ORDER",
    "PARAMETER",
    "blockwise",
    "like",
    "refusing",
    "refusing_ufuncs",
    "several",
    "ufunc_behind",
]

ORDER = "no derivative by the order is known in closed form; by the argument there is one"
DEGREE = "no derivative by the degree is known in closed form; by the argument there is one"
PARAMETER = "no derivative by this parameter is known in closed form; by the last argument there is"

#: How many entries are computed at a time.
_BLOCK = 4096


def refusing(primitive: Any, reasons: dict[int, str], function: Any = None) -> Any:
    """Make a primitive raise when an argument is tracked by which it has no derivative.

    Parameters
    ----------
    primitive : an Elementwise or a Primitive whose rule for those arguments is None.
    reasons : per position of such an argument, why, or what to do instead.
    function : the function that the error names, if not the one that the primitive computes.

    Returns
    -------
    The same primitive. A tape raises when it records the call, a forward accumulator when it
    pushes a tangent: a gradient is never dropped in silence.
    """
    notes, push = primitive.notes, primitive.push

    def refuse(i: int) -> None:
        raise errors.no_rule_for_argument(
            primitive.compute if function is None else function, primitive.names[i], reasons[i]
        )

    def noted(mask: int, arrays: Any, out: Any) -> Any:
        for i in reasons:
            if mask >> i & 1:
                refuse(i)
        return notes(mask, arrays, out)

    def pushed(tangents: Any, *rest: Any) -> Any:
        for i in reasons:
            if tangents[i] is not None:
                refuse(i)
        return push(tangents, *rest)

    primitive.notes, primitive.push, primitive.noted = noted, pushed, True
    return primitive


def refusing_ufuncs(reasons: dict[int, str], *ufuncs: Any) -> None:
    """``refusing`` for registered ufuncs."""
    for ufunc in ufuncs:
        refusing(UFUNCS[ufunc], reasons, ufunc)


def several(
    ufunc: Any, names: tuple[str, ...], *partials: Any, reasons: dict[int, str] | None = None
) -> None:
    """Register a ufunc with several outputs.

    Parameters
    ----------
    ufunc : what computes the outputs, once in a call.
    names : of its arguments.
    partials : per output, what Elementwise takes: one by the only argument, or one by each.
    reasons : what ``refusing`` takes, for arguments whose partials are None.

    Each output comes from a primitive of its own, which takes the arguments and the value that it
    has at them.
    """
    primitives = []
    for i, by in enumerate(partials):
        each = (by if isinstance(by, tuple) else (by,)) + (None,)
        name = f"{ufunc.__name__} {i}"
        output = Elementwise(
            lambda *arguments: arguments[-1], each, names=(*names, "value"), name=name
        )
        primitives.append(refusing(output, reasons, ufunc) if reasons else output)

    def binder(*arguments: Any) -> Any:
        values = ufunc(*[strip(a) for a in arguments])
        return tuple([p(*arguments, v) for p, v in zip(primitives, values, strict=True)])

    meaning(ufunc)(binder)


def blockwise(function: Callable[..., Any], *arrays: Any, block: int = _BLOCK) -> Any:
    """Compute in double precision, some entries at a time, what needs much memory for each.

    ``function`` takes arrays of one axis and gives one like them; the result has the shape that the
    arrays broadcast to, and their common dtype.
    """
    dtype = np.result_type(np.float32, *arrays)
    wide = np.complex128 if dtype.kind == "c" else np.float64
    whole = np.broadcast_arrays(*[np.asarray(a, wide) for a in arrays])
    flat = [a.ravel() for a in whole]
    out = np.empty(flat[0].shape, dtype)
    for start in range(0, out.size, block):
        part = slice(start, start + block)
        out[part] = function(*[a[part] for a in flat])
    return out.reshape(whole[0].shape)[()]


def like(result: Any, x: Any) -> Any:
    """A result in the precision of x, where SciPy only has the function in double precision."""
    dtype = np.result_type(x.dtype, np.float32)
    return result if result.dtype == dtype else result.astype(dtype)


class _Probe:
    """What shows which ufunc it is given to."""

    def __array_ufunc__(self, ufunc: Any, *_: Any, **__: Any) -> Any:
        return ufunc


def ufunc_behind(function: Callable[..., Any], *others: Any) -> Any:
    """The ufunc to which a Python function of SciPy passes its first argument on, as it came."""
    return function(_Probe(), *others)
