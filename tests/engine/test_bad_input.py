"""Bad input is answered with what came, which argument it was, and what to do."""

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradtape as gt
from gradtape.recording import active
from gradtape.rules import BINDINGS, REFUSED, load_all_tables


def message(error: type[BaseException], call: Callable[[], Any]) -> str:
    """The text of the error that a call raises; it leaves no other tape active."""
    before = active()
    with pytest.raises(error) as raised:
        call()
    assert active() == before
    assert type(raised.value) is error
    return str(raised.value)


def holds(text: str, *words: str) -> None:
    for word in words:
        assert word in text, f"{word!r} is not in {text!r}"


@pytest.fixture
def tape() -> Any:
    with gt.GradientTape(persistent=True) as tape:
        yield tape


# Watching -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        (np.ones(2), "ndarray"),
        ([1.0, 2.0], "float"),
        ("weights", "str"),
        (3.0, "float"),
        (None, "NoneType"),
        ([np.float64(1.0)], "float64"),
        ({"w": np.ones(2)}, "ndarray"),
    ],
)
def test_watching_what_is_no_tensor(tape: Any, bad: Any, kind: str) -> None:
    text = message(ValueError, lambda: tape.watch(bad))
    holds(text, f"'{kind}'", "`tensor`", "watch", "gradtape.constant")


def test_a_nest_with_one_bad_leaf_is_watched_not_at_all_or_named(tape: Any) -> None:
    x = gt.constant(1.0)
    text = message(ValueError, lambda: tape.watch([x, "bad"]))
    holds(text, "bad", "str")


def test_watching_integers_warns_and_yields_none(tape: Any) -> None:
    n = gt.constant([1, 2])
    with pytest.warns(UserWarning, match=r"floating.*int64.*no gradient") as record:
        tape.watch(n)
    assert record[0].filename == __file__  # the warning points at the caller
    y = n * 2.5
    with pytest.warns(UserWarning, match=r"source.*floating.*int64"):
        assert tape.gradient(y, n) is None


@pytest.mark.parametrize("value", [3, True, [1, 2]])
def test_integer_variables(tape: Any, value: Any) -> None:
    v = gt.Variable(value)
    y = v * 2.5
    with pytest.warns(UserWarning, match="floating") as record:
        assert tape.gradient(y, v) is None
    assert record[0].filename == __file__
    with pytest.warns(UserWarning, match="floating"):
        assert tape.jacobian(gt.constant(1.0) * y, v) is None


def test_watching_floats_does_not_warn(tape: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x = gt.constant([1.0, 2.0])
        tape.watch(x)
        tape.gradient(x * 2, [x, gt.Variable(1.0)])


# Sources and targets ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "shown"),
    [
        (np.ones((2, 3)), "an ndarray of shape (2, 3) and dtype float64"),
        (3.0, "float 3.0"),
        ("w", "str 'w'"),
        (None, "NoneType None"),
        ([1.0], "float 1.0"),
    ],
)
@pytest.mark.parametrize("method", ["gradient", "jacobian"])
def test_a_source_that_is_no_tensor(tape: Any, method: str, bad: Any, shown: str) -> None:
    x = gt.Variable(2.0)
    y = x * x
    text = message(TypeError, lambda: getattr(tape, method)(y, bad))
    holds(text, "`sources`", shown, "gradtape.Variable", "gradtape.constant")


@pytest.mark.parametrize("bad", [np.ones(2), 3.0, [3.0], "loss"])
def test_a_target_that_is_no_tensor(tape: Any, bad: Any) -> None:
    x = gt.Variable(2.0)
    text = message(TypeError, lambda: tape.gradient(bad, x))
    holds(text, "`target`", "only tensors")


def test_no_target(tape: Any) -> None:
    text = message(TypeError, lambda: tape.gradient(None, gt.Variable(2.0)))
    holds(text, "Argument `target` should be", "received None")


def test_a_second_gradient_in_tensorflow_s_words() -> None:
    x = gt.Variable(2.0)
    with gt.GradientTape() as tape:
        y = x * x
    tape.gradient(y, x)
    text = message(RuntimeError, lambda: tape.gradient(y, x))
    assert text == (
        "A non-persistent GradientTape can only be used to compute one set of gradients "
        "(or jacobians)"
    )


def test_entering_twice() -> None:
    with gt.GradientTape() as tape:
        text = message(ValueError, tape.__enter__)
    holds(text, "Tape is still recording", "re-enter an already-active tape")


@pytest.mark.parametrize("bad", ["nought", "ZERO", 0, None, True, ["zero"], gt.GradientTape])
@pytest.mark.parametrize("method", ["gradient", "jacobian", "batch_jacobian"])
def test_an_unknown_unconnected_gradients(tape: Any, method: str, bad: Any) -> None:
    x = gt.Variable([[2.0]])
    y = x * x
    call = lambda: getattr(tape, method)(y, x, unconnected_gradients=bad)  # noqa: E731
    holds(message(ValueError, call), "unconnected_gradients", repr(bad), "'none'", "'zero'")


def test_stop_recording_of_a_tape_that_does_not_record() -> None:
    tape = gt.GradientTape()
    with pytest.raises(RuntimeError, match="not recording"), tape.stop_recording():
        pass
    with tape:
        pass
    with pytest.raises(ValueError, match="not recording"), tape.stop_recording():
        pass
    assert active() == ()


# Output gradients ---------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(3,), (1,), (1, 2), (2, 1), (2, 2), (0,)])
@pytest.mark.parametrize("make", [np.ones, lambda shape: gt.constant(np.ones(shape))])
def test_an_output_gradient_of_a_wrong_shape(tape: Any, make: Any, shape: Any) -> None:
    x = gt.Variable([1.0, 2.0])
    y = x * x
    call = lambda: tape.gradient([x, y], x, output_gradients=[np.ones(2), make(shape)])  # noqa: E731
    text = message(gt.GradientShapeError, call)
    holds(text, "`output_gradients`", "number 1", str(shape), "(2,)")


@pytest.mark.parametrize("count", [1, 3])
def test_too_few_and_too_many_output_gradients(tape: Any, count: int) -> None:
    """None of them is left out, or filled in, in silence."""
    x = gt.Variable([1.0, 2.0])
    y, z = x * x, x**3
    with pytest.raises(ValueError, match="output_gradients"):
        tape.gradient([y, z], x, output_gradients=[np.ones(2)] * count)


def test_a_list_is_no_output_gradient_of_one_target(tape: Any) -> None:
    """Its numbers are the leaves of a nest; the first must not be taken for the whole."""
    x = gt.Variable([1.0, 2.0])
    y = x * x
    with pytest.raises(ValueError, match="output_gradients"):
        tape.gradient(y, x, output_gradients=[3.0, 10.0])


@pytest.mark.parametrize("bad", ["text", [None]])
def test_an_output_gradient_that_is_no_number(tape: Any, bad: Any) -> None:
    x = gt.Variable(2.0)
    y = x * x
    with pytest.raises((TypeError, ValueError), match="output_gradients"):
        tape.gradient(y, x, output_gradients=bad)


# Silent conversions -------------------------------------------------------------------------------


def into_an_array(t: Any) -> None:
    a = np.zeros(3)
    a[:2] = t


def one_entry(t: Any) -> None:
    a = np.zeros(3)
    a[0] = t[0]


CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "asarray": np.asarray,
    "array": np.array,
    "array of a list": lambda t: np.array([t, t]),
    "asarray with a dtype": lambda t: np.asarray(t, dtype=np.float32),
    "array[i] = t": into_an_array,
    "array[0] = t[0]": one_entry,
    "a list into an array": lambda t: np.zeros((2, 2)).__setitem__(0, [t[0], t[1]]),
    "ascontiguousarray": np.ascontiguousarray,
    "np.float64 of it": lambda t: np.float64(t),
    "fill": lambda t: np.zeros(2).fill(t[0]),
    "put": lambda t: np.zeros(2).put([0, 1], t),
    "math": lambda t: math.sqrt(t[0]),
}


@pytest.mark.parametrize("kind", ["variable", "watched", "result"])
@pytest.mark.parametrize(
    "name",
    [
        "asarray",
        "array",
        "array of a list",
        "asarray with a dtype",
        "array[i] = t",
        "ascontiguousarray",
        "np.float64 of it",
        "put",
    ],
)
def test_a_tracked_tensor_does_not_become_an_array_in_silence(
    tape: Any, kind: str, name: str
) -> None:
    x = gt.Variable([1.0, 2.0]) if kind == "variable" else gt.constant([1.0, 2.0])
    tape.watch(x)
    t = x * 2.0 if kind == "result" else x
    text = message(gt.TrackedConversionError, lambda: CONVERSIONS[name](t))
    holds(text, "(2,)", "active tape", "numpy()", "stop_gradient", "np.stack", "np.where")


@pytest.mark.parametrize("name", ["array[0] = t[0]", "a list into an array", "fill", "math"])
def test_an_entry_does_not_become_a_number_in_silence(tape: Any, name: str) -> None:
    t = gt.Variable([1.0, 2.0])
    with pytest.raises((gt.TrackedConversionError, ValueError)) as raised:
        CONVERSIONS[name](t)
    # NumPy puts an error of its own in front where it tries a sequence next.
    error: BaseException | None = raised.value
    if type(error) is ValueError:
        error = error.__cause__
    assert type(error) is gt.TrackedConversionError
    holds(str(error), "np.stack", "numpy()", "stop_gradient")


def test_an_assignment_is_told_how_to_make_the_array(tape: Any) -> None:
    t = gt.Variable([1.0, 2.0])
    array = np.zeros(2)
    with pytest.raises(gt.TrackedConversionError, match=r"Here: .*gradtape.zeros_like\(array\)"):
        array[:] = t
    array = gt.zeros_like(array)
    array[:] = t  # as it says
    assert tape.gradient(np.sum(array**2), t).numpy().tolist() == [2.0, 4.0]
    assert "Here" not in message(gt.TrackedConversionError, lambda: np.asarray(t))


def test_a_draw_is_told_to_scale_standard_numbers(tape: Any) -> None:
    t, rng = gt.Variable(1.5), np.random.default_rng(0)
    draws: dict[str, Any] = {
        "loc + scale * rng.normal(size=...)": lambda: rng.normal(loc=t, scale=2.0),
        "loc + scale * rng.laplace(size=...)": lambda: np.random.laplace(0.0, t, size=3),
        "scale * rng.exponential(size=...)": lambda: rng.exponential(t),
        "low + (high - low) * rng.uniform(size=...)": lambda: rng.uniform(-t, 2.0),
        "np.exp(mean + sigma * rng.normal(size=...))": lambda: rng.lognormal(t, 1.0, 2),
    }
    for instead, draw in draws.items():
        text = message(gt.TrackedConversionError, draw)
        assert text.endswith(f"Here: draw standard numbers and scale them: {instead}.")


def test_a_tensor_that_is_no_longer_tracked_may_become_an_array() -> None:
    v = gt.Variable([1.0, 2.0])
    with gt.GradientTape() as tape:
        y = v * 2.0
        with tape.stop_recording():
            assert np.asarray(y).tolist() == [2.0, 4.0]
        assert np.asarray(gt.stop_gradient(y)).tolist() == [2.0, 4.0]
        assert y.numpy().tolist() == [2.0, 4.0]
    assert np.asarray(y).tolist() == [2.0, 4.0]


def test_a_forward_accumulator_tracks_too() -> None:
    x = gt.constant([1.0, 2.0])
    with gt.ForwardAccumulator(x, np.ones(2)):
        message(gt.TrackedConversionError, lambda: np.asarray(x * 2.0))


# Functions without a rule, arguments without a rule -----------------------------------------------

NO_RULE: dict[str, Callable[[Any], Any]] = {
    "convolve": lambda t: np.convolve(t, [1.0, 2.0]),
    "convolve, second argument": lambda t: np.convolve([1.0, 2.0], t),
    "convolve, by keyword": lambda t: np.convolve([1.0, 2.0], v=t),
}


@pytest.mark.parametrize("name", NO_RULE)
def test_a_function_without_a_rule(tape: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    load_all_tables()
    monkeypatch.delitem(BINDINGS, np.convolve)  # every function of NumPy has a rule
    t = gt.Variable([1.0, 2.0])
    text = message(gt.NoRuleError, lambda: NO_RULE[name](t * 1.0))
    holds(text, "numpy." + name.split(",")[0], "stop_gradient", "custom_gradient")


def test_a_refused_function_says_why(tape: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    load_all_tables()
    monkeypatch.delitem(BINDINGS, np.convolve)
    monkeypatch.setitem(REFUSED, np.convolve, "use the other one")
    t = gt.Variable([1.0, 2.0])
    text = message(gt.NoRuleError, lambda: np.convolve(t, t))
    holds(text, "numpy.convolve", "use the other one", "stop_gradient")


MASK = np.array([True, False])

NO_ARGUMENT: dict[str, tuple[Callable[[Any], Any], str, str]] = {
    "sum out": (lambda t: np.sum(t, out=np.zeros(())), "numpy.sum", "out"),
    "exp out": (lambda t: np.exp(t, out=np.zeros(2)), "numpy.exp", "out"),
    "exp where": (lambda t: np.exp(t, where=MASK), "numpy.exp", "where"),
    "exp dtype": (lambda t: np.exp(t, dtype=np.float32), "numpy.exp", "dtype"),
    "add where": (lambda t: np.add(t, 1.0, where=MASK), "numpy.add", "where"),
    "matmul out": (lambda t: np.matmul(np.eye(2), t, out=np.zeros(2)), "numpy.matmul", "out"),
    "power out": (lambda t: np.power(t, 2, out=np.zeros(2)), "numpy.power", "out"),
    "concatenate out": (lambda t: np.concatenate([t, t], out=np.zeros(4)), "concatenate", "out"),
    "clip where": (lambda t: np.clip(t, 0, 1, where=MASK), "numpy.clip", "where"),
    "take out": (lambda t: np.take(t, [0], out=np.zeros(1)), "take", "out"),
}


@pytest.mark.parametrize("name", NO_ARGUMENT)
def test_an_argument_without_a_rule(tape: Any, name: str) -> None:
    call, function, argument = NO_ARGUMENT[name]
    t = gt.Variable([1.0, 2.0])
    with pytest.raises(TypeError) as raised:
        call(t)
    holds(str(raised.value), function, argument)


def test_in_place_operators_of_arrays(tape: Any) -> None:
    """``array += tensor`` would drop the gradient: it is ``np.add(..., out=array)``."""
    t, a = gt.Variable([1.0, 2.0]), np.ones(2)

    def call() -> None:
        nonlocal a
        a += t

    holds(message(gt.NoRuleError, call), "numpy.add", "'out'", "gradtape.zeros")
    assert np.array_equal(a, [1.0, 1.0])


def test_defaults_spelt_out_are_no_unknown_arguments(tape: Any) -> None:
    t = gt.Variable([1.0, 2.0])
    y = np.exp(t, out=None, where=True) + np.sum(t, axis=None, out=None, keepdims=False)
    assert np.allclose(tape.gradient(y, t).numpy(), np.exp([1.0, 2.0]) + 2)


# The rest -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [[1.0, 2.0], [[1.0], [2.0]], []])
def test_a_tensor_in_if(value: Any) -> None:
    t = gt.Variable(value)
    text = message(ValueError, lambda: bool(t))
    holds(text, "truth value", str(t.shape), "np.any", "np.all", "np.where")


@pytest.mark.parametrize("value", [[1.0], [[0.0]], 3.0, 0.0])
def test_a_tensor_of_one_element_in_if(value: Any) -> None:
    assert bool(gt.Variable(value)) is bool(np.array(value))


BROADCASTS: dict[str, Callable[[Any], Any]] = {
    "add": lambda t: t + np.ones(3),
    "subtract": lambda t: np.ones(3) - t,
    "multiply": lambda t: np.multiply(t, gt.constant(np.ones(3))),
    "divide": lambda t: t / np.ones(3),
    "power": lambda t: t ** np.ones(3),
    "maximum": lambda t: np.maximum(t, np.ones(3)),
    "matmul": lambda t: t @ np.ones(3),
    "where": lambda t: np.where(np.ones(3) > 0, t, 0.0),
    "arctan2": lambda t: np.arctan2(np.ones(3), t),
}


@pytest.mark.parametrize("name", BROADCASTS)
def test_shapes_that_do_not_broadcast(tape: Any, name: str) -> None:
    t = gt.Variable([1.0, 2.0])
    with pytest.raises(ValueError) as raised:  # noqa: PT011  (the text is read below)
        BROADCASTS[name](t)
    text = str(raised.value)
    holds(text, name)
    assert "(2,)" in text or "size 3 is different from 2" in text or "size 2" in text


@pytest.mark.parametrize(
    "call",
    [
        lambda t: t.reshape(3),
        lambda t: t.sum(axis=1),
        lambda t: np.concatenate([t, np.ones((2, 2))]),
        lambda t: t[5],
        lambda t: t[[0, 9]],
        lambda t: np.einsum("ij->i", t),
        lambda t: np.swapaxes(t, 0, 3),
        lambda t: np.stack([t, np.ones(3)]),
        lambda t: np.split(t, 3),
    ],
    ids=["reshape", "axis", "concatenate", "index", "indices", "einsum", "axes", "stack", "split"],
)
def test_numpy_s_own_errors_are_of_numpy_s_types(tape: Any, call: Any) -> None:
    """What fails on the array fails alike on the tensor: the same kind of error."""
    value = np.array([1.0, 2.0])
    with pytest.raises((ValueError, IndexError)) as bare:
        call(value)
    with pytest.raises((ValueError, IndexError)) as ours:
        call(gt.Variable(value))
    assert isinstance(ours.value, IndexError) == isinstance(bare.value, IndexError)


def test_a_tensor_beside_an_object_it_cannot_be_added_to(tape: Any) -> None:
    with pytest.raises(TypeError):
        gt.Variable(1.0) + "text"
    with pytest.raises(TypeError):
        gt.Variable(1.0) + None


def test_another_class_s_reflected_operator_is_asked(tape: Any) -> None:
    class Unit:
        __array_ufunc__ = None

        def __rmul__(self, other: Any) -> str:
            return "theirs"

    assert gt.Variable(1.0) * Unit() == "theirs"


def test_the_error_classes_are_those_of_python() -> None:
    assert issubclass(gt.NoRuleError, TypeError)
    assert issubclass(gt.TrackedConversionError, TypeError)
    assert issubclass(gt.ChangedArrayError, RuntimeError)
    assert issubclass(gt.GradientShapeError, ValueError)


@pytest.mark.parametrize("make", [complex, np.complex128, gt.constant])
def test_a_complex_output_gradient_of_a_real_target(make: Any) -> None:
    x = gt.Variable(2.0)
    with gt.GradientTape() as tape:
        y = x * x
    with pytest.raises(TypeError, match=r"output_gradients.*imaginary"):
        tape.gradient(y, x, output_gradients=make(1j))


def test_a_walk_that_was_interrupted_leaves_the_tape_used_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(*args: Any, **kwargs: Any) -> Any:
        raise KeyboardInterrupt

    x = gt.Variable(2.0)
    with gt.GradientTape() as tape:
        y = x * x
    monkeypatch.setattr("gradtape.tape.sweep", interrupted)
    with pytest.raises(KeyboardInterrupt):
        tape.gradient(y, x)
    with pytest.raises(RuntimeError, match="non-persistent"):
        tape.gradient(y, x)
