"""Interpolation by cubic pieces: given slopes, or slopes by one of four rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradtape.rules import strip
from gradtape.scipy._banded import banded
from gradtape.scipy._namesakes import array, floating
from gradtape.scipy._polynomials import PPoly, breakpoints, differences, real
from gradtape.scipy._wrapped import explained

__all__ = ["Akima1DInterpolator", "CubicHermiteSpline", "CubicSpline", "PchipInterpolator"]


def _data(x: Any, y: Any, axis: int) -> tuple[Any, Any, Any]:
    """The places, the values with their axis first, and the distances, shaped beside them."""
    x = breakpoints(x)
    values = np.moveaxis(floating(y), axis, 0)
    if values.shape[0] != x.shape[0]:
        raise ValueError(
            f"y must have as many entries along axis {axis} as x, got the shapes "
            f"{array(y).shape} and {x.shape}"
        )
    return x, values, np.reshape(differences(x), (-1, *[1] * (values.ndim - 1)))


class CubicHermiteSpline(PPoly):
    """Cubic pieces of given values and slopes: ``scipy.interpolate.CubicHermiteSpline``.

    Values, slopes, places and the points of evaluation may be tensors.

    Parameters
    ----------
    x : places that increase, a tensor or an array.
    y, dydx : the values and slopes there, tensors or arrays.
    axis : the axis of ``y`` along which the places lie.
    extrapolate : as in ``PPoly``.

    Raises
    ------
    ValueError : the places do not increase, or the values do not fit them.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy.interpolate import CubicHermiteSpline
    >>> slopes = gt.Variable([0.0, 0.0])
    >>> with gt.GradientTape() as tape:
    ...     y = CubicHermiteSpline([0.0, 1.0], [0.0, 1.0], slopes)(0.5)
    >>> y, tape.gradient(y, slopes)
    (Tensor(0.5), Tensor([ 0.125, -0.125]))
    """

    @explained
    def __init__(self, x: Any, y: Any, dydx: Any, axis: int = 0, extrapolate: Any = None) -> None:
        x, y, h = _data(x, y, axis)
        slopes = np.moveaxis(floating(dydx), axis, 0)
        if slopes.shape != y.shape:
            raise ValueError(
                f"dydx must have the shape of y, got {np.shape(array(dydx))}, and {y.shape} with "
                f"axis {axis} in front"
            )
        self._join(x, y, h, slopes, axis, extrapolate)

    def _by_secants(
        self, slopes: Callable[..., Any], x: Any, y: Any, axis: int, extrapolate: Any
    ) -> None:
        """Become the polynomial whose slopes are a function of distances and secants' slopes."""
        x, values, h = _data(x, real(y, "y"), axis)
        secant = differences(values) / h
        only = values.shape[0] == 2
        known = np.concatenate([secant, secant], 0) if only else slopes(h, secant)
        self._join(x, values, h, known, axis, extrapolate)

    def _join(self, x: Any, y: Any, h: Any, slopes: Any, axis: int, extrapolate: Any) -> None:
        """Become the polynomial with these values and slopes, whose axis is the first."""
        secant = differences(y) / h
        bend = (slopes[:-1] + slopes[1:] - 2 * secant) / h
        first = slopes[:-1]
        c = np.stack(
            [bend / h, (secant - first) / h - bend, first + 0 * secant, y[:-1] + 0 * first]
        )
        self._become(c, x, extrapolate, axis % y.ndim)


class PchipInterpolator(CubicHermiteSpline):
    """Monotone cubic interpolation: ``scipy.interpolate.PchipInterpolator`` with derivatives.

    The slope at a place is a harmonic mean of the two secants', or zero where these differ in sign
    (Fritsch and Butland, SIAM J. Sci. Stat. Comput. 5 (1984)).

    Parameters
    ----------
    x, y, axis, extrapolate : as in ``CubicHermiteSpline``.

    Raises
    ------
    ValueError : the places do not increase, or the values do not fit them or are complex.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy.interpolate import PchipInterpolator
    >>> y = gt.Variable([0.0, 1.0, 3.0])
    >>> with gt.GradientTape() as tape:
    ...     value = PchipInterpolator([0.0, 1.0, 2.0], y)(1.5)
    >>> tape.gradient(value, y).shape
    (3,)
    """

    @explained
    def __init__(self, x: Any, y: Any, axis: int = 0, extrapolate: Any = None) -> None:
        self._by_secants(_monotone, x, y, axis, extrapolate)


def _monotone(h: Any, secant: Any) -> Any:
    """Fritsch and Butland's slopes: harmonic means of the secants'."""
    before, behind = secant[:-1], secant[1:]
    level = np.sign(before) * np.sign(behind) <= 0
    w1, w2 = 2 * h[1:] + h[:-1], h[1:] + 2 * h[:-1]
    mean = w1 / np.where(level, 1, before) + w2 / np.where(level, 1, behind)
    inner = np.where(level, 0, (w1 + w2) / np.where(level, 1, mean))
    first = _one_sided(h[0], h[1], secant[0], secant[1])
    last = _one_sided(h[-1], h[-2], secant[-1], secant[-2])
    return np.concatenate([first[None], inner, last[None]], 0)


def _one_sided(h0: Any, h1: Any, m0: Any, m1: Any) -> Any:
    """The slope at an end by three points, kept from overshooting (Moler, Numerical Computing)."""
    slope = ((2 * h0 + h1) * m0 - h0 * m1) / (h0 + h1)
    steep = (np.sign(m0) != np.sign(m1)) & (np.abs(slope) > 3 * np.abs(m0))
    return np.where(np.sign(slope) != np.sign(m0), 0, np.where(steep, 3 * m0, slope))


class Akima1DInterpolator(CubicHermiteSpline):
    """Akima's interpolation: ``scipy.interpolate.Akima1DInterpolator`` with derivatives.

    Parameters
    ----------
    x, y, axis, extrapolate : as in ``CubicHermiteSpline``, but outside it is NaN by default.
    method : ``"akima"`` (J. ACM 17 (1970)) or ``"makima"``, its modification.

    Raises
    ------
    ValueError : the places do not increase, the values do not fit them or are complex, or the
        method is unknown.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy.interpolate import Akima1DInterpolator
    >>> y = gt.Variable([0.0, 1.0, 3.0, 2.0])
    >>> with gt.GradientTape() as tape:
    ...     value = Akima1DInterpolator([0.0, 1.0, 2.0, 3.0], y)(1.5)
    >>> tape.gradient(value, y).shape
    (4,)
    """

    @explained
    def __init__(
        self,
        x: Any,
        y: Any,
        axis: int = 0,
        *,
        method: str = "akima",
        extrapolate: bool | None = None,
    ) -> None:
        if method not in ("akima", "makima"):
            raise ValueError(f"method must be 'akima' or 'makima', got {method!r}")
        self._by_secants(lambda h, m: _akima(m, method), x, y, axis, bool(extrapolate))


def _akima(secant: Any, method: str) -> Any:
    """Akima's slopes: means of the secants' slopes beside, by how the others further out bend."""
    left = 2 * secant[0] - secant[1]
    right = 2 * secant[-1] - secant[-2]
    outer_left, outer_right = 2 * left - secant[0], 2 * right - secant[-1]
    m = np.concatenate([outer_left[None], left[None], secant, right[None], outer_right[None]], 0)
    bends = np.abs(differences(m))
    if method == "makima":
        bends = bends + np.abs(m[1:] + m[:-1]) / 2
    before, behind = bends[:-2], bends[2:]
    both = before + behind
    bent = both > 1e-9 * np.max(both)
    weighted = m[1:-2] + before / np.where(bent, both, 1) * (m[2:-1] - m[1:-2])
    return np.where(bent, weighted, (m[3:] + m[:-3]) / 2)


class CubicSpline(CubicHermiteSpline):
    """The cubic spline: ``scipy.interpolate.CubicSpline`` with derivatives.

    Parameters
    ----------
    x, y, axis : as in ``CubicHermiteSpline``.
    bc_type : what holds at the ends: ``"not-a-knot"``, ``"natural"``, ``"clamped"``, or a pair of
        these or of ``(order, value)`` with the first or second derivative, which may be a tensor;
        or ``"periodic"``.
    extrapolate : as in ``PPoly``; by default ``"periodic"`` where that holds at the ends.

    Raises
    ------
    ValueError : the places do not increase, the values do not fit them, or ``bc_type`` is unknown.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy.interpolate import CubicSpline
    >>> y = gt.Variable([0.0, 1.0, 4.0, 9.0])
    >>> with gt.GradientTape() as tape:
    ...     value = CubicSpline([0.0, 1.0, 2.0, 3.0], y)(1.5)
    >>> tape.gradient(value, y).numpy().round(12)
    array([-0.0625,  0.5625,  0.5625, -0.0625])
    """

    @explained
    def __init__(
        self,
        x: Any,
        y: Any,
        axis: int = 0,
        bc_type: Any = "not-a-knot",
        extrapolate: Any = None,
    ) -> None:
        x, values, h = _data(x, y, axis)
        periodic = isinstance(bc_type, str) and bc_type == "periodic"
        if extrapolate is None and periodic:
            extrapolate = "periodic"
        secant = differences(values) / h
        if periodic:
            if not np.allclose(strip(values[0]), strip(values[-1]), rtol=1e-15, atol=1e-15):
                raise ValueError(
                    "for bc_type='periodic' the first and the last value of y must be the same"
                )
            slopes = _periodic(h, secant)
        elif values.shape[0] == 2 or _is_parabola(values, bc_type):
            slopes = _few(h, secant, values, bc_type)
        else:
            slopes = _solved(*_equations(h, secant, values, bc_type))
        self._join(x, values, h, slopes, axis, extrapolate)


def _ends(bc_type: Any, like: Any) -> list[Any]:
    """The condition at either end: None for not-a-knot, or the derivative's order and value."""
    pair = bc_type if isinstance(bc_type, (tuple, list)) else (bc_type, bc_type)
    named: dict[str, Any] = {"not-a-knot": None, "clamped": (1, 0.0), "natural": (2, 0.0)}
    ends: list[Any] = []
    for end in pair:
        if isinstance(end, str) and end in named:
            ends.append(named[end])
        elif isinstance(end, (tuple, list)) and len(end) == 2 and end[0] in (1, 2):
            ends.append((end[0], array(end[1])))
        else:
            raise ValueError(
                "bc_type must be 'not-a-knot', 'natural', 'clamped', 'periodic', or a pair of "
                f"these or of (1 or 2, value), got {bc_type!r}"
            )
    if len(ends) != 2:
        raise ValueError(f"bc_type must say something of two ends, got {bc_type!r}")
    shape = like.shape[1:]
    for end in ends:
        if end and np.shape(end[1]) not in ((), shape):
            raise ValueError(
                f"bc_type must give values of the shape {shape}, as y has them at each place, got "
                f"{np.shape(end[1])}"
            )
    return [end and (end[0], np.broadcast_to(end[1], shape)) for end in ends]


def _is_parabola(y: Any, bc_type: Any) -> bool:
    """Whether there are three values, and nothing is said of the ends."""
    return y.shape[0] == 3 and _ends(bc_type, y) == [None, None]


def _few(h: Any, secant: Any, y: Any, bc_type: Any) -> Any:
    """Slopes of two values, or of the parabola through three."""
    if y.shape[0] == 3:
        middle = (h[0] * secant[1] + h[1] * secant[0]) / (h[0] + h[1])
        return np.stack([2 * secant[0] - middle, middle, 2 * secant[1] - middle])
    conditions = [end or (1, secant[0]) for end in _ends(bc_type, y)]
    ends = [("known", value) if order == 1 else ("bend", value) for order, value in conditions]
    h0, m = h[0], secant[0]
    kinds = [kind for kind, _ in ends]
    first, last = [value for _, value in ends]
    if kinds == ["known", "known"]:
        return np.stack([first + 0 * m, last + 0 * m])
    if kinds == ["known", "bend"]:
        return np.stack([first + 0 * m, (6 * m - 2 * first + last * h0) / 4])
    if kinds == ["bend", "known"]:
        return np.stack([(6 * m - 2 * last - first * h0) / 4, last + 0 * m])
    return np.stack([m - h0 * (2 * first + last) / 6, m + h0 * (first + 2 * last) / 6])


def _equations(h: Any, secant: Any, y: Any, bc_type: Any) -> tuple[Any, Any, Any, Any]:
    """The tridiagonal equations for the slopes: below, on and above the diagonal, right side.

    Inside they say that the second derivative is continuous.
    """
    start, end = _ends(bc_type, y)
    d = np.reshape(h, (-1,))
    one = np.ones(1, d.dtype)
    inside = 3 * (h[1:] * secant[:-1] + h[:-1] * secant[1:])
    heads = _end_row(start, d[0], d[1], h[0], h[1], secant[0], secant[1], 1)
    tails = _end_row(end, d[-1], d[-2], h[-1], h[-2], secant[-1], secant[-2], -1)
    on = np.concatenate([heads[0] * one, 2 * (d[:-1] + d[1:]), tails[0] * one])
    above = np.concatenate([heads[1] * one, d[:-1]])
    below = np.concatenate([d[1:], tails[1] * one])
    right = np.concatenate([heads[2][None], inside, tails[2][None]], 0)
    return below, on, above, right


def _end_row(
    condition: Any, d0: Any, d1: Any, h0: Any, h1: Any, m0: Any, m1: Any, side: int
) -> tuple[Any, Any, Any]:
    """The equation at an end: the factors of its slope and of the next one, and the right side."""
    if condition is None:  # the third derivative is continuous at the next place
        both = h0 + h1
        return d1, d0 + d1, ((h0 + 2 * both) * h1 * m0 + h0 * h0 * m1) / both
    order, value = condition
    if order == 1:
        return 1.0, 0.0, value + 0 * m0
    return 2 * d0, d0, 3 * h0 * m0 - side * value * h0 * h0 / 2


def _solved(below: Any, on: Any, above: Any, right: Any) -> Any:
    """The solution of tridiagonal equations, along the first axis of the right side."""
    zero = np.zeros(1, on.dtype)
    bands = np.stack([np.concatenate([zero, above]), on, np.concatenate([below, zero])])
    found = banded(bands, np.moveaxis(right, 0, -1), below=1, above=1)
    return np.moveaxis(found, -1, 0)


def _periodic(h: Any, secant: Any) -> Any:
    """The slopes of a spline whose derivatives at both ends are the same."""
    n = secant.shape[0]
    if n < 3:
        level = np.sum(secant / h, 0) / np.sum(1 / h, 0)
        return np.stack([level] * (n + 1))
    d = np.reshape(h, (-1,))
    before = np.concatenate([d[-1:], d[:-1]])  # the interval to the left of each place
    on = 2 * (before + d)
    h_before = np.concatenate([h[-1:], h[:-1]], 0)
    right = 3 * (h * np.concatenate([secant[-1:], secant[:-1]], 0) + h_before * secant)
    # Without the two corners it is tridiagonal: Sherman and Morrison's formula puts them back.
    corner_above, corner_below = d[0], before[-1]
    gamma = -on[0]
    changed = np.concatenate(
        [on[:1] - gamma, on[1:-1], on[-1:] - corner_above * corner_below / gamma]
    )
    zeros = np.zeros(n - 2, d.dtype)
    ends = np.concatenate([gamma * np.ones(1, d.dtype), zeros, corner_below * np.ones(1, d.dtype)])
    z = _solved(d[1:], changed, before[:-1], right)
    q = _solved(d[1:], changed, before[:-1], ends)
    weight = corner_above / gamma
    share = (z[0] + weight * z[-1]) / (1 + q[0] + weight * q[-1])
    slopes = z - np.reshape(q, h.shape) * share
    return np.concatenate([slopes, slopes[:1]], 0)
