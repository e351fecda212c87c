"""Derivative operators: functions of functions, short uses of the tape and of forward mode.

Gradients are there at once. The others are loaded when ``gradtape`` is first asked for them, so
that importing it stays quick.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

__all__ = ["later"]

#: The modules of this package by the names that they give to ``gradtape``.
_HOMES = {
    "checkpoints": "checkpoint checkpointed_loop",
    "directions": "directional_derivative gnvp hvp jvp linearize",
    "jacobians": "divergence hessian jacobian laplacian",
    "solvers": "argmin fixed_point implicit_root",
    "sparse": "sparsity",
    "taylor": "taylor",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}


def later(name: str) -> Any:
    """The ``__getattr__`` of ``gradtape``: an operator that is not loaded yet."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'gradtape' has no attribute {name!r}")
    module = importlib.import_module(f"gradtape.operators.{_HOME_OF[name]}")
    value = getattr(module, name)
    setattr(sys.modules["gradtape"], name, value)
    return value
