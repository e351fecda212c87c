"""The printed forms of tensors, variables, dtypes and shapes."""

from typing import Any

import numpy as np
import pytest

# value, dtype or None, the text of numpy= in repr, the text in str, the shape, the dtype's name
TENSORS = [
    (5.0, None, "5.0", "5.0", "()", "float32"),
    (5, None, "5", "5", "()", "int32"),
    (True, None, "True", "True", "()", "bool"),
    (1.0, "float64", "1.0", "1.0", "()", "float64"),
    (3, "int64", "3", "3", "()", "int64"),
    (3, "uint8", "3", "3", "()", "uint8"),
    (1.5, "float16", "1.5", "1.5", "()", "float16"),
    (float("nan"), None, "nan", "nan", "()", "float32"),
    (float("-inf"), None, "-inf", "-inf", "()", "float32"),
    (1 + 2j, None, "(1+2j)", "(1+2j)", "()", "complex128"),
    # A scalar's repr shows the digits of Python's float, its str those of NumPy's float32.
    (0.1, None, "0.10000000149011612", "0.1", "()", "float32"),
    (1 / 3, None, "0.3333333432674408", "0.33333334", "()", "float32"),
    (1e10, None, "10000000000.0", str(np.float32(1e10)), "()", "float32"),  # NumPy's, which changed
    (1e-10, None, "1.000000013351432e-10", "1e-10", "()", "float32"),
    (123456789.0, None, "123456792.0", str(np.float32(123456789.0)), "()", "float32"),
    (0.1, "float64", "0.1", "0.1", "()", "float64"),
    ([1.0, 2.0], None, "array([1., 2.], dtype=float32)", "[1. 2.]", "(2,)", "float32"),
    ([1.0, 2.0], "float64", "array([1., 2.])", "[1. 2.]", "(2,)", "float64"),
    ([1, 2], None, "array([1, 2], dtype=int32)", "[1 2]", "(2,)", "int32"),
    ([1, 2], "int64", "array([1, 2])", "[1 2]", "(2,)", "int64"),
    ([True, False], None, "array([ True, False])", "[ True False]", "(2,)", "bool"),
    ([0.1, 1e10], None, "array([1.e-01, 1.e+10], dtype=float32)", "[1.e-01 1.e+10]", "(2,)",
     "float32"),
    ([], None, "array([], dtype=float32)", "[]", "(0,)", "float32"),
    (np.zeros((0, 3), np.float32), None, "array([], shape=(0, 3), dtype=float32)", "[]", "(0, 3)",
     "float32"),
    ([[1.0, 2.0], [3.0, 4.0]], None, "\narray([[1., 2.],\n       [3., 4.]], dtype=float32)",
     "\n[[1. 2.]\n [3. 4.]]", "(2, 2)", "float32"),
    (np.zeros((2, 1, 2)), None, "\narray([[[0., 0.]],\n\n       [[0., 0.]]])",
     "\n[[[0. 0.]]\n\n [[0. 0.]]]", "(2, 1, 2)", "float64"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "dtype", "text", "_", "shape", "name"), TENSORS)
def test_repr_of_a_tensor(
    tf: Any, value: Any, dtype: Any, text: str, _: str, shape: str, name: str
) -> None:
    x = tf.constant(value, dtype=dtype)
    assert repr(x) == f"<tf.Tensor: shape={shape}, dtype={name}, numpy={text}>"


@pytest.mark.parametrize(("value", "dtype", "_", "text", "shape", "name"), TENSORS)
def test_str_of_a_tensor(
    tf: Any, value: Any, dtype: Any, _: str, text: str, shape: str, name: str
) -> None:
    x = tf.constant(value, dtype=dtype)
    assert str(x) == f"tf.Tensor({text}, shape={shape}, dtype={name})"


def test_a_one_row_matrix_prints_on_one_line(tf: Any) -> None:
    x = tf.constant([[1.0, 2.0]])
    assert repr(x).endswith("numpy=array([[1., 2.]], dtype=float32)>")
    assert str(x) == "tf.Tensor([[1. 2.]], shape=(1, 2), dtype=float32)"


def test_a_long_vector_is_cut_as_numpy_cuts(tf: Any) -> None:
    array = np.arange(2000.0, dtype=np.float32)
    text = repr(array)
    assert repr(tf.constant(array)) == (
        f"<tf.Tensor: shape=(2000,), dtype=float32, numpy=\n{text}>"
        if "\n" in text
        else f"<tf.Tensor: shape=(2000,), dtype=float32, numpy={text}>"
    )


def test_tensors_in_containers(tf: Any) -> None:
    a, b = tf.constant(36.0), tf.constant([1.0])
    assert repr([a, {"b": (b, None)}]) == (
        "[<tf.Tensor: shape=(), dtype=float32, numpy=36.0>, {'b': (<tf.Tensor: shape=(1,), "
        "dtype=float32, numpy=array([1.], dtype=float32)>, None)}]"
    )


@pytest.mark.parametrize(
    ("template", "value", "text"),
    [("{}", 2.5, "2.5"), ("{:.2f}", 2.5, "2.50"), ("{}", [2.5, 1.0], "[2.5 1. ]")],
)
def test_format(tf: Any, template: str, value: Any, text: str) -> None:
    assert template.format(tf.constant(value)) == text


def test_a_number_format_of_a_vector(tf: Any) -> None:
    with pytest.raises(TypeError, match="unsupported format string passed to"):
        f"{tf.constant([2.5]):.2f}"


# ---- variables ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5.0, "shape=() dtype=float32, numpy=5.0"),
        (3, "shape=() dtype=int32, numpy=3"),
        (True, "shape=() dtype=bool, numpy=True"),
        ([1.0, 2.0], "shape=(2,) dtype=float32, numpy=array([1., 2.], dtype=float32)"),
        (
            [[1.0, 2.0], [3.0, 4.0]],
            "shape=(2, 2) dtype=float32, numpy=\n"
            "array([[1., 2.],\n       [3., 4.]], dtype=float32)",
        ),
    ],
)
@pytest.mark.parametrize("form", [repr, str])
def test_printed_variable(tf: Any, value: Any, text: str, form: Any) -> None:
    assert form(tf.Variable(value)) == f"<tf.Variable 'Variable:0' {text}>"


def test_printed_variable_with_a_name(tf: Any) -> None:
    v = tf.Variable(5.0, name="w")
    assert repr(v) == "<tf.Variable 'w:0' shape=() dtype=float32, numpy=5.0>"


def test_printed_answer_of_assign(tf: Any) -> None:
    answer = tf.Variable(5.0).assign(6.0)
    assert repr(answer) == "<tf.Variable 'UnreadVariable' shape=() dtype=float32, numpy=6.0>"


def test_printed_reference(tf: Any) -> None:
    text = "<Reference wrapping <tf.Tensor: shape=(), dtype=float32, numpy=1.0>>"
    assert repr(tf.constant(1.0).ref()) == text


# ---- dtypes ---------------------------------------------------------------------------------

DTYPES = ["float16", "float32", "float64", "int8", "int32", "int64", "uint8", "bool", "complex64"]


@pytest.mark.parametrize("name", DTYPES)
def test_printed_dtype(tf: Any, name: str) -> None:
    dtype = getattr(tf, name)
    assert repr(dtype) == f"tf.{name}"
    assert str(dtype) == f"<dtype: '{name}'>"
    assert dtype.name == name


@pytest.mark.parametrize("name", DTYPES)
def test_a_dtype_is_numpys(tf: Any, name: str) -> None:
    dtype = getattr(tf, name)
    assert dtype.as_numpy_dtype is np.dtype(name).type
    assert dtype == name
    assert dtype == np.dtype(name).type
    assert tf.as_dtype(name) is dtype
    assert tf.as_dtype(np.dtype(name)) is dtype
    assert getattr(tf.dtypes, name) is dtype


@pytest.mark.parametrize(("alias", "name"), [("double", "float64"), ("half", "float16")])
def test_dtype_aliases(tf: Any, alias: str, name: str) -> None:
    assert getattr(tf, alias) is getattr(tf, name)


@pytest.mark.parametrize(
    ("name", "floating", "integer", "boolean", "complex_"),
    [
        ("float32", True, False, False, False),
        ("int32", False, True, False, False),
        ("bool", False, False, True, False),
        ("complex64", False, False, False, True),
    ],
)
def test_kinds_of_dtype(
    tf: Any, name: str, floating: bool, integer: bool, boolean: bool, complex_: bool
) -> None:
    dtype = getattr(tf, name)
    kinds = (dtype.is_floating, dtype.is_integer, dtype.is_bool, dtype.is_complex)
    assert kinds == (floating, integer, boolean, complex_)


def test_limits_of_a_dtype(tf: Any) -> None:
    assert tf.float32.max == np.finfo(np.float32).max
    assert tf.int32.min == np.iinfo(np.int32).min
    assert tf.float32.size == 4


def test_dtypes_are_keys(tf: Any) -> None:
    assert {tf.float32: 1}[tf.constant(1.0).dtype] == 1


# ---- shapes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text", "short"),
    [(1.0, "TensorShape([])", "()"), ([1.0], "TensorShape([1])", "(1,)"),
     ([[1.0, 2.0]], "TensorShape([1, 2])", "(1, 2)")],
)  # fmt: skip
def test_printed_shape(tf: Any, value: Any, text: str, short: str) -> None:
    for x in (tf.constant(value), tf.Variable(value)):
        assert repr(x.shape) == text
        assert str(x.shape) == f"{x.shape}" == short


@pytest.fixture
def shape(tf: Any) -> Any:
    return tf.constant([[1.0, 2.0]]).shape


def test_a_shape_equals_tuples_and_lists(shape: Any) -> None:
    assert shape == (1, 2)
    assert shape == [1, 2]
    assert shape != (1, 3)


def test_a_shape_as_a_sequence(shape: Any) -> None:
    assert len(shape) == 2
    assert list(shape) == [1, 2]
    assert tuple(shape) == (1, 2)
    assert shape[0] == 1
    assert shape[-1] == 2


def test_a_shape_sliced(shape: Any) -> None:
    assert repr(shape[1:]) == "TensorShape([2])"


def test_methods_of_a_shape(shape: Any) -> None:
    assert shape.as_list() == [1, 2]
    assert (shape.rank, shape.ndims, shape.num_elements()) == (2, 2, 2)
    assert shape.is_fully_defined()


def test_shapes_are_joined(shape: Any) -> None:
    assert repr(shape + [3]) == "TensorShape([1, 2, 3])"  # noqa: RUF005
    assert repr(shape.concatenate([4])) == "TensorShape([1, 2, 4])"


def test_a_made_shape(tf: Any, shape: Any) -> None:
    assert tf.TensorShape([1, 2]) == shape
    assert isinstance(shape, tf.TensorShape)


def test_shapes_are_keys(shape: Any, tf: Any) -> None:
    assert {shape: 1}[tf.TensorShape([1, 2])] == 1


def test_get_shape(tf: Any) -> None:
    assert tf.constant([[1.0, 2.0]]).get_shape() == (1, 2)
    assert tf.constant([[1.0, 2.0]]).ndim == 2


def test_shape_rank_and_size_as_tensors(tf: Any) -> None:
    x = tf.constant([[1.0, 2.0]])
    assert repr(tf.shape(x)).endswith("dtype=int32, numpy=array([1, 2], dtype=int32)>")
    assert repr(tf.rank(x)) == "<tf.Tensor: shape=(), dtype=int32, numpy=2>"
    assert repr(tf.size(x)) == "<tf.Tensor: shape=(), dtype=int32, numpy=2>"
