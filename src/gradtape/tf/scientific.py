"""SciPy, loaded when the first function needs it."""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["scipy_module"]


def scipy_module(name: str) -> Any:
    """A module of SciPy.

    Raises
    ------
    ImportError : SciPy is not installed.
    """
    try:
        return importlib.import_module(f"scipy.{name}")
    except ImportError:
        raise ImportError(
            f"this function needs scipy.{name}: install SciPy, as with "
            "pip install 'gradtape[scipy]'"
        ) from None
