"""What the compiled workloads compute, written once for NumPy and for what is called like it."""

from __future__ import annotations

from typing import Any

from benchmarks.workloads import CHAIN_ROUNDS

__all__ = [
    *("adam", "broadcast", "chain", "classifier", "cross_entropy", "elementwise", "log_sum_exp"),
    *("mixture", "network", "notebook", "reductions", "rosenbrock"),
]


def notebook(np: Any, w1: Any, w2: Any) -> Any:
    return 3 * w1**2 + 2 * w1 * w2


def chain(np: Any, x: Any, w: Any) -> Any:
    y = x
    for _ in range(CHAIN_ROUNDS):
        y = np.sin(y * w + x) * w
    return y


def network(np: Any, weights: Any, x: Any, target: Any) -> Any:
    w1, b1, w2, b2 = weights
    hidden = np.maximum(x @ w1 + b1, 0)
    return np.mean((hidden @ w2 + b2 - target) ** 2)


def adam(np: Any, step: Any, weights: Any, first: Any, second: Any, gradients: Any) -> Any:
    """The weights and both moments after a step of Adam."""
    ours = []
    for w, m, v, g in zip(weights, first, second, gradients, strict=True):
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g * g
        rate = 0.001 * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        ours.append((w - rate * m / (np.sqrt(v) + 1e-7), m, v))
    return [list(column) for column in zip(*ours, strict=True)]


def elementwise(np: Any, v: Any) -> Any:
    return np.sum(np.log(np.exp(v) + 1) * np.sin(v))


def broadcast(np: Any, weights: Any, x: Any) -> Any:
    w, b = weights
    return np.sum(np.tanh(x * w + b) ** 2)


def reductions(np: Any, x: Any) -> Any:
    squares = x * x
    columns = np.sum(squares, axis=0)
    rows = np.max(x, axis=1)
    return np.sum(np.sqrt(1 + columns)) + np.sum(np.exp(rows)) + np.mean(squares)


def log_sum_exp(np: Any, x: Any) -> Any:
    """Of each row, shifted by its largest entry."""
    largest = np.max(x, axis=1, keepdims=True)
    return np.log(np.sum(np.exp(x - largest), axis=1)) + largest[:, 0]


def cross_entropy(np: Any, logits: Any, labels: Any) -> Any:
    """The mean over the rows, of classes given as one-hot rows."""
    return np.mean(log_sum_exp(np, logits) - np.sum(logits * labels, axis=1))


def classifier(np: Any, weights: Any, x: Any, labels: Any) -> Any:
    w1, b1, w2, b2 = weights
    return cross_entropy(np, np.maximum(x @ w1 + b1, 0) @ w2 + b2, labels)


def rosenbrock(np: Any, x: Any) -> Any:
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def mixture(np: Any, parameters: Any, x: Any) -> Any:
    """The log-likelihood of a Gaussian mixture, its covariances by their inverses' factors.

    As in F. Srajer, Z. Kukelova and A. Fitzgibbon, "A benchmark of selected algorithmic
    differentiation tools on some problems in computer vision and machine learning", Optimization
    Methods and Software 33 (2018), without the prior.
    """
    alphas, means, logarithms, lower = parameters
    centred = x - means[:, None, :]
    scaled = np.exp(logarithms)[:, None, :] * centred
    turned = np.matmul(centred, np.transpose(np.tril(lower, -1), (0, 2, 1)))
    squares = np.sum((scaled + turned) ** 2, axis=2)
    each = (alphas + np.sum(logarithms, axis=1))[:, None] - 0.5 * squares
    whole = log_sum_exp(np, np.transpose(each))
    return np.sum(whole) - x.shape[0] * log_sum_exp(np, alphas[None, :])[0]
