"""Which dtype comes out, and which error comes when dtypes or shapes do not go together."""

import operator
from typing import Any

import numpy as np
import pytest

NAMES = {"float32": "float", "float64": "double", "int32": "int32", "int64": "int64"}
OPERATIONS = [("AddV2", operator.add), ("Sub", operator.sub), ("Mul", operator.mul)]


def mixed(op: str, first: str, second: str, index: int = 1) -> str:
    """The beginning of TensorFlow's message about two dtypes, as a pattern."""
    return (
        rf"^cannot compute {op} as input #{index}\(zero-based\) was expected to be a "
        f"{NAMES[first]} tensor but is a {NAMES[second]} tensor"
    )


# ---- constants ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (2.5, "float32"),
        (2, "int32"),
        (2**31 - 1, "int32"),
        (2**31, "int64"),
        (True, "bool"),
        (1j, "complex128"),
        ([1, 2.5], "float32"),
        ([1, 2**40], "int64"),
        ([], "float32"),
        (np.float64(2.0), "float64"),
        (np.int64(3), "int64"),
        (np.array([1.0, 2.0]), "float64"),
        (np.array([1.0], np.float16), "float16"),
    ],
    ids=repr,
)
def test_dtype_of_a_constant(tf: Any, value: Any, dtype: str) -> None:
    assert tf.constant(value).dtype == dtype
    assert tf.convert_to_tensor(value).dtype == dtype


@pytest.mark.parametrize("dtype", ["float64", np.float64, np.dtype("float64")], ids=repr)
def test_ways_to_name_a_dtype(tf: Any, dtype: Any) -> None:
    assert tf.constant([1, 2], dtype=dtype).dtype == tf.float64


def test_pythons_float_as_dtype_means_float32(tf: Any) -> None:
    assert tf.constant([1.0], dtype=float).dtype == tf.float32


def test_an_array_is_cast_as_numpy_casts(tf: Any) -> None:
    assert tf.constant(np.array([1.7]), dtype=tf.int32).numpy().tolist() == [1]


def test_a_constant_is_filled_to_a_shape(tf: Any) -> None:
    assert tf.constant(1.5, shape=[2, 2]).numpy().tolist() == [[1.5, 1.5], [1.5, 1.5]]


@pytest.mark.parametrize("make", ["constant", "convert_to_tensor", "cast"])
def test_a_tensor_is_given_back(tf: Any, make: str) -> None:
    x = tf.constant(1.0)
    arguments = (tf.float32,) if make == "cast" else ()
    assert getattr(tf, make)(x, *arguments) is x


def test_identity_makes_a_new_tensor(tf: Any) -> None:
    x = tf.constant(1.0)
    assert tf.identity(x) is not x


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ([[1.0, 2.0], [3.0]], ValueError, "^Can't convert non-rectangular Python sequence to Tens"),
        ([1.0, "a"], ValueError, "^Can't convert Python sequence with mixed types to Tensor"),
        (None, ValueError, r"^Attempt to convert a value \(None\) with an unsupported type"),
        ({"a": 1}, ValueError, r"^Attempt to convert a value \({'a': 1}\) with an unsupported"),
        (2**64, ValueError, "^Can't convert Python sequence with out-of-range integer to Tensor"),
    ],
    ids=["ragged", "mixed", "None", "dict", "too large"],
)
def test_what_is_no_constant(tf: Any, value: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        tf.constant(value)


def test_a_float_is_no_integer_constant(tf: Any) -> None:
    with pytest.raises(TypeError, match=r"^Cannot convert 2\.5 to EagerTensor of dtype int32$"):
        tf.constant(2.5, dtype=tf.int32)


def test_convert_to_tensor_does_not_cast_tensors(tf: Any) -> None:
    message = "^Tensor conversion requested dtype float64 for Tensor with dtype float32: <tf.Tensor"
    with pytest.raises(ValueError, match=message):
        tf.convert_to_tensor(tf.constant(1.0), dtype=tf.float64)


def test_python_int_is_no_dtype(tf: Any) -> None:
    with pytest.raises(TypeError, match="Cannot convert the argument `type_value`: <class 'int'>"):
        tf.constant(3, dtype=int)


# ---- two tensors ----------------------------------------------------------------------------


@pytest.mark.parametrize(("op", "function"), OPERATIONS, ids=[name for name, _ in OPERATIONS])
@pytest.mark.parametrize(
    ("first", "second"),
    [("float32", "int32"), ("int32", "float32"), ("float32", "float64"), ("int32", "int64")],
)
def test_tensors_of_different_dtypes(
    tf: Any, op: str, function: Any, first: str, second: str
) -> None:
    x, y = tf.constant(1, dtype=first), tf.constant(1, dtype=second)
    with pytest.raises(tf.errors.InvalidArgumentError, match=mixed(op, first, second)):
        function(x, y)


@pytest.mark.parametrize(
    ("op", "function"),
    [("Pow", operator.pow), ("Less", operator.lt), ("Equal", operator.eq)],
    ids=["Pow", "Less", "Equal"],
)
def test_other_operators_are_as_strict(tf: Any, op: str, function: Any) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match=mixed(op, "float32", "int32")):
        function(tf.constant(1.0), tf.constant(1))


def test_quotient_of_different_dtypes_is_a_type_error(tf: Any) -> None:
    message = r"^`x` and `y` must have the same dtype, got tf\.float32 != tf\.int32\.$"
    with pytest.raises(TypeError, match=message):
        tf.constant(1.0) / tf.constant(1)


def test_maximum_of_different_dtypes(tf: Any) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match=mixed("Maximum", "float32", "int32")):
        tf.maximum(tf.constant(1.0), tf.constant(1))


def test_where_of_different_dtypes(tf: Any) -> None:
    message = mixed("SelectV2", "float32", "int32", index=2)
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        tf.where(tf.constant([True]), tf.constant([1.0]), tf.constant([1]))


def test_stack_of_different_dtypes(tf: Any) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match=mixed("Pack", "float32", "int32")):
        tf.stack([tf.constant(1.0), tf.constant(1)])


def test_a_variable_is_as_strict(tf: Any) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match=mixed("AddV2", "float32", "int32")):
        tf.Variable(1.0) + tf.constant(1)


# ---- a tensor and something else ------------------------------------------------------------


@pytest.mark.parametrize(
    "other", [2, 2.0, True, np.float64(2.0), np.array(2.0), np.array(2), np.int64(2)], ids=repr
)
def test_the_tensor_on_the_left_decides(tf: Any, other: Any) -> None:
    y = tf.constant(1.5) * other
    assert (y.dtype, y.numpy()) == (tf.float32, 1.5 * float(other))


@pytest.mark.parametrize("other", [2, 2.0, np.float64(2.0), np.array(2.0), np.array([2])], ids=repr)
def test_the_tensor_on_the_right_decides(tf: Any, other: Any) -> None:
    y = other * tf.constant([1.5])
    assert isinstance(y, tf.Tensor)
    assert (y.dtype, y.numpy().tolist()) == (tf.float32, [3.0])


def test_an_integer_tensor_and_a_python_int(tf: Any) -> None:
    assert (tf.constant(3) + 2).dtype == tf.int32
    assert (2 + tf.constant(3)).dtype == tf.int32


def test_an_integer_tensor_plus_a_float(tf: Any) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match=mixed("AddV2", "int32", "float32")):
        tf.constant(1) + 2.5


@pytest.mark.parametrize(
    "function",
    [lambda i: 2.5 + i, lambda i: i * 2.5, lambda i: i**2.5, lambda i: i == 2.5],
    ids=["float + int", "int * float", "int ** float", "int == float"],
)
def test_an_integer_tensor_and_a_float(tf: Any, function: Any) -> None:
    with pytest.raises(TypeError, match=r"^Cannot convert 2\.5 to EagerTensor of dtype int32$"):
        function(tf.constant(1))


def test_an_integer_tensor_divided_by_a_float(tf: Any) -> None:
    message = r"^`x` and `y` must have the same dtype, got tf\.int32 != tf\.float32\.$"
    with pytest.raises(TypeError, match=message):
        tf.constant(3) / 2.5


def test_a_tensor_and_none(tf: Any) -> None:
    message = r"^Attempt to convert a value \(None\) with an unsupported type"
    with pytest.raises(ValueError, match=message):
        tf.constant(1.0) + None


def test_a_tensor_compared_with_none(tf: Any) -> None:
    assert (tf.constant(1.0) == None) is False  # noqa: E711
    assert (tf.constant(1.0) != None) is True  # noqa: E711


# ---- integers -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "result"), [("int32", "float64"), ("int64", "float64"), ("int8", "float32")]
)
def test_quotient_of_integers(tf: Any, name: str, result: str) -> None:
    y = tf.constant(3, dtype=name) / tf.constant(2, dtype=name)
    assert (y.dtype, y.numpy()) == (result, 1.5)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda i: i // 2, -2),
        (lambda i: i % 2, 1),
        (lambda i: i**2, 9),
        (lambda i: -i, 3),
        (abs, 3),
    ],
    ids=["//", "%", "**", "-", "abs"],
)
def test_integers_stay_integers(tf: Any, function: Any, expected: int) -> None:
    y = function(tf.constant(-3))
    assert (y.dtype, y.numpy()) == (tf.int32, expected)


def test_quotient_by_integer_zero(tf: Any) -> None:
    assert (tf.constant(3) / tf.constant(0)).numpy() == float("inf")


def test_floor_division_by_integer_zero(tf: Any) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match="Integer division by zero"):
        tf.constant(3) // tf.constant(0)


def test_negative_power_of_an_integer(tf: Any) -> None:
    message = "Integers to negative integer powers are not allowed"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        tf.constant(2) ** -1


@pytest.mark.parametrize(("name", "op"), [("exp", "Exp"), ("sqrt", "Sqrt"), ("sin", "Sin")])
def test_functions_of_reals_refuse_integers(tf: Any, name: str, op: str) -> None:
    message = "^Value for attr 'T' of int32 is not in the list of allowed values: "
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        getattr(tf, name)(tf.constant(2))


@pytest.mark.parametrize("name", ["reduce_mean", "reduce_sum", "reduce_max"])
def test_reductions_of_integers_are_integers(tf: Any, name: str) -> None:
    assert getattr(tf, name)(tf.constant([1, 2])).dtype == tf.int32


def test_the_mean_of_integers_rounds_down(tf: Any) -> None:
    assert tf.reduce_mean(tf.constant([1, 2])).numpy() == 1


@pytest.mark.parametrize("function", [operator.neg, lambda b: b + b], ids=["neg", "add"])
def test_booleans_are_no_numbers(tf: Any, function: Any) -> None:
    message = "^Value for attr 'T' of bool is not in the list of allowed values: "
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        function(tf.constant(True))


# ---- cast and makers ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "dtype", "expected"),
    [
        ([1.7, -1.7], "int32", [1, -1]),
        ([0.0, 0.5], "bool", [False, True]),
        ([True, False], "float32", [1.0, 0.0]),
        ([1, 2], "float64", [1.0, 2.0]),
    ],
)
def test_cast(tf: Any, value: Any, dtype: str, expected: Any) -> None:
    y = tf.cast(tf.constant(value), dtype)
    assert (y.dtype, y.numpy().tolist()) == (dtype, expected)


@pytest.mark.parametrize(
    ("make", "dtype", "values"),
    [
        (lambda tf: tf.range(3), "int32", [0, 1, 2]),
        (lambda tf: tf.range(3.0), "float32", [0.0, 1.0, 2.0]),
        (lambda tf: tf.range(1, 4), "int32", [1, 2, 3]),
        (lambda tf: tf.range(0.0, 1.0, 0.5), "float32", [0.0, 0.5]),
        (lambda tf: tf.linspace(0.0, 1.0, 3), "float32", [0.0, 0.5, 1.0]),
        (lambda tf: tf.linspace(0, 1, 3), "float64", [0.0, 0.5, 1.0]),
        (lambda tf: tf.zeros([2]), "float32", [0.0, 0.0]),
        (lambda tf: tf.ones(()), "float32", 1.0),
        (lambda tf: tf.fill([2], 3), "int32", [3, 3]),
        (lambda tf: tf.eye(2), "float32", [[1.0, 0.0], [0.0, 1.0]]),
        (lambda tf: tf.ones_like([1, 2]), "int32", [1, 1]),
        (lambda tf: tf.zeros_like(tf.constant(1.0)), "float32", 0.0),
        (lambda tf: tf.where([True, False], 1.0, 0), "float32", [1.0, 0.0]),
        (lambda tf: tf.where([True, False]), "int64", [[0]]),
        (lambda tf: tf.argmax([1.0, 3.0]), "int64", 1),
    ],
)
def test_makers(tf: Any, make: Any, dtype: str, values: Any) -> None:
    x = make(tf)
    assert (x.dtype, x.numpy().tolist()) == (dtype, values)


# ---- shapes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("op", "function"), OPERATIONS, ids=[name for name, _ in OPERATIONS])
def test_shapes_that_do_not_broadcast(tf: Any, op: str, function: Any) -> None:
    message = rf"Incompatible shapes: \[2\] vs\. \[3\] \[Op:{op}\]"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        function(tf.ones([2]), tf.ones([3]))


def test_equality_of_shapes_that_do_not_broadcast(tf: Any) -> None:
    assert (tf.ones([2]) == tf.ones([3])).numpy().tolist() is False


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda tf: tf.matmul(tf.ones([2, 3]), tf.ones([2, 3])),
            r"Matrix size-incompatible: In\[0\]: \[2,3\], In\[1\]: \[2,3\]",
        ),
        (lambda tf: tf.ones([2, 3]) @ tf.ones([3]), r"In\[1\] ndims must be >= 2"),
        (
            lambda tf: tf.reshape(tf.ones([6]), [4, 2]),
            "Input to reshape is a tensor with 6 values, but the requested shape has 8",
        ),
        (
            lambda tf: tf.concat([tf.ones([2, 2]), tf.ones([3, 3])], 0),
            r"shape\[0\] = \[2,2\] vs\. shape\[1\] = \[3,3\]",
        ),
        (
            lambda tf: tf.stack([tf.ones([2]), tf.ones([3])]),
            r"Shapes of all inputs must match: values\[0\]\.shape = \[2\]",
        ),
        (
            lambda tf: tf.add_n([tf.ones([2]), tf.ones([3])]),
            r"must have the same size and shape\.  Input 0: \[2\] != input 1: \[3\]",
        ),
        (
            lambda tf: tf.reduce_sum(tf.ones([2]), axis=1),
            r"Invalid reduction dimension \(1 for input with 1 dimension\(s\)",
        ),
        (lambda tf: tf.ones([2])[5], "slice index 5 of dimension 0 out of bounds"),
        (lambda tf: tf.gather(tf.ones([2]), [5]), r"indices\[0\] = 5 is not in \[0, 2\)"),
    ],
    ids=["matmul", "vector", "reshape", "concat", "stack", "add_n", "axis", "index", "gather"],
)
def test_shapes_that_do_not_go_together(tf: Any, call: Any, message: str) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        call(tf)


def test_add_n_of_nothing(tf: Any) -> None:
    with pytest.raises(ValueError, match=r"^Inputs must be an iterable of at least one"):
        tf.add_n([])
