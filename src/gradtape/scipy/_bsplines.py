"""B-splines with tensors for knots, coefficients and points."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from gradtape.derivatives.primitives import scatter_add
from gradtape.rules import strip
from gradtape.scipy._banded import banded
from gradtape.scipy._namesakes import array, floating
from gradtape.scipy._polynomials import breakpoints, differences, placed, real
from gradtape.scipy._wrapped import explained

__all__ = ["BSpline", "make_interp_spline"]


def _basis(t: Any, k: int, piece: Any, points: Any) -> list[Any]:
    """The k + 1 B-splines that are not zero at the points (de Boor, A Practical Guide to Splines).

    Between the knots ``t[piece]`` and ``t[piece + 1]``: numbers ``piece - k`` to ``piece``.
    """
    values: list[Any] = [np.ones(points.shape, points.real.dtype)]
    for degree in range(1, k + 1):
        higher: list[Any] = [0] * (degree + 1)
        for i in range(degree):
            right, left = t[piece + i + 1], t[piece + i + 1 - degree]
            share = values[i] / (right - left)
            higher[i] = higher[i] + (right - points) * share
            higher[i + 1] = (points - left) * share
        values = higher
    return values


def _ordered(t: Any) -> Any:
    """Knots: they do not decrease."""
    t = real(t, "t")
    if t.ndim != 1 or (np.diff(strip(t)) < 0).any():
        raise ValueError(f"t must have one axis and not decrease, got the shape {t.shape}")
    return t


def _pieces(t: Any, k: int, points: Any) -> Any:
    """The number of the last knot not behind each point, among those where the spline lives."""
    knots = np.asarray(strip(t))
    found = np.searchsorted(knots, np.asarray(strip(points)), side="right") - 1
    last = np.searchsorted(knots, knots[-k - 1], side="left") - 1 if k else knots.size - 2
    return np.clip(found, k, max(last, k))


class BSpline:
    """A spline as a sum of B-splines: ``scipy.interpolate.BSpline`` with derivatives.

    Parameters
    ----------
    t : the knots, a tensor or an array; they do not decrease.
    c : the coefficients, at least ``len(t) - k - 1`` of them along the axis, a tensor or an array.
    k : the degree.
    extrapolate : whether the outer polynomials go on (True); if not, what is outside is NaN; or
        ``"periodic"``.
    axis : the axis of ``c`` along which the coefficients lie.

    Raises
    ------
    ValueError : the knots decrease, or knots, coefficients and degree do not fit.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy.interpolate import BSpline
    >>> c = gt.Variable([0.0, 1.0, 4.0])
    >>> with gt.GradientTape() as tape:
    ...     y = BSpline([0.0, 0.0, 1.0, 2.0, 2.0], c, 1)(0.25)
    >>> y, tape.gradient(y, c)
    (Tensor(0.25), Tensor([0.75, 0.25, 0.  ]))
    """

    @explained
    def __init__(self, t: Any, c: Any, k: int, extrapolate: Any = True, axis: int = 0) -> None:
        self.t, c, self.k = _ordered(t), floating(c), operator.index(k)
        self.axis = axis % max(c.ndim, 1)
        self.c = np.moveaxis(c, self.axis, 0)
        self.extrapolate = extrapolate
        count = self.t.shape[0] - self.k - 1
        if self.k < 0 or count < self.k + 1 or self.c.shape[0] < count:
            raise ValueError(
                f"degree {k} with {self.t.shape[0]} knots needs at least {max(count, k + 1)} "
                f"coefficients, got the shape {c.shape}"
            )

    @explained
    def __call__(self, x: Any, nu: int = 0, extrapolate: Any = None) -> Any:
        """The values, or those of the derivative of order ``nu``, at a tensor or array of points.

        ``extrapolate`` overrides what the spline was made with.
        """
        extrapolate = self.extrapolate if extrapolate is None else extrapolate
        if nu < 0:
            raise ValueError(f"nu must not be negative, got {nu}")
        if nu:
            return self.derivative(nu)(x, 0, extrapolate)
        points = real(x)
        t, k = self.t, self.k
        count = t.shape[0] - k - 1
        where = points
        if isinstance(extrapolate, str) and extrapolate == "periodic":
            where = t[k] + np.mod(points - t[k], t[count] - t[k])
        piece = _pieces(t, k, where)
        shape = (*points.shape, *[1] * (self.c.ndim - 1))
        terms = [
            np.reshape(b, shape) * self.c[piece - k + i]
            for i, b in enumerate(_basis(t, k, piece, where))
        ]
        found = sum(terms[1:], terms[0])
        if not extrapolate:
            bare, ends = np.asarray(strip(points)), np.asarray(strip(t))[[k, count]]
            outside = np.reshape((bare < ends[0]) | (bare > ends[1]), shape)
            found = np.where(outside, np.nan, found)
        return placed(found, points, self.axis)

    def derivative(self, nu: int = 1) -> BSpline:
        """The derivative of order ``nu``, a spline of a lower degree."""
        t, c, k = self.t, self.c, self.k
        for _ in range(nu):
            if k == 0:
                c = 0 * c
                continue
            count = t.shape[0] - k - 1
            width = t[k + 1 : count + k] - t[1:count]
            flat = np.asarray(strip(width)) == 0
            factor = np.where(flat, 0, k / np.where(flat, 1, width))
            c = differences(c[:count]) * np.reshape(factor, (-1, *[1] * (c.ndim - 1)))
            t, k = t[1:-1], k - 1
        c = np.moveaxis(c, 0, self.axis) if self.axis else c
        return BSpline(t, c, k, self.extrapolate, self.axis)


def _knots(x: Any, k: int) -> Any:
    """The knots for which the interpolating spline of degree k is the smoothest: not-a-knot."""
    if k == 0:
        return np.concatenate([x, x[-1:]])
    n = x.shape[0]
    inner = x[(k + 1) // 2 : n - (k + 1) // 2]
    if k % 2 == 0:
        middles = (x[1:] + x[:-1]) / 2
        inner = middles[k // 2 : n - 1 - k // 2]
    ends = [np.broadcast_to(x[i], (k + 1,)) for i in (0, -1)]
    return np.concatenate([ends[0], inner, ends[1]])


@explained
def make_interp_spline(
    x: Any,
    y: Any,
    k: int = 3,
    t: Any = None,
    bc_type: Any = None,
    axis: int = 0,
    check_finite: bool = True,
) -> BSpline:
    """Interpolate by a spline: ``scipy.interpolate.make_interp_spline`` with derivatives.

    Parameters
    ----------
    x : places that increase, a tensor or an array.
    y : the values there, a tensor or an array.
    k : the degree.
    t : the knots, as many as places and ``k + 1`` more; None: not-a-knot.
    bc_type : None, or ``"not-a-knot"``. For other conditions at the ends take ``CubicSpline``.
    axis : the axis of ``y`` along which the places lie.
    check_finite : no effect.

    Returns
    -------
    A ``BSpline``, to be called with points.

    Raises
    ------
    ValueError : the places do not increase, or values or knots do not fit them, or ``bc_type`` is
        another one.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy.interpolate import make_interp_spline
    >>> y = gt.Variable([0.0, 1.0, 4.0, 9.0])
    >>> with gt.GradientTape() as tape:
    ...     value = make_interp_spline([0.0, 1.0, 2.0, 3.0], y)(1.5)
    >>> tape.gradient(value, y).numpy().round(12)
    array([-0.0625,  0.5625,  0.5625, -0.0625])
    """
    if bc_type not in (None, "not-a-knot"):
        raise ValueError(
            f"bc_type must be None or 'not-a-knot', got {bc_type!r}: for other conditions at the "
            "ends take gradtape.scipy.interpolate.CubicSpline"
        )
    k = operator.index(k)
    if k < 0:
        raise ValueError(f"k must not be negative, got {k}")
    x = breakpoints(x, least=k + 1)
    values = np.moveaxis(floating(y), axis, 0)
    n = x.shape[0]
    t = _knots(x, k) if t is None else _ordered(t)
    if values.shape[0] != n or t.shape != (n + k + 1,):
        raise ValueError(
            f"for {n} places of degree {k} y must have {n} entries along the axis and t {n + k + 1}"
            f", got the shapes {array(y).shape} and {t.shape}"
        )
    c = banded(_collocation(t, k, x), np.moveaxis(values, 0, -1), below=k, above=k)
    return BSpline(t, np.moveaxis(c, -1, axis), k, axis=axis)


def _collocation(t: Any, k: int, x: Any) -> Any:
    """The bands of the matrix that makes values at places of coefficients, as many of each."""
    n, piece = x.shape[0], _pieces(t, k, x)
    bands: Any = 0
    for i, b in enumerate(_basis(t, k, piece, x)):
        columns = piece - k + i
        rows = k + np.arange(n) - columns
        if rows.min() < 0 or rows.max() > 2 * k:
            raise ValueError("x and t do not fit: there are places outside of all their B-splines")
        bands = bands + scatter_add(b, shape=(2 * k + 1, n), positions=rows * n + columns)
    return bands
