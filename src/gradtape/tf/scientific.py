"""SciPy and the rules that need it, loaded when the first function needs them."""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["linalg_rules", "scipy_module", "special_rules"]


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


def special_rules(name: str) -> Any:
    """A module of ``gradtape.derivatives`` with rules of scipy.special's functions.

    Raises
    ------
    ImportError : SciPy is not installed.
    """
    scipy_module("special")
    return importlib.import_module(f"gradtape.derivatives.{name}")


def linalg_rules(name: str) -> Any:
    """A module of ``gradtape.scipy`` with primitives for scipy.linalg's functions.

    Raises
    ------
    ImportError : SciPy is not installed.
    """
    scipy_module("linalg")
    return importlib.import_module(f"gradtape.scipy.{name}")
