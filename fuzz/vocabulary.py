"""The lines that a random program is made of, besides the tests' ways of calling each function.

A guard looks at the values and says whether the line is smooth there: away from kinks, ties, poles
and cuts, so that differences mean something.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Guard = Callable[..., bool]
Random = np.random.Generator

GAP = 0.05
NEAR = 0.002


@dataclass(frozen=True)
class Word:
    """A line of code with holes: ``{0}``, ``{1}`` for values, ``{c}`` for a number between 0 and 2.

    Attributes
    ----------
    text : the expression.
    guard : whether it is smooth at these values.
    complex_too : whether complex values may stand in the holes.
    smooth : False where a branch that is not taken has no derivative: others give NaN there.
    """

    text: str
    guard: Guard = lambda *values: True
    complex_too: bool = True
    smooth: bool = True

    @property
    def arity(self) -> int:
        """How many values it takes."""
        return 1 + ("{1}" in self.text)


def away(*values: Any) -> bool:
    """No entry of the last value is close to 0; of complex ones, nor to the negative axis."""
    x = values[-1]
    if x.dtype.kind == "c":
        return bool(np.all((x.real > GAP) | (np.abs(x.imag) > GAP)))
    return bool(np.all(np.abs(x) > GAP))


def positive(x: Any, *_: Any) -> bool:
    """Entries are above 0, or off the negative axis."""
    return away(x) and (x.dtype.kind == "c" or bool(np.all(x > 0)))


def distinct(x: Any) -> bool:
    """No two entries are close."""
    entries = np.sort(np.ravel(x))
    return bool(np.all(np.diff(entries) > NEAR))


def apart(x: Any, y: Any) -> bool:
    """Entry by entry the two values are not close."""
    return bool(np.all(np.abs(x - y) > NEAR))


def off(*levels: float) -> Guard:
    """No entry is close to one of some levels."""
    return lambda x, *_: all([bool(np.all(np.abs(x - level) > NEAR)) for level in levels])


def inside(bound: float) -> Guard:
    """The entries are smaller than a bound."""
    return lambda x, *_: bool(np.all(np.abs(x) < bound))


def long(n: int) -> Guard:
    """There are at least so many entries along the first axis."""
    return lambda x, *_: x.ndim > 0 and x.shape[0] >= n


def spread_out(x: Any) -> bool:
    """The deviation is not close to 0."""
    return x.size > 1 and bool(np.std(x) > GAP)


SMOOTH = [
    *("np.sin({0})", "np.cos({0} + {c})", "np.exp(-({0} * {c}))", "np.square({0})"),
    *("-{0}", "{0} + {c}", "{c} - {0}", "{0} * {c}", "{0} / 3", "{0}**2", "{0}**3", "2.0**{0}"),
    *("np.expm1({0} / 4)", "np.sinh({0} / 2)", "np.cosh({0} / 2)", "{0} * {0}", "{0} + {0}"),
    *("np.conjugate({0})", "np.real({0})", "np.imag({0}) + {0}", "np.positive({0})", "+{0}"),
    *("np.exp2({0} / 2)", "np.multiply({0}, {c})", "np.subtract({c}, {0})"),
]
REAL = [
    *("np.tanh({0})", "np.arctan({0})", "np.arcsinh({0})", "np.exp(-({0}**2))"),
    *(
        "1 / (1 + {0}**2)",
        "np.logaddexp({0}, {c})",
        "np.sqrt(1 + {0}**2)",
        "np.hypot({0}, 1 + {c})",
    ),
    *("np.log1p({0}**2)", "np.deg2rad({0})", "np.arctan2({0}, 1 + {c})", "np.logaddexp2({0}, 0)"),
    *("np.log(2 + np.cos({0}))", "np.arcsin(np.sin({0}) / 2)", "np.arccosh(2 + {0}**2)"),
]
SHAPES = [
    *(
        "np.ravel({0})",
        "np.reshape({0}, -1)",
        "np.ravel({0}, order='F')",
        "{0}.T",
        "{0}[..., None]",
    ),
    *("{0}[None]", "np.squeeze({0})", "np.flip({0})", "np.roll({0}, 1)", "np.tile({0}, 2)"),
    *("np.repeat({0}, 2)", "np.atleast_2d({0})", "np.expand_dims({0}, 0)", "np.stack([{0}, {0}])"),
    *("np.concatenate([{0}, {0} * 2], axis=0)", "np.transpose({0})", "{0}[..., ::-1]"),
    *("np.swapaxes({0}, 0, -1)", "np.moveaxis({0}, 0, -1)", "np.pad({0}, 1)", "np.copy({0})"),
    *("np.pad({0}, 1, mode='edge')", "np.tril({0})", "np.triu({0}, 1)", "np.diag({0})"),
    *("np.diagonal({0})", "np.trace({0})", "np.broadcast_to({0}, (2, *{0}.shape))", "{0}[-1]"),
    *("np.array_split({0}, 2)[0]", "np.take({0}, [0, 0, -1])", "{0}[[0, -1, 0]]", "{0}[..., 0]"),
    *("np.where(np.arange({0}.shape[-1]) % 2 == 0, {0}, 0)", "np.flip({0}, 0)", "{0}[1:]"),
    *("np.roll({0}, -1, axis=0)", "np.outer({0}, {0})", "{0}[0, ..., 1:]", "np.hstack([{0}, {0}])"),
]
SUMS = [
    *("np.sum({0})", "np.sum({0}, axis=0)", "np.mean({0})", "np.mean({0}, axis=-1)"),
    *("np.sum({0}, axis=-1, keepdims=True)", "np.prod({0})", "np.prod({0}, axis=0)"),
    *("np.cumsum({0})", "np.cumsum({0}, axis=0)", "np.cumprod({0})", "np.cumprod({0}, axis=-1)"),
    *("np.var({0})", "np.var({0}, axis=0)", "{0} - np.mean({0}, axis=0)", "np.vdot({0}, {0})"),
    *("np.linalg.norm({0})**2", "np.sum({0}, where=np.arange({0}.shape[-1]) > 0)"),
    *("np.diff({0})", "np.average({0}, axis=0)", "np.trapezoid({0})", "np.gradient({0})"),
]
GUARDED = [
    *[Word(t, away) for t in ("1 / {0}", "np.reciprocal({0})", "{0}**-2", "np.abs({0})")],
    *[Word(t, positive) for t in ("np.log({0})", "np.sqrt({0})", "{0}**1.5", "{0}**0.5")],
    *[Word(t, positive) for t in ("np.log10({0})", "np.power({0}, {c})", "np.log2({0})")],
    *[Word(t, away, False) for t in ("np.cbrt({0})", "np.sign({0}) * {0}", "np.fabs({0})")],
    *[Word(t, away, False) for t in ("np.maximum({0}, 0)", "np.where({0} > 0, {0}, {0} * 2)")],
    *[Word(t, away, False) for t in ("np.copysign({0}, {c})", "np.minimum({0}, -{0})")],
    Word("np.angle({0})", away),
    Word("np.clip({0}, -0.5, 0.5)", off(-0.5, 0.5), False),
    Word("np.maximum({0}, 0.5)", off(0.5), False),
    Word("np.arcsin({0})", inside(0.9), False),
    Word("np.arctanh({0})", inside(0.9), False),
    Word("np.sinc({0})", away, False),
    *[Word(f"np.{f}({{0}})", distinct, False) for f in ("max", "min", "sort", "ptp", "median")],
    *[Word(f"np.{f}({{0}}, axis=0)", distinct, False) for f in ("max", "min", "sort")],
    Word("np.sort({0}, axis=None)", distinct, False),
    Word("np.std({0})", spread_out),
    Word("np.linalg.norm({0})", spread_out),
    Word("({0} - np.mean({0})) / np.std({0})", spread_out),
]
#: The branch that is not taken has no derivative, and must not matter.
DEAD = [
    Word("np.where({0} > 0, np.sqrt({0}), {0})", away, False, False),
    Word("np.where({0} > 0, np.log({0}), {0}**2)", away, False, False),
    Word("np.where({0} > 1, 1 / ({0} - {0}), {0})", off(1), False, False),
    Word("np.sqrt(np.where({0} > 0, {0}, 0))", away, False, False),
    Word("np.maximum(np.log({0} - {0} + 0.0), {0})", smooth=False, complex_too=False),
    Word("np.where({0} > 0, {0}, 0)**0.5", away, False, False),
    Word("np.where(np.abs({0}) < 0.9, np.arccos({0}), {0})", off(0.9, -0.9), False, False),
]
PAIRS = [
    *[Word(t) for t in ("{0} + {1}", "{0} - {1}", "{0} * {1}", "np.add({0}, {1})")],
    *[Word(t) for t in ("np.concatenate([np.ravel({0}), np.ravel({1})])", "{0} * {1} + {0}")],
    *[Word(t) for t in ("{0} @ {1}", "{0} @ {1}.T", "np.dot({0}, {1})", "np.outer({0}, {1})")],
    *[Word(t) for t in ("np.inner({0}, {1})", "np.tensordot({0}, {1}, 1)", "np.matmul({0}, {1})")],
    *[Word(t) for t in ("np.einsum('ij,jk->ik', {0}, {1})", "np.einsum('i,j->ij', {0}, {1})")],
    *[Word(t) for t in ("np.einsum('...i,...i->...', {0}, {1})", "np.vdot({0}, {1})")],
    *[Word(t) for t in ("np.stack([{0}, {1}])", "np.concatenate([{0}, {1}])", "np.kron({0}, {1})")],
    *[Word(t) for t in ("{0} * np.sum({1})", "{0} + np.mean({1}, axis=0)", "{0}[..., None] * {1}")],
    *[Word(t) for t in ("np.append({0}, {1})", "np.vstack([{0}, {1}])", "np.convolve({0}, {1})")],
    Word("np.where(np.arange({0}.shape[-1]) % 2 == 0, {0}, {1})"),
    Word("{0} / {1}", away),
    Word("np.true_divide({0}, {1})", away),
    Word("{0}**{1}", positive),
    Word("np.where({0} > 0, {0}, {1})", away, False),
    Word("np.where({0} > 0, np.log({0}) * {1}, {1})", lambda x, y: away(x), False, False),
    *[Word(f"np.{f}({{0}}, {{1}})", apart, False) for f in ("maximum", "minimum", "fmax")],
    *[Word(f"np.{f}({{0}}, {{1}})", away, False) for f in ("hypot", "arctan2")],
    Word("np.logaddexp({0}, {1})", complex_too=False),
    Word("np.cross({0}, {1})"),
    Word("np.interp({0}, [-3.0, 0.0, 3.0], [1.0, {c}, 4.0]) + {1}", off(0, 3, -3), False),
]

WORDS = [
    *[Word(t) for t in SMOOTH],
    *[Word(t, complex_too=False) for t in REAL],
    *[Word(t) for t in SHAPES],
    *[Word(t) for t in SUMS],
    *GUARDED,
    *DEAD,
    *PAIRS,
]
