"""Sums, means, extremes and the like over axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradtape import tensor as engine
from gradtape.tf import errors, rules
from gradtape.tf.elementwise import cast
from gradtape.tf.tensors import Tensor, integers, operand, result

Function = Callable[..., Tensor]


def axes_of(op: str, axis: Any, ndim: int) -> tuple[int, ...] | None:
    """The axes that an argument names; None for all.

    Raises InvalidArgumentError for an axis that the tensor does not have.
    """
    axis = engine.bare(axis)
    if axis is None:
        return None
    given = [axis] if type(axis) is int else integers(op, axis, "Tidx").reshape(-1).tolist()
    for a in given:
        if not -ndim <= a < ndim:
            raise errors.invalid(
                op, f"Invalid reduction dimension ({a} for input with {ndim} dimension(s)"
            )
    return tuple(given)


def _reduction(
    name: str,
    doc: str,
    compute: Callable[..., Any],
    op: str = "",
    kinds: str = "iufc",
    of_integers: Callable[..., Any] | None = None,
) -> Function:
    """A reduction; ``of_integers`` is its form for integers, which stay what they are."""
    op = op or name.removeprefix("reduce_").capitalize()

    def function(
        input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
    ) -> Tensor:
        x = operand(input_tensor)
        dtype = x.array.dtype
        if kinds == "b" and dtype.kind != "b":
            raise errors.no_truth(op, dtype)
        if op in ("Std", "Variance") and dtype.kind in "iu":
            raise errors.of_integers(dtype)
        if dtype.kind not in kinds:
            raise errors.not_allowed(op, dtype, errors.NUMBERS)
        axes = axes_of(op, axis, x.array.ndim)
        with np.errstate(all="ignore"):
            if dtype.kind in "iu" and of_integers is not None:
                return result(of_integers(x.array, axis=axes, keepdims=keepdims).astype(dtype))
            return result(compute(x, axis=axes, keepdims=keepdims))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = (
        f"{doc}\n\n``{name}(input_tensor, axis=None, keepdims=False)``: over the given axis or "
        "axes, or over all."
    )
    return function


def _mean_of_integers(x: Any, axis: Any, keepdims: Any) -> Any:
    """The mean, cut off to an integer."""
    return np.trunc(np.mean(x, axis=axis, keepdims=keepdims, dtype=np.float64))


def _logsumexp(x: Any, axis: Any, keepdims: Any) -> Any:
    """log(sum(exp(x))): the greatest entry goes before the logarithm, so nothing overflows."""
    greatest = np.max(engine.bare(x), axis=axis, keepdims=True)
    greatest = np.where(np.isfinite(greatest), greatest, greatest.dtype.type(0))
    out = np.log(np.sum(np.exp(x - greatest), axis=axis, keepdims=keepdims))
    return out + greatest.reshape(out.shape)


def _variance(x: Any, axis: Any, keepdims: Any) -> Any:
    return np.var(x, axis=axis, keepdims=keepdims)


def _deviation(x: Any, axis: Any, keepdims: Any) -> Any:
    return rules.sqrt(np.var(x, axis=axis, keepdims=keepdims))


def _euclidean(x: Any, axis: Any, keepdims: Any) -> Any:
    squares = np.sum(np.real(x * np.conjugate(x)), axis=axis, keepdims=keepdims)
    return rules.sqrt(squares).astype(engine.bare(x).dtype)  # of complex numbers it is complex


reduce_sum = _reduction("reduce_sum", "The sum.", np.sum, of_integers=np.sum)
reduce_mean = _reduction("reduce_mean", "The mean.", np.mean, of_integers=_mean_of_integers)
reduce_prod = _reduction("reduce_prod", "The product.", np.prod, of_integers=np.prod)
reduce_max = _reduction(
    "reduce_max", "The greatest; ties share the gradient equally.", np.max, kinds="iuf"
)
reduce_min = _reduction(
    "reduce_min", "The least; ties share the gradient equally.", np.min, kinds="iuf"
)
reduce_any = _reduction("reduce_any", "Whether any is true.", np.any, kinds="b")
reduce_all = _reduction("reduce_all", "Whether all are true.", np.all, kinds="b")
reduce_logsumexp = _reduction(
    "reduce_logsumexp", "log(sum(exp(x))), without overflow.", _logsumexp, "LogSumExp", "f"
)
reduce_variance = _reduction("reduce_variance", "The variance.", _variance, "Variance", "fc")
reduce_std = _reduction("reduce_std", "The standard deviation.", _deviation, "Std", "fc")
reduce_euclidean_norm = _reduction(
    "reduce_euclidean_norm", "The root of the sum of squares.", _euclidean, "EuclideanNorm", "fc"
)


def count_nonzero(
    input: Any,
    axis: Any = None,
    keepdims: bool = False,
    dtype: Any = np.int64,
    name: str | None = None,
) -> Tensor:
    """How many entries are not 0.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.math.count_nonzero([0.0, 2.0, 3.0]).numpy()
    np.int64(2)
    """
    x = operand(input).array
    axes = axes_of("CountNonzero", axis, x.ndim)
    return cast(result(np.count_nonzero(x, axis=axes, keepdims=keepdims)), dtype)


def _position(name: str, doc: str, compute: Callable[..., Any]) -> Function:
    """argmax or argmin: no derivative, int64."""

    def function(
        input: Any,
        axis: Any = None,
        output_type: Any = np.int64,
        name: str | None = None,
    ) -> Tensor:
        array = operand(input).array
        if array.dtype.kind == "c":
            raise errors.not_allowed("ArgMax", array.dtype, errors.ORDERED)
        axis = 0 if axis is None else engine.bare(axis)
        (axis,) = axes_of("ArgMax", axis, array.ndim) or (0,)
        return cast(result(compute(array, axis=axis)), output_type)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{doc} ``{name}(input, axis=0, output_type=tf.int64)``."
    return function


argmax = _position("argmax", "The position of the greatest entry along an axis.", np.argmax)
argmin = _position("argmin", "The position of the least entry along an axis.", np.argmin)


def _cumulative(name: str, doc: str, compute: Callable[..., Any], start: int) -> Function:
    """cumsum or cumprod, with TensorFlow's ``exclusive`` and ``reverse``."""
    op = name.capitalize()

    def function(
        x: Any, axis: int = 0, exclusive: bool = False, reverse: bool = False, name: Any = None
    ) -> Tensor:
        x = operand(x)
        dtype = x.array.dtype
        if dtype.kind == "b":
            raise errors.not_allowed(op, dtype, errors.NUMBERS)
        (axis,) = axes_of(op, axis, x.array.ndim) or (0,)
        with np.errstate(all="ignore"):
            x = np.flip(x, axis) if reverse else x
            if exclusive:
                n = np.shape(engine.bare(x))[axis]
                kept, last = np.split(x, [n - 1], axis)
                front = np.full(np.shape(engine.bare(last)), start, dtype)
                x = np.concatenate([front, kept], axis)
            if dtype.kind in "fc":
                out = compute(x, axis)
            else:
                out = compute(engine.bare(x), axis).astype(dtype)
            return result(np.flip(out, axis) if reverse else out)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{doc}\n\n``{name}(x, axis=0, exclusive=False, reverse=False)``."
    return function


cumsum = _cumulative("cumsum", "The sums of the entries up to each.", np.cumsum, 0)
cumprod = _cumulative("cumprod", "The products of the entries up to each.", np.cumprod, 1)
