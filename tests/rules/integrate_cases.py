"""Cases of the namesakes of ``scipy.integrate``: on bare arrays they are SciPy's own functions."""

from typing import Any

import numpy as np

import gradtape.scipy.integrate as ours
from tests.rules.cases import Case, case


def _places(d: Any) -> Any:
    """Increasing places, for arguments between -2 and 2."""
    return np.cumsum(1 + np.real(d) / 4, -1)


def _of_samples() -> list[Case]:
    functions = (ours.trapezoid, ours.cumulative_trapezoid, ours.simpson, ours.cumulative_simpson)
    return [
        c
        for f in functions
        for n in (2, 3, 4, 5)
        for c in [
            _case(f, lambda y, f=f: f(y), (2, n), note=f"plain{n}"),
            _case(f, lambda y, d, f=f: f(y, x=_places(d)), (2, n), (n,), note=f"places{n}"),
        ]
    ] + [
        c
        for f in functions
        for c in [
            _case(f, lambda y, f=f: f(y, dx=0.5, axis=0), (4, 2), note="axis"),
            _case(f, lambda y, h, f=f: f(y, dx=np.real(h)), (5,), (), note="distance"),
            _case(
                f,
                lambda y, d, f=f: f(y, x=_places(np.moveaxis(d, 0, -1)).T, axis=0),
                (4, 2),
                (4, 2),
                note="many",
            ),
        ]
    ]


def _rest() -> list[Case]:
    trapezoid, simpson = ours.cumulative_trapezoid, ours.cumulative_simpson
    return [
        _case(trapezoid, lambda y: trapezoid(y, initial=0), (2, 3), note="initial"),
        _case(simpson, lambda y: simpson(y, initial=0.5), (2, 4), note="initial"),
        *[_case(ours.romb, ours.romb, (2, n), note=f"plain{n}") for n in (2, 3, 5)],
        _case(ours.romb, lambda y: ours.romb(y, 0.5, 0), (9, 2), note="axis"),
        _case(ours.romb, lambda y, h: ours.romb(y, np.real(h)), (5,), (), note="distance"),
        _case(
            ours.fixed_quad,
            lambda a, b, c: ours.fixed_quad(lambda x, c: np.sin(c * x), a, b, (c,), 4)[0],
            *[()] * 3,
        ),
    ]


def _case(function: Any, form: Any, *shapes: Any, note: str = "") -> Case:
    label = f"{function.__name__}-{note}"
    # SciPy's others go over to double precision, here and there.
    keeps = function in (ours.trapezoid, ours.cumulative_trapezoid)
    dtypes = "fdg" if keeps else "d"
    return case(np.sum, form, *shapes, note=label, exact=False, dtypes=dtypes, complex_too=keeps)


CASES = [*_of_samples(), *_rest()]
