"""GradientTape.gradient: nests, several targets, unconnected sources, seeds, bad arguments."""

from collections import OrderedDict, namedtuple
from typing import Any

import numpy as np
import pytest

Pair = namedtuple("Pair", ["first", "second"])


@pytest.fixture
def product(tf: Any) -> Any:
    """A persistent tape with y = v w at v = 2, w = 3, and an unused variable."""
    v, w, unused = tf.Variable(2.0), tf.Variable(3.0), tf.Variable([1.0, 2.0])
    with tf.GradientTape(persistent=True) as tape:
        y = v * w
    return tape, y, v, w, unused


# ---- the nest of the sources is the nest of the answer --------------------------------------


def test_scalar_source(product: Any) -> None:
    tape, y, v, _, _ = product
    assert tape.gradient(y, v).numpy() == 3.0


def test_list_of_sources(product: Any) -> None:
    tape, y, v, w, _ = product
    answer = tape.gradient(y, [v, w])
    assert isinstance(answer, list)
    assert [g.numpy() for g in answer] == [3.0, 2.0]


def test_tuple_of_sources(product: Any) -> None:
    tape, y, v, w, _ = product
    answer = tape.gradient(y, (v, w))
    assert isinstance(answer, tuple)
    assert [g.numpy() for g in answer] == [3.0, 2.0]


def test_dict_of_sources_keeps_its_order(product: Any) -> None:
    tape, y, v, w, _ = product
    answer = tape.gradient(y, {"z": v, "a": w})
    assert [(key, g.numpy()) for key, g in answer.items()] == [("z", 3.0), ("a", 2.0)]


def test_ordered_dict_of_sources(product: Any) -> None:
    tape, y, v, w, _ = product
    answer = tape.gradient(y, OrderedDict([("z", v), ("a", w)]))
    assert isinstance(answer, OrderedDict)
    assert [(key, g.numpy()) for key, g in answer.items()] == [("z", 3.0), ("a", 2.0)]


def test_named_tuple_of_sources(product: Any) -> None:
    tape, y, v, w, _ = product
    answer = tape.gradient(y, Pair(v, w))
    assert isinstance(answer, Pair)
    assert (answer.first.numpy(), answer.second.numpy()) == (3.0, 2.0)


def test_nest_of_nests(product: Any) -> None:
    tape, y, v, w, unused = product
    answer = tape.gradient(y, {"p": Pair(v, [w, (unused,)]), "q": [v]})
    assert answer["p"].first.numpy() == 3.0
    assert answer["p"].second[0].numpy() == 2.0
    assert answer["p"].second[1] == (None,)
    assert answer["q"][0].numpy() == 3.0


@pytest.mark.parametrize("empty", [[], {}, ()], ids=["list", "dict", "tuple"])
def test_empty_nest_of_sources(product: Any, empty: Any) -> None:
    tape, y, _, _, _ = product
    answer = tape.gradient(y, empty)
    assert answer == empty
    assert type(answer) is type(empty)


def test_repeated_sources(product: Any) -> None:
    tape, y, v, w, _ = product
    assert [g.numpy() for g in tape.gradient(y, [v, w, v])] == [3.0, 2.0, 3.0]


def test_gradient_has_the_shape_and_dtype_of_the_source(tf: Any) -> None:
    x = tf.constant([[1.0], [2.0]], dtype=tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.cast(tf.reduce_sum(x * x), tf.float32)
    g = tape.gradient(y, x)
    assert (g.shape, g.dtype) == ((2, 1), tf.float64)


# ---- targets --------------------------------------------------------------------------------


@pytest.fixture
def chain(tf: Any) -> Any:
    """A persistent tape with y = x x and z = 3 y at x = 2."""
    x = tf.constant(2.0)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x * x
        z = y * 3.0
    return tape, x, y, z


def test_several_targets_are_summed(chain: Any) -> None:
    tape, x, y, z = chain
    assert tape.gradient([y, z], x).numpy() == 16.0


@pytest.mark.parametrize(
    "pack",
    [lambda y, z: (y, z), lambda y, z: {"a": y, "b": [z]}, lambda y, z: Pair(y, z)],
    ids=["tuple", "dict", "named tuple"],
)
def test_targets_in_a_nest(chain: Any, pack: Any) -> None:
    tape, x, y, z = chain
    assert tape.gradient(pack(y, z), x).numpy() == 16.0


def test_repeated_target_counts_twice(chain: Any) -> None:
    tape, x, y, _ = chain
    assert tape.gradient([y, y], x).numpy() == 8.0


def test_vector_target_is_summed(tf: Any) -> None:
    x = tf.constant([1.0, 2.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    assert tape.gradient(y, x).numpy().tolist() == [2.0, 4.0]


def test_targets_of_different_shapes(tf: Any) -> None:
    x = tf.constant([1.0, 2.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        targets = [x * x, tf.reduce_sum(x), x[:1]]
    assert tape.gradient(targets, x).numpy().tolist() == [4.0, 5.0]


def test_intermediate_source(chain: Any) -> None:
    tape, _, y, z = chain
    assert tape.gradient(z, y).numpy() == 3.0


def test_intermediate_and_first_source(chain: Any) -> None:
    tape, x, y, z = chain
    assert [g.numpy() for g in tape.gradient(z, [y, x])] == [3.0, 12.0]


def test_a_target_that_is_a_source(chain: Any) -> None:
    tape, x, y, z = chain
    assert [g.numpy() for g in tape.gradient([z, y], [y, x])] == [4.0, 16.0]


def test_a_target_with_respect_to_itself(chain: Any) -> None:
    tape, x, _, _ = chain
    assert tape.gradient(x, x).numpy() == 1.0


def test_an_unwatched_target_with_respect_to_itself(tf: Any) -> None:
    x = tf.constant([5.0, 6.0])
    with tf.GradientTape() as tape:
        pass
    assert tape.gradient(x, x).numpy().tolist() == [1.0, 1.0]


def test_a_variable_as_target(tf: Any) -> None:
    v = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        v * v
    assert tape.gradient(v, v).numpy() == 1.0


def test_source_after_the_target_is_unconnected(chain: Any) -> None:
    tape, _, y, z = chain
    assert tape.gradient(y, z) is None


def test_no_targets(chain: Any) -> None:
    tape, x, _, _ = chain
    assert tape.gradient([], x) is None


def test_a_rebound_name_means_the_new_tensor(tf: Any) -> None:
    x = tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        for _ in range(3):
            x = x * x
    assert tape.gradient(x, x).numpy() == 1.0


def test_integer_target(tf: Any) -> None:
    v = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        y = tf.cast(v, tf.int32) * 2
    assert tape.gradient(y, v) is None


def test_a_path_through_integers(tf: Any) -> None:
    v = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        y = tf.cast(tf.cast(v, tf.int32), tf.float32)
    assert tape.gradient(y, v) is None


def test_an_integer_target_among_others_adds_nothing(tf: Any) -> None:
    v = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        targets = [tf.cast(v, tf.int32), v * v]
    assert tape.gradient(targets, v).numpy() == 4.0


# ---- unconnected gradients ------------------------------------------------------------------


@pytest.mark.parametrize("choice", ["none", "NONE of the enumeration", "default"])
def test_unconnected_none(tf: Any, product: Any, choice: str) -> None:
    tape, y, _, _, unused = product
    if choice == "default":
        assert tape.gradient(y, unused) is None
        return
    value = "none" if choice == "none" else tf.UnconnectedGradients.NONE
    assert tape.gradient(y, unused, unconnected_gradients=value) is None


@pytest.mark.parametrize("enumeration", [False, True])
def test_unconnected_zero(tf: Any, product: Any, enumeration: bool) -> None:
    tape, y, v, _, unused = product
    zero = tf.UnconnectedGradients.ZERO if enumeration else "zero"
    dv, du = tape.gradient(y, [v, unused], unconnected_gradients=zero)
    assert dv.numpy() == 3.0
    assert du.numpy().tolist() == [0.0, 0.0]
    assert du.dtype == tf.float32


@pytest.mark.parametrize("bad", ["bogus", "ZERO", "Zero", None, 0])
def test_unknown_unconnected(product: Any, bad: Any) -> None:
    tape, y, v, _, _ = product
    with pytest.raises(ValueError, match=f"^Unknown value for unconnected_gradients: {bad!r}"):
        tape.gradient(y, [v], unconnected_gradients=bad)


def test_the_enumeration(tf: Any) -> None:
    assert tf.UnconnectedGradients("zero") is tf.UnconnectedGradients.ZERO
    assert tf.UnconnectedGradients("none") is tf.UnconnectedGradients.NONE
    assert repr(tf.UnconnectedGradients.ZERO) == "<UnconnectedGradients.ZERO: 'zero'>"


# ---- output_gradients -----------------------------------------------------------------------


@pytest.fixture
def seeded(tf: Any) -> Any:
    """A persistent tape with y = v v and z = 3 v at v = [1, 2]."""
    v = tf.Variable([1.0, 2.0])
    with tf.GradientTape(persistent=True) as tape:
        y = v * v
        z = v * 3.0
    return tape, v, y, z


def test_one_output_gradient(tf: Any, seeded: Any) -> None:
    tape, v, y, _ = seeded
    g = tape.gradient(y, v, output_gradients=tf.constant([1.0, 10.0]))
    assert g.numpy().tolist() == [2.0, 40.0]


def test_output_gradient_by_position(tf: Any, seeded: Any) -> None:
    tape, v, y, _ = seeded
    assert tape.gradient(y, v, tf.constant([1.0, 10.0])).numpy().tolist() == [2.0, 40.0]


def test_output_gradient_as_an_array(seeded: Any) -> None:
    tape, v, y, _ = seeded
    g = tape.gradient(y, v, output_gradients=np.array([1.0, 10.0], np.float32))
    assert g.numpy().tolist() == [2.0, 40.0]


def test_output_gradient_as_a_variable(tf: Any, seeded: Any) -> None:
    tape, v, y, _ = seeded
    g = tape.gradient(y, v, output_gradients=tf.Variable([1.0, 10.0]))
    assert g.numpy().tolist() == [2.0, 40.0]


def test_list_of_output_gradients(tf: Any, seeded: Any) -> None:
    tape, v, y, z = seeded
    seeds = [tf.constant([1.0, 10.0]), tf.constant([100.0, 1000.0])]
    assert tape.gradient([y, z], v, output_gradients=seeds).numpy().tolist() == [302.0, 3040.0]


def test_dict_of_output_gradients(tf: Any, seeded: Any) -> None:
    tape, v, y, z = seeded
    seeds = {"a": tf.constant([1.0, 10.0]), "b": tf.constant([100.0, 1000.0])}
    g = tape.gradient({"a": y, "b": z}, v, output_gradients=seeds)
    assert g.numpy().tolist() == [302.0, 3040.0]


def test_leaves_of_a_dict_count_in_the_order_of_the_keys(tf: Any, seeded: Any) -> None:
    tape, v, y, z = seeded
    seeds = [tf.constant([1.0, 10.0]), tf.constant([100.0, 1000.0])]
    g = tape.gradient({"b": z, "a": y}, v, output_gradients=seeds)
    assert g.numpy().tolist() == [302.0, 3040.0]


def test_output_gradient_of_a_target_that_is_a_source(tf: Any, seeded: Any) -> None:
    tape, v, _, _ = seeded
    assert tape.gradient(v, v, tf.constant([3.0, 4.0])).numpy().tolist() == [3.0, 4.0]


def test_output_gradient_that_does_not_broadcast(tf: Any, seeded: Any) -> None:
    tape, v, y, _ = seeded
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
        tape.gradient(y, v, output_gradients=tf.constant([1.0, 10.0, 100.0]))


def test_output_gradient_with_too_many_axes(tf: Any) -> None:
    v = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        y = v * v
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
        tape.gradient(y, v, output_gradients=tf.constant([1.0, 2.0]))


@pytest.mark.parametrize("seed", [np.array([1.0, 2.0]), np.array([1, 2])], ids=["float64", "int"])
def test_output_gradient_of_another_dtype(tf: Any, seeded: Any, seed: Any) -> None:
    tape, v, y, _ = seeded
    with pytest.raises((ValueError, TypeError, tf.errors.InvalidArgumentError)):
        tape.gradient(y, v, output_gradients=seed)


def test_output_gradient_cannot_hold_none(tf: Any, seeded: Any) -> None:
    tape, v, y, z = seeded
    with pytest.raises(ValueError, match=r"None"):
        tape.gradient([y, z], v, output_gradients=[tf.constant([1.0, 1.0]), None])


# ---- bad targets and sources ----------------------------------------------------------------


def test_target_none(product: Any) -> None:
    tape, _, v, _, _ = product
    message = (
        "^Argument `target` should be a list or nested structure of Tensors, Variables or "
        "CompositeTensors to be differentiated, but received None.$"
    )
    with pytest.raises(TypeError, match=message):
        tape.gradient(None, v)


@pytest.mark.parametrize("bad", [None, "v", 2.0, np.array(2.0)], ids=repr)
def test_bad_source(product: Any, bad: Any) -> None:
    tape, y, v, _, _ = product
    # TensorFlow stumbles with an AttributeError over numbers; the TypeError is the clearer answer.
    with pytest.raises((TypeError, AttributeError)):
        tape.gradient(y, [v, bad])


@pytest.mark.parametrize("bad", [[None], "y", 2.0, np.array(2.0)], ids=repr)
def test_bad_target(product: Any, bad: Any) -> None:
    tape, _, v, _, _ = product
    with pytest.raises((TypeError, AttributeError)):
        tape.gradient(bad, v)


def test_missing_arguments(product: Any) -> None:
    tape, _, _, _, _ = product
    with pytest.raises(TypeError, match="missing 2 required positional arguments"):
        tape.gradient()


def test_unknown_argument_of_the_tape(tf: Any) -> None:
    with pytest.raises(TypeError, match="got an unexpected keyword argument 'foo'"):
        tf.GradientTape(foo=1)


# ---- what carries a gradient and what does not ----------------------------------------------


@pytest.mark.parametrize("cut", [lambda x: x.numpy(), float], ids=["numpy", "float"])
def test_leaving_the_tensor_world_cuts(tf: Any, cut: Any) -> None:
    x = tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * cut(x)
    assert tape.gradient(y, x).numpy() == 2.0


def test_stop_gradient_alone_is_unconnected(derivative: Any, tf: Any) -> None:
    assert derivative(lambda x: tf.stop_gradient(x * x), 3.0) is None


def test_stop_gradient_makes_a_constant(derivative: Any, tf: Any) -> None:
    assert derivative(lambda x: x * tf.stop_gradient(x), 3.0) == 3.0


def test_stop_gradient_with_unconnected_zero(tf: Any) -> None:
    v = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = tf.stop_gradient(v * v)
    assert tape.gradient(y, v, unconnected_gradients="zero").numpy() == 0.0


@pytest.mark.parametrize("value", [3.0, [1.0, 2.0]])
def test_stop_gradient_makes_a_tensor(tf: Any, value: Any) -> None:
    assert tf.stop_gradient(value).numpy().tolist() == value


def test_broadcast_scalar_collects_the_sum(derivative: Any, tf: Any) -> None:
    assert derivative(lambda b: tf.ones([2, 3]) * b, 3.0) == 6.0


def test_broadcast_axis_collects_the_sum(derivative: Any, tf: Any) -> None:
    assert derivative(lambda x: x * tf.ones([2, 3]), [[1.0], [2.0]]) == [[3.0], [3.0]]


def test_indexing_scatters(derivative: Any) -> None:
    assert derivative(lambda x: x[0] * x[2], [1.0, 2.0, 3.0]) == [3.0, 0.0, 1.0]


def test_gather_of_repeated_rows_adds_up(derivative: Any, tf: Any) -> None:
    assert derivative(lambda x: tf.gather(x, [0, 0, 2]), [1.0, 2.0, 3.0]) == [2.0, 0.0, 1.0]


def test_a_list_of_tensors_becomes_a_stack(derivative: Any, tf: Any) -> None:
    assert derivative(lambda x: tf.convert_to_tensor([x, x * 2.0]), 2.0) == 3.0


def test_python_lists_are_constants(derivative: Any) -> None:
    assert derivative(lambda x: x * [1.0, 2.0] + [3.0, 4.0] * x, 2.0) == 10.0


def test_through_a_tf_function(derivative: Any, tf: Any) -> None:
    assert derivative(tf.function(lambda a: a * a), 3.0) == 6.0


def test_a_real_function_of_a_complex_number(tf: Any, derivative: Any) -> None:
    g = derivative(tf.abs, 3.0 + 4.0j, tf.complex128)
    assert g == pytest.approx(0.6 + 0.8j)


def test_a_holomorphic_function_answers_the_conjugate(tf: Any, derivative: Any) -> None:
    assert derivative(lambda z: z * z, 1.0 + 2.0j, tf.complex128) == 2.0 - 4.0j
