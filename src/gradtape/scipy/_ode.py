"""Solutions of initial value problems on tensors: the discrete adjoint of SciPy's solvers.

SciPy chooses the steps, with bare arrays. Each accepted one is then computed a second time with
NumPy's functions, for the recorders to see: the derivative is that of the numbers that came out,
with the steps held fixed.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.integrate as _scipy

from gradtape import errors
from gradtape.nest import flatten
from gradtape.primitive import Primitive
from gradtape.recording import active
from gradtape.replays import Operation, Uses, shown
from gradtape.rules import strip
from gradtape.scipy._callbacks import bare, seen, tracked
from gradtape.scipy._namesakes import array
from gradtape.scipy._ode_steps import Step, System, implicit, solver_of, step_of
from gradtape.tensor import Tensor

__all__ = ["solve_ivp"]


class Trajectory:
    """The solution as a function of the time, like SciPy's ``OdeSolution``, with derivatives.

    Parameters
    ----------
    f : the right-hand side.
    times : the ends of the steps, tensors where they are tracked.
    y : the initial state.
    solution : SciPy's solution.
    step : the kind of steps.
    """

    def __init__(self, f: System, times: list[Any], y: Any, solution: Any, step: Step) -> None:
        self.solution, self.times = solution, times
        self.nodes = np.array([strip(t) for t in times])
        self.pieces: list[tuple[Any, Any, Any]] = []
        adjoint = _Adjoint(self.nodes)
        self.states = [y]
        for i, (start, end) in enumerate(pairwise(times)):
            h = end - start
            y, between = step(f, start, _state.on(y, adjoint, i), h, solution)
            if step is implicit:
                # Not to drift away from SciPy's own states, where its method is another one.
                end = self.nodes[i + 1]
                y = with_value(y, solution.interpolants[_piece(solution.ts, end)](end))
            self.pieces.append((start, h, between))
            self.states.append(y)

    def __call__(self, t: Any) -> Any:
        """The state at a time, or the states at several as columns."""
        t = array(t)
        found = self.solution(strip(t))
        flat = t.reshape(-1)
        pieces = _piece(self.nodes, strip(flat))
        columns, order = [], []
        for i in np.unique(pieces):
            (places,) = np.nonzero(pieces == i)
            start, h, between = self.pieces[i]
            columns.append(between((flat[places] - start) / h))
            order.append(places)
        states = np.concatenate(columns, 1)[:, np.argsort(np.concatenate(order))]
        return with_value(states.reshape(found.shape), found)


def _piece(nodes: Any, t: Any) -> Any:
    """Which of the pieces between nodes each time lies in, the earlier one at an end."""
    sign = 1 if nodes[-1] >= nodes[0] else -1
    return np.clip(np.searchsorted(sign * nodes, sign * t) - 1, 0, max(len(nodes) - 2, 0))


def with_value(tensor: Any, value: Any) -> Any:
    """SciPy's own value, which may differ in rounding or within tolerances, with derivatives."""
    return Tensor(np.array(value), tensor.key) if isinstance(tensor, Tensor) else value


class _Adjoint:
    """What is to be said of the adjoint of a trajectory, once."""

    def __init__(self, nodes: Any) -> None:
        self.nodes, self.told = nodes, False

    def passing(self, g: Any, i: int) -> Any:
        """See the adjoint state at a node: warn if it is the first that is not finite."""
        if not self.told and strip(g).dtype.kind in "fc" and not np.isfinite(strip(g)).all():
            self.told = True
            warnings.warn(
                f"the adjoint of solve_ivp is not finite at t = {self.nodes[i]:.6g} and before (it "
                f"comes from t = {self.nodes[-1]:.6g}): the solution depends on its past too "
                "strongly for numbers to say. Integrate over a shorter time.",
                RuntimeWarning,
                stacklevel=2,
            )
        return g


def _passed(y: Any, /, adjoint: _Adjoint, i: int) -> Any:
    return y


#: A state between two steps: an identity, where the adjoint is looked at.
_state = Primitive(
    _passed,
    lambda g, adjoint, i: adjoint.passing(g, i),
    lambda t: t,
    kind="movement",
    name="scipy.solve_ivp.state",
)


# The call -----------------------------------------------------------------------------------------


def solve_ivp(
    fun: Callable[..., Any],
    t_span: Any,
    y0: Any,
    method: Any = "RK45",
    t_eval: Any = None,
    dense_output: bool = False,
    events: Any = None,
    vectorized: bool = False,
    args: Any = None,
    **options: Any,
) -> Any:
    """Solve an initial value problem: ``scipy.integrate.solve_ivp`` with derivatives of any order.

    The result is SciPy's. Where tracked tensors go into it (by ``y0``, ``args``, ``t_span``,
    ``t_eval`` or from around ``fun``), its derivative is that of a *discrete adjoint*: the steps
    that SciPy accepted are computed a second time on the recorders, and held fixed. So it is exact
    for the numbers that came out, where a continuous adjoint (Pontryagin's equation, integrated
    backwards) has an error of its own; there is nothing to integrate backwards, which is unstable
    where the solution forgets its past; and forward and reverse mode and all orders come out.

    - RK23, RK45 and DOP853 are made again as they are; Radau too (its stages by the implicit
      function theorem). BDF and LSODA, whose steps hang together, give the value; the derivative
      is that of Radau IIA (of order 5) over their steps and the times in ``t_eval``.
    - SciPy chooses the steps for the solution. Where its sensitivity changes much faster than the
      solution itself, give smaller tolerances or ``max_step``.
    - If an end of ``t_span`` is tracked, the steps keep their shares of it.
    - Memory grows with the number of steps. Where that is too much, solve piece by piece of
      ``t_span``, each in a ``gradtape.checkpoint``.

    Parameters
    ----------
    fun : ``fun(t, y, *args)`` gives the slope, an array, a tensor or a list of numbers. To fill an
        array in it, make that by ``np.zeros_like(y)``.
    t_span, y0, method, t_eval, vectorized : as in SciPy; numbers, arrays or tensors. ``y0`` of
        float32 becomes float64, as in SciPy.
    dense_output : whether ``result.sol`` is a function of the time, of tensors too.
    events : as in SciPy, where nothing is tracked.
    args : further arguments of ``fun``, a tuple: numbers, arrays, tensors or nests of them.
    **options : as in SciPy. Radau, BDF and LSODA get the exact Jacobian of ``fun`` if neither
        ``jac`` nor ``jac_sparsity``, ``lband`` or ``uband`` is given.

    Returns
    -------
    SciPy's ``OdeResult``, in which ``y`` (and what ``sol`` gives) is a Tensor where a tensor is
    among the arguments or a tracked one is used, and so is ``t`` where ``t_span`` or ``t_eval`` is
    tracked; all else is SciPy's.

    Raises
    ------
    NoRuleError : there are ``events``, and something is tracked.
    RuntimeError : (by ``tape.gradient``) the integration failed, see ``result.success``; or (by the
        call) a step of Radau IIA is not found.

    Warns
    -----
    RuntimeWarning : (in ``tape.gradient``) the adjoint is not finite, and since when.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy.integrate import solve_ivp
    >>> rate = gt.Variable(0.5)
    >>> with gt.GradientTape() as tape:
    ...     result = solve_ivp(lambda t, y, k: -k * y, (0, 2), [1.0], args=(rate,), rtol=1e-9)
    ...     last = result.y[0, -1]
    >>> last.numpy().round(5), tape.gradient(last, rate).numpy().round(5)  # exp(-1), -2 exp(-1)
    (np.float64(0.36788), np.float64(-0.73576))
    """
    return _solved(fun, t_span, y0, method, t_eval, dense_output, events, vectorized, args, options)


def _solved(
    fun: Callable[..., Any],
    t_span: Any,
    y0: Any,
    method: Any,
    t_eval: Any,
    dense_output: bool,
    events: Any,
    vectorized: bool,
    args: Any,
    options: dict[str, Any],
) -> Any:
    """What SciPy's ``solve_ivp`` gives, with tensors for what depends on tracked ones."""
    given = (t_span, t_eval, y0, args)
    uses = Uses("solve_ivp", given)
    solver = solver_of(method)
    # The ends of the steps are in it, and guesses of what is between them.
    needed = solver and active() and (t_eval is not None or step_of(solver) is implicit)
    with uses.noted():
        found = _scipy.solve_ivp(
            seen(fun),
            bare(t_span),
            strip(array(y0)),
            method,
            bare(t_eval),
            dense_output or bool(needed),
            events,
            vectorized,
            bare(args),
            **_with_jacobian(options, fun, solver, vectorized),
        )
    sources = tracked(uses.inputs)
    if sources and events is not None:
        raise errors.no_rule_for_argument(
            _scipy.solve_ivp, "events", "the times of events have no derivative here"
        )
    if sources and found.status < 0:
        _make_failed(found, sources)
    elif sources:
        system = System(fun, args or (), vectorized)
        _make_differentiable(found, system, solver, t_span, t_eval, y0)
    elif any([isinstance(leaf, Tensor) for leaf in flatten(given)]):
        found.y = Tensor(np.asarray(found.y))
    if not dense_output:
        found.sol = None
    return found


def _make_differentiable(
    found: Any, system: System, solver: Any, t_span: Any, t_eval: Any, y0: Any
) -> None:
    """Replace the arrays in a result by tensors."""
    nodes = found.t if found.sol is None else found.sol.ts
    # The steps of multistep methods are not made again, so that they may be made shorter.
    multistep = step_of(solver) is implicit and not issubclass(solver, _scipy.Radau)
    times = _times(nodes, t_span, t_eval if multistep else None)
    start = array(y0).astype(found.y.dtype)
    trajectory = Trajectory(system, times, start, found.sol, step_of(solver))
    found.sol = trajectory
    if t_eval is None:
        found.y = with_value(np.stack(trajectory.states, 1), found.y)
        found.t = with_value(array(times), found.t) if tracked(times) else found.t
    else:
        found.y = with_value(trajectory(t_eval), found.y)
        found.t = array(t_eval) if tracked(t_eval) else found.t


def _with_jacobian(options: dict[str, Any], fun: Any, solver: Any, vectorized: bool) -> Any:
    """The options, with the exact Jacobian for an implicit method if none is among them."""
    takes_one = solver and issubclass(solver, (_scipy.Radau, _scipy.BDF, _scipy.LSODA))
    if not takes_one or options.get("jac") is not None:
        return options
    if any([options.get(name) is not None for name in ("jac_sparsity", "lband", "uband")]):
        return options

    def jac(t: Any, y: Any, *args: Any) -> Any:
        return System(fun, args, vectorized).slope(t, y)

    return {**options, "jac": jac}


def _times(nodes: Any, t_span: Any, between: Any) -> list[Any]:
    """The ends of the steps; of tracked ends of the whole, tensors that move with them.

    The steps of methods that are not made again end at the times ``between``, too.
    """
    sign = 1 if nodes[-1] >= nodes[0] else -1
    if between is not None:
        nodes = sign * np.unique(sign * np.concatenate([nodes, strip(array(between))]))
    if not tracked(t_span):
        return list(nodes)
    start, end = t_span[0], t_span[1]
    return [start + (end - start) * part for part in (nodes - nodes[0]) / (nodes[-1] - nodes[0])]


def _make_failed(found: Any, sources: list[Tensor]) -> None:
    """Replace the arrays in a failed result by tensors, whose derivatives say that it failed."""
    solution, message = found.sol, found.message
    where = "its start" if not len(found.t) else f"t = {found.t[-1]:.6g}"

    def failed(y: Any) -> Tensor:
        y = np.asarray(y)
        return shown(_Failed(y, message, where), sources, [y])[0]

    found.y = failed(found.y)
    found.sol = lambda t: failed(solution(bare(t)))


class _Failed(Operation):
    """The result of an integration that failed: there is nothing to differentiate."""

    name = "solve_ivp"

    def __init__(self, y: Any, message: str, where: str) -> None:
        self.outs = [(y.shape, y.dtype)]
        self.message, self.where = message, where

    def shares(self, cotangents: Any, out_keys: Any, batch: tuple[int, ...]) -> list[Any]:
        """There are none."""
        raise self._error()

    def tangents(self, tangents: Any, outs: Any, batch: tuple[int, ...]) -> list[Any]:
        """There are none."""
        raise self._error()

    def _error(self) -> RuntimeError:
        return RuntimeError(
            f"solve_ivp failed after {self.where}, and a solution that failed has no "
            f"derivatives. SciPy says: {self.message} Look at result.success first."
        )
