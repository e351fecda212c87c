"""Cases of differences, integrals, interpolation, products, polynomials, sinc and i0."""

from typing import Any

import numpy as np

from gradtape.derivatives.products import convolved
from tests.rules.cases import Case, case, cases

REAL: dict[str, Any] = {"complex_too": False}
#: Sums whose order is not NumPy's.
NEAR: dict[str, Any] = {"exact": False}


def _differences() -> list[Case]:
    return [
        *cases(
            np.diff,
            np.diff,
            lambda x: np.diff(x, 2, 0),
            lambda x: np.diff(x, axis=1, prepend=0, append=[[1], [2], [3]]),
            lambda x: np.diff(x, 5),
            lambda x: np.diff(x, 0),
            shape=(3, 4),
        ),
        case(np.diff, lambda x, a, b: np.diff(x, prepend=a, append=b), (2, 3), (), (2, 1)),
        *cases(
            np.ediff1d,
            np.ediff1d,
            lambda x: np.ediff1d(x, to_end=1, to_begin=[2, 3]),
        ),
        case(np.ediff1d, lambda x, v: np.ediff1d(x, to_end=v), (2, 2), (2,), note="end"),
        *cases(
            np.trapezoid,
            np.trapezoid,
            lambda x: np.trapezoid(x, dx=0.5, axis=0),
            lambda x: np.trapezoid(x, [0.5, 1, 3, 5], axis=1),
            shape=(3, 4),
            **NEAR,
        ),
        case(np.trapezoid, lambda y, x: np.trapezoid(y, x, axis=0), (3, 2), (3,), note="places"),
        case(np.trapezoid, lambda y, x: np.trapezoid(y, x), (2, 3), (2, 3), note="each"),
        case(np.trapezoid, lambda y, h: np.trapezoid(y, dx=h), (4,), (), note="step"),
        # Its name before NumPy 2.0, gone in 2.4.
        *[case(f, f, (3, 4), **NEAR) for f in [vars(np).get("trapz")] if f is not None],
        *cases(
            np.unwrap,
            np.unwrap,
            lambda x: np.unwrap(x * 4, axis=0),
            lambda x: np.unwrap(x, period=1.0),
            shape=(3, 4),
            low=-4,
            high=4,
            **REAL,
        ),
    ]


def _gradients() -> list[Case]:
    places = [0.0, 0.3, 1.1, 1.5, 2.5]
    return [
        *cases(
            np.gradient,
            np.gradient,
            lambda x: np.gradient(x, 0.5, axis=0),
            lambda x: np.gradient(x, 0.5, 2, edge_order=2),
            lambda x: np.gradient(x, places, axis=-1),
            lambda x: np.gradient(x, 2, places, edge_order=2),
            lambda x: np.gradient(x, np.arange(5) * 0.5, axis=1),
            lambda x: np.gradient(x, axis=(1, 0)),
            shape=(3, 5),
            dtypes="dg",
        ),
        *cases(np.gradient, np.gradient, shape=(2,), note="short"),
        case(np.gradient, lambda f, h: np.gradient(f, h), (3, 3), (), note="step"),
        *[
            case(
                np.gradient,
                lambda f, p, n=n: np.gradient(f, np.cumsum(p), axis=0, edge_order=n),
                (4, 2),
                (4,),
                note=f"places{n}",
                low=0.3,
            )
            for n in (1, 2)
        ],
    ]


def _sampling() -> list[Case]:
    xp = np.array([-1.0, 0.2, 0.7, 2.0])
    fp = np.array([1.0, 3.0, -2.0, 0.5])
    double: dict[str, Any] = {"dtypes": "d"}  # NumPy answers in double precision
    return [
        *cases(
            np.interp,
            lambda x: np.interp(x, xp, fp),
            lambda x: np.interp(x, xp, fp, left=5, right=-5),
            lambda x: np.interp(x, xp, fp, period=1.5),
            lambda x: np.interp(x, xp, fp * (1 + 2j)),
            lambda x: np.interp(x, [1.0], [2.0]),
            shape=(2, 5),
            **REAL,
            **double,
        ),
        case(
            np.interp,
            lambda x, xs, fs: np.interp(x, np.cumsum(xs), fs),
            (5,),
            (4,),
            (4,),
            note="all",
            low=0.3,
            **REAL,
            **double,
        ),
        case(
            np.interp,
            lambda fs, a, b: np.interp([-3, 0.1, 1, 3], xp, fs, a, b),
            (4,),
            (),
            (),
            note="values",
            **REAL,
            **double,
        ),
        case(
            np.interp,
            lambda fs: np.interp([-3, 0.1, 1, 3], xp, fs),
            (4,),
            note="complex-values",
            dtypes="d",
        ),
        case(
            np.interp,
            lambda xs, n: np.interp([0.1, 0.9, 2.2], xs, [1.0, 2.0, 5.0], period=n),
            (3,),
            (),
            note="period",
            low=1.2,
            high=1.8,
            **REAL,
            **double,
        ),
        case(np.linspace, lambda a, b: np.linspace(a, b, 4), (), (), note="ends"),
        case(np.linspace, lambda a, b: np.linspace(a, b, 3, False), (2, 1), (3,), note="arrays"),
        case(np.linspace, lambda b: np.linspace(0, b, 5, axis=-1), (2,), note="axis"),
        case(np.linspace, lambda a: np.linspace(a, 1, 1), (2,), note="one"),
        case(np.linspace, lambda a: np.linspace(a, 1.0, 0), (2,), note="none"),
        case(np.linspace, lambda a, b: np.linspace(a, b, 3, retstep=True), (), (), note="step"),
        case(np.linspace, lambda a: np.linspace(a, 2, 3, dtype=complex), (2,), note="dtype"),
        case(np.logspace, lambda a, b: np.logspace(a, b, 4), (2,), (), note="ends", **NEAR),
        case(
            np.logspace,
            lambda a, b, c: np.logspace(a, b, 3, False, c, axis=-1),
            (),
            (2,),
            (2,),
            note="base",
            low=0.5,
            **REAL,
        ),
        *[
            case(
                np.geomspace,
                lambda a, b, f=f: f(a, b),
                (2,),
                (2,),
                note=note,
                low=0.5,
                **NEAR,
            )
            for note, f in {
                "ends": lambda a, b: np.geomspace(a, b, 4),
                "open": lambda a, b: np.geomspace(a, b, 4, endpoint=False, axis=1),
                "negative": lambda a, b: np.geomspace(-a, -b, 3),
            }.items()
        ],
    ]


def _products() -> list[Case]:
    return [
        case(np.kron, np.kron, (2, 2), (2, 3), note="matrices"),
        case(np.kron, np.kron, (2,), (2, 1, 2), note="axes"),
        case(np.kron, np.kron, (), (3,), note="0d"),
        case(np.kron, lambda x: np.kron([[1, 2]], x), (2, 2), note="bare"),
        case(np.cross, np.cross, (2, 3), (3,), note="last-axis", **NEAR),
        case(
            np.cross,
            lambda a, b: np.cross(a, b, axisa=0, axisb=1, axisc=0),
            (3, 2),
            (2, 3),
            note="axes",
            **NEAR,
        ),
        case(
            np.cross, lambda a, b: np.cross(a, b, axis=0), (3, 2), (3, 1), note="one-axis", **NEAR
        ),
        *[
            case(
                f, lambda a, v, f=f, mode=mode: f(a, v, mode), n, m, note=f"{mode}-{n}-{m}", **NEAR
            )
            for f in (np.convolve, np.correlate)
            for mode in ("full", "same", "valid")
            for n, m in ((5, 2), (2, 5), (4, 4), (3, 1))
        ],
        case(np.convolve, lambda a: np.convolve(a, [1, 2]), (3,), note="bare", **NEAR),
        case(np.correlate, lambda a: np.correlate(a, a), (3,), note="itself", **NEAR),
        case(
            "convolved",
            lambda a, v: convolved(a, v, mode="valid"),
            (2, 4),
            (3,),
            note="rows",
            **NEAR,
        ),
    ]


def _polynomials() -> list[Case]:
    zeros = np.array([0.5, -1.5, 2.0])
    return [
        case(np.polyval, np.polyval, (4,), (2, 3), note="array"),
        case(np.polyval, lambda p: np.polyval(p, 0.5), (3,), note="number", dtypes="dg"),
        case(np.polyval, lambda x: np.polyval([1, 2, 3], x), (), note="bare", dtypes="dg"),
        *[
            case(f, f, *shapes, note="-".join([str(*s) for s in shapes]), **NEAR)
            for f in (np.polyadd, np.polysub, np.polymul)
            for shapes in (((3,), (3,)), ((2,), (4,)), ((4,), (1,)))
        ],
        case(np.polymul, lambda p: np.polymul([0, 0, 1], p), (3,), note="leading-zeros", **NEAR),
        case(np.polydiv, np.polydiv, (5,), (3,), dtypes="dg", **NEAR),
        case(np.polydiv, np.polydiv, (2,), (3,), note="short", dtypes="dg", **NEAR),
        *cases(
            np.polyder,
            np.polyder,
            lambda p: np.polyder(p, 2),
            lambda p: np.polyder(p, 0),
            shape=(4,),
            dtypes="dg",
        ),
        *cases(
            np.polyint,
            np.polyint,
            lambda p: np.polyint(p, 2, k=[1, 2]),
            lambda p: np.polyint(p, 2, k=3),
            shape=(4,),
            dtypes="dg",
        ),
        case(np.polyint, lambda p, k: np.polyint(p, k=k), (3,), (), note="constant", dtypes="dg"),
        *cases(
            np.vander,
            np.vander,
            lambda x: np.vander(x, 4, increasing=True),
            lambda x: np.vander(x, 1),
            lambda x: np.vander(x, 0),
            shape=(3,),
            dtypes="dg",
        ),
        *_fits(),
        case(np.poly, np.poly, (3,), dtypes="dg", **NEAR),
        case(
            np.roots,
            lambda d: np.roots(np.poly(zeros) + d * 0.1),
            (4,),
            dtypes="fd",
            note="real",
            low=0.1,
            high=0.5,
            **NEAR,
        ),
        case(
            np.roots,
            lambda d: np.roots(np.array([1, 2, 5.0]) + d * 0.1),
            (3,),
            dtypes="fd",
            note="pair",
            low=0.1,
            high=0.5,
            **NEAR,
        ),
    ]


def _fits() -> list[Case]:
    x = np.array([-1.0, -0.3, 0.4, 0.9, 1.6, 2.0])
    w = np.array([1.0, 2.0, 0.5, 1.5, 1.0, 3.0])
    fit: dict[str, Any] = {"dtypes": "fd", "complex_too": False, **NEAR}
    return [
        case(np.polyfit, lambda y: np.polyfit(x, y, 2), (6,), note="line", **fit),
        case(np.polyfit, lambda y: np.polyfit(x, y, 1, w=w), (6, 2), note="weights", **fit),
        case(
            np.polyfit,
            lambda d, y, v: np.polyfit(x + d * 0.01, y, 2, w=v),
            (6,),
            (6,),
            (6,),
            note="all",
            low=0.5,
            **fit,
        ),
        case(np.polyfit, lambda y: np.polyfit(x, y, 1, cov=True), (6,), note="covariance", **fit),
        case(
            np.polyfit,
            lambda y: np.polyfit(x, y, 1, cov="unscaled")[0],
            (6, 2),
            note="unscaled",
            **fit,
        ),
    ]


def _series() -> list[Case]:
    return [
        case(np.sinc, np.sinc, (2, 5), note="near", low=-1, high=1, **NEAR),
        case(np.sinc, np.sinc, (3,), note="far", low=1, high=4, **NEAR),
        case(np.sinc, np.sinc, (), note="0d", **NEAR),
        case(np.i0, np.i0, (2, 4), note="near", low=-7, high=7, dtypes="fd", **REAL, **NEAR),
        case(np.i0, np.i0, (3,), note="far", low=10, high=40, dtypes="fd", **REAL, **NEAR),
    ]


CASES = [
    *_differences(),
    *_gradients(),
    *_sampling(),
    *_products(),
    *_polynomials(),
    *_series(),
]
