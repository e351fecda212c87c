"""Rules of differences, numerical derivatives and integrals along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from gradtape.derivatives.axes import along, as_array, is_tensor, one_axis
from gradtape.rules import Primitive, meaning, strip

__all__ = ["unwrapped"]


@meaning(np.diff)
def diff(
    a: Any, n: int = 1, axis: int = -1, prepend: Any = np._NoValue, append: Any = np._NoValue
) -> Any:
    if n == 0:
        return a
    if n < 0:
        raise ValueError(f"diff: order must be non-negative but got {n}")
    a = as_array(a)
    if not a.ndim:
        raise ValueError("diff: needs at least one axis, got a value without axes")
    axis = one_axis(axis, a.ndim)
    parts = [_edge(prepend, a.shape, axis), a, _edge(append, a.shape, axis)]
    present = [p for p in parts if p is not None]
    a = np.concatenate(present, axis) if len(present) > 1 else a
    subtract = np.not_equal if a.dtype == np.bool_ else np.subtract
    for _ in range(n):
        a = subtract(a[along(slice(1, None), axis)], a[along(slice(None, -1), axis)])
    return a


def _edge(value: Any, shape: tuple[int, ...], axis: int) -> Any:
    """What is to stand in front or behind; a number fills a slice."""
    if value is np._NoValue:
        return None
    value = as_array(value)
    lengths = list(shape)
    lengths[axis] = 1
    return value if value.ndim else np.broadcast_to(value, lengths)


@meaning(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    ary = np.ravel(as_array(ary))
    parts = []
    for name, part in (("to_begin", to_begin), ("", ary), ("to_end", to_end)):
        if not name:
            parts.append(ary[1:] - ary[:-1])
        elif part is not None:
            part = as_array(part)
            if not np.can_cast(part.dtype, ary.dtype, "same_kind"):
                raise TypeError(
                    f"ediff1d: dtype {part.dtype} of {name} must be compatible with {ary.dtype}"
                )
            parts.append(np.ravel(part).astype(ary.dtype))
    return np.concatenate(parts)


@meaning(np.trapezoid, vars(np).get("trapz"))
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    y = as_array(y)
    axis = one_axis(axis, y.ndim)
    widths = dx
    if x is not None:
        x = as_array(x)
        widths = np.diff(x, axis=-1 if x.ndim == 1 else axis)
        if x.ndim == 1:
            widths = np.reshape(widths, (-1,) + (1,) * (-axis - 1))
    sums = y[along(slice(1, None), axis)] + y[along(slice(None, -1), axis)]
    return np.sum(widths * sums / 2.0, axis)


# Numerical derivatives ------------------------------------------------------------------------


@meaning(np.gradient)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    f = as_array(f)
    axes = tuple(range(f.ndim)) if axis is None else normalize_axis_tuple(axis, f.ndim)
    if edge_order not in (1, 2):
        raise ValueError(f"gradient: edge_order must be 1 or 2, got {edge_order}")
    if len(varargs) not in (0, 1, len(axes)) or (
        len(varargs) == 1 != len(axes) and np.ndim(varargs[0])
    ):
        raise TypeError(f"gradient: got {len(varargs)} spacings for {len(axes)} axes")
    given = list(varargs) * len(axes) if len(varargs) == 1 else list(varargs)
    spacings = given or [1.0] * len(axes)
    if f.dtype.kind in "iu":
        f = f.astype(np.float64)
    dtype = f.dtype if f.dtype.kind in "fc" else np.dtype(np.float64)
    results = []
    for i, spacing in zip(axes, spacings, strict=True):
        if f.shape[i] < edge_order + 1:
            raise ValueError(
                f"gradient: axis {i} of shape {f.shape} is too short, it needs at least "
                f"{edge_order + 1} entries"
            )
        steps = _steps(spacing, f.shape[i])
        result = _slopes(f, steps, i - f.ndim, edge_order)
        results.append(result if result.dtype == dtype else result.astype(dtype))
    return results[0] if len(axes) == 1 else tuple(results)


def _steps(spacing: Any, length: int) -> Any:
    """One step for all, or one for each pair of neighbours."""
    places = as_array(spacing)
    if not places.ndim:
        return spacing
    if places.ndim != 1 or places.shape[0] != length:
        raise ValueError(
            f"gradient: coordinates must have one axis of length {length}, got {places.shape}"
        )
    whole = places.dtype.kind in "biu"
    steps = np.diff(strip(places).astype(np.float64) if whole else places)
    # The formula for one step says nothing of the derivative by each coordinate.
    return steps[0] if not is_tensor(steps) and (steps == steps[0]).all() else steps


def _slopes(f: Any, steps: Any, axis: int, edge_order: int) -> Any:
    """Differences of second order inside, one-sided ones at both ends."""
    n = f.shape[axis]

    def at(i: int) -> Any:
        return f[along(slice(i, i + 1 or None), axis)]

    before, here, behind = [f[along(slice(i, n - 2 + i), axis)] for i in range(3)]
    one = np.ndim(steps) == 0
    if one:
        inside = (behind - before) / (2.0 * steps)
    else:
        h, k = [np.reshape(s, (-1,) + (1,) * (-axis - 1)) for s in (steps[:-1], steps[1:])]
        a, b, c = -k / (h * (h + k)), (k - h) / (h * k), h / (k * (h + k))
        inside = a * before + b * here + c * behind
    if edge_order == 1:
        first = (at(1) - at(0)) / (steps if one else steps[0])
        last = (at(-1) - at(-2)) / (steps if one else steps[-1])
    else:
        ends = _uniform_ends(steps) if one else _ends(steps[0], steps[1], steps[-2], steps[-1])
        (a, b, c), (d, e, g) = ends
        first = a * at(0) + b * at(1) + c * at(2)
        last = d * at(-3) + e * at(-2) + g * at(-1)
    return np.concatenate([first, inside, last], axis)


def _uniform_ends(h: Any) -> Any:
    """The weights of the first three and of the last three entries, for one step."""
    return (-1.5 / h, 2.0 / h, -0.5 / h), (0.5 / h, -2.0 / h, 1.5 / h)


def _ends(h: Any, k: Any, p: Any, q: Any) -> Any:
    """The same for the first two steps and the last two."""
    first = -(2.0 * h + k) / (h * (h + k)), (h + k) / (h * k), -h / (k * (h + k))
    last = q / (p * (p + q)), -(q + p) / (p * q), (2.0 * q + p) / (q * (p + q))
    return first, last


# Phases ---------------------------------------------------------------------------------------


def _unwrapped(p: Any, /, discont: Any, axis: int, period: float) -> Any:
    return np.unwrap(p, discont, axis, period=period)


#: Whole periods are added, which do not depend on the angles.
unwrapped = Primitive(_unwrapped, lambda g: g, lambda t: t, kind="movement")


@meaning(np.unwrap)
def unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: Any = 2 * np.pi) -> Any:
    options: dict[str, Any] = {"discont": strip(discont), "axis": axis, "period": strip(period)}
    if is_tensor(period) and period.dtype.kind == "f":
        whole = unwrap(p.astype(np.result_type(p.dtype, period.dtype)), **options)
        periods = np.rint((strip(whole) - strip(p)) / options["period"])
        return whole + periods * (period - options["period"])  # adds 0, but with a derivative
    if p.dtype.kind != "f":
        return p.result_class(np.unwrap(strip(p), **options))
    return unwrapped(p, **{**options, "axis": one_axis(axis, p.ndim)})
