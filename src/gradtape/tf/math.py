"""``tf.math``: the mathematical functions.

Examples
--------
>>> import gradtape.tf as tf
>>> tf.math.log(tf.math.exp(2.0))
<tf.Tensor: shape=(), dtype=float32, numpy=2.0>
"""

from typing import TYPE_CHECKING

from gradtape.tf.elementwise import (
    abs,
    acos,
    acosh,
    add,
    add_n,
    angle,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    ceil,
    conj,
    cos,
    cosh,
    divide,
    divide_no_nan,
    equal,
    erf,
    erfc,
    exp,
    expm1,
    floor,
    floordiv,
    floormod,
    greater,
    greater_equal,
    imag,
    is_finite,
    is_inf,
    is_nan,
    less,
    less_equal,
    log,
    log1p,
    log_sigmoid,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    maximum,
    minimum,
    multiply,
    multiply_no_nan,
    negative,
    not_equal,
    pow,
    real,
    reciprocal,
    rint,
    round,
    rsqrt,
    sigmoid,
    sign,
    sin,
    sinh,
    softplus,
    sqrt,
    square,
    squared_difference,
    subtract,
    tan,
    tanh,
    truediv,
    xdivy,
    xlog1py,
    xlogy,
)
from gradtape.tf.linalg import l2_normalize
from gradtape.tf.logits import log_softmax
from gradtape.tf.missing import later, names
from gradtape.tf.nn import softmax, softsign
from gradtape.tf.picking import top_k
from gradtape.tf.reductions import (
    argmax,
    argmin,
    count_nonzero,
    cumprod,
    cumsum,
    reduce_all,
    reduce_any,
    reduce_euclidean_norm,
    reduce_logsumexp,
    reduce_max,
    reduce_mean,
    reduce_min,
    reduce_prod,
    reduce_std,
    reduce_sum,
    reduce_variance,
)

if TYPE_CHECKING:
    from gradtape.tf import special as special
    from gradtape.tf.counting import *  # noqa: F403
    from gradtape.tf.lookups import *  # noqa: F403
    from gradtape.tf.segments import *  # noqa: F403
    from gradtape.tf.special import *  # noqa: F403

mod = floormod

#: What is loaded when it is first asked for, by its module.
_LATER = {
    "": "special",
    "counting": "accumulate_n bincount confusion_matrix cumulative_logsumexp in_top_k "
    "is_non_decreasing is_strictly_increasing nextafter polyval reciprocal_no_nan "
    "scalar_mul zero_fraction",
    "lookups": "invert_permutation",
    "segments": "segment_max segment_mean segment_min segment_prod segment_sum "
    "unsorted_segment_max unsorted_segment_mean unsorted_segment_min "
    "unsorted_segment_prod unsorted_segment_sqrt_n unsorted_segment_sum",
    "special": "bessel_i0 bessel_i0e bessel_i1 bessel_i1e betainc digamma erfcinv erfinv igamma "
    "igammac lbeta lgamma ndtri polygamma zeta",
}

__all__ = [
    "abs",
    "acos",
    "acosh",
    "add",
    "add_n",
    "angle",
    "argmax",
    "argmin",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "ceil",
    "conj",
    "cos",
    "cosh",
    "count_nonzero",
    "cumprod",
    "cumsum",
    "divide",
    "divide_no_nan",
    "equal",
    "erf",
    "erfc",
    "exp",
    "expm1",
    "floor",
    "floordiv",
    "floormod",
    "greater",
    "greater_equal",
    "imag",
    "is_finite",
    "is_inf",
    "is_nan",
    "l2_normalize",
    "less",
    "less_equal",
    "log",
    "log1p",
    "log_sigmoid",
    "log_softmax",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "maximum",
    "minimum",
    "mod",
    "multiply",
    "multiply_no_nan",
    "negative",
    "not_equal",
    "pow",
    "real",
    "reciprocal",
    "reduce_all",
    "reduce_any",
    "reduce_euclidean_norm",
    "reduce_logsumexp",
    "reduce_max",
    "reduce_mean",
    "reduce_min",
    "reduce_prod",
    "reduce_std",
    "reduce_sum",
    "reduce_variance",
    "rint",
    "round",
    "rsqrt",
    "sigmoid",
    "sign",
    "sin",
    "sinh",
    "softmax",
    "softplus",
    "softsign",
    "sqrt",
    "square",
    "squared_difference",
    "subtract",
    "tan",
    "tanh",
    "top_k",
    "truediv",
    "xdivy",
    "xlog1py",
    "xlogy",
]
__all__ += names(_LATER)


if not TYPE_CHECKING:
    __getattr__ = later(__name__, _LATER, __all__)
