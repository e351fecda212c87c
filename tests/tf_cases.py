"""Calls of ``gradtape.tf``'s functions, for the tests that differentiate all of them.

Each case is a function of the module under test and of tensors, with the values to call it at:
smooth points, so that central differences apply. ``FACTS`` holds the calls without derivative.
"""

import numpy as np

V = [-2.5, -1.0, -0.3, 0.4, 1.1, 3.7]
P = [0.1, 0.5, 1.3, 2.0, 9.0]
Q = [0.2, 3.0, 1.0, 0.7, 0.3]
U = [-0.9, -0.2, 0.1, 0.5, 0.8]
W = [1.0, 2.0, -1.0, 3.0, -0.5, 0.2]
M = [[1.0, 2.0, -3.0], [0.5, -1.0, 4.0]]
A = [[1.0, 2.0], [3.0, -4.0]]
B = [[0.5, -1.0], [2.0, 0.3]]

CASES = {}

#: Cases whose derivative cannot be compared with TensorFlow's, and why.
ALONE = {}


def case(name, *values):
    def keep(call):
        CASES[name] = (call, values)
        return call

    return keep


def named(names, *values):
    """Functions that are called with just the values."""
    for name in names.split():
        case(name, *values)(lambda tf, *xs, name=name: look_up(tf, name)(*xs))


def calls(table):
    """Cases by name: (function, values...)."""
    for name, (call, *values) in table.items():
        case(name, *values)(call)


def look_up(tf, name):
    for part in name.split("."):
        tf = getattr(tf, part)
    return tf


named(
    "math.abs math.negative math.square math.exp math.expm1 math.sigmoid math.softplus math.sin "
    "math.cos math.tan math.atan math.sinh math.cosh math.tanh math.asinh math.erf math.erfc "
    "math.log_sigmoid nn.relu nn.relu6 nn.elu nn.selu nn.softsign nn.silu nn.leaky_relu "
    "nn.softmax nn.log_softmax nn.gelu nn.l2_loss math.l2_normalize identity",
    V,
)
named("math.sqrt math.rsqrt math.log math.log1p math.reciprocal", P)
named("math.asin math.acos math.atanh", U)
named("math.acosh", [1.1, 2.0, 5.0])
named(
    "math.add math.subtract math.multiply math.divide math.maximum math.minimum math.pow "
    "math.squared_difference math.divide_no_nan math.multiply_no_nan math.xlogy math.xlog1py "
    "math.xdivy",
    P,
    Q,
)
named("math.atan2", V, W)
for reduction in [
    "sum",
    "mean",
    "prod",
    "max",
    "min",
    "logsumexp",
    "std",
    "variance",
    "euclidean_norm",
]:
    named(f"math.reduce_{reduction}", M)
    case(f"math.reduce_{reduction} axis", M)(
        lambda tf, x, r=reduction: look_up(tf, f"math.reduce_{r}")(x, axis=-1, keepdims=True)
    )
named("matmul math.add linalg.matvec", A, B)
named("linalg.trace linalg.diag_part norm transpose linalg.matrix_transpose", A)
named("linalg.diag", [1.0, 2.0])
calls(
    {
        "matmul": (lambda tf, a, b: tf.matmul(a, b), A, B),
        "matmul transposed": (lambda tf, a, b: tf.matmul(a, b, True, True), A, B),
        "linalg.matvec": (lambda tf, a, b: tf.linalg.matvec(a, b), A, [1.0, 2.0]),
        "einsum": (lambda tf, a, b: tf.einsum("ij,jk->ki", a, b), A, B),
        "tensordot": (lambda tf, a, b: tf.tensordot(a, b, [[0], [1]]), A, B),
        "norm 1": (lambda tf, x: tf.norm(x, ord=1, axis=1), A),
        "norm inf": (lambda tf, x: tf.norm(x, ord=np.inf, axis=0), A),
        "norm 3": (lambda tf, x: tf.norm(x, ord=3, axis=0), A),
        "nn.gelu tanh": (lambda tf, x: tf.nn.gelu(x, approximate=True), V),
        "nn.silu beta": (lambda tf, x: tf.nn.silu(x, beta=2.0), V),
        "stack": (lambda tf, a, b: tf.stack([a, b], axis=1), A, B),
        "concat": (lambda tf, a, b: tf.concat([a, b], axis=1), A, B),
        "unstack": (lambda tf, a: tf.unstack(a, axis=1)[1], A),
        "split": (lambda tf, a: tf.split(a, [1, -1], axis=1)[1], M),
        "reshape": (lambda tf, a: tf.reshape(a, [-1, 2]), M),
        "transpose perm": (lambda tf, a: tf.transpose(a, [1, 0]), M),
        "expand_dims": (lambda tf, a: tf.expand_dims(a, -1), M),
        "squeeze": (lambda tf, a: tf.squeeze(a), [[[1.0], [2.0]]]),
        "tile": (lambda tf, a: tf.tile(a, [2, 1]), M),
        "repeat": (lambda tf, a: tf.repeat(a, 2, axis=1), M),
        "broadcast_to": (lambda tf, a: tf.broadcast_to(a, [3, 2, 3]), M),
        "fill": (lambda tf, a: tf.fill([2, 3], a), 2.0),
        "add_n": (lambda tf, a, b: tf.add_n([a, b, a]), A, B),
        "where": (lambda tf, a, b: tf.where(a > b, a, b * 2), A, B),
        "gather": (lambda tf, a: tf.gather(a, [1, 0, 1], axis=1), M),
        "gather rows": (lambda tf, a: tf.gather(a, [[1, 0], [1, 1]]), M),
        "gather_nd": (lambda tf, a: tf.gather_nd(a, [[0, 1], [1, 2]]), M),
        "boolean_mask": (lambda tf, a: tf.boolean_mask(a, [True, False]), M),
        "boolean_mask axis": (lambda tf, a: tf.boolean_mask(a, [True, False, True], axis=1), M),
        "index": (lambda tf, a: a[1:, ::-1], M),
        "clip_by_value": (lambda tf, a: tf.clip_by_value(a, -1.2, 1.2), V),
        "clip_by_norm": (lambda tf, a: tf.clip_by_norm(a, 2.0), V),
        "clip_by_norm axes": (lambda tf, a: tf.clip_by_norm(a, 2.0, axes=[1]), M),
        "clip_by_global_norm": (lambda tf, a, b: tf.clip_by_global_norm([a, b], 1.0)[0][0], A, B),
        "linalg.global_norm": (lambda tf, a, b: tf.linalg.global_norm([a, b]), A, B),
        "sort": (lambda tf, a: tf.sort(a, direction="DESCENDING"), V),
        "math.top_k": (lambda tf, a: tf.math.top_k(a, k=2)[0], M),
        "reverse": (lambda tf, a: tf.reverse(a, [1]), M),
        "roll": (lambda tf, a: tf.roll(a, 1, 1), M),
        "pad": (lambda tf, a: tf.pad(a, [[1, 0], [0, 2]], constant_values=3.0), M),
        "pad reflect": (lambda tf, a: tf.pad(a, [[1, 0], [0, 2]], mode="REFLECT"), M),
        "cumsum": (lambda tf, a: tf.cumsum(a, axis=1, exclusive=True, reverse=True), M),
        "math.cumprod": (lambda tf, a: tf.math.cumprod(a, axis=1, exclusive=True), M),
        "math.l2_normalize axis": (lambda tf, a: tf.math.l2_normalize(a, axis=0), M),
        "sigmoid cross entropy": (
            lambda tf, z, x: tf.nn.sigmoid_cross_entropy_with_logits(z, x),
            [0.0, 1.0, 0.3],
            [-2.0, 4.0, 0.5],
        ),
        "softmax cross entropy": (
            lambda tf, x: tf.nn.softmax_cross_entropy_with_logits(tf.ones_like(x) / 3, x),
            M,
        ),
        "sparse cross entropy": (
            lambda tf, x: tf.nn.sparse_softmax_cross_entropy_with_logits([2, 0], x),
            M,
        ),
        "cast": (lambda tf, a: tf.cast(a, tf.float64) ** 3, V),
        "operators": (lambda tf, a, b: (2 - a) / b + 2.0**a - a % 1.7 + b**a - -a, Q, P),
    }
)

#: Calls whose answer has no derivative, with the answer.
FACTS = {
    "floor": (lambda tf: tf.floor([-1.5, 1.5]), [-2.0, 1.0]),
    "ceil": (lambda tf: tf.math.ceil([-1.5, 1.5]), [-1.0, 2.0]),
    "round": (lambda tf: tf.round([0.5, 1.5, 2.5]), [0.0, 2.0, 2.0]),
    "rint": (lambda tf: tf.math.rint([0.5, 1.5]), [0.0, 2.0]),
    "sign": (lambda tf: tf.sign([-3, 0, 2]), [-1, 0, 1]),
    "floordiv": (lambda tf: tf.math.floordiv([-3, 3], 2), [-2, 1]),
    "floordiv of floats": (lambda tf: tf.math.floordiv([3.0, -1.2], [0.6, 0.2]), [5.0, -6.0]),
    "floormod": (lambda tf: tf.math.floormod([-3, 3], 2), [1, 1]),
    "is_nan": (lambda tf: tf.math.is_nan([float("nan"), 1.0]), [True, False]),
    "is_inf": (lambda tf: tf.math.is_inf([float("inf"), 1.0]), [True, False]),
    "is_finite": (lambda tf: tf.math.is_finite([float("inf"), 1.0]), [False, True]),
    "equal": (lambda tf: tf.equal([1, 2], 2), [False, True]),
    "not_equal": (lambda tf: tf.not_equal([1, 2], 2), [True, False]),
    "less": (lambda tf: tf.less([1.0, 2.0], 2), [True, False]),
    "less_equal": (lambda tf: tf.less_equal([1.0, 3.0], 2), [True, False]),
    "greater": (lambda tf: tf.greater([1.0, 3.0], 2), [False, True]),
    "greater_equal": (lambda tf: tf.greater_equal([2.0, 1.0], 2), [True, False]),
    "logical_and": (lambda tf: tf.logical_and([True, True], [True, False]), [True, False]),
    "logical_or": (lambda tf: tf.logical_or([False, True], [False, False]), [False, True]),
    "logical_xor": (lambda tf: tf.math.logical_xor([True, True], [True, False]), [False, True]),
    "logical_not": (lambda tf: tf.logical_not([True, False]), [False, True]),
    "reduce_any": (lambda tf: tf.reduce_any([[True, False], [False, False]], 1), [True, False]),
    "reduce_all": (lambda tf: tf.reduce_all([[True, True], [True, False]], 1), [True, False]),
    "count_nonzero": (lambda tf: tf.math.count_nonzero([0.0, 2.0, 3.0]), 2),
    "argmax": (lambda tf: tf.argmax([[1.0, 3.0], [5.0, 4.0]], axis=1), [1, 0]),
    "argmin": (lambda tf: tf.argmin([[1.0, 3.0], [5.0, 4.0]]), [0, 0]),
    "argsort": (lambda tf: tf.argsort([1.0, 3.0, 1.0, 2.0], direction="DESCENDING"), [1, 3, 0, 2]),
    "reduce_mean of negative integers": (lambda tf: tf.reduce_mean([-1, -2]), -1),
    "reduce_sum of integers": (lambda tf: tf.reduce_sum([[1, 2], [3, 4]], axis=0), [4, 6]),
    "cumsum of integers": (lambda tf: tf.cumsum([1, 2, 3], exclusive=True), [0, 1, 3]),
    "one_hot": (lambda tf: tf.one_hot([1, 0], 2, on_value=5.0), [[0.0, 5.0], [5.0, 0.0]]),
    "linspace values": (lambda tf: tf.linspace(0.0, 1.0, 5), [0.0, 0.25, 0.5, 0.75, 1.0]),
    "range down": (lambda tf: tf.range(5, 0, -2), [5, 3, 1]),
    "range of a dtype": (lambda tf: tf.range(3, dtype=tf.float32), [0.0, 1.0, 2.0]),
    "meshgrid values": (lambda tf: tf.meshgrid([1, 2], [3])[0], [[1, 2]]),
    "eye batch": (lambda tf: tf.eye(1, batch_shape=[2]), [[[1.0]], [[1.0]]]),
    "where positions": (lambda tf: tf.where([[True, False], [False, True]]), [[0, 0], [1, 1]]),
    "boolean operators": (lambda tf: ~(tf.constant([True, False]) & True), [False, True]),
    "bitwise": (lambda tf: tf.constant([6, 3]) & 2, [2, 2]),
    "real": (lambda tf: tf.math.real(tf.complex([1.0], [2.0])), [1.0]),
    "imag": (lambda tf: tf.math.imag(tf.complex([1.0], [2.0])), [2.0]),
    "conj": (lambda tf: tf.math.imag(tf.math.conj(tf.complex([1.0], [2.0]))), [-2.0]),
    "angle": (lambda tf: tf.math.angle(tf.complex([1.0], [0.0])), [0.0]),
}
