"""Cases of the Bessel functions."""

from typing import Any

import numpy as np
from scipy import special

from gradtape.derivatives import special_scaled
from gradtape.scipy import special as namesakes
from tests.rules.cases import Case, case

#: Orders beside arguments of shape (3, 1): of every sign and kind, broadcast.
ORDERS = np.array([0.0, 1.0, 2.5, -1.5])

#: Functions of an order and an argument: bounds, and whether complex arguments are taken.
ORDERED: dict[Any, tuple[float, float, bool]] = {
    special.jv: (0.5, 9, True),
    special.jve: (0.5, 9, True),
    special.yv: (0.5, 9, True),
    special.yve: (0.5, 9, True),
    special.iv: (0.5, 5, True),
    special.ive: (0.5, 5, True),
    special.kv: (0.5, 5, True),
    special.kve: (0.5, 5, True),
}
COMPLEX_ONLY = [special.hankel1, special.hankel1e, special.hankel2, special.hankel2e]

UNARY: dict[Any, tuple[float, float]] = {
    special.j0: (-5, 5),
    special.j1: (-5, 5),
    special.y0: (0.5, 5),
    special.y1: (0.5, 5),
    special.i0: (-4, 4),
    special.i0e: (0.1, 50),
    special.i1: (-4, 4),
    special.i1e: (0.1, 50),
    special.k0: (0.5, 5),
    special.k0e: (0.5, 50),
    special.k1: (0.5, 5),
    special.k1e: (0.5, 50),
}


def _of_orders() -> list[Case]:
    return [
        case(
            key,
            lambda z, key=key: key(ORDERS, z),
            (3, 1),
            low=low,
            high=high,
            complex_too=complex_too,
            dtypes="d",
            note="orders",
        )
        for key, (low, high, complex_too) in ORDERED.items()
    ] + [
        case(
            key,
            lambda z, key=key: key(2, z),
            (2,),
            low=low,
            high=high,
            complex_too=complex_too,
            dtypes="fd",
            note="order",
        )
        for key, (low, high, complex_too) in ORDERED.items()
    ]


def _hankel() -> list[Case]:
    return [
        case(
            key,
            lambda z, key=key: key(ORDERS, z),
            (3, 1),
            low=0.5,
            high=5,
            dtypes="d",
            note="orders",
        )
        for key in COMPLEX_ONLY
    ]


def _spherical() -> list[Case]:
    degrees = np.array([0, 1, 4])
    forms: dict[str, Any] = {"value": False, "derivative": True}
    return [
        case(
            key,
            lambda z, name=key.__name__, d=d: getattr(namesakes, name)(degrees, z, d),
            (2, 1),
            low=0.5,
            high=5,
            dtypes="fd",
            note=note,
        )
        for key in (
            special.spherical_jn,
            special.spherical_yn,
            special.spherical_in,
            special.spherical_kn,
        )
        for note, d in forms.items()
    ]


CASES = [
    *_of_orders(),
    *_hankel(),
    *_spherical(),
    *[
        case(key, key, (2, 3), low=low, high=high, complex_too=False, dtypes="fd")
        for key, (low, high) in UNARY.items()
    ],
    *[
        case(
            key,
            lambda z, key=key: key(3, z),
            (2, 2),
            low=0.5,
            high=5,
            complex_too=False,
            dtypes="d",
            note="degree",
        )
        for key in (special.yn, special.kn)
    ],
    case(
        special_scaled.scaled_i,
        lambda x: special_scaled.scaled_i(1, x, 2),
        (3,),
        low=0.5,
        high=60,
        complex_too=False,
        dtypes="fd",
    ),
    case(
        special_scaled.scaled_i,
        lambda x: special_scaled.scaled_i(np.array([0.3, 7.0, -1.5]), x, 1),
        (2, 1),
        low=0.5,
        high=60,
        complex_too=False,
        dtypes="d",
        note="orders",
    ),
    case(
        special_scaled.scaled_k,
        lambda x: special_scaled.scaled_k(np.array([0.0, 1.5, 12.0]), x, 2),
        (2, 1),
        low=0.5,
        high=60,
        complex_too=False,
        dtypes="d",
    ),
]
