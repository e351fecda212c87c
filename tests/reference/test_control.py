"""Loops and branches as functions, nests, modules, checks."""

from collections.abc import Callable
from typing import Any

import pytest


def numbers(value: Any) -> Any:
    return [t.numpy().tolist() for t in value]


def test_while_loop_makes_tensors_and_answers_as_its_body(tf: Any) -> None:
    answer = tf.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, 2 * x), [0, 1.0])
    assert isinstance(answer, tuple)
    assert numbers(answer) == [3, 8.0]
    (last,) = tf.while_loop(lambda i: i < 3, lambda i: [i + 1], (tf.constant(0),))
    assert last.numpy() == 3


def test_while_loop_stops_after_its_maximum(tf: Any) -> None:
    (i,) = tf.while_loop(lambda i: i < 9, lambda i: [i + 1], [0], maximum_iterations=4)
    assert i.numpy() == 4


def test_gradient_through_a_loop(tf: Any, derivative: Any) -> None:
    def power(x: Any) -> Any:
        return tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * x), [0, x])[1]

    assert derivative(power, 2.0) == 32.0


def test_cond_answers_what_the_function_answers(tf: Any) -> None:
    assert tf.cond(tf.constant(True), lambda: 1.0, lambda: 2.0) == 1.0


def test_map_fn_takes_no_scalars(tf: Any) -> None:
    with pytest.raises(ValueError, match="must be 1\\+ dimensional"):
        tf.map_fn(lambda x: x, tf.constant(1.0))


def test_map_fn_over_structures(tf: Any) -> None:
    xs, ys = tf.constant([1.0, 2.0]), tf.constant([3.0, 4.0])
    assert tf.map_fn(lambda p: p[0] * p[1], (xs, ys), dtype=tf.float32).numpy().tolist() == [3, 8]


@pytest.mark.parametrize(
    ("name", "expected"), [("foldl", 123), ("foldr", 321), ("scan", [1, 12, 123])]
)
def test_folds(tf: Any, name: str, expected: Any) -> None:
    y = getattr(tf, name)(lambda a, x: 10 * a + x, tf.constant([1, 2, 3]))
    assert y.numpy().tolist() == expected


def test_scan_with_a_first_value(tf: Any) -> None:
    y = tf.scan(lambda a, x: a + x, tf.constant([1.0, 2.0]), initializer=10.0)
    assert y.numpy().tolist() == [11.0, 13.0]
    y = tf.scan(lambda a, x: a + x, tf.constant([1.0, 2.0]), initializer=0.0, reverse=True)
    assert y.numpy().tolist() == [3.0, 2.0]


def test_switch_case_falls_back_to_the_last(tf: Any) -> None:
    fns = [lambda: tf.constant(0), lambda: tf.constant(1)]
    assert tf.switch_case(tf.constant(7), fns).numpy() == 1


def test_tensor_array(tf: Any) -> None:
    array = tf.TensorArray(tf.float32, size=0, dynamic_size=True)
    for i in range(3):
        array = array.write(i, float(i))
    assert array.stack().numpy().tolist() == [0.0, 1.0, 2.0]
    assert array.size().numpy() == 3
    with pytest.raises(tf.errors.OpError):
        tf.TensorArray(tf.float32, size=1).write(2, 1.0)


# ---- nests ----------------------------------------------------------------------------------


def test_nests(tf: Any) -> None:
    assert tf.nest.flatten({"b": 2, "a": [1, (3,)]}) == [1, 3, 2]
    assert tf.nest.flatten(5) == [5]
    assert tf.nest.pack_sequence_as({"a": 0, "b": [0]}, [1, 2]) == {"a": 1, "b": [2]}
    assert tf.nest.map_structure(lambda x, y: x + y, {"a": 1}, {"a": 10}) == {"a": 11}
    assert tf.nest.is_nested([])
    assert not tf.nest.is_nested("text")


@pytest.mark.parametrize(
    ("first", "second", "error"),
    [
        ([1], [1, 2], ValueError),
        ([1], 1, ValueError),
        ([1], (1,), TypeError),
        ({"a": 1}, {"b": 1}, ValueError),
    ],
)
def test_structures_that_differ(tf: Any, first: Any, second: Any, error: Any) -> None:
    with pytest.raises(error):
        tf.nest.assert_same_structure(first, second)
    with pytest.raises(error):
        tf.nest.map_structure(lambda x, y: x, first, second)


def test_packing_too_many(tf: Any) -> None:
    with pytest.raises(ValueError, match="had 1 atoms, but flat_sequence had 2 items"):
        tf.nest.pack_sequence_as([0], [1, 2])


# ---- modules --------------------------------------------------------------------------------


def test_a_module_finds_its_variables_by_name_and_then_those_of_modules(tf: Any) -> None:
    class Part(tf.Module):  # type: ignore[misc]
        pass

    whole, part = Part(), Part(name="inner")
    part.z = tf.Variable(3.0)
    whole.b, whole.a = tf.Variable(1.0), [tf.Variable(2.0), part]
    whole.c = tf.Variable(4.0, trainable=False)
    whole.d = {"key": whole.b}
    assert numbers(whole.variables) == [2.0, 1.0, 4.0, 3.0]
    assert numbers(whole.trainable_variables) == [2.0, 1.0, 3.0]
    assert numbers(whole.non_trainable_variables) == [4.0]
    assert [m.name for m in whole.submodules] == ["inner"]
    assert whole.name == "part"


# ---- checks ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda tf, d: d.assert_equal([1, 2], [1, 3], message="hello"),
            "op",
            r"hello\nCondition x == y did not hold.\nIndices of first 1 different values:\n"
            r"\[\[1\]\]\nCorresponding x values:\n\[2\]\nCorresponding y values:\n\[3\]\n"
            r"First 2 elements of x:\n\[1 2\]\nFirst 2 elements of y:\n\[1 3\]",
        ),
        (lambda tf, d: d.assert_less([2], [1]), "op", "Condition x < y did not hold"),
        (lambda tf, d: d.assert_positive([-1.0]), "op", "Condition x > 0 did not hold"),
        (lambda tf, d: d.assert_near([1.0], [2.0]), "op", "x and y not equal to tolerance"),
        (
            lambda tf, d: d.check_numerics([1.0, float("inf"), float("nan")], "words"),
            "op",
            "words : Tensor had Inf and NaN values",
        ),
        (lambda tf, d: d.Assert(False, ["x", 1]), "op", "Expected 'False' to be true"),
        (lambda tf, d: d.assert_rank(tf.ones([1]), 2), ValueError, "must have rank 2"),
        (
            lambda tf, d: d.assert_rank_at_least(tf.ones([1]), 2),
            ValueError,
            "must have rank at least 2",
        ),
        (
            lambda tf, d: d.assert_shapes([(tf.ones([2]), ("N",)), (tf.ones([1]), ("N",))]),
            ValueError,
            "dimension 0 must have size 2.  Received size 1",
        ),
        (
            lambda tf, d: d.assert_type(tf.ones([1]), tf.int32),
            TypeError,
            "tensor must be of type tf.int32; got tf.float32",
        ),
        (lambda tf, d: d.assert_integer(tf.ones([1])), TypeError, 'Expected "x" to be integer'),
        (lambda tf, d: d.assert_scalar(tf.ones([1])), ValueError, "Expected scalar shape"),
    ],
)
def test_checks_that_fail(
    tf: Any, call: Callable[[Any, Any], Any], error: Any, message: str
) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError if error == "op" else error, match=message):
        call(tf, tf.debugging)


def test_checks_that_hold(tf: Any) -> None:
    d = tf.debugging
    assert d.assert_equal([1, 2], [1, 2]) is None
    assert d.check_numerics(tf.constant([1.0]), "words").numpy().tolist() == [1.0]
    assert d.assert_shapes([(tf.ones([2, 3]), ("N", 3))]) is None


def test_check_numerics_lets_the_gradient_through(tf: Any, derivative: Any) -> None:
    assert derivative(lambda x: tf.debugging.check_numerics(x * x, "words"), [3.0]) == [6.0]


# ---- random numbers -------------------------------------------------------------------------


def test_a_seed_gives_the_same_numbers_again(tf: Any) -> None:
    first, second = (tf.random.stateless_normal([3], seed=[1, 2]).numpy() for _ in range(2))
    assert first.tolist() == second.tolist()
    assert tf.random.stateless_normal([3], seed=[1, 3]).numpy().tolist() != first.tolist()


def test_a_seed_has_two_numbers(tf: Any) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"seed must have shape \[2\]"):
        tf.random.stateless_uniform([2], 1)


def test_shapes_of_draws(tf: Any) -> None:
    assert tf.random.gamma([5], alpha=[1.0, 2.0]).shape.as_list() == [5, 2]
    assert tf.random.poisson([5], lam=[1.0, 2.0]).shape.as_list() == [5, 2]
    assert tf.random.categorical([[0.0, 1.0]], 3).shape.as_list() == [1, 3]
    assert tf.random.categorical([[0.0, 1.0]], 3).dtype == tf.int64
    assert tf.random.stateless_gamma([5, 2], [1, 2], [1.0, 2.0]).shape.as_list() == [5, 2]


def test_generators_of_one_seed_agree(tf: Any) -> None:
    a, b = tf.random.Generator.from_seed(1), tf.random.Generator.from_seed(1)
    assert a.normal([2]).numpy().tolist() == b.normal([2]).numpy().tolist()
    assert a.uniform([2]).numpy().tolist() != a.uniform([2]).numpy().tolist()


def test_compute_gradient(tf: Any) -> None:
    theory, differences = tf.test.compute_gradient(lambda x: x * x, [tf.constant([1.0, 2.0])])
    assert theory[0].tolist() == [[2.0, 0.0], [0.0, 4.0]]
    assert differences[0].tolist() == [[2.0, 0.0], [0.0, 4.0]]
