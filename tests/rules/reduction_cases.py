"""Cases of the functions that sum up, and of the products of matrices and tensors."""

from typing import Any

import numpy as np

from tests.rules.cases import Case, case, cases

CUBE = (2, 3, 4)

#: The ways in which an axis is named.
AXES: list[dict[str, Any]] = [
    {},
    {"axis": 1},
    {"axis": -1, "keepdims": True},
    {"axis": (0, 2)},
    {"axis": (-1, 1), "keepdims": True},
    {"axis": ()},
    {"keepdims": True},
]


def _reductions() -> list[Case]:
    functions = {np.sum: True, np.mean: True, np.prod: True, np.max: False, np.min: False}
    functions |= {np.ptp: False, np.var: True, np.std: True}
    made = [
        case(
            f, lambda x, f=f, o=options: f(x, **o), CUBE, note=f"{i}", low=0.3, complex_too=complex_
        )
        for f, complex_ in functions.items()
        for i, options in enumerate(AXES)
        # The deviation of single entries has a kink everywhere.
        if not (f is np.std and options == {"axis": ()})
    ]
    reduced = [
        case(
            (u, "reduce"),
            lambda x, u=u, o=o: u.reduce(x, **o),
            CUBE,
            note=f"{i}",
            low=0.3,
            complex_too=c,
        )
        for u, c in {np.add: True, np.multiply: True, np.maximum: False, np.minimum: False}.items()
        for i, o in enumerate([{}, {"axis": None}, {"axis": (0, -1), "keepdims": True}])
    ]
    ways: dict[str, Any] = {"complex_too": False}
    return [
        *made,
        *reduced,
        *[
            case(f, f, (), note="0d", low=0.3, complex_too=c)
            for f, c in functions.items()
            if f is not np.std
        ],
        *[
            case(f, lambda x, m=f.__name__: getattr(x, m)(), (2, 3), note="method", **ways)
            for f in functions
            if f is not np.ptp
        ],
        *[
            one
            for f in (np.amax, np.amin)
            for one in cases(f, f, lambda x, f=f: f(x, 1, initial=0.1, where=x > -1), **ways)
        ],
        *cases(np.var, lambda x: np.var(x, ddof=1), lambda x: np.var(x, 0, ddof=0.5)),
        *cases(np.std, lambda x: np.std(x, ddof=1), lambda x: x.std(axis=0, ddof=1)),
        case(np.sum, lambda x: np.sum(x, dtype="g"), (3,), note="dtype", **ways),
        case(np.mean, lambda x: np.mean(x, 0, "d"), (3,), note="dtype", dtypes="fd", **ways),
    ]


#: Leaves out something in every row, and nothing of the first column.
MASK = np.arange(24).reshape(CUBE) % 3 != 1


def _masked() -> list[Case]:
    """Reductions of what a mask includes, from an initial value, about a given mean."""
    near: dict[str, Any] = {"exact": False}
    functions = {np.sum: True, np.mean: True, np.prod: True, np.var: True, np.std: True}
    extremes = (np.max, np.min)
    options: list[dict[str, Any]] = [
        {"where": MASK},
        {"where": MASK[0], "axis": 1},
        {"where": MASK[:, :, :1], "axis": (0, 1), "keepdims": True},
    ]
    starts: list[dict[str, Any]] = [{"axis": 1, "initial": 1}, {"where": MASK, "initial": 0.5}]
    return [
        *[
            case(f, lambda x, f=f, o=o: f(x, **o), CUBE, note=f"masked{i}", low=0.3, complex_too=c)
            for f, c in functions.items()
            for i, o in enumerate(options)
        ],
        *[
            case(
                f, lambda x, f=f, o=o: f(x, **o), CUBE, note=f"from{i}", complex_too=c, exact=False
            )
            for f, c in {np.sum: True, np.prod: True, np.max: False, np.min: False}.items()
            for i, o in enumerate(starts)
        ],
        *[
            case(f, lambda x, y, f=f: f(x, 1, initial=y), (2, 3), (), note="start", **near)
            for f in (np.sum, np.prod)
        ],
        *[
            case(
                f,
                lambda x, y, f=f: f(x, 1, initial=y, where=MASK[0, :2, :3]),
                *((2, 3), ()),
                note="start",
                complex_too=False,
            )
            for f in extremes
        ],
        *[
            one
            for u in (np.add, np.multiply)
            for one in cases(
                (u, "reduce"),
                lambda x, u=u: u.reduce(x, where=MASK),
                lambda x, u=u: u.reduce(x, 1, initial=2.0),
                shape=CUBE,
                exact=False,
            )
        ],
        *[
            one
            for f in (np.var, np.std)
            for one in cases(
                f,
                lambda x, f=f: f(x, correction=1),
                lambda x, f=f: f(x, 0, mean=np.full((1, 3, 4), 0.25)),
                lambda x, f=f: f(x, 0, mean=np.mean(x, 0, keepdims=True)),
                lambda x, f=f: f(x, 1, mean=x[:, :1] * 2, where=MASK),
                note="about",
                shape=CUBE,
            )
        ],
        case(
            np.var,
            lambda x, m: np.var(x, -1, mean=m),
            *((2, 3), (2, 1)),
            note="tracked-mean",
        ),
    ]


def _cumulative() -> list[Case]:
    standard = [np.cumulative_sum, np.cumulative_prod] if hasattr(np, "cumulative_sum") else []
    return [
        *[
            one
            for f in standard
            for one in cases(
                f,
                lambda x, f=f: f(x, axis=1),
                lambda x, f=f: f(x, axis=-2, include_initial=True),
                lambda x, f=f: f(x[0], include_initial=True),
                lambda x, f=f: f(x, axis=0, dtype="D"),
                shape=(2, 5),
            )
        ],
        *[
            one
            for f in (np.cumsum, np.cumprod)
            for one in cases(
                f,
                f,
                lambda x, f=f: f(x, 1),
                lambda x, f=f: f(x, axis=-2),
                lambda x, f=f: f(x, 0, "D"),
                shape=(2, 5),
            )
        ],
        *[
            one
            for u in (np.add, np.multiply)
            for one in cases(
                (u, "accumulate"),
                lambda x, u=u: u.accumulate(x),
                lambda x, u=u: u.accumulate(x, axis=1),
                shape=(2, 5),
            )
        ],
        case(np.cumsum, np.cumsum, (), note="0d"),
        case(np.cumprod, np.cumprod, (), note="0d"),
    ]


def _products() -> list[Case]:
    """Products whose axes are named in the usual ways; a few units in the last place may differ."""
    near: dict[str, Any] = {"exact": False}
    ranks: dict[Any, list[tuple[Any, Any]]] = {
        np.matmul: [
            *[((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4))],
            *[
                ((5, 2, 3), (3, 4)),
                ((2, 3), (5, 3, 4)),
                ((5, 1, 2, 3), (2, 3, 2)),
                ((3,), (2, 3, 4)),
            ],
            *[((2, 3, 4), (4,)), ((3, 1), (1, 2)), ((1, 1), (1, 3)), ((1, 2, 3), (4, 3, 1))],
        ],
        np.dot: [
            *[((), ()), ((), (2, 3)), ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2))],
            *[((2, 3), (3, 4)), ((2, 2, 3), (3,)), ((2, 3), (4, 3, 2)), ((2, 2, 3), (4, 3, 2))],
        ],
        np.inner: [((), (3,)), ((3,), (3,)), ((2, 3), (3,)), ((2, 3), (4, 3)), ((2, 2, 3), (4, 3))],
        np.vdot: [((3,), (3,)), ((2, 3), (6,)), ((), ())],
        np.vecdot: [((3,), (3,)), ((2, 3), (3,)), ((2, 1, 3), (4, 3))],
        np.outer: [((3,), (2,)), ((2, 2), (3,)), ((), (3,))],
    }
    if hasattr(np, "matvec"):  # new in NumPy 2.2
        ranks[np.matvec] = [((2, 3), (3,)), ((4, 1, 2, 3), (5, 3))]
        ranks[np.vecmat] = [((3,), (3, 2)), ((5, 3), (4, 1, 3, 2))]
    made = []
    for key, shapes in ranks.items():
        function = getattr(*key) if isinstance(key, tuple) else key
        made += [
            case(
                key,
                function,
                *pair,
                note="-".join(["x".join(map(str, s)) or "0d" for s in pair]),
                **near,
            )
            for pair in shapes
        ]
    bare = np.arange(6.0).reshape(2, 3)
    return [
        *made,
        case(np.matmul, lambda x: x @ bare, (3, 2), note="bare-right", dtypes="dg", **near),
        case(np.matmul, lambda x: bare @ x, (3, 2), note="bare-left", dtypes="dg", **near),
        case(np.matmul, lambda x: x @ x, (2, 2), note="twice", **near),
        case(np.dot, lambda x, y: x.dot(y), (2, 3), (3, 2), note="method", **near),
        case(np.vecdot, lambda x, y: np.vecdot(x, y, axis=0), (3, 2), (3, 2), note="axis", **near),
        *[
            case(
                np.tensordot, lambda x, y, a=axes: np.tensordot(x, y, a), s, t, note=f"{i}", **near
            )
            for i, (s, t, axes) in enumerate(
                [
                    (CUBE, (3, 4, 2), 2),
                    ((2, 3), (3, 2), 1),
                    ((2, 3), (2,), 0),
                    (CUBE, (4, 2), (-1, 0)),
                    (CUBE, (4, 3), [[1, 2], [1, 0]]),
                    (CUBE, (2, 4, 3), ([0, -2], [0, 2])),
                    ((2, 3), (2, 3), ((0, 1), (0, 1))),
                    ((2, 0), (0, 3), 1),
                ]
            )
        ],
    ]


def _diagonals() -> list[Case]:
    return [
        *cases(
            np.diagonal,
            np.diagonal,
            lambda x: np.diagonal(x, 1),
            lambda x: np.diagonal(x, -1, 2, 0),
            lambda x: x.diagonal(axis1=-1, axis2=1),
            lambda x: np.diagonal(x, 7),
            shape=(3, 2, 4),
        ),
        *cases(
            np.trace,
            np.trace,
            lambda x: np.trace(x, 1),
            lambda x: np.trace(x, -1, axis1=1, axis2=2),
            lambda x: x.trace(),
            shape=(3, 2, 4),
            exact=False,
        ),
        *cases(np.diag, np.diag, lambda x: np.diag(x, 2), lambda x: np.diag(x, -1), shape=(3,)),
        *cases(np.diag, lambda x: np.diag(x), lambda x: np.diag(x, -1), shape=(3, 4), note="2d"),
        *cases(np.diagflat, np.diagflat, lambda x: np.diagflat(x, 1), shape=(2, 2)),
        *[
            case(f, lambda x, f=f, k=k: f(x, k), shape, note=f"{k}-{len(shape)}d")
            for f in (np.tril, np.triu)
            for k in (0, 1, -1)
            for shape in ((3, 4), (2, 3, 3), (3,))
        ],
    ]


#: Subscripts with the shapes of their operands.
EINSUMS: list[tuple[str, tuple[Any, ...]]] = [
    ("i->", ((3,),)),
    ("ij->ji", ((2, 3),)),
    ("ij", ((2, 3),)),
    ("ba", ((2, 3),)),
    ("ij->j", ((2, 3),)),
    ("ii->i", ((3, 3),)),
    ("ii", ((3, 3),)),
    ("iij->j", ((3, 3, 2),)),
    ("iii->i", ((2, 2, 2),)),
    ("i,i->", ((3,), (3,))),
    ("i,j->ij", ((3,), (2,))),
    ("ij,jk", ((2, 3), (3, 4))),
    ("ij,jk->ki", ((2, 3), (3, 4))),
    ("ij,ij->i", ((2, 3), (2, 3))),
    ("ij,j", ((2, 3), (3,))),
    ("ijk,kl,lj->i", ((2, 3, 4), (4, 2), (2, 3))),
    ("i,i,i,i->", ((3,), (3,), (3,), (3,))),
    ("...ij,...jk->...ik", ((5, 2, 3), (3, 4))),
    ("...ij,...jk", ((2, 1, 2, 3), (4, 3, 2))),
    ("...i->...", ((2, 3),)),
    ("i...->...", ((2, 3),)),
    ("...,...", ((2, 3), (3,))),
    ("a...b,b->...a", ((2, 3, 4), (4,))),
    ("ij,ij->ij", ((2, 1), (1, 3))),
    ("ij,jk->ik", ((2, 1), (3, 4))),
    ("i,->i", ((3,), ())),
    (" i j , j -> i ", ((2, 3), (3,))),
    ("bA,Ab", ((2, 3), (3, 2))),
    ("ii,ij->j", ((3, 3), (3, 2))),
    ("i,j->", ((3,), (2,))),
]


def _einsums() -> list[Case]:
    near: dict[str, Any] = {"exact": False, "dtypes": "efd"}
    two: tuple[Any, ...] = ((2, 3), (3, 4))
    return [
        *[
            case(
                np.einsum,
                lambda *xs, s=s: np.einsum(s, *xs),
                *shapes,
                note=s.replace(" ", "_"),
                **near,
            )
            for s, shapes in EINSUMS
        ],
        case(
            np.einsum,
            lambda x, y: np.einsum(x, [0, 1], y, [1, 2], [2, 0]),
            *two,
            note="lists",
            **near,
        ),
        case(
            np.einsum,
            lambda x, y: np.einsum(x, [7, 1], y, [1, 2]),
            *two,
            note="implicit-lists",
            **near,
        ),
        case(
            np.einsum,
            lambda x, y: np.einsum(x, [30, 1], y, [1, 2]),
            *two,
            note="high-lists",
            **near,
        ),
        case(
            np.einsum,
            lambda x, y: np.einsum(x, [..., 0, 1], y, [1, 2], [..., 2, 0]),
            *((2, 2, 3), (3, 2)),
            note="ellipsis-lists",
            **near,
        ),
        case(np.einsum, lambda x: np.einsum("ij,jk->ik", x, x), (2, 2), note="twice", **near),
        case(
            np.einsum, lambda x: np.einsum("ij,j", [[1, 2], [3, 4]], x), (2,), note="bare", **near
        ),
        case(
            np.einsum,
            lambda x, y: np.einsum("ij,jk->ik", x, y, optimize=True),
            *two,
            note="path",
            **near,
        ),
    ]


CASES = [*_reductions(), *_masked(), *_cumulative(), *_products(), *_diagonals(), *_einsums()]
