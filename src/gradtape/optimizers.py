"""Optimisers for hand-written training loops: SGD with momentum, Adam and Nadam.

Each follows its paper's formulas and has the shape of Keras's optimisers: after
``grads = tape.gradient(loss, variables)``, call
``optimizer.apply_gradients(zip(grads, variables))``.

The variables' values are replaced, never written into, so a tape that still needs an old value
keeps it. The optimisers' own arrays (velocities, moments) are updated in place.
"""

from __future__ import annotations

import math
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from gradtape.errors import describe

__all__ = ["SGD", "Adam", "Nadam", "Optimizer"]

Array = NDArray[Any]
StateT = TypeVar("StateT")


class VariableLike(Protocol):
    """What an optimiser needs of a variable."""

    @property
    def array(self) -> Array:
        """The present value, read only."""

    def assign(self, value: Any, /) -> object:
        """Replace the value."""


class Optimizer(ABC, Generic[StateT]):
    """What all optimisers share: the checks, the state of each variable, the learning rate.

    A subclass says what state a variable has (`_new_state`) and how one step is made of it
    (`_step`).

    Parameters
    ----------
    learning_rate : float
        Size of a step, not negative. It may be set anew between steps, as a schedule does.
    """

    def __init__(self, learning_rate: float) -> None:
        self.learning_rate = learning_rate
        self._iterations = 0
        # Keyed by identity, for variables compare by value; the variable is kept so that no other
        # object can take over its id.
        self._states: dict[int, tuple[VariableLike, StateT]] = {}

    @property
    def learning_rate(self) -> float:
        """Size of a step."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        name = f"{type(self).__name__}: learning_rate"
        self._learning_rate = _number(name, value, math.inf)

    @property
    def iterations(self) -> int:
        """How many times gradients were applied."""
        return self._iterations

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Any]]) -> None:
        """Make one step: give every variable its next value.

        All pairs are checked before the first variable changes. No tape records the step.

        Parameters
        ----------
        grads_and_vars : iterable of (gradient, variable)
            As from ``zip(gradients, variables)``. A gradient is a tensor or a bare array of its
            variable's shape; another real dtype is cast to the variable's. A variable whose
            gradient is None stays as it is, with a warning.

        Raises
        ------
        ValueError
            If there are no pairs, if every gradient is None, if a gradient's shape is not its
            variable's, or if a variable comes twice.
        TypeError
            If an item is not a pair of a gradient and a variable, if a variable is not of a
            floating or complex dtype, or if a gradient's dtype cannot be cast to its variable's.

        Examples
        --------
        >>> import numpy as np
        >>> import gradtape as gt
        >>> w = gt.Variable(np.array([1.0, 2.0]))
        >>> optimizer = SGD(learning_rate=0.5)
        >>> with gt.GradientTape() as tape:
        ...     loss = (w * w).sum()
        >>> optimizer.apply_gradients([(tape.gradient(loss, w), w)])
        >>> w.numpy()
        array([0., 0.])
        """
        for gradient, variable in self._checked(grads_and_vars):
            value = variable.array
            if value.dtype.char in "fdg":
                new = np.empty_like(value)
                self._step(self._state(variable, value), value, gradient, new)
            else:
                work = _workable(value)
                result = np.empty_like(work)
                self._step(self._state(variable, work), work, _workable(gradient), result)
                new = _restored(result, value)
            variable.assign(new)
        self._iterations += 1

    def _checked(self, pairs: Iterable[tuple[Any, Any]]) -> list[tuple[Array, VariableLike]]:
        """The pairs to apply, with bare gradients; raises before anything is changed."""
        call = f"{type(self).__name__}.apply_gradients"
        updates, without, seen = [], [], set()
        for position, item in enumerate(pairs):
            gradient, variable = _pair(call, position, item)
            if id(variable) in seen:
                raise ValueError(
                    f"{call}: {_where(position, variable)} comes twice; add its gradients up and "
                    "give it once"
                )
            seen.add(id(variable))
            if gradient is None:
                without.append(_where(position, variable))
            else:
                updates.append((_bare_gradient(call, position, gradient, variable), variable))
        if not updates:
            what = (
                "every gradient is None" if without else "there are no (gradient, variable) pairs"
            )
            raise ValueError(
                f"{call}: {what}, so no variable can be updated; compute the loss from the "
                "variables inside the tape's context, and pass zip(gradients, variables)"
            )
        if without:
            warnings.warn(
                f"{call}: no gradient for {', '.join(without)}; left unchanged. Did the loss use "
                "it inside the tape's context?",
                stacklevel=3,
            )
        return updates

    def _state(self, variable: VariableLike, value: Array) -> StateT:
        """The variable's state, made at its first step."""
        known = self._states.get(id(variable))
        if known is None or known[0] is not variable:
            known = self._states[id(variable)] = (variable, self._new_state(value))
        return known[1]

    @abstractmethod
    def _new_state(self, value: Array) -> StateT:
        """The state before the first step, for a variable of this value."""

    @abstractmethod
    def _step(self, state: StateT, value: Array, gradient: Array, out: Array) -> None:
        """Write the next value into `out` (it shares memory with nothing) and update `state`."""


@dataclass(slots=True)
class _Velocity:
    velocity: Array
    ahead: Array | None  #: room for the look-ahead term


class SGD(Optimizer["_Velocity | None"]):
    r"""Gradient descent, with Polyak's or Nesterov's momentum.

    Without momentum, :math:`\theta \leftarrow \theta - \alpha g`. With momentum :math:`\mu`, as
    equation (1) of Sutskever et al. writes Polyak's heavy ball,

    .. math:: v \leftarrow \mu v - \alpha g, \qquad \theta \leftarrow \theta + v.

    With ``nesterov=True``, :math:`\theta \leftarrow \theta + \mu v - \alpha g` with the new
    :math:`v`. This is Nesterov's method, equations (3) and (4) there, where the variable holds the
    point :math:`\theta + \mu v` at which that method takes the gradient (Bengio et al., section
    3.5). Keras has the same formulas and the same defaults.

    Parameters
    ----------
    learning_rate : float, default 0.01
        :math:`\alpha`, not negative.
    momentum : float, default 0.0
        :math:`\mu`, in [0, 1).
    nesterov : bool, default False
        Nesterov's momentum instead of Polyak's.

    References
    ----------
    B. T. Polyak, "Some methods of speeding up the convergence of iteration methods", USSR
    Computational Mathematics and Mathematical Physics 4(5), 1964.
    Yu. Nesterov, "A method of solving a convex programming problem with convergence rate
    O(1/k^2)", Soviet Mathematics Doklady 27, 1983.
    I. Sutskever, J. Martens, G. Dahl, G. Hinton, "On the importance of initialization and momentum
    in deep learning", ICML 2013.
    Y. Bengio, N. Boulanger-Lewandowski, R. Pascanu, "Advances in optimizing recurrent networks",
    ICASSP 2013.

    Examples
    --------
    >>> import gradtape as gt
    >>> w = gt.Variable(4.0)
    >>> optimizer = SGD(learning_rate=0.1, momentum=0.5)
    >>> for _ in range(100):
    ...     with gt.GradientTape() as tape:
    ...         loss = (w - 3.0) ** 2
    ...     optimizer.apply_gradients([(tape.gradient(loss, w), w)])
    >>> abs(float(w.numpy()) - 3.0) < 1e-12
    True
    """

    def __init__(
        self, learning_rate: float = 0.01, momentum: float = 0.0, nesterov: bool = False
    ) -> None:
        super().__init__(learning_rate)
        self._momentum = _number("SGD: momentum", momentum, 1.0)
        self._nesterov = bool(nesterov)

    def __repr__(self) -> str:
        return (
            f"SGD(learning_rate={self.learning_rate}, momentum={self._momentum}, "
            f"nesterov={self._nesterov})"
        )

    def _new_state(self, value: Array) -> _Velocity | None:
        if not self._momentum:
            return None
        return _Velocity(np.zeros_like(value), np.empty_like(value) if self._nesterov else None)

    def _step(self, state: _Velocity | None, value: Array, gradient: Array, out: Array) -> None:
        np.multiply(gradient, self._learning_rate, out=out)
        if state is None:
            np.subtract(value, out, out=out)
            return
        velocity = state.velocity
        np.multiply(velocity, self._momentum, out=velocity)
        np.subtract(velocity, out, out=velocity)
        if state.ahead is None:
            np.add(value, velocity, out=out)
        else:
            np.subtract(value, out, out=out)
            np.multiply(velocity, self._momentum, out=state.ahead)
            np.add(out, state.ahead, out=out)


@dataclass(slots=True)
class _Moments:
    first: Array
    second: Array
    step: int = 0
    product: float = 1.0  #: of all momentum coefficients so far (Nadam)
    room: Array | None = None  #: for the look-ahead moment (Nadam)


class _Adaptive(Optimizer[_Moments]):
    """What Adam and Nadam share: two moments and their hyperparameters."""

    def __init__(self, learning_rate: float, beta_1: float, beta_2: float, epsilon: float) -> None:
        super().__init__(learning_rate)
        name = type(self).__name__
        self._beta_1 = _number(f"{name}: beta_1", beta_1, 1.0)
        self._beta_2 = _number(f"{name}: beta_2", beta_2, 1.0)
        self._epsilon = _number(f"{name}: epsilon", epsilon, math.inf)
        if self._epsilon == 0.0:
            raise ValueError(f"{name}: epsilon must be positive: a zero gradient would give 0/0")

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(learning_rate={self.learning_rate}, beta_1={self._beta_1}, "
            f"beta_2={self._beta_2}, epsilon={self._epsilon})"
        )

    def _new_state(self, value: Array) -> _Moments:
        return _Moments(np.zeros_like(value), np.zeros_like(value))

    def _move_moments(self, state: _Moments, gradient: Array, decay: float, room: Array) -> None:
        """Let the first moment decay by `decay`, the second by beta_2; write over `room`."""
        first, second = state.first, state.second
        np.multiply(first, decay, out=first)
        np.multiply(gradient, 1.0 - decay, out=room)
        np.add(first, room, out=first)
        np.multiply(second, self._beta_2, out=second)
        np.multiply(gradient, gradient, out=room)
        np.multiply(room, 1.0 - self._beta_2, out=room)
        np.add(second, room, out=second)

    def _scale(self, state: _Moments, out: Array) -> float:
        r"""Write :math:`c (\sqrt{\hat v} + \epsilon)` into `out`, give :math:`c`.

        The bias correction of the second moment is a number, :math:`c^2 = 1 - \beta_2^t`; taking
        it out of the root saves a pass over the array.
        """
        correction = math.sqrt(1.0 - self._beta_2**state.step)
        np.sqrt(state.second, out=out)
        np.add(out, self._epsilon * correction, out=out)
        return correction


class Adam(_Adaptive):
    r"""Adam: steps scaled by the gradient's first two moments.

    Algorithm 1 of the paper, :math:`t` counting the steps of each variable:

    .. math::
        m &\leftarrow \beta_1 m + (1 - \beta_1) g, &
        \hat m &= m / (1 - \beta_1^t), \\
        v &\leftarrow \beta_2 v + (1 - \beta_2) g^2, &
        \hat v &= v / (1 - \beta_2^t), \\
        \theta &\leftarrow \theta - \alpha \hat m / (\sqrt{\hat v} + \epsilon).

    The paper recommends :math:`\epsilon = 10^{-8}`. The default here is Keras's, :math:`10^{-7}`;
    but Keras adds it to :math:`\sqrt v`, before the bias correction (the :math:`\hat\epsilon` of
    the paper's section 2), which makes its first steps smaller where gradients are tiny. Keras
    also counts :math:`t` once for all variables. PyTorch does as we do.

    Parameters
    ----------
    learning_rate : float, default 0.001
        :math:`\alpha`, not negative.
    beta_1, beta_2 : float, default 0.9 and 0.999
        Decay of the first and of the second moment, each in [0, 1).
    epsilon : float, default 1e-7
        Keeps the denominator from zero; positive.

    Notes
    -----
    A complex variable counts as its real and imaginary parts, each with a second moment of its
    own. A float16 variable is updated in float32, in which its moments are kept.

    References
    ----------
    D. P. Kingma, J. Ba, "Adam: A method for stochastic optimization", ICLR 2015, arXiv:1412.6980.

    Examples
    --------
    The first step has the length of the learning rate, whatever the gradient's:

    >>> import gradtape as gt
    >>> w = gt.Variable(4.0)
    >>> with gt.GradientTape() as tape:
    ...     loss = 1000.0 * (w - 3.0) ** 2
    >>> Adam(learning_rate=0.1).apply_gradients([(tape.gradient(loss, w), w)])
    >>> print(f"{float(w.numpy()):.6f}")
    3.900000
    """

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon)

    def _step(self, state: _Moments, value: Array, gradient: Array, out: Array) -> None:
        state.step += 1
        self._move_moments(state, gradient, self._beta_1, out)
        correction = self._scale(state, out)
        np.divide(state.first, out, out=out)
        rate = self._learning_rate * correction / (1.0 - self._beta_1**state.step)
        np.multiply(out, rate, out=out)
        np.subtract(value, out, out=out)


class Nadam(_Adaptive):
    r"""Nadam: Adam with Nesterov's momentum.

    Algorithm 2 of the paper, :math:`t` counting the steps of each variable:

    .. math::
        m &\leftarrow \mu_t m + (1 - \mu_t) g, &
        \hat m &= \frac{\mu_{t+1} m}{1 - \prod_{i=1}^{t+1} \mu_i}
                + \frac{(1 - \mu_t) g}{1 - \prod_{i=1}^{t} \mu_i}, \\
        n &\leftarrow \beta_2 n + (1 - \beta_2) g^2, &
        \hat n &= n / (1 - \beta_2^t), \\
        \theta &\leftarrow \theta - \alpha \hat m / (\sqrt{\hat n} + \epsilon),

    with the momentum schedule :math:`\mu_t = \beta_1 (1 - 0.96^{t s} / 2)`, where :math:`s` is
    `schedule_decay`; :math:`1/250`, the default, is the author's. :math:`\hat n` is Adam's.

    Keras and PyTorch let :math:`m` decay by the constant :math:`\beta_1` rather than by
    :math:`\mu_t`, and Keras 3 fixes :math:`s = 1`; their steps differ from the paper's and ours.
    Keras also counts :math:`t` once for all variables.

    Parameters
    ----------
    learning_rate : float, default 0.001
        :math:`\alpha`, not negative.
    beta_1, beta_2 : float, default 0.9 and 0.999
        Limit of the momentum schedule and decay of the second moment (the paper's :math:`\nu`),
        each in [0, 1).
    epsilon : float, default 1e-7
        Keeps the denominator from zero; positive. The default is Keras's.
    schedule_decay : float, default 0.004
        :math:`s`, how fast the momentum grows from :math:`\beta_1/2` to :math:`\beta_1`; not
        negative. With ``math.inf`` it is constant, :math:`\mu_t = \beta_1`.

    Notes
    -----
    Complex and float16 variables are treated as `Adam` treats them.

    References
    ----------
    T. Dozat, "Incorporating Nesterov momentum into Adam", ICLR 2016 workshop.

    Examples
    --------
    >>> import gradtape as gt
    >>> w = gt.Variable(4.0)
    >>> optimizer = Nadam(learning_rate=0.05)
    >>> for _ in range(400):
    ...     with gt.GradientTape() as tape:
    ...         loss = (w - 3.0) ** 2
    ...     optimizer.apply_gradients([(tape.gradient(loss, w), w)])
    >>> abs(float(w.numpy()) - 3.0) < 1e-3
    True
    """

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        schedule_decay: float = 0.004,
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon)
        name = "Nadam: schedule_decay"
        self._schedule_decay = _number(name, schedule_decay, math.inf, closed=True)

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, schedule_decay={self._schedule_decay})"

    def _momentum(self, step: int) -> float:
        """The schedule's momentum at a step, counted from 1."""
        return self._beta_1 * (1.0 - 0.5 * math.pow(0.96, step * self._schedule_decay))

    def _step(self, state: _Moments, value: Array, gradient: Array, out: Array) -> None:
        state.step += 1
        now, following = self._momentum(state.step), self._momentum(state.step + 1)
        state.product *= now
        self._move_moments(state, gradient, now, out)
        if state.room is None:
            state.room = np.empty_like(value)
        np.multiply(state.first, following / (1.0 - state.product * following), out=state.room)
        np.multiply(gradient, (1.0 - now) / (1.0 - state.product), out=out)
        np.add(state.room, out, out=state.room)
        correction = self._scale(state, out)
        np.multiply(state.room, self._learning_rate * correction, out=state.room)
        np.divide(state.room, out, out=out)
        np.subtract(value, out, out=out)


def _number(name: str, value: Any, high: float, closed: bool = False) -> float:
    """The value as a float, checked to lie in [0, high), or in [0, high] if closed."""
    interval = f"[0, {high:g}{']' if closed else ')'}"
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a number in {interval}, got {describe(value)}") from None
    if not (0.0 <= number < high or (closed and number == high)):
        raise ValueError(f"{name} must lie in {interval}, got {number!r}")
    return number


def _pair(call: str, position: int, item: Any) -> tuple[Any, Any]:
    """The item's gradient and variable, or an error that says what it should be."""
    expected = "expected pairs (gradient, variable), as from zip(gradients, variables)"
    try:
        gradient, variable = item
    except (TypeError, ValueError):
        raise TypeError(f"{call}: {expected}; item {position} is {describe(item)}") from None
    if not (hasattr(variable, "assign") and hasattr(variable, "array")):
        raise TypeError(
            f"{call}: {expected}; the second of item {position} is {describe(variable)}, "
            "not a gradtape Variable"
        )
    return gradient, variable


def _where(position: int, variable: Any) -> str:
    """How a message names a variable."""
    name = getattr(variable, "name", None)
    return f"variable {name!r} (item {position})" if name else f"the variable of item {position}"


def _bare_gradient(call: str, position: int, gradient: Any, variable: VariableLike) -> Array:
    """The gradient's bare array in the variable's dtype, checked against the variable."""
    array = getattr(gradient, "array", gradient)
    if not hasattr(array, "dtype"):
        array = np.asarray(array)
    value = variable.array
    if value.dtype.kind not in "fc":
        raise TypeError(
            f"{call}: {_where(position, variable)} has dtype {value.dtype}; expected a floating "
            "or complex dtype, for steps of other types would be rounded away"
        )
    if array.shape != value.shape:
        raise ValueError(
            f"{call}: the gradient for {_where(position, variable)} has shape {array.shape}, but "
            f"the variable has shape {value.shape}; expected the same"
        )
    if array.dtype != value.dtype:
        if not np.can_cast(array.dtype, value.dtype, casting="same_kind"):
            raise TypeError(
                f"{call}: the gradient for {_where(position, variable)} has dtype {array.dtype}, "
                f"which cannot be cast to the variable's {value.dtype}; take the real part, or "
                "cast it first"
            )
        array = array.astype(value.dtype)
    result: Array = array
    return result


def _workable(array: Array) -> Array:
    """The array in a form that all steps are right for: float32 for float16, flat real parts."""
    if array.dtype.kind == "c":
        return np.ascontiguousarray(array).reshape(-1).view(array.real.dtype)
    return array.astype(np.float32)


def _restored(result: Array, like: Array) -> Array:
    """Undo `_workable`."""
    if like.dtype.kind == "c":
        return result.view(like.dtype).reshape(like.shape)
    return result.astype(like.dtype)
