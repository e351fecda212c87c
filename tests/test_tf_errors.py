"""What the functions of ``gradtape.tf`` say to arguments that do not go together."""

import numpy as np
import pytest

import gradtape.tf as tf
from gradtape import NoRuleError

X = tf.ones([2, 3])
PICTURE, FILTERS = np.ones((1, 2, 2, 1)), np.ones((1, 1, 1, 1))
OP, VALUE, TYPE = tf.errors.InvalidArgumentError, ValueError, TypeError


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: tf.math.reduce_std([1, 2]), TYPE, "Received integer type <dtype: 'int32'>"),
        (lambda: tf.math.reduce_variance([1, 2]), TYPE, "must be either real or complex"),
        # cutting and reordering
        (lambda: tf.slice(X, [0], [1]), OP, "1-D tensors of size 2"),
        (lambda: tf.slice(X, [0, 2], [1, 2]), OP, r"begin\[1\] in \[0, 3\]"),
        (lambda: tf.strided_slice(X, [0], [1, 1]), VALUE, "the same length"),
        (lambda: tf.reverse_sequence(X, [1], 1, 0), OP, "a vector of length 2"),
        (lambda: tf.reverse_sequence(X, [1, 9], 1, 0), OP, r"do not all lie in \[0, 3\]"),
        (lambda: tf.unravel_index([9], [2, 3]), OP, "out of bound"),
        (lambda: tf.ensure_shape(X, [None, 4]), OP, r"expected shape \[\?,4\]"),
        (lambda: tf.broadcast_static_shape([2], [3]), OP, "Incompatible shapes"),
        (lambda: tf.space_to_batch(X, [2], [[0, 0]]), OP, "no multiples of"),
        (lambda: tf.batch_to_space(X, [3], [[0, 0]]), OP, "no multiple of 3"),
        (lambda: tf.nn.space_to_depth(X, 2), VALUE, "must have 4 axes"),
        (lambda: tf.nn.space_to_depth(tf.ones([1, 3, 3, 1]), 2), OP, "blocks of 2"),
        (lambda: tf.nn.depth_to_space(tf.ones([1, 3, 3, 1]), 2), OP, "1 channels"),
        # gathers, scatters, segments
        (lambda: tf.gather(X, [[0]], batch_dims=1), OP, "must agree in their first 1 axes"),
        (lambda: tf.gather(X, [0, 1], axis=0, batch_dims=1), VALUE, "batch_dims = 1"),
        (lambda: tf.gather_nd(X, [[0]], batch_dims=1), OP, "must agree"),
        (lambda: tf.scatter_nd([[0]], [1.0, 2.0], [3]), OP, r"the shape \[1\], got \[2\]"),
        (lambda: tf.scatter_nd([[0, 0, 0]], [1.0], [3]), OP, "at most 1 entries"),
        (lambda: tf.dynamic_partition(X, [0], 1), OP, "must start with partitions.shape"),
        (lambda: tf.dynamic_partition(X, [0, 5], 2), OP, r"do not all lie in \[0, 2\)"),
        (lambda: tf.dynamic_stitch([[0, 1]], [[1.0]]), OP, "does not go with indices"),
        (lambda: tf.math.segment_sum(X, [[0, 1]]), OP, "should be a vector as long as"),
        (lambda: tf.math.segment_sum(X, [-1, 0]), OP, "must be >= 0"),
        (lambda: tf.math.unsorted_segment_sum(X, [0], 1), OP, "does not start with"),
        # looking up
        (lambda: tf.unique(X), OP, "expects a 1D vector"),
        (lambda: tf.bitcast(tf.ones([3]), tf.float64), OP, "Cannot bitcast from float32"),
        (lambda: tf.searchsorted([1.0], [1.0], side="up"), VALUE, "'left' or 'right'"),
        (lambda: tf.searchsorted(X, [[1.0]]), OP, "must agree"),
        (lambda: tf.math.invert_permutation([0, 2]), OP, "no permutation"),
        # math
        (lambda: tf.scalar_mul([1.0, 2.0], X), VALUE, "must be a 0-D value"),
        (lambda: tf.math.polyval(1.0, X), VALUE, "must be list type"),
        (lambda: tf.math.lgamma([1]), OP, "Value for attr 'T' of int32"),
        (lambda: tf.math.igamma(tf.ones([2]), tf.ones([3])), OP, "Incompatible shapes"),
        (lambda: tf.math.igamma(tf.ones([2]), tf.ones([2], tf.float64)), OP, "but is a double"),
        (lambda: tf.math.bincount([-1]), OP, "must be non-negative"),
        (lambda: tf.math.bincount([1], axis=3), VALUE, "axis=3"),
        (lambda: tf.math.confusion_matrix([0], [5], num_classes=2), OP, "beyond num_classes=2"),
        (lambda: tf.math.confusion_matrix([-1], [0]), OP, "negative values"),
        (lambda: tf.math.confusion_matrix([0, 1], [0]), OP, "Incompatible shapes"),
        (lambda: tf.truncatediv(1, 0), OP, "division by zero"),
        (lambda: tf.truncatemod(1, 0), OP, "division by zero"),
        # matrices
        (lambda: tf.linalg.det([1.0]), OP, "rank >= 2"),
        (lambda: tf.linalg.det([[1]]), OP, "Value for attr 'T' of int32"),
        (lambda: tf.linalg.cross(X, X[0]), OP, "of same shape"),
        (lambda: tf.linalg.lu([[0.0, 0.0], [0.0, 0.0]]), OP, "not invertible"),
        (lambda: tf.linalg.band_part(X, 5, 0), OP, "must not exceed 2 and 3"),
        (lambda: tf.linalg.diag_part(X, k=5), OP, "do not all cross a matrix of 2 x 3"),
        (lambda: tf.linalg.diag_part(X, k=(1, 0)), VALUE, "in ascending order"),
        (lambda: tf.linalg.diag_part(X, align="UP"), VALUE, "must be one of RIGHT_LEFT"),
        (lambda: tf.linalg.diag([1.0], k=(0, 1)), OP, "must have 2 rows"),
        (lambda: tf.linalg.diag([1.0], num_rows=3, num_cols=3), OP, "up to 3 entries"),
        (lambda: tf.linalg.set_diag(X, [1.0]), OP, r"must have the shape \[2\]"),
        (lambda: tf.linalg.tensor_diag_part(X), OP, "must agree"),
        (lambda: tf.linalg.tridiagonal_solve(X, X), VALUE, "Expected 3 diagonals got 2"),
        (lambda: tf.linalg.tridiagonal_solve(tf.ones([3, 4]), X), OP, "to have 4 rows"),
        (lambda: tf.linalg.tridiagonal_solve(tf.ones([3, 4]), X, "flat"), VALUE, "flat"),
        (lambda: tf.linalg.sqrtm([[-1.0, 0.0], [0.0, -1.0]]), OP, "is not real"),
        # nn
        (lambda: tf.nn.conv1d(X, X, 1, "SAME"), OP, "at least 3 axes"),
        (lambda: tf.nn.conv2d(PICTURE, FILTERS, 0, "SAME"), VALUE, "strides"),
        (
            lambda: tf.nn.conv2d(PICTURE, FILTERS, [2, 1, 1, 1], "SAME"),
            OP,
            "must be 1 for the batch",
        ),
        (lambda: tf.nn.conv2d(PICTURE, FILTERS, 1, "FULL"), VALUE, "'FULL'"),
        (lambda: tf.nn.conv2d(PICTURE, FILTERS, 1, "SAME", "HWCN"), VALUE, "data_format"),
        (lambda: tf.nn.conv2d([[[[1]]]], [[[[1]]]], 1, "SAME"), OP, "Value for attr 'T' of int32"),
        (lambda: tf.nn.convolution(X, X), VALUE, "3, 4 or 5 axes"),
        (
            lambda: tf.nn.depthwise_conv2d(np.ones((1, 2, 2, 3)), np.ones((1, 1, 2, 1)), 1, "SAME"),
            OP,
            "same depth: 3 vs 2",
        ),
        (lambda: tf.nn.max_pool(X, 2, 2, "SAME"), VALUE, "3, 4 or 5 axes"),
        (lambda: tf.nn.pool(tf.ones([1, 2, 1]), 2, "SUM"), VALUE, "'MAX' or 'AVG'"),
        (lambda: tf.nn.max_pool2d([[[[1]]]], 1, 1, "SAME"), OP, "Value for attr 'T' of int32"),
        (lambda: tf.nn.lrn(X), OP, "4-dimensional"),
        (lambda: tf.nn.weighted_cross_entropy_with_logits(X, X[0], 1.0), VALUE, "same shape"),
        # signal
        (lambda: tf.signal.fft2d(tf.complex([1.0], [1.0])), OP, "rank of at least 2"),
        (lambda: tf.signal.rfft(tf.complex([1.0], [1.0])), OP, "float, double"),
        (lambda: tf.signal.rfft(X, [2, 2]), OP, r"must have shape \[1\]"),
        (lambda: tf.signal.dct(X, type=5), VALUE, "Types I, II, III and IV"),
        (lambda: tf.signal.dct(X, type=1, norm="ortho"), VALUE, "Type-I"),
        (lambda: tf.signal.dct(X, norm="unit"), VALUE, "'ortho'"),
        (lambda: tf.signal.dct(tf.ones([1]), type=1), VALUE, "at least two"),
        (lambda: tf.signal.idct(X, n=2), VALUE, "should be None"),
        (lambda: tf.signal.dct(X, axis=0), NotImplementedError, "axis must be -1"),
        # loops
        (lambda: tf.cond(True, 1, lambda: 2), TYPE, "'true_fn' must be callable"),
        (lambda: tf.case([(False, lambda: 1)]), OP, "there is no default"),
        (lambda: tf.case([(True, int), (True, int)], exclusive=True), OP, "more than 1"),
        (lambda: tf.switch_case(0, []), VALUE, "at least one item"),
        (lambda: tf.while_loop(1, int, [0]), TYPE, "'cond' must be callable"),
        (lambda: tf.while_loop(int, 1, [0]), TYPE, "'body' must be callable"),
        (lambda: tf.while_loop(int, int, []), VALUE, "'loop_vars' must be provided"),
        (
            lambda: tf.while_loop(lambda i: True, lambda i: (i, i), [0]),
            VALUE,
            "as many values as there are loop variables: 1, got 2",
        ),
        (lambda: tf.map_fn(lambda p: p, (X, X[:1])), VALUE, "must agree in the length"),
        (lambda: tf.map_fn(lambda x: x, tf.ones([0])), VALUE, "has no slices"),
        (lambda: tf.foldl(max, tf.ones([0])), VALUE, "at least one slice"),
        (lambda: tf.scan(max, tf.ones([0]), 1.0), VALUE, "has no slices"),
        (lambda: tf.TensorArray(tf.float32, 1).read(3), OP, "array size is: 1"),
        (lambda: tf.TensorArray(tf.float32, 1).read(0), OP, "never written to"),
        (lambda: tf.TensorArray(tf.float32, 1).write(0, tf.constant(1)), VALUE, "float32"),
        (lambda: tf.Module(name="no name"), VALUE, "not a valid module name"),
        (lambda: tf.nest.map_structure(1, []), TYPE, "must be callable"),
        (lambda: tf.nest.map_structure(int), VALUE, "at least one structure"),
        (lambda: tf.nest.map_structure(int, [], other=1), VALUE, "check_types"),
        (lambda: tf.name_scope(1), VALUE, "must be a string"),
        (lambda: tf.test.compute_gradient(abs, X), VALUE, "must be a list or tuple"),
    ],
)
def test_message(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    ("module", "call"),
    [
        ("scipy.special", lambda: tf.math.lgamma(1.0)),
        ("scipy.linalg", lambda: tf.linalg.expm([[1.0]])),
        ("scipy.linalg", lambda: tf.linalg.tridiagonal_solve(tf.ones([3, 1]), [1.0])),
    ],
)
def test_without_scipy_a_function_says_what_to_install(monkeypatch, module, call):
    monkeypatch.setitem(__import__("sys").modules, module, None)
    with pytest.raises(ImportError, match=r"pip install 'gradtape\[scipy\]'"):
        call()


def test_the_order_of_a_norm_has_no_derivative():
    order = tf.Variable(2.0)
    np.testing.assert_allclose(tf.norm([3.0, 4.0], order), 5.0)
    with (
        tf.GradientTape(),
        pytest.raises(NoRuleError, match=r"^gradtape\.tf\.linalg\.norm .* 'ord'"),
    ):
        tf.norm([3.0, 4.0], order)


def test_checks_of_types():
    with pytest.raises(ValueError, match="must be of the same type"):
        tf.debugging.assert_same_float_dtype([tf.constant(1.0), tf.constant(1.0, tf.float64)])
    with pytest.raises(ValueError, match="Expected floating point type"):
        tf.debugging.assert_same_float_dtype([tf.constant(1)])
    with pytest.raises(TypeError, match="'proper' iterable"):
        tf.debugging.assert_proper_iterable("text")
    with pytest.raises(TypeError, match=r"got tf\.float32"):
        tf.debugging.assert_type(1.0, tf.int32, message="words")
    assert tf.debugging.assert_same_float_dtype() is tf.float32
    assert not tf.debugging.is_numeric_tensor(1.0)


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("assert_none_equal", (1, 2), (1, 1)),
        ("assert_less_equal", (1, 1), (2, 1)),
        ("assert_greater", (2, 1), (1, 1)),
        ("assert_greater_equal", (1, 1), (0, 1)),
        ("assert_near", (1.0, 1.0), (1.0, 1.1)),
        ("assert_negative", (-1,), (0,)),
        ("assert_non_negative", (0,), (-1,)),
        ("assert_non_positive", (0,), (1,)),
    ],
)
def test_comparisons(name, good, bad):
    check = getattr(tf.debugging, name)
    assert check(*good) is None
    with pytest.raises(OP, match="words"):
        check(*bad, message="words")


def test_a_nan_in_a_tridiagonal_matrix_is_no_error():
    out = tf.linalg.tridiagonal_solve([[1.0, 0.0], [2.0, np.nan], [0.0, 1.0]], [1.0, 2.0])
    assert np.isnan(out.numpy()).any()
