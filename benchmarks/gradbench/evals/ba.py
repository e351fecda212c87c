"""ba: bundle adjustment's residuals, and their sparse Jacobian.

After F. Srajer, Z. Kukelova and A. Fitzgibbon (see gmm). A camera is [rotation vector 3, centre 3,
focal length, principal point 2, radial distortion 2], and an observation is one camera, one point
and one weight. The input is one of each, to be repeated as if they were n cameras, m points and p
observations that differ.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import gradtape as gt
from benchmarks.bundle import CAMERA
from benchmarks.gradbench.inputs import Array, Input, Prepared

#: What the residuals of an observation depend on: a camera, a point and a weight.
OF_ONE = CAMERA + 3 + 1


class Problem:
    """n cameras, m points and p observations."""

    def __init__(self, given: Any) -> None:
        fields = Input(given)
        self.n, self.m, self.p = (fields.count(name, 1) for name in ("n", "m", "p"))
        self.cameras = np.tile(fields.array("cam", CAMERA), (self.n, 1))
        self.points = np.tile(fields.array("x", 3), (self.m, 1))
        self.weights = np.full(self.p, fields.number("w"))
        self.features = np.tile(fields.array("feat", 2), (self.p, 1))
        self.camera, self.point = np.arange(self.p) % self.n, np.arange(self.p) % self.m

    def observed(self, cameras: Any, points: Any, weights: Any) -> Any:
        """What each observation depends on: a row of 15 for each."""
        return np.concatenate([cameras[self.camera], points[self.point], weights[:, None]], axis=1)


def rotated(x: Any, r: Any) -> Any:
    """Rodrigues' formula for many points and rotation vectors, which may be 0."""
    square = np.sum(r * r, axis=1, keepdims=True)
    turned = square != 0
    angle = np.sqrt(np.where(turned, square, 1))
    axis = r / angle
    cosine = np.cos(angle)
    along = np.sum(axis * x, axis=1, keepdims=True) * (1 - cosine)
    full = x * cosine + np.cross(axis, x) * np.sin(angle) + axis * along
    return np.where(turned, full, x + np.cross(r, x))


def reprojection(observed: Any, features: Array) -> Any:
    """How far from where they were seen the points are projected, weighted: two for each."""
    seen = rotated(observed[:, CAMERA : CAMERA + 3] - observed[:, 3:6], observed[:, :3])
    flat = seen[:, :2] / seen[:, 2:]
    square = np.sum(flat * flat, axis=1, keepdims=True)
    bent = flat * (1 + observed[:, 9:10] * square + observed[:, 10:11] * square * square)
    there = bent * observed[:, 6:7] + observed[:, 7:9]
    return observed[:, -1:] * (there - features)


def weighting(weights: Any) -> Any:
    """How far the weights are from 1."""
    return 1 - weights * weights


def sparse(problem: Problem, blocks: Any, slopes: Any) -> tuple[Any, Any, Any]:
    """The rows' starts, columns and values of the Jacobian, row after row."""
    n, m, p = problem.n, problem.m, problem.p
    columns = np.concatenate(
        [
            CAMERA * problem.camera[:, None] + np.arange(CAMERA),
            CAMERA * n + 3 * problem.point[:, None] + np.arange(3),
            CAMERA * n + 3 * m + np.arange(p)[:, None],
        ],
        axis=1,
    )
    starts = np.concatenate([np.arange(2 * p) * OF_ONE, 2 * p * OF_ONE + np.arange(p + 1)])
    both = np.concatenate([np.repeat(columns, 2, axis=0), columns[:, -1]], axis=None)
    return starts, both, np.concatenate([blocks, slopes], axis=None)


def prepare_objective(given: Any, compiled: Any) -> Prepared:
    problem = Problem(given)

    def residuals(cameras: Any, points: Any, weights: Any) -> Any:
        observed = problem.observed(cameras, points, weights)
        return reprojection(observed, problem.features), weighting(weights)

    def told(errors: Any) -> Any:
        reprojected, weighted = errors
        return {
            "reproj_error": {"elements": reprojected[0], "repeated": problem.p},
            "w_err": {"element": weighted[0], "repeated": problem.p},
        }

    return Prepared(compiled(residuals), arguments(problem), told)


def prepare_jacobian(given: Any, compiled: Any) -> Prepared:
    problem = Problem(given)

    def jacobian(cameras: Any, points: Any, weights: Any) -> Any:
        observed = gt.constant(problem.observed(cameras, points, weights))
        with gt.GradientTape() as tape:
            tape.watch(observed)
            errors = reprojection(observed, problem.features)
        blocks = tape.batch_jacobian(errors, observed)  # no two observations share a row
        slopes = gt.grad(lambda w: np.sum(weighting(w)))(weights)
        return sparse(problem, blocks.numpy(), slopes)

    def told(matrix: Any) -> Any:
        """The first observation's entries and the very last one: all others are the same."""
        named = zip(("rows", "cols", "vals"), matrix, strict=True)
        return {name: [*a[: 2 * OF_ONE], a[-1]] for name, a in named}

    return Prepared(compiled(jacobian), arguments(problem), told)


def arguments(problem: Problem) -> tuple[Array, Array, Array]:
    return problem.cameras, problem.points, problem.weights


FUNCTIONS = {"objective": prepare_objective, "jacobian": prepare_jacobian}
