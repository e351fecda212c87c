"""A ReLU network for the notebook's data, trained in a loop written by hand over a tape."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradtape.datasets import california_housing
from gradtape.optimizers import Nadam
from gradtape.programs.function import function
from gradtape.tape import GradientTape
from gradtape.tensor import Tensor
from gradtape.variable import Variable, constant

__all__ = ["Data", "Epoch", "Network", "Settings", "housing_data", "mean_squared_error", "train"]

Array = NDArray[np.float32]

#: Features are clipped at this many standard deviations. A few block groups lie a hundred out, with
#: 1,243 people in a household, where a network can only extrapolate.
LIMIT = 5.0

#: The part of the training in which the learning rate rises from 0, before it falls to 0 again.
WARM_UP = 0.05


@dataclass(frozen=True, slots=True)
class Settings:
    """How the network looks and how it is trained.

    Parameters
    ----------
    hidden : the sizes of the hidden layers.
    epochs : how often all examples are seen.
    batch_size : examples in a step; more than there are means all of them.
    learning_rate : its highest value; it rises to it, then falls along a cosine to 0.
    weight_decay : each step takes this part, times the learning rate, off the weights
        (I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", ICLR 2019).
    seed : of the first weights and of the order of the examples.
    engine : steps are traced once and run as a program, by ``gradtape.function`` on this engine;
        None: they are plain Python. A program adds up some sums in another order, and a network
        that is trained forgets no rounding: after some epochs, the losses are others.
    """

    hidden: tuple[int, ...] = (64, 64, 64)
    epochs: int = 60
    batch_size: int = 64
    learning_rate: float = 0.003
    weight_decay: float = 0.1
    seed: int = 42
    engine: str | None = None


@dataclass(frozen=True, slots=True)
class Data:
    """Scaled features, shape (n, 8), and prices in 100,000 US dollars, shape (n, 1); float32."""

    x_train: Array
    y_train: Array
    x_valid: Array
    y_valid: Array
    x_test: Array
    y_test: Array


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one pass over the examples gave: the losses after it, its steps and their time."""

    number: int
    training: float
    validation: float
    steps: int
    seconds: float


def housing_data() -> Data:
    """California housing, split and scaled as the notebook does it, outliers clipped.

    Needs scikit-learn.
    """
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import StandardScaler

    housing = california_housing()
    x_full, x_test, y_full, y_test = train_test_split(
        housing.data, housing.target.reshape(-1, 1), random_state=42
    )
    x_train, x_valid, y_train, y_valid = train_test_split(x_full, y_full, random_state=42)
    scaler = StandardScaler().fit(x_train)
    features = [
        np.clip(scaler.transform(x), -LIMIT, LIMIT).astype(np.float32)
        for x in (x_train, x_valid, x_test)
    ]
    prices = [y.astype(np.float32) for y in (y_train, y_valid, y_test)]
    return Data(features[0], prices[0], features[1], prices[1], features[2], prices[2])


class Network:
    """Dense layers with ReLU between them.

    Parameters
    ----------
    sizes : of the layers, from the features to the prediction.
    rng : draws the first weights, normal with variance 2 / inputs (K. He et al., "Delving deep into
        rectifiers", ICCV 2015, equation 10).
    mean : the last bias at first; the mean of what is to be predicted saves the way to it.
    """

    def __init__(self, sizes: tuple[int, ...], rng: np.random.Generator, mean: float = 0.0) -> None:
        self.weights: list[Variable] = []
        self.biases: list[Variable] = []
        for inputs, outputs in pairwise(sizes):
            weight = rng.standard_normal((inputs, outputs)) * math.sqrt(2 / inputs)
            self.weights.append(Variable(weight, dtype=np.float32))
            self.biases.append(Variable(np.zeros(outputs), dtype=np.float32))
        self.biases[-1].assign(np.full(sizes[-1], mean))

    @property
    def variables(self) -> list[Variable]:
        """All that is trained."""
        return [*self.weights, *self.biases]

    def __call__(self, x: Any) -> Tensor:
        """Predict: shape (n, inputs) to shape (n, outputs)."""
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            x = np.maximum(x @ weight + bias, 0)
        prediction: Tensor = x @ self.weights[-1] + self.biases[-1]
        return prediction

    def predict(self, x: Array) -> Array:
        """Predict from bare arrays to bare arrays."""
        prediction: Array = self(constant(x)).numpy()
        return prediction

    def values(self) -> list[Array]:
        """A copy of the variables' values."""
        return [variable.numpy() for variable in self.variables]

    def restore(self, values: list[Array]) -> None:
        """Give the variables the values that `values` answered."""
        for variable, value in zip(self.variables, values, strict=True):
            variable.assign(value)


def mean_squared_error(prediction: Any, truth: Any) -> Any:
    """The mean over all entries of the squared difference."""
    error = prediction - truth
    return np.mean(error * error)


def learning_rate(done: float, highest: float) -> float:
    """The learning rate when the part `done`, in [0, 1], of the steps is done.

    Examples
    --------
    >>> [round(learning_rate(done, 1.0), 3) for done in (0.0, 0.025, 0.5, 1.0)]
    [0.0, 0.499, 0.5, 0.0]
    """
    return highest * min(1.0, done / WARM_UP) * 0.5 * (1.0 + math.cos(math.pi * done))


def train(
    network: Network, data: Data, settings: Settings, rng: np.random.Generator
) -> Iterator[Epoch]:
    """Train the network, an epoch with each step of the iterator.

    Raises
    ------
    FloatingPointError : the loss is no longer finite.
    """
    optimizer = Nadam(settings.learning_rate)

    def step(x: Array, y: Array) -> Tensor:
        return train_step(network, optimizer, x, y, settings)

    take = step if settings.engine is None else function(step, engine=settings.engine)
    examples = len(data.x_train)
    batch = min(settings.batch_size, examples)
    steps = math.ceil(examples / batch)
    for epoch in range(settings.epochs):
        start = time.perf_counter()
        order = rng.permutation(examples)
        for i in range(steps):
            done = (epoch * steps + i + 1) / (settings.epochs * steps + 1)
            optimizer.learning_rate = learning_rate(done, settings.learning_rate)
            rows = order[i * batch : (i + 1) * batch]
            take(data.x_train[rows], data.y_train[rows])
        seconds = time.perf_counter() - start
        training = float(mean_squared_error(network.predict(data.x_train), data.y_train))
        validation = float(mean_squared_error(network.predict(data.x_valid), data.y_valid))
        if not math.isfinite(training + validation):
            raise FloatingPointError(
                f"the loss is {training:g} after epoch {epoch + 1}: the steps are too long; "
                f"choose a learning rate below {settings.learning_rate:g}"
            )
        yield Epoch(epoch + 1, training, validation, steps, seconds)


def train_step(
    network: Network, optimizer: Nadam, x: Array, y: Array, settings: Settings
) -> Tensor:
    """One step down the gradient of a batch's loss; the loss before it is returned."""
    with GradientTape() as tape:
        loss: Tensor = mean_squared_error(network(x), y)
    variables = network.variables
    gradients = tape.gradient(loss, variables)
    optimizer.apply_gradients(zip(gradients, variables, strict=True))
    kept = 1.0 - optimizer.learning_rate * settings.weight_decay
    for weight in network.weights:
        weight.assign(weight * kept)
    return loss
