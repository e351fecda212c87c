"""Drawing random programs: line by line, each tried on bare arrays before it is taken."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import gradtape as gt
from fuzz import ways
from fuzz.programs import Program, Step
from fuzz.vocabulary import WORDS, Random, Word
from gradtape.errors import NoRuleError, TrackedConversionError

#: Values stay below this, and above it in number of entries: what is larger is not taken.
LARGEST = 30.0
ENTRIES = 48
SHAPES = [(), (1,), (2,), (3,), (4,), (2, 2), (2, 3), (3, 1), (1, 4), (3, 3), (2, 1, 3), (2, 2, 2)]
DTYPES = ["dd", "dd", "dd", "ff", "DD", "DD", "fd", "dD", "fF"]


def program(random: Random, length: int, without: Counter[str], share_of_cases: float) -> Program:
    """A random program of about so many lines; counts what it would take but has no rule."""
    kinds = DTYPES[random.integers(len(DTYPES))]
    inputs = tuple(
        [_input(random, kinds[random.integers(2)]) for _ in range(random.integers(1, 4))]
    )
    made = Program(inputs, (), ())
    values: list[Any] = list(inputs)
    for _ in range(4 * length):
        if len(made.steps) >= length:
            break
        case = random.random() < share_of_cases
        uses = (_recent(random, len(values)), _recent(random, len(values)))
        step = _case(random, uses, values) if case else _word(random, uses, values)
        value = None if step is None else attempt(step, values)
        if step is not None and value is not None and _has_rule(step, values, without):
            made = Program(inputs, (*made.steps, step), ())
            values.append(value)
    return Program(inputs, made.steps, _outputs(random, len(inputs), len(values))).pruned()


def _input(random: Random, dtype: str) -> Any:
    shape = SHAPES[random.integers(len(SHAPES))]
    x = random.normal(size=shape)
    x = x + 1j * random.normal(size=shape) if dtype in "FD" else x
    return np.asarray(np.round(x, 3)).astype(dtype)[()]


def _outputs(random: Random, first: int, count: int) -> tuple[int, ...]:
    """One to three values, the last among them."""
    chosen = {count - 1, *random.integers(min(first, count - 1), count, random.integers(0, 3))}
    return tuple(sorted({int(c) for c in chosen}))


def _word(random: Random, uses: tuple[int, ...], values: list[Any]) -> Step | None:
    """A line of the vocabulary, if it is smooth here."""
    word: Word = WORDS[random.integers(len(WORDS))]
    uses = uses[: word.arity]
    args = [values[u] for u in uses]
    if not word.complex_too and any([a.dtype.kind == "c" for a in args]):
        return None
    with np.errstate(all="ignore"):
        try:
            if not word.guard(*args):
                return None
        except (ValueError, TypeError):  # shapes that do not fit
            return None
    text = word.text.replace("{c}", str(round(float(random.uniform(0.1, 2)), 2)))
    return Step(text, uses, word.smooth)


def _recent(random: Random, count: int) -> int:
    """A number below the count; late ones are likelier."""
    return int(count - 1 - min(random.geometric(0.3) - 1, count - 1))


def _case(random: Random, uses: tuple[int, ...], values: list[Any]) -> Step | None:
    """A call of a function as one of the tests makes it."""
    cases = list(ways.all_cases().values())
    case = cases[random.integers(len(cases))]
    dtypes = [values[use].dtype.char for use in uses]
    if not case.complex_too:
        dtypes = [d.lower() for d in dtypes]  # of complex values it gets the real parts
    if not {*dtypes} <= {*case.every_dtype} or any([np.size(a) > ENTRIES for a in case.arguments]):
        return None
    args = []
    for i in range(len(case.arguments)):
        use = i % 2
        size = max(1.0, float(np.max(np.abs(values[uses[use]]), initial=0)))
        scale = float(f"{0.02 / size:.1e}")
        args.append(f"near({case.label!r}, {i}, {{{use}}}, {scale})")
    call = f"leaf(case_of({case.label!r})({', '.join(args)}), {random.integers(0, 2)})"
    used = uses[: min(len(case.arguments), 2)]
    return Step(call.replace("{1}", "{0}") if len(used) < 2 else call, used)


def attempt(step: Step, values: list[Any]) -> Any:
    """The value of a step, or None where it has none that is fit for differences."""
    with np.errstate(all="ignore"), no_part_lost():
        try:
            value = _run(step, values)
        except Exception:  # shapes that do not fit, domains, too few entries, parts lost
            return None
    if not isinstance(value, (np.ndarray, np.generic)) or value.dtype.char not in "fdFD":
        return None
    if not 0 < value.size <= ENTRIES or not np.all(np.abs(value) < LARGEST):
        return None
    return value


@contextmanager
def no_part_lost() -> Iterator[None]:
    """Raise where NumPy drops imaginary parts with a warning: what is dropped has no derivative."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", np.exceptions.ComplexWarning)
        yield


def _run(step: Step, values: list[Any]) -> Any:
    """What a step makes of values."""
    names = [f"v{u}" for u in step.uses]
    world = {n: values[u] for n, u in zip(names, step.uses, strict=True)}
    return eval(step.text.format(*names), {"np": np, **ways.helpers(np), **world})


def _has_rule(step: Step, values: list[Any], without: Counter[str]) -> bool:
    """Whether a tape can record the step."""
    tensors = [gt.constant(v) for v in values]
    with np.errstate(all="ignore"), gt.GradientTape() as tape:
        tape.watch(tensors)
        try:
            _run(step, tensors)
        except TrackedConversionError:
            return False  # a tensor written into a bare array
        except NoRuleError as error:
            without[str(error).split(" has ")[0].split(" on a ")[0]] += 1
            return False
        except Exception:
            return True  # a fault, which is to be found
    return True
