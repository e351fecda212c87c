"""The words of every error: which function and argument, what came, and the way out."""

from __future__ import annotations

from typing import Any

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
    kind = type(value).__name__
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"a {kind} of shape {tuple(value.shape)} and dtype {value.dtype}"
    text = repr(value)
    return f"{kind} {text if len(text) <= 60 else text[:57] + '...'}"


def name_of(function: Any) -> str:
    """The name under which a user knows a NumPy function or ufunc method."""
    if isinstance(function, tuple):
        return f"{name_of(function[0])}.{function[1]}"
    name = getattr(function, "__name__", repr(function))
    module = getattr(function, "__module__", None)
    if module is None:  # a ufunc does not say where it comes from
        module = "numpy" if getattr(np, name, None) is function else "ufunc"
    return f"{module}.{name}"


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
    return TrackedConversionError(
        f"{describe(tensor)} that an active tape tracks was about to become a bare value "
        "(by np.asarray, float(), a function that does not dispatch, or array[i] = tensor); its "
        "gradient would be lost. Use tensor.numpy() or tensor.item() for the bare value, "
        "gradtape.stop_gradient to leave it out of the gradient, or np.stack, np.concatenate and "
        "np.where to build an array out of tensors."
    )


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
