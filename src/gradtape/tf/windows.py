"""Windows that slide over an array, and the sum of windows where they overlap: its transpose.

Convolutions, pools and short-time spectra are made of these two and of products.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from gradtape import tensor as engine
from gradtape.rules import Primitive
from gradtape.tf import errors

__all__ = ["folded", "laid", "padded", "padding_of", "per_axis", "seen_windows", "windows"]

Lengths = tuple[int, ...]


def _count(length: int, size: int, stride: int, dilation: int) -> int:
    """How many windows fit."""
    return max((length - (size - 1) * dilation - 1) // stride + 1, 0)


def _windows(x: Any, /, sizes: Lengths, strides: Lengths, dilations: Lengths) -> Any:
    """x: (..., *lengths, c) -> (..., *counts, *sizes, c), a view."""
    n = len(sizes)
    lead, lengths = x.shape[: -n - 1], x.shape[-n - 1 : -1]
    counts = [_count(*of) for of in zip(lengths, sizes, strides, dilations, strict=True)]
    steps = x.strides[-n - 1 : -1]
    shape = (*lead, *counts, *sizes, x.shape[-1])
    bytes_ = (
        *x.strides[: -n - 1],
        *[step * stride for step, stride in zip(steps, strides, strict=True)],
        *[step * dilation for step, dilation in zip(steps, dilations, strict=True)],
        x.strides[-1],
    )
    if not prod(shape):
        return np.zeros(shape, x.dtype)
    return np.lib.stride_tricks.as_strided(x, shape, bytes_, writeable=False)


def _folded(x: Any, /, lengths: Lengths, strides: Lengths, dilations: Lengths) -> Any:
    """x: (..., *counts, *sizes, c) -> (..., *lengths, c)."""
    n = len(lengths)
    lead = x.shape[: -2 * n - 1]
    counts, sizes = x.shape[-2 * n - 1 : -n - 1], x.shape[-n - 1 : -1]
    out = np.zeros((*lead, *lengths, x.shape[-1]), x.dtype)
    if not x.size:
        return out
    for offset in np.ndindex(*sizes):
        place: list[Any] = [
            slice(at * dilation, at * dilation + (count - 1) * stride + 1, stride)
            for at, dilation, count, stride in zip(offset, dilations, counts, strides, strict=True)
        ]
        here: Any = (..., *place, slice(None))
        out[here] += x[(..., *offset, slice(None))]
    return out


def _pull_windows(g: Any, x_shape: Lengths, strides: Lengths, dilations: Lengths) -> Any:
    lengths = x_shape[-len(strides) - 1 : -1]
    return folded(g, lengths=lengths, strides=strides, dilations=dilations)


def _pull_folded(g: Any, x_shape: Lengths, strides: Lengths, dilations: Lengths) -> Any:
    sizes = x_shape[-len(strides) - 1 : -1]
    return windows(g, sizes=sizes, strides=strides, dilations=dilations)


#: The windows of given sizes, one after the other at distances of ``strides``, their entries
#: ``dilations`` apart.
#: (What the windows leave out gets zeros anyway, so no tape need take note of it.)
windows: Primitive = Primitive(_windows, _pull_windows, kind="movement", name="tf.windows")
#: The sum of windows, each in its place. ``lengths`` must hold just as many windows as there are.
folded: Primitive = Primitive(_folded, _pull_folded, kind="movement", fills=True, name="tf.folded")


# How convolutions and pools say where their windows lie -----------------------------------------


def per_axis(op: str, name: str, value: Any, n: int, channels_first: bool = False) -> Lengths:
    """An argument that is one number, one per axis of space, or one per axis of the tensor."""
    numbers = [int(v) for v in np.asarray(1 if value is None else value).reshape(-1)]
    if len(numbers) == n + 2:
        space = numbers[2:] if channels_first else numbers[1:-1]
        others = numbers[:2] if channels_first else [numbers[0], numbers[-1]]
        if others != [1, 1]:
            raise errors.invalid(
                op, f"`{name}` must be 1 for the batch and the channels, got {numbers}"
            )
        numbers = space
    if len(numbers) == 1:
        numbers *= n
    if len(numbers) != n or min(numbers) < 1:
        raise ValueError(
            f"`{name}` should be one positive number, {n} or {n + 2} of them, got {value!r}"
        )
    return tuple(numbers)


def padding_of(
    op: str,
    padding: Any,
    lengths: Lengths,
    sizes: Lengths,
    strides: Lengths,
    dilations: Lengths,
    channels_first: bool = False,
) -> list[tuple[int, int]]:
    """How many entries are added before and behind along each axis of space.

    Parameters
    ----------
    padding : ``"VALID"`` for none; ``"SAME"`` for as many as give ceil(length / stride) windows,
        the odd one behind; or a pair for each axis of the tensor.
    channels_first : whether those pairs are for a tensor with its channels in front.
    """
    if isinstance(padding, str):
        kind = padding.upper()
        if kind not in ("SAME", "VALID"):
            raise ValueError(f"`padding` must be 'VALID', 'SAME' or pairs of numbers: {padding!r}")
        missing = [
            max((-(-length // stride) - 1) * stride + (size - 1) * dilation + 1 - length, 0)
            for length, size, stride, dilation in zip(
                lengths, sizes, strides, dilations, strict=True
            )
        ]
        return [(0, 0) if kind == "VALID" else (k // 2, k - k // 2) for k in missing]
    pairs = np.asarray(padding).tolist()
    if np.shape(pairs) != (len(lengths) + 2, 2):
        raise errors.invalid(
            op, f"`padding` must hold {len(lengths) + 2} pairs of numbers, got {padding!r}"
        )
    return [tuple(pair) for pair in (pairs[2:] if channels_first else pairs[1:-1])]


def padded(x: Any, pairs: list[tuple[int, int]], value: Any = 0) -> Any:
    """With entries added along the axes of space, which are in front of the last."""
    if not any([before or behind for before, behind in pairs]):
        return x
    widths = [(0, 0)] * (np.ndim(engine.bare(x)) - len(pairs) - 1) + [*pairs, (0, 0)]
    return np.pad(x, widths, constant_values=value)


def laid(
    op: str,
    lengths: Lengths,
    sizes: Lengths,
    strides: Any,
    padding: Any,
    dilations: Any,
    channels_first: bool = False,
) -> tuple[dict[str, Lengths], list[tuple[int, int]]]:
    """The arguments of ``windows``, and what padding adds, by what a caller gives."""
    n = len(sizes)
    steps = per_axis(op, "strides", strides, n, channels_first)
    rates = per_axis(op, "dilations", dilations, n, channels_first)
    pairs = padding_of(op, padding, lengths, sizes, steps, rates, channels_first)
    return {"sizes": sizes, "strides": steps, "dilations": rates}, pairs


def seen_windows(
    op: str,
    x: Any,
    sizes: Lengths,
    strides: Any,
    padding: Any,
    dilations: Any,
    channels_first: bool = False,
    fill: Any = 0,
) -> Any:
    """The windows of a tensor with its channels last, by the arguments as a caller gives them.

    Parameters
    ----------
    strides, padding, dilations : in any of the forms that TensorFlow takes.
    channels_first : whether those are for a tensor with its channels in front.
    fill : what padding adds.
    """
    lengths = engine.bare(x).shape[-len(sizes) - 1 : -1]
    steps, pairs = laid(op, lengths, sizes, strides, padding, dilations, channels_first)
    return windows(padded(x, pairs, fill), **steps)
