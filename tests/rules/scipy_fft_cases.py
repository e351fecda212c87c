"""Cases of the namesakes of ``scipy.fft``: on bare arrays they are SciPy's own functions."""

from typing import Any

import gradtape.scipy.fft as ours
from gradtape.scipy._transforms import FOURIER, cosine, sine
from tests.rules.cases import Case, case

ONE = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
TWO = ("fft2", "ifft2", "rfft2", "irfft2", "hfft2", "ihfft2")
SEVERAL = ("fftn", "ifftn", "rfftn", "irfftn", "hfftn", "ihfftn")
REAL = {"rfft", "ihfft", "rfft2", "ihfft2", "rfftn", "ihfftn"}


def _called(name: str, *args: Any, **options: Any) -> Any:
    return lambda x: getattr(ours, name)(x, *args, **options)


def _fourier() -> list[Case]:
    forms: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
        *[(name, (), {"workers": 1}) for name in (*ONE, *TWO, *SEVERAL)],
        *[(name, (5, 0, "ortho"), {"overwrite_x": True}) for name in ONE],
        *[(name, (3,), {"norm": "forward"}) for name in ONE],
        *[(name, ((2, 5), (1, 0), "ortho"), {}) for name in (*TWO, *SEVERAL)],
        *[(name, ([4],), {"axes": [-1], "norm": "forward"}) for name in SEVERAL],
    ]
    return [
        case(
            FOURIER.whole,
            _called(name, *args, **options),
            (3, 4),
            note=f"{name}{i}",
            exact=False,
            dtypes="fdg",
            complex_too=name not in REAL,
        )
        for i, (name, args, options) in enumerate(forms)
    ]


def _trigonometric() -> list[Case]:
    forms: list[tuple[str, dict[str, Any]]] = [
        (name, {"type": type, "norm": norm, "n": n, "orthogonalize": orthogonalize})
        for name in ("dct", "idct", "dst", "idst")
        for type in (1, 2, 3, 4)
        for norm, n, orthogonalize in [
            (None, None, None),
            ("ortho", 3, None),
            ("forward", 5, True),
            ("ortho", None, False),
        ]
    ]
    forms += [
        (name, options)
        for name in ("dctn", "idctn", "dstn", "idstn")
        for options in ({}, {"type": 1, "s": (3, 2), "axes": (1, 0)}, {"type": 3, "norm": "ortho"})
    ]
    forms.append(("dct", {"axis": 0, "workers": 1}))
    return [
        case(
            cosine if "c" in name else sine,
            _called(name, **options),
            (2, 4),
            note=f"{name}{i}",
            exact=False,
            dtypes="fdg",
            # For complex numbers SciPy itself forgets the argument.
            complex_too=options.get("orthogonalize") is None,
        )
        for i, (name, options) in enumerate(forms)
    ]


CASES = [*_fourier(), *_trigonometric()]
