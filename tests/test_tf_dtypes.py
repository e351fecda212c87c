"""What dtypes the functions of ``gradtape.tf`` take, refuse, and answer with: as TensorFlow's.

A number of one dtype is not taken for one of another unless TensorFlow does so.
"""

import numpy as np
import pytest

import gradtape.tf as tf

#: An expression of ``tf``, its dtype, and its value. F, I, C, B, D are tensors of float32, int32,
#: complex64, bool and float64.
ANSWERS = [
    ("tf.math.divide_no_nan([1, 7], [2, 0])", "float64", [0.5, 0.0]),
    ("tf.math.reduce_euclidean_norm(tf.complex([3.0, 0.0], [0.0, 4.0]))", "complex64", 5),
    ("tf.norm(tf.complex([3.0, 0.0], [0.0, 4.0]))", "complex64", 5),
    ("tf.math.segment_mean([1, 2, 7], [0, 0, 1])", "int32", [1, 7]),
    ("tf.math.segment_prod([1, 2, 7], [0, 0, 1])", "int32", [2, 7]),
    ("tf.math.unsorted_segment_mean([1, 2, 7], [0, 0, 1], 2)", "float64", [1.5, 7.0]),
    ("tf.range(tf.constant(3.0, tf.float16))", "float16", [0.0, 1.0, 2.0]),
    ("tf.size(tf.range(-1.0, 3.0, 0.01))", "int32", 400),
    ("tf.nn.relu([-2, 0, 3])", "int32", [0, 0, 3]),
    ("tf.nn.relu6([-2, 0, 9])", "int32", [0, 0, 6]),
    ("tf.nn.crelu([-2, 3])", "int32", [0, 3, 2, 0]),
    ("tf.nn.leaky_relu([-5, 3], 0.5)", "float32", [-2.5, 3.0]),
    ("tf.round([1, 2])", "int32", [1, 2]),
    ("tf.nn.moments(I, [0])[1]", "int32", 7),
    ("tf.nn.moments(tf.complex([1.0, 0.0], [1.0, 2.0]), [0])[1]", "complex64", 0.5),
    ("tf.boolean_mask([1.0, 2.0, 7.0], [1, 0, 2])", "float32", [1.0, 7.0]),
    ("tf.clip_by_norm([3.0, 4.0], tf.constant(5.0, tf.float64))", "float32", [3.0, 4.0]),
    ("tf.nn.silu([0.0], tf.constant(0.5, tf.float64))", "float32", [0.0]),
    ("tf.nn.softmax_cross_entropy_with_logits([[1, 0]], [[0.0, -1e9]])", "float32", [0.0]),
    ("tf.nn.batch_normalization(tf.ones([1], tf.float16), *4 * [tf.zeros([1])], 1.0)",
     "float16", [0.0]),
    ("tf.keras.losses.huber([[1.0]], [[3.0]], tf.constant(1.0, tf.float64))", "float32", [1.5]),
    ("tf.linalg.adjoint([[1, 2]])", "int32", [[1], [2]]),
    ("tf.linalg.diag(B)", "bool", [[True, False], [False, False]]),
    ("tf.stack([1.0, 2])", "float32", [1.0, 2.0]),
    ("tf.concat([[1.0], [2]], 0)", "float32", [1.0, 2.0]),
    ("tf.dynamic_stitch([[0], [1]], [[1.0], [2]])", "float32", [1.0, 2.0]),
    ("tf.one_hot([1], 2, on_value=5)", "int32", [[0, 5]]),
    ("tf.one_hot([1], 2, True, False)", "bool", [[False, True]]),
    ("tf.one_hot([1], 2, 5, dtype=tf.float32)", "float32", [[0.0, 5.0]]),
    ("tf.math.top_k([1.0, 3.0], 1).values", "float32", [3.0]),
    ("tf.math.top_k([1.0, 3.0], tf.constant(1)).indices", "int32", [1]),
    ("tf.linalg.lu([[1.0, 2.0], [4.0, 4.0]]).p", "int32", [1, 0]),
    ("tf.bitwise.bitwise_and([5, -3, 7], [1, 2, 3])", "int32", [1, 0, 3]),
    ("tf.bitwise.bitwise_or([5, -3], [2, 8])", "int32", [7, -3]),
    ("tf.bitwise.bitwise_xor([5, -3], [1, 1])", "int32", [4, -4]),
    ("tf.bitwise.invert([5, -3])", "int32", [-6, 2]),
    ("tf.bitwise.left_shift([5, -3, 7], [1, 40, -1])", "int32", [10, -(2**31), 7]),
    ("tf.bitwise.right_shift([5, -3, 7], [1, 40, -1])", "int32", [2, -1, 7]),
    ("tf.bitwise.left_shift(tf.constant([200], tf.uint8), tf.constant([9], tf.uint8))",
     "uint8", [0]),
]  # fmt: skip

#: An expression of ``tf``, the error's class, and words of its message.
REFUSED = [
    ("tf.floor(I)", "InvalidArgumentError", "Value for attr 'T' of int32"),
    ("tf.complex(I, I)", TypeError, "incorrect types: int32 int32"),
    ("tf.complex(F, D)", TypeError, "incorrect types: float32 float64"),
    ("tf.divide(F, I)", TypeError, "must have the same dtype, got tf.float32 != tf.int32"),
    ("tf.realdiv(I, I)", "InvalidArgumentError", "of int32"),
    ("tf.logical_not(F)", "InvalidArgumentError", "expected to be a bool tensor but is a float"),
    ("tf.logical_and(F, F)", "InvalidArgumentError", "expected to be a bool tensor but is a float"),
    ("tf.reduce_all(F)", "InvalidArgumentError", "expected to be a bool tensor but is a float"),
    ("tf.where([1, 0], 1.0, 2.0)", TypeError, "to EagerTensor of dtype bool"),
    ("tf.where(F, 1.0, 2.0)", "InvalidArgumentError", "#0.*bool tensor but is a float tensor"),
    ("B < B", "InvalidArgumentError", "Value for attr 'T' of bool"),
    ("C >= C", "InvalidArgumentError", "Value for attr 'T' of complex64"),
    ("tf.cumsum(B)", "InvalidArgumentError", "Value for attr 'T' of bool"),
    ("tf.sort(B)", "InvalidArgumentError", "of bool"),
    ("tf.argsort(C)", "InvalidArgumentError", "of complex64"),
    ("tf.argmax(C)", "InvalidArgumentError", "of complex64"),
    ("tf.math.top_k(B)", "InvalidArgumentError", "of bool"),
    ("tf.einsum('i,i->', F, I)", "InvalidArgumentError", "to be a float tensor but is a int32"),
    ("tf.matmul([[True]], [[True]])", "InvalidArgumentError", "of bool"),
    ("tf.tensordot(B, B, 1)", "InvalidArgumentError", "of bool"),
    ("tf.norm(tf.constant([[3, 4]]), 2, axis=[0, 1])", "InvalidArgumentError", "of int32"),
    ("tf.linspace(0.0, D[0], 3)", ValueError, "requested dtype float32 for Tensor with .* float64"),
    ("tf.range(1, 5, 0)", "InvalidArgumentError", "Requires delta != 0: 0"),
    ("tf.range(5, 0)", "InvalidArgumentError", "Requires start <= limit when delta > 0: 5/0"),
    ("tf.range(0, 5, -1)", "InvalidArgumentError", "Requires start >= limit when delta < 0: 0/5"),
    ("tf.one_hot(F, 3)", "InvalidArgumentError", "of float is not in the list"),
    ("tf.one_hot([0], -1)", "InvalidArgumentError", "depth must be non-negative, got: -1"),
    ("tf.one_hot([0], 2, 5.0, 1)", TypeError, "of on_value does not match dtype|of off_value does"),
    ("tf.one_hot([0], 2, F[0], dtype=tf.int32)", TypeError, "of on_value does not match dtype"),
    ("tf.pad(F, [[1, 1]], constant_values=D[0])", "InvalidArgumentError", "PadV2.*but is a double"),
    ("tf.pad(I, [[1, 1]], constant_values=1.5)", TypeError, "Cannot convert 1.5 to EagerTensor"),
    ("tf.pad(F, [[1, 1]], constant_values=F)", "InvalidArgumentError", "must be a scalar. Found"),
    ("tf.signal.frame(F, 2, 2, True, D[0])", ValueError, "requested dtype float32"),
    ("tf.linalg.diag(F, padding_value=D[0])", "InvalidArgumentError", "but is a double"),
    ("tf.clip_by_value(F, D[0], 2.0)", "InvalidArgumentError", "Maximum as input #1.*is a double"),
    ("tf.clip_by_value(F, [1.0, 2.0], 3.0)", "InvalidArgumentError", "Incompatible shapes: .3. vs"),
    ("tf.clip_by_value(B, True, True)", "InvalidArgumentError", "of bool"),
    ("tf.searchsorted(F, I)", "InvalidArgumentError", "LowerBound.*but is a int32 tensor"),
    ("tf.histogram_fixed_width(F, tf.constant([0, 5]))", "InvalidArgumentError", "a int32 tensor"),
    ("tf.dynamic_stitch([[0], [1]], [F[:1], I[:1]])", "InvalidArgumentError", "is a int32 tensor"),
    ("tf.signal.dct(I)", "InvalidArgumentError", "of int32"),
    ("tf.linalg.tridiagonal_matmul(tf.ones([3, 3], tf.int32), tf.ones([3, 1], tf.int32))",
     "InvalidArgumentError", "of int32"),
    ("tf.linalg.lstsq([[1.0]], [[1.0]], D[0])", "InvalidArgumentError", "double"),
    ("tf.linalg.pinv([[1.0]], D[0])", ValueError, "requested dtype float32"),
    ("tf.debugging.check_numerics(I, '')", "InvalidArgumentError", "of int32"),
    ("tf.linalg.global_norm([I, I])", "InvalidArgumentError", "of int32"),
    ("tf.random.categorical(C[None], 2)", "InvalidArgumentError", "of complex64"),
    ("tf.gather(F, [0.0])", "InvalidArgumentError", "'Tindices' of float"),
    ("tf.gather_nd(F, [[0.0]])", "InvalidArgumentError", "'Tindices' of float"),
    ("tf.math.segment_sum(F, [0.0, 0.0, 1.0])", "InvalidArgumentError", "'Tindices' of float"),
    ("tf.scatter_nd([[0.5]], [1.0], [2])", "InvalidArgumentError", "'Tindices' of float"),
    ("tf.nn.embedding_lookup([[1.0]], [0.0])", "InvalidArgumentError", "'Tindices' of float"),
    ("tf.reduce_sum(F, D[0])", "InvalidArgumentError", "'Tidx' of double"),
    ("tf.transpose(F, [0.0])", "InvalidArgumentError", "'Tperm' of float"),
    ("tf.roll(F, 1.5, 0)", "InvalidArgumentError", "'Tshift' of float"),
    ("tf.expand_dims(F, 0.5)", "InvalidArgumentError", "of float"),
    ("tf.argmax(F, 0.5)", "InvalidArgumentError", "of float"),
    ("tf.repeat(F, -1)", "InvalidArgumentError", r"Expected multiples\[1\] >= 0, but got -1"),
    ("tf.zeros([2, -1])", "InvalidArgumentError", "Dimension -1 must be >= 0"),
    ("tf.nn.softmax(F, 3)", "InvalidArgumentError", r"must be in the range \[-1, 1\)"),
    ("tf.nn.log_softmax(F, -2)", "InvalidArgumentError", r"must be in the range \[-1, 1\)"),
    ("tf.nn.sparse_softmax_cross_entropy_with_logits([1.0], [[1.0, 2.0]])",
     "InvalidArgumentError", "'Tlabels' of float"),
    ("tf.nn.sparse_softmax_cross_entropy_with_logits([7], [[1.0, 2.0]])",
     "InvalidArgumentError", r"label value of 7 which is outside the valid range of \[0, 2\)"),
    ("tf.nn.sparse_softmax_cross_entropy_with_logits([0, 1], [[1.0, 2.0]])",
     ValueError, "must equal `logits.shape` except for the last dimension"),
    ("tf.random.uniform([2], 1.5, 4, tf.int32)", TypeError, "Cannot convert 1.5 to EagerTensor"),
    ("tf.random.uniform([2], 5, 1, tf.int32)", "InvalidArgumentError", "minval < maxval, got 5"),
    ("tf.bitwise.bitwise_and(F, F)", "InvalidArgumentError", "of float is not in the list"),
    ("tf.bitwise.invert(B)", "InvalidArgumentError", "of bool is not in the list"),
    ("tf.bitwise.bitwise_xor(I, [1, 2])", "InvalidArgumentError", "Incompatible shapes: .3. vs"),
    ("tf.bitwise.bitwise_or(I, tf.constant(1, tf.int64))", "InvalidArgumentError", "is a int64"),
]  # fmt: skip

#: What TensorFlow refuses with an error of another class.
OTHERWISE = ("tf.realdiv(I, I)", "tf.signal.dct(I)", "tf.expand_dims(F, 0.5)", "tf.argmax(F, 0.5)")


def evaluated(module, expression):
    """What an expression answers, with the module for ``tf``."""
    tensors = {
        "F": module.constant([1.0, 2.0, 7.0]),
        "I": module.constant([1, 2, 7]),
        "C": module.complex([1.0, 2.0], [3.0, 4.0]),
        "B": module.constant([True, False]),
        "D": module.constant([1.0, 2.0, 7.0], module.float64),
    }
    return eval(expression, {"tf": module, **tensors})


@pytest.mark.parametrize(("expression", "dtype", "value"), ANSWERS)
def test_answer(expression, dtype, value):
    answer = evaluated(tf, expression)
    assert answer.dtype == dtype
    np.testing.assert_allclose(answer.numpy(), value, rtol=1e-6)


@pytest.mark.parametrize(("expression", "error", "message"), REFUSED)
def test_refusal(expression, error, message):
    error = getattr(tf.errors, error) if isinstance(error, str) else error
    with pytest.raises(error, match=message):
        evaluated(tf, expression)


@pytest.mark.peers
@pytest.mark.parametrize(("expression", "dtype", "value"), ANSWERS)
def test_tensorflow_answers_so_too(expression, dtype, value):
    theirs = evaluated(pytest.importorskip("tensorflow"), expression)
    assert theirs.dtype.name == dtype
    np.testing.assert_allclose(theirs.numpy(), value, rtol=1e-6)


@pytest.mark.peers
@pytest.mark.parametrize(("expression", "error", "message"), REFUSED)
def test_tensorflow_refuses_too(expression, error, message):
    theirs = pytest.importorskip("tensorflow")
    error = getattr(theirs.errors, error) if isinstance(error, str) else error
    with pytest.raises(Exception if expression in OTHERWISE else error):
        evaluated(theirs, expression)
