"""Functions that SciPy calls back with bare arrays: what they use, and their exact derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradtape.calls import is_tracked
from gradtape.derivatives.axes import holds_tensors
from gradtape.nest import flatten, map_structure
from gradtape.rules import strip
from gradtape.scipy._namesakes import array
from gradtape.tape import GradientTape
from gradtape.tensor import Tensor

__all__ = ["bare", "jacobian", "seen", "tracked"]


def bare(nest: Any) -> Any:
    """A nest with bare arrays in place of tensors."""
    return map_structure(strip, nest)


def tracked(nest: Any) -> list[Tensor]:
    """The tensors of a nest that an active recorder tracks."""
    return [leaf for leaf in flatten(nest) if isinstance(leaf, Tensor) and is_tracked(leaf)]


def seen(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function with bare results, which pass through an operation so that recorders see them."""

    def called(*args: Any, **kwargs: Any) -> Any:
        value = function(*args, **kwargs)
        if isinstance(value, np.ndarray | np.generic | int | float):
            return value
        value = array(value) if holds_tensors(value) else value
        return strip(+value) if isinstance(value, Tensor) else value

    return called


def jacobian(f: Callable[[Any], Any], x: Any) -> Any:
    """The Jacobian of a function of a vector, bare; zeros, without a word, of what is constant."""
    point = Tensor(x)
    with GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(point)
        value = array(f(point))
        value = value.reshape(-1) if isinstance(value, Tensor) else Tensor(value.reshape(-1))
    return strip(tape.jacobian(value, point, unconnected_gradients="zero"))
