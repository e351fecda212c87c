"""Which functions of NumPy gradtape differentiates: plain data, and the table made of it.

``python -m gradtape.coverage`` prints the table that is ``docs/coverage.md``.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from gradtape import derivatives as _tables  # noqa: F401  (fills the registry)
from gradtape.rules import BARE, BINDINGS, REFUSED, UFUNCS, load_tables_for

__all__ = ["MODULES", "NOT_DISPATCHED", "Status", "callables", "status", "table"]

Status = Literal[
    "differentiable", "bare", "refused", "creation", "conversion", "data", "text", "settings"
]

#: The modules that the table goes through.
MODULES: dict[str, types.ModuleType] = {
    "numpy": np,
    "numpy.linalg": np.linalg,
    "numpy.fft": np.fft,
}

#: Functions that NumPy does not hand on to the types of their arguments, and what they do with a
#: tensor. Each group has a word, and a note for the table.
NOT_DISPATCHED: dict[Status, tuple[str, frozenset[str]]] = {
    "creation": (
        "makes an array of numbers and shapes that have no derivative",
        frozenset(
            [
                "arange",
                "bartlett",
                "blackman",
                "diag_indices",
                "empty",
                "eye",
                "fftfreq",
                "full",
                "hamming",
                "hanning",
                "identity",
                "indices",
                "kaiser",
                "mask_indices",
                "ones",
                "rfftfreq",
                "tri",
                "tril_indices",
                "triu_indices",
                "zeros",
            ]
        ),
    ),
    "conversion": (
        "answers with a bare array, and raises on a tensor that a tape tracks",
        frozenset(
            [
                "array",
                "asanyarray",
                "asarray",
                "asarray_chkfinite",
                "ascontiguousarray",
                "asfortranarray",
                "asmatrix",
                "bmat",
                "from_dlpack",
                "frombuffer",
                "fromiter",
                "nested_iters",
                "require",
            ]
        ),
    ),
    "data": (
        "asks about a type or an object, or only calls other functions",
        frozenset(
            [
                "datetime_data",
                "fromfunction",
                "frompyfunc",
                "get_include",
                "isdtype",
                "isfortran",
                "isscalar",
                "issubdtype",
                "iterable",
                "mintypecode",
                "promote_types",
                "row_stack",
                "typename",
            ]
        ),
    ),
    "text": (
        "reads or writes text and files",
        frozenset(
            [
                "base_repr",
                "binary_repr",
                "format_float_positional",
                "format_float_scientific",
                "fromfile",
                "fromregex",
                "fromstring",
                "genfromtxt",
                "load",
                "loadtxt",
            ]
        ),
    ),
    "settings": (
        "sets, gets or shows how NumPy works",
        frozenset(
            [
                "get_printoptions",
                "getbufsize",
                "geterr",
                "geterrcall",
                "info",
                "printoptions",
                "set_printoptions",
                "setbufsize",
                "seterr",
                "seterrcall",
                "show",  # what NumPy 2.0 calls its show_config
                "show_config",
                "show_runtime",
            ]
        ),
    ),
}

_NOTES: dict[str, str] = {
    "full": "with a tracked value: `np.full_like(t, value)`",
    "row_stack": "an older name of `vstack`, which is differentiable",
    "fromfunction": "the function may answer with tensors",
    "bmat": "`np.block` is differentiable",
}


def callables(module: types.ModuleType) -> dict[str, Callable[..., Any]]:
    """The public functions of a module of NumPy by name: no types, no other objects."""
    return {
        name: value
        for name, value in sorted(vars(module).items())
        if not name.startswith("_")
        and callable(value)
        and hasattr(value, "__name__")
        and not isinstance(value, type)
    }


def status(function: Any) -> Status | None:
    """Say what gradtape does with a function of NumPy.

    Parameters
    ----------
    function : a function or ufunc of ``numpy``, ``numpy.linalg`` or ``numpy.fft``.

    Returns
    -------
    "differentiable": it has a rule; "bare": it has no derivative by nature and answers with bare
    values; "refused": it raises on a tracked tensor, with a reason; a key of ``NOT_DISPATCHED``:
    NumPy itself does not ask the types of its arguments. None: nothing is known about it.

    Examples
    --------
    >>> import numpy as np
    >>> from gradtape.coverage import status
    >>> status(np.exp), status(np.argmax), status(np.zeros)
    ('differentiable', 'bare', 'creation')
    """
    load_tables_for(function)
    if function in BINDINGS or function in UFUNCS:
        return "differentiable"
    if function in BARE:
        return "bare"
    if function in REFUSED:
        return "refused"
    for kind, (_, names) in NOT_DISPATCHED.items():
        if getattr(function, "__name__", "") in names:
            return kind
    return None


def _note(name: str, function: Any, kind: Status | None) -> str:
    """What a reader should know beside the status."""
    if kind == "refused":
        return REFUSED[function]
    if kind == "differentiable":
        missing = _unhandled(function)
        return f"without {', '.join(f'`{n}`' for n in missing)}" if missing else ""
    if kind in NOT_DISPATCHED:
        return _NOTES.get(name, "")
    return ""


#: Arguments of NumPy's own machinery.
_MACHINERY = {"subok", "like", "device", "signature", "out", "casting", "order"}


def _unhandled(function: Any) -> list[str]:
    """The arguments of NumPy's function that its rule does not take."""
    binder = BINDINGS.get(function)
    if binder is None or isinstance(function, np.ufunc):
        return []
    try:
        theirs = inspect.signature(function).parameters
    except (TypeError, ValueError):  # not every function tells its signature
        return []
    ours = inspect.signature(binder).parameters
    if any([p.kind is p.VAR_KEYWORD for p in ours.values()]):
        return []
    return [
        name
        for name, p in theirs.items()
        if name not in ours
        and name not in _MACHINERY
        and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
        and p.default is not p.empty
    ]


def table() -> str:
    """The Markdown page: every public function of the modules, its status, and notes."""
    version = ".".join(np.__version__.split(".")[:2])
    lines = [
        "# Coverage",
        "",
        f"What becomes of a tracked tensor in each public function of NumPy {version}.",
        "This page is printed by `python -m gradtape.coverage`.",
        "",
        "- *differentiable*: it has a derivative rule, for both modes and every order;",
        "- *bare*: it has no derivative by nature, and answers with bare values;",
        "- *refused*: it raises `NoRuleError` on a tracked tensor, and says what to write instead;",
        *[f"- *{kind}*: it {words};" for kind, (words, _) in NOT_DISPATCHED.items()],
    ]
    lines[-1] = lines[-1][:-1] + "."
    for title, module in MODULES.items():
        lines += ["", f"## {title}", "", "| function | status | notes |", "|---|---|---|"]
        for name, function in callables(module).items():
            kind = status(function)
            note = _note(name, function, kind)
            lines.append(f"| `{name}` | {kind or 'unknown'} | {note} |".replace("|  |", "| |"))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(table(), end="")
