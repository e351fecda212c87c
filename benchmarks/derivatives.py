"""``python -m benchmarks.derivatives``: what larger derivatives cost beside smaller ones.

A sparse derivative whose pattern is found anew at each call, with a kept one, and compiled, beside
the function itself and, where JAX is installed, JAX's dense one; the Jacobian of two dense layers;
a Hessian-vector product beside the gradient of the same function. All of a work's programs take
turns; the figures are medians and shortest times, and the ratio is that of a median to the median
of the program whose ratio is 1.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np

import gradtape as gt

try:
    import jax
except ImportError:
    jax = None
else:
    jax.config.update("jax_enable_x64", True)

Program = Callable[[], Any]

#: Seconds from which a program is slow.
SLOW = 0.05

ENGINES = ("numpy", "llvm") if find_spec("llvmlite") else ("numpy",)


class Work(NamedTuple):
    """Programs that compute the same, by their names, and the one that they are compared to."""

    programs: dict[str, Program]
    reference: str


def elementwise(x: Any) -> Any:
    """A function whose Jacobian is diagonal."""
    return x * np.tanh(x)


def rosenbrock(x: Any) -> Any:
    """Rosenbrock's function of many variables: its Hessian has three diagonals."""
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def sparse(operator: Any, f: Any, x: Any) -> Work:
    """The function, and its derivative: found anew, with a kept pattern, compiled, and by JAX."""
    pattern = gt.sparsity(f, order=2 if operator is gt.hessian else 1)(x)
    anew, kept = operator(f, sparse=True), operator(f, sparse=True, sparsity=pattern)
    programs: dict[str, Program] = {
        "the function in NumPy": lambda: f(x),
        "sparse, pattern found anew": lambda: anew(x),
        "sparse, pattern kept": lambda: kept(x),
    }
    for engine in ENGINES:
        programs[f"sparse, gt.function ({engine})"] = partial(gt.function(kept, engine=engine), x)
    peers = dense("hessian" if operator is gt.hessian else "jacrev", of_jax(f), x)
    return Work({**programs, **peers}, [*programs, *peers][-1] if peers else next(iter(programs)))


def layers(size: int, rng: np.random.Generator) -> Work:
    """The Jacobian of two dense layers with tanh, in single precision."""
    x = rng.standard_normal(size).astype(np.float32)
    w1, w2 = (rng.standard_normal((size, size)).astype(np.float32) for _ in range(2))
    w1, w2 = w1 / size**0.5, w2 / size**0.5
    ours = gt.jacobian(lambda x: np.tanh(np.tanh(x @ w1) @ w2))
    programs: dict[str, Program] = {"gt.jacobian": lambda: ours(x)}
    for engine in ENGINES:
        programs[f"gt.function ({engine})"] = partial(gt.function(ours, engine=engine), x)
    if jax is not None:
        jnp = jax.numpy
        function = jax.jit(jax.jacrev(lambda x, w1, w2: jnp.tanh(jnp.tanh(x @ w1) @ w2)))
        arrays = [jnp.asarray(a) for a in (x, w1, w2)]
        programs["jax.jit of jacrev"] = lambda: function(*arrays).block_until_ready()
    return Work(programs, list(programs)[-1])


def dense(derivative: str, f: Callable[[Any], Any], x: Any) -> dict[str, Program]:
    """JAX's dense derivative, as it is and compiled."""
    if jax is None:
        return {}
    function, point = getattr(jax, derivative)(f), jax.numpy.asarray(x)
    compiled = jax.jit(function)
    return {
        f"jax.{derivative}, dense": lambda: function(point).block_until_ready(),
        f"jax.jit of {derivative}, dense": lambda: compiled(point).block_until_ready(),
    }


def of_jax(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same function over JAX's namespace, which is looked up as ``np`` in it."""
    return FunctionType(f.__code__, {"np": jax.numpy}, f.__name__) if jax else f


def product(rng: np.random.Generator) -> Work:
    """The 8-30-1 network at batch 32: its gradient, and its Hessian times a vector."""
    x, target = rng.standard_normal((32, 8)), rng.standard_normal((32, 1))
    shapes = ((8, 30), (30,), (30, 1), (1,))
    weights, direction = ([rng.standard_normal(s) for s in shapes] for _ in range(2))

    def loss(weights: Any) -> Any:
        w1, b1, w2, b2 = weights
        return np.mean((np.maximum(x @ w1 + b1, 0) @ w2 + b2 - target) ** 2)

    gradient, times = gt.grad(loss), gt.hvp(loss)
    programs: dict[str, Program] = {
        "gt.grad": lambda: gradient(weights),
        "gt.hvp": lambda: times(weights, direction),
    }
    for engine in ENGINES:
        traced = gt.function(times, engine=engine)
        programs[f"gt.function of gt.hvp ({engine})"] = partial(traced, weights, direction)
    return Work(programs, "gt.grad")


def rows(smoke: bool) -> dict[str, Work]:
    """All work, by what it computes."""
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


def timed(programs: dict[str, Program], rounds: int, calls: int) -> dict[str, list[float]]:
    """Seconds per call of each program in each round; they take turns.

    Slow ones are called once a round.
    """
    for program in programs.values():
        program()  # what is compiled is compiled now
    once = {name: per_call(program, 1) for name, program in programs.items()}
    samples: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(rounds):
        for name, program in programs.items():
            samples[name].append(per_call(program, calls if once[name] < SLOW else 1))
    return samples


def per_call(program: Program, calls: int) -> float:
    """Seconds of one call among several."""
    start = time.perf_counter()
    for _ in range(calls):
        program()
    return (time.perf_counter() - start) / calls


def shown(number: float) -> str:
    """A number to three digits, large ones with all before the point."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.derivatives", description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="small, once: only that it runs")
    smoke = parser.parse_args(arguments).smoke
    rounds, calls = (1, 1) if smoke else (30, 10)
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    print(
        f"NumPy {np.__version__}, JAX {jax.__version__ if jax else 'none'}; load average {load}\n"
    )
    print("| work | program | µs | shortest | ratio |\n|---|---|---:|---:|---:|")
    for work, (programs, reference) in rows(smoke).items():
        samples = timed(programs, rounds, calls)
        reference_time = statistics.median(samples[reference])
        for name, times in samples.items():
            median = statistics.median(times)
            figures = [shown(v) for v in (median * 1e6, min(times) * 1e6, median / reference_time)]
            print(f"| {work} | {name} | {' | '.join(figures)} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
