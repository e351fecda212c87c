"""Digits that were lost: a computation done again with more of them, and compared.

A result is called bad only where another way of computing it could be good: its error must be far
larger than what the inputs' own last digits amount to. (That is backward stability: N. J. Higham,
"Accuracy and Stability of Numerical Algorithms", 2nd ed., SIAM 2002, sections 1.5 to 1.9.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gradtape.explaining.operands import Operand, entry, number, operands
from gradtape.explaining.sentences import called
from gradtape.explaining.walk import Walk
from gradtape.nest import flatten
from gradtape.recording import only
from gradtape.tape import GradientTape
from gradtape.tensor import Tensor
from gradtape.trace import Answer, Step, Trace

__all__ = ["Loss", "lost_digits"]

#: What would take long is left alone.
_MOST_STEPS = 2000
_MOST_ENTRIES = 1 << 16
#: How many times larger than unavoidable an error must be.
_FAR = 1e3
_SUMS = {"add", "subtract", "sum", "mean", "matmul", "einsum", "dot"}
#: Near 1 they are small, and what was rounded away beside the 1 is missing.
_LOGARITHMS = {"log", "log2", "log10"}
_WIDER = {np.dtype(np.float16): np.float32, np.dtype(np.float32): np.float64}


@dataclass(frozen=True)
class Loss:
    """Digits that were lost: where, by which source, and what is said of it."""

    step: Step
    source: int
    inputs: list[Operand]
    cotangents: dict[Any, Any]
    headline: str
    story: str


class _Run:
    """The recorded computation with wider numbers, its inputs moved by their last digit or not."""

    def __init__(self, trace: Trace, answer: Answer, wide: Any, moved: int) -> None:
        self.wide, self._moved = wide, moved
        self.tensors: dict[Any, Tensor] = {}
        with only(()), np.errstate(all="ignore"):
            tape = GradientTape(watch_accessed_variables=False)
            with tape:
                sources = [Tensor(self._widened(s.array, True)) for s in answer.sources]
                tape.watch(sources)
                self.tensors.update(
                    {s.key: t for s, t in zip(answer.sources, sources, strict=True)}
                )
                for step in _steps(trace, answer):
                    self._again(step)
            targets = [self.tensors[t.key] for t in flatten(answer.target)]
            self.values = [t.array for t in targets]
            seeds = [
                np.asarray(g).astype(t.dtype)
                for (_, g), t in zip(answer.seeds, targets, strict=True)
            ]
            found = tape.gradient(targets, sources, seeds, "zero")
            self.gradients = [g.array for g in found]

    def _again(self, step: Step) -> None:
        inputs = []
        for key, value in zip(step.keys, step.values, strict=True):
            if key is None:
                inputs.append(self._widened(value, np.ndim(value) > 0))
                continue
            if key not in self.tensors:
                self.tensors[key] = Tensor(self._widened(value, True))
            inputs.append(self.tensors[key])
        if step.name in ("astype", "converted"):
            self.tensors[step.out_key] = inputs[0]
            return
        out = step.primitive(*inputs, **dict(zip(step.primitive.params, step.params, strict=True)))
        if type(step.out_key) is tuple:
            self.tensors.update(dict(zip(step.out_key, out, strict=True)))
        else:
            self.tensors[step.out_key] = out

    def _widened(self, value: Any, data: bool) -> Any:
        """A value in the wider dtype; of data also with another last digit, if that is asked."""
        if getattr(value, "dtype", np.dtype(int)).kind != "f":
            return value
        wide = np.asarray(value).astype(self.wide)
        if data and self._moved:
            signs = np.ones(wide.size)
            signs[:: self._moved] = -1
            wide = wide * (1 + self.wide(np.finfo(value.dtype).eps) / 2 * signs.reshape(wide.shape))
        return wide[()]


def lost_digits(trace: Trace, answer: Answer, names: list[str]) -> Loss | None:
    """The subtraction in which a finite gradient, or the value, lost its digits.

    None where nothing was lost, or that cannot be told.
    """
    setting = _setting(trace, answer)
    if setting is None:
        return None
    wide, eps = setting
    try:
        exact, *moved = [_Run(trace, answer, wide, m) for m in (0, 1, 2)]
    except (TypeError, ValueError, KeyError, ArithmeticError):
        return None
    culprit = _culprit(trace, answer, exact, eps)
    if culprit is None:
        return None
    walk = Walk(answer)
    for i, (s, name) in enumerate(zip(answer.sources, names, strict=True)):
        now, true = walk.cotangents[s.key], exact.gradients[i]
        swing = _largest([np.abs(run.gradients[i] - true) for run in moved])
        if _is_lost(now, true, swing, eps, eps * _scale(walk, s.key)):
            return _told(trace, walk, culprit, exact, i, f"gradient by {name}", now, true)
    for t, true, *others in zip(
        flatten(answer.target), exact.values, *[run.values for run in moved], strict=True
    ):
        swing = _largest([np.abs(other - true) for other in others])
        believed = np.abs(t.array - true) < 20 * np.abs(true)
        if np.all(believed) and _is_lost(t.array, true, swing, eps, 0.0):
            return _told(trace, walk, culprit, exact, 0, "value", t.array, true)
    return None


def _steps(trace: Trace, answer: Answer) -> list[Step]:
    """The operations that the tape kept, in order."""
    return [trace.maker[r[1][0] if type(r[1]) is tuple else r[1]] for r in answer.records]


def _setting(trace: Trace, answer: Answer) -> Any:
    """The wider dtype and the precision of what was computed; None where nothing can be told."""
    steps = _steps(trace, answer)
    if not steps or len(steps) > _MOST_STEPS:
        return None
    if any([s.primitive.kind == "user" for s in steps]):
        return None
    arrays = [out for s in steps for _, out in s.results]
    dtypes = {np.asarray(a).dtype for a in arrays}
    if sum([np.size(a) for a in arrays]) > _MOST_ENTRIES or any([d.kind == "c" for d in dtypes]):
        return None
    floats = [d for d in dtypes if d.kind == "f"]
    if not floats:
        return None
    narrow = min(floats, key=lambda d: d.itemsize)
    wide: Any = _WIDER.get(narrow, np.longdouble)
    eps = float(np.finfo(narrow).eps)
    return (wide, eps) if np.finfo(wide).eps < eps / 100 else None


def _scale(walk: Walk, key: Any) -> float:
    """The largest of what was added up to a gradient."""
    shares = [share.array for share in walk.shares.get(key, ())]
    given = [walk.given(share.record) for share in walk.shares.get(key, ())]
    several = [g for one in given for g in (one if isinstance(one, list) else [one])]
    return float(
        max([np.max(np.abs(a), initial=0.0) for a in (*shares, *several) if a is not None])
    )


def _largest(arrays: list[Any]) -> Any:
    return np.max(np.stack(arrays), axis=0)


def _is_lost(now: Any, true: Any, swing: Any, eps: float, floor: float) -> bool:
    """Whether an error is large, and far larger than the inputs' last digits account for."""
    error = np.abs(now - true)
    large = error > eps**0.4 * np.abs(true)
    return bool(np.any(large & (error > _FAR * swing) & (error > _FAR * floor)))


def _culprit(trace: Trace, answer: Answer, exact: _Run, eps: float) -> Any:
    """The sum, or logarithm, whose result lost most digits, though its inputs had theirs."""
    worst, found = eps**0.4, None
    for record in answer.records:
        if type(record[1]) is tuple:
            continue
        step = trace.maker[record[1]]
        if step.name not in _SUMS | _LOGARITHMS:
            continue
        errors = _relative(step.out, exact.tensors[step.out_key].array)
        index = np.unravel_index(int(np.argmax(errors)), np.shape(errors))
        error = float(np.max(errors, initial=0.0))
        before = max(
            [
                float(np.max(_relative(value, exact.tensors[key].array), initial=0.0))
                for key, value in zip(step.keys, step.values, strict=True)
                if key in exact.tensors and step.name != "written"
            ],
            default=0.0,
        )
        if error > worst and error > 1e4 * before:
            worst, found = error, (step, tuple([int(i) for i in index]))
    return found


def _relative(now: Any, true: Any) -> Any:
    """The relative error of each entry."""
    error = np.abs(now - true)
    with np.errstate(all="ignore"):
        return np.where(error == 0, 0.0, error / np.maximum(np.abs(true), np.finfo(float).tiny))


def _digits(one: Any) -> str:
    """An input with all its digits."""
    value = one.value if np.ndim(one.value) else str(one.value)
    text = str(value)
    return f"{one.text} = {text}" if one.text and one.text != text else text


def _told(
    trace: Trace,
    walk: Walk,
    culprit: tuple[Step, Any],
    exact: _Run,
    source: int,
    what: str,
    now: Any,
    true: Any,
) -> Loss:
    """What is said of a loss."""
    step, index = culprit
    error = _relative(now, true)
    worst = np.unravel_index(int(np.argmax(error)), np.shape(error))
    value, good = number(np.asarray(now)[worst]), number(float(np.asarray(true)[worst]))
    wider = np.dtype(exact.wide).name.replace("float128", "longdouble")
    inputs = operands(trace, step, index)
    near = " and ".join([_digits(one) for one in inputs])
    right = number(float(entry(exact.tensors[step.out_key].array, index)))
    why = (
        f"takes the logarithm of a number that is nearly 1 ({near}): the digits beside the 1, "
        "which are all that it depends on, were rounded away"
        if step.name in _LOGARITHMS
        else f"subtracts numbers that are nearly equal ({near}): the digits that they have in "
        "common cancel, and their rounding errors stay"
    )
    return Loss(
        step,
        source,
        inputs,
        walk.cotangents,
        f"But the {what} has lost its digits: it is {value}, and the same computed in {wider} is "
        f"{good} (which may not be enough).",
        f"{called(step)} {why}. It gives {number(entry(step.out, index))} instead of {right}.",
    )
