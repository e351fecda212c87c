"""Cases of solutions of differential equations: Airy, Kelvin, Struve, Weber, Mathieu."""

from typing import Any

import numpy as np
from scipy import special

from gradtape.derivatives.special_airy import sum_of_i
from tests.rules.cases import Case, case

ORDERS = np.array([0.0, 1.0, 2.5])

#: Functions of one argument: bounds, and whether complex arguments are taken.
UNARY: dict[Any, tuple[float, float, bool]] = {
    special.airy: (-3, 3, True),
    special.airye: (0.5, 3, True),
    special.itairy: (-2, 2, False),
    special.ber: (-5, 5, False),
    special.bei: (-5, 5, False),
    special.berp: (-5, 5, False),
    special.beip: (-5, 5, False),
    special.ker: (0.5, 5, False),
    special.kei: (0.5, 5, False),
    special.kerp: (0.5, 5, False),
    special.keip: (0.5, 5, False),
    special.kelvin: (0.5, 5, False),
}

#: Functions of a parameter and x, with bounds.
OF_A_PARAMETER: dict[Any, tuple[float, float]] = {
    special.struve: (0.3, 9),
    special.modstruve: (0.3, 5),
    special.pbdv: (-3, 3),
    special.pbvv: (-3, 3),
    special.pbwa: (-3, 3),
}

#: Functions of an order, a parameter and x, with bounds.
MATHIEU: dict[Any, tuple[float, float]] = {
    special.mathieu_cem: (-80, 80),
    special.mathieu_sem: (-80, 80),
    special.mathieu_modcem1: (0.2, 1),
    special.mathieu_modcem2: (0.2, 1),
    special.mathieu_modsem1: (0.2, 1),
    special.mathieu_modsem2: (0.2, 1),
}


def _more() -> list[Case]:
    found = [
        case(
            key,
            lambda x, key=key: key(ORDERS, x),
            (2, 1),
            low=low,
            high=high,
            complex_too=False,
            dtypes="d",
            note="orders",
        )
        for key, (low, high) in OF_A_PARAMETER.items()
    ]
    return found + [
        case(
            key,
            lambda x, key=key: key(2, 1.5, x),
            (3,),
            low=low,
            high=high,
            complex_too=False,
            dtypes="d",
        )
        for key, (low, high) in MATHIEU.items()
    ]


CASES = [
    *[
        case(key, key, (2, 3), low=low, high=high, complex_too=complex_too, dtypes="fd")
        for key, (low, high, complex_too) in UNARY.items()
    ],
    *_more(),
    case(
        special.airye,
        lambda x: special.airye(x)[2:],
        (3,),
        low=-3,
        complex_too=False,
        dtypes="fd",
        note="negative",
    ),
    case(
        sum_of_i,
        lambda y: sum_of_i(1 / 3, y, 1),
        (3,),
        low=0.5,
        high=20,
        complex_too=False,
        dtypes="fd",
    ),
    case(
        special.kelvin,
        lambda x: special.kelvin(x)[:3:2],
        (2, 3),
        low=-15,
        high=15,
        complex_too=False,
        dtypes="d",
        note="first kind",
    ),
]
