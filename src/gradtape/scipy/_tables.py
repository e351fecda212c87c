"""Looking up tables of values: interpolation along one axis, and on a grid."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from gradtape.rules import strip
from gradtape.scipy._bsplines import make_interp_spline
from gradtape.scipy._namesakes import array, floating
from gradtape.scipy._polynomials import breakpoints, interval, placed, real
from gradtape.scipy._wrapped import explained

__all__ = ["RegularGridInterpolator", "interp1d", "interpn"]

_DEGREES = {"zero": 0, "slinear": 1, "quadratic": 2, "cubic": 3}
_STEPS = ("nearest", "nearest-up", "previous", "next")


class interp1d:  # noqa: N801  (SciPy's name)
    """Interpolation along one axis: ``scipy.interpolate.interp1d`` with derivatives.

    Parameters
    ----------
    x, y : places and values there, tensors or arrays.
    kind : ``"linear"``; ``"nearest"``, ``"nearest-up"``, ``"previous"``, ``"next"`` (steps, without
        a derivative by places and points); ``"slinear"``, ``"quadratic"``, ``"cubic"`` or a
        degree, for splines.
    axis : the axis of ``y`` along which the places lie.
    copy : no effect.
    bounds_error : whether points outside raise; by default they do, unless it extrapolates.
    fill_value : what stands outside: a number, a pair for below and above, or ``"extrapolate"``.
    assume_sorted : whether the places increase; otherwise they are sorted.

    Raises
    ------
    ValueError : the kind is unknown, values and places do not fit, or a point lies outside.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy.interpolate import interp1d
    >>> y = gt.Variable([0.0, 2.0, 6.0])
    >>> with gt.GradientTape() as tape:
    ...     value = interp1d([0.0, 1.0, 2.0], y)(1.25)
    >>> value, tape.gradient(value, y)
    (Tensor(3.), Tensor([0.  , 0.75, 0.25]))
    """

    @explained
    def __init__(
        self,
        x: Any,
        y: Any,
        kind: Any = "linear",
        axis: int = -1,
        copy: bool = True,
        bounds_error: bool | None = None,
        fill_value: Any = np.nan,
        assume_sorted: bool = False,
    ) -> None:
        x, y = real(x), floating(y)
        self.axis = axis % max(y.ndim, 1)
        values = np.moveaxis(y, self.axis, 0)
        if x.ndim != 1 or values.shape[0] != x.shape[0]:
            raise ValueError(
                f"x must have one axis, and y as many entries along axis {axis}, got the shapes "
                f"{x.shape} and {y.shape}"
            )
        if not assume_sorted:
            order = np.argsort(strip(x), kind="mergesort")
            x, values = x[order], values[order]
        self.x = breakpoints(x, least=1)
        degree = _DEGREES.get(kind, kind)
        if not isinstance(degree, int) and kind not in ("linear", *_STEPS):
            known = ", ".join(["linear", *_STEPS, *_DEGREES])
            raise ValueError(f"kind must be a degree or one of {known}, got {kind!r}")
        self.y, self.kind = values, kind
        self.spline = make_interp_spline(x, values, degree) if isinstance(degree, int) else None
        self.goes_on = isinstance(fill_value, str) and fill_value == "extrapolate"
        self.bounds_error = not self.goes_on if bounds_error is None else bounds_error
        if self.bounds_error and self.goes_on:
            raise ValueError("pass one of bounds_error=True and fill_value='extrapolate'")
        self.fill = self._fills(fill_value)

    def _fills(self, fill_value: Any) -> tuple[Any, Any]:
        """What stands below the places and above them; None: what the pieces beside give."""
        if self.goes_on:  # but there is no value before the first, nor behind the last
            known = {"previous": (np.nan, None), "next": (None, np.nan)}
            return known.get(self.kind, (None, None))
        fills = fill_value if isinstance(fill_value, tuple) else (fill_value, fill_value)
        if isinstance(fill_value, str) or len(fills) != 2:
            raise ValueError(
                f"fill_value must be numbers, a pair for below and above, or 'extrapolate', got "
                f"{fill_value!r}"
            )
        below, above = [array(f) if isinstance(f, (list, tuple)) else f for f in fills]
        return below, above

    @explained
    def __call__(self, x: Any) -> Any:
        """The values at a tensor or array of points."""
        points = real(x)
        places, bare = np.asarray(strip(self.x)), np.asarray(strip(points))
        below, above = bare < places[0], bare > places[-1]
        if self.bounds_error and (below.any() or above.any()):
            raise ValueError(
                f"a value of x lies outside of the places, which go from {places[0]} to "
                f"{places[-1]}: pass bounds_error=False or fill_value='extrapolate'"
            )
        if self.spline is not None:
            found = self.spline(points)
        elif self.kind == "linear":
            found = self._line(points)
        else:
            found = self.y[self._step(places, bare)]
        shape = (*points.shape, *[1] * (self.y.ndim - 1))
        for outside, fill in ((below, self.fill[0]), (above, self.fill[1])):
            if fill is not None:
                found = np.where(np.reshape(outside, shape), fill, found)
        return placed(found, points, self.axis)

    def _line(self, points: Any) -> Any:
        left = interval(self.x, points)
        shape = (*points.shape, *[1] * (self.y.ndim - 1))
        run = np.reshape(self.x[left + 1] - self.x[left], shape)
        slope = (self.y[left + 1] - self.y[left]) / run
        return slope * np.reshape(points - self.x[left], shape) + self.y[left]

    def _step(self, places: Any, bare: Any) -> Any:
        """Which of the values stands at each point."""
        last = places.size - 1
        if self.kind == "previous":
            return np.clip(np.searchsorted(places, bare, side="right") - 1, 0, last)
        if self.kind == "next":
            return np.clip(np.searchsorted(places, bare), 0, last)
        middles = (places[1:] + places[:-1]) / 2
        side: Any = "left" if self.kind == "nearest" else "right"
        return np.searchsorted(middles, bare, side=side)


class RegularGridInterpolator:
    """Interpolation on a grid: ``scipy.interpolate.RegularGridInterpolator`` with derivatives.

    Parameters
    ----------
    points : the places along each axis, a sequence of tensors or arrays that increase or decrease.
    values : the values on the grid, a tensor or an array.
    method : ``"linear"``, or ``"nearest"``, which has a derivative by the values only.
    bounds_error : whether points outside raise.
    fill_value : what stands outside otherwise; None: the outer cells go on.

    Raises
    ------
    ValueError : the method is unknown, the values do not fit the grid, or a point lies outside.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy.interpolate import RegularGridInterpolator
    >>> values = gt.Variable([[0.0, 1.0], [2.0, 3.0]])
    >>> with gt.GradientTape() as tape:
    ...     y = RegularGridInterpolator(([0.0, 1.0], [0.0, 1.0]), values)([[0.5, 0.25]])
    >>> y, tape.gradient(y, values)
    (Tensor([1.25]), Tensor([[0.375, 0.125],
            [0.375, 0.125]]))
    """

    @explained
    def __init__(
        self,
        points: Any,
        values: Any,
        method: str = "linear",
        bounds_error: bool = True,
        fill_value: Any = np.nan,
    ) -> None:
        grid, values = [real(p, "points") for p in points], floating(values)
        lengths = tuple([p.size for p in grid])
        if values.shape[: len(lengths)] != lengths:
            raise ValueError(
                f"values must begin with the grid's lengths {lengths}, got shape {values.shape}"
            )
        down = [i for i, p in enumerate(grid) if p.ndim == 1 and (np.diff(strip(p)) < 0).all()]
        self.grid = [
            breakpoints(p[::-1] if i in down else p, name="points") for i, p in enumerate(grid)
        ]
        self.values = np.flip(values, tuple(down))
        self.method, self.bounds_error, self.fill_value = _known(method), bounds_error, fill_value

    @explained
    def __call__(self, xi: Any, method: str | None = None) -> Any:
        """The values at points, whose last axis holds their coordinates."""
        method = self.method if method is None else _known(method)
        places = self._places(xi)
        bare = np.asarray(strip(places))
        lost, outside = np.isnan(bare).any(-1), np.zeros(bare.shape[:-1], bool)
        cells, shares = [], []
        for i, p in enumerate(self.grid):
            along, ends = places[..., i], np.asarray(strip(p))[[0, -1]]
            outside |= (bare[..., i] < ends[0]) | (bare[..., i] > ends[1])
            cell = interval(p, along)
            cells.append(cell)
            shares.append((along - p[cell]) / (p[cell + 1] - p[cell]))
        if self.bounds_error and (outside | lost).any():
            raise ValueError("a point lies outside of the grid, or is NaN: pass bounds_error=False")
        found = self._nearest(cells, shares) if method == "nearest" else self._linear(cells, shares)
        shape = (*outside.shape, *[1] * (found.ndim - outside.ndim))
        if self.fill_value is not None and not self.bounds_error:
            found = np.where(np.reshape(outside, shape), self.fill_value, found)
        return np.where(np.reshape(lost, shape), np.nan, found) if lost.any() else found

    def _places(self, xi: Any) -> Any:
        """The points as one array, with their coordinates along the last axis."""
        if isinstance(xi, tuple):
            xi = np.stack(np.broadcast_arrays(*[floating(x) for x in xi]), -1)
        xi = real(xi, "xi")
        if xi.ndim == 1 and len(self.grid) == 1:
            xi = xi[:, None]
        if not xi.ndim or xi.shape[-1] != len(self.grid):
            raise ValueError(
                f"the points must have {len(self.grid)} coordinates along the last axis, got shape "
                f"{xi.shape}"
            )
        return xi if xi.ndim > 1 else xi[None]

    def _nearest(self, cells: list[Any], shares: list[Any]) -> Any:
        near = [
            np.where(np.asarray(strip(s)) <= 0.5, c, c + 1)
            for c, s in zip(cells, shares, strict=True)
        ]
        return self.values[tuple(near)]

    def _linear(self, cells: list[Any], shares: list[Any]) -> Any:
        trailing = self.values.ndim - len(cells)
        found: Any = 0
        for corner in product((0, 1), repeat=len(cells)):
            weight: Any = 1
            for high, share in zip(corner, shares, strict=True):
                weight = weight * (share if high else 1 - share)
            value = self.values[tuple([c + high for c, high in zip(cells, corner, strict=True)])]
            found = found + value * np.reshape(weight, (*cells[0].shape, *[1] * trailing))
        return found


def _known(method: str) -> str:
    """A method that interpolates on a grid here."""
    if method not in ("linear", "nearest"):
        raise ValueError(
            f"method must be 'linear' or 'nearest' here, got {method!r}: for splines, take "
            "gradtape.scipy.interpolate.make_interp_spline along each axis"
        )
    return method


@explained
def interpn(
    points: Any,
    values: Any,
    xi: Any,
    method: str = "linear",
    bounds_error: bool = True,
    fill_value: Any = np.nan,
) -> Any:
    """Interpolate on a grid: ``scipy.interpolate.interpn`` with derivatives.

    Parameters
    ----------
    points, values, method, bounds_error, fill_value : as in ``RegularGridInterpolator``.
    xi : the points, whose last axis holds their coordinates.

    Returns
    -------
    The values: a Tensor, or an array where no argument is a tensor.

    Raises
    ------
    ValueError : as in ``RegularGridInterpolator``.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy.interpolate import interpn
    >>> p = gt.Variable([0.5, 0.25])
    >>> with gt.GradientTape() as tape:
    ...     y = interpn(([0.0, 1.0], [0.0, 1.0]), [[0.0, 1.0], [2.0, 3.0]], p)
    >>> tape.gradient(y, p)
    Tensor([2., 1.])
    """
    return RegularGridInterpolator(points, values, method, bounds_error, fill_value)(xi)
