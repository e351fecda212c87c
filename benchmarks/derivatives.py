"""``python -m benchmarks.derivatives``: what larger derivatives cost beside smaller ones.

A sparse derivative whose pattern is found anew at each call, and with a kept one, beside the
function itself and, where JAX is installed, JAX's dense one; the Jacobian of two dense layers; a
Hessian-vector product beside the gradient of the same function. The programs of a row take turns;
the figures are medians.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any

import numpy as np

import gradtape as gt

try:
    import jax
except ImportError:
    jax = None
else:
    jax.config.update("jax_enable_x64", True)

Program = Callable[[], Any]


def elementwise(x: Any) -> Any:
    """A function whose Jacobian is diagonal."""
    return x * np.tanh(x)


def rosenbrock(x: Any) -> Any:
    """Rosenbrock's function of many variables: its Hessian has three diagonals."""
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def sparse(operator: Any, f: Any, x: Any) -> dict[str, Program]:
    """The function, and its derivative with the pattern found anew and with a kept one."""
    pattern = gt.sparsity(f, order=2 if operator is gt.hessian else 1)(x)
    anew, kept = operator(f, sparse=True), operator(f, sparse=True, sparsity=pattern)
    peers = dense("hessian" if operator is gt.hessian else "jacrev", of_jax(f), x)
    return {
        "the function": lambda: f(x),
        "pattern found anew": lambda: anew(x),
        "pattern kept": lambda: kept(x),
        **peers,
    }


def layers(size: int, rng: np.random.Generator) -> dict[str, Program]:
    """The Jacobian of two dense layers with tanh, in single precision."""
    x = rng.standard_normal(size).astype(np.float32)
    w1, w2 = (rng.standard_normal((size, size)).astype(np.float32) for _ in range(2))
    w1, w2 = w1 / size**0.5, w2 / size**0.5
    ours = gt.jacobian(lambda x: np.tanh(np.tanh(x @ w1) @ w2))
    programs: dict[str, Program] = {"gt.jacobian": lambda: ours(x)}
    if jax is not None:
        jnp = jax.numpy
        function = jax.jit(jax.jacrev(lambda x, w1, w2: jnp.tanh(jnp.tanh(x @ w1) @ w2)))
        arrays = [jnp.asarray(a) for a in (x, w1, w2)]
        programs["jax.jit of jacrev"] = lambda: function(*arrays).block_until_ready()
    return programs


def dense(derivative: str, f: Callable[[Any], Any], x: Any) -> dict[str, Program]:
    """JAX's dense derivative, as it is and compiled."""
    if jax is None:
        return {}
    function, point = getattr(jax, derivative)(f), jax.numpy.asarray(x)
    compiled = jax.jit(function)
    return {
        f"jax.{derivative}": lambda: function(point).block_until_ready(),
        f"jax.jit of {derivative}": lambda: compiled(point).block_until_ready(),
    }


def of_jax(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same function over JAX's namespace, which is looked up as ``np`` in it."""
    return FunctionType(f.__code__, {"np": jax.numpy}, f.__name__) if jax else f


def product(rng: np.random.Generator) -> dict[str, Program]:
    """The 8-30-1 network at batch 32: its gradient, and its Hessian times a vector."""
    x, target = rng.standard_normal((32, 8)), rng.standard_normal((32, 1))
    shapes = ((8, 30), (30,), (30, 1), (1,))
    weights, direction = ([rng.standard_normal(s) for s in shapes] for _ in range(2))

    def loss(weights: Any) -> Any:
        w1, b1, w2, b2 = weights
        return np.mean((np.maximum(x @ w1 + b1, 0) @ w2 + b2 - target) ** 2)

    gradient, times = gt.grad(loss), gt.hvp(loss)
    return {"gt.grad": lambda: gradient(weights), "gt.hvp": lambda: times(weights, direction)}


def rows(smoke: bool) -> dict[str, dict[str, Program]]:
    """All programs, by what they compute; the first of each is what the others are compared to."""
    rng = np.random.default_rng(0)
    few, many = (20, 40) if smoke else (200, 2_000)
    entries, size = (100, 10) if smoke else (1_000, 300)
    return {
        f"Jacobian of {entries:,} entries": sparse(
            gt.jacobian, elementwise, rng.standard_normal(entries)
        ),
        f"Rosenbrock's Hessian, {few:,} variables": sparse(
            gt.hessian, rosenbrock, rng.standard_normal(few)
        ),
        f"Rosenbrock's Hessian, {many:,} variables": sparse(
            gt.hessian, rosenbrock, rng.standard_normal(many)
        ),
        f"Jacobian of two layers, {size}×{size}": layers(size, rng),
        "the network, batch 32": product(rng),
    }


def medians(programs: dict[str, Program], rounds: int, calls: int) -> dict[str, float]:
    """Seconds per call of each program; they take turns."""
    samples: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(rounds + 1):  # the first is a warm-up
        for name, program in programs.items():
            start = time.perf_counter()
            for _ in range(calls):
                program()
            samples[name].append((time.perf_counter() - start) / calls)
    return {name: statistics.median(times[1:]) for name, times in samples.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.derivatives", description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="small, once: only that it runs")
    smoke = parser.parse_args(arguments).smoke
    rounds, calls = (1, 1) if smoke else (30, 5)
    print("| work | program | µs | ratio |\n|---|---|---:|---:|")
    for work, programs in rows(smoke).items():
        times = medians(programs, rounds, calls)
        first = next(iter(times.values()))
        for name, seconds in times.items():
            print(f"| {work} | {name} | {seconds * 1e6:,.0f} | {seconds / first:.1f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
