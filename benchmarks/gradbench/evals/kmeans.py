"""kmeans: the sum of the points' squared distances to their nearest centroids, and a Newton step.

After L. Bottou and Y. Bengio, "Convergence properties of the K-means algorithms", NIPS 1994. The
Hessian is diagonal, so its product with ones is its diagonal: one pass forward over the gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import gradtape as gt
from benchmarks.gradbench.inputs import Input, Prepared

#: The distances that are looked at together: what fits into a cache.
BLOCK = 2**18


def nearest(points: Any, centroids: Any) -> Any:
    """The number of each point's nearest centroid; |p|^2 is the same for all."""
    squares = np.sum(centroids * centroids, axis=1)
    rows = max(1, BLOCK // centroids.shape[0])
    return np.concatenate(
        [
            np.argmin(squares - 2 * (points[i : i + rows] @ centroids.T), axis=1)
            for i in range(0, points.shape[0], rows)
        ]
    )


def cost(points: Any) -> Callable[[Any], Any]:
    """The cost as a function of the centroids.

    A minimum has the derivative of the term that it is, so that only that one is recorded.
    """

    def of_centroids(centroids: Any) -> Any:
        away = points - centroids[nearest(points, gt.stop_gradient(centroids))]
        return np.sum(away * away)

    return of_centroids


def given_to(given: Any) -> tuple[Callable[[Any], Any], Any]:
    fields = Input(given)
    points = fields.array("points", None, None)
    return cost(points), fields.array("centroids", None, points.shape[1])


def prepare_cost(given: Any, compiled: Any) -> Prepared:
    f, centroids = given_to(given)
    return Prepared(compiled(f), (centroids,))


def prepare_dir(given: Any, compiled: Any) -> Prepared:
    f, centroids = given_to(given)
    gradient, ones = gt.grad(f), np.ones(centroids.shape)

    def direction(centroids: Any) -> Any:
        slope, curvature = gt.jvp(gradient)(centroids, ones)
        return slope / curvature

    return Prepared(compiled(direction), (centroids,))


FUNCTIONS = {"cost": prepare_cost, "dir": prepare_dir}
