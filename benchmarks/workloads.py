"""What is timed: the name of each workload, its data, and how closely the answers must agree.

A workload names a *function*, and each module of :mod:`benchmarks.peers` writes that function in
its own library. To add a workload: add a line to ``WORKLOADS`` and a function of that name to each
peer, or to its ``CANNOT`` the reason why it has none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Scalar = np.float32
Value = Array | Scalar

# One timed call: computes values and gradients from scratch, in the library's own types.
Step = Callable[[], tuple[Any, ...]]

CHAIN_ROUNDS = 250  # of four operations each: a chain of 1,000


@dataclass(frozen=True)
class Workload:
    """One row of the table.

    Parameters
    ----------
    name : str
        What ``--only`` takes.
    title : str
        What the table shows.
    function : str
        The function to look up in each peer; two workloads may share one, with other data.
    data : callable
        Makes the function's arguments, float32 scalars and arrays, from a random generator.
    rtol, atol : float
        How closely every peer must agree with hand-written NumPy before anything is timed.
        ``atol`` is relative to the largest entry of the output.
    smoke : bool
        Whether ``--smoke`` includes it.
    dtype : str
        Of every output.
    """

    name: str
    title: str
    function: str
    data: Callable[[np.random.Generator], tuple[Value, ...]]
    rtol: float = 1e-4
    atol: float = 1e-5
    smoke: bool = True
    dtype: str = "float32"


def scalars(*values: float) -> Callable[[np.random.Generator], tuple[Value, ...]]:
    """Make float32 scalars."""

    def data(rng: np.random.Generator) -> tuple[Value, ...]:
        return tuple(np.float32(value) for value in values)

    return data


def network(rows: int) -> Callable[[np.random.Generator], tuple[Value, ...]]:
    """Make the data and weights of an 8-30-1 network."""

    def normal(rng: np.random.Generator, scale: float, *shape: int) -> Array:
        return (scale * rng.standard_normal(shape)).astype(np.float32)

    def data(rng: np.random.Generator) -> tuple[Value, ...]:
        """Make x (rows, 8), target (rows, 1), w1 (8, 30), b1 (30,), w2 (30, 1), b2 (1,)."""
        return (
            normal(rng, 1.0, rows, 8),
            normal(rng, 1.0, rows, 1),
            normal(rng, 0.5, 8, 30),
            normal(rng, 0.1, 30),
            normal(rng, 0.2, 30, 1),
            normal(rng, 0.1, 1),
        )

    return data


def _direction(rows: int) -> Callable[[np.random.Generator], tuple[Value, ...]]:
    def data(rng: np.random.Generator) -> tuple[Value, ...]:
        """Make the network's data and parameters, and a direction for each of its parameters."""
        return (*network(rows)(rng), *network(rows)(rng)[2:])

    return data


def _layers(size: int) -> Callable[[np.random.Generator], tuple[Value, ...]]:
    def data(rng: np.random.Generator) -> tuple[Value, ...]:
        """Make x (size,) and two square matrices that keep the size of what they act on."""
        matrices = rng.standard_normal((2, size, size)) / np.sqrt(size)
        x = rng.standard_normal(size)
        return (x.astype(np.float32), *matrices.astype(np.float32))

    return data


def _array(*shape: int) -> Callable[[np.random.Generator], tuple[Value, ...]]:
    def data(rng: np.random.Generator) -> tuple[Value, ...]:
        return (rng.standard_normal(shape).astype(np.float32),)

    return data


WORKLOADS: tuple[Workload, ...] = (
    Workload("f", "f(w1, w2) = 3·w1² + 2·w1·w2, both gradients", "notebook", scalars(5.0, 3.0)),
    # Here the chain's derivative neither dies nor explodes: float32 answers can be compared.
    Workload(
        "chain",
        "chain of 1,000 scalar operations",
        "chain",
        scalars(0.001, 1.0),
        rtol=1e-3,
        atol=1e-3,
    ),
    Workload(
        "network-32", "8-30-1 network, batch 32, loss and 4 gradients", "network", network(32)
    ),
    Workload("network-11610", "8-30-1 network, 11,610 rows", "network", network(11_610)),
    Workload(
        "elementwise", "sum(log(exp(v) + 1)·sin(v)), 10⁶ elements", "elementwise", _array(10**6)
    ),
    Workload("hessian", "2×2 Hessian of f, nested", "hessian", scalars(5.0, 3.0)),
    Workload("jacobian-2", "Jacobian of x³, 2×2 (2×2×2×2)", "jacobian", _array(2, 2)),
    Workload(
        "jacobian-100",
        "Jacobian of x³, 100×100 (10⁸ entries)",
        "jacobian",
        _array(100, 100),
        smoke=False,
    ),
    Workload(
        "diagonal",
        "Jacobian of x·tanh(x), 1,000 entries (gradtape: sparse)",
        "diagonal",
        _array(1000),
    ),
    Workload("layers", "300×300 Jacobian of two dense layers", "layers", _layers(300)),
    Workload(
        "hvp", "Hessian-vector product of the network, batch 32", "hvp", _direction(32), atol=1e-4
    ),
    Workload(
        "rosenbrock",
        "Hessian of Rosenbrock's function, 200 variables (gradtape: sparse)",
        "rosenbrock",
        _array(200),
    ),
)
