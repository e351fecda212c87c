"""stop_gradient and custom_gradient: derivatives withheld and given."""

import functools
import warnings
from typing import Any

import numpy as np
import pytest

import gradtape as gt
import gradtape.tf as tf


def at(f: Any, *values: Any, order: int = 1) -> Any:
    """The derivative of a function of one number by its first argument."""
    for _ in range(order):
        f = gt.grad(f)
    return f(*values)


# stop_gradient ------------------------------------------------------------------------------------


def test_stop_gradient_as_in_the_notebook() -> None:
    w1, w2 = gt.Variable(5.0), gt.Variable(3.0)
    with gt.GradientTape() as tape:
        z = 3 * w1**2 + gt.stop_gradient(2 * w1 * w2)
    d1, d2 = tape.gradient(z, [w1, w2], unconnected_gradients="zero")
    assert (d1.item(), d2.item()) == (30.0, 0.0)


def test_stop_gradient_keeps_value_and_dtype() -> None:
    x = gt.Variable(np.float32([1.0, 2.0]))
    y = gt.stop_gradient(x)
    assert type(y) is gt.Tensor
    assert y.dtype == np.float32
    assert np.array_equal(y.numpy(), [1.0, 2.0])
    x.assign([5.0, 6.0])
    assert np.array_equal(y.numpy(), [1.0, 2.0])


@pytest.mark.parametrize("value", [3.0, [1.0, 2.0], np.ones(3)])
def test_stop_gradient_of_what_is_no_tensor(value: Any) -> None:
    y = gt.stop_gradient(value)
    assert np.array_equal(y.numpy(), value)


def test_stop_gradient_at_each_order() -> None:
    assert at(lambda x: x * gt.stop_gradient(x) * x, 3.0, order=1) == 18.0
    assert at(lambda x: x * gt.stop_gradient(x) * x, 3.0, order=2) == 6.0


def test_the_stopped_tensor_can_be_watched_by_itself() -> None:
    x = gt.Variable(3.0)
    with gt.GradientTape() as tape:
        y = gt.stop_gradient(x)
        tape.watch(y)
        z = x * y * y
    dx, dy = tape.gradient(z, [x, y])
    assert (dx.item(), dy.item()) == (9.0, 18.0)


# custom_gradient ----------------------------------------------------------------------------------


def test_the_gradient_given_is_the_one_that_is_used() -> None:
    @gt.custom_gradient
    def f(x: Any) -> Any:
        return x * x, lambda g: g * 100.0

    assert at(f, 3.0) == 100.0
    assert f(3.0).numpy() == 9.0
    assert f.__name__ == "f"


def test_the_stable_softplus_of_the_notebook() -> None:
    seen = []

    @gt.custom_gradient
    def softplus(z: Any) -> Any:
        e = np.exp(z)

        def slope(g: Any) -> Any:
            seen.append(g.numpy())
            return g / (1 + 1 / e)

        return np.log(e + 1), slope

    x = gt.Variable([1000.0])
    with np.errstate(all="ignore"), gt.GradientTape() as tape:
        z = softplus(x)
    assert tape.gradient(z, x).numpy() == [1.0]
    assert np.array_equal(seen, [[1.0]])


def test_several_inputs() -> None:
    @gt.custom_gradient
    def f(x: Any, y: Any) -> Any:
        return x * y, lambda g: (g * y * 2, g * x * 3)

    x, y = gt.Variable(5.0), gt.Variable(7.0)
    with gt.GradientTape() as tape:
        z = f(x, y) * 10.0
    dx, dy = tape.gradient(z, [x, y])
    assert (dx.item(), dy.item()) == (140.0, 150.0)


def test_several_outputs_and_those_that_are_not_used() -> None:
    got: list[Any] = []

    @gt.custom_gradient
    def f(x: Any) -> Any:
        def slope(a: Any, b: Any, c: Any) -> Any:
            got.append((a.numpy().tolist(), b.numpy().tolist(), c.item()))
            return a + b * 10 + c * 100

        return (x, x * 2.0, x.sum()), slope

    x = gt.Variable([1.0, 2.0])
    with gt.GradientTape() as tape:
        a, b, _ = f(x)
        y = a.sum() + 3.0 * b[0]
    assert np.array_equal(tape.gradient(y, x).numpy(), [31.0, 1.0])
    assert got == [([1.0, 1.0], [3.0, 0.0], 0.0)]


@pytest.mark.parametrize("order", [1, 2, 3])
def test_nests_in_and_out(order: int) -> None:
    @gt.custom_gradient
    def f(pair: Any, third: Any) -> Any:
        x, y = pair["x"], pair["y"]
        out = {"p": x * y, "q": [third**3]}
        return out, lambda p, q: (p * y, p * x, q * 3 * third**2)

    def whole(x: Any) -> Any:
        out = f({"x": x, "y": x * 2.0}, x)
        return out["p"] + out["q"][0]

    assert at(whole, 2.0, order=order) == [8.0 + 12.0, 4.0 + 12.0, 6.0][order - 1]


def test_keyword_arguments_have_no_gradient() -> None:
    @gt.custom_gradient
    def f(x: Any, *, scale: float = 1.0, of: Any = None) -> Any:
        return x * scale, lambda g: g * scale

    x, k = gt.Variable(2.0), gt.Variable(3.0)
    with gt.GradientTape() as tape:
        z = f(x, scale=5.0, of=[k])
    dx, dk = tape.gradient(z, [x, k])
    assert dx.numpy() == 5.0
    assert dk is None


def test_a_plain_argument_counts_among_the_gradients() -> None:
    @gt.custom_gradient
    def f(x: Any, n: Any) -> Any:
        return x**n, lambda g: (g * n * x ** (n - 1), None)

    assert at(lambda x: f(x, 3), 2.0) == 12.0
    assert at(lambda x: f(x, 3), 2.0, order=2) == 12.0


def test_none_is_no_gradient() -> None:
    @gt.custom_gradient
    def f(x: Any, y: Any) -> Any:
        return x * y, lambda g: (g * y, None)

    x, y = gt.Variable(2.0), gt.Variable(3.0)
    with gt.GradientTape() as tape:
        z = f(x, y)
    dx, dy = tape.gradient(z, [x, y])
    assert dx.numpy() == 3.0
    assert dy is None


def test_gradients_may_be_bare_arrays() -> None:
    @gt.custom_gradient
    def f(x: Any) -> Any:
        return x.sum(), lambda g: np.array([5.0, 6.0])

    x = gt.Variable([1.0, 2.0])
    with gt.GradientTape() as tape:
        y = f(x)
    assert np.array_equal(tape.gradient(y, x).numpy(), [5.0, 6.0])


def with_variables(v: gt.Variable, w: gt.Variable) -> Any:
    @gt.custom_gradient
    def f(x: Any) -> Any:
        y = x * v + w**2

        def slope(g: Any, variables: Any = None) -> Any:
            by = {id(v): g * x * 10.0, id(w): g * w * 20.0}
            return g * v, [by[id(variable)] for variable in variables]

        return y, slope

    return f


def test_variables() -> None:
    v, w, x = gt.Variable(3.0), gt.Variable(4.0), gt.Variable(2.0)
    f = with_variables(v, w)
    with gt.GradientTape() as tape:
        y = f(x)
    assert y.numpy() == 22.0
    dx, dv, dw = tape.gradient(y, [x, v, w])
    assert (dx.item(), dv.item(), dw.item()) == (3.0, 20.0, 80.0)


def test_variables_are_watched_although_a_tape_sees_only_the_call() -> None:
    v, w, x = gt.Variable(3.0), gt.Variable(4.0), gt.constant(2.0)
    f = with_variables(v, w)
    with gt.GradientTape() as tape:
        y = f(x)
    assert {id(t) for t in tape.watched_variables()} == {id(v), id(w)}
    assert tape.gradient(y, w).numpy() == 80.0


def test_variables_need_the_keyword() -> None:
    v = gt.Variable(3.0)

    @gt.custom_gradient
    def f(x: Any) -> Any:
        return x * v, lambda g: g * 3.0

    with pytest.raises(TypeError, match=r"must accept keyword argument 'variables'"):
        f(gt.Variable(2.0))


def test_an_untrainable_variable_needs_no_keyword() -> None:
    v = gt.Variable(3.0, trainable=False)

    @gt.custom_gradient
    def f(x: Any) -> Any:
        return x * v, lambda g: g * 3.0

    assert at(f, 2.0) == 3.0


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_higher_derivatives_are_those_of_the_gradient_s_operations(order: int) -> None:
    @gt.custom_gradient
    def f(x: Any) -> Any:
        return x**4, lambda g: g * 4 * x**3

    assert at(f, 2.0, order=order) == [32.0, 48.0, 48.0, 24.0][order - 1]


@pytest.mark.parametrize("order", [1, 2, 3])
def test_higher_derivatives_through_the_output(order: int) -> None:
    @gt.custom_gradient
    def exp(x: Any) -> Any:
        y = np.exp(x)
        return y, lambda g: g * exp(x)

    assert np.isclose(at(exp, 0.5, order=order), np.exp(0.5))


def test_one_custom_gradient_within_another() -> None:
    @gt.custom_gradient
    def inner(x: Any) -> Any:
        return x * x, lambda g: g * 2 * x * 10.0

    @gt.custom_gradient
    def outer(x: Any) -> Any:
        with gt.GradientTape() as tape:
            tape.watch(x)
            y = inner(x)
        dx = tape.gradient(y, x)
        return y, lambda g: g * dx * 100.0

    assert at(outer, 3.0) == 6000.0
    assert at(lambda x: inner(x) * x, 3.0) == 9.0 + 3 * 60.0


def test_jacobian_through_it() -> None:
    @gt.custom_gradient
    def f(x: Any) -> Any:
        return x**3, lambda g: g * 3 * x**2

    x = gt.Variable([[1.0, 2.0], [3.0, 4.0]])
    with gt.GradientTape(persistent=True) as tape:
        y = f(x) @ np.array([1.0, 10.0])
    j = tape.jacobian(y, x).numpy()
    expected = np.zeros((2, 2, 2))
    for i in range(2):
        expected[i, i] = 3 * x.numpy()[i] ** 2 * [1.0, 10.0]
    assert np.array_equal(j, expected)


def test_jacobian_through_several_outputs_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradtape.tape.BLOCK_BYTES", 1)

    @gt.custom_gradient
    def f(x: Any, y: Any) -> Any:
        return (x * y, x - y), lambda a, b: (a * y + b, a * x - b)

    x, y = gt.Variable([1.0, 2.0]), gt.Variable([3.0, 4.0])
    with gt.GradientTape() as tape:
        p, m = f(x, y)
        z = p * m
    jx, jy = tape.jacobian(z, [x, y])
    assert np.allclose(jx.numpy(), np.diag([-2.0 * 3 + 3, -2.0 * 4 + 8]))
    assert np.allclose(jy.numpy(), np.diag([-2.0 * 1 - 3, -2.0 * 2 - 8]))


def test_batch_jacobian_through_it() -> None:
    @gt.custom_gradient
    def f(x: Any) -> Any:
        return x * x, lambda g: g * 2 * x

    x = gt.Variable([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    with gt.GradientTape() as tape:
        y = f(x)
    expected = 2 * x.numpy()[:, None] * np.eye(2)
    assert np.array_equal(tape.batch_jacobian(y, x).numpy(), expected)


def test_the_gradient_function_runs_only_when_it_is_needed() -> None:
    runs = []

    @gt.custom_gradient
    def f(x: Any) -> Any:
        return x * 2.0, lambda g: runs.append(1) or g * 2.0

    x, other = gt.Variable(1.0), gt.Variable(1.0)
    with gt.GradientTape(persistent=True) as tape:
        y = f(x)
        z = other * 3.0
    tape.gradient(z, [x, other])
    assert runs == []
    tape.gradient(y, x)
    assert runs == [1]


def test_the_gradient_function_s_exception_comes_out() -> None:
    @gt.custom_gradient
    def f(x: Any) -> Any:
        def slope(g: Any) -> Any:
            raise KeyError("mine")

        return x * 2.0, slope

    x = gt.Variable(1.0)
    with gt.GradientTape() as tape:
        y = f(x)
    with pytest.raises(KeyError, match="mine"):
        tape.gradient(y, x)


def test_dtypes_are_the_arguments_own() -> None:
    @gt.custom_gradient
    def f(x: Any) -> Any:
        return x * 2.0, lambda g: g.astype(np.float64) * 2.0

    x = gt.Variable(np.float32([1.0]))
    with gt.GradientTape() as tape:
        y = f(x)
    assert tape.gradient(y, x).dtype == np.float32


def test_a_function_that_returns_its_argument() -> None:
    @gt.custom_gradient
    def reversed_gradient(x: Any) -> Any:
        return x, lambda g: -g

    assert at(lambda x: reversed_gradient(x) * x, 3.0) == 0.0
    assert at(lambda x: reversed_gradient(reversed_gradient(x)) * x, 3.0) == 6.0


def test_without_a_tape_it_is_just_the_function() -> None:
    @gt.custom_gradient
    def f(x: Any) -> Any:
        return x * 2.0, lambda g: g

    assert f(gt.constant(2.0)).numpy() == 4.0
    assert f(np.float64(2.0)).numpy() == 4.0


# Bad input ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 3])
def test_too_few_and_too_many_gradients(count: int) -> None:
    @gt.custom_gradient
    def product(x: Any, y: Any) -> Any:
        return x * y, lambda g: [g] * count

    x, y = gt.Variable(1.0), gt.Variable(2.0)
    with gt.GradientTape() as tape:
        z = product(x, y)
    with pytest.raises(ValueError, match=rf"return 2 gradients, but returned {count}.*product"):
        tape.gradient(z, [x, y])


@pytest.mark.parametrize("shape", [(), (2,), (3, 1), (1, 3)])
def test_a_misshapen_gradient(shape: Any) -> None:
    @gt.custom_gradient
    def product(x: Any, y: Any) -> Any:
        return x * y, lambda g: (g, gt.constant(np.ones(shape)))

    x, y = gt.Variable(np.ones(3)), gt.Variable(np.ones(3))
    with gt.GradientTape() as tape:
        z = product(x, y)
    with pytest.raises(gt.GradientShapeError) as raised:
        tape.gradient(z, [x, y])
    text = str(raised.value)
    for words in ("number 1", "product", str(shape), "(3,)", "reshape"):
        assert words in text


def test_a_misshapen_gradient_of_a_variable() -> None:
    v = gt.Variable([1.0, 2.0])

    @gt.custom_gradient
    def f(x: Any) -> Any:
        def slope(g: Any, variables: Any = None) -> Any:
            return g, [g for _ in variables]

        return (x * v).sum(), slope

    x = gt.Variable(1.0)
    with gt.GradientTape() as tape:
        y = f(x)
    with pytest.raises(gt.GradientShapeError, match=r"\(\).*\(2,\)"):
        tape.gradient(y, [x, v])


def test_too_few_gradients_of_variables() -> None:
    v = gt.Variable(1.0)

    @gt.custom_gradient
    def f(x: Any) -> Any:
        return x * v, lambda g, variables=None: (g, [])

    x = gt.Variable(1.0)
    with gt.GradientTape() as tape:
        y = f(x)
    with pytest.raises(ValueError, match="gradient for each variable"):
        tape.gradient(y, x)


@pytest.mark.parametrize("answer", [3.0, (3.0,), (3.0, 4.0), None])
def test_a_function_that_returns_no_gradient_function(answer: Any) -> None:
    @gt.custom_gradient
    def careless(x: Any) -> Any:
        return answer

    with pytest.raises(TypeError, match=r"\(value, gradient_function\).*careless"):
        careless(gt.Variable(1.0))


def test_a_gradient_function_that_returns_no_pair_though_there_are_variables() -> None:
    v = gt.Variable(1.0)

    @gt.custom_gradient
    def careless(x: Any) -> Any:
        return x * v, lambda g, variables=None: g

    x = gt.Variable(1.0)
    with gt.GradientTape() as tape:
        y = careless(x)
    with pytest.raises((TypeError, ValueError), match="careless"):
        tape.gradient(y, x)


def test_a_method_and_a_flag_are_no_inputs() -> None:
    class Layer:
        factor = 7.0

        @gt.custom_gradient
        def __call__(self, x: Any, mode: str) -> Any:
            return x * x, lambda g: self.factor * g

    x = gt.Variable(1.0)
    with gt.GradientTape() as tape:
        y = Layer()(x, "train")
    assert tape.gradient(y, x).numpy() == 7.0


def test_a_gradient_that_is_missing_for_some_rows_of_a_jacobian() -> None:
    @gt.custom_gradient
    def half(x: Any) -> Any:
        return x * 1.0, lambda g: None if g.numpy()[0] else g * 5.0

    x = gt.Variable([1.0, 2.0])
    with gt.GradientTape() as tape:
        y = half(x)
    assert np.array_equal(tape.jacobian(y, x).numpy(), [[0.0, 0.0], [0.0, 5.0]])


def test_forward_mode_refuses_a_gradient_of_bare_values() -> None:
    @gt.custom_gradient
    def bare(x: Any) -> Any:
        return x * 1.0, lambda g: 7.0 * g.numpy()

    x = gt.Variable(1.0)
    with gt.ForwardAccumulator(x, 1.0), pytest.raises(TypeError, match="forward mode"):
        bare(x)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("no", r"gradient number 0 that f returned is str 'no'"),
        (1j, "complex, but its argument is real"),
        (gt.constant([1j, 2j]), "complex, but its argument is real"),
    ],
)
def test_a_gradient_that_is_none(answer: Any, words: str) -> None:
    @gt.custom_gradient
    def f(v: Any) -> Any:
        return v * v, lambda g: answer

    x = gt.Variable([1.0, 2.0])
    with gt.GradientTape() as tape:
        y = f(x)
    with pytest.raises(TypeError, match=words):
        tape.gradient(y, x)


@pytest.mark.parametrize("decorator", [gt.custom_gradient, gt.recompute_grad])
def test_what_is_no_function_is_not_decorated(decorator: Any) -> None:
    with pytest.raises(TypeError, match=r"argument `f` of \w+ must be a function, but is int 3"):
        decorator(3)


def test_a_tensor_that_is_written_to_afterwards() -> None:
    @gt.custom_gradient
    def square(v: Any) -> Any:
        return v * v, lambda dy: dy * 2 * v

    x, t = gt.Variable([1.0, 2.0]), gt.zeros(2)
    with gt.GradientTape() as tape:
        t[:] = x * 1.0
        y = square(t)
        t[0] = 100.0
        loss = y.sum()
    assert tape.gradient(loss, x).numpy().tolist() == [2.0, 4.0]


# What is no positional argument -------------------------------------------------------------------


def scaled_by(scale: Any, **options: Any) -> Any:
    """x times what it closes over, or gets by keyword."""

    @gt.custom_gradient
    def f(x: Any, by: Any = scale) -> Any:
        return x * by, lambda g: g * by

    return functools.partial(f, **options)


@pytest.mark.parametrize(
    "derivative",
    [
        gt.grad,
        lambda f: lambda x: gt.jvp(f)(x, 1.0),
        lambda f: lambda x: gt.taylor(f, 1)(x, 1.0),
        lambda f: lambda x: gt.linearize(f)(x),
    ],
)
def test_a_tracked_tensor_that_is_no_positional_argument(derivative: Any) -> None:
    words = r"what f, .* depends on a Tensor of shape \(\) .* none of its positional arguments"
    for f in (
        lambda x: scaled_by(x * x)(x),
        lambda x: scaled_by(1.0, by=x * x)(x),
        lambda x: scaled_by(np.exp(np.sin(x * x)))(1.0),
    ):
        with pytest.raises(TypeError, match=words):
            derivative(f)(3.0)


def test_a_tracked_tensor_that_is_returned_as_it_is() -> None:
    x, constant = gt.Variable(3.0, trainable=False), gt.constant(2.0)

    @gt.custom_gradient
    def f(t: Any) -> Any:
        return (t * 1.0, x), lambda g, h: g

    assert f(constant)[1].numpy() == 3.0
    with gt.GradientTape() as tape:
        f(constant)  # nothing tracks x
        tape.watch(x)
        with pytest.raises(TypeError, match="depends on a Variable"):
            f(constant)


@pytest.mark.parametrize("order", [1, 2])
def test_what_is_closed_over_without_harm(order: int) -> None:
    def whole(x: Any) -> Any:
        b, seen = x * x, []

        @gt.custom_gradient
        def f(t: Any, c: Any) -> Any:
            seen.append(b * t)  # no value depends on it
            y = np.exp(t) * gt.stop_gradient(b) * c  # c is b
            return y, lambda g: (g * y, g * b)

        return f(x, b)

    # dy/dx = y + 2 x b, y = exp(x) b^2
    expected = [np.exp(2.0) * 16 + 16.0]
    # of that y = exp(x) stop(b) b: y + 2 x exp(x) b, and of 2 x b: 6 x^2
    expected.append(np.exp(2.0) * 32 + 24.0)
    assert np.isclose(at(whole, 2.0, order=order), expected[order - 1], rtol=1e-14)


def test_one_within_another_gets_what_the_other_computes() -> None:
    @gt.custom_gradient
    def inner(x: Any, y: Any) -> Any:
        return x * y, lambda g: (g * y, g * x)

    @gt.custom_gradient
    def outer(x: Any) -> Any:
        b = np.exp(x)
        return inner(x, b), lambda g: g * (b + inner(x, b))

    for order, expected in ((1, 3.0), (2, 4.0), (3, 5.0)):
        assert np.isclose(at(outer, 2.0, order=order), expected * np.exp(2.0), rtol=1e-14)


def test_tensorflow_drops_it_with_a_warning() -> None:
    x = tf.Variable(3.0)

    def scaled(decorator: Any) -> Any:
        with tf.GradientTape() as tape:
            b = x * x
            y = decorator(b)(x)
        return tape.gradient(y, x).numpy()

    def closing_over(b: Any) -> Any:
        return tf.custom_gradient(lambda t: (t * b, lambda g: g * b))

    with pytest.warns(UserWarning, match="the gradient would be lost") as said:
        assert scaled(closing_over) == 9.0
    assert said[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert scaled(lambda b: tf.grad_pass_through(lambda t: t * b)) == 1.0


@pytest.mark.parametrize("decorator", [gt.custom_gradient, gt.recompute_grad])
def test_a_callable_without_a_name(decorator: Any) -> None:
    def twice(factor: float, x: Any) -> Any:
        y = x * factor
        return (y, lambda g: g * factor) if decorator is gt.custom_gradient else y

    assert at(decorator(functools.partial(twice, 2.0)), 3.0) == 2.0


@pytest.mark.parametrize("order", [1, 2])
def test_recompute_grad_returns_what_it_closes_over(order: int) -> None:
    def cube(x: Any) -> Any:
        b = x * x * x
        return gt.recompute_grad(gt.recompute_grad(lambda: {"b": b}))()["b"]

    assert at(cube, 2.0, order=order) == 12.0
    assert gt.directional_derivative(cube)(2.0, 1.0) == 12.0
    v = gt.Variable(2.0)
    with gt.GradientTape() as tape:
        y = gt.recompute_grad(lambda: v)()
    assert tape.gradient(y, v).numpy() == 1.0
