"""TensorFlow's names and conventions over gradtape's engine.

``import gradtape.tf as tf`` in place of ``import tensorflow as tf``: float32 by default,
TensorFlow's printed forms, messages and subgradients, and its numbers down to its NaNs. What is not
here says so, and names what is nearest.

Examples
--------
>>> import gradtape.tf as tf
>>> w1, w2 = tf.Variable(5.0), tf.Variable(3.0)
>>> with tf.GradientTape() as tape:
...     z = 3 * w1**2 + 2 * w1 * w2
>>> tape.gradient(z, [w1, w2])  # doctest: +NORMALIZE_WHITESPACE
[<tf.Tensor: shape=(), dtype=float32, numpy=36.0>,
 <tf.Tensor: shape=(), dtype=float32, numpy=10.0>]
"""

from typing import TYPE_CHECKING

from gradtape.tape import UnconnectedGradients
from gradtape.tf import autodiff, dtypes, errors, linalg, math, nn, random
from gradtape.tf.arrays import (
    broadcast_to,
    concat,
    expand_dims,
    meshgrid,
    pad,
    rank,
    repeat,
    reshape,
    reverse,
    roll,
    shape,
    size,
    split,
    squeeze,
    stack,
    tile,
    transpose,
    unstack,
)
from gradtape.tf.clip import clip_by_global_norm, clip_by_norm, clip_by_value
from gradtape.tf.dtypes import (
    DType,
    as_dtype,
    bool,
    complex64,
    complex128,
    double,
    float16,
    float32,
    float64,
    half,
    int8,
    int16,
    int32,
    int64,
    uint8,
    uint16,
    uint32,
    uint64,
)
from gradtape.tf.elementwise import (
    abs,
    acos,
    acosh,
    add,
    add_n,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    cast,
    complex,
    cos,
    cosh,
    divide,
    equal,
    exp,
    floor,
    greater,
    greater_equal,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    maximum,
    minimum,
    multiply,
    negative,
    not_equal,
    pow,
    round,
    sigmoid,
    sign,
    sin,
    sinh,
    sqrt,
    square,
    subtract,
    tan,
    tanh,
    truediv,
)
from gradtape.tf.linalg import einsum, matmul, norm, tensordot
from gradtape.tf.makers import (
    eye,
    fill,
    linspace,
    one_hot,
    ones,
    ones_like,
    range,
    zeros,
    zeros_like,
)
from gradtape.tf.missing import later as _later
from gradtape.tf.missing import names as _names
from gradtape.tf.picking import argsort, boolean_mask, gather, gather_nd, sort, where
from gradtape.tf.reductions import (
    argmax,
    argmin,
    cumsum,
    reduce_all,
    reduce_any,
    reduce_logsumexp,
    reduce_max,
    reduce_mean,
    reduce_min,
    reduce_prod,
    reduce_sum,
)
from gradtape.tf.shape import TensorShape
from gradtape.tf.system import executing_eagerly, print
from gradtape.tf.tape import (
    GradientTape,
    custom_gradient,
    function,
    grad_pass_through,
    recompute_grad,
    stop_gradient,
)
from gradtape.tf.tensors import Tensor, constant, convert_to_tensor, identity, is_tensor
from gradtape.tf.variables import Variable

if TYPE_CHECKING:
    from gradtape.tf import bitwise as bitwise
    from gradtape.tf import debugging as debugging
    from gradtape.tf import keras as keras
    from gradtape.tf import nest as nest
    from gradtape.tf import signal as signal
    from gradtape.tf import test as test
    from gradtape.tf.contexts import *  # noqa: F403
    from gradtape.tf.control import *  # noqa: F403
    from gradtape.tf.counting import *  # noqa: F403
    from gradtape.tf.debugging import *  # noqa: F403
    from gradtape.tf.factorizations import *  # noqa: F403
    from gradtape.tf.first_values import *  # noqa: F403
    from gradtape.tf.keras import losses as losses
    from gradtape.tf.keras import optimizers as optimizers
    from gradtape.tf.layout import *  # noqa: F403
    from gradtape.tf.lookups import *  # noqa: F403
    from gradtape.tf.module import *  # noqa: F403
    from gradtape.tf.scatter import *  # noqa: F403
    from gradtape.tf.spec import *  # noqa: F403
    from gradtape.tf.tensor_array import *  # noqa: F403

#: What is loaded when it is first asked for, by its module.
_LATER = {
    "": "bitwise debugging keras nest signal test",
    "contexts": "control_dependencies device get_static_value group guarantee_const init_scope "
    "inside_function is_symbolic_tensor name_scope no_op numpy_function py_function "
    "timestamp tuple",
    "control": "case cond foldl foldr map_fn scan switch_case vectorized_map while_loop",
    "counting": "realdiv scalar_mul truncatediv truncatemod",
    "debugging": "Assert assert_equal assert_greater assert_less assert_rank",
    "factorizations": "eig eigvals",
    "first_values": "constant_initializer ones_initializer random_normal_initializer "
    "random_uniform_initializer zeros_initializer",
    "keras": "losses optimizers",
    "layout": "batch_to_space broadcast_dynamic_shape broadcast_static_shape ensure_shape "
    "identity_n reverse_sequence sequence_mask shape_n slice "
    "space_to_batch space_to_batch_nd strided_slice unravel_index",
    "lookups": "bitcast histogram_fixed_width histogram_fixed_width_bins saturate_cast "
    "searchsorted unique unique_with_counts",
    "matrix_functions": "matrix_square_root",
    "module": "Module",
    "scatter": "dynamic_partition dynamic_stitch scatter_nd tensor_scatter_nd_add "
    "tensor_scatter_nd_max tensor_scatter_nd_min tensor_scatter_nd_sub "
    "tensor_scatter_nd_update",
    "spec": "TensorSpec",
    "tensor_array": "TensorArray",
}

__all__ = [
    "DType",
    "GradientTape",
    "Tensor",
    "TensorShape",
    "UnconnectedGradients",
    "Variable",
    "abs",
    "acos",
    "acosh",
    "add",
    "add_n",
    "argmax",
    "argmin",
    "argsort",
    "as_dtype",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "autodiff",
    "bool",
    "boolean_mask",
    "broadcast_to",
    "cast",
    "clip_by_global_norm",
    "clip_by_norm",
    "clip_by_value",
    "complex",
    "complex128",
    "complex64",
    "concat",
    "constant",
    "convert_to_tensor",
    "cos",
    "cosh",
    "cumsum",
    "custom_gradient",
    "divide",
    "double",
    "dtypes",
    "einsum",
    "equal",
    "errors",
    "executing_eagerly",
    "exp",
    "expand_dims",
    "eye",
    "fill",
    "float16",
    "float32",
    "float64",
    "floor",
    "function",
    "gather",
    "gather_nd",
    "grad_pass_through",
    "greater",
    "greater_equal",
    "half",
    "identity",
    "int16",
    "int32",
    "int64",
    "int8",
    "is_tensor",
    "less",
    "less_equal",
    "linalg",
    "linspace",
    "logical_and",
    "logical_not",
    "logical_or",
    "math",
    "matmul",
    "maximum",
    "meshgrid",
    "minimum",
    "multiply",
    "negative",
    "newaxis",
    "nn",
    "norm",
    "not_equal",
    "one_hot",
    "ones",
    "ones_like",
    "pad",
    "pow",
    "print",
    "random",
    "range",
    "rank",
    "recompute_grad",
    "reduce_all",
    "reduce_any",
    "reduce_logsumexp",
    "reduce_max",
    "reduce_mean",
    "reduce_min",
    "reduce_prod",
    "reduce_sum",
    "repeat",
    "reshape",
    "reverse",
    "roll",
    "round",
    "shape",
    "sigmoid",
    "sign",
    "sin",
    "sinh",
    "size",
    "sort",
    "split",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "stop_gradient",
    "subtract",
    "tan",
    "tanh",
    "tensordot",
    "tile",
    "transpose",
    "truediv",
    "uint16",
    "uint32",
    "uint64",
    "uint8",
    "unstack",
    "where",
    "zeros",
    "zeros_like",
]
__all__ += _names(_LATER)

newaxis = None

if not TYPE_CHECKING:
    __getattr__ = _later(__name__, _LATER, __all__)
