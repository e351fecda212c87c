"""Rules of ``numpy.lib.stride_tricks``: windows that slide over an array."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided, sliding_window_view

from gradtape.derivatives.axes import as_array, one_axis
from gradtape.derivatives.primitives import scatter_add
from gradtape.rules import Primitive, meaning, refuse

__all__ = ["windows"]

Shape = tuple[int, ...]


def _windows(x: Any, /, window_shape: Shape, axis: Shape) -> Any:
    return sliding_window_view(x, window_shape, axis)


def _pull_windows(g: Any, x_shape: Shape, window_shape: Shape, axis: Shape, batch: Shape) -> Any:
    places = np.arange(prod(x_shape)).reshape(x_shape)
    return scatter_add(g, shape=batch + x_shape, positions=_windows(places, window_shape, axis))


#: The windows behind the axes of what they slide over.
windows: Primitive = Primitive(
    _windows,
    _pull_windows,
    lambda t, window_shape, axis: windows(t, window_shape=window_shape, axis=axis),
    kind="movement",
    selects=True,
    name="sliding_window_view",
)


@meaning(sliding_window_view)
def _sliding_window_view(x: Any, window_shape: Any, axis: Any = None) -> Any:
    x = as_array(x)
    lengths = (window_shape,) if np.ndim(window_shape) == 0 else tuple(window_shape)
    axes = range(x.ndim) if axis is None else (axis,) if np.ndim(axis) == 0 else axis
    places = tuple([one_axis(a, x.ndim) for a in axes])
    if len(lengths) != len(places):
        raise ValueError(
            f"sliding_window_view: window_shape {window_shape!r} has {len(lengths)} lengths for "
            f"{len(places)} axes of an array of shape {x.shape}: give one for each axis"
        )
    return windows(x, window_shape=tuple([int(n) for n in lengths]), axis=places)


refuse(
    "it looks at memory, of which a tape knows nothing; index with an array of positions, or use "
    "sliding_window_view",
    as_strided,
)
