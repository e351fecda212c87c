"""TensorFlow eager: ``tf.GradientTape`` over variables, without ``tf.function``."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from benchmarks.workloads import CHAIN_ROUNDS, Array, Scalar, Step

TITLE = "TensorFlow eager"
CANNOT: dict[str, str] = {}

# TensorFlow warns that it traces anew in each eager call of ``jacobian``: part of its time.
tf.get_logger().setLevel("ERROR")


def notebook(w1: Scalar, w2: Scalar) -> Step:
    v1, v2 = tf.Variable(w1), tf.Variable(w2)

    def step() -> tuple[Any, ...]:
        with tf.GradientTape() as tape:
            value = 3 * v1**2 + 2 * v1 * v2
        return value, *tape.gradient(value, [v1, v2])

    return step


def chain(x: Scalar, w: Scalar) -> Step:
    vx, vw = tf.Variable(x), tf.Variable(w)

    def step() -> tuple[Any, ...]:
        with tf.GradientTape() as tape:
            y = vx
            for _ in range(CHAIN_ROUNDS):
                y = tf.sin(y * vw + vx) * vw
        return y, *tape.gradient(y, [vx, vw])

    return step


def network(x: Array, target: Array, w1: Array, b1: Array, w2: Array, b2: Array) -> Step:
    inputs, wanted = tf.constant(x), tf.constant(target)
    weights = [tf.Variable(w) for w in (w1, b1, w2, b2)]

    def step() -> tuple[Any, ...]:
        v1, c1, v2, c2 = weights
        with tf.GradientTape() as tape:
            hidden = tf.nn.relu(tf.matmul(inputs, v1) + c1)
            loss = tf.reduce_mean(tf.square(tf.matmul(hidden, v2) + c2 - wanted))
        return loss, *tape.gradient(loss, weights)

    return step


def elementwise(v: Array) -> Step:
    variable = tf.Variable(v)

    def step() -> tuple[Any, ...]:
        with tf.GradientTape() as tape:
            value = tf.reduce_sum(tf.math.log(tf.exp(variable) + 1) * tf.sin(variable))
        return value, tape.gradient(value, variable)

    return step


def hessian(w1: Scalar, w2: Scalar) -> Step:
    v1, v2 = tf.Variable(w1), tf.Variable(w2)

    def step() -> tuple[Any, ...]:
        with tf.GradientTape(persistent=True) as outer:
            with tf.GradientTape() as inner:
                value = 3 * v1**2 + 2 * v1 * v2
            first = inner.gradient(value, [v1, v2])
        return tuple(second for g in first for second in outer.gradient(g, [v1, v2]))

    return step


def jacobian(x: Array) -> Step:
    variable = tf.Variable(x)
    # The faster for the size: one gradient per entry, or all at once, traced at each call.
    at_once = x.size > 32

    def step() -> tuple[Any, ...]:
        with tf.GradientTape(persistent=not at_once) as tape:
            cube = variable * variable * variable
        return (tape.jacobian(cube, variable, experimental_use_pfor=at_once),)

    return step


def diagonal(x: Array) -> Step:
    variable = tf.Variable(x)

    def step() -> tuple[Any, ...]:
        with tf.GradientTape() as tape:
            y = variable * tf.tanh(variable)
        return (tape.jacobian(y, variable),)

    return step


def layers(x: Array, w1: Array, w2: Array) -> Step:
    variable, first, second = tf.Variable(x[None]), tf.constant(w1), tf.constant(w2)

    def step() -> tuple[Any, ...]:
        with tf.GradientTape() as tape:
            y = tf.tanh(tf.tanh(variable @ first) @ second)[0]
        return (tape.jacobian(y, variable)[:, 0],)

    return step


def hvp(x: Array, target: Array, *arrays: Array) -> Step:
    inputs, wanted = tf.constant(x), tf.constant(target)
    weights = [tf.Variable(w) for w in arrays[:4]]
    direction = [tf.constant(v) for v in arrays[4:]]

    def step() -> tuple[Any, ...]:
        v1, c1, v2, c2 = weights
        with tf.autodiff.ForwardAccumulator(weights, direction) as accumulator:
            with tf.GradientTape() as tape:
                hidden = tf.nn.relu(inputs @ v1 + c1)
                loss = tf.reduce_mean(tf.square(hidden @ v2 + c2 - wanted))
            gradients = tape.gradient(loss, weights)
        return tuple(accumulator.jvp(gradients, unconnected_gradients="zero"))

    return step


def rosenbrock(x: Array) -> Step:
    variable = tf.Variable(x)

    def step() -> tuple[Any, ...]:
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                head, tail = variable[:-1], variable[1:]
                y = tf.reduce_sum(100 * (tail - head**2) ** 2 + (1 - head) ** 2)
            gradient = tf.convert_to_tensor(inner.gradient(y, variable))
        return (outer.jacobian(gradient, variable),)

    return step
