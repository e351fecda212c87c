"""Rules of padding, in all of NumPy's modes: axis by axis, the earlier ones first."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape.derivatives.axes import along, as_array, is_tensor, plainly
from gradtape.errors import no_rule_for_argument
from gradtape.rules import meaning, strip

__all__: list[str] = []

Widths = tuple[int, int]

#: Modes that fill with what is given, and the argument that gives it.
_FILLS = {"constant": "constant_values", "linear_ramp": "end_values"}
#: Modes that fill with a statistic of the entries near the edge.
_STATISTICS = {"maximum": np.max, "minimum": np.min, "mean": np.mean, "median": np.median}


@meaning(np.pad)
def pad(array: Any, pad_width: Any, mode: Any = "constant", **options: Any) -> Any:
    if callable(mode):
        reason = "a function that writes into the padded array; build it with np.concatenate"
        raise no_rule_for_argument(np.pad, "mode", reason)
    fill = _FILLS.get(mode)
    if fill in options:
        options[fill] = as_array(options[fill])
    bare_options = {name: strip(value) for name, value in options.items()}
    plainly(np.pad, np.zeros((1,) * array.ndim), 0, mode, **bare_options)  # NumPy's errors
    widths = _pad_widths(pad_width, array.ndim)
    if mode in ("constant", "empty"):  # what an empty padding holds is left open
        return _with_constants(array, widths, options.get("constant_values", 0))
    if mode == "linear_ramp" and array.size:
        return _with_ramps(array, widths, options.get("end_values", 0))
    if mode in _STATISTICS and array.size:
        if array.dtype.kind not in "fc":  # rounded: no derivative
            return np.pad(strip(array), widths, mode, **bare_options)
        return _with_statistics(array, widths, _STATISTICS[mode], options.get("stat_length"))
    odd = options.get("reflect_type", "even") == "odd"
    for i, width in enumerate(widths):
        if odd and array.shape[i] > 1:
            array = _reflected(array, i - array.ndim, width, mode == "symmetric")
        else:  # every entry of the result is one of the array's
            array = np.take(array, np.pad(np.arange(array.shape[i]), width, mode), i)
    return array


def _with_constants(array: Any, widths: list[Widths], values: Any) -> Any:
    values = np.broadcast_to(as_array(values).astype(array.dtype), (array.ndim, 2))
    for i, width in enumerate(widths):
        before, behind = [
            np.broadcast_to(values[i, side], (*array.shape[:i], n, *array.shape[i + 1 :]))
            for side, n in enumerate(width)
        ]
        array = np.concatenate([before, array, behind], i)
    return array


def _with_ramps(array: Any, widths: list[Widths], values: Any) -> Any:
    """Straight lines from the end values to the edges."""
    ends = np.broadcast_to(as_array(values), (array.ndim, 2))
    for i, width in enumerate(widths):
        axis, parts = i - array.ndim, [array]
        for side, n in enumerate(width):
            edge = array[along(-side, axis)]  # the first entry, or the last one
            end = ends[i, side]
            end = end if is_tensor(end) else end.item()
            if n and array.dtype.kind not in "fc":
                ramp = np.linspace(strip(end), strip(edge), n, False, dtype=array.dtype, axis=axis)
            else:
                ramp = np.linspace(end, edge, n, False, axis=axis).astype(array.dtype)
            parts = [*parts, ramp[along(slice(None, None, -1), axis)]] if side else [ramp, *parts]
        array = np.concatenate(parts, axis)
    return array


def _with_statistics(array: Any, widths: list[Widths], statistic: Any, stat_length: Any) -> Any:
    counts = np.broadcast_to(np.asarray(stat_length), (array.ndim, 2)).tolist()
    for i, width in enumerate(widths):
        axis, n = i - array.ndim, array.shape[i]
        near, far = [n if count is None else min(count, n) for count in counts[i]]
        first = statistic(array[along(slice(0, near), axis)], axis=axis, keepdims=True)
        last = first
        if not near == far == n:
            last = statistic(array[along(slice(n - far, n), axis)], axis=axis, keepdims=True)
        before, behind = [
            np.broadcast_to(value, (*array.shape[:i], m, *array.shape[i + 1 :]))
            for value, m in zip((first, last), width, strict=True)
        ]
        array = np.concatenate([before, array, behind], axis)
    return array


def _reflected(array: Any, axis: int, width: Widths, edge_too: bool) -> Any:
    """The array continued by its reflection in the point at each edge.

    What was added is reflected in turn where the array is shorter than the padding, in whole
    periods of the original array.
    """
    (left, right), dtype = width, array.dtype
    apart = 0 if edge_too else 1  # whether the edge itself is left out of the reflection
    period = array.shape[axis] - apart
    while left or right:
        n = array.shape[axis]
        whole = (n - apart) // period * period
        parts = [array]
        if left:
            m = min(whole, left)
            edge = array[along(slice(0, 1), axis)]
            image = array[along(slice(apart, apart + m), axis)]
            parts = [2 * edge - image[along(slice(None, None, -1), axis)], *parts]
            left -= m
        if right:
            m = min(whole, right)
            edge = array[along(slice(n - 1, n), axis)]
            image = array[along(slice(n - apart - m, n - apart), axis)]
            parts = [*parts, 2 * edge - image[along(slice(None, None, -1), axis)]]
            right -= m
        array = np.concatenate(parts, axis)
    return array if array.dtype == dtype else array.astype(dtype)


def _pad_widths(pad_width: Any, ndim: int) -> Any:
    """The widths before and behind, axis by axis."""
    if isinstance(pad_width, dict):
        widths = np.zeros((ndim, 2), int)
        for axis, width in pad_width.items():
            widths[axis] = width
        return widths.tolist()
    widths = np.asarray(pad_width)
    if widths.dtype.kind not in "iu":
        raise TypeError(f"pad: `pad_width` must be of integral type, got {pad_width!r}")
    if (widths < 0).any():
        raise ValueError(f"pad: `pad_width` can't contain negative values, got {pad_width!r}")
    return np.broadcast_to(widths, (ndim, 2)).tolist()
