"""Piecewise polynomials of a tensor, with tensors for breakpoints and coefficients."""

from __future__ import annotations

from math import perm
from typing import Any

import numpy as np

from gradtape.derivatives.axes import bare_array, together
from gradtape.rules import strip
from gradtape.scipy._namesakes import floating
from gradtape.scipy._wrapped import explained

__all__ = ["PPoly", "breakpoints", "differences", "interval", "placed", "real"]


def real(points: Any, name: str = "x") -> Any:
    """Places or points: real numbers."""
    found = floating(points)
    if found.dtype.kind == "c":
        raise ValueError(f"{name} must be real, got dtype {found.dtype}")
    return found


def breakpoints(x: Any, least: int = 2, name: str = "x") -> Any:
    """Places that increase, at least so many."""
    x = real(x, name)
    if x.ndim != 1 or x.shape[0] < least:
        raise ValueError(
            f"{name} must have one axis and at least {least} entries, got shape {x.shape}"
        )
    if not (np.diff(bare_array(x)) > 0).all():
        raise ValueError(f"{name} must be strictly increasing")
    return x


def differences(x: Any) -> Any:
    """What is between neighbours along the first axis."""
    return x[1:] - x[:-1]


def interval(x: Any, points: Any) -> Any:
    """Which of the intervals between increasing numbers holds each point; the outer ones go on."""
    bare, places = together(bare_array(x), bare_array(points))
    return np.clip(np.searchsorted(bare, places, side="right") - 1, 0, bare.size - 2)


def placed(found: Any, points: Any, axis: int) -> Any:
    """The axes of the points, which are in front, moved to where the interpolated axis was."""
    if axis == 0 or points.ndim == 0:
        return found
    front = range(points.ndim)
    return np.moveaxis(found, front, [i + axis for i in front])


class PPoly:
    """A piecewise polynomial: ``scipy.interpolate.PPoly`` with derivatives.

    Between ``x[i]`` and ``x[i + 1]`` it is ``sum(c[m, i] * (p - x[i])**(k - m) for m in 0..k)``.

    Parameters
    ----------
    c : the coefficients, a tensor or array of shape (k + 1, m, ...), highest power first.
    x : the m + 1 breakpoints, a tensor or an array; they increase.
    extrapolate : whether the outer polynomials go on; if not, what is outside is NaN; or
        ``"periodic"``. By default they go on.
    axis : the axis of ``c`` along which the powers lie; along the next one lie the pieces. The
        points' axes take their place in the answers.

    Raises
    ------
    ValueError : the breakpoints do not increase, or do not fit the coefficients.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy.interpolate import PPoly
    >>> p = gt.Variable([0.5, 1.5])
    >>> with gt.GradientTape() as tape:
    ...     y = PPoly([[1.0, 2.0], [0.0, 1.0]], [0.0, 1.0, 2.0])(p)
    >>> y, tape.gradient(y, p)
    (Tensor([0.5, 2. ]), Tensor([1., 2.]))
    """

    @explained
    def __init__(self, c: Any, x: Any, extrapolate: Any = None, axis: int = 0) -> None:
        c = floating(c)
        if not 0 <= axis < c.ndim - 1:
            raise ValueError(
                f"c must have the axes {axis} and {axis + 1}, of powers and of pieces, got the "
                f"shape {c.shape}"
            )
        self._become(np.moveaxis(c, (axis, axis + 1), (0, 1)), breakpoints(x), extrapolate, axis)

    def _become(self, c: Any, x: Any, extrapolate: Any, axis: int) -> None:
        """Take on coefficients whose first axes are those of the powers and of the pieces."""
        if c.shape[1] != x.shape[0] - 1:
            raise ValueError(
                f"c must have a piece for each interval of x, got {c.shape[1]} pieces for "
                f"{x.shape[0]} breakpoints"
            )
        self.c, self.x, self.axis = c, x, axis
        self.extrapolate = True if extrapolate is None else extrapolate

    @explained
    def __call__(self, x: Any, nu: int = 0, extrapolate: Any = None) -> Any:
        """The values, or those of the derivative of order ``nu``, at a tensor or array of points.

        ``extrapolate`` overrides what the polynomial was made with.
        """
        points = real(x)
        extrapolate = self.extrapolate if extrapolate is None else extrapolate
        if nu < 0:
            raise ValueError(f"nu must not be negative, got {nu}")
        where = points
        if isinstance(extrapolate, str) and extrapolate == "periodic":
            first, last = self.x[0], self.x[-1]
            where = first + np.mod(points - first, last - first)
        piece = interval(self.x, where)
        trailing = self.c.ndim - 2
        s = np.reshape(where - self.x[piece], (*points.shape, *[1] * trailing))
        degree = self.c.shape[0] - 1
        found: Any = 0
        for m in range(degree - nu + 1):
            found = found * s + self.c[m][piece] * perm(degree - m, nu)
        if degree < nu:
            found = 0 * self.c[0][piece] + 0 * s
        if not extrapolate:
            bare, ends = np.asarray(strip(points)), np.asarray(strip(self.x))[[0, -1]]
            outside = (bare < ends[0]) | (bare > ends[1])
            found = np.where(np.reshape(outside, s.shape), np.nan, found)
        return placed(found, points, self.axis)

    def _of(self, c: Any) -> PPoly:
        """The polynomial of other coefficients on the same pieces."""
        found = PPoly.__new__(PPoly)
        found._become(c, self.x, self.extrapolate, self.axis)
        return found

    def derivative(self, nu: int = 1) -> PPoly:
        """The derivative of order ``nu``, a piecewise polynomial."""
        if nu < 0:
            return self.antiderivative(-nu)
        degree = self.c.shape[0] - 1
        if nu > degree:
            return self._of(0 * self.c[:1])
        factors = np.array([perm(degree - m, nu) for m in range(degree - nu + 1)], float)
        factors = factors.astype(self.c.real.dtype).reshape(-1, *[1] * (self.c.ndim - 1))
        return self._of(self.c[: degree - nu + 1] * factors)

    def antiderivative(self, nu: int = 1) -> PPoly:
        """The antiderivative of order ``nu`` that is zero at the first breakpoint."""
        found = self
        for _ in range(nu):
            found = found._integral()
        return found if nu > 0 else self.derivative(-nu)

    def _integral(self) -> PPoly:
        degree = self.c.shape[0] - 1
        shape = (-1, *[1] * (self.c.ndim - 1))
        factors = np.reshape(1 / np.arange(degree + 1, 0.0, -1), shape)
        c = self.c * factors.astype(self.c.real.dtype)
        widths = np.reshape(differences(self.x), (-1, *[1] * (c.ndim - 2)))
        total: Any = 0
        for m in range(degree + 1):
            total = (total + c[m]) * widths
        start = np.cumsum(np.concatenate([0 * total[:1], total[:-1]], 0), 0)
        return self._of(np.concatenate([c, start[None]], 0))

    def integrate(self, a: Any, b: Any, extrapolate: Any = None) -> Any:
        """The integral from ``a`` to ``b``, which may be tensors."""
        extrapolate = self.extrapolate if extrapolate is None else extrapolate
        if isinstance(extrapolate, str):
            raise ValueError("integrate: pass extrapolate=True or False; 'periodic' is not there")
        whole = self.antiderivative()
        return whole(b, 0, extrapolate) - whole(a, 0, extrapolate)
