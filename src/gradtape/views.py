"""What a tape shows of itself: in words, as a picture, as a table.

The methods stand here, below the tape, so that every tape has them; what they call stands far above
it, knows the tape and is loaded when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gradtape.later import from_module

if TYPE_CHECKING:
    from gradtape.trace import Trace

__all__ = ["Views"]


class Views:
    """The methods of a tape that tell what it recorded; all need ``GradientTape(trace=True)``."""

    trace: Trace | None

    def explain(self, target: Any = None, sources: Any = None) -> Any:
        """Say in words where a gradient's NaN, infinity, None or zeros come from, and the cure.

        Parameters
        ----------
        target, sources : as for ``gradient``; by default those of the last gradient that the tape
            gave.

        Returns
        -------
        gradtape.explaining.Explanation : prints as text; its parts can be read.

        Raises
        ------
        RuntimeError : the tape keeps no trace, or has given no gradient yet.

        Examples
        --------
        >>> import numpy as np, gradtape as gt
        >>> z = gt.Variable(1000.0)
        >>> with gt.GradientTape(trace=True) as tape:
        ...     y = np.log(np.exp(z) + 1)
        >>> tape.gradient(y, z)
        Tensor(nan)
        >>> tape.explain().cause
        'overflow'
        """
        return _called("explaining", "explain_tape", self, target, sources)

    def draw(self, target: Any = None, sources: Any = None, *, fold: bool = True) -> Any:
        """A picture of what was recorded, with the cotangents of the last gradient.

        The pictures need the packages of the extra: ``pip install "gradtape[draw]"``.

        Parameters
        ----------
        target, sources : what to draw the way between; by default everything is drawn, and the
            cotangents are those of the last gradient that the tape gave, if it gave one.
        fold : whether repeated structure is folded.

        Returns
        -------
        gradtape.drawing.Drawing : shows itself in a notebook; ``save`` writes a file; ``print``
            gives the terminal's form.

        Raises
        ------
        RuntimeError : the tape keeps no trace.
        ValueError : nothing was recorded between them, or the tape did not see one of them.
        TypeError : one of them is not a tensor.

        Examples
        --------
        >>> import gradtape as gt
        >>> x = gt.Variable(3.0)
        >>> with gt.GradientTape(trace=True) as tape:
        ...     y = x**2
        >>> tape.gradient(y, x)
        Tensor(6.)
        >>> [node.title for node in tape.draw().graph.nodes]
        ['x', 'y = square']
        """
        return _called("drawing", "draw_tape", self, target, sources, fold=fold)

    def summary(self) -> Any:
        """A table of what was recorded: operations, bytes kept, time forward and backward.

        Returns
        -------
        gradtape.summary.Summary : prints as a table; its rows can be read.

        Raises
        ------
        RuntimeError : the tape keeps no trace.
        """
        return _called("summary", "summarize", self)


def _called(module: str, name: str, tape: Views, *arguments: Any, **options: Any) -> Any:
    if tape.trace is None:
        raise RuntimeError(
            "this tape kept no trace of values and source lines: open it as "
            "GradientTape(trace=True), and do the computation again"
        )
    return from_module(module, name)(tape, *arguments, **options)
