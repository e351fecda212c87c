"""What SciPy's namesakes have no gradient of, and what they say of arguments that do not fit."""

from typing import Any

import numpy as np
import pytest

import gradtape as gt

pytest.importorskip("scipy")

import scipy.signal

from gradtape.scipy import fft, integrate, interpolate, linalg, signal

X = np.array([0.0, 0.7, 2.0, 2.6, 4.0, 5.5])
Y = np.array([0.3, -0.2, 0.9, 0.4, -0.7, 0.1])
B, A = np.array([0.5, 0.2, -0.3]), np.array([2.0, -0.5, 0.3])
SECTIONS = np.array([[1, 0.2, 0.3, 1, -0.4, 0.1], [0.5, 0.1, 0, 1, 0.3, 0.2]])

# What there is no gradient of ---------------------------------------------------------------------


def test_a_first_value_is_of_the_first_entry_alone() -> None:
    """SciPy's trapezoids put the 0 in front, where Simpson's add it to all."""
    first = gt.constant(0.0)
    with gt.GradientTape() as tape:
        tape.watch(first)
        areas = integrate.cumulative_trapezoid(Y, initial=first)
    np.testing.assert_array_equal(tape.jacobian(areas, first).numpy(), np.eye(6)[0])


def test_thresholds_have_no_derivative() -> None:
    small = gt.constant(1e-9)
    with gt.GradientTape() as tape:
        tape.watch(small)
        found = [
            linalg.pinv(np.eye(2), rtol=small),
            linalg.pinv(np.eye(2), atol=small),
            linalg.lstsq(np.eye(2), np.ones(2), cond=small)[0],
        ]
    assert not any([isinstance(f, gt.Tensor) for f in found])


def test_the_order_of_a_norm_has_no_derivative() -> None:
    order = gt.constant(2.0)
    np.testing.assert_allclose(linalg.norm([3.0, 4.0], order), 5.0)
    with gt.GradientTape() as tape:
        tape.watch(order)
        for x in (np.array([3.0, 4.0]), gt.constant([3.0, 4.0])):
            with pytest.raises(gt.NoRuleError, match=r"^numpy\.linalg\.norm .* 'ord'"):
                linalg.norm(x, order)


def test_another_way_to_filter_is_refused_on_tensors_only() -> None:
    expected = scipy.signal.filtfilt(B, A, Y, method="gust")
    np.testing.assert_array_equal(signal.filtfilt(B, A, Y, method="gust"), expected)
    with pytest.raises(gt.NoRuleError, match=r"^scipy\.signal\.filtfilt on a Tensor .* 'method'"):
        signal.filtfilt(B, A, gt.constant(Y), method="gust")


def test_flags_and_ranks_of_whole_numbers_stay_what_they_are() -> None:
    whole = gt.constant([[2, 0], [0, 4]])
    factor, lower = linalg.cho_factor(whole)
    assert isinstance(factor, gt.Tensor)
    assert not isinstance(lower, gt.Tensor)
    assert not lower
    solution, _, rank, _ = linalg.lstsq(whole, [2, 4])
    np.testing.assert_allclose(solution.numpy(), [1, 1])
    assert int(rank) == 2


def test_ranks_of_a_stack() -> None:
    _, ranks = linalg.pinv(gt.constant([np.eye(2), np.ones((2, 2))]), return_rank=True)
    np.testing.assert_array_equal(ranks, [2, 1])


def test_a_bare_constant_beside_whole_numbers() -> None:
    fill = gt.constant(0.5)
    with gt.GradientTape() as tape:
        tape.watch(fill)
        y = signal.convolve2d(np.ones((1, 1), int), np.ones((3, 3)), "same", "fill", fill)
    assert y.numpy() == 5.0
    assert tape.gradient(y, fill).numpy() == 8.0


# What does not fit --------------------------------------------------------------------------------

WRONG: list[tuple[str, Any]] = [
    ("solve: argument `b` has shape", lambda x, m: linalg.solve(m, x)),
    ("solve_triangular: argument `b`", lambda x, m: linalg.solve_triangular(m, x)),
    ("solve_triangular: trans .* 'X'", lambda x, m: linalg.solve_triangular(m, m, "X")),
    ("solve_triangular: trans", lambda x, m: linalg.solve_triangular(m, m, 5)),
    ("lu_solve: trans", lambda x, m: linalg.lu_solve(linalg.lu_factor(m), m, 3)),
    ("lu_solve: argument `b`", lambda x, m: linalg.lu_solve(linalg.lu_factor(m), x)),
    ("solve_discrete_lyapunov: a and q", lambda x, m: linalg.solve_discrete_lyapunov(m, m[:2])),
    ("polar: argument `a`", lambda x, m: linalg.polar(x)),
    ("eigh: type", lambda x, m: linalg.eigh(m, m, type=4)),
    (
        "eigh: pass one of",
        lambda x, m: linalg.eigh(m, subset_by_index=[0, 1], subset_by_value=[0, 1]),
    ),
    ("eigh: subset_by_index", lambda x, m: linalg.eigh(m, subset_by_index=[1, 7])),
    ("eigvalsh: .*subset_by_index", lambda x, m: linalg.eigvalsh(m, subset_by_index=[0, 1, 2])),
    ("eigh: subset_by_value", lambda x, m: linalg.eigh(m, subset_by_value=[3, 1])),
    (
        "eigh: subset_by_value .* stack",
        lambda x, m: linalg.eigh(np.stack([m, m]), subset_by_value=[1, 3]),
    ),
    ("expm_frechet: method", lambda x, m: linalg.expm_frechet(m, m, "best")),
    ("expm_frechet: A and E", lambda x, m: linalg.expm_frechet(m, np.eye(2))),
    ("solve_banded: argument `b`", lambda x, m: linalg.solve_banded((1, 1), m, 1.0)),
    ("solveh_banded: argument `ab`", lambda x, m: linalg.solveh_banded(x, [1.0, 2.0])),
    ("lfilter_zi: b and a", lambda x, m: signal.lfilter_zi(m, [1.0])),
    ("filtfilt: b and a", lambda x, m: signal.filtfilt(m, [1.0], x)),
    ("sosfilt: zi", lambda x, m: signal.sosfilt(SECTIONS, x, zi=np.zeros((3, 2)))),
    ("convolve2d: fillvalue", lambda x, m: signal.convolve2d(m, m, fillvalue=[1.0, 2.0])),
    ("detrend: bp", lambda x, m: signal.detrend(x, bp=-1)),
    ("savgol_filter: x must be real", lambda x, m: signal.savgol_filter(x * 1j, 3, 1)),
    ("trapezoid: dx", lambda x, m: integrate.trapezoid(x, dx=[1.0, 2.0])),
    ("simpson: dx", lambda x, m: integrate.simpson(x, dx=[1.0, 2.0])),
    ("simpson: y has no samples", lambda x, m: integrate.simpson(x[:0])),
    (
        "cumulative_simpson: initial",
        lambda x, m: integrate.cumulative_simpson(x, initial=[1.0, 2.0]),
    ),
    (
        "CubicHermiteSpline: dydx",
        lambda x, m: interpolate.CubicHermiteSpline(X, x, [1.0, 2.0]),
    ),
    ("CubicSpline: bc_type", lambda x, m: interpolate.CubicSpline(X, x, bc_type=7)),
    (
        "CubicSpline: bc_type must give values",
        lambda x, m: interpolate.CubicSpline(X, x, bc_type=((1, [1.0, 2.0]), (1, 0.0))),
    ),
    ("CubicSpline: x must be real", lambda x, m: interpolate.CubicSpline(X * 1j, x)),
    ("CubicSpline: x must be real", lambda x, m: interpolate.CubicSpline(X, x)(1j)),
    ("PchipInterpolator: y must be real", lambda x, m: interpolate.PchipInterpolator(X, x * 1j)),
    ("Akima1DInterpolator: y", lambda x, m: interpolate.Akima1DInterpolator(X, x * 1j)),
    ("PPoly: c must have the axes 1 and 2", lambda x, m: interpolate.PPoly(m, X, axis=1)),
    ("PPoly: nu", lambda x, m: interpolate.PPoly(m, X[:4])(1.0, -1)),
    ("BSpline: nu", lambda x, m: interpolate.BSpline(X, x, 2)(1.0, -1)),
    ("BSpline: t must", lambda x, m: interpolate.BSpline(X[::-1], x, 2)),
    ("make_interp_spline: k", lambda x, m: interpolate.make_interp_spline(X, x, -1)),
    (
        "make_interp_spline: t must .* not decrease",
        lambda x, m: interpolate.make_interp_spline(X, x, t=np.arange(10.0)[::-1]),
    ),
    ("interp1d: x must have one axis", lambda x, m: interpolate.interp1d(X, x[:3])),
    (
        "interp1d: pass one of bounds_error",
        lambda x, m: interpolate.interp1d(X, x, bounds_error=True, fill_value="extrapolate"),
    ),
    (
        "interp1d: fill_value",
        lambda x, m: interpolate.interp1d(X, x, bounds_error=False, fill_value=(1.0, 2.0, 3.0)),
    ),
    (
        "RegularGridInterpolator: method",
        lambda x, m: interpolate.RegularGridInterpolator((X,), x, "cubic"),
    ),
    (
        "RegularGridInterpolator: points must",
        lambda x, m: interpolate.RegularGridInterpolator((0 * X,), x),
    ),
    ("fftn: axes must all be different", lambda x, m: fft.fftn(m, axes=(0, 0))),
    ("dctn: axes must all be different", lambda x, m: fft.dctn(m, axes=(0, -2))),
    ("dctn: s must hold", lambda x, m: fft.dctn(m, s=(3, None))),
    ("rfftn: axes must hold one", lambda x, m: fft.rfftn(m, axes=())),
]


@pytest.mark.parametrize(("words", "call"), WRONG, ids=[words for words, _ in WRONG])
def test_errors_name_the_function_and_the_argument(words: str, call: Any) -> None:
    x, m = gt.constant(Y), gt.constant(2 * np.eye(3))
    with gt.GradientTape() as tape:
        tape.watch([x, m])
        with pytest.raises(ValueError, match=f"^{words}"):
            call(x, m)


def test_degrees_are_whole_numbers() -> None:
    for call in (
        lambda: interpolate.BSpline(X, gt.constant(Y), 1.5),
        lambda: interpolate.make_interp_spline(X, gt.constant(Y), 1.5),
    ):
        with pytest.raises(TypeError, match="integer"):
            call()


def test_a_plan_is_refused_as_scipy_does() -> None:
    with pytest.raises(NotImplementedError, match="plan"):
        fft.fft(gt.constant(Y), plan=3)


@pytest.mark.parametrize("kinds", [(0, 0, 1), (0, 1, 0), (1, 0, 0), (1, 0, 1)])
def test_sylvester_of_real_and_complex_matrices(kinds: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(0)
    a, b, q = [
        rng.standard_normal(shape) + 1j * kind * rng.standard_normal(shape)
        if kind
        else rng.standard_normal(shape)
        for kind, shape in zip(kinds, [(3, 3), (2, 2), (3, 2)], strict=True)
    ]
    x = linalg.solve_sylvester(*map(gt.constant, (a, b, q))).numpy()
    np.testing.assert_allclose(a @ x + x @ b, q, atol=1e-13)
