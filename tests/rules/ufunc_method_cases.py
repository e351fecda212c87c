"""Cases of the methods of ufuncs, for each kind of ufunc."""

from typing import Any

import numpy as np

from gradtape.derivatives import ufunc_methods
from gradtape.rules import UFUNCS
from tests.rules.cases import Case, case, cases

GRID = (4, 3)
MASK = np.arange(12).reshape(GRID) % 4 != 2

#: Ufuncs with bounds between which they are smooth, and whether they take complex numbers.
FOLDED: dict[Any, tuple[float, float, bool]] = {
    np.subtract: (-2, 2, True),
    np.true_divide: (0.5, 2, True),
    np.power: (0.5, 1.5, True),
    np.arctan2: (0.5, 2, False),
    np.hypot: (-2, 2, False),
    np.logaddexp: (-2, 2, False),
    np.logaddexp2: (-2, 2, False),
}
EXTREMES = (np.maximum, np.minimum, np.fmax, np.fmin)


def _reductions() -> list[Case]:
    return [
        *[
            one
            for u, (low, high, complex_too) in FOLDED.items()
            for one in cases(
                ufunc_methods.combined,
                lambda x, u=u: u.reduce(x),
                lambda x, u=u: u.reduce(x, 1, keepdims=True, initial=1.25),
                note=u.__name__,
                shape=GRID,
                low=low,
                high=high,
                complex_too=complex_too,
                exact=False,
            )
            if u not in (np.power, np.arctan2)  # which NumPy reduces wrongly: see _UNSAFE
        ],
        *[
            case(
                ufunc_methods.combined,
                lambda x, u=u: u.reduce(x[:2], 0),
                (2, 1),
                note=f"{u.__name__}-pair",
                low=0.5,
                complex_too=False,
            )
            for u in (np.power, np.arctan2)
        ],
        *[
            one
            for u in (np.hypot, np.logaddexp, np.logaddexp2)
            for one in cases(
                ufunc_methods.combined,
                lambda x, u=u: u.reduce(x, None),
                lambda x, u=u: u.reduce(x, (0, 1), where=MASK),
                lambda x, u=u: u.reduce(x, (0, 1), initial=0.5),
                note=f"{u.__name__}-several",
                shape=GRID,
                complex_too=False,
                exact=False,
            )
        ],
        *[
            one
            for u in (np.fmax, np.fmin)
            for one in cases(
                u,
                lambda x, u=u: u.reduce(x),
                lambda x, u=u: u.reduce(x, None, where=MASK, initial=0.3),
                lambda x, u=u: u.reduce(np.where(MASK, x, np.nan), 1, keepdims=True),
                note="reduce",
                shape=GRID,
                complex_too=False,
            )
        ],
    ]


def _running() -> list[Case]:
    bounds = {**FOLDED, **dict.fromkeys(EXTREMES, (-2, 2, False))}
    return [
        one
        for u, (low, high, complex_too) in bounds.items()
        for one in cases(
            ufunc_methods.folded if u in FOLDED else u,
            lambda x, u=u: u.accumulate(x),
            lambda x, u=u: u.accumulate(x, axis=-1),
            note=f"accumulate-{u.__name__}",
            shape=GRID,
            low=low,
            high=high,
            complex_too=complex_too,
        )
    ]


def _parts() -> list[Case]:
    return [
        *cases(
            ufunc_methods.segment_sum,
            lambda x: np.add.reduceat(x, [0, 2]),
            lambda x: np.add.reduceat(x, [2, 0, 0, 3, 1]),
            lambda x: np.add.reduceat(x, [1], axis=1),
            shape=GRID,
        ),
        *[
            one
            for u in (np.multiply, np.maximum, np.logaddexp, np.subtract)
            for one in cases(
                u,
                lambda x, u=u: u.reduceat(x, [0, 2]),
                lambda x, u=u: u.reduceat(x, [1, 0, 2, 2], 1),
                note="reduceat",
                shape=GRID,
                complex_too=u in (np.multiply, np.subtract),
                exact=False,
            )
        ],
    ]


def _pairs() -> list[Case]:
    bounds = {**FOLDED, **dict.fromkeys(EXTREMES, (-2, 2, False)), np.add: (-2, 2, True)}
    return [
        *[
            case(
                u, u.outer, (3,), (2, 2), note="outer", low=low, high=high, complex_too=complex_too
            )
            for u, (low, high, complex_too) in bounds.items()
        ],
        *[
            case(np.multiply, np.multiply.outer, *pair, note=f"outer-{i}")
            for i, pair in enumerate([((3,), (2,)), ((2, 2), (3, 1)), ((), (3,))])
        ],
        case(
            np.divmod,
            np.divmod.outer,
            *((3,), (2,)),
            note="outer",
            low=0.3,
            complex_too=False,
            exact=False,
        ),
    ]


assert set(FOLDED) <= set(UFUNCS)
CASES = [*_reductions(), *_running(), *_parts(), *_pairs()]
