"""Tapes within tapes: higher orders, and which tape sees what."""

from typing import Any

import pytest


def test_second_order(tf: Any) -> None:
    x = tf.constant(2.0)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = x**3.0
        first = inner.gradient(y, x)
    assert first.numpy() == 12.0
    assert outer.gradient(first, x).numpy() == 12.0


@pytest.mark.parametrize("inside", [False, True], ids=["after the context", "inside the context"])
def test_third_order(tf: Any, inside: bool) -> None:
    x = tf.constant(2.0)
    with tf.GradientTape() as a:
        a.watch(x)
        with tf.GradientTape() as b:
            b.watch(x)
            with tf.GradientTape() as c:
                c.watch(x)
                y = x**4.0
                if inside:
                    first = c.gradient(y, x)
            if not inside:
                first = c.gradient(y, x)
            second = b.gradient(first, x)
        third = a.gradient(second, x)
    assert [g.numpy() for g in (first, second, third)] == [32.0, 48.0, 48.0]


def test_third_order_all_in_the_innermost_block(tf: Any) -> None:
    x = tf.constant(2.0)
    with tf.GradientTape() as a, tf.GradientTape() as b, tf.GradientTape() as c:
        for tape in (a, b, c):
            tape.watch(x)
        third = a.gradient(b.gradient(c.gradient(x**4.0, x), x), x)
    assert third.numpy() == 48.0


def test_variables_at_second_order(tf: Any) -> None:
    v, w = tf.Variable(5.0), tf.Variable(3.0)
    with tf.GradientTape(persistent=True) as outer:
        with tf.GradientTape() as inner:
            z = 3 * v**2 + 2 * v * w
        first = inner.gradient(z, [v, w])
    hessian = [outer.gradient(g, [v, w]) for g in first]
    assert hessian[0][0].numpy() == 6.0
    assert hessian[0][1].numpy() == 2.0
    assert hessian[1][0].numpy() == 2.0
    assert hessian[1][1] is None


def test_mixed_second_derivative(tf: Any) -> None:
    x, y = tf.constant(2.0), tf.constant(3.0)
    with tf.GradientTape() as outer:
        outer.watch(y)
        with tf.GradientTape() as inner:
            inner.watch(x)
            z = x * x * y
        dx = inner.gradient(z, x)
    assert outer.gradient(dx, y).numpy() == 4.0


def test_gradient_after_the_outer_exit_is_not_seen(tf: Any) -> None:
    x = tf.constant(2.0)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = x * x * x
    first = inner.gradient(y, x)
    assert first.numpy() == 12.0
    assert outer.gradient(first, x) is None


def test_two_tapes_over_the_same_operations(tf: Any) -> None:
    x = tf.constant(2.0)
    with tf.GradientTape() as a, tf.GradientTape() as b:
        a.watch(x)
        b.watch(x)
        y = x * x * x
    assert a.gradient(y, x).numpy() == 12.0
    assert b.gradient(y, x).numpy() == 12.0


def test_the_inner_tape_sees_its_own_block_only(tf: Any) -> None:
    v = tf.Variable(2.0)
    with tf.GradientTape() as outer:
        y = v * v
        with tf.GradientTape() as inner:
            z = y * v
    assert inner.gradient(z, v).numpy() == 4.0
    assert outer.gradient(z, v).numpy() == 12.0


def test_the_outer_tape_sees_the_inner_block(tf: Any) -> None:
    v = tf.Variable(2.0)
    with tf.GradientTape() as outer, tf.GradientTape():
        y = v * v
    assert outer.gradient(y, v).numpy() == 4.0


def test_the_outer_tape_must_watch_too(tf: Any) -> None:
    x = tf.constant(2.0)
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = x * x
        first = inner.gradient(y, x)
    assert first.numpy() == 4.0
    assert outer.gradient(first, x) is None


def test_tapes_may_leave_out_of_order(tf: Any) -> None:
    x = tf.constant(2.0)
    a, b = tf.GradientTape(persistent=True), tf.GradientTape(persistent=True)
    a.__enter__()
    a.watch(x)
    b.__enter__()
    b.watch(x)
    y = x * x
    a.__exit__(None, None, None)
    z = y * x
    b.__exit__(None, None, None)
    assert a.gradient(y, x).numpy() == 4.0
    assert a.gradient(z, x) is None
    assert b.gradient(z, x).numpy() == 12.0


def test_linear_functions_have_no_second_derivative(second: Any) -> None:
    assert second(lambda x: x * 3.0, 2.0) is None


def test_linear_functions_with_unconnected_zero(tf: Any) -> None:
    x = tf.constant(2.0)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = x * 3.0
        first = inner.gradient(y, x)
    assert outer.gradient(first, x, unconnected_gradients="zero").numpy() == 0.0


def test_the_seed_is_differentiated(tf: Any) -> None:
    x, seed = tf.constant(2.0), tf.constant(3.0)
    with tf.GradientTape() as outer:
        outer.watch(seed)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = x * x
        first = inner.gradient(y, x, output_gradients=seed)
    assert first.numpy() == 12.0
    assert outer.gradient(first, seed).numpy() == 4.0


def test_two_gradients_of_a_persistent_inner_tape(tf: Any) -> None:
    x = tf.constant(2.0)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape(persistent=True) as inner:
            inner.watch(x)
            y = x * x * x
        total = inner.gradient(y, x) + inner.gradient(y, x)
    assert outer.gradient(total, x).numpy() == 24.0


def test_a_loss_of_a_gradient(tf: Any) -> None:
    # A gradient penalty: d/dw of (d(w x^2)/dx)^2 = 8 w x^2.
    x, w = tf.constant(3.0), tf.Variable(2.0)
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = w * x * x
        penalty = inner.gradient(y, x) ** 2
    assert outer.gradient(penalty, w).numpy() == 144.0


def test_stop_gradient_of_an_inner_gradient(tf: Any) -> None:
    x = tf.constant(2.0)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = x * x * x
        z = tf.stop_gradient(inner.gradient(y, x)) * x
    assert outer.gradient(z, x).numpy() == 12.0


# ---- None or zeros at second order: what TensorFlow's rules happen to leave connected --------


@pytest.mark.parametrize(
    ("name", "at", "expected"),
    [
        ("nn.relu", [-1.0, 0.0, 1.0], [0.0, 0.0, 0.0]),
        ("abs", [-1.0, 1.0], [0.0, 0.0]),
        ("square", [3.0], [2.0]),
        ("sigmoid", [0.0], [0.0]),
        ("nn.softplus", [0.0], [0.25]),
        ("sqrt", [4.0], [-0.03125]),
    ],
)
def test_second_derivative(tf: Any, second: Any, name: str, at: Any, expected: Any) -> None:
    function = getattr(tf.nn, name[3:]) if name.startswith("nn.") else getattr(tf, name)
    assert second(function, at) == expected


@pytest.mark.parametrize("name", ["maximum", "reduce_max", "reduce_sum", "identity"])
def test_no_second_derivative(tf: Any, second: Any, name: str) -> None:
    function = getattr(tf, name)
    arguments = (0.0,) if name == "maximum" else ()
    assert second(lambda x: function(x, *arguments), [1.0, 2.0]) is None
