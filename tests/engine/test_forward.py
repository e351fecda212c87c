"""Forward mode: tangents beside the values, alone, nested, and across tapes."""

from typing import Any

import numpy as np
import pytest

import gradtape as gt
from gradtape.recording import active

RNG = np.random.default_rng(3)


def f(x: Any) -> Any:
    return np.exp(np.sin(x)) * x.sum() + np.cumsum(x) ** 2


X = RNG.normal(size=4)
V = RNG.normal(size=4)


def test_a_tangent_is_the_jacobian_times_the_direction() -> None:
    x = gt.constant(X)
    with gt.GradientTape() as tape, gt.ForwardAccumulator(x, V) as acc:
        tape.watch(x)
        y = f(x)
    tangent = acc.jvp(y)
    assert type(tangent) is gt.Tensor
    assert tangent.shape == y.shape
    assert np.allclose(tangent.numpy(), tape.jacobian(y, x).numpy() @ V)


def test_the_tangent_can_be_asked_inside_and_again() -> None:
    x = gt.constant(2.0)
    with gt.ForwardAccumulator(x, 10.0) as acc:
        y = x * x
        inside = acc.jvp(y)
    assert inside.numpy() == acc.jvp(y).numpy() == acc.jvp(y).numpy() == 40.0


def test_the_tangent_of_a_primal_is_what_was_given() -> None:
    x = gt.Variable([1.0, 2.0])
    with gt.ForwardAccumulator(x, gt.constant([3.0, 4.0])) as acc:
        pass
    assert np.array_equal(acc.jvp(x).numpy(), [3.0, 4.0])


def test_several_primals_add_up() -> None:
    x, y = gt.constant(2.0), gt.Variable(3.0)
    with gt.ForwardAccumulator([x, y], [1.0, 10.0]) as acc:
        z = x * x * y
    assert acc.jvp(z).numpy() == 12.0 + 40.0


@pytest.mark.parametrize("how", ["none", "zero", gt.UnconnectedGradients.ZERO])
def test_unconnected(how: Any) -> None:
    x, other = gt.constant(2.0), gt.Variable([1.0, 2.0])
    with gt.ForwardAccumulator(x, 1.0) as acc:
        y = other * other
        z = x * 1.0
    tangents = acc.jvp({"y": y, "z": [z]}, unconnected_gradients=how)
    assert tangents["z"][0].numpy() == 1.0
    if how == "none":
        assert tangents["y"] is None
    else:
        assert np.array_equal(tangents["y"].numpy(), [0.0, 0.0])


def test_nothing_outside_the_context_is_seen() -> None:
    x = gt.constant(2.0)
    before = x * x
    with gt.ForwardAccumulator(x, 1.0) as acc:
        y = x * x
    after = y * 3.0
    assert acc.jvp(before) is None
    assert acc.jvp(after) is None


def test_second_order_by_nesting() -> None:
    x = gt.constant([0.3, 0.9])
    ones = np.ones(2)
    with gt.ForwardAccumulator(x, ones) as outer, gt.ForwardAccumulator(x, ones) as inner:
        y = np.sin(x) * x
        first = inner.jvp(y)
    value = np.array([0.3, 0.9])
    assert np.allclose(first.numpy(), np.cos(value) * value + np.sin(value))
    assert np.allclose(outer.jvp(first).numpy(), 2 * np.cos(value) - value * np.sin(value))


def test_to_the_fourth_order() -> None:
    x = gt.constant(0.7)
    accumulators = [gt.ForwardAccumulator(x, 1.0) for _ in range(4)]
    a, b, c, d = accumulators
    with a, b, c, d:
        y = np.exp(2 * x)
        first = d.jvp(y)
        second = c.jvp(first)
        third = b.jvp(second)
    fourth = a.jvp(third)
    found = [t.item() for t in (first, second, third, fourth)]
    assert np.allclose(found, [2**k * np.exp(1.4) for k in (1, 2, 3, 4)])


def hessian(x: Any) -> Any:
    x = gt.constant(x)
    with gt.GradientTape() as outer:
        outer.watch(x)
        with gt.GradientTape() as inner:
            inner.watch(x)
            y = f(x).sum()
        g = inner.gradient(y, x)
    return outer.jacobian(g, x).numpy()


def test_hessian_vector_product_forward_over_reverse() -> None:
    x = gt.constant(X)
    with gt.ForwardAccumulator(x, V) as acc:
        with gt.GradientTape() as tape:
            tape.watch(x)
            y = f(x).sum()
        g = tape.gradient(y, x)
    assert np.allclose(acc.jvp(g).numpy(), hessian(X) @ V)


def test_hessian_vector_product_reverse_over_forward() -> None:
    x = gt.constant(X)
    with gt.GradientTape() as tape:
        tape.watch(x)
        with gt.ForwardAccumulator(x, V) as acc:
            y = f(x).sum()
        slope = acc.jvp(y)
    assert np.allclose(tape.gradient(slope, x).numpy(), hessian(X) @ V)


def test_hessian_vector_product_of_a_variable_both_ways() -> None:
    v = gt.Variable(X)
    with gt.ForwardAccumulator(v, V) as acc:
        with gt.GradientTape() as tape:
            y = f(v).sum()
        g = tape.gradient(y, v)
    with gt.GradientTape() as tape:
        with gt.ForwardAccumulator(v, V) as inner:
            y = f(v).sum()
        slope = inner.jvp(y)
    assert np.allclose(acc.jvp(g).numpy(), tape.gradient(slope, v).numpy())


def test_hessian_is_symmetric_and_right_by_differences() -> None:
    h = hessian(X)
    assert np.allclose(h, h.T)
    step = 1e-5

    def gradient(x: Any) -> Any:
        return gt.grad(lambda x: f(x).sum())(x)

    for i in range(4):
        e = np.eye(4)[i] * step
        assert np.allclose((gradient(X + e) - gradient(X - e)) / (2 * step), h[i], rtol=1e-6)


def test_a_tangent_that_is_tracked_is_differentiated() -> None:
    x, v = gt.constant(2.0), gt.Variable(5.0)
    with gt.GradientTape() as tape:
        with gt.ForwardAccumulator(x, v) as acc:
            y = x**3
        slope = acc.jvp(y)
    assert slope.numpy() == 60.0
    assert tape.gradient(slope, v).numpy() == 12.0


def test_functions_with_several_outputs() -> None:
    x = gt.constant(np.arange(6.0))
    with gt.ForwardAccumulator(x, np.ones(6)) as acc:
        parts = np.split(x * x, 3)
    assert [t.numpy().tolist() for t in acc.jvp(parts)] == [[0.0, 2.0], [4.0, 6.0], [8.0, 10.0]]


def test_custom_gradient_is_transposed() -> None:
    @gt.custom_gradient
    def doubled(x: Any, y: Any) -> Any:
        return x * y, lambda g: (2 * g * y, 3 * g * x)

    x, y = gt.constant(2.0), gt.constant(5.0)
    with gt.ForwardAccumulator([x, y], [1.0, 10.0]) as acc:
        z = doubled(x, y)
    assert acc.jvp(z).numpy() == 2 * 5.0 + 3 * 2.0 * 10


def test_custom_gradient_of_several_outputs() -> None:
    @gt.custom_gradient
    def both(x: Any) -> Any:
        return (x * x, x**3), lambda a, b: a * 2 * x + b * 3 * x**2

    x = gt.constant([1.0, 2.0])
    with gt.ForwardAccumulator(x, np.ones(2)) as acc:
        square, cube = both(x)
    assert np.array_equal(acc.jvp(square).numpy(), [2.0, 4.0])
    assert np.array_equal(acc.jvp(cube).numpy(), [3.0, 12.0])


def test_recompute_grad_in_forward_mode() -> None:
    deep = gt.recompute_grad(lambda x: np.exp(np.sin(x)))
    x = gt.constant(0.5)
    with gt.ForwardAccumulator(x, 1.0) as acc:
        y = deep(x)
    assert np.isclose(acc.jvp(y).numpy(), np.cos(0.5) * np.exp(np.sin(0.5)))


@pytest.mark.parametrize("kind", ["custom", "recompute"])
@pytest.mark.parametrize("way", ["forward over reverse", "reverse over forward", "twice forward"])
def test_second_order_through_given_derivatives(kind: str, way: str) -> None:
    @gt.custom_gradient
    def custom(x: Any) -> Any:
        return x**3, lambda g: g * 3 * x**2

    cube = custom if kind == "custom" else gt.recompute_grad(lambda x: x**3)
    x = gt.Variable(2.0)
    if way == "forward over reverse":
        with gt.ForwardAccumulator(x, 1.0) as acc:
            with gt.GradientTape() as tape:
                y = cube(x) * x
            first = tape.gradient(y, x)
        second = acc.jvp(first)
    elif way == "reverse over forward":
        with gt.GradientTape() as tape:
            with gt.ForwardAccumulator(x, 1.0) as acc:
                y = cube(x) * x
            first = acc.jvp(y)
        second = tape.gradient(first, x)
    else:
        with gt.ForwardAccumulator(x, 1.0) as outer, gt.ForwardAccumulator(x, 1.0) as inner:
            first = inner.jvp(cube(x) * x)
        second = outer.jvp(first)
    assert (first.item(), second.item()) == (32.0, 48.0)


def test_stop_gradient_stops_tangents() -> None:
    x = gt.constant(2.0)
    with gt.ForwardAccumulator(x, 1.0) as acc:
        y = gt.stop_gradient(x * x) * x
    assert acc.jvp(y).numpy() == 4.0


def test_an_assigned_variable_keeps_its_tangent_of_the_use() -> None:
    v = gt.Variable(2.0)
    with gt.ForwardAccumulator(v, 1.0) as acc:
        y = v * v
        v.assign(100.0)
    assert acc.jvp(y).numpy() == 4.0


def test_no_confusion_of_perturbations() -> None:
    x, y = gt.constant(1.0), gt.constant(1.0)
    with gt.ForwardAccumulator(x, 1.0) as outer:
        with gt.ForwardAccumulator(y, 1.0) as inner:
            s = x + y
        z = x * inner.jvp(s)
    assert outer.jvp(z).numpy() == 1.0


def test_float32_stays_float32() -> None:
    x = gt.constant(np.float32([1.0, 2.0]))
    with gt.ForwardAccumulator(x, np.ones(2)) as acc:
        y = np.exp(x) / 3
    assert acc.jvp(y).dtype == np.float32


def test_a_tangent_is_not_the_users_array() -> None:
    x, direction = gt.constant([1.0, 2.0]), np.ones(2)
    with gt.ForwardAccumulator(x, direction) as acc:
        direction[:] = 9.0
        y = x * 2.0
    assert np.array_equal(acc.jvp(y).numpy(), [2.0, 2.0])


# Bad input ----------------------------------------------------------------------------------------


def test_entering_twice() -> None:
    acc = gt.ForwardAccumulator(gt.constant(1.0), 1.0)
    with acc, pytest.raises(ValueError, match="already recording"):
        acc.__enter__()
    assert active() == ()


def test_an_exception_leaves_it_inactive() -> None:
    with pytest.raises(KeyError), gt.ForwardAccumulator(gt.constant(1.0), 1.0):
        raise KeyError
    assert active() == ()


@pytest.mark.parametrize("bad", [np.ones(2), 3.0, "text"])
def test_a_primal_that_is_no_tensor(bad: Any) -> None:
    with pytest.raises(TypeError, match=r"`primals`.*gradtape\.(constant|Variable)"):
        gt.ForwardAccumulator(bad, bad)


def test_too_many_and_too_few_tangents() -> None:
    x = gt.constant(1.0)
    with pytest.raises(ValueError, match=r"`tangents` has 2 .*`primals` has 1"):
        gt.ForwardAccumulator([x], [1.0, 2.0])
    with pytest.raises(ValueError, match=r"`tangents` has 1 .*`primals` has 2"):
        gt.ForwardAccumulator([x, gt.constant(1.0)], [1.0])


def test_a_tangent_of_a_wrong_shape() -> None:
    with pytest.raises(ValueError, match=r"`tangents`.*shape \(2,\).*\(3,\)"):
        gt.ForwardAccumulator(gt.constant([1.0, 2.0]), np.ones(3))


def test_a_primal_given_twice() -> None:
    x = gt.constant(1.0)
    with pytest.raises(ValueError, match="multiple times"):
        gt.ForwardAccumulator([x, x], [1.0, 1.0])


def test_an_unknown_choice_for_unconnected() -> None:
    with gt.ForwardAccumulator(gt.constant(1.0), 1.0) as acc:
        pass
    with pytest.raises(ValueError, match="nought"):
        acc.jvp(gt.constant(2.0), unconnected_gradients="nought")


def test_zeros_for_what_is_no_tensor() -> None:
    with gt.ForwardAccumulator(gt.constant(1.0), 1.0) as acc:
        pass
    with pytest.raises(TypeError, match=r"`primals`.*ndarray"):
        acc.jvp(np.ones(2), unconnected_gradients="zero")


def test_an_integer_primal_warns() -> None:
    with pytest.warns(UserWarning, match="floating.*int64"):
        acc = gt.ForwardAccumulator(gt.constant(1), 1)
    with acc:
        y = gt.constant(1) * 2
    assert acc.jvp(y) is None
