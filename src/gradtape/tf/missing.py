"""What an unknown name answers: that it is missing, and the name nearest to it."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["missing"]


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
