"""What to do about gradients that are not finite: ``np.errstate``, for gradients."""

from __future__ import annotations

import warnings
from contextvars import Token
from typing import Any, Literal, Self

import numpy as np

from gradtape.sweep import LOOK
from gradtape.tensor import bare

__all__ = ["errstate"]


class errstate:  # noqa: N801  (a context manager, named as NumPy's)
    """Raise an error, or warn, when a gradient holds NaN or an infinity.

    It holds in its ``with`` block for every gradient that is computed by walking back (tapes,
    ``grad``, ``vjp``, ``jacobian``, ``hessian``, ...), in this thread or task only. Blocks nest;
    the innermost counts.

    Parameters
    ----------
    gradient : ``"raise"`` (FloatingPointError), ``"warn"`` (RuntimeWarning) or ``"ignore"``, which
        is what holds outside of any block.

    Raises
    ------
    FloatingPointError : (in the block) a gradient is not finite.
    ValueError : ``gradient`` is none of the three.

    Examples
    --------
    >>> import numpy as np, gradtape as gt
    >>> with gt.errstate(gradient="raise"):
    ...     gt.grad(np.sqrt)(0.0)
    Traceback (most recent call last):
        ...
    FloatingPointError: the gradient by the only source is inf. ...
    """

    def __init__(self, *, gradient: Literal["raise", "warn", "ignore"] = "raise") -> None:
        if gradient not in _LOOKS:
            raise ValueError(
                f"argument `gradient` of errstate must be 'raise', 'warn' or 'ignore', not "
                f"{gradient!r}"
            )
        self._look = _LOOKS[gradient]
        self._tokens: list[Token[Any]] = []

    def __enter__(self) -> Self:
        self._tokens.append(LOOK.set(self._look))
        return self

    def __exit__(self, *exception: object) -> None:
        LOOK.reset(self._tokens.pop())


def _raise(keys: list[Any], shares: list[Any]) -> None:
    found = _finding(shares)
    if found:
        raise FloatingPointError(found)


def _warn(keys: list[Any], shares: list[Any]) -> None:
    found = _finding(shares)
    if found:
        warnings.warn(found, RuntimeWarning, stacklevel=4)


_LOOKS: dict[str, Any] = {"raise": _raise, "warn": _warn, "ignore": None}


def _finding(shares: list[Any]) -> str:
    """What is not finite, in words; empty if all is."""
    for i, share in enumerate(shares):
        if share is None:
            continue
        array = bare(share)
        if not hasattr(array, "__gradtape_symbol__"):
            array = np.asarray(array)
        if np.all(np.isfinite(array)):
            continue
        bad = np.argwhere(~np.isfinite(array))
        source = "the only source" if len(shares) == 1 else f"source number {i}"
        if array.ndim:
            at = tuple([int(j) for j in bad[0]])
            count = f", and {len(bad) - 1} more entries are not finite" if len(bad) > 1 else ""
            what = f"is {array[at]} at {at}{count}"
        else:
            what = f"is {array}"
        return (
            f"the gradient by {source} {what}. To be told why: gradtape.explain(f)(x), or "
            "tape.explain() of a GradientTape(trace=True)."
        )
    return ""
