"""Functions that act entry by entry. One line a function; ``math.py`` gives them their names.

Examples
--------
>>> import gradtape.tf as tf
>>> tf.square([1.5, -2.0])
<tf.Tensor: shape=(2,), dtype=float32, numpy=array([2.25, 4.  ], dtype=float32)>
>>> tf.maximum(1.0, [0.0, 2.0]).numpy()
array([1., 2.], dtype=float32)
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from gradtape import tensor as engine
from gradtape.derivatives.primitives import logistic
from gradtape.tf import errors, rules
from gradtape.tf.tensors import Tensor, identity, operand, result
from gradtape.tf.types import numpy_dtype

Function = Callable[..., Tensor]


# What makes a function ------------------------------------------------------------------------


def _named(function: Any, name: str, doc: str, arguments: str) -> Function:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{doc}\n\nEntry by entry: ``{name}({arguments})``."
    return function  # type: ignore[no-any-return]


def renamed(function: Function, **others: str) -> Function:
    """A function whose parameters have other names: those that TensorFlow gives them."""
    back = {new: old for old, new in others.items()}

    def call(*args: Any, **kwargs: Any) -> Tensor:
        return function(*args, **{back.get(key, key): value for key, value in kwargs.items()})

    signature = inspect.signature(function)
    parameters = [p.replace(name=others.get(p.name, p.name)) for p in signature.parameters.values()]
    call.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    call.__name__, call.__qualname__ = function.__name__, function.__qualname__
    call.__doc__ = function.__doc__
    return call


def _unary(
    name: str, doc: str, compute: Callable[[Any], Any], op: str = "", kinds: str = "fc"
) -> Function:
    """A function of one tensor whose dtype is of one of the given kinds."""
    op = op or name.capitalize()

    def function(x: Any, name: str | None = None) -> Tensor:
        x = operand(x)
        kind = x.array.dtype.kind
        if kinds == "b" and kind != "b":
            raise errors.no_truth(op, x.array.dtype)
        if kind not in kinds:
            allowed = errors.REALS if "i" not in kinds else errors.NUMBERS
            raise errors.not_allowed(op, x.array.dtype, allowed)
        with np.errstate(all="ignore"):
            return result(compute(x))

    return _named(function, name, doc, "x")


def together(
    op: str, x: Any, y: Any, mismatch: Callable[..., Exception] = errors.mismatch
) -> tuple[Any, Any]:
    """Two operands of one dtype: a tensor decides over what is none.

    ``mismatch`` makes the error for two tensors of different dtypes.
    """
    if isinstance(y, engine.Tensor) and not isinstance(x, engine.Tensor):
        y = operand(y)
        x = operand(x, y.array.dtype)
    elif isinstance(y, engine.Tensor):
        x, y = operand(x), operand(y)
    else:
        x = operand(x)
        y = operand(y, x.array.dtype)
    if x.array.dtype != y.array.dtype:
        raise mismatch(op, x.array.dtype, y.array.dtype)
    return x, y


def _binary(
    name: str,
    doc: str,
    compute: Callable[[Any, Any], Any],
    op: str = "",
    kinds: str = "iufc",
    mismatch: Callable[..., Exception] = errors.mismatch,
) -> Function:
    """A function of two tensors of one dtype, whose shapes broadcast."""
    op = op or name.capitalize()

    def function(x: Any, y: Any, name: str | None = None) -> Tensor:
        x, y = together(op, x, y, mismatch)
        if kinds == "b" and x.array.dtype.kind != "b":
            raise errors.no_truth(op, x.array.dtype)
        if x.array.dtype.kind not in kinds:
            raise errors.not_allowed(op, x.array.dtype, errors.NUMBERS)
        try:
            with np.errstate(all="ignore"):
                return result(compute(x, y))
        except ValueError:
            raise errors.incompatible(op, x.array.shape, y.array.shape) from None

    return _named(function, name, doc, "x, y")


# Arithmetic -----------------------------------------------------------------------------------

add = _binary("add", "The sum.", operator.add, "AddV2", "iufc")
subtract = _binary("subtract", "The difference.", operator.sub, "Sub")
multiply = _binary("multiply", "The product.", operator.mul, "Mul")
divide = _binary(
    "divide",
    "The quotient; of integers a floating number.",
    operator.truediv,
    "RealDiv",
    mismatch=lambda op, first, second: errors.quotient_mismatch(first, second),
)
truediv = divide
floordiv = _binary("floordiv", "The quotient, rounded down.", operator.floordiv, "FloorDiv", "iuf")
floormod = _binary("floormod", "The remainder of ``floordiv``.", operator.mod, "FloorMod", "iuf")
pow = _binary("pow", "x to the power y.", operator.pow)
maximum = _binary(
    "maximum", "The greater; the gradient of a tie goes to x.", np.maximum, kinds="iuf"
)
minimum = _binary(
    "minimum", "The lesser; the gradient of a tie goes to x.", np.minimum, kinds="iuf"
)
atan2 = renamed(
    _binary("atan2", "The angle of the point (x, y), given as (y, x).", np.arctan2, kinds="f"),
    x="y",
    y="x",
)
squared_difference = _binary(
    "squared_difference", "(x - y) squared.", lambda x, y: np.square(x - y), "SquaredDifference"
)
negative = _unary("negative", "-x.", operator.neg, "Neg", "iufc")
reciprocal = _unary("reciprocal", "1 / x.", rules.reciprocal)
square = _unary("square", "x * x.", np.square, kinds="iufc")
sqrt = _unary("sqrt", "The square root.", rules.sqrt)
rsqrt = _unary("rsqrt", "1 / sqrt(x).", rules.rsqrt)
sign = _unary("sign", "-1, 0 or 1, by the sign of x.", np.sign, kinds="iufc")
abs = _unary("abs", "The absolute value, with derivative 0 at 0.", np.absolute, kinds="iufc")


def _divided_no_nan(x: Any, y: Any) -> Any:
    if x.array.dtype.kind in "iu":
        wide = np.float32 if x.array.dtype.itemsize < 4 else np.float64
        x, y = cast(x, wide), cast(y, wide)
    zero = engine.bare(y) == 0
    return np.where(zero, 0, x / np.where(zero, 1, y))


def _xlogy(x: Any, y: Any) -> Any:
    return x * np.log(np.where(engine.bare(x) == 0, 1, y))


def _xlog1py(x: Any, y: Any) -> Any:
    return x * np.log1p(np.where(engine.bare(x) == 0, 0, y))


def _xdivy(x: Any, y: Any) -> Any:
    return x / np.where(engine.bare(x) == 0, np.inf, y)  # slope 0 where x is 0, as of xlogy


divide_no_nan = _binary(
    "divide_no_nan", "x / y, and 0 where y is 0.", _divided_no_nan, "DivNoNan", "iufc"
)
multiply_no_nan = _binary(
    "multiply_no_nan", "x * y, and 0 where y is 0.", rules.times_no_nan, "MulNoNan", "fc"
)
xlogy = _binary("xlogy", "x * log(y), and 0 where x is 0.", _xlogy, kinds="fc")
xlog1py = _binary("xlog1py", "x * log(1 + y), and 0 where x is 0.", _xlog1py, kinds="fc")
xdivy = _binary("xdivy", "x / y, and 0 where x is 0.", _xdivy, kinds="fc")

# Exponentials, logarithms, and their kin ------------------------------------------------------

exp = _unary("exp", "e to the power x.", np.exp)
expm1 = _unary("expm1", "exp(x) - 1, to the last digits near 0.", np.expm1)
log = _unary("log", "The natural logarithm.", np.log)
log1p = _unary("log1p", "log(1 + x), to the last digits near 0.", np.log1p, "Log1p")
sigmoid = _unary("sigmoid", "1 / (1 + exp(-x)).", logistic)
log_sigmoid = _unary(
    "log_sigmoid", "log(sigmoid(x)), without overflow.", lambda x: -rules.softplus(-x), "Softplus"
)
softplus = renamed(
    _unary("softplus", "log(1 + exp(x)), without overflow.", rules.softplus, kinds="f"),
    x="features",
)
erf = _unary("erf", "The error function.", rules.erf, kinds="f")
erfc = _unary("erfc", "1 - erf(x), to the last digits for large x.", rules.erfc, kinds="f")

# Trigonometric and hyperbolic functions -------------------------------------------------------

sin = _unary("sin", "The sine.", np.sin)
cos = _unary("cos", "The cosine.", np.cos)
tan = _unary("tan", "The tangent.", np.tan)
asin = _unary("asin", "The arc sine.", np.arcsin)
acos = _unary("acos", "The arc cosine.", np.arccos)
atan = _unary("atan", "The arc tangent.", np.arctan)
sinh = _unary("sinh", "The hyperbolic sine.", np.sinh)
cosh = _unary("cosh", "The hyperbolic cosine.", np.cosh)
tanh = _unary("tanh", "The hyperbolic tangent.", np.tanh)
asinh = _unary("asinh", "The inverse hyperbolic sine.", np.arcsinh)
acosh = _unary("acosh", "The inverse hyperbolic cosine.", np.arccosh)
atanh = _unary("atanh", "The inverse hyperbolic tangent.", np.arctanh)

# Steps and tests: they have no derivative -----------------------------------------------------


def _rounded(x: Any) -> Any:
    return np.rint(x) if x.array.dtype.kind == "f" else x


floor = _unary("floor", "The greatest integer that is not above x.", np.floor, kinds="f")
ceil = _unary("ceil", "The least integer that is not below x.", np.ceil, kinds="f")
round = _unary("round", "The nearest integer, halves to even.", _rounded, kinds="iuf")
rint = _unary("rint", "The nearest integer, halves to even.", np.rint, kinds="f")
is_nan = _unary("is_nan", "Whether x is NaN.", np.isnan, "IsNan", "f")
is_inf = _unary("is_inf", "Whether x is infinite.", np.isinf, "IsInf", "f")
is_finite = _unary(
    "is_finite", "Whether x is neither NaN nor infinite.", np.isfinite, "IsFinite", "f"
)
logical_not = _unary("logical_not", "Whether x is false.", np.logical_not, "LogicalNot", "b")
logical_and = _binary("logical_and", "Whether both are true.", operator.and_, "LogicalAnd", "b")
logical_or = _binary("logical_or", "Whether one is true.", operator.or_, "LogicalOr", "b")
logical_xor = _binary("logical_xor", "Whether just one is true.", operator.xor, "LogicalXor", "b")
equal = _binary("equal", "x == y.", operator.eq, kinds="biufc")
not_equal = _binary("not_equal", "x != y.", operator.ne, "NotEqual", "biufc")
less = _binary("less", "x < y.", operator.lt, kinds="iuf")
less_equal = _binary("less_equal", "x <= y.", operator.le, "LessEqual", "iuf")
greater = _binary("greater", "x > y.", operator.gt, kinds="iuf")
greater_equal = _binary("greater_equal", "x >= y.", operator.ge, "GreaterEqual", "iuf")

# Complex numbers ------------------------------------------------------------------------------

conj = _unary("conj", "The complex conjugate.", np.conjugate, kinds="iufc")
real = renamed(_unary("real", "The real part.", np.real, kinds="iufc"), x="input")
imag = renamed(_unary("imag", "The imaginary part.", np.imag, kinds="iufc"), x="input")
angle = renamed(_unary("angle", "The angle of a complex number.", np.angle), x="input")


def cast(x: Any, dtype: Any, name: str | None = None) -> Tensor:
    """The values in another dtype; only between floating and complex types is there a gradient.

    Parameters
    ----------
    x : a tensor, or anything that makes one; a tensor of the dtype is given back as it is.
    dtype : the dtype wanted. Fractions are cut off on the way to an integer.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.cast([1.7, -1.7], tf.int32).numpy()
    array([ 1, -1], dtype=int32)
    """
    wanted = numpy_dtype(dtype)
    tensor = operand(x)
    if tensor.array.dtype == wanted:
        return tensor if type(tensor) is Tensor else identity(tensor)
    with np.errstate(all="ignore"):
        if tensor.array.dtype.kind not in "fc":
            return result(tensor.array.astype(wanted))
        return result(tensor.astype(wanted))


def add_n(inputs: Any, name: str | None = None) -> Tensor:
    """The sum of several tensors of one shape and dtype.

    Raises
    ------
    ValueError : there is none.
    InvalidArgumentError : their shapes or dtypes differ.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.add_n([[1.0, 2.0], [3.0, 4.0]]).numpy()
    array([4., 6.], dtype=float32)
    """
    if isinstance(inputs, engine.Tensor):
        return identity(inputs)
    if not isinstance(inputs, (list, tuple)) or not inputs:
        raise ValueError(
            "Inputs must be an iterable of at least one Tensor/IndexedSlices with the same dtype "
            "and shape."
        )
    first, *rest = [operand(value) for value in inputs]
    total = identity(first)
    for i, value in enumerate(rest, 1):
        if value.array.shape != first.array.shape:
            raise errors.invalid(
                "AddN",
                "Inputs to operation AddN must have the same size and shape.  Input 0: "
                f"{errors.listed(first.array.shape)} != input {i}: "
                f"{errors.listed(value.array.shape)}",
            )
        total = add(total, value)
    return total


def complex(real: Any, imag: Any, name: str | None = None) -> Tensor:
    """Complex numbers of their real and imaginary parts.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.complex(1.0, 2.0)
    <tf.Tensor: shape=(), dtype=complex64, numpy=(1+2j)>
    """
    x, y = operand(real), operand(imag)
    given = [t.array.dtype for t in (x, y)]
    if given[0] != given[1] or given[0] not in (np.float32, np.float64):
        raise TypeError(
            f"The `real` and `imag` components have incorrect types: {given[0].name} "
            f"{given[1].name}. They must be consistent, and one of [tf.float32, tf.float64]"
        )
    kind = np.complex64 if x.array.dtype == np.float32 else np.complex128
    return result(cast(x, kind) + cast(y, kind) * Tensor(kind(1j)))
