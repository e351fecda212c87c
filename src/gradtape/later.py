"""What is loaded when it is first asked for, so that importing stays quick.

Only names stand here: this is the one place from which the lower floors reach what stands above
them.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

__all__ = ["from_module", "later"]

#: The modules by the names that they give to ``gradtape``.
_HOMES = {
    "drawing": "draw",
    "explaining": "explain",
    "finiteness": "errstate",
    "operators.checkpoints": "checkpoint checkpointed_loop",
    "operators.directions": "directional_derivative gnvp hvp jvp linearize",
    "operators.jacobians": "divergence hessian jacobian laplacian",
    "operators.solvers": "argmin fixed_point implicit_root",
    "operators.sparse": "sparsity",
    "operators.taylor": "taylor",
    "programs.loaded": "load",
    "programs.function": "function",
    "programs.threads": "get_threads set_threads",
    "source_code": "source",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}


def from_module(module: str, name: str) -> Any:
    """Something out of one of the package's modules."""
    return getattr(importlib.import_module(f"gradtape.{module}"), name)


def later(name: str) -> Any:
    """The ``__getattr__`` of ``gradtape``: something that is not loaded yet."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'gradtape' has no attribute {name!r}")
    value = from_module(_HOME_OF[name], name)
    setattr(sys.modules["gradtape"], name, value)
    return value
