"""Cases of the namesakes of ``scipy.interpolate`` in values, places, and points of evaluation."""

from typing import Any

import numpy as np

import gradtape.scipy.interpolate as ours
from gradtape.scipy._banded import banded
from tests.rules.cases import Case, case

POINTS = np.array([[-0.3, 0.4], [2.2, 5.9]])


def _places(d: Any) -> Any:
    """Increasing places, from arguments between -2 and 2."""
    return np.cumsum(1 + np.real(d) / 4)


def _points(p: Any) -> Any:
    return 2.5 + np.real(p)


BANDS = np.array([[0.3] * 4, [3.0, 4.0, 3.5, 3.0], [0.5] * 4, [0.2] * 4])


def _systems() -> list[Case]:
    return [
        case(
            banded,
            lambda a, b: banded(BANDS.astype(a.real.dtype) + a / 8, b, below=2, above=1),
            (4, 4),
            shape,
            note=f"{len(shape)}d",
            exact=False,
            dtypes="fd",
        )
        for shape in ((4,), (2, 4))
    ]


def _of_values() -> list[Case]:
    x = np.array([0.0, 1.0, 2.5, 3.0, 4.5])
    ends = ((1, 0.5), (2, -1.0))
    forms: dict[str, Any] = {
        "cubic": lambda y: ours.CubicSpline(x, y)(POINTS),
        "natural": lambda y: ours.CubicSpline(x, y, bc_type="natural")(POINTS, 1),
        "clamped": lambda y: ours.CubicSpline(x, y, bc_type=("clamped", "natural")).integrate(0, 2),
        "ends": lambda y: ours.CubicSpline(x, y, bc_type=ends).derivative()(POINTS),
        "hermite": lambda y: ours.CubicHermiteSpline(x, y, y[::-1])(POINTS),
        "periodic": lambda y: ours.CubicSpline(x, _closed(y), bc_type="periodic")(POINTS),
        "spline3": lambda y: ours.make_interp_spline(x, y)(POINTS),
        "spline2": lambda y: ours.make_interp_spline(x, y, 2).derivative()(POINTS),
        "linear": lambda y: ours.interp1d(x, y, fill_value="extrapolate")(POINTS),
    }
    return [case(banded, f, (5,), note=name, exact=False, dtypes="d") for name, f in forms.items()]


def _closed(y: Any) -> Any:
    return np.concatenate([y[:-1], y[:1]])


def _of_everything() -> list[Case]:
    def spline(**options: Any) -> Any:
        return lambda d, y, p: ours.CubicSpline(_places(d), y, **options)(_points(p))

    def on_grid(d: Any, v: Any, p: Any) -> Any:
        grid = (_places(d), np.arange(2.0))
        return ours.interpn(grid, v, _points(p), bounds_error=False, fill_value=None)

    forms: dict[str, tuple[Any, tuple[Any, ...]]] = {
        "cubic-all": (spline(), ((5,), (5, 2), (3,))),
        "natural-all": (spline(bc_type="natural"), ((4,), (4,), ())),
        "two": (spline(bc_type=("natural", "clamped")), ((2,), (2,), (2,))),
        "three": (spline(), ((3,), (3,), (2,))),
        "pchip-all": (
            lambda d, y, p: ours.PchipInterpolator(_places(d), np.real(y))(_points(p)),
            ((5,), (5,), (3,)),
        ),
        "makima": (
            lambda d, y, p: ours.Akima1DInterpolator(
                _places(d), np.real(y), method="makima", extrapolate=True
            )(_points(p)),
            ((5,), (5,), (3,)),
        ),
        "spline-all": (
            lambda d, y, p: ours.make_interp_spline(_places(d), y, axis=1)(_points(p)),
            ((5,), (2, 5), (2,)),
        ),
        "bspline": (
            lambda t, c, p: ours.BSpline(_places(t), c, 2)(_points(p)),
            ((8,), (5,), (2,)),
        ),
        "linear-all": (
            lambda d, y, p: ours.interp1d(_places(d), y, fill_value="extrapolate")(_points(p)),
            ((4,), (2, 4), (2,)),
        ),
        "grid": (on_grid, ((3,), (3, 2, 2), (3, 2))),
        "ppoly": (
            lambda c, d, p: ours.PPoly(c, _places(d)).antiderivative()(_points(p)),
            ((3, 3), (4,), (2,)),
        ),
    }
    return [
        case(banded, f, *shapes, note=name, exact=False, dtypes="d", complex_too=False)
        for name, (f, shapes) in forms.items()
    ]


CASES = [*_systems(), *_of_values(), *_of_everything()]
