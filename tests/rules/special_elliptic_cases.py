"""Cases of the elliptic integrals and functions."""

from typing import Any

import numpy as np
from scipy import special

from gradtape.derivatives import special_carlson
from tests.rules.cases import case

real: dict[str, Any] = {"complex_too": False, "dtypes": "fd"}

#: Of Carlson's integrals: how many arguments.
CARLSON = {
    special.elliprc: 2,
    special.elliprf: 3,
    special.elliprd: 3,
    special.elliprg: 3,
    special.elliprj: 4,
}

CASES = [
    *[
        case(key, key, (2, 3), low=low, high=high, **real)
        for key, low, high in [
            (special.ellipk, -2, 0.9),
            (special.ellipkm1, 0.1, 2),
            (special.ellipe, -2, 0.9),
        ]
    ],
    *[
        case(
            key,
            lambda phi, m, key=key: key(phi + np.array([0.0, 6.0, -30.0]), m),
            (2, 1),
            (3,),
            low=-0.9,
            high=0.9,
            **real,
        )
        for key in (special.ellipkinc, special.ellipeinc)
    ],
    case(
        special.ellipj,
        lambda u, m: special.ellipj(u + np.array([0.0, 6.0, -30.0]), m),
        (2, 1),
        (3,),
        low=0.1,
        high=0.9,
        **real,
    ),
    case(special.agm, special.agm, (2, 1), (3,), low=0.3, high=3, **real),
    *[
        case(key, key, *[(2,)] * number, low=0.3, high=3, dtypes="fd")
        for key, number in CARLSON.items()
    ],
    case(
        special.elliprc,
        lambda x, y: special.elliprc(x, -y),
        (2,),
        (2,),
        low=0.3,
        note="principal",
        **real,
    ),
    case(
        special_carlson.carlson,
        lambda x, y, z, p: special_carlson.carlson(x, y, z, p, 1, 3, 1, 2),
        *[(2,)] * 4,
        low=0.3,
        dtypes="fd",
    ),
]
