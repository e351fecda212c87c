"""Cases of the discrete Fourier transforms."""

from typing import Any

import numpy as np

from tests.rules.cases import Case, case, cases

NORMS = (None, "backward", "ortho", "forward")
WHOLE = (np.fft.fft, np.fft.ifft)
FROM_HALF = (np.fft.irfft, np.fft.hfft)
REAL = (np.fft.rfft, np.fft.ihfft)


def _along_one_axis(function: Any) -> list[Case]:
    """Odd and even lengths, padded and cut, every axis and scaling."""
    ways = [
        lambda x: function(x),
        lambda x: function(x, 4),
        lambda x: function(x, n=7),
        lambda x: function(x, 8, -1),
        lambda x: function(x, 3),
        lambda x: function(x, axis=0),
        lambda x: function(x, 5, 0),
        lambda x: function(x, 1),
    ]
    complex_too = function not in REAL
    found = [
        *cases(function, *ways, shape=(2, 5), complex_too=complex_too),
        *cases(function, *ways, shape=(3, 4), note="even", complex_too=complex_too),
        case(function, function, (6,), note="1d", complex_too=complex_too),
        case(function, lambda x: function(x, 2), (1,), note="one", complex_too=complex_too),
    ]
    for norm in NORMS:
        for n in (3, 4, 6):
            f = _scaled(function, n, norm)
            found.append(case(function, f, (5,), note=f"{norm}-{n}", complex_too=complex_too))
    return found


def _scaled(function: Any, n: Any, norm: Any) -> Any:
    return lambda x: function(x, n, norm=norm)


#: Whether rfftn goes through the other axes from the last to the first, as from NumPy 2.3 on: the
#: other way round, three axes give other last bits.
LAST_FIRST = np.lib.NumpyVersion(np.__version__) >= "2.3.0"


def _along_several_axes(function: Any, two: bool) -> list[Case]:
    ways = [
        lambda x: function(x),
        lambda x: function(x, (3, 4)) if two else function(x, (3, 4), (-2, -1)),
        lambda x: function(x, s=(2, 5), axes=(0, 1), norm="ortho"),
        lambda x: function(x, axes=(-1, 0), norm="forward"),
        lambda x: function(x, [4, -1], [0, -1]),
        lambda x: function(x, axes=(1, 1)),
    ]
    complex_too = "rfft" not in function.__name__ or "irfft" in function.__name__
    return [
        *cases(function, *ways, shape=(3, 4), complex_too=complex_too),
        case(
            function,
            function,
            (2, 3, 3),
            note="3d",
            complex_too=complex_too,
            exact=function is not np.fft.rfftn or LAST_FIRST,
        ),
    ]


def _shifts(function: Any) -> list[Case]:
    return cases(
        function,
        function,
        lambda x: function(x, 1),
        lambda x: function(x, axes=(0, -1)),
        lambda x: function(x, [0]),
        shape=(3, 4),
    )


CASES = [
    *[c for f in (*WHOLE, *FROM_HALF, *REAL) for c in _along_one_axis(f)],
    *[c for f in (np.fft.fft2, np.fft.ifft2) for c in _along_several_axes(f, True)],
    *[c for f in (np.fft.rfft2, np.fft.irfft2) for c in _along_several_axes(f, True)],
    *[c for f in (np.fft.fftn, np.fft.ifftn) for c in _along_several_axes(f, False)],
    *[c for f in (np.fft.rfftn, np.fft.irfftn) for c in _along_several_axes(f, False)],
    *[c for f in (np.fft.fftshift, np.fft.ifftshift) for c in _shifts(f)],
]
