"""How many threads programs may use."""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Mapping
from pathlib import Path

__all__ = ["MOST_THREADS", "get_threads", "on_change", "set_threads"]

#: No program is cut into more pieces than this.
MOST_THREADS = 64
#: More are there only if somebody asks for them: memory is what is short then.
_ENOUGH = 16

#: Which variables say how many threads there are when nobody else does, in this order.
_OWN, _USUAL = "GRADTAPE_NUM_THREADS", "OMP_NUM_THREADS"
#: What a container may use: microseconds in each period, and the period.
_QUOTA = Path("/sys/fs/cgroup/cpu.max")

_chosen: int | None = None
_listeners: list[Callable[[int], None]] = []


def set_threads(n: int | None) -> None:
    """Say how many threads programs may use.

    Programs over many entries (from some ten thousand on with the LLVM engine, a hundred thousand
    with NumPy's) run on several threads, the caller's among them; the results are the same however
    many there are. BLAS has threads of its own, which this does not change.

    Parameters
    ----------
    n : from 1 to 64; 1 for no threads but the caller's. None for the usual number: that of the
        environment variable ``GRADTAPE_NUM_THREADS``, else of ``OMP_NUM_THREADS``, else that of
        the processors that this process may use, at most 16.

    Raises
    ------
    TypeError : ``n`` is not a whole number.
    ValueError : ``n`` is not from 1 to 64.

    Examples
    --------
    >>> import gradtape as gt
    >>> gt.set_threads(2)
    >>> gt.get_threads()
    2
    >>> gt.set_threads(None)
    """
    global _chosen
    _chosen = None if n is None else _checked(n, "argument `n` of set_threads")
    told = get_threads()
    for listener in _listeners:
        listener(told)


def get_threads() -> int:
    """How many threads programs may use, the caller's among them.

    Returns
    -------
    int : what ``set_threads`` was given, or the usual number.

    Raises
    ------
    ValueError : the environment variable ``GRADTAPE_NUM_THREADS`` is not a number from 1 to 64.

    Examples
    --------
    >>> import gradtape as gt
    >>> gt.get_threads() >= 1
    True
    """
    global _chosen
    if _chosen is None:
        _chosen = _usual(os.environ)
    return _chosen


def on_change(listener: Callable[[int], None]) -> None:
    """Call a function with the number of threads whenever it is set."""
    _listeners.append(listener)


def _checked(n: object, name: str) -> int:
    if isinstance(n, bool):
        raise TypeError(f"{name} must be a whole number or None, not {n!r}")
    try:
        count = operator.index(n)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name} must be a whole number or None, not {n!r}") from None
    if not 1 <= count <= MOST_THREADS:
        raise ValueError(f"{name} must be from 1 to {MOST_THREADS}, not {count}")
    return count


def _usual(environment: Mapping[str, str]) -> int:
    """The number of threads when nobody has set it."""
    said = environment.get(_OWN, "").strip()
    if said:
        try:
            count = int(said)
        except ValueError:
            raise ValueError(
                f"the environment variable {_OWN} must be a number from 1 to {MOST_THREADS}, "
                f"not {said!r}"
            ) from None
        return _checked(count, f"the environment variable {_OWN}")
    said = environment.get(_USUAL, "").split(",")[0].strip()  # one number for each level of nesting
    count = int(said) if said.isdecimal() else 0
    return min(count, MOST_THREADS) if count else min(_processors(), _ENOUGH)


def _processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    try:
        quota, period = _QUOTA.read_text(encoding="ascii").split()
        return count if quota == "max" else max(1, min(count, -(-int(quota) // int(period))))
    except (OSError, ValueError, ZeroDivisionError):
        return count
