"""What compilers are timed on: whole steps with their gradients, and their first calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import workloads
from benchmarks.workloads import Value, Workload

__all__ = ["COMPILED"]

Data = Callable[[np.random.Generator], tuple[Value, ...]]


def _arrays(*shapes: tuple[int, ...], scale: float = 1.0, dtype: Any = np.float32) -> Data:
    def data(rng: np.random.Generator) -> tuple[Value, ...]:
        return tuple((scale * rng.standard_normal(shape)).astype(dtype) for shape in shapes)

    return data


def _doubles(*values: float) -> Data:
    def data(rng: np.random.Generator) -> tuple[Any, ...]:
        return tuple(np.float64(value) for value in values)

    return data


def _labelled(data: Data, classes: int) -> Data:
    """Data whose first array gets one-hot rows beside it."""

    def labelled(rng: np.random.Generator) -> tuple[Value, ...]:
        first, *rest = data(rng)
        labels = rng.integers(0, classes, first.shape[0])
        return first, np.eye(classes, dtype=np.float32)[labels], *rest

    return labelled


def _training(rows: int) -> Data:
    """The network's data and weights, and both moments of each weight."""
    network = workloads.network(rows)

    def data(rng: np.random.Generator) -> tuple[Value, ...]:
        given = network(rng)
        weights = given[2:]
        moments = [0.01 * rng.standard_normal(w.shape).astype(np.float32) for w in weights]
        return (*given, *moments, *[np.square(m) + np.float32(1e-3) for m in moments])

    return data


def _layers(rng: np.random.Generator) -> tuple[Value, ...]:
    """Inputs (1024, 784) and the weights of a 784-256-10 network."""
    x, w1, b1, w2, b2 = _arrays((1024, 784), (784, 256), (256,), (256, 10), (10,))(rng)
    return x, w1 / np.float32(28), b1, w2 / np.float32(16), b2


def _mixture(rng: np.random.Generator) -> tuple[Value, ...]:
    """Points, and the parameters of 50 components in 10 dimensions."""
    d, k, n = 10, 50, 1_000
    return _arrays((n, d), (k,), (k, d), (k, d), (k, d, d), scale=0.5)(rng)


_MILLION = "sum(log(exp(v) + 1)·sin(v)), 10⁶ elements"

COMPILED: tuple[Workload, ...] = (
    Workload(
        "f", "f(w1, w2) = 3·w1² + 2·w1·w2, both gradients", "notebook", workloads.scalars(5.0, 3.0)
    ),
    Workload(
        "network-32",
        "8-30-1 network, batch 32, loss and gradients",
        "network",
        workloads.network(32),
    ),
    Workload("adam-32", "8-30-1 network, batch 32, with an Adam update", "training", _training(32)),
    Workload("network-11610", "8-30-1 network, 11,610 rows", "network", workloads.network(11_610)),
    Workload("adam-11610", "8-30-1 network, 11,610 rows, with Adam", "training", _training(11_610)),
    Workload("elementwise-32", f"{_MILLION}, float32", "elementwise", _arrays((10**6,))),
    Workload(
        "elementwise-64",
        f"{_MILLION}, float64",
        "elementwise",
        _arrays((10**6,), dtype=np.float64),
        dtype="float64",
    ),
    Workload(
        "chain",
        "chain of 1,000 scalar operations",
        "chain",
        workloads.scalars(0.001, 1.0),
        rtol=1e-3,
        atol=1e-3,
    ),
    Workload(
        "chain-64",
        "chain of 1,000 scalar operations, float64",
        "chain",
        _doubles(0.001, 1.0),
        dtype="float64",
    ),
    Workload(
        "broadcast",
        "sum(tanh(x·w + b)²), 100,000×5, gradients of w, b",
        "broadcast",
        _arrays((100_000, 5), (5,), (5,)),
        rtol=1e-3,
    ),
    Workload(
        "reductions", "sums and maxima along axes, 1,000×500", "reductions", _arrays((1000, 500))
    ),
    Workload(
        "cross-entropy",
        "softmax cross-entropy, 1,024×1,000",
        "cross_entropy",
        _labelled(_arrays((1024, 1000)), 1000),
    ),
    Workload(
        "log-sum-exp", "log-sum-exp of rows, 1,024×1,000", "log_sum_exp", _arrays((1024, 1000))
    ),
    Workload(
        "classifier",
        "784-256-10 network, batch 1,024",
        "classifier",
        _labelled(_layers, 10),
        rtol=1e-3,
    ),
    Workload(
        "rosenbrock-1000",
        "Rosenbrock's function, 1,000 variables",
        "rosenbrock_gradient",
        _arrays((1000,)),
    ),
    Workload("mixture", "Gaussian mixture, d=10, k=50, n=1,000", "mixture", _mixture, rtol=1e-3),
)
