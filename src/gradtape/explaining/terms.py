"""The operations of a trace as terms: one spelling for what can be written in many ways.

A pattern is looked for in these. ``x * x``, ``x**2`` and ``np.square(x)`` are one term, ``1 + e``
is ``e + 1``, ``a + -b`` is ``a - b``, and what only passes a value on is not there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradtape.trace import Step, Trace

__all__ = ["IDENTITIES", "Ref", "Term", "Terms", "terms_of"]

#: What passes a value on as it is (a change of precision counts as that).
IDENTITIES = frozenset(["positive", "astype", "copy", "tf.identity"])

#: Other names of an operation.
NAMES = {
    "absolute": "abs",
    "fabs": "abs",
    "logistic": "expit",
    "loggamma": "gammaln",
    "soft_maximum": "softmax_of",
    "tf.abs": "abs",
    "tf.exp": "exp",
    "tf.log": "log",
    "tf.pow": "power",
    "tf.rsqrt": "rsqrt",
    "tf.sqrt": "sqrt",
    "tf.tanh": "tanh",
    "tf.where": "where",
    "true_divide": "divide",
}

#: What has axes as its first parameter, and whether they are kept as its last, if at all.
_REDUCTIONS = frozenset(["sum", "prod", "max", "min", "mean", "norm", "var", "softmax_of"])

#: What only changes an array's axes of length 1.
_RESHAPES = frozenset(["reshape", "getitem", "expand_dims", "squeeze"])


@dataclass(frozen=True, slots=True, eq=False)
class Ref:
    """A value of the trace: its key (None for a bare one) and what is in it."""

    key: Any
    value: Any

    @property
    def constant(self) -> float | complex | None:
        """The number that it is, the same in all entries; None for anything else."""
        if self.key is not None or isinstance(self.value, (str, bytes)):
            return None
        array = np.asarray(self.value)
        if array.size == 0 or array.dtype.kind not in "biufc":
            return None
        first = array.flat[0]
        if array.size > 1 and not np.all(array == first):
            return None
        number = first.item()
        return number if isinstance(number, complex) else float(number)


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """One way to see the operation that made a value.

    ``made`` are the steps that it consists of; ``axes`` and ``keepdims`` are a reduction's.
    """

    name: str
    inputs: tuple[Ref, ...]
    made: tuple[Step, ...]
    axes: tuple[int, ...] | None = None
    keepdims: bool = False


class Terms:
    """The terms of a trace."""

    def __init__(self, trace: Trace) -> None:
        self.trace, self.count = trace, len(trace.steps)
        self._same: dict[tuple[Any, Any], bool] = {}
        self._views: dict[Any, list[Term]] = {}
        self._users: dict[Any, list[Step]] = {}
        for step in trace.steps:
            for key in dict.fromkeys(step.keys):
                if key is not None:
                    self._users.setdefault(key, []).append(step)

    def users(self, step: Step) -> list[Step]:
        """The steps that use a step's result."""
        return [user for key, _ in step.results for user in self._users.get(key, ())]

    def uses(self, key: Any) -> list[Step]:
        """The steps that use a value."""
        return self._users.get(key, [])

    def inputs(self, step: Step) -> tuple[Ref, ...]:
        """What a step was given."""
        return tuple([Ref(k, v) for k, v in zip(step.keys, step.values, strict=True)])

    def maker(self, ref: Ref) -> Step | None:
        """The step that made a value."""
        return None if ref.key is None else self.trace.maker.get(ref.key)

    def origin(self, ref: Ref) -> tuple[Ref, tuple[Step, ...]]:
        """Where a value comes from before what only passed it on, and those steps."""
        passed: list[Step] = []
        step = self.maker(ref)
        while step is not None and step.name in IDENTITIES:
            passed.append(step)
            ref = Ref(step.keys[0], step.values[0])
            step = self.maker(ref)
        return ref, tuple(passed)

    def same(self, first: Ref, second: Ref) -> bool:
        """Whether two values were computed in the same way from the same values."""
        first, second = self.origin(first)[0], self.origin(second)[0]
        if first.key is None and second.key is None:
            return _alike(first.value, second.value)
        if first.key is None or second.key is None:
            return False
        if first.key == second.key:
            return True
        pair = (first.key, second.key)
        if pair not in self._same:
            one, two = self.maker(first), self.maker(second)
            self._same[pair] = (
                one is not None
                and two is not None
                and one.primitive is two.primitive
                and type(one.out_key) is not tuple
                and len(one.keys) == len(two.keys)
                and _alike(one.params, two.params)
                and all(map(self.same, self.inputs(one), self.inputs(two)))
            )
        return self._same[pair]

    def unreshaped(self, ref: Ref) -> tuple[Ref, tuple[Step, ...]]:
        """A value before axes of length 1 were added or dropped, and those steps."""
        passed: list[Step] = []
        while True:
            ref, steps = self.origin(ref)
            passed += steps
            step = self.maker(ref)
            if step is None or step.name not in _RESHAPES or not _same_but_for_ones(step):
                return ref, tuple(passed)
            passed.append(step)
            ref = Ref(step.keys[0], step.values[0])

    def views(self, ref: Ref) -> list[Term]:
        """All ways to see the operation that made a value."""
        if ref.key is None:
            return []
        if ref.key not in self._views:
            self._views[ref.key] = list(self._seen(ref))
        return self._views[ref.key]

    def _seen(self, ref: Ref) -> Iterator[Term]:
        ref, passed = self.origin(ref)
        step = self.maker(ref)
        if step is None or type(step.out_key) is tuple:
            return
        made = (*passed, step)
        name = NAMES.get(step.name, step.name)
        inputs = self.inputs(step)
        if name in ("raised", "power"):
            yield from _powers(inputs, step.params, made)
        elif name in ("add", "subtract"):
            yield from self._sums(name, inputs[0], inputs[1], made)
        elif name == "multiply":
            yield from self._products(inputs[0], inputs[1], made)
        elif name == "exponential":
            base = Ref(None, step.params[0]).constant
            yield Term("exp2" if base == 2 else "exp" if base == np.e else name, inputs, made)
        elif name == "rsqrt":
            yield Term("power", (inputs[0], Ref(None, -0.5)), made)
        elif name == "reciprocal":
            yield Term("divide", (Ref(None, 1), inputs[0]), made)
        elif name in _REDUCTIONS:
            yield from _reductions(name, inputs, step, made)
        else:
            yield Term(name, inputs, made)
        yield from self._dots(step, made)

    def _sums(self, name: str, a: Ref, b: Ref, made: tuple[Step, ...]) -> Iterator[Term]:
        """``a + -b`` is ``a - b``, and the other way round."""
        yield Term(name, (a, b), made)
        other = "subtract" if name == "add" else "add"
        opposite = self._negated(b)
        if opposite is not None:
            yield Term(other, (a, opposite[0]), (*made, *opposite[1]))
        if name == "add":
            opposite = self._negated(a)
            if opposite is not None:
                yield Term("subtract", (b, opposite[0]), (*made, *opposite[1]))
        elif a.constant == 0:
            yield Term("negative", (b,), made)

    def _negated(self, ref: Ref) -> tuple[Ref, tuple[Step, ...]] | None:
        """What a value is the negative of, where it is written so."""
        number = ref.constant
        if number is not None:
            return (Ref(None, -number), ()) if isinstance(number, float) and number < 0 else None
        ref, passed = self.origin(ref)
        step = self.maker(ref)
        if step is None:
            return None
        if step.name == "negative":
            return Ref(step.keys[0], step.values[0]), (*passed, step)
        return None

    def _products(self, a: Ref, b: Ref, made: tuple[Step, ...]) -> Iterator[Term]:
        yield Term("multiply", (a, b), made)
        if self.same(a, b):
            yield Term("square", (a,), made)
        for one, two in ((a, b), (b, a)):
            if one.constant == -1:
                yield Term("negative", (two,), made)

    def _dots(self, step: Step, made: tuple[Step, ...]) -> Iterator[Term]:
        """A product of a vector with itself, as the sum of squares that it is."""
        ref = Ref(step.out_key, step.out)
        if np.ndim(ref.value) != 0:
            return
        ref, passed = self.unreshaped(ref)
        product = self.maker(ref)
        if product is not None and product.name in ("matmul", "einsum", "vecdot", "dot"):
            if product.name == "einsum" and product.params != (("i", "i"), ""):
                return
            inputs = self.inputs(product)
            (x, _), (y, _) = self.unreshaped(inputs[0]), self.unreshaped(inputs[1])
            if self.same(x, y):
                makers = [self.maker(i) for i in inputs]
                steps = [m for m in makers if m is not None and m.name == "reshape"]
                yield Term("sum_of_squares", (x,), (*made, *passed, product, *steps), (-1,))


def terms_of(trace: Trace) -> Terms:
    """The terms of a trace, kept with it as long as nothing is added."""
    terms = trace.notes.get("terms")
    if terms is None or terms.count != len(trace.steps):
        terms = trace.notes["terms"] = Terms(trace)
    assert isinstance(terms, Terms)
    return terms


def _powers(inputs: tuple[Ref, ...], params: Any, made: tuple[Step, ...]) -> Iterator[Term]:
    x = inputs[0]
    exponent = inputs[1] if len(inputs) > 1 else Ref(None, params[0])
    number = exponent.constant
    if number == 2:
        yield Term("square", (x,), made)
    elif number == 0.5:
        yield Term("sqrt", (x,), made)
    elif number == -1:
        yield Term("divide", (Ref(None, 1), x), made)
    yield Term("power", (x, exponent), made)


def _reductions(
    name: str, inputs: tuple[Ref, ...], step: Step, made: tuple[Step, ...]
) -> Iterator[Term]:
    """A reduction with its axes; none where it has other options than these."""
    ndim = np.ndim(step.values[0])
    axes, *options = step.params
    axes = tuple(range(-ndim, 0)) if axes is None else tuple(axes)
    keepdims = bool(options.pop()) if options else False
    if not any(options):
        yield Term(name, inputs[:1], made, axes, keepdims)


def _same_but_for_ones(step: Step) -> bool:
    """Whether a step only added or dropped axes of length 1."""
    before, after = np.shape(step.values[0]), np.shape(step.out)
    return [n for n in before if n != 1] == [n for n in after if n != 1]


def _alike(first: Any, second: Any) -> bool:
    """Whether two bare values or nests of parameters are equal."""
    if first is second:
        return True
    if isinstance(first, (tuple, list)) and isinstance(second, (tuple, list)):
        return len(first) == len(second) and all(map(_alike, first, second))
    if isinstance(first, np.ndarray) or isinstance(second, np.ndarray):
        return np.array_equal(first, second)
    try:
        return bool(first == second)
    except ValueError:  # something that holds arrays
        return False
