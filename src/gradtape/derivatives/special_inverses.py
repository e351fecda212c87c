"""How distribution functions and their inverses are registered.

A distribution function F is given by its slopes: its partials by each argument. From them follow
the complement's, and those of each inverse: solving F = p for the argument y gives 1/F_y by p, and
-F_x/F_y by any other argument x. An argument that SciPy cuts to an integer has slope 0.

A density a few ulps beside the solution is further off than these few ulps, so that the slopes are
taken at a solution that Newton's method has brought nearer than SciPy's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradtape.derivatives.special_ufuncs import several_arguments
from gradtape.needs import Named
from gradtape.rules import strip

__all__ = ["Names", "Slopes", "Tails", "distribution", "inverse"]

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
    solution = _Solution(
        *(arguments, names, solved, by_solved, sign), *(tails, gap, ends, mirror, grid)
    )
    over = solution.rule(lambda *there: sign / by_solved(*there))

    def ratio_of(slope: Any) -> Any:
        return solution.rule(lambda *there: -slope(*there) / by_solved(*there))

    partials: list[Any] = []
    rules: dict[str, Any] = {}
    for argument in arguments:
        slope = slope_of.get(argument)
        rule = over if argument not in names else ratio_of(slope) if callable(slope) else None
        partials.append(Named(rule, (*arguments, "out")) if rule else slope)
        rules[argument] = rule
    several_arguments({function: tuple(partials)}, *arguments)
    return rules


@dataclass(frozen=True, eq=False)
class _Solution:
    """Where rules of an inverse take their values; ``inverse`` says what its attributes are."""

    arguments: Names
    names: Names
    solved: str
    by_solved: Any
    sign: int
    tails: Tails | None
    gap: Gap | None
    ends: Ends | None
    mirror: Callable[..., Any] | None
    grid: Callable[..., Any] | None

    def rule(self, of_f: Any) -> Any:
        """A function of F's arguments as one of the inverse's and of its value."""
        place = self.names.index(self.solved)

        def closer(*values: Any) -> tuple[Any, Any, Any]:
            return self._closer(of_f, place, values)

        def run(*values: Any) -> Any:
            if self.tails is None:
                return of_f(*self._arguments_of_f(values))
            inside = [strip(v) for v in values]
            if all([a is b for a, b in zip(inside, values, strict=True)]):
                _, found, change = closer(*values)
                return found * change
            # Derivatives of SciPy's solution are the same: to them, shift and change are constants.
            symbols = [a for a in inside if hasattr(a, "__gradtape_symbol__")]
            shift, _, change = symbols[0].tried(closer, inside) if symbols else closer(*inside)
            there = self._arguments_of_f(values)
            there[place] = there[place] + shift
            return of_f(*there) * change

        return run

    def _arguments_of_f(self, values: Any) -> list[Any]:
        if self.mirror:
            return list(self.mirror(*values))
        at = dict(zip(self.arguments, values, strict=False))
        at[self.solved] = values[-1]
        return [at[name] for name in self.names]

    def _closer(self, of_f: Any, place: int, values: Any) -> tuple[Any, Any, Any]:
        """By how much SciPy's solution is shifted, what a function of F's arguments is there.

        And by which factor that is another where the rounding of the solution loses nothing.
        """
        assert self.tails is not None
        there = self._arguments_of_f(values)
        (p,) = [
            v for name, v in zip(self.arguments, values, strict=False) if name not in self.names
        ]
        turn = np.where(there[-1], -1, 1) if self.mirror else 1
        more: dict[str, Any] = {"gap": self.gap, "grid": self.grid, "turn": turn}
        shift, rest = _refinement(there, place, p, self.by_solved, self.tails, self.sign, **more)
        there[place] = there[place] + shift
        found = of_f(*there)
        return shift, found, _change(of_f, there, place, rest, self.ends, found)


def _refinement(
    there: Any,
    place: int,
    p: Any,
    by_solved: Any,
    tails: Tails,
    sign: int = 1,
    gap: Gap | None = None,
    grid: Callable[..., Any] | None = None,
    turn: Any = 1,
) -> tuple[Any, Any]:
    """How far the argument at a place is from F = p (1 - F = p for sign -1), by Newton's method.

    And what the rounding of the sum of both loses. ``turn`` is -1 where F falls with the argument.
    """
    solution = there[place]
    numbers = (p, turn, *there)
    level, turn, *there = np.broadcast_arrays(*[np.asarray(a, float) for a in numbers])
    start, sign_there = there[place], sign * turn
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
    shift = shift.astype(solution.dtype)
    rest = (start - (solution + shift)) - step  # the first two are close to each other
    return shift, rest


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
            tails(level, *some) if callable(tails) else _tail_gap(tails[::sign], level, some)
        )
        dull = np.clip(scale / np.abs(some[place] * rates), 1, _DULL)
        told = np.abs(more) > _NOISE * scale * dull
        step = np.array(step)
        step[unknown] = np.where(told, sign_there[unknown] * more / rates, 0)
    return step


def _tail_gap(tails: Any, level: Any, bare: Any) -> tuple[Any, Any]:
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
    numbers = [np.asarray(a, float) for a in there]
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
        ratio = rule(*numbers) / np.asarray(found, float)
        power = np.log(ratio) / np.log1p(step / room)
        share = np.expm1(power * np.log1p(away * rest / room))
        share = np.where(np.abs(share) < _MOST, share, 0)
    return (1 + share).astype(found.dtype)


def _times(sign: int, slope: Any) -> Any:
    return slope if sign == 1 else lambda *values: -slope(*values)
