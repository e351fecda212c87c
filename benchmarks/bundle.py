"""``python -m benchmarks.bundle``: the sparse Jacobian of bundle adjustment, from small to large.

The residuals are those of the benchmark of F. Srajer, Z. Kukelova and A. Fitzgibbon, "A benchmark
of selected algorithmic differentiation tools on some problems in computer vision and machine
learning", Optimization Methods and Software 33 (2018): cameras of 11 parameters see points of 3,
each observation has a weight, and its three residuals have 31 derivatives that are not zero by
structure. So the time should grow as the number of observations does: as it is, and under
``gt.function`` (by LLVM, where that is installed).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np

import gradtape as gt

OBSERVATIONS = (1_000, 10_000, 100_000)
#: Observations to a camera, and to a point, as in the benchmark's first problem.
TO_A_CAMERA, TO_A_POINT = 650, 4
CAMERA = 11


def rotated(x: Any, r: Any) -> Any:
    """Rodrigues' formula for many points and as many rotation vectors."""
    square = np.sum(r * r, axis=1, keepdims=True)
    angle = np.sqrt(square)
    axis = r / angle
    along = np.sum(axis * x, axis=1, keepdims=True)
    cosine = np.cos(angle)
    return x * cosine + np.cross(axis, x) * np.sin(angle) + axis * along * (1 - cosine)


def projected(cameras: Any, points: Any) -> Any:
    """Where the cameras see the points: one row of each for an observation."""
    seen = rotated(points - cameras[:, 3:6], cameras[:, :3])
    flat = seen[:, :2] / seen[:, 2:]
    square = np.sum(flat * flat, axis=1, keepdims=True)
    bent = flat * (1 + cameras[:, 9:10] * square + cameras[:, 10:11] * square * square)
    return bent * cameras[:, 6:7] + cameras[:, 7:9]


def problem(count: int, seed: int = 0) -> tuple[Callable[[Any], Any], np.ndarray[Any, Any]]:
    """The residuals of a number of observations as a function of one vector, and a start."""
    rng = np.random.default_rng(seed)
    cameras, points = max(2, count // TO_A_CAMERA), max(4, count // TO_A_POINT)
    camera = rng.integers(0, cameras, count)
    point = np.arange(count) % points
    features = rng.standard_normal((count, 2))
    split = CAMERA * cameras, CAMERA * cameras + 3 * points

    def residuals(x: Any) -> Any:
        c = x[: split[0]].reshape(cameras, CAMERA)[camera]
        p = x[split[0] : split[1]].reshape(points, 3)[point]
        w = x[split[1] :]
        errors = w[:, None] * (projected(c, p) - features)
        return np.concatenate([errors.reshape(-1), 1 - w * w])

    upright = np.array([0.1] * 3 + [0] * 3 + [1] + [0] * 4)
    away = np.array([0, 0, 8])
    start = np.concatenate(
        [
            upright + rng.standard_normal((cameras, CAMERA)) * 0.1,
            away + rng.standard_normal((points, 3)),
            rng.uniform(0.5, 1.5, (count, 1)),
        ],
        axis=None,
    )
    return residuals, start


def best(function: Callable[[], Any], times: int) -> tuple[float, Any]:
    """The shortest of a number of runs, in seconds, and the result."""
    shortest, result = float("inf"), None
    for _ in range(times):
        start = time.perf_counter()
        result = function()
        shortest = min(shortest, time.perf_counter() - start)
    return shortest, result


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table with a line for each number of observations."""
    command = argparse.ArgumentParser(prog="python -m benchmarks.bundle", description=__doc__)
    command.add_argument("--times", type=int, default=3, help="runs of which the best counts")
    command.add_argument("--only", type=int, help="one number of observations alone")
    options = command.parse_args(arguments)
    print(
        "| observations | unknowns | entries | colours | residuals, ms | pattern and colours, ms "
        "| Jacobian, ms | µs an observation | gt.function, ms | µs an observation |\n"
        + "|---:" * 10
        + "|"
    )
    engine = "llvm" if find_spec("llvmlite") else "numpy"
    for count in OBSERVATIONS if options.only is None else (options.only,):
        residuals, x = problem(count)
        value, _ = best(lambda f=residuals, x=x: f(x), options.times)  # type: ignore[misc]
        found, kept = best(lambda f=residuals, x=x: gt.sparsity(f)(x), options.times)  # type: ignore[misc]
        function = gt.jacobian(residuals, sparse=True, sparsity=kept)
        traced = gt.function(function, engine=engine)
        traced(x)
        compiled, _ = best(lambda f=traced, x=x: f(x), options.times)  # type: ignore[misc]
        taken, matrix = best(lambda f=function, x=x: f(x), options.times)  # type: ignore[misc]
        print(
            f"| {count:,} | {x.size:,} | {matrix.nnz:,} | {kept.colors} | {value * 1e3:,.1f} "
            f"| {found * 1e3:,.0f} | {taken * 1e3:,.1f} | {taken / count * 1e6:.1f} "
            f"| {compiled * 1e3:,.2f} | {compiled / count * 1e6:.2f} |"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
