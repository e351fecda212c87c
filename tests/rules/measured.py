"""Functions of SciPy's beside the true ones, and how many ulps values and slopes are apart."""

from collections.abc import Callable
from typing import Any, NamedTuple

import mpmath
import numpy as np
from scipy import special as sp

import gradtape as gt
from gradtape.scipy import special as python
from tests.rules.test_special_digits import by, root
from tests.rules.tools import bare
from tests.rules.truths import ulps

m = mpmath.mp

Function = Callable[..., Any]


class Measured(NamedTuple):
    """A function, the true one, and where to differ by which arguments.

    ``derivatives`` makes the true derivative by the argument at a place out of the true function.
    """

    name: str
    function: Function
    true: Function
    places: tuple[int, ...]
    points: list[tuple[Any, ...]]
    derivatives: Function = by


def one(name: str, true: Function, xs: list[float]) -> Measured:
    return Measured(name, getattr(sp, name), true, (0,), [(x,) for x in xs])


def several(name: str, true: Function, places: tuple[int, ...], *points: Any) -> Measured:
    function = getattr(python, name, None)
    return Measured(name, function, true, places, list(points))


def outputs(
    name: str, trues: list[Function], places: tuple[int, ...], *points: Any
) -> list[Measured]:
    """The outputs of a ufunc that has several."""

    def output(i: int) -> Function:
        return lambda *z: getattr(sp, name)(*z)[i]

    return [
        Measured(f"{name} {i}", output(i), true, places, list(points))
        for i, true in enumerate(trues)
    ]


def parts(name: str, true: Function, places: tuple[int, ...], *points: Any) -> list[Measured]:
    """The real and the imaginary part of a complex function of real numbers."""
    function = getattr(python, name, None)
    return [
        Measured(
            f"{name} real",
            lambda *z: np.real(function(*z)),
            lambda *z: m.re(true(*z)),
            places,
            list(points),
        ),
        Measured(
            f"{name} imag",
            lambda *z: np.imag(function(*z)),
            lambda *z: m.im(true(*z)),
            places,
            list(points),
        ),
    ]


def inverse(
    name: str, true: Function, place: int, places: tuple[int, ...], *points: Any
) -> Measured:
    """What solves a distribution function for the argument at a place, where its value stands."""

    def solution(*z: Any) -> Any:
        start = m.mpf(float(getattr(sp, name)(*[int(x) if m.isint(x) else float(x) for x in z])))

        def gap(y: Any) -> Any:
            return true(*z[:place], y, *z[place + 1 :]) - z[place]

        return root(gap, (start, start * (1 + m.mpf(10) ** -12)))

    def derivatives(_: Function, i: int) -> Function:
        def derivative(*z: Any) -> Any:
            y = solution(*z)
            there = (*z[:place], y, *z[place + 1 :])

            def scaled(s: Any) -> Any:  # solutions may be tiny
                return true(*z[:place], y * s, *z[place + 1 :])

            by_solved = m.diff(scaled, 1) / y if y else by(true, place)(*there)
            return 1 / by_solved if i == place else -by(true, i)(*there) / by_solved

        return derivative

    return Measured(name, getattr(sp, name), solution, places, list(points), derivatives)


def value_and_slopes(entry: Measured, point: tuple[Any, ...]) -> tuple[Any, list[Any]]:
    """A function's value, and its derivatives by the arguments asked for, by a tape."""
    watched = [gt.constant(np.float64(point[i])) for i in entry.places]
    arguments: list[Any] = list(point)
    for i, x in zip(entry.places, watched, strict=True):
        arguments[i] = x
    with np.errstate(all="ignore"), gt.GradientTape() as tape:
        tape.watch(watched)
        y = entry.function(*arguments)
    return bare(y), [bare(g) for g in tape.gradient(y, watched)]


def errors(entry: Measured, point: tuple[Any, ...]) -> tuple[float, list[float]]:
    """How many ulps SciPy's value and the slopes are off."""
    value, found = value_and_slopes(entry, point)
    with mpmath.workdps(50):
        exact = [x if isinstance(x, int) else mpmath.mpf(x) for x in point]
        off = ulps(value, m.mpmathify(entry.true(*exact)))
        truths = [entry.derivatives(entry.true, i)(*exact) for i in entry.places]
        return off, [ulps(a, m.mpmathify(t)) for a, t in zip(found, truths, strict=True)]
