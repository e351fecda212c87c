"""Central differences with step control, and nests of random arrays, for the operators' tests."""

from collections.abc import Callable
from typing import Any

import numpy as np

from gradtape.nest import flatten, map_structure


def along(f: Callable[[Any], Any], x: Any, v: Any) -> Any:
    """The derivative of f at x along v: Ridders' extrapolation of central differences.

    C. Ridders, "Accurate computation of F'(x) and F'(x)F''(x)", Advances in Engineering Software 4
    (1982): halved steps, extrapolated, the entry with the smallest change taken.
    """
    x, v = np.asarray(x), np.asarray(v)
    table: list[list[Any]] = []
    best, smallest = None, np.inf
    for i in range(8):
        h = 0.05 / 1.6**i
        row = [(np.asarray(f(x + h * v)) - np.asarray(f(x - h * v))) / (2 * h)]
        for j in range(i):
            factor = 1.6 ** (2 * (j + 1))
            row.append((factor * row[j] - table[i - 1][j]) / (factor - 1))
            error = np.max(
                np.maximum(np.abs(row[-1] - row[-2]), np.abs(row[-1] - table[i - 1][j])), initial=0
            )
            if error < smallest:
                best, smallest = row[-1], error
        table.append(row)
    return best


def jacobian(f: Callable[[Any], Any], x: Any) -> Any:
    """The Jacobian of f at a real array x, of shape ``f(x).shape + x.shape``."""
    x = np.asarray(x)
    columns = [along(f, x, unit.reshape(x.shape)) for unit in np.eye(x.size)]
    return np.moveaxis(np.array(columns), 0, -1).reshape(np.shape(f(x)) + x.shape)


def same(a: Any, b: Any, **tolerances: Any) -> bool:
    """Whether two nests hold the same numbers."""
    tolerances = {"rtol": 1e-9, "atol": 1e-9} | tolerances
    pairs = list(zip(flatten(a), flatten(b), strict=True))
    return all([np.shape(s) == np.shape(t) and np.allclose(s, t, **tolerances) for s, t in pairs])


def like(nest: Any, seed: int = 1) -> Any:
    """A nest of random numbers of the same shapes and dtypes."""
    rng = np.random.default_rng(seed)

    def draw(leaf: Any) -> Any:
        leaf = np.asarray(leaf)
        drawn = rng.standard_normal(leaf.shape)
        if leaf.dtype.kind == "c":
            drawn = drawn + 1j * rng.standard_normal(leaf.shape)
        return drawn.astype(leaf.dtype)[()]

    return map_structure(draw, nest)
