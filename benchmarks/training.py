"""``python -m benchmarks.training``: the demo's network, trained by one library after the other.

The loop is that of ``gradtape demo``: California housing, layers 8-64-64-64-1 with ReLU, float32,
Nadam with a schedule of learning rates and decay of the weights, batches of 64. All start from the
same weights, see the same batches and follow the same formulas; TensorFlow's steps are written with
its operations, for Keras's Nadam follows others. The losses of the first steps and of the first
epoch are compared before anything is reported. The libraries take turns, epoch by epoch.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from gradtape import function
from gradtape.demo.network import (
    Data,
    Network,
    Settings,
    housing_data,
    learning_rate,
    mean_squared_error,
    train_step,
)
from gradtape.optimizers import Nadam

#: A step of training: a batch and the learning rate go in, the loss before it comes out.
Step = Callable[[Any, Any, float], Any]
#: A step, and what predicts.
Trained = tuple[Step, Callable[[Any], Any]]

#: How far losses may lie apart: after the first steps, and after an epoch of them.
FIRST_STEPS, AT_FIRST, AFTER_AN_EPOCH = 20, 1e-4, 1e-2


class DisagreementError(Exception):
    """A library's losses are not those of the others."""


def gradtape_trained(weights: Sequence[Any], settings: Settings, engine: str | None) -> Trained:
    """The demo's own step, as it is or traced."""
    sizes = (weights[0].shape[0], *[w.shape[1] for w in weights[: len(weights) // 2]])
    network = Network(sizes, np.random.default_rng(0))
    network.restore(list(weights))
    optimizer = Nadam(settings.learning_rate)

    def step(x: Any, y: Any) -> Any:
        return train_step(network, optimizer, x, y, settings)

    take = step if engine is None else function(step, engine=engine)

    def at_rate(x: Any, y: Any, rate: float) -> Any:
        optimizer.learning_rate = rate
        return take(x, y)

    return at_rate, network.predict


def tensorflow_trained(weights: Sequence[Any], settings: Settings, compiled: bool) -> Trained:
    """The same step in TensorFlow's operations, eagerly or as a ``tf.function``."""
    import tensorflow as tf

    variables = [tf.Variable(w) for w in weights]
    moments = [(tf.Variable(tf.zeros_like(v)), tf.Variable(tf.zeros_like(v))) for v in variables]
    layers = len(variables) // 2
    matrices, biases = variables[:layers], variables[layers:]
    beta_1, beta_2, epsilon, speed = 0.9, 0.999, 1e-7, 0.004

    def predict(x: Any) -> Any:
        for w, b in zip(matrices[:-1], biases[:-1], strict=True):
            x = tf.nn.relu(tf.matmul(x, w) + b)
        return tf.matmul(x, matrices[-1]) + biases[-1]

    def step(x: Any, y: Any, numbers: Any) -> Any:
        # What is the same for all variables is computed once, outside.
        decay, ahead, beside, scale, shift, kept = tf.unstack(numbers)
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(predict(x) - y))
        for v, g, (m, n) in zip(variables, tape.gradient(loss, variables), moments, strict=True):
            m.assign(decay * m + (1 - decay) * g)
            n.assign(beta_2 * n + (1 - beta_2) * (g * g))
            v.assign_sub(scale * (ahead * m + beside * g) / (tf.sqrt(n) + shift))
        for w in matrices:
            w.assign(kept * w)
        return loss

    take = tf.function(step, reduce_retracing=True) if compiled else step
    count, product = 0, 1.0

    def momentum(t: int) -> float:
        return beta_1 * (1 - 0.5 * 0.96 ** (t * speed))

    def at_rate(x: Any, y: Any, rate: float) -> Any:
        nonlocal count, product
        count += 1
        now, following = momentum(count), momentum(count + 1)
        product *= now
        root = math.sqrt(1 - beta_2**count)
        numbers = [
            *(now, following / (1 - product * following), (1 - now) / (1 - product)),
            *(rate * root, epsilon * root, 1 - rate * settings.weight_decay),
        ]
        return take(
            tf.constant(x), tf.constant(y), tf.constant(np.asarray(numbers, np.float32))
        ).numpy()

    return at_rate, lambda x: predict(tf.constant(x)).numpy()


def contestants() -> dict[str, Callable[[Sequence[Any], Settings], Trained]]:
    """What is there to be timed."""
    found: dict[str, Callable[[Sequence[Any], Settings], Trained]] = {
        "gradtape": lambda w, s: gradtape_trained(w, s, None),
        "gradtape.function, NumPy": lambda w, s: gradtape_trained(w, s, "numpy"),
    }
    if find_spec("llvmlite") is not None:
        found["gradtape.function, LLVM"] = lambda w, s: gradtape_trained(w, s, "llvm")
    if find_spec("tensorflow") is not None:
        found["TensorFlow eager"] = lambda w, s: tensorflow_trained(w, s, compiled=False)
        found["tf.function"] = lambda w, s: tensorflow_trained(w, s, compiled=True)
    return found


class Run:
    """One library's training, epoch by epoch."""

    def __init__(self, trained: Trained, data: Data, settings: Settings) -> None:
        self._step, self._predict = trained
        self._data, self._settings = data, settings
        self._rng = np.random.default_rng(settings.seed)
        self._epoch = 0
        self.first_losses: list[float] = []
        self.losses: list[float] = []
        self.seconds: list[float] = []
        self.step_seconds: list[float] = []

    def epoch(self) -> None:
        """Train for an epoch and look at the losses, as the demo does."""
        start = time.perf_counter()
        x_train, y_train, settings = self._data.x_train, self._data.y_train, self._settings
        order = self._rng.permutation(len(x_train))
        steps = math.ceil(len(x_train) / settings.batch_size)
        for i in range(steps):
            done = (self._epoch * steps + i + 1) / (settings.epochs * steps + 1)
            rate = learning_rate(done, settings.learning_rate)
            rows = order[i * settings.batch_size : (i + 1) * settings.batch_size]
            loss = self._step(x_train[rows], y_train[rows], rate)
            if len(self.first_losses) < FIRST_STEPS:
                self.first_losses.append(float(loss))
        self.step_seconds.append((time.perf_counter() - start) / steps)
        for x, y in ((x_train, y_train), (self._data.x_valid, self._data.y_valid)):
            self.losses.append(float(mean_squared_error(self._predict(x), y)))
        self.seconds.append(time.perf_counter() - start)
        self._epoch += 1


def check(runs: dict[str, Run]) -> None:
    """Compare the losses of all with those of the first.

    Raises
    ------
    DisagreementError : they are further apart than rounding takes them.
    """
    (name, base), *others = runs.items()
    for other, run in others:
        for found, expected, tolerance, when in (
            (run.first_losses, base.first_losses, AT_FIRST, f"the first {FIRST_STEPS} steps"),
            (run.losses[:2], base.losses[:2], AFTER_AN_EPOCH, "an epoch"),
        ):
            if not np.allclose(found, expected, rtol=tolerance, atol=0):
                raise DisagreementError(
                    f"after {when}, {other} has other losses than {name}: {found}, {expected}"
                )


def table(runs: dict[str, Run]) -> str:
    """The figures as a Markdown table; ratios are of the shortest epochs."""
    eager, compiled = runs.get("TensorFlow eager"), runs.get("tf.function")
    lines = [
        "| library | first epoch, s | an epoch, s | a step, µs | all epochs, s "
        "| TensorFlow eager takes | tf.function takes | training loss |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, run in runs.items():
        least = min(run.seconds)
        ratios = [f"{min(o.seconds) / least:.1f} ×" if o else "-" for o in (eager, compiled)]
        lines.append(
            f"| {name} | {run.seconds[0]:.2f} | {least:.3f} | {min(run.step_seconds) * 1e6:,.0f} "
            f"| {sum(run.seconds):.1f} | {' | '.join(ratios)} | {run.losses[-2]:.4f} |"
        )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table; 1 where losses disagree."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description=__doc__)
    offered = contestants()
    parser.add_argument(
        "--only", action="append", choices=list(offered), help="may be given several times"
    )
    parser.add_argument("--epochs", type=int, default=5, metavar="N", help="(default: 5)")
    parser.add_argument(
        "--smoke", action="store_true", help="one epoch of 1,000 examples: only that it runs"
    )
    options = parser.parse_args(arguments)
    settings = Settings(epochs=1 if options.smoke else max(1, options.epochs))
    data = housing_data()
    if options.smoke:
        data = Data(data.x_train[:1000], data.y_train[:1000], *[getattr(data, n) for n in _REST])
    network = Network((data.x_train.shape[1], *settings.hidden, 1), np.random.default_rng(0))
    network.biases[-1].assign(np.full(1, data.y_train.mean()))
    weights = network.values()
    runs = {
        name: Run(made(weights, settings), data, settings)
        for name, made in offered.items()
        if not options.only or name in options.only
    }
    # One thread for BLAS, as in the demo: such small matrices gain nothing from more.
    with threadpool_limits(limits=1, user_api="blas"):
        for epoch in range(settings.epochs):
            for run in runs.values():
                run.epoch()
            if not epoch:
                try:
                    check(runs)
                except DisagreementError as error:
                    print(f"Nothing reported: {error}", file=sys.stderr)
                    return 1
    print(table(runs))
    return 0


_REST = ("x_valid", "y_valid", "x_test", "y_test")

if __name__ == "__main__":
    sys.exit(main())
