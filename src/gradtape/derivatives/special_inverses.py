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

__all__ = ["Names", "Slopes", "Tails", "distribution", "inverse", "refined", "tail_gap"]

Slopes = tuple[Any, ...]
Names = tuple[str, ...]
#: F and 1 - F of bare arrays, each good to the last digits where it is at most 1/2. Or a function
#: of p and F's arguments that gives F - p, and what its rounding is a share of.
Tails = tuple[Callable[..., Any], Callable[..., Any]] | Callable[..., tuple[Any, Any]]

#: The largest relative step: where SciPy does not find a solution, its answer stays.
_STEP = 1e-4
#: A relative step after which the solution may be as good as it can be.
_CLOSE = 1e-13
#: How far off, relatively, these may be; and so many times as much where F changes little with the
#: solution, whose rounding they then move by more than its own.
_NOISE, _DULL = 2.0**-52, 4.0

#: How far apart rules are compared, as a share of the solution; and the most that they change.
_APART, _MOST = 2.0**-20, 0.1


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
    end: float = np.inf,
    mirror: Callable[..., Any] | None = None,
) -> dict[str, Any]:
    """Register what solves F = p (1 - F = p for sign -1), where p stands in the arguments.

    The solution is between 0, or minus infinity, and ``end``. ``mirror`` of the arguments and the
    solution gives F's arguments, or those of a function which has the digits that a solution beside
    the end does not leave, and last, where that is so; slopes and tails take this as well.

    Returns the rules by argument, functions of the arguments and the solution.
    """
    slope_of = dict(zip(names, slopes, strict=True))
    by_solved = slope_of[solved]
    place = names.index(solved)

    def at_solution(rule: Any) -> Any:
        """A function of F's arguments as one of the inverse's and of its value."""

        def run(*values: Any) -> Any:
            at = dict(zip(arguments, values, strict=False))
            at[solved] = values[-1]
            there = list(mirror(*values)) if mirror else [at[name] for name in names]
            if tails is None:
                return rule(*there)
            (p,) = [at[name] for name in arguments if name not in names]
            turn = np.where(there[-1], -1, 1) if mirror else 1
            there[place], rest = refined(there, place, p, by_solved, tails, sign, exact, turn)
            found = rule(*there)
            return found * _change(rule, there, place, rest, end, found)

        return run

    over = at_solution(lambda *there: sign / by_solved(*there))

    def ratio_of(slope: Any) -> Any:
        return at_solution(lambda *there: -slope(*there) / by_solved(*there))

    partials: list[Any] = []
    rules: dict[str, Any] = {}
    for argument in arguments:
        slope = slope_of.get(argument)
        rule = over if argument not in names else ratio_of(slope) if callable(slope) else None
        partials.append(Named(rule, (*arguments, "out")) if rule else slope)
        rules[argument] = rule
    several_arguments({function: tuple(partials)}, *arguments)
    return rules


def refined(
    arguments: Any,
    place: int,
    p: Any,
    by_solved: Any,
    tails: Tails,
    sign: int = 1,
    exact: Callable[..., float] | None = None,
    turn: Any = 1,
) -> tuple[Any, Any]:
    """The argument at a place, which solves F = p (1 - F = p for sign -1), a step nearer.

    And what the rounding of it loses, as a bare array. ``turn`` is -1 where F falls with it.

    ``exact`` of the arguments and p gives F - p to the last digits, where F changes so little that
    its own rounding moves the solution; it is slow, and asked for where SciPy's is close.

    The step is a constant to derivatives: those of SciPy's solution are the same.
    """
    solution = arguments[place]
    numbers = (p, turn, *arguments)
    level, turn, *bare = np.broadcast_arrays(*[np.asarray(strip(a), float) for a in numbers])
    sign_there = sign * turn
    with np.errstate(all="ignore"):
        gap, scale = (
            tails(level, *bare) if callable(tails) else tail_gap(tails[::sign], level, bare)
        )
        rate = by_solved(*bare)
        dull = np.clip(scale / np.abs(bare[place] * rate), 1, _DULL)
        told = np.abs(gap) > _NOISE * scale * dull
        step = sign_there * gap / rate
        step = np.where(told & (np.abs(step) <= _STEP * np.abs(bare[place])), step, 0)
        if exact is not None:
            close = np.abs(gap / rate) <= _CLOSE * np.abs(bare[place])
            chosen = zip(*[a[close].tolist() for a in (*bare, level)], strict=True)
            gap[close] = [exact(*numbers) for numbers in chosen]
            nearer = sign_there * gap / rate
            step = np.where(close & ~np.isnan(nearer), nearer, step)
    nearer = solution - step.astype(solution.dtype)
    rest = (bare[place] - strip(nearer)) - step  # the first two are close to each other
    return nearer, rest


def tail_gap(tails: Any, level: Any, bare: Any) -> tuple[Any, Any]:
    """The function with the first tail less p, and what its rounding is a share of."""
    near, far = tails
    low = level <= 0.5
    gap = np.empty(level.shape)
    gap[low] = near(*[a[low] for a in bare]) - level[low]
    gap[~low] = (1 - level[~low]) - far(*[a[~low] for a in bare])
    return gap, np.minimum(level, 1 - level)


def _change(rule: Any, there: Any, place: int, rest: Any, end: float, found: Any) -> Any:
    """By which factor a rule is another at the solution that is not rounded, a bare array."""
    numbers = [np.asarray(strip(a), float) for a in there]
    with np.errstate(all="ignore"):
        solution = numbers[place]
        width = np.minimum(np.abs(solution), end - solution)
        numbers[place] = solution + np.maximum(width * _APART, 4 * np.spacing(np.abs(solution)))
        step = numbers[place] - solution
        share = rest / step * (rule(*numbers) / np.asarray(strip(found), float) - 1)
        share = np.where(np.abs(share) < _MOST, share, 0)
    return (1 + share).astype(found.dtype)


def _times(sign: int, slope: Any) -> Any:
    return slope if sign == 1 else lambda *values: -slope(*values)
