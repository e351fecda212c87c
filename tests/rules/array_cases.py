"""Cases of the functions that move entries about: shapes, axes, joining, indexing, padding."""

import operator

import numpy as np

from gradtape.derivatives import primitives
from tests.rules.cases import Case, case, cases

CUBE = (2, 3, 4)


def _reshaping() -> list[Case]:
    return [
        *cases(
            np.reshape,
            lambda x: np.reshape(x, (3, 2)),
            lambda x: np.reshape(x, 6),
            lambda x: np.reshape(x, -1),
            lambda x: np.reshape(x, [3, -1]),
            lambda x: np.reshape(x, np.array([6, 1])),
            lambda x: np.reshape(x, (3, 2), order="F"),
            lambda x: np.reshape(x, -1, "F"),
        ),
        *cases(
            np.ndarray.reshape,
            lambda x: x.reshape(3, 2),
            lambda x: x.reshape((1, -1)),
            lambda x: x.reshape([6]),
            lambda x: x.reshape(3, -1, order="F"),
        ),
        *cases(np.ravel, np.ravel, lambda x: np.ravel(x, "F"), lambda x: x.ravel()),
        *cases(np.ndarray.flatten, lambda x: x.flatten(), lambda x: x.flatten("F")),
        *cases(
            np.squeeze,
            np.squeeze,
            lambda x: np.squeeze(x, 0),
            lambda x: x.squeeze(axis=(0, -1)),
            shape=(1, 3, 1),
        ),
        *cases(
            np.expand_dims,
            lambda x: np.expand_dims(x, 0),
            lambda x: np.expand_dims(x, -1),
            lambda x: np.expand_dims(x, (0, 2)),
            lambda x: np.expand_dims(x, [1, -1]),
        ),
        *[
            case(f, f, shape, note=f"{len(shape)}d")
            for f in (np.atleast_1d, np.atleast_2d, np.atleast_3d)
            for shape in ((), (2,), (2, 3), (2, 1, 2))
        ],
        case(np.atleast_2d, np.atleast_2d, (), (3,), note="several"),
    ]


def _axes() -> list[Case]:
    return [
        *cases(
            np.transpose,
            np.transpose,
            lambda x: np.transpose(x, (2, 0, 1)),
            lambda x: np.transpose(x, [-1, 0, -2]),
            lambda x: x.T,
            shape=CUBE,
        ),
        *cases(
            np.ndarray.transpose,
            lambda x: x.transpose(),
            lambda x: x.transpose(1, 0, 2),
            lambda x: x.transpose((2, 1, 0)),
            lambda x: x.transpose(None),
            shape=CUBE,
        ),
        case(np.transpose, np.transpose, (), note="0d"),
        *cases(np.matrix_transpose, np.matrix_transpose, lambda x: x.mT, shape=CUBE),
        *cases(
            np.swapaxes, lambda x: np.swapaxes(x, 0, -1), lambda x: x.swapaxes(1, 2), shape=CUBE
        ),
        *cases(
            np.moveaxis,
            lambda x: np.moveaxis(x, 0, -1),
            lambda x: np.moveaxis(x, -1, 0),
            lambda x: np.moveaxis(x, (0, 1), (-1, 0)),
            lambda x: np.moveaxis(x, [2, 0], [0, 1]),
            shape=CUBE,
        ),
        *cases(
            np.flip,
            np.flip,
            lambda x: np.flip(x, 1),
            lambda x: np.flip(x, (0, -1)),
            shape=CUBE,
        ),
        *cases(
            np.rot90,
            np.rot90,
            lambda x: np.rot90(x, 2, (0, -1)),
            lambda x: np.rot90(x, -1, axes=(2, 1)),
            lambda x: np.rot90(x, k=4),
            shape=CUBE,
        ),
        *cases(
            np.rollaxis,
            lambda x: np.rollaxis(x, 2),
            lambda x: np.rollaxis(x, -2, 3),
            lambda x: np.rollaxis(x, 0, -1),
            lambda x: np.rollaxis(x, 1, 1),
            shape=CUBE,
        ),
        *cases(np.fliplr, np.fliplr),
        *cases(np.flipud, np.flipud),
        *cases(
            np.roll,
            lambda x: np.roll(x, 2),
            lambda x: np.roll(x, -1, 0),
            lambda x: np.roll(x, 5, axis=-1),
            lambda x: np.roll(x, (1, 2), (0, 1)),
            lambda x: np.roll(x, 1, axis=(0, 1)),
            lambda x: np.roll(x, 0),
        ),
    ]


def _repeating() -> list[Case]:
    return [
        case(np.broadcast_to, lambda x: np.broadcast_to(x, (2, 3)), (3,), note="front"),
        case(np.broadcast_to, lambda x: np.broadcast_to(x, (4, 2, 3)), (2, 1), note="both"),
        case(np.broadcast_to, lambda x: np.broadcast_to(x, 3), (), note="0d"),
        case(np.broadcast_to, lambda x: np.broadcast_to(x, (200, 100)), (100,), note="large"),
        case(np.broadcast_arrays, np.broadcast_arrays, (2, 1), (3,)),
        *cases(
            np.tile,
            lambda x: np.tile(x, 2),
            lambda x: np.tile(x, (2, 3)),
            lambda x: np.tile(x, (2, 1, 2)),
            lambda x: np.tile(x, [3]),
        ),
        case(np.tile, lambda x: np.tile(x, 3), (), note="0d"),
        *cases(
            np.repeat,
            lambda x: np.repeat(x, 2),
            lambda x: np.repeat(x, 2, axis=1),
            lambda x: np.repeat(x, [1, 3], axis=0),
            lambda x: np.repeat(x, [0, 2, 1], axis=-1),
            lambda x: x.repeat(3, 0),
        ),
        case("broadcast", lambda x: np.broadcast_to(x, (2, 3)), (1, 3)),
    ]


def _joining() -> list[Case]:
    return [
        case(np.concatenate, lambda x, y: np.concatenate([x, y]), (2, 3), (1, 3), note="axis0"),
        case(np.concatenate, lambda x, y: np.concatenate((x, y), -1), (2, 3), (2, 2), note="last"),
        case(np.concatenate, lambda x, y: np.concatenate([x, y], None), (2, 2), (3,), note="none"),
        case(np.concatenate, lambda x: np.concatenate([x, x, x]), (2,), note="same"),
        case(
            np.concatenate,
            lambda x: np.concatenate([x, [[1.0, 2.0]]]),
            (2, 2),
            note="list",
            dtypes="dg",
        ),
        case(np.concatenate, lambda x: np.concatenate(x, 1), (2, 1, 3), note="itself"),
        case(np.concatenate, lambda x: np.concatenate([x], dtype="D"), (2,), note="dtype"),
        case(np.stack, lambda x, y: np.stack([x, y]), (2, 3), (2, 3), note="front"),
        case(np.stack, lambda x, y: np.stack((x, y), axis=-1), (2, 3), (2, 3), note="last"),
        case(np.stack, lambda x, y: np.stack([x, y], 1), (3,), (3,), note="middle"),
        case(np.stack, lambda x, y: np.stack([x, y]), (), (), note="0d"),
        case(np.vstack, lambda x, y: np.vstack([x, y]), (2, 3), (3,)),
        *[
            case(f, lambda x, y, f=f: f([x, y], dtype=complex), (2,), (2,), note="dtype")
            for f in (np.stack, np.vstack, np.hstack)
        ],
        case(np.hstack, lambda x, y: np.hstack([x, y]), (2, 3), (2, 1), note="2d"),
        case(np.hstack, lambda x, y: np.hstack((x, y)), (2,), (), note="1d"),
        case(np.dstack, lambda x, y: np.dstack([x, y]), (2, 3), (2, 3), note="2d"),
        case(np.dstack, lambda x, y: np.dstack([x, y]), (3,), (3,), note="1d"),
        case(np.column_stack, lambda x, y: np.column_stack([x, y]), (2,), (2, 3)),
        case(np.append, lambda x, y: np.append(x, y), (2, 2), (3,), note="none"),
        case(np.append, lambda x, y: np.append(x, y, axis=0), (2, 3), (1, 3), note="axis"),
        case(np.full_like, lambda x: np.full_like(x, x[0]), (3,), note="own-entry"),
    ]


def _splitting() -> list[Case]:
    return [
        *cases(
            np.split,
            lambda x: np.split(x, 2),
            lambda x: np.split(x, 3, axis=-1),
            lambda x: np.split(x, [1]),
            lambda x: np.split(x, [1, 3, 5], 1),
            lambda x: np.split(x, [2, 1], 1),
            shape=(4, 6),
        ),
        *cases(
            np.array_split,
            lambda x: np.array_split(x, 3),
            lambda x: np.array_split(x, 4, axis=1),
            lambda x: np.array_split(x, np.array([1, -1])),
            shape=(5, 3),
        ),
        *cases(np.hsplit, lambda x: np.hsplit(x, 3)),
        *cases(np.vsplit, lambda x: np.vsplit(x, [1])),
        *cases(np.dsplit, lambda x: np.dsplit(x, 2), shape=CUBE),
        *_unstacking(),
    ]


def _unstacking() -> list[Case]:
    unstack = getattr(np, "unstack", None)  # from NumPy 2.1 on
    forms = [lambda x: unstack(x), lambda x: unstack(x, axis=-1)]
    return cases(unstack, *forms) if unstack else []


def _indexing() -> list[Case]:
    mask = np.array([[True, False, True], [False, True, True]])
    picks = np.array([[0, 2], [2, 1]])
    return [
        *cases(
            operator.getitem,
            lambda x: x[1],
            lambda x: x[-1, 0, 2],
            lambda x: x[0, 1:],
            lambda x: x[..., 1],
            lambda x: x[:, None, 1, ::-2],
            lambda x: x[::-1, ::2, ...],
            lambda x: x[None],
            lambda x: x[()],
            lambda x: x[...],
            lambda x: x[np.int64(1)],
            lambda x: x[[0, 1, 0]],
            lambda x: x[:, [2, 2, 0]],
            lambda x: x[0, :, [1, 3]],
            lambda x: x[[0, 1], :, [1, 3]],
            lambda x: x[[[0], [1]], [0, 2]],
            lambda x: x[np.array([0, -1]), ..., 1:3],
            lambda x: x[mask],
            lambda x: x[mask, 0],
            lambda x: x[:, [True, False, True]],
            lambda x: x[:, picks],
            lambda x: x[np.array(1)],
            lambda x: x[[]],
            lambda x: x[2:2],
            lambda x: x[np.zeros((2, 3), bool)],
            lambda x: x[True],
            shape=CUBE,
        ),
        case(operator.getitem, lambda x: x[x > 0], (2, 3), note="own-mask", complex_too=False),
        *cases(
            np.take,
            lambda x: np.take(x, 5),
            lambda x: np.take(x, [0, 5, 5, -1]),
            lambda x: np.take(x, picks, axis=1),
            lambda x: np.take(x, [[0]], axis=-1),
            lambda x: np.take(x, [7, -9], mode="wrap"),
            lambda x: np.take(x, [7, -9], axis=1, mode="clip"),
            lambda x: x.take([1, 1], 0),
        ),
        *cases(
            np.take_along_axis,
            lambda x: np.take_along_axis(x, picks, axis=-1),
            lambda x: np.take_along_axis(x, np.array([[1, 0, 0]]), axis=0),
            lambda x: np.take_along_axis(x, np.array([[1], [0]]), -1),
            lambda x: np.take_along_axis(x, np.array([4, 4, 0]), None),
        ),
        case(
            np.take_along_axis,
            lambda x: np.take_along_axis(x, np.array([[0, 1, 1]]), 0),
            (2, 1),
            note="broadcast",
        ),
        *cases(
            np.sort,
            np.sort,
            lambda x: np.sort(x, 0),
            lambda x: np.sort(x, axis=None),
            lambda x: np.sort(x, -1, "stable"),
            lambda x: np.sort(x, stable=True),
        ),
    ]


def _transposes() -> list[Case]:
    """The primitives of our own that stand for the transposes of indexing."""
    positions = np.array([[0, 4], [4, 2]])
    return [
        case(
            "embed",
            lambda x: primitives.embed(x, shape=(3, 4), index=(slice(1), slice(None, None, 2))),
            (1, 2),
        ),
        case(
            "scatter_add",
            lambda x: primitives.scatter_add(x, shape=(5,), positions=positions),
            (2, 2),
        ),
        case(
            "scatter_add",
            lambda x: primitives.scatter_add(x, shape=(3, 5), positions=positions),
            (3, 2, 2),
            note="batch",
        ),
    ]


CASES = [
    *_reshaping(),
    *_axes(),
    *_repeating(),
    *_joining(),
    *_splitting(),
    *_indexing(),
    *_transposes(),
]
