"""How distribution functions and their inverses are registered.

A distribution function F is given by its slopes: its partials by each argument. From them follow
the complement's, and those of each inverse: solving F = p for the argument y gives 1/F_y by p, and
-F_x/F_y by any other argument x. An argument that SciPy cuts to an integer has slope 0.

A density a few ulps beside the solution is further off than these few ulps, so that the slopes are
taken at a solution one step of Newton's method nearer than SciPy's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradtape.derivatives.special_ufuncs import several_arguments
from gradtape.needs import Named
from gradtape.rules import strip

__all__ = ["Names", "Slopes", "Tails", "distribution", "inverse", "refined"]

Slopes = tuple[Any, ...]
Names = tuple[str, ...]
#: F and 1 - F of bare arrays, each good to the last digits where it is at most 1/2.
Tails = tuple[Callable[..., Any], Callable[..., Any]]

#: The largest relative step: where SciPy does not find a solution, its answer stays.
_STEP = 1e-4
#: A relative step after which the solution may be as good as it can be.
_CLOSE = 1e-13
#: How far off, relatively, these may be.
_NOISE = 2.0**-52


def distribution(function: Any, names: Names, slopes: Slopes, sign: int = 1) -> None:
    """Register F, or for sign -1 what is 1 - F."""
    partials = [Named(_times(sign, s), names) if callable(s) else s for s in slopes]
    several_arguments({function: tuple(partials)}, *names)


def inverse(
    function: Any,
    arguments: Names,
    names: Names,
    slopes: Slopes,
    solved: str,
    sign: int = 1,
    tails: Tails | None = None,
    exact: Callable[..., float] | None = None,
) -> None:
    """Register what solves F = p (1 - F = p for sign -1), where p stands in the arguments."""
    slope_of = dict(zip(names, slopes, strict=True))
    by_solved = slope_of[solved]
    place = names.index(solved)

    def of_f(values: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments of F: the solution at its place."""
        at = dict(zip(arguments, values, strict=False))
        at[solved] = values[-1]
        if tails is not None:
            (p,) = [at[name] for name in arguments if name not in names]
            known = [at[name] for name in names]
            at[solved] = refined(known, place, p, by_solved, tails, sign, exact)
        return tuple([at[name] for name in names])

    def over(*values: Any) -> Any:
        return sign / by_solved(*of_f(values))

    def ratio_of(slope: Any) -> Any:
        def ratio(*values: Any) -> Any:
            there = of_f(values)
            return -slope(*there) / by_solved(*there)

        return ratio

    partials: list[Any] = []
    for argument in arguments:
        slope = slope_of.get(argument)
        rule = over if argument not in names else ratio_of(slope) if callable(slope) else None
        partials.append(Named(rule, (*arguments, "out")) if rule else slope)
    several_arguments({function: tuple(partials)}, *arguments)


def refined(
    arguments: Any,
    place: int,
    p: Any,
    by_solved: Any,
    tails: Tails,
    sign: int = 1,
    exact: Callable[..., float] | None = None,
) -> Any:
    """The argument at a place, which solves F = p (1 - F = p for sign -1), a step nearer.

    ``exact`` of the arguments and p gives F - p to the last digits, where F changes so little that
    its own rounding moves the solution; it is slow, and asked for where SciPy's is close.

    The step is a constant to derivatives: those of SciPy's solution are the same.
    """
    solution = arguments[place]
    level, *bare = np.broadcast_arrays(*[np.asarray(strip(a), float) for a in (p, *arguments)])
    with np.errstate(all="ignore"):
        near, far = tails[::sign]
        low = level <= 0.5
        gap = np.empty(level.shape)
        gap[low] = near(*[a[low] for a in bare]) - level[low]
        gap[~low] = (1 - level[~low]) - far(*[a[~low] for a in bare])
        told = np.abs(gap) > _NOISE * np.minimum(level, 1 - level)
        step = sign * gap / by_solved(*bare)
        step = np.where(told & (np.abs(step) <= _STEP * np.abs(bare[place])), step, 0)
        if exact is not None:
            close = np.abs(sign * gap / by_solved(*bare)) <= _CLOSE * np.abs(bare[place])
            chosen = zip(*[a[close].tolist() for a in (*bare, level)], strict=True)
            gap[close] = [exact(*numbers) for numbers in chosen]
            nearer = sign * gap / by_solved(*bare)
            step = np.where(close & ~np.isnan(nearer), nearer, step)
    return solution - step.astype(solution.dtype)


def _times(sign: int, slope: Any) -> Any:
    return slope if sign == 1 else lambda *values: -slope(*values)
