"""Cases of writing into arrays, and of the functions that do it."""

from collections.abc import Callable
from typing import Any

import numpy as np

from gradtape.rules import PRIMITIVES
from tests.rules.cases import case, cases

MASK = np.array([[True, False, True], [False, True, False]])


def filled(write: Callable[..., Any]) -> Callable[..., Any]:
    """A function that writes into a new array, given that and its arguments."""

    def run(x: Any, *others: Any) -> Any:
        out = np.zeros_like(x)
        write(out, x, *others)
        return out

    return run


def setting(index: Any) -> Callable[..., Any]:
    """A function that writes its second argument into a copy of the first."""

    def run(x: Any, value: Any) -> Any:
        out = x.copy()
        out[index] = value
        return out

    return run


def adding(index: Any) -> Callable[..., Any]:
    """A function that adds its second argument at places of a copy of the first."""

    def run(x: Any, value: Any) -> Any:
        out = x.copy()
        np.add.at(out, index, value)
        return out

    return run


CASES = [
    *[
        case(PRIMITIVES["added"], adding(index), (3, 4), shape, note=note)
        for note, index, shape in [
            ("row", 1, (4,)),
            ("repeated", ([1, 1, 0, 1],), (4, 4)),
            ("entries", ([0, 2, 0], [3, 1, 3]), (3,)),
            ("broadcast", ([2, 2],), (1, 4)),
            ("number", (slice(None), [0, 0]), ()),
            ("apart", ([0, 2], slice(None, 2)), (2, 2)),
            ("mask", np.array([True, False, True]), (2, 4)),
            ("nothing", slice(0, 0), (0, 4)),
        ]
    ],
    *[
        case(PRIMITIVES["written"], setting(index), (3, 4), shape, note=note)
        for note, index, shape in [
            ("all", ..., (3, 4)),
            ("row", 1, (4,)),
            ("entry", (2, -1), ()),
            ("slices", (slice(None, None, 2), slice(3, 0, -1)), (2, 3)),
            ("broadcast", slice(1, None), (1, 4)),
            ("long", (0, slice(1, 3)), (1, 1, 2)),
            ("newaxis", (None, 0), (1, 4)),
            ("arrays", ([0, 2], [3, 1]), (2,)),
            ("array", [2, 0], (2, 4)),
            ("apart", ([0, 2], slice(None, 2), None), (2, 2, 1)),
            ("apart-first", (slice(None), [3, 0, 1]), (3, 3)),
            ("repeated", ([1, 1, 0, 1],), (4, 4)),
            ("mask", np.array([True, False, True]), (2, 4)),
            ("mask-number", np.arange(12).reshape(3, 4) % 3 == 0, ()),
            ("nothing", slice(0, 0), (0, 4)),
        ]
    ],
    *cases(
        np.copyto,
        filled(np.copyto),
        filled(lambda out, x: np.copyto(out, x, where=MASK)),
        filled(lambda out, x: np.copyto(out, x[0], where=MASK[0])),
    ),
    *cases(
        np.put,
        filled(lambda out, x: np.put(out, [4, -1, 0], x[1])),
        filled(lambda out, x: np.put(out, [7, 0, -2], x[0, :2], mode="wrap")),
        filled(lambda out, x: np.put(out, [[1, 9]], x, mode="clip")),
    ),
    *cases(
        np.putmask,
        filled(lambda out, x: np.putmask(out, MASK, x)),
        filled(lambda out, x: np.putmask(out, MASK, x[0, :2])),
    ),
    *cases(np.place, filled(lambda out, x: np.place(out, MASK, x[0, :2]))),
    *cases(
        np.put_along_axis,
        filled(lambda out, x: np.put_along_axis(out, np.array([[2], [0]]), x[:, :1], 1)),
        filled(lambda out, x: np.put_along_axis(out, np.array([[1, 0, 1]]), x[:1], axis=0)),
        filled(lambda out, x: np.put_along_axis(out, np.array([5, 1]), x[0, :2], None)),
    ),
    *cases(
        np.fill_diagonal,
        filled(lambda out, x: np.fill_diagonal(out, x[0, :2])),
        filled(lambda out, x: np.fill_diagonal(out.T, x[1, 2])),
    ),
    *cases(np.zeros_like, lambda x: np.zeros_like(x) + x),
    *cases(np.ones_like, lambda x: np.ones_like(x) * x, lambda x: np.ones_like(x, shape=3) * x),
    *cases(np.empty_like, filled(lambda out, x: np.copyto(np.empty_like(out), x))),
]
