"""Patterns of operations that mix what lies along some axes and keep the others apart."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from gradtape.patterns.library import compressed_rows, one_per_row

__all__ = ["KEPT_APART", "mixed", "pairs_of", "shared_axes"]

Shape = tuple[int, ...]
#: Which axes of the output are which axes of the input; what is left is mixed.
Pairs = list[tuple[int, int]]


def shared_axes(out_shape: Shape, in_shape: Shape, pairs: Pairs) -> list[Any]:
    """The pattern of an operation that keeps pairs of axes apart, as a product of two matrices.

    Each entry of the output belongs to the group of entries with its place along the axes of the
    pairs, and reads all entries of the input of that group. An input of length one along an axis
    belongs to all groups.
    """
    pairs = [(o % len(out_shape), i % len(in_shape)) for o, i in pairs]
    lengths = [out_shape[o] for o, _ in pairs]
    strides = [prod(lengths[k + 1 :]) for k in range(len(lengths))]
    group = np.zeros((1,) * len(out_shape), np.intp)
    for (o, _), stride in zip(pairs, strides, strict=True):
        place = [1] * len(out_shape)
        place[o] = out_shape[o]
        group = group + (np.arange(out_shape[o]) * stride).reshape(place)
    groups = prod(lengths)
    group = np.broadcast_to(group, out_shape).reshape(-1)
    # The input with the axes of the pairs in front, stretched to their lengths.
    order = [i for _, i in pairs]
    rest = [i for i in range(len(in_shape)) if i not in order]
    members = np.arange(prod(in_shape)).reshape(in_shape).transpose([*order, *rest])
    members = np.broadcast_to(members, [*lengths, *[in_shape[i] for i in rest]])
    count = prod([in_shape[i] for i in rest])
    starts = np.arange(groups + 1) * count
    columns = compressed_rows(members.reshape(-1), starts, (groups, prod(in_shape)))
    return [one_per_row(group, groups), columns]


def mixed(out_shape: Shape, in_shape: Shape) -> list[Any]:
    """The pattern of an operation whose every output reads every input."""
    return shared_axes(out_shape, in_shape, [])


def _stack(out_shape: Shape, shapes: list[Shape], cores: tuple[int, ...], i: int) -> Pairs:
    """The leading axes, where the inputs' last axes are mixed: so many as ``cores`` says."""
    leading = max([len(shape) - core for shape, core in zip(shapes, cores, strict=True)])
    mine = len(shapes[i]) - cores[i]
    return [(a + leading - mine, a) for a in range(mine)]


def _others(axis: Any, in_shape: Shape) -> list[int]:
    """All axes but some, counted from the last."""
    n = len(in_shape)
    some = range(-n, 0) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    out = {a % n - n for a in some}
    return [a for a in range(-n, 0) if a not in out]


def _stacked(*cores: int) -> Callable[..., Pairs]:
    return lambda i, out_shape, shapes, params: _stack(out_shape, shapes, cores, i)


def _transform(i: int, out_shape: Shape, shapes: list[Shape], params: dict[str, Any]) -> Pairs:
    return [(a, a) for a in _others(params["axis"], shapes[i])]


def _reduction(i: int, out_shape: Shape, shapes: list[Shape], params: dict[str, Any]) -> Pairs:
    kept = _others(params["axis"], shapes[i])
    stay = len(out_shape) == len(shapes[i])
    return [(a if stay else k, a) for k, a in enumerate(kept)]


def _product(i: int, out_shape: Shape, shapes: list[Shape], params: dict[str, Any]) -> Pairs:
    n, own = len(out_shape), len(shapes[i])
    pairs = [(n - own + a, a) for a in range(own - 2)]
    return [*pairs, (n - 2, own - 2) if i == 0 else (n - 1, own - 1)]


def _einsum(i: int, out_shape: Shape, shapes: list[Shape], params: dict[str, Any]) -> Pairs:
    mine, out = params["labels"][i], params["out_labels"]
    return [(out.index(c), mine.index(c)) for c in mine if c in out]


def _polynomial(i: int, out_shape: Shape, shapes: list[Shape], params: dict[str, Any]) -> Pairs:
    return [] if i == 0 else [(a, a) for a in range(len(out_shape))]


def _entrywise(i: int, out_shape: Shape, shapes: list[Shape], params: dict[str, Any]) -> Pairs:
    return [(a, a) for a in range(-len(shapes[i]), 0)]


def _convolution(i: int, out_shape: Shape, shapes: list[Shape], params: dict[str, Any]) -> Pairs:
    return _stack(out_shape, shapes, (params["nd"],) * 2, i)


_MATRIX, _TWO = _stacked(2), _stacked(2, 2)

#: Of the primitives whose rules say nothing of liveness, which axes they keep apart. What is not
#: here counts as mixing everything.
KEPT_APART: dict[str, Callable[..., Pairs]] = {
    "matmul": _product,
    "einsum": _einsum,
    "horner": _polynomial,
    "ratio": _entrywise,
    "scipy.lfilter": _stacked(1, 1, 1),
    **dict.fromkeys(
        [
            *("inverse_if_any", "lower_inverse", "hermitian", "cholesky", "qr", "triangular"),
            *("eigh", "eigvalsh", "eig", "eigvals", "svd", "singular_if_any", "svdvals", "inv"),
            *("pinv", "det", "cofactors", "slogdet", "scipy.lu", "scipy.polar", "scipy.expm"),
            *("scipy.logm", "scipy.sqrtm"),
        ],
        _MATRIX,
    ),
    **dict.fromkeys(
        [
            *("solve", "solution_if_any", "scipy.solve_triangular", "scipy.expm.along"),
            *("scipy.logm.along", "scipy.sqrtm.along"),
        ],
        _TWO,
    ),
    "scipy.solve_sylvester": _stacked(2, 2, 2),
    **dict.fromkeys(["scipy.convolution", "scipy.correlation"], _convolution),
    **dict.fromkeys(
        [
            *("fft", "ifft", "rfft", "irfft", "scipy.fft", "scipy.ifft", "scipy.rfft"),
            *("scipy.irfft", "scipy.dct", "scipy.dst", "soft_maximum", "log_soft_maximum"),
        ],
        _transform,
    ),
    **dict.fromkeys(["norm", "power_norm"], _reduction),
}


def pairs_of(
    name: str, i: int, out_shape: Shape, shapes: list[Shape], params: dict[str, Any]
) -> Pairs:
    """The axes that a primitive keeps apart between its output and its input ``i``."""
    kept = KEPT_APART.get(name)
    return kept(i, out_shape, shapes, params) if kept else []
