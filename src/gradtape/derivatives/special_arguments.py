"""Arguments of special functions that have no derivative here, and raise if they are tracked."""

from __future__ import annotations

from typing import Any

from gradtape import errors
from gradtape.rules import UFUNCS

__all__ = ["DEGREE", "ORDER", "PARAMETER", "refusing", "refusing_ufuncs"]

ORDER = "no derivative by the order is known in closed form; by the argument there is one"
DEGREE = "no derivative by the degree is known in closed form; by the argument there is one"
PARAMETER = "no derivative by this parameter is known in closed form; by the last argument there is"


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
