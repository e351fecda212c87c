"""Cases of the functions that leave NaN out, of order statistics, averages and counts."""

from typing import Any

import numpy as np

from tests.rules.cases import Case, case, cases

CUBE = (2, 3, 4)

#: The entries that are NaN in what the nan-functions are given.
HOLES = np.arange(24).reshape(CUBE) % 5 == 1
MASK = np.arange(24).reshape(CUBE) % 11 != 4

AXES: list[dict[str, Any]] = [{}, {"axis": 1}, {"axis": (0, -1), "keepdims": True}]

REAL: dict[str, Any] = {"complex_too": False}


def _holed(x: Any) -> Any:
    """The argument with NaN in some places."""
    return np.where(HOLES, np.nan, x)


def _nan_functions() -> list[Case]:
    reductions = {np.nansum: True, np.nanprod: True, np.nanmean: True, np.nanvar: True}
    reductions |= {np.nanstd: True, np.nanmax: False, np.nanmin: False}
    means, extremes = (np.nanvar, np.nanstd), (np.nanmax, np.nanmin)
    return [
        *[
            case(
                f,
                lambda x, f=f, o=o: f(_holed(x), **o),
                CUBE,
                note=f"{i}",
                low=0.3,
                complex_too=c,
                exact=f not in (np.nanmean, *means),
            )
            for f, c in reductions.items()
            for i, o in enumerate(AXES)
        ],
        *[
            case(
                f,
                lambda x, f=f: f(_holed(x), 1, where=MASK),
                CUBE,
                note="where",
                low=0.3,
                complex_too=c,
                exact=False,
            )
            for f, c in reductions.items()
            if f not in extremes
        ],
        *[
            case(
                f,
                lambda x, y, f=f: f(_holed(x), 1, where=MASK, initial=y),
                CUBE,
                (),
                note="start",
                low=0.3,
                complex_too=f is np.nansum,
                exact=False,
            )
            for f in (np.nansum, np.nanprod, *extremes)
        ],
        *[
            one
            for f in means
            for one in cases(
                f,
                lambda x, f=f: f(_holed(x), -1, ddof=1),
                lambda x, f=f: f(_holed(x), (0, 2), correction=0.5),
                lambda x, f=f: f(_holed(x), 0, mean=np.full((1, 3, 4), 0.2)),
                shape=CUBE,
                exact=False,
            )
        ],
        *[
            one
            for f in (np.nancumsum, np.nancumprod)
            for one in cases(
                f, lambda x, f=f: f(_holed(x)), lambda x, f=f: f(_holed(x), 1), shape=CUBE
            )
        ],
    ]


LINES = ("interpolated_inverted_cdf", "hazen", "weibull", "linear", "median_unbiased")
LINES += ("normal_unbiased",)
METHODS = (*LINES, "inverted_cdf", "averaged_inverted_cdf", "closest_observation")
METHODS += ("lower", "higher", "midpoint", "nearest")

WEIGHTS = np.linspace(0.5, 2, 24).reshape(CUBE)


def _order_statistics() -> list[Case]:
    weighted: dict[str, Any] = {"method": "inverted_cdf", "weights": WEIGHTS}
    makers: list[tuple[Any, float, Any]] = [
        (np.quantile, 1, lambda x: x),
        (np.percentile, 100, lambda x: x),
        (np.nanquantile, 1, _holed),
        (np.nanpercentile, 100, _holed),
    ]
    near: dict[str, Any] = {"exact": False, **REAL}
    made = []
    for f, whole, given in makers:
        made += cases(
            f,
            lambda x, f=f, g=given, w=whole: f(g(x), 0.3 * w),
            lambda x, f=f, g=given, w=whole: f(g(x), [0.3 * w, 0.8 * w], 1),
            lambda x, f=f, g=given, w=whole: f(g(x), 0.7 * w, (0, -1), keepdims=True),
            lambda x, f=f, g=given, w=whole: f(g(x), 0.45 * w, 2, **weighted),
            shape=CUBE,
            **near,
        )
        made.append(
            case(
                f,
                # Of entries between 0.2 and 0.8 as parts of the whole.
                lambda x, q, f=f, g=given, w=whole: f(g(x), (q + 4) * (w / 8), 1),
                *(CUBE, (2,)),
                note="tracked-q",
                **{**near, "dtypes": "fdg"},
            )
        )
    return [
        *made,
        *[
            case(
                np.quantile,
                lambda x, m=method: np.quantile(x, [0.17, 0.61], 0, method=m),
                (5, 2),
                note=method,
                **near,
            )
            for method in METHODS
        ],
        *[
            case(
                np.quantile,
                lambda q, m=method: np.quantile(np.arange(6.0) ** 2, (q + 4) / 8, method=m),
                (3,),
                note=f"{method}-by-q",
                **near,
            )
            for method in LINES
        ],
        *[
            one
            for f, given in ((np.median, lambda x: x), (np.nanmedian, _holed))
            for one in cases(
                f,
                lambda x, f=f, g=given: f(g(x)),
                lambda x, f=f, g=given: f(g(x), 1),
                lambda x, f=f, g=given: f(g(x), (0, -1), keepdims=True),
                shape=CUBE,
                exact=f is np.median,
            )
        ],
        # The order on each side of the place is NumPy's affair, and not the same for every dtype.
        *cases(
            np.partition,
            lambda x: np.partition(x, 2),
            lambda x: np.partition(x, [0, 2], 0)[::2],
            lambda x: np.partition(x, 3, None)[3],
            lambda x: np.sort(np.partition(x, 3, None)[:3]),
            shape=(4, 3),
        ),
        *cases(np.sort_complex, np.sort_complex, shape=(4, 3)),
    ]


def _averages() -> list[Case]:
    positive: dict[str, Any] = {"low": 0.3, "exact": False}
    return [
        *cases(
            np.average,
            np.average,
            lambda x: np.average(x, 1, keepdims=True),
            lambda x: np.average(x, (0, 2), returned=True),
            lambda x: np.average(x, 1, weights=[1, 2, 0.5]),
            lambda x: np.average(x, (2, 0), weights=WEIGHTS[:, 1].T),
            shape=CUBE,
        ),
        case(
            np.average,
            lambda x, w: np.average(x, weights=w, returned=True),
            *(CUBE, CUBE),
            note="weighted",
            **positive,
        ),
        case(
            np.average,
            lambda x, w: np.average(x, 1, w, returned=True, keepdims=True),
            *(CUBE, (3,)),
            note="weighted-axis",
            **positive,
        ),
        case(
            np.average, lambda w: np.average([1.0, 4.0], weights=w), (2,), note="bare", **positive
        ),
    ]


def _covariances() -> list[Case]:
    near: dict[str, Any] = {"exact": False, "dtypes": "fd"}
    times = [1, 2, 1, 3]
    return [
        *[
            one
            for f in (np.cov, np.corrcoef)
            for one in cases(f, f, lambda x, f=f: f(x, rowvar=False), shape=(3, 4), **near)
        ],
        *cases(
            np.cov,
            lambda x: np.cov(x[0]),
            lambda x: np.cov(x, bias=True, fweights=times),
            lambda x: np.cov(x, ddof=0, dtype="D"),
            shape=(3, 4),
            note="options",
            **near,
        ),
        case(np.cov, lambda x, y: np.cov(x, y), (2, 4), (4,), note="two", **near),
        case(np.corrcoef, lambda x, y: np.corrcoef(x, y), (4,), (4,), note="two", **near),
        case(
            np.cov,
            lambda x, w: np.cov(x, fweights=times, aweights=w),
            *((2, 4), (4,)),
            note="weights",
            low=0.3,
            **near,
            **REAL,
        ),
        case(
            np.cov,
            lambda w: np.cov([[1.0, 4.0, 2.0, 1.0], [0.0, 2.0, 2.0, 3.0]], aweights=w, ddof=0),
            (4,),
            note="by-weights",
            low=0.3,
            **near,
            **REAL,
        ),
    ]


def _counts() -> list[Case]:
    places, more = np.array([0.5, 2.5, 1.0, 4.0, 9.0]), np.array([0.0, 1.0, 2.0, 1.0, 1.0])
    near: dict[str, Any] = {"exact": False, "dtypes": "efd", "low": 0.3}
    return [
        *cases(
            np.bincount,
            lambda w: np.bincount([3, 0, 3, 1, 0], w),
            lambda w: np.bincount([3, 0, 3, 1, 0], weights=w, minlength=7),
            shape=(5,),
            dtypes="efd",
            **REAL,
        ),
        *cases(
            np.histogram,
            lambda w: np.histogram(places, 3, weights=w)[0],
            lambda w: np.histogram(places, [0, 1, 2, 4], weights=w)[0],
            lambda w: np.histogram(places, 3, (0, 4), weights=w, density=True)[0],
            shape=(5,),
            **near,
        ),
        *[
            case(
                np.histogram2d,
                lambda w, b=bins, d=density: np.histogram2d(places, more, b, None, d, w)[0],
                (5,),
                note=f"{i}",
                **near,
                **REAL,
            )
            for i, (bins, density) in enumerate(
                [(3, False), ([0, 1, 2, 5], True), ([2, [0, 1, 2]], False)]
            )
        ],
        *cases(
            np.histogramdd,
            lambda w: np.histogramdd(np.stack([places, more, places]).T, 2, weights=w)[0],
            lambda w: np.histogramdd([places, more], (2, 3), weights=w, density=True)[0],
            shape=(5,),
            **near,
            **REAL,
        ),
    ]


CASES = [
    *_nan_functions(),
    *_order_statistics(),
    *_averages(),
    *_covariances(),
    *_counts(),
]
