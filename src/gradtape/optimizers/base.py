"""What all optimisers do: check the gradients, keep a state per variable, assign the new values."""

from __future__ import annotations

import math
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from gradtape.calls import is_tracked
from gradtape.errors import describe
from gradtape.programs.cells import Cell, Number, is_traced
from gradtape.programs.tracing import current

__all__ = ["Array", "Optimizer", "VariableLike", "as_weak", "counted", "number", "written", "zeros"]

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
    (`_step`). Whatever changes from step to step is in cells, which a function that is traced
    (``gradtape.function``) reads and assigns at each call.

    Parameters
    ----------
    learning_rate : float
        Size of a step, not negative. It may be set anew between steps, as a schedule does.
    """

    def __init__(self, learning_rate: float) -> None:
        self._rate = Number(number(self._rate_name, learning_rate, math.inf))
        self._count = Number(0)
        # Keyed by identity, for variables compare by value; the variable is kept so that no other
        # object can take over its id.
        self._states: dict[int, tuple[VariableLike, StateT]] = {}

    @property
    def learning_rate(self) -> float:
        """Size of a step."""
        rate: float = self._rate.array
        return rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self._rate.array = number(self._rate_name, value, math.inf)

    @property
    def _rate_name(self) -> str:
        return f"{type(self).__name__}: learning_rate"

    @property
    def iterations(self) -> int:
        """How many times gradients were applied."""
        count: int = self._count.array
        return count

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
        tracing = current()
        traced = tracing is not None and tracing.here
        for gradient, variable in self._checked(grads_and_vars):
            value = variable.array
            plain = value.dtype.char in "fdg"
            work = value if plain else _workable(value)
            slope = gradient if plain else _workable(gradient)
            room = None if traced else np.empty_like(work)
            new = self._step(self._state(variable, work), work, slope, room)
            variable.assign(new if plain else _restored(new, value))
        self._count.array = self._count.array + 1

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
    def _step(self, state: StateT, value: Array, gradient: Array, room: Array | None) -> Array:
        """The next value, and `state` as it is then.

        The value is written into `room`, which shares memory with nothing, and the state's arrays
        are written into, too. Where `room` is None, the step is traced, and all is new.
        """


def zeros(like: Array) -> Cell:
    """A cell with zeros for each entry of an array."""
    return Cell(np.zeros(like.shape, like.dtype))


def written(cell: Cell, room: Array | None) -> tuple[Array, Array | None]:
    """A cell's array, and where its next one is written to: into itself, unless it is traced."""
    if room is not None and not isinstance(cell.array, np.ndarray):
        cell.array = np.array(cell.array)  # without axes, one of NumPy's numbers
    array: Array = cell.array
    return array, None if room is None else array


def as_weak(value: Any, beside: Array) -> Any:
    """A number that takes part in an array's dtype, as Python's numbers do."""
    if type(value) is float or not is_traced(value):
        return value
    return value if value.is_plain else value.astype(beside.dtype)


def counted(number: Any) -> Any:
    """A number that a cell holds, to be computed with: Python's own are the fastest."""
    return number if is_traced(number) else float(number)


def number(name: str, value: Any, high: float, closed: bool = False) -> float:
    """The value as a float, checked to lie in [0, high), or in [0, high] if closed."""
    interval = f"[0, {high:g}{']' if closed else ')'}"
    inside = getattr(value, "array", value)
    lost = value is not inside and hasattr(value, "key") and is_tracked(value)
    if is_traced(inside) and not inside.shape and inside.tracing.here and not lost:
        return _traced_number(name, inside, high, interval)  # type: ignore[no-any-return]
    try:
        found = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a number in {interval}, got {describe(value)}") from None
    if not (0.0 <= found < high or (closed and found == high)):
        raise ValueError(f"{name} must lie in {interval}, got {found!r}")
    return found


def _traced_number(name: str, value: Any, high: float, interval: str) -> Any:
    """A number of a traced function, still to be given at each call; that it fits is a guard."""
    if not (value >= 0.0 and value < high):
        raise ValueError(f"{name} must lie in {interval}, got {value!r}")
    return value if value.dtype == float and value.is_plain else value.tracing.run(float, (value,))


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
    if array.dtype.kind != "c":
        return array.astype(np.float32)
    if is_traced(array):  # no view of the same memory
        return np.stack([array.real, array.imag], -1).reshape(-1)
    return np.ascontiguousarray(array).reshape(-1).view(array.real.dtype)


def _restored(result: Array, like: Array) -> Array:
    """Undo `_workable`."""
    if like.dtype.kind != "c":
        return result.astype(like.dtype)
    if is_traced(result):
        pairs = result.reshape(*like.shape, 2)
        whole: Array = (pairs[..., 0] + 1j * pairs[..., 1]).astype(like.dtype)
        return whole
    return result.view(like.dtype).reshape(like.shape)
