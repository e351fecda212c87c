"""What the tests of the rules measure with: differences, gradients, and single recorded calls."""

import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

import gradtape as gt
from gradtape.recording import new_key, start, stop
from gradtape.rules import Elementwise
from gradtape.sweep import Cotangents

Arrays = tuple[Any, ...]


def leaves(value: Any) -> list[Any]:
    """The floating or complex outputs of a function that may give several."""
    several = value if isinstance(value, (tuple, list)) else [value]
    return [v for v in several if v.dtype.kind in "fc"]


def bare(value: Any) -> Any:
    """The array inside a tensor; anything else as it is."""
    return value.numpy() if isinstance(value, gt.Tensor) else value


def draw(like: Any, label: str) -> Any:
    """Normal numbers of the shape and dtype of an array, set by a label."""
    random = np.random.default_rng(zlib.crc32(label.encode()))
    values = random.normal(size=np.shape(like))
    if like.dtype.kind == "c":
        values = values + 1j * random.normal(size=np.shape(like))
    return np.asarray(values).astype(like.dtype)[()]


def inner(a: Any, b: Any) -> Any:
    """The inner product of real vectors: of the real and imaginary parts, for complex ones."""
    return np.real(np.sum(np.conjugate(a) * b))


def near(actual: Any, expected: Any, rtol: float, atol: float = 0.0, where: str = "") -> None:
    """What NumPy's ``assert_allclose`` says; it is asked only where a quick look finds something.

    It takes as long as many a rule.
    """
    if np.shape(actual) == np.shape(expected) and np.asarray(actual).dtype.kind in "fc":
        with np.errstate(all="ignore"):
            off = np.abs(np.subtract(actual, expected))
            if np.all((off <= atol + rtol * np.abs(expected)) & (off < np.inf)):
                return
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol, err_msg=where)


# Functions, their projections and gradients -----------------------------------------------------


def weights(function: Callable[..., Any], arguments: Arrays) -> list[Any]:
    """A random weight for every entry of the outputs."""
    outs = leaves(function(*arguments))
    return [draw(out, f"weight {i}") for i, out in enumerate(outs)]


def projected(function: Callable[..., Any], ws: list[Any]) -> Callable[..., Any]:
    """The weighted sum of the outputs, of bare arrays."""

    def value(*arguments: Any) -> Any:
        outs = leaves(function(*arguments))
        return sum([inner(w, out) for w, out in zip(ws, outs, strict=True)])

    return value


def gradient(function: Callable[..., Any], ws: list[Any]) -> Callable[..., list[Any]]:
    """The gradient of the weighted sum by every argument, of bare arrays or of tensors."""

    def derivative(*arguments: Any) -> list[Any]:
        xs = [a if isinstance(a, gt.Tensor) else gt.constant(a) for a in arguments]
        with gt.GradientTape() as tape:
            tape.watch(xs)
            outs = function(*xs)
        # What is zero by nature comes back as a bare array.
        pairs = [(o, w) for o, w in zip(leaves(outs), ws, strict=True) if isinstance(o, gt.Tensor)]
        targets, seeds = [list(part) for part in zip(*pairs, strict=True)] if pairs else ([], [])
        return tape.gradient(targets, xs, seeds, unconnected_gradients="zero")

    def of_arrays(*arguments: Any) -> list[Any]:
        results = derivative(*arguments)
        traced = any([isinstance(a, gt.Tensor) for a in arguments])
        return results if traced else [bare(g) for g in results]

    return of_arrays


def along(
    value: Callable[..., Any],
    arguments: Arrays,
    direction: Arrays,
    step: float = 0.02,
    enough: float = 0.0,
) -> Any:
    """The derivative of a number along a direction, by extrapolated central differences.

    L. F. Richardson's extrapolation to step zero; of the table, the entry whose neighbours agree
    best. It ends early where they agree to ``enough``.
    """

    def central(h: float) -> Any:
        ahead = value(*[a + h * d for a, d in zip(arguments, direction, strict=True)])
        behind = value(*[a - h * d for a, d in zip(arguments, direction, strict=True)])
        return (ahead - behind) / (2 * h)

    row = [central(step)]
    best, error = row[0], np.inf
    for k in range(1, 7):
        before, row = row, [central(step / 2**k)]
        for j in range(1, k + 1):
            row.append(row[-1] + (row[-1] - before[j - 1]) / (4**j - 1))
            near = max(abs(row[-1] - row[-2]), abs(row[-1] - before[j - 1]))
            if near <= error:
                best, error = row[-1], near
        if error < enough:
            break
    return best


def directions(
    arguments: Arrays, count: int, extended: bool = True, start: int = 0
) -> Iterator[Arrays]:
    """Random directions of length about one, in extended precision; those from a number on."""
    for k in range(start, start + count):
        drawn = [draw(a, f"direction {k} {i}") for i, a in enumerate(arguments)]
        length = np.sqrt(sum([inner(d, d) for d in drawn])) or 1
        yield tuple([widened(d / length, extended) for d in drawn])


def widened(array: Any, extended: bool = True) -> Any:
    """An array in the widest dtype of its kind, or in double precision."""
    wide, complex_one = (np.longdouble, np.clongdouble) if extended else (np.double, np.cdouble)
    return np.asarray(array).astype(complex_one if array.dtype.kind == "c" else wide)[()]


# Single calls of primitives -----------------------------------------------------------------------


class Call(NamedTuple):
    """One call of a primitive, and which of its inputs have a derivative.

    Of a primitive with several outputs (``outs``), one output: the others have no cotangent.
    """

    primitive: Any
    arrays: Arrays
    params: Arrays
    out: Any
    mask: int
    outs: Any = None
    which: int = 0

    def record(self) -> Any:
        """What a tape keeps of it."""
        inputs = [gt.constant(a) if self.mask >> i & 1 else a for i, a in enumerate(self.arrays)]
        with gt.GradientTape() as tape:
            tape.watch([t for t in inputs if isinstance(t, gt.Tensor)])
            self.primitive(*inputs, **dict(zip(self.primitive.params, self.params, strict=True)))
        return tape._records[0]

    def pull(self, g: Any, batch: Arrays, record: Any = None) -> dict[int, Any]:
        """Each input's cotangent; of a call that was recorded, if it is given."""
        record = self.record() if record is None else record
        places = {key: i for i, key in enumerate(record[3]) if record[2] >> i & 1}
        shares = Cotangents()
        if self.outs is not None:
            g = [g if i == self.which else None for i in range(len(self.outs))]
        with np.errstate(all="ignore"):
            self.primitive.pull(g, record, batch, shares)
        return {places[key]: share for key, share in shares.items()}

    def push(self, i: int, t: Any, batch: Arrays) -> Any:
        """The output's tangent from that of one input."""
        tangents: list[Any] = [None] * len(self.arrays)
        tangents[i] = t
        alive = [None] * len(self.arrays)
        values = (*self.arrays, *((self.out,) if self.outs is None else self.outs))
        with np.errstate(all="ignore"):
            pushed = self.primitive.push(tangents, alive, values, self.params, batch)[0]
        if self.outs is None:
            return pushed
        zeros = np.zeros(batch + np.shape(self.out), self.out.dtype)
        return zeros if pushed[self.which] is None else pushed[self.which]

    def wanted(self) -> list[int]:
        """The inputs that have a derivative."""
        return [i for i in range(len(self.arrays)) if self.mask >> i & 1]


class Listener:
    """A recorder that collects the calls that depend on what it tracks."""

    def __init__(self) -> None:
        self.tracked: set[Any] = set()
        self.calls: list[Call] = []

    def tracks(self, tensor: Any) -> bool:
        """Whether a use of the tensor would be recorded."""
        return tensor.key in self.tracked

    def record(
        self, primitive: Any, keys: Any, inputs: Any, arrays: Any, params: Any, out: Any, key: Any
    ) -> Any:
        """Collect a call, and track its output."""
        rules = primitive.rules if isinstance(primitive, Elementwise) else primitive.pulls
        mask = 0
        for i, in_key in enumerate(keys):
            rule = rules[i] if len(rules) == len(keys) else rules[0]
            if rule is not None and in_key in self.tracked:
                mask |= 1 << i
        if not mask:
            return key
        key = key or new_key()
        several = type(key) is tuple
        self.tracked.update(key if several else (key,))
        for i, one in enumerate(out if several else (out,)):
            if not several or getattr(one, "dtype", np.dtype(int)).kind in "fc":
                outs = out if several else None
                self.calls.append(Call(primitive, tuple(arrays), params, one, mask, outs, i))
        return key


@contextmanager
def listening(*tensors: Any) -> Iterator[Listener]:
    """Collect the calls in the block that depend on the tensors."""
    listener = Listener()
    for t in tensors:
        t.key = new_key()
        listener.tracked.add(t.key)
    start(listener)
    try:
        yield listener
    finally:
        stop(listener)


def calls(function: Callable[..., Any], arguments: Arrays) -> list[Call]:
    """Every call that a function and its gradient make; of like calls, the first."""
    xs = [gt.constant(a) for a in arguments]
    ws = weights(function, arguments)
    with listening(*xs) as listener:
        gradient(function, ws)(*xs)
    found: dict[Any, Call] = {}
    for call in listener.calls:
        shapes = tuple([np.shape(a) for a in call.arrays])
        name = (call.primitive.name, call.which)
        found.setdefault((name, call.mask, shapes, repr(call.params)), call)
    return list(found.values())
