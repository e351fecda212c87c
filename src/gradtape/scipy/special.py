"""``scipy.special`` on tensors: SciPy's Python functions as namesakes, its ufuncs as they are.

SciPy's ufuncs know tensors (``scipy.special.gammaln(t)``). Its Python functions (``logsumexp``,
``polygamma``, ...) would turn a tensor into an array; the namesakes here have SciPy's arguments,
values and documentation, and derivatives. On bare arrays they are SciPy's own functions.

>>> import gradtape as gt, gradtape.scipy.special as special
>>> x = gt.Variable([1.0, 2.0, 3.0])
>>> with gt.GradientTape() as tape:
...     y = special.logsumexp(x) + special.gammaln(x).sum()
>>> tape.gradient(y, x)
Tensor([-0.48718509,  0.66751281,  1.58802529])
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special

from gradtape.calls import call
from gradtape.derivatives.axes import holds_tensors
from gradtape.errors import WAYS_OUT
from gradtape.rules import BINDINGS, load_tables_for
from gradtape.scipy import _special_functions
from gradtape.scipy._namesakes import array, is_bare, scipys

__all__: list[str] = []


def _stacked(value: Any) -> Any:
    """A list or tuple with tensors in it as one tensor; anything else as it is."""
    return array(value) if holds_tensors(value) else value


def _namesake(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of SciPy's that also takes tensors, as the table of rules says."""

    @functools.wraps(function)
    def namesake(*args: Any, **kwargs: Any) -> Any:
        if is_bare(*args, *kwargs.values()):
            return scipys(function, *args, **kwargs)
        stacked = {key: _stacked(value) for key, value in kwargs.items()}
        return call(function, tuple([_stacked(a) for a in args]), stacked)

    return namesake


def _names() -> dict[str, Any]:
    """SciPy's ufuncs, namesakes of the Python functions that have a rule, and hand-made ones."""
    load_tables_for(scipy.special.gamma)
    names = {}
    for name in scipy.special.__all__:
        function = getattr(scipy.special, name)
        if isinstance(function, np.ufunc) or function is np.sinc:
            names[name] = function
        elif callable(function) and function in BINDINGS:
            names[name] = _namesake(function)
    return names | {name: getattr(_special_functions, name) for name in _special_functions.__all__}


_found = _names()
globals().update(_found)
__all__ += sorted(_found)


def __getattr__(name: str) -> Any:
    start = f"module {__name__!r} has no attribute {name!r}"
    if not name.startswith("_") and hasattr(scipy.special, name):
        raise AttributeError(
            f"{start}: scipy.special.{name} is there for bare arrays, but has no namesake with "
            f"derivatives here. {WAYS_OUT}"
        )
    near = difflib.get_close_matches(name, __all__, 3)
    hint = f"did you mean {' or '.join(near)}?" if near else "dir() tells what there is."
    raise AttributeError(f"{start}: {hint}")
