"""What a name answers that a module has not loaded: its value, or that it is missing."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

__all__ = ["later", "missing", "names"]


def names(homes: Mapping[str, str]) -> list[str]:
    """The names of a table for ``later``.

    Examples
    --------
    >>> names({"control": "cond scan", "": "signal"})
    ['cond', 'scan', 'signal']
    """
    return [name for words in homes.values() for name in words.split()]


def later(module: str, homes: Mapping[str, str], known: Iterable[str]) -> Callable[[str], Any]:
    """A module's ``__getattr__``: what most programs do not need is loaded when it is asked for.

    Parameters
    ----------
    module : the module's name.
    homes : the names, separated by blanks, by the module of ``gradtape.tf`` that has them; under
        the empty name those that are modules themselves.
    known : all names of the module, to find the nearest to one that is missing.
    """
    home_of = {name: home for home, words in homes.items() for name in words.split()}

    def get(name: str) -> Any:
        home = home_of.get(name)
        if home is None:
            raise missing(module, name, known)
        loaded = importlib.import_module(f"gradtape.tf.{home or name}")
        value = getattr(loaded, name) if home else loaded
        setattr(sys.modules[module], name, value)
        return value

    return get


def missing(module: str, name: str, known: Iterable[str], hint: str = "") -> AttributeError:
    """The error for a name that a module does not have.

    Examples
    --------
    >>> print(missing("gradtape.tf", "reduce_summ", ["reduce_sum", "exp"]))
    module 'gradtape.tf' has no attribute 'reduce_summ'; the nearest is 'reduce_sum'
    """
    words = f"module {module!r} has no attribute {name!r}"
    if name.startswith("__"):  # the import system's own questions
        return AttributeError(words, name=name)
    import difflib  # only an error needs it

    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    nearest = f"; the nearest is {near[0]!r}" if near else ""
    return AttributeError(f"{words}{nearest}{hint}", name=name)
