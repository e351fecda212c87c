"""The words of every error: which function and argument, what came, and the way out."""

from __future__ import annotations

import importlib
import linecache
import sys
from opcode import opmap
from types import FrameType, FunctionType
from typing import Any, NamedTuple

import numpy as np

__all__ = [
    "ChangedArrayError",
    "GradientShapeError",
    "NoRuleError",
    "TrackedConversionError",
]

WAYS_OUT = (
    "Wrap the part that needs no gradient in gradtape.stop_gradient, "
    "or give it a derivative with gradtape.custom_gradient."
)

#: What to write instead of a draw whose parameters are tensors.
DRAWS = {
    **dict.fromkeys(("normal", "laplace", "logistic", "gumbel"), "loc + scale * rng.{}(size=...)"),
    **dict.fromkeys(("exponential", "rayleigh"), "scale * rng.{}(size=...)"),
    "uniform": "low + (high - low) * rng.{}(size=...)",
    "lognormal": "np.exp(mean + sigma * rng.normal(size=...))",
}

CONSUMED = (
    "A non-persistent GradientTape can only be used to compute one set of gradients (or jacobians)"
)


class NoRuleError(TypeError):
    """A function, or one of its arguments, has no derivative rule.

    Fails: ``np.correlate(x, kernel)`` on a tensor when no rule for it is registered.
    Works: ``np.correlate(gt.stop_gradient(x).numpy(), kernel)`` where no gradient is needed.
    """


class TrackedConversionError(TypeError):
    """A tracked tensor was about to become a bare array, which would drop its gradient.

    Fails: ``np.asarray(t)`` or ``array[0] = t`` while a tape tracks ``t``.
    Works: ``t.numpy()`` for the bare value, ``np.stack`` to build an array of tensors.
    """


class ChangedArrayError(RuntimeError):
    """An array that a tape still needs was written to after it was used.

    Fails: ``z = t * a; a[0] = 5.0; tape.gradient(z, t)``.
    Works: ``z = t * a; a = a.copy(); a[0] = 5.0``, or pass ``a.copy()`` in the first place.
    """


class GradientShapeError(ValueError):
    """A gradient that the user supplied does not have the shape it must have."""


def describe(value: Any) -> str:
    """Say what a value is, shortly: type, and shape and dtype where it has them."""
    kind = value.__class__.__name__  # what stands for an array in a trace says so by it
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        article = "an" if kind[0] in "aeioAEIO" or kind.startswith("nd") else "a"
        return f"{article} {kind} of shape {tuple(value.shape)} and dtype {value.dtype}"
    text = repr(value)
    return f"{kind} {text if len(text) <= 60 else text[:57] + '...'}"


def users_level() -> int:
    """The ``stacklevel`` by which a warning names the user's line, however deep its place."""
    frame, level = sys._getframe(1), 1
    while frame.f_back and frame.f_globals.get("__name__", "gradtape.").startswith("gradtape."):
        frame, level = frame.f_back, level + 1
    return level


def named(f: Any) -> str:
    """The name of a user's function."""
    return getattr(f, "__name__", "the function")


def name_of(function: Any) -> str:
    """The name under which a user knows a NumPy function or ufunc method."""
    if isinstance(function, tuple):
        return f"{name_of(function[0])}.{function[1]}"
    name = getattr(function, "__name__", repr(function))
    module = getattr(function, "__module__", None)
    if module is None:  # a ufunc does not say where it comes from
        packages = [np, sys.modules.get("scipy.special")]
        homes = [p.__name__ for p in packages if p and getattr(p, name, None) is function]
        module = homes[0] if homes else "ufunc"
    return f"{_package(module)}.{name}"


def no_rule(function: Any, reason: str = "") -> NoRuleError:
    """The error for a function that no table knows, or that one refuses for a reason."""
    why = f": {reason}" if reason else ""
    return NoRuleError(
        f"{name_of(function)} has no derivative rule in gradtape, so it cannot act on a Tensor"
        f"{why}. {WAYS_OUT}"
    )


def no_rule_for_argument(function: Any, argument: str, reason: str = "") -> NoRuleError:
    """The error for an argument that the function's rule does not handle."""
    why = f" ({reason})" if reason else ""
    return NoRuleError(
        f"{name_of(function)} on a Tensor does not handle the argument {argument!r}{why}. "
        f"Leave it out, or write the same without it. {WAYS_OUT}"
    )


def tracked_conversion(tensor: Any) -> TrackedConversionError:
    """The error for a silent conversion of a tracked tensor."""
    culprit = _scipy_function(sys._getframe(1))
    if culprit is None:
        where = (
            "by np.array, np.asarray, np.vectorize, float(), a function that does not dispatch, or "
            "array[i] = tensor"
        )
        way_out = (
            "Use tensor.numpy() or tensor.item() for the bare value, gradtape.stop_gradient to "
            "leave it out of the gradient, or np.stack, np.concatenate and np.where to build an "
            "array out of tensors (for np.vectorize(f)(t): np.stack([f(v) for v in t])), or "
            f"gradtape.zeros to make one to fill.{_hint(sys._getframe(1))}"
        )
    else:
        where, way_out = f"in {culprit.name}, which does not know tensors", _instead_of(culprit)
    return TrackedConversionError(
        f"{describe(tensor)} that an active tape tracks was about to become a bare value "
        f"({where}); its gradient would be lost. {way_out}"
    )


#: What writes into an array: an entry, and a slice from CPython 3.12 on.
STORES = {opmap[name] for name in ("STORE_SUBSCR", "STORE_SLICE") if name in opmap}


def _hint(frame: FrameType | None) -> str:
    """What a conversion's way out is where a user assigns to an entry, or draws numbers."""
    while frame is not None and frame.f_globals.get("__name__", "").startswith("gradtape."):
        frame = frame.f_back
    if frame is None or frame.f_globals.get("__name__", "").startswith("numpy."):
        return ""
    code = frame.f_code
    if code.co_code[frame.f_lasti] in STORES:
        return (
            " Here: make the array that is written into with gradtape.zeros(shape) or "
            "gradtape.zeros_like(array), then array[i] = tensor works."
        )
    number, _, column, _ = list(code.co_positions())[frame.f_lasti // 2]
    line = linecache.getline(code.co_filename, number or 0, frame.f_globals).encode()
    name = line[column or 0 :].partition(b"(")[0].rpartition(b".")[2].decode().strip()
    if name not in DRAWS:
        return ""
    return f" Here: draw standard numbers and scale them: {DRAWS[name].format(name)}."


class _Public(NamedTuple):
    """A name under which users know a function or a class of SciPy's, or a method of one."""

    package: str
    attribute: str
    method: str = ""

    @property
    def name(self) -> str:
        return ".".join([part for part in self if part])


def _instead_of(culprit: _Public) -> str:
    """What to call instead of one of SciPy's functions."""
    try:
        ours = importlib.import_module(f"gradtape.{culprit.package}")
    except ImportError:
        ours = None
    if culprit.attribute in vars(ours or object):
        return (
            f"Call gradtape.{culprit.package}.{culprit.attribute}, which is the same with "
            "derivatives."
        )
    return (
        f"gradtape has no namesake of {culprit.name}: pass gradtape.stop_gradient(tensor) where no "
        "gradient is needed, or give the call a derivative with gradtape.custom_gradient."
    )


def _scipy_function(frame: FrameType | None) -> _Public | None:
    """The function of SciPy's that its caller knows, if one of SciPy's is at work in a frame."""
    found = None
    while frame is not None:
        package = frame.f_globals.get("__name__", "").partition(".")[0]
        if package == "scipy":
            found = _public(frame) or found  # the outermost one is what the user called
        elif package not in ("numpy", "gradtape", "functools"):
            break
        frame = frame.f_back
    return found


def _public(frame: FrameType) -> _Public | None:
    """The public name of what runs in a frame of SciPy's, or of what a wrapper in it wraps."""
    code = frame.f_code.co_name
    names = frame.f_locals
    package = _package(frame.f_globals["__name__"])
    if "self" in names:
        owner = names["self"]
        method = code if hasattr(type(owner), code) and not code.startswith("_") else ""
        known = getattr(owner, "name", "")  # a frozen distribution has another one of its name
        for name, value in vars(sys.modules.get(package, owner)).items():
            if value is owner or (type(value) is type(owner) and name == known):
                return _Public(package, name, method)
        for kind in type(owner).__mro__:
            home = _package(kind.__module__)
            if _attribute(home, kind.__name__) is kind:
                return _Public(home, kind.__name__, method)
    elif _attribute(package, code) is not None:
        return _Public(package, code)
    for value in names.values():
        if isinstance(value, FunctionType) and str(value.__module__).startswith("scipy."):
            home = _package(value.__module__)
            if _attribute(home, value.__name__) is not None:
                return _Public(home, value.__name__)
    return None


def _package(module: str) -> str:
    """The public package of one of SciPy's modules: scipy.linalg for scipy.linalg._basic."""
    return module.partition("._")[0]


def _attribute(package: str, name: str) -> Any:
    """What a package offers under a public name, or None."""
    public = name and not name.startswith("_") and "." in package
    return getattr(sys.modules.get(package), name, None) if public else None


def masked_array(value: Any) -> TypeError:
    """The error for an array whose mask would be lost."""
    return TypeError(
        f"{describe(value)} is masked, and a tensor would lose its mask: pass value.filled(...), "
        "or choose the entries with np.where."
    )


def changed_array(array: Any, function: str, position: int) -> ChangedArrayError:
    """The error for an array that was written to while a tape needed it."""
    return ChangedArrayError(
        f"argument {position} of {function}, {describe(array)}, was written to after the tape "
        "recorded it, and the tape still needs its old value. Pass a copy (array.copy()) to the "
        "operation, or write into a new array."
    )
