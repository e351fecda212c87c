"""The questions that are answered: why a gradient is what it is, of a tape or of a function."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from gradtape.errors import named
from gradtape.explaining.explanation import Explanation
from gradtape.explaining.report import explanation_of
from gradtape.operators.arguments import Argnames, Argnums, Selection, outputs, with_aux
from gradtape.operators.leaf_names import leaf_names
from gradtape.rules import UFUNCS
from gradtape.sweep import LOOK, seeds_of
from gradtape.tape import GradientTape
from gradtape.tensor import Tensor
from gradtape.trace import Answer

__all__ = ["explain", "explain_tape"]


def explain(
    f: Callable[..., Any],
    argnums: Argnums = None,
    argnames: Argnames = None,
    has_aux: bool = False,
) -> Callable[..., Explanation]:
    """A function that says in words why the gradient of ``f`` is what it is.

    Where the gradient holds NaN or an infinity: at which operation and line that began, with which
    values, the cause by name, and the cure if one is known. Where it is zero, or does not depend on
    an argument: why not. Where it is finite, it says so.

    Parameters
    ----------
    f : a function of NumPy arrays or numbers (or nests of them) that returns a number, or arrays:
        then the gradient of the sum of their entries is explained.
    argnums, argnames, has_aux : as for ``value_and_grad``.

    Returns
    -------
    A function of the same arguments that returns an ``Explanation``: print it, or read its
    ``cause``, ``line``, ``cure`` and ``findings``.

    Raises
    ------
    TypeError : an argument to differentiate by is not of floating or complex dtype, or ``f``
        returns no arrays.

    Examples
    --------
    >>> import numpy as np, gradtape as gt
    >>> gt.explain(lambda z: np.log(np.exp(z) + 1))(1000.0).cause
    'overflow'
    >>> print(gt.explain(np.sin)(0.0))
    The gradient is finite (by x: 1.0).
    """
    selection = Selection(f, argnums, argnames)

    @functools.wraps(f)
    def explained(*args: Any, **kwargs: Any) -> Explanation:
        chosen = selection.of(args, kwargs)
        tape = GradientTape(persistent=True, watch_accessed_variables=False, trace=True)
        with np.errstate(all="ignore"), _calm(), tape:
            tape.watch(chosen.leaves)
            assert tape.trace is not None
            tape.trace.name(chosen.leaves, leaf_names(chosen))
            value, _ = with_aux(chosen.call(), f, has_aux)
            targets = [_seen(t) for t in outputs(value, f)]
        if named(f).isidentifier():
            tape.trace.name(targets, [named(f)] * len(targets))
        with _calm():
            return explanation_of(tape, _answer(tape, targets, chosen.leaves))

    return explained


def explain_tape(tape: GradientTape, target: Any = None, sources: Any = None) -> Explanation:
    """Explain a gradient of a tape that keeps a trace: the last one, or another one.

    Raises
    ------
    RuntimeError : the tape has given no gradient yet, and none is asked for.
    TypeError : a target or source is not a tensor.
    """
    trace = tape.trace
    assert trace is not None
    if target is None and sources is None:
        if not trace.answers:
            raise RuntimeError(
                "this tape has given no gradient yet: call tape.gradient(target, sources) first, "
                "or say which one is meant: tape.explain(target, sources)"
            )
        with _calm():
            return explanation_of(tape, trace.answers[-1])
    if target is None or sources is None:
        raise TypeError("explain takes both a target and sources, or neither")
    answer = _answer(tape, target, sources)
    trace.learn_names(answer)
    with _calm():
        return explanation_of(tape, answer)


def _answer(tape: GradientTape, target: Any, sources: Any) -> Answer:
    """A gradient that was not asked for yet: what it takes to walk back."""
    leaves, _ = tape._sources(sources)
    records = list(tape.trace.records if tape.trace is not None else ())
    flags = tape._selects, tape.masks_dead_branches, tape._replays
    return Answer(target, list(leaves), [], records, seeds_of(target, None), *flags)


def _seen(target: Tensor) -> Tensor:
    """A target that the trace has seen: a bare value came from nothing that it knows."""
    if target.key is not None or target.array.dtype.kind not in "fc":
        return target
    return UFUNCS[np.positive](target)  # type: ignore[no-any-return]


@contextmanager
def _calm() -> Iterator[None]:
    """Nobody raises an error because of a gradient that is not finite: it is being explained."""
    token = LOOK.set(None)
    try:
        yield
    finally:
        LOOK.reset(token)
