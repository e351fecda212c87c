"""Namesakes of ``scipy.interpolate``: piecewise polynomials, splines, and tables.

Values, places and points of evaluation may be tensors, variables or arrays; where none is a tensor,
the answers are bare arrays. At a place where pieces meet, the derivative is that of the piece to
the right.
"""

from __future__ import annotations

from typing import Any

from gradtape.scipy._bsplines import BSpline, make_interp_spline
from gradtape.scipy._namesakes import missing
from gradtape.scipy._polynomials import PPoly
from gradtape.scipy._splines import (
    Akima1DInterpolator,
    CubicHermiteSpline,
    CubicSpline,
    PchipInterpolator,
)
from gradtape.scipy._tables import RegularGridInterpolator, interp1d, interpn
from gradtape.scipy._wrapped import explained

__all__ = [
    "Akima1DInterpolator",
    "BSpline",
    "CubicHermiteSpline",
    "CubicSpline",
    "PPoly",
    "PchipInterpolator",
    "RegularGridInterpolator",
    "interp1d",
    "interpn",
    "make_interp_spline",
    "pchip_interpolate",
]

__getattr__ = missing(__name__)


@explained
def pchip_interpolate(xi: Any, yi: Any, x: Any, der: Any = 0, axis: int = 0) -> Any:
    """Interpolate monotonically: ``scipy.interpolate.pchip_interpolate`` with derivatives.

    Parameters
    ----------
    xi, yi : places that increase, and values there, tensors or arrays.
    x : the points of evaluation, a tensor or an array.
    der : the order of the derivative to give, or a list of orders.
    axis : the axis of ``yi`` along which the places lie.

    Returns
    -------
    The values: a Tensor or an array, or a list of them.

    Raises
    ------
    ValueError : the places do not increase, or the values do not fit them.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy.interpolate import pchip_interpolate
    >>> x = gt.Variable(0.5)
    >>> with gt.GradientTape() as tape:
    ...     y = pchip_interpolate([0.0, 1.0], [0.0, 3.0], x)
    >>> tape.gradient(y, x)
    Tensor(3.)
    """
    found = PchipInterpolator(xi, yi, axis)
    if isinstance(der, (list, tuple)):
        return [found(x, nu) for nu in der]
    return found(x, der)
