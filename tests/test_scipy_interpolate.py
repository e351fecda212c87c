"""The namesakes of ``scipy.interpolate`` give what SciPy's own give, and say what they cannot."""

from typing import Any

import numpy as np
import pytest
import scipy.interpolate as theirs

import gradtape as gt
import gradtape.scipy.interpolate as ours

X = np.array([0.0, 0.7, 2.0, 2.6, 4.0, 5.5])
Y = np.array([1.0, -1.0, 3.0, 2.5, 2.5, 0.5])
WIDE = np.stack([Y, Y[::-1] ** 2])
POINTS = np.array([[-0.5, 0.0, 0.3], [2.0, 5.5, 6.0]])


def both(make: Any, *ways: Any) -> None:
    """The same of SciPy's, of ours on arrays, and of ours on tensors."""
    for way in ways:
        expected = way(make(theirs, Y, WIDE))
        bare = way(make(ours, Y, WIDE))
        assert not isinstance(bare, gt.Tensor)
        np.testing.assert_allclose(bare, expected, rtol=1e-12, atol=1e-12)
        actual = way(make(ours, gt.constant(Y), gt.constant(WIDE)))
        assert isinstance(actual, gt.Tensor)
        np.testing.assert_allclose(actual.numpy(), expected, rtol=1e-12, atol=1e-12)


def at(*args: Any) -> Any:
    return lambda f: f(POINTS, *args)


CUBIC: list[Any] = [
    {},
    {"bc_type": "natural"},
    {"bc_type": "clamped"},
    {"bc_type": ("not-a-knot", "natural")},
    {"bc_type": ((1, 0.3), (2, -0.7))},
    {"extrapolate": False},
]


@pytest.mark.parametrize("options", CUBIC, ids=str)
def test_cubic_spline(options: Any):
    both(
        lambda m, y, w: m.CubicSpline(X, y, **options),
        at(),
        at(1),
        at(3),
        at(4),
        lambda f: f(1.0),
        lambda f: f.derivative(2)(POINTS),
        lambda f: f.antiderivative()(POINTS),
        lambda f: f.integrate(0.1, 5.0),
    )


@pytest.mark.parametrize(
    "ends", ["natural", ((1, np.array([0.3, 1.0])), (2, np.zeros(2)))], ids=str
)
def test_cubic_spline_along_another_axis(ends: Any):
    both(
        lambda m, y, w: m.CubicSpline(X, w, axis=1, bc_type=ends),
        at(),
        lambda f: f.derivative()(2.0),
        lambda f: f.integrate(1.0, 2.0),
    )


@pytest.mark.parametrize("count", [2, 3, 4])
@pytest.mark.parametrize("ends", ["not-a-knot", "natural", "clamped", ((2, 0.5), (1, 1.0))])
def test_cubic_spline_of_few_values(count: int, ends: Any):
    both(lambda m, y, w: m.CubicSpline(X[:count], y[:count], bc_type=ends), at())


@pytest.mark.parametrize("count", [3, 4, 6])
def test_periodic_cubic_spline(count: int):
    def make(m: Any, y: Any, w: Any) -> Any:
        closed = np.concatenate([w[:, : count - 1], w[:, :1]], 1)
        return m.CubicSpline(X[:count], closed, axis=1, bc_type="periodic")

    both(make, at(), at(1))


def test_monotone_and_akima():
    both(lambda m, y, w: m.PchipInterpolator(X, y), at(), at(1))
    both(lambda m, y, w: m.PchipInterpolator(X, w, axis=-1, extrapolate=False), at())
    both(lambda m, y, w: m.PchipInterpolator(X[:2], y[:2]), at())
    both(lambda m, y, w: m.Akima1DInterpolator(X, y), at())
    both(lambda m, y, w: m.Akima1DInterpolator(X, y, method="makima"), at())
    both(lambda m, y, w: m.CubicHermiteSpline(X, y, w[1]), at(), at(2))
    both(lambda m, y, w: lambda p: m.pchip_interpolate(X, y, p), at())


@pytest.mark.parametrize("k", [0, 1, 2, 3, 5])
def test_interpolating_spline(k: int):
    ways = [at(), at(1), lambda f: f.derivative(2)(POINTS)] if k > 1 else [at()]
    both(lambda m, y, w: m.make_interp_spline(X, y, k), *ways)
    both(lambda m, y, w: m.make_interp_spline(X, w, k, axis=1), at())


def test_b_spline():
    t = np.array([0.0, 0.0, 0.0, 1.0, 2.0, 2.0, 3.0, 4.0, 4.0])
    both(lambda m, y, w: m.BSpline(t, y, 2), at(), at(1))
    both(lambda m, y, w: m.BSpline(t, y, 2, extrapolate=False), at())
    both(lambda m, y, w: m.BSpline(t, y, 2, extrapolate="periodic"), at())
    both(lambda m, y, w: m.BSpline(t, w, 2, axis=1), at())


@pytest.mark.parametrize(
    "kind", ["linear", "nearest", "nearest-up", "previous", "next", "zero", "slinear", "quadratic"]
)
def test_interp1d(kind: str):
    shuffled = np.array([3, 0, 5, 1, 4, 2])
    inside = np.array([[0.0, 0.35, 1.0], [2.0, 2.3, 5.5]])
    both(lambda m, y, w: m.interp1d(X, y, kind), lambda f: f(inside))
    both(lambda m, y, w: m.interp1d(X[shuffled], w[:, shuffled], kind), lambda f: f(inside))
    filled = {"bounds_error": False, "fill_value": (-1.0, 7.0)}
    both(lambda m, y, w: m.interp1d(X, y, kind, **filled), at())
    if kind not in ("zero", "nearest"):
        both(lambda m, y, w: m.interp1d(X, y, kind, fill_value="extrapolate"), at())
    both(lambda m, y, w: m.interp1d(X, y, kind, bounds_error=False), at())


def test_grid():
    grid = (np.array([0.0, 1.0]), X)
    points = np.array([[0.2, 0.1], [1.0, 5.5], [0.5, 2.0]])
    outside = np.array([[0.2, 0.1], [1.5, -0.5]])
    for method in ("linear", "nearest"):
        both(
            lambda m, y, w, method=method: m.RegularGridInterpolator(grid, w, method),
            lambda f: f(points),
            lambda f: f([0.3, 0.3]),
        )
        for fill in (None, 3.0, np.nan):
            both(
                lambda m, y, w, method=method, fill=fill: m.RegularGridInterpolator(
                    grid, w, method, bounds_error=False, fill_value=fill
                ),
                lambda f: f(outside),
            )
        both(
            lambda m, y, w, method=method: lambda p: m.interpn(grid, w, p, method),
            lambda f: f(points),
        )


def test_a_point_that_is_nan_lies_in_no_cell():
    points = np.array([[0.2, 0.1], [0.5, np.nan], [1.5, 0.1]])
    for method in ("linear", "nearest"):
        both(
            lambda m, y, w, method=method: m.RegularGridInterpolator(
                ([0.0, 1.0], X), w, method, bounds_error=False, fill_value=3.0
            ),
            lambda f: f(points),
        )
        with pytest.raises(ValueError, match="or is NaN"):
            ours.interpn(([0.0, 1.0], X), gt.constant(WIDE), points[:2], method)


def test_at_a_place_the_slope_is_that_of_the_piece_to_the_right():
    for make in (
        lambda: ours.interp1d(X, Y),
        lambda: ours.interp1d(X, WIDE),
        lambda: lambda p: ours.interpn((X,), Y, p[:, None]),
        lambda: lambda p: np.interp(p, X, Y),
    ):
        places = gt.Variable(X[:-1])
        with gt.GradientTape() as tape:
            values = make()(places)
            total = np.sum(values if values.ndim == 1 else values[0])
        slopes = tape.gradient(total, places).numpy()
        np.testing.assert_allclose(slopes, np.diff(Y) / np.diff(X))


def test_a_monotone_curve_s_slopes_are_zero_where_the_data_turn():
    y = gt.constant([0.0, 1.0, 1.0, 2.0])
    with gt.GradientTape() as tape:
        tape.watch(y)
        value = ours.PchipInterpolator([0.0, 1.0, 2.0, 3.0], y)(1.5)
    gradient = tape.gradient(value, y).numpy()
    np.testing.assert_allclose(gradient, [0, 0.5, 0.5, 0])


WRONG: list[tuple[str, Any]] = [
    ("strictly increasing", lambda y: ours.CubicSpline(X[::-1], y)),
    ("as many entries", lambda y: ours.CubicSpline(X, y[1:])),
    ("bc_type", lambda y: ours.CubicSpline(X, y, bc_type="free")),
    ("periodic", lambda y: ours.CubicSpline(X, y, bc_type="periodic")),
    ("CubicSpline", lambda y: ours.make_interp_spline(X, y, bc_type="natural")),
    ("bounds_error=False", lambda y: ours.interp1d(X, y)(9.0)),
    ("kind", lambda y: ours.interp1d(X, y, "best")),
    ("method", lambda y: ours.interpn((X,), y, [0.5], "pchip")),
    ("outside of the grid", lambda y: ours.interpn((X,), y, [9.0])),
    ("coefficients", lambda y: ours.BSpline(X, y, 5)),
]


@pytest.mark.parametrize(("words", "call"), WRONG)
def test_wrong(words: str, call: Any):
    with pytest.raises(ValueError, match=words):
        call(gt.constant(Y))
