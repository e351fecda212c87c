"""How SciPy's ufuncs of several arguments or outputs are registered, and those behind functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradtape.derivatives.special_arguments import refusing
from gradtape.needs import Named, parameters
from gradtape.rules import Elementwise, elementwise, meaning, strip

__all__ = ["several", "several_arguments", "ufunc_behind"]


def several_arguments(table: dict[Any, Any], *names: str) -> None:
    """Register ufuncs of several arguments; their rules get values that have a dtype."""
    for function, partials in table.items():
        several = type(partials) is tuple
        typed = tuple([_typed(p) for p in partials]) if several else _typed(partials)
        elementwise({function: typed}, names=names)


def _typed(partial: Any) -> Any:
    """A partial that gets Python numbers as scalars of the dtype of the value."""
    if isinstance(partial, Named):
        function, names = partial.function, partial.names
    elif callable(partial):
        function, names = partial, parameters(partial)
    else:
        return partial

    def typed(*values: Any) -> Any:
        *given, out = values
        scalar = out.dtype.type
        turned = [v if hasattr(v, "dtype") else scalar(v) for v in given]
        return function(*turned, out) if names[-1] == "out" else function(*turned)

    return Named(typed, names if names[-1] == "out" else (*names, "out"))


def several(
    ufunc: Any, names: tuple[str, ...], *partials: Any, reasons: dict[int, str] | None = None
) -> None:
    """Register a ufunc with several outputs.

    Parameters
    ----------
    ufunc : what computes the outputs, once in a call.
    names : of its arguments.
    partials : per output, what Elementwise takes: one by the only argument, or one by each.
    reasons : what ``refusing`` takes, for arguments whose partials are None.

    Each output comes from a primitive of its own, which takes the arguments and the value that it
    has at them.
    """
    primitives = []
    for i, by in enumerate(partials):
        each = (by if isinstance(by, tuple) else (by,)) + (None,)
        name = f"{ufunc.__name__} {i}"
        output = Elementwise(
            lambda *arguments: arguments[-1], each, names=(*names, "value"), name=name
        )
        primitives.append(refusing(output, reasons, ufunc) if reasons else output)

    def binder(*arguments: Any) -> Any:
        values = ufunc(*[strip(a) for a in arguments])
        return tuple([p(*arguments, v) for p, v in zip(primitives, values, strict=True)])

    meaning(ufunc)(binder)


class _Probe:
    """What shows which ufunc it is given to."""

    def __array_ufunc__(self, ufunc: Any, *_: Any, **__: Any) -> Any:
        return ufunc


def ufunc_behind(function: Callable[..., Any], *others: Any) -> Any:
    """The ufunc to which a Python function of SciPy passes its first argument on, as it came."""
    return function(_Probe(), *others)
