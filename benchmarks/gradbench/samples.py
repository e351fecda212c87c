"""Small inputs for every eval, as messages: to try the adapter without GradBench, to test it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

Inputs = Iterator[tuple[str, Any]]


def messages(names: Iterable[str], **runs: float) -> Iterator[str]:
    """A session's messages: each eval defined, its functions evaluated, and the end."""
    ids = itertools.count()
    yield json.dumps({"id": next(ids), "kind": "start", "eval": "sample"})
    for name in names:
        yield json.dumps({"id": next(ids), "kind": "define", "module": name})
        for function, given in INPUTS[name](np.random.default_rng(1)):
            asked = {**given, **runs} if runs and isinstance(given, dict) else given
            message = {"kind": "evaluate", "module": name, "function": function, "input": asked}
            yield json.dumps({"id": next(ids), **message})
    yield json.dumps({"id": next(ids), "kind": "end"})


def hello(rng: np.random.Generator) -> Inputs:
    yield from (("square", 3.0), ("double", 9.0))


def lse(rng: np.random.Generator) -> Inputs:
    return each(("primal", "gradient"), {"x": rng.standard_normal(1000).tolist()})


def llsq(rng: np.random.Generator) -> Inputs:
    return each(("primal", "gradient"), {"x": rng.random(16).tolist(), "n": 64})


def ode(rng: np.random.Generator) -> Inputs:
    return each(("primal", "gradient"), {"x": rng.random(20).tolist(), "s": 10})


def det(rng: np.random.Generator) -> Inputs:
    return each(("primal", "gradient"), {"A": rng.random(36).tolist(), "ell": 6})


def kmeans(rng: np.random.Generator) -> Inputs:
    points = rng.random((200, 3)).tolist()
    return each(("cost", "dir"), {"points": points, "centroids": points[-8:]})


def gmm(rng: np.random.Generator) -> Inputs:
    d, k, n = 3, 4, 50
    given = {
        "d": d, "k": k, "n": n, "gamma": 1.5, "m": 2,
        "x": rng.standard_normal((n, d)).tolist(),
        "alpha": rng.standard_normal(k).tolist(),
    }  # fmt: skip
    mu, q = rng.random((k, d)), rng.standard_normal((k, d))
    lower = rng.standard_normal((k, d * (d - 1) // 2))
    parts = {"mu": mu.tolist(), "q": q.tolist(), "l": lower.tolist()}
    yield from each(("objective", "jacobian"), given | parts)
    together = {"means": mu.tolist(), "icf": np.concatenate([q, lower], axis=1).tolist()}
    yield from each(("objective", "jacobian"), given | together)


def ba(rng: np.random.Generator) -> Inputs:
    given: dict[str, Any] = {
        "n": 3, "m": 5, "p": 20,
        "cam": [0.1, -0.2, 0.3, 0.5, 0.4, -0.3, 800.0, 320.0, 240.0, 0.01, -0.002],
        "x": [0.3, -0.4, 6.0], "w": 0.7, "feat": [330.0, 230.0],
    }  # fmt: skip
    yield from each(("objective", "jacobian"), given)
    upright = {**given, "cam": [0.0, 0.0, 0.0, *given["cam"][3:]]}
    yield from each(("objective", "jacobian"), upright)


def lstm(rng: np.random.Generator) -> Inputs:
    layers, size, times = 2, 5, 12
    given = {
        "main_params": rng.standard_normal((2 * layers, 4 * size)).tolist(),
        "extra_params": rng.standard_normal((3, size)).tolist(),
        "state": rng.standard_normal((2 * layers, size)).tolist(),
        "sequence": rng.integers(0, 2, (times, size)).tolist(),
    }
    return each(("objective", "jacobian"), given)


def ht(rng: np.random.Generator) -> Inputs:
    bones, vertices, points, triangles = 22, 30, 6, 12
    parents = [-1, *[0 if bone % 4 == 1 else bone - 1 for bone in range(1, bones)]]
    last = np.broadcast_to([0.0, 0, 0, 1], (bones, 1, 4))

    def transforms() -> Any:
        return np.concatenate([rng.standard_normal((bones, 3, 4)), last], axis=1).tolist()

    weights = rng.random((vertices, bones))
    model = {
        "bone_count": bones,
        "bone_names": [f"bone{i}" for i in range(bones)],
        "parents": parents,
        "base_relatives": transforms(),
        "inverse_base_absolutes": transforms(),
        "base_positions": np.pad(
            rng.standard_normal((vertices, 3)), ((0, 0), (0, 1)), constant_values=1.0
        ).tolist(),
        "weights": (weights / weights.sum(axis=1, keepdims=True)).tolist(),
        "triangles": rng.integers(0, vertices, (triangles, 3)).tolist(),
        "is_mirrored": True,
    }
    data = {
        "model": model,
        "correspondences": rng.integers(0, triangles, points).tolist(),
        "points": rng.standard_normal((points, 3)).tolist(),
    }
    given = {"theta": (0.3 * rng.standard_normal(26)).tolist(), "data": data}
    yield from each(("objective", "jacobian"), {**given, "us": []})
    us = rng.random((points, 2)).tolist()
    yield from each(("objective", "jacobian"), {**given, "us": us})


def particle(rng: np.random.Generator) -> Inputs:
    """Near the end of the descent; GradBench starts it at 0, where it takes 83 steps."""
    return each(("ff", "fr", "rf", "rr"), {"w": 0.20344})


def saddle(rng: np.random.Generator) -> Inputs:
    """Steps of the first rate are soon too short here; GradBench starts at (1, 1)."""
    return each(("ff", "fr", "rf", "rr"), {"start": [0.3, 0.40003]})


def each(functions: tuple[str, ...], given: dict[str, Any]) -> Inputs:
    """The same input for some functions."""
    return ((function, given) for function in functions)


INPUTS = {
    f.__name__: f for f in (ba, det, gmm, hello, ht, kmeans, llsq, lse, lstm, ode, particle, saddle)
}
