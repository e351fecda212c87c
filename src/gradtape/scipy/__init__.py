"""SciPy's functions on tensors, under SciPy's own names: ``gradtape.scipy.special`` and so on.

SciPy's ufuncs know tensors as they are (``scipy.special.gammaln(t)``). Its Python functions turn
their arguments into arrays, which would drop gradients and therefore raises; for them there are
namesakes here. They have SciPy's parameters, take tensors, variables and arrays, and give what
SciPy's own functions give where no tensor is among the arguments. They need the extra
``gradtape[scipy]``.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

__all__ = ["fft", "integrate", "interpolate", "linalg", "optimize", "signal", "special"]

if importlib.util.find_spec("scipy") is None:
    raise ImportError(
        "gradtape.scipy needs SciPy, which is not installed: pip install 'gradtape[scipy]'"
    )


def __getattr__(name: str) -> Any:
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    from_scipy = f"SciPy has scipy.{name}, " if importlib.util.find_spec(f"scipy.{name}") else ""
    raise AttributeError(
        f"module {__name__!r} has no attribute {name!r}: {from_scipy}"
        f"{'but ' if from_scipy else ''}namesakes with derivatives are in {', '.join(__all__)}."
    )
