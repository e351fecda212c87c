"""gmm: the log posterior of a Gaussian mixture, and its gradient.

After F. Srajer, Z. Kukelova and A. Fitzgibbon, "A benchmark of selected algorithmic differentiation
tools on some problems in computer vision and machine learning", Optimization Methods and Software
33 (2018): k components in d dimensions with weights softmax(alpha), means mu, and inverse
covariances Q^T Q. Q is lower triangular, with exp(q) on its diagonal and l, column after column,
below it. The prior of Q^T Q is Wishart's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import multigammaln

import gradtape as gt
from benchmarks.gradbench.evals.lse import logsumexp
from benchmarks.gradbench.inputs import Array, Input, Prepared


def factors(d: int) -> Callable[[Any, Any], Any]:
    """What makes the k x d x d factors Q of exp(q) and l."""
    column, row = np.triu_indices(d, 1)  # those of a transposed matrix go column after column
    place = np.full((d, d), d + len(row))  # where there is a zero
    place[np.arange(d), np.arange(d)] = np.arange(d)
    place[row, column] = d + np.arange(len(row))

    def make(diagonal: Any, lower: Any) -> Any:
        zero = np.zeros((diagonal.shape[0], 1))
        return np.concatenate([diagonal, lower, zero], axis=1)[:, place]

    return make


def posterior(x: Array, gamma: float, m: int) -> Callable[..., Any]:
    """The log posterior as a function of alpha, mu, q and l."""
    n, d = x.shape
    degrees = d + m + 1
    make = factors(d)

    def log_posterior(alpha: Any, mu: Any, q: Any, l: Any) -> Any:  # noqa: E741
        k = alpha.shape[0]
        diagonal, log_det = np.exp(q), np.sum(q, axis=1)
        factor = make(diagonal, l)
        centres = np.sum(factor * mu[:, None, :], axis=2)
        away = (x @ factor.reshape(k * d, d).T).reshape(n, k, d) - centres
        terms = alpha + log_det - 0.5 * np.sum(away * away, axis=2)
        likelihood = np.sum(logsumexp(terms)) - n * logsumexp(alpha)
        size = np.sum(diagonal * diagonal) + np.sum(l * l)
        prior = m * np.sum(log_det) - 0.5 * gamma * gamma * size
        return likelihood + prior + constant(k)

    def constant(k: int) -> float:
        """What of the posterior does not depend on the parameters."""
        each = degrees * d * (np.log(gamma) - 0.5 * np.log(2)) - multigammaln(0.5 * degrees, d)
        return float(k * each - 0.5 * n * d * np.log(2 * np.pi))

    return log_posterior


def given_to(given: Any) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """The function and its arguments, from either form of the input."""
    fields = Input(given)
    d, k, n = fields.count("d", 1), fields.count("k", 1), fields.count("n", 1)
    lower = d * (d - 1) // 2
    if "icf" in fields:  # q and l together
        icf = fields.array("icf", k, d + lower)
        mu, q, l = fields.array("means", k, d), icf[:, :d], icf[:, d:]  # noqa: E741
    else:
        mu, q = fields.array("mu", k, d), fields.array("q", k, d)
        l = fields.array("l", k, lower)  # noqa: E741
    f = posterior(fields.array("x", n, d), fields.number("gamma"), fields.count("m"))
    return f, (fields.array("alpha", k), mu, q, l)


def prepare_objective(given: Any, compiled: Any) -> Prepared:
    f, parameters = given_to(given)
    return Prepared(compiled(f), parameters)


def prepare_jacobian(given: Any, compiled: Any) -> Prepared:
    f, parameters = given_to(given)
    gradient = compiled(gt.grad(f, argnums=(0, 1, 2, 3)))
    return Prepared(gradient, parameters, one_vector if "icf" in given else by_name)


def by_name(gradients: Any) -> dict[str, Any]:
    return dict(zip(("alpha", "mu", "q", "l"), gradients, strict=True))


def one_vector(gradients: Any) -> Any:
    alpha, mu, q, l = gradients  # noqa: E741
    return np.concatenate([alpha, mu, np.concatenate([q, l], axis=1)], axis=None)


FUNCTIONS = {"objective": prepare_objective, "jacobian": prepare_jacobian}
