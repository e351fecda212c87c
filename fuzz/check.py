"""Computing the derivatives of a program in every way, and comparing them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import gradtape as gt
from fuzz.programs import Program
from gradtape.errors import NoRuleError, TrackedConversionError
from tests.rules import tools

#: Programs whose derivatives are larger than this are left out: differences lose their digits.
STEEPEST = 1e4

WIDE = {"f": np.longdouble, "c": np.clongdouble}
DOUBLE = {"f": np.float64, "c": np.complex128}


class UnfitError(Exception):
    """The program cannot be judged: it has no rule, or no trustworthy differences."""


@dataclass(frozen=True)
class Disagreement:
    """Two ways that give different derivatives of a program.

    Attributes
    ----------
    kind : what disagrees with what.
    expected, actual : the two, as text.
    """

    kind: str
    expected: str
    actual: str


def differences(value: Callable[..., Any], inputs: Any, direction: Any, extended: bool) -> Any:
    """A directional derivative and how far it can be trusted, by two sets of differences."""
    wide = [tools.widened(x, extended) for x in inputs]
    first, second = [
        tools.along(value, tuple(wide), direction, step=step) for step in (0.004, 0.0026)
    ]
    error = abs(float(first - second))
    if not np.isfinite(float(first)) or error > 1e-6 * (1 + abs(float(first))):
        raise UnfitError("no trustworthy differences")
    return float(first), error


def takes_extended(program: Program) -> bool:
    """Whether the program runs in extended precision, with the values that it has in double."""
    wide = program.cast(WIDE)
    try:
        outs = wide.function()(*wide.inputs)
    except Exception:
        return False
    return all([o.dtype.char in "gG" for o in outs])


def disagreement(program: Program, second: bool = True, whole: bool = True) -> Disagreement | None:
    """The first disagreement between tape, forward mode, nested tapes and differences.

    Raises
    ------
    UnfitError : the program cannot be judged.
    """
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _disagreement(program, second, whole)
        except (NoRuleError, TrackedConversionError) as error:
            raise UnfitError(f"no rule: {error}") from None


def _disagreement(program: Program, second: bool, whole: bool) -> Disagreement | None:
    exact = program.cast(DOUBLE)
    function, inputs = exact.function(), exact.inputs
    extended = takes_extended(exact)
    outs = function(*inputs)
    ws = tools.weights(function, inputs)
    once = tools.gradient(function, ws)
    gradients = once(*inputs)
    found = _against_differences("tape", tools.projected(function, ws), gradients, inputs, extended)
    found = found or _of_values(program) or _forward(function, ws, gradients, inputs)
    if not found and whole:
        found = _jacobian(function, outs, ws, gradients, inputs)
    if not found and second:
        us = tools.weights(once, inputs)
        twice = tools.gradient(once, us)(*inputs)
        found = _against_differences(
            "nested tapes", tools.projected(once, us), twice, inputs, False
        ) or _forward_over_reverse(function, ws, us, twice, inputs)
    return found


def _against_differences(
    kind: str, value: Any, gradients: Any, inputs: Any, extended: bool
) -> Disagreement | None:
    """A gradient and differences along two directions."""
    length = np.sqrt(sum([tools.inner(g, g) for g in gradients]))
    for direction in tools.directions(inputs, 2, extended):
        expected, error = differences(value, inputs, direction, extended)
        if abs(expected) > STEEPEST or length > STEEPEST:
            raise UnfitError("too steep")
        actual = float(sum([tools.inner(g, d) for g, d in zip(gradients, direction, strict=True)]))
        allowed = 1e-6 * (1 + min(length, STEEPEST) + abs(expected)) + 100 * error
        if not abs(actual - expected) <= allowed:
            return Disagreement(f"{kind} and differences", f"{expected:.12g}", f"{actual:.12g}")
    return None


def close(kind: str, expected: Any, actual: Any, rtol: float = 1e-9) -> Disagreement | None:
    """Two lists of arrays, compared by the size of all entries."""
    size = 1 + max([float(np.max(np.abs(e), initial=0)) for e in expected], default=0.0)
    for e, a in zip(expected, actual, strict=True):
        fits = np.shape(e) == np.shape(a) and np.all(np.abs(np.subtract(a, e)) <= rtol * size)
        if not fits:
            return Disagreement(kind, repr(e), repr(a))
    return None


def _of_values(program: Program) -> Disagreement | None:
    """Values, dtypes and gradients in the program's own dtypes."""
    expected = program.function()(*program.inputs)
    xs = [gt.constant(x) for x in program.inputs]
    with gt.GradientTape() as tape:
        tape.watch(xs)
        actual = program.function()(*xs)
    targets = [a for a in actual if isinstance(a, gt.Tensor)]
    for e, a in zip(expected, actual, strict=True):
        if (e.dtype, e.shape) != (a.dtype, a.shape):
            return Disagreement(
                "value and NumPy's: dtype or shape", f"{e.dtype} {e.shape}", f"{a.dtype} {a.shape}"
            )
    eps = max([float(np.finfo(e.dtype).eps) for e in expected])
    found = close("value and NumPy's", expected, [tools.bare(a) for a in actual], 1e3 * eps)
    if found or not targets:
        return found
    gradients = tape.gradient(targets, xs, unconnected_gradients="zero")
    for x, g in zip(program.inputs, gradients, strict=True):
        if (g.dtype, g.shape) != (x.dtype, np.shape(x)):
            return Disagreement(
                "gradient and source: dtype or shape",
                f"{x.dtype} {np.shape(x)}",
                f"{g.dtype} {g.shape}",
            )
    if all([x.dtype.char in "dD" for x in program.inputs]):
        return None
    exact = program.cast(DOUBLE)
    ones = [np.ones_like(o) for o in exact.function()(*exact.inputs)]
    double = tools.gradient(exact.function(), ones)(*exact.inputs)
    return close("gradient in float32 and in float64", double, map(tools.bare, gradients), 2e-2)


def _forward(function: Any, ws: Any, gradients: Any, inputs: Any) -> Disagreement | None:
    """Forward mode and the tape."""
    xs = [gt.constant(x) for x in inputs]
    tangents = [tools.draw(x, f"tangent {i}") for i, x in enumerate(inputs)]
    with gt.ForwardAccumulator(xs, [gt.constant(t) for t in tangents]) as accumulator:
        outs = function(*xs)
    pushed = [_pushed(accumulator, out) for out in outs]
    ahead = sum([tools.inner(w, t) for w, t in zip(ws, pushed, strict=True)])
    back = sum([tools.inner(g, t) for g, t in zip(gradients, tangents, strict=True)])
    return close("tape and forward mode", [np.float64(back)], [np.float64(ahead)], 1e-8)


def _pushed(accumulator: Any, out: Any) -> Any:
    if not isinstance(out, gt.Tensor):
        return np.zeros(out.shape)
    return tools.bare(accumulator.jvp(out, unconnected_gradients="zero"))


def _jacobian(function: Any, outs: Any, ws: Any, gradients: Any, inputs: Any) -> Any:
    """The rows of the Jacobians, weighted, and the gradient."""
    if sum([o.size for o in outs]) > 40:
        return None
    xs = [gt.constant(x) for x in inputs]
    with gt.GradientTape(persistent=True) as tape:
        tape.watch(xs)
        results = function(*xs)
    if any([v.dtype.kind == "c" for v in (*inputs, *outs)]):
        return None  # the rows are gradients of the real parts only
    sums: list[Any] = [np.zeros(np.shape(x)) for x in inputs]
    for out, w in zip(results, ws, strict=True):
        if isinstance(out, gt.Tensor):
            rows = tape.jacobian(out, xs, unconnected_gradients="zero")
            for i, row in enumerate(rows):
                sums[i] = sums[i] + np.tensordot(w, tools.bare(row), np.ndim(w))
    return close("tape and Jacobian", gradients, sums, 1e-9)


def _forward_over_reverse(function: Any, ws: Any, us: Any, twice: Any, inputs: Any) -> Any:
    """The Hessian times a vector, by forward mode over a tape and by nested tapes."""
    xs = [gt.constant(x) for x in inputs]
    tangents = [tools.draw(x, f"tangent {i}") for i, x in enumerate(inputs)]
    with gt.ForwardAccumulator(xs, [gt.constant(t) for t in tangents]) as accumulator:
        firsts = tools.gradient(function, ws)(*xs)
    pushed = [_pushed(accumulator, g) for g in firsts]
    ahead = sum([tools.inner(u, t) for u, t in zip(us, pushed, strict=True)])
    back = sum([tools.inner(g, t) for g, t in zip(twice, tangents, strict=True)])
    size = 1 + float(np.sqrt(sum([tools.inner(g, g) for g in twice])))
    return close("nested tapes and forward over reverse", [back / size], [ahead / size], 1e-8)
