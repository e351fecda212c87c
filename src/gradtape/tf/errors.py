"""TensorFlow's error classes, and its words for dtypes and shapes that do not go together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gradtape.tf.missing import missing

__all__ = ["InvalidArgumentError", "OpError"]

REALS = "bfloat16, half, float, double, complex64, complex128"
NUMBERS = (
    "bfloat16, half, float, double, uint8, uint16, uint32, uint64, int8, int16, int32, int64, "
    "complex64, complex128"
)
#: Of numbers that can be compared.
ORDERED = "bfloat16, half, float, double, uint8, uint16, uint32, uint64, int8, int16, int32, int64"
_SHORT = {"float16": "half", "float32": "float", "float64": "double"}


class OpError(Exception):
    """An operation failed.

    Attributes
    ----------
    message : what went wrong.
    op : the operation's name, or None.
    node_def : None; there is no graph here.
    """

    def __init__(self, node_def: Any, op: Any, message: str, *details: Any) -> None:
        super().__init__(message)
        self.node_def, self.op, self.message = node_def, op, message


class InvalidArgumentError(OpError):
    """An operation was given an argument that it cannot take.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> try:
    ...     tf.constant(1.0) + tf.constant(1)
    ... except tf.errors.InvalidArgumentError as error:
    ...     print(error.message)  # doctest: +ELLIPSIS
    cannot compute AddV2 as input #1(zero-based) was expected to be a float tensor but is a int32...
    """


def invalid(op: str, message: str) -> InvalidArgumentError:
    """The error of an operation, with its name as TensorFlow writes it."""
    return InvalidArgumentError(None, op, f"{message} [Op:{op}] name: ")


def short(dtype: Any) -> str:
    """TensorFlow's short name of a dtype: float for float32."""
    name: str = dtype.name
    return _SHORT.get(name, name)


def mismatch(op: str, first: Any, second: Any, position: int = 1) -> InvalidArgumentError:
    """The error for two tensors of different dtypes."""
    return InvalidArgumentError(
        None,
        op,
        f"cannot compute {op} as input #{position}(zero-based) was expected to be a "
        f"{short(first)} tensor but is a {short(second)} tensor [Op:{op}] name: "
        f"(make them equal, as with tf.cast(y, tf.{first.name}))",
    )


def quotient_mismatch(first: Any, second: Any) -> TypeError:
    """The error for a quotient of different dtypes, which TensorFlow words otherwise."""
    return TypeError(
        f"`x` and `y` must have the same dtype, got tf.{first.name} != tf.{second.name}."
    )


def not_allowed(op: str, dtype: Any, allowed: str) -> InvalidArgumentError:
    """The error for a dtype that an operation is not defined for."""
    hint = "" if dtype.kind == "f" else "; cast it with tf.cast(x, tf.float32)"
    return invalid(
        op,
        f"Value for attr 'T' of {short(dtype)} is not in the list of allowed values: {allowed}\n"
        f"\t; NodeDef: {{{{node {op}}}}}{hint}",
    )


def of_integers(dtype: Any) -> TypeError:
    """The error for deviations of integers."""
    return TypeError(
        "Input must be either real or complex. Received integer type "
        f"<dtype: {short(dtype)!r}>. Cast it with tf.cast(x, tf.float32)."
    )


def no_integers(op: str, attribute: str, dtype: Any) -> InvalidArgumentError:
    """The error for indices, lengths or axes that are no integers."""
    return invalid(
        op,
        f"Value for attr '{attribute}' of {short(dtype)} is not in the list of allowed values: "
        f"int32, int64\n\t; NodeDef: {{{{node {op}}}}}; cast it with tf.cast(x, tf.int32)",
    )


def no_truth(op: str, dtype: Any, position: int = 0) -> InvalidArgumentError:
    """The error for an argument that must hold truth values."""
    return InvalidArgumentError(
        None,
        op,
        f"cannot compute {op} as input #{position}(zero-based) was expected to be a bool tensor "
        f"but is a {short(dtype)} tensor [Op:{op}] name: (compare it, as with x != 0)",
    )


def listed(shape: Any) -> str:
    """A shape as these messages write it: [2,3]."""
    return "[" + ",".join([str(n) for n in shape]) + "]"


def incompatible(op: str, first: Any, second: Any) -> InvalidArgumentError:
    """The error for shapes that do not broadcast."""
    return invalid(op, f"Incompatible shapes: {listed(first)} vs. {listed(second)}")


if not TYPE_CHECKING:  # a type checker knows by itself what is not here

    def __getattr__(name: str) -> Any:
        """Raise the error for a name that is not here, with the nearest that is."""
        raise missing(__name__, name, __all__)
