"""Cases of the hypergeometric functions, of Lambert's and Wright's, and of the zeta functions."""

from typing import Any

import numpy as np
from scipy import special

from gradtape.derivatives import special_logs, special_zeta
from tests.rules.cases import Case, case

PARAMETERS = np.array([0.5, 2.0, -1.5])

#: Functions, the parameters in front of the argument, bounds, whether complex is taken.
OF_PARAMETERS: list[tuple[Any, tuple[Any, ...], float, float, bool]] = [
    (special.hyp0f1, (PARAMETERS,), -3, 3, True),
    (special.hyp1f1, (PARAMETERS, 1.5), -3, 3, True),
    (special.hyp2f1, (PARAMETERS, 1.5, 2.5), -0.8, 0.8, True),
    (special.hyperu, (np.abs(PARAMETERS), 1.5), 0.3, 3, False),
    (special.wright_bessel, (np.abs(PARAMETERS), 1.5), 0.3, 3, False),
    (special.log_wright_bessel, (np.abs(PARAMETERS), 1.5), 0.3, 3, False),
]


def _of_parameters() -> list[Case]:
    return [
        case(
            key,
            lambda z, key=key, p=p: key(*p, z),
            (2, 1),
            low=low,
            high=high,
            complex_too=complex_too,
            dtypes="d",
        )
        for key, p, low, high, complex_too in OF_PARAMETERS
    ]


CASES = [
    *_of_parameters(),
    case(special_logs.lambert, special.lambertw, (2, 3), low=0.1, high=5, dtypes="fd"),
    case(
        special_logs.lambert,
        lambda z: special.lambertw(z, -1),
        (2, 3),
        low=-0.3,
        high=-0.1,
        dtypes="fd",
        note="lower-branch",
    ),
    case(special.wrightomega, special.wrightomega, (2, 3), dtypes="fd"),
    case(special_zeta.riemann, special.zeta, (2, 3), low=1.2, high=5, dtypes="fd"),
    case(special_zeta.riemann, special.zeta, (3,), low=-3, high=-0.5, dtypes="d", note="left"),
    case(special.zetac, special.zetac, (3,), low=1.2, high=5, complex_too=False, dtypes="fd"),
    case(
        special_zeta.hurwitz,
        special.zeta,
        (2, 1),
        (3,),
        low=1.2,
        high=5,
        complex_too=False,
        dtypes="fd",
    ),
    case(
        special_zeta.zeta_slope,
        lambda x, q: special_zeta.zeta_slope(x, q, 1),
        (2, 1),
        (2,),
        low=1.2,
        high=5,
        complex_too=False,
        dtypes="fd",
    ),
]
