"""Cases of the orthogonal polynomials and of Legendre functions."""

from typing import Any

import numpy as np
from scipy import special

from gradtape.scipy import special as namesakes
from tests.rules.cases import Case, case

#: Polynomials without a parameter, and where they live.
PLAIN: dict[Any, tuple[float, float]] = {
    special.eval_legendre: (-0.9, 0.9),
    special.eval_chebyt: (-0.9, 0.9),
    special.eval_chebyu: (-0.9, 0.9),
    special.eval_chebyc: (-1.8, 1.8),
    special.eval_chebys: (-1.8, 1.8),
    special.eval_sh_legendre: (0.1, 0.9),
    special.eval_sh_chebyt: (0.1, 0.9),
    special.eval_sh_chebyu: (0.1, 0.9),
    special.eval_laguerre: (0.1, 3),
}
REAL: dict[Any, tuple[float, float]] = {
    special.eval_hermite: (-2, 2),
    special.eval_hermitenorm: (-2, 2),
}

#: Polynomials with parameters.
PARAMETRIC: list[tuple[Any, tuple[float, ...], float, float]] = [
    (special.eval_gegenbauer, (1.5,), -0.9, 0.9),
    (special.eval_genlaguerre, (0.5,), 0.1, 3),
    (special.eval_jacobi, (0.5, 1.5), -0.9, 0.9),
    (special.eval_sh_jacobi, (3.5, 1.5), 0.1, 0.9),
]

DEGREES = np.array([0, 1, 2, 5])
REAL_DEGREES = np.array([0.5, 3.0])


def _whole() -> list[Case]:
    return [
        case(
            key,
            lambda x, key=key: key(DEGREES, x),
            (2, 1),
            low=low,
            high=high,
            complex_too=False,
            dtypes="fd",
            note="whole",
        )
        for key, (low, high) in (PLAIN | REAL).items()
    ] + [
        case(
            key,
            lambda x, key=key, p=p: key(DEGREES, *p, x),
            (2, 1),
            low=low,
            high=high,
            complex_too=False,
            dtypes="fd",
            note="whole",
        )
        for key, p, low, high in PARAMETRIC
    ]


def _any_degree() -> list[Case]:
    return [
        case(
            key,
            lambda x, key=key: key(REAL_DEGREES, x),
            (2, 1),
            low=low,
            high=high,
            dtypes="d",
            note="real",
        )
        for key, (low, high) in PLAIN.items()
    ] + [
        case(
            key,
            lambda x, key=key, p=p: key(REAL_DEGREES, *p, x),
            (2, 1),
            low=low,
            high=high,
            dtypes="d",
            note="real",
        )
        for key, p, low, high in PARAMETRIC
    ]


CASES = [
    *_whole(),
    *_any_degree(),
    case(
        special.lpmv,
        lambda x: special.lpmv(np.array([0, 1, 2, -1]), np.array([[3], [2], [5]]), x),
        (1, 1),
        low=-0.9,
        high=0.9,
        complex_too=False,
        dtypes="d",
    ),
    case(
        special.sph_harm_y,
        lambda theta, phi: namesakes.sph_harm_y(
            np.array([0, 1, 3, 3]), np.array([0, -1, 2, 3]), theta, phi
        ),
        (2, 1),
        (4,),
        low=0.2,
        high=2.9,
        complex_too=False,
        dtypes="fd",
    ),
]
