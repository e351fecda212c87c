"""``tf.debugging``: checks that raise at once.

Examples
--------
>>> import gradtape.tf as tf
>>> tf.debugging.assert_equal([1, 2], [1, 2])
>>> tf.debugging.check_numerics(tf.constant([1.0, 2.0]), "weights").numpy()
array([1., 2.], dtype=float32)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from gradtape import tensor as engine
from gradtape.tf import errors
from gradtape.tf.elementwise import together
from gradtape.tf.missing import missing
from gradtape.tf.tensors import Tensor, identity, operand
from gradtape.tf.types import as_dtype

__all__ = [
    "Assert",
    "assert_all_finite",
    "assert_equal",
    "assert_greater",
    "assert_greater_equal",
    "assert_integer",
    "assert_less",
    "assert_less_equal",
    "assert_near",
    "assert_negative",
    "assert_non_negative",
    "assert_non_positive",
    "assert_none_equal",
    "assert_positive",
    "assert_proper_iterable",
    "assert_rank",
    "assert_rank_at_least",
    "assert_rank_in",
    "assert_same_float_dtype",
    "assert_scalar",
    "assert_shapes",
    "assert_type",
    "check_numerics",
    "is_numeric_tensor",
]


def _failed(message: Any, text: str) -> errors.InvalidArgumentError:
    return errors.InvalidArgumentError(None, None, f"{message}\n{text}" if message else text)


def Assert(condition: Any, data: Any, summarize: int = 3, name: str | None = None) -> None:  # noqa: N802
    """Nothing, if the condition holds.

    Raises
    ------
    InvalidArgumentError : it does not; the message shows the data.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.debugging.Assert(tf.constant(True), ["never shown"])
    """
    if not np.all(engine.bare(condition)):
        shown = "\n".join([str(engine.bare(value)) for value in data])
        raise errors.InvalidArgumentError(
            None, None, f"Expected {str(condition)!r} to be true. Summarized data: {shown}"
        )


# Values ---------------------------------------------------------------------------------------


def _comparison(name: str, sign: str, compare: Callable[[Any, Any], Any]) -> Callable[..., None]:
    def check(
        x: Any, y: Any, message: Any = None, summarize: int = 3, name: str | None = None
    ) -> None:
        a, b = (t.array for t in together(name or "Assert", x, y))
        holds = np.asarray(compare(a, b))
        if holds.all():
            return
        first, second = np.broadcast_arrays(a, b)
        wrong = np.argwhere(~holds)
        text = f"Condition x {sign} y did not hold."
        if holds.ndim:
            count = min(len(wrong), summarize)
            text += (
                f"\nIndices of first {count} different values:\n{wrong[:summarize]}"
                f"\nCorresponding x values:\n{first[~holds][:summarize]}"
                f"\nCorresponding y values:\n{second[~holds][:summarize]}"
            )
        for letter, values in (("x", a), ("y", b)):
            flat = np.reshape(values, -1)[:summarize]
            text += f"\nFirst {len(flat)} elements of {letter}:\n{flat}"
        raise _failed(message, text)

    def other_order(
        x: Any, y: Any, summarize: int = 3, message: Any = None, name: str | None = None
    ) -> None:
        check(x, y, message, summarize, name)

    function: Any = other_order if sign == "!=" else check  # TensorFlow's orders of arguments
    function.__name__ = function.__qualname__ = name
    function.__doc__ = (
        f"Nothing, if x {sign} y holds for all entries; else InvalidArgumentError, with "
        "``message`` and the first entries."
    )
    return function  # type: ignore[no-any-return]


assert_equal = _comparison("assert_equal", "==", np.equal)
assert_none_equal = _comparison("assert_none_equal", "!=", np.not_equal)
assert_less = _comparison("assert_less", "<", np.less)
assert_less_equal = _comparison("assert_less_equal", "<=", np.less_equal)
assert_greater = _comparison("assert_greater", ">", np.greater)
assert_greater_equal = _comparison("assert_greater_equal", ">=", np.greater_equal)


def _sign(name: str, sign: str, compare: Callable[[Any, Any], Any]) -> Callable[..., None]:
    def function(x: Any, message: Any = None, summarize: int = 3, name: str | None = None) -> None:
        array = operand(x).array
        if not np.all(compare(array, 0)):
            raise _failed(
                message,
                f"Condition x {sign} 0 did not hold element-wise:\n"
                f"x (shape={array.shape} dtype={array.dtype}) = \n{array}",
            )

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Nothing, if x {sign} 0 holds for all entries; else InvalidArgumentError."
    return function


assert_positive = _sign("assert_positive", ">", np.greater)
assert_negative = _sign("assert_negative", "<", np.less)
assert_non_negative = _sign("assert_non_negative", ">=", np.greater_equal)
assert_non_positive = _sign("assert_non_positive", "<=", np.less_equal)


def assert_near(
    x: Any,
    y: Any,
    rtol: Any = None,
    atol: Any = None,
    message: Any = None,
    summarize: int = 3,
    name: str | None = None,
) -> None:
    """Nothing, if ``|x - y| <= atol + rtol * |y|`` holds for all entries.

    ``rtol`` and ``atol`` are ten times the dtype's epsilon by default.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.debugging.assert_near(1.0, 1.0000001)
    """
    a, b = (t.array for t in together("Sub", x, y))
    ten_eps = 10 * np.finfo(a.dtype).eps if a.dtype.kind in "fc" else 0
    rtol = ten_eps if rtol is None else engine.bare(rtol)
    atol = ten_eps if atol is None else engine.bare(atol)
    if not np.all(np.abs(a - b) <= atol + rtol * np.abs(b)):
        raise _failed(
            message,
            f"x and y not equal to tolerance rtol = {rtol}, atol = {atol}\nx (shape={a.shape} "
            f"dtype={a.dtype}) = \n{a}\ny (shape={b.shape} dtype={b.dtype}) = \n{b}",
        )


def check_numerics(tensor: Any, message: str, name: str | None = None) -> Tensor:
    """The tensor itself, if it holds neither NaN nor infinity.

    Raises
    ------
    InvalidArgumentError : it holds one.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.debugging.check_numerics([1.0], "all is well").numpy()
    array([1.], dtype=float32)
    """
    x = operand(tensor)
    if x.array.dtype.kind != "f":
        raise errors.not_allowed("CheckNumerics", x.array.dtype, "bfloat16, half, float, double")
    found = [word for word, test in (("Inf", np.isinf), ("NaN", np.isnan)) if np.any(test(x.array))]
    if found:
        raise errors.invalid(
            "CheckNumerics", f"{message} : Tensor had {' and '.join(found)} values"
        )
    return identity(x)


def assert_all_finite(x: Any, message: str, name: str | None = None) -> Tensor:
    """See ``check_numerics``.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.debugging.assert_all_finite([1.0], "all is well").numpy()
    array([1.], dtype=float32)
    """
    return check_numerics(x, message)


# Shapes ---------------------------------------------------------------------------------------


def _rank(x: Any, message: Any, wanted: str, fits: Callable[[int], bool]) -> None:
    tensor = operand(x)
    if not fits(tensor.array.ndim):
        raise ValueError(
            f"{message or ''}. Tensor must have rank {wanted}.  Received rank "
            f"{tensor.array.ndim}, shape {tensor.array.shape}".removeprefix(". ")
        )


def assert_rank(x: Any, rank: Any, message: Any = None, name: str | None = None) -> None:
    """Nothing, if x has so many axes; else ValueError.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.debugging.assert_rank([1.0], 1)
    """
    wanted = int(engine.bare(rank))
    _rank(x, message, str(wanted), lambda n: n == wanted)


def assert_rank_at_least(x: Any, rank: Any, message: Any = None, name: str | None = None) -> None:
    """Nothing, if x has so many axes or more; else ValueError.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.debugging.assert_rank_at_least([[1.0]], 1)
    """
    least = int(engine.bare(rank))
    _rank(x, message, f"at least {least}", lambda n: n >= least)


def assert_rank_in(x: Any, ranks: Any, message: Any = None, name: str | None = None) -> None:
    """Nothing, if the number of x's axes is one of several; else ValueError.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.debugging.assert_rank_in([[1.0]], (1, 2))
    """
    allowed = tuple([int(engine.bare(r)) for r in ranks])
    _rank(x, message, f"in {allowed}", lambda n: n in allowed)


def assert_scalar(tensor: Any, message: Any = None, name: str | None = None) -> Tensor:
    """The tensor itself, if it has no axes; else ValueError.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.debugging.assert_scalar(1.0).numpy()
    np.float32(1.0)
    """
    x = operand(tensor)
    if x.array.ndim:
        raise ValueError(f"{message or ''}Expected scalar shape, saw shape: {x.array.shape}.")
    return x  # type: ignore[no-any-return]


def assert_shapes(
    shapes: Any, data: Any = None, summarize: Any = None, message: Any = None, name: Any = None
) -> None:
    """Nothing, if the shapes of tensors are as said; else ValueError.

    Parameters
    ----------
    shapes : pairs of a tensor and its shape, or a dict of such: numbers, None for any length, and
        names, which stand for the same length wherever they come.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> x, y = tf.zeros([2, 3]), tf.zeros([3])
    >>> tf.debugging.assert_shapes([(x, ("N", "D")), (y, ("D",))])
    """
    lengths: dict[Any, int] = {}
    for tensor, shape in shapes.items() if isinstance(shapes, dict) else shapes:
        x = operand(tensor)
        wanted = list(shape)
        if len(wanted) != x.array.ndim:
            raise ValueError(
                f"{message or ''}Tensor must have rank {len(wanted)}.  Received rank "
                f"{x.array.ndim}, shape {x.array.shape}"
            )
        for i, (length, symbol) in enumerate(zip(x.array.shape, wanted, strict=True)):
            if symbol is None or symbol == ".":
                continue
            known = int(symbol) if str(symbol).isdigit() else lengths.setdefault(symbol, length)
            if length != known:
                raise ValueError(
                    f"{message or ''}Tensor dimension {i} must have size {known}.  Received size "
                    f"{length}, shape {x.array.shape}"
                )


# Types ----------------------------------------------------------------------------------------


def assert_type(tensor: Any, tf_type: Any, message: Any = None, name: str | None = None) -> None:
    """Nothing, if the tensor has the dtype; else TypeError.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.debugging.assert_type(tf.constant(1.0), tf.float32)
    """
    wanted, given = as_dtype(tf_type), as_dtype(operand(tensor).array.dtype)
    if given != wanted:
        prefix = f"{message}  " if message else ""
        raise TypeError(f"{prefix}tensor must be of type {wanted!r}; got {given!r}")


def assert_integer(x: Any, message: Any = None, name: str | None = None) -> None:
    """Nothing, if x holds integers; else TypeError.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.debugging.assert_integer([1, 2])
    """
    dtype = as_dtype(operand(x).array.dtype)
    if not dtype.is_integer:
        prefix = f"{message}  " if message else ""
        raise TypeError(f'{prefix}Expected "x" to be integer type.  Found: tensor of dtype {dtype}')


def assert_same_float_dtype(tensors: Any = None, dtype: Any = None) -> Any:
    """The floating dtype that all tensors have, float32 if there are none; else ValueError.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.debugging.assert_same_float_dtype([tf.constant(1.0), tf.constant(2.0)])
    tf.float32
    """
    expected = None if dtype is None else as_dtype(dtype)
    for tensor in tensors or []:
        given = as_dtype(operand(tensor).array.dtype)
        if expected is not None and given != expected:
            raise ValueError(
                f"{tensor}, type={given}, must be of the same type ({expected}) as the others."
            )
        expected = given
    if expected is not None and not expected.is_floating:
        raise ValueError(f"Expected floating point type, got {expected}.")
    return as_dtype("float32") if expected is None else expected


def assert_proper_iterable(values: Any) -> None:
    """Nothing, if the values are an iterable of things, not a tensor or a text; else TypeError.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.debugging.assert_proper_iterable([1.0, 2.0])
    """
    wrong = isinstance(values, (engine.Tensor, np.ndarray, bytes, str))
    if wrong or not isinstance(values, Iterable):
        raise TypeError(
            f"Expected argument 'values' to be a 'proper' iterable.  Found: {type(values)}"
        )


def is_numeric_tensor(tensor: Any) -> bool:
    """Whether something is a tensor of numbers (not of truth values).

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.debugging.is_numeric_tensor(tf.constant(1.0))
    True
    """
    return isinstance(tensor, engine.Tensor) and tensor.array.dtype.kind in "iufc"


if not TYPE_CHECKING:  # a type checker knows by itself what is not here

    def __getattr__(name: str) -> Any:
        """Raise the error for a name that is not here, with the nearest that is."""
        raise missing(__name__, name, __all__)
