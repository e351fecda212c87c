"""The update rules: SGD with momentum, Adam and Nadam."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradtape.optimizers.base import Array, Optimizer, as_weak, counted, number, written, zeros
from gradtape.programs.cells import Cell, is_traced

__all__ = ["SGD", "Adam", "Nadam"]


@dataclass(slots=True)
class _Velocity:
    velocity: Cell
    ahead: Array | None = None  #: room for the look-ahead term


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
        self._momentum = number("SGD: momentum", momentum, 1.0)
        self._nesterov = bool(nesterov)

    def __repr__(self) -> str:
        return (
            f"SGD(learning_rate={self.learning_rate}, momentum={self._momentum}, "
            f"nesterov={self._nesterov})"
        )

    def _new_state(self, value: Array) -> _Velocity | None:
        return _Velocity(zeros(value)) if self._momentum else None

    def _step(
        self, state: _Velocity | None, value: Array, gradient: Array, room: Array | None
    ) -> Array:
        move: Array = np.multiply(gradient, self._rate.array, out=room)
        if state is None:
            return np.subtract(value, move, out=room)
        velocity, out = written(state.velocity, room)
        velocity = np.multiply(velocity, self._momentum, out=out)
        velocity = state.velocity.array = np.subtract(velocity, move, out=out)
        if not self._nesterov:
            return np.add(value, velocity, out=room)
        if state.ahead is None and room is not None:
            state.ahead = np.empty_like(value)
        there = np.subtract(value, move, out=room)
        ahead = np.multiply(velocity, self._momentum, out=None if room is None else state.ahead)
        return np.add(there, ahead, out=room)


@dataclass(slots=True)
class _Moments:
    first: Cell
    second: Cell
    steps: Cell
    product: Cell | None = None  #: of all momentum coefficients so far (Nadam)
    room: Array | None = None  #: for the look-ahead moment (Nadam)

    def next_step(self) -> Any:
        """Count a step; give its number, from 1."""
        step = self.steps.array = self.steps.array + 1.0
        return counted(step)


class _Adaptive(Optimizer[_Moments]):
    """What Adam and Nadam share: two moments and their hyperparameters."""

    def __init__(self, learning_rate: float, beta_1: float, beta_2: float, epsilon: float) -> None:
        super().__init__(learning_rate)
        name = type(self).__name__
        self._beta_1 = number(f"{name}: beta_1", beta_1, 1.0)
        self._beta_2 = number(f"{name}: beta_2", beta_2, 1.0)
        self._epsilon = number(f"{name}: epsilon", epsilon, math.inf)
        if self._epsilon == 0.0:
            raise ValueError(f"{name}: epsilon must be positive: a zero gradient would give 0/0")

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(learning_rate={self.learning_rate}, beta_1={self._beta_1}, "
            f"beta_2={self._beta_2}, epsilon={self._epsilon})"
        )

    def _new_state(self, value: Array) -> _Moments:
        return _Moments(zeros(value), zeros(value), Cell(0.0))

    def _moved(
        self, state: _Moments, gradient: Array, decay: Any, room: Array | None
    ) -> tuple[Array, Array]:
        """Both moments, the first decayed by `decay`, the second by beta_2; `room` is used."""
        first, out = written(state.first, room)
        first = np.multiply(first, as_weak(decay, first), out=out)
        part = np.multiply(gradient, as_weak(1.0 - decay, first), out=room)
        first = state.first.array = np.add(first, part, out=out)
        second, out = written(state.second, room)
        second = np.multiply(second, self._beta_2, out=out)
        part = np.multiply(gradient, gradient, out=room)
        part = np.multiply(part, 1.0 - self._beta_2, out=room)
        second = state.second.array = np.add(second, part, out=out)
        return first, second

    def _scale(self, second: Array, step: Any, room: Array | None) -> tuple[Array, Any]:
        r"""The array :math:`c (\sqrt{\hat v} + \epsilon)`, in `room`, and the number :math:`c`.

        The bias correction of the second moment is a number, :math:`c^2 = 1 - \beta_2^t`; taking
        it out of the root saves a pass over the array.
        """
        correction = _root(_missing(self._beta_2, step))
        scale = np.sqrt(second, out=room)
        return np.add(scale, as_weak(self._epsilon * correction, scale), out=room), correction


def _missing(beta: float, step: Any) -> Any:
    r"""What :math:`\beta^t` misses to 1, without the digits that the difference would lose."""
    if not beta:
        return 1.0
    power = step * math.log(beta)
    return -(math.expm1(power) if type(power) is float else np.expm1(power))


def _root(x: Any) -> Any:
    return math.sqrt(x) if type(x) is float else np.sqrt(x)


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

    def _step(self, state: _Moments, value: Array, gradient: Array, room: Array | None) -> Array:
        step = state.next_step()
        first, second = self._moved(state, gradient, self._beta_1, room)
        scale, correction = self._scale(second, step, room)
        rate = self._rate.array * correction / _missing(self._beta_1, step)
        move = np.divide(first, scale, out=room)
        move = np.multiply(move, as_weak(rate, move), out=room)
        new: Array = np.subtract(value, move, out=room)
        return new


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
        self._schedule_decay = number(name, schedule_decay, math.inf, closed=True)

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, schedule_decay={self._schedule_decay})"

    def _new_state(self, value: Array) -> _Moments:
        state = super()._new_state(value)
        state.product = Cell(1.0)
        return state

    def _momentum(self, step: Any) -> Any:
        """The schedule's momentum at a step, counted from 1."""
        power = step * (self._schedule_decay * math.log(0.96))
        there = math.exp(power) if type(power) is float else np.exp(power)
        return self._beta_1 * (1.0 - 0.5 * there)

    def _step(self, state: _Moments, value: Array, gradient: Array, room: Array | None) -> Array:
        step = state.next_step()
        now, following = self._momentum(step), self._momentum(step + 1.0)
        assert state.product is not None
        product = counted(state.product.array) * now
        state.product.array = product if is_traced(product) else np.float64(product)
        first, second = self._moved(state, gradient, now, room)
        if state.room is None and room is not None:
            state.room = np.empty_like(value)
        own = None if room is None else state.room
        ahead = np.multiply(first, as_weak(following / (1.0 - product * following), first), out=own)
        part = np.multiply(gradient, as_weak((1.0 - now) / (1.0 - product), first), out=room)
        ahead = np.add(ahead, part, out=own)
        scale, correction = self._scale(second, step, room)
        move = np.multiply(ahead, as_weak(self._rate.array * correction, ahead), out=own)
        move = np.divide(move, scale, out=own)
        new: Array = np.subtract(value, move, out=room)
        return new
