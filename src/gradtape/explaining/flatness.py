"""Why a gradient is all zeros: the operation at which a cotangent became 0."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape.explaining.explanation import Finding
from gradtape.explaining.operands import is_entrywise, plain_name, shown
from gradtape.explaining.sentences import called, place_lines
from gradtape.explaining.walk import Walk
from gradtape.places import Place
from gradtape.tensor import Tensor
from gradtape.trace import Step, Trace

__all__ = ["why_zero"]

_EXPONENTIALS = ("exp", "exp2", "exponential")
_PRODUCTS = ("multiply", "matmul", "dot", "einsum")
_PIECES = ("relu", "relu6", "clip", "leaky_relu", "hard_sigmoid")
_DIVISIONS = ("divide", "true_divide")
_STATIONARY = ("max", "min", "var", "std", "norm")
_POWERS = ("multiply", "divide", "true_divide", "square", "raised", "power")


def why_zero(trace: Trace, walk: Walk, source: Tensor, name: str) -> tuple[Finding, Step | None]:
    """Why a gradient is all zeros: what is said of it, and the operation with slope 0."""
    key = source.key
    while True:
        shares = walk.shares.get(key, [])
        if not shares:
            text = "the weights given as output_gradients are 0."
            return _zero(name, "cancels", None, text), None
        if any([np.any(share.array) for share in shares]):
            text = f"what the uses of {trace.names.get(key, 'a value')} contribute adds up to 0."
            return _zero(name, "cancels", trace.maker[_out(walk, shares[0])].place, text), None
        share = next((s for s in shares if _arrives(walk, s)), None)
        if share is not None:
            step = trace.maker[_out(walk, share)]
            reason, text = _of_zero_slope(trace, walk, share.record, share.slot, step)
            return _zero(name, reason, step.place, text), step
        key = _out(walk, shares[0])


def _zero(name: str, reason: str, place: Place | None, text: str) -> Finding:
    return Finding(
        cause=reason,
        headline=f"The gradient by {name} is 0.",
        line=place,
        sources=(name,),
        story=(text[:1].upper() + text[1:],),
        place=tuple(place_lines(place)) if place is not None else (),
    )


def _out(walk: Walk, share: Any) -> Any:
    key = walk.records[share.record][1]
    return key if type(key) is not tuple else next(k for k in key if k in walk.cotangents)


def _arrives(walk: Walk, share: Any) -> bool:
    """Whether the cotangent of the output is not 0."""
    given = walk.given(share.record)
    return any(
        [np.any(g) for g in (given if isinstance(given, list) else [given]) if g is not None]
    )


def _of_zero_slope(trace: Trace, walk: Walk, number: int, slot: int, step: Step) -> tuple[str, str]:
    """Why an operation makes zeros of a cotangent that is not 0."""
    primitive, what = step.primitive, called(step)
    rule = primitive.rules[slot] if hasattr(primitive, "rules") else None
    if rule is not None and rule.function == 0 and rule.pick is None:
        return "zero by nature", f"the derivative of {what} is 0 wherever there is one."
    if getattr(primitive, "selects", False) or plain_name(step) in _PIECES:
        text = f"{what} took another piece, or other entries: by this input it is constant here."
        return "flat piece", text
    if primitive.kind == "user":
        return "zero by nature", f"the gradient function of {step.name} gives 0."
    return _of_values(walk, number, slot, step)


def _of_values(walk: Walk, number: int, slot: int, step: Step) -> tuple[str, str]:
    """What of an operation's values makes its slope 0."""
    name, what, x = plain_name(step), called(step), np.asarray(step.values[slot])
    result = shown(step.results[0][1])
    small = ": the slope is too small to be anything but 0."
    others = [np.asarray(v) for i, v in enumerate(step.values) if i != slot]
    if name in _EXPONENTIALS and not np.any(step.out):
        return "underflow", f"{what} is {result} for {shown(x)}{small}"
    if not np.any(x) and len(set(step.keys)) == 1:
        return "stationary point", f"{what} has slope 0 at 0."
    if name in _PRODUCTS and any([not np.any(other) for other in others]):
        return "multiplied by zero", f"the other factor of {what} is 0 here."
    if name in _DIVISIONS and np.all(np.isinf(others[0])):
        return "saturated", f"{what} divides by an infinity: that is 0, and so is its slope."
    if not np.any(x) or name in _STATIONARY:
        return "stationary point", f"{what} has slope 0 at {shown(x)}."
    given = walk.given(number)
    several = given if isinstance(given, list) else [given]
    g = max([np.max(np.abs(one), initial=0.0) for one in several if one is not None])
    if g < np.sqrt(np.finfo(x.dtype).tiny):
        return "underflow", f"what comes back to {what} is so small that its product is 0."
    if name in _POWERS:
        return "underflow", f"{what} is {result}, for {shown(x)}{small}"
    if not is_entrywise(step):
        return "stationary point", f"what {what} gives does not change with its input here."
    return "saturated", f"{what} is {result} for {shown(x)}: it is flat there, to all digits."
