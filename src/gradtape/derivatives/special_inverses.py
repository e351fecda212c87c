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
#: Of p, a sign and F's arguments: what F is more than p (for sign -1, than 1 - p) with more digits
#: than F has as a float, or NaN.
Gap = Callable[..., Any]
#: Of F's arguments: where the solution may lie.
Ends = Callable[..., tuple[Any, Any]]

#: The largest relative step: where SciPy does not find a solution, its answer stays.
_STEP = 1e-2
#: Up to this relative step one is enough, and so many are taken.
_CLOSE, _ROUNDS = 1e-9, 4
#: How far off, relatively, F may be as a float; and so many times as much where it changes little
#: with the solution, whose rounding then moves it by more than its own.
_NOISE, _DULL = 2.0**-52, 4.0

#: How far apart rules are compared, as a share of the distance to an end; and the most that they
#: change.
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
    gap: Gap | None = None,
    ends: Ends | None = None,
    mirror: Callable[..., Any] | None = None,
    grid: Callable[..., Any] | None = None,
) -> dict[str, Any]:
    """Register what solves F = p (1 - F = p for sign -1), where p stands in the arguments.

    Parameters
    ----------
    function : SciPy's inverse.
    arguments : its arguments' names, of which one that is not among F's is p's.
    names : of F's arguments.
    slopes : of F, by each.
    solved : which argument of F it solves for.
    sign : see above.
    tails : F and 1 - F, for a step of Newton's method; without them SciPy's solution is taken.
    gap : the same with more digits where it knows; ``tails`` are asked for the rest.
    ends : where the solution lies; from 0, or minus infinity, on if not given.
    mirror : of the arguments and the solution gives F's arguments, or those of a function which has
        the digits that a solution beside the end does not leave, and last, where that is so;
        slopes, tails, the gap and the ends take this as well.
    grid : of F's arguments, a number to the digits of which the solution is rounded, so that sums
        and differences that the slopes take are exact.

    Returns
    -------
    The rules by argument, functions of the arguments and the solution.
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
            if tails is None or any(hasattr(strip(v), "__gradtape_symbol__") for v in values):
                return rule(*there)  # also where there are no values to take a step from
            (p,) = [at[name] for name in arguments if name not in names]
            turn = np.where(there[-1], -1, 1) if mirror else 1
            there[place], rest = refined(
                there, place, p, by_solved, tails, sign, gap=gap, grid=grid, turn=turn
            )
            found = rule(*there)
            return found * _change(rule, there, place, rest, ends, found)

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
    gap: Gap | None = None,
    grid: Callable[..., Any] | None = None,
    turn: Any = 1,
) -> tuple[Any, Any]:
    """The argument at a place, which solves F = p (1 - F = p for sign -1), by Newton's method.

    And what the rounding of it loses, as a bare array. ``turn`` is -1 where F falls with it.

    The step is a constant to derivatives: those of SciPy's solution are the same.
    """
    solution = arguments[place]
    numbers = (p, turn, *arguments)
    level, turn, *bare = np.broadcast_arrays(*[np.asarray(strip(a), float) for a in numbers])
    start, there, sign_there = bare[place], list(bare), sign * turn
    with np.errstate(all="ignore"):
        for _ in range(_ROUNDS):
            step = _newton_step(there, place, level, by_solved, tails, sign, gap, sign_there)
            near = np.abs(start - there[place] + step) <= _STEP * np.abs(start)
            step = np.where(near, step, 0)
            if not np.any(np.abs(step) > _CLOSE * np.abs(start)):
                break
            there[place] = there[place] - step
        step = (start - there[place]) + step
        size = 0.0 if grid is None else grid(*there)
        shift = (start - step + size) - size - start
    nearer = solution + shift.astype(solution.dtype)
    rest = (start - strip(nearer)) - step  # the first two are close to each other
    return nearer, rest


def _newton_step(
    there: Any,
    place: int,
    level: Any,
    by_solved: Any,
    tails: Tails,
    sign: int,
    gap: Gap | None,
    sign_there: Any,
) -> Any:
    """What the arguments at the place are more than the solution, roughly."""
    rate = by_solved(*there)
    unknown = np.ones(level.shape, bool)
    step = np.zeros(level.shape)
    if gap is not None:
        step = gap(level, sign_there, *there) / rate
        unknown = np.isnan(step)
    if np.any(unknown):
        level, rates, *some = [
            a[unknown] for a in (level, np.broadcast_to(rate, level.shape), *there)
        ]
        more, scale = (
            tails(level, *some) if callable(tails) else tail_gap(tails[::sign], level, some)
        )
        dull = np.clip(scale / np.abs(some[place] * rates), 1, _DULL)
        told = np.abs(more) > _NOISE * scale * dull
        step = np.array(step)
        step[unknown] = np.where(told, sign_there[unknown] * more / rates, 0)
    return step


def tail_gap(tails: Any, level: Any, bare: Any) -> tuple[Any, Any]:
    """The function with the first tail less p, and what its rounding is a share of."""
    near, far = tails
    low = level <= 0.5
    gap = np.empty(level.shape)
    gap[low] = near(*[a[low] for a in bare]) - level[low]
    gap[~low] = (1 - level[~low]) - far(*[a[~low] for a in bare])
    return gap, np.minimum(level, 1 - level)


def _change(rule: Any, there: Any, place: int, rest: Any, ends: Ends | None, found: Any) -> Any:
    """By which factor a rule is another at the solution that is not rounded, a bare array.

    As if it were a power of the distance to the nearer end.
    """
    numbers = [np.asarray(strip(a), float) for a in there]
    with np.errstate(all="ignore"):
        solution = numbers[place]
        low, high = (0.0, np.inf) if ends is None else ends(*numbers)
        before, behind = np.abs(solution - low), np.abs(high - solution)
        away = np.where(before <= behind, 1, -1) * np.where(solution < low, -1, 1)
        room = np.minimum(before, behind)
        numbers[place] = solution + away * np.maximum(
            room * _APART, 4 * np.spacing(np.abs(solution))
        )
        step = away * (numbers[place] - solution)
        ratio = rule(*numbers) / np.asarray(strip(found), float)
        power = np.log(ratio) / np.log1p(step / room)
        share = np.expm1(power * np.log1p(away * rest / room))
        share = np.where(np.abs(share) < _MOST, share, 0)
    return (1 + share).astype(found.dtype)


def _times(sign: int, slope: Any) -> Any:
    return slope if sign == 1 else lambda *values: -slope(*values)
