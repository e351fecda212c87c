"""Cases of the integrals: Fresnel's, sine and cosine integrals, those of Bessel functions."""

from typing import Any

import numpy as np
from scipy import special

from gradtape.derivatives import special_integrals
from tests.rules.cases import case

#: Functions of one argument: bounds, and whether complex arguments are taken.
UNARY: dict[Any, tuple[float, float, bool]] = {
    special.fresnel: (-2, 2, True),
    special.modfresnelp: (0.1, 2, False),
    special.modfresnelm: (0.1, 2, False),
    special.sici: (0.3, 5, True),
    special.shichi: (0.3, 3, True),
    special.itj0y0: (0.3, 5, False),
    special.iti0k0: (0.3, 3, False),
    special.it2j0y0: (0.3, 5, False),
    special.it2i0k0: (0.3, 5, False),
    special.itstruve0: (0.3, 5, False),
    special.it2struve0: (0.3, 5, False),
    special.itmodstruve0: (0.3, 5, False),
    special_integrals.fresnel_sine: (-2, 2, True),
    special_integrals.fresnel_cosine: (-2, 2, True),
}

CASES = [
    *[
        case(key, key, (2, 3), low=low, high=high, complex_too=complex_too, dtypes="fd")
        for key, (low, high, complex_too) in UNARY.items()
    ],
    case(
        special.besselpoly,
        lambda a: special.besselpoly(a, 1.5, np.array([1.0, 2.0])),
        (2, 1),
        low=0.3,
        complex_too=False,
        dtypes="d",
    ),
]
