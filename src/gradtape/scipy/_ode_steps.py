"""Single steps of the methods of ``scipy.integrate.solve_ivp``, in NumPy's functions on tensors.

The explicit methods' coefficients are SciPy's. Their interpolants: E. Hairer, S. P. Norsett and
G. Wanner, "Solving Ordinary Differential Equations I" (1993), section II.6; Radau IIA: E. Hairer
and G. Wanner, "Solving Ordinary Differential Equations II" (1996), section IV.8.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.integrate as _scipy

from gradtape.primitive import Variadic
from gradtape.recording import active, only
from gradtape.rules import strip
from gradtape.scipy._callbacks import jacobian
from gradtape.scipy._namesakes import array
from gradtape.tensor import Tensor, twin

__all__ = ["Step", "System", "implicit", "solver_of", "step_of"]

#: step(f, t, y, h, SciPy's solution) gives the new state, and the states between by x in [0, 1].
Step = Callable[["System", Any, Any, Any, Any], tuple[Any, Any]]


class System:
    """The right-hand side, as a function of a time and a state of one axis."""

    def __init__(self, fun: Callable[..., Any], args: Sequence[Any], vectorized: bool) -> None:
        self.fun, self.args, self.vectorized = fun, args, vectorized

    def __call__(self, t: Any, y: Any) -> Any:
        if isinstance(y, Tensor):
            y = twin(y)  # it may be written to
        if self.vectorized:
            return array(self.fun(t, y[:, None], *self.args)).reshape(-1)
        return array(self.fun(t, y, *self.args))

    def slope(self, t: Any, y: Any) -> Any:
        """The Jacobian by the state, bare."""
        with only(()):
            # Of a complex function, reverse mode gives the conjugate.
            return np.conj(jacobian(lambda point: self(strip(t), point), y))


# One step of each kind: the new state, and the polynomial between --------------------------------


def _weighted(xs: tuple[Any, ...], /, weights: Any) -> Any:
    return np.stack(xs).T @ weights


#: The sum of stages with weights, as SciPy adds them up, in one record.
weighted = Variadic(
    _weighted,
    lambda g, weights, index: g * weights[index],
    lambda t, weights, index: t * weights[index],
    name="scipy.solve_ivp.weighted",
)


def _combined(stages: list[Any], weights: Any) -> Any:
    return weighted(*stages, weights=weights)


def _stages(f: System, t: Any, y: Any, h: Any, method: Any) -> tuple[list[Any], Any]:
    """The stages of a step of an explicit Runge-Kutta method, and the new state."""
    k = [f(t, y)]
    for a, c in zip(method.A[1:], method.C[1:], strict=True):
        k.append(f(t + c * h, y + _combined(k, a[: len(k)]) * h))
    return k, y + h * _combined(k, method.B)


def _explicit(method: Any) -> Step:
    """A step of RK23 or RK45."""

    def step(f: System, t: Any, y: Any, h: Any, guess: Any) -> tuple[Any, Any]:
        k, new = _stages(f, t, y, h, method)

        def between(x: Any) -> Any:
            coefficients = np.stack([*k, f(t + h, new)], 1) @ method.P
            return y[:, None] + h * (coefficients @ _powers(x, method.P.shape[1]))

        return new, between

    return step


def _powers(x: Any, count: int) -> Any:
    """x, x**2, ... as rows."""
    return np.stack([x ** (i + 1) for i in range(count)])


def _dop853(f: System, t: Any, y: Any, h: Any, guess: Any) -> tuple[Any, Any]:
    """A step of DOP853, whose polynomial asks for three stages more."""
    method = _scipy.DOP853
    k, new = _stages(f, t, y, h, method)

    def between(x: Any) -> Any:
        last = f(t + h, new)
        stages = [*k, last]
        for a, c in zip(method.A_EXTRA, method.C_EXTRA, strict=True):
            stages.append(f(t + c * h, y + _combined(stages, a[: len(stages)]) * h))
        change = new - y
        rows = [change, h * k[0] - change, 2 * change - h * (last + k[0])]
        rows += list(h * (method.D @ np.stack(stages)))
        total: Any = 0
        for i, row in enumerate(reversed(rows)):
            total = (total + row[:, None]) * (1 - x if i % 2 else x)
        return y[:, None] + total

    return new, between


#: The places and the matrix of Radau IIA of order 5: A integrates the polynomials through them.
_C = np.array([(4 - 6**0.5) / 10, (4 + 6**0.5) / 10, 1])
_A = np.stack([_C ** (i + 1) / (i + 1) for i in range(3)], 1) @ np.linalg.inv(
    np.vander(_C, increasing=True)
)
#: From the values of a polynomial there, which is 0 at 0, to the coefficients of its powers.
_P = np.linalg.inv(np.stack([_C ** (i + 1) for i in range(3)], 1)).T
_ITERATIONS, _TOLERANCE = 20, 1e-10


def implicit(f: System, t: Any, y: Any, h: Any, guess: Any) -> tuple[Any, Any]:
    """A step of Radau IIA: its stages are y + Z, where Z = h A f(t + c h, y + Z).

    Newton's method finds Z. Iterations of the chord method on tensors follow: from exact values,
    each makes the derivatives of one order more exact (the implicit function theorem).
    """
    places = strip(t) + _C * strip(h)
    with only(()):
        z, matrix = _newton(f, places, strip(y), strip(h), guess(places).T - strip(y))
    for _ in range(len(active()) + 1):
        slopes = np.stack([f(t + c * h, y + row) for c, row in zip(_C, z, strict=True)])
        residual = z - h * (_A @ slopes)
        z = z - np.linalg.solve(matrix, residual.reshape(-1)).reshape(z.shape)

    def between(x: Any) -> Any:
        return y[:, None] + (z.T @ _P) @ _powers(x, 3)

    return y + z[2], between


def _newton(f: System, places: Any, y: Any, h: float, z: Any) -> tuple[Any, Any]:
    """The stages less the state, and the matrix of Newton's method at them."""
    change = z
    for _ in range(_ITERATIONS):
        points = list(zip(places, y + z, strict=True))
        slopes = [f.slope(place, point) for place, point in points]
        blocks = [[a * slope for a, slope in zip(row, slopes, strict=True)] for row in _A]
        matrix = np.eye(z.size) - h * np.block(blocks)
        residual = z - h * (_A @ np.stack([strip(f(place, point)) for place, point in points]))
        change = np.linalg.solve(matrix, residual.reshape(-1)).reshape(z.shape)
        if np.abs(change).max() <= _TOLERANCE * np.abs(y + z).max():
            return z, matrix
        z = z - change
    raise RuntimeError(
        f"solve_ivp: the step of Radau's method to t = {places[-1]:.6g}, which the derivative "
        f"needs, was not found: Newton's last change was {np.abs(change).max():.3g}. Give smaller "
        "tolerances (rtol, atol) or max_step."
    )


def solver_of(method: Any) -> Any:
    """The class of SciPy's that a method's name stands for; None if there is none."""
    found = getattr(_scipy, method, None) if isinstance(method, str) else method
    return found if isinstance(found, type) else None


def step_of(solver: Any) -> Step:
    """The step of one of SciPy's solvers; of what is no Runge-Kutta method, Radau IIA's."""
    if issubclass(solver, _scipy.DOP853):
        return _dop853
    return _explicit(solver) if issubclass(solver, (_scipy.RK23, _scipy.RK45)) else implicit
