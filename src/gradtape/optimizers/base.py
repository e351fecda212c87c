"""What all optimisers do: check the gradients, keep a state per variable, assign the new values."""

from __future__ import annotations

import math
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from gradtape.errors import describe

__all__ = ["Array", "Optimizer", "VariableLike", "number"]

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
        self._learning_rate = number(name, value, math.inf)

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
        >>> from gradtape.optimizers import SGD
        >>> optimizer = SGD(learning_rate=0.5)
        >>> with gt.GradientTape() as tape:
        ...     loss = (w * w).sum()
        >>> optimizer.apply_gradients([(tape.gradient(loss, w), w)])
        >>> w.numpy()
        array([0., 0.])
        """
        for gradient, variable in self._checked(grads_and_vars):
            value = variable.array
            if hasattr(value, "__gradtape_symbol__"):
                value.refuse(  # type: ignore[attr-defined]
                    f"{type(self).__name__}.apply_gradients keeps its state in Python: return the "
                    "gradients of a traced function and apply them outside, or write the update "
                    "with Variables"
                )
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


def number(name: str, value: Any, high: float, closed: bool = False) -> float:
    """The value as a float, checked to lie in [0, high), or in [0, high] if closed."""
    interval = f"[0, {high:g}{']' if closed else ')'}"
    try:
        found = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a number in {interval}, got {describe(value)}") from None
    if not (0.0 <= found < high or (closed and found == high)):
        raise ValueError(f"{name} must lie in {interval}, got {found!r}")
    return found


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
