"""A traced tape keeps every operation, its values, names and places, and the gradients it gave."""

import gc
import weakref
from typing import Any

import numpy as np
import pytest

import gradtape as gt
import gradtape.tf as tf
from gradtape.trace import Step, Trace


def steps_of(program: Any, *inputs: Any) -> list[Step]:
    with gt.GradientTape(trace=True) as tape:
        program(*inputs)
    assert tape.trace is not None
    return tape.trace.steps


def test_operations_have_their_values() -> None:
    x = gt.Variable([1.0, 2.0])
    first, second = steps_of(lambda x: np.sum(x * 3), x)
    assert (first.name, first.params, first.keys) == ("multiply", (), (x.key, None))
    assert first.values[0].tolist() == [1.0, 2.0]
    assert first.values[1] == 3
    assert first.out.tolist() == [3.0, 6.0]
    assert (second.name, second.keys) == ("sum", (first.out_key,))
    assert second.out == 9.0


def test_places_are_the_users_own() -> None:
    x = gt.Variable(2.0)
    with gt.GradientTape(trace=True) as tape:
        np.log(np.exp(x) + 1)
    assert tape.trace is not None
    expressions = [step.place.expression for step in tape.trace.steps if step.place]
    assert expressions == ["np.exp(x)", "np.exp(x) + 1", "np.log(np.exp(x) + 1)"]
    place = tape.trace.steps[0].place
    assert place is not None
    assert place.text == "np.log(np.exp(x) + 1)"
    assert place.file == __file__
    assert place.function == "test_places_are_the_users_own"
    assert str(place).startswith("test_trace.py, line ")


def test_an_expression_over_several_lines() -> None:
    x = gt.Variable(2.0)
    # fmt: off
    (step, *_) = steps_of(lambda x: (
        x *
        3.0
    ), x)
    # fmt: on
    assert step.place is not None
    assert step.place.expression.split() == ["x", "*", "3.0"]


def test_a_program_without_source() -> None:
    x = gt.Variable(2.0)
    names = {"x": x, "np": np}
    with gt.GradientTape(trace=True) as tape:
        exec("y = np.exp(x)", names)
    assert tape.trace is not None
    place = tape.trace.steps[0].place
    assert place is not None
    assert (place.file, place.line, place.text, place.expression) == ("<string>", 1, "", "")
    assert str(place) == "<string>, line 1"


def test_names_are_those_of_the_program() -> None:
    weights, bias = gt.Variable([1.0, 2.0]), gt.Variable(1.0, name="offset")
    with gt.GradientTape(trace=True) as tape:
        hidden = weights * 2
        loss = np.sum(hidden + bias)
    tape.gradient(loss, [weights, bias])
    assert tape.trace is not None
    names = tape.trace.names
    assert names[weights.key] == "weights"
    assert names[bias.key] == "offset"
    assert names[hidden.key] == "hidden"
    assert names[loss.key] == "loss"


def test_the_callers_name_of_a_source_counts() -> None:
    def square(inner: Any) -> Any:
        return inner * inner

    outer = gt.Variable(3.0)
    with gt.GradientTape(trace=True) as tape:
        y = square(outer)
    tape.gradient(y, outer)
    assert tape.trace is not None
    assert tape.trace.names[outer.key] == "outer"


def test_operations_that_the_tape_does_not_track_are_kept() -> None:
    a, b = gt.constant(2.0), gt.Variable(3.0)
    with gt.GradientTape(trace=True) as tape:
        c = a * a
        d = c * b
    assert tape.trace is not None
    first, second = tape.trace.steps
    assert second.keys[0] == first.out_key == c.key
    assert first.out_key not in tape.trace.taped
    assert second.out_key in tape.trace.taped
    assert tape.trace.maker[d.key] is second


def test_values_stay_when_the_program_writes() -> None:
    given = np.array([1.0, 2.0])
    x = gt.Variable([3.0, 4.0])
    with gt.GradientTape(trace=True) as tape:
        y = x * given
        given[0] = 100.0
        y[0] = 5.0
    assert tape.trace is not None
    step = tape.trace.steps[0]
    assert step.values[1].tolist() == [1.0, 2.0]
    assert step.out.tolist() == [3.0, 8.0]


@pytest.mark.parametrize("persistent", [False, True])
@pytest.mark.parametrize("inside", [False, True])
def test_gradients_are_kept_with_all_cotangents(persistent: bool, inside: bool) -> None:
    x = gt.Variable([1.0, 2.0])
    tape = gt.GradientTape(persistent=persistent, trace=True)
    with tape:
        y = x * x
        z = np.sum(y)
        if inside:
            gradient = tape.gradient(z, x)
    if not inside:
        gradient = tape.gradient(z, x)
    assert tape.trace is not None
    (answer,) = tape.trace.answers
    assert answer.target is z
    assert answer.sources == [x]
    assert answer.results[0] is gradient
    cotangents = answer.cotangents()
    assert cotangents[z.key] == 1.0
    assert cotangents[y.key].tolist() == [1.0, 1.0]
    assert cotangents[x.key].tolist() == [2.0, 4.0]


def test_masks_are_those_of_the_tape() -> None:
    def gradient(module: Any, where: Any) -> Any:
        x = module.Variable(0.0)
        with module.GradientTape(trace=True) as tape:
            y = where(x > 0, x**0.5, 0.0)
        tape.gradient(y, x)
        assert tape.trace is not None
        (answer,) = tape.trace.answers
        return answer.cotangents()[x.key]

    assert gradient(gt, np.where) == 0.0
    assert np.isnan(gradient(tf, tf.where))


def test_several_outputs() -> None:
    a = gt.Variable([[2.0, 0.0], [0.0, 3.0]])
    with gt.GradientTape(trace=True) as tape:
        w, v = np.linalg.eigh(a)
        y = np.sum(w)
    tape.gradient(y, a)
    assert tape.trace is not None
    step = tape.trace.maker[w.key]
    assert [key for key, _ in step.results] == [w.key, v.key]
    assert tape.trace.answers[0].cotangents()[w.key].tolist() == [1.0, 1.0]


def test_a_tape_used_again_starts_a_new_trace() -> None:
    x = gt.Variable(1.0)
    tape = gt.GradientTape(trace=True)
    for _ in range(2):
        with tape:
            y = x * x
        tape.gradient(y, x)
        assert tape.trace is not None
        assert len(tape.trace.steps) == 1
        assert len(tape.trace.answers) == 1


def test_reset_starts_a_new_trace() -> None:
    x = gt.Variable(1.0)
    with gt.GradientTape(trace=True) as tape:
        x * x
        tape.reset()
        y = x + x
    assert tape.trace is not None
    assert [step.name for step in tape.trace.steps] == ["add"]
    assert tape.gradient(y, x).numpy() == 2.0


def test_gradients_are_the_same_with_a_trace() -> None:
    x = gt.Variable([0.5, 1.5])

    def hessian(trace: bool) -> Any:
        with gt.GradientTape(trace=trace) as outer:
            with gt.GradientTape(trace=trace) as inner:
                y = np.sum(np.exp(x) * np.sin(x))
            gradient = inner.gradient(y, x)
        return outer.jacobian(gradient, x).numpy()

    assert (hessian(True) == hessian(False)).all()


def test_nobody_is_left_on_the_stack() -> None:
    from gradtape.recording import active

    with gt.GradientTape(trace=True) as tape:
        assert len(active()) == 2
        tape.gradient(gt.Variable(1.0) * 2, [])
        assert active() == ()
    assert active() == ()
    with pytest.raises(KeyError), gt.GradientTape(trace=True):
        raise KeyError
    assert active() == ()


def test_a_dropped_tape_frees_its_trace_at_once() -> None:
    def program() -> Any:
        x = gt.Variable([1.0, 2.0])
        with gt.GradientTape(trace=True) as tape:
            y = x * x
        tape.gradient(y, x)
        return weakref.ref(tape.trace)  # type: ignore[arg-type]

    gc.disable()
    try:
        assert program()() is None
    finally:
        gc.enable()


def test_a_trace_alone_sees_the_walk_back() -> None:
    with Trace() as trace:
        gradient = gt.grad(np.sin)(gt.constant(0.5))
    assert gradient.numpy() == np.cos(0.5)
    assert [step.name for step in trace.steps] == ["positive", "sin", "cos", "multiply"]


@pytest.mark.parametrize("method", ["explain", "draw", "summary"])
def test_a_tape_without_a_trace_says_how_to_have_one(method: str) -> None:
    with gt.GradientTape() as tape:
        gt.Variable(1.0) * 2
    with pytest.raises(RuntimeError, match=r"GradientTape\(trace=True\)"):
        getattr(tape, method)()
