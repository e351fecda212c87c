"""Inside the calls that a tape keeps as one operation: what happened there."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape.explaining.entries import is_bad
from gradtape.explaining.operands import result_of
from gradtape.explaining.walk import Walk
from gradtape.nest import flatten
from gradtape.recording import only
from gradtape.replays import Replayed
from gradtape.tape import GradientTape
from gradtape.tensor import Tensor, bare
from gradtape.trace import Answer, Step, Trace

__all__ = ["inner_step", "inside_gradient", "replayed"]


def inner_step(trace: Trace, step: Step, key: Any) -> Any:
    """The key under which a result of a call was computed inside it, if the trace saw that."""
    out = result_of(step, key)
    for other in reversed(trace.steps[: step.number]):
        for inner, value in other.results:
            if value is out:
                return inner
    return None


def inside_gradient(walk: Walk, outer: Trace, step: Step) -> Any:
    """A trace of a gradient function on the cotangents that it got, after what went before.

    Returns
    -------
    The trace, and the key and entry of a value in it that is not finite; None if there is none.
    """
    primitive, out_key, *_ = walk.records[_number(walk, step)]
    trace = Trace()
    trace.steps, trace.maker, trace.names = [*outer.steps], {**outer.maker}, {**outer.names}
    cotangents = [Tensor(g) for g in _given(walk, step)]
    with np.errstate(all="ignore"), only((trace,)):
        keys = out_key if type(out_key) is tuple else (out_key,)
        shares = primitive.shares(cotangents, keys, ())
    for share in shares:
        if isinstance(share, Tensor) and share.key in trace.maker:
            bad = np.argwhere(is_bad(bare(share)))
            if len(bad):
                return trace, share.key, tuple(bad[0].tolist())
    return None


def replayed(walk: Walk, step: Step) -> tuple[Trace, Answer] | None:
    """A call that derivatives run again, run once more on a tape with a trace of its own."""
    call = step.primitive
    if type(call) is not Replayed:
        return None
    tape = GradientTape(persistent=True, watch_accessed_variables=False, trace=True)
    tape.tracked.update([t.key for t in call.inputs])
    with np.errstate(all="ignore"), only(()), call.uses.as_they_were(), tape:
        again = flatten(call._run())
    pairs = zip(again, _given(walk, step), strict=True)
    seeds = [(t.key, g) for t, g in pairs if isinstance(t, Tensor) and t.key is not None]
    assert tape.trace is not None
    flags = tape._selects, tape.masks_dead_branches, tape._replays
    return tape.trace, Answer(again, call.inputs, [], tape._records, seeds, *flags)


def _number(walk: Walk, step: Step) -> int:
    """The number of the record of a step."""
    return next(i for i, record in enumerate(walk.records) if record[1] == step.out_key)


def _given(walk: Walk, step: Step) -> list[Any]:
    """The cotangents that a call got, zeros where there was none."""
    given = walk.given(_number(walk, step))
    several = given if isinstance(given, list) else [given]
    return [
        np.zeros(shape, dtype)[()] if g is None else g
        for g, (shape, dtype) in zip(several, step.primitive.outs, strict=True)
    ]
