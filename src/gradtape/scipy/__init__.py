"""SciPy's functions on tensors, under SciPy's own names: ``gradtape.scipy.special`` and so on.

SciPy's ufuncs know tensors as they are (``scipy.special.gammaln(t)``). Its Python functions turn
their arguments into arrays, which would drop gradients and therefore raises; for them there are
namesakes here. They need the extra ``gradtape[scipy]``.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

__all__ = ["integrate", "interpolate", "linalg", "signal", "special"]

if importlib.util.find_spec("scipy") is None:
    raise ImportError(
        "gradtape.scipy needs SciPy, which is not installed: pip install 'gradtape[scipy]'"
    )


def __getattr__(name: str) -> Any:
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}: it has {__all__}")
