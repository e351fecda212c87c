"""custom_gradient, recompute_grad, grad_pass_through."""

from typing import Any

import pytest

COUNT = r"^custom_gradient function expected to return {} gradients, but returned {} instead\."


def test_the_given_gradient_is_used(tf: Any, derivative: Any) -> None:
    @tf.custom_gradient
    def f(x: Any) -> Any:
        return x * x, lambda g: g * 100.0

    assert f(tf.constant(3.0)).numpy() == 9.0
    assert derivative(lambda x: f(x) * 2.0, 3.0) == 200.0


def test_decorator_with_parentheses(tf: Any, derivative: Any) -> None:
    @tf.custom_gradient()
    def f(x: Any) -> Any:
        return x * 1.0, lambda g: g * 7.0

    assert derivative(f, 2.0) == 7.0


def test_the_name_is_kept(tf: Any) -> None:
    @tf.custom_gradient
    def softplus(x: Any) -> Any:
        return x, lambda g: g

    assert softplus.__name__ == "softplus"


def test_as_a_method(tf: Any, derivative: Any) -> None:
    class Scale:
        @tf.custom_gradient
        def apply(self, x: Any) -> Any:
            return x * 3.0, lambda g: g * 7.0

    assert derivative(Scale().apply, 2.0) == 7.0


def test_the_result_is_a_new_tensor(tf: Any) -> None:
    @tf.custom_gradient
    def f(x: Any) -> Any:
        return x, lambda g: g

    x = tf.constant(2.0)
    assert f(x) is not x


@pytest.mark.parametrize(("value", "name"), [(3.0, "float32"), (3, "int32")])
def test_plain_numbers_as_arguments(tf: Any, value: Any, name: str) -> None:
    @tf.custom_gradient
    def f(x: Any) -> Any:
        return x * x, lambda g: g

    assert f(value).numpy() == 9
    assert f(value).dtype == name


def test_the_gradient_function_runs_only_when_needed(tf: Any) -> None:
    calls = []

    @tf.custom_gradient
    def f(x: Any) -> Any:
        def grad(g: Any) -> Any:
            calls.append(g.numpy())
            return g

        return x * 1.0, grad

    v = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        y = f(v) * 5.0
    assert calls == []
    tape.gradient(y, v)
    assert calls == [5.0]


def test_none_as_gradient(tf: Any) -> None:
    @tf.custom_gradient
    def f(x: Any) -> Any:
        return x * x, lambda g: None

    v = tf.Variable(2.0)
    with tf.GradientTape(persistent=True) as tape:
        y = f(v)
    assert tape.gradient(y, v) is None
    assert tape.gradient(y, v, unconnected_gradients="zero").numpy() == 0.0


# ---- several inputs and outputs -------------------------------------------------------------


def test_several_inputs(tf: Any) -> None:
    @tf.custom_gradient
    def f(x: Any, y: Any) -> Any:
        return x * y, lambda g: (g * 10.0, g * 20.0)

    x, y = tf.Variable(2.0), tf.Variable(3.0)
    with tf.GradientTape() as tape:
        z = f(x, y)
    assert [g.numpy() for g in tape.gradient(z, [x, y])] == [10.0, 20.0]


def test_inputs_in_a_list(tf: Any) -> None:
    @tf.custom_gradient
    def f(xs: Any) -> Any:
        return xs[0] * xs[1], lambda g: [g * 10.0, g * 20.0]

    x, y = tf.constant(2.0), tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch([x, y])
        z = f([x, y])
    assert [g.numpy() for g in tape.gradient(z, [x, y])] == [10.0, 20.0]


@pytest.mark.parametrize(
    ("pick", "expected"),
    [
        (lambda a, b: a, [10.0, 20.0]),
        (lambda a, b: b, [1000.0, 2000.0]),
        (lambda a, b: [a, b], [1010.0, 2020.0]),
    ],
    ids=["first", "second", "both"],
)
def test_several_outputs(tf: Any, pick: Any, expected: Any) -> None:
    # The output that is not used sends zeros, not None.
    @tf.custom_gradient
    def f(x: Any, y: Any) -> Any:
        def grad(da: Any, db: Any) -> Any:
            return da * 10.0 + db * 1000.0, da * 20.0 + db * 2000.0

        return (x + y, x * y), grad

    x, y = tf.Variable(2.0), tf.Variable(3.0)
    with tf.GradientTape() as tape:
        a, b = f(x, y)
    assert [g.numpy() for g in tape.gradient(pick(a, b), [x, y])] == expected


@pytest.mark.parametrize("kind", [tuple, list])
def test_outputs_keep_their_sequence(tf: Any, kind: Any) -> None:
    @tf.custom_gradient
    def f(x: Any) -> Any:
        return kind((x * 1.0, x * 2.0)), lambda a, b: a + b

    assert type(f(tf.constant(2.0))) is kind


def test_gradients_of_a_dict_come_in_the_order_of_its_keys(tf: Any) -> None:
    seen = []

    @tf.custom_gradient
    def f(x: Any) -> Any:
        def grad(a: Any, z: Any) -> Any:
            seen.append((a.numpy(), z.numpy()))
            return a + z

        return {"z": x * 2.0, "a": x * 3.0}, grad

    v = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        y = f(v)["z"] * 5.0
    tape.gradient(y, v)
    assert seen == [(0.0, 5.0)]


@pytest.mark.parametrize("too", ["few", "many"])
def test_wrong_number_of_gradients(tf: Any, too: str) -> None:
    @tf.custom_gradient
    def f(x: Any, y: Any) -> Any:
        return x * y, lambda g: g if too == "few" else (g, g, g)

    x = tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x, tf.constant(3.0))
    with pytest.raises(ValueError, match=COUNT.format(2, 1 if too == "few" else 3)):
        tape.gradient(y, x)


def test_one_input_two_gradients(tf: Any) -> None:
    @tf.custom_gradient
    def f(x: Any) -> Any:
        return x * x, lambda g: (g, g)

    v = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        y = f(v)
    with pytest.raises(ValueError, match=COUNT.format(1, 2)):
        tape.gradient(y, v)


def test_a_plain_number_is_an_input_too(tf: Any) -> None:
    @tf.custom_gradient
    def f(x: Any, scale: Any) -> Any:
        return x * scale, lambda g: g * scale

    v = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        y = f(v, 5.0)
    with pytest.raises(ValueError, match=COUNT.format(2, 1)):
        tape.gradient(y, v)


def test_keyword_arguments_are_no_inputs(tf: Any, derivative: Any) -> None:
    @tf.custom_gradient
    def f(x: Any, scale: Any = 2.0) -> Any:
        return x * scale, lambda g: g * scale

    assert derivative(lambda x: f(x, scale=5.0), 2.0) == 5.0


def test_a_tensor_as_keyword_argument_gets_no_gradient(tf: Any) -> None:
    @tf.custom_gradient
    def f(x: Any, scale: Any = None) -> Any:
        return x * scale, lambda g: g * scale

    x, scale = tf.constant(2.0), tf.constant(5.0)
    with tf.GradientTape() as tape:
        tape.watch([x, scale])
        y = f(x, scale=scale)
    dx, ds = tape.gradient(y, [x, scale])
    assert dx.numpy() == 5.0
    assert ds is None


# ---- variables ------------------------------------------------------------------------------


def test_a_variable_read_inside_needs_the_keyword(tf: Any) -> None:
    v = tf.Variable(3.0)

    @tf.custom_gradient
    def f(x: Any) -> Any:
        return x * v, lambda g: g

    message = (
        "^@tf.custom_gradient grad_fn must accept keyword argument 'variables', "
        "since function uses variables: "
    )
    with pytest.raises(TypeError, match=message):
        f(tf.constant(2.0))


@pytest.mark.parametrize("form", ["variables=None", "*, variables", "**kwargs"])
def test_the_gradient_of_a_variable_read_inside(tf: Any, form: str) -> None:
    v = tf.Variable(3.0)

    @tf.custom_gradient
    def f(x: Any) -> Any:
        def default(g: Any, variables: Any = None) -> Any:
            return g * 10.0, [g * 50.0 for _ in variables]

        def keyword_only(g: Any, *, variables: Any) -> Any:
            return default(g, variables)

        def any_keywords(g: Any, **kwargs: Any) -> Any:
            return default(g, **kwargs)

        forms = {"variables=None": default, "*, variables": keyword_only, "**kwargs": any_keywords}
        return x * v, forms[form]

    x = tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    assert [g.numpy() for g in tape.gradient(y, [x, v])] == [10.0, 50.0]


def test_gradients_of_the_variables_are_counted(tf: Any) -> None:
    v = tf.Variable(3.0)

    @tf.custom_gradient
    def f(x: Any) -> Any:
        def grad(g: Any, variables: Any = None) -> Any:
            return g, []

        return x * v, grad

    with tf.GradientTape() as tape:
        y = f(tf.constant(2.0))
    message = "^Must return gradient for each variable from @custom_gradient grad_fn.$"
    with pytest.raises(ValueError, match=message):
        tape.gradient(y, v)


def test_variables_is_not_passed_when_none_was_read(tf: Any, derivative: Any) -> None:
    seen = []

    @tf.custom_gradient
    def f(x: Any) -> Any:
        def grad(g: Any, variables: Any = "nothing") -> Any:
            seen.append(variables)
            return g

        return x * 1.0, grad

    assert derivative(f, 2.0) == 1.0
    assert seen == ["nothing"]


def test_a_variable_as_argument_is_an_input(tf: Any) -> None:
    @tf.custom_gradient
    def f(x: Any) -> Any:
        return x * x, lambda g: g * 9.0

    v = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = f(v)
    assert tape.gradient(y, v).numpy() == 9.0


def test_an_untrainable_variable_needs_no_keyword(tf: Any, derivative: Any) -> None:
    v = tf.Variable(3.0, trainable=False)

    @tf.custom_gradient
    def f(x: Any) -> Any:
        return x * v, lambda g: g * 9.0

    assert derivative(f, 2.0) == 9.0


# ---- higher orders and forward mode ---------------------------------------------------------


def test_the_second_derivative_differentiates_the_gradient_function(tf: Any, second: Any) -> None:
    @tf.custom_gradient
    def f(x: Any) -> Any:
        return x * x * x, lambda g: g * 5.0 * x * x

    assert second(f, 2.0) == 20.0


def test_the_second_derivative_through_the_output(tf: Any, second: Any) -> None:
    @tf.custom_gradient
    def f(x: Any) -> Any:
        e = tf.exp(x)
        return e, lambda g: g * 2.0 * e

    assert second(f, 0.0) == 2.0


def test_custom_gradient_within_a_custom_gradient(tf: Any, second: Any) -> None:
    # The nested function says itself what the derivative of the gradient is.
    @tf.custom_gradient
    def f(x: Any) -> Any:
        def grad(g: Any) -> Any:
            @tf.custom_gradient
            def slope(z: Any) -> Any:
                return 3.0 * z * z, lambda gg: gg * 100.0

            return g * slope(x)

        return x * x * x, grad

    assert second(f, 2.0) == 100.0


def test_forward_mode_transposes_the_gradient_function(tf: Any) -> None:
    @tf.custom_gradient
    def f(x: Any) -> Any:
        return tf.stop_gradient(x * x), lambda g: g * 100.0

    x = tf.constant(2.0)
    with tf.autodiff.ForwardAccumulator(x, tf.constant(1.0)) as acc:
        y = f(x)
    assert acc.jvp(y).numpy() == 100.0


# ---- recompute_grad and grad_pass_through ---------------------------------------------------


def test_recompute_grad_runs_the_function_again(tf: Any) -> None:
    calls = []

    @tf.recompute_grad
    def f(x: Any) -> Any:
        calls.append("run")
        return x * x * x

    x = tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    assert (y.numpy(), len(calls)) == (8.0, 1)
    assert (tape.gradient(y, x).numpy(), len(calls)) == (12.0, 2)


def test_recompute_grad_of_several_inputs(tf: Any) -> None:
    f = tf.recompute_grad(lambda x, y: x * y)
    x, y = tf.constant(2.0), tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch([x, y])
        z = f(x, y)
    assert [g.numpy() for g in tape.gradient(z, [x, y])] == [3.0, 2.0]


def test_recompute_grad_with_a_variable(tf: Any) -> None:
    v = tf.Variable(5.0)
    f = tf.recompute_grad(lambda x: x * v)
    x = tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    assert [g.numpy() for g in tape.gradient(y, [x, v])] == [5.0, 2.0]


def test_recompute_grad_at_second_order(tf: Any, second: Any) -> None:
    assert second(tf.recompute_grad(lambda x: x * x * x), 2.0) == 12.0


def test_recompute_grad_keeps_the_function(tf: Any) -> None:
    def f(x: Any) -> Any:
        return x

    assert tf.recompute_grad(f).__wrapped__ is f


def test_grad_pass_through(tf: Any, derivative: Any) -> None:
    f = tf.grad_pass_through(tf.round)
    assert f(tf.constant(2.3)).numpy() == 2.0
    assert derivative(f, 2.3) == 1.0
