"""A network for California house prices in ordinary NumPy code: the tape finds the gradients.

``python examples/network.py`` takes some seconds; ``--epochs 2`` is quicker, and not as good.
"""

import argparse

import numpy as np

import gradtape as gt
from gradtape.datasets import california_housing
from gradtape.optimizers import Nadam


def load(rng):
    """Three quarters of the examples to train on and the rest to test, shuffled and scaled."""
    housing = california_housing()
    order = rng.permutation(len(housing.target))
    x, y = housing.data[order], housing.target[order, np.newaxis]
    split = len(x) * 3 // 4
    x = (x - x[:split].mean(axis=0)) / x[:split].std(axis=0)
    x = np.clip(x, -5, 5).astype(np.float32)  # a few block groups lie a hundred deviations out
    y = y.astype(np.float32)
    return x[:split], y[:split], x[split:], y[split:]


def layer(rng, inputs, outputs):
    weight = rng.normal(0, np.sqrt(2 / inputs), (inputs, outputs))
    return gt.Variable(weight, dtype="float32"), gt.Variable(np.zeros(outputs), dtype="float32")


def predict(layers, x):
    for weight, bias in layers[:-1]:
        x = np.maximum(x @ weight + bias, 0)
    weight, bias = layers[-1]
    return x @ weight + bias


def mean_squared_error(layers, x, y):
    return np.mean((predict(layers, x) - y) ** 2)


def main(epochs, batch=64):
    rng = np.random.default_rng(42)
    x, y, x_test, y_test = load(rng)
    layers = [layer(rng, 8, 64), layer(rng, 64, 64), layer(rng, 64, 1)]
    variables = [variable for pair in layers for variable in pair]
    optimizer = Nadam()
    for epoch in range(1, epochs + 1):
        optimizer.learning_rate = 0.003 * (1 - (epoch - 1) / epochs)
        order = rng.permutation(len(x))
        for start in range(0, len(x), batch):
            rows = order[start : start + batch]
            with gt.GradientTape() as tape:
                loss = mean_squared_error(layers, x[rows], y[rows])
            gradients = tape.gradient(loss, variables)
            optimizer.apply_gradients(zip(gradients, variables, strict=True))
        error = mean_squared_error(layers, x_test, y_test)
        print(f"epoch {epoch}: test MSE {error:.4f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=20)
    main(parser.parse_args().epochs)
