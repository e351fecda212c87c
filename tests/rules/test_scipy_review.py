"""Every argument of SciPy's namesakes that may be a tensor: values, gradients, and what is refused.

Each call is made with its arguments tracked one at a time. The value is SciPy's own on bare arrays,
the gradient that of differences, the Jacobian made of the gradients.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradtape as gt
from tests.rules.cases import spread
from tests.rules.tools import along, bare, directions, inner, leaves, weights

pytest.importorskip("scipy")

import scipy.fft
import scipy.integrate
import scipy.interpolate
import scipy.linalg
import scipy.signal

import gradtape.scipy.fft as fft
import gradtape.scipy.integrate as integrate
import gradtape.scipy.interpolate as interpolate
import gradtape.scipy.linalg as linalg
import gradtape.scipy.signal as signal

Call = tuple[str, Any, Any, Callable[..., Any], dict[str, Any]]


def numbers(label: str, *shape: int) -> Any:
    return spread(label, (shape,), -1.0, 1.0)[0]


def places(label: str, *shape: int) -> Any:
    return np.cumsum(1 + numbers(label, *shape) / 3, -1)


X, Y = places("x", 6), numbers("y", 6)
WIDE = numbers("wide", 2, 6)
INSIDE = np.array([1.3, 2.1, 4.4])
B, A = np.array([0.5, 0.2, -0.3]), np.array([2.0, -0.5, 0.3])
SECTIONS = np.array([[1, 0.2, 0.3, 1, -0.4, 0.1], [0.5, 0.1, 0, 1, 0.3, 0.2]])
SIGNAL = numbers("signal", 2, 9)


def _integrals() -> list[Call]:
    def of(name: str, **options: Any) -> Callable[..., Any]:
        return lambda m, y, **arrays: getattr(m, name)(y, **arrays, **options)

    found = []
    for name in ("trapezoid", "cumulative_trapezoid", "simpson", "cumulative_simpson"):
        beside = (2,) if name == "simpson" else (2, 1)
        across = (2,) if name == "simpson" else (1, 2)
        y = numbers(name, 2, 5)
        found += [
            (f"{name}-x", of(name), {"y": y, "x": places("xs", 2, 5)}),
            (f"{name}-dx", of(name), {"y": y, "dx": np.array(0.7)}),
            (f"{name}-dxs", of(name), {"y": y, "dx": 1 + numbers("dx", *beside) / 3}),
            (f"{name}-axis", of(name, axis=0), {"y": y.T, "dx": 1 + numbers("d", *across) / 3}),
        ]
        if name.endswith("trapezoid"):  # a distance for each interval
            found.append((f"{name}-each", of(name), {"y": y, "dx": 1 + numbers("e", 4) / 3}))
    y = numbers("cumulative", 2, 5)
    for axis, shape in ((1, ()), (1, (2, 1)), (0, (1, 5))):
        form = of("cumulative_simpson", axis=axis)
        arrays = {"y": y, "initial": numbers("initial", *shape)}
        found.append((f"cumulative_simpson-initial{shape}", form, arrays))
    arrays = {"y": numbers("romb", 2, 5), "dx": 1 + numbers("step", 2) / 3}
    found.append(("romb-dxs", of("romb"), arrays))
    return [(label, scipy.integrate, integrate, f, arrays) for label, f, arrays in found]


def _filters() -> list[Call]:
    def smooth(mode: str, deriv: int) -> Callable[..., Any]:
        return lambda m, x, delta, cval: m.savgol_filter(
            x, 5, 2, deriv, delta, mode=mode, cval=cval
        )

    zi = numbers("zi", 2, 2, 2)
    plane = {"x": numbers("plane", 3, 4), "y": numbers("kernel", 2, 3), "v": np.array(0.7)}
    delayed = {"b": B, "a": np.array([0.0, 2.0, 0.3])}
    found: list[Any] = [
        ("sosfilt", lambda m, sos, x: m.sosfilt(sos, x), {"sos": SECTIONS, "x": SIGNAL}),
        (
            "sosfilt-zi",
            lambda m, sos, x, zi: m.sosfilt(sos, x, zi=zi),
            {"sos": SECTIONS, "x": SIGNAL, "zi": zi},
        ),
        (
            "sosfilt-zi-axis",
            lambda m, sos, x, zi: m.sosfilt(sos, x, 0, zi),
            {"sos": SECTIONS, "x": SIGNAL.T, "zi": zi},
        ),
        (
            "lfilter-zi",
            lambda m, b, a, x, zi: m.lfilter(b, a, x, zi=zi),
            {"b": B, "a": A, "x": SIGNAL, "zi": zi[0]},
        ),
        *(
            # SciPy refuses it from there on.
            [("lfilter_zi-delay", lambda m, b, a: m.lfilter_zi(b, a), {"b": B}, delayed)]
            if np.lib.NumpyVersion(scipy.__version__) < "1.18.0"
            else []
        ),
        (
            "filtfilt-method",
            lambda m, b, a, x: m.filtfilt(b, a, x, padlen=4, method="pad"),
            {"b": B, "a": A, "x": SIGNAL},
        ),
        *[
            (
                f"{name}-{mode}",
                lambda m, x, y, v, n=name, o=mode: getattr(m, n)(x, y, o, "fill", v),
                plane,
            )
            for name in ("convolve2d", "correlate2d")
            for mode in ("full", "same")
        ],
        *[
            (
                f"savgol-{mode}-{deriv}",
                smooth(mode, deriv),
                {"x": SIGNAL, "delta": np.array(0.7)}
                | ({"cval": np.array(0.3)} if mode == "constant" else {}),
                {"cval": 0.3},
            )
            for mode in ("interp", "mirror", "constant")
            for deriv in (0, 1, 2)
        ],
    ]
    return [
        (
            label,
            scipy.signal,
            signal,
            lambda m, f=f, also=also[0] if also else {}, **arrays: f(m, **{**also, **arrays}),
            arrays,
        )
        for label, f, arrays, *also in found
    ]


def _curves() -> list[Call]:
    def spline(count: int, orders: tuple[int, int]) -> Callable[..., Any]:
        return lambda m, x, y, u, v: m.CubicSpline(
            x, y, axis=1, bc_type=((orders[0], u), (orders[1], v))
        )(INSIDE[:2])

    grid = places("grid", 3)
    cells = np.array([[grid[0] + 0.3, X[0] + 0.4], [grid[1] + 0.2, X[3] + 0.3]])
    found: list[Any] = [
        (
            "PPoly-axis",
            lambda m, c, x, p: m.PPoly(c, x, axis=1)(p),
            {"c": numbers("c", 2, 3, 5), "x": X, "p": INSIDE},
        ),
        (
            "PPoly-axis-integral",
            lambda m, c, x, p: m.PPoly(c, x, axis=1).antiderivative()(p),
            {"c": numbers("c", 2, 3, 5), "x": X, "p": INSIDE},
        ),
        *[
            (
                f"CubicSpline-{n}-{orders}",
                spline(n, orders),
                {"x": X[:n], "y": WIDE[:, :n], "u": Y[:2], "v": Y[2:4]},
            )
            for n in (2, 3, 4)
            for orders in ((1, 1), (1, 2), (2, 1), (2, 2))
        ],
        (
            "make_interp_spline-t",
            lambda m, x, y, t: m.make_interp_spline(x, y, 2, t)(INSIDE),
            {"x": X, "y": Y, "t": X[0] + np.array([-3, -2, -1, 1.2, 2.4, 3.3, 6, 7, 8])},
        ),
        *[
            (
                f"interp1d-{kind}-list",
                lambda m, y, f, k=kind: m.interp1d(
                    X, y, k, bounds_error=False, fill_value=[f[0], f[1]]
                )(np.array([-1.0, 2.0, 9.0])),
                {"y": WIDE, "f": Y[:2]},
            )
            for kind in ("linear", "cubic")
        ],
        (
            "RegularGridInterpolator-descending",
            lambda m, a, b, v, p: m.RegularGridInterpolator((a[::-1], b[::-1]), v)(p),
            {"a": grid, "b": X, "v": numbers("values", 3, 6, 2), "p": cells},
        ),
    ]
    return [(label, scipy.interpolate, interpolate, f, arrays) for label, f, arrays in found]


def _matrices() -> list[Call]:
    stack = numbers("stack", 2, 3, 3) * 0.4 + np.diag([1.0, 2.0, 3.5])
    tall = numbers("tall", 2, 4, 3) + np.eye(4, 3)

    def definite(a: Any) -> Any:
        return a @ np.swapaxes(a, -1, -2) + np.eye(3)

    found: list[Any] = [
        *[
            (
                f"lu_solve-{trans}{shape}",
                lambda m, a, b, t=trans: m.lu_solve(m.lu_factor(a), b, t),
                {"a": stack, "b": numbers("right", *shape)},
            )
            for trans in (0, 1, 2)
            for shape in ((3,), (3, 2), (2, 3, 1))
        ],
        (
            "lu_solve-sides",
            lambda m, a, b: m.lu_solve(m.lu_factor(a), b),
            {"a": stack[0], "b": numbers("right", 2, 3, 2)},
        ),
        (
            "cho_solve",
            lambda m, a, b: m.cho_solve((m.cholesky(definite(a), lower=True), True), b),
            {"a": stack, "b": numbers("vector", 3)},
        ),
        (
            "qr-pivoting",
            lambda m, a: [np.abs(r) for r in m.qr(a, mode="economic", pivoting=True)[:2]],
            {"a": tall},
        ),
        *[
            (f"polar-{side}-{shape}", lambda m, a, s=side: m.polar(a, s), {"a": a})
            for side in ("left", "right")
            for shape, a in (
                ("square", stack),
                ("tall", tall),
                ("wide", np.swapaxes(tall, -1, -2)),
            )
        ],
        (
            "solve_sylvester",
            lambda m, a, b, q: m.solve_sylvester(a, b, q),
            {"a": stack, "b": stack[0, :2, :2], "q": numbers("q", 3, 2)},
        ),
        (
            "pinv-rank",
            lambda m, a: m.pinv(a, return_rank=True)[0],
            {"a": stack},
        ),
    ]
    return [(label, scipy.linalg, linalg, f, arrays) for label, f, arrays in found]


def _transforms() -> list[Call]:
    x = numbers("transformed", 2, 4, 5)
    several = [n for n in fft.__all__ if n.endswith(("fft2", "fftn", "ctn", "stn"))]
    return [
        (
            f"{name}-{options}",
            scipy.fft,
            fft,
            lambda m, x, n=name, o=options: getattr(m, n)(x, **o),
            {"x": x},
        )
        for name in several
        for options in ({"axes": 1}, {"s": 4, "axes": 0})
    ]


CALLS = [*_integrals(), *_filters(), *_curves(), *_matrices(), *_transforms()]
ONE_AT_A_TIME = [(*call, name) for call in CALLS for name in call[-1]]


@pytest.mark.parametrize(
    ("label", "theirs", "ours", "function", "arrays", "name"),
    ONE_AT_A_TIME,
    ids=[f"{call[0]}-{call[-1]}" for call in ONE_AT_A_TIME],
)
def test_each_argument(
    label: str, theirs: Any, ours: Any, function: Any, arrays: Any, name: str
) -> None:
    def of_one(x: Any) -> list[Any]:
        found = function(ours, **{**arrays, name: x})
        return leaves(found)

    def of_array(x: Any) -> list[Any]:
        return [bare(f) for f in of_one(gt.constant(x))]

    x = gt.constant(arrays[name])
    with gt.GradientTape(persistent=True) as tape:
        tape.watch(x)
        found = of_one(x)
    for ys, expected in zip(found, leaves(_theirs(theirs, function, arrays)), strict=True):
        assert isinstance(ys, gt.Tensor)
        assert ys.shape == np.shape(expected)
        np.testing.assert_allclose(bare(ys), expected, rtol=1e-9, atol=1e-10)
    ws = weights(lambda x: of_array(x), (arrays[name],))
    gradient = bare(tape.gradient(found, x, ws))
    for direction in directions((arrays[name],), 2, False):
        expected = along(
            lambda x: sum([inner(w, f) for w, f in zip(ws, of_array(x), strict=True)]),
            (arrays[name],),
            direction,
            0.005,
        )
        actual = float(inner(gradient, direction[0]))
        np.testing.assert_allclose(actual, float(expected), rtol=1e-6, atol=1e-7)
    y, w = found[0], np.real(ws[0]).astype(ws[0].dtype)
    rows = bare(tape.jacobian(y, x)).reshape(-1, *np.shape(arrays[name]))
    whole = np.real(np.tensordot(np.ravel(w), rows, 1))
    np.testing.assert_allclose(whole, bare(tape.gradient(y, x, [w])), rtol=1e-9, atol=1e-10)


def _theirs(module: Any, function: Any, arrays: Any) -> Any:
    """What SciPy gives; of stacks of matrices one by one, as all of its versions can."""
    stacked = [n for n, a in arrays.items() if module is scipy.linalg and np.ndim(a) == 3]
    if not stacked:
        return function(module, **arrays)
    each = [
        leaves(function(module, **{**arrays, **{n: arrays[n][i] for n in stacked}}))
        for i in range(2)
    ]
    return [np.stack(parts) for parts in zip(*each, strict=True)]


@pytest.mark.parametrize("call", CALLS, ids=[call[0] for call in CALLS])
def test_gradients_in_single_precision(call: Call) -> None:
    _, _, ours, function, arrays = call
    low = {n: gt.constant(np.float32(a)) for n, a in arrays.items()}
    with gt.GradientTape() as tape:
        tape.watch(low)
        found = leaves(function(ours, **low))
    for name, g in tape.gradient(found, low).items():
        assert g.dtype == np.float32, name
        assert np.isfinite(g.numpy()).all(), name
