"""What a user asks for: the picture of a function at a point, or of what a tape recorded."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from gradtape.drawing.drawing import Drawing
from gradtape.drawing.model import graph_of
from gradtape.drawing.reading import Reading
from gradtape.errors import named
from gradtape.operators.arguments import Argnames, Argnums, Selection, outputs, warn_if_independent
from gradtape.operators.leaf_names import leaf_names
from gradtape.tape import GradientTape

__all__ = ["draw", "draw_tape"]


def draw(
    f: Callable[..., Any],
    argnums: Argnums = None,
    argnames: Argnames = None,
    *,
    fold: bool = True,
) -> Callable[..., Drawing]:
    """A function that draws what ``f`` computes, with the gradient of its value.

    Parameters
    ----------
    f : a function of NumPy arrays or numbers (or nests of them) that returns arrays or numbers. The
        cotangents are those of the gradient of the sum of all that it returns.
    argnums : the positional argument, or a tuple of those, to differentiate by; 0 by default.
    argnames : the name of an argument, or a tuple of names, to differentiate by.
    fold : whether repeated structure is folded.

    Returns
    -------
    A function of the same arguments that returns a ``gradtape.drawing.Drawing``: it shows itself in
    a notebook, ``save`` writes a file, ``print`` gives the form for a terminal. The pictures need
    the packages of the extra: ``pip install "gradtape[draw]"``.

    Raises
    ------
    TypeError : an argument to differentiate by is not of floating or complex dtype, or ``f``
        returns something that has no derivative.
    ValueError : ``f`` computes nothing with its arguments.

    Examples
    --------
    >>> import numpy as np, gradtape as gt
    >>> picture = gt.draw(lambda x: np.exp(x) + 1)(0.0)
    >>> [node.title for node in picture.graph.nodes]
    ['x', 'exp', 'add(·, 1)']
    >>> print(picture.graph.nodes[1].text("slope"))
    ∂ 1
    """
    selection = Selection(f, argnums, argnames)

    @functools.wraps(f)
    def drawn(*args: Any, **kwargs: Any) -> Drawing:
        chosen = selection.of(args, kwargs)
        with GradientTape(watch_accessed_variables=False, trace=True) as tape:
            assert tape.trace is not None
            tape.watch(chosen.leaves)
            tape.trace.name(chosen.leaves, leaf_names(chosen))
            value = chosen.call()
        targets = [t for t in outputs(value, f) if t.key in tape.tracked]
        warn_if_independent(value, tape, f)
        if targets:
            tape.gradient(targets, chosen.leaves)
        return _drawing(Reading(tape.trace), f"{named(f)} and its gradient", fold)

    return drawn


def draw_tape(
    tape: GradientTape, target: Any = None, sources: Any = None, *, fold: bool = True
) -> Drawing:
    """The picture of what a tape recorded: ``tape.draw()``, whose docstring says more."""
    assert tape.trace is not None
    reading = Reading(tape.trace, target, sources, tape.masks_dead_branches)
    names = [tape.trace.names.get(key, "") for key in reading.targets]
    title = "what the tape recorded"
    if reading.answer is not None and names and all(names):
        title = f"{', '.join(names)} and the gradient"
    return _drawing(reading, title, fold)


def _drawing(reading: Reading, title: str, fold: bool) -> Drawing:
    if not reading.steps:
        raise ValueError(
            "there is nothing to draw: no operation on a tensor was recorded between the sources "
            "and the target"
        )
    return Drawing(graph_of(reading, fold), title)
