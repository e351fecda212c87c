"""A traced computation done again, with something else in place of one of its operations."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from gradtape.nest import flatten
from gradtape.recording import only
from gradtape.tape import GradientTape
from gradtape.tensor import Tensor, bare
from gradtape.trace import Step, Trace
from gradtape.variable import Variable

__all__ = ["FAILURES", "Change", "gradient_again", "quietly", "repeated", "tape_of"]

#: What may happen when something is computed that was not meant to be.
FAILURES = (ArithmeticError, AttributeError, ImportError, LookupError, TypeError, ValueError)

#: What stands in place of a step: its result, from the values known by key.
Change = Callable[[dict[Any, Any]], Any]

#: Longer computations are not done again.
_MOST = 20_000


@contextmanager
def quietly() -> Iterator[None]:
    """No recorder sees what happens in the block, and NumPy does not warn."""
    with only(()), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def tape_of(masks: bool) -> tuple[Any, Any]:
    """The classes of a tape that masks dead branches or not, and of its variables."""
    if masks:
        return GradientTape, Variable
    tf = importlib.import_module("gradtape.tf")
    return tf.GradientTape, tf.Variable


def repeated(
    steps: Iterable[Step], known: dict[Any, Any], changes: dict[Step, Change]
) -> dict[Any, Any]:
    """The values of the steps that depend on what is known, added to that."""
    for step in steps:
        if not any([k in known for k in step.keys if k is not None]):
            continue
        if step in changes:
            outs = [changes[step](known)]
            keys = [step.out_key]
        else:
            inputs = [known.get(k, v) for k, v in zip(step.keys, step.values, strict=True)]
            params = dict(zip(step.primitive.params, step.params, strict=True))
            out = step.primitive(*inputs, **params)
            several = type(step.out_key) is tuple
            keys, outs = (list(step.out_key), list(out)) if several else ([step.out_key], [out])
        known.update(zip(keys, outs, strict=True))
    return known


def gradient_again(trace: Trace, changes: dict[Step, Change], source_key: Any) -> Any:
    """The gradient by a source with changes made; None where it cannot be computed again."""
    answer = trace.answers[-1] if trace.answers else None
    users = [s for s in trace.steps if source_key in s.keys]
    if answer is None or not users or len(trace.steps) > _MOST:
        return None
    value = users[0].values[users[0].keys.index(source_key)]
    tape_class, variable = tape_of(answer.masks)
    with quietly():
        try:
            x = variable(value)
            with tape_class() as tape:
                known = repeated(trace.steps, {source_key: x}, changes)
                targets = [known[t.key] for t in flatten(answer.target) if t.key in known]
            targets = [t for t in targets if isinstance(t, Tensor)]
            return bare(tape.gradient(targets, x)) if targets else None
        except FAILURES:
            return None
