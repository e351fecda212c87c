"""Namesakes of ``scipy.integrate``: integrals of samples and of functions, initial value problems.

Each takes tensors, variables and arrays for the samples, their places and their distance. Where no
tensor is among them it is SciPy's own function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.integrate as _scipy
import scipy.special as _special

from gradtape.scipy._namesakes import array, floating, missing
from gradtape.scipy._ode import solve_ivp
from gradtape.scipy._quadrature import quad
from gradtape.scipy._wrapped import namesake

__all__ = [
    "cumulative_simpson",
    "cumulative_trapezoid",
    "fixed_quad",
    "quad",
    "romb",
    "simpson",
    "solve_ivp",
    "trapezoid",
]

__getattr__ = missing(__name__)


# Samples ----------------------------------------------------------------------------------------


def _samples(y: Any, x: Any, dx: Any, axis: int) -> tuple[Any, Any]:
    """The samples with their axis last, and the distances between them."""
    shape = list(np.shape(array(y)))
    y = np.moveaxis(array(y), axis, -1)
    n = y.shape[-1]
    if x is None:
        if not np.ndim(dx):
            return y, dx
        shape[axis] = max(n - 1, 0)
        return y, np.moveaxis(_fitted(dx, shape, "dx"), axis, -1)
    x = array(x)
    if x.ndim > 1:
        x = np.moveaxis(x, axis, -1)
    if x.shape[-1:] != (n,):
        raise ValueError(
            f"x must have as many entries along the axis as y, got the shape {x.shape} for {n}"
        )
    return y, x[..., 1:] - x[..., :-1]


def _fitted(value: Any, shape: Any, name: str) -> Any:
    """An argument broadcast to a shape."""
    value = array(value)
    try:
        return np.broadcast_to(value, shape)
    except ValueError as error:
        raise ValueError(
            f"{name} has the shape {value.shape}, which does not broadcast to {tuple(shape)}"
        ) from error


def _along(dx: Any, y: Any, axis: int) -> Any:
    """Distances that lie beside the integrals, with an axis of length one for the samples."""
    if not np.ndim(dx):
        return dx
    integrals = np.moveaxis(array(y), axis, -1).shape[:-1]
    return np.expand_dims(_fitted(dx, integrals, "dx"), axis)


def _spread(d: Any, y: Any) -> Any:
    """The distances between all samples."""
    n = y.shape[-1] - 1
    if isinstance(d, (int, float)) and not isinstance(d, np.generic):
        return np.full(n, d, y.real.dtype)  # a Python number takes on the samples' dtype
    return np.broadcast_to(d, (*np.shape(d)[:-1], n))


@namesake(_scipy.trapezoid)
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """Integrate samples by the trapezoidal rule: ``scipy.integrate.trapezoid`` with derivatives.

    Parameters
    ----------
    y : the samples, a tensor or an array.
    x : their places, of one axis or of the shape of ``y``; None: they are ``dx`` apart.
    dx : the distance, or distances that broadcast beside the intervals.
    axis : along which to integrate.

    Returns
    -------
    The integral: a Tensor, or an array where no argument is a tensor. It has the dtype of ``y``, as
    SciPy's has since 1.17, whatever that of ``x``; of whole numbers, double precision. (NumPy's
    ``trapezoid`` has the common dtype of both.)

    Raises
    ------
    ValueError : ``x`` does not fit ``y``.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy.integrate import trapezoid
    >>> x = gt.Variable([0.0, 1.0, 3.0])
    >>> with gt.GradientTape() as tape:
    ...     area = trapezoid(x**2, x)
    >>> area, tape.gradient(area, x)
    (Tensor(10.5), Tensor([-0.5, -1.5, 11. ]))
    """
    y, d = _samples(y, x, dx, axis)
    areas = d * (y[..., 1:] + y[..., :-1]) / 2
    kept = y.dtype.kind in "fc" and np.can_cast(areas.dtype, y.dtype, "same_kind")
    return np.sum(areas, -1, dtype=y.dtype if kept else areas.dtype)


@namesake(_scipy.cumulative_trapezoid)
def cumulative_trapezoid(
    y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1, initial: Any = None
) -> Any:
    """Integrate samples up to each: ``scipy.integrate.cumulative_trapezoid`` with derivatives.

    Parameters
    ----------
    y, x, dx, axis : as in ``trapezoid``.
    initial : 0 to begin with a zero, so that the result is as long as ``y``; or None.

    Returns
    -------
    The integrals: a Tensor, or an array where no argument is a tensor.

    Raises
    ------
    ValueError : ``x`` does not fit ``y``, or ``initial`` is another number.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy.integrate import cumulative_trapezoid
    >>> y = gt.Variable([1.0, 2.0, 4.0])
    >>> with gt.GradientTape() as tape:
    ...     areas = cumulative_trapezoid(y, dx=0.5)
    >>> areas, tape.gradient(areas, y)
    (Tensor([0.75, 2.25]), Tensor([0.5 , 0.75, 0.25]))
    """
    if initial is not None and (np.ndim(initial) or initial != 0):
        raise ValueError(f"initial must be None or 0, got {initial!r}")
    y, d = _samples(y, x, dx, axis)
    sums = _summed_up(d * (y[..., 1:] + y[..., :-1]) / 2, axis)
    if initial is None:
        return sums
    return np.concatenate([_beginning(initial, sums, axis), sums], axis)


def _summed_up(parts: Any, axis: int) -> Any:
    """Running sums along the last axis, which then takes its place."""
    return np.moveaxis(np.cumsum(parts, -1), -1, axis)


def _beginning(initial: Any, sums: Any, axis: int) -> Any:
    """A first value, shaped to stand in front of sums along an axis."""
    shape = list(sums.shape)
    shape[axis] = 1
    value = array(initial) if np.ndim(initial) else initial
    return _fitted(np.zeros((), sums.dtype) + value, shape, "initial")


def _ratio(numerator: Any, denominator: Any) -> Any:
    """A quotient, or 0 where it would divide by zero, as SciPy has it at places that coincide."""
    zero = denominator == 0
    return np.where(zero, 0, numerator / np.where(zero, 1, denominator))


@namesake(_scipy.simpson)
def simpson(y: Any, x: Any = None, *, dx: Any = 1.0, axis: int = -1) -> Any:
    """Integrate samples by Simpson's rule: ``scipy.integrate.simpson`` with derivatives.

    For an even number of samples the last interval takes the parabola through the last three.

    Parameters
    ----------
    y, x, dx, axis : as in ``trapezoid``, but distances broadcast beside the integrals.

    Returns
    -------
    The integral: a Tensor, or an array where no argument is a tensor.

    Raises
    ------
    ValueError : ``x`` does not fit ``y``.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy.integrate import simpson
    >>> y = gt.Variable([0.0, 1.0, 4.0])
    >>> with gt.GradientTape() as tape:
    ...     area = simpson(y, dx=3.0)
    >>> area, tape.gradient(area, y)
    (Tensor(8.), Tensor([1., 4., 1.]))
    """
    y, d = _samples(y, x, _along(dx, y, axis), axis)
    n = y.shape[-1]
    if not n:
        raise ValueError("y has no samples along the axis")
    d = _spread(d, y)
    if n == 2:
        return np.sum(d * (y[..., 1:] + y[..., :-1]) / 2, -1)
    last = n - (1 - n % 2)  # the pairs of intervals end before it
    h0, h1 = d[..., 0 : last - 1 : 2], d[..., 1 : last - 1 : 2]
    y0, y1, y2 = y[..., 0 : last - 2 : 2], y[..., 1 : last - 1 : 2], y[..., 2:last:2]
    both = h0 + h1
    weighted = (
        y0 * (2 - _ratio(h1, h0)) + y1 * _ratio(both * both, h0 * h1) + y2 * (2 - _ratio(h0, h1))
    )
    total = np.sum(both / 6 * weighted, -1)
    return total if last == n else total + _last_interval(y, d)


def _last_interval(y: Any, d: Any) -> Any:
    """The integral over the last interval of the parabola through the last three samples.

    Cartwright, Simpson's rule cumulative integration with MS Excel and irregularly-spaced data,
    J. Math. Sci. Math. Educ. 12 (2017), equation 8.
    """
    k, h = d[..., -2], d[..., -1]
    last = _ratio(2 * h * h + 3 * k * h, 6 * (k + h))
    middle, first = _ratio(h * h + 3 * k * h, 6 * k), _ratio(h**3, 6 * k * (k + h))
    return last * y[..., -1] + middle * y[..., -2] - first * y[..., -3]


def _first_interval(y: Any, d: Any) -> Any:
    """For each three samples, the integral of their parabola over the first interval.

    Cartwright's equation 8 again, from the other side.
    """
    h, k = d[..., :-1], d[..., 1:]
    share = h / (h + k)
    bend = share * (h / k)
    y0, y1, y2 = y[..., :-2], y[..., 1:-1], y[..., 2:]
    return h / 6 * ((3 - share) * y0 + (3 + bend + share) * y1 - bend * y2)


@namesake(_scipy.cumulative_simpson)
def cumulative_simpson(
    y: Any, *, x: Any = None, dx: Any = 1.0, axis: int = -1, initial: Any = None
) -> Any:
    """Integrate samples up to each: ``scipy.integrate.cumulative_simpson`` with derivatives.

    Parameters
    ----------
    y, x, dx, axis : as in ``trapezoid``.
    initial : a value to begin with, or values, one for each integral; added to all; or None.

    Returns
    -------
    The integrals: a Tensor, or an array where no argument is a tensor.

    Raises
    ------
    ValueError : ``x`` does not fit ``y``, or does not increase.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy.integrate import cumulative_simpson
    >>> y = gt.Variable([0.0, 1.0, 4.0])
    >>> with gt.GradientTape() as tape:
    ...     area = cumulative_simpson(y, dx=3.0)[1]
    >>> area, tape.gradient(area, y).numpy().round(12)
    (Tensor(8.), array([1., 4., 1.]))
    """
    y, d = _samples(floating(y), x, dx, axis)
    if not y.shape[-1]:
        raise ValueError("y has no samples along the axis")
    if x is not None and not (d > 0).all():
        raise ValueError("x must increase along the axis")
    n = y.shape[-1]
    d = _spread(d, y)
    parts = d * (y[..., 1:] + y[..., :-1]) / 2 if n < 3 else _every_interval(y, d)
    sums = _summed_up(parts, axis)
    if initial is None:
        return sums
    first = _beginning(initial, sums, axis)
    return np.concatenate([first, sums + first], axis)


def _every_interval(y: Any, d: Any) -> Any:
    """The integral over each interval of a parabola through it and one neighbour."""
    ahead = _first_interval(y, d)
    behind = _first_interval(y[..., ::-1], d[..., ::-1])[..., ::-1]
    even = np.arange(d.shape[-1]) % 2 == 0
    return np.where(
        even,
        np.concatenate([ahead, behind[..., -1:]], -1),
        np.concatenate([ahead[..., :1], behind], -1),
    )


@namesake(_scipy.romb)
def romb(y: Any, dx: Any = 1.0, axis: int = -1, show: bool = False) -> Any:
    """Integrate samples by Romberg's extrapolation: ``scipy.integrate.romb`` with derivatives.

    Parameters
    ----------
    y : ``2**k + 1`` samples along the axis, a tensor or an array.
    dx : their distance, or distances beside the integrals.
    axis : along which to integrate.
    show : whether to print the table; of a tensor there is none.

    Returns
    -------
    The integral: a Tensor, or an array where no argument is a tensor.

    Raises
    ------
    ValueError : the number of samples is another one.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy.integrate import romb
    >>> y = gt.Variable([0.0, 1.0, 4.0])
    >>> with gt.GradientTape() as tape:
    ...     area = romb(y, dx=3.0)
    >>> area, tape.gradient(area, y)
    (Tensor(8.), Tensor([1., 4., 1.]))
    """
    y = np.moveaxis(array(y), axis, -1)
    intervals = y.shape[-1] - 1
    if intervals < 1 or intervals & (intervals - 1):
        raise ValueError(f"y must have 2**k + 1 samples along the axis, got {intervals + 1}")
    width = intervals * (array(dx) if np.ndim(dx) else dx)
    row = [(y[..., 0] + y[..., -1]) / 2 * width]
    step = intervals
    while step > 1:
        middle = np.sum(y[..., step // 2 :: step], -1)
        before, row = row, [(row[0] + width * middle) / 2]
        for j, known in enumerate(before, 1):
            row.append(row[-1] + (row[-1] - known) / (4**j - 1))
        step, width = step // 2, width / 2
    return row[-1]


# Functions --------------------------------------------------------------------------------------


def fixed_quad(
    func: Callable[..., Any], a: Any, b: Any, args: tuple[Any, ...] = (), n: int = 5
) -> tuple[Any, None]:
    """Integrate a function by Gauss's rule: ``scipy.integrate.fixed_quad`` with derivatives.

    The gradient goes to the limits, to the further arguments and to what else the function uses.

    Parameters
    ----------
    func : takes an array or tensor of places, and ``args``; gives the values along the last axis.
    a, b : the limits, finite.
    args : further arguments.
    n : the number of places: polynomials up to degree 2 n - 1 are integrated exactly.

    Returns
    -------
    The integral, and None, as SciPy has it.

    Raises
    ------
    ValueError : a limit is infinite.

    Examples
    --------
    >>> import numpy as np, gradtape as gt
    >>> from gradtape.scipy.integrate import fixed_quad
    >>> k, b = gt.Variable(3.0), gt.Variable(2.0)
    >>> with gt.GradientTape() as tape:
    ...     area, _ = fixed_quad(lambda x: k * x**2, 0.0, b)
    >>> [g.numpy().round(12) for g in tape.gradient(area, [k, b])]
    [np.float64(2.666666666667), np.float64(12.0)]
    """
    if np.any(np.isinf(array(a))) or np.any(np.isinf(array(b))):
        raise ValueError(f"fixed_quad: the limits must be finite, got {a!r} and {b!r}")
    places, weights = _special.roots_legendre(n)
    half = (array(b) - array(a)) / 2
    return half * np.sum(weights * func(half * (places + 1) + array(a), *args), -1), None
