"""Cases of choosing by conditions, sets, padding, blocks, insertions and functions along axes."""

from typing import Any

import numpy as np

from tests.rules.cases import Case, case, cases

MASK = np.array([[True, False, True], [False, True, True]])
OTHER = np.array([[True, True, False], [False, False, True]])
REAL: dict[str, Any] = {"complex_too": False}


def _choosing() -> list[Case]:
    pieces = [MASK & OTHER, MASK]
    return [
        case(np.select, lambda x, y: np.select([MASK, OTHER], [x, y]), (2, 3), (3,)),
        case(
            np.select, lambda x, y: np.select([MASK, OTHER], [2, x], y), (2, 1), (), note="default"
        ),
        case(
            np.select, lambda x: np.select([x > 0, x > -1], [x * x, x], 5), (3,), note="own", **REAL
        ),
        case(
            np.choose, lambda x, y: np.choose([[0, 1], [1, 0]], [x, y]), (2, 1), (2,), note="list"
        ),
        case(np.choose, lambda x: np.choose(np.array([2, 0, 1]), x), (3, 3), note="array"),
        case(np.choose, lambda x: np.choose([4, -1], [1, x, 2.5], mode="wrap"), (2,), note="wrap"),
        case(np.choose, lambda x: np.choose([4, -1], [x, 1, x], mode="clip"), (2,), note="clip"),
        *cases(
            np.piecewise,
            lambda x: np.piecewise(x, [MASK], [np.square]),
            lambda x: np.piecewise(x, [MASK], [np.square, np.exp]),
            lambda x: np.piecewise(x, pieces, [lambda v: v * 2, 3, np.sin]),
            lambda x: np.piecewise(x[0], MASK[0], [np.square, -1]),
            lambda x: np.piecewise(x, [MASK, OTHER], [lambda v, n: v * n, 2], 3),
            lambda x: np.piecewise(x, [MASK, OTHER], [lambda v, n=1: v * n] * 2, n=2),
        ),
        case(np.piecewise, lambda x: np.piecewise(x, [True], [np.square]), (), note="0d"),
        case(
            np.piecewise,
            lambda x: np.piecewise(x, [x < 0, x >= 0], [lambda v: -v, np.square]),
            (4,),
            note="own",
            **REAL,
        ),
        *cases(
            np.compress,
            lambda x: np.compress([True, False, True], x, axis=1),
            lambda x: np.compress([0, 1, 1, 0, 1], x),
            lambda x: np.compress([False, True], x, 0),
        ),
        *cases(
            np.extract,
            lambda x: np.extract(MASK, x),
            lambda x: np.extract([1, 0, 1], x),
        ),
        case(np.sort_complex, np.sort_complex, (2, 3), dtypes="dg"),
        *cases(
            np.nan_to_num,
            np.nan_to_num,
            lambda x: np.nan_to_num(x / 0.0, posinf=3, neginf=-2),
            lambda x: np.nan_to_num(np.where(MASK, x, np.nan), nan=1.5),
            **REAL,
        ),
        case(np.nan_to_num, lambda x: np.nan_to_num(x), (3,), note="complex"),
        *cases(np.real_if_close, np.real_if_close, lambda x: np.real_if_close(x + 0j), **REAL),
        case(np.real_if_close, np.real_if_close, (2,), note="complex"),
        *cases(np.copy, np.copy, lambda x: np.copy(x, order="F")),
    ]


def _sets() -> list[Case]:
    twice = np.array([0, 1, 2, 3, 1, 2])
    return [
        *cases(
            np.unique,
            np.unique,
            lambda x: np.unique(np.append(x, x)),
            lambda x: np.unique(x, True, True, True),
            lambda x: np.unique(x, axis=0),
            lambda x: np.unique(np.take(x, [1, 0, 1], -1), return_counts=True, axis=-1),
            **REAL,
        ),
        *[
            case(f, lambda x, f=f: f(x[twice]), (4,), **REAL)
            for f in (np.unique_values, np.unique_all, np.unique_counts, np.unique_inverse)
        ],
        case(np.union1d, np.union1d, (2, 2), (3,), **REAL),
        case(np.union1d, lambda x: np.union1d(x, x[:2]), (3,), note="common", **REAL),
        *cases(
            np.intersect1d,
            lambda x: np.intersect1d(x[twice], x[1:3]),
            lambda x: np.intersect1d(x[:3], x[1:], assume_unique=True),
            lambda x: np.intersect1d(x[twice], x[::-1], return_indices=True),
            shape=(4,),
            **REAL,
        ),
        *cases(
            np.setdiff1d,
            lambda x: np.setdiff1d(x[twice], x[1:3]),
            lambda x: np.setdiff1d(x, x[1:2], assume_unique=True),
            shape=(4,),
            **REAL,
        ),
        *cases(
            np.setxor1d,
            lambda x: np.setxor1d(x[twice], x[1:3]),
            lambda x: np.setxor1d(x[:3], x[1:], assume_unique=True),
            shape=(4,),
            **REAL,
        ),
    ]


def _padding() -> list[Case]:
    return [
        *cases(
            np.pad,
            lambda x: np.pad(x, 1),
            lambda x: np.pad(x, (1, 2)),
            lambda x: np.pad(x, ((0, 1), (2, 0))),
            lambda x: np.pad(x, ((1,), (2,)), constant_values=3),
            lambda x: np.pad(x, 1, "constant", constant_values=((1, 2), (3, 4))),
            lambda x: np.pad(x, 2, "edge"),
            lambda x: np.pad(x, (1, 1), "reflect"),
            lambda x: np.pad(x, ((1, 2), (3, 4)), mode="symmetric"),
            lambda x: np.pad(x, 4, mode="wrap"),
            lambda x: np.pad(x, 2, mode="reflect", reflect_type="even"),
            lambda x: np.pad(x, 0),
        ),
        case(np.pad, lambda x: np.pad(x, 2), (), note="0d"),
        case(np.pad, lambda x, v: np.pad(x, 1, constant_values=v), (2,), (), note="values"),
        *cases(
            np.pad,
            lambda x: np.pad(x, ((1, 0), (2, 3)), "linear_ramp"),
            lambda x: np.pad(x, 2, "linear_ramp", end_values=((1, 2), (3, 4))),
            lambda x: np.pad(x, ((3, 4), (5, 7)), "reflect", reflect_type="odd"),
            lambda x: np.pad(x, ((3, 4), (5, 7)), "symmetric", reflect_type="odd"),
            lambda x: np.pad(x[:1], ((2, 1), (0, 1)), "reflect", reflect_type="odd"),
            lambda x: np.pad(x, ((1, 2), (0, 1)), "mean"),
            lambda x: np.pad(x, 2, "mean", stat_length=((1, 2), (2, 9))),
            note="linear",
        ),
        *cases(
            np.pad,
            lambda x: np.pad(x, 1, "maximum"),
            lambda x: np.pad(x, ((0, 2), (1, 1)), "minimum", stat_length=2),
            lambda x: np.pad(x, 1, "median"),
            lambda x: np.pad(x, 1, "median", stat_length=((2, 1), (3, 2))),
            note="order",
            **REAL,
        ),
        case(
            np.pad,
            lambda x, v: np.pad(x, 3, "linear_ramp", end_values=v),
            (2, 2),
            (),
            note="end-values",
        ),
    ]


def _joining() -> list[Case]:
    return [
        case(
            np.block,
            lambda x, y: np.block([[x, y[:, None]], [y]]),
            (2, 1),
            (2,),
            note="nested",
        ),
        case(np.block, lambda x, y: np.block([x, y, x]), (2, 2), (2, 1), note="row"),
        case(np.block, lambda x: np.block([[[x]], [[x]]]), (2,), note="deep"),
        case(np.meshgrid, np.meshgrid, (2,), (3,), note="xy"),
        case(np.meshgrid, lambda x, y: np.meshgrid(x, y, indexing="ij"), (2, 2), (), note="ij"),
        case(
            np.meshgrid,
            lambda x, y, z: np.meshgrid(x, y, z, sparse=True),
            (2,),
            (3,),
            (1,),
            note="sparse",
        ),
        case(np.meshgrid, lambda x: np.meshgrid(x, np.arange(2.0)), (3,), note="bare"),
        *cases(
            np.insert,
            lambda x: np.insert(x, 1, 5),
            lambda x: np.insert(x, 1, 5, axis=0),
            lambda x: np.insert(x, [0, 2], [7, 8], axis=-1),
            lambda x: np.insert(x, slice(0, 2), 3, axis=1),
            lambda x: np.insert(x, 1, x[0], axis=0),
        ),
        case(
            np.insert, lambda x, v: np.insert(x, [1, 1, 3], v, axis=1), (2, 3), (3,), note="values"
        ),
        case(np.insert, lambda x, v: np.insert(x, 2, v), (4,), (), note="scalar"),
        *cases(
            np.delete,
            lambda x: np.delete(x, 1),
            lambda x: np.delete(x, [0, -1], axis=1),
            lambda x: np.delete(x, slice(None, None, 2), 1),
            lambda x: np.delete(x, np.array([True, False]), 0),
        ),
        *cases(
            np.resize,
            lambda x: np.resize(x, (3, 5)),
            lambda x: np.resize(x, 4),
            lambda x: np.resize(x, (2, 0)),
        ),
        *cases(
            np.trim_zeros,
            lambda x: np.trim_zeros(np.pad(x, 2)),
            lambda x: np.trim_zeros(np.pad(x, 2), "f"),
            lambda x: np.trim_zeros(np.pad(x, 2), trim="B"),
            shape=(3,),
        ),
        *cases(
            np.apply_along_axis,
            lambda x: np.apply_along_axis(np.cumsum, 0, x),
            lambda x: np.apply_along_axis(lambda v, n: v[0] * v[n], 1, x, 2),
            lambda x: np.apply_along_axis(lambda v: v[:2, None] * v, 1, x),
            shape=(2, 3, 2),
        ),
        *cases(
            np.apply_over_axes,
            lambda x: np.apply_over_axes(np.sum, x, [0, 2]),
            lambda x: np.apply_over_axes(np.mean, x, -1),
            lambda x: np.apply_over_axes(np.cumsum, x, (1,)),
            shape=(2, 3, 2),
        ),
    ]


CASES = [*_choosing(), *_sets(), *_padding(), *_joining()]
