"""Rules of products of matrices and tensors."""

from __future__ import annotations

import math
import string
from typing import Any

import numpy as np
from numpy import ndarray

from gradtape.derivatives.axes import as_array
from gradtape.derivatives.primitives import broadcast, scatter_add
from gradtape.rules import STRAIGHT, Primitive, Variadic, adjoint, align, meaning, unbroadcast

__all__ = ["MANY_ROWS", "matrix_product", "summed"]

Shape = tuple[int, ...]


# Matrix product -------------------------------------------------------------------------------


#: From this many entries on, an outer product is faster as a broadcast product.
OUTER = 1 << 12


def _times(x: Any, y: Any) -> Any:
    """x @ y of at least two axes each, by the cheapest of the forms that the shapes allow."""
    if x.shape[-1] == 1 and y.shape[-2] == 1 and (x.size * y.size > OUTER or y.ndim > 2):
        return x * y
    if not (type(x) is ndarray is type(y)):  # a bare array's methods do not see tensors
        return x @ y
    if y.ndim == 2:
        return _dot(x, y)
    if x.ndim == 2 and y.shape[-1] == 1:
        return _dot(y[..., 0], x.T)[..., np.newaxis]
    return np.matmul(x, y)


def _dot(x: Any, y: Any) -> Any:
    """x @ y for a matrix y, as one product of matrices: a stack takes BLAS a call for each."""
    if x.ndim <= 2:
        return x.dot(y)  # which has less overhead than matmul
    *stack, n = x.shape
    flat = x.reshape(math.prod(stack), n)
    product = flat.diagonal()[:, np.newaxis] * y if _is_diagonal(flat) else flat.dot(y)
    return product.reshape((*stack, y.shape[1]))


#: From this many rows on, it pays to look whether a product is with a diagonal matrix.
MANY_ROWS = 64


def _is_diagonal(x: Any) -> bool:
    """Whether a large square matrix is diagonal, as a Jacobian's seeds are to begin with."""
    return bool(
        x.shape[0] == x.shape[1] >= MANY_ROWS
        and x[0, 1] == 0 == x[1, 0]
        and np.count_nonzero(x) == np.count_nonzero(x.diagonal())
    )


def _adjoint(x: Any) -> Any:
    """The conjugate transpose of the last two axes."""
    x = x.T if x.ndim == 2 else np.swapaxes(x, -1, -2)
    return adjoint(x) if x.dtype.kind == "c" else x


def _matmul(x: Any, y: Any, /) -> Any:
    if type(y) is not ndarray:  # a bare array's methods see no other's
        return np.matmul(x, y)
    if x.ndim <= 2 == y.ndim:
        return x.dot(y)  # which has less overhead than matmul
    return _dot(x, y) if y.ndim == 2 else np.matmul(x, y)


def _pull_left(g: Any, y: Any, x_shape: Shape, batch: Shape) -> Any:
    share = _times(g, _adjoint(y))
    return share if x_shape is None else unbroadcast(share, x_shape, batch)


def _pull_right(g: Any, x: Any, y_shape: Shape, batch: Shape) -> Any:
    share = _times(_adjoint(x), g)
    return share if y_shape is None else unbroadcast(share, y_shape, batch)


def _push_left(t: Any, y: Any, out: Any, x_shape: Shape, batch: Shape) -> Any:
    return _spread_batch(_times(align(t, x_shape, out.ndim, batch), y), out, batch)


def _push_right(t: Any, x: Any, out: Any, y_shape: Shape, batch: Shape) -> Any:
    return _spread_batch(_times(x, align(t, y_shape, out.ndim, batch)), out, batch)


def _spread_batch(t: Any, out: Any, batch: Shape) -> Any:
    shape = batch + out.shape
    return t if t.shape == shape else broadcast(t, shape=shape)


class _Product(Primitive):
    """The matrix product; of two real matrices of one dtype its shares are found directly."""

    def pull(self, g: Any, record: Any, batch: Shape, into: Any) -> None:
        """Add the share of each tracked input in the output's cotangent ``g`` to those ``into``."""
        _, _, mask, keys, saved, (_, dtypes), _ = record
        if dtypes is not None or batch or type(g) is not ndarray or g.dtype.char not in "fd":
            super().pull(g, record, batch, into)
            return
        if mask & 1:
            y = saved[1]
            direct = y.shape[1] > 1 or g.size * y.size <= OUTER
            _add(into, keys[0], g.dot(y.T) if direct else _times(g, y.T))
        if mask & 2:
            _add(into, keys[1], saved[0].T.dot(g))


def _add(into: Any, key: Any, share: Any) -> None:
    """Add a share that is an array of its own."""
    into.fresh.add(key)
    if key in into:
        into.add(key, share)
    else:
        into[key] = share


matrix_product = _Product(
    _matmul, (_pull_left, _pull_right), (_push_left, _push_right), least_ndim=2, fresh=True
)


@meaning(np.matmul)
def matmul(x1: Any, x2: Any) -> Any:
    n, m = getattr(x1, "ndim", -1), getattr(x2, "ndim", -1)
    if n > 1 and m > 1:
        return matrix_product(x1, x2)
    x1, x2 = as_array(x1), as_array(x2)
    n, m = x1.ndim, x2.ndim
    if n == 0 or m == 0:
        raise ValueError("matmul: a scalar is no matrix; use * to multiply by a number")
    if x1.shape[-1] != x2.shape[max(m - 2, 0)]:
        raise ValueError(
            f"matmul: shapes {x1.shape} and {x2.shape} do not fit: size {x2.shape[max(m - 2, 0)]} "
            f"is different from {x1.shape[-1]}"
        )
    left = x1 if n > 1 else np.expand_dims(x1, 0)
    right = x2 if m > 1 else np.expand_dims(x2, 1)
    out = matrix_product(left, right)
    if n == 1:
        out = np.squeeze(out, -2)
    return np.squeeze(out, -1) if m == 1 else out


STRAIGHT[np.matmul] = matrix_product


@meaning(np.dot)
def dot(a: Any, b: Any) -> Any:
    n, m = np.ndim(a), np.ndim(b)
    if n == 0 or m == 0:
        return np.multiply(a, b)
    return np.matmul(a, b) if m <= 2 else np.tensordot(a, b, (-1, -2))


@meaning(np.inner)
def inner(a: Any, b: Any) -> Any:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return np.multiply(a, b)
    return np.tensordot(a, b, (-1, -1))


def _conjugated(x: Any) -> Any:
    return np.conjugate(x) if x.dtype.kind == "c" else x


@meaning(np.vdot)
def vdot(a: Any, b: Any) -> Any:
    return np.dot(_conjugated(np.ravel(a)), np.ravel(b))


@meaning(np.vecdot)
def vecdot(x1: Any, x2: Any, axis: int = -1) -> Any:
    left, right = np.moveaxis(x1, axis, -1), np.moveaxis(x2, axis, -1)
    products = _conjugated(left) * right
    out = np.sum(products, -1)
    return out if out.dtype == products.dtype else out.astype(products.dtype)  # of small integers


@meaning(getattr(np, "matvec", None))
def matvec(x1: Any, x2: Any) -> Any:
    return np.squeeze(np.matmul(x1, np.expand_dims(x2, -1)), -1)


@meaning(getattr(np, "vecmat", None))
def vecmat(x1: Any, x2: Any) -> Any:
    return np.squeeze(np.matmul(_conjugated(np.expand_dims(x1, -2)), x2), -2)


@meaning(np.outer)
def outer(a: Any, b: Any) -> Any:
    return np.multiply(np.ravel(a)[:, None], np.ravel(b)[None, :])


@meaning(np.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    n, m = np.ndim(a), np.ndim(b)
    pairs: Any
    if np.ndim(axes) == 0 and not isinstance(axes, (tuple, list)):
        pairs = (tuple(range(n - axes, n)), tuple(range(axes)))
    else:
        pairs = tuple([(p,) if np.ndim(p) == 0 else tuple(p) for p in axes])
    ours, theirs = [
        [i % k if -k <= i < k else i for i in axes] for k, axes in zip((n, m), pairs, strict=True)
    ]
    lengths = [np.shape(a)[i] for i in ours], [np.shape(b)[i] for i in theirs]
    if lengths[0] != lengths[1]:
        raise ValueError(
            f"tensordot: shape mismatch for sum: axes {tuple(ours)} of shape {np.shape(a)} and "
            f"axes {tuple(theirs)} of shape {np.shape(b)}"
        )
    free_a = [i for i in range(n) if i not in ours]
    free_b = [i for i in range(m) if i not in theirs]
    count = int(np.prod(lengths[0]))
    left = np.reshape(np.transpose(a, (*free_a, *ours)), (-1 if count else _size(a, free_a), count))
    right = np.reshape(
        np.transpose(b, (*theirs, *free_b)), (count, -1 if count else _size(b, free_b))
    )
    shape = (*[np.shape(a)[i] for i in free_a], *[np.shape(b)[i] for i in free_b])
    return np.reshape(np.matmul(left, right), shape)


def _size(a: Any, axes: list[int]) -> int:
    return int(np.prod([np.shape(a)[i] for i in axes]))


# Diagonals ------------------------------------------------------------------------------------


def _diagonal_indices(rows: int, columns: int, offset: int) -> tuple[Any, Any]:
    start_row, start_column = max(-offset, 0), max(offset, 0)
    n = max(0, min(rows - start_row, columns - start_column))
    return np.arange(start_row, start_row + n), np.arange(start_column, start_column + n)


@meaning(np.diagonal)
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    matrices = np.moveaxis(a, (axis1, axis2), (-2, -1))
    rows, columns = _diagonal_indices(matrices.shape[-2], matrices.shape[-1], offset)
    return matrices[(..., rows, columns)]


@meaning(np.trace)
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Any:
    return np.sum(np.diagonal(a, offset, axis1, axis2), -1, dtype)


@meaning(np.diag)
def diag(v: Any, k: int = 0) -> Any:
    if v.ndim == 2:
        return np.diagonal(v, k)
    if v.ndim != 1:
        raise ValueError(f"diag: input must be 1- or 2-d, got shape {v.shape}")
    n = v.shape[0] + abs(k)
    rows, columns = _diagonal_indices(n, n, k)
    return scatter_add(v, shape=(n, n), positions=rows * n + columns)


@meaning(np.diagflat)
def diagflat(v: Any, k: int = 0) -> Any:
    return np.diag(np.ravel(v), k)


@meaning(np.tril)
def tril(m: Any, k: int = 0) -> Any:
    return np.where(_lower(m, k), m, m.dtype.type(0))


@meaning(np.triu)
def triu(m: Any, k: int = 0) -> Any:
    return np.where(_lower(m, k - 1), m.dtype.type(0), m)


def _lower(m: Any, k: int) -> Any:
    """The places on and below a diagonal; of a single row, a square of them."""
    return np.tri(m.shape[-2:][0], m.shape[-1], k, dtype=bool)


# Einstein summation -----------------------------------------------------------------------------

#: In this order: an implicit result has its axes in the order of their letters or numbers.
_LETTERS = string.ascii_uppercase + string.ascii_lowercase


def _einsum(xs: tuple[Any, ...], /, labels: tuple[str, ...], out_labels: str) -> Any:
    return np.einsum(f"{','.join(labels)}->{out_labels}", *xs, optimize=len(xs) > 2)


def _pull_einsum(
    g: Any, xs: Any, shapes: Any, labels: Any, out_labels: str, batch: Shape, index: int
) -> Any:
    """Exchange the operand and the result: sum what the others have and the operand has not."""
    mine = labels[index]
    others = [i for i in range(len(labels)) if i != index]
    known = set(out_labels).union(*[labels[i] for i in others])
    found = "".join([c for c in mine if c in known])
    spec = f"{','.join(['...' + out_labels, *[labels[i] for i in others]])}->...{found}"
    share = np.einsum(spec, g, *[adjoint(xs[i]) for i in others], optimize=len(others) > 1)
    shape = shapes[index]
    lengths = [share.shape[len(batch) + found.index(c)] if c in known else 1 for c in mine]
    share = share.reshape((*batch, *lengths))
    stretched = tuple([a for a in range(-len(mine), 0) if shape[a] == 1 != lengths[a]])
    if stretched:
        share = np.add.reduce(share, axis=stretched, keepdims=True)
    return share if share.shape == batch + shape else broadcast(share, shape=batch + shape)


def _push_einsum(t: Any, xs: Any, labels: Any, out_labels: str, index: int) -> Any:
    labels = [*labels[:index], "..." + labels[index], *labels[index + 1 :]]
    arrays = [*xs[:index], t, *xs[index + 1 :]]
    return np.einsum(f"{','.join(labels)}->...{out_labels}", *arrays, optimize=len(xs) > 2)


summed = Variadic(_einsum, _pull_einsum, _push_einsum, name="einsum")


def _totals(x: Any, /, label: str, out_label: str) -> Any:
    return np.einsum(f"{label}->{out_label}", x)


def _pull_totals(g: Any, x_shape: Shape, label: str, out_label: str, batch: Shape) -> Any:
    n, found = len(batch), [c for c in label if c in out_label]
    g = np.transpose(g, (*range(n), *[n + out_label.index(c) for c in found]))
    lengths = [m if c in out_label else 1 for c, m in zip(label, x_shape, strict=True)]
    return broadcast(g.reshape((*batch, *lengths)), shape=batch + x_shape)


#: The sums of one operand, through which dead entries are known one by one.
totals = Primitive(
    _totals,
    _pull_totals,
    lambda t, label, out_label: np.einsum(f"...{label}->...{out_label}", t),
    kind="movement",
    name="einsum_sums",
)


def _diagonals(x: Any, /, label: str, out_label: str) -> Any:
    return np.einsum(f"{label}->{out_label}", x)


def _pull_diagonals(g: Any, x_shape: Shape, label: str, out_label: str, batch: Shape) -> Any:
    places = np.arange(math.prod(x_shape)).reshape(x_shape)
    positions = np.einsum(f"{label}->{out_label}", places)
    return scatter_add(g, shape=batch + x_shape, positions=positions)


#: The entries of one operand where the axes of one letter agree.
diagonals = Primitive(
    _diagonals,
    _pull_diagonals,
    lambda t, label, out_label: np.einsum(f"...{label}->...{out_label}", t),
    kind="movement",
    selects=True,
    name="einsum_diagonals",
)


@meaning(np.einsum)
def einsum(*operands: Any, optimize: Any = False) -> Any:
    labels, out_labels, arrays = _explicit(operands)
    arrays = [as_array(a) if isinstance(a, (list, tuple)) else a for a in arrays]
    if len(arrays) == 1:
        return _of_one(arrays[0], labels[0], out_labels)
    labels, arrays = _without_repeats(labels, arrays)
    return summed(*arrays, labels=tuple(labels), out_labels=out_labels)


def _of_one(a: Any, label: str, out_label: str) -> Any:
    """The einsum of one operand: a view where nothing is summed, as NumPy has it."""
    if sorted(label) == sorted(out_label):
        return np.transpose(a, [label.index(c) for c in out_label])
    if set(label) == set(out_label):
        return diagonals(a, label=label, out_label=out_label)
    ((label,), (a,)) = _without_repeats([label], [a])
    return totals(a, label=label, out_label=out_label)


def _explicit(operands: tuple[Any, ...]) -> tuple[list[str], str, list[Any]]:
    """The labels of every operand and of the result, without ellipses or implicit output."""
    if isinstance(operands[0], str):
        text, arrays = operands[0].replace(" ", ""), list(operands[1:])
    else:
        text, arrays = _from_lists(operands)
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(arrays):
        raise ValueError(f"einsum: {text!r} names {len(terms)} operands, got {len(arrays)}")
    spare = [c for c in string.ascii_letters if c not in text]
    widths = [
        np.ndim(a) - len(term.replace("...", "")) if "..." in term else 0
        for term, a in zip(terms, arrays, strict=True)
    ]
    dots = "".join(spare[: max([0, *widths])])
    if arrow and dots and "..." not in right:
        raise ValueError(f"einsum: the result in {text!r} leaves out the axes of the ellipsis")
    if not arrow:
        letters = left.replace(",", "").replace(".", "")
        right = ("..." if dots else "") + "".join(
            sorted([c for c in set(letters) if letters.count(c) == 1])
        )
    terms = [
        term.replace("...", dots[len(dots) - width :])
        for term, width in zip(terms, widths, strict=True)
    ]
    for term, a in zip(terms, arrays, strict=True):
        if len(term) != np.ndim(a):
            raise ValueError(f"einsum: {term!r} does not fit an operand of shape {np.shape(a)}")
    return terms, right.replace("...", dots), arrays


def _from_lists(operands: tuple[Any, ...]) -> tuple[str, list[Any]]:
    """The text form of einsum(a, [0, 1], b, [1, 2], [0, 2])."""

    def letters(sublist: Any) -> str:
        return "".join(["..." if i is Ellipsis else _LETTERS[i] for i in sublist])

    pairs = len(operands) // 2
    arrays = list(operands[0 : 2 * pairs : 2])
    text = ",".join([letters(s) for s in operands[1 : 2 * pairs : 2]])
    return (f"{text}->{letters(operands[-1])}" if len(operands) % 2 else text), arrays


def _without_repeats(labels: list[str], arrays: list[Any]) -> tuple[list[str], list[Any]]:
    """Diagonals in place of labels that an operand has twice."""
    clean_labels, clean_arrays = [], []
    for term, a in zip(labels, arrays, strict=True):
        while len(set(term)) < len(term):
            letter = next(c for c in term if term.count(c) > 1)
            i = term.index(letter)
            j = term.index(letter, i + 1)
            a = np.diagonal(a, 0, i, j)
            term = term[:i] + term[i + 1 : j] + term[j + 1 :] + letter
        clean_labels.append(term)
        clean_arrays.append(a)
    return clean_labels, clean_arrays
