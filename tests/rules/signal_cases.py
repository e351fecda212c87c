"""Cases of the namesakes of ``scipy.signal``: on bare arrays they are SciPy's own functions."""

from typing import Any

import numpy as np
import scipy.signal as theirs

import gradtape.scipy.signal as ours
from gradtape.scipy._convolution import full, valid
from gradtape.scipy._filters import filtered
from tests.rules.cases import Case, case

LOOSE: dict[str, Any] = {"exact": False, "dtypes": "fdg"}


def _convolutions() -> list[Case]:
    shapes = {
        "1d": ((5,), (3,)),
        "short-first": ((2,), (4,)),
        "2d": ((3, 4), (2, 2)),
        "one": ((3,), (1,)),
    }
    return [
        case(
            valid if mode == "valid" else full,
            _called(function, mode=mode, method=method),
            *pair,
            note=f"{function.__name__}-{mode}-{method}-{label}",
            **LOOSE,
        )
        for function in (ours.convolve, ours.correlate)
        for mode in ("full", "same", "valid")
        for method in ("direct", "fft")
        for label, pair in shapes.items()
    ]


def _called(function: Any, **options: Any) -> Any:
    return lambda *args: function(*args, **options)


def _along_axes() -> list[Case]:
    forms: list[tuple[str, Any, Any, dict[str, Any]]] = [
        ("last", (2, 4), (2, 3), {"axes": -1}),
        ("front", (4, 2), (3, 1), {"axes": [0]}),
        ("both", (1, 4), (2, 3), {"axes": 1}),
        ("valid", (2, 4, 3), (1, 2, 2), {"axes": (1, 2), "mode": "valid"}),
        ("short", (2, 2), (1, 4), {"axes": -1, "mode": "valid"}),
        ("same", (2, 4), (1, 3), {"axes": (-1,), "mode": "same"}),
        ("all", (3, 3), (2, 2), {}),
    ]
    return [
        case(
            full,
            _called(function, **options),
            first,
            second,
            note=f"{function.__name__}-{label}",
            **LOOSE,
        )
        for function in (ours.fftconvolve, ours.oaconvolve)
        for label, first, second, options in forms
    ]


def _planes() -> list[Case]:
    return [
        case(
            valid if mode == "valid" else full,
            _called(function, mode=mode, boundary=boundary, fillvalue=0.5),
            (3, 4),
            (2, 3),
            note=f"{function.__name__}-{mode}-{boundary}",
            exact=False,
            dtypes="fd",
        )
        for function in (ours.convolve2d, ours.correlate2d)
        for mode in ("full", "same", "valid")
        for boundary in ("fill", "wrap", "symm")
    ]


SOS = theirs.butter(3, 0.3, output="sos")


def _filters() -> list[Case]:
    b, a = theirs.butter(2, 0.4)
    forms: list[tuple[str, Any, Any]] = [
        ("signal", lambda x: ours.lfilter(b, a, x), [(6,)]),
        ("axis", lambda x: ours.lfilter(b, a, x, axis=0), [(5, 2)]),
        ("all", lambda p, q, x: ours.lfilter(p, _steady(q), x), [(2,), (2,), (2, 4)]),
        ("longer", lambda p, q, x: ours.lfilter(p, _steady(q), x), [(1,), (3,), (2,)]),
        ("moving", lambda p, x: ours.lfilter(p, 2.0, x), [(3,), (5,)]),
        ("state", lambda x, z: ours.lfilter(b, a, x, zi=z), [(5,), (2,)]),
        ("states", lambda x, z: ours.lfilter(b, a, x, 0, z), [(4, 2), (2, 2)]),
        ("short", lambda p, x, z: ours.lfilter(p, [2.0, 0.5], x, zi=z), [(4,), (2,), (3,)]),
        ("zi", lambda p, q: ours.lfilter_zi(p, _steady(q)), [(3,), (2,)]),
        ("sos", lambda x: ours.sosfilt(SOS, x), [(5,)]),
        ("sos-axis", lambda s, x: ours.sosfilt(_sections(s), x, 0), [(2, 5), (3, 2)]),
        ("filtfilt", lambda x: ours.filtfilt(b, a, x), [(12,)]),
        ("even", lambda x: ours.filtfilt(b, a, x, 0, "even", 3), [(6, 2)]),
        ("constant", lambda p, x: ours.filtfilt(p, a, x, -1, "constant", 2), [(3,), (4,)]),
        ("unpadded", lambda q, x: ours.filtfilt(b, _steady(q), x, padtype=None), [(2,), (5,)]),
    ]
    solved = {"zi", "filtfilt", "even", "constant", "unpadded"}  # by LAPACK, for the first state
    return [
        case(
            filtered,
            f,
            *shapes,
            note=label,
            exact=False,
            dtypes="fd" if label in solved else "fdg",
        )
        for label, f, shapes in forms
    ]


def _steady(q: Any) -> Any:
    """A denominator whose filter does not blow up."""
    return np.concatenate([np.ones(1, q.real.dtype), q / 8])


def _sections(s: Any) -> Any:
    return np.concatenate([s[:, :3], np.ones((2, 1), s.real.dtype), s[:, 3:] / 8], 1)


def _maps() -> list[Case]:
    forms: list[tuple[str, Any, Any]] = [
        ("hilbert", ours.hilbert, (5,)),
        ("hilbert-even", lambda x: ours.hilbert(x, axis=0), (4, 2)),
        ("hilbert-padded", lambda x: ours.hilbert(x, 6), (4,)),
        ("detrend", ours.detrend, (2, 5)),
        ("detrend-axis", lambda x: ours.detrend(x, 0, bp=[2]), (5, 2)),
        ("detrend-constant", lambda x: ours.detrend(x, type="constant"), (4,)),
        *[
            (f"savgol-{mode}", _called(ours.savgol_filter, **_savgol(mode)), (2, 7))
            for mode in ("interp", "mirror", "nearest", "wrap", "constant")
        ],
        ("savgol-even", lambda x: ours.savgol_filter(x, 4, 1, axis=0), (6, 2)),
        ("savgol-even-wrap", lambda x: ours.savgol_filter(x, 4, 1, mode="wrap"), (6,)),
        ("savgol-whole", lambda x: ours.savgol_filter(x, 5, 2, 1, 0.5), (5,)),
    ]
    return [
        case(full, f, shape, note=label, exact=False, dtypes="fd", complex_too=False)
        for label, f, shape in forms
    ]


def _savgol(mode: str) -> dict[str, Any]:
    return {"window_length": 5, "polyorder": 2, "mode": mode, "cval": 0.7}


CASES = [*_convolutions(), *_along_axes(), *_planes(), *_filters(), *_maps()]
